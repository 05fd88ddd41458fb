/* Writer, reader and what `ringback fold` makes of them: whatever stops a run, the same run again ends in the same bytes. */
#include "test_log_files_fixture.h"

#include "../../runtime/fold_run.h"
#include "../../runtime/log_files.h"
#include "../../runtime/reader.h"
#include "../../schemas/codec/container.h"

#define APPEND_TIME 1772400000000 /* 2026-03-01T21:20:00Z, after all events */
#define LINE(type, event, at, more)                                                                                                        \
    "{\"type\":\"" type "\",\"tenant\":\"acme\",\"event_id\":\"" event "\",\"occurred_at\":\"2026-03-01T" at "Z\"" more "}\n"
#define ON(call) ",\"call_id\":\"" call "\""
#define START(call, at)                                                                                                                    \
    LINE("CallStarted", "s-" call, at,                                                                                                     \
         ON(call) ",\"direction\":\"INBOUND\",\"kind\":\"QUEUE\",\"from\":\"+12025550123\",\"to\":\"+12025550100\"")
#define END(call, at) LINE("CallEnded", "e-" call, at, ON(call) ",\"by\":\"CALLER\"")

/* Abandoned calls, a repetition, and what cannot be read. */
static const char calls[] =
    START("1", "09:00:00") LINE("QueueEntered", "q-1", "09:00:05", ON("1") ",\"queue\":\"sales\"") END("1", "09:01:00")
        START("2", "09:10:00") START("2", "09:10:00") "{\"type\":\n" END("2", "09:11:00") START("3", "10:00:00") END("3", "10:00:30");
static const char jobs[] = LINE("JobBooked", "b-1", "09:30:00", ",\"job_id\":\"j1\",\"caller\":\"+12025550123\"") "not json at all\n" LINE(
    "JobCancelled", "b-2", "11:00:00", ",\"job_id\":\"j1\"");
#define RECORDS 12 /* of both */

static const char *const files_all[] = {JOURNAL_FILE_NAME,
                                        "outputs/rejected.avro",
                                        "outputs/calls-classified.avro",
                                        "outputs/followups.avro",
                                        "outputs/followup-events.avro",
                                        "outputs/notices.avro",
                                        "outputs/command-results.avro"};

static struct failure failure;

static int fold_files(const char *data, const char *const *files, size_t count, int64_t until, struct fold_result *result) {
    struct fold_options options = {.data = in_scratch(data),
                                   .files = files,
                                   .file_count = count,
                                   .format = INPUT_BY_CONTENT,
                                   .until = until,
                                   .quiet = true,
                                   .journal_id = JOURNAL_ID,
                                   .writer = {.transaction_records = 3, .append_time = APPEND_TIME}};
    failure = (struct failure){0};
    int kept = silence();
    int folded = fold_run(&options, result, &failure);
    speak(kept);
    assert_true((folded == 0) == (failure.code == EXIT_DONE));
    return folded;
}

static int fold_both(const char *data, struct fold_result *result) {
    char first[256], second[256];
    strcpy(first, in_scratch("calls.jsonl"));
    strcpy(second, in_scratch("jobs.jsonl"));
    return fold_files(data, (const char *const[]){first, second}, 2, NONE, result);
}

static const char *in_data(const char *data, const char *file) {
    static char names[4][128];
    static size_t turn;
    char *name = names[turn++ % 4];
    snprintf(name, sizeof names[0], "%s/%s", data, file);
    return in_scratch(name);
}

static void assert_same_data(const char *a, const char *b) {
    for (size_t n = 0; n < sizeof files_all / sizeof *files_all; n++) assert_same_file(in_data(a, files_all[n]), in_data(b, files_all[n]));
}

/* A copy without its state. */
static void data_copy(const char *from, const char *to) {
    mkdir(in_scratch(to), 0700);
    mkdir(in_data(to, "outputs"), 0700);
    for (size_t n = 0; n < sizeof files_all / sizeof *files_all; n++) {
        struct bytes file = file_read(in_data(from, files_all[n]));
        file_write(in_data(to, files_all[n]), file.bytes, file.size);
        free(file.bytes);
    }
}

