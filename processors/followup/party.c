#include "party.h"
#include "../job/job.h"

#define FACTS_FROM ((uint32_t)sizeof(struct party_head))
_Static_assert(sizeof(struct party_head) == 8, "raise FOLD_LAYOUT, and mend the drawing in README.md");
#define RECENT_MS (4 * DAY_MS) /* a day more than a row takes to go cold, where nobody has set that */

/* Texts of the facts, behind the id. */
enum { TALK_START = 1 };
enum { ROW_WINDOW_END = 1, ROW_CLOSED_AT };

struct party party_of(char what, struct str id) {
    struct party party = {.len = 0};
    if (str_is_null(id) || id.len > ID_BYTES_MAX) return party;
    party.text[0] = what;
    memcpy(party.text + 1, id.ptr, id.len);
    party.len = id.len + 1;
    return party;
}

static struct entity *entity_of(struct fold *fold, struct str tenant, const struct party *party) {
    struct key key;
    key_named(&key, tenant, (struct str){party->text, party->len});
    return cache_get(fold->cache, TABLE_PARTIES, key_str(&key));
}

static struct party_head *head_of(const struct entity *entity) { return (struct party_head *)(void *)entity->blob; }

static bool has(const struct entity *entity, enum party_fact what) {
    return entity->size && (what == PARTY_ROW || (what == PARTY_JOB ? head_of(entity)->jobs : head_of(entity)->talks) > 0);
}

/*
 * Where to begin looking for what is at or after `from`: at the last fact before that, which may be far behind thousands of others. Hints are facts'
 * places, to begin the search at: where the last one ended, for those that go on from there, and some days before the latest, for timers and
 * calls that are news. A fact at or before a hint's time that comes or goes takes the hint away.
 */
enum { HINT_LAST, HINT_RECENT, HINTS };

static const struct fact *hinted(const struct entity *entity, int hint) {
    return entity->hints[hint] ? facts_at(entity, entity->hints[hint]) : NULL;
}

static uint32_t place_of(struct entity *entity, int64_t from) {
    uint32_t place = FACTS_FROM;
    for (int hint = 0; hint < HINTS; hint++) {
        const struct fact *fact = hinted(entity, hint);
        if (fact && fact->at < from && entity->hints[hint] > place) place = entity->hints[hint];
    }
    int64_t recent = from < INT64_MIN + RECENT_MS ? INT64_MIN : from - RECENT_MS;
    for (const struct fact *fact = facts_at(entity, place); fact && fact->at < from; fact = fact_next(entity, fact)) {
        place = fact_offset(entity, fact);
        if (fact->at < recent && place > entity->hints[HINT_RECENT]) entity->hints[HINT_RECENT] = place;
    }
    if (place > FACTS_FROM) entity->hints[HINT_LAST] = place;
    return place;
}

static void changed_at(struct entity *entity, int64_t at) {
    for (int hint = 0; hint < HINTS; hint++) {
        const struct fact *fact = hinted(entity, hint);
        if (fact && at <= fact->at) entity->hints[hint] = 0;
    }
}

/* `fact`, or the first behind it, of a kind and at or after `from`. */
static const struct fact *pass(const struct entity *entity, const struct fact *fact, enum party_fact what, int64_t from) {
    while (fact && (fact->type != what || fact->at < from)) fact = fact_next(entity, fact);
    return fact;
}

static const struct fact *first(struct entity *entity, enum party_fact what, int64_t from) {
    return has(entity, what) ? pass(entity, facts_at(entity, place_of(entity, from)), what, from) : NULL;
}

static const struct fact *next(const struct entity *entity, const struct fact *fact, enum party_fact what) {
    return pass(entity, fact_next(entity, fact), what, INT64_MIN);
}

/* The one of this time and id, and of this kind of row; null: there is none. */
static const struct fact *find(struct entity *entity, enum party_fact what, uint8_t kind, int64_t at, const struct fact_id *id) {
    const struct fact *fact = first(entity, what, at);
    while (fact && fact->at == at && !(fact->a == kind && fact_has_id(fact, id))) fact = next(entity, fact, what);
    return fact && fact->at == at ? fact : NULL;
}

static void count(struct entity *entity, enum party_fact what, int by) {
    if (what == PARTY_TALK) head_of(entity)->talks += (uint32_t)by;
    if (what == PARTY_JOB) head_of(entity)->jobs += (uint32_t)by;
}

static void add(struct fold *fold, struct entity *entity, enum party_fact what, uint8_t a, uint8_t b, int64_t at, const struct fact_id *id,
                const struct str *texts, unsigned text_count) {
    if (!entity->size) entity_resize(fold->cache, entity, FACTS_FROM);
    uint32_t size = entity->size, from = place_of(entity, at);
    changed_at(entity, at);
    facts_insert(fold->cache, entity, from, (uint8_t)what, a, b, at, id, texts, text_count);
    if (entity->size > size) count(entity, what, 1);
}

static void drop(struct fold *fold, struct entity *entity, const struct fact *fact) {
    changed_at(entity, fact->at);
    count(entity, (enum party_fact)fact->type, -1);
    facts_remove(fold->cache, entity, fact);
    if (entity->size == FACTS_FROM) entity_delete(fold->cache, entity);
}

static void remove_fact(struct fold *fold, struct str tenant, const struct party *party, enum party_fact what, uint8_t kind, int64_t at, struct str id) {
    struct entity *entity = entity_of(fold, tenant, party);
    struct fact_id known = fact_id_of(id);
    const struct fact *fact = find(entity, what, kind, at, &known);
    if (fact) drop(fold, entity, fact);
}

