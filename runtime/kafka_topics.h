/*
 * kafka_topics: the topics of a service, as one table (schemas/README.md, "Topics").
 *
 * Configuration names them, `ringback topics` creates and checks them, `ringback schemas register` registers what they hold. Nothing
 * here talks to a broker.
 */
#ifndef RINGBACK_KAFKA_TOPICS_H
#define RINGBACK_KAFKA_TOPICS_H

#include "log.h"

/* Every topic by its place: the outputs (enum topic), the journal (STREAM_JOURNAL), then the sources. */
enum {
    KAFKA_TOPIC_JOURNAL = STREAM_JOURNAL,
    KAFKA_TOPIC_CALLS = STREAM_JOURNAL + SOURCE_CALLS,
    KAFKA_TOPIC_JOBS = STREAM_JOURNAL + SOURCE_JOBS,
    KAFKA_TOPIC_COMMANDS = STREAM_JOURNAL + SOURCE_COMMANDS,
    KAFKA_TOPIC_DIRECTORY = STREAM_JOURNAL + SOURCE_DIRECTORY,
    KAFKA_TOPIC_NETWORK = STREAM_JOURNAL + SOURCE_NETWORK,
    KAFKA_TOPICS
};

/* The place of a source's topic; kind is not SOURCE_FILE. */
static inline int kafka_topic_of_source(enum source_kind kind) { return STREAM_JOURNAL + (int)kind; }

struct topic_rule {
    const char *name;           /* "followup-events"; the topic's name without the prefix, and its key under `topics:` */
    const char *schema;         /* of its values, by its name (codec.h) */
    const char *compatibility;  /* of its subject in the registry; NULL: it has none, the journal never needs a registry */
    const char *cleanup;        /* cleanup.policy */
    int64_t retention_ms;       /* retention.ms; -1: without end; NONE: no say (compacted) */
    bool one_partition;         /* network; the others have P */
    bool log_append_time;       /* message.timestamp.type is LogAppendTime */
    const char *compression;    /* compression.type; NULL: the producer's, which is ours */
    int64_t message_bytes;      /* max.message.bytes: the largest record as encoded, and what frames it */
};
extern const struct topic_rule topic_rules[KAFKA_TOPICS];

#endif
