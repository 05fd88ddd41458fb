#include "report_lines.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "../schemas/codec/codec.h"
#include "../schemas/codec/container.h"
#include "view.h"

#define BLOCK_BYTES (128 * 1024)
#define RECORD_ROOM (64 * 1024) /* at first; what is larger grows it */

/* clang-format off */
const char *const column_titles[COLUMNS] = {
    "ID",          "Call Date", "Call Time", "Call Type", "Direction",   "Name",    "Call Campaign", "Caller Phone Number", "Customer Name",
    "Recording",   "Account",   "Queue",     "Duration",  "Wait",        "Talk",    "Where",         "Reason",              "Notes",
    "Follow-up",   "Status",    "Tab",       "Outcome",   "Attempt",     "Assignee", "Closed",       "Went Cold",           "First Attempt",
    "Time to First Attempt",    "Job",       "Job Created", "Job Scheduled", "Job Completed",
};
/* clang-format on */

/* ---- Avro */

struct avro_lines {
    const struct shape *shape;
    uint8_t sync[16];
    GByteArray *block;
    int64_t records;
};

/* The same lines give the same bytes: the marker comes from the schema alone. */
static void avro_open(struct lines *lines, const struct shape *shape, const char *schema) {
    struct avro_lines *avro = lines->avro = g_new0(struct avro_lines, 1);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof digest;
    g_checksum_update(sum, (const guchar *)schema, -1);
    g_checksum_get_digest(sum, digest, &size);
    memcpy(avro->sync, digest, sizeof avro->sync);
    avro->shape = shape;
    avro->block = g_byte_array_new();
    size_t header = container_header(schema, avro->sync, NULL, 0);
    g_autofree uint8_t *bytes = g_malloc(header);
    fwrite(bytes, 1, container_header(schema, avro->sync, bytes, header), stdout);
}

static void avro_flush(struct avro_lines *avro) {
    uint8_t head[20];
    if (!avro->records) return;
    fwrite(head, 1, container_block_head(avro->records, avro->block->len, head), stdout);
    fwrite(avro->block->data, 1, avro->block->len, stdout);
    fwrite(avro->sync, 1, sizeof avro->sync, stdout);
    g_byte_array_set_size(avro->block, 0);
    avro->records = 0;
}

static void avro_add(struct avro_lines *avro, const void *record) {
    guint at = avro->block->len;
    size_t size, room = RECORD_ROOM;
    do {
        g_byte_array_set_size(avro->block, at + (guint)room);
        size = codec_write(avro->shape, record, avro->block->data + at, room);
    } while (size > room && (room = size));
    g_byte_array_set_size(avro->block, at + (guint)size);
    avro->records++;
    if (avro->block->len >= BLOCK_BYTES) avro_flush(avro);
}

static void avro_close(struct avro_lines *avro) {
    avro_flush(avro);
    g_byte_array_unref(avro->block);
    g_free(avro);
}

/* ---- opening */

/* `count`: of titles, where it is a table of any kind. */
static void open_lines(struct lines *lines, size_t count, const struct shape *shape, const char *schema) {
    static const enum print_format tables[] = {
        [FORMAT_TABLE] = PRINT_TABLE, [FORMAT_JSON] = PRINT_JSON, [FORMAT_CSV] = PRINT_CSV,
        [FORMAT_AVRO] = PRINT_JSON,   [FORMAT_HTML] = PRINT_HTML};
    enum print_format table = tables[lines->format];
    lines->for_people = table == PRINT_TABLE || table == PRINT_HTML;
    if (table != PRINT_JSON) lines->printer = printer_make(stdout, table, lines->titles, count, terminal_width());
    if (lines->format == FORMAT_AVRO) avro_open(lines, shape, schema);
}

/* On a narrow terminal the first four columns that were asked for stay, the others go from the right. */
static struct print_column title_of(enum column column, size_t place) {
    static const bool numbers[COLUMNS] = {[COLUMN_DURATION] = true, [COLUMN_WAIT] = true, [COLUMN_TALK] = true, [COLUMN_ATTEMPT] = true,
                                          [COLUMN_TIME_TO_FIRST_ATTEMPT] = true};
    static const int widest[COLUMNS] = {[COLUMN_NAME] = 20,    [COLUMN_CAMPAIGN] = 20, [COLUMN_CUSTOMER] = 24, [COLUMN_RECORDING] = 32,
                                        [COLUMN_ACCOUNT] = 16, [COLUMN_QUEUE] = 16,    [COLUMN_REASON] = 24,   [COLUMN_NOTES] = 32,
                                        [COLUMN_ASSIGNEE] = 16};
    return (struct print_column){column_titles[column], numbers[column], place < 4 ? 0 : (int)place, widest[column]};
}

