/* The fold and its views on a store whose calls fail, each once in turn; and on one that holds what the fold never wrote. */
#include "test_log_files_fixture.h"

#include "../../processors/fold.h"
#include "../../runtime/ingest.h"
#include "../../state/keys.h"
#include "../../state/store_side.h"

#define APPEND_TIME 1803945600000 /* 2027-03-02, so that nothing is ahead of it */
#define EVENT(type, event, at, more)                                                                                                       \
    "{\"type\":\"" type "\",\"tenant\":\"acme\",\"event_id\":\"" event "\",\"occurred_at\":\"" at "Z\"," more "}\n"
#define COMMAND(type, id, at, more)                                                                                                        \
    "{\"type\":\"" type "\",\"tenant\":\"acme\",\"command_id\":\"" id "\",\"occurred_at\":\"" at "Z\",\"actor\":\"kim\"," more "}\n"
#define MARCH "2026-03-02T"
#define CALL(call) "\"call_id\":\"" call "\""
#define START(call, at, number)                                                                                                            \
    EVENT("CallStarted", "s" call, MARCH at, CALL(call) ",\"direction\":\"INBOUND\",\"kind\":\"QUEUE\",\"from\":\"" number "\",\"to\":\"+12025550199\"")
#define CONNECT(call, at) EVENT("AgentConnected", "a" call, MARCH at, CALL(call) ",\"leg\":\"l1\",\"agent\":\"kim\"")
#define END(call, at, by) EVENT("CallEnded", "e" call, MARCH at, CALL(call) ",\"by\":\"" by "\"")

/* All that a fold keeps: settings, rows of each kind, talk, jobs, a call that lacks its start, commands. */
static const char events[] =
    EVENT("RoleChanged", "d1", MARCH "08:00:00", "\"role\":\"boss\",\"permissions\":[\"VIEW_AND_ACTION_ALL_FOLLOW_UPS\","
          "\"EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS\",\"VIEW_AND_EDIT_FEATURE_MANAGEMENT\"]")
    EVENT("RolesAssigned", "d2", MARCH "08:00:01", "\"person\":\"kim\",\"roles\":[\"boss\"]")
    COMMAND("ChangeSettings", "k1", MARCH "08:00:02", "\"changes\":[{\"key\":\"second_chance.enabled\",\"value\":\"on\"},{\"key\":\"retention_days\",\"value\":\"300\"}]")
    START("c1", "09:00:00", "+12025550101") END("c1", "09:01:00", "CALLER")
    COMMAND("StartCallback", "k2", MARCH "09:05:00", "\"follow_up\":\"ab-c1\"")
    COMMAND("AddNote", "k3", MARCH "09:06:00", "\"follow_up\":\"ab-c1\",\"note\":\"called, nobody there\"")
    CONNECT("c2", "09:10:10") START("c2", "09:10:00", "+12025550101") END("c2", "09:20:00", "AGENT")
    END("c9", "09:21:00", "CALLER")
    EVENT("JobBooked", "b1", MARCH "09:40:00", "\"job_id\":\"j1\",\"call\":\"c2\",\"caller\":\"+12025550101\"")
    START("c3", "10:00:00", "+12025550103") END("c3", "10:00:30", "CALLER")
    EVENT("CustomerLinked", "l3", MARCH "10:00:31", CALL("c3") ",\"customer\":\"u1\"")
    EVENT("JobBooked", "b2", MARCH "10:10:00", "\"job_id\":\"j2\",\"customer\":\"u1\"")
    EVENT("JobCancelled", "x2", MARCH "10:20:00", "\"job_id\":\"j2\"")
    START("c4", "10:30:00", "+12025550104") END("c4", "10:30:30", "CALLER")
    COMMAND("ChangeSettings", "k4", MARCH "10:31:00", "\"changes\":[{\"key\":\"second_chance.acw_minutes\",\"value\":\"5\"},{\"key\":\"retention_days\",\"value\":\"200\"}]")
    START("c5", "11:00:00", "+12025550105") CONNECT("c5", "11:00:10") END("c5", "11:05:00", "AGENT")
    START("c6", "12:00:00", "+12025550106") END("c6", "12:00:30", "CALLER")
    EVENT("QueueChanged", "q1", MARCH "13:00:00", "\"queue\":\"sales\",\"name\":\"Sales\"")
    COMMAND("AddNote", "k3", MARCH "13:01:00", "\"follow_up\":\"ab-c1\",\"note\":\"again\"")
    EVENT("QueueChanged", "q0", MARCH "13:03:00", "\"queue\":\"sales\",\"name\":\"Sale\"");
