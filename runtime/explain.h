/*
 * explain: the whole story of one call or row, as JSON; explain_print.h shows it to people.
 *
 * {"tenant","name","zone","call_id","follow_up" where one was asked for,"as_of":stream time,"seal":N,
 *  "call":{...}|null,"rows":[{...}] as the state shows them at the end,"story":[...]} (explain_story.h)
 */
#ifndef RINGBACK_EXPLAIN_H
#define RINGBACK_EXPLAIN_H

#include <jansson.h>

#include "failure.h"

/* `id` is a call's or a row's (ab- or sc- and the call's); `tenant` may be NULL where only one tenant has it. 0: *story is the caller's;
 * -1: described, also where there is no such call. */
int explain(json_t **story, const char *data, const char *id, const char *tenant, struct failure *failure);

#endif
