#include "explain_story.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "../schemas/codec/time_text.h"
#include "explain_rules.h"

#define DEADLINES_MAX 8

struct waiting {
    const char *timer;
    int8_t row;
    int64_t at;
};

struct story {
    struct failure *failure;
    struct str tenant, call_id;
    const char *follow_up; /* what is asked about, NULL: all */
    json_t *entries;
    json_t *settings[READ_TIMES]; /* key -> {value, from}, as they stood then; NULL: not yet */
    json_t *jobs;                 /* a set: those that name the call, or closed a row of it */
    json_t *call, *rows[2];       /* as last known; NULL: not yet. rows: enum followup_kind */
    struct waiting deadlines[DEADLINES_MAX];
    size_t deadline_count;
    /* the record under way */
    const struct reader_at *at;
    int64_t time;        /* stream time before it */
    uint64_t duplicates; /* before it, where it is the call's own */
    json_t *decided;     /* the entry in which the call got another type, NULL: in none */
    size_t first;        /* the entry that would be its first */
    json_t *entry;       /* its own, NULL: it has none yet */
    bool own;            /* it is about the call */
    bool concerned;      /* something of it was emitted */
};

struct story *story_make(struct str tenant, struct str call_id, const char *follow_up, struct failure *failure) {
    struct story *story = g_new0(struct story, 1);
    *story = (struct story){
        .failure = failure, .tenant = tenant, .call_id = call_id, .follow_up = follow_up, .entries = json_array(), .jobs = json_object()};
    return story;
}

void story_free(struct story *story) {
    if (!story) return;
    json_decref(story->entries);
    json_decref(story->jobs);
    json_decref(story->call);
    for (int kind = 0; kind < 2; kind++) json_decref(story->rows[kind]);
    for (int n = 0; n < READ_TIMES; n++) json_decref(story->settings[n]);
    g_free(story);
}

json_t *story_entries(struct story *story) { return story->entries; }

/* Of a row that nobody asked about nothing is gathered: nothing may be said of it either, not even that it is not there. */
static bool is_kind_asked(const struct story *story, enum followup_kind kind) {
    return !story->follow_up || (story->follow_up[0] == 'a') == (kind == KIND_ABANDONED);
}

/* ---- JSON ---- */

static json_t *text_json(struct str text) { return str_is_null(text) ? json_null() : json_stringn_nocheck(text.ptr, text.len); }

static json_t *time_json(int64_t ms) {
    char text[TIME_TEXT_SIZE];
    return ms == NONE ? json_null() : json_string(time_print(ms, text));
}

/* A line that codec.h has made, as a value; frees it. */
static json_t *parsed(char *line) {
    json_t *json = line ? json_loads(line, 0, NULL) : NULL;
    free(line);
    return json;
}

static json_t *list_of(json_t *entry, const char *name) {
    json_t *list = json_object_get(entry, name);
    if (list) return list;
    list = json_array();
    json_object_set_new(entry, name, list);
    return list;
}

static bool same_text(json_t *json, struct str text) {
    return json_is_string(json) && json_string_length(json) == text.len && memcmp(json_string_value(json), text.ptr, text.len) == 0;
}

/* ---- what differs ---- */

static bool is_silent(const char *field) {
    static const char *const silent[] = {"position",    "tenant",    "call_id",        "follow_up",      "kind",          "at",
                                         "changed_at",  "cause",     "version",        "row_count",      "rules_version", "status_before",
                                         "start_event", "end_event", "outcome_before", "condition_event"};
    for (size_t n = 0; n < sizeof silent / sizeof *silent; n++)
        if (strcmp(silent[n], field) == 0) return true;
    return strlen(field) > 5 && strcmp(field + strlen(field) - 5, "_name") == 0;
}

static void add_change(json_t *entry, const char *of, const char *field, json_t *before, json_t *after) {
    json_array_append_new(list_of(entry, "changes"), json_pack("{s:s, s:s, s:O, s:O}", "of", of, "field", field, "before",
                                                               before ? before : json_null(), "after", after ? after : json_null()));
}

static bool is_nothing(json_t *value) {
    return !value || json_is_null(value) || json_is_false(value) || (json_is_integer(value) && json_integer_value(value) == 0);
}

