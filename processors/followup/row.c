#include "row.h"
#include "party.h"
#include "../job/job.h"
#include "../rules.h"

/* What a row should look like now. */
struct target {
    int8_t status, outcome, cause;
    int64_t closed_at, converted_at;
    int64_t closing_at; /* the moment of what gave the outcome */
    struct ground talk, job;
    bool regrounded; /* another call or job closes it than before */
};

/* Of a status by which a person closed it for good: RESOLVED may still become CONVERTED. */
static int8_t person_outcome(int8_t status) {
    switch (status) {
    case STATUS_DISMISSED: return OUTCOME_DISMISSED;
    case STATUS_NOT_A_LEAD: return OUTCOME_NOT_A_LEAD;
    default: return OUTCOME_NOT_FOLLOWING_UP;
    }
}

/* The talk that resolves an ABANDONED row: the earliest that a command does not stand against (D1.23). */
static void find_talk(struct fold *fold, const struct entity *entity, const struct verdict *verdict, const struct row *row, struct target *target) {
    if (!call_of(entity)->has_caller) return;
    struct party party = party_of('n', verdict->caller);
    int64_t from = NONE; /* whose call began later can have talked before that: events of a call may be earlier than its start */
    if (row->base_set.at != NONE) from = row->base_set.at > row->base_set.stream ? row->base_set.at : row->base_set.at + 1;
    party_first_talk(fold, entity_tenant(entity), &party, from, verdict->start->at, &target->talk);
}

/* The earlier of *ground and the first job booked in [from, to] that names this very call. */
static void find_job_of_call(struct fold *fold, const struct entity *entity, int64_t from, int64_t to, struct ground *ground) {
    for (const struct fact *named = NULL; (named = call_next_job(entity, named));) {
        struct job_read read;
        const struct entity *job = job_entity(fold->cache, entity_tenant(entity), fact_text(named, 1));
        job_read(job, &read);
        if (read.booked && read.booked->at >= from && read.booked->at <= to) ground_offer(ground, read.booked->at, entity_id(job));
    }
}

/* The job that converts the row (D1.24). */
static void find_job(struct fold *fold, const struct entity *entity, const struct verdict *verdict, const struct row *row, enum followup_kind kind,
                     struct target *target) {
    const struct call *call = call_of(entity);
    if (!call->resolve_on_booking) return;
    int64_t from = verdict->start->at, to = verdict->end->at + call->link_days * DAY_MS;
    if (row->reopened.at != NONE) from = later(from, row->reopened.at + 1);
    if (kind == KIND_SECOND_CHANCE) from = later(from, call->check_at + 1);
    struct party caller = party_of('n', verdict->caller), customer = party_of('c', verdict->customer);
    party_first_job(fold, entity_tenant(entity), &caller, from, to, &target->job);
    party_first_job(fold, entity_tenant(entity), &customer, from, to, &target->job);
    if (rules_of(fold, call) >= RULES_JOB_OF_THE_CALL) find_job_of_call(fold, entity, from, to, &target->job);
}

/* The classification that closes a SECOND_CHANCE row, or null (D1.42). */
static const struct fact *closing_class(const struct entity *entity, const struct verdict *verdict, const struct row *row) {
    const struct fact *class = verdict->classified;
    if (!class || class->a == CLASS_UNBOOKED || class->at <= call_of(entity)->check_at) return NULL;
    return row->reopened.at != NONE && class->at <= row->reopened.at ? NULL : class;
}

static void close_by(struct target *target, int8_t status, int8_t outcome, int8_t cause, int64_t at) {
    target->status = status;
    target->outcome = outcome;
    target->cause = cause;
    target->closing_at = at;
}

static void earliest(int64_t *closed_at, int64_t moment) {
    if (*closed_at == NONE || moment < *closed_at) *closed_at = moment;
}

