#include "answers.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Where an answer stands: several commands may share an id's hash, and what was forgotten stays here until the table is made again. */
struct answer_slot {
    uint64_t hash; /* of tenant and command; 0: free */
    int64_t until;
};

static void answer_key(struct key *key, int64_t until, struct str tenant, struct str command_id) {
    key_reset(key);
    key_time(key, until);
    key_text(key, tenant);
    key_text(key, command_id);
}

/* `id`: tenant and command as they follow one another in a key. */
static uint64_t hash_of(struct str id) { return XXH3_64bits(id.ptr, id.len) | 1; }

static void remember(struct answer_slot *slots, uint32_t capacity, struct answer_slot slot) {
    uint32_t at = (uint32_t)(slot.hash >> 32) & (capacity - 1);
    while (slots[at].hash) at = (at + 1) & (capacity - 1);
    slots[at] = slot;
}

/* Makes the table from the store, with room for twice as many. */
static void read_answers(struct fold *fold) {
    struct key at;
    struct str key, value;
    uint32_t count = 0;
    for (bool counting = true;; counting = false) {
        key_reset(&at);
        while (index_seek(fold->cache, TABLE_COMMANDS, key_str(&at), STR(""), &key, &value)) {
            struct str id = key;
            int64_t until;
            key_copy(&at, key);
            key_byte(&at, 0);
            if (!key_take_time(&id, &until)) cache_distrust(fold->cache);
            else if (counting) count++;
            else remember(fold->answers, fold->answer_slots, (struct answer_slot){hash_of(id), until});
        }
        if (!counting) break;
        uint32_t wanted = 1024;
        while (wanted < count * 4) wanted *= 2;
        fold->answers = room_grow(fold->answers, &fold->answer_capacity, wanted, sizeof *fold->answers);
        memset(fold->answers, 0, wanted * sizeof *fold->answers);
        fold->answer_slots = wanted;
        fold->answer_count = count;
    }
}

struct str answer_find(struct fold *fold, struct str tenant, struct str command_id, int64_t *until) {
    struct key key;
    struct str found, value;
    if (!fold->answers) read_answers(fold);
    answer_key(&key, 0, tenant, command_id);
    struct str id = {(const char *)key.bytes + 8, key.len - 8};
    uint64_t hash = hash_of(id);
    uint32_t last = fold->answer_slots - 1;
    for (uint32_t at = (uint32_t)(hash >> 32) & last; fold->answers[at].hash; at = (at + 1) & last) {
        if (fold->answers[at].hash != hash) continue;
        answer_key(&key, fold->answers[at].until, tenant, command_id);
        if (!index_seek(fold->cache, TABLE_COMMANDS, key_str(&key), key_str(&key), &found, &value) || found.len != key.len) continue;
        *until = fold->answers[at].until;
        return value;
    }
    return STR_NULL;
}

void answer_put(struct fold *fold, struct str tenant, struct str command_id, int64_t old, int64_t until, struct str value) {
    struct key key;
    if (old != NONE) {
        answer_key(&key, old, tenant, command_id);
        index_remove(fold->cache, TABLE_COMMANDS, key_str(&key));
    }
    answer_key(&key, until, tenant, command_id);
    index_add(fold->cache, TABLE_COMMANDS, key_str(&key), value);
    if (++fold->answer_count * 2 > fold->answer_slots) {
        read_answers(fold);
        return;
    }
    remember(fold->answers, fold->answer_slots, (struct answer_slot){hash_of((struct str){(const char *)key.bytes + 8, key.len - 8}), until});
}

void answers_forget(struct fold *fold) {
    struct key at;
    struct str key, value;
    int64_t now = later(fold->meta.stream_time, fold->meta.network_time);
    key_reset(&at);
    while (index_seek(fold->cache, TABLE_COMMANDS, key_str(&at), STR(""), &key, &value)) {
        struct str rest = key, tenant;
        int64_t until;
        key_copy(&at, key);
        if (!key_take_time(&rest, &until) || !key_take_text(&rest, &tenant)) {
            cache_distrust(fold->cache);
            return;
        }
        if (until >= now) return;
        if (until < now_of(fold, tenant)) index_remove(fold->cache, TABLE_COMMANDS, key_str(&at));
        key_byte(&at, 0);
    }
}
