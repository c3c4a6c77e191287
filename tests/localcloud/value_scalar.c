#include "tests/localcloud/base64.h"
#include "tests/localcloud/civil.h"
#include "tests/localcloud/geography.h"
#include "tests/localcloud/gnum.h"
#include "tests/localcloud/interval.h"
#include "tests/localcloud/json_normal.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/value_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A text in the scratch buffer becomes the cell. */
static int put_text(struct buf *scratch, const char *s, size_t n, struct cell *out)
{
	struct error error;

	*out = (struct cell){
		.kind = CELL_TEXT, .in_scratch = true, .offset = scratch->length, .n = n
	};
	return buf_append(scratch, s, n, &error);
}

/* [+-]digits[.digits][e[+-]digits] with a digit before the e; strtod alone would take "0x1p3" and leading space. */
static bool is_decimal(const char *s, size_t n)
{
	size_t i = n > 0 && (s[0] == '-' || s[0] == '+'), digits = 0, points = 0, from;

	for (; i < n && ((s[i] >= '0' && s[i] <= '9') || s[i] == '.'); i++) {
		points += s[i] == '.';
		digits += s[i] != '.';
	}
	if (digits == 0 || points > 1)
		return false;
	if (i == n)
		return true;
	if (s[i] != 'e' && s[i] != 'E')
		return false;
	i++;
	i += i < n && (s[i] == '-' || s[i] == '+');
	for (from = i; i < n && s[i] >= '0' && s[i] <= '9'; i++)
		;
	return i == n && i > from;
}

static int encode_float(const struct column *c, const char *s, size_t n, struct cell *out,
			struct value_error *err)
{
	static const struct {
		const char *word, *cell;
	} words[] = {
		{ "nan", "NaN" },
		{ "inf", "Infinity" },
		{ "+inf", "Infinity" },
		{ "-inf", "-Infinity" },
		{ "infinity", "Infinity" },
		{ "+infinity", "Infinity" },
		{ "-infinity", "-Infinity" },
	};
	char text[GNUM_MAX];
	bool number = is_decimal(s, n);
	double d;

	for (size_t i = 0; !number && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == n && strncasecmp(words[i].word, s, n) == 0) {
			*out = (struct cell){ .kind = CELL_TEXT,
					      .p = words[i].cell,
					      .n = strlen(words[i].cell) };
			return 0;
		}
	}
	if (!number || n >= sizeof(text))
		return value_fail(err, c, "Could not convert value to double", s, n);
	memcpy(text, s, n);
	text[n] = '\0';
	d = strtod(text, NULL);
	if (!isfinite(d))
		return value_fail(err, c, "Could not convert value to double: out of range", s, n);
	*out = (struct cell){ .kind = CELL_REAL, .d = d };
	return 0;
}

static int encode_decimal(const struct column *c, const char *s, size_t n, struct buf *scratch,
			  struct cell *out, struct value_error *err)
{
	bool big = c->type == TYPE_BIGNUMERIC;
	char canonical[GNUM_MAX];
	struct gnum_shape shape;

	if (gnum_canonical(s, n, canonical, &shape) ||
	    !gnum_fits(canonical, &shape, big, c->precision, c->scale))
		return value_fail(err, c,
				  big ? "Invalid BIGNUMERIC value" : "Invalid NUMERIC value", s, n);
	return put_text(scratch, canonical, strlen(canonical), out);
}

static int encode_boolean(const struct column *c, const char *s, size_t n, struct cell *out,
			  struct value_error *err)
{
	static const struct {
		const char *word;
		int value;
	} words[] = { { "true", 1 }, { "false", 0 }, { "t", 1 }, { "f", 0 }, { "yes", 1 },
		      { "no", 0 },   { "y", 1 },     { "n", 0 }, { "1", 1 }, { "0", 0 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == n && strncasecmp(words[i].word, s, n) == 0) {
			*out = (struct cell){ .kind = CELL_INT, .i = words[i].value };
			return 0;
		}
	}
	return value_fail(err, c, "Could not convert value to boolean", s, n);
}

static int encode_calendar(const struct column *c, const char *s, size_t n, struct buf *scratch,
			   struct cell *out, struct value_error *err)
{
	char text[CIVIL_TEXT_MAX];
	struct civil civil;
	int64_t micros;
	size_t length;

	switch (c->type) {
	case TYPE_TIMESTAMP:
		if (civil_parse_timestamp(s, n, &micros))
			return value_fail(
				err, c,
				"Couldn't convert value to timestamp: Could not parse as a timestamp",
				s, n);
		*out = (struct cell){ .kind = CELL_INT, .i = micros };
		return 0;
	case TYPE_DATE:
		if (civil_parse_date(s, n, &civil))
			return value_fail(err, c, "Invalid date", s, n);
		length = civil_format_date(&civil, text);
		break;
	case TYPE_TIME:
		if (civil_parse_time(s, n, &civil))
			return value_fail(err, c, "Invalid time string", s, n);
		length = civil_format_time(&civil, text);
		break;
	default:
		if (civil_parse_datetime(s, n, &civil))
			return value_fail(err, c, "Invalid datetime string", s, n);
		length = civil_format_datetime(&civil, text);
	}
	return put_text(scratch, text, length, out);
}

static size_t count_characters(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (s[i] & 0xc0) != 0x80;
	return count;
}

static int encode_string(const struct column *c, const char *s, size_t n, struct cell *out,
			 struct value_error *err)
{
	if (c->max_length && count_characters(s, n) > (size_t)c->max_length)
		return value_fail(err, c,
				  "The value is longer than the maximum length of the field", s, n);
	*out = (struct cell){ .kind = CELL_TEXT, .p = s, .n = n };
	return 0;
}

