/* How a call takes events in, what it sets in motion, and what is decided of it (SPEC 2, 6). */
#include "../step.h"
#include "../directory/numbers.h"
#include "../followup/party.h"
#include "../followup/row.h"
#include "../job/job.h"
#include "../rules.h"

#include <stdlib.h>

/* ---- events ---- */

static void waiting_key(struct key *key, const struct entity *entity, struct str event_id) {
    key_named(key, entity_tenant(entity), entity_id(entity));
    if (!str_is_null(event_id)) key_text(key, event_id);
}

/* The value of TABLE_WAITING: this, then the event's Avro form. */
struct waiting {
    int64_t until, offset, append_time;
    int32_t source;
    uint8_t pad[4];
};

bool call_is_duplicate(struct fold *fold, const struct entity *entity, const struct event *event) {
    if (!entity->size || fold->meta.stream_time > call_of(entity)->last_event_at + DUPLICATE_WINDOW_MS) return false;
    if (facts_find(entity, call_facts_from(entity), &fold->id)) return true;
    if (call_of(entity)->waiting_until == NONE) return false;
    struct key key;
    struct str found, value;
    waiting_key(&key, entity, event->event_id);
    return index_seek(fold->cache, TABLE_WAITING, key_str(&key), key_str(&key), &found, &value) && found.len == key.len;
}

static void reject(struct fold *fold, const struct event *event, const struct journal_record *record, struct str bytes, enum reject_reason reason,
                   const char *detail) {
    step_reject(fold, &(struct rejection){event->tenant, event->event_id, bytes, record->source, record->offset, record->append_time,
                                          (int64_t)bytes.len, (int8_t)reason, BYTES_EVENT_AVRO, detail, NULL});
}

/* Room for bytes that a rejection of this step points to: it lasts as long as the step. */
static uint8_t *keep_for_step(struct fold *fold, uint32_t size) {
    uint32_t capacity = 0;
    uint8_t *bytes = room_grow(NULL, &capacity, size, 1);
    fold->kept = room_grow(fold->kept, &fold->kept_capacity, fold->kept_count + 1, sizeof *fold->kept);
    fold->kept[fold->kept_count++] = bytes;
    return bytes;
}

static void wait_for_start(struct fold *fold, struct entity *entity, const struct event *event, const struct journal_record *record, struct str bytes) {
    struct call *call = call_of(entity);
    struct waiting head = {step_now(fold) + DUPLICATE_WINDOW_MS, record->offset, record->append_time, record->source, {0}};
    uint32_t size = (uint32_t)sizeof head + bytes.len;
    fold->encoded = room_grow(fold->encoded, &fold->encoded_capacity, size, 1);
    memcpy(fold->encoded, &head, sizeof head);
    memcpy(fold->encoded + sizeof head, bytes.ptr, bytes.len);
    struct key key;
    waiting_key(&key, entity, event->event_id);
    index_put(fold->cache, TABLE_WAITING, key_str(&key), (struct str){(const char *)fold->encoded, size});
    if (call->waiting_until == NONE || head.until < call->waiting_until) call->waiting_until = head.until;
    call->last_event_at = later(call->last_event_at, step_now(fold));
    entity_touch(fold->cache, entity);
    call_schedule(fold, entity, NULL);
}

static bool is_extension(struct str number) {
    bool digits = number.len >= 1 && number.len <= 6;
    for (uint32_t i = 0; i < number.len && digits; i++) digits = number.ptr[i] >= '0' && number.ptr[i] <= '9';
    return digits;
}

