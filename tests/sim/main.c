/*
 * sim                                           what every change is held against: 2,000 runs, broken promises, a sweep; prints TAP
 * sim --seeds N | --hours H [--first SEED]      plays runs, two at a time, each in a process of its own
 * sim --seed SEED                               plays one and tells what happens
 * sim --sweep SEED                              plays one again and again, and kills instance 0 at every call in turn
 *     --troubles kill,wire    these, not what the seed says; calm: none
 *     --crash-at N            instance 0 is killed at its N-th call
 *     --break RULE            the program breaks a rule (kafka_crash.h)
 *     --failures N            after so many the rest is not played; 3, where it is not given
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

#define SEEDS_ALWAYS 2000
#define PROMISES_ALWAYS 100
#define SWEPT_ALWAYS 5 /* a seed with few records */
#define JOBS 2
#define SECONDS_MOST 60 /* of a run: one that hangs fails */

/* help.c lists them. The simulator has none, and so links nothing of what they need. */
const struct command *const commands[] = {NULL};

static int64_t failures_most = 3; /* then the rest is not played */

static struct totals {
    struct judge_counts counts;
    int64_t runs, failures, crashes, calm, by_trouble[TROUBLES];
} totals;

static struct job {
    pid_t pid; /* 0: free */
    struct scenario scenario;
    struct scenario_result *result; /* shared with the process */
} jobs[JOBS];

static void replay_print(const struct scenario *scenario) {
    printf("# replay: sim --seed %" PRIu64, scenario->seed);
    if (scenario->chosen) {
        bool none = true;
        printf(" --troubles ");
        for (int n = 0; n < TROUBLES; n++)
            if (scenario->troubles >> n & 1) none = printf("%s%s", none ? "" : ",", trouble_names[n]) < 0;
        printf("%s", none ? "calm" : "");
    }
    if (scenario->crash_at) printf(" --crash-at %" PRId64, scenario->crash_at);
    if (scenario->broken) printf(" --break '%s'", scenario->broken);
    printf("\n");
    fflush(stdout);
}

static void play_in_child(struct job *job) {
    fflush(stdout);
    job->pid = fork();
    if (job->pid) return;
    alarm(SECONDS_MOST);
    if (!sim_tracing && !freopen("/dev/null", "w", stderr)) _exit(1); /* what the program complains of is part of the play */
    scenario_play(&job->scenario, job->result);
    fflush(stdout);
    exit(0); /* not _exit: what counts branches writes its counts */
}

static void job_ended(struct job *job, int status) {
    const struct scenario_result *result = job->result;
    job->pid = 0;
    totals.runs++;
    if (status != 0) {
        totals.failures++;
        if (WIFSIGNALED(status)) printf("# seed %" PRIu64 " ended by signal %d\n", job->scenario.seed, WTERMSIG(status));
        replay_print(&job->scenario);
        return;
    }
    totals.counts.records += result->counts.records;
    totals.counts.outputs += result->counts.outputs;
    totals.counts.seals += result->counts.seals;
    totals.counts.timers += result->counts.timers;
    totals.counts.commits += result->counts.commits;
    totals.crashes += result->crashes;
    totals.calm += result->troubles == 0;
    for (int n = 0; n < TROUBLES; n++) totals.by_trouble[n] += result->troubles >> n & 1;
}

/* Waits for one to end. False: none runs. */
static bool reap(void) {
    int status;
    pid_t pid = wait(&status);
    for (int n = 0; n < JOBS; n++)
        if (pid > 0 && jobs[n].pid == pid) job_ended(&jobs[n], status);
    return pid > 0;
}

static void play(const struct scenario *scenario) {
    int n = 0;
    while (n < JOBS && jobs[n].pid) n++;
    if (n == JOBS) {
        reap();
        play(scenario);
        return;
    }
    jobs[n].scenario = *scenario;
    play_in_child(&jobs[n]);
}

static int checks, checks_failed;

