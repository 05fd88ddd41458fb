#include "rekey.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clocks.h"
#include "json_log.h"
#include "rekey_clock.h"
#include "rekey_origin.h"
#include "rekey_producer.h"

#define ORIGINS SOURCE_DIRECTORY /* at most: calls, jobs, commands, directory */
#define TURN_RECORDS 1000        /* of an origin, between looks at the group and the clock */
#define TRANSACTION_MOST_MS 1000
#define REPORT_EVERY_MS 1000
#define IDLE_MS 100
#define WAIT_FIRST_MS 100
#define WAIT_MOST_MS 10000
#define HUNG_SECONDS 90 /* above the sum of what one turn may wait for */
#define QUEUES_KBYTES (64 * 1024)
#define QUEUE_LEAST_KBYTES 64
#define QUEUE_MOST_KBYTES 4096

struct rekey {
    const struct config *config;
    struct failure failure;
    struct registry *registry;
    rd_kafka_t *member, *reader, *looker;
    struct bell bell;
    bool ours;    /* by the last rebalance */
    bool working; /* taken over */
    bool worked;  /* at least once: what fails now is not the configuration */
    int64_t failed_times, waits_until_ms;

    /* While it is working. */
    rd_kafka_consumer_group_metadata_t *group;
    struct rekey_producer *producer;
    struct origin origins[ORIGINS];
    int count; /* of origins; the first ones of the array */
    int64_t begun_ms, records; /* of the open transaction; 0: it has no record */
    int64_t told_ms;           /* the last report */
    int64_t written, unreadable;
    char report[REKEY_REPORT_BYTES];
};

/* ---- the origins, and who has them ---- */

static const char *origin_topic(const struct config *config, int n) { return config->rekey[SOURCE_CALLS + n]; }

static const char *first_origin(const struct config *config) {
    for (int n = 0; n < ORIGINS; n++)
        if (origin_topic(config, n)) return origin_topic(config, n);
    return NULL;
}

static int origins_open(struct rekey *rekey) {
    for (int n = 0; n < ORIGINS; n++) {
        struct origin_options options = {.kind = (enum source_kind)(SOURCE_CALLS + n),
                                         .topic = origin_topic(rekey->config, n),
                                         .registry = rekey->registry,
                                         .reader = rekey->reader,
                                         .looker = rekey->looker,
                                         .member = rekey->member,
                                         .bell = &rekey->bell};
        if (!options.topic) continue;
        if (origin_open(&rekey->origins[rekey->count], &options, &rekey->failure) < 0) return -1;
        rekey->count++;
    }
    return 0;
}

/* Forgets what was not committed. */
static void drop(struct rekey *rekey) {
    if (rekey->producer)
        json_log(LEVEL_INFO, "rekey_stands_by", LOG_NUMBER("records", rekey->written), LOG_NUMBER("unreadable", rekey->unreadable),
                 LOG_NUMBER("cut", rekey_producer_cut(rekey->producer)));
    rekey_producer_close(rekey->producer);
    for (int n = 0; n < rekey->count; n++) origin_close(&rekey->origins[n]);
    if (rekey->group) rd_kafka_consumer_group_metadata_destroy(rekey->group);
    rekey->producer = NULL;
    rekey->group = NULL;
    rekey->count = 0;
    rekey->begun_ms = rekey->records = rekey->told_ms = rekey->written = rekey->unreadable = 0;
    rekey->working = false;
}

/* The producer first: what the last owner left is ended, so the offsets are those that hold. A commit in no generation would be fenced by
 * nobody. */
static int take_over(struct rekey *rekey) {
    if (rekey_producer_open(&rekey->producer, rekey->config, &rekey->failure) < 0) return -1;
    rekey->group = rd_kafka_consumer_group_metadata(rekey->member);
    if (kafka_generation(rekey->group) < 0) return fail(&rekey->failure, EXIT_AGAIN, "the group has not confirmed the assignment yet.");
    if (origins_open(rekey) < 0) return -1;
    rekey->working = rekey->worked = true;
    rekey->failed_times = 0;
    json_log(LEVEL_INFO, "rekey_works", LOG_NUMBER("origins", rekey->count));
    return 0;
}

