#include "trigger/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/google/crypto.h"
#include "lib/log.h"
#include "trigger/dts_time.h"
#include "trigger/lock_impl.h"

enum { ANNOUNCEMENTS = 10 };
static const int64_t ms_ns = 1000 * 1000;

static const struct lock_kind *find_kind(const char *place)
{
	static const struct lock_kind *const kinds[] = { &lock_kind_file, &lock_kind_firestore,
							 &lock_kind_datastore, NULL };

	for (const struct lock_kind *const *kind = kinds; *kind; kind++)
		if (!strncmp(place, (*kind)->prefix, strlen((*kind)->prefix)) &&
		    place[strlen((*kind)->prefix)])
			return *kind;
	return NULL;
}

static int name_owner(struct locks *l, struct error *err)
{
	char host[256] = "", random[17];

	if (gethostname(host, sizeof host - 1) < 0)
		return error_set_errno(err, ERR_OS, "gethostname");
	if (crypto_random_hex(random, 8, err) < 0)
		return -1;
	snprintf(l->owner, sizeof l->owner, "%s:%d:%s", host, (int)getpid(), random);
	return 0;
}

int locks_open(const struct locks_options *options, struct locks **ret, struct error *err)
{
	const struct lock_kind *kind = find_kind(options->place);
	struct locks *l;

	if (!kind)
		return error_set(err, ERR_USAGE,
				 "--lock: '%s' is not file:DIR, firestore:COLLECTION or "
				 "datastore:KIND",
				 options->place);
	l = calloc(1, sizeof *l);
	if (!l)
		return error_nomem(err);
	l->kind = kind;
	l->lease_ms = options->lease_ms;
	l->where = strdup(options->place + strlen(kind->prefix));
	if ((!l->where && error_nomem(err) < 0) || name_owner(l, err) < 0 ||
	    kind->open(l, options, err) < 0) {
		locks_close(l);
		return -1;
	}
	*ret = l;
	return 0;
}

void locks_close(struct locks *l)
{
	if (!l)
		return;
	if (l->opened)
		api_close(&l->api);
	free(l->where);
	free(l->project);
	free(l->database);
	free(l);
}

const char *locks_holder(const struct locks *l)
{
	return l->holder;
}

static void lock_free(struct lock *l)
{
	if (!l)
		return;
	free(l->id);
	free(l);
}

/* Until when it is ours if it is said now. */
static void renew(struct lock *l)
{
	memcpy(l->record.owner, l->locks->owner, sizeof l->record.owner);
	l->record.expires_ns = dts_time_now_ns() + l->locks->lease_ms * ms_ns;
}

int lock_take(struct locks *locks, const char *id, struct lock **ret, struct error *err)
{
	struct lock *l = calloc(1, sizeof *l);
	int rc;

	if (!l || !(l->id = strdup(id))) {
		lock_free(l);
		return error_nomem(err);
	}
	l->locks = locks;
	l->fd = -1;
	renew(l);
	rc = locks->kind->take(l, err);
	if (rc > 0)
		*ret = l;
	else
		lock_free(l);
	return rc;
}

static int write_record(struct lock *l, struct error *err)
{
	int rc;

	renew(l);
	rc = l->locks->kind->write(l, err);
	if (rc == 0)
		return error_set(err, ERR_TEMP, "the lock %s/%s was taken over by another process",
				 l->locks->where, l->id);
	return rc < 0 ? -1 : 0;
}

int lock_keep(struct lock *l, struct error *err)
{
	/* Two renewals may fail before it is over. */
	if (l->record.expires_ns - dts_time_now_ns() > l->locks->lease_ms * ms_ns / 3 * 2)
		return 0;
	return write_record(l, err);
}

/* Is it ours for so long that the answer to a start comes before others may look for its run? */
static bool is_fresh(const struct lock *l)
{
	return l->record.expires_ns - dts_time_now_ns() > l->locks->lease_ms * ms_ns / 4 * 3;
}

int lock_announce(struct lock *l, int64_t *at_ns, struct error *err)
{
	int rc = 0;

	for (int i = 0; i < ANNOUNCEMENTS && rc == 0; i++) {
		l->record.start_ns = dts_time_now_ns() / ms_ns * ms_ns;
		rc = write_record(l, err);
		if (rc == 0 && is_fresh(l)) {
			*at_ns = l->record.start_ns;
			return 0;
		}
	}
	if (rc == 0)
		error_set(err, ERR_TEMP,
			  "the lock %s/%s takes too long to be written for a lease of %lld ms",
			  l->locks->where, l->id, (long long)l->locks->lease_ms);
	/* Nothing will be asked for. */
	l->record.start_ns = 0;
	return -1;
}

void lock_answered(struct lock *l)
{
	l->record.start_ns = 0;
}

int64_t lock_unanswered_ns(const struct lock *l)
{
	int64_t start = l->record.start_ns, now = dts_time_now_ns();
	int64_t lease = l->locks->lease_ms * ms_ns;

	/* Another host's clock may be ahead of ours, but not by much. */
	return start && now < start + lease && start < now + lease ? start : 0;
}

void lock_release(struct lock *l)
{
	struct error err;

	if (!l)
		return;
	if (l->locks->kind->release(l, lock_unanswered_ns(l) != 0, &err) < 0)
		log_warn("%s; the lock is free in %lld s", err.message,
			 (long long)(l->locks->lease_ms + 999) / 1000);
	lock_free(l);
}
