/*
 * verify: a data directory held against its own journal, read again (docs/decisions/0017).
 *
 * Journal: its seals, by chain, counts and hashes. Outputs: every record. State: every entry of every table at the seal where it stands, and
 * the balance. Nothing is changed; a fold may be running.
 */
#ifndef RINGBACK_VERIFY_H
#define RINGBACK_VERIFY_H

#include "failure.h"

enum verified { VERIFIED_JOURNAL, VERIFIED_OUTPUTS, VERIFIED_STATE, VERIFIED_BALANCE, VERIFIED_KINDS };

#define FINDINGS_SHOWN 20 /* of a kind; the others are counted */

/* What is wrong, printed to standard output as it is found. */
struct findings {
    uint64_t count[VERIFIED_KINDS];
};

/* One line: a sentence that names file, place and field. */
void finding(struct findings *findings, enum verified kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Does it all and prints what was looked at. 0: all is as the journal says; > 0: it is not, which was printed; -1: it could not be done. */
int verify(const char *data, struct failure *failure);

#endif
