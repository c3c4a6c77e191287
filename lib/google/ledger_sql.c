#include "lib/google/ledger_sql.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/parse.h"

/* The columns, in their order; a column's name is that of the entry's member. */
static const struct column {
	const char *name, *type;
	bool required, json; /* json: the text of the member */
	const char *description;
} columns[] = {
	{ "id", "STRING", true, false, "What the entry says, as a digest; once in the table" },
	{ "at", "TIMESTAMP", true, false, "When the entry was written" },
	{ "table", "STRING", true, false, "The destination: project.dataset.table[$partition]" },
	{ "run", "STRING", true, false, "The run id" },
	{ "step", "STRING", true, false, "load; or stage: into the temporary table of a merge" },
	{ "state", "STRING", true, false, "submitted, done, failed or mismatch" },
	{ "job", "STRING", false, false, "project:location.id; NULL: there was nothing to load" },
	{ "nonce", "STRING", false, false, "Of the submission, as in the label of the job" },
	{ "write", "STRING", false, false, "append, truncate, empty, merge or reconcile" },
	{ "rows", "INT64", false, false, "Rows of the stream; of done: rows loaded" },
	{ "bad", "INT64", false, false, "Rows that the job refused" },
	{ "counted", "INT64", false, false, "Of mismatch: rows that the job counts" },
	{ "cursor", "STRING", false, true, "Up to where the rows go, as JSON: column and last" },
	{ "objects", "STRING", false, false, "Of a staged load: where its objects are" },
	{ "error", "STRING", false, false, "Of failed and mismatch: the reason" },
	{ "exit", "INT64", false, false, "Of failed and mismatch: the exit status" },
	{ "ended", "TIMESTAMP", false, false,
	  "Of done: when the job ended; or the run began, if there was none" },
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

/* --- making it ------------------------------------------------------------------------------------ */

static int append_table(const char *name, struct buf *out, struct error *err)
{
	if (buf_appendf(out, err, "CREATE TABLE IF NOT EXISTS `%s` (", name) < 0)
		return -1;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (buf_appendf(out, err, "%s\n  `%s` %s%s OPTIONS (description = '%s')",
				i ? "," : "", columns[i].name, columns[i].type,
				columns[i].required ? " NOT NULL" : "", columns[i].description) < 0)
			return -1;
	return buf_append_str(
		out,
		"\n)\nPARTITION BY DATE(`at`)\nCLUSTER BY `table`\n"
		"OPTIONS (description = 'Loads of bqload, one row an event; only ever "
		"added to');\n",
		err);
}

/* What a run has come to: done and mismatch are final. */
static int append_runs(const char *name, struct buf *out, struct error *err)
{
	return buf_appendf(
		out, err,
		"CREATE VIEW IF NOT EXISTS `%s_runs`\n"
		"OPTIONS (description = 'The latest state of each run')\n"
		"AS SELECT l.`table`, l.run, l.state, l.job, l.write, l.`rows`, l.bad, l.cursor, "
		"l.error, l.`exit`, l.ended, l.`at`\n"
		"FROM `%s` AS l\n"
		"WHERE l.step = 'load' OR l.state != 'submitted'\n"
		"QUALIFY ROW_NUMBER() OVER (PARTITION BY l.`table`, l.run ORDER BY CASE l.state "
		"WHEN 'mismatch' THEN 2 WHEN 'done' THEN 1 ELSE 0 END DESC, l.`at` DESC) = 1;\n",
		name, name);
}

static int append_tables(const char *name, struct buf *out, struct error *err)
{
	return buf_appendf(
		out, err,
		"CREATE VIEW IF NOT EXISTS `%s_tables`\n"
		"OPTIONS (description = 'The latest run of each table, and the last that brought rows')\n"
		"AS SELECT r.`table`, r.run, r.state, r.error, r.`exit`, r.`at`, d.run AS done_run, "
		"d.job AS done_job, d.`rows` AS done_rows, d.cursor AS done_cursor, "
		"d.ended AS done_at\n"
		"FROM (SELECT * FROM `%s_runs` WHERE TRUE QUALIFY ROW_NUMBER() OVER "
		"(PARTITION BY `table` ORDER BY `at` DESC) = 1) AS r\n"
		"LEFT JOIN (SELECT * FROM `%s_runs` WHERE state = 'done' AND write != 'reconcile' "
		"QUALIFY ROW_NUMBER() OVER "
		"(PARTITION BY `table` ORDER BY ended DESC, `at` DESC) = 1) AS d\n"
		"ON r.`table` = d.`table`;\n",
		name, name, name);
}

int ledger_sql_create(const char *name, struct buf *out, struct error *err)
{
	if (append_table(name, out, err) < 0 || append_runs(name, out, err) < 0)
		return -1;
	return append_tables(name, out, err);
}

/* --- is it one ------------------------------------------------------------------------------------- */

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* Names of columns differ in more than case. NULL: there is none of that name. */
static const json_t *find_field(const json_t *fields, const char *name)
{
	json_t *field;
	size_t i;

	json_array_foreach((json_t *)fields, i, field)
		if (!strcasecmp(text(field, "name"), name))
			return field;
	return NULL;
}

/* As tables.get names it. */
static const char *api_type(const struct column *c)
{
	return !strcmp(c->type, "INT64") ? "INTEGER" : c->type;
}

static bool has_type(const json_t *field, const struct column *c)
{
	return !strcmp(text(field, "type"), api_type(c)) &&
	       strcmp(text(field, "mode"), "REPEATED") != 0;
}

static const struct column *find_column(const char *name)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (!strcasecmp(columns[i].name, name))
			return &columns[i];
	return NULL;
}

