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

/* How many entries of the tree of runs, behind its list, are of runs that are not listed: all of PARTIES. */
static uint32_t count_unlisted(MDB_txn *txn, MDB_dbi runs) {
    MDB_val list = list_of(txn, runs), key, value;
    MDB_cursor *cursor;
    uint32_t found = 0;
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
    int code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (is_listed(list, key.mv_data)) continue;
        assert_int_equal(*(const uint8_t *)key.mv_data, TABLE_PARTIES);
        found++;
    }
    assert_int_equal(code, MDB_NOTFOUND);
    mdb_cursor_close(cursor);
    return found;
}

static uint32_t count_listed(struct place *place, uint32_t *without_entries) {
    MDB_txn *txn;
    MDB_dbi runs;
    MDB_env *env = open_raw(place, &txn, &runs);
    MDB_val list = list_of(txn, runs);
    uint32_t count = 0;
    *without_entries = 0;
    for (size_t at = LIST_HEAD_BYTES; at < list.mv_size; at += sizeof(struct run)) {
        struct run run;
        memcpy(&run, (const uint8_t *)list.mv_data + at, sizeof run);
        *without_entries += run.entries == 0;
        count++;
    }
    close_raw(env, txn);
    return count;
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
    MDB_val list = list_of(txn, runs);
    uint8_t highest = 0;
    for (size_t at = LIST_HEAD_BYTES; at < list.mv_size; at += sizeof(struct run)) {
        struct run run;
        memcpy(&run, (const uint8_t *)list.mv_data + at, sizeof run);
        if (run.level > highest) highest = run.level;
    }
    assert_in_range(highest, 2, 8); /* or this shows nothing */
    assert_int_equal(count_unlisted(txn, runs), 0);
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
    uint32_t without_entries;
    assert_true(count_listed(place, &without_entries) < 20);
}

/* ---- damage ---- */

static void damage(struct place *place, void (*how)(MDB_txn *txn, MDB_dbi runs)) {
    MDB_txn *txn;
    MDB_dbi runs;
    MDB_env *env = open_raw(place, &txn, &runs);
    how(txn, runs);
    close_raw(env, txn);
}

static void put_list(MDB_txn *txn, MDB_dbi runs, const void *bytes, size_t size) {
    MDB_val key = {1, (char[]){0}}, list = {size, (void *)(uintptr_t)bytes};
    assert_int_equal(mdb_put(txn, runs, &key, &list, 0), 0);
}

/* So many runs like the one that was listed, which stays the oldest. */
static void list_many(MDB_txn *txn, MDB_dbi runs, uint32_t count, int table, int level) {
    static uint8_t bytes[LIST_HEAD_BYTES + 65 * sizeof(struct run)];
    MDB_val list = list_of(txn, runs);
    struct run run;
    uint32_t next;
    assert_in_range(list.mv_size, LIST_HEAD_BYTES + sizeof run, sizeof bytes);
    memcpy(&run, (const uint8_t *)list.mv_data + LIST_HEAD_BYTES, sizeof run);
    assert_int_equal(run.table, TABLE_PARTIES);
    run.table = (uint8_t)table;
    run.level = (uint8_t)level;
    next = run.number + count;
    memcpy(bytes, &next, sizeof next);
    memcpy(bytes + 4, &count, sizeof count);
    for (uint32_t i = count; i > 0; i--, run.number++) memcpy(bytes + LIST_HEAD_BYTES + (i - 1) * sizeof run, &run, sizeof run);
    put_list(txn, runs, bytes, LIST_HEAD_BYTES + count * sizeof run);
}

static void cut_list(MDB_txn *txn, MDB_dbi runs) {
    MDB_val list = list_of(txn, runs);
    char bytes[4096];
    assert_in_range(list.mv_size, 2, sizeof bytes);
    memcpy(bytes, list.mv_data, list.mv_size);
    put_list(txn, runs, bytes, list.mv_size - 1);
}

