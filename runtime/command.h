/*
 * command: one subcommand of the program `ringback`, as a table (ARCHITECTURE 3).
 *
 * Each cmd_NAME.c defines one `const struct command command_NAME`; main.c lists them. From the tables come parsing (getopt_long), --help,
 * the man page and the shell completion, so they cannot disagree.
 */
#ifndef RINGBACK_COMMAND_H
#define RINGBACK_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes, the same for every subcommand (sysexits where they fit). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_REJECTED = 65,  /* done, but some input was rejected */
    EXIT_AGAIN = 75,     /* try again: the data directory is in use, the disk is full */
    EXIT_CONFIGURATION = 78
};

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER, OPTION_CHOICE, OPTION_TIME, OPTION_FILE, OPTION_DIRECTORY };

struct option_row {
    const char *name;      /* long form, without dashes */
    char letter;           /* short form, or 0 */
    enum option_kind kind;
    const char *value;     /* what --help calls the value: DIR; of a choice: the choices "table|json|csv" */
    const char *initial;   /* the value where it is not given, or NULL */
    bool required, repeatable;
    const char *help;      /* one sentence, without a full stop */
};

/* What was given on the command line. */
struct arguments;
const char *argument_text(const struct arguments *arguments, const char *option);  /* last value, or initial, or NULL */
bool argument_given(const struct arguments *arguments, const char *option);
long long argument_number(const struct arguments *arguments, const char *option);  /* checked by parsing */
/* ms UTC; RFC 3339, a date, ms, or "now" (the wall clock); checked by parsing. */
long long argument_time(const struct arguments *arguments, const char *option);
size_t argument_count(const struct arguments *arguments, const char *option);       /* of a repeatable option */
const char *argument_at(const struct arguments *arguments, const char *option, size_t index);
size_t operand_count(const struct arguments *arguments);
const char *operand_at(const struct arguments *arguments, size_t index);

struct command {
    const char *name;
    const char *summary;              /* one line */
    const char *operands;             /* "FILE..." or "" */
    const char *description;          /* some paragraphs, plain text */
    const struct option_row *options; /* ended by a row without name; --help is added */
    const char *example;              /* at least one, as typed, with what it does */
    int (*run)(const struct arguments *arguments); /* returns an exit_code */
};

/* Prints "ringback COMMAND: text" and what to do about it to stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
