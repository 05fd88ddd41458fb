/*
 * metrics: counters, gauges and histograms of a service, as one table; the text that Prometheus reads is made from it.
 *
 * A series is a metric, a partition and at most two more labels whose values are enums of ours: their number is bounded, and no telephone
 * number or call id can get into one. Any thread may count at any time: updates are relaxed atomics, no lock. All values are integers;
 * times are ms or us as the row says, and are printed in seconds.
 * Every function takes NULL for `metrics` and then does nothing.
 */
#ifndef RINGBACK_METRICS_H
#define RINGBACK_METRICS_H

#include <stdint.h>
#include <stdio.h>

#define METRICS_OF_PROCESS (-1) /* for `partition`, of metrics that have no such label */

/* What a partition is doing, label `role`. The finer states: runtime/README.md. */
enum partition_role { ROLE_STANDBY, ROLE_REBUILDING, ROLE_TAKING_OVER, ROLE_WRITER, ROLE_QUARANTINED, ROLES };
enum transaction_result { TRANSACTION_COMMITTED, TRANSACTION_ABORTED, TRANSACTION_RESULTS };
enum registry_result { REGISTRY_RESULT_OK, REGISTRY_RESULT_REFUSED, REGISTRY_RESULT_UNREACHABLE, REGISTRY_RESULTS };

/* The labels behind each are in metrics.c; `a` and `b` below are its first and second after `partition`. */
enum metric {
    METRIC_EVENTS,             /* a: enum event_type */
    METRIC_DUPLICATES,
    METRIC_REJECTED,           /* a: enum reject_reason */
    METRIC_OUTPUTS,            /* a: enum topic */
    METRIC_FOLLOWUPS_OPENED,   /* a: enum followup_kind */
    METRIC_FOLLOWUPS_CLOSED,   /* a: enum followup_kind, b: enum outcome */
    METRIC_FOLLOWUPS_COLD,     /* a: enum followup_kind: that went cold */
    METRIC_FOLLOWUPS,          /* a: enum followup_kind, b: enum tab; gauge: rows now */
    METRIC_CALLS_IN_PROGRESS,  /* gauge */
    METRIC_SOURCE_LAG,         /* a: enum source_kind; gauge, records not journalled yet */
    METRIC_SOURCE_GAPS,        /* a: enum source_kind */
    METRIC_JOURNAL_LAG,        /* gauge, messages of the journal that a reader has not folded yet */
    METRIC_STANDBY_LAG,        /* gauge, ms: age of the last seal that a reader folded */
    METRIC_CLOCK_LAG,          /* gauge, ms: wall clock less stream time */
    METRIC_CLOCK_SKEW,         /* of the process; gauge, ms: wall clock less the broker's append time */
    METRIC_FOLD,               /* histogram, us: folding one transaction */
    METRIC_COMMIT,             /* histogram, us: from the seal to the end of the state's commit */
    METRIC_END_TO_END,         /* histogram, us: from a record's append time in its source to the commit */
    METRIC_TRANSACTIONS,       /* a: enum transaction_result */
    METRIC_SEAL,               /* gauge, sequence of the last seal */
    METRIC_ROLE,               /* a: enum partition_role; gauge 0 or 1 (metrics_role) */
    METRIC_REBUILD_RECORDS,    /* journal records folded to rebuild */
    METRIC_REBUILD_LEFT,       /* gauge, ms: time left */
    METRIC_STATE_USED,         /* gauge, bytes of pages in use */
    METRIC_STATE_MAP,          /* gauge, bytes of the map */
    METRIC_DISK_REFUSED,       /* of the process; gauge 0 or 1 */
    METRIC_SNAPSHOT_AGE,       /* gauge, ms: of the last snapshot taken */
    METRIC_RULES_VERSION,      /* gauge */
    METRIC_PRODUCERS_REPLACED, /* producers thrown away: fenced, failed, or after a doubtful end of a transaction */
    METRIC_REGISTRY_REQUESTS,  /* of the process; a: enum registry_result */
    METRIC_SCHEMAS_KNOWN,      /* of the process; gauge */
    METRICS
};

struct metrics;

/* For partitions 0 to partitions - 1. NULL: no memory. */
struct metrics *metrics_make(int32_t partitions);
void metrics_free(struct metrics *metrics);

/* Counters. `a`, `b`: 0 where the metric has no such label. A place out of range is a crash. */
void metrics_add(struct metrics *metrics, enum metric metric, int32_t partition, int a, int b, int64_t count);
/* Gauges. */
void metrics_set(struct metrics *metrics, enum metric metric, int32_t partition, int a, int b, int64_t value);
/* Histograms. */
void metrics_observe(struct metrics *metrics, enum metric metric, int32_t partition, int64_t us);
/* METRIC_ROLE: 1 for this role, 0 for the others. */
void metrics_role(struct metrics *metrics, int32_t partition, enum partition_role role);
/* The partition is no longer ours: its gauges disappear, its counters stay. */
void metrics_leave(struct metrics *metrics, int32_t partition);

/* The exposition, text format 0.0.4. A series appears with its first update; what has no labels is there from the beginning. Those of the
 * process (process_*: memory, CPU time, files) are read as it is written. */
void metrics_write(FILE *out, struct metrics *metrics);

/* docs/metrics.md, from the table; a test holds them against each other. */
void metrics_page(FILE *out);

#endif