/* What `now` says otherwise than `last` did (NULL: nothing was known). Fields of the first time that say nothing are left out. */
static void compare(json_t *entry, const char *of, json_t *last, json_t *now) {
    const char *field;
    json_t *value;
    json_object_foreach(now, field, value) {
        json_t *old = json_object_get(last, field);
        if (is_silent(field) || (old ? json_equal(old, value) : is_nothing(value))) continue;
        add_change(entry, of, field, old, value);
    }
    json_object_foreach(last, field, value) {
        if (!is_silent(field) && !json_object_get(now, field) && !is_nothing(value)) add_change(entry, of, field, value, NULL);
    }
}

static void replace(json_t **known, json_t *now) {
    json_decref(*known);
    *known = now;
}

/* ---- why ---- */

static json_t *settings_of(const struct story *story, const struct rule *rule) {
    json_t *list = json_array(), *stood = story->settings[rule->read] ? story->settings[rule->read] : story->settings[READ_NOW];
    for (int n = 0; n < RULE_SETTINGS_MAX && rule->settings[n]; n++) {
        json_t *setting = json_object_get(stood, rule->settings[n]);
        if (!setting) continue;
        json_t *copy = json_copy(setting);
        json_object_set_new(copy, "key", json_string(rule->settings[n]));
        json_array_append_new(list, copy);
    }
    return list;
}

static void put_rule(const struct story *story, json_t *into, const struct rule *rule) {
    if (!rule) return;
    json_object_set_new(into, "spec", json_string(rule->spec));
    json_object_set_new(into, "because", json_string(rule->text));
    json_t *settings = settings_of(story, rule);
    if (json_array_size(settings)) json_object_set(into, "settings", settings);
    json_decref(settings);
}

static json_t *add_why(const struct story *story, json_t *entry, const char *of, const struct rule *rule) {
    json_t *why = json_pack("{s:s}", "of", of);
    put_rule(story, why, rule);
    json_array_append_new(list_of(entry, "why"), why);
    return why;
}

static bool setting_is(const struct story *story, const char *key, const char *value) {
    json_t *stood = story->settings[READ_AT_CHECK] ? story->settings[READ_AT_CHECK] : story->settings[READ_NOW];
    const char *text = json_string_value(json_object_get(json_object_get(stood, key), "value"));
    return text && strcmp(text, value) == 0;
}

/* At check time an UNBOOKED call has got no second chance: which of the conditions of SPEC 4 does not hold. */
static void say_why_no_second_chance(const struct story *story, json_t *entry) {
    static const struct rule off = {"4", "no second chance: the tenant has not switched it on", READ_AT_CHECK, {"second_chance.enabled"}};
    static const struct rule outbound = {"4", "no second chance: only inbound calls get one", READ_NOW, {NULL}};
    static const struct rule brief = {"4", "no second chance: the call was too short", READ_AT_CHECK, {"second_chance.min_call_seconds"}};
    static const struct rule no_lead = {"4", "no second chance: its reason is marked as no lead", READ_NOW, {NULL}};
    static const struct rule other = {
        "4", "no second chance: a matching job was booked before, or the other party is not from outside", READ_NOW, {NULL}};
    json_t *stood = story->settings[READ_AT_CHECK];
    json_int_t least = atoll(json_string_value(json_object_get(json_object_get(stood, "second_chance.min_call_seconds"), "value")));
    const char *type = json_string_value(json_object_get(story->call, "type")),
               *direction = json_string_value(json_object_get(story->call, "direction"));
    if (!type || strcmp(type, "UNBOOKED") != 0 || story->rows[KIND_SECOND_CHANCE] || !is_kind_asked(story, KIND_SECOND_CHANCE)) return;
    const struct rule *rule = &other;
    if (setting_is(story, "second_chance.enabled", "off"))
        rule = &off;
    else if (!direction || strcmp(direction, "INBOUND") != 0)
        rule = &outbound;
    else if (json_integer_value(json_object_get(story->call, "duration_ms")) < least * 1000)
        rule = &brief;
    else if (json_is_false(json_object_get(story->call, "is_lead")))
        rule = &no_lead;
    add_why(story, entry, "call", rule);
}

/* ---- entries ---- */

