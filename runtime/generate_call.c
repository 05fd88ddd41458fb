/*
 * One call from its start to the last that is heard of it, planned when it begins. The order of a plan is that of writing; call_begin
 * sorts it by time before its first event comes out.
 */
#include "generate_parts.h"
#include <stdio.h>
#include <stdlib.h>

static struct event *add(struct call *call, enum event_type type, int64_t at) {
    if (call->count == CALL_EVENTS_MAX) {
        fprintf(stderr, "ringback generate: a call of more than %d events\n", CALL_EVENTS_MAX);
        abort();
    }
    struct event *event = &call->events[call->count++];
    event->tenant = call->task.tenant->id;
    event->occurred_at = at;
    event->type = (int8_t)type;
    event->body.subject = str_of(call->id);
    return event;
}

static struct call *call_make(struct generator *generator, struct tenant *tenant, const struct party *party) {
    struct call *call = generate_allocate(sizeof *call);
    call->task = (struct task){.kind = TASK_CALL, .tenant = tenant};
    call->party = *party;
    call->now = generator->now;
    uuid_make(generator, generator->now, call->id);
    generator->calls++;
    return call;
}

/* Sorts what was planned by time, keeping the order of what has the same time, and sets the call going. */
static void call_begin(struct generator *generator, struct call *call) {
    for (uint32_t i = 1; i < call->count; i++) {
        struct event event = call->events[i];
        uint32_t place = i;
        for (; place > 0 && call->events[place - 1].occurred_at > event.occurred_at; place--) call->events[place] = call->events[place - 1];
        call->events[place] = event;
    }
    task_wait(generator, &call->task, call->events[0].occurred_at);
}

static struct str party_number(const struct call *call) { return call->party.number[0] ? str_of(call->party.number) : STR_NULL; }

/* The customer's id, announced in the directory before it is first named. Null: the caller is nobody's customer yet. */
static struct str customer_of(struct call *call) {
    struct tenant *tenant = call->task.tenant;
    uint32_t caller = call->party.caller;
    if (caller == WITHHELD || !caller_is_customer(caller)) return STR_NULL;
    struct customer_text *customer = &call->customer;
    if (!customer->id[0]) snprintf(customer->id, sizeof customer->id, "customer-%u", caller);
    uint8_t bit = (uint8_t)(1u << caller % 8);
    if (!(tenant->announced[caller / 8] & bit)) {
        tenant->announced[caller / 8] |= bit;
        static const char *const streets[] = {"Elm", "Oak", "Maple", "Hill", "Park", "Mill", "Lake"};
        snprintf(customer->name, sizeof customer->name, "Household at %u %s Street", 1 + caller % 997, streets[caller % 7]);
        memcpy(customer->number, call->party.number, NUMBER_TEXT);
        customer->numbers[0] = str_of(customer->number);
        struct event *event = add(call, EVENT_CUSTOMER_CHANGED, call->now);
        event->body.customer_changed = (struct customer_changed){str_of(customer->id), str_of(customer->name), {customer->numbers, 1}};
    }
    return str_of(customer->id);
}

static void add_start(struct generator *generator, struct call *call, enum direction direction, enum call_kind kind, struct str from,
                      struct str to) {
    struct str customer = random_percent(&generator->random, 50) ? customer_of(call) : STR_NULL;
    struct event *event = add(call, EVENT_CALL_STARTED, call->now);
    struct str row = call->row[0] ? str_of(call->row) : STR_NULL;
    event->body.call_started = (struct call_started){str_of(call->id), (int8_t)direction, (int8_t)kind, from, to, customer, row};
}

static void add_end(struct call *call, enum ended_by by, struct str cause) {
    struct event *event = add(call, EVENT_CALL_ENDED, call->now);
    event->body.call_ended = (struct call_ended){str_of(call->id), (int8_t)by, cause};
}

