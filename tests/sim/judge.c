#include "judge.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../../processors/fold.h"
#include "../../runtime/reader.h"

static struct journal_form form;

void judge_open(void) {
    struct failure failure = {0};
    if (journal_form_make(&form, &failure) < 0) sim_fail("%s", failure.text);
}

/* ---- the journal of a partition, as a log to read ---- */

struct seal_seen {
    int64_t at, state_hash;
    uint8_t hash[SEAL_HASH_BYTES];
};

struct output_seen {
    struct str key, bytes;
    int64_t deadline; /* of the timer that made it; NONE: a record did */
    int64_t known;    /* when the writer could know of that deadline */
};

struct outputs_seen {
    struct output_seen *items;
    size_t count, room;
};

struct trial {
    struct log journal, outputs; /* the same partition: what was written, and what the fold makes of it */
    const struct log_topic *log;
    int32_t partition;
    int64_t at; /* offset of the next record to read */
    const struct judge_limits *limits;
    struct judge_counts *counts;
    struct seal_seen *seals;
    size_t seal_count, seal_room;
    int64_t next[KAFKA_TOPICS]; /* of each source, the first offset that was not journalled */
    struct outputs_seen seen[TOPICS];
    uint8_t room[512 * 1024];
    int64_t deadline, known; /* the earliest, and since when it is */
    struct fold *fold;
    struct fold_step step;
    struct failure failure;
};

static struct trial *trial_of(struct log *log, size_t offset) { return (struct trial *)(void *)((char *)log - offset); }
static struct trial *of_journal(struct log *log) { return trial_of(log, offsetof(struct trial, journal)); }
static struct trial *of_outputs(struct log *log) { return trial_of(log, offsetof(struct trial, outputs)); }

static struct log_run run_of(const struct entry *entry) {
    struct log_run run;
    const char *wrong = journal_run(&form, entry->value, &run);
    if (wrong) sim_fail("the journal: %s", wrong);
    return run;
}

static int64_t seal_read(const struct entry *entry, struct journal_record *record, struct refusal *why) {
    static struct scratch scratch;
    struct log_run run = run_of(entry);
    struct str event;
    return codec_read_journal(run.plan, (const uint8_t *)run.bytes.ptr, run.bytes.len, record, &event, &scratch, why);
}

static int journal_read(struct log *log, struct log_run *run) {
    struct trial *trial = of_journal(log);
    while (trial->at < trial->log->high && trial->log->entries[trial->at].fate != FATE_COMMITTED) trial->at++;
    if (trial->at >= trial->log->high) return 0;
    *run = run_of(&trial->log->entries[trial->at]);
    run->at = trial->at++;
    run->end = trial->at;
    return 1;
}

static uint8_t *outputs_room(struct log *log, int stream, size_t size, size_t *capacity) {
    struct trial *trial = of_outputs(log);
    (void)stream;
    if (size > sizeof trial->room) sim_fail("an output of %zu bytes", size);
    *capacity = sizeof trial->room;
    return trial->room;
}

static struct str copy(const void *bytes, size_t size) {
    char *copied = malloc(size + 1);
    memcpy(copied, bytes, size);
    return (struct str){copied, (uint32_t)size};
}

static int outputs_append(struct log *log, int stream, struct str key, size_t size) {
    struct trial *trial = of_outputs(log);
    struct outputs_seen *seen = &trial->seen[stream];
    if (seen->count == seen->room) seen->items = realloc(seen->items, (seen->room = seen->room ? 2 * seen->room : 64) * sizeof *seen->items);
    struct output_seen *output = &seen->items[seen->count++];
    *output = (struct output_seen){.key = copy(key.ptr, key.len), .bytes = copy(trial->room, size), .deadline = NONE, .known = trial->known};
    if (trial->step.timer) output->deadline = trial->step.at;
    trial->counts->timers += trial->step.timer != NULL;
    trial->counts->outputs++;
    return 0;
}

