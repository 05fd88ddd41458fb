/* ringback calls: calls by tenant and start with their verdicts (SPEC 2), and the balance of all of them. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "../schemas/codec/codec.h"
#include "print.h"
#include "view.h"

static const struct option_row options[] = {
    OPTION_DATA,
    {"account", 'a', OPTION_TEXT, "ACCOUNT", NULL, false, false, "Only calls of this account (tenant)"},
    {"tenant", 0, OPTION_TEXT, "ACCOUNT", NULL, false, false, "The same as --account"},
    {"type", 't', OPTION_CHOICE, CALL_TYPE_CHOICES, NULL, false, true, "Only calls of these types"},
    {"from", 0, OPTION_TIME, "TIME", NULL, false, false, "Only calls that started at this time or later"},
    {"to", 0, OPTION_TIME, "TIME", NULL, false, false, "Only calls that started before this time"},
    {"caller", 'c', OPTION_TEXT, "TEXT", NULL, false, false, "Only calls from or to a number that holds this text"},
    {"id", 0, OPTION_TEXT, "CALL", NULL, false, false, "Only the call with this id"},
    {"queue", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose last queue's id or name holds this text"},
    {"campaign", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose campaign holds this text"},
    {"agent", 0, OPTION_TEXT, "TEXT", NULL, false, false, "Only calls whose agent's id or name holds this text"},
    {"balance", 'b', OPTION_FLAG, NULL, NULL, false, false, "Print how many calls there are of each type, and whether they add up"},
    {"limit", 'n', OPTION_NUMBER, "N", NULL, false, false, "Print at most so many calls"},
    OPTION_FORMAT,
    {0},
};

static const struct print_column columns[] = {
    {"Call", false, 0, 0},       {"Call time", false, 0, 0}, {"Type", false, 0, 0},      {"Direction", false, 6, 0},
    {"Duration", true, 2, 0},    {"Wait", true, 7, 0},       {"Talk", true, 5, 0},       {"Account", false, 8, 16},
    {"From", false, 1, 18},      {"To", false, 9, 18},       {"Customer", false, 3, 24}, {"Queue", false, 10, 16},
    {"Campaign", false, 11, 20}, {"Agent", false, 4, 16},    {"Reason", false, 13, 24},  {"Where", false, 12, 0},
    {"Job", false, 14, 16},
};

struct listing {
    const char *caller, *id, *queue, *campaign, *agent;
    unsigned long long types; /* a set of bits; 0: all */
    int64_t limit;            /* NONE: no limit */
    int64_t printed;
    enum print_format format;
    struct printer *printer;
};

static bool matches(const struct listing *listing, const struct classified_call *call) {
    if (listing->types && !(listing->types >> call->type & 1)) return false;
    if (listing->id && !str_equal(call->call_id, str_of(listing->id))) return false;
    if (!text_has(call->from, listing->caller) && !text_has(call->to, listing->caller)) return false;
    if (!text_has(call->queue_name, listing->queue) && !text_has(call->queue, listing->queue)) return false;
    if (!text_has(call->agent_name, listing->agent) && !text_has(call->agent, listing->agent)) return false;
    return text_has(call->campaign, listing->campaign);
}

static void print_call(struct printer *printer, const struct classified_call *call) {
    print_text(printer, call->call_id);
    print_time(printer, call->started_at);
    print_symbol(printer, symbol_text("CallType", call->type));
    print_symbol(printer, symbol_text("Direction", call->direction));
    print_duration(printer, call->duration_ms);
    print_duration(printer, call->wait_ms);
    print_duration(printer, call->talk_ms);
    print_text(printer, call->tenant);
    print_text(printer, call->from);
    print_text(printer, call->to);
    print_text(printer, first_known(call->customer_name, call->customer));
    print_text(printer, first_known(call->queue_name, call->queue));
    print_text(printer, call->campaign);
    print_text(printer, first_known(call->agent_name, call->agent));
    print_text(printer, call->reason);
    print_symbol(printer, call->abandoned_where < 0 ? NULL : symbol_text("AbandonedWhere", call->abandoned_where));
    print_text(printer, call->job);
}

static int each_call(void *context, const struct classified_call *call) {
    struct listing *listing = context;
    if (!matches(listing, call)) return 0;
    if (listing->limit != NONE && listing->printed == listing->limit) return 1;
    listing->printed++;
    if (listing->format == PRINT_JSON) return print_json(stdout, json_write(&shape_classified_call, call), NULL, 0);
    print_call(listing->printer, call);
    return ferror(stdout) ? 1 : 0;
}

