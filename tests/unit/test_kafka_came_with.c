/* What is kept of the key and the headers of a Kafka record that is refused (runtime/kafka_came_with.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../runtime/framing.h"
#include "../../runtime/kafka_came_with.h"

static struct record_header room[KEPT_HEADERS];
static char filling[KEPT_HEADER_BYTES + 1];

static void add(rd_kafka_headers_t *headers, const char *name, const void *value, size_t size) {
    assert_int_equal(rd_kafka_header_add(headers, name, -1, value, (ssize_t)size), 0);
}

static struct bad_record kept_of(const rd_kafka_headers_t *headers) {
    struct bad_record bad = {.key_size_bytes = NONE};
    came_with_headers(&bad, headers, room);
    assert_ptr_equal(bad.headers.items, room);
    return bad;
}

static void expect(const struct bad_record *bad, size_t n, const char *name, struct str value) {
    assert_true(n < bad->headers.count);
    assert_true(str_equal(bad->headers.items[n].name, str_of(name)));
    assert_true(str_equal(bad->headers.items[n].value, value));
    assert_int_equal(str_is_null(bad->headers.items[n].value), str_is_null(value));
}

static void test_as_they_were(void **state) {
    (void)state;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    struct bad_record bad = kept_of(headers);
    assert_int_equal(bad.headers.count, 0);
    assert_int_equal(bad.header_count, 0);
    add(headers, "b", "\x00\xff", 2);
    add(headers, "a", NULL, 0);
    add(headers, "b", "", 0);
    bad = kept_of(headers);
    assert_int_equal(bad.headers.count, 3);
    assert_int_equal(bad.header_count, 3);
    expect(&bad, 0, "b", (struct str){"\x00\xff", 2});
    expect(&bad, 1, "a", STR_NULL);
    expect(&bad, 2, "b", STR(""));
    rd_kafka_headers_destroy(headers);
}

static void test_too_many(void **state) {
    (void)state;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    for (int n = 0; n < 70; n++) add(headers, "n", &(char){(char)n}, 1);
    struct bad_record bad = kept_of(headers);
    assert_int_equal(bad.headers.count, KEPT_HEADERS);
    assert_int_equal(bad.header_count, 70);
    expect(&bad, 63, "n", STR("\x3f"));
    add(headers, FRAMING_HEADER, "old", 3);
    add(headers, FRAMING_HEADER, "new", 3); /* the last one counts: it takes a place */
    bad = kept_of(headers);
    assert_int_equal(bad.headers.count, KEPT_HEADERS);
    assert_int_equal(bad.header_count, 72);
    expect(&bad, 62, "n", STR("\x3e"));
    expect(&bad, 63, FRAMING_HEADER, STR("new"));
    rd_kafka_headers_destroy(headers);
}

static void test_too_large(void **state) {
    (void)state;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    add(headers, "a", filling, KEPT_HEADER_BYTES - 1 - 8); /* leaves 8 bytes */
    add(headers, "b", filling, 8);                         /* one too many */
    add(headers, "c", filling, 7);
    add(headers, "d", NULL, 0);
    struct bad_record bad = kept_of(headers);
    assert_int_equal(bad.headers.count, 2);
    assert_int_equal(bad.header_count, 4);
    expect(&bad, 1, "c", (struct str){filling, 7});
    add(headers, FRAMING_HEADER, "schema", 6); /* then there is no room for the great one */
    bad = kept_of(headers);
    assert_int_equal(bad.headers.count, 4);
    expect(&bad, 0, "b", (struct str){filling, 8});
    expect(&bad, 3, FRAMING_HEADER, STR("schema"));
    add(headers, FRAMING_HEADER, filling, sizeof filling); /* of no use, and too great itself */
    bad = kept_of(headers);
    assert_int_equal(bad.header_count, 6);
    expect(&bad, bad.headers.count - 1, FRAMING_HEADER, STR("schema"));
    rd_kafka_headers_destroy(headers);
}

static void test_names(void **state) {
    (void)state;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    char name[STRING_BYTES_MAX + 2];
    memset(name, 'n', sizeof name);
    name[STRING_BYTES_MAX + 1] = 0;
    add(headers, "\xff", "x", 1);
    add(headers, name, "x", 1);
    add(headers, name + 1, "x", 1);
    add(headers, "", "x", 1);
    add(headers, "\xc3\xa9", "x", 1);
    struct bad_record bad = kept_of(headers);
    assert_int_equal(bad.headers.count, 3);
    assert_int_equal(bad.header_count, 5);
    expect(&bad, 0, name + 1, STR("x"));
    expect(&bad, 1, "", STR("x"));
    expect(&bad, 2, "\xc3\xa9", STR("x"));
    rd_kafka_headers_destroy(headers);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_they_were), cmocka_unit_test(test_too_many), cmocka_unit_test(test_too_large),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
