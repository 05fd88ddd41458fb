/*
 * generate_parts: what the files of the generator share. Private to generate*.c; the rest of the program includes generate.h.
 *
 * The simulation is a heap of tasks by time. A task that comes up emits events that all carry its time, may plan others, and either waits
 * again or is finished. A call is planned whole when it begins: with one queue served in order of arrival, the moment an agent becomes free
 * is known then, so a caller's fate is a comparison of that moment with his patience.
 */
#ifndef RINGBACK_GENERATE_PARTS_H
#define RINGBACK_GENERATE_PARTS_H

#include "generate.h"
#include <stddef.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* generate_random.c: xoshiro256** seeded by splitmix64; distributions in integers. */
struct random {
    uint64_t state[4];
};
void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t bound);               /* 0 to bound - 1; bound >= 1 */
int64_t random_between(struct random *random, int64_t least, int64_t most); /* both included; most - least below 2^32 */
bool random_percent(struct random *random, uint32_t percent);
bool random_per_mille(struct random *random, uint32_t per_mille);
/* The place of a weight drawn with its share of the sum. */
uint32_t random_weighted(struct random *random, const uint16_t *weights, uint32_t count);
/* Exponential with this mean, up to 22 times the mean; mean below 2^42. */
int64_t random_exponential(struct random *random, int64_t mean);
/* Log-normal: median x 2^(spread x Z), spread in 1/256 of a doubling, Z normal within 6 deviations; median below 2^31. */
int64_t random_lognormal(struct random *random, int64_t median, int32_t spread);

/* generate_heap.c: a binary heap by (at, order); order is that of insertion, so ties are first in, first out. */
struct heap_entry {
    int64_t at;
    uint64_t order;
    void *item;
};
struct heap {
    struct heap_entry *entries;
    size_t count, capacity;
    uint64_t next_order;
};
void heap_push(struct heap *heap, int64_t at, void *item);
void *heap_pop(struct heap *heap); /* the heap must not be empty */

/* Aborts with a message where there is no memory: a generator has nothing to save. */
void *generate_allocate(size_t size);

#define UUID_TEXT 37   /* with the final 0 */
#define NUMBER_TEXT 17 /* "+" and at most 15 digits */
#define ROW_TEXT 40    /* "ab-" and a UUID */
#define JOB_TEXT 24
#define CUSTOMER_TEXT 24

/* generate_network.c: who is there. Text is owned by the tenant's arena. */
struct gen_agent {
    struct str id, name;
    int64_t free_at; /* when the work that he has taken on is done */
};
struct gen_queue {
    struct str id, name;
    uint32_t first_agent, agents;
    int64_t timeout; /* ms a caller waits at most */
};
struct gen_number {
    char number[NUMBER_TEXT];
    int8_t kind;
    struct str campaign; /* null for a direct dial */
    uint32_t agent;      /* of a direct dial */
};
#define QUEUES_MAX 4
#define NUMBERS_MAX 8
enum after_hours { AFTER_HOURS_VOICEMAIL, AFTER_HOURS_VOICE_AGENT, AFTER_HOURS_FORWARD };

struct tenant {
    struct str id, name, zone;
    int64_t offset; /* ms that local time is ahead of UTC */
    int8_t week_start;
    bool british, second_chance;
    enum after_hours after_hours;
    int32_t curve_shift;  /* hours by which its day begins later than others' */
    int64_t busiest_gap;  /* us between calls in the busiest hour */
    int64_t next_arrival; /* us */
    struct gen_agent *agents;
    struct gen_queue queues[QUEUES_MAX];
    struct gen_number numbers[NUMBERS_MAX];
    uint32_t agent_count, queue_count, number_count;
    uint32_t callers;   /* how many people ever call it */
    uint8_t *announced; /* a bit a caller: his customer entry came out */
    uint32_t jobs;
    char workflow[16];
};

