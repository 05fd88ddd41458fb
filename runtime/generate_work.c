/*
 * What calls leave behind: jobs that are moved, done or cancelled days later, rows that somebody works off, callers who dial again, and
 * classifications that come late. Each is a small task, so that a month of them fits in memory where their calls would not.
 */
#include "generate_parts.h"
#include <stdio.h>

/* The person as he is known: a number that can be called. */
static bool has_number(const struct party *party) { return party->caller != WITHHELD; }

void job_plan(struct generator *generator, struct call *call, bool names_call, int64_t booked_at) {
    struct random *random = &generator->random;
    struct tenant *tenant = call->task.tenant;
    struct job *job = generate_allocate(sizeof *job);
    job->task = (struct task){.kind = TASK_JOB, .tenant = tenant};
    job->next = EVENT_JOB_BOOKED;
    snprintf(call->job, sizeof call->job, "job-%u", ++tenant->jobs);
    memcpy(job->id, call->job, sizeof job->id);
    if (names_call || !has_number(&call->party)) memcpy(job->call, call->id, sizeof job->call);
    if (has_number(&call->party)) memcpy(job->caller, call->party.number, sizeof job->caller);
    if (has_number(&call->party) && caller_is_customer(call->party.caller))
        snprintf(job->customer, sizeof job->customer, "customer-%u", call->party.caller);
    job->created_at = booked_at - random_between(random, 5, 150) * SECOND_MS;
    job->scheduled_at = (booked_at / HOUR_MS + random_between(random, 4, 200)) * HOUR_MS;
    task_wait(generator, &job->task, booked_at);
}

static struct str or_null(const char *text) { return text[0] ? str_of(text) : STR_NULL; }

static void job_next(struct generator *generator, struct job *job, enum event_type next, int64_t at) {
    job->next = (int8_t)next;
    task_wait(generator, &job->task, at);
}

static void job_after_booking(struct generator *generator, struct job *job) {
    struct random *random = &generator->random;
    int64_t at = job->task.at, until = job->scheduled_at - at;
    switch (random_weighted(random, (const uint16_t[]){74, 12, 4, 5, 5}, 5)) {
    case 0: job_next(generator, job, EVENT_JOB_COMPLETED, job->scheduled_at + random_between(random, 40, 400) * MINUTE_MS); break;
    case 1: job_next(generator, job, EVENT_JOB_RESCHEDULED, at + until * random_between(random, 5, 90) / 100); break;
    case 2: job_next(generator, job, EVENT_JOB_CANCELLED, at + random_between(random, 30, 500) * SECOND_MS); break;
    case 3: job_next(generator, job, EVENT_JOB_CANCELLED, at + until * random_between(random, 5, 95) / 100); break;
    default: generator->finished = &job->task; break; /* nobody ever closes it */
    }
}

void job_run(struct generator *generator, struct job *job) {
    struct random *random = &generator->random;
    struct event *event = emit(generator, job->task.tenant->id, (enum event_type)job->next);
    event->body.subject = str_of(job->id);
    switch (job->next) {
    case EVENT_JOB_BOOKED:
        event->body.job_booked = (struct job_booked){str_of(job->id),      or_null(job->call), or_null(job->customer),
                                                     or_null(job->caller), job->created_at,    job->scheduled_at};
        job_after_booking(generator, job);
        break;
    case EVENT_JOB_RESCHEDULED:
        job->scheduled_at += random_between(random, 1, 6) * DAY_MS;
        event->body.job_rescheduled.scheduled_at = job->scheduled_at;
        job_next(generator, job, EVENT_JOB_COMPLETED, job->scheduled_at + random_between(random, 40, 400) * MINUTE_MS);
        break;
    case EVENT_JOB_CANCELLED:
        event->body.job_cancelled.reason = random_percent(random, 60) ? STR("Customer changed plans") : STR_NULL;
        generator->finished = &job->task;
        break;
    default: generator->finished = &job->task; break;
    }
}

