/* The registry's client and cache against a registry that is made here (runtime/registry.h). The real one: tests/kafka. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../runtime/http.h"
#include "../../runtime/registry.h"

#include <cmocka.h>

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int schema_get(void *context, const struct http_request *request, FILE *out, const char **type) {
    (void)request, (void)type;
    json_t *answer = json_pack("{s:s}", "schema", context);
    json_dumpf(answer, out, 0);
    json_decref(answer);
    return 200;
}

static int absent_get(void *context, const struct http_request *request, FILE *out, const char **type) {
    (void)context, (void)request, (void)type;
    fputs("{\"error_code\":40403,\"message\":\"Schema not found\"}", out);
    return 404;
}

static int references_get(void *context, const struct http_request *request, FILE *out, const char **type) {
    (void)context, (void)request, (void)type;
    fputs("{\"schema\":\"\\\"string\\\"\",\"references\":[{\"name\":\"x\"}]}", out);
    return 200;
}

static int garbage_get(void *context, const struct http_request *request, FILE *out, const char **type) {
    (void)context, (void)request, (void)type;
    fputs("<html>", out);
    return 200;
}

static struct http_route routes[] = {
    {"/schemas/ids/1", schema_get, NULL}, /* Event */
    {"/schemas/guids/30313233-3435-3637-3839-616263646566", schema_get, NULL},
    {"/schemas/ids/2", schema_get, NULL}, /* "string" */
    {"/schemas/ids/3", references_get, NULL},
    {"/schemas/ids/4", garbage_get, NULL},
    {"/schemas/ids/404", absent_get, NULL},
    {0},
};

struct place {
    char directory[40];
    struct http *http;
    int port;
    struct config *config;
};

static void listen_at(struct place *place) {
    struct failure failure = {0};
    assert_int_equal(http_start(&place->http, "127.0.0.1", place->port, routes, &failure), 0);
    place->port = http_port(place->http);
}

static int setup(void **state) {
    static struct place place;
    char error[200], yaml[300];
    struct failure failure = {0};
    place = (struct place){.directory = "/tmp/ringback-test-registry-XXXXXX"};
    assert_non_null(mkdtemp(place.directory));
    assert_int_equal(schemas_load(error, sizeof error), 0);
    routes[0].context = routes[1].context = (void *)(uintptr_t)schema_text("Event");
    static char text[] = "\"string\"";
    routes[2].context = text;
    listen_at(&place);
    snprintf(yaml, sizeof yaml, "brokers: b:1\npartitions: 1\nstate: {dir: %s}\nregistry: {url: 'http://127.0.0.1:%d', timeout: 2s}\n",
             place.directory, place.port);
    assert_int_equal(config_parse(&place.config, yaml, strlen(yaml), "f.yaml", &failure), 0);
    *state = &place;
    return 0;
}

static int teardown(void **state) {
    struct place *place = *state;
    char path[80];
    http_stop(place->http);
    config_free(place->config);
    snprintf(path, sizeof path, "%s/schemas.json", place->directory);
    unlink(path);
    rmdir(place->directory);
    return 0;
}

static struct registry *opened(const struct config *config) {
    struct failure failure = {0};
    struct registry *registry;
    assert_int_equal(registry_open(&registry, config, NULL, &failure), 0);
    return registry;
}

static struct framing id(uint32_t number) { return (struct framing){.kind = FRAMING_ID, .schema.id = number}; }

/* Asks until there is an answer, 5 s at most. */
static enum registry_answer answer(struct registry *registry, struct framing framing, const struct plan **plan, struct refusal *why) {
    enum registry_answer got = REGISTRY_WAIT;
    for (int i = 0; i < 500 && got == REGISTRY_WAIT; i++) {
        got = registry_plan(registry, &framing, &shape_event, plan, why);
        if (got == REGISTRY_WAIT) usleep(10000);
    }
    return got;
}

