#include "config.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <yaml.h>

#include "config_value.h"
#include "options.h"

const char *const config_reserved[] = {
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.report.only.error",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "isolation.level",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "request.required.acks",
    "transactional.id",
};
const size_t config_reserved_count = G_N_ELEMENTS(config_reserved);

/* A config as loaded; what of it only this file needs stands behind. */
struct loaded {
    struct config config;
    char *file;
    char **written; /* by key: the value as in the file, NULL where it is not given */
    int *lines;
};

struct loading {
    struct loaded *loaded;
    yaml_document_t document;
    struct failure *failure;
};

static void *member(const struct loaded *loaded, const struct config_key *key) { return (char *)(uintptr_t)&loaded->config + key->offset; }

static int wrong(struct loading *loading, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int wrong(struct loading *loading, int line, const char *format, ...) {
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    const char *stop = g_str_has_suffix(text, "?") ? "" : ".";
    if (line == 0) return fail(loading->failure, EXIT_CONFIGURATION, "%s: %s%s", loading->loaded->file, text, stop);
    return fail(loading->failure, EXIT_CONFIGURATION, "%s, line %d: %s%s", loading->loaded->file, line, text, stop);
}

/* ---- one value */

static int wrong_duration(struct loading *loading, const struct config_key *key, int line, const char *value) {
    char least[32], most[32];
    config_duration_text(key->least, least);
    config_duration_text(key->most, most);
    return wrong(loading, line, "%s must be a duration from %s to %s, such as 45s or 1h30m, not \"%s\"", key->name, least, most, value);
}

static int put_value(struct loading *loading, const struct config_key *key, int line, const char *value) {
    void *to = member(loading->loaded, key);
    if (key->kind == CONFIG_TEXT) {
        *(char **)to = g_strdup(value);
        return 0;
    }
    if (key->kind == CONFIG_CHOICE) {
        g_auto(GStrv) choices = g_strsplit(key->choices, "|", 0);
        for (int i = 0; choices[i]; i++)
            if (strcmp(choices[i], value) == 0) return *(int64_t *)to = i, 0;
        g_autofree char *list = g_strjoinv(", ", choices);
        const char *nearest = nearest_name(value, (const char *const *)choices);
        return wrong(loading, line, "%s must be one of %s, not \"%s\"%s%s%s", key->name, list, value, nearest ? ". Did you mean " : "",
                     nearest ? nearest : "", nearest ? "?" : "");
    }
    long long number;
    if (key->kind == CONFIG_DURATION) {
        if (!duration_parse(value, &number) || number < key->least || number > key->most) return wrong_duration(loading, key, line, value);
        return *(int64_t *)to = number, 0;
    }
    char *end;
    errno = 0;
    number = strtoll(value, &end, 10);
    if (!g_ascii_isdigit(*value) || *end || errno || number < key->least || number > key->most)
        return wrong(loading, line, "%s must be a whole number from %" PRId64 " to %" PRId64 ", not \"%s\"", key->name, key->least,
                     key->most, value);
    return *(int64_t *)to = number, 0;
}

/* The value with what it names put in; NULL: described. */
static char *value_of(struct loading *loading, const char *name, int line, const char *written, bool secret, bool *referred) {
    char *error = NULL;
    char *value = config_value_expand(written, referred, &error);
    g_autofree char *text = error;
    if (!value) {
        wrong(loading, line, "%s: %s", name, text);
        return NULL;
    }
    if (!secret || *referred) return value;
    wrong(loading, line,
          "%s is a secret and must not stand here: write ${NAME} for a variable of the environment, or ${file:/path} for a file", name);
    config_value_wipe(value);
    return NULL;
}

/* The text of a scalar; NULL: it is none, or empty: described. */
static const char *scalar(struct loading *loading, const char *name, const yaml_node_t *node) {
    int line = (int)node->start_mark.line + 1;
    if (node->type != YAML_SCALAR_NODE) {
        wrong(loading, line, "%s must be one value, not a list or a map", name);
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (strlen(text) != node->data.scalar.length)
        wrong(loading, line, "%s holds a zero byte", name);
    else if (!*text || (plain && (strcmp(text, "~") == 0 || strcmp(text, "null") == 0)))
        wrong(loading, line, "%s has no value: give it one, or take the key out", name);
    else
        return text;
    return NULL;
}

static int put_scalar(struct loading *loading, const struct config_key *key, const yaml_node_t *node) {
    size_t index = (size_t)(key - config_keys);
    int line = (int)node->start_mark.line + 1;
    const char *written = scalar(loading, key->name, node);
    if (!written) return -1;
    bool referred;
    char *value = value_of(loading, key->name, line, written, key->secret, &referred);
    if (!value) return -1;
    loading->loaded->written[index] = g_strdup(written);
    loading->loaded->lines[index] = line;
    int result = put_value(loading, key, line, value);
    config_value_wipe(value);
    return result;
}

/* ---- kafka: */

static int put_property(struct loading *loading, GArray *properties, const char *name, int line, const yaml_node_t *node) {
    g_autofree char *full = g_strdup_printf("kafka.%s", name);
    for (size_t i = 0; i < config_reserved_count; i++)
        if (strcmp(name, config_reserved[i]) == 0)
            return wrong(loading, line, "%s is set by Ringback%s: take it out", full,
                         strstr(name, "servers") || strstr(name, "broker.list") ? " from `brokers`"
                         : strcmp(name, "group.id") == 0                        ? " from `application`"
                                                                                : "");
    const char *written = scalar(loading, full, node);
    if (!written) return -1;
    struct config_property property = {.secret = config_property_is_secret(name), .line = line};
    bool referred;
    property.value = value_of(loading, full, line, written, property.secret, &referred);
    if (!property.value) return -1;
    property.name = g_strdup(name);
    property.written = g_strdup(written);
    property.secret |= referred; /* what comes from elsewhere is not ours to show */
    g_array_append_val(properties, property);
    return 0;
}

static void property_clear(gpointer data) {
    struct config_property *property = data;
    g_free((char *)(uintptr_t)property->name);
    g_free((char *)(uintptr_t)property->written);
    config_value_wipe((char *)(uintptr_t)property->value);
}

/* ---- maps */

typedef int pair_put(struct loading *loading, void *context, const char *name, int line, const yaml_node_t *value);

/* Each pair of a map, once each. */
static int pairs(struct loading *loading, const char *what, const yaml_node_t *node, pair_put *put, void *context) {
    if (node->type != YAML_MAPPING_NODE)
        return wrong(loading, (int)node->start_mark.line + 1, "%s must be a map, lines of \"key: value\"", what);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&loading->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&loading->document, pair->value);
        int line = (int)key->start_mark.line + 1;
        if (key->type != YAML_SCALAR_NODE) return wrong(loading, line, "a key of %s must be a word", what);
        char *name = (char *)key->data.scalar.value;
        if (!g_hash_table_add(seen, name)) return wrong(loading, line, "%s is given twice: keep one", name);
        if (put(loading, context, name, line, value) < 0) return -1;
    }
    return 0;
}

