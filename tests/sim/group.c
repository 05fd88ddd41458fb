/* The consumer group: members, generations, the range assignor. One group, whose four topics have the same partitions. */
#include <stdio.h>

#include "broker.h"

#define MEMBERS_MAX 16
#define SESSION (6 * SIM_SECOND) /* session.timeout.ms of kafka.c */
#define LOOK_EVERY (SIM_SECOND / 2)
#define JOIN_MOST (SIM_SECOND / 5) /* until the last join is answered */

static struct member {
    struct membership id;
    void *client;
    group_assigned *assigned;
    int64_t seen;
    bool joined; /* waits for the generation that is being made */
} members[MEMBERS_MAX];
static int member_count, member_number;
static int32_t generation;
static bool rebalancing, looking, finishing;

static struct member *member_of(const struct membership *id) {
    for (int n = 0; n < member_count; n++)
        if (strcmp(members[n].id.member, id->member) == 0) return &members[n];
    return NULL;
}

static int32_t partitions(void) {
    int32_t count = 0;
    while (broker_log(broker_log_of(KAFKA_TOPIC_CALLS, 0)->name, count)) count++;
    return count;
}

static bool all_joined(void) {
    for (int n = 0; n < member_count; n++)
        if (!members[n].joined) return false;
    return member_count > 0;
}

static void generation_begins(void *context) {
    (void)context;
    finishing = false;
    if (!rebalancing || !all_joined()) return;
    rebalancing = false;
    generation++;
    sim_trace("generation %d has %d members", generation, member_count);
    int32_t first = 0, count = partitions();
    for (int n = 0; n < member_count; n++) {
        int32_t share = count / member_count + (n < count % member_count);
        members[n].joined = false;
        members[n].seen = sim_now();
        members[n].id.generation = generation;
        members[n].assigned(members[n].client, generation, first, share);
        first += share;
    }
}

static void maybe_finish(void) {
    if (!rebalancing || finishing || !all_joined()) return;
    finishing = true;
    sim_at(sim_now() + sim_between(0, JOIN_MOST), generation_begins, NULL);
}

static void member_remove(struct member *member) {
    *member = members[--member_count];
    rebalancing = true;
    maybe_finish();
}

static void look(void *context) {
    (void)context;
    for (int n = member_count; n-- > 0;) {
        if (members[n].joined || members[n].seen + SESSION >= sim_now()) continue;
        sim_trace("%s was not heard of for too long", members[n].id.member);
        member_remove(&members[n]);
    }
    sim_at(sim_now() + LOOK_EVERY, look, NULL);
}

void broker_join(struct membership *id, void *client, group_assigned *assigned) {
    if (!looking) look(NULL);
    looking = true;
    struct member *member = member_of(id);
    if (!member) {
        if (member_count == MEMBERS_MAX) sim_fail("more than %d members", MEMBERS_MAX);
        member = &members[member_count++];
        snprintf(id->member, sizeof id->member, "member-%d", ++member_number);
    }
    *member = (struct member){.id = *id, .client = client, .assigned = assigned, .seen = sim_now(), .joined = true};
    rebalancing = true;
    maybe_finish();
}

rd_kafka_resp_err_t broker_heartbeat(const struct membership *id) {
    if (sim_now() < broker.coordinator_down_until) return RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
    struct member *member = member_of(id);
    if (!member) return RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    if (id->generation != generation) return RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    member->seen = sim_now();
    return rebalancing ? RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS : 0;
}

void broker_leave(const struct membership *id) {
    struct member *member = member_of(id);
    if (member) member_remove(member);
}
