/*
 * place: what a state remembers of the journal it follows, in the same store transaction as the state itself.
 *
 * TABLE_META, key "shell": struct place. TABLE_SOURCES: each file listed in the journal, by its content's hash and by its number. None of
 * it counts in the state's hash (fold.h): where a state stands is not what it says.
 */
#ifndef RINGBACK_PLACE_H
#define RINGBACK_PLACE_H

#include "log.h"

#define CONTENT_HASH_DIGITS 32 /* XXH3-128 of a file's bytes, in hex */

struct place {
    struct log_place log; /* the last seal that was folded */
    int64_t append_time;  /* greatest so far, ms UTC; NONE: none yet */
    int32_t next_source;  /* the number that the next source listed gets; 0 is the writer's own */
    int64_t beyond;       /* records folded since that seal: not 0: between two seals */
    int64_t topics[SOURCE_NETWORK + 1]; /* of each kind of topic the next offset as of that seal; NONE: not listed. A topic's number is its kind */
};

struct place place_at_beginning(const char *journal_id); /* of a state that has seen nothing of journal `journal_id` */
/* A seal says how far the sources have been read. */
void place_move_topics(struct place *place, const struct seal_source_array *sources);

struct known_source {
    char hash[CONTENT_HASH_DIGITS + 1];
    int32_t number;
    bool ended;          /* it was read to its end; only a hint, a state built again from the journal does not know */
    int64_t next_offset; /* the number of its first record that was not journalled yet */
};

/* All need a transaction open. 0; STORE_ABSENT; negative: of the store. */
/* STORE_ERROR_DIRTY: the state stands between two seals, or another version of ringback wrote it, whose layout may differ: it must be
 * built again from the journal. */
int place_load(struct store *store, struct place *place);
int place_save(struct store *store, const struct place *place);
int source_load(struct store *store, struct str hash, struct known_source *source);
int source_load_numbered(struct store *store, int32_t number, struct known_source *source);
int source_save(struct store *store, const struct known_source *source);

#endif
