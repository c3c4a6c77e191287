/* The sessions of resumable uploads. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/upload_impl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct uploads {
	pthread_mutex_t lock;
	struct session *first;
};

struct uploads *uploads_new(void)
{
	struct uploads *u = calloc(1, sizeof(*u));

	pthread_mutex_init(&u->lock, NULL);
	return u;
}

void uploads_free(struct uploads *u)
{
	while (u->first) {
		struct session *s = u->first;

		u->first = s->next;
		session_free(s);
	}
	pthread_mutex_destroy(&u->lock);
	free(u);
}

struct session *session_new(const struct upload_sink *sink, bool md5)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sink = sink;
	s->fd = -1;
	s->total = -1;
	ident_random_hex(s->id, sizeof(s->id));
	if (sink->hashed) {
		s->hash = gcs_hash_new(md5);
		if (!s->hash) {
			free(s);
			return NULL;
		}
	}
	return s;
}

void session_free(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	/* Once it is committed the file is the sink's. */
	if (s->what && s->spool)
		unlink(s->spool);
	json_decref(s->what);
	json_decref(s->kept);
	gcs_hash_free(s->hash);
	free(s->spool);
	free(s);
}

void session_add(struct uploads *u, struct session *s)
{
	pthread_mutex_lock(&u->lock);
	s->next = u->first;
	u->first = s;
	pthread_mutex_unlock(&u->lock);
}

struct session *session_take(struct exchange *ex, const char *id, struct api_error *err)
{
	struct uploads *u = ex->server->uploads;
	struct session *s;

	pthread_mutex_lock(&u->lock);
	for (s = u->first; s && strcmp(s->id, id) != 0; s = s->next)
		;
	if (!s || s->sink != ex->upload->sink) {
		s = NULL;
		api_fail(err, 404, "notFound", "Upload session not found.");
	} else if (s->busy) {
		s = NULL;
		api_fail(err, 503, "backendError",
			 "Another request of this upload session is under way.");
	} else {
		s->busy = true;
	}
	pthread_mutex_unlock(&u->lock);
	return s;
}

void session_give_back(struct exchange *ex, bool gone)
{
	struct uploads *u = ex->server->uploads;
	struct session *s = ex->upload->session;

	pthread_mutex_lock(&u->lock);
	s->busy = false;
	for (struct session **at = &u->first; gone && *at; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			session_free(s);
			break;
		}
	}
	pthread_mutex_unlock(&u->lock);
	ex->upload->session = NULL;
}

void session_round_down(struct session *s)
{
	int64_t keep = s->stored / UPLOAD_CHUNK * UPLOAD_CHUNK;

	if (keep < s->acknowledged)
		keep = s->acknowledged;
	if (keep == s->stored)
		return;
	if (ftruncate(s->fd, keep) == 0 && lseek(s->fd, keep, SEEK_SET) == keep)
		s->stored = keep;
}
