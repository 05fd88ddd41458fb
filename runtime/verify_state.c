#include "verify_state.h"

#include <glib.h>
#include <inttypes.h>
#include <jansson.h>

#include "../processors/fold.h"
#include "../schemas/codec/codec.h"
#include "../schemas/codec/time_text.h"
#include "../state/keys.h"
#include "print.h"

#define ENTITY_HEAD_BYTES 16 /* of the cache's, before an entity's blob: state/README.md */

/* How a table's keys read (state/README.md): t text, T time, b byte, c a letter. */
static const struct {
    const char *name, *parts;
    bool entities; /* values are entities: a deadline, then a blob */
} tables[TABLES] = {
    [TABLE_META] = {"META", NULL, false},           [TABLE_CALLS] = {"CALLS", "tTt", true},
    [TABLE_TIMERS] = {"TIMERS", "Tbtbtb", false},   [TABLE_PARTIES] = {"PARTIES", "tt", true},
    [TABLE_STARTS] = {"STARTS", "tt", false},       [TABLE_JOBS] = {"JOBS", "tt", true},
    [TABLE_WAITING] = {"WAITING", "ttt", false},    [TABLE_COMMANDS] = {"COMMANDS", "Ttt", false},
    [TABLE_DIRECTORY] = {"DIRECTORY", "tct", true}, [TABLE_SOURCES] = {"SOURCES", NULL, false},
};

/* ---- words ---- */

static char *bytes_words(struct str bytes) {
    GString *text = g_string_new(NULL);
    for (uint32_t n = 0; n < bytes.len; n++) {
        unsigned char byte = (unsigned char)bytes.ptr[n];
        if (byte > ' ' && byte < 0x7f)
            g_string_append_c(text, (char)byte);
        else
            g_string_append_printf(text, "\\x%02x", byte);
    }
    return g_string_free(text, FALSE);
}

static bool take_part(GString *text, char kind, struct str *rest) {
    struct str part;
    int64_t time;
    uint8_t byte;
    char shown[TIME_TEXT_SIZE];
    switch (kind) {
    case 't': {
        if (!key_take_text(rest, &part)) return false;
        g_autofree char *safe = text_safe(part);
        g_string_append_printf(text, " %s", safe);
        return true;
    }
    case 'T':
        if (!key_take_time(rest, &time)) return false;
        g_string_append_printf(text, " %s", time_print(time, shown));
        return true;
    default:
        if (!key_take_byte(rest, &byte)) return false;
        if (kind == 'c')
            g_string_append_printf(text, " %c", byte >= ' ' && byte < 0x7f ? byte : '?');
        else
            g_string_append_printf(text, " %u", byte);
        return true;
    }
}

/* "CALLS acme c1": the table and the key. A key that does not read as it should is shown by its bytes. */
static char *entry_words(enum table table, struct str key) {
    g_autoptr(GString) text = g_string_new(tables[table].name);
    struct str rest = key;
    bool read = tables[table].parts != NULL;
    for (const char *part = tables[table].parts; read && part && *part && rest.len; part++) read = take_part(text, *part, &rest);
    if (read && rest.len == 0) return g_strdup(text->str);
    g_autofree char *bytes = bytes_words(key);
    return g_strdup_printf("%s %s", tables[table].name, bytes);
}

/* ---- what differs in an entry ---- */

struct both {
    json_t *there, *again;
};

static json_t *parsed(char *line) {
    json_t *json = line ? json_loads(line, 0, NULL) : NULL;
    free(line);
    json_object_del(json, "position");
    return json;
}

static int see_call(void *context, const struct classified_call *call, const struct followup *const rows[2]) {
    static const char *const names[] = {"row ab", "row sc"};
    json_t *shown = parsed(json_write(&shape_classified_call, call));
    for (int kind = 0; kind < 2; kind++)
        if (rows[kind]) json_object_set_new(shown, names[kind], parsed(json_write(&shape_followup, rows[kind])));
    *(json_t **)context = shown;
    return 0;
}

