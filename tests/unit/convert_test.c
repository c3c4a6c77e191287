/* --type: what fits is written as the other type has it, and the rest is refused. */
#include "extract/convert.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

/* A driver whose cells are the text of the value. */
static const char *encode_text(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	return encode_put_string(cell->data, cell->length, out);
}

static const char *encode_bare(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length == 1 && *cell->data == '!')
		return "the driver refuses it";
	memcpy(*out, cell->data, cell->length);
	*out += cell->length;
	return NULL;
}

static const struct encoder text = { .encode = encode_text,
				     .fixed = 18,
				     .expand = 6,
				     .measure = encode_measure_string,
				     .measure_above = 100 };
static const struct encoder bare = { .encode = encode_bare, .expand = 1 };

static void as_text(struct column *column)
{
	column->type = "STRING";
	column->repeated = false;
	column->encoder = &text;
}

static const struct driver driver = { .name = "fake", .as_text = as_text };

static struct column make_column(const char *type)
{
	bool quoted = !strchr("IFBJ", *type) || !strcmp(type, "BIGNUMERIC");

	return (struct column){ .source_name = "c",
				.source_type = "fake",
				.type = type,
				.encoder = quoted ? &text : &bare };
}

static int convert(const char *from, const char *to, struct column *column,
		   struct conversion *conversion, struct error *err)
{
	struct column_type type;

	*column = make_column(from);
	*conversion = (struct conversion){ 0 };
	if (convert_parse_type(to, &type, err) < 0)
		return -1;
	return convert_column(&driver, column, &type, conversion, err);
}

/* want NULL: refused. Cell and room are as large as promised, so that a sanitizer sees more. */
static void check_value(const struct column *column, const char *value, size_t n, const char *want)
{
	char *data = malloc(n ? n : 1);
	struct cell cell = { .data = data, .length = n };
	char *room, *end;
	const char *reason;

	memcpy(data, value, n);
	room = end = malloc(encode_room(column, &cell));
	reason = column->encoder->encode(column, &cell, &end);
	if (!reason != !!want || (want && (strlen(want) != (size_t)(end - room) ||
					   memcmp(room, want, strlen(want)) != 0))) {
		printf("# %.*s: %.*s%s, not %s\n", (int)n, value, reason ? 0 : (int)(end - room),
		       room, reason ? reason : "", want ? want : "refused");
		CHECK(!"the value is written as wanted");
	}
	free(room);
	free(data);
}

static void check_type(const char *from, const char *to, const char *const (*cases)[2])
{
	struct conversion conversion;
	struct column column;
	struct error err;

	if (convert(from, to, &column, &conversion, &err) < 0) {
		printf("# %s to %s: %s\n", from, to, err.message);
		CHECK(!"the types go together");
		return;
	}
	CHECK(!strncmp(column.type, to, strcspn(to, "(")));
	for (; (*cases)[0]; cases++)
		check_value(&column, (*cases)[0], strlen((*cases)[0]), (*cases)[1]);
}

#define CHECK_TYPE(from, to, ...)                                               \
	do {                                                                    \
		static const char *const list[][2] = { __VA_ARGS__, { NULL } }; \
		check_type(from, to, list);                                     \
	} while (0)

