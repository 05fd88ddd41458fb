/*
 * settings: what each tenant, or "*" for all, has set (SPEC 5). Read together, because a decision needs several.
 */
#ifndef RINGBACK_SETTINGS_H
#define RINGBACK_SETTINGS_H

#include "directory.h"

enum setting_key {
    SETTING_SECOND_CHANCE_ENABLED,
    SETTING_ACW_MINUTES,
    SETTING_COLD_DAYS,
    SETTING_MIN_CALL_SECONDS,
    SETTING_FOLLOW_UP_MISSED,
    SETTING_FOLLOW_UP_CALLBACK,
    SETTING_FOLLOW_UP_EMPTY_VOICEMAIL,
    SETTING_RESOLVE_ON_BOOKING,
    SETTING_VOICE_AGENT_TALK_COUNTS,
    SETTING_CALLBACK_TALK_COUNTS,
    SETTING_LINK_DAYS,
    SETTING_SHORT_ABANDON_SECONDS,
    SETTING_STUCK_CALL_HOURS,
    SETTING_RETENTION_DAYS,
    SETTING_ALLOWED_LATENESS_MS,
    SETTINGS
};

struct setting_row {
    struct str key;
    bool is_switch;
    int64_t initial, least, most;
};
extern const struct setting_row setting_rows[SETTINGS];

struct settings {
    int64_t value[SETTINGS]; /* as the tenant has it: its own, else that of "*", else the initial one */
};
void settings_read(struct cache *cache, struct str tenant, struct settings *settings);
/* The same where those of "*" have been read. */
void settings_over(struct cache *cache, struct str tenant, const struct settings *all, struct settings *settings);
/* Where a value comes from: the tenant, "*", or "default". */
struct str settings_source(struct cache *cache, struct str tenant, enum setting_key key);

/* The key of a name; SETTINGS: none such. */
enum setting_key setting_find(struct str name);
/* The value a text means for a key; false: out of range or not a value. */
bool setting_parse(enum setting_key key, struct str text, int64_t *value);

int64_t settings_version(struct cache *cache, struct str scope);
/* Sets values[i] of keys[i]; returns the scope's new version. */
int64_t settings_change(struct cache *cache, struct str scope, const enum setting_key *keys, const int64_t *values, unsigned count);

/* As if the scope "*" had always had this value: no version counts it. False: no such key, or out of its range. */
bool settings_assume(struct cache *cache, struct str name, struct str text);

#endif
