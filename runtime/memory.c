/* How jemalloc keeps the program's memory (docs/decisions/0025): on huge pages, in two arenas, and given back a second after it was free. It finds
 * this by its name; MALLOC_CONF in the environment goes before it. */
extern const char *malloc_conf;
const char *malloc_conf = "thp:always,narenas:2,dirty_decay_ms:1000";
