/* Tables that lie in runs: what is found in them at every age, what is left of merges, what damage does. */
#include "test_store_place.h"

#include <inttypes.h>
#include <lmdb.h>
#include "../../state/lmdb_run.h"

#define KEYS 100000u
#define KEYS_A_COMMIT 500u
#define ROUNDS 4
#define GONE (-1)

static void key_of(struct key *key, uint32_t number) {
    char text[32];
    snprintf(text, sizeof text, "party-%07" PRIu32, number);
    key_reset(key);
    key_text(key, STR("acme"));
    key_text(key, str_of(text));
    key_byte(key, 'T');
    key_u32(key, number);
}

static struct str value_of(char room[200], uint32_t number, int round) {
    int size = snprintf(room, 200, "%0*" PRIu32 " in round %d", 100 + (int)(number % 30), number, round);
    return (struct str){room, (uint32_t)size};
}

/* What the store should hold: of each key the round that wrote it last. */
struct model {
    int round[KEYS];
};

static void write_one(struct store *store, struct model *model, uint32_t number, int round) {
    struct key key;
    char room[200];
    key_of(&key, number);
    bool removes = (number + (uint32_t)round) % 3 == 0;
    int there = model->round[number] != GONE;
    if (removes) assert_int_equal(store_delete(store, TABLE_PARTIES, key_str(&key)), there ? 0 : STORE_ABSENT);
    else put(store, TABLE_PARTIES, key_str(&key), value_of(room, number, round));
    model->round[number] = removes ? GONE : round;
}

static void expect_all(struct store *store, const struct model *model) {
    struct str key, value;
    struct key expected;
    char room[200];
    assert_int_equal(store_begin(store), 0);
    int result = store_seek(store, TABLE_PARTIES, STR_NULL, &key, &value);
    for (uint32_t number = 0; number < KEYS; number++) {
        if (model->round[number] == GONE) continue;
        key_of(&expected, number);
        assert_int_equal(result, 0);
        assert_str(key, key_str(&expected));
        assert_str(value, value_of(room, number, model->round[number]));
        result = store_next(store, TABLE_PARTIES, &key, &value);
    }
    assert_int_equal(result, STORE_ABSENT);
    for (uint32_t number = 0; number < KEYS; number += 7) {
        bool there = model->round[number] != GONE;
        key_of(&expected, number);
        assert_int_equal(store_get(store, TABLE_PARTIES, key_str(&expected), &value), there ? 0 : STORE_ABSENT);
        if (there) assert_str(value, value_of(room, number, model->round[number]));
    }
    store_abort(store);
}

/* Writes that are never committed. */
static void write_in_vain(struct store *store) {
    struct key key;
    for (uint32_t number = 0; number < KEYS_A_COMMIT; number++) {
        key_of(&key, number);
        put(store, TABLE_PARTIES, key_str(&key), STR("in vain"));
    }
    store_abort(store);
    assert_int_equal(store_begin(store), 0);
}

static void begin_again(struct store **store, struct place *place) {
    store_close(*store);
    *store = open_writer(place);
    assert_int_equal(store_begin(*store), 0);
}

/* All keys, in no order, ROUNDS times; every so often a transaction is dropped, or the store opened anew. */
static struct store *write_all(struct place *place, struct model *model) {
    struct store *store = open_writer(place);
    memset(model->round, 0xff, sizeof model->round);
    assert_int_equal(store_begin(store), 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < KEYS; i++) {
            write_one(store, model, i * 7919u % KEYS, round);
            if (i % KEYS_A_COMMIT != KEYS_A_COMMIT - 1) continue;
            assert_int_equal(store_commit(store), 0);
            assert_int_equal(store_begin(store), 0);
            if (i % (20 * KEYS_A_COMMIT) < KEYS_A_COMMIT) write_in_vain(store);
            if (i % (190 * KEYS_A_COMMIT) < KEYS_A_COMMIT) begin_again(&store, place);
        }
    }
    store_abort(store);
    return store;
}

static void entries_are_found_at_every_age(void **state) {
    static struct model model;
    struct place *place = *state;
    struct store *store = write_all(place, &model), *reader = open_reader(place);
    expect_all(store, &model);
    expect_all(reader, &model);
    store_close(reader);
    store_close(store);
    store = open_writer(place);
    expect_all(store, &model);
    store_close(store);
}

/* ---- as LMDB holds it ---- */

static MDB_env *open_raw(struct place *place, MDB_txn **txn, MDB_dbi *runs) {
    MDB_env *env;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, TABLES + 1), 0);
    assert_int_equal(mdb_env_set_mapsize(env, (size_t)1 << 30), 0);
    assert_int_equal(mdb_env_open(env, place->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, txn), 0);
    assert_int_equal(mdb_dbi_open(*txn, "runs", 0, runs), 0);
    return env;
}

