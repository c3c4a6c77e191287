#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/values.h"

/* --- a type without numbers of its own --------------------------------------- */

DECLARE(bool, "boolean", "BOOLEAN")
DECLARE(int2, "smallint", "INTEGER")
DECLARE(int4, "integer", "INTEGER")
DECLARE(int8, "bigint", "INTEGER")
DECLARE(oid, "oid", "INTEGER")
DECLARE(float4, "real", "FLOAT")
DECLARE(float8, "double precision", "FLOAT")
DECLARE(plain_numeric, "numeric", "BIGNUMERIC")
DECLARE(money, "money", "NUMERIC")
DECLARE(text, "text", "STRING")
DECLARE(name, "name", "STRING")
DECLARE(uuid, "uuid", "STRING")
DECLARE(inet, "inet", "STRING")
DECLARE(bytea, "bytea", "BYTES")
DECLARE(date, "date", "DATE")
DECLARE(timetz, "timetz", "STRING")
DECLARE(json, "json", "JSON")
DECLARE(jsonb, "jsonb", "JSON")
DECLARE(interval, "interval", "INTERVAL")
DECLARE(range, "int4range", "STRING")
DECLARE(integers, "integer[]", "INTEGER")
DECLARE(texts, "text[]", "STRING")

static void declare_numeric(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, dice_percent(d, 20) ? 200 : 76);
	p[1] = (int)dice_between(d, 0, p[0]);
	put(type, "numeric(%d,%d)", p[0], p[1]);
	*bigquery = p[1] <= 9 && p[0] - p[1] <= 29    ? "NUMERIC"
		    : p[1] <= 38 && p[0] - p[1] <= 38 ? "BIGNUMERIC"
						      : "STRING";
}

static void declare_varchar(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, 60);
	put(type, "varchar(%d)", p[0]);
	*bigquery = "STRING";
}

static void declare_char(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, 20);
	put(type, "char(%d)", p[0]);
	*bigquery = "STRING";
}

static void declare_bit(struct dice *d, char *type, int p[2], const char **bigquery)
{
	p[0] = (int)dice_between(d, 1, 70);
	put(type, "bit(%d)", p[0]);
	*bigquery = "STRING";
}

DECLARE_FRACTION(time, "TIME")
DECLARE_FRACTION(timestamp, "DATETIME")
DECLARE_FRACTION(timestamptz, "TIMESTAMP")

/* --- values ---------------------------------------------------------------------- */

static void make_bool(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	put(v->text, dice_percent(d, 50) ? "true" : "false");
	put(v->sql, "%s", v->text);
}

static void make_between(struct dice *d, int64_t least, int64_t most, struct value *v)
{
	put(v->text, "%lld", (long long)make_integer(d, least, most));
	put(v->sql, "'%s'", v->text);
}

static void make_int2(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	make_between(d, INT16_MIN, INT16_MAX, v);
}

static void make_int4(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	make_between(d, INT32_MIN, INT32_MAX, v);
}

static void make_int8(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	make_between(d, INT64_MIN, INT64_MAX, v);
}

static void make_oid(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	make_between(d, 0, UINT32_MAX, v);
}

static void make_float4(struct dice *d, const int p[2], struct value *v)
{
	float value = make_float(d);

	(void)p;
	put(v->sql, "'%.9g'::float4", (double)value);
	put_float(v->text, value);
}

static void make_float8(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	put(v->text, "%.17g", make_double(d));
	put(v->sql, "'%s'::float8", v->text);
}

static void make_numeric(struct dice *d, const int p[2], struct value *v)
{
	char text[VALUE_MAX];

	make_decimal(d, p[0], p[1], text);
	put(v->sql, "%s", text);
	if (p[1] <= 38 && p[0] - p[1] <= 38)
		canonical_decimal(text, v->text);
	else
		printed_decimal(text, v->text);
}

static void make_plain_numeric(struct dice *d, const int p[2], struct value *v)
{
	const int limits[2] = { (int)dice_between(d, 1, 38) + 38, 38 };

	(void)p;
	make_numeric(d, limits, v);
}

static void make_money(struct dice *d, const int p[2], struct value *v)
{
	char text[VALUE_MAX];

	(void)p;
	make_decimal(d, 18, 2, text);
	put(v->sql, "'%s'::numeric::money", text);
	canonical_decimal(text, v->text);
}

