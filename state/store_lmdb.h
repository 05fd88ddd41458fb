/* store_lmdb: what only the tests of the LMDB side need besides store.h. Internal to state/. */
#ifndef RINGBACK_STORE_LMDB_H
#define RINGBACK_STORE_LMDB_H

#include "store.h"

/* store_open_lmdb with another size of the first map, so that growing it can be seen with little data. */
int store_open_lmdb_sized(struct store **store, const char *path, size_t map_bytes, char *error, size_t error_size);

#endif
