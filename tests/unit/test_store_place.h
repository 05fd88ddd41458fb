/* A directory with a store on disk, and what tests do there. */
#ifndef RINGBACK_TEST_STORE_PLACE_H
#define RINGBACK_TEST_STORE_PLACE_H

#include "test_store_fixture.h"

#include <sys/wait.h>
#include "../../state/keys.h"

struct place {
    char path[128];
    char error[512];
};

static inline int make_place(void **state) {
    struct place *place = calloc(1, sizeof *place);
    *state = place;
    make_test_directory(place->path, sizeof place->path);
    return 0;
}

static inline int remove_place(void **state) {
    struct place *place = *state;
    remove_test_directory(place->path);
    free(place);
    return 0;
}

static inline struct store *open_writer(struct place *place) {
    struct store *store;
    int result = store_open_lmdb(&store, place->path, place->error, sizeof place->error);
    if (result) print_error("%s\n", place->error);
    assert_int_equal(result, 0);
    return store;
}

static inline struct store *open_reader(struct place *place) {
    struct store *store;
    int result = store_open_lmdb_reader(&store, place->path, place->error, sizeof place->error);
    if (result) print_error("%s\n", place->error);
    assert_int_equal(result, 0);
    return store;
}

static inline void put_once(struct store *store, enum table table, struct str key, struct str value) {
    assert_int_equal(store_begin(store), 0);
    put(store, table, key, value);
    assert_int_equal(store_commit(store), 0);
}

static inline void expect(struct store *store, struct str key, struct str value) {
    struct str found;
    assert_int_equal(store_get(store, TABLE_CALLS, key, &found), 0);
    assert_str(found, value);
}

static inline void expect_once(struct store *store, struct str key, struct str value) {
    assert_int_equal(store_begin(store), 0);
    expect(store, key, value);
    store_abort(store);
}

static inline void expect_state(struct place *place, const char *prefix) {
    char path[256], text[128] = "";
    snprintf(path, sizeof path, "%s/STATE", place->path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    if (strncmp(text, prefix, strlen(prefix)) != 0) fail_msg("STATE is \"%s\", not \"%s\"", text, prefix);
}

static inline void expect_exit(pid_t child, int status) {
    int found = 0;
    assert_int_equal(waitpid(child, &found, 0), child);
    assert_true(WIFEXITED(found));
    assert_int_equal(WEXITSTATUS(found), status);
}

/* Entries of 1,000 bytes under the keys from <= key < to, in one transaction. */
static inline int put_numbers(struct store *store, uint32_t from, uint32_t to) {
    static const char filler[1000];
    int result = store_begin(store);
    for (uint32_t i = from; i < to && result == 0; i++) {
        struct key key = {.len = 0};
        key_u32(&key, i);
        result = store_put(store, TABLE_CALLS, key_str(&key), (struct str){filler, sizeof filler});
    }
    if (result == 0) return store_commit(store);
    store_abort(store);
    return result;
}

static inline void expect_numbers(struct store *store, uint32_t count) {
    struct store_stats stats;
    struct str key, value;
    uint32_t number = 0, seen = 0;
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_stats(store, &stats), 0);
    assert_int_equal(stats.entries[TABLE_CALLS], count);
    assert_true(stats.bytes_used <= stats.bytes_mapped);
    for (int result = store_seek(store, TABLE_CALLS, STR_NULL, &key, &value); result == 0;
         result = store_next(store, TABLE_CALLS, &key, &value)) {
        assert_true(key_take_u32(&key, &number));
        assert_int_equal(number, seen++);
        assert_int_equal(value.len, 1000);
    }
    assert_int_equal(seen, count);
    store_abort(store);
}

#endif