static int property_pair(struct loading *loading, void *context, const char *name, int line, const yaml_node_t *value) {
    return put_property(loading, context, name, line, value);
}

static int put_properties(struct loading *loading, const yaml_node_t *node) {
    GArray *properties = g_array_new(FALSE, FALSE, sizeof(struct config_property));
    int result = pairs(loading, "kafka", node, property_pair, properties);
    loading->loaded->config.kafka_count = properties->len;
    loading->loaded->config.kafka = (struct config_property *)(void *)g_array_free(properties, FALSE);
    return result;
}

/* The words that may stand in a section: names of keys and of sections. `section` is "" or "commit.". */
static GPtrArray *words_of(const char *section) {
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < config_key_count; i++) {
        if (!g_str_has_prefix(config_keys[i].name, section)) continue;
        const char *rest = config_keys[i].name + strlen(section);
        g_autofree char *word = g_strndup(rest, strcspn(rest, "."));
        if (!words->len || strcmp(words->pdata[words->len - 1], word) != 0) g_ptr_array_add(words, g_steal_pointer(&word));
    }
    g_ptr_array_add(words, NULL);
    return words;
}

/* Where a key stands whose last word this is: people forget the section. NULL: none. */
static const char *elsewhere(const char *word) {
    for (size_t i = 0; i < config_key_count; i++) {
        const char *dot = strrchr(config_keys[i].name, '.');
        if (dot && strcmp(dot + 1, word) == 0) return config_keys[i].name;
    }
    return NULL;
}

