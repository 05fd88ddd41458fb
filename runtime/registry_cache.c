#include "registry_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>

#include "data_dir.h"
#include "json_log.h"

#define FILE_NAME "schemas.json"

struct registry_cache {
    char *directory;
    json_t *root; /* url, schemas, subjects */
    bool told;    /* that it cannot be written */
};

static json_t *empty(const char *url) { return json_pack("{s:s, s:[], s:[]}", "url", url, "schemas", "subjects"); }

static bool is_ours(const json_t *root, const char *url) {
    const char *known = json_string_value(json_object_get(root, "url"));
    return known && strcmp(known, url) == 0 && json_is_array(json_object_get(root, "schemas")) &&
           json_is_array(json_object_get(root, "subjects"));
}

struct registry_cache *registry_cache_open(const struct config *config) {
    struct registry_cache *cache = g_new0(struct registry_cache, 1);
    cache->directory = g_strdup(config->state.dir);
    g_autofree char *path = g_build_filename(cache->directory, FILE_NAME, NULL);
    cache->root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (is_ours(cache->root, config->registry.url)) return cache;
    json_decref(cache->root);
    cache->root = empty(config->registry.url);
    return cache;
}

void registry_cache_close(struct registry_cache *cache) {
    if (!cache) return;
    json_decref(cache->root);
    g_free(cache->directory);
    g_free(cache);
}

static void guid_text(const uint8_t guid[16], char text[33]) {
    for (int i = 0; i < 16; i++) g_snprintf(text + 2 * i, 3, "%02x", guid[i]);
}

const char *registry_cache_schema(const struct registry_cache *cache, const struct framing *framing) {
    char guid[33] = "";
    if (framing->kind == FRAMING_GUID) guid_text(framing->schema.guid, guid);
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(cache->root, "schemas"), i, each) {
        const json_t *id = json_object_get(each, "id");
        const char *other = json_string_value(json_object_get(each, "guid"));
        bool same = framing->kind == FRAMING_ID ? json_is_integer(id) && json_integer_value(id) == framing->schema.id
                                                : other && strcmp(other, guid) == 0;
        if (same) return json_string_value(json_object_get(each, "schema"));
    }
    return NULL;
}

static json_t *subject_find(const struct registry_cache *cache, const char *subject) {
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(cache->root, "subjects"), i, each) {
        const char *name = json_string_value(json_object_get(each, "subject"));
        if (name && strcmp(name, subject) == 0) return each;
    }
    return NULL;
}

int64_t registry_cache_id(const struct registry_cache *cache, const char *subject, uint64_t fingerprint) {
    const json_t *known = subject_find(cache, subject), *id = json_object_get(known, "id");
    const char *of = json_string_value(json_object_get(known, "fingerprint"));
    char wanted[17];
    g_snprintf(wanted, sizeof wanted, "%016" PRIx64, fingerprint);
    return of && strcmp(of, wanted) == 0 && json_is_integer(id) ? json_integer_value(id) : -1;
}

static int file_write(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    size_t size = strlen(text), done = 0;
    while (done < size) {
        ssize_t written = write(file, text + done, size - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        done += (size_t)written;
    }
    int result = done == size && fsync(file) == 0 ? 0 : -1;
    return close(file) == 0 ? result : -1;
}

static void save(struct registry_cache *cache) {
    g_autofree char *path = g_build_filename(cache->directory, FILE_NAME, NULL), *next = g_strconcat(path, ".new", NULL);
    struct failure failure = {0};
    char *text = json_dumps(cache->root, JSON_COMPACT);
    bool saved = text && g_mkdir_with_parents(cache->directory, 0700) == 0 && file_write(next, text) == 0 && rename(next, path) == 0 &&
                 directory_sync(cache->directory, &failure) == 0;
    if (!saved && !cache->told)
        json_log(LEVEL_WARNING, "schemas_not_saved", LOG_TEXT("file", path),
                 LOG_TEXT("cause", failure.code ? failure.text : g_strerror(errno)));
    cache->told = !saved;
    free(text);
}

void registry_cache_put_schema(struct registry_cache *cache, const struct framing *framing, const char *schema) {
    char guid[33];
    json_t *entry;
    if (framing->kind == FRAMING_GUID) {
        guid_text(framing->schema.guid, guid);
        entry = json_pack("{s:s, s:s}", "guid", guid, "schema", schema);
    } else {
        entry = json_pack("{s:I, s:s}", "id", (json_int_t)framing->schema.id, "schema", schema);
    }
    if (entry) json_array_append_new(json_object_get(cache->root, "schemas"), entry);
    save(cache);
}

void registry_cache_put_id(struct registry_cache *cache, const char *subject, uint64_t fingerprint, uint32_t id) {
    if (registry_cache_id(cache, subject, fingerprint) == id) return;
    json_t *known = subject_find(cache, subject);
    if (!known) {
        known = json_object();
        json_array_append_new(json_object_get(cache->root, "subjects"), known);
    }
    char text[17];
    g_snprintf(text, sizeof text, "%016" PRIx64, fingerprint);
    json_object_set_new(known, "subject", json_string(subject));
    json_object_set_new(known, "fingerprint", json_string(text));
    json_object_set_new(known, "id", json_integer((json_int_t)id));
    save(cache);
}
