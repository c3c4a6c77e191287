/*
 * Raffaello Giulietti's Schubfach ("The Schubfach way to render doubles",
 * 2020): scale the value and the bounds of its rounding interval by a power
 * of ten with one rounded-to-odd 128-bit product each, then pick the shortest
 * decimal inside. Two bits below the integer keep every comparison exact.
 */
#include "lib/double.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/double_powers.h"

struct decimal {
	uint64_t digits;
	int exponent; /* value = digits * 10^exponent */
};

/* floor(e * log10(2)), floor(e * log10(2) + log10(3/4)), floor(e * log2(10)): exact for |e| < 1300. */
static inline int floor_log10_pow2(int e)
{
	return (e * 1262611) >> 22;
}

static inline int floor_log10_three_quarters_pow2(int e)
{
	return (e * 1262611 - 524031) >> 22;
}

static inline int floor_log2_pow10(int e)
{
	return (e * 1741647) >> 19;
}

/* The top of power * factor, with the last bit set when anything below it is. */
static inline uint64_t round_to_odd_64(const uint64_t power[2], uint64_t factor)
{
	unsigned __int128 low = (unsigned __int128)power[1] * factor;
	unsigned __int128 high = (unsigned __int128)power[0] * factor + (uint64_t)(low >> 64);

	return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The same for the 24 bits of a float: 64 bits of the power, rounded up, suffice. */
static inline uint64_t round_to_odd_32(const uint64_t power[2], uint64_t factor)
{
	unsigned __int128 product = (unsigned __int128)(power[0] + (power[1] != 0)) * factor;

	return (uint64_t)(product >> 64) | ((uint32_t)(product >> 32) > 1);
}

/* What lies between the bounds; `at` is the scaled value, all three times four. */
static inline struct decimal pick(uint64_t lower, uint64_t at, uint64_t upper, int k)
{
	uint64_t s = at / 4, tens = s / 10, middle = 4 * s + 2;
	bool under, over;

	if (s >= 10) {
		under = lower <= 40 * tens;
		over = 40 * tens + 40 <= upper;
		if (under != over)
			return (struct decimal){ tens + over, k + 1 };
	}
	under = lower <= 4 * s;
	over = 4 * s + 4 <= upper;
	if (under != over)
		return (struct decimal){ s + over, k };
	return (struct decimal){ s + (at > middle || (at == middle && (s & 1))), k };
}

/*
 * significand * 2^exponent, not zero. irregular: a power of two, whose lower
 * neighbour is only half as far away. Even significands own their bounds,
 * since readers round ties to even.
 */
static inline struct decimal shortest(uint64_t significand, int exponent, bool irregular,
				      bool narrow)
{
	bool even = (significand & 1) == 0;
	int k = irregular ? floor_log10_three_quarters_pow2(exponent) : floor_log10_pow2(exponent);
	int shift = exponent + floor_log2_pow10(-k) + 1;
	const uint64_t *power = powers[-k - POWER_FIRST];
	uint64_t below = (4 * significand - 2 + irregular) << shift;
	uint64_t at = (4 * significand) << shift, above = (4 * significand + 2) << shift;

	if (narrow)
		return pick(round_to_odd_32(power, below) + !even, round_to_odd_32(power, at),
			    round_to_odd_32(power, above) - !even, k);
	return pick(round_to_odd_64(power, below) + !even, round_to_odd_64(power, at),
		    round_to_odd_64(power, above) - !even, k);
}

/* The digits without trailing zeros at text (20 bytes); returns their count. */
static int digits_write(char text[20], struct decimal *d)
{
	uint64_t left = d->digits;
	int at = 20, count;

	while (left % 10 == 0) {
		left /= 10;
		d->exponent++;
	}
	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	count = 20 - at;
	memmove(text, text + at, (size_t)count);
	return count;
}

static char *exponent_write(char *out, int exponent)
{
	*out++ = 'e';
	*out++ = exponent < 0 ? '-' : '+';
	if (exponent < 0)
		exponent = -exponent;
	if (exponent >= 100) {
		*out++ = (char)('0' + exponent / 100);
		exponent %= 100;
	}
	*out++ = (char)('0' + exponent / 10);
	*out++ = (char)('0' + exponent % 10);
	return out;
}

/* point_max: the first decimal exponent that is written with an 'e'. */
static char *decimal_write(char *out, struct decimal d, int point_max)
{
	char text[20];
	int count = digits_write(text, &d);
	int first = d.exponent + count - 1; /* exponent of the first digit */

	if (first < -4 || first >= point_max) {
		*out++ = text[0];
		if (count > 1) {
			*out++ = '.';
			memcpy(out, text + 1, (size_t)count - 1);
			out += count - 1;
		}
		return exponent_write(out, first);
	}
	if (first < 0) {
		memcpy(out, "0.0000", 6);
		out += 1 - first;
		memcpy(out, text, (size_t)count);
		return out + count;
	}
	if (count <= first + 1) {
		memset(out, '0', (size_t)first + 1);
		memcpy(out, text, (size_t)count);
		return out + first + 1;
	}
	memcpy(out, text, (size_t)first + 1);
	out += first + 1;
	*out++ = '.';
	memcpy(out, text + first + 1, (size_t)(count - first - 1));
	return out + count - first - 1;
}

static char *zero_write(char *out, bool negative)
{
	if (!negative) {
		*out++ = '0';
		return out;
	}
	memcpy(out, "-0.0", 4);
	return out + 4;
}

char *double_write(char *out, double value)
{
	uint64_t bits, fraction;
	struct decimal d;
	int exponent;

	memcpy(&bits, &value, sizeof bits);
	fraction = bits & ((UINT64_C(1) << 52) - 1);
	exponent = (int)(bits >> 52 & 0x7FF);
	if (!(bits << 1))
		return zero_write(out, bits >> 63);
	if (bits >> 63)
		*out++ = '-';
	if (exponent == 0)
		d = shortest(fraction, -1074, false, false);
	else
		d = shortest(fraction | UINT64_C(1) << 52, exponent - 1075,
			     fraction == 0 && exponent > 1, false);
	return decimal_write(out, d, 15);
}

char *double_write_float(char *out, float value)
{
	uint32_t bits, fraction;
	struct decimal d;
	int exponent;

	memcpy(&bits, &value, sizeof bits);
	fraction = bits & ((UINT32_C(1) << 23) - 1);
	exponent = (int)(bits >> 23 & 0xFF);
	if (!(uint32_t)(bits << 1))
		return zero_write(out, bits >> 31);
	if (bits >> 31)
		*out++ = '-';
	if (exponent == 0)
		d = shortest(fraction, -149, false, true);
	else
		d = shortest(fraction | UINT32_C(1) << 23, exponent - 150,
			     fraction == 0 && exponent > 1, true);
	return decimal_write(out, d, 6);
}
