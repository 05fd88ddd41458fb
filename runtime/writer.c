#include "writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "emission.h"

#define RECORD_ROOM_BYTES 1024

struct writer {
    struct store *store;
    struct log *log;
    struct fold *fold;
    struct emission emission;
    struct place place;
    struct writer_options options;
    int64_t records;  /* in the open transaction */
    int64_t unstored; /* in what was sealed since the store's last commit, seals too */
    bool sealing;     /* a seal was begun and has not ended: the store holds what no place says */
    int64_t ahead_ms; /* of the wall clock, as far as it is corrected */
    uint64_t journalled;
    struct failure *failure;
};

/* Ticks of the kernel's clock are fine enough: an append time is compared with times in minutes. */
static int64_t append_time(struct writer *writer) {
    int64_t now = writer->options.append_time;
    if (now == NONE) {
        struct timespec wall;
        clock_gettime(CLOCK_REALTIME_COARSE, &wall);
        now = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - writer->ahead_ms;
    }
    if (now > writer->place.append_time) writer->place.append_time = now;
    return writer->place.append_time;
}

static int from_store(struct writer *writer, int code) {
    return code < 0 ? fail_store(writer->failure, code, "the state", store_error(writer->store)) : 0;
}

/* Encodes a record into the journal's room. 0: failed. */
static size_t encode(struct writer *writer, const struct journal_record *record, struct str event_bytes, uint8_t **room) {
    size_t capacity, size = RECORD_ROOM_BYTES;
    do {
        *room = log_room(writer->log, STREAM_JOURNAL, size, &capacity);
        if (!*room) return 0;
        size = record->type == JOURNAL_EVENT ? codec_write_journal_event(record, event_bytes, *room, capacity)
                                             : codec_write(&shape_journal_record, record, *room, capacity);
    } while (size > capacity);
    return size;
}

static int journal_and_fold(struct writer *writer, struct journal_record *record, struct str event_bytes) {
    record->append_time = append_time(writer);
    uint8_t *room;
    size_t size = encode(writer, record, event_bytes, &room);
    if (!size || log_append(writer->log, STREAM_JOURNAL, STR_NULL, size) < 0) return -1;
    writer->records++;
    return from_store(writer, fold_apply(writer->fold, record, event_bytes));
}

int writer_record(struct writer *writer, struct journal_record *record, struct str event_bytes) {
    if (fold_rules_asked(record) > FOLD_RULES_VERSION)
        return fail(writer->failure, EXIT_CONFIGURATION,
                    "source %" PRId32 ", offset %" PRId64 " activates version %" PRId32
                    " of the rules; this ringback knows them up to %d. Use a newer one. Nothing from there on was folded.",
                    record->source, record->offset, fold_rules_asked(record), FOLD_RULES_VERSION);
    writer->journalled++;
    return journal_and_fold(writer, record, event_bytes);
}

static int emit(void *context, const struct output *output) {
    struct writer *writer = context;
    if (writer->options.tally) tally_output(writer->options.tally, output);
    return emission_emit(&writer->emission, output);
}

static int begin(struct writer *writer) {
    int code = store_begin(writer->store);
    if (code < 0) return from_store(writer, code);
    struct str journal_id = {writer->log->sealed.journal_id, JOURNAL_ID_DIGITS};
    code = fold_open(&writer->fold, writer->store, journal_id, writer->log->sealed.partition, emit, writer);
    if (code < 0) return from_store(writer, code);
    struct fold_status status;
    fold_status(writer->fold, &status);
    if (status.rules_version != 0) return 0;
    struct journal_record rules = {.type = JOURNAL_RULES, .body.rules = {.version = FOLD_RULES_FIRST}};
    return journal_and_fold(writer, &rules, STR_NULL);
}

int writer_open(struct writer **out, struct store *store, struct log *log, const struct place *place, const struct writer_options *options,
                struct failure *failure) {
    struct writer *writer = *out = calloc(1, sizeof *writer);
    if (!writer) return fail_memory(failure);
    writer->store = store;
    writer->log = log;
    writer->place = *place;
    writer->options = *options;
    writer->failure = failure;
    if (emission_open(&writer->emission, log, failure) == 0 && begin(writer) == 0) return 0;
    writer_close(writer);
    *out = NULL;
    return -1;
}

void writer_close(struct writer *writer) {
    if (!writer) return;
    fold_close(writer->fold);
    store_abort(writer->store);
    emission_close(&writer->emission);
    free(writer);
}

