#include "explain_print.h"

#include <glib.h>
#include <inttypes.h>

#include "../schemas/codec/time_text.h"
#include "print.h"
#include "zones.h"

#define TIME_WIDTH 14 /* "04:01:10.000  " */
#define FURTHER 2     /* how much further in the later lines of a paragraph are */
#define WIDTH 120     /* where there is no terminal */

struct page {
    FILE *out;
    struct zone *zone;     /* NULL: UTC */
    char day[11];          /* of the entry printed last */
    int width;             /* characters a line */
    json_t *call_id;       /* whose story it is */
    const char *follow_up; /* the row that is asked about, NULL: all */
};

/* ---- words ---- */

static int64_t wall(const struct page *page, int64_t at) { return page->zone ? zone_wall(page->zone, at) : at; }

static const char *text_at(json_t *object, const char *name) { return json_string_value(json_object_get(object, name)); }

/* "2026-03-02 04:01:10.000" where the wall of the page shows it; `text` as it is where it is no time. */
static char *time_words(const struct page *page, const char *text) {
    int64_t at;
    char shown[TIME_TEXT_SIZE];
    if (!text || !time_parse(str_of(text), &at)) return g_strdup(text ? text : "never");
    time_print(wall(page, at), shown);
    shown[10] = ' ';
    shown[23] = 0;
    return g_strdup(shown);
}

static char *duration_words(int64_t ms) {
    int64_t seconds = ms / 1000;
    if (ms < 60000) return g_strdup_printf("%" PRId64 ".%03" PRId64 " s", seconds, ms % 1000);
    if (seconds < 3600) return g_strdup_printf("%" PRId64 "m %02" PRId64 "s", seconds / 60, seconds % 60);
    return g_strdup_printf("%" PRId64 "h %02" PRId64 "m", seconds / 3600, seconds / 60 % 60);
}

static bool ends_with(const char *field, const char *end) { return g_str_has_suffix(field, end); }

static char *value_words(const struct page *page, const char *field, json_t *value) {
    if (!value || json_is_null(value)) return g_strdup("none");
    if (json_is_string(value) && ends_with(field, "_at")) return time_words(page, json_string_value(value));
    if (json_is_string(value)) return text_safe((struct str){json_string_value(value), (uint32_t)json_string_length(value)});
    if (json_is_integer(value) && ends_with(field, "_ms")) return duration_words(json_integer_value(value));
    if (json_is_boolean(value)) return g_strdup(json_is_true(value) ? "yes" : "no");
    g_autofree char *json = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    return text_safe(str_of(json));
}

/* "wait_ms" is shown as "wait". */
static char *field_words(const char *field) {
    char *words = g_strdup(field);
    size_t length = strlen(words);
    if (ends_with(field, "_ms")) words[length - 3] = 0;
    return g_strdelimit(words, "_", ' ');
}