static void start(struct fold *fold, struct entity *entity, const struct event *event) {
    const struct call_started *started = &event->body.call_started;
    struct settings settings;
    tenant_settings(fold, event->tenant, &settings);
    struct str campaign = started->direction == DIRECTION_INBOUND && !str_is_null(started->to)
                              ? directory_campaign(fold->cache, event->tenant, started->to) : STR_NULL;
    struct str other = started->direction == DIRECTION_INBOUND ? started->from : started->to;
    call_insert(fold->cache, entity, event, &fold->id, campaign);
    struct call *call = call_of(entity);
    call->started = true;
    call->started_at = event->occurred_at;
    call->retain_at = NONE; /* of a call that only a job named */
    call->has_caller = started->direction != DIRECTION_INTERNAL && !str_is_null(other) && number_is_caller(fold, event->tenant, other);
    call->foreign = started->kind != CALL_KIND_INTERNAL &&
                    (str_is_null(other) || (!is_extension(other) && !number_is_own(fold, event->tenant, other)));
    call->stuck_hours = (uint8_t)settings.value[SETTING_STUCK_CALL_HOURS];
    call->voice_agent_counts = settings.value[SETTING_VOICE_AGENT_TALK_COUNTS];
    call->callback_counts = settings.value[SETTING_CALLBACK_TALK_COUNTS];
    entity_start(fold->cache, entity, event->occurred_at);
    counts_start(fold, event->tenant);
}

static void insert(struct fold *fold, struct entity *entity, const struct event *event, const struct fact_id *id, const struct journal_record *record,
                   struct str bytes) {
    if (event->type == EVENT_CALL_ENDED && event->occurred_at < call_of(entity)->started_at) {
        reject(fold, event, record, bytes, REJECT_BAD_TIME, "occurred_at: the end is earlier than the call's start");
        return;
    }
    if (!call_insert(fold->cache, entity, event, id, STR_NULL)) {
        reject(fold, event, record, bytes, REJECT_TOO_LARGE, "call_id: too many events of this call");
        return;
    }
    call_of(entity)->last_event_at = later(call_of(entity)->last_event_at, step_now(fold));
    bool indexed = row_is_indexed(entity, KIND_ABANDONED) || row_is_indexed(entity, KIND_SECOND_CHANCE);
    if (event->type != EVENT_CUSTOMER_LINKED || !indexed) return;
    struct verdict verdict;
    call_read(entity, &verdict);
    for (int kind = 0; kind < 2; kind++)
        if (row_is_indexed(entity, (enum followup_kind)kind)) row_index(fold, entity, &verdict, (enum followup_kind)kind);
}

/* How events are read back from their Avro form: made when the first is needed. Our own schema always compiles. */
static const struct plan *event_plan(struct fold *fold) {
    char error[200];
    const char *schema = schema_text("Event");
    if (!fold->event_plan && (!schema || plan_make(&fold->event_plan, schema, strlen(schema), &shape_event, error, sizeof error) < 0)) abort();
    return fold->event_plan;
}

/* Takes in what waited for the start, in any order: the facts sort it. */
static void take_waiting(struct fold *fold, struct entity *entity) {
    struct key prefix, at;
    struct str key, value;
    waiting_key(&prefix, entity, STR_NULL);
    at = prefix;
    while (index_seek(fold->cache, TABLE_WAITING, key_str(&at), key_str(&prefix), &key, &value)) {
        struct waiting head;
        struct event event;
        struct refusal why;
        memcpy(&head, value.ptr, sizeof head);
        uint32_t size = value.len - (uint32_t)sizeof head;
        uint8_t *bytes = keep_for_step(fold, size);
        memcpy(bytes, value.ptr + sizeof head, size);
        key_copy(&at, key);
        index_remove(fold->cache, TABLE_WAITING, key_str(&at));
        struct journal_record record = {.source = head.source, .offset = head.offset, .append_time = head.append_time};
        if (codec_read(event_plan(fold), bytes, size, &event, &fold->scratch, &why) < 0) { /* it was read before */
            cache_distrust(fold->cache);
            continue;
        }
        struct fact_id id = fact_id_of(event.event_id);
        insert(fold, entity, &event, &id, &record, (struct str){(const char *)bytes, size});
    }
    call_of(entity)->waiting_until = NONE;
}

static bool moves_talk(int8_t type) {
    return type == EVENT_AGENT_CONNECTED || type == EVENT_AGENT_DISCONNECTED || type == EVENT_HOLD_STARTED || type == EVENT_HOLD_ENDED ||
           type == EVENT_VOICE_AGENT_CONNECTED || type == EVENT_VOICE_AGENT_DISCONNECTED || type == EVENT_CALL_ENDED;
}

