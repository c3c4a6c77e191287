/*
 * Pub/Sub's REST API, v1, as far as a subscriber needs it. The api is one of
 * SERVICE_PUBSUB; a subscription is named "projects/P/subscriptions/S".
 * https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
 */
#ifndef SLUICE_NOTIFY_PUBSUB_H
#define SLUICE_NOTIFY_PUBSUB_H

#include <jansson.h>

#include "lib/error.h"
#include "lib/google/api.h"

enum {
	PUBSUB_PULL_MAX = 1000,      /* messages of one answer */
	PUBSUB_DEADLINE_MIN_S = 10,  /* of a subscription */
	PUBSUB_DEADLINE_MAX_S = 600, /* that modifyAckDeadline takes */
	PUBSUB_ACK_IDS_MAX = 500,    /* that are well below a request's 512 KiB */
};

/*
 * The Subscription. 1: *ret is the caller's. 0: it may be there, but we may
 * not look at it (a subscriber need not be a viewer). ERR_REMOTE: there is
 * none.
 */
int pubsub_subscription_get(struct api *a, const char *subscription, json_t **ret,
			    struct error *err) __attribute__((warn_unused_result));

/*
 * Wait until there are messages, up to a minute and a half. *ret is an array
 * of ReceivedMessage, empty when there was none; the caller's.
 */
int pubsub_pull(struct api *a, const char *subscription, int64_t max, json_t **ret,
		struct error *err) __attribute__((warn_unused_result));

/* ids: an array of ackId, at most PUBSUB_ACK_IDS_MAX; borrowed. */
int pubsub_acknowledge(struct api *a, const char *subscription, json_t *ids, struct error *err)
	__attribute__((warn_unused_result));

/* From now on; 0 gives them back at once. As pubsub_acknowledge. */
int pubsub_modify_deadline(struct api *a, const char *subscription, json_t *ids, int64_t seconds,
			   struct error *err) __attribute__((warn_unused_result));

#endif
