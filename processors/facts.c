#include "facts.h"

#define TEXT_NULL UINT16_MAX
#define UUID_BYTES 16

/* ---- ids ---- */

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint16_t pairs8 __attribute__((vector_size(16)));
typedef uint8_t bytes8 __attribute__((vector_size(8)));

/* Sixteen lower-case hexadecimal digits as eight bytes; false where they are not such. */
static inline bool parse_hex(const char digits[16], uint8_t bytes[8]) {
    bytes16 each;
    memcpy(&each, digits, sizeof each);
    bytes16 letter = (bytes16)(each >= 'a');
    bytes16 value = each - (uint8_t)'0' - (letter & (uint8_t)('a' - 10 - '0'));
    bytes16 beyond = (bytes16)(value > (letter & (uint8_t)6) + (uint8_t)9);
    pairs8 pair = (pairs8)value;
    bytes8 packed = __builtin_convertvector(pair << 4 | pair >> 8, bytes8);
    memcpy(bytes, &packed, sizeof packed);
    uint64_t wrong[2];
    memcpy(wrong, &beyond, sizeof wrong);
    return (wrong[0] | wrong[1]) == 0;
}

/* Only the canonical form, so that the text can be made again; its dashes stand where the bytewise order of texts and of bytes is the same. */
static bool parse_uuid(struct str text, uint8_t uuid[UUID_BYTES]) {
    const char *at = text.ptr;
    char first[16];
    if (text.len != UUID_TEXT_BYTES || at[8] != '-' || at[13] != '-' || at[18] != '-' || at[23] != '-') return false;
    memcpy(first, at, 8);
    memcpy(first + 8, at + 9, 4);
    memcpy(first + 12, at + 14, 4);
    char last[16];
    memcpy(last, at + 19, 4);
    memcpy(last + 4, at + 24, 12);
    bool is_hex = parse_hex(first, uuid);
    return parse_hex(last, uuid + 8) && is_hex;
}

struct fact_id fact_id_of(struct str text) {
    struct fact_id id = {.text = text};
    id.is_uuid = parse_uuid(text, id.uuid);
    return id;
}

/* Four bytes as eight lower-case hexadecimal digits. */
static uint64_t print_hex(const uint8_t bytes[4]) {
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    uint64_t spread = (four | (uint64_t)four << 16) & UINT64_C(0x0000ffff0000ffff);
    spread = (spread | spread << 8) & UINT64_C(0x00ff00ff00ff00ff);
    uint64_t values = (spread >> 4 & EACH_BYTE(0x0f)) | (spread << 8 & EACH_BYTE(0x0f));
    uint64_t letters = (values + EACH_BYTE(0x80 - 10)) >> 7 & EACH_BYTE(1);
    return values + EACH_BYTE('0') + letters * ('a' - 10 - '0');
}

static struct str print_uuid(const uint8_t uuid[UUID_BYTES], char room[UUID_TEXT_BYTES]) {
    uint64_t digits[4];
    for (int i = 0; i < 4; i++) digits[i] = print_hex(uuid + (size_t)4 * (size_t)i);
    memset(room, '-', UUID_TEXT_BYTES);
    memcpy(room, &digits[0], 8);
    memcpy(room + 9, &digits[1], 4);
    memcpy(room + 14, (const char *)&digits[1] + 4, 4);
    memcpy(room + 19, &digits[2], 4);
    memcpy(room + 24, (const char *)&digits[2] + 4, 4);
    memcpy(room + 28, &digits[3], 8);
    return (struct str){room, UUID_TEXT_BYTES};
}

/* ---- one fact ---- */

static const uint8_t *body_of(const struct fact *fact) { return (const uint8_t *)(fact + 1); }

static struct str text_at(const uint8_t *at) {
    uint16_t len;
    memcpy(&len, at, 2);
    return len == TEXT_NULL ? STR_NULL : (struct str){(const char *)at + 2, len};
}

struct str fact_id(const struct fact *fact, char room[UUID_TEXT_BYTES]) {
    return fact->texts & FACT_UUID ? print_uuid(body_of(fact), room) : text_at(body_of(fact));
}

struct str fact_text(const struct fact *fact, unsigned index) {
    const uint8_t *at = body_of(fact);
    if (index > (fact->texts & ~FACT_UUID)) return STR_NULL;
    at += fact->texts & FACT_UUID ? UUID_BYTES : 2 + text_at(at).len;
    while (--index > 0) at += 2 + text_at(at).len;
    return text_at(at);
}

bool fact_has_id(const struct fact *fact, const struct fact_id *id) {
    if ((fact->texts & FACT_UUID) != (id->is_uuid ? FACT_UUID : 0)) return false;
    return id->is_uuid ? memcmp(body_of(fact), id->uuid, UUID_BYTES) == 0 : str_equal(text_at(body_of(fact)), id->text);
}