static int outputs_prepare(struct log *log, int64_t outputs[TOPICS]) {
    (void)log;
    memset(outputs, 0, TOPICS * sizeof *outputs);
    return 0;
}

static const struct log_operations journal_operations = {.read = journal_read};
static const struct log_operations outputs_operations = {.room = outputs_room, .append = outputs_append, .prepare = outputs_prepare};

/* ---- every source record once ---- */

/* From `from` on all records are ones that no reader sees, up to the one at `to`. */
static void check_passed(const struct trial *trial, const struct log_topic *source, int64_t from, int64_t to) {
    for (int64_t n = from; n < to; n++)
        if (source->entries[n].fate == FATE_COMMITTED)
            sim_fail("partition %" PRId32 ": %s-%d, offset %" PRId64 " is not journalled", trial->partition, source->name, source->partition, n);
}

static const struct log_topic *source_of(const struct trial *trial, enum source_kind kind) {
    return broker_log_of(kafka_topic_of_source(kind), kind == SOURCE_NETWORK ? 0 : trial->partition);
}

static void check_source(struct trial *trial, const struct journal_record *record) {
    if (record->type != JOURNAL_EVENT && record->type != JOURNAL_BAD && record->type != JOURNAL_GAP) return;
    enum source_kind kind = (enum source_kind)record->source;
    const struct log_topic *source = source_of(trial, kind);
    int64_t *next = &trial->next[kind];
    if (record->offset < *next)
        sim_fail("partition %" PRId32 ": %s-%d, offset %" PRId64 " is journalled twice, or out of order, at %" PRId64, trial->partition,
                 source->name, source->partition, record->offset, trial->at - 1);
    if (record->type == JOURNAL_GAP) {
        if (record->body.gap.lost_to > source->begin)
            sim_fail("%s: a gap up to %" PRId64 " that is there", source->name, record->body.gap.lost_to);
        *next = record->body.gap.lost_to;
        return;
    }
    check_passed(trial, source, *next, record->offset);
    if (record->offset >= source->high || source->entries[record->offset].fate != FATE_COMMITTED)
        sim_fail("%s-%d, offset %" PRId64 " is journalled, but nobody may see it", source->name, source->partition, record->offset);
    *next = record->offset + 1;
    trial->counts->records++;
}

/* ---- seals ---- */

/* Up to where a seal says that a source was read, all that anybody may ever see is journalled before it. */
static void check_stands(struct trial *trial, const struct seal_source *stands) {
    enum source_kind kind = (enum source_kind)stands->source;
    const struct log_topic *source = source_of(trial, kind);
    if (stands->next_offset < trial->next[kind])
        sim_fail("partition %" PRId32 ": a seal says that %s-%d was read up to %" PRId64 ", but %" PRId64 " is journalled before it", trial->partition,
                 source->name, source->partition, stands->next_offset, trial->next[kind] - 1);
    check_passed(trial, source, trial->next[kind], stands->next_offset);
    trial->next[kind] = stands->next_offset;
}

/* "At its end as of T": nothing that came before is still to come. */
static void check_end(const struct trial *trial, const struct seal_source *end, const struct entry *seal) {
    const struct log_topic *source = source_of(trial, (enum source_kind)end->source);
    if (end->end_as_of == NONE) return;
    int64_t as_of = (end->end_as_of - SIM_EPOCH_MS - trial->limits->early_ms) * 1000;
    if (as_of > seal->at)
        sim_fail("partition %" PRId32 ": a seal at %.3f s says what will be at %.3f s", trial->partition, (double)seal->at / SIM_SECOND, (double)as_of / SIM_SECOND);
    for (int64_t n = end->next_offset; n < source->high; n++)
        if (source->entries[n].fate == FATE_COMMITTED && source->entries[n].at < as_of)
            sim_fail("partition %" PRId32 ": a seal says that %s-%d ended at %" PRId64 " as of %.3f s, but offset %" PRId64 " came at %.3f s",
                     trial->partition, source->name, source->partition, end->next_offset, (double)as_of / SIM_SECOND, n,
                     (double)source->entries[n].at / SIM_SECOND);
}

