/* Locks that are documents of a database: leases, and who may replace what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/google/backoff.h"
#include "lib/google/crypto.h"
#include "lib/log.h"
#include "trigger/dts_time.h"
#include "trigger/lock_impl.h"

enum {
	ATTEMPTS = 5,
	PAUSE_MS = 20, /* doubled each time, and up to as much again by chance */
};

int lock_document_open(struct locks *l, enum endpoint_service service,
		       const struct locks_options *options, struct error *err)
{
	struct api_options api = options->api;

	api.service = service;
	/* What is written later than that is half over already. */
	if (api.retry.budget_ms > options->lease_ms / 2)
		api.retry.budget_ms = options->lease_ms / 2;
	if (strchr(l->where, '/'))
		return error_set(err, ERR_USAGE, "--lock: '%s' has a slash", l->where);
	if (api_open(&l->api, &api, err) < 0)
		return -1;
	l->opened = true;
	if (options->database && !(l->database = strdup(options->database)))
		return error_nomem(err);
	return api_project(&l->api, options->project, &l->project, err);
}

/* --- talking ----------------------------------------------------------------------------------- */

int lock_document_call(struct lock *l, struct api_request *q, struct api_response *ret,
		       struct error *err)
{
	char what[512];

	snprintf(what, sizeof what, "lock %s/%s", l->locks->where, l->id);
	q->what = what;
	/* Beyond that the lease would be over. */
	q->timeout_ms = l->locks->lease_ms;
	return api_call(&l->locks->api, q, ret, err);
}

int lock_document_judge(const struct lock *l, const struct api_response *r,
			const char *const *words, struct error *err)
{
	char what[512];

	/* Contention has the HTTP status of "already exists"; only the word tells them apart. */
	if (!strcmp(r->error.grpc_status, "ABORTED"))
		return 0;
	for (; *words; words++)
		if (!strcmp(r->error.grpc_status, *words))
			return 0;
	snprintf(what, sizeof what, "lock %s/%s", l->locks->where, l->id);
	return api_error_set(&r->error, what, err);
}

json_t *lock_document_time(int64_t ns)
{
	char text[DTS_TIME_SIZE];

	if (!ns)
		return json_pack("{s:n}", "nullValue");
	/* Firestore keeps microseconds. */
	dts_time_format(ns / 1000 * 1000, text);
	return json_pack("{s:s}", "timestampValue", text);
}

int64_t lock_document_read_time(const json_t *value)
{
	const char *text = json_string_value(json_object_get(value, "timestampValue"));
	int64_t ns;

	return text && dts_time_parse(text, &ns) ? ns : 0;
}

/* --- taking ------------------------------------------------------------------------------------ */

/* Not all at once again. */
static int pause(int attempt, struct error *err)
{
	int64_t most = (int64_t)PAUSE_MS << attempt;
	uint32_t random;

	if (crypto_random(&random, sizeof random, err) < 0)
		return -1;
	return backoff_sleep(most + random % most, -1, err);
}

static void say_held(struct lock *l, const struct lock_record *theirs)
{
	snprintf(l->locks->holder, sizeof l->locks->holder, "%s", theirs->owner);
}

/* There is a document, which says that. 1: it is ours now. 0: look again; *held: it is another's. */
static int take_existing(struct lock *l, const struct lock_record *theirs, bool *held,
			 struct error *err)
{
	int rc;

	/* An answer was lost. */
	if (!strcmp(theirs->owner, l->record.owner)) {
		l->record = *theirs;
		return 1;
	}
	if (theirs->expires_ns > dts_time_now_ns()) {
		say_held(l, theirs);
		*held = true;
		return 0;
	}
	l->record.start_ns = theirs->start_ns;
	rc = l->locks->documents->replace(l, err);
	if (rc > 0)
		log_warn("the lock %s/%s of %s was not renewed: taken over", l->locks->where, l->id,
			 theirs->owner);
	else
		l->record.start_ns = 0;
	return rc;
}

int lock_document_take(struct lock *l, struct error *err)
{
	bool held = false;

	snprintf(l->locks->holder, sizeof l->locks->holder, "several at once");
	for (int i = 0; i < ATTEMPTS && !held; i++) {
		struct lock_record theirs = { .start_ns = 0 };
		/* First a read, which disturbs nobody: a write that finds it held would hold up its owner. */
		int rc = l->locks->documents->read(l, &theirs, err);

		if (rc > 0)
			rc = take_existing(l, &theirs, &held, err);
		else if (rc == 0)
			rc = l->locks->documents->create(l, err);
		if (rc != 0)
			return rc;
		if (!held && pause(i, err) < 0)
			return -1;
	}
	return 0;
}

/* --- keeping ----------------------------------------------------------------------------------- */

/* It is another's: nothing of it is ours to remove. */
static int lose(struct lock *l)
{
	*l->version = '\0';
	return 0;
}

int lock_document_write(struct lock *l, struct error *err)
{
	struct lock_record there = { .start_ns = 0 };
	int64_t until = monotonic_ms() + l->locks->lease_ms / 2;

	if (!*l->version)
		return 0;
	for (int i = 0;; i = i < ATTEMPTS ? i + 1 : i) {
		int rc = l->locks->documents->replace(l, err);

		if (rc != 0)
			return rc;
		/* Ours: contention, or the answer to an earlier attempt was lost. */
		rc = l->locks->documents->read(l, &there, err);
		if (rc < 0)
			return -1;
		if (rc == 0 || strcmp(there.owner, l->record.owner) != 0)
			return lose(l);
		if (monotonic_ms() >= until)
			return error_set(err, ERR_TEMP,
					 "lock %s/%s cannot be written: others are at it all the "
					 "time",
					 l->locks->where, l->id);
		if (pause(i, err) < 0)
			return -1;
	}
}

int lock_document_release(struct lock *l, bool keep, struct error *err)
{
	int rc = 0;

	if (keep || !*l->version)
		return 0;
	/* 0: contention, or it is another's already. */
	for (int i = 0; i < ATTEMPTS && rc == 0; i++) {
		struct lock_record there = { .start_ns = 0 };

		rc = l->locks->documents->remove(l, err);
		if (rc == 0 && (l->locks->documents->read(l, &there, err) <= 0 ||
				strcmp(there.owner, l->record.owner) != 0))
			return 0;
		if (rc == 0 && pause(i, err) < 0)
			return -1;
	}
	return rc < 0 ? -1 : 0;
}
