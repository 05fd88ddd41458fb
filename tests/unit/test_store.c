/* One suite for both sides of the store: what holds on disk holds in memory. */
#include "test_store_fixture.h"

#include "../../state/keys.h"

struct twin {
    struct store *store;
    char directory[128]; /* empty: in memory */
};

static int open_memory(void **state) {
    struct twin *twin = calloc(1, sizeof *twin);
    *state = twin;
    return store_open_memory(&twin->store);
}

static int open_lmdb(void **state) {
    struct twin *twin = calloc(1, sizeof *twin);
    char error[512];
    *state = twin;
    make_test_directory(twin->directory, sizeof twin->directory);
    return store_open_lmdb(&twin->store, twin->directory, error, sizeof error);
}

static int close_twin(void **state) {
    struct twin *twin = *state;
    store_close(twin->store);
    if (*twin->directory) remove_test_directory(twin->directory);
    free(twin);
    return 0;
}

static struct store *store_of(void **state) { return ((struct twin *)*state)->store; }

static void begin_with(struct store *store, const char *const *keys, size_t count) {
    assert_int_equal(store_begin(store), 0);
    for (size_t i = 0; i < count; i++) put(store, TABLE_CALLS, str_of(keys[i]), str_of(keys[i]));
}

static void expect(struct store *store, const char *key, const char *value) {
    struct str found;
    if (!value) {
        assert_int_equal(store_get(store, TABLE_CALLS, str_of(key), &found), STORE_ABSENT);
        return;
    }
    assert_int_equal(store_get(store, TABLE_CALLS, str_of(key), &found), 0);
    assert_str(found, str_of(value));
}

static void shorter_keys_come_first_and_bytes_are_unsigned(void **state) {
    struct store *store = store_of(state);
    static const char *const unordered[] = {"b", "\xff", "ab", "a", "\x01", "\x7f", "aa", "\x80", "abc"};
    static const char *const ordered[] = {"\x01", "a", "aa", "ab", "abc", "b", "\x7f", "\x80", "\xff"};
    begin_with(store, unordered, 9);
    struct str key, value;
    int result = store_seek(store, TABLE_CALLS, STR_NULL, &key, &value);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(result, 0);
        assert_str(key, str_of(ordered[i]));
        assert_str(value, str_of(ordered[i]));
        result = store_next(store, TABLE_CALLS, &key, &value);
    }
    assert_int_equal(result, STORE_ABSENT);
    assert_int_equal(store_next(store, TABLE_CALLS, &key, &value), STORE_ABSENT);
}

static void put_replaces_and_delete_removes(void **state) {
    struct store *store = store_of(state);
    begin_with(store, (const char *const[]){"a", "b"}, 2);
    put(store, TABLE_CALLS, STR("a"), STR("longer than before"));
    expect(store, "a", "longer than before");
    put(store, TABLE_CALLS, STR("a"), STR("x"));
    expect(store, "a", "x");
    assert_int_equal(store_delete(store, TABLE_CALLS, STR("a")), 0);
    assert_int_equal(store_delete(store, TABLE_CALLS, STR("a")), STORE_ABSENT);
    expect(store, "a", NULL);
    expect(store, "b", "b");
    struct store_stats stats;
    assert_int_equal(store_stats(store, &stats), 0);
    assert_int_equal(stats.entries[TABLE_CALLS], 1);
}

static void tables_are_apart(void **state) {
    struct store *store = store_of(state);
    assert_int_equal(store_begin(store), 0);
    struct str key, value;
    for (int table = 0; table < TABLES; table++) put(store, (enum table)table, STR("key"), (struct str){(char *)&table, sizeof table});
    for (int table = 0; table < TABLES; table++) {
        assert_int_equal(store_get(store, (enum table)table, STR("key"), &value), 0);
        assert_str(value, ((struct str){(char *)&table, sizeof table}));
        assert_int_equal(store_seek(store, (enum table)table, STR("k"), &key, &value), 0);
    }
    for (int table = 0; table < TABLES; table++) assert_int_equal(store_next(store, (enum table)table, &key, &value), STORE_ABSENT);
}