void party_put_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t moment, struct str call_id, int64_t start) {
    struct fact_id id = fact_id_of(call_id);
    struct str text = number_text(&start);
    add(fold, entity_of(fold, tenant, party), PARTY_TALK, 0, 0, moment, &id, &text, 1);
}

void party_remove_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t moment, struct str call_id) {
    remove_fact(fold, tenant, party, PARTY_TALK, 0, moment, call_id);
}

void party_put_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at, struct str job_id) {
    struct fact_id id = fact_id_of(job_id);
    add(fold, entity_of(fold, tenant, party), PARTY_JOB, 0, 0, booked_at, &id, NULL, 0);
}

void party_remove_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at, struct str job_id) {
    remove_fact(fold, tenant, party, PARTY_JOB, 0, booked_at, job_id);
}

void party_put_row(struct fold *fold, struct str tenant, const struct party *party, int64_t start, struct str call_id, const struct party_row *row) {
    if (!party->len) return;
    struct entity *entity = entity_of(fold, tenant, party);
    struct fact_id id = fact_id_of(call_id);
    struct str texts[] = {number_text(&row->window_end), number_text(&row->closed_at)};
    const struct fact *old = find(entity, PARTY_ROW, row->kind, start, &id);
    bool same = old && old->b == row->withdrawn && fact_number(old, ROW_WINDOW_END) == row->window_end && fact_number(old, ROW_CLOSED_AT) == row->closed_at;
    if (same) return;
    if (old) drop(fold, entity, old);
    add(fold, entity, PARTY_ROW, row->kind, row->withdrawn, start, &id, texts, 2);
}

void party_remove_row(struct fold *fold, struct str tenant, const struct party *party, int64_t start, struct str call_id, const struct party_row *row) {
    if (party->len) remove_fact(fold, tenant, party, PARTY_ROW, row->kind, start, call_id);
}

/* ---- grounds ---- */

static void ground_set(struct ground *ground, int64_t moment, struct str id) {
    ground->found = true;
    ground->moment = moment;
    ground->len = id.len;
    memcpy(ground->id, id.ptr, id.len);
}

void ground_offer(struct ground *ground, int64_t moment, struct str id) {
    if (ground->found && (ground->moment < moment || (ground->moment == moment && str_compare(ground_id(ground), id) <= 0))) return;
    ground_set(ground, moment, id);
}

void party_first_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t start, struct ground *ground) {
    char room[UUID_TEXT_BYTES];
    struct entity *entity = entity_of(fold, tenant, party);
    const struct fact *talk = first(entity, PARTY_TALK, from);
    while (talk && fact_number(talk, TALK_START) <= start) talk = next(entity, talk, PARTY_TALK);
    if (talk) ground_set(ground, talk->at, fact_id(talk, room));
}

void party_first_job(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t to, struct ground *ground) {
    char room[UUID_TEXT_BYTES];
    if (!party->len) return;
    const struct fact *job = first(entity_of(fold, tenant, party), PARTY_JOB, from);
    if (job && job->at <= to) ground_offer(ground, job->at, fact_id(job, room));
}

bool party_has_job(struct fold *fold, struct str tenant, const struct party *party, int64_t from, int64_t to, int64_t by) {
    char room[UUID_TEXT_BYTES];
    if (!party->len) return false;
    struct entity *entity = entity_of(fold, tenant, party);
    for (const struct fact *job = first(entity, PARTY_JOB, from); job && job->at <= to; job = next(entity, job, PARTY_JOB))
        if (!job_cancelled_by(job_entity(fold->cache, tenant, fact_id(job, room)), by)) return true;
    return false;
}

/* ---- rows ---- */

/* A row's call lies where its start says: it need not be looked up. */
static void touch_call(struct fold *fold, struct str tenant, const struct fact *row) {
    char room[UUID_TEXT_BYTES];
    step_touch(fold, call_entity_at(fold->cache, tenant, fact_id(row, room), row->at));
}

void party_touch_talk(struct fold *fold, struct str tenant, const struct party *party, int64_t start, int64_t moment) {
    struct entity *entity = entity_of(fold, tenant, party);
    for (const struct fact *row = first(entity, PARTY_ROW, INT64_MIN); row && row->at < start; row = next(entity, row, PARTY_ROW)) {
        if (row->a != KIND_ABANDONED || row->b) continue;
        int64_t closed_at = fact_number(row, ROW_CLOSED_AT);
        if (moment == NONE || closed_at == NONE || closed_at >= moment) touch_call(fold, tenant, row);
    }
}

void party_touch_job(struct fold *fold, struct str tenant, const struct party *party, int64_t booked_at) {
    struct entity *entity = entity_of(fold, tenant, party);
    for (const struct fact *row = first(entity, PARTY_ROW, INT64_MIN); row && row->at <= booked_at; row = next(entity, row, PARTY_ROW))
        if (booked_at <= fact_number(row, ROW_WINDOW_END)) touch_call(fold, tenant, row);
}

int32_t party_open_rows(struct fold *fold, struct str tenant, const struct party *party, struct str call_id) {
    int32_t open = 0;
    if (!party->len) return 0;
    struct entity *entity = entity_of(fold, tenant, party);
    struct fact_id id = fact_id_of(call_id);
    for (const struct fact *row = first(entity, PARTY_ROW, INT64_MIN); row; row = next(entity, row, PARTY_ROW))
        open += row->a == KIND_ABANDONED && !row->b && fact_number(row, ROW_CLOSED_AT) == NONE && !fact_has_id(row, &id);
    return open;
}
