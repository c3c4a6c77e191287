#include "load/batch_lock.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/google/backoff.h"
#include "lib/google/crypto.h"
#include "lib/google/storage.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/parse.h"

enum { RENEW_MS = 20 * 1000, STALE_S = 90 };

struct batch_lock {
	struct api api; /* of the thread; before and after it, of the caller */
	struct storage_uri at;
	json_t *owner; /* what is in the object */
	int64_t generation;
	pthread_t thread;
	bool opened, started;
	int stop; /* an eventfd */
	atomic_bool lost;
};

static int write_object(struct batch_lock *l, int64_t generation, struct error *err)
{
	json_t *metadata = NULL;
	const char *text;
	int rc = storage_object_replace(&l->api, l->at.bucket, l->at.name, generation, l->owner,
					&metadata, err);

	if (rc > 0) {
		text = json_string_value(json_object_get(metadata, "generation"));
		if (!text || parse_int64(text, 1, INT64_MAX, &l->generation, err) < 0)
			rc = error_set(err, ERR_PROTOCOL,
				       "gs://%s/%s: the answer has no generation", l->at.bucket,
				       l->at.name);
	}
	json_decref(metadata);
	return rc;
}

/* --- keeping it ------------------------------------------------------------------------------ */

static void *keep(void *argument)
{
	struct batch_lock *l = argument;
	struct error err;

	/* A renewal that fails is followed by others before the lock is stale. */
	while (backoff_sleep(RENEW_MS, l->stop, &err) == 0) {
		if (write_object(l, l->generation, &err) == 0) {
			atomic_store(&l->lost, true);
			break;
		}
	}
	return NULL;
}

static int start(struct batch_lock *l, struct error *err)
{
	sigset_t all, old;

	l->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->stop < 0)
		return error_set_errno(err, ERR_OS, "eventfd");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = pthread_create(&l->thread, NULL, keep, l);
	l->started = errno == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return l->started ? 0 : error_set_errno(err, ERR_OS, "thread");
}

/* --- taking it ------------------------------------------------------------------------------- */

static json_t *make_owner(struct error *err)
{
	char host[256] = "", random[17];
	json_t *owner;

	if (gethostname(host, sizeof host - 1) < 0 || crypto_random_hex(random, 8, err) < 0)
		return NULL;
	owner = json_pack("{s:s,s:i,s:s}", "host", host, "pid", (int)getpid(), "owner", random);
	if (!owner)
		error_nomem(err);
	return owner;
}

/* Seconds since the object was written, by our clock; 0 where that cannot be told. */
static int64_t age_s(const json_t *metadata)
{
	const char *text = json_string_value(json_object_get(metadata, "updated"));
	struct tm tm = { 0 };

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		return 0;
	return (int64_t)(time(NULL) - timegm(&tm));
}

/* What another's object says. New reference, or NULL. */
static json_t *read_owner(struct batch_lock *l)
{
	auto_buf text = BUF_INIT_MAX(4096);
	struct error ignored;

	if (storage_object_read(&l->api, l->at.bucket, l->at.name, &text, &ignored) <= 0)
		return NULL;
	return json_loadb(text.data, text.length, 0, NULL);
}

static bool is_ours(const struct batch_lock *l, const json_t *owner)
{
	const char *a = json_string_value(json_object_get(l->owner, "owner"));
	const char *b = json_string_value(json_object_get(owner, "owner"));

	return b && !strcmp(a, b);
}

static int say_held(const struct batch_lock *l, const json_t *owner, int64_t age, struct error *err)
{
	const char *host = json_string_value(json_object_get(owner, "host"));

	return error_set(err, ERR_TEMP,
			 "gs://%s/%s is held by process %lld on %s, as of %lld s ago", l->at.bucket,
			 l->at.name, (long long)json_integer_value(json_object_get(owner, "pid")),
			 host ? host : "another host", (long long)age);
}

/* There is an object already. 1: it is ours now. 0: look again. */
static int take_over(struct batch_lock *l, struct error *err)
{
	json_t *metadata = NULL, *owner = NULL;
	int rc = storage_object_get(&l->api, l->at.bucket, l->at.name, &metadata, err);
	int64_t age = age_s(metadata);
	const char *text = json_string_value(json_object_get(metadata, "generation"));
	int64_t generation;

	if (rc <= 0)
		return rc;
	owner = read_owner(l);
	if (!text || parse_int64(text, 1, INT64_MAX, &generation, err) < 0) {
		rc = error_set(err, ERR_PROTOCOL, "gs://%s/%s has no generation", l->at.bucket,
			       l->at.name);
	} else if (owner && is_ours(l, owner)) {
		/* An answer was lost. */
		l->generation = generation;
	} else if (age < STALE_S) {
		rc = say_held(l, owner, age, err);
	} else {
		log_warn("gs://%s/%s was not renewed for %lld s: taken over", l->at.bucket,
			 l->at.name, (long long)age);
		rc = write_object(l, generation, err);
	}
	json_decref(metadata);
	json_decref(owner);
	return rc;
}

static int take(struct batch_lock *l, struct error *err)
{
	enum { ATTEMPTS = 5 };

	for (int i = 0; i < ATTEMPTS; i++) {
		int rc = write_object(l, 0, err);

		if (rc == 0)
			rc = take_over(l, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return error_set(err, ERR_TEMP, "gs://%s/%s changes hands all the time", l->at.bucket,
			 l->at.name);
}

static void release(struct batch_lock *l)
{
	if (l->started) {
		eventfd_write(l->stop, 1);
		pthread_join(l->thread, NULL);
	}
	io_close_fd(&l->stop);
	if (l->opened)
		api_close(&l->api);
	storage_uri_release(&l->at);
	json_decref(l->owner);
	free(l);
}

int batch_lock_take(const char *uri, const struct api_options *storage, struct batch_lock **ret,
		    struct error *err)
{
	struct batch_lock *l = calloc(1, sizeof *l);

	if (!l)
		return error_nomem(err);
	l->stop = -1;
	l->owner = make_owner(err);
	if (!l->owner || storage_uri_parse(uri, &l->at, err) < 0 ||
	    api_open(&l->api, storage, err) < 0)
		goto fail;
	l->opened = true;
	if (take(l, err) < 0)
		goto fail;
	if (start(l, err) < 0) {
		batch_lock_release(l);
		return -1;
	}
	*ret = l;
	return 0;
fail:
	release(l);
	return -1;
}

int batch_lock_check(struct batch_lock *l, struct error *err)
{
	if (!atomic_load(&l->lost))
		return 0;
	return error_set(err, ERR_TEMP, "gs://%s/%s was taken over by another process",
			 l->at.bucket, l->at.name);
}

void batch_lock_release(struct batch_lock *l)
{
	struct error err;

	if (!l)
		return;
	if (l->started) {
		eventfd_write(l->stop, 1);
		pthread_join(l->thread, NULL);
		l->started = false;
	}
	if (!atomic_load(&l->lost) &&
	    storage_object_delete_generation(&l->api, l->at.bucket, l->at.name, l->generation,
					     &err) < 0)
		log_warn("%s; the lock is free in %d s", err.message, STALE_S);
	release(l);
}
