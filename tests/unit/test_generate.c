/* The generator: the same bytes for the same options, valid events in order of time, everything that can happen, in bounded memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "../../runtime/generate_parts.h"
#include "../../runtime/generate_write.h"
#include "../../schemas/codec/codec.h"

#define START INT64_C(1740960000000) /* Monday 2025-03-03T00:00:00Z */

static struct generate_options small(uint64_t seed) {
    return (struct generate_options){
        .seed = seed, .tenants = 3, .start = START, .days = 7, .calls = NONE, .events = NONE, .calls_per_day = 300};
}

/* The hash of all events as Avro, their number in *count. */
static uint64_t hash_of(struct generate_options options, uint64_t *count) {
    struct generator *generator = generate_open(&options);
    assert_non_null(generator);
    const struct event *event;
    static uint8_t bytes[RECORD_BYTES_MAX];
    uint64_t hash = 0;
    for (*count = 0; (event = generate_next(generator)); ++*count)
        hash = XXH3_64bits_withSeed(bytes, codec_write(&shape_event, event, bytes, sizeof bytes), hash);
    generate_close(generator);
    return hash;
}

static void test_the_same_seed_gives_the_same_events(void **state) {
    (void)state;
    uint64_t first_count, second_count;
    assert_int_equal(hash_of(small(1), &first_count), hash_of(small(1), &second_count));
    assert_int_equal(first_count, second_count);
    assert_true(first_count > 10000);
}

static void test_every_option_changes_the_events(void **state) {
    (void)state;
    struct generate_options changed[6];
    for (size_t i = 0; i < 6; i++) changed[i] = small(1);
    changed[0].seed = 2;
    changed[1].tenants = 4;
    changed[2].start += 1;
    changed[3].days = 6;
    changed[4].calls_per_day = 400;
    changed[5].ids = GENERATE_IDS_TIME;
    uint64_t count, original = hash_of(small(1), &count);
    for (size_t i = 0; i < 6; i++) assert_int_not_equal(hash_of(changed[i], &count), original);
}

/* Known bytes: another host, compiler or option of the compiler must come to the same. */
static void test_the_bytes_are_known(void **state) {
    (void)state;
    uint64_t count, hash = hash_of(small(1), &count);
    assert_int_equal(hash, UINT64_C(0x1eec4fec3579f89a));
}

static void test_events_are_valid_and_in_order(void **state) {
    (void)state;
    struct generate_options options = small(7);
    struct generator *generator = generate_open(&options);
    const struct event *event;
    int64_t last = START;
    while ((event = generate_next(generator))) {
        const char *wrong = event_check(event);
        if (wrong) fail_msg("%s: %s", event_type_text((enum event_type)event->type), wrong);
        assert_true(event->occurred_at >= last);
        last = event->occurred_at;
    }
    generate_close(generator);
    assert_true(last > START + 6 * DAY_MS);
    assert_true(last < START + 8 * DAY_MS); /* nothing hangs on long after the end */
}

/* What is in a sample: how often each event type and each value of the fields that decide. */
struct census {
    uint64_t types[EVENT_TYPES], modules[8], exits[6], offers[5], transfers[3], destinations[2], why[3], results[3], ended_by[4],
        classes[4], rows[8], directions[3], kinds[3], no_caller, no_workflow, callbacks, expected, unexpected;
};

