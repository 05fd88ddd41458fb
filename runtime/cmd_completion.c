/* ringback completion: scripts that complete commands, options and their values, made from the tables. */
#include <glib.h>
#include <stdio.h>

#include "help.h"

/* "a|b" as "a b" */
static char *spaced(const char *choices) { return g_strdelimit(g_strdup(choices), "|", ' '); }

static const struct command *const *next_shown(const struct command *const *each) {
    while (*each && (*each)->hidden) each++;
    return each;
}

/* Visits the commands that are no secret: for (each = FIRST; *each; each = NEXT(each)). */
#define FIRST next_shown(commands)
#define NEXT(each) next_shown((each) + 1)

static char *command_names(void) {
    GString *names = g_string_new(NULL);
    for (const struct command *const *each = FIRST; *each; each = NEXT(each))
        g_string_append_printf(names, "%s%s", names->len ? " " : "", (*each)->name);
    return g_string_free(names, FALSE);
}

/* Text within single quotes of a shell; of zsh's descriptions also without what _arguments would read: [ ] : */
static void put_quoted(const char *text, const char *masked) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr(masked, *text))
            printf("\\%c", *text);
        else
            fputc(*text, stdout);
    }
}

/* ---- bash */

static void bash_value(const struct command *command, const struct option_row *row) {
    printf("        %s:--%s", command->name, row->name);
    if (row->letter) printf("|%s:-%c", command->name, row->letter);
    fputs(") ", stdout);
    if (row->kind == OPTION_CHOICE) {
        g_autofree char *choices = spaced(row->value);
        printf("COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", choices);
    } else {
        const char *how = row->kind == OPTION_FILE        ? "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); "
                          : row->kind == OPTION_DIRECTORY ? "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$word\")); "
                                                          : "";
        printf("%sreturn ;;\n", how);
    }
}

static void bash_command(const struct command *command) {
    const struct option_row *row;
    printf("        %s) words='", command->name);
    for (size_t n = 0; (row = help_option(command, n)) != NULL; n++) printf("%s--%s", n ? " " : "", row->name);
    fputs("'", stdout);
    if (command->operand_choices) {
        g_autofree char *choices = spaced(command->operand_choices);
        printf("; operands='%s'", choices);
    }
    fputs(" ;;\n", stdout);
}

static void bash(void) {
    g_autofree char *names = command_names();
    printf("# bash completion of ringback %s\n_ringback() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words='' operands=''\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        COMPREPLY=($(compgen -W '%s help --help --version' -- \"$word\"))\n        return\n    fi\n"
           "    case $command:$before in\n",
           RINGBACK_VERSION, names);
    const struct option_row *row;
    for (const struct command *const *each = FIRST; *each; each = NEXT(each))
        for (size_t n = 0; (row = help_option(*each, n)) != NULL; n++)
            if (row->kind != OPTION_FLAG) bash_value(*each, row);
    fputs("    esac\n    case $command in\n", stdout);
    for (const struct command *const *each = FIRST; *each; each = NEXT(each)) bash_command(*each);
    printf("        help) operands='%s' ;;\n    esac\n"
           "    case $word in\n"
           "        -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
           "        *) if [ -n \"$operands\" ]; then COMPREPLY=($(compgen -W \"$operands\" -- \"$word\"))\n"
           "           else compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); fi ;;\n"
           "    esac\n}\ncomplete -F _ringback ringback\n",
           names);
}

/* ---- zsh */

static void zsh_option(const struct option_row *row) {
    fputs("            ", stdout);
    if (row->repeatable)
        fputs("'*", stdout);
    else if (row->letter)
        printf("'(-%c --%s)", row->letter, row->name);
    else
        fputs("'", stdout);
    if (row->letter)
        printf("'{-%c,--%s}'[", row->letter, row->name);
    else
        printf("--%s[", row->name);
    put_quoted(row->help, "[]:\\");
    fputs("]", stdout);
    if (row->kind == OPTION_CHOICE) {
        g_autofree char *choices = spaced(row->value);
        printf(row->repeatable ? ":choice:_values -s , choice %s" : ":choice:(%s)", choices);
    } else if (row->kind != OPTION_FLAG) {
        printf(":%s:%s", row->value, row->kind == OPTION_FILE ? "_files" : row->kind == OPTION_DIRECTORY ? "_files -/" : "");
    }
    fputs("' \\\n", stdout);
}