static void seal_note(struct trial *trial, const struct reader_at *at) {
    const struct seal *seal = &at->record->body.seal;
    if (trial->seal_count == trial->seal_room)
        trial->seals = realloc(trial->seals, (trial->seal_room = trial->seal_room ? 2 * trial->seal_room : 64) * sizeof *trial->seals);
    struct seal_seen *seen = &trial->seals[trial->seal_count++];
    *seen = (struct seal_seen){.at = at->place->log.seal_at, .state_hash = seal->state_hash};
    memcpy(seen->hash, at->place->log.seal_hash, sizeof seen->hash);
    trial->counts->seals++;
}

/* ---- hooks of the reader ---- */

static int before(void *context, const struct reader_at *at) {
    struct trial *trial = context;
    trial->fold = at->fold;
    check_source(trial, at->record);
    return 0;
}

static int output(void *context, const struct output *made) {
    struct trial *trial = context;
    (void)made;
    fold_step(trial->fold, &trial->step);
    return 0;
}

static int after(void *context, const struct reader_at *at) {
    struct trial *trial = context;
    struct fold_status status;
    fold_status(at->fold, &status);
    if (status.next_deadline == trial->deadline) return 0;
    trial->deadline = status.next_deadline;
    trial->known = trial->log->entries[at->block_at].at;
    return 0;
}

static int sealed(void *context, const struct reader_at *at) {
    struct trial *trial = context;
    const struct seal *seal = &at->record->body.seal;
    for (uint32_t n = 0; n < seal->sources.count; n++) {
        check_stands(trial, &seal->sources.items[n]);
        check_end(trial, &seal->sources.items[n], &trial->log->entries[at->block_at]);
    }
    seal_note(trial, at);
    return 0;
}

/* ---- outputs ---- */

static void check_time(const struct trial *trial, const struct output_seen *seen, const struct entry *entry, int64_t lateness_ms) {
    if (seen->deadline == NONE) return;
    int64_t due = (seen->deadline + lateness_ms - SIM_EPOCH_MS) * 1000, early = trial->limits->early_ms * 1000;
    if (entry->at < due - early)
        sim_fail("partition %" PRId32 ": what was due at %.3f s came at %.3f s", trial->partition,
                 (double)due / SIM_SECOND, (double)entry->at / SIM_SECOND);
    if (trial->limits->late_ms < 0) return;
    int64_t from = due > seen->known ? due : seen->known;
    if (entry->decided > from + trial->limits->late_ms * 1000)
        sim_fail("partition %" PRId32 ": what was due at %.3f s, and known of at %.3f s, came at %.3f s", trial->partition,
                 (double)due / SIM_SECOND, (double)seen->known / SIM_SECOND, (double)entry->decided / SIM_SECOND);
}

static bool is_same(const struct output_seen *seen, const struct entry *entry) {
    bool is_tombstone = seen->bytes.ptr[0] != 0;
    if (!str_equal(seen->key, entry->key)) return false;
    if (is_tombstone) return str_is_null(entry->value);
    return entry->value.len == FRAMING_BYTES_MAX + seen->bytes.len - 1 &&
           memcmp(entry->value.ptr + FRAMING_BYTES_MAX, seen->bytes.ptr + 1, seen->bytes.len - 1) == 0;
}

/* What is there is what the fold makes of the journal: the same records, in the same order, no more and no fewer. */
static void check_outputs(const struct trial *trial, int topic, int64_t lateness_ms) {
    const struct log_topic *log = broker_log_of(topic, trial->partition);
    const struct outputs_seen *seen = &trial->seen[topic];
    size_t found = 0;
    for (int64_t n = 0; n < log->high; n++) {
        const struct entry *entry = &log->entries[n];
        if (entry->fate == FATE_OPEN) sim_fail("%s-%d, offset %" PRId64 " is still undecided", log->name, log->partition, n);
        if (entry->fate != FATE_COMMITTED) continue;
        if (found == seen->count) sim_fail("%s-%d, offset %" PRId64 " is not what the journal says", log->name, log->partition, n);
        if (!is_same(&seen->items[found], entry))
            sim_fail("%s-%d, offset %" PRId64 " is another than output %zu of the journal", log->name, log->partition, n, found);
        check_time(trial, &seen->items[found++], entry, lateness_ms);
    }
    if (found < seen->count) sim_fail("%s-%d has %zu outputs, the journal %zu", log->name, log->partition, found, seen->count);
}