static json_t *entry_add(struct story *story, size_t place, json_t *entry) {
    json_array_insert_new(story->entries, place, entry);
    return entry;
}

static json_t *record_entry(struct story *story) {
    if (story->entry) return story->entry;
    const struct journal_record *record = story->at->record;
    json_t *entry = json_pack("{s:s, s:o, s:I, s:i, s:I, s:o, s:o}", "kind", "RECORD", "at", time_json(record->body.event.occurred_at),
                              "record", (json_int_t)story->at->number, "source", (int)record->source, "offset", (json_int_t)record->offset,
                              "append_time", time_json(record->append_time), "stream_time", time_json(story->time));
    if (record->type == JOURNAL_EVENT)
        json_object_set_new(entry, "event", parsed(json_write_event(&record->body.event)));
    else
        json_object_set_new(entry, "at", time_json(record->append_time));
    return story->entry = entry_add(story, json_array_size(story->entries), entry);
}

static json_t *timer_entry(struct story *story, size_t place, const char *timer, int64_t at, struct str call_id) {
    json_t *entry = json_pack("{s:s, s:o, s:s}", "kind", "TIMER", "at", time_json(at), "timer", timer);
    if (!str_is_null(call_id) && !str_equal(call_id, story->call_id)) json_object_set_new(entry, "call_id", text_json(call_id));
    return entry_add(story, place, entry);
}

static bool is_timer(const struct story *story, json_t *entry, const char *timer, int64_t at, struct str call_id) {
    json_t *due = time_json(at), *other = json_object_get(entry, "call_id");
    bool same = json_equal(due, json_object_get(entry, "at")) && same_text(json_object_get(entry, "timer"), str_of(timer)) &&
                (str_equal(call_id, story->call_id) ? !other : same_text(other, call_id));
    json_decref(due);
    return same;
}

/* The entry of the step that makes an output. Timers fire before and after the record's own step. */
static json_t *step_entry(struct story *story, const struct fold_step *step) {
    if (!step->timer) return record_entry(story);
    size_t count = json_array_size(story->entries);
    json_t *last = count > story->first ? json_array_get(story->entries, count - 1) : NULL;
    struct str call_id = str_is_null(step->call_id) ? STR("") : step->call_id;
    return last && is_timer(story, last, step->timer, step->at, call_id) ? last : timer_entry(story, count, step->timer, step->at, call_id);
}

/* ---- outputs ---- */

static bool is_row_of(const struct story *story, struct str row) {
    return row.len > 3 && (memcmp(row.ptr, "ab-", 3) == 0 || memcmp(row.ptr, "sc-", 3) == 0) &&
           str_equal((struct str){row.ptr + 3, row.len - 3}, story->call_id);
}

static bool is_asked(const struct story *story, struct str row) { return !story->follow_up || str_equal(row, str_of(story->follow_up)); }

/* Key: tenant/id. */
static struct str id_of_key(const struct story *story, struct str key) {
    uint32_t skip = story->tenant.len + 1;
    return key.len > skip && memcmp(key.ptr, story->tenant.ptr, story->tenant.len) == 0 && key.ptr[skip - 1] == '/'
               ? (struct str){key.ptr + skip, key.len - skip}
               : STR_NULL;
}

static bool is_about(const struct story *story, const struct output *output, const struct fold_step *step) {
    struct str id = id_of_key(story, output->key);
    switch (output->topic) {
    case TOPIC_CALLS_CLASSIFIED: return str_equal(id, story->call_id);
    case TOPIC_FOLLOWUPS: return is_row_of(story, id) && is_asked(story, id);
    case TOPIC_FOLLOWUP_EVENTS: {
        const struct followup_event *event = &output->body.followup_event;
        return str_equal(event->tenant, story->tenant) && is_row_of(story, event->follow_up) && is_asked(story, event->follow_up);
    }
    case TOPIC_NOTICES: {
        const struct notice *notice = &output->body.notice;
        return str_equal(notice->tenant, story->tenant) && is_row_of(story, notice->follow_up) && is_asked(story, notice->follow_up);
    }
    case TOPIC_COMMAND_RESULTS:
        return story->own && story->at->record->type == JOURNAL_EVENT &&
               str_equal(output->body.command_result.command_id, story->at->record->body.event.event_id);
    case TOPIC_REJECTED: /* by the call's START timer, which ends the waiting, or as it came */
        if (step->timer) return str_equal(step->tenant, story->tenant) && str_equal(step->call_id, story->call_id);
        return story->own && str_equal(output->body.rejected.event_id, story->at->record->body.event.event_id);
    default: return false;
    }
}

