/*
 * print: rows of cells as a table for people, as the rows of a table in a page, or as CSV for programs and spreadsheets.
 *
 * A table is sanitised (no control characters reach the terminal) and, on a terminal, made to fit: columns are cut to what they need,
 * then the most important that fit are shown, and the end says which are not.
 * CSV is RFC 4180: header line, CRLF, quotes where needed. Text that a spreadsheet would take for a formula (first character = + - @,
 * tab, CR, LF, or the full-width forms of the first four) gets a ' before it; + or - with nothing but digits behind it is a telephone
 * number or a number and stays as it is.
 * Memory is bounded: a table's widths come from its first 1,000 rows.
 */
#ifndef RINGBACK_PRINT_H
#define RINGBACK_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "../schemas/codec/str.h"

enum print_format { PRINT_TABLE, PRINT_JSON, PRINT_CSV, PRINT_HTML }; /* the order of PRINT_FORMATS; the last is for pages */
#define PRINT_FORMATS "table|json|csv"

#define PRINT_COLUMNS_MAX 32

struct print_column {
    const char *title;
    bool right;  /* numbers stand at the right */
    int rank;    /* where the terminal is narrow, the least ranks are shown first; 0 always is */
    int widest;  /* characters on a terminal; longer text is cut with an ellipsis; 0: no limit */
};

struct printer;

/* `format` is not PRINT_JSON. PRINT_HTML writes thead and tbody, the caller the table around them. `width`: characters a line, 0 where there is no terminal: nothing is cut or left out then. */
struct printer *printer_make(FILE *out, enum print_format format, const struct print_column *columns, size_t count, int width);
/* Writes what is left and frees. Returns the number of rows. */
uint64_t printer_finish(struct printer *printer);

/* One cell each, from the left; after the last column a new row begins. Null text, NONE: an empty cell. */
void print_text(struct printer *printer, struct str text);
void print_number(struct printer *printer, int64_t number);
/* ms: "2m 05s", "3d 4h" in a table; [-]H:MM:SS in CSV, which spreadsheets take for a duration. */
void print_duration(struct printer *printer, int64_t ms);
/* ms UTC: "2026-03-01 09:00:00Z"; RFC 3339 with ms in CSV. */
void print_time(struct printer *printer, int64_t ms);
/* An Avro symbol: "Contact attempted" in a table, CONTACT_ATTEMPTED in CSV. */
void print_symbol(struct printer *printer, const char *symbol);

/* An address from outside: in a page a link with the text "Open" where it is of the web, elsewhere the address itself. */
void print_link(struct printer *printer, struct str address);

/* Text from outside, made safe: valid UTF-8 without control characters (what they were shows as a space or a question mark). The caller
 * frees. text_html also escapes it for HTML, in an element or between quotes. */
char *text_safe(struct str text);
char *text_html(struct str text);

/* The width of the terminal that standard output is, 0 where it is none. */
int terminal_width(void);

/* Prints a line of JSON (of json_write, freed here; it is a crash where there was no memory) without its "position", which views leave
 * empty, and with the members of `more` that are not NONE. Returns 1 when `out` takes no more, else 0. */
struct json_extra { const char *name; int64_t number; };
int print_json(FILE *out, char *line, const struct json_extra *more, size_t count);

#endif
