#include "extract/encode_wkb.h"

#include <math.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "extract/encode.h"

enum {
	GEOGRAPHY_SRID = 4326,
	DEPTH_MAX = 200, /* PostGIS's own */
	COORDINATES_MAX = 4,
	POSITIONS_IN_RING = 4,
	POINT = 1,
	LINE_STRING = 2,
	POLYGON = 3,
	MULTI_POINT = 4,
	MULTI_POLYGON = 6,
	COLLECTION = 7,
	CIRCULAR_STRING = 8,
	TRIANGLE = 17,
	TYPES = 18,
};

#define EWKB_Z UINT32_C(0x80000000)
#define EWKB_M UINT32_C(0x40000000)
#define EWKB_SRID UINT32_C(0x20000000)

static const char *const names[TYPES] = {
	[1] = "POINT",
	[2] = "LINESTRING",
	[3] = "POLYGON",
	[4] = "MULTIPOINT",
	[5] = "MULTILINESTRING",
	[6] = "MULTIPOLYGON",
	[7] = "GEOMETRYCOLLECTION",
	[8] = "CIRCULARSTRING",
	[9] = "COMPOUNDCURVE",
	[10] = "CURVEPOLYGON",
	[11] = "MULTICURVE",
	[12] = "MULTISURFACE",
	[15] = "POLYHEDRALSURFACE",
	[16] = "TIN",
	[17] = "TRIANGLE",
};

static const char reason_malformed[] = "malformed geometry";

/* One pass over the bytes; reason is set once. */
struct shape {
	const unsigned char *p, *end;
	char *out;
	const char *reason;
	enum wkb_as as;
	bool little; /* the byte order of the part that is read */
	uint32_t type, flags;
	uint32_t srid;
	int depth;
};

static int fail(struct shape *s, const char *reason)
{
	if (!s->reason)
		s->reason = reason;
	return -1;
}

static int take32(struct shape *s, uint32_t *ret)
{
	uint32_t value = 0;

	if (s->end - s->p < 4)
		return fail(s, reason_malformed);
	for (int i = 0; i < 4; i++)
		value |= (uint32_t)s->p[i] << (s->little ? 8 * i : 24 - 8 * i);
	s->p += 4;
	*ret = value;
	return 0;
}

static int take_double(struct shape *s, double *ret)
{
	uint64_t bits = 0;

	if (s->end - s->p < 8)
		return fail(s, reason_malformed);
	for (int i = 0; i < 8; i++)
		bits |= (uint64_t)s->p[i] << (s->little ? 8 * i : 56 - 8 * i);
	s->p += 8;
	memcpy(ret, &bits, sizeof bits);
	return 0;
}

static void put_text(struct shape *s, const char *text)
{
	size_t n = strlen(text);

	memcpy(s->out, text, n);
	s->out += n;
}

