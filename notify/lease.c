#include "notify/lease.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "notify/pubsub.h"

enum {
	GRANT_S = 60,                   /* what a lease is extended to */
	RETRY_MS = 1000,                /* after a request that failed */
	SETTLE_FOR_MS = 10 * 60 * 1000, /* for so long an acknowledgement is repeated */
	BUCKETS = 1024,
};

enum lease_state { LEASE_HELD, LEASE_DONE, LEASE_BACK };

struct lease {
	struct lease *next; /* of its bucket */
	char *id, *ack_id;
	enum lease_state state;
	int64_t delay_s;              /* of LEASE_BACK */
	int64_t granted_ms, until_ms; /* monotonic: when lent, and up to when */
	int64_t settled_ms;           /* when it was done with */
	int64_t next_ms;              /* nothing is sent before; after a failure */
	bool alone;                   /* refused among others: to be sent by itself */
	bool said;                    /* its expiry */
};

struct leases {
	struct api api;
	const char *subscription;
	int64_t first_ms;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* work for the thread, or less of it */
	struct lease *bucket[BUCKETS];
	size_t count;
	bool closing;
};

/* --- the table, under the lock -------------------------------------------------------------- */

static struct lease **find(struct leases *l, const char *id)
{
	uint32_t hash = 2166136261u;
	struct lease **at;

	for (const char *p = id; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	at = &l->bucket[hash % BUCKETS];
	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static void lease_free(struct lease *lease)
{
	if (!lease)
		return;
	free(lease->id);
	free(lease->ack_id);
	free(lease);
}

static void drop(struct leases *l, const char *id)
{
	struct lease **at = find(l, id), *lease = *at;

	if (!lease)
		return;
	*at = lease->next;
	lease_free(lease);
	l->count--;
	pthread_cond_broadcast(&l->changed);
}

/* --- what is to be said --------------------------------------------------------------------- */

/* One request: what it says of which messages. */
struct say {
	enum lease_state state;
	int64_t delay_s;
	json_t *ids, *ack_ids; /* arrays of one length */
};

/* When something must be said of it. */
static int64_t due_ms(const struct lease *lease)
{
	int64_t due = lease->state == LEASE_HELD
			      ? lease->granted_ms + (lease->until_ms - lease->granted_ms) / 2
			      : lease->settled_ms;

	return due > lease->next_ms ? due : lease->next_ms;
}

/* Does it go into a request that begins with the first? */
static bool fits(const struct say *say, const struct lease *lease)
{
	return json_array_size(say->ids) == 0 ||
	       (!lease->alone && lease->state == say->state && lease->delay_s == say->delay_s &&
		json_array_size(say->ids) < PUBSUB_ACK_IDS_MAX);
}

/* Fill say with what is due; the result is when the next thing is, or -1. */
static int64_t collect(struct leases *l, struct say *say)
{
	int64_t now = monotonic_ms(), earliest = -1;
	bool full = false;

	*say = (struct say){ .ids = json_array(), .ack_ids = json_array() };
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct lease *lease = l->bucket[i]; lease; lease = lease->next) {
			int64_t due = due_ms(lease);

			if (due > now) {
				earliest = earliest < 0 || due < earliest ? due : earliest;
				continue;
			}
			if (full || !fits(say, lease)) {
				earliest = now;
				continue;
			}
			say->state = lease->state;
			say->delay_s = lease->delay_s;
			json_array_append_new(say->ids, json_string(lease->id));
			json_array_append_new(say->ack_ids, json_string(lease->ack_id));
			full = lease->alone;
		}
	}
	return earliest;
}

static int send(struct leases *l, const struct say *say, struct error *err)
{
	if (say->state == LEASE_DONE)
		return pubsub_acknowledge(&l->api, l->subscription, say->ack_ids, err);
	return pubsub_modify_deadline(&l->api, l->subscription, say->ack_ids,
				      say->state == LEASE_HELD ? GRANT_S : say->delay_s, err);
}

/* --- what was answered, under the lock ------------------------------------------------------- */

static void answered(struct leases *l, const struct say *say, int64_t sent_ms)
{
	json_t *id;
	size_t i;

	json_array_foreach(say->ids, i, id) {
		struct lease *lease = *find(l, json_string_value(id));

		/* Or something else has become of it meanwhile. */
		if (!lease || lease->state != say->state)
			continue;
		if (say->state != LEASE_HELD) {
			drop(l, json_string_value(id));
			continue;
		}
		lease->granted_ms = sent_ms;
		lease->until_ms = sent_ms + GRANT_S * 1000;
		lease->alone = false;
	}
}

/* Is it of no use to say it again? */
static bool is_over(const struct lease *lease, const struct say *say, bool refused, int64_t now)
{
	/* One of many may be what the server does not know any more. */
	if (refused && (lease->alone || json_array_size(say->ids) == 1))
		return true;
	/* It has come back by itself. */
	if (say->state == LEASE_BACK)
		return now >= lease->until_ms;
	return say->state == LEASE_DONE && now - lease->settled_ms >= SETTLE_FOR_MS;
}

static void failed(struct leases *l, const struct say *say, const struct error *why)
{
	bool refused = why->code == ERR_REMOTE;
	int64_t now = monotonic_ms();
	json_t *item;
	size_t i;

	json_array_foreach(say->ids, i, item) {
		const char *id = json_string_value(item);
		struct lease *lease = *find(l, id);

		if (!lease)
			continue;
		lease->next_ms = now + RETRY_MS;
		if (say->state == LEASE_HELD && !lease->said && now >= lease->until_ms) {
			lease->said = true;
			log_warn("%s; message %s is ours no longer and will come again",
				 why->message, id);
		}
		if (lease->state != say->state)
			continue;
		if (say->state != LEASE_HELD && is_over(lease, say, refused, now)) {
			if (say->state == LEASE_DONE)
				log_warn("%s; message %s may come again", why->message, id);
			drop(l, id);
			continue;
		}
		if (refused) {
			lease->alone = true;
			lease->next_ms = say->state == LEASE_HELD ? lease->next_ms : now;
		}
	}
}

