#include "help.h"

#include <glib.h>
#include <string.h>

#include "options.h"

#define WIDTH 100

const struct exit_row exit_rows[] = {
    {EXIT_DONE, "done"},
    {EXIT_FAILED, "failed; standard error says why"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_REJECTED, "done, but some input was rejected, or the command that was given"},
    {EXIT_AGAIN, "try again: the data directory is in use, or the disk is full"},
    {EXIT_CONFIGURATION, "the configuration is wrong"},
    {0, NULL},
};

const struct option_row *help_option(const struct command *command, size_t n) {
    for (const struct option_row *row = command->options; row && row->name; row++)
        if (row->help && n-- == 0) return row;
    return n == 0 ? &option_help : NULL;
}

void help_wrap(FILE *out, const char *text, int at, int indent, int width) {
    while (*text) {
        size_t length = strcspn(text, " \n");
        int columns = (int)g_utf8_strlen(text, (gssize)length);
        bool first_on_line = at <= indent;
        if (!first_on_line && at + 1 + columns > width) {
            fputc('\n', out);
            at = 0, first_on_line = true;
        }
        if (length > 0) {
            if (at < indent) fprintf(out, "%*s", indent - at, ""), at = indent;
            if (!first_on_line) fputc(' ', out), at++;
            fwrite(text, 1, length, out);
            at += columns;
        }
        text += length;
        if (*text == '\n') fputc('\n', out), at = 0;
        if (*text) text++;
    }
    fputc('\n', out);
}

/* "-d, --data DIR" */
static char *option_head(const struct option_row *row) {
    GString *head = g_string_new(NULL);
    if (row->letter)
        g_string_append_printf(head, "-%c, ", row->letter);
    else
        g_string_append(head, "    ");
    g_string_append_printf(head, "--%s", row->name);
    if (row->kind == OPTION_CHOICE) {
        g_string_append_printf(head, strlen(row->value) <= 24 ? " %s" : " WHICH", row->value);
    } else if (row->kind != OPTION_FLAG) {
        g_string_append_printf(head, " %s", row->value);
    }
    return g_string_free(head, FALSE);
}

static char *option_text(const struct option_row *row) {
    GString *text = g_string_new(row->help);
    if (row->kind == OPTION_CHOICE && strlen(row->value) > 24) {
        g_auto(GStrv) choices = g_strsplit(row->value, "|", 0);
        g_autofree char *list = g_strjoinv(", ", choices);
        g_string_append_printf(text, ": %s", list);
    }
    if (row->required) g_string_append(text, " (required)");
    if (row->repeatable) g_string_append(text, row->kind == OPTION_CHOICE ? " (several: with commas)" : " (may be given again)");
    if (row->initial) g_string_append_printf(text, " [%s]", row->initial);
    return g_string_free(text, FALSE);
}

static void print_options(FILE *out, const struct command *command) {
    enum { TEXT_AT = 30 };
    const struct option_row *row;
    fputs("\nOptions:\n", out);
    for (size_t n = 0; (row = help_option(command, n)) != NULL; n++) {
        g_autofree char *head = option_head(row);
        g_autofree char *text = option_text(row);
        int at = fprintf(out, "  %s", head);
        if (at + 2 > TEXT_AT) fputc('\n', out), at = 0;
        help_wrap(out, text, at, TEXT_AT, WIDTH);
    }
}

static void print_exit_codes(FILE *out) {
    fputs("\nExit codes:\n", out);
    for (const struct exit_row *row = exit_rows; row->meaning; row++) fprintf(out, "  %2d  %s\n", row->code, row->meaning);
}

/* Each line of the example two columns in. */
static void print_example(FILE *out, const char *example) {
    g_auto(GStrv) lines = g_strsplit(example, "\n", 0);
    fputs("\nExamples:\n", out);
    for (char **line = lines; *line; line++) fprintf(out, **line ? "  %s\n" : "%s\n", *line);
}

void help_command(FILE *out, const struct command *command) {
    fprintf(out, "ringback %s: %s\n\nUsage: ringback %s [OPTION]...%s%s\n\n", command->name, command->summary, command->name,
            *command->operands ? " " : "", command->operands);
    help_wrap(out, command->description, 0, 0, WIDTH);
    print_options(out, command);
    print_example(out, command->example);
    print_exit_codes(out);
}

void help_program(FILE *out) {
    fputs("ringback: wins back missed calls, by folding call events into follow-ups\n\n"
          "Usage: ringback COMMAND [OPTION]...\n\nCommands:\n",
          out);
    for (const struct command *const *each = commands; *each; each++)
        if (!(*each)->hidden) fprintf(out, "  %-14s%s\n", (*each)->name, (*each)->summary);
    fputs("\nringback COMMAND --help shows a command's options and examples; ringback --version, the versions.\n", out);
    print_example(out, "ringback fold --data ringback-data calls.jsonl\n"
                       "  Journals and folds the events of a file; says what came of it.\n"
                       "ringback followups --data ringback-data --tab open\n"
                       "  Lists the missed calls that nobody has followed up yet, newest first.");
    print_exit_codes(out);
}

void help_version(FILE *out) { fprintf(out, "ringback %s\nbuilt with %s\n", RINGBACK_VERSION, RINGBACK_LIBRARIES); }
