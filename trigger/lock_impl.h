/* What the kinds of lock have in common. For trigger/lock*.c only. */
#ifndef SLUICE_TRIGGER_LOCK_IMPL_H
#define SLUICE_TRIGGER_LOCK_IMPL_H

#include <jansson.h>
#include <stdbool.h>

#include "trigger/lock.h"

enum { LOCK_OWNER_SIZE = 320, LOCK_VERSION_SIZE = 64 };

struct lock_record {
	char owner[LOCK_OWNER_SIZE]; /* "HOST:PID:RANDOM" */
	int64_t expires_ns;          /* since 1970 */
	int64_t start_ns;            /* of an unanswered start; 0: none */
};

/* A kind of lock. Every function is of one lock at a time; none waits. */
struct lock_kind {
	const char *prefix; /* "file:" */
	int (*open)(struct locks *l, const struct locks_options *options, struct error *err);
	/* 1: ours, with record and start_ns as they now are. 0: another's, or contention. */
	int (*take)(struct lock *l, struct error *err);
	/* Write the record. 1: done. 0: it is ours no more. */
	int (*write)(struct lock *l, struct error *err);
	/* keep: the record stays for who comes next, who need not wait longer than a lease for it. */
	int (*release)(struct lock *l, bool keep, struct error *err);
};

/*
 * A kind of document, for locks that are documents. Where the result is 0
 * something else was there than was expected, or others were at it: look again.
 */
struct document_kind {
	int (*create)(struct lock *l, struct error *err);
	/* 0: there is none. Fills *ret and version. */
	int (*read)(struct lock *l, struct lock_record *ret, struct error *err);
	int (*replace)(struct lock *l, struct error *err);
	int (*remove)(struct lock *l, struct error *err);
};

struct locks {
	const struct lock_kind *kind;
	const struct document_kind *documents; /* or NULL */
	char *where;                           /* DIR, COLLECTION or KIND */
	char *project, *database;              /* database: NULL for the default one */
	struct api api;
	bool opened; /* the api */
	int64_t lease_ms;
	char owner[LOCK_OWNER_SIZE];
	char holder[LOCK_OWNER_SIZE + 64];
};

struct lock {
	struct locks *locks;
	char *id;
	struct lock_record record;
	char version[LOCK_VERSION_SIZE]; /* of the document that record is in */
	int fd;                          /* of the file; -1 */
};

extern const struct lock_kind lock_kind_file, lock_kind_firestore, lock_kind_datastore;

/* Of all kinds that are documents. */
int lock_document_open(struct locks *l, enum endpoint_service service,
		       const struct locks_options *options, struct error *err)
	__attribute__((warn_unused_result));
int lock_document_take(struct lock *l, struct error *err) __attribute__((warn_unused_result));
int lock_document_write(struct lock *l, struct error *err) __attribute__((warn_unused_result));
int lock_document_release(struct lock *l, bool keep, struct error *err)
	__attribute__((warn_unused_result));

/* A call on a document; statuses that are an answer are expected. */
int lock_document_call(struct lock *l, struct api_request *q, struct api_response *ret,
		       struct error *err) __attribute__((warn_unused_result));

/* After an expected status of 400 and more: 0 when its word is one of these, or ABORTED; else -1. */
int lock_document_judge(const struct lock *l, const struct api_response *r,
			const char *const *words, struct error *err)
	__attribute__((warn_unused_result));

/* Time as documents have it; "null" where it is 0. A new reference, {"timestampValue":…} or {"nullValue":null}. */
json_t *lock_document_time(int64_t ns);
/* 0 where it is none. */
int64_t lock_document_read_time(const json_t *value);

#endif
