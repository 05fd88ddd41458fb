#include "framing.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { ID_MAGIC = 0x00, GUID_MAGIC = 0x01, SINGLE_MAGIC = 0xc3, SINGLE_VERSION = 0x01, ID_BYTES = 5, GUID_BYTES = 17, SINGLE_BYTES = 10 };

static int refused(struct refusal *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refused(struct refusal *why, const char *format, ...) {
    va_list values;
    va_start(values, format);
    why->reason = REJECT_MALFORMED;
    vsnprintf(why->detail, sizeof why->detail, format, values);
    va_end(values);
    return -1;
}

/* A header says it all: 0 and the id, or 1 and the GUID; the value is the datum alone. */
static int header_read(struct str header, struct framing *framing, struct refusal *why) {
    const uint8_t *bytes = (const uint8_t *)header.ptr;
    if (header.len == ID_BYTES && bytes[0] == ID_MAGIC) {
        framing->kind = FRAMING_ID;
        framing->schema.id = (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 | bytes[4];
        return 0;
    }
    if (header.len == GUID_BYTES && bytes[0] == GUID_MAGIC) {
        framing->kind = FRAMING_GUID;
        memcpy(framing->schema.guid, bytes + 1, sizeof framing->schema.guid);
        return 0;
    }
    return refused(why, "the header " FRAMING_HEADER " has %" PRIu32 " bytes and begins with %02x: neither an id nor a GUID of a schema",
                   header.len, header.len ? bytes[0] : 0U);
}

int framing_read(struct str value, struct str header, struct framing *framing, struct str *datum, struct refusal *why) {
    if (str_is_null(value)) return refused(why, "the record has no value");
    if (!str_is_null(header)) {
        *datum = value;
        return header_read(header, framing, why);
    }
    const uint8_t *bytes = (const uint8_t *)value.ptr;
    uint32_t size;
    if (value.len >= ID_BYTES && bytes[0] == ID_MAGIC) {
        size = ID_BYTES;
        if (header_read((struct str){value.ptr, size}, framing, why) < 0) return -1;
    } else if (value.len >= SINGLE_BYTES && bytes[0] == SINGLE_MAGIC && bytes[1] == SINGLE_VERSION) {
        size = SINGLE_BYTES;
        framing->kind = FRAMING_FINGERPRINT;
        framing->schema.fingerprint = 0;
        for (int i = SINGLE_BYTES - 1; i >= 2; i--) framing->schema.fingerprint = framing->schema.fingerprint << 8 | bytes[i];
    } else if (value.len < 2) {
        return refused(why, "the value has %" PRIu32 " bytes: too few to say by which schema it was written", value.len);
    } else {
        return refused(why, "the value begins with %02x %02x: neither 00 and a schema's id nor C3 01 and a fingerprint", bytes[0],
                       bytes[1]);
    }
    *datum = (struct str){value.ptr + size, value.len - size};
    return 0;
}

size_t framing_write(const struct framing *framing, uint8_t bytes[FRAMING_BYTES_MAX]) {
    if (framing->kind == FRAMING_ID) {
        bytes[0] = ID_MAGIC;
        for (int i = 0; i < 4; i++) bytes[1 + i] = (uint8_t)(framing->schema.id >> (24 - 8 * i));
        return ID_BYTES;
    }
    bytes[0] = SINGLE_MAGIC;
    bytes[1] = SINGLE_VERSION;
    for (int i = 0; i < 8; i++) bytes[2 + i] = (uint8_t)(framing->schema.fingerprint >> (8 * i));
    return SINGLE_BYTES;
}

bool framing_equal(const struct framing *a, const struct framing *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == FRAMING_ID) return a->schema.id == b->schema.id;
    if (a->kind == FRAMING_FINGERPRINT) return a->schema.fingerprint == b->schema.fingerprint;
    return memcmp(a->schema.guid, b->schema.guid, sizeof a->schema.guid) == 0;
}