static void add_module(struct call *call, enum module_kind module, const char *id, const char *branch) {
    struct event *event = add(call, EVENT_MODULE_ENTERED, call->now);
    event->body.module_entered =
        (struct module_entered){str_of(call->id), str_of(call->task.tenant->workflow), 3, str_of(id), (int8_t)module, str_of(branch)};
}

/* A leg's id: unique in its call. */
static struct str next_leg(struct call *call) {
    static const char *const legs[] = {"leg-1", "leg-2", "leg-3", "leg-4",  "leg-5",  "leg-6",
                                       "leg-7", "leg-8", "leg-9", "leg-10", "leg-11", "leg-12"};
    uint32_t last = sizeof legs / sizeof *legs - 1;
    return str_of(legs[call->legs < last ? call->legs++ : last]);
}

static void add_agent_status(struct call *call, struct str agent, const char *status, enum agent_status_why why, int64_t at) {
    struct event *event = add(call, EVENT_AGENT_STATUS_CHANGED, at);
    event->actor = why == STATUS_BY_PERSON ? agent : STR_NULL;
    event->body.agent_status_changed = (struct agent_status_changed){agent, str_of(status), (int8_t)why};
}

/* The caller is gone before anybody spoke with him: he may dial again, and somebody may call him back. */
static void nobody_answered(struct generator *generator, struct call *call, enum ended_by by) {
    add_end(call, by, STR_NULL);
    bool dials_again = call->party.caller != WITHHELD && random_percent(&generator->random, 45);
    if (dials_again) redial_plan(generator, call);
    if (random_percent(&generator->random, dials_again ? 25 : 75)) row_plan(generator, call, false, call->now);
}

static void leave_voicemail(struct generator *generator, struct call *call) {
    struct random *random = &generator->random;
    add_module(call, MODULE_GROUP_VOICEMAIL, "voicemail", NULL);
    struct event *event = add(call, EVENT_VOICEMAIL_STARTED, call->now + random_between(random, 200, 1500));
    event->body.voicemail_started = (struct voicemail_started){str_of(call->id), STR("front-desk")};
    if (random_percent(random, 35)) { /* hangs up at the beep */
        call->now += random_between(random, 2000, 9000);
        nobody_answered(generator, call, ENDED_BY_CALLER);
        return;
    }
    int64_t duration = random_between(random, 6, 90) * SECOND_MS;
    call->now += random_between(random, 9000, 14000) + duration;
    event = add(call, EVENT_VOICEMAIL_LEFT, call->now);
    snprintf(call->text, sizeof call->text, "https://voicemail.example/%s", call->id);
    event->body.voicemail_left = (struct voicemail_left){str_of(call->id), str_of(call->text), duration};
    call->now += random_between(random, 50, 900);
    add_end(call, ENDED_BY_CALLER, STR_NULL);
}

static void add_forward(struct call *call, struct str to, enum forward_destination destination, enum forward_why why) {
    struct event *event = add(call, EVENT_FORWARDED, call->now);
    event->body.forwarded = (struct forwarded){str_of(call->id), to, (int8_t)destination, (int8_t)why};
}

static void forward_outside(struct generator *generator, struct call *call, enum forward_why why) {
    add_forward(call, STR("+12025550143"), FORWARD_EXTERNAL, why);
    call->now += random_lognormal(&generator->random, 90 * SECOND_MS, 200);
    add_end(call, ENDED_BY_UNKNOWN, STR_NULL);
}

