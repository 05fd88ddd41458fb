/* ringback explain: what happened to a call or a follow-up, and why (SPEC 2 to 6), from the journal. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "../schemas/codec/codec.h"
#include "explain.h"
#include "explain_print.h"

static const struct option_row options[] = {
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory whose journal is read; it may be in use"},
    {"tenant", 'a', OPTION_TEXT, "TENANT", NULL, false, false, "The account whose call it is, where several have one of this id"},
    {"utc", 'u', OPTION_FLAG, NULL, NULL, false, false, "Show times in UTC, not in the account's zone; the same as --zone UTC"},
    {"zone", 'z', OPTION_TEXT, "ZONE", NULL, false, false, "Show times in this zone, such as America/Denver"},
    {"json", 'j', OPTION_FLAG, NULL, NULL, false, false, "Print one JSON object, with all that is known, times in UTC"},
    {0},
};

static int print(const struct arguments *arguments, json_t *story) {
    const char *zone = argument_given(arguments, "utc") ? "UTC" : argument_text(arguments, "zone");
    if (argument_given(arguments, "json")) {
        json_dumpf(story, stdout, JSON_COMPACT);
        putchar('\n');
        return EXIT_DONE;
    }
    if (explain_print(stdout, story, zone)) return EXIT_DONE;
    if (!zone) {
        complain("this machine knows no zone %s, which the account has: times are in UTC.", json_string_value(json_object_get(story, "zone")));
        return EXIT_DONE;
    }
    complain("--zone %s: there is no such zone. Zones are named as in America/Denver.", zone);
    return EXIT_USAGE;
}

static int run(const struct arguments *arguments) {
    char error[400];
    if (schemas_load(error, sizeof error) < 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    struct failure failure = {0};
    json_t *story;
    int code = EXIT_DONE;
    if (explain(&story, argument_text(arguments, "data"), operand_at(arguments, 0), argument_text(arguments, "tenant"), &failure) < 0) {
        complain("%s", failure.text);
        code = (int)failure.code;
    } else {
        code = print(arguments, story);
        json_decref(story);
    }
    schemas_unload();
    return code;
}

const struct command command_explain = {
    .name = "explain",
    .summary = "tell the story of a call or a follow-up: what happened, and why",
    .operands = "CALL|FOLLOW-UP",
    .description =
        "Reads the journal again and tells, in the order in which it was folded, each event and command of the call, each timer that was "
        "reached, what they changed, the rule that decided (by its section of the rules) with the settings as they stood then, the timers "
        "that were set, and what was emitted. Where no follow-up came of the call it says why.\n\n"
        "A follow-up's id is ab- or sc- and its call's id. Given one, the story is that of this follow-up alone.\n\n"
        "Nothing in the data directory is changed; a fold may be running.",
    .options = options,
    .example = "ringback explain --data ringback-data ab-c1\n"
               "  Why this caller is (not) on the list.\n\n"
               "ringback explain --data ringback-data --json c1 | jq '.story[] | select(.why)'\n"
               "  What decided, for programs.",
    .run = run,
};