#define ACTIVATE "{\"type\":\"ActivateRules\",\"tenant\":\"*\",\"event_id\":\"v2\",\"occurred_at\":\"" MARCH "14:00:00Z\",\"version\":2}\n"
static const char activation[] = ACTIVATE EVENT("QueueChanged", "q7", MARCH "14:00:01", "\"queue\":\"sales\",\"name\":\"S\"");
/* More of another caller, and then it is all forgotten. */
static const char a_year_later[] =
    START("c8", "14:00:00", "+12025550109") END("c8", "14:00:30", "CALLER")
    COMMAND("ChangeSettings", "k8", MARCH "14:01:00", "\"changes\":[{\"key\":\"retention_days\",\"value\":\"100\"}]")
    EVENT("QueueChanged", "q2", "2026-03-10T12:00:00", "\"queue\":\"sales\",\"name\":\"More sales\"")
    EVENT("QueueChanged", "q3", "2027-03-01T12:00:00", "\"queue\":\"sales\",\"name\":\"Most sales\"");

/* ---- a store whose calls fail ---- */

static struct store_side sound, failing;
static long calls, fails_at;

static bool fails(struct store *store) {
    if (++calls != fails_at) return false;
    strcpy(store->error, "it fails, as it was told to");
    return true;
}

static int failing_get(struct store *store, enum table table, struct str key, struct str *value) {
    return fails(store) ? STORE_ERROR_IO : sound.get(store, table, key, value);
}
static int failing_put(struct store *store, enum table table, struct str key, struct str value) {
    return fails(store) ? STORE_ERROR_IO : sound.put(store, table, key, value);
}
static int failing_remove(struct store *store, enum table table, struct str key) {
    return fails(store) ? STORE_ERROR_IO : sound.remove(store, table, key);
}
static int failing_seek(struct store *store, enum table table, struct str from, struct str *key, struct str *value) {
    return fails(store) ? STORE_ERROR_IO : sound.seek(store, table, from, key, value);
}
static int failing_next(struct store *store, enum table table, struct str *key, struct str *value) {
    return fails(store) ? STORE_ERROR_IO : sound.next(store, table, key, value);
}

static struct store *store_new(void) {
    struct store *store;
    assert_int_equal(store_open_memory(&store), 0);
    sound = failing = *store->side;
    failing.get = failing_get;
    failing.put = failing_put;
    failing.remove = failing_remove;
    failing.seek = failing_seek;
    failing.next = failing_next;
    store->side = &failing;
    calls = fails_at = 0;
    return store;
}

/* ---- a fold of the events above ---- */

static int64_t outputs;

static int count_output(void *context, const struct output *output) {
    (void)context, (void)output;
    outputs++;
    return 0;
}

/* Writes back after each record, so that the next finds it in the store. The first error, 0: none. */
static int apply(struct fold *fold, const char *file) {
    struct failure failure = {0};
    struct input *input;
    int result = 0;
    assert_int_equal(input_open(&input, in_scratch(file), INPUT_JSON_LINES, &failure), 0);
    while (result == 0 && input_next(input, &failure) == 1) {
        struct journal_record record = input->record;
        record.source = 1;
        record.append_time = APPEND_TIME;
        if (record.type != JOURNAL_EVENT) fail_msg("record %ld: %s", (long)record.offset, input->detail);
        result = fold_apply(fold, &record, input->event_bytes);
        if (result == 0) result = fold_flush(fold);
    }
    input_close(input);
    return result;
}

static int fold_files(struct store *store, bool to_the_end) {
    struct fold *fold;
    int result = fold_open(&fold, store, STR(JOURNAL_ID), 0, count_output, NULL);
    if (result < 0) return result;
    result = apply(fold, "events.jsonl");
    if (result == 0 && to_the_end) result = apply(fold, "a_year_later.jsonl");
    fold_close(fold);
    return result;
}

