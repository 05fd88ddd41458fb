/* ringback man: the manual page, made from the tables (man(7) macros; mandoc -T lint is clean). */
#include <glib.h>
#include <stdio.h>

#include "help.h"

/* Text for roff: backslashes and hyphens escaped, no line that roff would take for a request. */
static void put(const char *text) {
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
        line_start = *text == '\n';
        if (*text == '\\') fputs("\\e", stdout);
        else if (*text == '-') fputs("\\-", stdout);
        else if (*text == '\'') fputs("\\(aq", stdout);
        else fputc(*text, stdout);
    }
}

/* Paragraphs: an empty line in the text becomes a request; sentences begin new lines, as roff likes them. */
static void put_paragraphs(const char *text) {
    g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", 0);
    for (char **paragraph = paragraphs; *paragraph; paragraph++) {
        if (paragraph != paragraphs) fputs(".PP\n", stdout);
        g_auto(GStrv) sentences = g_strsplit(*paragraph, ". ", 0);
        for (char **sentence = sentences; *sentence; sentence++) {
            put(*sentence);
            fputs(sentence[1] ? ".\n" : "\n", stdout);
        }
    }
}

static void put_option(const struct option_row *row) {
    fputs(".TP\n\\fB", stdout);
    if (row->letter) printf("\\-%c\\fR, \\fB", row->letter);
    put("--");
    put(row->name);
    fputs("\\fR", stdout);
    if (row->kind == OPTION_CHOICE) {
        fputs(" \\fIWHICH\\fR", stdout);
    } else if (row->kind != OPTION_FLAG) {
        fputs(" \\fI", stdout);
        put(row->value);
        fputs("\\fR", stdout);
    }
    fputc('\n', stdout);
    put(row->help);
    if (row->kind == OPTION_CHOICE) {
        g_auto(GStrv) choices = g_strsplit(row->value, "|", 0);
        g_autofree char *list = g_strjoinv(", ", choices);
        fputs(": ", stdout);
        put(list);
    }
    fputc('.', stdout);
    if (row->required) fputs("\nRequired.", stdout);
    if (row->repeatable) fputs(row->kind == OPTION_CHOICE ? "\nSeveral: with commas between, or given again." : "\nMay be given again.", stdout);
    if (row->initial) {
        fputs("\nWhere it is not given: ", stdout);
        put(row->initial);
        fputc('.', stdout);
    }
    fputc('\n', stdout);
}

/* Lines as typed, without filling. */
static void put_example(const char *example) {
    fputs(".PP\n.nf\n", stdout);
    put(example);
    fputs("\n.fi\n", stdout);
}

static void put_command(const struct command *command) {
    fputs(".SS ringback ", stdout);
    put(command->name);
    fputs(" [\\fIOPTION\\fR]...", stdout);
    if (*command->operands) {
        fputc(' ', stdout);
        put(command->operands);
    }
    fputc('\n', stdout);
    put_paragraphs(command->description);
    const struct option_row *row;
    for (size_t n = 0; (row = help_option(command, n)) != NULL; n++) put_option(row);
    put_example(command->example);
}

static int run(const struct arguments *arguments) {
    (void)arguments;
    printf(".TH RINGBACK 1 %s \"ringback %s\"\n.SH NAME\nringback \\- win back missed calls\n", RELEASE_DATE, RINGBACK_VERSION);
    fputs(".SH SYNOPSIS\n\\fBringback\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.br\n\\fBringback\\fR \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR\n", stdout);
    fputs(".SH DESCRIPTION\n", stdout);
    put_paragraphs("Ringback folds the events of calls, jobs and people's commands into follow-ups: calls that were missed or "
                   "abandoned, and calls that were answered but not booked. Everything it says is a function of its journal. Input that is "
                   "not good is journalled too and reported, never lost.");
    fputs(".SH COMMANDS\n", stdout);
    for (const struct command *const *each = commands; *each; each++)
        if (!(*each)->hidden) put_command(*each);
    fputs(".SH EXIT STATUS\n", stdout);
    for (const struct exit_row *row = exit_rows; row->meaning; row++) {
        printf(".TP\n%d\n", row->code);
        put(row->meaning);
        fputs(".\n", stdout);
    }
    return EXIT_DONE;
}

static const struct option_row options[] = {{0}};

const struct command command_man = {
    .name = "man",
    .summary = "print the manual page",
    .operands = "",
    .description = "Prints the manual page, all commands in one, in the format of man(7).",
    .options = options,
    .example = "ringback man | man -l -\n"
               "  Reads it.\n\n"
               "ringback man > /usr/local/share/man/man1/ringback.1\n"
               "  Installs it.",
    .run = run,
};
