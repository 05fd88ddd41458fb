/* Commands: what persons and programs ask of rows and settings, and the one answer that each gets (SPEC 5; docs/decisions/0001 D1.32 to D1.37). */
#include "answers.h"
#include "row.h"
#include "../job/job.h"

#define KNOWN_FOR_MS (7 * DAY_MS)
#define AHEAD_MS INT64_C(300000)
#define CHANGES_MAX 32
#define NOTES_MAX 200 /* of a row, so that its record stays readable: D1.50 */

/* How a result is kept: this, then follow_up and actor (u16 length or none, bytes). */
struct kept_result {
    struct result result;
    uint16_t follow_up_len, actor_len; /* UINT16_MAX: null */
    uint8_t pad[4];
};

static struct str kept_text(const char *at, uint16_t len) {
    return len == UINT16_MAX ? STR_NULL : (struct str){at, len};
}

/* Answers a command that was answered before; false: it was not, or too long ago: *old is until when it was known, else NONE. */
static bool repeat(struct fold *fold, const struct event *event, int64_t *old) {
    *old = NONE;
    struct str value = answer_find(fold, event->tenant, event->event_id, old);
    if (str_is_null(value) || now_of(fold, event->tenant) > *old) return false;
    struct kept_result kept;
    memcpy(&kept, value.ptr, sizeof kept);
    const char *texts = value.ptr + sizeof kept;
    struct str follow_up = kept_text(texts, kept.follow_up_len);
    struct str actor = kept_text(texts + follow_up.len, kept.actor_len);
    if (!str_equal(event->tenant, STR("*")) || fold->partition == 0)
        emit_result(fold, event->tenant, event->event_id, actor, follow_up, &kept.result);
    return true;
}

static void keep(struct fold *fold, const struct event *event, struct str follow_up, const struct result *result, int64_t old) {
    struct str actor = event->actor;
    struct kept_result kept = {.result = *result,
                               .follow_up_len = str_is_null(follow_up) ? UINT16_MAX : (uint16_t)follow_up.len,
                               .actor_len = str_is_null(actor) ? UINT16_MAX : (uint16_t)actor.len};
    bool network = str_equal(event->tenant, STR("*"));
    int64_t from = network || fold->meta.stream_time == NONE ? later(result->at, now_of(fold, event->tenant)) : fold->meta.stream_time;
    uint32_t size = (uint32_t)sizeof kept + follow_up.len + actor.len;
    fold->encoded = room_grow(fold->encoded, &fold->encoded_capacity, size, 1);
    memcpy(fold->encoded, &kept, sizeof kept);
    if (follow_up.len) memcpy(fold->encoded + sizeof kept, follow_up.ptr, follow_up.len);
    if (actor.len) memcpy(fold->encoded + sizeof kept + follow_up.len, actor.ptr, actor.len);
    answer_put(fold, event->tenant, event->event_id, old, from + KNOWN_FOR_MS, (struct str){(const char *)fold->encoded, size});
}

static struct result refused(const struct fold *fold, enum command_reason reason) {
    return (struct result){.at = fold->time, .version = NONE, .verdict = VERDICT_REJECTED, .reason = (int8_t)reason};
}

static struct result accepted(const struct fold *fold, int64_t version) { return (struct result){.at = fold->time, .version = version, .verdict = VERDICT_ACCEPTED, .reason = -1}; }

/* ---- rows ---- */

static bool has_status(enum followup_kind kind, int8_t status) {
    if (status <= STATUS_RESOLVED) return true;
    return kind == KIND_ABANDONED ? status == STATUS_DISMISSED : status == STATUS_NOT_A_LEAD || status == STATUS_NOT_FOLLOWING_UP;
}

static struct act act_now(const struct fold *fold) { return (struct act){fold->time, fold->meta.stream_time}; }

static void set_status(struct fold *fold, struct row *row, int8_t status) {
    if (is_done(row->status) && !is_done(status)) row->reopened = act_now(fold);
    if (is_done(status)) row->person_closed_at = is_done(row->status) ? row->closed_at : fold->time;
    row->base = status;
    row->base_set = act_now(fold);
    row->base_outcome = -1;
}

static void attempt(struct fold *fold, struct row *row) {
    if (row->first_attempt_at == NONE) row->first_attempt_at = fold->time;
}

static unsigned count_notes(const struct entity *entity, enum followup_kind kind) {
    unsigned count = 0;
    for (const struct fact *fact = call_facts(entity); fact; fact = fact_next(entity, fact)) count += fact->type == FACT_NOTE && fact->a == kind;
    return count;
}