static void check_balance(const struct trial *trial, struct store *store) {
    static struct fold *fold;
    struct fold_counts counts;
    uint64_t sum = 0;
    if (store_begin(store) != 0 || fold_open(&fold, store, STR("00000000000000000000000000000000"), trial->partition, NULL, NULL) != 0 ||
        fold_counts(fold, STR("*"), &counts) != 0)
        sim_fail("the counts cannot be read");
    for (int type = 0; type < CALL_TYPES; type++) sum += counts.types[type];
    if (counts.started != sum + counts.in_progress)
        sim_fail("%" PRIu64 " calls started, %" PRIu64 " are counted", counts.started, sum + counts.in_progress);
    fold_close(fold);
    store_abort(store);
}

/* ---- replicas: what was committed anywhere is what the journal says ---- */

static void check_commits(const struct trial *trial) {
    for (size_t n = 0; n < disk_commit_count; n++) {
        const struct disk_commit *commit = &disk_commits[n];
        if (commit->partition != trial->partition || commit->sequence < 0) continue;
        trial->counts->commits++;
        const struct seal_seen *seal = commit->sequence < (int64_t)trial->seal_count ? &trial->seals[commit->sequence] : NULL;
        if (!seal || seal->at != commit->seal_at || memcmp(seal->hash, commit->seal_hash, SEAL_HASH_BYTES) != 0)
            sim_fail("instance %d, partition %d: its state stood at %.3f s behind seal %" PRId64 " at %" PRId64 ", which is not in the journal",
                     commit->instance, commit->partition, (double)commit->at / SIM_SECOND, commit->sequence, commit->seal_at);
        if (seal->state_hash != commit->state_hash)
            sim_fail("instance %d, partition %d: its state is another than the writer's at seal %" PRId64, commit->instance,
                     commit->partition, commit->sequence);
    }
}

/* The same transactions moved the group: where it stands is where the last seal says. */
static void check_group(const struct trial *trial, const struct place *place) {
    struct group_offsets group = {.partition = trial->partition};
    rd_kafka_resp_err_t code = broker_committed(&group);
    if (code) sim_fail("partition %" PRId32 ": the group's offsets are not decided", trial->partition);
    for (int n = 0; n < GROUP_SOURCES; n++)
        if (group.offsets[n] != place->topics[n + 1])
            sim_fail("partition %" PRId32 ": the group has read source %d up to %" PRId64 ", the last seal says %" PRId64, trial->partition, n + 1,
                     group.offsets[n], place->topics[n + 1]);
}

/* ---- the whole ---- */

static bool first_journal_id(const struct log_topic *log, char id[JOURNAL_ID_DIGITS + 1]) {
    for (int64_t n = 0; n < log->high; n++) {
        const struct entry *entry = &log->entries[n];
        if (entry->fate != FATE_COMMITTED || entry->key.ptr) continue;
        struct journal_record record;
        struct refusal why;
        if (seal_read(entry, &record, &why) < 0)
            sim_fail("%s-%d, offset %" PRId64 ": %s", log->name, log->partition, n, why.detail);
        memcpy(id, record.body.seal.journal_id.ptr, JOURNAL_ID_DIGITS);
        id[JOURNAL_ID_DIGITS] = 0;
        return true;
    }
    return false;
}

