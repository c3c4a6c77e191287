/*
 * Removing staged objects: several at once, because every request waits for
 * its answer, and without much patience, because nothing depends on it.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/google/stage.h"
#include "lib/io.h"
#include "lib/log.h"

enum {
	CONNECTIONS = 8,
	OBJECTS_PER_CONNECTION = 4, /* a connection costs about as much as so many requests */
	PATIENCE_MS = 8 * 1000,     /* after a signal too: less than service managers wait */
};

/* Some objects of one bucket, and how far their removal is. */
struct removal {
	const struct stage_options *options;
	const json_t *names;
	atomic_size_t next;
	atomic_size_t left; /* that could not be removed */
	pthread_mutex_t lock;
	atomic_bool failed;
	struct error failure; /* the first one, under the lock */
};

static void note_failure(struct removal *r, const struct error *err)
{
	pthread_mutex_lock(&r->lock);
	if (!r->failed)
		r->failure = *err;
	r->failed = true;
	pthread_mutex_unlock(&r->lock);
}

static int open_api(const struct stage_options *options, struct api *api, struct error *err)
{
	struct api_options patient = options->api;

	if (patient.retry.budget_ms > PATIENCE_MS)
		patient.retry.budget_ms = PATIENCE_MS;
	return api_open(api, &patient, err);
}

static void *work(void *argument)
{
	struct removal *r = argument;
	size_t count = json_array_size(r->names), i;
	struct error err;
	struct api api;
	bool opened = open_api(r->options, &api, &err) == 0;

	if (!opened)
		note_failure(r, &err);
	while ((i = atomic_fetch_add(&r->next, 1)) < count) {
		const char *name = json_string_value(json_array_get(r->names, i));

		/* Whatever keeps one from being removed, keeps the next ones too. */
		if (r->failed || !opened) {
			atomic_fetch_add(&r->left, 1);
		} else if (storage_object_delete(&api, r->options->at->bucket, name, &err) < 0) {
			note_failure(r, &err);
			atomic_fetch_add(&r->left, 1);
		}
	}
	if (opened)
		api_close(&api);
	return NULL;
}

