/*
 * PostgreSQL's wire formats, byte by byte: the edges, and what no server
 * should send. Bytes are written in hex; blanks between them mean nothing.
 */
#include "extract/postgresql_types.h"

#include <stdlib.h>

#include "extract/postgresql_encoders.h"
#include "tests/unit/unit.h"

enum {
	BOOL = 16,
	BYTEA = 17,
	INT8 = 20,
	INT2 = 21,
	INT2VECTOR = 22,
	INT4 = 23,
	TEXT = 25,
	OID = 26,
	OIDVECTOR = 30,
	JSON = 114,
	XML = 142,
	CIDR = 650,
	FLOAT4 = 700,
	FLOAT8 = 701,
	MONEY = 790,
	INET = 869,
	BPCHAR = 1042,
	DATE = 1082,
	TIME = 1083,
	TIMESTAMP = 1114,
	TIMESTAMPTZ = 1184,
	INTERVAL = 1186,
	TIMETZ = 1266,
	NUMERIC = 1700,
	RECORD = 2249,
	UUID = 2950,
	JSONB = 3802,
	USER = 16384,
};

struct bytes {
	char data[512];
	size_t length;
};

static struct bytes from_hex(const char *hex)
{
	struct bytes bytes = { .length = 0 };
	static const char digits[] = "0123456789ABCDEF";
	unsigned value = 0, count = 0;

	for (; *hex; hex++) {
		const char *digit = strchr(digits, *hex);

		if (!digit)
			continue;
		value = value << 4 | (unsigned)(digit - digits);
		if (++count % 2 == 0)
			bytes.data[bytes.length++] = (char)value;
	}
	return bytes;
}

/* The cell at the end of a block of its own, so that a sanitizer sees what is read behind it. */
static struct cell copy_cell(const char *data, size_t length, char **block)
{
	*block = malloc(length + 1);
	memcpy(*block + 1, data, length);
	return (struct cell){ .data = *block + 1, .length = length };
}

/* Encodes into exactly the room that the encoder asks for. */
static const char *encode(const struct column *column, const struct cell *cell, char *text,
			  size_t size)
{
	size_t room = encode_room(column, cell);
	char *start = malloc(room + 1), *out = start;
	const char *reason = column->encoder->encode(column, cell, &out);

	text[0] = '\0';
	CHECK((size_t)(out - start) <= room);
	if (!reason)
		snprintf(text, size, "%.*s", (int)(out - start), start);
	free(start);
	/* cppcheck-suppress returnDanglingLifetime ; reasons are literals */
	return reason;
}

static struct column column_of(uint32_t oid, int32_t modifier)
{
	const struct postgresql_type type = { .oid = oid, .modifier = modifier, .kind = 'b' };
	const struct postgresql_settings settings = { .money_scale = 2 };
	struct column column = { .name = NULL };

	postgresql_set_type(&column, &type, NULL, NULL, &settings);
	return column;
}

static struct column column_of_kind(char kind, int32_t modifier)
{
	const struct postgresql_type type = { .oid = USER, .modifier = modifier, .kind = kind };
	const struct postgresql_settings settings = { .money_scale = 2 };
	struct column column = { .name = NULL };

	postgresql_set_type(&column, &type, NULL, NULL, &settings);
	return column;
}

/* inner must live as long. */
static struct column array_of(uint32_t oid, struct column *inner)
{
	const struct postgresql_type type = { .oid = USER, .modifier = -1, .kind = 'A' };
	const struct postgresql_type element = { .oid = oid, .modifier = -1, .kind = 'b' };
	const struct postgresql_settings settings = { .money_scale = 2 };
	struct column column = { .name = NULL };

	postgresql_set_type(&column, &type, &element, inner, &settings);
	return column;
}

/* What no server sends may be refused or not, but is read within its bounds. */
static void damage(const struct column *column, const struct bytes *bytes)
{
	static const char values[] = { 0, 1, 0x7F, (char)0x80, (char)0xFF };
	char text[4096];

	for (size_t n = 0; n < bytes->length && !column->encoder->width; n++) {
		char *block;
		struct cell cell = copy_cell(bytes->data, n, &block);

		encode(column, &cell, text, sizeof text);
		free(block);
	}
	for (size_t i = 0; i < bytes->length; i++)
		for (size_t v = 0; v < sizeof values; v++) {
			auto_buf out = BUF_INIT;
			struct error err;
			char *block;
			struct cell cell = copy_cell(bytes->data, bytes->length, &block);

			block[1 + i] = values[v];
			encode(column, &cell, text, sizeof text);
			if (column->encoder->text)
				CHECK(column->encoder->text(column, &cell, 64, &out, &err) == 0);
			free(block);
		}
}

