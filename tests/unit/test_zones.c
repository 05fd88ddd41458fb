/* Days in time zones: those without a midnight, with two, with 23 to 25 hours, and one that never was (runtime/zones.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../runtime/report_range.h"
#include "../../schemas/codec/time_text.h"

#define HOUR_MS INT64_C(3600000)

static struct zone *zone_named(const char *name) {
    struct zone *zone = zone_open(str_of(name));
    if (!zone) fail_msg("%s is not known here: is tzdata installed?", name);
    return zone;
}

static int32_t day_named(const char *text) {
    int32_t day;
    if (!day_parse(text, &day)) fail_msg("%s is no day", text);
    return day;
}

static void check_day(const char *name, const char *day_text, const char *begins, int minutes) {
    struct zone *zone = zone_named(name);
    int32_t day = day_named(day_text);
    char text[TIME_TEXT_SIZE];
    int64_t from = zone_day_begins(zone, day);
    assert_string_equal(time_print(from, text), begins);
    assert_int_equal((zone_day_begins(zone, day + 1) - from) / 60000, minutes);
    assert_int_equal(zone_day(zone, from), day);
    assert_true(zone_day(zone, from - 1) < day);
    assert_true(zone_has_day(zone, day));
    zone_close(zone);
}

static void days_have_their_lengths(void **state) {
    (void)state;
    check_day("UTC", "2026-03-08", "2026-03-08T00:00:00.000Z", 1440);
    check_day("America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z", 1380);
    check_day("America/New_York", "2026-11-01", "2026-11-01T04:00:00.000Z", 1500);
    check_day("Europe/London", "2026-03-29", "2026-03-29T00:00:00.000Z", 1380);
    check_day("Asia/Kolkata", "2026-03-29", "2026-03-28T18:30:00.000Z", 1440);
    check_day("Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00.000Z", 1440);
    check_day("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00.000Z", 1470); /* half an hour of daylight saving */
    check_day("Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00.000Z", 1440);
}

static void havana_has_no_midnight_in_march_and_two_in_november(void **state) {
    (void)state;
    check_day("America/Havana", "2026-03-08", "2026-03-08T05:00:00.000Z", 1380); /* begins at 01:00 */
    check_day("America/Havana", "2026-11-01", "2026-11-01T04:00:00.000Z", 1500); /* begins at the first 00:00 */
    struct zone *zone = zone_named("America/Havana");
    assert_int_equal(zone_wall(zone, zone_day_begins(zone, day_named("2026-03-08"))) % (24 * HOUR_MS), HOUR_MS);
    zone_close(zone);
}

static void apia_went_over_a_day(void **state) {
    (void)state;
    struct zone *zone = zone_named("Pacific/Apia");
    int32_t lost = day_named("2011-12-30");
    assert_false(zone_has_day(zone, lost));
    assert_true(zone_has_day(zone, lost - 1));
    assert_true(zone_has_day(zone, lost + 1));
    assert_true(zone_day_begins(zone, lost) == zone_day_begins(zone, lost + 1));
    zone_close(zone);
}

/* At 00:01 the clocks went back to 23:01: the day began twice, and the first time counts. */
static void st_johns_fell_back_over_midnight(void **state) {
    (void)state;
    struct zone *zone = zone_named("America/St_Johns");
    int64_t begins = zone_day_begins(zone, day_named("2010-11-07"));
    char text[TIME_TEXT_SIZE];
    assert_string_equal(time_print(begins, text), "2010-11-07T02:30:00.000Z");
    assert_int_equal(zone_day(zone, begins + 59999), day_named("2010-11-07"));
    assert_int_equal(zone_day(zone, begins + 60000), day_named("2010-11-06"));
    assert_int_equal(zone_day(zone, begins + HOUR_MS), day_named("2010-11-07"));
    zone_close(zone);
}