static void talk_to_voice_agent(struct generator *generator, struct call *call) {
    struct random *random = &generator->random;
    add_module(call, MODULE_VOICE_AGENT, "voice-agent", NULL);
    add_forward(call, STR_NULL, FORWARD_VOICE_AGENT, FORWARD_BY_MODULE);
    struct str leg = next_leg(call);
    struct event *event = add(call, EVENT_VOICE_AGENT_CONNECTED, call->now + 400);
    event->body.voice_agent_connected = (struct voice_agent_connected){str_of(call->id), leg};
    int64_t length = random_lognormal(random, 80 * SECOND_MS, 200) + 5000, connected = call->now;
    enum voice_agent_result result = (enum voice_agent_result)random_weighted(random, (const uint16_t[]){35, 55, 10}, 3);
    call->now += length;
    event = add(call, EVENT_VOICE_AGENT_DISCONNECTED, call->now);
    event->body.voice_agent_disconnected =
        (struct voice_agent_disconnected){str_of(call->id), leg, (int8_t)result, result == VOICE_AGENT_SPAM ? STR("robocall") : STR_NULL};
    if (result == VOICE_AGENT_BOOKED) job_plan(generator, call, true, connected + length * 3 / 4);
    add_end(call, ENDED_BY_CALLER, STR_NULL);
}

/* Six for UNBOOKED, three for EXCUSED, three for NOT_A_LEAD. */
static const struct {
    const char *name;
    int8_t is_lead;
} reasons[] = {{"Comparing prices", 1},
               {"Wants to think it over", 1},
               {"No appointment soon enough", 1},
               {"Needs the landlord's word", 1},
               {"Outside our area", 0},
               {"Work we do not do", 0},
               {"Existing appointment", 0},
               {"Supplier", 0},
               {"Asked for directions", -1},
               {"Wrong number", 0},
               {"Sales call", 0},
               {"Looking for a position", 0}};

/* Returns whether there is still a lead to be won. */
static bool add_classification(struct generator *generator, struct call *call, struct str agent, enum classification classification,
                               struct str job, int64_t at) {
    uint32_t kind = classification == CLASS_UNBOOKED
                        ? random_below(&generator->random, 6)
                        : 6 + 3 * (uint32_t)(classification == CLASS_NOT_A_LEAD) + random_below(&generator->random, 3);
    bool booked = classification == CLASS_BOOKED;
    struct event *event = add(call, EVENT_CALL_CLASSIFIED, at);
    event->actor = agent;
    event->body.call_classified = (struct call_classified){
        .call_id = str_of(call->id),
        .by = agent,
        .classification = (int8_t)classification,
        .reason = booked ? STR_NULL : str_of(reasons[kind].name),
        .is_lead = booked ? 1 : reasons[kind].is_lead,
        .notes = random_percent(&generator->random, 20) ? STR("Call again after work hours; gate code needed.") : STR_NULL,
        .job = job,
    };
    return classification == CLASS_UNBOOKED && reasons[kind].is_lead != 0;
}

/* What the conversation from `began` to call->now came to: a job, a classification during wrap-up, or neither; and so a row or none. */
static bool conclude(struct generator *generator, struct call *call, struct str agent, int64_t began, int64_t wrapped, bool inbound) {
    struct random *random = &generator->random;
    static const enum classification meant[] = {CLASS_BOOKED, CLASS_UNBOOKED, CLASS_EXCUSED, CLASS_NOT_A_LEAD};
    uint32_t what = random_weighted(random, (const uint16_t[]){44, 32, 14, 10}, 4);
    int64_t ended = call->now, classified_at = ended + (wrapped - ended) * random_between(random, 30, 95) / 100;
    bool classifies = random_percent(random, 82), lead = !classifies; /* still to be won */

    if (what == 0) {
        uint32_t when = random_weighted(random, (const uint16_t[]){62, 26, 12}, 3);
        int64_t booked_at = when == 0   ? began + (ended - began) * random_between(random, 40, 98) / 100
                            : when == 1 ? ended + (classified_at - ended) * random_between(random, 5, 95) / 100
                                        : ended + random_between(random, 11, 36 * 60) * MINUTE_MS;
        job_plan(generator, call, random_percent(random, 85), booked_at);
        lead = when == 2;
        if (classifies && !lead) add_classification(generator, call, agent, CLASS_BOOKED, str_of(call->job), classified_at);
    } else if (classifies) {
        lead = add_classification(generator, call, agent, meant[what], STR_NULL, classified_at);
        if (random_percent(random, 3)) review_plan(generator, call, agent, ended + random_between(random, 20, 1500) * MINUTE_MS);
    }
    if (inbound && lead && call->task.tenant->second_chance && random_percent(random, 65))
        row_plan(generator, call, true, ended + 10 * MINUTE_MS);
    return what == 0;
}

