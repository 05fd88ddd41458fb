/* Metrics, what a transaction counts, and health, as text (runtime/metrics.h, tally.h, health.h). promtool reads the same text in
 * tests/ops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../runtime/health.h"
#include "../../runtime/tally.h"

#include <cmocka.h>

static char *text_of(struct metrics *metrics) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    metrics_write(out, metrics);
    fclose(out);
    return text;
}

static void has_line(struct metrics *metrics, const char *line) {
    char *text = text_of(metrics), wanted[300];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(text, wanted)) fail_msg("no line \"%s\" in\n%s", line, text);
    free(text);
}

static void has_no(struct metrics *metrics, const char *part) {
    char *text = text_of(metrics);
    if (strstr(text, part)) fail_msg("\"%s\" is in\n%s", part, text);
    free(text);
}

static void test_counters(void **state) {
    (void)state;
    struct metrics *metrics = metrics_make(2);
    has_no(metrics, "ringback_events_total{");
    metrics_add(metrics, METRIC_EVENTS, 1, EVENT_CALL_ENDED, 0, 3);
    metrics_add(metrics, METRIC_EVENTS, 1, EVENT_CALL_ENDED, 0, 4);
    metrics_add(metrics, METRIC_FOLLOWUPS_CLOSED, 0, KIND_SECOND_CHANCE, OUTCOME_CONVERTED, 1);
    metrics_add(metrics, METRIC_REGISTRY_REQUESTS, METRICS_OF_PROCESS, REGISTRY_RESULT_OK, 0, 2);
    has_line(metrics, "ringback_events_total{partition=\"1\",type=\"CallEnded\"} 7");
    has_line(metrics, "ringback_followups_closed_total{partition=\"0\",kind=\"SECOND_CHANCE\",outcome=\"CONVERTED\"} 1");
    has_line(metrics, "ringback_registry_requests_total{result=\"ok\"} 2");
    has_line(metrics, "ringback_registry_requests_total{result=\"unreachable\"} 0");
    has_line(metrics, "# TYPE ringback_events_total counter");
    has_line(metrics, "ringback_build_info{version=\"" RINGBACK_VERSION "\",rules=\"2\"} 1");
    metrics_free(metrics);
    metrics_add(NULL, METRIC_EVENTS, 5, 0, 0, 1); /* nothing */
}

static void test_gauges(void **state) {
    (void)state;
    struct metrics *metrics = metrics_make(1);
    metrics_set(metrics, METRIC_CLOCK_LAG, 0, 0, 0, 5250);
    metrics_set(metrics, METRIC_CLOCK_SKEW, METRICS_OF_PROCESS, 0, 0, -40);
    metrics_set(metrics, METRIC_STANDBY_LAG, 0, 0, 0, -1500);
    metrics_role(metrics, 0, ROLE_WRITER);
    metrics_add(metrics, METRIC_DUPLICATES, 0, 0, 0, 2);
    has_line(metrics, "ringback_clock_lag_seconds{partition=\"0\"} 5.250");
    has_line(metrics, "ringback_clock_skew_seconds -0.040");
    has_line(metrics, "ringback_standby_lag_seconds{partition=\"0\"} -1.500");
    has_line(metrics, "ringback_partition_role{partition=\"0\",role=\"writer\"} 1");
    has_line(metrics, "ringback_partition_role{partition=\"0\",role=\"standby\"} 0");
    metrics_leave(metrics, 0);
    has_no(metrics, "ringback_clock_lag_seconds{");
    has_no(metrics, "ringback_partition_role{");
    has_line(metrics, "ringback_duplicates_total{partition=\"0\"} 2");
    metrics_free(metrics);
}

static void test_histograms(void **state) {
    (void)state;
    struct metrics *metrics = metrics_make(1);
    metrics_observe(metrics, METRIC_COMMIT, 0, 1000); /* a bound belongs to its bucket */
    metrics_observe(metrics, METRIC_COMMIT, 0, 39999);
    metrics_observe(metrics, METRIC_COMMIT, 0, 70000000);
    metrics_observe(metrics, METRIC_COMMIT, 0, -5);
    has_line(metrics, "ringback_commit_seconds_bucket{partition=\"0\",le=\"0.001\"} 2");
    has_line(metrics, "ringback_commit_seconds_bucket{partition=\"0\",le=\"0.02\"} 2");
    has_line(metrics, "ringback_commit_seconds_bucket{partition=\"0\",le=\"0.04\"} 3");
    has_line(metrics, "ringback_commit_seconds_bucket{partition=\"0\",le=\"60\"} 3");
    has_line(metrics, "ringback_commit_seconds_bucket{partition=\"0\",le=\"+Inf\"} 4");
    has_line(metrics, "ringback_commit_seconds_sum{partition=\"0\"} 70.040999");
    has_line(metrics, "ringback_commit_seconds_count{partition=\"0\"} 4");
    metrics_free(metrics);
}

/* Every metric with every label once: how many lines there can be at most, and that each has help and type. */
static void test_bounded(void **state) {
    (void)state;
    struct metrics *metrics = metrics_make(1);
    struct tally tally;
    struct fold_counts counts = {0};
    memset(&tally, 1, sizeof tally);
    tally_commit(&tally, tally.dropped + 1, metrics, 0);
    tally_gauges(&counts, metrics, 0);
    metrics_role(metrics, 0, ROLE_STANDBY);
    for (int source = SOURCE_CALLS; source <= SOURCE_NETWORK; source++) metrics_set(metrics, METRIC_SOURCE_LAG, 0, source, 0, 1);
    char *text = text_of(metrics);
    size_t lines = 0, helps = 0, types = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        lines += *line != '#';
        helps += strncmp(line, "# HELP ", 7) == 0;
        types += strncmp(line, "# TYPE ", 7) == 0;
    }
    assert_int_equal(helps, types);
    assert_true(helps > METRICS);
    assert_true(lines < 200);
    free(text);
    metrics_free(metrics);
}

