/*
 * lmdb_directory: the files around an LMDB environment. Internal to state/.
 *
 *   OWNER  locked by the one process that writes; holds its pid, for messages only. Never removed: that would let two lock two files.
 *   STATE  `clean`, or `dirty <boot id>`: commits were made that may not all be on the disk. The page cache outlives a killed
 *          process but not the machine, so dirty under this boot is intact, dirty under another is not to be trusted.
 */
#ifndef RINGBACK_LMDB_DIRECTORY_H
#define RINGBACK_LMDB_DIRECTORY_H

#include <sys/types.h>
#include "store.h"

enum mark { MARK_CLEAN, MARK_DIRTY, MARK_DAMAGED /* dirty under no boot at all */ };

struct lmdb_directory {
    int fd;
    int owner_fd; /* -1 where it is not owned */
    bool dirty;   /* STATE says so, under this boot */
    char boot_id[40];
};

#define LMDB_DIRECTORY_CLOSED ((struct lmdb_directory){.fd = -1, .owner_fd = -1})

/* Opens `path` and refuses file systems that LMDB cannot live on. To own it: makes it (mode 0700) and takes the lock. Close it
 * whatever the result. Store errors. */
int lmdb_directory_open(struct lmdb_directory *directory, const char *path, bool own, char *error, size_t error_size);

/* Which file data.mdb is; false where there is none. */
bool lmdb_directory_find_data(const struct lmdb_directory *directory, dev_t *device, ino_t *inode);

/* Reads STATE into `dirty`; STORE_ERROR_DIRTY where what is there cannot be trusted. */
int lmdb_directory_check(struct lmdb_directory *directory, char *error, size_t error_size);

/* Replaces STATE, on the disk when it returns 0. */
int lmdb_directory_mark(struct lmdb_directory *directory, enum mark mark, char *error, size_t error_size);

/* The file data.new, empty, for what is to replace the state; nothing else is touched. The caller closes it. */
int lmdb_directory_new_data(struct lmdb_directory *directory, int *file, char *error, size_t error_size);
/* Puts data.new, which is on the disk, in the place of all that is there, clean; or removes it. */
int lmdb_directory_take_new_data(struct lmdb_directory *directory, char *error, size_t error_size);
void lmdb_directory_drop_new_data(struct lmdb_directory *directory);

/* Removes all but OWNER and the directory itself. */
int lmdb_directory_erase(struct lmdb_directory *directory, char *error, size_t error_size);

/* Bytes that an unprivileged process may still write, or INT64_MAX where that is not known. */
int64_t lmdb_directory_free_bytes(const struct lmdb_directory *directory);

void lmdb_directory_close(struct lmdb_directory *directory);

/* Name of a file system (statfs f_type) where shared memory maps or locks do not hold, else null. */
const char *lmdb_directory_unsafe_filesystem(uint32_t type);

#endif
