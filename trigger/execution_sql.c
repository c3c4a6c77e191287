#include "trigger/execution_sql.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "lib/google/statement.h"

static const struct column {
	const char *name, *type;
	bool required;
	const char *description;
} columns[] = {
	{ "id", "INT64", true, "63 bits of SHA-256 of the message id" },
	{ "command", "STRING", true, "The command line of the message" },
	{ "timestamp", "DATETIME", true, "When the on-premise job published it, UTC" },
	{ "source", "STRING", true, "Where the event took place" },
	{ "status", "STRING", true, "received, triggered, success or failed" },
	{ "run_id", "STRING", true, "Of the execution: one message for one DAG" },
	{ "dag_id", "STRING", true, "The DAG that is to run" },
	{ "dag_run_id", "STRING", false, "The DAG run, once it is there" },
	{ "database", "STRING", true, "What was asked for" },
	{ "table", "STRING", true, "What was asked for: [SCHEMA.]TABLE" },
	{ "updated", "TIMESTAMP", true, "When the row was written" },
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

/* --- making it ------------------------------------------------------------------------------ */

/* An end outranks what was written late, by whoever came back from a crash; of two ends the later counts. */
int execution_sql_create_view(const char *name, struct buf *out, struct error *err)
{
	if (buf_appendf(out, err,
			"CREATE VIEW IF NOT EXISTS `%s_latest`\n"
			"OPTIONS (description = 'The latest state of each execution')\nAS SELECT ",
			name) < 0)
		return -1;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (buf_appendf(out, err, "%sl.`%s`", i ? ", " : "", columns[i].name) < 0)
			return -1;
	return buf_appendf(
		out, err,
		"\nFROM `%s` AS l\nWHERE TRUE\n"
		"QUALIFY ROW_NUMBER() OVER (PARTITION BY l.`run_id` ORDER BY CASE l.`status` "
		"WHEN 'received' THEN 0 WHEN 'triggered' THEN 1 ELSE 2 END DESC, "
		"l.`updated` DESC) = 1;\n",
		name);
}

int execution_sql_create(const char *name, struct buf *out, struct error *err)
{
	if (buf_appendf(out, err, "CREATE TABLE IF NOT EXISTS `%s` (", name) < 0)
		return -1;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (buf_appendf(out, err, "%s\n  `%s` %s%s OPTIONS (description = '%s')",
				i ? "," : "", columns[i].name, columns[i].type,
				columns[i].required ? " NOT NULL" : "", columns[i].description) < 0)
			return -1;
	if (buf_append_str(
		    out,
		    "\n)\nPARTITION BY DATE(`updated`)\nCLUSTER BY `run_id`\n"
		    "OPTIONS (description = 'Executions of on-premise jobs, one row an event; "
		    "only ever added to');\n",
		    err) < 0)
		return -1;
	return execution_sql_create_view(name, out, err);
}

/* --- is it one ------------------------------------------------------------------------------ */

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* As tables.get names it. */
static const char *api_type(const struct column *c)
{
	return !strcmp(c->type, "INT64") ? "INTEGER" : c->type;
}

static bool has_column(const json_t *fields, const struct column *c)
{
	json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		if (!strcasecmp(text(field, "name"), c->name))
			return !strcmp(text(field, "type"), api_type(c)) &&
			       strcmp(text(field, "mode"), "REPEATED") != 0;
	}
	return false;
}

int execution_sql_check(const json_t *resource, struct error *err)
{
	const json_t *fields = json_object_get(json_object_get(resource, "schema"), "fields");
	auto_buf wrong = BUF_INIT;

	if (strcmp(text(resource, "type"), "TABLE") != 0)
		return error_set(err, ERR_CONFIG, "it is a %s, not a table",
				 text(resource, "type"));
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (!has_column(fields, &columns[i]) &&
		    buf_appendf(&wrong, err, "%s%s %s", wrong.length ? ", " : "", columns[i].name,
				columns[i].type) < 0)
			return -1;
	if (!wrong.length)
		return 0;
	return error_set(err, ERR_CONFIG,
			 "it is no ledger of dagtrigger's: there is no %.*s; add these columns, or "
			 "name another table",
			 (int)wrong.length, wrong.data);
}

