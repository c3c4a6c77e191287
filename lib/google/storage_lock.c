#include "lib/google/storage_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/google/backoff.h"
#include "lib/google/crypto.h"
#include "lib/google/storage.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/parse.h"

/* A renewal that fails is given up so soon that others can follow before the lock is stale, and its release is not kept. */
enum { RETRY_MS = 10 * 1000, ATTEMPT_MS = 10 * 1000, GRACE_MS = 5000 };
enum { RENEW_MS = 20 * 1000, STALE_S = 90, LOOK_FIRST_MS = 50, LOOK_LONGEST_MS = 2000 };

struct storage_lock {
	struct api api; /* of the thread; before and after it, of the caller */
	struct storage_uri at;
	json_t *owner; /* what is in the object */
	int64_t generation;
	pthread_t thread;
	bool opened, started;
	int stop; /* an eventfd */
	atomic_bool lost;
};

static int write_object(struct storage_lock *l, int64_t generation, struct error *err)
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

/* What another's object says. New reference, or NULL. */
static json_t *read_owner(struct api *api, const struct storage_uri *at)
{
	auto_buf text = BUF_INIT_MAX(4096);
	struct error ignored;

	if (storage_object_read(api, at->bucket, at->name, &text, &ignored) <= 0)
		return NULL;
	return json_loadb(text.data, text.length, 0, NULL);
}

static bool is_ours(const struct storage_lock *l, const json_t *owner)
{
	const char *a = json_string_value(json_object_get(l->owner, "owner"));
	const char *b = json_string_value(json_object_get(owner, "owner"));

	return b && !strcmp(a, b);
}

/*
 * It is not the generation that we know. 1: it is ours all the same, since the answer to the request that wrote it
 * was lost; 0: another's, or gone.
 */
static int find_again(struct storage_lock *l, struct error *err)
{
	json_t *metadata = NULL, *owner;
	int rc = storage_object_get(&l->api, l->at.bucket, l->at.name, &metadata, err);
	const char *text = json_string_value(json_object_get(metadata, "generation"));

	if (rc <= 0)
		return rc;
	owner = read_owner(&l->api, &l->at);
	if (!owner)
		rc = error_set(err, ERR_TEMP, "gs://%s/%s cannot be read", l->at.bucket,
			       l->at.name);
	else if (!is_ours(l, owner))
		rc = 0;
	else if (!text || parse_int64(text, 1, INT64_MAX, &l->generation, err) < 0)
		rc = error_set(err, ERR_PROTOCOL, "gs://%s/%s has no generation", l->at.bucket,
			       l->at.name);
	json_decref(metadata);
	json_decref(owner);
	return rc;
}

/* --- keeping it ------------------------------------------------------------------------------ */

static void *keep(void *argument)
{
	struct storage_lock *l = argument;
	struct error err;

	/* A renewal that fails is followed by others before the lock is stale. */
	while (backoff_sleep(RENEW_MS, l->stop, &err) == 0) {
		int rc = write_object(l, l->generation, &err);

		if (rc == 0 && find_again(l, &err) == 0) {
			atomic_store(&l->lost, true);
			break;
		}
	}
	return NULL;
}

