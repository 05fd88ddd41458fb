/*
 * facts: the list of accepted events that an entity's blob ends with, sorted by (occurred_at, event_id).
 *
 * What a call, a job or a directory entry is, is computed from its list, so the order of arrival cannot show
 * (docs/decisions/0001 D1.1). A fact is 16 bytes of head, the event id, and a few short texts.
 *
 *     size u32 | type u8 | a u8 | b u8 | texts u8 | at i64 | id | { len u16, bytes }... | zeros to a multiple of 8
 *
 * An id in the canonical form of a UUID (36 characters, lower case) is kept as its 16 bytes, others as { len u16, bytes }.
 *
 * The blob begins with a head of the owner's, `from` bytes long (a multiple of 8); facts follow to its end.
 */
#ifndef RINGBACK_FACTS_H
#define RINGBACK_FACTS_H

#include <stddef.h>
#include "../schemas/codec/event.h"
#include "../state/cache.h"

struct fact {
    uint32_t size;
    uint8_t type; /* enum event_type, or the owner's own from 128 on */
    uint8_t a, b; /* the owner's: enums of the event */
    uint8_t texts; /* without the id; FACT_UUID: the id is one */
    int64_t at;
};

/* Bytes that an entity may hold; beyond it an event is refused (TOO_LARGE). What the owner adds itself has room beyond that: it is
 * bounded by its kind, and by this. */
#define FACTS_BYTES_MAX (1u << 20)
#define OWN_FACTS_BYTES_MAX (64 * FACTS_BYTES_MAX)
#define FACT_TEXTS_MAX 5 /* behind the id; a number is a text of 8 bytes */
#define FACT_UUID 0x80
#define UUID_TEXT_BYTES 36

/* An event id, looked at once: it is looked for, and kept. */
struct fact_id {
    struct str text;
    bool is_uuid;
    uint8_t uuid[16];
};
struct fact_id fact_id_of(struct str text);
/* Of an owner's own facts. */
#define FACT_NO_ID ((struct fact_id){.text = STR("")})

/* The fact at `at`; null where none is left. A damaged blob ends there, and the state's hash tells. */
static inline const struct fact *fact_before(const uint8_t *end, const uint8_t *at) {
    const struct fact *fact = (const struct fact *)(const void *)at;
    if (end - at < (ptrdiff_t)sizeof *fact) return NULL;
    return fact->size >= sizeof *fact && fact->size <= end - at ? fact : NULL;
}
/* The first fact at or after `from`; null at the end. */
static inline const struct fact *facts_at(const struct entity *entity, uint32_t from) {
    return from < entity->size ? fact_before(entity->blob + entity->size, entity->blob + from) : NULL;
}
static inline uint32_t fact_offset(const struct entity *entity, const struct fact *fact) {
    return (uint32_t)((const uint8_t *)fact - entity->blob);
}
static inline const struct fact *fact_next(const struct entity *entity, const struct fact *fact) {
    return fact_before(entity->blob + entity->size, (const uint8_t *)fact + fact->size);
}

/* Text `index`, from 1, of a fact; null where it was null or there are fewer. Points into the blob. */
struct str fact_text(const struct fact *fact, unsigned index);
/* The event id; points into the blob or into `room`. */
struct str fact_id(const struct fact *fact, char room[UUID_TEXT_BYTES]);
bool fact_has_id(const struct fact *fact, const struct fact_id *id);

/* A number as a text, which points to it, and back; NONE is null. */
struct str number_text(const int64_t *number);
int64_t fact_number(const struct fact *fact, unsigned index);

/* Order of the list: by time, then id. */
int fact_compare(const struct fact *a, const struct fact *b);

/* A fact with this event id, or null. */
const struct fact *facts_find(const struct entity *entity, uint32_t from, const struct fact_id *id);

/* Puts a fact in its place; `texts` come behind the id. The same one again changes nothing. False: the entity is full. */
bool facts_insert(struct cache *cache, struct entity *entity, uint32_t from, uint8_t type, uint8_t a, uint8_t b, int64_t at, const struct fact_id *id,
                  const struct str *texts, unsigned count);
void facts_remove(struct cache *cache, struct entity *entity, const struct fact *fact);

#endif
