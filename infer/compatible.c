#include "infer/compatible.h"

#include <stdlib.h>
#include <string.h>

#include "infer/csv.h"
#include "lib/escape.h"
#include "lib/log.h"

/* Text with escapes in it that is longer is a STRING. */
enum { DECODED_MAX = 4096 };

enum {
	TEXT_KINDS = KIND_BIT(TYPE_STRING) | KIND_BIT(TYPE_TIMESTAMP) | KIND_BIT(TYPE_DATE) |
		     KIND_BIT(TYPE_TIME) | KIND_BIT(KIND_QINTEGER) | KIND_BIT(KIND_QFLOAT) |
		     KIND_BIT(KIND_QBOOLEAN),
};

/* One row while it is read. */
struct scan {
	struct json_cursor c;
	struct compatible *m;
	enum name_rule rule;
};

static const char *members(struct scan *s, const char *p, struct record *r, int depth);

int compatible_init(struct compatible *m, const struct config *config, struct error *err)
{
	*m = (struct compatible){ .config = config, .generation = 1 };
	m->top = record_new(NULL, 0);
	if (!m->top)
		return error_nomem(err);
	m->top->generation = m->generation;
	return 0;
}

void compatible_release(struct compatible *m)
{
	record_free(m->top);
	buf_release(&m->reports);
	free(m->change);
	free(m->column);
}

static void begin_row(struct compatible *m, uint64_t line, struct error *err)
{
	m->line = line;
	m->err = err;
	m->changes = 0;
	buf_clear(&m->reports);
}

/* It was valid: its reports are. */
static void log_reports(const struct compatible *m)
{
	size_t i = 0;

	for (; i < m->reports.length; i += strlen(m->reports.data + i) + 1)
		log_warn("line %llu: column %s", (unsigned long long)m->line, m->reports.data + i);
}

/* --- values -------------------------------------------------------------- */

/* Apart, because of the room that it takes on the stack. */
static __attribute__((noinline)) unsigned decoded_kind(const char *p, size_t length, bool strings)
{
	char decoded[DECODED_MAX];

	length = escape_decode(p, length, decoded, sizeof decoded);
	return length == sizeof decoded ? TYPE_STRING
					: compatible_text_kind(decoded, length, strings);
}

/* p is behind the opening quote, *end behind the closing one. */
static inline unsigned text_kind(struct scan *s, const char *p, const char *end)
{
	size_t length = (size_t)(end - p) - 1;
	bool strings = s->m->config->quoted_values_are_strings;

	return memchr(p, '\\', length) ? decoded_kind(p, length, strings)
				       : compatible_text_kind(p, length, strings);
}

/* Integers beyond INT64 are FLOAT. */
static unsigned integer_kind(const char *p, const char *end)
{
	const char *limit = *p == '-' ? "9223372036854775808" : "9223372036854775807";

	p += *p == '-';
	return end - p < 19 || (end - p == 19 && memcmp(p, limit, 19) <= 0) ? TYPE_INTEGER
									    : TYPE_FLOAT;
}

/* A number, or what Python takes for one. */
static const char *number(struct scan *s, const char *p, unsigned *kind)
{
	bool whole;
	const char *end;

	if ((unsigned char)(*p - '0') > 9 && (*p != '-' || p[1] == 'I')) {
		*kind = TYPE_FLOAT;
		return json_lenient_number(&s->c, p);
	}
	end = json_number(&s->c, p, &whole);
	if (end)
		*kind = whole ? integer_kind(p, end) : TYPE_FLOAT;
	return end;
}

/* The kind of any value that stands in an array; those of objects go to r. */
static const char *element(struct scan *s, const char *p, struct record *r, int depth,
			   unsigned *kind)
{
	const char *end;

	switch (*p) {
	case '"':
		end = json_string_end(&s->c, p + 1);
		if (end)
			*kind = text_kind(s, p + 1, end);
		return end;
	case '{':
		end = json_skip_space(p + 1);
		*kind = *end == '}' ? KIND_EMPTY_RECORD : TYPE_RECORD;
		return members(s, p + 1, r, depth);
	case '[':
		end = json_skip_space(p + 1);
		*kind = *end == ']' ? KIND_EMPTY_ARRAY : KIND_ARRAY;
		return json_value(&s->c, p, depth);
	case 't':
		*kind = TYPE_BOOLEAN;
		return json_word(&s->c, p, "true", 4);
	case 'f':
		*kind = TYPE_BOOLEAN;
		return json_word(&s->c, p, "false", 5);
	case 'n':
		*kind = KIND_NULL;
		return json_word(&s->c, p, "null", 4);
	default:
		return number(s, p, kind);
	}
}

/* Fields of the objects in an array meet each other before they meet the column's. */
static struct record *fresh_scratch(struct scan *s, struct field *f)
{
	if (!f->scratch) {
		f->scratch = record_new(f, 0);
		if (!f->scratch) {
			error_nomem(s->c.err);
			return NULL;
		}
	}
	return compatible_forget(s->m, f->scratch) < 0 ? NULL : f->scratch;
}

