#include "configured.h"
#include "json_log.h"
#include "rekey.h"
#include "stopping.h"

static const struct option_row options[] = {
    OPTION_CONFIG,
    {0},
};

static int serve(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    (void)arguments;
    json_log_begin((enum level)config->log.level);
    json_log(LEVEL_INFO, "started", LOG_TEXT("version", RINGBACK_VERSION), LOG_TEXT("application", config->application));
    int result = rekey_run(config, stop_on_signals(), failure);
    json_log(LEVEL_INFO, "ended", LOG_NUMBER("exit_code", result < 0 ? (int64_t)failure->code : 0));
    return result;
}

static int run(const struct arguments *arguments) { return run_configured(arguments, serve); }

const struct command command_rekey = {
    .name = "rekey",
    .summary = "write topics that are not keyed by tenant into the sources, exactly once",
    .operands = "",
    .description =
        "For topics that a team already has, keyed by call or by nothing, with another number of partitions or another partitioner: copies "
        "the records of each topic named under rekey: in the configuration into the source of that name, byte for byte, keyed by tenant and "
        "partitioned as `ringback run` wants it. Records without a tenant that can be read go along, and are rejected there.\n\n"
        "It tells run how far it has read, so that time does not go past what is still on its way: while rekey stands, run waits. One instance "
        "works, any others stand by and take over. It tells what happens as lines of JSON on standard error. SIGTERM commits what is open and "
        "ends it; killed, it goes on where its last transaction ended, and nothing is lost or written twice.",
    .options = options,
    .example = "ringback rekey -c /etc/ringback/ringback.yaml\n"
               "  copy until it is told to stop, beside ringback run with the same file",
    .run = run,
};
