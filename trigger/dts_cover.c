#include "trigger/dts_cover.h"

#include <stdbool.h>
#include <string.h>

#include "trigger/dts_time.h"

static const char *text_of(const json_t *run, const char *name)
{
	const char *text = json_string_value(json_object_get(run, name));

	return text ? text : "";
}

const char *run_name(const json_t *run)
{
	return text_of(run, "name");
}

const char *run_state(const json_t *run)
{
	return text_of(run, "state");
}

bool run_in_flight(const json_t *run)
{
	return !strcmp(run_state(run), "PENDING") || !strcmp(run_state(run), "RUNNING");
}

void cover_release(struct cover *c)
{
	json_decref(c->run);
	json_decref(c->running);
	*c = (struct cover){ .run = NULL };
}

/* How far a run is that may cover a change. */
enum progress { NEVER, WAITS, RUNS, HAS_RUN };

static enum progress progress_of(const json_t *run)
{
	const char *state = run_state(run);

	if (!strcmp(state, "PENDING"))
		return WAITS;
	if (!strcmp(state, "RUNNING"))
		return RUNS;
	return strcmp(state, "SUCCEEDED") != 0 ? NEVER : HAS_RUN;
}

/* *ret: it has begun, and after the change. What waits has no startTime. */
static int started_after(const json_t *run, int64_t change_ns, bool *ret, struct error *err)
{
	const char *at = text_of(run, "startTime");
	int64_t at_ns;

	*ret = false;
	if (!*at)
		return 0;
	if (!dts_time_parse(at, &at_ns))
		return error_set(err, ERR_PROTOCOL, "%s: startTime '%s' is no point in time",
				 run_name(run), at);
	*ret = at_ns > change_ns;
	return 0;
}

int cover_add(struct cover *c, const json_t *runs, int64_t change_ns, struct error *err)
{
	json_t *run;
	size_t i;

	json_array_foreach(runs, i, run) {
		enum progress progress = progress_of(run);
		bool covers;

		if (!*run_name(run))
			return error_set(err, ERR_PROTOCOL, "a run without a name");
		if (started_after(run, change_ns, &covers, err) < 0)
			return -1;
		covers = progress == WAITS || (progress != NEVER && covers);
		if (covers && (!c->run || progress > progress_of(c->run))) {
			json_decref(c->run);
			c->run = json_incref(run);
		} else if (!covers && progress == RUNS && !c->running) {
			c->running = json_incref(run);
		}
	}
	return 0;
}
