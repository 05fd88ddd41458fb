#include "view.h"

#include <errno.h>
#include <glib.h>
#include <unistd.h>

#include "data_dir.h"

struct store *view_open(const char *data) {
    struct failure failure = {0};
    struct data_dir dir;
    if (data_dir_open(&dir, data, &failure) < 0) {
        complain("%s", failure.text);
        return NULL;
    }
    struct store *store;
    char path[PATH_MAX], error[512];
    if (access(data_dir_state(&dir, path), R_OK | X_OK) < 0 && errno == EACCES) {
        fail_errno(&failure, "read", path);
        complain("%s", failure.text);
        return NULL;
    }
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        complain("--data %s holds no state. ringback fold --data %s FILE makes one, also again from a journal that is there.", data, data);
        return NULL;
    }
    if (store_open_lmdb_reader(&store, path, error, sizeof error) != 0) {
        complain("--data %s: %s", data, error);
        return NULL;
    }
    if (store_begin(store) == 0) return store;
    view_failed(store);
    store_close(store);
    return NULL;
}

void view_close(struct store *store) {
    store_abort(store);
    store_close(store);
}

int view_failed(struct store *store) {
    const char *error = store_error(store);
    complain("cannot read the state: %s",
             *error ? error : "another version of ringback wrote it. The next fold of this one builds it again from the journal.");
    return EXIT_FAILED;
}

bool text_has(struct str text, const char *part) {
    if (!part) return true;
    if (str_is_null(text)) return false;
    size_t length = strlen(part);
    for (size_t at = 0; at + length <= text.len; at++)
        if (g_ascii_strncasecmp(text.ptr + at, part, length) == 0) return true;
    return false;
}

bool number_within(int64_t value, int64_t least, int64_t most) {
    if (least == NONE && most == NONE) return true;
    return value != NONE && (least == NONE || value >= least) && (most == NONE || value <= most);
}

bool durations_fit(const struct arguments *arguments) {
    static const char *const pairs[][2] = {{"age-min", "age-max"}, {"duration-min", "duration-max"}};
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        const char *least = pairs[i][0], *most = pairs[i][1];
        if (!argument_given(arguments, least) || !argument_given(arguments, most)) continue;
        if (argument_duration(arguments, least) <= argument_duration(arguments, most)) continue;
        complain("--%s %s is longer than --%s %s. Exchange them.", least, argument_text(arguments, least), most,
                 argument_text(arguments, most));
        return false;
    }
    return true;
}

bool notes_have(const struct followup *row, const char *text) {
    if (text_has(row->call_notes, text)) return true;
    for (uint32_t i = 0; i < row->notes.count; i++)
        if (text_has(row->notes.items[i].text, text)) return true;
    return false;
}

int64_t age_at(int64_t stream_time, int64_t call_ended_at) {
    if (stream_time == NONE || call_ended_at == NONE) return NONE;
    return MAX(0, stream_time - call_ended_at);
}

const char *status_words(int8_t status) {
    if (status == STATUS_NOT_A_LEAD) return "Reviewed - not a lead";
    return status == STATUS_NOT_FOLLOWING_UP ? "Lead - not following up" : NULL;
}
