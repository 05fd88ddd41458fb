/*
 * config: what a service is told by its YAML file (docs/configuration.md; docs/decisions/0011-configuration.md).
 *
 * One table (config_keys) makes the parsing, the sample file, the manual page and docs/configuration.md. A value may name the
 * environment, ${NAME}, or a file, ${file:/run/secrets/password}; a secret must. What is wrong is said with its line, its key, the
 * nearest right word and what to do; the exit code is EXIT_CONFIGURATION.
 */
#ifndef RINGBACK_CONFIG_H
#define RINGBACK_CONFIG_H

#include <stdio.h>

#include "kafka_topics.h"

#define CONFIG_FILE "ringback.yaml" /* where -c is not given */
#define CONFIG_BYTES_MAX (1024 * 1024)

enum config_standby { STANDBY_ALL, STANDBY_NONE };
enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

/* One librdkafka property. */
struct config_property {
    const char *name, *value;
    const char *written; /* the value as in the file: what may be printed of a secret */
    bool secret;
    int line; /* in the file, for messages */
};

/* All text is owned by the config; text that is not given and has no initial value is NULL. */
struct config {
    const char *file; /* for messages */
    const char *application; /* group id; transactional ids are application.PARTITION */
    const char *brokers;     /* HOST:PORT, several with commas */
    int64_t partitions;      /* P, fixed for a journal's life */
    int64_t workers;         /* threads that fold */
    int64_t standby;         /* enum config_standby */
    int64_t seal_every_ms;
    struct {
        const char *prefix;
        const char *names[KAFKA_TOPICS]; /* whole names, by enum of kafka_topics.h; never NULL */
        int64_t replication, min_insync; /* for `ringback topics` */
    } topics;
    const char *rekey[SOURCE_NETWORK + 1]; /* by enum source_kind: the topic that `ringback rekey` makes it of; NULL: producers write it */
    struct {
        int64_t live_ms, records;
    } commit;
    struct {
        const char *dir; /* a directory a partition below it */
    } state;
    struct {
        const char *dir; /* NULL: no snapshots */
        int64_t every_ms, keep;
    } snapshot;
    struct {
        const char *url; /* NULL: no registry, single-object encoding */
        const char *user, *password, *token, *ca_file;
        int64_t timeout_ms;
    } registry;
    struct {
        const char *bind;
        int64_t port; /* 0: no HTTP */
    } http;
    struct {
        int64_t level; /* enum level */
    } log;
    struct config_property *kafka; /* in the order of the file */
    size_t kafka_count;
};

/* 0: *config is the caller's to free. -1 described in `failure` (EXIT_CONFIGURATION; EXIT_AGAIN: no memory). */
int config_load(struct config **config, const char *path, struct failure *failure);
/* The same from memory; `name` stands for the file in messages. */
int config_parse(struct config **config, const char *yaml, size_t size, const char *name, struct failure *failure);
void config_free(struct config *config); /* wipes secrets; NULL is fine */

/* The option of every command that reads it. */
#define OPTION_CONFIG {"config", 'c', OPTION_FILE, "FILE", CONFIG_FILE, false, false, "The configuration (docs/configuration.md)"}

/* What holds, as YAML; of a secret only where it comes from. */
void config_print(FILE *out, const struct config *config);
/* The sample file; the page docs/configuration.md; both from the table. */
void config_sample(FILE *out);
void config_page(FILE *out);

/* One key of the table, for help. */
enum config_kind { CONFIG_TEXT, CONFIG_NUMBER, CONFIG_DURATION, CONFIG_CHOICE, CONFIG_PROPERTIES };
struct config_key {
    const char *name;    /* "commit.live_ms" */
    enum config_kind kind;
    size_t offset;       /* in struct config */
    const char *initial; /* as it would be written; NULL: none */
    const char *sample;  /* what the sample file shows, where there is no initial value or another makes the better example */
    int64_t least, most; /* numbers and durations (ms) */
    const char *choices; /* "all|none" */
    bool required, secret;
    const char *help;    /* some sentences */
};
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* "6h", "1500ms": ms in the largest unit that it is a whole number of, as duration_parse (options.h) reads it. */
void config_duration_text(int64_t ms, char text[32]);

/* Properties that may not stand under `kafka`: Ringback sets them. */
extern const char *const config_reserved[];
extern const size_t config_reserved_count;

#endif
