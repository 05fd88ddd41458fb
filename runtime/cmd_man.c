/* ringback man: the manual page, made from the tables (man(7) macros; mandoc -T lint is clean). */
#include <glib.h>
#include <stdio.h>

#include "config.h"
#include "help.h"

/* Characters of a line of the source, which roff fills anyway. */
#define WIDTH 78

/* Text as roff shows it: backslashes, hyphens and apostrophes escaped, no word that could be taken for a request. The caller frees. */
static char *escaped(const char *text) {
    GString *out = g_string_new(NULL);
    for (bool word_start = true; *text; text++) {
        if (word_start && *text == '.') g_string_append(out, "\\&");
        word_start = *text == ' ' || *text == '\n';
        if (*text == '\\')
            g_string_append(out, "\\e");
        else if (*text == '-')
            g_string_append(out, "\\-");
        else if (*text == '\'')
            g_string_append(out, "\\(aq");
        else
            g_string_append_c(out, *text);
    }
    return g_string_free(out, FALSE);
}

static void put(const char *text) {
    g_autofree char *roff = escaped(text);
    fputs(roff, stdout);
}

/* One or more sentences as lines of the source; each sentence begins a new one, as roff likes it. */
static void put_sentences(const char *text) {
    g_auto(GStrv) sentences = g_strsplit(text, ". ", 0);
    for (char **sentence = sentences; *sentence; sentence++) {
        g_autofree char *roff = escaped(*sentence);
        g_autofree char *whole = g_strconcat(roff, sentence[1] ? "." : "", NULL);
        help_wrap(stdout, whole, 0, 0, WIDTH);
    }
}

static void put_paragraphs(const char *text) {
    g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", 0);
    for (char **paragraph = paragraphs; *paragraph; paragraph++) {
        if (paragraph != paragraphs) fputs(".PP\n", stdout);
        put_sentences(*paragraph);
    }
}

static void put_option(const struct option_row *row) {
    fputs(".TP\n\\fB", stdout);
    if (row->letter) printf("\\-%c\\fR, \\fB", row->letter);
    put("--");
    put(row->name);
    fputs("\\fR", stdout);
    if (row->kind != OPTION_FLAG) {
        fputs(" \\fI", stdout);
        put(row->kind == OPTION_CHOICE ? "WHICH" : row->value);
        fputs("\\fR", stdout);
    }
    fputc('\n', stdout);
    g_autoptr(GString) text = g_string_new(row->help);
    if (row->kind == OPTION_CHOICE) {
        g_auto(GStrv) choices = g_strsplit(row->value, "|", 0);
        g_autofree char *list = g_strjoinv(", ", choices);
        g_string_append_printf(text, ": %s", list);
    }
    if (row->required) g_string_append(text, ". Required");
    if (row->repeatable)
        g_string_append(text, row->kind == OPTION_CHOICE ? ". Several are given with commas between" : ". May be given again");
    if (row->initial) g_string_append_printf(text, ". Where it is not given: %s", row->initial);
    g_string_append_c(text, '.');
    put_sentences(text->str);
}

/* Lines as typed, without filling; long ones go on behind a backslash. */
static void put_example(const char *example) {
    g_auto(GStrv) lines = g_strsplit(example, "\n", 0);
    fputs(".PP\n.nf\n", stdout);
    for (char **line = lines; *line; line++) {
        g_autofree char *roff = escaped(*line);
        const char *rest = roff;
        while (strlen(rest) > WIDTH) {
            int cut = WIDTH;
            while (cut > 0 && rest[cut - 1] != ' ') cut--;
            if (cut == 0) break;
            printf("%.*s\\\n", cut, rest);
            rest += cut;
        }
        puts(rest);
    }
    fputs(".fi\n", stdout);
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

/* runtime/data_dir.h */
static void put_files(void) {
    static const struct {
        const char *path, *what;
    } files[] = {
        {"journal.avro", "The journal: all that came in, in the order in which it was folded. The only truth."},
        {"outputs/", "What came out, an Avro file a topic. A function of the journal."},
        {"state/", "The state that queries read. A function of the journal; where it is removed, the next fold builds it again."},
        {"inbox/", "Input that cannot be read twice, until it is folded."},
    };
    fputs(".SH FILES\nIn the data directory:\n", stdout);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        printf(".TP\n\\fI%s\\fR\n", files[i].path);
        put_sentences(files[i].what);
    }
}

/* runtime/config.h */
static void put_configuration(void) {
    fputs(".SH CONFIGURATION\n", stdout);
    put_paragraphs("What talks to Kafka reads a YAML file. A dot below stands for a level: commit.live_ms is live_ms under commit. A value may be "
                   "${NAME} from the environment or ${file:/path} from a file; a secret must be. ringback check-config --sample prints a file to "
                   "begin with.");
    for (size_t i = 0; i < config_key_count; i++) {
        fputs(".TP\n\\fB", stdout);
        put(config_keys[i].name);
        fputs("\\fR\n", stdout);
        put_sentences(config_keys[i].help);
        g_autofree char *more = config_keys[i].required  ? g_strdup("Required.")
                                : config_keys[i].initial ? g_strdup_printf("Where it is not given: %s.", config_keys[i].initial)
                                                         : NULL;
        if (more) put_sentences(more);
    }
}

static int run(const struct arguments *arguments) {
    (void)arguments;
    printf(".TH RINGBACK 1 %s \"ringback %s\"\n.SH NAME\nringback \\- win back missed calls\n", RELEASE_DATE, RINGBACK_VERSION);
    fputs(".SH SYNOPSIS\n\\fBringback\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.br\n\\fBringback\\fR \\fB\\-\\-help\\fR | "
          "\\fB\\-\\-version\\fR\n",
          stdout);
    fputs(".SH DESCRIPTION\n", stdout);
    put_paragraphs("Ringback folds the events of calls, jobs and people's commands into follow-ups: calls that were missed or "
                   "abandoned, and calls that were answered but not booked. Everything it says is a function of its journal. Input that is "
                   "not good is journalled too and reported, never lost.");
    fputs(".SH COMMANDS\n", stdout);
    for (const struct command *const *each = commands; *each; each++)
        if (!(*each)->hidden) put_command(*each);
    put_configuration();
    fputs(".SH EXIT STATUS\n", stdout);
    for (const struct exit_row *row = exit_rows; row->meaning; row++) {
        g_autofree char *sentence = g_strconcat(row->meaning, ".", NULL);
        printf(".TP\n%d\n", row->code);
        put_sentences(sentence);
    }
    put_files();
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
