/*
 * kafka_disk: the disk under the states of an instance. All of them lie on one, so they share one fate (ARCHITECTURE 2; decisions/0009): once
 * it refuses, because it is full or fails, the instance leaves the group, is not ready, and comes back when there is room again.
 *
 * Whoever meets the refusal says so; the member's thread leaves and joins; partitions leave the disk alone meanwhile.
 */
#ifndef RINGBACK_KAFKA_DISK_H
#define RINGBACK_KAFKA_DISK_H

#include <stdatomic.h>

#include "config.h"
#include "health.h"
#include "metrics.h"

#define DISK_FREE_PERCENT 10 /* of the file system: with less it is soon full again */

struct disk_fate {
    atomic_bool refused; /* since disk_refused, until disk_is_back */
    /* The member's thread's: */
    bool away;                 /* from the group */
    int times;                 /* that it refused again soon */
    int64_t since_ms, back_ms; /* monotonic: when it went away, and came back last */
};

/* Before anything is promised to anybody: makes state.dir where it is not there, and writes, syncs and removes a file in it. A disk that is full,
 * or fails, is left to its fate below. -1: a person has to act; described, with EXIT_CONFIGURATION. */
int disk_try(const struct config *config, struct failure *failure);

/* The failure that was met is one of the disk's. Any thread. */
void disk_refused(struct disk_fate *fate);
static inline bool disk_is_refused(const struct disk_fate *fate) { return atomic_load_explicit(&fate->refused, memory_order_relaxed); }

/* 1: it is time to leave the group; -1: time to join again; 0: go on. The member's thread asks again and again; it shows and logs what is so. */
int disk_follow(struct disk_fate *fate, const struct config *config, struct health *health, struct metrics *metrics);

#endif
