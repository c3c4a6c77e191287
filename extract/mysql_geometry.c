/*
 * MySQL's geometry, which it sends as it is stored: the SRID (4 bytes), then
 * little-endian WKB, longitude before latitude. WKT is written here and not by
 * the server's ST_AsText: every coordinate is the shortest text that reads
 * back, negative zero included, and the order of the axes is the same from all
 * servers (MySQL 8 turns it round for geographic systems).
 */
#include <math.h>

#include "extract/mysql_encoders.h"
#include "lib/double.h"

enum { SRID_BYTES = 4, POINT_BYTES = 16, LITTLE_ENDIAN_MARK = 1 };

/* No server nests collections anywhere near as deep. */
enum { DEPTH_MAX = 100 };

enum geometry {
	POINT = 1,
	LINESTRING,
	POLYGON,
	MULTIPOINT,
	MULTILINESTRING,
	MULTIPOLYGON,
	GEOMETRYCOLLECTION,
};

static const char *const names[] = {
	[POINT] = "POINT",
	[LINESTRING] = "LINESTRING",
	[POLYGON] = "POLYGON",
	[MULTIPOINT] = "MULTIPOINT",
	[MULTILINESTRING] = "MULTILINESTRING",
	[MULTIPOLYGON] = "MULTIPOLYGON",
	[GEOMETRYCOLLECTION] = "GEOMETRYCOLLECTION",
};

/* From WKB at p to WKT at out. */
struct wkt {
	const char *p, *end;
	char *out;
	int depth;
};

static void put_word(struct wkt *w, const char *word)
{
	size_t n = strlen(word);

	memcpy(w->out, word, n);
	w->out += n;
}

static bool read_count(struct wkt *w, uint32_t *count)
{
	if (w->end - w->p < 4)
		return false;
	*count = mysql_get32(w->p);
	w->p += 4;
	return true;
}

/* 0: malformed. */
static uint32_t read_type(struct wkt *w)
{
	uint32_t type;

	if (w->end - w->p < 1 || *w->p != LITTLE_ENDIAN_MARK)
		return 0;
	w->p++;
	return read_count(w, &type) && type <= GEOMETRYCOLLECTION ? type : 0;
}

static bool put_point(struct wkt *w)
{
	double x, y;

	if (w->end - w->p < POINT_BYTES)
		return false;
	x = mysql_get_double(w->p);
	y = mysql_get_double(w->p + 8);
	if (!isfinite(x) || !isfinite(y))
		return false;
	w->p += POINT_BYTES;
	w->out = double_write(w->out, x);
	*w->out++ = ' ';
	w->out = double_write(w->out, y);
	return true;
}

static bool put_body(struct wkt *w, uint32_t type);

/* A point of a line, a ring of a polygon, or a whole geometry of a collection. */
static bool put_part(struct wkt *w, uint32_t whole)
{
	uint32_t type;

	if (whole == LINESTRING)
		return put_point(w);
	if (whole == POLYGON)
		return put_body(w, LINESTRING);
	type = read_type(w);
	if (type == 0 || (whole != GEOMETRYCOLLECTION && type != whole - MULTIPOINT + POINT))
		return false;
	if (whole == GEOMETRYCOLLECTION)
		put_word(w, names[type]);
	return put_body(w, type);
}

/* What stands behind the name: "(1 2)", "((0 0,0 1,1 1,0 0))", " EMPTY". */
// NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX bounds it
static bool put_body(struct wkt *w, uint32_t type)
{
	uint32_t count = 1;

	if ((type != POINT && !read_count(w, &count)) || w->depth == DEPTH_MAX)
		return false;
	if (count == 0) {
		put_word(w, " EMPTY");
		return true;
	}
	w->depth++;
	*w->out++ = '(';
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			*w->out++ = ',';
		if (!(type == POINT ? put_point(w) : put_part(w, type)))
			return false;
	}
	*w->out++ = ')';
	w->depth--;
	return true;
}

static const char *encode_geometry(const struct column *column, const struct cell *cell, char **out)
{
	struct wkt w = { .p = cell->data, .end = cell->data + cell->length, .out = *out };
	uint32_t type;

	(void)column;
	if (cell->length < SRID_BYTES)
		return "malformed geometry";
	w.p += SRID_BYTES;
	type = read_type(&w);
	if (type == 0)
		return "malformed geometry";
	*w.out++ = '"';
	put_word(&w, names[type]);
	if (!put_body(&w, type) || w.p != w.end)
		return "malformed geometry";
	*w.out++ = '"';
	*out = w.out;
	return NULL;
}

/*
 * The most for its bytes is a coordinate pair: 2 * 24 characters and two
 * between them for 16; names and brackets need less of theirs. double_write
 * asks for a little more than it leaves.
 */
const struct encoder mysql_geometry = {
	.encode = encode_geometry, .text = mysql_text_hex, .fixed = 2 + DOUBLE_TEXT_MAX, .expand = 4
};
