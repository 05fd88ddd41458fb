/* configured: the course of a command that works on a service's configuration: schemas and configuration are loaded, what fails is said. */
#ifndef RINGBACK_CONFIGURED_H
#define RINGBACK_CONFIGURED_H

#include "command.h"
#include "config.h"

/* What the command does. 0: done; 1: it ends with EXIT_FAILED, and has said why; -1: described in `failure`. */
typedef int configured_act(const struct arguments *arguments, const struct config *config, struct failure *failure);

/* A partition that was asked for; -1 described: there is no such one. */
int partition_must_be(const struct config *config, long long partition, struct failure *failure);

/* Acts on the configuration that the option `config` names; the exit code. */
int run_configured(const struct arguments *arguments, configured_act *act);

#endif
