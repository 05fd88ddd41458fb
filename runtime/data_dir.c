#include "data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_set(struct data_dir *dir, const char *path, struct failure *failure) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (length == 0) return fail(failure, EXIT_USAGE, "the data directory has no name. Give one with --data DIR.");
    if (length >= sizeof dir->path)
        return fail(failure, EXIT_USAGE, "the path of the data directory is longer than %zu bytes.", sizeof dir->path - 1);
    memcpy(dir->path, path, length);
    dir->path[length] = 0;
    return 0;
}

static int must_be_directory(const char *path, struct failure *failure) {
    struct stat status;
    if (stat(path, &status) < 0 && errno == ENOENT)
        return fail(failure, EXIT_FAILED, "--data %s: no such directory. ringback fold --data %s FILE makes one.", path, path);
    if (stat(path, &status) < 0) return fail_errno(failure, "open the data directory", path);
    if (S_ISDIR(status.st_mode)) return 0;
    return fail(failure, EXIT_FAILED, "%s is not a directory. Give the data directory with --data DIR.", path);
}

int data_dir_open(struct data_dir *dir, const char *path, struct failure *failure) {
    return path_set(dir, path, failure) < 0 ? -1 : must_be_directory(dir->path, failure);
}

/* Records of calls are personal data: what is made here is its owner's alone. */
static int directory_make(const char *path, struct failure *failure) {
    if (mkdir(path, 0700) < 0 && errno != EEXIST) return fail_errno(failure, "make the directory", path);
    return must_be_directory(path, failure);
}

/* What a file system or its keeper puts into any directory is nobody's. */
static bool is_nobodys(const char *name) { return *name == '.' || strcmp(name, "lost+found") == 0; }

static bool is_ours(const char *name) {
    static const char *const names[] = {JOURNAL_FILE_NAME, "state", "outputs", "inbox"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (strcmp(name, names[n]) == 0) return true;
    return false;
}

/* Nothing is made among somebody else's files: a wrong --data is more likely. */
static int must_be_ours_or_empty(const char *path, struct failure *failure) {
    DIR *directory = opendir(path);
    if (!directory) return fail_errno(failure, "list the data directory", path);
    bool ours = false, others = false;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        ours |= is_ours(entry->d_name);
        others |= !is_nobodys(entry->d_name);
    }
    closedir(directory);
    if (ours || !others) return 0;
    return fail(failure, EXIT_USAGE, "%s holds other files and no data of ringback's. Give a new or an empty directory with --data DIR.",
                path);
}

int data_dir_make(struct data_dir *dir, const char *path, struct failure *failure) {
    char part[PATH_MAX];
    if (path_set(dir, path, failure) < 0 || directory_make(dir->path, failure) < 0) return -1;
    if (access(dir->path, R_OK | W_OK | X_OK) < 0) return fail_errno(failure, "write in the data directory", dir->path);
    if (must_be_ours_or_empty(dir->path, failure) < 0) return -1;
    if (directory_make(data_dir_outputs(dir, part), failure) < 0 || directory_make(data_dir_state(dir, part), failure) < 0) return -1;
    return directory_make(data_dir_inbox(dir, part), failure) < 0 ? -1 : directory_sync(dir->path, failure);
}

static const char *inside(const struct data_dir *dir, const char *name, char path[PATH_MAX]) {
    snprintf(path, PATH_MAX, "%s/%s", dir->path, name);
    return path;
}

const char *data_dir_journal(const struct data_dir *dir, char path[PATH_MAX]) { return inside(dir, JOURNAL_FILE_NAME, path); }
const char *data_dir_state(const struct data_dir *dir, char path[PATH_MAX]) { return inside(dir, "state", path); }
const char *data_dir_outputs(const struct data_dir *dir, char path[PATH_MAX]) { return inside(dir, "outputs", path); }
const char *data_dir_inbox(const struct data_dir *dir, char path[PATH_MAX]) { return inside(dir, "inbox", path); }

const char *topic_file_name(enum topic topic) {
    static const char *const names[TOPICS] = {
        [TOPIC_REJECTED] = "rejected.avro",   [TOPIC_CALLS_CLASSIFIED] = "calls-classified.avro",
        [TOPIC_FOLLOWUPS] = "followups.avro", [TOPIC_FOLLOWUP_EVENTS] = "followup-events.avro",
        [TOPIC_NOTICES] = "notices.avro",     [TOPIC_COMMAND_RESULTS] = "command-results.avro",
    };
    return names[topic];
}

int directory_sync(const char *path, struct failure *failure) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail_errno(failure, "open the directory", path);
    int result = fsync(fd);
    if (result < 0) fail_errno(failure, "sync the directory", path);
    close(fd);
    return result;
}
