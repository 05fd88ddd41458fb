/*
 * log_files_append: one container file at whose end records are added, block by block.
 */
#ifndef RINGBACK_LOG_FILES_APPEND_H
#define RINGBACK_LOG_FILES_APPEND_H

#include "log_files.h"

#define SYNC_BYTES 16
#define BLOCK_BYTES (128 * 1024) /* of records, about: a block ends with the record that reaches it */

struct appender {
    int fd; /* -1: not open */
    char path[PATH_MAX];
    uint8_t sync[SYNC_BYTES];
    int64_t position;      /* where the file ends, blocks that were cut included */
    int64_t write_back_at; /* up to here the kernel was asked to start writing */
    uint8_t *buffer;       /* room for a block's head, then the records of the block */
    size_t capacity, used; /* of the records */
    int64_t count;
    bool unsynced;
};

/* The marker of this journal's file of that name. */
void sync_marker(const char *journal_id, const char *file_name, uint8_t sync[SYNC_BYTES]);

/* Makes directory/file_name (or empties it) and writes the header, durably. */
int appender_create(struct appender *appender, const char *directory, const char *file_name, const char *schema, const char *journal_id,
                    struct failure *failure);
/* Opens it, checks its header, and cuts what lies behind `position`, saying so. */
int appender_open(struct appender *appender, const char *directory, const char *file_name, const char *schema, const char *journal_id,
                  int64_t position, struct failure *failure);
void appender_close(struct appender *appender);

uint8_t *appender_room(struct appender *appender, size_t size, size_t *capacity, struct failure *failure);
int appender_add(struct appender *appender, size_t size, struct failure *failure);
/* Ends the block that was begun, if any, and writes it. */
int appender_cut(struct appender *appender, struct failure *failure);
int appender_sync(struct appender *appender, struct failure *failure);

#endif
