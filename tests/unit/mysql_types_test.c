/* MySQL's numbers, text and JSON on the wire of the binary protocol: the edges, and what no server should send. */
#include "tests/unit/mysql_example.h"

/* clang-format off */
/* clang-format off */
static void integers(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_TINY, 0, 4, 0, "INTEGER", WIRE("\x80"), "-128", "-128" },
		{ MYSQL_TYPE_TINY, 0, 1, 0, "INTEGER", WIRE("\x02"), "2", "2" },
		{ MYSQL_TYPE_TINY, UNSIGNED_FLAG | ZEROFILL_FLAG, 3, 0, "INTEGER", WIRE("\xFF"), "255", "255" },
		{ MYSQL_TYPE_SHORT, 0, 6, 0, "INTEGER", WIRE("\x00\x80"), "-32768", "-32768" },
		{ MYSQL_TYPE_SHORT, UNSIGNED_FLAG, 5, 0, "INTEGER", WIRE("\xFE\xFF"), "65534", "65534" },
		{ MYSQL_TYPE_YEAR, UNSIGNED_FLAG | ZEROFILL_FLAG, 4, 0, "INTEGER", WIRE("\x6B\x08"), "2155", "2155" },
		{ MYSQL_TYPE_INT24, 0, 9, 0, "INTEGER", WIRE("\x00\x00\x80\xFF"), "-8388608", "-8388608" },
		{ MYSQL_TYPE_INT24, UNSIGNED_FLAG, 8, 0, "INTEGER", WIRE("\xFF\xFF\xFF\x00"), "16777215", "16777215" },
		{ MYSQL_TYPE_LONG, 0, 11, 0, "INTEGER", WIRE("\x00\x00\x00\x80"), "-2147483648", "-2147483648" },
		{ MYSQL_TYPE_LONG, UNSIGNED_FLAG, 10, 0, "INTEGER", WIRE("\xFE\xFF\xFF\xFF"), "4294967294", "4294967294" },
		{ MYSQL_TYPE_LONGLONG, 0, 20, 0, "INTEGER", WIRE("\x00\x00\x00\x00\x00\x00\x00\x80"), "\"-9223372036854775808\"", "-9223372036854775808" },
		{ MYSQL_TYPE_LONGLONG, 0, 20, 0, "INTEGER", WIRE("\xFF\xFF\xFF\xFF\xFF\xFF\x1F\x00"), "9007199254740991", "9007199254740991" },
		{ MYSQL_TYPE_LONGLONG, UNSIGNED_FLAG, 20, 0, "NUMERIC", WIRE("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "\"18446744073709551615\"", "18446744073709551615" },
		{ MYSQL_TYPE_LONGLONG, UNSIGNED_FLAG, 20, 0, "NUMERIC", WIRE("\x00\x00\x00\x00\x00\x00\x00\x00"), "\"0\"", "0" },
	};

	CHECK_ALL(examples, &plain);
}

static void tinyint1(void)
{
	static const struct type_options options = { .tinyint1_bool = true };
	static const struct example examples[] = {
		{ MYSQL_TYPE_TINY, 0, 1, 0, "BOOLEAN", WIRE("\x01"), "true", "1" },
		{ MYSQL_TYPE_TINY, 0, 1, 0, "BOOLEAN", WIRE("\x00"), "false", "0" },
		{ MYSQL_TYPE_TINY, 0, 1, 0, "BOOLEAN", WIRE("\x02"), "!must be 0 or 1", "2" },
		{ MYSQL_TYPE_TINY, 0, 1, 0, "BOOLEAN", WIRE("\xFF"), "!must be 0 or 1", "-1" },
		{ MYSQL_TYPE_TINY, UNSIGNED_FLAG, 1, 0, "BOOLEAN", WIRE("\xFF"), "!must be 0 or 1", "255" },
		{ MYSQL_TYPE_TINY, 0, 4, 0, "INTEGER", WIRE("\x01"), "1", "1" },
		{ MYSQL_TYPE_SHORT, 0, 1, 0, "INTEGER", WIRE("\x01\x00"), "1", "1" },
	};

	CHECK_ALL(examples, &options);
}

