/*
 * Geometries: WKB, and EWKB as PostGIS writes it, become WKT. All coordinates
 * keep every digit (the databases' own functions round, or turn the axes
 * round).
 *
 * All bytes come from outside: a malformed value is a reason to reject.
 */
#ifndef SLUICE_EXTRACT_ENCODE_WKB_H
#define SLUICE_EXTRACT_ENCODE_WKB_H

#include <stddef.h>

enum wkb_as {
	WKB_AS_WKT,       /* from plain WKB: two dimensions, no curves */
	WKB_AS_EWKT,      /* "SRID=...;" before it where it has one */
	WKB_AS_GEOGRAPHY, /* what BigQuery's GEOGRAPHY takes of it, in SRID 4326 */
};

/*
 * The room of a value is WKB_FIXED + WKB_EXPAND * n bytes: 8 bytes of a
 * coordinate become at most 25 with what separates them, 9 of a part without
 * anything in it at most 26. The rest is for "SRID=...;", quotes, and what
 * double_write may touch behind its text.
 */
enum { WKB_FIXED = 96, WKB_EXPAND = 4 };

/* As a quoted string; a reason as of an encoder. */
const char *encode_put_wkb(const char *p, size_t n, enum wkb_as as, char **out);

#endif