static void what_is_no_zone_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"",           "Mars/Olympus", "../../../etc/passwd", "/etc/localtime", "America", "America/../UTC", "+05:00",
                                        "<X>3",       "XYZ3",         "America/New_York ",   "zone.tab",       "a/b/c/d", ":UTC",           "05:00"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (zone_open(str_of(names[i]))) fail_msg("\"%s\" was taken for a zone", names[i]);
    assert_null(zone_open(STR_NULL));
    assert_null(zone_open((struct str){"UTC\0Z", 5}));
}

static void dates_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",           "2026-02-29", "2026-02-30", "2026-13-01", "2026-00-10", "2026-01-00", "2026-1-1",
                                        "1969-12-31", "2026/01/01", "26-01-01",   "2026-01-01T", " 2026-01-01", "0000-01-01", "+026-01-01"};
    int32_t day;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (day_parse(texts[i], &day)) fail_msg("\"%s\" was taken for a date", texts[i]);
    assert_int_equal(day_named("1970-01-01"), DAY_MIN);
    assert_int_equal(day_named("9999-12-31"), DAY_MAX);
    char text[DAY_TEXT_SIZE];
    assert_string_equal(day_print(day_named("2024-02-29"), text), "2024-02-29");
}

static void check_days(struct days days, const char *from, const char *to) {
    char text[DAY_TEXT_SIZE];
    assert_string_equal(day_print(days.from, text), from);
    assert_string_equal(day_print(days.to, text), to);
}

static void presets_and_what_they_are_compared_with(void **state) {
    (void)state;
    int32_t today = day_named("2024-03-31"); /* a Sunday */
    check_days(preset_days(PRESET_THIS_WEEK, today, WEEK_MONDAY), "2024-03-25", "2024-03-31");
    check_days(preset_days(PRESET_THIS_WEEK, today, WEEK_SUNDAY), "2024-03-31", "2024-04-06");
    check_days(preset_days(PRESET_LAST_WEEK, today, WEEK_SATURDAY), "2024-03-23", "2024-03-29");
    check_days(preset_days(PRESET_LAST_MONTH, today, WEEK_MONDAY), "2024-02-01", "2024-02-29");
    check_days(preset_days(PRESET_THIS_YEAR, today, WEEK_MONDAY), "2024-01-01", "2024-12-31");
    check_days(preset_before(PRESET_TODAY, today, WEEK_MONDAY), "2024-03-30", "2024-03-30");
    check_days(preset_before(PRESET_YESTERDAY, today, WEEK_MONDAY), "2024-03-29", "2024-03-29");
    check_days(preset_before(PRESET_THIS_WEEK, today, WEEK_SUNDAY), "2024-03-24", "2024-03-24");
    check_days(preset_before(PRESET_LAST_WEEK, today, WEEK_SUNDAY), "2024-03-17", "2024-03-23");
    check_days(preset_before(PRESET_THIS_MONTH, today, WEEK_MONDAY), "2024-02-01", "2024-02-29"); /* February has no 31 days */
    check_days(preset_before(PRESET_THIS_MONTH, today - 21, WEEK_MONDAY), "2024-02-01", "2024-02-10");
    check_days(preset_before(PRESET_LAST_MONTH, today, WEEK_MONDAY), "2024-01-01", "2024-01-31");
    check_days(preset_before(PRESET_THIS_YEAR, today, WEEK_MONDAY), "2023-01-01", "2023-04-01"); /* 91 days of each */
    check_days(preset_before(PRESET_LAST_YEAR, today, WEEK_MONDAY), "2022-01-01", "2022-12-31");
    check_days(days_before((struct days){day_named("2024-03-01"), day_named("2024-03-07")}), "2024-02-23", "2024-02-29");
    struct days none = days_before(DAYS_ALL);
    assert_true(none.from > none.to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_have_their_lengths),
        cmocka_unit_test(havana_has_no_midnight_in_march_and_two_in_november),
        cmocka_unit_test(apia_went_over_a_day),
        cmocka_unit_test(st_johns_fell_back_over_midnight),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(dates_that_are_none_are_refused),
        cmocka_unit_test(presets_and_what_they_are_compared_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
