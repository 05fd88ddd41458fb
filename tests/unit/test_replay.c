/* A journal read again: stopped at a time, for one tenant, with other settings; and that nothing of it stays. */
#include "test_log_files_fixture.h"

#include "../../runtime/fold_run.h"
#include "../../runtime/replay.h"

#define APPEND_TIME 1772496000000 /* 2026-03-03T00:00:00Z */
#define NINE 1772355600000        /* 2026-03-01T09:00:00Z */
#define MINUTE 60000
#define LATENESS 5000
#define LINE(type, tenant, event, at, more)                                                                                                \
    "{\"type\":\"" type "\",\"tenant\":\"" tenant "\",\"event_id\":\"" event "\",\"occurred_at\":\"2026-03-01T" at "Z\"" more "}\n"
#define CALL(tenant, call, start, end)                                                                                                     \
    LINE("CallStarted", tenant, "s" call, start,                                                                                           \
         ",\"call_id\":\"" call "\",\"direction\":\"INBOUND\",\"kind\":\"QUEUE\",\"from\":\"+12025550123\",\"to\":\"+12025550100\"")       \
    LINE("CallEnded", tenant, "e" call, end, ",\"call_id\":\"" call "\",\"by\":\"CALLER\"")

/* Kim calls short what lasted less than ten minutes, and asks for more than may be; the other tenant's calls carry the clock on. */
static const char events[] =
    LINE("RoleChanged", "acme", "r1", "08:00:00", ",\"role\":\"boss\",\"permissions\":[\"EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS\","
                                                  "\"VIEW_AND_EDIT_FEATURE_MANAGEMENT\"]")
        LINE("RolesAssigned", "acme", "r2", "08:00:01", ",\"person\":\"kim\",\"roles\":[\"boss\"]")
            "{\"type\":\"ChangeSettings\",\"tenant\":\"acme\",\"command_id\":\"k1\",\"actor\":\"kim\",\"occurred_at\":\"2026-03-01T08:01:00Z\","
            "\"changes\":[{\"key\":\"short_abandon_seconds\",\"value\":\"600\"}]}\n"
            "{\"type\":\"ChangeSettings\",\"tenant\":\"acme\",\"command_id\":\"k2\",\"actor\":\"kim\",\"occurred_at\":\"2026-03-01T08:02:00Z\","
            "\"changes\":[{\"key\":\"short_abandon_seconds\",\"value\":\"1000\"}]}\n" CALL("acme", "c1", "09:00:00", "09:01:00")
                CALL("other", "o1", "09:10:00", "09:11:00") CALL("acme", "c2", "09:20:00", "09:21:00") CALL("other", "o2", "23:00:00", "23:01:00");

static struct failure failure;

static int journal_make(void **state) {
    if (scratch_make(state) != 0) return -1;
    char input[256];
    strcpy(input, in_scratch("events.jsonl"));
    file_write(input, events, sizeof events - 1);
    struct fold_options options = {.data = in_scratch("data"),
                                   .files = (const char *const[]){input},
                                   .file_count = 1,
                                   .until = NONE,
                                   .quiet = true,
                                   .journal_id = JOURNAL_ID,
                                   .writer = {.transaction_records = 3, .append_time = APPEND_TIME}};
    struct fold_result result;
    failure = (struct failure){0};
    return fold_run(&options, &result, &failure);
}

struct seen {
    int64_t calls, shorts, accepted, refused, results;
    int64_t stream_time;
    int64_t befores, afters, seals, differs;
    int64_t stop_after;
};

static int see_call(void *context, const struct classified_call *call) {
    struct seen *seen = context;
    seen->calls++;
    seen->shorts += call->short_abandon;
    return 0;
}

static int see_output(void *context, const struct output *output) {
    struct seen *seen = context;
    seen->results++;
    if (output->topic == TOPIC_COMMAND_RESULTS) {
        bool accepted = output->body.command_result.verdict == VERDICT_ACCEPTED;
        seen->accepted += accepted;
        seen->refused += !accepted;
    }
    return 0;
}

static int see_before(void *context, const struct reader_at *at) {
    struct seen *seen = context;
    assert_non_null(at->record);
    return seen->stop_after && seen->befores++ == seen->stop_after;
}

static int see_after(void *context, const struct reader_at *at) {
    assert_int_equal(str_is_null(at->event_bytes), at->record->type != JOURNAL_EVENT);
    ((struct seen *)context)->afters++;
    return 0;
}

static int see_sealed(void *context, const struct reader_at *at) {
    struct seen *seen = context;
    assert_int_equal(at->place->log.sequence, seen->seals++);
    assert_int_equal(at->place->beyond, 0);
    return 0;
}

