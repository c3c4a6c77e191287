/* utf8_valid_prefix against a plain decoder, at every alignment, and utf8_cut. */
#include "lib/utf8.h"

#include <stdint.h>

#include "tests/unit/unit.h"

static void expect(const char *what, size_t got, size_t want)
{
	if (got != want)
		printf("# %s: %zu, not %zu\n", what, got, want);
	CHECK(got == want);
}

/* Decode one code point the slow way: shift the bits together, then judge the number. */
static size_t plain_character(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;
	size_t length = s[0] < 0x80         ? 1
			: (s[0] >> 5) == 6  ? 2
			: (s[0] >> 4) == 14 ? 3
			: (s[0] >> 3) == 30 ? 4
					    : 0;

	if (!length || length > left)
		return 0;
	if (length == 1)
		return 1;
	code = s[0] & (0xFFu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((s[i] >> 6) != 2)
			return 0;
		code = code << 6 | (s[i] & 0x3F);
	}
	if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
		return 0;
	return length;
}

static size_t plain_prefix(const char *p, size_t n)
{
	size_t i = 0, length;

	while (i < n && (length = plain_character((const unsigned char *)p + i, n - i)) > 0)
		i += length;
	return i;
}

static void every_sequence_of_up_to_three_bytes(void)
{
	char text[3];
	uint32_t wrong = 0;

	for (uint32_t bits = 0; bits < 1u << 24; bits++) {
		text[0] = (char)(bits >> 16);
		text[1] = (char)(bits >> 8);
		text[2] = (char)bits;
		wrong += utf8_valid_prefix(text, 3) != plain_prefix(text, 3);
	}
	expect("sequences of three bytes judged wrongly", wrong, 0);
}

static void four_byte_leads(void)
{
	char text[4] = { 0, 0, (char)0x80, (char)0xBF };

	for (unsigned lead = 0xF0; lead < 0x100; lead++)
		for (unsigned second = 0; second < 0x100; second++) {
			text[0] = (char)lead;
			text[1] = (char)second;
			expect("four bytes", utf8_valid_prefix(text, 4), plain_prefix(text, 4));
		}
}

static void a_bad_byte_at_every_place_of_a_long_text(void)
{
	char text[100];

	for (size_t at = 0; at < sizeof text; at++)
		for (size_t start = 0; start < 16 && start <= at; start++) {
			memset(text, 'a', sizeof text);
			text[at] = (char)0xFF;
			expect("bad byte", utf8_valid_prefix(text + start, sizeof text - start),
			       at - start);
		}
	memset(text, 'a', sizeof text);
	expect("no bad byte", utf8_valid_prefix(text, sizeof text), sizeof text);
	expect("empty", utf8_valid_prefix(text, 0), 0);
}

static void random_bytes_of_few_kinds(void)
{
	static const unsigned char kinds[] = { 'a',  0x80, 0xBF, 0xC2, 0xE0, 0xA0,
					       0xED, 0x9F, 0xF0, 0x90, 0xF4, 0x8F };
	uint64_t state = 88172645463325252u;
	char text[64];

	for (int round = 0; round < 300000; round++) {
		for (size_t i = 0; i < sizeof text; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			text[i] = state >> 60 ? (char)kinds[0]
					      : (char)kinds[(state >> 20) % sizeof kinds];
			if (i % 3 == 0)
				text[i] = (char)kinds[(state >> 30) % sizeof kinds];
		}
		expect("random text", utf8_valid_prefix(text, sizeof text),
		       plain_prefix(text, sizeof text));
	}
}

static void cutting_keeps_characters_whole(void)
{
	expect("short", utf8_cut("abc", 3, 5), 3);
	expect("exact", utf8_cut("abc", 3, 3), 3);
	expect("ascii", utf8_cut("abcdef", 6, 4), 4);
	expect("inside of two", utf8_cut("a\xC3\xA9z", 4, 2), 1);
	expect("behind two", utf8_cut("a\xC3\xA9z", 4, 3), 3);
	expect("inside of four", utf8_cut("\xF0\x9F\x98\x80z", 5, 3), 0);
}

int main(void)
{
	unit_test("every sequence of up to three bytes is judged as a plain decoder does");
	every_sequence_of_up_to_three_bytes();
	unit_test("four-byte characters end at U+10FFFF and are never overlong");
	four_byte_leads();
	unit_test("a bad byte is found at every place and alignment");
	a_bad_byte_at_every_place_of_a_long_text();
	unit_test("random bytes are judged as a plain decoder does");
	random_bytes_of_few_kinds();
	unit_test("cutting keeps characters whole");
	cutting_keeps_characters_whole();
	return unit_done();
}
