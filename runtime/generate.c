/*
 * The simulation's loop: tasks by time, what they emit, and when it is over.
 */
#include "generate_parts.h"
#include <stdlib.h>

void task_wait(struct generator *generator, struct task *task, int64_t at) {
    task->at = at > generator->now ? at : generator->now;
    heap_push(&generator->heap, task->at, task);
}

struct event *emit(struct generator *generator, struct str tenant, enum event_type type) {
    if (generator->ready_count == generator->ready_capacity) {
        size_t capacity = generator->ready_capacity ? generator->ready_capacity * 2 : 64;
        struct event *ready = generate_allocate(capacity * sizeof *ready);
        if (generator->ready_count) memcpy(ready, generator->ready, generator->ready_count * sizeof *ready);
        free(generator->ready);
        generator->ready = ready;
        generator->ready_capacity = capacity;
    }
    struct event *event = &generator->ready[generator->ready_count++];
    memset(event, 0, sizeof *event);
    event->tenant = tenant;
    event->occurred_at = generator->now;
    event->type = (int8_t)type;
    return event;
}

static char *hex_put(char *text, uint64_t value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) *text++ = "0123456789abcdef"[value >> shift & 15];
    return text;
}

void uuid_make(struct generator *generator, int64_t at, char text[UUID_TEXT]) {
    uint64_t high = random_next(&generator->random), low = random_next(&generator->random), version = 4;
    if (generator->options.ids == GENERATE_IDS_TIME) {
        high = (uint64_t)at << 16 | (high & 0xffff);
        version = 7;
    }
    high = (high & ~UINT64_C(0xf000)) | version << 12;
    low = (low & UINT64_C(0x3fffffffffffffff)) | UINT64_C(1) << 63;
    text = hex_put(text, high >> 32, 8);
    *text++ = '-';
    text = hex_put(text, high >> 16 & 0xffff, 4);
    *text++ = '-';
    text = hex_put(text, high & 0xffff, 4);
    *text++ = '-';
    text = hex_put(text, low >> 48, 4);
    *text++ = '-';
    text = hex_put(text, low & 0xffffffffffff, 12);
    *text = '\0';
}

static struct task *task_make(enum task_kind kind, struct tenant *tenant) {
    struct task *task = generate_allocate(sizeof *task);
    task->kind = kind;
    task->tenant = tenant;
    return task;
}

static void finish(struct generator *generator, struct task *task) { generator->finished = task; }

/* A caller from the tenant's own people; some withhold their number. */
static struct party party_draw(struct generator *generator, const struct tenant *tenant) {
    struct party party = {.caller = WITHHELD};
    if (random_percent(&generator->random, 4)) {
        static const char *const hidden[] = {"", "anonymous", "+266696687"};
        strcpy(party.number, hidden[random_below(&generator->random, 3)]);
        return party;
    }
    party.caller = random_below(&generator->random, tenant->callers);
    caller_number(tenant, party.caller, party.number);
    return party;
}

/* A Poisson process at the rate of the busiest hour, thinned to the hour's own. */
static void arrival_next(struct generator *generator, struct task *task) {
    struct tenant *tenant = task->tenant;
    do tenant->next_arrival += random_exponential(&generator->random, tenant->busiest_gap);
    while (random_below(&generator->random, 65536) >= tenant_busyness(tenant, tenant->next_arrival / 1000));
    task_wait(generator, task, tenant->next_arrival / 1000);
}

static void arrival_run(struct generator *generator, struct task *task) {
    struct tenant *tenant = task->tenant;
    struct party party = party_draw(generator, tenant);
    bool open = tenant_is_open(tenant, generator->now);
    uint32_t what = random_below(&generator->random, 100);
    if (what < 4 && open) {
        internal_plan(generator, tenant);
    } else if (what < 14 && open && party.caller != WITHHELD) {
        bool reached, booked;
        outbound_plan(generator, tenant, &party, random_below(&generator->random, tenant->agent_count), NULL, &reached, &booked);
    } else {
        inbound_plan(generator, tenant, &party);
    }
    arrival_next(generator, task);
}