/* One paragraph behind the times, with its later lines further in. */
static void line(const struct page *page, int indent, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void line(const struct page *page, int indent, const char *format, ...) {
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    g_auto(GStrv) words = g_strsplit(text, " ", 0);
    int column = 0;
    for (char **word = words; *word; word++) {
        int length = (int)g_utf8_strlen(*word, -1);
        if (column && column + 1 + length > page->width) {
            fputc('\n', page->out);
            column = 0;
        }
        int before = column ? 1 : TIME_WIDTH + indent + (word == words ? 0 : FURTHER);
        fprintf(page->out, "%*s%s", before, "", *word);
        column += before + length;
    }
    fputc('\n', page->out);
}

/* "; second_chance.acw_minutes = 10 by default" for each setting that had a say. */
static char *settings_words(json_t *settings) {
    GString *words = g_string_new(NULL);
    size_t n;
    json_t *setting;
    json_array_foreach(settings, n, setting) {
        const char *from = text_at(setting, "from");
        bool initial = g_strcmp0(from, "default") == 0;
        g_string_append_printf(words, "; %s = %s %s", text_at(setting, "key"), text_at(setting, "value"),
                               initial                     ? "by default"
                               : g_strcmp0(from, "*") == 0 ? "for all tenants"
                                                           : "for this tenant");
    }
    return g_string_free(words, FALSE);
}

/* ---- entries ---- */

static bool is_one_of(const char *word, const char *const *words) { return g_strv_contains(words, word); }

/* What an event says besides what it is about and when. */
static char *event_words(const struct page *page, json_t *event) {
    static const char *const known[] = {"type", "tenant", "event_id", "command_id", "occurred_at", "actor", NULL};
    GString *words = g_string_new(NULL);
    const char *field;
    json_t *value;
    json_object_foreach(event, field, value) {
        bool of_this = strcmp(field, "call_id") == 0 && json_equal(value, page->call_id);
        if (json_is_null(value) || of_this || is_one_of(field, known)) continue;
        g_autofree char *name = field_words(field), *text = value_words(page, field, value);
        g_string_append_printf(words, "%s%s %s", words->len ? ", " : ": ", name, text);
    }
    return g_string_free(words, FALSE);
}

static void print_time_of(struct page *page, json_t *entry) {
    g_autofree char *when = time_words(page, text_at(entry, "at"));
    if (strlen(when) < 23) {
        fprintf(page->out, "%-*s", TIME_WIDTH, "");
        return;
    }
    if (strncmp(when, page->day, 10) != 0) fprintf(page->out, "\n%.10s\n", when);
    g_strlcpy(page->day, when, sizeof page->day);
    fprintf(page->out, "%-*s", TIME_WIDTH, when + 11);
}

static void print_head(struct page *page, json_t *entry) {
    json_t *event = json_object_get(entry, "event");
    const char *timer = text_at(entry, "timer"), *other = text_at(entry, "call_id");
    print_time_of(page, entry);
    if (timer) {
        g_autofree char *call = text_safe(str_of(other ? other : ""));
        if (strcmp(timer, "RULES") == 0)
            fputs("the rules that were activated\n", page->out);
        else
            fprintf(page->out, "timer %s%s%s\n", timer, other ? " of call " : "", call);
    } else if (event) {
        const char *actor = text_at(event, "actor"), *id = text_at(event, "event_id");
        g_autofree char *by = text_safe(str_of(actor ? actor : "")), *words = event_words(page, event);
        g_autofree char *clean = text_safe(str_of(id ? id : text_at(event, "command_id")));
        fprintf(page->out, "%s%s%s%s  [%s]\n", text_at(event, "type"), actor ? " by " : "", by, words, clean);
    } else {
        fputs("a record of the network\n", page->out);
    }
    if (!json_is_true(json_object_get(entry, "late"))) return;
    g_autofree char *then = time_words(page, text_at(entry, "stream_time"));
    line(page, 0, "It came late: the clock stood at %s.", then);
}

/* What is worth a line: not what the title and the event itself say, nor, of a row that opens, what it has of its call. */
static bool is_news(const char *of, const char *field, bool first) {
    static const char *const of_call[] = {"direction", "started_at", "from", "to", "check_at", "ended_at", "ended_by", NULL};
    static const char *const of_row[] = {"status", "outcome",          "tab",          "attempt", "assignee",
                                         "job",    "resolved_by_call", "went_cold_at", NULL};
    if (strcmp(of, "call") == 0) return !is_one_of(field, of_call);
    return !first || is_one_of(field, of_row);
}

/* "status RESOLVED, was NEW; tab DONE, was OPEN": what changed of the call or a row. */
static char *change_words(const struct page *page, json_t *entry, const char *of) {
    GString *words = g_string_new(NULL);
    size_t n;
    json_t *change;
    json_array_foreach(json_object_get(entry, "changes"), n, change) {
        const char *field = text_at(change, "field");
        json_t *was = json_object_get(change, "before");
        bool first = json_is_null(was) || (json_is_integer(was) && json_integer_value(was) == 0);
        if (strcmp(text_at(change, "of"), of) != 0 || !is_news(of, field, first)) continue;
        g_autofree char *name = field_words(field), *before = value_words(page, field, was);
        g_autofree char *after = value_words(page, field, json_object_get(change, "after"));
        g_string_append_printf(words, "%s%s %s%s%s", words->len ? "; " : "", name, after, first ? "" : ", was ", first ? "" : before);
    }
    return g_string_free(words, FALSE);
}

static void print_whys(const struct page *page, json_t *entry, const char *of) {
    size_t n;
    json_t *why;
    json_array_foreach(json_object_get(entry, "why"), n, why) {
        if (strcmp(text_at(why, "of"), of) != 0 || !text_at(why, "because")) continue;
        g_autofree char *settings = settings_words(json_object_get(why, "settings"));
        line(page, 2, "%s (SPEC %s%s)", text_at(why, "because"), text_at(why, "spec"), settings);
    }
}

/* The version that a row got, 0: none. */
static json_int_t version_of(json_t *entry, const char *of, const char **change) {
    json_int_t version = 0;
    size_t n;
    json_t *why;
    json_array_foreach(json_object_get(entry, "why"), n, why) {
        if (strcmp(text_at(why, "of"), of) != 0 || !json_object_get(why, "version")) continue;
        version = json_integer_value(json_object_get(why, "version"));
        *change = text_at(why, "change");
    }
    return version;
}

/* What became of the call or a row, and below it why. */
static void print_subject(const struct page *page, json_t *entry, const char *of) {
    const char *change = NULL;
    json_int_t version = version_of(entry, of, &change);
    g_autofree char *words = change_words(page, entry, of), *name = text_safe(str_of(of));
    if (version)
        line(page, 0, "%s version %" JSON_INTEGER_FORMAT ", %s: %s", name, version, change, words);
    else if (*words)
        line(page, 0, "%s: %s", name, words);
    print_whys(page, entry, of);
}

/* The call, its rows and the command, each once, in the order in which they come. */
static void print_subjects(const struct page *page, json_t *entry) {
    g_autoptr(GPtrArray) subjects = g_ptr_array_new();
    const char *const lists[] = {"changes", "why"};
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
        size_t n;
        json_t *item;
        json_array_foreach(json_object_get(entry, lists[l]), n, item) {
            const char *of = text_at(item, "of");
            if (!g_ptr_array_find_with_equal_func(subjects, of, g_str_equal, NULL)) g_ptr_array_add(subjects, (gpointer)(uintptr_t)of);
        }
    }
    for (guint n = 0; n < subjects->len; n++) print_subject(page, entry, g_ptr_array_index(subjects, n));
}

