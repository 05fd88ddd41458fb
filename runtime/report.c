#include "report.h"

#include <stdio.h>

#include "view.h"

#define DAY_MS INT64_C(86400000)

/* ---- who and when */

static void account_free(gpointer pointer) {
    struct account *account = pointer;
    zone_close(account->zone);
    g_free(account->tenant);
    g_free(account->name);
    g_free(account->zone_unknown);
    g_free(account);
}

struct opening {
    struct report *report;
    const struct report_choice *choice;
    struct account *account; /* the one being read */
};

static int add_account(void *context, struct str tenant, struct str name, const struct fold_counts *counts) {
    struct opening *opening = context;
    const char *wanted = opening->choice->tenant;
    if (wanted && !str_equal(tenant, str_of(wanted))) return 0;
    struct account *account = g_new0(struct account, 1);
    account->tenant = g_strndup(tenant.ptr, tenant.len);
    account->name = name.len ? g_strndup(name.ptr, name.len) : g_strdup(account->tenant);
    g_ptr_array_add(opening->report->accounts, account);
    opening->report->lost += counts->types[TYPE_LOST];
    opening->report->in_progress += counts->in_progress;
    return 0;
}

static int read_calendar(void *context, struct str name, struct str zone, int8_t week_start) {
    struct opening *opening = context;
    struct account *account = opening->account;
    const struct report_choice *choice = opening->choice;
    (void)name;
    account->week_start = choice->week_start < 0 ? week_start : (int8_t)choice->week_start;
    account->zone = zone_open(choice->zone ? str_of(choice->zone) : zone);
    if (account->zone) return 0;
    if (choice->zone) {
        complain("--zone: this machine knows no time zone \"%s\". Give a name such as America/Havana; tzdata has the list.", choice->zone);
        return EXIT_USAGE;
    }
    account->zone_unknown = g_strndup(zone.ptr, zone.len);
    account->zone = zone_open(STR("UTC"));
    return 0;
}

static void choose_days(const struct report_choice *choice, int64_t now, struct account *account) {
    if (choice->own_days) {
        account->days = choice->days;
        account->before = days_before(choice->days);
    } else if (now == NONE || choice->preset == PRESET_ALL) {
        account->days = choice->preset == PRESET_ALL ? DAYS_ALL : DAYS_NONE; /* nothing was folded: no day is today */
        account->before = DAYS_NONE;
    } else {
        int32_t today = zone_day(account->zone, now);
        account->days = preset_days(choice->preset, today, (enum week_start)account->week_start);
        account->before = preset_before(choice->preset, today, (enum week_start)account->week_start);
    }
}

static int read_accounts(struct opening *opening) {
    struct report *report = opening->report;
    int result = fold_view_tenants(report->store, add_account, opening);
    for (guint i = 0; i < report->accounts->len && result == 0; i++) {
        opening->account = report->accounts->pdata[i];
        result = fold_view_tenant(report->store, str_of(opening->account->tenant), read_calendar, opening);
        if (result == 0) choose_days(opening->choice, report->now, opening->account);
    }
    return result;
}

/* Days that a person typed: one that a zone went over is a mistake where it is all that is asked for. */
static int check_days(const struct report *report, const struct report_choice *choice) {
    if (!choice->own_days || choice->days.from != choice->days.to || report->accounts->len == 0) return 0;
    char text[DAY_TEXT_SIZE];
    for (guint i = 0; i < report->accounts->len; i++)
        if (zone_has_day(((const struct account *)report->accounts->pdata[i])->zone, choice->days.from)) return 0;
    const struct account *account = report->accounts->pdata[0];
    complain("%s did not exist in %s: the zone went over it.", day_print(choice->days.from, text), zone_name(account->zone));
    return EXIT_USAGE;
}

int report_open(struct report *report, struct store *store, const struct report_choice *choice) {
    report->store = store;
    report->accounts = g_ptr_array_new_with_free_func(account_free);
    int result = fold_view_status(store, &report->status);
    if (result < 0) return result;
    report->now = choice->now == NONE ? report->status.stream_time : choice->now;
    struct opening opening = {report, choice, NULL};
    result = read_accounts(&opening);
    if (result != 0) return result;
    if (choice->tenant && report->accounts->len == 0) {
        complain("--account: there is no account \"%s\" here. ringback calls --data DIR lists those that have calls.", choice->tenant);
        return EXIT_USAGE;
    }
    return check_days(report, choice);
}