static void floats(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_FLOAT, 0, 12, 31, "FLOAT", WIRE("\xCD\xCC\xCC\x3D"), "0.1", "0.1" },
		{ MYSQL_TYPE_FLOAT, UNSIGNED_FLAG, 7, 2, "FLOAT", WIRE("\xFF\xFF\x7F\x7F"), "3.4028235e+38", "3.4028235e+38" },
		{ MYSQL_TYPE_FLOAT, 0, 12, 31, "FLOAT", WIRE("\x00\x00\x00\x80"), "-0.0", "-0.0" },
		{ MYSQL_TYPE_FLOAT, 0, 12, 31, "FLOAT", WIRE("\x00\x00\xC0\x7F"), "\"NaN\"", "NaN" },
		{ MYSQL_TYPE_DOUBLE, 0, 22, 31, "FLOAT", WIRE("\x9A\x99\x99\x99\x99\x99\xB9\x3F"), "0.1", "0.1" },
		{ MYSQL_TYPE_DOUBLE, 0, 22, 31, "FLOAT", WIRE("\xFF\xFF\xFF\xFF\xFF\xFF\xEF\xFF"), "-1.7976931348623157e+308", "-1.7976931348623157e+308" },
		{ MYSQL_TYPE_DOUBLE, 0, 22, 31, "FLOAT", WIRE("\x01\x00\x00\x00\x00\x00\x00\x00"), "5e-324", "5e-324" },
		{ MYSQL_TYPE_DOUBLE, 0, 22, 31, "FLOAT", WIRE("\x00\x00\x00\x00\x00\x00\xF0\xFF"), "\"-Infinity\"", "-Infinity" },
		{ MYSQL_TYPE_DOUBLE, 0, 22, 31, "FLOAT", WIRE("\x00\x00\x00\x00\x00\x00\xF0\x7F"), "\"Infinity\"", "Infinity" },
	};

	CHECK_ALL(examples, &plain);
}

static void bits(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 1, 0, "BOOLEAN", WIRE("\x00"), "false", "0" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 1, 0, "BOOLEAN", WIRE("\x01"), "true", "1" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 1, 0, "BOOLEAN", WIRE("\x02"), "!malformed", "2" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 9, 0, "INTEGER", WIRE("\x01\x02"), "258", "258" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 63, 0, "INTEGER", WIRE("\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "\"9223372036854775807\"", "9223372036854775807" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 63, 0, "INTEGER", WIRE("\x80\x00\x00\x00\x00\x00\x00\x00"), "!malformed", "9223372036854775808" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 64, 0, "NUMERIC", WIRE("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "\"18446744073709551615\"", "18446744073709551615" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 64, 0, "NUMERIC", WIRE(""), "!malformed", "" },
		{ MYSQL_TYPE_BIT, UNSIGNED_FLAG, 64, 0, "NUMERIC", WIRE("123456789"), "!malformed", "" },
	};

	CHECK_ALL(examples, &plain);
}