/* Of a call that is up: it goes on, and whether it is stuck is asked later. */
static void goes_on(struct fold *fold, struct entity *entity, int64_t at) {
    struct call *call = call_of(entity);
    call->latest_at = later(call->latest_at, at);
    call->stuck_at = later(call->latest_at + call->stuck_hours * HOUR_MS, call->stuck_floor);
    call_schedule(fold, entity, NULL);
}

/*
 * True where an event needs no judgement, which most do not: while a call is up only its end and talk decide anything, and of an
 * ended call wrap-up changes nothing. What hangs on there being a later event is brought up to date here.
 */
static bool changes_nothing(struct fold *fold, struct entity *entity, const struct event *event) {
    struct call *call = call_of(entity);
    bool wraps_up = event->type == EVENT_WRAP_UP_STARTED || event->type == EVENT_WRAP_UP_ENDED;
    if (moves_talk(event->type)) {
        fold->talker = entity;
        return false;
    }
    if (wraps_up && call->decided && !call->lost && call->type != TYPE_IN_PROGRESS) return true;
    if (call->decided || call->stuck_at == NONE) return false;
    goes_on(fold, entity, event->occurred_at);
    return true;
}

void call_event(struct fold *fold, struct entity *entity, const struct event *event, const struct journal_record *record, struct str bytes) {
    if (!entity->size) call_make(fold->cache, entity);
    struct call *call = call_of(entity);
    if (event->type != EVENT_CALL_STARTED) {
        if (!call->started) {
            wait_for_start(fold, entity, event, record, bytes);
            return;
        }
        insert(fold, entity, event, &fold->id, record, bytes);
        if (!changes_nothing(fold, entity, event)) step_touch(fold, entity);
        return;
    }
    if (call->started) {
        struct verdict verdict;
        call_read(entity, &verdict);
        const struct call_started *started = &event->body.call_started;
        if (verdict.direction != started->direction || !str_equal(verdict.from, started->from) || !str_equal(verdict.to, started->to))
            reject(fold, event, record, bytes, REJECT_CONFLICTING_START, "direction, from, to: another CallStarted of this call was folded first");
        else
            insert(fold, entity, event, &fold->id, record, bytes);
        step_touch(fold, entity);
        return;
    }
    start(fold, entity, event);
    call = call_of(entity);
    call->last_event_at = later(call->last_event_at, step_now(fold));
    if (call->waiting_until == NONE && !call->has_jobs) { /* nothing is known of it but that it began */
        entity->hot = true;
        goes_on(fold, entity, event->occurred_at);
        return;
    }
    if (call->waiting_until != NONE) take_waiting(fold, entity);
    step_touch(fold, entity);
}

/* ---- timers ---- */

/* Rejects the events whose start did not come in time. */
static void give_up_waiting(struct fold *fold, struct entity *entity, int64_t deadline) {
    struct key prefix, at;
    struct str key, value;
    int64_t next = NONE;
    waiting_key(&prefix, entity, STR_NULL);
    at = prefix;
    while (index_seek(fold->cache, TABLE_WAITING, key_str(&at), key_str(&prefix), &key, &value)) {
        struct waiting head;
        memcpy(&head, value.ptr, sizeof head);
        key_copy(&at, key);
        if (head.until > deadline) {
            if (next == NONE || head.until < next) next = head.until;
            key_byte(&at, 0);
            continue;
        }
        uint32_t size = value.len - (uint32_t)sizeof head;
        uint8_t *bytes = keep_for_step(fold, size + key.len);
        memcpy(bytes, value.ptr + sizeof head, size);
        struct str id = {key.ptr + prefix.len, key.len - prefix.len - 1};
        memcpy(bytes + size, id.ptr, id.len);
        index_remove(fold->cache, TABLE_WAITING, key_str(&at));
        step_reject(fold, &(struct rejection){entity_tenant(entity), {(const char *)bytes + size, id.len}, {(const char *)bytes, size}, head.source,
                                              head.offset, head.append_time, size, REJECT_NO_START, BYTES_EVENT_AVRO,
                                              "call_id: no CallStarted of this call came within 7 days", NULL});
    }
    call_of(entity)->waiting_until = next;
    entity_touch(fold->cache, entity);
    if (next == NONE && !call_of(entity)->has_jobs) {
        entity_delete(fold->cache, entity);
    } else {
        call_schedule(fold, entity, NULL);
    }
}

