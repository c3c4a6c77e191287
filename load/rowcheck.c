#include "load/rowcheck.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/utf8.h"
#include "load/columns.h"
#include "load/escape.h"

/* BigQuery's limit for a JSON value, its own brackets counted alone; records of a schema end at 15. */
enum { DEPTH_MAX = 500 };
/* More than the 300 characters of a name, so that one that was cut is no column's. */
enum { NAME_DECODED_MAX = 4 * 300 + 1 };

struct rowcheck {
	struct columns *top;
};

/*
 * One row while it is read. The parsing functions take the position and
 * return the new one, NULL after an error. They need no test for the end of
 * the row: the line feed that stands there is part of no JSON.
 */
struct cursor {
	const char *start, *end;
	uint64_t line;
	unsigned high; /* not 0: there may be bytes above 127 */
	struct error *err;
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

/* --- 16 bytes at a time -------------------------------------------------- */

#ifdef __SSE2__

/* To the next byte that means something inside a string: '"', '\\' or a control character. */
static inline const char *skip_plain(struct cursor *c, const char *p)
{
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);

	for (;; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* min(v, 0x1f) == v: unsigned v <= 0x1f */
		__m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote),
							 _mm_cmpeq_epi8(v, backslash)),
					    _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
		unsigned stops = (unsigned)_mm_movemask_epi8(stop);

		/* May count bytes behind the string: they are of this buffer, and it is only a hint. */
		c->high |= (unsigned)_mm_movemask_epi8(v);
		if (stops)
			return p + __builtin_ctz(stops);
	}
}

static inline const char *skip_digits(const char *p)
{
	const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9);

	for (;; p += 16) {
		__m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), zero);
		unsigned digits =
			(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, nine), v));

		if (digits != 0xffff)
			return p + __builtin_ctz(~digits);
	}
}

static inline bool has_prefix(const char *p, const struct prefix *prefix)
{
	for (unsigned done = 0;; done += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + done));
		__m128i w = _mm_loadu_si128((const __m128i *)(const void *)(prefix->text + done));
		unsigned differ = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, w));
		unsigned left = prefix->length - done;

		if (left <= 16)
			return (differ & ((1u << left) - 1)) == 0;
		if (differ & 0xffff)
			return false;
	}
}

#else

static inline const char *skip_plain(struct cursor *c, const char *p)
{
	while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		c->high |= (unsigned char)*p++ & 0x80;
	return p;
}

static inline const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

static inline bool has_prefix(const char *p, const struct prefix *prefix)
{
	return !memcmp(p, prefix->text, prefix->length);
}

#endif

/* --- JSON ---------------------------------------------------------------- */

static const char *syntax(struct cursor *c, const char *p, const char *what)
{
	if (p >= c->end)
		error_set(c->err, ERR_DATA, "line %llu: the row ends too early: %s",
			  (unsigned long long)c->line, what);
	else
		error_set(c->err, ERR_DATA, "line %llu byte %zu: %s", (unsigned long long)c->line,
			  (size_t)(p - c->start) + 1, what);
	return NULL;
}

static inline const char *skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* Behind a backslash. A surrogate must have its other half: alone it is no character. */
static const char *escape(struct cursor *c, const char *p)
{
	const char *digits;
	unsigned unit, second;

	if (!*p || !strchr("\"\\/bfnrtu", *p))
		return syntax(c, p, "unknown escape in a string");
	if (*p++ != 'u')
		return p;
	digits = p;
	p = escape_hex(p, &unit);
	if (!p)
		return syntax(c, digits, "\\u needs four hex digits");
	if (unit < 0xd800 || unit > 0xdfff)
		return p;
	if (unit > 0xdbff || p[0] != '\\' || p[1] != 'u')
		return syntax(c, digits, "half of a surrogate pair");
	p = escape_hex(p + 2, &second);
	return p && second >= 0xdc00 && second <= 0xdfff
		       ? p
		       : syntax(c, digits, "half of a surrogate pair");
}

/* Behind the opening quote; ends behind the closing one. */
static inline const char *string(struct cursor *c, const char *p)
{
	for (;;) {
		p = skip_plain(c, p);
		if (__builtin_expect(*p == '"', 1))
			return p + 1;
		if (p >= c->end)
			return syntax(c, p, "a string is not closed");
		if (*p != '\\')
			return syntax(c, p, "control character in a string (it must be escaped)");
		p = escape(c, p + 1);
		if (!p)
			return NULL;
	}
}

static inline const char *number(struct cursor *c, const char *p)
{
	const char *digits;

	p += *p == '-';
	digits = p;
	p = skip_digits(p);
	if (p == digits)
		return syntax(c, p, "not a JSON value");
	if (*digits == '0' && p > digits + 1)
		return syntax(c, digits, "a number with a leading zero");
	if (*p == '.') {
		digits = p + 1;
		p = skip_digits(digits);
		if (p == digits)
			return syntax(c, p, "a number needs digits behind its point");
	}
	if ((*p | 0x20) == 'e') {
		digits = p + 1 + (p[1] == '+' || p[1] == '-');
		p = skip_digits(digits);
		if (p == digits)
			return syntax(c, p, "a number needs digits in its exponent");
	}
	return p;
}

/* The padding behind the row may be compared too. */
static inline const char *word(struct cursor *c, const char *p, const char *text, size_t length)
{
	return !memcmp(p, text, length) ? p + length : syntax(c, p, "not a JSON value");
}

static const char *value(struct cursor *c, const char *p, int depth);

