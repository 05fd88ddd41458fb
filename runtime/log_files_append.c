#include "log_files_append.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define BLOCK_HEAD_BYTES 20
#define HEADER_BYTES_MAX (256 * 1024)
#define WRITE_BACK_BYTES (4 * 1024 * 1024)

void sync_marker(const char *journal_id, const char *file_name, uint8_t sync[SYNC_BYTES]) {
    char text[JOURNAL_ID_DIGITS + 64];
    int length = snprintf(text, sizeof text, "%s/%s", journal_id, file_name);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(text, (size_t)length));
    memcpy(sync, canonical.digest, SYNC_BYTES);
}

static uint8_t *header_make(const char *schema, const uint8_t sync[SYNC_BYTES], size_t *size) {
    *size = container_header(schema, sync, NULL, 0);
    uint8_t *header = malloc(*size);
    if (header) container_header(schema, sync, header, *size);
    return header;
}

static int write_all(struct appender *appender, const uint8_t *bytes, size_t size, struct failure *failure) {
    while (size) {
        ssize_t written = pwrite(appender->fd, bytes, size, appender->position);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(failure, "write", appender->path);
        bytes += written;
        size -= (size_t)written;
        appender->position += written;
        appender->unsynced = true;
    }
    return 0;
}

static int open_file(struct appender *appender, const char *directory, const char *file_name, const char *journal_id, int flags,
                     struct failure *failure) {
    *appender = (struct appender){.fd = -1};
    if (snprintf(appender->path, sizeof appender->path, "%s/%s", directory, file_name) >= (int)sizeof appender->path)
        return fail(failure, EXIT_FAILED, "the path of %s is too long.", file_name);
    sync_marker(journal_id, file_name, appender->sync);
    appender->fd = open(appender->path, O_RDWR | O_CLOEXEC | flags, 0600);
    return appender->fd < 0 ? fail_errno(failure, "open", appender->path) : 0;
}

int appender_create(struct appender *appender, const char *directory, const char *file_name, const char *schema, const char *journal_id,
                    struct failure *failure) {
    if (open_file(appender, directory, file_name, journal_id, O_CREAT | O_TRUNC, failure) < 0) return -1;
    size_t size;
    uint8_t *header = header_make(schema, appender->sync, &size);
    if (!header) return fail_memory(failure);
    int result = write_all(appender, header, size, failure);
    free(header);
    return result < 0 ? -1 : appender_sync(appender, failure);
}

/* What a schema says to people may change from version to version; what it says of bytes may not. */
static void docs_remove(json_t *schema) {
    const char *name;
    json_t *item;
    size_t index;
    if (json_is_object(schema)) json_object_del(schema, "doc");
    json_object_foreach(schema, name, item) docs_remove(item);
    json_array_foreach(schema, index, item) docs_remove(item);
}