static int unknown(struct loading *loading, const char *section, const char *word, int line) {
    g_autoptr(GPtrArray) words = words_of(section);
    const char *nearest = nearest_name(word, (const char *const *)words->pdata), *place = elsewhere(word);
    if (nearest) return wrong(loading, line, "unknown key %s%s. Did you mean %s%s?", section, word, section, nearest);
    if (place)
        return wrong(loading, line, "unknown key %s%s. Did you mean the key %s in the section %.*s?", section, word, word,
                     (int)(strlen(place) - strlen(word) - 1), place);
    g_autofree char *list = g_strjoinv(", ", (char **)words->pdata);
    return wrong(loading, line, "unknown key %s%s. There are: %s", section, word, list);
}

static int put_pair(struct loading *loading, void *context, const char *name, int line, const yaml_node_t *value) {
    const char *section = context;
    g_autofree char *full = g_strconcat(section, name, NULL);
    g_autofree char *inner = g_strconcat(full, ".", NULL);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(key->name, full) == 0)
            return key->kind == CONFIG_PROPERTIES ? put_properties(loading, value) : put_scalar(loading, key, value);
        if (!*section && g_str_has_prefix(key->name, inner)) return pairs(loading, full, value, put_pair, inner);
    }
    return unknown(loading, section, name, line);
}

/* ---- what must hold between keys */

static int line_of(const struct loading *loading, const char *name) {
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].name, name) == 0) return loading->loaded->lines[i];
    return 0;
}

static int put_initials(struct loading *loading) {
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (loading->loaded->written[i] || key->kind == CONFIG_PROPERTIES) continue;
        if (key->required) return wrong(loading, 0, "the key %s is missing. %s For example: %s", key->name, key->help, key->sample);
        if (key->initial && put_value(loading, key, 0, key->initial) < 0) return -1;
    }
    return 0;
}

static bool is_name(const char *text, size_t longest) {
    static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(text);
    return length > 0 && length <= longest && strspn(text, legal) == length && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

/* Names the topics that are not named, and looks at all. */
static int check_topics(struct loading *loading) {
    struct config *config = &loading->loaded->config;
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        g_autofree char *key = g_strconcat("topics.", topic_rules[i].name, NULL);
        int line = line_of(loading, key);
        if (!config->topics.names[i]) {
            config->topics.names[i] = g_strconcat(config->topics.prefix ? config->topics.prefix : "", topic_rules[i].name, NULL);
            if (config->topics.prefix) line = line_of(loading, "topics.prefix");
        }
        const char *name = config->topics.names[i];
        if (!is_name(name, 249))
            return wrong(loading, line, "the topic name \"%s\" must be 1 to 249 letters, digits, dots, underscores and hyphens", name);
        for (int j = 0; j < i; j++)
            if (strcmp(config->topics.names[j], name) == 0)
                return wrong(loading, line, "%s and topics.%s are both \"%s\": every topic needs a name of its own", key,
                             topic_rules[j].name, name);
    }
    return 0;
}

/* What is re-keyed is read by us, written by others, and so is none of our topics. */
static int check_rekey(struct loading *loading) {
    const struct config *config = &loading->loaded->config;
    for (int kind = SOURCE_CALLS; kind <= SOURCE_DIRECTORY; kind++) {
        const char *origin = config->rekey[kind], *source = topic_rules[kafka_topic_of_source((enum source_kind)kind)].name;
        if (!origin) continue;
        g_autofree char *key = g_strconcat("rekey.", source, NULL);
        int line = line_of(loading, key);
        if (!is_name(origin, 249))
            return wrong(loading, line, "the topic name \"%s\" must be 1 to 249 letters, digits, dots, underscores and hyphens", origin);
        for (int i = 0; i < KAFKA_TOPICS; i++)
            if (strcmp(config->topics.names[i], origin) == 0)
                return wrong(loading, line, "%s and topics.%s are both \"%s\": name the topic that %s is to be made of", key,
                             topic_rules[i].name, origin, source);
        for (int other = SOURCE_CALLS; other < kind; other++)
            if (config->rekey[other] && strcmp(config->rekey[other], origin) == 0)
                return wrong(loading, line, "%s: \"%s\" is re-keyed into another topic already", key, origin);
    }
    return 0;
}

