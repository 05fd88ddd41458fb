/* The command line: what parsing accepts, what it refuses, and in which words (runtime/command.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../runtime/options.h"

static int unused(const struct arguments *arguments) {
    (void)arguments;
    return EXIT_DONE;
}

static const struct option_row rows[] = {
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "Where the data is"},
    {"limit", 'n', OPTION_NUMBER, "N", "10", false, false, "How many"},
    {"most", 0, OPTION_NUMBER, "N", NULL, false, false, "How many at most"},
    {"format", 'f', OPTION_CHOICE, "table|json|csv", "table", false, false, "How"},
    {"tab", 0, OPTION_CHOICE, "open|cold|not-a-lead", "open,cold", false, true, "Which"},
    {"age", 0, OPTION_DURATION, "DURATION", NULL, false, false, "How old"},
    {"from", 0, OPTION_TIME, "TIME", NULL, false, false, "Since when"},
    {"note", 0, OPTION_TEXT, "TEXT", NULL, false, true, "What to say"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, false, false, "Say nothing"},
    {"quick", 0, OPTION_FLAG, NULL, NULL, false, false, "Do it fast"},
    {0},
};
static const struct command some_files = {.name = "try", .operands = "[FILE...]", .options = rows, .run = unused};
static const struct command one_shell = {
    .name = "try", .operands = "SHELL", .operand_choices = "bash|zsh", .options = rows + 1, .run = unused};
static const struct command no_operands = {.name = "try", .operands = "", .options = rows + 1, .run = unused};

/* What was complained of last, without "ringback try: " and the newline. */
static char complaint[1024];

/* Parses the words after "try"; standard error goes to `complaint`. */
static int parse(struct arguments **arguments, const struct command *command, const char *const *words) {
    static char *argv[24]; /* kept until the next call: arguments point into it */
    int argc = 1;
    for (size_t i = 0; i < sizeof argv / sizeof *argv; i++) free(argv[i]), argv[i] = NULL;
    argv[0] = strdup("try");
    for (; words[argc - 1]; argc++) argv[argc] = strdup(words[argc - 1]);
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    bool help;
    complain_as("try");
    int code = arguments_parse(arguments, &help, command, argc, argv);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    char text[1024];
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size ? size - 1 : 0] = 0;
    fclose(file);
    const char *start = strstr(text, "try: ");
    snprintf(complaint, sizeof complaint, "%s", size && start ? start + 5 : text);
    return help ? -1 : code;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct arguments *accepted(const struct command *command, const char *const *words) {
    struct arguments *arguments;
    int code = parse(&arguments, command, words);
    if (code != 0) fail_msg("refused: %s", complaint);
    assert_string_equal(complaint, "");
    return arguments;
}

static void refused(const struct command *command, const char *const *words, const char *why) {
    struct arguments *arguments;
    assert_int_equal(parse(&arguments, command, words), EXIT_USAGE);
    assert_null(arguments);
    assert_string_equal(complaint, why);
}

static void test_values(void **state) {
    (void)state;
    struct arguments *a = accepted(
        &some_files, WORDS("-d", "here", "--limit=7", "--from", "2026-03-01T09:00:00.250Z", "--age", "1h30m", "-qf", "CSV", "--quick"));
    assert_string_equal(argument_text(a, "data"), "here");
    assert_int_equal(argument_number(a, "limit"), 7);
    assert_int_equal(argument_time(a, "from"), 1772355600250);
    assert_int_equal(argument_duration(a, "age"), 5400000);
    assert_true(argument_given(a, "quiet"));
    assert_string_equal(argument_text(a, "format"), "csv");
    assert_int_equal(argument_choice(a, "format"), 2);
    arguments_free(a);
}

static void test_initial_values(void **state) {
    (void)state;
    struct arguments *a = accepted(&some_files, WORDS("--data=here"));
    assert_int_equal(argument_number(a, "limit"), 10);
    assert_false(argument_given(a, "limit"));
    assert_int_equal(argument_number(a, "most"), INT64_MIN);
    assert_null(argument_text(a, "note"));
    assert_false(argument_given(a, "quiet"));
    assert_int_equal(argument_choices(a, "tab"), 3);
    assert_int_equal(argument_count(a, "tab"), 2);
    assert_string_equal(argument_at(a, "tab", 1), "cold");
    assert_int_equal(operand_count(a), 0);
    assert_null(operand_at(a, 0));
    arguments_free(a);
}

static void test_repetition(void **state) {
    (void)state;
    struct arguments *a = accepted(&some_files, WORDS("-d", "one", "-d", "two", "--note", "a,b", "--note", "", "--tab", "NOT_A_LEAD,cold"));
    assert_string_equal(argument_text(a, "data"), "two");
    assert_int_equal(argument_count(a, "note"), 2);
    assert_string_equal(argument_at(a, "note", 0), "a,b");
    assert_string_equal(argument_at(a, "note", 1), "");
    assert_null(argument_at(a, "note", 2));
    assert_int_equal(argument_choices(a, "tab"), 6);
    assert_string_equal(argument_at(a, "tab", 0), "not-a-lead");
    arguments_free(a);
}

