/* --type: what is made from text: BYTES, JSON and GEOGRAPHY. */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "extract/convert.h"

enum { COLLECTIONS_MAX = 32, COORDINATE_MAX = 64 };

const char *convert_put_bytes(const struct conversion *c, const char *p, size_t n, char **out)
{
	(void)c;
	*out = encode_put_base64(*out, p, n);
	return NULL;
}

const char *convert_put_json(const struct conversion *c, const char *p, size_t n, char **out)
{
	char *start = *out;
	const char *reason = encode_put_json_text(p, n, out);

	return reason ? reason : encode_check_json_null(c->required, start, (size_t)(*out - start));
}

/* --- WKT ---------------------------------------------------------------------------- */

struct wkt {
	const char *p, *end;
	bool multipoint; /* whose positions may stand in parentheses */
};

/* How deep a type's positions stand in parentheses. */
static const struct {
	const char *word;
	int depth;
} shapes[] = {
	{ "POINT", 1 },
	{ "LINESTRING", 1 },
	{ "POLYGON", 2 },
	{ "MULTIPOINT", 1 },
	{ "MULTILINESTRING", 2 },
	{ "MULTIPOLYGON", 3 },
	{ "GEOMETRYCOLLECTION", 0 },
};

static void skip_space(struct wkt *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\n' || *w->p == '\r'))
		w->p++;
}

static bool take(struct wkt *w, char c)
{
	bool found;

	skip_space(w);
	found = w->p < w->end && *w->p == c;
	w->p += found;
	return found;
}

static bool take_word(struct wkt *w, const char *word)
{
	size_t n = strlen(word);

	skip_space(w);
	if ((size_t)(w->end - w->p) < n || strncasecmp(w->p, word, n) != 0 ||
	    ((size_t)(w->end - w->p) > n && (w->p[n] | 0x20) >= 'a' && (w->p[n] | 0x20) <= 'z'))
		return false;
	w->p += n;
	return true;
}

static bool take_coordinate(struct wkt *w, double max)
{
	char text[COORDINATE_MAX], *end;
	size_t n = 0;
	double value;

	skip_space(w);
	while (n + 1 < sizeof text && w->p + n < w->end && strchr("0123456789+-.eE", w->p[n]) &&
	       w->p[n]) {
		text[n] = w->p[n];
		n++;
	}
	text[n] = '\0';
	value = strtod(text, &end); /* no locale is ever set */
	if (n == 0 || *end || !isfinite(value) || fabs(value) > max)
		return false;
	w->p += n;
	return true;
}

/* Longitude and latitude. */
static bool take_position(struct wkt *w)
{
	bool inner = w->multipoint && take(w, '(');

	return take_coordinate(w, 180) && w->p < w->end && (*w->p == ' ' || *w->p == '\t') &&
	       take_coordinate(w, 90) && (!inner || take(w, ')'));
}

/* "(x y, x y)", so many levels deep. */
static bool take_positions(struct wkt *w, int depth)
{
	if (!take(w, '('))
		return false;
	do
		if (depth > 1 ? !take_positions(w, depth - 1) : !take_position(w))
			return false;
	while (take(w, ','));
	return take(w, ')');
}

static bool take_geometry(struct wkt *w, int collections)
{
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		if (!take_word(w, shapes[i].word))
			continue;
		if (take_word(w, "EMPTY"))
			return true;
		w->multipoint = !strcmp(shapes[i].word, "MULTIPOINT");
		if (shapes[i].depth)
			return take_positions(w, shapes[i].depth);
		if (collections == COLLECTIONS_MAX || !take(w, '('))
			return false;
		do
			if (!take_geometry(w, collections + 1))
				return false;
		while (take(w, ','));
		return take(w, ')');
	}
	return false;
}

const char *convert_put_geography(const struct conversion *c, const char *p, size_t n, char **out)
{
	struct wkt w = { .p = p, .end = p + n };
	char *start = *out, *end = start;

	(void)c;
	skip_space(&w);
	if (w.p < w.end && *w.p == '{') {
		/* GeoJSON; its one-line form is only looked at. */
		const char *reason = encode_put_json_text(p, n, &end);

		if (reason || !memmem(start, (size_t)(end - start), "\"type\":", 7))
			return "neither WKT nor a GeoJSON object";
		return encode_put_string(p, n, out);
	}
	if (!take_geometry(&w, 0))
		return "neither WKT of two dimensions in degrees nor a GeoJSON object";
	skip_space(&w);
	return w.p == w.end ? encode_put_string(p, n, out)
			    : "something behind the end of the geometry";
}
