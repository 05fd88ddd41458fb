/*
 * explain_rules: what the rules say, in words for a person, of what an output shows or a timer is for. One table, by SPEC section.
 */
#ifndef RINGBACK_EXPLAIN_RULES_H
#define RINGBACK_EXPLAIN_RULES_H

#include "../schemas/codec/output.h"

/* When a call reads a setting that decides about it (SPEC 5). */
enum read_at { READ_AT_START, READ_AT_DECISION, READ_AT_CHECK, READ_NOW, READ_TIMES };

#define RULE_SETTINGS_MAX 3

struct rule {
    const char *spec; /* its section */
    const char *text; /* "because ..." */
    enum read_at read;
    const char *settings[RULE_SETTINGS_MAX]; /* keys that had a say, ended by NULL */
};

/* All are static; NULL: nothing to be said. */
const struct rule *rule_of_type(enum call_type type);
const struct rule *rule_of_change(const struct followup_event *event, enum followup_kind kind, enum call_type type);
/* Why a timer is set: what its deadline is made of. `row`: enum followup_kind of a COLD timer. */
const struct rule *rule_of_timer(const char *timer, int8_t row);
const struct rule *rule_of_refusal(enum command_reason reason);
/* Why a call of this type has no abandoned row; NULL: it should have one. */
const struct rule *rule_of_no_row(enum call_type type);

#endif