static bool schema_same(struct str found, const char *ours) {
    if (found.len == strlen(ours) && memcmp(found.ptr, ours, found.len) == 0) return true;
    json_t *left = json_loadb(found.ptr, found.len, JSON_DECODE_ANY, NULL), *right = json_loads(ours, JSON_DECODE_ANY, NULL);
    if (left) docs_remove(left);
    if (right) docs_remove(right);
    bool same = left && right && json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

static int header_check(const struct appender *appender, const char *schema, struct failure *failure) {
    uint8_t *bytes = malloc(HEADER_BYTES_MAX);
    if (!bytes) return fail_memory(failure);
    ssize_t size = pread(appender->fd, bytes, HEADER_BYTES_MAX, 0);
    struct container_reader reader;
    char error[400];
    int result = 0;
    if (size < 0)
        result = fail_errno(failure, "read", appender->path);
    else if (container_open(&reader, bytes, (size_t)size, error, sizeof error) < 0)
        result = fail(failure, EXIT_FAILED, "%s is damaged at byte 0: %s. Restore the file from a backup.", appender->path, error);
    else {
        if (memcmp(reader.sync, appender->sync, SYNC_BYTES) != 0)
            result =
                fail(failure, EXIT_FAILED, "%s is not a file of this journal, or damaged. Restore the file from a backup.", appender->path);
        else if (!schema_same(reader.schema, schema))
            result = fail(failure, EXIT_CONFIGURATION,
                          "%s was begun by another version of ringback, with another schema. Use that version.", appender->path);
        container_close(&reader);
    }
    free(bytes);
    return result;
}

static int tail_cut(struct appender *appender, int64_t position, struct failure *failure) {
    struct stat status;
    if (fstat(appender->fd, &status) < 0) return fail_errno(failure, "read", appender->path);
    if (status.st_size < position)
        return fail(failure, EXIT_FAILED,
                    "%s ends at byte %" PRId64 ", but the journal's last seal says that it reached byte %" PRId64 ": part of it is lost. "
                    "`ringback refold` writes the outputs of a journal again; put its file in this one's place.",
                    appender->path, (int64_t)status.st_size, position);
    if (status.st_size > position) {
        complain("%s: cut %" PRId64 " bytes behind the last seal, which an earlier run had not finished.", appender->path,
                 (int64_t)status.st_size - position);
        if (ftruncate(appender->fd, position) < 0) return fail_errno(failure, "cut", appender->path);
        appender->unsynced = true;
    }
    appender->position = appender->write_back_at = position;
    return 0;
}

int appender_open(struct appender *appender, const char *directory, const char *file_name, const char *schema, const char *journal_id,
                  int64_t position, struct failure *failure) {
    if (open_file(appender, directory, file_name, journal_id, 0, failure) < 0) return -1;
    return header_check(appender, schema, failure) < 0 ? -1 : tail_cut(appender, position, failure);
}

void appender_close(struct appender *appender) {
    if (appender->fd >= 0) close(appender->fd);
    free(appender->buffer);
    *appender = (struct appender){.fd = -1};
}

uint8_t *appender_room(struct appender *appender, size_t size, size_t *capacity, struct failure *failure) {
    if (appender->capacity - appender->used < size || !appender->buffer) {
        size_t wanted = appender->used + size < 2 * BLOCK_BYTES ? 2 * BLOCK_BYTES : 2 * (appender->used + size);
        uint8_t *buffer = realloc(appender->buffer, BLOCK_HEAD_BYTES + wanted + SYNC_BYTES);
        if (!buffer) {
            fail_memory(failure);
            return NULL;
        }
        appender->buffer = buffer;
        appender->capacity = wanted;
    }
    *capacity = appender->capacity - appender->used;
    return appender->buffer + BLOCK_HEAD_BYTES + appender->used;
}

int appender_add(struct appender *appender, size_t size, struct failure *failure) {
    appender->used += size;
    appender->count++;
    return appender->used < BLOCK_BYTES ? 0 : appender_cut(appender, failure);
}

/* The disk works while the processor folds, so that the sync at the seal has little left to wait for. Only a hint: its result does not
 * matter. */
static void write_back(struct appender *appender) {
    if (appender->position - appender->write_back_at < WRITE_BACK_BYTES) return;
    sync_file_range(appender->fd, appender->write_back_at, appender->position - appender->write_back_at, SYNC_FILE_RANGE_WRITE);
    appender->write_back_at = appender->position;
}

int appender_cut(struct appender *appender, struct failure *failure) {
    if (appender->count == 0) return 0;
    uint8_t head[BLOCK_HEAD_BYTES];
    size_t head_size = container_block_head(appender->count, appender->used, head);
    uint8_t *records = appender->buffer + BLOCK_HEAD_BYTES, *block = records - head_size;
    memcpy(block, head, head_size);
    memcpy(records + appender->used, appender->sync, SYNC_BYTES);
    size_t size = head_size + appender->used + SYNC_BYTES;
    appender->used = 0;
    appender->count = 0;
    if (write_all(appender, block, size, failure) < 0) return -1;
    write_back(appender);
    return 0;
}

int appender_sync(struct appender *appender, struct failure *failure) {
    if (!appender->unsynced) return 0;
    if (fdatasync(appender->fd) < 0) return fail_errno(failure, "sync", appender->path);
    appender->unsynced = false;
    appender->write_back_at = appender->position;
    return 0;
}
