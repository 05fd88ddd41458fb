/* Taking a partition over (runtime/README.md has the table; docs/decisions/0009 the reasons). */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "clocks.h"
#include "json_log.h"
#include "kafka_crash.h"
#include "kafka_partition.h"

#define LIMIT_MS 60000

static void before_commit(void *context) {
    struct partition *partition = context;
    partition_turn_give(partition);
    partition_beat(partition, "committing", LIMIT_MS);
}

static int producer_open(struct partition *partition) {
    struct shared *shared = partition->shared;
    struct kafka_producer_options options = {
        .config = shared->config,
        .partition = partition->number,
        .form = &shared->form,
        .own = shared->own,
        .metrics = shared->metrics,
        .before_commit = before_commit,
        .context = partition,
    };
    log_close(partition->log);
    partition->log = NULL;
    metrics_add(shared->metrics, METRIC_PRODUCERS_REPLACED, partition->number, 0, 0, 1);
    partition_beat(partition, "ending what the last owner left", LIMIT_MS);
    if (kafka_producer_open(&partition->log, &options, &partition->failure) < 0) return -1;
    crash_point("init");
    partition_beat(partition, "asking for the broker's time", LIMIT_MS);
    if (kafka_producer_probe(partition->log) < 0) return -1;
    crash_point("probe");
    return 0;
}

/* Up to the journal's end, as a reader sees it that waits for nobody's transaction. */
int partition_read_to_end(struct partition *partition, bool *begun) {
    struct shared *shared = partition->shared;
    struct kafka_offset end = {shared->config->topics.names[KAFKA_TOPIC_JOURNAL], partition->number, 0}, start = end;
    partition_beat(partition, "asking where the journal ends", LIMIT_MS);
    if (kafka_ask(shared->looker, KAFKA_END, &end, 1, &partition->failure) < 0) return -1;
    if (kafka_ask(shared->looker, KAFKA_BEGINNING, &start, 1, &partition->failure) < 0) return -1;
    if (partition_state_open(partition) < 0) return -1;
    crash_point("end");
    int result = partition_catch_up(partition, start.offset, end.offset, begun);
    crash_point("read");
    return result;
}

static int journal_make(struct partition *partition) {
    uint8_t random[JOURNAL_ID_DIGITS / 2];
    char id[JOURNAL_ID_DIGITS + 1];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return fail_errno(&partition->failure, "read", "random bytes");
    for (size_t n = 0; n < sizeof random; n++) snprintf(id + 2 * n, 3, "%02x", random[n]);
    partition_place_begin(partition, id);
    return 0;
}

/* ---- where the sources stand ---- */

/* The journal's word against the group's: the same transaction wrote both, or somebody moved one. */
static int group_agrees(struct partition *partition) {
    struct kafka_offset places[KAFKA_SOURCES];
    live_places(partition->shared->config, partition->number, places);
    partition_beat(partition, "asking for the group's offsets", LIMIT_MS);
    if (kafka_committed(partition->shared->member, places, GROUP_SOURCES, &partition->failure) < 0) return -1;
    for (int n = 0; n < GROUP_SOURCES; n++) {
        int64_t sealed = partition->place.topics[n + 1];
        if (places[n].offset == RD_KAFKA_OFFSET_INVALID || places[n].offset == sealed) continue;
        if (sealed == NONE)
            return fail(&partition->failure, EXIT_FAILED,
                        "the group %s has read %s-%" PRId32 " up to offset %" PRId64 ", but there is no journal. Restore the journal, or "
                        "delete the group's offsets to begin anew.",
                        partition->shared->config->application, places[n].topic, partition->number, places[n].offset);
        return fail(&partition->failure, EXIT_FAILED,
                    "the journal's last seal says that %s-%" PRId32 " was read up to offset %" PRId64 ", the group %s says %" PRId64
                    ": a transaction was torn, or somebody moved the group. See ringback repair.",
                    places[n].topic, partition->number, sealed, partition->shared->config->application, places[n].offset);
    }
    return 0;
}

int partition_journal_gap(struct partition *partition, enum source_kind kind, int64_t from, int64_t to, const char *detail) {
    struct journal_record gap = {
        .source = (int32_t)kind,
        .offset = from,
        .type = JOURNAL_GAP,
        .body.gap = {.lost_from = from, .lost_to = to, .detail = str_of(detail)},
    };
    json_log(LEVEL_ERROR, "source_gap", LOG_NUMBER("partition", partition->number), LOG_TEXT("source", symbol_text("SourceKind", (int)kind)), LOG_NUMBER("from", from),
             LOG_NUMBER("to", to));
    tally_record(&partition->tally, &gap, kind);
    return writer_record(partition->writer, &gap, STR_NULL);
}

