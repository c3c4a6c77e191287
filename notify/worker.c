#include "notify/worker.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "notify/message.h"
#include "notify/pubsub.h"
#include "notify/run.h"

/* How the handling of some messages may end; an error tells why, but with OUTCOME_DONE. */
enum outcome { OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_STOPPED, OUTCOME_FATAL };

static void note_activity(struct work *work)
{
	atomic_store(&work->active_ms, monotonic_ms());
}

/* --- COMMAND ------------------------------------------------------------------------------- */

/* Run it for messages[first] to messages[last - 1]. */
static enum outcome run_for(struct work *work, const json_t *messages, size_t first, size_t last,
			    struct error *err)
{
	auto_buf lines = BUF_INIT;
	bool fatal = false;

	if (atomic_load(&work->stopping))
		return OUTCOME_STOPPED;
	for (size_t i = first; i < last; i++)
		if (message_append(json_array_get(messages, i), &lines, err) < 0)
			return OUTCOME_FAILED;
	if (run_command(work, &lines, &fatal, err) == 0)
		return OUTCOME_DONE;
	if (fatal)
		return OUTCOME_FATAL;
	/* It may have been ended because of us. */
	return atomic_load(&work->stopping) && monotonic_ms() >= atomic_load(&work->stop_by_ms)
		       ? OUTCOME_STOPPED
		       : OUTCOME_FAILED;
}

/* --- settling ------------------------------------------------------------------------------ */

static void done(struct work *work, const json_t *message)
{
	const char *id = message_id(message);

	failures_forget(work->failures, id);
	leases_acknowledge(work->leases, id);
	atomic_fetch_add(&work->done, 1);
	note_activity(work);
}

static void give_back(struct work *work, const json_t *message, int64_t delay_s)
{
	leases_give_back(work->leases, message_id(message), delay_s);
	note_activity(work);
}

/* The delay after which it comes again. */
static int64_t fail(struct work *work, const json_t *message, const struct error *why)
{
	const json_t *attempt = json_object_get(message, "deliveryAttempt");
	const char *id = message_id(message), *key = message_ordering_key(message);
	int64_t count = failures_add(work->failures, id, json_integer_value(attempt));
	int64_t delay_s = failures_delay_s(count);

	log_warn("%s; message %s%s%s comes again in %lld s (failure %lld)", why->message, id,
		 *key ? " of key " : "", key, (long long)delay_s, (long long)count);
	give_back(work, message, delay_s);
	atomic_fetch_add(&work->failed, 1);
	return delay_s;
}

/* --- a batch ------------------------------------------------------------------------------- */

/* Of an ordering key nothing is done behind a message that failed: when it comes again, they do. */
static void remember_key(json_t *failed_keys, const json_t *message, int64_t delay_s)
{
	const char *key = message_ordering_key(message);

	if (*key)
		json_object_set_new(failed_keys, key, json_integer(delay_s));
}

static enum outcome one_by_one(struct work *work, const json_t *messages, struct error *err)
{
	json_t *failed_keys = json_object(), *message;
	enum outcome outcome = OUTCOME_DONE;
	size_t i;

	json_array_foreach((json_t *)messages, i, message) {
		const json_t *delay = json_object_get(failed_keys, message_ordering_key(message));

		if (delay) {
			give_back(work, message, json_integer_value(delay));
			continue;
		}
		/* After these two, run_for starts nothing more. */
		if (outcome != OUTCOME_STOPPED && outcome != OUTCOME_FATAL)
			outcome = run_for(work, messages, i, i + 1, err);
		if (outcome == OUTCOME_DONE)
			done(work, message);
		else if (outcome == OUTCOME_FAILED)
			remember_key(failed_keys, message, fail(work, message, err));
		else
			give_back(work, message, 0);
	}
	json_decref(failed_keys);
	return outcome;
}

/* -1: COMMAND cannot be started. */
static int process(struct work *work, const json_t *messages, struct error *err)
{
	size_t count = json_array_size(messages), i;
	enum outcome outcome = run_for(work, messages, 0, count, err);
	json_t *message;

	if (outcome == OUTCOME_FAILED && count > 1) {
		log_warn("%s; the %zu messages of the batch are tried one by one", err->message,
			 count);
		outcome = one_by_one(work, messages, err);
		return outcome == OUTCOME_FATAL ? -1 : 0;
	}
	json_array_foreach((json_t *)messages, i, message) {
		if (outcome == OUTCOME_DONE)
			done(work, message);
		else if (outcome == OUTCOME_FAILED)
			fail(work, message, err);
		else
			give_back(work, message, 0);
	}
	return outcome == OUTCOME_FATAL ? -1 : 0;
}

/* --- pulling ------------------------------------------------------------------------------- */

/* Those of the answer that are not held already; NULL after an error. */
static json_t *hold(struct work *work, const json_t *received, struct error *err)
{
	json_t *held = json_array(), *message;
	size_t i;

	json_array_foreach((json_t *)received, i, message) {
		const char *id = message_id(message), *ack_id = message_ack_id(message);
		int rc = id && ack_id ? leases_hold(work->leases, id, ack_id, err)
				      : error_set(err, ERR_PROTOCOL, "%s: a message without an id",
						  work->subscription);

		if (rc > 0 && json_array_append(held, message) < 0)
			rc = error_nomem(err);
		if (rc < 0) {
			json_decref(held);
			return NULL;
		}
	}
	return held;
}

/*
 * An answer that cannot be read may be one that is too large: those messages come again, and then fewer of them at
 * once. 0: to be tried again.
 */
static int pull_fewer(struct worker *w, struct error *err)
{
	if (err->code != ERR_PROTOCOL || w->at_once <= 1)
		return -1;
	w->at_once = w->at_once < 8 ? 1 : w->at_once / 4;
	log_warn("%s; until there are fewer, %lld messages are pulled at once", err->message,
		 (long long)w->at_once);
	return 0;
}

static int pull_and_process(struct worker *w, struct error *err)
{
	struct work *work = w->work;
	json_t *received, *held;
	int rc;

	if (pubsub_pull(&w->api, work->subscription, w->at_once, &received, err) < 0)
		return pull_fewer(w, err);
	if ((int64_t)json_array_size(received) < w->at_once)
		w->at_once = work->batch;
	held = hold(work, received, err);
	json_decref(received);
	if (!held)
		return -1;
	rc = 0;
	if (json_array_size(held) > 0) {
		note_activity(work);
		rc = process(work, held, err);
	}
	json_decref(held);
	return rc;
}

static void *run(void *argument)
{
	struct worker *w = argument;
	struct work *work = w->work;
	struct error err;
	int rc = 0;

	while (rc == 0 && !atomic_load(&work->stopping))
		rc = pull_and_process(w, &err);
	if (rc < 0 && !atomic_load(&work->stopping)) {
		w->error = err;
		atomic_store(&w->ended, true);
		eventfd_write(work->event, 1);
	}
	return NULL;
}

int worker_start(struct worker *w, struct work *work, const struct api_options *api,
		 struct error *err)
{
	sigset_t all, old;

	w->work = work;
	w->at_once = work->batch;
	if (api_open(&w->api, api, err) < 0)
		return -1;
	w->opened = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = pthread_create(&w->thread, NULL, run, w);
	w->started = errno == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w->started ? 0 : error_set_errno(err, ERR_OS, "thread");
}

void worker_join(struct worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	w->started = false;
}

void worker_release(struct worker *w)
{
	if (w->opened)
		api_close(&w->api);
	w->opened = false;
}
