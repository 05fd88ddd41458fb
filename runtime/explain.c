#include "explain.h"

#include <glib.h>
#include <stdio.h>

#include "../schemas/codec/time_text.h"
#include "data_dir.h"
#include "explain_story.h"
#include "replay.h"

#define TENANTS_SHOWN 5

/* ---- whose call it is ---- */

struct search {
    const char *id, *tenant; /* tenant: NULL: any */
    const char *rest;        /* the id behind ab- or sc-, NULL: it is no row's */
    GHashTable *exact, *row; /* sets of tenants that have a call of this id; whose row it may be */
    bool rules;              /* others were activated: which record they judge a call again at depends on the other tenants' calls */
};

static bool has_row_prefix(const char *id) { return strncmp(id, "ab-", 3) == 0 || strncmp(id, "sc-", 3) == 0; }

static void search_add(GHashTable *tenants, struct str tenant) {
    char name[ID_BYTES_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)tenant.len, tenant.ptr);
    if (!g_hash_table_contains(tenants, name)) g_hash_table_add(tenants, g_strdup(name));
}

static int search_record(void *context, const struct journal_record *record) {
    struct search *search = context;
    const struct event *event = &record->body.event;
    if (fold_rules_asked(record) > FOLD_RULES_FIRST) search->rules = true;
    if (record->type != JOURNAL_EVENT || event_subject((enum event_type)event->type) != SUBJECT_CALL) return 0;
    if (search->tenant && !str_equal(event->tenant, str_of(search->tenant))) return 0;
    if (str_equal(event->body.subject, str_of(search->id))) search_add(search->exact, event->tenant);
    if (search->rest && str_equal(event->body.subject, str_of(search->rest))) search_add(search->row, event->tenant);
    return 0;
}

static int not_found(const struct search *search, struct failure *failure) {
    char whose[ID_BYTES_MAX + 16] = "";
    if (search->tenant) snprintf(whose, sizeof whose, " of %.*s", ID_BYTES_MAX, search->tenant);
    return fail(
        failure, EXIT_FAILED,
        "the journal has no event of a call %s%s. Ids are those of `ringback calls` and `ringback followups` (ab- or sc- and the call's "
        "id).",
        search->rest ? search->rest : search->id, whose);
}

static int ask_for_tenant(const struct search *search, GHashTable *tenants, struct failure *failure) {
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(tenants), (GCompareFunc)strcmp);
    g_autoptr(GString) text = g_string_new(NULL);
    guint shown = 0;
    for (const GList *name = names; name && shown < TENANTS_SHOWN; name = name->next, shown++)
        g_string_append_printf(text, "%s%s", shown ? ", " : "", (const char *)name->data);
    if (g_hash_table_size(tenants) > shown) g_string_append_printf(text, " and %u more", g_hash_table_size(tenants) - shown);
    return fail(failure, EXIT_USAGE, "%s is a call of several tenants: %s. Say which with --tenant.", search->id, text->str);
}

