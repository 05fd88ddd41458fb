/* ringback verify: is what lies in a data directory what its journal says? */
#include <stdio.h>

#include "../schemas/codec/codec.h"
#include "verify.h"

static const struct option_row options[] = {
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory; it may be in use"},
    {0},
};

static int run(const struct arguments *arguments) {
    const char *data = argument_text(arguments, "data");
    char error[400];
    if (schemas_load(error, sizeof error) < 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    struct failure failure = {0};
    int result = verify(data, &failure);
    schemas_unload();
    if (result < 0) {
        complain("%s", failure.text);
        return (int)failure.code;
    }
    if (result > 0)
        complain("%s is not what its journal says. The journal is the truth: remove %s/state and the next fold builds it again; "
                 "`ringback refold --data %s --outputs DIR` writes the outputs again. A journal that was changed must come from a backup.",
                 data, data, data);
    return result > 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "hold the state and the outputs against the journal, read again",
    .operands = "",
    .description =
        "Reads the journal from its beginning and folds it again. Compares each seal with what came before it (the chain of hashes, "
        "the counts, the outputs' and the state's hash), each record of the output files, and each entry of each table of the state, "
        "indexes and timers included, as of the seal where it stands; and adds up the balance.\n\n"
        "What differs is printed, one line each, with the file, the place and the field; of more than 20 of a kind the number. Exit code 0: all "
        "is as it should be; 1: it is not, or it could not be told.\n\n"
        "Nothing is changed. A fold may be running: then the state is that of the moment at which verify began, and grows until it ends.",
    .options = options,
    .example = "ringback verify --data ringback-data\n"
               "  After a restore, a disk error or an upgrade.",
    .run = run,
};
