/*
 * writer: journals records, folds them from memory and emits, transaction by transaction (ARCHITECTURE 1).
 *
 * A transaction is some records and the seal that ends it. What is not sealed has not happened: after any failure close the writer,
 * the log and the store; the next open finds the last seal. What is sealed the state has when it is next committed: until then the
 * journal alone knows it, and a reader brings the state up.
 */
#ifndef RINGBACK_WRITER_H
#define RINGBACK_WRITER_H

#include "../processors/fold.h"
#include "place.h"
#include "tally.h"

#define TRANSACTION_RECORDS_MAX 50000 /* ARCHITECTURE 2 */

struct writer_options {
    int64_t transaction_records; /* when a transaction is due to be sealed */
    int64_t append_time;         /* ms UTC that every record is journalled at, for tests; NONE: the wall clock */
    struct tally *tally;         /* outputs are counted there; NULL: nowhere */
};

struct writer;

/* The state in `store` must stand at log->sealed (reader.h brings it there); `place` is what it remembers. Store, log and failure must
 * outlive the writer. All functions here return 0, or -1 described in `failure`. */
int writer_open(struct writer **writer, struct store *store, struct log *log, const struct place *place,
                const struct writer_options *options, struct failure *failure);
/* Forgets what was not sealed, and of the state what was not committed. NULL is fine. */
void writer_close(struct writer *writer);

/* Lists a source; *source is its number from now on. */
int writer_list(struct writer *writer, enum source_kind kind, struct str name, struct str content_hash, int32_t *source);

/* Journals and folds one record. -1 with EXIT_CONFIGURATION where it activates rules that this program does not know. Its source, offset, type and body are the caller's; append_time is filled in here, and never goes
 * back. `event_bytes`: of an event its Avro form, valid during the call; null for other records. */
int writer_record(struct writer *writer, struct journal_record *record, struct str event_bytes);

/* As many records as a transaction may have. */
bool writer_is_due(const struct writer *writer);
int64_t writer_records(const struct writer *writer); /* in the open transaction */

/* Append times are the wall clock less this from now on: it is known to be ahead by so much, or behind where it is negative (ms). */
void writer_correct_clock(struct writer *writer, int64_t ahead_ms);

/* Ends the transaction: seals it with where the sources stand. The state's place is that seal, and `known` (known_count) is in it. */
int writer_seal(struct writer *writer, const struct seal_source *sources, uint32_t source_count, const struct known_source *known,
                size_t known_count);
/* Commits the state as of the last seal. Nothing is done where that is committed, or where records came after it. */
int writer_store(struct writer *writer);
int64_t writer_unstored(const struct writer *writer); /* records sealed since the state was last committed, seals too */

/* For counts and the summary; the fold's state is that of the last record. */
struct fold *writer_fold(struct writer *writer);
uint64_t writer_journalled(const struct writer *writer); /* records, seals and the writer's own not counted, since open */
int64_t writer_sequence(const struct writer *writer);    /* of the last seal; -1: none yet */

#endif
