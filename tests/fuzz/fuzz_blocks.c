/* What follows a good header: blocks that claim anything, events that are none, damage of every kind. */
#include "blocks.h"

static uint8_t file[1 << 20];
static size_t header_size;
static struct plan *plan;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char error[400];
    PROMISE(schemas_load(error, sizeof error) == 0);
    plan = plan_of("Event", &shape_event);
    header_size = container_header(schema_text("Event"), (const uint8_t *)"0123456789abcdef", file, sizeof file);
    PROMISE(header_size < sizeof file / 2);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > sizeof file - header_size) return 0;
    if (size) memcpy(file + header_size, data, size);
    struct container_reader reader;
    char error[400];
    PROMISE(container_open(&reader, file, header_size + size, error, sizeof error) == 0);
    read_blocks(&reader, plan);
    container_close(&reader);
    return 0;
}
