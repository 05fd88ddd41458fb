#include "kafka_repair.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "kafka_admin.h"
#include "kafka_partition.h"

struct repair {
    struct shared shared;
    struct partition partition;
    bool made;
    int wrong; /* places that contradict each other */
    int64_t next[KAFKA_SOURCES];
    struct failure *failure;
};

/* Whoever is in the group writes, or may begin to at any moment. */
static int group_must_be_empty(const struct config *config, struct failure *failure) {
    bool empty = false;
    struct admin *admin = admin_open(config, failure);
    int result = admin ? admin_group_is_empty(admin, &empty, failure) : -1;
    admin_close(admin);
    if (result < 0 || empty) return result;
    return fail(failure, EXIT_AGAIN,
                "the group %s has members: nothing was done. Stop every instance first, on every machine; one that was killed is a member until "
                "its session ends (session.timeout.ms, 6 s).",
                config->application);
}

static int begin(struct repair *repair, const struct config *config, int32_t number) {
    if (shared_make(&repair->shared, config, repair->failure) < 0 || shared_open(&repair->shared, repair->failure) < 0) return -1;
    repair->shared.member = kafka_open_plain(config, KAFKA_MEMBER, repair->failure);
    if (!repair->shared.member) return -1;
    repair->made = true;
    if (partition_make(&repair->partition, &repair->shared, number, repair->failure) < 0) return -1;
    repair->partition.group = rd_kafka_consumer_group_metadata_new(config->application); /* of no member */
    return 0;
}

static void end(struct repair *repair) {
    if (repair->made) partition_free(&repair->partition);
    if (repair->shared.member) rd_kafka_destroy(repair->shared.member);
    shared_close(&repair->shared);
    shared_free(&repair->shared);
    free(repair);
}

static const char *source_name(int n) { return symbol_text("SourceKind", n + 1); }

/* Compares all that says where a source was read up to. */
static int look(struct repair *repair) {
    struct partition *partition = &repair->partition;
    struct kafka_offset starts[KAFKA_SOURCES], ends[KAFKA_SOURCES], group[KAFKA_SOURCES];
    if (partition_source_bounds(partition, starts, ends) < 0) return -1;
    live_places(repair->shared.config, partition->number, group);
    if (kafka_committed(repair->shared.member, group, GROUP_SOURCES, &partition->failure) < 0) return -1;
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        int64_t sealed = partition->place.topics[n + 1];
        repair->next[n] = sealed;
        if (n < GROUP_SOURCES && group[n].offset != RD_KAFKA_OFFSET_INVALID && group[n].offset != sealed) {
            printf("%s: the group is at offset %" PRId64 ", the journal's last seal at %" PRId64 ": the group is set to the seal's\n",
                   source_name(n), group[n].offset, sealed);
            repair->wrong++;
        }
        if (sealed <= ends[n].offset && sealed >= starts[n].offset) continue;
        repair->next[n] = starts[n].offset;
        printf("%s: the topic holds offsets %" PRId64 " to %" PRId64 ", the journal's last seal is at %" PRId64 ": it is read on from %" PRId64 "\n",
               source_name(n), starts[n].offset, ends[n].offset, sealed, starts[n].offset);
        repair->wrong++;
    }
    return 0;
}

static int mend(struct repair *repair) {
    struct partition *partition = &repair->partition;
    struct seal_source sources[KAFKA_SOURCES];
    int64_t offsets[GROUP_SOURCES];
    if (partition_writer_open(partition, true) < 0) return -1;
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        int64_t sealed = partition->place.topics[n + 1];
        sources[n] = (struct seal_source){.source = n + 1, .next_offset = repair->next[n], .end_as_of = NONE};
        if (n < GROUP_SOURCES) offsets[n] = repair->next[n];
        if (repair->next[n] != sealed &&
            partition_journal_gap(partition, (enum source_kind)(n + 1), sealed, repair->next[n], "the topic was cut or made again; repaired") < 0)
            return -1;
    }
    kafka_producer_offsets(partition->log, offsets);
    if (writer_seal(partition->writer, sources, KAFKA_SOURCES, NULL, 0) < 0 || writer_store(partition->writer) < 0) return -1;
    printf("repaired by seal %" PRId64 "\n", partition->log->sealed.sequence);
    return 0;
}

static int work(struct repair *repair, const struct config *config, int32_t number, bool apply) {
    struct partition *partition = &repair->partition;
    bool begun;
    if (group_must_be_empty(config, repair->failure) < 0 || begin(repair, config, number) < 0) return -1;
    if (partition_state_open(partition) < 0) return -1; /* before anybody is fenced: it may have an owner */
    if ((apply ? partition_follow(partition, &begun) : partition_read_to_end(partition, &begun)) < 0) return -1;
    if (!begun) return fail(&partition->failure, EXIT_FAILED, "partition %" PRId32 " has no journal: there is nothing to repair.", number);
    printf("partition %" PRId32 ": the journal is whole up to seal %" PRId64 "\n", number, partition->place.log.sequence);
    if (look(repair) < 0) return -1;
    if (repair->wrong == 0) printf("its offsets agree\n");
    if (repair->wrong == 0 || !apply) return repair->wrong != 0;
    return mend(repair);
}

int kafka_repair(const struct config *config, int32_t partition, bool apply, struct failure *failure) {
    struct repair *repair = calloc(1, sizeof *repair);
    if (!repair) return fail_memory(failure);
    repair->failure = failure;
    int result = work(repair, config, partition, apply);
    if (result < 0 && repair->partition.failure.code) *failure = repair->partition.failure;
    end(repair);
    return result;
}
