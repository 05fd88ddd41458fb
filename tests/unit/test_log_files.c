/* The journal's recovery: what a crash can leave behind is cut to the last seal, what a disk can do to it is noticed. */
#include "test_log_files_fixture.h"

#include "../../runtime/log_files.h"

#define SEALS 3
#define RECORDS 4 /* in a transaction */

static struct data_dir dir;
static struct bytes journal;               /* of SEALS sealed transactions */
static struct log_place places[SEALS + 1]; /* before the first seal, after each */

static void append_text(struct log *log, int stream, const void *record, const struct shape *shape) {
    size_t capacity;
    uint8_t *room = log_room(log, stream, 4096, &capacity);
    assert_non_null(room);
    size_t size = codec_write(shape, record, room, capacity);
    assert_true(size <= capacity);
    assert_int_equal(log_append(log, stream, STR_NULL, size), 0);
}

static void transaction_append(struct log *log, int64_t sequence) {
    for (int n = 0; n < RECORDS; n++) {
        struct journal_record record = {
            .source = 1,
            .offset = sequence * RECORDS + n,
            .append_time = 1700000000000,
            .type = JOURNAL_BAD,
            .body.bad = {.reason = REJECT_MALFORMED, .detail = STR("no such field"), .bytes = STR("{?}"), .size_bytes = 3}};
        append_text(log, STREAM_JOURNAL, &record, &shape_journal_record);
    }
    struct output notice = {.topic = TOPIC_NOTICES,
                            .body.notice = {.position = {.journal_id = STR(JOURNAL_ID), .seal = sequence},
                                            .tenant = STR("acme"),
                                            .follow_up = STR("ab-1"),
                                            .call_id = STR("1"),
                                            .at = 5}};
    append_text(log, TOPIC_NOTICES, &notice, shape_of_topic(TOPIC_NOTICES));
}

static void transaction_seal(struct log *log) {
    int64_t positions[TOPICS];
    assert_int_equal(log_prepare(log, positions), 0);
    struct seal_output outputs[TOPICS];
    for (int topic = 0; topic < TOPICS; topic++) outputs[topic] = (struct seal_output){(int8_t)topic, positions[topic]};
    uint8_t previous[SEAL_HASH_BYTES];
    memcpy(previous, log->sealed.seal_hash, sizeof previous);
    int64_t sequence = log->sealed.sequence + 1;
    struct journal_record record = {.append_time = 1700000000000,
                                    .type = JOURNAL_SEAL,
                                    .body.seal = {.journal_id = STR(JOURNAL_ID),
                                                  .partitions = 1,
                                                  .sequence = sequence,
                                                  .records = RECORDS,
                                                  .previous = {(const char *)previous, sizeof previous},
                                                  .outputs = {outputs, TOPICS},
                                                  .rules_version = 1}};
    size_t capacity;
    uint8_t *room = log_room(log, STREAM_JOURNAL, 4096, &capacity);
    size_t size = codec_write(&shape_journal_record, &record, room, capacity);
    assert_true(size <= capacity);
    assert_int_equal(log_seal(log, size, sequence), 0);
}

static struct log *open_log(const struct log_place *remembered, struct failure *failure) {
    struct log *log;
    *failure = (struct failure){0};
    int kept = silence();
    int result = log_files_open(&log, &dir, remembered, JOURNAL_ID, failure);
    speak(kept);
    assert_true((result == 0) == (log != NULL));
    assert_true((result == 0) == (failure->code == EXIT_DONE));
    return log;
}

static int journal_make(void **state) {
    if (scratch_make(state) != 0) return -1;
    struct failure failure = {0};
    assert_int_equal(data_dir_make(&dir, in_scratch("data"), &failure), 0);
    struct log *log = open_log(NULL, &failure);
    assert_non_null(log);
    places[0] = log->sealed;
    for (int n = 0; n < SEALS; n++) {
        transaction_append(log, n);
        transaction_seal(log);
        places[n + 1] = log->sealed;
    }
    log_close(log);
    journal = file_read(in_scratch("data/journal.avro"));
    assert_int_equal(journal.size, places[SEALS].position);
    return 0;
}

static int journal_remove(void **state) {
    free(journal.bytes);
    return scratch_remove(state);
}

static void journal_put(const void *bytes, size_t size) { file_write(in_scratch("data/journal.avro"), bytes, size); }

static size_t size_of(const char *name) {
    struct stat status;
    assert_int_equal(stat(in_scratch(name), &status), 0);
    return (size_t)status.st_size;
}

static void a_closed_journal_opens_at_its_last_seal(void **state) {
    (void)state;
    struct failure failure;
    for (int remembered = 0; remembered <= SEALS; remembered++) {
        struct log *log = open_log(remembered ? &places[remembered] : NULL, &failure);
        assert_non_null(log);
        assert_memory_equal(&log->sealed, &places[SEALS], sizeof log->sealed);
        struct log_run run;
        int64_t records = 0;
        while (log_read(log, &run) > 0) records += run.count;
        assert_int_equal(records, (SEALS - remembered) * (RECORDS + 1));
        log_close(log);
    }
}

