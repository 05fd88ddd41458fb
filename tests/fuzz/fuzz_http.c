/* HTTP: whatever a client sends, the server answers or hangs up, and goes on answering others. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../runtime/health.h"
#include "../../runtime/http.h"
#include "../../runtime/metrics.h"
#include "fuzz.h"

static struct http *http;
static struct service_pages pages;
static struct http_route routes[SERVICE_ROUTES];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    struct failure failure = {0};
    pages = (struct service_pages){metrics_make(2), health_make(2, 1)};
    service_routes(routes, &pages);
    PROMISE(http_start(&http, "127.0.0.1", 0, routes, &failure) == 0);
    return 0;
}

static int connected(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(http)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (;;) {
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        PROMISE(client >= 0);
        if (connect(client, (struct sockaddr *)&address, sizeof address) == 0) return client;
        PROMISE(errno == EINTR); /* the fuzzer's alarm */
        close(client);
    }
}

/* Sends all there is to send and returns what comes back up to the end, or up to so long a silence: half a request may be waited for. */
static size_t exchange(const void *data, size_t size, int silence_ms, char *answer, size_t room) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0}; /* else ports run out */
    int client = connected();
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ssize_t sent = send(client, data, size, MSG_NOSIGNAL);
    (void)sent; /* it may hang up before it has read all */
    size_t got = 0;
    struct pollfd readable = {.fd = client, .events = POLLIN};
    while (got < room - 1 && poll(&readable, 1, silence_ms) == 1) {
        ssize_t part = recv(client, answer + got, room - 1 - got, 0);
        if (part <= 0) break;
        got += (size_t)part;
    }
    answer[got] = 0;
    close(client);
    return got;
}

/* An address has 32 connections, and the server sees late that some are gone: a few refusals are its right. */
static bool is_alive(void) {
    static const char live[] = "GET /livez HTTP/1.0\r\n\r\n";
    static char answer[4096];
    for (int tries = 0; tries < 100; tries++) {
        exchange(live, sizeof live - 1, 5000, answer, sizeof answer);
        if (strstr(answer, "{\"alive\":true}")) return true;
        usleep(20000);
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char answer[64 * 1024];
    exchange(data, size, 5, answer, sizeof answer);
    PROMISE(is_alive());
    return 0;
}