static void decimals(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("-12345678.90"), "\"-12345678.90\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, UNSIGNED_FLAG | ZEROFILL_FLAG, 11, 2, "NUMERIC", WIRE("00000005.00"), "\"5.00\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, UNSIGNED_FLAG | ZEROFILL_FLAG, 11, 2, "NUMERIC", WIRE("00000000.00"), "\"0.00\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, UNSIGNED_FLAG | ZEROFILL_FLAG, 5, 0, "NUMERIC", WIRE("00000"), "\"0\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("-0.00"), "\"0.00\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("-0.01"), "\"-0.01\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("1"), "\"1.00\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("1.5000"), "\"1.50\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("1.501"), "!more digits", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("123456789.00"), "!more digits", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 5, 3, "NUMERIC", WIRE("-.500"), "\"-0.500\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 6, 0, "NUMERIC", WIRE("-3"), "\"-3\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 67, 30, "BIGNUMERIC", WIRE("0.000000000000000000000000000001"), "\"0.000000000000000000000000000001\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 67, 20, "STRING", WIRE("-999999999999999999999999999999999999999999999.99999999999999999999"), "\"-999999999999999999999999999999999999999999999.99999999999999999999\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, UNSIGNED_FLAG | ZEROFILL_FLAG, 66, 20, "STRING", WIRE("000000000000000000000000000000000000000000007.00000000000000000000"), "\"7.00000000000000000000\"", NULL },
		{ MYSQL_TYPE_DECIMAL, 0, 7, 2, "NUMERIC", WIRE("9999.99"), "\"9999.99\"", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE(""), "!malformed", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("-"), "!malformed", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("."), "!malformed", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("1e5"), "!malformed", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("1.2.3"), "!malformed", NULL },
		{ MYSQL_TYPE_NEWDECIMAL, 0, 12, 2, "NUMERIC", WIRE("1 "), "!malformed", NULL },
	};

	CHECK_ALL(examples, &plain);
}
/* clang-format on */

static void declared_digits(void)
{
	static const struct {
		unsigned flags;
		unsigned long width;
		unsigned scale;
		const char *type;
		int precision;
	} declared[] = {
		{ 0, 40, 9, "NUMERIC", 38 },    /* decimal(38,9) */
		{ 0, 41, 9, "BIGNUMERIC", 39 }, /* decimal(39,9) */
		{ 0, 41, 10, "BIGNUMERIC", 39 }, { UNSIGNED_FLAG, 39, 9, "NUMERIC", 38 },
		{ 0, 30, 0, "NUMERIC", 29 },     { 0, 31, 0, "BIGNUMERIC", 30 },
		{ 0, 39, 0, "BIGNUMERIC", 38 },  { 0, 40, 0, "STRING", 0 }, /* decimal(39) */
		{ 0, 67, 38, "BIGNUMERIC", 65 }, { 0, 67, 27, "BIGNUMERIC", 65 },
		{ 0, 67, 26, "STRING", 0 },
	};

	for (size_t i = 0; i < sizeof declared / sizeof *declared; i++) {
		struct example e = { .id = MYSQL_TYPE_NEWDECIMAL,
				     .flags = declared[i].flags,
				     .width = declared[i].width,
				     .decimals = declared[i].scale };
		struct column column = column_of(&e, &plain);

		CHECK(!strcmp(column.type, declared[i].type));
		CHECK(column.precision == declared[i].precision);
		CHECK(column.scale == (column.precision ? (int)declared[i].scale : 0));
	}
}

/* A wire type that changed since it was described must not be read as the old one. */
static void wrong_widths(void)
{
	static const enum enum_field_types ids[] = {
		MYSQL_TYPE_TINY,     MYSQL_TYPE_SHORT, MYSQL_TYPE_LONG,
		MYSQL_TYPE_LONGLONG, MYSQL_TYPE_FLOAT, MYSQL_TYPE_DOUBLE,
	};
	static const struct type_options bool_option = { .tinyint1_bool = true };

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		for (unsigned flags = 0; flags <= UNSIGNED_FLAG; flags += UNSIGNED_FLAG) {
			struct example e = { .id = ids[i], .flags = flags, .width = 1 };
			struct column column = column_of(&e, i % 2 ? &plain : &bool_option);
			struct cell cell = { .data = "abc", .length = 3 };
			char text[64];

			CHECK(column.encoder->width > 0);
			CHECK(encode(&column, &cell, text, sizeof text) != NULL);
		}
}

static struct column text_column(enum enum_field_types id, unsigned flags, unsigned charset,
				 const struct type_options *options)
{
	MYSQL_FIELD field = { .type = id, .flags = flags, .charsetnr = charset, .length = 10 };
	struct column column = { .source_name = "c", .required = true };
	struct error err;

	CHECK(mysql_set_type(&column, &field, options, &err) == 0);
	return column;
}

