#include "kafka_topics.h"

#include "../schemas/codec/event.h"

#define DAY_MS 86400000LL

/* max.message.bytes: our own records wrap an event (schemas/README.md); 4 KiB are for key, headers and the batch around it. */
#define INPUT_BYTES (RECORD_BYTES_MAX + 4096)
#define OWN_BYTES (4 * RECORD_BYTES_MAX + 4096)

/* Inputs: a producer may be newer or older than we; outputs: so may every consumer.
 * Of inputs the broker itself makes the bytes: librdkafka unpacks gzip without a limit, and whoever may write could send a bomb. */
#define INPUT(name_, one_)                                                                                                         \
    {.name = (name_), .schema = "Event", .compatibility = "BACKWARD_TRANSITIVE", .cleanup = "delete", .retention_ms = 7 * DAY_MS,  \
     .one_partition = (one_), .compression = "lz4", .message_bytes = INPUT_BYTES}
#define OUTPUT(name_, schema_, cleanup_, retention_)                                                                               \
    {.name = (name_), .schema = (schema_), .compatibility = "FULL_TRANSITIVE", .cleanup = (cleanup_), .retention_ms = (retention_), \
     .message_bytes = OWN_BYTES}

/* clang-format off: one a line */
const struct topic_rule topic_rules[KAFKA_TOPICS] = {
    [TOPIC_REJECTED]         = OUTPUT("rejected", "Rejected", "delete", 30 * DAY_MS),
    [TOPIC_CALLS_CLASSIFIED] = OUTPUT("calls-classified", "ClassifiedCall", "compact", NONE),
    [TOPIC_FOLLOWUPS]        = OUTPUT("followups", "Followup", "compact", NONE),
    [TOPIC_FOLLOWUP_EVENTS]  = OUTPUT("followup-events", "FollowupEvent", "delete", 30 * DAY_MS),
    [TOPIC_NOTICES]          = OUTPUT("notices", "Notice", "delete", 7 * DAY_MS),
    [TOPIC_COMMAND_RESULTS]  = OUTPUT("command-results", "CommandResult", "delete", 7 * DAY_MS),
    [KAFKA_TOPIC_JOURNAL]    = {.name = "journal", .schema = "JournalRecord", .cleanup = "delete",
                                .retention_ms = -1, .log_append_time = true, .message_bytes = OWN_BYTES},
    [KAFKA_TOPIC_CALLS]      = INPUT("calls", false),
    [KAFKA_TOPIC_JOBS]       = INPUT("jobs", false),
    [KAFKA_TOPIC_COMMANDS]   = INPUT("commands", false),
    [KAFKA_TOPIC_DIRECTORY]  = INPUT("directory", false),
    [KAFKA_TOPIC_NETWORK]    = INPUT("network", true),
};
/* clang-format on */
