/*
 * kafka_rights: whether a service could run with this configuration, tried on the brokers themselves (check-config).
 *
 * librdkafka 2.0.2 cannot ask what it may do (KIP-430 came with 2.3), so each right is used: a fetch, a group's offsets, a transaction
 * that is aborted. docs/operations.md, "Rights", has the list.
 */
#ifndef RINGBACK_KAFKA_RIGHTS_H
#define RINGBACK_KAFKA_RIGHTS_H

#include "config.h"

/* Whether librdkafka takes each property below kafka:, and all together. -1 described, with the nearest name. */
int kafka_properties_check(const struct config *config, struct failure *failure);

typedef void rights_found(void *context, bool good, const char *what, const char *text);
/* Calls back for each finding, good or not. -1 described: the brokers cannot be reached, so nothing was tried. */
int kafka_rights_check(const struct config *config, rights_found *found, void *context, struct failure *failure);

#endif
