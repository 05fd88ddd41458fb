/* A member of the consumer group: joins, is told of its partitions when it polls, is heard of in the background (eager protocol). */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define HEARTBEAT SIM_SECOND /* heartbeat.interval.ms of kafka.c */

static int64_t latency(void) { return sim_between(50, wire.latency_most); }

static void tell(rd_kafka_t *handle, int what, bool lost) {
    handle->member.next = what;
    handle->member.lost = lost;
    sim_wake(handle);
}

/* ---- joining ---- */

static void join(void *context);

static void join_soon(rd_kafka_t *handle) {
    if (handle->member.joining || !handle->member.subscribed) return;
    handle->member.joining = true;
    sim_at(sim_now() + latency(), join, handle);
}

struct assignment {
    rd_kafka_t *handle;
    int32_t generation, first, count;
};

static void heartbeat(void *context);

static void assignment_arrives(void *context) {
    struct assignment *assignment = context;
    rd_kafka_t *handle = assignment->handle;
    int64_t when = client_may_act(handle);
    if (when && when < SIM_NEVER) {
        sim_at(when, assignment_arrives, assignment);
        return;
    }
    handle->member.joining = false;
    if (!when && handle->member.subscribed) {
        handle->member.id.generation = assignment->generation;
        handle->member.first = assignment->first;
        handle->member.count = assignment->count;
        tell(handle, MEMBER_ASSIGN, false);
        if (!handle->member.beating) heartbeat(handle);
        handle->member.beating = true;
    }
    free(assignment);
}

static void assigned(void *client, int32_t generation, int32_t first, int32_t count) {
    struct assignment *assignment = malloc(sizeof *assignment);
    *assignment = (struct assignment){client, generation, first, count};
    sim_at(sim_now() + latency(), assignment_arrives, assignment);
}

static void join(void *context) {
    rd_kafka_t *handle = context;
    int64_t when = client_may_act(handle);
    if (when == SIM_NEVER || !handle->member.subscribed) return;
    if (!when && (sim_now() < broker.down_until || sim_now() < broker.coordinator_down_until)) when = sim_now() + SIM_SECOND / 10;
    if (when)
        sim_at(when, join, handle);
    else
        broker_join(&handle->member.id, handle, assigned);
}

/* ---- being heard of ---- */

static void heard(rd_kafka_t *handle, rd_kafka_resp_err_t code) {
    bool rejoin = code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    bool lost = code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    if (!rejoin && !lost) return;
    if (lost) handle->member.id = (struct membership){.generation = -1};
    if (handle->member.has_assignment)
        tell(handle, MEMBER_REVOKE, lost || handle->member.lost);
    else
        tell(handle, MEMBER_NOTHING, false);
    if (!handle->member.has_assignment) join_soon(handle);
}

static void heartbeat(void *context) {
    rd_kafka_t *handle = context;
    int64_t when = client_may_act(handle);
    if (when == SIM_NEVER) return;
    if (when) {
        sim_at(when, heartbeat, handle);
        return;
    }
    bool is_member = handle->member.subscribed && !handle->member.joining && !handle->member.leaving && handle->member.id.generation >= 0;
    if (is_member && sim_now() >= broker.down_until) heard(handle, broker_heartbeat(&handle->member.id));
    sim_at(sim_now() + HEARTBEAT, heartbeat, handle);
}

static void leave(rd_kafka_t *handle) {
    if (sim_now() >= broker.down_until) broker_leave(&handle->member.id);
    handle->member.id = (struct membership){.generation = -1};
    handle->member.leaving = false;
}

/* ---- what the program calls ---- */

rd_kafka_resp_err_t rd_kafka_subscribe(rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *topics) {
    sim_point("rd_kafka_subscribe");
    if (topics->cnt != GROUP_SOURCES) sim_fail("%d topics are subscribed to", topics->cnt);
    handle->member.subscribed = true;
    if (!handle->member.has_assignment) join_soon(handle);
    return 0;
}

rd_kafka_resp_err_t rd_kafka_unsubscribe(rd_kafka_t *handle) {
    sim_point("rd_kafka_unsubscribe");
    handle->member.subscribed = handle->member.joining = false;
    handle->member.leaving = handle->member.has_assignment;
    if (handle->member.has_assignment)
        tell(handle, MEMBER_REVOKE, handle->member.lost);
    else
        leave(handle);
    return 0;
}

static void call_back(rd_kafka_t *handle, rd_kafka_resp_err_t code) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(GROUP_SOURCES);
    for (int32_t partition = handle->member.first; partition < handle->member.first + handle->member.count; partition++)
        for (int topic = KAFKA_TOPIC_CALLS; topic < KAFKA_TOPIC_NETWORK; topic++)
            rd_kafka_topic_partition_list_add(list, broker_log_of(topic, partition)->name, partition);
    handle->conf.rebalanced(handle, code, list, handle->conf.opaque);
    rd_kafka_topic_partition_list_destroy(list);
}

static void revoke(rd_kafka_t *handle) {
    call_back(handle, RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS);
    handle->member.has_assignment = handle->member.lost = false;
    handle->member.next = MEMBER_NOTHING;
}

static void serve(rd_kafka_t *handle) {
    if (handle->member.next == MEMBER_ASSIGN) {
        handle->member.next = MEMBER_NOTHING;
        handle->member.has_assignment = handle->member.subscribed; /* who has left before it was told is told all the same, and owns nothing */
        call_back(handle, RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS);
    } else {
        revoke(handle);
        if (handle->member.leaving) leave(handle);
        join_soon(handle);
    }
}

rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *handle, int timeout_ms) {
    int64_t until = sim_now() + timeout_ms * 1000;
    sim_point("rd_kafka_consumer_poll");
    do {
        if (handle->member.next != MEMBER_NOTHING) serve(handle);
        if (handle->error_count == 0 && handle->member.next == MEMBER_NOTHING) sim_wait(handle, until);
        if (handle->error_count == 0) continue;
        int code = handle->errors[--handle->error_count];
        handle->conf.went_wrong(handle, code, rd_kafka_err2str((rd_kafka_resp_err_t)code), handle->conf.opaque);
    } while (sim_now() < until);
    return NULL;
}

rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *list) {
    (void)handle;
    (void)list;
    sim_point("rd_kafka_assign");
    return 0;
}

rd_kafka_resp_err_t rd_kafka_pause_partitions(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *list) {
    (void)handle;
    (void)list;
    return 0;
}

int rd_kafka_assignment_lost(rd_kafka_t *handle) { return handle->member.lost; }

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *handle) {
    (void)handle;
    return 0;
}

rd_kafka_resp_err_t rd_kafka_consumer_close(rd_kafka_t *handle) {
    sim_point("before rd_kafka_consumer_close");
    handle->member.subscribed = false;
    if (handle->member.has_assignment) revoke(handle);
    leave(handle);
    sim_point("after rd_kafka_consumer_close");
    return 0;
}
