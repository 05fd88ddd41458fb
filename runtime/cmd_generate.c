/* ringback generate: the events of an invented network of call centres (generate.h), as a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../schemas/codec/codec.h"
#include "command.h"
#include "generate.h"
#include "generate_write.h"
#include "progress.h"

static const struct option_row options[] = {
    {"seed", 's', OPTION_NUMBER, "N", "1", false, false, "Choose the network: the same seed and options give the same bytes everywhere"},
    {"tenants", 't', OPTION_NUMBER, "N", "3", false, false, "How many accounts"},
    {"start", 0, OPTION_TIME, "TIME", "2025-03-03T00:00:00Z", false, false,
     "When it begins; keep it in the past, or its end will be rejected as future"},
    {"days", 'd', OPTION_NUMBER, "N", NULL, false, false, "How many days of life; 7 where neither days, calls nor events are given"},
    {"calls", 'c', OPTION_NUMBER, "N", NULL, false, false, "Begin no more than this many calls"},
    {"calls-per-day", 0, OPTION_NUMBER, "N", "300", false, false, "How busy the whole network is, about"},
    {"events", 'e', OPTION_NUMBER, "N", NULL, false, false, "Stop after this many events, even in the middle of calls"},
    {"ids", 0, OPTION_CHOICE, "random|time", "random", false, false, "Ids that are random, or that sort by time"},
    {"format", 'f', OPTION_CHOICE, "jsonl|avro", "jsonl", false, false, "A JSON object a line, or an Avro container file"},
    {"out", 'o', OPTION_FILE, "FILE", NULL, false, false, "Write there instead of to standard output"},
    {"late", 0, OPTION_NUMBER, "PERCENT", "0", false, false, "Deliver this share of the events late"},
    {"late-by", 0, OPTION_DURATION, "DURATION", "30s", false, false, "How late at most, at least 1ms; repetitions too"},
    {"repeat", 0, OPTION_NUMBER, "PERCENT", "0", false, false, "Deliver this share of the events twice"},
    {"broken", 0, OPTION_NUMBER, "PERCENT", "0", false, false, "Put so many unreadable or invalid records among 100 events"},
    {"disorder", 0, OPTION_FLAG, NULL, NULL, false, false, "A bad day: --late 5 --repeat 2 --broken 1, where these are not given"},
    {0},
};

static bool in_range(const struct arguments *arguments, const char *option, long long least, long long most) {
    long long number = argument_number(arguments, option);
    if (number == NONE || (number >= least && number <= most)) return true;
    complain("--%s is %lld; give %lld to %lld.", option, number, least, most);
    return false;
}

/* False: complained. */
static bool read_options(const struct arguments *arguments, struct generate_options *network, struct delivery_options *delivery) {
    long long late_by = argument_duration(arguments, "late-by");
    if (late_by < 1 || late_by > 30LL * 24 * 3600 * 1000) {
        complain("--late-by is %s; give 1ms to 30d.", argument_text(arguments, "late-by"));
        return false;
    }
    if (!in_range(arguments, "tenants", 1, 10000) || !in_range(arguments, "days", 1, 36500) ||
        !in_range(arguments, "calls", 1, INT64_MAX) || !in_range(arguments, "calls-per-day", 1, 10000000) ||
        !in_range(arguments, "events", 1, INT64_MAX) || !in_range(arguments, "late", 0, 100) || !in_range(arguments, "repeat", 0, 100) ||
        !in_range(arguments, "broken", 0, 100))
        return false;

    bool endless = !argument_given(arguments, "days") && !argument_given(arguments, "calls") && !argument_given(arguments, "events");
    *network = (struct generate_options){
        .seed = (uint64_t)argument_number(arguments, "seed"),
        .tenants = (uint32_t)argument_number(arguments, "tenants"),
        .start = argument_time(arguments, "start"),
        .days = endless ? 7 : argument_number(arguments, "days"),
        .calls = argument_number(arguments, "calls"),
        .events = argument_number(arguments, "events"),
        .calls_per_day = (uint32_t)argument_number(arguments, "calls-per-day"),
        .ids = argument_choice(arguments, "ids") == 0 ? GENERATE_IDS_RANDOM : GENERATE_IDS_TIME,
    };
    bool disorder = argument_given(arguments, "disorder");
    *delivery = (struct delivery_options){
        .seed = network->seed,
        .avro = argument_choice(arguments, "format") == 1,
        .late_percent = disorder && !argument_given(arguments, "late") ? 5 : (uint32_t)argument_number(arguments, "late"),
        .late_by = late_by,
        .repeat_percent = disorder && !argument_given(arguments, "repeat") ? 2 : (uint32_t)argument_number(arguments, "repeat"),
        .broken_percent = disorder && !argument_given(arguments, "broken") ? 1 : (uint32_t)argument_number(arguments, "broken"),
    };
    return true;
}

