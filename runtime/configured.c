#include "configured.h"

#include "../schemas/codec/codec.h"

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