/* What is wrong with the columns, as a list; *foreign: no bqload has made such a table. */
static int append_wrong(const json_t *fields, struct buf *out, bool *foreign, struct error *err)
{
	json_t *field;
	size_t i;

	for (size_t k = 0; k < COLUMN_COUNT; k++) {
		const struct column *c = &columns[k];
		const json_t *is = find_field(fields, c->name);
		const char *comma = out->length ? ", " : "";

		if (is && has_type(is, c))
			continue;
		*foreign = *foreign || is || c->required;
		if (is ? buf_appendf(out, err, "%s%s is %s, not %s", comma, c->name,
				     text(is, "type"), api_type(c)) < 0
		       : buf_appendf(out, err, "%sno %s", comma, c->name) < 0)
			return -1;
	}
	json_array_foreach((json_t *)fields, i, field) {
		if (strcmp(text(field, "mode"), "REQUIRED") != 0 ||
		    find_column(text(field, "name")))
			continue;
		*foreign = true;
		if (buf_appendf(out, err, "%s%s is REQUIRED", out->length ? ", " : "",
				text(field, "name")) < 0)
			return -1;
	}
	return 0;
}

/* The statement that gives the table the columns that came later. */
static int append_upgrade(const char *name, const json_t *fields, struct buf *out,
			  struct error *err)
{
	const char *comma = "";

	if (buf_appendf(out, err, "ALTER TABLE `%s`", name) < 0)
		return -1;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (find_field(fields, columns[i].name))
			continue;
		if (buf_appendf(out, err, "%s ADD COLUMN `%s` %s", comma, columns[i].name,
				columns[i].type) < 0)
			return -1;
		comma = ",";
	}
	return 0;
}

int ledger_sql_check(const char *name, const json_t *resource, struct error *err)
{
	const json_t *fields = json_object_get(json_object_get(resource, "schema"), "fields");
	auto_buf wrong = BUF_INIT, upgrade = BUF_INIT;
	const char *list, *statement;
	bool foreign = false;

	if (strcmp(text(resource, "type"), "TABLE") != 0)
		return error_set(err, ERR_CONFIG, "it is a %s, not a table",
				 text(resource, "type"));
	if (append_wrong(fields, &wrong, &foreign, err) < 0)
		return -1;
	if (!wrong.length)
		return 0;
	if (append_upgrade(name, fields, &upgrade, err) < 0 || !(list = buf_cstr(&wrong, err)) ||
	    !(statement = buf_cstr(&upgrade, err)))
		return -1;
	if (foreign)
		return error_set(
			err, ERR_CONFIG,
			"it is another table, not a ledger of bqload's (%s): name another by --ledger "
			"or BQ_LOAD_STATE_TABLE",
			list);
	return error_set(err, ERR_CONFIG, "it was made by an older bqload (%s): run %s", list,
			 statement);
}

/* --- parameters ----------------------------------------------------------------------------------- */

static int add_parameter(json_t *parameters, const char *name, const char *type, json_t *value,
			 struct error *err)
{
	json_t *p = json_pack("{s:s,s:{s:s},s:{s:o}}", "name", name, "parameterType", "type", type,
			      "parameterValue", "value", value);

	if (!p || json_array_append_new(parameters, p) < 0)
		return error_nomem(err);
	return 0;
}

