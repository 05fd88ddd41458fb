/* What only the store on disk has to keep: ownership, formats, kills, full disks, growth and readers. */
#include "test_store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "../../state/directory.h"
#include "../../state/keys.h"
#include "../../state/store_lmdb.h"

struct place {
    char path[128];
    char error[512];
};

static int make_place(void **state) {
    struct place *place = calloc(1, sizeof *place);
    *state = place;
    make_test_directory(place->path, sizeof place->path);
    return 0;
}

static int remove_place(void **state) {
    struct place *place = *state;
    remove_test_directory(place->path);
    free(place);
    return 0;
}

static struct store *open_writer(struct place *place) {
    struct store *store;
    int result = store_open_lmdb(&store, place->path, place->error, sizeof place->error);
    if (result) print_error("%s\n", place->error);
    assert_int_equal(result, 0);
    return store;
}

static struct store *open_reader(struct place *place) {
    struct store *store;
    int result = store_open_lmdb_reader(&store, place->path, place->error, sizeof place->error);
    if (result) print_error("%s\n", place->error);
    assert_int_equal(result, 0);
    return store;
}

/* Opening gives the error, and words about it. */
static void expect_no_writer(struct place *place, int error, const char *words) {
    struct store *store;
    assert_int_equal(store_open_lmdb(&store, place->path, place->error, sizeof place->error), error);
    assert_null(store);
    if (!strstr(place->error, words)) fail_msg("\"%s\" does not say \"%s\"", place->error, words);
}

static void expect_no_reader(struct place *place, int error, const char *words) {
    struct store *store;
    assert_int_equal(store_open_lmdb_reader(&store, place->path, place->error, sizeof place->error), error);
    assert_null(store);
    if (!strstr(place->error, words)) fail_msg("\"%s\" does not say \"%s\"", place->error, words);
}

static void put_once(struct store *store, enum table table, struct str key, struct str value) {
    assert_int_equal(store_begin(store), 0);
    put(store, table, key, value);
    assert_int_equal(store_commit(store), 0);
}

static void expect(struct store *store, struct str key, struct str value) {
    struct str found;
    assert_int_equal(store_get(store, TABLE_CALLS, key, &found), 0);
    assert_str(found, value);
}

static void expect_once(struct store *store, struct str key, struct str value) {
    assert_int_equal(store_begin(store), 0);
    expect(store, key, value);
    store_abort(store);
}