/* Behind '['. */
static const char *array(struct cursor *c, const char *p, int depth)
{
	p = skip_space(p);
	if (*p == ']')
		return p + 1;
	for (;; p++) {
		p = value(c, p, depth + 1);
		if (!p)
			return NULL;
		p = skip_space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return syntax(c, p, "expected ',' or ']'");
	}
}

/* Behind '{'. */
static const char *object(struct cursor *c, const char *p, int depth)
{
	p = skip_space(p);
	if (*p == '}')
		return p + 1;
	for (;; p++) {
		p = skip_space(p);
		if (*p != '"')
			return syntax(c, p, "expected a name in quotes");
		p = string(c, p + 1);
		if (!p)
			return NULL;
		p = skip_space(p);
		if (*p != ':')
			return syntax(c, p, "expected ':'");
		p = value(c, p + 1, depth + 1);
		if (!p)
			return NULL;
		p = skip_space(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return syntax(c, p, "expected ',' or '}'");
	}
}

static inline const char *scalar(struct cursor *c, const char *p)
{
	switch (*p) {
	case '"':
		return string(c, p + 1);
	case 't':
		return word(c, p, "true", 4);
	case 'f':
		return word(c, p, "false", 5);
	case 'n':
		return word(c, p, "null", 4);
	default:
		return number(c, p);
	}
}

static const char *value(struct cursor *c, const char *p, int depth)
{
	p = skip_space(p);
	if (*p != '{' && *p != '[')
		return scalar(c, p);
	if (depth > DEPTH_MAX)
		return syntax(c, p, "nested deeper than 500");
	return *p == '{' ? object(c, p + 1, depth) : array(c, p + 1, depth);
}

/* --- columns ------------------------------------------------------------- */

static const char *unknown_column(struct cursor *c, const char *name, size_t length)
{
	size_t shown = utf8_valid_prefix(name, length > 300 ? utf8_cut(name, length, 300) : length);

	error_set(c->err, ERR_DATA, "line %llu: column %.*s is not in the schema",
		  (unsigned long long)c->line, (int)shown, name);
	return NULL;
}

/* The column of any name, in any notation. Ends behind the colon. */
static const char *slow_name(struct cursor *c, const char *p, const struct columns *columns,
			     size_t *ret)
{
	char decoded[NAME_DECODED_MAX];
	const char *name = p + 1;
	size_t length;

	if (*p != '"')
		return syntax(c, p, "expected a column name in quotes");
	p = string(c, name);
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
	p = skip_space(p);
	return *p == ':' ? p + 1 : syntax(c, p, "expected ':'");
}

static const char *record(struct cursor *c, const char *p, struct columns *columns, int depth);

/* The value of a RECORD column: an object, or null; an array of objects when REPEATED. */
static const char *record_value(struct cursor *c, const char *p, struct columns *columns,
				bool repeated, int depth)
{
	p = skip_space(p);
	if (*p == '{')
		return record(c, p + 1, columns, depth);
	if (!repeated || *p != '[')
		return value(c, p, depth);
	p = skip_space(p + 1);
	if (*p == ']')
		return p + 1;
	for (;; p++) {
		p = record_value(c, p, columns, false, depth + 1);
		if (!p)
			return NULL;
		p = skip_space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return syntax(c, p, "expected ',' or ']'");
	}
}

static const char *missing_column(struct cursor *c, const struct columns *columns)
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

static const char *column_value(struct cursor *c, const char *p, struct columns *columns, size_t i,
				int depth)
{
	const struct schema_field *f = &columns->schema->field[i];
	const char *start;

	if (columns->seen[i] == columns->object) {
		error_set(c->err, ERR_DATA, "line %llu: column %s stands there twice",
			  (unsigned long long)c->line, f->name);
		return NULL;
	}
	columns->seen[i] = columns->object;
	start = p = skip_space(p);
	if (columns->nested[i])
		p = record_value(c, p, columns->nested[i], f->mode == MODE_REPEATED, depth);
	else if (*p == '{' || *p == '[')
		p = value(c, p, f->mode == MODE_REPEATED ? 0 : 1);
	else
		p = scalar(c, p);
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
static const char *record(struct cursor *c, const char *p, struct columns *columns, int depth)
{
	size_t next = 0, required = 0, i;

	columns->object++;
	p = skip_space(p);
	if (*p == '}') {
		p++;
		return columns->required ? missing_column(c, columns) : p;
	}
	for (;; p++) {
		p = skip_space(p);
		if (next < columns->schema->count && columns->prefix[next].length &&
		    has_prefix(p, &columns->prefix[next])) {
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
		p = skip_space(p);
		if (*p == '}')
			break;
		if (*p != ',')
			return syntax(c, p, "expected ',' or '}'");
	}
	return required == columns->required ? p + 1 : missing_column(c, columns);
}

int rowcheck_row(struct rowcheck *check, const char *row, size_t length, uint64_t line_number,
		 struct error *err)
{
	struct cursor c = { .start = row, .end = row + length, .line = line_number, .err = err };
	const char *p = skip_space(row);

	if (*p != '{') {
		syntax(&c, p, length ? "not a JSON object" : "an empty line");
		return -1;
	}
	p = record(&c, p + 1, check->top, 1);
	if (!p)
		return -1;
	p = skip_space(p);
	if (p != c.end) {
		syntax(&c, p, "more behind the object");
		return -1;
	}
	if (c.high) {
		size_t valid = utf8_valid_prefix(row, length);

		if (valid != length) {
			syntax(&c, row + valid, "not valid UTF-8");
			return -1;
		}
	}
	return 0;
}
