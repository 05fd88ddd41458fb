#include "facts.h"

#define TEXT_NULL UINT16_MAX

struct str fact_text(const struct fact *fact, unsigned index) {
    if (index >= fact->texts) return STR_NULL;
    const char *at = (const char *)(fact + 1);
    for (;; index--) {
        uint16_t len;
        memcpy(&len, at, 2);
        if (index == 0) return len == TEXT_NULL ? STR_NULL : (struct str){at + 2, len};
        at += 2 + (len == TEXT_NULL ? 0 : len);
    }
}

int fact_compare(const struct fact *fact, int64_t at, struct str id) {
    if (fact->at != at) return fact->at < at ? -1 : 1;
    return str_compare(fact_id(fact), id);
}

const struct fact *facts_find(const struct entity *entity, uint32_t from, struct str id) {
    for (const struct fact *fact = facts_at(entity, from); fact; fact = fact_next(entity, fact)) {
        struct str own = fact_id(fact);
        if (own.len == id.len && fact->type < EVENT_TYPES && memcmp(own.ptr, id.ptr, id.len) == 0) return fact;
    }
    return NULL;
}

static uint32_t encoded_size(const struct str *texts, unsigned count) {
    uint32_t size = sizeof(struct fact);
    for (unsigned i = 0; i < count; i++) size += 2 + texts[i].len;
    return (size + 7) & ~7u;
}

static void encode(uint8_t *bytes, const struct fact *head, const struct str *texts) {
    memset(bytes, 0, head->size);
    memcpy(bytes, head, sizeof *head);
    uint8_t *at = bytes + sizeof *head;
    for (unsigned i = 0; i < head->texts; i++) {
        uint16_t len = str_is_null(texts[i]) ? TEXT_NULL : (uint16_t)texts[i].len;
        memcpy(at, &len, 2);
        if (texts[i].len) memcpy(at + 2, texts[i].ptr, texts[i].len);
        at += 2 + texts[i].len;
    }
}

/* Total order: time, id, then the rest, so that one id with two bodies (a repetition after the ids were forgotten) has one order too. */
static int place(const struct fact *fact, const struct fact *head, const struct str *texts) {
    int order = fact_compare(fact, head->at, texts[0]);
    if (order) return order;
    if (fact->type != head->type) return fact->type < head->type ? -1 : 1;
    if (fact->a != head->a) return fact->a < head->a ? -1 : 1;
    if (fact->b != head->b) return fact->b < head->b ? -1 : 1;
    for (unsigned i = 1; i < head->texts && order == 0; i++) order = str_compare(fact_text(fact, i), texts[i]);
    return order;
}

bool facts_insert(struct cache *cache, struct entity *entity, uint32_t from, uint8_t type, uint8_t a, uint8_t b, int64_t at, const struct str *texts,
                  unsigned count) {
    struct fact head = {encoded_size(texts, count), type, a, b, (uint8_t)count, at};
    if (entity->size + head.size > FACTS_BYTES_MAX) return false;
    const struct fact *fact = facts_at(entity, from);
    uint32_t offset = entity->size;
    for (; fact; fact = fact_next(entity, fact)) {
        int order = place(fact, &head, texts);
        if (order == 0) return true;
        if (order > 0) {
            offset = fact_offset(entity, fact);
            break;
        }
    }
    uint32_t behind = entity->size - offset;
    entity_resize(cache, entity, entity->size + head.size);
    memmove(entity->blob + offset + head.size, entity->blob + offset, behind);
    encode(entity->blob + offset, &head, texts);
    return true;
}

void facts_remove(struct cache *cache, struct entity *entity, const struct fact *fact) {
    uint32_t offset = fact_offset(entity, fact), size = fact->size;
    memmove(entity->blob + offset, entity->blob + offset + size, entity->size - offset - size);
    entity_resize(cache, entity, entity->size - size);
}
