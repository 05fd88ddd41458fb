/* A partition that is ours: merge, check, journal, fold, emit, and commit all of it at once (docs/decisions/0009). */
#include <inttypes.h>
#include <stdio.h>

#include "clocks.h"
#include "json_log.h"
#include "kafka_crash.h"
#include "kafka_partition.h"

#define SKEW_MOST_MS 2000
#define TRANSACTION_MOST_MS 1000
#define STORE_EVERY_MS 1000 /* so far may the state on disk be behind the journal, */
#define STORE_RECORDS 10000 /* or so far: pages that were changed are held in memory until it is committed */
#define LOOK_EVERY_MS 50   /* at the deadlines */
#define ASK_EVERY_MS 200   /* for the ends of the sources */
#define GAUGES_EVERY_MS 2000
#define IDLE_MS 100
#define SCHEMA_MS 20
#define UNEXPLAINED_MOST_MS 3000 /* then it is said that a schema is waited for */
#define CLOCK_RECORDS 16 /* between looks at the clock */
#define LIMIT_MS 60000

void partition_turn_take(struct partition *partition) {
    if (!partition->has_turn) turn_take(&partition->shared->turns);
    partition->has_turn = true;
}

void partition_turn_give(struct partition *partition) {
    if (partition->has_turn) turn_give(&partition->shared->turns);
    partition->has_turn = false;
}

static int64_t skew_ms(const struct partition *partition) { return kafka_producer_skew_ms(partition->log); }

static bool clock_is_off(const struct partition *partition) {
    int64_t skew = skew_ms(partition);
    return skew > SKEW_MOST_MS || skew < -SKEW_MOST_MS;
}

void partition_clock_check(struct partition *partition) {
    bool off = clock_is_off(partition);
    metrics_set(partition->shared->metrics, METRIC_CLOCK_SKEW, METRICS_OF_PROCESS, 0, 0, skew_ms(partition));
    partition->live.ahead_ms = off ? skew_ms(partition) : 0;
    writer_correct_clock(partition->writer, partition->live.ahead_ms);
    health_set(partition->shared->health, HEALTH_CLOCK, off ? "this machine's clock is more than 2 s off the broker's" : NULL);
}

static void account(struct partition *partition, int64_t began_us) {
    struct metrics *metrics = partition->shared->metrics;
    int32_t number = partition->number;
    struct fold_status status;
    fold_status(writer_fold(partition->writer), &status);
    tally_commit(&partition->tally, status.duplicates, metrics, number);
    metrics_add(metrics, METRIC_TRANSACTIONS, number, TRANSACTION_COMMITTED, 0, 1);
    metrics_observe(metrics, METRIC_COMMIT, number, monotonic_us() - began_us);
    if (partition->folded_us) metrics_observe(metrics, METRIC_FOLD, number, partition->folded_us);
    if (partition->oldest != NONE) metrics_observe(metrics, METRIC_END_TO_END, number, 1000 * (wall_ms() - partition->oldest));
    metrics_set(metrics, METRIC_SEAL, number, 0, 0, partition->log->sealed.sequence);
}

/* Between transactions: the state is that of a seal then. */
static bool state_is_due(const struct partition *partition, int64_t now_ms) {
    int64_t unstored = writer_unstored(partition->writer);
    if (!unstored || writer_records(partition->writer)) return false;
    return unstored >= STORE_RECORDS || now_ms - partition->stored_ms >= STORE_EVERY_MS;
}

/* Who is stopped before reads the journal from the last seal that the state has. */
static int state_store(struct partition *partition) {
    partition->stored_ms = monotonic_ms();
    partition_beat(partition, "committing the state", LIMIT_MS);
    int result = writer_store(partition->writer);
    crash_point("stored");
    return result;
}

int partition_seal(struct partition *partition) {
    struct seal_source sources[KAFKA_SOURCES];
    int64_t offsets[GROUP_SOURCES], began_us = monotonic_us();
    live_seal(&partition->live, !clock_is_off(partition), sources);
    for (int n = 0; n < GROUP_SOURCES; n++) offsets[n] = sources[n].next_offset;
    kafka_producer_offsets(partition->log, offsets);
    partition_beat(partition, "sealing", LIMIT_MS);
    int result = writer_seal(partition->writer, sources, KAFKA_SOURCES, NULL, 0);
    partition_turn_give(partition);
    if (result < 0) return -1;
    crash_point("sealed");
    partition->place.log = partition->log->sealed;
    account(partition, began_us);
    partition_clock_check(partition);
    partition->begun_ms = partition->folded_us = 0;
    partition->oldest = NONE;
    partition->sealed_ms = monotonic_ms();
    partition->looked_ms = 0;
    return 0;
}

