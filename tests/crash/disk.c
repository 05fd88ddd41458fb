/*
 * disk: plays the disk to the program that it is preloaded into (LD_PRELOAD), and stops the program before one call of its choice.
 *
 * Below one directory it notes what each call changes, until a sync of the file (of a name: of its directory) makes that last. When
 * the time has come it takes back what no sync has made last, as a power cut may, and kills the program. Environment:
 *   DISK_UNDER  the directory, an absolute path without links
 *   DISK_STOP   the number of the call, from 1, before which the program stops; "end": it ends, and then the power is cut; else never
 *   DISK_LOSES  nothing; everything (that no sync made last); or a seed: by chance, with torn writes
 *   DISK_BOOT   a file that is read in place of the kernel's boot id
 *   DISK_COUNT  where the number of calls is written when the program ends
 * It knows the calls that ringback and LMDB make, one thread, and fewer than 256 files.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define FILES_MAX 256
#define OWN_FDS_FROM 512

/* The function that this one stands before. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Without this nothing that is shown would hold. */
#define must(what)                                                                                                                         \
    do {                                                                                                                                   \
        if (what) break;                                                                                                                   \
        perror("disk.c: " #what);                                                                                                          \
        abort();                                                                                                                           \
    } while (0)

struct file {
    dev_t device;
    ino_t inode;
    int fd; /* our own, for reading and writing */
};

enum change_kind { BYTES, SIZE, CREATED, RENAMED, REMOVED };

struct change {
    enum change_kind kind;
    dev_t device; /* of what must be synced to make it last: the file, of names the directory */
    ino_t inode;
    int fd;
    off_t offset, old_size, new_size;
    size_t old_count, new_count;
    uint8_t *old_bytes, *new_bytes;
    char *path, *path_before, *saved; /* of names; saved: what the name stood for before */
};

static struct file files[FILES_MAX];
static size_t file_count;
static struct change *changes;
static size_t change_count, change_capacity;
static long calls, stop;
static bool stop_at_end, lost;
static uint64_t chance;
static const char *under, *loses;

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("DISK_STOP");
    under = getenv("DISK_UNDER");
    loses = getenv("DISK_LOSES");
    if (!loses) loses = "nothing";
    stop = at ? strtol(at, NULL, 10) : 0;
    stop_at_end = at && strcmp(at, "end") == 0;
    chance = strtoull(loses, NULL, 10) * 0x9e3779b97f4a7c15 + 1;
}

static uint64_t draw(uint64_t below) {
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance % below;
}

/* ---- what was changed and may be lost ---- */

static bool is_under(const char *path) { return under && strncmp(path, under, strlen(under)) == 0 && path[strlen(under)] == '/'; }

static bool path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return false;
    path[length] = 0;
    return true;
}

static void absolute(int directory_fd, const char *name, char path[PATH_MAX]) {
    char directory[PATH_MAX];
    if (*name == '/') snprintf(path, PATH_MAX, "%s", name);
    else if (directory_fd == AT_FDCWD ? getcwd(directory, sizeof directory) != NULL : path_of(directory_fd, directory)) {
        int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
        must(length < PATH_MAX);
    }
}

