/*
 * options: the command line against the tables of command.h, and what is said where it does not fit.
 *
 * Only main.c, help.c and the tests need this; a command asks for its arguments through command.h.
 */
#ifndef RINGBACK_OPTIONS_H
#define RINGBACK_OPTIONS_H

#include "command.h"

/* The row that every command has besides its own: --help. */
extern const struct option_row option_help;

/*
 * Parses what follows the command's name (argv[0] is that name). 0: *arguments is the caller's to free. EXIT_USAGE: complained already,
 * nothing to free. With --help anything else may be missing or wrong: *help is set, *arguments is NULL, 0 is returned.
 * The arguments point into argv.
 */
int arguments_parse(struct arguments **arguments, bool *help, const struct command *command, int argc, char **argv);
void arguments_free(struct arguments *arguments);

/* Whose name complain() says; NULL: the program alone. */
void complain_as(const char *command);
/* From now on what is complained of goes there; NULL: to standard error, as it does before the first call. */
void complain_through(void (*say)(const char *text));

/* The name nearest to what was typed, by edits; NULL where none is near. `names` ends with NULL. */
const char *nearest_name(const char *typed, const char *const *names);

/* NULL: no such command. */
const struct command *command_named(const char *name);

/* ms of "90s", "1h30m", "3d", "500ms"; false: it is no such thing. */
bool duration_parse(const char *text, long long *ms);

/*
 * Flushes standard output at the end of the program and says whether all of it was written: `code`, or EXIT_FAILED after a complaint.
 * A reader that went away (a closed pipe) is no failure of ours: nothing is said.
 */
int finish_output(int code);

#endif
