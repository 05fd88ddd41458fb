/* The shapes and the .avsc files say the same; events know their subjects and their limits. */
#include "codec_samples.h"
#include "../../schemas/codec/report.h"
#include <avro.h>
#include <jansson.h>

static json_t *types; /* every named type by its name */

/* Collects the named types of a schema, wherever they are defined. */
static void collect(json_t *node) {
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(node)) json_array_foreach(node, i, value) collect(value);
    if (!json_is_object(node)) return;
    const char *type = json_string_value(json_object_get(node, "type"));
    if (type && (strcmp(type, "record") == 0 || strcmp(type, "enum") == 0 || strcmp(type, "fixed") == 0)) {
        const char *name = json_string_value(json_object_get(node, "name"));
        if (json_object_get(types, name)) fail_msg("%s is defined twice", name);
        json_object_set(types, name, node);
    }
    json_object_foreach(node, key, value) collect(value);
}

static void collect_file(void *context, const char *name, const char *file, const char *text) {
    (void)context;
    json_error_t wrong;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &wrong);
    if (!root) fail_msg("%s: %s", file, wrong.text);
    assert_string_equal(json_string_value(json_object_get(root, "name")), name);
    assert_string_equal(json_string_value(json_object_get(root, "namespace")), "ringback");
    collect(root);
    json_decref(root);
}

static const char *type_name(const json_t *type) {
    return json_is_string(type) ? json_string_value(type) : json_string_value(json_object_get(type, "type"));
}

static const char *named(const json_t *type) {
    const json_t *name = json_object_get(type, "name");
    return name ? json_string_value(name) : json_string_value(type);
}

static void check_shape(const struct shape *shape);

static void check_symbols(const struct symbols *of, const json_t *type) {
    assert_string_equal(named(type), of->name);
    const json_t *texts = json_object_get(json_object_get(types, of->name), "symbols");
    assert_int_equal(json_array_size(texts), of->count);
    for (size_t i = 0; i < of->count; i++) assert_string_equal(json_string_value(json_array_get(texts, i)), of->texts[i]);
}

static void check_union(const struct shape *shape, const json_t *type) {
    assert_int_equal(json_array_size(type), shape->branch_count);
    for (int i = 0; i < shape->branch_count; i++) {
        assert_string_equal(named(json_array_get(type, (size_t)i)), shape->branches[i]->name);
        check_shape(shape->branches[i]);
    }
}

static void check_type(const struct field *field, const json_t *type) {
    static const char *const names[] = {
        [FIELD_STRING] = "string", [FIELD_BYTES] = "bytes", [FIELD_FIXED] = "fixed",     [FIELD_INT] = "int",
        [FIELD_LONG] = "long",     [FIELD_TIME] = "long",   [FIELD_BOOLEAN] = "boolean", [FIELD_ARRAY] = "array"};
    switch ((enum field_kind)field->kind) {
    case FIELD_ENUM: check_symbols(field->of.symbols, type); return;
    case FIELD_SHAPE:
        if (shape_is_union(field->of.shape)) {
            check_union(field->of.shape, type);
        } else {
            assert_string_equal(named(type), field->of.shape->name);
            check_shape(field->of.shape);
        }
        return;
    case FIELD_ARRAY:
        assert_string_equal(type_name(type), "array");
        check_type(field->of.item, json_object_get(type, "items"));
        return;
    default: break;
    }
    assert_string_equal(type_name(type), names[field->kind]);
    const char *logical = json_string_value(json_object_get(type, "logicalType"));
    assert_int_equal(logical != NULL, field->kind == FIELD_TIME);
    if (logical) assert_string_equal(logical, "timestamp-millis");
    if (field->kind == FIELD_FIXED) assert_int_equal(json_integer_value(json_object_get(type, "size")), field->fixed_size);
}

static void check_field(const struct field *field, const json_t *written) {
    assert_string_equal(json_string_value(json_object_get(written, "name")), field->name);
    assert_true(json_string_length(json_object_get(written, "doc")) > 0);
    const json_t *type = json_object_get(written, "type"), *by_default = json_object_get(written, "default");
    if (!field->nullable) {
        assert_null(by_default); /* the reader knows no default but null */
        check_type(field, type);
        return;
    }
    assert_int_equal(json_array_size(type), 2);
    assert_string_equal(json_string_value(json_array_get(type, 0)), "null");
    assert_true(json_is_null(by_default));
    check_type(field, json_array_get(type, 1));
}

