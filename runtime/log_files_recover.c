#include "log_files_recover.h"

#include <inttypes.h>
#include <xxhash.h>

struct scan {
    struct container_reader *reader;
    const struct plan *plan;
    const char *path;
    struct log_place *place;
    int64_t unsealed; /* records since the seal at `place` */
    struct failure *failure;
};

void seal_hash(const void *record, size_t size, uint8_t hash[SEAL_HASH_BYTES]) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(record, size));
    memcpy(hash, canonical.digest, SEAL_HASH_BYTES);
}

/* A seal stands alone in its block. */
static bool block_is_seal(const struct plan *plan, struct str block, int64_t count, struct journal_record *record,
                          struct scratch *scratch) {
    if (count != 1) return false;
    struct str event_bytes;
    struct refusal why;
    int64_t size = codec_read_journal(plan, (const uint8_t *)block.ptr, block.len, record, &event_bytes, scratch, &why);
    return size == (int64_t)block.len && record->type == JOURNAL_SEAL;
}

static const char *chain_fault(const struct scan *scan, const struct seal *seal) {
    const struct log_place *place = scan->place;
    if (seal->journal_id.len != JOURNAL_ID_DIGITS) return "its journal id is not 32 digits";
    if (place->sequence >= 0 && memcmp(seal->journal_id.ptr, place->journal_id, JOURNAL_ID_DIGITS) != 0) return "it is of another journal";
    if (seal->sequence != place->sequence + 1) return "its number does not follow";
    if (seal->previous.len != SEAL_HASH_BYTES || memcmp(seal->previous.ptr, place->seal_hash, SEAL_HASH_BYTES) != 0)
        return "the seal before is not the one it was written after";
    if (seal->records != scan->unsealed) return "records before it are missing or too many";
    return NULL;
}

static int seal_take(struct scan *scan, const struct seal *seal, struct str block, size_t at) {
    const char *fault = chain_fault(scan, seal);
    if (fault)
        return fail(scan->failure, EXIT_FAILED, "%s is damaged: the seal at byte %zu does not fit, %s. Restore the file from a backup.",
                    scan->path, at, fault);
    struct log_place *place = scan->place;
    memcpy(place->journal_id, seal->journal_id.ptr, JOURNAL_ID_DIGITS);
    place->journal_id[JOURNAL_ID_DIGITS] = 0;
    place->partition = seal->partition;
    place->partitions = seal->partitions;
    place->sequence = seal->sequence;
    place->seal_at = (int64_t)at;
    place->position = (int64_t)scan->reader->at;
    seal_hash(block.ptr, block.len, place->seal_hash);
    for (uint32_t n = 0; n < seal->outputs.count; n++) {
        int topic = seal->outputs.items[n].topic;
        if (topic >= 0 && topic < TOPICS) place->outputs[topic] = seal->outputs.items[n].position;
    }
    scan->unsealed = 0;
    return 0;
}

/* After damage at `at`: a torn tail, unless a seal can still be found behind it, wherever: the markers before it may be what is damaged. */
static int tail_check(struct scan *scan, size_t at, struct scratch *scratch) {
    const uint8_t one_record = 2; /* the count of a seal's block, as Avro writes it */
    struct container_reader *reader = scan->reader;
    const uint8_t *end = reader->bytes + reader->size, *next = reader->bytes + at;
    for (; (next = memchr(next, one_record, (size_t)(end - next))) != NULL; next++) {
        size_t seal_at = (size_t)(next - reader->bytes);
        struct str block;
        int64_t count;
        struct journal_record record;
        container_seek(reader, seal_at);
        if (container_next(reader, &block, &count) == CONTAINER_BLOCK && block_is_seal(scan->plan, block, count, &record, scratch))
            return fail(scan->failure, EXIT_FAILED,
                        "%s is damaged at byte %zu: seal %" PRId64 " follows at byte %zu. Restore the file from a backup.", scan->path, at,
                        record.body.seal.sequence, seal_at);
    }
    return 0;
}

/* The state remembers a seal: it must be there, unchanged. */
static int remembered_check(struct scan *scan) {
    const struct log_place *place = scan->place;
    struct container_reader *reader = scan->reader;
    if ((int64_t)reader->size < place->position)
        return fail(scan->failure, EXIT_FAILED,
                    "%s ends at byte %zu, but the state follows it up to byte %" PRId64 " (seal %" PRId64
                    "): the end of the journal is lost. "
                    "Restore the journal from a backup; to go on with the shorter one instead, remove the directory state beside it and "
                    "put outputs of `ringback refold` in place.",
                    scan->path, reader->size, place->position, place->sequence);
    struct str block;
    int64_t count;
    uint8_t hash[SEAL_HASH_BYTES];
    container_seek(reader, (size_t)place->seal_at);
    bool there = container_next(reader, &block, &count) == CONTAINER_BLOCK && (int64_t)reader->at == place->position;
    if (there) seal_hash(block.ptr, block.len, hash);
    if (there && memcmp(hash, place->seal_hash, sizeof hash) == 0) return 0;
    return fail(scan->failure, EXIT_FAILED,
                "%s does not hold seal %" PRId64 " at byte %" PRId64
                ", which the state follows: it is damaged, or the journal of another data directory. "
                "Restore the file from a backup; if it is the right one, remove the directory state beside it, which is then built again.",
                scan->path, place->sequence, place->seal_at);
}

int journal_recover(struct container_reader *reader, const struct plan *plan, const char *path, struct log_place *place,
                    struct failure *failure) {
    struct scan scan = {.reader = reader, .plan = plan, .path = path, .place = place, .failure = failure};
    struct scratch scratch;
    if (place->sequence >= 0 && remembered_check(&scan) < 0) return -1;
    for (;;) {
        size_t at = reader->at;
        struct str block;
        int64_t count;
        struct journal_record record;
        enum container_result result = container_next(reader, &block, &count);
        if (result == CONTAINER_END) return 0;
        if (result != CONTAINER_BLOCK) return tail_check(&scan, at, &scratch);
        if (!block_is_seal(plan, block, count, &record, &scratch))
            scan.unsealed += count;
        else if (seal_take(&scan, &record.body.seal, block, at) < 0)
            return -1;
    }
}
