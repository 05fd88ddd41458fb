#include "fold.h"
#include "directory/numbers.h"
#include "followup/answers.h"
#include "followup/row.h"
#include "job/job.h"
#include "rules.h"

#define AHEAD_MS INT64_C(300000)             /* how far ahead of its append time a record may be: SPEC 6 */
#define RETENTION_LEAST_MS (30 * DAY_MS)     /* no tenant's retention is shorter */
#define WARM_MS HOUR_MS                      /* what falls due within this stays in memory over a flush */
#define FILES (-1)                           /* the clock source that all files are */

/* ---- the step ---- */

void step_touch(struct fold *fold, struct entity *entity) {
    if (entity->mark == fold->step_number) return;
    entity->mark = fold->step_number;
    fold->touched = room_grow(fold->touched, &fold->touched_capacity, fold->touched_count + 1, sizeof(struct entity *));
    fold->touched[fold->touched_count++] = entity;
}

void step_reject(struct fold *fold, const struct rejection *rejection) {
    fold->rejections = room_grow(fold->rejections, &fold->rejection_capacity, fold->rejection_count + 1, sizeof *fold->rejections);
    fold->rejections[fold->rejection_count++] = *rejection;
    fold->meta.rejected[rejection->reason]++;
}

void step_begin(struct fold *fold, enum step_kind kind, int64_t time, const struct event *event) {
    fold->step = kind;
    fold->step_number++;
    fold->time = fold->fact_time = time;
    fold->event = event;
    fold->subject = NULL;
    fold->subject_kind = -1;
    fold->verdict_of = fold->said_of = fold->talker = NULL;
    fold->touched_count = fold->change_count = fold->rejection_count = fold->classified_count = fold->notice_count = 0;
}

void step_judge(struct fold *fold) {
    fold->verdict_of = NULL; /* facts have changed */
    for (uint32_t i = 0; i < fold->touched_count; i++) { /* the list grows while it is walked */
        struct entity *entity = fold->touched[i];
        if (!entity->size) continue;
        if (entity->table == TABLE_JOBS) job_propagate(fold, entity);
        else call_propagate(fold, entity);
    }
    for (uint32_t i = 0; i < fold->touched_count; i++)
        if (fold->touched[i]->size && fold->touched[i]->table == TABLE_CALLS) call_judge(fold, fold->touched[i]);
    fold->touched_count = 0;
}

void step_end(struct fold *fold) {
    step_judge(fold);
    publish(fold);
    for (uint32_t i = 0; i < fold->kept_count; i++) room_free(fold->kept[i]);
    fold->kept_count = 0;
}

/* Fires what is due, in the order of SPEC 6. */
static void fire(struct fold *fold) {
    struct entity *entity;
    if (fold->meta.stream_time == NONE) return;
    while (!cache_error(fold->cache) && (entity = cache_first_due(fold->cache, fold->meta.stream_time))) {
        step_begin(fold, STEP_TIMER, entity->due.at, NULL);
        fold->timer = entity->due.kind;
        fold->due = entity->due;
        fold->subject = entity;
        if (entity->table == TABLE_CALLS) call_timer(fold, entity);
        else job_timer(fold, entity);
        step_end(fold);
    }
}

/* Where rules were activated, some calls more at the end of a record. */
static void judge_again(struct fold *fold) {
    if (!rules_under_way(fold)) return;
    rules_go_on(fold);
    fire(fold);
}

/* ---- the clock ---- */

void fold_read_settings(struct fold *fold) { settings_read(fold->cache, STR("*"), &fold->settings); }

/* Those that are listed come first. */
static bool is_listed(const struct fold *fold, const struct clock_source *source) {
    return source < fold->meta.sources + SOURCES_MAX && source->listed;
}

static struct clock_source *clock_source(struct fold *fold, int32_t number) {
    struct clock_source *files = NULL;
    for (struct clock_source *source = fold->meta.sources; is_listed(fold, source); source++) {
        if (source->number == number) return source;
        if (source->number == FILES) files = source;
    }
    return files;
}