static void list_half_a_head(MDB_txn *txn, MDB_dbi runs) { put_list(txn, runs, "\0\0\0", 4); }
static void list_a_table_without_runs(MDB_txn *txn, MDB_dbi runs) { list_many(txn, runs, 1, TABLE_CALLS, 0); }
static void list_a_level_too_many(MDB_txn *txn, MDB_dbi runs) { list_many(txn, runs, 1, TABLE_PARTIES, 16); }
static void list_a_run_too_many(MDB_txn *txn, MDB_dbi runs) { list_many(txn, runs, 65, TABLE_PARTIES, 0); }

static void put_run(MDB_txn *txn, MDB_dbi runs, uint32_t number, MDB_val chunk) {
    uint8_t front[] = {TABLE_PARTIES, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number, 'k'};
    MDB_val key = {sizeof front, front};
    assert_int_equal(mdb_put(txn, runs, &key, &chunk, 0), 0);
}

static void leave_the_last_number(MDB_txn *txn, MDB_dbi runs) { put_run(txn, runs, UINT32_MAX, (MDB_val){1, (char[]){0}}); }

static void put_nothing_in_the_tree(MDB_txn *txn, MDB_dbi runs) {
    MDB_dbi tree;
    struct key key;
    (void)runs;
    key_of(&key, 5000);
    MDB_val k = {key.len, key.bytes}, nothing = {0, NULL};
    assert_int_equal(mdb_dbi_open(txn, "parties", 0, &tree), 0);
    assert_int_equal(mdb_put(txn, tree, &k, &nothing, 0), 0);
}

/* Room for a chunk of many entries: such are no longer than a page. */
struct chunk {
    uint8_t bytes[4096];
    size_t size;
};

static void each_chunk(MDB_txn *txn, MDB_dbi runs, void (*how)(struct chunk *chunk)) {
    MDB_cursor *cursor;
    MDB_val key, value;
    struct chunk chunk;
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    for (int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size <= RUN_FRONT_BYTES) continue;
        assert_in_range(value.mv_size, 100, sizeof chunk.bytes);
        chunk.size = value.mv_size;
        memcpy(chunk.bytes, value.mv_data, value.mv_size);
        how(&chunk);
        value = (MDB_val){chunk.size, chunk.bytes};
        assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
    }
    mdb_cursor_close(cursor);
}

static void set_count(struct chunk *chunk, uint32_t count) { memcpy(chunk->bytes, &count, sizeof count); }

/* Where its entries begin. */
static void set_places(struct chunk *chunk, uint32_t place) {
    uint32_t count;
    memcpy(&count, chunk->bytes, sizeof count);
    for (uint32_t i = 0; i < count; i++) memcpy(chunk->bytes + 4 * (1 + i), &place, sizeof place);
}

/* All its entries are one, which has `behind` bytes behind its head. */
static void one_entry(struct chunk *chunk, uint16_t behind, uint16_t key_bytes, uint32_t value_bytes) {
    uint32_t place = (uint32_t)chunk->size - behind - 8;
    set_places(chunk, place);
    memcpy(chunk->bytes + place, &key_bytes, sizeof key_bytes);
    memcpy(chunk->bytes + place + 4, &value_bytes, sizeof value_bytes);
}

static void no_room_for_a_count(struct chunk *chunk) { chunk->size = 3; }
static void no_entries(struct chunk *chunk) { set_count(chunk, 0); }
static void more_entries_than_bytes(struct chunk *chunk) { set_count(chunk, (uint32_t)chunk->size / 4); }
static void an_entry_behind_the_end(struct chunk *chunk) { set_places(chunk, (uint32_t)chunk->size + 1); }
static void half_a_head(struct chunk *chunk) { set_places(chunk, (uint32_t)chunk->size - 4); }
static void a_key_longer_than_any(struct chunk *chunk) { one_entry(chunk, 600, KEY_BYTES_MAX + 1, 1); }
static void a_key_longer_than_the_rest(struct chunk *chunk) { one_entry(chunk, 20, 21, 0); }
static void a_value_longer_than_the_rest(struct chunk *chunk) { one_entry(chunk, 20, 10, 11); }

