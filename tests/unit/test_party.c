/* What is indexed of a party (processors/followup/party.h), held against a plain list, whatever comes, changes and goes in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../processors/followup/party.h"

#include <cmocka.h>

#define ENTRIES_MAX 600
#define TURNS 30000
#define IDS 400

struct listed {
    enum party_fact what;
    int64_t at, start;
    int id;
    struct party_row row;
};

static struct listed list[ENTRIES_MAX];
static size_t count;
static struct fold fold;
static struct store *store;
static uint64_t seed = 1;

static uint64_t draw(uint64_t below) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* Every other one is a UUID. */
static struct str id_of(int number, char room[UUID_TEXT_BYTES + 1]) {
    int size = snprintf(room, UUID_TEXT_BYTES + 1, number % 2 ? "t%d" : "00000000-0000-4000-8000-%012d", number);
    return (struct str){room, (uint32_t)size};
}

static void open_cache(void) {
    void *room;
    fold.cache = cache_open(store, 8, &room);
}

/* Nothing that the entity in memory remembers is left. */
static void start_anew(void) {
    uint64_t hash;
    assert_int_equal(cache_flush(fold.cache, INT64_MIN), 0);
    hash = cache_state_hash(fold.cache);
    cache_close(fold.cache);
    open_cache();
    cache_set_state_hash(fold.cache, hash);
}

static struct listed *listed_at(enum party_fact what, int64_t at, int id, uint8_t kind) {
    for (size_t n = 0; n < count; n++)
        if (list[n].what == what && list[n].at == at && list[n].id == id && (what != PARTY_ROW || list[n].row.kind == kind)) return &list[n];
    return NULL;
}

/* Mostly news; some of it is of long ago, much of one moment. */
static int64_t draw_time(int turn) {
    int64_t now = (int64_t)turn * 100000;
    return draw(4) ? now - (int64_t)draw(3) * 1000 : (int64_t)draw((uint64_t)now + 1) / 1000 * 1000;
}

static void put(const struct party *party, enum party_fact what, int64_t at) {
    char room[UUID_TEXT_BYTES + 1];
    struct listed entry = {what, at, at - (int64_t)draw(100000), (int)draw(IDS), {0}};
    entry.row = (struct party_row){at + (int64_t)draw(1000), draw(2) ? NONE : at + 5, (uint8_t)draw(2), draw(4) == 0};
    struct listed *old = listed_at(what, at, entry.id, entry.row.kind);
    if (old && what == PARTY_TALK) entry.start = old->start; /* a call begins once */
    if (!old && count == ENTRIES_MAX) return;
    *(old ? old : &list[count++]) = entry;
    struct str id = id_of(entry.id, room);
    if (what == PARTY_TALK) party_put_talk(&fold, STR("acme"), party, at, id, entry.start);
    else if (what == PARTY_JOB) party_put_job(&fold, STR("acme"), party, at, id);
    else party_put_row(&fold, STR("acme"), party, at, id, &entry.row);
}

static void drop(const struct party *party, size_t n) {
    char room[UUID_TEXT_BYTES + 1];
    struct listed gone = list[n];
    list[n] = list[--count];
    struct str id = id_of(gone.id, room);
    for (int times = 0; times < 2; times++) { /* what is not there goes without trace */
        if (gone.what == PARTY_TALK) party_remove_talk(&fold, STR("acme"), party, gone.at, id);
        else if (gone.what == PARTY_JOB) party_remove_job(&fold, STR("acme"), party, gone.at, id);
        else party_remove_row(&fold, STR("acme"), party, gone.at, id, &gone.row);
    }
}

/* The earliest of a kind at or after `from`, of talk that of calls begun after `start`. */
static void expect_first(enum party_fact what, int64_t from, int64_t start, const struct ground *ground) {
    char room[UUID_TEXT_BYTES + 1], best_room[UUID_TEXT_BYTES + 1];
    const struct listed *best = NULL;
    struct str best_id = STR_NULL;
    for (size_t n = 0; n < count; n++) {
        if (list[n].what != what || list[n].at < from || (what == PARTY_TALK && list[n].start <= start)) continue;
        struct str id = id_of(list[n].id, room);
        if (best && (best->at < list[n].at || (best->at == list[n].at && str_compare(best_id, id) < 0))) continue;
        best = &list[n];
        best_id = id_of(best->id, best_room);
    }
    assert_int_equal(ground->found, best != NULL);
    if (!best) return;
    assert_int_equal(ground->moment, best->at);
    assert_true(str_equal(ground_id(ground), best_id));
}

static void expect_all(const struct party *party, int64_t from) {
    char room[UUID_TEXT_BYTES + 1];
    struct ground talk = {.found = false}, job = {.found = false};
    int but = (int)draw(IDS), open = 0;
    int64_t start = from == NONE ? 0 : from - 500;
    party_first_talk(&fold, STR("acme"), party, from, start, &talk);
    expect_first(PARTY_TALK, from, start, &talk);
    party_first_job(&fold, STR("acme"), party, from, INT64_MAX, &job);
    expect_first(PARTY_JOB, from, 0, &job);
    for (size_t n = 0; n < count; n++)
        open += list[n].what == PARTY_ROW && list[n].row.kind == KIND_ABANDONED && !list[n].row.withdrawn && list[n].row.closed_at == NONE && list[n].id != but;
    assert_int_equal(party_open_rows(&fold, STR("acme"), party, id_of(but, room)), open);
}

static void it_is_what_a_plain_list_is(void **state) {
    (void)state;
    static const enum party_fact kinds[] = {PARTY_TALK, PARTY_JOB, PARTY_ROW};
    struct party party = party_of('n', STR("+12025550101"));
    assert_int_equal(store_open_memory(&store), 0);
    assert_int_equal(store_begin(store), 0);
    open_cache();
    for (int turn = 0; turn < TURNS; turn++) {
        if (count && draw(3) == 0) drop(&party, draw(count));
        else put(&party, kinds[draw(3)], draw_time(turn));
        if (draw(4) == 0) expect_all(&party, draw(8) ? draw_time(turn) : NONE);
        if (draw(2000) == 0) start_anew();
    }
    assert_true(count > ENTRIES_MAX / 2);
    while (count) {
        drop(&party, draw(count));
        if (draw(8) == 0) expect_all(&party, draw_time(TURNS));
    }
    start_anew();
    assert_int_equal(cache_state_hash(fold.cache), 0);
    assert_int_equal(cache_error(fold.cache), 0);
    cache_close(fold.cache);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_what_a_plain_list_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
