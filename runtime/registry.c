#include "registry.h"

#include <glib.h>
#include <inttypes.h>
#include <pthread.h>

#include "json_log.h"
#include "metrics.h"
#include "registry_cache.h"
#include "registry_client.h"

enum {
    PAUSE_LEAST_MS = 100, /* after a request that was not answered; doubled each time */
    PAUSE_MOST_MS = 5000,
    ABSENT_TRIES = 4, /* a registry's follower may learn of a new schema late */
    ABSENT_PAUSE_MS = 250,
    ABSENT_KEPT_MS = 60000, /* then it is asked for again */
    ABSENT_TRUSTED = 8,     /* where more ids are absent somebody invents them: none is waited for any more */
    ABSENT_MAX = 4000,
    WANTED_MAX = 1000
};

/* What a framing means, read into one of our shapes. */
struct key {
    struct framing framing;
    const struct shape *shape;
};

enum entry_state { ENTRY_WANTED, ENTRY_KNOWN, ENTRY_ABSENT, ENTRY_USELESS };

struct entry {
    struct key key;
    enum entry_state state;
    struct plan *plan;  /* KNOWN */
    struct refusal why; /* ABSENT: until `until_us`; USELESS: for ever, an id's schema never changes */
    int tries;
    gint64 until_us; /* WANTED: not to be asked before; ABSENT: then asked again */
};

struct registry {
    const struct config *config;
    struct metrics *metrics;
    struct registry_client *client, *owner; /* of the thread; of registry_own's callers, one after another */
    struct registry_cache *cache;
    pthread_mutex_t lock, owning;
    pthread_cond_t wanted;
    pthread_t thread;
    bool has_thread, closing;
    GHashTable *entries;           /* struct key -> struct entry */
    size_t known, waiting, absent; /* entries of these states */
    gint64 silent_since_ms;
};

/* ---- entries */

static guint key_hash(gconstpointer data) {
    const struct key *key = data;
    guint hash = (guint)key->framing.kind * 31 + g_direct_hash(key->shape);
    if (key->framing.kind == FRAMING_ID) return hash * 31 + key->framing.schema.id;
    if (key->framing.kind == FRAMING_FINGERPRINT) return hash * 31 + (guint)key->framing.schema.fingerprint;
    guint part;
    memcpy(&part, key->framing.schema.guid, sizeof part);
    return hash * 31 + part;
}

static gboolean key_equal(gconstpointer a, gconstpointer b) {
    const struct key *left = a, *right = b;
    return left->shape == right->shape && framing_equal(&left->framing, &right->framing);
}

static void entry_free(gpointer data) {
    struct entry *entry = data;
    plan_free(entry->plan);
    g_free(entry);
}

/* "id 7", for messages. */
static const char *framing_text(const struct framing *framing, char text[64]) {
    if (framing->kind == FRAMING_ID) {
        g_snprintf(text, 64, "id %" PRIu32, framing->schema.id);
    } else if (framing->kind == FRAMING_FINGERPRINT) {
        g_snprintf(text, 64, "fingerprint %016" PRIx64, framing->schema.fingerprint);
    } else {
        size_t at = (size_t)g_snprintf(text, 64, "GUID ");
        for (int i = 0; i < 16; i++) at += (size_t)g_snprintf(text + at, 64 - at, "%02x", framing->schema.guid[i]);
    }
    return text;
}

static void refuse(struct refusal *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct refusal *why, const char *format, ...) {
    va_list values;
    va_start(values, format);
    why->reason = REJECT_MALFORMED;
    g_vsnprintf(why->detail, sizeof why->detail, format, values);
    va_end(values);
}

/* Makes the plan; a schema that cannot be read as ours is useless for ever. Called with the lock held. */
static void entry_resolve(struct registry *registry, struct entry *entry, const char *schema) {
    char error[160], name[64];
    entry->state = ENTRY_USELESS;
    if (registry->known == REGISTRY_SCHEMAS_MAX) {
        refuse(&entry->why, "the schema of %s is one too many: %d are known", framing_text(&entry->key.framing, name),
               REGISTRY_SCHEMAS_MAX);
    } else if (plan_make(&entry->plan, schema, strlen(schema), entry->key.shape, error, sizeof error) < 0) {
        entry->plan = NULL;
        refuse(&entry->why, "the schema of %s: %s", framing_text(&entry->key.framing, name), error);
    } else {
        entry->state = ENTRY_KNOWN;
        metrics_set(registry->metrics, METRIC_SCHEMAS_KNOWN, METRICS_OF_PROCESS, 0, 0, (int64_t)++registry->known);
    }
}

