#include "reader.h"

#include <inttypes.h>

#include "emission.h"
#include "writer.h"

#define CHANGES_MAX 32 /* of settings in a command: the fold refuses more */

struct reader {
    struct store *store;
    struct log *journal;
    struct fold *fold;
    struct place *place;
    struct emission emission;
    const struct reader_options *options;
    const struct reader_query *query;
    bool checked;          /* what is folded is what was written: seals must agree */
    bool near_end;         /* records of the time where the query stops were met */
    bool stopped;          /* by the query */
    int64_t number;        /* of the next record, from 0 */
    struct reader_counts counts; /* so far */
    uint64_t committed;    /* of them, when the store last committed */
    int64_t shift[TOPICS]; /* bytes by which the outputs' headers are longer than those written first */
    struct failure *failure;
    struct scratch scratch;
    struct setting changes[CHANGES_MAX]; /* of a command, with what is assumed */
};

static int from_store(struct reader *reader, int code) {
    return code < 0 ? fail_store(reader->failure, code, "the state", store_error(reader->store)) : 0;
}

static int damaged(struct reader *reader, const struct log_run *run, const char *what) {
    return fail(reader->failure, EXIT_FAILED, "%s is damaged: in the block at byte %" PRId64 ", %s. Restore the file from a backup.",
                reader->journal->name, run->at, what);
}

static int commit(struct reader *reader) {
    int code = fold_flush(reader->fold);
    if (code == 0) code = place_save(reader->store, reader->place);
    if (code == 0) code = store_commit(reader->store);
    if (code == 0) code = store_begin(reader->store);
    reader->committed = reader->counts.records;
    return from_store(reader, code);
}

/* ---- what a query asks ---- */

static const struct reader_query no_query = {.until = NONE};

/* Hooks tell to stop by what they return; their failures are described. */
static int told(struct reader *reader, int answer) {
    if (answer > 0) reader->stopped = true;
    return answer < 0 ? -1 : 0;
}

static int emit(void *context, const struct output *output) {
    struct reader *reader = context;
    const struct reader_query *query = reader->query;
    if (query->output && told(reader, query->output(query->context, output)) < 0) return -1;
    return reader->checked ? emission_emit(&reader->emission, output) : 0;
}

/* True where the record would take stream time past the query's. Only records of later times can, and what follows them. */
static bool is_past(struct reader *reader, const struct journal_record *record) {
    int64_t until = reader->query->until;
    if (until == NONE) return false;
    reader->near_end |= record->type == JOURNAL_SEAL || (record->type == JOURNAL_EVENT && record->body.event.occurred_at > until);
    if (!reader->near_end) return false;
    int64_t time = fold_time_after(reader->fold, record);
    return time != NONE && time > until;
}

/* The one event that moves the clock and leaves no other trace. */
static void make_tick(struct journal_record *record) {
    record->body.event.type = EVENT_AGENT_STATUS_CHANGED;
    record->body.event.body.agent_status_changed = (struct agent_status_changed){STR(""), STR(""), STATUS_BY_PERSON};
}

/* False where the record is none of the query's. One of another tenant that moves the clock is made to do nothing else. */
static bool concerns(const struct reader *reader, struct journal_record *record) {
    struct str tenant = reader->query->tenant;
    if (str_is_null(tenant) || record->type != JOURNAL_EVENT) return true;
    const struct event *event = &record->body.event;
    if (str_equal(event->tenant, tenant) || str_equal(event->tenant, STR("*"))) return true;
    if (event_subject((enum event_type)event->type) == SUBJECT_COMMAND) return false;
    make_tick(record);
    return true;
}

/* What somebody sets an assumed setting to is what is assumed; a value that is refused is refused still. */
static void hold_assumptions(struct reader *reader, struct journal_record *record) {
    struct setting_array *array = &record->body.event.body.change_settings.changes;
    if (!reader->query->assumption_count || record->type != JOURNAL_EVENT || record->body.event.type != EVENT_CHANGE_SETTINGS) return;
    if (array->count > CHANGES_MAX) return;
    for (uint32_t n = 0; n < array->count; n++) {
        struct setting *change = &reader->changes[n];
        *change = array->items[n];
        for (size_t m = 0; m < reader->query->assumption_count; m++) {
            const struct assumption *assumption = &reader->query->assumptions[m];
            if (str_equal(assumption->key, change->key) && fold_setting_valid(change->key, change->value)) change->value = assumption->value;
        }
    }
    array->items = reader->changes;
}

static int assume_all(struct reader *reader) {
    for (size_t n = 0; n < reader->query->assumption_count; n++) {
        const struct assumption *assumption = &reader->query->assumptions[n];
        int code = fold_assume(reader->fold, assumption->key, assumption->value);
        if (code == STORE_ABSENT)
            return fail(reader->failure, EXIT_USAGE, "%.*s cannot be %.*s.", (int)assumption->key.len, assumption->key.ptr,
                        (int)assumption->value.len, assumption->value.ptr);
        if (code < 0) return from_store(reader, code);
    }
    return 0;
}

