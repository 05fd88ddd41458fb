#include "cache.h"
#include "keys.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD_BYTES 16               /* of a stored value, before the blob: deadline, kind, sub, zeros */
#define WARM_BYTES (24u << 20)      /* blobs kept over a flush, beyond which only hot ones stay */
#define NEW_ENTITIES 4096           /* and NEW_BYTES: what may come in before it is asked who stays; small flushes would ask all too often */
#define NEW_BYTES (4u << 20)
#define NOT_IN_HEAP UINT32_MAX

struct cache {
    struct store *store;
    void *room;
    struct slot {
        uint64_t hash;
        struct entity *entity; /* null: free */
    } *slots; /* open addressing, power of two */
    uint32_t slot_count, entity_count;
    struct written {
        uint64_t owner, place; /* table and tenant; where in it */
        struct entity *entity;
    } *dirty;
    uint32_t dirty_count, dirty_capacity;
    struct entity **heap;
    uint32_t heap_count, heap_capacity;
    struct key scan;   /* the next stored timer that is not in memory */
    int64_t scan_at;   /* its deadline, NO_DEADLINE: there is none */
    int64_t scan_start; /* of a call's */
    bool scan_known;
    struct key scanned; /* stored timers up to here are in memory; empty: none */
    size_t blob_bytes;
    uint32_t kept_entities; /* when last some were let go */
    size_t kept_bytes;
    uint64_t state_hash;
    int error;
};

static void *must(void *memory) {
    if (memory) return memory;
    static const char text[] = "ringback: out of memory: give the process more; it goes on where it stopped when it is started again\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(75);
    _exit(75);
}

static void stick(struct cache *cache, int result) {
    if (result < 0 && cache->error == 0) cache->error = result;
}

void cache_distrust(struct cache *cache) { stick(cache, store_distrust(cache->store)); }

struct cache *cache_open(struct store *store, size_t room_bytes, void **room) {
    struct cache *cache = must(calloc(1, sizeof *cache));
    cache->store = store;
    cache->slot_count = 1024;
    cache->slots = must(calloc(cache->slot_count, sizeof *cache->slots));
    cache->room = *room = must(calloc(1, room_bytes));
    return cache;
}

static void entity_free(struct cache *cache, struct entity *entity) {
    cache->blob_bytes -= entity->room;
    if (entity->blob) free(entity->blob - HEAD_BYTES);
    free(entity);
}

void cache_close(struct cache *cache) {
    if (!cache) return;
    for (uint32_t i = 0; i < cache->slot_count; i++)
        if (cache->slots[i].entity) entity_free(cache, cache->slots[i].entity);
    free(cache->slots);
    free(cache->dirty);
    free(cache->heap);
    free(cache->room);
    free(cache);
}

int cache_error(const struct cache *cache) { return cache->error; }
uint64_t cache_state_hash(const struct cache *cache) { return cache->state_hash; }
void cache_set_state_hash(struct cache *cache, uint64_t hash) { cache->state_hash = hash; }

void *room_grow(void *items, uint32_t *capacity, uint32_t count, size_t item_bytes) {
    if (count <= *capacity) return items;
    uint32_t wanted = *capacity ? *capacity : 16;
    while (wanted < count) wanted *= 2;
    *capacity = wanted;
    return must(realloc(items, wanted * item_bytes));
}

void room_free(void *items) { free(items); }

/* ---- the heap of deadlines in memory ----
 * heap_due may lie before due: a deadline that moves later leaves the entity where it is until it comes to the top. */

static int deadline_compare(struct deadline a, const struct entity *x, struct deadline b, const struct entity *y) {
    if (a.at != b.at) return a.at < b.at ? -1 : 1;
    if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
    int order = str_compare(entity_tenant(x), entity_tenant(y));
    if (order) return order;
    if (a.sub != b.sub) return a.sub < b.sub ? -1 : 1;
    order = str_compare(entity_id(x), entity_id(y));
    return order ? order : (x->table > y->table) - (x->table < y->table);
}

