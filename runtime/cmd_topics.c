/* ringback topics: the topics of a service, created and checked (schemas/README.md, "Topics"). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kafka_admin.h"
#include "print.h"

static const struct print_column created_columns[] = {{"Topic", false, 0, 0}, {"Partitions", true, 0, 0}, {"What was done", false, 0, 0}};
static const struct print_column difference_columns[] = {
    {"Topic", false, 0, 0},     {"Setting", false, 0, 0}, {"Is", false, 1, 0},
    {"Should be", false, 2, 0}, {"Weight", false, 3, 0},  {"What it costs", false, 4, 0},
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static int create(struct admin *admin, const struct config *config, struct failure *failure) {
    struct admin_topic topics[KAFKA_TOPICS], wanted[KAFKA_TOPICS];
    bool created[KAFKA_TOPICS];
    if (admin_describe(admin, false, topics, failure) < 0 || admin_create(admin, topics, created, failure) < 0) return (int)failure->code;
    admin_wanted(config, wanted);
    struct printer *printer = printer_make(stdout, PRINT_TABLE, created_columns, COUNT(created_columns), terminal_width());
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        print_text(printer, str_of(config->topics.names[i]));
        print_number(printer, created[i] ? wanted[i].partitions : topics[i].partitions);
        print_text(printer, created[i] ? STR("created") : STR("was there, left as it is"));
    }
    printer_finish(printer);
    return EXIT_DONE;
}

static int check(struct admin *admin, const struct config *config, enum print_format format, struct failure *failure) {
    struct admin_topic topics[KAFKA_TOPICS], wanted[KAFKA_TOPICS];
    struct admin_difference differences[ADMIN_DIFFERENCES_MAX];
    size_t wrong = 0;
    if (admin_describe(admin, true, topics, failure) < 0) return (int)failure->code;
    admin_wanted(config, wanted);
    struct printer *printer = printer_make(stdout, format, difference_columns, COUNT(difference_columns), terminal_width());
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        size_t count = admin_compare(i, &topics[i], &wanted[i], differences);
        for (size_t d = 0; d < count; d++) {
            print_text(printer, str_of(config->topics.names[i]));
            print_text(printer, str_of(differences[d].setting));
            print_text(printer, str_of(differences[d].is));
            print_text(printer, str_of(differences[d].wanted));
            print_text(printer, differences[d].wrong ? STR("wrong") : STR("risk"));
            print_text(printer, str_of(differences[d].cost));
            wrong += differences[d].wrong;
        }
    }
    uint64_t found = printer_finish(printer);
    if (format == PRINT_TABLE && found == 0) printf("All %d topics are as they should be.\n", KAFKA_TOPICS);
    if (wrong) complain("%zu settings are wrong: the service must not run so. kafka-configs changes a topic's settings.", wrong);
    return wrong ? EXIT_CONFIGURATION : EXIT_DONE;
}

static int run(const struct arguments *arguments) {
    struct failure failure = {0};
    struct config *config;
    int code = EXIT_CONFIGURATION;
    if (config_load(&config, argument_text(arguments, "config"), &failure) < 0) {
        complain("%s", failure.text);
        return (int)failure.code;
    }
    struct admin *admin = admin_open(config, &failure);
    if (admin && strcmp(operand_at(arguments, 0), "create") == 0)
        code = create(admin, config, &failure);
    else if (admin)
        code = check(admin, config, argument_choice(arguments, "format") == 1 ? PRINT_CSV : PRINT_TABLE, &failure);
    else
        code = (int)failure.code;
    if (failure.code) complain("%s", failure.text);
    admin_close(admin);
    config_free(config);
    return code;
}

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"format", 'f', OPTION_CHOICE, "table|csv", "table", false, false, "How check prints what it finds"},
    {0},
};

const struct command command_topics = {
    .name = "topics",
    .summary = "create the Kafka topics of a service, or check them",
    .operands = "create|check",
    .operand_choices = "create|check",
    .description =
        "create makes the topics that are not there, with the partitions, cleanup, retention, timestamps, replicas and sizes that they "
        "should have, and leaves those that are there as they are.\n\n"
        "check says what differs from that, and what it costs: \"wrong\" is what a service must not run with (exit code 78), \"risk\" what "
        "it "
        "can. More retention, more replicas and larger records than asked for are no difference.\n\n"
        "They need rights that the service itself does not: CREATE and DESCRIBE_CONFIGS on the topics.",
    .options = options,
    .example = "ringback topics create -c ringback.yaml\n"
               "  Makes what is missing.\n\n"
               "ringback topics check -c ringback.yaml\n"
               "  Says what is not as it should be.",
    .run = run,
};
