/* Values that nest, and the entry points; scalars are in value_scalar.c. */
#include "tests/localcloud/value.h"

#include "tests/localcloud/base64.h"
#include "tests/localcloud/json_normal.h"
#include "tests/localcloud/value_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

int value_fail(struct value_error *err, const struct column *c, const char *what, const char *value,
	       size_t n)
{
	snprintf(err->what, sizeof(err->what), "%s", what);
	snprintf(err->path, sizeof(err->path), "%s", c->name);
	snprintf(err->value, sizeof(err->value), "%.*s", (int)(n < 80 ? n : 80),
		 value ? value : "");
	return -1;
}

const char *cell_bytes(const struct cell *cell, const struct buf *scratch)
{
	return cell->in_scratch ? scratch->data + cell->offset : cell->p;
}

int cell_bind(sqlite3_stmt *stmt, int index, const struct cell *cell, const struct buf *scratch)
{
	const char *p;

	switch (cell->kind) {
	case CELL_INT:
		return sqlite3_bind_int64(stmt, index, cell->i);
	case CELL_REAL:
		return sqlite3_bind_double(stmt, index, cell->d);
	case CELL_TEXT:
		p = cell_bytes(cell, scratch);
		return sqlite3_bind_text64(stmt, index, p ? p : "", cell->n, SQLITE_STATIC,
					   SQLITE_UTF8);
	case CELL_BLOB:
		p = cell_bytes(cell, scratch);
		return sqlite3_bind_blob64(stmt, index, p ? p : "", cell->n, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, index);
	}
}

int64_t cell_size(const struct column *c, const struct cell *cell)
{
	if (cell->kind == CELL_NULL)
		return 0;
	if (c->mode == MODE_REPEATED)
		return (int64_t)cell->n;
	switch (c->type) {
	case TYPE_STRING:
	case TYPE_BYTES:
		return 2 + (int64_t)cell->n;
	case TYPE_BOOLEAN:
		return 1;
	case TYPE_NUMERIC:
	case TYPE_INTERVAL:
		return 16;
	case TYPE_BIGNUMERIC:
		return 32;
	case TYPE_RECORD:
	case TYPE_JSON:
	case TYPE_GEOGRAPHY:
		return (int64_t)cell->n;
	default:
		return 8;
	}
}

int value_absent(const struct column *c, struct cell *out, struct value_error *err)
{
	if (c->mode == MODE_REQUIRED)
		return value_fail(err, c, "Missing required field", NULL, 0);
	*out = c->mode == MODE_REPEATED ? (struct cell){ .kind = CELL_TEXT, .p = "[]", .n = 2 }
					: (struct cell){ 0 };
	return 0;
}

/* The error happened inside a record: its name goes before the path. */
static int inside(struct value_error *err, const struct column *record)
{
	char path[sizeof(err->path)];

	if (snprintf(path, sizeof(path), "%s.%s", record->name, err->path) > 0)
		memcpy(err->path, path, sizeof(path));
	return -1;
}

/* Appends an encoded cell as JSON. The cell may lie in the buffer that is appended to. */
static int put_cell(const struct column *c, const struct cell *cell, const struct buf *scratch,
		    struct buf *out)
{
	char text[40];
	struct error error;

	switch (cell->kind) {
	case CELL_NULL:
		return buf_append_str(out, "null", &error);
	case CELL_INT:
		if (c->type == TYPE_BOOLEAN)
			return buf_append_str(out, cell->i ? "true" : "false", &error);
		return buf_appendf(out, &error, "%" PRId64, cell->i);
	case CELL_REAL:
		return buf_append(out, text, json_format_double(cell->d, text, sizeof(text)),
				  &error);
	case CELL_TEXT:
		if (c->mode == MODE_REPEATED || c->type == TYPE_RECORD)
			return buf_append(out, cell_bytes(cell, scratch), cell->n, &error);
		return jscan_quote(cell_bytes(cell, scratch), cell->n, out);
	default:
		return buf_append(out, "\"", 1, &error) ||
				       base64_encode(cell_bytes(cell, scratch), cell->n, out) ||
				       buf_append(out, "\"", 1, &error)
			       ? -1
			       : 0;
	}
}

/* Copies a finished JSON text into the scratch buffer and makes it the cell. */
static int finish_text(struct buf *text, struct buf *scratch, struct cell *out)
{
	struct error error;

	*out = (struct cell){
		.kind = CELL_TEXT, .in_scratch = true, .offset = scratch->length, .n = text->length
	};
	return buf_append(scratch, text->data, text->length, &error);
}

