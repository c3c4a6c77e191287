/*
 * Workers: each pulls messages, runs COMMAND on them and settles them, with a
 * connection of its own. What one of them does is decided by COMMAND's exit
 * status alone.
 */
#ifndef SLUICE_NOTIFY_WORKER_H
#define SLUICE_NOTIFY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "notify/failures.h"
#include "notify/lease.h"

/* How long, beyond COMMAND's end, there is to say what became of its messages. */
enum { WORK_SETTLE_MS = 5 * 1000 };

/* What all workers share; made by the main thread. */
struct work {
	const char *subscription;
	char *const *command;
	int64_t batch;
	int64_t max_lease_ms;
	struct leases *leases;
	struct failures *failures;
	int event;                  /* an eventfd: a worker has something for the main thread */
	int stop;                   /* an eventfd, readable once it is to end */
	atomic_bool stopping;       /* pull no more; start no COMMAND */
	atomic_llong stop_by_ms;    /* monotonic: a COMMAND that runs then is ended */
	atomic_llong active_ms;     /* monotonic: when a message last came or was done with */
	atomic_ullong done, failed; /* messages */
};

struct worker {
	struct work *work;
	pthread_t thread;
	struct api api;
	int64_t at_once; /* messages of a pull at most: work->batch, or fewer where they are large */
	bool opened, started;
	atomic_bool ended; /* it has failed: error says why */
	struct error error;
};

/* Signals are blocked in its thread. */
int worker_start(struct worker *w, struct work *work, const struct api_options *api,
		 struct error *err) __attribute__((warn_unused_result));

/* Wait for its end. Harmless for one that was not started. */
void worker_join(struct worker *w);

void worker_release(struct worker *w);

#endif