static void drop_filters(MDB_txn *txn, MDB_dbi runs) {
    MDB_cursor *cursor;
    MDB_val key = {1, (char[]){(char)0x80}}, value;
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == 0) assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    mdb_cursor_close(cursor);
}

/* These keys, in a run of their own; what its commit said. */
static int write_numbers(struct place *place, uint32_t from, uint32_t to) {
    struct store *store = open_writer(place);
    struct key key;
    char room[200];
    assert_int_equal(store_begin(store), 0);
    for (uint32_t number = from; number < to; number++) {
        key_of(&key, number);
        put(store, TABLE_PARTIES, key_str(&key), value_of(room, number, 0));
    }
    int result = store_commit(store);
    store_close(store);
    return result;
}

/* So many keys, and in the list one run of them. */
static void write_a_run(struct place *place, uint32_t count) { assert_int_equal(write_numbers(place, 0, count), 0); }

static void damage_is_told(void **state) {
    struct place *place = *state;
    static const struct {
        void (*all)(MDB_txn *, MDB_dbi);
        void (*chunk)(struct chunk *);
    } ways[] = {
        {cut_list, NULL},
        {list_half_a_head, NULL},
        {list_a_table_without_runs, NULL},
        {list_a_level_too_many, NULL},
        {list_a_run_too_many, NULL},
        {leave_the_last_number, NULL},
        {put_nothing_in_the_tree, NULL},
        {drop_filters, NULL},
        {NULL, no_room_for_a_count},
        {NULL, no_entries},
        {NULL, more_entries_than_bytes},
        {NULL, an_entry_behind_the_end},
        {NULL, half_a_head},
        {NULL, a_key_longer_than_any},
        {NULL, a_key_longer_than_the_rest},
        {NULL, a_value_longer_than_the_rest},
    };
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        struct key key;
        struct str value;
        MDB_txn *txn;
        MDB_dbi runs;
        write_a_run(place, 10000);
        MDB_env *env = open_raw(place, &txn, &runs);
        if (ways[way].all) ways[way].all(txn, runs);
        else each_chunk(txn, runs, ways[way].chunk);
        close_raw(env, txn);
        struct store *store = open_writer(place);
        assert_int_equal(store_begin(store), 0);
        key_of(&key, 5000);
        int result = store_get(store, TABLE_PARTIES, key_str(&key), &value);
        if (result != STORE_ERROR_DIRTY) fail_msg("way %zu: %d", way, result);
        assert_non_null(strstr(store_error(store), "rebuild it from the journal"));
        store_close(store);
        assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
    }
}

static void cut_filters(MDB_txn *txn, MDB_dbi runs) {
    MDB_cursor *cursor;
    MDB_val key = {1, (char[]){(char)0x80}}, value;
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE), 0);
    do {
        value = (MDB_val){10, (char[10]){0}};
        assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
    } while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0);
    mdb_cursor_close(cursor);
}

/* A filter only says where not to look: one that says nothing hides nothing. */
static void a_filter_that_is_cut_hides_nothing(void **state) {
    struct place *place = *state;
    struct key key;
    struct str value;
    char room[200];
    write_a_run(place, 10000);
    damage(place, cut_filters);
    struct store *store = open_writer(place);
    assert_int_equal(store_begin(store), 0);
    for (uint32_t number = 0; number < 10001; number += 1000) {
        key_of(&key, number);
        assert_int_equal(store_get(store, TABLE_PARTIES, key_str(&key), &value), number < 10000 ? 0 : STORE_ABSENT);
        if (number < 10000) assert_str(value, value_of(room, number, 0));
    }
    store_close(store);
}

