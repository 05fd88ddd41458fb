/* Journals of before: by which schemas they were written, that they are read as they were, and that what they gave is what they give. */
#include "test_log_files_fixture.h"

#include "../../runtime/framing.h"
#include "../../runtime/fold_run.h"
#include "../../runtime/kafka_journal.h"
#include "../../runtime/log_files.h"
#include "../../runtime/reader.h"
#include "../../schemas/codec/container.h"

static struct failure failure;

/* ---- schemas */

/* Whoever changes the schema keeps the one before as the last of schemas/older, and puts the new one's fingerprint here. */
static void test_the_schema_is_known(void **state) {
    (void)state;
    const uint64_t known[] = {UINT64_C(0x828e75ea3f3a3b62), UINT64_C(0xecd02feda65419d2)};
    const char *schema = schema_text("JournalRecord");
    size_t n = 0;
    for (uint64_t fingerprint; schema; schema = schema_older_journal(n++)) {
        assert_true(n < sizeof known / sizeof *known);
        assert_int_equal(schema_fingerprint(schema, strlen(schema), &fingerprint), 0);
        assert_int_equal(fingerprint, known[n]);
    }
    assert_int_equal(n, sizeof known / sizeof *known);
}

/* Each of them frames its records otherwise, and is read by a plan of its own; ours lacks nothing. */
static void test_forms(void **state) {
    (void)state;
    struct journal_form form;
    assert_int_equal(journal_form_make(&form, &failure), 0);
    assert_true(plan_is_identity(form.plan));
    assert_false(plan_is_older(form.plan));
    assert_non_null(form.older);
    assert_true(plan_is_older(form.older->plan));
    assert_memory_not_equal(form.frame, form.older->frame, JOURNAL_FRAME_BYTES);
    assert_null(form.older->older);
    journal_form_free(&form);
}

/* A message by frame, then `size` bytes. */
static struct str message(const uint8_t frame[JOURNAL_FRAME_BYTES], const char *bytes, uint32_t size) {
    static char room[100];
    memcpy(room, frame, JOURNAL_FRAME_BYTES);
    memcpy(room + JOURNAL_FRAME_BYTES, bytes, size);
    return (struct str){room, JOURNAL_FRAME_BYTES + size};
}

static void expect_run(const struct journal_form *form, struct str value, int64_t count, const struct plan *plan, struct str bytes) {
    struct log_run run;
    assert_null(journal_run(form, value, &run));
    assert_int_equal(run.count, count);
    assert_ptr_equal(run.plan, plan);
    assert_int_equal(run.bytes.len, bytes.len);
    assert_memory_equal(run.bytes.ptr, bytes.ptr, bytes.len);
}

