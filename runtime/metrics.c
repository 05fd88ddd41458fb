#include "metrics.h"

#include <glib.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../schemas/codec/codec.h"
#include "metrics_process.h"

/* ---- labels: each has its values from an enum, so a series' name can hold nothing that came in */

struct label {
    const char *name;
    int count;
    const char *symbols;                       /* an Avro enum's name, or */
    const char *const *words;                  /* words of our own, or */
    const char *(*text)(enum event_type type); /* the names of event types */
};

static const char *const role_words[ROLES] = {"standby", "rebuilding", "taking_over", "writer", "quarantined"};
static const char *const transaction_words[TRANSACTION_RESULTS] = {"committed", "aborted"};
static const char *const registry_words[REGISTRY_RESULTS] = {"ok", "refused", "unreachable"};
static const char *const topic_words[TOPICS] = {"rejected",        "calls-classified", "followups",
                                                "followup-events", "notices",          "command-results"};

static const struct label by_type = {"type", EVENT_TYPES, .text = event_type_text};
static const struct label by_reason = {"reason", REJECT_REASONS, .symbols = "RejectReason"};
static const struct label by_topic = {"topic", TOPICS, .words = topic_words};
static const struct label by_kind = {"kind", KIND_SECOND_CHANCE + 1, .symbols = "FollowupKind"};
static const struct label by_outcome = {"outcome", OUTCOME_WITHDRAWN + 1, .symbols = "Outcome"};
static const struct label by_tab = {"tab", TAB_DONE + 1, .symbols = "Tab"};
static const struct label by_source = {"source", SOURCE_NETWORK + 1, .symbols = "SourceKind"};
static const struct label by_role = {"role", ROLES, .words = role_words};
static const struct label by_transaction = {"result", TRANSACTION_RESULTS, .words = transaction_words};
static const struct label by_registry = {"result", REGISTRY_RESULTS, .words = registry_words};

static const char *label_text(const struct label *label, int value) {
    if (label->text) return label->text((enum event_type)value);
    return label->words ? label->words[value] : symbol_text(label->symbols, value);
}

/* ---- the table */

enum kind { COUNTER, GAUGE, HISTOGRAM };
static const char *const kind_words[] = {"counter", "gauge", "histogram"};

/* What a stored integer is of the unit that is printed: 1, or a time in ms or us printed in seconds. */
enum unit { ONE, MS, US };

struct row {
    const char *name, *help;
    enum kind kind;
    enum unit unit;
    bool of_process;
    const struct label *a, *b;
};

#define PER(name_, kind_, unit_, a_, b_, help_)                                                                                            \
    { .name = "ringback_" name_, .kind = kind_, .unit = unit_, .a = a_, .b = b_, .help = help_ }
#define OF_PROCESS(name_, kind_, unit_, a_, help_)                                                                                         \
    { .name = "ringback_" name_, .kind = kind_, .unit = unit_, .a = a_, .of_process = true, .help = help_ }

