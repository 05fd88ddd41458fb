/* Our reader beside Avro C: a record that ours takes, Avro C takes too, to the same byte, and sees in it what it sees in the record as we write
 * it. What ours refuses Avro C is not given: on such bytes it is not safe (docs/decisions/0002). The first byte says which record. */
#include <avro.h>

#include "fuzz.h"

union record {
    struct event event;
    struct journal_record journal;
    struct classified_call call;
    struct followup followup;
};

static struct kind {
    const char *schema;
    const struct shape *shape;
    struct plan *plan;
    avro_value_iface_t *class;
} kinds[] = {
    {"Event", &shape_event, NULL, NULL},
    {"JournalRecord", &shape_journal_record, NULL, NULL},
    {"ClassifiedCall", &shape_classified_call, NULL, NULL},
    {"Followup", &shape_followup, NULL, NULL},
};
#define KINDS (sizeof kinds / sizeof *kinds)

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char error[400];
    PROMISE(schemas_load(error, sizeof error) == 0);
    for (size_t n = 0; n < KINDS; n++) {
        avro_schema_t schema;
        const char *text = schema_text(kinds[n].schema);
        kinds[n].plan = plan_of(kinds[n].schema, kinds[n].shape);
        PROMISE(avro_schema_from_json_length(text, strlen(text), &schema) == 0);
        PROMISE((kinds[n].class = avro_generic_class_from_schema(schema)) != NULL);
    }
    return 0;
}

/* All of these bytes and no more are one record for Avro C. */
static void read_by_avro_c(const struct kind *kind, const uint8_t *bytes, size_t size, avro_value_t *value) {
    avro_reader_t reader = avro_reader_memory((const char *)bytes, (int64_t)size);
    char beyond;
    PROMISE(avro_generic_value_new(kind->class, value) == 0);
    PROMISE(avro_value_read(reader, value) == 0);
    PROMISE(avro_read(reader, &beyond, 1) != 0);
    avro_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t bytes[2 * RECORD_BYTES_MAX];
    static struct scratch scratch;
    static union record record;
    struct refusal why;
    if (size == 0) return 0;
    const struct kind *kind = &kinds[data[0] % KINDS];
    int64_t taken = codec_read(kind->plan, data + 1, size - 1, &record, &scratch, &why);
    if (taken < 0) return 0;
    size_t written = codec_write(kind->shape, &record, bytes, sizeof bytes);
    avro_value_t as_it_came, as_we_write;
    read_by_avro_c(kind, data + 1, (size_t)taken, &as_it_came);
    read_by_avro_c(kind, bytes, written, &as_we_write);
    PROMISE(avro_value_equal(&as_it_came, &as_we_write));
    avro_value_decref(&as_it_came);
    avro_value_decref(&as_we_write);
    return 0;
}
