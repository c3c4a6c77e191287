/* Runs: rows of the table run, and the clock that moves them. */
#include "tests/localcloud/dts_impl.h"
#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>

/* The columns that make_run() reads. */
#define RUN_COLUMNS                                                                                    \
	"SELECT run.seq, run.resource, run.schedule_time, run.run_time, run.start_time, run.end_time," \
	" run.update_time, run.state, run.error FROM run"

static void set_time(json_t *resource, const char *key, sqlite3_stmt *stmt, int column)
{
	if (sqlite3_column_type(stmt, column) != SQLITE_NULL)
		json_object_set_new(resource, key,
				    dts_time_text(sqlite3_column_int64(stmt, column)));
}

static json_t *make_run(struct dts *d, sqlite3_stmt *stmt, struct api_error *err)
{
	json_t *resource = dts_column_json(stmt, 1, err),
	       *error = resource ? dts_column_json(stmt, 8, err) : NULL;

	(void)d;
	if (!error) {
		json_decref(resource);
		return NULL;
	}
	set_time(resource, "scheduleTime", stmt, 2);
	set_time(resource, "runTime", stmt, 3);
	set_time(resource, "startTime", stmt, 4);
	set_time(resource, "endTime", stmt, 5);
	set_time(resource, "updateTime", stmt, 6);
	json_object_set_new(resource, "state",
			    json_string((const char *)sqlite3_column_text(stmt, 7)));
	json_object_set_new(resource, "errorStatus", error);
	return resource;
}

int dts_log(struct dts *d, int64_t run, int64_t time_us, const char *severity, const char *text,
	    struct api_error *err)
{
	return dts_exec(d, NULL, err, "INSERT INTO log(run, time, severity, text) VALUES(?,?,?,?)",
			"iiss", run, time_us, severity, text);
}

int dts_settle(struct dts *d, int64_t now_us, struct api_error *err)
{
	static const char *const steps[] = {
		"INSERT INTO log(run, time, severity, text) SELECT seq, due_start, 'INFO',"
		" 'Dispatched run to data source.' FROM run WHERE state='PENDING' AND due_start<=?"
		" ORDER BY due_start",
		"UPDATE run SET state='RUNNING', start_time=due_start, update_time=due_start"
		" WHERE state='PENDING' AND due_start<=?",
		"INSERT INTO log(run, time, severity, text) SELECT seq, due_end,"
		" CASE outcome WHEN 'SUCCEEDED' THEN 'INFO' WHEN 'FAILED' THEN 'ERROR' ELSE 'WARNING' END,"
		" CASE outcome WHEN 'SUCCEEDED' THEN 'Summary: succeeded 1 jobs, failed 0 jobs.'"
		" ELSE coalesce(json_extract(planned_error, '$.message'), 'Run ended: ' || outcome) END"
		" FROM run WHERE state='RUNNING' AND due_end<=? ORDER BY due_end",
		"UPDATE run SET state=outcome, end_time=due_end, update_time=due_end, error=planned_error"
		" WHERE state='RUNNING' AND due_end<=?",
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (dts_exec(d, NULL, err, steps[i], "i", now_us))
			return -1;
	return 0;
}

/* What a run takes over from its configuration. */
static json_t *new_resource(const json_t *config, const char *id)
{
	static const char *const kept[] = { "params",
					    "dataSourceId",
					    "destinationDatasetId",
					    "userId",
					    "notificationPubsubTopic",
					    "emailPreferences" };
	json_t *resource = json_pack("{s:o}", "name",
				     json_sprintf("%s/runs/%s", ju_string(config, "name", ""), id));

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (json_object_get(config, kept[i]))
			json_object_set(resource, kept[i], json_object_get(config, kept[i]));
	return resource;
}

/* How the run ends, as its errorStatus will say. */
static char *planned_error(const json_t *plan)
{
	bool fails = strcmp(ju_string(plan, "outcome", "SUCCEEDED"), "FAILED") == 0;
	json_t *error =
		fails ? json_pack("{s:I, s:s}", "code", (json_int_t)ju_int64(plan, "code", 13),
				  "message", ju_string(plan, "message", "injected fault"))
		      : json_object();
	char *text = json_dumps(error, JSON_COMPACT);

	json_decref(error);
	return text;
}

static int set_clock(struct dts *d, int64_t seq, int64_t schedule_us, const json_t *plan,
		     struct api_error *err)
{
	const char *hold = ju_string(plan, "hold", "");
	int64_t start = schedule_us + 1000 * ju_int64(plan, "pendingMs", d->options.pending_ms),
		end = start + 1000 * ju_int64(plan, "runningMs", d->options.running_ms);

	if (strcmp(hold, "PENDING") == 0)
		return 0;
	if (strcmp(hold, "RUNNING") == 0)
		return dts_exec(d, NULL, err, "UPDATE run SET due_start=? WHERE seq=?", "ii", start,
				seq);
	return dts_exec(d, NULL, err, "UPDATE run SET due_start=?, due_end=? WHERE seq=?", "iii",
			start, end, seq);
}

json_t *dts_run_read(struct dts *d, int64_t seq, struct api_error *err)
{
	sqlite3_stmt *stmt = dts_prepare(d, err, RUN_COLUMNS " WHERE run.seq=?", "i", seq);
	json_t *run = NULL;

	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		run = make_run(d, stmt, err);
	else if (stmt)
		dts_db_error(d, err);
	sqlite3_finalize(stmt);
	return run;
}

static json_t *insert_run(struct dts *d, int64_t config, const json_t *resource, int64_t run_time,
			  int64_t schedule_us, const json_t *plan, struct api_error *err)
{
	char id[DTS_ID_MAX], *text, *error = planned_error(plan);
	json_t *run;
	int64_t seq = 0;
	int rc;

	dts_new_id(id);
	run = new_resource(resource, id);
	text = json_dumps(run, JSON_COMPACT);
	json_decref(run);
	rc = dts_exec(
		d, NULL, err,
		"INSERT INTO run(id, config, run_time, schedule_time, state, update_time,"
		" outcome, planned_error, resource, topic) VALUES(?,?,?,?,'PENDING',?,?,?,?,?)",
		"siiiissss", id, config, run_time, schedule_us, dts_now_us(),
		ju_string(plan, "outcome", "SUCCEEDED"), error, text,
		ju_string(resource, "notificationPubsubTopic", NULL));
	free(text);
	free(error);
	seq = sqlite3_last_insert_rowid(d->db);
	if (rc || set_clock(d, seq, schedule_us, plan, err))
		return NULL;
	return dts_run_read(d, seq, err);
}

/* The configuration's row as JSON; 400 when it is disabled. */
static json_t *find_enabled(struct dts *d, const struct dts_name *name, int64_t *seq,
			    struct api_error *err)
{
	sqlite3_stmt *stmt;
	json_t *config = NULL;

	if (dts_config_find(d, name, seq, err))
		return NULL;
	stmt = dts_prepare(d, err, "SELECT resource FROM config WHERE seq=?", "i", *seq);
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		config = dts_column_json(stmt, 0, err);
	else if (stmt)
		dts_db_error(d, err);
	sqlite3_finalize(stmt);
	if (config && ju_bool(config, "disabled", false)) {
		json_decref(config);
		config = NULL;
		api_fail(err, 400, "FAILED_PRECONDITION",
			 "Cannot start runs of a disabled transfer config.");
	}
	return config;
}

json_t *dts_runs_start(struct dts *d, const struct dts_name *name, const int64_t *run_times,
		       size_t n, const json_t *plan, struct api_error *err)
{
	int64_t seq = 0, now = dts_now_us(), spacing = 1000 * d->options.spacing_ms;
	json_t *config, *runs = NULL;

	if (dts_begin(d, err))
		return NULL;
	config = find_enabled(d, name, &seq, err);
	if (config)
		runs = json_array();
	for (size_t i = 0; runs && i < n; i++) {
		json_t *run = insert_run(d, seq, config, run_times[i], now + (int64_t)i * spacing,
					 plan, err);

		if (!run || json_array_append_new(runs, run)) {
			json_decref(runs);
			runs = NULL;
		}
	}
	json_decref(config);
	dts_wake(d);
	if (dts_end(d, runs ? 0 : -1, err) == 0)
		return runs;
	json_decref(runs);
	return NULL;
}

int dts_run_find(struct dts *d, const struct dts_name *name, int64_t *seq, struct api_error *err)
{
	sqlite3_stmt *stmt;
	int64_t config = 0;
	int step;

	if (dts_config_find(d, name, &config, err))
		return -1;
	stmt = dts_prepare(d, err, "SELECT seq FROM run WHERE id=? AND config=?", "si", name->run,
			   config);
	if (!stmt)
		return -1;
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW)
		*seq = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	if (step == SQLITE_ROW)
		return 0;
	return step == SQLITE_DONE ? dts_not_found(err) : dts_db_error(d, err);
}

