/*
 * The store on disk: one LMDB environment a directory, one named database a table.
 *
 * NOSYNC: a commit is safe from a killed process, since the page cache holds it, not from a stopped machine; STATE (lmdb_directory.h)
 * knows the difference. No WRITEMAP: a full disk would be a SIGBUS. No DUPSORT: keys are composite instead. No NORDAHEAD: the state
 * is meant to fit in memory, and reading ahead warms it after a restart.
 */
#include "store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "lmdb_directory.h"
#include "lmdb_environment.h"
#include "lmdb_runs.h"
#include "store_side.h"

#define FIRST_MAP_BYTES ((size_t)1 << 30) /* address space only */
#define NEARLY_FULL_BYTES (1 << 20)

static const char *const table_names[TABLES] = {
    [TABLE_META] = "meta",         [TABLE_CALLS] = "calls",         [TABLE_TIMERS] = "timers",       [TABLE_PARTIES] = "parties",
    [TABLE_STARTS] = "starts",     [TABLE_JOBS] = "jobs",           [TABLE_WAITING] = "waiting",
    [TABLE_COMMANDS] = "commands", [TABLE_DIRECTORY] = "directory", [TABLE_SOURCES] = "sources",
};

struct lmdb {
    struct store store;
    struct lmdb_directory directory;
    struct lmdb_environment *environment;
    MDB_txn *txn;
    MDB_cursor *cursors[TABLES]; /* of the open transaction, opened at first use */
    struct lmdb_runs *runs;
    bool must_grow; /* the last transaction met the end of the map */
};

static struct lmdb *lmdb_of(struct store *store) { return (struct lmdb *)store; }

static MDB_val val_of(struct str bytes) { return (MDB_val){bytes.len, (char *)(uintptr_t)bytes.ptr}; }

static struct str str_of_val(MDB_val val) { return (struct str){val.mv_data, (uint32_t)val.mv_size}; }

/* The edge: every LMDB code becomes a store code and words that say what to do, here and nowhere else. */
static int translate(const struct lmdb_directory *directory, int code, const char *what, char *error, size_t error_size) {
    static const struct {
        int code, store_code;
        const char *advice;
    } meanings[] = {
        {MDB_MAP_FULL, STORE_RETRY, "abort and do the transaction again, the map grows first"},
        {MDB_MAP_RESIZED, STORE_RETRY, "abort and begin again"},
        {MDB_TXN_FULL, STORE_ERROR_MISUSE, "the transaction writes too much, commit smaller batches"},
        {MDB_READERS_FULL, STORE_ERROR_BUSY, "too many readers at once, close some"},
        {EBUSY, STORE_ERROR_BUSY, "readers in this process do not give way, end their transactions or close them"},
        {ECANCELED, STORE_ERROR_BUSY, "it gave way to the state's writer, take it again"},
        {MDB_INVALID, STORE_ERROR_FORMAT, "data.mdb is not an LMDB file, choose another directory"},
        {MDB_INCOMPATIBLE, STORE_ERROR_FORMAT, "data.mdb is not ringback state, choose another directory"},
        {MDB_VERSION_MISMATCH, STORE_ERROR_FORMAT, "another LMDB version wrote it, use that one, or erase and rebuild from the journal"},
        {MDB_CORRUPTED, STORE_ERROR_DIRTY, "erase the state and rebuild it from the journal"},
        {MDB_PAGE_NOTFOUND, STORE_ERROR_DIRTY, "erase the state and rebuild it from the journal"},
        {MDB_PANIC, STORE_ERROR_IO, "an earlier failure ended this environment, close the store and open it again"},
        {EACCES, STORE_ERROR_IO, "data.mdb and lock.mdb must be readable, lock.mdb writable for readers too: run as their owner"},
    };
    if (code == 0) return 0;
    if (code == MDB_NOTFOUND) return STORE_ABSENT;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code)
            return store_say(error, error_size, meanings[i].store_code, "%s: %s: %s", what, mdb_strerror(code), meanings[i].advice);
    int store_code = code > 0 ? store_code_of_errno(code) : STORE_ERROR_IO;
    /* LMDB reports a short write, which a full disk causes, as EIO. */
    if (code == EIO && lmdb_directory_free_bytes(directory) < NEARLY_FULL_BYTES) store_code = STORE_ERROR_FULL;
    return store_say(error, error_size, store_code, "%s: %s", what, mdb_strerror(code));
}