static void what_is_read_in_order_needs_no_filter(void **state) {
    struct place *place = *state;
    struct key expected;
    struct str key, value;
    uint32_t number = 0;
    write_a_run(place, 10000);
    damage(place, drop_filters);
    struct store *store = open_writer(place);
    assert_int_equal(store_begin(store), 0);
    int result = store_seek(store, TABLE_PARTIES, STR_NULL, &key, &value);
    for (; result == 0; result = store_next(store, TABLE_PARTIES, &key, &value)) {
        key_of(&expected, number++);
        assert_str(key, key_str(&expected));
    }
    assert_int_equal(result, STORE_ABSENT);
    assert_int_equal(number, 10000);
    store_close(store);
}

/* ---- how many runs there are ---- */

/* Of a table: each holds the first chunk of the one that there is. */
static void make_runs(struct place *place, uint32_t count) {
    static uint8_t chunk[4096], filter[1 << 16];
    MDB_txn *txn;
    MDB_dbi runs;
    MDB_env *env = open_raw(place, &txn, &runs);
    uint8_t front[RUN_FRONT_BYTES] = {TABLE_PARTIES};
    MDB_val key = {1, front}, value;
    MDB_cursor *cursor;
    assert_int_equal(mdb_cursor_open(txn, runs, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE), 0);
    uint8_t name[KEY_BYTES_MAX + RUN_FRONT_BYTES];
    MDB_val named = {key.mv_size, name}, chunk_of_all = {value.mv_size, chunk}, filter_of_all = {0, filter};
    assert_in_range(value.mv_size, 100, sizeof chunk);
    memcpy(name, key.mv_data, key.mv_size);
    memcpy(chunk, value.mv_data, value.mv_size);
    uint8_t first = name[4];
    assert_in_range(first, 1, 10);
    front[0] = TABLE_PARTIES | 0x80;
    front[4] = first;
    key = (MDB_val){sizeof front, front};
    assert_int_equal(mdb_get(txn, runs, &key, &value), 0);
    assert_in_range(value.mv_size, 64, sizeof filter);
    memcpy(filter, value.mv_data, value.mv_size);
    filter_of_all.mv_size = value.mv_size;
    mdb_cursor_close(cursor);
    for (uint32_t i = 1; i < count; i++) {
        front[4] = name[4] = (uint8_t)(first + i);
        assert_int_equal(mdb_put(txn, runs, &named, &chunk_of_all, 0), 0);
        assert_int_equal(mdb_put(txn, runs, &key, &filter_of_all, 0), 0);
    }
    list_many(txn, runs, count, TABLE_PARTIES, 0);
    close_raw(env, txn);
}

static int write_another_run(struct place *place) { return write_numbers(place, 10000, 13000); }

static void expect_first(struct place *place, uint32_t count) {
    struct store *store = open_writer(place);
    struct str key, value;
    struct key expected;
    char room[200];
    assert_int_equal(store_begin(store), 0);
    int result = store_seek(store, TABLE_PARTIES, STR_NULL, &key, &value);
    for (uint32_t number = 0; number < count; number++, result = store_next(store, TABLE_PARTIES, &key, &value)) {
        key_of(&expected, number);
        assert_int_equal(result, 0);
        assert_str(key, key_str(&expected));
        assert_str(value, value_of(room, number, 0));
        if (number % 100 == 0) assert_int_equal(store_get(store, TABLE_PARTIES, key_str(&expected), &value), 0);
        if (number % 100 == 0) assert_int_equal(store_seek(store, TABLE_PARTIES, key_str(&expected), &key, &value), 0);
    }
    store_close(store);
}

static void one_run_more_than_there_may_be_is_refused(void **state) {
    struct place *place = *state;
    uint32_t without_entries;
    write_a_run(place, 10000);
    make_runs(place, 64);
    expect_first(place, 10000);
    assert_int_equal(write_another_run(place), STORE_ERROR_DIRTY);
    expect_first(place, 10000);
    assert_int_equal(count_listed(place, &without_entries), 64);
}

