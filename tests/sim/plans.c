/*
 * What is the same in every run is made once, before them: the plans and fingerprints of the program's own schemas. To read a schema takes
 * the program some ms whenever it starts, which here is a few times a run.
 */
#include "../../runtime/framing.h"
#include "../../runtime/kafka_topics.h"
#include "sim.h"

#define OURS_MOST 32

int __real_plan_make(struct plan **plan, const char *schema, size_t size, const struct shape *shape, char *error, size_t error_size);
void __real_plan_free(struct plan *plan);
int __real_schema_fingerprint(const char *schema, size_t size, uint64_t *fingerprint);
int __wrap_plan_make(struct plan **plan, const char *schema, size_t size, const struct shape *shape, char *error, size_t error_size);
void __wrap_plan_free(struct plan *plan);
int __wrap_schema_fingerprint(const char *schema, size_t size, uint64_t *fingerprint);

/* Known by the place of its text, which lasts as long as the process. */
static struct ours {
    const char *schema;
    const struct shape *shape; /* NULL: only the fingerprint is known */
    struct plan *plan;
    uint64_t fingerprint;
} ours[OURS_MOST];
static size_t ours_count;

static void know(const char *schema, const struct shape *shape) {
    char error[400];
    size_t size = strlen(schema);
    struct ours *one = &ours[ours_count++];
    if (ours_count > OURS_MOST) sim_fail("there are more than %d schemas", OURS_MOST);
    *one = (struct ours){.schema = schema, .shape = shape};
    if (shape && __real_plan_make(&one->plan, schema, size, shape, error, sizeof error) < 0) sim_fail("%s", error);
    if (__real_schema_fingerprint(schema, size, &one->fingerprint) < 0) sim_fail("a schema without a fingerprint");
}

void sim_know_plans(void) {
    const char *schema;
    know(schema_text("Event"), &shape_event);
    know(schema_text("JournalRecord"), &shape_journal_record);
    for (size_t n = 0; (schema = schema_older_journal(n)); n++) know(schema, &shape_journal_record);
    for (int topic = 0; topic < TOPICS; topic++) know(schema_of_topic((enum topic)topic), shape_of_topic((enum topic)topic));
    for (int topic = 0; topic < KAFKA_TOPICS; topic++) know(schema_text(topic_rules[topic].schema), NULL);
}

int __wrap_plan_make(struct plan **plan, const char *schema, size_t size, const struct shape *shape, char *error, size_t error_size) {
    for (size_t n = 0; n < ours_count; n++)
        if (ours[n].schema == schema && ours[n].shape == shape) return *plan = ours[n].plan, 0;
    return __real_plan_make(plan, schema, size, shape, error, error_size);
}

static bool is_known(const struct plan *plan) {
    for (size_t n = 0; n < ours_count; n++)
        if (plan && ours[n].plan == plan) return true;
    return false;
}

void __wrap_plan_free(struct plan *plan) {
    if (!is_known(plan)) __real_plan_free(plan);
}

int __wrap_schema_fingerprint(const char *schema, size_t size, uint64_t *fingerprint) {
    for (size_t n = 0; n < ours_count; n++)
        if (ours[n].schema == schema) return *fingerprint = ours[n].fingerprint, 0;
    return __real_schema_fingerprint(schema, size, fingerprint);
}