/* ---- a transaction ---- */

static int record_write(struct rekey *rekey, const struct origin *origin, struct origin_head *head) {
    int32_t partitions = (int32_t)rekey->config->partitions;
    bool unreadable = str_is_null(head->tenant);
    int32_t partition = unreadable ? head->message->partition % partitions : kafka_partition_of(head->tenant, partitions);
    if (rekey_producer_record(rekey->producer, origin->kind, partition, head->tenant, head->message) < 0) return -1;
    rekey->unreadable += unreadable;
    rekey->written++;
    rekey->records++;
    origin_took(head);
    return 0;
}

/* Takes what is there, of each origin for a while. The number of records; -1. */
static int64_t take_some(struct rekey *rekey, int64_t now_ms) {
    int64_t before = rekey->records;
    for (int n = 0; n < rekey->count; n++) {
        struct origin_head *head;
        int found = origin_ask(&rekey->origins[n], rekey->looker, now_ms);
        for (int taken = 0; found >= 0 && taken < TURN_RECORDS && rekey->records < rekey->config->commit.records; taken++) {
            found = origin_next(&rekey->origins[n], now_ms, &head);
            if (found <= 0) break;
            if (record_write(rekey, &rekey->origins[n], head) < 0) return -1;
        }
        if (found < 0) return -1;
    }
    return rekey->records - before;
}

/* How far the origin was read, in every partition of its source. */
static int report(struct rekey *rekey, struct origin *origin, bool again) {
    bool moved = again;
    for (int32_t n = 0; n < origin->count; n++) {
        int64_t position = origin_position(&origin->heads[n]);
        moved |= origin->told[n] != position;
        origin->told[n] = position;
    }
    if (!moved) return 0;
    struct str text = {rekey->report, (uint32_t)rekey_report_write(origin->told, origin->count, rekey->report)};
    for (int32_t n = 0; n < rekey->config->partitions; n++)
        if (rekey_producer_report(rekey->producer, origin->kind, n, text) < 0) return -1;
    return 0;
}

static int commit(struct rekey *rekey, int64_t now_ms) {
    bool again = now_ms - rekey->told_ms >= REPORT_EVERY_MS;
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(16);
    int result = 0;
    for (int n = 0; n < rekey->count && result == 0; n++) {
        const struct origin *origin = &rekey->origins[n];
        for (int32_t p = 0; p < origin->count; p++)
            rd_kafka_topic_partition_list_add(offsets, origin->topic, p)->offset = origin_position(&origin->heads[p]);
        result = report(rekey, &rekey->origins[n], again);
    }
    if (result == 0) result = rekey_producer_commit(rekey->producer, offsets, rekey->group);
    rd_kafka_topic_partition_list_destroy(offsets);
    rekey->begun_ms = rekey->records = 0;
    if (again) rekey->told_ms = now_ms;
    return result;
}

/* Live: some ms after the first record. Behind: while there is more. Idle: to tell that there is nothing. */
static bool commit_is_due(const struct rekey *rekey, int64_t taken, int64_t now_ms) {
    if (!rekey->begun_ms) return now_ms - rekey->told_ms >= REPORT_EVERY_MS;
    int64_t age_ms = now_ms - rekey->begun_ms;
    if (rekey->records >= rekey->config->commit.records || age_ms >= TRANSACTION_MOST_MS) return true;
    return taken == 0 && age_ms >= kafka_open_ms(rekey->config);
}

static int work(struct rekey *rekey) {
    int64_t now_ms = monotonic_ms(), taken = take_some(rekey, now_ms);
    if (taken < 0) return -1;
    if (taken > 0 && !rekey->begun_ms) rekey->begun_ms = now_ms;
    if (commit_is_due(rekey, taken, now_ms)) {
        if (commit(rekey, now_ms) < 0) return -1;
        if (rekey_producer_is_doubtful(rekey->producer)) return fail(&rekey->failure, EXIT_AGAIN, "the end of a transaction was in doubt.");
        return 0;
    }
    int64_t wait_ms = rekey->begun_ms ? rekey->begun_ms + kafka_open_ms(rekey->config) - now_ms : IDLE_MS;
    if (taken == 0) bell_wait(&rekey->bell, wait_ms < 1 ? 1 : wait_ms < IDLE_MS ? wait_ms : IDLE_MS);
    return 0;
}

