/* What any thread may call, called by several at once: counts are whole, and no more go on than have a turn. The thread sanitizer watches
 * the same (tests/tsan). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../runtime/health.h"
#include "../../runtime/http.h"
#include "../../runtime/kafka_bell.h"
#include "../../runtime/metrics.h"
#include "../../runtime/registry.h"
#include "../../runtime/turns.h"

#include <cmocka.h>

#define THREADS 4
#define ROUNDS 500
#define AT_A_TIME 2

/* cmocka's own checks are for its thread alone. */
static void must(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "test_threads: %s\n", what);
    abort();
}

/* Runs it in each of THREADS threads, `context` being the same for all, and waits for them. */
static void together(void *(*run)(void *context), void *context) {
    pthread_t threads[THREADS];
    for (int n = 0; n < THREADS; n++) assert_int_equal(pthread_create(&threads[n], NULL, run, context), 0);
    for (int n = 0; n < THREADS; n++) pthread_join(threads[n], NULL);
}

/* ---- turns ---- */

struct folding {
    struct turns turns;
    atomic_int inside, most;
    int64_t alone; /* by whoever has the only turn */
};

static void *fold_by_turns(void *context) {
    struct folding *folding = context;
    for (int round = 0; round < ROUNDS; round++) {
        turn_take(&folding->turns);
        int inside = atomic_fetch_add(&folding->inside, 1) + 1;
        if (inside > atomic_load(&folding->most)) atomic_store(&folding->most, inside);
        if (round % 50 == 0) usleep(100);
        atomic_fetch_sub(&folding->inside, 1);
        turn_give(&folding->turns);
    }
    return NULL;
}

static void *count_by_turns(void *context) {
    struct folding *folding = context;
    for (int round = 0; round < ROUNDS; round++) {
        turn_take(&folding->turns);
        folding->alone++;
        turn_give(&folding->turns);
    }
    return NULL;
}

static void test_turns(void **state) {
    (void)state;
    struct folding folding = {0};
    turns_make(&folding.turns, AT_A_TIME);
    together(fold_by_turns, &folding);
    assert_in_range(folding.most, 1, AT_A_TIME);
    assert_int_equal(folding.turns.free, AT_A_TIME);
    turns_make(&folding.turns, 1);
    together(count_by_turns, &folding);
    assert_int_equal(folding.alone, THREADS * ROUNDS);
}

/* ---- what is looked at while it changes ---- */

struct service {
    struct service_pages pages;
    struct http *http;
    atomic_int next; /* thread */
};

static void page_get(const struct service *service, const char *path) {
    char request[100], answer[7];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(service->http)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(connect(client, (struct sockaddr *)&address, sizeof address) == 0, "cannot connect");
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path);
    must(send(client, request, (size_t)size, MSG_NOSIGNAL) == size, "cannot send");
    must(recv(client, answer, 7, MSG_WAITALL) == 7 && memcmp(answer, "HTTP/1.", 7) == 0, "no answer");
    close(client);
}

static void *work(void *context) {
    struct service *service = context;
    struct metrics *metrics = service->pages.metrics;
    struct health *health = service->pages.health;
    static const char *const pages[] = {"/metrics", "/readyz", "/livez"};
    int thread = atomic_fetch_add(&service->next, 1), partition = thread % 2;
    for (int round = 0; round < ROUNDS; round++) {
        metrics_add(metrics, METRIC_DUPLICATES, partition, 0, 0, 1);
        metrics_observe(metrics, METRIC_COMMIT, partition, round * 100);
        metrics_role(metrics, partition, round % 2 ? ROLE_WRITER : ROLE_STANDBY);
        health_beat(health, thread, "working", 60000);
        health_partition(health, partition, round % 2 ? "rebuilding" : NULL);
        health_set(health, HEALTH_BROKER, round % 3 ? NULL : "no broker answers");
        if (round % 50 == 0) page_get(service, pages[round / 50 % 3]);
    }
    health_beat(health, thread, "ended", 0);
    return NULL;
}

