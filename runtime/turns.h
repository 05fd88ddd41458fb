/* turns: so many threads at a time; the others wait, in no order. */
#ifndef RINGBACK_TURNS_H
#define RINGBACK_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct turns {
    pthread_mutex_t lock;
    pthread_cond_t given;
    int64_t free;
};

static inline void turns_make(struct turns *turns, int64_t at_a_time) {
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->given, NULL);
    turns->free = at_a_time;
}

static inline void turn_take(struct turns *turns) {
    pthread_mutex_lock(&turns->lock);
    while (turns->free == 0) pthread_cond_wait(&turns->given, &turns->lock);
    turns->free--;
    pthread_mutex_unlock(&turns->lock);
}

static inline void turn_give(struct turns *turns) {
    pthread_mutex_lock(&turns->lock);
    turns->free++;
    pthread_cond_signal(&turns->given);
    pthread_mutex_unlock(&turns->lock);
}

#endif