/* ---- time ---- */

/* What is due is due by the broker's time. */
int64_t partition_wall_ms(const struct partition *partition) { return wall_ms() - (clock_is_off(partition) ? skew_ms(partition) : 0); }

static bool seal_is_regular(const struct partition *partition, int64_t now_ms) {
    return now_ms - partition->sealed_ms >= partition->shared->config->seal_every_ms;
}

/* Whether something waits for time alone: a deadline that has come, or the regular seal. */
static bool time_is_wanted(struct partition *partition, int64_t now_ms) {
    if (seal_is_regular(partition, now_ms)) return true;
    if (now_ms - partition->looked_ms >= LOOK_EVERY_MS) {
        struct fold_status status;
        fold_status(writer_fold(partition->writer), &status);
        bool later = status.next_deadline == NONE || (status.stream_time != NONE && status.stream_time >= status.next_deadline);
        partition->due_at_wall_ms = status.judges_again ? partition_wall_ms(partition)
                                    : later             ? NONE
                                                        : status.next_deadline + status.allowed_lateness_ms;
        partition->looked_ms = now_ms;
    }
    return partition->due_at_wall_ms != NONE && partition_wall_ms(partition) >= partition->due_at_wall_ms;
}

/* Asks for the ends, and seals where that is all there is to tell. -1: failed. */
static int tell_time(struct partition *partition, int64_t now_ms) {
    if (now_ms - partition->asked_ms < ASK_EVERY_MS) return 0;
    bool wanted = !clock_is_off(partition) && time_is_wanted(partition, now_ms);
    int64_t wall = partition_wall_ms(partition);
    if (!wanted && !live_is_stale(&partition->live, wall)) return 0;
    partition->asked_ms = now_ms;
    partition_beat(partition, "asking where the sources end", LIMIT_MS);
    if (live_ask(&partition->live, partition->shared->looker, wall) < 0) return -1;
    int64_t ended = live_ended_as_of(&partition->live);
    if (!wanted || ended == NONE || writer_records(partition->writer)) return 0;
    /* Rekey may tell of a time before the deadline: that would be a seal for nothing, again and again. */
    return ended >= partition->due_at_wall_ms || seal_is_regular(partition, now_ms) ? partition_seal(partition) : 0;
}

/* ---- records ---- */

static int take(struct partition *partition, struct live_source *source) {
    struct journal_record *record = &source->input.record;
    rd_kafka_timestamp_type_t type;
    int64_t appended = rd_kafka_message_timestamp(source->message, &type);
    if (appended >= 0 && (partition->oldest == NONE || appended < partition->oldest)) partition->oldest = appended;
    tally_record(&partition->tally, record, source->kind);
    if (writer_record(partition->writer, record, source->input.event_bytes) < 0) return -1;
    live_took(source);
    return 0;
}

/* Takes what is there, for a while. The number of records; -1. */
static int64_t take_some(struct partition *partition) {
    int64_t taken = 0, began_us = 0;
    int found = 1;
    while (taken < CLOCK_RECORDS && !writer_is_due(partition->writer)) {
        struct live_source *source;
        found = live_next(&partition->live, &source);
        if (found <= 0) break;
        if (!began_us) {
            partition_turn_take(partition);
            began_us = monotonic_us();
        }
        if (take(partition, source) < 0) return -1;
        taken++;
    }
    if (began_us) partition->folded_us += monotonic_us() - began_us;
    return found < 0 ? -1 : taken;
}

/* Live: some ms after the first record. Behind: while more waits than the transaction holds. */
static bool seal_is_due(const struct partition *partition, int64_t now_ms) {
    if (!partition->begun_ms) return false;
    if (writer_is_due(partition->writer)) return true;
    int64_t age_ms = now_ms - partition->begun_ms;
    if (age_ms < kafka_open_ms(partition->shared->config)) return false;
    return age_ms >= TRANSACTION_MOST_MS || live_lag(&partition->live) < writer_records(partition->writer);
}

