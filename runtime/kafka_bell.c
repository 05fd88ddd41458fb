#include "kafka_bell.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int bell_make(struct bell *bell, struct failure *failure) {
    bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return bell->fd < 0 ? fail_errno(failure, "make", "an eventfd") : 0;
}

void bell_free(struct bell *bell) {
    if (bell->fd >= 0) close(bell->fd);
}

void bell_ring(struct bell *bell) {
    uint64_t one = 1;
    (void)!write(bell->fd, &one, sizeof one);
}

void bell_wait(struct bell *bell, int64_t timeout_ms) {
    struct pollfd event = {.fd = bell->fd, .events = POLLIN};
    uint64_t rings;
    if (timeout_ms > 0) poll(&event, 1, (int)timeout_ms);
    (void)!read(bell->fd, &rings, sizeof rings);
}
