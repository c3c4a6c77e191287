#include "extract/convert.h"

#include <stdlib.h>
#include <strings.h>

enum {
	/* What any value needs that is written besides the text it is made from. */
	RESULT_FIXED = 160,
	NUMERIC_INTEGERS = 29,
	NUMERIC_SCALE = 9,
	BIGNUMERIC_INTEGERS = 38,
	BIGNUMERIC_SCALE = 38,
};

/* --- types ---------------------------------------------------------------------- */

/* A type's other word, how it is written, and the types from which a value may fit. */
static const struct type {
	const char *name, *alias;
	const char *(*write)(const struct conversion *, const char *, size_t, char **);
	const char *sources;
	int integers, scale; /* digits of a decimal before and behind its point */
} types[] = {
	{ .name = "STRING" },
	{ .name = "BYTES", .write = convert_put_bytes, .sources = "STRING" },
	{ .name = "INTEGER",
	  .alias = "INT64",
	  .write = convert_put_integer,
	  .sources = "FLOAT NUMERIC BIGNUMERIC STRING" },
	{ .name = "FLOAT",
	  .alias = "FLOAT64",
	  .write = convert_put_float,
	  .sources = "INTEGER NUMERIC BIGNUMERIC STRING" },
	{ .name = "NUMERIC",
	  .alias = "DECIMAL",
	  .write = convert_put_numeric,
	  .sources = "INTEGER FLOAT NUMERIC BIGNUMERIC STRING",
	  .integers = NUMERIC_INTEGERS,
	  .scale = NUMERIC_SCALE },
	{ .name = "BIGNUMERIC",
	  .alias = "BIGDECIMAL",
	  .write = convert_put_bignumeric,
	  .sources = "INTEGER FLOAT NUMERIC BIGNUMERIC STRING",
	  .integers = BIGNUMERIC_INTEGERS,
	  .scale = BIGNUMERIC_SCALE },
	{ .name = "BOOLEAN",
	  .alias = "BOOL",
	  .write = convert_put_boolean,
	  .sources = "INTEGER FLOAT NUMERIC BIGNUMERIC STRING" },
	{ .name = "DATE", .write = convert_put_date, .sources = "DATETIME TIMESTAMP STRING" },
	{ .name = "TIME", .write = convert_put_time, .sources = "STRING" },
	{ .name = "DATETIME", .write = convert_put_datetime, .sources = "DATE TIMESTAMP STRING" },
	{ .name = "TIMESTAMP", .write = convert_put_timestamp, .sources = "DATE DATETIME STRING" },
	{ .name = "INTERVAL", .write = convert_put_interval, .sources = "STRING" },
	{ .name = "JSON",
	  .write = convert_put_json,
	  .sources = "INTEGER FLOAT NUMERIC BIGNUMERIC BOOLEAN STRING" },
	{ .name = "GEOGRAPHY", .write = convert_put_geography, .sources = "STRING" },
};

static const struct type *find_type(const char *word, size_t n)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const struct type *t = &types[i];

		if ((!strncasecmp(word, t->name, n) && strlen(t->name) == n) ||
		    (t->alias && !strncasecmp(word, t->alias, n) && strlen(t->alias) == n))
			return t;
	}
	return NULL;
}

/* "(10,2)" or "(10)", with spaces where a person may set them. */
static int parse_parameters(const char *text, int *precision, int *scale)
{
	int *number = precision;
	bool digits = false;

	*precision = *scale = 0;
	for (text++; *text && *text != ')'; text++) {
		if (*text == ' ')
			continue;
		if (*text == ',' && number == precision && digits) {
			number = scale;
			digits = false;
			continue;
		}
		if (*text < '0' || *text > '9' || *number > 99)
			return -1;
		*number = *number * 10 + (*text - '0');
		digits = true;
	}
	return digits && !strcmp(text, ")") ? 0 : -1;
}

int convert_parse_type(const char *text, struct column_type *ret, struct error *err)
{
	size_t n = strcspn(text, "( ");
	const struct type *type = find_type(text, n);
	int precision = 0, scale = 0;

	if (!type)
		return error_set(err, ERR_USAGE,
				 "'%s' is not a type of BigQuery's that a column can take", text);
	text += n + strspn(text + n, " ");
	if (*text) {
		if (*text != '(' || parse_parameters(text, &precision, &scale) < 0)
			return error_set(err, ERR_USAGE, "%s: '%s' is not (precision,scale)",
					 type->name, text);
		if (!type->integers)
			return error_set(err, ERR_USAGE, "%s takes no parameters here", type->name);
		/* https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_decimal_type */
		if (scale > type->scale || precision < 1 || precision < scale ||
		    precision - scale > type->integers)
			return error_set(
				err, ERR_USAGE,
				"%s%s: the scale is at most %d, with at most %d digits before it",
				type->name, text, type->scale, type->integers);
	}
	*ret = (struct column_type){ type->name, precision, scale };
	return 0;
}

/* --- values ----------------------------------------------------------------------- */