static int check_brokers(struct loading *loading) {
    int line = line_of(loading, "brokers");
    g_auto(GStrv) each = g_strsplit(loading->loaded->config.brokers, ",", 0);
    for (char **broker = each; *broker; broker++) {
        const char *text = g_strstrip(*broker), *colon = strrchr(text, ':');
        char *end = NULL;
        long port = colon ? strtol(colon + 1, &end, 10) : 0;
        if (strstr(text, "://")) return wrong(loading, line, "brokers: \"%s\" must be HOST:PORT, without what stands before //", text);
        if (!colon || colon == text || *end || !g_ascii_isdigit(colon[1]) || port < 1 || port > 65535)
            return wrong(loading, line, "brokers: \"%s\" must be HOST:PORT, such as localhost:9092", text);
    }
    return 0;
}

static int check_registry(struct loading *loading) {
    const struct config *config = &loading->loaded->config;
    int line = line_of(loading, "registry.url");
    const char *url = config->registry.url;
    if (!url) {
        static const char *const others[] = {"registry.user", "registry.password", "registry.token", "registry.ca_file"};
        for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
            if (line_of(loading, others[i]))
                return wrong(loading, line_of(loading, others[i]), "%s is given, but no registry.url", others[i]);
        return 0;
    }
    if (!g_str_has_prefix(url, "http://") && !g_str_has_prefix(url, "https://"))
        return wrong(loading, line, "registry.url must begin with http:// or https://");
    const char *host = strstr(url, "://") + 3;
    if (memchr(host, '@', strcspn(host, "/?#")))
        return wrong(loading, line, "registry.url must hold no user or password: give registry.user and registry.password");
    if (strpbrk(url, "?# ")) return wrong(loading, line, "registry.url must end before any ?, # or space");
    if (config->registry.token && config->registry.user)
        return wrong(loading, line_of(loading, "registry.token"), "give registry.token or registry.user, not both");
    if (!config->registry.user != !config->registry.password)
        return wrong(loading, line, "registry.user and registry.password go together: give both or none");
    return 0;
}

static int check_all(struct loading *loading) {
    const struct config *config = &loading->loaded->config;
    if (!is_name(config->application, 200))
        return wrong(loading, line_of(loading, "application"),
                     "application must be 1 to 200 letters, digits, dots, underscores and hyphens");
    if (config->topics.min_insync > config->topics.replication)
        return wrong(loading, line_of(loading, "topics.min_insync_replicas"),
                     "topics.min_insync_replicas is %" PRId64 ", more than topics.replication, %" PRId64, config->topics.min_insync,
                     config->topics.replication);
    return check_brokers(loading) < 0 || check_topics(loading) < 0 || check_rekey(loading) < 0 || check_registry(loading) < 0 ? -1 : 0;
}

/* ---- loading */

/* Parses the one document that a file holds. */
static int document_load(struct loading *loading, const char *yaml, size_t size) {
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return fail_memory(loading->failure);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, size);
    int result = 0;
    if (!yaml_parser_load(&parser, &loading->document))
        result = wrong(loading, (int)parser.problem_mark.line + 1, "this is not YAML: %s%s%s",
                       parser.problem ? parser.problem : "out of memory", parser.context ? " " : "", parser.context ? parser.context : "");
    yaml_parser_delete(&parser);
    return result;
}

static int document_take(struct loading *loading) {
    const yaml_node_t *root = yaml_document_get_root_node(&loading->document);
    if (!root) return wrong(loading, 0, "the file is empty. `ringback check-config --sample` prints one to begin with");
    char top[] = "";
    if (pairs(loading, "the file", root, put_pair, top) < 0) return -1;
    return put_initials(loading) < 0 || check_all(loading) < 0 ? -1 : 0;
}

