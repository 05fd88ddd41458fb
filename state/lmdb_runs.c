#include "lmdb_runs.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include "keys.h"
#include "lmdb_run.h"

#define TREE_BYTES (256u << 10) /* at which a table's tree is written out: some tens of pages, which are all warm */
#define FAN 4                   /* so many runs of a level are merged into one of the next */
#define MERGE_FACTOR 2          /* of what was written out, in each level: so a merge ends before as many runs again have come */
#define LEVELS 16
#define RUNS_MAX 64             /* of a table */
#define RUNS_MANY 40            /* merges began anew too often: they are ended, whatever it takes */
#define REMOVED_AT_ONCE 2048    /* entries of runs that were merged */
#define LIST_KEY ((MDB_val){1, (char[]){0}}) /* no run's: no table of ours is the first */

enum { ENTRY_HELD, ENTRY_REMOVED }; /* the last byte of a value in a tree */

/* What is read together: a table's tree and some of its runs. */
struct reading {
    MDB_cursor *tree;
    struct entry tree_entry;
    bool tree_ended;
    struct run_reader runs[RUNS_MAX];
    unsigned count; /* of runs, from the newest */
    struct entry at;
};

struct merge {
    bool under_way, of_oldest;
    struct run_reader inputs[FAN];
    struct run_writer output;
};

struct held {
    struct run runs[RUNS_MAX]; /* from the newest to the oldest: levels never fall */
    MDB_val filters[RUNS_MAX];
    unsigned count;
    bool filters_known;
    struct merge merges[LEVELS]; /* by the level of what is merged */
    struct reading reading;
};

struct removal {
    uint32_t number;
    uint8_t table;
};

struct lmdb_runs {
    struct lmdb_runs_place place;
    MDB_cursor *cursor; /* of the open transaction, over all runs */
    struct held held[TABLES];
    uint32_t next_number;
    bool list_known, list_changed;
    struct removal *removals; /* runs that nothing leads to any more */
    size_t removal_count, removal_room;
};

bool lmdb_runs_hold(enum table table) {
    return table == TABLE_PARTIES || table == TABLE_STARTS || table == TABLE_JOBS || table == TABLE_DIRECTORY;
}

/* ---- the list of runs ---- */

struct list_head {
    uint32_t next_number, count;
};

static int remove_later(struct lmdb_runs *runs, uint8_t table, uint32_t number) {
    if (runs->removal_count == runs->removal_room) {
        size_t room = runs->removal_room ? 2 * runs->removal_room : 16;
        struct removal *grown = realloc(runs->removals, room * sizeof *grown);
        if (!grown) return ENOMEM;
        runs->removals = grown;
        runs->removal_room = room;
    }
    runs->removals[runs->removal_count++] = (struct removal){number, table};
    return 0;
}

static bool is_listed(const struct held *held, uint32_t number) {
    for (unsigned i = 0; i < held->count; i++)
        if (held->runs[i].number == number) return true;
    return false;
}

static int cursor_of(struct lmdb_runs *runs) {
    return runs->cursor ? 0 : mdb_cursor_open(runs->place.txn, *runs->place.runs, &runs->cursor);
}

/* What a merge that did not end has left. */
static int find_unlisted(struct lmdb_runs *runs) {
    uint8_t bytes[RUN_FRONT_BYTES] = {1};
    runs->removal_count = 0;
    for (;;) {
        MDB_val key = {sizeof bytes, bytes}, value;
        uint32_t number;
        int code = mdb_cursor_get(runs->cursor, &key, &value, MDB_SET_RANGE);
        if (code) return code == MDB_NOTFOUND ? 0 : code;
        memcpy(bytes, key.mv_data, sizeof bytes);
        if (bytes[0] >= TABLES) return 0; /* only filters from here on */
        memcpy(&number, bytes + 1, sizeof number);
        number = be32toh(number);
        if (!is_listed(&runs->held[bytes[0]], number) && (code = remove_later(runs, bytes[0], number))) return code;
        if (number == UINT32_MAX) return MDB_CORRUPTED;
        number = htobe32(number + 1);
        memcpy(bytes + 1, &number, sizeof number);
    }
}

