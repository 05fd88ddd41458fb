#include "settings.h"

const struct setting_row setting_rows[SETTINGS] = {
    [SETTING_SECOND_CHANCE_ENABLED] = {STR("second_chance.enabled"), true, 0, 0, 1},
    [SETTING_ACW_MINUTES] = {STR("second_chance.acw_minutes"), false, 10, 0, 1440},
    [SETTING_COLD_DAYS] = {STR("second_chance.cold_days"), false, 3, 1, 365},
    [SETTING_MIN_CALL_SECONDS] = {STR("second_chance.min_call_seconds"), false, 0, 0, 3600},
    [SETTING_FOLLOW_UP_MISSED] = {STR("follow_up_missed"), true, 1, 0, 1},
    [SETTING_FOLLOW_UP_CALLBACK] = {STR("follow_up_callback"), true, 1, 0, 1},
    [SETTING_FOLLOW_UP_EMPTY_VOICEMAIL] = {STR("follow_up_empty_voicemail"), true, 0, 0, 1},
    [SETTING_RESOLVE_ON_BOOKING] = {STR("resolve_on_booking"), true, 1, 0, 1},
    [SETTING_VOICE_AGENT_TALK_COUNTS] = {STR("voice_agent_talk_counts"), true, 0, 0, 1},
    [SETTING_CALLBACK_TALK_COUNTS] = {STR("callback_talk_counts"), true, 0, 0, 1},
    [SETTING_LINK_DAYS] = {STR("link_days"), false, 14, 0, 90},
    [SETTING_SHORT_ABANDON_SECONDS] = {STR("short_abandon_seconds"), false, 0, 0, 600},
    [SETTING_STUCK_CALL_HOURS] = {STR("stuck_call_hours"), false, 4, 1, 72},
    [SETTING_RETENTION_DAYS] = {STR("retention_days"), false, 800, 30, 3650},
    [SETTING_ALLOWED_LATENESS_MS] = {STR("allowed_lateness_ms"), false, 5000, 0, 60000},
};

/* The blob of a scope. */
struct scope {
    int64_t version;
    uint64_t own; /* bit a key: set here */
    int64_t value[SETTINGS];
};

static const struct scope *scope_of(struct cache *cache, struct str tenant) {
    static const struct scope nothing;
    const struct entity *entity = directory_entity(cache, tenant, ENTRY_SETTINGS, STR(""));
    return entity->size == sizeof(struct scope) ? (const struct scope *)(const void *)entity->blob : &nothing;
}

void settings_over(struct cache *cache, struct str tenant, const struct settings *all, struct settings *settings) {
    const struct scope *own = scope_of(cache, tenant);
    *settings = *all;
    for (unsigned key = 0; key < SETTINGS && own->own >> key; key++)
        if (own->own >> key & 1) settings->value[key] = own->value[key];
}

void settings_read(struct cache *cache, struct str tenant, struct settings *settings) {
    struct settings initial, all;
    for (unsigned key = 0; key < SETTINGS; key++) initial.value[key] = setting_rows[key].initial;
    settings_over(cache, STR("*"), &initial, &all);
    settings_over(cache, tenant, &all, settings);
}

struct str settings_source(struct cache *cache, struct str tenant, enum setting_key key) {
    if (scope_of(cache, tenant)->own >> key & 1) return tenant;
    return scope_of(cache, STR("*"))->own >> key & 1 ? STR("*") : STR("default");
}

enum setting_key setting_find(struct str name) {
    unsigned key = 0;
    while (key < SETTINGS && !str_equal(setting_rows[key].key, name)) key++;
    return (enum setting_key)key;
}

bool setting_parse(enum setting_key key, struct str text, int64_t *value) {
    const struct setting_row *row = &setting_rows[key];
    if (row->is_switch) {
        bool on = str_equal(text, STR("on")) || str_equal(text, STR("true"));
        *value = on;
        return on || str_equal(text, STR("off")) || str_equal(text, STR("false"));
    }
    if (text.len == 0 || text.len > 6) return false;
    int64_t number = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        number = number * 10 + (text.ptr[i] - '0');
    }
    *value = number;
    return number >= row->least && number <= row->most;
}

int64_t settings_version(struct cache *cache, struct str scope) { return scope_of(cache, scope)->version; }

static struct scope *scope_make(struct cache *cache, struct str tenant) {
    struct entity *entity = directory_entity(cache, tenant, ENTRY_SETTINGS, STR(""));
    entity_resize(cache, entity, sizeof(struct scope));
    return (struct scope *)(void *)entity->blob;
}

int64_t settings_change(struct cache *cache, struct str tenant, const enum setting_key *keys, const int64_t *values, unsigned count) {
    struct scope *scope = scope_make(cache, tenant);
    for (unsigned i = 0; i < count; i++) {
        scope->value[keys[i]] = values[i];
        scope->own |= UINT64_C(1) << keys[i];
    }
    return ++scope->version;
}

bool settings_assume(struct cache *cache, struct str name, struct str text) {
    enum setting_key key = setting_find(name);
    int64_t value;
    if (key == SETTINGS || !setting_parse(key, text, &value)) return false;
    struct scope *scope = scope_make(cache, STR("*"));
    scope->value[key] = value;
    scope->own |= UINT64_C(1) << key;
    return true;
}
