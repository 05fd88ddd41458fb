/* ringback command: what a person does to a follow-up or to settings (SPEC 5), and the answer. */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../schemas/codec/codec.h"
#include "submit.h"

#define ACTION_CHOICES "set-status|add-note|assign|start-callback|dismiss|reopen|change-settings"
#define STATUS_CHOICES                                                                                                                     \
    "NEW|CONTACT_ATTEMPTED|FOLLOW_UP_NEEDED|RESOLVED|DISMISSED|NOT_A_LEAD|NOT_FOLLOWING_UP" /* the order of enum status */

static const struct option_row options[] = {
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory that ringback fold writes"},
    {"tenant", 'a', OPTION_TEXT, "TENANT", NULL, false, false, "The account; * for settings of all accounts"},
    {"actor", 'u', OPTION_TEXT, "PERSON", NULL, false, false, "Who does it: a person that has the permission"},
    {"follow-up", 'r', OPTION_TEXT, "ID", NULL, false, false, "The follow-up: ab- or sc- and the call's id"},
    {"status", 's', OPTION_CHOICE, STATUS_CHOICES, NULL, false, false, "What set-status sets"},
    {"note", 0, OPTION_TEXT, "TEXT", NULL, false, false, "What add-note adds"},
    {"assignee", 0, OPTION_TEXT, "PERSON", NULL, false, false, "Whom assign puts in charge; without it, nobody"},
    {"expected-version", 0, OPTION_NUMBER, "N", NULL, false, false, "Only if the follow-up, or the settings, still have this version"},
    {"command-id", 0, OPTION_TEXT, "ID", NULL, false, false,
     "The command's own id: given again, it is answered but not done again; without it a new one is made"},
    {"at", 0, OPTION_TIME, "TIME", "now", false, false, "When it happened"},
    {"json", 'j', OPTION_TEXT, "LINE", NULL, false, false,
     "The whole command as a line of JSON, as ringback fold reads it; - reads it from standard input"},
    {"format", 'f', OPTION_CHOICE, "text|json", "text", false, false, "How to print the result"},
    {0},
};

static const struct action {
    const char *name;
    enum event_type type;
    const char *needs; /* an option of its own that must be given, or NULL */
    const char *takes; /* an option of its own that may be given, or NULL */
} actions[] = {
    {"set-status", EVENT_SET_STATUS, "status", NULL},
    {"add-note", EVENT_ADD_NOTE, "note", NULL},
    {"assign", EVENT_ASSIGN, NULL, "assignee"},
    {"start-callback", EVENT_START_CALLBACK, NULL, NULL},
    {"dismiss", EVENT_DISMISS, NULL, NULL},
    {"reopen", EVENT_REOPEN, NULL, NULL},
    {"change-settings", EVENT_CHANGE_SETTINGS, NULL, NULL},
};

/* What the event's strings point into. */
struct room {
    char command_id[33];
    GArray *changes;   /* struct setting */
    char *line, *text; /* of --json */
    struct scratch *scratch;
};

/* ---- from options to an event; false: complained */

static bool make_id(char id[33]) {
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        complain("cannot make a command id: %s. Give one with --command-id.", g_strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof random; i++) g_snprintf(id + 2 * i, 3, "%02x", random[i]);
    return true;
}

static bool must_be_given(const struct arguments *arguments, const char *option, const char *action) {
    if (argument_given(arguments, option)) return true;
    complain("%s needs --%s.", action, option);
    return false;
}

/* Options that the action has no use for are a mistake, not noise. */
static bool has_no_strangers(const struct arguments *arguments, const struct action *action) {
    static const char *const own[] = {"status", "note", "assignee"};
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
        if (!argument_given(arguments, own[i]) || g_strcmp0(own[i], action->needs) == 0 || g_strcmp0(own[i], action->takes) == 0) continue;
        complain("%s takes no --%s.", action->name, own[i]);
        return false;
    }
    bool settings = action->type == EVENT_CHANGE_SETTINGS;
    if (settings && argument_given(arguments, "follow-up")) {
        complain("change-settings takes no --follow-up.");
        return false;
    }
    if (!settings && operand_count(arguments) > 1) {
        complain("unexpected argument \"%s\": only change-settings takes KEY=VALUE.", operand_at(arguments, 1));
        return false;
    }
    return true;
}

