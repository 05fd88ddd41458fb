/*
 * client: what stands in for librdkafka: its functions, as runtime/kafka*.c calls them, over the simulated brokers (broker.h).
 *
 * Handles live as long as the run: a request may arrive after whoever sent it is dead. What librdkafka does on threads of its own happens in
 * events, and stops while its process is frozen. It behaves as 2.0.2 does: requests are repeated until they are answered, fenced is fatal,
 * what cannot be delivered has to be aborted.
 */
#ifndef RINGBACK_SIM_CLIENT_H
#define RINGBACK_SIM_CLIENT_H

#include "broker.h"

/* How requests travel. */
struct wire {
    int64_t latency_most; /* us, one way */
    int64_t trouble;      /* per mille of requests that are lost, or whose answers are, or that arrive late */
    int64_t late_most;    /* us */
    int64_t refused;      /* per mille of first records to a log that are not there though it is said that they are */
    int64_t queue_full;   /* per mille of records that find the producer's queue full */
};
extern struct wire wire;

#define PROPERTIES_MAX 64
struct rd_kafka_conf_s {
    struct {
        char name[64], value[256];
    } properties[PROPERTIES_MAX];
    int count;
    void *opaque;
    void (*delivered)(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque);
    void (*went_wrong)(rd_kafka_t *handle, int code, const char *text, void *opaque);
    void (*rebalanced)(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque);
};
const char *client_property(const rd_kafka_t *handle, const char *name); /* NULL: not set */

#define HEADERS_MAX 10
struct rd_kafka_headers_s {
    int count;
    struct {
        char name[48];
        char *value;
        size_t size;
    } headers[HEADERS_MAX];
};

/* The first member is what the program sees. */
struct message {
    rd_kafka_message_t seen;
    int64_t at_ms;
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers;
    struct message *next;
};
struct messages {
    struct message *first, **last;
    size_t count;
};
void messages_add(struct messages *messages, struct message *message);
struct message *messages_take(struct messages *messages); /* NULL: there is none */

struct rd_kafka_topic_s {
    rd_kafka_t *handle;
    char name[64];
};

struct queued {
    struct outgoing out;
    void *opaque;
    int64_t since;
    bool sent;
    struct queued *next;
};

struct rd_kafka_s {
    struct rd_kafka_conf_s conf;
    struct instance *instance;
    int incarnation;
    bool closed;
    char name[80];
    int errors[16], error_count; /* not told yet */

    struct { /* client_producer.c */
        struct producer_id id;
        bool in_transaction, has_offsets, sending;
        uint64_t registered; /* logs that are part of the transaction */
        struct queued *first, **last;
        size_t waiting, batch;
        int32_t sequences[LOGS_MAX];
        struct messages reports;
        rd_kafka_resp_err_t fatal, abortable;
        int64_t timeout;
    } producer;

    int64_t highs[LOGS_MAX]; /* client_reader.c: where each log ended as of its last fetch */

    struct { /* client_member.c */
        struct membership id;
        bool subscribed, joining, leaving, has_assignment, lost, beating;
        enum { MEMBER_NOTHING, MEMBER_ASSIGN, MEMBER_REVOKE } next; /* to be told */
        int32_t first, count;
    } member;
};

/* What librdkafka's threads may do: 0: now; else they are to try again then; SIM_NEVER: the handle is no more. */
int64_t client_may_act(const rd_kafka_t *handle);
/* Is told to the program when it polls. */
void client_error(rd_kafka_t *handle, int code);

/* One request, of one of these kinds; kept until the end of the run. */
struct request {
    rd_kafka_t *handle;
    void (*serve)(struct request *request); /* at the brokers; fills in code and the answer */
    rd_kafka_resp_err_t code;
    bool answered;
    union {
        struct producer_id producer;
        struct group_offsets offsets;
        rd_kafka_topic_partition_list_t *list;
        bool commit;
    } of;
    struct producer_id by;
    struct membership member;
};
/* Sends it, again and again, until it is answered: the answer, or NULL: `until` has come. */
struct request *client_call(const struct request *request, int64_t until);

rd_kafka_error_t *client_failed(rd_kafka_resp_err_t code, bool retriable, const char *text);
extern rd_kafka_resp_err_t client_last_error;

#endif