/* STUCK is put off by every event of a call: only that it begins is news. */
static bool is_timer_news(json_t *timer) {
    return g_strcmp0(text_at(timer, "timer"), "STUCK") != 0 || (text_at(timer, "due") && !text_at(timer, "was"));
}

static void print_timers(const struct page *page, json_t *entry) {
    size_t n;
    json_t *timer;
    json_array_foreach(json_object_get(entry, "timers"), n, timer) {
        if (!is_timer_news(timer)) continue;
        const char *due = text_at(timer, "due"), *was = text_at(timer, "was"), *row = text_at(timer, "row");
        g_autofree char *words = time_words(page, due ? due : was), *settings = settings_words(json_object_get(timer, "settings"));
        const char *of = !row ? "" : strcmp(row, "SECOND_CHANCE") == 0 ? " of the second chance" : " of the abandoned row";
        const char *when = strncmp(words, page->day, 10) == 0 && strlen(words) > 11 ? words + 11 : words;
        if (due)
            line(page, 0, "timer %s%s %s %s: %s (SPEC %s%s)", text_at(timer, "timer"), of, was ? "moved to" : "set for", when,
                 text_at(timer, "because"), text_at(timer, "spec"), settings);
        else
            line(page, 0, "timer %s%s given up, was set for %s", text_at(timer, "timer"), of, when);
    }
}

static void print_outputs(const struct page *page, json_t *entry) {
    g_autoptr(GString) topics = g_string_new(NULL);
    size_t n;
    json_t *output;
    json_int_t seal = 0;
    json_array_foreach(json_object_get(entry, "outputs"), n, output) {
        g_autofree char *topic = g_ascii_strdown(text_at(output, "topic"), -1);
        const char *tombstone = json_is_true(json_object_get(output, "tombstone")) ? " (tombstone)" : "";
        g_string_append_printf(topics, "%s%s%s", n ? ", " : "", g_strdelimit(topic, "_", '-'), tombstone);
        seal = json_integer_value(json_object_get(output, "seal"));
    }
    if (topics->len) line(page, 0, "emitted with seal %" JSON_INTEGER_FORMAT ": %s", seal, topics->str);
}

static void print_others(const struct page *page, json_t *entry) {
    size_t n;
    json_t *other;
    json_array_foreach(json_object_get(entry, "others"), n, other) {
        const char *outcome = text_at(other, "outcome");
        g_autofree char *row = text_safe(str_of(text_at(other, "follow_up")));
        line(page, 0, "%s of another call: %s%s%s (%s)", row, text_at(other, "status"), outcome ? ", " : "", outcome ? outcome : "",
             text_at(other, "change"));
    }
}

