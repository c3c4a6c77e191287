#include "infer/infer.h"

#include <stdlib.h>
#include <string.h>

#include "infer/compatible.h"
#include "infer/exact.h"
#include "infer/input.h"
#include "infer/rewrite.h"
#include "infer/schema_json.h"
#include "infer/schema_text.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/progress.h"

struct inference {
	const struct config *config;
	struct input in;
	struct compatible compatible;
	struct exact exact;
	struct record *top;            /* of the mode's */
	const struct schema *existing; /* the FILE's, or the stream's; NULL without one */
	struct schema *own_schema;
	json_t *begin, *end; /* of a row stream, else NULL */
	struct rowstream_writer *out;
	struct progress progress;
	uint64_t rows;
	uint64_t *refused; /* lines that were left out; the second pass passes over them */
	size_t refused_count, refused_capacity, passed;
	uint64_t misfits; /* rows left out by the second pass */
};

static bool is_exact(const struct inference *i)
{
	return i->config->mode == INFER_EXACT;
}

/* An invalid line: the end, or a warning with --ignore-invalid-lines. */
static int refuse(struct inference *i, uint64_t line, struct error *err)
{
	if (!i->config->ignore_invalid_lines || err->code != ERR_DATA)
		return -1;
	if (i->refused_count == i->refused_capacity) {
		size_t capacity = i->refused_capacity ? 2 * i->refused_capacity : 64;
		uint64_t *refused = realloc(i->refused, capacity * sizeof *refused);

		if (!refused)
			return error_nomem(err);
		i->refused = refused;
		i->refused_capacity = capacity;
	}
	i->refused[i->refused_count++] = line;
	log_warn("%s; the line is left out", err->message);
	return 0;
}

/* The first pass has refused this line. */
static bool is_refused(struct inference *i, uint64_t line)
{
	if (i->passed == i->refused_count || i->refused[i->passed] != line)
		return false;
	i->passed++;
	return true;
}

static int tick(struct inference *i, uint64_t bytes, struct error *err)
{
	int64_t interval = i->config->debugging_interval;

	i->rows++;
	if (interval && i->rows % (uint64_t)interval == 0)
		log_info("%llu rows", (unsigned long long)i->rows);
	progress_tick(&i->progress, i->rows, bytes);
	return (i->rows & 1023) == 0 ? signals_check(err) : 0;
}

/* --- the first pass: the schema ------------------------------------------ */

static int learn_rows(struct inference *i, struct error *err)
{
	const char *row;
	size_t length;
	uint64_t line;
	int rc;

	while ((rc = input_next(&i->in, &row, &length, &line, err)) > 0) {
		if ((is_exact(i) ? exact_row(&i->exact, row, length, line, err)
				 : compatible_row(&i->compatible, row, length, line, err)) < 0) {
			if (refuse(i, line, err) < 0 || input_keep(&i->in, "", 0, err) < 0)
				return -1;
			continue;
		}
		if (input_keep(&i->in, row, length, err) < 0 || tick(i, i->in.rows.bytes, err) < 0)
			return -1;
	}
	if (rc == 0 && !i->in.bare)
		i->end = json_incref(i->in.rows.end);
	return rc;
}

static int learn_csv(struct inference *i, struct error *err)
{
	struct csv *csv = &i->in.lines;
	int rc = csv_next(csv, err);

	if (rc <= 0)
		return rc;
	if ((is_exact(i) ? exact_csv_header(&i->exact, csv, err)
			 : compatible_csv_header(&i->compatible, csv, err)) < 0)
		return -1;
	while ((rc = csv_next(csv, err)) > 0) {
		if ((is_exact(i) ? exact_csv_row(&i->exact, csv, err)
				 : compatible_csv_row(&i->compatible, csv, err)) < 0) {
			if (refuse(i, csv->line, err) < 0)
				return -1;
			continue;
		}
		if (tick(i, csv->bytes, err) < 0)
			return -1;
	}
	return rc;
}

