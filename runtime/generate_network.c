/*
 * Who is there: tenants with their hours, queues, agents, numbers and callers, and the directory events that announce them.
 */
#include "generate_parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *next;
    size_t used;
    char text[16 * 1024 - 2 * sizeof(size_t)];
};

__attribute__((format(printf, 2, 3))) static struct str arena_text(struct generator *generator, const char *format, ...) {
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct arena_block *block = generator->arena;
    if (!block || block->used + (size_t)length + 1 > sizeof block->text) {
        block = generate_allocate(sizeof *block);
        block->next = generator->arena;
        generator->arena = block;
    }
    char *kept = block->text + block->used;
    memcpy(kept, text, (size_t)length + 1);
    block->used += (size_t)length + 1;
    return (struct str){kept, (uint32_t)length};
}

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))

static const char *const places[] = {"Harbor",   "Summit",    "Cedar",  "Prairie", "Lakeside", "Granite",  "Beacon",  "Willow",
                                     "Redwood",  "Northgate", "Canyon", "Juniper", "Keystone", "Orchard",  "Meadow",  "Bayview",
                                     "Sterling", "Falcon",    "Copper", "Pioneer", "Liberty",  "Magnolia", "Cascade", "Anchor"};
static const char *const trades[] = {"Heating", "Plumbing", "Electric", "Roofing", "Drains", "Garage Doors", "Pest Control", "Windows"};
static const char *const first_names[] = {"Ana",   "Ben",  "Chloe", "Dev",   "Elena", "Farid", "Grace", "Hugo", "Imani", "Jonas",
                                          "Keiko", "Liam", "Mara",  "Nadia", "Omar",  "Priya", "Quinn", "Rosa", "Sam",   "Tessa"};
static const char *const last_names[] = {"Adler",  "Brooks", "Castro", "Dunn",  "Ellis",  "Fischer", "Grant", "Hayes",  "Ibarra", "Jensen",
                                         "Kimura", "Lowe",   "Moreno", "Novak", "Okafor", "Patel",   "Reyes", "Santos", "Turner", "Walsh"};
static const char *const campaigns[] = {"Google Ads", "Website", "Yard Signs", "Radio Spring", "Direct Mail", "Referral"};
static const char *const queue_names[QUEUES_MAX] = {"New customers", "Service", "Emergencies", "Billing"};
static const char *const queue_ids[QUEUES_MAX] = {"new-customers", "service", "emergencies", "billing"};

/* Fixed offsets: the generator reads no time zone data, so that its bytes do not depend on the host's. */
static const struct {
    const char *name;
    int8_t hours;
    int8_t week_start;
} zones[] = {{"America/New_York", -5, WEEK_SUNDAY},    {"America/Chicago", -6, WEEK_SUNDAY}, {"Europe/London", 0, WEEK_MONDAY},
             {"America/Los_Angeles", -8, WEEK_SUNDAY}, {"America/Denver", -7, WEEK_MONDAY},  {"America/Phoenix", -7, WEEK_SATURDAY}};

/* Calls by local hour, and by weekday from Monday, as percent of the mean. */
static const uint16_t hour_shape[24] = {10,  7,   6,   6,   8,   20,  60, 140, 215, 235, 220, 200,
                                        180, 190, 200, 185, 165, 130, 85, 60,  40,  28,  20,  15};
static const uint16_t weekday_shape[7] = {122, 108, 104, 102, 100, 52, 30};
#define BUSIEST_SHAPE (235 * 122)

static uint32_t local_hour(const struct tenant *tenant, int64_t at) { return (uint32_t)((at + tenant->offset) / HOUR_MS % 24); }

/* 0 is Monday; 1970 began on a Thursday. */
static uint32_t local_weekday(const struct tenant *tenant, int64_t at) { return (uint32_t)(((at + tenant->offset) / DAY_MS + 3) % 7); }

uint32_t tenant_busyness(const struct tenant *tenant, int64_t at) {
    uint32_t hour = (local_hour(tenant, at) + 24 - (uint32_t)tenant->curve_shift) % 24;
    return (uint32_t)hour_shape[hour] * weekday_shape[local_weekday(tenant, at)] * 65536u / BUSIEST_SHAPE;
}

