/*
 * dtstrigger: start a run of a transfer config of the BigQuery Data Transfer
 * Service when a dataset has changed, once a change.
 *
 * What was started is known from the config's list of runs alone, so nothing
 * that ends this program, at any moment, loses a change or starts two runs.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/google/backoff.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/rowstream.h"
#include "trigger/dts_time.h"
#include "trigger/dtstrigger_configs.h"
#include "trigger/dtstrigger_options.h"
#include "trigger/dtstrigger_target.h"
#include "trigger/event_input.h"
#include "trigger/lock.h"

enum { GRACE_MS = 10 * 1000 };

struct run {
	const struct config *config;
	struct trigger with;
	struct api api;
	char *project, *location; /* "projects/P/locations/L" */
	struct locks *locks;
	struct configs configs;
	struct changes changes;
	struct target *targets;
	size_t target_count;
	int rc; /* of the first failure, which first is */
	struct error first;
};

/* The first failure is that of the program; each is logged, and does not keep the others from being dealt with. */
static void keep_failure(struct run *r, const struct error *why)
{
	log_error("%s", why->message);
	if (r->rc == 0)
		r->first = *why;
	r->rc = -1;
}

/* --- opening ----------------------------------------------------------------------------------- */

static int open_all(struct run *r, struct rowstream_writer *out, struct error *err)
{
	const struct config *c = r->config;
	const struct api_options api = config_api(c, SERVICE_DATATRANSFER);
	struct locks_options locks = { .place = c->lock,
				       .project = c->lock_project,
				       .database = c->lock_database,
				       .lease_ms = c->lease_ms,
				       .api = api };

	if (api_open(&r->api, &api, err) < 0 ||
	    api_project(&r->api, c->project, &r->project, err) < 0)
		return -1;
	if (asprintf(&r->location, "projects/%s/locations/%s", r->project, c->location) < 0) {
		r->location = NULL;
		return error_nomem(err);
	}
	if (!locks.project)
		locks.project = r->project;
	if (locks_open(&locks, &r->locks, err) < 0)
		return -1;
	r->configs = (struct configs){ .dts = &r->api, .location = r->location };
	r->with = (struct trigger){ .dts = &r->api,
				    .locks = c->dry_run ? NULL : r->locks,
				    .out = out,
				    .retry = api.retry,
				    .every_ms = c->every_ms,
				    .lease_ms = c->lease_ms,
				    .wait = c->wait };
	return rowstream_write_begin(out, NULL, err);
}

static void close_all(struct run *r)
{
	for (size_t i = 0; i < r->target_count; i++)
		target_release(&r->targets[i]);
	free(r->targets);
	changes_release(&r->changes);
	configs_release(&r->configs);
	locks_close(r->locks);
	api_close(&r->api);
	free(r->location);
	free(r->project);
}

/* --- what is wanted ---------------------------------------------------------------------------- */

/* Find its config. dataset: or NULL, where --config says it. The caller goes on behind a failure. */
static int add_target(struct run *r, const char *dataset, struct target **ret, struct error *err)
{
	const struct config *c = r->config;
	struct target *t = &r->targets[r->target_count];
	json_t *config = NULL;
	char *name = NULL;
	int rc;

	if (c->config) {
		rc = configs_find(&r->configs, c->config, false, dataset ? dataset : "--config",
				  &config, err);
	} else {
		rc = asprintf(&name, "%s%s", dataset, c->suffix) < 0 ? error_nomem(err) : 0;
		if (rc == 0)
			rc = configs_find(&r->configs, name, true, dataset, &config, err);
		else
			name = NULL;
		free(name);
	}
	if (rc < 0)
		return -1;
	target_init(t, &r->with, config);
	t->dataset = dataset;
	r->target_count++;
	*ret = t;
	return 0;
}

static int make_room(struct run *r, size_t count, struct error *err)
{
	r->targets = calloc(count ? count : 1, sizeof *r->targets);
	return r->targets ? 0 : error_nomem(err);
}

static int add_changes(struct run *r, struct error *err)
{
	const struct config *c = r->config;
	const struct event_filter filter = { .datasets = c->datasets, .together = c->config };
	struct error why;

	if (changes_read(&r->changes, STDIN_FILENO, &filter, &why) < 0) {
		/* An end that was wanted, or of the input that can be read; what has come is dealt with. */
		if (signals_check(err) < 0)
			return -1;
		keep_failure(r, &why);
	}
	if (make_room(r, r->changes.count, err) < 0)
		return -1;
	for (size_t i = 0; i < r->changes.count; i++) {
		const struct changed *changed = &r->changes.item[i];
		struct target *t;

		if (add_target(r, changed->last.dataset, &t, &why) < 0) {
			if (signals_check(err) < 0)
				return -1;
			keep_failure(r, &why);
			continue;
		}
		t->wish = WISH_CHANGE;
		t->at_ns = changed->last.at_ns;
		t->changed = changed;
	}
	return 0;
}

