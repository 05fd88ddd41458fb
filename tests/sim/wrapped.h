/* wrapped: what the linker puts in the place of the system's functions (CMakeLists.txt, SIM_WRAPPED), and the system's own. */
#ifndef RINGBACK_SIM_WRAPPED_H
#define RINGBACK_SIM_WRAPPED_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *argument), void *argument);
int __wrap_pthread_join(pthread_t id, void **result);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_destroy(pthread_cond_t *condition);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int64_t __wrap_g_get_monotonic_time(void);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *left);
int __wrap_eventfd(unsigned initial, int flags);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_close(int fd);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
void __wrap__exit(int code);
int __wrap_sigaction(int signal_number, const struct sigaction *action, struct sigaction *before);
int __wrap_setitimer(int which, const struct itimerval *timer, struct itimerval *before);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __real_read(int fd, void *bytes, size_t size);
int __real_close(int fd);
_Noreturn void __real__exit(int code);

#endif
