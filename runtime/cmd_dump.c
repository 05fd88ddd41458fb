/* ringback dump: our Avro files (journal, outputs, events, reports) as JSON lines, block by block. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../schemas/codec/container.h"
#include "../schemas/codec/report.h"
#include "command.h"

static const struct option_row options[] = {
    {"event-form", 'e', OPTION_FLAG, NULL, NULL, false, false,
     "Print events alone, flat, as ringback fold reads them; of a journal the events that were accepted for folding"},
    {"limit", 'n', OPTION_NUMBER, "N", NULL, false, false, "Print at most so many records"},
    {0},
};

/* What a datum of each of our files is read into. */
union datum {
    struct event event;
    struct journal_record journal;
    struct output output;
    struct report_row row;
    struct report_group group;
};

enum content { CONTENT_EVENTS, CONTENT_JOURNAL, CONTENT_RESULTS };

struct dump {
    const char *path;
    bool event_form;
    int64_t limit; /* records still to be printed; NONE: all */
    bool failed;
    enum content content;
    const struct shape *shape;
    struct plan *plan;
    union datum datum;
    struct scratch scratch;
};

/* The name of a schema, or of the first branch of a union, without its namespace; the caller frees. NULL: it has none. */
static char *schema_name(struct str schema) {
    json_t *json = json_loadb(schema.ptr, schema.len, 0, NULL), *record = json_is_array(json) ? json_array_get(json, 0) : json;
    const char *name = json_string_value(json_object_get(record, "name")), *dot = name ? strrchr(name, '.') : NULL;
    char *copy = g_strdup(dot ? dot + 1 : name);
    json_decref(json);
    return copy;
}

/* How to read a file with this schema. -1: complained. */
static int plan_file(struct dump *dump, struct str schema) {
    static const char *const records[TOPICS] = {"Rejected", "ClassifiedCall", "Followup", "FollowupEvent", "Notice", "CommandResult"};
    g_autofree char *name = schema_name(schema);
    dump->shape = NULL;
    if (g_strcmp0(name, "Event") == 0) dump->content = CONTENT_EVENTS, dump->shape = &shape_event;
    if (g_strcmp0(name, "JournalRecord") == 0) dump->content = CONTENT_JOURNAL, dump->shape = &shape_journal_record;
    if (g_strcmp0(name, "ReportRow") == 0) dump->content = CONTENT_RESULTS, dump->shape = &shape_report_row;
    if (g_strcmp0(name, "ReportGroup") == 0) dump->content = CONTENT_RESULTS, dump->shape = &shape_report_group;
    for (int topic = 0; topic < TOPICS; topic++)
        if (g_strcmp0(name, records[topic]) == 0) dump->content = CONTENT_RESULTS, dump->shape = shape_of_topic((enum topic)topic);
    if (!dump->shape) {
        complain("%s: its schema is %s, which is none of Ringback's. ringback schemas lists those.", dump->path,
                 name ? name : "without a name");
        return -1;
    }
    if (dump->event_form && dump->content == CONTENT_RESULTS) {
        complain("%s: --event-form is for journals and files of events; this one holds %s records. Leave it out.", dump->path, name);
        return -1;
    }
    char error[512];
    if (plan_make(&dump->plan, schema.ptr, schema.len, dump->shape, error, sizeof error) == 0) return 0;
    complain("%s: its schema cannot be read as %s: %s", dump->path, name, error);
    return -1;
}

static char *line_of(struct dump *dump) {
    if (!dump->event_form) return json_write(dump->shape, &dump->datum);
    return json_write_event(dump->content == CONTENT_JOURNAL ? &dump->datum.journal.body.event : &dump->datum.event);
}

static bool is_done(const struct dump *dump) { return dump->limit == 0 || ferror(stdout); }

static void print_datum(struct dump *dump) {
    if (dump->event_form && dump->content == CONTENT_JOURNAL && dump->datum.journal.type != JOURNAL_EVENT) return;
    char *line = line_of(dump);
    if (!line) g_error("out of memory");
    puts(line);
    free(line);
    if (dump->limit > 0) dump->limit--;
}

