#include <stdlib.h>

#include "ingest.h"

static bool is_blank(const uint8_t *line, size_t size) {
    for (size_t n = 0; n < size; n++)
        if (line[n] != ' ' && line[n] != '\t') return false;
    return true;
}

/* The next line that is not blank, without its end. */
static bool line_take(struct input *input, const uint8_t **line, size_t *size) {
    while (input->at < input->size) {
        *line = input->bytes + input->at;
        size_t rest = input->size - input->at;
        const uint8_t *end = memchr(*line, '\n', rest);
        *size = end ? (size_t)(end - *line) : rest;
        input->at += end ? *size + 1 : *size;
        if (*size && (*line)[*size - 1] == '\r') --*size;
        if (!is_blank(*line, *size)) return true;
    }
    return false;
}

/* An object that goes on behind the line: as editors and `jq .` lay it out. */
static bool goes_on(const uint8_t *line, size_t size) {
    size_t first = 0;
    while (first < size && (line[first] == ' ' || line[first] == '\t')) first++;
    while (size > first && (line[size - 1] == ' ' || line[size - 1] == '\t')) size--;
    return first < size && line[first] == '{' && memchr("{[,:", line[size - 1], 4);
}

int json_lines_next(struct input *input, struct failure *failure) {
    const uint8_t *line;
    size_t size;
    if (!line_take(input, &line, &size)) return 0;
    if (size > RECORD_BYTES_MAX)
        return input_bad(input, REJECT_TOO_LARGE, line, size, "the line has %zu bytes, more than %d", size, RECORD_BYTES_MAX);
    if (!input->text && !(input->text = malloc(RECORD_BYTES_MAX))) return fail_memory(failure);

    struct event *event = &input->record.body.event;
    struct refusal why;
    if (json_read_event((const char *)line, size, event, input->text, RECORD_BYTES_MAX, &input->scratch, &why) < 0) {
        bool hint = why.reason == REJECT_MALFORMED && goes_on(line, size);
        return input_bad(input, why.reason, line, size, "%s%s", why.detail, hint ? " (one object a line, as jq -c writes them)" : "");
    }
    const char *invalid = event_check(event);
    if (invalid) return input_bad(input, REJECT_INVALID, line, size, "%s", invalid);
    input->record.type = JOURNAL_EVENT;
    input->time = event->occurred_at;
    return input_event_recoded(input, line, size, failure);
}