/* This thread works too, so that one that does not start is no failure. */
static void work_together(struct removal *r)
{
	size_t wanted = json_array_size(r->names) / OBJECTS_PER_CONNECTION, started = 0;
	pthread_t thread[CONNECTIONS];
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (started < wanted && started < CONNECTIONS &&
	       pthread_create(&thread[started], NULL, work, r) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	work(r);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
}

/* -1: some are left, which has been said. */
static int remove_names(const struct stage_options *options, const json_t *names, const char *where)
{
	struct removal r = { .options = options,
			     .names = names,
			     .lock = PTHREAD_MUTEX_INITIALIZER };

	work_together(&r);
	if (r.left == 0)
		return 0;
	log_warn("%s; %zu objects are left below %s", r.failure.message, (size_t)r.left, where);
	return -1;
}

/* An object whose last chunk was under way could yet come to be. */
static void cancel_uploads(struct stage *s)
{
	struct error err;
	struct api api;

	if (open_api(&s->options, &api, &err) < 0)
		return;
	for (unsigned i = 0; i < s->started; i++)
		if (resumable_cancel(&s->connection[i].part.upload, &api, &err) < 0)
			log_debug("%s", err.message);
	api_close(&api);
}

void stage_remove(struct stage *s)
{
	size_t scheme = strlen("gs://") + strlen(s->options.at->bucket) + 1;
	auto_buf where = BUF_INIT;
	json_t *uris, *uri, *names = json_array();
	struct error err;
	size_t i;

	stage_give_up(s);
	signals_grace(PATIENCE_MS);
	cancel_uploads(s);
	uris = stage_uris(s);
	json_array_foreach(uris, i, uri)
		json_array_append_new(names, json_string(json_string_value(uri) + scheme));
	if (json_array_size(names) > 0 && stage_append_prefix(s, &where, &err) == 0)
		(void)remove_names(&s->options, names, buf_cstr(&where, &err));
	json_decref(names);
	json_decref(uris);
}

/* --- whatever a run has left ----------------------------------------------------------------- */

/* What is listed: a run's directory, or that of one of its attempts. */
struct directory {
	const char *name; /* "PREFIX/RUN/" or "PREFIX/RUN/ATTEMPT/" */
	size_t run;       /* length of the first of the two */
};

/* Is it, behind the run's directory, "ATTEMPT/part-…"? A user may have put other things there. */
static bool is_ours(const char *name, const struct directory *d)
{
	const char *rest = name + d->run;

	return strspn(rest, "0123456789abcdef") == STAGE_ATTEMPT_SIZE - 1 &&
	       !strncmp(rest + STAGE_ATTEMPT_SIZE - 1, "/part-", 6);
}

/* "PREFIX/RUN/" */
static int append_directory(const struct stage_options *options, struct buf *out, struct error *err)
{
	const char *prefix = options->at->name;
	int n = (int)strlen(prefix);

	while (n > 0 && prefix[n - 1] == '/')
		n--;
	return buf_appendf(out, err, "%.*s%s%s/", n, prefix, n ? "/" : "", options->run);
}

/* The names on one page; *token is where the next one begins, or NULL. */
static json_t *take_names(const json_t *page, const struct directory *directory, char **token)
{
	const char *next = json_string_value(json_object_get(page, "nextPageToken"));
	json_t *names = json_array(), *item;
	size_t i;

	json_array_foreach(json_object_get(page, "items"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));

		if (name && is_ours(name, directory))
			json_array_append_new(names, json_string(name));
	}
	free(*token);
	*token = next ? strdup(next) : NULL;
	return names;
}

static int remove_pages(struct api *api, const struct stage_options *options,
			const struct directory *directory, struct error *err)
{
	char *token = NULL;
	int rc;

	do {
		const struct storage_list list = { .prefix = directory->name,
						   .fields = "items(name),nextPageToken",
						   .page_token = token };
		json_t *page = NULL, *names;

		rc = storage_objects_list(api, options->at->bucket, &list, &page, err);
		if (rc <= 0)
			break;
		names = take_names(page, directory, &token);
		json_decref(page);
		if (remove_names(options, names, directory->name) < 0)
			rc = 0;
		json_decref(names);
	} while (rc > 0 && token);
	free(token);
	return rc;
}

static void remove_directory(const struct stage_options *options, const struct directory *directory)
{
	struct error err;
	struct api api;

	if (open_api(options, &api, &err) < 0) {
		log_warn("%s", err.message);
		return;
	}
	if (remove_pages(&api, options, directory, &err) < 0)
		log_warn("%s; what earlier attempts of the run may have left is not removed",
			 err.message);
	api_close(&api);
}

void stage_remove_run(const struct stage_options *options)
{
	auto_buf text = BUF_INIT;
	struct directory directory;
	struct error err;

	if (append_directory(options, &text, &err) < 0 ||
	    !(directory.name = buf_cstr(&text, &err))) {
		log_warn("%s", err.message);
		return;
	}
	directory.run = text.length;
	remove_directory(options, &directory);
}

void stage_remove_attempt(const struct api_options *api, const char *below)
{
	struct storage_uri at;
	struct stage_options options = { .at = &at, .api = *api };
	struct directory directory;
	struct error err;
	size_t n;

	if (storage_uri_parse(below, &at, &err) < 0) {
		log_warn("%s", err.message);
		return;
	}
	directory.name = at.name;
	n = strlen(at.name);
	/* What it is not, is_ours finds. */
	directory.run = n > STAGE_ATTEMPT_SIZE ? n - STAGE_ATTEMPT_SIZE : 0;
	remove_directory(&options, &directory);
	storage_uri_release(&at);
}