static bool heap_before(const struct entity *a, const struct entity *b) { return deadline_compare(a->heap_due, a, b->heap_due, b) < 0; }

static void heap_set(struct cache *cache, uint32_t index, struct entity *entity) {
    cache->heap[index] = entity;
    entity->heap_index = index;
}

static void heap_up(struct cache *cache, uint32_t index, struct entity *entity) {
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (!heap_before(entity, cache->heap[parent])) break;
        heap_set(cache, index, cache->heap[parent]);
        index = parent;
    }
    heap_set(cache, index, entity);
}

static void heap_down(struct cache *cache, uint32_t index, struct entity *entity) {
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= cache->heap_count) break;
        if (child + 1 < cache->heap_count && heap_before(cache->heap[child + 1], cache->heap[child])) child++;
        if (!heap_before(cache->heap[child], entity)) break;
        heap_set(cache, index, cache->heap[child]);
        index = child;
    }
    heap_set(cache, index, entity);
}

static void heap_insert(struct cache *cache, struct entity *entity) {
    entity->heap_due = entity->due;
    if (entity->heap_index == NOT_IN_HEAP) {
        cache->heap = room_grow(cache->heap, &cache->heap_capacity, cache->heap_count + 1, sizeof *cache->heap);
        entity->heap_index = cache->heap_count++;
    }
    heap_up(cache, entity->heap_index, entity);
}

static void heap_remove_first(struct cache *cache) {
    cache->heap[0]->heap_index = NOT_IN_HEAP;
    struct entity *last = cache->heap[--cache->heap_count];
    if (cache->heap_count > 0) heap_down(cache, 0, last);
}

/* The entity with the earliest deadline in memory, or null. */
static struct entity *heap_first(struct cache *cache) {
    while (cache->heap_count > 0) {
        struct entity *first = cache->heap[0];
        if (first->due.at == NO_DEADLINE) {
            heap_remove_first(cache);
        } else if (deadline_compare(first->heap_due, first, first->due, first) != 0) {
            first->heap_due = first->due;
            heap_down(cache, 0, first);
        } else {
            return first;
        }
    }
    return NULL;
}

void entity_due(struct cache *cache, struct entity *entity, struct deadline due) {
    if (due.at == NO_DEADLINE) due = (struct deadline){NO_DEADLINE, 0, 0};
    if (deadline_compare(due, entity, entity->due, entity) == 0) return;
    entity->due = due;
    entity_touch(cache, entity);
    if (due.at == NO_DEADLINE) return;
    if (entity->heap_index == NOT_IN_HEAP || deadline_compare(due, entity, entity->heap_due, entity) < 0) heap_insert(cache, entity);
}

/* ---- entities ---- */

/* The key of a call's entry: tenant, start, id. */
static void call_key(struct key *key, const struct entity *entity, int64_t start) {
    key_reset(key);
    key_text(key, entity_tenant(entity));
    key_time(key, start);
    key_text(key, entity_id(entity));
}

static uint64_t hash_key(enum table table, struct str key) { return XXH3_64bits_withSeed(key.ptr, key.len, (uint64_t)table); }

static void slot_insert(struct cache *cache, struct entity *entity) {
    uint32_t at = (uint32_t)entity->key_hash & (cache->slot_count - 1);
    while (cache->slots[at].entity) at = (at + 1) & (cache->slot_count - 1);
    cache->slots[at] = (struct slot){entity->key_hash, entity};
}

static void slots_grow(struct cache *cache) {
    struct slot *old = cache->slots;
    uint32_t old_count = cache->slot_count;
    cache->slot_count *= 2;
    cache->slots = must(calloc(cache->slot_count, sizeof *cache->slots));
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i].entity) slot_insert(cache, old[i].entity);
    free(old);
}

