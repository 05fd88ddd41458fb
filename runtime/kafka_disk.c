#include "kafka_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clocks.h"
#include "json_log.h"

#define AWAY_LEAST_MS 10000 /* a quota, or a disk that fails: room alone does not say that it is well */
#define AWAY_DOUBLINGS 2    /* where it refused again soon after */
#define SOON_MS 60000

/* ---- before the first state ---- */

#define PROBE "probe"

/* What refused; 0: nothing did. */
static int file_try(const char *directory) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" PROBE, directory) >= (int)sizeof path) return ENAMETOOLONG;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return errno;
    int cause = write(file, PROBE, sizeof PROBE - 1) < 0 || fsync(file) < 0 ? errno : 0;
    close(file);
    return unlink(path) < 0 && !cause ? errno : cause;
}

static const char *advice(int cause) {
    switch (cause) {
    case ENOENT: return "Make the directory that it is to lie in.";
    case ENOTDIR: return "A part of the path is a file: name a directory.";
    case EACCES:
    case EPERM: return "Give it to the user that runs this, who alone should read it.";
    case EROFS: return "Mount the file system for writing, or name a directory on another.";
    default: return "Name a directory on a local disk that this user may write.";
    }
}

int disk_try(const struct config *config, struct failure *failure) {
    const char *path = config->state.dir;
    int cause = mkdir(path, 0700) < 0 && errno != EEXIST ? errno : 0;
    const char *unsafe = cause ? NULL : store_unsafe_filesystem(path);
    if (unsafe)
        return fail(failure, EXIT_CONFIGURATION, "state.dir: %s is on %s, where memory maps and locks do not hold. Name a directory on a local disk.",
                    path, unsafe);
    if (!cause) cause = file_try(path);
    if (!cause || cause == ENOSPC || cause == EDQUOT || cause == EIO) return 0;
    return fail(failure, EXIT_CONFIGURATION, "state.dir: %s cannot be written: %s. %s", path, strerror(cause), advice(cause));
}

/* ---- the fate ---- */

void disk_refused(struct disk_fate *fate) { atomic_store(&fate->refused, true); }

/* In thousandths of the file system, for whoever is not root; -1: it does not say. */
static int64_t free_thousandths(const char *path) {
    struct statvfs filesystem;
    if (statvfs(path, &filesystem) < 0 || filesystem.f_blocks == 0) return -1;
    return (int64_t)(filesystem.f_bavail * 1000 / filesystem.f_blocks);
}

static void show(const struct config *config, struct health *health, int64_t free) {
    char text[400];
    if (free < 0)
        snprintf(text, sizeof text, "%.200s: %s", config->state.dir, strerror(errno));
    else
        snprintf(text, sizeof text, "%.200s refuses to be written to: out of the group until %d %% are free; %" PRId64 ".%" PRId64 " %% are",
                 config->state.dir, DISK_FREE_PERCENT, free / 10, free % 10);
    health_set(health, HEALTH_DISK, text);
}

static void leave(struct disk_fate *fate, const struct config *config, struct metrics *metrics) {
    int64_t now_ms = monotonic_ms();
    fate->times = fate->back_ms && now_ms - fate->back_ms < SOON_MS ? fate->times + 1 : 0;
    fate->since_ms = now_ms;
    fate->away = true;
    metrics_set(metrics, METRIC_DISK_REFUSED, METRICS_OF_PROCESS, 0, 0, 1);
    json_log(LEVEL_ERROR, "disk_refused", LOG_TEXT("directory", config->state.dir), LOG_NUMBER("free_percent", free_thousandths(config->state.dir) / 10),
             LOG_TEXT("text", "the state cannot be written: the group is left, others go on"));
}

static void come_back(struct disk_fate *fate, const struct config *config, struct health *health, struct metrics *metrics, int64_t free) {
    fate->away = false;
    fate->back_ms = monotonic_ms();
    atomic_store(&fate->refused, false);
    health_set(health, HEALTH_DISK, NULL);
    metrics_set(metrics, METRIC_DISK_REFUSED, METRICS_OF_PROCESS, 0, 0, 0);
    json_log(LEVEL_INFO, "disk_back", LOG_TEXT("directory", config->state.dir), LOG_NUMBER("free_percent", free / 10));
}

int disk_follow(struct disk_fate *fate, const struct config *config, struct health *health, struct metrics *metrics) {
    if (!disk_is_refused(fate)) return 0;
    int64_t free = free_thousandths(config->state.dir);
    show(config, health, free);
    if (!fate->away) {
        leave(fate, config, metrics);
        return 1;
    }
    int64_t least_ms = (int64_t)AWAY_LEAST_MS << (fate->times < AWAY_DOUBLINGS ? fate->times : AWAY_DOUBLINGS);
    if (free < 10 * DISK_FREE_PERCENT || monotonic_ms() - fate->since_ms < least_ms) return 0;
    come_back(fate, config, health, metrics, free);
    return -1;
}
