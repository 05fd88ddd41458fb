#include "call.h"

struct entity *call_entity(struct cache *cache, struct str tenant, struct str call_id) {
    struct key key;
    key_named(&key, tenant, call_id);
    return cache_get(cache, TABLE_CALLS, key_str(&key));
}

struct entity *call_entity_at(struct cache *cache, struct str tenant, struct str call_id, int64_t start) {
    struct key key;
    key_named(&key, tenant, call_id);
    return cache_get_call(cache, key_str(&key), start);
}

void call_make(struct cache *cache, struct entity *entity) {
    entity_resize(cache, entity, sizeof(struct call));
    struct call *call = call_of(entity);
    call->started_at = call->stuck_at = call->check_at = call->retain_at = call->talk_at = call->talk_moment = call->latest_at = call->waiting_until = NONE;
    call->stuck_floor = call->check_floor = call->cold_floor = call->retain_floor = NONE;
    call->type = TYPE_IN_PROGRESS;
}

struct row *row_make(struct cache *cache, struct entity *entity, enum followup_kind kind) {
    uint32_t old_size = entity->size;
    entity_resize(cache, entity, old_size + (uint32_t)sizeof(struct row));
    call_of(entity)->has_row[kind] = true;
    struct row *row = row_of(entity, kind);
    uint8_t *at = (uint8_t *)row;
    memmove(at + sizeof *row, at, (size_t)(entity->blob + old_size - at));
    memset(at, 0, sizeof *row);
    row->base_set = row->reopened = row->first_review = row->last_review = (struct act){NONE, NONE};
    row->person_closed_at = row->first_attempt_at = row->changed_at = row->opened_at = row->closed_at = row->went_cold_at = row->converted_at = row->cold_at = NONE;
    row->base_outcome = row->outcome = row->tab = row->status_before = row->outcome_before = -1;
    return row;
}

bool call_insert(struct cache *cache, struct entity *entity, const struct event *event, const struct fact_id *id, struct str campaign) {
    struct str texts[FACT_TEXTS_MAX];
    unsigned count = 0;
    int8_t a = 0, b = 0;
    switch ((enum event_type)event->type) {
    case EVENT_CALL_STARTED:
        if (call_of(entity)->started) {
            a = (int8_t)ANOTHER_START;
            break;
        }
        texts[count++] = event->body.call_started.from; /* enum start_text */
        texts[count++] = event->body.call_started.to;
        texts[count++] = event->body.call_started.customer;
        texts[count++] = campaign;
        a = event->body.call_started.direction;
        b = event->body.call_started.kind;
        break;
    case EVENT_MODULE_ENTERED: a = event->body.module_entered.module; break;
    case EVENT_QUEUE_ENTERED:
        texts[count++] = event->body.queue_entered.queue;
        break;
    case EVENT_QUEUE_EXITED:
        a = event->body.queue_exited.reason;
        break;
    case EVENT_AGENT_OFFERED:
        texts[count++] = event->body.agent_offered.leg;
        break;
    case EVENT_OFFER_ENDED:
        texts[count++] = event->body.offer_ended.leg;
        a = event->body.offer_ended.result;
        break;
    case EVENT_AGENT_CONNECTED:
        texts[count++] = event->body.agent_connected.leg;
        texts[count++] = event->body.agent_connected.agent;
        break;
    case EVENT_AGENT_DISCONNECTED: texts[count++] = event->body.agent_disconnected.leg; break;
    case EVENT_HOLD_STARTED: texts[count++] = event->body.hold_started.leg; break;
    case EVENT_HOLD_ENDED: texts[count++] = event->body.hold_ended.leg; break;
    case EVENT_VOICE_AGENT_CONNECTED: texts[count++] = event->body.voice_agent_connected.leg; break;
    case EVENT_VOICE_AGENT_DISCONNECTED: texts[count++] = event->body.voice_agent_disconnected.leg; break;
    case EVENT_CALL_ENDED:
        a = event->body.call_ended.by;
        b = str_equal(event->body.call_ended.cause, STR("NO_ACTIVE_WORKFLOW"));
        break;
    case EVENT_CALL_CLASSIFIED:
        a = event->body.call_classified.classification;
        b = event->body.call_classified.is_lead;
        texts[count++] = event->body.call_classified.reason;
        texts[count++] = event->body.call_classified.notes;
        texts[count++] = event->body.call_classified.job;
        break;
    case EVENT_CUSTOMER_LINKED: texts[count++] = event->body.customer_linked.customer; break;
    case EVENT_RECORDING_AVAILABLE: texts[count++] = event->body.recording_available.address; break;
    default: break; /* that it happened, and when, is enough */
    }
    return facts_insert(cache, entity, call_facts_from(entity), (uint8_t)event->type, (uint8_t)a, (uint8_t)b, event->occurred_at, id, texts, count);
}

static const struct fact *row_fact(const struct entity *entity, enum row_fact what, enum followup_kind kind) {
    const struct fact *fact = call_facts(entity);
    while (fact && !(fact->type == what && fact->a == kind)) fact = fact_next(entity, fact);
    return fact;
}

struct str row_text(const struct entity *entity, enum row_fact what, enum followup_kind kind) {
    const struct fact *fact = row_fact(entity, what, kind);
    return fact ? fact_text(fact, 1) : STR_NULL;
}

bool row_text_set(struct cache *cache, struct entity *entity, enum row_fact what, enum followup_kind kind, struct str text) {
    const struct fact *old = row_fact(entity, what, kind);
    if (old ? str_equal(fact_text(old, 1), text) : str_is_null(text)) return false;
    char copy[UINT8_MAX + 1]; /* `text` may point into this very blob; it is an id */
    if (text.len > sizeof copy) return false;
    if (text.len) memcpy(copy, text.ptr, text.len);
    text.ptr = str_is_null(text) ? NULL : copy;
    if (old) facts_remove(cache, entity, old);
    if (!str_is_null(text)) facts_insert(cache, entity, call_facts_from(entity), (uint8_t)what, (uint8_t)kind, 0, INT64_MAX, &FACT_NO_ID, &text, 1);
    return true;
}

void call_named_by(struct cache *cache, struct entity *entity, struct str job_id) {
    call_of(entity)->has_jobs = true;
    facts_insert(cache, entity, call_facts_from(entity), FACT_NAMED_BY, 0, 0, INT64_MAX, &FACT_NO_ID, &job_id, 1);
    entity_touch(cache, entity);
}

void call_not_named_by(struct cache *cache, struct entity *entity, struct str job_id) {
    for (const struct fact *fact = NULL; entity->size && (fact = call_next_job(entity, fact));) {
        if (!str_equal(fact_text(fact, 1), job_id)) continue;
        facts_remove(cache, entity, fact);
        return;
    }
}

const struct fact *call_next_job(const struct entity *entity, const struct fact *fact) {
    if (!call_of(entity)->has_jobs) return NULL;
    fact = fact ? fact_next(entity, fact) : call_facts(entity);
    while (fact && fact->type != FACT_NAMED_BY) fact = fact_next(entity, fact);
    return fact;
}
