/* The Parsing Canonical Form of a schema and its fingerprint (Avro 1.11 specification, "Schema Resolution" and what follows). */
#include <glib.h>
#include <jansson.h>

#include "framing.h"

/* Writes `text` as a JSON string: what the form calls [STRINGS]. */
static void put_string(GString *out, const char *text) {
    json_t *string = json_string(text);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    g_string_append(out, quoted ? quoted : "\"\"");
    free(quoted);
    json_decref(string);
}

static bool is_primitive(const char *name) {
    static const char *const names[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string", NULL};
    return g_strv_contains(names, name);
}

/* [FULLNAMES]: a name without dots stands in the namespace around it. The caller frees. */
static char *full_name(const char *name, const char *space) {
    return strchr(name, '.') || !*space ? g_strdup(name) : g_strconcat(space, ".", name, NULL);
}

static bool put(GString *out, const json_t *schema, const char *space);

static bool put_list(GString *out, const json_t *list, const char *space) {
    if (!json_is_array(list)) return false;
    size_t i;
    json_t *item;
    g_string_append_c(out, '[');
    json_array_foreach((json_t *)(uintptr_t)list, i, item) {
        if (i) g_string_append_c(out, ',');
        if (!put(out, item, space)) return false;
    }
    g_string_append_c(out, ']');
    return true;
}

static bool put_fields(GString *out, const json_t *fields, const char *space) {
    if (!json_is_array(fields)) return false;
    size_t i;
    json_t *field;
    g_string_append(out, ",\"fields\":[");
    json_array_foreach((json_t *)(uintptr_t)fields, i, field) {
        const char *name = json_string_value(json_object_get(field, "name"));
        if (!name) return false;
        g_string_append(out, i ? ",{\"name\":" : "{\"name\":");
        put_string(out, name);
        g_string_append(out, ",\"type\":");
        if (!put(out, json_object_get(field, "type"), space)) return false;
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
    return true;
}

static bool put_symbols(GString *out, const json_t *symbols) {
    if (!json_is_array(symbols)) return false;
    size_t i;
    json_t *symbol;
    g_string_append(out, ",\"symbols\":[");
    json_array_foreach((json_t *)(uintptr_t)symbols, i, symbol) {
        if (!json_is_string(symbol)) return false;
        if (i) g_string_append_c(out, ',');
        put_string(out, json_string_value(symbol));
    }
    g_string_append_c(out, ']');
    return true;
}

/* A record, an enum or a fixed. [ORDER]: name, type, fields, symbols, size; [STRIP]: nothing else. */
static bool put_named(GString *out, const json_t *schema, const char *type, const char *around) {
    const char *name = json_string_value(json_object_get(schema, "name"));
    const char *own = json_string_value(json_object_get(schema, "namespace"));
    if (!name) return false;
    g_autofree char *full = full_name(name, own ? own : around);
    const char *dot = strrchr(full, '.');
    g_autofree char *space = g_strndup(full, dot ? (gsize)(dot - full) : 0);
    g_string_append(out, "{\"name\":");
    put_string(out, full);
    g_string_append_printf(out, ",\"type\":\"%s\"", strcmp(type, "error") == 0 ? "record" : type);
    bool good;
    if (strcmp(type, "enum") == 0) {
        good = put_symbols(out, json_object_get(schema, "symbols"));
    } else if (strcmp(type, "fixed") == 0) {
        const json_t *size = json_object_get(schema, "size");
        good = json_is_integer(size);
        if (good) g_string_append_printf(out, ",\"size\":%" JSON_INTEGER_FORMAT, json_integer_value(size));
    } else {
        good = put_fields(out, json_object_get(schema, "fields"), space);
    }
    g_string_append_c(out, '}');
    return good;
}

static bool put_object(GString *out, const json_t *schema, const char *space) {
    const json_t *type = json_object_get(schema, "type");
    const char *name = json_string_value(type);
    if (!name) return put(out, type, space); /* {"type": {...}} */
    static const char *const named[] = {"record", "error", "enum", "fixed", NULL};
    if (g_strv_contains(named, name)) return put_named(out, schema, name, space);
    bool is_array = strcmp(name, "array") == 0;
    if (!is_array && strcmp(name, "map") != 0) return put(out, type, space); /* [PRIMITIVES]: {"type": "int"} is "int" */
    g_string_append(out, is_array ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
    if (!put(out, json_object_get(schema, is_array ? "items" : "values"), space)) return false;
    g_string_append_c(out, '}');
    return true;
}

static bool put(GString *out, const json_t *schema, const char *space) {
    if (json_is_array(schema)) return put_list(out, schema, space);
    if (json_is_object(schema)) return put_object(out, schema, space);
    if (!json_is_string(schema)) return false;
    const char *name = json_string_value(schema);
    g_autofree char *full = is_primitive(name) ? g_strdup(name) : full_name(name, space);
    put_string(out, full);
    return true;
}

char *schema_canonical(const char *schema, size_t size) {
    json_t *root = json_loadb(schema, size, JSON_DECODE_ANY, NULL);
    GString *out = g_string_new(NULL);
    bool good = root && put(out, root, "");
    json_decref(root);
    char *text = good ? strdup(out->str) : NULL;
    g_string_free(out, TRUE);
    return text;
}

#define CRC64_EMPTY UINT64_C(0xc15d213aa4d7a795)

static uint64_t crc64_avro(const char *bytes, size_t size) {
    uint64_t crc = CRC64_EMPTY;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint8_t)bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (CRC64_EMPTY & -(crc & 1));
    }
    return crc;
}

int schema_fingerprint(const char *schema, size_t size, uint64_t *fingerprint) {
    char *canonical = schema_canonical(schema, size);
    if (!canonical) return -1;
    *fingerprint = crc64_avro(canonical, strlen(canonical));
    free(canonical);
    return 0;
}