static void call_run(struct generator *generator, struct call *call) {
    while (call->next < call->count && call->events[call->next].occurred_at <= generator->now) {
        struct event *event = &call->events[call->next++];
        *emit(generator, event->tenant, (enum event_type)event->type) = *event;
    }
    if (call->next < call->count)
        task_wait(generator, &call->task, call->events[call->next].occurred_at);
    else
        finish(generator, &call->task);
}

static void task_run(struct generator *generator, struct task *task) {
    switch (task->kind) {
    case TASK_DIRECTORY:
        network_announce(generator);
        finish(generator, task);
        break;
    case TASK_TENANT:
        tenant_announce(generator, task->tenant);
        task->kind = TASK_ARRIVAL;
        arrival_next(generator, task);
        break;
    case TASK_ARRIVAL: arrival_run(generator, task); break;
    case TASK_CALL: call_run(generator, (struct call *)task); break;
    case TASK_REDIAL:
        inbound_plan(generator, task->tenant, &((struct redial *)task)->party);
        finish(generator, task);
        break;
    case TASK_JOB: job_run(generator, (struct job *)task); break;
    case TASK_ROW: row_run(generator, (struct row *)task); break;
    case TASK_REVIEW: review_run(generator, (struct review *)task); break;
    }
}

/* At the end calls in progress are finished, and the jobs that they book; what would come days later is left out. */
static bool belongs_to_the_end(const struct generator *generator, const struct task *task) {
    if (task->kind == TASK_JOB) return ((const struct job *)task)->next == EVENT_JOB_BOOKED && task->at < generator->closed_at + HOUR_MS;
    return task->kind == TASK_CALL || task->kind == TASK_DIRECTORY || task->kind == TASK_TENANT;
}

/* Runs the task that comes next. False: there is none. */
static bool step(struct generator *generator) {
    free(generator->finished);
    generator->finished = NULL;
    generator->ready_count = generator->ready_next = 0;
    if (generator->heap.count == 0) return false;

    struct task *task = heap_pop(&generator->heap);
    generator->now = task->at;
    if (generator->closed_at == NONE && (task->at >= generator->end || generator->calls >= generator->options.calls))
        generator->closed_at = task->at;
    if (generator->closed_at == NONE || belongs_to_the_end(generator, task))
        task_run(generator, task);
    else
        finish(generator, task);
    return true;
}

struct generator *generate_open(const struct generate_options *options) {
    struct generator *generator = calloc(1, sizeof *generator);
    if (!generator) return NULL;
    generator->options = *options;
    if (options->calls == NONE) generator->options.calls = INT64_MAX;
    if (options->events == NONE) generator->options.events = INT64_MAX;
    generator->now = options->start;
    generator->closed_at = NONE;
    generator->end = options->days == NONE ? INT64_MAX : options->start + options->days * DAY_MS;
    random_seed(&generator->random, options->seed);
    network_make(generator);
    task_wait(generator, task_make(TASK_DIRECTORY, NULL), options->start);
    for (uint32_t i = 0; i < options->tenants; i++) {
        generator->tenants[i].next_arrival = options->start * 1000;
        task_wait(generator, task_make(TASK_TENANT, &generator->tenants[i]), options->start);
    }
    return generator;
}

const struct event *generate_next(struct generator *generator) {
    if (generator->events_out >= generator->options.events) return NULL;
    while (generator->ready_next == generator->ready_count)
        if (!step(generator)) return NULL;
    struct event *event = &generator->ready[generator->ready_next++];
    uuid_make(generator, event->occurred_at, generator->uuid);
    event->event_id = (struct str){generator->uuid, UUID_TEXT - 1};
    generator->events_out++;
    return event;
}

void generate_close(struct generator *generator) {
    if (!generator) return;
    while (generator->heap.count) free(heap_pop(&generator->heap));
    free(generator->heap.entries);
    free(generator->finished);
    free(generator->ready);
    network_free(generator);
    free(generator);
}

size_t generate_pending(const struct generator *generator) { return generator->heap.count; }
