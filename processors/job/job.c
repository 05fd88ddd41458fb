#include "job.h"
#include "../directory/numbers.h"
#include "../followup/party.h"

#define JOB_FACTS ((uint32_t)sizeof(struct job))

/* Texts of a JobBooked's fact, after its id. */
enum { JOB_CALL = 1, JOB_CUSTOMER, JOB_CALLER, JOB_SCHEDULED, JOB_CREATED };

static struct job *job_of(const struct entity *entity) { return (struct job *)(void *)entity->blob; }

struct entity *job_entity(struct cache *cache, struct str tenant, struct str job_id) {
    struct key key;
    key_named(&key, tenant, job_id);
    return cache_get(cache, TABLE_JOBS, key_str(&key));
}

static void job_make(struct fold *fold, struct entity *entity) {
    if (entity->size) return;
    entity_resize(fold->cache, entity, JOB_FACTS);
    struct settings settings;
    tenant_settings(fold, entity_tenant(entity), &settings);
    struct job *job = job_of(entity);
    job->retain_at = job->retain_floor = NONE;
    job->retention_days = (uint16_t)settings.value[SETTING_RETENTION_DAYS];
    job->last_event_at = step_now(fold);
}

void job_read(const struct entity *entity, struct job_read *read) {
    *read = (struct job_read){.latest_at = NONE, .created_at = NONE, .scheduled_at = NONE, .completed_at = NONE, .cancelled_at = NONE, .first_cancelled_at = NONE};
    for (const struct fact *fact = facts_at(entity, JOB_FACTS); fact; fact = fact_next(entity, fact)) {
        if (fact->type >= EVENT_TYPES) continue;
        read->latest_at = fact->at;
        if (fact->type == EVENT_JOB_BOOKED) {
            if (read->booked) continue; /* a job is booked once: the first counts */
            read->booked = fact;
            if (fact_number(fact, JOB_SCHEDULED) != NONE) read->scheduled_at = fact_number(fact, JOB_SCHEDULED);
        } else if (fact->type == EVENT_JOB_RESCHEDULED) {
            read->scheduled_at = fact_number(fact, 1);
        } else if (fact->type == EVENT_JOB_COMPLETED) {
            read->completed_at = fact->at;
        } else {
            if (read->first_cancelled_at == NONE) read->first_cancelled_at = fact->at;
            read->cancelled_at = fact->at;
        }
    }
    if (!read->booked) return;
    read->call = fact_text(read->booked, JOB_CALL);
    read->customer = fact_text(read->booked, JOB_CUSTOMER);
    read->caller = fact_text(read->booked, JOB_CALLER);
    read->created_at = fact_number(read->booked, JOB_CREATED) == NONE ? read->booked->at : fact_number(read->booked, JOB_CREATED);
}

bool job_cancelled_by(const struct entity *entity, int64_t by) {
    for (const struct fact *fact = facts_at(entity, JOB_FACTS); fact; fact = fact_next(entity, fact))
        if (fact->type == EVENT_JOB_CANCELLED && fact->at <= by) return true;
    return false;
}

bool job_is_duplicate(struct fold *fold, const struct event *event) {
    const struct entity *entity = job_entity(fold->cache, event->tenant, event->body.subject);
    return entity->size && fold->meta.stream_time <= job_of(entity)->last_event_at + DUPLICATE_WINDOW_MS &&
           facts_find(entity, JOB_FACTS, &fold->id);
}

/* The job no longer names this call. */
static void unlink_call(struct fold *fold, const struct entity *entity, struct str call_id) {
    if (str_is_null(call_id)) return;
    struct entity *call = call_entity(fold->cache, entity_tenant(entity), call_id);
    call_not_named_by(fold->cache, call, entity_id(entity));
    step_touch(fold, call);
}

