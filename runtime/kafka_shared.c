/* What all partitions of a process share (kafka_partition.h). */
#include "kafka_partition.h"

#define REGISTRY_WAIT_MS 10000

int shared_make(struct shared *shared, const struct config *config, struct failure *failure) {
    *shared = (struct shared){.config = config};
    if (kafka_settings_check(config, failure) < 0) return -1;
    shared->metrics = metrics_make((int32_t)config->partitions);
    shared->health = health_make((int32_t)config->partitions, (int)config->partitions + 1);
    if (!shared->metrics || !shared->health) return fail_memory(failure);
    turns_make(&shared->turns, config->workers);
    return 0;
}

int shared_open(struct shared *shared, struct failure *failure) {
    if (journal_form_make(&shared->form, failure) < 0) return -1;
    if (registry_open(&shared->registry, shared->config, shared->metrics, failure) < 0) return -1;
    if (registry_own(shared->registry, REGISTRY_WAIT_MS, shared->own, failure) < 0) return -1;
    shared->looker = kafka_open_plain(shared->config, KAFKA_LOOKER, failure);
    return shared->looker ? 0 : -1;
}

void shared_close(struct shared *shared) {
    if (shared->looker) rd_kafka_destroy(shared->looker);
    registry_close(shared->registry);
    journal_form_free(&shared->form);
}

void shared_free(struct shared *shared) {
    health_free(shared->health);
    metrics_free(shared->metrics);
}
