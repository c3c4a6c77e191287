/*
 * Waiting between attempts: 1 s, doubling to 32 s, each with up to a second
 * of jitter on top, until the budget is used up. The values are BigQuery's
 * SLA and the budget of Google's own clients.
 *
 * Programs set the first delay with the option --retry-initial D and the
 * budget with --retry-for D, which users of a local stand-in and tests make
 * small; there is no hidden variable.
 */
#ifndef SLUICE_LIB_GOOGLE_BACKOFF_H
#define SLUICE_LIB_GOOGLE_BACKOFF_H

#include <stdint.h>

#include "lib/error.h"

struct retry_policy {
	int64_t initial_ms; /* the first delay */
	int64_t max_ms;     /* no delay doubles past this */
	int64_t budget_ms;  /* no attempt begins later than this after the first failure */
};

#define RETRY_POLICY_DEFAULT                                             \
	{                                                                \
		.initial_ms = 1000, .max_ms = 32000, .budget_ms = 600000 \
	}

struct backoff {
	struct retry_policy policy;
	int64_t next_ms;     /* the next delay without jitter */
	int64_t deadline_ms; /* monotonic; 0 until the first wait */
	unsigned waits;
};

void backoff_init(struct backoff *b, const struct retry_policy *policy);

/* There was progress: the next failure begins again with the first delay and the whole budget. */
void backoff_reset(struct backoff *b);

/* The delay that backoff_wait would take now; grows the next one. No clock, no sleep. */
int64_t backoff_next_ms(struct backoff *b, int64_t at_least_ms);

/*
 * Sleep before the next attempt, at least at_least_ms (Retry-After). 1: go
 * on. 0: the budget would be passed, nothing was waited. -1: an ending
 * signal, or cancel_fd (or -1) became readable.
 */
int backoff_wait(struct backoff *b, int64_t at_least_ms, int cancel_fd, struct error *err)
	__attribute__((warn_unused_result));

/* Sleep that long: the same failures. */
int backoff_sleep(int64_t delay_ms, int cancel_fd, struct error *err)
	__attribute__((warn_unused_result));

#endif
