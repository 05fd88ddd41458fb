/*
 * failure: what went wrong outside of the data, in words for the person at the terminal, and the exit code that goes with it.
 *
 * One struct is made by the command and kept by all that it opens; the first failure written to it stands. Functions that can fail so
 * return 0 or -1 and have described it here. Bad input is no failure: it is journalled and rejected.
 */
#ifndef RINGBACK_FAILURE_H
#define RINGBACK_FAILURE_H

#include "../state/store.h"
#include "command.h"

struct failure {
    enum exit_code code; /* EXIT_DONE: nothing failed */
    bool retry;          /* the store asks for the transaction again (STORE_RETRY) */
    bool of_disk;        /* the disk is full, or refuses: nothing else on it would fare better */
    char text[1200];
};

/* Describes a failure unless one is described already. Always returns -1. */
int fail(struct failure *failure, enum exit_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same after a system call: "cannot DOING PATH: cause", and what to do about the causes that are known (full disk, rights). */
int fail_errno(struct failure *failure, const char *doing, const char *path);
int fail_memory(struct failure *failure);
/* After a call of the store that returned `code`; `where` names the state for a person, `text` is what the store says. */
int fail_store(struct failure *failure, int code, const char *where, const char *text);

#endif
