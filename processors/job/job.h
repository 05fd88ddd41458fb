/*
 * job: work booked for a customer (SPEC 2, 3): which rows it converts, which call's type it decides.
 *
 * One entity of TABLE_JOBS: key tenant, job; blob: struct job, then its events as facts, and as facts of its own the calls that
 * show it (FACT_SHOWN_BY) and the parties under which it is indexed (FACT_INDEXED).
 */
#ifndef RINGBACK_JOB_H
#define RINGBACK_JOB_H

#include "../step.h"

struct job {
    int64_t last_event_at; /* stream time at its last accepted event */
    int64_t retain_at;
    int64_t retain_floor;  /* NONE: no change of settings */
    uint16_t retention_days;
    uint8_t pad[6];
};

enum job_fact { FACT_SHOWN_BY = 128, FACT_INDEXED };

/* What its events say; strings point into the blob. Times NONE where not known. */
struct job_read {
    const struct fact *booked; /* the first JobBooked, null: not booked yet */
    struct str call, customer, caller;
    int64_t latest_at, created_at, scheduled_at, completed_at, cancelled_at, first_cancelled_at;
};

struct entity *job_entity(struct cache *cache, struct str tenant, struct str job_id);
void job_read(const struct entity *entity, struct job_read *job);
/* True where a JobCancelled has occurred_at <= by. */
bool job_cancelled_by(const struct entity *entity, int64_t by);

bool job_is_duplicate(struct fold *fold, const struct event *event);
void job_event(struct fold *fold, const struct event *event, const struct journal_record *record, struct str bytes);
/* Brings its index entries up to date and touches what it means something for. */
void job_propagate(struct fold *fold, struct entity *entity);
void job_timer(struct fold *fold, struct entity *entity);
void job_retime(struct fold *fold, struct entity *entity, int64_t at);
/* `call_id` shows the job's columns from now on. */
void job_shown_by(struct fold *fold, struct str tenant, struct str job_id, struct str call_id);

#endif
