/*
 * tally: what one transaction counts, kept aside until it is committed; an aborted one must not be seen in the metrics.
 *
 * One a partition, used by the thread that folds it: plain integers, no atomics on the way of a record.
 */
#ifndef RINGBACK_TALLY_H
#define RINGBACK_TALLY_H

#include "../processors/fold.h"
#include "metrics.h"

struct tally {
    int64_t events[EVENT_TYPES], outputs[TOPICS], rejected[REJECT_REASONS];
    int64_t opened[2], closed[2][OUTCOME_WITHDRAWN + 1], cold[2];
    int64_t gaps[SOURCE_NETWORK + 1];
    uint64_t dropped; /* duplicates, as the fold counted them at the last commit; 0: not known */
};

/* Counts a journal record that was folded; source_kind: of its source. */
void tally_record(struct tally *tally, const struct journal_record *record, enum source_kind source_kind);
/* Counts what it caused. */
void tally_output(struct tally *tally, const struct output *output);
/* The transaction is committed, and the fold has dropped so many duplicates since the journal began: adds all to the metrics and empties
 * the tally. An aborted one: *tally = (struct tally){0}. */
void tally_commit(struct tally *tally, uint64_t dropped, struct metrics *metrics, int32_t partition);

/* Gauges of the state as it stands: rows by tab, calls in progress. */
void tally_gauges(const struct fold_counts *counts, struct metrics *metrics, int32_t partition);

#endif
