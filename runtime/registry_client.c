#include "registry_client.h"

#include <curl/curl.h>
#include <glib.h>
#include <pthread.h>

#define REPLY_BYTES_MAX (4 * 1024 * 1024) /* a schema of 1 MiB, as JSON text within JSON */

struct registry_client {
    const struct config *config;
    CURL *curl;
    struct curl_slist *headers;
    GString *reply;
    char curl_error[CURL_ERROR_SIZE];
    char error[600];
};

static void initialise(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static size_t take(char *bytes, size_t size, size_t count, void *context) {
    GString *reply = context;
    if (reply->len + size * count > REPLY_BYTES_MAX) return 0; /* curl gives up: CURLE_WRITE_ERROR */
    g_string_append_len(reply, bytes, (gssize)(size * count));
    return size * count;
}

static void set_up(struct registry_client *client) {
    const struct config *config = client->config;
    CURL *curl = client->curl;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)config->registry.timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->registry.timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client->reply);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "ringback/" RINGBACK_VERSION);
    if (config->registry.ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, config->registry.ca_file);
    if (config->registry.user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, config->registry.user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, config->registry.password);
    }
    if (config->registry.token) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, config->registry.token);
    }
}

int registry_client_open(struct registry_client **out, const struct config *config, struct failure *failure) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    struct registry_client *client = g_new0(struct registry_client, 1);
    client->config = config;
    client->curl = curl_easy_init();
    client->reply = g_string_new(NULL);
    client->headers = curl_slist_append(client->headers, "Accept: application/vnd.schemaregistry.v1+json, application/json");
    if (client->headers) client->headers = curl_slist_append(client->headers, "Content-Type: application/vnd.schemaregistry.v1+json");
    if (!client->curl || !client->headers) {
        registry_client_close(client);
        return fail_memory(failure);
    }
    set_up(client);
    *out = client;
    return 0;
}

void registry_client_close(struct registry_client *client) {
    if (!client) return;
    curl_easy_cleanup(client->curl);
    curl_slist_free_all(client->headers);
    g_string_free(client->reply, TRUE);
    g_free(client);
}

const char *registry_client_error(const struct registry_client *client) { return client->error; }

char *registry_subject(const struct config *config, int topic) {
    g_autofree char *subject = g_strconcat(config->topics.names[topic], "-value", NULL);
    return g_uri_escape_string(subject, NULL, FALSE);
}

/* What the registry itself says is wrong; NULL: the answer is not a registry's. */
static const char *message_of(const json_t *reply) {
    return json_is_integer(json_object_get(reply, "error_code")) ? json_string_value(json_object_get(reply, "message")) : NULL;
}

static enum registry_outcome outcome_of(long status, bool is_registry) {
    if (status >= 200 && status < 300) return REGISTRY_OK;
    if (status == 401 || status == 403) return REGISTRY_DENIED;
    if (!is_registry) return REGISTRY_UNREACHABLE;
    if (status == 404) return REGISTRY_ABSENT;
    if (status == 409) return REGISTRY_INCOMPATIBLE;
    return status == 400 || status == 422 ? REGISTRY_INVALID : REGISTRY_UNREACHABLE;
}

/* What to do about it, behind what is wrong. */
static const char *advice(long status, bool is_registry) {
    if (status == 401 || status == 403) return ". Look at registry.user and registry.password, or registry.token, and what they may do";
    if (!is_registry) return ". This is not what a registry answers: look at registry.url";
    return "";
}

static enum registry_outcome perform(struct registry_client *client, const char *method, const char *url, json_t **reply) {
    client->curl_error[0] = 0;
    CURLcode code = curl_easy_perform(client->curl);
    if (code != CURLE_OK) {
        const char *why = *client->curl_error ? client->curl_error : curl_easy_strerror(code);
        if (code == CURLE_WRITE_ERROR) why = "it answers more than 4 MiB";
        g_snprintf(client->error, sizeof client->error, "%s %s: %s", method, url, why);
        return REGISTRY_UNREACHABLE;
    }
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *answer = json_loadb(client->reply->str, client->reply->len, JSON_DECODE_ANY, NULL);
    const char *message = message_of(answer);
    bool good = status >= 200 && status < 300;
    enum registry_outcome outcome = good && !answer ? REGISTRY_UNREACHABLE : outcome_of(status, message != NULL);
    if (outcome == REGISTRY_OK) {
        *reply = answer;
        return REGISTRY_OK;
    }
    g_snprintf(client->error, sizeof client->error, "%s %s: HTTP status %ld%s%s%s", method, url, status, message ? ", " : "",
               message ? message : "", advice(status, message != NULL));
    json_decref(answer);
    return outcome;
}

enum registry_outcome registry_request(struct registry_client *client, const char *method, const char *path, const json_t *body,
                                       json_t **reply) {
    g_autofree char *base = g_strdup(client->config->registry.url);
    while (g_str_has_suffix(base, "/")) base[strlen(base) - 1] = 0;
    g_autofree char *url = g_strconcat(base, path, NULL);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    g_string_truncate(client->reply, 0);
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    if (text) {
        curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text);
    }
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    *reply = NULL;
    enum registry_outcome outcome = perform(client, method, url, reply);
    free(text);
    return outcome;
}
