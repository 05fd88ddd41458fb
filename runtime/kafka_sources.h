/*
 * kafka_sources: the topics that a partition reads, as one stream, merged by time as far as they are read (ARCHITECTURE 1; decisions/0009).
 *
 * A record that cannot be accepted becomes a bad record, never a failure. The one that a schema registry must explain first is waited
 * for, and blocks the others.
 */
#ifndef RINGBACK_KAFKA_SOURCES_H
#define RINGBACK_KAFKA_SOURCES_H

#include "ingest.h"
#include "kafka_came_with.h"
#include "kafka_tail.h"
#include "kafka_value.h"
#include "rekey_clock.h"

#define KAFKA_SOURCES SOURCE_NETWORK /* calls, jobs, commands, directory, network */

/* One topic. */
struct live_source {
    enum source_kind kind;
    struct kafka_tail tail;
    rd_kafka_message_t *message; /* of its head; NULL: it has none */
    bool undecided;              /* the head's schema is not known yet */
    bool at_end;                 /* without a head: as of its last fetch */
    struct value_schema schema;  /* of its records */
    struct rekey_clock *rekeyed; /* `ringback rekey` writes it; NULL: it is an end of its own */
    struct input input; /* the head: record, event_bytes and time as of a file's (ingest.h) */
    struct record_header headers[KEPT_HEADERS]; /* of the head, where it is a bad record */
};

struct live_sources {
    const struct config *config;
    struct registry *registry;
    int32_t partition;
    struct failure *failure;
    int64_t ahead_ms;             /* our wall clock less the broker's, where that is known to be too much */
    int64_t asked_at;             /* ms UTC of the last question for the ends; NONE: none since open */
    int64_t ends[KAFKA_SOURCES];  /* the answer */
    struct live_source sources[KAFKA_SOURCES];
};

struct live_options {
    const struct config *config;
    struct registry *registry;
    rd_kafka_t *reader;
    struct bell *bell;
    int32_t partition;
};

/* `next` by kind, from SOURCE_CALLS on. The struct may not move. 0; -1 described. */
int live_open(struct live_sources *live, const struct live_options *options, const int64_t next[KAFKA_SOURCES], struct failure *failure);
void live_close(struct live_sources *live); /* of one that was zeroed: nothing */

/* The source whose head is next: 1; 0: none is, or one that must be waited for; -1 described. */
int live_next(struct live_sources *live, struct live_source **source);
/* The head was journalled. */
void live_took(struct live_source *source);
/* Records that wait, as of the last fetches. */
int64_t live_lag(const struct live_sources *live);
/* True where the wait is for a schema: nobody rings then. */
bool live_waits_for_schema(const struct live_sources *live);

/* The places of the topics, for questions; room for KAFKA_SOURCES. */
void live_places(const struct config *config, int32_t partition, struct kafka_offset places[KAFKA_SOURCES]);
/* Asks where the sources end now, which is time `now` (ms UTC). */
int live_ask(struct live_sources *live, rd_kafka_t *looker, int64_t now);
/* True where a source that is re-keyed soon makes the others wait: it was asked for its end too long before `now`. */
bool live_is_stale(const struct live_sources *live, int64_t now);
/* The time as of which all sources that move the clock are at their end; NONE: some are not. */
int64_t live_ended_as_of(const struct live_sources *live);
/* What a seal says of them; with `ends` also which are at their end, else none is. */
void live_seal(const struct live_sources *live, bool ends, struct seal_source seal[KAFKA_SOURCES]);

#endif
