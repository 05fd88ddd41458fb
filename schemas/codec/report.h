/*
 * report: the lines of the report Unbooked and Abandoned Calls and of its comparisons (SPEC 8), as plain structs. Same conventions as
 * event.h; the fields are explained in schemas/reports/.
 */
#ifndef RINGBACK_REPORT_RECORDS_H
#define RINGBACK_REPORT_RECORDS_H

#include "output.h"

struct report_row {
    struct str tenant, account, call_id, call_date, call_time, zone;
    int64_t started_at, ended_at /*?*/;
    int8_t type, direction;
    struct str agent /*?*/, agent_name /*?*/, campaign /*?*/, phone_number /*?*/, customer /*?*/, customer_name /*?*/, recording /*?*/;
    struct str queue /*?*/, queue_name /*?*/;
    int64_t duration_ms /*?*/, wait_ms /*?*/, talk_ms;
    int8_t abandoned_where /*?*/;
    bool short_abandon, abandoned_in_transfer;
    struct str reason /*?*/, notes /*?*/, follow_up /*?*/;
    int8_t status /*?*/, tab /*?*/, outcome /*?*/;
    int32_t attempt;
    struct str assignee /*?*/;
    int64_t opened_at /*?*/, closed_at /*?*/, went_cold_at /*?*/, first_attempt_at /*?*/, time_to_first_attempt_ms /*?*/;
    struct str job /*?*/;
    int64_t job_created_at /*?*/, job_scheduled_at /*?*/, job_completed_at /*?*/;
};

struct report_group {
    struct str by, tenant /*?*/, account /*?*/, group /*?*/, name /*?*/;
    int64_t calls, inbound, abandoned, abandoned_rate_bp /*?*/, unbooked, unbooked_rate_bp /*?*/, missed, rows, recovered;
    int64_t recovered_rate_bp /*?*/, converted, jobs, reconnected, resolved, dismissed, not_a_lead, not_following_up, withdrawn, went_cold;
    int64_t attempted, first_attempt_median_ms /*?*/, first_attempt_p90_ms /*?*/, calls_before /*?*/, abandoned_before /*?*/;
    int64_t unbooked_before /*?*/, recovered_before /*?*/, abandoned_rate_change_bp /*?*/, unbooked_rate_change_bp /*?*/;
    int64_t recovered_rate_change_bp /*?*/;
};

extern const struct shape shape_report_row, shape_report_group;

#endif
