/*
 * DAGs and their runs. A run is kept as {"conf","note","logical_us","made_us","begun_us","queuedMs","durationMs",
 * "outcome"}; its state follows from the clock. begun_us is 0 while its DAG is paused.
 */
#include "tests/localcloud/airflow_impl.h"

#include "tests/localcloud/civil.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* "2026-01-31T10:00:00.123456+00:00" as v1 writes times, with Z as v2 does; null for 0. */
static json_t *time_text(int64_t micros, int api)
{
	struct civil c;
	char date[CIVIL_TEXT_MAX];

	if (micros == 0)
		return json_null();
	civil_from_micros(micros, &c);
	civil_format_date(&c, date);
	return json_sprintf("%sT%02d:%02d:%02d.%06d%s", date, c.hour, c.minute, c.second, c.micros,
			    api == 1 ? "+00:00" : "Z");
}

/* --- DAGs: the lock is held -------------------------------------------------------------------------------------- */

static json_t *find_dag(struct airflow *a, const char *dag, struct api_error *err)
{
	json_t *found = json_object_get(json_object_get(a->config, "dags"), dag);

	if (!found)
		api_fail(err, 404, "DAG not found", "DAG with dag_id: '%s' not found", dag);
	return found;
}

static json_t *find_run(struct airflow *a, const char *dag, const char *run, struct api_error *err)
{
	json_t *found = json_object_get(json_object_get(a->runs, dag), run);

	if (!found)
		api_fail(err, 404, "DAGRun not found",
			 "DAGRun with DAG ID: '%s' and DagRun ID: '%s' not found", dag, run);
	return found;
}

static int64_t number(const json_t *object, const char *key)
{
	return ju_int64(object, key, 0);
}

/* When it began to run, and ended, or 0; the state. */
static const char *state_of(const json_t *run, int64_t *started, int64_t *ended)
{
	int64_t begun = number(run, "begun_us"), now = now_us();
	int64_t start = begun + number(run, "queuedMs") * 1000;
	int64_t end = start + number(run, "durationMs") * 1000;

	*started = begun && now >= start ? start : 0;
	*ended = *started && now >= end ? end : 0;
	return *ended ? ju_string(run, "outcome", "success") : *started ? "running" : "queued";
}

static json_t *run_resource(int api, const char *dag, const char *id, json_t *run)
{
	int64_t started, ended, logical = number(run, "logical_us");
	const char *state = state_of(run, &started, &ended);
	json_t *made = time_text(number(run, "made_us"), api);
	json_t *r =
		json_pack("{s:s, s:s, s:s, s:O, s:s, s:o, s:o, s:o, s:o, s:o, s:O}", "dag_id", dag,
			  "dag_run_id", id, "state", state, "conf", json_object_get(run, "conf"),
			  "run_type", "manual", "start_date", time_text(started, api), "end_date",
			  time_text(ended, api), "logical_date", time_text(logical, api),
			  "data_interval_start", time_text(logical, api), "data_interval_end",
			  time_text(logical, api), "note", json_object_get(run, "note"));

	json_object_set_new(r, "last_scheduling_decision", json_null());
	if (api == 1) {
		json_object_set_new(r, "execution_date", time_text(logical, api));
		json_object_set_new(r, "external_trigger", json_true());
		json_decref(made);
	} else {
		json_object_set(r, "run_after", made);
		json_object_set_new(r, "queued_at", made);
		json_object_set_new(r, "triggered_by", json_string("rest_api"));
		json_object_set_new(r, "dag_display_name", json_string(dag));
		json_object_set_new(r, "dag_versions", json_array());
	}
	return r;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

json_t *airflow_dag(struct airflow *a, int api, const char *dag, struct api_error *err)
{
	json_t *found, *answer = NULL;

	(void)api;
	pthread_mutex_lock(&a->lock);
	found = find_dag(a, dag, err);
	if (found)
		answer =
			json_pack("{s:s, s:s, s:b, s:b, s:[], s:s}", "dag_id", dag,
				  "dag_display_name", dag, "is_paused",
				  ju_bool(found, "paused", false), "has_import_errors",
				  ju_bool(found, "importErrors", false), "tags", "description", "");
	if (answer && api == 1)
		json_object_set_new(answer, "is_active", json_true());
	pthread_mutex_unlock(&a->lock);
	return answer;
}

int airflow_dag_pause(struct airflow *a, const char *dag, bool paused, struct api_error *err)
{
	json_t *found, *run;
	const char *id;

	pthread_mutex_lock(&a->lock);
	found = find_dag(a, dag, err);
	if (found) {
		json_object_set_new(found, "paused", json_boolean(paused));
		json_object_foreach(json_object_get(a->runs, dag), id, run) {
			if (!paused && number(run, "begun_us") == 0)
				json_object_set_new(run, "begun_us", json_integer(now_us()));
		}
	}
	pthread_mutex_unlock(&a->lock);
	return found ? 0 : -1;
}

json_t *airflow_run(struct airflow *a, int api, const char *dag, const char *run,
		    struct api_error *err)
{
	json_t *found, *answer = NULL;

	pthread_mutex_lock(&a->lock);
	found = find_run(a, dag, run, err);
	if (found)
		answer = run_resource(api, dag, run, found);
	pthread_mutex_unlock(&a->lock);
	return answer;
}

json_t *airflow_runs(struct airflow *a, int api, const char *dag, struct api_error *err)
{
	json_t *list = json_array(), *run, *found;
	const char *id;

	pthread_mutex_lock(&a->lock);
	found = find_dag(a, dag, err);
	json_object_foreach(json_object_get(a->runs, dag), id, run)
		json_array_append_new(list, run_resource(api, dag, id, run));
	pthread_mutex_unlock(&a->lock);
	if (!found) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o, s:I}", "dag_runs", list, "total_entries",
			 (json_int_t)json_array_size(list));
}

