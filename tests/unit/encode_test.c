/* The encoders that drivers share: strings, integers, base64, dates, JSON. */
#include "extract/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/unit.h"

static char room[1 << 16];

static void check_text(const char *end, const char *want)
{
	size_t n = (size_t)(end - room);

	if (n != strlen(want) || memcmp(room, want, n) != 0)
		printf("# %.*s, not %s\n", (int)n, room, want);
	CHECK(n == strlen(want) && !memcmp(room, want, n));
}

static void integers(void)
{
	static const struct {
		int64_t value;
		const char *want;
	} cases[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ 99, "99" },
		{ 100, "100" },
		{ -1, "-1" },
		{ INT64_C(9007199254740991), "9007199254740991" },
		{ INT64_C(9007199254740992), "\"9007199254740992\"" },
		{ INT64_C(-9007199254740992), "\"-9007199254740992\"" },
		{ INT64_MAX, "\"9223372036854775807\"" },
		{ INT64_MIN, "\"-9223372036854775808\"" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_text(encode_put_integer(room, cases[i].value), cases[i].want);
	check_text(encode_put_unsigned(room, UINT64_MAX), "18446744073709551615");
}

/* One special byte at each place of each length: the vector code has an edge at every one. */
static void strings_of_every_length(void)
{
	static const struct {
		const char *byte, *escaped;
	} specials[] = { { "\"", "\\\"" },      { "\\", "\\\\" },          { "\n", "\\n" },
			 { "\x01", "\\u0001" }, { "\x1f", "\\u001f" },     { "\x7f", "\x7f" },
			 { " ", " " },          { "\xC3\xA9", "\xC3\xA9" } };

	for (size_t s = 0; s < sizeof specials / sizeof *specials; s++)
		for (size_t n = 0; n < 50; n++)
			for (size_t at = 0; at <= n; at++) {
				size_t width = strlen(specials[s].byte);
				/* Exactly sized, so that a sanitizer sees a read beyond it. */
				char *text = malloc(n + width), want[128], *out = room;
				struct cell cell = { .data = text, .length = n + width };

				memset(text, 'a', n + width);
				memcpy(text + at, specials[s].byte, width);
				snprintf(want, sizeof want, "\"%.*s%s%.*s\"", (int)at,
					 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
					 specials[s].escaped, (int)(n - at),
					 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
				CHECK(encode_put_string(text, n + width, &out) == NULL);
				check_text(out, want);
				CHECK(encode_measure_string(NULL, &cell) + 2 == strlen(want));
				free(text);
			}
}

static void invalid_strings(void)
{
	static const char *const cases[] = { "\xFF", "abc\xC3", "\xC3\x28", "\xED\xA0\x80",
					     "0123456789abcdef\x80" };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *out = room;

		CHECK(encode_put_string(cases[i], strlen(cases[i]), &out) != NULL);
	}
}

static void base64(void)
{
	check_text(encode_put_base64(room, "", 0), "\"\"");
	check_text(encode_put_base64(room, "f", 1), "\"Zg==\"");
	check_text(encode_put_base64(room, "fo", 2), "\"Zm8=\"");
	check_text(encode_put_base64(room, "foo", 3), "\"Zm9v\"");
	check_text(encode_put_base64(room, "\xFB\xFF\xBF\x00", 4), "\"+/+/AA==\"");
}

static void every_day(void)
{
	for (int64_t day = -719162; day <= 2932896; day++) {
		time_t seconds = (time_t)day * 86400;
		char want[40], *out = room;
		struct tm utc;

		gmtime_r(&seconds, &utc);
		snprintf(want, sizeof want, "%04d-%02d-%02d", utc.tm_year + 1900, utc.tm_mon + 1,
			 utc.tm_mday);
		if (!encode_put_date(&out, day) || memcmp(room, want, 10) != 0) {
			CHECK(!"a day that gmtime sees differently");
			return;
		}
	}
}

static void days_outside(void)
{
	char *out = room;

	CHECK(!encode_put_date(&out, -719163));
	CHECK(!encode_put_date(&out, 2932897));
	CHECK(!encode_put_datetime(&out, INT64_MIN));
	CHECK(!encode_put_datetime(&out, INT64_MAX));
	CHECK(out == room);
}

static void datetimes(void)
{
	char *out = room;

	CHECK(encode_put_datetime(&out, -1));
	check_text(out, "1969-12-31T23:59:59.999999");
	out = room;
	CHECK(encode_put_datetime(&out, 0));
	check_text(out, "1970-01-01T00:00:00.000000");
	out = room;
	CHECK(encode_put_datetime(&out, INT64_C(253402300799999999)));
	check_text(out, "9999-12-31T23:59:59.999999");
	out = room;
	CHECK(!encode_put_datetime(&out, INT64_C(253402300800000000)));
	check_text(encode_put_time(room, INT64_C(86399999999)), "23:59:59.999999");
}

static void json(void)
{
	static const struct {
		const char *text;
		bool kept;
	} cases[] = {
		{ "{\"a\": [1, -2.5, \"x\\\"\", null]}", true },
		{ "9223372036854775807", true },
		{ "18446744073709551615", true },
		{ "18446744073709551616", false },
		{ "-9223372036854775809", false },
		{ "0.1", true },
		{ "0.30000000000000004", true },
		{ "0.300000000000000044", false },
		{ "1e308", true },
		{ "1e309", false },
		{ "5e-324", true },
		{ "1e-324", false },
		{ "100000000000000000000", true },
		{ "100000000000000000001", false },
		{ "123456789012345678", true },
		{ "1234567890123456.7", false },
		{ "1234567890123456.8", true },
		{ "12345678901234567.8", false },
		{ "\"18446744073709551616\"", true },
		{ "\"\\\\\"", true },
		{ "[\"\\\"\", 1e999]", false },
		{ "0.0000", true },
		{ "\"\xFF\"", false },
		{ "1.50000000000000000000000", true },
		{ "123456789012345680.0", true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *out = room;
		bool kept = !encode_put_json(cases[i].text, strlen(cases[i].text), &out);

		if (kept != cases[i].kept)
			printf("# %s\n", cases[i].text);
		CHECK(kept == cases[i].kept);
		if (kept)
			check_text(out, cases[i].text);
	}
}

static void json_depth(void)
{
	char text[1002], *out = room;

	memset(text, '[', 500);
	memset(text + 500, ']', 500);
	CHECK(encode_put_json(text, 1000, &out) == NULL);
	memset(text, '[', 501);
	memset(text + 501, ']', 501);
	CHECK(encode_put_json(text, 1002, &out) != NULL);
}

int main(void)
{
	unit_test("integers beyond 2^53-1 are strings");
	integers();
	unit_test("strings are escaped at every place and length, and measured exactly");
	strings_of_every_length();
	unit_test("strings that are not UTF-8 are refused");
	invalid_strings();
	unit_test("base64 has its padding");
	base64();
	unit_test("every day from 0001-01-01 to 9999-12-31 is gmtime's");
	every_day();
	unit_test("days and moments outside of these years are refused");
	days_outside();
	unit_test("moments before and after 1970");
	datetimes();
	unit_test("JSON is kept unless a number would change");
	json();
	unit_test("JSON is at most 500 levels deep");
	json_depth();
	return unit_done();
}
