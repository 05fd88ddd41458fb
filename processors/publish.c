/* What goes out: fills the output records, tells whether they are other than before, and emits a step's in order (SPEC 7). */
#include "step.h"
#include "followup/row.h"
#include "job/job.h"
#include "rules.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct entity *shown_job(struct fold *fold, const struct entity *entity, const struct verdict *verdict) {
    for (int kind = 0; kind < 2; kind++) {
        const struct row *row = row_of(entity, (enum followup_kind)kind);
        struct str job = row && row->outcome == OUTCOME_CONVERTED ? row_text(entity, FACT_JOB, (enum followup_kind)kind) : STR_NULL;
        if (!str_is_null(job)) return job_entity(fold->cache, entity_tenant(entity), job);
    }
    struct str named = verdict->classified ? fact_text(verdict->classified, 3) : STR_NULL;
    return str_is_null(named) ? verdict->job : job_entity(fold->cache, entity_tenant(entity), named);
}

static void fill_job(struct fold *fold, const struct entity *entity, const struct verdict *verdict, struct classified_call *out) {
    out->job_created_at = out->job_scheduled_at = out->job_completed_at = out->job_cancelled_at = NONE;
    struct entity *job = shown_job(fold, entity, verdict);
    if (!job) return;
    struct job_read read;
    job_read(job, &read);
    out->job = entity_id(job);
    out->job_created_at = read.created_at;
    out->job_scheduled_at = read.scheduled_at;
    out->job_completed_at = read.completed_at;
    out->job_cancelled_at = read.cancelled_at;
}

/* The JobBooked by which the call is BOOKED, as a deciding event. */
static struct str booking_event(const struct entity *job, char room[UUID_TEXT_BYTES]) {
    struct job_read read;
    job_read(job, &read);
    return fact_id(read.booked, room);
}

void fill_classified(struct fold *fold, const struct entity *entity, const struct verdict *verdict, struct classified_call *out) {
    const struct call *call = call_of(entity);
    const struct fact *end = verdict->end, *class = verdict->classified, *condition;
    struct str tenant = entity_tenant(entity);
    bool abandoned = call->type == TYPE_ABANDONED;
    memset(out, 0, sizeof *out);
    out->tenant = tenant;
    out->call_id = entity_id(entity);
    out->type = call->type;
    out->direction = verdict->direction;
    out->kind = verdict->kind;
    out->started_at = verdict->start->at;
    out->ended_at = end ? end->at : NONE;
    out->duration_ms = end ? end->at - verdict->start->at : NONE;
    out->check_at = call->check_at;
    out->from = verdict->from;
    out->to = verdict->to;
    out->caller = verdict->caller;
    out->customer = verdict->customer;
    out->campaign = verdict->campaign;
    out->queue = verdict->queue;
    out->agent = verdict->agent;
    out->ended_by = end ? (int8_t)end->a : -1;
    out->abandoned_where = abandoned ? verdict->where : -1;
    out->wait_ms = str_is_null(verdict->queue) ? NONE : verdict->wait_ms;
    out->talk_ms = verdict->talk_ms;
    out->short_abandon = abandoned && end->at - verdict->start->at < call->short_seconds * INT64_C(1000);
    out->no_message = verdict->no_message;
    out->abandoned_in_transfer = call->type == TYPE_UNBOOKED && verdict->direction == DIRECTION_INBOUND && verdict->abandoned_in_transfer;
    out->classification = class ? (int8_t)class->a : -1;
    out->reason = class ? fact_text(class, 1) : STR_NULL;
    out->is_lead = class ? (int8_t)class->b : -1;
    out->notes = class ? fact_text(class, 2) : STR_NULL;
    out->recording = verdict->recording;
    fill_job(fold, entity, verdict, out);
    out->rules_version = rules_of(fold, call);
    out->start_event = fact_id(verdict->start, fold->ids[0]);
    out->end_event = end ? fact_id(end, fold->ids[1]) : STR_NULL;
    enum call_type type = call_type_of(call, verdict, call_standing(fold, entity, class), &condition);
    if (type != (enum call_type)call->type) condition = NULL; /* IN_PROGRESS */
    else if (type == TYPE_BOOKED && verdict->booking) out->condition_event = booking_event(verdict->booking, fold->ids[2]);
    if (condition) out->condition_event = fact_id(condition, fold->ids[2]);
    out->customer_name = directory_name(fold->cache, tenant, ENTRY_CUSTOMER, out->customer);
    out->queue_name = directory_name(fold->cache, tenant, ENTRY_QUEUE, out->queue);
    out->agent_name = directory_name(fold->cache, tenant, ENTRY_AGENT, out->agent);
}

