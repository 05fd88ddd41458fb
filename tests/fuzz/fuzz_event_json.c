/* JSON lines: what is accepted comes back the same through our own JSON and through Avro. */
#include "fuzz.h"

static struct plan *plan;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char error[400];
    PROMISE(schemas_load(error, sizeof error) == 0);
    plan = plan_of("Event", &shape_event);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[RECORD_BYTES_MAX], text_again[2 * RECORD_BYTES_MAX];
    static uint8_t bytes[RECORD_BYTES_MAX], bytes_again[RECORD_BYTES_MAX];
    static struct scratch scratch, scratch_again;
    struct event event, again;
    struct refusal why;
    if (size > sizeof text || json_read_event((const char *)data, size, &event, text, sizeof text, &scratch, &why) < 0) return 0;
    size_t written = codec_write(&shape_event, &event, bytes, sizeof bytes);
    if (written > sizeof bytes || event_check(&event)) return 0;

    PROMISE(codec_read(plan, bytes, written, &again, &scratch_again, &why) == (int64_t)written);
    PROMISE(codec_write(&shape_event, &again, bytes_again, sizeof bytes_again) == written);
    PROMISE(memcmp(bytes, bytes_again, written) == 0);

    char *line = json_write_event(&event);
    PROMISE(line);
    PROMISE(json_read_event(line, strlen(line), &again, text_again, sizeof text_again, &scratch_again, &why) == 0);
    PROMISE(codec_write(&shape_event, &again, bytes_again, sizeof bytes_again) == written);
    PROMISE(memcmp(bytes, bytes_again, written) == 0);
    free(line);
    return 0;
}
