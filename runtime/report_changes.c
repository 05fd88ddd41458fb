#include "report_changes.h"

#include <jansson.h>
#include <stdlib.h>

#include "../schemas/codec/codec.h"
#include "../schemas/codec/time_text.h"
#include "view.h"

/* What concerned a call: one record or timer, however many outputs came of it. */
struct happening {
    int64_t at; /* ms: when it acted */
    char *what; /* "JobBooked", "timer COLD"; owned */
    char *id;   /* of the event; NULL: a timer. Owned */
};

static void happening_clear(gpointer pointer) {
    struct happening *cause = pointer;
    g_free(cause->what);
    g_free(cause->id);
}

static void causes_free(gpointer array) { g_array_free(array, TRUE); }

/* Ids hold no newline. The caller frees. */
static char *key_of(struct str tenant, struct str call_id) {
    return g_strdup_printf("%.*s\n%.*s", (int)tenant.len, tenant.ptr, (int)call_id.len, call_id.ptr);
}

#define OF_THE_ACCOUNT STR("") /* in place of a call's id: what concerned all of an account's calls */

/* ---- lines, encoded */

static GBytes *encoded_line(const struct reported *reported) {
    struct report_room room;
    struct report_row row;
    report_fill(reported, &room, &row);
    row.account = STR("");
    row.agent_name = row.customer_name = row.queue_name = STR_NULL;
    size_t size = codec_write(&shape_report_row, &row, NULL, 0);
    uint8_t *bytes = g_malloc(size);
    codec_write(&shape_report_row, &row, bytes, size);
    return g_bytes_new_take(bytes, size);
}

static json_t *decoded_line(GBytes *line) {
    const char *schema = schema_text("ReportRow");
    char error[200];
    struct plan *plan;
    struct report_row row;
    struct refusal why;
    g_autofree struct scratch *scratch = g_new(struct scratch, 1);
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(line, &size);
    if (plan_make(&plan, schema, strlen(schema), &shape_report_row, error, sizeof error) < 0) g_error("ReportRow: %s", error);
    if (codec_read(plan, bytes, size, &row, scratch, &why) < 0) g_error("a line that was written here: %s", why.detail);
    char *text = json_write(&shape_report_row, &row);
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    if (!json) g_error("no memory");
    free(text);
    plan_free(plan);
    return json;
}

/* ---- reading */

static int remember_line(void *context, const struct reported *reported) {
    struct changes *changes = context;
    if (reported->listed)
        g_hash_table_insert(changes->then, key_of(reported->call->tenant, reported->call->call_id), encoded_line(reported));
    return 0;
}

/* The report as it would have been printed now, over the state as far as it is read. */
static int take_report(struct changes *changes, const struct reader_at *at) {
    struct report then = {.filter = changes->report->filter, .date_type = changes->report->date_type};
    struct report_choice choice = *changes->choice;
    choice.tenant = NULL; /* it may not have been announced then */
    int result = fold_flush(at->fold);
    if (result == 0) result = report_open(&then, at->store, &choice);
    if (result == 0) result = report_scan(&then, false, remember_line, changes);
    changes->taken_at = then.status.stream_time;
    report_free(&then);
    return result < 0 ? fail_store(changes->failure, result, "the state that is built", store_error(at->store)) : 0;
}

/* Takes the happening. */
static void add_happening(struct changes *changes, struct str tenant, struct str call_id, struct happening happening) {
    char *key = key_of(tenant, call_id);
    GArray *causes = g_hash_table_lookup(changes->causes, key);
    if (!causes) {
        causes = g_array_new(FALSE, FALSE, sizeof(struct happening));
        g_array_set_clear_func(causes, happening_clear);
        g_hash_table_insert(changes->causes, key, causes);
    } else {
        g_free(key);
    }
    const struct happening *last = causes->len ? &g_array_index(causes, struct happening, causes->len - 1) : NULL;
    if (last && last->at == happening.at && strcmp(last->what, happening.what) == 0 && g_strcmp0(last->id, happening.id) == 0)
        happening_clear(&happening);
    else
        g_array_append_val(causes, happening);
}

/* An account that has another zone or week has its calls on other days; no output says so. */
static void add_account_change(struct changes *changes, const struct journal_record *record) {
    const struct event *event = &record->body.event;
    if (record->type != JOURNAL_EVENT || event->type != EVENT_TENANT_CHANGED) return;
    struct happening happening = {event->occurred_at, g_strdup(event_type_text(EVENT_TENANT_CHANGED)),
                                  g_strndup(event->event_id.ptr, event->event_id.len)};
    add_happening(changes, event->tenant, OF_THE_ACCOUNT, happening);
}

static int before_record(void *context, const struct reader_at *at) {
    struct changes *changes = context;
    int result = 0;
    changes->at = at;
    if (!changes->taken && fold_time_after(at->fold, at->record) > changes->since) {
        changes->taken = true;
        result = take_report(changes, at);
    }
    if (changes->taken) add_account_change(changes, at->record);
    return result;
}

