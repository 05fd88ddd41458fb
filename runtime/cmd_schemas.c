/* ringback schemas: the contract, as Avro schemas. */
#include <errno.h>
#include <glib.h>
#include <stdio.h>

#include "config.h"
#include "schemas_register.h"

struct job {
    const char *name; /* the one to print; NULL: any */
    const char *out;  /* where to write files */
    int seen;
    bool failed;
    GString *names; /* known so far, for a message */
};

static void list_one(void *context, const char *name, const char *file, const char *text) {
    (void)context, (void)text;
    printf("%-20s %s\n", name, file);
}

static void print_one(void *context, const char *name, const char *file, const char *text) {
    struct job *job = context;
    (void)file;
    g_string_append_printf(job->names, "%s%s", job->names->len ? ", " : "", name);
    if (g_ascii_strcasecmp(name, job->name) != 0) return;
    job->seen++;
    fputs(text, stdout);
    if (!g_str_has_suffix(text, "\n")) fputc('\n', stdout);
}

static void write_one(void *context, const char *name, const char *file, const char *text) {
    struct job *job = context;
    (void)name;
    if (job->failed) return;
    g_autofree char *path = g_build_filename(job->out, file, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;
    if (g_mkdir_with_parents(folder, 0777) != 0) {
        complain("--out: cannot make the directory %s: %s.", folder, g_strerror(errno));
        job->failed = true;
    } else if (!g_file_set_contents(path, text, -1, &error)) {
        complain("--out: %s.", error->message);
        job->failed = true;
    } else {
        job->seen++;
    }
}

static int print_named(const char *name) {
    struct job job = {.name = name, .names = g_string_new(NULL)};
    schema_each(print_one, &job);
    if (!job.seen) complain("there is no schema \"%s\". There are: %s.", name, job.names->str);
    g_string_free(job.names, TRUE);
    return job.seen ? EXIT_DONE : EXIT_USAGE;
}

static int run(const struct arguments *arguments) {
    const char *name = operand_at(arguments, 0), *out = argument_text(arguments, "out");
    if (name && strcmp(name, "register") == 0) return schemas_register(argument_text(arguments, "config"), argument_given(arguments, "dry-run"));
    if ((name != NULL) + (out != NULL) + argument_given(arguments, "list") > 1) {
        complain("give a name, or --list, or --out, not two of them.");
        return EXIT_USAGE;
    }
    if (name) return print_named(name);
    if (!out) {
        schema_each(list_one, NULL);
        return EXIT_DONE;
    }
    struct job job = {.out = out};
    schema_each(write_one, &job);
    if (job.failed) return EXIT_FAILED;
    printf("%d schemas written to %s\n", job.seen, out);
    return EXIT_DONE;
}

static const struct option_row options[] = {
    {"list", 'l', OPTION_FLAG, NULL, NULL, false, false, "List the names of all schemas (what it does anyway without a name)"},
    OPTION_CONFIG,
    {"dry-run", 0, OPTION_FLAG, NULL, NULL, false, false, "register: say what would be done, and do nothing"},
    {"out", 'o', OPTION_DIRECTORY, "DIR", NULL, false, false, "Write all schemas as .avsc files below this directory"},
    {0},
};

const struct command command_schemas = {
    .name = "schemas",
    .summary = "list, print, write or register the Avro schemas of input, journal and output",
    .operands = "[NAME|register]",
    .description =
        "Without a name lists the schemas that this version reads and writes; with one prints it. --out writes all as files, for a schema "
        "registry or a code generator. A schema may name types of another; the files in one directory belong together.\n\n"
        "register puts them into the schema registry that the configuration names, each under the subject of its topic (TOPIC-value), and sets "
        "the subject's compatibility: BACKWARD_TRANSITIVE for what comes in, FULL_TRANSITIVE for what goes out. What is there "
        "already stays. `ringback run` registers nothing by itself: run this before a new version.",
    .options = options,
    .example = "ringback schemas Event\n"
               "  Prints the schema of the events that come in.\n\n"
               "ringback schemas --out schemas\n"
               "  Writes all of them.\n\n"
               "ringback schemas register -c ringback.yaml\n"
               "  Registers them.",
    .run = run,
};
