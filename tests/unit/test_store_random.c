/* 200,000 random operations on LMDB and on memory: every answer must be the same, through aborts, commits and reopening. */
#include "test_store_fixture.h"

#include <inttypes.h>

#define OPERATIONS 200000
#define DRAWN_TABLES 4 /* trees and runs */
#define SEED_VARIABLE "RINGBACK_TEST_SEED" /* to repeat a failure */

struct pair {
    struct store *lmdb, *memory;
    char directory[128];
    uint64_t random;
    char key[506], value[40000];
};

static uint64_t draw(struct pair *pair, uint64_t below) {
    uint64_t z = pair->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* Mostly few keys that meet again, some of any length. */
static struct str draw_key(struct pair *pair) {
    uint32_t len = (uint32_t)(draw(pair, 10) ? 1 + draw(pair, 4) : 1 + draw(pair, 506));
    for (uint32_t i = 0; i < len; i++) pair->key[i] = "\x00\x01 aAz\x7f\x80\xfe\xff"[draw(pair, i < 4 ? 10 : 2)];
    return (struct str){pair->key, len};
}

/* Mostly short, some on overflow pages. */
static struct str draw_value(struct pair *pair) {
    uint32_t len = (uint32_t)(draw(pair, 50) ? draw(pair, 300) : draw(pair, sizeof pair->value));
    memset(pair->value, (int)draw(pair, 256), len);
    return (struct str){pair->value, len};
}

static void expect_same(int lmdb_result, int memory_result, const struct str lmdb[2], const struct str memory[2]) {
    assert_int_equal(lmdb_result, memory_result);
    assert_in_range(memory_result, 0, STORE_ABSENT);
    if (memory_result == STORE_ABSENT) return;
    assert_str(lmdb[0], memory[0]);
    assert_str(lmdb[1], memory[1]);
}

static void expect_same_tables(struct pair *pair) {
    for (enum table table = 0; table < TABLES; table++) {
        struct str l[2], m[2];
        int result = store_seek(pair->memory, table, STR_NULL, &m[0], &m[1]);
        expect_same(store_seek(pair->lmdb, table, STR_NULL, &l[0], &l[1]), result, l, m);
        while (result == 0) {
            result = store_next(pair->memory, table, &m[0], &m[1]);
            expect_same(store_next(pair->lmdb, table, &l[0], &l[1]), result, l, m);
        }
    }
    struct store_stats l, m;
    assert_int_equal(store_stats(pair->lmdb, &l), 0);
    assert_int_equal(store_stats(pair->memory, &m), 0);
    for (int table = 0; table < TABLES; table++) assert_true(l.entries[table] >= m.entries[table]);
}

static void write_once(struct pair *pair, enum table table) {
    struct str key = draw_key(pair);
    if (draw(pair, 5) < 3) {
        struct str value = draw_value(pair);
        put(pair->lmdb, table, key, value);
        put(pair->memory, table, key, value);
    } else {
        assert_int_equal(store_delete(pair->lmdb, table, key), store_delete(pair->memory, table, key));
    }
}

static void read_once(struct pair *pair, enum table table) {
    struct str key = draw_key(pair), l[2] = {{NULL, 0}, {NULL, 0}}, m[2] = {{NULL, 0}, {NULL, 0}};
    switch (draw(pair, 2)) {
    case 0: expect_same(store_get(pair->lmdb, table, key, &l[1]), store_get(pair->memory, table, key, &m[1]), l, m); return;
    default: expect_same(store_seek(pair->lmdb, table, key, &l[0], &l[1]), store_seek(pair->memory, table, key, &m[0], &m[1]), l, m);
    }
    for (uint64_t steps = draw(pair, 6); steps > 0; steps--)
        expect_same(store_next(pair->lmdb, table, &l[0], &l[1]), store_next(pair->memory, table, &m[0], &m[1]), l, m);
}

static void end_and_begin(struct pair *pair) {
    if (draw(pair, 3)) {
        assert_int_equal(store_commit(pair->lmdb), 0);
        assert_int_equal(store_commit(pair->memory), 0);
    } else {
        store_abort(pair->lmdb);
        store_abort(pair->memory);
    }
    if (draw(pair, 40) == 0) {
        char error[512];
        store_close(pair->lmdb);
        assert_int_equal(store_open_lmdb(&pair->lmdb, pair->directory, error, sizeof error), 0);
    }
    assert_int_equal(store_begin(pair->lmdb), 0);
    assert_int_equal(store_begin(pair->memory), 0);
}

static void both_sides_answer_the_same(void **state) {
    struct pair *pair = *state;
    const char *seed = getenv(SEED_VARIABLE);
    pair->random = seed ? strtoull(seed, NULL, 10) : 20261;
    print_message("%s=%" PRIu64 "\n", SEED_VARIABLE, pair->random);
    assert_int_equal(store_begin(pair->lmdb), 0);
    assert_int_equal(store_begin(pair->memory), 0);
    for (int i = 0; i < OPERATIONS; i++) {
        enum table table = (enum table)(TABLE_CALLS + draw(pair, DRAWN_TABLES));
        if (draw(pair, 2))
            write_once(pair, table);
        else
            read_once(pair, table);
        if (draw(pair, 200) == 0) end_and_begin(pair);
        if (draw(pair, 5000) == 0) expect_same_tables(pair);
    }
    expect_same_tables(pair);
}

static int open_pair(void **state) {
    struct pair *pair = calloc(1, sizeof *pair);
    char error[512];
    *state = pair;
    make_test_directory(pair->directory, sizeof pair->directory);
    return store_open_lmdb(&pair->lmdb, pair->directory, error, sizeof error) || store_open_memory(&pair->memory);
}

static int close_pair(void **state) {
    struct pair *pair = *state;
    store_close(pair->lmdb);
    store_close(pair->memory);
    remove_test_directory(pair->directory);
    free(pair);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(both_sides_answer_the_same, open_pair, close_pair)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