static void add_cause(struct changes *changes, struct str tenant, struct str call_id) {
    struct fold_step step;
    const struct journal_record *record = changes->at->record;
    bool is_event = record->type == JOURNAL_EVENT;
    fold_step(changes->at->fold, &step);
    const char *name = step.timer ? NULL : is_event ? event_type_text((enum event_type)record->body.event.type) : "seal";
    struct str id = !step.timer && is_event ? record->body.event.event_id : STR_NULL;
    struct happening happening = {step.at, name ? g_strdup(name) : g_strdup_printf("timer %s", step.timer),
                                  id.ptr ? g_strndup(id.ptr, id.len) : NULL};
    add_happening(changes, tenant, call_id, happening);
}

static int each_output(void *context, const struct output *output) {
    struct changes *changes = context;
    struct fold_step step;
    if (!changes->taken) return 0;
    fold_step(changes->at->fold, &step);
    if (output->is_tombstone) { /* only timer RETAIN makes them */
        if (step.timer) add_cause(changes, step.tenant, step.call_id);
        return 0;
    }
    if (output->topic == TOPIC_CALLS_CLASSIFIED)
        add_cause(changes, output->body.classified_call.tenant, output->body.classified_call.call_id);
    if (output->topic == TOPIC_FOLLOWUPS) add_cause(changes, output->body.followup.tenant, output->body.followup.call_id);
    return 0;
}

int changes_read(struct changes *changes, struct replay *replay) {
    changes->then = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    changes->causes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, causes_free);
    changes->taken_at = NONE;
    struct reader_query query = {.until = changes->until, .before = before_record, .output = each_output, .context = changes};
    return replay_run(replay, &query, "reading the journal again:");
}

void changes_free(struct changes *changes) {
    if (changes->then) g_hash_table_destroy(changes->then);
    if (changes->causes) g_hash_table_destroy(changes->causes);
}

/* ---- printing */

enum kind { APPEARED, CHANGED, GONE };
static const char *const kinds[] = {"APPEARED", "CHANGED", "GONE"};

struct printing {
    struct changes *changes;
    enum report_format format;
    struct printer *printer;
    uint64_t counts[3];
};

static json_t *causes_json(const GArray *causes) {
    json_t *list = json_array();
    for (guint i = 0; i < causes->len; i++) {
        const struct happening *cause = &g_array_index(causes, struct happening, i);
        char at[TIME_TEXT_SIZE];
        json_t *json = json_pack("{s:s, s:s}", "at", time_print(cause->at, at), "by", cause->what);
        if (cause->id) json_object_set_new(json, "event_id", json_string(cause->id));
        json_array_append_new(list, json);
    }
    return list;
}

/* The fields of `from` that `other` has not, or has otherwise. */
static json_t *other_fields(const json_t *from, const json_t *other) {
    json_t *fields = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(guintptr)from, name, value) {
        if (!json_equal(value, json_object_get(other, name))) json_object_set(fields, name, value);
    }
    return fields;
}

static void append_value(GString *text, const json_t *value) {
    g_autofree char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : g_strdup("nothing");
    g_string_append(text, json_is_string(value) ? json_string_value(value) : dump);
}

/* "status NEW -> RESOLVED, outcome nothing -> CONVERTED" */
static char *changes_text(const json_t *before, const json_t *after) {
    GString *text = g_string_new(NULL);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(guintptr)after, name, value) {
        g_string_append_printf(text, "%s%s ", text->len ? ", " : "", name);
        append_value(text, json_object_get(before, name));
        g_string_append(text, " -> ");
        append_value(text, value);
    }
    json_object_foreach((json_t *)(guintptr)before, name, value) {
        if (json_object_get(after, name)) continue;
        g_string_append_printf(text, "%s%s ", text->len ? ", " : "", name);
        append_value(text, value);
        g_string_append(text, " -> nothing");
    }
    return g_string_free(text, FALSE);
}

static char *causes_text(const GArray *causes) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < causes->len; i++) {
        const struct happening *cause = &g_array_index(causes, struct happening, i);
        char at[TIME_TEXT_SIZE];
        g_string_append_printf(text, "%s%s", text->len ? ", " : "", cause->what);
        if (cause->id) g_string_append_printf(text, " %s", cause->id);
        g_string_append_printf(text, " at %s", time_print(cause->at, at));
    }
    return g_string_free(text, FALSE);
}

/* What concerned a call; and what concerned its account, where the call is on the wall of another zone or nothing else did it. The
 * caller's; the happenings in it are not. */