static void describe(GString *text, const char *prefix, json_t *there, json_t *again) {
    const char *field;
    json_t *value;
    json_object_foreach(again, field, value) {
        json_t *other = json_object_get(there, field);
        if (other && json_equal(value, other)) continue;
        if (json_is_object(value) && json_is_object(other)) {
            g_autofree char *inner = g_strconcat(field, " ", NULL);
            describe(text, inner, other, value);
            continue;
        }
        g_autofree char *is = other ? json_dumps(other, JSON_COMPACT | JSON_ENCODE_ANY) : g_strdup("null");
        g_autofree char *was = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        g_autofree char *safe = text_safe(str_of(is)), *safe_was = text_safe(str_of(was));
        g_string_append_printf(text, "%s%s%s is %s, from the journal %s", text->len ? "; " : "", prefix, field, safe, safe_was);
    }
}

/* What the views show otherwise of a call; empty where they show the same, or nothing. */
static char *call_words(struct store *there, struct store *again, struct str key) {
    struct str rest = key, tenant, id;
    int64_t start;
    json_t *is = NULL, *was = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    if (key_take_text(&rest, &tenant) && key_take_time(&rest, &start) && key_take_text(&rest, &id)) {
        g_autofree char *owner = g_strndup(tenant.ptr, tenant.len), *call = g_strndup(id.ptr, id.len); /* slices end with the next read */
        if (fold_view_call_one(there, str_of(owner), str_of(call), see_call, &is) >= 0 &&
            fold_view_call_one(again, str_of(owner), str_of(call), see_call, &was) >= 0)
            describe(text, "", is, was);
    }
    json_decref(is);
    json_decref(was);
    return g_strdup(text->str);
}

/* Where the bytes begin to differ. */
static char *place_words(enum table table, struct str is, struct str was) {
    uint32_t at = 0, shorter = is.len < was.len ? is.len : was.len;
    while (at < shorter && is.ptr[at] == was.ptr[at]) at++;
    if (at == shorter) return g_strdup_printf("it has %" PRIu32 " bytes, from the journal %" PRIu32, is.len, was.len);
    const char *what = tables[table].entities && at < ENTITY_HEAD_BYTES ? " (of its deadline)" : "";
    return g_strdup_printf("byte %" PRIu32 " of %" PRIu32 "%s is %02x, from the journal %02x", at, is.len, what, (unsigned char)is.ptr[at],
                           (unsigned char)was.ptr[at]);
}

/* ---- walking two tables side by side ---- */

struct walk {
    struct store *store;
    enum table table;
    struct key at; /* the key of the entry */
    GByteArray *value;
    bool more;
    bool disturbed; /* others have read from the store since */
};

/* Keeps a copy: slices of the store end with its next read. */
static int walk_take(struct walk *walk, int code, struct str key, struct str value) {
    walk->more = code == 0;
    if (code != 0) return code < 0 ? code : 0;
    key_copy(&walk->at, key);
    g_byte_array_set_size(walk->value, 0);
    if (value.len) g_byte_array_append(walk->value, (const guint8 *)value.ptr, value.len);
    return 0;
}

static int walk_begin(struct walk *walk, struct store *store, enum table table) {
    struct str key, value;
    *walk = (struct walk){.store = store, .table = table, .value = g_byte_array_new()};
    return walk_take(walk, store_seek(store, table, STR(""), &key, &value), key, value);
}

static int walk_next(struct walk *walk) {
    struct str key, value;
    if (!walk->disturbed) return walk_take(walk, store_next(walk->store, walk->table, &key, &value), key, value);
    struct key after = walk->at;
    key_byte(&after, 0);
    walk->disturbed = false;
    return walk_take(walk, store_seek(walk->store, walk->table, key_str(&after), &key, &value), key, value);
}

static struct str walk_value(const struct walk *walk) { return (struct str){(const char *)walk->value->data, walk->value->len}; }

