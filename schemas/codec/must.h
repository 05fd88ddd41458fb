/*
 * must: memory, or the end of the process with a word (exit code 75), as where the fold has none (state/cache.h). Nothing is lost by it: the
 * next run goes on at the last seal.
 *
 * So it is for what is made once or is as small as a schema or a line; and for Jansson and Avro C, whose allocators it becomes before main:
 * they are not right without memory. Jansson goes on with half a value and can free what it does not have, Avro C follows null pointers.
 */
#ifndef RINGBACK_MUST_H
#define RINGBACK_MUST_H

#include <stddef.h>

void *must_realloc(void *old, size_t size); /* never null; old NULL: new memory, for free() */

#endif
