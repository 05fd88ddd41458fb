#include "report_html.h"

#include <inttypes.h>
#include <stdarg.h>

#include "../schemas/codec/time_text.h"
#include "progress.h"
#include "report_header.h"
#include "view.h"

#define COLUMNS_MAX 62 /* of the chart by day: beyond, days are put together */

/* ---- small things */

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
}

/* What came from outside goes through here. */
static void put_text(const char *text) {
    g_autofree char *escaped = text_html(str_of(text));
    fputs(escaped, stdout);
}

static void put_number(int64_t number) {
    char text[32];
    fputs(grouped((uint64_t)number, text), stdout);
}

/* A share as a length, in hundredths of a percent; no floating point, so that the same report gives the same bytes. */
static void put_share(int64_t part, int64_t whole) {
    int64_t share = whole > 0 ? part * 10000 / whole : 0;
    put("%d.%02d%%", (int)(share / 100), (int)(share % 100));
}

static void put_rate(int64_t bp) {
    char text[32];
    put("%s", bp == NONE ? "–" : rate_print(bp, false, text));
}

/* "3 d 4 h", "2 h 05 min", "58 min", "45 s": begun units count, so that what is said to be within it is. */
static void put_duration(int64_t ms) {
    int64_t seconds = (ms + 999) / 1000, minutes = (seconds + 59) / 60, hours = (minutes + 59) / 60;
    if (ms == NONE)
        put("–");
    else if (hours >= 48)
        put("%" PRId64 " d %" PRId64 " h", hours / 24, hours % 24);
    else if (minutes >= 60)
        put("%" PRId64 " h %02" PRId64 " min", minutes / 60, minutes % 60);
    else if (seconds >= 60)
        put("%" PRId64 " min", minutes);
    else
        put("%" PRId64 " s", seconds);
}

static const struct figures *total_now(const struct board *board) {
    static const struct figures nothing;
    return board->total.groups->len ? &((const struct group *)board->total.groups->pdata[0])->now : &nothing;
}

static const struct figures *total_before(const struct board *board) {
    static const struct figures nothing;
    return board->total.groups->len ? &((const struct group *)board->total.groups->pdata[0])->before : &nothing;
}

/* ---- the head */

static const char *days_text(struct days days, char text[40]) {
    char from[DAY_TEXT_SIZE], to[DAY_TEXT_SIZE];
    day_print(days.from, from);
    day_print(days.to, to);
    if (days.from > days.to) return "no day";
    if (days.from == DAY_MIN && days.to == DAY_MAX) return "all days";
    if (days.from == DAY_MIN)
        g_snprintf(text, 40, "until %s", to);
    else if (days.to == DAY_MAX)
        g_snprintf(text, 40, "%s and later", from);
    else if (days.from == days.to)
        g_snprintf(text, 40, "%s", from);
    else
        g_snprintf(text, 40, "%s to %s", from, to);
    return text;
}

static void put_account_line(const struct report *report) {
    guint count = report->accounts->len;
    char text[40];
    put("<p>");
    for (guint i = 0; i < count && i < 3; i++) {
        put("%s<strong>", i ? ", " : "");
        put_text(((const struct account *)report->accounts->pdata[i])->name);
        put("</strong>");
    }
    if (count > 3) put(" and %u more accounts", count - 3);
    if (count > 0) {
        const struct account *first = report->accounts->pdata[0];
        bool same_days = true, same_zone = true;
        for (guint i = 1; i < count; i++) {
            const struct account *other = report->accounts->pdata[i];
            same_days = same_days && other->days.from == first->days.from && other->days.to == first->days.to;
            same_zone = same_zone && strcmp(zone_name(other->zone), zone_name(first->zone)) == 0;
        }
        put(" · %s by %s · ", same_days ? days_text(first->days, text) : "days of each account", date_type_words(report->date_type));
        put_text(same_zone ? zone_name(first->zone) : "time zones of the accounts");
    }
    put("</p>\n");
}

