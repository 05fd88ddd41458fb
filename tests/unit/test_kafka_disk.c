/* Whether a state can be kept in state.dir, before anything is promised (runtime/kafka_disk.h). A full disk: tests/kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../runtime/kafka_disk.h"

#include <cmocka.h> /* defines fail() */

struct place {
    char room[40], path[80];
    struct config *config;
};

/* state.dir is `name` in the room. */
static void place_at(struct place *place, const char *name) {
    char yaml[200];
    struct failure failure = {0};
    config_free(place->config);
    snprintf(place->path, sizeof place->path, "%s/%s", place->room, name);
    snprintf(yaml, sizeof yaml, "brokers: b:1\npartitions: 1\nstate: {dir: %s}\n", place->path);
    assert_int_equal(config_parse(&place->config, yaml, strlen(yaml), "f.yaml", &failure), 0);
}

static int setup(void **state) {
    static struct place place;
    place = (struct place){.room = "/tmp/ringback-test-disk-XXXXXX"};
    assert_non_null(mkdtemp(place.room));
    *state = &place;
    return 0;
}

static int teardown(void **state) {
    struct place *place = *state;
    char command[80];
    config_free(place->config);
    snprintf(command, sizeof command, "rm -r %s", place->room);
    assert_int_equal(system(command), 0);
    return 0;
}

static void expect_refused(const struct place *place, const char *why, const char *advice) {
    struct failure failure = {0};
    assert_int_equal(disk_try(place->config, &failure), -1);
    assert_int_equal(failure.code, EXIT_CONFIGURATION);
    const char *const parts[] = {"state.dir: ", place->path, why, advice};
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (!strstr(failure.text, parts[n])) fail_msg("\"%s\" does not say \"%s\"", failure.text, parts[n]);
}

static void test_made(void **state) {
    struct place *place = *state;
    struct failure failure = {0};
    struct stat made;
    place_at(place, "state");
    for (int times = 0; times < 2; times++) assert_int_equal(disk_try(place->config, &failure), 0);
    assert_int_equal(stat(place->path, &made), 0);
    assert_int_equal(made.st_mode & 0777, 0700);
    assert_int_equal(rmdir(place->path), 0); /* nothing is left in it */
}

static void test_no_place(void **state) {
    struct place *place = *state;
    place_at(place, "missing/state");
    expect_refused(place, "No such file or directory", "Make the directory that it is to lie in.");
    FILE *file;
    place_at(place, "file");
    assert_non_null(file = fopen(place->path, "w"));
    fclose(file);
    expect_refused(place, "Not a directory", "name a directory");
    place_at(place, "file/state");
    expect_refused(place, "Not a directory", "name a directory");
}

/* Root may write everything: as somebody else it may not. */
static void test_of_somebody_else(void **state) {
    struct place *place = *state;
    place_at(place, "state");
    assert_int_equal(mkdir(place->path, 0500), 0);
    if (geteuid() == 0) {
        assert_int_equal(chmod(place->room, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    expect_refused(place, "Permission denied", "Give it to the user that runs this");
    if (getuid() == 0) assert_int_equal(seteuid(0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_somebody_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
