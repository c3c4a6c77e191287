#include "load/rowcheck.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/utf8.h"

/* BigQuery's limit for JSON values; records of a schema end at 15. */
enum { DEPTH_MAX = 500 };
/* A name is at most 300 bytes; this holds one with every byte written as \u00XX. */
enum { NAME_ESCAPED_MAX = 6 * 300 };

/* The columns of one (nested) record. */
struct columns {
	const struct schema *schema;
	struct columns **nested; /* per field; NULL unless a RECORD */
	uint32_t *slots;         /* open addressing by lower-cased name: field + 1, 0 is empty */
	uint32_t mask;
	uint64_t *seen;          /* per field: the number of the object in which it came last */
	uint64_t object;         /* number of the object being read */
	size_t required;
};

struct rowcheck {
	struct columns *top;
};

/* One row while it is read. */
struct cursor {
	const char *start, *p, *end;
	uint64_t line;
	bool non_ascii;
	struct error *err;
};

/* --- tables -------------------------------------------------------------- */

static uint32_t hash_name(const char *name, size_t length)
{
	uint32_t hash = 2166136261u; /* FNV-1a, over letters without case */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ ((unsigned char)name[i] | 0x20)) * 16777619u;
	return hash;
}

static void columns_free(struct columns *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->nested && i < c->schema->count; i++)
		columns_free(c->nested[i]);
	free(c->nested);
	free(c->slots);
	free(c->seen);
	free(c);
}

static void index_names(struct columns *c)
{
	for (size_t i = 0; i < c->schema->count; i++) {
		const struct schema_field *f = &c->schema->field[i];
		uint32_t slot = hash_name(f->name, f->name_length) & c->mask;

		while (c->slots[slot])
			slot = (slot + 1) & c->mask;
		c->slots[slot] = (uint32_t)i + 1;
		c->required += f->mode == MODE_REQUIRED;
	}
}

static struct columns *columns_new(const struct schema *schema)
{
	struct columns *c = calloc(1, sizeof *c);
	size_t slots = 8;

	if (!c)
		return NULL;
	while (slots < 2 * schema->count)
		slots *= 2;
	c->schema = schema;
	c->mask = (uint32_t)slots - 1;
	c->slots = calloc(slots, sizeof *c->slots);
	c->seen = calloc(schema->count, sizeof *c->seen);
	c->nested = calloc(schema->count, sizeof *c->nested);
	if (!c->slots || !c->seen || !c->nested)
		goto fail;
	index_names(c);
	for (size_t i = 0; i < schema->count; i++)
		if (schema->field[i].fields) {
			c->nested[i] = columns_new(schema->field[i].fields);
			if (!c->nested[i])
				goto fail;
		}
	return c;
fail:
	columns_free(c);
	return NULL;
}

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

/* --- JSON ---------------------------------------------------------------- */

static int syntax(struct cursor *c, const char *what)
{
	if (c->p >= c->end)
		return error_set(c->err, ERR_DATA, "line %llu: the row ends too early: %s",
				 (unsigned long long)c->line, what);
	return error_set(c->err, ERR_DATA, "line %llu byte %zu: %s", (unsigned long long)c->line,
			 (size_t)(c->p - c->start) + 1, what);
}

static inline void skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r'))
		c->p++;
}

static inline bool take(struct cursor *c, char wanted)
{
	skip_space(c);
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

/* To the next byte that means something inside a string: '"', '\\' or a control character. */
static inline void skip_plain(struct cursor *c)
{
	const char *p = c->p;
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);

	while (c->end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* min(v, 0x1f) == v: unsigned v <= 0x1f */
		__m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote),
							 _mm_cmpeq_epi8(v, backslash)),
					    _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
		unsigned stops = (unsigned)_mm_movemask_epi8(stop);
		unsigned high = (unsigned)_mm_movemask_epi8(v);

		if (stops) {
			int n = __builtin_ctz(stops);

			c->non_ascii |= (high & ((1u << n) - 1)) != 0;
			c->p = p + n;
			return;
		}
		c->non_ascii |= high != 0;
		p += 16;
	}
#endif
	while (p < c->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		c->non_ascii |= (*p++ & 0x80) != 0;
	c->p = p;
}

static int hex_digits(struct cursor *c, unsigned *ret)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++, c->p++) {
		unsigned char ch = c->p < c->end ? (unsigned char)*c->p : 0;

		if (ch >= '0' && ch <= '9')
			value = value * 16 + ch - '0';
		else if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')
			value = value * 16 + (ch | 0x20) - 'a' + 10;
		else
			return syntax(c, "\\u needs four hex digits");
	}
	*ret = value;
	return 0;
}

