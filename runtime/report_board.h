/*
 * report_board: what the charts of a report's page show, counted in one scan beside the comparisons (report_figures.h).
 */
#ifndef RINGBACK_REPORT_BOARD_H
#define RINGBACK_REPORT_BOARD_H

#include "report_figures.h"

/* How far callers who gave up were followed: each step is a part of the one before. */
enum funnel_step {
    FUNNEL_ABANDONED, /* all that are listed */
    FUNNEL_ATTEMPTED, /* a person tried to reach the caller, or the caller was reached anyway */
    FUNNEL_REACHED,   /* RECONNECTED or CONVERTED */
    FUNNEL_BOOKED,    /* CONVERTED */
    FUNNEL_STEPS
};

#define WHERES 4 /* enum abandoned_where */
#define WAITS 8  /* of the time to the first attempt: within 5, 15, 30, 60 min, 4 h, 24 h, later, never */
extern const char *const wait_words[WAITS];

struct board {
    struct comparison total, chosen, days;
    int64_t heat[7][24], heat_calls[7][24]; /* listed calls, and all; by weekday from Monday and hour of the wall */
    int64_t where[WHERES];                  /* abandoned calls */
    int64_t waits[WAITS];                   /* rows by the time to the first attempt */
    int64_t funnel[FUNNEL_STEPS];           /* abandoned calls */
};

void board_open(struct board *board, enum compare chosen, const struct report *report);
void board_free(struct board *board);
int board_scan(struct board *board, struct report *report); /* as report_scan */

#endif
