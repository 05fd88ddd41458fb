#include "json_log.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../schemas/codec/time_text.h"
#include "options.h"

static _Atomic int most = LEVEL_INFO;

static const char *const level_names[] = {
    [LEVEL_ERROR] = "error", [LEVEL_WARNING] = "warning", [LEVEL_INFO] = "info", [LEVEL_DEBUG] = "debug"};

void json_log_level(enum level level) { atomic_store(&most, (int)level); }

static void complaint_say(const char *text) { json_log(LEVEL_ERROR, "complaint", LOG_TEXT("text", text)); }

void json_log_begin(enum level level) {
    json_log_level(level);
    complain_through(complaint_say);
}

/* Text from outside may be no UTF-8; JSON has no other. */
static json_t *text_value(const char *text) {
    json_t *value = json_string(text);
    if (value) return value;
    char plain[256];
    size_t size = 0;
    for (; text[size] && size < sizeof plain - 1; size++) plain[size] = text[size] < 0 ? '?' : text[size];
    plain[size] = 0;
    return json_string(plain);
}

static void line_write(char *line) {
    size_t size = strlen(line);
    line[size++] = '\n'; /* over the end: what follows counts bytes */
    while (size) {
        ssize_t written = write(STDERR_FILENO, line, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return; /* nobody to tell it to */
        line += written;
        size -= (size_t)written;
    }
}

void json_log_fields(enum level level, const char *event, const struct log_field *fields) {
    if ((int)level > atomic_load(&most)) return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char time[TIME_TEXT_SIZE];
    time_print(now.tv_sec * 1000LL + now.tv_nsec / 1000000, time);
    json_t *line = json_object();
    json_object_set_new(line, "time", json_string(time));
    json_object_set_new(line, "level", json_string(level_names[level]));
    json_object_set_new(line, "event", json_string(event));
    for (; fields->name; fields++) {
        if (fields->text)
            json_object_set_new(line, fields->name, text_value(fields->text));
        else if (fields->number != NONE)
            json_object_set_new(line, fields->name, json_integer(fields->number));
    }
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (text) line_write(text);
    free(text);
}