static void zsh_command(const struct command *command) {
    const struct option_row *row;
    printf("        %s) _arguments -s \\\n", command->name);
    for (size_t n = 0; (row = help_option(command, n)) != NULL; n++) zsh_option(row);
    g_autofree char *choices = command->operand_choices ? spaced(command->operand_choices) : NULL;
    if (choices)
        printf("            '1:what:(%s)' ;;\n", choices);
    else
        fputs(*command->operands ? "            '*:file:_files' ;;\n" : "            && return ;;\n", stdout);
}

static void zsh(void) {
    g_autofree char *names = command_names();
    printf("#compdef ringback\n# zsh completion of ringback %s\n_ringback() {\n    local -a commands\n    commands=(\n", RINGBACK_VERSION);
    for (const struct command *const *each = FIRST; *each; each = NEXT(each)) {
        printf("        '%s:", (*each)->name);
        put_quoted((*each)->summary, ":\\");
        fputs("'\n", stdout);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
          "    shift words\n    (( CURRENT-- ))\n    case $words[1] in\n",
          stdout);
    for (const struct command *const *each = FIRST; *each; each = NEXT(each)) zsh_command(*each);
    printf("        help) _arguments '1:command:(%s)' ;;\n    esac\n}\n"
           "if [ \"$funcstack[1]\" = _ringback ]; then _ringback \"$@\"; else compdef _ringback ringback; fi\n",
           names);
}

/* ---- fish */

static void fish_option(const struct command *command, const struct option_row *row) {
    printf("complete -c ringback -n '__fish_seen_subcommand_from %s' -l %s", command->name, row->name);
    if (row->letter) printf(" -s %c", row->letter);
    if (row->kind == OPTION_CHOICE) {
        g_autofree char *choices = spaced(row->value);
        printf(" -x -a '%s'", choices);
    } else if (row->kind == OPTION_DIRECTORY) {
        fputs(" -x -a '(__fish_complete_directories)'", stdout);
    } else if (row->kind != OPTION_FLAG) {
        fputs(row->kind == OPTION_FILE ? " -r -F" : " -x", stdout);
    }
    fputs(" -d \"", stdout);
    for (const char *text = row->help; *text; text++) printf(strchr("\"$\\", *text) ? "\\%c" : "%c", *text);
    fputs("\"\n", stdout);
}

static void fish(void) {
    g_autofree char *names = command_names();
    printf("# fish completion of ringback %s\ncomplete -c ringback -f\n", RINGBACK_VERSION);
    printf("complete -c ringback -n __fish_use_subcommand -l version -d 'Print the versions'\n"
           "complete -c ringback -n __fish_use_subcommand -a help -d 'Show the help of a command'\n"
           "complete -c ringback -n '__fish_seen_subcommand_from help' -a '%s'\n",
           names);
    for (const struct command *const *each = FIRST; *each; each = NEXT(each)) {
        const struct command *command = *each;
        const struct option_row *row;
        printf("complete -c ringback -n __fish_use_subcommand -a %s -d \"%s\"\n", command->name, command->summary);
        g_autofree char *choices = command->operand_choices ? spaced(command->operand_choices) : NULL;
        if (choices)
            printf("complete -c ringback -n '__fish_seen_subcommand_from %s' -a '%s'\n", command->name, choices);
        else if (*command->operands)
            printf("complete -c ringback -n '__fish_seen_subcommand_from %s' -F\n", command->name);
        for (size_t n = 0; (row = help_option(command, n)) != NULL; n++) fish_option(command, row);
    }
}

static int run(const struct arguments *arguments) {
    switch (*operand_at(arguments, 0)) {
    case 'b': bash(); break;
    case 'z': zsh(); break;
    case 'f': fish(); break;
    }
    return EXIT_DONE;
}

static const struct option_row options[] = {{0}};

const struct command command_completion = {
    .name = "completion",
    .summary = "print a script that completes ringback's words in your shell",
    .operands = "SHELL",
    .operand_choices = "bash|zsh|fish",
    .description =
        "Prints a completion script for bash, zsh or fish. It completes commands, options, and the values that an option can have.",
    .options = options,
    .example = "source <(ringback completion bash)\n"
               "  For this session of bash; the same line works in zsh after compinit.\n\n"
               "ringback completion fish > ~/.config/fish/completions/ringback.fish\n"
               "  For every session of fish.",
    .run = run,
};
