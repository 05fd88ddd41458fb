#include "partition.h"

#include "log_files.h"
#include "reader.h"

#define ERROR_BYTES 600

/* 0; STORE_ABSENT: it has seen nothing; STORE_ERROR_DIRTY; or another error of the store. */
static int state_load(struct store *store, struct place *place) {
    int code = store_begin(store);
    if (code == 0) code = place_load(store, place);
    store_abort(store);
    return code;
}

static int open_anew(struct store **store, const char *path, struct failure *failure) {
    char error[ERROR_BYTES];
    int code = store_erase_lmdb(path, error, sizeof error);
    if (code == 0) code = store_open_lmdb(store, path, error, sizeof error);
    return code < 0 ? fail_store(failure, code, path, error) : 0;
}

int partition_open_state(struct store **store, const struct data_dir *dir, struct failure *failure) {
    char path[PATH_MAX], error[ERROR_BYTES];
    data_dir_state(dir, path);
    int code = store_open_lmdb(store, path, error, sizeof error);
    if (code == STORE_ERROR_DIRTY) {
        complain("%s: %s", path, error);
        return open_anew(store, path, failure);
    }
    if (code < 0) return fail_store(failure, code, path, error);

    struct place place;
    code = state_load(*store, &place);
    if (code == 0 || code == STORE_ABSENT) return 0;
    if (code != STORE_ERROR_DIRTY) return fail_store(failure, code, path, store_error(*store));
    store_close(*store);
    *store = NULL;
    complain("%s stands between two seals, or another version of ringback wrote it.", path);
    return open_anew(store, path, failure);
}

static void show_progress(void *context, int64_t at, int64_t end, uint64_t records) {
    progress_step(context, "building the state again:", records, (uint64_t)at, (uint64_t)end);
}

/* Silently: what is behind was emitted when it was written. */
static int catch_up(struct log *log, struct place *place, struct store *store, struct progress *progress, struct failure *failure) {
    if (place->log.sequence == log->sealed.sequence) return 0;
    char digits[32];
    bool all = place->log.sequence < 0;
    if (all) complain("%s: building the state again from %s bytes.", log->name, grouped((uint64_t)log->sealed.position, digits));
    struct reader_options options = {.progress = show_progress, .context = progress};
    struct reader_counts counts;
    int result = reader_run(store, log, place, &options, &counts, failure);
    progress_clear(progress);
    if (result == 0 && all) complain("%s: folded %s records again; nothing was emitted.", log->name, grouped(counts.records, digits));
    return result;
}

int partition_open(struct log **log, struct place *place, struct store *store, const struct data_dir *dir, const char *journal_id,
                   struct progress *progress, struct failure *failure) {
    int found = state_load(store, place);
    if (found < 0) return fail_store(failure, found, "the state", store_error(store));
    if (log_files_open(log, dir, found == 0 ? &place->log : NULL, journal_id, failure) < 0) return -1;
    if (found == STORE_ABSENT) *place = place_at_beginning((*log)->sealed.journal_id);
    if (catch_up(*log, place, store, progress, failure) == 0) {
        place->log = (*log)->sealed;
        return 0;
    }
    log_close(*log);
    *log = NULL;
    return -1;
}
