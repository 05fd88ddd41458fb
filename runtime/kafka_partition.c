#include "kafka_partition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "json_log.h"

#define WAIT_FIRST_MS 100
#define WAIT_MOST_MS 10000

void partition_beat(struct partition *partition, const char *doing, int64_t limit_ms) {
    health_beat(partition->shared->health, partition->number + 1, doing, limit_ms);
}

void partition_log(struct partition *partition, enum level level, const char *event, const char *text) {
    json_log(level, event, LOG_NUMBER("partition", partition->number), LOG_TEXT("text", text));
}

/* ---- between the worker's thread and ours ---- */

static void want(struct partition *partition) {
    atomic_store(&partition->wanted, true);
    bell_ring(&partition->bell);
}

void partition_give(struct partition *partition, rd_kafka_consumer_group_metadata_t *group) {
    pthread_mutex_lock(&partition->lock);
    if (partition->offered) rd_kafka_consumer_group_metadata_destroy(partition->offered);
    partition->offered = group;
    partition->ours = true;
    partition->lost_assignment = false;
    want(partition);
    pthread_mutex_unlock(&partition->lock);
}

void partition_take(struct partition *partition, bool lost) {
    pthread_mutex_lock(&partition->lock);
    partition->ours = false;
    partition->lost_assignment = lost;
    want(partition);
    pthread_mutex_unlock(&partition->lock);
}

void partition_stop(struct partition *partition) {
    pthread_mutex_lock(&partition->lock);
    partition->stop = true;
    want(partition);
    pthread_mutex_unlock(&partition->lock);
}

bool partition_released(struct partition *partition, int64_t timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&partition->lock);
    while (partition->holding && pthread_cond_timedwait(&partition->changed, &partition->lock, &until) == 0) continue;
    bool released = !partition->holding;
    pthread_mutex_unlock(&partition->lock);
    return released;
}

static void hold(struct partition *partition, bool holding) {
    pthread_mutex_lock(&partition->lock);
    partition->holding = holding;
    pthread_cond_broadcast(&partition->changed);
    pthread_mutex_unlock(&partition->lock);
}

enum partition_event partition_wish(struct partition *partition) {
    if (!atomic_load_explicit(&partition->wanted, memory_order_acquire)) return EVENT_NOTHING;
    pthread_mutex_lock(&partition->lock);
    atomic_store(&partition->wanted, false);
    enum partition_state state = partition->state;
    enum partition_event event = EVENT_NOTHING;
    bool has = state == PARTITION_TAKING || state == PARTITION_WRITING || state == PARTITION_LOST;
    if (partition->stop)
        event = EVENT_STOPPED;
    else if (has && (!partition->ours || partition->offered))
        event = EVENT_TAKEN;
    else if (state == PARTITION_READING && partition->ours && partition->offered)
        event = EVENT_GIVEN;
    if (event == EVENT_GIVEN) {
        partition->group = partition->offered;
        partition->offered = NULL;
        partition->holding = true;
    }
    pthread_mutex_unlock(&partition->lock);
    return event;
}

/* ---- on the partition's thread ---- */

enum partition_event partition_failed(struct partition *partition) {
    if (partition->log && kafka_producer_is_lost(partition->log)) return EVENT_FENCED;
    if (partition->failure.of_disk) {
        disk_refused(&partition->shared->disk);
        return EVENT_FAILED;
    }
    return partition->failure.code == EXIT_FAILED ? EVENT_DAMAGED : EVENT_FAILED;
}

void partition_drop(struct partition *partition) {
    writer_close(partition->writer);
    log_close(partition->log);
    log_close(partition->journal);
    live_close(&partition->live);
    store_close(partition->store);
    partition->writer = NULL;
    partition->log = partition->journal = NULL;
    partition->store = NULL;
    partition->tally = (struct tally){0};
    partition->begun_ms = partition->folded_us = partition->asked_ms = partition->looked_ms = 0;
    partition->oldest = NONE;
}

/* Waits longer each time that nothing came of it. */
static enum partition_event wait_a_while(struct partition *partition) {
    partition_beat(partition, "waiting to try again", 5000);
    if (monotonic_ms() >= partition->waits_until && !disk_is_refused(&partition->shared->disk)) return EVENT_WAITED;
    enum partition_event wish = partition_wish(partition);
    if (wish == EVENT_NOTHING) bell_wait(&partition->bell, 100);
    return wish == EVENT_STOPPED ? EVENT_STOPPED : EVENT_NOTHING;
}

static enum partition_event rest(struct partition *partition) {
    partition_beat(partition, "waiting for an assignment", 5000);
    enum partition_event wish = partition_wish(partition);
    if (wish == EVENT_NOTHING) bell_wait(&partition->bell, 1000);
    return wish;
}

static const char *unready(const struct partition *partition) {
    switch (partition->state) {
    case PARTITION_TAKING: return "taking over";
    case PARTITION_WAITING:
    case PARTITION_LOST:
    case PARTITION_QUARANTINED: return *partition->failure.text ? partition->failure.text : "fenced";
    default: return NULL;
    }
}