static int read_list(struct lmdb_runs *runs) {
    struct list_head head = {1, 0};
    MDB_val key = LIST_KEY, value = {0, NULL};
    int code = mdb_get(runs->place.txn, *runs->place.runs, &key, &value);
    if (code && code != MDB_NOTFOUND) return code;
    for (int table = 0; table < TABLES; table++) runs->held[table].count = 0;
    if (!code) {
        if (value.mv_size < sizeof head) return MDB_CORRUPTED;
        memcpy(&head, value.mv_data, sizeof head);
        if (value.mv_size != sizeof head + head.count * sizeof(struct run)) return MDB_CORRUPTED;
    }
    for (uint32_t i = 0; i < head.count; i++) {
        struct run run;
        memcpy(&run, (const uint8_t *)value.mv_data + sizeof head + i * sizeof run, sizeof run);
        if (!lmdb_runs_hold((enum table)run.table) || run.level >= LEVELS || runs->held[run.table].count == RUNS_MAX) return MDB_CORRUPTED;
        runs->held[run.table].runs[runs->held[run.table].count++] = run;
    }
    runs->next_number = head.next_number;
    return 0;
}

static int write_list(struct lmdb_runs *runs) {
    struct list_head head = {runs->next_number, 0};
    for (int table = 0; table < TABLES; table++) head.count += runs->held[table].count;
    MDB_val key = LIST_KEY, value = {sizeof head + head.count * sizeof(struct run), NULL};
    int code = mdb_put(runs->place.txn, *runs->place.runs, &key, &value, MDB_RESERVE);
    if (code) return code;
    uint8_t *bytes = value.mv_data;
    memcpy(bytes, &head, sizeof head);
    bytes += sizeof head;
    for (int table = 0; table < TABLES; table++) {
        const struct held *held = &runs->held[table];
        memcpy(bytes, held->runs, held->count * sizeof *held->runs);
        bytes += held->count * sizeof *held->runs;
    }
    return 0;
}

/* Before anything else in a transaction. */
static int ready(struct lmdb_runs *runs) {
    int code = cursor_of(runs);
    if (code || runs->list_known) return code;
    code = read_list(runs);
    if (!code) code = find_unlisted(runs);
    runs->list_known = code == 0;
    return code;
}

/* ---- beginning and end ---- */

struct lmdb_runs *lmdb_runs_new(void) { return calloc(1, sizeof(struct lmdb_runs)); }

static void stop_merge(struct merge *merge) {
    for (int i = 0; i < FAN; i++) run_reader_free(&merge->inputs[i]);
    run_writer_free(&merge->output);
    merge->under_way = false;
}

void lmdb_runs_forget(struct lmdb_runs *runs) {
    for (int table = 0; table < TABLES; table++)
        for (int level = 0; level < LEVELS; level++) stop_merge(&runs->held[table].merges[level]);
    runs->list_known = runs->list_changed = false;
}

void lmdb_runs_free(struct lmdb_runs *runs) {
    if (!runs) return;
    lmdb_runs_forget(runs);
    free(runs->removals);
    free(runs);
}

void lmdb_runs_begin(struct lmdb_runs *runs, const struct lmdb_runs_place *place, bool alone) {
    runs->place = *place;
    runs->cursor = NULL;
    if (!alone) runs->list_known = false;
    for (int table = 0; table < TABLES; table++) {
        struct held *held = &runs->held[table];
        held->filters_known = false;
        held->reading.tree = NULL;
        for (int level = 0; level < LEVELS; level++) held->merges[level].output.txn = place->txn;
    }
}

void lmdb_runs_end(struct lmdb_runs *runs) {
    if (runs->cursor) mdb_cursor_close(runs->cursor);
    runs->cursor = NULL;
    for (int table = 0; table < TABLES; table++) {
        struct reading *reading = &runs->held[table].reading;
        if (reading->tree) mdb_cursor_close(reading->tree);
        reading->tree = NULL;
    }
}

/* ---- which runs to look into ---- */

static int read_filters(struct lmdb_runs *runs, struct held *held) {
    for (unsigned i = 0; i < held->count; i++) {
        int code = lmdb_run_filter(runs->place.txn, *runs->place.runs, &held->runs[i], &held->filters[i]);
        if (code) return code;
    }
    held->filters_known = true;
    return 0;
}

/* The entry of a key in the runs; MDB_NOTFOUND: none has it, or the newest that has says that it was removed. */
static int get_from_runs(struct lmdb_runs *runs, enum table table, MDB_val key, MDB_val *value) {
    struct held *held = &runs->held[table];
    uint64_t hash = lmdb_run_hash(table, key);
    int code = held->filters_known ? 0 : read_filters(runs, held);
    for (unsigned i = 0; i < held->count && !code; i++) {
        struct run_reader reader = {.ended = true};
        if (!lmdb_run_may_have(held->filters[i], hash)) continue;
        code = run_reader_seek(&reader, runs->cursor, &held->runs[i], key);
        if (code || reader.ended || lmdb_run_compare(reader.entry.key, key) != 0) continue;
        *value = reader.entry.value;
        return reader.entry.removed ? MDB_NOTFOUND : 0;
    }
    return code ? code : MDB_NOTFOUND;
}