static struct party talk_party(const struct entity *entity, const struct verdict *verdict) {
    return call_of(entity)->has_caller ? party_of('n', verdict->caller) : (struct party){.len = 0};
}

static void talk_acts(struct fold *fold, struct entity *entity, const struct verdict *verdict) {
    struct party party = talk_party(entity, verdict);
    call_of(entity)->talk_at = verdict->talk_moment;
    party_put_talk(fold, entity_tenant(entity), &party, verdict->talk_moment, entity_id(entity), verdict->start->at);
    party_touch_talk(fold, entity_tenant(entity), &party, verdict->start->at, verdict->talk_moment);
    entity_touch(fold->cache, entity);
}

void call_timer(struct fold *fold, struct entity *entity) {
    struct call *call = call_of(entity);
    struct verdict verdict;
    switch ((enum timer_kind)fold->timer) {
    case TIMER_TALK:
        call_read(entity, &verdict);
        talk_acts(fold, entity, &verdict);
        call_schedule(fold, entity, &verdict);
        return; /* of the call itself it changes nothing */
    case TIMER_CHECK: call->checked = true; break;
    case TIMER_STUCK: call->lost = call->checked = true; break;
    case TIMER_START: give_up_waiting(fold, entity, fold->time); return;
    case TIMER_RETAIN: call_forget(fold, entity); return;
    case TIMER_COLD: row_of(entity, (enum followup_kind)fold->due.sub)->cold_at = fold->time; break;
    }
    step_touch(fold, entity);
}

static inline void offer(call_deadline *each, void *context, int64_t at, enum timer_kind kind, uint8_t sub) {
    if (at != NONE) each(context, (struct deadline){at, (uint8_t)kind, sub});
}

static inline void each_deadline(const struct entity *entity, const struct verdict *verdict, call_deadline *each, void *context) {
    const struct call *call = call_of(entity);
    if (!call->started) {
        offer(each, context, call->waiting_until, TIMER_START, 0);
        offer(each, context, call->waiting_until == NONE ? call->retain_at : NONE, TIMER_RETAIN, 0);
        return;
    }
    if (call->has_caller && call->talk_at == NONE) offer(each, context, call->talk_moment, TIMER_TALK, 0);
    if (!call->checked) offer(each, context, call->check_at, TIMER_CHECK, 0);
    if (!call->lost) offer(each, context, call->stuck_at, TIMER_STUCK, 0);
    for (uint8_t kind = 0; kind < 2; kind++) {
        const struct row *row = row_of(entity, (enum followup_kind)kind);
        if (row && row->cold_at == NONE) offer(each, context, row_cold_at(call, verdict, (enum followup_kind)kind), TIMER_COLD, kind);
    }
    offer(each, context, call->retain_at, TIMER_RETAIN, 0);
}

static inline void keep_earliest(void *context, struct deadline due) {
    struct deadline *first = context;
    if (due.at > first->at || (due.at == first->at && due.kind > first->kind)) return;
    if (due.at == first->at && due.kind == first->kind && due.sub > first->sub) return;
    *first = due;
}

void call_schedule(struct fold *fold, struct entity *entity, const struct verdict *verdict) {
    struct deadline due = {NO_DEADLINE, 0, 0};
    each_deadline(entity, verdict, keep_earliest, &due);
    entity_due(fold->cache, entity, due);
}

void call_each_deadline(const struct entity *entity, const struct verdict *verdict, call_deadline *each, void *context) {
    each_deadline(entity, verdict, each, context);
}

static void set_times(struct fold *fold, struct entity *entity, const struct verdict *verdict);