static void add_hold(struct generator *generator, struct call *call, struct str leg, int64_t talk) {
    struct random *random = &generator->random;
    int64_t begins = call->now + talk * random_between(random, 10, 60) / 100, ends = begins + talk * random_between(random, 5, 35) / 100;
    struct str whose = random_percent(random, 80) ? leg : STR_NULL;
    struct event *event = add(call, EVENT_HOLD_STARTED, begins);
    event->body.hold_started = (struct hold_started){str_of(call->id), whose};
    event = add(call, EVENT_HOLD_ENDED, ends);
    event->body.hold_ended = (struct hold_ended){str_of(call->id), whose};
}

static void wrap_up(struct generator *generator, struct call *call, struct gen_agent *agent, struct str leg, int64_t wrapped) {
    struct random *random = &generator->random;
    struct event *event = add(call, EVENT_WRAP_UP_STARTED, call->now);
    event->body.wrap_up_started = (struct wrap_up_started){str_of(call->id), leg, agent->id};
    event = add(call, EVENT_WRAP_UP_ENDED, wrapped);
    event->body.wrap_up_ended = (struct wrap_up_ended){str_of(call->id), leg, agent->id};
    agent->free_at = wrapped;
    if (random_percent(random, 6)) {
        static const char *const pauses[] = {"Break", "Lunch", "Meeting", "Training"};
        int64_t back = wrapped + random_between(random, 4, 25) * MINUTE_MS;
        add_agent_status(call, agent->id, pauses[random_below(random, 4)], STATUS_BY_PERSON, wrapped);
        add_agent_status(call, agent->id, "Available", STATUS_BY_PERSON, back);
        agent->free_at = back;
    }
}

static void add_recording(struct generator *generator, struct call *call) {
    if (!random_percent(&generator->random, 90)) return;
    struct event *event = add(call, EVENT_RECORDING_AVAILABLE, call->now + random_between(&generator->random, 20, 180) * SECOND_MS);
    snprintf(call->text, sizeof call->text, "https://recordings.example/%s", call->id);
    event->body.recording_available = (struct recording_available){str_of(call->id), str_of(call->text)};
}

static int64_t talk_length(struct random *random) {
    if (random_percent(random, 8)) return random_between(random, 4, 32) * SECOND_MS; /* asks one thing */
    int64_t talk = random_lognormal(random, 185 * SECOND_MS, 270);
    return talk < 45 * MINUTE_MS ? talk + 5 * SECOND_MS : 45 * MINUTE_MS;
}

static enum ended_by hang_up(struct random *random) { return (enum ended_by)random_weighted(random, (const uint16_t[]){66, 30, 2, 2}, 4); }

static void connect(struct call *call, struct str leg, struct str agent) {
    struct event *event = add(call, EVENT_AGENT_CONNECTED, call->now);
    event->body.agent_connected = (struct agent_connected){str_of(call->id), leg, agent};
}

static void disconnect(struct call *call, struct str leg) {
    struct event *event = add(call, EVENT_AGENT_DISCONNECTED, call->now);
    event->body.agent_disconnected = (struct agent_disconnected){str_of(call->id), leg};
}

