/*
 * framing: what stands before an Avro datum in a Kafka value and says by which schema it was written (ARCHITECTURE 4).
 *
 *     00 | id, 4 bytes, big-endian | datum                      Confluent wire format, a registry's id
 *     01 | GUID, 16 bytes          in the header __value_schema_id; the value is the datum alone
 *     C3 01 | fingerprint, 8 bytes, little-endian | datum       Avro 1.11 "Single-object encoding"; CRC-64-AVRO of the canonical form
 *
 * The header is looked at first, but of a value that begins with the fingerprint that the one before it had. No allocation, no I/O; which schema an id means is registry.h's matter.
 */
#ifndef RINGBACK_FRAMING_H
#define RINGBACK_FRAMING_H

#include "../schemas/codec/codec.h"

#define FRAMING_HEADER "__value_schema_id"
#define FRAMING_BYTES_MAX 10

enum framing_kind { FRAMING_ID, FRAMING_GUID, FRAMING_FINGERPRINT };

struct framing {
    enum framing_kind kind;
    union {
        uint32_t id;
        uint8_t guid[16];
        uint64_t fingerprint;
    } schema;
};

/* Reads the framing of a value. `header` is the last FRAMING_HEADER's value, null where there is none. *datum points into `value`.
 * 0; -1: it has none of these forms, `why` says what it begins with (REJECT_MALFORMED). A null value is refused so too. */
int framing_read(struct str value, struct str header, struct framing *framing, struct str *datum, struct refusal *why);

/* What stands before a datum that we write; GUIDs are not written. Returns the size, at most FRAMING_BYTES_MAX. */
size_t framing_write(const struct framing *framing, uint8_t bytes[FRAMING_BYTES_MAX]);

/* The same schema. */
bool framing_equal(const struct framing *a, const struct framing *b);

/* CRC-64-AVRO of a schema's Parsing Canonical Form (Avro 1.11, "Transforming into Parsing Canonical Form"). 0; -1: not a schema. */
int schema_fingerprint(const char *schema, size_t size, uint64_t *fingerprint);
/* The canonical form itself; the caller frees (free). NULL: not a schema. */
char *schema_canonical(const char *schema, size_t size);

#endif