static void list_source(struct fold *fold, int32_t number, int8_t kind) {
    if (kind == SOURCE_COMMANDS) return; /* commands move no clock */
    if (kind == SOURCE_FILE) number = FILES;
    struct clock_source *source = fold->meta.sources;
    while (is_listed(fold, source) && source->number != number) source++;
    if (source == fold->meta.sources + SOURCES_MAX || source->listed) return;
    *source = (struct clock_source){.number = number, .kind = kind, .listed = 1, .occurred_at = NONE, .append_time = NONE, .end_as_of = NONE, .clock = NONE};
}

/* Stream time is the least of the sources' clocks, and never goes back. */
static void move_clock(struct fold *fold, struct clock_source *moved) {
    int64_t reached = moved->end_as_of != NONE ? moved->end_as_of
                      : moved->occurred_at < moved->append_time ? moved->occurred_at : moved->append_time;
    if (reached != NONE) moved->clock = later(moved->clock, reached - fold->settings.value[SETTING_ALLOWED_LATENESS_MS]);
    int64_t least = INT64_MAX;
    for (const struct clock_source *source = fold->meta.sources; is_listed(fold, source); source++)
        if (source->clock < least) least = source->clock;
    if (least != INT64_MAX) fold->meta.stream_time = later(fold->meta.stream_time, least);
}

static void see_time(struct fold *fold, const struct journal_record *record) {
    struct clock_source *source = clock_source(fold, record->source);
    if (!source) {
        list_source(fold, record->source, SOURCE_FILE);
        source = clock_source(fold, record->source);
    }
    source->occurred_at = later(source->occurred_at, record->body.event.occurred_at);
    source->append_time = later(source->append_time, record->append_time);
    source->end_as_of = NONE;
    move_clock(fold, source);
}

static void see_ends(struct fold *fold, const struct seal *seal) {
    for (uint32_t i = 0; i < seal->sources.count; i++) {
        const struct seal_source *ended = &seal->sources.items[i];
        struct clock_source *source = ended->end_as_of == NONE ? NULL : clock_source(fold, ended->source);
        if (!source) continue;
        source->end_as_of = ended->end_as_of;
        move_clock(fold, source);
    }
}

static void apply_seal(struct fold *fold, const struct seal *seal) {
    see_ends(fold, seal);
    fire(fold);
    if (seal->records == 0) judge_again(fold);
    fold->meta.next_seal++;
    fold->index = 0;
}

/* ---- records ---- */

static void apply_bad(struct fold *fold, const struct journal_record *record) {
    const struct bad_record *bad = &record->body.bad;
    step_begin(fold, STEP_RECORD, record->append_time, NULL);
    step_reject(fold, &(struct rejection){STR_NULL, STR_NULL, bad->bytes, record->source, record->offset, record->append_time, bad->size_bytes,
                                          bad->reason, BYTES_ORIGINAL, NULL, bad});
    step_end(fold);
}

static void apply_source(struct fold *fold, const struct source_listed *source) {
    char room[20];
    list_source(fold, source->source, source->kind);
    struct entity *entity = directory_entity(fold->cache, STR("*"), ENTRY_SOURCE, decimal(room, source->source));
    entity_resize(fold->cache, entity, source->name.len);
    if (source->name.len) memcpy(entity->blob, source->name.ptr, source->name.len);
}

/* `call`: of a call's event. */
static bool is_duplicate(struct fold *fold, const struct entity *call, const struct event *event) {
    switch (event_subject((enum event_type)event->type)) {
    case SUBJECT_CALL: return call_is_duplicate(fold, call, event);
    case SUBJECT_JOB: return job_is_duplicate(fold, event);
    case SUBJECT_DIRECTORY: {
        const struct entity *entity = directory_subject(fold->cache, event);
        if (!entity->size) return false;
        const struct entry *entry = (const struct entry *)(const void *)entity->blob;
        return now_of(fold, event->tenant) <= entry->last_event_at + DUPLICATE_WINDOW_MS && facts_find(entity, sizeof *entry, &fold->id);
    }
    default: return false;
    }
}

