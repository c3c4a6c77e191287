#include "extract/postgresql_encoders.h"

/* --- bool, integers, floats ---------------------------------------------- */

static const char *encode_bool(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->data[0]) {
		memcpy(*out, "true", 4);
		*out += 4;
	} else {
		memcpy(*out, "false", 5);
		*out += 5;
	}
	return NULL;
}

static const char *encode_int2(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_integer(*out, (int16_t)postgresql_get16(cell->data));
	return NULL;
}

static const char *encode_int4(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_integer(*out, (int32_t)postgresql_get32(cell->data));
	return NULL;
}

static const char *encode_int8(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_integer(*out, (int64_t)postgresql_get64(cell->data));
	return NULL;
}

static const char *encode_float4(const struct column *column, const struct cell *cell, char **out)
{
	uint32_t bits = postgresql_get32(cell->data);
	float value;

	(void)column;
	memcpy(&value, &bits, sizeof value);
	*out = encode_put_float(*out, value);
	return NULL;
}

static const char *encode_float8(const struct column *column, const struct cell *cell, char **out)
{
	uint64_t bits = postgresql_get64(cell->data);
	double value;

	(void)column;
	memcpy(&value, &bits, sizeof value);
	*out = encode_put_double(*out, value);
	return NULL;
}

static const char *encode_oid(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_unsigned(*out, postgresql_get32(cell->data));
	return NULL;
}

/* Bool is t or f to PostgreSQL. */
static int text_bool(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	(void)column;
	(void)max;
	return buf_append_str(out, cell->data[0] ? "t" : "f", err);
}

/* An amount in the smallest unit: 123456 is "1234.56" where scale is 2. */
static const char *encode_money(const struct column *column, const struct cell *cell, char **ret)
{
	int64_t amount = (int64_t)postgresql_get64(cell->data);
	uint64_t magnitude = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
	char digits[40], *end, *out = *ret;
	size_t n, whole, scale = (size_t)column->scale;

	/* Zeros before it, so that at least one digit stands before the point. */
	memset(digits, '0', sizeof digits);
	end = encode_put_unsigned(digits + scale, magnitude);
	n = (size_t)(end - digits);
	whole = n - scale;
	*out++ = '"';
	if (amount < 0)
		*out++ = '-';
	end = digits;
	while (whole > 1 && *end == '0') {
		end++;
		whole--;
	}
	memcpy(out, end, whole);
	out += whole;
	if (scale > 0) {
		*out++ = '.';
		memcpy(out, end + whole, scale);
		out += scale;
	}
	*out++ = '"';
	*ret = out;
	return NULL;
}

/* --- bytes, uuid ----------------------------------------------------- */

static int text_bytea(const struct column *column, const struct cell *cell, size_t max,
		      struct buf *out, struct error *err)
{
	(void)column;
	return encode_append_hex(out, "\\x", cell, max, err);
}

static const char *encode_uuid(const struct column *column, const struct cell *cell, char **ret)
{
	static const char hex[] = "0123456789abcdef";
	char *out = *ret;

	(void)column;
	*out++ = '"';
	for (int i = 0; i < 16; i++) {
		unsigned char byte = (unsigned char)cell->data[i];

		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[byte >> 4];
		*out++ = hex[byte & 15];
	}
	*out++ = '"';
	*ret = out;
	return NULL;
}

/* --- inet and cidr ----------------------------------------------------------- */

enum { INET_FAMILY4 = 2, INET_FAMILY6 = 3, INET_HEADER = 4 };

static char *put_octets(char *out, const unsigned char *p)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*out++ = '.';
		out = encode_put_unsigned(out, p[i]);
	}
	return out;
}

static char *put_hex_group(char *out, unsigned group)
{
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = group >> shift & 15;

		begun |= digit != 0 || shift == 0;
		if (begun)
			*out++ = "0123456789abcdef"[digit];
	}
	return out;
}

/* The first longest run of two or more zero groups, which "::" stands for; *count 0 without one. */
static int longest_zeros(const unsigned groups[8], int *count)
{
	int best = -1;

	*count = 1;
	for (int i = 0; i < 8; i++) {
		int end = i;

		while (end < 8 && groups[end] == 0)
			end++;
		if (end - i > *count) {
			best = i;
			*count = end - i;
		}
		if (end > i)
			i = end;
	}
	if (best < 0)
		*count = 0;
	return best;
}

/* As src/port/inet_net_ntop.c does it, embedded IPv4 addresses included. */
static char *put_address6(char *out, const unsigned char *p)
{
	unsigned groups[8];
	int zeros, first;

	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)p[2 * i] << 8 | p[2 * i + 1];
	first = longest_zeros(groups, &zeros);
	for (int i = 0; i < 8; i++) {
		if (first >= 0 && i >= first && i < first + zeros) {
			if (i == first)
				*out++ = ':';
			continue;
		}
		if (i)
			*out++ = ':';
		if (i == 6 && first == 0 && (zeros == 6 || (zeros == 5 && groups[5] == 0xFFFF)))
			return put_octets(out, p + 12);
		out = put_hex_group(out, groups[i]);
	}
	if (first >= 0 && first + zeros == 8)
		*out++ = ':';
	return out;
}

