#include "party.h"
#include "../job/job.h"

struct party party_of(char what, struct str id) {
    struct party party = {.len = 0};
    if (str_is_null(id) || id.len > ID_BYTES_MAX) return party;
    party.text[0] = what;
    memcpy(party.text + 1, id.ptr, id.len);
    party.len = id.len + 1;
    return party;
}

/* The part of the keys that all entries of one kind of a party share. */
static void prefix_of(struct key *key, struct str tenant, const struct party *party, char what) {
    key_reset(key);
    key_text(key, tenant);
    key_text(key, (struct str){party->text, party->len});
    key_byte(key, (uint8_t)what);
}

static void entry_key(struct key *key, struct str tenant, const struct party *party, char what, int64_t time, struct str id) {
    prefix_of(key, tenant, party, what);
    key_time(key, time);
    key_text(key, id);
}

void party_put_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t moment, struct str call_id, int64_t start) {
    struct key key;
    entry_key(&key, tenant, party, 'T', moment, call_id);
    index_add(fold->cache, TABLE_PARTIES, key_str(&key), (struct str){(const char *)&start, sizeof start});
}

static void remove_entry(struct fold *fold, struct str tenant, const struct party *party, char what, int64_t time, struct str id) {
    struct key key;
    entry_key(&key, tenant, party, what, time, id);
    index_remove(fold->cache, TABLE_PARTIES, key_str(&key));
}

void party_remove_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t moment, struct str call_id) {
    remove_entry(fold, tenant, party, 'T', moment, call_id);
}

void party_put_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at, struct str job_id) {
    struct key key;
    entry_key(&key, tenant, party, 'J', booked_at, job_id);
    index_add(fold->cache, TABLE_PARTIES, key_str(&key), STR(""));
}

void party_remove_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at, struct str job_id) {
    remove_entry(fold, tenant, party, 'J', booked_at, job_id);
}

static void row_key(struct key *key, struct str tenant, const struct party *party, int64_t start, struct str call_id, uint8_t kind) {
    entry_key(key, tenant, party, 'R', start, call_id);
    key_byte(key, kind);
}

void party_put_row(struct fold *fold, struct str tenant, const struct party *party, int64_t start, struct str call_id, const struct party_row *row) {
    struct key key;
    if (!party->len) return;
    row_key(&key, tenant, party, start, call_id, row->kind);
    index_put(fold->cache, TABLE_PARTIES, key_str(&key), (struct str){(const char *)row, sizeof *row});
}

void party_remove_row(struct fold *fold, struct str tenant, const struct party *party, int64_t start, struct str call_id, uint8_t kind) {
    struct key key;
    if (!party->len) return;
    row_key(&key, tenant, party, start, call_id, kind);
    index_remove(fold->cache, TABLE_PARTIES, key_str(&key));
}

/* One entry of a walk over a party's entries; its key is copied, so the walk may write and read in between. */
struct entry_walk {
    struct key prefix, at;
    int64_t time;
    struct str id;    /* in `at` */
    struct str value; /* valid until the next write */
};

static void walk_from(struct entry_walk *walk, struct str tenant, const struct party *party, char what, int64_t from) {
    prefix_of(&walk->prefix, tenant, party, what);
    walk->at = walk->prefix;
    key_time(&walk->at, from);
}

static bool walk_next(struct fold *fold, struct entry_walk *walk) {
    struct str key;
    if (!index_seek(fold->cache, TABLE_PARTIES, key_str(&walk->at), key_str(&walk->prefix), &key, &walk->value)) return false;
    key_copy(&walk->at, key);
    struct str rest = {(const char *)walk->at.bytes + walk->prefix.len, key.len - walk->prefix.len};
    key_byte(&walk->at, 0); /* where to go on: the smallest key after this one */
    bool whole = key_take_time(&rest, &walk->time) && key_take_text(&rest, &walk->id);
    if (!whole) cache_distrust(fold->cache);
    return whole;
}

static void ground_set(struct ground *ground, int64_t moment, struct str id) {
    ground->found = true;
    ground->moment = moment;
    ground->len = id.len;
    memcpy(ground->id, id.ptr, id.len);
}

void ground_offer(struct ground *ground, int64_t moment, struct str id) {
    if (ground->found && (ground->moment < moment || (ground->moment == moment && str_compare(ground_id(ground), id) <= 0))) return;
    ground_set(ground, moment, id);
}

void party_first_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t start, struct ground *ground) {
    struct entry_walk walk;
    walk_from(&walk, tenant, party, 'T', from);
    while (walk_next(fold, &walk)) {
        int64_t began;
        memcpy(&began, walk.value.ptr, sizeof began);
        if (began <= start) continue;
        ground_set(ground, walk.time, walk.id);
        return;
    }
}

void party_first_job(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t to, struct ground *ground) {
    struct entry_walk walk;
    if (!party->len || from > to) return;
    walk_from(&walk, tenant, party, 'J', from);
    if (!walk_next(fold, &walk) || walk.time > to) return;
    ground_offer(ground, walk.time, walk.id);
}

bool party_has_job(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t to, int64_t by) {
    struct entry_walk walk;
    if (!party->len) return false;
    walk_from(&walk, tenant, party, 'J', from);
    while (walk_next(fold, &walk) && walk.time <= to)
        if (!job_cancelled_by(job_entity(fold->cache, tenant, walk.id), by)) return true;
    return false;
}

void party_touch_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t start, int64_t moment) {
    struct entry_walk walk;
    walk_from(&walk, tenant, party, 'R', INT64_MIN);
    while (walk_next(fold, &walk) && walk.time < start) {
        struct party_row row;
        memcpy(&row, walk.value.ptr, sizeof row);
        if (row.kind != KIND_ABANDONED || row.withdrawn) continue;
        if (moment == NONE || row.closed_at == NONE || row.closed_at > moment) step_touch(fold, call_entity(fold->cache, tenant, walk.id));
    }
}

void party_touch_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at) {
    struct entry_walk walk;
    walk_from(&walk, tenant, party, 'R', INT64_MIN);
    while (walk_next(fold, &walk) && walk.time <= booked_at) {
        struct party_row row;
        memcpy(&row, walk.value.ptr, sizeof row);
        if (booked_at <= row.window_end) step_touch(fold, call_entity(fold->cache, tenant, walk.id));
    }
}

int32_t party_open_rows(struct fold *fold, struct str tenant, const struct party *party, struct str call_id) {
    struct entry_walk walk;
    int32_t open = 0;
    if (!party->len) return 0;
    walk_from(&walk, tenant, party, 'R', INT64_MIN);
    while (walk_next(fold, &walk)) {
        struct party_row row;
        memcpy(&row, walk.value.ptr, sizeof row);
        open += row.kind == KIND_ABANDONED && !row.withdrawn && row.closed_at == NONE && !str_equal(walk.id, call_id);
    }
    return open;
}
