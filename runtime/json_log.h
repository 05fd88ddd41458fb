/*
 * json_log: what a service tells, one line of JSON each on standard error, for journald, Kubernetes and the like.
 *
 *     {"time":"2026-03-01T09:00:00.250Z","level":"info","event":"partition_state","partition":3,"from":"STANDBY","to":"WRITER"}
 *
 * One line for each change of state of a partition, and for what a person has to know; never one a record. No telephone number,
 * call id or payload belongs into one. A line is one write(2): lines of several threads do not mix.
 */
#ifndef RINGBACK_JSON_LOG_H
#define RINGBACK_JSON_LOG_H

#include "config.h"

struct log_field {
    const char *name;
    const char *text; /* NULL: it is the number */
    int64_t number;   /* NONE: the field is left out */
};
#define LOG_TEXT(name_, text_)                                                                                                             \
    { .name = (name_), .text = (text_), .number = NONE }
#define LOG_NUMBER(name_, number_)                                                                                                         \
    { .name = (name_), .number = (number_) }
/* json_log(LEVEL_INFO, "snapshot_taken", LOG_NUMBER("partition", 3), LOG_TEXT("file", path)); at least one field, and NULL texts are not
 * shown. */
#define json_log(level, event, ...) json_log_fields(level, event, (const struct log_field[]){__VA_ARGS__, {0}})

/* Lines above this level are not written; LEVEL_INFO before the first call. */
void json_log_level(enum level level);
/* Of a service, whose standard error is a log: what is complained of is a line of it too, {"event":"complaint","text":...}. */
void json_log_begin(enum level level);
void json_log_fields(enum level level, const char *event, const struct log_field *fields); /* ended by a field without name */

#endif
