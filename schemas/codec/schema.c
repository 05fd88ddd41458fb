#include "must.h"
#include "shape.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* What the files say, and what was composed of them; both indexed like schema_files. */
static struct {
    json_t **written;
    char **composed;
    char *topics[TOPICS];
} schemas;

static const char *const topic_records[TOPICS] = {
    [TOPIC_REJECTED] = "Rejected",  [TOPIC_CALLS_CLASSIFIED] = "ClassifiedCall",
    [TOPIC_FOLLOWUPS] = "Followup", [TOPIC_FOLLOWUP_EVENTS] = "FollowupEvent",
    [TOPIC_NOTICES] = "Notice",     [TOPIC_COMMAND_RESULTS] = "CommandResult",
};

static int find(const char *name) {
    for (size_t i = 0; i < schema_file_count; i++)
        if (strcmp(schema_files[i].name, name) == 0) return (int)i;
    return -1;
}

/* `node` with each of our types written out where it is first used; `seen` holds the names used so far. What stays as it is is shared. */
static json_t *compose(json_t *node, json_t *seen) {
    if (json_is_string(node)) {
        const char *name = json_string_value(node);
        int file = find(name);
        if (file < 0 || json_object_get(seen, name)) return json_incref(node);
        json_object_set_new(seen, name, json_true());
        return compose(schemas.written[file], seen);
    }
    if (json_is_array(node)) {
        json_t *copy = json_array();
        size_t i;
        json_t *item;
        json_array_foreach(node, i, item) json_array_append_new(copy, compose(item, seen));
        return copy;
    }
    json_t *copy = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(node, key, value) {
        bool holds_types = strcmp(key, "type") == 0 || strcmp(key, "items") == 0;
        if (strcmp(key, "fields") == 0) {
            json_t *fields = json_array();
            size_t i;
            json_t *field;
            json_array_foreach(value, i, field) json_array_append_new(fields, compose(field, seen));
            json_object_set_new(copy, key, fields);
        } else {
            json_object_set_new(copy, key, holds_types ? compose(value, seen) : json_incref(value));
        }
    }
    return copy;
}

static char *compose_text(json_t *root, const char *name) {
    json_t *seen = json_object();
    if (name) json_object_set_new(seen, name, json_true());
    json_t *whole = compose(root, seen);
    char *text = json_dumps(whole, JSON_COMPACT);
    json_decref(whole);
    json_decref(seen);
    return text;
}

static int load(char *error, size_t error_size) {
    schemas.written = must_realloc(NULL, schema_file_count * sizeof *schemas.written);
    schemas.composed = must_realloc(NULL, schema_file_count * sizeof *schemas.composed);
    for (size_t i = 0; i < schema_file_count; i++) {
        schemas.written[i] = NULL;
        schemas.composed[i] = NULL;
    }
    for (size_t i = 0; i < schema_file_count; i++) {
        json_error_t wrong;
        schemas.written[i] = json_loads(schema_files[i].text, JSON_REJECT_DUPLICATES, &wrong);
        if (!schemas.written[i]) {
            snprintf(error, error_size, "schemas/%s, line %d: %s", schema_files[i].file, wrong.line, wrong.text);
            return -1;
        }
    }
    for (size_t i = 0; i < schema_file_count; i++) schemas.composed[i] = compose_text(schemas.written[i], schema_files[i].name);
    for (int topic = 0; topic < TOPICS; topic++) {
        json_t *both = json_pack("[s, s]", topic_records[topic], "Tombstone");
        schemas.topics[topic] = compose_text(both, NULL);
        json_decref(both);
    }
    return 0;
}

int schemas_load(char *error, size_t error_size) {
    if (schemas.written) return 0;
    if (load(error, error_size) == 0) return 0;
    schemas_unload();
    return -1;
}

void schemas_unload(void) {
    for (size_t i = 0; i < schema_file_count; i++) {
        if (schemas.written) json_decref(schemas.written[i]);
        if (schemas.composed) free(schemas.composed[i]);
    }
    for (int topic = 0; topic < TOPICS; topic++) free(schemas.topics[topic]);
    free(schemas.written);
    free(schemas.composed);
    memset(&schemas, 0, sizeof schemas);
}

const char *schema_text(const char *name) {
    int file = find(name);
    return file < 0 || !schemas.composed ? NULL : schemas.composed[file];
}

void schema_each(void (*each)(void *context, const char *name, const char *file, const char *text), void *context) {
    for (size_t i = 0; i < schema_file_count; i++) each(context, schema_files[i].name, schema_files[i].file, schema_files[i].text);
}

const char *schema_of_topic(enum topic topic) { return schemas.topics[topic]; }

const char *schema_older_journal(size_t n) { return n < older_schema_file_count ? older_schema_files[older_schema_file_count - 1 - n].text : NULL; }

const char *schema_of_shape(const struct shape *shape) {
    for (int topic = 0; topic < TOPICS; topic++)
        if (shape_of_topic((enum topic)topic) == shape) return schemas.topics[topic];
    return schema_text(shape->name);
}