/* Order of force: D1.25. */
static void compute(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind, const struct row *row,
                    struct target *target) {
    *target = (struct target){.status = row->base, .outcome = -1, .cause = CAUSE_CALL, .closed_at = NONE, .converted_at = NONE, .closing_at = NONE};
    bool by_person = is_done(row->base);
    if (by_person) target->closed_at = row->person_closed_at;
    if (by_person && row->base != STATUS_RESOLVED) {
        close_by(target, row->base, person_outcome(row->base), CAUSE_COMMAND, row->base_set.at);
        return;
    }
    find_job(fold, entity, verdict, row, kind, target);
    if (kind == KIND_ABANDONED) find_talk(fold, entity, verdict, row, target);
    const struct fact *class = kind == KIND_SECOND_CHANCE ? closing_class(entity, verdict, row) : NULL;
    const struct fact *booked = class && class->a == CLASS_BOOKED ? class : NULL;
    if (target->job.found) earliest(&target->closed_at, later(target->job.moment, row->opened_at));
    if (target->talk.found && !by_person) earliest(&target->closed_at, later(target->talk.moment, row->opened_at));
    if (class && (booked || !by_person)) earliest(&target->closed_at, class->at);
    if (target->job.found || booked) {
        bool by_job = target->job.found && (!booked || target->job.moment <= booked->at);
        target->converted_at = by_job ? later(target->job.moment, row->opened_at) : booked->at;
        if (!by_job) target->job.found = false;
        close_by(target, STATUS_RESOLVED, OUTCOME_CONVERTED, by_job ? CAUSE_JOB : CAUSE_CLASSIFICATION, target->converted_at);
    } else if (by_person) {
        bool kept = row->base_outcome >= 0;
        if (kept) target->converted_at = row->converted_at;
        close_by(target, STATUS_RESOLVED, kept ? row->base_outcome : OUTCOME_RESOLVED, CAUSE_COMMAND, row->base_set.at);
    } else if (class) {
        close_by(target, STATUS_NOT_A_LEAD, OUTCOME_NOT_A_LEAD, CAUSE_CLASSIFICATION, class->at);
    } else if (target->talk.found) {
        close_by(target, STATUS_RESOLVED, OUTCOME_RECONNECTED, CAUSE_TALK, later(target->talk.moment, row->opened_at));
    }
}

int64_t row_cold_at(const struct call *call, const struct verdict *verdict, enum followup_kind kind) {
    if (!verdict->end) return NONE;
    if (kind == KIND_ABANDONED) return verdict->end->at + COLD_AFTER_MS;
    return later(call->check_at + call->cold_days * DAY_MS, call->cold_floor);
}

/* True where the row would have been closed by the deadline if no person had touched it. */
static bool closed_by(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind, int64_t deadline) {
    struct row untouched = *row_of(entity, kind);
    struct verdict then = *verdict;
    struct target target;
    struct known known = call_known_by(entity, verdict, deadline);
    then.classified = known.classified;
    then.customer = known.customer;
    untouched.base = STATUS_NEW;
    untouched.base_set = untouched.reopened = (struct act){NONE, NONE};
    compute(fold, entity, &then, kind, &untouched, &target);
    return target.closed_at != NONE && target.closed_at <= deadline;
}

/* Judges, or judges again, whether the row went cold (D1.30): a person who touched it by the deadline reviewed it. */
static void judge_cold(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind) {
    struct row *row = row_of(entity, kind);
    int64_t deadline = row_cold_at(call_of(entity), verdict, kind);
    if (row->cold_at != NONE && deadline > fold->meta.stream_time) row->cold_at = row->went_cold_at = NONE;
    if (row->cold_at == NONE) { /* not fired, or not since the row returned: then it is as cold as it was, while its deadline is */
        if (row->went_cold_at != deadline) row->went_cold_at = NONE;
        return;
    }
    row->cold_at = deadline;
    bool reviewed = row->first_review.at != NONE && !fires_before(deadline, row->first_review);
    row->went_cold_at = reviewed || closed_by(fold, entity, verdict, kind, deadline) ? NONE : deadline;
}

static int8_t tab_of(const struct row *row) {
    if (row->status == STATUS_WITHDRAWN) return -1;
    if (is_done(row->status)) return TAB_DONE;
    bool cold = row->went_cold_at != NONE && !(row->last_review.at != NONE && fires_before(row->went_cold_at, row->last_review));
    return cold ? TAB_COLD : TAB_OPEN;
}

