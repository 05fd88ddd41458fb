/*
 * party: the index by caller and by customer: who talked when, whose jobs were booked when, whose rows there are (SPEC 3).
 *
 * One entity of TABLE_PARTIES: key tenant, party; a party is 'n' + number or 'c' + customer id. Its blob is struct party_head, then facts of its own, by
 * time, so that all that is known of one party is read, and written, at once (docs/decisions/0026).
 */
#ifndef RINGBACK_PARTY_H
#define RINGBACK_PARTY_H

#include "../step.h"

/* What a party's facts are. `at` and id say of what: */
enum party_fact {
    PARTY_TALK = 128, /* the moment that acts, a call; texts: the start of that call, a number */
    PARTY_JOB,        /* when it was booked, a job */
    PARTY_ROW         /* the start of its call, that call; a: kind; b: withdrawn; texts: window_end, closed_at, numbers */
};

struct party_head {
    uint32_t talks, jobs; /* how many there are */
};

struct party {
    char text[ID_BYTES_MAX + 1];
    uint32_t len; /* 0: nobody */
};
struct party party_of(char what, struct str id); /* 'n' or 'c'; a null id: nobody, who has no talk and no jobs, and may ask for jobs and rows */

struct party_row {
    int64_t window_end; /* last ms at which a job may be booked to match */
    int64_t closed_at;  /* NONE: open. Of one that had gone cold until then, when it did, where that is later: talk from before would change that */
    uint8_t kind;
    uint8_t withdrawn;  /* or never opened, for the sake of a job: talk does not touch it, jobs do */
};

/* The earliest talk or job that counts. */
struct ground {
    bool found;
    int64_t moment;
    char id[ID_BYTES_MAX];
    uint32_t len;
};
/* Takes the other where it is earlier; of equal moments the smaller id. */
void ground_offer(struct ground *ground, int64_t moment, struct str id);
static inline struct str ground_id(const struct ground *ground) { return (struct str){ground->id, ground->len}; }

/* What is entered goes beyond OWN_FACTS_BYTES_MAX of one party, a million entries, nowhere: who has so many is no caller. */
void party_put_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t moment, struct str call_id, int64_t start);
void party_remove_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t moment, struct str call_id);
void party_put_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at, struct str job_id);
void party_remove_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at, struct str job_id);
typedef void party_row_change(struct fold *fold, struct str tenant, const struct party *party, int64_t start, struct str call_id,
                              const struct party_row *row);
party_row_change party_put_row, party_remove_row; /* of what is removed the kind alone is asked for */

/* The earliest talk of the party with moment >= from in a call begun after `start`. */
void party_first_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t start, struct ground *ground);
/* The earlier of *ground and the party's first job booked in [from, to]. */
void party_first_job(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t to, struct ground *ground);
/* True where the party has a job booked in [from, to] that was not cancelled by `to`'s check time `by`. */
bool party_has_job(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t to, int64_t by);

/* Touches the calls whose ABANDONED rows talk at `moment` in a call begun at `start` may close: open ones, and those closed later than it.
 * moment NONE: all that are not withdrawn. */
void party_touch_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t start, int64_t moment);
/* Touches the calls whose rows a job booked at `booked_at` matches. */
void party_touch_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at);
/* The party's ABANDONED rows that are OPEN or COLD, without that of `call_id`. */
int32_t party_open_rows(struct fold *fold, struct str tenant, const struct party *party, struct str call_id);

#endif
