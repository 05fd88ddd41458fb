#include "kafka_states.h"

#include <stdio.h>
#include <stdlib.h>

const char *partition_state_text(enum partition_state state) {
    static const char *const names[] = {"READING", "TAKING", "WRITING", "WAITING", "LOST", "QUARANTINED", "ENDED"};
    return names[state];
}

const char *partition_event_text(enum partition_event event) {
    static const char *const names[] = {"nothing", "given", "taken", "ready", "renew", "failed", "fenced", "damaged", "waited", "stopped"};
    return names[event];
}

static _Noreturn void impossible(enum partition_state state, enum partition_event event) {
    fprintf(stderr, "ringback: a partition that is %s cannot be told \"%s\"\n", partition_state_text(state), partition_event_text(event));
    abort();
}

enum partition_state partition_next(enum partition_state state, enum partition_event event) {
    if (event == EVENT_NOTHING) return state;
    if (event == EVENT_STOPPED && state != PARTITION_ENDED) return PARTITION_ENDED;
    switch (state) {
    case PARTITION_READING:
        if (event == EVENT_GIVEN) return PARTITION_TAKING;
        if (event == EVENT_FAILED) return PARTITION_WAITING;
        if (event == EVENT_DAMAGED) return PARTITION_QUARANTINED;
        break;
    case PARTITION_TAKING:
        if (event == EVENT_READY) return PARTITION_WRITING;
        if (event == EVENT_TAKEN) return PARTITION_READING;
        if (event == EVENT_FAILED) return PARTITION_WAITING;
        if (event == EVENT_FENCED) return PARTITION_LOST;
        if (event == EVENT_DAMAGED) return PARTITION_QUARANTINED;
        break;
    case PARTITION_WRITING:
        if (event == EVENT_RENEW) return PARTITION_TAKING;
        if (event == EVENT_TAKEN) return PARTITION_READING;
        if (event == EVENT_FAILED) return PARTITION_WAITING;
        if (event == EVENT_FENCED) return PARTITION_LOST;
        if (event == EVENT_DAMAGED) return PARTITION_QUARANTINED;
        break;
    case PARTITION_WAITING:
        if (event == EVENT_WAITED) return PARTITION_READING;
        break;
    case PARTITION_LOST:
        if (event == EVENT_TAKEN) return PARTITION_READING;
        break;
    case PARTITION_QUARANTINED:
    case PARTITION_ENDED: break;
    }
    impossible(state, event);
}
