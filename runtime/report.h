/*
 * report: the calls that the report Unbooked and Abandoned Calls is about (SPEC 8), from a snapshot of a state.
 *
 * A call belongs to the period when the day of its date lies in it: its start, or a date of the job that converted its row (date type),
 * on the wall of its account's zone. Listed are calls of type UNBOOKED or ABANDONED, and MISSED and CALLBACK_REQUESTED ones of which a
 * row stands, that pass the filters. The others are seen too: they are what listed ones are compared with.
 */
#ifndef RINGBACK_REPORT_H
#define RINGBACK_REPORT_H

#include <glib.h>

#include "../processors/fold.h"
#include "../schemas/codec/report.h"
#include "report_range.h"

/* The order of DATE_TYPE_CHOICES. */
enum date_type { DATE_CALL, DATE_JOB_COMPLETION, DATE_JOB_CREATION, DATE_JOB_SCHEDULED };
#define DATE_TYPE_CHOICES "call|job-completion|job-creation|job-scheduled"

/* A tenant of the report. */
struct account {
    char *tenant, *name; /* the name is the id where there is none */
    struct zone *zone;
    char *zone_unknown;  /* what the tenant announced where this machine has no such zone: then it is UTC; else NULL */
    int8_t week_start;
    struct days days, before; /* the period, and what it is compared with */
};

/* What the tabs filter by. Sets are of bits, 0 is all; texts are looked for in any part of a field, NULL is all; times in ms, NONE: open. */
struct report_filter {
    /* of a call: the calls that a comparison counts pass these too */
    unsigned long long directions;
    int64_t age_min, age_max, duration_min, duration_max;
    const char *customer, *queue, *campaign, *notes, *reason, *agent;
    /* of a listed call and its row; a call without a row passes no filter of rows */
    unsigned long long types, statuses, tabs, kinds, outcomes;
};

/* Which accounts, and which days. */
struct report_choice {
    const char *tenant;    /* NULL: all */
    const char *zone;      /* NULL: each account's own */
    int week_start;        /* enum week_start; -1: each account's own */
    enum preset preset;    /* where there are no days of one's own */
    bool own_days;
    struct days days;
    int64_t now;           /* ms: the moment that presets are counted from; NONE: the stream time */
};

struct report {
    struct store *store; /* with a snapshot begun; not owned */
    enum date_type date_type;
    struct report_filter filter;
    struct fold_status status;
    int64_t now;           /* ms: the moment that presets were counted from */
    uint64_t lost, in_progress; /* calls of the accounts, whenever they began */
    GPtrArray *accounts;   /* struct account, by tenant */
};

/*
 * Reads who and when. 0; a negative error of the store; > 0 a complaint was made: EXIT_USAGE for an unknown tenant or zone or days that no
 * account's zone has. report_free also after a failure.
 */
int report_open(struct report *report, struct store *store, const struct report_choice *choice);
void report_free(struct report *report);

/* One call of the period, or of the one before. Valid during the callback. */
struct reported {
    struct account *account;
    const struct classified_call *call;
    const struct followup *const *rows; /* both, by kind, NULL where there is none */
    const struct followup *row;         /* of a listed call: the one that stands; may be NULL */
    int64_t date;                       /* ms: what made it belong here */
    int32_t day;                        /* of that date */
    bool before;                        /* it belongs to the period before */
    bool listed;
};
typedef int report_each(void *context, const struct reported *reported);

/* Calls back for each call of the period by account, start and id, in one pass; with_before: those of the period before as well. What is
 * returned other than 0 ends it and is returned. */
int report_scan(struct report *report, bool with_before, report_each *each, void *context);
/* The same for one call that a scan listed. 0 where it is not listed any more. */
int report_one(struct report *report, struct account *account, struct str call_id, report_each *each, void *context);

/* A listed call as a line. Texts point into `reported` and `room`. */
struct report_room {
    char date[DAY_TEXT_SIZE], time[12];
};
void report_fill(const struct reported *reported, struct report_room *room, struct report_row *row);

/* ms from the end of the call to the first attempt, at least 0; NONE: there was none. */
int64_t time_to_first_attempt(const struct followup *row);

#endif
