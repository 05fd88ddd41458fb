/*
 * partition: one partition's state and log, opened and brought together (ARCHITECTURE 1, 2).
 *
 * The journal is the truth and the state follows it. What they can be found in, and what is done: runtime/README.md.
 */
#ifndef RINGBACK_PARTITION_H
#define RINGBACK_PARTITION_H

#include "data_dir.h"
#include "place.h"
#include "progress.h"

/* Opens DIR/state for writing and so owns the directory. A state that cannot be trusted is removed, and said: it is built again by
 * partition_open. */
int partition_open_state(struct store **store, const struct data_dir *dir, struct failure *failure);

/* Opens the log for writing and folds, silently, what the state has not seen. Then *place is that of the last seal. */
int partition_open(struct log **log, struct place *place, struct store *store, const struct data_dir *dir, const char *journal_id,
                   struct progress *progress, struct failure *failure);

#endif
