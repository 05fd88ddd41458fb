/* The HTTP server as clients meet it, good and bad (runtime/http.h). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../runtime/health.h"
#include "../../runtime/http.h"
#include "../../runtime/metrics.h"

#include <cmocka.h>

struct service {
    struct service_pages pages;
    struct http_route routes[SERVICE_ROUTES];
    struct http *http;
};

static int setup(void **state) {
    static struct service service;
    struct failure failure = {0};
    service.pages = (struct service_pages){metrics_make(2), health_make(2, 1)};
    service_routes(service.routes, &service.pages);
    if (http_start(&service.http, "localhost", 0, service.routes, &failure) < 0) fail_msg("%s", failure.text);
    *state = &service;
    return 0;
}

static int teardown(void **state) {
    struct service *service = *state;
    http_stop(service->http);
    metrics_free(service->pages.metrics);
    health_free(service->pages.health);
    return 0;
}

static int connected(const struct service *service) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(service->http)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

/* Everything up to the end of the connection, or to 3 s of silence. */
static const char *received(int client) {
    static char text[128 * 1024];
    size_t size = 0;
    struct pollfd readable = {.fd = client, .events = POLLIN};
    while (size < sizeof text - 1 && poll(&readable, 1, 3000) == 1) {
        ssize_t got = recv(client, text + size, sizeof text - 1 - size, 0);
        if (got <= 0) break;
        size += (size_t)got;
    }
    text[size] = 0;
    close(client);
    return text;
}

static const char *exchange(const struct service *service, const char *request) {
    int client = connected(service);
    assert_int_equal(send(client, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return received(client);
}

static const char *get(const struct service *service, const char *path) {
    char request[300];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    return exchange(service, request);
}

static void status_is(const char *answer, int status) {
    char wanted[20];
    snprintf(wanted, sizeof wanted, "HTTP/1.1 %d ", status);
    if (strncmp(answer, wanted, strlen(wanted)) != 0) fail_msg("wanted %d, got: %.200s", status, answer);
}

static void test_pages(void **state) {
    struct service *service = *state;
    metrics_add(service->pages.metrics, METRIC_DUPLICATES, 1, 0, 0, 5);
    const char *answer = get(service, "/metrics");
    status_is(answer, 200);
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "\nringback_duplicates_total{partition=\"1\"} 5\n"));
    answer = get(service, "/version");
    status_is(answer, 200);
    assert_non_null(strstr(answer, "{\"version\":\"" RINGBACK_VERSION "\"}"));
}

static void test_health(void **state) {
    struct service *service = *state;
    status_is(get(service, "/livez"), 200);
    status_is(get(service, "/readyz"), 200);
    health_partition(service->pages.health, 1, "rebuilding");
    const char *answer = get(service, "/readyz");
    status_is(answer, 503);
    assert_non_null(strstr(answer, "{\"ready\":false,\"reasons\":[\"partition 1: rebuilding\"]}"));
    status_is(get(service, "/livez"), 200);
    health_beat(service->pages.health, 0, "commit", 1);
    usleep(20000);
    answer = get(service, "/livez");
    status_is(answer, 503);
    assert_non_null(strstr(answer, "thread 0 is late: commit"));
    health_beat(service->pages.health, 0, "rest", 0);
}

static void test_what_is_not_there(void **state) {
    struct service *service = *state;
    const char *answer = get(service, "/metrics/../etc/passwd");
    status_is(answer, 404);
    assert_non_null(strstr(answer, "There are:\n  /metrics\n"));
    status_is(get(service, "/"), 404);
    answer = exchange(service, "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nabcd");
    status_is(answer, 405);
    assert_non_null(strstr(answer, "Allow: GET, HEAD\r\n"));
    answer = exchange(service, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    status_is(answer, 200);
    assert_null(strstr(answer, "# HELP"));
}

/* Nothing that is sent ends or blocks the server. */
static void test_hostile(void **state) {
    struct service *service = *state;
    static char long_request[64 * 1024];
    memset(long_request, 'a', sizeof long_request - 1);
    memcpy(long_request, "GET /", 5);
    exchange(service, long_request);
    exchange(service, "\r\n\r\n\r\n");
    exchange(service, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n");
    exchange(service, "GET /%00%ff%2e%2e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    int idle[60], count = 0;
    for (; count < 60; count++) idle[count] = connected(service); /* more than one address may have */
    for (int i = 0; i < count; i++) close(idle[i]);
    usleep(100000);
    status_is(get(service, "/livez"), 200);
}

static void test_addresses(void **state) {
    struct service *service = *state;
    struct failure failure = {0};
    struct http *http;
    assert_int_equal(http_start(&http, "no.such.host", 0, service->routes, &failure), -1);
    assert_int_equal(failure.code, EXIT_CONFIGURATION);
    failure = (struct failure){0};
    assert_int_equal(http_start(&http, "192.0.2.1", 0, service->routes, &failure), -1); /* no address of this machine */
    assert_int_equal(failure.code, EXIT_FAILED);
    assert_non_null(strstr(failure.text, "cannot listen on 192.0.2.1, port 0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),   cmocka_unit_test(test_health),    cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
