/*
 * registry_cache: what a registry said, in one file of JSON beside the state, so that a restart needs no registry (inside registry.c only).
 *
 *     {"url":"http://...","schemas":[{"id":7,"schema":"{...}"},{"guid":"0123...","schema":"{...}"}],
 *      "subjects":[{"subject":"journal-value","fingerprint":"63dd24e7cc258f8a","id":3}]}
 *
 * Another url, or a file that is damaged: as if there were none. Written whole, to another name first, and renamed.
 */
#ifndef RINGBACK_REGISTRY_CACHE_H
#define RINGBACK_REGISTRY_CACHE_H

#include "config.h"
#include "framing.h"

struct registry_cache;
struct registry_cache *registry_cache_open(const struct config *config);
void registry_cache_close(struct registry_cache *cache); /* NULL is fine */

/* The schema of an id or GUID, valid until close; NULL: not known. */
const char *registry_cache_schema(const struct registry_cache *cache, const struct framing *framing);
/* The id under a subject of the schema with that fingerprint; -1: not known. */
int64_t registry_cache_id(const struct registry_cache *cache, const char *subject, uint64_t fingerprint);

/* Adds and writes the file. What cannot be written is logged, once, and kept in memory. */
void registry_cache_put_schema(struct registry_cache *cache, const struct framing *framing, const char *schema);
void registry_cache_put_id(struct registry_cache *cache, const char *subject, uint64_t fingerprint, uint32_t id);

#endif