void call_retime(struct fold *fold, struct entity *entity, uint64_t keys, int64_t at) {
    struct call *call = call_of(entity);
    if (!call->started) return;
    struct settings settings;
    tenant_settings(fold, entity_tenant(entity), &settings);
    if (keys >> SETTING_STUCK_CALL_HOURS & 1 && !call->lost && call->stuck_at != NONE && call->stuck_at > at) {
        call->stuck_hours = (uint8_t)settings.value[SETTING_STUCK_CALL_HOURS];
        call->stuck_floor = at;
    }
    if (keys >> SETTING_ACW_MINUTES & 1 && call->decided && !call->checked && call->check_at > at) {
        call->acw_minutes = (uint16_t)settings.value[SETTING_ACW_MINUTES];
        call->check_floor = at;
    }
    const struct row *second_chance = row_of(entity, KIND_SECOND_CHANCE);
    bool cold_open = second_chance && second_chance->cold_at == NONE;
    if (keys >> SETTING_COLD_DAYS & 1 && cold_open && later(call->check_at + call->cold_days * DAY_MS, call->cold_floor) > at) {
        call->cold_days = (uint16_t)settings.value[SETTING_COLD_DAYS];
        call->cold_floor = at;
    }
    if (keys >> SETTING_RETENTION_DAYS & 1 && call->retain_at != NONE && call->retain_at > at) {
        call->retention_days = (uint16_t)settings.value[SETTING_RETENTION_DAYS];
        call->retain_floor = at;
    }
    struct verdict verdict;
    call_read(entity, &verdict);
    set_times(fold, entity, &verdict);
    call_schedule(fold, entity, &verdict);
    entity_touch(fold->cache, entity);
}

/* ---- what a call means for others ---- */

void call_propagate(struct fold *fold, struct entity *entity) {
    struct call *call = call_of(entity);
    if (!call->started) return;
    if (call->has_jobs && fold->event && fold->event->type == EVENT_CALL_STARTED) { /* its jobs now know their caller */
        for (const struct fact *named = NULL; (named = call_next_job(entity, named));)
            step_touch(fold, job_entity(fold->cache, entity_tenant(entity), fact_text(named, 1)));
    }
    if (call->talk_at == NONE || fold->talker != entity) return;
    struct verdict *verdict = &fold->verdict; /* good until the call is judged: nothing else of this step changes its facts */
    fold->verdict_of = entity;
    call_read(entity, verdict);
    if (verdict->talk_moment == call->talk_at) return;
    struct party party = talk_party(entity, verdict); /* a late fact moved the talk that was acted on, or took it away */
    party_remove_talk(fold, entity_tenant(entity), &party, call->talk_at, entity_id(entity));
    call->talk_at = NONE;
    if (verdict->talk_moment != NONE && verdict->talk_moment <= fold->meta.stream_time) {
        call->talk_at = verdict->talk_moment;
        party_put_talk(fold, entity_tenant(entity), &party, verdict->talk_moment, entity_id(entity), verdict->start->at);
    }
    party_touch_talk(fold, entity_tenant(entity), &party, verdict->start->at, NONE);
    entity_touch(fold->cache, entity);
}

/* ---- what is decided of it ---- */

static bool booked_in_time(const struct call *call, const struct job_read *job) {
    if (call->check_at == NONE) return true;
    return job->booked->at <= call->check_at && !(job->first_cancelled_at != NONE && job->first_cancelled_at <= call->check_at);
}

void call_find_jobs(struct fold *fold, const struct entity *entity, struct verdict *verdict) {
    int64_t first = INT64_MAX, first_booking = INT64_MAX;
    verdict->job = verdict->booking = NULL;
    for (const struct fact *named = NULL; (named = call_next_job(entity, named));) {
        struct job_read read;
        struct entity *job = job_entity(fold->cache, entity_tenant(entity), fact_text(named, 1));
        job_read(job, &read);
        if (!read.booked || !str_equal(read.call, entity_id(entity))) continue;
        if (read.booked->at < first) { /* of equal times the first by job id: they come so */
            first = read.booked->at;
            verdict->job = job;
        }
        if (read.booked->at < first_booking && booked_in_time(call_of(entity), &read)) {
            first_booking = read.booked->at;
            verdict->booking = job;
        }
    }
}

const struct fact *call_standing(struct fold *fold, const struct entity *entity, const struct fact *classified) {
    if (!classified || classified->a != CLASS_BOOKED) return classified;
    struct str job = fact_text(classified, 3);
    if (str_is_null(job)) return classified;
    return job_cancelled_by(job_entity(fold->cache, entity_tenant(entity), job), call_of(entity)->check_at) ? NULL : classified;
}

