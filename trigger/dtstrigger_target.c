#include "trigger/dtstrigger_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "trigger/dts.h"
#include "trigger/dts_cover.h"
#include "trigger/dts_time.h"

enum { FIRST_PAUSE_MS = 50 };

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static const char *config_name(const struct target *t)
{
	return text_of(t->config, "name");
}

/* The last part of its name. */
static const char *config_id(const struct target *t)
{
	const char *slash = strrchr(config_name(t), '/');

	return slash ? slash + 1 : config_name(t);
}

const char *target_label(const struct target *t)
{
	return t->dataset ? t->dataset : text_of(t->config, "displayName");
}

void target_init(struct target *t, const struct trigger *with, json_t *config)
{
	*t = (struct target){ .config = config, .due_ms = monotonic_ms() };
	t->pause_ms = FIRST_PAUSE_MS;
	backoff_init(&t->backoff, &with->retry);
}

void target_release(struct target *t)
{
	lock_release(t->lock);
	json_decref(t->config);
	json_decref(t->runs);
	*t = (struct target){ .done = true };
}

static void let_go(struct target *t)
{
	lock_release(t->lock);
	t->lock = NULL;
}

/* --- when to look again ------------------------------------------------------------------------ */

/* Soon at first, then more and more rarely; a lock must be kept meanwhile. */
static int look_later(struct target *t, const struct trigger *with, const char *why,
		      const char *what)
{
	int64_t pause = t->pause_ms, most = t->lock ? with->lease_ms / 4 : INT64_MAX;
	char before[sizeof t->waits_for];

	memcpy(before, t->waits_for, sizeof before);
	snprintf(t->waits_for, sizeof t->waits_for, "%s %s", why, what);
	if (strcmp(before, t->waits_for) != 0)
		log_info("%s: %s", target_label(t), t->waits_for);
	t->due_ms = monotonic_ms() + (pause < most ? pause : most);
	t->pause_ms = pause * 2 < with->every_ms ? pause * 2 : with->every_ms;
	return 0;
}

/* Something has happened: what comes next is looked for soon again. */
static void next_state(struct target *t, enum target_state state)
{
	t->state = state;
	t->due_ms = monotonic_ms();
	t->pause_ms = FIRST_PAUSE_MS;
	*t->waits_for = '\0';
}

/* --- the end ----------------------------------------------------------------------------------- */

static json_t *make_record(const struct target *t, const json_t *run)
{
	const struct change *last = t->changed ? &t->changed->last : NULL;
	const char *message = text_of(json_object_get(run, "errorStatus"), "message");
	char at[DTS_TIME_SIZE];

	if (last)
		dts_time_format(last->at_ns, at);
	return json_pack("{s:s,s:s,s:s?,s:s?,s:s?,s:s,s:s?,s:s?,s:I,s:s*}", "config",
			 config_name(t), "name", text_of(t->config, "displayName"), "dataset",
			 t->dataset, "run", run ? run_name(run) : NULL, "state",
			 run ? run_state(run) : NULL, "reason", t->reason, "change",
			 last ? last->id : NULL, "changed", last ? at : NULL, "changes",
			 (json_int_t)(t->changed ? t->changed->count : 0), "error",
			 *message ? message : NULL);
}

static int write_run(const struct target *t, const struct trigger *with, const json_t *run,
		     struct error *err)
{
	json_t *record = make_record(t, run);
	int rc;

	if (!record)
		return error_nomem(err);
	rc = rowstream_write_record(with->out, "@run", record, err);
	json_decref(record);
	if (rc < 0 && run)
		return error_append(err, "; %s was %s", run_name(run), t->reason);
	return rc;
}

/* Every run is said; one that has failed is a failure then. */
static int finish(struct target *t, const struct trigger *with, struct error *err)
{
	json_t *run;
	size_t i;
	int rc = 0;

	t->done = true;
	if (!t->runs)
		return write_run(t, with, NULL, err);
	json_array_foreach(t->runs, i, run) {
		if (write_run(t, with, run, err) < 0)
			return -1;
	}
	json_array_foreach(t->runs, i, run) {
		const char *message = text_of(json_object_get(run, "errorStatus"), "message");

		if (rc == 0 && with->wait && strcmp(run_state(run), "SUCCEEDED") != 0)
			rc = error_set(err, ERR_REMOTE, "%s: %s is %s%s%s", target_label(t),
				       run_name(run), run_state(run), *message ? ": " : "",
				       message);
	}
	return rc;
}

