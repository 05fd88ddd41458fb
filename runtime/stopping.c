#include "stopping.h"

#include <signal.h>
#include <stdbool.h>

static atomic_bool stopped;

static void on_signal(int signal_number) {
    (void)signal_number;
    atomic_store(&stopped, true);
}

const atomic_bool *stop_on_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return &stopped;
}