/* Sets the deadlines that follow from the end, or from there being none; undoes what was judged too early (D1.9 to D1.11). */
static void set_times(struct fold *fold, struct entity *entity, const struct verdict *verdict) {
    struct call *call = call_of(entity);
    int64_t now = fold->meta.stream_time;
    call->latest_at = verdict->latest_at;
    call->talk_moment = verdict->talk_moment;
    if (verdict->end) {
        call->stuck_at = NONE;
        call->lost = false;
    } else {
        call->stuck_at = later(verdict->latest_at + call->stuck_hours * HOUR_MS, call->stuck_floor);
        if (call->lost && call->stuck_at > now) call->lost = call->checked = false;
    }
    if ((verdict->end || call->lost) && !call->decided) {
        struct settings settings;
        tenant_settings(fold, entity_tenant(entity), &settings);
        call->decided = true;
        call->acw_minutes = (uint16_t)settings.value[SETTING_ACW_MINUTES];
        call->retention_days = (uint16_t)settings.value[SETTING_RETENTION_DAYS];
        call->link_days = (uint16_t)settings.value[SETTING_LINK_DAYS];
        call->short_seconds = (uint16_t)settings.value[SETTING_SHORT_ABANDON_SECONDS];
        call->follow_up_missed = settings.value[SETTING_FOLLOW_UP_MISSED];
        call->follow_up_callback = settings.value[SETTING_FOLLOW_UP_CALLBACK];
        call->follow_up_empty_voicemail = settings.value[SETTING_FOLLOW_UP_EMPTY_VOICEMAIL];
        call->resolve_on_booking = settings.value[SETTING_RESOLVE_ON_BOOKING];
        rules_fix(fold, call);
    }
    if (verdict->end) {
        call->check_at = later(verdict->end->at + call->acw_minutes * MINUTE_MS, call->check_floor);
        if (call->checked && call->check_at > now) call->checked = false;
        call->retain_at = later(verdict->end->at + call->retention_days * DAY_MS, call->retain_floor);
    } else if (call->lost) {
        call->check_at = call->stuck_at;
        call->retain_at = later(call->stuck_at + call->retention_days * DAY_MS, call->retain_floor);
    } else {
        call->check_at = call->retain_at = NONE;
    }
    if (call->checked && !call->check_read) {
        struct settings settings;
        tenant_settings(fold, entity_tenant(entity), &settings);
        call->check_read = true;
        call->second_chance = settings.value[SETTING_SECOND_CHANCE_ENABLED];
        call->min_call_seconds = (uint16_t)settings.value[SETTING_MIN_CALL_SECONDS];
        call->cold_days = (uint16_t)settings.value[SETTING_COLD_DAYS];
    }
    entity->hot = !verdict->end && !call->lost;
}

/* Of a call that has ended; so are the next. */
static bool should_follow_up(const struct call *call, const struct verdict *verdict, enum call_type type) {
    if (verdict->direction != DIRECTION_INBOUND) return false;
    return type == TYPE_ABANDONED || (type == TYPE_MISSED && call->follow_up_missed) || (type == TYPE_CALLBACK_REQUESTED && call->follow_up_callback) ||
           (type == TYPE_VOICEMAIL && verdict->no_message && call->follow_up_empty_voicemail);
}