static int encode_bytes(const struct column *c, const char *s, size_t n, struct buf *scratch,
			struct cell *out, struct value_error *err)
{
	size_t start = scratch->length;

	if (base64_decode(s, n, false, scratch)) {
		scratch->length = start;
		return value_fail(err, c, "Could not decode base64 string to bytes", s, n);
	}
	*out = (struct cell){
		.kind = CELL_BLOB, .in_scratch = true, .offset = start, .n = scratch->length - start
	};
	if (c->max_length && out->n > (size_t)c->max_length)
		return value_fail(err, c,
				  "The value is longer than the maximum length of the field", s, n);
	return 0;
}

static int encode_geography(const struct column *c, const char *s, size_t n, struct buf *scratch,
			    struct cell *out, struct value_error *err)
{
	size_t start = scratch->length;

	if (geography_normal(s, n, scratch))
		return value_fail(err, c, "Invalid geography value", s, n);
	*out = (struct cell){
		.kind = CELL_TEXT, .in_scratch = true, .offset = start, .n = scratch->length - start
	};
	return 0;
}

static int encode_json(const struct column *c, const struct jtoken *v, struct buf *scratch,
		       struct cell *out, struct value_error *err)
{
	auto_buf text = BUF_INIT;

	if (json_normal(v, &text))
		return value_fail(
			err, c,
			"Invalid JSON value: a number or string of it does not survive, or it is nested too deeply",
			v->p, v->n);
	return put_text(scratch, text.data, text.length, out);
}

static int encode_json_text(const struct column *c, const char *s, size_t n, struct buf *scratch,
			    struct cell *out, struct value_error *err)
{
	const char *p = s, *end = s + n;
	struct jtoken value;

	if (jscan_value(&p, end, &value) || !jscan_blank(p, end))
		return value_fail(err, c, "Invalid JSON text", s, n);
	return encode_json(c, &value, scratch, out, err);
}

int value_encode_text(const struct column *c, const char *s, size_t n, struct buf *scratch,
		      struct cell *out, struct value_error *err)
{
	char interval[INTERVAL_TEXT_MAX];
	int64_t integer;

	switch (c->type) {
	case TYPE_INTEGER:
		if (ju_parse_int64(s, n, &integer))
			return value_fail(err, c, "Could not convert value to integer", s, n);
		*out = (struct cell){ .kind = CELL_INT, .i = integer };
		return 0;
	case TYPE_FLOAT:
		return encode_float(c, s, n, out, err);
	case TYPE_NUMERIC:
	case TYPE_BIGNUMERIC:
		return encode_decimal(c, s, n, scratch, out, err);
	case TYPE_BOOLEAN:
		return encode_boolean(c, s, n, out, err);
	case TYPE_BYTES:
		return encode_bytes(c, s, n, scratch, out, err);
	case TYPE_INTERVAL:
		if (interval_parse(s, n, interval))
			return value_fail(err, c, "Invalid INTERVAL value", s, n);
		return put_text(scratch, interval, strlen(interval), out);
	case TYPE_GEOGRAPHY:
		return encode_geography(c, s, n, scratch, out, err);
	case TYPE_JSON:
		return encode_json_text(c, s, n, scratch, out, err);
	case TYPE_STRING:
		return encode_string(c, s, n, out, err);
	case TYPE_RECORD:
		return value_fail(err, c, "A record cannot be read from text", s, n);
	default:
		return encode_calendar(c, s, n, scratch, out, err);
	}
}

/* A string with escapes: decoded into the scratch buffer, then encoded from a copy if more is to be appended. */
static int encode_escaped(const struct column *c, const struct jtoken *v, struct buf *scratch,
			  struct cell *out, struct value_error *err)
{
	size_t start = scratch->length;
	auto_buf decoded = BUF_INIT;
	struct buf *into = c->type == TYPE_STRING ? scratch : &decoded;

	if (jscan_unescape(v, into))
		return value_fail(err, c, "Invalid escape in string", v->p, v->n);
	if (c->type != TYPE_STRING)
		return value_encode_text(c, decoded.data, decoded.length, scratch, out, err);
	if (encode_string(c, scratch->data + start, scratch->length - start, out, err))
		return -1;
	*out = (struct cell){
		.kind = CELL_TEXT, .in_scratch = true, .offset = start, .n = scratch->length - start
	};
	return 0;
}

int value_scalar(const struct column *c, const struct jtoken *v,
		 const struct value_options *options, struct buf *scratch, struct cell *out,
		 struct value_error *err)
{
	if (c->type == TYPE_JSON && !(v->kind == JSON_K_STRING && options->json_from_strings))
		return encode_json(c, v, scratch, out, err);
	if (v->kind == JSON_K_OBJECT && c->type == TYPE_GEOGRAPHY)
		return encode_geography(c, v->p, v->n, scratch, out, err);
	if (v->kind == JSON_K_OBJECT || v->kind == JSON_K_ARRAY)
		return value_fail(err, c, "JSON object specified for non-record field", v->p, v->n);
	if (v->kind == JSON_K_STRING && v->escaped)
		return encode_escaped(c, v, scratch, out, err);
	if (v->kind == JSON_K_NUMBER && (c->type == TYPE_DATE || c->type == TYPE_DATETIME ||
					 c->type == TYPE_TIME || c->type == TYPE_BYTES))
		return value_fail(err, c, "A number does not fit the type of the field", v->p,
				  v->n);
	return value_encode_text(c, v->p, v->n, scratch, out, err);
}