static void data_remove(const char *data) { nftw(in_scratch(data), remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static int inputs_make(void **state) {
    if (scratch_make(state) != 0) return -1;
    file_write(in_scratch("calls.jsonl"), calls, sizeof calls - 1);
    file_write(in_scratch("jobs.jsonl"), jobs, sizeof jobs - 1);
    return 0;
}

static void files_are_folded_once(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_both("data", &result), 0);
    assert_int_equal(result.records, RECORDS);
    assert_int_equal(result.after.rejected[REJECT_MALFORMED], 2);
    assert_int_equal(result.after.duplicates, 1);
    assert_int_equal(result.counts.started, 3);
    assert_int_equal(result.after.stream_time + result.after.allowed_lateness_ms, 1772362800000 /* 11:00, the last event */);
    int64_t sequence = result.sequence;
    assert_int_equal(sequence, 4); /* 15 records by threes: rules and two sources with the twelve */
    data_copy("data", "before");
    assert_int_equal(fold_both("data", &result), 0);
    assert_int_equal(result.records, 0);
    assert_int_equal(result.sequence, sequence);
    assert_same_data("data", "before");
}

/* The journal cut wherever a crash can leave it, with and without its state: the same run again ends in the same bytes. */
static void a_run_that_was_stopped_goes_on(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_both("data", &result), 0);
    struct bytes journal = file_read(in_data("data", JOURNAL_FILE_NAME));
    int resumed = 0;
    for (size_t size = journal.size; size > 37 && resumed < 60; size -= 37, resumed++) {
        data_copy("data", "copy");
        file_write(in_data("copy", JOURNAL_FILE_NAME), journal.bytes, size);
        assert_int_equal(fold_both("copy", &result), 0);
        assert_same_data("data", "copy");
        data_remove("copy");
    }
    assert_int_equal(resumed, 60);
    free(journal.bytes);
}

static void a_reader_ends_where_the_writer_stands(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_both("data", &result), 0);
    struct data_dir dir;
    assert_int_equal(data_dir_open(&dir, in_scratch("data"), &failure), 0);
    struct log *log;
    assert_int_equal(log_files_open_reader(&log, &dir, &failure), 0);
    struct store *store;
    assert_int_equal(store_open_memory(&store), 0);
    struct place place = place_at_beginning(log->sealed.journal_id);
    struct reader_counts counts;
    assert_int_equal(reader_run(store, log, &place, NULL, &counts, &failure), 0);
    assert_int_equal(counts.records, RECORDS + 3 + 5); /* and rules, sources, seals */
    assert_int_equal(counts.uncompared, 0);
    assert_int_equal(place.log.sequence, 4);
    assert_int_equal(place.next_source, 3);
    assert_int_equal(place.append_time, APPEND_TIME);
    assert_memory_equal(&place.log, &log->sealed, sizeof place.log);
    store_close(store);
    log_close(log);
}

/* The state of an earlier seal, as a crash between a seal and the state's commit leaves it. */
static void a_state_that_fell_behind_is_brought_up(void **state) {
    (void)state;
    struct fold_result result;
    char first[256];
    strcpy(first, in_scratch("calls.jsonl"));
    assert_int_equal(fold_files("data", (const char *const[]){first}, 1, NONE, &result), 0);
    struct bytes earlier = file_read(in_data("data", "state/data.mdb"));
    assert_int_equal(fold_both("data", &result), 0);
    struct fold_counts counts = result.counts;
    int64_t hash = result.after.state_hash;
    data_copy("data", "before");
    file_write(in_data("data", "state/data.mdb"), earlier.bytes, earlier.size);
    free(earlier.bytes);
    assert_int_equal(fold_both("data", &result), 0);
    assert_int_equal(result.records, 0);
    assert_int_equal(result.after.state_hash, hash);
    assert_memory_equal(&result.counts, &counts, sizeof counts);
    assert_same_data("data", "before");
}

/* Read again in whatever batches: the same files. */
static void outputs_are_the_same_whatever_the_batch(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_both("data", &result), 0);
    for (int64_t batch = 1; batch <= 7; batch++) {
        struct data_dir dir;
        struct log *journal, *outputs;
        struct store *store;
        mkdir(in_scratch("again"), 0700);
        mkdir(in_scratch("again/outputs"), 0700);
        assert_int_equal(data_dir_open(&dir, in_scratch("data"), &failure), 0);
        assert_int_equal(log_files_open_reader(&journal, &dir, &failure), 0);
        assert_int_equal(log_files_open_outputs(&outputs, in_scratch("again/outputs"), journal->sealed.journal_id, &failure), 0);
        assert_int_equal(store_open_memory(&store), 0);
        struct place place = place_at_beginning(journal->sealed.journal_id);
        struct reader_options options = {.batch = batch, .outputs = outputs};
        assert_int_equal(reader_run(store, journal, &place, &options, NULL, &failure), 0);
        store_close(store);
        log_close(outputs);
        log_close(journal);
        for (size_t n = 1; n < sizeof files_all / sizeof *files_all; n++)
            assert_same_file(in_data("data", files_all[n]), in_data("again", files_all[n]));
        data_remove("again");
    }
}