/* Behind a backslash. A surrogate must have its other half: alone it is no character. */
static int escape(struct cursor *c)
{
	unsigned unit, second;

	if (c->p == c->end || !*c->p || !strchr("\"\\/bfnrtu", *c->p))
		return syntax(c, "unknown escape in a string");
	if (*c->p++ != 'u')
		return 0;
	if (hex_digits(c, &unit) < 0)
		return -1;
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return syntax(c, "half of a surrogate pair");
	if (unit < 0xd800 || unit > 0xdbff)
		return 0;
	if (c->end - c->p < 2 || c->p[0] != '\\' || c->p[1] != 'u')
		return syntax(c, "half of a surrogate pair");
	c->p += 2;
	if (hex_digits(c, &second) < 0)
		return -1;
	return second >= 0xdc00 && second <= 0xdfff ? 0 : syntax(c, "half of a surrogate pair");
}

/* Behind the opening quote; ends behind the closing one. */
static int string(struct cursor *c)
{
	for (;;) {
		skip_plain(c);
		if (c->p == c->end)
			return syntax(c, "a string is not closed");
		if (*c->p == '"') {
			c->p++;
			return 0;
		}
		if (*c->p != '\\')
			return syntax(c, "control character in a string (it must be escaped)");
		c->p++;
		if (escape(c) < 0)
			return -1;
	}
}

static inline bool digits(struct cursor *c)
{
	const char *before = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > before;
}

static int number(struct cursor *c)
{
	if (*c->p == '-')
		c->p++;
	if (c->p < c->end && *c->p == '0')
		c->p++;
	else if (!digits(c))
		return syntax(c, "not a JSON value");
	if (c->p < c->end && *c->p == '.') {
		c->p++;
		if (!digits(c))
			return syntax(c, "a number needs digits behind its point");
	}
	if (c->p < c->end && (*c->p | 0x20) == 'e') {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		if (!digits(c))
			return syntax(c, "a number needs digits in its exponent");
	}
	return 0;
}

static bool word(struct cursor *c, const char *text, size_t length)
{
	if ((size_t)(c->end - c->p) < length || memcmp(c->p, text, length) != 0)
		return false;
	c->p += length;
	return true;
}

static int value(struct cursor *c, int depth);

static int array(struct cursor *c, int depth)
{
	if (take(c, ']'))
		return 0;
	do {
		if (value(c, depth + 1) < 0)
			return -1;
	} while (take(c, ','));
	return take(c, ']') ? 0 : syntax(c, "expected ',' or ']'");
}

static int object(struct cursor *c, int depth)
{
	if (take(c, '}'))
		return 0;
	do {
		if (!take(c, '"'))
			return syntax(c, "expected a name in quotes");
		if (string(c) < 0)
			return -1;
		if (!take(c, ':'))
			return syntax(c, "expected ':'");
		if (value(c, depth + 1) < 0)
			return -1;
	} while (take(c, ','));
	return take(c, '}') ? 0 : syntax(c, "expected ',' or '}'");
}

static int value(struct cursor *c, int depth)
{
	skip_space(c);
	if (c->p == c->end)
		return syntax(c, "a value is missing");
	if (depth > DEPTH_MAX)
		return syntax(c, "nested deeper than 500");
	switch (*c->p) {
	case '"':
		c->p++;
		return string(c);
	case '{':
		c->p++;
		return object(c, depth);
	case '[':
		c->p++;
		return array(c, depth);
	case 't':
		return word(c, "true", 4) ? 0 : syntax(c, "not a JSON value");
	case 'f':
		return word(c, "false", 5) ? 0 : syntax(c, "not a JSON value");
	case 'n':
		return word(c, "null", 4) ? 0 : syntax(c, "not a JSON value");
	default:
		return number(c);
	}
}

/* --- columns ------------------------------------------------------------- */

/* A name with escapes, decoded. Escaped non-ASCII is kept as it stands: then it is unknown. */
static size_t unescape_name(const char *name, size_t length, char out[NAME_ESCAPED_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < length && n < NAME_ESCAPED_MAX; i++) {
		if (name[i] == '\\' && length - i >= 6 && !memcmp(name + i + 1, "u00", 3)) {
			struct cursor hex = { .p = name + i + 2, .end = name + i + 6 };
			unsigned unit = 0;

			/* string() has checked the digits. */
			if (hex_digits(&hex, &unit) == 0 && unit < 0x80) {
				out[n++] = (char)unit;
				i += 5;
				continue;
			}
		}
		out[n++] = name[i];
	}
	return n;
}

static size_t find_column(const struct columns *c, const char *name, size_t length)
{
	uint32_t slot = hash_name(name, length) & c->mask;

	for (; c->slots[slot]; slot = (slot + 1) & c->mask) {
		const struct schema_field *f = &c->schema->field[c->slots[slot] - 1];

		if (f->name_length == length && !strncasecmp(f->name, name, length))
			return c->slots[slot] - 1;
	}
	return SIZE_MAX;
}

