#include "extract/encode.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/utf8.h"

const char encode_two_digits[200] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

char *encode_put_unsigned(char *out, uint64_t value)
{
	char text[20];
	int at = 20;

	while (value >= 100) {
		at -= 2;
		encode_put2(text + at, (unsigned)(value % 100));
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		encode_put2(text + at, (unsigned)value);
	} else {
		text[--at] = (char)('0' + value);
	}
	memcpy(out, text + at, (size_t)(20 - at));
	return out + 20 - at;
}

char *encode_put_integer(char *out, int64_t value)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	bool quoted = magnitude >= UINT64_C(1) << 53;

	if (quoted)
		*out++ = '"';
	if (value < 0)
		*out++ = '-';
	out = encode_put_unsigned(out, magnitude);
	if (quoted)
		*out++ = '"';
	return out;
}

char *encode_put_not_finite(char *out, double value)
{
	const char *text = isnan(value) ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
	size_t n = strlen(text);

	memcpy(out, text, n);
	return out + n;
}

/* --- strings --------------------------------------------------------------- */

/* 0: stands for itself. 'u': \u00XX. Otherwise the letter behind the backslash; 1: not ASCII. */
static const unsigned char escapes[256] = {
	[0x00 ... 0x07] = 'u', ['\b'] = 'b',  ['\t'] = 't',        ['\n'] = 'n',
	[0x0B] = 'u',          ['\f'] = 'f',  ['\r'] = 'r',        [0x0E ... 0x1F] = 'u',
	['"'] = '"',           ['\\'] = '\\', [0x80 ... 0xFF] = 1,
};

/*
 * Copy the run of bytes that need nothing, and return its length. Stores may
 * go up to 15 bytes beyond the run: the room for it is reserved.
 */
static inline size_t copy_clean(char *out, const char *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'),
		      backslash = _mm_set1_epi8('\\');

	for (; n - i >= 16; i += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		/* Signed: bytes from 0x80 on are below the space too. */
		__m128i special = _mm_or_si128(_mm_cmplt_epi8(bytes, space),
					       _mm_or_si128(_mm_cmpeq_epi8(bytes, quote),
							    _mm_cmpeq_epi8(bytes, backslash)));
		int found = _mm_movemask_epi8(special);

		_mm_storeu_si128((__m128i *)(void *)(out + i), bytes);
		if (found)
			return i + (size_t)__builtin_ctz((unsigned)found);
	}
#endif
	for (; n - i >= 8; i += 8) {
		const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
		uint64_t word, quotes, backslashes;

		memcpy(&word, p + i, 8);
		quotes = word ^ (ones * '"');
		backslashes = word ^ (ones * '\\');
		if ((word | (word - ones * 0x20) | (quotes - ones) | (backslashes - ones)) & highs)
			break;
		memcpy(out + i, &word, 8);
	}
	while (i < n && !escapes[(unsigned char)p[i]]) {
		out[i] = p[i];
		i++;
	}
	return i;
}

static inline char *put_escape(char *out, unsigned char c)
{
	*out++ = '\\';
	*out++ = (char)escapes[c];
	if (escapes[c] == 'u') {
		*out++ = '0';
		*out++ = '0';
		*out++ = (char)('0' + (c >> 4));
		*out++ = "0123456789abcdef"[c & 15];
	}
	return out;
}

const char *encode_put_string(const char *p, size_t n, char **ret)
{
	char *out = *ret;
	size_t i = 0;

	*out++ = '"';
	for (;;) {
		size_t run = copy_clean(out, p + i, n - i), end;

		out += run;
		i += run;
		if (i == n)
			break;
		if ((unsigned char)p[i] < 0x80) {
			out = put_escape(out, (unsigned char)p[i++]);
			continue;
		}
		/* The stretch up to the next ASCII byte is checked as a whole. */
		end = i + 1;
		while (end < n && (unsigned char)p[end] >= 0x80)
			end++;
		if (utf8_valid_prefix(p + i, end - i) < end - i)
			return "the text is not valid UTF-8";
		memcpy(out, p + i, end - i);
		out += end - i;
		i = end;
	}
	*out++ = '"';
	*ret = out;
	return NULL;
}