/* A new reference to the text of a member, as a parameter's value is written. */
static json_t *value_text(const struct column *c, const json_t *member)
{
	if (json_is_integer(member))
		return json_sprintf("%lld", (long long)json_integer_value(member));
	if (c->json) {
		char *text = json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY);
		json_t *value = text ? json_string(text) : NULL;

		free(text);
		return value;
	}
	return json_incref((json_t *)member);
}

/* --- adding --------------------------------------------------------------------------------------- */

/* A run without a job is as old as its beginning: what was loaded meanwhile is newer. */
static bool ends_at_its_beginning(const json_t *entry)
{
	return json_object_get(entry, "elapsed_ms") && !json_object_get(entry, "ended");
}

/* What stands for the column in VALUES; NULL: nothing, the column stays NULL. */
static const char *expression(const struct column *c, const json_t *entry)
{
	if (!strcmp(c->name, "at"))
		return "CURRENT_TIMESTAMP()";
	if (json_object_get(entry, c->name))
		return "@";
	if (!strcmp(c->name, "ended") && ends_at_its_beginning(entry))
		return "TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL @elapsed_ms MILLISECOND)";
	return NULL;
}

static int append_column(const struct column *c, const json_t *entry, struct buf *names,
			 struct buf *values, json_t *parameters, struct error *err)
{
	const char *text = expression(c, entry), *comma = names->length ? ", " : "";
	bool parameter = text && !strcmp(text, "@");

	if (!text)
		return 0;
	if (buf_appendf(names, err, "%s`%s`", comma, c->name) < 0 ||
	    buf_appendf(values, err, "%s%s%s", comma, text, parameter ? c->name : "") < 0)
		return -1;
	if (!parameter)
		return 0;
	return add_parameter(parameters, c->name, c->type,
			     value_text(c, json_object_get(entry, c->name)), err);
}

int ledger_sql_insert(const char *name, const json_t *entry, json_t **ret, struct error *err)
{
	auto_buf names = BUF_INIT, values = BUF_INIT, sql = BUF_INIT;
	json_t *parameters = json_array();
	const char *text = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < COLUMN_COUNT; i++)
		rc = append_column(&columns[i], entry, &names, &values, parameters, err);
	if (rc == 0 && ends_at_its_beginning(entry))
		rc = add_parameter(parameters, "elapsed_ms", "INT64",
				   json_sprintf("%lld",
						(long long)json_integer_value(
							json_object_get(entry, "elapsed_ms"))),
				   err);
	if (rc == 0 &&
	    (buf_appendf(&sql, err, "INSERT INTO `%s` (%.*s)\nVALUES (%.*s)", name,
			 (int)names.length, names.data, (int)values.length, values.data) < 0 ||
	     !(text = buf_cstr(&sql, err))))
		rc = -1;
	if (rc == 0) {
		*ret = json_pack("{s:s,s:b,s:s,s:O}", "query", text, "useLegacySql", 0,
				 "parameterMode", "NAMED", "queryParameters", parameters);
		rc = *ret ? 0 : error_nomem(err);
	}
	json_decref(parameters);
	return rc;
}

/* --- reading -------------------------------------------------------------------------------------- */

#define TIME_FORMAT "'%Y-%m-%dT%H:%M:%E6SZ'"

static int append_select(const char *name, bool one_table, struct buf *sql, struct error *err)
{
	if (buf_append_str(sql, "SELECT ", err) < 0)
		return -1;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		bool time = !strcmp(columns[i].type, "TIMESTAMP");

		if (buf_appendf(sql, err, "%sl.`%s`%s, ",
				time ? "FORMAT_TIMESTAMP(" TIME_FORMAT ", " : "", columns[i].name,
				time ? ")" : "") < 0)
			return -1;
	}
	return buf_appendf(
		sql, err,
		"TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), l.`at`, MILLISECOND),\n"
		"COUNTIF(l.state IN ('failed', 'mismatch')) OVER (PARTITION BY l.`table` "
		"ORDER BY l.`at` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)\n"
		"FROM `%s` AS l\n"
		"WHERE %s\n"
		/* All of the run. */
		"QUALIFY l.run = @run\n"
		/* Submissions without outcome. */
		"OR (l.step = 'load' AND l.state = 'submitted' AND COUNTIF(l.state != 'submitted') OVER "
		"(PARTITION BY l.`table`, l.run, l.job) = 0)\n"
		/* Objects of runs whose end was not seen. */
		"OR (l.objects IS NOT NULL AND COALESCE(l.`at` > MAX(IF(l.state IN ('done', "
		"'mismatch') OR (l.state = 'failed' AND l.job IS NOT NULL), l.`at`, NULL)) OVER "
		"(PARTITION BY l.`table`, l.run), TRUE))\n"
		/* The last that is done, of each way of writing. */
		"OR (l.state = 'done' AND ROW_NUMBER() OVER (PARTITION BY l.`table`, l.state, l.write "
		"ORDER BY l.ended DESC, l.`at` DESC) = 1)\n"
		/* The last of each kind that went wrong. */
		"OR (l.state IN ('failed', 'mismatch') AND ROW_NUMBER() OVER (PARTITION BY "
		"l.`table`, l.state ORDER BY l.`at` DESC) = 1)\n"
		/* The last. */
		"OR ROW_NUMBER() OVER (PARTITION BY l.`table` ORDER BY l.`at` DESC) = 1\n"
		"ORDER BY l.`at`",
		name, one_table ? "l.`table` = @table" : "TRUE");
}

