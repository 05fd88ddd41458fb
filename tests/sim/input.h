/* input: what whoever writes to the sources does: an invented network (generate.h), with repetitions, disorder, transactions and nonsense. */
#ifndef RINGBACK_SIM_INPUT_H
#define RINGBACK_SIM_INPUT_H

#include "broker.h"

#define INPUT_ENDS (30 * SIM_SECOND) /* from then on nothing comes */

void input_begin(int32_t partitions, uint64_t seed);

#endif
