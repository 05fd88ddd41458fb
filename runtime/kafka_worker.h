/*
 * kafka_worker: `ringback run`: a member of the consumer group, its partitions, and the watchdog (docs/decisions/0009).
 *
 * Threads: the caller's is the group's member; each partition has its own (kafka_partition.h); the watchdog, there from the beginning to the
 * end, ends the process with EXIT_AGAIN when any of them has promised to be back and is not, and with EXIT_DONE when it was told to stop and is
 * not done 4.3 s later; HTTP, the registry and librdkafka have theirs.
 */
#ifndef RINGBACK_KAFKA_WORKER_H
#define RINGBACK_KAFKA_WORKER_H

#include <stdatomic.h>

#include "config.h"

/* Runs until *stop is set, then seals what is open and leaves the group; says so in the log at the end. 0; -1 described in `failure`. */
int kafka_worker_run(const struct config *config, const atomic_bool *stop, struct failure *failure);

#endif
