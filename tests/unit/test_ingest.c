/* Files of events: what is read, what is refused and how it is numbered, and the merge of several by time. */
#include "test_log_files_fixture.h"

#include "../../runtime/ingest.h"

#define LINE(event, at)                                                                                                                    \
    "{\"type\":\"PreRoutingPlayed\",\"tenant\":\"acme\",\"event_id\":\"" event "\",\"occurred_at\":" at ",\"call_id\":\"c1\"}"

static struct failure failure;

static struct input *open_bytes(const char *name, const void *bytes, size_t size) {
    file_write(in_scratch(name), bytes, size);
    struct input *input;
    failure = (struct failure){0};
    input_open(&input, in_scratch(name), INPUT_BY_CONTENT, &failure);
    return input;
}

static struct input *open_text(const char *name, const char *text) { return open_bytes(name, text, strlen(text)); }

static void expect_event(struct input *input, const char *event_id) {
    assert_int_equal(input_next(input, &failure), 1);
    assert_int_equal(input->record.type, JOURNAL_EVENT);
    assert_int_equal(input->record.body.event.event_id.len, strlen(event_id));
    assert_memory_equal(input->record.body.event.event_id.ptr, event_id, strlen(event_id));
    assert_int_equal(input->record.offset, input->taken - 1);
    assert_false(str_is_null(input->event_bytes));
}

static const struct bad_record *expect_bad(struct input *input, enum reject_reason reason) {
    assert_int_equal(input_next(input, &failure), 1);
    assert_int_equal(input->record.type, JOURNAL_BAD);
    assert_int_equal(input->record.body.bad.reason, reason);
    assert_int_equal(input->record.offset, input->taken - 1);
    return &input->record.body.bad;
}

static void expect_end(struct input *input) {
    assert_int_equal(input_next(input, &failure), 0);
    input_close(input);
}

static void lines_end_as_they_like(void **state) {
    (void)state;
    struct input *input = open_text("a.jsonl", "\xEF\xBB\xBF\n" LINE("1", "10") "\r\n\n \t\n" LINE("2", "20") "\n\r\n" LINE("3", "30"));
    assert_non_null(input);
    expect_event(input, "1");
    expect_event(input, "2");
    expect_event(input, "3");
    expect_end(input);
}

static void a_bad_line_is_one_bad_record(void **state) {
    (void)state;
    struct input *input =
        open_text("a.jsonl", LINE("1", "10") "\n{\"type\":\"No\xFFSuch\"}\r\n" LINE("2", "-5") "\n" LINE("3", "30") "\n{\"type\":");
    assert_non_null(input);
    expect_event(input, "1");
    const struct bad_record *bad = expect_bad(input, REJECT_MALFORMED);
    assert_int_equal(bad->size_bytes, strlen("{\"type\":\"No?Such\"}"));
    assert_memory_equal(bad->bytes.ptr, "{\"type\":\"No\xFFSuch\"}", bad->bytes.len);
    assert_true(bad->detail.len > 0);
    assert_true(str_is_null(bad->key) && bad->key_size_bytes == NONE); /* a file's record has none, and no headers */
    assert_true(bad->headers.items && bad->headers.count == 0 && bad->header_count == 0);
    expect_bad(input, REJECT_INVALID);
    expect_event(input, "3");
    bad = expect_bad(input, REJECT_MALFORMED);
    assert_int_equal(bad->bytes.len, 8);
    expect_end(input);
}

static void an_object_over_several_lines_gets_a_hint(void **state) {
    (void)state;
    struct input *input = open_text("a.jsonl", " { \n\"type\": \"QueueEntered\",\n}\n{\"type\":\"QueueEntered\",\n{\"type\":\n{\"type\n");
    const bool hinted[] = {true, false, false, true, true, false};
    for (size_t n = 0; n < 6; n++) {
        expect_bad(input, REJECT_MALFORMED);
        assert_int_equal(strstr(input->detail, "one object a line") != NULL, hinted[n]);
    }
    expect_end(input);
}

static void a_long_line_is_kept_up_to_the_limit(void **state) {
    (void)state;
    enum { SIZE = RECORD_BYTES_MAX + 1000 };
    char *text = malloc(SIZE + 100);
    memset(text, 'x', SIZE);
    text[0] = '{';
    strcpy(text + SIZE, "\n" LINE("2", "20") "\n");
    struct input *input = open_text("a.jsonl", text);
    assert_non_null(input);
    const struct bad_record *bad = expect_bad(input, REJECT_TOO_LARGE);
    assert_int_equal(bad->bytes.len, RECORD_BYTES_MAX);
    assert_int_equal(bad->size_bytes, SIZE);
    expect_event(input, "2");
    expect_end(input);
    free(text);
}

