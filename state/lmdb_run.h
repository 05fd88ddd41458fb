/*
 * lmdb_run: one sorted run, as it is written and as it is read. Internal to lmdb_runs.
 *
 * A run is chunks of entries and a filter, all in one tree. Keys there: the table (byte; of a filter with its highest bit), the run's number (u32),
 * of a chunk the key of its last entry. A chunk fills a page of its own, unless one entry is longer than that:
 *
 *      0  u32       entries
 *      4  u32 each  where the entry begins, from the beginning of the chunk
 *         entries   u16 bytes of the key, u16 1: removed here, u32 bytes of the value, key, value
 *
 * Numbers are in the machine's order. A filter is blocks of 64 bytes; an entry's key (lmdb_run_hash) sets 7 bits of one of them.
 * Results are LMDB codes.
 */
#ifndef RINGBACK_LMDB_RUN_H
#define RINGBACK_LMDB_RUN_H

#include <lmdb.h>
#include "store.h"

#define RUN_FRONT_BYTES 5 /* of a key, before the entry's own */

/* As the list of runs holds it. */
struct run {
    uint64_t entries, bytes;
    uint32_t number;
    uint8_t table, level;
    uint8_t pad[2];
};

struct entry {
    MDB_val key, value;
    bool removed;
};

/* By which filters tell runs apart. */
uint64_t lmdb_run_hash(enum table table, MDB_val key);
bool lmdb_run_may_have(MDB_val filter, uint64_t hash);
int lmdb_run_filter(MDB_txn *txn, MDB_dbi runs, const struct run *run, MDB_val *filter);

/* ---- writing ---- */

struct run_writer {
    struct run run;
    MDB_txn *txn;
    MDB_dbi runs;
    uint8_t *chunk; /* entries of the chunk being filled; owned */
    size_t size, room;
    uint32_t *places; /* owned */
    uint32_t count, places_room;
    uint32_t last_key; /* where in the chunk the last entry's key stands */
    uint16_t last_key_bytes;
    uint8_t *filter; /* owned */
    size_t filter_bytes;
};

/* Of at most `entries` entries. */
int run_writer_begin(struct run_writer *writer, MDB_txn *txn, MDB_dbi runs, const struct run *run, uint64_t entries);
int run_writer_add(struct run_writer *writer, const struct entry *entry); /* greater than the one before */
int run_writer_end(struct run_writer *writer);                            /* writer->run then says what it has */
void run_writer_free(struct run_writer *writer);

/* ---- reading ---- */

struct run_reader {
    struct entry entry; /* where it stands */
    bool ended;         /* behind the last */
    bool copies;        /* runs are written meanwhile: chunks are copied */
    uint32_t number;
    uint8_t table;
    MDB_val chunk;
    uint32_t count, index;
    uint8_t *copy; /* owned */
    size_t room;
};

/* To the first entry >= `from`. `cursor`: any of the tree of runs. */
int run_reader_seek(struct run_reader *reader, MDB_cursor *cursor, const struct run *run, MDB_val from);
int run_reader_next(struct run_reader *reader, MDB_cursor *cursor);
void run_reader_free(struct run_reader *reader);

/* Removes some of a run: at most *budget entries of its tree, less what was removed; *gone: all of it. */
int lmdb_run_remove(MDB_cursor *cursor, uint8_t table, uint32_t number, unsigned *budget, bool *gone);

int lmdb_run_compare(MDB_val left, MDB_val right);

#endif
