/* What the tests of runtime/ share: a directory of their own, files in it, and silence where complaints are expected. */
#ifndef RINGBACK_TEST_LOG_FILES_FIXTURE_H
#define RINGBACK_TEST_LOG_FILES_FIXTURE_H

#include "../../runtime/data_dir.h" /* before cmocka.h, which takes the name `fail` for itself */
#include "../../schemas/codec/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_ID "0123456789abcdef0123456789abcdef"

static char scratch_path[64]; /* removed by scratch_remove */

static inline int scratch_make(void **state) {
    (void)state;
    strcpy(scratch_path, "/tmp/ringback-test-XXXXXX");
    return mkdtemp(scratch_path) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static inline int scratch_remove(void **state) {
    (void)state;
    return nftw(scratch_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* scratch/name, in one of some buffers that take turns. */
static inline const char *in_scratch(const char *name) {
    static char paths[8][256];
    static size_t turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_path, name);
    return path;
}

struct bytes {
    uint8_t *bytes;
    size_t size;
};

static inline struct bytes file_read(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    struct bytes content = {.size = (size_t)ftell(file)};
    rewind(file);
    content.bytes = malloc(content.size + 1);
    assert_int_equal(fread(content.bytes, 1, content.size, file), content.size);
    fclose(file);
    return content;
}

static inline void file_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static inline void assert_same_file(const char *a, const char *b) {
    struct bytes left = file_read(a), right = file_read(b);
    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.bytes, right.bytes, left.size);
    free(left.bytes);
    free(right.bytes);
}

/* Complaints are part of what is tested; they are not part of the test's own report. */
static inline int silence(void) {
    fflush(stderr);
    int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    close(null);
    return kept;
}

static inline void speak(int kept) {
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
}

static inline int schemas_setup(void **state) {
    (void)state;
    char error[400];
    return schemas_load(error, sizeof error);
}

static inline int schemas_teardown(void **state) {
    (void)state;
    schemas_unload();
    return 0;
}

#endif