/* The oldest run alone is more than a merge reads at once. */
static void where_there_are_many_runs_a_merge_goes_on_to_its_end(void **state) {
    struct place *place = *state;
    uint32_t without_entries;
    write_a_run(place, 10000);
    make_runs(place, 38);
    assert_int_equal(write_another_run(place), 0);
    assert_int_equal(count_listed(place, &without_entries), 39);
    assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
    write_a_run(place, 10000);
    make_runs(place, 39);
    assert_int_equal(write_another_run(place), 0);
    assert_int_equal(count_listed(place, &without_entries), 40 - 4 + 1);
    expect_first(place, 10000);
}

#define LEFT_FIRST 1000u
#define REMOVED_AT_ONCE 2048u /* entries of the tree of runs: lmdb_runs.c */

/* Of the first a filter, which is the last that a commit removes, and a chunk; of the others a chunk. */
static void leave_many(MDB_txn *txn, MDB_dbi runs) {
    uint8_t front[RUN_FRONT_BYTES] = {TABLE_PARTIES | 0x80, 0, 0, LEFT_FIRST >> 8, LEFT_FIRST & 0xff};
    MDB_val key = {sizeof front, front}, filter = {64, (char[64]){0}};
    assert_int_equal(mdb_put(txn, runs, &key, &filter, 0), 0);
    for (uint32_t number = LEFT_FIRST; number < LEFT_FIRST + REMOVED_AT_ONCE; number++) put_run(txn, runs, number, (MDB_val){1, (char[]){0}});
}

static void expect_left(struct place *place, uint32_t chunks) {
    MDB_txn *txn;
    MDB_dbi runs;
    MDB_env *env = open_raw(place, &txn, &runs);
    assert_int_equal(count_unlisted(txn, runs), chunks);
    close_raw(env, txn);
}

static void many_runs_that_are_not_listed_are_removed_some_at_a_time(void **state) {
    struct place *place = *state;
    write_a_run(place, 3000);
    damage(place, leave_many);
    for (uint32_t left = 2; left-- > 0;) {
        struct store *store = open_writer(place);
        put_once(store, TABLE_CALLS, STR("call"), STR("1"));
        store_close(store);
        expect_left(place, left);
    }
    expect_first(place, 3000);
}

#define HALF 8000u

/* Two runs of keys, two that say that they were removed, and others that keep the merge going. */
static void of_what_was_all_removed_no_run_is_left(void **state) {
    struct place *place = *state;
    struct store *store = open_writer(place);
    struct store_stats stats;
    struct key key;
    char room[200];
    uint32_t without_entries;
    for (uint32_t half = 0; half < 6; half++) {
        assert_int_equal(store_begin(store), 0);
        for (uint32_t i = 0; i < HALF; i++) {
            bool removes = half == 2 || half == 3;
            key_of(&key, (half < 2 ? half : half - 2) * HALF + i);
            if (removes) assert_int_equal(store_delete(store, TABLE_PARTIES, key_str(&key)), 0);
            else put(store, TABLE_PARTIES, key_str(&key), value_of(room, i, 0));
        }
        assert_int_equal(store_commit(store), 0);
    }
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_stats(store, &stats), 0);
    assert_int_equal(stats.entries[TABLE_PARTIES], 2 * HALF); /* those that came last; the removed are not even counted */
    store_close(store);
    assert_int_equal(count_listed(place, &without_entries), 2);
    assert_int_equal(without_entries, 0);
}

#define AT_A_PLACE(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_A_PLACE(entries_are_found_at_every_age),
        AT_A_PLACE(nothing_is_left_of_what_was_merged),
        AT_A_PLACE(merges_go_on_after_an_empty_transaction_was_dropped),
        AT_A_PLACE(damage_is_told),
        AT_A_PLACE(a_filter_that_is_cut_hides_nothing),
        AT_A_PLACE(what_is_read_in_order_needs_no_filter),
        AT_A_PLACE(one_run_more_than_there_may_be_is_refused),
        AT_A_PLACE(where_there_are_many_runs_a_merge_goes_on_to_its_end),
        AT_A_PLACE(many_runs_that_are_not_listed_are_removed_some_at_a_time),
        AT_A_PLACE(of_what_was_all_removed_no_run_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
