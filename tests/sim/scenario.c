#include "scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../runtime/json_log.h"
#include "../../runtime/kafka_worker.h"
#include "client.h"
#include "input.h"

#define QUIET_FROM (35 * SIM_SECOND)   /* from then on nothing goes wrong any more */
#define CAUGHT_UP_WITHIN (60 * SIM_SECOND)
#define STOPPED_WITHIN (10 * SIM_SECOND)
#define LOOK_EVERY (SIM_SECOND / 4)
#define CRASHES_MOST 6 /* of one instance */
#define LATE_MS 1200
#define UNNOTICED_MS 2000 /* a clock that is off by less is believed */
#define REPORT_MOST_MS 10000 /* and no more is known of it than a report takes to come */
#define TROUBLES_BY_WHICH_REPORTS_ARE_LATE \
    (1U << TROUBLE_FREEZE | 1U << TROUBLE_BROKER | 1U << TROUBLE_COORDINATOR | 1U << TROUBLE_FAILOVER | 1U << TROUBLE_WIRE | 1U << TROUBLE_SLOW)

const char *const trouble_names[TROUBLES] = {"kill",     "power", "freeze", "stop", "broker", "coordinator", "failover",
                                             "wire",     "disk",  "skew",   "jump", "queue",  "slow", "refused",     "torn", "cut"};

static const struct scenario *scenario;
static uint32_t troubles;
static int crashes[SIM_INSTANCES_MAX];
static int64_t starts_at[SIM_INSTANCES_MAX]; /* SIM_NEVER: it runs, or is not to */

static bool found_out; /* somebody was told that something is damaged */

static bool has(enum trouble trouble) { return troubles >> trouble & 1; }
static bool is_quiet(void) { return sim_now() >= QUIET_FROM; }

/* ---- what the program tells ---- */

void __wrap_json_log_fields(enum level level, const char *event, const struct log_field *fields);
void __wrap_crash_point(const char *name);
bool __wrap_rule_is_broken(const char *name);

void __wrap_json_log_fields(enum level level, const char *event, const struct log_field *fields) {
    char text[2048];
    size_t size = (size_t)snprintf(text, sizeof text, "%s", event);
    bool quarantined = false;
    (void)level;
    for (; fields->name && size < sizeof text; fields++) {
        if (!fields->text && fields->number == NONE) continue;
        if (fields->text)
            size += (size_t)snprintf(text + size, sizeof text - size, " %s=%s", fields->name, fields->text);
        else
            size += (size_t)snprintf(text + size, sizeof text - size, " %s=%" PRId64, fields->name, fields->number);
        quarantined |= fields->text && strcmp(fields->name, "to") == 0 && strcmp(fields->text, "QUARANTINED") == 0;
    }
    sim_trace("%s", text);
    found_out |= quarantined;
    if (quarantined && !(troubles & TROUBLES_BROKEN_PROMISES)) sim_fail("%s", text);
}

void __wrap_crash_point(const char *name) { sim_point(name); }

bool __wrap_rule_is_broken(const char *name) { return scenario->broken && strcmp(scenario->broken, name) == 0; }

/* ---- processes ---- */

static struct config *config_make(int instance, int64_t partitions, int64_t workers) {
    char yaml[1024];
    struct config *config;
    struct failure failure = {0};
    int size = snprintf(yaml, sizeof yaml,
                        "brokers: sim:9092\napplication: app\npartitions: %" PRId64 "\nworkers: %" PRId64
                        "\nstate:\n  dir: /sim/%d\nhttp:\n  port: 0\nseal_every: 10s\n",
                        partitions, workers, instance);
    if (config_parse(&config, yaml, (size_t)size, "sim", &failure) < 0) sim_fail("%s", failure.text);
    return config;
}

static void *process_main(void *argument) {
    struct instance *instance = argument;
    struct failure failure = {0};
    int result = kafka_worker_run(instance->config, &instance->stop, &failure);
    sim_trace("the process ended: %s", result < 0 ? failure.text : "well");
    instance->running = false;
    return NULL;
}

static void crash_plan(struct instance *instance) {
    bool may = (has(TROUBLE_KILL) || has(TROUBLE_POWER)) && !is_quiet() && crashes[instance->number] < CRASHES_MOST;
    if (may) instance->crash_at = instance->points + (sim_chance(300) ? sim_between(1, 60) : sim_between(1, 900));
    instance->power_cut = has(TROUBLE_POWER) && (!has(TROUBLE_KILL) || sim_chance(400));
}

