#include "numbers.h"
#include "directory.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void number_key(struct key *key, struct str tenant, struct str number) {
    key_reset(key);
    key_text(key, tenant);
    key_byte(key, ENTRY_NUMBER);
    key_text(key, number);
}

/* Never 0, which is a free slot. */
static uint64_t hash_of(struct str key) { return XXH3_64bits(key.ptr, key.len) | 1; }

/* Where the hash stands, or the free slot where it would. */
static uint64_t *slot_of(const struct fold *fold, uint64_t hash) {
    uint32_t at = (uint32_t)(hash >> 32) & (fold->number_slots - 1);
    while (fold->numbers[at] && fold->numbers[at] != hash) at = (at + 1) & (fold->number_slots - 1);
    return &fold->numbers[at];
}

/* Makes the table with so many slots, a power of two. */
static void make(struct fold *fold, uint32_t slots) {
    fold->numbers = room_grow(fold->numbers, &fold->number_capacity, slots, sizeof *fold->numbers);
    memset(fold->numbers, 0, slots * sizeof *fold->numbers);
    fold->number_slots = slots;
    fold->number_count = 0;
}

static void remember(struct fold *fold, uint64_t hash) {
    uint64_t *slot = slot_of(fold, hash);
    if (*slot) return;
    *slot = hash;
    if (++fold->number_count * 2 <= fold->number_slots) return;
    uint32_t slots = fold->number_slots;
    uint64_t *old = fold->numbers;
    fold->numbers = NULL;
    fold->number_capacity = 0;
    make(fold, slots * 2);
    for (uint32_t i = 0; i < slots; i++)
        if (old[i]) remember(fold, old[i]);
    room_free(old);
}

/* Goes through the numbers of each tenant, past what else the directory holds. */
static void read_numbers(struct fold *fold) {
    struct key at;
    struct str key, value;
    make(fold, 1024);
    key_reset(&at);
    while (index_seek(fold->cache, TABLE_DIRECTORY, key_str(&at), STR(""), &key, &value)) {
        struct str rest = key, tenant;
        uint8_t kind;
        if (!key_take_text(&rest, &tenant) || !key_take_byte(&rest, &kind)) {
            cache_distrust(fold->cache);
            return;
        }
        if (kind == ENTRY_NUMBER) {
            remember(fold, hash_of(key));
            key_copy(&at, key);
            key_byte(&at, 0);
        } else {
            key_reset(&at);
            key_text(&at, tenant);
            key_byte(&at, kind < ENTRY_NUMBER ? ENTRY_NUMBER : UINT8_MAX);
        }
    }
}

bool number_is_own(struct fold *fold, struct str tenant, struct str number) {
    struct key key;
    if (number.len > ID_BYTES_MAX) return false;
    if (!fold->numbers) read_numbers(fold);
    number_key(&key, tenant, number);
    return *slot_of(fold, hash_of(key_str(&key))) && directory_entity(fold->cache, tenant, ENTRY_NUMBER, number)->size > 0;
}

bool number_is_caller(struct fold *fold, struct str tenant, struct str number) {
    static const struct str withheld[] = {STR("+266696687"), STR("+7378742833"), STR("+86282452253"), STR("+2562533"), STR("+8656696")};
    if (number.len < 8 || number.len > 16 || number.ptr[0] != '+' || number.ptr[1] == '0') return false;
    for (uint32_t i = 1; i < number.len; i++)
        if (number.ptr[i] < '0' || number.ptr[i] > '9') return false;
    for (unsigned i = 0; i < sizeof withheld / sizeof *withheld; i++)
        if (str_equal(number, withheld[i])) return false;
    return !number_is_own(fold, tenant, number);
}

void number_add(struct fold *fold, struct str tenant, struct str number) {
    struct key key;
    if (!fold->numbers) read_numbers(fold);
    number_key(&key, tenant, number);
    remember(fold, hash_of(key_str(&key)));
}