void job_event(struct fold *fold, const struct event *event, const struct journal_record *record, struct str bytes) {
    struct entity *entity = job_entity(fold->cache, event->tenant, event->body.subject);
    job_make(fold, entity);
    bool relinks = event->type == EVENT_JOB_BOOKED; /* the first booking may be another now: job_propagate links it again */
    struct str texts[FACT_TEXTS_MAX];
    unsigned count = 0;
    if (event->type == EVENT_JOB_BOOKED) {
        const struct job_booked *booked = &event->body.job_booked;
        texts[count++] = booked->call; /* from JOB_CALL on */
        texts[count++] = booked->customer;
        texts[count++] = booked->caller;
        texts[count++] = number_text(&booked->scheduled_at);
        texts[count++] = number_text(&booked->created_at);
    } else if (event->type == EVENT_JOB_RESCHEDULED) {
        texts[count++] = number_text(&event->body.job_rescheduled.scheduled_at);
    }
    struct job_read before;
    char called[ID_BYTES_MAX];
    job_read(entity, &before);
    if (relinks && before.call.len) memcpy(called, before.call.ptr, before.call.len);
    uint32_t called_len = before.call.len;
    if (!facts_insert(fold->cache, entity, JOB_FACTS, (uint8_t)event->type, 0, 0, event->occurred_at, &fold->id, texts, count)) {
        step_reject(fold, &(struct rejection){event->tenant, event->event_id, bytes, record->source, record->offset, record->append_time,
                                              (int64_t)bytes.len, REJECT_TOO_LARGE, BYTES_EVENT_AVRO, "job_id: too many events of this job", NULL});
        return;
    }
    if (relinks && called_len) unlink_call(fold, entity, (struct str){called, called_len});
    job_of(entity)->last_event_at = later(job_of(entity)->last_event_at, step_now(fold));
    step_touch(fold, entity);
}

/* A caller's number as a party: only what SPEC 1 calls a caller matches. */
static struct party caller_party(struct fold *fold, struct str tenant, struct str number) {
    return number_is_caller(fold, tenant, number) ? party_of('n', number) : (struct party){.len = 0};
}

/* The parties of a job: its caller, its call's caller, its customer. A party may come twice: harmless. */
static void parties_of(struct fold *fold, const struct entity *entity, const struct job_read *read, struct party parties[3]) {
    struct str tenant = entity_tenant(entity);
    parties[0] = caller_party(fold, tenant, read->caller);
    parties[1].len = 0;
    parties[2] = party_of('c', read->customer);
    if (str_is_null(read->call)) return;
    const struct entity *call = call_entity(fold->cache, tenant, read->call);
    if (!call->size || !call_of(call)->started) return;
    struct verdict verdict;
    call_read(call, &verdict);
    parties[1] = party_of('n', verdict.caller);
}

static bool in_parties(struct str text, const struct party parties[3]) {
    for (int i = 0; i < 3; i++)
        if (parties[i].len && str_equal(text, (struct str){parties[i].text, parties[i].len})) return true;
    return false;
}

/* Takes the job out of indexes that it no longer belongs to: another party, or booked at another time. `touch`: that is news for rows. */
static void unindex(struct fold *fold, struct entity *entity, const struct party parties[3], int64_t booked_at, bool touch) {
    const struct fact *fact = facts_at(entity, JOB_FACTS);
    while (fact) {
        struct str text = fact_text(fact, 1);
        int64_t indexed_at = fact->type == FACT_INDEXED ? fact_number(fact, 2) : NONE;
        if (fact->type != FACT_INDEXED || (indexed_at == booked_at && in_parties(text, parties))) {
            fact = fact_next(entity, fact);
            continue;
        }
        struct party party = {.len = text.len};
        memcpy(party.text, text.ptr, text.len);
        facts_remove(fold->cache, entity, fact);
        party_remove_job(fold, entity_tenant(entity), &party, indexed_at, entity_id(entity));
        if (touch) party_touch_job(fold, entity_tenant(entity), &party, indexed_at);
        fact = facts_at(entity, JOB_FACTS);
    }
}

static bool is_indexed(const struct entity *entity, const struct party *party) {
    for (const struct fact *fact = facts_at(entity, JOB_FACTS); fact; fact = fact_next(entity, fact))
        if (fact->type == FACT_INDEXED && str_equal(fact_text(fact, 1), (struct str){party->text, party->len})) return true;
    return false;
}

/* The call that a job names: it looks for such jobs from now on, also where it has not started yet. */
static void link_call(struct fold *fold, struct entity *entity, struct str call_id) {
    struct str tenant = entity_tenant(entity);
    struct entity *call = call_entity(fold->cache, tenant, call_id);
    if (!call->size) call_make(fold->cache, call);
    if (!call_of(call)->started) call_of(call)->retain_at = later(call_of(call)->retain_at, job_of(entity)->retain_at);
    call_named_by(fold->cache, call, entity_id(entity));
    step_touch(fold, call);
}

static void schedule(struct fold *fold, struct entity *entity, const struct job_read *read) {
    struct job *job = job_of(entity);
    int64_t from = read->booked ? read->booked->at : read->latest_at != NONE ? read->latest_at : job->last_event_at;
    job->retain_at = from == NONE ? NONE : later(from + job->retention_days * DAY_MS, job->retain_floor);
    entity_due(fold->cache, entity, (struct deadline){job->retain_at == NONE ? NO_DEADLINE : job->retain_at, TIMER_RETAIN, 0});
}

