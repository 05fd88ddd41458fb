/*
 * kafka_partition: one partition of a service, with a thread of its own that alone touches its state, its reader and its producer
 * (docs/decisions/0009; the states: kafka_states.h, runtime/README.md).
 *
 * The worker gives it to us and takes it away as the group decides; everything else happens on the partition's thread.
 */
#ifndef RINGBACK_KAFKA_PARTITION_H
#define RINGBACK_KAFKA_PARTITION_H

#include <pthread.h>

#include "health.h"
#include "kafka_disk.h"
#include "kafka_producer.h"
#include "kafka_sources.h"
#include "kafka_states.h"
#include "partition.h"
#include "turns.h"
#include "writer.h"

/* What all partitions of a process share. */
struct shared {
    const struct config *config;
    struct registry *registry;
    struct metrics *metrics;
    struct health *health;
    struct journal_form form;
    struct framing own[TOPICS];
    rd_kafka_t *looker, *member;
    struct turns turns; /* of folding: config->workers at a time */
    struct disk_fate disk;
};

/* What needs nobody else: metrics, health, turns. -1 described. The second frees it, made or not, after shared_close. */
int shared_make(struct shared *shared, const struct config *config, struct failure *failure);
void shared_free(struct shared *shared);
/* The rest, without a member; waits for a registry up to 10 s. -1 described; shared_close takes what was opened, either way. */
int shared_open(struct shared *shared, struct failure *failure);
void shared_close(struct shared *shared);

struct partition {
    struct shared *shared;
    int32_t number;
    char journal_name[300];
    pthread_t thread;
    struct bell bell;

    /* Between the worker's thread and ours. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    rd_kafka_consumer_group_metadata_t *offered; /* of the assignment that is ours to take; NULL: none */
    bool ours, lost_assignment, stop;            /* wanted */
    bool holding;                                /* we may be writing */
    atomic_bool wanted;                          /* look at the above */
    atomic_bool fenced;                          /* LOST: the worker should join again */

    /* Ours. */
    enum partition_state state;
    struct failure failure;
    int64_t failed_times, waits_until; /* monotonic ms */
    rd_kafka_consumer_group_metadata_t *group;
    rd_kafka_t *reader;
    struct data_dir dir;
    struct store *store;
    struct place place;
    struct log *journal; /* being read */
    bool restored;       /* a snapshot was asked for */
    bool uncompared_told; /* that seals name another layout of the state */
    bool foreign;        /* the state turned out to be another's than the journal's */
    struct log *log;     /* being written */
    struct writer *writer;
    struct live_sources live;
    struct tally tally;
    int64_t begun_ms;         /* monotonic, of the first record of the open transaction; 0: it has none */
    int64_t folded_us;        /* spent folding it */
    int64_t oldest;           /* append time in its source of its oldest record, ms UTC; NONE */
    int64_t sealed_ms;        /* monotonic, of the last seal */
    int64_t stored_ms;        /* monotonic, of the state's last commit */
    int64_t looked_ms, due_at_wall_ms; /* when the deadlines were looked at */
    int64_t asked_ms;         /* monotonic, when the ends were asked for */
    int64_t unexplained_ms;   /* monotonic, since when the merge waits for a schema; 0: it does not */
    int64_t gauged_ms;
    bool has_turn;
};

/* Makes the struct, of zeroes, most of which nobody may ever need (350 KB), with its bell and its reader; the second starts its thread. */
int partition_make(struct partition *partition, struct shared *shared, int32_t number, struct failure *failure);
int partition_start(struct partition *partition, struct shared *shared, int32_t number, struct failure *failure);
void partition_free(struct partition *partition); /* of one that was made, and has no thread any more */

/* Assigned to us; `group` is the partition's from now on. */
void partition_give(struct partition *partition, rd_kafka_consumer_group_metadata_t *group);
/* No longer; `lost`: it is another's already, what is open is dropped. */
void partition_take(struct partition *partition, bool lost);
/* Ends the thread after what is open was sealed. */
void partition_stop(struct partition *partition);
/* False where it is still writing after timeout_ms. */
bool partition_released(struct partition *partition, int64_t timeout_ms);
void partition_join(struct partition *partition); /* after partition_stop */

/* ---- on the partition's thread ---- */

/* The parts of a partition's life, each until something happens. */
enum partition_event partition_read(struct partition *partition);      /* kafka_reading.c */
enum partition_event partition_take_over(struct partition *partition); /* kafka_taking.c */
enum partition_event partition_write(struct partition *partition);     /* kafka_writing.c */

/* Taking over, in parts: an own producer, and the state as of the journal's end; then a writer behind it, with everything listed. */
int partition_follow(struct partition *partition, bool *begun);
int partition_read_to_end(struct partition *partition, bool *begun); /* without a producer: nobody is fenced */
int partition_writer_open(struct partition *partition, bool begun);
/* Where each source begins and ends now. */
int partition_source_bounds(struct partition *partition, struct kafka_offset starts[KAFKA_SOURCES], struct kafka_offset ends[KAFKA_SOURCES]);
/* Journals that [from, to) of a source was not read. */
int partition_journal_gap(struct partition *partition, enum source_kind kind, int64_t from, int64_t to, const char *detail);

/* What it does, in metrics and on /readyz. */
void partition_show_role(struct partition *partition);

int partition_state_open(struct partition *partition);
void partition_place_begin(struct partition *partition, const char *journal_id); /* of a state that has seen nothing of that journal */
/* Brings the state up to offset `until` of the journal; *begun: there is one. */
int partition_catch_up(struct partition *partition, int64_t begins, int64_t until, bool *begun);
/* The event that the failure described is. */
enum partition_event partition_failed(struct partition *partition);
/* What the worker wants of us now; EVENT_NOTHING: go on. */
enum partition_event partition_wish(struct partition *partition);
void partition_beat(struct partition *partition, const char *doing, int64_t limit_ms);
void partition_log(struct partition *partition, enum level level, const char *event, const char *text);
/* Closes everything, and so forgets what was not committed. */
void partition_drop(struct partition *partition);
/* Seals what is open: Kafka has committed all of it when this returns 0. The state follows, later. */
int partition_seal(struct partition *partition);
/* Compares our clock with the broker's, as last seen. */
void partition_clock_check(struct partition *partition);
/* The wall clock, as far as it may be believed, else the broker's. */
int64_t partition_wall_ms(const struct partition *partition);
/* One of so many that fold at a time; both may be called again. */
void partition_turn_take(struct partition *partition);
void partition_turn_give(struct partition *partition);

#endif
