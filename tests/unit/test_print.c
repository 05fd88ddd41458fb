/* Tables and CSV: what reaches a terminal or a spreadsheet (runtime/print.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../runtime/print.h"
#include "../../schemas/codec/event.h"

static char *text;
static size_t size;

static FILE *room(void) {
    free(text);
    text = NULL;
    return open_memstream(&text, &size);
}

static const struct print_column one[] = {{"Name", false, 0, 0}};

static void assert_csv(const char *cell, size_t length, const char *expected) {
    FILE *out = room();
    struct printer *printer = printer_make(out, PRINT_CSV, one, 1, 0);
    print_text(printer, (struct str){cell, (uint32_t)length});
    assert_int_equal(printer_finish(printer), 1);
    fclose(out);
    char whole[200];
    snprintf(whole, sizeof whole, "Name\r\n%s\r\n", expected);
    assert_string_equal(text, whole);
}

static void test_csv_text(void **state) {
    (void)state;
    const struct {
        const char *cell, *expected;
    } cells[] = {
        {"plain", "plain"},
        {"", ""},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {" =1", " =1"},
        {"+12025550100", "+12025550100"},
        {"-5", "-5"},
        {"=1+1", "\"'=1+1\""},
        {"+1+1", "\"'+1+1\""},
        {"-1+1", "\"'-1+1\""},
        {"+", "\"'+\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"\t=1", "\"'\t=1\""},
        {"\r=1", "\"'\r=1\""},
        {"\n=1", "\"'\n=1\""},
        {"\xef\xbc\x9d"
         "1",
         "\"'\xef\xbc\x9d"
         "1\""},
        {"\xef\xbc\x8b", "\"'\xef\xbc\x8b\""},
        {"\xef\xbc\x8d", "\"'\xef\xbc\x8d\""},
        {"\xef\xbc\xa0", "\"'\xef\xbc\xa0\""},
        {"\xef\xbc\xa1", "\xef\xbc\xa1"},
    };
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) assert_csv(cells[i].cell, strlen(cells[i].cell), cells[i].expected);
    assert_csv(NULL, 0, "");
}

static const struct print_column values[] = {{"N", true, 0, 0}, {"For", true, 0, 0}, {"At", false, 0, 0}, {"Is", false, 0, 0}};

static void print_values(struct printer *printer, int64_t number, int64_t duration, int64_t time, const char *symbol) {
    print_number(printer, number);
    print_duration(printer, duration);
    print_time(printer, time);
    print_symbol(printer, symbol);
}

static void test_values(void **state) {
    (void)state;
    for (enum print_format format = PRINT_TABLE; format <= PRINT_CSV; format += PRINT_CSV) {
        FILE *out = room();
        struct printer *printer = printer_make(out, format, values, 4, 0);
        print_values(printer, 12, 125999, 1772355600250, "CONTACT_ATTEMPTED");
        print_values(printer, -3, -5000, 0, "NEW");
        print_values(printer, NONE, NONE, NONE, NULL);
        print_values(printer, INT64_MAX, 97200000, 253402300799999, "OPEN");
        assert_int_equal(printer_finish(printer), 4);
        fclose(out);
        assert_string_equal(text, format == PRINT_CSV ? "N,For,At,Is\r\n"
                                                        "12,0:02:05,2026-03-01T09:00:00.250Z,CONTACT_ATTEMPTED\r\n"
                                                        "-3,-0:00:05,1970-01-01T00:00:00.000Z,NEW\r\n"
                                                        ",,,\r\n"
                                                        "9223372036854775807,27:00:00,9999-12-31T23:59:59.999Z,OPEN\r\n"
                                                      : "                  N     For  At                    Is\n"
                                                        "                 12  2m 05s  2026-03-01 09:00:00Z  Contact attempted\n"
                                                        "                 -3     -5s  1970-01-01 00:00:00Z  New\n"
                                                        "\n"
                                                        "9223372036854775807   1d 3h  9999-12-31 23:59:59Z  Open\n");
    }
}

static const struct print_column three[] = {{"Id", false, 0, 0}, {"Name", false, 1, 6}, {"Rest", false, 2, 0}};

static void print_three(int width, const char *id, const char *name, const char *rest) {
    FILE *out = room();
    struct printer *printer = printer_make(out, PRINT_TABLE, three, 3, width);
    print_text(printer, str_of(id));
    print_text(printer, str_of(name));
    print_text(printer, str_of(rest));
    printer_finish(printer);
    fclose(out);
}

static void test_fits(void **state) {
    (void)state;
    print_three(0, "1", "A long name", "more");
    assert_string_equal(text, "Id  Name         Rest\n1   A long name  more\n");
    print_three(16, "1", "A long name", "more");
    assert_string_equal(text, "Id  Name    Rest\n1   A lon…  more\n");
    print_three(15, "1", "A long name", "more");
    assert_string_equal(text, "Id  Name\n1   A lon…\n\nNot shown for lack of room: Rest. --format csv shows everything.\n");
    print_three(3, "long id", "n", "r");
    assert_string_equal(text, "Id\nlong id\n\nNot shown for lack of room: Name, Rest. --format csv shows everything.\n");
}

static void test_other_scripts(void **state) {
    (void)state;
    print_three(40, "1", "Zoë", "r");
    assert_string_equal(text, "Id  Name  Rest\n1   Zoë   r\n");
    print_three(40, "1", "e\u0301", "r"); /* a combining accent takes no column */
    assert_string_equal(text, "Id  Name  Rest\n1   e\u0301     r\n");
    print_three(40, "1", "東京支店", "r"); /* eight columns: cut to six, of which two characters and the ellipsis use five */
    assert_string_equal(text, "Id  Name    Rest\n1   東京…   r\n");
}