bool tenant_is_open(const struct tenant *tenant, int64_t at) {
    uint32_t weekday = local_weekday(tenant, at), hour = local_hour(tenant, at);
    return weekday < 5 ? hour >= 7 && hour < 19 : weekday == 5 && hour >= 8 && hour < 16;
}

/* Everyone's own numbers are toll-free fiction, 0100 to 0199 of seven area codes, then country code 999. */
static void own_number(bool british, uint32_t place, char number[NUMBER_TEXT]) {
    static const uint32_t toll_free[] = {800, 888, 877, 866, 855, 844, 833};
    if (british && place < 1000)
        snprintf(number, NUMBER_TEXT, "+44207946%04u", place);
    else if (!british && place < 100 * COUNT(toll_free))
        snprintf(number, NUMBER_TEXT, "+1%u55501%02u", toll_free[place % COUNT(toll_free)], place / COUNT(toll_free));
    else
        snprintf(number, NUMBER_TEXT, "+9990%08u", place % 100000000);
}

void caller_number(const struct tenant *tenant, uint32_t caller, char number[NUMBER_TEXT]) {
    /* 600 area codes x 100 numbers; the multiplier is odd to 60,000, so that no two callers of a tenant share one. */
    if (!tenant->british && caller < 60000) {
        uint32_t spread = (uint32_t)((uint64_t)caller * 36697 % 60000);
        snprintf(number, NUMBER_TEXT, "+1%u55501%02u", 200 + spread / 100, spread % 100);
    } else if (tenant->british && caller < 2000)
        snprintf(number, NUMBER_TEXT, "+44%s%03u", caller % 2 ? "7700900" : "1632960", caller / 2);
    else
        snprintf(number, NUMBER_TEXT, "+9991%08u", caller);
}

bool caller_is_customer(uint32_t caller) { return caller % 5 < 3; }

static void agents_make(struct generator *generator, struct tenant *tenant, uint32_t count) {
    tenant->agents = generate_allocate(count * sizeof *tenant->agents);
    tenant->agent_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const char *first = first_names[random_below(&generator->random, COUNT(first_names))];
        const char *last = last_names[random_below(&generator->random, COUNT(last_names))];
        tenant->agents[i].id = arena_text(generator, "agent-%u", i + 1);
        tenant->agents[i].name = arena_text(generator, "%s %s", first, last);
    }
}

static void queues_make(struct generator *generator, struct tenant *tenant) {
    uint32_t agents = tenant->agent_count, queues = agents < 2 ? 1 : agents < 8 ? 2 : agents < 20 ? 3 : QUEUES_MAX;
    tenant->queue_count = queues;
    uint32_t first = 0;
    for (uint32_t i = 0; i < queues; i++) {
        /* The first queue takes half of what is left, the last all of it. */
        uint32_t left = tenant->agent_count - first, share = i + 1 == queues ? left : (left + 1) / 2;
        tenant->queues[i] = (struct gen_queue){str_of(queue_ids[i]), str_of(queue_names[i]), first, share,
                                               random_between(&generator->random, 120, 300) * SECOND_MS};
        first += share;
    }
}

static void numbers_make(struct generator *generator, struct tenant *tenant, uint32_t *owned) {
    tenant->number_count = 3 + random_below(&generator->random, NUMBERS_MAX - 3);
    for (uint32_t i = 0; i < tenant->number_count; i++) {
        struct gen_number *number = &tenant->numbers[i];
        bool direct = i + 1 == tenant->number_count; /* the last is somebody's own */
        own_number(tenant->british, (*owned)++, number->number);
        number->kind = direct ? NUMBER_DIRECT_DIAL : NUMBER_TRACKING;
        number->campaign = direct ? STR_NULL : str_of(campaigns[i % COUNT(campaigns)]);
        number->agent = random_below(&generator->random, tenant->agent_count);
    }
}

/* Agents for the busiest hour at five minutes a call, a little fewer than comfortable: somebody has to give up. */
static uint32_t agents_needed(uint32_t busiest_hour) {
    uint32_t erlangs_x12 = busiest_hour;
    return 2 + erlangs_x12 * 130 / 1200;
}

