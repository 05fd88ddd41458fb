#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../schemas/codec/event.h"
#include "../schemas/codec/time_text.h"

const struct option_row option_help = {"help", 'h', OPTION_FLAG, NULL, NULL, false, false, "Show this help"};

/* One value of one option. `text` is owned; number: of a number, ms of a time or duration, the place of a choice. */
struct value {
    const struct option_row *row;
    char *text;
    long long number;
    bool given; /* on the command line, not the initial one */
};

struct arguments {
    const struct command *command;
    GArray *values; /* struct value, in the order given */
    GPtrArray *operands;
};

/* ---- what is said */

static const char *complaining_command;
static void (*complaining_through)(const char *text);

void complain_as(const char *command) { complaining_command = command; }
void complain_through(void (*say)(const char *text)) { complaining_through = say; }

void complain(const char *format, ...) {
    va_list list;
    va_start(list, format);
    g_autofree char *text = g_strdup_vprintf(format, list);
    va_end(list);
    if (complaining_through) {
        complaining_through(text);
        return;
    }
    fflush(stdout); /* keeps the two streams in order on a terminal */
    if (complaining_command)
        fprintf(stderr, "ringback %s: %s\n", complaining_command, text);
    else
        fprintf(stderr, "ringback: %s\n", text);
}

/* Edits (insert, delete, replace, swap neighbours) from a to b; names are short. */
static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 48 };
    size_t rows = strlen(a), columns = strlen(b), cost[LONGEST + 1][LONGEST + 1];
    if (rows > LONGEST || columns > LONGEST) return SIZE_MAX;
    for (size_t i = 0; i <= rows; i++) cost[i][0] = i;
    for (size_t j = 0; j <= columns; j++) cost[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            size_t replaced = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            cost[i][j] = MIN(replaced, MIN(cost[i - 1][j], cost[i][j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[rows][columns];
}

const char *nearest_name(const char *typed, const char *const *names) {
    const char *nearest = NULL;
    size_t length = strlen(typed), least = length / 3 + 2;
    for (; *names; names++) {
        if (length >= 3 && g_str_has_prefix(*names, typed)) return *names;
        size_t distance = edit_distance(typed, *names);
        if (distance < least && distance < length) least = distance, nearest = *names;
    }
    return nearest;
}

const struct command *command_named(const char *name) {
    for (const struct command *const *each = commands; *each; each++)
        if (strcmp((*each)->name, name) == 0) return *each;
    return NULL;
}

/* " Did you mean --data?" or nothing; the caller frees. */
static char *suggestion(const char *typed, const char *dashes, const char *const *names) {
    const char *nearest = nearest_name(typed, names);
    return nearest ? g_strdup_printf(" Did you mean %s%s?", dashes, nearest) : g_strdup("");
}

/* ---- values */

bool duration_parse(const char *text, long long *ms) {
    static const struct {
        const char *unit;
        long long ms;
    } units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000},
    };
    *ms = 0;
    if (!*text) return false;
    while (*text) {
        if (!g_ascii_isdigit(*text)) return false;
        char *end;
        errno = 0;
        long long count = strtoll(text, &end, 10), part;
        if (errno) return false;
        size_t letters = strspn(end, "abcdefghijklmnopqrstuvwxyz"), unit = 0;
        while (unit < G_N_ELEMENTS(units) && !(strlen(units[unit].unit) == letters && strncmp(units[unit].unit, end, letters) == 0)) unit++;
        if (unit == G_N_ELEMENTS(units)) return false;
        if (__builtin_mul_overflow(count, units[unit].ms, &part) || __builtin_add_overflow(*ms, part, ms)) return false;
        text = end + letters;
    }
    return true;
}

static bool number_parse(const char *text, long long *number) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits]) return false;
    errno = 0;
    *number = strtoll(text, NULL, 10);
    return errno == 0;
}

static bool moment_parse(const char *text, long long *ms) {
    if (strcmp(text, "now") == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        *ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
        return true;
    }
    if (number_parse(text, ms)) return *ms <= TIME_MS_MAX;
    int64_t parsed;
    if (!time_parse(str_of(text), &parsed)) return false;
    *ms = parsed;
    return true;
}

