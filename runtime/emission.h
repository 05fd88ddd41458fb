/*
 * emission: takes the outputs of a fold, encodes and hashes them, and appends them to a log where there is one to write to.
 *
 * Writer and reader use the same, so that what a reader checks is what the writer wrote.
 */
#ifndef RINGBACK_EMISSION_H
#define RINGBACK_EMISSION_H

#include "log.h"

struct emission {
    struct log *log; /* NULL: outputs are only hashed */
    struct failure *failure;
    struct XXH3_state_s *hash; /* of all outputs since the last seal, as encoded, in order */
    uint8_t *room;             /* where there is no log; owned */
    size_t capacity;
    uint64_t outputs; /* since open */
};

int emission_open(struct emission *emission, struct log *log, struct failure *failure);
void emission_close(struct emission *emission);

/* A fold_emit (fold.h); context is the emission. -1 is described in its failure. */
int emission_emit(void *context, const struct output *output);

/* XXH3-64 of the outputs since the call before, as a seal has it (journal.h). */
int64_t emission_digest(struct emission *emission);

#endif