static bool is_expired(struct fold *fold, const struct event *event) {
    if (fold->meta.stream_time == NONE || event->occurred_at + RETENTION_LEAST_MS >= fold->meta.stream_time) return false;
    struct settings settings;
    tenant_settings(fold, event->tenant, &settings);
    return event->occurred_at + settings.value[SETTING_RETENTION_DAYS] * DAY_MS < fold->meta.stream_time;
}

static void reject_event(struct fold *fold, const struct journal_record *record, struct str bytes, enum reject_reason reason, const char *detail) {
    const struct event *event = &record->body.event;
    step_begin(fold, STEP_RECORD, event->occurred_at, event);
    step_reject(fold, &(struct rejection){event->tenant, event->event_id, bytes, record->source, record->offset, record->append_time,
                                          (int64_t)bytes.len, (int8_t)reason, BYTES_EVENT_AVRO, detail, NULL});
    step_end(fold);
}

static void apply_command(struct fold *fold, const struct journal_record *record) {
    const struct event *event = &record->body.event;
    if (str_equal(event->tenant, STR("*")) && event->occurred_at <= record->append_time + AHEAD_MS)
        fold->meta.network_time = later(fold->meta.network_time, event->occurred_at);
    step_begin(fold, STEP_COMMAND, event->occurred_at, event);
    command_apply(fold, event, record);
    fire(fold);
}

/* What becomes of an event that is no command. */
enum reception { TAKEN, TOO_EARLY, NOT_FOR_ALL, REPEATED, TOO_OLD };

/* `call`: of a call's event. */
static enum reception receive(struct fold *fold, const struct journal_record *record, const struct entity *call) {
    const struct event *event = &record->body.event;
    enum event_subject subject = event_subject((enum event_type)event->type);
    fold->id = fact_id_of(event->event_id);
    if (event->occurred_at > record->append_time + AHEAD_MS) return TOO_EARLY;
    if (str_equal(event->tenant, STR("*")) && subject != SUBJECT_DIRECTORY) return NOT_FOR_ALL;
    if (is_duplicate(fold, call, event)) return REPEATED;
    return (subject == SUBJECT_CALL || subject == SUBJECT_JOB) && is_expired(fold, event) ? TOO_OLD : TAKEN;
}

static struct entity *call_of_event(struct fold *fold, const struct event *event) {
    bool has_call = event_subject((enum event_type)event->type) == SUBJECT_CALL && !str_equal(event->tenant, STR("*"));
    return has_call ? call_entity(fold->cache, event->tenant, event->body.subject) : NULL;
}

/* An entry of the directory. */
static void apply_entry(struct fold *fold, const struct journal_record *record, struct str bytes) {
    const struct event *event = &record->body.event;
    if (event->type == EVENT_NUMBER_CHANGED) number_add(fold, event->tenant, event->body.subject);
    if (directory_apply(fold->cache, event, &fold->id, now_of(fold, event->tenant))) return;
    step_reject(fold, &(struct rejection){event->tenant, event->event_id, bytes, record->source, record->offset, record->append_time,
                                          (int64_t)bytes.len, REJECT_TOO_LARGE, BYTES_EVENT_AVRO, "too many events of this entry", NULL});
}

/* Checks, clock, timers, record, timers: SPEC 6, D1.5. */
static void apply_event(struct fold *fold, const struct journal_record *record, struct str bytes) {
    const struct event *event = &record->body.event;
    enum event_subject subject = event_subject((enum event_type)event->type);
    if (subject == SUBJECT_COMMAND) {
        apply_command(fold, record);
        return;
    }
    struct entity *call = call_of_event(fold, event);
    switch (receive(fold, record, call)) {
    case TAKEN: break;
    case TOO_EARLY:
        reject_event(fold, record, bytes, REJECT_FUTURE_TIME, "occurred_at: more than 5 minutes ahead of the time it was journalled");
        return;
    case NOT_FOR_ALL: reject_event(fold, record, bytes, REJECT_INVALID, "tenant: a call, job or agent belongs to one tenant, not to *"); return;
    case REPEATED: fold->meta.duplicates++; return;
    case TOO_OLD: reject_event(fold, record, bytes, REJECT_EXPIRED, "occurred_at: older than retention_days"); return;
    }
    if (str_equal(event->tenant, STR("*"))) fold->meta.network_time = later(fold->meta.network_time, event->occurred_at);
    see_time(fold, record);
    fire(fold);
    step_begin(fold, STEP_RECORD, event->occurred_at, event);
    if (subject == SUBJECT_CALL) call_event(fold, call, event, record, bytes);
    else if (subject == SUBJECT_JOB) job_event(fold, event, record, bytes);
    else if (event->type == EVENT_ACTIVATE_RULES) rules_activate(fold, event, record, bytes);
    else if (subject == SUBJECT_DIRECTORY) apply_entry(fold, record, bytes);
    step_end(fold);
    fire(fold);
}

