#include "report_figures.h"

#include "view.h"

#define HOUR_MS INT64_C(3600000)

/* ---- figures */

static void figures_clear(struct figures *figures) {
    if (figures->first_attempts) g_array_free(figures->first_attempts, TRUE);
    if (figures->jobs) g_hash_table_destroy(figures->jobs);
}

static void add_job(struct figures *figures, const struct followup *row) {
    if (str_is_null(row->job)) return;
    if (!figures->jobs) figures->jobs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    /* An id holds no newline. */
    g_hash_table_add(figures->jobs, g_strdup_printf("%.*s\n%.*s", (int)row->tenant.len, row->tenant.ptr, (int)row->job.len, row->job.ptr));
}

static void add_row(struct figures *figures, const struct followup *row) {
    int64_t first_attempt = time_to_first_attempt(row);
    figures->rows++;
    if (row->outcome >= 0) figures->outcomes[row->outcome]++;
    if (row->outcome == OUTCOME_CONVERTED) add_job(figures, row);
    if (row->went_cold_at != NONE) figures->went_cold++;
    if (first_attempt == NONE) return;
    if (!figures->first_attempts) figures->first_attempts = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_val(figures->first_attempts, first_attempt);
}

static void figures_add(struct figures *figures, const struct reported *reported) {
    const struct classified_call *call = reported->call;
    for (int kind = 0; kind < 2; kind++) figures->withdrawn += reported->rows[kind] && reported->rows[kind]->status == STATUS_WITHDRAWN;
    if (call->type != TYPE_INTERNAL && call->type != TYPE_IN_PROGRESS) {
        figures->calls++;
        figures->inbound += call->direction == DIRECTION_INBOUND;
    }
    if (!reported->listed) return;
    if (call->type == TYPE_ABANDONED)
        figures->abandoned++;
    else if (call->type == TYPE_UNBOOKED)
        figures->unbooked++;
    else
        figures->missed++;
    if (reported->row) add_row(figures, reported->row);
}

int64_t figures_listed(const struct figures *figures) { return figures->abandoned + figures->unbooked + figures->missed; }

int64_t figures_recovered(const struct figures *figures) {
    return figures->outcomes[OUTCOME_CONVERTED] + figures->outcomes[OUTCOME_RECONNECTED];
}

