/*
 * Disks: each state directory is a store in memory that outlives the process. A commit is kept by kill -9; after a power cut a state that was
 * not closed is refused, as LMDB's is by its boot id (state/README.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "../../processors/fold.h"
#include "../../runtime/place.h"
#include "../../state/store_side.h"
#include "sim.h"

int __wrap_store_open_lmdb(struct store **store, const char *path, char *error, size_t error_size);
int __wrap_store_erase_lmdb(const char *path, char *error, size_t error_size);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_statvfs(const char *path, struct statvfs *filesystem);
int __wrap_disk_try(const struct config *config, struct failure *failure);

static struct disk {
    struct store *store; /* NULL: nothing is there */
    bool open, clean, dirty;
    struct instance *instance;
    int partition;
} disks[SIM_INSTANCES_MAX][SIM_PARTITIONS_MAX];

struct disk_commit *disk_commits;
size_t disk_commit_count;
static size_t disk_commit_room;

static const struct store_side *memory_side;
static struct store_side disk_side; /* the memory's, with a disk's ways of failing */

static struct disk *disk_of(const struct store *store) {
    for (int i = 0; i < SIM_INSTANCES_MAX; i++)
        for (int p = 0; p < SIM_PARTITIONS_MAX; p++)
            if (disks[i][p].store == store) return &disks[i][p];
    sim_fail("a store of no disk");
}

static void note_commit(const struct disk *disk) {
    struct place place;
    struct fold_status status;
    if (place_load(disk->store, &place) != 0 || fold_view_status(disk->store, &status) != 0) return;
    if (disk_commit_count == disk_commit_room)
        disk_commits = realloc(disk_commits, (disk_commit_room = disk_commit_room ? 2 * disk_commit_room : 256) * sizeof *disk_commits);
    struct disk_commit *commit = &disk_commits[disk_commit_count++];
    *commit = (struct disk_commit){.instance = disk->instance->number,
                                   .partition = disk->partition,
                                   .sequence = place.log.sequence,
                                   .seal_at = place.log.seal_at,
                                   .state_hash = status.state_hash,
                                   .at = sim_now()};
    memcpy(commit->seal_hash, place.log.seal_hash, SEAL_HASH_BYTES);
}

static int disk_commit(struct store *store) {
    struct disk *disk = disk_of(store);
    sim_point("before store_commit");
    if (sim_now() < disk->instance->full_until) {
        memory_side->abort(store);
        return store_say(store->error, sizeof store->error, STORE_ERROR_FULL, "no space left on the simulated disk");
    }
    store->begun = true; /* so that it can still be looked at */
    note_commit(disk);
    store->begun = false;
    int code = memory_side->commit(store);
    disk->clean = false;
    sim_point("after store_commit");
    return code;
}

static int disk_sync(struct store *store) {
    sim_point("store_sync");
    return memory_side->sync(store);
}

static void disk_close(struct store *store) {
    struct disk *disk = disk_of(store);
    sim_point("before store_close");
    disk->open = false;
    disk->clean = true;
}

static void disk_erase(struct disk *disk) {
    if (disk->store) memory_side->close(disk->store);
    disk->store = NULL;
    disk->dirty = false;
}

static struct disk *disk_at(const char *path) {
    int instance, partition;
    if (sscanf(path, "/sim/%d/%d/state", &instance, &partition) != 2) sim_fail("a state at %s", path);
    struct disk *disk = &disks[instance][partition];
    disk->instance = &sim_instances[instance];
    disk->partition = partition;
    return disk;
}

int __wrap_store_open_lmdb(struct store **store, const char *path, char *error, size_t error_size) {
    struct disk *disk = disk_at(path);
    *store = NULL;
    sim_point("before store_open");
    if (disk->open) return store_say(error, error_size, STORE_ERROR_BUSY, "the state is open already");
    if (disk->dirty) return store_say(error, error_size, STORE_ERROR_DIRTY, "left unclean under another boot");
    if (!disk->store) {
        store_open_memory(&disk->store);
        memory_side = disk->store->side;
        disk_side = *memory_side;
        disk_side.commit = disk_commit;
        disk_side.sync = disk_sync;
        disk_side.close = disk_close;
        disk->store->side = &disk_side;
        disk->clean = true;
    }
    disk->open = true;
    *store = disk->store;
    return 0;
}

int __wrap_store_erase_lmdb(const char *path, char *error, size_t error_size) {
    struct disk *disk = disk_at(path);
    sim_point("before store_erase");
    if (disk->open) return store_say(error, error_size, STORE_ERROR_BUSY, "the state is open");
    disk_erase(disk);
    return 0;
}

int __wrap_mkdir(const char *path, mode_t mode) {
    (void)path;
    (void)mode;
    return 0;
}

int __wrap_statvfs(const char *path, struct statvfs *filesystem) {
    int instance;
    if (sscanf(path, "/sim/%d", &instance) != 1) sim_fail("a file system at %s", path);
    *filesystem = (struct statvfs){.f_blocks = 1000, .f_bavail = sim_now() < sim_instances[instance].full_until ? 0 : 900};
    return 0;
}

int __wrap_disk_try(const struct config *config, struct failure *failure) {
    (void)config;
    (void)failure;
    return 0;
}

void disk_killed(struct instance *instance) {
    for (int p = 0; p < SIM_PARTITIONS_MAX; p++) {
        struct disk *disk = &disks[instance->number][p];
        if (!disk->open) continue;
        if (disk->store->begun) memory_side->abort(disk->store);
        disk->store->begun = false;
        disk->open = false;
    }
}

void disk_power_cut(struct instance *instance) {
    for (int p = 0; p < SIM_PARTITIONS_MAX; p++) {
        struct disk *disk = &disks[instance->number][p];
        if (disk->store && !disk->clean) disk->dirty = true;
    }
}

struct store *disk_state(int instance, int partition) { return disks[instance][partition].store; }
