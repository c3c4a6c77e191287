/*
 * Which transactions ran before the snapshot. now() is the start of its
 * transaction, so a row may become visible long after rows with larger stamps
 * have: an incremental read may only go up to the start of the oldest
 * transaction that is not over.
 */
#include <stdio.h>
#include <string.h>

#include "extract/cursor.h"
#include "extract/postgresql_impl.h"

#define MOMENT_FORMAT "'YYYY-MM-DD HH24:MI:SS.US'"

/*
 * A backend takes the time of its start a moment before it shows it. Whoever
 * is in between shows it by the end of this sleep, and who comes later has a
 * later start than the clock that is read first.
 */
static const char sql_clock[] =
	"SELECT pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', " MOMENT_FORMAT
	"),"
	" pg_catalog.pg_is_in_recovery(), pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'),"
	" pg_catalog.pg_sleep(0.05)";

/*
 * All sessions that could write here, whether they have or not: those that
 * show the name of a reader do not, and reads of hours would hold all others up.
 * A session without track_activities does not show when it began what it does.
 */
static const char sql_running[] =
	"SELECT pg_catalog.to_char(LEAST($1::pg_catalog.timestamp,"
	" pg_catalog.min(a.xact_start) AT TIME ZONE 'UTC'), " MOMENT_FORMAT "),"
	" pg_catalog.bool_or(a.state = 'disabled')"
	" FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database()"
	" AND a.pid <> pg_catalog.pg_backend_pid()"
	" AND a.backend_type NOT IN ('autovacuum worker', 'walsender')"
	" AND a.application_name NOT IN ('sqlextract', 'pg_dump')";

/*
 * Rows that did not come by transactions of this database, among those of the
 * relations that planning has locked: stamps of another clock, or of a moment
 * long before the refresh or the replication that brought them.
 */
static const char sql_foreign[] =
	"SELECT CASE c.relkind WHEN 'f' THEN 'foreign table' WHEN 'm' THEN 'materialized view'"
	" ELSE 'subscription''s table' END, c.oid::pg_catalog.regclass"
	" FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation"
	" WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.relation >= 16384"
	" AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d"
	" WHERE d.datname = pg_catalog.current_database())"
	" AND (c.relkind IN ('f', 'm') OR EXISTS (SELECT FROM pg_catalog.pg_subscription_rel s"
	" WHERE s.srrelid = c.oid)) LIMIT 1";

/* When a prepared transaction began is not kept, only when it was prepared. */
static const char sql_prepared[] =
	"SELECT pg_catalog.to_char(LEAST($1::pg_catalog.timestamp, p.prepared AT TIME ZONE 'UTC'), " MOMENT_FORMAT
	"), p.gid FROM pg_catalog.pg_prepared_xacts p WHERE p.database = pg_catalog.current_database()"
	" ORDER BY p.prepared LIMIT 1";

/*
 * What a timestamp without a zone says of that moment, in the zone that is the
 * furthest behind: which one a session writes in is not known, only which ones
 * are configured. Applications that set none of them write in UTC.
 */
static const char sql_local[] =
	"SELECT pg_catalog.to_char(pg_catalog.min($1::pg_catalog.timestamp AT TIME ZONE 'UTC' AT TIME ZONE z.name), " MOMENT_FORMAT
	") FROM (SELECT 'UTC' UNION SELECT pg_catalog.current_setting('TimeZone')"
	" UNION SELECT pg_catalog.substr(s.setting, 10)"
	" FROM pg_catalog.pg_db_role_setting d, pg_catalog.unnest(d.setconfig) AS s(setting)"
	" WHERE s.setting ILIKE 'TimeZone=%' AND d.setdatabase IN (0, (SELECT b.oid"
	" FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()))) z(name)";

/* Run sql with that moment as $1; its first column, where there is a row, goes to `to`. */
static PGresult *ask(struct connection *c, const char *sql, const char *moment, char *to,
		     struct error *err)
{
	PGresult *result = postgresql_exec(c, sql, &moment, moment ? 1 : 0, PGRES_TUPLES_OK, err);

	if (result && PQntuples(result) > 0)
		snprintf(to, POSTGRESQL_MOMENT_SIZE, "%s", PQgetvalue(result, 0, 0));
	return result;
}

static int look(struct connection *c, struct error *err)
{
	struct postgresql_running *r = &c->running;
	/* A transaction that is being prepared leaves the first list after it came into the second. */
	PGresult *running = ask(c, sql_running, r->oldest, r->oldest, err), *prepared, *local;

	if (running && PQgetvalue(running, 0, 1)[0] == 't')
		r->unknown = "track_activities is off in some session, which does not show when "
			     "its transaction began";
	PQclear(running);
	prepared = running ? ask(c, sql_prepared, r->oldest, r->oldest, err) : NULL;
	if (prepared && PQntuples(prepared) > 0)
		snprintf(r->gid, sizeof r->gid, "%s", PQgetvalue(prepared, 0, 1));
	PQclear(prepared);
	local = prepared ? ask(c, sql_local, r->oldest, r->local, err) : NULL;
	PQclear(local);
	return local ? 0 : -1;
}

int postgresql_look_at_running(struct connection *c, const struct request *request,
			       struct error *err)
{
	struct postgresql_running *r = &c->running;
	PGresult *result;

	if (request->snapshot) {
		r->unknown = "which transactions ran when the snapshot was exported is not known";
		return 0;
	}
	result = ask(c, sql_clock, NULL, r->oldest, err);
	if (!result)
		return -1;
	if (PQgetvalue(result, 0, 1)[0] == 't')
		r->unknown = "a standby does not see the transactions of its primary";
	else if (PQgetvalue(result, 0, 2)[0] != 't')
		r->unknown = "this user may not see the transactions of others, which pg_monitor "
			     "may";
	PQclear(result);
	return r->unknown ? 0 : look(c, err);
}

int postgresql_look_at_sources(struct connection *c, struct error *err)
{
	struct postgresql_running *r = &c->running;
	PGresult *result;

	if (r->unknown)
		return 0;
	result = postgresql_exec(c, sql_foreign, NULL, 0, PGRES_TUPLES_OK, err);
	if (!result)
		return -1;
	if (PQntuples(result) > 0) {
		snprintf(r->source, sizeof r->source,
			 "the rows of %s %s come from elsewhere, and later than they are stamped",
			 PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
		r->unknown = r->source;
	}
	PQclear(result);
	return 0;
}
