/* The reader and the writer: round trips, Avro's resolution rules, and agreement with Avro C on every record. */
#include "codec_samples.h"

static struct scratch scratch;
static uint8_t bytes[RECORD_BYTES_MAX];

static size_t write_sample(const struct sample *s) {
    size_t size = codec_write(s->shape, &s->record, bytes, sizeof bytes);
    assert_true(size > 0 && size <= sizeof bytes);
    return size;
}

static void check_round_trip(const struct sample *s) {
    size_t size = write_sample(s);
    union record out;
    memset(&out, 0x5a, sizeof out);
    struct refusal why;
    if (codec_read(sample_own_plan(s->shape), bytes, size, &out, &scratch, &why) != (int64_t)size) fail_msg("%s", why.detail);
    assert_true(sample_same(s->shape, (const uint8_t *)&s->record, (const uint8_t *)&out));
}

static void test_round_trip(void **state) {
    (void)state;
    sample_all(8, check_round_trip);
}

/* With less room than it needs a record is measured, never half trusted; with exactly its size it is written. */
static void check_room(const struct sample *s) {
    static uint8_t tight[RECORD_BYTES_MAX];
    size_t size = write_sample(s);
    for (size_t room = 0; room < size; room += room < 40 ? 1 : 13) assert_int_equal(codec_write(s->shape, &s->record, tight, room), size);
    memset(tight, 0, size + 1);
    assert_int_equal(codec_write(s->shape, &s->record, tight, size), size);
    assert_memory_equal(tight, bytes, size);
    assert_int_equal(tight[size], 0);
}

static void test_room(void **state) {
    (void)state;
    sample_all(2, check_room);
}

static void check_journal_event(const struct sample *s) {
    static uint8_t event_bytes[RECORD_BYTES_MAX], whole[RECORD_BYTES_MAX];
    if (s->shape != &shape_journal_record) return;
    size_t size = write_sample(s);
    struct journal_record out;
    struct str slice;
    struct refusal why;
    assert_int_equal(codec_read_journal(sample_own_plan(s->shape), bytes, size, &out, &slice, &scratch, &why), size);
    if (s->record.journal.type != JOURNAL_EVENT) {
        assert_true(str_is_null(slice));
        return;
    }
    size_t event_size = codec_write(&shape_event, &s->record.journal.body.event, event_bytes, sizeof event_bytes);
    assert_int_equal(slice.len, event_size);
    assert_memory_equal(slice.ptr, event_bytes, event_size);
    assert_int_equal(codec_write_journal_event(&s->record.journal, slice, whole, size), size);
    assert_memory_equal(whole, bytes, size);
    assert_int_equal(codec_write_journal_event(&s->record.journal, slice, whole, size - 1), size);
}

static void test_journal_event(void **state) {
    (void)state;
    sample_all(2, check_journal_event);
}

/* --- Avro C as the second opinion --- */

static void set_value(const struct shape *shape, const uint8_t *in, avro_value_t *value);

static bool is_null(const struct field *field, const uint8_t *at) {
    struct str text;
    int64_t number;
    switch ((enum field_kind)field->kind) {
    case FIELD_LONG:
    case FIELD_TIME: memcpy(&number, at, sizeof number); return number == NONE;
    case FIELD_ENUM:
    case FIELD_BOOLEAN: return *(const int8_t *)at < 0;
    default: memcpy(&text, at, sizeof text); return str_is_null(text);
    }
}

