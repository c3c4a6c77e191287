/* PostGIS: geometry_send and geography_send write EWKB. */
#include "extract/encode_wkb.h"
#include "extract/postgresql_encoders.h"

static const char *encode_geography(const struct column *column, const struct cell *cell,
				    char **out)
{
	(void)column;
	return encode_put_wkb(cell->data, cell->length, WKB_AS_GEOGRAPHY, out);
}

static const char *encode_ewkt(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	return encode_put_wkb(cell->data, cell->length, WKB_AS_EWKT, out);
}

static int text_ewkt(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	(void)max;
	return encode_append_as(out, &postgresql_ewkt, column, cell, err);
}

const struct encoder postgresql_geography = {
	.encode = encode_geography, .text = text_ewkt, .fixed = WKB_FIXED, .expand = WKB_EXPAND
};
const struct encoder postgresql_ewkt = {
	.encode = encode_ewkt, .text = text_ewkt, .fixed = WKB_FIXED, .expand = WKB_EXPAND
};
