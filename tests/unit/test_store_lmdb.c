/* What only the store on disk has to keep: ownership, formats, the mark in STATE, growth and readers. */
#include "test_store_place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include "../../state/lmdb_environment.h"
#include "../../state/store_lmdb.h"

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

static void write_text(struct place *place, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", place->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
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

static void an_owner_that_has_not_told_who_it_is_is_one(void **state) {
    struct place *place = *state;
    char path[256];
    snprintf(path, sizeof path, "%s/OWNER", place->path);
    int owner = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(owner, LOCK_EX | LOCK_NB), 0);
    expect_no_writer(place, STORE_ERROR_BUSY, "owned by process (unknown)");
    close(owner);
    store_close(open_writer(place));
}

static void a_writer_does_not_follow_a_reader_of_its_process(void **state) {
    struct place *place = *state;
    store_close(open_writer(place));
    struct store *reader = open_reader(place), *other = open_reader(place);
    store_close(other);
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
        int byte, result;
        char step;
        const char *words;
        uint32_t len; /* cut to; 0: whole */
    } cases[] = {{11, STORE_ERROR_FORMAT, 1, "newer ringback", 0},
                 {11, STORE_ERROR_DIRTY, -1, "older ringback", 0},
                 {0, STORE_ERROR_FORMAT, 1, "not ringback state", 0},
                 {0, STORE_ERROR_FORMAT, 0, "not ringback state", 7},
                 {0, STORE_ERROR_FORMAT, 0, "not ringback state", 11},
                 {0, STORE_ERROR_FORMAT, 0, "another kind", 12},
                 {12, STORE_ERROR_FORMAT, 1, "another kind", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        other[cases[i].byte] = (char)(other[cases[i].byte] + cases[i].step);
        put_once(store, TABLE_META, STR("format"), (struct str){other, cases[i].len ? cases[i].len : len});
        store_close(store);
        expect_no_writer(place, cases[i].result, cases[i].words);
        expect_no_reader(place, cases[i].result, cases[i].words);
        other[cases[i].byte] = (char)(other[cases[i].byte] - cases[i].step);
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
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) assert_non_null(lmdb_directory_unsafe_filesystem(unsafe[i]));
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) assert_null(lmdb_directory_unsafe_filesystem(safe[i]));
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
    static const char *const untrusted[] = {"dirty 00000000-0000-4000-8000-000000000000\n", "dirty damaged\n", ""};
    for (size_t i = 0; i < sizeof untrusted / sizeof *untrusted; i++) {
        write_text(place, "STATE", untrusted[i]);
        expect_no_writer(place, STORE_ERROR_DIRTY, "rebuild it from the journal");
        expect_no_reader(place, STORE_ERROR_DIRTY, "rebuild it from the journal");
    }
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

static void what_another_process_erased_is_not_written_to(void **state) {
    struct place *place = *state;
    struct store *store = open_writer(place);
    put_once(store, TABLE_CALLS, STR("a"), STR("old"));
    struct store *reader = open_reader(place);
    store_close(store);
    char path[256];
    snprintf(path, sizeof path, "%s/data.mdb", place->path);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/lock.mdb", place->path);
    assert_int_equal(unlink(path), 0);
    store = open_writer(place);
    put_once(store, TABLE_CALLS, STR("a"), STR("new"));
    expect_once(reader, STR("a"), STR("old"));
    store_close(reader);
    store_close(store);
    store = open_writer(place);
    expect_once(store, STR("a"), STR("new"));
    store_close(store);
}

/* Growth */

#define SMALL_MAP_BYTES (512 * 1024)

