/* ringback what-if: which follow-ups there would be under other settings (SPEC 5), from the journal. */
#include <glib.h>

#include "../schemas/codec/codec.h"
#include "replay.h"
#include "what_if_print.h"

static const struct option_row options[] = {
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory whose journal is read; it may be in use"},
    {"set", 's', OPTION_TEXT, "KEY=VALUE", NULL, true, true, "A setting as it would have been, from the beginning and for everybody"},
    {"tenant", 'a', OPTION_TEXT, "TENANT", NULL, false, false, "Only for this account"},
    {"examples", 'n', OPTION_NUMBER, "N", "3", false, false, "How many rows to name of those gained, lost, and resolved otherwise"},
    {"format", 'f', OPTION_CHOICE, "text|json", "text", false, false, "How to print: for people, or as one JSON object"},
    {0},
};

static bool is_known(const GArray *assumptions, struct str key) {
    for (guint n = 0; n < assumptions->len; n++)
        if (str_equal(g_array_index(assumptions, struct assumption, n).key, key)) return true;
    return false;
}

/* False: complained. */
static bool read_settings(const struct arguments *arguments, GArray *assumptions) {
    for (size_t n = 0; n < argument_count(arguments, "set"); n++) {
        const char *word = argument_at(arguments, "set", n), *equals = strchr(word, '=');
        if (!equals) {
            complain("--set %s: it should be KEY=VALUE, such as second_chance.acw_minutes=5.", word);
            return false;
        }
        struct assumption assumption = {{word, (uint32_t)(equals - word)}, str_of(equals + 1)};
        if (is_known(assumptions, assumption.key)) {
            complain("--set %s: %.*s is given twice.", word, (int)assumption.key.len, word);
            return false;
        }
        if (!fold_setting_valid(assumption.key, assumption.value)) {
            complain("--set %s: there is no such setting, or it cannot have this value. These are the settings:", word);
            what_if_print_keys();
            return false;
        }
        g_array_append_val(assumptions, assumption);
    }
    return true;
}

struct search {
    struct str tenant;
    bool found;
};

static int look_for_tenant(void *context, const struct journal_record *record) {
    struct search *search = context;
    search->found = record->type == JOURNAL_EVENT && str_equal(record->body.event.tenant, search->tenant);
    return search->found;
}

static int tenant_must_be_there(const struct what_if_question *question, struct failure *failure) {
    struct search search = {str_of(question->tenant), false};
    if (!question->tenant) return 0;
    if (replay_scan(question->data, look_for_tenant, &search, failure) < 0) return -1;
    return search.found ? 0 : fail(failure, EXIT_FAILED, "the journal has nothing of an account %s. `ringback calls` shows them.", question->tenant);
}

static int ask(const struct what_if_question *question, bool json) {
    struct failure failure = {0};
    struct what_if result;
    if (tenant_must_be_there(question, &failure) < 0) {
        complain("%s", failure.text);
        return (int)failure.code;
    }
    int code = what_if(&result, question, &failure);
    if (code < 0)
        complain("%s", failure.text);
    else if (json)
        what_if_print_json(&result, question);
    else
        what_if_print(&result, question);
    what_if_clear(&result);
    return code < 0 ? (int)failure.code : EXIT_DONE;
}

static int run(const struct arguments *arguments) {
    char error[400];
    if (schemas_load(error, sizeof error) < 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    g_autoptr(GArray) assumptions = g_array_new(FALSE, FALSE, sizeof(struct assumption));
    int code = EXIT_USAGE;
    if (read_settings(arguments, assumptions)) {
        struct what_if_question question = {.data = argument_text(arguments, "data"),
                                            .tenant = argument_text(arguments, "tenant"),
                                            .assumptions = (const struct assumption *)(const void *)assumptions->data,
                                            .assumption_count = assumptions->len,
                                            .examples = (size_t)argument_number(arguments, "examples")};
        code = ask(&question, strcmp(argument_text(arguments, "format"), "json") == 0);
    }
    schemas_unload();
    return code;
}

const struct command command_what_if = {
    .name = "what-if",
    .summary = "show which follow-ups there would be under other settings",
    .operands = "",
    .description =
        "Reads the journal twice, as it is and as if the settings given had held from the beginning for everybody, and shows the rows "
        "that would be gained, lost, or resolved otherwise (another status, outcome or tab), by account and campaign, with examples. "
        "`ringback explain` tells more of each.\n\n"
        "Commands are as they were given: nobody knows what people would have done with other rows before them. Where more or "
        "fewer of them would have been accepted, that is said.\n\n"
        "Nothing is changed; a fold may be running. An unknown key or a value out of its range prints the table of settings.",
    .options = options,
    .example = "ringback what-if --data ringback-data --set second_chance.enabled=on --set second_chance.acw_minutes=5\n"
               "  What a second chance after 5 minutes would have brought.",
    .run = run,
};
