#include "verify_outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../schemas/codec/container.h"
#include "print.h"

#define FIELDS_SHOWN 4 /* of a record that is otherwise */

/* A topic's file. */
struct file {
    char path[PATH_MAX];
    enum topic topic;
    void *mapped;
    size_t size; /* mapped; as far as the last seal goes */
    struct container_reader reader;
    struct plan *plan; /* NULL: it could not be read at all */
    struct str block;  /* what is left of the block under way */
    int64_t block_at, left;
    struct output record; /* the next of the file, where `has`; strings point into the block */
    struct scratch scratch;
    size_t record_size;
    int64_t place; /* of the next record in the file, from 0 */
    bool has, ended;
    int64_t missing_from, missing_to; /* numbers that the file lacks, not yet reported; from > to: none */
};

struct verify_outputs {
    struct file files[TOPICS];
    struct findings *findings;
    uint8_t *room; /* the output as folded again, encoded */
    size_t capacity;
    uint64_t compared;
};

/* ---- reading a file ---- */

/* Sets `left` to what the next block that can be read holds; 0: there is none. */
static void next_block(struct verify_outputs *outputs, struct file *file) {
    int64_t count = 0;
    while (file->left == 0 && !file->ended) {
        file->block_at = (int64_t)file->reader.at;
        enum container_result result = container_next(&file->reader, &file->block, &count);
        if (result == CONTAINER_BLOCK) file->left = count;
        file->ended = result == CONTAINER_END || result == CONTAINER_TORN;
        if (result == CONTAINER_TORN)
            finding(outputs->findings, VERIFIED_OUTPUTS, "%s is cut short in the block at byte %" PRId64 ".", file->path, file->block_at);
        if (result != CONTAINER_DAMAGED) continue;
        size_t skipped = container_skip(&file->reader);
        finding(outputs->findings, VERIFIED_OUTPUTS, "%s is damaged at byte %" PRId64 "; %zu bytes cannot be read.", file->path,
                file->block_at, skipped);
    }
}

/* Makes the next record of the file ready; one that cannot be read takes the rest of its block with it. */
static void advance(struct verify_outputs *outputs, struct file *file) {
    struct refusal why;
    for (file->has = false; !file->has;) {
        next_block(outputs, file);
        if (file->left == 0) return;
        memset(&file->record, 0, sizeof file->record);
        int64_t size = codec_read(file->plan, (const uint8_t *)file->block.ptr, file->block.len, &file->record, &file->scratch, &why);
        if (size < 0) {
            finding(outputs->findings, VERIFIED_OUTPUTS,
                    "%s: record %" PRId64 ", in the block at byte %" PRId64 ", cannot be read (%s); nor can %" PRId64 " behind it.",
                    file->path, file->place, file->block_at, why.detail, file->left - 1);
            file->place += file->left;
            file->left = 0;
            continue;
        }
        file->record_size = (size_t)size;
        file->has = true;
    }
}

static void step_over(struct file *file, size_t size) {
    file->block.ptr += size;
    file->block.len -= (uint32_t)size;
    file->left--;
    file->place++;
}

static int64_t number_of(const struct output *output) { return output->body.position.number; }

/* ---- what differs ---- */

static json_t *parsed(char *line) {
    json_t *json = line ? json_loads(line, 0, NULL) : NULL;
    free(line);
    return json;
}

static char *shown(json_t *value) {
    if (!value || json_is_null(value)) return g_strdup("null");
    g_autofree char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    return text_safe(str_of(text));
}

static void describe(GString *text, const char *prefix, json_t *there, json_t *again) {
    const char *field;
    json_t *value;
    json_object_foreach(again, field, value) {
        json_t *other = json_object_get(there, field);
        if (other && json_equal(value, other)) continue;
        if (json_is_object(value) && json_is_object(other)) { /* position */
            g_autofree char *inner = g_strconcat(field, ".", NULL);
            describe(text, inner, other, value);
            continue;
        }
        g_autofree char *is = shown(other), *was = shown(value);
        g_string_append_printf(text, "%s%s%s is %s, folded again %s", text->len ? "; " : "", prefix, field, is, was);
    }
    json_object_foreach(there, field, value) {
        if (json_object_get(again, field)) continue;
        g_autofree char *is = shown(value);
        g_string_append_printf(text, "%s%s%s is %s, folded again null", text->len ? "; " : "", prefix, field, is);
    }
}