/* The file behind a descriptor, with a descriptor of our own; NULL: not below the directory. */
static struct file *watched(int fd) {
    char path[PATH_MAX], link[64];
    struct stat status;
    if (!path_of(fd, path) || !is_under(path) || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return NULL;
    for (size_t n = 0; n < file_count; n++)
        if (files[n].device == status.st_dev && files[n].inode == status.st_ino) return &files[n];
    must(file_count < FILES_MAX);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int ours = REAL(open)(link, O_RDWR | O_CLOEXEC), high = fcntl(ours, F_DUPFD_CLOEXEC, OWN_FDS_FROM);
    must(ours >= 0 && high >= 0);
    close(ours);
    files[file_count] = (struct file){status.st_dev, status.st_ino, high};
    return &files[file_count++];
}

static struct change *note(enum change_kind kind, dev_t device, ino_t inode) {
    if (change_count == change_capacity) {
        change_capacity = change_capacity ? 2 * change_capacity : 256;
        changes = realloc(changes, change_capacity * sizeof *changes);
        must(changes);
    }
    changes[change_count] = (struct change){.kind = kind, .device = device, .inode = inode};
    return &changes[change_count++];
}

static off_t size_of(int fd) {
    struct stat status;
    int result = fstat(fd, &status);
    must(result == 0);
    return status.st_size;
}

static uint8_t *read_old(int fd, off_t offset, size_t count, size_t *got) {
    uint8_t *bytes = malloc(count ? count : 1);
    must(bytes);
    ssize_t length = pread(fd, bytes, count, offset);
    must(length >= 0);
    *got = (size_t)length;
    return bytes;
}

static void note_bytes(const struct file *file, const struct iovec *parts, int part_count, off_t offset) {
    struct change *change = note(BYTES, file->device, file->inode);
    for (int n = 0; n < part_count; n++) change->new_count += parts[n].iov_len;
    change->fd = file->fd;
    change->offset = offset;
    change->old_size = size_of(file->fd);
    change->old_bytes = read_old(file->fd, offset, change->new_count, &change->old_count);
    change->new_bytes = malloc(change->new_count ? change->new_count : 1);
    must(change->new_bytes);
    uint8_t *to = change->new_bytes;
    for (int n = 0; n < part_count; to += parts[n++].iov_len) memcpy(to, parts[n].iov_base, parts[n].iov_len);
}

static void note_size(const struct file *file, off_t size) {
    struct change *change = note(SIZE, file->device, file->inode);
    change->fd = file->fd;
    change->old_size = size_of(file->fd);
    change->offset = change->new_size = size;
    size_t gone = change->old_size > size ? (size_t)(change->old_size - size) : 0;
    change->old_bytes = read_old(file->fd, size, gone, &change->old_count);
}

/* A name was or will be changed; what it stands for now is kept under another name, if `keep` and it stands for anything. */
static struct change *note_name(enum change_kind kind, const char *path, bool keep) {
    static int number;
    char directory[PATH_MAX], saved[PATH_MAX + 32];
    struct stat status;
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = 0;
    int result = stat(directory, &status);
    must(result == 0);
    struct change *change = note(kind, status.st_dev, status.st_ino);
    change->path = strdup(path);
    snprintf(saved, sizeof saved, "%s.saved.%d", under, number++);
    if (keep && link(path, saved) == 0) change->saved = strdup(saved);
    return change;
}

/* What a sync of this file or directory makes last is forgotten. */
static void forget(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return;
    size_t kept = 0;
    for (size_t n = 0; n < change_count; n++) {
        struct change *change = &changes[n];
        if (change->device != status.st_dev || change->inode != status.st_ino) {
            changes[kept++] = *change;
            continue;
        }
        if (change->saved) REAL(unlink)(change->saved);
        free(change->old_bytes);
        free(change->new_bytes);
        free(change->path);
        free(change->path_before);
        free(change->saved);
    }
    change_count = kept;
}

/* ---- the loss ---- */

static void write_at(int fd, const uint8_t *bytes, size_t count, off_t offset) {
    ssize_t written = REAL(pwrite)(fd, bytes, count, offset);
    must(written == (ssize_t)count);
}

static void set_size(int fd, off_t size) {
    int result = REAL(ftruncate)(fd, size);
    must(result == 0);
}

static void undo_data(const struct change *change) {
    write_at(change->fd, change->old_bytes, change->old_count, change->offset);
    set_size(change->fd, change->old_size);
}

static void undo_name(const struct change *change) {
    if (change->kind == CREATED) REAL(unlink)(change->path);
    if (change->kind == RENAMED) REAL(rename)(change->path, change->path_before);
    if (change->saved) REAL(rename)(change->saved, change->path);
}

/* By chance a write came through, whole or in part. */
static void redo_by_chance(const struct change *change) {
    if (draw(2)) return;
    if (change->kind == SIZE) set_size(change->fd, change->new_size);
    else write_at(change->fd, change->new_bytes, draw(3) ? change->new_count : draw(change->new_count + 1), change->offset);
}

static bool is_data(const struct change *change) { return change->kind == BYTES || change->kind == SIZE; }

/* Data is lost or kept write by write; changes of names keep their order, as file systems journal them. */
static void lose(void) {
    bool by_chance = strcmp(loses, "everything") != 0;
    size_t names = 0;
    lost = true;
    if (strcmp(loses, "nothing") == 0) return;
    for (size_t n = 0; n < change_count; n++) names += !is_data(&changes[n]);
    size_t names_kept = by_chance ? (size_t)draw(names + 1) : 0;
    for (size_t n = change_count; n-- > 0;) {
        if (is_data(&changes[n])) undo_data(&changes[n]);
        else if (names-- > names_kept) undo_name(&changes[n]);
    }
    for (size_t n = 0; by_chance && n < change_count; n++)
        if (is_data(&changes[n])) redo_by_chance(&changes[n]);
}

/* Before each call that changes or syncs what is watched. */
static void count(void) {
    if (lost || ++calls != stop) return;
    lose();
    kill(getpid(), SIGKILL);
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("DISK_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", calls);
        fclose(file);
    }
    if (stop_at_end) lose();
}

