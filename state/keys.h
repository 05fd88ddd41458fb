/*
 * keys: builds keys whose bytewise order is the order of their parts, and takes them apart again.
 *
 * A key is parts one after another: text ends with 0x00 (ids hold no control characters, docs/decisions/0001 D1.2, so a shorter id
 * comes before a longer one that starts with it), numbers are big-endian. Nothing here allocates or fails: a key that grows past
 * KEY_BYTES_MAX stays one byte too long, which every call of the store refuses.
 */
#ifndef RINGBACK_KEYS_H
#define RINGBACK_KEYS_H

#include <endian.h>
#include "../schemas/codec/str.h"

#define KEY_BYTES_MAX 506 /* LMDB's limit, less what a run puts in front (lmdb_run.h) */

struct key {
    uint8_t bytes[KEY_BYTES_MAX + 1];
    uint32_t len;
};

static inline void key_reset(struct key *key) { key->len = 0; }

/* The bytes built so far; valid while the key is neither changed nor gone. */
static inline struct str key_str(const struct key *key) { return (struct str){(const char *)key->bytes, key->len}; }

/* Room for `size` more bytes, or null where they do not fit: then the key is too long from here on. */
static inline uint8_t *key_extend(struct key *key, uint32_t size) {
    if (size > KEY_BYTES_MAX || key->len > KEY_BYTES_MAX - size) {
        key->len = KEY_BYTES_MAX + 1;
        return NULL;
    }
    uint8_t *room = key->bytes + key->len;
    key->len += size;
    return room;
}

static inline void key_byte(struct key *key, uint8_t byte) {
    uint8_t *room = key_extend(key, 1);
    if (room) *room = byte;
}

static inline void key_u32(struct key *key, uint32_t number) {
    uint8_t *room = key_extend(key, 4);
    uint32_t big_endian = htobe32(number);
    if (room) memcpy(room, &big_endian, 4);
}

/* `time` in ms, of any sign: the sign bit is flipped so that earlier comes first. */
static inline void key_time(struct key *key, int64_t time) {
    uint8_t *room = key_extend(key, 8);
    uint64_t big_endian = htobe64((uint64_t)time ^ (UINT64_C(1) << 63));
    if (room) memcpy(room, &big_endian, 8);
}

/* `text` must hold no 0x00; null and empty are the same text. */
static inline void key_text(struct key *key, struct str text) {
    uint8_t *room = key_extend(key, text.len < KEY_BYTES_MAX ? text.len + 1 : KEY_BYTES_MAX + 1);
    if (!room) return;
    if (text.len) memcpy(room, text.ptr, text.len);
    room[text.len] = 0;
}

/* The key of what a tenant calls `id`. */
static inline void key_named(struct key *key, struct str tenant, struct str id) {
    key_reset(key);
    key_text(key, tenant);
    key_text(key, id);
}

/* Parts of a key that was read, as they are. */
static inline void key_parts(struct key *key, struct str bytes) {
    uint8_t *room = key_extend(key, bytes.len);
    if (room && bytes.len) memcpy(room, bytes.ptr, bytes.len);
}

/* The same bytes as a key that was read. */
static inline void key_copy(struct key *key, struct str bytes) {
    key_reset(key);
    key_parts(key, bytes);
}

static inline bool key_has_prefix(struct str key, struct str prefix) {
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.ptr, prefix.ptr, prefix.len) == 0);
}

/*
 * Readers: each takes the next part off the front of `rest`. False where it is not there (a malformed key); then `rest` and the
 * result are left alone. Text points into the key.
 */
static inline bool key_take(struct str *rest, uint32_t size, const uint8_t **bytes) {
    if (rest->len < size) return false;
    *bytes = (const uint8_t *)rest->ptr;
    *rest = (struct str){rest->ptr + size, rest->len - size};
    return true;
}

static inline bool key_take_byte(struct str *rest, uint8_t *byte) {
    const uint8_t *bytes;
    if (!key_take(rest, 1, &bytes)) return false;
    *byte = *bytes;
    return true;
}

static inline bool key_take_u32(struct str *rest, uint32_t *number) {
    const uint8_t *bytes;
    if (!key_take(rest, 4, &bytes)) return false;
    uint32_t big_endian;
    memcpy(&big_endian, bytes, 4);
    *number = be32toh(big_endian);
    return true;
}

static inline bool key_take_time(struct str *rest, int64_t *time) {
    const uint8_t *bytes;
    if (!key_take(rest, 8, &bytes)) return false;
    uint64_t big_endian;
    memcpy(&big_endian, bytes, 8);
    *time = (int64_t)(be64toh(big_endian) ^ (UINT64_C(1) << 63));
    return true;
}

static inline bool key_take_text(struct str *rest, struct str *text) {
    const char *end = rest->len ? memchr(rest->ptr, 0, rest->len) : NULL;
    if (!end) return false;
    uint32_t len = (uint32_t)(end - rest->ptr);
    *text = (struct str){rest->ptr, len};
    *rest = (struct str){end + 1, rest->len - len - 1};
    return true;
}

#endif
