/* A partition that is not ours: a standby folds what others write, silently, so that taking over is reading a tail. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "clocks.h"
#include "json_log.h"
#include "kafka_partition.h"
#include "reader.h"
#include "snapshot.h"

#define READ_EVERY_MS 100 /* a state is committed that often at most */
#define IDLE_MS 1000
#define REBUILDING_MS 3000 /* a reading that takes longer is no standby's */
#define READ_LIMIT_MS 60000
#define RESTORE_LIMIT_MS 3600000
#define NO_JOURNAL_ID "00000000000000000000000000000000"

static int directory_make(const char *path, struct failure *failure) {
    return mkdir(path, 0700) < 0 && errno != EEXIST ? fail_errno(failure, "make the directory", path) : 0;
}

void partition_place_begin(struct partition *partition, const char *journal_id) {
    partition->place = place_at_beginning(journal_id);
    partition->place.log.partition = partition->number;
    partition->place.log.partitions = (int32_t)partition->shared->config->partitions;
}

static int state_begin_anew(struct partition *partition);

/* Once: a snapshot that the journal does not know is no better the second time. */
static int state_restore(struct partition *partition) {
    int64_t seal = -1;
    partition->restored = true;
    store_close(partition->store);
    partition->store = NULL;
    partition_beat(partition, "restoring a snapshot", RESTORE_LIMIT_MS);
    int restored = snapshot_restore(partition->shared->config, partition->number, false, &seal, &partition->failure);
    if (restored < 0) return -1;
    if (restored) json_log(LEVEL_INFO, "snapshot_restored", LOG_NUMBER("partition", partition->number), LOG_NUMBER("seal", seal));
    return partition_state_open(partition);
}

int partition_state_open(struct partition *partition) {
    const char *base = partition->shared->config->state.dir;
    struct failure *failure = &partition->failure;
    char path[PATH_MAX];
    if (partition->store) return 0;
    if (snprintf(partition->dir.path, sizeof partition->dir.path, "%s/%" PRId32, base, partition->number) >= (int)sizeof partition->dir.path)
        return fail(failure, EXIT_CONFIGURATION, "state.dir: the path is too long.");
    if (directory_make(base, failure) < 0 || directory_make(partition->dir.path, failure) < 0 ||
        directory_make(data_dir_state(&partition->dir, path), failure) < 0)
        return -1;
    partition_beat(partition, "opening the state", READ_LIMIT_MS);
    if (partition_open_state(&partition->store, &partition->dir, failure) < 0) return -1;
    int code = store_begin(partition->store);
    if (code == 0) code = place_load(partition->store, &partition->place);
    store_abort(partition->store);
    if (code < 0) return fail_store(failure, code, "the state", store_error(partition->store));
    if (code == STORE_ABSENT && partition->shared->config->snapshot.dir && !partition->restored) return state_restore(partition);
    if (code == STORE_ABSENT) partition_place_begin(partition, NO_JOURNAL_ID);
    if (code == 0 && partition->place.log.partition != partition->number) {
        fail(failure, EXIT_FAILED, "%s is the state of partition %" PRId32 ".", partition->dir.path, partition->place.log.partition);
        return state_begin_anew(partition);
    }
    if (code == 0 && partition->place.log.partitions != partition->shared->config->partitions)
        return fail(failure, EXIT_CONFIGURATION, "%s is of a journal with %" PRId32 " partitions; the configuration says %" PRId64
                    ". Their number is fixed for a journal's life.", partition->dir.path, partition->place.log.partitions,
                    partition->shared->config->partitions);
    return 0;
}

static void alive(void *context) { partition_beat(context, "reading the journal", READ_LIMIT_MS); }

/* One run of the reader: how fast it goes, for the time that is left. */
struct reading {
    struct partition *partition;
    int64_t from, since_ms; /* where its first commit stood, NONE before, and when (monotonic) */
    bool rebuilding;        /* it will take a while: no standby, and said so */
};

