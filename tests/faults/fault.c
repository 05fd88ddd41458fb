/*
 * fault: makes one call of the program that it is preloaded into (LD_PRELOAD) fail, once.
 *
 * The calls of one kind are numbered from 1 as they come, those of libraries too. Environment:
 *   FAULT_KIND    memory (malloc and its family), file (open, read, write, sync, names, maps) or lmdb (what state/ calls of LMDB)
 *   FAULT_AT      the number of the call that fails; 0: none does
 *   FAULT_ERROR   what it fails with: an errno or an LMDB code; "short": a write writes half of what it should
 *   FAULT_REPORT  a file that gets one line a call when the program ends: its name, and a hash of who called
 * One thread. A unit test may have it linked in and say all that by fault.h; then memory is left alone, whose calls may be a sanitizer's.
 */
#include "fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <lmdb.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CALLS_MAX 400000
#define FRAMES 7

static enum fault_kind kind;
static long calls, at;
static int error;
static bool is_short, inside;
static const char *report;
static struct {
    const char *name;
    uint32_t callers;
} seen[CALLS_MAX];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *wanted = getenv("FAULT_KIND"), *number = getenv("FAULT_AT"), *code = getenv("FAULT_ERROR");
    void *frames[2];
    backtrace(frames, 2); /* loads what it needs, now */
    at = number ? strtol(number, NULL, 10) : 0;
    is_short = code && strcmp(code, "short") == 0;
    error = code ? (int)strtol(code, NULL, 10) : 0;
    report = getenv("FAULT_REPORT");
    kind = !wanted ? FAULT_NONE : strcmp(wanted, "memory") == 0 ? FAULT_MEMORY : strcmp(wanted, "file") == 0 ? FAULT_FILES : FAULT_LMDB;
}

void fault_set(enum fault_kind which, long number, int with) {
    kind = which;
    calls = 0;
    at = number;
    error = with;
    is_short = with == FAULT_SHORT;
}

long fault_calls(void) { return calls; }

__attribute__((destructor)) static void end(void) {
    kind = FAULT_NONE;
    FILE *out = report ? fopen(report, "w") : NULL;
    if (!out) return;
    for (long n = 0; n < calls && n < CALLS_MAX; n++) fprintf(out, "%s %08x\n", seen[n].name, seen[n].callers);
    fclose(out);
}

/* Where code lies differs from run to run, how far apart it lies does not. */
static uint32_t callers(void) {
    void *frames[FRAMES + 2];
    int count = backtrace(frames, FRAMES + 2);
    uint32_t hash = 2166136261u;
    for (int n = 2; n < count; n++) hash = (hash ^ (uint32_t)((uintptr_t)frames[n] & 0xfff)) * 16777619u;
    return hash;
}

/* True where this call is the one that fails. */
static bool fails(enum fault_kind of, const char *name) {
    if (kind != of || inside) return false;
    inside = true;
    if (report && calls < CALLS_MAX) {
        seen[calls].name = name;
        seen[calls].callers = callers();
    }
    calls++;
    inside = false;
    return calls == at;
}

/* ---- memory ---- */

#ifndef FAULT_LINKED
extern void *__libc_malloc(size_t size), *__libc_calloc(size_t count, size_t size), *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size), __libc_free(void *memory);

