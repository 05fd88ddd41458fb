/*
 * kafka_states: what a partition can be doing, and what may follow what (the table in runtime/README.md; partition_next is its code).
 */
#ifndef RINGBACK_KAFKA_STATES_H
#define RINGBACK_KAFKA_STATES_H

enum partition_state {
    PARTITION_READING,     /* not ours: a standby, or at rest */
    PARTITION_TAKING,      /* taking over */
    PARTITION_WRITING,
    PARTITION_WAITING,     /* something failed; tried again in a while */
    PARTITION_LOST,        /* fenced: somebody else writes */
    PARTITION_QUARANTINED, /* journal, state or offsets contradict each other */
    PARTITION_ENDED
};

enum partition_event {
    EVENT_NOTHING,
    EVENT_GIVEN,   /* assigned to us, in a confirmed generation */
    EVENT_TAKEN,   /* no longer */
    EVENT_READY,   /* taken over */
    EVENT_RENEW,   /* the producer is not to be trusted any more */
    EVENT_FAILED,
    EVENT_FENCED,
    EVENT_DAMAGED,
    EVENT_WAITED,
    EVENT_STOPPED
};

/* The state after an event. One that cannot happen there is a crash. */
enum partition_state partition_next(enum partition_state state, enum partition_event event);

const char *partition_state_text(enum partition_state state); /* "WRITING" */
const char *partition_event_text(enum partition_event event); /* "given" */

#endif
