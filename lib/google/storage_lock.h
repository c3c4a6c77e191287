/*
 * A lock that is an object in Cloud Storage: made only if there is none
 * (ifGenerationMatch=0), written again every 20 s while it is held, and
 * taken over when its owner is gone: when that has not happened for 90 s, or at
 * once where its owner was a process of the same host and is not any more.
 *
 * Owners on hosts whose clocks differ by more than half a minute may both
 * think that it is theirs. Nothing is lost then: loads have the same job ids
 * whoever does them, and each waits for the one before.
 */
#ifndef SLUICE_LIB_GOOGLE_STORAGE_LOCK_H
#define SLUICE_LIB_GOOGLE_STORAGE_LOCK_H

#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

struct storage_lock;

/*
 * uri: "gs://BUCKET/NAME"; storage: as for api_open, also of the thread that
 * keeps it. Another's is waited for so long. ERR_TEMP: it is still another's,
 * who is named.
 */
int storage_lock_take(const char *uri, const struct api_options *storage, int64_t wait_ms,
		      struct storage_lock **ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Wait until nobody holds it, without taking it; deadline_ms is monotonic_ms'
 * time. 1: it was waited for, so what its owner has done is to be looked at
 * anew. 0: nobody held it. ERR_TEMP: somebody still does.
 */
int storage_lock_wait(const char *uri, struct api *storage, int64_t deadline_ms, struct error *err)
	__attribute__((warn_unused_result));

/* It is still ours. ERR_TEMP: another has taken it over. */
int storage_lock_check(struct storage_lock *l, struct error *err)
	__attribute__((warn_unused_result));

/* Also where it is not ours any more; NULL is harmless. What fails is logged: the lock is then free in 90 s. */
void storage_lock_release(struct storage_lock *l);

#endif
