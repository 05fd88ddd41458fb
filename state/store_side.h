/*
 * store_side: what LMDB and memory each provide behind store.h, and what they share. Internal to state/.
 *
 * store.c checks the rules of store.h (a transaction is open, keys have a length that may be, positions still stand) and then calls
 * the side; so both sides refuse the same things, and a side may rely on them.
 */
#ifndef RINGBACK_STORE_SIDE_H
#define RINGBACK_STORE_SIDE_H

#include "store.h"

struct store_side {
    void (*close)(struct store *store);
    int (*begin)(struct store *store);
    int (*commit)(struct store *store);
    void (*abort)(struct store *store);
    int (*get)(struct store *store, enum table table, struct str key, struct str *value);
    int (*put)(struct store *store, enum table table, struct str key, struct str value);
    int (*remove)(struct store *store, enum table table, struct str key);
    int (*seek)(struct store *store, enum table table, struct str from, struct str *key, struct str *value);
    int (*next)(struct store *store, enum table table, struct str *key, struct str *value);
    int (*stats)(struct store *store, struct store_stats *stats);
    int (*sync)(struct store *store);
};

enum cursor { POSITION_NONE, POSITION_ON, POSITION_ENDED };

/* The first member of each side's own struct. */
struct store {
    const struct store_side *side;
    bool read_only;
    bool begun;
    int failed; /* the error that the open transaction died of, or 0 */
    enum cursor positions[TABLES];
    char error[512];
};

/* Writes the text and returns `code`, so that an error is one line. */
int store_say(char *error, size_t error_size, int code, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Which store error an errno is. */
int store_code_of_errno(int number);

/* The entry of TABLE_META that says whose bytes these are: "ringback", format version (big-endian), size and order of a machine word. */
#define STORE_FORMAT_KEY STR("format")
struct str store_format(void);
int store_check_format(struct str format, char *error, size_t error_size); /* 0, STORE_ERROR_FORMAT; STORE_ERROR_DIRTY: an older one */

#endif