static bool is_empty(json_t *entry) {
    static const char *const lists[] = {"changes", "why", "timers", "outputs", "others", "notes"};
    for (size_t n = 0; n < G_N_ELEMENTS(lists); n++)
        if (json_object_get(entry, lists[n])) return false;
    return true;
}

static void print_entry(struct page *page, json_t *entry) {
    size_t n;
    json_t *note;
    print_head(page, entry);
    json_array_foreach(json_object_get(entry, "notes"), n, note) {
        g_autofree char *text = text_safe(str_of(json_string_value(note)));
        line(page, 0, "%s", text);
    }
    print_subjects(page, entry);
    print_others(page, entry);
    print_timers(page, entry);
    print_outputs(page, entry);
    if (!text_at(entry, "timer") || !is_empty(entry)) return;
    g_autofree char *row = text_safe(str_of(page->follow_up ? page->follow_up : ""));
    line(page, 0, "nothing changes%s%s", *row ? " for " : "", row);
}

/* ---- the page ---- */

static void print_title(const struct page *page, json_t *story) {
    json_t *call = json_object_get(story, "call"), *row;
    g_autofree char *id = text_safe(str_of(text_at(story, "call_id"))), *tenant = text_safe(str_of(text_at(story, "tenant")));
    g_autofree char *name = text_safe(str_of(text_at(story, "name"))), *as_of = time_words(page, text_at(story, "as_of"));
    fprintf(page->out, "Call %s of %s%s%s%s\n", id, tenant, *name ? " (" : "", name, *name ? ")" : "");
    if (json_is_object(call)) {
        g_autofree char *started = time_words(page, text_at(call, "started_at")), *from = text_safe(str_of(text_at(call, "from")));
        g_autofree char *to = text_safe(str_of(text_at(call, "to")));
        fprintf(page->out, "%s from %s to %s, started %s: %s\n", text_at(call, "direction"), *from ? from : "nobody known",
                *to ? to : "nobody known", started, text_at(call, "type"));
    } else {
        fputs("The state holds no such call: it has not started, or retention_days have passed.\n", page->out);
    }
    const char *asked = page->follow_up; /* until it is met */
    size_t n;
    json_array_foreach(json_object_get(story, "rows"), n, row) {
        if (g_strcmp0(asked, text_at(row, "follow_up")) == 0) asked = NULL;
        const char *tab = text_at(row, "tab"), *outcome = text_at(row, "outcome");
        g_autofree char *follow_up = text_safe(str_of(text_at(row, "follow_up")));
        fprintf(page->out, "%s: %s%s%s%s%s, version %" JSON_INTEGER_FORMAT "\n", follow_up, tab ? tab : "", tab ? ", " : "",
                text_at(row, "status"), outcome && strcmp(outcome, text_at(row, "status")) != 0 ? ", " : "",
                outcome && strcmp(outcome, text_at(row, "status")) != 0 ? outcome : "",
                json_integer_value(json_object_get(row, "version")));
    }
    if (asked) {
        g_autofree char *follow_up = text_safe(str_of(asked));
        fprintf(page->out, "%s: there is no such row\n", follow_up);
    }
    json_t *rules = json_object_get(call, "rules_version");
    fprintf(page->out, "As of %s (stream time), seal %" JSON_INTEGER_FORMAT ".", as_of, json_integer_value(json_object_get(story, "seal")));
    if (rules) fprintf(page->out, " Version %" JSON_INTEGER_FORMAT " of the rules decides.", json_integer_value(rules));
    fprintf(page->out, " Times are those of %s.\n", page->zone ? zone_name(page->zone) : "UTC");
}

bool explain_print(FILE *out, json_t *story, const char *zone) {
    const char *name = zone ? zone : text_at(story, "zone");
    struct page page = {.out = out,
                        .width = terminal_width(),
                        .call_id = json_object_get(story, "call_id"),
                        .follow_up = text_at(story, "follow_up"),
                        .zone = name && strcmp(name, "UTC") != 0 ? zone_open(str_of(name)) : NULL};
    bool known = !name || strcmp(name, "UTC") == 0 || page.zone;
    if (!known && zone) return false;
    if (page.width < 2 * TIME_WIDTH) page.width = WIDTH;
    print_title(&page, story);
    size_t n;
    json_t *entry;
    json_array_foreach(json_object_get(story, "story"), n, entry) print_entry(&page, entry);
    if (page.zone) zone_close(page.zone);
    return known;
}