static void set_field(const struct field *field, const uint8_t *at, avro_value_t *value) {
    struct str text;
    int64_t number;
    int32_t small;
    struct array array;
    avro_value_t inner = *value;
    if (field->nullable) {
        bool null = is_null(field, at);
        assert_int_equal(avro_value_set_branch(value, !null, &inner), 0);
        if (null) return;
    }
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
        memcpy(&text, at, sizeof text);
        char *copy = strndup(text.ptr, text.len);
        avro_value_set_string(&inner, copy);
        free(copy);
        break;
    case FIELD_BYTES:
        memcpy(&text, at, sizeof text);
        avro_value_set_bytes(&inner, (void *)(uintptr_t)text.ptr, text.len);
        break;
    case FIELD_FIXED:
        memcpy(&text, at, sizeof text);
        avro_value_set_fixed(&inner, (void *)(uintptr_t)text.ptr, text.len);
        break;
    case FIELD_INT:
        memcpy(&small, at, sizeof small);
        avro_value_set_int(&inner, small);
        break;
    case FIELD_LONG:
    case FIELD_TIME:
        memcpy(&number, at, sizeof number);
        avro_value_set_long(&inner, number);
        break;
    case FIELD_ENUM: avro_value_set_enum(&inner, *at); break;
    case FIELD_BOOLEAN: avro_value_set_boolean(&inner, *at); break;
    case FIELD_SHAPE: set_value(field->of.shape, at, &inner); break;
    case FIELD_ARRAY:
        array = array_at(at, 0);
        for (uint32_t i = 0; i < array.count; i++) {
            avro_value_t item;
            assert_int_equal(avro_value_append(&inner, &item, NULL), 0);
            set_field(field->of.item, (const uint8_t *)array.items + i * (size_t)field->of.item->item_size, &item);
        }
        break;
    }
}

static void set_value(const struct shape *shape, const uint8_t *in, avro_value_t *value) {
    if (shape_is_union(shape)) {
        avro_value_t branch;
        int8_t tag = (int8_t)in[shape->tag_offset];
        assert_int_equal(avro_value_set_branch(value, tag, &branch), 0);
        set_value(shape->branches[tag], in + shape->body_offset, &branch);
    }
    for (uint32_t i = 0; i < shape->field_count; i++) {
        avro_value_t field;
        assert_int_equal(avro_value_get_by_name(value, shape->fields[i].name, &field, NULL), 0);
        set_field(&shape->fields[i], in + shape->fields[i].offset, &field);
    }
}

/* Avro C makes the same bytes of the record, and reads the same record from ours. */
static void check_avro_c(const struct sample *s) {
    static char theirs[RECORD_BYTES_MAX];
    size_t size = write_sample(s);
    avro_value_t made, read;
    assert_int_equal(avro_generic_value_new(sample_class(s->shape), &made), 0);
    set_value(s->shape, (const uint8_t *)&s->record, &made);
    avro_writer_t writer = avro_writer_memory(theirs, sizeof theirs);
    assert_int_equal(avro_value_write(writer, &made), 0);
    assert_int_equal(avro_writer_tell(writer), size);
    assert_memory_equal(theirs, bytes, size);
    avro_reader_t reader = avro_reader_memory((const char *)bytes, (int64_t)size);
    assert_int_equal(avro_generic_value_new(sample_class(s->shape), &read), 0);
    assert_int_equal(avro_value_read(reader, &read), 0);
    assert_true(avro_value_equal(&made, &read));
    avro_value_decref(&made);
    avro_value_decref(&read);
    avro_writer_free(writer);
    avro_reader_free(reader);
}

static void test_avro_c(void **state) {
    (void)state;
    sample_all(4, check_avro_c);
}

/* --- resolution --- */

/* clang-format off: schemas and bytes in pieces that mean something */

/* A writer's Event with one body, and its bytes. */
#define ENVELOPE(fields, bodies) "{\"type\":\"record\",\"name\":\"Event\",\"fields\":[" fields ",{\"name\":\"body\",\"type\":" bodies "}]}"
#define HEAD                                                                                                                               \
    "{\"name\":\"tenant\",\"type\":\"string\"},{\"name\":\"event_id\",\"type\":\"string\"},{\"name\":\"occurred_at\",\"type\":\"long\"}"
#define RECORD_OF(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD_OF(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define HEAD_BYTES                                                                                                                         \
    "\x02"                                                                                                                                 \
    "t"                                                                                                                                    \
    "\x02"                                                                                                                                 \
    "e"                                                                                                                                    \
    "\x0a"

static struct event event;
static struct refusal why;