/* What the command does to the row; false: nothing. *valid: its values make sense. */
static bool act(struct fold *fold, struct entity *entity, enum followup_kind kind, const struct event *event, bool *valid) {
    struct row *row = row_of(entity, kind);
    *valid = true;
    switch ((enum event_type)event->type) {
    case EVENT_SET_STATUS: {
        int8_t status = event->body.set_status.status;
        *valid = has_status(kind, status);
        if (!*valid || status == row->status) return false;
        if (status == STATUS_CONTACT_ATTEMPTED) attempt(fold, row);
        set_status(fold, row, status);
        return true;
    }
    case EVENT_DISMISS:
        *valid = kind == KIND_ABANDONED;
        if (!*valid || row->status == STATUS_DISMISSED) return false;
        set_status(fold, row, STATUS_DISMISSED);
        return true;
    case EVENT_REOPEN:
        *valid = is_done(row->status);
        if (*valid) set_status(fold, row, row->open_status);
        return *valid;
    case EVENT_START_CALLBACK:
        attempt(fold, row);
        if (row->status == STATUS_NEW) set_status(fold, row, STATUS_CONTACT_ATTEMPTED);
        return true;
    case EVENT_ADD_NOTE: {
        unsigned count = count_notes(entity, kind);
        char number = (char)count; /* notes are shown in the order in which they were taken */
        struct fact_id id = {.text = {&number, 1}};
        struct str texts[2] = {event->actor, event->body.add_note.note};
        *valid = texts[1].len > 0 && count < NOTES_MAX &&
                 facts_insert(fold->cache, entity, call_facts_from(entity), FACT_NOTE, (uint8_t)kind, 0, fold->time, &id, texts, 2);
        return *valid;
    }
    default: { /* EVENT_ASSIGN */
        struct str assignee = event->body.assign.assignee;
        *valid = str_is_null(assignee) || (assignee.len > 0 && assignee.len <= ID_BYTES_MAX);
        if (!*valid || str_equal(assignee, row_text(entity, FACT_ASSIGNEE, kind))) return false;
        row_text_set(fold->cache, entity, FACT_ASSIGNEE, kind, assignee);
        return true;
    }
    }
}

/* A person did something to the row: that is a review. Who sets a status says what the row is without the closure that may still stand over it, and so does
 * not confirm that. */
static void review(struct fold *fold, struct row *row, int16_t type) {
    row->last_review = act_now(fold);
    row->acted = type != EVENT_SET_STATUS && type != EVENT_DISMISS && type != EVENT_REOPEN;
    if (row->first_review.at == NONE || fold->time < row->first_review.at) row->first_review = row->last_review;
}

static enum permission needed(struct str follow_up) {
    if (follow_up.len >= 3 && memcmp(follow_up.ptr, "ab-", 3) == 0) return PERMISSION_EDIT_ABANDONED_CALLS;
    if (follow_up.len >= 3 && memcmp(follow_up.ptr, "sc-", 3) == 0) return PERMISSION_EDIT_SECOND_CHANCE_LEADS;
    return PERMISSION_VIEW_AND_ACTION_ALL_FOLLOW_UPS;
}

/* Every row command has its expected version in the same place. */
static int64_t expected_version(const struct event *event) { return event->body.set_status.expected_version; }

static struct result row_command(struct fold *fold, const struct event *event) {
    struct str id = event->body.subject;
    enum permission permission = needed(id);
    if (!permitted(fold->cache, event->tenant, event->actor, permission)) return refused(fold, COMMAND_NOT_PERMITTED);
    if (permission == PERMISSION_VIEW_AND_ACTION_ALL_FOLLOW_UPS || str_equal(event->tenant, STR("*")))
        return refused(fold, COMMAND_UNKNOWN_FOLLOW_UP);
    enum followup_kind kind = permission == PERMISSION_EDIT_ABANDONED_CALLS ? KIND_ABANDONED : KIND_SECOND_CHANCE;
    struct entity *entity = call_entity(fold->cache, event->tenant, (struct str){id.ptr + 3, id.len - 3});
    if (!entity->size || !row_of(entity, kind)) return refused(fold, COMMAND_UNKNOWN_FOLLOW_UP);
    const struct row *row = row_of(entity, kind);
    if (row->withdrawn) return refused(fold, COMMAND_WITHDRAWN);
    if (expected_version(event) != NONE && expected_version(event) != row->version) return refused(fold, COMMAND_VERSION_CONFLICT);
    bool valid;
    if (act(fold, entity, kind, event, &valid)) {
        review(fold, row_of(entity, kind), event->type);
        fold->subject = entity;
        fold->subject_kind = (int8_t)kind;
        step_touch(fold, entity);
        step_judge(fold); /* the result tells the version that comes of it */
    }
    if (!valid) return refused(fold, COMMAND_INVALID_VALUE);
    return accepted(fold, row_of(entity, kind)->version);
}

/* ---- settings ---- */