int fold_apply(struct fold *fold, const struct journal_record *record, struct str event_bytes) {
    fold->meta.records++;
    switch ((enum journal_type)record->type) {
    case JOURNAL_EVENT:
        apply_event(fold, record, event_bytes);
        judge_again(fold);
        break;
    case JOURNAL_BAD:
        apply_bad(fold, record);
        judge_again(fold);
        break;
    case JOURNAL_SEAL: apply_seal(fold, &record->body.seal); break;
    case JOURNAL_RULES: fold->meta.rules_version = record->body.rules.version; break;
    case JOURNAL_SOURCE: apply_source(fold, &record->body.source); break;
    case JOURNAL_GAP: fold->meta.gaps++; break;
    }
    return fold->result < 0 ? fold->result : cache_error(fold->cache);
}

static const char *const timer_names[] = {[TIMER_TALK] = "TALK",   [TIMER_CHECK] = "CHECK", [TIMER_COLD] = "COLD",
                                          [TIMER_STUCK] = "STUCK", [TIMER_START] = "START", [TIMER_RETAIN] = "RETAIN"};

const char *timer_name(uint8_t kind) { return timer_names[kind]; }

void fold_step(const struct fold *fold, struct fold_step *step) {
    *step = (struct fold_step){.at = fold->time};
    if (fold->step != STEP_TIMER && fold->step != STEP_RULES) return;
    step->timer = fold->step == STEP_RULES ? "RULES" : timer_name(fold->timer);
    if (!fold->subject || fold->subject->table != TABLE_CALLS) return;
    step->tenant = entity_tenant(fold->subject);
    step->call_id = entity_id(fold->subject);
}

int64_t fold_stream_time(const struct fold *fold) { return fold->meta.stream_time; }

int64_t fold_time_after(struct fold *fold, const struct journal_record *record) {
    struct fold_meta now = fold->meta;
    bool is_event = record->type == JOURNAL_EVENT && event_subject((enum event_type)record->body.event.type) != SUBJECT_COMMAND;
    if (is_event && receive(fold, record, call_of_event(fold, &record->body.event)) == TAKEN) see_time(fold, record);
    if (record->type == JOURNAL_SEAL) see_ends(fold, &record->body.seal);
    int64_t time = fold->meta.stream_time;
    fold->meta = now;
    return time;
}

/* ---- opening, flushing, asking ---- */

static int read_meta(struct store *store, struct fold_meta *meta) {
    struct str value;
    int result = store_get(store, TABLE_META, STR("fold"), &value);
    *meta = (struct fold_meta){.layout = FOLD_LAYOUT, .stream_time = NONE, .network_time = NONE};
    if (result != 0) return result < 0 ? result : 0;
    if (value.len != sizeof *meta) return STORE_ERROR_FORMAT;
    memcpy(meta, value.ptr, sizeof *meta);
    return meta->layout == FOLD_LAYOUT ? 0 : STORE_ERROR_FORMAT;
}

int fold_open(struct fold **out, struct store *store, struct str journal_id, int32_t partition, fold_emit *emit, void *context) {
    void *room;
    struct cache *cache = cache_open(store, sizeof(struct fold), &room);
    struct fold *fold = room;
    *out = NULL;
    fold->store = store;
    fold->cache = cache;
    fold->emit = emit;
    fold->context = context;
    fold->partition = partition;
    if (journal_id.len == sizeof fold->journal_id) memcpy(fold->journal_id, journal_id.ptr, journal_id.len);
    int result = read_meta(store, &fold->meta);
    if (result < 0) {
        cache_close(cache);
        return result;
    }
    cache_set_state_hash(cache, (uint64_t)fold->meta.state_hash);
    fold_read_settings(fold);
    rules_open(fold);
    *out = fold;
    return 0;
}

