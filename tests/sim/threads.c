/*
 * Time and threads: every thread of every instance is a coroutine, and one of those that can go on is chosen by chance. The functions of
 * pthread, clocks and eventfd that the program calls end up here (-Wl,--wrap).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "sim.h"
#include "wrapped.h"

#define STACK_BYTES (512 * 1024)
#define THREADS_MAX 256
#define STEP_MOST 20 /* us that a step of a thread takes */

struct thread {
    ucontext_t context;
    char *stack; /* kept for the next */
    struct instance *instance;
    int incarnation;
    void *(*run)(void *argument);
    void *argument;
    const void *waits_for; /* NULL: for a time alone */
    int64_t wakes;         /* SIM_NEVER; at most now: it can go on */
    bool woken, used, ended;
};

struct occasion {
    int64_t at;
    uint64_t number; /* those of one time happen in the order in which they were asked for */
    void (*call)(void *context);
    void *context;
};

struct instance sim_instances[SIM_INSTANCES_MAX];
int sim_instance_count;

static int64_t now;
static struct thread threads[THREADS_MAX];
static int threads_made; /* behind these none was ever used */
static struct thread *current;
static ucontext_t scheduler;
static struct occasion *occasions; /* a heap */
static size_t occasion_count, occasion_room;
static uint64_t occasion_number;

int64_t sim_now(void) { return now; }
struct instance *sim_current(void) { return current ? current->instance : NULL; }

/* ---- occasions ---- */

static bool is_before(const struct occasion *a, const struct occasion *b) {
    return a->at < b->at || (a->at == b->at && a->number < b->number);
}

void sim_at(int64_t at, void (*call)(void *context), void *context) {
    if (occasion_count == occasion_room) occasions = realloc(occasions, (occasion_room = occasion_room ? 2 * occasion_room : 64) * sizeof *occasions);
    size_t n = occasion_count++;
    struct occasion occasion = {at > now ? at : now, occasion_number++, call, context};
    for (; n > 0 && is_before(&occasion, &occasions[(n - 1) / 2]); n = (n - 1) / 2) occasions[n] = occasions[(n - 1) / 2];
    occasions[n] = occasion;
}

static struct occasion occasion_take(void) {
    struct occasion first = occasions[0], last = occasions[--occasion_count];
    size_t n = 0;
    for (size_t child; (child = 2 * n + 1) < occasion_count; n = child) {
        if (child + 1 < occasion_count && is_before(&occasions[child + 1], &occasions[child])) child++;
        if (!is_before(&occasions[child], &last)) break;
        occasions[n] = occasions[child];
    }
    if (occasion_count) occasions[n] = last;
    return first;
}

/* ---- threads ---- */

static bool is_dead(const struct thread *thread) { return thread->incarnation != thread->instance->incarnation; }

static int64_t wakes(const struct thread *thread) {
    int64_t frozen = thread->instance->frozen_until;
    return thread->wakes > frozen ? thread->wakes : frozen;
}

static void thread_main(void) {
    current->run(current->argument);
    current->ended = true;
    sim_wake(current);
    swapcontext(&current->context, &scheduler);
}

static struct thread *thread_new(void) {
    for (int n = 0; n < threads_made; n++)
        if (!threads[n].used) return &threads[n];
    if (threads_made < THREADS_MAX) return &threads[threads_made++];
    sim_fail("more than %d threads", THREADS_MAX);
}

static struct thread *thread_start(struct instance *instance, void *(*run)(void *argument), void *argument) {
    struct thread *thread = thread_new();
    char *stack = thread->stack;
    if (!stack) stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) sim_fail("no memory for a stack");
    *thread = (struct thread){
        .stack = stack, .instance = instance, .incarnation = instance->incarnation, .run = run, .argument = argument, .used = true};
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = stack;
    thread->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&thread->context, thread_main, 0);
    return thread;
}

void sim_thread(struct instance *instance, void *(*run)(void *argument), void *argument) { thread_start(instance, run, argument); }

