#include "fold_run.h"

#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest_spool.h"
#include "partition.h"

#define PROGRESS_RECORDS 8192 /* between looks at the clock */
#define NAME_BYTES_MAX 1024
#define SKIPPED_NAMED 10

/* A file that was named, or lay in the inbox. */
struct item {
    char *path, *name;
    bool spooled;
};

/* One that has something to fold. */
struct part {
    struct input *input;
    const struct item *item;
    struct known_source known;
};

struct run {
    const struct fold_options *options;
    struct fold_result *result;
    struct failure *failure;
    struct progress progress;
    struct data_dir dir;
    struct store *store;
    struct log *log;
    struct place place;
    struct writer *writer;
    GArray *items;  /* struct item */
    size_t skipped; /* files folded before */
    struct part parts[FOLD_FILES_MAX];
    struct input *heap[FOLD_FILES_MAX]; /* of the merge */
    size_t part_count;
    size_t bytes; /* of all parts */
    bool pending; /* something is journalled that no seal ends yet */
};

/* A source's name goes into the journal, which holds UTF-8. */
static char *clean_name(const char *path) {
    char *name = g_utf8_make_valid(path, -1);
    if (strlen(name) > NAME_BYTES_MAX) *g_utf8_find_prev_char(name, name + NAME_BYTES_MAX) = 0;
    return name;
}

static struct item *item_at(const struct run *run, size_t n) { return &g_array_index(run->items, struct item, n); }

static void item_add(struct run *run, const char *path, const char *name, bool spooled) {
    for (size_t n = 0; spooled && n < run->items->len; n++) /* what lay in the inbox may have come again */
        if (strcmp(item_at(run, n)->path, path) == 0) return;
    struct item item = {.path = g_strdup(path), .name = clean_name(name), .spooled = spooled};
    g_array_append_val(run->items, item);
}

static void item_clear(void *item) {
    g_free(((struct item *)item)->path);
    g_free(((struct item *)item)->name);
}

static void item_left_over(void *context, const char *path) { item_add(context, path, "stdin", true); }

static void unreadable(struct run *run, const struct failure *why) {
    complain("%s", why->text);
    run->result->unreadable++;
}

static bool can_be_read_again(const char *file) {
    struct stat status;
    return stat(file, &status) < 0 || S_ISREG(status.st_mode) ||
           S_ISDIR(status.st_mode); /* what is wrong with it is said when it is opened */
}

/* Regular files are read where they are; what can be read only once is kept first. */
static int item_take(struct run *run, const char *file) {
    bool is_stdin = strcmp(file, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : can_be_read_again(file) ? -1 : open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        item_add(run, file, file, false);
        return 0;
    }
    char path[PATH_MAX];
    int result = spool(fd, &run->dir, path, run->failure);
    if (!is_stdin) close(fd);
    if (result == 0) item_add(run, path, is_stdin ? "stdin" : file, true);
    return result;
}

static int items_take(struct run *run) {
    if (spool_each(&run->dir, item_left_over, run, run->failure) < 0) return -1;
    if (run->items->len) complain("going on with %u input(s) that an earlier run had read from standard input or a pipe.", run->items->len);
    for (size_t n = 0; n < run->options->file_count; n++)
        if (item_take(run, run->options->files[n]) < 0) return -1;
    return 0;
}

static bool is_readable(const struct run *run, const char *file, struct failure *why) {
    bool is_stdin = strcmp(file, "-") == 0;
    return is_stdin || !can_be_read_again(file) || input_check(file, run->options->format, why) == 0;
}

/* A data directory is made only for something that can be read. */
static int something_is_readable(const struct run *run) {
    const struct fold_options *options = run->options;
    if (options->file_count == 0 || access(options->data, F_OK) == 0) return 0;
    for (size_t n = 0; n < options->file_count; n++)
        if (is_readable(run, options->files[n], &(struct failure){0})) return 0;
    for (size_t n = 0; n < options->file_count; n++) {
        struct failure why = {0};
        if (n > 0) complain("%s", run->failure->text);
        bool readable = is_readable(run, options->files[n], &why);
        *run->failure = why;
        if (readable) return 0; /* after all: what kept it from being read has passed */
    }
    return -1;
}

static const struct part *part_with(const struct run *run, const char *hash) {
    for (size_t n = 0; n < run->part_count; n++)
        if (strcmp(run->parts[n].input->hash, hash) == 0) return &run->parts[n];
    return NULL;
}

static void item_refused(struct run *run, const struct item *item, const struct failure *why) {
    unreadable(run, why);
    if (!item->spooled) return;
    complain("%s came from %s and is not kept.", item->path, item->name);
    spool_remove(&run->dir, item->path, run->failure);
}

