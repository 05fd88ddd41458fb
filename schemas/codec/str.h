/*
 * str: a slice of bytes that somebody else owns.
 *
 * Decoded records point into the bytes they were read from; nothing here allocates or frees.
 * A null slice (ptr == NULL) is Avro's null; an empty string has a pointer and length 0.
 */
#ifndef RINGBACK_STR_H
#define RINGBACK_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    uint32_t len;
};

#define STR_NULL ((struct str){NULL, 0})
#define STR(literal) ((struct str){"" literal, (uint32_t)(sizeof(literal) - 1)})

static inline bool str_is_null(struct str s) { return s.ptr == NULL; }

static inline struct str str_of(const char *text) {
    return text ? (struct str){text, (uint32_t)strlen(text)} : STR_NULL;
}

/* Bytewise order; null before empty. */
static inline int str_compare(struct str a, struct str b) {
    uint32_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order != 0) return order;
    if (a.len != b.len) return a.len < b.len ? -1 : 1;
    return (a.ptr != NULL) - (b.ptr != NULL);
}

/* Same bytes; null equals only null. */
static inline bool str_equal(struct str a, struct str b) {
    return a.len == b.len && (a.ptr != NULL) == (b.ptr != NULL) && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
