#include "tests/localcloud/geography.h"

#include "tests/localcloud/gnum.h"
#include "tests/localcloud/jscan.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NESTING_MAX = 20 };

/* How a shape nests its positions: 0 one, 1 a list, 2 a list of lists, 3 one more. */
static const struct shape {
	const char *wkt, *geojson;
	int depth;
	size_t min; /* positions in the innermost list */
	bool closed;
} shapes[] = {
	{ "POINT", "Point", 0, 1, false },
	{ "LINESTRING", "LineString", 1, 2, false },
	{ "POLYGON", "Polygon", 2, 4, true },
	{ "MULTIPOINT", "MultiPoint", 1, 1, false },
	{ "MULTILINESTRING", "MultiLineString", 2, 2, false },
	{ "MULTIPOLYGON", "MultiPolygon", 3, 4, true },
};
static const char collection[] = "GEOMETRYCOLLECTION", empty[] = "GEOMETRYCOLLECTION EMPTY";

struct position {
	double x, y;
};

struct reader {
	const char *p, *end;
};

static int put(struct buf *out, const char *s)
{
	struct error error;

	return buf_append_str(out, s, &error);
}

static int put_position(struct buf *out, const struct position *at)
{
	struct error error;

	if (!(at->x >= -180 && at->x <= 180 && at->y >= -90 && at->y <= 90))
		return -1;
	return buf_appendf(out, &error, "%.15g %.15g", at->x, at->y);
}

/* The same rules for both spellings: what a list of positions must be. */
static int check_list(const struct shape *shape, size_t count, const struct position *first,
		      const struct position *last)
{
	if (count < shape->min || (shape->closed && (first->x != last->x || first->y != last->y)))
		return -1;
	return 0;
}

static int number(const char *s, size_t n, double *ret)
{
	char text[64], canonical[GNUM_MAX];
	struct gnum_shape shape;

	if (n >= sizeof(text) || gnum_canonical(s, n, canonical, &shape))
		return -1;
	memcpy(text, s, n);
	text[n] = '\0';
	*ret = strtod(text, NULL);
	return 0;
}

/* --- WKT --- */

static void skip_space(struct reader *in)
{
	while (in->p < in->end && strchr(" \t\r\n", *in->p))
		in->p++;
}

static bool take(struct reader *in, char c)
{
	skip_space(in);
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

static bool is_letter(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool take_word(struct reader *in, const char *word)
{
	size_t n = strlen(word);

	skip_space(in);
	if ((size_t)(in->end - in->p) < n || strncasecmp(in->p, word, n) != 0 ||
	    (in->p + n < in->end && is_letter(in->p[n])))
		return false;
	in->p += n;
	return true;
}

static int wkt_number(struct reader *in, double *ret)
{
	const char *from;

	skip_space(in);
	from = in->p;
	while (in->p < in->end && strchr("+-.0123456789eE", *in->p) && *in->p)
		in->p++;
	return number(from, (size_t)(in->p - from), ret);
}

/* One position; MULTIPOINT may have each in parentheses. */
static int wkt_position(struct reader *in, bool may_open, struct position *at, struct buf *out)
{
	bool open = may_open && take(in, '(');

	if (wkt_number(in, &at->x) || wkt_number(in, &at->y) || (open && !take(in, ')')))
		return -1;
	return put_position(out, at);
}

static int wkt_list(struct reader *in, const struct shape *shape, int depth, struct buf *out)
{
	struct position first = { 0 }, at = { 0 };
	size_t count = 0;

	if (!take(in, '(') || put(out, "("))
		return -1;
	do {
		if (count > 0 && put(out, ", "))
			return -1;
		if (depth > 1 ? wkt_list(in, shape, depth - 1, out)
			      : wkt_position(in, shape->min == 1 && shape->depth == 1, &at, out))
			return -1;
		if (count++ == 0)
			first = at;
	} while (take(in, ','));
	if (!take(in, ')') || (depth <= 1 && check_list(shape, count, &first, &at)) ||
	    (shape->depth == 0 && count != 1))
		return -1;
	return put(out, ")");
}

static int wkt_shape(struct reader *in, int nesting, struct buf *out)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (!take_word(in, shapes[i].wkt))
			continue;
		if (take_word(in, "EMPTY"))
			return put(out, empty);
		return put(out, shapes[i].wkt) || wkt_list(in, &shapes[i], shapes[i].depth, out)
			       ? -1
			       : 0;
	}
	if (!take_word(in, collection) || nesting > NESTING_MAX)
		return -1;
	if (take_word(in, "EMPTY"))
		return put(out, empty);
	if (!take(in, '(') || put(out, collection) || put(out, "("))
		return -1;
	for (bool first = true; first || take(in, ','); first = false)
		if ((!first && put(out, ", ")) || wkt_shape(in, nesting + 1, out))
			return -1;
	return take(in, ')') ? put(out, ")") : -1;
}