/* "Harbor Heating" is harbor-heating. */
static struct str tenant_id(struct generator *generator, struct str name) {
    char id[64];
    for (uint32_t i = 0; i <= name.len; i++) {
        char letter = name.ptr[i];
        id[i] = letter == ' ' ? '-' : letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
    }
    return arena_text(generator, "%s", id);
}

static void tenant_make(struct generator *generator, struct tenant *tenant, uint32_t place, uint32_t calls_per_day) {
    struct random *random = &generator->random;
    const char *where = places[place % COUNT(places)], *trade = trades[(place / COUNT(places) + place) % COUNT(trades)];
    uint32_t round = place / (COUNT(places) * COUNT(trades)), zone = place < 3 ? place : random_below(random, COUNT(zones));
    tenant->name = round ? arena_text(generator, "%s %s %u", where, trade, round + 1) : arena_text(generator, "%s %s", where, trade);
    tenant->id = tenant_id(generator, tenant->name);
    tenant->zone = str_of(zones[zone].name);
    tenant->offset = zones[zone].hours * HOUR_MS;
    tenant->week_start = zones[zone].week_start;
    tenant->british = zones[zone].hours == 0;
    tenant->second_chance = place == 0 || random_percent(random, 80);
    tenant->after_hours = place < 3 ? (enum after_hours)place : (enum after_hours)random_weighted(random, (const uint16_t[]){5, 4, 1}, 3);
    tenant->curve_shift = (int32_t)random_below(random, 3);
    tenant->callers = calls_per_day * 15 + 40;
    tenant->announced = generate_allocate(tenant->callers / 8 + 1);
    snprintf(tenant->workflow, sizeof tenant->workflow, "main-line-%u", 1 + random_below(random, 3));

    /* The mean of the shapes is 101.0 x 88.3 over a week's hours; the busiest hour is that much above it. */
    uint64_t busiest_per_day_x1000 = (uint64_t)calls_per_day * BUSIEST_SHAPE * 1000 / 8921;
    tenant->busiest_gap = (int64_t)((uint64_t)DAY_MS * 1000 * 1000 / (busiest_per_day_x1000 ? busiest_per_day_x1000 : 1));
    agents_make(generator, tenant, agents_needed((uint32_t)(busiest_per_day_x1000 / 24000)));
    queues_make(generator, tenant);
}

void network_make(struct generator *generator) {
    uint32_t tenants = generator->options.tenants, owned = 0;
    generator->tenants = generate_allocate(tenants * sizeof *generator->tenants);
    uint32_t *weights = generate_allocate(tenants * sizeof *weights);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < tenants; i++) sum += weights[i] = 1 + random_below(&generator->random, 4);
    for (uint32_t i = 0; i < tenants; i++) {
        /* Redials, callbacks and other calls out come on top of what arrives: about a quarter of all. */
        uint64_t arrivals = (uint64_t)generator->options.calls_per_day * weights[i] * 3 / 4 / sum;
        tenant_make(generator, &generator->tenants[i], i, arrivals ? (uint32_t)arrivals : 1);
        numbers_make(generator, &generator->tenants[i], &owned);
    }
    free(weights);
}

void network_free(struct generator *generator) {
    for (uint32_t i = 0; generator->tenants && i < generator->options.tenants; i++) {
        free(generator->tenants[i].agents);
        free(generator->tenants[i].announced);
    }
    free(generator->tenants);
    while (generator->arena) {
        struct arena_block *block = generator->arena;
        generator->arena = block->next;
        free(block);
    }
}

#define EVERYONE STR("*")

static void announce_role(struct generator *generator, const char *role, const int8_t *permissions, uint32_t count) {
    struct event *event = emit(generator, EVERYONE, EVENT_ROLE_CHANGED);
    event->body.role_changed = (struct role_changed){str_of(role), {permissions, count}};
}

static void announce_person(struct generator *generator, struct str tenant, struct str person, const struct str *role) {
    struct event *event = emit(generator, tenant, EVENT_ROLES_ASSIGNED);
    event->body.roles_assigned = (struct roles_assigned){person, {role, 1}};
}