static void take_census(struct census *census, const struct event *event) {
    census->types[event->type]++;
    switch ((enum event_type)event->type) {
    case EVENT_CALL_STARTED:
        census->directions[event->body.call_started.direction]++;
        census->kinds[event->body.call_started.kind]++;
        census->no_caller += event->body.call_started.from.ptr == NULL;
        census->callbacks += event->body.call_started.follow_up.ptr != NULL;
        break;
    case EVENT_MODULE_ENTERED: census->modules[event->body.module_entered.module]++; break;
    case EVENT_QUEUE_EXITED: census->exits[event->body.queue_exited.reason]++; break;
    case EVENT_OFFER_ENDED: census->offers[event->body.offer_ended.result]++; break;
    case EVENT_TRANSFERRED: census->transfers[event->body.transferred.to_kind]++; break;
    case EVENT_FORWARDED:
        census->destinations[event->body.forwarded.destination]++;
        census->why[event->body.forwarded.why]++;
        break;
    case EVENT_VOICE_AGENT_DISCONNECTED: census->results[event->body.voice_agent_disconnected.result]++; break;
    case EVENT_CALL_ENDED:
        census->ended_by[event->body.call_ended.by]++;
        census->no_workflow += event->body.call_ended.cause.ptr != NULL;
        break;
    case EVENT_CALL_CLASSIFIED: census->classes[event->body.call_classified.classification]++; break;
    case EVENT_SET_STATUS:
        census->rows[event->body.set_status.status]++;
        census->expected += event->body.set_status.expected_version != NONE;
        census->unexpected += event->body.set_status.expected_version == NONE;
        break;
    default: break;
    }
}

static void assert_all_occur(const char *what, const uint64_t *counts, size_t count, uint64_t except) {
    for (size_t i = 0; i < count; i++)
        if (counts[i] == 0 && !(except >> i & 1)) fail_msg("%s %zu never occurs", what, i);
}

static void test_everything_occurs(void **state) {
    (void)state;
    struct generate_options options = small(3);
    options.tenants = 12;
    options.calls_per_day = 3000;
    struct generator *generator = generate_open(&options);
    struct census census = {0};
    const struct event *event;
    while ((event = generate_next(generator))) take_census(&census, event);
    generate_close(generator);
    assert_all_occur("event type", census.types, EVENT_TYPES, UINT64_C(1) << EVENT_ACTIVATE_RULES); /* whoever runs it decides that */
    assert_all_occur("module", census.modules, 8, 0);
    assert_all_occur("queue exit", census.exits, 6, 0);
    assert_all_occur("offer end", census.offers, 5, 0);
    assert_all_occur("transfer", census.transfers, 3, 0);
    assert_all_occur("forward destination", census.destinations, 2, 0);
    assert_all_occur("forward reason", census.why, 3, 0);
    assert_all_occur("voice agent result", census.results, 3, 0);
    assert_all_occur("end", census.ended_by, 4, 0);
    assert_all_occur("classification", census.classes, 4, 0);
    assert_all_occur("direction", census.directions, 3, 0);
    assert_all_occur("call kind", census.kinds, 3, 0);
    assert_all_occur("status set", census.rows, 8,
                     1u << STATUS_NEW | 1u << STATUS_CONTACT_ATTEMPTED | 1u << STATUS_DISMISSED | 1u << STATUS_WITHDRAWN);
    assert_true(census.no_caller && census.no_workflow && census.callbacks && census.expected && census.unexpected);
}

static void test_a_number_belongs_to_one_caller_of_a_tenant(void **state) {
    (void)state;
    enum { CALLERS = 70000 };
    static char numbers[CALLERS][NUMBER_TEXT];
    for (int british = 0; british < 2; british++) {
        struct tenant tenant = {.british = british};
        for (uint32_t i = 0; i < CALLERS; i++) caller_number(&tenant, i, numbers[i]);
        qsort(numbers, CALLERS, NUMBER_TEXT, (int (*)(const void *, const void *))strcmp);
        for (uint32_t i = 1; i < CALLERS; i++) assert_string_not_equal(numbers[i - 1], numbers[i]);
    }
}

static void test_limits_are_kept(void **state) {
    (void)state;
    struct generate_options options = small(1);
    uint64_t count;
    options.days = NONE;
    options.events = 1234;
    hash_of(options, &count);
    assert_int_equal(count, 1234);

    options.events = NONE;
    options.calls = 100;
    struct generator *generator = generate_open(&options);
    const struct event *event;
    uint64_t started = 0, ended = 0;
    while ((event = generate_next(generator))) {
        started += event->type == EVENT_CALL_STARTED;
        ended += event->type == EVENT_CALL_ENDED;
    }
    generate_close(generator);
    assert_int_equal(started, 100);
    assert_in_range(ended, 98, 100); /* all are finished; of a few the end is never heard */
}