/* Whatever bytes: no quoting has to be right for the test to be. */
static void set_text(struct value *v, const char *text)
{
	put(v->text, "%s", text);
	put(v->sql, "convert_from('\\x");
	put_hex(v->sql, text, strlen(text));
	put(v->sql, "', 'UTF8')");
}

static void make_some_text(struct dice *d, const int p[2], struct value *v)
{
	char text[VALUE_MAX];

	make_text(d, p[0] ? p[0] : 150, 0x110000, text);
	set_text(v, text);
}

static void make_name(struct dice *d, const int p[2], struct value *v)
{
	char text[VALUE_MAX];

	(void)p;
	make_text(d, 15, 0x110000, text);
	set_text(v, text);
}

static void make_char(struct dice *d, const int p[2], struct value *v)
{
	char text[VALUE_MAX];
	int characters = 0;

	make_text(d, p[0], 0x110000, text);
	set_text(v, text);
	for (const char *c = text; *c; c++)
		characters += ((unsigned char)*c & 0xC0) != 0x80;
	put(v->text, "%*s", p[0] - characters, "");
}

static void make_uuid(struct dice *d, const int p[2], struct value *v)
{
	uint64_t a = dice_bits(d), b = dice_bits(d);

	(void)p;
	put_uuid(v->text, a, b);
	put(v->sql, "'%s'", v->text);
}

static void make_inet(struct dice *d, const int p[2], struct value *v)
{
	uint64_t bits = dice_bits(d);

	(void)p;
	put(v->text, "%u.%u.%u.%u", (unsigned)(bits & 255), (unsigned)(bits >> 8 & 255),
	    (unsigned)(bits >> 16 & 255), (unsigned)(bits >> 24 & 255));
	if (dice_percent(d, 50))
		put(v->text, "/%u", (unsigned)dice_below(d, 32));
	put(v->sql, "'%s'", v->text);
}

static void make_bytea(struct dice *d, const int p[2], struct value *v)
{
	unsigned char bytes[200];
	size_t n = dice_below(d, sizeof bytes);

	(void)p;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)dice_bits(d);
	put_hex(v->text, bytes, n);
	put(v->sql, "'\\x%s'", v->text);
}

static void make_timestamptz(struct dice *d, const int p[2], struct value *v)
{
	int64_t at = make_microseconds(d, 1, 9999, p[0]);

	put(v->sql, "'");
	put_datetime(v->sql, at);
	put(v->sql, "+00'");
	put(v->text, "%lld", (long long)at);
}

static void make_timetz(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	put(v->text, "%02u:%02u:%02u%+03d", (unsigned)dice_below(d, 24),
	    (unsigned)dice_below(d, 60), (unsigned)dice_below(d, 60),
	    (int)dice_between(d, -12, 12));
	put(v->sql, "'%s'", v->text);
}

static void make_a_json(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	make_json(d, v->text);
	put(v->sql, "'%s'", v->text);
}

static void make_bit(struct dice *d, const int p[2], struct value *v)
{
	for (int i = 0; i < p[0]; i++)
		put(v->text, "%d", dice_percent(d, 50));
	put(v->sql, "B'%s'", v->text);
}

static void make_interval(struct dice *d, const int p[2], struct value *v)
{
	int64_t months = make_integer(d, -120000, 120000),
		days = make_integer(d, -3660000, 3660000);
	int64_t time = make_integer(d, INT64_C(-316224000000000000), INT64_C(316224000000000000));
	uint64_t seconds = (uint64_t)llabs(time) / 1000000;

	(void)p;
	put(v->sql, "'%lld months %lld days %lld microseconds'", (long long)months, (long long)days,
	    (long long)time);
	put(v->text, "%s%lld-%lld %lld %s%llu:%llu:%llu.%06llu", months < 0 ? "-" : "",
	    llabs(months) / 12, llabs(months) % 12, (long long)days, time < 0 ? "-" : "",
	    (unsigned long long)seconds / 3600, (unsigned long long)seconds / 60 % 60,
	    (unsigned long long)seconds % 60, (unsigned long long)llabs(time) % 1000000);
}