static void totals_print(const char *what, time_t began) {
    while (reap()) continue;
    checks_failed += totals.failures > 0;
    printf("%s %d - %s: %" PRId64 " runs, %" PRId64 " failed\n",
           totals.failures ? "not ok" : "ok", ++checks, what, totals.runs, totals.failures);
    printf("# %" PRId64 " records journalled once, %" PRId64 " outputs as the fold of the journal has them, %" PRId64 " by timers, %" PRId64
           " seals, %" PRId64 " commits of states, %" PRId64 " crashes and stops, %" PRId64 " s\n",
           totals.counts.records, totals.counts.outputs, totals.counts.timers, totals.counts.seals, totals.counts.commits, totals.crashes, (int64_t)(time(NULL) - began));
    printf("# runs with: calm %" PRId64, totals.calm);
    for (int n = 0; n < TROUBLES; n++) printf(", %s %" PRId64, trouble_names[n], totals.by_trouble[n]);
    printf("\n");
    totals = (struct totals){0};
}

static void play_seeds(struct scenario scenario, int64_t count, double hours, const char *what) {
    time_t began = time(NULL);
    for (int64_t n = 0; totals.failures < failures_most; n++, scenario.seed++) {
        if (hours > 0 ? difftime(time(NULL), began) >= hours * 3600 : n == count) break;
        play(&scenario);
    }
    totals_print(what, began);
}

/* Until the run has no such call any more. */
static void play_sweep(struct scenario scenario) {
    time_t began = time(NULL);
    play(&scenario);
    while (reap()) continue;
    int64_t points = jobs[0].result->points_of_first;
    for (scenario.crash_at = 1; scenario.crash_at <= points && totals.failures < failures_most; scenario.crash_at++) play(&scenario);
    totals_print("killed at every call in turn", began);
}

static void play_always(void) {
    play_seeds((struct scenario){.seed = 1}, SEEDS_ALWAYS, 0, "whatever goes wrong");
    for (int trouble = TROUBLE_TORN; trouble < TROUBLES; trouble++) {
        struct scenario scenario = {.seed = 1, .chosen = true, .troubles = UINT32_C(1) << trouble};
        char what[80];
        snprintf(what, sizeof what, "a promise that Kafka breaks is found out (%s)", trouble_names[trouble]);
        play_seeds(scenario, PROMISES_ALWAYS, 0, what);
    }
    play_sweep((struct scenario){.seed = SWEPT_ALWAYS, .chosen = true});
}

static uint32_t troubles_of(const char *names) {
    uint32_t troubles = 0;
    char *copy = strdup(names), *rest = copy;
    for (char *name; (name = strsep(&rest, ","));) {
        int n = 0;
        while (n < TROUBLES && strcmp(trouble_names[n], name) != 0) n++;
        if (n == TROUBLES && strcmp(name, "calm") != 0) {
            fprintf(stderr, "sim: there is no trouble \"%s\"\n", name);
            exit(2);
        }
        troubles |= n < TROUBLES ? UINT32_C(1) << n : 0;
    }
    free(copy);
    return troubles;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'}, {"hours", required_argument, NULL, 'h'},    {"first", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},  {"sweep", required_argument, NULL, 'w'},    {"troubles", required_argument, NULL, 't'},
        {"break", required_argument, NULL, 'b'}, {"crash-at", required_argument, NULL, 'c'}, {"failures", required_argument, NULL, 'm'},
        {0},
    };
    struct scenario scenario = {.seed = 1};
    int64_t seeds = 0;
    double hours = 0;
    bool sweep = false;
    char error[200];
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
        switch (option) {
        case 'n': seeds = strtoll(optarg, NULL, 10); break;
        case 'h': hours = strtod(optarg, NULL); break;
        case 's': sim_tracing = true, seeds = 1; scenario.seed = strtoull(optarg, NULL, 10); break;
        case 'w': sweep = true; scenario.seed = strtoull(optarg, NULL, 10); break;
        case 'f': scenario.seed = strtoull(optarg, NULL, 10); break;
        case 't': scenario.chosen = true; scenario.troubles = troubles_of(optarg); break;
        case 'b': scenario.broken = optarg; break;
        case 'm': failures_most = strtoll(optarg, NULL, 10); break;
        case 'c': scenario.crash_at = strtoll(optarg, NULL, 10); break;
        default: return 2;
        }
    }
    if (schemas_load(error, sizeof error) < 0) {
        fprintf(stderr, "sim: %s\n", error);
        return 1;
    }
    sim_know_plans();
    for (int n = 0; n < JOBS; n++)
        jobs[n].result = mmap(NULL, sizeof *jobs[n].result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sweep)
        play_sweep(scenario);
    else if (seeds || hours > 0)
        play_seeds(scenario, seeds, hours, "whatever goes wrong");
    else
        play_always();
    printf("1..%d\n", checks);
    return checks_failed != 0;
}
