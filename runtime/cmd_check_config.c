/* ringback check-config: what is wrong with a configuration, and with --connect with what it points to. */
#include <inttypes.h>
#include <stdio.h>

#include "config.h"
#include "kafka_rights.h"
#include "metrics.h"
#include "print.h"
#include "registry.h"

/* One line a finding, as it is made. */
static void found(void *context, bool good, const char *what, const char *text) {
    size_t *wrong = context;
    *wrong += !good;
    printf("%-8s %-10s %s\n", good ? "ok" : "wrong", what, text);
    fflush(stdout);
}

static void registry_check(const struct config *config, size_t *wrong) {
    struct failure failure = {0};
    struct registry *registry = NULL;
    struct framing own[TOPICS];
    if (!config->registry.url) {
        found(wrong, true, "registry", "none: values are Avro single objects");
        return;
    }
    if (registry_open(&registry, config, NULL, &failure) == 0 && registry_own(registry, 0, own, &failure) == 0 &&
        registry_silent_since(registry))
        fail(&failure, EXIT_AGAIN, "%s does not answer; what is known of it from before lies in %s.", config->registry.url,
             config->state.dir);
    registry_close(registry);
    found(wrong, failure.code == EXIT_DONE, "registry", failure.code ? failure.text : config->registry.url);
}

static int connect(const struct config *config) {
    struct failure failure = {0};
    size_t wrong = 0;
    if (kafka_rights_check(config, found, &wrong, &failure) < 0) found(&wrong, false, "brokers", failure.text);
    registry_check(config, &wrong);
    if (wrong) complain("not all is well. docs/operations.md lists the rights that are needed.");
    return wrong ? EXIT_CONFIGURATION : EXIT_DONE;
}

static int check(const struct arguments *arguments) {
    struct failure failure = {0};
    struct config *config;
    const char *file = argument_text(arguments, "config");
    if (config_load(&config, file, &failure) < 0) {
        complain("%s", failure.text);
        return (int)failure.code;
    }
    int code = EXIT_DONE;
    if (kafka_properties_check(config, &failure) < 0) {
        complain("%s", failure.text);
        code = (int)failure.code;
    } else if (argument_given(arguments, "print")) {
        config_print(stdout, config);
    } else if (argument_given(arguments, "connect")) {
        code = connect(config);
    } else {
        printf("%s is good. --connect looks at the brokers, the registry and the rights too.\n", file);
    }
    config_free(config);
    return code;
}

static int run(const struct arguments *arguments) {
    bool sample = argument_given(arguments, "sample"), page = argument_given(arguments, "page");
    if (sample + page + argument_given(arguments, "print") + argument_given(arguments, "connect") > 1) {
        complain("give one of --connect, --print, --sample and --page.");
        return EXIT_USAGE;
    }
    if (!sample && !page) return check(arguments);
    if (sample)
        config_sample(stdout);
    else if (argument_choice(arguments, "page") == 0)
        config_page(stdout);
    else
        metrics_page(stdout);
    return EXIT_DONE;
}

static const struct option_row options[] = {
    OPTION_CONFIG,
    {"connect", 0, OPTION_FLAG, NULL, NULL, false, false, "Look at the brokers, the registry and the rights too"},
    {"print", 'p', OPTION_FLAG, NULL, NULL, false, false, "Print what holds, of a secret only where it comes from"},
    {"sample", 0, OPTION_FLAG, NULL, NULL, false, false, "Print a file to begin with, every key explained"},
    {"page", 0, OPTION_CHOICE, "configuration|metrics", NULL, false, false,
     "Print the page of docs/ that is made from the program's tables"},
    {0},
};

const struct command command_check_config = {
    .name = "check-config",
    .summary = "say what is wrong with a configuration",
    .operands = "",
    .description =
        "Reads the configuration as `ringback run` does and says the first thing that is wrong with it: the line, the key, what to do; "
        "then "
        "it ends with 78.\n\n"
        "--connect logs in to the brokers, looks for every topic (and makes none), and tries each right that the service needs: it reads, takes part in a "
        "transaction under the id APPLICATION.check, writes one record a topic in it, and aborts it, so that nobody who reads committed "
        "records sees anything. A missing right is named as Kafka's tools spell it. It asks the registry for the ids of our schemas.",
    .options = options,
    .example = "ringback check-config --sample > ringback.yaml\n"
               "  A file to begin with.\n\n"
               "ringback check-config -c ringback.yaml --connect\n"
               "  Whether a service could run with it.",
    .run = run,
};