/* ---- the calls ---- */

static int opens(int directory_fd, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    const char *boot_id = getenv("DISK_BOOT");
    if (boot_id && strcmp(name, BOOT_ID_PATH) == 0) name = boot_id;
    absolute(directory_fd, name, path);
    if (!(flags & (O_CREAT | O_TRUNC)) || !is_under(path)) return REAL(openat)(directory_fd, name, flags, mode);
    count();
    bool there = access(path, F_OK) == 0;
    int fd = REAL(openat)(directory_fd, name, flags & ~O_TRUNC, mode);
    if (fd < 0) return fd;
    if (!there) note_name(CREATED, path, false);
    struct file *file = flags & O_TRUNC ? watched(fd) : NULL;
    if (file && size_of(fd) > 0) {
        note_size(file, 0);
        set_size(file->fd, 0);
    }
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opens(AT_FDCWD, path, flags, mode);
}

int openat(int directory_fd, const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opens(directory_fd, path, flags, mode);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    struct file *file = watched(fd);
    if (file) {
        count();
        note_bytes(file, &(struct iovec){(void *)(uintptr_t)bytes, size}, 1, offset);
    }
    return REAL(pwrite)(fd, bytes, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int part_count) {
    struct file *file = watched(fd);
    if (file) {
        count();
        note_bytes(file, parts, part_count, lseek(fd, 0, SEEK_CUR));
    }
    return REAL(writev)(fd, parts, part_count);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    struct file *file = watched(fd);
    if (file) {
        count();
        note_bytes(file, &(struct iovec){(void *)(uintptr_t)bytes, size}, 1, lseek(fd, 0, SEEK_CUR));
    }
    return REAL(write)(fd, bytes, size);
}

int ftruncate(int fd, off_t size) {
    struct file *file = watched(fd);
    if (file) {
        count();
        note_size(file, size);
    }
    return REAL(ftruncate)(fd, size);
}

/* Whether a sync of it is one of the calls before which the program may stop. */
static bool is_synced(int fd) {
    char path[PATH_MAX];
    return path_of(fd, path) && (is_under(path) || (under && strcmp(path, under) == 0));
}

/* No real disk is waited for: the kernel keeps what was written. */
static int sync_of(int fd) {
    if (is_synced(fd)) count();
    forget(fd);
    return 0;
}

int fsync(int fd) { return sync_of(fd); }

int fdatasync(int fd) { return sync_of(fd); }

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
    char before[PATH_MAX], path[PATH_MAX];
    absolute(from_fd, from, before);
    absolute(to_fd, to, path);
    if (is_under(path)) {
        count();
        note_name(RENAMED, path, true)->path_before = strdup(before);
    }
    return REAL(renameat)(from_fd, from, to_fd, to);
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int directory_fd, const char *name, int flags) {
    char path[PATH_MAX];
    absolute(directory_fd, name, path);
    if (is_under(path) && access(path, F_OK) == 0) {
        count();
        note_name(REMOVED, path, true);
    }
    return REAL(unlinkat)(directory_fd, name, flags);
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
