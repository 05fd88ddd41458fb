/*
 * kafka_audit: what lies in journal and outputs, held against what the rules make of it (`ringback audit`).
 *
 * A partition's journal is folded again from its beginning; the reader proves the chain of seals, their counts and hashes, and each output
 * that comes out is compared with what its topic holds, byte for byte. Numbers that a topic skips are wrong, but where its cleanup removes
 * records. Nothing is written; the service may go on.
 */
#ifndef RINGBACK_KAFKA_AUDIT_H
#define RINGBACK_KAFKA_AUDIT_H

#include "config.h"
#include "reader.h"

struct audit_counts {
    int64_t seals;
    struct reader_counts read;
    uint64_t outputs, gone; /* outputs that were there, and that cleanup has removed */
};

struct audit;
int audit_open(struct audit **audit, const struct config *config, struct failure *failure);
void audit_close(struct audit *audit); /* NULL is fine */

/* 0: all is as the journal says, as far as it reaches now; -1 described: EXIT_FAILED says what is not. `progress` as reader.h has it. */
int audit_partition(struct audit *audit, int32_t partition, void (*progress)(void *, int64_t, int64_t, uint64_t), void *context,
                    struct audit_counts *counts, struct failure *failure);

#endif
