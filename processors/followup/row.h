/*
 * row: a follow-up about one call (SPEC 3, 4).
 *
 * Its state is computed from what persons did (struct row), the caller's talk and the jobs: row_judge compares that with
 * what was last published and stages a version where they differ (docs/decisions/0001 D1.21 to D1.31).
 */
#ifndef RINGBACK_ROW_H
#define RINGBACK_ROW_H

#include "../step.h"

/* Brings the row of `kind` up to date; true where it has changed. `should`: by its rules it should be open; `opened_at`: since when.
 * The blob may move: `verdict` is read again where it did. */
bool row_judge(struct fold *fold, struct entity *entity, struct verdict *verdict, enum followup_kind kind, bool should, int64_t opened_at);

/* When the row goes cold, NONE: it will not. */
int64_t row_cold_at(const struct call *call, const struct verdict *verdict, enum followup_kind kind);

/* Writes the row's index entries, under the call's caller and each customer that it ever had: its check, and whether it went cold, are judged
 * with the one that was known by then. */
void row_index(struct fold *fold, struct entity *entity, const struct verdict *verdict, enum followup_kind kind);
bool row_is_indexed(const struct entity *entity, enum followup_kind kind);
/* Takes them away, before the call goes. */
void row_forget(struct fold *fold, struct entity *entity, const struct verdict *verdict, enum followup_kind kind);

/* A command to a row or to the settings; stages its result (SPEC 5). */
void command_apply(struct fold *fold, const struct event *event, const struct journal_record *record);

#endif
