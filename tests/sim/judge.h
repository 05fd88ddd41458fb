/*
 * judge: what must be true of a run, from the brokers' logs and the disks alone (issue 5; docs/decisions/0018). What is not true fails the seed.
 */
#ifndef RINGBACK_SIM_JUDGE_H
#define RINGBACK_SIM_JUDGE_H

#include "broker.h"

struct judge_limits {
    int64_t early_ms; /* by so much clocks may be off without being noticed */
    int64_t late_ms;  /* beyond the allowed lateness; -1: something was broken, no limit */
};

void judge_open(void);
/* Whether everything that was fed is journalled, and committed, and no transaction of the group is open. */
bool judge_caught_up(int32_t partitions);
struct judge_counts {
    int64_t records, outputs, seals, timers, commits;
};
void judge_run(const struct config *config, const struct judge_limits *limits, struct judge_counts *counts);

#endif