static int read_wkt(const char *s, size_t n, struct buf *out)
{
	struct reader in = { s, s + n };

	if (wkt_shape(&in, 0, out))
		return -1;
	skip_space(&in);
	return in.p == in.end ? 0 : -1;
}

/* --- GeoJSON --- */

static int json_position(const struct jtoken *value, struct position *at, struct buf *out)
{
	double *const parts[] = { &at->x, &at->y };
	struct jiter it;
	struct jtoken part;
	size_t count = 0;
	int more;

	if (jiter_open(&it, '[', value->p, value->p + value->n))
		return -1;
	while ((more = jiter_element(&it, &part)) > 0)
		if (part.kind != JSON_K_NUMBER || count == 2 ||
		    number(part.p, part.n, parts[count++]))
			return -1;
	return more < 0 || count != 2 ? -1 : put_position(out, at);
}

static int json_list(const struct jtoken *value, const struct shape *shape, int depth,
		     struct buf *out)
{
	struct position first = { 0 }, at = { 0 };
	struct jiter it;
	struct jtoken item;
	size_t count = 0;
	int more;

	if (jiter_open(&it, '[', value->p, value->p + value->n) || put(out, "("))
		return -1;
	while ((more = jiter_element(&it, &item)) > 0) {
		if ((count > 0 && put(out, ", ")) ||
		    (depth > 1 ? json_list(&item, shape, depth - 1, out)
			       : json_position(&item, &at, out)))
			return -1;
		if (count++ == 0)
			first = at;
	}
	if (more < 0 || count == 0 || (depth == 1 && check_list(shape, count, &first, &at)))
		return -1;
	return put(out, ")");
}

static bool is_text(const struct jtoken *token, const char *text)
{
	return token->kind == JSON_K_STRING && token->n == strlen(text) &&
	       memcmp(token->p, text, token->n) == 0;
}

static int json_shape(const struct jtoken *object, int nesting, struct buf *out);

static int json_collection(const struct jtoken *list, int nesting, struct buf *out)
{
	struct jiter it;
	struct jtoken item;
	size_t count = 0;
	int more;

	if (!list->p || nesting > NESTING_MAX || jiter_open(&it, '[', list->p, list->p + list->n) ||
	    put(out, collection))
		return -1;
	while ((more = jiter_element(&it, &item)) > 0)
		if (put(out, count++ ? ", " : "(") || json_shape(&item, nesting + 1, out))
			return -1;
	return more < 0 ? -1 : put(out, count ? ")" : " EMPTY");
}

static int json_shape(const struct jtoken *object, int nesting, struct buf *out)
{
	struct jtoken key, value, type = { 0 }, coordinates = { 0 }, geometries = { 0 };
	struct jiter it;
	int more;

	if (jiter_open(&it, '{', object->p, object->p + object->n))
		return -1;
	while ((more = jiter_member(&it, &key, &value)) > 0) {
		key.kind = JSON_K_STRING;
		if (is_text(&key, "type"))
			type = value;
		else if (is_text(&key, "coordinates"))
			coordinates = value;
		else if (is_text(&key, "geometries"))
			geometries = value;
	}
	if (more < 0)
		return -1;
	if (is_text(&type, "GeometryCollection"))
		return json_collection(&geometries, nesting, out);
	for (size_t i = 0; coordinates.p && i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct position at;

		if (!is_text(&type, shapes[i].geojson))
			continue;
		if (put(out, shapes[i].wkt))
			return -1;
		if (shapes[i].depth > 0)
			return json_list(&coordinates, &shapes[i], shapes[i].depth, out);
		return put(out, "(") || json_position(&coordinates, &at, out) || put(out, ")") ? -1
											       : 0;
	}
	return -1;
}

static int read_geojson(const char *s, size_t n, struct buf *out)
{
	const char *p = s, *end = s + n;
	struct jtoken object;

	if (jscan_value(&p, end, &object) || !jscan_blank(p, end))
		return -1;
	return json_shape(&object, 0, out);
}

int geography_normal(const char *s, size_t n, struct buf *out)
{
	size_t before = out->length;
	struct reader in = { s, s + n };

	skip_space(&in);
	if (in.p < in.end && *in.p == '{' ? read_geojson(s, n, out) == 0 : read_wkt(s, n, out) == 0)
		return 0;
	out->length = before;
	return -1;
}
