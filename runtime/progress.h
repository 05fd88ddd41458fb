/*
 * progress: one line on a terminal that says how far a long run is; nothing where standard error is no terminal.
 */
#ifndef RINGBACK_PROGRESS_H
#define RINGBACK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown; /* on a terminal, and wanted */
    bool begun; /* a line stands there */
    int64_t started_ms, printed_ms;
};

void progress_start(struct progress *progress, bool wanted);
/* `done` of `total` bytes are read; says records, rate and time left, a few times a second at most. */
void progress_step(struct progress *progress, const char *what, uint64_t records, uint64_t done, uint64_t total);
/* Clears the line: before anything else is printed. */
void progress_clear(struct progress *progress);
int64_t progress_elapsed_ms(const struct progress *progress);

/* "1,234,567"; returns `text`. */
const char *grouped(uint64_t number, char text[32]);

#endif
