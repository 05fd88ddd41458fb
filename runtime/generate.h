/*
 * generate: a seeded network of call centres, as events in the order in which they happened.
 *
 * Tenants with their own hours, queues, agents and numbers; callers who wait, give up, dial again, book, are called back. Not a
 * load generator only: what comes out obeys SPEC 2 to 5, so a fold of it shows every type of call and every state of a row.
 * The same options give the same events on any host: own random numbers (generate_random.c), integers only, no clock, no time
 * zone data (each zone has one fixed offset; daylight saving is left out).
 *
 * Memory holds calls in progress, work still to come (rows, jobs, redials) and the directory; never the past.
 * Telephone numbers are fiction: +1 NXX 555 01xx, +44 1632 960xxx, +44 7700 900xxx, +44 20 7946 0xxx, and, when a tenant has more
 * callers than those ranges have numbers, country code 999, which is not assigned.
 */
#ifndef RINGBACK_GENERATE_H
#define RINGBACK_GENERATE_H

#include "../schemas/codec/event.h"

enum generate_ids {
    GENERATE_IDS_RANDOM, /* UUID version 4: neighbours in time are strangers in the state's keys */
    GENERATE_IDS_TIME    /* UUID version 7: sorted by time */
};

struct generate_options {
    uint64_t seed;
    uint32_t tenants;       /* 1 to 10,000 */
    int64_t start;          /* ms UTC: the directory is announced then, calls follow */
    int64_t days;           /* no work is begun this many days after the start; what is in progress ends. NONE: no limit */
    int64_t calls;          /* nor once so many calls were made. NONE: no limit */
    int64_t events;         /* stops dead after this many events, calls in progress or not; NONE: no limit */
    uint32_t calls_per_day; /* of the whole network, about, redials and callbacks included; at least 1 */
    enum generate_ids ids;
};

struct generator;

/* Makes a generator; NULL: no memory. Without any of days, calls and events it never ends. */
struct generator *generate_open(const struct generate_options *options);
/* The next event, in order of occurred_at; valid until the next call. NULL: the end. Running out of memory aborts. */
const struct event *generate_next(struct generator *generator);
void generate_close(struct generator *generator);

/* How much is held: tasks waiting for their time (calls in progress, jobs, rows, redials). For tests of "streaming". */
size_t generate_pending(const struct generator *generator);

#endif
