/* The state as output records show it, for queries: read-only, from any open transaction (fold.h). */
#include "step.h"

#define CALLS_BETWEEN_RESTS 1000 /* after so many calls what was read is let go */

static int nothing(void *context, const struct output *output) {
    (void)context;
    (void)output;
    return 0;
}

static int view_open(struct fold **fold, struct store *store) {
    return fold_open(fold, store, STR("00000000000000000000000000000000"), 0, nothing, NULL);
}

/* What the store refused on the way goes before what came of the view: that may be made of entries that were not read. */
static int view_close(struct fold *fold, int result) {
    int error = cache_error(fold->cache);
    fold_close(fold);
    return error ? error : result;
}

typedef int view_entity(struct fold *fold, const struct entity *entity, const struct verdict *verdict, void *each, void *context);

/* Calls back for each started call of the tenant (or of all) with from <= start < to. */
static int walk(struct store *store, struct str tenant, int64_t from, int64_t to, view_entity *view, void *each, void *context) {
    struct fold *fold;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    bool all = str_equal(tenant, STR("*"));
    struct key at;
    struct str key, value;
    key_reset(&at);
    if (!all) {
        key_text(&at, tenant);
        key_time(&at, from == NONE ? INT64_MIN : from);
    }
    for (unsigned visited = 1; (result = store_seek(store, TABLE_CALLS, key_str(&at), &key, &value)) == 0; visited++) {
        if (visited % CALLS_BETWEEN_RESTS == 0) cache_flush(fold->cache, INT64_MIN);
        const struct entity *entity = cache_see_call(fold->cache, key, value);
        key_copy(&at, key);
        key_byte(&at, 0);
        if (!entity || !entity->size) continue;
        if (!all && (!str_equal(entity_tenant(entity), tenant) || (to != NONE && entity->start >= to))) break;
        if ((from != NONE && entity->start < from) || (to != NONE && entity->start >= to) || !call_of(entity)->started) continue;
        struct verdict verdict;
        call_read(entity, &verdict);
        call_find_jobs(fold, entity, &verdict);
        if ((result = view(fold, entity, &verdict, each, context)) != 0) break;
    }
    return view_close(fold, result == STORE_ABSENT ? 0 : result);
}

static void show_call(struct fold *fold, const struct entity *entity, const struct verdict *verdict, struct classified_call *call) {
    fill_classified(fold, entity, verdict, call);
    call->at = call_of(entity)->type == TYPE_IN_PROGRESS ? verdict->latest_at : verdict->end ? verdict->end->at : call_of(entity)->check_at;
}

static int one_call(struct fold *fold, const struct entity *entity, const struct verdict *verdict, void *each, void *context) {
    struct classified_call call;
    show_call(fold, entity, verdict, &call);
    return (*(fold_view_call **)each)(context, &call);
}

int fold_view_calls(struct store *store, struct str tenant, int64_t from, int64_t to, fold_view_call *each, void *context) {
    return walk(store, tenant, from, to, one_call, &each, context);
}

static int one_row(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind, fold_view_followup *each,
                   void *context) {
    struct followup followup;
    const struct row *row = row_of(entity, kind);
    if (!row) return 0;
    fill_followup(fold, entity, verdict, kind, row, &followup, true);
    return each(context, &followup);
}

static int rows_of_call(struct fold *fold, const struct entity *entity, const struct verdict *verdict, void *each, void *context) {
    int result = one_row(fold, entity, verdict, KIND_ABANDONED, *(fold_view_followup **)each, context);
    return result ? result : one_row(fold, entity, verdict, KIND_SECOND_CHANCE, *(fold_view_followup **)each, context);
}

struct deadline_view {
    void (*each)(void *context, const char *timer, int8_t row, int64_t at);
    void *context;
};

static void one_deadline(void *context, struct deadline due) {
    const struct deadline_view *view = context;
    view->each(view->context, timer_name(due.kind), due.kind == TIMER_COLD ? (int8_t)due.sub : (int8_t)-1, due.at);
}

int fold_view_deadlines(struct store *store, struct str tenant, struct str call_id,
                        void (*each)(void *context, const char *timer, int8_t row, int64_t at), void *context) {
    struct fold *fold;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    const struct entity *entity = call_entity(fold->cache, tenant, call_id);
    struct deadline_view view = {each, context};
    struct verdict verdict;
    bool started = entity->size && call_of(entity)->started;
    if (started) call_read(entity, &verdict);
    if (entity->size) call_each_deadline(entity, started ? &verdict : NULL, one_deadline, &view);
    return view_close(fold, entity->size ? 0 : STORE_ABSENT);
}

int fold_view_followups(struct store *store, struct str tenant, int64_t from, int64_t to, fold_view_followup *each, void *context) {
    return walk(store, tenant, from, to, rows_of_call, &each, context);
}

static int call_with_rows(struct fold *fold, const struct entity *entity, const struct verdict *verdict, void *each, void *context) {
    struct classified_call call;
    struct followup shown[2];
    const struct followup *rows[2] = {NULL, NULL};
    show_call(fold, entity, verdict, &call);
    for (int kind = 0; kind < 2; kind++) {
        const struct row *row = row_of(entity, (enum followup_kind)kind);
        if (!row) continue;
        fill_followup(fold, entity, verdict, (enum followup_kind)kind, row, &shown[kind], true);
        rows[kind] = &shown[kind];
    }
    return (*(fold_view_call_rows **)each)(context, &call, rows);
}

