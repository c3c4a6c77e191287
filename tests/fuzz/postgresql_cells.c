/*
 * Values of COPY's binary format: the first byte chooses the encoder, the
 * second the one of an array's elements, the rest is the value. What passes
 * stays within its room and is one JSON value of one line; the text for a
 * reject is there whatever came.
 */
#include <jansson.h>

#include "extract/postgresql_encoders.h"
#include "tests/fuzz/target.h"

/* clang-format off */
static const struct encoder *const encoders[] = {
	&postgresql_array, &postgresql_vector,
	&postgresql_bool, &postgresql_int2, &postgresql_int4, &postgresql_int8, &postgresql_oid,
	&postgresql_float4, &postgresql_float8, &postgresql_money, &encoder_text, &postgresql_bytea,
	&postgresql_uuid, &postgresql_inet, &encoder_json, &postgresql_json_array,
	&postgresql_json_array_text, &postgresql_jsonb, &postgresql_jsonb_text,
	&postgresql_bignumeric, &postgresql_numeric, &postgresql_numeric_string,
	&postgresql_numeric_float, &postgresql_date, &postgresql_time, &postgresql_timestamp,
	&postgresql_timestamptz, &postgresql_timestamp_utc, &postgresql_interval,
	&postgresql_geography, &postgresql_ewkt,
};
/* clang-format on */
enum { ENCODERS = sizeof encoders / sizeof *encoders, ARRAYS = 2 };

/* jansson has not the range for some numbers. jsonb comes as the server's own text. */
static void check_json(const struct encoder *encoder, const char *p, size_t n)
{
	json_error_t why;
	json_t *json;

	if (encoder == &postgresql_jsonb || n == 0)
		return;
	json = json_loadb(p, n, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);
	REQUIRE(json || json_error_code(&why) == json_error_numeric_overflow);
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): n > 0 */
	REQUIRE(!memchr(p, '\n', n));
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct column inner = { .scale = 2, .required = true }, column = { .inner = &inner };
	auto_buf text = BUF_INIT;
	struct cell cell;
	struct error err;
	char *room, *end;

	if (size < 2)
		return 0;
	column.encoder = encoders[data[0] % ENCODERS];
	column.scale = data[1] % 11;
	inner.encoder = encoders[ARRAYS + data[1] % (ENCODERS - ARRAYS)];
	cell = (struct cell){ .data = (const char *)data + 2, .length = size - 2 };
	/* The driver has refused another width already. */
	if (column.encoder->width && column.encoder->width != cell.length)
		return 0;
	room = end = malloc(encode_room(&column, &cell));
	REQUIRE(room || encode_room(&column, &cell) == 0);
	if (!column.encoder->encode(&column, &cell, &end)) {
		REQUIRE((size_t)(end - room) <= encode_room(&column, &cell));
		if (inner.encoder != &postgresql_jsonb)
			check_json(column.encoder, room, (size_t)(end - room));
	}
	if (column.encoder->text)
		REQUIRE(column.encoder->text(&column, &cell, 1024, &text, &err) == 0);
	free(room);
	return 0;
}
