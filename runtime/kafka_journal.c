#include "kafka_journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "framing.h"

#define WAIT_MS 100
#define STALLED_MS 30000  /* nothing came where something must: an open transaction, or a broker that is away */
#define ALIVE_RECORDS 4096
#define BEFORE_FIRST_SEAL 64 /* the writer lists rules and sources, then seals */

struct kafka_journal {
    struct log log;
    struct kafka_journal_options options;
    struct kafka_tail tail;
    rd_kafka_message_t *message; /* of the run handed out last */
    bool at_seal;                /* nothing was read since a seal */
    bool verified;               /* the seal that the state remembers was met */
    int64_t progress_at;         /* monotonic ms */
    int64_t records;             /* since it last said that it is alive */
    char name[300];
};

static int frame_make(uint8_t frame[JOURNAL_FRAME_BYTES], const char *schema, struct failure *failure) {
    uint64_t fingerprint;
    if (schema_fingerprint(schema, strlen(schema), &fingerprint) < 0) return fail(failure, EXIT_FAILED, "the journal's schema is none.");
    framing_write(&(struct framing){.kind = FRAMING_FINGERPRINT, .schema.fingerprint = fingerprint}, frame);
    return 0;
}

static int list_frame_make(uint8_t frame[JOURNAL_FRAME_BYTES], const char *schema, struct failure *failure) {
    static const char around[] = "{\"type\":\"array\",\"items\":%s}";
    size_t size = sizeof around + strlen(schema);
    char *list = malloc(size);
    if (!list) return fail_memory(failure);
    snprintf(list, size, around, schema);
    int result = frame_make(frame, list, failure);
    free(list);
    return result;
}

static int form_make(struct journal_form *form, const char *schema, struct failure *failure) {
    char error[400];
    if (plan_make(&form->plan, schema, strlen(schema), &shape_journal_record, error, sizeof error) < 0)
        return fail(failure, EXIT_FAILED, "the journal's schema: %s.", error);
    return frame_make(form->frame, schema, failure) < 0 ? -1 : list_frame_make(form->list_frame, schema, failure);
}

int journal_form_make(struct journal_form *form, struct failure *failure) {
    *form = (struct journal_form){0};
    if (form_make(form, schema_text("JournalRecord"), failure) < 0) return -1;
    const char *schema;
    for (size_t n = 0; (schema = schema_older_journal(n)) != NULL; n++) {
        form->older = calloc(1, sizeof *form->older);
        if (!form->older) return fail_memory(failure);
        form = form->older;
        if (form_make(form, schema, failure) < 0) return -1;
    }
    return 0;
}

void journal_form_free(struct journal_form *form) {
    plan_free(form->plan);
    if (form->older) journal_form_free(form->older);
    free(form->older);
}

static struct kafka_journal *journal_of(struct log *log) { return (struct kafka_journal *)log; }

static void alive(struct kafka_journal *journal) {
    if (journal->options.alive) journal->options.alive(journal->options.context);
}

/* Takes the frame off, and goes by what it says. */
const char *journal_run(const struct journal_form *form, struct str value, struct log_run *run) {
    bool is_one = false, is_list = false;
    if (value.len < JOURNAL_FRAME_BYTES) form = NULL;
    for (; form; form = form->older) {
        is_one = memcmp(value.ptr, form->frame, JOURNAL_FRAME_BYTES) == 0;
        is_list = memcmp(value.ptr, form->list_frame, JOURNAL_FRAME_BYTES) == 0;
        if (is_one || is_list) break;
    }
    if (!form) return "not journal records, or by a schema that this ringback does not know. Use a newer one";
    run->bytes = (struct str){value.ptr + JOURNAL_FRAME_BYTES, value.len - JOURNAL_FRAME_BYTES};
    run->plan = form->plan;
    run->count = 1;
    return is_list && codec_read_list(&run->bytes, &run->count) < 0 ? "a list of journal records that is none" : NULL;
}

static int run_of(struct kafka_journal *journal, const rd_kafka_message_t *message, struct log_run *run) {
    const char *wrong = journal_run(journal->options.form, (struct str){message->payload, (uint32_t)message->len}, run);
    run->at = message->offset;
    run->end = run->at + 1;
    return wrong ? fail(journal->log.failure, EXIT_CONFIGURATION, "%s, offset %" PRId64 ": %s.", journal->name, message->offset, wrong) : 0;
}

static int fail_foreign(struct kafka_journal *journal) {
    const struct log_place *remembered = &journal->options.from->log;
    if (journal->options.foreign) *journal->options.foreign = true;
    return fail(journal->log.failure, EXIT_FAILED,
                "%s: seal %" PRId64 ", up to which the state was folded, is not at offset %" PRId64 ". The state is another journal's.",
                journal->name, remembered->sequence, remembered->seal_at);
}