/* json, or the part of a reason with the value as PostgreSQL prints it. */
static void check(const struct column *column, const char *hex, const char *json,
		  const char *reason, const char *print)
{
	struct bytes bytes = from_hex(hex);
	auto_buf out = BUF_INIT;
	char text[4096], *block;
	struct cell cell = copy_cell(bytes.data, bytes.length, &block);
	const char *said = encode(column, &cell, text, sizeof text);
	struct error err;

	if (json && (said || strcmp(text, json) != 0)) {
		printf("# %s: %s, not %s\n", hex, said ? said : text, json);
		unit.bad = true;
	}
	if (reason && (!said || !strstr(said, reason))) {
		printf("# %s: %s, not %s\n", hex, said ? said : text, reason);
		unit.bad = true;
	}
	if (print) {
		CHECK(column->encoder->text(column, &cell, 1024, &out, &err) == 0);
		if (out.length != strlen(print) ||
		    (out.length && memcmp(out.data, print, out.length) != 0)) {
			printf("# %s: printed as %.*s, not %s\n", hex, (int)out.length, out.data,
			       print);
			unit.bad = true;
		}
	}
	free(block);
	damage(column, &bytes);
}

struct row {
	uint32_t oid;
	const char *hex, *json, *reason, *print;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct column column = column_of(rows[i].oid, -1);

		check(&column, rows[i].hex, rows[i].json, rows[i].reason, rows[i].print);
	}
}

#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof *(rows))

static void scalars(void)
{
	static const struct row rows[] = {
		{ BOOL, "00", "false", NULL, "f" },
		{ BOOL, "01", "true", NULL, "t" },
		{ INT2, "8000", "-32768", NULL, "-32768" },
		{ INT4, "7FFFFFFF", "2147483647", NULL, "2147483647" },
		{ INT8, "001FFFFFFFFFFFFF", "9007199254740991", NULL, NULL },
		{ INT8, "0020000000000000", "\"9007199254740992\"", NULL, "9007199254740992" },
		{ INT8, "8000000000000000", "\"-9223372036854775808\"", NULL, NULL },
		{ OID, "FFFFFFFF", "4294967295", NULL, "4294967295" },
		{ OID, "00000000", "0", NULL, NULL },
		{ FLOAT4, "3DCCCCCD", "0.1", NULL, "0.1" },
		{ FLOAT4, "7FC00000", "\"NaN\"", NULL, "NaN" },
		{ FLOAT4, "00000001", "1e-45", NULL, NULL },
		{ FLOAT8, "FFF0000000000000", "\"-Infinity\"", NULL, "-Infinity" },
		{ FLOAT8, "8000000000000000", "-0.0", NULL, NULL },
		{ MONEY, "0000000000000000", "\"0.00\"", NULL, "0.00" },
		{ MONEY, "FFFFFFFFFFFFFFFF", "\"-0.01\"", NULL, "-0.01" },
		{ MONEY, "0000000000003039", "\"123.45\"", NULL, NULL },
		{ MONEY, "7FFFFFFFFFFFFFFF", "\"92233720368547758.07\"", NULL, NULL },
		{ MONEY, "8000000000000000", "\"-92233720368547758.08\"", NULL, NULL },
		{ UUID, "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
		  "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"", NULL,
		  "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" },
		{ BYTEA, "", "\"\"", NULL, "\\x" },
		{ BYTEA, "00FF10", "\"AP8Q\"", NULL, "\\x00ff10" },
		{ TEXT, "6122C3A90A", "\"a\\\"\xC3\xA9\\n\"", NULL, NULL },
		{ TEXT, "61FF", NULL, "not valid UTF-8", NULL },
		{ BPCHAR, "612020", "\"a  \"", NULL, NULL },
		{ XML, "3C612F3E", "\"<a/>\"", NULL, NULL },
	};

	CHECK_ROWS(rows);
}

/* A currency without a small unit, and one with a thousand of it. */
static void money_of_other_scales(void)
{
	const struct postgresql_type type = { .oid = MONEY, .modifier = -1, .kind = 'b' };
	struct postgresql_settings settings = { .money_scale = 0 };
	struct column column = { .name = NULL };

	postgresql_set_type(&column, &type, NULL, NULL, &settings);
	CHECK(!strcmp(column.type, "NUMERIC") && column.precision == 19 && column.scale == 0);
	check(&column, "FFFFFFFFFFFFFFFB", "\"-5\"", NULL, "-5");
	settings.money_scale = 3;
	postgresql_set_type(&column, &type, NULL, NULL, &settings);
	check(&column, "0000000000000005", "\"0.005\"", NULL, "0.005");
	/* The most that PostgreSQL takes from a locale, more than NUMERIC's 9. */
	settings.money_scale = 10;
	postgresql_set_type(&column, &type, NULL, NULL, &settings);
	CHECK(!strcmp(column.type, "BIGNUMERIC"));
	check(&column, "8000000000000000", "\"-922337203.6854775808\"", NULL, NULL);
}

