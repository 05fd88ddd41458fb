#include "report_header.h"

#include <inttypes.h>
#include <jansson.h>

#include "../schemas/codec/codec.h"
#include "../schemas/codec/time_text.h"
#include "progress.h"
#include "view.h"

#define ACCOUNTS_SHOWN 8

static const char *const week_starts[] = {"Monday", "Sunday", "Saturday"}; /* enum week_start */

const char *date_type_words(enum date_type type) {
    static const char *const words[] = {"call date", "job completion", "job creation", "job scheduled date"};
    return words[type];
}

static uint64_t rejected_in_all(const struct report *report) {
    uint64_t sum = 0;
    for (int reason = 0; reason < REJECT_REASONS; reason++) sum += report->status.rejected[reason];
    return sum;
}

/* ---- for people */

/* With its length: 23 to 25 h, and on Lord Howe Island 24 h 30 min. */
static void add_day(GString *line, const struct account *account, int32_t day) {
    char text[DAY_TEXT_SIZE];
    int minutes = (int)((zone_day_begins(account->zone, day + 1) - zone_day_begins(account->zone, day)) / 60000);
    g_string_append_printf(line, "%s, %d h", day_print(day, text), minutes / 60);
    if (minutes % 60) g_string_append_printf(line, " %02d min", minutes % 60);
}

static void add_days(GString *line, const struct account *account, struct days days) {
    char from[DAY_TEXT_SIZE], to[DAY_TEXT_SIZE];
    if (days.from > days.to)
        g_string_append(line, "no day: nothing was folded yet");
    else if (days.from == DAY_MIN && days.to == DAY_MAX)
        g_string_append(line, "all days");
    else if (days.to == DAY_MAX)
        g_string_append_printf(line, "from %s", day_print(days.from, from));
    else if (days.from == DAY_MIN)
        g_string_append_printf(line, "to %s", day_print(days.to, to));
    else if (days.from == days.to)
        add_day(line, account, days.from);
    else
        g_string_append_printf(line, "%s to %s", day_print(days.from, from), day_print(days.to, to));
}

static void add_account(GString *line, const struct account *account) {
    g_string_append(line, account->name);
    if (strcmp(account->name, account->tenant) != 0) g_string_append_printf(line, " (%s)", account->tenant);
    g_string_append_printf(line, ", %s, weeks from %s", zone_name(account->zone), week_starts[account->week_start]);
    if (account->zone_unknown) g_string_append_printf(line, "; its zone \"%s\" is not known on this machine", account->zone_unknown);
}

static void add_unknown(GString *line, const struct report *report) {
    char number[32];
    uint64_t rejected = rejected_in_all(report);
    g_string_append_printf(line, "rejected records: %s", grouped(rejected, number));
    for (int reason = 0, first = 1; reason < REJECT_REASONS; reason++) {
        if (!report->status.rejected[reason]) continue;
        g_string_append_printf(line, "%s%s %s", first ? " (" : ", ", symbol_text("RejectReason", reason),
                               grouped(report->status.rejected[reason], number));
        first = 0;
    }
    if (rejected) g_string_append_c(line, ')');
    g_string_append_printf(line, ", LOST calls: %s", grouped(report->lost, number));
    g_string_append_printf(line, ", calls in progress: %s", grouped(report->in_progress, number));
    g_string_append_printf(line, ", gaps in sources: %s", grouped(report->status.gaps, number));
}

static int add_setting(void *context, struct str key, struct str value, struct str scope) {
    GString *line = context;
    (void)scope;
    g_string_append_printf(line, "%s%.*s %.*s", line->len ? ", " : "", (int)key.len, key.ptr, (int)value.len, value.ptr);
    return 0;
}

int header_each(const struct report *report, void (*each)(void *context, const char *word, const char *text), void *context) {
    g_autoptr(GString) line = g_string_new(NULL);
    guint accounts = report->accounts->len;
    for (guint i = 0; i < accounts && i < ACCOUNTS_SHOWN; i++) {
        const struct account *account = report->accounts->pdata[i];
        g_string_truncate(line, 0);
        add_account(line, account);
        each(context, "Account", line->str);
        g_string_truncate(line, 0);
        add_days(line, account, account->days);
        g_string_append_printf(line, ", by %s", date_type_words(report->date_type));
        each(context, "Period", line->str);
        if (account->before.from > account->before.to) continue;
        g_string_truncate(line, 0);
        add_days(line, account, account->before);
        each(context, "Before", line->str);
    }
    if (accounts > ACCOUNTS_SHOWN) {
        g_string_printf(line, "%u more", accounts - ACCOUNTS_SHOWN);
        each(context, "Accounts", line->str);
    }
    char time[TIME_TEXT_SIZE] = "the beginning";
    if (report->status.stream_time != NONE) time_print(report->status.stream_time, time);
    g_string_printf(line, "%s (stream time), seal %" PRId64 ", rules %" PRId32, time, report->status.next_seal - 1,
                    report->status.rules_version);
    each(context, "As of", line->str);
    g_string_truncate(line, 0);
    add_unknown(line, report);
    each(context, "Not known", line->str);
    g_string_truncate(line, 0);
    int result = fold_view_settings(
        report->store, str_of(accounts == 1 ? ((const struct account *)report->accounts->pdata[0])->tenant : "*"), add_setting, line);
    if (accounts > 1) g_string_append(line, "; accounts may have their own");
    each(context, "Settings", line->str);
    return result;
}

