#include "lmdb_environment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define READERS_GIVE_WAY_SECONDS 5

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* a transaction ended, an environment is closed, a resize is over */
static struct lmdb_environment *environments;

struct copy {
    struct copy *next;
    int file, directory;
    bool cut;
};

static struct timespec give_way_until(void) {
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += READERS_GIVE_WAY_SECONDS;
    return deadline;
}

/* Holding the lock: LMDB's next write fails. The number of the file stays taken meanwhile, so that it cannot be another file's. */
static void cut_copies(struct lmdb_environment *environment) {
    for (struct copy *copy = environment->copies; copy; copy = copy->next) copy->cut |= dup3(copy->directory, copy->file, O_CLOEXEC) >= 0;
}

static struct lmdb_environment *find(const struct lmdb_directory *directory) {
    dev_t device;
    ino_t inode;
    if (!lmdb_directory_find_data(directory, &device, &inode)) return NULL;
    for (struct lmdb_environment *each = environments; each; each = each->next)
        if (each->device == device && each->inode == inode) return each;
    return NULL;
}

/* Holding the lock: until nobody in this process has it open. Returns what somebody still has. */
static struct lmdb_environment *wait_until_closed(const struct lmdb_directory *directory) {
    struct timespec deadline = give_way_until();
    struct lmdb_environment *environment;
    for (int code = 0; (environment = find(directory)) != NULL && code == 0;) {
        cut_copies(environment);
        code = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &deadline);
    }
    return environment;
}

static int open_new(struct lmdb_environment **result, const struct lmdb_directory *directory, const char *path, bool read_only,
                    size_t map_bytes) {
    struct lmdb_environment *environment = calloc(1, sizeof *environment);
    if (!environment) return ENOMEM;
    environment->read_only = read_only;
    int code = mdb_env_create(&environment->env);
    if (code) {
        free(environment);
        return code;
    }
    code = mdb_env_set_maxdbs(environment->env, TABLES + 1);
    if (!code && !read_only) code = mdb_env_set_mapsize(environment->env, map_bytes);
    if (!code) code = mdb_env_open(environment->env, path, MDB_NOTLS | (read_only ? MDB_RDONLY : MDB_NOSYNC), 0600);
    if (!code) code = mdb_reader_check(environment->env, NULL);
    if (!code && !lmdb_directory_find_data(directory, &environment->device, &environment->inode)) code = ENOENT;
    if (code) {
        mdb_env_close(environment->env);
        free(environment);
        return code;
    }
    environment->next = environments;
    environments = environment;
    *result = environment;
    return 0;
}

int lmdb_environment_open(struct lmdb_environment **result, const struct lmdb_directory *directory, const char *path, bool read_only,
                          size_t map_bytes) {
    pthread_mutex_lock(&lock);
    int code = 0;
    *result = find(directory);
    if (*result && (*result)->read_only && !read_only) *result = wait_until_closed(directory);
    if (!*result) code = open_new(result, directory, path, read_only, map_bytes);
    if (!code && !read_only && (*result)->read_only) code = EBUSY;
    if (code)
        *result = NULL;
    else
        (*result)->users++;
    pthread_mutex_unlock(&lock);
    return code;
}

void lmdb_environment_close(struct lmdb_environment *environment) {
    pthread_mutex_lock(&lock);
    if (--environment->users == 0) {
        struct lmdb_environment **link = &environments;
        while (*link != environment) link = &(*link)->next;
        *link = environment->next;
        mdb_env_close(environment->env);
        free(environment);
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
}

bool lmdb_environment_in_use(const struct lmdb_directory *directory) {
    pthread_mutex_lock(&lock);
    bool in_use = wait_until_closed(directory) != NULL;
    pthread_mutex_unlock(&lock);
    return in_use;
}

/* Holding the lock. */
static int enter(struct lmdb_environment *environment) {
    while (environment->resizing) pthread_cond_wait(&changed, &lock);
    if (environment->lost) return MDB_PANIC;
    environment->transactions++;
    return 0;
}

int lmdb_environment_enter(struct lmdb_environment *environment) {
    pthread_mutex_lock(&lock);
    int code = enter(environment);
    pthread_mutex_unlock(&lock);
    return code;
}

void lmdb_environment_leave(struct lmdb_environment *environment) {
    pthread_mutex_lock(&lock);
    environment->transactions--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

int lmdb_environment_copy(struct lmdb_environment *environment, int file, int directory) {
    struct copy copy = {.file = file, .directory = directory};
    pthread_mutex_lock(&lock);
    int code = enter(environment);
    if (!code) {
        copy.next = environment->copies;
        environment->copies = &copy;
        pthread_cond_broadcast(&changed); /* somebody may wait already */
    }
    pthread_mutex_unlock(&lock);
    if (code) return code;
    code = mdb_env_copyfd2(environment->env, file, MDB_CP_COMPACT);
    pthread_mutex_lock(&lock);
    struct copy **link = &environment->copies;
    while (*link != &copy) link = &(*link)->next;
    *link = copy.next;
    pthread_mutex_unlock(&lock);
    lmdb_environment_leave(environment);
    return copy.cut ? ECANCELED : code;
}

/* Holding the lock: until no transaction is open. New ones wait meanwhile, so that a stream of short readers cannot hold it off. */
static int wait_for_readers(struct lmdb_environment *environment) {
    struct timespec deadline = give_way_until();
    int code = 0;
    cut_copies(environment);
    while (environment->transactions > 0 && code == 0) code = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &deadline);
    return environment->transactions > 0 ? EBUSY : 0;
}

/* Holding the lock. LMDB unmaps first: where it cannot map again the environment is lost, and any further call would crash. */
static int resize(struct lmdb_environment *environment, size_t bytes) {
    environment->resizing = true;
    int code = wait_for_readers(environment);
    if (!code) {
        code = mdb_env_set_mapsize(environment->env, bytes);
        environment->lost = code != 0;
    }
    environment->resizing = false;
    pthread_cond_broadcast(&changed);
    return code;
}

/* Holding the lock. */
static void extent(struct lmdb_environment *environment, uint64_t *bytes_used, uint64_t *bytes_mapped) {
    MDB_envinfo info;
    MDB_stat stat;
    mdb_env_info(environment->env, &info);
    mdb_env_stat(environment->env, &stat);
    *bytes_used = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
    *bytes_mapped = info.me_mapsize;
}

int lmdb_environment_make_room(struct lmdb_environment *environment, bool must) {
    uint64_t used, mapped;
    int code = 0;
    pthread_mutex_lock(&lock);
    if (environment->lost) {
        code = MDB_PANIC;
    } else {
        extent(environment, &used, &mapped);
        bool wanted = used > mapped / 2;
        must = must || used > mapped / 4 * 3;
        if (must || (wanted && environment->transactions == 0)) {
            /* What a killed reader had pinned could have been reused instead. */
            code = mdb_reader_check(environment->env, NULL);
            if (!code) code = resize(environment, mapped * 2);
        }
    }
    pthread_mutex_unlock(&lock);
    return code;
}

int lmdb_environment_follow_map(struct lmdb_environment *environment) {
    pthread_mutex_lock(&lock);
    int code = environment->lost ? MDB_PANIC : resize(environment, 0);
    pthread_mutex_unlock(&lock);
    return code;
}

void lmdb_environment_extent(struct lmdb_environment *environment, uint64_t *bytes_used, uint64_t *bytes_mapped) {
    pthread_mutex_lock(&lock);
    extent(environment, bytes_used, bytes_mapped);
    pthread_mutex_unlock(&lock);
}