static void what_follows_the_last_seal_is_cut_wherever_it_ends(void **state) {
    (void)state;
    struct failure failure;
    size_t header = (size_t)places[0].position;
    struct bytes notices = file_read(in_scratch("data/outputs/notices.avro"));
    for (size_t size = header + 1; size <= journal.size; size++) {
        int seals = 0;
        while (seals < SEALS && (size_t)places[seals + 1].position <= size) seals++;
        journal_put(journal.bytes, size);
        file_write(in_scratch("data/outputs/notices.avro"), notices.bytes, notices.size);
        struct log *log = open_log(seals ? &places[seals] : NULL, &failure);
        assert_non_null(log);
        assert_int_equal(log->sealed.sequence, seals - 1);
        assert_int_equal(log->sealed.position, places[seals].position);
        assert_int_equal(size_of("data/journal.avro"), places[seals].position);
        assert_int_equal(size_of("data/outputs/notices.avro"), places[seals].outputs[TOPIC_NOTICES]);
        log_close(log);
    }
    free(notices.bytes);
}

static void a_journal_without_a_seal_begins_anew(void **state) {
    (void)state;
    struct failure failure;
    for (size_t size = 0; size <= (size_t)places[0].position; size += 97) {
        journal_put(journal.bytes, size);
        struct log *log = open_log(NULL, &failure);
        assert_non_null(log);
        assert_int_equal(log->sealed.sequence, -1);
        assert_int_equal(size_of("data/journal.avro"), places[0].position);
        assert_int_equal(size_of("data/outputs/notices.avro"), places[0].outputs[TOPIC_NOTICES]);
        log_close(log);
    }
}

static void a_tail_of_garbage_is_cut(void **state) {
    (void)state;
    struct failure failure;
    for (int fill = 0; fill < 256; fill += 51) {
        struct log *log = open_log(&places[SEALS], &failure);
        assert_non_null(log);
        transaction_append(log, SEALS);
        int64_t positions[TOPICS];
        assert_int_equal(log_prepare(log, positions), 0); /* and then the machine stops */
        log_close(log);
        struct bytes torn = file_read(in_scratch("data/journal.avro"));
        assert_true(torn.size > journal.size);
        memset(torn.bytes + journal.size, fill, (torn.size - journal.size) / 2);
        journal_put(torn.bytes, torn.size);
        free(torn.bytes);
        log = open_log(&places[SEALS], &failure);
        assert_non_null(log);
        assert_memory_equal(&log->sealed, &places[SEALS], sizeof log->sealed);
        log_close(log);
        assert_int_equal(size_of("data/journal.avro"), journal.size);
        assert_int_equal(size_of("data/outputs/notices.avro"), places[SEALS].outputs[TOPIC_NOTICES]);
    }
}

/* Each byte before the last seal changed in turn: a failure, or a journal of the same length; never a shorter one. */
static void damage_before_a_seal_is_never_cut(void **state) {
    (void)state;
    struct failure failure;
    int refused = 0;
    for (size_t at = (size_t)places[0].position; at < (size_t)places[SEALS].seal_at; at++) {
        journal.bytes[at] ^= 0x55;
        journal_put(journal.bytes, journal.size);
        journal.bytes[at] ^= 0x55;
        struct log *log = open_log(NULL, &failure);
        assert_int_equal(size_of("data/journal.avro"), journal.size);
        if (log) {
            assert_int_equal(log->sealed.position, journal.size);
            assert_int_equal(log->sealed.sequence, SEALS - 1);
        } else {
            assert_int_equal(failure.code, EXIT_FAILED);
            assert_non_null(strstr(failure.text, "journal.avro is damaged"));
            assert_non_null(strstr(failure.text, "at byte"));
            refused++;
        }
        log_close(log);
    }
    assert_true(refused > SEALS * 2 * 18); /* at the least heads and sync markers of all blocks */
}

static void a_lost_transaction_breaks_the_chain(void **state) {
    (void)state;
    struct failure failure;
    size_t from = (size_t)places[1].position, to = (size_t)places[2].position;
    memmove(journal.bytes + from, journal.bytes + to, journal.size - to);
    journal_put(journal.bytes, journal.size - (to - from));
    assert_null(open_log(NULL, &failure));
    assert_non_null(strstr(failure.text, "its number does not follow"));
}

static void a_lost_block_breaks_the_chain(void **state) {
    (void)state;
    struct failure failure;
    size_t from = (size_t)places[1].position, to = (size_t)places[2].seal_at;
    memmove(journal.bytes + from, journal.bytes + to, journal.size - to);
    journal_put(journal.bytes, journal.size - (to - from));
    assert_null(open_log(NULL, &failure));
    assert_non_null(strstr(failure.text, "records before it are missing"));
}

