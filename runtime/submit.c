#include "submit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_dir.h"
#include "fold_run.h"

#define SYNC_BYTES 16

/*
 * The event as a container file of its own. The sync marker is random: input is known by its content, and a command that is given again
 * must be read again, to be answered again.
 */
static uint8_t *container_of(const struct event *event, size_t *size, struct failure *failure) {
    const char *schema = schema_text("Event");
    uint8_t sync[SYNC_BYTES], block_head[20];
    if (getrandom(sync, sizeof sync, 0) != sizeof sync) return fail_errno(failure, "read", "random bytes"), NULL;
    size_t head = container_header(schema, sync, NULL, 0), data = codec_write(&shape_event, event, NULL, 0);
    if (data > RECORD_BYTES_MAX)
        return fail(failure, EXIT_USAGE, "the command takes %zu bytes, more than %d.", data, RECORD_BYTES_MAX), NULL;
    size_t before = container_block_head(1, data, block_head);
    uint8_t *bytes = malloc(head + before + data + SYNC_BYTES);
    if (!bytes) return fail_memory(failure), NULL;
    container_header(schema, sync, bytes, head);
    memcpy(bytes + head, block_head, before);
    codec_write(&shape_event, event, bytes + head + before, data);
    memcpy(bytes + head + before + data, sync, SYNC_BYTES);
    *size = head + before + data + SYNC_BYTES;
    return bytes;
}

/* Makes the bytes this process's standard input, which the fold keeps in the data directory until it is done with it. */
static int feed_stdin(const uint8_t *bytes, size_t size, struct failure *failure) {
    int fd = memfd_create("command", MFD_CLOEXEC);
    if (fd < 0) return fail_errno(failure, "make", "a file in memory");
    int result = 0;
    if (write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, STDIN_FILENO) < 0)
        result = fail_errno(failure, "write", "a file in memory");
    close(fd);
    return result;
}

/* Where the results of earlier commands end, so that only what comes is searched; 0 where the state does not say. */
static size_t results_end(const struct data_dir *dir) {
    char path[PATH_MAX], error[512];
    struct store *store;
    struct place place;
    size_t end = 0;
    if (store_open_lmdb_reader(&store, data_dir_state(dir, path), error, sizeof error) != 0) return 0;
    if (store_begin(store) == 0 && place_load(store, &place) == 0) end = (size_t)place.log.outputs[TOPIC_COMMAND_RESULTS];
    store_close(store);
    return end;
}

struct search {
    const struct event *event;
    submit_result *each;
    void *context;
    bool found;
    struct plan *plan;
    struct output output;
    struct scratch scratch;
};

/* Looks through the results of one block for ours. */
static int search_block(struct search *search, struct str block, int64_t count, struct failure *failure) {
    for (; count > 0 && !search->found; count--) {
        struct refusal why;
        int64_t size = codec_read(search->plan, (const uint8_t *)block.ptr, block.len, &search->output, &search->scratch, &why);
        if (size < 0) return fail(failure, EXIT_FAILED, "a command's result cannot be read: %s", why.detail);
        block.ptr += size;
        block.len -= (uint32_t)size;
        const struct command_result *result = &search->output.body.command_result;
        if (search->output.is_tombstone) continue;
        if (!str_equal(result->tenant, search->event->tenant) || !str_equal(result->command_id, search->event->event_id)) continue;
        search->found = true;
        search->each(search->context, result);
    }
    return 0;
}

static int search_bytes(struct search *search, const uint8_t *bytes, size_t size, size_t from, struct failure *failure) {
    struct container_reader reader;
    struct str block;
    int64_t count;
    char error[512];
    if (container_open(&reader, bytes, size, error, sizeof error) != 0)
        return fail(failure, EXIT_FAILED, "the commands' results cannot be read: %s", error);
    if (from > reader.at) container_seek(&reader, from);
    int result = 0;
    if (plan_make(&search->plan, reader.schema.ptr, reader.schema.len, shape_of_topic(TOPIC_COMMAND_RESULTS), error, sizeof error) != 0)
        result = fail(failure, EXIT_FAILED, "the commands' results cannot be read: %s", error);
    while (result == 0 && !search->found && container_next(&reader, &block, &count) == CONTAINER_BLOCK)
        result = search_block(search, block, count, failure);
    plan_free(search->plan);
    container_close(&reader);
    if (result == 0 && !search->found)
        result = fail(failure, EXIT_FAILED,
                      "the command was journalled, but there is no result of it. Keep the data directory and report this.");
    return result;
}

static int search_file(struct search *search, const struct data_dir *dir, size_t from, struct failure *failure) {
    char outputs[PATH_MAX], path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", data_dir_outputs(dir, outputs), topic_file_name(TOPIC_COMMAND_RESULTS));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0) return fail_errno(failure, "open", path);
    void *bytes = MAP_FAILED;
    if (fstat(file, &info) == 0) bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    int result = bytes == MAP_FAILED ? fail_errno(failure, "read", path) : 0;
    close(file);
    if (result < 0) return result;
    result = search_bytes(search, bytes, (size_t)info.st_size, from, failure);
    munmap(bytes, (size_t)info.st_size);
    return result;
}

static int fold_stdin(const char *data, struct failure *failure) {
    static const char *const files[] = {"-"};
    struct fold_options options = {
        .data = data,
        .files = files,
        .file_count = 1,
        .format = INPUT_BY_CONTENT,
        .until = NONE,
        .quiet = true,
        .writer = {.transaction_records = TRANSACTION_RECORDS_MAX, .append_time = NONE},
    };
    struct fold_result result;
    if (fold_run(&options, &result, failure) < 0) return -1;
    return result.unreadable ? fail(failure, EXIT_FAILED, "the command could not be read back. Nothing was done.") : 0;
}

int submit_event(const char *data, const struct event *event, struct failure *failure) {
    size_t size;
    uint8_t *bytes = container_of(event, &size, failure);
    int result = bytes ? feed_stdin(bytes, size, failure) : -1;
    free(bytes);
    return result < 0 ? -1 : fold_stdin(data, failure);
}

int submit(const char *data, const struct event *event, submit_result *each, void *context, struct failure *failure) {
    struct data_dir dir;
    char path[PATH_MAX];
    if (data_dir_open(&dir, data, failure) < 0) return -1;
    if (access(data_dir_journal(&dir, path), F_OK) != 0)
        return fail(failure, EXIT_FAILED, "%s holds no journal. ringback fold --data %s FILE makes one.", data, data);
    size_t from = results_end(&dir);
    if (submit_event(data, event, failure) < 0) return -1;
    struct search *search = calloc(1, sizeof *search);
    if (!search) return fail_memory(failure);
    search->event = event, search->each = each, search->context = context;
    int result = search_file(search, &dir, from, failure);
    free(search);
    return result;
}
