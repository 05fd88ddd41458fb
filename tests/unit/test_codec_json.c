/* JSON lines: round trips, refusals that name the field, and times as text. */
#include "codec_samples.h"
#include <jansson.h>
#include "../../schemas/codec/time_text.h"

static struct scratch scratch;
static struct refusal why;
static struct event event;
static char text_room[RECORD_BYTES_MAX];

static int read_line(const char *line, size_t size) {
    why.detail[0] = 0;
    return json_read_event(line, size, &event, text_room, sizeof text_room, &scratch, &why);
}

static void check_event_round_trip(const struct sample *s) {
    if (s->shape != &shape_event) return;
    char *line = json_write_event(&s->record.event), *same = json_write(&shape_event, &s->record);
    assert_non_null(line);
    assert_string_equal(line, same);
    memset(&event, 0x5a, sizeof event);
    if (read_line(line, strlen(line)) != 0) fail_msg("%s of %s", why.detail, line);
    assert_true(sample_same(s->shape, (const uint8_t *)&s->record, (const uint8_t *)&event));
    free(line);
    free(same);
}

static void test_event_round_trip(void **state) {
    (void)state;
    sample_all(8, check_event_round_trip);
}

/* Every other record: one line that any JSON parser takes, null fields left out, all others there. */
static void check_line(const struct sample *s) {
    char *line = json_write(s->shape, &s->record);
    assert_non_null(line);
    assert_null(strchr(line, '\n'));
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    const struct shape *shape = s->shape;
    const uint8_t *in = (const uint8_t *)&s->record;
    if (shape_is_union(shape)) {
        shape = shape->branches[(int8_t)in[shape->tag_offset]];
        in += s->shape->body_offset;
    }
    for (uint32_t i = 0; i < shape->field_count && shape != &shape_event; i++) {
        const json_t *value = json_object_get(object, shape->fields[i].name);
        if (!shape->fields[i].nullable) assert_non_null(value);
        assert_false(json_is_null(value));
    }
    json_decref(object);
    free(line);
}

static void test_lines(void **state) {
    (void)state;
    sample_all(3, check_line);
}

static void test_written_form(void **state) {
    (void)state;
    struct journal_record record = {.source = 2, .offset = 7, .append_time = 1772355600250, .type = JOURNAL_BAD};
    struct record_header headers[] = {{STR("team"), STR("\xff")}, {STR("none"), STR_NULL}};
    record.body.bad = (struct bad_record){.reason = REJECT_MALFORMED, .detail = STR("not JSON"), .bytes = STR("{\xff"), .size_bytes = 2,
                                          .key_size_bytes = NONE, .header_count = NONE};
    char *line = json_write(&shape_journal_record, &record);
    assert_string_equal(line, "{\"source\":2,\"offset\":7,\"append_time\":\"2026-03-01T09:00:00.250Z\",\"body\":{\"type\":\"BadRecord\","
                              "\"reason\":\"MALFORMED\",\"detail\":\"not JSON\",\"bytes\":\"e/8=\",\"size_bytes\":2}}");
    free(line);
    record.body.bad.key = STR("acme");
    record.body.bad.key_size_bytes = 4;
    record.body.bad.headers = (struct record_header_array){headers, 2};
    record.body.bad.header_count = 3;
    line = json_write(&shape_journal_record, &record);
    assert_string_equal(strstr(line, "\"key\""), "\"key\":\"YWNtZQ==\",\"key_size_bytes\":4,\"headers\":[{\"name\":\"team\","
                                                 "\"value\":\"/w==\"},{\"name\":\"none\"}],\"header_count\":3}}");
    free(line);
    record.body.bad.headers.count = 0;
    line = json_write(&shape_journal_record, &record);
    assert_non_null(strstr(line, "\"headers\":[],"));
    free(line);
    record.type = JOURNAL_EVENT;
    record.body.event = (struct event){STR("acme"), STR("e1"), 0, STR("jo"), EVENT_DISMISS, {.dismiss = {STR("ab-c1"), NONE}}};
    line = json_write(&shape_journal_record, &record);
    assert_string_equal(
        line, "{\"source\":2,\"offset\":7,\"append_time\":\"2026-03-01T09:00:00.250Z\",\"body\":{\"type\":\"Dismiss\",\"tenant\":\"acme\","
              "\"command_id\":\"e1\",\"occurred_at\":\"1970-01-01T00:00:00.000Z\",\"actor\":\"jo\",\"follow_up\":\"ab-c1\"}}");
    free(line);
}

