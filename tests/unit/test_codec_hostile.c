/* Bytes that lie: every one is a refusal or a record, never a crash, never a read or write out of bounds (run under ASan in CI). */
#include "codec_samples.h"

static struct scratch scratch;
static struct refusal why;
static uint8_t bytes[RECORD_BYTES_MAX];

/* Reads from a heap block of exactly that size, so that a sanitizer sees a byte too far. */
static int64_t read_exact(const struct plan *plan, const uint8_t *input, size_t size, union record *out) {
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, input, size);
    why.detail[0] = 0;
    int64_t taken = codec_read(plan, copy, size, out, &scratch, &why);
    assert_true(taken <= (int64_t)size);
    assert_true((taken < 0) == (why.detail[0] != 0));
    free(copy);
    return taken;
}

static void check_truncated(const struct sample *s) {
    size_t size = codec_write(s->shape, &s->record, bytes, sizeof bytes);
    union record out;
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(read_exact(sample_own_plan(s->shape), bytes, cut, &out), -1);
        assert_int_equal(why.reason, REJECT_MALFORMED);
        assert_non_null(strstr(why.detail, "cut off"));
        assert_int_equal(codec_skip(sample_own_plan(s->shape), bytes, cut), -1);
    }
    assert_int_equal(codec_skip(sample_own_plan(s->shape), bytes, size), size);
}

static void test_truncated(void **state) {
    (void)state;
    sample_all(2, check_truncated);
}

/* Avro C, shown only what we accepted, must take as many bytes and make the same record of them. */
static void check_second_opinion(const struct shape *shape, const uint8_t *input, int64_t taken, const uint8_t *expected,
                                 size_t expected_size) {
    static char theirs[RECORD_BYTES_MAX];
    avro_value_t value;
    assert_int_equal(avro_generic_value_new(sample_class(shape), &value), 0);
    avro_reader_t reader = avro_reader_memory((const char *)input, taken);
    avro_writer_t writer = avro_writer_memory(theirs, sizeof theirs);
    assert_int_equal(avro_value_read(reader, &value), 0);
    assert_int_equal(avro_read(reader, theirs, 1), ENOSPC); /* nothing is left */
    assert_int_equal(avro_value_write(writer, &value), 0);
    assert_int_equal(avro_writer_tell(writer), expected_size);
    assert_memory_equal(theirs, expected, expected_size);
    avro_value_decref(&value);
    avro_reader_free(reader);
    avro_writer_free(writer);
}

/* A flipped bit is refused, or gives a record that is as good as any: it survives being written and read again. */
static void check_bit_flips(const struct sample *s) {
    size_t size = codec_write(s->shape, &s->record, bytes, sizeof bytes);
    const struct plan *plan = sample_own_plan(s->shape);
    for (size_t bit = 0; bit < size * 8; bit++) {
        union record out, again;
        uint8_t *copy = malloc(size), *rewritten = malloc(2 * size + 64);
        memcpy(copy, bytes, size);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        why.detail[0] = 0;
        int64_t taken = codec_read(plan, copy, size, &out, &scratch, &why), passed = codec_skip(plan, copy, size);
        if (taken < 0) {
            assert_true(why.detail[0] != 0);
            assert_true(passed <= (int64_t)size);
        } else {
            assert_int_equal(passed, taken);
            static struct scratch other;
            size_t rewritten_size = codec_write(s->shape, &out, rewritten, 2 * size + 64);
            assert_int_equal(codec_read(plan, rewritten, rewritten_size, &again, &other, &why), rewritten_size);
            assert_true(sample_same(s->shape, (const uint8_t *)&out, (const uint8_t *)&again));
            check_second_opinion(s->shape, copy, taken, rewritten, rewritten_size);
        }
        free(copy);
        free(rewritten);
    }
}

static void test_bit_flips(void **state) {
    (void)state;
    sample_all(2, check_bit_flips);
}

