#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/values.h"

/* --- types --------------------------------------------------------------------- */

/* p[0] the bytes of an integer, p[1] whether it is unsigned. */
static void declare_integer(struct dice *d, char *type, int p[2], const char **bigquery)
{
	static const char *const names[] = { "tinyint", "smallint", "mediumint", "int", "bigint" };
	static const int widths[] = { 8, 16, 24, 32, 64 };
	size_t which = dice_below(d, 5);

	p[0] = widths[which];
	p[1] = dice_percent(d, 50);
	put(type, "%s%s", names[which], p[1] ? " unsigned" : "");
	*bigquery = p[0] == 64 && p[1] ? "NUMERIC" : "INTEGER";
}

static void declare_decimal(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, 65);
	p[1] = (int)dice_between(d, 0, p[0] < 30 ? p[0] : 30);
	put(type, "decimal(%d,%d)", p[0], p[1]);
	*bigquery = p[1] <= 9 && p[0] - p[1] <= 29 ? "NUMERIC"
		    : p[0] - p[1] <= 38            ? "BIGNUMERIC"
						   : "STRING";
}

static void declare_bit(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, 64);
	put(type, "bit(%d)", p[0]);
	*bigquery = p[0] == 1 ? "BOOLEAN" : p[0] == 64 ? "NUMERIC" : "INTEGER";
}

static void declare_varchar(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, 100);
	p[1] = dice_percent(d, 30);
	put(type, "varchar(%d) character set %s", p[0], p[1] ? "latin1" : "utf8mb4");
	*bigquery = "STRING";
}

static void declare_binary(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, 50);
	put(type, "binary(%d)", p[0]);
	*bigquery = "BYTES";
}

DECLARE_FRACTION(time, "TIME")
DECLARE_FRACTION(datetime, "DATETIME")
DECLARE_FRACTION(timestamp, "TIMESTAMP")

DECLARE(year, "year", "INTEGER")
DECLARE(float, "float", "FLOAT")
DECLARE(double, "double", "FLOAT")
DECLARE(text, "mediumtext character set utf8mb4", "STRING")
DECLARE(enum, "enum('red','gr\xC3\xBCn','it''s') character set utf8mb4", "STRING")
DECLARE(set, "set('a','b','c')", "STRING")
DECLARE(uuid, "uuid", "STRING")
DECLARE(inet6, "inet6", "STRING")
DECLARE(blob, "blob", "BYTES")
DECLARE(date, "date", "DATE")
DECLARE(json, "json", "JSON")

/* --- values ----------------------------------------------------------------------- */

static void make_some_integer(struct dice *d, const int p[2], struct value *v)
{
	if (p[0] == 64 && p[1])
		put(v->text, "%llu",
		    dice_percent(d, 20) ? (unsigned long long)UINT64_MAX
					: (unsigned long long)dice_bits(d));
	else if (p[1])
		put(v->text, "%lld", (long long)make_integer(d, 0, (INT64_C(1) << p[0]) - 1));
	else
		put(v->text, "%lld",
		    (long long)make_integer(d, p[0] == 64 ? INT64_MIN : -(INT64_C(1) << (p[0] - 1)),
					    (int64_t)((UINT64_C(1) << (p[0] - 1)) - 1)));
	put(v->sql, "%s", v->text);
}

static void make_some_decimal(struct dice *d, const int p[2], struct value *v)
{
	char text[VALUE_MAX];

	make_decimal(d, p[0], p[1], text);
	put(v->sql, "%s", text);
	if (p[0] - p[1] <= 38)
		canonical_decimal(text, v->text);
	else
		printed_decimal(text, v->text);
}

static void make_bit(struct dice *d, const int p[2], struct value *v)
{
	uint64_t most = p[0] == 64 ? UINT64_MAX : (UINT64_C(1) << p[0]) - 1;
	uint64_t value = dice_percent(d, 20) ? most : dice_bits(d) & most;

	if (p[0] == 1)
		put(v->text, value ? "true" : "false");
	else
		put(v->text, "%llu", (unsigned long long)value);
	put(v->sql, "%llu", (unsigned long long)value);
}

static void make_year(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	put(v->text, "%lld", (long long)make_integer(d, 1901, 2155));
	put(v->sql, "%s", v->text);
}

static void make_float_value(struct dice *d, const int p[2], struct value *v)
{
	float value = make_float(d);

	(void)p;
	put(v->sql, "%.17g", (double)value);
	put_float(v->text, value);
}

static void make_double_value(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	put(v->text, "%.17g", make_double(d));
	/* With an exponent it is a double from the start, not a decimal. */
	put(v->sql, strchr(v->text, 'e') ? "%s" : "%se0", v->text);
}