bool row_is_indexed(const struct entity *entity, enum followup_kind kind) {
    return row_of(entity, kind) || (kind == KIND_SECOND_CHANCE && call_of(entity)->job_prevents);
}

/* Puts or removes a row under its call's caller and each customer that it ever had. */
static void each_party(struct fold *fold, const struct entity *entity, const struct verdict *verdict, const struct party_row *row, party_row_change *change) {
    struct party party = party_of('n', verdict->caller);
    change(fold, entity_tenant(entity), &party, verdict->start->at, entity_id(entity), row);
    for (const struct fact *fact = call_facts(entity); fact; fact = fact_next(entity, fact)) {
        party = party_of('c', fact_customer(fact));
        change(fold, entity_tenant(entity), &party, verdict->start->at, entity_id(entity), row);
    }
}

void row_index(struct fold *fold, struct entity *entity, const struct verdict *verdict, enum followup_kind kind) {
    const struct row *row = row_of(entity, kind);
    struct party_row value = {.window_end = verdict->end ? verdict->end->at + call_of(entity)->link_days * DAY_MS : INT64_MAX,
                              .closed_at = !row || row->closed_at == NONE ? NONE : later(row->closed_at, row->went_cold_at),
                              .kind = (uint8_t)kind,
                              .withdrawn = !row || row->withdrawn};
    each_party(fold, entity, verdict, &value, party_put_row);
}

/* One version more: the row's published fields are set, this numbers and stages them. */
static void stage(struct fold *fold, struct entity *entity, enum followup_kind kind, const struct row *before, enum change change, enum cause cause,
                  int64_t at) {
    struct row *row = row_of(entity, kind);
    if (fold->step == STEP_RULES) { /* whatever they change */
        cause = CAUSE_RULES;
        at = fold->time;
    }
    row->status_before = before->version ? before->status : (int8_t)-1;
    row->version++;
    row->changed_at = at;
    row->cause = (int8_t)cause;
    row->tab = tab_of(row);
    if (is_done(row->status) && !is_done(before->status) && before->status != STATUS_WITHDRAWN) row->open_status = before->status;
    counts_row(fold, entity_tenant(entity), kind, before->version ? before : NULL, row);
    fold->changes = room_grow(fold->changes, &fold->change_capacity, fold->change_count + 1, sizeof *fold->changes);
    struct row_change *staged = &fold->changes[fold->change_count++];
    struct str ground = row_ground(entity, kind, row);
    *staged = (struct row_change){.entity = entity, .row = *row, .kind = (int8_t)kind, .change = (int8_t)change, .ground_bytes = (uint8_t)ground.len};
    if (ground.len) memcpy(staged->ground, ground.ptr, ground.len);
    entity_touch(fold->cache, entity);
}

/* Time of what undoes an earlier output, or takes that back (SPEC 6). */
static int64_t undo_time(const struct fold *fold) { return fold->step == STEP_TIMER ? fold->time : step_now(fold); }

static void withdraw(struct fold *fold, struct entity *entity, const struct verdict *verdict, enum followup_kind kind) {
    struct row *row = row_of(entity, kind);
    struct row before = *row;
    row->withdrawn = true;
    row->outcome_before = row->outcome;
    row->status = STATUS_WITHDRAWN;
    row->outcome = OUTCOME_WITHDRAWN;
    stage(fold, entity, kind, &before, CHANGE_WITHDRAWN, CAUSE_CORRECTION, undo_time(fold));
    row->columns = hash_followup(fold, entity, verdict, kind, row);
    row_index(fold, entity, verdict, kind);
}

