/*
 * report_changes: which lines of a report are other than they were at an earlier time, and what did it (SPEC 8; docs/decisions/0015).
 *
 * The journal is read once: when the stream time is about to pass the earlier time the report is taken, and again at the end; in between,
 * each output says which record or timer concerned which call. Names are left out of the comparison: directory changes re-emit nothing.
 * Memory grows with the lines of the period then, and with what happened since.
 */
#ifndef RINGBACK_REPORT_CHANGES_H
#define RINGBACK_REPORT_CHANGES_H

#include "replay.h"
#include "report.h"
#include "report_lines.h"

struct changes {
    const struct report_choice *choice; /* with `now` set: both reports are of the same days */
    struct report *report;              /* of the end; its filter and date type are of both */
    int64_t since, until;               /* stream times, ms; until NONE: the last seal */
    struct failure *failure;
    bool taken;                         /* the earlier report has been */
    int64_t taken_at;                   /* the stream time then; NONE: nothing had been folded */
    GHashTable *then;                   /* tenant and call -> its line, encoded */
    GHashTable *causes;                 /* the same -> what concerned it since, an array of struct happening */
    const struct reader_at *at;
};

/* Reads the journal into `replay`, which is open, and leaves its state there for the report of the end. -1: described in `failure`. */
int changes_read(struct changes *changes, struct replay *replay);
/* Prints the lines that changed, `report` being open over the replay's state; table, JSON or CSV. As report_scan. */
int changes_print(struct changes *changes, enum report_format format);
void changes_free(struct changes *changes);

#endif
