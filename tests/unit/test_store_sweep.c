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
    uint32_t parts;          /* committed, of a table in runs */
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
    uint32_t number = ALL;
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
static void live_with_numbers(struct place *place, const char *copy, struct told *told) {
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

static bool numbers_are_done(const struct told *told) { return told->all && told->copied; }

struct life {
    void (*live)(struct place *place, const char *copy, struct told *told);
    bool (*is_done)(const struct told *told); /* all that it does */
    bool (*expect)(struct place *place, const struct told *told, const char *where);
    long calls_least; /* or it shows nothing */
};

/* Runs with the calls failing in turn, until there is none left to fail. */
static void sweep(const struct life *life, enum fault_kind kind, int error) {
    long calls = 0, number = 0;
    int distrusted = 0;
    do {
        struct place place = {0}, copy = {0};
        struct told told;
        char where[700];
        make_test_directory(place.path, sizeof place.path);
        make_test_directory(copy.path, sizeof copy.path);
        fault_set(kind, ++number, error);
        life->live(&place, copy.path, &told);
        calls = fault_calls();
        fault_set(FAULT_NONE, 0, 0);
        snprintf(where, sizeof where, "call %ld failing with %d: %d, \"%s\"", number, error, told.error, told.text);
        if (told.error && (told.error == STORE_ERROR_MISUSE || !*told.text)) fail_msg("%s", where);
        if (!told.error && number > calls && !life->is_done(&told)) fail_msg("nothing failed, but not all was done");
        distrusted += life->expect(&place, &told, where);
        expect_copy(&copy, &told);
        remove_test_directory(place.path);
        remove_test_directory(copy.path);
    } while (number <= calls);
    assert_true(number > life->calls_least);
    assert_in_range(distrusted, 0, SYNCS);
}

static const struct life numbers = {live_with_numbers, numbers_are_done, expect_whole, 20};

static void every_call_for_a_file(void **state) {
    (void)state;
    sweep(&numbers, FAULT_FILES, EIO);
    sweep(&numbers, FAULT_FILES, ENOSPC);
    sweep(&numbers, FAULT_FILES, FAULT_SHORT);
}

static void every_call_of_LMDB(void **state) {
    (void)state;
    sweep(&numbers, FAULT_LMDB, EIO);
    sweep(&numbers, FAULT_LMDB, ENOMEM);
    sweep(&numbers, FAULT_LMDB, MDB_CORRUPTED);
    sweep(&numbers, FAULT_LMDB, MDB_MAP_FULL);
    sweep(&numbers, FAULT_LMDB, MDB_MAP_RESIZED);
    sweep(&numbers, FAULT_LMDB, MDB_READERS_FULL);
    sweep(&numbers, FAULT_LMDB, MDB_BAD_TXN);
}

/* ---- tables in runs ---- */

#define PARTS 10           /* each written out as a run by its commit: a merge begins, goes on and ends, and so does a second one */
#define LONG_BYTES 130000u /* two of them are more than a tree may have */

static struct str text_of(uint32_t part) {
    static char bytes[LONG_BYTES];
    memset(bytes, 'a' + (int)part, sizeof bytes);
    return (struct str){bytes, sizeof bytes};
}

static struct key part_key(const char *name, uint32_t part) {
    struct key key = {.len = 0};
    key_text(&key, STR("acme"));
    key_text(&key, str_of(name));
    key_byte(&key, 'T');
    key_u32(&key, part);
    return key;
}

/* Two entries that stay, one that each part writes anew, one that the next part removes; after an error every call repeats it. */
static int write_part(struct store *store, uint32_t part) {
    const struct key keys[] = {part_key("first", part), part_key("second", part), part_key("common", 0), part_key("passing", part)};
    int result = store_begin(store);
    if (result) return result;
    for (int i = 0; i < 4; i++) {
        struct str text = text_of(part);
        if (i > 1) text.len = 100;
        store_put(store, TABLE_PARTIES, key_str(&keys[i]), text);
    }
    if (part > 0) {
        struct key before = part_key("passing", part - 1);
        result = store_delete(store, TABLE_PARTIES, key_str(&before));
        assert_int_not_equal(result, STORE_ABSENT);
        if (result == 0) result = store_delete(store, TABLE_PARTIES, key_str(&before));
        assert_int_not_equal(result, 0);
    }
    store_put(store, TABLE_META, STR("parts"), (struct str){(const char[]){(char)(part + 1)}, 1});
    return store_commit(store);
}

static bool write_parts(struct store *store, uint32_t from, uint32_t to, struct told *told) {
    for (uint32_t part = from; part < to; part++) {
        int result = STORE_RETRY;
        for (int times = 0; times < 6 && result == STORE_RETRY; times++) result = note(told, write_part(store, part), store_error(store));
        if (result) return false;
        told->parts = part + 1;
    }
    return true;
}

/* All entries in order, and each by its key: as so many parts have left them. The first error. */
static int read_parts(struct store *store, uint32_t parts) {
    static const char *const names[] = {"common", "first", "passing", "second"};
    struct str key, value;
    int result = store_seek(store, TABLE_PARTIES, STR_NULL, &key, &value);
    for (int name = 0; name < 4; name++) {
        bool is_one = name % 2 == 0; /* the last part's */
        for (uint32_t part = is_one ? parts - 1 : 0; part < parts; part++) {
            struct key expected = part_key(names[name], name ? part : 0);
            if (result < 0) return result;
            assert_int_equal(result, 0);
            struct str text = text_of(part);
            if (is_one) text.len = 100;
            assert_str(key, key_str(&expected));
            assert_str(value, text);
            result = store_get(store, TABLE_PARTIES, key_str(&expected), &value);
            if (result < 0) return result;
            assert_int_equal(result, 0);
            assert_str(value, text);
            result = store_next(store, TABLE_PARTIES, &key, &value);
        }
    }
    if (result < 0) return result;
    assert_int_equal(result, STORE_ABSENT);
    struct key none = part_key("passing", parts);
    result = store_get(store, TABLE_PARTIES, key_str(&none), &value);
    if (result < 0) return result;
    assert_int_equal(result, STORE_ABSENT);
    return 0;
}

/* The store is closed and opened on the way, while a merge is under way, which then begins anew. */
static void live_with_runs(struct place *place, const char *copy, struct told *told) {
    struct store *store;
    struct store_stats stats;
    (void)copy;
    *told = (struct told){0};
    if (note(told, store_open_lmdb(&store, place->path, place->error, sizeof place->error), place->error) != 0) return;
    bool goes_on = write_parts(store, 0, PARTS / 2, told);
    store_close(store);
    if (!goes_on || note(told, store_open_lmdb(&store, place->path, place->error, sizeof place->error), place->error) != 0) return;
    if (write_parts(store, told->parts, PARTS, told) && note(told, store_begin(store), store_error(store)) == 0) {
        if (note(told, read_parts(store, told->parts), store_error(store)) == 0) note(told, store_stats(store, &stats), store_error(store));
        store_abort(store);
    }
    store_close(store);
}

static bool parts_are_done(const struct told *told) { return told->parts == PARTS; }

/* As expect_whole. */
static bool expect_parts(struct place *place, const struct told *told, const char *where) {
    struct store *store;
    struct str value;
    int result = store_open_lmdb(&store, place->path, place->error, sizeof place->error);
    if (result == STORE_ERROR_DIRTY) return true;
    if (result) fail_msg("%s: then it does not open: %s", where, place->error);
    assert_int_equal(store_begin(store), 0);
    uint32_t parts = store_get(store, TABLE_META, STR("parts"), &value) == 0 ? (uint8_t)*value.ptr : 0;
    if (parts < told->parts || parts > told->parts + 1) fail_msg("%s: %u parts, and it was told of %u", where, parts, told->parts);
    if (parts) assert_int_equal(read_parts(store, parts), 0);
    store_abort(store);
    store_close(store);
    return false;
}

static const struct life parts_in_runs = {live_with_runs, parts_are_done, expect_parts, 200};

static void every_call_of_LMDB_for_runs(void **state) {
    (void)state;
    sweep(&parts_in_runs, FAULT_LMDB, EIO);
    sweep(&parts_in_runs, FAULT_LMDB, MDB_MAP_FULL);
}

int main(void) {
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0); /* thousands of syncs, and no power is cut */
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_for_a_file), cmocka_unit_test(every_call_of_LMDB),
                                       cmocka_unit_test(every_call_of_LMDB_for_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