static GArray *causes_of(const struct changes *changes, const char *tenant, const char *key, const json_t *are) {
    g_autofree char *account = key_of(str_of(tenant), OF_THE_ACCOUNT);
    const GArray *own = g_hash_table_lookup(changes->causes, key), *all = g_hash_table_lookup(changes->causes, account);
    GArray *causes = g_array_new(FALSE, FALSE, sizeof(struct happening));
    if (all && (!own || json_object_get(are, "zone"))) g_array_append_vals(causes, all->data, all->len);
    if (own) g_array_append_vals(causes, own->data, own->len);
    return causes;
}

/* before and after: lines; NULL where it was not, or is not, listed. */
static int print_change(struct printing *printing, const char *key, GBytes *before, GBytes *after) {
    enum kind kind = !before ? APPEARED : !after ? GONE : CHANGED;
    g_auto(GStrv) ids = g_strsplit(key, "\n", 2);
    json_t *then = before ? decoded_line(before) : json_object(), *now = after ? decoded_line(after) : json_object();
    json_t *were = kind == APPEARED ? json_object() : other_fields(then, now),
           *are = kind == GONE ? json_object() : other_fields(now, then);
    g_autoptr(GArray) causes = causes_of(printing->changes, ids[0], key, are);
    printing->counts[kind]++;
    if (printing->format == FORMAT_JSON) {
        json_t *line = json_pack("{s:s, s:s, s:s, s:O, s:O, s:o}", "tenant", ids[0], "call_id", ids[1], "change", kinds[kind], "before",
                                 were, "after", are, "causes", causes_json(causes));
        json_dumpf(line, stdout, JSON_COMPACT);
        fputc('\n', stdout);
        json_decref(line);
    } else {
        g_autofree char *what =
            kind == CHANGED ? changes_text(were, are) : g_strdup(json_string_value(json_object_get(kind == GONE ? then : now, "type")));
        g_autofree char *by = causes_text(causes);
        print_text(printing->printer, str_of(ids[1]));
        print_text(printing->printer, str_of(ids[0]));
        print_symbol(printing->printer, kinds[kind]);
        print_text(printing->printer, str_of(what));
        print_text(printing->printer, str_of(by));
    }
    json_decref(were);
    json_decref(are);
    json_decref(then);
    json_decref(now);
    return ferror(stdout) ? 1 : 0;
}

static int compare_line(void *context, const struct reported *reported) {
    struct printing *printing = context;
    if (!reported->listed) return 0;
    g_autofree char *key = key_of(reported->call->tenant, reported->call->call_id);
    g_autoptr(GBytes) after = encoded_line(reported);
    GBytes *before = g_hash_table_lookup(printing->changes->then, key);
    int code = before && g_bytes_equal(before, after) ? 0 : print_change(printing, key, before, after);
    g_hash_table_remove(printing->changes->then, key);
    return code;
}

static int by_key(gconstpointer left, gconstpointer right) { return strcmp(left, right); }

/* What is left of then is listed no more; of other accounts than those asked for it never was. */
static int print_gone(struct printing *printing) {
    struct changes *changes = printing->changes;
    int code = 0;
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(changes->then), by_key);
    for (const GList *each = keys; each && code == 0; each = each->next) {
        const char *key = each->data;
        const char *tenant = changes->choice->tenant;
        if (tenant && !(g_str_has_prefix(key, tenant) && key[strlen(tenant)] == '\n')) continue;
        code = print_change(printing, key, g_hash_table_lookup(changes->then, key), NULL);
    }
    return code;
}

int changes_print(struct changes *changes, enum report_format format) {
    static const struct print_column columns[] = {
        {"ID", false, 0, 36}, {"Account", false, 2, 16}, {"Change", false, 0, 0}, {"What", false, 1, 60}, {"By", false, 3, 60}};
    struct printing printing = {.changes = changes, .format = format};
    if (format != FORMAT_JSON)
        printing.printer =
            printer_make(stdout, format == FORMAT_CSV ? PRINT_CSV : PRINT_TABLE, columns, G_N_ELEMENTS(columns), terminal_width());
    int code = changes->taken ? report_scan(changes->report, false, compare_line, &printing) : 0;
    if (code == 0 && changes->taken) code = print_gone(&printing);
    if (printing.printer) printer_finish(printing.printer);
    if (code < 0 || format != FORMAT_TABLE) return code;
    char then[TIME_TEXT_SIZE] = "the beginning";
    int64_t since = changes->taken ? changes->taken_at : changes->report->status.stream_time;
    if (since != NONE) time_print(since, then);
    uint64_t all = printing.counts[APPEARED] + printing.counts[CHANGED] + printing.counts[GONE];
    if (all == 0)
        printf("Nothing in this report has changed since %s (stream time).\n", then);
    else
        printf("\nSince %s (stream time): %" G_GUINT64_FORMAT " appeared, %" G_GUINT64_FORMAT " changed, %" G_GUINT64_FORMAT " gone.\n",
               then, printing.counts[APPEARED], printing.counts[CHANGED], printing.counts[GONE]);
    return code;
}
