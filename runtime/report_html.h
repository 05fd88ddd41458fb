/*
 * report_html: a report as one page: charts, comparisons, the calls, and what is not known. It needs nothing but itself: no script, nothing
 * loaded from anywhere, readable offline, in print, in the dark, on a telephone and to a screen reader. Charts are tables, or have one.
 * All that came from outside is escaped.
 */
#ifndef RINGBACK_REPORT_HTML_H
#define RINGBACK_REPORT_HTML_H

#include "report_board.h"
#include "report_lines.h"

#define HTML_CALLS_SHOWN 500 /* where no limit is given */

/* Write all of the page before the calls, and all behind them; between them come lines of FORMAT_HTML, `shown` of them, `cut` by a limit.
 * A negative error of the store, else 0. */
void html_begin(const struct report *report, const struct board *board);
int html_end(const struct report *report, const struct board *board, uint64_t shown, bool cut);

extern const char report_style[]; /* report.css */

#endif
