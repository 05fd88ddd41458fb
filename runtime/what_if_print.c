#include "what_if_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "../schemas/codec/codec.h"
#include "../schemas/codec/time_text.h"
#include "print.h"
#include "progress.h"

static const char *const fate_titles[FATES] = {"Gained", "Lost", "Resolved otherwise"};
static const char *const fate_names[FATES] = {"gained", "lost", "otherwise"};

static uint64_t total(const struct what_if *result, enum row_fate fate) {
    uint64_t sum = 0;
    for (guint n = 0; n < result->groups->len; n++)
        sum += ((const struct what_if_group *)g_ptr_array_index(result->groups, n))->fates[fate];
    return sum;
}

static uint64_t total_rows(const struct what_if *result, int reading) {
    uint64_t sum = 0;
    for (guint n = 0; n < result->groups->len; n++)
        sum += ((const struct what_if_group *)g_ptr_array_index(result->groups, n))->rows[reading];
    return sum;
}

/* ---- for people ---- */

static void print_row(struct printer *printer, const char *tenant, const char *campaign, const uint64_t rows[2],
                      const uint64_t fates[FATES]) {
    print_text(printer, str_of(tenant));
    print_text(printer, str_of(campaign));
    for (int reading = 0; reading < 2; reading++) print_number(printer, (int64_t)rows[reading]);
    for (int fate = 0; fate < FATES; fate++) print_number(printer, (int64_t)fates[fate]);
}

static void print_groups(const struct what_if *result) {
    static const struct print_column columns[] = {{"Account", false, 0, 24}, {"Campaign", false, 0, 24}, {"Rows", true, 0, 0},
                                                  {"Would be", true, 0, 0},  {"Gained", true, 0, 0},     {"Lost", true, 0, 0},
                                                  {"Otherwise", true, 0, 0}};
    struct printer *printer = printer_make(stdout, PRINT_TABLE, columns, G_N_ELEMENTS(columns), terminal_width());
    for (guint n = 0; n < result->groups->len; n++) {
        const struct what_if_group *group = g_ptr_array_index(result->groups, n);
        print_row(printer, group->tenant, group->campaign, group->rows, group->fates);
    }
    uint64_t fates[FATES], rows[2] = {total_rows(result, 0), total_rows(result, 1)};
    for (int fate = 0; fate < FATES; fate++) fates[fate] = total(result, (enum row_fate)fate);
    print_row(printer, "All", NULL, rows, fates);
    printer_finish(printer);
}

/* As explain says it: "DONE, RESOLVED, CONVERTED", "DONE, DISMISSED", "OPEN, NEW". */
static void standing_words(struct standing standing, char text[64]) {
    if (standing.status < 0) {
        strcpy(text, "no row");
        return;
    }
    const char *status = symbol_text("Status", standing.status), *outcome = symbol_text("Outcome", standing.outcome);
    bool says_more = standing.outcome >= 0 && strcmp(status, outcome) != 0;
    snprintf(text, 64, "%s%s%s%s%s", standing.tab < 0 ? "" : symbol_text("Tab", standing.tab), standing.tab < 0 ? "" : ", ", status,
             says_more ? ", " : "", says_more ? outcome : "");
}

static void print_examples(const struct what_if *result) {
    for (int fate = 0; fate < FATES; fate++) {
        const GPtrArray *examples = result->examples[fate];
        char count[32];
        if (examples->len) printf("\n%s: %s, such as\n", fate_titles[fate], grouped(total(result, (enum row_fate)fate), count));
        for (guint n = 0; n < examples->len; n++) {
            const struct what_if_example *example = g_ptr_array_index(examples, n);
            char is[64], would_be[64];
            g_autofree char *row = text_safe(str_of(example->follow_up)), *tenant = text_safe(str_of(example->tenant));
            standing_words(example->is, is);
            standing_words(example->would_be, would_be);
            printf("  %s of %s: %s; would be %s\n", row, tenant, is, would_be);
        }
    }
}

static void print_types(const struct what_if *result) {
    bool first = true;
    for (int type = 0; type < CALL_TYPES; type++) {
        if (result->calls[0][type] == result->calls[1][type]) continue;
        char is[32], would_be[32];
        printf("%s%s %s, would be %s", first ? "\nCalls by type: " : "; ", symbol_text("CallType", type),
               grouped(result->calls[0][type], is), grouped(result->calls[1][type], would_be));
        first = false;
    }
    if (!first) putchar('\n');
}

static void print_commands(const struct what_if *result) {
    uint64_t is = result->commands[0][VERDICT_ACCEPTED], would_be = result->commands[1][VERDICT_ACCEPTED];
    if (is == would_be) return;
    printf("\nCommands accepted: %" PRIu64 ", would be %" PRIu64
           ". What people would have done instead is not known: they are as they were given.\n",
           is, would_be);
}