/* The notes of a row, in the order in which they were taken: their numbers are dense. */
static struct note_array notes_of(struct fold *fold, const struct entity *entity, enum followup_kind kind) {
    uint32_t count = 0;
    for (const struct fact *fact = call_facts(entity); fact; fact = fact_next(entity, fact)) {
        if (fact->type != FACT_NOTE || fact->a != kind) continue;
        char room[UUID_TEXT_BYTES];
        uint32_t number = (uint8_t)fact_id(fact, room).ptr[0];
        fold->notes_room[kind] = room_grow(fold->notes_room[kind], &fold->note_capacity[kind], UINT8_MAX + 1, sizeof **fold->notes_room);
        count++;
        fold->notes_room[kind][number] = (struct note){fact->at, fact_text(fact, 1), fact_text(fact, 2)};
    }
    return (struct note_array){fold->notes_room[kind], count};
}

static struct str followup_id(const struct entity *entity, enum followup_kind kind, char room[ID_BYTES_MAX + 3]) {
    struct str call_id = entity_id(entity);
    memcpy(room, kind == KIND_ABANDONED ? "ab-" : "sc-", 3);
    memcpy(room + 3, call_id.ptr, call_id.len);
    return (struct str){room, call_id.len + 3};
}

/* Of one that is withdrawn, what it was closed by before. */
static int8_t closing_outcome(const struct row *row) { return row->status == STATUS_WITHDRAWN ? row->outcome_before : row->outcome; }

struct str row_ground(const struct entity *entity, enum followup_kind kind, const struct row *row) {
    switch (closing_outcome(row)) {
    case OUTCOME_RECONNECTED: return row_text(entity, FACT_TALK, kind);
    case OUTCOME_CONVERTED: return row_text(entity, FACT_JOB, kind);
    default: return STR_NULL;
    }
}

static void say_ground(struct followup *out, const struct row *row, struct str ground) {
    bool by_talk = closing_outcome(row) == OUTCOME_RECONNECTED;
    out->resolved_by_call = by_talk ? ground : STR_NULL;
    out->job = by_talk ? STR_NULL : ground;
}

void fill_followup(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind, const struct row *row,
                   struct followup *out, bool names) {
    const struct call *call = call_of(entity);
    const struct fact *class = verdict->classified;
    struct str tenant = entity_tenant(entity);
    memset(out, 0, sizeof *out);
    out->tenant = tenant;
    out->follow_up = followup_id(entity, kind, fold->followup_ids[kind]);
    out->call_id = entity_id(entity);
    out->kind = (int8_t)kind;
    out->version = row->version;
    out->tab = row->tab;
    out->status = row->status;
    out->outcome = row->outcome;
    out->outcome_before = row->outcome_before;
    out->status_before = row->status_before;
    out->changed_at = row->changed_at;
    out->cause = row->cause;
    out->opened_at = row->opened_at;
    out->closed_at = row->closed_at;
    out->went_cold_at = row->went_cold_at;
    out->first_attempt_at = row->first_attempt_at;
    out->reviewed_at = row->last_review.at;
    out->converted_at = row->converted_at;
    say_ground(out, row, row_ground(entity, kind, row));
    out->attempt = row->attempt;
    out->assignee = row_text(entity, FACT_ASSIGNEE, kind);
    out->notes = notes_of(fold, entity, kind);
    out->call_type = call->type;
    out->direction = verdict->direction;
    out->caller = verdict->caller;
    out->phone_number = verdict->direction == DIRECTION_INBOUND ? verdict->from : verdict->to;
    out->customer = verdict->customer;
    out->queue = verdict->queue;
    out->campaign = verdict->campaign;
    out->agent = verdict->agent;
    out->reason = class ? fact_text(class, 1) : STR_NULL;
    out->call_notes = class ? fact_text(class, 2) : STR_NULL;
    out->call_started_at = verdict->start->at;
    out->call_ended_at = verdict->end ? verdict->end->at : NONE;
    out->duration_ms = verdict->end ? verdict->end->at - verdict->start->at : NONE;
    out->wait_ms = str_is_null(verdict->queue) ? NONE : verdict->wait_ms;
    out->abandoned_where = call->type == TYPE_ABANDONED ? verdict->where : -1;
    out->rules_version = rules_of(fold, call);
    if (!names) return;
    out->customer_name = directory_name(fold->cache, tenant, ENTRY_CUSTOMER, out->customer);
    out->queue_name = directory_name(fold->cache, tenant, ENTRY_QUEUE, out->queue);
    out->agent_name = directory_name(fold->cache, tenant, ENTRY_AGENT, out->agent);
}

