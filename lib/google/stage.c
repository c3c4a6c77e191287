#include "lib/google/stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/google/crypto.h"

/* Blocks beyond one for each connection: one is being filled, one waits. */
enum { BLOCKS_BEYOND = 2 };

/* --- names ----------------------------------------------------------------------------------- */

/* The name of part `number`; NULL when memory is out. */
static char *part_name(const struct stage *s, unsigned number)
{
	const char *prefix = s->options.at->name;
	int n = (int)strlen(prefix);
	char *name;

	while (n > 0 && prefix[n - 1] == '/')
		n--;
	if (asprintf(&name, "%.*s%s%s/%s/part-%05u.ndjson%s", n, prefix, n ? "/" : "",
		     s->options.run, s->attempt, number, s->options.gzip ? ".gz" : "") < 0)
		return NULL;
	return name;
}

int stage_append_prefix(const struct stage *s, struct buf *out, struct error *err)
{
	char *name = part_name(s, 1);
	int rc;

	if (!name)
		return error_nomem(err);
	rc = buf_appendf(out, err, "gs://%s/%.*s", s->options.at->bucket,
			 (int)(strrchr(name, '/') + 1 - name), name);
	free(name);
	return rc;
}

json_t *stage_uris(struct stage *s)
{
	json_t *uris = json_array();
	unsigned parts;

	pthread_mutex_lock(&s->lock);
	parts = s->parts;
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 1; uris && i <= parts; i++) {
		char *name = part_name(s, i);

		if (!name ||
		    json_array_append_new(uris, json_sprintf("gs://%s/%s", s->options.at->bucket,
							     name)) < 0) {
			json_decref(uris);
			uris = NULL;
		}
		free(name);
	}
	return uris;
}

/* --- a connection's thread ------------------------------------------------------------------- */

