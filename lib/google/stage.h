/*
 * The rows of one load job as objects in Cloud Storage, written by several
 * connections at once while rows still arrive.
 *
 * The caller fills blocks of whole rows; whichever connection is free takes
 * the next one, compresses it if asked to, and puts it behind what its own
 * object has. A slow connection thus holds back only what it has taken. A row
 * larger than a block goes piece by piece to one connection. In memory are
 * STAGE_CHUNK_BYTES for every connection and a bounded number of blocks.
 *
 * Objects are named PREFIX/RUN/ATTEMPT/part-00001.ndjson[.gz], where RUN is
 * the same for every process that repeats the run, and ATTEMPT random: no
 * process can write into another's, nor load them. They show nowhere until a
 * job names them, and whoever made them removes them.
 *
 * A stage belongs to one thread; the connections' threads are its own.
 */
#ifndef SLUICE_LIB_GOOGLE_STAGE_H
#define SLUICE_LIB_GOOGLE_STAGE_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/stage_part.h"
#include "lib/google/storage.h"

enum {
	STAGE_BLOCK_BYTES = 1024 * 1024,
	STAGE_CONNECTIONS_MAX = 64,
	STAGE_ATTEMPT_SIZE = 17, /* 16 hex digits */
};

/* Everything is borrowed until stage_free. */
struct stage_options {
	const struct storage_uri *at; /* gs://BUCKET/PREFIX */
	const char *run;              /* the directory of the run */
	struct api_options api;       /* of Cloud Storage */
	unsigned connections;         /* 1 to STAGE_CONNECTIONS_MAX */
	uint64_t part_bytes;          /* of the first parts */
	bool gzip;
};

struct stage_block {
	char *data;
	size_t length;
	bool more; /* ends inside a row: the next block goes to the same connection */
	struct stage_block *next;
};

struct stage;

struct stage_connection {
	struct stage *stage;
	struct stage_part part;
	pthread_t thread;
	bool started; /* the thread runs and must be joined */
};

struct stage {
	struct stage_options options;
	char attempt[STAGE_ATTEMPT_SIZE];
	struct stage_connection *connection;
	unsigned started;            /* connections in use */
	struct stage_block *filling; /* the caller's; NULL: none taken yet */
	bool any;                    /* a block was handed over */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: */
	struct stage_block *unused, *first, **last; /* a stack, and a queue */
	unsigned blocks;                            /* allocated */
	size_t waiting;                             /* in the queue */
	unsigned idle;                              /* connections that wait for a block */
	const struct stage_connection *owner;       /* has the beginning of the row that goes on */
	unsigned parts;                             /* begun, numbered from 1 */
	bool ended;                                 /* no more blocks come */
	bool failed;                                /* may also be looked at without it */
	struct error failure;
};

int stage_new(const struct stage_options *options, struct stage **ret, struct error *err)
	__attribute__((warn_unused_result));

/* As stage_give_up, and free it. Harmless on NULL. */
void stage_free(struct stage *s);

/* Stop the connections. Nothing can be appended any more; objects stay as they are. */
void stage_give_up(struct stage *s);

/* As stage_append, for rows that do not fit into the block, and to say what failed. */
int stage_append_slowly(struct stage *s, const char *row, size_t n, struct error *err)
	__attribute__((warn_unused_result));

/* Append a whole row with its line end. Fails with a connection's error at the first row after it. */
__attribute__((warn_unused_result)) static inline int stage_append(struct stage *s, const char *row,
								   size_t n, struct error *err)
{
	if (!s->filling || n > STAGE_BLOCK_BYTES - s->filling->length ||
	    __atomic_load_n(&s->failed, __ATOMIC_RELAXED))
		return stage_append_slowly(s, row, n, err);
	memcpy(s->filling->data + s->filling->length, row, n);
	s->filling->length += n;
	return 0;
}

/*
 * Wait until all objects are whole and proven. Where there were no rows, one
 * empty object is made.
 */
int stage_finish(struct stage *s, struct error *err) __attribute__((warn_unused_result));

/* The objects begun so far, as an array of gs:// URIs: after stage_finish, sourceUris. NULL: out of memory. */
json_t *stage_uris(struct stage *s);

/* "gs://BUCKET/PREFIX/RUN/ATTEMPT/" appended: all of this stage's objects are below. */
int stage_append_prefix(const struct stage *s, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* --- removing (stage_remove.c) ------------------------------------------------------------------ */

/*
 * Remove this stage's objects, those under way included. Fails with a warning
 * that names what is left.
 */
void stage_remove(struct stage *s);

/*
 * Remove whatever any attempt of the run has left. Only when no job can want
 * it any more: the run is loaded. Fails with a warning.
 */
void stage_remove_run(const struct stage_options *options);

/* The same of one attempt, as stage_append_prefix wrote it; api: of Cloud Storage. */
void stage_remove_attempt(const struct api_options *api, const char *below);

/* --- the bucket (stage_bucket.c) ---------------------------------------------------------------- */

/*
 * Before rows are read: is the bucket there, and can a job beside a dataset
 * in that location (NULL: not known) read it? ERR_REMOTE when not. That its
 * metadata may not be read is no failure: writing objects does not need it.
 */
int stage_check_bucket(const struct stage_options *options, const char *location, struct error *err)
	__attribute__((warn_unused_result));

/* False only where BigQuery surely refuses to load from there. */
bool stage_location_fits(const char *dataset, const char *bucket);

#endif
