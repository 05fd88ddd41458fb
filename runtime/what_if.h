/*
 * what_if: the rows that a journal gives, beside those that it would give under other settings (docs/decisions/0017).
 *
 * A row is gained where only the other reading has it (or has it not withdrawn), lost where only the real one has, and resolved otherwise
 * where status, outcome or tab differ. Rows are not kept: what grows is a count for each tenant's campaigns, and the examples asked for.
 */
#ifndef RINGBACK_WHAT_IF_H
#define RINGBACK_WHAT_IF_H

#include <glib.h>

#include "reader.h"

enum row_fate { FATE_GAINED, FATE_LOST, FATE_OTHERWISE, FATES };

/* The rows of one tenant's campaign. */
struct what_if_group {
    char *tenant, *campaign; /* campaign: NULL where the number dialled has none */
    uint64_t rows[2];        /* that are not withdrawn: as it is, as it would be */
    uint64_t fates[FATES];
};

/* How a row stands: enums of output.h, -1: null; status -1: it is not there. */
struct standing {
    int8_t status, outcome, tab;
};

struct what_if_example {
    char *tenant, *follow_up;
    struct standing is, would_be;
};

struct what_if {
    GPtrArray *groups;          /* struct what_if_group, by tenant and campaign */
    GPtrArray *examples[FATES]; /* struct what_if_example, of the earliest calls */
    uint64_t calls[2][CALL_TYPES]; /* by type, those in progress too */
    uint64_t commands[2][2];    /* enum command_verdict */
    int64_t stream_time[2];     /* NONE: the clock is not known */
    int64_t seal;
};

struct what_if_question {
    const char *data;
    const char *tenant; /* NULL: all */
    const struct assumption *assumptions;
    size_t assumption_count;
    size_t examples; /* of each fate, at most */
};

/* Reads the journal twice. *result is the caller's to clear, whatever is returned. 0; -1: described. */
int what_if(struct what_if *result, const struct what_if_question *question, struct failure *failure);
void what_if_clear(struct what_if *result);

#endif
