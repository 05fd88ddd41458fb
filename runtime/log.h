/*
 * log: the port behind which the journal and the outputs of one partition lie (ARCHITECTURE 1).
 *
 * Streams are appended to: the journal and one an output topic. What was appended counts only when a seal ends it. The order is the
 * same behind every port, and a writer must keep it:
 *     append ..., append ...         journal records and outputs
 *     prepare                        they are durable; where each stream stands is known
 *     seal                           the seal is durable: from here on the transaction has happened
 *     store_commit                   the state follows, now or some seals later
 * log_files.h puts container files behind it.
 *
 * Every log describes what fails to the `struct failure` it was opened with. After a failure only close is allowed; what
 * was appended since the last seal is cut when it is opened again.
 */
#ifndef RINGBACK_LOG_H
#define RINGBACK_LOG_H

#include "../schemas/codec/codec.h"
#include "failure.h"

#define JOURNAL_ID_DIGITS 32
#define SEAL_HASH_BYTES 16

/* Numbers of streams: an enum topic, or this. */
enum { STREAM_JOURNAL = TOPICS, STREAMS };

/* A seal and where everything stands with it; what a state remembers of the journal it follows. */
struct log_place {
    char journal_id[JOURNAL_ID_DIGITS + 1];
    int32_t partition, partitions;      /* of how many it is; files: 0 of 1, unless they come from a topic */
    int64_t sequence;                   /* of the seal; -1: before the first */
    int64_t seal_at, position;          /* where in the journal the seal begins and ends (files: bytes, its block) */
    uint8_t seal_hash[SEAL_HASH_BYTES]; /* XXH3-128 of the seal's record as encoded; zeros before the first */
    int64_t outputs[TOPICS];            /* where each topic's file ends (bytes) */
};

/* Some journal records, encoded one after another; valid until the next read or close. */
struct log_run {
    struct str bytes;
    const struct plan *plan; /* how to read them */
    int64_t count;
    int64_t at, end; /* where it stands in the journal, for messages and progress */
};

struct log;

struct log_operations {
    /* The next records of the sealed part of the journal, from where the log was opened to read. 1; 0: the last seal was read; -1. */
    int (*read)(struct log *log, struct log_run *run);
    /* Room for at least `size` bytes to encode a stream's next record into, `*capacity` bytes in all; valid until the next call for
     * that stream. NULL: failed. */
    uint8_t *(*room)(struct log *log, int stream, size_t size, size_t *capacity);
    /* The first `size` bytes of the room are the stream's next record. `key`, of an output, is for ports that have keys. */
    int (*append)(struct log *log, int stream, struct str key, size_t size);
    /* Makes all that was appended durable, in `outputs` where each topic then ends. */
    int (*prepare)(struct log *log, int64_t outputs[TOPICS]);
    /* The first `size` bytes of the journal's room are seal number `sequence`: makes it durable; `sealed` then is its place. */
    int (*seal)(struct log *log, size_t size, int64_t sequence);
    void (*close)(struct log *log);
};

struct log {
    const struct log_operations *operations;
    struct failure *failure;
    uint32_t output_places;  /* how many of log_place.outputs a seal names: TOPICS of files, none of Kafka */
    struct log_place sealed; /* the last seal; its journal_id and partition are set even before the first */
    const char *name;        /* of the journal, for messages */
};

static inline int log_read(struct log *log, struct log_run *run) { return log->operations->read(log, run); }
static inline uint8_t *log_room(struct log *log, int stream, size_t size, size_t *capacity) {
    return log->operations->room(log, stream, size, capacity);
}
static inline int log_append(struct log *log, int stream, struct str key, size_t size) {
    return log->operations->append(log, stream, key, size);
}
static inline int log_prepare(struct log *log, int64_t outputs[TOPICS]) { return log->operations->prepare(log, outputs); }
static inline int log_seal(struct log *log, size_t size, int64_t sequence) { return log->operations->seal(log, size, sequence); }
static inline void log_close(struct log *log) {
    if (log) log->operations->close(log);
}

/* XXH3-128 of a seal's record, as in `previous` of the next seal (journal.h). */
void seal_hash(const void *record, size_t size, uint8_t hash[SEAL_HASH_BYTES]);

#endif