static void progress(void *context, int64_t at, int64_t end, uint64_t records) {
    struct reading *reading = context;
    struct partition *partition = reading->partition;
    struct metrics *metrics = partition->shared->metrics;
    char text[120];
    alive(partition);
    if (end <= at) return;
    if (reading->from == NONE) {
        reading->from = at;
        reading->since_ms = monotonic_ms();
    }
    int64_t left_ms = at > reading->from ? (end - at) * (monotonic_ms() - reading->since_ms) / (at - reading->from) : 0;
    snprintf(text, sizeof text, "rebuilding: at offset %" PRId64 " of %" PRId64 ", %" PRIu64 " records, %" PRId64 " s left", at, end, records,
             left_ms / 1000);
    metrics_set(metrics, METRIC_JOURNAL_LAG, partition->number, 0, 0, end - at);
    metrics_set(metrics, METRIC_REBUILD_LEFT, partition->number, 0, 0, left_ms);
    health_partition(partition->shared->health, partition->number, text);
    if (left_ms > REBUILDING_MS) metrics_role(metrics, partition->number, ROLE_REBUILDING);
    reading->rebuilding |= left_ms > REBUILDING_MS;
}

/* What the reading came to. */
static void read_to(struct partition *partition, const struct reading *reading, const struct reader_counts *counts) {
    struct metrics *metrics = partition->shared->metrics;
    metrics_add(metrics, METRIC_REBUILD_RECORDS, partition->number, 0, 0, (int64_t)counts->records);
    metrics_set(metrics, METRIC_JOURNAL_LAG, partition->number, 0, 0, 0);
    metrics_set(metrics, METRIC_REBUILD_LEFT, partition->number, 0, 0, 0);
    if (partition->place.append_time != NONE)
        metrics_set(metrics, METRIC_STANDBY_LAG, partition->number, 0, 0, wall_ms() - partition->place.append_time);
    if (counts->uncompared && !partition->uncompared_told)
        json_log(LEVEL_INFO, "seals_not_compared", LOG_NUMBER("partition", partition->number), LOG_NUMBER("seals", (int64_t)counts->uncompared),
                 LOG_TEXT("text", "the ringback that wrote them lays the state out otherwise; their outputs were compared"));
    partition->uncompared_told |= counts->uncompared > 0;
    if (reading->rebuilding) partition_show_role(partition);
}

static struct kafka_journal_options journal_options(struct partition *partition, int64_t begins, int64_t until, bool *foreign) {
    const struct config *config = partition->shared->config;
    return (struct kafka_journal_options){
        .topic = config->topics.names[KAFKA_TOPIC_JOURNAL],
        .partition = partition->number,
        .form = &partition->shared->form,
        .reader = partition->reader,
        .bell = &partition->bell,
        .stop = &partition->wanted,
        .from = &partition->place,
        .begins = begins,
        .foreign = foreign,
        .until = until,
        .alive = alive,
        .context = partition,
    };
}

/* 1: the journal is open behind the place; 0: there is no journal; -1. */
static int journal_open(struct partition *partition, int64_t begins, int64_t until, bool *foreign) {
    struct kafka_journal_options options = journal_options(partition, begins, until, foreign);
    struct failure *failure = &partition->failure;
    if (partition->place.log.sequence < 0) {
        char journal_id[JOURNAL_ID_DIGITS + 1];
        int found = kafka_journal_id(&options, journal_id, failure);
        if (found <= 0) return found;
        partition_place_begin(partition, journal_id);
    } else if (partition->place.log.seal_at < begins) {
        return fail(failure, EXIT_FAILED,
                    "%s begins at offset %" PRId64 "; the state needs it from %" PRId64 ". Restore a newer snapshot, or keep the topic longer.",
                    partition->journal_name, begins, partition->place.log.seal_at);
    } else if (until >= 0 && partition->place.log.seal_at >= until) {
        return fail(failure, EXIT_FAILED,
                    "%s ends at offset %" PRId64 ", before seal %" PRId64 " at %" PRId64 " that the state has seen: the journal was cut. See "
                    "ringback repair.",
                    partition->journal_name, until, partition->place.log.sequence, partition->place.log.seal_at);
    }
    return kafka_journal_open(&partition->journal, &options, failure) < 0 ? -1 : 1;
}