/* The first few by name: an archive that is folded again and again has thousands. */
static void say_skipped(struct run *run, const struct item *item) {
    if (run->skipped++ < SKIPPED_NAMED) complain("%s was folded before, skipped.", item->name);
}

static int part_open(struct run *run, const struct item *item) {
    struct failure why = {0};
    struct input *input;
    if (input_open(&input, item->path, run->options->format, &why) < 0) {
        item_refused(run, item, &why);
        return 0;
    }
    struct known_source known = {0};
    memcpy(known.hash, input->hash, sizeof known.hash);
    int code = source_load(run->store, (struct str){input->hash, CONTENT_HASH_DIGITS}, &known);
    const struct part *same = part_with(run, input->hash);
    if (code >= 0 && !same && !known.ended && run->part_count < FOLD_FILES_MAX) {
        input->order = run->part_count;
        run->bytes += input->size;
        run->parts[run->part_count++] = (struct part){.input = input, .item = item, .known = known};
        return 0;
    }
    input_close(input);
    if (code < 0) return fail_store(run->failure, code, "the state", store_error(run->store));
    if (!same && !known.ended)
        return fail(run->failure, EXIT_USAGE, "more than %d new files in one run. Give them in several.", FOLD_FILES_MAX);
    if (same)
        complain("%s has the same content as %s, skipped.", item->name, same->item->name);
    else
        say_skipped(run, item);
    return 0;
}

static int parts_open(struct run *run) {
    int code = store_begin(run->store);
    if (code < 0) return fail_store(run->failure, code, "the state", store_error(run->store));
    int result = 0;
    for (size_t n = 0; result == 0 && n < run->items->len; n++) result = part_open(run, item_at(run, n));
    store_abort(run->store);
    return result;
}

/* Lists a new source; of one that a stopped run had begun, passes over what is journalled. */
static int part_begin(struct run *run, struct part *part) {
    struct str hash = {part->known.hash, CONTENT_HASH_DIGITS};
    if (part->known.number == 0) {
        run->pending = true;
        return writer_list(run->writer, SOURCE_FILE, str_of(part->item->name), hash, &part->known.number);
    }
    int more = 1;
    while (more > 0 && part->input->taken < part->known.next_offset) more = input_next(part->input, run->failure);
    return more < 0 ? -1 : 0;
}

static size_t bytes_read(const struct run *run) {
    size_t bytes = 0;
    for (size_t n = 0; n < run->part_count; n++) bytes += input_bytes_read(run->parts[n].input);
    return bytes;
}

static int seal(struct run *run, int64_t end_as_of, bool ended) {
    static struct seal_source sources[FOLD_FILES_MAX];
    static struct known_source known[FOLD_FILES_MAX];
    uint32_t count = 0;
    for (; count < run->part_count; count++) {
        known[count] = run->parts[count].known;
        known[count].ended = ended;
        sources[count] =
            (struct seal_source){.source = known[count].number, .next_offset = known[count].next_offset, .end_as_of = end_as_of};
    }
    /* Only the clock moves: the files folded before are at their end. */
    for (int32_t number = run->place.next_source - 1; run->part_count == 0 && number > 0 && count < FOLD_FILES_MAX; number--) {
        if (source_load_numbered(run->store, number, &known[count]) != 0) continue;
        sources[count] = (struct seal_source){.source = number, .next_offset = known[count].next_offset, .end_as_of = end_as_of};
        count++;
    }
    run->pending = false;
    return writer_seal(run->writer, sources, count, known, run->part_count) < 0 ? -1 : writer_store(run->writer);
}

static int fold_merged(struct run *run, struct merge *merge) {
    struct input *input;
    while ((input = merge_head(merge)) != NULL) {
        struct part *part = &run->parts[input->order];
        input->record.source = part->known.number;
        if (writer_record(run->writer, &input->record, input->event_bytes) < 0) return -1;
        part->known.next_offset = input->record.offset + 1;
        run->pending = true;
        if (++run->result->records % PROGRESS_RECORDS == 0)
            progress_step(&run->progress, "folding:", run->result->records, bytes_read(run), run->bytes);
        if (merge_advance(merge, run->failure) < 0) return -1;
        if (writer_is_due(run->writer) && seal(run, NONE, false) < 0) return -1;
    }
    return 0;
}

