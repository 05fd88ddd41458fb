/* What follows from a call's facts: one walk over the sorted list (SPEC 2, 3; docs/decisions/0001 D1.7 to D1.17). */
#include "call.h"

/* Legs that ring, are up or are held at once; a call with more of them at one moment counts the first. */
#define LEGS_MAX 64

struct leg {
    struct str name;
    bool up, held, ringing, voice_agent;
};

struct walk {
    unsigned leg_count;
    bool all_held;        /* a hold of all legs also holds those that connect during it */
    int talking, counted; /* legs that talk now; those of them that count for resolving */
    int64_t talking_since, counted_since;
    int64_t counted_ms;
    int8_t where, where_before; /* enum abandoned_where; before the offer that rings */
    bool queued, answered;
    int64_t queued_since;
    const struct fact *last_connected, *last_transferred, *last_queued;
    struct leg legs[LEGS_MAX]; /* the first leg_count */
};

static bool counts_after_end(uint8_t type) {
    return type == EVENT_CALL_ENDED || type == EVENT_WRAP_UP_STARTED || type == EVENT_WRAP_UP_ENDED || type == EVENT_CALL_CLASSIFIED ||
           type == EVENT_CUSTOMER_LINKED || type == EVENT_RECORDING_AVAILABLE;
}

static struct leg *leg_of(struct walk *walk, struct str name, bool voice_agent) {
    for (unsigned i = 0; i < walk->leg_count; i++)
        if (walk->legs[i].voice_agent == voice_agent && str_equal(walk->legs[i].name, name)) return &walk->legs[i];
    struct leg *leg = walk->legs;
    while (leg < walk->legs + walk->leg_count && (leg->up || leg->held || leg->ringing)) leg++; /* of an idle leg there is nothing to remember */
    if (leg == walk->legs + LEGS_MAX) return NULL;
    if (leg == walk->legs + walk->leg_count) walk->leg_count++;
    *leg = (struct leg){name, false, false, false, voice_agent};
    return leg;
}

/* Recounts who talks after the legs changed at `at`. */
static void recount(struct walk *walk, const struct call *call, struct verdict *verdict, int64_t at) {
    int talking = 0, counted = 0;
    bool direction_counts = verdict->direction == DIRECTION_INBOUND || (verdict->direction == DIRECTION_OUTBOUND && call->callback_counts);
    for (unsigned i = 0; i < walk->leg_count; i++) {
        const struct leg *leg = &walk->legs[i];
        if (!leg->up || leg->held) continue;
        talking += !leg->voice_agent;
        counted += direction_counts && (!leg->voice_agent || call->voice_agent_counts);
    }
    if (walk->talking && !talking) verdict->talk_ms += at - walk->talking_since;
    if (!walk->talking && talking) walk->talking_since = at;
    if (walk->counted && verdict->talk_moment == NONE && walk->counted_ms + (at - walk->counted_since) >= TALK_RESOLVES_MS)
        verdict->talk_moment = walk->counted_since + TALK_RESOLVES_MS - walk->counted_ms;
    if (walk->counted && !counted) walk->counted_ms += at - walk->counted_since;
    if (!walk->counted && counted) walk->counted_since = at;
    walk->talking = talking;
    walk->counted = counted;
}

static void hold(struct walk *walk, struct str name, bool held) {
    if (str_is_null(name)) {
        walk->all_held = held;
        for (unsigned i = 0; i < walk->leg_count; i++)
            if (!walk->legs[i].voice_agent) walk->legs[i].held = held;
    } else {
        struct leg *leg = leg_of(walk, name, false);
        if (leg) leg->held = held;
    }
}

/* Connects or disconnects a leg; false where it already was so. */
static bool raise_leg(struct walk *walk, const struct fact *fact, bool voice_agent, bool up) {
    struct leg *leg = leg_of(walk, fact_text(fact, 1), voice_agent);
    if (!leg || leg->up == up) return false;
    leg->up = up;
    leg->held = up && (leg->held || (walk->all_held && !voice_agent));
    return true;
}

static void ring(struct walk *walk, struct str name, bool ringing) {
    struct leg *leg = leg_of(walk, name, false);
    if (leg) leg->ringing = ringing;
    bool any = false;
    for (unsigned i = 0; i < walk->leg_count; i++) any = any || walk->legs[i].ringing;
    if (ringing && walk->where != WHERE_RINGING) {
        walk->where_before = walk->where;
        walk->where = WHERE_RINGING;
    } else if (!any && walk->where == WHERE_RINGING) {
        walk->where = walk->where_before;
    }
}

static void stop_waiting(struct walk *walk, struct verdict *verdict, int64_t at) {
    if (walk->queued && !walk->answered) verdict->wait_ms += at - walk->queued_since;
    walk->queued = false;
}