/* An array has come whose elements are of this kind. */
static int merge_array(struct scan *s, const struct spelling *name, unsigned kind)
{
	struct field *f = name->field;
	struct state value = { .spelling = name,
			       .status = STATUS_HARD,
			       .filled = true,
			       .mode = MODE_REPEATED,
			       .type = (uint8_t)kind };
	const char *what = kind == KIND_NONE
				   ? "an array of several types: the column is forgotten"
				   : "an array of null or of arrays: the column is forgotten";

	if (kind == KIND_EMPTY_RECORD) {
		value.status = STATUS_SOFT;
		value.filled = false;
		value.type = TYPE_RECORD;
	} else if (kind >= KIND_NULL) {
		value.status = STATUS_NONE;
		value.type = TYPE_STRING;
		if ((f->state.generation != f->parent->generation ||
		     f->state.status != STATUS_NONE) &&
		    compatible_report(s->m, f, what) < 0)
			return -1;
	} else if (f->unchanged_repeated & KIND_BIT(kind)) {
		return kind == TYPE_RECORD ? compatible_merge_scratch(s->m, f) : 0;
	}
	if (compatible_merge(s->m, f, &value) < 0)
		return -1;
	return kind == TYPE_RECORD ? compatible_merge_scratch(s->m, f) : 0;
}

/* Behind '['. */
static const char *array(struct scan *s, const char *p, const struct spelling *name, int depth)
{
	struct record *scratch = NULL;
	unsigned kind = KIND_NONE, first = 0;
	size_t reported = s->m->reports.length;
	bool any = false;

	if (depth > JSON_DEPTH_MAX)
		return json_syntax(&s->c, p, "nested deeper than 500");
	p = json_skip_space(p);
	if (*p == ']')
		return compatible_value(s->m, name, KIND_EMPTY_ARRAY) < 0 ? NULL : p + 1;
	for (;; p++) {
		p = json_skip_space(p);
		if (*p == '{' && !scratch) {
			scratch = fresh_scratch(s, name->field);
			if (!scratch)
				return NULL;
		}
		p = element(s, p, scratch, depth + 1, &first);
		if (!p)
			return NULL;
		/* KIND_NONE, once reached, stays: nothing converts to it. */
		kind = !any                ? first
		       : kind == KIND_NONE ? KIND_NONE
					   : compatible_convert(kind, first);
		any = true;
		p = json_skip_space(p);
		if (*p == ']')
			break;
		if (*p != ',')
			return json_syntax(&s->c, p, "expected ',' or ']'");
	}
	/* Nothing is deduced from what stands in an array without a type. */
	if (kind >= KIND_NULL)
		s->m->reports.length = reported;
	return merge_array(s, name, kind) < 0 ? NULL : p + 1;
}

/* Behind '{', not empty. */
static const char *object(struct scan *s, const char *p, const struct spelling *name, int depth)
{
	struct field *f = name->field;
	struct record *scratch;

	if (s->m->careful) {
		/* Two of its names may be one field: they meet each other before what was there. */
		scratch = fresh_scratch(s, f);
		p = scratch ? members(s, p, scratch, depth) : NULL;
		if (!p || compatible_value(s->m, name, TYPE_RECORD) < 0 ||
		    compatible_merge_scratch(s->m, f) < 0)
			return NULL;
		return p;
	}
	if (compatible_value(s->m, name, TYPE_RECORD) < 0)
		return NULL;
	/* The values of a column that is left out must be JSON all the same. */
	if (f->state.status != STATUS_HARD || f->state.type != TYPE_RECORD)
		return json_value(&s->c, p - 1, depth);
	return members(s, p, f->children, depth);
}

static inline const char *value(struct scan *s, const char *p, const struct spelling *name,
				int depth)
{
	const char *end;
	unsigned kind;

	switch (*p) {
	case '"':
		end = json_string_end(&s->c, p + 1);
		if (!end || (~name->field->unchanged & TEXT_KINDS) == 0)
			return end;
		kind = text_kind(s, p + 1, end);
		break;
	case '{':
		end = json_skip_space(p + 1);
		if (*end != '}')
			return object(s, p + 1, name, depth);
		end++;
		kind = KIND_EMPTY_RECORD;
		break;
	case '[':
		return array(s, p + 1, name, depth);
	case 't':
		end = json_word(&s->c, p, "true", 4);
		kind = TYPE_BOOLEAN;
		break;
	case 'f':
		end = json_word(&s->c, p, "false", 5);
		kind = TYPE_BOOLEAN;
		break;
	case 'n':
		end = json_word(&s->c, p, "null", 4);
		kind = KIND_NULL;
		break;
	default:
		end = number(s, p, &kind);
		break;
	}
	return end && compatible_value(s->m, name, kind) < 0 ? NULL : end;
}

/* --- objects ------------------------------------------------------------- */

/* A member of an object in a row that has a name, or two that make one column, twice. */
struct member {
	struct spelling *name;
	const char *value; /* the last one */
};

/*
 * Python keeps the place of the first of two equal names and the value of the
 * last. All names are read before the first value is looked at.
 */
