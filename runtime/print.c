#include "print.h"

#include <glib.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../schemas/codec/event.h"
#include "../schemas/codec/time_text.h"

#define ROWS_MEASURED 1000
#define GAP 2 /* between columns */

struct printer {
    FILE *out;
    enum print_format format;
    const struct print_column *columns;
    size_t count, column;
    int width;
    GPtrArray *cells; /* of a table's first rows, until they are measured; owned text */
    int widths[PRINT_COLUMNS_MAX];
    bool shown[PRINT_COLUMNS_MAX], measured;
    uint64_t rows;
};

/* ---- text */

/* g_utf8_next_char, which would cast const away. */
static const char *next_character(const char *at) { return at + g_utf8_skip[(unsigned char)*at]; }

static int character_width(gunichar c) { return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1; }

static int text_width(const char *text) {
    int width = 0;
    for (; *text; text = next_character(text)) width += character_width(g_utf8_get_char(text));
    return width;
}

char *text_safe(struct str text) {
    g_autofree char *valid = g_utf8_make_valid(text.len ? text.ptr : "", (gssize)text.len);
    GString *clean = g_string_sized_new(text.len);
    for (const char *at = valid; *at; at = next_character(at)) {
        gunichar c = g_utf8_get_char(at);
        GUnicodeType type = g_unichar_type(c);
        if (c == '\n' || c == '\r' || c == '\t')
            g_string_append_c(clean, ' ');
        else if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR)
            g_string_append_c(clean, '?');
        else
            g_string_append_unichar(clean, c);
    }
    return g_string_free(clean, FALSE);
}

char *text_html(struct str text) {
    g_autofree char *safe = text_safe(text);
    return g_markup_escape_text(safe, -1);
}

static char *humanised(const char *symbol) {
    char *text = g_ascii_strdown(symbol, -1);
    text[0] = g_ascii_toupper(text[0]);
    return g_strdelimit(text, "_", ' ');
}

static void write_padding(FILE *out, int columns) {
    if (columns > 0) fprintf(out, "%*s", columns, "");
}

/* Text of at most `widest` columns; what is cut ends with an ellipsis. Returns the columns used. */
static int write_cut(FILE *out, const char *text, int widest) {
    int width = text_width(text);
    if (width <= widest) {
        fputs(text, out);
        return width;
    }
    int used = 0;
    const char *at = text;
    for (;;) {
        int next = character_width(g_utf8_get_char(at));
        if (used + next > widest - 1) break;
        used += next;
        at = next_character(at);
    }
    fwrite(text, 1, (size_t)(at - text), out);
    fputs("…", out);
    return used + 1;
}

/* ---- table */

static int line_width(const struct printer *printer) {
    int width = -GAP;
    for (size_t i = 0; i < printer->count; i++)
        if (printer->shown[i]) width += printer->widths[i] + GAP;
    return width;
}

/* Shows what must be shown, then what fits, the most important first. */
static void fit(struct printer *printer) {
    int ranks = 0;
    for (size_t i = 0; i < printer->count; i++) {
        printer->shown[i] = printer->width == 0 || printer->columns[i].rank == 0;
        ranks = MAX(ranks, printer->columns[i].rank);
    }
    for (int rank = 1; rank <= ranks; rank++) {
        for (size_t i = 0; i < printer->count; i++) {
            if (printer->shown[i] || printer->columns[i].rank != rank) continue;
            printer->shown[i] = true;
            if (line_width(printer) > printer->width) printer->shown[i] = false;
        }
    }
}

static void measure(struct printer *printer) {
    for (size_t i = 0; i < printer->count; i++) {
        const struct print_column *column = &printer->columns[i];
        int width = text_width(column->title);
        for (size_t cell = i; cell < printer->cells->len; cell += printer->count)
            width = MAX(width, text_width(printer->cells->pdata[cell]));
        if (printer->width > 0 && column->widest > 0) width = MIN(width, MAX(column->widest, text_width(column->title)));
        printer->widths[i] = width;
    }
    fit(printer);
    printer->measured = true;
}