static void type_words(void)
{
	static const struct {
		const char *text, *name;
		int precision, scale;
	} good[] = { { "STRING", "STRING", 0, 0 },
		     { "int64", "INTEGER", 0, 0 },
		     { "Float64", "FLOAT", 0, 0 },
		     { "BOOL", "BOOLEAN", 0, 0 },
		     { "decimal(10,2)", "NUMERIC", 10, 2 },
		     { "NUMERIC (38, 9)", "NUMERIC", 38, 9 },
		     { "NUMERIC(5)", "NUMERIC", 5, 0 },
		     { "BIGNUMERIC(76,38)", "BIGNUMERIC", 76, 38 },
		     { "BIGDECIMAL", "BIGNUMERIC", 0, 0 },
		     { "GEOGRAPHY", "GEOGRAPHY", 0, 0 } };
	static const char *const bad[] = { "",
					   "INT",
					   "STRINGS",
					   "RECORD",
					   "STRING(10)",
					   "NUMERIC()",
					   "NUMERIC(",
					   "NUMERIC(10",
					   "NUMERIC(10,)",
					   "NUMERIC(10,2,1)",
					   "NUMERIC(10,2)x",
					   "NUMERIC(10,10,",
					   "NUMERIC(39,9)",
					   "NUMERIC(30)",
					   "NUMERIC(12,10)",
					   "NUMERIC(2,3)",
					   "NUMERIC(0)",
					   "NUMERIC(-1)",
					   "BIGNUMERIC(77,38)",
					   "BIGNUMERIC(99999999999,1)",
					   "NUMERIC 10",
					   "NUMERIC[10]" };
	struct column_type type;
	struct error err;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		CHECK(convert_parse_type(good[i].text, &type, &err) == 0);
		CHECK(!strcmp(type.name, good[i].name) && type.precision == good[i].precision &&
		      type.scale == good[i].scale);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (convert_parse_type(bad[i], &type, &err) == 0)
			printf("# %s\n", bad[i]);
		CHECK(convert_parse_type(bad[i], &type, &err) < 0 && err.code == ERR_USAGE);
	}
}

static void pairs(void)
{
	static const char *const never[][2] = {
		{ "INTEGER", "DATE" },   { "BOOLEAN", "INTEGER" }, { "BYTES", "JSON" },
		{ "JSON", "INTEGER" },   { "DATE", "TIME" },       { "FLOAT", "TIMESTAMP" },
		{ "STRINGX", "BYTES" },  { "TIME", "TIMESTAMP" },  { "INTEGER", "BYTES" },
		{ "GEOGRAPHY", "JSON" },
	};
	struct conversion conversion;
	struct column_type type;
	struct column column;
	struct error err;

	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		CHECK(convert(never[i][0], never[i][1], &column, &conversion, &err) < 0);
		CHECK(err.code == ERR_USAGE);
		CHECK_HAS(err.message, never[i][1]);
	}
	CHECK(convert("JSON", "STRING", &column, &conversion, &err) == 0 &&
	      column.encoder == &text);
	CHECK(convert("INTEGER", "INT64", &column, &conversion, &err) == 0 &&
	      column.encoder == &bare);
	/* Arrays: STRING alone. */
	column = make_column("STRING");
	column.repeated = true;
	CHECK(convert_parse_type("INTEGER", &type, &err) == 0 &&
	      convert_column(&driver, &column, &type, &conversion, &err) < 0);
	CHECK_HAS(err.message, "array");
	CHECK(convert_parse_type("STRING", &type, &err) == 0 &&
	      convert_column(&driver, &column, &type, &conversion, &err) == 0 && !column.repeated);
	/* Another precision is checked, none is wider. */
	column = make_column("NUMERIC");
	column.precision = 10;
	column.scale = 2;
	CHECK(convert_parse_type("NUMERIC", &type, &err) == 0 &&
	      convert_column(&driver, &column, &type, &conversion, &err) == 0);
	CHECK(column.encoder == &text && column.precision == 0 && column.scale == 0);
}