static json_t *body_of(const struct output *output) {
    static const struct shape *const shapes[TOPICS] = {
        [TOPIC_REJECTED] = &shape_rejected,  [TOPIC_CALLS_CLASSIFIED] = &shape_classified_call,
        [TOPIC_FOLLOWUPS] = &shape_followup, [TOPIC_FOLLOWUP_EVENTS] = &shape_followup_event,
        [TOPIC_NOTICES] = &shape_notice,     [TOPIC_COMMAND_RESULTS] = &shape_command_result};
    json_t *body = output->is_tombstone ? json_object() : parsed(json_write(shapes[output->topic], &output->body));
    json_object_del(body, "position");
    return body;
}

static json_t *settings_copy(const struct story *story) { return json_deep_copy(story->settings[READ_NOW]); }

static void tell_call(struct story *story, json_t *entry, const struct output *output, json_t *body) {
    if (output->is_tombstone) return;
    const struct classified_call *call = &output->body.classified_call;
    json_t *type = json_object_get(story->call, "type");
    if (!story->settings[READ_AT_DECISION]) story->settings[READ_AT_DECISION] = settings_copy(story);
    if (!json_equal(type, json_object_get(body, "type"))) {
        json_t *why = add_why(story, entry, "call", rule_of_type((enum call_type)call->type)), *deciding = json_array();
        json_array_append_new(deciding, text_json(call->start_event));
        if (!str_is_null(call->end_event)) json_array_append_new(deciding, text_json(call->end_event));
        if (!str_is_null(call->condition_event)) json_array_append_new(deciding, text_json(call->condition_event));
        json_object_set_new(why, "events", deciding);
        story->decided = entry;
    }
    compare(entry, "call", story->call, body);
    replace(&story->call, json_incref(body));
}

static void remember_job(struct story *story, struct str job) {
    char id[ID_BYTES_MAX + 1];
    if (str_is_null(job) || job.len > ID_BYTES_MAX) return;
    memcpy(id, job.ptr, job.len);
    id[job.len] = 0;
    json_object_set_new_nocheck(story->jobs, id, json_true());
}

static void tell_row(struct story *story, json_t *entry, const struct output *output, json_t *body) {
    if (output->is_tombstone) return;
    const struct followup *row = &output->body.followup;
    compare(entry, json_string_value(json_object_get(body, "follow_up")), story->rows[row->kind], body);
    replace(&story->rows[row->kind], json_incref(body));
    remember_job(story, row->job);
}

static void tell_row_change(struct story *story, json_t *entry, const struct followup_event *event, json_t *body) {
    enum followup_kind kind = event->follow_up.ptr[0] == 'a' ? KIND_ABANDONED : KIND_SECOND_CHANCE;
    int type = symbol_value("CallType", str_of(json_string_value(json_object_get(story->rows[kind], "call_type"))));
    const struct rule *rule = rule_of_change(event, kind, type < 0 ? TYPE_ABANDONED : (enum call_type)type);
    json_t *why = add_why(story, entry, json_string_value(json_object_get(body, "follow_up")), rule);
    json_object_set(why, "change", json_object_get(body, "change"));
    json_object_set(why, "version", json_object_get(body, "version"));
    if (!str_is_null(event->cause_id)) json_object_set(why, "cause_id", json_object_get(body, "cause_id"));
    if (!str_is_null(event->actor)) json_object_set(why, "actor", json_object_get(body, "actor"));
}

static void tell_result(struct story *story, json_t *entry, const struct command_result *result) {
    if (result->verdict == VERDICT_REJECTED) add_why(story, entry, "command", rule_of_refusal((enum command_reason)result->reason));
}

static void add_note(json_t *entry, const char *text) { json_array_append_new(list_of(entry, "notes"), json_string_nocheck(text)); }