static const char *careful_members(struct scan *s, const char *p, struct record *r, int depth)
{
	struct member *member = NULL;
	size_t count = 0, capacity = 0, i;
	struct spelling *name = &r->start;
	uint64_t object = ++r->object;

	for (;; p++) {
		p = record_name(&s->c, json_skip_space(p), r, s->rule, &name);
		if (!p)
			break;
		i = member && name->object == object ? name->place : count;
		if (i == capacity) {
			struct member *more;

			capacity = capacity ? 2 * capacity : 16;
			more = realloc(member, capacity * sizeof *member);
			if (!more) {
				error_nomem(s->c.err);
				p = NULL;
				break;
			}
			member = more;
		}
		member[i] = (struct member){ name, json_skip_space(p) };
		name->object = object;
		name->place = i;
		count += i == count;
		p = json_value(&s->c, p, depth + 1);
		p = p ? json_skip_space(p) : NULL;
		if (!p || *p == '}')
			break;
		if (*p != ',') {
			p = json_syntax(&s->c, p, "expected ',' or '}'");
			break;
		}
	}
	for (i = 0; p && i < count; i++)
		if (!value(s, member[i].value, member[i].name, depth + 1))
			p = NULL;
	free(member);
	return p ? p + 1 : NULL;
}

/* Behind '{'. */
static const char *members(struct scan *s, const char *p, struct record *r, int depth)
{
	struct spelling *name = &r->start;
	uint64_t object;

	p = json_skip_space(p);
	if (*p == '}')
		return p + 1;
	if (depth > JSON_DEPTH_MAX)
		return json_syntax(&s->c, p, "nested deeper than 500");
	if (s->m->careful)
		return careful_members(s, p, r, depth);
	object = ++r->object;
	for (;; p++) {
		p = record_name(&s->c, json_skip_space(p), r, s->rule, &name);
		if (!p)
			return NULL;
		if (__builtin_expect(name->field->object == object, 0)) {
			s->m->careful = true;
			return NULL;
		}
		name->field->object = object;
		p = value(s, json_skip_space(p), name, depth + 1);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return json_syntax(&s->c, p, "expected ',' or '}'");
	}
}

static int scan_row(struct compatible *m, struct scan *s)
{
	const char *p = json_skip_space(s->c.start);

	if (*p != '{') {
		json_syntax(&s->c, p, p == s->c.end ? "an empty line" : "not a JSON object");
		return -1;
	}
	p = members(s, p + 1, m->top, 1);
	if (!p)
		return -1;
	p = json_skip_space(p);
	if (p != s->c.end) {
		json_syntax(&s->c, p, "more behind the object");
		return -1;
	}
	return json_check_utf8(&s->c);
}

int compatible_row(struct compatible *m, const char *row, size_t length, uint64_t line,
		   struct error *err)
{
	struct scan s = {
		.c = { .start = row,
		       .end = row + length,
		       .line = line,
		       .not_finite = true,
		       .half_surrogates = true,
		       .err = err },
		.m = m,
		.rule = m->config->sanitize_names ? NAMES_SANITIZED : NAMES_KEPT,
	};
	int rc;

	begin_row(m, line, err);
	m->careful = false;
	rc = scan_row(m, &s);
	if (rc < 0 && m->careful) {
		compatible_undo(m);
		rc = scan_row(m, &s);
	}
	if (rc < 0)
		compatible_undo(m);
	log_reports(m);
	return rc;
}

/* --- CSV ----------------------------------------------------------------- */

int compatible_csv_header(struct compatible *m, const struct csv *csv, struct error *err)
{
	enum name_rule rule = m->config->sanitize_names ? NAMES_SANITIZED : NAMES_KEPT;

	m->column = calloc(csv->cells, sizeof *m->column);
	if (!m->column)
		return error_nomem(err);
	m->cells = csv->cells;
	for (size_t i = 0; i < csv->cells; i++) {
		struct spelling *s = record_spell(m->top, csv->text.data + csv->cell[i].start,
						  csv->cell[i].length, rule, err);

		if (!s)
			return -1;
		/* Of two columns with one name the last has the values, the first the place. */
		if (!s->object) {
			s->object = 1;
			s->place = m->columns++;
		}
		m->column[s->place] = (struct csv_column){ s, i };
	}
	return 0;
}

int compatible_csv_row(struct compatible *m, const struct csv *csv, struct error *err)
{
	bool strings = m->config->quoted_values_are_strings;

	begin_row(m, csv->line, err);
	if (csv->cells > m->cells)
		return error_set(err, ERR_DATA, "line %llu: %zu values, but %zu columns",
				 (unsigned long long)csv->line, csv->cells, m->cells);
	for (size_t i = 0; i < m->columns; i++) {
		const struct csv_column *column = &m->column[i];
		const struct csv_cell *cell =
			column->cell < csv->cells ? &csv->cell[column->cell] : NULL;
		unsigned kind = KIND_NULL;

		if (cell && cell->length)
			kind = compatible_text_kind(csv->text.data + cell->start, cell->length,
						    strings);
		if (compatible_value(m, column->name, kind) < 0)
			return -1;
	}
	log_reports(m);
	return 0;
}