static void test_base64(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct journal_record record = {.type = JOURNAL_BAD, .body.bad = {.bytes = str_of(cases[i][0]), .detail = STR("")}};
        char *line = json_write(&shape_journal_record, &record), expected[64];
        snprintf(expected, sizeof expected, "\"bytes\":\"%s\"", cases[i][1]);
        assert_non_null(strstr(line, expected));
        free(line);
    }
}

#define START                                                                                                                              \
    "{\"type\":\"QueueEntered\",\"tenant\":\"acme\",\"event_id\":\"e2\",\"occurred_at\":\"2026-03-01T09:00:00.250Z\",\"call_id\":\"c1\""

static void test_documented_example(void **state) {
    (void)state;
    static const char line[] = START ",\"queue\":\"sales\"}";
    assert_int_equal(read_line(line, sizeof line - 1), 0);
    assert_int_equal(event.type, EVENT_QUEUE_ENTERED);
    assert_int_equal(event.occurred_at, 1772355600250);
    assert_true(str_equal(event.body.queue_entered.queue, STR("sales")) && str_is_null(event.actor));
}

/* The examples of schemas/README.md are read as they stand there. */
static void test_readme_examples(void **state) {
    (void)state;
    static const char start[] = "    {\"type\":";
    FILE *readme = fopen(RINGBACK_ROOT "/schemas/README.md", "r");
    assert_non_null(readme);
    char text[1000];
    int examples = 0;
    while (fgets(text, sizeof text, readme)) {
        if (strncmp(text, start, sizeof start - 1) != 0) continue;
        if (read_line(text, strcspn(text, "\n")) != 0) fail_msg("%s of %s", why.detail, text);
        assert_null(event_check(&event));
        examples++;
    }
    fclose(readme);
    assert_true(examples > 5);
}

#define JOB(rest) "{\"type\":\"JobCompleted\"," rest "}"
#define COMMAND(type, rest) "{\"type\":\"" type "\",\"tenant\":\"a\",\"command_id\":\"e\",\"occurred_at\":1," rest "}"

