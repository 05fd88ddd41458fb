/*
 * rekey: `ringback rekey`: writes topics that are not keyed by tenant into the sources, exactly once, and tells how far it has read
 * (docs/decisions/0010-re-keying.md).
 *
 * One thread. Of all instances the one that the group gives partition 0 of the first origin works, the others stand by.
 */
#ifndef RINGBACK_REKEY_H
#define RINGBACK_REKEY_H

#include <stdatomic.h>

#include "config.h"

/* Runs until *stop is set, then commits what is open and leaves the group. 0; -1 described in `failure`. */
int rekey_run(const struct config *config, const atomic_bool *stop, struct failure *failure);

#endif
