#include "kafka_crash.h"

#ifdef RINGBACK_CRASH_POINTS

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void crash_point(const char *name) {
    static atomic_int reached;
    const char *wanted = getenv("RINGBACK_CRASH");
    size_t length = strlen(name);
    if (!wanted || strncmp(wanted, name, length) != 0 || wanted[length] != ':') return;
    if (atomic_fetch_add(&reached, 1) + 1 != atoi(wanted + length + 1)) return;
    fprintf(stderr, "ringback: crash point %s\n", wanted);
    _exit(86);
}

bool rule_is_broken(const char *name) {
    const char *broken = getenv("RINGBACK_BREAK");
    return broken && strcmp(broken, name) == 0;
}

#else
typedef int kafka_crash_is_empty; /* ISO C wants something */
#endif
