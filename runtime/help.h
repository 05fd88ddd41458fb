/*
 * help: what the tables of command.h say, as text for a terminal.
 */
#ifndef RINGBACK_HELP_H
#define RINGBACK_HELP_H

#include <stdio.h>

#include "command.h"

#define RELEASE_DATE "2026-11-21" /* of this version, for the man page */

/* `ringback --help`, `ringback COMMAND --help`, `ringback --version`. */
void help_program(FILE *out);
void help_command(FILE *out, const struct command *command);
void help_version(FILE *out);

/* Each exit code with its meaning, in rising order; `meaning` NULL ends the list. */
struct exit_row { int code; const char *meaning; };
extern const struct exit_row exit_rows[];

/* The n-th option of a command that is not hidden, --help last; NULL behind it. */
const struct option_row *help_option(const struct command *command, size_t n);

/* Writes text in lines of at most `width` characters (UTF-8), each indented by `indent`; an empty line stays one. The first line is
 * taken to be at column `at` already. Ends with a newline. */
void help_wrap(FILE *out, const char *text, int at, int indent, int width);

#endif