static int64_t read_as(const char *writer, const char *input, size_t size) {
    struct plan *plan = sample_plan(writer, &shape_event);
    memset(&event, 0x5a, sizeof event);
    int64_t taken = codec_read(plan, (const uint8_t *)input, size, &event, &scratch, &why);
    plan_free(plan);
    return taken;
}
#define READ_AS(writer, literal) read_as(writer, literal, sizeof(literal) - 1)

static void test_fields_added_removed_reordered(void **state) {
    (void)state;
    static const char writer[] = ENVELOPE(
        FIELD_OF("occurred_at", "\"int\"") "," FIELD_OF("event_id", "\"bytes\"") "," FIELD_OF(
            "extra",
            "{\"type\":\"map\",\"values\":[\"null\",\"double\",{\"type\":\"array\",\"items\":\"float\"}]}") "," FIELD_OF("tenant",
                                                                                                                         "\"string\""),
        RECORD_OF(
            "CallEnded",
            FIELD_OF("cause", "\"string\"") "," FIELD_OF(
                "by",
                "{\"type\":\"enum\",\"name\":\"EndedBy\",\"symbols\":[\"ROBOT\",\"SYSTEM\",\"CALLER\"]}") "," FIELD_OF("call_id",
                                                                                                                       "\"string\"")));
    /* extra: a block of two with its size, a null and [1.0f], then a block of one double */
    static const char input[] = "\x0a"
                                "\x02"
                                "e"
                                "\x03\x18"
                                "\x02"
                                "a"
                                "\x00"
                                "\x02"
                                "b"
                                "\x04"
                                "\x02"
                                "\x00\x00\x80\x3f"
                                "\x00"
                                "\x02"
                                "\x02"
                                "c"
                                "\x02"
                                "12345678"
                                "\x00"
                                "\x02"
                                "t"
                                "\x04"
                                "xy"
                                "\x02"
                                "\x02"
                                "c";
    int64_t taken = READ_AS(writer, input);
    if (taken < 0) fail_msg("%s", why.detail);
    assert_int_equal(taken, sizeof input - 1);
    assert_int_equal(event.type, EVENT_CALL_ENDED);
    assert_int_equal(event.occurred_at, 5);
    assert_true(str_equal(event.event_id, STR("e")) && str_equal(event.tenant, STR("t")));
    assert_true(str_is_null(event.actor)); /* the writer has none: our default */
    assert_int_equal(event.body.call_ended.by, ENDED_BY_SYSTEM);
    assert_true(str_equal(event.body.call_ended.cause, STR("xy")) && str_equal(event.body.call_ended.call_id, STR("c")));
}

static void test_unknown_symbol(void **state) {
    (void)state;
    static const char writer[] =
        ENVELOPE(HEAD, RECORD_OF("CallEnded", FIELD_OF("call_id", "\"string\"") "," FIELD_OF(
                                                  "by", "{\"type\":\"enum\",\"name\":\"EndedBy\",\"symbols\":[\"CALLER\",\"ROBOT\"]}")));
    assert_true(READ_AS(writer, HEAD_BYTES "\x02"
                                           "c"
                                           "\x00") > 0);
    assert_int_equal(event.body.call_ended.by, ENDED_BY_CALLER);
    assert_true(READ_AS(writer, HEAD_BYTES "\x02"
                                           "c"
                                           "\x02") < 0);
    assert_string_equal(why.detail, "body.CallEnded.by: a symbol that is not known here");
}

static void test_unknown_branch(void **state) {
    (void)state;
    static const char writer[] = ENVELOPE(HEAD, "[" RECORD_OF("CallTeleported", FIELD_OF("x", "\"long\"")) "," RECORD_OF(
                                                    "JobCompleted", FIELD_OF("job_id", "\"string\"")) "]");
    assert_true(READ_AS(writer, HEAD_BYTES "\x02"
                                           "\x02"
                                           "j") > 0);
    assert_int_equal(event.type, EVENT_JOB_COMPLETED);
    assert_true(READ_AS(writer, HEAD_BYTES "\x00"
                                           "\x02") < 0);
    assert_string_equal(why.detail, "body: unknown type CallTeleported");
    assert_int_equal(why.reason, REJECT_MALFORMED);
}

