#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_dir.h"
#include "place.h"

#define NAME_DIGITS 20
#define SNAPSHOTS_MAX 200
#define ERROR_BYTES 600

struct room {
    int32_t partition;
    char data[PATH_MAX - 64], state[PATH_MAX], base[PATH_MAX - 64], fresh[PATH_MAX];
};

static int room_find(struct room *room, const struct config *config, int32_t partition, struct failure *failure) {
    if (!config->snapshot.dir) return fail(failure, EXIT_CONFIGURATION, "%s: snapshot.dir is not set.", config->file);
    room->partition = partition;
    bool fits = snprintf(room->data, sizeof room->data, "%s/%" PRId32, config->state.dir, partition) < (int)sizeof room->data &&
                snprintf(room->state, sizeof room->state, "%s/state", room->data) < (int)sizeof room->state &&
                snprintf(room->base, sizeof room->base, "%s/%" PRId32, config->snapshot.dir, partition) < (int)sizeof room->base &&
                snprintf(room->fresh, sizeof room->fresh, "%s/new", room->base) < (int)sizeof room->fresh;
    return fits ? 0 : fail(failure, EXIT_CONFIGURATION, "snapshot.dir, state.dir: the path is too long.");
}

static int make(const char *path, struct failure *failure) {
    return mkdir(path, 0700) < 0 && errno != EEXIST ? fail_errno(failure, "make the directory", path) : 0;
}

static void snapshot_remove(const char *path) {
    char error[ERROR_BYTES], owner[PATH_MAX + 8];
    if (access(path, F_OK) < 0 || store_erase_lmdb(path, error, sizeof error) < 0) return;
    snprintf(owner, sizeof owner, "%s/OWNER", path);
    unlink(owner);
    rmdir(path);
}

/* The seal at which a state of the partition stands; -1: it cannot be used. */
static int64_t seal_of(const struct room *room, const char *path) {
    char error[ERROR_BYTES];
    struct store *store;
    struct place place;
    if (store_open_lmdb_reader(&store, path, error, sizeof error) < 0) return -1;
    int code = store_begin(store);
    if (code == 0) code = place_load(store, &place);
    store_close(store);
    return code == 0 && place.log.partition == room->partition ? place.log.sequence : -1;
}

static int newest_first(const void *left, const void *right) {
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a < b) - (a > b);
}

/* The seals of which there is a snapshot, the newest first. */
static int list(const char *base, int64_t seals[SNAPSHOTS_MAX]) {
    DIR *directory = opendir(base);
    int count = 0;
    if (!directory) return 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL && count < SNAPSHOTS_MAX;)
        if (strspn(entry->d_name, "0123456789") == NAME_DIGITS && !entry->d_name[NAME_DIGITS]) seals[count++] = strtoll(entry->d_name, NULL, 10);
    closedir(directory);
    qsort(seals, (size_t)count, sizeof *seals, newest_first);
    return count;
}

static const char *path_of(const struct room *room, int64_t seal, char path[PATH_MAX]) {
    snprintf(path, PATH_MAX, "%s/%0*" PRId64, room->base, NAME_DIGITS, seal);
    return path;
}

static int keep_newest(const struct room *room, int64_t keep, struct failure *failure) {
    int64_t seals[SNAPSHOTS_MAX];
    char path[PATH_MAX];
    for (int n = list(room->base, seals); n-- > keep;) snapshot_remove(path_of(room, seals[n], path));
    return directory_sync(room->base, failure);
}

int snapshot_take(const struct config *config, int32_t partition, int64_t *seal, struct failure *failure) {
    struct room room;
    int64_t seals[SNAPSHOTS_MAX];
    char error[ERROR_BYTES], path[PATH_MAX], data[PATH_MAX + 16];
    if (room_find(&room, config, partition, failure) < 0) return -1;
    snprintf(data, sizeof data, "%s/data.mdb", room.state);
    if (access(data, F_OK) < 0) return 0;
    if (make(config->snapshot.dir, failure) < 0 || make(room.base, failure) < 0) return -1;
    snapshot_remove(room.fresh); /* half of one, of a process that was killed */
    int code = store_copy_lmdb(room.state, room.fresh, error, sizeof error);
    if (code < 0) return fail_store(failure, code, room.state, error);
    *seal = seal_of(&room, room.fresh);
    bool is_new = *seal >= 0 && (list(room.base, seals) == 0 || *seal > seals[0]);
    if (!is_new) snapshot_remove(room.fresh);
    if (!is_new) return 0;
    if (rename(room.fresh, path_of(&room, *seal, path)) < 0) return fail_errno(failure, "name the snapshot", path);
    return keep_newest(&room, config->snapshot.keep, failure) < 0 ? -1 : 1;
}

/* The newest that opens; -1: there is none. */
static int64_t newest(const struct room *room) {
    int64_t seals[SNAPSHOTS_MAX];
    char path[PATH_MAX];
    int count = list(room->base, seals);
    for (int n = 0; n < count; n++)
        if (seal_of(room, path_of(room, seals[n], path)) == seals[n]) return seals[n];
    return -1;
}

int snapshot_restore(const struct config *config, int32_t partition, bool over_newer, int64_t *seal, struct failure *failure) {
    struct room room;
    char error[ERROR_BYTES], path[PATH_MAX];
    if (room_find(&room, config, partition, failure) < 0) return -1;
    *seal = newest(&room);
    if (*seal < 0) return 0;
    int64_t stands = seal_of(&room, room.state);
    if (stands > *seal && !over_newer)
        return fail(failure, EXIT_FAILED,
                    "%s stands at seal %" PRId64 ", the newest snapshot at seal %" PRId64 ": nothing was changed. The state is nearer to the "
                    "journal's end, and may hold what the journal has lost; --discard-newer puts the snapshot in its place.",
                    room.state, stands, *seal);
    if (make(config->state.dir, failure) < 0 || make(room.data, failure) < 0) return -1;
    int code = store_copy_lmdb(path_of(&room, *seal, path), room.state, error, sizeof error);
    return code < 0 ? fail_store(failure, code, path, error) : 1;
}
