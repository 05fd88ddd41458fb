#include "ingest.h"

static bool is_before(const struct input *a, const struct input *b) { return a->time != b->time ? a->time < b->time : a->order < b->order; }

static void sink(struct merge *merge, size_t at) {
    struct input *input = merge->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= merge->count) break;
        if (child + 1 < merge->count && is_before(merge->heap[child + 1], merge->heap[child])) child++;
        if (!is_before(merge->heap[child], input)) break;
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = input;
}

int merge_open(struct merge *merge, struct input **inputs, size_t count, struct failure *failure) {
    *merge = (struct merge){.heap = inputs};
    for (size_t n = 0; n < count; n++) {
        int result = input_next(inputs[n], failure);
        if (result < 0) return -1;
        struct input *input = inputs[n];
        if (result == 0) continue;
        inputs[n] = inputs[merge->count]; /* those at their end gather behind */
        inputs[merge->count++] = input;
    }
    for (size_t n = merge->count / 2; n-- > 0;) sink(merge, n);
    return 0;
}

int merge_advance(struct merge *merge, struct failure *failure) {
    int result = input_next(merge->heap[0], failure);
    if (result < 0) return -1;
    if (result == 0) {
        struct input *ended = merge->heap[0];
        merge->heap[0] = merge->heap[--merge->count];
        merge->heap[merge->count] = ended;
        if (merge->count == 0) return 0;
    }
    sink(merge, 0);
    return 0;
}
