/*
 * registry: which schema an id means, and which id our schemas have (Confluent's HTTP API, which Apicurio's ccompat is too).
 *
 * An id means the same schema for ever, so what was fetched once is kept, in memory and in STATE_DIR/schemas.json: an outage, even with
 * a restart in it, stops only what is not known yet. A thread of its own fetches; no caller ever waits for the network, but for
 * registry_own. Without `registry.url` the schemas known are our own, by fingerprint.
 * Any thread may call anything here.
 */
#ifndef RINGBACK_REGISTRY_H
#define RINGBACK_REGISTRY_H

#include "config.h"
#include "framing.h"

#define REGISTRY_SCHEMAS_MAX 1000 /* known at a time; more are refused */

struct registry;
struct metrics;

/* `metrics` may be NULL. -1 described in `failure`. */
int registry_open(struct registry **registry, const struct config *config, struct metrics *metrics, struct failure *failure);
void registry_close(struct registry *registry); /* plans end with it; NULL is fine */

enum registry_answer {
    REGISTRY_REFUSED = -1, /* there is no such schema, or it cannot be read by us: `why` */
    REGISTRY_WAIT = 0,     /* not known yet, asked for: hold the record and ask again in some ms */
    REGISTRY_KNOWN = 1
};
/* The plan by which a datum of that framing is read into `shape` (an event, a journal record); valid until registry_close. One lock and one
 * look-up: who reads record after record keeps the last framing and its plan (framing_equal). */
enum registry_answer registry_plan(struct registry *registry, const struct framing *framing, const struct shape *shape,
                                   const struct plan **plan, struct refusal *why);

/* How the outputs' values are framed: the id of our schema under the topic's subject, which `ringback schemas register` has put there, or
 * its fingerprint. The journal's are never framed by ids (docs/decisions/0009). Waits for the registry up to `wait_ms`. -1 described in
 * `failure`: EXIT_AGAIN where it cannot be reached and the ids are not known, EXIT_CONFIGURATION where a schema is not registered. */
int registry_own(struct registry *registry, int64_t wait_ms, struct framing own[TOPICS], struct failure *failure);

/* Since when, in ms of the monotonic clock, the registry has not answered; 0: it answers, or was not asked. Once silent it is asked every 5 s at
 * the latest, whether anybody waits or not. */
int64_t registry_silent_since(struct registry *registry);

#endif