static void test_operands(void **state) {
    (void)state;
    setenv("POSIXLY_CORRECT", "1", 1); /* must not change where options may stand */
    struct arguments *a = accepted(&some_files, WORDS("first", "-d", "here", "-", "--", "--quiet"));
    unsetenv("POSIXLY_CORRECT");
    assert_int_equal(operand_count(a), 3);
    assert_string_equal(operand_at(a, 0), "first");
    assert_string_equal(operand_at(a, 1), "-");
    assert_string_equal(operand_at(a, 2), "--quiet");
    assert_false(argument_given(a, "quiet"));
    arguments_free(a);
    refused(&one_shell, WORDS(NULL), "SHELL is missing. See ringback try --help.");
    refused(&one_shell, WORDS("bsh"), "unknown \"bsh\". Did you mean bash? Choose bash or zsh.");
    refused(&one_shell, WORDS("zsh", "more"), "unexpected argument \"more\". See ringback try --help.");
    refused(&no_operands, WORDS("more"), "unexpected argument \"more\". See ringback try --help.");
}

static void test_refusals(void **state) {
    (void)state;
    refused(&some_files, WORDS("--limit", "1"), "--data DIR is required: where the data is.");
    refused(&some_files, WORDS("--dta", "x"), "unknown option --dta. Did you mean --data? See ringback try --help.");
    refused(&some_files, WORDS("--wholly-other=3"), "unknown option --wholly-other. See ringback try --help.");
    refused(&some_files, WORDS("-qz"), "unknown option -z. See ringback try --help.");
    refused(&some_files, WORDS("--qui"), "--qui could be any of --quiet, --quick: write it out.");
    refused(&some_files, WORDS("--quiet=yes"), "--quiet takes no value.");
    refused(&some_files, WORDS("--data"), "--data needs a value: --data DIR");
    refused(&some_files, WORDS("-d"), "--data needs a value: --data DIR");
    refused(&some_files, WORDS("--data="), "--data must name a directory, not nothing.");
    refused(&some_files, WORDS("-d", "x", "--format", "jsn"), "--format must be one of table, json, csv, not \"jsn\". Did you mean json?");
    refused(&some_files, WORDS("-d", "x", "--tab", "open,"), "--tab must be one of open, cold, not-a-lead, not \"\".");
}

static void test_numbers(void **state) {
    (void)state;
    const char *const bad[] = {"", "-1", "+1", "1k", " 1", "0x10", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char why[120];
        snprintf(why, sizeof why, "--limit must be a whole number from 0, not \"%s\".", bad[i]);
        refused(&no_operands, WORDS("--limit", bad[i]), why);
    }
    struct arguments *a = accepted(&no_operands, WORDS("--limit", "9223372036854775807"));
    assert_int_equal(argument_number(a, "limit"), INT64_MAX);
    arguments_free(a);
}

static void test_durations(void **state) {
    (void)state;
    const struct {
        const char *text;
        long long ms;
    } good[] = {
        {"0s", 0},         {"500ms", 500},    {"45s", 45000},    {"90m", 5400000},
        {"24h", 86400000}, {"3d", 259200000}, {"1w", 604800000}, {"1d2h3m4s5ms", 93784005},
    };
    long long ms;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(duration_parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    const char *const bad[] = {"", "90", "h", "-1h", "1.5h", "1h ", "1y", "1H", "1h30", "9223372036854775807s", "9223372036854775807ms1s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(duration_parse(bad[i], &ms));
}

static void test_times(void **state) {
    (void)state;
    const struct {
        const char *text;
        long long ms;
    } good[] = {
        {"2026-03-01", 1772323200000},
        {"1772355600250", 1772355600250},
        {"2026-03-01T10:00:00+01:00", 1772355600000},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct arguments *a = accepted(&no_operands, WORDS("--from", good[i].text));
        assert_int_equal(argument_time(a, "from"), good[i].ms);
        arguments_free(a);
    }
    struct arguments *a = accepted(&no_operands, WORDS("--from", "now"));
    assert_true(argument_time(a, "from") > 1772323200000);
    arguments_free(a);
    refused(&no_operands, WORDS("--from", "yesterday"),
            "--from must be a time such as 2026-03-01, 2026-03-01T09:00:00Z, ms since 1970, or now; not \"yesterday\".");
}

static void test_help_before_errors(void **state) {
    (void)state;
    struct arguments *arguments;
    assert_int_equal(parse(&arguments, &one_shell, WORDS("--help")), -1);
    assert_int_equal(parse(&arguments, &some_files, WORDS("a", "-h", "--unknown")), -1);
    assert_null(arguments);
}

static void test_nearest_name(void **state) {
    (void)state;
    const char *const names[] = {"fold", "followups", "calls", "dump", NULL};
    assert_string_equal(nearest_name("flod", names), "fold");
    assert_string_equal(nearest_name("folow-ups", names), "followups");
    assert_string_equal(nearest_name("follow", names), "followups");
    assert_string_equal(nearest_name("cals", names), "calls");
    assert_null(nearest_name("report", names));
    assert_null(nearest_name("", names));
}

static char said[100];
static void say(const char *text) { snprintf(said, sizeof said, "%s", text); }

/* A service has a log in the place of a terminal. */
static void test_complaints_elsewhere(void **state) {
    (void)state;
    complain_through(say);
    complain("%s has %d lines", "x", 3);
    complain_through(NULL);
    assert_string_equal(said, "x has 3 lines");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),       cmocka_unit_test(test_initial_values), cmocka_unit_test(test_repetition),
        cmocka_unit_test(test_operands),     cmocka_unit_test(test_refusals),       cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),    cmocka_unit_test(test_times),          cmocka_unit_test(test_help_before_errors),
        cmocka_unit_test(test_nearest_name), cmocka_unit_test(test_complaints_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
