/*
 * log_files_recover: finds the last good seal of a journal file (ARCHITECTURE 1, last points).
 *
 * A seal is written when all before it is durable. So whatever follows the last seal is a torn tail, also where it looks damaged;
 * and whatever is damaged with a seal behind it is damage. Between seals only block heads are looked at; the records are checked where they
 * are folded.
 */
#ifndef RINGBACK_LOG_FILES_RECOVER_H
#define RINGBACK_LOG_FILES_RECOVER_H

#include "log_files.h"

/*
 * Scans from `*place` (sequence -1: from behind the header, where `reader` stands after container_open) and moves it to the last seal.
 * Each seal must follow the one before: journal id, sequence, its hash, the number of records between.
 */
int journal_recover(struct container_reader *reader, const struct plan *plan, const char *path, struct log_place *place,
                    struct failure *failure);

#endif
