#include "reader.h"

#include <inttypes.h>

#include "../processors/fold.h"
#include "emission.h"
#include "writer.h"

struct reader {
    struct store *store;
    struct log *journal;
    struct fold *fold;
    struct place *place;
    struct emission emission;
    const struct reader_options *options;
    uint64_t records;      /* read so far */
    uint64_t committed;    /* of them, when the store last committed */
    int64_t shift[TOPICS]; /* bytes by which the outputs' headers are longer than those written first */
    struct failure *failure;
    struct scratch scratch;
};

struct place place_at_beginning(const char *journal_id) {
    struct place place;
    memset(&place, 0, sizeof place);
    place.log.sequence = -1;
    place.append_time = NONE;
    place.next_source = 1;
    memcpy(place.log.journal_id, journal_id, JOURNAL_ID_DIGITS);
    return place;
}

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
    reader->committed = reader->records;
    return from_store(reader, code);
}

static int source_listed(struct reader *reader, const struct source_listed *listed) {
    if (listed->source >= reader->place->next_source) reader->place->next_source = listed->source + 1;
    if (listed->content_hash.len != CONTENT_HASH_DIGITS) return 0; /* a topic */
    struct known_source known = {.number = listed->source};
    memcpy(known.hash, listed->content_hash.ptr, CONTENT_HASH_DIGITS);
    return from_store(reader, source_save(reader->store, &known));
}

static int sources_moved(struct reader *reader, const struct seal_source_array *sources) {
    int code = 0;
    for (uint32_t n = 0; code >= 0 && n < sources->count; n++) {
        struct known_source known;
        code = source_load_numbered(reader->store, sources->items[n].source, &known);
        if (code != 0) continue;
        known.next_offset = sources->items[n].next_offset;
        code = source_save(reader->store, &known);
    }
    return from_store(reader, code);
}

/* The outputs written again grow from seal to seal as those written first did; their headers may tell people something else. */
static int outputs_check(struct reader *reader, const struct seal *seal) {
    struct log *outputs = reader->options->outputs;
    if (!outputs) return 0;
    int64_t positions[TOPICS];
    if (log_prepare(outputs, positions) < 0) return -1;
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

static int fold_check(struct reader *reader, const struct seal *seal) {
    struct fold_status status;
    fold_status(reader->fold, &status);
    const char *what = NULL;
    if (emission_digest(&reader->emission) != seal->outputs_hash)
        what = "other outputs";
    else if (status.next_output != seal->next_output)
        what = "another number of outputs";
    else if (status.state_hash != seal->state_hash)
        what = "another state";
    if (!what) return 0;
    return fail(reader->failure, EXIT_FAILED,
                "%s, folded up to seal %" PRId64
                ", gives %s than when it was written: it was changed since, or this is not the ringback that wrote it. "
                "Restore the file from a backup, or use that version.",
                reader->journal->name, seal->sequence, what);
}

static int seal_read(struct reader *reader, const struct seal *seal, const struct log_run *run) {
    struct log_place *at = &reader->place->log;
    if (seal->sequence != at->sequence + 1 || seal->records != reader->place->beyond || seal->previous.len != SEAL_HASH_BYTES ||
        memcmp(seal->previous.ptr, at->seal_hash, SEAL_HASH_BYTES) != 0)
        return damaged(reader, run, "the seal does not follow the one before");
    int code = fold_flush(reader->fold);
    if (code < 0) return from_store(reader, code);
    if (fold_check(reader, seal) < 0 || outputs_check(reader, seal) < 0 || sources_moved(reader, &seal->sources) < 0) return -1;
    at->sequence = seal->sequence;
    at->seal_at = run->at;
    at->position = run->end;
    seal_hash(run->bytes.ptr, run->bytes.len, at->seal_hash);
    for (uint32_t n = 0; n < seal->outputs.count; n++) at->outputs[seal->outputs.items[n].topic] = seal->outputs.items[n].position;
    reader->place->beyond = 0;
    return 0;
}

static int record_read(struct reader *reader, const struct journal_record *record, struct str event_bytes, const struct log_run *run) {
    struct place *place = reader->place;
    if (record->type == JOURNAL_RULES && record->body.rules.version > FOLD_RULES_VERSION)
        return fail(reader->failure, EXIT_CONFIGURATION,
                    "%s uses version %" PRId32 " of the rules; this ringback knows them up to %d. Use a newer one.", reader->journal->name,
                    record->body.rules.version, FOLD_RULES_VERSION);
    if (record->append_time > place->append_time) place->append_time = record->append_time;
    int code = fold_apply(reader->fold, record, event_bytes);
    if (code < 0) return from_store(reader, code);
    reader->records++;
    if (record->type == JOURNAL_SEAL) return seal_read(reader, &record->body.seal, run);
    place->beyond++;
    return record->type == JOURNAL_SOURCE ? source_listed(reader, &record->body.source) : 0;
}

static bool commit_is_due(const struct reader *reader) {
    uint64_t since = reader->records - reader->committed;
    if (reader->options->batch) return since >= (uint64_t)reader->options->batch;
    return since >= TRANSACTION_RECORDS_MAX && reader->place->beyond == 0;
}

static int run_read(struct reader *reader, const struct log_run *run) {
    const uint8_t *at = (const uint8_t *)run->bytes.ptr, *end = at + run->bytes.len;
    for (int64_t n = 0; n < run->count; n++) {
        struct journal_record record;
        struct str event_bytes;
        struct refusal why;
        int64_t size = codec_read_journal(reader->journal->plan, at, (size_t)(end - at), &record, &event_bytes, &reader->scratch, &why);
        if (size < 0) return damaged(reader, run, why.detail);
        if (record_read(reader, &record, event_bytes, run) < 0) return -1;
        at += size;
        if (!commit_is_due(reader)) continue;
        if (commit(reader) < 0) return -1;
        if (reader->options->progress)
            reader->options->progress(reader->options->context, run->end, reader->journal->sealed.position, reader->records);
    }
    return at == end ? 0 : damaged(reader, run, "there are bytes behind its last record");
}

static int read_all(struct reader *reader) {
    int code = store_begin(reader->store);
    if (code < 0) return from_store(reader, code);
    struct str journal_id = {reader->journal->sealed.journal_id, JOURNAL_ID_DIGITS};
    code = fold_open(&reader->fold, reader->store, journal_id, 0, emission_emit, &reader->emission);
    if (code < 0) return from_store(reader, code);
    struct log_run run;
    int more;
    while ((more = log_read(reader->journal, &run)) > 0)
        if (run_read(reader, &run) < 0) return -1;
    return more < 0 ? -1 : commit(reader);
}

int reader_run(struct store *store, struct log *journal, struct place *place, const struct reader_options *options, uint64_t *records,
               struct failure *failure) {
    static const struct reader_options none;
    struct reader reader = {.store = store, .journal = journal, .place = place, .options = options ? options : &none, .failure = failure};
    int result = emission_open(&reader.emission, reader.options->outputs, failure);
    if (result == 0) result = read_all(&reader);
    fold_close(reader.fold);
    store_abort(store);
    emission_close(&reader.emission);
    if (records) *records = reader.records;
    return result;
}