static int activate(struct store *store) {
    struct fold *fold;
    int result = fold_open(&fold, store, STR(JOURNAL_ID), 0, count_output, NULL);
    if (result < 0) return result;
    result = apply(fold, "activation.jsonl");
    fold_close(fold);
    return result;
}

static struct store *make_state_of_rules(bool newer) {
    struct store *store = store_new();
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_files(store, false), 0);
    if (newer) assert_int_equal(activate(store), 0);
    assert_int_equal(store_commit(store), 0);
    return store;
}

/* A state that was committed. */
static struct store *make_state(void) { return make_state_of_rules(false); }

static int make_events(void **state) {
    if (schemas_setup(state) != 0 || scratch_make(state) != 0) return -1;
    file_write(in_scratch("events.jsonl"), events, sizeof events - 1);
    file_write(in_scratch("activation.jsonl"), activation, sizeof activation - 1);
    file_write(in_scratch("a_year_later.jsonl"), a_year_later, sizeof a_year_later - 1);
    return 0;
}

static int remove_events(void **state) { return scratch_remove(state) | schemas_teardown(state); }

static void a_fold_tells_the_error_of_its_store(void **state) {
    (void)state;
    long number = 0;
    int64_t whole = -1;
    for (bool done = false; !done;) {
        struct store *store = store_new();
        assert_int_equal(store_begin(store), 0);
        outputs = 0;
        fails_at = ++number;
        int result = fold_files(store, true);
        done = calls < number;
        if (result != (done ? 0 : STORE_ERROR_IO)) fail_msg("call %ld of the store failing: %d", number, result);
        if (done) whole = outputs;
        store_close(store);
    }
    assert_true(number > 300);
    assert_true(whole > 30);
}

/* So many calls that they are judged again in many pieces, and what was read is let go between them. */
#define MANY_CALLS 4500

static void activated_among_many_calls(struct store *store, long number) {
    struct fold *fold;
    fails_at = 0;
    assert_int_equal(fold_open(&fold, store, STR(JOURNAL_ID), 0, count_output, NULL), 0);
    calls = 0;
    fails_at = number;
    int result = apply(fold, "activation.jsonl");
    if (result == 0) result = apply(fold, "queues.jsonl"); /* a piece with each */
    assert_int_equal(result, number && calls >= number ? STORE_ERROR_IO : 0);
    fold_close(fold);
}

static void rules_are_activated_in_pieces(void **state) {
    (void)state;
    struct store *store = store_new();
    struct fold *fold;
    FILE *file = fopen(in_scratch("many.jsonl"), "w");
    for (int n = 0; n < MANY_CALLS; n++)
        fprintf(file, START("%04d", "09:00:00", "+12025550101") END("%04d", "09:01:00", "AGENT"), n, n, n, n);
    fclose(file);
    file = fopen(in_scratch("queues.jsonl"), "w");
    for (int n = 0; n < MANY_CALLS / 256 + 2; n++)
        fprintf(file, EVENT("QueueChanged", "n%d", MARCH "15:00:00", "\"queue\":\"sales\",\"name\":\"S\""), n);
    fclose(file);
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_open(&fold, store, STR(JOURNAL_ID), 0, count_output, NULL), 0);
    assert_int_equal(apply(fold, "many.jsonl"), 0);
    fold_close(fold);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_begin(store), 0);
    activated_among_many_calls(store, 0);
    long all = calls;
    assert_true(all > MANY_CALLS);
    store_abort(store);
    for (long number = 1; number < all; number += number < 30 ? 1 : all / 30) { /* the first ones, and some of the pieces */
        assert_int_equal(store_begin(store), 0);
        activated_among_many_calls(store, number);
        store_abort(store);
    }
    store_close(store);
}

/* ---- the views ---- */

static int64_t seen;

static int see_call(void *context, const struct classified_call *call) {
    (void)context, (void)call;
    return seen++, 0;
}
static int see_followup(void *context, const struct followup *followup) {
    (void)context, (void)followup;
    return seen++, 0;
}
static int see_rows(void *context, const struct classified_call *call, const struct followup *const rows[2]) {
    (void)context, (void)call, (void)rows;
    return seen++, 0;
}
static void see_deadline(void *context, const char *timer, int8_t row, int64_t at) {
    (void)context, (void)timer, (void)row, (void)at;
    seen++;
}
static int see_tenant(void *context, struct str tenant, struct str name, const struct fold_counts *counts) {
    (void)context, (void)tenant, (void)name;
    seen += (int64_t)counts->started;
    return 0;
}
static int see_calendar(void *context, struct str name, struct str zone, int8_t week_start) {
    (void)context, (void)name, (void)zone, (void)week_start;
    return seen++, 0;
}
static int see_setting(void *context, struct str key, struct str value, struct str scope) {
    (void)context, (void)key, (void)value;
    seen += str_equal(scope, STR("acme"));
    return 0;
}