static void a_state_ahead_of_its_journal_is_refused(void **state) {
    (void)state;
    struct failure failure;
    journal_put(journal.bytes, journal.size - 1);
    assert_null(open_log(&places[SEALS], &failure));
    assert_non_null(strstr(failure.text, "the end of the journal is lost"));
    assert_int_equal(size_of("data/journal.avro"), journal.size - 1);
    journal_put("", 0);
    assert_null(open_log(&places[SEALS], &failure));
    assert_non_null(strstr(failure.text, "empty"));
    unlink(in_scratch("data/journal.avro"));
    assert_null(open_log(&places[SEALS], &failure));
    assert_non_null(strstr(failure.text, "gone"));
}

static void the_seal_that_the_state_remembers_must_be_there(void **state) {
    (void)state;
    struct failure failure;
    struct log_place other = places[2];
    other.seal_hash[3] ^= 1;
    assert_null(open_log(&other, &failure));
    assert_non_null(strstr(failure.text, "does not hold seal 1"));
}

static void outputs_shorter_than_the_seal_says_are_refused(void **state) {
    (void)state;
    struct failure failure;
    assert_int_equal(truncate(in_scratch("data/outputs/notices.avro"), places[SEALS].outputs[TOPIC_NOTICES] - 1), 0);
    assert_null(open_log(NULL, &failure));
    assert_non_null(strstr(failure.text, "notices.avro ends at byte"));
    assert_int_equal(size_of("data/journal.avro"), journal.size);
}

static void outputs_without_their_journal_are_left_alone(void **state) {
    (void)state;
    struct failure failure;
    unlink(in_scratch("data/journal.avro"));
    assert_null(open_log(NULL, &failure));
    assert_int_equal(size_of("data/outputs/notices.avro"), places[SEALS].outputs[TOPIC_NOTICES]);
}

static void a_journal_of_other_schemas_is_refused(void **state) {
    (void)state;
    struct failure failure;
    uint8_t *name = memmem(journal.bytes, journal.size, "JournalRecord", 13);
    assert_non_null(name);
    memcpy(name, "JournalRecore", 13);
    journal_put(journal.bytes, journal.size);
    assert_null(open_log(NULL, &failure));
    assert_int_equal(failure.code, EXIT_CONFIGURATION);
}

static void only_docs_of_a_schema_may_change(void **state) {
    (void)state;
    struct failure failure;
    struct bytes notices = file_read(in_scratch("data/outputs/notices.avro"));
    uint8_t *doc = memmem(notices.bytes, notices.size, "\"doc\":\"", 7), *in_journal = memmem(journal.bytes, journal.size, "\"doc\":\"", 7);
    assert_non_null(doc);
    assert_non_null(in_journal);
    doc[8] = in_journal[8] = '~';
    journal_put(journal.bytes, journal.size);
    file_write(in_scratch("data/outputs/notices.avro"), notices.bytes, notices.size);
    struct log *log = open_log(&places[SEALS], &failure);
    assert_non_null(log);
    log_close(log);
    uint8_t *field = memmem(notices.bytes, notices.size, "follow_up", 9);
    assert_non_null(field);
    field[6] = '-';
    file_write(in_scratch("data/outputs/notices.avro"), notices.bytes, notices.size);
    assert_null(open_log(&places[SEALS], &failure));
    assert_int_equal(failure.code, EXIT_CONFIGURATION);
    free(notices.bytes);
}

static void a_reader_changes_nothing(void **state) {
    (void)state;
    struct failure failure = {0};
    journal_put(journal.bytes, journal.size - 5);
    struct log *log;
    assert_int_equal(log_files_open_reader(&log, &dir, &failure), 0);
    assert_int_equal(log->sealed.sequence, SEALS - 2);
    struct log_run run;
    int64_t records = 0;
    while (log_read(log, &run) > 0) records += run.count;
    assert_int_equal(records, (SEALS - 1) * (RECORDS + 1));
    log_close(log);
    assert_int_equal(size_of("data/journal.avro"), journal.size - 5);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, journal_make, journal_remove)
    const struct CMUnitTest tests[] = {
        CASE(a_closed_journal_opens_at_its_last_seal),
        CASE(what_follows_the_last_seal_is_cut_wherever_it_ends),
        CASE(a_journal_without_a_seal_begins_anew),
        CASE(a_tail_of_garbage_is_cut),
        CASE(damage_before_a_seal_is_never_cut),
        CASE(a_lost_transaction_breaks_the_chain),
        CASE(a_lost_block_breaks_the_chain),
        CASE(a_state_ahead_of_its_journal_is_refused),
        CASE(the_seal_that_the_state_remembers_must_be_there),
        CASE(outputs_shorter_than_the_seal_says_are_refused),
        CASE(outputs_without_their_journal_are_left_alone),
        CASE(a_journal_of_other_schemas_is_refused),
        CASE(only_docs_of_a_schema_may_change),
        CASE(a_reader_changes_nothing),
    };
    return cmocka_run_group_tests(tests, schemas_setup, schemas_teardown);
}
