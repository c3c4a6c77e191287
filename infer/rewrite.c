#include "infer/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "infer/csv.h"
#include "lib/escape.h"
#include "lib/utf8.h"

/* One row while it is written. The functions return the position behind what they read. */
struct row {
	struct json_cursor c;
	struct rewrite *w;
};

static const char *members(struct row *r, const char *p, struct record *record, int depth);

static const char *misfit(struct row *r, const char *p, const char *end, const struct field *f)
{
	char path[PATH_MAX_BYTES];
	size_t length = (size_t)(end - p);

	error_set(r->c.err, ERR_DATA, "line %llu: column %s: %.*s is no %s%s",
		  (unsigned long long)r->c.line, record_path(f, path),
		  (int)utf8_cut(p, length, 100), p,
		  f->target.mode == MODE_REPEATED ? "array of " : "",
		  schema_type_name(f->target.type));
	return NULL;
}

/* A text in quotes, which is a number, a date … in a column of that type. */
static const char *quoted(struct row *r, const char *p, struct field *f)
{
	const char *end = json_string_end(&r->c, p + 1), *text = p + 1;
	auto_buf decoded = BUF_INIT;
	size_t length;
	int rc;

	if (!end)
		return NULL;
	length = (size_t)(end - p) - 2;
	if (memchr(text, '\\', length)) {
		if (buf_reserve(&decoded, length + 1, r->c.err) < 0)
			return NULL;
		length = escape_decode(text, length, decoded.data, length);
		text = decoded.data;
	}
	rc = fit_text(r->w->out, f->target.type, text, length, r->c.err);
	return rc == 0 ? end : rc > 0 ? misfit(r, p, end, f) : NULL;
}

/* A value other than null in a column of texts, or of what BigQuery has its own notations for. */
static const char *as_text(struct row *r, const char *p, struct field *f, int depth)
{
	const char *end = json_value(&r->c, p, depth);

	if (!end)
		return NULL;
	if (*p == '"')
		return buf_append(r->w->out, p, (size_t)(end - p), r->c.err) < 0 ? NULL : end;
	if (f->target.type != TYPE_STRING)
		return misfit(r, p, end, f);
	return fit_string(r->w->out, p, (size_t)(end - p), r->c.err) < 0 ? NULL : end;
}

static const char *scalar(struct row *r, const char *p, struct field *f, int depth)
{
	const char *end;
	int rc;

	if (*p == '"')
		return quoted(r, p, f);
	end = json_value(&r->c, p, depth);
	if (!end)
		return NULL;
	if (*p == '{' && json_skip_space(p + 1) == end - 1 &&
	    r->w->config->mode == INFER_COMPATIBLE)
		return buf_append(r->w->out, "null", 4, r->c.err) < 0 ? NULL : end;
	if (*p == '{' || *p == '[')
		return misfit(r, p, end, f);
	rc = fit_text(r->w->out, f->target.type, p, (size_t)(end - p), r->c.err);
	return rc == 0 ? end : rc > 0 ? misfit(r, p, end, f) : NULL;
}

/* One value, not null and not of the array of a REPEATED column. */
static const char *value(struct row *r, const char *p, struct field *f, int depth)
{
	const char *end;

	switch (f->target.type) {
	case TYPE_RECORD:
		if (*p == '{')
			return members(r, p, f->children, depth);
		end = json_value(&r->c, p, depth);
		return end ? misfit(r, p, end, f) : NULL;
	case TYPE_JSON:
	case TYPE_RANGE:
		end = json_value(&r->c, p, depth);
		return end && buf_append(r->w->out, p, (size_t)(end - p), r->c.err) < 0 ? NULL
											: end;
	case TYPE_STRING:
		if (*p == '{' && json_skip_space(p + 1)[0] == '}' &&
		    r->w->config->mode == INFER_COMPATIBLE)
			return scalar(r, p, f, depth);
		return as_text(r, p, f, depth);
	case TYPE_BYTES:
	case TYPE_INTERVAL:
	case TYPE_GEOGRAPHY:
		return as_text(r, p, f, depth);
	default:
		return scalar(r, p, f, depth);
	}
}

/* At the '[' of a REPEATED column; or at the one value that is to be its element. */
static const char *repeated(struct row *r, const char *p, struct field *f, int depth)
{
	bool array = *p == '[';

	if (buf_append(r->w->out, "[", 1, r->c.err) < 0)
		return NULL;
	if (array)
		p = json_skip_space(p + 1);
	for (; *p != ']'; p = json_skip_space(p + 1)) {
		if (*p == 'n')
			return misfit(r, p, p + 4, f);
		p = value(r, p, f, depth + 1);
		if (!p)
			return NULL;
		if (!array)
			break;
		p = json_skip_space(p);
		if (*p == ']')
			break;
		if (*p != ',')
			return json_syntax(&r->c, p, "expected ',' or ']'");
		if (buf_append(r->w->out, ",", 1, r->c.err) < 0)
			return NULL;
	}
	if (buf_append(r->w->out, "]", 1, r->c.err) < 0)
		return NULL;
	return array ? p + 1 : p;
}