static void leave(void) { swapcontext(&current->context, &scheduler); }

bool sim_wait(const void *object, int64_t until) {
    if (!current) sim_fail("something waits outside of any thread");
    current->waits_for = object;
    current->wakes = until;
    current->woken = false;
    leave();
    return current->woken;
}

void sim_wake(const void *object) {
    for (int n = 0; n < threads_made; n++) {
        struct thread *thread = &threads[n];
        if (!thread->used || thread->ended || thread->waits_for != object || thread->wakes <= now) continue;
        thread->woken = true;
        thread->wakes = now;
        thread->waits_for = NULL;
    }
}

void sim_sleep(int64_t duration) { sim_wait(NULL, now + duration); }

/* Lets others go first, now and then. */
static void maybe_yield(void) {
    if (current && sim_chance(60)) sim_sleep(sim_between(0, 200));
}

void sim_kill(struct instance *instance) {
    bool own = current && current->instance == instance && !is_dead(current);
    sim_trace("instance %d is killed", instance->number);
    instance->incarnation++;
    instance->running = false;
    disk_killed(instance);
    if (own) leave();
}

void sim_point(const char *name) {
    if (!current) return;
    struct instance *instance = current->instance;
    instance->points++;
    if (instance->points != instance->crash_at) return;
    sim_trace("%s at point %lld, %s", instance->power_cut ? "power cut" : "kill -9", (long long)instance->points, name);
    instance->crash_at = 0;
    if (instance->power_cut) disk_power_cut(instance);
    sim_kill(instance);
}

/* One of those that can go on; NULL: *next is when one can. */
static struct thread *thread_choose(int64_t *next) {
    struct thread *able[THREADS_MAX];
    size_t count = 0;
    *next = SIM_NEVER;
    for (int n = 0; n < threads_made; n++) {
        struct thread *thread = &threads[n];
        if (!thread->used) continue;
        if (is_dead(thread)) {
            thread->used = false;
            continue;
        }
        if (thread->ended) continue;
        int64_t at = wakes(thread);
        if (at <= now)
            able[count++] = thread;
        else if (at < *next)
            *next = at;
    }
    return count ? able[sim_random() % count] : NULL;
}

static void thread_resume(struct thread *thread) {
    now += sim_between(1, STEP_MOST);
    current = thread;
    swapcontext(&scheduler, &thread->context);
    current = NULL;
}

void sim_run_until(int64_t until) {
    while (now <= until) {
        int64_t next;
        if (occasion_count && occasions[0].at <= now) {
            struct occasion occasion = occasion_take();
            occasion.call(occasion.context);
            continue;
        }
        struct thread *thread = thread_choose(&next);
        if (thread) {
            thread_resume(thread);
            continue;
        }
        if (occasion_count && occasions[0].at < next) next = occasions[0].at;
        if (next > until) break;
        now = next;
    }
    if (now < until) now = until;
}

/* ---- pthread ---- */

struct mutex {
    struct thread *owner;
};

static struct mutex *mutex_of(pthread_mutex_t *mutex) { return (struct mutex *)(void *)mutex; }

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *argument), void *argument) {
    (void)attributes;
    sim_point("pthread_create");
    *id = (pthread_t)thread_start(current->instance, run, argument);
    return 0;
}

int __wrap_pthread_join(pthread_t id, void **result) {
    struct thread *thread = (struct thread *)id;
    while (!thread->ended) sim_wait(thread, SIM_NEVER);
    thread->used = false;
    if (result) *result = NULL;
    return 0;
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
    (void)attributes;
    mutex_of(mutex)->owner = NULL;
    return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex) {
    if (mutex_of(mutex)->owner) sim_fail("a mutex is destroyed while it is locked");
    return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    if (!current) return 0;
    maybe_yield();
    if (mutex_of(mutex)->owner == current) sim_fail("a thread locks a mutex twice");
    while (mutex_of(mutex)->owner) sim_wait(mutex, SIM_NEVER);
    mutex_of(mutex)->owner = current;
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    if (!current) return 0;
    if (mutex_of(mutex)->owner != current) sim_fail("a thread unlocks a mutex that is not its own");
    mutex_of(mutex)->owner = NULL;
    sim_wake(mutex);
    return 0;
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
    (void)condition;
    (void)attributes;
    return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *condition) {
    (void)condition;
    return 0;
}

