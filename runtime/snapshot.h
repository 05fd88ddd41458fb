/*
 * snapshot: copies of a partition's state, from which it is restored where it was lost, so that only the journal since then is read.
 *
 *     snapshot.dir/PARTITION/SEAL/     a state directory (state/README.md) as of that seal, clean and on the disk
 *
 * A copy is a state as LMDB last committed it, so it stands at a seal, whatever is being folded. The journal decides whether it is believed:
 * its seal must be there.
 */
#ifndef RINGBACK_SNAPSHOT_H
#define RINGBACK_SNAPSHOT_H

#include "config.h"

/* Takes one, verifies that it opens, and removes all but the newest `snapshot.keep`. 1: *seal is its seal; 0: nothing is new, or there is no
 * state; -1 described. */
int snapshot_take(const struct config *config, int32_t partition, int64_t *seal, struct failure *failure);

/* Puts a copy of the newest that opens in the place of the partition's state, once it is whole. A state that opens and is newer is kept, which is
 * a failure, unless `over_newer`. 1: *seal is its seal; 0: there is none; -1 described. Where it is not 1 nothing was changed. */
int snapshot_restore(const struct config *config, int32_t partition, bool over_newer, int64_t *seal, struct failure *failure);

#endif