static void what_is_no_file_of_events_is_refused(void **state) {
    (void)state;
    assert_null(open_text("a.txt", "id;tenant\n1;acme\n"));
    assert_non_null(strstr(failure.text, "neither"));
    assert_null(open_text("b.avro", "Obj\x01 and then nothing"));
    assert_int_equal(failure.code, EXIT_FAILED);
    struct input *input;
    failure = (struct failure){0};
    assert_int_equal(input_open(&input, in_scratch("not-there"), INPUT_BY_CONTENT, &failure), -1);
    assert_non_null(strstr(failure.text, "not-there"));
    failure = (struct failure){0};
    assert_int_equal(input_open(&input, scratch_path, INPUT_BY_CONTENT, &failure), -1);
}

static void an_empty_file_has_no_records(void **state) {
    (void)state;
    struct input *input = open_text("empty", "");
    assert_non_null(input);
    assert_int_equal(strlen(input->hash), CONTENT_HASH_DIGITS);
    expect_end(input);
}

static void the_hash_is_that_of_the_content(void **state) {
    (void)state;
    struct input *a = open_text("a", LINE("1", "10") "\n"), *b = open_text("b", LINE("1", "10") "\n"),
                 *c = open_text("c", LINE("2", "10") "\n");
    assert_string_equal(a->hash, b->hash);
    assert_string_not_equal(a->hash, c->hash);
    input_close(a);
    input_close(b);
    input_close(c);
}

/* A container of blocks of events e0, e1, ..., `per_block` in each; block_at[n]: where block n starts. */
static struct bytes container_make(int blocks, int per_block, size_t *block_at) {
    static const uint8_t sync[16] = "0123456789abcde";
    struct bytes file = {.bytes = malloc(1 << 20)};
    file.size = container_header(schema_text("Event"), sync, file.bytes, 1 << 20);
    for (int block = 0, number = 0; block < blocks; block++) {
        uint8_t data[4096], head[20];
        size_t used = 0;
        for (int n = 0; n < per_block; n++, number++) {
            char id[16];
            snprintf(id, sizeof id, "e%d", number);
            struct event event = {.tenant = STR("acme"),
                                  .event_id = str_of(id),
                                  .occurred_at = 1000 + number,
                                  .type = EVENT_PRE_ROUTING_PLAYED,
                                  .body.pre_routing_played = {STR("c1")}};
            used += codec_write(&shape_event, &event, data + used, sizeof data - used);
        }
        block_at[block] = file.size;
        size_t head_size = container_block_head(per_block, used, head);
        memcpy(file.bytes + file.size, head, head_size);
        memcpy(file.bytes + file.size + head_size, data, used);
        memcpy(file.bytes + file.size + head_size + used, sync, sizeof sync);
        file.size += head_size + used + sizeof sync;
    }
    return file;
}

static void containers_are_read_as_they_are(void **state) {
    (void)state;
    size_t at[2];
    struct bytes file = container_make(2, 2, at);
    struct input *input = open_bytes("a.avro", file.bytes, file.size);
    assert_non_null(input);
    assert_int_equal(input->format, INPUT_AVRO);
    expect_event(input, "e0");
    assert_ptr_equal(input->event_bytes.ptr,
                     input->bytes + at[0] + 2 + (input->event_bytes.len >= 32)); /* no copy: right behind the block's head */
    expect_event(input, "e1");
    expect_event(input, "e2");
    expect_event(input, "e3");
    expect_end(input);
    free(file.bytes);
}

static void a_bad_record_that_can_be_stepped_over_is_one_bad_record(void **state) {
    (void)state;
    size_t at[2];
    struct bytes file = container_make(2, 3, at);
    struct input *input = open_bytes("a.avro", file.bytes, file.size);
    expect_event(input, "e0");
    size_t second = (size_t)((const uint8_t *)input->event_bytes.ptr - input->bytes) + input->event_bytes.len;
    size_t size = input->event_bytes.len;
    input_close(input);
    file.bytes[second + 1] = 0xFF; /* the tenant is no UTF-8 */
    input = open_bytes("b.avro", file.bytes, file.size);
    assert_non_null(input);
    expect_event(input, "e0");
    const struct bad_record *bad = expect_bad(input, REJECT_MALFORMED);
    assert_int_equal(bad->size_bytes, size);
    assert_memory_equal(bad->bytes.ptr, file.bytes + second, size);
    expect_event(input, "e2");
    expect_event(input, "e3");
    expect_event(input, "e4");
    expect_event(input, "e5");
    expect_end(input);
    free(file.bytes);
}

static void a_bad_record_takes_the_rest_of_its_block(void **state) {
    (void)state;
    size_t at[2];
    struct bytes file = container_make(2, 3, at);
    struct input *input = open_bytes("a.avro", file.bytes, file.size);
    expect_event(input, "e0");
    size_t second = (size_t)((const uint8_t *)input->event_bytes.ptr - input->bytes) + input->event_bytes.len;
    input_close(input);
    file.bytes[second] = 0xFF; /* the length of the tenant: negative */
    input = open_bytes("b.avro", file.bytes, file.size);
    assert_non_null(input);
    expect_event(input, "e0");
    const struct bad_record *bad = expect_bad(input, REJECT_MALFORMED);
    assert_int_equal(bad->size_bytes, at[1] - 16 - second);
    assert_non_null(strstr(input->detail, "1 more records"));
    expect_event(input, "e3");
    expect_event(input, "e4");
    expect_event(input, "e5");
    expect_end(input);
    free(file.bytes);
}