/* ---- the tree ---- */

static int take_tree_entry(MDB_val key, MDB_val stored, struct entry *entry) {
    if (!stored.mv_size) return MDB_CORRUPTED;
    *entry = (struct entry){key, {stored.mv_size - 1, stored.mv_data}, ((const uint8_t *)stored.mv_data)[stored.mv_size - 1] == ENTRY_REMOVED};
    return 0;
}

/* Of one that is there: MDB_NOTFOUND where it is not, removed or not. */
static int get_from_tree(struct lmdb_runs *runs, enum table table, MDB_val key, struct entry *entry) {
    MDB_val stored;
    int code = mdb_get(runs->place.txn, runs->place.tables[table], &key, &stored);
    return code ? code : take_tree_entry(key, stored, entry);
}

static int put_in_tree(struct lmdb_runs *runs, enum table table, MDB_val key, MDB_val value, uint8_t what) {
    MDB_val stored = {value.mv_size + 1, NULL};
    int code = mdb_put(runs->place.txn, runs->place.tables[table], &key, &stored, MDB_RESERVE);
    if (code) return code;
    if (value.mv_size) memcpy(stored.mv_data, value.mv_data, value.mv_size);
    ((uint8_t *)stored.mv_data)[value.mv_size] = what;
    return 0;
}

/* ---- one entry ---- */

int lmdb_runs_get(struct lmdb_runs *runs, enum table table, MDB_val key, MDB_val *value) {
    struct entry entry;
    int code = ready(runs);
    if (!code) code = get_from_tree(runs, table, key, &entry);
    if (code == MDB_NOTFOUND) return get_from_runs(runs, table, key, value);
    if (code) return code;
    *value = entry.value;
    return entry.removed ? MDB_NOTFOUND : 0;
}

int lmdb_runs_put(struct lmdb_runs *runs, enum table table, MDB_val key, MDB_val value) {
    return put_in_tree(runs, table, key, value, ENTRY_HELD);
}

int lmdb_runs_remove(struct lmdb_runs *runs, enum table table, MDB_val key) {
    struct entry entry;
    MDB_val value;
    int code = ready(runs);
    if (!code) code = get_from_tree(runs, table, key, &entry);
    bool in_tree = code == 0;
    if ((code && code != MDB_NOTFOUND) || (in_tree && entry.removed)) return code ? code : MDB_NOTFOUND;
    code = get_from_runs(runs, table, key, &value);
    if (code == MDB_NOTFOUND) return in_tree ? mdb_del(runs->place.txn, runs->place.tables[table], &key, NULL) : MDB_NOTFOUND;
    return code ? code : put_in_tree(runs, table, key, (MDB_val){0, NULL}, ENTRY_REMOVED);
}

/* ---- in order ---- */

static int tree_moved(struct reading *reading, int code, MDB_val key, MDB_val stored) {
    reading->tree_ended = code != 0;
    if (code) return code == MDB_NOTFOUND ? 0 : code;
    return take_tree_entry(key, stored, &reading->tree_entry);
}

static int tree_seek(struct lmdb_runs *runs, enum table table, struct reading *reading, MDB_val from) {
    MDB_val key = from, stored = {0, NULL};
    int code = reading->tree ? 0 : mdb_cursor_open(runs->place.txn, runs->place.tables[table], &reading->tree);
    if (!code) code = mdb_cursor_get(reading->tree, &key, &stored, from.mv_size ? MDB_SET_RANGE : MDB_FIRST);
    return tree_moved(reading, code, key, stored);
}

static int tree_next(struct reading *reading) {
    MDB_val key, stored = {0, NULL};
    int code = mdb_cursor_get(reading->tree, &key, &stored, MDB_NEXT);
    return tree_moved(reading, code, key, stored);
}

static void consider(const struct entry *entry, const struct entry **least) {
    if (!*least || lmdb_run_compare(entry->key, (*least)->key) < 0) *least = entry; /* of equal ones the newest: it comes first */
}

/* Everything that stands on the key moves on. */
static int pass(struct lmdb_runs *runs, struct reading *reading, MDB_val key) {
    int code = 0;
    for (unsigned i = 0; i < reading->count && !code; i++)
        if (!reading->runs[i].ended && lmdb_run_compare(reading->runs[i].entry.key, key) == 0) code = run_reader_next(&reading->runs[i], runs->cursor);
    if (!code && !reading->tree_ended && lmdb_run_compare(reading->tree_entry.key, key) == 0) code = tree_next(reading);
    return code;
}

