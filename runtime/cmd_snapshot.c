#include <inttypes.h>
#include <stdio.h>

#include "configured.h"
#include "snapshot.h"

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"partition", 'p', OPTION_NUMBER, "N", NULL, false, false, "This partition alone"},
    {0},
};

static int snapshot(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    if (argument_given(arguments, "partition") && partition_must_be(config, argument_number(arguments, "partition"), failure) < 0) return -1;
    for (int32_t n = 0; n < config->partitions; n++) {
        int64_t seal;
        if (argument_given(arguments, "partition") && argument_number(arguments, "partition") != n) continue;
        int taken = snapshot_take(config, n, &seal, failure);
        if (taken < 0) return -1;
        if (taken)
            printf("partition %" PRId32 ": seal %" PRId64 "\n", n, seal);
        else
            printf("partition %" PRId32 ": nothing new\n", n);
    }
    return 0;
}

static int run(const struct arguments *arguments) { return run_configured(arguments, snapshot); }

const struct command command_snapshot = {
    .name = "snapshot",
    .summary = "copy the states of partitions, beside whoever folds them",
    .operands = "",
    .description =
        "Takes a snapshot of each partition's state in state.dir now, as `ringback run` does every snapshot.every: a copy as of the last seal, "
        "below snapshot.dir, on the disk and opened once when this ends. A running service goes on meanwhile.",
    .options = options,
    .example = "ringback snapshot -c /etc/ringback/ringback.yaml\n"
               "  before an upgrade",
    .run = run,
};