int fold_view_calls_with_rows(struct store *store, struct str tenant, int64_t from, int64_t to, fold_view_call_rows *each, void *context) {
    return walk(store, tenant, from, to, call_with_rows, &each, context);
}

int fold_view_call_one(struct store *store, struct str tenant, struct str call_id, fold_view_call_rows *each, void *context) {
    struct fold *fold;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    const struct entity *entity = call_entity(fold->cache, tenant, call_id);
    result = STORE_ABSENT;
    if (entity->size && call_of(entity)->started) {
        struct verdict verdict;
        call_read(entity, &verdict);
        call_find_jobs(fold, entity, &verdict);
        result = call_with_rows(fold, entity, &verdict, &each, context);
    }
    return view_close(fold, result);
}

int fold_view_followup_one(struct store *store, struct str tenant, struct str follow_up, fold_view_followup *each, void *context) {
    struct fold *fold;
    if (follow_up.len < 4 || (memcmp(follow_up.ptr, "ab-", 3) != 0 && memcmp(follow_up.ptr, "sc-", 3) != 0)) return STORE_ABSENT;
    enum followup_kind kind = follow_up.ptr[0] == 'a' ? KIND_ABANDONED : KIND_SECOND_CHANCE;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    const struct entity *entity = call_entity(fold->cache, tenant, (struct str){follow_up.ptr + 3, follow_up.len - 3});
    result = STORE_ABSENT;
    if (entity->size && row_of(entity, kind)) {
        struct verdict verdict;
        call_read(entity, &verdict);
        result = one_row(fold, entity, &verdict, kind, each, context);
    }
    return view_close(fold, result);
}

int fold_view_tenants(struct store *store, int (*each)(void *context, struct str tenant, struct str name, const struct fold_counts *counts), void *context) {
    struct fold *fold;
    struct key at;
    struct str key, value;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    key_reset(&at);
    while ((result = store_seek(store, TABLE_DIRECTORY, key_str(&at), &key, &value)) == 0) {
        struct str rest = key, tenant;
        uint8_t kind;
        struct fold_counts counts;
        if (!key_take_text(&rest, &tenant) || !key_take_byte(&rest, &kind)) {
            cache_distrust(fold->cache);
            break;
        }
        struct entity *entity = directory_entity(fold->cache, tenant, ENTRY_COUNTS, STR(""));
        tenant = entity_tenant(entity);
        key_reset(&at); /* on to the next tenant */
        key_text(&at, tenant);
        key_byte(&at, UINT8_MAX);
        if (str_equal(tenant, STR("*"))) continue;
        fold_counts(fold, tenant, &counts);
        result = each(context, tenant, directory_name(fold->cache, tenant, ENTRY_TENANT, STR("")), &counts);
        if (result != 0) break;
    }
    return view_close(fold, result == STORE_ABSENT ? 0 : result);
}

int fold_view_tenant(struct store *store, struct str tenant, int (*each)(void *context, struct str name, struct str zone, int8_t week_start),
                     void *context) {
    struct fold *fold;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    struct str zone, name = directory_name(fold->cache, tenant, ENTRY_TENANT, STR(""));
    int8_t week_start;
    directory_calendar(fold->cache, tenant, &zone, &week_start);
    result = cache_error(fold->cache);
    if (result == 0) result = each(context, name, zone, week_start);
    return view_close(fold, result);
}

int fold_view_rules(struct store *store, void (*each)(void *context, int32_t version, int64_t at), void *context) {
    struct fold *fold;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    const struct entity *entity = directory_entity(fold->cache, STR("*"), ENTRY_RULES, STR(""));
    for (const struct fact *fact = facts_at(entity, sizeof(struct entry)); fact; fact = fact_next(entity, fact)) each(context, fact->a, fact->at);
    result = cache_error(fold->cache);
    fold_close(fold);
    return result;
}

void fold_view_setting_keys(void (*each)(void *context, struct str key, bool is_switch, int64_t initial, int64_t least, int64_t most), void *context) {
    for (const struct setting_row *row = setting_rows; row < setting_rows + SETTINGS; row++)
        each(context, row->key, row->is_switch, row->initial, row->least, row->most);
}

int fold_view_settings(struct store *store, struct str tenant, int (*each)(void *context, struct str key, struct str value, struct str scope),
                       void *context) {
    struct fold *fold;
    int result = view_open(&fold, store);
    if (result < 0) return result;
    struct settings settings;
    settings_read(fold->cache, tenant, &settings);
    result = cache_error(fold->cache);
    for (unsigned key = 0; key < SETTINGS && result == 0; key++) {
        char room[20];
        struct str text = decimal(room, settings.value[key]);
        if (setting_rows[key].is_switch) text = settings.value[key] ? STR("on") : STR("off");
        result = each(context, setting_rows[key].key, text, settings_source(fold->cache, tenant, (enum setting_key)key));
    }
    return view_close(fold, result);
}
