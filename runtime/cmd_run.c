#include "configured.h"
#include "json_log.h"
#include "kafka_worker.h"
#include "stopping.h"

static const struct option_row options[] = {
    {"config", 'c', OPTION_FILE, "FILE", CONFIG_FILE, false, false, "The configuration; ringback check-config explains it"},
    {0},
};

static int serve(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    (void)arguments;
    json_log_begin((enum level)config->log.level);
    json_log(LEVEL_INFO, "started", LOG_TEXT("version", RINGBACK_VERSION), LOG_TEXT("application", config->application),
             LOG_NUMBER("partitions", config->partitions));
    return kafka_worker_run(config, stop_on_signals(), failure);
}

static int run(const struct arguments *arguments) { return run_configured(arguments, serve); }

const struct command command_run = {
    .name = "run",
    .summary = "fold from Kafka to Kafka, exactly once",
    .operands = "",
    .description =
        "Joins the consumer group of the configuration, takes over the partitions that it is assigned, and folds their calls, jobs, "
        "commands and directory into the journal and the output topics, one transaction at a time. Partitions that are not its own it "
        "reads as a standby. Any number of instances share the work; what is stopped or killed is taken over by the others.\n\n"
        "It tells what happens as lines of JSON on standard error, and how it is over HTTP: /metrics, /livez, /readyz. SIGTERM seals what is "
        "open and ends it within 5 seconds.",
    .options = options,
    .example = "ringback run -c /etc/ringback/ringback.yaml\n"
               "  run until it is told to stop",
    .run = run,
};