/* clang-format off: bytes in pieces that mean something */

/* --- single lies; HEAD is an envelope up to its body --- */

#define HEAD                                                                                                                               \
    "\x02"                                                                                                                                 \
    "t"                                                                                                                                    \
    "\x02"                                                                                                                                 \
    "e"                                                                                                                                    \
    "\x0a"                                                                                                                                 \
    "\x00"
static struct event event;

static int64_t read_event(const char *input, size_t size) {
    return read_exact(sample_own_plan(&shape_event), (const uint8_t *)input, size, (union record *)(void *)&event);
}

#define REFUSED(literal, expected_reason, expected_detail)                                                                                 \
    do {                                                                                                                                   \
        assert_int_equal(read_event(literal, sizeof(literal) - 1), -1);                                                                    \
        assert_string_equal(why.detail, expected_detail);                                                                                  \
        assert_int_equal(why.reason, expected_reason);                                                                                     \
    } while (0)

static void test_lengths(void **state) {
    (void)state;
    REFUSED("\x80\x80\x80\x80\x80\x01"
            "abc",
            REJECT_TOO_LARGE, "tenant: longer than 4096 bytes"); /* 2^34 bytes */
    REFUSED("\x01"
            "abc",
            REJECT_MALFORMED, "tenant: a length below zero");
    REFUSED("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
            "abc",
            REJECT_MALFORMED, "tenant: a length below zero"); /* INT64_MIN */
    REFUSED("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"
            "abc",
            REJECT_MALFORMED, "tenant: a number of more than 64 bits");
    REFUSED("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", REJECT_MALFORMED, "tenant: a number of more than 64 bits");
    REFUSED("\x80\x80\x80\x80\x80\x80\x80\x80\x80", REJECT_MALFORMED, "tenant: the record is cut off");
    REFUSED("\x08"
            "abc",
            REJECT_MALFORMED, "tenant: the record is cut off");
}

static void test_branches_and_symbols(void **state) {
    (void)state;
    REFUSED("\x02"
            "t"
            "\x02"
            "e"
            "\x0a"
            "\x04",
            REJECT_MALFORMED, "actor: not a branch of the writer's schema");
    REFUSED("\x02"
            "t"
            "\x02"
            "e"
            "\x0a"
            "\x01",
            REJECT_MALFORMED, "actor: not a branch of the writer's schema");
    REFUSED(HEAD "\xc6\x01", REJECT_MALFORMED, "body: not a branch of the writer's schema"); /* 99 */
    REFUSED(HEAD "\x01", REJECT_MALFORMED, "body: not a branch of the writer's schema");
    REFUSED(HEAD "\x00\x02"
                 "c"
                 "\x06",
            REJECT_MALFORMED, "body.CallStarted.direction: not a symbol of the writer's schema");
    REFUSED(HEAD "\x00\x02"
                 "c"
                 "\x13",
            REJECT_MALFORMED, "body.CallStarted.direction: not a symbol of the writer's schema"); /* -10 */
    REFUSED(HEAD "\x52\x02\xff", REJECT_MALFORMED, "body.AgentChanged.agent: not UTF-8");
}

static void test_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"a\xc3\xa9", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"1234567\xc3\xa9", true},
        {"12345678\xf0\x9f\x93\x9e", true},
        {"\x80", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false},
        {"\xed\xbf\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xc3", false},
        {"\xe2\x82", false},
        {"\xf0\x9f\x93", false},
        {"\xe2\x28\xa1", false},
        {"1234567890\xc3", false},
        {"12345678\xa9", false},
        {"1234567\xc3"
         "12345678",
         false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t input[64] = {(uint8_t)(2 * strlen(cases[i].text))};
        memcpy(input + 1, cases[i].text, strlen(cases[i].text));
        read_event((const char *)input, 1 + strlen(cases[i].text));
        assert_string_equal(why.detail, cases[i].valid ? "event_id: the record is cut off" : "tenant: not UTF-8");
    }
}

