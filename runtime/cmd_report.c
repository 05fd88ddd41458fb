/* ringback report: the report Unbooked and Abandoned Calls and its comparisons (SPEC 8), from a snapshot of the state. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../schemas/codec/codec.h"
#include "data_dir.h"
#include "report_changes.h"
#include "report_figures.h"
#include "report_header.h"
#include "report_html.h"
#include "report_lines.h"
#include "view.h"

#define SORT_CHOICES                                                                                                                       \
    "account|-account|date|-date|type|-type|direction|-direction|name|-name|campaign|-campaign|phone|-phone|customer|-customer|queue|"     \
    "-queue|duration|-duration|wait|-wait|status|-status"
/* Place in the list / 2; the odd ones are descending. */
/* clang-format off */
enum sort {
    SORT_ACCOUNT, SORT_DATE, SORT_TYPE, SORT_DIRECTION, SORT_NAME, SORT_CAMPAIGN, SORT_PHONE, SORT_CUSTOMER, SORT_QUEUE, SORT_DURATION,
    SORT_WAIT, SORT_STATUS
};
/* clang-format on */

static const struct option_row options[] = {
    OPTION_DATA,
    {"range", 'r', OPTION_CHOICE, PRESET_CHOICES, "this-month", false, false,
     "Which days, counted from the stream time in each account's zone and week"},
    {"from", 0, OPTION_TEXT, "DATE", NULL, false, false, "From this day on, such as 2026-03-08; in place of --range"},
    {"to", 0, OPTION_TEXT, "DATE", NULL, false, false, "To the end of this day; in place of --range"},
    {"date-type", 0, OPTION_CHOICE, DATE_TYPE_CHOICES, "call", false, false,
     "Which date counts: when the call began, or a date of the job that converted its row"},
    {"zone", 'z', OPTION_TEXT, "ZONE", NULL, false, false, "Days and hours of this time zone, not of each account's own"},
    {"week-start", 0, OPTION_CHOICE, "monday|sunday|saturday", NULL, false, false, "When weeks begin, not as each account says"},
    {"now", 0, OPTION_TIME, "TIME", NULL, false, false, "Count --range from this moment, not from the stream time"},
    {"as-of", 0, OPTION_TIME, "TIME", NULL, false, false,
     "The report as it would have been printed at this stream time: reads the journal again"},
    {"changes-since", 0, OPTION_TIME, "TIME", NULL, false, false,
     "Print which calls of the report are other than at this stream time, and what did it: reads the journal again"},
    {"compare", 0, OPTION_CHOICE, COMPARE_CHOICES, NULL, false, false, "Print counts and rates side by side, not calls"},
    {"columns", 0, OPTION_CHOICE, COLUMN_CHOICES, COLUMNS_OF_THE_REPORT, false, true,
     "Which columns a table, CSV or page has, in this order"},
    {"sort", 's', OPTION_CHOICE, SORT_CHOICES, "account", false, false, "Order, least first, then by time; with a - greatest first"},
    {"limit", 'n', OPTION_NUMBER, "N", NULL, false, false, "Print at most so many calls; a page shows 500 where this is not given"},
    {"account", 'a', OPTION_TEXT, "ACCOUNT", NULL, false, false, "Only this account (tenant)"},
    {"tenant", 0, OPTION_TEXT, "ACCOUNT", NULL, false, false, "The same as --account"},
    {"direction", 0, OPTION_CHOICE, "inbound|outbound", NULL, false, true, "Only calls in these directions"},
    {"type", 't', OPTION_CHOICE, CALL_TYPE_CHOICES, NULL, false, true, "List only calls of these types"},
    {"status", 0, OPTION_CHOICE, "new|contact-attempted|follow-up-needed|resolved|dismissed|not-a-lead|not-following-up", NULL, false, true,
     "List only calls whose row is in these statuses"},
    {"tab", 0, OPTION_CHOICE, "open|cold|done", NULL, false, true, "List only calls whose row is in these tabs"},
    {"kind", 'k', OPTION_CHOICE, KIND_CHOICES, NULL, false, true, "List only calls with rows of these kinds"},
    {"outcome", 0, OPTION_CHOICE, "converted|reconnected|resolved|dismissed|not-a-lead|not-following-up", NULL, false, true,
     "List only calls whose row ended so"},
    {"age-min", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only calls that ended at least this long before the stream time"},
    {"age-max", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only calls that ended at most this long before the stream time"},
    {"duration-min", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only calls that lasted at least this long"},
    {"duration-max", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only calls that lasted at most this long"},
    {"customer", 'c', OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose customer's name, id or phone number holds this text"},
    {"queue", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose last queue's id or name holds this text"},
    {"campaign", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose campaign holds this text"},
    {"notes", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls with this text in their notes or their row's"},
    {"reason", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose reason holds this text"},
    {"agent", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose last agent's id or name holds this text"},
    {"format", 'f', OPTION_CHOICE, FORMAT_CHOICES, "table", false, false,
     "How to print: for people, one JSON object a line, RFC 4180, an Avro file, or a page for a browser"},
    {"header", 0, OPTION_FILE, "FILE", NULL, false, false, "Write what the report is about and what is not known there, as JSON"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, false, false, "No header, where it would be on standard error"},
    {0},
};

/* ---- what was asked for */

/* A day of --from or --to. False: complained. */
static bool read_day(const struct arguments *arguments, const char *option, int32_t *day) {
    const char *text = argument_text(arguments, option);
    if (!text || day_parse(text, day)) return true;
    complain("--%s: there is no day \"%s\". Give one such as 2026-03-08.", option, text);
    return false;
}

static bool read_choice(const struct arguments *arguments, struct report_choice *choice) {
    const char *account = argument_text(arguments, "account");
    *choice = (struct report_choice){
        .tenant = account ? account : argument_text(arguments, "tenant"),
        .zone = argument_text(arguments, "zone"),
        .week_start = argument_given(arguments, "week-start") ? (int)argument_choice(arguments, "week-start") : -1,
        .preset = (enum preset)argument_choice(arguments, "range"),
        .own_days = argument_given(arguments, "from") || argument_given(arguments, "to"),
        .days = DAYS_ALL,
        .now = argument_time(arguments, "now"),
    };
    if (choice->own_days && argument_given(arguments, "range")) {
        complain("--range and --from or --to exclude each other. Give one of them.");
        return false;
    }
    if (!read_day(arguments, "from", &choice->days.from) || !read_day(arguments, "to", &choice->days.to)) return false;
    if (choice->days.from <= choice->days.to) return true;
    complain("--from %s is later than --to %s. Exchange them.", argument_text(arguments, "from"), argument_text(arguments, "to"));
    return false;
}

static struct report_filter filter_of(const struct arguments *arguments) {
    return (struct report_filter){
        .directions = argument_choices(arguments, "direction"),
        .age_min = argument_duration(arguments, "age-min"),
        .age_max = argument_duration(arguments, "age-max"),
        .duration_min = argument_duration(arguments, "duration-min"),
        .duration_max = argument_duration(arguments, "duration-max"),
        .customer = argument_text(arguments, "customer"),
        .queue = argument_text(arguments, "queue"),
        .campaign = argument_text(arguments, "campaign"),
        .notes = argument_text(arguments, "notes"),
        .reason = argument_text(arguments, "reason"),
        .agent = argument_text(arguments, "agent"),
        .types = argument_choices(arguments, "type"),
        .statuses = argument_choices(arguments, "status"),
        .tabs = argument_choices(arguments, "tab"),
        .kinds = argument_choices(arguments, "kind"),
        .outcomes = argument_choices(arguments, "outcome"),
    };
}

/* ---- calls */

struct listing {
    struct report *report;
    struct lines lines;
    uint64_t limit, types[CALL_TYPES];
    bool cut; /* by the limit */
    enum sort sort;
    bool descending;
    GArray *matches; /* struct match, where the order is not that of the scan */
};

/* A call that is listed, kept until all are known and sorted. */
struct match {
    struct account *account;
    int64_t number; /* sorted by one of the two; NONE and NULL come last */
    char *text;     /* owned */
    int64_t started_at;
    char *call_id; /* owned */
};

static int print_call(void *context, const struct reported *reported) {
    struct listing *listing = context;
    struct report_room room;
    struct report_row row;
    if (!reported->listed) return 0;
    if (listing->lines.count == listing->limit) {
        listing->cut = true;
        return 1;
    }
    listing->types[reported->call->type]++;
    report_fill(reported, &room, &row);
    return lines_add_row(&listing->lines, &row);
}

/* What a call is sorted by: a number, or a text that the caller owns. */
static void key_of(enum sort sort, const struct reported *reported, struct match *match) {
    const struct classified_call *call = reported->call;
    struct str text = STR_NULL;
    switch (sort) {
    case SORT_ACCOUNT: text = str_of(reported->account->tenant); break;
    case SORT_DATE: match->number = call->started_at; break;
    case SORT_TYPE: text = str_of(symbol_text("CallType", call->type)); break;
    case SORT_DIRECTION: match->number = call->direction; break;
    case SORT_NAME: text = first_known(call->agent_name, call->agent); break;
    case SORT_CAMPAIGN: text = call->campaign; break;
    case SORT_PHONE: text = call->direction == DIRECTION_INBOUND ? call->from : call->to; break;
    case SORT_CUSTOMER: text = first_known(call->customer_name, call->customer); break;
    case SORT_QUEUE: text = first_known(call->queue_name, call->queue); break;
    case SORT_DURATION: match->number = call->duration_ms; break;
    case SORT_WAIT: match->number = call->wait_ms; break;
    case SORT_STATUS: match->number = reported->row ? reported->row->status : NONE; break;
    }
    if (!text.len) return;
    g_autofree char *plain = g_strndup(text.ptr, text.len);
    match->text = g_utf8_casefold(plain, -1);
}

static int compare_keys(const struct match *a, const struct match *b, bool descending) {
    bool a_none = a->number == NONE && !a->text, b_none = b->number == NONE && !b->text;
    if (a_none || b_none) return a_none - b_none;
    int order = a->text ? strcmp(a->text, b->text) : (a->number > b->number) - (a->number < b->number);
    return descending ? -order : order;
}

static int compare_matches(gconstpointer left, gconstpointer right, gpointer context) {
    const struct match *a = left, *b = right;
    const struct listing *listing = context;
    int order = compare_keys(a, b, listing->descending);
    if (order != 0) return order;
    if (a->account != b->account) return strcmp(a->account->tenant, b->account->tenant);
    if (a->started_at != b->started_at) return a->started_at < b->started_at ? -1 : 1;
    return strcmp(a->call_id, b->call_id);
}

static void match_clear(gpointer pointer) {
    struct match *match = pointer;
    g_free(match->text);
    g_free(match->call_id);
}

static void sort_and_cut(struct listing *listing) {
    g_array_sort_with_data(listing->matches, compare_matches, listing);
    if (listing->matches->len <= listing->limit) return;
    listing->cut = true;
    g_array_set_size(listing->matches, (guint)listing->limit);
}

static int collect(void *context, const struct reported *reported) {
    struct listing *listing = context;
    if (!reported->listed) return 0;
    struct match match = {reported->account, NONE, NULL, reported->call->started_at,
                          g_strndup(reported->call->call_id.ptr, reported->call->call_id.len)};
    key_of(listing->sort, reported, &match);
    g_array_append_val(listing->matches, match);
    if (listing->matches->len / 2 > listing->limit) sort_and_cut(listing); /* keeps memory to twice the limit */
    return 0;
}

static int print_sorted(struct listing *listing) {
    listing->matches = g_array_new(FALSE, FALSE, sizeof(struct match));
    g_array_set_clear_func(listing->matches, match_clear);
    int code = report_scan(listing->report, false, collect, listing);
    if (code == 0) sort_and_cut(listing);
    for (guint i = 0; i < listing->matches->len && code == 0; i++) {
        const struct match *match = &g_array_index(listing->matches, struct match, i);
        code = report_one(listing->report, match->account, str_of(match->call_id), print_call, listing);
    }
    g_array_free(listing->matches, TRUE);
    return code;
}

static void say_how_many(const struct listing *listing) {
    uint64_t count = listing->lines.count;
    FILE *out = listing->lines.format == FORMAT_TABLE ? stdout : stderr;
    if (listing->cut) fprintf(out, "\nOnly the first %" G_GUINT64_FORMAT " are shown: --limit.\n", listing->limit);
    if (count == 0 && !listing->cut) {
        fputs("No calls match.\n", out);
    } else if (listing->lines.format == FORMAT_TABLE) {
        printf("\n%" G_GUINT64_FORMAT " call%s", count, count == 1 ? "" : "s");
        for (int type = 0, first = 1; type < CALL_TYPES; type++) {
            if (!listing->types[type]) continue;
            printf("%s %" G_GUINT64_FORMAT " %s", first ? ":" : ",", listing->types[type], symbol_text("CallType", type));
            first = 0;
        }
        puts(".");
    }
}

/* Prints the calls that are listed, as lines of `format`. */
static int print_calls(const struct arguments *arguments, struct listing *listing, enum report_format format) {
    enum column columns[COLUMNS];
    size_t count = argument_count(arguments, "columns");
    for (size_t i = 0; i < count; i++) columns[i] = (enum column)argument_choice_at(arguments, "columns", i);
    long long sort = argument_choice(arguments, "sort");
    listing->sort = (enum sort)(sort / 2);
    listing->descending = sort % 2 == 1;
    lines_open_rows(&listing->lines, format, columns, count);
    int code = sort == 0 ? report_scan(listing->report, false, print_call, listing) : print_sorted(listing);
    lines_finish(&listing->lines);
    return code;
}

static uint64_t limit_of(const struct arguments *arguments, uint64_t otherwise) {
    return argument_given(arguments, "limit") ? (uint64_t)argument_number(arguments, "limit") : otherwise;
}

static int list(const struct arguments *arguments, struct report *report, enum report_format format) {
    struct listing listing = {.report = report, .limit = limit_of(arguments, UINT64_MAX)};
    int code = print_calls(arguments, &listing, format);
    if (code >= 0 && (format == FORMAT_TABLE || !argument_given(arguments, "quiet"))) say_how_many(&listing);
    return code;
}

static int page(const struct arguments *arguments, struct report *report) {
    struct listing listing = {.report = report, .limit = limit_of(arguments, HTML_CALLS_SHOWN)};
    struct board board;
    board_open(&board, argument_given(arguments, "compare") ? (enum compare)argument_choice(arguments, "compare") : COMPARE_CAMPAIGN,
               report);
    int code = board_scan(&board, report);
    if (code == 0) {
        html_begin(report, &board);
        code = print_calls(arguments, &listing, FORMAT_HTML);
    }
    if (code >= 0) code = html_end(report, &board, listing.lines.count, listing.cut);
    board_free(&board);
    return code;
}

/* ---- comparison */

static int count_call(void *context, const struct reported *reported) {
    comparison_add(context, reported);
    return 0;
}

static int compare(const struct arguments *arguments, struct report *report, enum report_format format) {
    struct comparison comparison;
    struct lines lines;
    comparison_open(&comparison, (enum compare)argument_choice(arguments, "compare"), report);
    int code = report_scan(report, true, count_call, &comparison);
    if (code == 0) {
        comparison_sort(&comparison);
        lines_open_groups(&lines, format, argument_text(arguments, "compare"), comparison.by <= COMPARE_AGENT);
        for (guint i = 0; i < comparison.groups->len && code == 0; i++) {
            struct report_group group;
            group_fill(&comparison, comparison.groups->pdata[i], &group);
            code = lines_add_group(&lines, &group);
        }
        bool said = format == FORMAT_TABLE || !argument_given(arguments, "quiet");
        if (lines_finish(&lines) == 0 && said) fputs("No calls match.\n", format == FORMAT_TABLE ? stdout : stderr);
    }
    comparison_free(&comparison);
    return code;
}

/* ---- the command */

static int write_header(const struct arguments *arguments, const struct report *report, enum report_format format) {
    const char *path = argument_text(arguments, "header");
    int code = path ? header_write(path, report) : 0;
    if (code != 0 || format == FORMAT_HTML) return code;
    if (format == FORMAT_TABLE) return header_print(stdout, report);
    return path || argument_given(arguments, "quiet") ? 0 : header_print(stderr, report);
}

static int print_report(const struct arguments *arguments, struct report *report) {
    enum report_format format = (enum report_format)argument_choice(arguments, "format");
    int code = write_header(arguments, report, format);
    if (code != 0) return code;
    if (format == FORMAT_HTML)
        code = page(arguments, report);
    else
        code = argument_given(arguments, "compare") ? compare(arguments, report, format) : list(arguments, report, format);
    return MIN(0, code); /* > 0: enough was printed, or nobody reads on, which finish_output says */
}

/* False: complained. */
static bool check_columns(const struct arguments *arguments) {
    unsigned long long seen = 0;
    for (size_t i = 0; i < argument_count(arguments, "columns"); i++) {
        long long column = argument_choice_at(arguments, "columns", i);
        if (seen >> column & 1) {
            complain("--columns names %s twice.", argument_at(arguments, "columns", i));
            return false;
        }
        seen |= 1ULL << column;
    }
    return true;
}

/* False: complained. */
static bool check_options(const struct arguments *arguments) {
    enum report_format format = (enum report_format)argument_choice(arguments, "format");
    if (format == FORMAT_AVRO && isatty(STDOUT_FILENO)) {
        complain("--format avro is bytes for programs. Send it to a file: ... > report.avro");
        return false;
    }
    if (argument_given(arguments, "changes-since") && (format == FORMAT_AVRO || format == FORMAT_HTML)) {
        complain("--changes-since prints a table, JSON or CSV, not %s.", argument_text(arguments, "format"));
        return false;
    }
    if (argument_given(arguments, "changes-since") && argument_given(arguments, "compare")) {
        complain("--changes-since is about calls, --compare about groups of them. Leave one of them out.");
        return false;
    }
    bool both = argument_given(arguments, "changes-since") && argument_given(arguments, "as-of");
    if (both && argument_time(arguments, "changes-since") > argument_time(arguments, "as-of")) {
        complain("--changes-since %s is later than --as-of %s. Exchange them.", argument_text(arguments, "changes-since"),
                 argument_text(arguments, "as-of"));
        return false;
    }
    static const char *const of_calls[] = {"columns", "sort", "limit"};
    const char *other = argument_given(arguments, "changes-since")                      ? "changes-since"
                        : argument_given(arguments, "compare") && format != FORMAT_HTML ? "compare"
                                                                                        : NULL;
    for (size_t i = 0; other && i < G_N_ELEMENTS(of_calls); i++) {
        if (!argument_given(arguments, of_calls[i])) continue;
        complain("--%s has no meaning with --%s. Leave one of them out.", of_calls[i], other);
        return false;
    }
    return check_columns(arguments);
}

static int of_the_state(const struct arguments *arguments, struct report *report, const struct report_choice *choice) {
    struct store *store = view_open(argument_text(arguments, "data"));
    if (!store) return EXIT_FAILED;
    int code = report_open(report, store, choice);
    if (code == 0) code = print_report(arguments, report);
    if (code < 0) code = view_failed(store);
    view_close(store);
    return code;
}

/* The moment that presets are counted from: it must be known before the journal has been read to its end. */
static int now_of_state(const struct arguments *arguments, struct report_choice *choice) {
    if (choice->now == NONE) choice->now = argument_time(arguments, "as-of");
    if (choice->now != NONE) return 0;
    struct store *store = view_open(argument_text(arguments, "data"));
    struct fold_status status;
    if (!store) return EXIT_FAILED;
    int code = fold_view_status(store, &status);
    choice->now = status.stream_time;
    if (code < 0) code = view_failed(store);
    view_close(store);
    return code;
}

static int print_changes(const struct arguments *arguments, struct changes *changes, struct store *store) {
    int code = report_open(changes->report, store, changes->choice);
    if (code == 0) code = write_header(arguments, changes->report, (enum report_format)argument_choice(arguments, "format"));
    if (code != 0) return code < 0 ? view_failed(store) : code;
    code = changes_print(changes, (enum report_format)argument_choice(arguments, "format"));
    return code < 0 ? view_failed(store) : EXIT_DONE;
}

static int read_changes(const struct arguments *arguments, struct replay *replay, struct report *report, struct report_choice *choice) {
    struct changes changes = {.choice = choice,
                              .report = report,
                              .since = argument_time(arguments, "changes-since"),
                              .until = argument_time(arguments, "as-of"),
                              .failure = replay->failure};
    int code = now_of_state(arguments, choice);
    if (code == 0) code = changes_read(&changes, replay) < 0 ? -1 : print_changes(arguments, &changes, replay->store);
    changes_free(&changes);
    return code;
}

static int read_as_of(const struct arguments *arguments, struct replay *replay, struct report *report, const struct report_choice *choice) {
    struct reader_query query = {.until = argument_time(arguments, "as-of")};
    if (replay_run(replay, &query, "reading the journal again:") < 0) return -1;
    int code = report_open(report, replay->store, choice);
    if (code == 0 && report->status.stream_time == NONE) {
        complain("--as-of %s: nothing had been read by then; the journal begins later.", argument_text(arguments, "as-of"));
        return EXIT_FAILED;
    }
    if (code == 0) code = print_report(arguments, report);
    return code < 0 ? view_failed(replay->store) : code;
}

/* The journal of a service is in Kafka: its states lie alone. */
static int need_journal(const char *data, struct failure *failure) {
    struct data_dir dir;
    char path[PATH_MAX];
    if (data_dir_open(&dir, data, failure) < 0) return -1;
    if (access(data_dir_journal(&dir, path), F_OK) == 0 || errno != ENOENT) return 0;
    return fail(failure, EXIT_FAILED, "%s is not there: reports of the past need the journal, and that of a service is in Kafka.", path);
}

static int of_the_past(const struct arguments *arguments, struct report *report, struct report_choice *choice) {
    struct failure failure = {0};
    struct replay replay = {0};
    int code = need_journal(argument_text(arguments, "data"), &failure);
    if (code == 0) code = replay_open(&replay, argument_text(arguments, "data"), &failure);
    if (code == 0)
        code = argument_given(arguments, "changes-since") ? read_changes(arguments, &replay, report, choice)
                                                          : read_as_of(arguments, &replay, report, choice);
    replay_close(&replay);
    if (code >= 0) return code;
    complain("%s", failure.text);
    return failure.code;
}

static int run(const struct arguments *arguments) {
    struct report_choice choice;
    struct report report = {.filter = filter_of(arguments), .date_type = (enum date_type)argument_choice(arguments, "date-type")};
    if (!read_choice(arguments, &choice) || !check_options(arguments) || !durations_fit(arguments)) return EXIT_USAGE;
    char error[400];
    if (schemas_load(error, sizeof error) < 0) { /* of Avro, and of the journal */
        complain("%s", error);
        return EXIT_FAILED;
    }
    int code = argument_given(arguments, "as-of") || argument_given(arguments, "changes-since") ? of_the_past(arguments, &report, &choice)
                                                                                                : of_the_state(arguments, &report, &choice);
    report_free(&report);
    schemas_unload();
    return code;
}

const struct command command_report = {
    .name = "report",
    .summary = "print the report Unbooked and Abandoned Calls, or compare campaigns, agents, hours",
    .operands = "REPORT",
    .operand_choices = "unbooked-abandoned",
    .description =
        "Prints the calls that agents did not book and those that callers gave up, with what came of each, from a snapshot that is "
        "consistent and does not disturb a fold that is running. Missed calls and callbacks that callers asked for are in it where they "
        "are worked: where a row came of them.\n\n"
        "Days are those on the wall of each account's time zone; a day has 23 or 25 hours when the clocks are changed. Ranges are counted "
        "from the stream time (how far the calls have been read), so that the same data gives the same report.\n\n"
        "With --compare it prints, for each campaign, queue, agent, hour or day: calls and how many of them were abandoned and "
        "unbooked, what became of their rows, and the time to the first attempt, beside the period before. Filters of rows (--type, "
        "--status, --tab, --kind, --outcome) narrow down what is listed, not the calls that it is compared with.\n\n"
        "The header says what is not known: rejected records, lost calls, gaps in sources, calls in progress. In CSV, text that a "
        "spreadsheet would run as a formula has an apostrophe put before it, durations are H:MM:SS, rates basis points. JSON and Avro have "
        "every field; ringback schemas ReportRow and ReportGroup explain them.",
    .options = options,
    .example = "ringback report unbooked-abandoned --data ringback-data --range last-week\n"
               "  Last week's calls of all accounts.\n\n"
               "ringback report unbooked-abandoned -d ringback-data --range this-month --compare campaign\n"
               "  Which campaigns lose their callers, beside the month before.\n\n"
               "ringback report unbooked-abandoned -d ringback-data --account acme --range last-month --format html > acme.html\n"
               "  The month as a page with charts, in one file.",
    .run = run,
};
