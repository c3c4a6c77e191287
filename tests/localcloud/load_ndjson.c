/* Rows of newline-delimited JSON. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/lines.h"
#include "tests/localcloud/load_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

int ndjson_row_open(struct ndjson_row *row, struct rows *rows)
{
	row->rows = rows;
	row->number = 0;
	row->seen = calloc(rows->n_columns + 1, sizeof(*row->seen));
	return row->seen ? 0 : -1;
}

void ndjson_row_close(struct ndjson_row *row)
{
	free(row->seen);
}

static bool is_named(const struct column *c, const char *name, size_t n)
{
	return c->name_length == n &&
	       (memcmp(c->name, name, n) == 0 || strncasecmp(c->name, name, n) == 0);
}

/* Rows of one file name their columns in one order: the column after the last one found is tried first. */
static long find_column(const struct rows *r, const char *name, size_t n, size_t expected)
{
	if (expected < r->n_columns && is_named(&r->columns[expected], name, n))
		return (long)expected;
	for (size_t i = 0; i < r->n_columns; i++)
		if (is_named(&r->columns[i], name, n))
			return (long)i;
	return -1;
}

static long find_key(struct rows *r, const struct jtoken *key, size_t expected)
{
	auto_buf decoded = BUF_INIT;

	if (!key->escaped)
		return find_column(r, key->p, key->n, expected);
	return jscan_unescape(key, &decoded)
		       ? -1
		       : find_column(r, decoded.data, decoded.length, expected);
}

static int bad_json(struct value_error *err, const char *what)
{
	snprintf(err->what, sizeof(err->what), "%s", what);
	err->path[0] = '\0';
	err->value[0] = '\0';
	return -1;
}

static int no_such_field(struct value_error *err, const struct jtoken *key)
{
	bad_json(err, "No such field");
	snprintf(err->path, sizeof(err->path), "%.*s", (int)(key->n < 300 ? key->n : 300), key->p);
	return -1;
}

int ndjson_row_read(struct ndjson_row *row, const char *p, size_t n, struct value_error *err)
{
	struct rows *r = row->rows;
	struct jiter it;
	struct jtoken key, value;
	size_t expected = 0;
	int more;

	row->number++;
	rows_begin(r);
	if (jiter_open(&it, '{', p, p + n))
		return bad_json(
			err, "Parser terminated before end of string: a row must be a JSON object");
	while ((more = jiter_member(&it, &key, &value)) > 0) {
		long i = find_key(r, &key, expected);

		if (i < 0) {
			if (row->options.ignore_unknown)
				continue;
			return no_such_field(err, &key);
		}
		if (value_encode(&r->columns[i], &value, &row->options, &r->scratch, &r->cells[i],
				 err))
			return -1;
		row->seen[i] = row->number;
		expected = (size_t)i + 1;
	}
	if (more < 0 || !jscan_blank(it.p, p + n))
		return bad_json(err, "Parser terminated before end of string");
	for (size_t i = 0; i < r->n_columns; i++)
		if (row->seen[i] != row->number && value_absent(&r->columns[i], &r->cells[i], err))
			return -1;
	return 0;
}

static int bad_line(struct load_reader *r, int64_t offset, const struct value_error *e,
		    struct api_error *err)
{
	char message[900];
	int n = snprintf(message, sizeof(message),
			 "JSON parsing error in row starting at position %lld: %s.",
			 (long long)offset, e->what);

	if (e->path[0])
		n += snprintf(message + n, sizeof(message) - (size_t)n, " Field: %s", e->path);
	if (e->value[0])
		snprintf(message + n, sizeof(message) - (size_t)n, "; Value: %s", e->value);
	return load_bad_row(r, message, err);
}

static int read_line(struct load_reader *r, struct ndjson_row *row, const char *line, size_t n,
		     int64_t offset, struct api_error *err)
{
	struct value_error e;

	if (jscan_blank(line, line + n))
		return 0;
	if (!ident_utf8(line, n)) {
		bad_json(&e, "Invalid UTF-8");
		return bad_line(r, offset, &e, err);
	}
	if (ndjson_row_read(row, line, n, &e))
		return bad_line(r, offset, &e, err);
	return load_keep_row(r, err);
}

int load_ndjson(struct load_reader *r, const char *path, struct api_error *err)
{
	struct ndjson_row row = { .options = { .ignore_unknown = r->ignore_unknown } };
	struct lines *lines;
	char *line;
	size_t n;
	int64_t offset;
	int more;

	if (ndjson_row_open(&row, r->rows))
		return api_fail(err, 500, "internalError", "out of memory");
	if (lines_open(path, &lines, err)) {
		ndjson_row_close(&row);
		return -1;
	}
	while ((more = lines_next(lines, &line, &n, &offset, err)) > 0) {
		if (read_line(r, &row, line, n, offset, err) || load_cancelled(r, err)) {
			more = -1;
			break;
		}
	}
	lines_close(lines);
	ndjson_row_close(&row);
	return more;
}
