/*
 * answers: the results of commands, known for 7 days (SPEC 5), so that a command that comes again gets its first result.
 *
 * TABLE_COMMANDS, key time until, tenant, command; value: the result as command.c keeps it. They lie by the time at which they are
 * forgotten: adding and forgetting write at the ends, not at random. A table in memory, made from the store when it is first needed,
 * leads from a command's id to its time; it changes how an answer is found, never which.
 */
#ifndef RINGBACK_ANSWERS_H
#define RINGBACK_ANSWERS_H

#include "../step.h"

/* The answer to a command, *until when it is known; null where there is none. Valid until the next write. */
struct str answer_find(struct fold *fold, struct str tenant, struct str command_id, int64_t *until);
/* The answer to a command from now on, instead of one that stood until *old (NONE: there was none). */
void answer_put(struct fold *fold, struct str tenant, struct str command_id, int64_t old, int64_t until, struct str value);
/* Forgets those whose time has passed. */
void answers_forget(struct fold *fold);

#endif
