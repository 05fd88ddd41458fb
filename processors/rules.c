#include "rules.h"

#define LINK_DAYS_MOST 90        /* SPEC 5 */
#define CALLS_A_RECORD 256       /* looked at; D19.6 */
#define CALLS_BETWEEN_RESTS 4096 /* after so many calls what was read is let go */

/* The pass under way: an entry of "*" that is there as long as it is. */
struct pass {
    int64_t since;    /* stream time at its first piece; NONE: it had none yet */
    int32_t version;
    uint32_t at_len;
    uint8_t at[KEY_BYTES_MAX + 1]; /* where in TABLE_CALLS it goes on; zeros behind at_len */
};

static const char *const versions[FOLD_RULES_VERSION] = {
    [FOLD_RULES_FIRST - 1] = "the rules that a journal begins with",
    [RULES_JOB_OF_THE_CALL - 1] = "a job that names a call matches the rows of that very call, whether or not its caller is known",
};

void fold_view_rules_known(void (*each)(void *context, int32_t version, const char *what), void *context) {
    for (int32_t version = FOLD_RULES_FIRST; version <= FOLD_RULES_VERSION; version++) each(context, version, versions[version - 1]);
}

static struct entity *pass_entity(struct fold *fold) { return directory_entity(fold->cache, STR("*"), ENTRY_PASS, STR("")); }

static struct pass *pass_of(const struct entity *entity) { return (struct pass *)(void *)entity->blob; }

int32_t rules_of(const struct fold *fold, const struct call *call) {
    return call->decided ? FOLD_RULES_FIRST + call->rules : (int32_t)fold->meta.rules_version;
}

void rules_fix(const struct fold *fold, struct call *call) {
    call->rules = (uint8_t)(later(fold->meta.rules_version, FOLD_RULES_FIRST) - FOLD_RULES_FIRST);
}

int32_t fold_rules_asked(const struct journal_record *record) {
    if (record->type == JOURNAL_RULES) return record->body.rules.version;
    const struct event *event = &record->body.event;
    bool activates = record->type == JOURNAL_EVENT && event->type == EVENT_ACTIVATE_RULES && str_equal(event->tenant, STR("*"));
    return activates ? event->body.activate_rules.version : 0;
}

void rules_activate(struct fold *fold, const struct event *event, const struct journal_record *record, struct str bytes) {
    int32_t version = event->body.activate_rules.version;
    const char *why = NULL;
    if (!str_equal(event->tenant, STR("*"))) why = "tenant: rules are activated for all, *";
    else if (version <= fold->meta.rules_version) why = "version: these rules, or newer ones, are in force already";
    else if (version > FOLD_RULES_VERSION) why = "version: there are no such rules";
    if (why) {
        step_reject(fold, &(struct rejection){event->tenant, event->event_id, bytes, record->source, record->offset, record->append_time,
                                              (int64_t)bytes.len, REJECT_INVALID, BYTES_EVENT_AVRO, why, NULL});
        return;
    }
    directory_apply(fold->cache, event, &fold->id, now_of(fold, event->tenant)); /* a few versions always fit */
    fold->meta.rules_version = version;
    struct entity *entity = pass_entity(fold);
    entity_resize(fold->cache, entity, sizeof(struct pass));
    *pass_of(entity) = (struct pass){.since = NONE, .version = version}; /* one that is under way begins anew */
    fold->judges_again = true;
}

void rules_open(struct fold *fold) { fold->judges_again = pass_entity(fold)->size > 0; }

bool rules_under_way(const struct fold *fold) { return fold->judges_again && fold->meta.stream_time != NONE; }

/* The next call in the order tenant, start, id that began at `from` or later; `at` moves behind it. */
static struct entity *next_call(struct fold *fold, struct key *at, int64_t from) {
    struct str key, value;
    while (index_seek(fold->cache, TABLE_CALLS, key_str(at), STR(""), &key, &value)) {
        struct str rest = key, tenant;
        int64_t start;
        if (key_take_text(&rest, &tenant) && key_take_time(&rest, &start) && start < from) { /* on to where the tenant's window begins */
            key_reset(at);
            key_text(at, tenant);
            key_time(at, from);
            continue;
        }
        struct entity *entity = cache_see_call(fold->cache, key, value);
        key_copy(at, key);
        key_byte(at, 0);
        if (entity && entity->size && call_of(entity)->decided) return entity;
    }
    return NULL;
}

static void judge_again(struct fold *fold, struct entity *entity, int32_t version) {
    step_begin(fold, STEP_RULES, fold->meta.stream_time, NULL);
    fold->subject = entity;
    call_of(entity)->rules = (uint8_t)(version - FOLD_RULES_FIRST);
    step_touch(fold, entity);
    step_end(fold);
}

/* What was decided before lies in the store from here on, in the order in which it is walked. */
static void begin(struct fold *fold, struct pass *pass) {
    cache_flush(fold->cache, fold->meta.stream_time);
    pass->since = fold->meta.stream_time;
}

static void save(struct fold *fold, struct entity *entity, const struct key *at) {
    struct pass *pass = pass_of(entity);
    memset(pass->at, 0, sizeof pass->at);
    memcpy(pass->at, at->bytes, at->len);
    pass->at_len = at->len;
    entity_touch(fold->cache, entity);
}

void rules_go_on(struct fold *fold) {
    struct entity *entity = pass_entity(fold), *call = NULL; /* in memory as long as it is there: a hot one stays over flushes */
    struct pass *pass = pass_of(entity);
    if (pass->since == NONE) begin(fold, pass);
    int64_t from = pass->since - LINK_DAYS_MOST * DAY_MS;
    struct key at;
    key_copy(&at, (struct str){(const char *)pass->at, pass->at_len});
    unsigned looked = 0;
    while (looked < CALLS_A_RECORD && (call = next_call(fold, &at, from))) {
        if (rules_of(fold, call_of(call)) >= pass->version) continue;
        looked++;
        if (call_of(call)->started_at + call_of(call)->link_days * DAY_MS >= pass->since) judge_again(fold, call, pass->version);
    }
    if (call) {
        save(fold, entity, &at);
    } else {
        entity_delete(fold->cache, entity);
        fold->judges_again = false;
    }
    fold->looked_at += looked;
    if (fold->looked_at < CALLS_BETWEEN_RESTS && call) return;
    cache_flush(fold->cache, fold->meta.stream_time);
    fold->looked_at = 0;
}
