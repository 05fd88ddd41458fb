/*
 * store: ordered tables of bytes with one writer, the port behind which state is kept (ARCHITECTURE 2, 3).
 *
 * Two sides: LMDB on disk (store_lmdb.c and lmdb_environment.[ch], the only places that include lmdb.h) and a tree in memory
 * (store_memory.c) for tests and simulation. Both pass the same tests and give the same order: keys compare bytewise, shorter first.
 *
 * One owner: no call here is safe from two threads at once. Slices returned point into the store and are valid until the
 * next put, delete, commit, abort or close. Keys are 1 to 506 bytes.
 * Errors: 0 is success, STORE_ABSENT a documented local condition, negative is fatal for the transaction: until the caller aborts it
 * (and reports store_error()) every call repeats the error. STORE_RETRY alone is recoverable: abort, begin, and do all of the
 * transaction again. Not across fork().
 */
#ifndef RINGBACK_STORE_H
#define RINGBACK_STORE_H

#include <stddef.h>
#include "../schemas/codec/str.h"

enum table {
    TABLE_META,      /* format (the store's own), seal, clock: see state/README.md */
    TABLE_CALLS,     /* tenant, start, call -> the call with its events and rows */
    TABLE_TIMERS,    /* deadline, kind, tenant, id -> nothing */
    TABLE_PARTIES,   /* tenant, caller or customer -> what of theirs is indexed */
    TABLE_STARTS,    /* tenant, call -> its start */
    TABLE_JOBS,      /* tenant, job -> the job */
    TABLE_WAITING,   /* tenant, call, event -> an event whose call has not started yet */
    TABLE_COMMANDS,  /* until when it is known, tenant, command -> its result */
    TABLE_DIRECTORY, /* tenant, what, id -> names, numbers, roles, settings, counters */
    TABLE_SOURCES,   /* source -> name, content hash, next offset */
    TABLES
};

enum {
    STORE_ABSENT = 1,        /* no such key; the cursor ran out */
    STORE_ERROR_IO = -1,     /* the disk refused; see store_error() */
    STORE_ERROR_FULL = -2,   /* no space left on the disk */
    STORE_ERROR_BUSY = -3,   /* another process owns the directory */
    STORE_ERROR_FORMAT = -4, /* written by a newer version, or not ours */
    STORE_ERROR_DIRTY = -5,  /* left unclean under another boot of the machine, or damaged: rebuild from the journal */
    STORE_ERROR_MEMORY = -6,
    STORE_RETRY = -7,       /* the map was too small for this transaction; the next begin grows it */
    STORE_ERROR_MISUSE = -8 /* the caller broke a rule of this header */
};

struct store;

/* Name of the file system at `path` ("NFS") where it is one that the LMDB side refuses, because memory maps and locks do not hold there; NULL:
 * it is none, or cannot be asked. */
const char *store_unsafe_filesystem(const char *path);

/* Opens (makes, if need be) the LMDB environment in directory `path` for writing. Takes the directory's OWNER lock,
 * and marks it dirty from its making, or the first commit, to close. On error *store is NULL and `error` (error_size bytes) says what is wrong and
 * what to do. */
int store_open_lmdb(struct store **store, const char *path, char *error, size_t error_size);

/* Opens an existing environment for reading only, beside a writer in this or another process: each begin takes a snapshot, end it
 * with abort, and soon: pages that a snapshot needs are not reused, and the map cannot grow while this process has one open.
 * Beside its writer a reader may live in another thread. In the process of a reader that came first a writer waits 5 s for it to be closed, and
 * then is STORE_ERROR_BUSY. */
int store_open_lmdb_reader(struct store **store, const char *path, char *error, size_t error_size);

/* Removes what store_open_lmdb made in `path` (after STORE_ERROR_DIRTY); the next open starts empty. STORE_ERROR_BUSY where it is owned,
 * or open for reading in this process and not closed within 5 s. */
int store_erase_lmdb(const char *path, char *error, size_t error_size);

/* Copies the state in `from`, as last committed, without its free pages, to the directory `into`; on the disk and clean when it returns 0. What
 * was there is replaced once the copy is whole, not before: STORE_ERROR_BUSY as of store_erase_lmdb. `from` may have its writer, here or in another
 * process. In this process the copy gives way: where the map of `from` has to grow, or a writer opens it or somebody erases it,
 * it ends with STORE_ERROR_BUSY. A snapshot is made so, and restored so. */
int store_copy_lmdb(const char *from, const char *into, char *error, size_t error_size);

int store_open_memory(struct store **store);

/* Syncs, marks clean, frees. An open transaction is aborted. NULL is fine. */
void store_close(struct store *store);

/* Text of the last error of this store, valid until the next call. */
const char *store_error(const struct store *store);

/* One transaction at a time; reads and writes need one open. */
int store_begin(struct store *store);  /* grows the map when it must; STORE_ERROR_BUSY while snapshots in this process hold it */
int store_commit(struct store *store); /* on any outcome the transaction is over */
void store_abort(struct store *store);

int store_get(struct store *store, enum table table, struct str key, struct str *value); /* 0, STORE_ABSENT, error */
int store_put(struct store *store, enum table table, struct str key, struct str value);  /* inserts or replaces; an empty value is fine */
int store_delete(struct store *store, enum table table, struct str key);                 /* 0, STORE_ABSENT, error */

/* The first entry with a key >= `from` (an empty `from`: the first of all). Slices as store_get. */
int store_seek(struct store *store, enum table table, struct str from, struct str *key, struct str *value);
/* The entry after the one that seek or next last returned for this table (STORE_ABSENT where that was absent); only while
 * nothing was written in between. */
int store_next(struct store *store, enum table table, struct str *key, struct str *value);

/* In a transaction. entries: at most so many, in some tables. bytes_used is the extent of the committed file, pages to be reused included. */
struct store_stats {
    uint64_t entries[TABLES];
    uint64_t bytes_used, bytes_mapped;
};
int store_stats(struct store *store, struct store_stats *stats);

/* For a caller that finds what it never wrote: this call and all others of the transaction are STORE_ERROR_DIRTY. */
int store_distrust(struct store *store);

/* Flushes what was committed to the disk itself. Where that fails the directory is not trusted any more: the next open is
 * STORE_ERROR_DIRTY. */
int store_sync(struct store *store);

#endif