static void see(struct walk *walk, const struct call *call, struct verdict *verdict, const struct fact *fact) {
    switch (fact->type) {
    case EVENT_PRE_ROUTING_PLAYED: walk->where = WHERE_PRE_ROUTING; break;
    case EVENT_MODULE_ENTERED:
        if (fact->a != MODULE_QUEUE) walk->where = WHERE_IVR;
        break;
    case EVENT_QUEUE_ENTERED:
        stop_waiting(walk, verdict, fact->at);
        verdict->queue = fact_text(fact, 1);
        verdict->voice_agent = NULL;
        walk->last_queued = fact;
        walk->where = WHERE_QUEUE;
        walk->queued = true;
        walk->queued_since = fact->at;
        break;
    case EVENT_QUEUE_EXITED:
        stop_waiting(walk, verdict, fact->at);
        if (fact->a != QUEUE_EXIT_ANSWERED && fact->a != QUEUE_EXIT_LEFT) walk->where = WHERE_IVR;
        break;
    case EVENT_CALLBACK_REQUESTED:
        if (!verdict->callback) verdict->callback = fact;
        break;
    case EVENT_AGENT_OFFERED:
        ring(walk, fact_text(fact, 1), true);
        break;
    case EVENT_OFFER_ENDED:
        if (fact->a != OFFER_CALLER_HUNG_UP) ring(walk, fact_text(fact, 1), false);
        break;
    case EVENT_AGENT_CONNECTED:
        stop_waiting(walk, verdict, fact->at);
        walk->answered = true;
        walk->last_connected = fact;
        verdict->agent = fact_text(fact, 2);
        if (!verdict->first_connected) verdict->first_connected = fact;
        if (!verdict->first_joined) verdict->first_joined = fact;
        if (raise_leg(walk, fact, false, true)) recount(walk, call, verdict, fact->at);
        break;
    case EVENT_AGENT_DISCONNECTED:
        if (raise_leg(walk, fact, false, false)) recount(walk, call, verdict, fact->at);
        break;
    case EVENT_HOLD_STARTED:
    case EVENT_HOLD_ENDED:
        hold(walk, fact_text(fact, 1), fact->type == EVENT_HOLD_STARTED);
        recount(walk, call, verdict, fact->at);
        break;
    case EVENT_TRANSFERRED: walk->last_transferred = fact; break;
    case EVENT_FORWARDED:
        if (!verdict->forwarded) verdict->forwarded = fact;
        break;
    case EVENT_VOICEMAIL_STARTED:
    case EVENT_VOICEMAIL_LEFT:
        if (!verdict->voicemail) verdict->voicemail = fact;
        if (fact->type == EVENT_VOICEMAIL_LEFT) verdict->no_message = false;
        break;
    case EVENT_VOICE_AGENT_CONNECTED:
        if (!verdict->voice_agent) verdict->voice_agent = fact;
        if (!verdict->first_joined) verdict->first_joined = fact;
        if (raise_leg(walk, fact, true, true)) recount(walk, call, verdict, fact->at);
        break;
    case EVENT_VOICE_AGENT_DISCONNECTED:
        if (raise_leg(walk, fact, true, false)) recount(walk, call, verdict, fact->at);
        break;
    case EVENT_CALL_CLASSIFIED:
        verdict->classified = fact;
        break;
    case EVENT_CUSTOMER_LINKED: verdict->customer = fact_text(fact, 1); break;
    case EVENT_RECORDING_AVAILABLE: verdict->recording = fact_text(fact, 1); break;
    default: break;
    }
}

/* Talk goes on to the end; while none is known, to the latest event as far as it is counted, and without end as far as it resolves. */
static void finish_talk(struct walk *walk, struct verdict *verdict, int64_t until) {
    if (walk->talking) verdict->talk_ms += (until == NONE ? verdict->latest_at : until) - walk->talking_since;
    if (!walk->counted || verdict->talk_moment != NONE) return;
    int64_t moment = walk->counted_since + TALK_RESOLVES_MS - walk->counted_ms;
    if (until == NONE || moment <= until) verdict->talk_moment = moment;
}

static bool after(const struct fact *fact, const struct fact *other) {
    return fact && (!other || fact_compare(fact, other) > 0);
}

static const struct fact *start_of(const struct entity *entity) {
    const struct fact *fact = call_facts(entity);
    while (fact && !(fact->type == EVENT_CALL_STARTED && fact->a != ANOTHER_START)) fact = fact_next(entity, fact);
    return fact;
}

static void begin_walk(struct walk *walk, const struct call *call, struct verdict *verdict, const struct fact *start) {
    memset(walk, 0, offsetof(struct walk, legs));
    memset(verdict, 0, sizeof *verdict);
    verdict->latest_at = verdict->talk_moment = NONE;
    verdict->no_message = true;
    verdict->start = start;
    if (!start) return;
    verdict->direction = (int8_t)start->a;
    verdict->kind = (int8_t)start->b;
    verdict->from = fact_text(start, START_FROM);
    verdict->to = fact_text(start, START_TO);
    verdict->customer = fact_text(start, START_CUSTOMER);
    verdict->campaign = fact_text(start, START_CAMPAIGN);
    if (call->has_caller) verdict->caller = verdict->direction == DIRECTION_INBOUND ? verdict->from : verdict->to;
}

