/*
 * reader: folds a journal that is already written, and checks every seal (ARCHITECTURE 1: only writing emits, reading never does).
 *
 * It brings a state that fell behind up to the last seal, builds one anew, and proves that the same journal gives the same outputs
 * and the same state, in whatever batches the store commits.
 */
#ifndef RINGBACK_READER_H
#define RINGBACK_READER_H

#include "place.h"

struct reader_options {
    int64_t batch;       /* the store commits after so many records; 0: at seals only, about every TRANSACTION_RECORDS_MAX records */
    struct log *outputs; /* where outputs are written again; NULL: nowhere */
    void (*progress)(void *context, int64_t at, int64_t end,
                     uint64_t records); /* after each commit: bytes of the journal read, and all; may be NULL */
    void *context;
};

/*
 * Reads `journal` from where it was opened to its last seal. The state in `store` stands at *place (no transaction open), which
 * moves along. 0; -1 described in `failure`: the journal is damaged, or this program's outputs or state are not what a seal says.
 */
int reader_run(struct store *store, struct log *journal, struct place *place, const struct reader_options *options, uint64_t *records,
               struct failure *failure);

/* The place of a state that has seen nothing of journal `journal_id`. */
struct place place_at_beginning(const char *journal_id);

#endif
