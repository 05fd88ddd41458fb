/* ringback rules: which version of the rules holds, and going over to a newer one (docs/decisions/0019). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../processors/fold.h"
#include "../schemas/codec/codec.h"
#include "../schemas/codec/time_text.h"
#include "clocks.h"
#include "configured.h"
#include "data_dir.h"
#include "kafka_send.h"
#include "print.h"
#include "submit.h"

#define ERROR_BYTES 600

/* ---- what a state says */

struct standing {
    bool known;  /* there is a state */
    struct fold_status status;
    int64_t activated_at; /* NONE: the version is the first */
};

static void see_activation(void *context, int32_t version, int64_t at) {
    struct standing *standing = context;
    if (version == standing->status.rules_version) standing->activated_at = at;
}

/* Beside whoever writes it. `path`: of the state itself. */
static int standing_read(struct standing *standing, const char *path, struct failure *failure) {
    char error[ERROR_BYTES], file[PATH_MAX + 16];
    struct store *store;
    *standing = (struct standing){.activated_at = NONE};
    snprintf(file, sizeof file, "%s/data.mdb", path);
    if (access(file, F_OK) < 0 && errno == ENOENT) return 0;
    int code = store_open_lmdb_reader(&store, path, error, sizeof error);
    if (code < 0) return fail_store(failure, code, path, error);
    if ((code = store_begin(store)) == 0) code = fold_view_status(store, &standing->status);
    if (code == 0) code = fold_view_rules(store, see_activation, standing);
    standing->known = true;
    int result = code < 0 ? fail_store(failure, code, path, store_error(store)) : 0;
    store_close(store);
    return result;
}

static int standing_of_data(struct standing *standing, const char *data, struct failure *failure) {
    struct data_dir dir;
    char path[PATH_MAX];
    *standing = (struct standing){.activated_at = NONE};
    if (access(data, F_OK) < 0 && errno == ENOENT) return 0;
    return data_dir_open(&dir, data, failure) < 0 ? -1 : standing_read(standing, data_dir_state(&dir, path), failure);
}

static int standing_of_partition(struct standing *standing, const struct config *config, int32_t partition, struct failure *failure) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%" PRId32 "/state", config->state.dir, partition) >= (int)sizeof path)
        return fail(failure, EXIT_CONFIGURATION, "state.dir: the path is too long.");
    return standing_read(standing, path, failure);
}

/* ---- show */

static void print_known(void *context, int32_t version, const char *what) {
    (void)context;
    printf("  %" PRId32 "  %s\n", version, what);
}

static void print_standing(const char *what, const struct standing *standing) {
    char time[TIME_TEXT_SIZE];
    if (!standing->known || !standing->status.rules_version) {
        printf("%s: no state here\n", what);
        return;
    }
    printf("%s: version %" PRId32, what, standing->status.rules_version);
    if (standing->activated_at == NONE)
        printf(" from the beginning");
    else
        printf(", activated %s", time_print(standing->activated_at, time));
    puts(standing->status.judges_again ? "; older calls are being judged again" : "");
}

static int show(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    struct standing standing;
    printf("This ringback knows\n");
    fold_view_rules_known(print_known, NULL);
    if (!config) {
        if (standing_of_data(&standing, argument_text(arguments, "data"), failure) < 0) return -1;
        print_standing(argument_text(arguments, "data"), &standing);
        return 0;
    }
    for (int32_t n = 0; n < config->partitions; n++) {
        char what[32];
        if (standing_of_partition(&standing, config, n, failure) < 0) return -1;
        snprintf(what, sizeof what, "partition %" PRId32, n);
        print_standing(what, &standing);
    }
    return 0;
}

/* ---- activate */

/* -1: described. */
static int32_t version_asked(const struct arguments *arguments, struct failure *failure) {
    const char *text = operand_at(arguments, 1);
    char *end;
    if (!text) return fail(failure, EXIT_USAGE, "activate needs the version: ringback rules activate %d.", FOLD_RULES_VERSION);
    errno = 0;
    long number = strtol(text, &end, 10);
    if (*end || end == text || errno || number <= 0 || number > INT32_MAX)
        return fail(failure, EXIT_USAGE, "\"%s\" is no version. ringback rules show lists them.", text);
    if (number <= FOLD_RULES_VERSION) return (int32_t)number;
    return fail(failure, EXIT_CONFIGURATION,
                "this ringback knows the rules up to version %d, not %ld. Deploy a newer one everywhere first.", FOLD_RULES_VERSION, number);
}

static int must_be_newer(const char *what, const struct standing *standing, int32_t version, struct failure *failure) {
    int32_t now = standing->known ? standing->status.rules_version : FOLD_RULES_FIRST; /* or will be */
    if (version > now) return 0;
    return fail(failure, EXIT_FAILED, "%s is at version %" PRId32 " already. Rules go forwards only.", what, now);
}

