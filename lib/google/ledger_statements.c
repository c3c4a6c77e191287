/* The statements that add to a ledger and read it. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/ledger_columns.h"
#include "lib/google/ledger_sql.h"
#include "lib/google/statement.h"
#include "lib/parse.h"

/* --- parameters ----------------------------------------------------------------------------------- */

/* texts: an array of strings. */
static int add_list(json_t *parameters, const char *name, const json_t *texts, struct error *err)
{
	json_t *values = json_array(), *text, *p;
	size_t i;

	json_array_foreach((json_t *)texts, i, text)
		json_array_append_new(values, json_pack("{s:O}", "value", text));
	p = json_pack("{s:s,s:{s:s,s:{s:s}},s:{s:o}}", "name", name, "parameterType", "type",
		      "ARRAY", "arrayType", "type", "STRING", "parameterValue", "arrayValues",
		      values);
	if (!p || json_array_append_new(parameters, p) < 0)
		return error_nomem(err);
	return 0;
}

/* A new reference to the text of a member, as a parameter's value is written. */
static json_t *value_text(const struct ledger_column *c, const json_t *member)
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

/* What stands for the column in VALUES, of the index-th entry of a statement: owned; NULL when memory is out. */
static char *expression(const struct ledger_column *c, const json_t *entry, size_t index)
{
	char *text = NULL;
	int rc;

	if (!strcmp(c->name, "at"))
		/* What comes behind in one statement is later, however short. */
		rc = index ? asprintf(
				     &text,
				     "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL %zu MICROSECOND)",
				     index)
			   : asprintf(&text, "CURRENT_TIMESTAMP()");
	else if (json_object_get(entry, c->name))
		rc = asprintf(&text, "@%s_%zu", c->name, index);
	else if (!strcmp(c->name, "ended") && ends_at_its_beginning(entry))
		rc = asprintf(
			&text,
			"TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL @elapsed_ms_%zu MILLISECOND)",
			index);
	else
		rc = asprintf(&text, "NULL");
	return rc < 0 ? NULL : text;
}

/* The parameters that expression() names. */
static int add_values(const json_t *entry, size_t index, json_t *parameters, struct error *err)
{
	char name[64];

	for (size_t i = 0; i < LEDGER_COLUMNS; i++) {
		const struct ledger_column *c = &ledger_columns[i];
		const json_t *value = json_object_get(entry, c->name);

		snprintf(name, sizeof name, "%s_%zu", c->name, index);
		if (value && strcmp(c->name, "at") != 0 &&
		    statement_parameter(parameters, name, c->type, value_text(c, value), err) < 0)
			return -1;
	}
	if (!ends_at_its_beginning(entry))
		return 0;
	snprintf(name, sizeof name, "elapsed_ms_%zu", index);
	return statement_parameter(
		parameters, name, "INT64",
		json_sprintf("%lld",
			     (long long)json_integer_value(json_object_get(entry, "elapsed_ms"))),
		err);
}

static int append_row(const json_t *entry, size_t index, struct buf *sql, struct error *err)
{
	for (size_t i = 0; i < LEDGER_COLUMNS; i++) {
		char *text = expression(&ledger_columns[i], entry, index);
		int rc = text ? buf_appendf(sql, err, "%s%s", i ? ", " : "", text)
			      : error_nomem(err);

		free(text);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int append_insert(const char *name, const json_t *entries, struct buf *sql,
			 json_t *parameters, struct error *err)
{
	json_t *entry;
	size_t i;

	if (buf_appendf(sql, err, "INSERT INTO `%s` (", name) < 0)
		return -1;
	for (i = 0; i < LEDGER_COLUMNS; i++)
		if (buf_appendf(sql, err, "%s`%s`", i ? ", " : "", ledger_columns[i].name) < 0)
			return -1;
	json_array_foreach((json_t *)entries, i, entry)
		if (buf_append_str(sql, i ? "),\n(" : ")\nVALUES (", err) < 0 ||
		    append_row(entry, i, sql, err) < 0 || add_values(entry, i, parameters, err) < 0)
			return -1;
	return buf_append_str(sql, ")", err);
}

int ledger_sql_insert(const char *name, const json_t *entries, json_t **ret, struct error *err)
{
	auto_buf sql = BUF_INIT;
	json_t *parameters = json_array();
	int rc = append_insert(name, entries, &sql, parameters, err);
	const char *text = rc == 0 ? buf_cstr(&sql, err) : NULL;

	rc = text ? 0 : -1;
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

/* SELECT and all columns, with a comma behind the last. */
static int append_columns(struct buf *sql, struct error *err)
{
	if (buf_append_str(sql, "SELECT ", err) < 0)
		return -1;
	for (size_t i = 0; i < LEDGER_COLUMNS; i++) {
		bool time = !strcmp(ledger_columns[i].type, "TIMESTAMP");

		if (buf_appendf(sql, err, "%sl.`%s`%s, ",
				time ? "FORMAT_TIMESTAMP(" TIME_FORMAT ", " : "",
				ledger_columns[i].name, time ? ")" : "") < 0)
			return -1;
	}
	return buf_append_str(sql, "TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), l.`at`, MILLISECOND),\n",
			      err);
}

static int append_select(const char *name, bool one_table, struct buf *sql, struct error *err)
{
	if (append_columns(sql, err) < 0)
		return -1;
	return buf_appendf(
		sql, err,
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
	    statement_parameter(parameters, "run", "STRING", json_string(run ? run : ""), err) <
		    0 ||
	    (table &&
	     statement_parameter(parameters, "table", "STRING", json_string(table), err) < 0)) {
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
	    statement_parameter(parameters, "table", "STRING", json_string(table), err) < 0 ||
	    statement_parameter(parameters, "partitions", "STRING", json_sprintf("%s$", table),
				err) < 0) {
		json_decref(parameters);
		return -1;
	}
	return make_query(&sql, parameters, location, ret, err);
}

int ledger_sql_select_outcomes(const char *name, const json_t *tables, const json_t *runs,
			       const char *location, json_t **ret, struct error *err)
{
	auto_buf sql = BUF_INIT;
	json_t *parameters = json_array();

	/* The last column is that of ledger_sql_select's failures. */
	if (append_columns(&sql, err) < 0 ||
	    buf_appendf(
		    &sql, err,
		    "CAST(NULL AS INT64)\nFROM `%s` AS l\nWHERE l.`table` IN UNNEST(@tables) AND "
		    "l.run IN UNNEST(@runs) AND l.state != 'submitted'\nORDER BY l.`at`",
		    name) < 0 ||
	    add_list(parameters, "tables", tables, err) < 0 ||
	    add_list(parameters, "runs", runs, err) < 0) {
		json_decref(parameters);
		return -1;
	}
	return make_query(&sql, parameters, location, ret, err);
}

/* A cell's text as the entry's member. New reference; NULL when it is not what the column holds. */
static json_t *member(const struct ledger_column *c, const char *text)
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
	static const struct ledger_column computed[] = {
		{ .name = "age_ms", .type = "INT64" },
		{ .name = "failures", .type = "INT64" },
	};
	const size_t count = LEDGER_COLUMNS + sizeof computed / sizeof *computed;
	const json_t *cells = json_object_get(row, "f");
	json_t *entry = json_object();

	for (size_t i = 0; i < count; i++) {
		const struct ledger_column *c =
			i < LEDGER_COLUMNS ? &ledger_columns[i] : &computed[i - LEDGER_COLUMNS];
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
