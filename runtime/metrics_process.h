/*
 * metrics_process: what Prometheus's own clients say of every process, and which build it is; read when asked (inside metrics.c only).
 */
#ifndef RINGBACK_METRICS_PROCESS_H
#define RINGBACK_METRICS_PROCESS_H

#include <stdio.h>

void metrics_process_write(FILE *out);
void metrics_process_page(FILE *out);

#endif
