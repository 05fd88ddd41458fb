#include <inttypes.h>

#include "ingest.h"

int avro_open(struct input *input, char *error, size_t error_size) {
    struct container_reader *container = &input->container;
    if (container_open(container, input->bytes, input->size, error, error_size) < 0) return -1;
    return plan_make(&input->plan, container->schema.ptr, container->schema.len, &shape_event, error, error_size);
}

/* What follows up to the next sync marker, or the end, is no block. */
static int damage_take(struct input *input, enum container_result result) {
    struct container_reader *container = &input->container;
    const uint8_t *bytes = container->bytes + container->at;
    size_t at = container->at, skipped = container_skip(container);
    if (container->at == container->size && result == CONTAINER_TORN)
        return input_bad(input, REJECT_MALFORMED, bytes, skipped, "the file ends inside the block at byte %zu", at);
    return input_bad(input, REJECT_MALFORMED, bytes, skipped, "no block at byte %zu: %zu bytes up to the next sync marker are unreadable",
                     at, skipped);
}

/* Moves to the next block. 1: there is one; 0: the end; 2: a bad record was made of what is there instead. */
static int block_take(struct input *input) {
    struct str block;
    enum container_result result = container_next(&input->container, &block, &input->block_records);
    if (result != CONTAINER_BLOCK) input->block_records = 0;
    if (result == CONTAINER_END) return 0;
    if (result != CONTAINER_BLOCK) {
        damage_take(input, result);
        return 2;
    }
    input->block_at = (const uint8_t *)block.ptr;
    input->block_end = input->block_at + block.len;
    return 1;
}

/* Where a record ends is known only by its own bytes: behind one that cannot be stepped over, the rest of its block is unreadable. */
static int rest_of_block_bad(struct input *input, enum reject_reason reason, const char *why) {
    const uint8_t *bytes = input->block_at;
    int64_t lost = input->block_records;
    input->block_at = input->block_end;
    input->block_records = 0;
    size_t size = (size_t)(input->block_end - bytes);
    if (lost == 0) return input_bad(input, reason, bytes, size, "%s", why);
    return input_bad(input, reason, bytes, size, "%s (with it the rest of its block is lost, %" PRId64 " more records)", why, lost - 1);
}

/* What breaks a rule of ours, but none of the writer's schema, is one bad record. */
static int record_bad(struct input *input, const struct refusal *why) {
    const uint8_t *bytes = input->block_at;
    int64_t size = codec_skip(input->plan, bytes, (size_t)(input->block_end - bytes));
    if (size < 0) return rest_of_block_bad(input, why->reason, why->detail);
    input->block_at += size;
    input->block_records--;
    return input_bad(input, why->reason, bytes, (size_t)size, "%s", why->detail);
}

int avro_next(struct input *input, struct failure *failure) {
    while (input->block_records == 0) {
        if (input->block_at != input->block_end)
            return rest_of_block_bad(input, REJECT_MALFORMED, "bytes behind the last record of a block");
        int taken = block_take(input);
        if (taken != 1) return taken ? 1 : 0;
    }
    const uint8_t *bytes = input->block_at;
    struct event *event = &input->record.body.event;
    struct refusal why;
    int64_t size = codec_read(input->plan, bytes, (size_t)(input->block_end - bytes), event, &input->scratch, &why);
    if (size < 0) return record_bad(input, &why);
    input->block_at += size;
    input->block_records--;

    const char *invalid = event_check_read(event, &input->scratch);
    if (invalid) return input_bad(input, REJECT_INVALID, bytes, (size_t)size, "%s", invalid);
    input->record.type = JOURNAL_EVENT;
    input->time = event->occurred_at;
    if (!plan_is_identity(input->plan)) return input_event_recoded(input, bytes, (size_t)size, failure);
    input->event_bytes = (struct str){(const char *)bytes, (uint32_t)size};
    return 1;
}
