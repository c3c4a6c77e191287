/*
 * A config that a run is wanted of, from the first look at its runs to the
 * last: step by step, so that many are dealt with at once.
 *
 *   LOOK     a run that is there covers what is wanted: done. Else the lock is tried.
 *   HOLD     the lock is ours. Looked at again, since others may have started one
 *            before; then a run that is RUNNING is waited for, and one is started.
 *   FOLLOW   the runs are waited for (--wait), without the lock.
 *
 * A start of which nobody knows the answer, ours or that of who held the lock
 * before, is given a whole lease to appear in the list of runs.
 */
#ifndef SLUICE_TRIGGER_DTSTRIGGER_TARGET_H
#define SLUICE_TRIGGER_DTSTRIGGER_TARGET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/backoff.h"
#include "lib/rowstream.h"
#include "trigger/event_input.h"
#include "trigger/lock.h"

/* What all targets share; borrowed. */
struct trigger {
	struct api *dts;
	struct locks *locks; /* NULL: nothing is to be started */
	struct rowstream_writer *out;
	struct retry_policy retry;
	int64_t every_ms; /* how often to look, at most */
	int64_t lease_ms;
	bool wait; /* for the end of the runs */
};

enum target_wish {
	WISH_CHANGE,   /* a run that is PENDING, or started after at_ns */
	WISH_RUN_TIME, /* a run for at_ns: one that is in flight, or a new one */
	WISH_RANGE,    /* runs for at_ns up to before_ns: new ones */
};

enum target_state { TARGET_LOOK, TARGET_HOLD, TARGET_FOLLOW };

struct target {
	enum target_wish wish;
	int64_t at_ns, before_ns;
	const struct changed *changed; /* of WISH_CHANGE, or NULL; borrowed */
	const char *dataset;           /* or NULL; borrowed */
	json_t *config;                /* a TransferConfig; owned */

	enum target_state state;
	bool done;
	int64_t due_ms; /* the next step, by the monotonic clock */
	int64_t pause_ms;
	int64_t not_before_ms; /* the next start; 0: at once */
	struct backoff backoff;
	struct lock *lock;
	json_t *runs;       /* that were found or started */
	const char *reason; /* why it is these */
	char waits_for[512];
};

/* config: stolen, also on failure. */
void target_init(struct target *t, const struct trigger *with, json_t *config);
void target_release(struct target *t);

/* For messages: the dataset, or the config. */
const char *target_label(const struct target *t);

/* One step, which may be the last (done). What it has found is on stdout then. */
int target_step(struct target *t, const struct trigger *with, struct error *err)
	__attribute__((warn_unused_result));

#endif