static void integers(void)
{
	CHECK_TYPE("STRING", "INTEGER", { "0", "0" }, { "-0", "0" }, { "12", "12" },
		   { "-9007199254740991", "-9007199254740991" },
		   { "9007199254740992", "\"9007199254740992\"" },
		   { "9223372036854775807", "\"9223372036854775807\"" },
		   { "-9223372036854775808", "\"-9223372036854775808\"" },
		   { "9223372036854775808", NULL }, { "-9223372036854775809", NULL },
		   { "99999999999999999999", NULL }, { "12.00", "12" }, { "12.01", NULL },
		   { "1e3", "1000" }, { "1200e-2", "12" }, { "1201e-2", NULL },
		   { "0e99999999999999", "0" }, { "1e99999999999999", NULL },
		   { "1e-99999999999999", NULL }, { "", NULL }, { " 1", NULL }, { "1 ", NULL },
		   { "+1", NULL }, { "007", NULL }, { "0x10", NULL }, { "one", NULL },
		   { "1,000", NULL }, { "\"1\"", NULL }, { "NaN", NULL });
	CHECK_TYPE("FLOAT", "INTEGER", { "1e+06", "1000000" }, { "-0.0", "0" }, { "2.5", NULL },
		   { "!", NULL });
	CHECK_TYPE("NUMERIC", "INTEGER", { "100.000", "100" }, { "0.001", NULL });
}

static void floats(void)
{
	CHECK_TYPE("STRING", "FLOAT", { "0.1", "0.1" }, { "12.50", "12.50" },
		   { "0.10000000000000000001", NULL }, { "1e308", "1e308" }, { "1e309", NULL },
		   { "-0", "-0.0" }, { "0.0", "0" }, { "9007199254740993", NULL },
		   { "NaN", "\"NaN\"" }, { "-Infinity", "\"-Infinity\"" },
		   { "Infinity", "\"Infinity\"" }, { "nan", NULL }, { "", NULL }, { "1.", NULL });
	CHECK_TYPE("NUMERIC", "FLOAT", { "123456789.000000001", NULL }, { "0.5", "0.5" });
	CHECK_TYPE("INTEGER", "FLOAT", { "\"9007199254740992\"", "9007199254740992" },
		   { "\"9007199254740993\"", NULL });
}

static void decimals(void)
{
	CHECK_TYPE("STRING", "NUMERIC", { "12.50", "\"12.50\"" }, { "-0.00", "\"0.00\"" },
		   { "1.1234567890", "\"1.123456789\"" }, { "1.1234567891", NULL },
		   { "99999999999999999999999999999.999999999",
		     "\"99999999999999999999999999999.999999999\"" },
		   { "100000000000000000000000000000", NULL },
		   { "1e28", "\"10000000000000000000000000000\"" }, { "1e29", NULL },
		   { "1e-9", "\"0.000000001\"" }, { "1e-10", NULL }, { "-12.5e1", "\"-125\"" },
		   { "Infinity", NULL }, { "1 000", NULL });
	CHECK_TYPE("STRING", "NUMERIC(5,2)", { "999.99", "\"999.99\"" },
		   { "999.990", "\"999.99\"" }, { "999.999", NULL }, { "1000", NULL },
		   { "-999.99", "\"-999.99\"" });
	CHECK_TYPE("STRING", "NUMERIC(2,2)", { "0.99", "\"0.99\"" }, { "1", NULL },
		   { "0", "\"0\"" });
	CHECK_TYPE("NUMERIC", "NUMERIC(3)", { "120.00", "\"120\"" }, { "120.5", NULL });
	CHECK_TYPE("FLOAT", "NUMERIC", { "1e+06", "\"1000000\"" }, { "0.1", "\"0.1\"" },
		   { "\"NaN\"", NULL });
	CHECK_TYPE(
		"STRING", "BIGNUMERIC",
		{ "578960446186580977117854925043439539266.34992332820282019728792003956564819967",
		  "\"578960446186580977117854925043439539266.34992332820282019728792003956564819967\"" },
		{ "578960446186580977117854925043439539266.34992332820282019728792003956564819968",
		  NULL },
		{ "-578960446186580977117854925043439539266.34992332820282019728792003956564819968",
		  "\"-578960446186580977117854925043439539266.34992332820282019728792003956564819968\"" },
		{ "-578960446186580977117854925043439539266.34992332820282019728792003956564819969",
		  NULL },
		{ "578960446186580977117854925043439539267", NULL },
		{ "1e38", "\"100000000000000000000000000000000000000\"" }, { "1e39", NULL },
		{ "1e-38", "\"0.00000000000000000000000000000000000001\"" }, { "1e-39", NULL });
	CHECK_TYPE("STRING", "BIGNUMERIC(38)",
		   { "99999999999999999999999999999999999999",
		     "\"99999999999999999999999999999999999999\"" },
		   { "1e38", NULL });
}