static int result_of(struct lmdb *lmdb, int code, const char *what) {
    int result = translate(&lmdb->directory, code, what, lmdb->store.error, sizeof lmdb->store.error);
    if (code == MDB_MAP_FULL) lmdb->must_grow = true;
    return result;
}

static int lmdb_begin(struct store *store) {
    struct lmdb *lmdb = lmdb_of(store);
    struct lmdb_environment *environment = lmdb->environment;
    int code = store->read_only ? 0 : lmdb_environment_make_room(environment, lmdb->must_grow);
    if (code) return result_of(lmdb, code, "growing the map");
    lmdb->must_grow = false;
    for (bool again = true;; again = false) {
        code = lmdb_environment_enter(environment);
        if (code) return result_of(lmdb, code, "begin");
        code = mdb_txn_begin(environment->env, NULL, store->read_only ? MDB_RDONLY : 0, &lmdb->txn);
        if (!code) {
            lmdb_runs_begin(lmdb->runs, &(struct lmdb_runs_place){lmdb->txn, environment->tables, &environment->runs}, !store->read_only);
            return 0;
        }
        lmdb_environment_leave(environment);
        if (!again) return result_of(lmdb, code, "begin");
        if (code == MDB_MAP_RESIZED)
            code = lmdb_environment_follow_map(environment);
        else if (code == MDB_READERS_FULL) /* killed readers keep their slots until somebody looks */
            code = mdb_reader_check(environment->env, NULL);
        if (code) return result_of(lmdb, code, "begin");
    }
}

static void close_cursors(struct lmdb *lmdb) {
    for (int i = 0; i < TABLES; i++) {
        if (lmdb->cursors[i]) mdb_cursor_close(lmdb->cursors[i]);
        lmdb->cursors[i] = NULL;
    }
    lmdb_runs_end(lmdb->runs);
}

static void lmdb_abort(struct store *store) {
    struct lmdb *lmdb = lmdb_of(store);
    close_cursors(lmdb);
    mdb_txn_abort(lmdb->txn);
    lmdb_environment_leave(lmdb->environment);
}

static int lmdb_commit(struct store *store) {
    struct lmdb *lmdb = lmdb_of(store);
    if (!store->read_only && !lmdb->directory.dirty) {
        int result = lmdb_directory_mark(&lmdb->directory, MARK_DIRTY, store->error, sizeof store->error);
        if (result) {
            lmdb_abort(store);
            return result;
        }
    }
    int code = store->read_only ? 0 : lmdb_runs_settle(lmdb->runs);
    if (code) {
        lmdb_runs_forget(lmdb->runs);
        lmdb_abort(store);
        return result_of(lmdb, code, "settling");
    }
    close_cursors(lmdb);
    code = mdb_txn_commit(lmdb->txn);
    if (code) lmdb_runs_forget(lmdb->runs);
    lmdb_environment_leave(lmdb->environment);
    return result_of(lmdb, code, "commit");
}

static int lmdb_get(struct store *store, enum table table, struct str key, struct str *value) {
    struct lmdb *lmdb = lmdb_of(store);
    MDB_val k = val_of(key), v;
    int code = lmdb_runs_hold(table) ? lmdb_runs_get(lmdb->runs, table, k, &v)
                                     : mdb_get(lmdb->txn, lmdb->environment->tables[table], &k, &v);
    if (code) return result_of(lmdb, code, "get");
    *value = str_of_val(v);
    return 0;
}

static int cursor_of(struct lmdb *lmdb, enum table table, MDB_cursor **cursor) {
    int code = 0;
    if (!lmdb->cursors[table]) code = mdb_cursor_open(lmdb->txn, lmdb->environment->tables[table], &lmdb->cursors[table]);
    *cursor = lmdb->cursors[table];
    return code;
}