static void write_text(struct place *place, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", place->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void expect_state(struct place *place, const char *prefix) {
    char path[256], text[128] = "";
    snprintf(path, sizeof path, "%s/STATE", place->path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    if (strncmp(text, prefix, strlen(prefix)) != 0) fail_msg("STATE is \"%s\", not \"%s\"", text, prefix);
}

static void expect_exit(pid_t child, int status) {
    int found;
    assert_int_equal(waitpid(child, &found, 0), child);
    assert_true(WIFEXITED(found));
    assert_int_equal(WEXITSTATUS(found), status);
}

/* Opening again */

static void what_was_committed_is_there_when_opened_again(void **state) {
    struct place *place = *state;
    struct store *store = open_writer(place);
    put_once(store, TABLE_CALLS, STR("a"), STR("1"));
    assert_int_equal(store_begin(store), 0);
    put(store, TABLE_CALLS, STR("a"), STR("2"));
    store_close(store);
    store = open_writer(place);
    expect_once(store, STR("a"), STR("1"));
    store_close(store);
}

static void the_directory_is_made_for_its_owner_alone(void **state) {
    struct place *place = *state;
    assert_int_equal(rmdir(place->path), 0);
    store_close(open_writer(place));
    struct stat stat_;
    assert_int_equal(stat(place->path, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0700);
}

static void a_second_writer_is_told_who_owns_it(void **state) {
    struct place *place = *state;
    char owner[64];
    snprintf(owner, sizeof owner, "owned by process %ld", (long)getpid());
    struct store *store = open_writer(place);
    expect_no_writer(place, STORE_ERROR_BUSY, owner);
    pid_t child = fork();
    if (child == 0) {
        struct store *second;
        int result = store_open_lmdb(&second, place->path, place->error, sizeof place->error);
        _exit(result == STORE_ERROR_BUSY && strstr(place->error, owner) ? 7 : 1);
    }
    expect_exit(child, 7);
    put_once(store, TABLE_CALLS, STR("a"), STR("1"));
    store_close(store);
    store_close(open_writer(place));
}

static void a_writer_does_not_follow_a_reader_of_its_process(void **state) {
    struct place *place = *state;
    store_close(open_writer(place));
    struct store *reader = open_reader(place);
    expect_no_writer(place, STORE_ERROR_BUSY, "readers in this process");
    store_close(reader);
    store_close(open_writer(place));
}

/* Formats */

static void another_format_is_refused(void **state) {
    struct place *place = *state;
    struct store *store = open_writer(place);
    struct str format;
    char other[64];
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_get(store, TABLE_META, STR("format"), &format), 0);
    assert_in_range(format.len, 13, sizeof other);
    uint32_t len = format.len;
    memcpy(other, format.ptr, len);
    store_abort(store);

    static const struct {
        int byte;
        const char *words;
    } cases[] = {{11, "newer ringback"}, {0, "not ringback state"}, {12, "another kind"}};
    for (int i = 0; i < 3; i++) {
        other[cases[i].byte]++;
        put_once(store, TABLE_META, STR("format"), (struct str){other, len});
        store_close(store);
        expect_no_writer(place, STORE_ERROR_FORMAT, cases[i].words);
        expect_no_reader(place, STORE_ERROR_FORMAT, cases[i].words);
        other[cases[i].byte]--;
        assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
        store = open_writer(place);
    }
    store_close(store);
}

static void a_file_that_is_no_environment_is_refused(void **state) {
    struct place *place = *state;
    char text[9000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    write_text(place, "data.mdb", text);
    expect_no_writer(place, STORE_ERROR_FORMAT, "not an LMDB file");
    expect_no_reader(place, STORE_ERROR_FORMAT, "not an LMDB file");
}

static void a_reader_of_nothing_is_told_to_wait(void **state) {
    struct place *place = *state;
    expect_no_reader(place, STORE_ERROR_FORMAT, "start the writer first");
    assert_int_equal(rmdir(place->path), 0);
    expect_no_reader(place, STORE_ERROR_IO, "No such file");
    assert_int_equal(mkdir(place->path, 0700), 0);
}

static void file_systems_of_others_are_unsafe(void **state) {
    (void)state;
    static const uint32_t unsafe[] = {0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546};
    static const uint32_t safe[] = {0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630}; /* ext4, xfs, btrfs, tmpfs, overlayfs */
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) assert_non_null(directory_unsafe_filesystem(unsafe[i]));
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) assert_null(directory_unsafe_filesystem(safe[i]));
}

/* STATE */

static void state_is_dirty_from_the_first_commit_until_close(void **state) {
    struct place *place = *state;
    store_close(open_writer(place));
    expect_state(place, "clean");
    struct store *store = open_writer(place);
    assert_int_equal(store_begin(store), 0);
    expect_state(place, "clean");
    assert_int_equal(store_commit(store), 0);
    expect_state(place, "dirty ");
    assert_int_equal(store_sync(store), 0);
    expect_state(place, "dirty ");
    store_close(store);
    expect_state(place, "clean");
}

static void dirty_under_another_boot_is_refused_until_erased(void **state) {
    struct place *place = *state;
    struct store *store = open_writer(place);
    put_once(store, TABLE_CALLS, STR("a"), STR("1"));
    store_close(store);
    write_text(place, "STATE", "dirty 00000000-0000-4000-8000-000000000000\n");
    expect_no_writer(place, STORE_ERROR_DIRTY, "rebuild it from the journal");
    expect_no_reader(place, STORE_ERROR_DIRTY, "rebuild it from the journal");
    assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
    store = open_writer(place);
    struct str value;
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_get(store, TABLE_CALLS, STR("a"), &value), STORE_ABSENT);
    store_close(store);
}

static void what_is_in_use_is_not_erased(void **state) {
    struct place *place = *state;
    struct store *store = open_writer(place);
    put_once(store, TABLE_CALLS, STR("a"), STR("1"));
    assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), STORE_ERROR_BUSY);
    struct store *reader = open_reader(place);
    store_close(store);
    assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), STORE_ERROR_BUSY);
    expect_once(reader, STR("a"), STR("1"));
    store_close(reader);
    assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
}

/* Growth */

#define SMALL_MAP_BYTES (512 * 1024)