static void damage_is_passed_over_to_the_next_block(void **state) {
    (void)state;
    size_t at[3];
    struct bytes file = container_make(3, 2, at);
    file.bytes[at[2] - 1] ^= 1; /* the marker behind the second block */
    struct input *input = open_bytes("a.avro", file.bytes, file.size);
    assert_non_null(input);
    expect_event(input, "e0");
    expect_event(input, "e1");
    const struct bad_record *bad = expect_bad(input, REJECT_MALFORMED);
    assert_int_equal(bad->size_bytes, file.size - at[1]); /* the next marker is the third block's */
    expect_end(input);
    free(file.bytes);
}

static void a_torn_end_is_one_bad_record(void **state) {
    (void)state;
    size_t at[2];
    struct bytes file = container_make(2, 2, at);
    for (size_t size = at[1] + 1; size < file.size; size++) {
        struct input *input = open_bytes("a.avro", file.bytes, size);
        assert_non_null(input);
        expect_event(input, "e0");
        expect_event(input, "e1");
        const struct bad_record *bad = expect_bad(input, REJECT_MALFORMED);
        assert_int_equal(bad->size_bytes, size - at[1]);
        expect_end(input);
    }
    free(file.bytes);
}

static void a_block_that_lies_about_its_count_is_refused(void **state) {
    (void)state;
    size_t at[2];
    struct bytes file = container_make(2, 2, at);
    file.bytes[at[0]] = 2; /* one record: the other's bytes are left over */
    struct input *input = open_bytes("a.avro", file.bytes, file.size);
    expect_event(input, "e0");
    expect_bad(input, REJECT_MALFORMED);
    expect_event(input, "e2");
    expect_event(input, "e3");
    expect_end(input);
    file.bytes[at[0]] = 6; /* three records */
    input = open_bytes("b.avro", file.bytes, file.size);
    expect_event(input, "e0");
    expect_event(input, "e1");
    expect_bad(input, REJECT_MALFORMED);
    expect_event(input, "e2");
    expect_event(input, "e3");
    expect_end(input);
    free(file.bytes);
}

static void expect_merged(struct merge *merge, size_t order, const char *event_id) {
    struct input *input = merge_head(merge);
    assert_non_null(input);
    assert_int_equal(input->order, order);
    if (event_id)
        assert_memory_equal(input->record.body.event.event_id.ptr, event_id, strlen(event_id));
    else
        assert_int_equal(input->record.type, JOURNAL_BAD);
    assert_int_equal(merge_advance(merge, &failure), 0);
}

static void files_are_merged_by_time_then_order_then_place(void **state) {
    (void)state;
    struct input *inputs[4] = {
        open_text("0", LINE("a1", "10") "\n" LINE("a2", "30") "\n" LINE("a3", "20") "\n"),
        open_text("1", ""),
        open_text("2", LINE("b1", "10") "\n" LINE("b2", "10") "\n" LINE("b3", "25") "\n"),
        open_text("3", LINE("c1", "5") "\n{\n" LINE("c2", "10") "\n"),
    };
    for (size_t n = 0; n < 4; n++) inputs[n]->order = n;
    struct merge merge;
    assert_int_equal(merge_open(&merge, inputs, 4, &failure), 0);
    expect_merged(&merge, 3, "c1");
    expect_merged(&merge, 3, NULL); /* it has no time: at once */
    expect_merged(&merge, 0, "a1");
    expect_merged(&merge, 2, "b1");
    expect_merged(&merge, 2, "b2");
    expect_merged(&merge, 3, "c2");
    expect_merged(&merge, 2, "b3");
    expect_merged(&merge, 0, "a2");
    expect_merged(&merge, 0, "a3"); /* a file keeps its own order */
    assert_null(merge_head(&merge));
    for (size_t n = 0; n < 4; n++) input_close(inputs[n]);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        CASE(lines_end_as_they_like),
        CASE(a_bad_line_is_one_bad_record),
        CASE(an_object_over_several_lines_gets_a_hint),
        CASE(a_long_line_is_kept_up_to_the_limit),
        CASE(what_is_no_file_of_events_is_refused),
        CASE(an_empty_file_has_no_records),
        CASE(the_hash_is_that_of_the_content),
        CASE(containers_are_read_as_they_are),
        CASE(a_bad_record_that_can_be_stepped_over_is_one_bad_record),
        CASE(a_bad_record_takes_the_rest_of_its_block),
        CASE(damage_is_passed_over_to_the_next_block),
        CASE(a_torn_end_is_one_bad_record),
        CASE(a_block_that_lies_about_its_count_is_refused),
        CASE(files_are_merged_by_time_then_order_then_place),
    };
    return cmocka_run_group_tests(tests, schemas_setup, schemas_teardown);
}
