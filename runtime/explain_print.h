/*
 * explain_print: a story (explain.h) for people: aligned, in the tenant's zone or UTC, without control characters.
 */
#ifndef RINGBACK_EXPLAIN_PRINT_H
#define RINGBACK_EXPLAIN_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* `zone`: an IANA name; NULL: the tenant's. False: this machine knows no such zone (then UTC is used where it was the tenant's own). */
bool explain_print(FILE *out, json_t *story, const char *zone);

#endif