static int read_on(struct partition *partition) {
    struct reading reading = {.partition = partition, .from = NONE};
    struct reader_options options = {.progress = progress, .context = &reading};
    struct reader_counts counts;
    int result = reader_run(partition->store, partition->journal, &partition->place, &options, &counts, &partition->failure);
    if (result == 0) read_to(partition, &reading, &counts);
    return result;
}

static void journal_leave(struct partition *partition) {
    log_close(partition->journal);
    partition->journal = NULL;
}

/* A state of another journal is worth nothing: it is built again, from this one's beginning. */
static int state_begin_anew(struct partition *partition) {
    char path[PATH_MAX], error[600];
    partition_log(partition, LEVEL_WARNING, "state_foreign", partition->failure.text);
    partition->failure = (struct failure){0};
    journal_leave(partition);
    store_close(partition->store);
    partition->store = NULL;
    int code = store_erase_lmdb(data_dir_state(&partition->dir, path), error, sizeof error);
    return code < 0 ? fail_store(&partition->failure, code, path, error) : partition_state_open(partition);
}

static int read_whole(struct partition *partition, int64_t begins, int64_t until, bool *begun, bool *foreign) {
    int opened = until <= begins && partition->place.log.sequence < 0 ? 0 : journal_open(partition, begins, until, foreign);
    *begun = opened > 0;
    if (opened <= 0) return opened;
    int result = read_on(partition);
    journal_leave(partition);
    return result;
}

int partition_catch_up(struct partition *partition, int64_t begins, int64_t until, bool *begun) {
    bool foreign = false;
    journal_leave(partition);
    int result = read_whole(partition, begins, until, begun, &foreign);
    if (!foreign) return result;
    return state_begin_anew(partition) < 0 ? -1 : read_whole(partition, begins, until, begun, &foreign);
}

/* Opens what a standby reads. 1; 0: there is nothing to read yet; -1. */
static int standby_open(struct partition *partition) {
    if (partition->journal) return 1;
    struct kafka_offset start = {partition->shared->config->topics.names[KAFKA_TOPIC_JOURNAL], partition->number, 0};
    if (partition_state_open(partition) < 0) return -1;
    partition_beat(partition, "asking where the journal begins", READ_LIMIT_MS);
    if (kafka_ask(partition->shared->looker, KAFKA_BEGINNING, &start, 1, &partition->failure) < 0) return -1;
    return journal_open(partition, start.offset, -1, &partition->foreign);
}

enum partition_event partition_read(struct partition *partition) {
    enum partition_event wish = partition_wish(partition);
    if (wish != EVENT_NOTHING) return wish;
    bool standby = partition->shared->config->standby == STANDBY_ALL && !disk_is_refused(&partition->shared->disk);
    int open = standby ? standby_open(partition) : 0;
    partition->foreign = false;
    bool failed = open < 0 || (open > 0 && read_on(partition) < 0);
    if (failed && partition->foreign) failed = state_begin_anew(partition) < 0;
    if (failed) return partition_failed(partition);
    partition->failed_times = 0;
    if (open > 0) metrics_set(partition->shared->metrics, METRIC_SEAL, partition->number, 0, 0, partition->place.log.sequence);
    health_partition(partition->shared->health, partition->number, NULL);
    partition_beat(partition, "waiting for the journal", 5 * IDLE_MS);
    bell_wait(&partition->bell, IDLE_MS);
    if (!atomic_load(&partition->wanted)) {
        struct timespec pause = {.tv_nsec = READ_EVERY_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    return EVENT_NOTHING;
}