static void make_range(struct dice *d, const int p[2], struct value *v)
{
	int least = (int)dice_between(d, -1000, 1000);

	(void)p;
	put(v->text, "[%d,%d)", least, (int)dice_between(d, least + 1, 2000));
	put(v->sql, "'%s'", v->text);
}

/* Arrays come back as BigQuery's REST API prints them: a JSON array of texts here. */
static void make_integers(struct dice *d, const int p[2], struct value *v)
{
	int n = (int)dice_below(d, 5);

	(void)p;
	put(v->sql, "'{");
	put(v->text, "[");
	for (int i = 0; i < n; i++) {
		long long value = make_integer(d, INT32_MIN, INT32_MAX);

		put(v->sql, "%s%lld", i ? "," : "", value);
		put(v->text, "%s\"%lld\"", i ? "," : "", value);
	}
	put(v->sql, "}'");
	put(v->text, "]");
}

static void make_texts(struct dice *d, const int p[2], struct value *v)
{
	json_t *list = json_array();
	char *text;

	(void)p;
	put(v->sql, "ARRAY[");
	for (int n = (int)dice_below(d, 5), i = 0; i < n; i++) {
		struct value element = { .sql = "" };
		char random[VALUE_MAX];

		make_text(d, 20, 0x110000, random);
		set_text(&element, random);
		put(v->sql, "%s%s", i ? "," : "", element.sql);
		json_array_append_new(list, json_string(random));
	}
	put(v->sql, "]::text[]");
	text = json_dumps(list, JSON_COMPACT);
	put(v->text, "%s", text);
	free(text);
	json_decref(list);
}

const struct kind postgresql_kinds[] = {
	{ declare_bool, make_bool, TEXT, COMPARE_TEXT, false },
	{ declare_int2, make_int2, TEXT, COMPARE_TEXT, false },
	{ declare_int4, make_int4, TEXT, COMPARE_TEXT, false },
	{ declare_int8, make_int8, TEXT, COMPARE_TEXT, false },
	{ declare_oid, make_oid, TEXT, COMPARE_TEXT, false },
	{ declare_float4, make_float4, TEXT, COMPARE_FLOAT, false },
	{ declare_float8, make_float8, TEXT, COMPARE_FLOAT, false },
	{ declare_numeric, make_numeric, TEXT, COMPARE_TEXT, false },
	{ declare_plain_numeric, make_plain_numeric, TEXT, COMPARE_TEXT, false },
	{ declare_money, make_money, TEXT, COMPARE_TEXT, false },
	{ declare_text, make_some_text, "%s", COMPARE_TEXT, false },
	{ declare_varchar, make_some_text, "%s", COMPARE_TEXT, false },
	{ declare_char, make_char, "%s", COMPARE_TEXT, false },
	{ declare_name, make_name, "%s", COMPARE_TEXT, false },
	{ declare_uuid, make_uuid, "%s", COMPARE_TEXT, false },
	{ declare_inet, make_inet, "%s", COMPARE_TEXT, false },
	{ declare_bytea, make_bytea, "TO_HEX(%s)", COMPARE_TEXT, false },
	{ declare_date, make_date, TEXT, COMPARE_TEXT, false },
	{ declare_time, make_time, TEXT, COMPARE_FRACTION, false },
	{ declare_timetz, make_timetz, "%s", COMPARE_TEXT, false },
	{ declare_timestamp, make_datetime, TEXT, COMPARE_FRACTION, false },
	{ declare_timestamptz, make_timestamptz, "CAST(UNIX_MICROS(%s) AS STRING)", COMPARE_TEXT,
	  false },
	{ declare_json, make_a_json, JSON, COMPARE_JSON, false },
	{ declare_jsonb, make_a_json, JSON, COMPARE_JSON, false },
	{ declare_bit, make_bit, "%s", COMPARE_TEXT, false },
	{ declare_interval, make_interval, TEXT, COMPARE_FRACTION, false },
	{ declare_range, make_range, "%s", COMPARE_TEXT, false },
	{ declare_integers, make_integers, "%s", COMPARE_JSON, true },
	{ declare_texts, make_texts, "%s", COMPARE_JSON, true },
	{ 0 },
};
