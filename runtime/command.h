/*
 * command: one subcommand of the program `ringback`, as a table (ARCHITECTURE 3).
 *
 * Each cmd_NAME.c defines one `const struct command command_NAME`; commands.c lists them. From the tables come parsing (getopt_long),
 * --help, the man page and the shell completion, so they cannot disagree.
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

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER,   /* a whole number, not negative */
    OPTION_CHOICE,   /* one of `value`; a repeatable one takes several with commas between, too. Case, - and _ do not matter */
    OPTION_TIME,     /* RFC 3339, a date (its first ms in UTC), ms since 1970, or "now" (the wall clock) */
    OPTION_DURATION, /* 90s, 90m, 24h, 3d, 500ms, or several: 1h30m */
    OPTION_FILE,
    OPTION_DIRECTORY
};

struct option_row {
    const char *name;      /* long form, without dashes */
    char letter;           /* short form, or 0 */
    enum option_kind kind;
    const char *value;     /* what --help calls the value: DIR; of a choice: the choices "table|json|csv" */
    const char *initial;   /* the value where it is not given, or NULL */
    bool required, repeatable;
    const char *help;      /* one sentence, without a full stop; NULL: hidden, left out of --help, the man page and completion */
};

/* What was given on the command line, checked by parsing. Asking for an option that the table does not have aborts. */
struct arguments;
/* The last value, or the initial one, or NULL; of a choice as the table spells it. */
const char *argument_text(const struct arguments *arguments, const char *option);
bool argument_given(const struct arguments *arguments, const char *option); /* on the command line itself */
/* These four are INT64_MIN (NONE) where the option is not given and has no initial value. */
long long argument_number(const struct arguments *arguments, const char *option);
long long argument_time(const struct arguments *arguments, const char *option);     /* ms UTC */
long long argument_duration(const struct arguments *arguments, const char *option); /* ms */
long long argument_choice(const struct arguments *arguments, const char *option);   /* place in the list of choices, from 0 */
/* Of a repeatable option: how many values, and each. */
size_t argument_count(const struct arguments *arguments, const char *option);
const char *argument_at(const struct arguments *arguments, const char *option, size_t index);
long long argument_choice_at(const struct arguments *arguments, const char *option, size_t index); /* as argument_choice */
/* The choices given to a repeatable option, as a set of bits: bit n for the n-th of the list. 0: none given. */
unsigned long long argument_choices(const struct arguments *arguments, const char *option);
size_t operand_count(const struct arguments *arguments);
const char *operand_at(const struct arguments *arguments, size_t index);

struct command {
    const char *name;
    const char *summary;              /* one line, neither capital nor full stop */
    const char *operands;             /* as shown and checked: "FILE..." one or more, "[FILE...]" any, "[NAME]" at most one, "" none */
    const char *operand_choices;      /* what the first operand may be, "bash|zsh|fish"; NULL: anything */
    const char *description;          /* some paragraphs, plain text; an empty line between them, no other newlines */
    const struct option_row *options; /* ended by a row without name; --help is added */
    const char *example;              /* at least one: the line as typed, then lines that start with two spaces say what it does */
    bool hidden;                      /* left out of --help's list, the man page and completion */
    int (*run)(const struct arguments *arguments); /* returns an exit_code */
};

/* All commands in the order of --help, ended by NULL (commands.c). */
extern const struct command *const commands[];

/* Prints "ringback COMMAND: text" and a newline to stderr. The text names what is wrong and what to do about it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