static bool any_in_flight(const struct target *t)
{
	json_t *run;
	size_t i;

	json_array_foreach(t->runs, i, run)
		if (run_in_flight(run))
			return true;
	return false;
}

/* These are the runs. Stolen; NULL: none was started, because nothing is to be. */
static int settle(struct target *t, const struct trigger *with, json_t *runs, const char *reason,
		  struct error *err)
{
	let_go(t);
	t->runs = runs;
	t->reason = reason;
	log_debug("%s: %s: %s", target_label(t), reason,
		  runs ? run_name(json_array_get(runs, 0)) : "no run");
	if (!with->wait || !any_in_flight(t))
		return finish(t, with, err);
	next_state(t, TARGET_FOLLOW);
	return 0;
}

static int follow(struct target *t, const struct trigger *with, struct error *err)
{
	const char *waits = "";
	json_t *run;
	size_t i;

	json_array_foreach(t->runs, i, run) {
		json_t *now;

		if (!run_in_flight(run))
			continue;
		if (dts_run(with->dts, run_name(run), &now, err) < 0)
			return error_prefix(err, "%s", target_label(t));
		if (json_array_set_new(t->runs, i, now) < 0)
			return error_nomem(err);
		if (run_in_flight(now))
			waits = run_name(now);
	}
	return *waits ? look_later(t, with, "waiting for the end of", waits) : finish(t, with, err);
}

/* --- what is there ----------------------------------------------------------------------------- */

/* Runs in flight whose runTime is in [at_ns, before_ns), or is at_ns. */
static int add_run_times(const struct target *t, const json_t *runs, struct cover *c)
{
	json_t *run;
	size_t i;

	json_array_foreach(runs, i, run) {
		int64_t ns;

		if (!c->run && run_in_flight(run) && dts_time_parse(text_of(run, "runTime"), &ns) &&
		    (t->wish == WISH_RANGE ? ns >= t->at_ns && ns < t->before_ns : ns == t->at_ns))
			c->run = json_incref(run);
	}
	return 0;
}

/* The run of a start whose answer nobody has had is told by its run time. */
static void find_start(const struct target *t, const json_t *runs)
{
	int64_t start = t->lock ? lock_unanswered_ns(t->lock) : 0, ns;
	json_t *run;
	size_t i;

	if (!start)
		return;
	json_array_foreach(runs, i, run)
		if (dts_time_parse(text_of(run, "runTime"), &ns) && ns == start)
			lock_answered(t->lock);
}

static int find_cover(const struct target *t, const struct trigger *with, struct cover *ret,
		      struct error *err)
{
	struct cover c = { .run = NULL };
	char *page = NULL;
	json_t *runs;
	int rc;

	do {
		rc = dts_runs(with->dts, config_name(t), &page, &runs, err);
		if (rc < 0)
			break;
		rc = t->wish == WISH_CHANGE ? cover_add(&c, runs, t->at_ns, err)
					    : add_run_times(t, runs, &c);
		find_start(t, runs);
		json_decref(runs);
	} while (rc == 0 && page && !c.run);
	free(page);
	if (rc == 0 && c.run && t->wish == WISH_RANGE)
		rc = error_set(err, ERR_TEMP, "%s is still %s; nothing was started",
			       run_name(c.run), run_state(c.run));
	if (rc < 0) {
		cover_release(&c);
		return error_prefix(err, "%s", target_label(t));
	}
	*ret = c;
	return 0;
}

/* 1: it was covered, and that is settled. The cover is released then. */
static int settle_if_covered(struct target *t, const struct trigger *with, struct cover *c,
			     struct error *err)
{
	json_t *runs;

	if (!c->run)
		return 0;
	runs = json_pack("[O]", c->run);
	cover_release(c);
	if (!runs)
		return error_nomem(err);
	return settle(t, with, runs, "covered", err) < 0 ? -1 : 1;
}

/* --- starting ---------------------------------------------------------------------------------- */

