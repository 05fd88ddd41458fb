#include "lmdb_run.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include "keys.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

#define CHUNK_BYTES 4080 /* with LMDB's header a page */
#define FILTER_TABLE 0x80
#define FILTER_BLOCK 64
#define FILTER_BITS_AN_ENTRY 12
#define FILTER_BITS_SET 7

struct entry_head {
    uint16_t key_bytes, removed;
    uint32_t value_bytes;
};

/* ---- keys of the tree of runs ---- */

static size_t front(uint8_t bytes[RUN_FRONT_BYTES], uint8_t table, uint32_t number) {
    uint32_t big_endian = htobe32(number);
    bytes[0] = table;
    memcpy(bytes + 1, &big_endian, sizeof big_endian);
    return RUN_FRONT_BYTES;
}

struct run_key {
    uint8_t bytes[RUN_FRONT_BYTES + KEY_BYTES_MAX + 1];
};

static MDB_val run_key(struct run_key *room, uint8_t table, uint32_t number, MDB_val key) {
    size_t size = front(room->bytes, table, number);
    if (key.mv_size) memcpy(room->bytes + size, key.mv_data, key.mv_size);
    return (MDB_val){size + key.mv_size, room->bytes};
}

int lmdb_run_compare(MDB_val left, MDB_val right) {
    size_t common = left.mv_size < right.mv_size ? left.mv_size : right.mv_size;
    int order = common ? memcmp(left.mv_data, right.mv_data, common) : 0;
    return order ? order : (left.mv_size > right.mv_size) - (left.mv_size < right.mv_size);
}

/* ---- filters ---- */

uint64_t lmdb_run_hash(enum table table, MDB_val key) { return XXH3_64bits_withSeed(key.mv_data, key.mv_size, (uint64_t)table); }

static size_t filter_size(uint64_t entries) {
    uint64_t bytes = entries * FILTER_BITS_AN_ENTRY / 8;
    return (size_t)(bytes + FILTER_BLOCK) / FILTER_BLOCK * FILTER_BLOCK;
}

static size_t block_of(uint64_t hash, size_t bytes) { return (size_t)((hash >> 32) * (bytes / FILTER_BLOCK) >> 32) * FILTER_BLOCK; }

static uint64_t bits_of(uint64_t hash) { return hash * UINT64_C(0x9e3779b97f4a7c15); }

static void filter_add(uint8_t *filter, size_t bytes, uint64_t hash) {
    uint8_t *block = filter + block_of(hash, bytes);
    uint64_t bits = bits_of(hash);
    for (int i = 0; i < FILTER_BITS_SET; i++, bits >>= 9) block[bits >> 3 & 63] |= (uint8_t)(1u << (bits & 7));
}

bool lmdb_run_may_have(MDB_val filter, uint64_t hash) {
    if (filter.mv_size < FILTER_BLOCK) return true;
    const uint8_t *block = (const uint8_t *)filter.mv_data + block_of(hash, filter.mv_size);
    uint64_t bits = bits_of(hash);
    for (int i = 0; i < FILTER_BITS_SET; i++, bits >>= 9)
        if (!(block[bits >> 3 & 63] >> (bits & 7) & 1)) return false;
    return true;
}

int lmdb_run_filter(MDB_txn *txn, MDB_dbi runs, const struct run *run, MDB_val *filter) {
    struct run_key room;
    MDB_val key = run_key(&room, run->table | FILTER_TABLE, run->number, (MDB_val){0, NULL});
    int code = mdb_get(txn, runs, &key, filter);
    return code == MDB_NOTFOUND ? MDB_CORRUPTED : code;
}

/* ---- writing ---- */

int run_writer_begin(struct run_writer *writer, MDB_txn *txn, MDB_dbi runs, const struct run *run, uint64_t entries) {
    *writer = (struct run_writer){.run = *run, .txn = txn, .runs = runs, .filter_bytes = filter_size(entries)};
    writer->run.entries = writer->run.bytes = 0;
    writer->filter = calloc(1, writer->filter_bytes);
    return writer->filter ? 0 : ENOMEM;
}