struct retiming {
    struct fold *fold;
    struct str scope;
    uint64_t keys;
    int64_t at;
};

/* The keys of the change that hold for a tenant: one that it has set itself stays its own. */
static uint64_t keys_for(struct fold *fold, const struct retiming *retiming, struct str tenant) {
    uint64_t keys = 0;
    if (!str_equal(retiming->scope, STR("*"))) return str_equal(retiming->scope, tenant) ? retiming->keys : 0;
    for (unsigned key = 0; key < SETTINGS; key++)
        if (retiming->keys >> key & 1 && str_equal(settings_source(fold->cache, tenant, (enum setting_key)key), STR("*"))) keys |= UINT64_C(1) << key;
    return keys;
}

static void retime_one(void *context, struct entity *entity) {
    const struct retiming *retiming = context;
    uint64_t keys = keys_for(retiming->fold, retiming, entity_tenant(entity));
    if (!keys || !entity->size) return;
    if (entity->table == TABLE_CALLS) call_retime(retiming->fold, entity, keys, retiming->at);
    if (entity->table == TABLE_JOBS && keys >> SETTING_RETENTION_DAYS & 1) job_retime(retiming->fold, entity, retiming->at);
}

/* Walks the timers that a change can move: no further than the longest span of its kind. */
static void retime(struct fold *fold, struct str scope, uint64_t keys) {
    struct retiming retiming = {fold, scope, keys, fold->time};
    int64_t until = NONE;
    if (keys >> SETTING_ACW_MINUTES & 1) until = fold->time + 2 * DAY_MS;
    if (keys >> SETTING_STUCK_CALL_HOURS & 1) until = fold->time + 4 * DAY_MS;
    if (keys >> SETTING_COLD_DAYS & 1) until = fold->time + 368 * DAY_MS;
    if (keys >> SETTING_RETENTION_DAYS & 1) until = NO_DEADLINE - 1;
    if (until != NONE) cache_each_due(fold->cache, fold->meta.stream_time, until, retime_one, &retiming);
}

static struct result settings_command(struct fold *fold, const struct event *event) {
    const struct change_settings *change = &event->body.change_settings;
    bool features = permitted(fold->cache, event->tenant, event->actor, PERMISSION_VIEW_AND_EDIT_FEATURE_MANAGEMENT);
    bool reporting = permitted(fold->cache, event->tenant, event->actor, PERMISSION_EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS);
    enum setting_key keys[CHANGES_MAX];
    int64_t values[CHANGES_MAX];
    uint64_t mask = 0;
    bool valid = change->changes.count > 0 && change->changes.count <= CHANGES_MAX;
    for (uint32_t i = 0; i < change->changes.count; i++) {
        struct str name = change->changes.items[i].key;
        bool second_chance = name.len > 14 && memcmp(name.ptr, "second_chance.", 14) == 0;
        if (!reporting || (second_chance && !features)) return refused(fold, COMMAND_NOT_PERMITTED);
        enum setting_key key = setting_find(name);
        if (!valid || key == SETTINGS || mask >> key & 1 || (key == SETTING_ALLOWED_LATENESS_MS && !str_equal(event->tenant, STR("*"))) ||
            !setting_parse(key, change->changes.items[i].value, &values[i])) {
            valid = false;
            continue;
        }
        keys[i] = key;
        mask |= UINT64_C(1) << key;
    }
    if (!reporting) return refused(fold, COMMAND_NOT_PERMITTED);
    if (change->expected_version != NONE && change->expected_version != settings_version(fold->cache, event->tenant))
        return refused(fold, COMMAND_VERSION_CONFLICT);
    if (!valid) return refused(fold, COMMAND_INVALID_VALUE);
    int64_t version = settings_change(fold->cache, event->tenant, keys, values, change->changes.count);
    fold_read_settings(fold);
    retime(fold, event->tenant, mask);
    return accepted(fold, version);
}

void command_apply(struct fold *fold, const struct event *event, const struct journal_record *record) {
    bool network = str_equal(event->tenant, STR("*"));
    bool malformed = !id_is_valid(event->actor) || event->occurred_at > record->append_time + AHEAD_MS;
    fold->time = later(event->occurred_at, now_of(fold, event->tenant));
    int64_t old;
    if (repeat(fold, event, &old)) return;
    struct str follow_up = event->type == EVENT_CHANGE_SETTINGS ? STR_NULL : event->body.subject;
    struct result result = malformed ? refused(fold, COMMAND_MALFORMED)
                           : event->type == EVENT_CHANGE_SETTINGS ? settings_command(fold, event) : row_command(fold, event);
    keep(fold, event, follow_up, &result, old);
    publish(fold);
    if (!network || fold->partition == 0) emit_result(fold, event->tenant, event->event_id, event->actor, follow_up, &result);
}
