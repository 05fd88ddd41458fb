/*
 * explain_story: what happened to one call and the rows that came of it, gathered while a journal is read (docs/decisions/0017).
 *
 * A story is a JSON array of entries in the order in which the fold acted:
 *     {"kind":"RECORD","at":TIME,"event":{...},"record":N,"stream_time":TIME, ...}    an event or a command
 *     {"kind":"TIMER","at":TIME,"timer":"CHECK", ...}        a deadline that was reached; "call_id" where of another call
 * each with what is not empty of
 *     "changes":[{"of":"call"|ROW,"field":F,"before":B,"after":A}]
 *     "why":[{"of":..,"spec":S,"because":TEXT,"settings":[{"key","value","from"}]}]
 *     "timers":[{"timer":T,"due":TIME|null,"was":TIME|null,"spec":..}] "outputs":[{"topic":T,"key":K,"seal":N,"record":{...}}]
 *     "others":[{"follow_up":ROW,...}] rows of other calls that it changed     "notes":[TEXT]
 */
#ifndef RINGBACK_EXPLAIN_STORY_H
#define RINGBACK_EXPLAIN_STORY_H

#include <jansson.h>

#include "reader.h"

struct story;

/* `follow_up`: the row that is asked about, NULL: the call with all of its rows. Strings must outlive the story. */
struct story *story_make(struct str tenant, struct str call_id, const char *follow_up, struct failure *failure);
void story_free(struct story *story);

/* The hooks, with the story as context. */
int story_before(void *story, const struct reader_at *at);
int story_after(void *story, const struct reader_at *at);
int story_output(void *story, const struct output *output);

/* The entries, the story's own. Empty: nothing of such a call was met. */
json_t *story_entries(struct story *story);

#endif