static int put_numbers(struct store *store, uint32_t from, uint32_t to) {
    static const char filler[1000];
    int result = store_begin(store);
    for (uint32_t i = from; i < to && result == 0; i++) {
        struct key key = {.len = 0};
        key_u32(&key, i);
        result = store_put(store, TABLE_CALLS, key_str(&key), (struct str){filler, sizeof filler});
    }
    if (result == 0) return store_commit(store);
    store_abort(store);
    return result;
}

static void expect_numbers(struct store *store, uint32_t count) {
    struct store_stats stats;
    struct str key, value;
    uint32_t number = 0, seen = 0;
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_stats(store, &stats), 0);
    assert_int_equal(stats.entries[TABLE_CALLS], count);
    assert_true(stats.bytes_used <= stats.bytes_mapped);
    for (int result = store_seek(store, TABLE_CALLS, STR_NULL, &key, &value); result == 0;
         result = store_next(store, TABLE_CALLS, &key, &value)) {
        assert_true(key_take_u32(&key, &number));
        assert_int_equal(number, seen++);
        assert_int_equal(value.len, 1000);
    }
    assert_int_equal(seen, count);
    store_abort(store);
}

static void the_map_grows_between_transactions(void **state) {
    struct place *place = *state;
    struct store *store;
    assert_int_equal(store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    for (uint32_t i = 0; i < 20000; i += 100) assert_int_equal(put_numbers(store, i, i + 100), 0);
    expect_numbers(store, 20000);
    store_close(store);
    /* A map smaller than the file is no obstacle to opening it. */
    assert_int_equal(store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    assert_int_equal(put_numbers(store, 20000, 20100), 0);
    expect_numbers(store, 20100);
    store_close(store);
}

static void a_transaction_larger_than_the_map_is_done_again(void **state) {
    struct place *place = *state;
    struct store *store;
    assert_int_equal(store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    assert_int_equal(put_numbers(store, 0, 10), 0);
    int retries = 0, result;
    while ((result = put_numbers(store, 10, 5000)) == STORE_RETRY) retries++;
    assert_int_equal(result, 0);
    assert_in_range(retries, 2, 8);
    expect_numbers(store, 5000);
    store_close(store);
}

static void after_an_error_the_transaction_repeats_it(void **state) {
    struct place *place = *state;
    struct store *store;
    assert_int_equal(store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    assert_int_equal(store_begin(store), 0);
    char *big = calloc(1, 2 * SMALL_MAP_BYTES);
    struct str value;
    assert_int_equal(store_put(store, TABLE_CALLS, STR("big"), (struct str){big, 2 * SMALL_MAP_BYTES}), STORE_RETRY);
    free(big);
    assert_int_equal(store_put(store, TABLE_CALLS, STR("a"), STR("1")), STORE_RETRY);
    assert_int_equal(store_get(store, TABLE_CALLS, STR("a"), &value), STORE_RETRY);
    assert_non_null(strstr(store_error(store), "do the transaction again"));
    assert_int_equal(store_commit(store), STORE_RETRY);
    put_once(store, TABLE_CALLS, STR("a"), STR("1"));
    store_close(store);
}

/* Readers */

static void a_snapshot_stays_while_the_writer_commits(void **state) {
    struct place *place = *state;
    struct store *writer = open_writer(place);
    put_once(writer, TABLE_CALLS, STR("a"), STR("1"));
    struct store *reader = open_reader(place);
    assert_int_equal(store_begin(reader), 0);
    for (uint32_t i = 0; i < 50; i++) put_once(writer, TABLE_CALLS, STR("a"), STR("2"));
    expect(reader, STR("a"), STR("1"));
    store_abort(reader);
    expect_once(reader, STR("a"), STR("2"));
    assert_int_equal(store_begin(reader), 0);
    assert_int_equal(store_put(reader, TABLE_CALLS, STR("a"), STR("3")), STORE_ERROR_MISUSE);
    store_abort(reader);
    assert_int_equal(store_sync(reader), STORE_ERROR_MISUSE);
    store_close(writer);
    expect_once(reader, STR("a"), STR("2"));
    writer = open_writer(place);
    put_once(writer, TABLE_CALLS, STR("a"), STR("3"));
    expect_once(reader, STR("a"), STR("3"));
    store_close(reader);
    store_close(writer);
}

/* Reads a number of entries at each byte that asks, from a snapshot of its own, and answers it. */
static void count_in_another_process(const char *path, int asks, int answers) {
    struct store *store;
    char error[512], byte;
    if (store_open_lmdb_reader(&store, path, error, sizeof error) != 0) _exit(1);
    while (read(asks, &byte, 1) == 1) {
        struct store_stats stats;
        if (store_begin(store) != 0 || store_stats(store, &stats) != 0) _exit(2);
        store_abort(store);
        if (write(answers, &stats.entries[TABLE_CALLS], sizeof stats.entries[0]) != sizeof stats.entries[0]) _exit(3);
    }
    store_close(store);
    _exit(0);
}

static void a_reader_in_another_process_follows_the_growing_map(void **state) {
    struct place *place = *state;
    store_close(open_writer(place));
    int asks[2], answers[2];
    assert_int_equal(pipe(asks) | pipe(answers), 0);
    pid_t child = fork();
    if (child == 0) {
        close(asks[1]);
        count_in_another_process(place->path, asks[0], answers[1]);
    }
    close(asks[0]);
    struct store *store;
    assert_int_equal(store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    for (uint32_t i = 0; i < 20; i++) {
        uint64_t counted = 0;
        assert_int_equal(put_numbers(store, i * 100, i * 100 + 100), 0);
        assert_int_equal(write(asks[1], "?", 1), 1);
        assert_int_equal(read(answers[0], &counted, sizeof counted), sizeof counted);
        assert_int_equal(counted, (i + 1) * 100);
    }
    close(asks[1]);
    close(answers[0]);
    close(answers[1]);
    expect_exit(child, 0);
    store_close(store);
}

static void *end_snapshot_soon(void *reader) {
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    store_abort(reader);
    return NULL;
}

static void growing_waits_for_a_snapshot_in_the_process(void **state) {
    struct place *place = *state;
    struct store *writer;
    assert_int_equal(store_open_lmdb_sized(&writer, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    assert_int_equal(put_numbers(writer, 0, 10), 0);
    struct store *reader = open_reader(place);
    struct str value;
    struct key key = {.len = 0};
    key_u32(&key, 5);
    assert_int_equal(store_begin(reader), 0);
    assert_int_equal(put_numbers(writer, 10, 1000), STORE_RETRY);
    assert_int_equal(store_get(reader, TABLE_CALLS, key_str(&key), &value), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_snapshot_soon, reader), 0);
    int result;
    while ((result = put_numbers(writer, 10, 1000)) == STORE_RETRY) {}
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(result, 0);
    expect_numbers(reader, 1000);
    store_close(reader);
    store_close(writer);
}

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
    uint32_t count, number = 0, seen = 0;
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
        uint32_t last = before, next;
        for (int i = 0; i < 20 + round * 7; i++) assert_int_equal(read(committed[0], &last, sizeof last), sizeof last);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
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

#define AT_A_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_A_PLACE(what_was_committed_is_there_when_opened_again),
        AT_A_PLACE(the_directory_is_made_for_its_owner_alone),
        AT_A_PLACE(a_second_writer_is_told_who_owns_it),
        AT_A_PLACE(a_writer_does_not_follow_a_reader_of_its_process),
        AT_A_PLACE(another_format_is_refused),
        AT_A_PLACE(a_file_that_is_no_environment_is_refused),
        AT_A_PLACE(a_reader_of_nothing_is_told_to_wait),
        cmocka_unit_test(file_systems_of_others_are_unsafe),
        AT_A_PLACE(state_is_dirty_from_the_first_commit_until_close),
        AT_A_PLACE(dirty_under_another_boot_is_refused_until_erased),
        AT_A_PLACE(what_is_in_use_is_not_erased),
        AT_A_PLACE(the_map_grows_between_transactions),
        AT_A_PLACE(a_transaction_larger_than_the_map_is_done_again),
        AT_A_PLACE(after_an_error_the_transaction_repeats_it),
        AT_A_PLACE(a_snapshot_stays_while_the_writer_commits),
        AT_A_PLACE(a_reader_in_another_process_follows_the_growing_map),
        AT_A_PLACE(growing_waits_for_a_snapshot_in_the_process),
        AT_A_PLACE(a_reader_without_rights_is_told_so),
        AT_A_PLACE(a_killed_writer_leaves_whole_transactions),
        cmocka_unit_test_setup_teardown(a_full_disk_is_an_error_that_passes, mount_place, unmount_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
