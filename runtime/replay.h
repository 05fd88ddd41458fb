/*
 * replay: a journal read again into a state of its own, to answer a question about it (docs/decisions/0016).
 *
 * It never touches the state, the journal or the outputs of the data directory, and runs beside a writer: it reads up to the seal that was
 * the last when it was opened. Its state lies in memory where the journal is small, else in a directory below $TMPDIR (/var/tmp where that
 * is not set) whose names are removed before it is filled: memory stays bounded, and nothing is left behind, however the process ends.
 * What is asked, and what is told on the way, is a reader_query (reader.h).
 */
#ifndef RINGBACK_REPLAY_H
#define RINGBACK_REPLAY_H

#include "log.h"
#include "reader.h"

struct replay {
    struct log *journal;
    struct store *store; /* after replay_run: a transaction is open, for views (fold.h) */
    struct place place;  /* where the state stands; place.beyond != 0: between two seals */
    struct reader_counts counts;
    struct failure *failure;
};

/* Opens the journal of a data directory, and an empty state. -1: described in `failure`; closed again. */
int replay_open(struct replay *replay, const char *data, struct failure *failure);

/* Reads as the query says (NULL: to the last seal, asking nothing). `doing` stands in the line that tells how far it is, on a terminal; NULL:
 * no such line. Once. 0, or -1. */
int replay_run(struct replay *replay, const struct reader_query *query, const char *doing);

/* Forgets it all. Fine for one that is closed or all zeros. */
void replay_close(struct replay *replay);

/* Reads the records of a journal without folding them, as far as its last seal. `each` returns 0 to go on, > 0 to stop with success. */
int replay_scan(const char *data, int (*each)(void *context, const struct journal_record *record), void *context, struct failure *failure);

#endif
