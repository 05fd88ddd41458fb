/*
 * kafka_journal: the reading side of the log port over one partition of the journal topic (log.h; docs/decisions/0009).
 *
 * A run is one message; places are offsets. A seal is the one without a key: reading ends behind it, never inside a transaction. Others
 * hold a list of records, or, from before docs/decisions/0027, one.
 */
#ifndef RINGBACK_KAFKA_JOURNAL_H
#define RINGBACK_KAFKA_JOURNAL_H

#include <stdatomic.h>

#include "kafka_tail.h"
#include "place.h"

#define JOURNAL_FRAME_BYTES 10 /* C3 01, then the schema's fingerprint */

/* How journal records are framed, and were by the schemas before ours; made once. */
struct journal_form {
    struct plan *plan;
    uint8_t frame[JOURNAL_FRAME_BYTES];      /* of a record */
    uint8_t list_frame[JOURNAL_FRAME_BYTES]; /* of a list of them (codec.h) */
    struct journal_form *older; /* the one before; NULL: this is the first */
};
int journal_form_make(struct journal_form *form, struct failure *failure); /* on failure, too, to be freed */
void journal_form_free(struct journal_form *form); /* what it holds; of one that was zeroed: nothing */
/* Bytes, plan and count of a run, from a message's value. NULL; or why there are none. */
const char *journal_run(const struct journal_form *form, struct str value, struct log_run *run);

struct kafka_journal_options {
    const char *topic;
    int32_t partition;
    const struct journal_form *form;
    rd_kafka_t *reader;
    struct bell *bell;
    const atomic_bool *stop;  /* set: reading ends at the next seal */
    const struct place *from; /* where the state stands; of one that has seen nothing only the journal's id is set */
    int64_t begins;           /* the log's start, where such a one starts */
    bool *foreign;            /* set where the seal that the state remembers is not there; may be NULL */
    int64_t until;            /* reads up to this offset, waiting for it; -1: what is there */
    void (*alive)(void *context); /* called while it waits or reads; may be NULL */
    void *context;
};

/* 0; -1 described. What reading finds wrong is described then: EXIT_FAILED where the journal is not the one that the state follows, is
 * damaged, or does not reach back far enough. */
int kafka_journal_open(struct log **log, const struct kafka_journal_options *options, struct failure *failure);

/* Looks for the first seal between begins and until. 1: *journal_id is set; 0: there is no record at all; -1 described. */
int kafka_journal_id(const struct kafka_journal_options *options, char journal_id[JOURNAL_ID_DIGITS + 1], struct failure *failure);

#endif