static void test_nulls(void **state) {
    (void)state;
    static const char writer[] =
        ENVELOPE(HEAD "," FIELD_OF("actor", "[\"string\",\"null\"]"),
                 RECORD_OF("VoicemailLeft",
                           FIELD_OF("call_id", "[\"null\",\"string\"]") "," FIELD_OF(
                               "recording", "[\"null\",\"string\",\"long\"]") "," FIELD_OF("duration_ms", "[\"int\",\"null\",\"long\"]")));
    assert_true(READ_AS(writer, HEAD_BYTES "\x02"
                                           "\x02\x02"
                                           "c"
                                           "\x00"
                                           "\x00\x0c") > 0);
    assert_true(str_is_null(event.actor) && str_is_null(event.body.voicemail_left.recording));
    assert_int_equal(event.body.voicemail_left.duration_ms, 6);
    assert_true(READ_AS(writer, HEAD_BYTES "\x00\x02"
                                           "p"
                                           "\x02\x02"
                                           "c"
                                           "\x02\x02"
                                           "r"
                                           "\x02") > 0);
    assert_true(str_equal(event.actor, STR("p")) && str_equal(event.body.voicemail_left.recording, STR("r")));
    assert_int_equal(event.body.voicemail_left.duration_ms, NONE);
    assert_true(READ_AS(writer, HEAD_BYTES "\x02"
                                           "\x00"
                                           "\x00"
                                           "\x02") < 0);
    assert_string_equal(why.detail, "body.VoicemailLeft.call_id: must not be null");
    assert_true(READ_AS(writer, HEAD_BYTES "\x02"
                                           "\x02\x02"
                                           "c"
                                           "\x04\x02"
                                           "\x02") < 0);
    assert_string_equal(why.detail, "body.VoicemailLeft.recording: unknown type long");
}

static void refuse_plan(const char *writer, const char *expected) {
    char error[300];
    struct plan *plan;
    assert_int_equal(plan_make(&plan, writer, strlen(writer), &shape_event, error, sizeof error), -1);
    assert_null(plan);
    if (!strstr(error, expected)) fail_msg("\"%s\" does not say \"%s\"", error, expected);
}

#define COMPLETED RECORD_OF("JobCompleted", FIELD_OF("job_id", "\"string\""))

static void test_plans_refused(void **state) {
    (void)state;
    refuse_plan("{", "not an Avro schema");
    refuse_plan("\"string\"", "a schema of string, not of Event");
    refuse_plan(RECORD_OF("Events", HEAD), "not of Event");
    refuse_plan(ENVELOPE(HEAD, RECORD_OF("CallEnded", FIELD_OF("call_id", "\"string\""))),
                "body.CallEnded.by: the writer's schema has no such field");
    refuse_plan(ENVELOPE(FIELD_OF("tenant", "\"double\"") "," FIELD_OF("event_id", "\"string\"") "," FIELD_OF("occurred_at", "\"long\""),
                         COMPLETED),
                "tenant: the writer's double cannot be read as ours");
    refuse_plan(
        ENVELOPE(FIELD_OF("tenant", "[\"null\",\"long\"]") "," FIELD_OF("event_id", "\"string\"") "," FIELD_OF("occurred_at", "\"long\""),
                 COMPLETED),
        "tenant: ");
    refuse_plan(ENVELOPE(HEAD, RECORD_OF("ModuleEntered", "")), "body.ModuleEntered.call_id: ");
}

static void test_identity(void **state) {
    (void)state;
    assert_true(plan_is_identity(sample_own_plan(&shape_event)));
    struct plan *plan = sample_plan(ENVELOPE(HEAD, COMPLETED), &shape_event);
    assert_false(plan_is_identity(plan));
    plan_free(plan);
}

/* clang-format on */

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_journal_event),
        cmocka_unit_test(test_avro_c),
        cmocka_unit_test(test_fields_added_removed_reordered),
        cmocka_unit_test(test_unknown_symbol),
        cmocka_unit_test(test_unknown_branch),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_plans_refused),
        cmocka_unit_test(test_identity),
    };
    return cmocka_run_group_tests(tests, samples_load, NULL);
}