static int calls_of_all(struct store *store) { return fold_view_calls(store, STR("*"), NONE, NONE, see_call, NULL); }
static int calls_of_one(struct store *store) { return fold_view_calls_with_rows(store, STR("acme"), 0, INT64_MAX, see_rows, NULL); }
static int followups(struct store *store) { return fold_view_followups(store, STR("acme"), NONE, NONE, see_followup, NULL); }
static int followup(struct store *store) { return fold_view_followup_one(store, STR("acme"), STR("sc-c5"), see_followup, NULL); }
static int call(struct store *store) { return fold_view_call_one(store, STR("acme"), STR("c2"), see_rows, NULL); }
static int deadlines(struct store *store) { return fold_view_deadlines(store, STR("acme"), STR("c5"), see_deadline, NULL); }
static int tenants(struct store *store) { return fold_view_tenants(store, see_tenant, NULL); }
static int calendar(struct store *store) { return fold_view_tenant(store, STR("acme"), see_calendar, NULL); }
static int settings(struct store *store) { return fold_view_settings(store, STR("acme"), see_setting, NULL); }
static void see_rules(void *context, int32_t version, int64_t at) {
    (void)context, (void)at;
    seen += version == 2;
}
static int rules(struct store *store) { return fold_view_rules(store, see_rules, NULL); }
static int status(struct store *store) {
    struct fold_status standing;
    int result = fold_view_status(store, &standing);
    seen += standing.next_deadline != NONE;
    return result;
}

static int (*const views[])(struct store *store) = {calls_of_all, calls_of_one, followups, followup, call, deadlines, tenants, calendar, settings, rules, status};

static void a_view_tells_the_error_of_its_store(void **state) {
    (void)state;
    struct store *store = make_state_of_rules(true);
    for (size_t view = 0; view < sizeof views / sizeof *views; view++) {
        long number = 0;
        for (bool done = false; !done;) {
            assert_int_equal(store_begin(store), 0);
            seen = calls = 0;
            fails_at = ++number;
            int result = views[view](store);
            done = calls < number;
            if (result != (done ? 0 : STORE_ERROR_IO)) fail_msg("view %zu, call %ld of the store failing: %d", view, number, result);
            store_abort(store);
        }
        if (number < 3 || seen == 0) fail_msg("view %zu: %ld calls, %ld seen", view, number, (long)seen);
    }
    store_close(store);
}

/* ---- entries that the fold does not write ---- */

static int fold_on(struct store *store) { return fold_files(store, true); }