static void the_map_grows_between_transactions(void **state) {
    struct place *place = *state;
    struct store *store;
    assert_int_equal(store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    for (uint32_t i = 0; i < 20000; i += 100) {
        struct store_stats stats;
        assert_int_equal(put_numbers(store, i, i + 100), 0);
        assert_int_equal(store_begin(store), 0);
        assert_int_equal(store_stats(store, &stats), 0);
        assert_true(stats.bytes_used <= stats.bytes_mapped / 2);
        store_abort(store);
    }
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
    struct store *second = open_reader(place);
    expect_once(second, STR("a"), STR("2"));
    store_close(second);
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
    struct store *store;
    assert_int_equal(store_open_lmdb_sized(&store, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    store_close(store);
    int asks[2], answers[2];
    assert_int_equal(pipe(asks) | pipe(answers), 0);
    pid_t child = fork();
    if (child == 0) {
        close(asks[1]);
        count_in_another_process(place->path, asks[0], answers[1]);
    }
    close(asks[0]);
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

struct snapshot {
    struct store *reader;
    atomic_bool ended;
};

static void *end_snapshot_soon(void *context) {
    struct snapshot *snapshot = context;
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    snapshot->ended = true;
    store_abort(snapshot->reader);
    return NULL;
}

static void growing_waits_for_a_snapshot_in_the_process(void **state) {
    struct place *place = *state;
    struct store *writer;
    assert_int_equal(store_open_lmdb_sized(&writer, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    assert_int_equal(put_numbers(writer, 0, 10), 0);
    struct snapshot snapshot = {open_reader(place), false};
    assert_int_equal(store_begin(snapshot.reader), 0);
    assert_int_equal(put_numbers(writer, 10, 1000), STORE_RETRY);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_snapshot_soon, &snapshot), 0);
    int result = put_numbers(writer, 10, 20);
    assert_true(snapshot.ended);
    assert_int_equal(result, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_numbers(snapshot.reader, 20);
    store_close(snapshot.reader);
    store_close(writer);
}

static void *begin_while_it_grows(void *context) {
    struct store *reader = context;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    int result = store_begin(reader); /* waits */
    store_abort(reader);
    return result == 0 ? reader : NULL;
}

static void a_snapshot_that_does_not_end_holds_growing_off_for_5_seconds(void **state) {
    struct place *place = *state;
    struct store *writer;
    assert_int_equal(store_open_lmdb_sized(&writer, place->path, SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    assert_int_equal(put_numbers(writer, 0, 10), 0);
    struct store *reader = open_reader(place), *other = open_reader(place);
    assert_int_equal(store_begin(reader), 0);
    assert_int_equal(put_numbers(writer, 10, 1000), STORE_RETRY);
    pthread_t thread;
    void *begun;
    assert_int_equal(pthread_create(&thread, NULL, begin_while_it_grows, other), 0);
    assert_int_equal(store_begin(writer), STORE_ERROR_BUSY);
    assert_non_null(strstr(store_error(writer), "do not give way"));
    assert_int_equal(pthread_join(thread, &begun), 0);
    assert_ptr_equal(begun, other);
    store_abort(reader);
    assert_int_equal(put_numbers(writer, 10, 20), 0); /* now they did */
    expect_numbers(reader, 20);
    store_close(other);
    store_close(reader);
    store_close(writer);
}

static void states_are_told_apart(void **state) {
    struct place *place = *state, beside, elsewhere = {.path = "/dev/shm/ringback-store-XXXXXX"};
    make_test_directory(beside.path, sizeof beside.path);
    assert_non_null(mkdtemp(elsewhere.path)); /* another file system */
    struct place *const places[] = {place, &beside, &elsewhere};
    static const struct str values[] = {STR("1"), STR("2"), STR("3")};
    struct store *writers[3], *readers[3];
    for (int n = 0; n < 3; n++) put_once(writers[n] = open_writer(places[n]), TABLE_CALLS, STR("a"), values[n]);
    for (int n = 0; n < 3; n++) expect_once(readers[n] = open_reader(places[n]), STR("a"), values[n]);
    for (int n = 0; n < 3; n++) store_close(readers[n]), store_close(writers[n]);
    remove_test_directory(beside.path);
    remove_test_directory(elsewhere.path);
}

/* Copies */

static void a_copy_beside_the_writer_is_a_clean_state(void **state) {
    struct place *place = *state, copy = {0};
    make_test_directory(copy.path, sizeof copy.path);
    struct store *writer = open_writer(place);
    assert_int_equal(put_numbers(writer, 0, 10), 0);
    assert_int_equal(store_begin(writer), 0);
    put(writer, TABLE_CALLS, STR("open"), STR("not committed"));
    assert_int_equal(store_copy_lmdb(place->path, copy.path, copy.error, sizeof copy.error), 0);
    assert_int_equal(store_commit(writer), 0);
    store_close(writer);
    struct store *copied = open_writer(&copy);
    expect_numbers(copied, 10);
    assert_int_equal(put_numbers(copied, 10, 20), 0);
    store_close(copied);
    remove_test_directory(copy.path);
}

static void write_numbers(struct place *place, uint32_t count) {
    struct store *store = open_writer(place);
    assert_int_equal(put_numbers(store, 0, count), 0);
    store_close(store);
}

static void expect_written(struct place *place, uint32_t count) {
    struct store *store = open_writer(place);
    expect_numbers(store, count);
    store_close(store);
}

static void a_copy_replaces_a_state_and_what_was_said_of_it(void **state) {
    struct place *place = *state, other = {0};
    make_test_directory(other.path, sizeof other.path);
    write_numbers(place, 10);
    write_numbers(&other, 20);
    write_text(&other, "STATE", "dirty damaged\n");
    write_text(&other, "data.new", "half of a copy");
    assert_int_equal(store_copy_lmdb(place->path, other.path, place->error, sizeof place->error), 0);
    expect_state(&other, "clean");
    expect_written(&other, 10);
    remove_test_directory(other.path);
}

static void a_copy_that_fails_leaves_the_state(void **state) {
    struct place *place = *state, other = {0};
    char path[256];
    make_test_directory(other.path, sizeof other.path);
    write_numbers(&other, 20);
    snprintf(path, sizeof path, "%s/data.new", other.path);
    assert_int_equal(store_copy_lmdb(place->path, other.path, place->error, sizeof place->error), STORE_ERROR_FORMAT); /* nothing there */
    expect_written(&other, 20);
    write_numbers(place, 10);
    struct store *owner = open_writer(&other);
    assert_int_equal(store_copy_lmdb(place->path, other.path, place->error, sizeof place->error), STORE_ERROR_BUSY);
    assert_int_equal(access(path, F_OK), -1);
    struct store *reader = open_reader(&other);
    store_close(owner);
    assert_int_equal(store_copy_lmdb(place->path, other.path, place->error, sizeof place->error), STORE_ERROR_BUSY);
    assert_int_equal(access(path, F_OK), -1);
    store_close(reader);
    assert_int_equal(mkdir(path, 0700), 0); /* in its way */
    assert_int_equal(store_copy_lmdb(place->path, other.path, place->error, sizeof place->error), STORE_ERROR_IO);
    assert_int_equal(rmdir(path), 0);
    expect_written(&other, 20);
    remove_test_directory(other.path);
}

/* Copies that go on until they are stopped, of a state that nobody has open for writing. */
struct copying {
    const char *from;
    struct place into;
    atomic_int copied, cut, refused; /* how many; refused: there was none to copy */
    atomic_bool stopped;
};

static void *copy_again_and_again(void *context) {
    struct copying *copying = context;
    while (!copying->stopped) {
        int result = store_copy_lmdb(copying->from, copying->into.path, copying->into.error, sizeof copying->into.error);
        if (result == 0)
            copying->copied++;
        else if (result == STORE_ERROR_BUSY)
            copying->cut++;
        else
            copying->refused++;
    }
    return NULL;
}

static void a_copy_gives_way_to_who_opens_or_erases(void **state) {
    struct place *place = *state;
    struct copying copying = {.from = place->path};
    pthread_t thread;
    make_test_directory(copying.into.path, sizeof copying.into.path);
    write_numbers(place, 4000);
    assert_int_equal(pthread_create(&thread, NULL, copy_again_and_again, &copying), 0);
    for (int n = 0; n < 20 || (n < 1000 && (copying.cut == 0 || copying.copied == 0)); n++) {
        nanosleep(&(struct timespec){.tv_nsec = n % 10 * 1000 * 1000}, NULL);
        store_close(open_writer(place));
    }
    assert_int_equal(copying.refused, 0);
    assert_true(copying.copied > 0 && copying.cut > 0);
    assert_int_equal(store_erase_lmdb(place->path, place->error, sizeof place->error), 0);
    copying.stopped = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_written(&copying.into, 4000);
    remove_test_directory(copying.into.path);
}

/* A copy into a pipe, which takes little: it goes on when it is emptied. */
struct piped {
    struct lmdb_environment *environment;
    struct lmdb_directory directory;
    int pipe[2], result;
    size_t bytes; /* that came through */
};

static void *copy_into_the_pipe(void *context) {
    struct piped *piped = context;
    piped->result = lmdb_environment_copy(piped->environment, piped->pipe[1], piped->directory.fd);
    return NULL;
}

/* Empties it once the copy is told to end, in 8 s at most. */
static void *empty_the_pipe(void *context) {
    struct piped *piped = context;
    struct stat told = {0};
    char bytes[4096];
    for (int n = 0; n < 800 && !S_ISDIR(told.st_mode); n++) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        assert_int_equal(fstat(piped->pipe[1], &told), 0);
    }
    if (!S_ISDIR(told.st_mode)) close(piped->pipe[1]);
    for (ssize_t got; (got = read(piped->pipe[0], bytes, sizeof bytes)) > 0;) piped->bytes += (size_t)got;
    return NULL;
}

static void a_copy_gives_way_to_growing(void **state) {
    struct place *place = *state;
    struct piped piped = {.directory = LMDB_DIRECTORY_CLOSED};
    struct store *writer;
    pthread_t copies, empties;
    assert_int_equal(store_open_lmdb_sized(&writer, place->path, 16 * SMALL_MAP_BYTES, place->error, sizeof place->error), 0);
    assert_int_equal(put_numbers(writer, 0, 2500), 0);
    assert_int_equal(pipe(piped.pipe), 0);
    assert_int_equal(lmdb_directory_open(&piped.directory, place->path, false, place->error, sizeof place->error), 0);
    assert_int_equal(lmdb_environment_open(&piped.environment, &piped.directory, place->path, true, 0), 0);
    assert_int_equal(pthread_create(&copies, NULL, copy_into_the_pipe, &piped), 0);
    assert_int_equal(poll(&(struct pollfd){.fd = piped.pipe[0], .events = POLLIN}, 1, 10000), 1);
    assert_int_equal(put_numbers(writer, 2500, 12500), STORE_RETRY);
    assert_int_equal(pthread_create(&empties, NULL, empty_the_pipe, &piped), 0);
    int result = put_numbers(writer, 2500, 5000);
    assert_int_equal(pthread_join(copies, NULL), 0);
    assert_int_equal(pthread_join(empties, NULL), 0);
    assert_int_equal(result, 0);
    assert_int_equal(piped.result, ECANCELED);
    assert_in_range(piped.bytes, 1, 2500 * 1000);
    expect_numbers(writer, 5000);
    lmdb_environment_close(piped.environment);
    lmdb_directory_close(&piped.directory);
    close(piped.pipe[0]);
    close(piped.pipe[1]);
    store_close(writer);
}

#define AT_A_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_A_PLACE(what_was_committed_is_there_when_opened_again),
        AT_A_PLACE(the_directory_is_made_for_its_owner_alone),
        AT_A_PLACE(a_second_writer_is_told_who_owns_it),
        AT_A_PLACE(an_owner_that_has_not_told_who_it_is_is_one),
        AT_A_PLACE(a_writer_does_not_follow_a_reader_of_its_process),
        AT_A_PLACE(another_format_is_refused),
        AT_A_PLACE(a_file_that_is_no_environment_is_refused),
        AT_A_PLACE(a_reader_of_nothing_is_told_to_wait),
        cmocka_unit_test(file_systems_of_others_are_unsafe),
        AT_A_PLACE(state_is_dirty_from_the_first_commit_until_close),
        AT_A_PLACE(dirty_under_another_boot_is_refused_until_erased),
        AT_A_PLACE(what_is_in_use_is_not_erased),
        AT_A_PLACE(what_another_process_erased_is_not_written_to),
        AT_A_PLACE(the_map_grows_between_transactions),
        AT_A_PLACE(a_transaction_larger_than_the_map_is_done_again),
        AT_A_PLACE(after_an_error_the_transaction_repeats_it),
        AT_A_PLACE(a_snapshot_stays_while_the_writer_commits),
        AT_A_PLACE(a_reader_in_another_process_follows_the_growing_map),
        AT_A_PLACE(growing_waits_for_a_snapshot_in_the_process),
        AT_A_PLACE(a_snapshot_that_does_not_end_holds_growing_off_for_5_seconds),
        AT_A_PLACE(states_are_told_apart),
        AT_A_PLACE(a_copy_beside_the_writer_is_a_clean_state),
        AT_A_PLACE(a_copy_replaces_a_state_and_what_was_said_of_it),
        AT_A_PLACE(a_copy_that_fails_leaves_the_state),
        AT_A_PLACE(a_copy_gives_way_to_who_opens_or_erases),
        AT_A_PLACE(a_copy_gives_way_to_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