/* The agent is on the line at call->now; the call goes on to its end. Returns whether a job was booked. */
static bool last_conversation(struct generator *generator, struct call *call, struct gen_agent *agent, struct str leg, bool inbound) {
    struct random *random = &generator->random;
    int64_t began = call->now, talk = talk_length(random);
    connect(call, leg, agent->id);
    if (talk > MINUTE_MS && random_percent(random, 14)) add_hold(generator, call, leg, talk);
    call->now = began + talk;
    if (random_percent(random, 60)) {
        struct str customer = customer_of(call);
        struct event *event = str_is_null(customer) ? NULL : add(call, EVENT_CUSTOMER_LINKED, call->now);
        if (event) event->body.customer_linked = (struct customer_linked){str_of(call->id), customer};
    }
    disconnect(call, leg);
    call->now += random_below(random, 3) * 40;
    if (!random_per_mille(random, 4)) add_end(call, hang_up(random), STR_NULL); /* the end of some never arrives */
    int64_t wrapped = call->now + random_lognormal(random, 40 * SECOND_MS, 300);
    wrap_up(generator, call, agent, leg, wrapped);
    add_recording(generator, call);
    return conclude(generator, call, agent->id, began, wrapped, inbound);
}

enum wait_end { WAIT_ANSWERED, WAIT_GAVE_UP, WAIT_OVER, WAIT_CALLBACK, WAIT_LEFT };

static struct gen_agent *free_first(const struct tenant *tenant, const struct gen_queue *queue) {
    struct gen_agent *first = &tenant->agents[queue->first_agent];
    for (struct gen_agent *agent = first + 1; agent < &tenant->agents[queue->first_agent + queue->agents]; agent++)
        if (agent->free_at < first->free_at) first = agent;
    return first;
}

/* Rings the agent from call->now on; true: he answered. Moves call->now to the end of the offer. */
static bool offer(struct generator *generator, struct call *call, struct gen_agent *agent, struct str leg) {
    struct random *random = &generator->random;
    struct event *event = add(call, EVENT_AGENT_OFFERED, call->now);
    event->body.agent_offered = (struct agent_offered){str_of(call->id), leg, agent->id};
    enum offer_end end = (enum offer_end)random_weighted(random, (const uint16_t[]){90, 3, 6, 0, 1}, 5);
    int64_t ring = end == OFFER_MISSED ? 20 * SECOND_MS : random_between(random, 1500, 12000);
    if (call->now + ring > call->patience_ends) {
        ring = call->patience_ends > call->now ? call->patience_ends - call->now : 0;
        end = OFFER_CALLER_HUNG_UP;
    }
    call->now += ring;
    event = add(call, EVENT_OFFER_ENDED, call->now);
    event->body.offer_ended = (struct offer_ended){str_of(call->id), leg, (int8_t)end};
    if (end == OFFER_MISSED || end == OFFER_REJECTED) {
        int64_t away = random_between(random, 60, 240) * SECOND_MS;
        add_agent_status(call, agent->id, "Unavailable", end == OFFER_MISSED ? STATUS_MISSED : STATUS_REJECTED, call->now);
        add_agent_status(call, agent->id, "Available", STATUS_BY_PERSON, call->now + away);
        agent->free_at = call->now + away;
    }
    return end == OFFER_ACCEPTED;
}

static void enter_queue(struct call *call, const struct gen_queue *queue) {
    struct event *event = add(call, EVENT_QUEUE_ENTERED, call->now);
    event->body.queue_entered = (struct queue_entered){str_of(call->id), queue->id};
}

static void exit_queue(struct call *call, const struct gen_queue *queue, enum queue_exit reason) {
    struct event *event = add(call, EVENT_QUEUE_EXITED, call->now);
    event->body.queue_exited = (struct queue_exited){str_of(call->id), queue->id, (int8_t)reason};
}

static int64_t patience(struct random *random) { return 3000 + random_lognormal(random, 60 * SECOND_MS, 360); }