void lines_open_rows(struct lines *lines, enum report_format format, const enum column *columns, size_t count) {
    *lines = (struct lines){.format = format, .column_count = count};
    for (size_t i = 0; i < count; i++) {
        lines->columns[i] = columns[i];
        lines->titles[i] = title_of(columns[i], i);
    }
    open_lines(lines, count, &shape_report_row, schema_text("ReportRow"));
}

/* clang-format off */
static const struct print_column group_titles[] = {
    {"Calls", true, 1, 0},          {"Inbound", true, 8, 0},        {"Abandoned", true, 1, 0},        {"Abandoned rate", true, 1, 0},
    {"Abandoned ±", true, 2, 0},    {"Unbooked", true, 1, 0},       {"Unbooked rate", true, 2, 0},    {"Unbooked ±", true, 3, 0},
    {"Missed", true, 7, 0},         {"Rows", true, 6, 0},           {"Recovered", true, 1, 0},        {"Recovered rate", true, 2, 0},
    {"Recovered ±", true, 4, 0},    {"Converted", true, 3, 0},      {"Jobs", true, 9, 0},             {"Reconnected", true, 4, 0},
    {"Resolved", true, 6, 0},       {"Dismissed", true, 5, 0},      {"Not a lead", true, 9, 0},       {"Not following up", true, 10, 0},
    {"Withdrawn", true, 8, 0},      {"Went cold", true, 4, 0},      {"Attempted", true, 7, 0},        {"Median", true, 3, 0},
    {"p90", true, 4, 0},            {"Calls before", true, 9, 0},   {"Abandoned before", true, 9, 0}, {"Unbooked before", true, 9, 0},
    {"Recovered before", true, 9, 0},
};
/* clang-format on */

void lines_open_groups(struct lines *lines, enum report_format format, const char *by, bool by_account) {
    *lines = (struct lines){.format = format};
    size_t count = 0;
    *lines->by = g_ascii_toupper(*by);
    g_strlcpy(lines->by + 1, by + 1, sizeof lines->by - 1);
    lines->titles[count++] = (struct print_column){lines->by, false, 0, 28};
    if (by_account) lines->titles[count++] = (struct print_column){"Account", false, 5, 16};
    for (size_t i = 0; i < G_N_ELEMENTS(group_titles); i++) lines->titles[count++] = group_titles[i];
    open_lines(lines, count, &shape_report_group, schema_text("ReportGroup"));
}

/* ---- a line of JSON */

static int print_line(char *line) {
    if (!line) g_error("no memory, or a record that is not UTF-8");
    fputs(line, stdout);
    fputc('\n', stdout);
    free(line);
    return ferror(stdout) ? 1 : 0;
}

/* ---- a line of the report */

static void print_symbol_of(struct lines *lines, const char *name, int value) {
    print_symbol(lines->printer, value < 0 ? NULL : symbol_text(name, value));
}

static void print_status_of(struct lines *lines, const struct report_row *row) {
    const char *words = lines->for_people ? status_words(row->status) : NULL;
    if (words)
        print_text(lines->printer, str_of(words));
    else
        print_symbol_of(lines, "Status", row->status);
}

static void print_cell(struct lines *lines, enum column column, const struct report_row *row) {
    struct printer *out = lines->printer;
    switch (column) {
    case COLUMN_ID: print_text(out, row->call_id); break;
    case COLUMN_DATE: print_text(out, row->call_date); break;
    case COLUMN_TIME: print_text(out, row->call_time); break;
    case COLUMN_TYPE: print_symbol_of(lines, "CallType", row->type); break;
    case COLUMN_DIRECTION: print_symbol_of(lines, "Direction", row->direction); break;
    case COLUMN_NAME: print_text(out, first_known(row->agent_name, row->agent)); break;
    case COLUMN_CAMPAIGN: print_text(out, row->campaign); break;
    case COLUMN_PHONE: print_text(out, row->phone_number); break;
    case COLUMN_CUSTOMER: print_text(out, first_known(row->customer_name, row->customer)); break;
    case COLUMN_RECORDING: print_link(out, row->recording); break;
    case COLUMN_ACCOUNT: print_text(out, row->account); break;
    case COLUMN_QUEUE: print_text(out, first_known(row->queue_name, row->queue)); break;
    case COLUMN_DURATION: print_duration(out, row->duration_ms); break;
    case COLUMN_WAIT: print_duration(out, row->wait_ms); break;
    case COLUMN_TALK: print_duration(out, row->talk_ms); break;
    case COLUMN_WHERE: print_symbol_of(lines, "AbandonedWhere", row->abandoned_where); break;
    case COLUMN_REASON: print_text(out, row->reason); break;
    case COLUMN_NOTES: print_text(out, row->notes); break;
    case COLUMN_FOLLOW_UP: print_text(out, row->follow_up); break;
    case COLUMN_STATUS: print_status_of(lines, row); break;
    case COLUMN_TAB: print_symbol_of(lines, "Tab", row->tab); break;
    case COLUMN_OUTCOME: print_symbol_of(lines, "Outcome", row->outcome); break;
    case COLUMN_ATTEMPT: print_number(out, row->attempt ? row->attempt : NONE); break;
    case COLUMN_ASSIGNEE: print_text(out, row->assignee); break;
    case COLUMN_CLOSED: print_time(out, row->closed_at); break;
    case COLUMN_WENT_COLD: print_time(out, row->went_cold_at); break;
    case COLUMN_FIRST_ATTEMPT: print_time(out, row->first_attempt_at); break;
    case COLUMN_TIME_TO_FIRST_ATTEMPT: print_duration(out, row->time_to_first_attempt_ms); break;
    case COLUMN_JOB: print_text(out, row->job); break;
    case COLUMN_JOB_CREATED: print_time(out, row->job_created_at); break;
    case COLUMN_JOB_SCHEDULED: print_time(out, row->job_scheduled_at); break;
    case COLUMN_JOB_COMPLETED: print_time(out, row->job_completed_at); break;
    case COLUMNS: break;
    }
}

