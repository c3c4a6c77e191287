/*
 * Handlers of the REST API of Pub/Sub. ex->param holds the project and, where the path has it, the id of the topic or
 * subscription, with the verb behind a colon where it is a POST.
 */
#ifndef LOCALCLOUD_PUBSUB_API_H
#define LOCALCLOUD_PUBSUB_API_H

#include "tests/localcloud/http.h"

int pubsub_topics_list(struct exchange *ex, struct api_error *err);
int pubsub_topics_create(struct exchange *ex, struct api_error *err);
int pubsub_topics_get(struct exchange *ex, struct api_error *err);
int pubsub_topics_delete(struct exchange *ex, struct api_error *err);
int pubsub_topics_subscriptions(struct exchange *ex, struct api_error *err);
int pubsub_topics_post(struct exchange *ex, struct api_error *err); /* :publish */

int pubsub_subscriptions_list(struct exchange *ex, struct api_error *err);
int pubsub_subscriptions_create(struct exchange *ex, struct api_error *err);
int pubsub_subscriptions_get(struct exchange *ex, struct api_error *err);
int pubsub_subscriptions_delete(struct exchange *ex, struct api_error *err);
/* :pull, :acknowledge, :modifyAckDeadline */
int pubsub_subscriptions_post(struct exchange *ex, struct api_error *err);

bool pubsub_is_path(const char *path);
/* Errors without BigQuery's list of them. */
void pubsub_error_answer(struct exchange *ex, const struct api_error *err);

#endif