static int by_time(gconstpointer left, gconstpointer right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

int64_t figures_percentile(const struct figures *figures, int q) {
    if (!figures->first_attempts) return NONE;
    guint count = figures->first_attempts->len;
    return g_array_index(figures->first_attempts, int64_t, (count * (guint64)q + 99) / 100 - 1);
}

int64_t basis_points(int64_t part, int64_t whole) { return whole == 0 ? NONE : (20000 * part + whole) / (2 * whole); }

/* ---- groups */

static void group_free(gpointer pointer) {
    struct group *group = pointer;
    figures_clear(&group->now);
    figures_clear(&group->before);
    g_free(group->id);
    g_free(group->name);
    g_free(group);
}

void comparison_open(struct comparison *comparison, enum compare by, const struct report *report) {
    *comparison = (struct comparison){.by = by,
                                      .index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                                      .groups = g_ptr_array_new_with_free_func(group_free)};
    for (guint i = 0; i < report->accounts->len; i++) {
        const struct account *account = report->accounts->pdata[i];
        comparison->has_before = comparison->has_before || account->before.from <= account->before.to;
    }
}

void comparison_free(struct comparison *comparison) {
    if (!comparison->index) return;
    g_hash_table_destroy(comparison->index);
    g_ptr_array_free(comparison->groups, TRUE);
}

static char *text_or_null(struct str text) { return str_is_null(text) ? NULL : g_strndup(text.ptr, text.len); }

/* What a call is grouped by: `id` and `name` are the caller's to free, or moved. */
static void place_of(enum compare by, const struct reported *reported, int64_t *rank, char **id, char **name) {
    const struct classified_call *call = reported->call;
    const struct account *account = reported->account;
    char text[DAY_TEXT_SIZE];
    switch (by) {
    case COMPARE_CAMPAIGN: *id = text_or_null(call->campaign); break;
    case COMPARE_QUEUE:
        *id = text_or_null(call->queue);
        *name = text_or_null(call->queue_name);
        break;
    case COMPARE_AGENT:
        *id = text_or_null(call->agent);
        *name = text_or_null(call->agent_name);
        break;
    case COMPARE_HOUR:
        *rank = zone_wall(account->zone, reported->date) / HOUR_MS % 24;
        *id = g_strdup_printf("%02d", (int)*rank);
        break;
    case COMPARE_DAY:
        *rank = reported->day + (reported->before ? account->days.from - account->before.from : 0);
        *id = g_strdup(day_print((int32_t)*rank, text));
        break;
    case COMPARE_NOTHING: break;
    }
}

static struct group *group_of(struct comparison *comparison, const struct reported *reported) {
    int64_t rank = 0;
    g_autofree char *id = NULL, *name = NULL;
    place_of(comparison->by, reported, &rank, &id, &name);
    bool apart = comparison->by <= COMPARE_AGENT;
    g_autofree char *key = g_strdup_printf("%s\n%s%s", apart ? reported->account->tenant : "", id ? "+" : "", id ? id : "");
    struct group *group = g_hash_table_lookup(comparison->index, key);
    if (group) return group;
    group = g_new0(struct group, 1);
    group->account = apart ? reported->account : NULL;
    group->rank = rank;
    group->id = g_steal_pointer(&id);
    group->name = g_steal_pointer(&name);
    g_ptr_array_add(comparison->groups, group);
    g_hash_table_insert(comparison->index, g_steal_pointer(&key), group);
    return group;
}

void comparison_add(struct comparison *comparison, const struct reported *reported) {
    struct group *group = group_of(comparison, reported);
    figures_add(reported->before ? &group->before : &group->now, reported);
}

static int by_place(gconstpointer left, gconstpointer right, gpointer context) {
    const struct group *a = *(const struct group *const *)left, *b = *(const struct group *const *)right;
    const struct comparison *comparison = context;
    if (comparison->by >= COMPARE_HOUR) return (a->rank > b->rank) - (a->rank < b->rank);
    int64_t listed_a = figures_listed(&a->now), listed_b = figures_listed(&b->now);
    if (listed_a != listed_b) return listed_a > listed_b ? -1 : 1;
    int order = strcmp(a->account->tenant, b->account->tenant);
    return order ? order : g_strcmp0(a->id, b->id);
}

void comparison_sort(struct comparison *comparison) {
    g_ptr_array_sort_with_data(comparison->groups, by_place, comparison);
    for (guint i = 0; i < comparison->groups->len; i++) {
        struct group *group = comparison->groups->pdata[i];
        if (group->now.first_attempts) g_array_sort(group->now.first_attempts, by_time);
        if (group->before.first_attempts) g_array_sort(group->before.first_attempts, by_time);
    }
}

static int64_t less(int64_t a, int64_t b) { return a == NONE || b == NONE ? NONE : a - b; }

static void fill_before(const struct figures *before, struct report_group *out) {
    out->calls_before = before->calls;
    out->abandoned_before = before->abandoned;
    out->unbooked_before = before->unbooked;
    out->recovered_before = figures_recovered(before);
    out->abandoned_rate_change_bp = less(out->abandoned_rate_bp, basis_points(before->abandoned, before->inbound));
    out->unbooked_rate_change_bp = less(out->unbooked_rate_bp, basis_points(before->unbooked, before->calls));
    out->recovered_rate_change_bp = less(out->recovered_rate_bp, basis_points(figures_recovered(before), before->rows));
}

void group_fill(const struct comparison *comparison, const struct group *group, struct report_group *out) {
    static const char *const names[] = {"campaign", "queue", "agent", "hour", "day", "nothing"};
    const struct figures *now = &group->now;
    *out = (struct report_group){
        .by = str_of(names[comparison->by]),
        .tenant = str_of(group->account ? group->account->tenant : NULL),
        .account = str_of(group->account ? group->account->name : NULL),
        .group = str_of(group->id),
        .name = str_of(group->name),
        .calls = now->calls,
        .inbound = now->inbound,
        .abandoned = now->abandoned,
        .abandoned_rate_bp = basis_points(now->abandoned, now->inbound),
        .unbooked = now->unbooked,
        .unbooked_rate_bp = basis_points(now->unbooked, now->calls),
        .missed = now->missed,
        .rows = now->rows,
        .recovered = figures_recovered(now),
        .recovered_rate_bp = basis_points(figures_recovered(now), now->rows),
        .converted = now->outcomes[OUTCOME_CONVERTED],
        .jobs = now->jobs ? g_hash_table_size(now->jobs) : 0,
        .reconnected = now->outcomes[OUTCOME_RECONNECTED],
        .resolved = now->outcomes[OUTCOME_RESOLVED],
        .dismissed = now->outcomes[OUTCOME_DISMISSED],
        .not_a_lead = now->outcomes[OUTCOME_NOT_A_LEAD],
        .not_following_up = now->outcomes[OUTCOME_NOT_FOLLOWING_UP],
        .withdrawn = now->withdrawn,
        .went_cold = now->went_cold,
        .attempted = now->first_attempts ? now->first_attempts->len : 0,
        .first_attempt_median_ms = figures_percentile(now, 50),
        .first_attempt_p90_ms = figures_percentile(now, 90),
        .calls_before = NONE,
        .abandoned_before = NONE,
        .unbooked_before = NONE,
        .recovered_before = NONE,
        .abandoned_rate_change_bp = NONE,
        .unbooked_rate_change_bp = NONE,
        .recovered_rate_change_bp = NONE,
    };
    if (comparison->has_before) fill_before(&group->before, out);
}
