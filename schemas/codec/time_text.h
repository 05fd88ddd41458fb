/*
 * time_text: times as text, exactly (RFC 3339; SPEC 2: ms, UTC). No locale, no floats, no time zone data; years 1970 to 9999.
 */
#ifndef RINGBACK_TIME_TEXT_H
#define RINGBACK_TIME_TEXT_H

#include "str.h"

#define TIME_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define TIME_TEXT_SIZE 25                    /* "2026-03-01T09:00:00.250Z" and a NUL */

/*
 * "2026-03-01T09:00:00.250Z", "2026-03-01T10:00:00+01:00" (any number of fraction digits, those after ms are cut off; T and Z may be
 * lower case, a space may stand for T), or "2026-03-01", midnight in UTC. A leap second (:60) is read as the second before it.
 * Returns false, *ms as it was, where it is neither, or out of range.
 */
bool time_parse(struct str text, int64_t *ms);

/* Always in UTC with three digits of ms. Out of range: "?". Returns `text`. */
char *time_print(int64_t ms, char text[TIME_TEXT_SIZE]);

#endif
