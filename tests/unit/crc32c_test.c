/* crc32c and crc32c_by_table against the vectors of RFC 3720 B.4, in pieces, and against each other at every offset. */
#include "lib/crc32c.h"

#include "tests/unit/unit.h"

static void expect(const void *data, size_t n, uint32_t want)
{
	CHECK(crc32c(0, data, n) == want);
	CHECK(crc32c_by_table(0, data, n) == want);
}

static void known_vectors(void)
{
	unsigned char bytes[32];

	unit_test("the checksums of RFC 3720 come out");
	expect("", 0, 0);
	expect("123456789", 9, 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	expect(bytes, sizeof(bytes), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	expect(bytes, sizeof(bytes), 0x62a8ab43);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	expect(bytes, sizeof(bytes), 0x46dd794e);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(31 - i);
	expect(bytes, sizeof(bytes), 0x113fdb5c);
}

static void pieces(void)
{
	static const char text[] = "a checksum of two pieces is that of the whole";
	size_t n = sizeof(text) - 1;

	unit_test("a checksum can be continued at any byte");
	for (size_t cut = 0; cut <= n; cut++) {
		uint32_t whole = crc32c(0, text, n);

		CHECK(crc32c(crc32c(0, text, cut), text + cut, n - cut) == whole);
		CHECK(crc32c_by_table(crc32c_by_table(0, text, cut), text + cut, n - cut) == whole);
	}
}

static void both_ways(void)
{
	unsigned char bytes[600];
	uint32_t seed = 1;

	unit_test("instruction and tables agree at every offset and length");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1664525u + 1013904223u;
		bytes[i] = (unsigned char)(seed >> 24);
	}
	for (size_t from = 0; from < 17; from++)
		for (size_t n = 0; from + n <= sizeof(bytes); n += n < 40 ? 1 : 37)
			CHECK(crc32c(0, bytes + from, n) == crc32c_by_table(0, bytes + from, n));
}

int main(void)
{
	known_vectors();
	pieces();
	both_ways();
	return unit_done();
}
