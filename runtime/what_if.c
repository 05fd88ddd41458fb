#include "what_if.h"

#include "replay.h"

enum { IS, WOULD_BE };

struct comparison {
    const struct what_if_question *question;
    struct what_if *result;
    struct replay replays[2];
    struct failure *failure;
    GHashTable *groups; /* key -> struct what_if_group, of result->groups */
    int reading;        /* the one that is walked or read: IS, WOULD_BE */
};

/* ---- groups and examples ---- */

static void group_free(gpointer pointer) {
    struct what_if_group *group = pointer;
    g_free(group->tenant);
    g_free(group->campaign);
    g_free(group);
}

static void example_free(gpointer pointer) {
    struct what_if_example *example = pointer;
    g_free(example->tenant);
    g_free(example->follow_up);
    g_free(example);
}

static char *copy(struct str text) { return str_is_null(text) ? NULL : g_strndup(text.ptr, text.len); }

static struct what_if_group *group_of(struct comparison *c, const struct followup *row) {
    g_autofree char *tenant = copy(row->tenant), *campaign = copy(row->campaign);
    g_autofree char *key = g_strconcat(tenant, "\n", campaign ? "c" : "", campaign, NULL); /* ids hold no control characters */
    struct what_if_group *group = g_hash_table_lookup(c->groups, key);
    if (group) return group;
    group = g_new0(struct what_if_group, 1);
    group->tenant = g_steal_pointer(&tenant);
    group->campaign = g_steal_pointer(&campaign);
    g_hash_table_insert(c->groups, g_steal_pointer(&key), group);
    g_ptr_array_add(c->result->groups, group);
    return group;
}

static gint group_compare(gconstpointer left, gconstpointer right) {
    const struct what_if_group *a = *(const struct what_if_group *const *)left, *b = *(const struct what_if_group *const *)right;
    int order = strcmp(a->tenant, b->tenant);
    return order ? order : g_strcmp0(a->campaign, b->campaign);
}

static struct standing standing_of(const struct followup *row) {
    if (!row || row->status == STATUS_WITHDRAWN) return (struct standing){-1, -1, -1};
    return (struct standing){row->status, row->outcome, row->tab};
}

static void add_example(struct comparison *c, enum row_fate fate, const struct followup *row, struct standing is,
                        struct standing would_be) {
    GPtrArray *examples = c->result->examples[fate];
    if (examples->len >= c->question->examples) return;
    struct what_if_example *example = g_new0(struct what_if_example, 1);
    *example = (struct what_if_example){copy(row->tenant), copy(row->follow_up), is, would_be};
    g_ptr_array_add(examples, example);
}

/* ---- comparing ---- */

/* `row` of the reading that is walked, `other` of the other one; either may be null. Each pair is met in the walk of the real reading; what
 * that has not, in the walk of the other. */
static void compare_rows(struct comparison *c, const struct followup *row, const struct followup *other) {
    struct standing here = standing_of(row), there = standing_of(other);
    bool in_is = c->reading == IS;
    if (here.status < 0) return;
    struct what_if_group *group = group_of(c, row);
    group->rows[c->reading]++;
    bool same = here.status == there.status && here.outcome == there.outcome && here.tab == there.tab;
    if (same || (!in_is && there.status >= 0)) return;
    enum row_fate fate = there.status >= 0 ? FATE_OTHERWISE : in_is ? FATE_LOST : FATE_GAINED;
    group->fates[fate]++;
    add_example(c, fate, row, in_is ? here : there, in_is ? there : here);
}

struct pair {
    struct comparison *c;
    const struct followup *const *rows; /* of the reading that is walked */
    bool met;
};

static int see_other(void *context, const struct classified_call *call, const struct followup *const rows[2]) {
    struct pair *pair = context;
    (void)call;
    pair->met = true;
    for (int kind = 0; kind < 2; kind++) compare_rows(pair->c, pair->rows[kind], rows[kind]);
    return 0;
}

static int see_call(void *context, const struct classified_call *call, const struct followup *const rows[2]) {
    struct comparison *c = context;
    c->result->calls[c->reading][call->type]++;
    if (!rows[0] && !rows[1]) return 0;
    struct pair pair = {c, rows, false};
    int code = fold_view_call_one(c->replays[!c->reading].store, call->tenant, call->call_id, see_other, &pair);
    if (!pair.met && code >= 0)
        for (int kind = 0; kind < 2; kind++) compare_rows(c, rows[kind], NULL);
    return code < 0 ? code : 0;
}

static int compare(struct comparison *c) {
    for (c->reading = IS; c->reading <= WOULD_BE; c->reading++) {
        struct fold_status status;
        struct store *store = c->replays[c->reading].store;
        int code = fold_view_calls_with_rows(store, str_of(c->question->tenant ? c->question->tenant : "*"), NONE, NONE, see_call, c);
        if (code >= 0) code = fold_view_status(store, &status);
        if (code < 0) return fail_store(c->failure, code, "the state made for this question", store_error(store));
        c->result->stream_time[c->reading] = status.stream_time;
    }
    c->result->seal = c->replays[IS].place.log.sequence;
    return 0;
}

/* ---- reading ---- */

static int see_output(void *context, const struct output *output) {
    struct comparison *c = context;
    if (output->topic == TOPIC_COMMAND_RESULTS) c->result->commands[c->reading][output->body.command_result.verdict]++;
    return 0;
}

static int read_again(struct comparison *c, int reading) {
    c->reading = reading;
    struct reader_query query = {.until = NONE,
                                 .tenant = str_of(c->question->tenant),
                                 .assumptions = c->question->assumptions,
                                 .assumption_count = reading == WOULD_BE ? c->question->assumption_count : 0,
                                 .output = see_output,
                                 .context = c};
    if (replay_open(&c->replays[reading], c->question->data, c->failure) < 0) return -1;
    return replay_run(&c->replays[reading], &query, reading == IS ? "as it is:" : "as it would be:");
}

int what_if(struct what_if *result, const struct what_if_question *question, struct failure *failure) {
    struct comparison c = {
        .question = question, .result = result, .failure = failure, .groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    *result = (struct what_if){.groups = g_ptr_array_new_with_free_func(group_free)};
    for (int fate = 0; fate < FATES; fate++) result->examples[fate] = g_ptr_array_new_with_free_func(example_free);
    int code = read_again(&c, IS);
    if (code == 0) code = read_again(&c, WOULD_BE);
    if (code == 0) code = compare(&c);
    g_ptr_array_sort(result->groups, group_compare);
    for (int reading = IS; reading <= WOULD_BE; reading++) replay_close(&c.replays[reading]);
    g_hash_table_destroy(c.groups);
    return code;
}

void what_if_clear(struct what_if *result) {
    g_ptr_array_free(result->groups, TRUE);
    for (int fate = 0; fate < FATES; fate++) g_ptr_array_free(result->examples[fate], TRUE);
}
