/*
 * config_value: ${NAME} and ${file:PATH} in a value of the configuration (inside config*.c only).
 */
#ifndef RINGBACK_CONFIG_VALUE_H
#define RINGBACK_CONFIG_VALUE_H

#include <stdbool.h>

/* The value with what it names put in; the caller frees. NULL: *error says what is missing and what to do, the caller frees it.
 * *referred: it named something. */
char *config_value_expand(const char *written, bool *referred, char **error);

/* Whether a property's value must not be seen. */
bool config_property_is_secret(const char *name);

/* Overwrites and frees; NULL is fine. */
void config_value_wipe(char *value);

#endif