struct str number_text(const int64_t *number) { return *number == NONE ? STR_NULL : (struct str){(const char *)number, sizeof *number}; }

int64_t fact_number(const struct fact *fact, unsigned index) {
    struct str bytes = fact_text(fact, index);
    int64_t number = NONE;
    if (bytes.len == sizeof number) memcpy(&number, bytes.ptr, sizeof number);
    return number;
}

int fact_compare(const struct fact *a, const struct fact *b) {
    char left[UUID_TEXT_BYTES], right[UUID_TEXT_BYTES];
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    if (a->texts & b->texts & FACT_UUID) return memcmp(body_of(a), body_of(b), UUID_BYTES);
    return str_compare(fact_id(a, left), fact_id(b, right));
}

/* ---- the list ---- */

const struct fact *facts_find(const struct entity *entity, uint32_t from, const struct fact_id *id) {
    for (const struct fact *fact = facts_at(entity, from); fact; fact = fact_next(entity, fact))
        if (fact->type < EVENT_TYPES && fact_has_id(fact, id)) return fact;
    return NULL;
}

static uint8_t *put_text(uint8_t *at, struct str text) {
    uint16_t len = str_is_null(text) ? TEXT_NULL : (uint16_t)text.len;
    memcpy(at, &len, 2);
    if (text.len) memcpy(at + 2, text.ptr, text.len);
    return at + 2 + text.len;
}

/* Total order: time, id, then the rest, so that one id with two bodies (a repetition after the ids were forgotten) has one order too. */
static int place(const struct fact *fact, const struct fact *head, const struct fact_id *id, const struct str *texts) {
    char room[UUID_TEXT_BYTES];
    if (fact->at != head->at) return fact->at < head->at ? -1 : 1;
    int order = fact->texts & head->texts & FACT_UUID ? memcmp(body_of(fact), id->uuid, UUID_BYTES) : str_compare(fact_id(fact, room), id->text);
    if (order) return order;
    if (fact->type != head->type) return fact->type < head->type ? -1 : 1;
    if (fact->a != head->a) return fact->a < head->a ? -1 : 1;
    if (fact->b != head->b) return fact->b < head->b ? -1 : 1;
    for (unsigned i = 1; i <= (head->texts & ~FACT_UUID) && order == 0; i++) order = str_compare(fact_text(fact, i), texts[i - 1]);
    return order;
}

bool facts_insert(struct cache *cache, struct entity *entity, uint32_t from, uint8_t type, uint8_t a, uint8_t b, int64_t at, const struct fact_id *id,
                  const struct str *texts, unsigned count) {
    uint32_t size = (uint32_t)sizeof(struct fact) + (id->is_uuid ? UUID_BYTES : 2 + id->text.len);
    for (unsigned i = 0; i < count; i++) size += 2 + texts[i].len;
    size = (size + 7) & ~7u;
    struct fact head = {size, type, a, b, (uint8_t)(count | (id->is_uuid ? FACT_UUID : 0)), at};
    if (entity->size + size > (type < EVENT_TYPES ? FACTS_BYTES_MAX : OWN_FACTS_BYTES_MAX)) return false;
    uint32_t offset = entity->size;
    const struct fact *fact = facts_at(entity, from);
    while (fact && fact->at < at) fact = fact_next(entity, fact); /* nearly always to the end */
    for (; fact; fact = fact_next(entity, fact)) {
        int order = place(fact, &head, id, texts);
        if (order == 0) return true;
        if (order > 0) {
            offset = fact_offset(entity, fact);
            break;
        }
    }
    uint32_t behind = entity->size - offset;
    entity_resize(cache, entity, entity->size + size);
    uint8_t *bytes = entity->blob + offset;
    if (behind) {
        memmove(bytes + size, bytes, behind);
        memset(bytes, 0, size);
    }
    memcpy(bytes, &head, sizeof head);
    bytes += sizeof head;
    if (id->is_uuid) {
        memcpy(bytes, id->uuid, UUID_BYTES);
        bytes += UUID_BYTES;
    } else {
        bytes = put_text(bytes, id->text);
    }
    for (unsigned i = 0; i < count; i++) bytes = put_text(bytes, texts[i]);
    return true;
}

void facts_remove(struct cache *cache, struct entity *entity, const struct fact *fact) {
    uint32_t offset = fact_offset(entity, fact), size = fact->size;
    memmove(entity->blob + offset, entity->blob + offset + size, entity->size - offset - size);
    entity_resize(cache, entity, entity->size - size);
}