static void addresses(void)
{
	static const struct row rows[] = {
		{ INET, "02 20 00 04 0A000001", "\"10.0.0.1\"", NULL, "10.0.0.1" },
		{ INET, "02 00 00 04 00000000", "\"0.0.0.0/0\"", NULL, NULL },
		{ CIDR, "02 20 01 04 FFFFFFFF", "\"255.255.255.255/32\"", NULL, NULL },
		{ INET, "03 80 00 10 00000000000000000000000000000000", "\"::\"", NULL, "::" },
		{ INET, "03 80 00 10 00000000000000000000000000000001", "\"::1\"", NULL, NULL },
		{ INET, "03 80 00 10 000000000000000000000000000A0001", "\"::0.10.0.1\"", NULL,
		  NULL },
		{ INET, "03 80 00 10 00000000000000000000FFFF01020304", "\"::ffff:1.2.3.4\"", NULL,
		  NULL },
		{ CIDR, "03 20 01 10 20010DB8000000000000000000000000", "\"2001:db8::/32\"", NULL,
		  NULL },
		{ INET, "03 80 00 10 00010000000000020000000000030004", "\"1::2:0:0:3:4\"", NULL,
		  NULL },
		{ INET, "03 80 00 10 00010000000200030004000500060007", "\"1:0:2:3:4:5:6:7\"", NULL,
		  NULL },
		{ INET, "03 80 00 10 00010000000200000000000000060007", "\"1:0:2::6:7\"", NULL,
		  NULL },
		{ INET, "02 21 00 04 0A000001", NULL, "malformed", "" },
		{ INET, "04 20 00 04 0A000001", NULL, "malformed", NULL },
		{ INET, "03 80 00 04 0A000001", NULL, "malformed", NULL },
		{ INET, "", NULL, "malformed", NULL },
	};

	CHECK_ROWS(rows);
}

static void calendar(void)
{
	static const struct row rows[] = {
		{ DATE, "00000000", "\"2000-01-01\"", NULL, "2000-01-01" },
		{ DATE, "FFF4DBF9", "\"0001-01-01\"", NULL, "0001-01-01" },
		{ DATE, "FFF4DBF8", NULL, "0001 to 9999", "0001-12-31 BC" },
		{ DATE, "002C95D3", "\"9999-12-31\"", NULL, NULL },
		{ DATE, "002C95D4", NULL, "0001 to 9999", "10000-01-01" },
		{ DATE, "7FFFFFFF", NULL, "infinite", "infinity" },
		{ DATE, "80000000", NULL, "infinite", "-infinity" },
		{ TIME, "0000000000000000", "\"00:00:00.000000\"", NULL, NULL },
		{ TIME, "000000141DD75FFF", "\"23:59:59.999999\"", NULL, NULL },
		{ TIME, "000000141DD76000", NULL, "24:00:00", "24:00:00.000000" },
		{ TIME, "000000141DD76001", NULL, "malformed time", "" },
		{ TIME, "FFFFFFFFFFFFFFFF", NULL, "malformed time", "" },
		{ TIME, "8000000000000000", NULL, "malformed time", "" },
		{ TIMESTAMP, "0000000000000001", "\"2000-01-01T00:00:00.000001\"", NULL,
		  "2000-01-01 00:00:00.000001" },
		{ TIMESTAMP, "FFFFFFFFFFFFFFFF", "\"1999-12-31T23:59:59.999999\"", NULL, NULL },
		{ TIMESTAMPTZ, "0000000000000000", "\"2000-01-01T00:00:00.000000Z\"", NULL,
		  "2000-01-01 00:00:00.000000+00" },
		{ TIMESTAMPTZ, "7FFFFFFFFFFFFFFF", NULL, "infinite", "infinity" },
		{ TIMESTAMPTZ, "8000000000000000", NULL, "infinite", "-infinity" },
		{ TIMESTAMP, "7FFFFFFFFFFFFFFE", NULL, "0001 to 9999", NULL },
	};

	CHECK_ROWS(rows);
}

static void intervals(void)
{
	static const struct row rows[] = {
		{ INTERVAL, "0000000000000000 00000000 00000000", "\"P0Y0M0DT0H0M0.000000S\"", NULL,
		  "00:00:00" },
		{ INTERVAL, "0000000000000001 00000001 0000000D", "\"P1Y1M1DT0H0M0.000001S\"", NULL,
		  "1 year 1 mon 1 day 00:00:00.000001" },
		/* Only the fraction is below zero. */
		{ INTERVAL, "FFFFFFFFFFF85EE0 00000002 00000000", "\"P0Y0M2DT0H0M-0.500000S\"",
		  NULL, "2 days -00:00:00.5" },
		/* -1 year -2 mons +3 days -04:05:06.7 */
		{ INTERVAL, "FFFFFFFC93699120 00000003 FFFFFFF2", "\"P-1Y-2M3DT-4H-5M-6.700000S\"",
		  NULL, "-1 years -2 mons +3 days -04:05:06.7" },
		/* -1 day +01:00:00 */
		{ INTERVAL, "00000000D693A400 FFFFFFFF 00000000", "\"P0Y0M-1DT1H0M0.000000S\"",
		  NULL, "-1 days +01:00:00" },
		/* The last of each part, and one more. */
		{ INTERVAL, "0463740D75740000 0037D8E0 0001D4C0",
		  "\"P10000Y0M3660000DT87840000H0M0.000000S\"", NULL, NULL },
		{ INTERVAL, "FB9C8BF28A8C0000 FFC82720 FFFE2B40",
		  "\"P-10000Y0M-3660000DT-87840000H0M0.000000S\"", NULL, NULL },
		{ INTERVAL, "0463740D75740001 00000000 00000000", NULL, "87840000 hours",
		  "87840000:00:00.000001" },
		{ INTERVAL, "0000000000000000 0037D8E1 00000000", NULL, "3660000 days",
		  "3660001 days" },
		{ INTERVAL, "0000000000000000 00000000 FFFE2B3F", NULL, "10000 years",
		  "-10000 years -1 mons" },
		{ INTERVAL, "7FFFFFFFFFFFFFFF 7FFFFFFF 7FFFFFFF", NULL, "infinite", "infinity" },
		{ INTERVAL, "8000000000000000 80000000 80000000", NULL, "infinite", "-infinity" },
		/* Not an infinity: one part alone. */
		{ INTERVAL, "0000000000000000 7FFFFFFF 00000000", NULL, "3660000 days",
		  "2147483647 days" },
	};

	CHECK_ROWS(rows);
}