static void check_shape(const struct shape *shape) {
    json_t *written = json_object_get(types, shape->name);
    if (!written) fail_msg("no schema of %s", shape->name);
    json_object_set_new(written, "seen", json_true());
    const json_t *fields = json_object_get(written, "fields");
    assert_int_equal(json_array_size(fields), shape->field_count);
    for (uint32_t i = 0; i < shape->field_count; i++) check_field(&shape->fields[i], json_array_get(fields, i));
}

/* Names, order, kinds and nullability of every field; and no record is written that no shape reads. */
static void test_shapes_agree(void **state) {
    (void)state;
    types = json_object();
    schema_each(collect_file, NULL);
    check_shape(&shape_journal_record);
    check_shape(&shape_report_row);
    check_shape(&shape_report_group);
    for (int topic = 0; topic < TOPICS; topic++) {
        json_t *both = json_loads(schema_of_topic((enum topic)topic), 0, NULL);
        check_union(shape_of_topic((enum topic)topic), both);
        json_decref(both);
    }
    const char *name;
    json_t *type;
    json_object_foreach(types, name, type) {
        if (strcmp(type_name(type), "record") == 0 && !json_object_get(type, "seen")) fail_msg("no shape of %s", name);
        if (strcmp(type_name(type), "enum") == 0) assert_string_not_equal(symbol_text(name, 0), "?");
    }
    json_decref(types);
}

/* What Avro C, and thus anybody, makes of the composed texts. */
static void parse_composed(void *context, const char *name, const char *file, const char *text) {
    (void)context;
    (void)text;
    avro_schema_t schema;
    const char *composed = schema_text(name);
    if (avro_schema_from_json_length(composed, strlen(composed), &schema) != 0) fail_msg("%s: %s", file, avro_strerror());
    assert_string_equal(avro_schema_name(schema), name);
    assert_string_equal(avro_schema_namespace(schema), "ringback");
    avro_schema_decref(schema);
}

static void test_composed(void **state) {
    (void)state;
    schema_each(parse_composed, NULL);
    assert_null(schema_text("Setting")); /* written inside ChangeSettings */
    assert_null(schema_text("event"));
}

/* A field of the flat JSON form must not be a field of the envelope too. */
static void test_flat_names_are_distinct(void **state) {
    (void)state;
    for (int type = 0; type < EVENT_TYPES; type++) {
        for (uint32_t i = 0; i < event_shapes[type]->field_count; i++) {
            const char *name = event_shapes[type]->fields[i].name;
            assert_string_not_equal(name, "type");
            assert_string_not_equal(name, "command_id");
            for (uint32_t j = 0; j < shape_event.field_count; j++) assert_string_not_equal(name, shape_event.fields[j].name);
        }
    }
}

static void test_symbols(void **state) {
    (void)state;
    assert_string_equal(symbol_text("Status", STATUS_FOLLOW_UP_NEEDED), "FOLLOW_UP_NEEDED");
    assert_string_equal(symbol_text("Status", -1), "?");
    assert_string_equal(symbol_text("Status", STATUS_WITHDRAWN + 1), "?");
    assert_string_equal(symbol_text("Nothing", 0), "?");
    assert_int_equal(symbol_value("CallType", STR("IN_PROGRESS")), TYPE_IN_PROGRESS);
    assert_int_equal(symbol_value("CallType", STR("IN_PROGRES")), -1);
    assert_int_equal(symbol_value("CallType", STR_NULL), -1);
    assert_int_equal(symbol_value("Nothing", STR("NEW")), -1);
    assert_string_equal(event_type_text(EVENT_VOICE_AGENT_DISCONNECTED), "VoiceAgentDisconnected");
    assert_string_equal(event_type_text(EVENT_TYPES), "?");
}

static void test_subjects(void **state) {
    (void)state;
    static const struct {
        enum event_type type;
        enum event_subject subject;
    } cases[] = {
        {EVENT_CALL_STARTED, SUBJECT_CALL},       {EVENT_RECORDING_AVAILABLE, SUBJECT_CALL}, {EVENT_AGENT_STATUS_CHANGED, SUBJECT_AGENT},
        {EVENT_JOB_BOOKED, SUBJECT_JOB},          {EVENT_JOB_CANCELLED, SUBJECT_JOB},        {EVENT_SET_STATUS, SUBJECT_COMMAND},
        {EVENT_CHANGE_SETTINGS, SUBJECT_COMMAND}, {EVENT_ROLE_CHANGED, SUBJECT_DIRECTORY},   {EVENT_CUSTOMER_CHANGED, SUBJECT_DIRECTORY},
        {EVENT_ACTIVATE_RULES, SUBJECT_DIRECTORY}};
    for (size_t i = 0; i < COUNT(cases); i++) assert_int_equal(event_subject(cases[i].type), cases[i].subject);
}

