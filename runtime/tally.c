#include "tally.h"

void tally_record(struct tally *tally, const struct journal_record *record, enum source_kind source_kind) {
    if (record->type == JOURNAL_EVENT) tally->events[record->body.event.type]++;
    if (record->type == JOURNAL_GAP) tally->gaps[source_kind]++;
}

/* A row's id says its kind (SPEC 1). */
static void row_changed(struct tally *tally, const struct followup_event *row) {
    enum followup_kind kind = row->follow_up.ptr[0] == 'a' ? KIND_ABANDONED : KIND_SECOND_CHANCE;
    switch ((enum change)row->change) {
    case CHANGE_OPENED: tally->opened[kind]++; break;
    case CHANGE_WENT_COLD: tally->cold[kind]++; break;
    case CHANGE_STATUS:
    case CHANGE_WITHDRAWN:
        if (row->outcome >= 0) tally->closed[kind][row->outcome]++;
        break;
    case CHANGE_NOTE:
    case CHANGE_ASSIGNED:
    case CHANGE_RETURNED:
    case CHANGE_UPDATED: break;
    }
}

void tally_output(struct tally *tally, const struct output *output) {
    tally->outputs[output->topic]++;
    if (output->is_tombstone) return;
    if (output->topic == TOPIC_REJECTED) tally->rejected[output->body.rejected.reason]++;
    if (output->topic == TOPIC_FOLLOWUP_EVENTS) row_changed(tally, &output->body.followup_event);
}

static void add(struct metrics *metrics, enum metric metric, int32_t partition, int a, int b, int64_t count) {
    if (count) metrics_add(metrics, metric, partition, a, b, count);
}

void tally_commit(struct tally *tally, uint64_t dropped, struct metrics *metrics, int32_t partition) {
    for (int i = 0; i < EVENT_TYPES; i++) add(metrics, METRIC_EVENTS, partition, i, 0, tally->events[i]);
    for (int i = 0; i < TOPICS; i++) add(metrics, METRIC_OUTPUTS, partition, i, 0, tally->outputs[i]);
    for (int i = 0; i < REJECT_REASONS; i++) add(metrics, METRIC_REJECTED, partition, i, 0, tally->rejected[i]);
    for (int i = 0; i <= SOURCE_NETWORK; i++) add(metrics, METRIC_SOURCE_GAPS, partition, i, 0, tally->gaps[i]);
    for (int kind = 0; kind < 2; kind++) {
        add(metrics, METRIC_FOLLOWUPS_OPENED, partition, kind, 0, tally->opened[kind]);
        add(metrics, METRIC_FOLLOWUPS_COLD, partition, kind, 0, tally->cold[kind]);
        for (int outcome = 0; outcome <= OUTCOME_WITHDRAWN; outcome++)
            add(metrics, METRIC_FOLLOWUPS_CLOSED, partition, kind, outcome, tally->closed[kind][outcome]);
    }
    if (tally->dropped) add(metrics, METRIC_DUPLICATES, partition, 0, 0, (int64_t)(dropped - tally->dropped));
    *tally = (struct tally){.dropped = dropped};
}

void tally_gauges(const struct fold_counts *counts, struct metrics *metrics, int32_t partition) {
    for (int kind = 0; kind < 2; kind++)
        for (int tab = 0; tab <= TAB_DONE; tab++)
            metrics_set(metrics, METRIC_FOLLOWUPS, partition, kind, tab, (int64_t)counts->rows[kind][tab]);
    metrics_set(metrics, METRIC_CALLS_IN_PROGRESS, partition, 0, 0, (int64_t)counts->in_progress);
}
