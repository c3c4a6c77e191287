/* What somebody says about a run instead of the clock, and the runs' logs. */
#include "tests/localcloud/dts_impl.h"
#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>

/* How far a run is; it never goes back. */
static int rank(const char *state)
{
	return strcmp(state, "PENDING") == 0 ? 0 : strcmp(state, "RUNNING") == 0 ? 1 : 2;
}

static int check_change(struct dts *d, int64_t seq, const char *state, struct api_error *err)
{
	sqlite3_stmt *stmt = dts_prepare(d, err, "SELECT state FROM run WHERE seq=?", "i", seq);
	const char *old;
	int rc = 0;

	if (!stmt)
		return -1;
	if (sqlite3_step(stmt) != SQLITE_ROW) {
		rc = dts_db_error(d, err);
	} else {
		old = (const char *)sqlite3_column_text(stmt, 0);
		if (rank(old) == 2)
			rc = api_fail(err, 400, "FAILED_PRECONDITION",
				      "The transfer run has ended: %s.", old);
		else if (state && rank(state) < rank(old))
			rc = api_fail(err, 400, "FAILED_PRECONDITION",
				      "The transfer run cannot go from %s to %s.", old, state);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int change(struct dts *d, int64_t seq, const char *state, const char *error,
		  struct api_error *err)
{
	static const char sql[] =
		"UPDATE run SET due_start=NULL, due_end=NULL, update_time=?1, state=coalesce(?2, state),"
		" error=coalesce(?3, error),"
		" start_time=CASE WHEN ?4 >= 1 THEN coalesce(start_time, ?1) ELSE start_time END,"
		" end_time=CASE WHEN ?4 = 2 THEN ?1 ELSE end_time END WHERE seq=?5";

	return dts_exec(d, NULL, err, sql, "issii", dts_now_us(), state, error,
			(int64_t)(state ? rank(state) : 0), seq);
}

static int log_end(struct dts *d, int64_t seq, const char *state, const json_t *error,
		   struct api_error *err)
{
	bool good = strcmp(state, "SUCCEEDED") == 0;
	const char *text = ju_string(error, "message", good ? "Run succeeded." : "Run ended.");

	return dts_log(d, seq, dts_now_us(), good ? "INFO" : "ERROR", text, err);
}

int dts_run_patch(struct dts *d, const struct dts_name *name, const char *state,
		  const json_t *error, struct api_error *err)
{
	char *text = error ? json_dumps(error, JSON_COMPACT) : NULL;
	int64_t seq = 0;
	int rc = dts_begin(d, err);

	if (rc == 0) {
		rc = dts_run_find(d, name, &seq, err);
		if (rc == 0)
			rc = check_change(d, seq, state, err);
		if (rc == 0)
			rc = change(d, seq, state, text, err);
		if (rc == 0 && state && rank(state) == 2)
			rc = log_end(d, seq, state, error, err);
		dts_wake(d);
		rc = dts_end(d, rc, err);
	}
	free(text);
	return rc;
}

static json_t *make_message(struct dts *d, sqlite3_stmt *stmt, struct api_error *err)
{
	(void)d;
	(void)err;
	return json_pack("{s:o, s:s, s:s}", "messageTime",
			 dts_time_text(sqlite3_column_int64(stmt, 1)), "severity",
			 (const char *)sqlite3_column_text(stmt, 2), "messageText",
			 (const char *)sqlite3_column_text(stmt, 3));
}

json_t *dts_log_list(struct dts *d, const struct dts_name *name, const json_t *severities,
		     struct dts_page *page, struct api_error *err)
{
	static const char sql[] =
		"SELECT seq, time, severity, text FROM log WHERE run=?1 AND seq > ?2"
		" AND (?3 IS NULL OR severity IN (SELECT value FROM json_each(?3))) ORDER BY seq";
	char *wanted = severities ? json_dumps(severities, JSON_COMPACT) : NULL;
	json_t *items = NULL;
	int64_t run = 0;

	if (dts_begin(d, err) == 0) {
		if (dts_run_find(d, name, &run, err) == 0)
			items = dts_read_page(
				d, dts_prepare(d, err, sql, "iis", run, page->after, wanted), page,
				make_message, err);
		if (dts_end(d, items ? 0 : -1, err)) {
			json_decref(items);
			items = NULL;
		}
	}
	free(wanted);
	return items;
}