/* --- making: the lock is held ------------------------------------------------------------------------------------- */

/* Airflow 2 gives each run a date of its own, now where none is given; in Airflow 3 there may be none. */
static int logical_date(int api, const json_t *body, int64_t *ret, struct api_error *err)
{
	const char *given =
		ju_string(body, "logical_date", ju_string(body, "execution_date", NULL));

	*ret = api == 1 ? now_us() : 0;
	if (given && civil_parse_timestamp(given, strlen(given), ret))
		return api_fail(err, 400, "Bad Request", "'%s' is no date", given);
	return 0;
}

static int check_conflict(int api, const char *dag, const char *id, const json_t *runs,
			  int64_t logical, struct api_error *err)
{
	json_t *run;
	const char *key;

	json_object_foreach((json_t *)runs, key, run) {
		if (logical && number(run, "logical_us") == logical)
			return api_fail(err, 409, "Conflict",
					"DAGRun with DAG ID: '%s' and DAGRun logical date: '%s' "
					"already exists",
					dag, key);
	}
	if (!json_object_get(runs, id))
		return 0;
	return api_fail(err, 409, "Conflict",
			"DAGRun with DAG ID: '%s' and DAGRun %s: '%s' already exists", dag,
			api == 1 ? "ID" : "run ID", id);
}

static json_t *new_run(const json_t *dag, const json_t *body, int64_t logical)
{
	const json_t *conf = json_object_get(body, "conf");
	int64_t now = now_us();
	json_t *run = json_pack("{s:O*, s:O*, s:I, s:I, s:I, s:I, s:I, s:s}", "conf", conf, "note",
				json_object_get(body, "note"), "logical_us", (json_int_t)logical,
				"made_us", (json_int_t)now, "begun_us",
				(json_int_t)(ju_bool(dag, "paused", false) ? 0 : now), "queuedMs",
				(json_int_t)ju_int64(dag, "queuedMs", 0), "durationMs",
				(json_int_t)ju_int64(dag, "durationMs", 0), "outcome",
				ju_string(dag, "outcome", "success"));

	if (!json_object_get(run, "conf"))
		json_object_set_new(run, "conf", json_object());
	if (!json_object_get(run, "note"))
		json_object_set_new(run, "note", json_null());
	return run;
}

static json_t *make_run(struct airflow *a, int api, const char *dag, const json_t *body,
			struct api_error *err)
{
	json_t *found = find_dag(a, dag, err), *runs = json_object_get(a->runs, dag), *run;
	const char *id = ju_string(body, "dag_run_id", NULL);
	int64_t logical;
	char made[64], random[17];

	if (!found)
		return NULL;
	if (ju_bool(found, "importErrors", false)) {
		api_fail(err, 400, "DAG cannot be triggered",
			 "DAG with dag_id: '%s' has import errors%s", dag,
			 api == 1 ? "" : " and cannot be triggered");
		return NULL;
	}
	ident_random_hex(random, sizeof(random));
	snprintf(made, sizeof(made), "manual__%s", random);
	if (!id)
		id = made;
	if (logical_date(api, body, &logical, err) ||
	    check_conflict(api, dag, id, runs, logical, err))
		return NULL;
	if (!runs) {
		runs = json_object();
		json_object_set_new(a->runs, dag, runs);
	}
	run = new_run(found, body, logical);
	json_object_set_new(runs, id, run);
	return run_resource(api, dag, id, run);
}

json_t *airflow_run_new(struct airflow *a, int api, const char *dag, const json_t *body,
			struct api_error *err)
{
	json_t *answer;

	pthread_mutex_lock(&a->lock);
	answer = make_run(a, api, dag, body, err);
	pthread_mutex_unlock(&a->lock);
	return answer;
}
