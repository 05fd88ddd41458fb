#include "ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "data_dir.h"

#define LOOK_BYTES (64 * 1024) /* at the beginning, to see what a file is */

static int map(struct input *input, struct failure *failure) {
    int fd = open(input->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return fail(failure, EXIT_FAILED, "%s: no such file. Check the path; standard input is -.", input->path);
    if (fd < 0) return fail_errno(failure, "open", input->path);
    struct stat status;
    int result = 0;
    if (fstat(fd, &status) < 0)
        result = fail_errno(failure, "read", input->path);
    else if (!S_ISREG(status.st_mode))
        result = fail(failure, EXIT_FAILED, "%s is not a file of events.", input->path);
    else if (status.st_size > 0) {
        input->size = (size_t)status.st_size;
        void *bytes = mmap(NULL, input->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            result = fail_errno(failure, "map", input->path);
        else
            input->bytes = bytes;
    }
    close(fd);
    if (input->bytes) madvise((void *)(uintptr_t)input->bytes, input->size, MADV_SEQUENTIAL);
    return result;
}

static void hash(struct input *input) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(input->bytes, input->size));
    for (size_t n = 0; n < sizeof canonical.digest; n++) snprintf(input->hash + 2 * n, 3, "%02x", canonical.digest[n]);
}

static bool begins_with(const struct input *input, const char *bytes, size_t size) {
    return input->size >= size && memcmp(input->bytes, bytes, size) == 0;
}

/* Text of which a line near the beginning starts with a brace; the very first may be damaged. Nothing but blanks will do, too. */
static bool is_json_lines(const struct input *input) {
    const uint8_t *at = input->bytes + input->at;
    size_t size = input->size - input->at < LOOK_BYTES ? input->size - input->at : LOOK_BYTES;
    bool at_start = true, blank = true;
    for (size_t n = 0; n < size; n++) {
        if (at[n] == 0) return false;
        if (at_start && at[n] == '{') return true;
        if (!memchr(" \t\r\n", at[n], 4)) at_start = blank = false;
        if (at[n] == '\n') at_start = true;
    }
    return blank;
}

/* A container of ours, but of no events: what it is; NULL: it is none of those. */
static const char *own_file(struct str schema) {
    struct plan *plan = NULL;
    char error[400];
    bool journal = plan_make(&plan, schema.ptr, schema.len, &shape_journal_record, error, sizeof error) == 0;
    bool output = false;
    for (int topic = 0; topic < TOPICS && !journal && !output; topic++)
        output = plan_make(&plan, schema.ptr, schema.len, shape_of_topic((enum topic)topic), error, sizeof error) == 0;
    plan_free(plan);
    return journal ? "a journal" : output ? "what a fold wrote" : NULL;
}

static int no_events(const struct input *input, const char *error, struct failure *failure) {
    const char *what = input->container.schema.ptr ? own_file(input->container.schema) : NULL;
    if (!what) return fail(failure, EXIT_FAILED, "%s cannot be read as events: %s.", input->path, error);
    const char *journal = strcmp(what, "a journal") == 0 ? input->path : "DIR/" JOURNAL_FILE_NAME;
    return fail(failure, EXIT_FAILED,
                "%s is %s, not a file of events. To fold the events of a journal again: ringback dump --event-form %s | ringback fold "
                "--data NEW -",
                input->path, what, journal);
}

/* A container says so in its first bytes. */
static int recognise(struct input *input, enum input_format format, struct failure *failure) {
    bool avro = begins_with(input, "Obj\x01", 4);
    if (begins_with(input, "\xEF\xBB\xBF", 3)) input->at = 3;
    if (begins_with(input, "\x1F\x8B", 2))
        return fail(failure, EXIT_FAILED, "%s is compressed. Fold what is in it: zcat %s | ringback fold --data DIR -", input->path,
                    input->path);
    if (format == INPUT_BY_CONTENT && !avro && !is_json_lines(input))
        return fail(
            failure, EXIT_FAILED,
            "%s is neither an Avro container file nor JSON lines (one {...} a line). If it is JSON lines nevertheless, say --format "
            "jsonl.",
            input->path);
    input->format = format != INPUT_BY_CONTENT ? format : avro ? INPUT_AVRO : INPUT_JSON_LINES;
    if (input->format == INPUT_JSON_LINES) return 0;
    char error[400];
    return avro_open(input, error, sizeof error) == 0 ? 0 : no_events(input, error, failure);
}

