/* A command line: the first byte chooses the command, the rest are its words, with NULs between. Refused with what is wrong, or taken; what is
 * taken has the values that its table promises, and what is asked for before anything else, help, is given. Nothing is run. */
#include "../../runtime/options.h"
#include "fuzz.h"

#define WORDS_MAX 60

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    return 0;
}

static void option_promise(const struct arguments *arguments, const struct option_row *row) {
    size_t count = argument_count(arguments, row->name);
    PROMISE(count > 0 || (!row->required && !row->initial));
    PROMISE(!argument_given(arguments, row->name) || count > 0);
    PROMISE(!argument_text(arguments, row->name) == !count);
    for (size_t n = 0; n < count; n++) {
        PROMISE(argument_at(arguments, row->name, n));
        if (row->kind == OPTION_NUMBER || row->kind == OPTION_DURATION) PROMISE(argument_choice_at(arguments, row->name, n) >= 0);
        if (row->kind != OPTION_CHOICE) continue;
        long long place = argument_choice_at(arguments, row->name, n);
        const char *choice = row->value;
        for (long long passed = 0; passed < place; passed++) PROMISE((choice = strchr(choice, '|')) && choice++);
        size_t size = strcspn(choice, "|");
        PROMISE(place >= 0 && strlen(argument_at(arguments, row->name, n)) == size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t count = 0;
    while (commands[count]) count++;
    if (size == 0) return 0;
    const struct command *command = commands[data[0] % count];
    char *text = malloc(size), *words[WORDS_MAX + 2] = {(char *)(uintptr_t)command->name};
    int argc = 1;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    for (char *at = text; at < text + size - 1 && argc <= WORDS_MAX; at += strlen(at) + 1) words[argc++] = at;
    struct arguments *arguments = NULL;
    bool help;
    int code = arguments_parse(&arguments, &help, command, argc, words);
    PROMISE(code == EXIT_DONE || (code == EXIT_USAGE && !help));
    PROMISE(!arguments == (code != EXIT_DONE || help));
    if (arguments) {
        for (const struct option_row *row = command->options; row && row->name; row++) option_promise(arguments, row);
        for (size_t n = 0; n < operand_count(arguments); n++) PROMISE(operand_at(arguments, n));
        PROMISE(!operand_at(arguments, operand_count(arguments)));
    }
    arguments_free(arguments);
    free(text);
    return 0;
}