/* The caller presses a key: to be called back, or for the voicemail. */
static enum wait_end press_key(struct generator *generator, struct call *call, const struct gen_queue *queue) {
    if (random_percent(&generator->random, 30)) {
        exit_queue(call, queue, QUEUE_EXIT_LEFT);
        return WAIT_LEFT;
    }
    struct event *event = add(call, EVENT_CALLBACK_REQUESTED, call->now);
    event->body.callback_requested = (struct callback_requested){str_of(call->id), party_number(call)};
    exit_queue(call, queue, QUEUE_EXIT_WITHDRAWN);
    return WAIT_CALLBACK;
}

/* Waits in the queue from call->now. WAIT_ANSWERED: *agent and *leg are connected next; else call->now is when the wait ended.
 * `when_over` says how the queue gives him up after its timeout. */
static enum wait_end wait_in(struct generator *generator, struct call *call, const struct gen_queue *queue, enum queue_exit when_over,
                             struct gen_agent **agent, struct str *leg) {
    struct random *random = &generator->random;
    enter_queue(call, queue);
    int64_t timeout = call->now + queue->timeout,
            asks = random_percent(random, 12) ? call->now + random_between(random, 20, 60) * SECOND_MS : INT64_MAX;
    while (true) {
        *agent = free_first(call->task.tenant, queue);
        int64_t rings = ((*agent)->free_at > call->now ? (*agent)->free_at : call->now) + random_between(random, 200, 1500);
        int64_t first = rings < call->patience_ends ? rings : call->patience_ends;
        if (asks < first && asks < timeout) {
            call->now = asks;
            return press_key(generator, call, queue);
        }
        if (timeout < first) {
            call->now = timeout;
            exit_queue(call, queue, when_over);
            return WAIT_OVER;
        }
        call->now = first;
        if (first < rings) return WAIT_GAVE_UP;
        *leg = next_leg(call);
        if (offer(generator, call, *agent, *leg)) {
            exit_queue(call, queue, QUEUE_EXIT_ANSWERED);
            return WAIT_ANSWERED;
        }
        if (call->now >= call->patience_ends) return WAIT_GAVE_UP;
    }
}

static void transfer(struct generator *generator, struct call *call, struct gen_agent *agent, struct str leg) {
    struct random *random = &generator->random;
    struct tenant *tenant = call->task.tenant;
    connect(call, leg, agent->id);
    call->now += random_between(random, 8, 120) * SECOND_MS;
    enum transfer_to to = (enum transfer_to)random_weighted(random, (const uint16_t[]){4, 5, 1}, 3);
    const struct gen_queue *queue = &tenant->queues[tenant->queue_count - 1];
    struct event *event = add(call, EVENT_TRANSFERRED, call->now);
    struct gen_agent *next = free_first(tenant, queue);
    event->body.transferred = (struct transferred){str_of(call->id), leg, (int8_t)to,
                                                   to == TRANSFER_AGENT   ? next->id
                                                   : to == TRANSFER_QUEUE ? queue->id
                                                                          : STR("+12025550143")};
    disconnect(call, leg);
    wrap_up(generator, call, agent, leg, call->now + random_between(random, 5, 40) * SECOND_MS);
    call->patience_ends = call->now + patience(random);
    if (to == TRANSFER_EXTERNAL) {
        forward_outside(generator, call, FORWARD_BY_TRANSFER);
    } else if (to == TRANSFER_QUEUE) {
        if (wait_in(generator, call, queue, QUEUE_EXIT_TIMEOUT, &next, &leg) == WAIT_ANSWERED)
            last_conversation(generator, call, next, leg, true);
        else
            add_end(call, ENDED_BY_CALLER, STR_NULL);
    } else {
        if (next->free_at > call->now) call->now = next->free_at;
        leg = next_leg(call);
        if (call->now < call->patience_ends && offer(generator, call, next, leg))
            last_conversation(generator, call, next, leg, true);
        else
            add_end(call, ENDED_BY_CALLER, STR_NULL);
    }
}

static void answered(struct generator *generator, struct call *call, struct gen_agent *agent, struct str leg) {
    if (random_percent(&generator->random, 6))
        transfer(generator, call, agent, leg);
    else
        last_conversation(generator, call, agent, leg, true);
}