/* BigQuery has no NULL among REPEATED columns: the name is left out. */
static bool is_left_out(const struct row *r, const char *p, const struct field *f)
{
	if (!f->target.included)
		return true;
	if (f->target.mode != MODE_REPEATED)
		return false;
	return *p == 'n' || (*p == '{' && f->target.type != TYPE_RECORD &&
			     f->target.type != TYPE_JSON && r->w->config->mode == INFER_COMPATIBLE);
}

static const char *member(struct row *r, const char *p, struct field *f, int depth, bool *first)
{
	struct buf *out = r->w->out;

	if (is_left_out(r, p, f))
		return json_value(&r->c, p, depth);
	if (buf_reserve(out, f->target.name_length + 8, r->c.err) < 0)
		return NULL;
	if (!*first)
		buf_put_byte(out, ',');
	*first = false;
	buf_put_byte(out, '"');
	buf_put(out, f->target.name, f->target.name_length);
	buf_put(out, "\":", 2);
	if (f->target.mode == MODE_REPEATED)
		return repeated(r, p, f, depth);
	if (*p != 'n')
		return value(r, p, f, depth);
	if (f->target.mode == MODE_REQUIRED)
		return misfit(r, p, p + 4, f);
	buf_put(out, "null", 4);
	return json_word(&r->c, p, "null", 4);
}

/* At '{'. */
static const char *members(struct row *r, const char *p, struct record *record, int depth)
{
	struct spelling *name = &record->start;
	uint64_t object = ++record->object;
	char path[PATH_MAX_BYTES];
	bool first = true;

	if (depth > JSON_DEPTH_MAX)
		return json_syntax(&r->c, p, "nested deeper than 500");
	if (buf_append(r->w->out, "{", 1, r->c.err) < 0)
		return NULL;
	p = json_skip_space(p + 1);
	if (*p == '}')
		return buf_append(r->w->out, "}", 1, r->c.err) < 0 ? NULL : p + 1;
	for (;; p++) {
		p = record_name(&r->c, json_skip_space(p), record, r->w->rule, &name);
		if (!p)
			return NULL;
		if (name->field->object == object && name->field->target.included) {
			error_set(r->c.err, ERR_DATA, "line %llu: column %s stands there twice",
				  (unsigned long long)r->c.line, record_path(name->field, path));
			return NULL;
		}
		name->field->object = object;
		p = member(r, json_skip_space(p), name->field, depth + 1, &first);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p == '}')
			break;
		if (*p != ',')
			return json_syntax(&r->c, p, "expected ',' or '}'");
	}
	return buf_append(r->w->out, "}", 1, r->c.err) < 0 ? NULL : p + 1;
}

int rewrite_row(struct rewrite *w, const char *row, size_t length, uint64_t line, struct error *err)
{
	struct row r = {
		.c = { .start = row,
		       .end = row + length,
		       .line = line,
		       .not_finite = true,
		       .err = err },
		.w = w,
	};
	const char *p = json_skip_space(row);

	if (*p != '{') {
		json_syntax(&r.c, p, "not a JSON object");
		return -1;
	}
	p = members(&r, p, w->top, 1);
	if (!p)
		return -1;
	p = json_skip_space(p);
	if (p != r.c.end) {
		json_syntax(&r.c, p, "more behind the object");
		return -1;
	}
	return json_check_utf8(&r.c);
}

static int cell(struct row *r, const struct csv *csv, const struct csv_cell *cell, struct field *f,
		bool *first)
{
	struct buf *out = r->w->out;
	const char *text = csv->text.data + cell->start;
	bool null = !cell->length &&
		    (!cell->quoted || f->target.type != TYPE_STRING ||
		     (r->w->config->mode == INFER_COMPATIBLE && f->target.mode != MODE_REQUIRED));
	int rc;

	if (null && f->target.mode == MODE_REPEATED)
		return 0;
	if (buf_reserve(out, f->target.name_length + 8, r->c.err) < 0)
		return -1;
	if (!*first)
		buf_put_byte(out, ',');
	*first = false;
	buf_put_byte(out, '"');
	buf_put(out, f->target.name, f->target.name_length);
	buf_put(out, "\":", 2);
	if (null && f->target.mode == MODE_NULLABLE)
		return buf_append(out, "null", 4, r->c.err);
	rc = null ? 1 : fit_text(out, f->target.type, text, cell->length, r->c.err);
	if (rc > 0)
		misfit(r, text, text + cell->length, f);
	return rc ? -1 : 0;
}

int rewrite_csv_row(struct rewrite *w, const struct csv *csv, struct field *const *column,
		    size_t columns, struct error *err)
{
	struct row r = { .c = { .line = csv->line, .err = err }, .w = w };
	bool first = true;

	if (csv->cells > columns)
		return error_set(err, ERR_DATA, "line %llu: %zu values, but %zu columns",
				 (unsigned long long)csv->line, csv->cells, columns);
	if (buf_append(w->out, "{", 1, err) < 0)
		return -1;
	for (size_t i = 0; i < csv->cells; i++)
		if (column[i] && column[i]->target.included &&
		    cell(&r, csv, &csv->cell[i], column[i], &first) < 0)
			return -1;
	return buf_append(w->out, "}", 1, err);
}