static void what_the_fold_never_wrote_is_not_trusted(void **state) {
    (void)state;
    static const struct {
        enum table table;
        struct str key, value;
        int (*reader)(struct store *store); /* which meets it */
    } cases[] = {
        {TABLE_CALLS, STR("a"), STR("0123456789abcdefgh"), calls_of_all},
        {TABLE_CALLS, STR("a\0short"), STR("0123456789abcdefgh"), calls_of_all},
        {TABLE_CALLS, STR("a\0" "12345678" "endless"), STR("0123456789abcdefgh"), calls_of_all},
        {TABLE_CALLS, STR("a\0" "12345678" "call\0"), STR("short"), calls_of_all},
        {TABLE_CALLS, STR("a"), STR("0123456789abcdefgh"), activate},
        {TABLE_CALLS, STR("a\0short"), STR("0123456789abcdefgh"), activate},
        {TABLE_STARTS, STR("acme\0" "c2\0"), STR("123456789"), call},
        {TABLE_DIRECTORY, STR("a"), STR(""), tenants},
        {TABLE_DIRECTORY, STR("a\0"), STR(""), tenants},
        {TABLE_DIRECTORY, STR("a"), STR(""), fold_on},
        {TABLE_DIRECTORY, STR("a\0"), STR(""), fold_on},
        {TABLE_TIMERS, STR("short"), STR(""), status},
        {TABLE_TIMERS, STR("12345678"), STR(""), status},
        {TABLE_TIMERS, STR("12345678" "k" "endless"), STR(""), status},
        {TABLE_TIMERS, STR("12345678" "k" "acme\0"), STR(""), status},
        {TABLE_TIMERS, STR("12345678" "k" "acme\0" "s" "t"), STR(""), status},
        {TABLE_TIMERS, STR("\xff"), STR(""), fold_on},
        {TABLE_COMMANDS, STR("a"), STR(""), fold_on},
        {TABLE_COMMANDS, STR("12345678" "endless"), STR(""), fold_on},
        {TABLE_COMMANDS, STR("\xff"), STR(""), fold_on}, /* behind all that may be forgotten */
        {TABLE_PARTIES, STR("acme\0" "n+12025550109\0"), STR("short"), fold_on},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store *store = make_state();
        assert_int_equal(store_begin(store), 0);
        assert_int_equal(store_put(store, cases[i].table, cases[i].key, cases[i].value), 0);
        int result = cases[i].reader(store);
        if (result != STORE_ERROR_DIRTY) fail_msg("case %zu: %d", i, result);
        assert_non_null(strstr(store_error(store), "rebuild it from the journal"));
        store_close(store);
    }
}

/* What only a fold of another layout, or a hand, leaves there. */
static void the_place_of_another_fold_is_refused(void **state) {
    (void)state;
    static const char zeros[4096];
    struct str value;
    for (int of_its_size = 0; of_its_size < 2; of_its_size++) {
        struct store *store = make_state();
        assert_int_equal(store_begin(store), 0);
        assert_int_equal(store_get(store, TABLE_META, STR("fold"), &value), 0);
        assert_in_range(value.len, 100, sizeof zeros);
        assert_int_equal(store_put(store, TABLE_META, STR("fold"), (struct str){zeros, of_its_size ? value.len : 7}), 0);
        assert_int_equal(fold_files(store, true), STORE_ERROR_FORMAT);
        assert_int_equal(status(store), STORE_ERROR_FORMAT);
        store_close(store);
    }
}

static void what_is_not_there_is_absent(void **state) {
    (void)state;
    struct store *store = make_state();
    assert_int_equal(store_begin(store), 0);
    static const struct str rows[] = {STR("x"), STR("ab-"), STR("xy-c1"), STR("sc-c1"), STR("ab-c77")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(fold_view_followup_one(store, STR("acme"), rows[i], see_followup, NULL), STORE_ABSENT);
    assert_int_equal(fold_view_followup_one(store, STR("acme"), STR("ab-c1"), see_followup, NULL), 0);
    store_close(store);
}

static int stop_at_once(void *context, struct str tenant, struct str name, const struct fold_counts *counts) {
    (void)context, (void)tenant, (void)name, (void)counts;
    return 17;
}
static int stop_at_row(void *context, const struct followup *followup) { return (void)followup, --*(int *)context == 0 ? 17 : 0; }

static void a_reader_that_has_seen_enough_is_asked_no_more(void **state) {
    (void)state;
    struct store *store = make_state();
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_view_tenants(store, stop_at_once, NULL), 17);
    int rows = 0, all = 0, result;
    do {
        all = ++rows;
        result = fold_view_followups(store, STR("acme"), NONE, NONE, stop_at_row, &all);
    } while (result == 17);
    assert_int_equal(result, 0);
    assert_true(rows > 4);
    store_close(store);
}

/* ---- the fold alone ---- */

static char why[200];
static int8_t reason;
static struct fold *folding;
static struct fold_step step;

static int note_rejection(void *context, const struct output *output) {
    (void)context;
    fold_step(folding, &step);
    if (output->topic != TOPIC_REJECTED) return 0;
    reason = output->body.rejected.reason;
    snprintf(why, sizeof why, "%.*s", (int)output->body.rejected.detail.len, output->body.rejected.detail.ptr);
    return 0;
}

