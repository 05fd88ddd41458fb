/*
 * generate_write: events as the bytes of a file, delivered in order or, on request, as the world delivers: late, twice, damaged.
 *
 * The trouble has random numbers of its own: the network stays the same with and without it, only its delivery differs.
 * Functions return 0, or -1 with errno set by the write that failed.
 */
#ifndef RINGBACK_GENERATE_WRITE_H
#define RINGBACK_GENERATE_WRITE_H

#include "../schemas/codec/event.h"

struct delivery_options {
    uint64_t seed;
    bool avro;               /* an Avro container file of schemas/events/Event; else a JSON object a line */
    uint32_t late_percent;   /* of the events: delivered after events that happened up to late_by later */
    int64_t late_by;         /* ms */
    uint32_t repeat_percent; /* of the events: delivered once more, up to late_by later */
    uint32_t broken_percent; /* for so many of 100 events a record more that cannot be read or is invalid */
};

struct delivery;

/* Delivers to `fd`, which stays the caller's. schemas_load must have been called where avro is wanted. NULL: no memory. */
struct delivery *delivery_open(const struct delivery_options *options, int fd);
/* Events must come in order of occurred_at. */
int delivery_event(struct delivery *delivery, const struct event *event);
/* Delivers what is held and writes what is buffered. */
int delivery_finish(struct delivery *delivery);
void delivery_close(struct delivery *delivery);

/* Records written, all kinds of trouble included, and how many of them were broken on purpose. */
int64_t delivery_records(const struct delivery *delivery);
int64_t delivery_broken(const struct delivery *delivery);

#endif
