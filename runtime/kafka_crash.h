/*
 * kafka_crash: the moments at which tests kill the program, or break one of its rules, to see that nothing is lost or that it is found out.
 * In a program that is shipped there is nothing of it (-DRINGBACK_CRASH_POINTS makes a test build; tests/kafka/README.md).
 */
#ifndef RINGBACK_KAFKA_CRASH_H
#define RINGBACK_KAFKA_CRASH_H

#include <stdbool.h>

#ifdef RINGBACK_CRASH_POINTS
/* Ends the process at once where the environment says RINGBACK_CRASH=NAME:N and this is the N-th time. */
void crash_point(const char *name);
/* Whether RINGBACK_BREAK names this rule. */
bool rule_is_broken(const char *name);
#else
static inline void crash_point(const char *name) { (void)name; }
static inline bool rule_is_broken(const char *name) {
    (void)name;
    return false;
}
#endif

#endif
