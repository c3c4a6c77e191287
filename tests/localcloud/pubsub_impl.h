/* Shared by the files that keep Pub/Sub only. */
#ifndef LOCALCLOUD_PUBSUB_IMPL_H
#define LOCALCLOUD_PUBSUB_IMPL_H

#include "tests/localcloud/pubsub.h"

#include <pthread.h>

/* One message for one subscription, until it is acknowledged. */
struct delivery {
	struct delivery *next;
	json_t *message;
	int64_t id; /* its messageId */
	int64_t attempts;
	int64_t lease;    /* number of the latest one; 0: never delivered */
	bool leased;      /* somebody has it */
	int64_t until_ms; /* leased: end of the lease; else: not to be delivered before */
};

/* A topic or a subscription; what stands below the line is a subscription's. */
struct entry {
	struct entry *next; /* by name */
	char *name;
	json_t *resource;

	struct delivery *first, **end;
	int64_t deadline_ms;
	bool ordered;
	int64_t max_attempts;                   /* 0: no dead letters */
	int64_t min_backoff_ms, max_backoff_ms; /* 0: none */
};

struct pubsub {
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t changed;
	struct entry *entries[2]; /* by enum pubsub_kind */
	int64_t last_message, last_lease;
};

int64_t pubsub_now_ms(void); /* monotonic */
/* NULL and 404 when there is none. The lock is held. */
struct entry *pubsub_find(struct pubsub *ps, enum pubsub_kind kind, const char *name,
			  struct api_error *err);
void pubsub_delivery_free(struct delivery *d);
/* Gives the topic's message, which has its id, to all its subscriptions. The lock is held. */
void pubsub_distribute(struct pubsub *ps, const char *topic, json_t *message);
/* Seconds of a duration such as "1.5s", in ms; fallback where there is none. */
int64_t pubsub_duration_ms(const json_t *object, const char *key, int64_t fallback);

#endif
