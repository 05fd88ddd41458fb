#include "health.h"

#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define REASON_BYTES 400

struct thread_beat {
    const char *doing;  /* static text of the caller */
    int64_t until_ms;   /* of the monotonic clock; 0: it rests */
};

struct health {
    pthread_mutex_t lock;
    char parts[HEALTH_PARTS][REASON_BYTES];
    int32_t partition_count;
    int thread_count;
    char (*partitions)[REASON_BYTES];
    struct thread_beat *threads;
};

static int64_t monotonic_ms(void) { return g_get_monotonic_time() / 1000; }

struct health *health_make(int32_t partitions, int threads) {
    struct health *health = calloc(1, sizeof *health);
    if (!health) return NULL;
    health->partition_count = partitions;
    health->thread_count = threads;
    health->partitions = calloc((size_t)partitions + 1, REASON_BYTES);
    health->threads = calloc((size_t)threads + 1, sizeof *health->threads);
    if (health->partitions && health->threads && pthread_mutex_init(&health->lock, NULL) == 0) return health;
    free(health->partitions);
    free(health->threads);
    free(health);
    return NULL;
}

void health_free(struct health *health) {
    if (!health) return;
    pthread_mutex_destroy(&health->lock);
    free(health->partitions);
    free(health->threads);
    free(health);
}

static void reason_set(struct health *health, char *to, const char *reason) {
    pthread_mutex_lock(&health->lock);
    snprintf(to, REASON_BYTES, "%s", reason ? reason : ""); /* not GLib's: the thread sanitizer does not see what that writes */
    pthread_mutex_unlock(&health->lock);
}

void health_set(struct health *health, enum health_part part, const char *reason) { reason_set(health, health->parts[part], reason); }

void health_partition(struct health *health, int32_t partition, const char *reason) {
    g_assert(partition >= 0 && partition < health->partition_count);
    reason_set(health, health->partitions[partition], reason);
}

void health_beat(struct health *health, int thread, const char *doing, int64_t limit_ms) {
    g_assert(thread >= 0 && thread < health->thread_count);
    pthread_mutex_lock(&health->lock);
    health->threads[thread] = (struct thread_beat){doing, limit_ms ? monotonic_ms() + limit_ms : 0};
    pthread_mutex_unlock(&health->lock);
}

bool health_late(struct health *health, int64_t grace_ms, int *thread, const char **doing) {
    int64_t now = monotonic_ms();
    bool late = false;
    pthread_mutex_lock(&health->lock);
    for (int i = 0; i < health->thread_count && !late; i++) {
        late = health->threads[i].until_ms && now > health->threads[i].until_ms + grace_ms;
        if (!late) continue;
        *thread = i;
        *doing = health->threads[i].doing;
    }
    pthread_mutex_unlock(&health->lock);
    return late;
}

/* Reasons are ours, but may quote a broker: they are escaped as JSON text. */
static void put_reason(FILE *out, bool first, const char *before, const char *reason) {
    fprintf(out, "%s\"%s", first ? "" : ",", before);
    for (; *reason; reason++) {
        unsigned char byte = (unsigned char)*reason;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            fputc('?', out);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

bool health_write_ready(FILE *out, struct health *health) {
    static const char *const names[HEALTH_PARTS] = {
        [HEALTH_BROKER] = "broker", [HEALTH_GROUP] = "group", [HEALTH_REGISTRY] = "registry",
        [HEALTH_DISK] = "disk",     [HEALTH_CLOCK] = "clock", [HEALTH_DRAINING] = "draining",
    };
    char *list = NULL;
    size_t size;
    FILE *reasons = open_memstream(&list, &size);
    bool ready = true;
    pthread_mutex_lock(&health->lock);
    for (int i = 0; i < HEALTH_PARTS; i++) {
        if (!*health->parts[i]) continue;
        char before[32];
        g_snprintf(before, sizeof before, "%s: ", names[i]);
        put_reason(reasons, ready, before, health->parts[i]);
        ready = false;
    }
    for (int32_t i = 0; i < health->partition_count; i++) {
        if (!*health->partitions[i]) continue;
        char before[32];
        g_snprintf(before, sizeof before, "partition %d: ", (int)i);
        put_reason(reasons, ready, before, health->partitions[i]);
        ready = false;
    }
    pthread_mutex_unlock(&health->lock);
    fclose(reasons);
    fprintf(out, "{\"ready\":%s,\"reasons\":[%s]}\n", ready ? "true" : "false", list);
    free(list);
    return ready;
}

bool health_write_alive(FILE *out, struct health *health) {
    int thread;
    const char *doing;
    if (!health_late(health, 0, &thread, &doing)) {
        fputs("{\"alive\":true}\n", out);
        return true;
    }
    fprintf(out, "{\"alive\":false,\"reasons\":[\"thread %d is late: %s\"]}\n", thread, doing);
    return false;
}
