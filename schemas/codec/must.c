#include "must.h"

#include <avro.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

void *must_realloc(void *old, size_t size) {
    void *bytes = realloc(old, size ? size : 1);
    if (bytes) return bytes;
    static const char text[] = "ringback: out of memory: give the process more; it goes on where it stopped when it is started again\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(75);
    _exit(75);
}

static void *must_malloc(size_t size) { return must_realloc(NULL, size); }

static void *avro_memory(void *context, void *old, size_t old_size, size_t size) {
    (void)context, (void)old_size;
    if (size) return must_realloc(old, size);
    free(old);
    return NULL;
}

__attribute__((constructor)) static void take_over(void) {
    json_set_alloc_funcs(must_malloc, free);
    avro_set_allocator(avro_memory, NULL);
}
