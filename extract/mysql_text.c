/* MySQL's text, bytes and JSON, which come as they are. */
#include "extract/mysql_encoders.h"

static const char *encode_text(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	return encode_put_string(cell->data, cell->length, out);
}

static const char *encode_bytes(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_base64(*out, cell->data, cell->length);
	return NULL;
}

static size_t measure_bytes(const struct column *column, const struct cell *cell)
{
	(void)column;
	return (cell->length + 2) / 3 * 4;
}

int mysql_text_hex(const struct column *column, const struct cell *cell, size_t max,
		   struct buf *out, struct error *err)
{
	size_t n = cell->length < max / 2 ? cell->length : max / 2;

	(void)column;
	if (buf_append_str(out, "0x", err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (buf_appendf(out, err, "%02x", (unsigned char)cell->data[i]) < 0)
			return -1;
	return 0;
}

static const char *encode_json(const struct column *column, const struct cell *cell, char **out)
{
	const char *start = *out;
	const char *reason = encode_put_json_text(cell->data, cell->length, out);

	if (reason)
		return reason;
	/* BigQuery reads a top-level null as SQL NULL. */
	if (column->required && *out - start == 4 && !memcmp(start, "null", 4))
		return "JSON null would be NULL in a column that is NOT NULL";
	return NULL;
}

const struct encoder mysql_text = { .encode = encode_text,
				    .fixed = 18,
				    .expand = 6,
				    .measure = encode_measure_string,
				    .measure_above = ENCODE_LONG_CELL };
const struct encoder mysql_bytes = { .encode = encode_bytes,
				     .text = mysql_text_hex,
				     .fixed = 8,
				     .expand = 2,
				     .measure = measure_bytes,
				     .measure_above = ENCODE_LONG_CELL };
const struct encoder mysql_json = { .encode = encode_json, .expand = 1 };