/* --- adding --------------------------------------------------------------------------------- */

/* What stands for the column in VALUES; NULL: nothing, the column stays NULL. */
static const char *expression(const struct column *c, const json_t *member)
{
	if (!strcmp(c->name, "updated"))
		return "CURRENT_TIMESTAMP()";
	if (member)
		return "@";
	return !strcmp(c->name, "timestamp") ? "CURRENT_DATETIME()" : NULL;
}

static int append_column(const struct column *c, const json_t *member, struct buf *names,
			 struct buf *values, json_t *parameters, struct error *err)
{
	const char *text = expression(c, member), *comma = names->length ? ", " : "";
	bool parameter = text && *text == '@';

	if (!text)
		return 0;
	if (buf_appendf(names, err, "%s`%s`", comma, c->name) < 0 ||
	    buf_appendf(values, err, "%s%s%s", comma, text, parameter ? c->name : "") < 0)
		return -1;
	if (!parameter)
		return 0;
	return statement_parameter(parameters, c->name, c->type,
				   json_is_integer(member)
					   ? json_sprintf("%lld",
							  (long long)json_integer_value(member))
					   : json_incref((json_t *)member),
				   err);
}

/* A query with its parameters, which it takes. */
static int make_query(struct buf *sql, json_t *parameters, const char *location, json_t **ret,
		      struct error *err)
{
	const char *statement = buf_cstr(sql, err);
	int rc = statement ? 0 : -1;

	if (rc == 0) {
		*ret = json_pack("{s:s,s:b,s:s,s:O,s:s*}", "query", statement, "useLegacySql", 0,
				 "parameterMode", "NAMED", "queryParameters", parameters,
				 "location", location);
		rc = *ret ? 0 : error_nomem(err);
	}
	json_decref(parameters);
	return rc;
}

int execution_sql_insert(const char *name, const json_t *row, json_t **ret, struct error *err)
{
	auto_buf names = BUF_INIT, values = BUF_INIT, sql = BUF_INIT;
	json_t *parameters = json_array();
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < COLUMN_COUNT; i++)
		rc = append_column(&columns[i], json_object_get(row, columns[i].name), &names,
				   &values, parameters, err);
	if (rc == 0)
		rc = buf_appendf(&sql, err, "INSERT INTO `%s` (%.*s)\nVALUES (%.*s)", name,
				 (int)names.length, names.data, (int)values.length, values.data);
	if (rc == 0)
		return make_query(&sql, parameters, NULL, ret, err);
	json_decref(parameters);
	return rc;
}

/* --- reading -------------------------------------------------------------------------------- */

int execution_sql_select(const char *name, const char *run_id, const char *location, json_t **ret,
			 struct error *err)
{
	auto_buf sql = BUF_INIT;
	json_t *parameters = json_array();
	int rc = buf_append_str(&sql, "SELECT ", err);

	for (size_t i = 0; rc == 0 && i < COLUMN_COUNT; i++)
		rc = buf_appendf(&sql, err, "%sCAST(l.`%s` AS STRING)", i ? ", " : "",
				 columns[i].name);
	if (rc == 0)
		rc = buf_appendf(&sql, err,
				 "\nFROM `%s` AS l WHERE l.`run_id` = @run ORDER BY l.`updated`",
				 name);
	if (rc == 0)
		rc = statement_parameter(parameters, "run", "STRING", json_string(run_id), err);
	if (rc == 0)
		return make_query(&sql, parameters, location, ret, err);
	json_decref(parameters);
	return rc;
}

int execution_sql_row(const json_t *row, json_t **ret, struct error *err)
{
	const json_t *cells = json_object_get(row, "f");
	json_t *object = json_object();

	for (size_t i = 0; object && i < COLUMN_COUNT; i++) {
		json_t *cell = json_object_get(json_array_get(cells, i), "v");

		if (json_is_null(cell))
			continue;
		if (!json_is_string(cell)) {
			json_decref(object);
			return error_set(err, ERR_PROTOCOL, "column %s is no text",
					 columns[i].name);
		}
		if (json_object_set(object, columns[i].name, cell) < 0) {
			json_decref(object);
			object = NULL;
		}
	}
	if (!object)
		return error_nomem(err);
	*ret = object;
	return 0;
}
