/* The records of schemas/journal. */
#include "shape.h"

static const struct field seal_source[] = {
    INT(seal_source, source),
    LONG(seal_source, next_offset),
    TIME_OR_NULL(seal_source, end_as_of),
};
static const struct shape shape_seal_source = SHAPE("SealSource", seal_source, OWN_RECORD_BYTES_MAX);

static const struct field seal_output[] = {
    ENUM(seal_output, topic, ENUM_TOPIC),
    LONG(seal_output, position),
};
static const struct shape shape_seal_output = SHAPE("SealOutput", seal_output, OWN_RECORD_BYTES_MAX);

static const struct field record_header[] = {
    STRING(record_header, name),
    BYTES_OR_NULL(record_header, value),
};
const struct shape shape_record_header = SHAPE("RecordHeader", record_header, OWN_RECORD_BYTES_MAX);

static const struct field bad_record[] = {
    ENUM(bad_record, reason, ENUM_REJECT_REASON),
    STRING(bad_record, detail),
    BYTES(bad_record, bytes),
    LONG(bad_record, size_bytes),
    BYTES_OR_NULL(bad_record, key),
    LONG_OR_NULL(bad_record, key_size_bytes),
    RECORDS_OR_NULL(bad_record, headers, record_header, &shape_record_header),
    LONG_OR_NULL(bad_record, header_count),
};
static const struct field seal[] = {
    STRING(seal, journal_id),
    INT(seal, partition),
    INT(seal, partitions),
    LONG(seal, sequence),
    LONG(seal, records),
    LONG(seal, next_output),
    LONG(seal, outputs_hash),
    FIXED(seal, previous, 16),
    LONG(seal, state_hash),
    RECORDS(seal, sources, seal_source, &shape_seal_source),
    RECORDS(seal, outputs, seal_output, &shape_seal_output),
    INT(seal, rules_version),
    LONG_OR_NULL(seal, state_layout),
};
static const struct field rules_activated[] = {
    INT(rules_activated, version),
};
static const struct field source_listed[] = {
    INT(source_listed, source),
    ENUM(source_listed, kind, ENUM_SOURCE_KIND),
    STRING(source_listed, name),
    STRING(source_listed, content_hash),
};
static const struct field gap[] = {
    LONG(gap, lost_from),
    LONG(gap, lost_to),
    STRING(gap, detail),
};

#define BODY(avro_name, table) &(const struct shape)SHAPE(avro_name, table, OWN_RECORD_BYTES_MAX)

static const struct shape *const bodies[] = {
    [JOURNAL_EVENT] = &shape_event,
    [JOURNAL_BAD] = BODY("BadRecord", bad_record),
    [JOURNAL_SEAL] = BODY("Seal", seal),
    [JOURNAL_RULES] = BODY("RulesActivated", rules_activated),
    [JOURNAL_SOURCE] = BODY("SourceListed", source_listed),
    [JOURNAL_GAP] = BODY("Gap", gap),
};

const struct shape shape_journal_body = {
    .name = "JournalBody",
    .size_max = OWN_RECORD_BYTES_MAX,
    .branches = bodies,
    .branch_count = COUNT(bodies),
    .tag_offset = offsetof(struct journal_record, type),
    .body_offset = offsetof(struct journal_record, body),
};

static const struct field journal_record[] = {
    INT(journal_record, source),
    LONG(journal_record, offset),
    TIME(journal_record, append_time),
    UNION(body, &shape_journal_body),
};
const struct shape shape_journal_record = SHAPE("JournalRecord", journal_record, OWN_RECORD_BYTES_MAX);