static void tell_rejection(json_t *entry, const struct rejected *rejected) {
    g_autofree char *text = g_strdup_printf("%.*s was rejected, %s: %.*s", (int)rejected->event_id.len, rejected->event_id.ptr,
                                            symbol_text("RejectReason", rejected->reason), (int)rejected->detail.len, rejected->detail.ptr);
    add_note(entry, text);
}

/* A row of another call, changed by a step that is about this one. */
static void tell_other(struct story *story, const struct output *output, const struct fold_step *step) {
    bool ours = step->timer ? str_equal(step->call_id, story->call_id) && str_equal(step->tenant, story->tenant) : story->own;
    if (!ours || output->topic != TOPIC_FOLLOWUP_EVENTS || story->follow_up || is_row_of(story, output->body.followup_event.follow_up))
        return;
    if (!str_equal(output->body.followup_event.tenant, story->tenant)) return;
    json_array_append_new(list_of(step_entry(story, step), "others"), body_of(output));
}

int story_output(void *context, const struct output *output) {
    struct story *story = context;
    struct fold_step step;
    fold_step(story->at->fold, &step);
    if (!is_about(story, output, &step)) {
        tell_other(story, output, &step);
        return 0;
    }
    json_t *entry = step_entry(story, &step), *body = body_of(output);
    if (step.timer && strcmp(step.timer, "CHECK") == 0 && !story->settings[READ_AT_CHECK])
        story->settings[READ_AT_CHECK] = settings_copy(story);
    story->concerned = true;
    json_array_append_new(list_of(entry, "outputs"), json_pack("{s:s, s:o, s:b, s:I, s:O}", "topic", symbol_text("Topic", output->topic),
                                                               "key", text_json(output->key), "tombstone", output->is_tombstone, "seal",
                                                               (json_int_t)output->body.position.seal, "record", body));
    switch (output->topic) {
    case TOPIC_CALLS_CLASSIFIED: tell_call(story, entry, output, body); break;
    case TOPIC_FOLLOWUPS: tell_row(story, entry, output, body); break;
    case TOPIC_FOLLOWUP_EVENTS: tell_row_change(story, entry, &output->body.followup_event, body); break;
    case TOPIC_COMMAND_RESULTS: tell_result(story, entry, &output->body.command_result); break;
    case TOPIC_REJECTED: tell_rejection(entry, &output->body.rejected); break;
    default: break;
    }
    json_decref(body);
    return 0;
}

/* ---- before and after a record ---- */

static bool is_own(struct story *story, const struct event *event) {
    if (!str_equal(event->tenant, story->tenant)) return false;
    switch (event_subject((enum event_type)event->type)) {
    case SUBJECT_CALL: return str_equal(event->body.subject, story->call_id);
    case SUBJECT_COMMAND:
        return event->type != EVENT_CHANGE_SETTINGS && is_row_of(story, event->body.subject) && is_asked(story, event->body.subject);
    case SUBJECT_JOB: {
        char id[ID_BYTES_MAX + 1];
        bool names = event->type == EVENT_JOB_BOOKED && str_equal(event->body.job_booked.call, story->call_id);
        if (names) remember_job(story, event->body.subject);
        snprintf(id, sizeof id, "%.*s", (int)event->body.subject.len, event->body.subject.ptr);
        return json_object_get(story->jobs, id) != NULL;
    }
    default: return false;
    }
}

int story_before(void *context, const struct reader_at *at) {
    struct story *story = context;
    story->at = at;
    story->entry = NULL;
    story->first = json_array_size(story->entries);
    story->concerned = false;
    story->own = at->record->type == JOURNAL_EVENT && is_own(story, &at->record->body.event);
    story->decided = NULL;
    story->time = fold_stream_time(at->fold);
    if (!story->own) return 0;
    struct fold_status status;
    fold_status(at->fold, &status);
    story->duplicates = status.duplicates;
    return 0;
}

static int add_setting(void *context, struct str key, struct str value, struct str scope) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)key.len, key.ptr);
    return json_object_set_new(context, name, json_pack("{s:o, s:o}", "value", text_json(value), "from", text_json(scope)));
}

