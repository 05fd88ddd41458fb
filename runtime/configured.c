#include "configured.h"

#include <inttypes.h>

#include "../schemas/codec/codec.h"

int partition_must_be(const struct config *config, long long partition, struct failure *failure) {
    if (partition < config->partitions) return 0;
    return fail(failure, EXIT_USAGE, "--partition %lld: there are partitions 0 to %" PRId64 ".", partition, config->partitions - 1);
}

int run_configured(const struct arguments *arguments, configured_act *act) {
    struct failure failure = {0};
    struct config *config = NULL;
    char error[400];
    if (schemas_load(error, sizeof error) < 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    int result = config_load(&config, argument_text(arguments, "config"), &failure);
    if (result == 0) result = act(arguments, config, &failure);
    if (result < 0) complain("%s", failure.text);
    config_free(config);
    schemas_unload();
    return result < 0 ? (int)failure.code : result > 0 ? EXIT_FAILED : EXIT_DONE;
}
