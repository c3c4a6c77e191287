/*
 * A lock that is an object in Cloud Storage: made only if there is none
 * (ifGenerationMatch=0), written again every 20 s while it is held, and
 * taken over when that has not happened for 90 s, because its owner is gone.
 *
 * Owners on hosts whose clocks differ by more than half a minute may both
 * think that it is theirs. Nothing is lost then: loads have the same job ids
 * whoever does them, and each waits for the one before.
 */
#ifndef SLUICE_LOAD_BATCH_LOCK_H
#define SLUICE_LOAD_BATCH_LOCK_H

#include <stdbool.h>

#include "lib/error.h"
#include "lib/google/api.h"

struct batch_lock;

/*
 * uri: "gs://BUCKET/NAME"; storage: as for api_open, also of the thread that
 * keeps it. ERR_TEMP: it is another's, who is named.
 */
int batch_lock_take(const char *uri, const struct api_options *storage, struct batch_lock **ret,
		    struct error *err) __attribute__((warn_unused_result));

/* It is still ours. ERR_TEMP: another has taken it over. */
int batch_lock_check(struct batch_lock *l, struct error *err) __attribute__((warn_unused_result));

/* Also where it is not ours any more; NULL is harmless. What fails is logged: the lock is then free in 90 s. */
void batch_lock_release(struct batch_lock *l);

#endif
