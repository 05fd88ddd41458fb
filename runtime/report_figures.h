/*
 * report_figures: what a report counts of calls and rows, by campaign, queue, agent, hour or day, beside the period before (SPEC 8).
 *
 * Campaigns, queues and agents are apart by account; hours and days are those on the wall of each call's account, all together. A day of
 * the period before counts for the day that stands at its place in the period. Memory grows with groups, converting jobs and first
 * attempts, not with calls.
 */
#ifndef RINGBACK_REPORT_FIGURES_H
#define RINGBACK_REPORT_FIGURES_H

#include "report.h"

/* The order of COMPARE_CHOICES, then all calls as one group. */
enum compare { COMPARE_CAMPAIGN, COMPARE_QUEUE, COMPARE_AGENT, COMPARE_HOUR, COMPARE_DAY, COMPARE_NOTHING };
#define COMPARE_CHOICES "campaign|queue|agent|hour|day"

struct figures {
    int64_t calls;     /* decided, INTERNAL ones left out */
    int64_t inbound;   /* of these */
    int64_t abandoned, unbooked, missed; /* listed; missed: MISSED and CALLBACK_REQUESTED */
    int64_t rows, outcomes[7], went_cold; /* of listed calls; by enum outcome */
    int64_t withdrawn; /* rows of calls of any type */
    GArray *first_attempts; /* int64_t, ms; NULL: none */
    GHashTable *jobs;       /* tenant and id of each job that converted a row; NULL: none */
};

struct group {
    const struct account *account; /* NULL: all */
    char *id, *name;               /* NULL: the calls have none */
    int64_t rank;                  /* among hours and days */
    struct figures now, before;
};

struct comparison {
    enum compare by;
    bool has_before; /* there is a period before */
    GHashTable *index;
    GPtrArray *groups; /* struct group */
};

void comparison_open(struct comparison *comparison, enum compare by, const struct report *report);
void comparison_free(struct comparison *comparison);
void comparison_add(struct comparison *comparison, const struct reported *reported);
/* Hours and days in their order; else the most listed calls first. Percentiles can be asked for from then on. */
void comparison_sort(struct comparison *comparison);
/* Texts point into the group. */
void group_fill(const struct comparison *comparison, const struct group *group, struct report_group *out);

int64_t figures_listed(const struct figures *figures);
int64_t figures_recovered(const struct figures *figures);
/* The q-th of 100 parts of the times to the first attempt, nearest rank; 50: the lower middle. After comparison_sort. NONE: no times. */
int64_t figures_percentile(const struct figures *figures, int q);
/* Basis points, half up; NONE over 0. */
int64_t basis_points(int64_t part, int64_t whole);

#endif