void redial_plan(struct generator *generator, const struct call *call) {
    struct redial *redial = generate_allocate(sizeof *redial);
    redial->task = (struct task){.kind = TASK_REDIAL, .tenant = call->task.tenant};
    redial->party = call->party;
    task_wait(generator, &redial->task, call->now + 5 * SECOND_MS + random_lognormal(&generator->random, 4 * MINUTE_MS, 600));
}

void review_plan(struct generator *generator, const struct call *call, struct str agent, int64_t at) {
    struct review *review = generate_allocate(sizeof *review);
    review->task = (struct task){.kind = TASK_REVIEW, .tenant = call->task.tenant};
    memcpy(review->call, call->id, UUID_TEXT);
    review->agent = agent.ptr;
    task_wait(generator, &review->task, at);
}

/* Somebody listened to the recording and thinks otherwise. */
void review_run(struct generator *generator, struct review *review) {
    uint32_t what = random_weighted(&generator->random, (const uint16_t[]){1, 2, 2, 3}, 4);
    struct event *event = emit(generator, review->task.tenant->id, EVENT_CALL_CLASSIFIED);
    event->actor = str_of(review->agent);
    event->body.call_classified = (struct call_classified){
        .call_id = str_of(review->call),
        .by = event->actor,
        .classification = (int8_t)what,
        .reason = what == CLASS_BOOKED ? STR_NULL : STR("Reviewed by the team lead"),
        .is_lead = what == CLASS_NOT_A_LEAD || what == CLASS_EXCUSED ? 0 : 1,
    };
    generator->finished = &review->task;
}

enum row_stage { ROW_LOOK, ROW_CALLED, ROW_CLOSED };

void row_plan(struct generator *generator, const struct call *call, bool second_chance, int64_t opens_at) {
    struct random *random = &generator->random;
    struct row *row = generate_allocate(sizeof *row);
    row->task = (struct task){.kind = TASK_ROW, .tenant = call->task.tenant};
    row->party = call->party;
    snprintf(row->id, sizeof row->id, "%s-%s", second_chance ? "sc" : "ab", call->id);
    row->second_chance = second_chance;
    row->status = STATUS_NEW;
    row->agent = (uint16_t)random_below(random, call->task.tenant->agent_count);
    row->version = 1;
    /* Most within the hour; some only when they are cold. */
    task_wait(generator, &row->task, opens_at + MINUTE_MS + random_lognormal(random, 35 * MINUTE_MS, 480));
}

/* A command of the row's worker. What he believes the version to be is sometimes old, and now and then somebody tries who may not. */
static struct event *command(struct generator *generator, struct row *row, enum event_type type) {
    struct random *random = &generator->random;
    struct tenant *tenant = row->task.tenant;
    bool may_not = random_percent(random, 1), careless = random_percent(random, 20), outdated = !careless && random_percent(random, 4);
    struct event *event = emit(generator, tenant->id, type);
    event->actor = may_not ? STR("visitor") : tenant->agents[row->agent].id;
    /* In every row command the row comes first, the expected version second. */
    event->body.start_callback = (struct start_callback){str_of(row->id), careless ? NONE : outdated ? row->version - 1 : row->version};
    if (!may_not && !outdated) row->version++;
    return event;
}

static void set_status(struct generator *generator, struct row *row, enum status status) {
    if (row->status == status) return;
    command(generator, row, EVENT_SET_STATUS)->body.set_status.status = (int8_t)status;
    row->status = status;
}

static void row_next(struct generator *generator, struct row *row, enum row_stage stage, int64_t at) {
    row->stage = (uint8_t)stage;
    task_wait(generator, &row->task, at);
}

/* One in twenty is taken up again some days later. */
static void row_closed(struct generator *generator, struct row *row) {
    struct random *random = &generator->random;
    if (row->stage != ROW_CLOSED && random_percent(random, 5))
        row_next(generator, row, ROW_CLOSED, generator->now + random_between(random, 120, 4000) * MINUTE_MS);
    else
        generator->finished = &row->task;
}

