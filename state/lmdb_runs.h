/*
 * lmdb_runs: the tables whose keys come in no order, as sorted runs (docs/decisions/0021). Internal to the LMDB side of the store.
 *
 * An entry goes into the table's own tree. When that has grown it is written out as a run, sorted, never changed again, and emptied; runs are
 * merged into longer ones, some at each commit. So a new entry costs its share of pages that are written whole, not a page of its own somewhere in
 * a large tree. What is asked for is looked for in the tree, then in the runs from the newest to the oldest; a filter says of most runs that they do
 * not have it.
 *
 * Results are LMDB codes (0, MDB_*, errno). Slices returned are good until the next write or the end of the transaction. As the store, of one thread.
 */
#ifndef RINGBACK_LMDB_RUNS_H
#define RINGBACK_LMDB_RUNS_H

#include <lmdb.h>
#include "store.h"

struct lmdb_runs;

/* Where they lie, in the open transaction. */
struct lmdb_runs_place {
    MDB_txn *txn;
    const MDB_dbi *tables; /* by enum table: the trees */
    const MDB_dbi *runs;   /* the runs of all tables, and the list of them */
};

struct lmdb_runs *lmdb_runs_new(void); /* NULL: no memory */
void lmdb_runs_free(struct lmdb_runs *runs);

/* Whether a table is one of those. All others are none of our business. */
bool lmdb_runs_hold(enum table table);

/* A transaction has begun. `alone`: nobody else can have written since the last one ended well. */
void lmdb_runs_begin(struct lmdb_runs *runs, const struct lmdb_runs_place *place, bool alone);
/* Before a transaction ends, however it does. */
void lmdb_runs_end(struct lmdb_runs *runs);
/* What settling did was not committed: merges that were under way begin again. Nothing else changes lists or merges. */
void lmdb_runs_forget(struct lmdb_runs *runs);

int lmdb_runs_get(struct lmdb_runs *runs, enum table table, MDB_val key, MDB_val *value);
int lmdb_runs_put(struct lmdb_runs *runs, enum table table, MDB_val key, MDB_val value);
int lmdb_runs_remove(struct lmdb_runs *runs, enum table table, MDB_val key);

/* The first entry >= `from` (empty: of all). */
int lmdb_runs_seek(struct lmdb_runs *runs, enum table table, MDB_val from, MDB_val *key, MDB_val *value);
/* The one behind it, where nothing was written since. */
int lmdb_runs_next(struct lmdb_runs *runs, enum table table, MDB_val *key, MDB_val *value);

/* Before a commit: writes out trees that have grown, goes on with merges, removes what was merged. */
int lmdb_runs_settle(struct lmdb_runs *runs);

/* How many entries a table has at most: some may be repeated or removed. */
int lmdb_runs_entries(struct lmdb_runs *runs, enum table table, uint64_t *entries);

#endif
