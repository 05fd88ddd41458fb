#include "configured.h"
#include "json_log.h"
#include "kafka_repair.h"

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"partition", 'p', OPTION_NUMBER, "N", NULL, true, false, "The partition that is quarantined"},
    {"apply", 0, OPTION_FLAG, NULL, NULL, false, false, "Do it; without it only what would be done is said"},
    {0},
};

static int repair(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    long long partition = argument_number(arguments, "partition");
    if (partition_must_be(config, partition, failure) < 0) return -1;
    json_log_level(LEVEL_ERROR);
    int result = kafka_repair(config, (int32_t)partition, argument_given(arguments, "apply"), failure);
    if (result > 0) complain("nothing was changed. Do it with --apply.");
    return result;
}

static int run(const struct arguments *arguments) { return run_configured(arguments, repair); }

const struct command command_repair = {
    .name = "repair",
    .summary = "bring the offsets of a quarantined partition together again",
    .operands = "",
    .description =
        "A partition is quarantined when its journal, the group's offsets and its sources contradict each other: a transaction was torn, "
        "somebody moved the group, a source topic was cut or made again. This reads the partition's journal to its end, checks it, and says "
        "where the places differ. With --apply the journal is believed: the group is set to its last seal, and a source that does not "
        "reach back is read on from where it begins now, with a gap in the journal.\n\n"
        "Stop every instance first, on every machine: --apply takes the partition over, and whoever writes it is fenced. While the group has members "
        "nothing is done, with --apply or without; one that was killed is a member until its session ends (session.timeout.ms, 6 s). A journal that is "
        "damaged itself is not repaired here: its state directory is built again from a whole one, or a snapshot.",
    .options = options,
    .example = "ringback repair -c /etc/ringback/ringback.yaml --partition 3\n"
               "  say what is wrong with partition 3\n\n"
               "ringback repair -c /etc/ringback/ringback.yaml --partition 3 --apply\n"
               "  and mend it",
    .run = run,
};