static void json(void)
{
	static const struct row rows[] = {
		{ JSON, "7B22612220 3A0A 315D7D", NULL, "", NULL },
		{ JSON, "7B2261220A3A20317D", "{\"a\":1}", NULL, NULL },
		{ JSON, "7B2261223A312C2261223A327D", NULL, "", NULL }, /* a twice */
		{ JSON, "6E756C6C", "null", NULL, NULL },
		{ JSON, "22FF22", NULL, "UTF-8", NULL },
		{ JSONB, "017B2261223A20317D", "{\"a\": 1}", NULL, "{\"a\": 1}" },
		{ JSONB, "0130", "0", NULL, NULL },
		{ JSONB, "0230", NULL, "version", NULL },
		{ JSONB, "", NULL, "version", "" },
	};

	CHECK_ROWS(rows);
}

static void json_null_where_none_may_stand(void)
{
	struct column json = column_of(JSON, -1), jsonb = column_of(JSONB, -1);

	json.required = jsonb.required = true;
	check(&json, "206E756C6C20", NULL, "JSON null", NULL);
	check(&jsonb, "016E756C6C", NULL, "JSON null", NULL);
	check(&json, "226E756C6C22", "\"null\"", NULL, NULL);
}

/* --- numeric ---------------------------------------------------------------- */

