/*
 * GEOGRAPHY: reads WKT and GeoJSON, writes the WKT that ST_ASTEXT gives ("POINT(1 2)", "LINESTRING(0 0, 1 1)"). Owns
 * nothing.
 *
 * Checked: the grammar, two coordinates a point, longitude within ±180 and latitude within ±90, two points a line, four
 * points and a closed end a ring. Not checked, and not changed as BigQuery does on its sphere: rings that cross
 * themselves, their orientation, repeated points, edges that GeoJSON means to be straight on a map. Not read: WKB, EWKT.
 */
#ifndef LOCALCLOUD_GEOGRAPHY_H
#define LOCALCLOUD_GEOGRAPHY_H

#include "lib/buf.h"

#include <stddef.h>

/* Appends the WKT of a text to out; -1 when it is no geography, and out is as before. */
int geography_normal(const char *s, size_t n, struct buf *out);

#endif