static void test_refusals(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "not JSON: "},
        {"QueueEntered", "not JSON: "},
        {"[]", "must be a JSON object"},
        {START "}{", "not JSON: "},
        {START ",\"queue\":\"a\",\"queue\":\"b\"}", "duplicate object key near '\"queue\"'"},
        {START "}", "queue: is missing"},
        {START ",\"queue\":null}", "queue: must not be null"},
        {START ",\"queue\":7}", "queue: must be a string"},
        {START ",\"queue\":\"q\",\"que\":\"q\"}", "que: no such field in QueueEntered"},
        {START ",\"queue\":\"q\",\"body\":{}}", "body: no such field in QueueEntered"},
        {START ",\"queue\":\"q\",\"command_id\":\"c\"}", "command_id: no such field in QueueEntered"},
        {START ",\"queue\":\"\\ud800\"}", "not JSON: "},
        {START ",\"queue\":\"\\udc00\"}", "not JSON: "},
        {START ",\"queue\":\"\xff\"}", "not JSON: "},
        {"{\"tenant\":\"acme\"}", "type: must be the name of an event"},
        {"{\"type\":\"Queue\"}", "type: must be the name of an event"},
        {"{\"type\":7}", "type: must be the name of an event"},
        {JOB("\"event_id\":\"e\",\"occurred_at\":1,\"job_id\":\"j\""), "tenant: is missing"},
        {JOB("\"tenant\":\"a\",\"occurred_at\":1,\"job_id\":\"j\""), "event_id: is missing"},
        {JOB("\"tenant\":\"a\",\"event_id\":\"e\",\"job_id\":\"j\""), "occurred_at: is missing"},
        {JOB("\"tenant\":\"a\",\"event_id\":\"e\",\"occurred_at\":1.5,\"job_id\":\"j\""), "occurred_at: must be ms since 1970 or a time"},
        {JOB("\"tenant\":\"a\",\"event_id\":\"e\",\"occurred_at\":\"10000-01-01T00:00:00Z\",\"job_id\":\"j\""), "occurred_at: must be"},
        {JOB("\"tenant\":\"a\",\"event_id\":\"e\",\"occurred_at\":99999999999999999999,\"job_id\":\"j\""), "not JSON: "},
        {"{\"type\":\"Dismiss\",\"tenant\":\"a\",\"event_id\":\"e\",\"occurred_at\":1,\"follow_up\":\"ab-c\"}",
         "event_id: no such field in Dismiss"},
        {COMMAND("Dismiss", "\"follow_up\":\"ab-c\",\"expected_version\":\"1\""), "expected_version: must be a whole number"},
        {COMMAND("SetStatus", "\"follow_up\":\"ab-c\",\"status\":\"Done\""), "status: must be one of NEW, CONTACT_ATTEMPTED"},
        {COMMAND("ChangeSettings", "\"changes\":[{\"key\":\"k\",\"value\":1}]"), "value: must be a string"},
        {COMMAND("ChangeSettings", "\"changes\":[{\"key\":\"k\",\"val\":\"1\"}]"), "val: no such field in Setting"},
        {COMMAND("ChangeSettings", "\"changes\":[7]"), "Setting: must be an object"},
        {COMMAND("ChangeSettings", "\"changes\":{}"), "changes: must be an array"},
        {"{\"type\":\"NumberChanged\",\"tenant\":\"a\",\"event_id\":\"e\",\"occurred_at\":1,\"number\":\"+12025550123\",\"kind\":"
         "\"TRACKING\",\"texts\":\"yes\"}",
         "texts: must be true or false"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(read_line(cases[i][0], strlen(cases[i][0])), -1);
        assert_int_equal(why.reason, REJECT_MALFORMED);
        if (!strstr(why.detail, cases[i][1])) fail_msg("%s: \"%s\" does not say \"%s\"", cases[i][0], why.detail, cases[i][1]);
    }
}

static void test_too_large(void **state) {
    (void)state;
    static char line[RECORD_BYTES_MAX + 1000];
    int head = sprintf(line, START ",\"queue\":\"");
    memset(line + head, 'q', sizeof line - (size_t)head);
    assert_int_equal(read_line(line, sizeof line), -1);
    assert_int_equal(why.reason, REJECT_TOO_LARGE);
    memcpy(line + head + STRING_BYTES_MAX + 1, "\"}", 3);
    assert_int_equal(read_line(line, strlen(line)), -1);
    assert_int_equal(why.reason, REJECT_TOO_LARGE);
    assert_string_equal(why.detail, "queue: must be at most 4096 bytes");
    memcpy(line + head + STRING_BYTES_MAX, "\"}", 3);
    assert_int_equal(read_line(line, strlen(line)), 0);
    assert_int_equal(event.body.queue_entered.queue.len, STRING_BYTES_MAX);
    assert_int_equal(json_read_event(line, strlen(line), &event, text_room, 100, &scratch, &why), -1);
    assert_string_equal(why.detail, "queue: no room for its text");
}

static void test_nul_in_text(void **state) {
    (void)state;
    static const char line[] = START ",\"queue\":\"a\\u0000b\"}";
    assert_int_equal(read_line(line, sizeof line - 1), 0);
    assert_int_equal(event.body.queue_entered.queue.len, 3);
    assert_memory_equal(event.body.queue_entered.queue.ptr, "a\0b", 3);
    assert_string_equal(event_check(&event), "queue must be 1 to 128 bytes of UTF-8 without control characters");
    assert_int_equal(read_line("{\"a\\u0000\":1}", 12), -1);
}

/* No prefix of a line, and no line with one byte replaced, does worse than be refused. */
static void test_damaged_lines(void **state) {
    (void)state;
    static const char line[] = "{\"type\":\"ChangeSettings\",\"tenant\":\"a\",\"command_id\":\"e\",\"occurred_at\":\"2026-03-01T09:00:"
                               "00Z\",\"changes\":[{\"key\":\"k\",\"value\":\"1\"}]}";
    for (size_t cut = 0; cut < sizeof line - 1; cut++) {
        char *copy = malloc(cut ? cut : 1);
        memcpy(copy, line, cut);
        assert_int_equal(read_line(copy, cut), -1);
        free(copy);
    }
    for (size_t at = 0; at < sizeof line - 1; at++) {
        for (const char *byte = "\"{}[]:,\\0\n\x80\xff"
                                "aZ";
             *byte; byte++) {
            char *copy = malloc(sizeof line - 1);
            memcpy(copy, line, sizeof line - 1);
            copy[at] = *byte;
            assert_true((read_line(copy, sizeof line - 1) == 0) == (why.detail[0] == 0));
            free(copy);
        }
    }
}

