#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "metrics.h"

/* Against clients that take all there is, or never finish (runtime/README.md, "Looking at a service"). */
enum { THREADS = 2, CONNECTIONS = 128, CONNECTIONS_OF_ONE = 32, SILENCE_SECONDS = 10, REQUEST_BYTES = 32 * 1024, BACKLOG = 64 };

struct http {
    struct MHD_Daemon *daemon;
    const struct http_route *routes;
    int port;
};

static const char *argument(const struct http_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Sends `body`, which is freed. */
static enum MHD_Result answer(struct MHD_Connection *connection, int status, const char *content_type, char *body, size_t size) {
    struct MHD_Response *response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", content_type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static const struct http_route *route_of(const struct http *http, const char *path) {
    for (const struct http_route *route = http->routes; route->path; route++)
        if (strcmp(route->path, path) == 0) return route;
    return NULL;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **seen) {
    (void)version, (void)upload;
    const struct http *http = context;
    static char once;
    if (!*seen) { /* headers are read, the body is not */
        *seen = &once;
        return MHD_YES;
    }
    if (*upload_size) { /* nothing here takes a body */
        *upload_size = 0;
        return MHD_YES;
    }
    char *body = NULL;
    size_t size;
    FILE *out = open_memstream(&body, &size);
    if (!out) return MHD_NO;
    const char *content_type = "text/plain; charset=utf-8";
    const struct http_route *route = route_of(http, path);
    struct http_request request = {path, argument, connection};
    int status = MHD_HTTP_OK;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        status = MHD_HTTP_METHOD_NOT_ALLOWED;
        fputs("Only GET and HEAD are answered here.\n", out);
    } else if (!route) {
        status = MHD_HTTP_NOT_FOUND;
        fputs("There are:\n", out);
        for (route = http->routes; route->path; route++) fprintf(out, "  %s\n", route->path);
    } else {
        status = route->handle(route->context, &request, out, &content_type);
    }
    if (fclose(out) != 0) {
        free(body);
        return MHD_NO;
    }
    return answer(connection, status, content_type, body, size);
}

/* "127.0.0.1", "::1", "localhost"; false: it is no address. */
static bool address_of(const char *bind, int port, struct sockaddr_storage *address) {
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    memset(address, 0, sizeof *address);
    if (strcmp(bind, "localhost") == 0) bind = "127.0.0.1";
    if (inet_pton(AF_INET, bind, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return true;
    }
    if (inet_pton(AF_INET6, bind, &six->sin6_addr) != 1) return false;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    return true;
}

/* What the library says is of clients that went away. */
static void be_quiet(void *context, const char *format, va_list values) { (void)context, (void)format, (void)values; }

int http_start(struct http **out, const char *bind, int port, const struct http_route *routes, struct failure *failure) {
    struct sockaddr_storage address;
    if (!address_of(bind, port, &address))
        return fail(failure, EXIT_CONFIGURATION, "http.bind must be an IPv4 or IPv6 address or localhost, not \"%s\".", bind);
    struct http *http = calloc(1, sizeof *http);
    if (!http) return fail_memory(failure);
    http->routes = routes;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0U);
    errno = 0;
    http->daemon =
        MHD_start_daemon(flags, (uint16_t)port, NULL, NULL, handle, http, MHD_OPTION_EXTERNAL_LOGGER, be_quiet, NULL, MHD_OPTION_SOCK_ADDR,
                         &address, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                         MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned)SILENCE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
                         MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BACKLOG, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (!http->daemon) {
        int cause = errno;
        free(http);
        return fail(failure, EXIT_FAILED, "cannot listen on %s, port %d: %s. Give another http.bind or http.port; port 0 serves nothing.",
                    bind, port, cause ? strerror(cause) : "the HTTP library did not say why");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    http->port = info && info->port ? info->port : port;
    *out = http;
    return 0;
}

int http_port(const struct http *http) { return http->port; }

void http_stop(struct http *http) {
    if (!http) return;
    MHD_stop_daemon(http->daemon);
    free(http);
}

/* ---- the pages of every service */

static int metrics_page_get(void *context, const struct http_request *request, FILE *out, const char **content_type) {
    (void)request;
    const struct service_pages *pages = context;
    *content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(out, pages->metrics);
    return MHD_HTTP_OK;
}

static int livez_get(void *context, const struct http_request *request, FILE *out, const char **content_type) {
    (void)request;
    const struct service_pages *pages = context;
    *content_type = "application/json";
    return health_write_alive(out, pages->health) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static int readyz_get(void *context, const struct http_request *request, FILE *out, const char **content_type) {
    (void)request;
    const struct service_pages *pages = context;
    *content_type = "application/json";
    return health_write_ready(out, pages->health) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static int version_get(void *context, const struct http_request *request, FILE *out, const char **content_type) {
    (void)context, (void)request;
    *content_type = "application/json";
    fprintf(out, "{\"version\":\"%s\"}\n", RINGBACK_VERSION);
    return MHD_HTTP_OK;
}

void service_routes(struct http_route routes[SERVICE_ROUTES], struct service_pages *pages) {
    routes[0] = (struct http_route){"/metrics", metrics_page_get, pages};
    routes[1] = (struct http_route){"/livez", livez_get, pages};
    routes[2] = (struct http_route){"/readyz", readyz_get, pages};
    routes[3] = (struct http_route){"/version", version_get, pages};
    routes[4] = (struct http_route){0};
}