/* A datum that cannot be read is stepped over; where that fails too, the rest of its block is left out. */
static void dump_block(struct dump *dump, struct str block, int64_t count, size_t at) {
    for (int64_t i = 0; i < count && !is_done(dump); i++) {
        struct refusal why = {0};
        int64_t size = codec_read(dump->plan, (const uint8_t *)block.ptr, block.len, &dump->datum, &dump->scratch, &why);
        bool refused = size < 0;
        if (refused) {
            size = codec_skip(dump->plan, (const uint8_t *)block.ptr, block.len);
            complain("%s: record %" G_GINT64_FORMAT " of the block that ends at byte %zu cannot be read (%s); %s left out.", dump->path,
                     i + 1, at, why.detail, size < 0 ? "the rest of the block is" : "it is");
            dump->failed = true;
            if (size < 0) return;
        }
        block.ptr += size;
        block.len -= (uint32_t)size;
        if (!refused) print_datum(dump);
    }
}

static void dump_blocks(struct dump *dump, struct container_reader *reader) {
    struct str block;
    int64_t count;
    while (!is_done(dump)) {
        size_t at = reader->at;
        switch (container_next(reader, &block, &count)) {
        case CONTAINER_BLOCK: dump_block(dump, block, count, reader->at); break;
        case CONTAINER_END: return;
        case CONTAINER_TORN:
            complain("%s: ends inside the block at byte %zu: it was cut, or is being written.", dump->path, at);
            dump->failed = true;
            return;
        case CONTAINER_DAMAGED: {
            size_t skipped = container_skip(reader);
            complain("%s: damaged at byte %zu; %zu bytes are left out.", dump->path, at, skipped);
            dump->failed = true;
            break;
        }
        }
    }
}

static int dump_bytes(struct dump *dump, const uint8_t *bytes, size_t size) {
    struct container_reader reader;
    char error[512];
    if (container_open(&reader, bytes, size, error, sizeof error) != 0) {
        complain("%s: %s. ringback dump prints Avro files: DIR/journal.avro, DIR/outputs/*.avro, files of events.", dump->path, error);
        return -1;
    }
    int code = plan_file(dump, reader.schema);
    if (code == 0) {
        dump_blocks(dump, &reader);
        plan_free(dump->plan);
    }
    container_close(&reader);
    return code;
}

static int dump_file(struct dump *dump) {
    int file = open(dump->path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0) {
        complain("%s: %s.", dump->path, g_strerror(errno));
        if (file >= 0) close(file);
        return -1;
    }
    void *bytes = MAP_FAILED;
    if (!S_ISREG(info.st_mode))
        complain("%s: not a file. Name a file such as ringback-data/journal.avro.", dump->path);
    else if (info.st_size == 0)
        complain("%s: empty.", dump->path);
    else if ((bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0)) == MAP_FAILED)
        complain("%s: %s.", dump->path, g_strerror(errno));
    close(file);
    if (bytes == MAP_FAILED) return -1;
    madvise(bytes, (size_t)info.st_size, MADV_SEQUENTIAL);
    int code = dump_bytes(dump, bytes, (size_t)info.st_size);
    munmap(bytes, (size_t)info.st_size);
    return code;
}

static int run(const struct arguments *arguments) {
    char error[512];
    if (schemas_load(error, sizeof error) != 0) {
        complain("%s", error);
        return EXIT_FAILED;
    }
    struct dump *dump = g_new0(struct dump, 1);
    dump->event_form = argument_given(arguments, "event-form");
    dump->limit = argument_number(arguments, "limit");
    for (size_t i = 0; i < operand_count(arguments) && !is_done(dump); i++) {
        dump->path = operand_at(arguments, i);
        if (dump_file(dump) != 0) dump->failed = true;
    }
    int code = dump->failed ? EXIT_FAILED : EXIT_DONE;
    g_free(dump);
    schemas_unload();
    return code;
}

const struct command command_dump = {
    .name = "dump",
    .summary = "print Ringback's Avro files as JSON lines",
    .operands = "FILE...",
    .description =
        "Prints each record of the files as one line of JSON: journals, the files below outputs/, and files of events. Times are RFC 3339 "
        "in UTC, bytes base64, fields that are null are left out.\n\n"
        "With --event-form the events come out in the flat form that ringback fold reads, so that the journal of one data directory can "
        "feed another.\n\n"
        "A file that is cut or damaged is printed as far as it can be read; standard error says what is left out, and the exit code is 1.",
    .options = options,
    .example = "ringback dump ringback-data/outputs/followups.avro | tail -n 5\n"
               "  The last five versions of follow-ups.\n\n"
               "ringback dump --event-form ringback-data/journal.avro > events.jsonl\n"
               "  The events that made this state, as input.",
    .run = run,
};
