/*
 * What Pub/Sub accepts: names, topics, subscriptions and messages. 400 for what the service refuses, 501 for what only
 * localcloud does not do.
 */
#ifndef LOCALCLOUD_PUBSUB_CHECK_H
#define LOCALCLOUD_PUBSUB_CHECK_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>

/* "projects/PROJECT/COLLECTION/ID"; collection is "topics" or "subscriptions". */
int pubsub_check_name(const char *collection, const char *name, struct api_error *err);
/* Members of a request that are not in the list, which ends with NULL. */
int pubsub_check_members(const json_t *body, const char *const *known, struct api_error *err);

/* New reference: the topic or subscription that the request describes, with defaults. */
json_t *pubsub_new_topic(const json_t *body, struct api_error *err);
json_t *pubsub_new_subscription(const json_t *body, struct api_error *err);

int pubsub_check_messages(const json_t *messages, struct api_error *err);

#endif