static void judge_partition(struct trial *trial, int32_t partitions) {
    char id[JOURNAL_ID_DIGITS + 1];
    struct store *store;
    struct fold_status status;
    if (!first_journal_id(trial->log, id)) sim_fail("partition %" PRId32 " has no journal", trial->partition);
    struct place place = place_at_beginning(id);
    place.log.partition = trial->partition;
    place.log.partitions = partitions;
    trial->journal = (struct log){.operations = &journal_operations, .failure = &trial->failure, .sealed = place.log,
                                  .name = trial->log->name};
    trial->outputs = (struct log){.operations = &outputs_operations, .failure = &trial->failure};
    struct reader_query query = {.until = NONE, .before = before, .after = after, .output = output, .sealed = sealed, .context = trial};
    struct reader_options options = {.query = &query, .outputs = &trial->outputs};
    struct reader_counts read;
    store_open_memory(&store);
    if (reader_run(store, &trial->journal, &place, &options, &read, &trial->failure) < 0) sim_fail("%s", trial->failure.text);
    if (read.uncompared) sim_fail("partition %" PRId32 ": the state's hash of %" PRIu64 " seals is not compared", trial->partition, read.uncompared);
    if (place.beyond) sim_fail("partition %" PRId32 ": %" PRId64 " records are committed without a seal", trial->partition, place.beyond);
    if (store_begin(store) != 0 || fold_view_status(store, &status) != 0) sim_fail("the status cannot be read");
    store_abort(store);
    for (int kind = SOURCE_CALLS; kind <= SOURCE_NETWORK; kind++) {
        const struct log_topic *source = source_of(trial, (enum source_kind)kind);
        check_passed(trial, source, trial->next[kind], source->high);
    }
    for (int topic = 0; topic < TOPICS; topic++) check_outputs(trial, topic, status.allowed_lateness_ms);
    check_group(trial, &place);
    check_balance(trial, store);
    check_commits(trial);
    store_close(store);
}

void judge_run(const struct config *config, const struct judge_limits *limits, struct judge_counts *counts) {
    for (int32_t partition = 0; partition < config->partitions; partition++) {
        struct trial *trial = calloc(1, sizeof *trial);
        trial->log = broker_log_of(KAFKA_TOPIC_JOURNAL, partition);
        trial->partition = partition;
        trial->limits = limits;
        trial->counts = counts;
        trial->deadline = NONE;
        judge_partition(trial, (int32_t)config->partitions);
        free(trial);
    }
}

/* The last seal that everybody may see says where the sources stand. */
static const struct entry *last_seal(const struct log_topic *log) {
    for (int64_t n = broker_stable_end(log); n-- > 0;)
        if (log->entries[n].fate == FATE_COMMITTED && !log->entries[n].key.ptr) return &log->entries[n];
    return NULL;
}

static bool has_caught_up(int32_t partition) {
    const struct log_topic *log = broker_log_of(KAFKA_TOPIC_JOURNAL, partition);
    const struct entry *entry = last_seal(log);
    struct journal_record record;
    struct refusal why;
    if (!entry || broker_stable_end(log) < log->end) return false;
    if (seal_read(entry, &record, &why) < 0) return false;
    for (uint32_t n = 0; n < record.body.seal.sources.count; n++) {
        const struct seal_source *stands = &record.body.seal.sources.items[n];
        enum source_kind kind = (enum source_kind)stands->source;
        const struct log_topic *source = broker_log_of(kafka_topic_of_source(kind), kind == SOURCE_NETWORK ? 0 : partition);
        for (int64_t at = stands->next_offset; at < source->end; at++)
            if (source->entries[at].fate == FATE_COMMITTED || source->entries[at].fate == FATE_OPEN) return false;
    }
    return true;
}

/* A transaction of whoever was killed leaves them open until it is ended: by the next writer, or in its time. */
static bool group_is_decided(int32_t partition) { return broker_committed(&(struct group_offsets){.partition = partition}) == 0; }

bool judge_caught_up(int32_t partitions) {
    for (int32_t partition = 0; partition < partitions; partition++)
        if (!has_caught_up(partition) || !group_is_decided(partition)) return false;
    return true;
}
