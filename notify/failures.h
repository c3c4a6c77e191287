/*
 * How often COMMAND has failed for a message, so that the delay before the
 * next delivery grows: 1 s, doubling to 10 min. Used where the server does not
 * count deliveries, which it does only with a dead-letter policy.
 */
#ifndef SLUICE_NOTIFY_FAILURES_H
#define SLUICE_NOTIFY_FAILURES_H

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

/* So many messages are remembered; beyond, delays begin anew. */
enum { FAILURES_MAX = 100000 };

struct failures {
	pthread_mutex_t lock;
	json_t *count; /* by message id */
};

void failures_init(struct failures *f);
void failures_release(struct failures *f);

/* One more; the result is how many there are. attempt: the server's own count, or 0. */
int64_t failures_add(struct failures *f, const char *id, int64_t attempt);

/* It went well. */
void failures_forget(struct failures *f, const char *id);

/* Seconds before the next delivery, after so many failures. */
int64_t failures_delay_s(int64_t count);

#endif
