#include "lmdb_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "store_side.h"

#define NEW_DATA "data.new"
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static int say_errno(char *error, size_t error_size, const char *what) {
    int number = errno;
    return store_say(error, error_size, store_code_of_errno(number), "%s: %s", what, strerrordesc_np(number));
}

const char *lmdb_directory_unsafe_filesystem(uint32_t type) {
    static const struct {
        uint32_t type;
        const char *name;
    } unsafe[] = {
        {0x00006969, "NFS"},  {0xff534d42, "CIFS"}, {0x0000517b, "SMB"}, {0xfe534d42, "SMB2"},   {0x01021997, "9p"},
        {0x65735546, "FUSE"}, {0x00c36400, "Ceph"}, {0x5346414f, "AFS"}, {0x0bd00bd0, "Lustre"},
    };
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        if (unsafe[i].type == type) return unsafe[i].name;
    return NULL;
}

const char *store_unsafe_filesystem(const char *path) {
    struct statfs filesystem;
    return statfs(path, &filesystem) == 0 ? lmdb_directory_unsafe_filesystem((uint32_t)filesystem.f_type) : NULL;
}

/* Reads a short text file whole, without its line end; false with errno set where that fails. */
static bool read_line(int directory_fd, const char *name, char *text, size_t size) {
    int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t len = read(fd, text, size - 1);
    int number = errno;
    close(fd);
    errno = number;
    if (len < 0) return false;
    text[len] = 0;
    text[strcspn(text, "\n")] = 0;
    return true;
}

static int take_ownership(struct lmdb_directory *directory, const char *path, char *error, size_t error_size) {
    directory->owner_fd = openat(directory->fd, "OWNER", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (directory->owner_fd < 0) return say_errno(error, error_size, "OWNER");
    if (flock(directory->owner_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return say_errno(error, error_size, "locking OWNER");
        char pid[32] = "";
        read_line(directory->fd, "OWNER", pid, sizeof pid);
        return store_say(error, error_size, STORE_ERROR_BUSY, "%s is owned by process %s: stop it, or use another directory", path,
                         *pid ? pid : "(unknown)");
    }
    char pid[32];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(directory->owner_fd, 0) != 0 || pwrite(directory->owner_fd, pid, (size_t)len, 0) != len)
        return say_errno(error, error_size, "writing OWNER");
    return 0;
}

int lmdb_directory_open(struct lmdb_directory *directory, const char *path, bool own, char *error, size_t error_size) {
    *directory = LMDB_DIRECTORY_CLOSED;
    if (own && mkdir(path, 0700) != 0 && errno != EEXIST) return say_errno(error, error_size, path);
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0) return say_errno(error, error_size, path);
    struct statfs filesystem;
    if (fstatfs(directory->fd, &filesystem) != 0) return say_errno(error, error_size, path);
    const char *unsafe = lmdb_directory_unsafe_filesystem((uint32_t)filesystem.f_type);
    if (unsafe)
        return store_say(error, error_size, STORE_ERROR_IO, "%s is on %s, where memory maps and locks do not hold: use a local disk", path,
                         unsafe);
    if (!read_line(AT_FDCWD, BOOT_ID_PATH, directory->boot_id, sizeof directory->boot_id))
        return say_errno(error, error_size, BOOT_ID_PATH);
    return own ? take_ownership(directory, path, error, error_size) : 0;
}

bool lmdb_directory_find_data(const struct lmdb_directory *directory, dev_t *device, ino_t *inode) {
    struct stat data;
    if (fstatat(directory->fd, "data.mdb", &data, 0) != 0) return false;
    *device = data.st_dev;
    *inode = data.st_ino;
    return true;
}

