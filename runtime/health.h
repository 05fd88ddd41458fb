/*
 * health: whether the service lives and is ready, with reasons (/livez, /readyz).
 *
 * Ready: nobody has given a reason why not. Alive: every thread that promised to report within a time has done so; the watchdog ends
 * the process on the same question. Any thread may call anything here.
 */
#ifndef RINGBACK_HEALTH_H
#define RINGBACK_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What can stand in the way of being ready. */
enum health_part { HEALTH_BROKER, HEALTH_GROUP, HEALTH_REGISTRY, HEALTH_DISK, HEALTH_CLOCK, HEALTH_DRAINING, HEALTH_PARTS };

struct health;
struct health *health_make(int32_t partitions, int threads); /* NULL: no memory */
void health_free(struct health *health);

/* Why not ready, in words without a full stop ("no broker answers"); NULL: this part is well. Cut at 400 bytes. */
void health_set(struct health *health, enum health_part part, const char *reason);
/* The same of a partition that is ours ("rebuilding, 40 % read"). */
void health_partition(struct health *health, int32_t partition, const char *reason);

/* Thread `thread` works and will call again within limit_ms; 0: it rests, and promises nothing. */
void health_beat(struct health *health, int thread, const char *doing, int64_t limit_ms);
/* The first thread that is late by more than `grace_ms`, and what it was doing; false: none is. */
bool health_late(struct health *health, int64_t grace_ms, int *thread, const char **doing);

/* {"ready":false,"reasons":["partition 3: rebuilding, 40 % read"]}; whether it is ready. */
bool health_write_ready(FILE *out, struct health *health);
/* {"alive":true}; whether it is. */
bool health_write_alive(FILE *out, struct health *health);

#endif
