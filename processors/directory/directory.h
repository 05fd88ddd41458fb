/*
 * directory: what tenants, numbers, queues, agents, customers, roles and persons are called and may do (SPEC 5).
 *
 * One entity of TABLE_DIRECTORY an entry: key tenant, kind, id; blob: struct entry, then its events as facts (facts.h). The last fact,
 * the greatest (occurred_at, event_id), is what holds.
 */
#ifndef RINGBACK_DIRECTORY_H
#define RINGBACK_DIRECTORY_H

#include "../facts.h"
#include "../../state/keys.h"

enum entry_kind {
    ENTRY_TENANT = 't', ENTRY_NUMBER = 'n', ENTRY_QUEUE = 'q', ENTRY_AGENT = 'a', ENTRY_CUSTOMER = 'c', ENTRY_ROLE = 'r', ENTRY_PERSON = 'p',
    ENTRY_SETTINGS = 's', /* settings.h */
    ENTRY_COUNTS = 'k',   /* counts.c */
    ENTRY_SOURCE = 'f',   /* of tenant "*": id = its number, blob = its name */
    ENTRY_RULES = 'v',    /* of tenant "*": the activations */
    ENTRY_PASS = 'j'      /* of tenant "*": rules.c */
};

struct entry {
    int64_t last_event_at; /* stream time at its last accepted event */
};

struct entity *directory_entity(struct cache *cache, struct str tenant, enum entry_kind kind, struct str id);

/* The entry that a directory or permission event is about. */
struct entity *directory_subject(struct cache *cache, const struct event *event);
/* Takes the event in. False: the entry is full. */
bool directory_apply(struct cache *cache, const struct event *event, const struct fact_id *id, int64_t now);

/* The zone and week start that a tenant announced. False: it never did, then they are UTC and Monday. `zone` points into its blob. */
bool directory_calendar(struct cache *cache, struct str tenant, struct str *zone, int8_t *week_start);

/* The name of a queue, agent, customer or tenant; null where it is not known or `id` is null. Points into the entry's blob. */
struct str directory_name(struct cache *cache, struct str tenant, enum entry_kind kind, struct str id);
/* The campaign of one of the tenant's numbers, or null. */
struct str directory_campaign(struct cache *cache, struct str tenant, struct str number);

/* True where `actor` may do `permission` in `tenant`: by roles given to the actor there or on "*"; for tenant "*" only there. A role
 * is looked up where it was given, then on "*". A broader permission includes its sub-permissions. */
bool permitted(struct cache *cache, struct str tenant, struct str actor, enum permission permission);

#endif
