/*
 * lmdb_environment: an LMDB environment as the whole process shares it. Internal to the LMDB side of the store.
 *
 * LMDB must not be opened twice in a process: the second close would drop the first one's locks. So a reader beside the writer of
 * its own process gets the same environment, found by the inode of data.mdb: after another process erased the directory it is another. And
 * LMDB must not move its map under an open transaction of the process: so transactions are counted, and growing waits until there is none.
 *
 * A copy takes as long as the state is large, and nobody waits so long: it is cut short where the map has to grow, or the state to be opened for
 * writing or erased.
 *
 * Safe from any thread, but no environment outlives a fork(). Results are LMDB codes (0, MDB_*, errno) unless said otherwise.
 */
#ifndef RINGBACK_LMDB_ENVIRONMENT_H
#define RINGBACK_LMDB_ENVIRONMENT_H

#include <lmdb.h>
#include "lmdb_directory.h"

struct lmdb_environment {
    struct lmdb_environment *next;
    dev_t device; /* of data.mdb */
    ino_t inode;
    unsigned users;
    bool read_only;
    MDB_env *env;
    MDB_dbi tables[TABLES], runs;
    bool has_tables;       /* they stand */
    unsigned transactions; /* open now */
    bool resizing;         /* new ones wait */
    struct copy *copies;   /* being written */
    bool lost;             /* the map went and did not come back */
};

/* Shares or opens the environment of `directory`. A process that has it for reading cannot have it for writing: EBUSY, after readers had
 * 5 s to close it. */
int lmdb_environment_open(struct lmdb_environment **environment, const struct lmdb_directory *directory, const char *path, bool read_only,
                          size_t map_bytes);
void lmdb_environment_close(struct lmdb_environment *environment);
/* Whether this process has it open, and goes on for 5 s. */
bool lmdb_environment_in_use(const struct lmdb_directory *directory);

/* Around each transaction. */
int lmdb_environment_enter(struct lmdb_environment *environment);
void lmdb_environment_leave(struct lmdb_environment *environment);

/* Writes what was last committed to `file`, without free pages. ECANCELED where it was cut short: `file` is then a second number of
 * `directory`, any directory that is open for reading. */
int lmdb_environment_copy(struct lmdb_environment *environment, int file, int directory);

/* Before a write: doubles the map when more than half of it is used, or at once where `must`. EBUSY when readers do not give way. */
int lmdb_environment_make_room(struct lmdb_environment *environment, bool must);

/* After MDB_MAP_RESIZED: takes over the size that another process gave the map. */
int lmdb_environment_follow_map(struct lmdb_environment *environment);

void lmdb_environment_extent(struct lmdb_environment *environment, uint64_t *bytes_used, uint64_t *bytes_mapped);

#endif