static void test_sanitised(void **state) {
    (void)state;
    print_three(0, "1", "a\x1b[31mb\n\tc\x7f\xc2\x85\u202e\xff", "r");
    assert_string_equal(text, "Id  Name            Rest\n1   a?[31mb  c???\uFFFD  r\n");
}

static void test_nothing(void **state) {
    (void)state;
    FILE *out = room();
    assert_int_equal(printer_finish(printer_make(out, PRINT_TABLE, three, 3, 4)), 0);
    fclose(out);
    assert_string_equal(text, "");
}

/* Widths come from the first thousand rows; what comes later is printed all the same, in order. */
static void test_many_rows(void **state) {
    (void)state;
    FILE *out = room();
    struct printer *printer = printer_make(out, PRINT_TABLE, one, 1, 0);
    for (int i = 0; i < 2500; i++) print_number(printer, i == 2000 ? 1234567890 : i);
    assert_int_equal(printer_finish(printer), 2500);
    fclose(out);
    char *line = strtok(text, "\n");
    assert_string_equal(line, "Name");
    for (int i = 0; i < 2500; i++) {
        line = strtok(NULL, "\n");
        assert_int_equal(atoi(line), i == 2000 ? 1234567890 : i);
    }
    assert_null(strtok(NULL, "\n"));
}

static void test_json(void **state) {
    (void)state;
    FILE *out = room();
    struct json_extra more[] = {{"age_ms", 5}, {"other", NONE}};
    assert_int_equal(print_json(out, strdup("{\"tenant\":\"acme\",\"position\":{\"seal\":1},\"note\":\"a\\\"b\"}"), more, 2), 0);
    fclose(out);
    assert_string_equal(text, "{\"tenant\":\"acme\",\"note\":\"a\\\"b\",\"age_ms\":5}\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_text),      cmocka_unit_test(test_values),    cmocka_unit_test(test_fits),
        cmocka_unit_test(test_other_scripts), cmocka_unit_test(test_sanitised), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_many_rows),     cmocka_unit_test(test_json),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
