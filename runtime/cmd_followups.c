/* ringback followups: the rows of the tabs (SPEC 3, 4), filtered and sorted, from a snapshot of the state. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "../schemas/codec/codec.h"
#include "../schemas/codec/time_text.h"
#include "print.h"
#include "view.h"

#define SORT_CHOICES "age|-age|duration|-duration|wait|-wait|attempt|-attempt|changed|-changed"
enum sort { SORT_AGE, SORT_DURATION, SORT_WAIT, SORT_ATTEMPT, SORT_CHANGED }; /* place in the list / 2; the odd ones are descending */

static const struct option_row options[] = {
    OPTION_DATA,
    {"tab", 't', OPTION_CHOICE, TAB_CHOICES, "open,cold,done", false, true, "Only rows in these tabs"},
    {"kind", 'k', OPTION_CHOICE, KIND_CHOICES, NULL, false, true, "Only rows of these kinds"},
    {"status", 's', OPTION_CHOICE, STATUS_CHOICES, NULL, false, true, "Only rows in these statuses"},
    {"age-min", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only rows at least this old: stream time less the call's end"},
    {"age-max", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only rows at most this old"},
    {"duration-min", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only rows of calls that lasted at least this long"},
    {"duration-max", 0, OPTION_DURATION, "DURATION", NULL, false, false, "Only rows of calls that lasted at most this long"},
    {"account", 'a', OPTION_TEXT, "ACCOUNT", NULL, false, false, "Only rows of this account (tenant)"},
    {"tenant", 0, OPTION_TEXT, "ACCOUNT", NULL, false, false, "The same as --account"},
    {"customer", 'c', OPTION_TEXT, "TEXT", NULL, false, false, "Only rows whose customer's name, id or phone number holds this text"},
    {"queue", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only rows whose queue's id or name holds this text"},
    {"campaign", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only rows whose campaign holds this text"},
    {"notes", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only rows with this text in their notes or their call's"},
    {"type", 0, OPTION_CHOICE, CALL_TYPE_CHOICES, NULL, false, true, "Only rows of calls of these types"},
    {"reason", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only rows whose call's reason holds this text"},
    {"agent", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only rows whose agent's id or name holds this text"},
    {"sort", 0, OPTION_CHOICE, SORT_CHOICES, "age", false, false, "Order, least first; with a - greatest first"},
    {"limit", 'n', OPTION_NUMBER, "N", NULL, false, false, "Print at most so many rows"},
    OPTION_FORMAT,
    {0},
};

static const struct print_column columns[] = {
    {"Follow-up", false, 0, 0}, {"Tab", false, 3, 0},        {"Status", false, 1, 24},    {"Outcome", false, 4, 0},
    {"Age", true, 0, 0},        {"Duration", true, 5, 0},    {"Account", false, 8, 16},   {"Customer", false, 0, 24},
    {"Queue", false, 6, 16},    {"Campaign", false, 10, 20}, {"Attempt", true, 9, 0},     {"Type", false, 12, 0},
    {"Reason", false, 13, 24},  {"Agent", false, 7, 16},     {"Assignee", false, 11, 16}, {"Version", true, 14, 0},
    {"Call time", false, 2, 0},
};

struct filter {
    unsigned long long tabs, kinds, statuses, types;      /* sets of bits; 0: all */
    int64_t age_min, age_max, duration_min, duration_max; /* ms; NONE: open */
    const char *account, *customer, *queue, *campaign, *notes, *reason, *agent;
};

/* A row that matches, kept until all are known and sorted. */
struct match {
    int64_t key;  /* what is sorted by; NONE comes last */
    char *tenant; /* owned; the row's id behind its 0 */
};

struct listing {
    struct filter filter;
    enum sort sort;
    bool descending;
    size_t limit;
    int64_t stream_time;
    enum print_format format;
    GArray *matches;      /* struct match */
    GHashTable *accounts; /* tenant -> name */
    struct printer *printer;
    uint64_t printed;
};

/* ---- which rows */

static bool matches(const struct listing *listing, const struct followup *row) {
    const struct filter *f = &listing->filter;
    if (!choice_in(f->tabs, row->tab < 0 ? TAB_DONE + 1 : row->tab) || !choice_in(f->kinds, row->kind) || !choice_in(f->statuses, row->status))
        return false;
    if (!choice_in(f->types, row->call_type)) return false;
    if (!number_within(age_at(listing->stream_time, row->call_ended_at), f->age_min, f->age_max)) return false;
    if (!number_within(row->duration_ms, f->duration_min, f->duration_max)) return false;
    if (!text_has(row->customer_name, f->customer) && !text_has(row->customer, f->customer) && !text_has(row->phone_number, f->customer))
        return false;
    if (!text_has(row->queue_name, f->queue) && !text_has(row->queue, f->queue)) return false;
    if (!text_has(row->agent_name, f->agent) && !text_has(row->agent, f->agent)) return false;
    return text_has(row->campaign, f->campaign) && text_has(row->reason, f->reason) && notes_have(row, f->notes);
}

/* ---- in which order */

static int64_t key_of(const struct listing *listing, const struct followup *row) {
    switch (listing->sort) {
    case SORT_AGE: return row->call_ended_at == NONE ? NONE : -row->call_ended_at;
    case SORT_DURATION: return row->duration_ms;
    case SORT_WAIT: return row->wait_ms;
    case SORT_ATTEMPT: return row->attempt;
    case SORT_CHANGED: return row->changed_at;
    }
    return NONE;
}

static const char *row_id(const struct match *match) { return match->tenant + strlen(match->tenant) + 1; }

static int compare(gconstpointer left, gconstpointer right, gpointer context) {
    const struct match *a = left, *b = right;
    const struct listing *listing = context;
    if (a->key != b->key) {
        if (a->key == NONE || b->key == NONE) return a->key == NONE ? 1 : -1;
        return (a->key < b->key) != listing->descending ? -1 : 1;
    }
    int order = strcmp(a->tenant, b->tenant);
    return order ? order : strcmp(row_id(a), row_id(b));
}

static void sort_and_cut(struct listing *listing) {
    g_array_sort_with_data(listing->matches, compare, listing);
    if (listing->matches->len > listing->limit) g_array_set_size(listing->matches, (guint)listing->limit);
}

static void match_clear(gpointer match) { g_free(((struct match *)match)->tenant); }

static int collect(void *context, const struct followup *row) {
    struct listing *listing = context;
    if (!matches(listing, row)) return 0;
    struct match match = {key_of(listing, row), g_malloc(row->tenant.len + row->follow_up.len + 2)};
    sprintf(match.tenant, "%.*s%c%.*s", (int)row->tenant.len, row->tenant.ptr, 0, (int)row->follow_up.len, row->follow_up.ptr);
    g_array_append_val(listing->matches, match);
    if (listing->matches->len / 2 > listing->limit) sort_and_cut(listing); /* keeps memory to twice the limit */
    return 0;
}

/* ---- printing */

static void print_status(struct printer *printer, const struct listing *listing, const struct followup *row) {
    const char *words = status_words(row->status);
    if (words && listing->format == PRINT_TABLE)
        print_text(printer, str_of(words));
    else
        print_symbol(printer, symbol_text("Status", row->status));
}

static void print_row(struct listing *listing, const struct followup *row) {
    struct printer *printer = listing->printer;
    g_autofree char *tenant = g_strndup(row->tenant.ptr, row->tenant.len);
    const char *account = g_hash_table_lookup(listing->accounts, tenant);
    print_text(printer, row->follow_up);
    print_symbol(printer, row->tab < 0 ? "WITHDRAWN" : symbol_text("Tab", row->tab));
    print_status(printer, listing, row);
    print_symbol(printer, row->outcome < 0 ? NULL : symbol_text("Outcome", row->outcome));
    print_duration(printer, age_at(listing->stream_time, row->call_ended_at));
    print_duration(printer, row->duration_ms);
    print_text(printer, account && *account ? str_of(account) : row->tenant);
    print_text(printer, first_known(row->customer_name, first_known(row->phone_number, row->customer)));
    print_text(printer, first_known(row->queue_name, row->queue));
    print_text(printer, row->campaign);
    print_number(printer, row->attempt);
    print_symbol(printer, symbol_text("CallType", row->call_type));
    print_text(printer, row->reason);
    print_text(printer, first_known(row->agent_name, row->agent));
    print_text(printer, row->assignee);
    print_number(printer, row->version);
    print_time(printer, row->call_started_at);
}

static int print_one(void *context, const struct followup *row) {
    struct listing *listing = context;
    listing->printed++;
    if (listing->format == PRINT_JSON) {
        struct json_extra age = {"age_ms", age_at(listing->stream_time, row->call_ended_at)};
        return print_json(stdout, json_write(&shape_followup, row), &age, 1);
    }
    print_row(listing, row);
    return ferror(stdout) ? 1 : 0;
}

static int print_matches(struct listing *listing, struct store *store) {
    int code = 0;
    if (listing->format != PRINT_JSON)
        listing->printer = printer_make(stdout, listing->format, columns, G_N_ELEMENTS(columns), terminal_width());
    for (guint i = 0; i < listing->matches->len && code == 0; i++) {
        const struct match *match = &g_array_index(listing->matches, struct match, i);
        code = fold_view_followup_one(store, str_of(match->tenant), str_of(row_id(match)), print_one, listing);
    }
    if (listing->printer) printer_finish(listing->printer);
    if (listing->format != PRINT_TABLE || code < 0) return code;
    if (listing->printed == 0) {
        puts("No follow-ups match.");
        return code;
    }
    char time[TIME_TEXT_SIZE] = "the start";
    if (listing->stream_time != NONE) time_print(listing->stream_time, time);
    printf("\n%" G_GUINT64_FORMAT " follow-up%s as of %s (stream time).\n", listing->printed, listing->printed == 1 ? "" : "s", time);
    return code;
}

/* ---- the command */

static int remember_account(void *context, struct str tenant, struct str name, const struct fold_counts *counts) {
    (void)counts;
    g_hash_table_insert(context, g_strndup(tenant.ptr, tenant.len), name.ptr ? g_strndup(name.ptr, name.len) : NULL);
    return 0;
}

static struct filter filter_of(const struct arguments *arguments) {
    const char *account = argument_text(arguments, "account");
    return (struct filter){
        .tabs = argument_choices(arguments, "tab"),
        .kinds = argument_choices(arguments, "kind"),
        .statuses = argument_choices(arguments, "status"),
        .types = argument_choices(arguments, "type"),
        .age_min = argument_duration(arguments, "age-min"),
        .age_max = argument_duration(arguments, "age-max"),
        .duration_min = argument_duration(arguments, "duration-min"),
        .duration_max = argument_duration(arguments, "duration-max"),
        .account = account ? account : argument_text(arguments, "tenant"),
        .customer = argument_text(arguments, "customer"),
        .queue = argument_text(arguments, "queue"),
        .campaign = argument_text(arguments, "campaign"),
        .notes = argument_text(arguments, "notes"),
        .reason = argument_text(arguments, "reason"),
        .agent = argument_text(arguments, "agent"),
    };
}

static int list(struct listing *listing, struct store *store) {
    struct fold_status status;
    int code = fold_view_status(store, &status);
    listing->stream_time = status.stream_time;
    if (code == 0) code = fold_view_tenants(store, remember_account, listing->accounts);
    struct str tenant = str_of(listing->filter.account ? listing->filter.account : "*");
    if (code == 0) code = fold_view_followups(store, tenant, NONE, NONE, collect, listing);
    if (code < 0) return code;
    sort_and_cut(listing);
    return print_matches(listing, store);
}

static int run(const struct arguments *arguments) {
    long long sort = argument_choice(arguments, "sort");
    struct listing listing = {
        .filter = filter_of(arguments),
        .sort = (enum sort)(sort / 2),
        .descending = sort % 2 == 1,
        .limit = argument_given(arguments, "limit") ? (size_t)argument_number(arguments, "limit") : G_MAXUINT,
        .format = (enum print_format)argument_choice(arguments, "format"),
    };
    if (!durations_fit(arguments)) return EXIT_USAGE;
    struct store *store = view_open(argument_text(arguments, "data"));
    if (!store) return EXIT_FAILED;
    listing.matches = g_array_new(FALSE, FALSE, sizeof(struct match));
    g_array_set_clear_func(listing.matches, match_clear);
    listing.accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    int code = list(&listing, store);
    if (code < 0) view_failed(store);
    g_hash_table_destroy(listing.accounts);
    g_array_free(listing.matches, TRUE);
    view_close(store);
    return code < 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_followups = {
    .name = "followups",
    .summary = "list follow-ups: missed calls to win back, and second-chance leads",
    .operands = "",
    .description =
        "Prints the follow-ups of a data directory, from a snapshot that is consistent and does not disturb a fold that is running.\n\n"
        "Filters narrow each other down; text is looked for anywhere in a field, letters in any case. Age is the stream time (how far the "
        "calls have been read) less the end of the call, not the time on the wall.\n\n"
        "On a terminal the columns are made to fit. CSV and JSON are complete. In CSV, text that a spreadsheet would run as a formula has "
        "an apostrophe put before it; durations are H:MM:SS, times UTC. In JSON each line is the whole follow-up, with age_ms.",
    .options = options,
    .example = "ringback followups --data ringback-data --tab open,cold --age-min 30m\n"
               "  What nobody has followed up for half an hour, newest first.\n\n"
               "ringback followups -d ringback-data --kind abandoned --account acme --sort -duration -n 20\n"
               "  The account's twenty callers who held on the longest.\n\n"
               "ringback followups -d ringback-data --tab done --format csv > done.csv\n"
               "  For a spreadsheet.",
    .run = run,
};
