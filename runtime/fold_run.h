/*
 * fold_run: what `ringback fold` does: opens a data directory, brings its state up to its journal, and folds files into it.
 *
 * Whatever is interrupted, the same run again goes on where the last seal stands; and a directory that is already there takes further
 * files.
 */
#ifndef RINGBACK_FOLD_RUN_H
#define RINGBACK_FOLD_RUN_H

#include "ingest.h"
#include "writer.h"

/* What one seal can name; more files are folded in several runs. */
#define FOLD_FILES_MAX 2000

struct fold_options {
    const char *data;         /* the data directory; made where it is not there */
    const char *const *files; /* paths; "-" is standard input */
    size_t file_count;
    enum input_format format;
    int64_t until;          /* ms UTC that the files are known to be complete up to; NONE: not said */
    bool quiet;             /* no progress */
    const char *journal_id; /* of a new journal, for tests; NULL: random */
    struct writer_options writer;
};

struct fold_result {
    uint64_t records;   /* read and journalled in this run */
    size_t unreadable;  /* files that could not be read; each was complained about */
    int64_t elapsed_ms; /* of reading and folding */
    int64_t sequence;   /* of the last seal; -1: there is none */
    char journal_id[JOURNAL_ID_DIGITS + 1];
    struct fold_status before, after;
    struct fold_counts counts; /* of all tenants, after */
};

/* 0; -1 described in `failure`. */
int fold_run(const struct fold_options *options, struct fold_result *result, struct failure *failure);

#endif
