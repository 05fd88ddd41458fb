/* clocks: what time it is, in ms. Only the shells may know; the fold is told by its records. */
#ifndef RINGBACK_CLOCKS_H
#define RINGBACK_CLOCKS_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
static inline int64_t monotonic_ms(void) { return clock_ms(CLOCK_MONOTONIC); } /* for durations */
static inline int64_t monotonic_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
static inline int64_t wall_ms(void) { return clock_ms(CLOCK_REALTIME); }       /* since 1970 UTC */

#endif
