/*
 * report_lines: the lines of a report as a table, the rows of one in a page, CSV, JSON lines or an Avro container file, on
 * standard output.
 *
 * A table and CSV have the columns that were asked for; JSON and Avro always have every field of schemas/reports/.
 */
#ifndef RINGBACK_REPORT_LINES_H
#define RINGBACK_REPORT_LINES_H

#include "../schemas/codec/report.h"
#include "print.h"

/* The order of FORMAT_CHOICES; the first three are those of print.h. */
enum report_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_AVRO, FORMAT_HTML };
#define FORMAT_CHOICES PRINT_FORMATS "|avro|html"

/* The order of COLUMN_CHOICES. */
enum column {
    COLUMN_ID, COLUMN_DATE, COLUMN_TIME, COLUMN_TYPE, COLUMN_DIRECTION, COLUMN_NAME, COLUMN_CAMPAIGN, COLUMN_PHONE, COLUMN_CUSTOMER,
    COLUMN_RECORDING, COLUMN_ACCOUNT, COLUMN_QUEUE, COLUMN_DURATION, COLUMN_WAIT, COLUMN_TALK, COLUMN_WHERE, COLUMN_REASON, COLUMN_NOTES,
    COLUMN_FOLLOW_UP, COLUMN_STATUS, COLUMN_TAB, COLUMN_OUTCOME, COLUMN_ATTEMPT, COLUMN_ASSIGNEE, COLUMN_CLOSED, COLUMN_WENT_COLD,
    COLUMN_FIRST_ATTEMPT, COLUMN_TIME_TO_FIRST_ATTEMPT, COLUMN_JOB, COLUMN_JOB_CREATED, COLUMN_JOB_SCHEDULED, COLUMN_JOB_COMPLETED, COLUMNS
};
#define COLUMN_CHOICES                                                                                                                     \
    "id|date|time|type|direction|name|campaign|phone|customer|recording|account|queue|duration|wait|talk|where|reason|notes|follow-up|"    \
    "status|tab|outcome|attempt|assignee|closed|went-cold|first-attempt|time-to-first-attempt|job|job-created|job-scheduled|job-completed"
#define COLUMNS_OF_THE_REPORT "id,date,time,type,direction,name,campaign,phone,customer,recording" /* SPEC 8 */

extern const char *const column_titles[COLUMNS];

struct lines {
    enum report_format format;
    struct printer *printer;            /* of a table and CSV */
    enum column columns[PRINT_COLUMNS_MAX];
    size_t column_count;                /* 0: lines of a comparison */
    bool for_people;                    /* words, not symbols and basis points */
    struct print_column titles[PRINT_COLUMNS_MAX];
    char by[16];                        /* the title of what a comparison is by */
    struct avro_lines *avro;
    uint64_t count;
};

/* Lines of the report, with these columns. */
void lines_open_rows(struct lines *lines, enum report_format format, const enum column *columns, size_t count);
/* Lines of a comparison. `by_account`: of campaigns, queues or agents, which are apart by account. */
void lines_open_groups(struct lines *lines, enum report_format format, const char *by, bool by_account);
/* Writes one line. Returns 1 when standard output takes no more, else 0. */
int lines_add_row(struct lines *lines, const struct report_row *row);
int lines_add_group(struct lines *lines, const struct report_group *group);
/* Writes what is left. Returns the number of lines. */
uint64_t lines_finish(struct lines *lines);

/* "37.5 %" of 3,750 basis points, "" of NONE; with `sign`, "+1.2". Returns `text`. */
char *rate_print(int64_t bp, bool sign, char text[32]);

#endif
