/*
 * verify_state: the state of a data directory against one that was made from its journal again, as of the same seal.
 *
 * Every entry of every table is compared, indexes and timers included. Of a call that is otherwise the fields are named, as far as they show.
 */
#ifndef RINGBACK_VERIFY_STATE_H
#define RINGBACK_VERIFY_STATE_H

#include "verify.h"

/* Both stores have a transaction open. `path` names the state for a person. Returns the number of entries compared; negative: a store's error, and
 * *failed is that store. */
int64_t verify_state(struct store *there, struct store *again, const char *path, struct findings *findings, const struct store **failed);

/* Started = sum of types + in progress, of every tenant (SPEC 2). Returns the number of tenants; negative: an error of the store. */
int64_t verify_balance(struct store *there, struct findings *findings);

#endif
