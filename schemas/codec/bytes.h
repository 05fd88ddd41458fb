/* bytes: the primitives of Avro's binary encoding and of UTF-8 (inside the codec only). */
#ifndef RINGBACK_BYTES_H
#define RINGBACK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LONG_BYTES_MAX 10

/* Reads a zigzag varint of at most 10 bytes. Returns the byte after it; NULL: truncated, longer, or more than 64 bits. */
const uint8_t *read_long_slow(const uint8_t *at, const uint8_t *end, int64_t *value);

static inline const uint8_t *read_long(const uint8_t *at, const uint8_t *end, int64_t *value) {
    if (at < end && *at < 0x80) {
        *value = (int64_t)(*at >> 1) ^ -(int64_t)(*at & 1);
        return at + 1;
    }
    return read_long_slow(at, end, value);
}

static inline uint64_t zigzag(int64_t value) { return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63); }

static inline size_t long_size(int64_t value) {
    uint64_t bits = zigzag(value) | 1;
    return (size_t)(70 - __builtin_clzll(bits)) / 7;
}

/* Writes long_size(value) bytes, at most LONG_BYTES_MAX. */
static inline uint8_t *write_long(uint8_t *at, int64_t value) {
    uint64_t rest = zigzag(value);
    while (rest >= 0x80) {
        *at++ = (uint8_t)(rest | 0x80);
        rest >>= 7;
    }
    *at++ = (uint8_t)rest;
    return at;
}

bool utf8_valid_slow(const uint8_t *at, const uint8_t *end);

/* Well-formed UTF-8 as of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static inline bool utf8_valid(const uint8_t *at, size_t size) {
    const uint8_t *end = at + size;
    uint64_t word, high = 0;
    if (size >= 8) {
        for (; end - at > 8; at += 8) {
            memcpy(&word, at, 8);
            if (word & 0x8080808080808080u) return utf8_valid_slow(at, end);
        }
        memcpy(&word, end - 8, 8); /* overlaps what was seen; a sequence cut by it is found by the slow way */
        return (word & 0x8080808080808080u) == 0 || utf8_valid_slow(at, end);
    }
    for (const uint8_t *each = at; each < end; each++) high |= *each;
    return high < 0x80 || utf8_valid_slow(at, end);
}

/* Eight bytes of a text of 1 to 7, some of them twice, or blanks. */
static inline uint64_t short_word(const uint8_t *at, size_t size) {
    uint32_t low, high;
    if (size < 4) return UINT64_C(0x2020202020000000) | (uint64_t)at[size - 1] << 16 | (uint64_t)at[size / 2] << 8 | at[0];
    memcpy(&low, at, 4);
    memcpy(&high, at + size - 4, 4);
    return (uint64_t)high << 32 | low;
}

/* 0 where all bytes are from 0x20 to 0x7e; a byte that is not sets its highest bit here, by what it is or by what it wraps to. */
static inline uint64_t not_printable(uint64_t word) {
    return (word | (word - 0x2020202020202020u) | (word + 0x0101010101010101u)) & 0x8080808080808080u;
}

/* At least one byte, and all of printable ASCII: then there is nothing to be found wrong with the text but its length. */
static inline bool is_plain(const uint8_t *at, size_t size) {
    uint64_t word, odd = 0;
    if (size < 8) return size > 0 && not_printable(short_word(at, size)) == 0;
    const uint8_t *last = at + size - 8; /* overlaps what was seen */
    for (; at < last; at += 8) {
        memcpy(&word, at, 8);
        odd |= not_printable(word);
    }
    memcpy(&word, last, 8);
    return (odd | not_printable(word)) == 0;
}

#endif
