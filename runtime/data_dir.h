/*
 * data_dir: where things lie in a data directory (the DIR of `ringback fold --data DIR`).
 *
 *     DIR/journal.avro          the journal: container file of JournalRecord; the only truth
 *     DIR/outputs/TOPIC.avro    one container file an output topic, of [its record, Tombstone]; a function of the journal
 *     DIR/state/                LMDB: the fold's state as of a seal; a function of the journal, may be removed when nobody has it open
 *     DIR/inbox/                input that cannot be read twice (standard input, pipes), kept until it is folded
 *
 * Whoever writes any of it owns DIR/state (store.h: STORE_ERROR_BUSY for everybody else).
 */
#ifndef RINGBACK_DATA_DIR_H
#define RINGBACK_DATA_DIR_H

#include <limits.h>
#include "../schemas/codec/output.h"
#include "failure.h"

struct data_dir {
    char path[PATH_MAX - 64];
};

/* An existing data directory. -1: there is none, or it is no directory. */
int data_dir_open(struct data_dir *dir, const char *path, struct failure *failure);
/* Makes what is not there yet, the directory itself included (not its parents), for writing. -1 also where the directory holds files, but
 * none of ours. */
int data_dir_make(struct data_dir *dir, const char *path, struct failure *failure);

/* Paths; each fits PATH_MAX and is returned. */
const char *data_dir_journal(const struct data_dir *dir, char path[PATH_MAX]);
const char *data_dir_state(const struct data_dir *dir, char path[PATH_MAX]);
const char *data_dir_outputs(const struct data_dir *dir, char path[PATH_MAX]);
const char *data_dir_inbox(const struct data_dir *dir, char path[PATH_MAX]);

/* "followups.avro" */
const char *topic_file_name(enum topic topic);
#define JOURNAL_FILE_NAME "journal.avro"

/* Makes the names in a directory durable: after files were created, renamed or removed in it. */
int directory_sync(const char *path, struct failure *failure);

#endif