/* RolesAssigned, person p, then roles. */
#define ROLES                                                                                                                              \
    HEAD "\x4a\x02"                                                                                                                        \
         "p"

static void test_blocks(void **state) {
    (void)state;
    static const char fine[] = ROLES "\x02\x02"
                                     "a"
                                     "\x03\x08\x02"
                                     "b\x02"
                                     "c\x00"; /* the second block says its size */
    const struct plan *plan = sample_own_plan(&shape_event);
    assert_int_equal(codec_read(plan, (const uint8_t *)fine, sizeof fine - 1, &event, &scratch, &why), sizeof fine - 1);
    assert_int_equal(event.body.roles_assigned.roles.count, 3);
    assert_true(str_equal(event.body.roles_assigned.roles.items[2], STR("c")));
    REFUSED(ROLES "\x03\x06\x02"
                  "b\x02"
                  "c\x00",
            REJECT_MALFORMED, "body.RolesAssigned.roles: a block of another size than it says");
    REFUSED(ROLES "\x03\x7e\x02"
                  "b\x02"
                  "c\x00",
            REJECT_MALFORMED, "body.RolesAssigned.roles: a block larger than the record");
    REFUSED(ROLES "\x03\x01\x02"
                  "b\x02"
                  "c\x00",
            REJECT_MALFORMED, "body.RolesAssigned.roles: a block larger than the record");
    REFUSED(ROLES "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", REJECT_MALFORMED, "body.RolesAssigned.roles: a block of too many items");
    REFUSED(ROLES "\x80\x80\x80\x80\x20", REJECT_TOO_LARGE, "body.RolesAssigned.roles: a block of too many items"); /* 2^32 */
}

/* clang-format on */

/* More items than the scratch has room for. */
static void test_many_items(void **state) {
    (void)state;
    static uint8_t input[64 * 1024];
    size_t size = sizeof(ROLES) - 1, count = sizeof scratch.bytes / sizeof(struct str) + 1;
    memcpy(input, ROLES, size);
    input[size++] = (uint8_t)(2 * count | 0x80);
    input[size++] = (uint8_t)(2 * count >> 7 | 0x80);
    input[size++] = (uint8_t)(2 * count >> 14);
    memset(input + size, 0, count + 1);
    assert_int_equal(read_event((const char *)input, size + count + 1), -1);
    assert_string_equal(why.detail, "body.RolesAssigned.roles: more items than there is room for");
    assert_int_equal(why.reason, REJECT_TOO_LARGE);
}

static void test_record_too_large(void **state) {
    (void)state;
    static uint8_t input[RECORD_BYTES_MAX + 8192];
    size_t size = sizeof(ROLES) - 1, each = 4098;
    memcpy(input, ROLES, size);
    input[size++] = 0x90; /* 72 roles of 4 KiB */
    input[size++] = 0x01;
    for (; size + each < sizeof input; size += each) {
        input[size] = 0x80;
        input[size + 1] = 0x40;
        memset(input + size + 2, 'r', 4096);
    }
    assert_int_equal(read_event((const char *)input, sizeof input), -1);
    assert_int_equal(why.reason, REJECT_TOO_LARGE);
    assert_string_equal(why.detail, "body.RolesAssigned.roles: the record is longer than 262144 bytes");
}

