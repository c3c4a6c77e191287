/*
 * A lock per transfer config, so that of all who see a change only one starts
 * a run. What holds it is a record: the owner, until when it holds the lock
 * unless it says so again, and when it asked for a start that nobody has seen
 * answered. Places for them:
 *   file:DIR               a file each, locked by flock(2): free as soon as its owner is gone
 *   firestore:COLLECTION   a document each
 *   datastore:KIND         an entity each, of Datastore or of Firestore in Datastore mode
 * A document is made only where there is none. When its lease is over it is
 * taken over by replacing exactly the version that was read, so of many who
 * try one succeeds. Contention says nothing about who holds it: one looks again.
 *
 * The hosts' clocks decide when a lease is over; they may differ by up to
 * half a lease.
 */
#ifndef SLUICE_TRIGGER_LOCK_H
#define SLUICE_TRIGGER_LOCK_H

#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

struct locks;
struct lock;

/* Borrowed, for locks_open only. */
struct locks_options {
	const char *place;    /* as above */
	const char *project;  /* of Firestore or Datastore */
	const char *database; /* NULL: the default one */
	int64_t lease_ms;
	struct api_options api; /* its service is set here */
};

/* ERR_USAGE: the place is none. */
int locks_open(const struct locks_options *options, struct locks **ret, struct error *err)
	__attribute__((warn_unused_result));
/* NULL is harmless; every lock has been released. */
void locks_close(struct locks *l);

/* 1: it is ours. 0: it is not, for now; locks_holder says whose it is. id: [A-Za-z0-9_-]+. */
int lock_take(struct locks *locks, const char *id, struct lock **ret, struct error *err)
	__attribute__((warn_unused_result));
const char *locks_holder(const struct locks *l);

/* Say that it is still ours, if it is time to. ERR_TEMP: somebody has taken it over. */
int lock_keep(struct lock *l, struct error *err) __attribute__((warn_unused_result));

/*
 * Before a start is asked for: note that, and hold the lock whatever becomes
 * of us. *at_ns is when it was noted (since 1970, to the millisecond); on
 * return three quarters of a lease from now are left at least: a note that
 * took longer to be written is made again. ERR_TEMP: somebody has taken it
 * over, or the place is too slow for the lease; nothing is announced then.
 */
int lock_announce(struct lock *l, int64_t *at_ns, struct error *err)
	__attribute__((warn_unused_result));

/* What has become of that start is known: whoever comes next need not wait for its runs. */
void lock_answered(struct lock *l);

/*
 * The at_ns of a start that was announced, by us or by who held the lock
 * before, of which nobody knows what has become, and whose runs may still
 * appear: for a whole lease. 0: there is none.
 */
int64_t lock_unanswered_ns(const struct lock *l);

/*
 * Let others have it; NULL is harmless. Where a start is unanswered that stays
 * known to who comes next. What fails is logged.
 */
void lock_release(struct lock *l);

#endif
