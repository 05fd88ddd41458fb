/* ns of CPU to read and to write one event of each type; the figures that ARCHITECTURE 4 and 5 rest on. */
#include <stdio.h>
#include <time.h>
#include "../../schemas/codec/codec.h"

enum { ROUNDS = 1000000 };

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void measure(const struct plan *plan, const char *name, const struct event *event) {
    static struct scratch scratch;
    struct refusal why;
    struct event out;
    uint8_t bytes[1024];
    size_t size = 0;
    int64_t taken = 0;
    double start = cpu_ns();
    for (int i = 0; i < ROUNDS; i++) size += codec_write(&shape_event, event, bytes, sizeof bytes);
    double written = cpu_ns();
    for (int i = 0; i < ROUNDS; i++) taken += codec_read(plan, bytes, size / ROUNDS, &out, &scratch, &why);
    double read = cpu_ns();
    printf("%-20s %4zu bytes  write %5.1f ns  read %5.1f ns%s\n", name, size / ROUNDS, (written - start) / ROUNDS,
           (read - written) / ROUNDS, taken == (int64_t)size ? "" : "  NOT READ");
}

int main(void) {
    char error[300];
    struct plan *plan;
    if (schemas_load(error, sizeof error) != 0 ||
        plan_make(&plan, schema_text("Event"), strlen(schema_text("Event")), &shape_event, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    const struct event head = {STR("acme-plumbing"), STR("01J9ZC4W8E5F6G7H8J9KABCDEF"), 1772355600250, STR_NULL, EVENT_TYPES,
                               {.subject = STR_NULL}};
    struct event event = head;
    event.type = EVENT_CALL_STARTED;
    event.body.call_started =
        (struct call_started){.call_id = STR("call-0000123456"), .from = STR("+12025550123"), .to = STR("+15550100999")};
    measure(plan, "CallStarted", &event);
    event.type = EVENT_AGENT_CONNECTED;
    event.body.agent_connected = (struct agent_connected){STR("call-0000123456"), STR("leg-1"), STR("agent-17")};
    measure(plan, "AgentConnected", &event);
    event.type = EVENT_CALL_ENDED;
    event.body.call_ended = (struct call_ended){STR("call-0000123456"), ENDED_BY_CALLER, STR_NULL};
    measure(plan, "CallEnded", &event);
    event.type = EVENT_JOB_BOOKED;
    event.body.job_booked =
        (struct job_booked){STR("job-123456"), STR("call-0000123456"), STR("cust-99"), STR("+12025550123"), 1772355600000, 1772442000000};
    measure(plan, "JobBooked", &event);
    plan_free(plan);
    schemas_unload();
    return 0;
}
