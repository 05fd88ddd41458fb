/*
 * kafka_send: one event into the network topic, by whoever operates a service: no transaction, and no registry.
 */
#ifndef RINGBACK_KAFKA_SEND_H
#define RINGBACK_KAFKA_SEND_H

#include "../schemas/codec/event.h"
#include "kafka.h"

/* Writes the event as an Avro single object, which every instance reads, and waits until all replicas in sync have it. 0; -1 described: where the
 * failure is EXIT_AGAIN it may have been written all the same. */
int kafka_send_network(const struct config *config, const struct event *event, struct failure *failure);

#endif