int lines_add_row(struct lines *lines, const struct report_row *row) {
    lines->count++;
    if (lines->format == FORMAT_JSON) return print_line(json_write(&shape_report_row, row));
    if (lines->avro) avro_add(lines->avro, row);
    for (size_t i = 0; lines->printer && i < lines->column_count; i++) print_cell(lines, lines->columns[i], row);
    return ferror(stdout) ? 1 : 0;
}

/* ---- a line of a comparison */

char *rate_print(int64_t bp, bool sign, char text[32]) {
    int64_t size = bp < 0 ? -bp : bp;
    const char *before = bp < 0 ? "-" : sign ? "+" : "";
    *text = 0;
    if (bp != NONE) g_snprintf(text, 32, "%s%" G_GINT64_FORMAT ".%02d%s", before, size / 100, (int)(size % 100), sign ? "" : " %");
    return text;
}

/* People read percent, programs basis points. */
static void print_rate(struct lines *lines, int64_t bp, bool sign) {
    char text[32];
    if (lines->for_people)
        print_text(lines->printer, str_of(rate_print(bp, sign, text)));
    else
        print_number(lines->printer, bp);
}

static void print_group(struct lines *lines, const struct report_group *group) {
    struct printer *out = lines->printer;
    struct str none = lines->for_people ? STR("(none)") : STR_NULL;
    print_text(out, first_known(group->name, first_known(group->group, none)));
    if (!str_is_null(group->tenant)) print_text(out, group->account);
    print_number(out, group->calls);
    print_number(out, group->inbound);
    print_number(out, group->abandoned);
    print_rate(lines, group->abandoned_rate_bp, false);
    print_rate(lines, group->abandoned_rate_change_bp, true);
    print_number(out, group->unbooked);
    print_rate(lines, group->unbooked_rate_bp, false);
    print_rate(lines, group->unbooked_rate_change_bp, true);
    print_number(out, group->missed);
    print_number(out, group->rows);
    print_number(out, group->recovered);
    print_rate(lines, group->recovered_rate_bp, false);
    print_rate(lines, group->recovered_rate_change_bp, true);
    print_number(out, group->converted);
    print_number(out, group->jobs);
    print_number(out, group->reconnected);
    print_number(out, group->resolved);
    print_number(out, group->dismissed);
    print_number(out, group->not_a_lead);
    print_number(out, group->not_following_up);
    print_number(out, group->withdrawn);
    print_number(out, group->went_cold);
    print_number(out, group->attempted);
    print_duration(out, group->first_attempt_median_ms);
    print_duration(out, group->first_attempt_p90_ms);
    print_number(out, group->calls_before);
    print_number(out, group->abandoned_before);
    print_number(out, group->unbooked_before);
    print_number(out, group->recovered_before);
}

int lines_add_group(struct lines *lines, const struct report_group *group) {
    lines->count++;
    if (lines->format == FORMAT_JSON) return print_line(json_write(&shape_report_group, group));
    if (lines->avro) avro_add(lines->avro, group);
    if (lines->printer) print_group(lines, group);
    return ferror(stdout) ? 1 : 0;
}

uint64_t lines_finish(struct lines *lines) {
    if (lines->printer) printer_finish(lines->printer);
    if (lines->avro) avro_close(lines->avro);
    return lines->count;
}