static bool is_compared(enum table table, struct str key) {
    if (table != TABLE_META) return true;
    return key.len == 4 && memcmp(key.ptr, "fold", 4) == 0; /* the rest is of the store and the shell: how it was written */
}

/* What a state that was built again does not know: whether a file was read to its end (place.h). */
static bool is_same(enum table table, struct str is, struct str was) {
    if (is.len != was.len) return false;
    uint32_t known = table == TABLE_SOURCES && is.len == 16 ? 12 : is.len;
    return known == 0 || memcmp(is.ptr, was.ptr, known) == 0;
}

static void compare_entry(struct walk *there, struct walk *again, const char *path, struct findings *findings) {
    struct str key = key_str(&there->at);
    if (is_same(there->table, walk_value(there), walk_value(again))) return;
    g_autofree char *entry = entry_words(there->table, key), *place = place_words(there->table, walk_value(there), walk_value(again));
    g_autofree char *fields = there->table == TABLE_CALLS && findings->count[VERIFIED_STATE] < FINDINGS_SHOWN
                                  ? call_words(there->store, again->store, key)
                                  : NULL;
    there->disturbed = again->disturbed = fields != NULL;
    finding(findings, VERIFIED_STATE, "%s, %s: %s%s%s%s.", path, entry, fields && *fields ? fields : place, fields && *fields ? " (" : "",
            fields && *fields ? place : "", fields && *fields ? ")" : "");
}

static int compare_table(struct walk *there, struct walk *again, const char *path, struct findings *findings, int64_t *entries) {
    int code = 0;
    while (code == 0 && (there->more || again->more)) {
        int order = !there->more ? 1 : !again->more ? -1 : str_compare(key_str(&there->at), key_str(&again->at));
        struct walk *one = order <= 0 ? there : again;
        bool compared = is_compared(one->table, key_str(&one->at));
        g_autofree char *entry = order != 0 && compared ? entry_words(one->table, key_str(&one->at)) : NULL;
        if (entry && order < 0) finding(findings, VERIFIED_STATE, "%s, %s: the journal gives no such entry.", path, entry);
        if (entry && order > 0) finding(findings, VERIFIED_STATE, "%s lacks %s.", path, entry);
        if (order == 0 && compared) compare_entry(there, again, path, findings);
        *entries += compared;
        if (order <= 0) code = walk_next(there);
        if (code == 0 && order >= 0) code = walk_next(again);
    }
    return code;
}

int64_t verify_state(struct store *there, struct store *again, const char *path, struct findings *findings, const struct store **failed) {
    int64_t entries = 0;
    int code = 0;
    for (int table = 0; code == 0 && table < TABLES; table++) {
        struct walk left = {0}, right = {0};
        *failed = there;
        code = walk_begin(&left, there, (enum table)table);
        if (code == 0) code = walk_begin(&right, again, (enum table)table);
        if (code == 0) code = compare_table(&left, &right, path, findings, &entries);
        if (left.value) g_byte_array_unref(left.value);
        if (right.value) g_byte_array_unref(right.value);
    }
    if (code < 0 && *store_error(again)) *failed = again;
    return code < 0 ? code : entries;
}

/* ---- the balance ---- */

struct balance {
    struct findings *findings;
    int64_t tenants;
};

static int add_tenant(void *context, struct str tenant, struct str name, const struct fold_counts *counts) {
    struct balance *balance = context;
    uint64_t sum = counts->in_progress;
    (void)name;
    balance->tenants++;
    for (int type = 0; type < TYPE_IN_PROGRESS; type++) sum += counts->types[type];
    if (sum == counts->started) return 0;
    g_autofree char *safe = text_safe(tenant);
    finding(balance->findings, VERIFIED_BALANCE,
            "the calls of %s do not add up: %" PRIu64 " started, %" PRIu64 " of all types and in progress.", safe, counts->started, sum);
    return 0;
}

int64_t verify_balance(struct store *there, struct findings *findings) {
    struct balance balance = {findings, 0};
    int code = fold_view_tenants(there, add_tenant, &balance);
    return code < 0 ? code : balance.tenants;
}