/* Through the table's cursor: where keys come in about their order, it need not look from the root again. */
static int lmdb_put(struct store *store, enum table table, struct str key, struct str value) {
    struct lmdb *lmdb = lmdb_of(store);
    MDB_cursor *cursor;
    MDB_val k = val_of(key), v = val_of(value);
    if (lmdb_runs_hold(table)) return result_of(lmdb, lmdb_runs_put(lmdb->runs, table, k, v), "put");
    int code = cursor_of(lmdb, table, &cursor);
    if (!code) code = mdb_cursor_put(cursor, &k, &v, 0);
    return result_of(lmdb, code, "put");
}

static int lmdb_remove(struct store *store, enum table table, struct str key) {
    struct lmdb *lmdb = lmdb_of(store);
    MDB_cursor *cursor;
    MDB_val k = val_of(key), v;
    if (lmdb_runs_hold(table)) return result_of(lmdb, lmdb_runs_remove(lmdb->runs, table, k), "delete");
    int code = cursor_of(lmdb, table, &cursor);
    if (!code) code = mdb_cursor_get(cursor, &k, &v, MDB_SET);
    if (!code) code = mdb_cursor_del(cursor, 0);
    return result_of(lmdb, code, "delete");
}

static int seek_in_tree(struct lmdb *lmdb, enum table table, struct str from, MDB_val *key, MDB_val *value) {
    MDB_cursor *cursor;
    int code = cursor_of(lmdb, table, &cursor);
    *key = val_of(from);
    return code ? code : mdb_cursor_get(cursor, key, value, from.len ? MDB_SET_RANGE : MDB_FIRST);
}

static int lmdb_seek(struct store *store, enum table table, struct str from, struct str *key, struct str *value) {
    struct lmdb *lmdb = lmdb_of(store);
    MDB_val k, v;
    int code = lmdb_runs_hold(table) ? lmdb_runs_seek(lmdb->runs, table, val_of(from), &k, &v)
                                     : seek_in_tree(lmdb, table, from, &k, &v);
    if (code) return result_of(lmdb, code, "seek");
    *key = str_of_val(k);
    *value = str_of_val(v);
    return 0;
}

static int lmdb_next(struct store *store, enum table table, struct str *key, struct str *value) {
    struct lmdb *lmdb = lmdb_of(store);
    MDB_val k, v;
    int code = lmdb_runs_hold(table) ? lmdb_runs_next(lmdb->runs, table, &k, &v) : mdb_cursor_get(lmdb->cursors[table], &k, &v, MDB_NEXT);
    if (code) return result_of(lmdb, code, "next");
    *key = str_of_val(k);
    *value = str_of_val(v);
    return 0;
}

static int entries_of(struct lmdb *lmdb, enum table table, uint64_t *entries) {
    MDB_stat stat;
    if (lmdb_runs_hold(table)) return lmdb_runs_entries(lmdb->runs, table, entries);
    int code = mdb_stat(lmdb->txn, lmdb->environment->tables[table], &stat);
    if (!code) *entries = stat.ms_entries;
    return code;
}

static int lmdb_stats(struct store *store, struct store_stats *stats) {
    struct lmdb *lmdb = lmdb_of(store);
    for (int i = 0; i < TABLES; i++) {
        int code = entries_of(lmdb, (enum table)i, &stats->entries[i]);
        if (code) return result_of(lmdb, code, "stats");
    }
    lmdb_environment_extent(lmdb->environment, &stats->bytes_used, &stats->bytes_mapped);
    return 0;
}

/* After a failed flush the kernel may call the lost pages clean: what this directory holds can never again be trusted. */
static int lmdb_sync(struct store *store) {
    struct lmdb *lmdb = lmdb_of(store);
    int code = mdb_env_sync(lmdb->environment->env, 1);
    if (!code) return 0;
    char ignored[64];
    lmdb_directory_mark(&lmdb->directory, MARK_DAMAGED, ignored, sizeof ignored);
    return result_of(lmdb, code, "sync");
}

static void lmdb_close(struct store *store) {
    struct lmdb *lmdb = lmdb_of(store);
    bool flush = lmdb->environment && !store->read_only && lmdb->directory.dirty;
    if (flush && lmdb_sync(store) == 0) lmdb_directory_mark(&lmdb->directory, MARK_CLEAN, store->error, sizeof store->error);
    if (lmdb->environment) lmdb_environment_close(lmdb->environment);
    lmdb_directory_close(&lmdb->directory);
    lmdb_runs_free(lmdb->runs);
    free(lmdb);
}

