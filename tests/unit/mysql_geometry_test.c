/* MySQL's geometries on the wire of the binary protocol. */
#include "tests/unit/mysql_example.h"

#define LE_POINT_1_2 "\x00\x00\x00\x00\x00\x00\xF0\x3F\x00\x00\x00\x00\x00\x00\x00\x40"
#define LE_THIRD_0 "\x55\x55\x55\x55\x55\x55\xD5\x3F\x00\x00\x00\x00\x00\x00\x00\x80"

/* clang-format off */
static void geometries(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\xE6\x10\0\0\x01\x01\0\0\0" LE_THIRD_0), "\"POINT(0.3333333333333333 -0.0)\"", "0xe61000000101000000555555555555d53f0000000000000080" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x02\0\0\0\x02\0\0\0" LE_POINT_1_2 LE_POINT_1_2), "\"LINESTRING(1 2,1 2)\"", "0x00000000010200000002000000000000000000f03f0000000000000040000000000000f03f0000000000000040" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x03\0\0\0\x02\0\0\0\x01\0\0\0" LE_POINT_1_2 "\x01\0\0\0" LE_POINT_1_2), "\"POLYGON((1 2),(1 2))\"", "0x0000000001030000000200000001000000000000000000f03f000000000000004001000000000000000000f03f0000000000000040" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x04\0\0\0\x01\0\0\0\x01\x01\0\0\0" LE_POINT_1_2), "\"MULTIPOINT((1 2))\"", "0x000000000104000000010000000101000000000000000000f03f0000000000000040" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x07\0\0\0\0\0\0\0"), "\"GEOMETRYCOLLECTION EMPTY\"", "0x00000000010700000000000000" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x07\0\0\0\x01\0\0\0\x01\x07\0\0\0\0\0\0\0"), "\"GEOMETRYCOLLECTION(GEOMETRYCOLLECTION EMPTY)\"", "0x00000000010700000001000000010700000000000000" },
		/* No byte order, a type beyond the last, 4 G of points, a part of another type, one byte too many. */
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x02\0\0\0\x01" LE_POINT_1_2), "!malformed", "0x000000000200000001000000000000f03f0000000000000040" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x00\x01\0\0\0" LE_POINT_1_2), "!malformed", "0x000000000001000000000000000000f03f0000000000000040" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x08\0\0\0\0\0\0\0"), "!malformed", "0x00000000010800000000000000" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x02\0\0\0\xFF\xFF\xFF\xFF"), "!malformed", "0x000000000102000000ffffffff" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x04\0\0\0\x01\0\0\0\x01\x02\0\0\0\0\0\0\0"), "!malformed", "0x00000000010400000001000000010200000000000000" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x07\0\0\0\0\0\0\0\0"), "!malformed", "0x0000000001070000000000000000" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0\xF0\x7F\0\0\0\0\0\0\0\0"), "!malformed", "0x000000000101000000000000000000f07f0000000000000000" },
		{ MYSQL_TYPE_GEOMETRY, 0, 0, 0, "STRING", WIRE("\0\0\0"), "!malformed", "0x000000" },
	};

	CHECK_ALL(examples, &plain);
}
/* clang-format on */

/* The most text for the fewest bytes. */
static void long_numbers(void)
{
	enum { POINTS = 200, HEADER = 13 };
	const struct example geometry = { .id = MYSQL_TYPE_GEOMETRY };
	struct column column = column_of(&geometry, &plain);
	char wire[HEADER + 16 * POINTS] = { [4] = 1, [5] = 2, [9] = (char)POINTS }, text[16384];
	struct cell cell = { .data = wire, .length = sizeof wire };

	for (size_t i = HEADER; i < sizeof wire; i += 8)
		memcpy(wire + i, "\xFF\xFF\xFF\xFF\xFF\xFF\xEF\xFF", 8);
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK(strlen(text) == strlen("\"LINESTRING()\"") - 1 + 50 * POINTS);
	CHECK_HAS(text, ",-1.7976931348623157e+308 -1.7976931348623157e+308)");
}

/* One level more than is read: an empty collection in 201 others. */
static void nested_collections(void)
{
	enum { LEVELS = 202 };
	const struct example geometry = { .id = MYSQL_TYPE_GEOMETRY };
	struct column column = column_of(&geometry, &plain);
	char wire[4 + 9 * LEVELS] = { 0 }, text[8192];
	struct cell cell = { .data = wire, .length = sizeof wire };

	for (size_t i = 4; i < sizeof wire; i += 9)
		memcpy(wire + i, "\x01\x07\x00\x00\x00\x01\x00\x00\x00", 9);
	wire[sizeof wire - 4] = 0;
	check_outcome("202 levels", "!a geometry that is nested too deep", text,
		      encode(&column, &cell, text, sizeof text));
	wire[sizeof wire - 13] = 0;
	cell.length -= 9;
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK_HAS(text, "(GEOMETRYCOLLECTION EMPTY)");
}

int main(void)
{
	unit_test("geometries are WKT with every digit; what is malformed is not read");
	geometries();
	unit_test("geometries have room for the longest numbers");
	long_numbers();
	unit_test("nested collections have an end");
	nested_collections();
	return unit_done();
}