/* The same activation has the same id, so that one that is sent again is dropped. */
static struct event activation(int32_t version, int64_t at, char id[32]) {
    snprintf(id, 32, "rules-%" PRId32, version);
    return (struct event){.tenant = STR("*"),
                          .event_id = str_of(id),
                          .occurred_at = at,
                          .type = EVENT_ACTIVATE_RULES,
                          .body.activate_rules = {version}};
}

/* Without --at the time at which the directory stands, so that the activation moves no clock. */
static int activate_data(const struct arguments *arguments, int32_t version, struct failure *failure) {
    const char *data = argument_text(arguments, "data");
    struct standing standing;
    char id[32];
    if (standing_of_data(&standing, data, failure) < 0 || must_be_newer(data, &standing, version, failure) < 0) return -1;
    int64_t at = argument_time(arguments, "at");
    if (at == NONE) at = standing.known && standing.status.stream_time != NONE ? standing.status.stream_time : wall_ms();
    struct event event = activation(version, at, id);
    if (submit_event(data, &event, failure) < 0 || standing_of_data(&standing, data, failure) < 0) return -1;
    if (standing.status.rules_version != version)
        return fail(failure, EXIT_REJECTED, "the activation was rejected: ringback dump %s/outputs/rejected.avro says why.", data);
    print_standing(data, &standing);
    return 0;
}

static int activate_service(const struct arguments *arguments, const struct config *config, int32_t version, struct failure *failure) {
    char id[32];
    for (int32_t n = 0; n < config->partitions; n++) {
        struct standing standing;
        char what[32];
        if (standing_of_partition(&standing, config, n, failure) < 0) return -1;
        snprintf(what, sizeof what, "partition %" PRId32, n);
        if (standing.known && must_be_newer(what, &standing, version, failure) < 0) return -1;
    }
    int64_t at = argument_time(arguments, "at");
    struct event event = activation(version, at == NONE ? wall_ms() : at, id);
    if (kafka_send_network(config, &event, failure) < 0) return -1;
    printf("Version %" PRId32 " is on its way: %s has the record. ringback rules show says where it holds.\n", version,
           config->topics.names[KAFKA_TOPIC_NETWORK]);
    return 0;
}

static int act(const struct arguments *arguments, const struct config *config, struct failure *failure) {
    if (strcmp(operand_at(arguments, 0), "show") == 0) {
        if (operand_count(arguments) > 1) return fail(failure, EXIT_USAGE, "show takes no version.");
        return show(arguments, config, failure);
    }
    int32_t version = version_asked(arguments, failure);
    if (version < 0) return -1;
    return config ? activate_service(arguments, config, version, failure) : activate_data(arguments, version, failure);
}

static int run(const struct arguments *arguments) {
    struct failure failure = {0};
    char error[ERROR_BYTES];
    if (!argument_given(arguments, "data")) return run_configured(arguments, act);
    if (argument_given(arguments, "config")) {
        complain("give --data or --config, not both.");
        return EXIT_USAGE;
    }
    if (schemas_load(error, sizeof error) < 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    int result = act(arguments, NULL, &failure);
    if (result < 0) complain("%s", failure.text);
    schemas_unload();
    return result < 0 ? (int)failure.code : EXIT_DONE;
}

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"data", 'd', OPTION_DIRECTORY, "DIR", NULL, false, false, "A data directory that ringback fold writes, in place of a service"},
    {"at", 0, OPTION_TIME, "TIME", NULL, false, false,
     "When it is activated; without it now, and of a data directory the time at which it stands"},
    {0},
};

const struct command command_rules = {
    .name = "rules",
    .summary = "say which version of the rules holds, or go over to a newer one",
    .operands = "show|activate [VERSION]",
    .operand_choices = "show|activate",
    .description =
        "A change of what Ringback decides, bug fixes included, is a new version of the rules. Every journal begins with version 1 and "
        "stays with what it has until a newer version is activated; there is no way back.\n\n"
        "show says which versions this ringback knows, and which one holds: in each partition whose state lies in state.dir, or in --data "
        "DIR.\n\n"
        "activate writes the activation: into the network topic of a service, or with --data into the journal of a data directory. From "
        "there on the new version decides, and the calls that began within their link_days before are judged again, some with each "
        "record; what that changes of a follow-up has the cause RULES. Deploy this ringback everywhere first: an older one stops before a "
        "version that it does not know.",
    .options = options,
    .example = "ringback rules show -c /etc/ringback/ringback.yaml\n"
               "  What each partition here decides by.\n\n"
               "ringback rules activate 2 -c /etc/ringback/ringback.yaml\n"
               "  Activates version 2 in all partitions.\n\n"
               "ringback rules activate 2 --data ringback-data\n"
               "  The same in a data directory; one that is not there yet is made, and begins with it.",
    .run = run,
};
