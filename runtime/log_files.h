/*
 * log_files: the log port over container files in a data directory (data_dir.h, log.h).
 *
 * Journal: a transaction is blocks of records (about 128 KiB each), then one block that holds only the seal. Outputs: blocks are cut at
 * the same size and at every seal, so that the same journal gives the same files, byte for byte, whoever writes them and however often it
 * was stopped. Sync markers come from the journal id and the file's name.
 *
 * Opening recovers: the last good seal is found, and what lies behind it is cut and reported (complain); what is damaged before it
 * is a failure that names the file and the byte.
 */
#ifndef RINGBACK_LOG_FILES_H
#define RINGBACK_LOG_FILES_H

#include "../schemas/codec/container.h"
#include "data_dir.h"
#include "log.h"

/*
 * For writing; the caller owns the directory (DIR/state is open). Reading starts behind `remembered`, the place that the state
 * stands at, or at the beginning where it is NULL. A new journal gets `journal_id` (32 hex digits), or a random one where that is NULL.
 * Failures: 78 where another version wrote it; 1 where it is damaged, cut short, or not the journal that the state remembers.
 */
int log_files_open(struct log **log, const struct data_dir *dir, const struct log_place *remembered, const char *journal_id,
                   struct failure *failure);

/* For reading the journal from its beginning, also beside a writer: nothing is changed, what follows the last seal is left alone. */
int log_files_open_reader(struct log **log, const struct data_dir *dir, struct failure *failure);

/* Outputs alone, into an empty directory, for a journal that is read again. Its prepare does not wait for the disk. */
int log_files_open_outputs(struct log **log, const char *directory, const char *journal_id, struct failure *failure);

#endif
