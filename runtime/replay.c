#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log_files.h"
#include "progress.h"

#define IN_MEMORY_BYTES (16 << 20) /* of journal: the state of a longer one lies in files */
#define ERROR_BYTES 600

static int from_store(struct replay *replay, int code) {
    return code < 0 ? fail_store(replay->failure, code, "the state made for this question", store_error(replay->store)) : 0;
}

/* The store goes on by its descriptors: what it has open has no name any more, and is gone when the process is. */
static void remove_names(const char *directory) {
    static const char *const names[] = {"data.mdb", "lock.mdb", "OWNER", "STATE"};
    char path[PATH_MAX + 16];
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[n]);
        unlink(path);
    }
    rmdir(directory);
}

static int open_files(struct replay *replay) {
    char directory[PATH_MAX], error[ERROR_BYTES];
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%.*s/ringback-XXXXXX", PATH_MAX - 64, parent && *parent ? parent : "/var/tmp");
    if (!mkdtemp(directory)) return fail_errno(replay->failure, "make the directory", directory);
    int code = store_open_lmdb(&replay->store, directory, error, sizeof error);
    if (code < 0) fail_store(replay->failure, code, directory, error);
    if (code == 0) code = from_store(replay, store_begin(replay->store));
    if (code == 0) code = from_store(replay, store_commit(replay->store)); /* makes the last of its files */
    remove_names(directory);
    return code < 0 ? -1 : 0;
}

static int open_state(struct replay *replay) {
    if (replay->journal->sealed.position > IN_MEMORY_BYTES) return open_files(replay);
    return store_open_memory(&replay->store) < 0 ? fail_memory(replay->failure) : 0;
}

int replay_open(struct replay *replay, const char *data, struct failure *failure) {
    struct data_dir dir;
    *replay = (struct replay){.failure = failure};
    int result = data_dir_open(&dir, data, failure);
    if (result == 0) result = log_files_open_reader(&replay->journal, &dir, failure);
    if (result == 0) result = open_state(replay);
    if (result < 0)
        replay_close(replay);
    else
        replay->place = place_at_beginning(replay->journal->sealed.journal_id);
    return result;
}

struct reporting {
    struct progress progress;
    const char *doing;
};

static void show_progress(void *context, int64_t at, int64_t end, uint64_t records) {
    struct reporting *reporting = context;
    progress_step(&reporting->progress, reporting->doing, records, (uint64_t)at, (uint64_t)end);
}

int replay_run(struct replay *replay, const struct reader_query *query, const char *doing) {
    struct reporting reporting = {.doing = doing};
    progress_start(&reporting.progress, doing != NULL);
    struct reader_options options = {.query = query, .progress = show_progress, .context = &reporting};
    int result = reader_run(replay->store, replay->journal, &replay->place, &options, &replay->counts, replay->failure);
    progress_clear(&reporting.progress);
    return result < 0 ? -1 : from_store(replay, store_begin(replay->store));
}

void replay_close(struct replay *replay) {
    store_close(replay->store);
    log_close(replay->journal);
    replay->store = NULL;
    replay->journal = NULL;
}

static int scan_run(struct log *journal, const struct log_run *run, int (*each)(void *context, const struct journal_record *record), void *context) {
    const uint8_t *at = (const uint8_t *)run->bytes.ptr, *end = at + run->bytes.len;
    struct journal_record record;
    struct scratch scratch;
    struct str event_bytes;
    struct refusal why;
    int told = 0;
    for (int64_t n = 0; n < run->count && told == 0; n++) {
        int64_t size = codec_read_journal(run->plan, at, (size_t)(end - at), &record, &event_bytes, &scratch, &why);
        if (size < 0)
            return fail(journal->failure, EXIT_FAILED, "%s is damaged: in the block at byte %" PRId64 ", %s. Restore the file from a backup.",
                        journal->name, run->at, why.detail);
        told = each(context, &record);
        at += size;
    }
    return told;
}

int replay_scan(const char *data, int (*each)(void *context, const struct journal_record *record), void *context, struct failure *failure) {
    struct data_dir dir;
    struct log *journal;
    struct log_run run;
    if (data_dir_open(&dir, data, failure) < 0 || log_files_open_reader(&journal, &dir, failure) < 0) return -1;
    int told = 0, more = 0;
    while (told == 0 && (more = log_read(journal, &run)) > 0) told = scan_run(journal, &run, each, context);
    log_close(journal);
    return told < 0 || more < 0 ? -1 : 0;
}