static struct seen read_again(struct reader_query query, struct str view) {
    struct replay replay;
    struct seen seen = {.stop_after = query.before ? 4 : 0};
    struct fold_status status;
    query.context = &seen;
    failure = (struct failure){0};
    assert_int_equal(replay_open(&replay, in_scratch("data"), &failure), 0);
    if (replay_run(&replay, &query, NULL) != 0) fail_msg("%s", failure.text);
    assert_int_equal(fold_view_calls(replay.store, view, NONE, NONE, see_call, &seen), 0);
    assert_int_equal(fold_view_status(replay.store, &status), 0);
    seen.stream_time = status.stream_time;
    replay_close(&replay);
    return seen;
}

static void all_is_read(void **state) {
    (void)state;
    struct seen seen = read_again((struct reader_query){.until = NONE, .output = see_output, .after = see_after, .sealed = see_sealed}, STR("*"));
    assert_int_equal(seen.calls, 4);
    assert_int_equal(seen.shorts, 2); /* acme's, not other's */
    assert_int_equal(seen.accepted, 1);
    assert_int_equal(seen.refused, 1);
    assert_true(seen.seals >= 4);
    assert_int_equal(seen.afters, 12 + 2 + seen.seals);
    assert_int_equal(seen.stream_time, NINE + 14 * 60 * MINUTE + MINUTE - LATENESS);
}

/* The state as it was when stream time stood there: no timer has fired, no record is in, that came with a later time. */
static void it_stops_at_a_time(void **state) {
    (void)state;
    for (int64_t until = NINE - 2 * MINUTE; until < NINE + 30 * MINUTE; until += 17000) {
        struct seen seen = read_again((struct reader_query){.until = until}, STR("*"));
        assert_true(seen.stream_time <= until);
        int64_t calls = 0;
        for (int64_t n = 0; n < 3; n++) calls += NINE + n * 10 * MINUTE - LATENESS <= until;
        assert_int_equal(seen.calls, calls);
    }
}

static void a_hook_stops_it(void **state) {
    (void)state;
    struct seen seen = read_again((struct reader_query){.until = NONE, .before = see_before}, STR("*"));
    assert_int_equal(seen.befores, 5);
    assert_int_equal(seen.calls, 0);
}

static void one_tenant_has_the_clock_of_all(void **state) {
    (void)state;
    struct seen whole = read_again((struct reader_query){.until = NONE}, STR("acme"));
    struct seen alone = read_again((struct reader_query){.until = NONE, .tenant = STR("acme")}, STR("*"));
    assert_int_equal(whole.calls, 2);
    assert_int_equal(alone.calls, 2);
    assert_int_equal(alone.shorts, whole.shorts);
    assert_int_equal(alone.stream_time, whole.stream_time);
}

/* What somebody sets an assumed setting to is what is assumed; what was refused is refused still. */
static void settings_are_assumed(void **state) {
    (void)state;
    const struct assumption assumption = {STR("short_abandon_seconds"), STR("0")};
    struct seen seen =
        read_again((struct reader_query){.until = NONE, .assumptions = &assumption, .assumption_count = 1, .output = see_output}, STR("*"));
    assert_int_equal(seen.shorts, 0);
    assert_int_equal(seen.accepted, 1);
    assert_int_equal(seen.refused, 1);
}

static void what_cannot_be_assumed_is_said(void **state) {
    (void)state;
    const struct assumption wrong[] = {{STR("short_abandon_seconds"), STR("601")}, {STR("short_abandon"), STR("1")}};
    for (size_t n = 0; n < 2; n++) {
        struct replay replay;
        struct reader_query query = {.until = NONE, .assumptions = &wrong[n], .assumption_count = 1};
        failure = (struct failure){0};
        assert_int_equal(replay_open(&replay, in_scratch("data"), &failure), 0);
        assert_int_equal(replay_run(&replay, &query, NULL), -1);
        assert_int_equal(failure.code, EXIT_USAGE);
        replay_close(&replay);
    }
}

static void no_journal_is_said(void **state) {
    (void)state;
    struct replay replay;
    failure = (struct failure){0};
    assert_int_equal(replay_open(&replay, in_scratch("nowhere"), &failure), -1);
    assert_non_null(strstr(failure.text, "nowhere"));
    replay_close(&replay);
}

int main(void) {
    char error[400];
    if (schemas_load(error, sizeof error) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_read),
        cmocka_unit_test(it_stops_at_a_time),
        cmocka_unit_test(a_hook_stops_it),
        cmocka_unit_test(one_tenant_has_the_clock_of_all),
        cmocka_unit_test(settings_are_assumed),
        cmocka_unit_test(what_cannot_be_assumed_is_said),
        cmocka_unit_test(no_journal_is_said),
    };
    int failed = cmocka_run_group_tests(tests, journal_make, scratch_remove);
    schemas_unload();
    return failed;
}
