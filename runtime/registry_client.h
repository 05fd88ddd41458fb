/*
 * registry_client: one request to a schema registry over HTTP, bounded in time and size (inside registry*.c and schemas_register.c only).
 *
 * The API is Confluent's (GET /schemas/ids/7, POST /subjects/NAME/versions, ...). No redirects are followed, no other protocols spoken.
 * A client is used by one thread at a time.
 */
#ifndef RINGBACK_REGISTRY_CLIENT_H
#define RINGBACK_REGISTRY_CLIENT_H

#include <jansson.h>

#include "config.h"

enum registry_outcome {
    REGISTRY_OK,
    REGISTRY_ABSENT,       /* the registry says that there is no such thing (404 in its own words, not some other server's) */
    REGISTRY_INCOMPATIBLE, /* 409 */
    REGISTRY_INVALID,      /* 400, 422: it does not take the schema or the request */
    REGISTRY_DENIED,       /* 401, 403 */
    REGISTRY_UNREACHABLE   /* no answer, not in time, not from a registry, or 5xx */
};

struct registry_client;
int registry_client_open(struct registry_client **client, const struct config *config, struct failure *failure);
void registry_client_close(struct registry_client *client); /* NULL is fine */

/* Requests method and path ("/subjects"), with `body` where it is not NULL. On REGISTRY_OK *reply is the caller's (json_decref); else
 * *reply is NULL and registry_client_error says why, with the address. */
enum registry_outcome registry_request(struct registry_client *client, const char *method, const char *path, const json_t *body,
                                       json_t **reply);
const char *registry_client_error(const struct registry_client *client);

/* "NAME-value" of a topic, escaped for a path; the caller frees (g_free). */
char *registry_subject(const struct config *config, int topic);

#endif