static const struct store_side lmdb_side = {
    .close = lmdb_close,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .get = lmdb_get,
    .put = lmdb_put,
    .remove = lmdb_remove,
    .seek = lmdb_seek,
    .next = lmdb_next,
    .stats = lmdb_stats,
    .sync = lmdb_sync,
};

/* Names the tables in the open transaction; `flags` as mdb_dbi_open. */
static int open_tables(struct lmdb *lmdb, unsigned flags) {
    for (int i = 0; i < TABLES; i++) {
        int code = mdb_dbi_open(lmdb->txn, table_names[i], flags, &lmdb->environment->tables[i]);
        if (code) return code;
    }
    return mdb_dbi_open(lmdb->txn, "runs", flags, &lmdb->environment->runs);
}

static int make_tables(struct store *store) {
    struct lmdb *lmdb = lmdb_of(store);
    int result = store_begin(store);
    if (result) return result;
    result = result_of(lmdb, open_tables(lmdb, MDB_CREATE), "making the tables");
    if (!result) result = store_put(store, TABLE_META, STORE_FORMAT_KEY, store_format());
    if (!result) return store_commit(store);
    store_abort(store);
    return result;
}

/* In a transaction: whether there is anything, and if so whether it is ours. The tables open with it. */
static int look_inside(struct lmdb *lmdb, bool *empty) {
    char *error = lmdb->store.error;
    size_t error_size = sizeof lmdb->store.error;
    MDB_dbi names;
    MDB_stat stat;
    int code = mdb_dbi_open(lmdb->txn, NULL, 0, &names);
    if (!code) code = mdb_stat(lmdb->txn, names, &stat);
    if (code) return result_of(lmdb, code, "opening");
    *empty = stat.ms_entries == 0;
    if (*empty) return 0;
    MDB_val key = val_of(STORE_FORMAT_KEY), format;
    code = mdb_dbi_open(lmdb->txn, table_names[TABLE_META], 0, &lmdb->environment->tables[TABLE_META]);
    if (!code) code = mdb_get(lmdb->txn, lmdb->environment->tables[TABLE_META], &key, &format);
    if (code == MDB_NOTFOUND) return store_check_format(STR_NULL, error, error_size);
    if (code) return result_of(lmdb, code, "opening");
    int result = store_check_format(str_of_val(format), error, error_size);
    if (result) return result;
    code = open_tables(lmdb, 0);
    return code == MDB_NOTFOUND ? store_say(error, error_size, STORE_ERROR_DIRTY, "a table is missing: erase the state and rebuild it")
                                : result_of(lmdb, code, "opening the tables");
}

static int open_contents(struct store *store) {
    struct lmdb *lmdb = lmdb_of(store);
    bool writes = !store->read_only, empty = true;
    store->read_only = true; /* only looking, and the handles of a read transaction outlive its commit */
    int result = store_begin(store);
    if (!result) {
        result = look_inside(lmdb, &empty);
        if (result || empty)
            store_abort(store);
        else
            result = store_commit(store);
    }
    store->read_only = !writes;
    if (result || !empty) return result;
    if (!writes)
        return store_say(store->error, sizeof store->error, STORE_ERROR_FORMAT, "there is no state here yet: start the writer first");
    return make_tables(store);
}

static int lmdb_open(struct lmdb *lmdb, const char *path, size_t map_bytes) {
    struct store *store = &lmdb->store;
    char *error = store->error;
    size_t error_size = sizeof store->error;
    int result = lmdb_directory_open(&lmdb->directory, path, !store->read_only, error, error_size);
    if (!result) result = lmdb_directory_check(&lmdb->directory, error, error_size);
    if (result) return result;
    dev_t device;
    ino_t inode;
    bool there = lmdb_directory_find_data(&lmdb->directory, &device, &inode);
    if (!there && store->read_only)
        return store_say(error, error_size, STORE_ERROR_FORMAT, "%s holds no state yet: start the writer first", path);
    /* LMDB begins the file as it opens it, and syncs nothing. */
    if (!there && !lmdb->directory.dirty) result = lmdb_directory_mark(&lmdb->directory, MARK_DIRTY, error, error_size);
    if (result) return result;
    result = result_of(lmdb, lmdb_environment_open(&lmdb->environment, &lmdb->directory, path, store->read_only, map_bytes), path);
    if (result && !there) lmdb_directory_erase(&lmdb->directory, (char[1]){0}, 1); /* half a file would pass for somebody else's */
    if (result) return result;
    if (lmdb->environment->has_tables) return 0;
    result = open_contents(store);
    lmdb->environment->has_tables = result == 0;
    return result;
}