static bool same_choice(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        char left = *a == '_' ? '-' : g_ascii_tolower(*a), right = *b == '_' ? '-' : g_ascii_tolower(*b);
        if (left != right) return false;
    }
    return *a == *b;
}

/* The place of `text` among "a|b|c" and, in *spelling, the choice as written there; -1: complained. */
static long long choice_parse(const struct option_row *row, const char *text, char **spelling) {
    g_auto(GStrv) choices = g_strsplit(row->value, "|", 0);
    for (long long i = 0; choices[i]; i++) {
        if (!same_choice(choices[i], text)) continue;
        *spelling = g_strdup(choices[i]);
        return i;
    }
    g_autofree char *list = g_strjoinv(", ", choices);
    g_autofree char *hint = suggestion(text, "", (const char *const *)choices);
    complain("--%s must be one of %s, not \"%s\".%s", row->name, list, text, hint);
    return -1;
}

/* Adds one value of an option; false: complained. */
static bool value_add(struct arguments *arguments, const struct option_row *row, const char *text, bool given) {
    struct value value = {row, NULL, NONE, given};
    switch (row->kind) {
    case OPTION_FLAG: break;
    case OPTION_TEXT: break;
    case OPTION_FILE:
    case OPTION_DIRECTORY:
        if (*text) break;
        complain("--%s must name a %s, not nothing.", row->name, row->kind == OPTION_FILE ? "file" : "directory");
        return false;
    case OPTION_NUMBER:
        if (number_parse(text, &value.number)) break;
        complain("--%s must be a whole number from 0, not \"%s\".", row->name, text);
        return false;
    case OPTION_TIME:
        if (moment_parse(text, &value.number)) break;
        complain("--%s must be a time such as 2026-03-01, 2026-03-01T09:00:00Z, ms since 1970, or now; not \"%s\".", row->name, text);
        return false;
    case OPTION_DURATION:
        if (duration_parse(text, &value.number)) break;
        complain("--%s must be a duration such as 45s, 90m, 24h, 3d or 1h30m, not \"%s\".", row->name, text);
        return false;
    case OPTION_CHOICE:
        value.number = choice_parse(row, text, &value.text);
        if (value.number < 0) return false;
    }
    if (!value.text) value.text = g_strdup(text);
    g_array_append_val(arguments->values, value);
    return true;
}

static bool values_add(struct arguments *arguments, const struct option_row *row, const char *text, bool given) {
    if (row->kind != OPTION_CHOICE || !row->repeatable) return value_add(arguments, row, text, given);
    g_auto(GStrv) parts = g_strsplit(text, ",", 0);
    if (!parts[0]) return value_add(arguments, row, text, given);
    for (char **part = parts; *part; part++)
        if (!value_add(arguments, row, *part, given)) return false;
    return true;
}

/* ---- parsing */

static size_t option_rows(const struct command *command) {
    size_t count = 0;
    while (command->options && command->options[count].name) count++;
    return count;
}

static const struct option_row *row_of(const struct command *command, size_t index) {
    return index < option_rows(command) ? &command->options[index] : &option_help;
}

/* getopt_long's view of the table. Values 256 + n stand for the n-th row, so that rows without a letter have one too. */
static struct option *long_options(const struct command *command) {
    size_t count = option_rows(command);
    struct option *longs = g_new0(struct option, count + 2);
    for (size_t i = 0; i <= count; i++) {
        const struct option_row *row = row_of(command, i);
        longs[i] = (struct option){row->name, row->kind == OPTION_FLAG ? no_argument : required_argument, NULL, 256 + (int)i};
    }
    return longs;
}

static char *short_options(const struct command *command) {
    GString *shorts = g_string_new("-:"); /* in order, whatever POSIXLY_CORRECT says; ':' for a missing value */
    for (size_t i = 0; i <= option_rows(command); i++) {
        const struct option_row *row = row_of(command, i);
        if (row->letter) g_string_append_printf(shorts, row->kind == OPTION_FLAG ? "%c" : "%c:", row->letter);
    }
    return g_string_free(shorts, FALSE);
}

static const struct option_row *row_with(const struct command *command, int code) {
    for (size_t i = 0; i <= option_rows(command); i++)
        if (code == 256 + (int)i || (code > 0 && code == row_of(command, i)->letter)) return row_of(command, i);
    return NULL;
}