/* Sees the facts up to the end. Which that is, is known when all were looked at: `until` is when it was, as far as is known, else NONE,
 * and then the first end. False: there is a later one, and what lies between was passed over. */
static bool walk_until(struct walk *walk, const struct entity *entity, struct verdict *verdict, int64_t until) {
    const struct call *call = call_of(entity);
    bool passed_over = false;
    for (const struct fact *fact = call_facts(entity); fact; fact = fact_next(entity, fact)) {
        if (fact->type >= EVENT_TYPES) continue;
        verdict->latest_at = fact->at;
        if (fact->type == EVENT_CALL_ENDED) {
            verdict->end = fact;
            if (until == NONE) until = fact->at;
        }
        if (until == NONE || fact->at <= until || counts_after_end(fact->type)) see(walk, call, verdict, fact);
        else passed_over = true;
    }
    return !passed_over || verdict->end->at == until;
}

void call_read(const struct entity *entity, struct verdict *verdict) {
    const struct call *call = call_of(entity);
    const struct fact *start = start_of(entity);
    struct walk walk;
    begin_walk(&walk, call, verdict, start);
    if (!walk_until(&walk, entity, verdict, NONE)) {
        int64_t winning = verdict->end->at;
        begin_walk(&walk, call, verdict, start);
        walk_until(&walk, entity, verdict, winning);
    }
    if (!start) return;
    int64_t until = verdict->end ? verdict->end->at : NONE;
    if (until != NONE) stop_waiting(&walk, verdict, until);
    bool connected = walk.talking > 0;
    for (unsigned i = 0; i < walk.leg_count && !connected; i++) connected = walk.legs[i].up && !walk.legs[i].voice_agent;
    finish_talk(&walk, verdict, until);
    verdict->where = walk.where;
    verdict->no_message = verdict->voicemail && verdict->no_message;
    verdict->abandoned_in_transfer = verdict->first_connected && verdict->end && verdict->end->a == ENDED_BY_CALLER && !connected &&
                                     ((walk.last_transferred && !after(walk.last_connected, walk.last_transferred)) ||
                                      (walk.last_queued && after(walk.last_queued, walk.last_connected)));
}

struct known call_known_by(const struct entity *entity, const struct verdict *verdict, int64_t deadline) {
    struct known known = {.customer = fact_text(verdict->start, START_CUSTOMER)};
    for (const struct fact *fact = call_facts(entity); fact && fact->at <= deadline; fact = fact_next(entity, fact)) {
        if (fact->type == EVENT_CALL_CLASSIFIED) known.classified = fact;
        if (fact->type == EVENT_CUSTOMER_LINKED) known.customer = fact_text(fact, 1);
    }
    return known;
}

void call_read_again(const struct entity *entity, struct verdict *verdict) {
    struct entity *job = verdict->job, *booking = verdict->booking;
    call_read(entity, verdict);
    verdict->job = job;
    verdict->booking = booking;
}

enum call_type call_type_of(const struct call *call, const struct verdict *verdict, const struct fact *classified, const struct fact **condition) {
    *condition = NULL;
    const struct fact *joined = verdict->first_joined;
    if (verdict->direction == DIRECTION_INTERNAL) return TYPE_INTERNAL;
    if (joined && verdict->booking) return TYPE_BOOKED;
    if (joined && classified && classified->a != CLASS_UNBOOKED) {
        *condition = after(classified, joined) ? classified : joined;
        return classified->a == CLASS_BOOKED ? TYPE_BOOKED : classified->a == CLASS_EXCUSED ? TYPE_EXCUSED : TYPE_NOT_A_LEAD;
    }
    if (!verdict->end && call->lost) return TYPE_LOST;
    if ((*condition = verdict->first_connected)) return TYPE_UNBOOKED;
    if ((*condition = verdict->voice_agent)) return TYPE_VOICE_AGENT;
    if ((*condition = verdict->voicemail)) return TYPE_VOICEMAIL;
    if ((*condition = verdict->forwarded)) return TYPE_FORWARDED;
    if ((*condition = verdict->callback)) return TYPE_CALLBACK_REQUESTED;
    if (verdict->end && verdict->end->b) return TYPE_DISCONNECTED;
    if (verdict->direction == DIRECTION_OUTBOUND) return TYPE_OUTBOUND;
    return verdict->end && verdict->end->a == ENDED_BY_CALLER ? TYPE_ABANDONED : TYPE_MISSED;
}
