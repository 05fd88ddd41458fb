#include "report_range.h"

#include <glib.h>

struct days preset_days(enum preset preset, int32_t today, enum week_start start) {
    int32_t week = today - day_of_week(today, start);
    switch (preset) {
    case PRESET_TODAY: return (struct days){today, today};
    case PRESET_YESTERDAY: return (struct days){today - 1, today - 1};
    case PRESET_THIS_WEEK: return (struct days){week, week + 6};
    case PRESET_LAST_WEEK: return (struct days){week - 7, week - 1};
    case PRESET_THIS_MONTH: return (struct days){month_begins(today, 0), month_begins(today, 1) - 1};
    case PRESET_LAST_MONTH: return (struct days){month_begins(today, -1), month_begins(today, 0) - 1};
    case PRESET_THIS_YEAR: return (struct days){year_begins(today, 0), year_begins(today, 1) - 1};
    case PRESET_LAST_YEAR: return (struct days){year_begins(today, -1), year_begins(today, 0) - 1};
    case PRESET_ALL: break;
    }
    return DAYS_ALL;
}

struct days preset_before(enum preset preset, int32_t today, enum week_start start) {
    if (preset == PRESET_ALL) return DAYS_NONE;
    struct days days = preset_days(preset, today, start);
    /* The same preset as seen on the day before it began: presets come in pairs, this and last. */
    struct days before = preset_days((enum preset)(preset / 2 * 2), days.from - 1, start);
    if (days_have(days, today)) before.to = MIN(before.to, before.from + (today - days.from));
    return before;
}

struct days days_before(struct days days) {
    int32_t count = days.to - days.from + 1;
    if (days.from == DAY_MIN || days.to == DAY_MAX || days.from - count < DAY_MIN) return DAYS_NONE;
    return (struct days){days.from - count, days.from - 1};
}