/* The first field of every body but ChangeSettings and ActivateRules says what it is about. */
static void test_subject_field(void **state) {
    (void)state;
    for (int type = 0; type < EVENT_TYPES; type++) {
        const struct field *first = event_shapes[type]->fields;
        if (type == EVENT_CHANGE_SETTINGS || type == EVENT_ACTIVATE_RULES) continue;
        assert_int_equal(first->offset, 0);
        assert_int_equal(first->kind, FIELD_STRING);
        assert_false(first->nullable);
    }
}

static struct sample good;

static void test_check_accepts(void **state) {
    (void)state;
    for (int type = 0; type < EVENT_TYPES; type++) {
        for (uint64_t seed = 0; seed < 4; seed++) {
            sample_event(&good, type, seed);
            const char *wrong = event_check(&good.record.event);
            if (wrong) fail_msg("%s: %s", event_type_text((enum event_type)type), wrong);
        }
    }
}

/* The good event, written and read: NULL, or why the codec refused it. */
static const struct refusal *read_good(struct event *event, struct scratch *scratch) {
    static struct plan *plan;
    static uint8_t bytes[RECORD_BYTES_MAX];
    static struct refusal why;
    char error[400];
    const char *schema = schema_text("Event");
    if (!plan) assert_int_equal(plan_make(&plan, schema, strlen(schema), &shape_event, error, sizeof error), 0);
    size_t size = codec_write(&shape_event, &good.record.event, bytes, sizeof bytes);
    int64_t read = codec_read(plan, bytes, size, event, scratch, &why);
    if (read < 0) return &why;
    assert_int_equal(read, size);
    return NULL;
}

/* event_check_read of the good event, written and read; *plain: whether it was so. */
static const char *check_when_read(bool *plain) {
    static struct scratch scratch;
    static struct event event;
    assert_null(read_good(&event, &scratch));
    *plain = scratch.plain;
    return event_check_read(&event, &scratch);
}

/* An event whose `place` holds `value` is refused with a text that starts with `name`; put back, it is accepted. */
static void expect_refusal_unread(const char *name, void *place, const void *value, size_t size) {
    uint8_t before[32];
    memcpy(before, place, size);
    memcpy(place, value, size);
    const char *wrong = event_check(&good.record.event);
    if (!wrong || strncmp(wrong, name, strlen(name)) != 0 || wrong[strlen(name)] != ' ')
        fail_msg("%s: %s", name, wrong ? wrong : "accepted");
    memcpy(place, before, size);
    assert_null(event_check(&good.record.event));
}

/* The same, and so when it is read. */
static void expect_refusal(const char *name, void *place, const void *value, size_t size) {
    uint8_t before[32];
    bool plain;
    memcpy(before, place, size);
    memcpy(place, value, size);
    const char *wrong = event_check(&good.record.event), *when_read = check_when_read(&plain);
    memcpy(place, before, size);
    if (!when_read || strcmp(when_read, wrong) != 0) fail_msg("%s: %s when it is read", name, when_read ? when_read : "accepted");
    expect_refusal_unread(name, place, value, size);
}