static void check_value(const struct column *column, const char *type, const char *value,
			const char *json)
{
	struct cell cell = { .data = value, .length = strlen(value) };
	char text[256];
	const char *reason = encode(column, &cell, text, sizeof text);

	CHECK(!strcmp(column->type, type));
	check_outcome(value, json, text, reason);
}

static void texts(void)
{
	static const enum enum_field_types ids[] = {
		MYSQL_TYPE_VARCHAR, MYSQL_TYPE_TINY_BLOB, MYSQL_TYPE_MEDIUM_BLOB,
		MYSQL_TYPE_BLOB,    MYSQL_TYPE_LONG_BLOB, MYSQL_TYPE_VAR_STRING,
		MYSQL_TYPE_STRING,
	};
	struct column column;

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		column = text_column(ids[i], BLOB_FLAG | BINARY_FLAG, UTF8MB4, &plain);
		check_value(&column, "STRING", "a\"\xC3\xA9", "\"a\\\"\xC3\xA9\"");
		check_value(&column, "STRING", "a\xFF", "!not valid UTF-8");
		column = text_column(ids[i], BLOB_FLAG | BINARY_FLAG, BINARY, &plain);
		check_value(&column, "BYTES", "a\xFF", "\"Yf8=\"");
		check_text(&column, &(struct cell){ "a\xFF", 2, false }, "0x61ff");
	}
	column = text_column(MYSQL_TYPE_STRING, ENUM_FLAG, BINARY, &plain);
	check_value(&column, "STRING", "", "\"\"");
	column = text_column(MYSQL_TYPE_STRING, SET_FLAG, BINARY, &plain);
	check_value(&column, "STRING", "x,y", "\"x,y\"");
	column = text_column(MYSQL_TYPE_NULL, 0, BINARY, &plain);
	CHECK(!strcmp(column.type, "STRING"));
}

static void json(void)
{
	static const struct type_options string = { .json_string = true };
	struct column column = text_column(MYSQL_TYPE_JSON, 0, BINARY, &plain);

	check_value(&column, "JSON", "{\"a\": 1,\n\"b\":[ ]}", "{\"a\":1,\"b\":[]}");
	check_value(&column, "JSON", "{\"a\":1,\"a\":2}", "!twice");
	check_value(&column, "JSON", " null ", "!JSON null");
	check_value(&column, "JSON", "\"null\"", "\"null\"");
	column.required = false;
	check_value(&column, "JSON", " null ", "null");
	column = text_column(MYSQL_TYPE_JSON, 0, BINARY, &string);
	check_value(&column, "STRING", "{\"a\": 1}", "\"{\\\"a\\\": 1}\"");
}

static void check_select(const struct column *column, const char *sql)
{
	auto_buf out = BUF_INIT;
	struct error err;
	const char *text;

	CHECK(mysql_append_select(&out, column, &err) == 0);
	text = buf_cstr(&out, &err);
	CHECK(text && !strcmp(text, sql));
}

