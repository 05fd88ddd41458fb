/*
 * fold_summary: what is printed when `ringback fold` is done.
 */
#ifndef RINGBACK_FOLD_SUMMARY_H
#define RINGBACK_FOLD_SUMMARY_H

#include <stdio.h>
#include "fold_run.h"

void fold_summary(FILE *out, const struct fold_result *result, const char *data);

/* Records that this run made the fold reject, duplicates not counted. */
uint64_t fold_rejected(const struct fold_result *result);

#endif