/* The least entry of all that was not removed. */
static int least(struct lmdb_runs *runs, struct reading *reading, MDB_val *key, MDB_val *value) {
    for (;;) {
        const struct entry *found = NULL;
        if (!reading->tree_ended) consider(&reading->tree_entry, &found);
        for (unsigned i = 0; i < reading->count; i++)
            if (!reading->runs[i].ended) consider(&reading->runs[i].entry, &found);
        if (!found) return MDB_NOTFOUND;
        reading->at = *found;
        *key = reading->at.key;
        *value = reading->at.value;
        if (!reading->at.removed) return 0;
        int code = pass(runs, reading, reading->at.key);
        if (code) return code;
    }
}

int lmdb_runs_seek(struct lmdb_runs *runs, enum table table, MDB_val from, MDB_val *key, MDB_val *value) {
    struct held *held = &runs->held[table];
    struct reading *reading = &held->reading;
    int code = ready(runs);
    for (reading->count = 0; !code && reading->count < held->count; reading->count++)
        code = run_reader_seek(&reading->runs[reading->count], runs->cursor, &held->runs[reading->count], from);
    if (!code) code = tree_seek(runs, table, reading, from);
    return code ? code : least(runs, reading, key, value);
}

int lmdb_runs_next(struct lmdb_runs *runs, enum table table, MDB_val *key, MDB_val *value) {
    struct reading *reading = &runs->held[table].reading;
    int code = pass(runs, reading, reading->at.key);
    return code ? code : least(runs, reading, key, value);
}

/* ---- writing out ---- */

static int insert_run(struct lmdb_runs *runs, struct held *held, unsigned at, const struct run *run) {
    if (held->count == RUNS_MAX) return MDB_CORRUPTED; /* merges keep up: MERGE_FACTOR, RUNS_MANY */
    memmove(held->runs + at + 1, held->runs + at, (held->count - at) * sizeof *held->runs);
    held->runs[at] = *run;
    held->count++;
    held->filters_known = false;
    runs->list_changed = true;
    return 0;
}

static int write_tree(struct lmdb_runs *runs, enum table table, uint64_t entries, struct run *written) {
    struct held *held = &runs->held[table];
    struct reading *reading = &held->reading;
    struct run_writer writer;
    int code = run_writer_begin(&writer, runs->place.txn, *runs->place.runs, &(struct run){.number = runs->next_number, .table = (uint8_t)table}, entries);
    if (!code) code = tree_seek(runs, table, reading, (MDB_val){0, NULL});
    while (!code && !reading->tree_ended) {
        if (!reading->tree_entry.removed || held->count) code = run_writer_add(&writer, &reading->tree_entry);
        if (!code) code = tree_next(reading);
    }
    if (!code) code = run_writer_end(&writer);
    *written = writer.run;
    run_writer_free(&writer);
    if (reading->tree) mdb_cursor_close(reading->tree);
    reading->tree = NULL;
    if (!code) code = mdb_drop(runs->place.txn, runs->place.tables[table], 0);
    if (code || !written->entries) return code;
    runs->next_number++;
    return insert_run(runs, held, 0, written);
}

/* ---- merging ---- */

static unsigned first_of_level(const struct held *held, int level) {
    unsigned at = 0;
    while (at < held->count && held->runs[at].level < level) at++;
    return at;
}

/* The oldest runs of a level, where there are enough. */
static int begin_merge(struct lmdb_runs *runs, enum table table, int level) {
    struct held *held = &runs->held[table];
    struct merge *merge = &held->merges[level];
    unsigned end = first_of_level(held, level + 1);
    if (merge->under_way || end - first_of_level(held, level) < FAN) return 0;
    uint64_t entries = 0;
    for (unsigned i = end - FAN; i < end; i++) entries += held->runs[i].entries;
    struct run run = {.number = runs->next_number++, .table = (uint8_t)table, .level = (uint8_t)(level + 1)};
    runs->list_changed = true; /* its number is taken */
    merge->of_oldest = end == held->count;
    int code = run_writer_begin(&merge->output, runs->place.txn, *runs->place.runs, &run, entries);
    for (unsigned i = 0; i < FAN && !code; i++) {
        merge->inputs[i].copies = true;
        code = run_reader_seek(&merge->inputs[i], runs->cursor, &held->runs[end - FAN + i], (MDB_val){0, NULL});
    }
    merge->under_way = code == 0;
    return code;
}

