#include "zones.h"

#include <glib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define STRETCH_S 21600    /* what is looked up at once; nearly all are without a change of the clocks */
#define JULIAN_1970 719163 /* GDate counts from the year 1 */

struct zone {
    GTimeZone *rules;
    char *name;
    int64_t from_s, to_s, offset_s; /* UTC seconds [from, to) that have this offset, as last looked up */
};

/* A name comes from outside and becomes part of a path; GLib also takes rules in place of names. */
static bool is_zone_name(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "/", 0);
    for (char **part = parts; *part; part++)
        if (!g_ascii_isalpha(**part) || (*part)[strspn(*part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-")])
            return false;
    return *parts && g_strv_length(parts) <= 3;
}

static bool is_on_this_machine(const char *name) {
    const char *folder = g_getenv("TZDIR"); /* as GLib looks for it */
    g_autofree char *path = g_build_filename(folder ? folder : "/usr/share/zoneinfo", name, NULL);
    return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

struct zone *zone_open(struct str name) {
    g_autofree char *text = g_strndup(name.len ? name.ptr : "", name.len);
    bool utc = str_equal(name, STR("UTC")); /* is known without tzdata */
    if (!utc && (strlen(text) != name.len || !is_zone_name(text) || !is_on_this_machine(text))) return NULL;
    GTimeZone *rules = utc ? g_time_zone_new_utc() : g_time_zone_new_identifier(text);
    if (!rules) return NULL;
    struct zone *zone = g_new0(struct zone, 1);
    zone->rules = rules;
    zone->name = g_steal_pointer(&text);
    return zone;
}

void zone_close(struct zone *zone) {
    if (!zone) return;
    g_time_zone_unref(zone->rules);
    g_free(zone->name);
    g_free(zone);
}

const char *zone_name(const struct zone *zone) { return zone->name; }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* The stretch between two changes of the clocks that a second lies in. */
static int interval_at(const struct zone *zone, int64_t utc_s) {
    return g_time_zone_find_interval(zone->rules, G_TIME_TYPE_UNIVERSAL, utc_s);
}

static int64_t offset_at(struct zone *zone, int64_t utc_s) {
    if (utc_s >= zone->from_s && utc_s < zone->to_s) return zone->offset_s;
    int64_t from = floor_div(utc_s, STRETCH_S) * STRETCH_S, to = from + STRETCH_S;
    if (interval_at(zone, from) != interval_at(zone, to - 1)) from = utc_s, to = utc_s + 1;
    zone->from_s = from;
    zone->to_s = to;
    zone->offset_s = g_time_zone_get_offset(zone->rules, interval_at(zone, utc_s));
    return zone->offset_s;
}

int64_t zone_wall(struct zone *zone, int64_t at) { return at + offset_at(zone, floor_div(at, 1000)) * 1000; }

int32_t zone_day(struct zone *zone, int64_t at) { return (int32_t)floor_div(zone_wall(zone, at), DAY_MS); }

/* The first second in [from, to] that lies in `interval` or in a later one. */
static int64_t interval_begins(const struct zone *zone, int interval, int64_t from, int64_t to) {
    while (from < to) {
        int64_t middle = from + (to - from) / 2;
        if (interval_at(zone, middle) >= interval)
            to = middle;
        else
            from = middle + 1;
    }
    return to;
}

int64_t zone_day_begins(struct zone *zone, int32_t day) {
    int64_t midnight = day * (DAY_MS / 1000), from = midnight - 2 * 86400, to = midnight + 2 * 86400; /* no wall is 2 days off UTC */
    int last = interval_at(zone, to);
    for (int interval = interval_at(zone, from);; interval++) {
        int64_t end = interval == last ? to : interval_begins(zone, interval + 1, from, to);
        int64_t begins = MAX(from, midnight - g_time_zone_get_offset(zone->rules, interval));
        if (begins < end || interval == last) return begins * 1000;
        from = end;
    }
}

bool zone_has_day(struct zone *zone, int32_t day) { return zone_day(zone, zone_day_begins(zone, day)) == day; }

/* ---- the calendar */

static GDate date_of(int32_t day) {
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_julian(&date, (guint32)(day + JULIAN_1970));
    return date;
}

static int32_t day_of(const GDate *date) { return (int32_t)g_date_get_julian(date) - JULIAN_1970; }

bool day_parse(const char *text, int32_t *day) {
    static const char form[] = "0000-00-00";
    if (strlen(text) != sizeof form - 1) return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? !g_ascii_isdigit(text[i]) : text[i] != form[i]) return false;
    GDateYear year = (GDateYear)g_ascii_strtoull(text, NULL, 10);
    GDateMonth month = (GDateMonth)g_ascii_strtoull(text + 5, NULL, 10);
    GDateDay of_month = (GDateDay)g_ascii_strtoull(text + 8, NULL, 10);
    if (year < 1970 || !g_date_valid_dmy(of_month, month, year)) return false;
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, of_month, month, year);
    *day = day_of(&date);
    return true;
}

char *day_print(int32_t day, char text[DAY_TEXT_SIZE]) {
    GDate date = date_of(CLAMP(day, DAY_MIN, DAY_MAX));
    g_snprintf(text, DAY_TEXT_SIZE, "%04u-%02u-%02u", g_date_get_year(&date) % 10000u, (unsigned)g_date_get_month(&date) % 100,
               g_date_get_day(&date) % 100u);
    return text;
}

int day_of_week(int32_t day, enum week_start start) {
    static const int first[] = {[WEEK_MONDAY] = 0, [WEEK_SUNDAY] = 6, [WEEK_SATURDAY] = 5}; /* counted from Monday */
    int from_monday = (int)((day % 7 + 7 + 3) % 7);                                         /* 1970-01-01 was a Thursday */
    return (from_monday - first[start] + 7) % 7;
}

int32_t month_begins(int32_t day, int later) {
    GDate date = date_of(day);
    g_date_set_day(&date, 1);
    if (later > 0) g_date_add_months(&date, (guint)later);
    if (later < 0) g_date_subtract_months(&date, (guint)-later);
    return day_of(&date);
}

int32_t year_begins(int32_t day, int later) {
    GDate date = date_of(day);
    g_date_set_dmy(&date, 1, G_DATE_JANUARY, (GDateYear)(g_date_get_year(&date) + later));
    return day_of(&date);
}
