/* Whole container files, hostile headers and schemas included: read to their end in bounded time and memory, or refused with a reason. */
#include "blocks.h"

/* Avro C forgets parts of a schema that it refuses: known, some hundred bytes a file, and not ours to mend. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libavro.so\n"; }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char error[400];
    PROMISE(schemas_load(error, sizeof error) == 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct container_reader reader;
    char error[400] = "";
    if (container_open(&reader, data, size, error, sizeof error) < 0) {
        PROMISE(error[0]);
        return 0;
    }
    struct plan *plan;
    if (plan_make(&plan, reader.schema.ptr, reader.schema.len, &shape_event, error, sizeof error) == 0) {
        read_blocks(&reader, plan);
        plan_free(plan);
    }
    container_close(&reader);
    return 0;
}