static void booleans(void)
{
	CHECK_TYPE("STRING", "BOOLEAN", { "true", "true" }, { "FALSE", "false" }, { "t", "true" },
		   { "F", "false" }, { "1", "true" }, { "0", "false" }, { "2", NULL },
		   { "yes", NULL }, { "", NULL }, { "-1", NULL }, { "true ", NULL });
	CHECK_TYPE("INTEGER",
		   "BOOL"
		   "EAN",
		   { "1", "true" }, { "0", "false" }, { "2", NULL });
	CHECK_TYPE("NUMERIC", "BOOLEAN", { "1.00", "true" }, { "0.5", NULL });
}

static void dates(void)
{
	CHECK_TYPE("STRING", "DATE", { "2026-01-31", "\"2026-01-31\"" },
		   { "2024-02-29", "\"2024-02-29\"" }, { "2023-02-29", NULL },
		   { "1900-02-29", NULL }, { "2000-02-29", "\"2000-02-29\"" },
		   { "0001-01-01", "\"0001-01-01\"" }, { "9999-12-31", "\"9999-12-31\"" },
		   { "0000-01-01", NULL }, { "10000-01-01", NULL }, { "2026-13-01", NULL },
		   { "2026-00-01", NULL }, { "2026-01-00", NULL }, { "2026-1-31", NULL },
		   { "2026-01-31 00:00:00", "\"2026-01-31\"" }, { "2026-01-31T00:00:01", NULL },
		   { "2026-01-31T00:00:00Z", NULL }, { "31.01.2026", NULL }, { "", NULL },
		   { "2026-01-31 BC", NULL });
	CHECK_TYPE("TIMESTAMP", "DATE", { "2026-01-31T00:00:00.000000Z", "\"2026-01-31\"" },
		   { "2026-01-31T00:00:00.000001Z", NULL });
	CHECK_TYPE("STRING", "TIME", { "10:00", "\"10:00:00.000000\"" },
		   { "23:59:59.5", "\"23:59:59.500000\"" },
		   { "10:00:00.1234560", "\"10:00:00.123456\"" }, { "10:00:00.1234561", NULL },
		   { "24:00:00", NULL }, { "10", NULL }, { "10:60", NULL }, { "10:00:60", NULL },
		   { "10:00:00.", NULL }, { "1:00", NULL }, { "10:00Z", NULL });
}

static void moments(void)
{
	CHECK_TYPE("DATETIME", "TIMESTAMP",
		   { "2026-01-31T10:00:00.000000", "\"2026-01-31T10:00:00.000000Z\"" });
	CHECK_TYPE("DATE", "TIMESTAMP", { "2026-01-31", "\"2026-01-31T00:00:00.000000Z\"" });
	CHECK_TYPE("DATE", "DATETIME", { "2026-01-31", "\"2026-01-31T00:00:00.000000\"" });
	CHECK_TYPE("TIMESTAMP", "DATETIME",
		   { "2026-01-31T10:00:00.000000Z", "\"2026-01-31T10:00:00.000000\"" });
	CHECK_TYPE("STRING", "DATETIME", { "2026-01-31 10:00", "\"2026-01-31T10:00:00.000000\"" },
		   { "2026-01-31 10:00Z", NULL }, { "2026-01-31 10:00:00+00", NULL });
	CHECK_TYPE("STRING", "TIMESTAMP", { "2026-01-31", "\"2026-01-31T00:00:00.000000Z\"" },
		   { "2026-01-31 10:00:00.5+01", "\"2026-01-31T09:00:00.500000Z\"" },
		   { "2026-01-31T00:30:00+01:00", "\"2026-01-30T23:30:00.000000Z\"" },
		   { "2026-12-31t23:30:00-0330", "\"2027-01-01T03:00:00.000000Z\"" },
		   { "2026-01-31 10:00:00 UTC", "\"2026-01-31T10:00:00.000000Z\"" },
		   { "1969-12-31T23:59:59.999999z", "\"1969-12-31T23:59:59.999999Z\"" },
		   { "2026-01-31Z", NULL }, { "2026-01-31 10:00:00 CET", NULL },
		   { "2026-01-31 10:00:00+1", NULL }, { "2026-01-31 10:00:00+24:00", NULL },
		   { "2026-01-31 10:00:00+01:60", NULL }, { "2026-01-31 10:00:00+01:", NULL },
		   { "2026-01-31 10:00:00.0000001Z", NULL }, { "0001-01-01 00:00:00+01", NULL },
		   { "9999-12-31 23:59:59-01", NULL }, { "2026-01-31 10:00:00Zx", NULL },
		   { "1738300000", NULL }, { "infinity", NULL });
}