static void seek_finds_the_first_at_or_after(void **state) {
    struct store *store = store_of(state);
    begin_with(store, (const char *const[]){"b", "d"}, 2);
    struct str key, value;
    assert_int_equal(store_seek(store, TABLE_CALLS, STR("a"), &key, &value), 0);
    assert_str(key, STR("b"));
    assert_int_equal(store_seek(store, TABLE_CALLS, STR("b"), &key, &value), 0);
    assert_str(key, STR("b"));
    assert_int_equal(store_seek(store, TABLE_CALLS, STR("b1"), &key, &value), 0);
    assert_str(key, STR("d"));
    assert_int_equal(store_seek(store, TABLE_CALLS, STR("d1"), &key, &value), STORE_ABSENT);
    assert_int_equal(store_next(store, TABLE_CALLS, &key, &value), STORE_ABSENT);
    assert_int_equal(store_seek(store, TABLE_JOBS, STR_NULL, &key, &value), STORE_ABSENT);
}

static void reading_keeps_the_position(void **state) {
    struct store *store = store_of(state);
    begin_with(store, (const char *const[]){"a", "b", "c"}, 3);
    struct str key, value;
    assert_int_equal(store_seek(store, TABLE_CALLS, STR("a"), &key, &value), 0);
    expect(store, "c", "c");
    assert_int_equal(store_seek(store, TABLE_JOBS, STR("a"), &key, &value), STORE_ABSENT);
    assert_int_equal(store_next(store, TABLE_CALLS, &key, &value), 0);
    assert_str(key, STR("b"));
}

static void an_empty_value_is_a_value(void **state) {
    struct store *store = store_of(state);
    assert_int_equal(store_begin(store), 0);
    put(store, TABLE_TIMERS, STR("a"), STR_NULL);
    put(store, TABLE_TIMERS, STR("b"), STR(""));
    struct str key, value = STR("untouched");
    assert_int_equal(store_get(store, TABLE_TIMERS, STR("a"), &value), 0);
    assert_int_equal(value.len, 0);
    assert_int_equal(store_seek(store, TABLE_TIMERS, STR("a0"), &key, &value), 0);
    assert_str(key, STR("b"));
    assert_int_equal(value.len, 0);
}

static void abort_restores(void **state) {
    struct store *store = store_of(state);
    begin_with(store, (const char *const[]){"changed", "deleted", "both", "again"}, 4);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_begin(store), 0);
    put(store, TABLE_CALLS, STR("changed"), STR("1"));
    put(store, TABLE_CALLS, STR("changed"), STR("2"));
    put(store, TABLE_CALLS, STR("both"), STR("1"));
    put(store, TABLE_CALLS, STR("new"), STR("1"));
    put(store, TABLE_CALLS, STR("gone"), STR("1"));
    assert_int_equal(store_delete(store, TABLE_CALLS, STR("deleted")), 0);
    assert_int_equal(store_delete(store, TABLE_CALLS, STR("both")), 0);
    assert_int_equal(store_delete(store, TABLE_CALLS, STR("gone")), 0);
    assert_int_equal(store_delete(store, TABLE_CALLS, STR("again")), 0);
    put(store, TABLE_CALLS, STR("again"), STR("1"));
    store_abort(store);
    assert_int_equal(store_begin(store), 0);
    expect(store, "changed", "changed");
    expect(store, "deleted", "deleted");
    expect(store, "both", "both");
    expect(store, "again", "again");
    expect(store, "new", NULL);
    expect(store, "gone", NULL);
    struct store_stats stats;
    assert_int_equal(store_stats(store, &stats), 0);
    assert_int_equal(stats.entries[TABLE_CALLS], 4);
}

static void commit_keeps(void **state) {
    struct store *store = store_of(state);
    begin_with(store, (const char *const[]){"a", "b"}, 2);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_delete(store, TABLE_CALLS, STR("a")), 0);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_sync(store), 0);
    assert_int_equal(store_begin(store), 0);
    expect(store, "a", NULL);
    expect(store, "b", "b");
}

static void keys_of_506_bytes_and_not_one_more(void **state) {
    struct store *store = store_of(state);
    char bytes[507];
    memset(bytes, 'k', sizeof bytes);
    struct str key, value, longest = {bytes, 506}, longer = {bytes, 507};
    assert_int_equal(store_begin(store), 0);
    put(store, TABLE_CALLS, longest, STR("v"));
    assert_int_equal(store_seek(store, TABLE_CALLS, STR("k"), &key, &value), 0);
    assert_str(key, longest);
    assert_int_equal(store_put(store, TABLE_CALLS, longer, STR("v")), STORE_ERROR_MISUSE);
    assert_int_equal(store_get(store, TABLE_CALLS, longest, &value), STORE_ERROR_MISUSE);
    assert_int_equal(store_commit(store), STORE_ERROR_MISUSE);
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_get(store, TABLE_CALLS, longest, &value), STORE_ABSENT);
    assert_int_equal(store_put(store, TABLE_CALLS, STR(""), STR("v")), STORE_ERROR_MISUSE);
}

