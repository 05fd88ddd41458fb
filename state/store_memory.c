/*
 * The store in memory: a balanced tree a table, and a list of what the open transaction replaced, to put it back on abort.
 * For tests and simulation: like all of GLib it ends the process where memory runs out.
 */
#include "store_side.h"

#include <glib.h>

/* Both key and value of its node in the tree; the bytes of its slices follow it. */
struct entry {
    struct str key, value;
};

struct change {
    enum table table;
    struct entry *before, *after; /* null where there was, or is, none */
};

struct memory {
    struct store store;
    GTree *tables[TABLES];
    GTreeNode *positions[TABLES];
    GArray *changes; /* of the open transaction, oldest first */
    uint64_t bytes;
};

static struct memory *memory_of(struct store *store) { return (struct memory *)store; }

static int compare_entries(gconstpointer a, gconstpointer b) {
    return str_compare(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static uint64_t entry_bytes(const struct entry *entry) { return entry ? (uint64_t)entry->key.len + entry->value.len : 0; }

static struct entry *entry_new(struct str key, struct str value) {
    struct entry *entry = g_malloc(sizeof *entry + key.len + value.len);
    char *bytes = (char *)(entry + 1);
    memcpy(bytes, key.ptr, key.len);
    if (value.len) memcpy(bytes + key.len, value.ptr, value.len);
    entry->key = (struct str){bytes, key.len};
    entry->value = (struct str){bytes + key.len, value.len};
    return entry;
}

static struct entry *find(struct memory *memory, enum table table, struct str key) {
    struct entry probe = {.key = key};
    return g_tree_lookup(memory->tables[table], &probe);
}

/* Makes `to` stand where `from` did: the same key, or one of them null. */
static void exchange(struct memory *memory, enum table table, struct entry *from, struct entry *to) {
    if (to)
        g_tree_replace(memory->tables[table], to, to);
    else
        g_tree_remove(memory->tables[table], from);
    memory->bytes += entry_bytes(to) - entry_bytes(from);
}

static void change(struct memory *memory, enum table table, struct entry *before, struct entry *after) {
    struct change made = {table, before, after};
    g_array_append_val(memory->changes, made);
    exchange(memory, table, before, after);
}

static int memory_begin(struct store *store) {
    (void)store;
    return 0;
}

static int memory_commit(struct store *store) {
    struct memory *memory = memory_of(store);
    for (guint i = 0; i < memory->changes->len; i++) g_free(g_array_index(memory->changes, struct change, i).before);
    g_array_set_size(memory->changes, 0);
    return 0;
}

static void memory_abort(struct store *store) {
    struct memory *memory = memory_of(store);
    for (guint i = memory->changes->len; i-- > 0;) {
        struct change *made = &g_array_index(memory->changes, struct change, i);
        exchange(memory, made->table, made->after, made->before);
        g_free(made->after);
    }
    g_array_set_size(memory->changes, 0);
}

static int memory_get(struct store *store, enum table table, struct str key, struct str *value) {
    struct entry *entry = find(memory_of(store), table, key);
    if (!entry) return STORE_ABSENT;
    *value = entry->value;
    return 0;
}

static int memory_put(struct store *store, enum table table, struct str key, struct str value) {
    struct memory *memory = memory_of(store);
    change(memory, table, find(memory, table, key), entry_new(key, value));
    return 0;
}

static int memory_remove(struct store *store, enum table table, struct str key) {
    struct memory *memory = memory_of(store);
    struct entry *entry = find(memory, table, key);
    if (!entry) return STORE_ABSENT;
    change(memory, table, entry, NULL);
    return 0;
}

static int stand_on(struct memory *memory, enum table table, GTreeNode *node, struct str *key, struct str *value) {
    memory->positions[table] = node;
    if (!node) return STORE_ABSENT;
    struct entry *entry = g_tree_node_value(node);
    *key = entry->key;
    *value = entry->value;
    return 0;
}

static int memory_seek(struct store *store, enum table table, struct str from, struct str *key, struct str *value) {
    struct memory *memory = memory_of(store);
    struct entry probe = {.key = from};
    GTree *tree = memory->tables[table];
    return stand_on(memory, table, from.len ? g_tree_lower_bound(tree, &probe) : g_tree_node_first(tree), key, value);
}

static int memory_next(struct store *store, enum table table, struct str *key, struct str *value) {
    struct memory *memory = memory_of(store);
    return stand_on(memory, table, g_tree_node_next(memory->positions[table]), key, value);
}

static int memory_stats(struct store *store, struct store_stats *stats) {
    struct memory *memory = memory_of(store);
    for (int i = 0; i < TABLES; i++) stats->entries[i] = (uint64_t)g_tree_nnodes(memory->tables[i]);
    stats->bytes_used = stats->bytes_mapped = memory->bytes;
    return 0;
}

static int memory_sync(struct store *store) {
    (void)store;
    return 0;
}

static gboolean free_entry(gpointer key, gpointer value, gpointer context) {
    (void)key;
    (void)context;
    g_free(value);
    return FALSE;
}

static void memory_close(struct store *store) {
    struct memory *memory = memory_of(store);
    for (int i = 0; i < TABLES; i++) {
        g_tree_foreach(memory->tables[i], free_entry, NULL);
        g_tree_destroy(memory->tables[i]);
    }
    g_array_free(memory->changes, TRUE);
    g_free(memory);
}

static const struct store_side memory_side = {
    .close = memory_close,
    .begin = memory_begin,
    .commit = memory_commit,
    .abort = memory_abort,
    .get = memory_get,
    .put = memory_put,
    .remove = memory_remove,
    .seek = memory_seek,
    .next = memory_next,
    .stats = memory_stats,
    .sync = memory_sync,
};

int store_open_memory(struct store **store) {
    struct memory *memory = g_new0(struct memory, 1);
    memory->store.side = &memory_side;
    for (int i = 0; i < TABLES; i++) memory->tables[i] = g_tree_new(compare_entries);
    memory->changes = g_array_new(FALSE, FALSE, sizeof(struct change));
    exchange(memory, TABLE_META, NULL, entry_new(STORE_FORMAT_KEY, store_format()));
    *store = &memory->store;
    return 0;
}