/* SPEC 4: judged with facts up to check time only, so later ones neither open nor withdraw the row. */
static bool should_second_chance(struct fold *fold, struct entity *entity, const struct verdict *verdict) {
    const struct call *call = call_of(entity);
    const struct fact *condition;
    bool at_check = fold->step == STEP_TIMER && fold->timer == TIMER_CHECK && fold->subject == entity;
    bool late_fact = fold->step == STEP_RECORD && fold->fact_time <= call->check_at;
    if (call->checked && !at_check && !late_fact) { /* a later fact neither opens nor withdraws */
        const struct row *row = row_of(entity, KIND_SECOND_CHANCE);
        return row && !row->withdrawn;
    }
    if (!call->checked || !call->second_chance || verdict->direction != DIRECTION_INBOUND || !call->foreign) return false;
    if (verdict->end->at - verdict->start->at < call->min_call_seconds * INT64_C(1000)) return false;
    struct known known = call_known_by(entity, verdict, call->check_at);
    if (call_type_of(call, verdict, call_standing(fold, entity, known.classified), &condition) != TYPE_UNBOOKED) return false;
    if (known.classified && (int8_t)known.classified->b == 0) return false; /* its reason is no lead */
    struct party caller = party_of('n', verdict->caller), customer = party_of('c', known.customer);
    int64_t to = verdict->end->at + call->link_days * DAY_MS;
    if (to > call->check_at) to = call->check_at;
    bool prevented = party_has_job(fold, entity_tenant(entity), &caller, verdict->start->at, to, call->check_at) ||
                     party_has_job(fold, entity_tenant(entity), &customer, verdict->start->at, to, call->check_at);
    if (prevented && !call->has_row[KIND_SECOND_CHANCE] && !call->job_prevents) {
        call_of(entity)->job_prevents = true;
        row_index(fold, entity, verdict, KIND_SECOND_CHANCE);
    }
    return !prevented;
}

/* Writes calls-classified where its columns are other than what was last said, from the first decision on. */
static void classify(struct fold *fold, struct entity *entity, const struct verdict *verdict) {
    struct call *call = call_of(entity);
    if (call->type == TYPE_IN_PROGRESS && !call->classified) return;
    struct str job = verdict->classified ? fact_text(verdict->classified, 3) : STR_NULL;
    if (!str_is_null(job)) job_shown_by(fold, entity_tenant(entity), job, entity_id(entity));
    uint64_t columns = say_classified(fold, entity, verdict);
    if (columns == call->classified) return;
    call->classified = columns;
    fold->classified = room_grow(fold->classified, &fold->classified_capacity, fold->classified_count + 1, sizeof(struct entity *));
    fold->classified[fold->classified_count++] = entity;
}

/* Judges both kinds of row; true where one has changed. A row is of a call that has ended, and no end is ever taken back. */
static bool judge_rows(struct fold *fold, struct entity *entity, struct verdict *verdict, enum call_type type) {
    struct call *call = call_of(entity);
    if (!verdict->end) return false;
    bool changed = row_judge(fold, entity, verdict, KIND_ABANDONED, should_follow_up(call, verdict, type), verdict->end->at);
    bool should = should_second_chance(fold, entity, verdict);
    return row_judge(fold, entity, verdict, KIND_SECOND_CHANCE, should, call_of(entity)->check_at) || changed;
}

void call_judge(struct fold *fold, struct entity *entity) {
    struct verdict *verdict = &fold->verdict;
    const struct fact *condition;
    if (!call_of(entity)->started) {
        call_schedule(fold, entity, NULL);
        return;
    }
    if (fold->verdict_of != entity) call_read(entity, verdict);
    fold->verdict_of = entity;
    set_times(fold, entity, verdict);
    struct call *call = call_of(entity);
    bool decided = verdict->end || call->lost;
    if (decided || call->type != TYPE_IN_PROGRESS) {
        call_find_jobs(fold, entity, verdict);
        enum call_type type = decided ? call_type_of(call, verdict, call_standing(fold, entity, verdict->classified), &condition) : TYPE_IN_PROGRESS;
        counts_type(fold, entity_tenant(entity), call->type, (int8_t)type);
        call->type = (int8_t)type;
        bool changed = judge_rows(fold, entity, verdict, type);
        if (changed || fold->step == STEP_RECORD || fold->step == STEP_RULES || fold->timer == TIMER_STUCK) classify(fold, entity, verdict);
    }
    call_schedule(fold, entity, verdict);
    entity_touch(fold->cache, entity);
}

void call_forget(struct fold *fold, struct entity *entity) {
    if (call_of(entity)->started) {
        struct verdict verdict;
        call_read(entity, &verdict);
        emit_tombstones(fold, entity);
        for (int kind = 0; kind < 2; kind++) row_forget(fold, entity, &verdict, (enum followup_kind)kind);
        struct party party = talk_party(entity, &verdict);
        if (call_of(entity)->talk_at != NONE) party_remove_talk(fold, entity_tenant(entity), &party, call_of(entity)->talk_at, entity_id(entity));
    }
    entity->hot = false;
    entity_delete(fold->cache, entity);
}
