/* The store on disk when things go wrong around it: kills, full disks, missing rights. */
#include "test_store_place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void a_reader_without_rights_is_told_so(void **state) {
    struct place *place = *state;
    store_close(open_writer(place));
    char path[256];
    snprintf(path, sizeof path, "%s/lock.mdb", place->path);
    assert_int_equal(chmod(place->path, 0755) | chmod(path, 0444), 0);
    snprintf(path, sizeof path, "%s/data.mdb", place->path);
    assert_int_equal(chmod(path, 0444), 0);
    snprintf(path, sizeof path, "%s/STATE", place->path);
    assert_int_equal(chmod(path, 0444), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *store;
        if (geteuid() == 0 && setuid(65534) != 0) _exit(1);
        int result = store_open_lmdb_reader(&store, place->path, place->error, sizeof place->error);
        _exit(result == STORE_ERROR_IO && strstr(place->error, "lock.mdb writable") ? 7 : 2);
    }
    expect_exit(child, 7);
}

/* Kills */

/* Each transaction replaces the count and adds an entry as large as its number says, for ever. */
static void commit_until_killed(const char *path, int committed) {
    struct store *store;
    char error[512];
    static char filler[30000];
    if (store_open_lmdb(&store, path, error, sizeof error) != 0) _exit(1);
    if (store_begin(store) != 0) _exit(2);
    struct store_stats stats;
    if (store_stats(store, &stats) != 0) _exit(3);
    store_abort(store);
    for (uint32_t number = (uint32_t)stats.entries[TABLE_CALLS];; number++) {
        struct key key = {.len = 0};
        key_u32(&key, number);
        uint32_t count = number + 1;
        if (store_begin(store) != 0) _exit(4);
        if (store_put(store, TABLE_CALLS, key_str(&key), (struct str){filler, number * 37 % sizeof filler}) != 0) _exit(5);
        if (store_put(store, TABLE_META, STR("count"), (struct str){(char *)&count, sizeof count}) != 0) _exit(6);
        if (store_commit(store) != 0) _exit(7);
        if (write(committed, &count, sizeof count) != sizeof count) _exit(8);
    }
}

static uint32_t expect_whole_transactions(struct place *place) {
    struct store *store = open_writer(place);
    struct str key, value;
    uint32_t count = 0, number = 0, seen = 0;
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_get(store, TABLE_META, STR("count"), &value), 0);
    assert_int_equal(value.len, sizeof count);
    memcpy(&count, value.ptr, sizeof count);
    for (int result = store_seek(store, TABLE_CALLS, STR_NULL, &key, &value); result == 0;
         result = store_next(store, TABLE_CALLS, &key, &value)) {
        assert_true(key_take_u32(&key, &number));
        assert_int_equal(number, seen++);
        assert_int_equal(value.len, number * 37 % 30000);
    }
    assert_int_equal(seen, count);
    store_close(store);
    return count;
}

static void a_killed_writer_leaves_whole_transactions(void **state) {
    struct place *place = *state;
    uint32_t before = 0;
    for (int round = 0; round < 10; round++) {
        int committed[2];
        assert_int_equal(pipe(committed), 0);
        pid_t child = fork();
        if (child == 0) commit_until_killed(place->path, committed[1]);
        close(committed[1]);
        uint32_t last = before, next = 0;
        for (int i = 0; i < 20 + round * 7; i++) assert_int_equal(read(committed[0], &last, sizeof last), sizeof last);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        while (read(committed[0], &next, sizeof next) == sizeof next) last = next;
        close(committed[0]);
        before = expect_whole_transactions(place);
        assert_in_range(before, last, last + 1); /* the last commit may not have been told */
    }
}

/* Full disks */

static int mount_place(void **state) {
    make_place(state);
    struct place *place = *state;
    if (mount("tmpfs", place->path, "tmpfs", 0, "size=2m") == 0) return 0;
    const char *skip = getenv("RINGBACK_SKIP_MOUNT");
    bool skipped = skip && strcmp(skip, "1") == 0;
    print_error("a small tmpfs cannot be mounted (%s), so a full disk is not tested%s\n", strerror(errno),
                skipped ? "" : ": run as root, or set RINGBACK_SKIP_MOUNT=1 to go without");
    remove_place(state);
    *state = NULL;
    return skipped ? 0 : -1;
}

static int unmount_place(void **state) {
    struct place *place = *state;
    if (!place) return 0;
    umount2(place->path, MNT_DETACH);
    return remove_place(state);
}

static void a_full_disk_is_an_error_that_passes(void **state) {
    struct place *place = *state;
    if (!place) skip();
    struct store *store = open_writer(place);
    uint32_t count = 0;
    int result;
    while ((result = put_numbers(store, count, count + 20)) == 0) count += 20;
    assert_int_equal(result, STORE_ERROR_FULL);
    assert_in_range(count, 100, 2000);
    expect_numbers(store, count);
    assert_int_equal(put_numbers(store, count, count + 100), STORE_ERROR_FULL);
    store_close(store);

    store = open_writer(place);
    expect_numbers(store, count);
    assert_int_equal(put_numbers(store, count, count + 100), STORE_ERROR_FULL);
    assert_int_equal(mount(NULL, place->path, NULL, MS_REMOUNT, "size=8m"), 0);
    assert_int_equal(put_numbers(store, count, count + 100), 0);
    expect_numbers(store, count + 100);
    store_close(store);
    expect_state(place, "clean");
}

static void a_disk_that_others_filled_is_no_different(void **state) {
    struct place *place = *state;
    if (!place) skip();
    store_close(open_writer(place));
    struct store *store = open_writer(place);
    char path[256];
    static char filler[4096];
    snprintf(path, sizeof path, "%s/filler", place->path);
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(file, filler, sizeof filler) > 0) {}
    assert_int_equal(errno, ENOSPC);
    close(file);
    assert_int_equal(put_numbers(store, 0, 20), STORE_ERROR_FULL);
    assert_non_null(strstr(store_error(store), "STATE"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(put_numbers(store, 0, 20), 0);
    expect_numbers(store, 20);
    store_close(store);
}

#define AT_A_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
#define ON_A_SMALL_DISK(test) cmocka_unit_test_setup_teardown(test, mount_place, unmount_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_A_PLACE(a_reader_without_rights_is_told_so),
        AT_A_PLACE(a_killed_writer_leaves_whole_transactions),
        ON_A_SMALL_DISK(a_full_disk_is_an_error_that_passes),
        ON_A_SMALL_DISK(a_disk_that_others_filled_is_no_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