static const struct row rows[METRICS] = {
    [METRIC_EVENTS] = PER("events_total", COUNTER, ONE, &by_type, NULL, "Events and commands folded, duplicates included."),
    [METRIC_DUPLICATES] = PER("duplicates_total", COUNTER, ONE, NULL, NULL, "Events dropped because their id was known."),
    [METRIC_REJECTED] =
        PER("rejected_total", COUNTER, ONE, &by_reason, NULL, "Records that could not be accepted; they are in the topic rejected."),
    [METRIC_OUTPUTS] = PER("outputs_total", COUNTER, ONE, &by_topic, NULL, "Output records emitted."),
    [METRIC_FOLLOWUPS_OPENED] = PER("followups_opened_total", COUNTER, ONE, &by_kind, NULL, "Follow-ups opened."),
    [METRIC_FOLLOWUPS_CLOSED] = PER("followups_closed_total", COUNTER, ONE, &by_kind, &by_outcome,
                                    "Outcomes that follow-ups got; one that is converted after it was resolved counts under both."),
    [METRIC_FOLLOWUPS_COLD] = PER("followups_went_cold_total", COUNTER, ONE, &by_kind, NULL, "Follow-ups that went cold."),
    [METRIC_FOLLOWUPS] = PER("followups", GAUGE, ONE, &by_kind, &by_tab, "Follow-ups now in each tab."),
    [METRIC_CALLS_IN_PROGRESS] = PER("calls_in_progress", GAUGE, ONE, NULL, NULL, "Calls started and not decided."),
    [METRIC_SOURCE_LAG] = PER("source_lag_records", GAUGE, ONE, &by_source, NULL, "Records of a source that are not journalled yet."),
    [METRIC_SOURCE_GAPS] =
        PER("source_gaps_total", COUNTER, ONE, &by_source, NULL, "Gaps: records of a source that were deleted before they were read."),
    [METRIC_JOURNAL_LAG] = PER("journal_lag_messages", GAUGE, ONE, NULL, NULL, "Messages of the journal, a seal or a list of records each, that this instance has not folded yet."),
    [METRIC_STANDBY_LAG] = PER("standby_lag_seconds", GAUGE, MS, NULL, NULL, "Age of the last seal that a standby has folded."),
    [METRIC_CLOCK_LAG] = PER("clock_lag_seconds", GAUGE, MS, NULL, NULL, "Wall clock less stream time."),
    [METRIC_CLOCK_SKEW] = OF_PROCESS("clock_skew_seconds", GAUGE, MS, NULL,
                                     "This machine's clock less the broker's; beyond 2 s no source is declared at its end."),
    [METRIC_FOLD] = PER("fold_seconds", HISTOGRAM, US, NULL, NULL, "Time to fold one transaction."),
    [METRIC_COMMIT] = PER("commit_seconds", HISTOGRAM, US, NULL, NULL, "Time to commit one transaction, in Kafka and in the state."),
    [METRIC_END_TO_END] =
        PER("end_to_end_seconds", HISTOGRAM, US, NULL, NULL,
            "From a record's append to its source to the commit of what it caused; the oldest record of each transaction."),
    [METRIC_TRANSACTIONS] = PER("transactions_total", COUNTER, ONE, &by_transaction, NULL, "Transactions ended."),
    [METRIC_SEAL] = PER("seal", GAUGE, ONE, NULL, NULL, "Sequence of the last seal that is folded here."),
    [METRIC_ROLE] = PER("partition_role", GAUGE, ONE, &by_role, NULL, "1 for what this instance does with the partition."),
    [METRIC_REBUILD_RECORDS] = PER("rebuild_records_total", COUNTER, ONE, NULL, NULL, "Journal records folded to rebuild a state."),
    [METRIC_REBUILD_LEFT] =
        PER("rebuild_left_seconds", GAUGE, MS, NULL, NULL, "Time that a rebuild will still take, at its rate so far; 0: none runs."),
    [METRIC_STATE_USED] = PER("state_used_bytes", GAUGE, ONE, NULL, NULL, "Bytes of the state's pages in use."),
    [METRIC_STATE_MAP] = PER("state_map_bytes", GAUGE, ONE, NULL, NULL, "Bytes of the state's map; it grows when it is full."),
    [METRIC_DISK_REFUSED] = OF_PROCESS("disk_refused", GAUGE, ONE, NULL,
                                       "1 while this instance is out of the group because its disk is full or fails."),
    [METRIC_SNAPSHOT_AGE] = PER("snapshot_age_seconds", GAUGE, MS, NULL, NULL, "Age of the last snapshot."),
    [METRIC_RULES_VERSION] = PER("rules_version", GAUGE, ONE, NULL, NULL, "Version of the rules that are active in the journal."),
    [METRIC_PRODUCERS_REPLACED] = PER("producers_replaced_total", COUNTER, ONE, NULL, NULL,
                                      "Producers thrown away: fenced, failed, or after a doubtful end of a transaction."),
    [METRIC_REGISTRY_REQUESTS] = OF_PROCESS("registry_requests_total", COUNTER, ONE, &by_registry, "Requests to the schema registry."),
    [METRIC_SCHEMAS_KNOWN] = OF_PROCESS("schemas_known", GAUGE, ONE, NULL, "Writer's schemas that are known, by id or fingerprint."),
};

/* Upper bounds of the histograms' buckets, us. */
static const int64_t bounds_us[] = {1000,   2000,   5000,    10000,   20000,   40000,    60000,    100000,  150000,
                                    250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000};
#define BOUNDS G_N_ELEMENTS(bounds_us)

/* ---- values */

/* A series of a histogram is BOUNDS + 1 buckets, not summed up, and the sum; of another metric one value. */
struct value {
    _Atomic int64_t number;
    _Atomic bool shown;
};