void report_free(struct report *report) {
    if (report->accounts) g_ptr_array_free(report->accounts, TRUE);
    report->accounts = NULL;
}

/* ---- which calls */

struct scan {
    struct report *report;
    struct account *account;
    bool with_before;
    report_each *each;
    void *context;
};

static bool stands(const struct followup *row) { return row && row->status != STATUS_WITHDRAWN; }

/* The row by which a listed call is worked. */
static const struct followup *row_of_listed(const struct classified_call *call, const struct followup *const rows[2]) {
    const struct followup *row = rows[call->type == TYPE_UNBOOKED ? KIND_SECOND_CHANCE : KIND_ABANDONED];
    return stands(row) ? row : NULL;
}

static bool is_listed(const struct classified_call *call, const struct followup *row) {
    if (call->type == TYPE_UNBOOKED || call->type == TYPE_ABANDONED) return true;
    return (call->type == TYPE_MISSED || call->type == TYPE_CALLBACK_REQUESTED) && row;
}

/* NONE: the call has no such date. */
static int64_t date_of_call(enum date_type type, const struct classified_call *call, const struct followup *const rows[2]) {
    if (type == DATE_CALL) return call->started_at;
    bool converted = false;
    for (int kind = 0; kind < 2; kind++) converted = converted || (stands(rows[kind]) && rows[kind]->outcome == OUTCOME_CONVERTED);
    if (!converted) return NONE;
    return type == DATE_JOB_COMPLETION ? call->job_completed_at : type == DATE_JOB_CREATION ? call->job_created_at : call->job_scheduled_at;
}

static bool notes_of_either(const struct classified_call *call, const struct followup *const rows[2], const char *text) {
    if (text_has(call->notes, text)) return true;
    return (rows[0] && notes_have(rows[0], text)) || (rows[1] && notes_have(rows[1], text));
}

static bool call_passes(const struct report *report, const struct classified_call *call, const struct followup *const rows[2]) {
    const struct report_filter *f = &report->filter;
    struct str phone_number = call->direction == DIRECTION_INBOUND ? call->from : call->to;
    if (!choice_in(f->directions, call->direction)) return false;
    if (!number_within(age_at(report->status.stream_time, call->ended_at), f->age_min, f->age_max)) return false;
    if (!number_within(call->duration_ms, f->duration_min, f->duration_max)) return false;
    if (!text_has(call->customer_name, f->customer) && !text_has(call->customer, f->customer) && !text_has(phone_number, f->customer))
        return false;
    if (!text_has(call->queue_name, f->queue) && !text_has(call->queue, f->queue)) return false;
    if (!text_has(call->agent_name, f->agent) && !text_has(call->agent, f->agent)) return false;
    return text_has(call->campaign, f->campaign) && text_has(call->reason, f->reason) && notes_of_either(call, rows, f->notes);
}

static bool row_passes(const struct report_filter *f, const struct followup *row) {
    if (!f->statuses && !f->tabs && !f->kinds && !f->outcomes) return true;
    if (!row || (f->outcomes && row->outcome < 0)) return false;
    return choice_in(f->statuses, row->status) && choice_in(f->tabs, row->tab) && choice_in(f->kinds, row->kind) &&
           choice_in(f->outcomes, row->outcome);
}

static int look_at(void *context, const struct classified_call *call, const struct followup *const rows[2]) {
    const struct scan *scan = context;
    struct reported reported = {
        .account = scan->account, .call = call, .rows = rows, .date = date_of_call(scan->report->date_type, call, rows)};
    if (reported.date == NONE) return 0;
    reported.day = CLAMP(zone_day(scan->account->zone, reported.date), DAY_MIN, DAY_MAX); /* as it is printed: "all" is all */
    reported.before = !days_have(scan->account->days, reported.day);
    if (reported.before && !(scan->with_before && days_have(scan->account->before, reported.day))) return 0;
    if (!call_passes(scan->report, call, rows)) return 0;
    reported.row = row_of_listed(call, rows);
    reported.listed = is_listed(call, reported.row) && choice_in(scan->report->filter.types, call->type) &&
                      row_passes(&scan->report->filter, reported.row);
    return scan->each(scan->context, &reported);
}

