#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "fold_summary.h"

/* Inputs and state are mapped: a file that another program cuts, or a disk that fails, is a signal in the middle of anything. */
static void mapping_lost(int signal_number) {
    static const char text[] =
        "ringback fold: a file was cut by another program while it was read, or its disk failed. Nothing sealed is lost: "
        "run the same command again.\n";
    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(EXIT_FAILED);
}

static void watch_mappings(void) {
    struct sigaction action = {.sa_handler = mapping_lost};
    sigaction(SIGBUS, &action, NULL);
}

/* "jsonl|avro", in the order of enum input_format. */
static const struct option_row options[] = {
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory; made where it is not there"},
    {"until", 'u', OPTION_TIME, "TIME", NULL, false, false,
     "Say that the files are complete up to then: the clock moves there and what is due by then is done"},
    {"format", 'f', OPTION_CHOICE, "jsonl|avro", NULL, false, false, "The format of the files, where their content does not show it"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, false, false, "No progress and no summary"},
    /* For tests (README.md): the journal's bytes depend on these. */
    {"batch", 0, OPTION_NUMBER, "N", "40000", /* under 96 MiB of memory, where 50,000 take 104 */ false, false, NULL},
    {"append-time", 0, OPTION_TIME, "TIME", NULL, false, false, NULL},
    {"journal-id", 0, OPTION_TEXT, "HEX", NULL, false, false, NULL},
    {0},
};

static const char **files_of(const struct arguments *arguments, size_t *count) {
    *count = operand_count(arguments);
    bool from_stdin = *count == 0 && !argument_given(arguments, "until");
    const char **files = calloc(*count + 1, sizeof *files);
    for (size_t n = 0; files && n < *count; n++) files[n] = operand_at(arguments, n);
    if (files && from_stdin) files[(*count)++] = "-";
    return files;
}

static int64_t wall_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int exit_code(const struct fold_result *result) {
    if (result->unreadable) return EXIT_FAILED;
    return fold_rejected(result) ? EXIT_REJECTED : EXIT_DONE;
}

static int run(const struct arguments *arguments) {
    struct fold_options fold = {
        .data = argument_text(arguments, "data"),
        .until = argument_time(arguments, "until"),
        .format = argument_given(arguments, "format") ? (enum input_format)argument_choice(arguments, "format") : INPUT_BY_CONTENT,
        .quiet = argument_given(arguments, "quiet"),
        .journal_id = argument_text(arguments, "journal-id"),
        .writer = {.transaction_records = argument_number(arguments, "batch"), .append_time = argument_time(arguments, "append-time")},
    };
    if (fold.writer.transaction_records < 1 || fold.writer.transaction_records > TRANSACTION_RECORDS_MAX) {
        complain("--batch is 1 to %d.", TRANSACTION_RECORDS_MAX);
        return EXIT_USAGE;
    }
    char error[400];
    if (schemas_load(error, sizeof error) < 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    if (fold.until != NONE && fold.until > wall_clock_ms())
        complain("--until lies ahead: the clock moves there and never comes back, so events before it will be late.");
    watch_mappings();
    struct failure failure = {0};
    struct fold_result result;
    const char **files = files_of(arguments, &fold.file_count);
    fold.files = files;
    int folded = files ? fold_run(&fold, &result, &failure) : fail_memory(&failure);
    free(files);
    schemas_unload();
    if (folded < 0) {
        complain("%s", failure.text);
        return failure.code;
    }
    if (!fold.quiet) fold_summary(stdout, &result, fold.data);
    return exit_code(&result);
}

const struct command command_fold = {
    .name = "fold",
    .summary = "read files of events, keep the follow-ups up to date, write what changed",
    .operands = "[FILE...]",
    .description =
        "Reads events from files (Avro container files or JSON lines, told apart by their content), merges them by time, and folds them "
        "into the data directory: DIR/journal.avro grows, DIR/state follows it, and what comes out is added to DIR/outputs/*.avro. "
        "FILE - is standard input; without FILE it is read too, unless --until is given, which then only moves the clock.\n\n"
        "A run that was stopped, by whatever, goes on with the same command. A file that was folded before is known by its content and "
        "skipped; further files can be folded at any time, late events included.\n\n"
        "Without --until the clock stands at the last event less the lateness that is allowed. Records that cannot be accepted are "
        "journalled and written to DIR/outputs/rejected.avro with the reason; then the exit code is 65.",
    .options = options,
    .example = "ringback fold --data /var/lib/ringback calls.avro jobs.jsonl\n"
               "  fold two files\n"
               "zcat calls.jsonl.gz | ringback fold --data /var/lib/ringback --until now -\n"
               "  fold standard input, then do what is due by now",
    .run = run,
};
