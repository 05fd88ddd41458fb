#include "generate_parts.h"
#include <stdio.h>
#include <stdlib.h>

void *generate_allocate(size_t size) {
    void *memory = calloc(1, size);
    if (!memory) {
        fprintf(stderr, "ringback generate: no memory for %zu bytes\n", size);
        abort();
    }
    return memory;
}

static bool comes_before(const struct heap_entry *a, const struct heap_entry *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_grow(struct heap *heap) {
    size_t capacity = heap->capacity ? heap->capacity * 2 : 256;
    struct heap_entry *entries = generate_allocate(capacity * sizeof *entries);
    if (heap->count) memcpy(entries, heap->entries, heap->count * sizeof *entries);
    free(heap->entries);
    heap->entries = entries;
    heap->capacity = capacity;
}

void heap_push(struct heap *heap, int64_t at, void *item) {
    if (heap->count == heap->capacity) heap_grow(heap);
    struct heap_entry entry = {at, heap->next_order++, item};
    size_t hole = heap->count++;
    while (hole > 0 && comes_before(&entry, &heap->entries[(hole - 1) / 2])) {
        heap->entries[hole] = heap->entries[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap->entries[hole] = entry;
}

void *heap_pop(struct heap *heap) {
    void *item = heap->entries[0].item;
    struct heap_entry last = heap->entries[--heap->count];
    size_t hole = 0;
    for (size_t child = 1; child < heap->count; child = 2 * hole + 1) {
        if (child + 1 < heap->count && comes_before(&heap->entries[child + 1], &heap->entries[child])) child++;
        if (!comes_before(&heap->entries[child], &last)) break;
        heap->entries[hole] = heap->entries[child];
        hole = child;
    }
    heap->entries[hole] = last;
    return item;
}
