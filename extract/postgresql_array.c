/*
 * Arrays, as array_send writes them: the number of dimensions, whether there
 * are nulls, the element's OID; the length and lower bound of each dimension;
 * then the elements, each behind its length. Their encoder is that of
 * column->inner. BigQuery's arrays have one dimension, no null, no bounds.
 */
#include <strings.h>

#include "extract/postgresql_encoders.h"

enum { DIMENSIONS_MAX = 6, HEADER = 12, DIMENSION = 8, ELEMENT_NULL = -1 };

static const char reason_malformed[] = "malformed array";
static const char reason_null[] = "BigQuery's arrays hold no NULL";
static const char reason_dimensions[] = "BigQuery's arrays have one dimension";

struct array {
	int dimensions;
	int32_t length[DIMENSIONS_MAX], lower[DIMENSIONS_MAX];
	const char *p, *end; /* the elements that are left */
};

static bool read_array(const struct cell *cell, struct array *a)
{
	uint32_t dimensions;

	if (cell->length < HEADER)
		return false;
	dimensions = postgresql_get32(cell->data);
	if (dimensions > DIMENSIONS_MAX || cell->length < HEADER + (size_t)dimensions * DIMENSION)
		return false;
	a->dimensions = (int)dimensions;
	a->p = cell->data + HEADER;
	a->end = cell->data + cell->length;
	for (int i = 0; i < a->dimensions; i++, a->p += DIMENSION) {
		a->length[i] = (int32_t)postgresql_get32(a->p);
		a->lower[i] = (int32_t)postgresql_get32(a->p + 4);
		/* Empty arrays have no dimension, an empty int2vector has one of 0. */
		if (a->length[i] < 0)
			return false;
	}
	return true;
}

/* The next element, which has the width that its encoder expects. */
static bool next_element(struct array *a, const struct column *inner, struct cell *element)
{
	int32_t length;

	if (a->end - a->p < 4)
		return false;
	length = (int32_t)postgresql_get32(a->p);
	a->p += 4;
	*element = (struct cell){ .null = length == ELEMENT_NULL };
	if (element->null)
		return true;
	if (length < 0 || a->end - a->p < length ||
	    (inner->encoder->width && length != inner->encoder->width))
		return false;
	element->data = a->p;
	element->length = (size_t)length;
	a->p += length;
	return true;
}

static size_t measure_array(const struct column *column, const struct cell *cell)
{
	struct cell element;
	struct array a;
	size_t room = 0;

	if (!read_array(cell, &a))
		return 0;
	while (a.p < a.end && next_element(&a, column->inner, &element))
		room += 1 + (element.null ? 0 : encode_room(column->inner, &element));
	return room;
}

static const char *encode_elements(const struct column *inner, struct array *a, char **ret)
{
	char *out = *ret;

	*out++ = '[';
	for (int32_t i = 0; a->dimensions && i < a->length[0]; i++) {
		struct cell element;
		const char *reason;

		if (!next_element(a, inner, &element))
			return reason_malformed;
		if (element.null)
			return reason_null;
		if (i)
			*out++ = ',';
		reason = inner->encoder->encode(inner, &element, &out);
		if (reason)
			/* cppcheck-suppress returnDanglingLifetime ; reasons are literals */
			return reason;
	}
	if (a->p != a->end)
		return reason_malformed;
	*out++ = ']';
	*ret = out;
	return NULL;
}

static const char *encode_array(const struct column *column, const struct cell *cell, char **out)
{
	struct array a;

	if (!read_array(cell, &a))
		return reason_malformed;
	if (a.dimensions > 1)
		return reason_dimensions;
	if (a.dimensions && a.lower[0] != 1)
		return "an array whose subscripts do not begin at 1";
	return encode_elements(column->inner, &a, out);
}

/* int2vector and oidvector, whose subscripts always begin at 0. */
static const char *encode_vector(const struct column *column, const struct cell *cell, char **out)
{
	struct array a;

	if (!read_array(cell, &a) || a.dimensions > 1)
		return reason_malformed;
	return encode_elements(column->inner, &a, out);
}