/* ---- the group ---- */

static int subscribe(struct rekey *rekey) {
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(ORIGINS);
    for (int n = 0; n < ORIGINS; n++)
        if (origin_topic(rekey->config, n)) rd_kafka_topic_partition_list_add(topics, origin_topic(rekey->config, n), RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(rekey->member, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (!code) return 0;
    return fail_kafka(&rekey->failure, code, rd_kafka_err2str(code), "subscribe to", first_origin(rekey->config));
}

/* The member itself reads nothing. */
static void assigned(struct rekey *rekey, rd_kafka_t *member, rd_kafka_topic_partition_list_t *list) {
    for (int n = 0; n < list->cnt; n++) list->elems[n].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(member, list);
    rd_kafka_pause_partitions(member, list);
    rekey->ours = rd_kafka_topic_partition_list_find(list, first_origin(rekey->config), 0) != NULL;
    json_log(LEVEL_INFO, "rebalance", LOG_TEXT("what", rekey->ours ? "ours" : "another's"));
}

static void revoked(struct rekey *rekey, rd_kafka_t *member) {
    bool lost = rd_kafka_assignment_lost(member);
    if (rekey->working && !lost && rekey->begun_ms && commit(rekey, monotonic_ms()) < 0)
        json_log(LEVEL_WARNING, "dropped_on_leaving", LOG_TEXT("text", rekey->failure.text));
    drop(rekey);
    rekey->ours = false;
    rd_kafka_assign(member, NULL);
}

static void rebalanced(rd_kafka_t *member, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque) {
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        assigned(opaque, member, list);
    else
        revoked(opaque, member);
}

static void group_poll(struct rekey *rekey, int timeout_ms) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(rekey->member, timeout_ms);
    if (!message) return;
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF && message->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        json_log(LEVEL_WARNING, "group", LOG_TEXT("error", rd_kafka_err2name(message->err)), LOG_TEXT("text", rd_kafka_message_errstr(message)));
    rd_kafka_message_destroy(message);
}

/* ---- failures ---- */

/* One answer: drop everything, and take over again, later each time. Fenced: somebody else was told that it is his, as we were; only a new
 * assignment can tell who is right. -1: nothing that time mends. */
static int failed(struct rekey *rekey) {
    bool fenced = rekey->producer && rekey_producer_is_lost(rekey->producer);
    bool again = rekey->failure.code == EXIT_AGAIN || (rekey->worked && rekey->failure.code == EXIT_CONFIGURATION) || fenced;
    int64_t wait_ms = WAIT_FIRST_MS << (rekey->failed_times < 7 ? rekey->failed_times : 7);
    json_log(again ? LEVEL_WARNING : LEVEL_ERROR, "rekey_failed", LOG_TEXT("error", rekey->failure.text), LOG_TEXT("fenced", fenced ? "yes" : NULL));
    drop(rekey);
    if (!again) return -1;
    rekey->failure = (struct failure){0};
    rekey->failed_times++;
    rekey->waits_until_ms = monotonic_ms() + (wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS);
    if (!fenced) return 0;
    rekey->ours = false;
    rd_kafka_unsubscribe(rekey->member);
    return subscribe(rekey);
}

static int serve(struct rekey *rekey, const atomic_bool *stop) {
    while (!atomic_load(stop)) {
        alarm(HUNG_SECONDS);
        bool can = rekey->ours && monotonic_ms() >= rekey->waits_until_ms;
        group_poll(rekey, can ? 0 : IDLE_MS);
        if (!can || !rekey->ours) continue;
        int result = rekey->working ? work(rekey) : take_over(rekey);
        if (result < 0 && failed(rekey) < 0) return -1;
    }
    return 0;
}

/* ---- begin and end ---- */

/* What was not committed has not happened: a restart goes on where the last transaction ended. */
static void hung(int signal_number) {
    static const char text[] = "ringback rekey: nothing has moved for 90 s; ending, to be started again\n";
    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(EXIT_AGAIN);
}

static int member_open(struct rekey *rekey) {
    char group[300], error[300];
    rd_kafka_conf_t *conf = kafka_conf(rekey->config, KAFKA_MEMBER, 0, &rekey->failure);
    if (!conf) return -1;
    snprintf(group, sizeof group, "%s.rekey", rekey->config->application);
    rd_kafka_conf_set(conf, "group.id", group, error, sizeof error);
    rd_kafka_conf_set_opaque(conf, rekey);
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rekey->member = kafka_open(conf, KAFKA_MEMBER, &rekey->failure);
    if (!rekey->member) return -1;
    rd_kafka_poll_set_consumer(rekey->member);
    return 0;
}

/* All partitions of all origins share what may wait in memory. */
static int reader_open(struct rekey *rekey, int64_t partitions) {
    char kbytes[24], error[300];
    int64_t each = QUEUES_KBYTES / partitions;
    rd_kafka_conf_t *conf = kafka_conf(rekey->config, KAFKA_READER, 0, &rekey->failure);
    if (!conf) return -1;
    snprintf(kbytes, sizeof kbytes, "%" PRId64, each < QUEUE_LEAST_KBYTES ? QUEUE_LEAST_KBYTES : each < QUEUE_MOST_KBYTES ? each : QUEUE_MOST_KBYTES);
    rd_kafka_conf_set(conf, "queued.max.messages.kbytes", kbytes, error, sizeof error);
    rekey->reader = kafka_open(conf, KAFKA_READER, &rekey->failure);
    return rekey->reader ? 0 : -1;
}

static int rekey_open(struct rekey *rekey) {
    struct failure *failure = &rekey->failure;
    int64_t partitions = 0;
    if (bell_make(&rekey->bell, failure) < 0 || registry_open(&rekey->registry, rekey->config, NULL, failure) < 0) return -1;
    if (!(rekey->looker = kafka_open_plain(rekey->config, KAFKA_LOOKER, failure))) return -1;
    for (int n = 0; n < ORIGINS; n++) {
        int32_t count;
        if (!origin_topic(rekey->config, n)) continue;
        if (kafka_partition_count(rekey->looker, origin_topic(rekey->config, n), &count, failure) < 0) return -1;
        if (count > REKEY_PARTITIONS_MAX)
            return fail(failure, EXIT_CONFIGURATION, "%s has %" PRId32 " partitions, more than %d.", origin_topic(rekey->config, n), count,
                        REKEY_PARTITIONS_MAX);
        partitions += count;
    }
    if (reader_open(rekey, partitions) < 0 || member_open(rekey) < 0) return -1;
    return subscribe(rekey);
}

static void rekey_close(struct rekey *rekey) {
    if (rekey->member) {
        rd_kafka_consumer_close(rekey->member); /* revokes, and so commits what is open */
        rd_kafka_destroy(rekey->member);
    }
    drop(rekey);
    if (rekey->reader) rd_kafka_destroy(rekey->reader);
    if (rekey->looker) rd_kafka_destroy(rekey->looker);
    registry_close(rekey->registry);
    bell_free(&rekey->bell);
    free(rekey);
}

int rekey_run(const struct config *config, const atomic_bool *stop, struct failure *failure) {
    if (!first_origin(config))
        return fail(failure, EXIT_CONFIGURATION, "%s: nothing is to be re-keyed. Name a topic under rekey: (docs/configuration.md).", config->file);
    struct rekey *rekey = calloc(1, sizeof *rekey);
    if (!rekey) return fail_memory(failure);
    rekey->config = config;
    rekey->bell.fd = -1;
    struct sigaction action = {.sa_handler = hung};
    sigaction(SIGALRM, &action, NULL);
    int result = rekey_open(rekey);
    if (result == 0) result = serve(rekey, stop);
    if (result < 0) *failure = rekey->failure;
    alarm(HUNG_SECONDS);
    rekey_close(rekey);
    alarm(0);
    return result;
}
