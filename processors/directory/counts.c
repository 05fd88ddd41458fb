/* The counters of a tenant and of all: calls by type, rows by tab and outcome. They always add up (SPEC 2, balance). */
#include "../step.h"

static struct fold_counts *counts_of(struct fold *fold, struct str tenant) {
    struct entity *entity = directory_entity(fold->cache, tenant, ENTRY_COUNTS, STR(""));
    if (!entity->size) entity_resize(fold->cache, entity, sizeof(struct fold_counts));
    entity_touch(fold->cache, entity);
    return (struct fold_counts *)(void *)entity->blob;
}

/* What was counted of all tenants since it was last settled: they change with every call. Counters wrap, so that less is more, too. */
static struct fold_counts *counts_of_all(struct fold *fold) {
    fold->counted = true;
    return &fold->counts;
}

void counts_settle(struct fold *fold) {
    if (!fold->counted) return;
    _Static_assert(sizeof(struct fold_counts) % sizeof(uint64_t) == 0, "nothing but counters");
    uint64_t *counters = (uint64_t *)(void *)counts_of(fold, STR("*")), *more = (uint64_t *)(void *)&fold->counts;
    for (size_t i = 0; i < sizeof(struct fold_counts) / sizeof(uint64_t); i++) counters[i] += more[i];
    memset(&fold->counts, 0, sizeof fold->counts);
    fold->counted = false;
}

static void start_in(struct fold_counts *counts) {
    counts->started++;
    counts->in_progress++;
}

void counts_start(struct fold *fold, struct str tenant) {
    start_in(counts_of(fold, tenant));
    start_in(counts_of_all(fold));
}

static void type_in(struct fold_counts *counts, int8_t from, int8_t to) {
    (from == TYPE_IN_PROGRESS ? &counts->in_progress : &counts->types[from])[0]--;
    (to == TYPE_IN_PROGRESS ? &counts->in_progress : &counts->types[to])[0]++;
}

void counts_type(struct fold *fold, struct str tenant, int8_t from, int8_t to) {
    if (from == to) return;
    type_in(counts_of(fold, tenant), from, to);
    type_in(counts_of_all(fold), from, to);
}

static void row_in(struct fold_counts *counts, enum followup_kind kind, const struct row *from, const struct row *to) {
    if (from && from->tab >= 0) counts->rows[kind][from->tab]--;
    if (from && from->outcome >= 0) counts->outcomes[kind][from->outcome]--;
    if (to && to->tab >= 0) counts->rows[kind][to->tab]++;
    if (to && to->outcome >= 0) counts->outcomes[kind][to->outcome]++;
}

void counts_row(struct fold *fold, struct str tenant, enum followup_kind kind, const struct row *from, const struct row *to) {
    row_in(counts_of(fold, tenant), kind, from, to);
    row_in(counts_of_all(fold), kind, from, to);
}
