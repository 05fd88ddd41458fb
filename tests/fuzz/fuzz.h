/*
 * fuzz: what the targets share. A target takes any bytes and must neither crash, leak, hang, nor accept what it cannot write
 * and read again the same.
 */
#ifndef RINGBACK_FUZZ_H
#define RINGBACK_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "../../schemas/codec/codec.h"

/* Stays on in every build: a broken promise is a crash that libFuzzer keeps. */
#define PROMISE(condition)                                                                                                              \
    do {                                                                                                                               \
        if (!(condition)) {                                                                                                            \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                                                    \
            abort();                                                                                                                   \
        }                                                                                                                              \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The plan that reads what we write ourselves. */
static inline struct plan *plan_of(const char *name, const struct shape *shape) {
    char error[400];
    struct plan *plan;
    const char *schema = schema_text(name);
    PROMISE(plan_make(&plan, schema, strlen(schema), shape, error, sizeof error) == 0);
    return plan;
}

#endif