static void values_of_300_KiB(void **state) {
    struct store *store = store_of(state);
    uint32_t size = 300 * 1024;
    char *bytes = malloc(size);
    for (uint32_t i = 0; i < size; i++) bytes[i] = (char)(i * 7 + i / 251);
    assert_int_equal(store_begin(store), 0);
    put(store, TABLE_CALLS, STR("big"), (struct str){bytes, size});
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_begin(store), 0);
    struct str value;
    assert_int_equal(store_get(store, TABLE_CALLS, STR("big"), &value), 0);
    assert_str(value, ((struct str){bytes, size}));
    free(bytes);
}

static void rules_of_the_header_hold(void **state) {
    struct store *store = store_of(state);
    struct str key, value;
    struct store_stats stats;
    assert_int_equal(store_get(store, TABLE_CALLS, STR("a"), &value), STORE_ERROR_MISUSE);
    assert_int_equal(store_stats(store, &stats), STORE_ERROR_MISUSE);
    assert_int_equal(store_commit(store), STORE_ERROR_MISUSE);
    assert_string_equal(store_error(store), "no transaction is open");
    store_abort(store);

    begin_with(store, (const char *const[]){"a", "b"}, 2);
    assert_int_equal(store_next(store, TABLE_CALLS, &key, &value), STORE_ERROR_MISUSE);
    assert_int_equal(store_get(store, TABLE_CALLS, STR("a"), &value), STORE_ERROR_MISUSE);
    store_abort(store);

    begin_with(store, (const char *const[]){"a", "b"}, 2);
    assert_int_equal(store_seek(store, TABLE_CALLS, STR("a"), &key, &value), 0);
    put(store, TABLE_JOBS, STR("a"), STR("b"));
    assert_int_equal(store_next(store, TABLE_CALLS, &key, &value), STORE_ERROR_MISUSE);
    store_abort(store);

    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_begin(store), STORE_ERROR_MISUSE);
    assert_int_equal(store_commit(store), STORE_ERROR_MISUSE);
    store_close(NULL);
}

static void close_ends_an_open_transaction(void **state) {
    begin_with(store_of(state), (const char *const[]){"a", "b"}, 2); /* the teardown closes; sanitizers watch */
}

#define TWIN(test) cmocka_unit_test_setup_teardown(test, OPEN, close_twin)
#define SUITE                                                                                                                              \
    TWIN(shorter_keys_come_first_and_bytes_are_unsigned), TWIN(put_replaces_and_delete_removes), TWIN(tables_are_apart),                   \
        TWIN(seek_finds_the_first_at_or_after), TWIN(reading_keeps_the_position),                          \
        TWIN(an_empty_value_is_a_value), TWIN(abort_restores), TWIN(commit_keeps), TWIN(keys_of_506_bytes_and_not_one_more),               \
        TWIN(values_of_300_KiB), TWIN(rules_of_the_header_hold), TWIN(there_is_no_such_table),                                             \
        TWIN(close_ends_an_open_transaction)

static void there_is_no_such_table(void **state) {
    struct store *store = store_of(state);
    struct str key, value;
    begin_with(store, NULL, 0);
    assert_int_equal(store_get(store, TABLES, STR("a"), &value), STORE_ERROR_MISUSE);
    store_abort(store);
    begin_with(store, NULL, 0);
    assert_int_equal(store_seek(store, TABLES, STR("a"), &key, &value), STORE_ERROR_MISUSE);
    store_abort(store);
    begin_with(store, NULL, 0);
    assert_int_equal(store_seek(store, TABLES, STR(""), &key, &value), STORE_ERROR_MISUSE);
    store_abort(store);
}

int main(void) {
#define OPEN open_memory
    const struct CMUnitTest memory[] = {SUITE};
#undef OPEN
#define OPEN open_lmdb
    const struct CMUnitTest lmdb[] = {SUITE};
    int failed = cmocka_run_group_tests_name("store in memory", memory, NULL, NULL);
    return failed + cmocka_run_group_tests_name("store on LMDB", lmdb, NULL, NULL);
}