static struct entity *find(const struct cache *cache, enum table table, struct str key, uint64_t hash) {
    for (uint32_t at = (uint32_t)hash & (cache->slot_count - 1); cache->slots[at].entity; at = (at + 1) & (cache->slot_count - 1)) {
        struct entity *entity = cache->slots[at].entity;
        if (cache->slots[at].hash == hash && entity->table == table && entity->key_len == key.len && memcmp(entity->key, key.ptr, key.len) == 0)
            return entity;
    }
    return NULL;
}

static void set_room(struct cache *cache, struct entity *entity, uint32_t room) {
    uint8_t *memory = entity->blob ? entity->blob - HEAD_BYTES : NULL;
    memory = must(realloc(memory, HEAD_BYTES + (size_t)room));
    cache->blob_bytes += room - entity->room;
    entity->blob = memory + HEAD_BYTES;
    entity->room = room;
}

static int take_start(struct cache *cache, struct str value, int64_t *start) {
    if (value.len != sizeof *start) return store_distrust(cache->store);
    memcpy(start, value.ptr, sizeof *start);
    return 0;
}

/* Where its start is known. */
static int read_call_at(struct cache *cache, struct entity *entity, int64_t start, struct str *value) {
    struct key key;
    entity->start = entity->stored_start = start;
    call_key(&key, entity, start);
    return store_get(cache->store, TABLE_CALLS, key_str(&key), value);
}

static int read_call(struct cache *cache, struct entity *entity, struct str *value) {
    int64_t start = 0;
    int result = store_get(cache->store, TABLE_STARTS, entity_key(entity), value);
    if (result == 0) result = take_start(cache, *value, &start);
    return result == 0 ? read_call_at(cache, entity, start, value) : result;
}

/* Fills in what the store has. */
static void take_value(struct cache *cache, struct entity *entity, struct str value) {
    if (value.len < HEAD_BYTES) {
        cache_distrust(cache);
        return;
    }
    uint32_t size = value.len - HEAD_BYTES;
    set_room(cache, entity, size < 64 ? 64 : size);
    memcpy(entity->blob, value.ptr + HEAD_BYTES, size);
    entity->size = size;
    entity->stored = true;
    entity->stored_hash = XXH3_64bits_withSeed(value.ptr, value.len, entity->key_hash);
    memcpy(&entity->due.at, value.ptr, 8);
    entity->due.kind = (uint8_t)value.ptr[8];
    entity->due.sub = (uint8_t)value.ptr[9];
    entity->stored_due = entity->due;
    if (entity->due.at != NO_DEADLINE) heap_insert(cache, entity);
}

static void loaded(struct cache *cache, struct entity *entity, int result, struct str value) {
    stick(cache, result);
    if (result == 0) take_value(cache, entity, value);
}

static void load(struct cache *cache, struct entity *entity) {
    struct str value = STR_NULL;
    int result = cache->error                   ? STORE_ABSENT
                 : entity->table == TABLE_CALLS ? read_call(cache, entity, &value)
                                                : store_get(cache->store, entity->table, entity_key(entity), &value);
    loaded(cache, entity, result, value);
}

/* In memory already, or made with nothing in it: then *made. */
static struct entity *find_or_make(struct cache *cache, enum table table, struct str key, bool *made) {
    uint64_t hash = hash_key(table, key);
    struct entity *entity = find(cache, table, key, hash);
    *made = !entity;
    if (entity) return entity;
    if (cache->entity_count * 2 >= cache->slot_count) slots_grow(cache);
    entity = must(malloc(sizeof *entity + key.len));
    *entity = (struct entity){.table = (uint8_t)table, .key_len = (uint16_t)key.len, .key_hash = hash, .heap_index = NOT_IN_HEAP};
    entity->due = entity->stored_due = (struct deadline){NO_DEADLINE, 0, 0};
    entity->start = entity->stored_start = NO_START;
    memcpy(entity->key, key.ptr, key.len);
    entity->tenant_len = (uint16_t)strnlen(entity->key, key.len);
    slot_insert(cache, entity);
    cache->entity_count++;
    return entity;
}

