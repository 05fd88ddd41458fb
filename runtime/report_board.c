#include "report_board.h"

#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)

const char *const wait_words[WAITS] = {"within 5 min", "within 15 min", "within 30 min", "within 1 h",
                                       "within 4 h",   "within 24 h",   "later",         "never"};

void board_open(struct board *board, enum compare chosen, const struct report *report) {
    memset(board, 0, sizeof *board);
    comparison_open(&board->total, COMPARE_NOTHING, report);
    comparison_open(&board->chosen, chosen, report);
    comparison_open(&board->days, COMPARE_DAY, report);
}

void board_free(struct board *board) {
    comparison_free(&board->total);
    comparison_free(&board->chosen);
    comparison_free(&board->days);
}

static int wait_of(int64_t ms) {
    static const int64_t limits[] = {5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS};
    if (ms == NONE) return WAITS - 1;
    int wait = 0;
    while (wait < (int)G_N_ELEMENTS(limits) && ms > limits[wait]) wait++;
    return wait;
}

static void count_abandoned(struct board *board, const struct reported *reported) {
    const struct followup *row = reported->row;
    if (reported->call->abandoned_where >= 0) board->where[reported->call->abandoned_where]++;
    bool booked = row && row->outcome == OUTCOME_CONVERTED, reached = booked || (row && row->outcome == OUTCOME_RECONNECTED);
    board->funnel[FUNNEL_ABANDONED]++;
    board->funnel[FUNNEL_ATTEMPTED] += reached || time_to_first_attempt(row) != NONE;
    board->funnel[FUNNEL_REACHED] += reached;
    board->funnel[FUNNEL_BOOKED] += booked;
}

static int count(void *context, const struct reported *reported) {
    struct board *board = context;
    comparison_add(&board->total, reported);
    comparison_add(&board->chosen, reported);
    comparison_add(&board->days, reported);
    if (reported->before) return 0;
    int weekday = day_of_week(reported->day, WEEK_MONDAY);
    int64_t hour = zone_wall(reported->account->zone, reported->date) / HOUR_MS % 24;
    board->heat_calls[weekday][hour] += reported->call->type != TYPE_INTERNAL && reported->call->type != TYPE_IN_PROGRESS;
    if (!reported->listed) return 0;
    board->heat[weekday][hour]++;
    if (reported->row) board->waits[wait_of(time_to_first_attempt(reported->row))]++;
    if (reported->call->type == TYPE_ABANDONED) count_abandoned(board, reported);
    return 0;
}

int board_scan(struct board *board, struct report *report) {
    int result = report_scan(report, true, count, board);
    comparison_sort(&board->total);
    comparison_sort(&board->chosen);
    comparison_sort(&board->days);
    return result;
}
