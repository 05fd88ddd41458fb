/* What the tests of the store share: a directory of their own, and text for keys and values. */
#ifndef RINGBACK_TEST_STORE_FIXTURE_H
#define RINGBACK_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../state/store.h"

static inline void make_test_directory(char *path, size_t size) {
    const char *base = getenv("TMPDIR");
    snprintf(path, size, "%s/ringback-store-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static inline void remove_test_directory(const char *path) {
    static const char *const names[] = {"data.mdb", "lock.mdb", "data.new", "OWNER", "STATE", "STATE.new"};
    char file[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        unlink(file);
    }
    rmdir(path);
}

#define assert_str(actual, expected)                                                                                                       \
    do {                                                                                                                                   \
        struct str actual_ = (actual), expected_ = (expected);                                                                             \
        assert_int_equal(actual_.len, expected_.len);                                                                                      \
        if (expected_.len) assert_memory_equal(actual_.ptr, expected_.ptr, expected_.len);                                                 \
    } while (0)

static inline void put(struct store *store, enum table table, struct str key, struct str value) {
    assert_int_equal(store_put(store, table, key, value), 0);
}

#endif