static int start(struct storage_lock *l, struct error *err)
{
	sigset_t all, old;

	l->api.retry.budget_ms = RETRY_MS;
	l->api.timeout_ms = ATTEMPT_MS;
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

/* Where a process id means one process: this boot of this host, this namespace of ids. Empty where it cannot be told. */
static void find_place(char *place, size_t size)
{
	char boot[64] = "", space[64] = "";
	auto_fd fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	*place = '\0';
	if (fd < 0 || read(fd, boot, sizeof boot - 1) <= 0 ||
	    readlink("/proc/self/ns/pid", space, sizeof space - 1) <= 0)
		return;
	snprintf(place, size, "%.*s %s", (int)strcspn(boot, "\n"), boot, space);
}

static json_t *make_owner(struct error *err)
{
	char host[256] = "", random[17], place[160];
	json_t *owner;

	if (gethostname(host, sizeof host - 1) < 0 || crypto_random_hex(random, 8, err) < 0)
		return NULL;
	find_place(place, sizeof place);
	owner = json_pack("{s:s,s:i,s:s,s:s}", "host", host, "pid", (int)getpid(), "owner", random,
			  "place", place);
	if (!owner)
		error_nomem(err);
	return owner;
}

/* It was a process of this very place, and is none any more. Where its id has been given away, that is not seen. */
static bool is_dead(const json_t *owner)
{
	const char *where = json_string_value(json_object_get(owner, "place"));
	json_int_t pid = json_integer_value(json_object_get(owner, "pid"));
	char place[160];

	find_place(place, sizeof place);
	return where && *where && !strcmp(where, place) && pid > 0 && pid <= INT32_MAX &&
	       kill((pid_t)pid, 0) < 0 && errno == ESRCH;
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

static int say_held(const struct storage_uri *at, const json_t *owner, int64_t age,
		    struct error *err)
{
	const char *host = json_string_value(json_object_get(owner, "host"));

	return error_set(err, ERR_TEMP,
			 "gs://%s/%s is held by process %lld on %s, as of %lld s ago", at->bucket,
			 at->name, (long long)json_integer_value(json_object_get(owner, "pid")),
			 host ? host : "another host", (long long)age);
}

/* There is an object already. 1: it is ours now. 0: look again. -1 with *held: it is another's. */
static int take_over(struct storage_lock *l, bool *held, struct error *err)
{
	json_t *metadata = NULL, *owner = NULL;
	int rc = storage_object_get(&l->api, l->at.bucket, l->at.name, &metadata, err);
	int64_t age = age_s(metadata);
	const char *text = json_string_value(json_object_get(metadata, "generation"));
	int64_t generation;

	if (rc <= 0)
		return rc;
	owner = read_owner(&l->api, &l->at);
	if (!text || parse_int64(text, 1, INT64_MAX, &generation, err) < 0) {
		rc = error_set(err, ERR_PROTOCOL, "gs://%s/%s has no generation", l->at.bucket,
			       l->at.name);
	} else if (owner && is_ours(l, owner)) {
		/* An answer was lost. */
		l->generation = generation;
	} else if (age < STALE_S && !is_dead(owner)) {
		*held = true;
		rc = say_held(&l->at, owner, age, err);
	} else {
		log_warn("gs://%s/%s was written %lld s ago, and its owner is gone: taken over",
			 l->at.bucket, l->at.name, (long long)age);
		rc = write_object(l, generation, err);
	}
	json_decref(metadata);
	json_decref(owner);
	return rc;
}

/* -1 with *held: it is another's, who is named. */
static int try(struct storage_lock *l, bool *held, struct error *err)
{
	enum { ATTEMPTS = 5 };

	*held = false;
	for (int i = 0; i < ATTEMPTS; i++) {
		int rc = write_object(l, 0, err);

		if (rc == 0)
			rc = take_over(l, held, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return error_set(err, ERR_TEMP, "gs://%s/%s changes hands all the time", l->at.bucket,
			 l->at.name);
}

/* Sleep before the next look, which is later each time. 0: the time is over. */
static int wait_to_look(struct api *api, int64_t deadline_ms, int64_t *delay_ms, struct error *err)
{
	int64_t left = deadline_ms - monotonic_ms();

	if (left <= 0)
		return 0;
	if (backoff_sleep(*delay_ms < left ? *delay_ms : left, http_client_cancel_fd(api->client),
			  err) < 0)
		return -1;
	*delay_ms = 2 * *delay_ms < LOOK_LONGEST_MS ? 2 * *delay_ms : LOOK_LONGEST_MS;
	return 1;
}

static int take(struct storage_lock *l, int64_t wait_ms, struct error *err)
{
	int64_t deadline = monotonic_ms() + wait_ms, delay = LOOK_FIRST_MS;
	struct error interrupted;
	bool held;

	while (try(l, &held, err) < 0) {
		int rc = held ? wait_to_look(&l->api, deadline, &delay, &interrupted) : 0;

		if (rc < 0)
			*err = interrupted;
		if (rc <= 0)
			return -1;
	}
	return 0;
}

static void release(struct storage_lock *l)
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

int storage_lock_take(const char *uri, const struct api_options *storage, int64_t wait_ms,
		      struct storage_lock **ret, struct error *err)
{
	struct storage_lock *l = calloc(1, sizeof *l);

	if (!l)
		return error_nomem(err);
	l->stop = -1;
	l->owner = make_owner(err);
	if (!l->owner || storage_uri_parse(uri, &l->at, err) < 0 ||
	    api_open(&l->api, storage, err) < 0)
		goto fail;
	l->opened = true;
	if (take(l, wait_ms, err) < 0)
		goto fail;
	if (start(l, err) < 0) {
		storage_lock_release(l);
		return -1;
	}
	*ret = l;
	return 0;
fail:
	release(l);
	return -1;
}

/* 1: nobody holds it. 0: somebody does, as err says. */
static int is_free(struct api *api, const struct storage_uri *at, struct error *err)
{
	json_t *metadata = NULL, *owner;
	int rc = storage_object_get(api, at->bucket, at->name, &metadata, err);
	int64_t age = age_s(metadata);
	bool dead;

	json_decref(metadata);
	if (rc <= 0 || age >= STALE_S)
		return rc < 0 ? -1 : 1;
	owner = read_owner(api, at);
	dead = is_dead(owner);
	(void)say_held(at, owner, age, err);
	json_decref(owner);
	return dead;
}

int storage_lock_wait(const char *uri, struct api *storage, int64_t deadline_ms, struct error *err)
{
	int64_t delay = LOOK_FIRST_MS;
	struct storage_uri at;
	struct error interrupted;
	bool waited = false;
	int rc;

	if (storage_uri_parse(uri, &at, err) < 0)
		return -1;
	while ((rc = is_free(storage, &at, err)) == 0) {
		int more = wait_to_look(storage, deadline_ms, &delay, &interrupted);

		waited = true;
		if (more > 0)
			continue;
		if (more < 0)
			*err = interrupted;
		rc = -1;
		break;
	}
	storage_uri_release(&at);
	return rc < 0 ? -1 : waited;
}

int storage_lock_check(struct storage_lock *l, struct error *err)
{
	if (!atomic_load(&l->lost))
		return 0;
	return error_set(err, ERR_TEMP, "gs://%s/%s was taken over by another process",
			 l->at.bucket, l->at.name);
}

/* 1: it is gone, or another's. */
static int remove_object(struct storage_lock *l, struct error *err)
{
	int rc = storage_object_delete_generation(&l->api, l->at.bucket, l->at.name, l->generation,
						  err);

	/* The answer to the last renewal may have been lost. */
	if (rc == 0 && (rc = find_again(l, err)) > 0)
		rc = storage_object_delete_generation(&l->api, l->at.bucket, l->at.name,
						      l->generation, err);
	return rc < 0 ? -1 : 1;
}

void storage_lock_release(struct storage_lock *l)
{
	struct error err;

	if (!l)
		return;
	/* Also of a process that is to end: it would be waited for otherwise. */
	signals_grace(GRACE_MS);
	if (l->started) {
		eventfd_write(l->stop, 1);
		pthread_join(l->thread, NULL);
		l->started = false;
	}
	if (!atomic_load(&l->lost) && remove_object(l, &err) < 0)
		log_warn("%s; the lock is free in %d s", err.message, STALE_S);
	release(l);
}