/* docs/metrics.md is what the table makes of itself: `ringback check-config --page metrics`. */
static void test_page(void **state) {
    (void)state;
    static char kept[64 * 1024];
    FILE *file = fopen(RINGBACK_ROOT "/docs/metrics.md", "r");
    assert_non_null(file);
    kept[fread(kept, 1, sizeof kept - 1, file)] = 0;
    fclose(file);
    char *page = NULL;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    metrics_page(out);
    fclose(out);
    assert_string_equal(kept, page);
    free(page);
}

static void count_row(struct tally *tally, const char *id, enum change change, int8_t outcome) {
    struct output output = {.topic = TOPIC_FOLLOWUP_EVENTS};
    output.body.followup_event = (struct followup_event){.follow_up = str_of(id), .change = (int8_t)change, .outcome = outcome};
    tally_output(tally, &output);
}

static void test_tally(void **state) {
    (void)state;
    struct metrics *metrics = metrics_make(1);
    struct tally tally = {0};
    struct journal_record event = {.type = JOURNAL_EVENT, .body.event.type = EVENT_CALL_STARTED}, gap = {.type = JOURNAL_GAP};
    struct output rejected = {.topic = TOPIC_REJECTED, .body.rejected.reason = REJECT_NO_START};
    struct output gone = {.topic = TOPIC_REJECTED, .is_tombstone = true};
    tally_record(&tally, &event, SOURCE_CALLS);
    tally_record(&tally, &gap, SOURCE_JOBS);
    tally_output(&tally, &rejected);
    tally_output(&tally, &gone);
    count_row(&tally, "ab-1", CHANGE_OPENED, -1);
    count_row(&tally, "ab-1", CHANGE_STATUS, -1);
    count_row(&tally, "ab-1", CHANGE_WENT_COLD, -1);
    count_row(&tally, "ab-1", CHANGE_STATUS, OUTCOME_RESOLVED);
    count_row(&tally, "sc-1", CHANGE_OPENED, -1);
    count_row(&tally, "sc-1", CHANGE_WITHDRAWN, OUTCOME_WITHDRAWN);
    count_row(&tally, "sc-1", CHANGE_NOTE, OUTCOME_WITHDRAWN);
    has_no(metrics, "ringback_events_total{"); /* nothing is seen before the commit */
    tally_commit(&tally, 7, metrics, 0);
    tally_commit(&tally, 9, metrics, 0); /* it is empty now, but for two more duplicates */
    has_line(metrics, "ringback_events_total{partition=\"0\",type=\"CallStarted\"} 1");
    has_line(metrics, "ringback_source_gaps_total{partition=\"0\",source=\"JOBS\"} 1");
    has_line(metrics, "ringback_duplicates_total{partition=\"0\"} 2");
    has_line(metrics, "ringback_rejected_total{partition=\"0\",reason=\"NO_START\"} 1");
    has_line(metrics, "ringback_outputs_total{partition=\"0\",topic=\"rejected\"} 2");
    has_line(metrics, "ringback_outputs_total{partition=\"0\",topic=\"followup-events\"} 7");
    has_line(metrics, "ringback_followups_opened_total{partition=\"0\",kind=\"ABANDONED\"} 1");
    has_line(metrics, "ringback_followups_went_cold_total{partition=\"0\",kind=\"ABANDONED\"} 1");
    has_line(metrics, "ringback_followups_closed_total{partition=\"0\",kind=\"ABANDONED\",outcome=\"RESOLVED\"} 1");
    has_line(metrics, "ringback_followups_closed_total{partition=\"0\",kind=\"SECOND_CHANCE\",outcome=\"WITHDRAWN\"} 1");
    metrics_free(metrics);
}

static void ready_is(struct health *health, bool ready, const char *wanted) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(health_write_ready(out, health), ready);
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_ready(void **state) {
    (void)state;
    struct health *health = health_make(3, 1);
    ready_is(health, true, "{\"ready\":true,\"reasons\":[]}\n");
    health_set(health, HEALTH_BROKER, "no \"broker\" \\ answers\n\xff");
    health_partition(health, 2, "rebuilding, 40 % read");
    ready_is(health, false,
             "{\"ready\":false,\"reasons\":[\"broker: no \\\"broker\\\" \\\\ answers??\",\"partition 2: rebuilding, 40 % read\"]}\n");
    health_set(health, HEALTH_BROKER, NULL);
    health_partition(health, 2, NULL);
    ready_is(health, true, "{\"ready\":true,\"reasons\":[]}\n");
    health_free(health);
}

static void test_alive(void **state) {
    (void)state;
    struct health *health = health_make(1, 2);
    int thread;
    const char *doing;
    health_beat(health, 1, "commit", 1);
    health_beat(health, 0, "poll", 60000);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_true(health_late(health, 0, &thread, &doing));
    assert_int_equal(thread, 1);
    assert_string_equal(doing, "commit");
    assert_false(health_late(health, 60000, &thread, &doing));
    health_beat(health, 1, "rest", 0);
    assert_false(health_late(health, 0, &thread, &doing));
    health_free(health);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters), cmocka_unit_test(test_gauges), cmocka_unit_test(test_histograms), cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_page),     cmocka_unit_test(test_tally),  cmocka_unit_test(test_ready),      cmocka_unit_test(test_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