bool fold_setting_valid(struct str key, struct str value) {
    enum setting_key found = setting_find(key);
    int64_t number;
    return found != SETTINGS && setting_parse(found, value, &number);
}

int fold_assume(struct fold *fold, struct str key, struct str value) {
    if (!settings_assume(fold->cache, key, value)) return STORE_ABSENT;
    fold_read_settings(fold);
    return cache_error(fold->cache);
}

void fold_close(struct fold *fold) {
    if (!fold) return;
    for (uint32_t i = 0; i < fold->kept_count; i++) room_free(fold->kept[i]);
    room_free(fold->kept);
    room_free(fold->touched);
    room_free(fold->changes);
    room_free(fold->rejections);
    room_free(fold->classified);
    room_free(fold->said_bytes);
    room_free(fold->notices);
    for (int kind = 0; kind < 2; kind++) room_free(fold->notes_room[kind]);
    room_free(fold->answers);
    room_free(fold->numbers);
    room_free(fold->encoded);
    plan_free(fold->event_plan);
    cache_close(fold->cache); /* and with it the fold itself */
}

int fold_flush(struct fold *fold) {
    int64_t now = fold->meta.stream_time;
    counts_settle(fold);
    answers_forget(fold);
    int result = cache_flush(fold->cache, now == NONE ? INT64_MIN : now + WARM_MS);
    if (result < 0) return result;
    fold->meta.state_hash = (int64_t)cache_state_hash(fold->cache);
    return store_put(fold->store, TABLE_META, STR("fold"), (struct str){(const char *)&fold->meta, sizeof fold->meta});
}

static void status_of(const struct fold_meta *meta, struct fold_status *status) {
    *status = (struct fold_status){.stream_time = meta->stream_time,
                                   .next_deadline = NONE,
                                   .next_seal = meta->next_seal,
                                   .next_output = meta->next_output,
                                   .state_hash = meta->state_hash,
                                   .rules_version = (int32_t)meta->rules_version,
                                   .gaps = meta->gaps,
                                   .records = meta->records,
                                   .duplicates = meta->duplicates};
    memcpy(status->rejected, meta->rejected, sizeof status->rejected);
}

void fold_status(struct fold *fold, struct fold_status *status) {
    status_of(&fold->meta, status);
    int64_t next = cache_next_deadline(fold->cache);
    status->next_deadline = next == NO_DEADLINE ? NONE : next;
    status->allowed_lateness_ms = fold->settings.value[SETTING_ALLOWED_LATENESS_MS];
    status->judges_again = rules_under_way(fold);
}

int fold_counts(struct fold *fold, struct str tenant, struct fold_counts *counts) {
    counts_settle(fold);
    const struct entity *entity = directory_entity(fold->cache, tenant, ENTRY_COUNTS, STR(""));
    memset(counts, 0, sizeof *counts);
    if (entity->size == sizeof *counts) memcpy(counts, entity->blob, sizeof *counts);
    return cache_error(fold->cache);
}

int fold_view_status(struct store *store, struct fold_status *status) {
    struct fold_meta meta;
    int result = read_meta(store, &meta);
    if (result < 0) return result;
    status_of(&meta, status);
    void *room;
    struct cache *cache = cache_open(store, 1, &room);
    int64_t next = cache_next_deadline(cache);
    status->next_deadline = next == NO_DEADLINE ? NONE : next;
    struct settings settings;
    settings_read(cache, STR("*"), &settings);
    status->allowed_lateness_ms = settings.value[SETTING_ALLOWED_LATENESS_MS];
    status->judges_again = directory_entity(cache, STR("*"), ENTRY_PASS, STR(""))->size > 0;
    result = cache_error(cache);
    cache_close(cache);
    return result;
}