static void show_gauges(struct partition *partition, int64_t now_ms) {
    struct metrics *metrics = partition->shared->metrics;
    struct fold_counts counts;
    struct fold_status status;
    if (now_ms - partition->gauged_ms < GAUGES_EVERY_MS) return;
    partition->gauged_ms = now_ms;
    if (fold_counts(writer_fold(partition->writer), STR("*"), &counts) == 0) tally_gauges(&counts, metrics, partition->number);
    fold_status(writer_fold(partition->writer), &status);
    if (status.stream_time != NONE) metrics_set(metrics, METRIC_CLOCK_LAG, partition->number, 0, 0, partition_wall_ms(partition) - status.stream_time);
    metrics_set(metrics, METRIC_RULES_VERSION, partition->number, 0, 0, status.rules_version);
    struct store_stats stats;
    if (store_stats(partition->store, &stats) == 0) {
        metrics_set(metrics, METRIC_STATE_USED, partition->number, 0, 0, (int64_t)stats.bytes_used);
        metrics_set(metrics, METRIC_STATE_MAP, partition->number, 0, 0, (int64_t)stats.bytes_mapped);
    }
    for (int n = 0; n < KAFKA_SOURCES; n++)
        metrics_set(metrics, METRIC_SOURCE_LAG, partition->number, n + 1, 0, tail_lag(&partition->live.sources[n].tail));
}

/* A record whose schema nobody explains holds up all that comes behind it. */
static void follow_schemas(struct partition *partition, bool waits, int64_t now_ms) {
    struct health *health = partition->shared->health;
    if (!waits && partition->unexplained_ms) health_partition(health, partition->number, NULL);
    if (!waits || !partition->unexplained_ms) partition->unexplained_ms = waits ? now_ms : 0;
    if (waits && now_ms - partition->unexplained_ms >= UNEXPLAINED_MOST_MS)
        health_partition(health, partition->number, "a record waits for its schema, which the registry has not explained yet");
}

/* Until something can have changed. */
static void wait(struct partition *partition, int64_t now_ms) {
    partition_turn_give(partition);
    int64_t wait_ms = live_waits_for_schema(&partition->live) ? SCHEMA_MS : IDLE_MS;
    if (partition->begun_ms) {
        int64_t left_ms = partition->begun_ms + kafka_open_ms(partition->shared->config) - now_ms;
        wait_ms = left_ms < 1 ? 1 : left_ms < wait_ms ? left_ms : wait_ms;
    }
    bell_wait(&partition->bell, wait_ms);
}

/* What is open is sealed before it is given up, unless it is another's already; who goes on with this state has nothing to read. */
static enum partition_event leave(struct partition *partition, enum partition_event wish) {
    bool lost;
    pthread_mutex_lock(&partition->lock);
    lost = partition->lost_assignment;
    pthread_mutex_unlock(&partition->lock);
    if (!lost && writer_records(partition->writer) && partition_seal(partition) < 0)
        partition_log(partition, LEVEL_WARNING, "dropped_on_leaving", partition->failure.text);
    else if (!lost && state_store(partition) < 0)
        partition_log(partition, LEVEL_WARNING, "not_stored_on_leaving", partition->failure.text);
    partition_turn_give(partition);
    return wish;
}

enum partition_event partition_write(struct partition *partition) {
    partition->failed_times = 0;
    partition->unexplained_ms = 0;
    for (;;) {
        int64_t now_ms = monotonic_ms();
        partition_beat(partition, "folding", LIMIT_MS);
        enum partition_event wish = partition_wish(partition);
        if (wish != EVENT_NOTHING) return leave(partition, wish);
        if (kafka_producer_is_doubtful(partition->log)) return leave(partition, EVENT_RENEW); /* before another transaction is begun */
        int64_t taken = take_some(partition);
        if (taken > 0 && !partition->begun_ms) partition->begun_ms = now_ms;
        if (taken < 0 || tell_time(partition, now_ms) < 0 || (seal_is_due(partition, now_ms) && partition_seal(partition) < 0)) break;
        if (state_is_due(partition, now_ms) && state_store(partition) < 0) break;
        show_gauges(partition, now_ms);
        follow_schemas(partition, taken == 0 && live_waits_for_schema(&partition->live), now_ms);
        if (taken == 0) wait(partition, now_ms);
    }
    partition_turn_give(partition);
    return partition_failed(partition);
}
