#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "print.h"
#include "registry_client.h"
#include "schemas_register.h"

static const struct print_column columns[] = {
    {"Subject", false, 0, 0}, {"Schema", false, 2, 0}, {"Compatibility", false, 3, 0}, {"Id", true, 1, 0}, {"What was done", false, 0, 0},
};

struct subject {
    const struct config *config;
    struct registry_client *client;
    struct printer *printer;
    const struct topic_rule *rule;
    char *name; /* escaped for a path */
};

static int failed(struct failure *failure, const struct subject *subject, enum registry_outcome outcome) {
    enum exit_code code = outcome == REGISTRY_UNREACHABLE ? EXIT_AGAIN : EXIT_CONFIGURATION;
    return fail(failure, code, "%s.", registry_client_error(subject->client));
}

static json_t *schema_body(const struct subject *subject) { return json_pack("{s:s}", "schema", schema_text(subject->rule->schema)); }

static enum registry_outcome request(const struct subject *subject, const char *method, const char *before, const char *behind,
                                     json_t *body, json_t **reply) {
    g_autofree char *path = g_strconcat(before, subject->name, behind, NULL);
    enum registry_outcome outcome = registry_request(subject->client, method, path, body, reply);
    json_decref(body);
    return outcome;
}

static int64_t id_of(json_t *reply) {
    const json_t *id = json_object_get(reply, "id");
    int64_t number = json_is_integer(id) ? json_integer_value(id) : NONE;
    json_decref(reply);
    return number;
}

/* 1: our schema is there, *id is its; 0: it is not; -1 described. */
static int look_up(const struct subject *subject, int64_t *id, struct failure *failure) {
    json_t *reply;
    enum registry_outcome outcome = request(subject, "POST", "/subjects/", "", schema_body(subject), &reply);
    if (outcome == REGISTRY_OK) return *id = id_of(reply), 1;
    return outcome == REGISTRY_ABSENT ? 0 : failed(failure, subject, outcome);
}

/* 1: the versions that are there allow ours; 0: they do not; -1 described. A subject that is not there allows all. */
static int is_compatible(const struct subject *subject, struct failure *failure) {
    json_t *reply;
    enum registry_outcome outcome =
        request(subject, "POST", "/compatibility/subjects/", "/versions?verbose=true", schema_body(subject), &reply);
    if (outcome == REGISTRY_ABSENT) return 1;
    if (outcome == REGISTRY_INCOMPATIBLE) return 0;
    if (outcome != REGISTRY_OK) return failed(failure, subject, outcome);
    bool compatible = json_is_true(json_object_get(reply, "is_compatible"));
    json_decref(reply);
    return compatible;
}

static int put_compatibility(const struct subject *subject, struct failure *failure) {
    json_t *reply;
    json_t *body = json_pack("{s:s}", "compatibility", subject->rule->compatibility);
    enum registry_outcome outcome = request(subject, "PUT", "/config/", "", body, &reply);
    json_decref(reply);
    return outcome == REGISTRY_OK ? 0 : failed(failure, subject, outcome);
}

static int put_schema(const struct subject *subject, int64_t *id, struct failure *failure) {
    json_t *reply;
    enum registry_outcome outcome = request(subject, "POST", "/subjects/", "/versions", schema_body(subject), &reply);
    if (outcome == REGISTRY_OK) return *id = id_of(reply), 0;
    if (outcome != REGISTRY_INCOMPATIBLE) return failed(failure, subject, outcome);
    return fail(failure, EXIT_CONFIGURATION,
                "the subject %s holds a schema that %s does not go with under %s: %s. Another product's topic, or a "
                "version of ours that was changed by hand?",
                subject->name, subject->rule->schema, subject->rule->compatibility, registry_client_error(subject->client));
}

static void say(const struct subject *subject, int64_t id, const char *done) {
    print_text(subject->printer, str_of(subject->name));
    print_text(subject->printer, str_of(subject->rule->schema));
    print_text(subject->printer, str_of(subject->rule->compatibility));
    print_number(subject->printer, id);
    print_text(subject->printer, str_of(done));
}

/* The level first: from then on the registry itself refuses what breaks it, ours too. */
static int subject_register(const struct subject *subject, struct failure *failure) {
    int64_t id;
    int there = look_up(subject, &id, failure);
    if (there < 0 || put_compatibility(subject, failure) < 0) return -1;
    if (!there && put_schema(subject, &id, failure) < 0) return -1;
    say(subject, id, there ? "was there" : "registered");
    return 0;
}

static int subject_check(const struct subject *subject, struct failure *failure) {
    int64_t id = NONE;
    int there = look_up(subject, &id, failure), compatible = there == 0 ? is_compatible(subject, failure) : 1;
    if (there < 0 || compatible < 0) return -1;
    say(subject, id, there ? "is there" : compatible ? "would be registered" : "would be refused");
    if (compatible) return 0;
    return fail(failure, EXIT_CONFIGURATION, "the subject %s holds a schema that %s does not go with.", subject->name,
                subject->rule->schema);
}

static int all(const struct config *config, bool check, struct failure *failure) {
    struct subject subject = {.config = config};
    char error[300];
    int result = 0;
    if (!config->registry.url)
        return fail(failure, EXIT_CONFIGURATION, "%s names no registry: give registry.url. Without one nothing has to be registered.",
                    config->file);
    if (schemas_load(error, sizeof error) < 0) return fail(failure, EXIT_FAILED, "%s.", error);
    if (registry_client_open(&subject.client, config, failure) < 0) return -1;
    subject.printer = printer_make(stdout, PRINT_TABLE, columns, sizeof columns / sizeof *columns, terminal_width());
    for (int topic = 0; topic < KAFKA_TOPICS && result == 0; topic++) {
        if (!topic_rules[topic].compatibility) continue;
        g_autofree char *name = registry_subject(config, topic);
        subject.name = name;
        subject.rule = &topic_rules[topic];
        result = check ? subject_check(&subject, failure) : subject_register(&subject, failure);
    }
    printer_finish(subject.printer);
    registry_client_close(subject.client);
    return result;
}

int schemas_register(const char *config_file, bool check) {
    struct failure failure = {0};
    struct config *config;
    if (config_load(&config, config_file, &failure) == 0) {
        all(config, check, &failure);
        config_free(config);
    }
    if (failure.code) complain("%s", failure.text);
    return (int)failure.code;
}
