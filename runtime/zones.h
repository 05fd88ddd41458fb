/*
 * zones: IANA time zones over the system's tzdata (GLib), and days of the calendar. The one place for both (ARCHITECTURE 3).
 *
 * A day is a number: days since 1970-01-01, wherever one is. A day of a zone has 23, 24 or 25 hours, or others where the zone changed
 * its rule; it can lack its midnight (Havana in March), have two (Havana in November), or not be at all (Apia, 2011-12-30).
 * Moments are ms since 1970 UTC. A zone remembers what it was last asked: one thread at a time.
 */
#ifndef RINGBACK_ZONES_H
#define RINGBACK_ZONES_H

#include <stdbool.h>
#include <stdint.h>

#include "../schemas/codec/event.h"

#define DAY_TEXT_SIZE 11 /* "2026-03-08" and a NUL */
#define DAY_MIN 0        /* 1970-01-01 */
#define DAY_MAX 2932896  /* 9999-12-31 */

struct zone;

/* A zone by its IANA name ("America/Havana"); NULL: the machine knows none of this name. */
struct zone *zone_open(struct str name);
void zone_close(struct zone *zone);
const char *zone_name(const struct zone *zone);

/* What clocks on the wall show at a moment, as ms since 1970-01-01 00:00 of the wall. */
int64_t zone_wall(struct zone *zone, int64_t at);
int32_t zone_day(struct zone *zone, int64_t at);
/* The first moment whose day is `day` or a later one. */
int64_t zone_day_begins(struct zone *zone, int32_t day);
/* False where the zone went over this day. */
bool zone_has_day(struct zone *zone, int32_t day);

/* "2026-03-08". False: it is no such text, no such day ("2026-02-30"), or not from 1970 to 9999. */
bool day_parse(const char *text, int32_t *day);
char *day_print(int32_t day, char text[DAY_TEXT_SIZE]);
/* 0: the first day of the week. */
int day_of_week(int32_t day, enum week_start start);
/* The first day of the day's month, or of its year, `later` months or years on (back where negative). */
int32_t month_begins(int32_t day, int later);
int32_t year_begins(int32_t day, int later);

#endif