/* The first failure stands; the other connections are not waited for. */
static void fail(struct stage *s, const struct stage_connection *c, const struct error *failure)
{
	pthread_mutex_lock(&s->lock);
	if (!s->failed) {
		s->failure = *failure;
		__atomic_store_n(&s->failed, true, __ATOMIC_RELAXED);
		for (unsigned i = 0; i < s->options.connections; i++)
			if (&s->connection[i] != c && s->connection[i].started)
				api_cancel(&s->connection[i].part.api);
	}
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static int begin_part(struct stage_connection *c, uint64_t *size, struct error *err)
{
	struct stage *s = c->stage;
	unsigned number;
	char *name;

	pthread_mutex_lock(&s->lock);
	number = s->parts < STAGE_PARTS_MAX ? ++s->parts : 0;
	pthread_mutex_unlock(&s->lock);
	if (number == 0)
		return error_set(err, ERR_DATA,
				 "the rows are more than one load job takes (%d objects, 15 TB)",
				 STAGE_PARTS_MAX);
	name = part_name(s, number);
	if (!name)
		return error_nomem(err);
	stage_part_begin(&c->part, name);
	*size = stage_part_size(s->options.part_bytes, number);
	return 0;
}

static int write_block(struct stage_connection *c, const struct stage_block *b, uint64_t *size,
		       struct error *err)
{
	if ((!c->part.begun && begin_part(c, size, err) < 0) ||
	    stage_part_write(&c->part, b->data, b->length, err) < 0)
		return -1;
	return b->more || c->part.bytes < *size ? 0 : stage_part_finish(&c->part, err);
}

/* The next block for this connection; NULL when there will be none. */
static struct stage_block *take_block(struct stage_connection *c)
{
	struct stage *s = c->stage;
	struct stage_block *b = NULL;

	pthread_mutex_lock(&s->lock);
	s->idle++;
	while (!s->failed && !(s->first && (!s->owner || s->owner == c)) &&
	       !(s->ended && !s->first))
		pthread_cond_wait(&s->changed, &s->lock);
	s->idle--;
	if (!s->failed && s->first) {
		b = s->first;
		s->first = b->next;
		if (!s->first)
			s->last = &s->first;
		s->waiting--;
		s->owner = b->more ? c : NULL;
		/* Others may have waited for the end of the row, or for the end of all. */
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return b;
}

static void give_back(struct stage *s, struct stage_block *b)
{
	b->length = 0;
	pthread_mutex_lock(&s->lock);
	b->next = s->unused;
	s->unused = b;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void *run(void *argument)
{
	struct stage_connection *c = argument;
	struct stage_block *b;
	struct error err;
	uint64_t size = 0;
	int rc = 0;

	while (rc == 0 && (b = take_block(c))) {
		rc = write_block(c, b, &size, &err);
		give_back(c->stage, b);
	}
	if (rc == 0 && c->part.begun && !__atomic_load_n(&c->stage->failed, __ATOMIC_RELAXED))
		rc = stage_part_finish(&c->part, &err);
	if (rc < 0)
		fail(c->stage, c, &err);
	return NULL;
}

/* --- the caller ------------------------------------------------------------------------------ */

int stage_new(const struct stage_options *options, struct stage **ret, struct error *err)
{
	struct stage *s = calloc(1, sizeof *s);

	if (!s)
		return error_nomem(err);
	s->options = *options;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->connection = calloc(options->connections, sizeof *s->connection);
	if (!s->connection ||
	    crypto_random_hex(s->attempt, (STAGE_ATTEMPT_SIZE - 1) / 2, err) < 0) {
		if (!s->connection)
			error_nomem(err);
		stage_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

/* Signals are the main thread's business; requests look at signals_pending themselves. */
static int start_connection(struct stage *s, struct error *err)
{
	struct stage_connection *c = &s->connection[s->started];
	sigset_t all, old;

	c->stage = s;
	if (stage_part_init(&c->part, &s->options.api, s->options.at->bucket, s->options.gzip,
			    err) < 0)
		return -1;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* fail looks at started. */
	pthread_mutex_lock(&s->lock);
	errno = pthread_create(&c->thread, NULL, run, c);
	c->started = errno == 0;
	pthread_mutex_unlock(&s->lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (errno)
		return error_set_errno(err, ERR_OS, "thread");
	s->started++;
	return 0;
}

static int failure(struct stage *s, struct error *err)
{
	pthread_mutex_lock(&s->lock);
	*err = s->failure;
	pthread_mutex_unlock(&s->lock);
	return -1;
}

static int allocate_block(struct stage_block **ret, struct error *err)
{
	struct stage_block *b = calloc(1, sizeof *b);

	if (b)
		b->data = malloc(STAGE_BLOCK_BYTES);
	if (!b || !b->data) {
		free(b);
		return error_nomem(err);
	}
	*ret = b;
	return 0;
}

/* An empty block to fill; waits for one while there are enough. */
static int get_block(struct stage *s, struct error *err)
{
	bool allocate = false;
	struct stage_block *b;

	pthread_mutex_lock(&s->lock);
	while (!s->failed && !s->unused && !allocate) {
		allocate = s->blocks < s->options.connections + BLOCKS_BEYOND;
		if (!allocate)
			pthread_cond_wait(&s->changed, &s->lock);
	}
	s->blocks += allocate;
	b = s->unused;
	if (!s->failed && b)
		s->unused = b->next;
	pthread_mutex_unlock(&s->lock);
	if (__atomic_load_n(&s->failed, __ATOMIC_RELAXED))
		return failure(s, err);
	if (!b && allocate_block(&b, err) < 0)
		return -1;
	s->filling = b;
	return 0;
}

/* Hand the filled block over. A connection more is used only where all that are, are busy. */
static int submit(struct stage *s, bool more, struct error *err)
{
	struct stage_block *b = s->filling;
	bool wanted;

	b->more = more;
	b->next = NULL;
	pthread_mutex_lock(&s->lock);
	*s->last = b;
	s->last = &b->next;
	s->waiting++;
	wanted = s->waiting > s->idle && s->started < s->options.connections;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	s->filling = NULL;
	s->any = true;
	return wanted ? start_connection(s, err) : 0;
}

int stage_append_slowly(struct stage *s, const char *row, size_t n, struct error *err)
{
	if (__atomic_load_n(&s->failed, __ATOMIC_RELAXED))
		return failure(s, err);
	if (s->filling && submit(s, false, err) < 0)
		return -1;
	while (n > 0) {
		size_t now = n < STAGE_BLOCK_BYTES ? n : STAGE_BLOCK_BYTES;

		if (get_block(s, err) < 0)
			return -1;
		memcpy(s->filling->data, row, now);
		s->filling->length = now;
		row += now;
		n -= now;
		if (n > 0 && submit(s, true, err) < 0)
			return -1;
	}
	return 0;
}

static void join(struct stage *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; s->connection && i < s->options.connections; i++) {
		if (s->connection[i].started)
			pthread_join(s->connection[i].thread, NULL);
		s->connection[i].started = false;
	}
}

int stage_finish(struct stage *s, struct error *err)
{
	if (!s->any && !s->filling && get_block(s, err) < 0)
		return -1;
	if (s->filling && submit(s, false, err) < 0)
		return -1;
	join(s);
	return s->failed ? failure(s, err) : 0;
}

static void free_blocks(struct stage_block *b)
{
	while (b) {
		struct stage_block *next = b->next;

		free(b->data);
		free(b);
		b = next;
	}
}

void stage_give_up(struct stage *s)
{
	static const struct error given_up = { .code = ERR_TEMP, .message = "given up" };

	/* NULL: of all connections none is spared. */
	fail(s, NULL, &given_up);
	join(s);
}

void stage_free(struct stage *s)
{
	if (!s)
		return;
	stage_give_up(s);
	for (unsigned i = 0; s->connection && i < s->options.connections; i++)
		stage_part_release(&s->connection[i].part);
	free(s->connection);
	if (s->filling)
		s->filling->next = NULL;
	free_blocks(s->filling);
	free_blocks(s->unused);
	free_blocks(s->first);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
