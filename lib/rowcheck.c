#include "lib/rowcheck.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/columns.h"
#include "lib/escape.h"
#include "lib/json_scan.h"
#include "lib/utf8.h"

/* More than the 300 characters of a name, so that one that was cut is no column's. */
enum { NAME_DECODED_MAX = 4 * 300 + 1 };

struct rowcheck {
	struct columns *top;
};

int rowcheck_new(const struct schema *schema, struct rowcheck **ret, struct error *err)
{
	struct rowcheck *c = calloc(1, sizeof *c);

	if (c)
		c->top = columns_new(schema);
	if (!c || !c->top) {
		free(c);
		return error_nomem(err);
	}
	*ret = c;
	return 0;
}

void rowcheck_free(struct rowcheck *c)
{
	if (!c)
		return;
	columns_free(c->top);
	free(c);
}

/* --- columns ------------------------------------------------------------- */

static const char *unknown_column(struct json_cursor *c, const char *name, size_t length)
{
	size_t shown = utf8_valid_prefix(name, length > 300 ? utf8_cut(name, length, 300) : length);

	error_set(c->err, ERR_DATA, "line %llu: column %.*s is not in the schema",
		  (unsigned long long)c->line, (int)shown, name);
	return NULL;
}

/* The column of any name, in any notation. Ends behind the colon. */
static const char *slow_name(struct json_cursor *c, const char *p, const struct columns *columns,
			     size_t *ret)
{
	char decoded[NAME_DECODED_MAX];
	const char *name = p + 1;
	size_t length;

	if (*p != '"')
		return json_syntax(c, p, "expected a column name in quotes");
	p = json_string_end(c, name);
	if (!p)
		return NULL;
	length = (size_t)(p - name) - 1;
	if (memchr(name, '\\', length)) {
		length = escape_decode(name, length, decoded, sizeof decoded);
		name = decoded;
	}
	*ret = columns_find(columns, name, length);
	if (*ret == SIZE_MAX)
		return unknown_column(c, name, length);
	p = json_skip_space(p);
	return *p == ':' ? p + 1 : json_syntax(c, p, "expected ':'");
}

static const char *record(struct json_cursor *c, const char *p, struct columns *columns, int depth);

/* The value of a RECORD column: an object, or null; an array of objects when REPEATED. */
static const char *record_value(struct json_cursor *c, const char *p, struct columns *columns,
				bool repeated, int depth)
{
	p = json_skip_space(p);
	if (*p == '{')
		return record(c, p + 1, columns, depth);
	if (!repeated || *p != '[')
		return json_value(c, p, depth);
	p = json_skip_space(p + 1);
	if (*p == ']')
		return p + 1;
	for (;; p++) {
		p = record_value(c, p, columns, false, depth + 1);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return json_syntax(c, p, "expected ',' or ']'");
	}
}

static const char *missing_column(struct json_cursor *c, const struct columns *columns)
{
	for (size_t i = 0; i < columns->schema->count; i++)
		if (columns->schema->field[i].mode == MODE_REQUIRED &&
		    columns->seen[i] != columns->object) {
			error_set(c->err, ERR_DATA, "line %llu: column %s is REQUIRED and missing",
				  (unsigned long long)c->line, columns->schema->field[i].name);
			return NULL;
		}
	error_set(c->err, ERR_BUG, "line %llu: the count of REQUIRED columns is off",
		  (unsigned long long)c->line);
	return NULL;
}

static const char *column_value(struct json_cursor *c, const char *p, struct columns *columns,
				size_t i, int depth)
{
	const struct schema_field *f = &columns->schema->field[i];
	const char *start;

	if (columns->seen[i] == columns->object) {
		error_set(c->err, ERR_DATA, "line %llu: column %s stands there twice",
			  (unsigned long long)c->line, f->name);
		return NULL;
	}
	columns->seen[i] = columns->object;
	start = p = json_skip_space(p);
	if (columns->nested[i])
		p = record_value(c, p, columns->nested[i], f->mode == MODE_REPEATED, depth);
	else if (*p == '{' || *p == '[')
		p = json_value(c, p, f->mode == MODE_REPEATED ? 0 : 1);
	else
		p = json_scalar(c, p);
	if (!p) {
		error_prefix(c->err, "column %s", f->name);
		return NULL;
	}
	if (f->mode == MODE_REQUIRED && *start == 'n') {
		error_set(c->err, ERR_DATA, "line %llu: column %s is REQUIRED and null",
			  (unsigned long long)c->line, f->name);
		return NULL;
	}
	return p;
}

/* Behind '{'. The columns mostly come in the order of the schema: `next` guesses. */
static const char *record(struct json_cursor *c, const char *p, struct columns *columns, int depth)
{
	size_t next = 0, required = 0, i = 0;

	columns->object++;
	p = json_skip_space(p);
	if (*p == '}') {
		p++;
		return columns->required ? missing_column(c, columns) : p;
	}
	for (;; p++) {
		p = json_skip_space(p);
		if (next < columns->schema->count && columns->prefix[next].length &&
		    json_has_prefix(p, columns->prefix[next].text, columns->prefix[next].length)) {
			i = next;
			p += columns->prefix[i].length;
		} else {
			p = slow_name(c, p, columns, &i);
		}
		if (p)
			p = column_value(c, p, columns, i, depth + 1);
		if (!p)
			return NULL;
		next = i + 1;
		required += columns->schema->field[i].mode == MODE_REQUIRED;
		p = json_skip_space(p);
		if (*p == '}')
			break;
		if (*p != ',')
			return json_syntax(c, p, "expected ',' or '}'");
	}
	return required == columns->required ? p + 1 : missing_column(c, columns);
}

int rowcheck_row(struct rowcheck *check, const char *row, size_t length, uint64_t line_number,
		 struct error *err)
{
	struct json_cursor c = {
		.start = row, .end = row + length, .line = line_number, .err = err
	};
	const char *p = json_skip_space(row);

	if (*p != '{') {
		json_syntax(&c, p, length ? "not a JSON object" : "an empty line");
		return -1;
	}
	p = record(&c, p + 1, check->top, 1);
	if (!p)
		return -1;
	p = json_skip_space(p);
	if (p != c.end) {
		json_syntax(&c, p, "more behind the object");
		return -1;
	}
	return json_check_utf8(&c);
}