struct entity *cache_get(struct cache *cache, enum table table, struct str key) {
    bool made;
    struct entity *entity = find_or_make(cache, table, key, &made);
    if (made) load(cache, entity);
    return entity;
}

struct entity *cache_get_call(struct cache *cache, struct str key, int64_t start) {
    bool made;
    struct entity *entity = find_or_make(cache, TABLE_CALLS, key, &made);
    struct str value = STR_NULL;
    if (made) loaded(cache, entity, cache->error ? STORE_ABSENT : read_call_at(cache, entity, start, &value), value);
    return entity;
}

struct entity *cache_see_call(struct cache *cache, struct str key, struct str value) {
    struct str tenant, id;
    int64_t start;
    struct key asked;
    bool made;
    if (!key_take_text(&key, &tenant) || !key_take_time(&key, &start) || !key_take_text(&key, &id)) {
        cache_distrust(cache);
        return NULL;
    }
    key_named(&asked, tenant, id);
    struct entity *entity = find_or_make(cache, TABLE_CALLS, key_str(&asked), &made);
    if (!made) return entity;
    entity->start = entity->stored_start = start;
    take_value(cache, entity, value);
    return entity;
}

/* About the order of the keys, told cheaply: neighbours in the store are written one after another. */
static uint64_t neighbourhood(const struct entity *entity) {
    if (entity->table == TABLE_CALLS) return (uint64_t)entity->start ^ UINT64_C(1) << 63;
    uint64_t place = 0;
    struct str id = entity_id(entity);
    memcpy(&place, id.ptr, id.len < sizeof place ? id.len : sizeof place);
    return htobe64(place);
}

void entity_touch(struct cache *cache, struct entity *entity) {
    if (entity->dirty) return;
    entity->dirty = true;
    cache->dirty = room_grow(cache->dirty, &cache->dirty_capacity, cache->dirty_count + 1, sizeof *cache->dirty);
    cache->dirty[cache->dirty_count++] = (struct written){0, 0, entity};
}

void entity_start(struct cache *cache, struct entity *entity, int64_t start) {
    entity->start = start;
    entity_touch(cache, entity);
}

void entity_resize(struct cache *cache, struct entity *entity, uint32_t size) {
    entity_touch(cache, entity);
    if (size > entity->room) set_room(cache, entity, size + size / 4 + 128);
    if (size > entity->size) memset(entity->blob + entity->size, 0, size - entity->size);
    entity->size = size;
}

void entity_delete(struct cache *cache, struct entity *entity) {
    entity_resize(cache, entity, 0);
    entity->start = NO_START;
    entity_due(cache, entity, (struct deadline){NO_DEADLINE, 0, 0});
}

/* ---- deadlines in memory and store together ---- */

/* Timer keys: deadline, kind, tenant, sub, rest of the entity's key, table. */
static void timer_key(struct key *key, const struct entity *entity, struct deadline due) {
    key_reset(key);
    key_time(key, due.at);
    key_byte(key, due.kind);
    key_text(key, entity_tenant(entity));
    key_byte(key, due.sub);
    key_text(key, entity_id(entity));
    key_byte(key, entity->table);
}

static bool timer_entity(struct str timer, enum table *table, struct key *key) {
    int64_t at;
    uint8_t kind, sub;
    struct str tenant;
    if (!key_take_time(&timer, &at) || !key_take_byte(&timer, &kind) || !key_take_text(&timer, &tenant) || !key_take_byte(&timer, &sub) ||
        timer.len < 2)
        return false;
    *table = (enum table)(uint8_t)timer.ptr[timer.len - 1];
    key_reset(key);
    key_text(key, tenant);
    key_parts(key, (struct str){timer.ptr, timer.len - 1});
    return true;
}

