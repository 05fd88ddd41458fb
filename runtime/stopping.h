/* stopping: how a service is told to end: SIGTERM and SIGINT set a flag that its loop looks at. */
#ifndef RINGBACK_STOPPING_H
#define RINGBACK_STOPPING_H

#include <stdatomic.h>

/* From now on these signals set the flag, and a connection that breaks is no signal. */
const atomic_bool *stop_on_signals(void);

#endif
