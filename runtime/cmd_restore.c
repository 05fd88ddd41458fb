#include <inttypes.h>
#include <stdio.h>

#include "configured.h"
#include "data_dir.h"
#include "snapshot.h"

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"partition", 'p', OPTION_NUMBER, "N", NULL, true, false, "The partition"},
    {0},
};

static int restore(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    long long partition = argument_number(arguments, "partition");
    char path[PATH_MAX], error[600];
    int64_t seal;
    if (partition >= config->partitions)
        return fail(failure, EXIT_USAGE, "--partition %lld: there are %" PRId64 ", from 0.", partition, config->partitions);
    if (snprintf(path, sizeof path, "%s/%lld/state", config->state.dir, partition) >= (int)sizeof path)
        return fail(failure, EXIT_CONFIGURATION, "state.dir: the path is too long.");
    int code = store_erase_lmdb(path, error, sizeof error);
    if (code < 0) return fail_store(failure, code, path, error);
    int restored = snapshot_restore(config, (int32_t)partition, &seal, failure);
    if (restored == 0) return fail(failure, EXIT_FAILED, "there is no snapshot of partition %lld below %s that opens.", partition, config->snapshot.dir);
    if (restored > 0) printf("partition %lld: restored as of seal %" PRId64 "\n", partition, seal);
    return restored < 0 ? -1 : 0;
}

static int run(const struct arguments *arguments) { return run_configured(arguments, restore); }

const struct command command_restore = {
    .name = "restore",
    .summary = "put a partition's newest snapshot in place of its state",
    .operands = "",
    .description =
        "Removes the partition's state and copies the newest snapshot there; `ringback run` then reads the journal from its seal on. It does so by "
        "itself where a state is missing. Stop the instance first: a state in use is left alone.",
    .options = options,
    .example = "ringback restore -c /etc/ringback/ringback.yaml --partition 3\n"
               "  after a disk was replaced",
    .run = run,
};