void run_writer_free(struct run_writer *writer) {
    free(writer->chunk);
    free(writer->places);
    free(writer->filter);
    *writer = (struct run_writer){.txn = NULL};
}

static int make_room(void **items, size_t *room, size_t wanted) {
    if (wanted <= *room) return 0;
    void *grown = realloc(*items, wanted + wanted / 2);
    if (!grown) return ENOMEM;
    *items = grown;
    *room = wanted + wanted / 2;
    return 0;
}

static int put_chunk(struct run_writer *writer) {
    struct run_key room;
    if (!writer->count) return 0;
    uint32_t head = (uint32_t)sizeof(uint32_t) * (1 + writer->count);
    MDB_val key = run_key(&room, writer->run.table, writer->run.number, (MDB_val){writer->last_key_bytes, writer->chunk + writer->last_key});
    MDB_val value = {head + writer->size, NULL};
    int code = mdb_put(writer->txn, writer->runs, &key, &value, MDB_RESERVE);
    if (code) return code;
    uint8_t *bytes = value.mv_data;
    memcpy(bytes, &writer->count, sizeof writer->count);
    for (uint32_t i = 0; i < writer->count; i++) {
        uint32_t place = head + writer->places[i];
        memcpy(bytes + sizeof place * (1 + i), &place, sizeof place);
    }
    memcpy(bytes + head, writer->chunk, writer->size);
    writer->run.bytes += value.mv_size;
    writer->count = 0;
    writer->size = 0;
    return 0;
}

int run_writer_add(struct run_writer *writer, const struct entry *entry) {
    struct entry_head head = {(uint16_t)entry->key.mv_size, entry->removed, entry->removed ? 0 : (uint32_t)entry->value.mv_size};
    size_t size = sizeof head + head.key_bytes + head.value_bytes;
    int code = 0;
    if (writer->count && writer->size + size + sizeof(uint32_t) * (2 + writer->count) > CHUNK_BYTES) code = put_chunk(writer);
    size_t places = writer->places_room * sizeof *writer->places;
    if (!code) code = make_room((void **)&writer->places, &places, (writer->count + 1) * sizeof *writer->places);
    writer->places_room = (uint32_t)(places / sizeof *writer->places);
    if (!code) code = make_room((void **)&writer->chunk, &writer->room, writer->size + size);
    if (code) return code;
    writer->places[writer->count++] = (uint32_t)writer->size;
    memcpy(writer->chunk + writer->size, &head, sizeof head);
    writer->last_key = (uint32_t)(writer->size + sizeof head);
    writer->last_key_bytes = head.key_bytes;
    memcpy(writer->chunk + writer->last_key, entry->key.mv_data, head.key_bytes);
    if (head.value_bytes) memcpy(writer->chunk + writer->last_key + head.key_bytes, entry->value.mv_data, head.value_bytes);
    writer->size += size;
    writer->run.entries++;
    filter_add(writer->filter, writer->filter_bytes, lmdb_run_hash((enum table)writer->run.table, entry->key));
    return 0;
}

int run_writer_end(struct run_writer *writer) {
    struct run_key room;
    int code = put_chunk(writer);
    if (code || !writer->run.entries) return code;
    MDB_val key = run_key(&room, writer->run.table | FILTER_TABLE, writer->run.number, (MDB_val){0, NULL});
    MDB_val value = {writer->filter_bytes, writer->filter};
    return mdb_put(writer->txn, writer->runs, &key, &value, 0);
}

/* ---- reading ---- */

/* What does not fit in its chunk was not written by us. */
static int stand_on(struct run_reader *reader, uint32_t index) {
    const uint8_t *bytes = reader->chunk.mv_data;
    struct entry_head head;
    uint32_t place;
    memcpy(&place, bytes + sizeof place * (1 + index), sizeof place);
    if (place > reader->chunk.mv_size || reader->chunk.mv_size - place < sizeof head) return MDB_CORRUPTED;
    memcpy(&head, bytes + place, sizeof head);
    size_t behind = reader->chunk.mv_size - place - sizeof head;
    if (head.key_bytes > KEY_BYTES_MAX || head.key_bytes > behind || head.value_bytes > behind - head.key_bytes) return MDB_CORRUPTED;
    uint8_t *key = (uint8_t *)reader->chunk.mv_data + place + sizeof head;
    reader->entry = (struct entry){{head.key_bytes, key}, {head.value_bytes, key + head.key_bytes}, head.removed};
    reader->index = index;
    return 0;
}