/* Strings as encode_put_string writes them, in place. The length. */
static size_t unescape(char *text, size_t n)
{
	static const char named[] = "b\bf\fn\nr\rt\t";
	char *out = text;

	for (const char *p = text, *end = text + n; p < end; p++) {
		if (*p != '\\') {
			*out++ = *p;
			continue;
		}
		p++;
		if (*p == 'u') {
			unsigned low = (unsigned char)p[4];

			*out++ = (char)((p[3] - '0') << 4 |
					(low > '9' ? low - 'a' + 10 : low - '0'));
			p += 4;
			continue;
		}
		*out = *p;
		for (size_t i = 0; i + 1 < sizeof named; i += 2)
			if (*p == named[i])
				*out = named[i + 1];
		out++;
	}
	return (size_t)(out - text);
}

/* The value's text, somewhere in room; *null: the driver's encoder says that it is NULL. */
static const char *bare_text(const struct column *inner, const struct cell *cell, char *room,
			     char **text, size_t *n, bool *null)
{
	char *end = room;
	const char *reason = inner->encoder->encode(inner, cell, &end);

	/* A reason is a constant, not part of room. */
	if (reason)
		/* cppcheck-suppress returnDanglingLifetime */
		return reason;
	*text = room;
	*n = (size_t)(end - room);
	*null = *n == 4 && !memcmp(room, "null", 4);
	if (*room == '"' && strcmp(inner->type, "JSON") != 0) {
		*text = room + 1;
		*n = unescape(room + 1, *n - 2);
	}
	return NULL;
}

/* Of what is written: no longer than the driver's encoding, but for base64. */
static size_t result_room(size_t native)
{
	return RESULT_FIXED + (native + 2) / 3 * 4;
}

static const char *encode_converted(const struct column *column, const struct cell *cell,
				    char **out)
{
	const struct conversion *c = column->argument;
	/* Behind what will be written, so that neither runs into the other. */
	char *room = *out + result_room(encode_room(&c->inner, cell)), *text;
	bool null;
	size_t n;
	const char *reason = bare_text(&c->inner, cell, room, &text, &n, &null);

	if (reason)
		return reason;
	if (null) {
		memcpy(*out, "null", 4);
		*out += 4;
		return NULL;
	}
	return c->write(c, text, n, out);
}

static size_t measure_converted(const struct column *column, const struct cell *cell)
{
	const struct conversion *c = column->argument;
	size_t native = encode_room(&c->inner, cell);

	return result_room(native) + native;
}

/* For a reject: the text that did not fit, or what the driver shows where it is its encoder that failed. */
static int text_converted(const struct column *column, const struct cell *cell, size_t max,
			  struct buf *out, struct error *err)
{
	const struct conversion *c = column->argument;
	char *room = malloc(encode_room(&c->inner, cell) + RESULT_FIXED), *text;
	bool null;
	size_t n;
	int rc;

	if (!room)
		return error_nomem(err);
	if (!bare_text(&c->inner, cell, room, &text, &n, &null))
		rc = buf_append(out, text, n < max + 8 ? n : max + 8, err);
	else if (c->inner.encoder->text)
		rc = c->inner.encoder->text(&c->inner, cell, max, out, err);
	else
		rc = buf_append(out, cell->data, cell->length < max + 8 ? cell->length : max + 8,
				err);
	free(room);
	return rc;
}

void convert_install(struct column *column, struct conversion *c,
		     const char *(*encode)(const struct column *, const struct cell *, char **))
{
	c->inner = *column;
	c->required = column->required;
	c->encoder = (struct encoder){
		.encode = encode ? encode : encode_converted,
		.text = text_converted,
		/* Of an empty cell, which is not measured. */
		.fixed = (uint16_t)(result_room(column->encoder->fixed) + column->encoder->fixed),
		.measure = measure_converted,
		.width = column->encoder->width,
	};
	column->encoder = &c->encoder;
	column->inner = &c->inner;
	column->argument = c;
}

/* --- columns ---------------------------------------------------------------------- */

static bool lists(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (!strncmp(p, word, n) && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

int convert_column(const struct driver *driver, struct column *column,
		   const struct column_type *type, struct conversion *conversion, struct error *err)
{
	const struct type *t = find_type(type->name, strlen(type->name));
	bool same = !column->repeated && !strcmp(column->type, type->name);

	if (!strcmp(type->name, "STRING")) {
		if (!same)
			driver->as_text(column);
		return 0;
	}
	if (column->repeated)
		return error_set(err, ERR_USAGE,
				 "column \"%s\" is an array, which can only be STRING: read it "
				 "with --arrays json, or cast it with --query",
				 column->source_name);
	if (same && (!type->precision ||
		     (type->precision == column->precision && type->scale == column->scale))) {
		column->precision = type->precision;
		column->scale = type->scale;
		return 0;
	}
	if (!lists(t->sources, column->type))
		return error_set(err, ERR_USAGE,
				 "column \"%s\" is %s (%s), of which no value can be %s",
				 column->source_name, column->type, column->source_type,
				 type->name);
	conversion->write = t->write;
	conversion->precision = type->precision;
	conversion->scale = type->scale;
	convert_install(column, conversion, NULL);
	column->type = type->name;
	column->precision = type->precision;
	column->scale = type->scale;
	return 0;
}
