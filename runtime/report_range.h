/*
 * report_range: which days a report is about (SPEC 8): presets in a zone with its week start, and the period before.
 *
 * Presets are counted from the day of the stream time, so that the same state gives the same report whenever it is printed.
 */
#ifndef RINGBACK_REPORT_RANGE_H
#define RINGBACK_REPORT_RANGE_H

#include "zones.h"

/* The order of PRESET_CHOICES. */
enum preset {
    PRESET_TODAY, PRESET_YESTERDAY, PRESET_THIS_WEEK, PRESET_LAST_WEEK, PRESET_THIS_MONTH, PRESET_LAST_MONTH, PRESET_THIS_YEAR,
    PRESET_LAST_YEAR, PRESET_ALL
};
#define PRESET_CHOICES "today|yesterday|this-week|last-week|this-month|last-month|this-year|last-year|all"

/* Both days are in it. Empty where from > to. */
struct days {
    int32_t from, to;
};
#define DAYS_ALL ((struct days){DAY_MIN, DAY_MAX})
#define DAYS_NONE ((struct days){DAY_MAX, DAY_MIN})

static inline bool days_have(struct days days, int32_t day) { return day >= days.from && day <= days.to; }

struct days preset_days(enum preset preset, int32_t today, enum week_start start);

/* What a preset is compared with: the day, week, month or year before; of one that today lies in as many days from its beginning as have
 * begun. DAYS_NONE for PRESET_ALL. */
struct days preset_before(enum preset preset, int32_t today, enum week_start start);
/* Of a range of one's own: as many days just before it; DAYS_NONE where it is open or reaches back before 1970. */
struct days days_before(struct days days);

#endif
