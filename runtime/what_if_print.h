/*
 * what_if_print: what settings would have changed, for people or as one JSON object.
 */
#ifndef RINGBACK_WHAT_IF_PRINT_H
#define RINGBACK_WHAT_IF_PRINT_H

#include "what_if.h"

void what_if_print(const struct what_if *result, const struct what_if_question *question);
void what_if_print_json(const struct what_if *result, const struct what_if_question *question);

/* The settings that there are, with what they may be, to standard error. */
void what_if_print_keys(void);

#endif
