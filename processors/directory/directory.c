#include "directory.h"

struct entity *directory_entity(struct cache *cache, struct str tenant, enum entry_kind kind, struct str id) {
    struct key key;
    key_reset(&key);
    key_text(&key, tenant);
    key_byte(&key, (uint8_t)kind);
    key_text(&key, id);
    struct entity *entity = cache_get(cache, TABLE_DIRECTORY, key_str(&key));
    entity->hot = kind != ENTRY_CUSTOMER; /* of those there are many; the others are few and always asked for */
    return entity;
}

struct entity *directory_subject(struct cache *cache, const struct event *event) {
    static const uint8_t kinds[EVENT_TYPES] = {
        [EVENT_ROLE_CHANGED] = ENTRY_ROLE,     [EVENT_ROLES_ASSIGNED] = ENTRY_PERSON, [EVENT_TENANT_CHANGED] = ENTRY_TENANT,
        [EVENT_NUMBER_CHANGED] = ENTRY_NUMBER, [EVENT_QUEUE_CHANGED] = ENTRY_QUEUE,   [EVENT_AGENT_CHANGED] = ENTRY_AGENT,
        [EVENT_CUSTOMER_CHANGED] = ENTRY_CUSTOMER, [EVENT_ACTIVATE_RULES] = ENTRY_RULES};
    bool one = event->type == EVENT_TENANT_CHANGED || event->type == EVENT_ACTIVATE_RULES; /* a tenant has one of these */
    struct str id = one ? STR("") : event->body.subject;
    return directory_entity(cache, event->tenant, (enum entry_kind)kinds[event->type], id);
}

/* The roles of a person as one text: each followed by a newline, which no id holds. */
static struct str join(struct str_array roles, char *room, size_t size) {
    uint32_t len = 0;
    for (uint32_t i = 0; i < roles.count && len + roles.items[i].len + 1 <= size; i++) {
        memcpy(room + len, roles.items[i].ptr, roles.items[i].len);
        len += roles.items[i].len;
        room[len++] = '\n';
    }
    return (struct str){room, len};
}

bool directory_apply(struct cache *cache, const struct event *event, const struct fact_id *id, int64_t now) {
    struct entity *entity = directory_subject(cache, event);
    if (entity->size == 0) entity_resize(cache, entity, sizeof(struct entry));
    char roles[16 * 1024];
    struct str texts[FACT_TEXTS_MAX];
    unsigned count = 1;
    unsigned a = 0, b = 0;
    switch ((enum event_type)event->type) {
    case EVENT_TENANT_CHANGED:
        texts[0] = event->body.tenant_changed.name;
        texts[1] = event->body.tenant_changed.zone;
        a = (uint8_t)event->body.tenant_changed.week_start;
        count = 2;
        break;
    case EVENT_NUMBER_CHANGED:
        texts[0] = event->body.number_changed.campaign;
        texts[1] = event->body.number_changed.workflow;
        texts[2] = event->body.number_changed.continuity_number;
        texts[3] = event->body.number_changed.agent;
        a = (uint8_t)event->body.number_changed.kind;
        b = event->body.number_changed.texts;
        count = 4;
        break;
    case EVENT_QUEUE_CHANGED: texts[0] = event->body.queue_changed.name; break;
    case EVENT_AGENT_CHANGED: texts[0] = event->body.agent_changed.name; break;
    case EVENT_CUSTOMER_CHANGED: texts[0] = event->body.customer_changed.name; break;
    case EVENT_ROLE_CHANGED: {
        unsigned bits = 0;
        struct permission_array granted = event->body.role_changed.permissions;
        for (uint32_t i = 0; i < granted.count; i++) bits |= 1u << granted.items[i];
        a = bits & 0xff;
        b = bits >> 8;
        count = 0;
        break;
    }
    case EVENT_ACTIVATE_RULES:
        a = (uint8_t)event->body.activate_rules.version;
        count = 0;
        break;
    default: /* EVENT_ROLES_ASSIGNED */
        texts[0] = join(event->body.roles_assigned.roles, roles, sizeof roles);
        break;
    }
    if (!facts_insert(cache, entity, sizeof(struct entry), (uint8_t)event->type, (uint8_t)a, (uint8_t)b, event->occurred_at, id, texts, count))
        return false;
    ((struct entry *)(void *)entity->blob)->last_event_at = now;
    return true;
}

/* The fact that holds of an entry; null where there is none. */
static const struct fact *holding(const struct entity *entity) {
    const struct fact *last = NULL;
    for (const struct fact *fact = facts_at(entity, sizeof(struct entry)); fact; fact = fact_next(entity, fact)) last = fact;
    return last;
}

struct str directory_name(struct cache *cache, struct str tenant, enum entry_kind kind, struct str id) {
    if (str_is_null(id) || id.len > ID_BYTES_MAX) return STR_NULL; /* a number of a call may be any text */
    const struct fact *fact = holding(directory_entity(cache, tenant, kind, id));
    return fact ? fact_text(fact, 1) : STR_NULL;
}

bool directory_calendar(struct cache *cache, struct str tenant, struct str *zone, int8_t *week_start) {
    const struct fact *fact = holding(directory_entity(cache, tenant, ENTRY_TENANT, STR("")));
    *zone = fact ? fact_text(fact, 2) : STR("UTC");
    *week_start = fact ? (int8_t)fact->a : WEEK_MONDAY;
    return fact != NULL;
}

struct str directory_campaign(struct cache *cache, struct str tenant, struct str number) {
    return directory_name(cache, tenant, ENTRY_NUMBER, number); /* a number's first text after the id is its campaign */
}

static unsigned role_permissions(struct cache *cache, struct str tenant, struct str role) {
    const struct fact *fact = holding(directory_entity(cache, tenant, ENTRY_ROLE, role));
    if (!fact && !str_equal(tenant, STR("*"))) fact = holding(directory_entity(cache, STR("*"), ENTRY_ROLE, role));
    return fact ? fact->a | (unsigned)fact->b << 8 : 0;
}

static unsigned permissions_in(struct cache *cache, struct str scope, struct str actor) {
    const struct fact *fact = holding(directory_entity(cache, scope, ENTRY_PERSON, actor));
    unsigned bits = 0;
    struct str roles = fact ? fact_text(fact, 1) : STR_NULL;
    for (uint32_t start = 0, at = 0; at < roles.len; at++) {
        if (roles.ptr[at] != '\n') continue;
        bits |= role_permissions(cache, scope, (struct str){roles.ptr + start, at - start});
        start = at + 1;
    }
    return bits;
}

bool permitted(struct cache *cache, struct str tenant, struct str actor, enum permission permission) {
    unsigned bits = permissions_in(cache, STR("*"), actor);
    if (!str_equal(tenant, STR("*"))) bits |= permissions_in(cache, tenant, actor);
    const unsigned broad = 1u << PERMISSION_VIEW_AND_ACTION_ALL_FOLLOW_UPS;
    if (bits & broad) bits |= 1u << PERMISSION_EDIT_ABANDONED_CALLS | 1u << PERMISSION_EDIT_SECOND_CHANCE_LEADS;
    return bits >> permission & 1;
}