void partition_show_role(struct partition *partition) {
    static const enum partition_role roles[] = {
        [PARTITION_READING] = ROLE_STANDBY,     [PARTITION_TAKING] = ROLE_TAKING_OVER,         [PARTITION_WRITING] = ROLE_WRITER,
        [PARTITION_WAITING] = ROLE_TAKING_OVER, [PARTITION_LOST] = ROLE_STANDBY, [PARTITION_QUARANTINED] = ROLE_QUARANTINED,
        [PARTITION_ENDED] = ROLE_STANDBY,
    };
    metrics_role(partition->shared->metrics, partition->number, roles[partition->state]);
    if (partition->state == PARTITION_WRITING) metrics_set(partition->shared->metrics, METRIC_STANDBY_LAG, partition->number, 0, 0, 0);
    health_partition(partition->shared->health, partition->number, unready(partition));
}

static bool is_of_the_writer(enum partition_state state) { return state == PARTITION_TAKING || state == PARTITION_WRITING; }

static void enter(struct partition *partition, enum partition_state state) {
    if (is_of_the_writer(partition->state) && !is_of_the_writer(state)) metrics_leave(partition->shared->metrics, partition->number);
    partition->state = state;
    atomic_store(&partition->fenced, state == PARTITION_LOST);
    atomic_store(&partition->wanted, true); /* what was wanted of us may now be possible */
    partition_show_role(partition);
    if (is_of_the_writer(state)) return;
    partition_drop(partition);
    if (state != PARTITION_WAITING && partition->group) {
        rd_kafka_consumer_group_metadata_destroy(partition->group);
        partition->group = NULL;
    }
    hold(partition, false);
}

/* An assignment that still holds is tried again. */
static void offer_again(struct partition *partition) {
    pthread_mutex_lock(&partition->lock);
    if (partition->ours && !partition->offered) {
        partition->offered = partition->group;
        partition->group = NULL;
    }
    pthread_mutex_unlock(&partition->lock);
    if (partition->group) rd_kafka_consumer_group_metadata_destroy(partition->group);
    partition->group = NULL;
}

static void happened(struct partition *partition, enum partition_event event) {
    enum partition_state from = partition->state, to = partition_next(from, event);
    bool failed = event == EVENT_FAILED || event == EVENT_FENCED || event == EVENT_DAMAGED;
    if (to == PARTITION_WAITING) {
        int64_t wait_ms = WAIT_FIRST_MS << (partition->failed_times < 7 ? partition->failed_times : 7);
        partition->failed_times++;
        partition->waits_until = monotonic_ms() + (wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS);
    }
    if (event == EVENT_WAITED) offer_again(partition);
    if (failed) metrics_add(partition->shared->metrics, METRIC_TRANSACTIONS, partition->number, TRANSACTION_ABORTED, 0, 1);
    json_log(to == PARTITION_QUARANTINED ? LEVEL_ERROR : failed ? LEVEL_WARNING : LEVEL_INFO, "partition_state",
             LOG_NUMBER("partition", partition->number), LOG_TEXT("from", partition_state_text(from)), LOG_TEXT("to", partition_state_text(to)),
             LOG_TEXT("because", partition_event_text(event)), LOG_NUMBER("seal", partition->place.log.sequence),
             LOG_TEXT("error", failed ? partition->failure.text : NULL));
    enter(partition, to);
}

static enum partition_event step(struct partition *partition) {
    switch (partition->state) {
    case PARTITION_READING: return partition_read(partition);
    case PARTITION_TAKING: return partition_take_over(partition);
    case PARTITION_WRITING: return partition_write(partition);
    case PARTITION_WAITING: return wait_a_while(partition);
    case PARTITION_LOST:
    case PARTITION_QUARANTINED:
    case PARTITION_ENDED: break;
    }
    return rest(partition);
}

static void *live(void *context) {
    struct partition *partition = context;
    while (partition->state != PARTITION_ENDED) {
        if (partition->state != PARTITION_WAITING && partition->state != PARTITION_LOST) partition->failure = (struct failure){0};
        enum partition_event event = step(partition);
        if (event != EVENT_NOTHING) happened(partition, event);
    }
    partition_beat(partition, "ended", 0);
    return NULL;
}

int partition_make(struct partition *partition, struct shared *shared, int32_t number, struct failure *failure) {
    partition->shared = shared;
    partition->number = number;
    partition->place.log.sequence = -1;
    pthread_mutex_init(&partition->lock, NULL);
    pthread_cond_init(&partition->changed, NULL);
    snprintf(partition->journal_name, sizeof partition->journal_name, "%s-%" PRId32, shared->config->topics.names[KAFKA_TOPIC_JOURNAL],
             number);
    if (bell_make(&partition->bell, failure) < 0) return -1;
    partition->reader = kafka_open_plain(shared->config, KAFKA_READER, failure);
    return partition->reader ? 0 : -1;
}

void partition_free(struct partition *partition) {
    partition_drop(partition);
    if (partition->reader) rd_kafka_destroy(partition->reader);
    if (partition->offered) rd_kafka_consumer_group_metadata_destroy(partition->offered);
    if (partition->group) rd_kafka_consumer_group_metadata_destroy(partition->group);
    bell_free(&partition->bell);
    pthread_mutex_destroy(&partition->lock);
    pthread_cond_destroy(&partition->changed);
}

int partition_start(struct partition *partition, struct shared *shared, int32_t number, struct failure *failure) {
    if (partition_make(partition, shared, number, failure) < 0) return -1;
    partition_show_role(partition);
    if (pthread_create(&partition->thread, NULL, live, partition) == 0) return 0;
    return fail(failure, EXIT_AGAIN, "cannot start a thread for partition %" PRId32 ".", number);
}

void partition_join(struct partition *partition) {
    pthread_join(partition->thread, NULL);
    partition_free(partition);
}