size_t encode_measure_string(const struct column *column, const struct cell *c)
{
	size_t room = c->length;

	(void)column;
	for (size_t i = 0; i < c->length; i++) {
		unsigned char escape = escapes[(unsigned char)c->data[i]];

		room += escape == 'u' ? 5 : escape > 1;
	}
	return room;
}

/* --- bytes ------------------------------------------------------------------- */

char *encode_put_base64(char *out, const char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = (const unsigned char *)p;

	*out++ = '"';
	for (; n >= 3; n -= 3, s += 3) {
		*out++ = digits[s[0] >> 2];
		*out++ = digits[(s[0] & 3) << 4 | s[1] >> 4];
		*out++ = digits[(s[1] & 15) << 2 | s[2] >> 6];
		*out++ = digits[s[2] & 63];
	}
	if (n > 0) {
		*out++ = digits[s[0] >> 2];
		*out++ = digits[(s[0] & 3) << 4 | (n > 1 ? s[1] >> 4 : 0)];
		*out++ = n > 1 ? digits[(s[1] & 15) << 2] : '=';
		*out++ = '=';
	}
	*out++ = '"';
	return out;
}

/* --- dates --------------------------------------------------------------------- */

static const int64_t microseconds_a_day = INT64_C(86400000000);

struct civil {
	int64_t year; /* astronomical: 0 is 1 BC */
	unsigned month, day;
};

/* Howard Hinnant's civil_from_days: eras of 400 years that begin on 1 March. */
static inline struct civil civil_from_days(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	unsigned of_era = (unsigned)(shifted - era * 146097);
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned march = (5 * of_year + 2) / 153;

	return (struct civil){
		.year = era * 400 + year + (march >= 10),
		.month = march < 10 ? march + 3 : march - 9,
		.day = of_year - (153 * march + 2) / 5 + 1,
	};
}

bool encode_put_date(char **ret, int64_t days)
{
	struct civil date;
	char *out = *ret;

	/* 0001-01-01 and 9999-12-31. */
	if (days < -719162 || days > 2932896)
		return false;
	date = civil_from_days(days);
	out = encode_put4(out, (unsigned)date.year);
	*out++ = '-';
	out = encode_put2(out, date.month);
	*out++ = '-';
	*ret = encode_put2(out, date.day);
	return true;
}

char *encode_put_time(char *out, int64_t microseconds)
{
	unsigned seconds = (unsigned)(microseconds / 1000000);
	unsigned fraction = (unsigned)(microseconds % 1000000);

	out = encode_put2(out, seconds / 3600);
	*out++ = ':';
	out = encode_put2(out, seconds / 60 % 60);
	*out++ = ':';
	out = encode_put2(out, seconds % 60);
	*out++ = '.';
	out = encode_put2(out, fraction / 10000);
	return encode_put4(out, fraction % 10000);
}

bool encode_put_datetime(char **out, int64_t microseconds)
{
	int64_t days = microseconds / microseconds_a_day, time = microseconds % microseconds_a_day;

	if (time < 0) {
		time += microseconds_a_day;
		days--;
	}
	if (!encode_put_date(out, days))
		return false;
	*(*out)++ = 'T';
	*out = encode_put_time(*out, time);
	return true;
}

char *encode_put_any_date(char *out, int64_t days, bool *bc)
{
	struct civil date = civil_from_days(days);
	int64_t year = date.year > 0 ? date.year : 1 - date.year;

	*bc = date.year <= 0;
	out = year > 9999 ? encode_put_unsigned(out, (uint64_t)year)
			  : encode_put4(out, (unsigned)year);
	*out++ = '-';
	out = encode_put2(out, date.month);
	*out++ = '-';
	return encode_put2(out, date.day);
}