static int add_manual(struct run *r, struct error *err)
{
	const struct config *c = r->config;
	int64_t now_ns = dts_time_now_ns();
	struct error why;
	size_t count = 0;

	while (!c->config && c->datasets[count])
		count++;
	if (make_room(r, count, err) < 0)
		return -1;
	for (size_t i = 0; i < (c->config ? 1 : count); i++) {
		/* The project of a dataset says nothing about its config. */
		const char *dataset = c->config ? NULL : c->datasets[i];
		struct target *t;

		for (const char *mark = dataset; mark && (mark = strpbrk(mark, ".:"));)
			dataset = ++mark;
		if (add_target(r, dataset, &t, &why) < 0) {
			if (signals_check(err) < 0)
				return -1;
			keep_failure(r, &why);
			continue;
		}
		t->wish = c->range_given ? WISH_RANGE : c->now ? WISH_CHANGE : WISH_RUN_TIME;
		t->at_ns = c->now ? now_ns : c->from_ns;
		t->before_ns = c->before_ns;
	}
	return 0;
}

/* --- dealing with it --------------------------------------------------------------------------- */

/* The one whose step is due first; NULL: all are done. */
static struct target *next_target(const struct run *r)
{
	struct target *next = NULL;

	for (size_t i = 0; i < r->target_count; i++) {
		struct target *t = &r->targets[i];

		if (!t->done && (!next || t->due_ms < next->due_ms))
			next = t;
	}
	return next;
}

/* -1: nothing more can be done. */
static int step(struct run *r, struct target *t, struct error *err)
{
	int64_t left = t->due_ms - monotonic_ms();
	struct error why;

	if (backoff_sleep(left > 0 ? left : 0, -1, err) < 0)
		return *t->waits_for ? error_prefix(err, "%s: %s", target_label(t), t->waits_for)
				     : -1;
	if (target_step(t, &r->with, &why) == 0)
		return 0;
	if (signals_pending() || r->with.out->broken) {
		*err = why;
		return -1;
	}
	t->done = true;
	keep_failure(r, &why);
	lock_release(t->lock);
	t->lock = NULL;
	return 0;
}

static int deal(struct run *r, struct error *err)
{
	struct target *t;

	while ((t = next_target(r)))
		if (step(r, t, err) < 0)
			return -1;
	return 0;
}

/*
 * What is on stdout is whole even where something else has failed: @end says
 * so, the exit status the rest. Not where the input was not whole.
 */
static int end_output(struct run *r, struct error *err)
{
	if (r->changes.broken) {
		*err = r->first;
		return -1;
	}
	if (rowstream_write_end(r->with.out, NULL, "records", err) < 0 ||
	    io_close(STDOUT_FILENO, "stdout", err) < 0)
		return -1;
	if (r->rc < 0)
		*err = r->first;
	return r->rc;
}

static int run(const struct config *c, struct rowstream_writer *out, struct error *err)
{
	struct run r = { .config = c };
	int rc = open_all(&r, out, err);

	if (rc == 0)
		rc = c->manual ? add_manual(&r, err) : add_changes(&r, err);
	if (rc == 0)
		rc = deal(&r, err);
	if (rc == 0)
		rc = end_output(&r, err);
	if (signals_pending())
		signals_grace(GRACE_MS);
	close_all(&r);
	return rc;
}

int main(int argc, char **argv)
{
	struct rowstream_writer out;
	struct config config;
	struct error err = { 0 };
	bool done;
	int rc;

	if (signals_init(&err) < 0 || config_read(&config, argc, argv, &done, &err) < 0)
		return log_failure(&err);
	if (done)
		return 0;
	rowstream_writer_init(&out, STDOUT_FILENO, "stdout");
	rc = config.timeout_ms ? signals_set_timeout(config.timeout_ms, &err) : 0;
	if (rc == 0)
		rc = run(&config, &out, &err);
	if (rc < 0)
		rowstream_write_abort(&out, &err);
	rowstream_writer_release(&out);
	config_release(&config);
	return rc < 0 ? log_failure(&err) : 0;
}
