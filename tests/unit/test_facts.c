/* The sorted list of facts in an entity's blob (processors/facts.h): ids, the total order, and a blob that is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../processors/facts.h"

#include <cmocka.h>

#define BEGIN 8 /* of the facts; what lies before is the owner's */

struct list {
    struct store *store;
    struct cache *cache;
    struct entity *entity;
};

static int make_list(void **state) {
    static struct list list;
    void *room;
    assert_int_equal(store_open_memory(&list.store), 0);
    assert_int_equal(store_begin(list.store), 0);
    list.cache = cache_open(list.store, 8, &room);
    list.entity = cache_get(list.cache, TABLE_JOBS, STR("acme\0j1\0"));
    entity_resize(list.cache, list.entity, BEGIN);
    *state = &list;
    return 0;
}

static int end_list(void **state) {
    struct list *list = *state;
    cache_close(list->cache);
    store_close(list->store);
    return 0;
}

static bool insert(struct list *list, uint8_t type, uint8_t a, uint8_t b, int64_t at, struct str id, struct str text) {
    struct fact_id parsed = fact_id_of(id);
    return facts_insert(list->cache, list->entity, BEGIN, type, a, b, at, &parsed, &text, 1);
}

static const struct fact *find(const struct list *list, struct str id) {
    struct fact_id parsed = fact_id_of(id);
    return facts_find(list->entity, BEGIN, &parsed);
}

/* The facts' first texts, in their order, as one word. */
static const char *words(const struct list *list) {
    static char all[100];
    *all = 0;
    for (const struct fact *fact = facts_at(list->entity, BEGIN); fact; fact = fact_next(list->entity, fact)) {
        struct str text = fact_text(fact, 1);
        strncat(all, text.ptr, text.len);
    }
    return all;
}

#define UUID(last) "01234567-89ab-cdef-0123-456789abcde" last

static void an_id_in_the_form_of_a_uuid_comes_back_as_it_was(void **state) {
    struct list *list = *state;
    static const struct str ids[] = {
        STR(UUID("f")), STR("01234567_89ab-cdef-0123-456789abcdef"), STR("01234567-89ab_cdef-0123-456789abcdef"),
        STR("01234567-89ab-cdef_0123-456789abcdef"), STR("01234567-89ab-cdef-0123_456789abcdef"), STR("01234567-89AB-cdef-0123-456789abcdef"),
        STR("01234567-89ab-cdef-0123-456789abcdeg"), STR("e1"), STR(""),
    };
    char room[UUID_TEXT_BYTES];
    for (size_t n = 0; n < sizeof ids / sizeof *ids; n++) {
        assert_null(find(list, ids[n]));
        assert_true(insert(list, EVENT_JOB_BOOKED, 0, 0, 7, ids[n], STR_NULL));
        const struct fact *fact = find(list, ids[n]);
        assert_non_null(fact);
        assert_true(str_equal(fact_id(fact, room), ids[n]));
        assert_int_equal(!(fact->texts & FACT_UUID), n != 0);
        assert_true(str_is_null(fact_text(fact, 1)) && str_is_null(fact_text(fact, 2)));
    }
}

static void facts_are_in_one_order_however_they_come(void **state) {
    struct list *list = *state;
    static const struct {
        uint8_t type, a, b;
        int64_t at;
        struct str id, text;
    } facts[] = {
        {1, 0, 0, 1, STR("z"), STR("a")},          {1, 0, 0, 2, STR(UUID("d")), STR("b")}, {1, 0, 0, 2, STR(UUID("e")), STR("c")},
        {1, 0, 0, 2, STR("e"), STR("d")},          {1, 0, 0, 2, STR("f"), STR("e")},       {1, 0, 0, 2, STR("f"), STR("f")},
        {1, 0, 1, 2, STR("f"), STR("g")},          {1, 1, 0, 2, STR("f"), STR("h")},       {2, 0, 0, 2, STR("f"), STR("i")},
    };
    enum { COUNT = sizeof facts / sizeof *facts };
    for (int step = 1; step < COUNT; step++) { /* with 9 of them: some orders, forwards and backwards among them */
        entity_resize(list->cache, list->entity, BEGIN);
        for (int round = 0; round < 2; round++) /* what is there already is not put there twice */
            for (int n = 0; n < COUNT; n++) {
                int which = step == 3 || step == 6 ? n : n * step % COUNT;
                assert_true(insert(list, facts[which].type, facts[which].a, facts[which].b, facts[which].at, facts[which].id, facts[which].text));
            }
        assert_string_equal(words(list), "abcdefghi");
    }
    const struct fact *last = NULL;
    for (const struct fact *fact = facts_at(list->entity, BEGIN); fact; last = fact, fact = fact_next(list->entity, fact)) {
        if (last) assert_true(fact_compare(last, fact) <= 0);
        if (last && last->at < fact->at) assert_true(fact_compare(fact, last) > 0);
    }
    facts_remove(list->cache, list->entity, find(list, STR(UUID("e"))));
    assert_string_equal(words(list), "abdefghi");
}

/* Where a size says what cannot be, the facts end; whoever compares the state's hash knows. */
static void a_damaged_blob_ends_there(void **state) {
    struct list *list = *state;
    static const uint32_t sizes[] = {0, sizeof(struct fact) - 1, 1000};
    insert(list, 1, 0, 0, 1, STR("e1"), STR("a"));
    insert(list, 1, 0, 0, 2, STR("e2"), STR("b"));
    const struct fact *second = fact_next(list->entity, facts_at(list->entity, BEGIN));
    uint32_t offset = fact_offset(list->entity, second);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        memcpy(list->entity->blob + offset, &sizes[n], sizeof sizes[n]);
        assert_string_equal(words(list), "a");
    }
}

static void an_entity_holds_1_MiB_of_events_and_more_of_its_owner(void **state) {
    struct list *list = *state;
    static char text[60000];
    const struct str long_text = {text, sizeof text};
    int64_t at = 0;
    while (insert(list, EVENT_JOB_BOOKED, 0, 0, at, STR("e"), long_text)) at++;
    assert_int_equal(at, FACTS_BYTES_MAX / (sizeof text + sizeof(struct fact) + 8));
    assert_true(insert(list, 200, 0, 0, at, STR("e"), long_text));
    assert_true(list->entity->size > FACTS_BYTES_MAX);
    while (insert(list, 200, 0, 0, at, STR("e"), long_text)) at++;
    assert_in_range(list->entity->size, OWN_FACTS_BYTES_MAX - 2 * sizeof text, OWN_FACTS_BYTES_MAX);
}

static void nothing_is_closed_where_nothing_is_open(void **state) {
    (void)state;
    cache_close(NULL);
}

#define ON_A_LIST(test) cmocka_unit_test_setup_teardown(test, make_list, end_list)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_A_LIST(an_id_in_the_form_of_a_uuid_comes_back_as_it_was),
        ON_A_LIST(facts_are_in_one_order_however_they_come),
        ON_A_LIST(a_damaged_blob_ends_there),
        ON_A_LIST(an_entity_holds_1_MiB_of_events_and_more_of_its_owner),
        cmocka_unit_test(nothing_is_closed_where_nothing_is_open),
    };
    return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