/* All of input_open but the hash. */
static struct input *look(const char *path, enum input_format format, struct failure *failure) {
    struct input *input = calloc(1, sizeof *input);
    if (!input || !(input->path = strdup(path)))
        fail_memory(failure);
    else if (map(input, failure) == 0 && recognise(input, format, failure) == 0)
        return input;
    input_close(input);
    return NULL;
}

int input_open(struct input **out, const char *path, enum input_format format, struct failure *failure) {
    struct input *input = *out = look(path, format, failure);
    if (!input) return -1;
    hash(input);
    return 0;
}

int input_check(const char *path, enum input_format format, struct failure *failure) {
    struct input *input = look(path, format, failure);
    input_close(input);
    return input ? 0 : -1;
}

void input_close(struct input *input) {
    if (!input) return;
    if (input->format == INPUT_AVRO) container_close(&input->container);
    plan_free(input->plan);
    if (input->bytes) munmap((void *)(uintptr_t)input->bytes, input->size);
    free(input->encoded);
    free(input->text);
    free(input->path);
    free(input);
}

int input_next(struct input *input, struct failure *failure) {
    int result = input->format == INPUT_AVRO ? avro_next(input, failure) : json_lines_next(input, failure);
    if (result > 0) input->record.offset = input->taken++;
    return result;
}

size_t input_bytes_read(const struct input *input) { return input->format == INPUT_AVRO ? input->container.at : input->at; }

/* A file's record has none: that is known. */
static const struct record_header no_headers[1];

int input_bad(struct input *input, enum reject_reason reason, const uint8_t *bytes, size_t size, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(input->detail, sizeof input->detail, format, values);
    va_end(values);
    /* It may quote the input, and be cut inside a character; the journal holds UTF-8 only. */
    if (!g_utf8_validate(input->detail, -1, NULL))
        for (char *c = input->detail; *c; c++)
            if (*c & 0x80) *c = '?';
    size_t kept = size < RECORD_BYTES_MAX ? size : RECORD_BYTES_MAX;
    input->record.type = JOURNAL_BAD;
    input->record.body.bad = (struct bad_record){
        .reason = (int8_t)reason,
        .detail = str_of(input->detail),
        .bytes = {(const char *)bytes, (uint32_t)kept},
        .size_bytes = (int64_t)size,
        .key_size_bytes = NONE,
        .headers = {no_headers, 0},
    };
    input->event_bytes = STR_NULL;
    input->time = INT64_MIN;
    return 1;
}

int input_event_recoded(struct input *input, const uint8_t *bytes, size_t size, struct failure *failure) {
    size_t encoded = codec_write(&shape_event, &input->record.body.event, input->encoded, input->encoded_size);
    if (encoded > RECORD_BYTES_MAX)
        return input_bad(input, REJECT_TOO_LARGE, bytes, size, "the event takes %zu bytes, more than %d", encoded, RECORD_BYTES_MAX);
    if (encoded > input->encoded_size) {
        free(input->encoded);
        input->encoded = malloc(RECORD_BYTES_MAX);
        input->encoded_size = input->encoded ? RECORD_BYTES_MAX : 0;
        if (!input->encoded) return fail_memory(failure);
        return input_event_recoded(input, bytes, size, failure);
    }
    input->event_bytes = (struct str){(const char *)input->encoded, (uint32_t)encoded};
    return 1;
}