static void put_unknown(const struct report *report) {
    uint64_t rejected = 0;
    guint zones = 0;
    for (int reason = 0; reason < REJECT_REASONS; reason++) rejected += report->status.rejected[reason];
    for (guint i = 0; i < report->accounts->len; i++) zones += ((const struct account *)report->accounts->pdata[i])->zone_unknown != NULL;
    if (!rejected && !report->lost && !report->in_progress && !report->status.gaps && !zones) return;
    char a[32], b[32], c[32], d[32];
    put("<p class=\"unknown\"><strong>Not known.</strong> Rejected records: %s, lost calls: %s, calls in progress: %s, gaps in sources: %s",
        grouped(rejected, a), grouped(report->lost, b), grouped(report->in_progress, c), grouped(report->status.gaps, d));
    if (zones) put(", accounts whose time zone this machine has not: %u", zones);
    put(".</p>\n");
}

static void put_head(const struct report *report) {
    char time[TIME_TEXT_SIZE] = "the beginning";
    if (report->status.stream_time != NONE) time_print(report->status.stream_time, time);
    put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<title>Unbooked and Abandoned "
        "Calls</title>\n<style>%s</style>\n</head>\n<body>\n"
        "<a class=\"skip\" href=\"#calls\">Skip to the calls</a>\n<main>\n<header>\n<h1>Unbooked and Abandoned Calls</h1>\n",
        report_style);
    put_account_line(report);
    put("<p>As of %s, the time up to which all calls had been read</p>\n", time);
    put_unknown(report);
    put("</header>\n");
}

/* ---- tiles */

static void open_tile(const char *what) { put("<li><span class=\"what\">%s</span><span class=\"value\">", what); }

static void close_tile(const struct board *board, int64_t before, bool is_rate) {
    put("</span><span class=\"then\">");
    if (!board->total.has_before) {
        put("nothing to compare with");
    } else {
        put("before: ");
        if (is_rate)
            put_rate(before);
        else
            put_number(before);
    }
    put("</span></li>\n");
}

static void tile_of(const struct board *board, const char *what, int64_t number, int64_t rate, int64_t rate_before) {
    open_tile(what);
    put_number(number);
    put(" <small>");
    put_rate(rate);
    put("</small>");
    close_tile(board, rate_before, true);
}

static void put_tiles(const struct board *board) {
    const struct figures *now = total_now(board), *before = total_before(board);
    put("<ul class=\"tiles\" aria-label=\"The period in figures\">\n");
    open_tile("Calls");
    put_number(now->calls);
    close_tile(board, before->calls, false);
    tile_of(board, "Abandoned", now->abandoned, basis_points(now->abandoned, now->inbound),
            basis_points(before->abandoned, before->inbound));
    tile_of(board, "Unbooked", now->unbooked, basis_points(now->unbooked, now->calls), basis_points(before->unbooked, before->calls));
    tile_of(board, "Recovered", figures_recovered(now), basis_points(figures_recovered(now), now->rows),
            basis_points(figures_recovered(before), before->rows));
    open_tile("Half of those tried: within");
    put_duration(figures_percentile(now, 50));
    put("</span><span class=\"then\">90 %% within ");
    put_duration(figures_percentile(now, 90));
    put("</span></li>\n</ul>\n");
}

/* ---- bars */

static void bar_row(const char *label, int64_t number, int64_t most, int64_t whole, const char *colour) {
    put("<tr><th scope=\"row\">");
    put_text(label);
    put("</th><td class=\"number\">");
    put_number(number);
    put("</td><td class=\"number soft\">");
    put_rate(basis_points(number, whole));
    put("</td><td class=\"bar %s\" aria-hidden=\"true\"><i%s style=\"--w:", colour, number ? "" : " class=\"none\"");
    put_share(number, most);
    put("\"></i></td></tr>\n");
}

/* A bar chart is a table: names, numbers, shares, and bars for the eye. */
static void put_bars(const char *title, const char *note, const char *first, const char *const *labels, const int64_t *numbers, int count,
                     int64_t whole, const char *colour) {
    int64_t most = 0;
    for (int i = 0; i < count; i++) most = MAX(most, numbers[i]);
    put("<section><h2>%s</h2><p class=\"note\">%s</p>", title, note);
    if (most == 0) {
        put("<p class=\"empty\">None in this period.</p></section>\n");
        return;
    }
    put("<table class=\"bars\"><thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"number\">Calls</th><th scope=\"col\" "
        "class=\"number\">Share</th>"
        "<td></td></tr></thead><tbody>\n",
        first);
    for (int i = 0; i < count; i++) bar_row(labels[i], numbers[i], most, whole, colour);
    put("</tbody></table></section>\n");
}

