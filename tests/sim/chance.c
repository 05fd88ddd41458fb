#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool sim_tracing;
static uint64_t state;

void sim_seed(uint64_t seed) { state = seed; }

/* splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t sim_random(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

int64_t sim_between(int64_t least, int64_t most) { return least + (int64_t)(sim_random() % (uint64_t)(most - least + 1)); }
bool sim_chance(int64_t per_mille) { return per_mille > 0 && sim_between(1, 1000) <= per_mille; }

static void say(const char *before, const char *format, va_list values) {
    const struct instance *instance = sim_current();
    printf("%s%9.3f s  ", before, (double)sim_now() / SIM_SECOND);
    printf(instance ? "instance %d  " : "            ", instance ? instance->number : 0);
    vprintf(format, values);
    putchar('\n');
}

void sim_trace_line(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say("# ", format, values);
    va_end(values);
}

void sim_fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say("# failed at ", format, values);
    va_end(values);
    fflush(stdout);
    _Exit(1);
}
