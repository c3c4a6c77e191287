/*
 * From notifications to @batch records: which directories are complete, what
 * is in them, where it goes, and under which id, so that a directory is
 * loaded once however often it is told.
 */
#ifndef SLUICE_NOTIFY_WATCH_H
#define SLUICE_NOTIFY_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/rowstream.h"
#include "notify/done.h"
#include "notify/event.h"
#include "notify/files.h"
#include "notify/settings.h"
#include "notify/target.h"

/* Everything is borrowed. */
struct watch_options {
	struct files_names names;
	const char *pattern;  /* of destinations */
	const char *project;  /* of tables whose project is not told; or NULL */
	int64_t max_bytes;    /* of a batch; 0: no limit */
	bool ordered;         /* every table, ORDERME or not */
	int64_t lock_wait_ms; /* for ordered tables that others load, all together */
};

struct watch {
	const struct watch_options *options;
	struct api *storage;
	struct done *done; /* NULL: there is no ledger */
	struct rowstream_writer *out;
	struct settings_reader settings;
	json_t *told;             /* by id: what this run has dealt with */
	json_t *ordered;          /* by "BUCKET/PREFIX": tables whose directories it has */
	int64_t lock_deadline_ms; /* monotonic; 0: none was waited for yet */
	const char *replay;       /* what the id has besides, so that it is another; or NULL */
};

int watch_init(struct watch *w, const struct watch_options *options, struct api *storage,
	       struct done *done, struct rowstream_writer *out, struct error *err)
	__attribute__((warn_unused_result));
void watch_release(struct watch *w);

/* Forget what has been seen: it may have changed. */
int watch_again(struct watch *w, struct error *err) __attribute__((warn_unused_result));

/*
 * Write what follows from it: a batch, several (of an ordered table, or where
 * all of a prefix is asked for), or none.
 */
int watch_event(struct watch *w, const struct event *e, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Write a batch for each complete directory below the prefix that the ledger
 * does not have as done. Of those that fail each is logged, and the others are
 * written; err then counts them, with the code of the first. *found: how many
 * there are.
 */
int watch_prefix(struct watch *w, const char *bucket, const char *prefix, size_t *found,
		 struct error *err) __attribute__((warn_unused_result));

#endif
