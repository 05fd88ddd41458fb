/*
 * cache: what the fold works on: blobs with a deadline each, held in memory between a read of the store and a write back to it.
 *
 * An entity is one key of one table with its blob, kept in the same bytes in memory and in the store. Touched entities are
 * written once a flush, however often they changed; the timers table follows their deadlines. The earliest deadline over
 * memory and store together is found in the total order of SPEC 6: deadline, kind, tenant, id.
 *
 * Calls are asked for by tenant and id, but lie in the store by tenant, start and id: what is written together and read together, by
 * time, shares pages. TABLE_STARTS leads from the one to the other; nobody else touches it.
 *
 * Errors of the store stick (cache_error) and make later reads find nothing, so that the fold need not ask after each call; it asks once a
 * record. Without memory the process ends with a message: nothing is lost, the journal has it.
 */
#ifndef RINGBACK_CACHE_H
#define RINGBACK_CACHE_H

#include "store.h"

#define NO_DEADLINE INT64_MAX
#define NO_START INT64_MIN

struct deadline {
    int64_t at;   /* ms, NO_DEADLINE: none */
    uint8_t kind; /* order among equal times: SPEC 6 */
    uint8_t sub;  /* order within a tenant before the id: the kind of row */
};

struct entity {
    uint8_t *blob;  /* `size` bytes, 16-aligned; 0 bytes: absent */
    uint32_t size;
    uint8_t table;
    bool hot;       /* stays in memory over flushes */
    uint16_t key_len, tenant_len;
    struct deadline due;
    int64_t start;  /* of a call: where it lies; NO_START: not known yet */
    uint64_t mark;     /* the caller's, as hints; 0 in a fresh entity */
    uint32_t hints[2];
    /* the cache's own */
    uint32_t room, heap_index;
    struct deadline heap_due, stored_due;
    int64_t stored_start;
    uint64_t key_hash, stored_hash;
    bool dirty, stored;
    char key[]; /* tenant, 0x00, the rest */
};

struct cache;

/* `room_bytes` of zeroed memory for the caller live and die with the cache. */
struct cache *cache_open(struct store *store, size_t room_bytes, void **room);
void cache_close(struct cache *cache);
int cache_error(const struct cache *cache); /* the first error of the store, 0: none */
void cache_distrust(struct cache *cache);    /* store_distrust, as an error that sticks */

/* The entity of a key: from memory, else from the store, else absent (size 0). Never null; stays where it is until a flush. */
struct entity *cache_get(struct cache *cache, enum table table, struct str key);
/* The same of a call whose start is known: what leads to it need not be read. */
struct entity *cache_get_call(struct cache *cache, struct str key, int64_t start);

/* The same of a call that was read from the store in passing: `key` and `value` of its entry there. Null where the key is none: cache_distrust. */
struct entity *cache_see_call(struct cache *cache, struct str key, struct str value);

static inline struct str entity_key(const struct entity *entity) { return (struct str){entity->key, entity->key_len}; }
static inline struct str entity_tenant(const struct entity *entity) { return (struct str){entity->key, entity->tenant_len}; }
/* The part of the key after the tenant, without its last 0x00. */
static inline struct str entity_id(const struct entity *entity) {
    return (struct str){entity->key + entity->tenant_len + 1, (uint32_t)(entity->key_len - entity->tenant_len - 2)};
}

/* Makes the blob `size` bytes: what it held stays, new bytes are zero. The entity is dirty afterwards; blob may move. */
void entity_resize(struct cache *cache, struct entity *entity, uint32_t size);
void entity_delete(struct cache *cache, struct entity *entity); /* with its deadline */
void entity_touch(struct cache *cache, struct entity *entity); /* the blob was changed in place */
void entity_start(struct cache *cache, struct entity *entity, int64_t start); /* of a call: once */
void entity_due(struct cache *cache, struct entity *entity, struct deadline due);

/* The entity with the earliest deadline <= limit, or null. */
struct entity *cache_first_due(struct cache *cache, int64_t limit);
/* The earliest deadline of all, NO_DEADLINE: none. */
int64_t cache_next_deadline(struct cache *cache);
/* Each timer with from <= deadline <= until, in order, as it stands in memory and store: for re-timing. The callback may change the entity's deadline.
 * Flushes first. */
void cache_each_due(struct cache *cache, int64_t from, int64_t until, void (*each)(void *context, struct entity *entity), void *context);

/* Writes back what is dirty and, where much has come in, lets go of what is settled: neither hot nor due before `warm_until`. Entities got
 * before are invalid afterwards. */
int cache_flush(struct cache *cache, int64_t warm_until);

/* Index tables: written through, counted in the state hash. */
void index_put(struct cache *cache, enum table table, struct str key, struct str value);
void index_add(struct cache *cache, enum table table, struct str key, struct str value); /* of a key that is known to be new: cheaper */
void index_remove(struct cache *cache, enum table table, struct str key);
/* The first entry >= `from` whose key starts with `prefix`; false: none. Valid until the next write. */
bool index_seek(struct cache *cache, enum table table, struct str from, struct str prefix, struct str *key, struct str *value);

/* Sum over all entries of a hash of table, key and value: flush first. */
uint64_t cache_state_hash(const struct cache *cache);
void cache_set_state_hash(struct cache *cache, uint64_t hash); /* at open, from the store's meta */

/* Memory that grows and stays: returns items with room for `count` of `item_bytes`; *capacity is in items. Never null. */
void *room_grow(void *items, uint32_t *capacity, uint32_t count, size_t item_bytes);
void room_free(void *items);

#endif
