#include "log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_files_append.h"
#include "log_files_recover.h"

struct log_files {
    struct log log;
    char path[PATH_MAX]; /* of the journal */
    char outputs_path[PATH_MAX];
    uint8_t *mapped; /* the journal as it was when opened, for reading; NULL: nothing to read */
    size_t mapped_size;
    struct container_reader reader;
    size_t header_size; /* 0: there is no whole header */
    struct plan *plan;
    struct appender streams[STREAMS]; /* not open where there is nothing to write */
    bool lazy;                        /* prepare does not wait for the disk */
};

static struct log_files *files_of(struct log *log) { return (struct log_files *)log; }

static int files_read(struct log *log, struct log_run *run) {
    struct log_files *files = files_of(log);
    struct container_reader *reader = &files->reader;
    if (!files->mapped || (int64_t)reader->at >= log->sealed.position) return 0;
    run->at = (int64_t)reader->at;
    if (container_next(reader, &run->bytes, &run->count) != CONTAINER_BLOCK)
        return fail(log->failure, EXIT_FAILED, "%s is damaged at byte %" PRId64 ". Restore the file from a backup.", files->path, run->at);
    run->end = (int64_t)reader->at;
    run->plan = files->plan;
    return 1;
}

static uint8_t *files_room(struct log *log, int stream, size_t size, size_t *capacity) {
    return appender_room(&files_of(log)->streams[stream], size, capacity, log->failure);
}

static int files_append(struct log *log, int stream, struct str key, size_t size) {
    (void)key;
    return appender_add(&files_of(log)->streams[stream], size, log->failure);
}

static int files_prepare(struct log *log, int64_t outputs[TOPICS]) {
    struct log_files *files = files_of(log);
    for (int stream = 0; stream < STREAMS; stream++) {
        struct appender *appender = &files->streams[stream];
        if (appender->fd >= 0 && appender_cut(appender, log->failure) < 0) return -1;
        if (stream < TOPICS) log->sealed.outputs[stream] = outputs[stream] = appender->position;
    }
    for (int stream = 0; stream < STREAMS && !files->lazy; stream++)
        if (appender_sync(&files->streams[stream], log->failure) < 0) return -1;
    return 0;
}

static int files_seal(struct log *log, size_t size, int64_t sequence) {
    struct appender *journal = &files_of(log)->streams[STREAM_JOURNAL];
    size_t capacity;
    uint8_t *record = appender_room(journal, size, &capacity, log->failure);
    if (!record) return -1;
    int64_t at = journal->position;
    seal_hash(record, size, log->sealed.seal_hash);
    bool cut_already = size >= BLOCK_BYTES;
    if (appender_add(journal, size, log->failure) < 0) return -1;
    if (!cut_already && appender_cut(journal, log->failure) < 0) return -1;
    if (appender_sync(journal, log->failure) < 0) return -1;
    log->sealed.sequence = sequence;
    log->sealed.seal_at = at;
    log->sealed.position = journal->position;
    return 0;
}

static void files_close(struct log *log) {
    struct log_files *files = files_of(log);
    for (int stream = 0; stream < STREAMS; stream++) appender_close(&files->streams[stream]);
    if (files->mapped) {
        container_close(&files->reader);
        munmap(files->mapped, files->mapped_size);
    }
    plan_free(files->plan);
    free(files);
}

static const struct log_operations files_operations = {
    .read = files_read,
    .room = files_room,
    .append = files_append,
    .prepare = files_prepare,
    .seal = files_seal,
    .close = files_close,
};

static struct log_files *files_new(struct failure *failure) {
    struct log_files *files = calloc(1, sizeof *files);
    if (!files) {
        fail_memory(failure);
        return NULL;
    }
    files->log = (struct log){.operations = &files_operations,
                              .failure = failure,
                              .output_places = TOPICS,
                              .sealed = {.sequence = -1, .partitions = 1},
                              .name = files->path};
    for (int stream = 0; stream < STREAMS; stream++) files->streams[stream].fd = -1;
    return files;
}