static bool read_changes(const struct arguments *arguments, struct room *room) {
    room->changes = g_array_new(FALSE, FALSE, sizeof(struct setting));
    for (size_t i = 1; i < operand_count(arguments); i++) {
        const char *word = operand_at(arguments, i), *equals = strchr(word, '=');
        if (!equals) {
            complain("\"%s\" should be KEY=VALUE, such as link_days=14.", word);
            return false;
        }
        struct setting setting = {{word, (uint32_t)(equals - word)}, str_of(equals + 1)};
        g_array_append_val(room->changes, setting);
    }
    if (room->changes->len > 0) return true;
    complain("change-settings needs KEY=VALUE, such as link_days=14.");
    return false;
}

static bool event_of_action(const struct arguments *arguments, const struct action *action, struct room *room, struct event *event) {
    bool settings = action->type == EVENT_CHANGE_SETTINGS;
    if (!has_no_strangers(arguments, action)) return false;
    if (!must_be_given(arguments, "tenant", action->name) || !must_be_given(arguments, "actor", action->name)) return false;
    if (!settings && !must_be_given(arguments, "follow-up", action->name)) return false;
    if (action->needs && !must_be_given(arguments, action->needs, action->name)) return false;
    if (!argument_given(arguments, "command-id") && !make_id(room->command_id)) return false;
    *event = (struct event){
        .tenant = str_of(argument_text(arguments, "tenant")),
        .event_id = str_of(argument_given(arguments, "command-id") ? argument_text(arguments, "command-id") : room->command_id),
        .occurred_at = argument_time(arguments, "at"),
        .actor = str_of(argument_text(arguments, "actor")),
        .type = (int8_t)action->type,
    };
    int64_t version = argument_number(arguments, "expected-version");
    if (settings) {
        if (!read_changes(arguments, room)) return false;
        struct setting_array changes = {(const struct setting *)(const void *)room->changes->data, room->changes->len};
        event->body.change_settings = (struct change_settings){version, changes};
        return true;
    }
    /* Every row command begins with the row and its expected version (event.h). */
    event->body.reopen = (struct reopen){str_of(argument_text(arguments, "follow-up")), version};
    if (action->type == EVENT_SET_STATUS) event->body.set_status.status = (int8_t)argument_choice(arguments, "status");
    if (action->type == EVENT_ADD_NOTE) event->body.add_note.note = str_of(argument_text(arguments, "note"));
    if (action->type == EVENT_ASSIGN) event->body.assign.assignee = str_of(argument_text(arguments, "assignee"));
    return true;
}

/* ---- from --json to an event */

static char *read_line(const char *given) {
    if (strcmp(given, "-") != 0) return g_strdup(given);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size = getline(&line, &capacity, stdin);
    if (size >= 0) return line;
    free(line);
    complain("--json -: standard input holds no line.");
    return NULL;
}

static bool event_of_json(const struct arguments *arguments, struct room *room, struct event *event) {
    if (operand_count(arguments) > 0) {
        complain("give %s or --json, not both.", operand_at(arguments, 0));
        return false;
    }
    room->line = read_line(argument_text(arguments, "json"));
    if (!room->line) return false;
    size_t size = strlen(room->line);
    while (size > 0 && g_ascii_isspace(room->line[size - 1])) size--;
    room->text = g_malloc(size + 1);
    room->scratch = g_new(struct scratch, 1);
    struct refusal why = {0};
    if (json_read_event(room->line, size, event, room->text, size + 1, room->scratch, &why) != 0) {
        complain("--json: %s", why.detail);
        return false;
    }
    if (event_subject((enum event_type)event->type) == SUBJECT_COMMAND) return true;
    complain("--json: %s is no command; ringback fold reads events.", event_type_text((enum event_type)event->type));
    return false;
}