/* A record's bytes tell whether it is other than before; never 0, which means nothing was said yet. */
static uint64_t hash_record(struct fold *fold, const struct shape *shape, const void *record) {
    size_t size = codec_write(shape, record, fold->encoded, fold->encoded_capacity);
    if (size > fold->encoded_capacity) {
        fold->encoded = room_grow(fold->encoded, &fold->encoded_capacity, (uint32_t)size, 1);
        codec_write(shape, record, fold->encoded, fold->encoded_capacity);
    }
    return XXH3_64bits(fold->encoded, size) | 1;
}

uint64_t say_classified(struct fold *fold, struct entity *entity, const struct verdict *verdict) {
    struct classified_call *said = &fold->said;
    size_t size = 0, compared;
    fold->said_of = entity;
    fill_classified(fold, entity, verdict, said);
    said->at = said->type == TYPE_IN_PROGRESS ? step_now(fold) : fold->time;
    do {
        fold->said_bytes = room_grow(fold->said_bytes, &fold->said_capacity, (uint32_t)size, 1);
        fold->encoded = room_grow(fold->encoded, &fold->encoded_capacity, fold->said_capacity + NO_POSITION_BYTES, 1);
        size = codec_write_said(&shape_classified_call, said, fold->said_bytes, fold->said_capacity, fold->encoded, &compared);
    } while (size > fold->said_capacity);
    fold->said_size = (uint32_t)size;
    return XXH3_64bits(fold->encoded, compared) | 1;
}

uint64_t hash_followup(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind, const struct row *row) {
    struct followup record;
    fill_followup(fold, entity, verdict, kind, row, &record, false);
    record.version = record.changed_at = 0;
    record.cause = 0;
    record.status_before = -1;
    record.rules_version = FOLD_RULES_FIRST;
    return hash_record(fold, &shape_followup, &record);
}

/* ---- emission ---- */

/* The verdict of a call as it was judged in this step. */
static const struct verdict *verdict_for(struct fold *fold, struct entity *entity) {
    if (fold->verdict_of == entity) return &fold->verdict;
    call_read(entity, &fold->verdict);
    call_find_jobs(fold, entity, &fold->verdict);
    fold->verdict_of = entity;
    return &fold->verdict;
}

static void emit(struct fold *fold, struct output *output) {
    output->body.position = (struct position){{fold->journal_id, sizeof fold->journal_id}, fold->partition, fold->meta.next_seal, fold->index++,
                                              fold->meta.next_output++};
    if (fold->result < 0) return;
    int result = fold->emit(fold->context, output);
    if (result < 0) fold->result = result;
}

static struct str join_key(char *room, struct str first, struct str second) {
    memcpy(room, first.ptr, first.len);
    room[first.len] = '/';
    memcpy(room + first.len + 1, second.ptr, second.len);
    return (struct str){room, first.len + 1 + second.len};
}

struct str decimal(char room[20], int64_t number) {
    char *at = room + 20;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return (struct str){at, (uint32_t)(room + 20 - at)};
}

static struct str source_name(struct fold *fold, int32_t source) {
    char room[20];
    const struct entity *entity = directory_entity(fold->cache, STR("*"), ENTRY_SOURCE, decimal(room, source));
    return entity->size ? (struct str){(const char *)entity->blob, entity->size} : STR("");
}

/* Key of a rejected record: source/offset. */
static struct str rejection_key(const struct rejection *rejection, char room[42]) {
    char number[20], source[20];
    return join_key(room, decimal(source, rejection->source), decimal(number, rejection->offset));
}

static int compare_rejections(const struct rejection *a, const struct rejection *b) {
    char left[42], right[42];
    return str_compare(rejection_key(a, left), rejection_key(b, right));
}