/* Maps the journal. 1; 0: there is no such file; -1. */
static int journal_map(struct log_files *files) {
    struct failure *failure = files->log.failure;
    int fd = open(files->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? 0 : fail_errno(failure, "open", files->path);
    struct stat status;
    int result = 1;
    if (fstat(fd, &status) < 0)
        result = fail_errno(failure, "read", files->path);
    else if (!S_ISREG(status.st_mode))
        result = fail(failure, EXIT_FAILED, "%s is not a file.", files->path);
    else if (status.st_size > 0) {
        files->mapped_size = (size_t)status.st_size;
        files->mapped = mmap(NULL, files->mapped_size, PROT_READ, MAP_SHARED, fd, 0);
        if (files->mapped == MAP_FAILED) {
            files->mapped = NULL;
            result = fail_errno(failure, "map", files->path);
        }
    }
    close(fd);
    return result;
}

static size_t header_bytes(const char *schema) {
    static const uint8_t any_sync[SYNC_BYTES];
    return container_header(schema, any_sync, NULL, 0);
}

/* 1; 0: the file was still being made (its header is durable before anything follows it); -1. */
static int header_read(struct log_files *files) {
    struct failure *failure = files->log.failure;
    char error[400];
    struct container_reader *reader = &files->reader;
    if (!files->mapped) return 0;
    if (container_open(reader, files->mapped, files->mapped_size, error, sizeof error) < 0) {
        if (files->mapped_size <= header_bytes(schema_text("JournalRecord"))) return 0;
        return fail(failure, EXIT_FAILED, "%s is damaged at byte 0: %s. Restore the file from a backup.", files->path, error);
    }
    if (plan_make(&files->plan, reader->schema.ptr, reader->schema.len, &shape_journal_record, error, sizeof error) < 0)
        return fail(failure, EXIT_CONFIGURATION, "%s was written by a newer version of ringback (%s). Use that version.", files->path,
                    error);
    files->header_size = reader->at;
    return 1;
}

/* Finds the last seal; leaves the reader behind `from`, ready to read what a state at `from` has not seen. */
static int journal_scan(struct log_files *files, const struct log_place *from) {
    struct log *log = &files->log;
    int begun = header_read(files);
    if (begun <= 0) return begun;
    size_t start = from ? (size_t)from->position : files->reader.at;
    if (from) log->sealed = *from;
    if (journal_recover(&files->reader, files->plan, files->path, &log->sealed, log->failure) < 0) return -1;
    container_seek(&files->reader, start);
    return 0;
}

static int outputs_create(struct log_files *files, const char *directory) {
    struct log *log = &files->log;
    for (int topic = 0; topic < TOPICS; topic++) {
        struct appender *stream = &files->streams[topic];
        if (appender_create(stream, directory, topic_file_name((enum topic)topic), schema_of_topic((enum topic)topic),
                            log->sealed.journal_id, log->failure) < 0)
            return -1;
        log->sealed.outputs[topic] = stream->position;
    }
    return directory_sync(directory, log->failure);
}

static int journal_id_make(char id[JOURNAL_ID_DIGITS + 1], const char *given, struct failure *failure) {
    uint8_t random[JOURNAL_ID_DIGITS / 2];
    if (given && (strlen(given) != JOURNAL_ID_DIGITS || strspn(given, "0123456789abcdef") != JOURNAL_ID_DIGITS))
        return fail(failure, EXIT_USAGE, "a journal id is 32 hex digits in lower case, not \"%s\".", given);
    if (given)
        memcpy(id, given, JOURNAL_ID_DIGITS);
    else if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return fail_errno(failure, "read", "random bytes");
    else
        for (size_t n = 0; n < sizeof random; n++) snprintf(id + 2 * n, 3, "%02x", random[n]);
    id[JOURNAL_ID_DIGITS] = 0;
    return 0;
}

/* A journal without a seal holds nothing that happened: it begins anew. */
static int journal_begin(struct log_files *files, const struct data_dir *dir, const char *journal_id) {
    struct log *log = &files->log;
    if (journal_id_make(log->sealed.journal_id, journal_id, log->failure) < 0) return -1;
    if (files->header_size && files->mapped_size > files->header_size)
        complain("%s: cut %zu bytes that an earlier run had not sealed; there is no seal before them.", files->path,
                 files->mapped_size - files->header_size);
    struct appender *journal = &files->streams[STREAM_JOURNAL];
    if (appender_create(journal, dir->path, JOURNAL_FILE_NAME, schema_text("JournalRecord"), log->sealed.journal_id, log->failure) < 0)
        return -1;
    log->sealed.position = journal->position;
    return directory_sync(dir->path, log->failure) < 0 ? -1 : outputs_create(files, files->outputs_path);
}

static int journal_continue(struct log_files *files, const struct data_dir *dir) {
    struct log *log = &files->log;
    const struct log_place *sealed = &log->sealed;
    if (appender_open(&files->streams[STREAM_JOURNAL], dir->path, JOURNAL_FILE_NAME, schema_text("JournalRecord"), sealed->journal_id,
                      sealed->position, log->failure) < 0)
        return -1;
    for (int topic = 0; topic < TOPICS; topic++)
        if (appender_open(&files->streams[topic], files->outputs_path, topic_file_name((enum topic)topic),
                          schema_of_topic((enum topic)topic), sealed->journal_id, sealed->outputs[topic], log->failure) < 0)
            return -1;
    return 0;
}

/* Outputs without the journal they come from: cutting them would lose what only they still say. */
static int outputs_must_be_absent(struct log_files *files) {
    for (int topic = 0; topic < TOPICS; topic++) {
        char path[2 * PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", files->outputs_path, topic_file_name((enum topic)topic));
        if (access(path, F_OK) == 0)
            return fail(files->log.failure, EXIT_FAILED,
                        "%s is there, but its journal %s is not. Restore the journal, or move the outputs away to begin anew.", path,
                        files->path);
    }
    return 0;
}

static int files_open(struct log_files *files, const struct data_dir *dir, const struct log_place *remembered, const char *journal_id) {
    struct log *log = &files->log;
    int there = journal_map(files);
    if (there < 0) return -1;
    if (journal_scan(files, remembered) < 0) return -1;
    if (files->header_size && log->sealed.sequence >= 0) return journal_continue(files, dir);
    if (remembered)
        return fail(log->failure, EXIT_FAILED,
                    "%s is %s, but the state follows it up to seal %" PRId64 ". Restore the journal from a backup; to begin anew, "
                    "move the whole data directory away.",
                    files->path, there ? "empty" : "gone", remembered->sequence);
    if (!there && outputs_must_be_absent(files) < 0) return -1;
    return journal_begin(files, dir, journal_id);
}

int log_files_open(struct log **log, const struct data_dir *dir, const struct log_place *remembered, const char *journal_id,
                   struct failure *failure) {
    struct log_files *files = files_new(failure);
    *log = files ? &files->log : NULL;
    if (!files) return -1;
    data_dir_journal(dir, files->path);
    data_dir_outputs(dir, files->outputs_path);
    if (files_open(files, dir, remembered, journal_id) == 0) return 0;
    files_close(*log);
    *log = NULL;
    return -1;
}

int log_files_open_reader(struct log **log, const struct data_dir *dir, struct failure *failure) {
    struct log_files *files = files_new(failure);
    *log = files ? &files->log : NULL;
    if (!files) return -1;
    data_dir_journal(dir, files->path);
    int there = journal_map(files);
    if (there > 0 && journal_scan(files, NULL) == 0 && files->log.sealed.sequence >= 0) return 0;
    if (there >= 0)
        fail(failure, EXIT_FAILED, "%s holds no sealed records. Fold something first: ringback fold --data %s FILE...", files->path,
             dir->path);
    files_close(*log);
    *log = NULL;
    return -1;
}

int log_files_open_outputs(struct log **log, const char *directory, const char *journal_id, struct failure *failure) {
    struct log_files *files = files_new(failure);
    *log = files ? &files->log : NULL;
    if (!files) return -1;
    files->lazy = true;
    memcpy(files->log.sealed.journal_id, journal_id, JOURNAL_ID_DIGITS);
    if (outputs_create(files, directory) == 0) return 0;
    files_close(*log);
    *log = NULL;
    return -1;
}
