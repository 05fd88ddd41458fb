/* Framing: which schema a Kafka value names, and the fingerprints of Avro's specification (runtime/framing.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../runtime/framing.h"

#define BYTES(literal) STR(literal)

static void test_confluent(void **state) {
    (void)state;
    struct framing framing;
    struct str datum;
    struct refusal why;
    assert_int_equal(framing_read(BYTES("\x00\x00\x01\x02\x03"
                                        "abc"),
                                  STR_NULL, &framing, &datum, &why),
                     0);
    assert_int_equal(framing.kind, FRAMING_ID);
    assert_int_equal(framing.schema.id, 0x10203);
    assert_true(str_equal(datum, STR("abc")));
    uint8_t bytes[FRAMING_BYTES_MAX];
    assert_int_equal(framing_write(&framing, bytes), 5);
    assert_memory_equal(bytes, "\x00\x00\x01\x02\x03", 5);
}

static void test_single_object(void **state) {
    (void)state;
    struct framing framing, again;
    struct str datum;
    struct refusal why;
    assert_int_equal(framing_read(BYTES("\xc3\x01\x08\x07\x06\x05\x04\x03\x02\x01z"), STR_NULL, &framing, &datum, &why), 0);
    assert_int_equal(framing.kind, FRAMING_FINGERPRINT);
    assert_int_equal(framing.schema.fingerprint, 0x0102030405060708);
    assert_true(str_equal(datum, STR("z")));
    uint8_t bytes[FRAMING_BYTES_MAX];
    assert_int_equal(framing_write(&framing, bytes), 10);
    assert_int_equal(framing_read((struct str){(char *)bytes, 10}, STR_NULL, &again, &datum, &why), 0);
    assert_true(framing_equal(&framing, &again));
    assert_int_equal(datum.len, 0);
}

/* A header wins, and leaves the value as it is, whatever it begins with. */
static void test_headers(void **state) {
    (void)state;
    struct framing framing, other;
    struct str datum;
    struct refusal why;
    struct str value = BYTES("\x00\x00\x00\x00\x09rest");
    assert_int_equal(framing_read(value,
                                  BYTES("\x01"
                                        "0123456789abcdef"),
                                  &framing, &datum, &why),
                     0);
    assert_int_equal(framing.kind, FRAMING_GUID);
    assert_memory_equal(framing.schema.guid, "0123456789abcdef", 16);
    assert_true(str_equal(datum, value));
    assert_int_equal(framing_read(value, BYTES("\x00\x00\x00\x00\x07"), &other, &datum, &why), 0);
    assert_int_equal(other.schema.id, 7);
    assert_true(str_equal(datum, value));
    assert_false(framing_equal(&framing, &other));
    assert_int_equal(framing_read(value, BYTES("\x01short"), &framing, &datum, &why), -1);
    assert_int_equal(why.reason, REJECT_MALFORMED);
    assert_string_equal(why.detail, "the header __value_schema_id has 6 bytes and begins with 01: neither an id nor a GUID of a schema");
    assert_int_equal(framing_read(value, BYTES(""), &framing, &datum, &why), -1);
}

static void test_refusals(void **state) {
    (void)state;
    const struct {
        struct str value;
        const char *why;
    } bad[] = {
        {STR_NULL, "the record has no value"},
        {BYTES(""), "the value has 0 bytes: too few to say by which schema it was written"},
        {BYTES("\x00"), "the value has 1 bytes: too few to say by which schema it was written"},
        {BYTES("\x00\x00\x00\x00"), "the value begins with 00 00: neither 00 and a schema's id nor C3 01 and a fingerprint"},
        {BYTES("\xc3\x01\x01\x02\x03\x04\x05\x06\x07"),
         "the value begins with c3 01: neither 00 and a schema's id nor C3 01 and a fingerprint"},
        {BYTES("\xc3\x02\x01\x02\x03\x04\x05\x06\x07\x08"),
         "the value begins with c3 02: neither 00 and a schema's id nor C3 01 and a fingerprint"},
        {BYTES("{\"type\":1}"), "the value begins with 7b 22: neither 00 and a schema's id nor C3 01 and a fingerprint"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct framing framing;
        struct str datum;
        struct refusal why;
        assert_int_equal(framing_read(bad[i].value, STR_NULL, &framing, &datum, &why), -1);
        assert_int_equal(why.reason, REJECT_MALFORMED);
        assert_string_equal(why.detail, bad[i].why);
    }
}

/* Forms and fingerprints that other implementations give (Avro's share/test/data/schema-tests.txt, and fastavro). */
static void test_fingerprints(void **state) {
    (void)state;
    const struct {
        const char *schema, *canonical;
        uint64_t fingerprint;
    } known[] = {
        {"\"null\"", "\"null\"", UINT64_C(7195948357588979594)},
        {"{\"type\":\"null\"}", "\"null\"", UINT64_C(7195948357588979594)},
        {"\"string\"", "\"string\"", (uint64_t)INT64_C(-8142146995180207161)},
        {"[ \"int\"  ]", "[\"int\"]", (uint64_t)INT64_C(-5232228896498058493)},
        {"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\"}", "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}",
         (uint64_t)INT64_C(-4824392279771201922)},
        {"{\"fields\":[{\"name\":\"f1\", \"type\":\"boolean\", \"default\": true}], \"type\":\"record\", \"namespace\":\"x.y\", "
         "\"name\":\"foo\", "
         "\"doc\": \"d\"}",
         "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"}]}", 0},
        {"{\"type\":\"record\",\"name\":\"a.b.R\",\"fields\":[{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":["
         "\"A\",\"B\"]}},"
         "{\"name\":\"g\",\"type\":[\"null\",\"E\"]},{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
         "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":16}}}]}",
         "{\"name\":\"a.b.R\",\"type\":\"record\",\"fields\":[{\"name\":\"e\",\"type\":{\"name\":\"a.b.E\",\"type\":\"enum\",\"symbols\":["
         "\"A\","
         "\"B\"]}},{\"name\":\"g\",\"type\":[\"null\",\"a.b.E\"]},{\"name\":\"t\",\"type\":\"long\"},{\"name\":\"m\",\"type\":{\"type\":"
         "\"map\","
         "\"values\":{\"name\":\"a.b.F\",\"type\":\"fixed\",\"size\":16}}}]}",
         0},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char *canonical = schema_canonical(known[i].schema, strlen(known[i].schema));
        assert_string_equal(canonical, known[i].canonical);
        free(canonical);
        uint64_t fingerprint;
        assert_int_equal(schema_fingerprint(known[i].schema, strlen(known[i].schema), &fingerprint), 0);
        if (known[i].fingerprint) assert_int_equal(fingerprint, known[i].fingerprint);
    }
}

static void test_no_schemas(void **state) {
    (void)state;
    const char *const bad[] = {"",
                               "{",
                               "7",
                               "{\"type\":\"record\"}",
                               "{\"type\":\"record\",\"name\":\"r\"}",
                               "{\"type\":\"array\"}",
                               "{\"type\":\"enum\",\"name\":\"e\"}",
                               "{\"type\":\"fixed\",\"name\":\"f\",\"size\":\"x\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t fingerprint;
        assert_int_equal(schema_fingerprint(bad[i], strlen(bad[i]), &fingerprint), -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confluent), cmocka_unit_test(test_single_object), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_fingerprints),  cmocka_unit_test(test_no_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
