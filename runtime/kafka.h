/*
 * kafka: the edge to librdkafka: handles with the settings that exactly once needs, offsets asked for, error codes translated once
 * (docs/decisions/0009-exactly-once-on-kafka.md; research on faults by version is in its comments).
 *
 * Failures carry an exit code that says what to do: EXIT_AGAIN: take over again; EXIT_CONFIGURATION: a right or a setting is missing, the
 * text names it; EXIT_FAILED: do not guess, a person must look.
 */
#ifndef RINGBACK_KAFKA_H
#define RINGBACK_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "config.h"

enum kafka_handle {
    KAFKA_MEMBER, /* of the consumer group; fetches nothing */
    KAFKA_READER, /* reads topics from offsets that it is told, read_committed */
    KAFKA_LOOKER, /* asks for offsets, read_uncommitted: the end is the high watermark */
    KAFKA_WRITER  /* transactional producer of one partition */
};

/* How long a transaction stays open after its first record, ms, 1 at least: what is left of commit.live_ms when a reader's fetch has waited at
 * the broker (docs/decisions/0022). */
int64_t kafka_open_ms(const struct config *config);

/* The settings of a handle: ours where exactly once depends on them, else the file's, else our defaults. Its log lines go to json_log. The
 * caller adds callbacks and opens it. NULL: described. */
rd_kafka_conf_t *kafka_conf(const struct config *config, enum kafka_handle kind, int32_t partition, struct failure *failure);
/* Takes `conf`, also where it fails. NULL: described. */
rd_kafka_t *kafka_open(rd_kafka_conf_t *conf, enum kafka_handle kind, struct failure *failure);
/* A handle that needs no callbacks. */
rd_kafka_t *kafka_open_plain(const struct config *config, enum kafka_handle kind, struct failure *failure);

/* Opens and closes a handle of each kind: what librdkafka does not take together it says only then, and of some kinds alone. -1 described. */
int kafka_settings_check(const struct config *config, struct failure *failure);
/* What may be said of a property that librdkafka has answered so: its own text of a value holds the value. */
const char *kafka_property_error(const struct config_property *property, rd_kafka_conf_res_t answer, const char *text);

/* Describes an error of librdkafka while `doing` something with `what` (a topic, a transactional id, a group). Returns -1. */
int fail_kafka(struct failure *failure, rd_kafka_resp_err_t code, const char *text, const char *doing, const char *what);
/* The same of an error object, which is destroyed. */
int fail_kafka_error(struct failure *failure, rd_kafka_error_t *error, const char *doing, const char *what);

/* One partition of a topic and an offset of it. */
struct kafka_offset {
    const char *topic;
    int32_t partition;
    int64_t offset;
};
/* Fills in offsets, asked for after the call began: where each partition begins, or its high watermark on a LOOKER. */
enum kafka_end { KAFKA_BEGINNING = RD_KAFKA_OFFSET_BEGINNING, KAFKA_END = RD_KAFKA_OFFSET_END };
int kafka_ask(rd_kafka_t *looker, enum kafka_end end, struct kafka_offset *offsets, size_t count, struct failure *failure);
/* The group's committed, stable offsets; RD_KAFKA_OFFSET_INVALID where there is none. */
int kafka_committed(rd_kafka_t *member, struct kafka_offset *offsets, size_t count, struct failure *failure);

/* How many partitions a topic below rekey: has now. */
int kafka_partition_count(rd_kafka_t *handle, const char *topic, int32_t *count, struct failure *failure);

/* The partition of a key, as Java's default partitioner has it: murmur2, made positive, modulo. */
int32_t kafka_partition_of(struct str key, int32_t partitions);

/* The generation in a group's metadata; -1: no member of it, commits would not be fenced. */
int32_t kafka_generation(const rd_kafka_consumer_group_metadata_t *metadata);

#endif