/* 1: a message is held; 0: reading ends here; -1. */
static int message_await(struct kafka_journal *journal) {
    const struct kafka_journal_options *options = &journal->options;
    for (;;) {
        if (journal->at_seal && atomic_load(options->stop)) return 0;
        int found = tail_next(&journal->tail, &journal->message, journal->log.failure);
        if (found != 0) return found;
        int64_t position = tail_position(&journal->tail);
        if (journal->at_seal && (options->until >= 0 ? position >= options->until : tail_is_at_end(&journal->tail)))
            return journal->verified || options->until < 0 ? 0 : fail_foreign(journal); /* not even what the state remembers was there */
        if (options->until >= 0 && position >= options->until)
            return fail(journal->log.failure, EXIT_FAILED, "%s ends at offset %" PRId64 " without a seal.", journal->name, position);
        if (monotonic_ms() - journal->progress_at > STALLED_MS)
            return fail(journal->log.failure, EXIT_AGAIN, "%s: nothing to read at offset %" PRId64 " for %d s; it should go on to %" PRId64 ".",
                        journal->name, position, STALLED_MS / 1000, options->until);
        bell_wait(options->bell, WAIT_MS);
        alive(journal);
    }
}

/* What the state remembers must be there, or it is not this journal's state. */
static int verify(struct kafka_journal *journal, struct str datum) {
    const struct log_place *remembered = &journal->options.from->log;
    uint8_t hash[SEAL_HASH_BYTES];
    seal_hash(datum.ptr, datum.len, hash);
    journal->verified = true;
    bool is_there = journal->message->offset == remembered->seal_at && memcmp(hash, remembered->seal_hash, sizeof hash) == 0;
    return is_there ? 0 : fail_foreign(journal);
}

static void goes_on(struct kafka_journal *journal, int64_t records) {
    journal->progress_at = monotonic_ms();
    journal->records += records;
    if (journal->records < ALIVE_RECORDS) return;
    journal->records = 0;
    alive(journal);
}

static int journal_read(struct log *log, struct log_run *run) {
    struct kafka_journal *journal = journal_of(log);
    do {
        if (journal->message) rd_kafka_message_destroy(journal->message);
        journal->message = NULL;
        int found = message_await(journal);
        if (found <= 0) return found;
        if (run_of(journal, journal->message, run) < 0) return -1;
        goes_on(journal, run->count);
    } while (!journal->verified && verify(journal, run->bytes) == 0);
    if (log->failure->code) return -1;
    journal->at_seal = !journal->message->key;
    return 1;
}

static void journal_close(struct log *log) {
    struct kafka_journal *journal = journal_of(log);
    if (journal->message) rd_kafka_message_destroy(journal->message);
    tail_close(&journal->tail);
    free(journal);
}

static const struct log_operations operations = {.read = journal_read, .close = journal_close};

int kafka_journal_open(struct log **log, const struct kafka_journal_options *options, struct failure *failure) {
    struct kafka_journal *journal = calloc(1, sizeof *journal);
    *log = journal ? &journal->log : NULL;
    if (!journal) return fail_memory(failure);
    bool begun = options->from->log.sequence >= 0;
    journal->options = *options;
    journal->at_seal = true;
    journal->verified = !begun;
    journal->progress_at = monotonic_ms();
    snprintf(journal->name, sizeof journal->name, "%s-%" PRId32, options->topic, options->partition);
    journal->log = (struct log){.operations = &operations,
                                .failure = failure,
                                .sealed = options->from->log,
                                .name = journal->name};
    journal->log.sealed.position = options->until;
    if (tail_open(&journal->tail, options->reader, options->topic, options->partition, begun ? options->from->log.seal_at : options->begins,
                  options->bell, failure) == 0)
        return 0;
    journal_close(*log);
    *log = NULL;
    return -1;
}

static int seal_found(struct kafka_journal *journal, const struct log_run *run, char journal_id[JOURNAL_ID_DIGITS + 1]) {
    struct journal_record record;
    struct str event;
    struct refusal why;
    struct scratch *scratch = malloc(sizeof *scratch);
    if (!scratch) return fail_memory(journal->log.failure);
    int64_t size = codec_read_journal(run->plan, (const uint8_t *)run->bytes.ptr, run->bytes.len, &record, &event, scratch, &why);
    bool is_first = size > 0 && record.type == JOURNAL_SEAL && record.body.seal.sequence == 0 &&
                    record.body.seal.journal_id.len == JOURNAL_ID_DIGITS;
    if (is_first) memcpy(journal_id, record.body.seal.journal_id.ptr, JOURNAL_ID_DIGITS);
    journal_id[JOURNAL_ID_DIGITS] = 0;
    free(scratch);
    if (is_first) return 1;
    return fail(journal->log.failure, EXIT_FAILED,
                "%s begins at offset %" PRId64 ", not with its first seal: its beginning was deleted. Restore a snapshot, or keep the topic "
                "without a retention limit.",
                journal->name, journal->options.begins);
}

int kafka_journal_id(const struct kafka_journal_options *options, char journal_id[JOURNAL_ID_DIGITS + 1], struct failure *failure) {
    struct log *log;
    struct log_run run;
    if (kafka_journal_open(&log, options, failure) < 0) return -1;
    struct kafka_journal *journal = journal_of(log);
    int found = 0, result = 0;
    for (int n = 0; n < BEFORE_FIRST_SEAL; n++) {
        found = log_read(log, &run);
        if (found <= 0 || journal->at_seal) break;
    }
    if (found < 0)
        result = -1;
    else if (found > 0)
        result = seal_found(journal, &run, journal_id);
    log_close(log);
    return result;
}