static void add_deadline(void *context, const char *timer, int8_t row, int64_t at) {
    struct story *story = context;
    if (row >= 0 && !is_kind_asked(story, (enum followup_kind)row)) return;
    if (story->deadline_count < DEADLINES_MAX) story->deadlines[story->deadline_count++] = (struct waiting){timer, row, at};
}

static int see_call(void *context, const struct classified_call *call, const struct followup *const rows[2]) {
    json_t **now = context;
    (void)rows;
    *now = parsed(json_write(&shape_classified_call, call));
    return 0;
}

static const struct waiting *waiting_find(const struct waiting *list, size_t count, const struct waiting *wanted) {
    for (size_t n = 0; n < count; n++)
        if (strcmp(list[n].timer, wanted->timer) == 0 && list[n].row == wanted->row) return &list[n];
    return NULL;
}

static int64_t earliest(const struct story *story) {
    int64_t at = INT64_MAX;
    for (size_t n = 0; n < story->deadline_count; n++)
        if (story->deadlines[n].at < at) at = story->deadlines[n].at;
    return at;
}

/* Timers that were reached and made no output. All that were set before the record fire before it. */
static void add_silent_timers(struct story *story, const struct waiting *before, size_t count) {
    int64_t now = fold_stream_time(story->at->fold);
    for (size_t n = 0; n < count; n++) {
        if (now == NONE || before[n].at > now) continue;
        char due[TIME_TEXT_SIZE];
        time_print(before[n].at, due);
        size_t place = story->first;
        bool known = false;
        for (; place < json_array_size(story->entries) && !known; place++) {
            json_t *entry = json_array_get(story->entries, place), *timer = json_object_get(entry, "timer");
            known = is_timer(story, entry, before[n].timer, before[n].at, story->call_id);
            if (!timer || strcmp(json_string_value(json_object_get(entry, "at")), due) > 0) break;
        }
        if (!known) timer_entry(story, place, before[n].timer, before[n].at, story->call_id);
    }
}

/* Where the row that a COLD timer is of was opened, where that was in this record; else `entry`. */
static json_t *setter_of(struct story *story, json_t *entry, const struct waiting *timer) {
    if (timer->row < 0) return entry;
    for (size_t n = story->first; n < json_array_size(story->entries); n++) {
        size_t m;
        json_t *why, *candidate = json_array_get(story->entries, n);
        json_array_foreach(json_object_get(candidate, "why"), m, why) {
            const char *of = json_string_value(json_object_get(why, "of"));
            bool is_row = strncmp(of, timer->row == KIND_ABANDONED ? "ab-" : "sc-", 3) == 0;
            if (is_row && same_text(json_object_get(why, "change"), STR("OPENED"))) return candidate;
        }
    }
    return entry;
}

/* Which timers were set, moved or given up since. */
static void tell_timers(struct story *story, json_t *entry, const struct waiting *before, size_t count) {
    for (size_t n = 0; n < story->deadline_count; n++) {
        const struct waiting *now = &story->deadlines[n], *was = waiting_find(before, count, now);
        if (was && was->at == now->at) continue;
        json_t *timer =
            json_pack("{s:s, s:o, s:o}", "timer", now->timer, "due", time_json(now->at), "was", time_json(was ? was->at : NONE));
        if (now->row >= 0) json_object_set_new(timer, "row", json_string(now->row == KIND_ABANDONED ? "ABANDONED" : "SECOND_CHANCE"));
        put_rule(story, timer, rule_of_timer(now->timer, now->row));
        json_array_append_new(list_of(setter_of(story, entry, now), "timers"), timer);
    }
    int64_t time = fold_stream_time(story->at->fold);
    for (size_t n = 0; n < count; n++) {
        bool fired = time != NONE && before[n].at <= time;
        if (fired || waiting_find(story->deadlines, story->deadline_count, &before[n])) continue;
        json_array_append_new(list_of(entry, "timers"),
                              json_pack("{s:s, s:n, s:o}", "timer", before[n].timer, "due", "was", time_json(before[n].at)));
    }
}