int writer_list(struct writer *writer, enum source_kind kind, struct str name, struct str content_hash, int32_t *source) {
    *source = writer->place.next_source++;
    if (kind != SOURCE_FILE) writer->place.topics[kind] = 0;
    struct journal_record listed = {
        .type = JOURNAL_SOURCE,
        .body.source = {.source = *source, .kind = (int8_t)kind, .name = name, .content_hash = content_hash},
    };
    return journal_and_fold(writer, &listed, STR_NULL);
}

bool writer_is_due(const struct writer *writer) { return writer->records >= writer->options.transaction_records; }
int64_t writer_records(const struct writer *writer) { return writer->records; }
void writer_correct_clock(struct writer *writer, int64_t ahead_ms) { writer->ahead_ms = ahead_ms; }

/* What the seal says of the fold is said after the fold has seen it: its outputs are part of the transaction it ends. */
static int seal_fold(struct writer *writer, struct journal_record *record) {
    struct seal *seal = &record->body.seal;
    int code = fold_apply(writer->fold, record, STR_NULL);
    if (code == 0) code = fold_flush(writer->fold);
    if (code < 0) return from_store(writer, code);
    struct fold_status status;
    fold_status(writer->fold, &status);
    seal->next_output = status.next_output;
    seal->state_hash = status.state_hash;
    seal->state_layout = FOLD_LAYOUT;
    seal->rules_version = status.rules_version;
    seal->outputs_hash = emission_digest(&writer->emission);
    return 0;
}

static int seal_journal(struct writer *writer, struct journal_record *record) {
    int64_t positions[TOPICS];
    if (log_prepare(writer->log, positions) < 0) return -1;
    struct seal_output outputs[TOPICS];
    for (int topic = 0; topic < TOPICS; topic++)
        outputs[topic] = (struct seal_output){.topic = (int8_t)topic, .position = positions[topic]};
    record->body.seal.outputs = (struct seal_output_array){outputs, writer->log->output_places};
    uint8_t *room;
    size_t size = encode(writer, record, STR_NULL, &room);
    return size ? log_seal(writer->log, size, record->body.seal.sequence) : -1;
}

/* The state is that of the seal, and says so; whoever commits it commits that. */
static int place_state(struct writer *writer, const struct seal_source_array *sources, const struct known_source *known, size_t known_count) {
    writer->place.log = writer->log->sealed;
    place_move_topics(&writer->place, sources);
    int code = place_save(writer->store, &writer->place);
    for (size_t n = 0; code == 0 && n < known_count; n++) code = source_save(writer->store, &known[n]);
    return from_store(writer, code);
}

int writer_seal(struct writer *writer, const struct seal_source *sources, uint32_t source_count, const struct known_source *known,
                size_t known_count) {
    const struct log_place *before = &writer->log->sealed;
    uint8_t previous[SEAL_HASH_BYTES];
    memcpy(previous, before->seal_hash, sizeof previous);
    struct journal_record record = {
        .append_time = append_time(writer),
        .type = JOURNAL_SEAL,
        .offset = before->sequence + 1,
        .body.seal = {.journal_id = {before->journal_id, JOURNAL_ID_DIGITS},
                      .partition = before->partition,
                      .partitions = before->partitions,
                      .sequence = before->sequence + 1,
                      .records = writer->records,
                      .previous = {(const char *)previous, sizeof previous},
                      .sources = {sources, source_count}},
    };
    writer->sealing = true;
    if (seal_fold(writer, &record) < 0 || seal_journal(writer, &record) < 0) return -1;
    writer->unstored += writer->records + 1;
    writer->records = 0;
    if (place_state(writer, &record.body.seal.sources, known, known_count) < 0) return -1;
    writer->sealing = false;
    return 0;
}

int writer_store(struct writer *writer) {
    if (writer->records || writer->sealing || !writer->unstored) return 0;
    writer->unstored = 0;
    int code = store_commit(writer->store);
    if (code == 0) code = store_begin(writer->store);
    return from_store(writer, code);
}

struct fold *writer_fold(struct writer *writer) {
    return writer->fold;
}
int64_t writer_unstored(const struct writer *writer) { return writer->unstored; }
uint64_t writer_journalled(const struct writer *writer) { return writer->journalled; }
int64_t writer_sequence(const struct writer *writer) { return writer->log->sealed.sequence; }
