#include "ingest_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define INCOMING "incoming"

static const char *inbox_path(const struct data_dir *dir, const char *name, char path[PATH_MAX]) {
    data_dir_inbox(dir, path);
    size_t length = strlen(path);
    snprintf(path + length, PATH_MAX - length, "/%s", name);
    return path;
}

static int write_all(int fd, const uint8_t *bytes, size_t size, const char *path, struct failure *failure) {
    while (size) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(failure, "write", path);
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int copy(int from, int to, const char *path, XXH3_state_t *hash, struct failure *failure) {
    enum { CHUNK = 1 << 20 };
    uint8_t *chunk = malloc(CHUNK);
    if (!chunk) return fail_memory(failure);
    int result = 0;
    while (result == 0) {
        ssize_t size = read(from, chunk, CHUNK);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) result = fail_errno(failure, "read", "the input");
        if (size <= 0) break;
        XXH3_128bits_update(hash, chunk, (size_t)size);
        result = write_all(to, chunk, (size_t)size, path, failure);
    }
    free(chunk);
    return result;
}

static int store_incoming(int fd, const char *incoming, XXH3_state_t *hash, struct failure *failure) {
    int to = open(incoming, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0) return fail_errno(failure, "make", incoming);
    int result = copy(fd, to, incoming, hash, failure);
    if (result == 0 && fsync(to) < 0) result = fail_errno(failure, "sync", incoming);
    close(to);
    if (result < 0) unlink(incoming);
    return result;
}

int spool(int fd, const struct data_dir *dir, char path[PATH_MAX], struct failure *failure) {
    char incoming[PATH_MAX], name[CONTENT_HASH_DIGITS + 1];
    inbox_path(dir, INCOMING, incoming);
    XXH3_state_t *hash = XXH3_createState();
    if (!hash) return fail_memory(failure);
    XXH3_128bits_reset(hash);
    int result = store_incoming(fd, incoming, hash, failure);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash));
    XXH3_freeState(hash);
    if (result < 0) return -1;
    for (size_t n = 0; n < sizeof canonical.digest; n++) snprintf(name + 2 * n, 3, "%02x", canonical.digest[n]);
    inbox_path(dir, name, path);
    if (rename(incoming, path) < 0) return fail_errno(failure, "rename", incoming);
    char inbox[PATH_MAX];
    return directory_sync(data_dir_inbox(dir, inbox), failure);
}

static int is_spooled(const struct dirent *entry) {
    return strlen(entry->d_name) == CONTENT_HASH_DIGITS && strspn(entry->d_name, "0123456789abcdef") == CONTENT_HASH_DIGITS;
}

static int incoming_remove(const struct data_dir *dir, struct failure *failure) {
    char path[PATH_MAX];
    struct stat status;
    if (stat(inbox_path(dir, INCOMING, path), &status) < 0) return 0;
    complain("%s: removed %" PRId64 " bytes of input that was not read to its end when an earlier run stopped; none of it was folded.",
             path, (int64_t)status.st_size);
    return unlink(path) < 0 ? fail_errno(failure, "remove", path) : 0;
}

int spool_each(const struct data_dir *dir, void (*each)(void *context, const char *path), void *context, struct failure *failure) {
    char inbox[PATH_MAX], path[PATH_MAX];
    struct dirent **entries;
    if (incoming_remove(dir, failure) < 0) return -1;
    int count = scandir(data_dir_inbox(dir, inbox), &entries, is_spooled, alphasort);
    if (count < 0) return fail_errno(failure, "list", inbox);
    for (int n = 0; n < count; n++) {
        each(context, inbox_path(dir, entries[n]->d_name, path));
        free(entries[n]);
    }
    free(entries);
    return 0;
}

int spool_remove(const struct data_dir *dir, const char *path, struct failure *failure) {
    char inbox[PATH_MAX];
    if (unlink(path) < 0 && errno != ENOENT) return fail_errno(failure, "remove", path);
    return directory_sync(data_dir_inbox(dir, inbox), failure);
}