/* By each schema a message is one record or a list of them. */
static void test_messages(void **state) {
    (void)state;
    struct journal_form form;
    struct log_run run;
    assert_int_equal(journal_form_make(&form, &failure), 0);
    for (const struct journal_form *each = &form; each; each = each->older) {
        assert_memory_not_equal(each->frame, each->list_frame, JOURNAL_FRAME_BYTES);
        expect_run(&form, message(each->frame, "record", 6), 1, each->plan, STR("record"));
        expect_run(&form, message(each->list_frame, "\x02" "record\0", 8), 1, each->plan, STR("record"));
        expect_run(&form, message(each->list_frame, "\x80\x01" "records\0", 10), 64, each->plan, STR("records"));
    }
    static const struct {
        const char *bytes;
        uint32_t size;
    } none[] = {{"", 0}, {"\0", 1}, {"\x02", 1}, {"\x02" "record", 7}, {"\x01" "record\0", 8}, {"\x80", 1}, {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0", 11}};
    for (size_t n = 0; n < sizeof none / sizeof *none; n++)
        assert_string_equal(journal_run(&form, message(form.list_frame, none[n].bytes, none[n].size), &run), "a list of journal records that is none");
    uint8_t unknown[JOURNAL_FRAME_BYTES] = {0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8};
    assert_non_null(strstr(journal_run(&form, message(unknown, "record", 6), &run), "Use a newer one"));
    assert_non_null(strstr(journal_run(&form, (struct str){(const char *)form.frame, JOURNAL_FRAME_BYTES - 1}, &run), "Use a newer one"));
    assert_non_null(strstr(journal_run(&form, STR_NULL, &run), "Use a newer one"));
    journal_form_free(&form);
}

/* ---- a journal by the first of them */

/* Its blocks, as the ringback of that schema wrote them: an abandoned call, a line that is no event, a second start, an event of the future. */
static const char blocks[] =
    "06fc01000080eab4dc95670602000080eab4dc9567080200186576656e74732e6a736f6e6c406135303262326336373765366634393361333634646464623238"
    "303461623463020080eab4dc9567000861636d65027380fa818a95670000046331000002182b313230323535353031323302182b313535353031303039393900"
    "0080ee60e09fcdc6df89debe1756f37ed302da01000080eab4dc9567044030303131323233333434353536363737383839396161626263636464656566660002"
    "00060084d39c8da781c0865a00000000000000000000000000000000c4e9bfebb687cef56002020200000c00ae2702fc6204a87706e43508cc150ae01f000202"
    "0680ee60e09fcdc6df89debe1756f37ed304da01020280eab4dc9567000861636d650265c0a3898a956700280463310000020480eab4dc95670200666e6f7420"
    "4a534f4e3a20636f6c756d6e20343a20275b27206f7220277b27206578706563746564206e656172202774686973272074686973206973206e6f206576656e74"
    "2080ee60e09fcdc6df89debe1756f37ed302da01000280eab4dc9567044030303131323233333434353536363737383839396161626263636464656566660002"
    "020408ef98fcb4eee5fba0044387e6d794470e86578f3347a7a7722294b0f5bec5d6cb8f2202020600000c00de2902d66504ec7906903708cc150ae01f000202"
    "0680ee60e09fcdc6df89debe1756f37ed304b801020680eab4dc9567000861636d65027880cd908a95670000046331020002182b313230323535353031323302"
    "182b31353535303130303939390000020880eab4dc9567000861636d65026680dae3c3ac7000060463310a73616c657380ee60e09fcdc6df89debe1756f37ed3"
    "02dc01000480eab4dc956704403030313132323333343435353636373738383939616162626363646465656666000204040cf996a395a5ec9db286011c36eb28"
    "5f7f45cd7cef7a7e540540d094b0f5bec5d6cb8f2202020a00000c00d42f02d66504ec7906903708cc150ae01f0002020680ee60e09fcdc6df89debe1756f37e"
    "d3";

/* The same journal with a header that has no docs. */
static void journal_make(const char *path) {
    uint8_t journal[sizeof blocks / 2 + 32 * 1024], *at = journal;
    uint8_t sync[] = {0x80, 0xee, 0x60, 0xe0, 0x9f, 0xcd, 0xc6, 0xdf, 0x89, 0xde, 0xbe, 0x17, 0x56, 0xf3, 0x7e, 0xd3};
    at += container_header(schema_older_journal(0), sync, at, sizeof journal);
    for (const char *digits = blocks; *digits; digits += 2) *at++ = (uint8_t)strtoul((char[]){digits[0], digits[1], 0}, NULL, 16);
    file_write(path, journal, (size_t)(at - journal));
}

static struct data_dir dir;

static void data_make(void) {
    failure = (struct failure){0};
    assert_int_equal(mkdir(in_scratch("data"), 0700), 0);
    journal_make(in_scratch("data/journal.avro"));
    assert_int_equal(data_dir_open(&dir, in_scratch("data"), &failure), 0);
}

static int read_again(struct log *outputs, struct reader_counts *counts) {
    struct log *journal;
    struct store *store;
    assert_int_equal(log_files_open_reader(&journal, &dir, &failure), 0);
    assert_int_equal(store_open_memory(&store), 0);
    struct place place = place_at_beginning(journal->sealed.journal_id);
    int result = reader_run(store, journal, &place, &(struct reader_options){.outputs = outputs}, counts, &failure);
    store_close(store);
    log_close(journal);
    return result;
}

/* Every seal is checked: its outputs' hash is of records that had fewer fields than ours. Its state lay otherwise, and is not compared. */
static void test_it_is_folded(void **state) {
    (void)state;
    struct reader_counts counts;
    data_make();
    if (read_again(NULL, &counts) != 0) fail_msg("%s", failure.text);
    assert_int_equal(counts.records, 10);
    assert_int_equal(counts.uncompared, 3);
}

static void expect_rejected(const struct rejected *rejected, enum reject_reason reason, enum bytes_form form) {
    assert_int_equal(rejected->reason, reason);
    assert_int_equal(rejected->form, form);
    assert_true(str_is_null(rejected->key) && rejected->key_size_bytes == NONE);
    assert_true(rejected->headers.items == NULL && rejected->header_count == NONE);
}

/* Its outputs are written again, longer than they were, and say of what it does not know that it is not known. */
static void test_its_outputs_are_written_again(void **state) {
    (void)state;
    static const struct {
        enum reject_reason reason;
        enum bytes_form form;
    } expected[] = {{REJECT_MALFORMED, BYTES_ORIGINAL}, {REJECT_CONFLICTING_START, BYTES_EVENT_AVRO}, {REJECT_FUTURE_TIME, BYTES_EVENT_AVRO}};
    struct reader_counts counts;
    struct log *outputs;
    data_make();
    assert_int_equal(mkdir(in_scratch("outputs"), 0700), 0);
    assert_int_equal(log_files_open_outputs(&outputs, in_scratch("outputs"), "00112233445566778899aabbccddeeff", &failure), 0);
    if (read_again(outputs, &counts) != 0) fail_msg("%s", failure.text);
    log_close(outputs);

    struct bytes file = file_read(in_scratch("outputs/rejected.avro"));
    struct container_reader reader;
    struct plan *plan;
    struct str block;
    int64_t count;
    size_t n = 0;
    char error[400];
    assert_int_equal(container_open(&reader, file.bytes, file.size, error, sizeof error), 0);
    assert_int_equal(plan_make(&plan, reader.schema.ptr, reader.schema.len, shape_of_topic(TOPIC_REJECTED), error, sizeof error), 0);
    while (container_next(&reader, &block, &count) == CONTAINER_BLOCK) {
        static struct scratch scratch;
        struct output output;
        struct refusal why;
        for (; count > 0; count--, n++) {
            int64_t size = codec_read(plan, (const uint8_t *)block.ptr, block.len, &output, &scratch, &why);
            assert_true(size > 0 && n < sizeof expected / sizeof *expected);
            expect_rejected(&output.body.rejected, expected[n].reason, expected[n].form);
            block = (struct str){block.ptr + size, block.len - (uint32_t)size};
        }
    }
    assert_int_equal(n, sizeof expected / sizeof *expected);
    plan_free(plan);
    container_close(&reader);
    free(file.bytes);
}

/* A file has one schema: what would be written by ours does not go into it. */
static void test_it_is_not_written_to(void **state) {
    (void)state;
    struct log *log;
    data_make();
    assert_int_equal(log_files_open(&log, &dir, NULL, NULL, &failure), -1);
    assert_int_equal(failure.code, EXIT_CONFIGURATION);
    assert_non_null(strstr(failure.text, "begun by another version of ringback"));
}

/* ---- what a seal's hash is of */

/* How many bytes of its encoded form are not hashed. */
static size_t left_out(struct rejected rejected) {
    struct output output = {.topic = TOPIC_REJECTED, .body.rejected = rejected};
    uint8_t bytes[4096];
    size_t size = codec_write_output(&output, bytes, sizeof bytes);
    return size - codec_hashed_size(&output, size);
}

static void test_hashed_size(void **state) {
    (void)state;
    static const struct record_header none[1], one[] = {{STR("name"), STR_NULL}};
    struct rejected rejected = {.key_size_bytes = NONE, .header_count = NONE};
    assert_int_equal(left_out(rejected), 4);
    rejected.key = STR("key");
    assert_int_equal(left_out(rejected), 3);
    rejected.headers = (struct record_header_array){one, 1};
    assert_int_equal(left_out(rejected), 1);
    rejected.header_count = 1;
    assert_int_equal(left_out(rejected), 0);
    rejected = (struct rejected){.key_size_bytes = NONE, .headers = {none, 0}, .header_count = NONE};
    assert_int_equal(left_out(rejected), 1);
    struct output gone = {.topic = TOPIC_REJECTED, .is_tombstone = true}, notice = {.topic = TOPIC_NOTICES};
    assert_int_equal(codec_hashed_size(&gone, 100), 100);
    assert_int_equal(codec_hashed_size(&notice, 100), 100);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        CASE(test_the_schema_is_known),           CASE(test_forms),                CASE(test_messages),
        CASE(test_it_is_folded),                  CASE(test_its_outputs_are_written_again), CASE(test_it_is_not_written_to),
        CASE(test_hashed_size),
    };
    return cmocka_run_group_tests(tests, schemas_setup, schemas_teardown);
}
