/*
 * double_write against the C library: the text reads back as the same bits,
 * no shorter text does, and no other text of that length is nearer. Millions
 * of random bit patterns, and the edges.
 */
#include "lib/double.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

enum { ROUND_TRIPS = 1500000, PROOFS = 100000 };

static uint64_t random_bits(void)
{
	static uint64_t state = 0x9E3779B97F4A7C15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545F4914F6CDD1D;
}

static void fail(const char *what, const char *text, const char *want)
{
	printf("# %s: %s, not %s\n", what, text, want);
	CHECK(!"the text expected");
}

static const char *text_of(double value, char text[DOUBLE_TEXT_MAX + 1])
{
	*double_write(text, value) = '\0';
	return text;
}

static const char *text_of_float(float value, char text[DOUBLE_TEXT_MAX + 1])
{
	*double_write_float(text, value) = '\0';
	return text;
}

static int digits_in(const char *text)
{
	int digits = 0, zeros = 0, seen = 0;

	for (; *text && *text != 'e'; text++) {
		if (*text < '0' || *text > '9' || (*text == '0' && !seen))
			continue;
		seen = 1;
		digits++;
		zeros = *text == '0' ? zeros + 1 : 0;
	}
	return digits - zeros;
}

static void round_trip(double value)
{
	char text[DOUBLE_TEXT_MAX + 1], want[32];
	double back = strtod(text_of(value, text), NULL);

	if (memcmp(&back, &value, sizeof back)) {
		snprintf(want, sizeof want, "%.17g", value);
		fail("round trip", text, want);
	}
}

static void round_trip_float(float value)
{
	char text[DOUBLE_TEXT_MAX + 1], want[32];
	float back = strtof(text_of_float(value, text), NULL);

	if (memcmp(&back, &value, sizeof back)) {
		snprintf(want, sizeof want, "%.9g", (double)value);
		fail("round trip of a float", text, want);
	}
}

/* The first precision at which printf round-trips; its digits are the nearest of that length. */
static void is_shortest(double value)
{
	char text[DOUBLE_TEXT_MAX + 1], want[40];
	int precision = 1;

	do
		snprintf(want, sizeof want, "%.*e", precision - 1, value);
	while (strtod(want, NULL) != value && precision++ < 17);
	text_of(value, text);
	/* printf's nearest may miss the interval where another of that length lies in it. */
	if (digits_in(text) > digits_in(want))
		fail("shortest", text, want);
	if (digits_in(text) == digits_in(want) && strtold(text, NULL) != strtold(want, NULL) &&
	    fabsl(strtold(text, NULL) - (long double)value) >
		    fabsl(strtold(want, NULL) - (long double)value))
		fail("nearest", text, want);
}

static void is_shortest_float(float value)
{
	char text[DOUBLE_TEXT_MAX + 1], want[40];
	int precision = 1;

	do
		snprintf(want, sizeof want, "%.*e", precision - 1, (double)value);
	while (strtof(want, NULL) != value && precision++ < 9);
	text_of_float(value, text);
	if (digits_in(text) > digits_in(want))
		fail("shortest float", text, want);
}

static void random_doubles(void)
{
	for (int i = 0; i < ROUND_TRIPS; i++) {
		uint64_t bits = random_bits();
		double value;

		/* Every eighth a subnormal, every eighth a power of two. */
		if (i % 8 == 0)
			bits &= ~(UINT64_C(0x7FF) << 52);
		else if (i % 8 == 1)
			bits &= UINT64_C(0xFFF) << 52;
		memcpy(&value, &bits, sizeof value);
		if (!isfinite(value))
			continue;
		round_trip(value);
		if (i < PROOFS && value != 0)
			is_shortest(value);
	}
}

static void random_decimals(void)
{
	for (int i = 0; i < PROOFS; i++) {
		double value = (double)(int64_t)(random_bits() >> 24) / 100.0;

		round_trip(value);
		is_shortest(value);
	}
}

static void random_floats(void)
{
	for (int i = 0; i < ROUND_TRIPS; i++) {
		uint32_t bits = (uint32_t)random_bits();
		float value;

		if (i % 8 == 0)
			bits &= ~(UINT32_C(0xFF) << 23);
		else if (i % 8 == 1)
			bits &= UINT32_C(0x1FF) << 23;
		memcpy(&value, &bits, sizeof value);
		if (!isfinite(value))
			continue;
		round_trip_float(value);
		if (i < PROOFS && value != 0)
			is_shortest_float(value);
	}
}

static void every_power_of_two_and_ten(void)
{
	char text[16];

	for (int e = -1074; e < 1024; e++) {
		round_trip(ldexp(1, e));
		is_shortest(ldexp(1, e));
		if (e >= -149 && e < 128) {
			round_trip_float(ldexpf(1, e));
			is_shortest_float(ldexpf(1, e));
		}
	}
	for (int e = -323; e < 309; e++) {
		double value;

		snprintf(text, sizeof text, "1e%d", e);
		value = strtod(text, NULL);
		round_trip(value);
		is_shortest(value);
		round_trip(nextafter(value, INFINITY));
		round_trip(nextafter(value, 0));
	}
}

static void known_texts(void)
{
	static const struct {
		double value;
		const char *want;
	} doubles[] = {
		{ 0.0, "0" },
		{ -0.0, "-0.0" },
		{ 1, "1" },
		{ -1, "-1" },
		{ 0.1, "0.1" },
		{ 0.0001, "0.0001" },
		{ 0.00001, "1e-05" },
		{ 1e14, "100000000000000" },
		{ 1e15, "1e+15" },
		{ 123456789012345, "123456789012345" },
		{ 1234567890123456, "1.234567890123456e+15" },
		{ 12.5, "12.5" },
		{ 5e-324, "5e-324" },
		{ 2.2250738585072014e-308, "2.2250738585072014e-308" },
		{ 2.225073858507201e-308, "2.225073858507201e-308" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ 9007199254740993.0, "9.007199254740992e+15" },
		{ 0.3, "0.3" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 2e-5, "2e-05" },
		{ 1e23, "1e+23" },
		{ 9.5367431640625e-07, "9.5367431640625e-07" },
		{ -1.5e-9, "-1.5e-09" },
	};
	static const struct {
		float value;
		const char *want;
	} floats[] = {
		{ 0.1f, "0.1" },
		{ 1.5f, "1.5" },
		{ 999999.0f, "999999" },
		{ 1e6f, "1e+06" },
		{ 16777216.0f, "1.6777216e+07" },
		{ 3.4028235e38f, "3.4028235e+38" },
		{ 1e-45f, "1e-45" },
		{ 1.1754944e-38f, "1.1754944e-38" },
		{ -0.0f, "-0.0" },
		{ 0.3f, "0.3" },
		{ 33554432.0f, "3.3554432e+07" },
	};
	char text[DOUBLE_TEXT_MAX + 1];

	for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
		if (strcmp(text_of(doubles[i].value, text), doubles[i].want))
			fail("text", text, doubles[i].want);
	for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
		if (strcmp(text_of_float(floats[i].value, text), floats[i].want))
			fail("text of a float", text, floats[i].want);
}

int main(void)
{
	unit_test("known values have known texts");
	known_texts();
	unit_test("powers of two and of ten, and their neighbours");
	every_power_of_two_and_ten();
	unit_test("amounts of money");
	random_decimals();
	unit_test("random bits of a double read back, and no shorter text does");
	random_doubles();
	unit_test("random bits of a float read back, and no shorter text does");
	random_floats();
	return unit_done();
}