/* One line of JSON, an array of objects, but for its nulls and nested arrays. */
static const char *check_objects(const char *p, const char *end)
{
	bool string = false;
	int depth = 0;

	for (; p < end; p++) {
		if (string) {
			string = *p != '"';
			p += *p == '\\';
			continue;
		}
		if (depth == 1 && *p == '[')
			return reason_dimensions;
		if (depth == 1 && *p == 'n')
			return reason_null;
		string = *p == '"';
		depth += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
	}
	return NULL;
}

/* What to_json makes of an array of composites or hstores is REPEATED JSON as it stands. */
static const char *encode_objects(const struct column *column, const struct cell *cell, char **out)
{
	const char *start = *out;
	const char *reason = postgresql_json_array.encode(column, cell, out);

	return reason ? reason : check_objects(start, *out);
}

/* --- as PostgreSQL prints it ------------------------------------------------------ */

static bool needs_quotes(const char *p, size_t n)
{
	if (n == 0 || (n == 4 && !strncasecmp(p, "null", 4)))
		return true;
	for (size_t i = 0; i < n; i++)
		if (p[i] && strchr("{},\"\\ \t\n\r\v\f", p[i]))
			return true;
	return false;
}

static int append_element(struct buf *out, const struct column *inner, const struct cell *element,
			  size_t max, struct error *err)
{
	auto_buf text = BUF_INIT;
	bool quoted;
	int rc;

	if (element->null)
		return buf_append_str(out, "NULL", err);
	rc = inner->encoder->text ? inner->encoder->text(inner, element, max, &text, err)
				  : buf_append(&text, element->data,
					       element->length < max ? element->length : max, err);
	if (rc < 0 || buf_reserve(out, 2 * text.length + 2, err) < 0)
		return -1;
	quoted = needs_quotes(text.data, text.length);
	if (quoted)
		buf_put_byte(out, '"');
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			buf_put_byte(out, '\\');
		buf_put_byte(out, text.data[i]);
	}
	if (quoted)
		buf_put_byte(out, '"');
	return 0;
}

/* The dimensions from `depth` on, whose elements come next. */
static int append_dimension(struct buf *out, const struct column *inner, struct array *a, int depth,
			    size_t max, struct error *err)
{
	if (buf_append_str(out, "{", err) < 0)
		return -1;
	for (int32_t i = 0; i < a->length[depth] && out->length <= max; i++) {
		struct cell element;

		if (i && buf_append_str(out, ",", err) < 0)
			return -1;
		if (depth + 1 < a->dimensions) {
			if (append_dimension(out, inner, a, depth + 1, max, err) < 0)
				return -1;
		} else if (!next_element(a, inner, &element)) {
			break;
		} else if (append_element(out, inner, &element, max, err) < 0) {
			return -1;
		}
	}
	return buf_append_str(out, "}", err);
}

static int text_array(const struct column *column, const struct cell *cell, size_t max,
		      struct buf *out, struct error *err)
{
	bool bounds = false;
	struct array a;

	if (!read_array(cell, &a))
		return 0;
	if (a.dimensions == 0)
		return buf_append_str(out, "{}", err);
	for (int i = 0; i < a.dimensions; i++)
		bounds |= a.lower[i] != 1;
	for (int i = 0; bounds && i < a.dimensions; i++)
		if (buf_appendf(out, err, "[%d:%lld]", a.lower[i],
				(long long)a.lower[i] + a.length[i] - 1) < 0)
			return -1;
	if (bounds && buf_append_str(out, "=", err) < 0)
		return -1;
	return append_dimension(out, column->inner, &a, 0, max, err);
}

const struct encoder postgresql_array = {
	.encode = encode_array, .text = text_array, .fixed = 8, .measure = measure_array
};
const struct encoder postgresql_objects = { .encode = encode_objects, .expand = 1 };
const struct encoder postgresql_vector = {
	.encode = encode_vector, .text = text_array, .fixed = 8, .measure = measure_array
};