static void test_times_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T23:30:00-00:30", 0},
        {"2026-03-01T09:00:00.250Z", 1772355600250},
        {"2026-03-01T09:00:00.2509999Z", 1772355600250},
        {"2026-03-01T09:00:00.2Z", 1772355600200},
        {"2026-03-01t09:00:00z", 1772355600000},
        {"2026-03-01 09:00:00Z", 1772355600000},
        {"2024-02-29T23:59:60Z", 1709251199000},
        {"2000-02-29", 951782400000},
        {"9999-12-31T23:59:59.999Z", TIME_MS_MAX},
        {"9999-12-31", INT64_C(253402214400000)},
        {"1969-12-31T23:59:59.999Z", -1},
        {"9999-12-31T23:59:59.999-00:01", -1},
        {"10000-01-01", -1},
        {"2023-02-29", -1},
        {"1900-02-29", -1},
        {"2026-13-01", -1},
        {"2026-00-01", -1},
        {"2026-04-31", -1},
        {"2026-3-01", -1},
        {"2026-03-01T", -1},
        {"2026-03-01T09:00Z", -1},
        {"2026-03-01T09:00:00", -1},
        {"2026-03-01T24:00:00Z", -1},
        {"2026-03-01T09:60:00Z", -1},
        {"2026-03-01T09:00:61Z", -1},
        {"2026-03-01T09:00:00.Z", -1},
        {"2026-03-01T09:00:00+24:00", -1},
        {"2026-03-01T09:00:00+0100", -1},
        {"2026-03-01T09:00:00Zz", -1},
        {" 2026-03-01", -1},
        {"2026-03-01Z", -1},
        {"", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = -1;
        assert_int_equal(time_parse(str_of(cases[i].text), &ms), cases[i].ms >= 0);
        if (ms != cases[i].ms) fail_msg("%s gives %lld", cases[i].text, (long long)ms);
    }
    int64_t ms;
    assert_false(time_parse(STR_NULL, &ms));
    assert_false(time_parse((struct str){"2026-03-01T09:00:00\0Z", 21}, &ms));
}

/* Every day of the range, printed and read, against a calendar that only counts. */
static void test_times_written(void **state) {
    (void)state;
    char text[TIME_TEXT_SIZE], expected[64];
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t ms = 86399999;
    for (int year = 1970; year <= 9999; year++) {
        for (int month = 0; month < 12; month++) {
            int length = lengths[month] + (month == 1 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0));
            for (int day = 1; day <= length; day++, ms += 86400000) {
                if (day != 1 && day != length) continue;
                int64_t read;
                snprintf(expected, sizeof expected, "%04d-%02d-%02dT23:59:59.999Z", year, month + 1, day);
                assert_string_equal(time_print(ms, text), expected);
                assert_true(time_parse(str_of(text), &read));
                assert_int_equal(read, ms);
            }
        }
    }
    assert_int_equal(ms, TIME_MS_MAX + 86400000);
    assert_string_equal(time_print(-1, text), "?");
    assert_string_equal(time_print(TIME_MS_MAX + 1, text), "?");
    assert_string_equal(time_print(0, text), "1970-01-01T00:00:00.000Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_round_trip),   cmocka_unit_test(test_lines),
        cmocka_unit_test(test_written_form),       cmocka_unit_test(test_base64),
        cmocka_unit_test(test_documented_example), cmocka_unit_test(test_readme_examples),
        cmocka_unit_test(test_refusals),           cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_nul_in_text),        cmocka_unit_test(test_damaged_lines),
        cmocka_unit_test(test_times_read),         cmocka_unit_test(test_times_written),
    };
    return cmocka_run_group_tests(tests, samples_load, NULL);
}