/* The event of a line as the journal would have it; the record is good until the input is closed. */
static struct input *event_of_line(const char *line) {
    struct failure failure = {0};
    struct input *input;
    file_write(in_scratch("one.jsonl"), line, strlen(line));
    assert_int_equal(input_open(&input, in_scratch("one.jsonl"), INPUT_JSON_LINES, &failure), 0);
    assert_int_equal(input_next(input, &failure), 1);
    if (input->record.type != JOURNAL_EVENT) fail_msg("%s", input->detail);
    input->record.source = 1;
    input->record.append_time = APPEND_TIME;
    return input;
}

static void take_event(const char *line, int reject, const char *words) {
    struct input *input = event_of_line(line);
    reason = -1;
    assert_int_equal(fold_apply(folding, &input->record, input->event_bytes), 0);
    assert_int_equal(reason, reject);
    if (reject >= 0 && !strstr(why, words)) fail_msg("\"%s\" does not say \"%s\"", why, words);
    input_close(input);
}

static void what_is_not_for_all_tenants_is_rejected(void **state) {
    (void)state;
    struct store *store = store_new();
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_open(&folding, store, STR("no id"), 0, note_rejection, NULL), 0);
    struct journal_record source = {.type = JOURNAL_SOURCE, .body.source = {.source = 1, .kind = SOURCE_CALLS}};
    assert_int_equal(fold_apply(folding, &source, STR("")), 0); /* without a name */
    source.body.source.source = 2; /* has no clock yet, and holds the time */
    assert_int_equal(fold_apply(folding, &source, STR("")), 0);
    take_event("{\"type\":\"CallEnded\",\"tenant\":\"*\",\"event_id\":\"a\",\"occurred_at\":\"2026-03-02T09:00:00Z\",\"call_id\":\"c\",\"by\":\"CALLER\"}\n",
         REJECT_INVALID, "belongs to one tenant");
    take_event("{\"type\":\"JobCompleted\",\"tenant\":\"*\",\"event_id\":\"a\",\"occurred_at\":\"2026-03-02T09:00:00Z\",\"job_id\":\"j\"}\n",
         REJECT_INVALID, "belongs to one tenant");
    take_event("{\"type\":\"ActivateRules\",\"tenant\":\"*\",\"event_id\":\"v\",\"occurred_at\":\"2026-03-02T09:00:00Z\",\"version\":3}\n",
         REJECT_INVALID, "no such rules");
    take_event("{\"type\":\"RoleChanged\",\"tenant\":\"*\",\"event_id\":\"r\",\"occurred_at\":\"2029-03-02T09:00:00Z\",\"role\":\"x\",\"permissions\":[]}\n",
         REJECT_FUTURE_TIME, "ahead");
    assert_null(step.timer);
    take_event("{\"type\":\"ChangeSettings\",\"tenant\":\"*\",\"command_id\":\"s\",\"occurred_at\":\"2029-03-02T09:00:00Z\",\"actor\":\"kim\","
         "\"changes\":[{\"key\":\"link_days\",\"value\":\"3\"}]}\n", -1, "");
    assert_int_equal(fold_stream_time(folding), NONE); /* nothing is judged again before there is a time */
    take_event(ACTIVATE, -1, "");
    fold_close(folding);
    store_close(store);
}

/* ---- what a rejected record came with ---- */

static struct bad_record told;
static struct record_header told_headers[4];

static int note_origin(void *context, const struct output *output) {
    (void)context;
    if (output->topic != TOPIC_REJECTED) return 0;
    const struct rejected *rejected = &output->body.rejected;
    told = (struct bad_record){.key = rejected->key, .key_size_bytes = rejected->key_size_bytes, .headers = rejected->headers,
                               .header_count = rejected->header_count};
    memcpy(told_headers, rejected->headers.items ? rejected->headers.items : told_headers, rejected->headers.count * sizeof *told_headers);
    return 0;
}