static void make_some_text(struct dice *d, const int p[2], struct value *v)
{
	make_text(d, p[0] ? p[0] : 150, p[1] ? 0x100 : 0x110000, v->text);
	put(v->sql, "convert(x'");
	put_hex(v->sql, v->text, strlen(v->text));
	put(v->sql, "' using utf8mb4)");
}

static void make_enum(struct dice *d, const int p[2], struct value *v)
{
	static const char *const words[] = { "red", "gr\xC3\xBCn", "it's" };
	uint64_t which = dice_below(d, 3);

	(void)p;
	put(v->text, "%s", words[which]);
	put(v->sql, "%d", (int)which + 1);
}

static void make_set(struct dice *d, const int p[2], struct value *v)
{
	static const char *const words[] = { "", "a", "b", "a,b", "c", "a,c", "b,c", "a,b,c" };

	(void)p;
	put(v->text, "%s", words[dice_below(d, 8)]);
	put(v->sql, "'%s'", v->text);
}

static void make_uuid(struct dice *d, const int p[2], struct value *v)
{
	/* MariaDB takes only versions and variants that there are. */
	uint64_t a = (dice_bits(d) & ~UINT64_C(0xF000)) | 0x4000;
	uint64_t b = (dice_bits(d) & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;

	(void)p;
	put_uuid(v->text, a, b);
	put(v->sql, "'%s'", v->text);
}

static void make_inet6(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	put(v->text, "2001:db8::%x", (unsigned)dice_between(d, 1, 0xFFFF));
	put(v->sql, "'%s'", v->text);
}

static void make_bytes(struct dice *d, size_t n, struct value *v)
{
	unsigned char bytes[200];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)dice_bits(d);
	put_hex(v->text, bytes, n);
	put(v->sql, "x'%s'", v->text);
}

static void make_binary(struct dice *d, const int p[2], struct value *v)
{
	size_t n = dice_below(d, (uint64_t)p[0] + 1);

	make_bytes(d, n, v);
	/* The server pads with zero bytes. */
	for (; n < (size_t)p[0]; n++)
		put(v->text, "00");
}

static void make_blob(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	make_bytes(d, dice_below(d, 200), v);
}

static void make_timestamp(struct dice *d, const int p[2], struct value *v)
{
	int64_t at = make_microseconds(d, 1971, 2037, p[0]);

	put(v->sql, "'");
	put_datetime(v->sql, at);
	put(v->sql, "'");
	put(v->text, "%lld", (long long)at);
}

static void make_a_json(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	make_json(d, v->text);
	put(v->sql, "convert(x'");
	put_hex(v->sql, v->text, strlen(v->text));
	put(v->sql, "' using utf8mb4)");
}

const struct kind mysql_kinds[] = {
	{ declare_integer, make_some_integer, TEXT, COMPARE_TEXT, false },
	{ declare_integer, make_some_integer, TEXT, COMPARE_TEXT, false },
	{ declare_decimal, make_some_decimal, TEXT, COMPARE_TEXT, false },
	{ declare_decimal, make_some_decimal, TEXT, COMPARE_TEXT, false },
	{ declare_bit, make_bit, TEXT, COMPARE_TEXT, false },
	{ declare_year, make_year, TEXT, COMPARE_TEXT, false },
	{ declare_float, make_float_value, TEXT, COMPARE_FLOAT, false },
	{ declare_double, make_double_value, TEXT, COMPARE_FLOAT, false },
	{ declare_varchar, make_some_text, "%s", COMPARE_TEXT, false },
	{ declare_text, make_some_text, "%s", COMPARE_TEXT, false },
	{ declare_enum, make_enum, "%s", COMPARE_TEXT, false },
	{ declare_set, make_set, "%s", COMPARE_TEXT, false },
	{ declare_uuid, make_uuid, "%s", COMPARE_TEXT, false },
	{ declare_inet6, make_inet6, "%s", COMPARE_TEXT, false },
	{ declare_binary, make_binary, "TO_HEX(%s)", COMPARE_TEXT, false },
	{ declare_blob, make_blob, "TO_HEX(%s)", COMPARE_TEXT, false },
	{ declare_date, make_date, TEXT, COMPARE_TEXT, false },
	{ declare_time, make_time, TEXT, COMPARE_FRACTION, false },
	{ declare_datetime, make_datetime, TEXT, COMPARE_FRACTION, false },
	{ declare_timestamp, make_timestamp, "CAST(UNIX_MICROS(%s) AS STRING)", COMPARE_TEXT,
	  false },
	{ declare_json, make_a_json, JSON, COMPARE_JSON, false },
	{ 0 },
};