static void write_line(struct printer *printer, char *const *cells) {
    int owed = 0; /* spaces before the next text: none are left at the end of a line */
    for (size_t i = 0; i < printer->count; i++) {
        if (!printer->shown[i]) continue;
        int width = printer->widths[i], text = text_width(cells[i]);
        if (printer->columns[i].right && text < width) owed += width - text;
        if (text > 0) {
            write_padding(printer->out, owed);
            owed = 0;
            text = write_cut(printer->out, cells[i], printer->width > 0 ? width : G_MAXINT);
        }
        if (!printer->columns[i].right && text < width) owed += width - text;
        owed += GAP;
    }
    fputc('\n', printer->out);
}

static void write_titles(struct printer *printer) {
    g_autoptr(GPtrArray) titles = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < printer->count; i++) g_ptr_array_add(titles, g_strdup(printer->columns[i].title));
    write_line(printer, (char *const *)titles->pdata);
}

static void write_held(struct printer *printer) {
    if (!printer->measured) {
        measure(printer);
        if (printer->cells->len) write_titles(printer);
    }
    for (guint cell = 0; cell < printer->cells->len; cell += (guint)printer->count)
        write_line(printer, (char *const *)&printer->cells->pdata[cell]);
    g_ptr_array_set_size(printer->cells, 0);
}

static void write_left_out(struct printer *printer) {
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < printer->count; i++)
        if (!printer->shown[i]) g_string_append_printf(names, "%s%s", names->len ? ", " : "", printer->columns[i].title);
    if (names->len) fprintf(printer->out, "\nNot shown for lack of room: %s. --format csv shows everything.\n", names->str);
}

/* ---- CSV */

/* True where a spreadsheet would evaluate the text. */
static bool is_formula(struct str text) {
    if (text.len == 0) return false;
    bool full_width = text.len >= 3 && memcmp(text.ptr, "\xef\xbc", 2) == 0 && memchr("\x9d\x8b\x8d\xa0", text.ptr[2], 4); /* = + - @ */
    if (full_width) return true;
    if (!memchr("=+-@\t\r\n", text.ptr[0], 7)) return false;
    if (text.ptr[0] != '+' && text.ptr[0] != '-') return true;
    for (uint32_t i = 1; i < text.len; i++)
        if (!g_ascii_isdigit(text.ptr[i])) return true;
    return text.len == 1;
}

static void write_csv(FILE *out, struct str text, bool guarded) {
    bool quoted = guarded;
    for (uint32_t i = 0; i < text.len && !quoted; i++)
        quoted = text.ptr[i] == ',' || text.ptr[i] == '"' || text.ptr[i] == '\r' || text.ptr[i] == '\n';
    if (!quoted) {
        if (text.len) fwrite(text.ptr, 1, text.len, out);
        return;
    }
    fputc('"', out);
    if (guarded) fputc('\'', out);
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') fputc('"', out);
        fputc(text.ptr[i], out);
    }
    fputc('"', out);
}

/* ---- rows of a page */

static void open_html(const struct printer *printer) {
    fputs("<thead><tr>", printer->out);
    for (size_t i = 0; i < printer->count; i++) {
        g_autofree char *title = text_html(str_of(printer->columns[i].title));
        fprintf(printer->out, "<th scope=\"col\"%s>%s</th>", printer->columns[i].right ? " class=\"number\"" : "", title);
    }
    fputs("</tr></thead>\n<tbody>\n", printer->out);
}

static void write_html(const struct printer *printer, size_t column, const char *markup) {
    if (column == 0) fputs("<tr>", printer->out);
    fprintf(printer->out, "<td%s>%s</td>", printer->columns[column].right ? " class=\"number\"" : "", markup);
    if (column + 1 == printer->count) fputs("</tr>\n", printer->out);
}

/* ---- printer */

struct printer *printer_make(FILE *out, enum print_format format, const struct print_column *columns, size_t count, int width) {
    g_assert(count <= PRINT_COLUMNS_MAX && format != PRINT_JSON);
    struct printer *printer = g_new0(struct printer, 1);
    *printer = (struct printer){.out = out, .format = format, .columns = columns, .count = count, .width = width};
    printer->cells = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; format == PRINT_CSV && i < count; i++) {
        write_csv(out, str_of(columns[i].title), false);
        fputs(i + 1 < count ? "," : "\r\n", out);
    }
    if (format == PRINT_HTML) open_html(printer);
    return printer;
}

