#include <inttypes.h>
#include <stdio.h>

#include "configured.h"
#include "snapshot.h"

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"partition", 'p', OPTION_NUMBER, "N", NULL, true, false, "The partition"},
    {"discard-newer", 0, OPTION_FLAG, NULL, NULL, false, false, "Also where the state is newer than the snapshot"},
    {0},
};

static int restore(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    long long partition = argument_number(arguments, "partition");
    int64_t seal;
    if (partition_must_be(config, partition, failure) < 0) return -1;
    int restored = snapshot_restore(config, (int32_t)partition, argument_given(arguments, "discard-newer"), &seal, failure);
    if (restored < 0) return -1;
    if (restored == 0)
        return fail(failure, EXIT_FAILED, "there is no snapshot of partition %lld below %s that opens. Nothing was changed.", partition,
                    config->snapshot.dir);
    printf("partition %lld: restored as of seal %" PRId64 "\n", partition, seal);
    return 0;
}

static int run(const struct arguments *arguments) { return run_configured(arguments, restore); }

const struct command command_restore = {
    .name = "restore",
    .summary = "put a partition's newest snapshot in place of its state",
    .operands = "",
    .description =
        "Copies the newest snapshot that opens beside the partition's state, and then puts it in its place; `ringback run` reads the journal from its "
        "seal on. It does so by itself where a state is missing. There must be room for both. Stop the instance first: a state in use is left "
        "alone.\n\n"
        "Where there is no such snapshot nothing is changed. Nor is it where the state opens and is newer than the snapshot: it is nearer to the "
        "journal's end, and may hold what the journal has lost. --discard-newer is for a state that is not believed.",
    .options = options,
    .example = "ringback restore -c /etc/ringback/ringback.yaml --partition 3\n"
               "  after a disk was replaced\n\n"
               "ringback restore -c /etc/ringback/ringback.yaml --partition 3 --discard-newer\n"
               "  in the place of a state that opens and is wrong",
    .run = run,
};