static void a_bad_record_keeps_key_and_headers(void **state) {
    (void)state;
    struct store *store = store_new();
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_open(&folding, store, STR(JOURNAL_ID), 0, note_origin, NULL), 0);
    const struct record_header headers[] = {{STR("team"), STR("telephony")}, {STR("none"), STR_NULL}};
    struct journal_record record = {.source = 1, .type = JOURNAL_BAD, .append_time = APPEND_TIME};
    record.body.bad = (struct bad_record){.detail = STR("why"), .bytes = STR("x"), .size_bytes = 1, .key = STR("acme"), .key_size_bytes = 5000,
                                          .headers = {headers, 2}, .header_count = 70};
    assert_int_equal(fold_apply(folding, &record, STR_NULL), 0);
    assert_true(str_equal(told.key, STR("acme")) && told.key_size_bytes == 5000 && told.headers.count == 2 && told.header_count == 70);
    assert_memory_equal(told_headers, headers, sizeof headers);
    struct input *input = event_of_line("{\"type\":\"JobCompleted\",\"tenant\":\"*\",\"event_id\":\"a\",\"occurred_at\":"
                                        "\"2026-03-02T09:00:00Z\",\"job_id\":\"j\"}\n");
    assert_int_equal(fold_apply(folding, &input->record, input->event_bytes), 0); /* of an event nobody knows */
    input_close(input);
    assert_true(str_is_null(told.key) && told.key_size_bytes == NONE && !told.headers.items && told.header_count == NONE);
    fold_close(folding);
    store_close(store);
}

/* ---- before there is a time ---- */

static int64_t told_at;
static int8_t told_change;
static int told_rejected;

static int note_change(void *context, const struct output *output) {
    (void)context;
    told_rejected += output->topic == TOPIC_REJECTED;
    if (output->topic != TOPIC_FOLLOWUP_EVENTS) return 0;
    told_at = output->body.followup_event.at;
    told_change = output->body.followup_event.change;
    return 0;
}

/* A source that has no clock yet holds the time, and records of others are folded meanwhile. */
static void before_there_is_a_time_that_of_the_record_stands_for_it(void **state) {
    (void)state;
    struct store *store = store_new();
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_open(&folding, store, STR(JOURNAL_ID), 0, note_change, NULL), 0);
    for (int32_t number = 1; number <= 2; number++) {
        struct journal_record source = {.type = JOURNAL_SOURCE, .body.source = {.source = number, .kind = (int8_t)number}};
        assert_int_equal(fold_apply(folding, &source, STR("")), 0);
    }
    take_event(START("c1", "09:00:00", "+12025550101"), -1, "");
    take_event(END("c1", "09:01:00", "CALLER"), -1, "");
    take_event(CONNECT("c1", "09:00:30"), -1, ""); /* late: the row should not have been opened */
    assert_int_equal(fold_stream_time(folding), NONE);
    assert_int_equal(told_change, CHANGE_WITHDRAWN);
    assert_int_equal(told_at, INT64_C(1772442030000));
    take_event(CONNECT("c2", "09:10:10"), -1, ""); /* waits for its start for 7 days, not until the first clock comes */
    struct seal_source ends[] = {{.source = 1, .end_as_of = INT64_C(1772443800000)}, {.source = 2, .end_as_of = INT64_C(1772443800000)}};
    struct journal_record seal = {.type = JOURNAL_SEAL, .append_time = APPEND_TIME, .body.seal = {.sources = {ends, 2}}};
    assert_int_equal(fold_apply(folding, &seal, STR_NULL), 0);
    assert_int_not_equal(fold_stream_time(folding), NONE);
    assert_int_equal(told_rejected, 0);
    take_event(CONNECT("c1", "09:00:30"), -1, ""); /* is still known */
    struct fold_status status;
    fold_status(folding, &status);
    assert_int_equal(status.duplicates, 1);
    fold_close(folding);
    store_close(store);
}

