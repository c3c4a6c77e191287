/* Topics and subscriptions. */
#include "tests/localcloud/pubsub_impl.h"

#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t pubsub_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct pubsub *pubsub_new(void)
{
	struct pubsub *ps = calloc(1, sizeof(*ps));
	pthread_condattr_t monotonic;

	pthread_mutex_init(&ps->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ps->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return ps;
}

void pubsub_delivery_free(struct delivery *d)
{
	json_decref(d->message);
	free(d);
}

static void entry_free(struct entry *e)
{
	while (e->first) {
		struct delivery *d = e->first;

		e->first = d->next;
		pubsub_delivery_free(d);
	}
	json_decref(e->resource);
	free(e->name);
	free(e);
}

void pubsub_free(struct pubsub *ps)
{
	if (!ps)
		return;
	for (int kind = 0; kind < 2; kind++) {
		while (ps->entries[kind]) {
			struct entry *e = ps->entries[kind];

			ps->entries[kind] = e->next;
			entry_free(e);
		}
	}
	pthread_cond_destroy(&ps->changed);
	pthread_mutex_destroy(&ps->lock);
	free(ps);
}

/* Where the entry stands, or belongs. */
static struct entry **place(struct pubsub *ps, enum pubsub_kind kind, const char *name)
{
	struct entry **at = &ps->entries[kind];

	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	return at;
}

struct entry *pubsub_find(struct pubsub *ps, enum pubsub_kind kind, const char *name,
			  struct api_error *err)
{
	struct entry *e = *place(ps, kind, name);

	if (e && strcmp(e->name, name) == 0)
		return e;
	api_fail(err, 404, "NOT_FOUND",
		 kind == PUBSUB_TOPICS ? "Topic not found" : "Subscription does not exist");
	return NULL;
}

/* The new entry, or NULL with 409. The lock is held. */
static struct entry *insert(struct pubsub *ps, enum pubsub_kind kind, const char *name,
			    json_t *resource, struct api_error *err)
{
	struct entry **at = place(ps, kind, name), *e;

	if (*at && strcmp((*at)->name, name) == 0) {
		api_fail(err, 409, "ALREADY_EXISTS", "%s already exists",
			 kind == PUBSUB_TOPICS ? "Topic" : "Subscription");
		return NULL;
	}
	e = calloc(1, sizeof(*e));
	e->name = strdup(name);
	e->resource = json_incref(resource);
	e->end = &e->first;
	e->next = *at;
	*at = e;
	json_object_set_new(resource, "name", json_string(name));
	return e;
}

static json_t *get(struct pubsub *ps, enum pubsub_kind kind, const char *name,
		   struct api_error *err)
{
	struct entry *e;
	json_t *resource;

	pthread_mutex_lock(&ps->lock);
	e = pubsub_find(ps, kind, name, err);
	resource = e ? json_deep_copy(e->resource) : NULL;
	pthread_mutex_unlock(&ps->lock);
	return resource;
}

/* 0 with the entry taken out and freed, or 404. The lock is held. */
static int take_out(struct pubsub *ps, enum pubsub_kind kind, const char *name,
		    struct api_error *err)
{
	struct entry *e = pubsub_find(ps, kind, name, err);

	if (!e)
		return -1;
	*place(ps, kind, name) = e->next;
	entry_free(e);
	return 0;
}

int pubsub_topic_create(struct pubsub *ps, const char *name, json_t *resource,
			struct api_error *err)
{
	const struct entry *e;

	pthread_mutex_lock(&ps->lock);
	e = insert(ps, PUBSUB_TOPICS, name, resource, err);
	pthread_mutex_unlock(&ps->lock);
	return e ? 0 : -1;
}

json_t *pubsub_topic_get(struct pubsub *ps, const char *name, struct api_error *err)
{
	return get(ps, PUBSUB_TOPICS, name, err);
}

int pubsub_topic_delete(struct pubsub *ps, const char *name, struct api_error *err)
{
	int rc;

	pthread_mutex_lock(&ps->lock);
	rc = take_out(ps, PUBSUB_TOPICS, name, err);
	for (struct entry *e = ps->entries[PUBSUB_SUBSCRIPTIONS]; rc == 0 && e; e = e->next)
		if (strcmp(ju_string(e->resource, "topic", ""), name) == 0)
			json_object_set_new(e->resource, "topic", json_string("_deleted-topic_"));
	pthread_mutex_unlock(&ps->lock);
	return rc;
}

static void read_policies(struct entry *e)
{
	const json_t *dead = json_object_get(e->resource, "deadLetterPolicy"),
		     *retry = json_object_get(e->resource, "retryPolicy");

	e->deadline_ms = ju_int64(e->resource, "ackDeadlineSeconds", 10) * 1000;
	e->ordered = ju_bool(e->resource, "enableMessageOrdering", false);
	e->max_attempts = dead ? ju_int64(dead, "maxDeliveryAttempts", 5) : 0;
	if (retry) {
		e->min_backoff_ms = pubsub_duration_ms(retry, "minimumBackoff", 10000);
		e->max_backoff_ms = pubsub_duration_ms(retry, "maximumBackoff", 600000);
	}
}

int pubsub_subscription_create(struct pubsub *ps, const char *name, json_t *resource,
			       struct api_error *err)
{
	const char *topic = ju_string(resource, "topic", "");
	struct entry *e = NULL;
	struct api_error ignored;

	pthread_mutex_lock(&ps->lock);
	if (pubsub_find(ps, PUBSUB_TOPICS, topic, &ignored))
		e = insert(ps, PUBSUB_SUBSCRIPTIONS, name, resource, err);
	else
		api_fail(err, 404, "NOT_FOUND", "Subscription topic does not exist");
	if (e)
		read_policies(e);
	pthread_mutex_unlock(&ps->lock);
	return e ? 0 : -1;
}

json_t *pubsub_subscription_get(struct pubsub *ps, const char *name, struct api_error *err)
{
	return get(ps, PUBSUB_SUBSCRIPTIONS, name, err);
}

int pubsub_subscription_delete(struct pubsub *ps, const char *name, struct api_error *err)
{
	int rc;

	pthread_mutex_lock(&ps->lock);
	rc = take_out(ps, PUBSUB_SUBSCRIPTIONS, name, err);
	/* Who waits for its messages is told that it is gone. */
	pthread_cond_broadcast(&ps->changed);
	pthread_mutex_unlock(&ps->lock);
	return rc;
}

json_t *pubsub_list(struct pubsub *ps, enum pubsub_kind kind, const char *prefix)
{
	json_t *list = json_array();

	pthread_mutex_lock(&ps->lock);
	for (const struct entry *e = ps->entries[kind]; e; e = e->next)
		if (strncmp(e->name, prefix, strlen(prefix)) == 0)
			json_array_append_new(list, json_deep_copy(e->resource));
	pthread_mutex_unlock(&ps->lock);
	return list;
}
