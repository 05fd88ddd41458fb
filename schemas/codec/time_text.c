#include "time_text.h"

#define MS_OF_DAY INT64_C(86400000)

static bool is_leap_year(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int days_of_month(int year, int month) {
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

/* Days before 1 January of the year, counted from 1970. */
static int64_t days_before_year(int year) {
    int64_t before = year - 1;
    return before * 365 + before / 4 - before / 100 + before / 400 - 719162;
}

/* Reads exactly `digits` digits; -1 where they are not. */
static int take_number(const char **at, const char *end, int digits) {
    int value = 0;
    if (end - *at < digits) return -1;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9') return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool take_char(const char **at, const char *end, const char *one_of) {
    if (*at == end || **at == 0 || !strchr(one_of, **at)) return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, const char *end, int64_t *days) {
    int year = take_number(at, end, 4);
    if (!take_char(at, end, "-")) return false;
    int month = take_number(at, end, 2);
    if (!take_char(at, end, "-")) return false;
    int day = take_number(at, end, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) return false;
    *days = days_before_year(year) + day - 1;
    for (int before = 1; before < month; before++) *days += days_of_month(year, before);
    return true;
}

static bool take_fraction(const char **at, const char *end, int *ms) {
    int digits = 0;
    for (*ms = 0; *at < end && **at >= '0' && **at <= '9'; (*at)++, digits++)
        if (digits < 3) *ms = *ms * 10 + (**at - '0');
    for (int i = digits; i < 3; i++) *ms *= 10;
    return digits > 0;
}

static bool take_clock(const char **at, const char *end, int64_t *ms_of_day) {
    int hour = take_number(at, end, 2);
    if (!take_char(at, end, ":")) return false;
    int minute = take_number(at, end, 2);
    if (!take_char(at, end, ":")) return false;
    int second = take_number(at, end, 2), ms = 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
    if (take_char(at, end, ".") && !take_fraction(at, end, &ms)) return false;
    if (second == 60) second = 59;
    *ms_of_day = ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + ms;
    return true;
}

static bool take_offset(const char **at, const char *end, int64_t *ms) {
    *ms = 0;
    if (take_char(at, end, "Zz")) return true;
    bool behind = *at < end && **at == '-';
    if (!take_char(at, end, "+-")) return false;
    int hours = take_number(at, end, 2);
    if (!take_char(at, end, ":")) return false;
    int minutes = take_number(at, end, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
    *ms = (hours * 60 + minutes) * INT64_C(60000) * (behind ? -1 : 1);
    return true;
}

bool time_parse(struct str text, int64_t *ms) {
    const char *at = text.ptr, *end = at + text.len;
    int64_t days, ms_of_day = 0, offset = 0;
    if (!at || !take_date(&at, end, &days)) return false;
    if (at < end && !(take_char(&at, end, "Tt ") && take_clock(&at, end, &ms_of_day) && take_offset(&at, end, &offset))) return false;
    int64_t value = days * MS_OF_DAY + ms_of_day - offset;
    if (at < end || value < 0 || value > TIME_MS_MAX) return false;
    *ms = value;
    return true;
}

static char *put_number(char *at, int value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
    return at + digits;
}

char *time_print(int64_t ms, char text[TIME_TEXT_SIZE]) {
    if (ms < 0 || ms > TIME_MS_MAX) return strcpy(text, "?");
    int64_t days = ms / MS_OF_DAY;
    int rest = (int)(ms % MS_OF_DAY), year = 1970 + (int)(days / 366), month = 1;
    while (days_before_year(year + 1) <= days) year++;
    days -= days_before_year(year);
    while (days >= days_of_month(year, month)) days -= days_of_month(year, month++);
    char *at = put_number(text, year, 4);
    *at++ = '-';
    at = put_number(at, month, 2);
    *at++ = '-';
    at = put_number(at, (int)days + 1, 2);
    *at++ = 'T';
    at = put_number(at, rest / 3600000, 2);
    *at++ = ':';
    at = put_number(at, rest / 60000 % 60, 2);
    *at++ = ':';
    at = put_number(at, rest / 1000 % 60, 2);
    *at++ = '.';
    at = put_number(at, rest % 1000, 3);
    memcpy(at, "Z", 2);
    return text;
}
