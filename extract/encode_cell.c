#include "extract/encode.h"

const char *encode_cell_text(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	return encode_put_string(cell->data, cell->length, out);
}

const char *encode_cell_bytes(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_base64(*out, cell->data, cell->length);
	return NULL;
}

size_t encode_measure_bytes(const struct column *column, const struct cell *cell)
{
	(void)column;
	return (cell->length + 2) / 3 * 4;
}

const char *encode_check_json_null(bool required, const char *p, size_t n)
{
	if (required && n == 4 && !memcmp(p, "null", 4))
		return "JSON null is NULL to BigQuery, which cannot stand here";
	return NULL;
}

static const char *encode_cell_json(const struct column *column, const struct cell *cell,
				    char **out)
{
	const char *start = *out;
	const char *reason = encode_put_json_text(cell->data, cell->length, out);

	return reason ? reason
		      : encode_check_json_null(column->required, start, (size_t)(*out - start));
}

int encode_append_hex(struct buf *out, const char *prefix, const struct cell *cell, size_t max,
		      struct error *err)
{
	size_t n = cell->length < max / 2 ? cell->length : max / 2;

	if (buf_append_str(out, prefix, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (buf_appendf(out, err, "%02x", (unsigned char)cell->data[i]) < 0)
			return -1;
	return 0;
}

int encode_append_as(struct buf *out, const struct encoder *encoder, const struct column *column,
		     const struct cell *cell, struct error *err)
{
	struct column as = *column;
	char *text, *end;
	size_t n;

	as.encoder = encoder;
	if (buf_reserve(out, encode_room(&as, cell), err) < 0)
		return -1;
	text = end = out->data + out->length;
	if (encoder->encode(&as, cell, &end))
		return 0;
	n = (size_t)(end - text);
	if (n >= 2 && *text == '"') {
		n -= 2;
		memmove(text, text + 1, n);
	}
	out->length += n;
	return 0;
}

int encode_text_as_written(const struct column *column, const struct cell *cell, size_t max,
			   struct buf *out, struct error *err)
{
	(void)max;
	return encode_append_as(out, column->encoder, column, cell, err);
}

const struct encoder encoder_text = { .encode = encode_cell_text,
				      .fixed = 18,
				      .expand = 6,
				      .measure = encode_measure_string,
				      .measure_above = ENCODE_LONG_CELL };
const struct encoder encoder_json = { .encode = encode_cell_json, .expand = 1 };
