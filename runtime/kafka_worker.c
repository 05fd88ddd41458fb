#include "kafka_worker.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "clocks.h"
#include "http.h"
#include "json_log.h"
#include "kafka_partition.h"
#include "registry.h"
#include "snapshot.h"

#define POLL_MS 100
#define MEMBER_LIMIT_MS 30000
#define OPENING_LIMIT_MS 120000 /* a registry may take registry.timeout, 60 s at most, and the brokers theirs */
#define RELEASE_MS 4000 /* below the session's timeout: whoever is slower is fenced */
#define ANSWER_MS 1000
#define ASK_EVERY_MS 5000 /* whether a broker answers; */
#define ASK_AGAIN_MS 500  /* where none did */
#define UNANSWERED_MOST 3 /* in a row: then none does */
#define UNASSIGNED_MS 30000 /* between lines that say so */
#define REJOIN_MS 3000  /* a partition that was fenced, though it is still ours by the group */
#define NOT_A_MEMBER "not a member of the group yet"
#define WATCH_MS 100
#define LATE_MS 500
#define LATE_LOOKS 10 /* in a row: after the whole process was frozen, the others need a moment too */
#define DRAIN_MS 4300 /* from being told to stop to the end, which is promised within 5 s */
#define LAST_WORDS_MS 200
#define SNAPSHOT_LOOK_MS 500

struct worker {
    struct shared shared;
    const atomic_bool *stop;
    struct partition *partitions;
    int32_t count;   /* of partitions */
    int32_t started; /* of their threads */

    /* The group; times are monotonic. */
    bool subscribed;       /* the sources were found to be as they should be */
    bool *assigned;        /* by the last rebalance; by partition */
    bool given;            /* an assignment to hand out, once the generation is known */
    int64_t unassigned_ms; /* since when there has been none; 0: there is one, which may be empty */
    int64_t unassigned_told_ms;
    char refused[200];     /* what the group said last, other than an assignment */
    int64_t fenced_since_ms;

    /* The brokers. */
    int64_t asked_ms;    /* when one was asked last whether it answers */
    int unanswered;      /* in a row */
    int64_t silent_ms;   /* since when none answers; 0: one does */
    char unreached[200]; /* why, as librdkafka has it */

    struct http *http;
    struct service_pages pages;
    struct http_route routes[SERVICE_ROUTES];
    pthread_t watchdog, snapshots;
    bool watched, snapshotted;
    atomic_bool ending; /* no more snapshots */
    atomic_bool ended;  /* there is nothing left to watch */
    struct failure *failure;
};

/* ---- the watchdog ---- */

static volatile sig_atomic_t last_code;

static void end_without_words(int signal_number) {
    (void)signal_number;
    _exit((int)last_code);
}

/* The process ends with `code` soon, even if standard error takes no more: a pipe that nobody reads blocks whoever writes into it. What was not
 * committed has not happened: whoever goes on does so where the last seal stands. */
