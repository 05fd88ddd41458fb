/* Avro records: the first byte says which; what is accepted is written, read and written again the same, as Avro and as JSON. */
#include "fuzz.h"

union record {
    struct event event;
    struct journal_record journal;
    struct classified_call call;
    struct followup followup;
    struct followup_event change;
    struct command_result result;
    struct rejected rejected;
};

static struct kind {
    const char *schema;
    const struct shape *shape;
    struct plan *plan;
} kinds[] = {
    {"Event", &shape_event, NULL},
    {"JournalRecord", &shape_journal_record, NULL},
    {"ClassifiedCall", &shape_classified_call, NULL},
    {"Followup", &shape_followup, NULL},
    {"FollowupEvent", &shape_followup_event, NULL},
    {"CommandResult", &shape_command_result, NULL},
    {"Rejected", &shape_rejected, NULL},
};
#define KINDS (sizeof kinds / sizeof *kinds)

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char error[400];
    PROMISE(schemas_load(error, sizeof error) == 0);
    for (size_t n = 0; n < KINDS; n++) kinds[n].plan = plan_of(kinds[n].schema, kinds[n].shape);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t bytes[2 * RECORD_BYTES_MAX], bytes_again[2 * RECORD_BYTES_MAX];
    static struct scratch scratch, scratch_again;
    static union record record, again;
    struct refusal why;
    if (size == 0) return 0;
    const struct kind *kind = &kinds[data[0] % KINDS];
    int64_t taken = codec_read(kind->plan, data + 1, size - 1, &record, &scratch, &why);
    PROMISE(taken >= 0 ? (size_t)taken <= size - 1 : why.detail[0] != 0);
    int64_t passed = codec_skip(kind->plan, data + 1, size - 1);
    PROMISE(taken >= 0 ? passed == taken : passed <= (int64_t)size - 1);
    if (taken < 0) return 0;
    PROMISE(kind->shape != &shape_event || !scratch.plain || !event_check(&record.event));

    size_t written = codec_write(kind->shape, &record, bytes, sizeof bytes);
    PROMISE(written <= sizeof bytes);
    PROMISE(codec_read(kind->plan, bytes, written, &again, &scratch_again, &why) == (int64_t)written);
    PROMISE(codec_write(kind->shape, &again, bytes_again, sizeof bytes_again) == written);
    PROMISE(memcmp(bytes, bytes_again, written) == 0);
    free(json_write(kind->shape, &record));
    return 0;
}