/* network_send: family, bits of the netmask, whether it is a cidr, bytes of the address. */
static const char *encode_inet(const struct column *column, const struct cell *cell, char **ret)
{
	const unsigned char *p = (const unsigned char *)cell->data;
	bool six = cell->length > 0 && p[0] == INET_FAMILY6;
	unsigned bytes = six ? 16 : 4;
	char *out = *ret;

	(void)column;
	if (cell->length != INET_HEADER + bytes || (!six && p[0] != INET_FAMILY4) ||
	    p[3] != bytes || p[1] > 8 * bytes)
		return "malformed inet";
	*out++ = '"';
	out = six ? put_address6(out, p + INET_HEADER) : put_octets(out, p + INET_HEADER);
	/* A cidr has its bits always, an inet where it is not a host. */
	if (p[2] || p[1] != 8 * bytes) {
		*out++ = '/';
		out = encode_put_unsigned(out, p[1]);
	}
	*out++ = '"';
	*ret = out;
	return NULL;
}

/* --- json and jsonb ----------------------------------------------------------- */

/* postgresql_append_select asks for an array with odd bounds as text, "[0:1]={1,2}". */
static const char *check_bounds(const struct cell *cell)
{
	if (cell->length > 0 && cell->data[0] == '[' && cell->data[cell->length - 1] == '}')
		return "an array whose subscripts do not begin at 1";
	return NULL;
}

static const char *encode_json_array(const struct column *column, const struct cell *cell,
				     char **out)
{
	const char *reason = check_bounds(cell);

	return reason ? reason : encoder_json.encode(column, cell, out);
}

static const char *encode_json_array_text(const struct column *column, const struct cell *cell,
					  char **out)
{
	const char *reason = check_bounds(cell);

	return reason ? reason : encode_cell_text(column, cell, out);
}

/* jsonb_send: a version byte, then the text of jsonb_out, which is one line. */
static const char *encode_jsonb(const struct column *column, const struct cell *cell, char **out)
{
	const char *reason;

	if (cell->length < 2 || cell->data[0] != 1)
		return "jsonb of a version that is not known";
	reason = encode_check_json_null(column->required, cell->data + 1, cell->length - 1);
	return reason ? reason : encode_put_json(cell->data + 1, cell->length - 1, out);
}

static const char *encode_jsonb_text(const struct column *column, const struct cell *cell,
				     char **out)
{
	(void)column;
	if (cell->length < 2 || cell->data[0] != 1)
		return "jsonb of a version that is not known";
	return encode_put_string(cell->data + 1, cell->length - 1, out);
}

static int text_jsonb(const struct column *column, const struct cell *cell, size_t max,
		      struct buf *out, struct error *err)
{
	size_t n = cell->length ? cell->length - 1 : 0;

	(void)column;
	return buf_append(out, cell->data + 1, n < max + 8 ? n : max + 8, err);
}

/* --- the encoders ---------------------------------------------------------------- */

#define FIXED_WIDTH(function, print, room, bytes)                                        \
	{                                                                                \
		.encode = (function), .text = (print), .fixed = (room), .width = (bytes) \
	}

const struct encoder postgresql_bool = FIXED_WIDTH(encode_bool, text_bool, 5, 1);
const struct encoder postgresql_int2 = FIXED_WIDTH(encode_int2, encode_text_as_written, 24, 2);
const struct encoder postgresql_int4 = FIXED_WIDTH(encode_int4, encode_text_as_written, 24, 4);
const struct encoder postgresql_int8 = FIXED_WIDTH(encode_int8, encode_text_as_written, 24, 8);
const struct encoder postgresql_oid = FIXED_WIDTH(encode_oid, encode_text_as_written, 24, 4);
const struct encoder postgresql_float4 =
	FIXED_WIDTH(encode_float4, encode_text_as_written, DOUBLE_TEXT_MAX, 4);
const struct encoder postgresql_float8 =
	FIXED_WIDTH(encode_float8, encode_text_as_written, DOUBLE_TEXT_MAX, 8);
const struct encoder postgresql_money = FIXED_WIDTH(encode_money, encode_text_as_written, 48, 8);
const struct encoder postgresql_uuid = FIXED_WIDTH(encode_uuid, encode_text_as_written, 38, 16);
const struct encoder postgresql_inet = FIXED_WIDTH(encode_inet, encode_text_as_written, 56, 0);

const struct encoder postgresql_bytea = { .encode = encode_cell_bytes,
					  .text = text_bytea,
					  .fixed = 8,
					  .expand = 2,
					  .measure = encode_measure_bytes,
					  .measure_above = ENCODE_LONG_CELL };
const struct encoder postgresql_json_array = { .encode = encode_json_array, .expand = 1 };
const struct encoder postgresql_json_array_text = { .encode = encode_json_array_text,
						    .fixed = 18,
						    .expand = 6,
						    .measure = encode_measure_string,
						    .measure_above = ENCODE_LONG_CELL };
const struct encoder postgresql_jsonb = { .encode = encode_jsonb, .text = text_jsonb, .expand = 1 };
const struct encoder postgresql_jsonb_text = { .encode = encode_jsonb_text,
					       .text = text_jsonb,
					       .fixed = 18,
					       .expand = 6,
					       .measure = encode_measure_string,
					       .measure_above = ENCODE_LONG_CELL };