/* now_ns: the run time of what a change wants. */
static json_t *make_request(const struct target *t, int64_t now_ns)
{
	char at[DTS_TIME_SIZE], before[DTS_TIME_SIZE];

	dts_time_format(t->wish == WISH_CHANGE ? now_ns : t->at_ns, at);
	if (t->wish != WISH_RANGE)
		return json_pack("{s:s}", "requestedRunTime", at);
	dts_time_format(t->before_ns, before);
	return json_pack("{s:{s:s,s:s}}", "requestedTimeRange", "startTime", at, "endTime", before);
}

/* It has not worked: again later, if there is time left. */
static int start_later(struct target *t, int64_t at_least_ms, struct error *err)
{
	int64_t now = monotonic_ms(), delay;

	if (!t->backoff.deadline_ms)
		t->backoff.deadline_ms = now + t->backoff.policy.budget_ms;
	delay = backoff_next_ms(&t->backoff, at_least_ms);
	if (now + delay > t->backoff.deadline_ms)
		return -1;
	log_warn("%s; trying again", err->message);
	t->not_before_ms = now + delay;
	t->due_ms = now;
	return 0;
}

static int start(struct target *t, const struct trigger *with, struct error *err)
{
	json_t *when, *runs = NULL;
	enum dts_start outcome;
	int64_t announced_ns, wait_ms;

	if (lock_announce(t->lock, &announced_ns, err) < 0)
		return error_prefix(err, "%s", target_label(t));
	/* With the time of the note the run can be told by it (see find_start). */
	when = make_request(t, announced_ns);
	if (!when) {
		lock_answered(t->lock);
		return error_nomem(err);
	}
	/* Well before the lease is over: whoever takes the lock over then sees what has become of it. */
	outcome = dts_start(with->dts, config_name(t), when, with->lease_ms / 2, &runs, &wait_ms,
			    err);
	json_decref(when);
	if (outcome != DTS_UNKNOWN)
		lock_answered(t->lock);
	if (outcome == DTS_STARTED)
		return settle(t, with, runs, "started", err);
	error_prefix(err, "%s", target_label(t));
	if (outcome == DTS_UNKNOWN && t->wish == WISH_RANGE)
		return error_append(err, "; runs may have been started");
	return outcome == DTS_REFUSED ? -1 : start_later(t, wait_ms, err);
}

/* --- the steps --------------------------------------------------------------------------------- */

static int look(struct target *t, const struct trigger *with, struct error *err)
{
	struct cover cover = { .run = NULL };
	int rc = find_cover(t, with, &cover, err);

	if (rc == 0)
		rc = settle_if_covered(t, with, &cover, err);
	cover_release(&cover);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!with->locks)
		return settle(t, with, NULL, "dry run", err);
	rc = lock_take(with->locks, config_id(t), &t->lock, err);
	if (rc < 0)
		return error_prefix(err, "%s", target_label(t));
	if (rc == 0)
		return look_later(t, with, "waiting for the lock, which has",
				  locks_holder(with->locks));
	next_state(t, TARGET_HOLD);
	return 0;
}

/* Nothing covers it. */
static int start_in_turn(struct target *t, const struct trigger *with, const json_t *running,
			 struct error *err)
{
	int64_t now = monotonic_ms();

	if (running && t->wish == WISH_CHANGE)
		return look_later(t, with, "waiting for the end of", run_name(running));
	if (lock_unanswered_ns(t->lock))
		return look_later(t, with, "waiting for", "the run of a start without an answer");
	if (now < t->not_before_ms) {
		int64_t left = t->not_before_ms - now, most = with->lease_ms / 4;

		t->due_ms = now + (left < most ? left : most);
		return 0;
	}
	return start(t, with, err);
}

static int hold(struct target *t, const struct trigger *with, struct error *err)
{
	struct cover cover = { .run = NULL };
	int rc;

	if (lock_keep(t->lock, err) < 0)
		return error_prefix(err, "%s", target_label(t));
	rc = find_cover(t, with, &cover, err);
	if (rc == 0)
		rc = settle_if_covered(t, with, &cover, err);
	if (rc == 0)
		rc = start_in_turn(t, with, cover.running, err);
	cover_release(&cover);
	return rc < 0 ? -1 : 0;
}

int target_step(struct target *t, const struct trigger *with, struct error *err)
{
	switch (t->state) {
	case TARGET_LOOK:
		return look(t, with, err);
	case TARGET_HOLD:
		return hold(t, with, err);
	default:
		return follow(t, with, err);
	}
}
