/* Framing: a header's length first, the header, the value. What is taken is written and taken again the same; nothing is read beyond the ends. */
#include "../../runtime/framing.h"
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    return 0;
}

/* A schema from a registry: its canonical form is one of its own, with the same fingerprint. */
static void canonical_promise(const char *text, size_t size) {
    char *canonical = schema_canonical(text, size);
    if (!canonical) return;
    uint64_t fingerprint, again;
    PROMISE(schema_fingerprint(text, size, &fingerprint) == 0);
    PROMISE(schema_fingerprint(canonical, strlen(canonical), &again) == 0);
    PROMISE(fingerprint == again);
    free(canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    if (data[0] == 0xff) {
        canonical_promise((const char *)data + 1, size - 1);
        return 0;
    }
    size_t header_size = data[0] % 20;
    if (size - 1 < header_size) return 0;
    struct str header = header_size ? (struct str){(const char *)data + 1, (uint32_t)header_size} : STR_NULL;
    struct str value = {(const char *)data + 1 + header_size, (uint32_t)(size - 1 - header_size)}, datum, again_datum;
    struct framing framing, again;
    struct refusal why;
    if (framing_read(value, header, &framing, &datum, &why) < 0) {
        PROMISE(why.reason == REJECT_MALFORMED && strlen(why.detail) > 0 && strlen(why.detail) < sizeof why.detail);
        return 0;
    }
    PROMISE(datum.ptr >= value.ptr && datum.ptr + datum.len == value.ptr + value.len);
    if (framing.kind == FRAMING_GUID) return 0;
    uint8_t bytes[FRAMING_BYTES_MAX + 16] = {0};
    size_t framed = framing_write(&framing, bytes);
    PROMISE(framed <= FRAMING_BYTES_MAX);
    PROMISE(framing_read((struct str){(const char *)bytes, (uint32_t)framed}, STR_NULL, &again, &again_datum, &why) == 0);
    PROMISE(framing_equal(&framing, &again) && again_datum.len == 0);
    return 0;
}