static void as_text(void)
{
	static const struct type_options time_string = { .time_string = true };
	static const struct {
		enum enum_field_types id;
		const char *plain, *text;
	} forms[] = {
		{ MYSQL_TYPE_LONG, "`c`", "CAST(`c` AS CHAR)" },
		{ MYSQL_TYPE_DOUBLE, "`c`", "CAST(`c` AS CHAR)" },
		{ MYSQL_TYPE_FLOAT, "`c`", "`c`" },
		{ MYSQL_TYPE_BIT, "`c`", "CAST(`c` + 0 AS CHAR)" },
		{ MYSQL_TYPE_DATETIME, "`c`", "CAST(`c` AS CHAR)" },
		{ MYSQL_TYPE_NEWDECIMAL, "`c`", "`c`" },
		{ MYSQL_TYPE_BLOB, "`c`", "`c`" },
		{ MYSQL_TYPE_JSON, "`c`", "`c`" },
		{ MYSQL_TYPE_GEOMETRY, "`c`", "`c`" },
		/* A type of a server that is newer than this program. */
		{ (enum enum_field_types)200, "CAST(`c` AS CHAR)", "CAST(`c` AS CHAR)" },
	};
	struct column column;
	struct example time = { .id = MYSQL_TYPE_TIME };

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct example e = { .id = forms[i].id, .width = 12, .decimals = 2 };

		column = column_of(&e, &plain);
		check_select(&column, forms[i].plain);
		mysql_as_text(&column);
		check_select(&column, forms[i].text);
		CHECK(!strcmp(column.type, "STRING") && column.precision == 0 && column.required);
		if (e.id != MYSQL_TYPE_GEOMETRY && e.id != MYSQL_TYPE_FLOAT)
			check_value(&column, "STRING", "000.10", "\"000.10\"");
	}
	column = column_of(&time, &time_string);
	check_select(&column, "CAST(`c` AS CHAR)");
	check_value(&column, "STRING", "-838:59:59.000001", "\"-838:59:59.000001\"");
	column.source_name = "a`b``";
	check_select(&column, "CAST(`a``b````` AS CHAR)");
}

/* The server would print 6 digits. */
static void float_as_text(void)
{
	static const struct {
		const char *wire, *json;
	} values[] = {
		{ "\xCD\xCC\xCC\x3D", "\"0.1\"" },
		{ "\x01\x00\x00\x4B", "\"8.388609e+06\"" },
		{ "\x00\x00\x80\xFF", "\"-Infinity\"" },
	};
	struct example e = { .id = MYSQL_TYPE_FLOAT };
	struct column column = column_of(&e, &plain);
	char text[64];

	mysql_as_text(&column);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct cell cell = { .data = values[i].wire, .length = 4 };

		CHECK(encode(&column, &cell, text, sizeof text) == NULL);
		CHECK(!strcmp(text, values[i].json));
	}
	check_text(&column, &(struct cell){ values[0].wire, 4, false }, "0.1");
}

static void impossible_metadata(void)
{
	static const MYSQL_FIELD fields[] = {
		{ .type = MYSQL_TYPE_NEWDECIMAL, .length = 0 },
		{ .type = MYSQL_TYPE_NEWDECIMAL, .length = 1 },
		{ .type = MYSQL_TYPE_NEWDECIMAL, .length = 80 },
		{ .type = MYSQL_TYPE_NEWDECIMAL, .length = 60, .decimals = 39 },
		{ .type = MYSQL_TYPE_NEWDECIMAL, .length = 5, .decimals = 4 },
		{ .type = MYSQL_TYPE_BIT, .length = 0 },
		{ .type = MYSQL_TYPE_BIT, .length = 65 },
	};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct column column = { .source_name = "price" };
		struct error err = { .code = 0 };

		CHECK(mysql_set_type(&column, &fields[i], &plain, &err) == -1);
		CHECK(err.code == ERR_PROTOCOL);
		CHECK_HAS(err.message, "price");
	}
}

int main(void)
{
	unit_test("integers of every width, signed and unsigned");
	integers();
	unit_test("tinyint(1) is BOOLEAN on request, and then only 0 or 1");
	tinyint1();
	unit_test("floats are the shortest text of their own width");
	floats();
	unit_test("bit fields are read big-endian");
	bits();
	unit_test("decimals keep every digit and lose the zeros of ZEROFILL");
	decimals();
	unit_test("precision and scale come from width and sign");
	declared_digits();
	unit_test("a number of another width than its type is malformed");
	wrong_widths();
	unit_test("text, bytes, enum and set");
	texts();
	unit_test("JSON, and null in a column that is NOT NULL");
	json();
	unit_test("as text: what the SELECT asks for");
	as_text();
	unit_test("a float as text has all its digits");
	float_as_text();
	unit_test("metadata that no column can have is an error that names the column");
	impossible_metadata();
	return unit_done();
}