static int64_t timer_deadline(const struct key *timer) {
    struct str rest = key_str(timer);
    int64_t at = NO_DEADLINE;
    key_take_time(&rest, &at);
    return at;
}

/* The entity that a timer is of. `start`: of a call's. */
static struct entity *timer_owner(struct cache *cache, enum table table, struct str key, int64_t start) {
    return table == TABLE_CALLS ? cache_get_call(cache, key, start) : cache_get(cache, table, key);
}

static int timer_start(struct cache *cache, enum table table, struct str value, int64_t *start) {
    *start = NO_START;
    return table == TABLE_CALLS ? take_start(cache, value, start) : 0;
}

/* Finds the next stored timer of an entity that is not in memory; those in memory are in the heap. */
static void scan_on(struct cache *cache) {
    struct str key, value;
    struct key from = cache->scanned;
    if (from.len) key_byte(&from, 0); /* the smallest key after it */
    int result = cache->error ? STORE_ABSENT : store_seek(cache->store, TABLE_TIMERS, key_str(&from), &key, &value);
    for (; result == 0; result = store_next(cache->store, TABLE_TIMERS, &key, &value)) {
        enum table table = TABLE_META;
        struct key owner;
        if (!timer_entity(key, &table, &owner)) {
            result = store_distrust(cache->store);
            break;
        }
        if (find(cache, table, key_str(&owner), hash_key(table, key_str(&owner)))) continue;
        key_copy(&cache->scan, key);
        result = timer_start(cache, table, value, &cache->scan_start);
        break;
    }
    stick(cache, result);
    cache->scan_known = true;
    cache->scan_at = result == 0 ? timer_deadline(&cache->scan) : NO_DEADLINE;
}

struct entity *cache_first_due(struct cache *cache, int64_t limit) {
    for (;;) {
        if (!cache->scan_known) scan_on(cache);
        if (cache->scan_at > limit && (cache->heap_count == 0 || cache->heap[0]->heap_due.at > limit)) return NULL; /* nearly always */
        struct entity *first = heap_first(cache);
        bool before = !first || cache->scan_at < first->due.at;
        if (first && cache->scan_at == first->due.at && cache->scan_at <= limit) {
            struct key mine;
            timer_key(&mine, first, first->due);
            before = str_compare(key_str(&cache->scan), key_str(&mine)) < 0;
        }
        if (!before || cache->scan_at > limit) return first && first->due.at <= limit ? first : NULL;
        enum table table = TABLE_META; /* bring it into memory, where the heap has it */
        struct key owner;
        timer_entity(key_str(&cache->scan), &table, &owner);
        timer_owner(cache, table, key_str(&owner), cache->scan_start);
        cache->scanned = cache->scan;
        cache->scan_known = false;
    }
}

/* The timer that was found may by now be of an entity in memory, and moved. */
static bool scan_is_stale(const struct cache *cache) {
    enum table table = TABLE_META;
    struct key owner;
    return cache->scan_at != NO_DEADLINE && timer_entity(key_str(&cache->scan), &table, &owner) &&
           find(cache, table, key_str(&owner), hash_key(table, key_str(&owner)));
}

int64_t cache_next_deadline(struct cache *cache) {
    struct entity *first = heap_first(cache);
    if (!cache->scan_known || scan_is_stale(cache)) scan_on(cache);
    return first && first->due.at < cache->scan_at ? first->due.at : cache->scan_at;
}