static void put_small_charts(const struct board *board) {
    static const char *const steps[FUNNEL_STEPS] = {"Abandoned", "Attempted or called again", "Reached", "Booked"};
    static const char *const wheres[WHERES] = {"In the greeting", "In the menu", "In a queue", "While it rang"};
    int64_t abandoned = 0, rows = 0;
    for (int i = 0; i < WHERES; i++) abandoned += board->where[i];
    for (int i = 0; i < WAITS; i++) rows += board->waits[i];
    put("<div class=\"grid\">\n");
    put_bars("From abandoned to booked", "Callers who hung up before an agent, and how far they were won back.", "Step", steps,
             board->funnel, FUNNEL_STEPS, board->funnel[FUNNEL_ABANDONED], "recovered");
    put_bars("Where callers gave up", "The last place that an abandoned call had reached.", "Place", wheres, board->where, WHERES,
             abandoned, "abandoned");
    put_bars("Time to the first attempt", "From the end of the call until a person tried to reach the caller.", "Attempted", wait_words,
             board->waits, WAITS, rows, "unbooked");
    put("</div>\n");
}

/* ---- by hour and weekday */

static void put_heat(const struct report *report, const struct board *board) {
    static const char *const names[7] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    static const int first[] = {[WEEK_MONDAY] = 0, [WEEK_SUNDAY] = 6, [WEEK_SATURDAY] = 5};
    int start = report->accounts->len ? first[((const struct account *)report->accounts->pdata[0])->week_start] : 0;
    int64_t most = 0;
    for (int cell = 0; cell < 7 * 24; cell++) most = MAX(most, board->heat[cell / 24][cell % 24]);
    put("<section><h2>When they call</h2><p class=\"note\">Unbooked and abandoned calls by weekday and hour; the stronger the colour, the "
        "more%s.</p>"
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Calls by weekday and hour\"><table "
        "class=\"heat\"><thead><tr><td></td>",
        most ? "" : ": there are none in this period");
    for (int hour = 0; hour < 24; hour++) put("<th scope=\"col\">%02d</th>", hour);
    put("</tr></thead><tbody>\n");
    for (int i = 0; i < 7; i++) {
        int day = (start + i) % 7;
        put("<tr><th scope=\"row\">%s</th>", names[day]);
        for (int hour = 0; hour < 24; hour++) {
            int64_t calls = board->heat[day][hour];
            int level = calls == 0 ? 0 : (int)((calls * 5 + most - 1) / most);
            put("<td class=\"h%d\" title=\"%s %02d:00: %" PRId64 " of %" PRId64 " calls\">%" PRId64 "</td>", level, names[day], hour, calls,
                board->heat_calls[day][hour], calls);
        }
        put("</tr>\n");
    }
    put("</tbody></table></div></section>\n");
}

/* ---- day by day */

struct bucket {
    int64_t from, abandoned, unbooked, missed;
};

/* Days that follow one another, put together where there are many. */
static GArray *buckets_of(const struct comparison *days, int64_t *width) {
    GArray *buckets = g_array_new(FALSE, TRUE, sizeof(struct bucket));
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (guint i = 0; i < days->groups->len; i++) {
        const struct group *group = days->groups->pdata[i];
        if (!group->now.calls) continue;
        first = MIN(first, group->rank);
        last = MAX(last, group->rank);
    }
    if (first > last) return buckets;
    *width = last - first < COLUMNS_MAX ? 1 : last - first < 7 * COLUMNS_MAX ? 7 : (last - first) / COLUMNS_MAX + 1;
    g_array_set_size(buckets, (guint)((last - first) / *width + 1));
    for (guint i = 0; i < buckets->len; i++) g_array_index(buckets, struct bucket, i).from = first + i * *width;
    for (guint i = 0; i < days->groups->len; i++) {
        const struct group *group = days->groups->pdata[i];
        if (group->rank < first || group->rank > last) continue;
        struct bucket *bucket = &g_array_index(buckets, struct bucket, (guint)((group->rank - first) / *width));
        bucket->abandoned += group->now.abandoned;
        bucket->unbooked += group->now.unbooked;
        bucket->missed += group->now.missed;
    }
    return buckets;
}

