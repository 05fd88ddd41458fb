#include "bytes.h"

#include <endian.h>

static int64_t unzigzag(uint64_t bits) { return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1); }

/* Up to eight bytes at once, as times have six: seven bits of each, brought together by halves. NULL: they are more. */
static const uint8_t *read_word(const uint8_t *at, int64_t *value) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    uint64_t ends = ~word & 0x8080808080808080u; /* the lowest is where it ends */
    if (!ends) return NULL;
    word &= ends ^ (ends - 1);
    word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
    word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
    word = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
    *value = unzigzag(word);
    return at + (size_t)__builtin_ctzll(ends) / 8 + 1;
}

const uint8_t *read_long_slow(const uint8_t *at, const uint8_t *end, int64_t *value) {
    uint64_t bits = 0;
    if (end - at >= 8) {
        const uint8_t *behind = read_word(at, value);
        if (behind) return behind;
    }
    for (unsigned shift = 0; shift < 7 * LONG_BYTES_MAX && at < end; shift += 7) {
        uint8_t byte = *at++;
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (byte >= 0x80) continue;
        if (shift == 63 && byte > 1) return NULL;
        *value = unzigzag(bits);
        return at;
    }
    return NULL;
}

/* Length of the sequence that starts with `lead` and the range of its second byte (RFC 3629, section 4). */
static unsigned sequence_of(uint8_t lead, uint8_t *low, uint8_t *high) {
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

bool utf8_valid_slow(const uint8_t *at, const uint8_t *end) {
    while (at < end) {
        if (*at < 0x80) {
            at++;
            continue;
        }
        uint8_t low, high;
        unsigned length = sequence_of(*at, &low, &high);
        if (length == 0 || (size_t)(end - at) < length || at[1] < low || at[1] > high) return false;
        for (unsigned i = 2; i < length; i++)
            if ((at[i] & 0xc0) != 0x80) return false;
        at += length;
    }
    return true;
}