static void process_start(struct instance *instance) {
    sim_trace("instance %d starts", instance->number);
    instance->incarnation++;
    instance->running = true;
    atomic_store(&instance->stop, false);
    crash_plan(instance);
    starts_at[instance->number] = SIM_NEVER;
    sim_thread(instance, process_main, instance);
}

/* As systemd would: what is not running is started again, unless it is to rest. */
static void supervise(void *context) {
    for (int n = 0; n < sim_instance_count; n++) {
        struct instance *instance = &sim_instances[n];
        if (instance->running) continue;
        if (starts_at[n] == SIM_NEVER) {
            starts_at[n] = sim_now() + sim_between(0, is_quiet() ? SIM_SECOND : 8 * SIM_SECOND);
            crashes[n]++;
        }
        if (starts_at[n] <= sim_now()) process_start(instance);
    }
    sim_at(sim_now() + LOOK_EVERY, supervise, context);
}

/* ---- troubles ---- */

static int64_t some_ms(int64_t least, int64_t most) { return sim_between(least, most) * 1000; }

static struct instance *some_instance(void) { return &sim_instances[sim_between(0, sim_instance_count - 1)]; }

/* How long it lasts never goes beyond the time at which all is to be quiet. */
static int64_t until(int64_t duration) {
    int64_t end = sim_now() + duration;
    return end < QUIET_FROM ? end : QUIET_FROM;
}

static void trouble_happens(enum trouble trouble) {
    struct instance *instance = some_instance();
    switch (trouble) {
    case TROUBLE_FREEZE:
        instance->frozen_until = until(some_ms(100, 15000));
        sim_trace("instance %d is frozen until %.3f s", instance->number, (double)instance->frozen_until / SIM_SECOND);
        break;
    case TROUBLE_STOP:
        sim_trace("instance %d is told to stop", instance->number);
        atomic_store(&instance->stop, true);
        break;
    case TROUBLE_BROKER: broker.down_until = until(some_ms(50, 12000)); break;
    case TROUBLE_COORDINATOR: broker.coordinator_down_until = until(some_ms(50, 12000)); break;
    case TROUBLE_FAILOVER: broker_failover(); break;
    case TROUBLE_DISK: instance->full_until = until(some_ms(100, 8000)); break;
    case TROUBLE_JUMP: {
        static const int64_t jumps_ms[] = {-3600000, -10000, -1500, 1500, 10000, 3600000};
        instance->skew_ms += jumps_ms[sim_between(0, 5)];
        sim_trace("the clock of instance %d jumps to %" PRId64 " ms", instance->number, instance->skew_ms);
        break;
    }
    default: break;
    }
}

static void everybody_dies(void *context) {
    (void)context;
    broker.torn = false;
    for (int n = 0; n < sim_instance_count; n++)
        if (sim_instances[n].running) sim_kill(&sim_instances[n]);
}

/* Once, and then everybody begins anew. */
static void promise_breaks(void *context) {
    (void)context;
    if (has(TROUBLE_TORN)) broker.torn = true;
    if (has(TROUBLE_CUT)) broker_cut(broker_log_of(KAFKA_TOPIC_JOURNAL, 0));
    sim_trace("Kafka breaks a promise");
    sim_at(sim_now() + 5 * SIM_SECOND, everybody_dies, NULL);
}

static void troubles_happen(void *context) {
    if (is_quiet()) return;
    for (int trouble = 0; trouble < TROUBLES; trouble++)
        if (has((enum trouble)trouble) && sim_chance(200)) trouble_happens((enum trouble)trouble);
    sim_at(sim_now() + some_ms(100, 3000), troubles_happen, context);
}

static void quiet_begins(void *context) {
    (void)context;
    sim_trace("from here on nothing goes wrong");
    wire.trouble = wire.refused = wire.queue_full = 0;
    for (int n = 0; n < sim_instance_count; n++) sim_instances[n].crash_at = 0;
}

