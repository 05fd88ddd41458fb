/* fault: for a test that fault.c is linked into: which of its calls fails. */
#ifndef RINGBACK_TEST_FAULT_H
#define RINGBACK_TEST_FAULT_H

enum fault_kind { FAULT_NONE, FAULT_MEMORY, FAULT_FILES, FAULT_LMDB };

#define FAULT_SHORT (-1) /* in the place of an error: a write writes half of what it should */

/* From now on the calls of that kind are counted from 1, and the one with this number fails so (0: none). */
void fault_set(enum fault_kind kind, long number, int error);
long fault_calls(void); /* since then */

#endif
