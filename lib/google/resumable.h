/*
 * A resumable upload (BigQuery load jobs, Storage objects): a session that
 * takes chunks in order, until one of them is marked as the last.
 *
 * Only the chunk that is being put is in memory, and it is the caller's: the
 * bytes stay untouched until resumable_put returns. What the server keeps is
 * never assumed: after every answer its Range says where to go on, after
 * every failure it is asked. A server that has lost bytes of earlier chunks
 * ends the upload with ERR_TEMP, as does a session that is gone (404, 410).
 *
 * Nothing has an effect on the destination before the last chunk. An upload
 * that is given up is released, and expires at the server.
 *
 * The answer to the last chunk may get lost after its effect: the session is
 * then asked, and answers with the resource. A caller that gets ERR_TEMP from
 * the last put does not know the outcome and looks its job id up.
 */
#ifndef SLUICE_LIB_GOOGLE_RESUMABLE_H
#define SLUICE_LIB_GOOGLE_RESUMABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

/* Every chunk but the last is a multiple of this. */
enum { RESUMABLE_CHUNK_UNIT = 256 * 1024 };

enum resumable_state {
	RESUMABLE_OPEN,     /* takes chunks */
	RESUMABLE_DONE,     /* resource is the server's final answer */
	RESUMABLE_CONFLICT, /* 409 or 412, in `error`: the job id or object exists already */
};

struct resumable {
	struct api *api; /* borrowed */
	char *what;      /* for messages */
	char *session;   /* the session URI: a secret */
	enum resumable_state state;
	uint64_t offset;  /* bytes of the chunks put so far */
	json_t *resource; /* owned; the job or object once DONE */
	struct api_error_info error;
};

struct resumable_options {
	const char *what; /* for messages: "load into p:d.t" */
	const char *path; /* behind the upload base, "/projects/p/jobs?uploadType=resumable" */
	const json_t *metadata;   /* the job or object resource; borrowed */
	const char *content_type; /* of the data */
};

/* Open a session. r->state is then OPEN or CONFLICT. */
int resumable_start(struct resumable *r, struct api *api, const struct resumable_options *options,
		    struct error *err) __attribute__((warn_unused_result));

/*
 * Put the next n bytes. With `last`, n may be anything, 0 included, and
 * r->state is then DONE or CONFLICT; without, it must be a multiple of
 * RESUMABLE_CHUNK_UNIT. Failing with ERR_REMOTE or ERR_DATA class statuses
 * (400) the message is the server's.
 */
int resumable_put(struct resumable *r, const void *data, size_t n, bool last, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Tell the server that the upload was given up, by way of another api than
 * its own, which may have been cancelled. When this returns 0 no put that was
 * under way can end the upload any more; one that has, has.
 */
int resumable_cancel(const struct resumable *r, struct api *api, struct error *err)
	__attribute__((warn_unused_result));

/* Harmless on a zeroed struct. */
void resumable_release(struct resumable *r);

/*
 * How many bytes a 308's Range header says are stored: "bytes=0-N" or "0-N"
 * is N + 1, "" is 0. -1: neither.
 */
int64_t resumable_parse_range(const char *range);

#endif
