/*
 * kafka_repair: brings a quarantined partition's offsets together again (`ringback repair`).
 *
 * The journal is believed: the group's offsets are set to those of its last seal. A source that was cut or made again is read from where
 * it begins now, and the journal says so (Gap). Both are one transaction with a seal, written as a take-over writes: whoever writes the partition is
 * fenced by it. Kafka takes it from outside of the group, whether that has members or not; so it is we who ask, and do nothing while it has any.
 */
#ifndef RINGBACK_KAFKA_REPAIR_H
#define RINGBACK_KAFKA_REPAIR_H

#include "config.h"

/* Prints what is wrong and what is done about it; without `apply` nothing on Kafka is changed, nor is anybody fenced: our own state alone follows
 * the journal. 0: nothing is wrong, or it was repaired; 1: something is, and was left; -1 described: this cannot be repaired here (EXIT_AGAIN:
 * not while the group has members, or the state an owner). */
int kafka_repair(const struct config *config, int32_t partition, bool apply, struct failure *failure);

#endif
