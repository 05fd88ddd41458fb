/*
 * kafka_admin: topics as a cluster has them: described, created, and what of them is not as it should be; and whether the group is empty.
 *
 * `ringback topics`, `check-config --connect` and `repair` use it, not the service: it needs rights that the service does not
 * (docs/operations.md, "Rights").
 */
#ifndef RINGBACK_KAFKA_ADMIN_H
#define RINGBACK_KAFKA_ADMIN_H

#include "kafka.h"

/* The settings of a topic that matter to us, in the order of admin_setting_name. */
enum admin_setting {
    SETTING_CLEANUP,
    SETTING_RETENTION,
    SETTING_TIMESTAMP,
    SETTING_INSYNC,
    SETTING_BYTES,
    SETTING_COMPRESSION,
    ADMIN_SETTINGS
};
const char *admin_setting_name(enum admin_setting setting); /* "cleanup.policy" */

#define ADMIN_VALUE_BYTES 64

struct admin_topic {
    bool exists;
    int32_t partitions, replication;
    char values[ADMIN_SETTINGS][ADMIN_VALUE_BYTES];
};

/* A handle that has reached the brokers. What librdkafka logs on the way is kept for the failure's text. NULL: described, EXIT_AGAIN where
 * nobody answers, EXIT_CONFIGURATION where we are not let in. */
struct admin;
struct admin *admin_open(const struct config *config, struct failure *failure);
void admin_close(struct admin *admin);        /* NULL is fine */
int admin_brokers(const struct admin *admin); /* in the cluster */

/* What each topic should be, by place. */
void admin_wanted(const struct config *config, struct admin_topic wanted[KAFKA_TOPICS]);

/* Asks for the partitions and replicas of one topic; `exists` is false behind RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART. */
rd_kafka_resp_err_t admin_ask(struct admin *admin, const char *name, struct admin_topic *topic);

/* Asks the cluster. `with_settings` needs DESCRIBE_CONFIGS on every topic; without it `values` stay empty. -1 described. */
int admin_describe(struct admin *admin, bool with_settings, struct admin_topic topics[KAFKA_TOPICS], struct failure *failure);

/* Creates those that do not exist, with what they should be, and waits until the cluster shows them; those made are set in `created`.
 * -1 described; needs CREATE on the topics or the cluster. */
int admin_create(struct admin *admin, const struct admin_topic is[KAFKA_TOPICS], bool created[KAFKA_TOPICS], struct failure *failure);

/* Whether nobody is a member of the group, nor about to be. -1 described; needs DESCRIBE on the group, which READ includes. */
int admin_group_is_empty(struct admin *admin, bool *empty, struct failure *failure);

/* One thing that is not as it should be. */
struct admin_difference {
    const char *setting; /* "partitions", "retention.ms" */
    char is[ADMIN_VALUE_BYTES], wanted[ADMIN_VALUE_BYTES];
    bool wrong;       /* it must not run so; else it is a risk */
    const char *cost; /* what comes of it, and what to do */
};
#define ADMIN_DIFFERENCES_MAX (ADMIN_SETTINGS + 3)
/* Returns how many. */
size_t admin_compare(int topic, const struct admin_topic *is, const struct admin_topic *wanted,
                     struct admin_difference out[ADMIN_DIFFERENCES_MAX]);

#endif