static int write_events(struct generator *generator, struct delivery *delivery) {
    const struct event *event;
    while ((event = generate_next(generator)))
        if (delivery_event(delivery, event) < 0) return -1;
    return delivery_finish(delivery);
}

static void say_what_was_written(const char *path, const struct delivery *delivery) {
    char records[32], broken[32];
    fprintf(stderr, "%s: %s records", path, grouped((uint64_t)delivery_records(delivery), records));
    if (delivery_broken(delivery)) fprintf(stderr, ", %s of them broken on purpose", grouped((uint64_t)delivery_broken(delivery), broken));
    fputc('\n', stderr);
}

/* `path` is what is said of the file; standard output is not closed. */
static int generate_to(int fd, const char *path, const struct generate_options *network, const struct delivery_options *how) {
    struct generator *generator = generate_open(network);
    struct delivery *delivery = delivery_open(how, fd);
    int result = EXIT_FAILED;
    if (!generator || !delivery) {
        complain("there is no memory for the network. Ask for fewer tenants.");
    } else if (write_events(generator, delivery) < 0) {
        if (errno == EPIPE) /* the reader has seen enough */
            result = EXIT_DONE;
        else
            complain("%s cannot be written: %s.%s", path, strerror(errno),
                     errno == ENOSPC ? " Free some space, or write elsewhere with --out." : "");
    } else {
        if (fd != STDOUT_FILENO) say_what_was_written(path, delivery);
        result = EXIT_DONE;
    }
    delivery_close(delivery);
    generate_close(generator);
    return result;
}

static int run(const struct arguments *arguments) {
    struct generate_options network;
    struct delivery_options how;
    char error[512];
    if (!read_options(arguments, &network, &how)) return EXIT_USAGE;
    if (schemas_load(error, sizeof error) != 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    const char *path = argument_text(arguments, "out");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO, result = EXIT_FAILED;
    if (fd < 0) {
        complain("%s cannot be written: %s. Name a file in a directory that exists and is yours.", path, strerror(errno));
    } else {
        result = generate_to(fd, path ? path : "standard output", &network, &how);
        if (path && close(fd) != 0) {
            complain("%s cannot be written: %s.", path, strerror(errno));
            result = EXIT_FAILED;
        }
    }
    schemas_unload();
    return result;
}

const struct command command_generate = {
    .name = "generate",
    .summary = "write the events of an invented network of call centres",
    .operands = "",
    .description =
        "Writes calls, jobs, commands and directory entries of tenants that do not exist: callers wait, give up, dial again, book, cancel, "
        "leave messages, "
        "are called back; agents transfer, hold, wrap up and classify. Every type of call and every status of a row occurs.\n\n"
        "Events come in the order in which they happened, unless trouble is asked for with --late, --repeat, --broken or --disorder. The "
        "same seed and options "
        "give the same bytes on any machine. Memory holds what is in progress and nothing of the past, so a file may have any length.\n\n"
        "Telephone numbers are fiction: +1 NXX 555 01xx, +44 1632 960xxx, +44 7700 900xxx, +44 20 7946 0xxx, and country code 999, which "
        "is not assigned.",
    .options = options,
    .example = "ringback generate --days 7 --out week.jsonl\n"
               "  A week of three tenants, for ringback fold.\n\n"
               "ringback generate --tenants 500 --calls-per-day 20000 --events 3000000 --format avro --out load.avro\n"
               "  Three million events, to see how fast a machine folds.\n\n"
               "ringback generate --days 2 --disorder --late-by 10m\n"
               "  Two bad days.",
    .run = run,
};