static void put_key(void) {
    put("<ul class=\"key\"><li><i class=\"abandoned\"></i>Abandoned</li><li><i class=\"unbooked\"></i>Unbooked</li><li><i "
        "class=\"missed\"></i>Missed</li></ul>");
}

static void put_column(const struct bucket *bucket, int64_t most) {
    const struct {
        const char *colour;
        int64_t number;
    } parts[] = {{"abandoned", bucket->abandoned}, {"unbooked", bucket->unbooked}, {"missed", bucket->missed}};
    put("<div>");
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!parts[i].number) continue;
        put("<i class=\"%s\" style=\"--w:", parts[i].colour);
        put_share(parts[i].number, most);
        put("\"></i>");
    }
    put("</div>");
}

static void put_days(const struct board *board) {
    int64_t width = 1, most = 0;
    char text[DAY_TEXT_SIZE];
    g_autoptr(GArray) buckets = buckets_of(&board->days, &width);
    if (buckets->len < 2) return;
    const struct bucket *all = &g_array_index(buckets, struct bucket, 0);
    for (guint i = 0; i < buckets->len; i++) most = MAX(most, all[i].abandoned + all[i].unbooked + all[i].missed);
    const char *what = width == 1 ? "Day by day" : width == 7 ? "Week by week" : "Over time";
    put("<section><h2>%s</h2><p class=\"note\">", what);
    put(width == 1 ? "The highest column is a day with " : "The highest column is %" PRId64 " days with ", width);
    put_number(most);
    put(" unbooked, abandoned and missed calls.</p>");
    put_key();
    put("<div class=\"columns\" role=\"img\" aria-label=\"%s; the figures are in the table below\">", what);
    for (guint i = 0; i < buckets->len; i++) put_column(&all[i], most);
    put("</div>\n<div class=\"ends\" aria-hidden=\"true\"><span>%s</span>", day_print((int32_t)all[0].from, text));
    put("<span>%s</span></div>", day_print((int32_t)all[buckets->len - 1].from, text));
    put("<details><summary>Figures</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s, figures\"><table "
        "class=\"list\"><thead><tr>"
        "<th scope=\"col\">%s</th><th scope=\"col\" class=\"number\">Abandoned</th><th scope=\"col\" class=\"number\">Unbooked</th>"
        "<th scope=\"col\" class=\"number\">Missed</th></tr></thead><tbody>\n",
        what, width == 1 ? "Day" : "From");
    for (guint i = 0; i < buckets->len; i++)
        put("<tr><th scope=\"row\">%s</th><td class=\"number\">%" PRId64 "</td><td class=\"number\">%" PRId64
            "</td><td class=\"number\">%" PRId64 "</td></tr>\n",
            day_print((int32_t)all[i].from, text), all[i].abandoned, all[i].unbooked, all[i].missed);
    put("</tbody></table></div></details></section>\n");
}

/* ---- side by side */

#define SIDES_SHOWN 12

static void put_side(const struct report *report, const struct report_group *group, int64_t most) {
    const struct {
        const char *colour;
        int64_t number;
    } parts[] = {{"abandoned", group->abandoned}, {"unbooked", group->unbooked}, {"recovered", group->recovered}};
    struct str label = first_known(group->name, first_known(group->group, STR("(none)")));
    g_autofree char *name = text_html(label), *account = text_html(group->account);
    put("<tr><th scope=\"row\">%s", name);
    if (group->account.len && report->accounts->len > 1) put(" <span class=\"soft\">%s</span>", account);
    put("</th><td class=\"number\">");
    put_number(group->calls);
    put("</td><td class=\"number\">");
    put_rate(group->abandoned_rate_bp);
    put("</td><td class=\"number\">");
    put_rate(group->unbooked_rate_bp);
    put("</td><td class=\"number\">");
    put_rate(group->recovered_rate_bp);
    put("</td><td class=\"bar\" aria-hidden=\"true\">");
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        put("<i class=\"%s%s\" style=\"--w:", parts[i].colour, parts[i].number ? "" : " none");
        put_share(parts[i].number, most);
        put("\"></i>");
    }
    put("</td></tr>\n");
}

