/*
 * Which run covers a change: one of its config that is PENDING, or that has
 * started after the change and is RUNNING or SUCCEEDED. The list of runs is
 * the only ledger there is. No network.
 */
#ifndef SLUICE_TRIGGER_DTS_COVER_H
#define SLUICE_TRIGGER_DTS_COVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

/* References are owned; NULL where there is none. */
struct cover {
	json_t *run;     /* that covers the change; of several the one that is furthest */
	json_t *running; /* RUNNING, and does not cover it */
};

/* Look at more runs (an array of TransferRun). ERR_PROTOCOL: one that is malformed. */
int cover_add(struct cover *c, const json_t *runs, int64_t change_ns, struct error *err)
	__attribute__((warn_unused_result));
void cover_release(struct cover *c);

/* Of a TransferRun. "" where it is missing. */
const char *run_name(const json_t *run);
const char *run_state(const json_t *run);

/* PENDING or RUNNING. */
bool run_in_flight(const json_t *run);

#endif
