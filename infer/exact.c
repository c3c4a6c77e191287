#include "infer/exact.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "infer/csv.h"
#include "infer/number.h"
#include "infer/temporal.h"
#include "lib/escape.h"

/* BigQuery's limit for a table. A record with more names is a map: JSON. */
enum { FIELDS_MAX = 10000 };
/* Longer text with escapes in it is a STRING. */
enum { DECODED_MAX = 128 };

/* One row while it is read. */
struct scan {
	struct json_cursor c;
	struct exact *m;
};

int exact_init(struct exact *m, const struct config *config, struct error *err)
{
	*m = (struct exact){ .config = config };
	m->top = record_new(NULL, 0);
	return m->top ? 0 : error_nomem(err);
}

void exact_release(struct exact *m)
{
	record_free(m->top);
	free(m->column);
}

static int add_children(struct field *f, struct error *err)
{
	if (!f->children)
		f->children = record_new(f, FIELDS_MAX);
	return f->children ? 0 : error_nomem(err);
}

static int seed_fields(struct record *r, const struct schema *schema, struct error *err)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_field *e = &schema->field[i];
		struct field *f = record_seed(r, e, err);

		if (!f || (e->fields && (add_children(f, err) < 0 ||
					 seed_fields(f->children, e->fields, err) < 0)))
			return -1;
		f->existing_json = json_array_get(schema->json, i);
	}
	return 0;
}

int exact_seed(struct exact *m, const struct schema *schema, struct error *err)
{
	return seed_fields(m->top, schema, err);
}

/* --- what values say ----------------------------------------------------- */

static void note_digits(struct digits *d, const struct number *n)
{
	uint32_t before = number_before(n), after = number_after(n);

	if (before > d->before)
		d->before = before;
	if (after > d->after)
		d->after = after;
}

static uint32_t number_facts(const struct number *n, struct digits *digits)
{
	bool kept = number_fits_double(n);

	note_digits(digits, n);
	if (!n->whole)
		return FACT_DECIMAL | (kept ? 0 : FACT_DAMAGED | FACT_NOT_JSON);
	if (number_fits_int64(n))
		return kept ? FACT_INTEGER : FACT_LONG;
	return FACT_HUGE | (kept ? 0 : FACT_DAMAGED | (number_fits_uint64(n) ? 0 : FACT_NOT_JSON));
}

/* Numbers that lose nothing as such: no plus, no zeros in front, digits around the point. */
static bool is_canonical(const char *text, size_t length, bool exponents)
{
	const char *p = text + (*text == '-'), *end = text + length;

	if (p == end || *p < '0' || *p > '9' || end[-1] == '.')
		return false;
	if (*p == '0' && end - p > 1 && p[1] != '.' && (p[1] | 0x20) != 'e')
		return false;
	if (*text == '-' && *p == '0' && end - p == 1)
		return false;
	return exponents ||
	       (!memchr(p, 'e', (size_t)(end - p)) && !memchr(p, 'E', (size_t)(end - p)));
}

static bool is_boolean(const char *text, size_t length)
{
	return (length == 4 && !strncasecmp(text, "true", 4)) ||
	       (length == 5 && !strncasecmp(text, "false", 5));
}

uint32_t exact_text_facts(const char *text, size_t length, const struct config *config,
			  struct digits *digits)
{
	static const uint32_t temporal[] = {
		[TYPE_DATE] = FACT_DATE,
		[TYPE_TIME] = FACT_TIME,
		[TYPE_DATETIME] = FACT_DATETIME,
		[TYPE_TIMESTAMP] = FACT_TIMESTAMP,
	};
	bool csv = config->input_format == FORMAT_CSV;
	struct temporal t;
	struct number n;

	if (!length)
		return FACT_STRING;
	if (*text >= '0' && *text <= '9') {
		t = temporal_parse(text, length);
		if (t.type != TYPE_STRING)
			return temporal[t.type];
	}
	if (config->quoted_values_are_strings)
		return FACT_STRING;
	if (is_boolean(text, length))
		return FACT_BOOLEAN;
	if (!is_canonical(text, length, csv) || !number_parse(text, length, &n))
		return FACT_STRING;
	/* In quotes it is safe in JSON. */
	return number_facts(&n, digits) & ~(uint32_t)FACT_NOT_JSON;
}