static void intervals(void)
{
	CHECK_TYPE("STRING", "INTERVAL", { "1-2 3 4:5:6.789", "\"1-2 3 4:5:6.789\"" },
		   { "-10000-0 -3660000 -87840000:0:0", "\"-10000-0 -3660000 -87840000:0:0\"" },
		   { "10000-1 0 0:0:0", NULL }, { "0-12 0 0:0:0", NULL },
		   { "0-0 3660001 0:0:0", NULL }, { "0-0 0 87840000:0:1", NULL },
		   { "0-0 0 0:60:0", NULL }, { "0-0 0 0:0:0.0000001", NULL }, { "1 day", NULL },
		   { "", NULL }, { "0-0 0 0:0:0 ", NULL });
}

static void texts(void)
{
	CHECK_TYPE("STRING", "BYTES", { "", "\"\"" }, { "foo", "\"Zm9v\"" },
		   { "\xC3\xA9\n\x01\"", "\"w6kKASI=\"" });
	CHECK_TYPE("STRING", "JSON", { "{\"a\" : 1}", "{\"a\":1}" }, { "null", "null" },
		   { "\"x\"", "\"x\"" }, { "{\"a\":1,\"a\":1}", NULL }, { "", NULL },
		   { "a", NULL });
	CHECK_TYPE("NUMERIC", "JSON", { "12.50", "12.50" }, { "0.10000000000000000001", NULL });
	CHECK_TYPE("INTEGER", "JSON", { "\"9223372036854775807\"", "9223372036854775807" });
	CHECK_TYPE("FLOAT", "JSON", { "\"NaN\"", NULL }, { "0.5", "0.5" });
	CHECK_TYPE("BOOLEAN", "JSON", { "true", "true" });
}

