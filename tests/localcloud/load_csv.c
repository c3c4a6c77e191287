/* Rows of CSV, as `bq load` sends them: delimiter, quote, header rows, null marker, quoted line breaks, short rows. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/lines.h"
#include "tests/localcloud/load_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A field of the current record: a piece of the record's text. */
struct csv_field {
	size_t offset, n;
	bool quoted;
};

struct csv {
	struct load_reader *r;
	struct lines *lines;
	char delimiter, quote; /* quote '\0': none */
	const char *null_marker;
	bool quoted_newlines, jagged;
	char *line; /* the raw record */
	size_t n, at;
	struct buf text; /* its fields, with quotes undone: cells point here until the row is put */
	struct csv_field *fields;
	size_t n_fields, room;
};

static char first_char(const json_t *load, const char *key, const char *fallback)
{
	const char *text = ju_string(load, key, fallback);

	return strcmp(text, "\\t") == 0 || strcasecmp(text, "tab") == 0 ? '\t' : text[0];
}

static const char bad_quote[] = "Missing close quote character";

/* c->at stands on the opening quote. NULL or what is wrong. */
static const char *quoted_field(struct csv *c, struct api_error *err)
{
	struct error error;

	for (c->at++;; c->at++) {
		if (c->at == c->n &&
		    (!c->quoted_newlines || lines_extend(c->lines, &c->line, &c->n, err) <= 0))
			return bad_quote;
		if (c->line[c->at] == c->quote) {
			if (c->at + 1 == c->n || c->line[c->at + 1] != c->quote)
				break;
			c->at++;
		}
		if (buf_append(&c->text, c->line + c->at, 1, &error))
			return "out of memory";
	}
	c->at++;
	if (c->at + 1 == c->n && c->line[c->at] == '\r')
		c->at++;
	return c->at == c->n || c->line[c->at] == c->delimiter
		       ? NULL
		       : "Data between close quote and field separator";
}

static const char *plain_field(struct csv *c)
{
	const char *from = c->line + c->at, *end = memchr(from, c->delimiter, c->n - c->at);
	struct error error;
	size_t n = end ? (size_t)(end - from) : c->n - c->at;

	c->at += n;
	if (!end && n > 0 && from[n - 1] == '\r')
		n--;
	return buf_append(&c->text, from, n, &error) ? "out of memory" : NULL;
}

static struct csv_field *add_field(struct csv *c)
{
	if (c->n_fields == c->room) {
		size_t room = c->room ? c->room * 2 : 32;
		struct csv_field *more = reallocarray(c->fields, room, sizeof(*more));

		if (!more)
			return NULL;
		c->fields = more;
		c->room = room;
	}
	c->fields[c->n_fields] = (struct csv_field){ .offset = c->text.length };
	return &c->fields[c->n_fields++];
}

static const char *split_record(struct csv *c, struct api_error *err)
{
	c->at = 0;
	c->n_fields = 0;
	buf_clear(&c->text);
	for (;;) {
		struct csv_field *f = add_field(c);
		const char *wrong;

		if (!f)
			return "out of memory";
		f->quoted = c->quote && c->at < c->n && c->line[c->at] == c->quote;
		wrong = f->quoted ? quoted_field(c, err) : plain_field(c);
		if (wrong)
			return wrong;
		f->n = c->text.length - f->offset;
		if (c->at >= c->n)
			return NULL;
		c->at++;
	}
}

static int encode_field(struct csv *c, size_t i, struct value_error *e)
{
	struct rows *r = c->r->rows;
	const struct column *column = &r->columns[i];
	const struct csv_field *f = i < c->n_fields ? &c->fields[i] : NULL;
	const char *p;
	bool is_null;

	if (!f)
		return value_absent(column, &r->cells[i], e);
	p = c->text.data + f->offset;
	is_null = !f->quoted && f->n == strlen(c->null_marker) &&
		  memcmp(p, c->null_marker, f->n) == 0;
	/* Unless a marker was given, an empty text is a value for STRING and BYTES. */
	if (is_null && (f->n > 0 || json_object_get(c->r->load, "nullMarker") ||
			(column->type != TYPE_STRING && column->type != TYPE_BYTES)))
		return value_absent(column, &r->cells[i], e);
	if (column->mode == MODE_REPEATED) {
		snprintf(e->what, sizeof(e->what), "CSV does not hold repeated fields");
		snprintf(e->path, sizeof(e->path), "%s", column->name);
		e->value[0] = '\0';
		return -1;
	}
	return value_encode_text(column, p, f->n, &r->scratch, &r->cells[i], e);
}

static int bad_record(struct csv *c, int64_t offset, const char *what, struct api_error *err)
{
	char message[900];

	snprintf(message, sizeof(message), "%s; byte_offset_to_start_of_line: %lld", what,
		 (long long)offset);
	return load_bad_row(c->r, message, err);
}

static int read_record(struct csv *c, int64_t offset, struct api_error *err)
{
	struct value_error e;
	char what[800];
	const char *wrong;

	wrong = split_record(c, err);
	if (!wrong && !ident_utf8(c->line, c->n))
		wrong = "Invalid UTF-8";
	if (!wrong && c->n_fields > c->r->rows->n_columns && !c->r->ignore_unknown)
		wrong = "Too many values in row";
	if (!wrong && c->n_fields < c->r->rows->n_columns && !c->jagged)
		wrong = "Error detected while parsing row: too few values, and allowJaggedRows is not set";
	if (wrong)
		return bad_record(c, offset, wrong, err);
	rows_begin(c->r->rows);
	for (size_t i = 0; i < c->r->rows->n_columns; i++) {
		if (encode_field(c, i, &e)) {
			snprintf(what, sizeof(what), "%s. Field: %s; Value: '%s'", e.what, e.path,
				 e.value);
			return bad_record(c, offset, what, err);
		}
	}
	return load_keep_row(c->r, err);
}

static int read_all(struct csv *c, struct api_error *err)
{
	int64_t skip = ju_int64(c->r->load, "skipLeadingRows", 0), offset;
	int more;

	while ((more = lines_next(c->lines, &c->line, &c->n, &offset, err)) > 0) {
		if (skip > 0) {
			skip--;
			continue;
		}
		if (c->n == 0 || (c->n == 1 && c->line[0] == '\r'))
			continue;
		if (read_record(c, offset, err) || load_cancelled(c->r, err))
			return -1;
	}
	return more;
}

int load_csv(struct load_reader *r, const char *path, struct api_error *err)
{
	struct csv c = {
		.r = r,
		.delimiter = first_char(r->load, "fieldDelimiter", ","),
		.quote = first_char(r->load, "quote", "\""),
		.null_marker = ju_string(r->load, "nullMarker", ""),
		.quoted_newlines = ju_bool(r->load, "allowQuotedNewlines", false),
		.jagged = ju_bool(r->load, "allowJaggedRows", false),
	};
	int rc;

	if (lines_open(path, &c.lines, err))
		return -1;
	rc = read_all(&c, err);
	lines_close(c.lines);
	buf_release(&c.text);
	free(c.fields);
	return rc;
}