/* When the work is done is no ground for a row. */
static bool concerns_rows(const struct fold *fold) {
    return !fold->event || (fold->event->type != EVENT_JOB_RESCHEDULED && fold->event->type != EVENT_JOB_COMPLETED);
}

void job_propagate(struct fold *fold, struct entity *entity) {
    struct job_read read;
    struct party parties[3] = {{.len = 0}, {.len = 0}, {.len = 0}};
    struct str tenant = entity_tenant(entity);
    job_read(entity, &read);
    schedule(fold, entity, &read);
    if (read.booked) parties_of(fold, entity, &read, parties);
    int64_t booked_at = read.booked ? read.booked->at : NONE;
    if (read.booked && booked_at < fold->fact_time) fold->fact_time = booked_at; /* its call began only now */
    unindex(fold, entity, parties, booked_at, true);
    for (int i = 0; i < 3 && booked_at != NONE; i++) {
        if (!parties[i].len) continue;
        bool indexed = is_indexed(entity, &parties[i]);
        if (!indexed) {
            struct str texts[2] = {{parties[i].text, parties[i].len}, number_text(&booked_at)};
            facts_insert(fold->cache, entity, JOB_FACTS, FACT_INDEXED, 0, 0, INT64_MAX, &FACT_NO_ID, texts, 2);
            party_put_job(fold, tenant, &parties[i], booked_at, entity_id(entity));
        }
        if (!indexed || concerns_rows(fold)) party_touch_job(fold, tenant, &parties[i], booked_at);
    }
    for (const struct fact *fact = facts_at(entity, JOB_FACTS); fact; fact = fact_next(entity, fact))
        if (fact->type == FACT_SHOWN_BY) step_touch(fold, call_entity(fold->cache, tenant, fact_text(fact, 1)));
    job_read(entity, &read);
    if (!str_is_null(read.call)) link_call(fold, entity, read.call);
}

void job_shown_by(struct fold *fold, struct str tenant, struct str job_id, struct str call_id) {
    struct entity *entity = job_entity(fold->cache, tenant, job_id);
    for (const struct fact *fact = facts_at(entity, JOB_FACTS); fact; fact = fact_next(entity, fact))
        if (fact->type == FACT_SHOWN_BY && str_equal(fact_text(fact, 1), call_id)) return;
    job_make(fold, entity);
    facts_insert(fold->cache, entity, JOB_FACTS, FACT_SHOWN_BY, 0, 0, INT64_MAX, &FACT_NO_ID, &call_id, 1);
    struct job_read read;
    job_read(entity, &read);
    schedule(fold, entity, &read); /* a job that is only named, never booked, is forgotten too */
}

/* Until when the call is there, as far as is known; NONE: it is not. */
static int64_t call_stays(struct fold *fold, struct str tenant, struct str call_id) {
    const struct entity *call = str_is_null(call_id) ? NULL : call_entity(fold->cache, tenant, call_id);
    if (!call || !call->size || !call_of(call)->started) return NONE;
    return call_of(call)->retain_at == NONE ? fold->time + DAY_MS : call_of(call)->retain_at;
}

/* A job goes after the calls that it names or that show it. */
void job_timer(struct fold *fold, struct entity *entity) {
    struct party nobody[3] = {{.len = 0}, {.len = 0}, {.len = 0}};
    struct job_read read;
    job_read(entity, &read);
    int64_t needed = call_stays(fold, entity_tenant(entity), read.call);
    for (const struct fact *fact = facts_at(entity, JOB_FACTS); fact; fact = fact_next(entity, fact))
        if (fact->type == FACT_SHOWN_BY) needed = later(needed, call_stays(fold, entity_tenant(entity), fact_text(fact, 1)));
    if (needed >= fold->time) {
        job_of(entity)->retain_floor = needed + 1;
        entity_touch(fold->cache, entity);
        schedule(fold, entity, &read);
        return;
    }
    if (!str_is_null(read.call)) call_not_named_by(fold->cache, call_entity(fold->cache, entity_tenant(entity), read.call), entity_id(entity));
    unindex(fold, entity, nobody, NONE, false); /* that it is forgotten is no fact: nothing is judged again */
    entity_delete(fold->cache, entity);
}

void job_retime(struct fold *fold, struct entity *entity, int64_t at) {
    struct job *job = job_of(entity);
    if (job->retain_at == NONE || job->retain_at <= at) return;
    struct settings settings;
    tenant_settings(fold, entity_tenant(entity), &settings);
    job->retention_days = (uint16_t)settings.value[SETTING_RETENTION_DAYS];
    job->retain_floor = at;
    struct job_read read;
    job_read(entity, &read);
    entity_touch(fold->cache, entity);
    schedule(fold, entity, &read);
}