static uint32_t quoted_facts(struct scan *s, const char *p, const char *end, struct digits *digits)
{
	size_t length = (size_t)(end - p) - 1;
	char decoded[DECODED_MAX];

	if (memchr(p, '\\', length)) {
		length = escape_decode(p, length, decoded, sizeof decoded);
		if (length == sizeof decoded)
			return FACT_STRING;
		p = decoded;
	}
	return exact_text_facts(p, length, s->m->config, digits);
}

/* A number outside of quotes. Few digits need no further look. */
static const char *number(struct scan *s, const char *p, uint32_t *facts, struct digits *digits)
{
	struct number n;
	const char *end;
	bool whole;

	if ((unsigned char)(*p - '0') > 9 && (*p != '-' || p[1] == 'I')) {
		end = json_lenient_number(&s->c, p);
		*facts |= FACT_NOT_FINITE | FACT_NOT_JSON;
		return end;
	}
	end = json_number(&s->c, p, &whole);
	if (!end)
		return NULL;
	if (whole && end - p <= 15)
		*facts |= FACT_INTEGER;
	else if (number_parse(p, (size_t)(end - p), &n))
		*facts |= number_facts(&n, digits);
	return end;
}

/* --- rows ---------------------------------------------------------------- */

static const char *members(struct scan *s, const char *p, struct record *r, int depth);

static const char *value(struct scan *s, const char *p, struct field *f, uint32_t *facts,
			 int depth);

/* Behind '[', not empty. What stands in arrays, at any depth, is known of the elements. */
static const char *elements(struct scan *s, const char *p, struct field *f, int depth)
{
	if (depth > JSON_DEPTH_MAX)
		return json_syntax(&s->c, p, "nested deeper than 500");
	for (;; p++) {
		p = value(s, json_skip_space(p), f, &f->facts.elements, depth + 1);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return json_syntax(&s->c, p, "expected ',' or ']'");
	}
}

static const char *value(struct scan *s, const char *p, struct field *f, uint32_t *facts, int depth)
{
	const char *end;

	switch (*p) {
	case '"':
		end = json_string_end(&s->c, p + 1);
		if (end && !(*facts & FACT_STRING))
			*facts |= quoted_facts(s, p + 1, end, &f->facts.digits);
		return end;
	case '{':
		end = json_skip_space(p + 1);
		*facts |= *end == '}' ? FACT_EMPTY_OBJECT : FACT_OBJECT;
		if (*end == '}')
			return end + 1;
		return add_children(f, s->c.err) < 0 ? NULL : members(s, end, f->children, depth);
	case '[':
		end = json_skip_space(p + 1);
		*facts |= *end == ']' ? FACT_EMPTY_ARRAY : FACT_ARRAY;
		return *end == ']' ? end + 1 : elements(s, end, f, depth);
	case 't':
		*facts |= FACT_BOOLEAN;
		return json_word(&s->c, p, "true", 4);
	case 'f':
		*facts |= FACT_BOOLEAN;
		return json_word(&s->c, p, "false", 5);
	case 'n':
		*facts |= FACT_NULL;
		return json_word(&s->c, p, "null", 4);
	default:
		return number(s, p, facts, &f->facts.digits);
	}
}

/* At the first name. */
static const char *members(struct scan *s, const char *p, struct record *r, int depth)
{
	struct spelling *name = &r->start;
	uint64_t object = ++r->object;
	char path[PATH_MAX_BYTES];

	if (depth > JSON_DEPTH_MAX)
		return json_syntax(&s->c, p, "nested deeper than 500");
	for (;; p++) {
		p = record_name(&s->c, json_skip_space(p), r, NAMES_BIGQUERY, &name);
		if (!p)
			return NULL;
		if (name->field->object == object && name != r->overflow) {
			error_set(
				s->c.err, ERR_DATA,
				"line %llu: column %s stands there twice: BigQuery compares names without case",
				(unsigned long long)s->c.line, record_path(name->field, path));
			return NULL;
		}
		name->field->object = object;
		p = value(s, json_skip_space(p), name->field, &name->field->facts.values,
			  depth + 1);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return json_syntax(&s->c, p, "expected ',' or '}'");
	}
}