static void nobody_there(struct generator *generator, struct call *call) {
    switch (call->task.tenant->after_hours) {
    case AFTER_HOURS_VOICEMAIL: leave_voicemail(generator, call); break;
    case AFTER_HOURS_VOICE_AGENT: talk_to_voice_agent(generator, call); break;
    case AFTER_HOURS_FORWARD:
        add_module(call, MODULE_CALL_FORWARDING, "answering-service", NULL);
        forward_outside(generator, call, FORWARD_BY_MODULE);
        break;
    }
}

/* A queue that is hopeless is not waited in. */
static bool overflows(const struct call *call, const struct gen_queue *queue) {
    return free_first(call->task.tenant, queue)->free_at > call->now + 2 * queue->timeout;
}

static void not_waiting_any_more(struct generator *generator, struct call *call) {
    call->now += 300;
    if (random_percent(&generator->random, 60))
        nobody_there(generator, call);
    else
        nobody_answered(generator, call, ENDED_BY_SYSTEM);
}

/* From the queue's module on: queue after queue, until somebody answers or the caller is gone. */
static void queue_for_agent(struct generator *generator, struct call *call, uint32_t place) {
    struct tenant *tenant = call->task.tenant;
    struct gen_agent *agent;
    struct str leg;
    call->patience_ends = call->now + patience(&generator->random);
    add_module(call, MODULE_QUEUE, "queue", NULL);
    for (;; place++) {
        const struct gen_queue *queue = &tenant->queues[place];
        bool last = place + 1 == tenant->queue_count;
        if (!last && overflows(call, queue)) {
            enter_queue(call, queue);
            exit_queue(call, queue, QUEUE_EXIT_OVERFLOW);
            continue;
        }
        switch (wait_in(generator, call, queue, last ? QUEUE_EXIT_TIMEOUT : QUEUE_EXIT_ROLLOVER, &agent, &leg)) {
        case WAIT_ANSWERED: answered(generator, call, agent, leg); return;
        case WAIT_GAVE_UP: nobody_answered(generator, call, ENDED_BY_CALLER); return;
        case WAIT_CALLBACK: nobody_answered(generator, call, ENDED_BY_SYSTEM); return;
        case WAIT_LEFT: leave_voicemail(generator, call); return;
        case WAIT_OVER:
            if (!last) break;
            not_waiting_any_more(generator, call);
            return;
        }
    }
}

static void ring_directly(struct generator *generator, struct call *call) {
    struct gen_agent *agent = &call->task.tenant->agents[call->number->agent];
    call->now += 800;
    call->patience_ends = call->now + 25 * SECOND_MS;
    struct str leg = next_leg(call);
    if (agent->free_at <= call->now && offer(generator, call, agent, leg))
        last_conversation(generator, call, agent, leg, true);
    else if (call->now < call->patience_ends)
        leave_voicemail(generator, call);
    else
        nobody_answered(generator, call, ENDED_BY_CALLER);
}

/* True: the caller hung up before he came to the end of what is played to him. */
static bool gives_up_early(struct generator *generator, struct call *call, uint32_t percent) {
    call->now += random_between(&generator->random, 1500, 12000);
    if (!random_percent(&generator->random, percent)) return false;
    nobody_answered(generator, call, ENDED_BY_CALLER);
    return true;
}

