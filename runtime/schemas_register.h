/*
 * schemas_register: puts our schemas into a registry, each under the subject of its topic, with the compatibility that keeps old and new
 * readers and writers working together (kafka_topics.h).
 */
#ifndef RINGBACK_SCHEMAS_REGISTER_H
#define RINGBACK_SCHEMAS_REGISTER_H

#include <stdbool.h>

/* `ringback schemas register`: returns an exit code; complained already. `check`: says only what would be refused. */
int schemas_register(const char *config_file, bool check);

#endif