/* Of which call a step is: of a timer's, and of none where a record comes or a job goes. */
static void a_step_tells_whose_it_is(void **state) {
    (void)state;
    struct store *store = store_new();
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_open(&folding, store, STR(JOURNAL_ID), 0, note_rejection, NULL), 0);
    assert_int_equal(apply(folding, "events.jsonl"), 0);
    take_event("{\"type\":\"JobBooked\",\"tenant\":\"acme\",\"event_id\":\"b9\",\"occurred_at\":\"2026-03-03T09:00:00Z\",\"job_id\":\"j9\"}\n", -1, "");
    assert_null(step.timer);
    take_event("{\"type\":\"CallStarted\",\"tenant\":\"acme\",\"event_id\":\"s7\",\"occurred_at\":\"2026-03-02T13:30:00Z\",\"call_id\":\"c7\","
         "\"direction\":\"INBOUND\",\"kind\":\"QUEUE\"}\n", -1, "");
    take_event(END("c7", "13:31:00", "CALLER"), -1, "");
    take_event(EVENT("JobBooked", "b7", MARCH "13:32:00", "\"job_id\":\"j7\",\"call\":\"c7\""), -1, "");
    take_event(ACTIVATE, -1, ""); /* by which that job matches */
    assert_string_equal(step.timer, "RULES");
    assert_true(str_equal(step.call_id, STR("c7")));
    take_event("{\"type\":\"QueueChanged\",\"tenant\":\"acme\",\"event_id\":\"q9\",\"occurred_at\":\"2026-03-03T15:00:00Z\",\"queue\":\"s\",\"name\":\"S\"}\n", -1, "");
    assert_string_equal(step.timer, "COLD");
    assert_true(str_equal(step.call_id, STR("c6")));
    struct seal_source ends[] = {{.source = 1, .next_offset = 100, .end_as_of = APPEND_TIME}};
    struct journal_record seal = {.type = JOURNAL_SEAL, .body.seal.sources = {ends, 1}};
    assert_int_equal(fold_apply(folding, &seal, STR("")), 0);
    fold_step(folding, &step); /* the last that went is a job */
    assert_string_equal(step.timer, "RETAIN");
    assert_true(str_is_null(step.call_id));
    fold_close(folding);
    store_close(store);
}

static int64_t time_after(const char *line) {
    struct input *input = event_of_line(line);
    int64_t time = fold_time_after(folding, &input->record);
    input_close(input);
    return time;
}

/* What is not applied moves no clock, and asking moves none. */
static void the_time_after_a_record_is_told_before_it_is_applied(void **state) {
    (void)state;
    struct store *store = store_new();
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(fold_open(&folding, store, STR(JOURNAL_ID), 0, count_output, NULL), 0);
    assert_int_equal(apply(folding, "events.jsonl"), 0);
    int64_t now = fold_stream_time(folding);
    assert_int_equal(now, INT64_C(1772456580000) - 5000); /* the last, of 13:03, less the lateness that is allowed */
    assert_int_equal(time_after(EVENT("QueueChanged", "q0", MARCH "15:00:00", "\"queue\":\"sales\",\"name\":\"Sale\"")), now);
    assert_int_equal(time_after(EVENT("CallEnded", "ec6", MARCH "15:00:00", CALL("c6") ",\"by\":\"CALLER\"")), now);
    assert_int_equal(time_after(EVENT("QueueChanged", "q9", "2028-03-02T15:00:00", "\"queue\":\"sales\",\"name\":\"S\"")), now);
    assert_int_equal(time_after(EVENT("QueueChanged", "q9", MARCH "15:00:00", "\"queue\":\"sales\",\"name\":\"S\"")), now + 117 * INT64_C(60000));
    assert_int_equal(fold_stream_time(folding), now);
    fold_close(folding);
    store_close(store);
}

/* ---- which rules there are ---- */

static void know_rules(void *context, int32_t version, const char *what) {
    assert_true(*what);
    assert_int_equal(version, ++*(int32_t *)context);
}

static void each_version_of_the_rules_is_told(void **state) {
    (void)state;
    int32_t last = 0;
    fold_view_rules_known(know_rules, &last);
    assert_int_equal(last, FOLD_RULES_VERSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_of_another_fold_is_refused),
        cmocka_unit_test(what_is_not_there_is_absent),
        cmocka_unit_test(a_reader_that_has_seen_enough_is_asked_no_more),
        cmocka_unit_test(what_is_not_for_all_tenants_is_rejected),
        cmocka_unit_test(a_bad_record_keeps_key_and_headers),
        cmocka_unit_test(before_there_is_a_time_that_of_the_record_stands_for_it),
        cmocka_unit_test(a_step_tells_whose_it_is),
        cmocka_unit_test(the_time_after_a_record_is_told_before_it_is_applied),
        cmocka_unit_test(each_version_of_the_rules_is_told),
        cmocka_unit_test(a_fold_tells_the_error_of_its_store),
        cmocka_unit_test(rules_are_activated_in_pieces),
        cmocka_unit_test(a_view_tells_the_error_of_its_store),
        cmocka_unit_test(what_the_fold_never_wrote_is_not_trusted),
    };
    return cmocka_run_group_tests(tests, make_events, remove_events);
}
