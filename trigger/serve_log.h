/*
 * The log of a run, as its user sees it: messages are gathered and sent every
 * so often by a thread of its own. Where there is nothing to send, an empty
 * message goes out, because the service fails a run of which it hears nothing
 * for the source's updateDeadlineSeconds.
 *
 * Messages that cannot be sent are kept for the next time; every one also
 * goes to our own log. Any thread may add.
 */
#ifndef SLUICE_TRIGGER_SERVE_LOG_H
#define SLUICE_TRIGGER_SERVE_LOG_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/log.h"

enum {
	RUN_LOG_CALL_MAX = 500,      /* messages of one call */
	RUN_LOG_KEPT_MAX = 20000,    /* more are counted instead */
	RUN_LOG_TEXT_MAX = 8 * 1024, /* longer ones are cut */
};

struct run_log {
	const char *run; /* its name; borrowed */
	const char *tag; /* of our own log's lines; borrowed */
	bool sends;      /* there is a service to send to */
	int64_t flush_ms;
	struct api api; /* of the thread */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	json_t *messages; /* under the lock, as all below */
	uint64_t left_out;
	bool ending;
};

/* options: of the Data Transfer Service; NULL: nothing is sent. */
int run_log_start(struct run_log *l, const struct api_options *options, const char *run,
		  const char *tag, int64_t flush_ms, struct error *err)
	__attribute__((warn_unused_result));

/* level: LOG_INFO, LOG_WARN or LOG_ERROR. */
void run_log_add(struct run_log *l, enum log_level level, const char *text, size_t n);

/* Send what there is, and end; what is added then goes to our own log only. Harmless on a zeroed struct. */
void run_log_stop(struct run_log *l);

#endif