static int scan_row(struct scan *s)
{
	const char *p = json_skip_space(s->c.start);

	if (*p != '{') {
		json_syntax(&s->c, p, p == s->c.end ? "an empty line" : "not a JSON object");
		return -1;
	}
	/* Nothing is taken back here: a row that may be left out is looked at before it counts. */
	if (s->m->config->ignore_invalid_lines && !json_value(&s->c, p, 1))
		return -1;
	p = json_skip_space(p + 1);
	p = *p == '}' ? p + 1 : members(s, p, s->m->top, 1);
	if (!p)
		return -1;
	p = json_skip_space(p);
	if (p != s->c.end) {
		json_syntax(&s->c, p, "more behind the object");
		return -1;
	}
	return json_check_utf8(&s->c);
}

int exact_row(struct exact *m, const char *row, size_t length, uint64_t line, struct error *err)
{
	struct scan s = {
		.c = { .start = row,
		       .end = row + length,
		       .line = line,
		       .not_finite = true,
		       .err = err },
		.m = m,
	};

	if (scan_row(&s) < 0)
		return -1;
	m->rows++;
	return 0;
}

/* --- CSV ----------------------------------------------------------------- */

/* What Python reads all the same, and BigQuery does not: it is no value that somebody meant. */
static int check_quotes(const struct csv *csv, struct error *err)
{
	for (size_t i = 0; i < csv->cells; i++) {
		const struct csv_cell *cell = &csv->cell[i];

		if (cell->open)
			return error_set(err, ERR_DATA,
					 "line %llu column %zu: its quote is not closed",
					 (unsigned long long)csv->line, i + 1);
		if (cell->loose)
			return error_set(
				err, ERR_DATA,
				"line %llu column %zu: more stands behind its closing quote",
				(unsigned long long)csv->line, i + 1);
	}
	return 0;
}

int exact_csv_header(struct exact *m, const struct csv *csv, struct error *err)
{
	if (check_quotes(csv, err) < 0)
		return -1;
	m->column = calloc(csv->cells, sizeof *m->column);
	if (!m->column)
		return error_nomem(err);
	m->columns = csv->cells;
	for (size_t i = 0; i < csv->cells; i++) {
		m->column[i] = record_spell(m->top, csv->text.data + csv->cell[i].start,
					    csv->cell[i].length, NAMES_BIGQUERY, err);
		if (!m->column[i])
			return -1;
		if (m->column[i]->field->object)
			return error_set(err, ERR_DATA,
					 "line %llu: columns %zu and %zu are both named %s",
					 (unsigned long long)csv->line,
					 m->column[i]->field->csv_column, i + 1,
					 m->column[i]->name);
		m->column[i]->field->object = 1;
		m->column[i]->field->csv_column = i + 1;
	}
	return 0;
}

int exact_csv_row(struct exact *m, const struct csv *csv, struct error *err)
{
	if (csv->cells > m->columns)
		return error_set(err, ERR_DATA, "line %llu: %zu values, but %zu columns",
				 (unsigned long long)csv->line, csv->cells, m->columns);
	if (check_quotes(csv, err) < 0)
		return -1;
	for (size_t i = 0; i < csv->cells; i++) {
		const struct csv_cell *cell = &csv->cell[i];
		struct facts *facts = &m->column[i]->field->facts;

		if (!cell->length) {
			facts->values |= cell->quoted ? FACT_EMPTY : FACT_NULL;
			continue;
		}
		facts->rows++;
		if (!(facts->values & FACT_STRING))
			facts->values |= exact_text_facts(csv->text.data + cell->start,
							  cell->length, m->config, &facts->digits);
	}
	m->rows++;
	return 0;
}