/* The calls that need to be looked at: by a job's date any may be meant. Where a day came twice, some of it lies before its beginning. */
static void bounds(const struct scan *scan, int64_t *from, int64_t *to) {
    const struct account *account = scan->account;
    *from = *to = NONE;
    if (scan->report->date_type != DATE_CALL) return;
    bool with_before = scan->with_before && account->before.from <= account->before.to;
    int32_t first = with_before ? MIN(account->days.from, account->before.from) : account->days.from;
    if (first > DAY_MIN) *from = zone_day_begins(account->zone, first) - DAY_MS;
    if (account->days.to < DAY_MAX) *to = zone_day_begins(account->zone, account->days.to + 1) + DAY_MS;
}

int report_scan(struct report *report, bool with_before, report_each *each, void *context) {
    for (guint i = 0; i < report->accounts->len; i++) {
        struct scan scan = {report, report->accounts->pdata[i], with_before, each, context};
        int64_t from, to;
        if (scan.account->days.from > scan.account->days.to) continue;
        bounds(&scan, &from, &to);
        int result = fold_view_calls_with_rows(report->store, str_of(scan.account->tenant), from, to, look_at, &scan);
        if (result != 0) return result;
    }
    return 0;
}

int report_one(struct report *report, struct account *account, struct str call_id, report_each *each, void *context) {
    struct scan scan = {report, account, false, each, context};
    int result = fold_view_call_one(report->store, str_of(account->tenant), call_id, look_at, &scan);
    return result == STORE_ABSENT ? 0 : result;
}

/* ---- a line */

int64_t time_to_first_attempt(const struct followup *row) {
    if (!row || row->first_attempt_at == NONE || row->call_ended_at == NONE) return NONE;
    return MAX(0, row->first_attempt_at - row->call_ended_at);
}

static void fill_of_row(const struct classified_call *call, const struct followup *followup, struct report_row *row) {
    bool converted = followup->outcome == OUTCOME_CONVERTED;
    row->follow_up = followup->follow_up;
    row->status = followup->status;
    row->tab = followup->tab;
    row->outcome = followup->outcome;
    row->attempt = followup->attempt;
    row->assignee = followup->assignee;
    row->opened_at = followup->opened_at;
    row->closed_at = followup->closed_at;
    row->went_cold_at = followup->went_cold_at;
    row->first_attempt_at = followup->first_attempt_at;
    row->time_to_first_attempt_ms = time_to_first_attempt(followup);
    if (!converted) return;
    row->job = followup->job;
    row->job_created_at = call->job_created_at;
    row->job_scheduled_at = call->job_scheduled_at;
    row->job_completed_at = call->job_completed_at;
}

void report_fill(const struct reported *reported, struct report_room *room, struct report_row *row) {
    const struct classified_call *call = reported->call;
    struct zone *zone = reported->account->zone;
    int64_t second = zone_wall(zone, call->started_at) / 1000 % 86400;
    g_snprintf(room->time, sizeof room->time, "%02d:%02d:%02d", (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    day_print(zone_day(zone, call->started_at), room->date);
    *row = (struct report_row){
        .tenant = call->tenant,
        .account = str_of(reported->account->name),
        .call_id = call->call_id,
        .call_date = str_of(room->date),
        .call_time = str_of(room->time),
        .zone = str_of(zone_name(zone)),
        .started_at = call->started_at,
        .ended_at = call->ended_at,
        .type = call->type,
        .direction = call->direction,
        .agent = call->agent,
        .agent_name = call->agent_name,
        .campaign = call->campaign,
        .phone_number = call->direction == DIRECTION_INBOUND ? call->from : call->to,
        .customer = call->customer,
        .customer_name = call->customer_name,
        .recording = call->recording,
        .queue = call->queue,
        .queue_name = call->queue_name,
        .duration_ms = call->duration_ms,
        .wait_ms = call->wait_ms,
        .talk_ms = call->talk_ms,
        .abandoned_where = call->abandoned_where,
        .short_abandon = call->short_abandon,
        .abandoned_in_transfer = call->abandoned_in_transfer,
        .reason = call->reason,
        .notes = call->notes,
        .status = -1,
        .tab = -1,
        .outcome = -1,
        .opened_at = NONE,
        .closed_at = NONE,
        .went_cold_at = NONE,
        .first_attempt_at = NONE,
        .time_to_first_attempt_ms = NONE,
        .job_created_at = NONE,
        .job_scheduled_at = NONE,
        .job_completed_at = NONE,
    };
    if (reported->row) fill_of_row(call, reported->row, row);
}