static int open_side(struct store **store, const char *path, bool read_only, size_t map_bytes, char *error, size_t error_size) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER; /* LMDB's rule for opening tables */
    *store = NULL;
    struct lmdb *lmdb = calloc(1, sizeof *lmdb);
    if (lmdb) lmdb->runs = lmdb_runs_new();
    if (!lmdb || !lmdb->runs) {
        free(lmdb);
        return store_say(error, error_size, STORE_ERROR_MEMORY, "out of memory");
    }
    lmdb->store.side = &lmdb_side;
    lmdb->store.read_only = read_only;
    lmdb->directory = LMDB_DIRECTORY_CLOSED;
    pthread_mutex_lock(&one_at_a_time);
    int result = lmdb_open(lmdb, path, map_bytes);
    pthread_mutex_unlock(&one_at_a_time);
    if (!result) {
        *store = &lmdb->store;
        return 0;
    }
    store_say(error, error_size, result, "%s", lmdb->store.error);
    store_close(&lmdb->store);
    return result;
}

int store_open_lmdb_sized(struct store **store, const char *path, size_t map_bytes, char *error, size_t error_size) {
    return open_side(store, path, false, map_bytes, error, error_size);
}

int store_open_lmdb(struct store **store, const char *path, char *error, size_t error_size) {
    return store_open_lmdb_sized(store, path, FIRST_MAP_BYTES, error, error_size);
}

int store_open_lmdb_reader(struct store **store, const char *path, char *error, size_t error_size) {
    return open_side(store, path, true, 0, error, error_size);
}

/* Nobody else can open it then: it is ours. */
static int must_be_unused(const struct lmdb_directory *directory, const char *path, char *error, size_t error_size) {
    if (!lmdb_environment_in_use(directory)) return 0;
    return store_say(error, error_size, STORE_ERROR_BUSY, "%s is open for reading in this process: close that first", path);
}

int store_erase_lmdb(const char *path, char *error, size_t error_size) {
    struct lmdb_directory directory;
    int result = lmdb_directory_open(&directory, path, true, error, error_size);
    if (!result) result = must_be_unused(&directory, path, error, error_size);
    if (!result) result = lmdb_directory_erase(&directory, error, error_size);
    lmdb_directory_close(&directory);
    return result;
}

/* Takes `store`, the reader of what is copied: whoever waits until it is closed does not wait for the disk. */
static int copy_to(struct store *store, struct lmdb_directory *target, char *error, size_t error_size) {
    int file = -1, code = 0;
    int result = lmdb_directory_new_data(target, &file, error, error_size);
    if (!result) code = lmdb_environment_copy(lmdb_of(store)->environment, file, target->fd);
    store_close(store);
    if (code) result = translate(target, code, "copying the state", error, error_size);
    if (!result && fsync(file) != 0) result = translate(target, errno, "syncing the copy", error, error_size);
    if (file >= 0) close(file);
    return result;
}

int store_copy_lmdb(const char *from, const char *into, char *error, size_t error_size) {
    struct store *store;
    struct lmdb_directory target = LMDB_DIRECTORY_CLOSED;
    int result = store_open_lmdb_reader(&store, from, error, error_size);
    if (result) return result;
    result = lmdb_directory_open(&target, into, true, error, error_size);
    if (result) {
        store_close(store);
    } else {
        result = copy_to(store, &target, error, error_size);
        if (!result) result = must_be_unused(&target, into, error, error_size);
        if (!result) result = lmdb_directory_take_new_data(&target, error, error_size);
        if (result) lmdb_directory_drop_new_data(&target);
    }
    lmdb_directory_close(&target);
    return result;
}
