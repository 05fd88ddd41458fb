/*
 * sim: one process that plays several instances of `ringback run` over a Kafka, disks and clocks of its own (docs/decisions/0018).
 *
 * The code of the program runs unchanged: its threads are coroutines, what it calls of pthread, clocks, librdkafka and LMDB is answered
 * here. Time stands still while code runs and jumps to whatever is due next. Everything that could go one way or the other asks
 * sim_random: one seed, one run.
 */
#ifndef RINGBACK_SIM_H
#define RINGBACK_SIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../runtime/config.h"

#define SIM_INSTANCES_MAX 3
#define SIM_PARTITIONS_MAX 3
#define SIM_EPOCH_MS INT64_C(1772474400000) /* the true time of a run's beginning: 2026-03-02T18:00:00Z, a Monday */
#define SIM_SECOND INT64_C(1000000)         /* times without a unit in their names are us since then */
#define SIM_NEVER INT64_MAX

/* ---- chance (chance.c) ---- */

void sim_seed(uint64_t seed);
uint64_t sim_random(void);
int64_t sim_between(int64_t least, int64_t most); /* both included */
bool sim_chance(int64_t per_mille);

/* ---- what is told ---- */

extern bool sim_tracing;
#define sim_trace(...) (sim_tracing ? sim_trace_line(__VA_ARGS__) : (void)0)
void sim_trace_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The seed has failed: says why and ends the process. */
_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- time and threads (threads.c) ---- */

int64_t sim_now(void);

/* Calls back at a time, outside of any thread. */
void sim_at(int64_t at, void (*call)(void *context), void *context);
/* Runs everything that is due up to a time. */
void sim_run_until(int64_t until);

/* One machine, on which one process at a time runs. */
struct instance {
    int number;
    int incarnation; /* of its process; threads and handles of an earlier one are dead */
    bool running;    /* kafka_worker_run has not returned */
    int64_t frozen_until; /* SIGSTOP */
    int64_t skew_ms;      /* of its wall clock */
    int64_t full_until;   /* its disk */
    int64_t crash_at;     /* kills it at this point (sim_point); 0: none */
    int64_t points;       /* met so far */
    bool power_cut;       /* that crash takes the machine with it */
    atomic_bool stop;
    struct config *config;
};
extern struct instance sim_instances[SIM_INSTANCES_MAX];
extern int sim_instance_count;

/* Whose thread runs; NULL: none does. */
struct instance *sim_current(void);
/* Starts a thread of an instance's present process. */
void sim_thread(struct instance *instance, void *(*run)(void *argument), void *argument);
/* Waits until somebody wakes `object`, or a time. False: the time came first. */
bool sim_wait(const void *object, int64_t until);
void sim_wake(const void *object);
void sim_sleep(int64_t duration);
/* Ends an instance's process at once, as kill -9 or a power cut does. Does not return where it is the caller's own. */
void sim_kill(struct instance *instance);

/* Before or after a call that the world sees: a thread may die here. */
void sim_point(const char *name);

/* ---- what is the same in every run (plans.c) ---- */

/* Once, after schemas_load: no run makes these again. */
void sim_know_plans(void);

/* ---- disks (disk.c) ---- */

void disk_killed(struct instance *instance); /* what was not committed is gone */
void disk_power_cut(struct instance *instance);  /* what was not synced may not be trusted */
/* What a state said of itself when it was committed. */
struct disk_commit {
    int instance, partition;
    int64_t sequence, seal_at, state_hash, at;
    uint8_t seal_hash[SEAL_HASH_BYTES];
};
extern struct disk_commit *disk_commits;
extern size_t disk_commit_count;
/* An instance's state as it was last committed; NULL: it has none. */
struct store *disk_state(int instance, int partition);

#endif
