/*
 * The rows of all tables of a run, in Cloud Storage, and the request to load
 * them.
 */
#ifndef SLUICE_TRIGGER_SERVE_STAGING_H
#define SLUICE_TRIGGER_SERVE_STAGING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/stage.h"
#include "trigger/serve_log.h"
#include "trigger/serve_run.h"

struct staging {
	struct stage **stage; /* of each table; NULL: not begun */
	size_t count;
	char **directory;   /* of each table; the stages borrow them */
	char **destination; /* table ids */
	json_t *request;    /* {"importedData":[…]} of what is staged */
	bool own_failure;   /* see connector.h */
};

/* Names the destinations and directories of all tables: ERR_DATA when a template cannot be filled, or two are the same. */
int staging_prepare(struct staging *t, const struct serving *s, const struct request *r,
		    struct error *err) __attribute__((warn_unused_result));

/* Run the connector for each table; then request is whole. */
int staging_fill(struct staging *t, const struct serving *s, const struct request *r,
		 struct run_log *log, int64_t deadline_ms, struct error *err)
	__attribute__((warn_unused_result));

/* Remove what was staged, with a warning where it cannot be. */
void staging_remove(struct staging *t);

/* Harmless on a zeroed struct. The objects stay. */
void staging_release(struct staging *t);

/* "PREFIX/SOURCE/CONFIG/RUN/LAST" of the bucket; without PREFIX: "SOURCE/…". The caller's to free. */
int staging_name(const struct serving *s, const struct request *r, const char *last, bool prefix,
		 char **ret, struct error *err) __attribute__((warn_unused_result));

#endif
