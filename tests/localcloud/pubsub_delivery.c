/* Messages: published, leased, acknowledged, given back, and dead at last. */
#include "tests/localcloud/pubsub_impl.h"

#include "tests/localcloud/json_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The longest that a pull sleeps before it looks whether its client is still there. */
#define LOOK_MS 100

int64_t pubsub_duration_ms(const json_t *object, const char *key, int64_t fallback)
{
	const char *text = ju_string(object, key, NULL);
	size_t n = text ? strlen(text) : 0;
	size_t whole = text ? strcspn(text, ".s") : 0;
	int64_t seconds, ms = 0;

	if (n == 0 || text[n - 1] != 's' || ju_parse_int64(text, whole, &seconds))
		return fallback;
	if (text[whole] == '.') {
		int64_t weight = 100;

		for (const char *p = text + whole + 1; *p >= '0' && *p <= '9'; p++, weight /= 10)
			ms += (*p - '0') * weight;
	}
	return seconds * 1000 + ms;
}

void pubsub_distribute(struct pubsub *ps, const char *topic, json_t *message)
{
	for (struct entry *e = ps->entries[PUBSUB_SUBSCRIPTIONS]; e; e = e->next) {
		struct delivery *d;

		if (strcmp(ju_string(e->resource, "topic", ""), topic) != 0)
			continue;
		d = calloc(1, sizeof(*d));
		d->message = json_incref(message);
		d->id = ju_int64(message, "messageId", 0);
		*e->end = d;
		e->end = &d->next;
	}
	pthread_cond_broadcast(&ps->changed);
}

static json_t *now_text(void)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%03dZ", text, (int)(now.tv_nsec / 1000000));
}

/* A copy of the message with the id and time of its publication. The lock is held. */
static json_t *stamp(struct pubsub *ps, const json_t *message)
{
	json_t *stamped = json_deep_copy(message);

	ju_set_int64(stamped, "messageId", ++ps->last_message);
	json_object_set_new(stamped, "publishTime", now_text());
	return stamped;
}

int pubsub_publish(struct pubsub *ps, const char *topic, const json_t *messages, json_t **ids,
		   struct api_error *err)
{
	const json_t *message;
	int rc = -1;
	size_t i;

	pthread_mutex_lock(&ps->lock);
	if (pubsub_find(ps, PUBSUB_TOPICS, topic, err)) {
		*ids = json_array();
		json_array_foreach(messages, i, message) {
			json_t *stamped = stamp(ps, message);

			json_array_append(*ids, json_object_get(stamped, "messageId"));
			pubsub_distribute(ps, topic, stamped);
			json_decref(stamped);
		}
		rc = 0;
	}
	pthread_mutex_unlock(&ps->lock);
	return rc;
}

static void remove_at(struct entry *e, struct delivery **at)
{
	struct delivery *d = *at;

	*at = d->next;
	if (e->end == &d->next)
		e->end = at;
	pubsub_delivery_free(d);
}

/* To the dead letter topic, with what the service tells of its life; false when there is no such topic. */
static bool bury(struct pubsub *ps, const struct entry *e, const struct delivery *d)
{
	const char *topic = ju_string(json_object_get(e->resource, "deadLetterPolicy"),
				      "deadLetterTopic", ""),
		   *project = e->name + strlen("projects/"), *id = strrchr(e->name, '/') + 1;
	struct api_error ignored;
	json_t *message, *attributes;

	if (!pubsub_find(ps, PUBSUB_TOPICS, topic, &ignored))
		return false;
	message = stamp(ps, d->message);
	attributes = json_object_get(message, "attributes");
	if (!attributes) {
		attributes = json_object();
		json_object_set_new(message, "attributes", attributes);
	}
	json_object_set_new(attributes, "CloudPubSubDeadLetterSourceDeliveryCount",
			    json_sprintf("%" PRId64, d->attempts));
	json_object_set_new(attributes, "CloudPubSubDeadLetterSourceSubscription", json_string(id));
	json_object_set_new(attributes, "CloudPubSubDeadLetterSourceSubscriptionProject",
			    json_stringn(project, strcspn(project, "/")));
	json_object_set(attributes, "CloudPubSubDeadLetterSourceTopicPublishTime",
			json_object_get(d->message, "publishTime"));
	pubsub_distribute(ps, topic, message);
	json_decref(message);
	return true;
}

/* The lease has ended without an acknowledgement. Returns whether the message is gone. */
static bool give_back(struct pubsub *ps, struct entry *e, struct delivery **at, int64_t now)
{
	struct delivery *d = *at;
	int64_t backoff = e->min_backoff_ms;

	if (e->max_attempts > 0 && d->attempts >= e->max_attempts && bury(ps, e, d)) {
		remove_at(e, at);
		return true;
	}
	for (int64_t i = 1; i < d->attempts && backoff < e->max_backoff_ms; i++)
		backoff *= 2;
	d->leased = false;
	d->until_ms = now + (backoff < e->max_backoff_ms ? backoff : e->max_backoff_ms);
	return false;
}

/* Ends the leases whose time is over, of all subscriptions: one may be the dead letters of another. */
static void end_leases(struct pubsub *ps, int64_t now)
{
	for (struct entry *e = ps->entries[PUBSUB_SUBSCRIPTIONS]; e; e = e->next) {
		struct delivery **at = &e->first;

		while (*at) {
			bool over = (*at)->leased && (*at)->until_ms <= now;

			if (!over || !give_back(ps, e, at, now))
				at = &(*at)->next;
		}
	}
}

