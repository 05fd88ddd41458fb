#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "configured.h"
#include "json_log.h"
#include "kafka_audit.h"
#include "progress.h"

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"partition", 'p', OPTION_NUMBER, "N", NULL, false, true, "This partition alone"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, false, false, "No progress"},
    {0},
};

static void show_progress(void *context, int64_t at, int64_t end, uint64_t records) {
    progress_step(context, "folding again:", records, (uint64_t)at, (uint64_t)end);
}

static int audit_one(const struct arguments *arguments, struct audit *audit, int32_t partition, struct failure *failure) {
    struct progress progress;
    struct audit_counts counts;
    char records[32], outputs[32], gone[32], uncompared[32];
    progress_start(&progress, !argument_given(arguments, "quiet"));
    int result = audit_partition(audit, partition, show_progress, &progress, &counts, failure);
    progress_clear(&progress);
    if (result < 0) return -1;
    printf("partition %" PRId32 ": %" PRId64 " seals, %s records, %s outputs as the journal gives them", partition, counts.seals,
           grouped(counts.read.records, records), grouped(counts.outputs - counts.gone, outputs));
    if (counts.gone) printf(", %s removed by cleanup", grouped(counts.gone, gone));
    if (counts.read.uncompared) printf(", %s hashes of another layout of the state not compared", grouped(counts.read.uncompared, uncompared));
    putchar('\n');
    return 0;
}

static int audit_all(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    struct audit *audit;
    json_log_level(LEVEL_ERROR);
    if (audit_open(&audit, config, failure) < 0) return -1;
    size_t given = argument_count(arguments, "partition");
    int64_t count = given ? (int64_t)given : config->partitions;
    int result = 0;
    for (int64_t n = 0; n < count && result == 0; n++) {
        long long partition = given ? strtoll(argument_at(arguments, "partition", (size_t)n), NULL, 10) : n;
        result = partition_must_be(config, partition, failure);
        if (result == 0) result = audit_one(arguments, audit, (int32_t)partition, failure);
    }
    audit_close(audit);
    return result;
}

static int run(const struct arguments *arguments) { return run_configured(arguments, audit_all); }

const struct command command_audit = {
    .name = "audit",
    .summary = "prove that journal and outputs on Kafka are whole and agree",
    .operands = "",
    .description =
        "Folds each partition's journal again from its beginning and holds against it what lies in the topics: the chain of seals, their "
        "counts and hashes, the dense numbers of the outputs, and every output byte for byte. What cleanup has removed from a topic is "
        "counted, not missed; a journal whose beginning was deleted cannot be audited.\n\n"
        "It reads with read_committed, writes nothing, and may be run beside the service. The state is built in memory.",
    .options = options,
    .example = "ringback audit -c /etc/ringback/ringback.yaml\n"
               "  all partitions",
    .run = run,
};
