/*
 * wrong_clock: preloaded, a wall clock that is WRONG_CLOCK_MS ahead (behind: negative); the monotonic one is left alone.
 *
 * Absolute waits by the wall clock are set right again, those of C11 threads too, by which librdkafka waits: libfaketime leaves those alone,
 * and such a wait then lasts an hour.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define MONOTONIC_SECONDS 1000000000 /* a condition does not say which clock is its own; the monotonic one begins with the machine */

static struct timespec moved(struct timespec at, int64_t ms) {
    int64_t ns = at.tv_nsec + ms % 1000 * 1000000;
    int64_t carried = ns < 0 ? -1 : ns / 1000000000;
    return (struct timespec){.tv_sec = at.tv_sec + ms / 1000 + carried, .tv_nsec = ns - carried * 1000000000};
}

static int64_t ahead_ms(void) {
    static _Atomic int64_t known;
    if (known == 0) known = strtoll(getenv("WRONG_CLOCK_MS"), NULL, 10);
    return known;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (syscall(SYS_clock_gettime, clock, now) != 0) return -1;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) *now = moved(*now, ahead_ms());
    return 0;
}

int timespec_get(struct timespec *now, int base) { return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0; }

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
    *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    if (until->tv_sec < MONOTONIC_SECONDS) return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
    struct timespec at = moved(*until, -ahead_ms());
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &at);
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    /* glibc's are those of POSIX under another name */
    int result = pthread_cond_timedwait((pthread_cond_t *)(void *)condition, (pthread_mutex_t *)(void *)mutex, until);
    return result == 0 ? thrd_success : result == ETIMEDOUT ? thrd_timedout : thrd_error;
}