/* --- the thread ------------------------------------------------------------------------------ */

static void wait_until(struct leases *l, int64_t ms)
{
	struct timespec at = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (ms < 0)
		pthread_cond_wait(&l->changed, &l->lock);
	else
		pthread_cond_timedwait(&l->changed, &l->lock, &at);
}

static void *keep(void *argument)
{
	struct leases *l = argument;

	pthread_mutex_lock(&l->lock);
	while (!l->closing) {
		struct say say;
		int64_t next = collect(l, &say), sent = monotonic_ms();
		struct error err;

		if (json_array_size(say.ids) > 0) {
			int rc;

			pthread_mutex_unlock(&l->lock);
			rc = send(l, &say, &err);
			pthread_mutex_lock(&l->lock);
			if (rc == 0)
				answered(l, &say, sent);
			else
				failed(l, &say, &err);
		} else {
			wait_until(l, next);
		}
		json_decref(say.ids);
		json_decref(say.ack_ids);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- callers --------------------------------------------------------------------------------- */

static int start(struct leases *l, struct error *err)
{
	sigset_t all, old;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = pthread_create(&l->thread, NULL, keep, l);
	l->started = errno == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return l->started ? 0 : error_set_errno(err, ERR_OS, "thread");
}

int leases_new(const struct api_options *api, const char *subscription, int64_t first_ms,
	       struct leases **ret, struct error *err)
{
	struct api_options impatient = *api;
	struct leases *l = calloc(1, sizeof *l);
	pthread_condattr_t monotonic;

	if (!l)
		return error_nomem(err);
	l->subscription = subscription;
	l->first_ms = first_ms;
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	/* The thread repeats what failed; meanwhile there is more to say. */
	impatient.retry.budget_ms = 0;
	if (api_open(&l->api, &impatient, err) < 0 || start(l, err) < 0) {
		leases_free(l);
		return -1;
	}
	*ret = l;
	return 0;
}

static struct lease *lease_new(const char *id, const char *ack_id)
{
	struct lease *lease = calloc(1, sizeof *lease);

	if (!lease)
		return NULL;
	lease->id = strdup(id);
	lease->ack_id = strdup(ack_id);
	if (lease->id && lease->ack_id)
		return lease;
	lease_free(lease);
	return NULL;
}

int leases_hold(struct leases *l, const char *id, const char *ack_id, struct error *err)
{
	struct lease *fresh = lease_new(id, ack_id), **at;
	int64_t now = monotonic_ms();
	int rc = 1;

	if (!fresh)
		return error_nomem(err);
	fresh->granted_ms = now;
	fresh->until_ms = now + l->first_ms;
	pthread_mutex_lock(&l->lock);
	at = find(l, id);
	if (*at) {
		/* That it is done with holds for the new delivery too; what was to come again has come. */
		rc = (*at)->state == LEASE_BACK;
		(*at)->state = (*at)->state == LEASE_BACK ? LEASE_HELD : (*at)->state;
		free((*at)->ack_id);
		(*at)->ack_id = fresh->ack_id;
		(*at)->granted_ms = fresh->granted_ms;
		(*at)->until_ms = fresh->until_ms;
		(*at)->next_ms = 0;
		(*at)->said = (*at)->alone = false;
		fresh->ack_id = NULL;
	} else {
		*at = fresh;
		fresh = NULL;
		l->count++;
	}
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	lease_free(fresh);
	return rc;
}

static void settle(struct leases *l, const char *id, enum lease_state state, int64_t delay_s)
{
	struct lease *lease;

	pthread_mutex_lock(&l->lock);
	lease = *find(l, id);
	if (lease) {
		lease->state = state;
		lease->delay_s = delay_s;
		lease->settled_ms = monotonic_ms();
		lease->next_ms = 0;
		lease->alone = false;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
}

void leases_acknowledge(struct leases *l, const char *id)
{
	settle(l, id, LEASE_DONE, 0);
}

void leases_give_back(struct leases *l, const char *id, int64_t delay_s)
{
	settle(l, id, LEASE_BACK, delay_s);
}

size_t leases_count(struct leases *l)
{
	size_t count;

	pthread_mutex_lock(&l->lock);
	count = l->count;
	pthread_mutex_unlock(&l->lock);
	return count;
}

int leases_finish(struct leases *l, int64_t wait_ms)
{
	int64_t until = monotonic_ms() + wait_ms;
	int rc;

	pthread_mutex_lock(&l->lock);
	while (l->count > 0 && monotonic_ms() < until)
		wait_until(l, until);
	rc = l->count ? -1 : 0;
	pthread_mutex_unlock(&l->lock);
	return rc;
}

void leases_free(struct leases *l)
{
	if (!l)
		return;
	if (l->started) {
		pthread_mutex_lock(&l->lock);
		l->closing = true;
		pthread_cond_broadcast(&l->changed);
		pthread_mutex_unlock(&l->lock);
		api_cancel(&l->api);
		pthread_join(l->thread, NULL);
	}
	api_close(&l->api);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (l->bucket[i]) {
			struct lease *next = l->bucket[i]->next;

			lease_free(l->bucket[i]);
			l->bucket[i] = next;
		}
	}
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