static void open_row(struct fold *fold, struct entity *entity, const struct verdict *verdict, enum followup_kind kind, int64_t opened_at) {
    struct row *row = row_of(entity, kind);
    struct row before = *row;
    struct party caller = party_of('n', verdict->caller);
    row->opened_at = opened_at;
    if (before.withdrawn) {
        row->withdrawn = false;
        row->status = before.status_before;
        row->outcome = before.outcome_before;
        row->outcome_before = -1;
        row->cold_at = NONE; /* what its cold timer found while it was withdrawn is found again */
        stage(fold, entity, kind, &before, CHANGE_RETURNED, CAUSE_CORRECTION, undo_time(fold));
        return;
    }
    row->status = row->base = row->open_status = STATUS_NEW;
    row->attempt = kind == KIND_ABANDONED ? 1 + party_open_rows(fold, entity_tenant(entity), &caller, entity_id(entity)) : 1;
    stage(fold, entity, kind, &before, CHANGE_OPENED, kind == KIND_ABANDONED ? CAUSE_CALL : CAUSE_CHECK, opened_at);
    if (kind == KIND_SECOND_CHANCE) {
        fold->notices = room_grow(fold->notices, &fold->notice_capacity, fold->notice_count + 1, sizeof(struct entity *));
        fold->notices[fold->notice_count++] = entity;
    }
}

static bool by_automatics(int8_t outcome) { return outcome == OUTCOME_RECONNECTED || outcome == OUTCOME_CONVERTED || outcome == OUTCOME_NOT_A_LEAD; }

static bool is_subject(const struct fold *fold, const struct entity *entity, enum followup_kind kind) {
    return fold->step == STEP_COMMAND && fold->subject == entity && fold->subject_kind == (int8_t)kind;
}

static enum change change_of(const struct fold *fold, const struct entity *entity, enum followup_kind kind, const struct row *before, const struct row *row) {
    if (before->status != row->status || before->outcome != row->outcome) return CHANGE_STATUS;
    if (before->went_cold_at == NONE && row->went_cold_at != NONE) return CHANGE_WENT_COLD;
    if (is_subject(fold, entity, kind) && fold->event->type == EVENT_ADD_NOTE) return CHANGE_NOTE;
    if (is_subject(fold, entity, kind) && fold->event->type == EVENT_ASSIGN) return CHANGE_ASSIGNED;
    return CHANGE_UPDATED;
}

/* Why the row changed, and as of when. */
static enum cause cause_of(const struct fold *fold, const struct entity *entity, enum followup_kind kind, const struct row *before, const struct row *row,
                           const struct target *target, int64_t *at) {
    *at = fold->time;
    if (is_subject(fold, entity, kind)) return CAUSE_COMMAND;
    bool by_cold = fold->step == STEP_TIMER && fold->timer == TIMER_COLD && fold->subject == entity && fold->due.sub == kind;
    if (by_cold) return CAUSE_COLD;
    bool closed_moved = before->closed_at != row->closed_at;
    if (fold->step == STEP_TIMER && fold->timer == TIMER_TALK) return CAUSE_TALK;
    if (before->outcome != row->outcome && is_done(row->status) && target->cause != CAUSE_COMMAND) return (enum cause)target->cause;
    if (before->outcome != row->outcome || closed_moved || before->went_cold_at != row->went_cold_at) {
        *at = undo_time(fold);
        return CAUSE_CORRECTION;
    }
    bool reclassified = fold->step == STEP_RECORD && fold->event->type == EVENT_CALL_CLASSIFIED;
    if (target->regrounded && target->cause != CAUSE_COMMAND) return (enum cause)target->cause;
    if (reclassified && target->cause == CAUSE_CLASSIFICATION) return CAUSE_CLASSIFICATION;
    return CAUSE_CALL;
}

/* A correction took the ground of a closure that a person acted on since: then it stays, as if that person had closed it (D1.27). */
static void keep_closure(struct fold *fold, struct entity *entity, const struct verdict *verdict, enum followup_kind kind, struct target *target) {
    struct row *row = row_of(entity, kind);
    bool lost = is_done(row->status) && by_automatics(row->outcome) && !is_done(target->status);
    if (!lost || fold->step == STEP_COMMAND || !row->acted) return;
    row->base = row->status;
    row->base_outcome = row->outcome;
    row->person_closed_at = row->closed_at;
    compute(fold, entity, verdict, kind, row, target);
}