struct metrics {
    int32_t partitions;
    struct value *values[METRICS]; /* [partition][a][b][cell] */
};

static int label_count(const struct label *label) { return label ? label->count : 1; }
static int cells(const struct row *row) { return row->kind == HISTOGRAM ? (int)BOUNDS + 2 : 1; }
static size_t series(const struct row *row) { return (size_t)label_count(row->a) * (size_t)label_count(row->b) * (size_t)cells(row); }

struct metrics *metrics_make(int32_t partitions) {
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics) return NULL;
    metrics->partitions = partitions;
    for (int i = 0; i < METRICS; i++) {
        size_t count = series(&rows[i]) * (rows[i].of_process ? 1 : (size_t)partitions);
        metrics->values[i] = calloc(count, sizeof(struct value));
        if (!metrics->values[i]) {
            metrics_free(metrics);
            return NULL;
        }
        for (size_t v = 0; rows[i].of_process && v < count; v++) metrics->values[i][v].shown = true;
    }
    return metrics;
}

void metrics_free(struct metrics *metrics) {
    if (!metrics) return;
    for (int i = 0; i < METRICS; i++) free(metrics->values[i]);
    free(metrics);
}

static struct value *value_at(const struct metrics *metrics, enum metric metric, int32_t partition, int a, int b) {
    const struct row *row = &rows[metric];
    int32_t place = row->of_process ? 0 : partition;
    g_assert(row->of_process ? partition == METRICS_OF_PROCESS : partition >= 0 && partition < metrics->partitions);
    g_assert(a >= 0 && a < label_count(row->a) && b >= 0 && b < label_count(row->b));
    return metrics->values[metric] + (size_t)place * series(row) +
           ((size_t)a * (size_t)label_count(row->b) + (size_t)b) * (size_t)cells(row);
}

static void show(struct value *value) { atomic_store_explicit(&value->shown, true, memory_order_relaxed); }

void metrics_add(struct metrics *metrics, enum metric metric, int32_t partition, int a, int b, int64_t count) {
    if (!metrics) return;
    g_assert(rows[metric].kind == COUNTER && count >= 0);
    struct value *value = value_at(metrics, metric, partition, a, b);
    atomic_fetch_add_explicit(&value->number, count, memory_order_relaxed);
    show(value);
}

void metrics_set(struct metrics *metrics, enum metric metric, int32_t partition, int a, int b, int64_t number) {
    if (!metrics) return;
    g_assert(rows[metric].kind == GAUGE);
    struct value *value = value_at(metrics, metric, partition, a, b);
    atomic_store_explicit(&value->number, number, memory_order_relaxed);
    show(value);
}

void metrics_observe(struct metrics *metrics, enum metric metric, int32_t partition, int64_t us) {
    if (!metrics) return;
    g_assert(rows[metric].kind == HISTOGRAM);
    struct value *value = value_at(metrics, metric, partition, 0, 0);
    size_t bucket = 0;
    if (us < 0) us = 0; /* a clock that was set back */
    while (bucket < BOUNDS && us > bounds_us[bucket]) bucket++;
    atomic_fetch_add_explicit(&value[bucket].number, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&value[BOUNDS + 1].number, us, memory_order_relaxed);
    show(value);
}

void metrics_role(struct metrics *metrics, int32_t partition, enum partition_role role) {
    for (int each = 0; each < ROLES; each++) metrics_set(metrics, METRIC_ROLE, partition, each, 0, each == (int)role);
}

void metrics_leave(struct metrics *metrics, int32_t partition) {
    if (!metrics) return;
    for (int i = 0; i < METRICS; i++) {
        if (rows[i].kind != GAUGE || rows[i].of_process) continue;
        struct value *value = value_at(metrics, (enum metric)i, partition, 0, 0);
        for (size_t v = 0; v < series(&rows[i]); v++) atomic_store_explicit(&value[v].shown, false, memory_order_relaxed);
    }
}

/* ---- text */

/* A time in seconds, exactly. */
static void put_number(FILE *out, int64_t number, enum unit unit) {
    int64_t scale = unit == ONE ? 1 : unit == MS ? 1000 : 1000000;
    int digits = unit == MS ? 3 : 6;
    if (scale == 1)
        fprintf(out, "%" PRId64 "\n", number);
    else
        fprintf(out, "%s%" PRId64 ".%0*" PRId64 "\n", number < 0 ? "-" : "", number < 0 ? -(number / scale) : number / scale, digits,
                number < 0 ? -(number % scale) : number % scale);
}

