#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 200

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, bool wanted) {
    *progress = (struct progress){.shown = wanted && isatty(STDERR_FILENO), .started_ms = now_ms()};
}

static void print_left(int64_t ms) {
    int64_t seconds = ms / 1000;
    if (seconds >= 3600)
        fprintf(stderr, ", %" PRId64 "h %02" PRId64 "m left", seconds / 3600, seconds / 60 % 60);
    else if (seconds >= 60)
        fprintf(stderr, ", %" PRId64 "m %02" PRId64 "s left", seconds / 60, seconds % 60);
    else
        fprintf(stderr, ", %" PRId64 "s left", seconds);
}

void progress_step(struct progress *progress, const char *what, uint64_t records, uint64_t done, uint64_t total) {
    if (!progress->shown) return;
    int64_t now = now_ms(), elapsed = now - progress->started_ms;
    if (now - progress->printed_ms < STEP_MS || elapsed < STEP_MS) return;
    progress->printed_ms = now;
    progress->begun = true;
    char count[32], rate[32];
    fprintf(stderr, "\r\033[K%s %s records, %s a second", what, grouped(records, count), grouped(records * 1000 / (uint64_t)elapsed, rate));
    if (done && total > done) print_left((int64_t)((uint64_t)elapsed * ((total - done) / 1024 + 1) / (done / 1024 + 1)));
    fflush(stderr);
}

void progress_clear(struct progress *progress) {
    if (progress->begun) fputs("\r\033[K", stderr);
    progress->begun = false;
}

int64_t progress_elapsed_ms(const struct progress *progress) { return now_ms() - progress->started_ms; }

const char *grouped(uint64_t number, char text[32]) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number), at = 0;
    for (int n = 0; n < length; n++) {
        if (n && (length - n) % 3 == 0) text[at++] = ',';
        text[at++] = digits[n];
    }
    text[at] = 0;
    return text;
}
