#include "lib/google/ledger_sql.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/google/ledger_columns.h"

/* The columns, in their order; a column's name is that of the entry's member. */
const struct ledger_column ledger_columns[LEDGER_COLUMNS] = {
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

/* --- making it ------------------------------------------------------------------------------------ */

static int append_table(const char *name, struct buf *out, struct error *err)
{
	if (buf_appendf(out, err, "CREATE TABLE IF NOT EXISTS `%s` (", name) < 0)
		return -1;
	for (size_t i = 0; i < LEDGER_COLUMNS; i++)
		if (buf_appendf(out, err, "%s\n  `%s` %s%s OPTIONS (description = '%s')",
				i ? "," : "", ledger_columns[i].name, ledger_columns[i].type,
				ledger_columns[i].required ? " NOT NULL" : "",
				ledger_columns[i].description) < 0)
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
static const char *api_type(const struct ledger_column *c)
{
	return !strcmp(c->type, "INT64") ? "INTEGER" : c->type;
}

static bool has_type(const json_t *field, const struct ledger_column *c)
{
	return !strcmp(text(field, "type"), api_type(c)) &&
	       strcmp(text(field, "mode"), "REPEATED") != 0;
}

static const struct ledger_column *find_column(const char *name)
{
	for (size_t i = 0; i < LEDGER_COLUMNS; i++)
		if (!strcasecmp(ledger_columns[i].name, name))
			return &ledger_columns[i];
	return NULL;
}

/* What is wrong with the columns, as a list; *foreign: no bqload has made such a table. */
static int append_wrong(const json_t *fields, struct buf *out, bool *foreign, struct error *err)
{
	json_t *field;
	size_t i;

	for (size_t k = 0; k < LEDGER_COLUMNS; k++) {
		const struct ledger_column *c = &ledger_columns[k];
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
	for (size_t i = 0; i < LEDGER_COLUMNS; i++) {
		if (find_field(fields, ledger_columns[i].name))
			continue;
		if (buf_appendf(out, err, "%s ADD COLUMN `%s` %s", comma, ledger_columns[i].name,
				ledger_columns[i].type) < 0)
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
