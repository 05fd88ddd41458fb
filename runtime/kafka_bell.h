/*
 * kafka_bell: what a partition's thread waits on: its topics, or somebody who wants something of it.
 *
 * librdkafka's threads and other threads of ours ring; the one thread that owns the bell waits. A ring before the wait is not lost.
 */
#ifndef RINGBACK_KAFKA_BELL_H
#define RINGBACK_KAFKA_BELL_H

#include <stdint.h>

#include "failure.h"

struct bell {
    int fd; /* an eventfd */
};

int bell_make(struct bell *bell, struct failure *failure);
void bell_free(struct bell *bell);
void bell_ring(struct bell *bell);
/* Waits for a ring, at most timeout_ms; those that came are heard. */
void bell_wait(struct bell *bell, int64_t timeout_ms);

#endif