static void troubles_choose(void) {
    static const int64_t clocks_ms[] = {-3600000, -5000, -1500, -300, 300, 1500, 5000, 3600000};
    troubles = scenario->troubles;
    if (!scenario->chosen && !sim_chance(100))
        for (int trouble = 0; trouble < TROUBLE_TORN; trouble++) troubles |= (uint32_t)sim_chance(250) << trouble;
    wire = (struct wire){.latency_most = has(TROUBLE_SLOW) ? 100000 : 1000,
                         .trouble = has(TROUBLE_WIRE) ? sim_between(5, 120) : 0,
                         .late_most = 15 * SIM_SECOND,
                         .refused = has(TROUBLE_REFUSED) ? sim_between(5, 200) : 0,
                         .queue_full = has(TROUBLE_QUEUE) ? sim_between(5, 100) : 0};
    broker.replication_most = has(TROUBLE_SLOW) || has(TROUBLE_FAILOVER) ? 200000 : 2000;
    broker.marker_most = has(TROUBLE_SLOW) ? 2 * SIM_SECOND : 5000;
    for (int n = 0; n < sim_instance_count && has(TROUBLE_SKEW); n++) sim_instances[n].skew_ms = clocks_ms[sim_between(0, 7)];
}

/* ---- a run ---- */

static void machines_make(int count, int64_t partitions) {
    int64_t workers = sim_between(1, 2);
    sim_instance_count = count;
    for (int n = 0; n < count; n++) {
        sim_instances[n] = (struct instance){.number = n, .config = config_make(n, partitions, workers)};
        starts_at[n] = sim_between(0, 2 * SIM_SECOND);
    }
}

static void await_caught_up(const struct config *config) {
    int64_t end = QUIET_FROM + CAUGHT_UP_WITHIN;
    sim_run_until(QUIET_FROM);
    while (!judge_caught_up((int32_t)config->partitions)) {
        if (sim_now() >= end) sim_fail("not everything is journalled %d s after all troubles ended", (int)(CAUGHT_UP_WITHIN / SIM_SECOND));
        sim_run_until(sim_now() + SIM_SECOND);
    }
    sim_run_until(sim_now() + 3 * SIM_SECOND); /* what is due by then, and the standbys */
}

static void await_stopped(void) {
    int64_t end = sim_now() + STOPPED_WITHIN;
    bool running = true;
    for (int n = 0; n < sim_instance_count; n++) {
        atomic_store(&sim_instances[n].stop, true);
        starts_at[n] = SIM_NEVER - 1;
    }
    while (running) {
        running = false;
        sim_run_until(sim_now() + LOOK_EVERY);
        for (int n = 0; n < sim_instance_count; n++) running |= sim_instances[n].running;
        if (running && sim_now() >= end) sim_fail("an instance does not stop within %d s", (int)(STOPPED_WITHIN / SIM_SECOND));
    }
    sim_run_until(sim_now() + 3 * SIM_SECOND); /* the last markers */
}

static void play_until_found_out(void) {
    sim_at(12 * SIM_SECOND, promise_breaks, NULL);
    sim_run_until(QUIET_FROM + CAUGHT_UP_WITHIN);
    if (!found_out) sim_fail("Kafka broke a promise, and nobody found out");
}

static struct judge_limits limits(void) {
    int64_t early_ms = has(TROUBLE_SKEW) || has(TROUBLE_JUMP) ? UNNOTICED_MS : 0;
    if (early_ms && troubles & TROUBLES_BY_WHICH_REPORTS_ARE_LATE) early_ms += REPORT_MOST_MS;
    return (struct judge_limits){.early_ms = early_ms, .late_ms = troubles ? -1 : LATE_MS};
}

void scenario_play(const struct scenario *played, struct scenario_result *result) {
    scenario = played;
    sim_seed(scenario->seed);
    int64_t partitions = sim_between(1, SIM_PARTITIONS_MAX);
    machines_make((int)sim_between(1, SIM_INSTANCES_MAX), partitions);
    troubles_choose();
    const struct config *config = sim_instances[0].config;
    broker_open(config);
    judge_open();
    input_begin((int32_t)partitions, scenario->seed % 1000);
    *result = (struct scenario_result){.troubles = troubles};
    sim_trace("%d instances, %" PRId64 " partitions, troubles %x", sim_instance_count, partitions, (unsigned)troubles);
    sim_at(0, supervise, NULL);
    sim_at(3 * SIM_SECOND, troubles_happen, NULL);
    sim_at(QUIET_FROM, quiet_begins, NULL);
    if (troubles & TROUBLES_BROKEN_PROMISES) {
        play_until_found_out();
        return;
    }
    if (scenario->crash_at) sim_instances[0].crash_at = scenario->crash_at;
    await_caught_up(config);
    await_stopped();
    struct judge_limits judged = limits();
    judge_run(config, &judged, &result->counts);
    result->points_of_first = sim_instances[0].points;
    for (int n = 0; n < sim_instance_count; n++) result->crashes += crashes[n];
}
