/* The clock that limits and durations are measured by: nobody sets it. */
#ifndef SLUICE_LIB_CLOCK_H
#define SLUICE_LIB_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds. */
int64_t monotonic_ms(void);

#endif