/* clang-format off */
/* What only the writer has is held to the same rules. */
static void test_skipped_fields(void **state) {
    (void)state;
    static const char writer[] =
        "{\"type\":\"record\",\"name\":\"Event\",\"fields\":[{\"name\":\"odd\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
        "{\"name\":\"kind\",\"type\":[\"string\",\"int\",{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]},"
        "\"boolean\",\"bytes\",{\"type\":\"record\",\"name\":\"Chain\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"Chain\"]}]}]},"
        "{\"name\":\"tenant\",\"type\":\"string\"},{\"name\":\"event_id\",\"type\":\"string\"},"
        "{\"name\":\"occurred_at\",\"type\":\"long\"},{\"name\":\"body\",\"type\":{\"type\":\"record\",\"name\":\"JobCompleted\","
        "\"fields\":[{\"name\":\"job_id\",\"type\":\"string\"}]}}]}";
    static const struct {
        const char *bytes;
        size_t size;
        const char *detail;
    } cases[] = {
#define CASE(literal, detail) {literal, sizeof(literal) - 1, detail}
        CASE("\x80\x80\x80\x80\x10\x00", "odd: a block of too many items"), /* 2^31 nulls in five bytes */
        CASE("\x00\x00\x02\xff", "kind: not UTF-8"),
        CASE("\x00\x02\x80\x80\x80\x80\x20", "kind: not a number of 32 bits"),
        CASE("\x00\x04\x02", "kind: not a branch of the writer's schema"),
        CASE("\x00\x06\x02", "kind: neither true nor false"),
        CASE("\x00\x08\x80\x80\x80\x80\x80\x01", "kind: longer than 262144 bytes"),
        CASE("\x00\x0a\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02", "more than 8 levels deep"),
        CASE("\x00\x0c", "kind: not a branch of the writer's schema"),
#undef CASE
    };
    struct plan *plan = sample_plan(writer, &shape_event);
    union record out;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(read_exact(plan, (const uint8_t *)cases[i].bytes, cases[i].size, &out), -1);
        if (!strstr(why.detail, cases[i].detail)) fail_msg("case %zu: \"%s\" does not say \"%s\"", i, why.detail, cases[i].detail);
    }
    static const char fine[] = "\x80\x10\x00" "\x0a\x02\x00" "\x02t\x02" "e\x0a\x02j"; /* 1,024 nulls, a chain of two */
    assert_int_equal(read_exact(plan, (const uint8_t *)fine, sizeof fine - 1, &out), sizeof fine - 1);
    plan_free(plan);
}