static void differs(struct verify_outputs *outputs, struct file *file, const struct output *again) {
    const struct shape *shape = shape_of_topic(file->topic);
    json_t *there = parsed(json_write(shape, &file->record)), *folded = parsed(json_write(shape, again));
    g_autoptr(GString) text = g_string_new(NULL);
    describe(text, "", there, folded);
    finding(outputs->findings, VERIFIED_OUTPUTS, "%s, record %" PRId64 " (number %" PRId64 ", in the block at byte %" PRId64 "): %s.",
            file->path, file->place, number_of(again), file->block_at, text->len ? text->str : "the same is written in other bytes");
    json_decref(there);
    json_decref(folded);
}

static void report_missing(struct verify_outputs *outputs, struct file *file) {
    if (file->missing_from > file->missing_to) return;
    if (file->missing_from == file->missing_to)
        finding(outputs->findings, VERIFIED_OUTPUTS, "%s lacks output number %" PRId64 ".", file->path, file->missing_from);
    else
        finding(outputs->findings, VERIFIED_OUTPUTS, "%s lacks its outputs of the numbers %" PRId64 " to %" PRId64 ".", file->path,
                file->missing_from, file->missing_to);
    file->missing_from = 0;
    file->missing_to = -1;
}

static void missing(struct file *file, int64_t number) {
    if (file->missing_from > file->missing_to) file->missing_from = number;
    file->missing_to = number;
}

static void extra(struct verify_outputs *outputs, struct file *file) {
    finding(outputs->findings, VERIFIED_OUTPUTS,
            "%s, record %" PRId64 " (number %" PRId64 ", in the block at byte %" PRId64 ") is one that the journal does not give.",
            file->path, file->place, number_of(&file->record), file->block_at);
}

/* ---- comparing ---- */

static size_t encode(struct verify_outputs *outputs, enum topic topic, const struct output *output) {
    size_t size = codec_write(shape_of_topic(topic), output, outputs->room, outputs->capacity);
    if (size <= outputs->capacity) return size;
    outputs->room = g_realloc(outputs->room, 2 * size);
    outputs->capacity = 2 * size;
    return codec_write(shape_of_topic(topic), output, outputs->room, outputs->capacity);
}

/* True where the record of the file is the output, in its bytes or, in a file of an older schema, in what they say. */
static bool is_same(struct verify_outputs *outputs, struct file *file, const struct output *output) {
    size_t size = encode(outputs, file->topic, output);
    if (plan_is_identity(file->plan)) return size == file->record_size && memcmp(file->block.ptr, outputs->room, size) == 0;
    g_autofree uint8_t *again = g_memdup2(outputs->room, size);
    file->record.topic = file->topic;
    return encode(outputs, file->topic, &file->record) == size && memcmp(again, outputs->room, size) == 0;
}

/* True where nothing but its number keeps the record of the file from being the output: then the number is what is wrong. */
static bool is_misnumbered(struct verify_outputs *outputs, struct file *file, const struct output *output) {
    if (!file->has || number_of(&file->record) == number_of(output)) return false;
    size_t size = encode(outputs, file->topic, output);
    g_autofree uint8_t *again = g_memdup2(outputs->room, size);
    struct output renumbered = file->record;
    renumbered.topic = file->topic;
    renumbered.body.position.number = number_of(output);
    return encode(outputs, file->topic, &renumbered) == size && memcmp(again, outputs->room, size) == 0;
}