static void geographies(void)
{
	CHECK_TYPE("STRING", "GEOGRAPHY", { "POINT(1 2)", "\"POINT(1 2)\"" },
		   { "point ( -180 -90 )", "\"point ( -180 -90 )\"" }, { "POINT(181 0)", NULL },
		   { "POINT(0 90.5)", NULL }, { "POINT(1 2 3)", NULL }, { "POINT Z(1 2 3)", NULL },
		   { "POINT(1)", NULL }, { "POINT()", NULL }, { "POINT EMPTY", "\"POINT EMPTY\"" },
		   { "POINT((1 2))", NULL }, { "SRID=4326;POINT(1 2)", NULL },
		   { "POINT(1 2) x", NULL }, { "POINT(1 2", NULL }, { "POINT(nan 0)", NULL },
		   { "POINT(0x1 0)", NULL },
		   { "LINESTRING(1 2, 3 4.5)", "\"LINESTRING(1 2, 3 4.5)\"" },
		   { "LINESTRING((1 2),(3 4))", NULL },
		   { "MULTIPOINT(1 2,3 4)", "\"MULTIPOINT(1 2,3 4)\"" },
		   { "MULTIPOINT((1 2),(3 4))", "\"MULTIPOINT((1 2),(3 4))\"" },
		   { "MULTIPOINT((1 2,3 4))", NULL },
		   { "POLYGON((0 0,1 0,1 1,0 0))", "\"POLYGON((0 0,1 0,1 1,0 0))\"" },
		   { "POLYGON(0 0,1 0,1 1,0 0)", NULL },
		   { "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))", "\"MULTIPOLYGON(((0 0,1 0,1 1,0 0)))\"" },
		   { "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4))",
		     "\"GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4))\"" },
		   { "GEOMETRYCOLLECTION(POINT(1 2),)", NULL }, { "CIRCLE(1 2)", NULL },
		   { "", NULL },
		   { "{\"type\":\"Point\",\"coordinates\":[1,2]}",
		     "\"{\\\"type\\\":\\\"Point\\\",\\\"coordinates\\\":[1,2]}\"" },
		   { "{\"a\":1}", NULL }, { "{", NULL });
}

/* Empty, short, long and measured cells, all of them escapes. */
static void sizes(void)
{
	struct conversion conversion;
	struct column column;
	struct error err;

	CHECK(convert("STRING", "BYTES", &column, &conversion, &err) == 0);
	for (size_t n = 0; n < 400; n++) {
		char value[400], want[800], *end;

		memset(value, '\x01', sizeof value);
		end = encode_put_base64(want, value, n);
		*end = '\0';
		check_value(&column, value, n, want);
	}
}

static void required_json(void)
{
	struct conversion conversion = { 0 };
	struct column column = make_column("STRING");
	struct column_type type;
	struct error err;

	column.required = true;
	CHECK(convert_parse_type("JSON", &type, &err) == 0 &&
	      convert_column(&driver, &column, &type, &conversion, &err) == 0);
	check_value(&column, " null", 5, NULL);
	check_value(&column, "[null]", 6, "[null]");
}

static void check_shown(struct column *column, const char *value)
{
	struct cell cell = { .data = value, .length = strlen(value) };
	auto_buf shown = BUF_INIT;
	struct error err;

	CHECK(column->encoder->text &&
	      column->encoder->text(column, &cell, 1024, &shown, &err) == 0);
	CHECK(shown.length == strlen(value) && !memcmp(shown.data, value, shown.length));
}

static void rejected_values(void)
{
	struct conversion conversion;
	struct column column;
	struct error err;

	CHECK(convert("STRING", "INTEGER", &column, &conversion, &err) == 0);
	check_shown(&column, "say \"no\"\n");
	check_shown(&column, "\xFF");
	CHECK(convert("FLOAT", "INTEGER", &column, &conversion, &err) == 0);
	check_shown(&column, "!");
}

int main(void)
{
	unit_test("BigQuery's words for types, and precisions within their bounds");
	type_words();
	unit_test("pairs of types that never fit are refused, those that are equal cost nothing");
	pairs();
	unit_test("INTEGER takes whole numbers within 64 bits");
	integers();
	unit_test("FLOAT takes what it gives back");
	floats();
	unit_test("NUMERIC and BIGNUMERIC keep every digit");
	decimals();
	unit_test("BOOLEAN takes six words and two numbers");
	booleans();
	unit_test("DATE and TIME");
	dates();
	unit_test("DATETIME and TIMESTAMP, in UTC");
	moments();
	unit_test("INTERVAL in BigQuery's form and bounds");
	intervals();
	unit_test("BYTES and JSON from text");
	texts();
	unit_test("GEOGRAPHY takes WKT and GeoJSON");
	geographies();
	unit_test("values of every size have room enough");
	sizes();
	unit_test("JSON null is refused in a REQUIRED column");
	required_json();
	unit_test("a reject shows the text that did not fit");
	rejected_values();
	return unit_done();
}