int partition_source_bounds(struct partition *partition, struct kafka_offset starts[KAFKA_SOURCES], struct kafka_offset ends[KAFKA_SOURCES]) {
    struct shared *shared = partition->shared;
    live_places(shared->config, partition->number, starts);
    live_places(shared->config, partition->number, ends);
    partition_beat(partition, "asking where the sources begin and end", LIMIT_MS);
    if (kafka_ask(shared->looker, KAFKA_BEGINNING, starts, KAFKA_SOURCES, &partition->failure) < 0) return -1;
    return kafka_ask(shared->looker, KAFKA_END, ends, KAFKA_SOURCES, &partition->failure);
}

/* Where to read on; what is no longer there becomes a gap. */
static int sources_place(struct partition *partition, int64_t next[KAFKA_SOURCES]) {
    struct kafka_offset starts[KAFKA_SOURCES], ends[KAFKA_SOURCES];
    if (partition_source_bounds(partition, starts, ends) < 0) return -1;
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        enum source_kind kind = (enum source_kind)(n + 1);
        int64_t sealed = partition->place.topics[kind];
        next[n] = sealed == NONE ? starts[n].offset : sealed;
        if (next[n] > ends[n].offset)
            return fail(&partition->failure, EXIT_FAILED,
                        "%s-%" PRId32 " ends at offset %" PRId64 ", but the journal has read it up to %" PRId64
                        ": the topic was cut, or made again. See ringback repair.",
                        ends[n].topic, ends[n].partition, ends[n].offset, next[n]);
        if (next[n] >= starts[n].offset) continue;
        if (partition_journal_gap(partition, kind, next[n], starts[n].offset, "deleted from the topic before it was read") < 0) return -1;
        next[n] = starts[n].offset;
    }
    return 0;
}

static int sources_list(struct partition *partition) {
    for (int kind = SOURCE_CALLS; kind <= SOURCE_NETWORK; kind++) {
        int32_t number;
        const char *topic = partition->shared->config->topics.names[kafka_topic_of_source((enum source_kind)kind)];
        if (writer_list(partition->writer, (enum source_kind)kind, str_of(topic), STR(""), &number) < 0) return -1;
    }
    return 0;
}

int partition_writer_open(struct partition *partition, bool begun) {
    struct writer_options options = {
        .transaction_records = partition->shared->config->commit.records, .append_time = NONE, .tally = &partition->tally};
    if (!begun && journal_make(partition) < 0) return -1;
    kafka_producer_at(partition->log, &partition->place.log, partition->group);
    if (writer_open(&partition->writer, partition->store, partition->log, &partition->place, &options, &partition->failure) < 0) return -1;
    partition_clock_check(partition);
    return begun ? 0 : sources_list(partition);
}

static int writing_begin(struct partition *partition, bool begun) {
    struct shared *shared = partition->shared;
    int64_t next[KAFKA_SOURCES];
    if (partition_writer_open(partition, begun) < 0 || sources_place(partition, next) < 0) return -1;
    struct live_options live = {
        .config = shared->config, .registry = shared->registry, .reader = partition->reader, .bell = &partition->bell, .partition = partition->number};
    if (live_open(&partition->live, &live, next, &partition->failure) < 0) return -1;
    /* The first seal says which sources are empty: else they would hold the time until somebody asks. */
    partition_beat(partition, "asking where the sources end", LIMIT_MS);
    return live_ask(&partition->live, shared->looker, partition_wall_ms(partition)) < 0 ? -1 : partition_seal(partition);
}

int partition_follow(struct partition *partition, bool *begun) {
    return producer_open(partition) < 0 || partition_read_to_end(partition, begun) < 0 ? -1 : 0;
}

/* What looks damaged may be another's work in progress, who was given the partition meanwhile. It is damage where we can still write: whoever
 * takes over fences us first. */
static enum partition_event damaged_or_lost(struct partition *partition) {
    struct failure found = partition->failure;
    if (found.code != EXIT_FAILED || !partition->log) return partition_failed(partition);
    partition->failure = (struct failure){0};
    if (kafka_producer_probe(partition->log) == 0) partition->failure = found;
    return partition_failed(partition);
}

enum partition_event partition_take_over(struct partition *partition) {
    enum partition_event wish = partition_wish(partition);
    bool begun = false;
    if (wish != EVENT_NOTHING) return wish;
    partition_drop(partition);
    if (partition_follow(partition, &begun) < 0) return damaged_or_lost(partition);
    wish = partition_wish(partition);
    if (wish != EVENT_NOTHING) return wish;
    if (group_agrees(partition) < 0 || writing_begin(partition, begun) < 0) return damaged_or_lost(partition);
    crash_point("taken");
    return EVENT_READY;
}