static void test_known(void **state) {
    struct place *place = *state;
    struct registry *registry = opened(place->config);
    const struct plan *plan = NULL, *again = NULL;
    struct refusal why;
    struct framing first = id(1);
    assert_int_equal(registry_plan(registry, &first, &shape_event, &plan, &why), REGISTRY_WAIT); /* nobody waits for the network */
    assert_int_equal(answer(registry, id(1), &plan, &why), REGISTRY_KNOWN);
    assert_true(plan_is_identity(plan));
    assert_int_equal(answer(registry, id(1), &again, &why), REGISTRY_KNOWN);
    assert_ptr_equal(plan, again);
    struct framing guid = {.kind = FRAMING_GUID};
    memcpy(guid.schema.guid, "0123456789abcdef", 16);
    assert_int_equal(answer(registry, guid, &plan, &why), REGISTRY_KNOWN);
    registry_close(registry);
}

static void test_refused(void **state) {
    struct place *place = *state;
    struct registry *registry = opened(place->config);
    const struct plan *plan;
    struct refusal why;
    assert_int_equal(answer(registry, id(404), &plan, &why), REGISTRY_REFUSED);
    assert_int_equal(why.reason, REJECT_MALFORMED);
    assert_string_equal(why.detail, "the registry knows no schema of id 404");
    assert_int_equal(answer(registry, id(2), &plan, &why), REGISTRY_REFUSED);
    assert_non_null(strstr(why.detail, "the schema of id 2: "));
    assert_int_equal(answer(registry, id(3), &plan, &why), REGISTRY_REFUSED);
    assert_string_equal(why.detail, "the schema of id 3 refers to others: register it in one piece");
    struct framing ours = {.kind = FRAMING_FINGERPRINT}, others = {.kind = FRAMING_FINGERPRINT, .schema.fingerprint = 7};
    assert_int_equal(schema_fingerprint(schema_text("Event"), strlen(schema_text("Event")), &ours.schema.fingerprint), 0);
    assert_int_equal(answer(registry, ours, &plan, &why), REGISTRY_KNOWN);
    assert_int_equal(answer(registry, others, &plan, &why), REGISTRY_REFUSED);
    assert_string_equal(why.detail, "no schema of ours has the fingerprint 0000000000000007");
    registry_close(registry);
}

/* A page that is no registry's rejects nothing: it may be a wrong url or a proxy. */
static void test_not_a_registry(void **state) {
    struct place *place = *state;
    struct registry *registry = opened(place->config);
    const struct plan *plan;
    struct refusal why;
    struct framing four = id(4), unrouted = id(5);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(registry_plan(registry, &four, &shape_event, &plan, &why), REGISTRY_WAIT);
        assert_int_equal(registry_plan(registry, &unrouted, &shape_event, &plan, &why), REGISTRY_WAIT);
        usleep(10000);
    }
    assert_true(registry_silent_since(registry) > 0);
    registry_close(registry);
}

static void test_outage(void **state) {
    struct place *place = *state;
    struct registry *registry = opened(place->config);
    const struct plan *plan;
    struct refusal why;
    assert_int_equal(answer(registry, id(1), &plan, &why), REGISTRY_KNOWN);
    assert_int_equal(registry_silent_since(registry), 0);
    http_stop(place->http);
    place->http = NULL;
    struct framing two = id(2);
    assert_int_equal(answer(registry, id(1), &plan, &why), REGISTRY_KNOWN);
    for (int i = 0; i < 200 && !registry_silent_since(registry); i++) {
        assert_int_equal(registry_plan(registry, &two, &shape_event, &plan, &why), REGISTRY_WAIT);
        usleep(10000);
    }
    assert_true(registry_silent_since(registry) > 0);
    registry_close(registry);

    registry = opened(place->config); /* a restart while it is away: what was known still is */
    assert_int_equal(answer(registry, id(1), &plan, &why), REGISTRY_KNOWN);
    assert_int_equal(registry_plan(registry, &two, &shape_event, &plan, &why), REGISTRY_WAIT);
    usleep(300000);
    listen_at(place); /* it is back: what waited is answered */
    assert_int_equal(answer(registry, two, &plan, &why), REGISTRY_REFUSED);
    assert_int_equal(registry_silent_since(registry), 0);
    registry_close(registry);
}