static void put_all_sides(const struct board *board, const char *title) {
    struct lines lines;
    put("<details><summary>All figures</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s, all figures\"><table "
        "class=\"list\">",
        title);
    struct report_group group;
    static const char *const names[] = {"campaign", "queue", "agent", "hour", "day"};
    lines_open_groups(&lines, FORMAT_HTML, names[board->chosen.by], board->chosen.by <= COMPARE_AGENT);
    for (guint i = 0; i < board->chosen.groups->len; i++) {
        group_fill(&board->chosen, board->chosen.groups->pdata[i], &group);
        lines_add_group(&lines, &group);
    }
    lines_finish(&lines);
    put("</table></div></details>");
}

static void put_sides(const struct report *report, const struct board *board) {
    static const char *const titles[] = {"Campaigns side by side", "Queues side by side", "Agents side by side", "Hours side by side",
                                         "Days side by side"};
    static const char *const firsts[] = {"Campaign", "Queue", "Agent", "Hour", "Day"};
    const GPtrArray *groups = board->chosen.groups;
    bool in_order = board->chosen.by >= COMPARE_HOUR; /* of these no one is more important */
    guint shown = in_order ? groups->len : MIN(groups->len, SIDES_SHOWN);
    int64_t most = 0;
    for (guint i = 0; i < shown; i++) {
        const struct figures *now = &((const struct group *)groups->pdata[i])->now;
        most = MAX(most, MAX(MAX(now->abandoned, now->unbooked), figures_recovered(now)));
    }
    put("<section class=\"long\"><h2>%s</h2><p class=\"note\">Rates are of the calls that came in (abandoned), of all calls (unbooked) and "
        "of the rows to follow up (recovered).",
        titles[board->chosen.by]);
    if (shown < groups->len) put(" The %u with the most abandoned and unbooked calls of %u.", shown, groups->len);
    put("</p>");
    if (shown == 0) {
        put("<p class=\"empty\">No calls in this period.</p></section>\n");
        return;
    }
    put("<ul class=\"key\"><li><i class=\"abandoned\"></i>Abandoned</li><li><i class=\"unbooked\"></i>Unbooked</li><li><i "
        "class=\"recovered\"></i>Recovered</li></ul>"
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"bars sides\"><thead><tr><th "
        "scope=\"col\">%s</th>"
        "<th scope=\"col\" class=\"number\">Calls</th><th scope=\"col\" class=\"number\">Abandoned</th><th scope=\"col\" "
        "class=\"number\">Unbooked</th>"
        "<th scope=\"col\" class=\"number\">Recovered</th><td></td></tr></thead><tbody>\n",
        titles[board->chosen.by], firsts[board->chosen.by]);
    for (guint i = 0; i < shown; i++) {
        struct report_group group;
        group_fill(&board->chosen, groups->pdata[i], &group);
        put_side(report, &group, most);
    }
    put("</tbody></table></div>");
    put_all_sides(board, titles[board->chosen.by]);
    put("</section>\n");
}

/* ---- the page */

void html_begin(const struct report *report, const struct board *board) {
    put_head(report);
    put_tiles(board);
    put_small_charts(board);
    put_heat(report, board);
    put_days(board);
    put_sides(report, board);
    put("<section class=\"long\" id=\"calls\"><h2>The calls</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The "
        "calls\"><table class=\"list\">");
}

static void put_term(void *context, const char *word, const char *text) {
    (void)context;
    put("<dt>%s</dt><dd>", word);
    put_text(text);
    put("</dd>\n");
}

int html_end(const struct report *report, const struct board *board, uint64_t shown, bool cut) {
    put("</table></div>");
    if (shown == 0 && !cut) put("<p class=\"empty\">No calls match.</p>");
    if (cut) {
        put("<p class=\"empty\">The first ");
        put_number((int64_t)shown);
        put(" of ");
        put_number(figures_listed(total_now(board)));
        put(" are shown. --limit shows more; --format csv has them all.</p>");
    }
    put("</section>\n<section><h2>What this is made of</h2><dl>\n");
    int result = header_each(report, put_term, NULL);
    put("</dl></section>\n</main>\n</body>\n</html>\n");
    return result;
}
