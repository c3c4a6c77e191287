/*
 * The objects of a directory in Cloud Storage that hold data: all that are
 * below it, however deep, but those that only say something about it.
 */
#ifndef SLUICE_NOTIFY_FILES_H
#define SLUICE_NOTIFY_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

/* Where the files of configuration are, at any level. */
#define FILES_CONFIG_DIRECTORY "_config/"

/* What names the objects have that are signals, not data; everything is borrowed. */
struct files_names {
	const char *success;  /* "_SUCCESS" */
	const char *backfill; /* "START_BACKFILL" */
};

struct files {
	json_t *uris;   /* "gs://BUCKET/NAME" each, in lexical order; the caller's */
	uint64_t bytes; /* of them all */
};

/*
 * Is the object, by its name behind the directory, data? Not: the two signals;
 * what has a component that begins with a point, or is _config, _backlog or
 * _bqlock.
 */
bool files_is_data(const struct files_names *names, const char *rest);

/* Is the object below a directory that is .NAME, _config, _backlog or _bqlock? A signal there is none. */
bool files_is_apart(const char *object);

/*
 * directory: with its slash at the end. Empty objects are none. ERR_REMOTE: no
 * such bucket. ERR_DATA: there is nothing, or an object whose name no job can
 * say.
 */
int files_find(struct api *storage, const char *bucket, const char *directory,
	       const struct files_names *names, struct files *ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