static void row_give_up(struct generator *generator, struct row *row) {
    struct random *random = &generator->random;
    if (row->second_chance) {
        set_status(generator, row, random_percent(random, 60) ? STATUS_NOT_FOLLOWING_UP : STATUS_NOT_A_LEAD);
    } else if (random_percent(random, 70)) {
        command(generator, row, EVENT_DISMISS);
        row->status = STATUS_DISMISSED;
    } else {
        set_status(generator, row, STATUS_RESOLVED);
    }
    row_closed(generator, row);
}

static void row_call_back(struct generator *generator, struct row *row) {
    bool booked;
    command(generator, row, EVENT_START_CALLBACK);
    if (row->status == STATUS_NEW) row->status = STATUS_CONTACT_ATTEMPTED;
    row->attempts++;
    int64_t ended = outbound_plan(generator, row->task.tenant, &row->party, row->agent, row, &row->reached, &booked);
    if (booked) row->version++; /* the job closes the row */
    row_next(generator, row, ROW_CALLED, ended + random_between(&generator->random, 15, 400) * SECOND_MS);
}

static void row_look(struct generator *generator, struct row *row) {
    static const char *const notes[] = {"Left a message with a neighbour.", "Asked to be called after six.",
                                        "Has a quote from somebody else.", "Number rings, nobody answers."};
    struct random *random = &generator->random;
    int64_t soon = generator->now + random_between(random, 1, 50) * MINUTE_MS;
    switch (random_weighted(random, (const uint16_t[]){(uint16_t)(has_number(&row->party) ? 70 : 0), 8, 8, 8, 6}, 5)) {
    case 0: row_call_back(generator, row); break;
    case 1: {
        const char *note = notes[random_below(random, 4)];
        command(generator, row, EVENT_ADD_NOTE)->body.add_note.note = str_of(note);
        row_next(generator, row, ROW_LOOK, soon);
        break;
    }
    case 2: {
        struct tenant *tenant = row->task.tenant;
        struct str other = tenant->agents[random_below(random, tenant->agent_count)].id,
                   assignee = random_percent(random, 90) ? other : STR_NULL;
        command(generator, row, EVENT_ASSIGN)->body.assign.assignee = assignee;
        row_next(generator, row, ROW_LOOK, soon);
        break;
    }
    case 3: row_give_up(generator, row); break;
    default:
        set_status(generator, row, STATUS_FOLLOW_UP_NEEDED);
        row_next(generator, row, ROW_LOOK, soon + random_between(random, 1, 20) * HOUR_MS);
        break;
    }
}

static void row_after_call(struct generator *generator, struct row *row) {
    struct random *random = &generator->random;
    if (row->reached && random_percent(random, 80)) {
        set_status(generator, row, STATUS_RESOLVED);
        row_closed(generator, row);
    } else if (row->attempts < 3) {
        if (random_percent(random, 60)) set_status(generator, row, STATUS_FOLLOW_UP_NEEDED);
        if (random_percent(random, 30)) command(generator, row, EVENT_ADD_NOTE)->body.add_note.note = STR("No answer; trying again.");
        row_next(generator, row, ROW_LOOK, generator->now + random_between(random, 45, 1600) * MINUTE_MS);
    } else {
        row_give_up(generator, row);
    }
}

void row_run(struct generator *generator, struct row *row) {
    if (!tenant_is_open(row->task.tenant, generator->now)) { /* tomorrow, then */
        row_next(generator, row, (enum row_stage)row->stage, generator->now + random_between(&generator->random, 30, 70) * MINUTE_MS);
        return;
    }
    switch ((enum row_stage)row->stage) {
    case ROW_LOOK: row_look(generator, row); break;
    case ROW_CALLED: row_after_call(generator, row); break;
    case ROW_CLOSED:
        command(generator, row, EVENT_REOPEN);
        row->status = STATUS_CONTACT_ATTEMPTED;
        row->stage = ROW_LOOK;
        row_look(generator, row);
        break;
    }
}
