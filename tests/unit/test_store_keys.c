/* Keys: their bytes have the order of their parts, and come apart into what they were made of. */
#include "test_store_fixture.h"

#include "../../state/keys.h"

static struct key text_key(const char *first, const char *second) {
    struct key key;
    key_reset(&key);
    key_text(&key, str_of(first));
    key_text(&key, str_of(second));
    return key;
}

static void texts_order_by_part(void **state) {
    (void)state;
    static const char *const ordered[][2] = {{"", ""},    {"", "z"},  {"a", ""},  {"a", "b"},      {"a", "bb"},
                                             {"a!", "a"}, {"aa", ""}, {"b", "a"}, {"\xc3\xa9", ""}};
    for (size_t i = 0; i + 1 < sizeof ordered / sizeof *ordered; i++) {
        struct key before = text_key(ordered[i][0], ordered[i][1]), after = text_key(ordered[i + 1][0], ordered[i + 1][1]);
        assert_true(str_compare(key_str(&before), key_str(&after)) < 0);
    }
}

static void times_and_numbers_order_by_value(void **state) {
    (void)state;
    static const int64_t times[] = {INT64_MIN, -1700000000000, -256, -1, 0, 1, 255, 256, 1700000000000, INT64_MAX};
    static const uint32_t numbers[] = {0, 1, 255, 256, 65536, UINT32_MAX};
    for (size_t i = 0; i + 1 < sizeof times / sizeof *times; i++) {
        struct key before = {.len = 0}, after = {.len = 0};
        key_time(&before, times[i]);
        key_time(&after, times[i + 1]);
        assert_true(str_compare(key_str(&before), key_str(&after)) < 0);
    }
    for (size_t i = 0; i + 1 < sizeof numbers / sizeof *numbers; i++) {
        struct key before = {.len = 0}, after = {.len = 0};
        key_u32(&before, numbers[i]);
        key_u32(&after, numbers[i + 1]);
        assert_true(str_compare(key_str(&before), key_str(&after)) < 0);
    }
}

static void the_layout_is_the_one_in_the_README(void **state) {
    (void)state;
    struct key key;
    key_reset(&key);
    key_time(&key, 1);
    key_byte(&key, 0xfe);
    key_text(&key, STR("t"));
    key_u32(&key, 0x01020304);
    assert_str(key_str(&key), STR("\x80\0\0\0\0\0\0\x01\xfet\0\x01\x02\x03\x04"));
}

static void a_key_comes_apart(void **state) {
    (void)state;
    static const int64_t times[] = {INT64_MIN, -1, 0, 1700000000000, INT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct key key;
        key_reset(&key);
        key_text(&key, STR("tenant"));
        key_time(&key, times[i]);
        key_byte(&key, 200);
        key_u32(&key, 4000000000);
        key_text(&key, STR_NULL);
        struct str rest = key_str(&key), text;
        int64_t time = 0;
        uint8_t byte = 0;
        uint32_t number = 0;
        assert_true(key_take_text(&rest, &text));
        assert_str(text, STR("tenant"));
        assert_true(key_take_time(&rest, &time) && time == times[i]);
        assert_true(key_take_byte(&rest, &byte) && byte == 200);
        assert_true(key_take_u32(&rest, &number) && number == 4000000000);
        assert_true(key_take_text(&rest, &text) && text.len == 0);
        assert_int_equal(rest.len, 0);
        assert_false(key_take_text(&rest, &text));
        assert_false(key_take_byte(&rest, &byte));
    }
}

static void a_malformed_key_is_seen_and_left_alone(void **state) {
    (void)state;
    struct str rest = STR("seven b"), text = STR("kept");
    int64_t time = 5;
    uint32_t number = 6;
    assert_false(key_take_text(&rest, &text));
    assert_false(key_take_time(&rest, &time));
    assert_str(rest, STR("seven b"));
    assert_str(text, STR("kept"));
    assert_int_equal(time, 5);
    rest = STR("abc");
    assert_false(key_take_u32(&rest, &number));
    assert_int_equal(number, 6);
    rest = STR_NULL;
    assert_false(key_take_text(&rest, &text));
}

static void a_key_that_grows_too_long_stays_too_long(void **state) {
    (void)state;
    char bytes[KEY_BYTES_MAX];
    memset(bytes, 'a', sizeof bytes);
    struct key key;
    key_reset(&key);
    key_text(&key, (struct str){bytes, KEY_BYTES_MAX - 1});
    assert_int_equal(key.len, KEY_BYTES_MAX);
    key_byte(&key, 1);
    assert_int_equal(key.len, KEY_BYTES_MAX + 1);
    key_time(&key, 1);
    key_u32(&key, 1);
    key_text(&key, STR(""));
    assert_int_equal(key.len, KEY_BYTES_MAX + 1);
    key_reset(&key);
    key_text(&key, (struct str){bytes, KEY_BYTES_MAX});
    assert_int_equal(key.len, KEY_BYTES_MAX + 1);
    key_reset(&key);
    key_text(&key, (struct str){bytes, UINT32_MAX});
    assert_int_equal(key.len, KEY_BYTES_MAX + 1);
    key_copy(&key, (struct str){bytes, UINT32_MAX});
    assert_int_equal(key.len, KEY_BYTES_MAX + 1);
    key_copy(&key, STR_NULL);
    assert_int_equal(key.len, 0);
}

static void prefixes(void **state) {
    (void)state;
    assert_true(key_has_prefix(STR("abc"), STR("ab")));
    assert_true(key_has_prefix(STR("abc"), STR("abc")));
    assert_true(key_has_prefix(STR("abc"), STR_NULL));
    assert_true(key_has_prefix(STR_NULL, STR("")));
    assert_false(key_has_prefix(STR("abc"), STR("abcd")));
    assert_false(key_has_prefix(STR("abc"), STR("b")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_order_by_part),
        cmocka_unit_test(times_and_numbers_order_by_value),
        cmocka_unit_test(the_layout_is_the_one_in_the_README),
        cmocka_unit_test(a_key_comes_apart),
        cmocka_unit_test(a_malformed_key_is_seen_and_left_alone),
        cmocka_unit_test(a_key_that_grows_too_long_stays_too_long),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