static int fold_parts(struct run *run) {
    for (size_t n = 0; n < run->part_count; n++) {
        if (part_begin(run, &run->parts[n]) < 0) return -1;
        run->heap[n] = run->parts[n].input;
    }
    struct merge merge;
    if (merge_open(&merge, run->heap, run->part_count, run->failure) < 0) return -1;
    for (size_t n = merge.count; n < run->part_count; n++)
        if (run->heap[n]->taken) say_skipped(run, run->parts[run->heap[n]->order].item);
    if (run->skipped > SKIPPED_NAMED) complain("%zu more were folded before, skipped.", run->skipped - SKIPPED_NAMED);
    return fold_merged(run, &merge);
}

/* The clock stands at T less the lateness when the files are at their end as of T; it never goes back. */
static bool until_moves_clock(const struct run *run) {
    if (run->options->until == NONE) return false;
    struct fold_status status;
    fold_status(writer_fold(run->writer), &status);
    return status.stream_time == NONE || status.stream_time < run->options->until - status.allowed_lateness_ms;
}

/* New rules have calls yet to judge. */
static bool is_judging_again(const struct run *run) {
    struct fold_status status;
    fold_status(writer_fold(run->writer), &status);
    return status.judges_again;
}

static int finish(struct run *run) {
    bool until = until_moves_clock(run), files = run->part_count > 0 || run->place.next_source > 1;
    if (until && !files) complain("nothing was folded yet, so --until has no clock to move.");
    if ((run->pending || (until && files)) && seal(run, run->options->until, true) < 0) return -1;
    while (is_judging_again(run)) /* seals without records go on with it */
        if (seal(run, run->options->until, true) < 0) return -1;
    return 0;
}

static int describe_before(struct run *run) {
    fold_status(writer_fold(run->writer), &run->result->before);
    return 0;
}

static int describe_after(struct run *run) {
    struct fold *fold = writer_fold(run->writer);
    fold_status(fold, &run->result->after);
    run->result->sequence = writer_sequence(run->writer);
    memcpy(run->result->journal_id, run->log->sealed.journal_id, sizeof run->result->journal_id);
    int code = fold_counts(fold, STR("*"), &run->result->counts);
    return code < 0 ? fail_store(run->failure, code, "the state", store_error(run->store)) : 0;
}

static int fold_with_writer(struct run *run) {
    if (writer_open(&run->writer, run->store, run->log, &run->place, &run->options->writer, run->failure) < 0) return -1;
    int result = describe_before(run);
    if (result == 0) result = fold_parts(run);
    if (result == 0) result = finish(run);
    progress_clear(&run->progress);
    if (result == 0) result = describe_after(run);
    writer_close(run->writer);
    run->writer = NULL;
    return result;
}

static void parts_close(struct run *run) {
    for (size_t n = 0; n < run->part_count; n++) input_close(run->parts[n].input);
    run->part_count = run->bytes = 0;
}

/* From the last seal to the end of the files. */
static int fold_once(struct run *run) {
    *run->failure = (struct failure){0};
    run->result->unreadable = run->result->records = run->skipped = 0;
    if (partition_open(&run->log, &run->place, run->store, &run->dir, run->options->journal_id, &run->progress, run->failure) < 0)
        return -1;
    progress_start(&run->progress, !run->options->quiet);
    int result = parts_open(run);
    if (result == 0) result = fold_with_writer(run);
    run->result->elapsed_ms = progress_elapsed_ms(&run->progress);
    parts_close(run);
    log_close(run->log);
    run->log = NULL;
    return result;
}

static int spooled_remove(struct run *run) {
    int result = 0;
    for (size_t n = 0; result == 0 && n < run->items->len; n++)
        if (item_at(run, n)->spooled) result = spool_remove(&run->dir, item_at(run, n)->path, run->failure);
    return result;
}

int fold_run(const struct fold_options *options, struct fold_result *result, struct failure *failure) {
    struct run *run = calloc(1, sizeof *run);
    *result = (struct fold_result){.sequence = -1};
    if (!run) return fail_memory(failure);
    run->options = options;
    run->result = result;
    run->failure = failure;
    run->items = g_array_new(FALSE, FALSE, sizeof(struct item));
    g_array_set_clear_func(run->items, item_clear);
    progress_start(&run->progress, !options->quiet);
    int folded = something_is_readable(run);
    if (folded == 0) folded = data_dir_make(&run->dir, options->data, failure);
    if (folded == 0) folded = partition_open_state(&run->store, &run->dir, failure);
    if (folded == 0) folded = items_take(run);
    if (folded == 0) {
        folded = fold_once(run);
        while (folded < 0 && failure->retry) {
            complain("a transaction outgrew the room for the state, which is made greater: it is done again from the last seal.");
            folded = fold_once(run);
        }
    }
    if (folded == 0) folded = spooled_remove(run);
    store_close(run->store);
    g_array_free(run->items, TRUE);
    free(run);
    return folded;
}
