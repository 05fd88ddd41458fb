/*
 * submit: hands one event to the writer of a data directory and, of a command, brings back its result (SPEC 5).
 */
#ifndef RINGBACK_SUBMIT_H
#define RINGBACK_SUBMIT_H

#include "../schemas/codec/output.h"
#include "failure.h"

/* Called once with the result; valid during the call. */
typedef void submit_result(void *context, const struct command_result *result);

/*
 * Journals and folds `event` as input of its own, as `ringback fold` would a file of one line. 0: `each` was called with the
 * result of (event->tenant, event->event_id); -1 described in `failure`, EXIT_AGAIN where somebody else writes to the directory.
 */
int submit(const char *data, const struct event *event, submit_result *each, void *context, struct failure *failure);

/* Journals and folds an event that has no result. The directory is made where it is not there. 0, or -1 as above. */
int submit_event(const char *data, const struct event *event, struct failure *failure);

#endif