static void say_origin(struct rejected *out, const struct bad_record *bad) {
    static const struct bad_record unknown = {.key_size_bytes = NONE, .header_count = NONE};
    const struct bad_record *from = bad ? bad : &unknown;
    out->key = from->key;
    out->key_size_bytes = from->key_size_bytes;
    out->headers = from->headers;
    out->header_count = from->header_count;
}

static void emit_rejections(struct fold *fold) {
    for (uint32_t i = 1; i < fold->rejection_count; i++) /* few, nearly always one */
        for (uint32_t j = i; j > 0 && compare_rejections(&fold->rejections[j - 1], &fold->rejections[j]) > 0; j--) {
            struct rejection other = fold->rejections[j];
            fold->rejections[j] = fold->rejections[j - 1];
            fold->rejections[j - 1] = other;
        }
    for (uint32_t i = 0; i < fold->rejection_count; i++) {
        const struct rejection *rejection = &fold->rejections[i];
        char key[42];
        struct output output = {.topic = TOPIC_REJECTED, .key = rejection_key(rejection, key)};
        struct rejected *out = &output.body.rejected;
        out->tenant = rejection->tenant;
        out->event_id = rejection->event_id;
        out->source = rejection->source;
        out->source_name = source_name(fold, rejection->source);
        out->offset = rejection->offset;
        out->append_time = rejection->append_time;
        out->reason = rejection->reason;
        out->detail = rejection->detail ? str_of(rejection->detail) : rejection->bad->detail;
        out->form = rejection->form;
        out->bytes = rejection->bytes;
        out->size_bytes = rejection->size_bytes;
        say_origin(out, rejection->bad);
        emit(fold, &output);
    }
}

/* qsort of the C library may allocate; the lists of a step are short or in order already. */
static void sort(void *items, uint32_t count, size_t size, int (*compare)(const void *, const void *)) {
    uint8_t *base = items, held[sizeof(struct row_change)];
    for (uint32_t gap = count / 2; gap > 0; gap /= 2)
        for (uint32_t i = gap; i < count; i++) {
            uint32_t at = i;
            memcpy(held, base + at * size, size);
            for (; at >= gap && compare(base + (at - gap) * size, held) > 0; at -= gap) memcpy(base + at * size, base + (at - gap) * size, size);
            memcpy(base + at * size, held, size);
        }
}

static int by_key(const void *left, const void *right) {
    const struct entity *a = *(const struct entity *const *)left, *b = *(const struct entity *const *)right;
    return str_compare(entity_key(a), entity_key(b));
}

static void emit_classified(struct fold *fold) {
    if (fold->classified_count > 1) sort(fold->classified, fold->classified_count, sizeof(struct entity *), by_key);
    for (uint32_t i = 0; i < fold->classified_count; i++) {
        struct entity *entity = fold->classified[i];
        char key[2 * ID_BYTES_MAX + 1];
        struct output output = {.topic = TOPIC_CALLS_CLASSIFIED, .key = join_key(key, entity_tenant(entity), entity_id(entity))};
        if (fold->said_of != entity) say_classified(fold, entity, verdict_for(fold, entity)); /* of several calls the last is there */
        output.body.classified_call = fold->said;
        output.said = (struct str){(const char *)fold->said_bytes, fold->said_size};
        emit(fold, &output);
    }
}

/* By row id, which is kind and then call, and version. */
static int by_row(const void *left, const void *right) {
    const struct row_change *a = left, *b = right;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    int order = str_compare(entity_key(a->entity), entity_key(b->entity));
    return order ? order : (a->row.version > b->row.version) - (a->row.version < b->row.version);
}

static struct str change_ground(const struct row_change *change) {
    return change->ground_bytes ? (struct str){change->ground, change->ground_bytes} : STR_NULL;
}

static void emit_followup(struct fold *fold, const struct row_change *change) {
    char key[2 * ID_BYTES_MAX + 4];
    struct output output = {.topic = TOPIC_FOLLOWUPS};
    fill_followup(fold, change->entity, verdict_for(fold, change->entity), (enum followup_kind)change->kind, &change->row, &output.body.followup, true);
    say_ground(&output.body.followup, &change->row, change_ground(change));
    output.key = join_key(key, output.body.followup.tenant, output.body.followup.follow_up);
    emit(fold, &output);
}