void what_if_print(const struct what_if *result, const struct what_if_question *question) {
    printf("With");
    for (size_t n = 0; n < question->assumption_count; n++) {
        const struct assumption *assumption = &question->assumptions[n];
        printf("%s %.*s = %.*s", n ? "," : "", (int)assumption->key.len, assumption->key.ptr, (int)assumption->value.len,
               assumption->value.ptr);
    }
    char time[TIME_TEXT_SIZE] = "the start";
    if (result->stream_time[1] != NONE) time_print(result->stream_time[1], time);
    printf(" from the beginning, %s, as of %s (stream time):\n\n", question->tenant ? "for this account" : "for all accounts", time);
    if (result->groups->len == 0) {
        puts("There are no rows, and there would be none.");
        return;
    }
    print_groups(result);
    print_examples(result);
    print_types(result);
    print_commands(result);
    if (total(result, FATE_GAINED) + total(result, FATE_LOST) + total(result, FATE_OTHERWISE) == 0) puts("\nEvery row would be as it is.");
}

/* ---- for programs ---- */

static json_t *symbol_json(const char *name, int value) { return value < 0 ? json_null() : json_string(symbol_text(name, value)); }

static json_t *standing_json(struct standing standing) {
    if (standing.status < 0) return json_null();
    return json_pack("{s:o, s:o, s:o}", "status", symbol_json("Status", standing.status), "outcome",
                     symbol_json("Outcome", standing.outcome), "tab", symbol_json("Tab", standing.tab));
}

static json_t *group_json(const struct what_if_group *group) {
    json_t *json = json_pack("{s:s, s:s?, s:I, s:I}", "tenant", group->tenant, "campaign", group->campaign, "rows",
                             (json_int_t)group->rows[0], "would_be", (json_int_t)group->rows[1]);
    for (int fate = 0; fate < FATES; fate++) json_object_set_new(json, fate_names[fate], json_integer((json_int_t)group->fates[fate]));
    return json;
}

static json_t *examples_json(const GPtrArray *examples) {
    json_t *list = json_array();
    for (guint n = 0; n < examples->len; n++) {
        const struct what_if_example *example = g_ptr_array_index(examples, n);
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "tenant", example->tenant, "follow_up", example->follow_up, "is",
                                              standing_json(example->is), "would_be", standing_json(example->would_be)));
    }
    return list;
}

static json_t *reading_json(const struct what_if *result, int reading) {
    char time[TIME_TEXT_SIZE];
    json_t *types = json_object();
    for (int type = 0; type < CALL_TYPES; type++)
        json_object_set_new(types, symbol_text("CallType", type), json_integer((json_int_t)result->calls[reading][type]));
    return json_pack("{s:I, s:o, s:I, s:I, s:o}", "rows", (json_int_t)total_rows(result, reading), "calls", types, "commands_accepted",
                     (json_int_t)result->commands[reading][VERDICT_ACCEPTED], "commands_rejected",
                     (json_int_t)result->commands[reading][VERDICT_REJECTED], "stream_time",
                     result->stream_time[reading] == NONE ? json_null() : json_string(time_print(result->stream_time[reading], time)));
}

void what_if_print_json(const struct what_if *result, const struct what_if_question *question) {
    json_t *settings = json_object(), *groups = json_array(), *examples = json_object();
    for (size_t n = 0; n < question->assumption_count; n++) {
        g_autofree char *key = g_strndup(question->assumptions[n].key.ptr, question->assumptions[n].key.len);
        json_object_set_new(settings, key, json_stringn(question->assumptions[n].value.ptr, question->assumptions[n].value.len));
    }
    for (guint n = 0; n < result->groups->len; n++) json_array_append_new(groups, group_json(g_ptr_array_index(result->groups, n)));
    for (int fate = 0; fate < FATES; fate++) json_object_set_new(examples, fate_names[fate], examples_json(result->examples[fate]));
    json_t *json = json_pack("{s:o, s:s?, s:I, s:o, s:o, s:o, s:o}", "settings", settings, "tenant", question->tenant, "seal",
                             (json_int_t)result->seal, "is", reading_json(result, 0), "would_be", reading_json(result, 1), "groups", groups,
                             "examples", examples);
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

/* ---- the keys ---- */

static void print_key(void *context, struct str key, bool is_switch, int64_t initial, int64_t least, int64_t most) {
    char range[48];
    g_snprintf(range, sizeof range, "%" PRId64 " to %" PRId64, least, most);
    print_text(context, key);
    if (is_switch)
        print_text(context, str_of(initial ? "on" : "off"));
    else
        print_number(context, initial);
    print_text(context, str_of(is_switch ? "on, off" : range));
}

void what_if_print_keys(void) {
    static const struct print_column columns[] = {{"Key", false, 0, 0}, {"By default", true, 0, 0}, {"May be", false, 0, 0}};
    struct printer *printer = printer_make(stderr, PRINT_TABLE, columns, G_N_ELEMENTS(columns), 0);
    fold_view_setting_keys(print_key, printer);
    printer_finish(printer);
}
