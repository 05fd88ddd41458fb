/*
 * verify_outputs: the output files of a data directory against outputs that come from a journal read again.
 *
 * Records are aligned by their dense numbers: one that is missing, or too many, is one finding. Of one that is otherwise the fields are
 * named. What lies behind the last seal is left alone: it is being written, or will be cut.
 */
#ifndef RINGBACK_VERIFY_OUTPUTS_H
#define RINGBACK_VERIFY_OUTPUTS_H

#include "data_dir.h"
#include "log.h"
#include "verify.h"

struct verify_outputs;

/* Maps the files of a data directory up to where the journal's last seal, `sealed`, says that they end. -1: described. A file that cannot be
 * read is a finding. */
int verify_outputs_open(struct verify_outputs **outputs, const struct data_dir *dir, const struct log_place *sealed, struct findings *findings,
                        struct failure *failure);
void verify_outputs_close(struct verify_outputs *outputs); /* NULL is fine */

/* A fold_emit: the next output as folded again; context is the verify_outputs. */
int verify_output(void *context, const struct output *output);
/* After the last: what the files still hold is too much. Returns the number of records that were compared. */
uint64_t verify_outputs_finish(struct verify_outputs *outputs);

#endif
