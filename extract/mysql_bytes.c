/*
 * MySQL's bytes, and its geometries, which it sends as it stores them: the
 * SRID (4 bytes), then WKB, longitude before latitude. (MySQL 8's ST_AsText
 * turns the axes round for geographic systems.)
 */
#include "extract/encode_wkb.h"
#include "extract/mysql_encoders.h"

enum { SRID_BYTES = 4 };

static int text_hex(const struct column *column, const struct cell *cell, size_t max,
		    struct buf *out, struct error *err)
{
	(void)column;
	return encode_append_hex(out, "0x", cell, max, err);
}

static const char *encode_geometry(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length < SRID_BYTES)
		return "malformed geometry";
	return encode_put_wkb(cell->data + SRID_BYTES, cell->length - SRID_BYTES, WKB_AS_WKT, out);
}

const struct encoder mysql_bytes = { .encode = encode_cell_bytes,
				     .text = text_hex,
				     .fixed = 8,
				     .expand = 2,
				     .measure = encode_measure_bytes,
				     .measure_above = ENCODE_LONG_CELL };
const struct encoder mysql_geometry = {
	.encode = encode_geometry, .text = text_hex, .fixed = WKB_FIXED, .expand = WKB_EXPAND
};