uint64_t printer_finish(struct printer *printer) {
    if (printer->format == PRINT_TABLE) {
        write_held(printer);
        if (printer->rows) write_left_out(printer);
    }
    if (printer->format == PRINT_HTML) fputs("</tbody>\n", printer->out);
    uint64_t rows = printer->rows;
    g_ptr_array_free(printer->cells, TRUE);
    g_free(printer);
    return rows;
}

/* A cell has been written: it may have been its row's last. */
static void end_cell(struct printer *printer) {
    if (++printer->column < printer->count) return;
    printer->column = 0;
    printer->rows++;
    if (printer->format == PRINT_TABLE && (printer->measured || printer->rows == ROWS_MEASURED)) write_held(printer);
}

/* `ours`: text that was made here, not somebody's who may mean harm to a spreadsheet. */
static void add_cell(struct printer *printer, struct str text, bool ours) {
    if (printer->format == PRINT_CSV) {
        write_csv(printer->out, text, !ours && is_formula(text));
        fputs(printer->column + 1 == printer->count ? "\r\n" : ",", printer->out);
    } else if (printer->format == PRINT_HTML) {
        g_autofree char *markup = text_html(text);
        write_html(printer, printer->column, markup);
    } else {
        g_ptr_array_add(printer->cells, text_safe(text));
    }
    end_cell(printer);
}

void print_link(struct printer *printer, struct str address) {
    bool of_the_web = address.len > 8 && (memcmp(address.ptr, "https://", 8) == 0 || memcmp(address.ptr, "http://", 7) == 0);
    if (printer->format != PRINT_HTML || !of_the_web) {
        print_text(printer, address);
        return;
    }
    g_autofree char *escaped = text_html(address);
    g_autofree char *markup = g_strdup_printf("<a href=\"%s\" rel=\"noopener noreferrer\">Open</a>", escaped);
    write_html(printer, printer->column, markup);
    end_cell(printer);
}

void print_text(struct printer *printer, struct str text) { add_cell(printer, text, false); }

void print_number(struct printer *printer, int64_t number) {
    char text[24] = "";
    if (number != NONE) g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, number);
    add_cell(printer, str_of(text), true);
}

void print_duration(struct printer *printer, int64_t ms) {
    char text[48] = "";
    const char *sign = ms < 0 ? "-" : "";
    long long seconds = (ms < 0 ? -(ms + (ms == NONE)) : ms) / 1000, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (ms == NONE)
        *text = 0;
    else if (printer->format == PRINT_CSV)
        g_snprintf(text, sizeof text, "%s%lld:%02lld:%02lld", sign, hours, minutes % 60, seconds % 60);
    else if (days)
        g_snprintf(text, sizeof text, "%s%lldd %lldh", sign, days, hours % 24);
    else if (hours)
        g_snprintf(text, sizeof text, "%s%lldh %02lldm", sign, hours, minutes % 60);
    else if (minutes)
        g_snprintf(text, sizeof text, "%s%lldm %02llds", sign, minutes, seconds % 60);
    else
        g_snprintf(text, sizeof text, "%s%llds", sign, seconds);
    add_cell(printer, str_of(text), true);
}

void print_time(struct printer *printer, int64_t ms) {
    char text[TIME_TEXT_SIZE] = "";
    if (ms != NONE) time_print(ms, text);
    if (ms != NONE && printer->format != PRINT_CSV) {
        text[10] = ' '; /* 2026-03-01T09:00:00.250Z */
        memcpy(text + 19, "Z", 2);
    }
    add_cell(printer, str_of(text), true);
}

void print_symbol(struct printer *printer, const char *symbol) {
    g_autofree char *human = printer->format != PRINT_CSV && symbol ? humanised(symbol) : NULL;
    add_cell(printer, str_of(human ? human : symbol), true);
}

int terminal_width(void) {
    struct winsize size;
    if (!isatty(STDOUT_FILENO)) return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

int print_json(FILE *out, char *line, const struct json_extra *more, size_t count) {
    json_t *object = line ? json_loads(line, JSON_ALLOW_NUL, NULL) : NULL;
    if (!object) g_error("no memory, or a record that is not JSON: %s", line ? line : "");
    free(line);
    json_object_del(object, "position");
    for (size_t i = 0; i < count; i++)
        if (more[i].number != NONE) json_object_set_new(object, more[i].name, json_integer(more[i].number));
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
    return ferror(out) ? 1 : 0;
}