static int32_t numeric_modifier(int precision, int scale)
{
	return (precision << 16 | (scale & 0x7FF)) + 4;
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

/* 0.5 of which no digit behind the point should be there: not 0. */
static void hidden_fraction(void)
{
	const struct encoder *const encoders[] = { &postgresql_bignumeric, &postgresql_numeric,
						   &postgresql_numeric_string,
						   &postgresql_numeric_float };

	for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
		struct column column = { .encoder = encoders[i] };
		char wire[16], text[192];
		struct cell cell = numeric_cell(wire, 5000, -1, 0, 0);

		CHECK(encode(&column, &cell, text, sizeof text) != NULL);
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

/* numeric(1000,-1000) has 2000 digits; without a declaration there may be more. */
static void long_numerics(void)
{
	struct column column = column_of(NUMERIC, numeric_modifier(1000, -1000));
	char wire[16], text[4096];
	struct cell cell = numeric_cell(wire, 9999, 499, 0x4000, 0);

	CHECK(!strcmp(column.type, "STRING"));
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK(strlen(text) == 2003 && !strncmp(text, "\"-999900", 8));
	cell = numeric_cell(wire, 9999, 499, 0x4000, 999);
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK(strlen(text) == 3003);
	cell = numeric_cell(wire, 1, -200, 0, 803);
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
	CHECK(strlen(text) == 807);
	cell = numeric_cell(wire, 1, 32767, 0, 16383);
	CHECK(encode(&column, &cell, text, sizeof text) == NULL);
}

static struct column numeric_as(int wanted)
{
	const struct postgresql_type type = { .oid = NUMERIC, .modifier = -1, .kind = 'b' };
	const struct postgresql_settings settings = { .options.numeric = wanted };
	struct column column = { .name = NULL };

	postgresql_set_type(&column, &type, NULL, NULL, &settings);
	return column;
}

/* count, weight, sign, scale, digits */
static void numeric_on_request(void)
{
	struct column numeric = numeric_as(NUMERIC_AS_NUMERIC);
	struct column as_float = numeric_as(NUMERIC_AS_FLOAT);
	struct column string = numeric_as(NUMERIC_AS_STRING);
	static const char hundredth[] = "0002 0000 4000 0002 0001 09C4"; /* -1.25 */
	static const char tiny[] = "0001 FFFD 0000 000A 0064";           /* 1e-10 */
	static const char padded[] = "0002 0000 0000 000B 0001 1388";    /* 1.50000000000 */
	static const char nines29[] = "0008 0007 0000 0000 0009 270F 270F 270F 270F 270F 270F 270F";
	static const char ten29[] = "0001 0007 0000 0000 000A";
	static const char digits18[] = "0005 0004 0000 0000 000C 0D80 1E61 092E 162E";

	CHECK(!strcmp(numeric.type, "NUMERIC") && numeric.precision == 0);
	CHECK(!strcmp(as_float.type, "FLOAT") && !strcmp(string.type, "STRING"));
	check(&numeric, hundredth, "\"-1.25\"", NULL, "-1.25");
	check(&numeric, padded, "\"1.500000000\"", NULL, "1.50000000000");
	check(&numeric, tiny, NULL, "9 fraction digits of NUMERIC", "0.0000000001");
	check(&numeric, nines29, "\"99999999999999999999999999999\"", NULL, NULL);
	check(&numeric, ten29, NULL, "too large for NUMERIC", "100000000000000000000000000000");
	check(&numeric, "0000 0000 C000 0000", NULL, "NaN", "NaN");
	check(&numeric, "0001 0020 0000 0000 0001", NULL, "too large for NUMERIC", NULL);
	check(&as_float, hundredth, "-1.25", NULL, "-1.25");
	check(&as_float, tiny, "1e-10", NULL, NULL);
	check(&as_float, padded, "1.5", NULL, NULL);
	check(&as_float, ten29, "1e+29", NULL, NULL);
	check(&as_float, nines29, NULL, "does not give these digits back",
	      "99999999999999999999999999999");
	check(&as_float, digits18, NULL, "does not give these digits back", "123456777723505678");
	check(&as_float, "0000 0000 0000 0000", "0", NULL, "0");
	check(&as_float, "0000 0000 C000 0000", "\"NaN\"", NULL, "NaN");
	check(&as_float, "0000 0000 D000 0000", "\"Infinity\"", NULL, "Infinity");
	check(&as_float, "0000 0000 F000 0000", "\"-Infinity\"", NULL, NULL);
	check(&as_float, "0001 004E 0000 0000 0001", NULL, "give these digits back", NULL);
	check(&as_float, "0001 FF60 0000 0280 0001", NULL, "give these digits back", NULL);
	check(&string, hundredth, "\"-1.25\"", NULL, NULL);
	check(&string, padded, "\"1.50000000000\"", NULL, NULL);
	check(&string, "0000 0000 C000 0000", NULL, "NaN", "NaN");
}

/* --- arrays ------------------------------------------------------------------ */

#define ONE_DIMENSION "00000001 00000000 00000017"

static void arrays(void)
{
	struct column inner, column = array_of(INT4, &inner);

	CHECK(column.repeated && !column.required && !strcmp(column.type, "INTEGER"));
	check(&column, "00000000 00000000 00000017", "[]", NULL, "{}");
	check(&column, ONE_DIMENSION "00000002 00000001 00000004 00000001 00000004 FFFFFFFF",
	      "[1,-1]", NULL, "{1,-1}");
	check(&column, ONE_DIMENSION "00000002 00000001 00000004 00000001 FFFFFFFF", NULL,
	      "hold no NULL", "{1,NULL}");
	check(&column, ONE_DIMENSION "00000001 00000000 00000004 00000007", NULL,
	      "do not begin at 1", "[0:0]={7}");
	check(&column, ONE_DIMENSION "00000001 FFFFFFFE 00000004 00000007", NULL,
	      "do not begin at 1", "[-2:-2]={7}");
	check(&column,
	      "00000002 00000000 00000017 00000001 00000001 00000002 00000001"
	      "00000004 00000001 00000004 00000002",
	      NULL, "one dimension", "{{1,2}}");
	/* A width that is not int4's, elements missing, bytes left over. */
	check(&column, ONE_DIMENSION "00000001 00000001 00000002 0001", NULL, "malformed", NULL);
	check(&column, ONE_DIMENSION "00000002 00000001 00000004 00000001", NULL, "malformed",
	      NULL);
	check(&column, ONE_DIMENSION "00000001 00000001 00000004 00000001 00", NULL, "malformed",
	      NULL);
	check(&column, "00000000 00000000 00000017 00", NULL, "malformed", NULL);
	check(&column, "00000007 00000000 00000017", NULL, "malformed", "");
	check(&column, "0000", NULL, "malformed", "");
}

static void arrays_of_other_types(void)
{
	struct column inner, column = array_of(TEXT, &inner);

	check(&column,
	      "00000001 00000000 00000019 00000006 00000001 00000000 00000001 61 00000003 622063"
	      "00000002 225C 00000004 4E554C4C 00000001 7D",
	      "[\"\",\"a\",\"b c\",\"\\\"\\\\\",\"NULL\",\"}\"]", NULL,
	      "{\"\",a,\"b c\",\"\\\"\\\\\",\"NULL\",\"}\"}");
	check(&column, "00000001 00000000 00000019 00000001 00000001 00000001 FF", NULL, "UTF-8",
	      NULL);
	column = array_of(NUMERIC, &inner);
	CHECK(!strcmp(column.type, "BIGNUMERIC"));
	check(&column,
	      "00000001 00000000 000006A4 00000001 00000001 0000000C 0002 0000 4000 0002 0001 09C4",
	      "[\"-1.25\"]", NULL, "{-1.25}");
	column = array_of(DATE, &inner);
	check(&column,
	      "00000001 00000000 0000043A 00000002 00000001 00000004 00000000 00000004 7FFFFFFF",
	      NULL, "infinite", "{2000-01-01,infinity}");
	column = array_of(JSONB, &inner);
	check(&column, "00000001 00000000 00000EDA 00000002 00000001 00000002 0131 00000003 015B5D",
	      "[1,[]]", NULL, "{1,[]}");
	check(&column, "00000001 00000000 00000EDA 00000001 00000001 00000005 016E756C6C", NULL,
	      "JSON null", "{\"null\"}");
	column = array_of(MONEY, &inner);
	CHECK(!strcmp(column.type, "NUMERIC") && column.precision == 19 && column.scale == 2);
	check(&column, "00000001 00000000 00000316 00000001 00000001 00000008 0000000000000096",
	      "[\"1.50\"]", NULL, "{1.50}");
	column = array_of(TIMETZ, &inner);
	CHECK(!strcmp(column.type, "STRING") && column.repeated);
}

static void vectors(void)
{
	const struct postgresql_settings settings = { .money_scale = 2 };
	const struct postgresql_type type = { .oid = INT2VECTOR, .modifier = -1, .kind = 'b' };
	struct column inner, column = { .name = NULL };

	postgresql_set_type(&column, &type, NULL, &inner, &settings);
	CHECK(column.repeated && !strcmp(column.type, "INTEGER"));
	check(&column, "00000001 00000000 00000015 00000002 00000000 00000002 0005 00000002 FFFF",
	      "[5,-1]", NULL, "[0:1]={5,-1}");
	check(&column, "00000001 00000000 00000015 00000000 00000000", "[]", NULL, NULL);
}

/* --- PostGIS ------------------------------------------------------------------ */

static int32_t shape_modifier(int srid)
{
	return srid << 8;
}

#define X1_Y2 "000000000000F03F 0000000000000040"
#define SRID_4326 "E6100000"

static void shapes(void)
{
	struct column geography = column_of_kind(POSTGRESQL_GEOMETRY, shape_modifier(4326));
	struct column ewkt = column_of_kind(POSTGRESQL_GEOMETRY, -1);
	static const char point[] = "01 01000020" SRID_4326 X1_Y2;
	static const char nested[] = "01 07000020" SRID_4326 "02000000 01 01000000" X1_Y2
				     "01 07000000 01000000 01 04000000 01000000 01 01000000" X1_Y2;
	static const char empty_point[] =
		"01 01000020" SRID_4326 "000000000000F87F 000000000000F87F";
	static const char triangle[] = "01 03000020" SRID_4326 "01000000 04000000" X1_Y2
				       "0000000000000840 0000000000000040"
				       "0000000000000840 0000000000001040" X1_Y2;

	CHECK(!strcmp(geography.type, "GEOGRAPHY") && !strcmp(ewkt.type, "STRING"));
	check(&geography, point, "\"POINT(1 2)\"", NULL, "SRID=4326;POINT(1 2)");
	check(&ewkt, point, "\"SRID=4326;POINT(1 2)\"", NULL, NULL);
	/* The other byte order. */
	check(&geography, "00 20000001 000010E6 3FF0000000000000 4000000000000000",
	      "\"POINT(1 2)\"", NULL, NULL);
	check(&geography, nested,
	      "\"GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(MULTIPOINT((1 2))))\"", NULL,
	      NULL);
	check(&geography, triangle, "\"POLYGON((1 2,3 2,3 4,1 2))\"", NULL, NULL);
	check(&geography, empty_point, "\"POINT EMPTY\"", NULL, NULL);
	check(&geography, "01 05000020" SRID_4326 "00000000", "\"MULTILINESTRING EMPTY\"", NULL,
	      NULL);
	check(&ewkt, "01 01000080" X1_Y2 "0000000000000840", "\"POINT(1 2 3)\"", NULL, NULL);
	check(&ewkt, "01 01000040" X1_Y2 "0000000000000840", "\"POINTM(1 2 3)\"", NULL, NULL);
	check(&ewkt, "01 010000C0" X1_Y2 "0000000000000840 000000000000F07F",
	      "\"POINT(1 2 3 Infinity)\"", NULL, NULL);
	check(&ewkt, "01 0A000000 01000000 01 08000000 01000000" X1_Y2,
	      "\"CURVEPOLYGON(CIRCULARSTRING(1 2))\"", NULL, NULL);
}

static void shapes_that_geography_has_not(void)
{
	struct column geography = column_of_kind(POSTGRESQL_GEOGRAPHY, -1);
	static const char not_closed[] =
		"01 03000020" SRID_4326 "01000000 04000000" X1_Y2 X1_Y2 X1_Y2
		"0000000000000840 0000000000000040";

	CHECK(!strcmp(geography.type, "GEOGRAPHY"));
	check(&geography, "01 01000000" X1_Y2, NULL, "SRID 4326", "POINT(1 2)");
	check(&geography, "01 01000020 110F0000" X1_Y2, NULL, "SRID 4326", "SRID=3857;POINT(1 2)");
	check(&geography, "01 010000A0" SRID_4326 X1_Y2 "0000000000000840", NULL, "two dimensions",
	      "SRID=4326;POINT(1 2 3)");
	check(&geography, "01 08000020" SRID_4326 "00000000", NULL, "curves",
	      "SRID=4326;CIRCULARSTRING EMPTY");
	check(&geography, "01 01000020" SRID_4326 "00000000008066C0 0000000000805640",
	      "\"POINT(-180 90)\"", NULL, NULL);
	check(&geography, "01 01000020" SRID_4326 "01000000008066C0 0000000000805640", NULL,
	      "outside of longitude", NULL);
	check(&geography, "01 01000020" SRID_4326 "00000000008066C0 0100000000805640", NULL,
	      "outside of longitude", NULL);
	check(&geography, "01 02000020" SRID_4326 "01000000" X1_Y2, NULL, "too few positions",
	      "SRID=4326;LINESTRING(1 2)");
	check(&geography, not_closed, NULL, "does not end where it began", NULL);
	check(&geography, "01 07000020" SRID_4326 "01000000 01 02000000 00000000", NULL,
	      "no empty parts", "SRID=4326;GEOMETRYCOLLECTION(LINESTRING EMPTY)");
	check(&geography, "01 0D000020" SRID_4326, NULL, "not known", NULL);
	check(&geography, "02 01000000" X1_Y2, NULL, "malformed", "");
	check(&geography, "01 01000020" SRID_4326 X1_Y2 "00", NULL, "malformed", NULL);
	/* A point in another SRID than its collection; a line in a MULTIPOINT. */
	check(&geography, "01 07000020" SRID_4326 "01000000 01 01000020 00000000" X1_Y2, NULL,
	      "malformed", NULL);
	check(&geography, "01 04000020" SRID_4326 "01000000 01 02000000 01000000" X1_Y2, NULL,
	      "malformed", NULL);
}

/* 300 collections, one in the other: deeper than PostGIS itself goes. */
static void shapes_too_deep(void)
{
	static const char header[] = "\x01\x07\x00\x00\x00\x01\x00\x00\x00";
	struct column ewkt = column_of_kind(POSTGRESQL_GEOMETRY, -1);
	char wire[300 * 9], *text = malloc(4 * sizeof wire + 96);
	struct cell cell = { .data = wire, .length = sizeof wire };
	const char *reason;

	for (size_t i = 0; i < 300; i++)
		memcpy(wire + 9 * i, header, 9);
	reason = encode(&ewkt, &cell, text, 4 * sizeof wire);
	CHECK(reason && strstr(reason, "nested too deep"));
	free(text);
}

/* --- which type, and how it is asked for ------------------------------------- */

static void check_select(const struct column *column, const char *type, const char *sql)
{
	auto_buf out = BUF_INIT;
	struct column named = *column;
	struct error err;

	named.source_name = "a\"b";
	CHECK(postgresql_append_select(&out, &named, &err) == 0);
	if (strcmp(column->type, type) != 0 || out.length != strlen(sql) ||
	    memcmp(out.data, sql, out.length) != 0) {
		printf("# %s by %.*s, not %s by %s\n", column->type, (int)out.length, out.data,
		       type, sql);
		unit.bad = true;
	}
}

static void forms(void)
{
	struct column inner, column = column_of(USER, -1);

	check_select(&column, "STRING", "\"a\"\"b\"::pg_catalog.text");
	column = column_of(TEXT, -1);
	check_select(&column, "STRING", "\"a\"\"b\"");
	column = column_of_kind(POSTGRESQL_ENUM, -1);
	check_select(&column, "STRING", "\"a\"\"b\"");
	column = column_of_kind(POSTGRESQL_COMPOSITE, -1);
	check_select(&column, "JSON", "pg_catalog.to_json(\"a\"\"b\")");
	column = column_of(RECORD, -1);
	check_select(&column, "JSON", "pg_catalog.to_json(\"a\"\"b\")");
	column = array_of(TIMETZ, &inner);
	check_select(&column, "STRING", "\"a\"\"b\"::pg_catalog.text[]");
	column = array_of(RECORD, &inner);
	CHECK(column.repeated);
	check_select(
		&column, "JSON",
		"CASE WHEN pg_catalog.array_dims(\"a\"\"b\") OPERATOR(pg_catalog.~) '[[](?!1:)'"
		" THEN \"a\"\"b\"::pg_catalog.text ELSE pg_catalog.to_json(\"a\"\"b\")"
		"::pg_catalog.text END");
	/* [{"n":"[n\""},{"a":[null]}], [{},null], [[{}]] */
	check(&column, "5B7B226E223A225B6E5C22227D2C7B2261223A5B6E756C6C5D7D5D",
	      "[{\"n\":\"[n\\\"\"},{\"a\":[null]}]", NULL, NULL);
	check(&column, "5B7B7D2C6E756C6C5D", NULL, "hold no NULL", NULL);
	check(&column, "5B5B7B7D5D5D", NULL, "one dimension", NULL);
	check(&column, "5B5D", "[]", NULL, NULL);
	check(&column, "5B303A305D3D7B317D", NULL, "do not begin at 1", NULL);
}

static void as_text(void)
{
	struct column inner, column = array_of(INT4, &inner);

	postgresql_as_text(&column);
	CHECK(!column.repeated && !column.inner);
	check_select(&column, "STRING", "\"a\"\"b\"::pg_catalog.text");
	column = column_of(NUMERIC, numeric_modifier(10, 2));
	postgresql_as_text(&column);
	CHECK(column.precision == 0 && column.scale == 0);
	check_select(&column, "STRING", "\"a\"\"b\"::pg_catalog.text");
	column = column_of(MONEY, -1);
	postgresql_as_text(&column);
	CHECK(column.precision == 0);
	check_select(&column, "STRING", "\"a\"\"b\"");
	check(&column, "0000000000000096", "\"1.50\"", NULL, NULL);
	/* Cast to text, they would lose their padding, or gain a netmask. */
	column = column_of(BPCHAR, -1);
	postgresql_as_text(&column);
	check_select(&column, "STRING", "\"a\"\"b\"");
	column = column_of(INET, -1);
	postgresql_as_text(&column);
	check_select(&column, "STRING", "\"a\"\"b\"");
	column = column_of_kind(POSTGRESQL_GEOGRAPHY, -1);
	postgresql_as_text(&column);
	check_select(&column, "STRING", "\"a\"\"b\"");
	check(&column, "01 01000020" SRID_4326 X1_Y2, "\"SRID=4326;POINT(1 2)\"", NULL, NULL);
}

static void options(void)
{
	const struct postgresql_settings all = {
		.options = { .time_string = true,
			     .arrays_json = true,
			     .json_string = true,
			     .interval_string = true,
			     .datetime_timestamp = true },
	};
	struct postgresql_type type = { .oid = TIME, .modifier = -1, .kind = 'b' };
	struct postgresql_type element = { .oid = INT4, .modifier = -1, .kind = 'b' };
	struct column inner, column = { .name = NULL };

	postgresql_set_type(&column, &type, NULL, NULL, &all);
	check_select(&column, "STRING", "\"a\"\"b\"::pg_catalog.text");
	type.oid = INTERVAL;
	column.form = 0;
	postgresql_set_type(&column, &type, NULL, NULL, &all);
	check_select(&column, "STRING", "\"a\"\"b\"::pg_catalog.text");
	type.oid = TIMESTAMP;
	column.form = 0;
	postgresql_set_type(&column, &type, NULL, NULL, &all);
	check_select(&column, "TIMESTAMP", "\"a\"\"b\"");
	check(&column, "0000000000000000", "\"2000-01-01T00:00:00.000000Z\"", NULL,
	      "2000-01-01 00:00:00.000000");
	type.oid = JSON;
	postgresql_set_type(&column, &type, NULL, NULL, &all);
	check_select(&column, "STRING", "\"a\"\"b\"");
	check(&column, "7B7D0A", "\"{}\\n\"", NULL, NULL);
	type.oid = JSONB;
	postgresql_set_type(&column, &type, NULL, NULL, &all);
	check(&column, "017B7D", "\"{}\"", NULL, NULL);
	check(&column, "02", NULL, "version", NULL);
	type.kind = POSTGRESQL_ARRAY;
	postgresql_set_type(&column, &type, &element, &inner, &all);
	CHECK(!column.repeated && !strcmp(column.type, "STRING"));
	check(&column, "5B315D", "\"[1]\"", NULL, NULL);
	check(&column, "5B303A305D3D7B317D", NULL, "do not begin at 1", NULL);
}

int main(void)
{
	unit_test("bool, numbers, money, text, bytes, uuid");
	scalars();
	unit_test("money by the scale of its currency");
	money_of_other_scales();
	unit_test("addresses in the forms of inet_ntop");
	addresses();
	unit_test("dates and times to the last one that BigQuery has");
	calendar();
	unit_test("intervals in three parts, each with its sign");
	intervals();
	unit_test("json on one line, jsonb of its only version");
	json();
	unit_test("JSON null is refused where NULL cannot be");
	json_null_where_none_may_stand();
	unit_test("numeric digits beyond 9999 are malformed");
	digits_beyond_the_base();
	unit_test("numeric digits beyond the scale are malformed");
	hidden_fraction();
	unit_test("the largest digit is not");
	largest_digit();
	unit_test("numerics of thousands of digits have the room they need");
	long_numerics();
	unit_test("numeric as NUMERIC, STRING or FLOAT, where it is the same value");
	numeric_on_request();
	unit_test("arrays of one dimension, without NULL, from 1 on");
	arrays();
	unit_test("arrays of text, numeric, dates, jsonb, money");
	arrays_of_other_types();
	unit_test("int2vector begins at 0, and can be empty");
	vectors();
	unit_test("shapes as WKT and EWKT");
	shapes();
	unit_test("shapes that GEOGRAPHY does not have");
	shapes_that_geography_has_not();
	unit_test("a shape that is nested too deep");
	shapes_too_deep();
	unit_test("each type is asked for as its encoder needs it");
	forms();
	unit_test("every type can be read as text");
	as_text();
	unit_test("options choose other types");
	options();
	return unit_done();
}
