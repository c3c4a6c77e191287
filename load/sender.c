#include "load/sender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SENDER_CHUNK_BYTES % RESUMABLE_CHUNK_UNIT == 0, "chunks are whole units");

/* Put the chunk in s->sending; opens the session before the first. */
static int put_chunk(struct sender *s, bool last, struct error *err)
{
	if (!s->upload.api && resumable_start(&s->upload, s->api, &s->options, err) < 0)
		return -1;
	/* The job exists already: the caller finds out at the end, and adopts it. */
	if (s->upload.state != RESUMABLE_OPEN)
		return 0;
	return resumable_put(&s->upload, s->sending.data, s->sending.length, last, err);
}

static void *run(void *argument)
{
	struct sender *s = argument;
	struct error err;

	pthread_mutex_lock(&s->lock);
	while (!s->quit) {
		if (!s->busy) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		bool last = s->last;

		pthread_mutex_unlock(&s->lock);
		int rc = put_chunk(s, last, &err);
		pthread_mutex_lock(&s->lock);
		s->busy = false;
		if (rc < 0) {
			s->failure = err;
			__atomic_store_n(&s->failed, true, __ATOMIC_RELAXED);
			s->quit = true;
		}
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int sender_init(struct sender *s, struct api *api, const struct resumable_options *options,
		struct error *err)
{
	*s = (struct sender){ .api = api, .options = *options };
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->filling.data = malloc(SENDER_CHUNK_BYTES);
	s->sending.data = malloc(SENDER_CHUNK_BYTES);
	if (!s->filling.data || !s->sending.data) {
		sender_release(s);
		return error_nomem(err);
	}
	return 0;
}

/* Signals are the main thread's business; requests look at signals_pending themselves. */
static int start_thread(struct sender *s, struct error *err)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (errno)
		return error_set_errno(err, ERR_OS, "thread");
	s->started = true;
	return 0;
}

/* Under the lock: wait until the thread has put its chunk. */
static int wait_idle(struct sender *s, struct error *err)
{
	while (s->busy && !s->failed)
		pthread_cond_wait(&s->changed, &s->lock);
	if (!s->failed)
		return 0;
	*err = s->failure;
	return -1;
}

/* Hand the filled chunk to the thread and take the empty one. */
static int submit(struct sender *s, bool last, struct error *err)
{
	struct sender_chunk filled = s->filling;
	int rc;

	if (!s->started &&
	    ((s->before && s->before(s->context, err) < 0) || start_thread(s, err) < 0))
		return -1;
	pthread_mutex_lock(&s->lock);
	rc = wait_idle(s, err);
	if (rc == 0) {
		s->filling = s->sending;
		s->filling.length = 0;
		s->sending = filled;
		s->last = last;
		s->busy = true;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int sender_append_slowly(struct sender *s, const char *p, size_t n, struct error *err)
{
	if (__atomic_load_n(&s->failed, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&s->lock);
		*err = s->failure;
		pthread_mutex_unlock(&s->lock);
		return -1;
	}
	while (n > 0) {
		size_t room = SENDER_CHUNK_BYTES - s->filling.length;
		size_t now = n < room ? n : room;

		/* Only when more comes: the last chunk is thus never empty. */
		if (room == 0) {
			if (submit(s, false, err) < 0)
				return -1;
			continue;
		}
		memcpy(s->filling.data + s->filling.length, p, now);
		s->filling.length += now;
		p += now;
		n -= now;
	}
	return 0;
}

static void join(struct sender *s)
{
	if (!s->started)
		return;
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->started = false;
}

int sender_finish(struct sender *s, struct error *err)
{
	int rc = submit(s, true, err);

	if (rc == 0) {
		pthread_mutex_lock(&s->lock);
		rc = wait_idle(s, err);
		pthread_mutex_unlock(&s->lock);
	}
	join(s);
	return rc;
}

void sender_release(struct sender *s)
{
	if (s->started)
		api_cancel(s->api);
	join(s);
	resumable_release(&s->upload);
	free(s->filling.data);
	free(s->sending.data);
	s->filling.data = s->sending.data = NULL;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}