/* What is refused for a rule of ours is stepped over; what the writer's schema does not allow is not. */
static void test_stepping_over(void **state) {
    (void)state;
    static const char writer[] =
        "{\"type\":\"record\",\"name\":\"Event\",\"fields\":[{\"name\":\"tenant\",\"type\":\"string\"},"
        "{\"name\":\"event_id\",\"type\":\"string\"},{\"name\":\"occurred_at\",\"type\":\"long\"},"
        "{\"name\":\"body\",\"type\":[{\"type\":\"record\",\"name\":\"JobCompleted\","
        "\"fields\":[{\"name\":\"job_id\",\"type\":\"string\"}]},{\"type\":\"record\",\"name\":\"Parked\",\"fields\":[{\"name\":\"none\",\"type\":\"null\"},"
        "{\"name\":\"more\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"Parked\"]}}]},"
        "{\"type\":\"record\",\"name\":\"Odd\",\"fields\":[{\"name\":\"nothing\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
        "{\"name\":\"is\",\"type\":\"boolean\"},{\"name\":\"four\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}},"
        "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
        "{\"name\":\"i\",\"type\":\"int\"},{\"name\":\"d\",\"type\":\"double\"}]}]}]}";
#define ODD "\x02t\x02" "e\x0a\x04"
    static const struct {
        const char *bytes;
        size_t size;
        bool passes;
    } cases[] = {
#define CASE(literal, passes) {literal, sizeof(literal) - 1, passes}
        CASE("\x02\xff\x02" "e\x0a\x00\x02j", true),          /* no UTF-8 */
        CASE("\x02t\x02" "e\x0a\x02\x00", true),               /* a branch that we do not know */
        CASE("\x02t\x02" "e\x0a\x02\x02\x02k\x02\x00\x00", true), /* which holds another of its kind */
        CASE("\x02t\x02" "e\x0a\x02\x03\x06\x02k\x00\x00", true), /* a block that says its size */
        CASE("\x02t\x02" "e\x0a\x02\x03\x08\x02k\x00", false),    /* more than there is */
        CASE("\x02t\x02" "e\x0a\x06", false),                  /* no branch of the writer's */
        CASE(ODD "\x00\x01wxyz\x02\x00" "12345678", true),
        CASE(ODD "\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00\x01wxyz\x02\x00" "12345678", true), /* 2^55 nulls */
        CASE(ODD "\x00\x02wxyz\x02\x00" "12345678", false),    /* neither true nor false */
        CASE(ODD "\x00\x01wxyz\x04\x00" "12345678", false),    /* no symbol of the writer's */
        CASE(ODD "\x00\x01wxyz\x02\x80\x80\x80\x80\x20" "12345678", false), /* no int */
        CASE(ODD "\x00\x01wxyz\x02\x00" "1234567", false),
#undef CASE
    };
    struct plan *plan = sample_plan(writer, &shape_event);
    union record out;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(read_exact(plan, (const uint8_t *)cases[i].bytes, cases[i].size, &out), -1);
        int64_t passed = codec_skip(plan, (const uint8_t *)cases[i].bytes, cases[i].size);
        if (passed != (cases[i].passes ? (int64_t)cases[i].size : -1)) fail_msg("case %zu: %lld", i, (long long)passed);
    }
    static char chain[1024] = "\x02t\x02" "e\x0a\x02"; /* Parked in Parked, far below where we stop */
    size_t size = 6;
    for (int level = 0; level < 15; level++, size += 4) memcpy(chain + size, "\x02\x02k\x02", 4);
    assert_int_equal(codec_skip(plan, (const uint8_t *)chain, size + 16), size + 16);
    for (int level = 0; level < 100; level++, size += 4) memcpy(chain + size, "\x02\x02k\x02", 4);
    assert_int_equal(codec_skip(plan, (const uint8_t *)chain, sizeof chain), -1);
    plan_free(plan);
}

/* clang-format on */
/* Schemas that would grow without end, or lie about sizes. */
static void test_hostile_schemas(void **state) {
    (void)state;
    char error[300];
    struct plan *plan;
    static char large[2 * 1024 * 1024];
    memset(large, ' ', sizeof large);
    assert_int_equal(plan_make(&plan, large, sizeof large, &shape_event, error, sizeof error), -1);
    assert_string_equal(error, "a schema of more than 1 MiB");

    size_t size = (size_t)sprintf(
        large,
        "{\"type\":\"record\",\"name\":\"Event\",\"fields\":[{\"name\":\"bomb\",\"type\":{\"type\":\"record\",\"name\":\"B\",\"fields\":[");
    for (int i = 0; i < 30; i++) size += (size_t)sprintf(large + size, "%s{\"name\":\"f%d\",\"type\":[\"null\",\"B\"]}", i ? "," : "", i);
    size += (size_t)sprintf(large + size, "]}},{\"name\":\"tenant\",\"type\":\"string\"},{\"name\":\"event_id\",\"type\":\"string\"},{"
                                          "\"name\":\"occurred_at\",\"type\":\"long\"},"
                                          "{\"name\":\"body\",\"type\":[\"null\"]}]}");
    assert_int_equal(plan_make(&plan, large, size, &shape_event, error, sizeof error), -1);
    assert_non_null(strstr(error, "a schema with more than 65536 steps"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated),      cmocka_unit_test(test_bit_flips),
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_branches_and_symbols),
        cmocka_unit_test(test_utf8),           cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_many_items),     cmocka_unit_test(test_record_too_large),
        cmocka_unit_test(test_skipped_fields), cmocka_unit_test(test_hostile_schemas),
        cmocka_unit_test(test_stepping_over),
    };
    return cmocka_run_group_tests(tests, samples_load, NULL);
}