static void tell_own(struct story *story, bool started) {
    json_t *entry = record_entry(story);
    const struct event *event = &story->at->record->body.event;
    struct fold_status now;
    fold_status(story->at->fold, &now);
    bool command = event_subject((enum event_type)event->type) == SUBJECT_COMMAND;
    if (now.duplicates > story->duplicates) add_note(entry, "dropped: its id was known already (SPEC 6)");
    if (!command && story->time != NONE && event->occurred_at <= story->time) json_object_set_new(entry, "late", json_true());
    if (!started && event_subject((enum event_type)event->type) == SUBJECT_CALL)
        add_note(entry, "it waits for the call's CallStarted (SPEC 2)");
}

/* Of what was decided in this record: why nothing came of it where people may expect a row. */
static void tell_what_is_missing(struct story *story) {
    for (size_t n = story->first; n < json_array_size(story->entries); n++) {
        json_t *entry = json_array_get(story->entries, n);
        if (!same_text(json_object_get(entry, "timer"), STR("CHECK")) || json_object_get(entry, "call_id")) continue;
        if (!story->settings[READ_AT_CHECK]) story->settings[READ_AT_CHECK] = settings_copy(story);
        say_why_no_second_chance(story, entry);
    }
    if (!story->decided || story->rows[KIND_ABANDONED] || !is_kind_asked(story, KIND_ABANDONED)) return;
    if (!same_text(json_object_get(story->call, "direction"), STR("INBOUND"))) return;
    int type = symbol_value("CallType", str_of(json_string_value(json_object_get(story->call, "type"))));
    if (type >= 0 && rule_of_no_row((enum call_type)type)) add_why(story, story->decided, "call", rule_of_no_row((enum call_type)type));
}

static bool moves_settings(const struct story *story, const struct journal_record *record) {
    if (record->type != JOURNAL_EVENT || record->body.event.type != EVENT_CHANGE_SETTINGS) return false;
    return str_equal(record->body.event.tenant, story->tenant) || str_equal(record->body.event.tenant, STR("*"));
}

static int read_settings(struct story *story) {
    json_decref(story->settings[READ_NOW]);
    story->settings[READ_NOW] = json_object();
    return fold_view_settings(story->at->store, story->tenant, add_setting, story->settings[READ_NOW]);
}

/* What the state shows now. 0; negative: of the store. */
static int look(struct story *story, bool settings, json_t **call) {
    int code = fold_flush(story->at->fold);
    if (code == 0 && (settings || !story->settings[READ_NOW])) code = read_settings(story);
    story->deadline_count = 0;
    if (code == 0) code = fold_view_deadlines(story->at->store, story->tenant, story->call_id, add_deadline, story);
    if (code >= 0) code = fold_view_call_one(story->at->store, story->tenant, story->call_id, see_call, call);
    return code < 0 ? code : 0;
}

static bool moved(const struct story *story, const struct waiting *before, size_t count) {
    bool same = count == story->deadline_count;
    for (size_t n = 0; n < story->deadline_count && same; n++) {
        const struct waiting *was = waiting_find(before, count, &story->deadlines[n]);
        same = was && was->at == story->deadlines[n].at;
    }
    return !same;
}

int story_after(void *context, const struct reader_at *at) {
    struct story *story = context;
    int64_t now = fold_stream_time(at->fold);
    bool settings = moves_settings(story, at->record), passed = now != NONE && earliest(story) <= now;
    if (!story->own && !story->concerned && !settings && !passed) return 0;
    struct waiting before[DEADLINES_MAX];
    size_t count = story->deadline_count;
    memcpy(before, story->deadlines, sizeof before);
    json_t *call = NULL;
    int code = look(story, settings, &call);
    if (code < 0) return fail_store(story->failure, code, "the state made for this question", store_error(at->store));
    add_silent_timers(story, before, count);
    if (call && !story->settings[READ_AT_START]) story->settings[READ_AT_START] = settings_copy(story);
    if (story->own) tell_own(story, call != NULL);
    size_t entries = json_array_size(story->entries);
    json_t *entry = story->entry ? story->entry : entries > story->first ? json_array_get(story->entries, entries - 1) : NULL;
    if (!entry && settings && moved(story, before, count)) entry = record_entry(story);
    if (entry && call && story->own) compare(entry, "call", story->call, call);
    if (entry) tell_timers(story, entry, before, count);
    if (call) replace(&story->call, call);
    tell_what_is_missing(story);
    return 0;
}
