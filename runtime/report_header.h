/*
 * report_header: what a report is about, as of when, and what is not known (SPEC 8): rejected records, LOST calls, gaps in sources, calls
 * in progress, zones that this machine does not have.
 */
#ifndef RINGBACK_REPORT_HEADER_H
#define RINGBACK_REPORT_HEADER_H

#include <stdio.h>

#include "report.h"

/* For people, in lines. Returns a negative error of the store, else 0. */
int header_print(FILE *out, const struct report *report);
/* For programs, one object in a file. 0; a negative error of the store; EXIT_FAILED: complained that the file cannot be written. */
int header_write(const char *path, const struct report *report);

/* Calls back for each line, a word and a text. Both are valid during the callback. Returns as header_print. */
int header_each(const struct report *report, void (*each)(void *context, const char *word, const char *text), void *context);

const char *date_type_words(enum date_type type); /* "call date", "job completion", ... */

#endif