/* 0: *tenant is the caller's; *is_row: the id is a row's; *alone: its tenant can be folded without the others. */
static int find(const char *data, const char *id, const char *of, char **tenant, bool *is_row, bool *alone, struct failure *failure) {
    struct search search = {.id = id,
                            .tenant = of,
                            .rest = has_row_prefix(id) && id[3] ? id + 3 : NULL,
                            .exact = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                            .row = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    int result = replay_scan(data, search_record, &search, failure);
    *is_row = g_hash_table_size(search.exact) == 0;
    *alone = !search.rules;
    GHashTable *tenants = *is_row ? search.row : search.exact;
    if (result == 0 && g_hash_table_size(tenants) == 0) result = not_found(&search, failure);
    if (result == 0 && g_hash_table_size(tenants) > 1) result = ask_for_tenant(&search, tenants, failure);
    if (result == 0) {
        GHashTableIter one;
        gpointer name;
        g_hash_table_iter_init(&one, tenants);
        g_hash_table_iter_next(&one, &name, NULL);
        *tenant = g_strdup(name);
    }
    g_hash_table_destroy(search.exact);
    g_hash_table_destroy(search.row);
    return result;
}

/* ---- the story ---- */

struct question {
    const char *data, *tenant, *call_id, *follow_up; /* follow_up: NULL: all rows */
    struct failure *failure;
};

static json_t *parsed(char *line) {
    json_t *json = line ? json_loads(line, 0, NULL) : NULL;
    free(line);
    json_object_del(json, "position");
    return json;
}

/* The call as a state shows it, and its rows. */
struct end {
    json_t *call, *rows;
};

static int see_end(void *context, const struct classified_call *call, const struct followup *const rows[2]) {
    struct end *end = context;
    end->call = parsed(json_write(&shape_classified_call, call));
    for (int kind = 0; kind < 2; kind++)
        if (rows[kind]) json_array_append_new(end->rows, parsed(json_write(&shape_followup, rows[kind])));
    return 0;
}

static int end_read(struct end *end, struct store *store, const struct question *question) {
    *end = (struct end){.rows = json_array()};
    int code = fold_view_call_one(store, str_of(question->tenant), str_of(question->call_id), see_end, end);
    if (!end->call) end->call = json_null();
    return code < 0 ? code : 0;
}

static void end_free(struct end *end) {
    json_decref(end->call);
    json_decref(end->rows);
}

static bool end_equal(const struct end *a, const struct end *b) { return json_equal(a->call, b->call) && json_equal(a->rows, b->rows); }

/* False where the state of the data directory stands at the same seal and shows something else of the call. */
static bool state_agrees(const struct question *question, const struct replay *replay, const struct end *end) {
    struct data_dir dir;
    struct failure ignored = {0};
    struct store *store;
    struct place place;
    char path[PATH_MAX], error[512];
    bool agrees = true;
    if (data_dir_open(&dir, question->data, &ignored) < 0) return true;
    if (store_open_lmdb_reader(&store, data_dir_state(&dir, path), error, sizeof error) < 0) return true;
    if (store_begin(store) == 0 && place_load(store, &place) == 0 && place.log.sequence == replay->place.log.sequence) {
        struct end there;
        agrees = end_read(&there, store, question) < 0 || end_equal(&there, end);
        end_free(&there);
    }
    store_abort(store);
    store_close(store);
    return agrees;
}

static int add_tenant(void *context, struct str name, struct str zone, int8_t week_start) {
    (void)week_start;
    if (!str_is_null(name)) json_object_set_new(context, "name", json_stringn(name.ptr, name.len));
    json_object_set_new(context, "zone", str_is_null(zone) || !zone.len ? json_string("UTC") : json_stringn(zone.ptr, zone.len));
    return 0;
}

static int put_head(json_t *story, const struct question *question, struct replay *replay, const struct end *end) {
    char time[TIME_TEXT_SIZE];
    struct fold_status status;
    int code = fold_view_status(replay->store, &status);
    json_object_set_new(story, "tenant", json_string(question->tenant));
    if (code == 0) code = fold_view_tenant(replay->store, str_of(question->tenant), add_tenant, story);
    if (code < 0) return fail_store(question->failure, code, "the state made for this question", store_error(replay->store));
    json_object_set_new(story, "call_id", json_string(question->call_id));
    if (question->follow_up) json_object_set_new(story, "follow_up", json_string(question->follow_up));
    json_object_set_new(story, "as_of", status.stream_time == NONE ? json_null() : json_string(time_print(status.stream_time, time)));
    json_object_set_new(story, "seal", json_integer(replay->place.log.sequence));
    json_object_set(story, "call", end->call);
    json_object_set(story, "rows", end->rows);
    return 0;
}

/* Folds the tenant alone, or everything. *agreed: the end is that of the state, as far as that can be told. */
static int tell(json_t **out, const struct question *question, bool alone, bool *agreed) {
    struct replay replay;
    if (replay_open(&replay, question->data, question->failure) < 0) return -1;
    struct story *story = story_make(str_of(question->tenant), str_of(question->call_id), question->follow_up, question->failure);
    struct reader_query query = {.until = NONE,
                                 .tenant = alone ? str_of(question->tenant) : STR_NULL,
                                 .before = story_before,
                                 .after = story_after,
                                 .output = story_output,
                                 .context = story};
    struct end end = {0};
    int result = replay_run(&replay, &query, "reading the journal again:");
    if (result == 0)
        result = end_read(&end, replay.store, question) < 0
                     ? fail_store(question->failure, STORE_ERROR_IO, "the state made for this question", store_error(replay.store))
                     : 0;
    if (result == 0) {
        *agreed = state_agrees(question, &replay, &end);
        *out = json_object();
        result = put_head(*out, question, &replay, &end);
        json_object_set(*out, "story", story_entries(story));
    }
    end_free(&end);
    story_free(story);
    replay_close(&replay);
    return result;
}

int explain(json_t **story, const char *data, const char *id, const char *tenant, struct failure *failure) {
    g_autofree char *owner = NULL;
    bool is_row, alone, agreed;
    *story = NULL;
    if (find(data, id, tenant, &owner, &is_row, &alone, failure) < 0) return -1;
    struct question question = {data, owner, is_row ? id + 3 : id, is_row ? id : NULL, failure};
    int result = tell(story, &question, alone, &agreed);
    if (result == 0 && alone && !agreed) {
        json_decref(*story);
        result = tell(story, &question, false, &agreed);
    }
    if (result < 0) {
        json_decref(*story);
        *story = NULL;
    }
    return result;
}