/* Nothing in the journal's records is covered by a checksum but what comes of them. */
static void a_changed_record_is_noticed_where_it_is_folded(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_both("data", &result), 0);
    data_copy("data", "copy");
    struct bytes journal = file_read(in_data("copy", JOURNAL_FILE_NAME));
    uint8_t *queue = memmem(journal.bytes, journal.size, "sales", 5);
    assert_non_null(queue);
    memcpy(queue, "Sales", 5);
    file_write(in_data("copy", JOURNAL_FILE_NAME), journal.bytes, journal.size);
    free(journal.bytes);
    assert_int_equal(fold_both("copy", &result), -1);
    assert_int_equal(failure.code, EXIT_FAILED);
    assert_non_null(strstr(failure.text, "than when it was written"));
}

/* The journal of a data directory as a ringback of another layout would have written it: another name of it in each seal, another hash. */
static void journal_written_by_layout(const char *data, int64_t layout) {
    struct bytes journal = file_read(in_data(data, JOURNAL_FILE_NAME));
    struct container_reader reader;
    char error[400];
    assert_int_equal(container_open(&reader, journal.bytes, journal.size, error, sizeof error), 0);
    struct plan *plan;
    assert_int_equal(plan_make(&plan, reader.schema.ptr, reader.schema.len, &shape_journal_record, error, sizeof error), 0);
    uint8_t *to = malloc(2 * journal.size), previous[SEAL_HASH_BYTES] = {0};
    size_t size = reader.at;
    memcpy(to, journal.bytes, size);
    struct str block;
    int64_t count;
    while (container_next(&reader, &block, &count) == CONTAINER_BLOCK) {
        struct scratch scratch;
        struct journal_record record;
        struct str event_bytes;
        struct refusal why;
        uint8_t seal[4096], head[20];
        assert_true(codec_read_journal(plan, (const uint8_t *)block.ptr, block.len, &record, &event_bytes, &scratch, &why) > 0);
        if (record.type == JOURNAL_SEAL) {
            record.body.seal.state_layout = layout;
            record.body.seal.state_hash ^= 1;
            record.body.seal.previous = (struct str){(const char *)previous, sizeof previous};
            block = (struct str){(const char *)seal, (uint32_t)codec_write(&shape_journal_record, &record, seal, sizeof seal)};
            seal_hash(block.ptr, block.len, previous);
        }
        size_t head_size = container_block_head(count, block.len, head);
        memcpy(to + size, head, head_size);
        memcpy(to + size + head_size, block.ptr, block.len);
        memcpy(to + size + head_size + block.len, reader.sync, sizeof reader.sync);
        size += head_size + block.len + sizeof reader.sync;
    }
    file_write(in_data(data, JOURNAL_FILE_NAME), to, size);
    container_close(&reader);
    plan_free(plan);
    free(to);
    free(journal.bytes);
}

static struct reader_counts read_again(const char *data) {
    struct data_dir dir;
    struct log *journal;
    struct store *store;
    struct reader_counts counts;
    assert_int_equal(data_dir_open(&dir, in_scratch(data), &failure), 0);
    assert_int_equal(log_files_open_reader(&journal, &dir, &failure), 0);
    assert_int_equal(store_open_memory(&store), 0);
    struct place place = place_at_beginning(journal->sealed.journal_id);
    assert_int_equal(reader_run(store, journal, &place, NULL, &counts, &failure), 0);
    store_close(store);
    log_close(journal);
    return counts;
}

/* Its state is built from it again, and seals are of our layout from then on. */
static void a_journal_of_another_layout_is_read(void **state) {
    (void)state;
    struct fold_result result;
    char first[256];
    strcpy(first, in_scratch("calls.jsonl"));
    int64_t others[] = {FOLD_LAYOUT + 1, NONE /* not even said */};
    for (int n = 0; n < 2; n++) {
        assert_int_equal(fold_files("data", (const char *const[]){first}, 1, NONE, &result), 0);
        int64_t hash = result.after.state_hash, seals = result.sequence + 1;
        data_copy("data", "copy");
        data_remove("data");
        journal_written_by_layout("copy", others[n]);
        assert_int_equal(read_again("copy").uncompared, seals);
        assert_int_equal(fold_files("copy", (const char *const[]){first}, 1, NONE, &result), 0);
        assert_int_equal(result.after.state_hash, hash);
        assert_int_equal(fold_both("copy", &result), 0);
        assert_true(result.sequence + 1 > seals);
        assert_int_equal(read_again("copy").uncompared, seals);
        data_remove("copy");
    }
}

static void another_hash_of_our_layout_is_refused(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_both("data", &result), 0);
    data_copy("data", "copy");
    journal_written_by_layout("copy", FOLD_LAYOUT);
    assert_int_equal(fold_both("copy", &result), -1);
    assert_int_equal(failure.code, EXIT_FAILED);
    assert_non_null(strstr(failure.text, "gives another state than when it was written"));
}