static struct str cause_id(struct fold *fold, const struct row_change *change) {
    const struct fact *class = verdict_for(fold, change->entity)->classified;
    switch ((enum cause)change->row.cause) {
    case CAUSE_TALK:
        return fold->step == STEP_TIMER && fold->timer == TIMER_TALK ? entity_id(fold->subject) : change_ground(change);
    case CAUSE_JOB: return change_ground(change);
    case CAUSE_COMMAND: return fold->event->event_id;
    case CAUSE_CLASSIFICATION: return class ? fact_id(class, fold->ids[0]) : STR_NULL;
    default: return STR_NULL;
    }
}

static void emit_followup_event(struct fold *fold, const struct row_change *change) {
    struct output output = {.topic = TOPIC_FOLLOWUP_EVENTS, .key = entity_tenant(change->entity)};
    struct followup_event *out = &output.body.followup_event;
    bool by_command = change->row.cause == CAUSE_COMMAND;
    out->tenant = entity_tenant(change->entity);
    out->follow_up = followup_id(change->entity, (enum followup_kind)change->kind, fold->followup_ids[change->kind]);
    out->version = change->row.version;
    out->at = change->row.changed_at;
    out->change = change->change;
    out->cause = change->row.cause;
    out->cause_id = cause_id(fold, change);
    out->actor = by_command ? fold->event->actor : STR_NULL;
    out->status_before = change->row.status_before;
    out->status = change->row.status;
    out->outcome = change->row.outcome;
    out->tab = change->row.tab;
    if (by_command && fold->event->type == EVENT_ADD_NOTE) out->note = fold->event->body.add_note.note;
    if (by_command && fold->event->type == EVENT_ASSIGN) out->assignee = fold->event->body.assign.assignee;
    emit(fold, &output);
}

static void emit_notice(struct fold *fold, const struct entity *entity) {
    char key[2 * ID_BYTES_MAX + 4];
    struct output output = {.topic = TOPIC_NOTICES};
    struct notice *out = &output.body.notice;
    out->tenant = entity_tenant(entity);
    out->call_id = entity_id(entity);
    out->follow_up = followup_id(entity, KIND_SECOND_CHANCE, fold->followup_ids[KIND_SECOND_CHANCE]);
    out->at = row_of(entity, KIND_SECOND_CHANCE)->opened_at;
    output.key = join_key(key, out->tenant, out->follow_up);
    emit(fold, &output);
}

void emit_result(struct fold *fold, struct str tenant, struct str command_id, struct str actor, struct str follow_up, const struct result *result) {
    char key[2 * ID_BYTES_MAX + 1];
    struct output output = {.topic = TOPIC_COMMAND_RESULTS, .key = join_key(key, tenant, command_id)};
    struct command_result *out = &output.body.command_result;
    out->tenant = tenant;
    out->command_id = command_id;
    out->actor = actor;
    out->follow_up = follow_up;
    out->at = result->at;
    out->verdict = result->verdict;
    out->reason = result->reason;
    out->version = result->version;
    emit(fold, &output);
}

void emit_tombstones(struct fold *fold, const struct entity *entity) {
    char key[2 * ID_BYTES_MAX + 4], id[ID_BYTES_MAX + 3];
    const struct call *call = call_of(entity);
    if (call->classified) {
        struct output output = {.topic = TOPIC_CALLS_CLASSIFIED, .is_tombstone = true, .key = join_key(key, entity_tenant(entity), entity_id(entity))};
        output.body.tombstone.key = output.key;
        emit(fold, &output);
    }
    for (int kind = 0; kind < 2; kind++) {
        if (!call->has_row[kind]) continue;
        struct str row = followup_id(entity, (enum followup_kind)kind, id);
        struct output output = {.topic = TOPIC_FOLLOWUPS, .is_tombstone = true, .key = join_key(key, entity_tenant(entity), row)};
        output.body.tombstone.key = output.key;
        emit(fold, &output);
    }
}

void publish(struct fold *fold) {
    if (fold->rejection_count) emit_rejections(fold);
    if (fold->classified_count) emit_classified(fold);
    if (fold->change_count > 1) sort(fold->changes, fold->change_count, sizeof *fold->changes, by_row);
    for (uint32_t i = 0; i < fold->change_count; i++) emit_followup(fold, &fold->changes[i]);
    for (uint32_t i = 0; i < fold->change_count; i++) emit_followup_event(fold, &fold->changes[i]);
    if (fold->notice_count > 1) sort(fold->notices, fold->notice_count, sizeof(struct entity *), by_key);
    for (uint32_t i = 0; i < fold->notice_count; i++) emit_notice(fold, fold->notices[i]);
}