static struct entry *entry_make(struct registry *registry, const struct key *key) {
    struct entry *entry = g_new0(struct entry, 1);
    entry->key = *key;
    g_hash_table_insert(registry->entries, &entry->key, entry);
    return entry;
}

static bool is_stale(const struct entry *entry) { return entry->state == ENTRY_ABSENT && entry->until_us <= g_get_monotonic_time(); }

static gboolean is_absent(gpointer key, gpointer value, gpointer context) {
    (void)key, (void)context;
    return ((const struct entry *)value)->state == ENTRY_ABSENT;
}

/* The registry knows no such schema, for now. Ids that nobody has heard of must not pile up. */
static void entry_absent(struct registry *registry, struct entry *entry) {
    char name[64];
    if (registry->absent >= ABSENT_MAX) {
        g_hash_table_foreach_remove(registry->entries, is_absent, NULL);
        registry->absent = 0;
    }
    refuse(&entry->why, "the registry knows no schema of %s", framing_text(&entry->key.framing, name));
    entry->state = ENTRY_ABSENT;
    entry->until_us = g_get_monotonic_time() + ABSENT_KEPT_MS * 1000LL;
    registry->absent++;
}

/* ---- the thread that fetches */

static void count(struct registry *registry, enum registry_outcome outcome) {
    enum registry_result result = outcome == REGISTRY_OK            ? REGISTRY_RESULT_OK
                                  : outcome == REGISTRY_UNREACHABLE ? REGISTRY_RESULT_UNREACHABLE
                                                                    : REGISTRY_RESULT_REFUSED;
    metrics_add(registry->metrics, METRIC_REGISTRY_REQUESTS, METRICS_OF_PROCESS, (int)result, 0, 1);
}

/* Whether it answers; told once when that changes. Called with the lock held. */
static void heard(struct registry *registry, bool answers, const char *error) {
    if (!answers && !registry->silent_since_ms) {
        registry->silent_since_ms = g_get_monotonic_time() / 1000;
        pthread_cond_signal(&registry->wanted); /* it is asked until it answers */
        json_log(LEVEL_WARNING, "registry_silent", LOG_TEXT("cause", error));
    } else if (answers && registry->silent_since_ms) {
        json_log(LEVEL_INFO, "registry_answers", LOG_NUMBER("silent_ms", g_get_monotonic_time() / 1000 - registry->silent_since_ms));
        registry->silent_since_ms = 0;
    }
}