static const struct str role_csr = {"csr", 3}, role_lead = {"team-lead", 9}, role_manager = {"manager", 7};

static void announce_settings(struct generator *generator, struct str tenant, const char *person, const struct setting *changes,
                              uint32_t count) {
    struct event *event = emit(generator, tenant, EVENT_CHANGE_SETTINGS);
    event->actor = str_of(person);
    event->body.change_settings = (struct change_settings){NONE, {changes, count}};
}

void network_announce(struct generator *generator) {
    static const int8_t csr[] = {PERMISSION_EDIT_ABANDONED_CALLS, PERMISSION_EDIT_SECOND_CHANCE_LEADS};
    static const int8_t lead[] = {PERMISSION_VIEW_AND_ACTION_ALL_FOLLOW_UPS, PERMISSION_PHONE_SETTINGS};
    static const int8_t manager[] = {PERMISSION_VIEW_AND_ACTION_ALL_FOLLOW_UPS, PERMISSION_VIEW_AND_EDIT_FEATURE_MANAGEMENT,
                                     PERMISSION_EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS, PERMISSION_EDIT_VOICE_AGENT_SETTINGS,
                                     PERMISSION_EDIT_ROUTING_WORKFLOWS};
    static const struct setting defaults[] = {{{"follow_up_empty_voicemail", 25}, {"on", 2}}, {{"short_abandon_seconds", 21}, {"5", 1}}};
    announce_role(generator, role_csr.ptr, csr, COUNT(csr));
    announce_role(generator, role_lead.ptr, lead, COUNT(lead));
    announce_role(generator, role_manager.ptr, manager, COUNT(manager));
    announce_person(generator, EVERYONE, STR("head-office"), &role_manager);
    announce_settings(generator, EVERYONE, "head-office", defaults, COUNT(defaults));
}

static void announce_number(struct generator *generator, struct tenant *tenant, const struct gen_number *number) {
    struct event *event = emit(generator, tenant->id, EVENT_NUMBER_CHANGED);
    bool direct = number->kind == NUMBER_DIRECT_DIAL;
    event->body.number_changed = (struct number_changed){
        .number = str_of(number->number),
        .kind = number->kind,
        .campaign = number->campaign,
        .workflow = direct ? STR_NULL : str_of(tenant->workflow),
        .continuity_number = direct ? STR_NULL : str_of(tenant->numbers[tenant->number_count - 1].number),
        .agent = direct ? tenant->agents[number->agent].id : STR_NULL,
        .texts = !direct,
    };
}

void tenant_announce(struct generator *generator, struct tenant *tenant) {
    static const struct setting second_chance[] = {{{"second_chance.enabled", 21}, {"on", 2}},
                                                   {{"second_chance.min_call_seconds", 30}, {"10", 2}}};
    struct event *event = emit(generator, tenant->id, EVENT_TENANT_CHANGED);
    event->body.tenant_changed = (struct tenant_changed){tenant->name, tenant->zone, tenant->week_start};
    for (uint32_t i = 0; i < tenant->number_count; i++) announce_number(generator, tenant, &tenant->numbers[i]);
    for (uint32_t i = 0; i < tenant->queue_count; i++) {
        event = emit(generator, tenant->id, EVENT_QUEUE_CHANGED);
        event->body.queue_changed = (struct queue_changed){tenant->queues[i].id, tenant->queues[i].name};
    }
    for (uint32_t i = 0; i < tenant->agent_count; i++) {
        event = emit(generator, tenant->id, EVENT_AGENT_CHANGED);
        event->body.agent_changed = (struct agent_changed){tenant->agents[i].id, tenant->agents[i].name};
        /* One in ten leads a team. */
        announce_person(generator, tenant->id, tenant->agents[i].id, i % 10 ? &role_csr : &role_lead);
    }
    announce_person(generator, tenant->id, STR("manager"), &role_manager);
    if (tenant->second_chance) announce_settings(generator, tenant->id, "manager", second_chance, COUNT(second_chance));
}
