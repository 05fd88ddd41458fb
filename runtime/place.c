#include "place.h"

#include "../processors/fold.h"
#include "../state/keys.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define STATE_VERSION RINGBACK_VERSION "/" TEXT(FOLD_LAYOUT) /* a state of another release or layout is built again */

/* In the byte order of the host, as all of LMDB. */
struct place_value {
    char version[16]; /* of the ringback that wrote the state */
    struct place place;
};

struct source_value {
    int64_t next_offset;
    int32_t number;
    int32_t ended;
};

static struct str place_key(void) { return STR("shell"); }

static struct str hash_key(struct key *key, struct str hash) {
    key_reset(key);
    key_byte(key, 'h');
    key_text(key, hash);
    return key_str(key);
}

static struct str number_key(struct key *key, int32_t number) {
    key_reset(key);
    key_byte(key, 'n');
    key_u32(key, (uint32_t)number);
    return key_str(key);
}

struct place place_at_beginning(const char *journal_id) {
    struct place place;
    memset(&place, 0, sizeof place);
    place.log.sequence = -1;
    place.log.partitions = 1;
    place.append_time = NONE;
    place.next_source = 1;
    for (int kind = 0; kind <= SOURCE_NETWORK; kind++) place.topics[kind] = NONE;
    memcpy(place.log.journal_id, journal_id, JOURNAL_ID_DIGITS);
    return place;
}

void place_move_topics(struct place *place, const struct seal_source_array *sources) {
    for (uint32_t n = 0; n < sources->count; n++) {
        int32_t number = sources->items[n].source;
        if (number <= SOURCE_NETWORK && place->topics[number] != NONE) place->topics[number] = sources->items[n].next_offset;
    }
}

int place_load(struct store *store, struct place *place) {
    struct str value;
    int result = store_get(store, TABLE_META, place_key(), &value);
    if (result != 0) return result;
    struct place_value stored;
    if (value.len != sizeof stored) return STORE_ERROR_DIRTY;
    memcpy(&stored, value.ptr, sizeof stored);
    if (strncmp(stored.version, STATE_VERSION, sizeof stored.version) != 0 || stored.place.beyond != 0) return STORE_ERROR_DIRTY;
    *place = stored.place;
    return 0;
}

int place_save(struct store *store, const struct place *place) {
    struct place_value stored;
    memset(&stored, 0, sizeof stored); /* padding too */
    strncpy(stored.version, STATE_VERSION, sizeof stored.version - 1);
    stored.place = *place;
    return store_put(store, TABLE_META, place_key(), (struct str){(const char *)&stored, sizeof stored});
}

int source_load(struct store *store, struct str hash, struct known_source *source) {
    struct key key;
    struct str value;
    int result = hash.len == CONTENT_HASH_DIGITS ? store_get(store, TABLE_SOURCES, hash_key(&key, hash), &value) : STORE_ABSENT;
    if (result != 0) return result;
    struct source_value stored;
    if (value.len != sizeof stored) return STORE_ERROR_FORMAT;
    memcpy(&stored, value.ptr, sizeof stored);
    *source = (struct known_source){.number = stored.number, .ended = stored.ended, .next_offset = stored.next_offset};
    memcpy(source->hash, hash.ptr, CONTENT_HASH_DIGITS);
    return 0;
}

int source_load_numbered(struct store *store, int32_t number, struct known_source *source) {
    struct key key;
    struct str value;
    int result = store_get(store, TABLE_SOURCES, number_key(&key, number), &value);
    if (result != 0) return result;
    if (value.len != CONTENT_HASH_DIGITS) return STORE_ERROR_FORMAT;
    char hash[CONTENT_HASH_DIGITS];
    memcpy(hash, value.ptr, sizeof hash);
    return source_load(store, (struct str){hash, sizeof hash}, source);
}

int source_save(struct store *store, const struct known_source *source) {
    struct key key;
    struct str hash = {source->hash, CONTENT_HASH_DIGITS};
    struct source_value stored = {.next_offset = source->next_offset, .number = source->number, .ended = source->ended};
    int result = store_put(store, TABLE_SOURCES, hash_key(&key, hash), (struct str){(const char *)&stored, sizeof stored});
    return result ? result : store_put(store, TABLE_SOURCES, number_key(&key, source->number), hash);
}