json_t *dts_run_get(struct dts *d, const struct dts_name *name, struct api_error *err)
{
	json_t *run = NULL;
	int64_t seq = 0;

	if (dts_begin(d, err))
		return NULL;
	if (dts_run_find(d, name, &seq, err) == 0)
		run = dts_run_read(d, seq, err);
	if (dts_end(d, run ? 0 : -1, err) == 0)
		return run;
	json_decref(run);
	return NULL;
}

json_t *dts_run_list(struct dts *d, const struct dts_name *name, const json_t *states, bool latest,
		     struct dts_page *page, struct api_error *err)
{
	/* A later run of the same day hides one; 86400000000 are the microseconds of a day. */
	static const char sql[] = RUN_COLUMNS
		" WHERE run.config=?1 AND (?2 = 0 OR run.seq < ?2)"
		" AND (?3 IS NULL OR run.state IN (SELECT value FROM json_each(?3)))"
		" AND (NOT ?4 OR NOT EXISTS (SELECT 1 FROM run later WHERE later.config=run.config"
		" AND later.seq > run.seq AND later.run_time/86400000000 = run.run_time/86400000000))"
		" ORDER BY run.seq DESC";
	char *wanted = states ? json_dumps(states, JSON_COMPACT) : NULL;
	json_t *items = NULL;
	int64_t config = 0;

	if (dts_begin(d, err) == 0) {
		if (dts_config_find(d, name, &config, err) == 0)
			items = dts_read_page(d,
					      dts_prepare(d, err, sql, "iisi", config, page->after,
							  wanted, (int64_t)latest),
					      page, make_run, err);
		if (dts_end(d, items ? 0 : -1, err)) {
			json_decref(items);
			items = NULL;
		}
	}
	free(wanted);
	return items;
}

int dts_run_delete(struct dts *d, const struct dts_name *name, struct api_error *err)
{
	int64_t seq = 0;
	int rc;

	if (dts_begin(d, err))
		return -1;
	rc = dts_run_find(d, name, &seq, err);
	if (rc == 0)
		rc = dts_exec(d, NULL, err, "DELETE FROM run WHERE seq=?", "i", seq);
	return dts_end(d, rc, err);
}