static bool event_of(const struct arguments *arguments, struct room *room, struct event *event) {
    if (argument_given(arguments, "json")) return event_of_json(arguments, room, event);
    if (operand_count(arguments) == 0) {
        complain("say what to do: %s; or give --json.", "set-status, add-note, assign, start-callback, dismiss, reopen or change-settings");
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        if (strcmp(actions[i].name, operand_at(arguments, 0)) == 0) return event_of_action(arguments, &actions[i], room, event);
    return false; /* parsing has checked it */
}

static void room_clear(struct room *room) {
    if (room->changes) g_array_free(room->changes, TRUE);
    free(room->line);
    g_free(room->text);
    g_free(room->scratch);
}

/* ---- the answer */

static const char *const explanations[] = {
    [COMMAND_MALFORMED] = "It has no actor, an id that is none, or a time more than 5 minutes ahead of now.",
    [COMMAND_NOT_PERMITTED] =
        "The actor has no role that grants it. Rights come as RoleChanged and RolesAssigned events. A follow-up needs Edit Abandoned "
        "Calls or Edit Second Chance Leads; settings need Edit TI, Follow Up, & Reporting Settings, second_chance.* View & Edit Feature "
        "Management too; a command to * needs the right on *.",
    [COMMAND_UNKNOWN_FOLLOW_UP] = "There is no such follow-up in this account. ringback followups lists them.",
    [COMMAND_WITHDRAWN] = "A correction took the follow-up back: there is nothing to follow up. It opens again by itself if that changes.",
    [COMMAND_VERSION_CONFLICT] = "Somebody else was faster. Look at it again, then give its present version with --expected-version.",
    [COMMAND_INVALID_VALUE] =
        "The value does not fit: a status that this kind of follow-up lacks, a reopening of one that is not done, an empty note, or a "
        "setting that is unknown or out of range. See ringback command --help.",
};

struct answer {
    bool json, accepted;
};

static void print_answer(void *context, const struct command_result *result) {
    struct answer *answer = context;
    answer->accepted = result->verdict == VERDICT_ACCEPTED;
    if (answer->json) {
        char *line = json_write(&shape_command_result, result);
        if (!line) g_error("out of memory");
        puts(line);
        free(line);
        return;
    }
    printf("command %.*s: %s", (int)result->command_id.len, result->command_id.ptr, symbol_text("CommandVerdict", result->verdict));
    if (answer->accepted && result->version != NONE)
        printf(", version %" PRId64 "\n", result->version);
    else if (result->reason >= 0)
        printf(", %s. %s\n", symbol_text("CommandReason", result->reason), explanations[result->reason]);
    else
        putchar('\n');
}

static int run(const struct arguments *arguments) {
    char error[512];
    if (schemas_load(error, sizeof error) != 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    struct room room = {0};
    struct event event;
    struct answer answer = {.json = argument_choice(arguments, "format") == 1};
    struct failure failure = {0};
    int code = EXIT_USAGE;
    if (event_of(arguments, &room, &event)) {
        const char *wrong = event_check(&event);
        if (wrong) {
            complain("%s.", wrong);
        } else if (submit(argument_text(arguments, "data"), &event, print_answer, &answer, &failure) == 0) {
            code = answer.accepted ? EXIT_DONE : EXIT_REJECTED;
        } else {
            complain("%s", failure.text);
            code = failure.code;
        }
    }
    room_clear(&room);
    schemas_unload();
    return code;
}

const struct command command_command = {
    .name = "command",
    .summary = "do something to a follow-up or to settings: set-status, add-note, assign, ...",
    .operands = "[ACTION] [KEY=VALUE...]",
    .operand_choices = ACTION_CHOICES,
    .description =
        "Journals one command and prints its result: ACCEPTED with the new version, or REJECTED with the reason and what to do about it "
        "(exit code 65).\n\n"
        "ACTION is one of set-status (needs --status), add-note (--note), assign (--assignee), start-callback, dismiss, reopen, all for "
        "--follow-up, or change-settings with KEY=VALUE.\n\n"
        "A command is done at most once: its id, given again within 7 days, is answered with the first result. Only one program writes to "
        "a data directory: where a fold is running, exit code 75 says to try again.",
    .options = options,
    .example = "ringback command set-status --data ringback-data --tenant acme --actor kim --follow-up ab-c1 --status RESOLVED\n"
               "  Closes a follow-up.\n\n"
               "ringback command add-note -d ringback-data -a acme -u kim -r ab-c1 --note \"Call after 5 pm\" --expected-version 3\n"
               "  Adds a note, unless somebody changed the follow-up meanwhile.\n\n"
               "ringback command change-settings -d ringback-data -a acme -u kim second_chance.enabled=on link_days=7\n"
               "  Changes two settings of an account, both or neither.",
    .run = run,
};
