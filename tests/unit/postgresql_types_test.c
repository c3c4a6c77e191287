/* PostgreSQL's wire formats: the edges, and what no server should send. */
#include "extract/postgresql_types.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

enum { NUMERIC = 1700, TIME = 1083 };

static struct column column_of(uint32_t oid, int32_t modifier)
{
	struct column column = { .name = NULL };

	postgresql_set_type(&column, oid, modifier);
	return column;
}

static int32_t numeric_modifier(int precision, int scale)
{
	return (precision << 16 | (scale & 0x7FF)) + 4;
}

/* Encodes into exactly the room that the encoder asks for, so that a sanitizer sees more. */
static const char *encode(const struct column *column, const struct cell *cell, char *text,
			  size_t size)
{
	char *room = malloc(encode_room(column, cell)), *out = room;
	const char *reason = column->encoder->encode(column, cell, &out);

	text[0] = '\0';
	CHECK((size_t)(out - room) <= encode_room(column, cell));
	if (!reason)
		snprintf(text, size, "%.*s", (int)(out - room), room);
	free(room);
	/* cppcheck-suppress returnDanglingLifetime ; reasons are literals */
	return reason;
}

static void put16(char *p, unsigned value)
{
	p[0] = (char)(value >> 8);
	p[1] = (char)value;
}

/* The wire form of one digit, followed by as many zeros as weight says. */
static struct cell numeric_cell(char *wire, unsigned digit, int weight, unsigned sign, int scale)
{
	put16(wire, 1);
	put16(wire + 2, (unsigned)weight);
	put16(wire + 4, sign);
	put16(wire + 6, (unsigned)scale);
	put16(wire + 8, digit);
	return (struct cell){ .data = wire, .length = 10 };
}

static void digits_beyond_the_base(void)
{
	static const int32_t modifiers[][2] = { { 0, 0 }, { 10, 2 }, { 100, 50 } };
	static const unsigned digits[] = { 10000, 32768, 65535 };

	for (size_t m = 0; m < 3; m++)
		for (size_t d = 0; d < 3; d++)
			for (int weight = -2; weight <= 1; weight++) {
				struct column column =
					column_of(NUMERIC, m ? numeric_modifier(modifiers[m][0],
										modifiers[m][1])
							     : -1);
				char wire[16], text[64];
				struct cell cell = numeric_cell(wire, digits[d], weight, 0, 8);
				const char *reason = encode(&column, &cell, text, sizeof text);

				CHECK(reason && !strcmp(reason, "malformed numeric"));
			}
}

static void largest_digit(void)
{
	struct column column = column_of(NUMERIC, -1);
	char wire[16], text[64];
	struct cell cell = numeric_cell(wire, 9999, 0, 0x4000, 0);

	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK(!strcmp(text, "\"-9999\""));
}

/* numeric(1000,-1000) has 2000 digits. */
static void negative_scale(void)
{
	struct column column = column_of(NUMERIC, numeric_modifier(1000, -1000));
	char wire[16], text[4096];
	struct cell cell = numeric_cell(wire, 9999, 499, 0x4000, 0);

	CHECK(!strcmp(column.type, "STRING"));
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK(strlen(text) == 2003 && !strncmp(text, "\"-999900", 8));
	cell = numeric_cell(wire, 1, 500, 0, 0);
	CHECK(encode(&column, &cell, text, sizeof text) != NULL);
	/* No declaration allows both, but the room must be enough. */
	cell = numeric_cell(wire, 9999, 499, 0x4000, 999);
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK(strlen(text) == 3003);
}

static void times_outside_a_day(void)
{
	static const int64_t moments[] = { -1, INT64_C(86400000001), INT64_MAX, INT64_MIN };
	struct column column = column_of(TIME, -1);

	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		auto_buf out = BUF_INIT;
		char wire[8], text[64];
		struct cell cell = { .data = wire, .length = 8 };
		const char *reason;
		struct error err;

		for (int byte = 0; byte < 8; byte++)
			wire[byte] = (char)((uint64_t)moments[i] >> (56 - 8 * byte));
		reason = encode(&column, &cell, text, sizeof text);
		CHECK(reason && !strcmp(reason, "malformed time"));
		CHECK(column.encoder->text(&column, &cell, 1024, &out, &err) == 0 &&
		      out.length == 0);
	}
}

static void end_of_day(void)
{
	struct column column = column_of(TIME, -1);
	const char wire[8] = "\x00\x00\x00\x14\x1D\xD7\x60\x00"; /* 86400000000 */
	struct cell cell = { .data = wire, .length = 8 };
	auto_buf out = BUF_INIT;
	char text[64];
	struct error err;

	CHECK(encode(&column, &cell, text, sizeof text) != NULL);
	CHECK(column.encoder->text(&column, &cell, 1024, &out, &err) == 0);
	CHECK(out.length == 15 && !memcmp(out.data, "24:00:00.000000", 15));
}

int main(void)
{
	unit_test("numeric digits beyond 9999 are malformed");
	digits_beyond_the_base();
	unit_test("the largest digit is not");
	largest_digit();
	unit_test("a negative scale has room for 2000 digits");
	negative_scale();
	unit_test("times outside of a day are malformed, and have no text");
	times_outside_a_day();
	unit_test("24:00:00 is rejected as what it is");
	end_of_day();
	return unit_done();
}