int verify_output(void *context, const struct output *output) {
    struct verify_outputs *outputs = context;
    struct file *file = &outputs->files[output->topic];
    outputs->compared++;
    if (!file->plan) return 0; /* said already */
    bool misnumbered;
    while (!(misnumbered = is_misnumbered(outputs, file, output)) && file->has && number_of(&file->record) < number_of(output)) {
        report_missing(outputs, file);
        extra(outputs, file);
        step_over(file, file->record_size);
        advance(outputs, file);
    }
    if (!file->has) {
        missing(file, number_of(output));
        return 0;
    }
    if (!misnumbered && number_of(&file->record) > number_of(output)) {
        missing(file, number_of(output));
        return 0;
    }
    report_missing(outputs, file);
    if (!is_same(outputs, file, output)) differs(outputs, file, output);
    step_over(file, file->record_size);
    advance(outputs, file);
    return 0;
}

uint64_t verify_outputs_finish(struct verify_outputs *outputs) {
    for (int topic = 0; topic < TOPICS; topic++) {
        struct file *file = &outputs->files[topic];
        report_missing(outputs, file);
        while (file->has) {
            extra(outputs, file);
            step_over(file, file->record_size);
            advance(outputs, file);
        }
    }
    return outputs->compared;
}

/* ---- opening ---- */

static int file_map(struct verify_outputs *outputs, struct file *file, int64_t sealed, struct failure *failure) {
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 && errno == ENOENT) {
        finding(outputs->findings, VERIFIED_OUTPUTS, "%s is not there.", file->path);
        return 0;
    }
    if (fd < 0 || fstat(fd, &info) < 0) {
        fail_errno(failure, "read", file->path);
        if (fd >= 0) close(fd);
        return -1;
    }
    if (info.st_size < sealed)
        finding(outputs->findings, VERIFIED_OUTPUTS, "%s ends at byte %" PRId64 ", the last seal says at byte %" PRId64 ".", file->path,
                (int64_t)info.st_size, sealed);
    file->size = (size_t)(info.st_size < sealed ? info.st_size : sealed);
    if (file->size) file->mapped = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
    int result = file->mapped == MAP_FAILED ? fail_errno(failure, "map", file->path) : 0;
    if (file->mapped == MAP_FAILED) file->mapped = NULL;
    close(fd);
    return result;
}

static void file_begin(struct verify_outputs *outputs, struct file *file) {
    char error[400] = "it is empty";
    if (!file->mapped || container_open(&file->reader, file->mapped, file->size, error, sizeof error) < 0 ||
        plan_make(&file->plan, file->reader.schema.ptr, file->reader.schema.len, shape_of_topic(file->topic), error, sizeof error) < 0) {
        finding(outputs->findings, VERIFIED_OUTPUTS, "%s cannot be read: %s.", file->path, error);
        return;
    }
    advance(outputs, file);
}

int verify_outputs_open(struct verify_outputs **out, const struct data_dir *dir, const struct log_place *sealed, struct findings *findings,
                        struct failure *failure) {
    struct verify_outputs *outputs = g_new0(struct verify_outputs, 1);
    char directory[PATH_MAX];
    data_dir_outputs(dir, directory);
    outputs->findings = findings;
    for (int topic = 0; topic < TOPICS; topic++) {
        struct file *file = &outputs->files[topic];
        file->topic = (enum topic)topic;
        file->missing_to = -1;
        g_snprintf(file->path, sizeof file->path, "%s/%s", directory, topic_file_name((enum topic)topic));
        if (file_map(outputs, file, sealed->outputs[topic], failure) < 0) {
            verify_outputs_close(outputs);
            return -1;
        }
        if (file->mapped || file->size) file_begin(outputs, file);
    }
    *out = outputs;
    return 0;
}

void verify_outputs_close(struct verify_outputs *outputs) {
    if (!outputs) return;
    for (int topic = 0; topic < TOPICS; topic++) {
        struct file *file = &outputs->files[topic];
        plan_free(file->plan);
        if (file->reader.bytes) container_close(&file->reader);
        if (file->mapped) munmap(file->mapped, file->size);
    }
    g_free(outputs->room);
    g_free(outputs);
}