/* Why getopt_long refused argv[optind - 1]. */
static void complain_of_option(const struct command *command, const char *word) {
    if (optopt > 0 && optopt < 256) { /* inside a group such as -ab, `word` is not it */
        complain("unknown option -%c. See ringback %s --help.", optopt, command->name);
        return;
    }
    const struct option_row *row = optopt ? row_with(command, optopt) : NULL;
    if (row) {
        complain("--%s takes no value.", row->name);
        return;
    }
    g_autofree char *typed = g_strndup(word + 2, strcspn(word + 2, "="));
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GString) abbreviated = g_string_new(NULL);
    for (size_t i = 0; i <= option_rows(command); i++) {
        const char *name = row_of(command, i)->name;
        g_ptr_array_add(names, (gpointer)(guintptr)name);
        if (*typed && g_str_has_prefix(name, typed)) g_string_append_printf(abbreviated, "%s--%s", abbreviated->len ? ", " : "", name);
    }
    g_ptr_array_add(names, NULL);
    if (abbreviated->len) {
        complain("--%s could be any of %s: write it out.", typed, abbreviated->str);
        return;
    }
    g_autofree char *hint = suggestion(typed, "--", (const char *const *)names->pdata);
    complain("unknown option --%s.%s See ringback %s --help.", typed, hint, command->name);
}

/* One pass of getopt_long; false: complained. */
static bool words_parse(struct arguments *arguments, bool *help, int argc, char **argv) {
    const struct command *command = arguments->command;
    g_autofree struct option *longs = long_options(command);
    g_autofree char *shorts = short_options(command);
    int code;
    opterr = 0;
    optind = 0; /* glibc: start over */
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == 1) {
            g_ptr_array_add(arguments->operands, optarg);
            continue;
        }
        if (code == '?') {
            complain_of_option(command, argv[optind - 1]);
            return false;
        }
        if (code == ':') {
            const struct option_row *row = row_with(command, optopt);
            complain("--%s needs a value: --%s %s", row->name, row->name, row->value);
            return false;
        }
        const struct option_row *row = row_with(command, code);
        if (row == &option_help) {
            *help = true;
            return true;
        }
        if (!values_add(arguments, row, row->kind == OPTION_FLAG ? "" : optarg, true)) return false;
    }
    for (int i = optind; i < argc; i++) g_ptr_array_add(arguments->operands, argv[i]);
    return true;
}

static bool operands_check(const struct arguments *arguments) {
    const struct command *command = arguments->command;
    g_auto(GStrv) words = g_strsplit(command->operands, " ", 0);
    guint least = 0, most = 0;
    for (char **word = words; *word; word++) {
        if (!**word) continue;
        if (**word != '[') least++;
        if (strstr(*word, "..."))
            most = G_MAXUINT;
        else if (most < G_MAXUINT)
            most++;
    }
    guint count = arguments->operands->len;
    if (count < least) {
        complain("%s is missing. See ringback %s --help.", words[count], command->name);
        return false;
    }
    if (count > most) {
        complain("unexpected argument \"%s\". See ringback %s --help.", operand_at(arguments, most), command->name);
        return false;
    }
    if (!command->operand_choices || count == 0) return true;
    g_auto(GStrv) choices = g_strsplit(command->operand_choices, "|", 0);
    if (g_strv_contains((const char *const *)choices, operand_at(arguments, 0))) return true;
    g_autofree char *hint = suggestion(operand_at(arguments, 0), "", (const char *const *)choices);
    g_autofree char *last = g_steal_pointer(&choices[g_strv_length(choices) - 1]), *others = g_strjoinv(", ", choices);
    complain("unknown \"%s\".%s Choose %s%s%s.", operand_at(arguments, 0), hint, others, *others ? " or " : "", last);
    return false;
}

/* Required options are there; those not given get their initial value. */
static bool options_check(struct arguments *arguments) {
    for (size_t i = 0; i < option_rows(arguments->command); i++) {
        const struct option_row *row = &arguments->command->options[i];
        if (argument_given(arguments, row->name)) continue;
        if (row->required) {
            int clause = (int)strcspn(row->help, ";"); /* what it is; the rest can be read in --help */
            complain("--%s %s is required: %c%.*s.", row->name, row->value, g_ascii_tolower(*row->help), clause - 1, row->help + 1);
            return false;
        }
        if (row->initial && !values_add(arguments, row, row->initial, false)) return false;
    }
    return true;
}