int lmdb_directory_check(struct lmdb_directory *directory, char *error, size_t error_size) {
    char state[64], dirty_here[64];
    if (!read_line(directory->fd, "STATE", state, sizeof state)) return errno == ENOENT ? 0 : say_errno(error, error_size, "STATE");
    snprintf(dirty_here, sizeof dirty_here, "dirty %s", directory->boot_id);
    directory->dirty = strcmp(state, dirty_here) == 0;
    if (directory->dirty || strcmp(state, "clean") == 0) return 0;
    return store_say(error, error_size, STORE_ERROR_DIRTY,
                     "the state was left unclean when the machine stopped, or its disk failed (STATE: %s): erase it and rebuild it from "
                     "the journal",
                     state);
}

/* A new file, complete and on the disk before it takes the name: STATE is never half written. */
static bool replace_file(int directory_fd, const char *name, const char *new_name, const char *text) {
    int fd = openat(directory_fd, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    size_t len = strlen(text);
    ssize_t written = write(fd, text, len);
    if (written >= 0 && (size_t)written < len) errno = ENOSPC;
    bool done = written == (ssize_t)len && fsync(fd) == 0;
    int number = errno;
    close(fd);
    errno = number;
    return done && renameat(directory_fd, new_name, directory_fd, name) == 0 && fsync(directory_fd) == 0;
}

int lmdb_directory_mark(struct lmdb_directory *directory, enum mark mark, char *error, size_t error_size) {
    char text[64] = "clean\n";
    if (mark != MARK_CLEAN) snprintf(text, sizeof text, "dirty %s\n", mark == MARK_DIRTY ? directory->boot_id : "damaged");
    if (!replace_file(directory->fd, "STATE", "STATE.new", text)) return say_errno(error, error_size, "writing STATE");
    directory->dirty = mark != MARK_CLEAN;
    return 0;
}

static int erase(struct lmdb_directory *directory, bool new_data, char *error, size_t error_size) {
    /* STATE last: until all else is gone it goes on saying what it said. */
    static const char *const names[] = {NEW_DATA, "data.mdb", "lock.mdb", "STATE.new", "STATE"};
    for (size_t i = new_data ? 0 : 1; i < sizeof names / sizeof *names; i++) {
        if (unlinkat(directory->fd, names[i], 0) != 0 && errno != ENOENT) return say_errno(error, error_size, names[i]);
        if (fsync(directory->fd) != 0) return say_errno(error, error_size, "erasing");
    }
    return 0;
}

int lmdb_directory_erase(struct lmdb_directory *directory, char *error, size_t error_size) {
    return erase(directory, true, error, error_size);
}

int lmdb_directory_new_data(struct lmdb_directory *directory, int *file, char *error, size_t error_size) {
    *file = openat(directory->fd, NEW_DATA, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (*file < 0) return say_errno(error, error_size, NEW_DATA);
    fcntl(*file, F_SETFL, O_DIRECT); /* where it may be: else the page cache would be the copy's, not the state's */
    return 0;
}

int lmdb_directory_take_new_data(struct lmdb_directory *directory, char *error, size_t error_size) {
    int result = erase(directory, false, error, error_size);
    if (result) return result;
    if (renameat(directory->fd, NEW_DATA, directory->fd, "data.mdb") != 0) return say_errno(error, error_size, NEW_DATA);
    return lmdb_directory_mark(directory, MARK_CLEAN, error, error_size);
}

void lmdb_directory_drop_new_data(struct lmdb_directory *directory) { unlinkat(directory->fd, NEW_DATA, 0); }

int64_t lmdb_directory_free_bytes(const struct lmdb_directory *directory) {
    struct statfs filesystem;
    if (fstatfs(directory->fd, &filesystem) != 0) return INT64_MAX;
    return (int64_t)filesystem.f_bavail * (int64_t)filesystem.f_bsize;
}

void lmdb_directory_close(struct lmdb_directory *directory) {
    if (directory->owner_fd >= 0) close(directory->owner_fd); /* ends the lock */
    if (directory->fd >= 0) close(directory->fd);
    *directory = LMDB_DIRECTORY_CLOSED;
}
