#include "emission.h"

#include <stdlib.h>
#include <xxhash.h>

#define ROOM_BYTES 4096

int emission_open(struct emission *emission, struct log *log, struct failure *failure) {
    *emission = (struct emission){.log = log, .failure = failure, .hash = XXH3_createState()};
    if (!emission->hash) return fail_memory(failure);
    XXH3_64bits_reset(emission->hash);
    return 0;
}

void emission_close(struct emission *emission) {
    XXH3_freeState(emission->hash);
    free(emission->room);
    *emission = (struct emission){0};
}

/* Room for an output in its stream, or our own. */
static uint8_t *room_for(struct emission *emission, enum topic topic, size_t size, size_t *capacity) {
    if (emission->log) return log_room(emission->log, (int)topic, size, capacity);
    if (emission->capacity < size) {
        uint8_t *room = realloc(emission->room, 2 * size);
        if (!room) {
            fail_memory(emission->failure);
            return NULL;
        }
        emission->room = room;
        emission->capacity = 2 * size;
    }
    *capacity = emission->capacity;
    return emission->room;
}

int emission_emit(void *context, const struct output *output) {
    struct emission *emission = context;
    size_t capacity, size = ROOM_BYTES;
    uint8_t *room;
    do {
        room = room_for(emission, output->topic, size, &capacity);
        if (!room) return -1;
        size = codec_write_output(output, room, capacity);
    } while (size > capacity);
    XXH3_64bits_update(emission->hash, room, codec_hashed_size(output, size));
    emission->outputs++;
    return emission->log ? log_append(emission->log, (int)output->topic, output->key, size) : 0;
}

int64_t emission_digest(struct emission *emission) {
    uint64_t digest = XXH3_64bits_digest(emission->hash);
    XXH3_64bits_reset(emission->hash);
    int64_t result;
    memcpy(&result, &digest, sizeof result);
    return result;
}
