/*
 * rules: which version of them holds, and the pass over calls that another version decided (docs/decisions/0019).
 *
 * A call is judged by the version in force at its first decision (rules_of). An activation begins a pass, whose place is kept in the
 * state: at the end of each record some calls are looked at, and those begun within their link_days are judged again.
 */
#ifndef RINGBACK_RULES_H
#define RINGBACK_RULES_H

#include "step.h"

/* What each version after the first changed. */
#define RULES_JOB_OF_THE_CALL 2 /* a job that names a call matches the rows of that very call, whether or not its caller is known */

/* The version that judges the call: of one that is not decided yet, the one in force. */
int32_t rules_of(const struct fold *fold, const struct call *call);
/* Of a call that is decided now. */
void rules_fix(const struct fold *fold, struct call *call);

/* An ActivateRules as it is applied; stages its rejection where that version cannot be activated. */
void rules_activate(struct fold *fold, const struct event *event, const struct journal_record *record, struct str bytes);

/* Learns from the state whether a pass is under way. */
void rules_open(struct fold *fold);
/* True where there are calls to be looked at, and a stream time to do it at. */
bool rules_under_way(const struct fold *fold);
/* Looks at some calls more. */
void rules_go_on(struct fold *fold);

#endif
