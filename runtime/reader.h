/*
 * reader: folds a journal that is already written, and checks every seal (ARCHITECTURE 1: only writing emits, reading never does).
 *
 * It brings a state that fell behind up to the last seal, builds one anew, and proves that the same journal gives the same outputs
 * and the same state, in whatever batches the store commits. Asked to (struct reader_query), it stops earlier, leaves tenants out or
 * assumes other settings, and tells what happens on the way: that is what reports of the past, explain, what-if and verify are made of
 * (replay.h). With tenants left out or settings assumed, seals have nothing to be held against.
 */
#ifndef RINGBACK_READER_H
#define RINGBACK_READER_H

#include "../processors/fold.h"
#include "place.h"

/* Where reading stands. The store has a transaction open; views of it (fold.h) show what was flushed: fold_flush first. */
struct reader_at {
    struct store *store;
    struct fold *fold;
    const struct place *place;
    const struct journal_record *record; /* valid during the call */
    struct str event_bytes;              /* of an event as journalled; null for other records */
    int64_t number;                      /* of the record in what is read, from 0 */
    int64_t block_at;                    /* where in the journal its block begins, bytes */
};

/* A value that a setting has all the time and for everybody, whatever the journal says (fold_assume). */
struct assumption {
    struct str key, value;
};

/* What is asked of a journal while it is read. Hooks may be NULL; they return 0 to go on, > 0 to stop with success, < 0 with the failure
 * described. */
struct reader_query {
    int64_t until; /* stops before the record that would move stream time past it; NONE: the last seal */
    /* Folds the records of this tenant and of the network alone, null: all. The others' events still move the clock (unless a repeated id came
     * with another time, which only their own state would tell). Numbers of outputs are then not those that were written, and newer
     * rules judge calls again at other records. */
    struct str tenant;
    const struct assumption *assumptions;
    size_t assumption_count;
    int (*before)(void *context, const struct reader_at *at); /* each record that is folded */
    int (*after)(void *context, const struct reader_at *at);
    fold_emit *output; /* in between */
    int (*sealed)(void *context, const struct reader_at *at); /* after a seal: flushed, *place stands there */
    /* In place of the failure where outputs, their number or the state are not what a seal says; `what` names which ("other outputs"). */
    int (*differs)(void *context, const struct reader_at *at, const char *what);
    void *context;
};

/* What reading came to. */
struct reader_counts {
    uint64_t records;    /* folded */
    uint64_t uncompared; /* seals by a program that lays the state out otherwise: their hash of the state says nothing to this one */
};

struct reader_options {
    const struct reader_query *query; /* NULL: everything is read, nothing asked */
    int64_t batch;       /* the store commits after so many records; 0: at seals only, about every TRANSACTION_RECORDS_MAX records */
    struct log *outputs; /* where outputs are written again; NULL: nowhere */
    void (*progress)(void *context, int64_t at, int64_t end,
                     uint64_t records); /* after each commit: bytes of the journal read, and all; may be NULL */
    void *context;
};

/*
 * Reads `journal` from where it was opened to its last seal. The state in `store` stands at *place (no transaction open), which
 * moves along; where a query stopped between two seals, place->beyond says so. `counts` may be NULL. 0; -1 described in `failure`: the journal is damaged, or this
 * program's outputs or state are not what a seal says.
 */
int reader_run(struct store *store, struct log *journal, struct place *place, const struct reader_options *options,
               struct reader_counts *counts, struct failure *failure);

#endif
