/* blocks: reads what a container reader still holds, event by event, and checks that it always moves on. */
#ifndef RINGBACK_FUZZ_BLOCKS_H
#define RINGBACK_FUZZ_BLOCKS_H

#include "../../schemas/codec/container.h"
#include "fuzz.h"

static inline void read_block(const struct plan *plan, struct str block, int64_t count) {
    static struct scratch scratch;
    static struct event event;
    struct refusal why;
    const uint8_t *at = (const uint8_t *)block.ptr, *end = at + block.len;
    for (int64_t n = 0; n < count && n < 1000; n++) {
        int64_t taken = codec_read(plan, at, (size_t)(end - at), &event, &scratch, &why);
        if (taken < 0) return;
        PROMISE(taken <= end - at);
        at += taken;
    }
}

static inline void read_blocks(struct container_reader *reader, const struct plan *plan) {
    for (size_t before = reader->at;; before = reader->at) {
        struct str block;
        int64_t count;
        enum container_result result = container_next(reader, &block, &count);
        if (result == CONTAINER_END) return;
        if (result == CONTAINER_BLOCK) read_block(plan, block, count);
        else PROMISE(container_skip(reader) > 0);
        PROMISE(reader->at > before && reader->at <= reader->size);
        if (reader->at == reader->size) return;
    }
}

#endif