static void further_files_are_folded_later(void **state) {
    (void)state;
    struct fold_result result;
    char first[256], second[256];
    strcpy(first, in_scratch("calls.jsonl"));
    strcpy(second, in_scratch("jobs.jsonl"));
    assert_int_equal(fold_files("data", (const char *const[]){first}, 1, NONE, &result), 0);
    assert_int_equal(result.records, 9);
    assert_int_equal(fold_files("data", (const char *const[]){second, first}, 2, NONE, &result), 0);
    assert_int_equal(result.records, 3);
    assert_int_equal(result.counts.started, 3);
}

static void until_moves_the_clock_once(void **state) {
    (void)state;
    struct fold_result result;
    int64_t until = APPEND_TIME + 10 * INT64_C(86400000);
    assert_int_equal(fold_files("data", NULL, 0, until, &result), 0);
    assert_int_equal(result.sequence, -1); /* nothing to move yet */
    assert_int_equal(fold_both("data", &result), 0);
    int64_t sequence = result.sequence;
    assert_int_equal(fold_files("data", NULL, 0, until, &result), 0);
    assert_int_equal(result.after.stream_time, until - result.after.allowed_lateness_ms);
    assert_int_equal(result.sequence, sequence + 1);
    assert_int_equal(fold_files("data", NULL, 0, until, &result), 0);
    assert_int_equal(result.sequence, sequence + 1);
}

static void standard_input_is_kept_until_it_is_folded(void **state) {
    (void)state;
    struct fold_result result;
    int kept = dup(STDIN_FILENO), file = open(in_scratch("calls.jsonl"), O_RDONLY);
    dup2(file, STDIN_FILENO);
    close(file);
    int folded = fold_files("data", (const char *const[]){"-"}, 1, NONE, &result);
    dup2(kept, STDIN_FILENO);
    close(kept);
    assert_int_equal(folded, 0);
    assert_int_equal(result.records, 9);
    assert_int_equal(rmdir(in_data("data", "inbox")), 0); /* empty */
}

static void what_lies_in_the_inbox_is_folded_first(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_files("data", NULL, 0, NONE, &result), 0);
    struct bytes file = file_read(in_scratch("calls.jsonl"));
    file_write(in_data("data", "inbox/00112233445566778899aabbccddeeff"), file.bytes, file.size);
    file_write(in_data("data", "inbox/incoming"), file.bytes, 100);
    free(file.bytes);
    assert_int_equal(fold_files("data", NULL, 0, NONE, &result), 0);
    assert_int_equal(result.records, 9);
    assert_int_equal(rmdir(in_data("data", "inbox")), 0);
}

static void an_unreadable_file_does_not_keep_the_others(void **state) {
    (void)state;
    struct fold_result result;
    char first[256];
    strcpy(first, in_scratch("calls.jsonl"));
    assert_int_equal(fold_files("data", (const char *const[]){"/not/there.jsonl", first, scratch_path}, 3, NONE, &result), 0);
    assert_int_equal(result.unreadable, 2);
    assert_int_equal(result.records, 9);
}

static void one_writer_at_a_time(void **state) {
    (void)state;
    struct fold_result result;
    struct store *store;
    char error[400];
    assert_int_equal(fold_both("data", &result), 0);
    assert_int_equal(store_open_lmdb(&store, in_data("data", "state"), error, sizeof error), 0);
    assert_int_equal(fold_both("data", &result), -1);
    assert_int_equal(failure.code, EXIT_AGAIN);
    store_close(store);
    assert_int_equal(fold_both("data", &result), 0);
}

static void a_data_directory_is_a_directory(void **state) {
    (void)state;
    struct fold_result result;
    assert_int_equal(fold_both("calls.jsonl", &result), -1);
    assert_int_equal(failure.code, EXIT_FAILED);
    assert_non_null(strstr(failure.text, "is not a directory"));
    assert_int_equal(fold_both("no/parent", &result), -1);
    assert_non_null(strstr(failure.text, "No such file"));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, inputs_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        CASE(files_are_folded_once),
        CASE(a_run_that_was_stopped_goes_on),
        CASE(a_reader_ends_where_the_writer_stands),
        CASE(a_state_that_fell_behind_is_brought_up),
        CASE(outputs_are_the_same_whatever_the_batch),
        CASE(a_changed_record_is_noticed_where_it_is_folded),
        CASE(a_journal_of_another_layout_is_read),
        CASE(another_hash_of_our_layout_is_refused),
        CASE(further_files_are_folded_later),
        CASE(until_moves_the_clock_once),
        CASE(standard_input_is_kept_until_it_is_folded),
        CASE(what_lies_in_the_inbox_is_folded_first),
        CASE(an_unreadable_file_does_not_keep_the_others),
        CASE(one_writer_at_a_time),
        CASE(a_data_directory_is_a_directory),
    };
    return cmocka_run_group_tests(tests, schemas_setup, schemas_teardown);
}