/* Once it did not answer it is asked until it does, though nobody waits for a schema: else it would be called silent for ever. */
static void test_silence_ends(void **state) {
    struct place *place = *state;
    struct framing own[TOPICS];
    struct failure failure = {0};
    http_stop(place->http);
    place->http = NULL;
    struct registry *registry = opened(place->config);
    assert_int_equal(registry_own(registry, 0, own, &failure), -1);
    assert_int_equal(failure.code, EXIT_AGAIN);
    assert_true(registry_silent_since(registry) > 0);
    listen_at(place);
    for (int i = 0; i < 500 && registry_silent_since(registry); i++) usleep(10000);
    assert_int_equal(registry_silent_since(registry), 0);
    registry_close(registry);
}

/* Ids that somebody invents cost a request each, not the wait that a real one is given. */
static void test_invented_ids(void **state) {
    struct place *place = *state;
    static struct http_route all[41];
    static char paths[40][40];
    for (uint32_t i = 0; i < 40; i++) {
        snprintf(paths[i], sizeof paths[i], "/schemas/ids/%u", 1000 + i);
        all[i] = (struct http_route){paths[i], absent_get, NULL};
    }
    http_stop(place->http);
    struct failure failure = {0};
    assert_int_equal(http_start(&place->http, "127.0.0.1", place->port, all, &failure), 0);
    struct registry *registry = opened(place->config);
    const struct plan *plan;
    struct refusal why;
    int64_t before = now_us();
    for (uint32_t i = 0; i < 8; i++) assert_int_equal(answer(registry, id(1000 + i), &plan, &why), REGISTRY_REFUSED);
    int64_t trusted = now_us() - before;
    before = now_us();
    for (uint32_t i = 8; i < 40; i++) assert_int_equal(answer(registry, id(1000 + i), &plan, &why), REGISTRY_REFUSED);
    assert_true((now_us() - before) / 32 < trusted / 8 / 4);
    registry_close(registry);
}

static void test_no_registry(void **state) {
    (void)state;
    struct failure failure = {0};
    struct config *config;
    static const char yaml[] = "brokers: b:1\npartitions: 1\nstate: {dir: /nowhere}\n";
    assert_int_equal(config_parse(&config, yaml, sizeof yaml - 1, "f.yaml", &failure), 0);
    struct registry *registry = opened(config);
    struct framing own[TOPICS], journal = {.kind = FRAMING_FINGERPRINT};
    const struct plan *plan;
    struct refusal why;
    assert_int_equal(registry_own(registry, 0, own, &failure), 0);
    assert_int_equal(own[TOPIC_FOLLOWUPS].kind, FRAMING_FINGERPRINT);
    assert_int_equal(schema_fingerprint(schema_text("JournalRecord"), strlen(schema_text("JournalRecord")), &journal.schema.fingerprint),
                     0);
    assert_int_equal(registry_plan(registry, &journal, &shape_journal_record, &plan, &why), REGISTRY_KNOWN);
    assert_int_equal(registry_plan(registry, &journal, &shape_event, &plan, &why), REGISTRY_REFUSED);
    struct framing one = id(1);
    assert_int_equal(registry_plan(registry, &one, &shape_event, &plan, &why), REGISTRY_REFUSED);
    assert_string_equal(why.detail, "the configuration names no registry that knows the schema of id 1");
    registry_close(registry);
    config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_a_registry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invented_ids, setup, teardown),
        cmocka_unit_test(test_no_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