struct generator;
void network_make(struct generator *generator);
void network_free(struct generator *generator);
/* Emits the directory, roles and settings: of the network, or of one tenant. */
void network_announce(struct generator *generator);
void tenant_announce(struct generator *generator, struct tenant *tenant);
/* How busy the tenant is then, as a part of 65,536 of its busiest hour; and whether somebody is there. */
uint32_t tenant_busyness(const struct tenant *tenant, int64_t at);
bool tenant_is_open(const struct tenant *tenant, int64_t at);
/* The number of one of the tenant's callers. */
void caller_number(const struct tenant *tenant, uint32_t caller, char number[NUMBER_TEXT]);
bool caller_is_customer(uint32_t caller);

enum task_kind { TASK_DIRECTORY, TASK_TENANT, TASK_ARRIVAL, TASK_CALL, TASK_REDIAL, TASK_JOB, TASK_ROW, TASK_REVIEW };

struct task {
    enum task_kind kind;
    int64_t at;
    struct tenant *tenant;
};

/* The party at the other end: nobody's number is known where `caller` is WITHHELD. */
#define WITHHELD UINT32_MAX
struct party {
    uint32_t caller;
    char number[NUMBER_TEXT];
};

#define CALL_EVENTS_MAX 96
struct customer_text {
    char id[CUSTOMER_TEXT], name[40], number[NUMBER_TEXT];
    struct str numbers[1];
};
struct call {
    struct task task;
    uint32_t count, next; /* events planned, and already emitted */
    uint32_t legs;
    struct party party;
    int64_t now; /* planning has come this far */
    int64_t patience_ends;
    char id[UUID_TEXT], row[ROW_TEXT], job[JOB_TEXT], text[64];
    const struct gen_number *number;
    struct customer_text customer;
    struct event events[CALL_EVENTS_MAX];
};
struct redial {
    struct task task;
    struct party party;
};
struct job {
    struct task task;
    int8_t next; /* event type that comes next */
    char id[JOB_TEXT], call[UUID_TEXT], customer[CUSTOMER_TEXT];
    char caller[NUMBER_TEXT];
    int64_t created_at, scheduled_at;
};
struct row {
    struct task task;
    struct party party;
    char id[ROW_TEXT];
    bool second_chance;
    uint8_t stage, attempts;
    uint16_t agent;
    bool reached;
    enum status status; /* as its worker last saw it */
    int64_t version;    /* the same */
};
struct review {
    struct task task;
    char call[UUID_TEXT];
    const char *agent;
};

struct generator {
    struct generate_options options;
    struct random random;
    struct heap heap;
    struct tenant *tenants;
    struct arena_block *arena;
    int64_t now, end; /* no call begins at or after the end */
    int64_t calls, events_out;
    int64_t closed_at;   /* since when no work is begun; NONE */
    struct event *ready; /* emitted, not yet handed out */
    size_t ready_count, ready_next, ready_capacity;
    struct task *finished; /* freed when what it emitted has been handed out */
    char uuid[UUID_TEXT];
};

/* generate.c */
void task_wait(struct generator *generator, struct task *task, int64_t at);
struct event *emit(struct generator *generator, struct str tenant, enum event_type type); /* a cleared event at generator->now */
void uuid_make(struct generator *generator, int64_t at, char text[UUID_TEXT]);

/* generate_call.c: plan whole calls. */
void inbound_plan(struct generator *generator, struct tenant *tenant, const struct party *party);
void internal_plan(struct generator *generator, struct tenant *tenant);
/* A call to the party; for a row where `row` is given. Returns its end; *reached, *booked say how it went. */
int64_t outbound_plan(struct generator *generator, struct tenant *tenant, const struct party *party, uint32_t agent, const struct row *row,
                      bool *reached, bool *booked);

/* generate_work.c: what happens after calls. */
/* A job that comes out of the call; writes its id to call->job. */
void job_plan(struct generator *generator, struct call *call, bool names_call, int64_t booked_at);
void job_run(struct generator *generator, struct job *job);
void row_plan(struct generator *generator, const struct call *call, bool second_chance, int64_t opens_at);
void row_run(struct generator *generator, struct row *row);
void redial_plan(struct generator *generator, const struct call *call);
void review_plan(struct generator *generator, const struct call *call, struct str agent, int64_t at);
void review_run(struct generator *generator, struct review *review);

#endif
