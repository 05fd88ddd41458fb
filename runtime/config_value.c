#include "config_value.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#define FILE_PREFIX "file:"
#define FILE_BYTES_MAX (64 * 1024)
#define DEPTH 2 /* ${file:${NAME}/x} and no deeper */

bool config_property_is_secret(const char *name) {
    return strstr(name, "password") || strstr(name, "passphrase") || strstr(name, "secret") || strstr(name, "key.pem") ||
           strcmp(name, "sasl.oauthbearer.config") == 0;
}

void config_value_wipe(char *value) {
    if (value) explicit_bzero(value, strlen(value));
    g_free(value);
}

static char *from_environment(const char *name, char **error) {
    static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    if (!*name || strspn(name, legal) != strlen(name) || g_ascii_isdigit(*name)) {
        *error = g_strdup_printf("${%s} is no name of an environment variable; a file is ${file:/path}, a plain ${ is written $${", name);
        return NULL;
    }
    const char *value = g_getenv(name);
    if (!value || !*value) {
        *error =
            g_strdup_printf("the environment variable %s is %s: set it, or write the value another way", name, value ? "empty" : "not set");
        return NULL;
    }
    return g_strdup(value);
}

static char *from_file(const char *path, char **error) {
    FILE *file = *path ? fopen(path, "re") : NULL;
    if (!file) {
        *error = *path ? g_strdup_printf("cannot open %s: %s", path, g_strerror(errno)) : g_strdup("${file:} names no file");
        return NULL;
    }
    char *value = g_malloc0(FILE_BYTES_MAX + 1);
    size_t size = fread(value, 1, FILE_BYTES_MAX, file);
    bool whole = fgetc(file) == EOF && !ferror(file);
    int cause = ferror(file) ? errno : 0;
    fclose(file);
    if (size && value[size - 1] == '\n') value[--size] = 0;
    if (size && value[size - 1] == '\r') value[--size] = 0;
    if (whole && size && !memchr(value, 0, size)) return value;
    *error = g_strdup_printf("%s %s", path,
                             cause    ? g_strerror(cause)
                             : !whole ? "has more than 64 KiB: that is no value"
                             : size   ? "holds a zero byte: it must be text"
                                      : "is empty: put the value into it");
    explicit_bzero(value, FILE_BYTES_MAX);
    g_free(value);
    return NULL;
}

static char *expand(const char *written, bool *referred, int depth, char **error);

/* What stands between ${ and its }. */
static char *resolve(const char *inside, int depth, char **error) {
    if (!g_str_has_prefix(inside, FILE_PREFIX)) return from_environment(inside, error);
    bool referred;
    g_autofree char *path = expand(inside + strlen(FILE_PREFIX), &referred, depth + 1, error);
    return path ? from_file(path, error) : NULL;
}

/* The } that belongs to the ${ before `text`; NULL: there is none. */
static const char *closing(const char *text) {
    for (int open = 1; *text; text++) {
        if (text[0] == '$' && text[1] == '{') open++;
        if (*text == '}' && --open == 0) return text;
    }
    return NULL;
}

static char *expand(const char *written, bool *referred, int depth, char **error) {
    GString *out = g_string_new(NULL);
    while (*written) {
        if (g_str_has_prefix(written, "$${")) {
            g_string_append(out, "${");
            written += 3;
            continue;
        }
        if (!g_str_has_prefix(written, "${")) {
            g_string_append_c(out, *written++);
            continue;
        }
        const char *inside = written + 2, *end = closing(inside);
        g_autofree char *name = end ? g_strndup(inside, (gsize)(end - inside)) : NULL;
        char *value = NULL;
        if (!end)
            *error = g_strdup("a ${ has no }; a plain ${ is written $${");
        else if (depth == DEPTH)
            *error = g_strdup_printf("${%s} stands too deep in another", name);
        else
            value = resolve(name, depth, error);
        if (!value) {
            config_value_wipe(g_string_free(out, FALSE));
            return NULL;
        }
        *referred = true;
        g_string_append(out, value);
        config_value_wipe(value);
        written = end + 1;
    }
    return g_string_free(out, FALSE);
}

char *config_value_expand(const char *written, bool *referred, char **error) {
    *referred = false;
    return expand(written, referred, 0, error);
}