static int condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until) {
    __wrap_pthread_mutex_unlock(mutex);
    bool woken = sim_wait(condition, until);
    __wrap_pthread_mutex_lock(mutex);
    return woken ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) { return condition_wait(condition, mutex, SIM_NEVER); }

/* All conditions of the program that have a time limit go by the wall clock. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    int64_t wall_us = (int64_t)until->tv_sec * 1000000 + until->tv_nsec / 1000;
    return condition_wait(condition, mutex, wall_us - (SIM_EPOCH_MS + current->instance->skew_ms) * 1000);
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition) {
    sim_wake(condition);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition) {
    sim_wake(condition);
    return 0;
}

/* ---- clocks ---- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    int64_t us = now + SIM_SECOND; /* a monotonic 0 means "never" to some */
    if (clock != CLOCK_MONOTONIC) us = now + (SIM_EPOCH_MS + (current ? current->instance->skew_ms : 0)) * 1000;
    *time = (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    return 0;
}

int64_t __wrap_g_get_monotonic_time(void) { return now + SIM_SECOND; }

int __wrap_nanosleep(const struct timespec *duration, struct timespec *left) {
    (void)left;
    sim_sleep((int64_t)duration->tv_sec * 1000000 + duration->tv_nsec / 1000);
    return 0;
}

/* ---- eventfd: numbers far above those of files ---- */

#define BELL_FIRST 100000
#define BELLS_MAX 4096
static uint64_t bells[BELLS_MAX];
static int bell_count;

static uint64_t *bell_of(int fd) { return fd >= BELL_FIRST && fd < BELL_FIRST + bell_count ? &bells[fd - BELL_FIRST] : NULL; }

int __wrap_eventfd(unsigned initial, int flags) {
    (void)flags;
    if (bell_count == BELLS_MAX) sim_fail("more than %d eventfds", BELLS_MAX);
    bells[bell_count] = initial;
    return BELL_FIRST + bell_count++;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size) {
    uint64_t *bell = bell_of(fd);
    if (!bell) return __real_write(fd, bytes, size);
    *bell += 1;
    sim_wake(bell);
    return (ssize_t)size;
}

ssize_t __wrap_read(int fd, void *bytes, size_t size) {
    uint64_t *bell = bell_of(fd);
    if (!bell) return __real_read(fd, bytes, size);
    *bell = 0;
    return (ssize_t)size;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    const uint64_t *bell = count == 1 ? bell_of(fds->fd) : NULL;
    if (!bell) sim_fail("poll of something else than one eventfd");
    if (!*bell) sim_wait(bell, now + timeout_ms * 1000);
    return *bell != 0;
}

int __wrap_close(int fd) { return bell_of(fd) ? 0 : __real_close(fd); }

/* ---- the rest of the machine ---- */

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags) {
    (void)flags;
    for (size_t n = 0; n < size; n++) ((uint8_t *)bytes)[n] = (uint8_t)sim_random();
    return (ssize_t)size;
}

/* Nothing that is logged here blocks, and SIGALRM is the simulator's own. */
int __wrap_sigaction(int signal_number, const struct sigaction *action, struct sigaction *before) {
    (void)signal_number, (void)action, (void)before;
    return 0;
}

int __wrap_setitimer(int which, const struct itimerval *timer, struct itimerval *before) {
    (void)which, (void)timer, (void)before;
    return 0;
}

void __wrap__exit(int code) {
    if (!current) __real__exit(code);
    sim_trace("the process ends itself with %d", code);
    sim_kill(current->instance);
    abort();
}