/* The schema so far: --existing, else that of the stream. */
static int find_existing(struct inference *i, struct error *err)
{
	json_t *fields = json_object_get(json_object_get(i->begin, "schema"), "fields");

	if (i->config->existing) {
		if (schema_read_file(i->config->existing, &i->own_schema, err) < 0)
			return -1;
	} else if (fields && schema_parse(fields, &i->own_schema, err) < 0) {
		return error_prefix(err, "the stream's schema");
	}
	i->existing = i->own_schema;
	if (!i->existing)
		return 0;
	return is_exact(i) ? exact_seed(&i->exact, i->existing, err)
			   : compatible_seed(&i->compatible, i->existing, err);
}

static int learn(struct inference *i, struct error *err)
{
	if (input_open(&i->in, i->config, !i->config->schema_only, err) < 0)
		return -1;
	i->begin = i->in.csv ? NULL : json_incref(i->in.rows.begin);
	if (find_existing(i, err) < 0)
		return -1;
	progress_start(&i->progress, i->in.name, i->in.size);
	if ((i->in.csv ? learn_csv(i, err) : learn_rows(i, err)) < 0)
		return -1;
	progress_finish(&i->progress, "read");
	if (i->config->debugging_map)
		return 0;
	return is_exact(i) ? exact_flatten(&i->exact, err)
			   : compatible_flatten(&i->compatible, err);
}

static int print_schema(struct inference *i, struct error *err)
{
	struct buf *out = &i->out->out;
	json_t *json;
	char *text;
	int rc;

	if (i->config->debugging_map) {
		rc = schema_text_map(out, i->top, err);
	} else if (!is_exact(i) || !i->existing) {
		rc = schema_text(out, i->top, err);
	} else {
		/* What an existing column has beside its type is kept. */
		json = schema_json(i->top, err);
		text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
		rc = text ? buf_append_str(out, text, err) : -1;
		if (json && !text)
			error_nomem(err);
		free(text);
		json_decref(json);
	}
	if (rc < 0 || buf_append(out, "\n", 1, err) < 0)
		return -1;
	return rowstream_flush(i->out, err);
}

/* --- the second pass: the rows ------------------------------------------- */

static enum name_rule name_rule(const struct inference *i)
{
	if (is_exact(i))
		return NAMES_BIGQUERY;
	return i->config->sanitize_names ? NAMES_SANITIZED : NAMES_KEPT;
}

/* What the stream said, and the schema; without a column there is none. */
static json_t *make_begin(struct inference *i, struct error *err)
{
	json_t *begin = i->begin ? json_deep_copy(i->begin)
				 : json_pack("{s:s}", "source", i->in.csv ? "csv" : "ndjson");
	json_t *fields = schema_json(i->top, err);
	struct schema *checked;

	if (!begin || !fields)
		goto fail;
	if (i->config->table &&
	    json_object_set_new(begin, "table", json_string(i->config->table)) < 0) {
		error_set(err, ERR_USAGE, "--table: not UTF-8");
		goto fail;
	}
	if (schema_rename(begin, i->top, name_rule(i), err) < 0)
		goto fail;
	json_object_del(begin, "schema");
	if (json_array_size(fields) > 0) {
		if (schema_parse(fields, &checked, err) < 0)
			goto fail;
		schema_free(checked);
		json_object_set_new(begin, "schema", json_pack("{s:O}", "fields", fields));
	}
	json_decref(fields);
	return begin;
fail:
	json_decref(begin);
	json_decref(fields);
	return NULL;
}

/* A row that was made, or one that has no place in the columns of --existing. */
static int row_made(struct inference *i, int rc, struct error *err)
{
	struct rowstream_writer *out = i->out;

	if (rc < 0) {
		out->out.length = out->row_start;
		if (!i->config->ignore_invalid_lines || err->code != ERR_DATA)
			return -1;
		i->misfits++;
		log_warn("%s; the line is left out", err->message);
		return 0;
	}
	if (buf_append(&out->out, "\n", 1, err) < 0 || rowstream_row_written(out, err) < 0)
		return -1;
	return tick(i, out->bytes, err);
}