static void test_pages(void **state) {
    (void)state;
    struct service service = {.pages = {metrics_make(2), health_make(2, THREADS)}};
    struct http_route routes[SERVICE_ROUTES];
    struct failure failure = {0};
    service_routes(routes, &service.pages);
    if (http_start(&service.http, "localhost", 0, routes, &failure) < 0) fail_msg("%s", failure.text);
    together(work, &service);
    http_stop(service.http);
    char *text = NULL, wanted[100];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    metrics_write(out, service.pages.metrics);
    fclose(out);
    for (int partition = 0; partition < 2; partition++) {
        snprintf(wanted, sizeof wanted, "\nringback_duplicates_total{partition=\"%d\"} %d\n", partition, THREADS / 2 * ROUNDS);
        assert_non_null(strstr(text, wanted));
        snprintf(wanted, sizeof wanted, "\nringback_commit_seconds_count{partition=\"%d\"} %d\n", partition, THREADS / 2 * ROUNDS);
        assert_non_null(strstr(text, wanted));
    }
    free(text);
    metrics_free(service.pages.metrics);
    health_free(service.pages.health);
}

/* ---- one waits, others ring ---- */

struct ringing {
    struct bell bell;
    atomic_int rings;
};

static void *ring(void *context) {
    struct ringing *ringing = context;
    for (int round = 0; round < ROUNDS; round++) {
        atomic_fetch_add(&ringing->rings, 1);
        bell_ring(&ringing->bell);
    }
    return NULL;
}

static void *hear(void *context) {
    struct ringing *ringing = context;
    while (atomic_load(&ringing->rings) < THREADS * ROUNDS) bell_wait(&ringing->bell, 60000); /* a ring that is lost hangs */
    return NULL;
}

static void test_bell(void **state) {
    (void)state;
    struct ringing ringing = {0};
    struct failure failure = {0};
    pthread_t hearer;
    assert_int_equal(bell_make(&ringing.bell, &failure), 0);
    assert_int_equal(pthread_create(&hearer, NULL, hear, &ringing), 0);
    together(ring, &ringing);
    pthread_join(hearer, NULL);
    bell_free(&ringing.bell);
}

/* ---- the registry's thread, and those who ask ---- */

static int string_get(void *context, const struct http_request *request, FILE *out, const char **type) {
    (void)context, (void)request, (void)type;
    fputs("{\"schema\":\"\\\"string\\\"\"}", out);
    return 200;
}

#define SCHEMAS 8

static void *ask(void *context) {
    struct registry *registry = context;
    for (uint32_t number = 1; number <= SCHEMAS; number++) {
        struct framing framing = {.kind = FRAMING_ID, .schema.id = number};
        const struct plan *plan;
        struct refusal why;
        enum registry_answer answer;
        while ((answer = registry_plan(registry, &framing, &shape_event, &plan, &why)) == REGISTRY_WAIT) usleep(1000);
        must(answer == REGISTRY_REFUSED, "a string passes for an event");
        must(registry_silent_since(registry) == 0, "the registry answers, and is called silent");
    }
    return NULL;
}

static void test_registry(void **state) {
    (void)state;
    static char paths[SCHEMAS][32];
    struct http_route routes[SCHEMAS + 1] = {0};
    char directory[] = "/tmp/ringback-test-threads-XXXXXX", yaml[300], error[200], file[80];
    struct failure failure = {0};
    struct http *http;
    struct config *config;
    struct registry *registry;
    assert_int_equal(schemas_load(error, sizeof error), 0);
    assert_non_null(mkdtemp(directory));
    for (int n = 0; n < SCHEMAS; n++) {
        snprintf(paths[n], sizeof paths[n], "/schemas/ids/%d", n + 1);
        routes[n] = (struct http_route){paths[n], string_get, NULL};
    }
    assert_int_equal(http_start(&http, "127.0.0.1", 0, routes, &failure), 0);
    snprintf(yaml, sizeof yaml, "brokers: b:1\npartitions: 1\nstate: {dir: %s}\nregistry: {url: 'http://127.0.0.1:%d', timeout: 10s}\n", directory,
             http_port(http));
    assert_int_equal(config_parse(&config, yaml, strlen(yaml), "f.yaml", &failure), 0);
    assert_int_equal(registry_open(&registry, config, NULL, &failure), 0);
    together(ask, registry);
    registry_close(registry);
    http_stop(http);
    config_free(config);
    snprintf(file, sizeof file, "%s/schemas.json", directory);
    unlink(file);
    rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_bell),
        cmocka_unit_test(test_registry),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