/* ---- seals ---- */

static int source_listed(struct reader *reader, const struct source_listed *listed) {
    if (listed->source >= reader->place->next_source) reader->place->next_source = listed->source + 1;
    if (listed->kind != SOURCE_FILE) {
        reader->place->topics[listed->kind] = 0;
        return 0;
    }
    struct known_source known = {.number = listed->source};
    memcpy(known.hash, listed->content_hash.ptr, CONTENT_HASH_DIGITS);
    return from_store(reader, source_save(reader->store, &known));
}

static int sources_moved(struct reader *reader, const struct seal_source_array *sources) {
    int code = 0;
    place_move_topics(reader->place, sources);
    for (uint32_t n = 0; code >= 0 && n < sources->count; n++) {
        struct known_source known;
        code = source_load_numbered(reader->store, sources->items[n].source, &known);
        if (code != 0) continue;
        known.next_offset = sources->items[n].next_offset;
        code = source_save(reader->store, &known);
    }
    return from_store(reader, code);
}

/* The outputs written again grow from seal to seal as those written first did; their headers may tell people something else. Beside a journal of
 * an older schema they had fewer fields. */
static int outputs_check(struct reader *reader, const struct seal *seal, const struct log_run *run) {
    struct log *outputs = reader->options->outputs;
    if (!outputs) return 0;
    int64_t positions[TOPICS];
    if (log_prepare(outputs, positions) < 0) return -1;
    if (plan_is_older(run->plan)) return 0;
    for (uint32_t n = 0; n < seal->outputs.count; n++) {
        const struct seal_output *output = &seal->outputs.items[n];
        int64_t shift = positions[output->topic] - output->position;
        if (seal->sequence == 0) reader->shift[output->topic] = shift;
        if (shift != reader->shift[output->topic])
            return fail(reader->failure, EXIT_FAILED,
                        "seal %" PRId64 " says that %s reached byte %" PRId64 "; folded again it reaches byte %" PRId64 ".", seal->sequence,
                        symbol_text("Topic", output->topic), output->position, positions[output->topic] - reader->shift[output->topic]);
    }
    return 0;
}

/* What was emitted does not depend on how the state lies; its hash does. */
static const char *difference(struct reader *reader, const struct seal *seal) {
    struct fold_status status;
    fold_status(reader->fold, &status);
    if (emission_digest(&reader->emission) != seal->outputs_hash) return "other outputs";
    if (status.next_output != seal->next_output) return "another number of outputs";
    if (seal->state_layout == FOLD_LAYOUT) return status.state_hash == seal->state_hash ? NULL : "another state";
    reader->counts.uncompared++;
    return NULL;
}

static int fold_check(struct reader *reader, const struct seal *seal, const struct reader_at *at) {
    const char *what = reader->checked ? difference(reader, seal) : NULL;
    if (!what) return 0;
    if (reader->query->differs) return told(reader, reader->query->differs(reader->query->context, at, what));
    return fail(reader->failure, EXIT_FAILED,
                "%s, folded up to seal %" PRId64
                ", gives %s than when it was written: it was changed since, or this is not the ringback that wrote it. "
                "Restore the file from a backup, or use that version.",
                reader->journal->name, seal->sequence, what);
}

static int seal_read(struct reader *reader, const struct seal *seal, const struct log_run *run, const struct reader_at *here) {
    struct log_place *at = &reader->place->log;
    if (seal->sequence != at->sequence + 1 || seal->records != reader->place->beyond || seal->previous.len != SEAL_HASH_BYTES ||
        memcmp(seal->previous.ptr, at->seal_hash, SEAL_HASH_BYTES) != 0)
        return damaged(reader, run, "the seal does not follow the one before");
    const struct log_place *expected = &reader->journal->sealed;
    if (seal->partition != expected->partition || seal->partitions != expected->partitions)
        return fail(reader->failure, EXIT_CONFIGURATION, "%s is partition %" PRId32 " of %" PRId32 ", not %" PRId32 " of %" PRId32
                    ". The number of partitions is fixed for a journal's life.", reader->journal->name, seal->partition, seal->partitions,
                    expected->partition, expected->partitions);
    int code = fold_flush(reader->fold);
    if (code < 0) return from_store(reader, code);
    if (fold_check(reader, seal, here) < 0 || outputs_check(reader, seal, run) < 0 || sources_moved(reader, &seal->sources) < 0) return -1;
    at->sequence = seal->sequence;
    at->seal_at = run->at;
    at->position = run->end;
    seal_hash(run->bytes.ptr, run->bytes.len, at->seal_hash);
    for (uint32_t n = 0; n < seal->outputs.count; n++) at->outputs[seal->outputs.items[n].topic] = seal->outputs.items[n].position;
    reader->place->beyond = 0;
    return reader->query->sealed ? told(reader, reader->query->sealed(reader->query->context, here)) : 0;
}

