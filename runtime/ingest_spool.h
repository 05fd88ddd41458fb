/*
 * ingest_spool: keeps input that cannot be read twice (standard input, pipes) in DIR/inbox until it is folded.
 *
 * A spooled file's name is the hash of its content, given when all of it is there and durable; so whatever has such a name is complete,
 * and a run that was stopped is gone on with from here.
 */
#ifndef RINGBACK_INGEST_SPOOL_H
#define RINGBACK_INGEST_SPOOL_H

#include "data_dir.h"
#include "place.h"

/* Copies all of `fd` into the inbox; `path` is where it lies then. 0, -1 (described; nothing is left behind). */
int spool(int fd, const struct data_dir *dir, char path[PATH_MAX], struct failure *failure);

/* Calls back with the path of each spooled file that is there, in the order of their names. What an earlier run had not read to its end is
 * removed, and said. */
int spool_each(const struct data_dir *dir, void (*each)(void *context, const char *path), void *context, struct failure *failure);

/* Removes a spooled file after it was folded. */
int spool_remove(const struct data_dir *dir, const char *path, struct failure *failure);

#endif