static json_t *lease(struct pubsub *ps, struct entry *e, struct delivery *d, int64_t now)
{
	json_t *received;

	d->leased = true;
	d->lease = ++ps->last_lease;
	d->attempts++;
	d->until_ms = now + e->deadline_ms;
	received = json_pack("{s:o, s:o}", "ackId",
			     json_sprintf("%s:%s-%" PRId64, e->name,
					  ju_string(d->message, "messageId", ""), d->lease),
			     "message", json_deep_copy(d->message));
	if (e->max_attempts > 0)
		json_object_set_new(received, "deliveryAttempt", json_integer(d->attempts));
	return received;
}

/* An ordered subscription has one message of a key under way, the oldest. */
static json_t *take(struct pubsub *ps, struct entry *e, int64_t max, int64_t now)
{
	json_t *received = json_array(), *under_way = json_object();

	for (struct delivery *d = e->first; d && (int64_t)json_array_size(received) < max;
	     d = d->next) {
		const char *key = e->ordered ? ju_string(d->message, "orderingKey", "") : "";
		bool waits = key[0] && json_object_get(under_way, key);

		if (key[0])
			json_object_set_new(under_way, key, json_true());
		if (!waits && !d->leased && d->until_ms <= now)
			json_array_append_new(received, lease(ps, e, d, now));
	}
	json_decref(under_way);
	return received;
}

static void wait_a_little(struct pubsub *ps, int64_t until_ms)
{
	struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };

	pthread_cond_timedwait(&ps->changed, &ps->lock, &until);
}

int pubsub_pull(struct pubsub *ps, const char *subscription, int64_t max, int64_t wait_ms,
		pubsub_listener *listens, void *closure, json_t **ret, struct api_error *err)
{
	int64_t now = pubsub_now_ms(), end = now + wait_ms;
	struct entry *e;
	bool listening;

	*ret = NULL;
	pthread_mutex_lock(&ps->lock);
	while ((e = pubsub_find(ps, PUBSUB_SUBSCRIPTIONS, subscription, err))) {
		now = pubsub_now_ms();
		end_leases(ps, now);
		json_decref(*ret);
		listening = listens(closure);
		*ret = listening ? take(ps, e, max, now) : json_array();
		if (json_array_size(*ret) > 0 || now >= end || !listening)
			break;
		wait_a_little(ps, now + LOOK_MS < end ? now + LOOK_MS : end);
	}
	if (!e) {
		json_decref(*ret);
		*ret = NULL;
	}
	pthread_mutex_unlock(&ps->lock);
	return e ? 0 : -1;
}

/* Of "SUBSCRIPTION:MESSAGE-LEASE"; *message 0 when the id is another's. */
static void read_ack_id(const struct entry *e, const char *ack_id, int64_t *message, int64_t *lease)
{
	size_t n = strlen(e->name);
	const char *dash;

	*message = 0;
	if (!ack_id || strncmp(ack_id, e->name, n) != 0 || ack_id[n] != ':')
		return;
	ack_id += n + 1;
	dash = strchr(ack_id, '-');
	if (!dash || ju_parse_int64(dash + 1, strlen(dash + 1), lease) != 0 ||
	    ju_parse_int64(ack_id, (size_t)(dash - ack_id), message) != 0)
		*message = 0;
}

/* The place of the message that an id is for; NULL when it is done with. *current: the id's lease holds. */
static struct delivery **find(struct entry *e, const json_t *ack_id, bool *current)
{
	int64_t message, lease = 0;

	read_ack_id(e, json_string_value(ack_id), &message, &lease);
	/* Thousands may be under way: numbers are compared, not texts. */
	for (struct delivery **at = &e->first; message && *at; at = &(*at)->next) {
		if ((*at)->id != message)
			continue;
		*current = (*at)->leased && (*at)->lease == lease;
		return at;
	}
	return NULL;
}

int pubsub_acknowledge(struct pubsub *ps, const char *subscription, const json_t *ack_ids,
		       struct api_error *err)
{
	struct entry *e;
	const json_t *id;
	bool current;
	size_t i;

	pthread_mutex_lock(&ps->lock);
	end_leases(ps, pubsub_now_ms());
	e = pubsub_find(ps, PUBSUB_SUBSCRIPTIONS, subscription, err);
	json_array_foreach(e ? ack_ids : NULL, i, id) {
		struct delivery **at = find(e, id, &current);

		/* Late is as good: the message has been seen to. */
		if (at)
			remove_at(e, at);
	}
	pthread_cond_broadcast(&ps->changed);
	pthread_mutex_unlock(&ps->lock);
	return e ? 0 : -1;
}

int pubsub_modify_deadline(struct pubsub *ps, const char *subscription, const json_t *ack_ids,
			   int64_t seconds, struct api_error *err)
{
	int64_t now = pubsub_now_ms();
	struct entry *e;
	const json_t *id;
	bool current;
	size_t i;

	pthread_mutex_lock(&ps->lock);
	end_leases(ps, now);
	e = pubsub_find(ps, PUBSUB_SUBSCRIPTIONS, subscription, err);
	json_array_foreach(e ? ack_ids : NULL, i, id) {
		struct delivery **at = find(e, id, &current);

		if (at && current && seconds == 0)
			give_back(ps, e, at, now);
		else if (at && current)
			(*at)->until_ms = now + seconds * 1000;
	}
	pthread_cond_broadcast(&ps->changed);
	pthread_mutex_unlock(&ps->lock);
	return e ? 0 : -1;
}
