#include "store_side.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "keys.h"

#define FORMAT_VERSION 3

int store_say(char *error, size_t error_size, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
    return code;
}

int store_code_of_errno(int number) {
    switch (number) {
    case ENOSPC:
    case EDQUOT: return STORE_ERROR_FULL;
    case ENOMEM: return STORE_ERROR_MEMORY;
    default: return STORE_ERROR_IO;
    }
}

static const struct format {
    char application[8];
    uint8_t version[4]; /* big-endian, so that any machine can read it */
    uint32_t word_bytes;
    uint32_t word_order;
} format = {"ringback", {0, 0, 0, FORMAT_VERSION}, sizeof(size_t), 0x01020304};

struct str store_format(void) {
    return (struct str){(const char *)&format, sizeof format};
}

int store_check_format(struct str bytes, char *error, size_t error_size) {
    struct str rest = bytes;
    const uint8_t *application;
    uint32_t version;
    if (!key_take(&rest, sizeof format.application, &application) ||
        memcmp(application, format.application, sizeof format.application) != 0 || !key_take_u32(&rest, &version))
        return store_say(error, error_size, STORE_ERROR_FORMAT, "this is not ringback state: choose another directory");
    if (version > FORMAT_VERSION)
        return store_say(error, error_size, STORE_ERROR_FORMAT,
                         "state of format %u was written by a newer ringback, this one knows up to %u: start the newer one, or erase "
                         "the state and rebuild it from the journal",
                         version, FORMAT_VERSION);
    if (version < FORMAT_VERSION)
        return store_say(error, error_size, STORE_ERROR_DIRTY, "an older ringback wrote this state: the next fold builds it again from the journal");
    if (!str_equal(bytes, store_format()))
        return store_say(error, error_size, STORE_ERROR_FORMAT,
                         "state was written by a machine of another kind (byte order or word size): erase it and rebuild it from the "
                         "journal");
    return 0;
}

static int fail(struct store *store, int code, const char *text) {
    store_say(store->error, sizeof store->error, code, "%s", text);
    return store->failed = code;
}

/* Passes a side's result on; a negative one ends what can be done in this transaction. */
static int checked(struct store *store, int result) {
    if (result < 0) store->failed = result;
    return result;
}

static int check_open(struct store *store, enum table table) {
    if (!store->begun) return store_say(store->error, sizeof store->error, STORE_ERROR_MISUSE, "no transaction is open");
    if (store->failed) return store->failed;
    if ((unsigned)table >= TABLES) return fail(store, STORE_ERROR_MISUSE, "there is no such table");
    return 0;
}

static int check_key(struct store *store, enum table table, struct str key) {
    int result = check_open(store, table);
    if (result) return result;
    if (key.len == 0 || key.len > KEY_BYTES_MAX) return fail(store, STORE_ERROR_MISUSE, "a key is 1 to 506 bytes");
    return 0;
}

static int check_write(struct store *store, enum table table, struct str key) {
    int result = check_key(store, table, key);
    if (result) return result;
    if (store->read_only) return fail(store, STORE_ERROR_MISUSE, "the store is open for reading only");
    return 0;
}

static void forget_positions(struct store *store) { memset(store->positions, 0, sizeof store->positions); }

const char *store_error(const struct store *store) { return store->error; }

void store_close(struct store *store) {
    if (!store) return;
    store_abort(store);
    store->side->close(store);
}

int store_begin(struct store *store) {
    if (store->begun) return fail(store, STORE_ERROR_MISUSE, "a transaction is open already");
    int result = store->side->begin(store);
    if (result) return result;
    store->begun = true;
    store->failed = 0;
    forget_positions(store);
    return 0;
}

int store_commit(struct store *store) {
    int result = check_open(store, TABLE_META);
    if (result) {
        store_abort(store);
        return result;
    }
    store->begun = false;
    return store->side->commit(store);
}

void store_abort(struct store *store) {
    if (!store->begun) return;
    store->begun = false;
    store->side->abort(store);
}

int store_get(struct store *store, enum table table, struct str key, struct str *value) {
    int result = check_key(store, table, key);
    if (result) return result;
    return checked(store, store->side->get(store, table, key, value));
}

int store_put(struct store *store, enum table table, struct str key, struct str value) {
    int result = check_write(store, table, key);
    if (result) return result;
    forget_positions(store);
    return checked(store, store->side->put(store, table, key, value));
}

int store_delete(struct store *store, enum table table, struct str key) {
    int result = check_write(store, table, key);
    if (result) return result;
    forget_positions(store);
    return checked(store, store->side->remove(store, table, key));
}

static int positioned(struct store *store, enum table table, int result) {
    if ((unsigned)table < TABLES) store->positions[table] = result == 0 ? POSITION_ON : POSITION_ENDED;
    return checked(store, result);
}

int store_seek(struct store *store, enum table table, struct str from, struct str *key, struct str *value) {
    int result = from.len ? check_key(store, table, from) : check_open(store, table);
    return positioned(store, table, result ? result : store->side->seek(store, table, from, key, value));
}

int store_next(struct store *store, enum table table, struct str *key, struct str *value) {
    int result = check_open(store, table);
    if (result) return result;
    switch (store->positions[table]) {
    case POSITION_NONE: return fail(store, STORE_ERROR_MISUSE, "next without a seek, or after a write");
    case POSITION_ENDED: return STORE_ABSENT;
    case POSITION_ON: break;
    }
    return positioned(store, table, store->side->next(store, table, key, value));
}

int store_stats(struct store *store, struct store_stats *stats) {
    int result = check_open(store, TABLE_META);
    if (result) return result;
    return checked(store, store->side->stats(store, stats));
}

int store_distrust(struct store *store) {
    return fail(store, STORE_ERROR_DIRTY, "there are entries in it that ringback does not write: erase the state and rebuild it from the journal");
}

int store_sync(struct store *store) {
    if (store->read_only) return store_say(store->error, sizeof store->error, STORE_ERROR_MISUSE, "the store is open for reading only");
    return store->side->sync(store);
}