static void end_soon(enum exit_code code) {
    struct sigaction action = {.sa_handler = end_without_words};
    struct itimerval timer = {.it_value.tv_usec = LAST_WORDS_MS * 1000L};
    sigset_t alarm;
    last_code = (sig_atomic_t)code;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* A thread that promised to be back is not. */
static void end_where_late(const struct worker *worker, int *looks) {
    int thread;
    const char *doing;
    *looks = health_late(worker->shared.health, LATE_MS, &thread, &doing) ? *looks + 1 : 0;
    if (*looks <= LATE_LOOKS) return;
    end_soon(EXIT_AGAIN);
    json_log(LEVEL_ERROR, "watchdog", LOG_NUMBER("thread", thread), LOG_TEXT("doing", doing));
    _exit(EXIT_AGAIN);
}

/* A copy, a broker or a registry may hold up the end; nothing depends on it. */
static void end_where_overdue(const struct worker *worker, int64_t *asked_ms) {
    if (!atomic_load(worker->stop)) return;
    if (!*asked_ms) *asked_ms = monotonic_ms();
    if (monotonic_ms() - *asked_ms < DRAIN_MS) return;
    end_soon(EXIT_DONE);
    json_log(LEVEL_WARNING, "ended_overdue", LOG_NUMBER("ms", DRAIN_MS), LOG_TEXT("text", "what was not committed is done again by whoever goes on"));
    _exit(EXIT_DONE);
}

static void *watch(void *context) {
    struct worker *worker = context;
    int late_looks = 0;
    int64_t asked_ms = 0;
    while (!atomic_load(&worker->ended)) {
        end_where_late(worker, &late_looks);
        end_where_overdue(worker, &asked_ms);
        struct timespec pause = {.tv_nsec = WATCH_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void beat(struct worker *worker, const char *doing, int64_t limit_ms) { health_beat(worker->shared.health, 0, doing, limit_ms); }

static int watch_begin(struct worker *worker) {
    beat(worker, "starting", OPENING_LIMIT_MS);
    if (pthread_create(&worker->watchdog, NULL, watch, worker) != 0) return fail(worker->failure, EXIT_AGAIN, "cannot start a thread.");
    worker->watched = true;
    return 0;
}

static void watch_end(struct worker *worker) {
    atomic_store(&worker->ended, true);
    if (worker->watched) pthread_join(worker->watchdog, NULL);
}

/* ---- snapshots ---- */

static void snapshots_take(struct worker *worker, int64_t taken_ms[]) {
    const struct shared *shared = &worker->shared;
    for (int32_t n = 0; n < worker->count && !atomic_load(&worker->ending); n++) {
        struct failure failure = {0};
        int64_t seal;
        int taken = snapshot_take(shared->config, n, &seal, &failure);
        if (taken > 0) {
            json_log(LEVEL_INFO, "snapshot_taken", LOG_NUMBER("partition", n), LOG_NUMBER("seal", seal));
            taken_ms[n] = monotonic_ms();
        } else if (taken < 0) {
            json_log(LEVEL_WARNING, "snapshot_failed", LOG_NUMBER("partition", n), LOG_TEXT("text", failure.text));
        }
    }
}

/* On a thread of its own: a copy takes as long as the state is large, and the fold goes on meanwhile. */
static void *keep_snapshots(void *context) {
    struct worker *worker = context;
    int64_t last_ms = monotonic_ms(), *taken_ms = calloc((size_t)worker->count, sizeof *taken_ms);
    while (taken_ms && !atomic_load(&worker->ending)) {
        struct timespec pause = {.tv_nsec = SNAPSHOT_LOOK_MS * 1000000L};
        nanosleep(&pause, NULL);
        if (monotonic_ms() - last_ms >= worker->shared.config->snapshot.every_ms) {
            last_ms = monotonic_ms();
            snapshots_take(worker, taken_ms);
        }
        for (int32_t n = 0; n < worker->count; n++)
            if (taken_ms[n]) metrics_set(worker->shared.metrics, METRIC_SNAPSHOT_AGE, n, 0, 0, monotonic_ms() - taken_ms[n]);
    }
    free(taken_ms);
    return NULL;
}

/* ---- the group ---- */

static void unassigned(struct worker *worker, const char *reason) {
    *worker->refused = 0;
    worker->unassigned_ms = worker->unassigned_told_ms = monotonic_ms();
    health_set(worker->shared.health, HEALTH_GROUP, reason);
}

/* A coordinator that does not answer shows in nothing else: the client waits for it in silence. */
static void tell_where_unassigned(struct worker *worker) {
    static const char silence[] = "the group's coordinator may not answer; look at the brokers' logs for the coordinator of __consumer_offsets";
    int64_t now_ms = monotonic_ms(), seconds = (now_ms - worker->unassigned_ms) / 1000;
    if (!worker->unassigned_ms || worker->shared.disk.away || now_ms - worker->unassigned_told_ms < UNASSIGNED_MS) return;
    char text[300];
    snprintf(text, sizeof text, "no assignment for %" PRId64 " s: %s", seconds, *worker->refused ? worker->refused : silence);
    worker->unassigned_told_ms = now_ms;
    json_log(LEVEL_WARNING, "no_assignment", LOG_NUMBER("seconds", seconds), LOG_TEXT("text", text));
    health_set(worker->shared.health, HEALTH_GROUP, text);
}

/* A partition is assigned where that of every co-partitioned source is: the range assignor gives them together. */
static void assigned_note(struct worker *worker, const rd_kafka_topic_partition_list_t *list) {
    for (int32_t n = 0; n < worker->count; n++) {
        int found = 0;
        for (int at = 0; at < list->cnt; at++) found += list->elems[at].partition == n;
        worker->assigned[n] = found == GROUP_SOURCES;
        if (found && found != GROUP_SOURCES) {
            static const char text[] = "the sources have different numbers of partitions; see ringback topics check";
            json_log(LEVEL_ERROR, "assignment_uneven", LOG_NUMBER("partition", n), LOG_NUMBER("topics", found), LOG_TEXT("text", text));
            health_set(worker->shared.health, HEALTH_GROUP, text);
        }
    }
}

/* A source that was given more partitions while it was in use: what lies in them is nobody's. */
static void beyond_note(struct worker *worker, const rd_kafka_topic_partition_list_t *list) {
    for (int n = 0; n < list->cnt; n++) {
        const rd_kafka_topic_partition_t *given = &list->elems[n];
        char text[400];
        if (given->partition < worker->count) continue;
        snprintf(text, sizeof text, "%s has a partition %" PRId32 ", and partitions is %" PRId32 ": nobody reads it; see ringback topics check",
                 given->topic, given->partition, worker->count);
        json_log(LEVEL_ERROR, "assignment_beyond", LOG_TEXT("topic", given->topic), LOG_NUMBER("partition", given->partition),
                 LOG_TEXT("text", text));
        health_set(worker->shared.health, HEALTH_GROUP, text);
    }
}

/* The member itself reads nothing: partitions read for themselves. */
static void assignment_take(struct worker *worker, rd_kafka_t *member, rd_kafka_topic_partition_list_t *list) {
    for (int n = 0; n < list->cnt; n++) list->elems[n].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(member, list);
    rd_kafka_pause_partitions(member, list);
    worker->given = true;
    worker->unassigned_ms = 0;
    health_set(worker->shared.health, HEALTH_GROUP, NULL);
    assigned_note(worker, list);
    beyond_note(worker, list);
}

static void assignment_leave(struct worker *worker, rd_kafka_t *member) {
    bool lost = rd_kafka_assignment_lost(member) || worker->shared.disk.away; /* what is open could not be committed */
    worker->given = false;
    unassigned(worker, "its partitions were taken back, and new ones are not assigned yet");
    for (int32_t n = 0; n < worker->started; n++) partition_take(&worker->partitions[n], lost);
    int64_t until_ms = monotonic_ms() + RELEASE_MS;
    for (int32_t n = 0; n < worker->started; n++) {
        int64_t left_ms = until_ms - monotonic_ms();
        if (!partition_released(&worker->partitions[n], left_ms > 0 ? left_ms : 0))
            partition_log(&worker->partitions[n], LEVEL_WARNING, "slow_to_release", "the next owner will fence it");
    }
    rd_kafka_assign(member, NULL);
}

static void rebalanced(rd_kafka_t *member, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque) {
    struct worker *worker = opaque;
    bool assigning = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    json_log(LEVEL_INFO, "rebalance", LOG_TEXT("what", assigning ? "assign" : "revoke"), LOG_NUMBER("partitions", list->cnt / GROUP_SOURCES));
    if (assigning)
        assignment_take(worker, member, list);
    else
        assignment_leave(worker, member);
}

/* A commit in no generation would be fenced by nobody. */
static void hand_out(struct worker *worker) {
    rd_kafka_t *member = worker->shared.member;
    for (int32_t n = 0; n < worker->started; n++) {
        if (!worker->assigned[n]) continue;
        rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(member);
        if (kafka_generation(group) < 0) {
            if (group) rd_kafka_consumer_group_metadata_destroy(group);
            return;
        }
        partition_give(&worker->partitions[n], group);
    }
    worker->given = false;
}

static int subscribe(struct worker *worker) {
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(GROUP_SOURCES);
    for (int n = 0; n < GROUP_SOURCES; n++)
        rd_kafka_topic_partition_list_add(topics, worker->shared.config->topics.names[KAFKA_TOPIC_CALLS + n], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(worker->shared.member, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code) return fail_kafka(worker->failure, code, rd_kafka_err2str(code), "subscribe to", worker->shared.config->topics.names[KAFKA_TOPIC_CALLS]);
    return 0;
}

/* ---- the brokers ---- */

static int source_wrong(struct worker *worker, int topic, int32_t is, int32_t wanted) {
    const struct config *config = worker->shared.config;
    return fail(worker->failure, EXIT_CONFIGURATION,
                "the topic %s has %" PRId32 " partitions where %" PRId32 " are expected (%s: partitions: %" PRId32 "; %s has 1): what lies in others "
                "would never be read. Before the first run set partitions to what the sources have; after it, their number is fixed: make the topic "
                "anew. See ringback topics check.",
                config->topics.names[topic], is, wanted, config->file, worker->count, config->topics.names[KAFKA_TOPIC_NETWORK]);
}

/* Some broker, some answer: connections to one that hangs stay open. */
static bool broker_answers(struct worker *worker) {
    const struct rd_kafka_metadata *metadata;
    rd_kafka_t *looker = worker->shared.looker;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(looker, worker->shared.config->topics.names[KAFKA_TOPIC_CALLS], NULL);
    bool answers = topic && rd_kafka_metadata(looker, 0, topic, &metadata, ANSWER_MS) == 0;
    if (answers) rd_kafka_metadata_destroy(metadata);
    if (topic) rd_kafka_topic_destroy(topic);
    return answers;
}

/* Whether each source has the partitions that it is read with; of one that is not there, or that we may not see, a member is told. 1; 0: that cannot
 * be said now; -1 described. */
static int sources_check(struct worker *worker) {
    for (int topic = KAFKA_TOPIC_CALLS; topic <= KAFKA_TOPIC_NETWORK; topic++) {
        struct failure failure = {0};
        int32_t is, wanted = topic_rules[topic].one_partition ? 1 : worker->count;
        bool known = kafka_partition_count(worker->shared.looker, worker->shared.config->topics.names[topic], &is, &failure) == 0;
        if (known && is != wanted) return source_wrong(worker, topic, is, wanted);
        if (!known && failure.code != EXIT_CONFIGURATION) return 0;
    }
    return 1;
}

static void silence_show(struct worker *worker) {
    char text[300];
    snprintf(text, sizeof text, "no broker answers%s%s", *worker->unreached ? ": " : "", worker->unreached);
    if (!worker->silent_ms) json_log(LEVEL_WARNING, "brokers_silent", LOG_TEXT("text", text));
    if (!worker->silent_ms) worker->silent_ms = monotonic_ms();
    health_set(worker->shared.health, HEALTH_BROKER, text);
}

static void silence_end(struct worker *worker) {
    if (worker->silent_ms) json_log(LEVEL_INFO, "brokers_answer", LOG_NUMBER("silent_ms", monotonic_ms() - worker->silent_ms));
    worker->unanswered = 0;
    worker->silent_ms = 0;
    *worker->unreached = 0;
    health_set(worker->shared.health, HEALTH_BROKER, NULL);
}

/* Of the member's connections, told while it is polled. */
static void went_wrong(rd_kafka_t *member, int code, const char *reason, void *opaque) {
    struct worker *worker = opaque;
    json_log(LEVEL_WARNING, "librdkafka", LOG_TEXT("handle", rd_kafka_name(member)),
             LOG_TEXT("error", rd_kafka_err2name((rd_kafka_resp_err_t)code)), LOG_TEXT("text", reason));
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        worker->unanswered = UNANSWERED_MOST;
    else
        snprintf(worker->unreached, sizeof worker->unreached, "%s", reason);
    if (worker->unanswered >= UNANSWERED_MOST) silence_show(worker);
}

/* Asks now and then whether a broker answers: a member without partitions would not find out. The group is joined once one has told that the
 * sources are as they should be. */
static int follow_brokers(struct worker *worker) {
    int64_t pause_ms = worker->subscribed && !worker->unanswered ? ASK_EVERY_MS : ASK_AGAIN_MS;
    if (worker->asked_ms && monotonic_ms() - worker->asked_ms < pause_ms) return 0;
    bool answers = broker_answers(worker);
    worker->asked_ms = monotonic_ms();
    if (answers)
        silence_end(worker);
    else if (++worker->unanswered >= UNANSWERED_MOST)
        silence_show(worker);
    if (!answers || worker->subscribed) return 0;
    int known = sources_check(worker);
    if (known <= 0) return known;
    worker->subscribed = true;
    return worker->shared.disk.away ? 0 : subscribe(worker);
}

/* ---- what goes on ---- */

static void follow_registry(struct worker *worker) {
    int64_t since_ms = registry_silent_since(worker->shared.registry);
    char text[120];
    snprintf(text, sizeof text, "it has not answered for %" PRId64 " s: records of schemas that nobody here has seen wait",
             (monotonic_ms() - since_ms) / 1000);
    health_set(worker->shared.health, HEALTH_REGISTRY, since_ms ? text : NULL);
}

/* Fenced, and still the owner by the group: whoever fenced us was told so too. Only a new assignment can tell who is right. */
static int rejoin_where_fenced(struct worker *worker) {
    bool fenced = false;
    for (int32_t n = 0; n < worker->started; n++) fenced |= atomic_load(&worker->partitions[n].fenced);
    int64_t now_ms = monotonic_ms();
    if (!fenced) worker->fenced_since_ms = 0;
    if (fenced && !worker->fenced_since_ms) worker->fenced_since_ms = now_ms;
    if (!fenced || now_ms - worker->fenced_since_ms < REJOIN_MS) return 0;
    worker->fenced_since_ms = 0;
    json_log(LEVEL_WARNING, "rejoin", LOG_TEXT("because", "a partition was fenced"));
    rd_kafka_unsubscribe(worker->shared.member);
    return subscribe(worker);
}

/* Leaves the group with a disk that refuses, and joins again. */
static int follow_disk(struct worker *worker) {
    struct shared *shared = &worker->shared;
    int told = disk_follow(&shared->disk, shared->config, shared->health, shared->metrics);
    if (told > 0) rd_kafka_unsubscribe(shared->member);
    if (told >= 0) return 0;
    unassigned(worker, NOT_A_MEMBER);
    return worker->subscribed ? subscribe(worker) : 0;
}

static void member_told(struct worker *worker, const rd_kafka_message_t *message) {
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: /* fetched before it was paused */
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: break;
    case RD_KAFKA_RESP_ERR__TRANSPORT: went_wrong(worker->shared.member, message->err, rd_kafka_message_errstr(message), worker); break;
    default:
        json_log(LEVEL_WARNING, "group", LOG_TEXT("error", rd_kafka_err2name(message->err)), LOG_TEXT("text", rd_kafka_message_errstr(message)));
        snprintf(worker->refused, sizeof worker->refused, "%s", rd_kafka_message_errstr(message));
        health_set(worker->shared.health, HEALTH_GROUP, worker->refused);
    }
}

static int serve(struct worker *worker) {
    while (!atomic_load(worker->stop)) {
        beat(worker, "polling the group", MEMBER_LIMIT_MS);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(worker->shared.member, POLL_MS);
        if (message) {
            member_told(worker, message);
            rd_kafka_message_destroy(message);
        }
        follow_registry(worker);
        if (worker->given) hand_out(worker);
        tell_where_unassigned(worker);
        if (follow_brokers(worker) < 0 || follow_disk(worker) < 0 || (!worker->shared.disk.away && rejoin_where_fenced(worker) < 0)) return -1;
    }
    return 0;
}

/* ---- begin and end ---- */

static int member_open(struct worker *worker) {
    rd_kafka_conf_t *conf = kafka_conf(worker->shared.config, KAFKA_MEMBER, 0, worker->failure);
    if (!conf) return -1;
    rd_kafka_conf_set_opaque(conf, worker);
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_error_cb(conf, went_wrong);
    worker->shared.member = kafka_open(conf, KAFKA_MEMBER, worker->failure);
    if (!worker->shared.member) return -1;
    rd_kafka_poll_set_consumer(worker->shared.member);
    return 0;
}

static int worker_open(struct worker *worker) {
    struct shared *shared = &worker->shared;
    worker->partitions = calloc((size_t)worker->count, sizeof *worker->partitions);
    worker->assigned = calloc((size_t)worker->count, sizeof *worker->assigned);
    if (!worker->partitions || !worker->assigned) return fail_memory(worker->failure);
    if (disk_try(shared->config, worker->failure) < 0) return -1;
    if (shared_open(shared, worker->failure) < 0) return -1;
    unassigned(worker, NOT_A_MEMBER);
    return member_open(worker);
}

static int pages_open(struct worker *worker) {
    const struct config *config = worker->shared.config;
    if (config->http.port == 0) return 0;
    worker->pages = (struct service_pages){.metrics = worker->shared.metrics, .health = worker->shared.health};
    service_routes(worker->routes, &worker->pages);
    return http_start(&worker->http, config->http.bind, (int)config->http.port, worker->routes, worker->failure);
}

static int start(struct worker *worker) {
    if (worker->shared.config->snapshot.dir) {
        if (pthread_create(&worker->snapshots, NULL, keep_snapshots, worker) != 0) return fail(worker->failure, EXIT_AGAIN, "cannot start a thread.");
        worker->snapshotted = true;
    }
    for (; worker->started < worker->count; worker->started++)
        if (partition_start(&worker->partitions[worker->started], &worker->shared, worker->started, worker->failure) < 0) return -1;
    return 0;
}

/* What is open is sealed, the group is left, the states are synced. */
static void stop_all(struct worker *worker) {
    struct shared *shared = &worker->shared;
    atomic_store(&worker->ending, true);
    beat(worker, "ending", OPENING_LIMIT_MS);
    health_set(shared->health, HEALTH_DRAINING, "it is ending");
    for (int32_t n = 0; n < worker->started; n++) partition_stop(&worker->partitions[n]);
    for (int32_t n = 0; n < worker->started; n++) partition_join(&worker->partitions[n]);
    worker->started = 0;
    if (shared->member) {
        rd_kafka_consumer_close(shared->member);
        rd_kafka_destroy(shared->member);
    }
    http_stop(worker->http);
    if (worker->snapshotted) pthread_join(worker->snapshots, NULL);
    shared_close(shared);
    free(worker->partitions);
    free(worker->assigned);
}

static int live(struct worker *worker) {
    int result = worker_open(worker);
    if (result == 0) result = pages_open(worker);
    if (result == 0) result = start(worker);
    if (result == 0) result = serve(worker);
    stop_all(worker);
    return result;
}

int kafka_worker_run(const struct config *config, const atomic_bool *stop, struct failure *failure) {
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) return fail_memory(failure);
    worker->stop = stop;
    worker->count = (int32_t)config->partitions;
    worker->failure = failure;
    int result = shared_make(&worker->shared, config, failure);
    if (result == 0) result = watch_begin(worker);
    if (result == 0) result = live(worker);
    json_log(LEVEL_INFO, "ended", LOG_NUMBER("exit_code", result < 0 ? (int64_t)failure->code : 0));
    watch_end(worker);
    shared_free(&worker->shared);
    free(worker);
    return result;
}