static int list(const struct arguments *arguments, struct store *store, struct str tenant) {
    struct listing listing = {
        .caller = argument_text(arguments, "caller"),
        .id = argument_text(arguments, "id"),
        .queue = argument_text(arguments, "queue"),
        .campaign = argument_text(arguments, "campaign"),
        .agent = argument_text(arguments, "agent"),
        .types = argument_choices(arguments, "type"),
        .limit = argument_number(arguments, "limit"),
        .format = (enum print_format)argument_choice(arguments, "format"),
    };
    if (listing.format != PRINT_JSON)
        listing.printer = printer_make(stdout, listing.format, columns, G_N_ELEMENTS(columns), terminal_width());
    int code = fold_view_calls(store, tenant, argument_time(arguments, "from"), argument_time(arguments, "to"), each_call, &listing);
    if (listing.printer) printer_finish(listing.printer);
    if (code < 0) return view_failed(store);
    if (listing.format == PRINT_TABLE && listing.printed == 0) puts("No calls match.");
    return EXIT_DONE;
}

/* ---- balance */

struct balance {
    struct str tenant; /* "*": all together */
    uint64_t started, in_progress, types[CALL_TYPES];
    bool broken;
};

static int add_tenant(void *context, struct str tenant, struct str name, const struct fold_counts *counts) {
    struct balance *balance = context;
    bool everybody = str_equal(balance->tenant, STR("*"));
    (void)name;
    if (str_equal(tenant, STR("*")) || (!everybody && !str_equal(tenant, balance->tenant))) return 0;
    uint64_t sum = 0;
    for (int type = 0; type < TYPE_IN_PROGRESS; type++) {
        sum += counts->types[type];
        balance->types[type] += counts->types[type];
    }
    balance->started += counts->started;
    balance->in_progress += counts->in_progress;
    if (counts->started != sum + counts->in_progress) {
        balance->broken = true;
        complain("the calls of %.*s do not add up: %" PRIu64 " started, but %" PRIu64 " of all types and %" PRIu64 " in progress. "
                 "Keep the data directory and report this.",
                 (int)tenant.len, tenant.ptr, counts->started, sum, counts->in_progress);
    }
    return 0;
}

static void balance_line(struct printer *printer, const char *symbol, uint64_t calls) {
    if (printer) {
        print_symbol(printer, symbol);
        print_number(printer, (int64_t)calls);
    } else {
        printf("{\"type\":\"%s\",\"calls\":%" PRIu64 "}\n", symbol, calls);
    }
}

static int print_balance(const struct arguments *arguments, struct store *store, struct str tenant) {
    static const struct print_column balance_columns[] = {{"Type", false, 0, 0}, {"Calls", true, 0, 0}};
    struct balance balance = {.tenant = tenant};
    enum print_format format = (enum print_format)argument_choice(arguments, "format");
    int code = fold_view_tenants(store, add_tenant, &balance);
    if (code < 0) return view_failed(store);
    struct printer *printer = format == PRINT_JSON ? NULL : printer_make(stdout, format, balance_columns, 2, terminal_width());
    for (int type = 0; type < TYPE_IN_PROGRESS; type++) balance_line(printer, symbol_text("CallType", type), balance.types[type]);
    balance_line(printer, "IN_PROGRESS", balance.in_progress);
    balance_line(printer, "STARTED", balance.started);
    if (printer) printer_finish(printer);
    if (format == PRINT_TABLE && !balance.broken) puts("\nIt adds up: every call that started is of one type or in progress.");
    return balance.broken ? EXIT_FAILED : EXIT_DONE;
}

static int run(const struct arguments *arguments) {
    const char *account = argument_text(arguments, "account");
    if (!account) account = argument_text(arguments, "tenant");
    struct str tenant = str_of(account ? account : "*");
    struct store *store = view_open(argument_text(arguments, "data"));
    if (!store) return EXIT_FAILED;
    int code = argument_given(arguments, "balance") ? print_balance(arguments, store, tenant) : list(arguments, store, tenant);
    view_close(store);
    return code;
}

const struct command command_calls = {
    .name = "calls",
    .summary = "list calls with their types, or the balance of all calls",
    .operands = "",
    .description =
        "Prints the calls of a data directory by account and start, those in progress included, from a snapshot that is consistent and "
        "does not disturb a fold that is running.\n\n"
        "With --balance it prints how many calls there are of each type. The calls started always equal the sum over the types and those "
        "in progress; where they do not, it says so and exits with 1. Other filters than --account do not apply to the balance.",
    .options = options,
    .example = "ringback calls --data ringback-data --type abandoned,missed --from 2026-03-01 --to 2026-03-02\n"
               "  The missed calls of a day (UTC).\n\n"
               "ringback calls --data ringback-data --balance\n"
               "  Where all calls went.",
    .run = run,
};