/* The text of a schema; NULL: `outcome` says why. The caller frees (g_free). */
static char *fetch(struct registry *registry, const struct framing *framing, enum registry_outcome *outcome, bool *has_references) {
    char path[80];
    if (framing->kind == FRAMING_ID) {
        g_snprintf(path, sizeof path, "/schemas/ids/%" PRIu32, framing->schema.id);
    } else {
        const uint8_t *b = framing->schema.guid;
        g_snprintf(path, sizeof path, "/schemas/guids/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                   b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    }
    json_t *reply;
    *outcome = registry_request(registry->client, "GET", path, NULL, &reply);
    count(registry, *outcome);
    if (*outcome != REGISTRY_OK) return NULL;
    char *schema = g_strdup(json_string_value(json_object_get(reply, "schema")));
    *has_references = json_array_size(json_object_get(reply, "references")) > 0;
    if (!schema) *outcome = REGISTRY_UNREACHABLE;
    json_decref(reply);
    return schema;
}

/* The same, called with the lock held, which is let go meanwhile. Whether the registry answered. */
static bool fetch_unlocked(struct registry *registry, const struct framing *framing, char **schema, bool *has_references) {
    static const char not_json[] = "an answer without a schema";
    enum registry_outcome outcome;
    pthread_mutex_unlock(&registry->lock);
    *schema = fetch(registry, framing, &outcome, has_references);
    pthread_mutex_lock(&registry->lock);
    bool answers = outcome == REGISTRY_OK || outcome == REGISTRY_ABSENT || outcome == REGISTRY_INVALID;
    const char *error = registry_client_error(registry->client);
    heard(registry, answers, *error ? error : not_json);
    return answers;
}

/* Nobody wants anything, but it did not answer when it was asked last: whether it does now shows with any schema. */
static bool knock(struct registry *registry) {
    struct framing any = {.kind = FRAMING_ID, .schema.id = 1};
    bool has_references;
    char *schema;
    bool answers = fetch_unlocked(registry, &any, &schema, &has_references);
    g_free(schema);
    return answers;
}

/* Asks for one schema. Whether the registry answered. */
static bool ask(struct registry *registry, struct entry *entry) {
    struct framing framing = entry->key.framing;
    bool has_references = false;
    char name[64], *schema;
    if (!fetch_unlocked(registry, &framing, &schema, &has_references)) return false;
    if (schema && has_references) {
        entry->state = ENTRY_USELESS;
        refuse(&entry->why, "the schema of %s refers to others: register it in one piece", framing_text(&framing, name));
    } else if (schema) {
        entry_resolve(registry, entry, schema);
        registry_cache_put_schema(registry->cache, &framing, schema);
    } else if (++entry->tries < ABSENT_TRIES && registry->absent < ABSENT_TRUSTED) {
        entry->until_us = g_get_monotonic_time() + ABSENT_PAUSE_MS * 1000;
    } else {
        entry_absent(registry, entry);
    }
    if (entry->state != ENTRY_WANTED) registry->waiting--;
    g_free(schema);
    return true;
}

/* The entry that is to be asked for first; NULL: none is wanted. */
static struct entry *next_wanted(struct registry *registry) {
    struct entry *first = NULL;
    GHashTableIter iterator;
    gpointer value;
    g_hash_table_iter_init(&iterator, registry->entries);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        struct entry *entry = value;
        if (entry->state == ENTRY_WANTED && (!first || entry->until_us < first->until_us)) first = entry;
    }
    return first;
}

/* Waits for a signal, or until a time of the monotonic clock; 0: for a signal alone. */
static void wait_until(struct registry *registry, gint64 until_us) {
    if (!until_us) {
        pthread_cond_wait(&registry->wanted, &registry->lock);
        return;
    }
    struct timespec until = {.tv_sec = until_us / G_USEC_PER_SEC, .tv_nsec = until_us % G_USEC_PER_SEC * 1000};
    pthread_cond_timedwait(&registry->wanted, &registry->lock, &until);
}

static void *fetching(void *context) {
    struct registry *registry = context;
    int pause_ms = 0;
    gint64 not_before_us = 0;
    pthread_mutex_lock(&registry->lock);
    while (!registry->closing) {
        struct entry *entry = next_wanted(registry);
        bool idle = !entry && !registry->silent_since_ms;
        gint64 until_us = entry ? MAX(entry->until_us, not_before_us) : not_before_us;
        if (idle || until_us > g_get_monotonic_time()) {
            wait_until(registry, idle ? 0 : until_us);
            continue;
        }
        bool failed = !(entry ? ask(registry, entry) : knock(registry));
        pause_ms = !failed ? 0 : pause_ms ? MIN(2 * pause_ms, PAUSE_MOST_MS) : PAUSE_LEAST_MS;
        not_before_us = g_get_monotonic_time() + pause_ms * 1000LL;
    }
    pthread_mutex_unlock(&registry->lock);
    return NULL;
}

/* ---- the contract */

/* Our own schemas are known by their fingerprints, registry or not. */
static int know_own(struct registry *registry, struct failure *failure) {
    static const struct {
        const char *name;
        const struct shape *shape;
    } own[] = {{"Event", &shape_event}, {"JournalRecord", &shape_journal_record}};
    char error[200];
    if (schemas_load(error, sizeof error) < 0) return fail(failure, EXIT_FAILED, "%s", error);
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
        const char *schema = schema_text(own[i].name);
        struct key key = {.framing.kind = FRAMING_FINGERPRINT, .shape = own[i].shape};
        if (schema_fingerprint(schema, strlen(schema), &key.framing.schema.fingerprint) < 0)
            return fail(failure, EXIT_FAILED, "the schema %s has no fingerprint.", own[i].name);
        entry_resolve(registry, entry_make(registry, &key), schema);
    }
    return 0;
}