static int find_member(const struct column *record, const struct jtoken *key, size_t *ret)
{
	for (size_t i = 0; i < record->n_fields; i++) {
		if (record->fields[i].name_length == key->n &&
		    strncasecmp(record->fields[i].name, key->p, key->n) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -1;
}

/* Collects the members of a record in the order of the schema. */
static int read_record(const struct column *c, const struct jtoken *v,
		       const struct value_options *options, struct jtoken *found,
		       struct value_error *err)
{
	struct jiter it;
	struct jtoken key, value;
	int more = jiter_open(&it, '{', v->p, v->p + v->n);
	size_t i;

	while (more >= 0 && (more = jiter_member(&it, &key, &value)) > 0) {
		if (find_member(c, &key, &i) == 0)
			found[i] = value;
		else if (!options->ignore_unknown)
			return value_fail(err, c, "No such field", key.p, key.n);
	}
	return more;
}

static int encode_record(const struct column *c, const struct jtoken *v,
			 const struct value_options *options, struct buf *scratch, struct cell *out,
			 struct value_error *err)
{
	struct jtoken *found;
	auto_buf text = BUF_INIT;
	struct error error;
	int rc = -1;

	if (v->kind != JSON_K_OBJECT)
		return value_fail(err, c, "This field is a record, the value is no object", v->p,
				  v->n);
	found = calloc(c->n_fields, sizeof(*found));
	if (!found || read_record(c, v, options, found, err))
		goto out;
	for (size_t i = 0; i < c->n_fields; i++) {
		struct cell cell;

		if (buf_append_str(&text, i ? "," : "{", &error) ||
		    jscan_quote(c->fields[i].name, c->fields[i].name_length, &text) ||
		    buf_append_str(&text, ":", &error))
			goto out;
		if (found[i].p
			    ? value_encode(&c->fields[i], &found[i], options, scratch, &cell, err)
			    : value_absent(&c->fields[i], &cell, err)) {
			inside(err, c);
			goto out;
		}
		if (put_cell(&c->fields[i], &cell, scratch, &text))
			goto out;
	}
	rc = buf_append_str(&text, "}", &error) ? -1 : finish_text(&text, scratch, out);
out:
	free(found);
	return rc;
}

static int encode_single(const struct column *c, const struct jtoken *v,
			 const struct value_options *options, struct buf *scratch, struct cell *out,
			 struct value_error *err)
{
	if (c->type == TYPE_RECORD)
		return encode_record(c, v, options, scratch, out, err);
	return value_scalar(c, v, options, scratch, out, err);
}

static int encode_array(const struct column *c, const struct jtoken *v,
			const struct value_options *options, struct buf *scratch, struct cell *out,
			struct value_error *err)
{
	struct column element = *c;
	auto_buf text = BUF_INIT;
	struct jiter it;
	struct jtoken value;
	struct error error;
	int more;

	element.mode = MODE_NULLABLE;
	/* The kind first: a string's token lies within its quotes, and may itself begin with a bracket. */
	if (v->kind != JSON_K_ARRAY || jiter_open(&it, '[', v->p, v->p + v->n))
		return value_fail(err, c, "Repeated field must be imported as a JSON array", v->p,
				  v->n);
	while ((more = jiter_element(&it, &value)) > 0) {
		struct cell cell;

		if (value.kind == JSON_K_NULL)
			return value_fail(
				err, c,
				"Only optional fields can be set to NULL: an array holds a null",
				v->p, v->n);
		if (encode_single(&element, &value, options, scratch, &cell, err))
			return -1;
		if (buf_append_str(&text, text.length ? "," : "[", &error) ||
		    put_cell(&element, &cell, scratch, &text))
			return -1;
	}
	if (more < 0 || buf_append_str(&text, text.length ? "]" : "[]", &error))
		return -1;
	return finish_text(&text, scratch, out);
}

int value_encode(const struct column *c, const struct jtoken *v,
		 const struct value_options *options, struct buf *scratch, struct cell *out,
		 struct value_error *err)
{
	if (v->kind == JSON_K_NULL) {
		if (c->mode == MODE_REQUIRED)
			return value_fail(err, c, "Only optional fields can be set to NULL", NULL,
					  0);
		/* For a REPEATED field too: https://github.com/bxparks/bigquery-schema-generator/pull/92 */
		return value_absent(c, out, err);
	}
	if (c->mode == MODE_REPEATED)
		return encode_array(c, v, options, scratch, out, err);
	if (v->kind == JSON_K_ARRAY && c->type != TYPE_JSON)
		return value_fail(err, c, "Array specified for non-repeated field", v->p, v->n);
	return encode_single(c, v, options, scratch, out, err);
}
