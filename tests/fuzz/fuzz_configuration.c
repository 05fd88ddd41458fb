/* A configuration: refused with a reason that names the file, or taken; what is taken is printed, and read again as the same. */
#include "../../runtime/config.h"
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    setenv("NAME", "value", 1);
    return 0;
}

static char *printed(const struct config *config) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_print(out, config);
    fclose(out);
    return text;
}

/* Files that a value names are not the fuzzer's to read: a pipe would wait for ever. */
static bool names_a_file(const uint8_t *data, size_t size) {
    for (size_t i = 0; i + 6 <= size; i++)
        if (memcmp(data + i, "{file:", 6) == 0) return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct failure failure = {0};
    struct config *config, *again;
    if (names_a_file(data, size)) return 0;
    if (config_parse(&config, (const char *)data, size, "f.yaml", &failure) < 0) {
        PROMISE(failure.code == EXIT_CONFIGURATION && strncmp(failure.text, "f.yaml", 6) == 0);
        return 0;
    }
    char *once = printed(config);
    failure = (struct failure){0};
    PROMISE(config_parse(&again, once, strlen(once), "again.yaml", &failure) == 0);
    char *twice = printed(again);
    PROMISE(strcmp(once, twice) == 0);
    config_free(again);
    config_free(config);
    free(once);
    free(twice);
    return 0;
}
