/*
 * numbers: which numbers are a tenant's own, without looking for each caller's in the store, where it hardly ever is.
 *
 * A table in memory of hashes, made from the store when it is first needed. It says no for certain; else the directory is asked.
 */
#ifndef RINGBACK_NUMBERS_H
#define RINGBACK_NUMBERS_H

#include "../step.h"

/* True where `number` is one of the tenant's own. */
bool number_is_own(struct fold *fold, struct str tenant, struct str number);
/* True where it is a caller of the tenant: E.164, no sentinel for a withheld number, none of the tenant's own (SPEC 1). */
bool number_is_caller(struct fold *fold, struct str tenant, struct str number);
/* It was announced. */
void number_add(struct fold *fold, struct str tenant, struct str number);

#endif