static void close_raw(MDB_env *env, MDB_txn *txn) {
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

#define LIST_HEAD_BYTES 8

static MDB_val list_of(MDB_txn *txn, MDB_dbi runs) {
    MDB_val key = {1, (char[]){0}}, list;
    assert_int_equal(mdb_get(txn, runs, &key, &list), 0);
    return list;
}

static bool is_listed(MDB_val list, const uint8_t *front) {
    uint32_t number = (uint32_t)front[1] << 24 | (uint32_t)front[2] << 16 | (uint32_t)front[3] << 8 | front[4];
    for (size_t at = LIST_HEAD_BYTES; at < list.mv_size; at += sizeof(struct run)) {
        struct run run;
        memcpy(&run, (const uint8_t *)list.mv_data + at, sizeof run);
        if (run.table == (front[0] & 0x7f) && run.number == number) return true;
    }
    return false;
}

static void nothing_is_left_of_what_was_merged(void **state) {
    static struct model model;
    struct place *place = *state;
    struct store *store = write_all(place, &model);
    store_close(store);
    store = open_writer(place); /* a merge under way is forgotten */
    for (int i = 0; i < 10; i++) put_once(store, TABLE_CALLS, STR("call"), STR("1"));
    store_close(store);

    MDB_txn *txn;
    MDB_dbi runs;
    MDB_env *env = open_raw(place, &txn, &runs);
    MDB_val list = list_of(txn, runs), key, value;
    uint8_t highest = 0;
    for (size_t at = LIST_HEAD_BYTES; at < list.mv_size; at += sizeof(struct run)) {
        struct run run;
        memcpy(&run, (const uint8_t *)list.mv_data + at, sizeof run);
        if (run.level > highest) highest = run.level;
    }
    assert_in_range(highest, 2, 8); /* or this shows nothing */
    MDB_cursor *cursor;
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT); code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        assert_true(is_listed(list, key.mv_data));
    assert_int_equal(code, MDB_NOTFOUND);
    mdb_cursor_close(cursor);
    close_raw(env, txn);
}

/* As a standby does: it begins, finds nothing more to read, and aborts. */
static void merges_go_on_after_an_empty_transaction_was_dropped(void **state) {
    struct place *place = *state;
    struct store *store = open_writer(place);
    struct key key;
    char room[200];
    assert_int_equal(store_begin(store), 0);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t number = i * 7919u % KEYS;
        key_of(&key, number);
        put(store, TABLE_PARTIES, key_str(&key), value_of(room, number, 0));
        if (i % 2000 != 1999) continue;
        assert_int_equal(store_commit(store), 0);
        assert_int_equal(store_begin(store), 0);
        store_abort(store); /* nothing was written in it */
        assert_int_equal(store_begin(store), 0);
    }
    store_abort(store);
    store_close(store);
    MDB_txn *txn;
    MDB_dbi runs;
    MDB_env *env = open_raw(place, &txn, &runs);
    MDB_val list = {1, (char[]){0}}, value;
    uint32_t count;
    assert_int_equal(mdb_get(txn, runs, &list, &value), 0);
    memcpy(&count, (const char *)value.mv_data + sizeof(uint32_t), sizeof count);
    assert_true(count < 20);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

/* ---- damage ---- */

static void damage(struct place *place, void (*how)(MDB_txn *txn, MDB_dbi runs)) {
    MDB_txn *txn;
    MDB_dbi runs;
    MDB_env *env = open_raw(place, &txn, &runs);
    how(txn, runs);
    close_raw(env, txn);
}

static void cut_list(MDB_txn *txn, MDB_dbi runs) {
    MDB_val key = {1, (char[]){0}}, list = list_of(txn, runs);
    list.mv_size -= 1;
    char bytes[4096];
    assert_in_range(list.mv_size, 1, sizeof bytes);
    memcpy(bytes, list.mv_data, list.mv_size);
    list.mv_data = bytes;
    assert_int_equal(mdb_put(txn, runs, &key, &list, 0), 0);
}

/* Every chunk: the entries say that they are longer than it. */
static void stretch_entries(MDB_txn *txn, MDB_dbi runs) {
    MDB_cursor *cursor;
    MDB_val key, chunk;
    char bytes[4096];
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    for (int code = mdb_cursor_get(cursor, &key, &chunk, MDB_FIRST); code == 0; code = mdb_cursor_get(cursor, &key, &chunk, MDB_NEXT)) {
        if (key.mv_size <= RUN_FRONT_BYTES) continue;
        uint32_t count, place;
        memcpy(&count, chunk.mv_data, 4);
        memcpy(bytes, chunk.mv_data, chunk.mv_size);
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&place, bytes + 4 * (1 + i), 4);
            memset(bytes + place + 4, 0x7f, 4);
        }
        chunk.mv_data = bytes;
        assert_int_equal(mdb_cursor_put(cursor, &key, &chunk, MDB_CURRENT), 0);
    }
    mdb_cursor_close(cursor);
}

static void drop_filters(MDB_txn *txn, MDB_dbi runs) {
    MDB_cursor *cursor;
    MDB_val key = {1, (char[]){(char)0x80}}, value;
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == 0) assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    mdb_cursor_close(cursor);
}

static void damage_is_told(void **state) {
    struct place *place = *state;
    void (*const ways[])(MDB_txn *, MDB_dbi) = {cut_list, stretch_entries, drop_filters};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        struct store *store = open_writer(place);
        struct key key;
        struct str value;
        char room[200];
        assert_int_equal(store_begin(store), 0);
        for (uint32_t number = 0; number < 10000; number++) {
            key_of(&key, number);
            put(store, TABLE_PARTIES, key_str(&key), value_of(room, number, 0));
        }
        assert_int_equal(store_commit(store), 0);
        store_close(store);
        damage(place, ways[way]);
        store = open_writer(place);
        assert_int_equal(store_begin(store), 0);
        key_of(&key, 5000);
        assert_int_equal(store_get(store, TABLE_PARTIES, key_str(&key), &value), STORE_ERROR_DIRTY);
        assert_non_null(strstr(store_error(store), "rebuild it from the journal"));
        store_close(store);
        assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
    }
}

#define AT_A_PLACE(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_A_PLACE(entries_are_found_at_every_age),
        AT_A_PLACE(nothing_is_left_of_what_was_merged),
        AT_A_PLACE(merges_go_on_after_an_empty_transaction_was_dropped),
        AT_A_PLACE(damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