/* Ten times the past, the same memory: what is held grows with how busy the network is, not with how long it runs. */
static void test_memory_holds_no_past(void **state) {
    (void)state;
    struct generate_options options = small(5);
    options.days = NONE;
    options.events = 600000;
    struct generator *generator = generate_open(&options);
    size_t early = 0, late = 0;
    for (uint64_t i = 0; generate_next(generator); i++) {
        size_t *most = i < 60000 ? &early : &late, pending = generate_pending(generator);
        if (pending > *most) *most = pending;
    }
    generate_close(generator);
    assert_true(late < 2 * early);
}

/* What a delivery writes, read back from a temporary file. The caller frees. */
static char *deliver(const struct delivery_options *options, int64_t *records, int64_t *broken) {
    char path[] = "/tmp/test_generate_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    struct generate_options network = small(1);
    network.events = 2000;
    struct generator *generator = generate_open(&network);
    struct delivery *delivery = delivery_open(options, fd);
    const struct event *event;
    while ((event = generate_next(generator))) assert_int_equal(delivery_event(delivery, event), 0);
    assert_int_equal(delivery_finish(delivery), 0);
    *records = delivery_records(delivery);
    *broken = delivery_broken(delivery);
    delivery_close(delivery);
    generate_close(generator);
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_int_equal(pread(fd, text, (size_t)size, 0), size);
    close(fd);
    return text;
}

struct lines {
    uint64_t valid, refused, out_of_order;
};

static struct lines read_lines(const char *text) {
    static struct scratch scratch;
    static char room[RECORD_BYTES_MAX];
    struct lines lines = {0};
    int64_t latest = 0;
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        struct event event;
        struct refusal why;
        scratch.used = 0;
        if (json_read_event(text, (size_t)(end - text), &event, room, sizeof room, &scratch, &why) != 0 || event_check(&event)) {
            lines.refused++;
            continue;
        }
        lines.valid++;
        lines.out_of_order += event.occurred_at < latest;
        if (event.occurred_at > latest) latest = event.occurred_at;
    }
    return lines;
}

static void test_lines_are_readable_and_in_order(void **state) {
    (void)state;
    int64_t records, broken;
    char *text = deliver(&(struct delivery_options){.seed = 1}, &records, &broken);
    struct lines lines = read_lines(text);
    free(text);
    assert_int_equal(records, 2000);
    assert_int_equal(lines.valid, 2000);
    assert_int_equal(lines.refused + lines.out_of_order, 0);
}

static void test_trouble_is_what_was_asked_for(void **state) {
    (void)state;
    struct delivery_options options = {.seed = 1, .late_percent = 10, .late_by = 60000, .repeat_percent = 5, .broken_percent = 10};
    int64_t records, broken;
    char *text = deliver(&options, &records, &broken);
    struct lines lines = read_lines(text);
    free(text);
    assert_in_range(broken, 100, 300);
    assert_int_equal(lines.refused, broken);
    assert_int_equal(lines.valid + lines.refused, records);
    assert_in_range(lines.valid, 2050, 2150); /* 5 in 100 come twice */
    assert_in_range(lines.out_of_order, 100, 800);
}

static int load_schemas(void **state) {
    (void)state;
    char error[512];
    return schemas_load(error, sizeof error);
}

static int unload_schemas(void **state) {
    (void)state;
    schemas_unload();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_events),
        cmocka_unit_test(test_every_option_changes_the_events),
        cmocka_unit_test(test_the_bytes_are_known),
        cmocka_unit_test(test_events_are_valid_and_in_order),
        cmocka_unit_test(test_everything_occurs),
        cmocka_unit_test(test_a_number_belongs_to_one_caller_of_a_tenant),
        cmocka_unit_test(test_limits_are_kept),
        cmocka_unit_test(test_memory_holds_no_past),
        cmocka_unit_test(test_lines_are_readable_and_in_order),
        cmocka_unit_test(test_trouble_is_what_was_asked_for),
    };
    return cmocka_run_group_tests(tests, load_schemas, unload_schemas);
}