/* The body of jobs.query. Takes the parameters. */
static int make_query(struct buf *sql, json_t *parameters, const char *location, json_t **ret,
		      struct error *err)
{
	const char *text = buf_cstr(sql, err);
	int rc = text ? 0 : -1;

	if (rc == 0) {
		*ret = json_pack("{s:s,s:b,s:s,s:O,s:s*}", "query", text, "useLegacySql", 0,
				 "parameterMode", "NAMED", "queryParameters", parameters,
				 "location", location);
		rc = *ret ? 0 : error_nomem(err);
	}
	json_decref(parameters);
	return rc;
}

int ledger_sql_select(const char *name, const char *table, const char *run, const char *location,
		      json_t **ret, struct error *err)
{
	auto_buf sql = BUF_INIT;
	json_t *parameters = json_array();

	/* No run has an empty id. */
	if (append_select(name, table != NULL, &sql, err) < 0 ||
	    add_parameter(parameters, "run", "STRING", json_string(run ? run : ""), err) < 0 ||
	    (table && add_parameter(parameters, "table", "STRING", json_string(table), err) < 0)) {
		json_decref(parameters);
		return -1;
	}
	return make_query(&sql, parameters, location, ret, err);
}

int ledger_sql_select_done(const char *name, const char *table, const char *location, json_t **ret,
			   struct error *err)
{
	auto_buf sql = BUF_INIT;
	json_t *parameters = json_array();

	if (buf_appendf(&sql, err,
			"SELECT DISTINCT l.run FROM `%s` AS l WHERE l.state = 'done' AND "
			"(l.`table` = @table OR STARTS_WITH(l.`table`, @partitions))",
			name) < 0 ||
	    add_parameter(parameters, "table", "STRING", json_string(table), err) < 0 ||
	    add_parameter(parameters, "partitions", "STRING", json_sprintf("%s$", table), err) <
		    0) {
		json_decref(parameters);
		return -1;
	}
	return make_query(&sql, parameters, location, ret, err);
}

/* A cell's text as the entry's member. New reference; NULL when it is not what the column holds. */
static json_t *member(const struct column *c, const char *text)
{
	int64_t number;
	struct error ignored;

	if (c->json)
		return json_loads(text, JSON_DECODE_ANY, NULL);
	if (strcmp(c->type, "INT64") != 0)
		return json_string(text);
	return parse_int64(text, INT64_MIN, INT64_MAX, &number, &ignored) < 0
		       ? NULL
		       : json_integer(number);
}

int ledger_sql_entry(const json_t *row, json_t **ret, struct error *err)
{
	/* What append_select puts behind the columns. */
	static const struct column computed[] = {
		{ .name = "age_ms", .type = "INT64" },
		{ .name = "failures", .type = "INT64" },
	};
	const size_t count = COLUMN_COUNT + sizeof computed / sizeof *computed;
	const json_t *cells = json_object_get(row, "f");
	json_t *entry = json_object();

	for (size_t i = 0; i < count; i++) {
		const struct column *c =
			i < COLUMN_COUNT ? &columns[i] : &computed[i - COLUMN_COUNT];
		const json_t *cell = json_object_get(json_array_get(cells, i), "v");

		/* A NULL has no member. */
		if (json_is_null(cell))
			continue;
		if (!json_is_string(cell) ||
		    json_object_set_new(entry, c->name, member(c, json_string_value(cell))) < 0) {
			json_decref(entry);
			return error_set(err, ERR_PROTOCOL,
					 "column %s holds what no entry has: was it edited?",
					 c->name);
		}
	}
	*ret = entry;
	return 0;
}
