/*
 * Topics, subscriptions and messages of Pub/Sub, in memory: they end with the process, as those of Google's emulator
 * do. A message is there for every subscription that its topic had when it was published, until it is acknowledged.
 *
 * All functions are thread-safe. Names are whole, "projects/P/topics/T". Failures carry the google.rpc.Code name as
 * their reason.
 */
#ifndef LOCALCLOUD_PUBSUB_H
#define LOCALCLOUD_PUBSUB_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>
#include <stdint.h>

struct pubsub;

struct pubsub *pubsub_new(void);
void pubsub_free(struct pubsub *ps);

/* 409 when the name is taken. The resource becomes what the service shows of it; see pubsub_check.h. */
int pubsub_topic_create(struct pubsub *ps, const char *name, json_t *resource,
			struct api_error *err);
json_t *pubsub_topic_get(struct pubsub *ps, const char *name, struct api_error *err);
/* Its subscriptions stay, with what they still have. */
int pubsub_topic_delete(struct pubsub *ps, const char *name, struct api_error *err);

/* resource has defaults filled in: topic, ackDeadlineSeconds and the policies. 404 without the topic. */
int pubsub_subscription_create(struct pubsub *ps, const char *name, json_t *resource,
			       struct api_error *err);
json_t *pubsub_subscription_get(struct pubsub *ps, const char *name, struct api_error *err);
int pubsub_subscription_delete(struct pubsub *ps, const char *name, struct api_error *err);

enum pubsub_kind { PUBSUB_TOPICS, PUBSUB_SUBSCRIPTIONS };
/* New array of the resources whose name begins with prefix, by name. */
json_t *pubsub_list(struct pubsub *ps, enum pubsub_kind kind, const char *prefix);

/* messages: an array of PubsubMessage, not changed. *ids: new reference to their ids. */
int pubsub_publish(struct pubsub *ps, const char *topic, const json_t *messages, json_t **ids,
		   struct api_error *err);

/* Whether there is still somebody to give messages to. */
typedef bool pubsub_listener(void *closure);

/*
 * At most max messages, leased to the caller: a new array of {"ackId","message","deliveryAttempt"}. Waits up to wait_ms
 * for the first one, or until nobody listens.
 */
int pubsub_pull(struct pubsub *ps, const char *subscription, int64_t max, int64_t wait_ms,
		pubsub_listener *listens, void *closure, json_t **ret, struct api_error *err);

/* Ids that are not known, or done with, are no error: acknowledging is idempotent. */
int pubsub_acknowledge(struct pubsub *ps, const char *subscription, const json_t *ack_ids,
		       struct api_error *err);
/* seconds 0 gives the messages back. A lease that has run out cannot be extended. */
int pubsub_modify_deadline(struct pubsub *ps, const char *subscription, const json_t *ack_ids,
			   int64_t seconds, struct api_error *err);

#endif