static void test_check_ids(void **state) {
    (void)state;
    static char long_id[ID_BYTES_MAX + 4];
    memset(long_id, 'x', sizeof long_id);
    const struct str bad[] = {STR(""), {long_id, ID_BYTES_MAX + 1}, STR("a\nb"), STR("a\x7f"), STR("a\xc2\x85"), {"a\0b", 3}, STR("\x1f")};
    struct str longest = {long_id, ID_BYTES_MAX}, accents = STR("caf\xc3\xa9 \xc2\xa0 \xe2\x82\x85");
    struct event *event = &good.record.event;
    sample_event(&good, EVENT_AGENT_CONNECTED, 1);
    event->actor = STR("jo");
    struct agent_connected *body = &event->body.agent_connected;
    for (size_t i = 0; i < COUNT(bad); i++) {
        expect_refusal("tenant", &event->tenant, &bad[i], sizeof bad[i]);
        expect_refusal("event_id", &event->event_id, &bad[i], sizeof bad[i]);
        expect_refusal("actor", &event->actor, &bad[i], sizeof bad[i]);
        expect_refusal("call_id", &body->call_id, &bad[i], sizeof bad[i]);
        expect_refusal("leg", &body->leg, &bad[i], sizeof bad[i]);
        expect_refusal("agent", &body->agent, &bad[i], sizeof bad[i]);
    }
    bool plain;
    event->tenant = event->event_id = body->call_id = STR("a");
    body->agent = longest;
    event->actor = STR_NULL;
    char text[] = "0123456789 -abcdefghijkl~opqrstuvwxyz";
    for (uint32_t size = 1; size < sizeof text; size++) { /* whatever is in whichever byte of a text of whichever length */
        body->leg = (struct str){text, size};
        assert_null(check_when_read(&plain));
        assert_true(plain);
        for (uint32_t at = 0; at < size; at++)
            for (int byte = 0; byte < 0x80; byte++) {
                char before = text[at];
                text[at] = (char)byte;
                bool control = byte < 0x20 || byte == 0x7f;
                assert_int_equal(check_when_read(&plain) != NULL, control);
                assert_int_equal(plain, !control);
                text[at] = before;
            }
    }
    body->leg = accents;
    assert_null(check_when_read(&plain));
    assert_false(plain);

    sample_event(&good, EVENT_ROLES_ASSIGNED, 1);
    struct str roles[] = {STR("owner"), STR("clerk")};
    event->body.roles_assigned.roles = (struct str_array){roles, 2};
    expect_refusal("roles", &roles[1], &bad[0], sizeof roles[1]);

    sample_event(&good, EVENT_DISMISS, 1);
    event->body.dismiss.follow_up = (struct str){long_id, ID_BYTES_MAX + 3};
    assert_null(event_check(event));
    event->body.dismiss.follow_up.len++;
    assert_non_null(event_check(event));
}

/* In our structs the least number means that there is none: bytes that hold it are not read as an event without. */
static void test_the_number_that_means_none(void **state) {
    (void)state;
    static struct scratch scratch;
    static struct event event;
    sample_event(&good, EVENT_JOB_BOOKED, 1);
    good.record.event.occurred_at = NONE;
    const struct refusal *why = read_good(&event, &scratch);
    assert_non_null(why);
    assert_string_equal(why->detail, "occurred_at: -2^63, which stands for none here");
    good.record.event.occurred_at = NONE + 1;
    assert_null(read_good(&event, &scratch));
    assert_non_null(event_check_read(&event, &scratch));
}

static void test_check_times_and_enums(void **state) {
    (void)state;
    struct event *event = &good.record.event;
    sample_event(&good, EVENT_JOB_BOOKED, 1);
    const int64_t bad[] = {-1, INT64_C(253402300800000), INT64_MAX};
    for (size_t i = 0; i < COUNT(bad); i++) {
        expect_refusal("occurred_at", &event->occurred_at, &bad[i], sizeof bad[i]);
        expect_refusal("created_at", &event->body.job_booked.created_at, &bad[i], sizeof bad[i]);
        expect_refusal("scheduled_at", &event->body.job_booked.scheduled_at, &bad[i], sizeof bad[i]);
    }
    const int64_t none = NONE;
    expect_refusal_unread("occurred_at", &event->occurred_at, &none, sizeof none);
    event->body.job_booked.created_at = none;
    event->occurred_at = INT64_C(253402300799999);
    assert_null(event_check(event));

    sample_event(&good, EVENT_CALL_STARTED, 1);
    const int8_t three = 3, minus = -1, types_end = EVENT_TYPES;
    expect_refusal_unread("direction", &event->body.call_started.direction, &three, 1);
    expect_refusal_unread("kind", &event->body.call_started.kind, &minus, 1);
    expect_refusal_unread("type", &event->type, &types_end, 1);
    expect_refusal_unread("type", &event->type, &minus, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_agree),  cmocka_unit_test(test_composed),  cmocka_unit_test(test_flat_names_are_distinct),
        cmocka_unit_test(test_symbols),       cmocka_unit_test(test_subjects),  cmocka_unit_test(test_subject_field),
        cmocka_unit_test(test_check_accepts), cmocka_unit_test(test_check_ids), cmocka_unit_test(test_check_times_and_enums),
        cmocka_unit_test(test_the_number_that_means_none),
    };
    return cmocka_run_group_tests(tests, samples_load, NULL);
}
