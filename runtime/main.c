/* ringback: one thin program; what it does is in the commands (commands.c). */
#include <signal.h>
#include <string.h>

#include "help.h"
#include "options.h"

static int unknown_command(const char *name) {
    enum { MOST = 32 };
    const char *names[MOST];
    size_t count = 0;
    for (const struct command *const *each = commands; *each && count < MOST - 1; each++)
        if (!(*each)->hidden) names[count++] = (*each)->name;
    names[count] = NULL;
    const char *nearest = nearest_name(name, names);
    if (nearest)
        complain("unknown command \"%s\". Did you mean %s? See ringback --help.", name, nearest);
    else
        complain("unknown command \"%s\". See ringback --help.", name);
    return EXIT_USAGE;
}

static int help_on(const char *name) {
    const struct command *command = name ? command_named(name) : NULL;
    if (name && !command) return unknown_command(name);
    if (command)
        help_command(stdout, command);
    else
        help_program(stdout);
    return EXIT_DONE;
}

static int run(const struct command *command, int argc, char **argv) {
    struct arguments *arguments;
    bool help;
    int code = arguments_parse(&arguments, &help, command, argc, argv);
    if (code) return code;
    if (help) return help_on(command->name);
    code = command->run(arguments);
    arguments_free(arguments);
    return code;
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        help_program(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) return help_on(argv[2]);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        help_version(stdout);
        return EXIT_DONE;
    }
    if (*word == '-') {
        complain("unknown option %s. Options come after a command; see ringback --help.", word);
        return EXIT_USAGE;
    }
    const struct command *command = command_named(word);
    if (!command) return unknown_command(word);
    complain_as(command->name);
    return run(command, argc - 1, argv + 1);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_DFL); /* `ringback dump FILE | head` ends quietly, whatever our parent ignores */
    return finish_output(dispatch(argc, argv));
}