void cache_each_due(struct cache *cache, int64_t from, int64_t until, void (*each)(void *context, struct entity *entity), void *context) {
    stick(cache, cache_flush(cache, from));
    struct key at;
    key_reset(&at);
    key_time(&at, from);
    for (unsigned visited = 1;; visited++) {
        struct str key, value;
        if (visited % 4096 == 0) stick(cache, cache_flush(cache, from)); /* bounds the memory */
        int result = cache->error ? STORE_ABSENT : store_seek(cache->store, TABLE_TIMERS, key_str(&at), &key, &value);
        stick(cache, result);
        enum table table = TABLE_META;
        struct key owner;
        if (result != 0) return;
        key_copy(&at, key);
        if (timer_deadline(&at) > until) return;
        int64_t start;
        if (!timer_entity(key, &table, &owner)) {
            cache_distrust(cache);
            return;
        }
        stick(cache, timer_start(cache, table, value, &start));
        each(context, timer_owner(cache, table, key_str(&owner), start));
        key_byte(&at, 0);
    }
}

/* ---- writing back ---- */

/* A call that was stored before its start was known moves with it. */
static int put_call(struct cache *cache, struct entity *entity, struct str value) {
    struct key key;
    bool moved = entity->stored && entity->stored_start != entity->start;
    int result = 0;
    if (moved) {
        call_key(&key, entity, entity->stored_start);
        result = store_delete(cache->store, TABLE_CALLS, key_str(&key));
    }
    if (result >= 0 && (moved || !entity->stored))
        result = store_put(cache->store, TABLE_STARTS, entity_key(entity), (struct str){(const char *)&entity->start, sizeof entity->start});
    entity->stored_start = entity->start;
    call_key(&key, entity, entity->start);
    return result < 0 ? result : store_put(cache->store, TABLE_CALLS, key_str(&key), value);
}

static int delete_call(struct cache *cache, const struct entity *entity) {
    struct key key;
    call_key(&key, entity, entity->stored_start);
    int result = store_delete(cache->store, TABLE_CALLS, key_str(&key));
    return result < 0 ? result : store_delete(cache->store, TABLE_STARTS, entity_key(entity));
}

/* Its timer follows its deadline, and says where a call lies. */
static void put_timer(struct cache *cache, struct entity *entity) {
    struct key timer;
    if (entity->stored_due.at != NO_DEADLINE) {
        timer_key(&timer, entity, entity->stored_due);
        stick(cache, store_delete(cache->store, TABLE_TIMERS, key_str(&timer)));
    }
    if (entity->due.at != NO_DEADLINE) {
        struct str start = {(const char *)&entity->start, entity->table == TABLE_CALLS ? sizeof entity->start : 0};
        timer_key(&timer, entity, entity->due);
        stick(cache, store_put(cache->store, TABLE_TIMERS, key_str(&timer), start));
    }
    entity->stored_due = entity->due;
}

static void write_back(struct cache *cache, struct entity *entity) {
    bool is_call = entity->table == TABLE_CALLS, moved = entity->stored_start != entity->start;
    struct str key = entity_key(entity);
    if (entity->stored) cache->state_hash -= entity->stored_hash;
    if (entity->size) {
        uint8_t *head = entity->blob - HEAD_BYTES;
        memset(head, 0, HEAD_BYTES);
        memcpy(head, &entity->due.at, 8);
        head[8] = entity->due.kind;
        head[9] = entity->due.sub;
        struct str value = {(const char *)head, entity->size + HEAD_BYTES};
        entity->stored_hash = XXH3_64bits_withSeed(value.ptr, value.len, entity->key_hash);
        cache->state_hash += entity->stored_hash;
        stick(cache, is_call ? put_call(cache, entity, value) : store_put(cache->store, entity->table, key, value));
    } else if (entity->stored) {
        stick(cache, is_call ? delete_call(cache, entity) : store_delete(cache->store, entity->table, key));
    }
    entity->stored = entity->size > 0;
    if (moved || deadline_compare(entity->stored_due, entity, entity->due, entity) != 0) put_timer(cache, entity);
    entity->dirty = false;
}