static void value_clear(gpointer value) { g_free(((struct value *)value)->text); }

int arguments_parse(struct arguments **out, bool *help, const struct command *command, int argc, char **argv) {
    struct arguments *arguments = g_new0(struct arguments, 1);
    arguments->command = command;
    arguments->values = g_array_new(FALSE, FALSE, sizeof(struct value));
    g_array_set_clear_func(arguments->values, value_clear);
    arguments->operands = g_ptr_array_new();
    *help = false;
    bool good = words_parse(arguments, help, argc, argv);
    if (good && !*help) good = operands_check(arguments) && options_check(arguments);
    if (good && !*help) {
        *out = arguments;
        return 0;
    }
    arguments_free(arguments);
    *out = NULL;
    return *help ? 0 : EXIT_USAGE;
}

void arguments_free(struct arguments *arguments) {
    if (!arguments) return;
    g_array_free(arguments->values, TRUE);
    g_ptr_array_free(arguments->operands, TRUE);
    g_free(arguments);
}

/* ---- what a command asks */

/* The n-th value of an option from the first (n >= 0) or from the last (n = -1). */
static const struct value *value_at(const struct arguments *arguments, const char *option, long n) {
    const struct option_row *row = NULL;
    for (size_t i = 0; i < option_rows(arguments->command); i++)
        if (strcmp(arguments->command->options[i].name, option) == 0) row = &arguments->command->options[i];
    if (!row) {
        fprintf(stderr, "ringback %s: its table has no option %s\n", arguments->command->name, option);
        abort();
    }
    const struct value *last = NULL;
    for (guint i = 0; i < arguments->values->len; i++) {
        const struct value *value = &g_array_index(arguments->values, struct value, i);
        if (value->row != row) continue;
        if (n-- == 0) return value;
        last = value;
    }
    return n < 0 ? last : NULL;
}

const char *argument_text(const struct arguments *arguments, const char *option) {
    const struct value *value = value_at(arguments, option, -1);
    return value ? value->text : NULL;
}

bool argument_given(const struct arguments *arguments, const char *option) {
    const struct value *value = value_at(arguments, option, -1);
    return value && value->given;
}

long long argument_number(const struct arguments *arguments, const char *option) {
    const struct value *value = value_at(arguments, option, -1);
    return value ? value->number : NONE;
}

long long argument_time(const struct arguments *arguments, const char *option) { return argument_number(arguments, option); }
long long argument_duration(const struct arguments *arguments, const char *option) { return argument_number(arguments, option); }
long long argument_choice(const struct arguments *arguments, const char *option) { return argument_number(arguments, option); }

size_t argument_count(const struct arguments *arguments, const char *option) {
    size_t count = 0;
    while (value_at(arguments, option, (long)count)) count++;
    return count;
}

const char *argument_at(const struct arguments *arguments, const char *option, size_t index) {
    const struct value *value = value_at(arguments, option, (long)index);
    return value ? value->text : NULL;
}

long long argument_choice_at(const struct arguments *arguments, const char *option, size_t index) {
    const struct value *value = value_at(arguments, option, (long)index);
    return value ? value->number : NONE;
}

unsigned long long argument_choices(const struct arguments *arguments, const char *option) {
    unsigned long long set = 0;
    const struct value *value;
    for (long n = 0; (value = value_at(arguments, option, n)) != NULL; n++) set |= 1ULL << value->number;
    return set;
}

size_t operand_count(const struct arguments *arguments) { return arguments->operands->len; }

const char *operand_at(const struct arguments *arguments, size_t index) {
    return index < arguments->operands->len ? arguments->operands->pdata[index] : NULL;
}

int finish_output(int code) {
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    int why = errno;
    if (!failed || why == EPIPE) return code;
    complain("cannot write to standard output: %s.", why ? g_strerror(why) : "an earlier write failed");
    return code == EXIT_DONE ? EXIT_FAILED : code;
}