static int end_merge(struct lmdb_runs *runs, enum table table, int level) {
    struct held *held = &runs->held[table];
    struct merge *merge = &held->merges[level];
    int code = run_writer_end(&merge->output);
    unsigned first = 0;
    while (held->runs[first].number != merge->inputs[0].number) first++;
    for (unsigned i = first; i < first + FAN && !code; i++) code = remove_later(runs, (uint8_t)table, held->runs[i].number);
    if (code) return code;
    held->count -= FAN;
    memmove(held->runs + first, held->runs + first + FAN, (held->count - first) * sizeof *held->runs);
    runs->list_changed = true;
    if (merge->output.run.entries) code = insert_run(runs, held, first, &merge->output.run);
    held->filters_known = false;
    stop_merge(merge);
    return code;
}

/* Writes one entry more; *bytes: what was read for it. At the end there is none. */
static int merge_one(struct lmdb_runs *runs, struct merge *merge, bool *ended, uint64_t *bytes) {
    const struct entry *found = NULL;
    int code = 0;
    for (int i = 0; i < FAN; i++)
        if (!merge->inputs[i].ended) consider(&merge->inputs[i].entry, &found);
    *ended = !found;
    if (!found) return 0;
    struct entry entry = *found;
    if (!entry.removed || !merge->of_oldest) code = run_writer_add(&merge->output, &entry);
    uint8_t bytes_of_key[KEY_BYTES_MAX];
    MDB_val key = {entry.key.mv_size, bytes_of_key}; /* moving on overwrites it */
    memcpy(bytes_of_key, entry.key.mv_data, key.mv_size);
    for (int i = 0; i < FAN && !code; i++) {
        struct run_reader *input = &merge->inputs[i];
        if (input->ended || lmdb_run_compare(input->entry.key, key) != 0) continue;
        *bytes += input->entry.key.mv_size + input->entry.value.mv_size + sizeof(uint64_t);
        code = run_reader_next(input, runs->cursor);
    }
    return code;
}

static int go_on(struct lmdb_runs *runs, enum table table, int level, uint64_t budget) {
    struct merge *merge = &runs->held[table].merges[level];
    bool ended = false;
    int code = 0;
    for (uint64_t bytes = 0; !code && !ended && bytes < budget;) code = merge_one(runs, merge, &ended, &bytes);
    return !code && ended ? end_merge(runs, table, level) : code;
}

static int merge_runs(struct lmdb_runs *runs, enum table table, uint64_t budget) {
    int code = 0;
    for (int level = 0; level + 1 < LEVELS && !code; level++) {
        code = begin_merge(runs, table, level);
        bool many = runs->held[table].count >= RUNS_MANY;
        if (!code && runs->held[table].merges[level].under_way) code = go_on(runs, table, level, many ? UINT64_MAX : budget);
    }
    return code;
}

/* ---- before a commit ---- */

static int settle_table(struct lmdb_runs *runs, enum table table) {
    MDB_stat stat;
    int code = mdb_stat(runs->place.txn, runs->place.tables[table], &stat);
    uint64_t pages = code ? 0 : stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    if (code || pages * stat.ms_psize < TREE_BYTES) return code;
    struct run written;
    code = write_tree(runs, table, stat.ms_entries, &written);
    return code ? code : merge_runs(runs, table, MERGE_FACTOR * written.bytes);
}

static int remove_merged(struct lmdb_runs *runs) {
    unsigned budget = REMOVED_AT_ONCE;
    while (runs->removal_count && budget) {
        const struct removal *removal = &runs->removals[runs->removal_count - 1];
        bool gone;
        int code = lmdb_run_remove(runs->cursor, removal->table, removal->number, &budget, &gone);
        if (code) return code;
        if (gone) runs->removal_count--;
    }
    return 0;
}

int lmdb_runs_settle(struct lmdb_runs *runs) {
    int code = ready(runs);
    for (int table = 0; table < TABLES && !code; table++)
        if (lmdb_runs_hold((enum table)table)) code = settle_table(runs, (enum table)table);
    if (!code) code = remove_merged(runs);
    if (code || !runs->list_changed) return code;
    runs->list_changed = false;
    return write_list(runs);
}

int lmdb_runs_entries(struct lmdb_runs *runs, enum table table, uint64_t *entries) {
    MDB_stat stat;
    int code = ready(runs);
    if (!code) code = mdb_stat(runs->place.txn, runs->place.tables[table], &stat);
    if (code) return code;
    *entries = stat.ms_entries;
    for (unsigned i = 0; i < runs->held[table].count; i++) *entries += runs->held[table].runs[i].entries;
    return 0;
}
