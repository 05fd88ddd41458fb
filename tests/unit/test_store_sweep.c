/* The store on disk while its calls fail: each call of LMDB and each for a file, once, in turn (tests/faults does so to the whole program). */
#include "test_store_place.h"

#include <errno.h>
#include <lmdb.h>
#include "../../state/store_lmdb.h"
#include "../faults/fault.h"

#define SMALL_MAP_BYTES (128 * 1024) /* grows on the way */
#define FIRST 20
#define ALL 80
#define SYNCS 2 /* of what was committed, in a run: after those alone, where they fail, the state is not trusted */

/* What a run was told was done. */
struct told {
    bool first, all, copied; /* committed so many; the copy is one */
    int error;               /* the first */
    char text[512];
};

static int note(struct told *told, int result, const char *text) {
    if (result < 0 && result != STORE_RETRY && !told->error) {
        told->error = result;
        snprintf(told->text, sizeof told->text, "%s", text);
    }
    return result;
}

static bool write_numbers(struct store *store, uint32_t from, uint32_t to, struct told *told) {
    for (int times = 0; times < 6; times++) {
        int result = note(told, put_numbers(store, from, to), store_error(store));
        if (result != STORE_RETRY) return result == 0;
    }
    return false;
}

/* Every way of reading, in a transaction of its own that writes as well where it may, and is aborted. */
static void look(struct store *store, bool writes, struct told *told) {
    struct str key, value;
    struct store_stats stats;
    uint32_t number;
    if (note(told, store_begin(store), store_error(store)) != 0) return;
    note(told, store_seek(store, TABLE_CALLS, STR_NULL, &key, &value), store_error(store));
    note(told, store_next(store, TABLE_CALLS, &key, &value), store_error(store));
    note(told, store_get(store, TABLE_META, STR("none"), &value), store_error(store));
    if (note(told, store_seek(store, TABLE_CALLS, STR("\0\0\0\1"), &key, &value), store_error(store)) == 0) {
        struct str rest = key;
        assert_true(key_take_u32(&rest, &number) && number < ALL);
    }
    note(told, store_stats(store, &stats), store_error(store));
    if (writes) note(told, store_delete(store, TABLE_CALLS, STR("\0\0\0\1")), store_error(store));
    store_abort(store);
}

/* A life with all that a service does to its state. Goes on after an error, as far as there is anything to go on with. */
static void live(struct place *place, const char *copy, struct told *told) {
    struct store *store, *reader;
    *told = (struct told){0};
    if (note(told, store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), place->error) != 0) return;
    told->first = write_numbers(store, 0, FIRST, told);
    told->all = told->first && write_numbers(store, FIRST, ALL, told);
    look(store, true, told);
    if (note(told, store_open_lmdb_reader(&reader, place->path, place->error, sizeof place->error), place->error) == 0) {
        look(reader, false, told);
        store_close(reader);
    }
    told->copied = note(told, store_copy_lmdb(place->path, copy, place->error, sizeof place->error), place->error) == 0;
    note(told, store_sync(store), store_error(store));
    store_close(store);
    note(told, store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), place->error);
    if (!store) return;
    look(store, true, told);
    store_close(store);
}

/* Nothing fails any more: what was told is so, or the state says of itself that it is not to be trusted (true) and can begin again. */
static bool expect_whole(struct place *place, const struct told *told, const char *where) {
    struct store *store;
    struct store_stats stats;
    int result = store_open_lmdb(&store, place->path, place->error, sizeof place->error);
    if (result == STORE_ERROR_DIRTY) {
        assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
        store_close(open_writer(place));
        return true;
    }
    if (result) fail_msg("%s: then it does not open: %s", where, place->error);
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_stats(store, &stats), 0);
    store_abort(store);
    uint64_t count = stats.entries[TABLE_CALLS];
    bool is_known = count == 0 || count == FIRST || count == ALL;
    if (!is_known || count < (told->all ? ALL : told->first ? FIRST : 0)) fail_msg("%s: %lu entries", where, (unsigned long)count);
    expect_numbers(store, (uint32_t)count);
    store_close(store);
    return false;
}

static void expect_copy(struct place *copy, const struct told *told) {
    if (!told->copied) return;
    struct store *store = open_writer(copy);
    expect_numbers(store, told->all ? ALL : told->first ? FIRST : 0);
    store_close(store);
}

/* Runs with the calls failing in turn, until there is none left to fail. */
static void sweep(enum fault_kind kind, int error) {
    long calls = 0, number = 0;
    int distrusted = 0;
    do {
        struct place place = {0}, copy = {0};
        struct told told;
        char where[700];
        make_test_directory(place.path, sizeof place.path);
        make_test_directory(copy.path, sizeof copy.path);
        fault_set(kind, ++number, error);
        live(&place, copy.path, &told);
        calls = fault_calls();
        fault_set(FAULT_NONE, 0, 0);
        snprintf(where, sizeof where, "call %ld failing with %d: %d, \"%s\"", number, error, told.error, told.text);
        if (told.error && (told.error == STORE_ERROR_MISUSE || !*told.text)) fail_msg("%s", where);
        if (!told.error && number > calls && !(told.all && told.copied)) fail_msg("nothing failed, but not all was done");
        distrusted += expect_whole(&place, &told, where);
        expect_copy(&copy, &told);
        remove_test_directory(place.path);
        remove_test_directory(copy.path);
    } while (number <= calls);
    assert_true(number > 20);
    assert_in_range(distrusted, 0, SYNCS);
}

static void every_call_for_a_file(void **state) {
    (void)state;
    sweep(FAULT_FILES, EIO);
    sweep(FAULT_FILES, ENOSPC);
    sweep(FAULT_FILES, FAULT_SHORT);
}

static void every_call_of_LMDB(void **state) {
    (void)state;
    sweep(FAULT_LMDB, EIO);
    sweep(FAULT_LMDB, ENOMEM);
    sweep(FAULT_LMDB, MDB_CORRUPTED);
    sweep(FAULT_LMDB, MDB_MAP_FULL);
    sweep(FAULT_LMDB, MDB_MAP_RESIZED);
    sweep(FAULT_LMDB, MDB_READERS_FULL);
    sweep(FAULT_LMDB, MDB_BAD_TXN);
}

int main(void) {
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0); /* thousands of syncs, and no power is cut */
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_for_a_file), cmocka_unit_test(every_call_of_LMDB)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
