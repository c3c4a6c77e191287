/*
 * Values of MySQL's binary protocol: the first byte chooses the encoder, the
 * second precision and scale, the rest is the value. What passes stays within
 * its room and is one JSON value of one line; the text for a reject is there
 * whatever came.
 */
#include <jansson.h>

#include "extract/mysql_encoders.h"
#include "tests/fuzz/target.h"

/* clang-format off */
static const struct encoder *const encoders[] = {
	&mysql_int1, &mysql_int2, &mysql_int4, &mysql_int8,
	&mysql_uint1, &mysql_uint2, &mysql_uint4, &mysql_uint8,
	&mysql_boolean, &mysql_unsigned_boolean, &mysql_float, &mysql_float_text, &mysql_double,
	&mysql_bit_boolean, &mysql_bit_integer, &mysql_bit_numeric, &mysql_decimal,
	&mysql_date, &mysql_date_or_null, &mysql_time, &mysql_datetime, &mysql_datetime_or_null,
	&mysql_timestamp, &mysql_timestamp_or_null, &mysql_geometry,
	&encoder_text, &mysql_bytes, &encoder_json,
};
/* clang-format on */

/* jansson has not the range for some numbers. */
static void check_json(const char *p, size_t n)
{
	json_error_t why;
	json_t *json =
		json_loadb(p, n, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);

	REQUIRE(json || json_error_code(&why) == json_error_numeric_overflow);
	REQUIRE(!memchr(p, '\n', n));
	json_decref(json);
}

/* A date's scale is its fraction digits, without a precision. */
static struct column column_for(const struct encoder *encoder, unsigned declared)
{
	struct column column = { .encoder = encoder };

	if (encoder == &mysql_decimal) {
		column.precision = (int)(declared % 77);
		column.scale = column.precision < 38 ? column.precision / 2 : 38;
	} else {
		column.scale = (int)(declared % 7);
	}
	return column;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct column column;
	struct cell cell;
	auto_buf text = BUF_INIT;
	struct error err;
	char *room, *end;

	if (size < 2)
		return 0;
	column = column_for(encoders[data[0] % (sizeof encoders / sizeof *encoders)], data[1]);
	cell = (struct cell){ .data = (const char *)data + 2, .length = size - 2 };
	room = end = malloc(encode_room(&column, &cell));
	REQUIRE(room);
	if (!column.encoder->encode(&column, &cell, &end)) {
		REQUIRE((size_t)(end - room) <= encode_room(&column, &cell));
		check_json(room, (size_t)(end - room));
	} else {
		REQUIRE(end == room);
	}
	if (column.encoder->text)
		REQUIRE(column.encoder->text(&column, &cell, 1024, &text, &err) == 0);
	free(room);
	return 0;
}