/* {partition="3",kind="ABANDONED",le="0.001"} or less. */
static void put_labels(FILE *out, const struct row *row, int32_t partition, int a, int b, const char *bound) {
    const char *before = "{";
    if (!row->of_process) fprintf(out, "%spartition=\"%" PRId32 "\"", before, partition), before = ",";
    if (row->a) fprintf(out, "%s%s=\"%s\"", before, row->a->name, label_text(row->a, a)), before = ",";
    if (row->b) fprintf(out, "%s%s=\"%s\"", before, row->b->name, label_text(row->b, b)), before = ",";
    if (bound) fprintf(out, "%sle=\"%s\"", before, bound), before = ",";
    fputs(*before == '{' ? " " : "} ", out);
}

static const char *bound_text(size_t bucket, char text[32]) { return g_ascii_formatd(text, 32, "%g", (double)bounds_us[bucket] / 1e6); }

static void put_histogram(FILE *out, const struct row *row, int32_t partition, struct value *value) {
    int64_t sum = 0;
    for (size_t bucket = 0; bucket <= BOUNDS; bucket++) {
        char bound[32];
        sum += atomic_load_explicit(&value[bucket].number, memory_order_relaxed);
        fprintf(out, "%s_bucket", row->name);
        put_labels(out, row, partition, 0, 0, bucket < BOUNDS ? bound_text(bucket, bound) : "+Inf");
        put_number(out, sum, ONE);
    }
    fprintf(out, "%s_sum", row->name);
    put_labels(out, row, partition, 0, 0, NULL);
    put_number(out, atomic_load_explicit(&value[BOUNDS + 1].number, memory_order_relaxed), row->unit);
    fprintf(out, "%s_count", row->name);
    put_labels(out, row, partition, 0, 0, NULL);
    put_number(out, sum, ONE);
}

static void put_series(FILE *out, struct metrics *metrics, enum metric metric, int32_t partition) {
    const struct row *row = &rows[metric];
    for (int a = 0; a < label_count(row->a); a++) {
        for (int b = 0; b < label_count(row->b); b++) {
            struct value *value = value_at(metrics, metric, partition, a, b);
            if (!atomic_load_explicit(&value->shown, memory_order_relaxed)) continue;
            if (row->kind == HISTOGRAM) {
                put_histogram(out, row, partition, value);
                continue;
            }
            fputs(row->name, out);
            put_labels(out, row, partition, a, b, NULL);
            put_number(out, atomic_load_explicit(&value->number, memory_order_relaxed), row->unit);
        }
    }
}

void metrics_write(FILE *out, struct metrics *metrics) {
    for (int i = 0; i < METRICS; i++) {
        const struct row *row = &rows[i];
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, kind_words[row->kind]);
        if (row->of_process)
            put_series(out, metrics, (enum metric)i, METRICS_OF_PROCESS);
        else
            for (int32_t partition = 0; partition < metrics->partitions; partition++) put_series(out, metrics, (enum metric)i, partition);
    }
    metrics_process_write(out);
}

void metrics_page(FILE *out) {
    fputs("# Metrics\n\n"
          "What `ringback run` serves on `/metrics`, as Prometheus reads it. Made from the program's own table (`ringback check-config "
          "--page\n"
          "metrics`). What is counted by transaction is counted when it is committed. A gauge of a partition is served by the instances "
          "that do\n"
          "something with it, a counter by those that did. Values of labels are those of the schemas; none is ever a tenant, a number or "
          "an id.\n\n"
          "| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n",
          out);
    for (int i = 0; i < METRICS; i++) {
        const struct row *row = &rows[i];
        fprintf(out, "| `%s` | %s | %s%s%s%s%s | %s |\n", row->name, kind_words[row->kind], row->of_process ? "" : "partition",
                row->a && !row->of_process ? ", " : "", row->a ? row->a->name : "", row->b ? ", " : "", row->b ? row->b->name : "",
                row->help);
    }
    metrics_process_page(out);
    fputs("\nThe histograms' buckets end at", out);
    for (size_t i = 0; i < BOUNDS; i++) {
        char bound[32];
        fprintf(out, "%s %s", i ? "," : "", bound_text(i, bound));
    }
    fputs(" s.\n", out);
}
