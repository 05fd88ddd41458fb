#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "log_files.h"
#include "progress.h"
#include "reader.h"

static const struct option_row options[] = {
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory whose journal is read; it may be in use"},
    {"into", 0, OPTION_TEXT, "DIR", ":memory:", false, false, "Where the state is built: a new directory, or :memory:"},
    {"outputs", 0, OPTION_DIRECTORY, "DIR", NULL, false, false, "Write the outputs again into this directory, which must be new"},
    {"batch", 0, OPTION_NUMBER, "N", "50000", false, false, "Records between commits of the state"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, false, false, "No progress and no summary"},
    {0},
};

static void show_progress(void *context, int64_t at, int64_t end, uint64_t records) {
    progress_step(context, "folding again:", records, (uint64_t)at, (uint64_t)end);
}

/* Only a directory that this run makes is written to: nothing is overwritten. */
static int make_new(const char *path, struct failure *failure) {
    if (mkdir(path, 0700) == 0) return 0;
    if (errno == EEXIST) return fail(failure, EXIT_USAGE, "%s is there already. Name a directory that is not.", path);
    return fail_errno(failure, "make", path);
}

static int store_make(struct store **store, const char *path, struct failure *failure) {
    char error[600] = "out of memory";
    int code;
    if (strcmp(path, ":memory:") == 0)
        code = store_open_memory(store);
    else if (make_new(path, failure) < 0)
        return -1;
    else
        code = store_open_lmdb(store, path, error, sizeof error);
    return code < 0 ? fail_store(failure, code, path, error) : 0;
}

static int refold(const struct arguments *arguments, struct log *journal, struct store *store, struct log *outputs,
                  struct failure *failure) {
    struct progress progress;
    progress_start(&progress, !argument_given(arguments, "quiet"));
    struct reader_options reader = {
        .batch = argument_number(arguments, "batch"), .outputs = outputs, .progress = show_progress, .context = &progress};
    struct place place = place_at_beginning(journal->sealed.journal_id);
    struct reader_counts counts;
    int result = reader_run(store, journal, &place, &reader, &counts, failure);
    progress_clear(&progress);
    if (result < 0 || argument_given(arguments, "quiet")) return result;
    char count[32];
    printf("%s records up to seal %lld: outputs and state are what every seal says\n", grouped(counts.records, count),
           (long long)place.log.sequence);
    if (counts.uncompared)
        printf("but the hash of the state of %s seals, by a ringback that lays it out otherwise, was not compared\n", grouped(counts.uncompared, count));
    return 0;
}

static int run_with(const struct arguments *arguments, struct failure *failure) {
    struct data_dir dir;
    struct log *journal = NULL, *outputs = NULL;
    struct store *store = NULL;
    const char *path = argument_text(arguments, "outputs");
    int result = data_dir_open(&dir, argument_text(arguments, "data"), failure);
    if (result == 0 && argument_number(arguments, "batch") < 1) result = fail(failure, EXIT_USAGE, "--batch is at least 1.");
    if (result == 0) result = log_files_open_reader(&journal, &dir, failure);
    if (result == 0) result = store_make(&store, argument_text(arguments, "into"), failure);
    if (result == 0 && path) result = make_new(path, failure);
    if (result == 0 && path) result = log_files_open_outputs(&outputs, path, journal->sealed.journal_id, failure);
    if (result == 0) result = refold(arguments, journal, store, outputs, failure);
    store_close(store);
    log_close(outputs);
    log_close(journal);
    return result;
}

static int run(const struct arguments *arguments) {
    char error[400];
    if (schemas_load(error, sizeof error) < 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    struct failure failure = {0};
    int result = run_with(arguments, &failure);
    schemas_unload();
    if (result < 0) complain("%s", failure.text);
    return result < 0 ? (int)failure.code : EXIT_DONE;
}

const struct command command_refold = {
    .name = "refold",
    .summary = "fold a journal again from its beginning and check every seal",
    .operands = "",
    .description =
        "Reads DIR/journal.avro from its beginning into a new state and compares outputs, their number and the state with what each seal "
        "says. With --outputs it writes the outputs again; the files are the same, byte for byte, as those that were written first, "
        "whatever --batch is.",
    .options = options,
    .example = "ringback refold --data /var/lib/ringback --outputs /tmp/again\n"
               "  write the outputs again, and check them",
    .hidden = true,
    .run = run,
};