static void put_double(struct shape *s, double value)
{
	if (isfinite(value))
		s->out = double_write(s->out, value);
	else
		put_text(s, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
}

/* The parts of a geometry are in its SRID. */
static int take_srid(struct shape *s)
{
	uint32_t srid;

	if (take32(s, &srid) < 0)
		return -1;
	if (s->depth > 0 && srid != s->srid)
		return fail(s, reason_malformed);
	s->srid = srid;
	return 0;
}

/* Byte order, type with flags, and the SRID. */
static int take_header(struct shape *s)
{
	uint32_t word;

	if (s->p == s->end || *s->p > 1)
		return fail(s, reason_malformed);
	s->little = *s->p++ == 1;
	if (take32(s, &word) < 0)
		return -1;
	if (s->as == WKB_AS_WKT && word > COLLECTION)
		return fail(s, reason_malformed);
	s->flags = word & (EWKB_Z | EWKB_M);
	s->type = word & ~(EWKB_Z | EWKB_M | EWKB_SRID);
	if (s->type >= TYPES || !names[s->type])
		return fail(s, "a geometry of a type that is not known");
	if ((word & EWKB_SRID) && take_srid(s) < 0)
		return -1;
	if (s->as != WKB_AS_GEOGRAPHY)
		return 0;
	if (s->type > COLLECTION)
		return fail(s, "BigQuery's GEOGRAPHY has no curves and no solids");
	if (s->flags)
		return fail(s, "BigQuery's GEOGRAPHY has two dimensions");
	return 0;
}

static int take_position(struct shape *s, double at[COORDINATES_MAX], int *count)
{
	*count = 2 + !!(s->flags & EWKB_Z) + !!(s->flags & EWKB_M);
	for (int i = 0; i < *count; i++)
		if (take_double(s, &at[i]) < 0)
			return -1;
	return 0;
}

static int put_position(struct shape *s, const double at[COORDINATES_MAX], int count)
{
	/* What is not a number fails too. */
	if (s->as == WKB_AS_GEOGRAPHY &&
	    !(at[0] >= -180 && at[0] <= 180 && at[1] >= -90 && at[1] <= 90))
		return fail(s, "a position outside of longitude -180 to 180, latitude -90 to 90");
	for (int i = 0; i < count; i++) {
		if (s->as == WKB_AS_WKT && !isfinite(at[i]))
			return fail(s, reason_malformed);
		if (i)
			*s->out++ = ' ';
		put_double(s, at[i]);
	}
	return 0;
}

static int put_empty(struct shape *s, bool nested)
{
	if (s->as == WKB_AS_GEOGRAPHY && nested)
		return fail(s, "BigQuery's GEOGRAPHY has no empty parts");
	/* Behind a name, not behind '(' or ','. */
	put_text(s, s->out[-1] >= 'A' && s->out[-1] <= 'Z' ? " EMPTY" : "EMPTY");
	return 0;
}

/* A point without a place has NaN for its coordinates. */
static int put_point(struct shape *s, bool nested)
{
	double at[COORDINATES_MAX] = { 0 };
	bool empty = true;
	int count;

	if (take_position(s, at, &count) < 0)
		return -1;
	for (int i = 0; i < count; i++)
		empty &= isnan(at[i]) != 0;
	if (empty)
		return put_empty(s, nested);
	*s->out++ = '(';
	if (put_position(s, at, count) < 0)
		return -1;
	*s->out++ = ')';
	return 0;
}

/* "(0 0,1 1)"; a ring has four positions and ends where it began. */
static int put_positions(struct shape *s, bool nested, bool ring)
{
	double first[COORDINATES_MAX] = { 0 }, at[COORDINATES_MAX] = { 0 };
	uint32_t n;
	int count;

	if (take32(s, &n) < 0)
		return -1;
	if (n == 0)
		return put_empty(s, nested);
	if (s->as == WKB_AS_GEOGRAPHY && n < (ring ? POSITIONS_IN_RING : 2))
		return fail(s, "a line or ring of too few positions");
	for (uint32_t i = 0; i < n; i++) {
		*s->out++ = i ? ',' : '(';
		if (take_position(s, at, &count) < 0 || put_position(s, at, count) < 0)
			return -1;
		if (i == 0)
			memcpy(first, at, sizeof first);
	}
	if (s->as == WKB_AS_GEOGRAPHY && ring && (first[0] != at[0] || first[1] != at[1]))
		return fail(s, "a ring that does not end where it began");
	*s->out++ = ')';
	return 0;
}

static int put_shape(struct shape *s, bool named, bool nested);

/* Inside a MULTI…, the parts of its own kind have no name; curves and what a collection holds do. */
static bool part_is_named(uint32_t parent, uint32_t part)
{
	return parent == COLLECTION ||
	       (part != POINT && part != LINE_STRING && part != POLYGON && part != TRIANGLE);
}

static bool part_fits(uint32_t parent, uint32_t part)
{
	return parent < MULTI_POINT || parent > MULTI_POLYGON ||
	       part == parent - MULTI_POINT + POINT;
}

static int put_parts(struct shape *s, bool nested)
{
	uint32_t n, type = s->type;

	if (take32(s, &n) < 0)
		return -1;
	if (n == 0)
		return put_empty(s, nested);
	if (++s->depth > DEPTH_MAX)
		return fail(s, "a geometry that is nested too deep");
	for (uint32_t i = 0; i < n; i++) {
		*s->out++ = i ? ',' : '(';
		if (type == POLYGON || type == TRIANGLE) {
			if (put_positions(s, true, true) < 0)
				return -1;
			continue;
		}
		if (take_header(s) < 0)
			return -1;
		if (!part_fits(type, s->type))
			return fail(s, reason_malformed);
		if (put_shape(s, part_is_named(type, s->type), true) < 0)
			return -1;
	}
	s->depth--;
	*s->out++ = ')';
	return 0;
}

/* What take_header described. */
static int put_shape(struct shape *s, bool named, bool nested)
{
	if (named) {
		put_text(s, names[s->type]);
		/* With three coordinates, Z is what is meant if nothing is said. */
		if (s->flags == EWKB_M)
			*s->out++ = 'M';
	}
	if (s->type == POINT)
		return put_point(s, nested);
	if (s->type == LINE_STRING || s->type == CIRCULAR_STRING)
		return put_positions(s, nested, false);
	return put_parts(s, nested);
}

const char *encode_put_wkb(const char *p, size_t n, enum wkb_as as, char **ret)
{
	struct shape s = {
		.p = (const unsigned char *)p,
		.end = (const unsigned char *)p + n,
		.out = *ret,
		.as = as,
	};

	*s.out++ = '"';
	if (take_header(&s) < 0)
		return s.reason;
	if (as == WKB_AS_GEOGRAPHY && s.srid != GEOGRAPHY_SRID)
		return "not in SRID 4326, as GEOGRAPHY is";
	if (as == WKB_AS_EWKT && s.srid) {
		put_text(&s, "SRID=");
		s.out = encode_put_unsigned(s.out, s.srid);
		*s.out++ = ';';
	}
	if (put_shape(&s, true, false) < 0)
		return s.reason;
	if (s.p != s.end)
		return reason_malformed;
	*s.out++ = '"';
	*ret = s.out;
	return NULL;
}
