#include "generate_write.h"
#include "../schemas/codec/container.h"
#include "generate_parts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_BYTES (64 * 1024)
#define ROOM_BYTES (BLOCK_BYTES + RECORD_BYTES_MAX)
#define SYNC_BYTES 16

/* A record that is delivered later than it happened. */
struct held {
    size_t size;
    uint8_t bytes[];
};

struct delivery {
    struct delivery_options options;
    struct random random;
    int fd;
    bool begun; /* the header is written */
    int64_t records, broken, block_records;
    struct heap held;
    uint8_t sync[SYNC_BYTES];
    size_t used;
    uint8_t room[ROOM_BYTES + SYNC_BYTES]; /* of Avro the block's data, of JSON whole lines */
    uint8_t record[RECORD_BYTES_MAX];      /* one event encoded, where it is not delivered at once */
};

struct delivery *delivery_open(const struct delivery_options *options, int fd) {
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) return NULL;
    delivery->options = *options;
    delivery->fd = fd;
    random_seed(&delivery->random, options->seed ^ UINT64_C(0x64656c6976657279)); /* not the network's numbers again */
    for (size_t i = 0; i < SYNC_BYTES; i++) delivery->sync[i] = (uint8_t)(random_next(&delivery->random) >> 56);
    return delivery;
}

static int write_all(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -1;
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

static int write_header(struct delivery *delivery) {
    const char *schema = schema_text("Event");
    size_t size = container_header(schema, delivery->sync, NULL, 0);
    uint8_t *header = generate_allocate(size);
    container_header(schema, delivery->sync, header, size);
    int result = write_all(delivery->fd, header, size);
    free(header);
    delivery->begun = true;
    return result;
}

static int write_room(struct delivery *delivery) {
    bool avro = delivery->options.avro;
    if (avro && !delivery->begun && write_header(delivery) < 0) return -1;
    if (delivery->used == 0) return 0;
    if (avro) {
        uint8_t head[20];
        size_t size = container_block_head(delivery->block_records, delivery->used, head);
        if (write_all(delivery->fd, head, size) < 0) return -1;
        memcpy(delivery->room + delivery->used, delivery->sync, SYNC_BYTES);
        delivery->used += SYNC_BYTES;
    }
    int result = write_all(delivery->fd, delivery->room, delivery->used);
    delivery->used = 0;
    delivery->block_records = 0;
    return result;
}

/* The bytes just put at the end of the room are a record. */
static int delivered(struct delivery *delivery, size_t size) {
    delivery->used += size;
    delivery->block_records++;
    delivery->records++;
    return delivery->used >= BLOCK_BYTES ? write_room(delivery) : 0;
}

static size_t encode(const struct delivery *delivery, const struct event *event, uint8_t *bytes) {
    if (delivery->options.avro) return codec_write(&shape_event, event, bytes, RECORD_BYTES_MAX);
    char *line = json_write_event(event);
    size_t size = line ? strlen(line) : RECORD_BYTES_MAX;
    if (size >= RECORD_BYTES_MAX) {
        fputs("ringback generate: no memory for a line of JSON\n", stderr);
        abort();
    }
    memcpy(bytes, line, size);
    bytes[size++] = '\n';
    free(line);
    return size;
}

static void hold(struct delivery *delivery, const uint8_t *bytes, size_t size, int64_t at) {
    struct held *held = generate_allocate(sizeof *held + size);
    held->size = size;
    memcpy(held->bytes, bytes, size);
    heap_push(&delivery->held, at, held);
}

/* Delivers what was held until `now`. */
static int release(struct delivery *delivery, int64_t now) {
    while (delivery->held.count && delivery->held.entries[0].at <= now) {
        struct held *held = heap_pop(&delivery->held);
        memcpy(delivery->room + delivery->used, held->bytes, held->size);
        int result = delivered(delivery, held->size);
        free(held);
        if (result < 0) return result;
    }
    return 0;
}

/* The event again, with one thing wrong that its schema allows. */
static size_t encode_invalid(struct delivery *delivery, const struct event *event, uint8_t *bytes) {
    static char long_id[ID_BYTES_MAX + 1];
    struct event invalid = *event;
    memset(long_id, 'x', sizeof long_id);
    switch (random_below(&delivery->random, 4)) {
    case 0: invalid.tenant = STR(""); break;
    case 1: invalid.event_id = (struct str){long_id, sizeof long_id}; break;
    case 2: invalid.event_id = STR("two\nlines"); break;
    default: invalid.occurred_at = -1; break;
    }
    return encode(delivery, &invalid, bytes);
}

/* Lines as they really turn up in exports. */
static size_t break_line(struct delivery *delivery, const struct event *event, uint8_t *bytes) {
    static const char *const lines[] = {
        "<html><body>504 Gateway Time-out</body></html>\n",
        "{\"type\":\"CallTeleported\",\"tenant\":\"nowhere\",\"event_id\":\"e1\",\"occurred_at\":1740960000000,\"call_id\":\"c1\"}\n",
        "{\"type\":\"CallEnded\",\"tenant\":\"nowhere\",\"event_id\":\"e2\",\"occurred_at\":\"yesterday\",\"call_id\":\"c1\",\"by\":"
        "\"CALLER\"}\n",
        "{\"type\":\"CallEnded\",\"tenant\":\"nowhere\",\"event_id\":\"e3\"}\n",
        "[]\n",
    };
    uint32_t kinds = sizeof lines / sizeof *lines, kind = random_below(&delivery->random, kinds + 1);
    if (kind == kinds) { /* cut in the middle */
        size_t half = encode(delivery, event, bytes) / 2;
        bytes[half] = '\n';
        return half + 1;
    }
    size_t size = strlen(lines[kind]);
    memcpy(bytes, lines[kind], size);
    return size;
}

static int deliver_broken(struct delivery *delivery, const struct event *event) {
    uint8_t *room = delivery->room + delivery->used;
    bool unreadable = !delivery->options.avro && random_percent(&delivery->random, 60);
    delivery->broken++;
    return delivered(delivery, unreadable ? break_line(delivery, event, room) : encode_invalid(delivery, event, room));
}

int delivery_event(struct delivery *delivery, const struct event *event) {
    const struct delivery_options *options = &delivery->options;
    struct random *random = &delivery->random;
    if (release(delivery, event->occurred_at) < 0) return -1;
    if (options->broken_percent && random_percent(random, options->broken_percent) && deliver_broken(delivery, event) < 0) return -1;

    bool late = options->late_percent && random_percent(random, options->late_percent);
    bool repeat = options->repeat_percent && random_percent(random, options->repeat_percent);
    if (!late && !repeat) return delivered(delivery, encode(delivery, event, delivery->room + delivery->used));
    size_t size = encode(delivery, event, delivery->record);
    if (repeat) hold(delivery, delivery->record, size, event->occurred_at + random_between(random, 0, options->late_by));
    hold(delivery, delivery->record, size, event->occurred_at + (late ? random_between(random, 1, options->late_by) : 0));
    return release(delivery, event->occurred_at);
}

int delivery_finish(struct delivery *delivery) {
    if (release(delivery, INT64_MAX) < 0) return -1;
    return write_room(delivery);
}

void delivery_close(struct delivery *delivery) {
    if (!delivery) return;
    while (delivery->held.count) free(heap_pop(&delivery->held));
    free(delivery->held.entries);
    free(delivery);
}

int64_t delivery_records(const struct delivery *delivery) { return delivery->records; }
int64_t delivery_broken(const struct delivery *delivery) { return delivery->broken; }