int config_parse(struct config **out, const char *yaml, size_t size, const char *name, struct failure *failure) {
    struct loaded *loaded = g_new0(struct loaded, 1);
    struct loading loading = {.loaded = loaded, .failure = failure};
    loaded->config.file = loaded->file = g_strdup(name);
    loaded->written = g_new0(char *, config_key_count);
    loaded->lines = g_new0(int, config_key_count);
    int result = size > CONFIG_BYTES_MAX ? wrong(&loading, 0, "it has more than 1 MiB: that is no configuration")
                                         : document_load(&loading, yaml, size);
    if (result == 0) {
        result = document_take(&loading);
        yaml_document_delete(&loading.document);
    }
    if (result < 0) {
        config_free(&loaded->config);
        return -1;
    }
    *out = &loaded->config;
    return 0;
}

int config_load(struct config **out, const char *path, struct failure *failure) {
    g_autofree char *text = NULL;
    gsize size = 0;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &text, &size, &error))
        return fail(failure, EXIT_CONFIGURATION,
                    "cannot read the configuration: %s. Name it with -c FILE; `ringback check-config --sample` prints "
                    "one to begin with.",
                    error->message);
    return config_parse(out, text, size, path, failure);
}

void config_free(struct config *config) {
    if (!config) return;
    struct loaded *loaded = (struct loaded *)(void *)config;
    for (size_t i = 0; i < config_key_count; i++) {
        if (config_keys[i].kind == CONFIG_TEXT) config_value_wipe(*(char **)member(loaded, &config_keys[i]));
        g_free(loaded->written[i]);
    }
    for (size_t i = 0; i < config->kafka_count; i++) property_clear(&config->kafka[i]);
    g_free(config->kafka);
    g_free(loaded->written);
    g_free(loaded->lines);
    g_free(loaded->file);
    g_free(loaded);
}

/* ---- printing */

/* A value as YAML: plain where it can be, else quoted. */
static void print_value(FILE *out, const char *value) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./_-";
    if (strspn(value, plain) == strlen(value) && *value != '-') {
        fprintf(out, "%s\n", value);
        return;
    }
    fputc('"', out);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') fputc('\\', out);
        if (g_ascii_iscntrl(*value))
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*value);
        else
            fputc(*value, out);
    }
    fputs("\"\n", out);
}

/* A $ before { as it must be written. */
static char *escaped(const char *value) {
    g_auto(GStrv) parts = g_strsplit(value, "${", 0);
    return g_strjoinv("$${", parts);
}

static void print_key(FILE *out, const struct loaded *loaded, const struct config_key *key) {
    const void *at = member(loaded, key);
    const char *written = loaded->written[key - config_keys];
    if (key->kind == CONFIG_NUMBER) {
        fprintf(out, "%" PRId64 "\n", *(const int64_t *)at);
    } else if (key->kind == CONFIG_DURATION) {
        char text[32];
        config_duration_text(*(const int64_t *)at, text);
        fprintf(out, "%s\n", text);
    } else if (key->kind == CONFIG_CHOICE) {
        g_auto(GStrv) choices = g_strsplit(key->choices, "|", 0);
        fprintf(out, "%s\n", choices[*(const int64_t *)at]);
    } else if (key->secret) {
        print_value(out, written);
    } else {
        g_autofree char *value = escaped(*(char *const *)at);
        print_value(out, value);
    }
}

static bool is_given(const struct loaded *loaded, const struct config_key *key) {
    return key->kind != CONFIG_TEXT || *(char *const *)member(loaded, key);
}

void config_print(FILE *out, const struct config *config) {
    const struct loaded *loaded = (const struct loaded *)(const void *)config;
    g_autofree char *section = g_strdup("");
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->kind == CONFIG_PROPERTIES || !is_given(loaded, key)) continue;
        const char *dot = strchr(key->name, '.');
        g_autofree char *own = g_strndup(key->name, dot ? (gsize)(dot - key->name) : 0);
        if (dot && strcmp(own, section) != 0) fprintf(out, "%s:\n", own);
        g_free(section);
        section = g_steal_pointer(&own);
        fprintf(out, "%s%s: ", dot ? "  " : "", dot ? dot + 1 : key->name);
        print_key(out, loaded, key);
    }
    if (config->kafka_count) fputs("kafka:\n", out);
    for (size_t i = 0; i < config->kafka_count; i++) {
        const struct config_property *property = &config->kafka[i];
        g_autofree char *value = property->secret ? g_strdup(property->written) : escaped(property->value);
        fprintf(out, "  %s: ", property->name);
        print_value(out, value);
    }
}