static int by_place(const void *left, const void *right) {
    const struct written *a = left, *b = right;
    if (a->owner != b->owner) return a->owner < b->owner ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

static bool stays(const struct entity *entity, int64_t warm_until, bool crowded) {
    return entity->size && (entity->hot || (!crowded && entity->due.at <= warm_until));
}

static bool is_full(const struct cache *cache) {
    return cache->entity_count > cache->kept_entities + cache->kept_entities / 2 + NEW_ENTITIES || cache->blob_bytes > cache->kept_bytes + NEW_BYTES;
}

static void let_go(struct cache *cache, int64_t warm_until) {
    bool crowded = cache->blob_bytes > WARM_BYTES;
    struct slot *old = cache->slots;
    uint32_t old_count = cache->slot_count;
    cache->heap_count = 0;
    cache->entity_count = 0;
    cache->slot_count = 1024;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i].entity && stays(old[i].entity, warm_until, crowded)) kept++;
    while (cache->slot_count < kept * 4) cache->slot_count *= 2;
    cache->slots = must(calloc(cache->slot_count, sizeof *cache->slots));
    for (uint32_t i = 0; i < old_count; i++) {
        struct entity *entity = old[i].entity;
        if (!entity) continue;
        if (!stays(entity, warm_until, crowded)) {
            entity_free(cache, entity);
            continue;
        }
        slot_insert(cache, entity);
        cache->entity_count++;
        entity->heap_index = NOT_IN_HEAP;
        if (entity->due.at != NO_DEADLINE) heap_insert(cache, entity);
    }
    free(old);
    cache->kept_entities = cache->entity_count;
    cache->kept_bytes = cache->blob_bytes;
    cache->scan_known = false;
    key_reset(&cache->scanned);
}

int cache_flush(struct cache *cache, int64_t warm_until) {
    if (cache->error) return cache->error;
    for (uint32_t i = 0; i < cache->dirty_count; i++) {
        struct written *written = &cache->dirty[i];
        written->owner = XXH3_64bits_withSeed(written->entity->key, written->entity->tenant_len, written->entity->table);
        written->place = neighbourhood(written->entity);
    }
    if (cache->dirty_count) qsort(cache->dirty, cache->dirty_count, sizeof *cache->dirty, by_place);
    for (uint32_t i = 0; i < cache->dirty_count && !cache->error; i++) write_back(cache, cache->dirty[i].entity);
    cache->dirty_count = 0;
    if (is_full(cache)) let_go(cache, warm_until);
    return cache->error;
}

/* ---- indexes ---- */

static uint64_t index_hash(enum table table, struct str key, struct str value) {
    return XXH3_64bits_withSeed(value.ptr, value.len, hash_key(table, key));
}

void index_put(struct cache *cache, enum table table, struct str key, struct str value) {
    if (cache->error) return;
    struct str old;
    int result = store_get(cache->store, table, key, &old);
    stick(cache, result);
    if (result == 0 && str_equal(old, value)) return;
    if (result == 0) cache->state_hash -= index_hash(table, key, old);
    cache->state_hash += index_hash(table, key, value);
    stick(cache, store_put(cache->store, table, key, value));
}

void index_add(struct cache *cache, enum table table, struct str key, struct str value) {
    if (cache->error) return;
    cache->state_hash += index_hash(table, key, value);
    stick(cache, store_put(cache->store, table, key, value));
}

void index_remove(struct cache *cache, enum table table, struct str key) {
    if (cache->error) return;
    struct str old;
    int result = store_get(cache->store, table, key, &old);
    stick(cache, result);
    if (result != 0) return;
    cache->state_hash -= index_hash(table, key, old);
    stick(cache, store_delete(cache->store, table, key));
}

bool index_seek(struct cache *cache, enum table table, struct str from, struct str prefix, struct str *key, struct str *value) {
    int result = cache->error ? STORE_ABSENT : store_seek(cache->store, table, from, key, value);
    stick(cache, result);
    return result == 0 && key_has_prefix(*key, prefix);
}