static int start(struct registry *registry, struct failure *failure) {
    if (!registry->config->registry.url) return 0;
    registry->cache = registry_cache_open(registry->config);
    if (registry_client_open(&registry->client, registry->config, failure) < 0) return -1;
    if (registry_client_open(&registry->owner, registry->config, failure) < 0) return -1;
    int cause = pthread_create(&registry->thread, NULL, fetching, registry);
    if (cause) return fail(failure, EXIT_AGAIN, "cannot start a thread: %s.", g_strerror(cause));
    registry->has_thread = true;
    return 0;
}

int registry_open(struct registry **out, const struct config *config, struct metrics *metrics, struct failure *failure) {
    struct registry *registry = g_new0(struct registry, 1);
    pthread_condattr_t monotonic;
    registry->config = config;
    registry->metrics = metrics;
    registry->entries = g_hash_table_new_full(key_hash, key_equal, NULL, entry_free);
    pthread_mutex_init(&registry->lock, NULL);
    pthread_mutex_init(&registry->owning, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&registry->wanted, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (know_own(registry, failure) < 0 || start(registry, failure) < 0) {
        registry_close(registry);
        return -1;
    }
    *out = registry;
    return 0;
}

void registry_close(struct registry *registry) {
    if (!registry) return;
    pthread_mutex_lock(&registry->lock);
    registry->closing = true;
    pthread_cond_signal(&registry->wanted);
    pthread_mutex_unlock(&registry->lock);
    if (registry->has_thread) pthread_join(registry->thread, NULL);
    registry_client_close(registry->client);
    registry_client_close(registry->owner);
    registry_cache_close(registry->cache);
    g_hash_table_destroy(registry->entries);
    pthread_cond_destroy(&registry->wanted);
    pthread_mutex_destroy(&registry->owning);
    pthread_mutex_destroy(&registry->lock);
    g_free(registry);
}

/* A framing that a registry has to be asked about. */
static void entry_first(struct registry *registry, const struct key *key) {
    const char *schema = registry_cache_schema(registry->cache, &key->framing);
    if (schema) {
        entry_resolve(registry, entry_make(registry, key), schema);
    } else if (registry->waiting < WANTED_MAX) {
        entry_make(registry, key);
        registry->waiting++;
        pthread_cond_signal(&registry->wanted);
    }
}

static struct entry *entry_find(struct registry *registry, const struct key *key) {
    struct entry *entry = g_hash_table_lookup(registry->entries, key);
    if (!entry || !is_stale(entry)) return entry;
    g_hash_table_remove(registry->entries, key);
    registry->absent--;
    return NULL;
}

enum registry_answer registry_plan(struct registry *registry, const struct framing *framing, const struct shape *shape,
                                   const struct plan **plan, struct refusal *why) {
    struct key key = {*framing, shape};
    enum registry_answer answer = REGISTRY_WAIT;
    char name[64];
    pthread_mutex_lock(&registry->lock);
    struct entry *entry = entry_find(registry, &key);
    bool can_ask = registry->cache && framing->kind != FRAMING_FINGERPRINT;
    if (!entry && can_ask) {
        entry_first(registry, &key);
        entry = g_hash_table_lookup(registry->entries, &key);
    }
    if (entry && entry->state == ENTRY_KNOWN) {
        *plan = entry->plan;
        answer = REGISTRY_KNOWN;
    } else if (entry && entry->state != ENTRY_WANTED) {
        *why = entry->why;
        answer = REGISTRY_REFUSED;
    } else if (!entry && !can_ask) {
        refuse(why, "%s %s",
               framing->kind == FRAMING_FINGERPRINT ? "no schema of ours has the"
                                                    : "the configuration names no registry that knows the schema of",
               framing_text(framing, name));
        answer = REGISTRY_REFUSED;
    }
    pthread_mutex_unlock(&registry->lock);
    return answer;
}

int64_t registry_silent_since(struct registry *registry) {
    pthread_mutex_lock(&registry->lock);
    int64_t since = registry->silent_since_ms;
    pthread_mutex_unlock(&registry->lock);
    return since;
}

/* ---- the ids of our own schemas */

/* The id known from before, where the registry was found silent a moment ago: one wait for it is enough. -1: ask. */
static int64_t own_remembered(struct registry *registry, const char *subject, uint64_t fingerprint) {
    pthread_mutex_lock(&registry->lock);
    int64_t id = registry->silent_since_ms ? registry_cache_id(registry->cache, subject, fingerprint) : -1;
    pthread_mutex_unlock(&registry->lock);
    return id;
}

/* 1: found, 0: the registry cannot be asked and it is not known from before, -1: described. */
static int own_id(struct registry *registry, int topic, uint64_t fingerprint, uint32_t *id, struct failure *failure) {
    const struct config *config = registry->config;
    g_autofree char *subject = registry_subject(config, topic), *path = g_strconcat("/subjects/", subject, NULL);
    int64_t remembered = own_remembered(registry, subject, fingerprint);
    if (remembered >= 0) return *id = (uint32_t)remembered, 1;
    json_t *body = json_pack("{s:s}", "schema", schema_text(topic_rules[topic].schema)), *reply;
    enum registry_outcome outcome = registry_request(registry->owner, "POST", path, body, &reply);
    json_decref(body);
    count(registry, outcome);
    const json_t *found = json_object_get(reply, "id");
    int64_t number = json_is_integer(found) ? json_integer_value(found) : -1;
    json_decref(reply);
    if (outcome == REGISTRY_ABSENT)
        return fail(failure, EXIT_CONFIGURATION,
                    "the registry %s does not have this version's schema %s under the subject %s. Run `ringback schemas register` first.",
                    config->registry.url, topic_rules[topic].schema, subject);
    if (outcome == REGISTRY_INVALID || outcome == REGISTRY_INCOMPATIBLE || outcome == REGISTRY_DENIED)
        return fail(failure, EXIT_CONFIGURATION, "%s.", registry_client_error(registry->owner));
    pthread_mutex_lock(&registry->lock);
    heard(registry, outcome == REGISTRY_OK, registry_client_error(registry->owner));
    if (outcome == REGISTRY_OK && number >= 0 && number <= UINT32_MAX)
        registry_cache_put_id(registry->cache, subject, fingerprint, (uint32_t)number);
    else
        number = registry_cache_id(registry->cache, subject, fingerprint);
    pthread_mutex_unlock(&registry->lock);
    *id = (uint32_t)number;
    return number >= 0;
}

static int own(struct registry *registry, int topic, int64_t until_ms, struct framing *framing, struct failure *failure) {
    const char *schema = schema_text(topic_rules[topic].schema);
    uint64_t fingerprint;
    if (schema_fingerprint(schema, strlen(schema), &fingerprint) < 0)
        return fail(failure, EXIT_FAILED, "the schema %s has no fingerprint.", topic_rules[topic].schema);
    if (!registry->config->registry.url) {
        *framing = (struct framing){.kind = FRAMING_FINGERPRINT, .schema.fingerprint = fingerprint};
        return 0;
    }
    framing->kind = FRAMING_ID;
    for (int pause_ms = PAUSE_LEAST_MS;; pause_ms = MIN(2 * pause_ms, PAUSE_MOST_MS)) {
        int found = own_id(registry, topic, fingerprint, &framing->schema.id, failure);
        if (found) return found < 0 ? -1 : 0;
        int64_t left_ms = until_ms - g_get_monotonic_time() / 1000;
        if (left_ms <= 0)
            return fail(failure, EXIT_AGAIN, "%s. The ids of our schemas are not known from before, so nothing can be written.",
                        registry_client_error(registry->owner));
        g_usleep((gulong)MIN(left_ms, pause_ms) * 1000);
    }
}

int registry_own(struct registry *registry, int64_t wait_ms, struct framing own_framings[TOPICS], struct failure *failure) {
    int64_t until_ms = g_get_monotonic_time() / 1000 + wait_ms;
    int result = 0;
    pthread_mutex_lock(&registry->owning);
    for (int topic = 0; topic < TOPICS && result == 0; topic++) result = own(registry, topic, until_ms, &own_framings[topic], failure);
    pthread_mutex_unlock(&registry->owning);
    return result;
}
