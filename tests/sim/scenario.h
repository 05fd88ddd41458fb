/* scenario: what happens to the machines and the brokers in one run, all of it by the seed. */
#ifndef RINGBACK_SIM_SCENARIO_H
#define RINGBACK_SIM_SCENARIO_H

#include "judge.h"

/* What can go wrong; a run has some of them. */
enum trouble {
    TROUBLE_KILL,        /* kill -9 at any call */
    TROUBLE_POWER,       /* the same, and what was not synced is lost */
    TROUBLE_FREEZE,      /* SIGSTOP, mostly for longer than the session lasts */
    TROUBLE_STOP,        /* SIGTERM: rebalances by leaving and joining */
    TROUBLE_BROKER,      /* no broker answers */
    TROUBLE_COORDINATOR, /* that of transactions and of the group does not */
    TROUBLE_FAILOVER,    /* records that were not replicated are forgotten */
    TROUBLE_WIRE,        /* requests and answers are lost or late */
    TROUBLE_DISK,        /* it is full for a while */
    TROUBLE_SKEW,        /* clocks are off from the beginning */
    TROUBLE_JUMP,        /* clocks jump */
    TROUBLE_QUEUE,       /* the producer's queue is full now and then */
    TROUBLE_SLOW,        /* markers, replication and answers take long */
    TROUBLE_REFUSED,     /* a first request to write is refused, the second taken, and librdkafka calls both written */
    /* Kafka breaks its promises: not by the seed alone, and the run is good when somebody finds out. */
    TROUBLE_TORN, /* a transaction is committed without the group's offsets */
    TROUBLE_CUT,  /* the end of a journal is lost that was acknowledged */
    TROUBLES
};
#define TROUBLES_BROKEN_PROMISES (1U << TROUBLE_TORN | 1U << TROUBLE_CUT)
extern const char *const trouble_names[TROUBLES];

struct scenario {
    uint64_t seed;
    uint32_t troubles; /* bits; 0: a calm run */
    bool chosen;       /* else the seed says */
    int64_t crash_at;  /* instance 0 is killed once, at this point; 0: not so */
    const char *broken; /* the rule that the program is to break (kafka_crash.h); NULL: none */
};

struct scenario_result {
    struct judge_counts counts;
    uint32_t troubles;
    int64_t crashes, points_of_first; /* calls of instance 0 */
};

/* Plays it; what must be true and is not ends the process (sim_fail). */
void scenario_play(const struct scenario *scenario, struct scenario_result *result);

#endif
