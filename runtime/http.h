/*
 * http: a small HTTP server (libmicrohttpd) for what looks at a running service. Loopback unless told otherwise.
 *
 * GET and HEAD only, no bodies read. Bounded: connections in all and from one address, 10 s of silence, 32 KiB of a request.
 * Handlers run on the server's threads; they take what they need from snapshots and atomics and never wait for the fold.
 */
#ifndef RINGBACK_HTTP_H
#define RINGBACK_HTTP_H

#include <stdio.h>

#include "failure.h"

struct http_request {
    const char *path;                                                 /* "/metrics" */
    const char *(*argument)(const struct http_request *request, const char *name); /* of the query, NULL: not given */
    void *connection;
};

/* Writes the body to `out`, may change *content_type ("text/plain; charset=utf-8") and returns the status. */
typedef int http_handler(void *context, const struct http_request *request, FILE *out, const char **content_type);

struct http_route {
    const char *path; /* exact; ended by a row without path */
    http_handler *handle;
    void *context;
};

struct http;
/* Listens on `bind` (an IPv4 or IPv6 address, or "localhost") and `port` (0: any free one). `routes` must outlive it. 0; -1 described. */
int http_start(struct http **http, const char *bind, int port, const struct http_route *routes, struct failure *failure);
int http_port(const struct http *http);
/* Answers no more; waits for handlers that run. NULL is fine. */
void http_stop(struct http *http);

/* The routes of every service: /metrics, /livez, /readyz, /version. The pointers must outlive the routes. */
struct metrics;
struct health;
struct service_pages { struct metrics *metrics; struct health *health; };
#define SERVICE_ROUTES 5
void service_routes(struct http_route routes[SERVICE_ROUTES], struct service_pages *pages);

#endif