static int write_rows(struct inference *i, struct rewrite *w, struct error *err)
{
	const char *row;
	size_t length;
	uint64_t line;
	int rc;

	while ((rc = input_next(&i->in, &row, &length, &line, err)) > 0)
		if (!is_refused(i, line) &&
		    row_made(i, rewrite_row(w, row, length, line, err), err) < 0)
			return -1;
	return rc;
}

/* The field of each cell; of two under one name only the last counts in compatible mode. */
static struct field **csv_columns(struct inference *i, size_t *count, struct error *err)
{
	*count = is_exact(i) ? i->exact.columns : i->compatible.cells;
	struct field **column = calloc(*count + 1, sizeof *column);

	if (!column) {
		error_nomem(err);
		return NULL;
	}
	for (size_t k = 0; is_exact(i) && k < *count; k++)
		column[k] = i->exact.column[k]->field;
	for (size_t k = 0; !is_exact(i) && k < i->compatible.columns; k++)
		column[i->compatible.column[k].cell] = i->compatible.column[k].name->field;
	return column;
}

static int write_csv(struct inference *i, struct rewrite *w, struct error *err)
{
	struct csv *csv = &i->in.lines;
	size_t count;
	struct field **column = csv_columns(i, &count, err);
	int rc = column ? csv_next(csv, err) : -1;

	while (rc > 0 && (rc = csv_next(csv, err)) > 0)
		if (!is_refused(i, csv->line) &&
		    row_made(i, rewrite_csv_row(w, csv, column, count, err), err) < 0) {
			rc = -1;
			break;
		}
	free(column);
	return rc;
}

static json_t *make_end(const struct inference *i)
{
	json_int_t rejected = json_integer_value(json_object_get(i->end, "rejected"));
	json_t *end = i->end ? json_copy(i->end) : json_pack("{s:b}", "whole", 0);

	json_object_del(end, "rows");
	json_object_set_new(end, "rejected",
			    json_integer(rejected + (json_int_t)(i->refused_count + i->misfits)));
	return end;
}

/* Nothing of a file that changed may pass for what was read first. */
static int check_count(const struct inference *i, uint64_t rows, struct error *err)
{
	uint64_t now = i->rows + i->misfits;

	if (now == rows && i->passed == i->refused_count)
		return 0;
	return error_set(err, ERR_DATA, "%s: it had %llu rows when it was read first, then %llu",
			 i->in.name, (unsigned long long)rows, (unsigned long long)now);
}

static int write_stream(struct inference *i, struct error *err)
{
	struct rewrite w = {
		.config = i->config, .top = i->top, .rule = name_rule(i), .out = &i->out->out
	};
	uint64_t rows = i->rows;
	json_t *begin = make_begin(i, err), *end;
	int rc;

	if (!begin)
		return -1;
	record_seal(i->top);
	i->rows = 0;
	rc = rowstream_write_begin(i->out, begin, err);
	json_decref(begin);
	if (rc < 0 || input_rewind(&i->in, err) < 0)
		return -1;
	progress_start(&i->progress, i->in.name, 0);
	if ((i->in.csv ? write_csv(i, &w, err) : write_rows(i, &w, err)) < 0 ||
	    check_count(i, rows, err) < 0)
		return -1;
	end = make_end(i);
	rc = rowstream_write_end(i->out, end, "rows", err);
	json_decref(end);
	progress_finish(&i->progress, "wrote");
	return rc;
}

int infer_run(const struct config *config, struct rowstream_writer *out, struct error *err)
{
	struct inference i = { .config = config, .out = out, .in = { .fd = -1, .spool = -1 } };
	int rc = is_exact(&i) ? exact_init(&i.exact, config, err)
			      : compatible_init(&i.compatible, config, err);

	i.top = is_exact(&i) ? i.exact.top : i.compatible.top;
	if (rc == 0)
		rc = learn(&i, err);
	if (rc == 0)
		rc = config->schema_only ? print_schema(&i, err) : write_stream(&i, err);
	input_release(&i.in);
	compatible_release(&i.compatible);
	exact_release(&i.exact);
	schema_free(i.own_schema);
	free(i.refused);
	json_decref(i.begin);
	json_decref(i.end);
	return rc;
}