/* Keeps what closed the row beside it; the blob may move. */
static void note_grounds(struct fold *fold, struct entity *entity, struct verdict *verdict, enum followup_kind kind, struct target *target) {
    bool talk = target->outcome == OUTCOME_RECONNECTED && target->talk.found, job = target->outcome == OUTCOME_CONVERTED && target->job.found;
    if (target->cause == CAUSE_COMMAND && row_of(entity, kind)->base_outcome == target->outcome) return; /* a closure that was kept */
    bool moved = row_text_set(fold->cache, entity, FACT_TALK, kind, talk ? ground_id(&target->talk) : STR_NULL);
    moved = row_text_set(fold->cache, entity, FACT_JOB, kind, job ? ground_id(&target->job) : STR_NULL) || moved;
    if (moved) call_read_again(entity, verdict);
    target->regrounded = moved;
    if (job) job_shown_by(fold, entity_tenant(entity), ground_id(&target->job), entity_id(entity));
}

/* Stages the version that `target` makes of the row as it was `before`. */
static void stage_target(struct fold *fold, struct entity *entity, enum followup_kind kind, const struct row *before, bool opening,
                         const struct target *target) {
    const struct row *row = row_of(entity, kind);
    int64_t at;
    enum cause cause = cause_of(fold, entity, kind, before, row, target, &at);
    if (opening) { /* just opened or returned, and closed already */
        bool by_itself = is_done(row->status) && target->cause != CAUSE_COMMAND;
        cause = by_itself ? (enum cause)target->cause : CAUSE_CORRECTION;
        at = by_itself ? later(target->closing_at, before->changed_at) : undo_time(fold);
    }
    if (is_done(row->status) && before->outcome != row->outcome && cause != CAUSE_COMMAND) row_of(entity, kind)->acted = false;
    stage(fold, entity, kind, before, change_of(fold, entity, kind, before, row), cause, at);
}

bool row_judge(struct fold *fold, struct entity *entity, struct verdict *verdict, enum followup_kind kind, bool should, int64_t opened_at) {
    struct row *row = row_of(entity, kind);
    if (!should) {
        bool withdraws = row && !row->withdrawn;
        if (withdraws) withdraw(fold, entity, verdict, kind);
        return withdraws;
    }
    if (!row) {
        row = row_make(fold->cache, entity, kind);
        call_read_again(entity, verdict); /* the blob has moved */
    }
    bool opening = !row->version || row->withdrawn;
    if (opening) open_row(fold, entity, verdict, kind, opened_at);
    struct row before = *row;
    struct target target;
    row->opened_at = opened_at;
    compute(fold, entity, verdict, kind, row, &target);
    keep_closure(fold, entity, verdict, kind, &target);
    if (target.cause != CAUSE_COMMAND) row->base_outcome = -1; /* what was kept is known no longer where this goes, too */
    row->status = target.status;
    row->outcome = target.outcome;
    row->closed_at = is_done(target.status) ? target.closed_at : NONE;
    row->converted_at = target.converted_at;
    judge_cold(fold, entity, verdict, kind);
    row->tab = tab_of(row);
    note_grounds(fold, entity, verdict, kind, &target);
    row = row_of(entity, kind);
    uint64_t columns = hash_followup(fold, entity, verdict, kind, row);
    bool closed_anew = before.status != row->status || before.outcome != row->outcome || before.closed_at != row->closed_at ||
                       before.converted_at != row->converted_at || before.went_cold_at != row->went_cold_at || target.regrounded;
    bool differs = opening ? closed_anew : before.columns != columns;
    if (differs) stage_target(fold, entity, kind, &before, opening, &target);
    row->columns = columns;
    if (differs || opening) row_index(fold, entity, verdict, kind);
    return differs || opening;
}

void row_forget(struct fold *fold, struct entity *entity, const struct verdict *verdict, enum followup_kind kind) {
    if (!row_is_indexed(entity, kind)) return;
    each_party(fold, entity, verdict, &(struct party_row){.kind = (uint8_t)kind}, party_remove_row);
    if (row_of(entity, kind)) counts_row(fold, entity_tenant(entity), kind, row_of(entity, kind), NULL);
}