static int apply(struct reader *reader, const struct log_run *run, const struct reader_at *at) {
    const struct reader_query *query = reader->query;
    const struct journal_record *record = at->record;
    struct place *place = reader->place;
    if (query->before && (told(reader, query->before(query->context, at)) < 0)) return -1;
    if (reader->stopped) return 0;
    if (record->append_time > place->append_time) place->append_time = record->append_time;
    int code = fold_apply(reader->fold, record, at->event_bytes);
    if (code < 0) return from_store(reader, code);
    reader->counts.records++;
    if (record->type != JOURNAL_SEAL) place->beyond++;
    if (query->after && told(reader, query->after(query->context, at)) < 0) return -1;
    if (record->type == JOURNAL_SEAL) return seal_read(reader, &record->body.seal, run, at);
    return record->type == JOURNAL_SOURCE ? source_listed(reader, &record->body.source) : 0;
}

static int record_read(struct reader *reader, struct journal_record *record, struct str event_bytes, const struct log_run *run) {
    if (fold_rules_asked(record) > FOLD_RULES_VERSION)
        return fail(reader->failure, EXIT_CONFIGURATION,
                    "%s uses version %" PRId32 " of the rules; this ringback knows them up to %d. Use a newer one.", reader->journal->name,
                    fold_rules_asked(record), FOLD_RULES_VERSION);
    struct reader_at at = {.store = reader->store,
                           .fold = reader->fold,
                           .place = reader->place,
                           .record = record,
                           .event_bytes = event_bytes,
                           .number = reader->number++,
                           .block_at = run->at};
    if (is_past(reader, record)) {
        reader->stopped = true;
        return 0;
    }
    if (!concerns(reader, record)) {
        reader->place->beyond++;
        return 0;
    }
    hold_assumptions(reader, record);
    return apply(reader, run, &at);
}

static bool commit_is_due(const struct reader *reader) {
    uint64_t since = reader->counts.records - reader->committed;
    if (reader->options->batch) return since >= (uint64_t)reader->options->batch;
    return since >= TRANSACTION_RECORDS_MAX && reader->place->beyond == 0;
}

static int run_read(struct reader *reader, const struct log_run *run) {
    const uint8_t *at = (const uint8_t *)run->bytes.ptr, *end = at + run->bytes.len;
    for (int64_t n = 0; n < run->count && !reader->stopped; n++) {
        struct journal_record record;
        struct str event_bytes;
        struct refusal why;
        int64_t size = codec_read_journal(run->plan, at, (size_t)(end - at), &record, &event_bytes, &reader->scratch, &why);
        if (size < 0) return damaged(reader, run, why.detail);
        if (record_read(reader, &record, event_bytes, run) < 0) return -1;
        at += size;
        if (!commit_is_due(reader)) continue;
        if (commit(reader) < 0) return -1;
        if (reader->options->progress)
            reader->options->progress(reader->options->context, run->end, reader->journal->sealed.position, reader->counts.records);
    }
    return at == end || reader->stopped ? 0 : damaged(reader, run, "there are bytes behind its last record");
}

static int read_all(struct reader *reader) {
    int code = store_begin(reader->store);
    if (code < 0) return from_store(reader, code);
    struct str journal_id = {reader->journal->sealed.journal_id, JOURNAL_ID_DIGITS};
    code = fold_open(&reader->fold, reader->store, journal_id, reader->journal->sealed.partition, emit, reader);
    if (code < 0) return from_store(reader, code);
    if (assume_all(reader) < 0) return -1;
    struct log_run run;
    int more = 1;
    while (!reader->stopped && (more = log_read(reader->journal, &run)) > 0)
        if (run_read(reader, &run) < 0) return -1;
    return more < 0 ? -1 : commit(reader);
}

int reader_run(struct store *store, struct log *journal, struct place *place, const struct reader_options *options,
               struct reader_counts *counts, struct failure *failure) {
    static const struct reader_options none;
    struct reader reader = {.store = store, .journal = journal, .place = place, .options = options ? options : &none, .failure = failure};
    reader.query = reader.options->query ? reader.options->query : &no_query;
    reader.checked = str_is_null(reader.query->tenant) && reader.query->assumption_count == 0;
    int result = emission_open(&reader.emission, reader.options->outputs, failure);
    if (result == 0) result = read_all(&reader);
    fold_close(reader.fold);
    store_abort(store);
    emission_close(&reader.emission);
    if (counts) *counts = reader.counts;
    return result;
}