#define TEXT_WIDTH 100

/* Long texts go on below where they began. Names and zones come from outside: they may hold anything. */
static void print_line(void *context, const char *word, const char *text) {
    FILE *out = context;
    g_autofree char *safe = g_strdup(text);
    for (char *at = safe; *at; at++)
        if (g_ascii_iscntrl(*at)) *at = '?';
    const char *rest = safe, *space;
    fprintf(out, "%-11s", word);
    while (strlen(rest) > TEXT_WIDTH && (space = g_strrstr_len(rest, TEXT_WIDTH, " ")) != NULL) {
        fprintf(out, "%.*s\n%-11s", (int)(space - rest), rest, "");
        rest = space + 1;
    }
    fprintf(out, "%s\n", rest);
}

int header_print(FILE *out, const struct report *report) {
    fputs("Unbooked and Abandoned Calls\n", out);
    int result = header_each(report, print_line, out);
    fputc('\n', out);
    return result;
}

/* ---- for programs */

static json_t *text_json(const char *text) {
    json_t *json = json_string(text);
    return json ? json : json_string("?"); /* not UTF-8 */
}

static json_t *time_json(int64_t at) {
    char text[TIME_TEXT_SIZE];
    return at == NONE ? json_null() : json_string(time_print(at, text));
}

/* The days, and the moments between which they lie. */
static json_t *days_json(const struct account *account, struct days days) {
    char from[DAY_TEXT_SIZE], to[DAY_TEXT_SIZE];
    if (days.from > days.to) return json_null();
    json_t *json = json_pack("{s:s, s:s}", "from", day_print(days.from, from), "to", day_print(days.to, to));
    json_object_set_new(json, "begins", days.from == DAY_MIN ? json_null() : time_json(zone_day_begins(account->zone, days.from)));
    json_object_set_new(json, "ends", days.to == DAY_MAX ? json_null() : time_json(zone_day_begins(account->zone, days.to + 1)));
    return json;
}

static int setting_json(void *context, struct str key, struct str value, struct str scope) {
    g_autofree char *name = g_strndup(key.ptr, key.len);
    (void)scope;
    json_object_set_new(context, name, json_stringn(value.ptr, value.len));
    return 0;
}

static int accounts_json(const struct report *report, json_t *accounts) {
    int result = 0;
    for (guint i = 0; i < report->accounts->len && result == 0; i++) {
        const struct account *account = report->accounts->pdata[i];
        json_t *json = json_object(), *settings = json_object();
        json_object_set_new(json, "tenant", text_json(account->tenant));
        json_object_set_new(json, "name", text_json(account->name));
        json_object_set_new(json, "zone", text_json(zone_name(account->zone)));
        if (account->zone_unknown) json_object_set_new(json, "zone_unknown", text_json(account->zone_unknown));
        json_object_set_new(json, "week_start", json_string(week_starts[account->week_start]));
        json_object_set_new(json, "period", days_json(account, account->days));
        json_object_set_new(json, "before", days_json(account, account->before));
        result = fold_view_settings(report->store, str_of(account->tenant), setting_json, settings);
        json_object_set_new(json, "settings", settings);
        json_array_append_new(accounts, json);
    }
    return result;
}

int header_write(const char *path, const struct report *report) {
    json_t *header = json_object(), *accounts = json_array(), *rejected = json_object();
    json_object_set_new(header, "report", json_string("unbooked-abandoned"));
    json_object_set_new(header, "as_of", time_json(report->status.stream_time));
    json_object_set_new(header, "counted_from", time_json(report->now));
    json_object_set_new(header, "seal", json_integer(report->status.next_seal - 1));
    json_object_set_new(header, "rules_version", json_integer(report->status.rules_version));
    json_object_set_new(header, "date_type", json_string(date_type_words(report->date_type)));
    for (int reason = 0; reason < REJECT_REASONS; reason++)
        json_object_set_new(rejected, symbol_text("RejectReason", reason), json_integer((json_int_t)report->status.rejected[reason]));
    json_object_set_new(header, "rejected", rejected);
    json_object_set_new(header, "lost_calls", json_integer((json_int_t)report->lost));
    json_object_set_new(header, "calls_in_progress", json_integer((json_int_t)report->in_progress));
    json_object_set_new(header, "gaps", json_integer((json_int_t)report->status.gaps));
    json_object_set_new(header, "accounts", accounts);
    int result = accounts_json(report, accounts);
    g_autofree char *text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    if (result < 0) return result;
    FILE *out = fopen(path, "w");
    bool written = out && text && fprintf(out, "%s\n", text) > 0;
    if (out) written = fclose(out) == 0 && written;
    if (written) return 0;
    complain("--header: %s cannot be written. Name a file in a directory that exists and is yours.", path);
    return EXIT_FAILED;
}