static int take_chunk(struct run_reader *reader, MDB_val chunk) {
    size_t room = reader->room;
    int code = reader->copies ? make_room((void **)&reader->copy, &room, chunk.mv_size) : 0;
    if (code) return code;
    reader->room = room;
    if (reader->copies) {
        memcpy(reader->copy, chunk.mv_data, chunk.mv_size);
        chunk.mv_data = reader->copy;
    }
    if (chunk.mv_size < sizeof reader->count) return MDB_CORRUPTED;
    memcpy(&reader->count, chunk.mv_data, sizeof reader->count);
    reader->chunk = chunk;
    return reader->count > 0 && reader->count < chunk.mv_size / sizeof reader->count ? 0 : MDB_CORRUPTED;
}

/* The first entry >= `from` of a chunk whose last is. */
static int search_chunk(struct run_reader *reader, MDB_val from) {
    uint32_t low = 0, high = reader->count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int code = stand_on(reader, middle);
        if (code) return code;
        if (lmdb_run_compare(reader->entry.key, from) < 0) low = middle + 1;
        else high = middle;
    }
    return stand_on(reader, low);
}

int run_reader_seek(struct run_reader *reader, MDB_cursor *cursor, const struct run *run, MDB_val from) {
    struct run_key room;
    MDB_val key = run_key(&room, run->table, run->number, from), chunk;
    uint8_t expected[RUN_FRONT_BYTES];
    reader->table = run->table;
    reader->number = run->number;
    int code = mdb_cursor_get(cursor, &key, &chunk, MDB_SET_RANGE);
    bool found = !code && key.mv_size > RUN_FRONT_BYTES && memcmp(key.mv_data, expected, front(expected, run->table, run->number)) == 0;
    reader->ended = !found;
    if (!found) return code == MDB_NOTFOUND ? 0 : code;
    code = take_chunk(reader, chunk);
    return code ? code : search_chunk(reader, from);
}

int run_reader_next(struct run_reader *reader, MDB_cursor *cursor) {
    if (reader->index + 1 < reader->count) return stand_on(reader, reader->index + 1);
    uint8_t after[KEY_BYTES_MAX + 1]; /* the smallest key after the last of this chunk */
    MDB_val last = reader->entry.key;
    memcpy(after, last.mv_data, last.mv_size);
    after[last.mv_size] = 0;
    struct run run = {.table = reader->table, .number = reader->number};
    return run_reader_seek(reader, cursor, &run, (MDB_val){last.mv_size + 1, after});
}

void run_reader_free(struct run_reader *reader) {
    free(reader->copy);
    *reader = (struct run_reader){.ended = true};
}

/* ---- removing ---- */

static int remove_front(MDB_cursor *cursor, uint8_t table, uint32_t number, unsigned *budget, bool *gone) {
    uint8_t bytes[RUN_FRONT_BYTES];
    for (*gone = false; *budget > 0; --*budget) {
        MDB_val key = {front(bytes, table, number), bytes}, value;
        int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        *gone = code == MDB_NOTFOUND || (!code && (key.mv_size < RUN_FRONT_BYTES || memcmp(key.mv_data, bytes, RUN_FRONT_BYTES) != 0));
        if (*gone) return 0;
        if (!code) code = mdb_cursor_del(cursor, 0);
        if (code) return code;
    }
    return 0;
}

int lmdb_run_remove(MDB_cursor *cursor, uint8_t table, uint32_t number, unsigned *budget, bool *gone) {
    int code = remove_front(cursor, table | FILTER_TABLE, number, budget, gone); /* first: who looks for what is left goes by chunks */
    return code || !*gone ? code : remove_front(cursor, table, number, budget, gone);
}
