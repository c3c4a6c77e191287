/*
 * Sends the rows of one load job through a resumable upload, in bounded
 * memory: while a thread puts one chunk, the caller fills the other.
 *
 * The session is opened when the first chunk is full, so that a small table
 * holds none open while its source is slow. The last chunk, which starts the
 * job, goes out only in sender_finish.
 *
 * Between sender_init and the first append, in `before`, and after
 * sender_finish or sender_release, the api is the caller's; in between it is
 * the thread's. A sender released before it has finished cancels the api.
 */
#ifndef SLUICE_LOAD_SENDER_H
#define SLUICE_LOAD_SENDER_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/error.h"
#include "lib/google/resumable.h"

/* Two of these are in memory. A multiple of RESUMABLE_CHUNK_UNIT. */
enum { SENDER_CHUNK_BYTES = 16 * 1024 * 1024 };

struct sender_chunk {
	char *data;
	size_t length;
};

struct sender {
	struct api *api;
	struct resumable_options options;
	struct resumable upload;
	/*
	 * Called once in the caller's thread, before the session is opened: now it is sure that
	 * something will be sent. May be NULL; set behind sender_init.
	 */
	int (*before)(void *context, struct error *err);
	void *context;
	struct sender_chunk filling; /* the caller's */
	struct sender_chunk sending; /* the thread's while busy */
	pthread_t thread;
	bool started; /* the thread runs and must be joined */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: */
	bool busy; /* sending holds a chunk to put */
	bool last; /* … and it is the last one */
	bool quit;
	bool failed; /* may also be looked at without it */
	struct error failure;
};

/* options are borrowed until sender_release. */
int sender_init(struct sender *s, struct api *api, const struct resumable_options *options,
		struct error *err) __attribute__((warn_unused_result));

/* As sender_append, for bytes that fill the chunk, and to say what failed. */
int sender_append_slowly(struct sender *s, const char *p, size_t n, struct error *err)
	__attribute__((warn_unused_result));

/* Append n bytes. Fails with the thread's error at the first row after it. */
__attribute__((warn_unused_result)) static inline int sender_append(struct sender *s, const char *p,
								    size_t n, struct error *err)
{
	if (n > SENDER_CHUNK_BYTES - s->filling.length ||
	    __atomic_load_n(&s->failed, __ATOMIC_RELAXED))
		return sender_append_slowly(s, p, n, err);
	memcpy(s->filling.data + s->filling.length, p, n);
	s->filling.length += n;
	return 0;
}

/*
 * Send the last chunk and wait for the answer: s->upload is then DONE (with
 * the job) or CONFLICT. An earlier CONFLICT, at the session's start, ends
 * here too: nothing was sent then.
 */
int sender_finish(struct sender *s, struct error *err) __attribute__((warn_unused_result));

/* Give up: abort what is under way. The destination is not changed. */
void sender_release(struct sender *s);

#endif