static int unknown_column(struct cursor *c, const char *name, size_t length)
{
	size_t shown = utf8_valid_prefix(name, length > 300 ? utf8_cut(name, length, 300) : length);

	return error_set(c->err, ERR_DATA, "line %llu: column %.*s is not in the schema",
			 (unsigned long long)c->line, (int)shown, name);
}

/*
 * Which column comes: *next guesses it, because rows mostly have the order of
 * the schema. Ends behind the colon.
 */
static int column_name(struct cursor *c, const struct columns *columns, size_t *next, size_t *ret)
{
	const struct schema_field *f = *next < columns->schema->count ? &columns->schema->field[*next]
								      : NULL;
	const char *name = c->p;
	size_t length;

	if (f && (size_t)(c->end - c->p) > f->name_length + 1 && c->p[f->name_length] == '"' &&
	    !memcmp(c->p, f->name, f->name_length)) {
		c->p += f->name_length + 1;
		*ret = *next;
	} else {
		char decoded[NAME_ESCAPED_MAX];

		if (string(c) < 0)
			return -1;
		length = (size_t)(c->p - name) - 1;
		if (memchr(name, '\\', length)) {
			length = unescape_name(name, length, decoded);
			name = decoded;
		}
		*ret = find_column(columns, name, length);
		if (*ret == SIZE_MAX)
			return unknown_column(c, name, length);
	}
	*next = *ret + 1;
	return take(c, ':') ? 0 : syntax(c, "expected ':'");
}

static int record(struct cursor *c, struct columns *columns, int depth);

/* The value of a RECORD column: an object, or null; an array of objects when REPEATED. */
static int record_value(struct cursor *c, struct columns *columns, bool repeated, int depth)
{
	skip_space(c);
	if (c->p < c->end && *c->p == '{') {
		c->p++;
		return record(c, columns, depth);
	}
	if (!repeated || !take(c, '['))
		return value(c, depth);
	if (take(c, ']'))
		return 0;
	do {
		if (record_value(c, columns, false, depth + 1) < 0)
			return -1;
	} while (take(c, ','));
	return take(c, ']') ? 0 : syntax(c, "expected ',' or ']'");
}

static int missing_column(struct cursor *c, const struct columns *columns)
{
	for (size_t i = 0; i < columns->schema->count; i++)
		if (columns->schema->field[i].mode == MODE_REQUIRED && columns->seen[i] != columns->object)
			return error_set(c->err, ERR_DATA, "line %llu: column %s is REQUIRED and missing",
					 (unsigned long long)c->line, columns->schema->field[i].name);
	return error_set(c->err, ERR_BUG, "line %llu: count of REQUIRED columns is off",
			 (unsigned long long)c->line);
}

static int column_value(struct cursor *c, struct columns *columns, size_t i, int depth)
{
	const struct schema_field *f = &columns->schema->field[i];
	const char *start;

	if (columns->seen[i] == columns->object)
		return error_set(c->err, ERR_DATA, "line %llu: column %s stands there twice",
				 (unsigned long long)c->line, f->name);
	columns->seen[i] = columns->object;
	skip_space(c);
	start = c->p;
	if ((columns->nested[i] ? record_value(c, columns->nested[i], f->mode == MODE_REPEATED, depth)
				: value(c, depth)) < 0)
		return error_prefix(c->err, "column %s", f->name);
	if (f->mode == MODE_REQUIRED && *start == 'n')
		return error_set(c->err, ERR_DATA, "line %llu: column %s is REQUIRED and null",
				 (unsigned long long)c->line, f->name);
	return 0;
}

/* Behind '{'. */
static int record(struct cursor *c, struct columns *columns, int depth)
{
	size_t next = 0, required = 0, i;

	columns->object++;
	if (!take(c, '}')) {
		do {
			if (!take(c, '"'))
				return syntax(c, "expected a column name in quotes");
			if (column_name(c, columns, &next, &i) < 0 ||
			    column_value(c, columns, i, depth + 1) < 0)
				return -1;
			required += columns->schema->field[i].mode == MODE_REQUIRED;
		} while (take(c, ','));
		if (!take(c, '}'))
			return syntax(c, "expected ',' or '}'");
	}
	return required == columns->required ? 0 : missing_column(c, columns);
}

int rowcheck_row(struct rowcheck *check, const char *row, size_t length, uint64_t line_number,
		 struct error *err)
{
	struct cursor c = { .start = row, .p = row, .end = row + length, .line = line_number, .err = err };

	if (!take(&c, '{'))
		return syntax(&c, length ? "not a JSON object" : "an empty line");
	if (record(&c, check->top, 1) < 0)
		return -1;
	skip_space(&c);
	if (c.p != c.end)
		return syntax(&c, "more behind the object");
	if (c.non_ascii) {
		size_t valid = utf8_valid_prefix(row, length);

		if (valid != length) {
			c.p = row + valid;
			return syntax(&c, "not valid UTF-8");
		}
	}
	return 0;
}