static void *no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size) { return fails(FAULT_MEMORY, "malloc") ? no_memory() : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails(FAULT_MEMORY, "calloc") ? no_memory() : __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return fails(FAULT_MEMORY, "realloc") ? no_memory() : __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { return fails(FAULT_MEMORY, "aligned_alloc") ? no_memory() : __libc_memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
    if (fails(FAULT_MEMORY, "posix_memalign")) return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}
void free(void *memory) { __libc_free(memory); } /* of the same allocator, not of the program's own */
#endif

/* ---- files ---- */

#define FILE_FAILS(name, result)                                                                                                           \
    if (fails(FAULT_FILES, name)) {                                                                                                              \
        errno = error;                                                                                                                     \
        return result;                                                                                                                     \
    }

/* What a build that counts its branches writes when it has ended is no call of the program's. */
static bool is_count(const char *path) {
    const char *ending = strrchr(path, '.');
    return ending && strcmp(ending, ".gcda") == 0;
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

#define OPEN(name)                                                                                                                         \
    int name(const char *path, int flags, ...) {                                                                                           \
        va_list rest;                                                                                                                      \
        va_start(rest, flags);                                                                                                             \
        mode_t mode = mode_of(flags, rest);                                                                                                \
        va_end(rest);                                                                                                                      \
        if (is_count(path)) return REAL(name)(path, flags, mode);                                                                          \
        FILE_FAILS("open", -1)                                                                                                             \
        return REAL(name)(path, flags, mode);                                                                                              \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                                       \
    int name(int directory, const char *path, int flags, ...) {                                                                            \
        va_list rest;                                                                                                                      \
        va_start(rest, flags);                                                                                                             \
        mode_t mode = mode_of(flags, rest);                                                                                                \
        va_end(rest);                                                                                                                      \
        FILE_FAILS("openat", -1)                                                                                                           \
        return REAL(name)(directory, path, flags, mode);                                                                                   \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t read(int fd, void *bytes, size_t size) {
    FILE_FAILS("read", -1)
    return REAL(read)(fd, bytes, size);
}
ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
    FILE_FAILS("read", -1)
    return REAL(pread)(fd, bytes, size, offset);
}
ssize_t pread64(int fd, void *bytes, size_t size, off_t offset) {
    FILE_FAILS("read", -1)
    return REAL(pread64)(fd, bytes, size, offset);
}
ssize_t write(int fd, const void *bytes, size_t size) {
    if (fails(FAULT_FILES, "write")) {
        if (is_short) return REAL(write)(fd, bytes, size / 2);
        errno = error;
        return -1;
    }
    return REAL(write)(fd, bytes, size);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    if (fails(FAULT_FILES, "write")) {
        if (is_short) return REAL(pwrite)(fd, bytes, size / 2, offset);
        errno = error;
        return -1;
    }
    return REAL(pwrite)(fd, bytes, size, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) { return pwrite(fd, bytes, size, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    FILE_FAILS("writev", -1)
    return REAL(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    FILE_FAILS("writev", -1)
    return REAL(pwritev)(fd, parts, count, offset);
}
int fsync(int fd) {
    FILE_FAILS("sync", -1)
    return REAL(fsync)(fd);
}
int fdatasync(int fd) {
    FILE_FAILS("sync", -1)
    return REAL(fdatasync)(fd);
}
int ftruncate(int fd, off_t size) {
    FILE_FAILS("truncate", -1)
    return REAL(ftruncate)(fd, size);
}
int ftruncate64(int fd, off_t size) {
    FILE_FAILS("truncate", -1)
    return REAL(ftruncate64)(fd, size);
}
int rename(const char *from, const char *to) {
    FILE_FAILS("rename", -1)
    return REAL(rename)(from, to);
}
int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    FILE_FAILS("rename", -1)
    return REAL(renameat)(from_directory, from, to_directory, to);
}
int unlink(const char *path) {
    FILE_FAILS("unlink", -1)
    return REAL(unlink)(path);
}
int unlinkat(int directory, const char *path, int flags) {
    FILE_FAILS("unlink", -1)
    return REAL(unlinkat)(directory, path, flags);
}
int mkdir(const char *path, mode_t mode) {
    FILE_FAILS("mkdir", -1)
    return REAL(mkdir)(path, mode);
}
int fstat(int fd, struct stat *status) {
    FILE_FAILS("stat", -1)
    return REAL(fstat)(fd, status);
}
int stat(const char *path, struct stat *status) {
    FILE_FAILS("stat", -1)
    return REAL(stat)(path, status);
}
int fstatat(int directory, const char *path, struct stat *status, int flags) {
    FILE_FAILS("stat", -1)
    return REAL(fstatat)(directory, path, status, flags);
}
int fstatfs(int fd, struct statfs *status) {
    FILE_FAILS("statfs", -1)
    return REAL(fstatfs)(fd, status);
}
int flock(int fd, int operation) {
    FILE_FAILS("flock", -1)
    return REAL(flock)(fd, operation);
}
DIR *opendir(const char *path) {
    FILE_FAILS("opendir", NULL)
    return REAL(opendir)(path);
}
ssize_t getrandom(void *bytes, size_t size, unsigned flags) {
    FILE_FAILS("getrandom", -1)
    return REAL(getrandom)(bytes, size, flags);
}
void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    FILE_FAILS("mmap", MAP_FAILED)
    return REAL(mmap)(address, size, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    FILE_FAILS("mmap", MAP_FAILED)
    return REAL(mmap64)(address, size, protection, flags, fd, offset);
}

/* ---- LMDB ---- */

#define LMDB_FAILS(name)                                                                                                                   \
    if (fails(FAULT_LMDB, #name)) return error

int mdb_env_create(MDB_env **env) {
    LMDB_FAILS(mdb_env_create);
    return REAL(mdb_env_create)(env);
}
int mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode) {
    LMDB_FAILS(mdb_env_open);
    return REAL(mdb_env_open)(env, path, flags, mode);
}
int mdb_env_set_mapsize(MDB_env *env, size_t size) {
    LMDB_FAILS(mdb_env_set_mapsize);
    return REAL(mdb_env_set_mapsize)(env, size);
}
int mdb_env_set_maxdbs(MDB_env *env, MDB_dbi count) {
    LMDB_FAILS(mdb_env_set_maxdbs);
    return REAL(mdb_env_set_maxdbs)(env, count);
}
int mdb_env_info(MDB_env *env, MDB_envinfo *info) {
    LMDB_FAILS(mdb_env_info);
    return REAL(mdb_env_info)(env, info);
}
int mdb_env_stat(MDB_env *env, MDB_stat *stat) {
    LMDB_FAILS(mdb_env_stat);
    return REAL(mdb_env_stat)(env, stat);
}
int mdb_env_sync(MDB_env *env, int force) {
    LMDB_FAILS(mdb_env_sync);
    return REAL(mdb_env_sync)(env, force);
}
int mdb_reader_check(MDB_env *env, int *dead) {
    LMDB_FAILS(mdb_reader_check);
    return REAL(mdb_reader_check)(env, dead);
}
int mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn) {
    LMDB_FAILS(mdb_txn_begin);
    return REAL(mdb_txn_begin)(env, parent, flags, txn);
}
int mdb_txn_renew(MDB_txn *txn) {
    LMDB_FAILS(mdb_txn_renew);
    return REAL(mdb_txn_renew)(txn);
}
int mdb_txn_commit(MDB_txn *txn) { /* on any outcome the transaction is over */
    if (fails(FAULT_LMDB, "mdb_txn_commit")) {
        REAL(mdb_txn_abort)(txn);
        return error;
    }
    return REAL(mdb_txn_commit)(txn);
}
int mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi) {
    LMDB_FAILS(mdb_dbi_open);
    return REAL(mdb_dbi_open)(txn, name, flags, dbi);
}
int mdb_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat) {
    LMDB_FAILS(mdb_stat);
    return REAL(mdb_stat)(txn, dbi, stat);
}
int mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value) {
    LMDB_FAILS(mdb_get);
    return REAL(mdb_get)(txn, dbi, key, value);
}
int mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags) {
    LMDB_FAILS(mdb_put);
    return REAL(mdb_put)(txn, dbi, key, value, flags);
}
int mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value) {
    LMDB_FAILS(mdb_del);
    return REAL(mdb_del)(txn, dbi, key, value);
}
int mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del) {
    LMDB_FAILS(mdb_drop);
    return REAL(mdb_drop)(txn, dbi, del);
}
int mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor) {
    LMDB_FAILS(mdb_cursor_open);
    return REAL(mdb_cursor_open)(txn, dbi, cursor);
}
int mdb_cursor_renew(MDB_txn *txn, MDB_cursor *cursor) {
    LMDB_FAILS(mdb_cursor_renew);
    return REAL(mdb_cursor_renew)(txn, cursor);
}
int mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation) {
    LMDB_FAILS(mdb_cursor_get);
    return REAL(mdb_cursor_get)(cursor, key, value, operation);
}
int mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags) {
    LMDB_FAILS(mdb_cursor_put);
    return REAL(mdb_cursor_put)(cursor, key, value, flags);
}
int mdb_cursor_del(MDB_cursor *cursor, unsigned flags) {
    LMDB_FAILS(mdb_cursor_del);
    return REAL(mdb_cursor_del)(cursor, flags);
}