static void through_the_workflow(struct generator *generator, struct call *call) {
    struct random *random = &generator->random;
    struct tenant *tenant = call->task.tenant;
    bool open = tenant_is_open(tenant, call->now);
    struct event *event = add(call, EVENT_PRE_ROUTING_PLAYED, call->now + 200);
    event->body.pre_routing_played = (struct pre_routing_played){str_of(call->id)};
    if (gives_up_early(generator, call, 2)) return;
    add_module(call, random_percent(random, 50) ? MODULE_TEXT_TO_SPEECH : MODULE_SOUND_FILE, "greeting", NULL);
    add_module(call, MODULE_DATE_TIME_RULE, "hours", open ? "open" : "closed");
    if (gives_up_early(generator, call, 2)) return;
    if (!open) {
        nobody_there(generator, call);
        return;
    }
    uint32_t place = random_weighted(random, (const uint16_t[]){50, 25, 15, 10}, tenant->queue_count);
    if (tenant->queue_count > 1) {
        static const char *const keys[QUEUES_MAX] = {"1", "2", "3", "4"};
        add_module(call, MODULE_IVR, "menu", keys[place]);
        if (gives_up_early(generator, call, 3)) return;
    }
    queue_for_agent(generator, call, place);
}

void inbound_plan(struct generator *generator, struct tenant *tenant, const struct party *party) {
    struct random *random = &generator->random;
    struct call *call = call_make(generator, tenant, party);
    call->number = &tenant->numbers[random_below(random, tenant->number_count)];
    bool direct = call->number->kind == NUMBER_DIRECT_DIAL;
    if (direct && random_percent(random, 60)) { /* people mostly dial what was advertised */
        call->number = &tenant->numbers[0];
        direct = false;
    }
    add_start(generator, call, DIRECTION_INBOUND, direct ? CALL_KIND_DIRECT : CALL_KIND_QUEUE, party_number(call),
              str_of(call->number->number));
    if (random_per_mille(random, 4)) {
        call->now += 100;
        add_end(call, ENDED_BY_SYSTEM, STR("NO_ACTIVE_WORKFLOW"));
    } else if (random_per_mille(random, 6)) {
        call->now += 400;
        forward_outside(generator, call, FORWARD_BY_CONTINUITY);
    } else if (direct) {
        ring_directly(generator, call);
    } else {
        through_the_workflow(generator, call);
    }
    call_begin(generator, call);
}

void internal_plan(struct generator *generator, struct tenant *tenant) {
    struct random *random = &generator->random;
    struct party nobody = {.caller = WITHHELD};
    struct call *call = call_make(generator, tenant, &nobody);
    struct gen_agent *from = &tenant->agents[random_below(random, tenant->agent_count)],
                     *to = &tenant->agents[random_below(random, tenant->agent_count)];
    add_start(generator, call, DIRECTION_INTERNAL, CALL_KIND_INTERNAL, from->id, to->id);
    call->now += 500;
    call->patience_ends = call->now + 30 * SECOND_MS;
    struct str leg = next_leg(call);
    if (from != to && offer(generator, call, to, leg)) {
        connect(call, leg, to->id);
        call->now += random_lognormal(random, 50 * SECOND_MS, 256);
        disconnect(call, leg);
        if (to->free_at < call->now) to->free_at = call->now;
    }
    add_end(call, ENDED_BY_AGENT, STR_NULL);
    call_begin(generator, call);
}

int64_t outbound_plan(struct generator *generator, struct tenant *tenant, const struct party *party, uint32_t agent, const struct row *row,
                      bool *reached, bool *booked) {
    struct random *random = &generator->random;
    struct call *call = call_make(generator, tenant, party);
    struct gen_agent *who = &tenant->agents[agent];
    if (row) memcpy(call->row, row->id, ROW_TEXT);
    *reached = random_percent(random, 55);
    *booked = false;
    if (call->now < who->free_at) call->now = who->free_at + SECOND_MS;
    add_start(generator, call, DIRECTION_OUTBOUND, CALL_KIND_DIRECT, str_of(tenant->numbers[0].number), party_number(call));
    call->now += random_between(random, 5, 28) * SECOND_MS;
    if (*reached)
        *booked = last_conversation(generator, call, who, next_leg(call), false);
    else
        add_end(call, ENDED_BY_AGENT, STR_NULL);
    if (who->free_at < call->now) who->free_at = call->now;
    int64_t ended = call->now;
    call_begin(generator, call);
    return ended;
}
