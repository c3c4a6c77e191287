/* Files of lib/google/gzip.c, read back by zlib, which shares no code with it. */
#include "lib/google/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "tests/unit/unit.h"

enum { INPUT = 700 * 1000, ROOM = 2 * INPUT };

static char input[INPUT];

/* Rows of a kind: words that return and numbers that do not. */
static void make_input(void)
{
	static const char word[] = "{\"id\":,\"name\":\"customer \"}\n";
	uint32_t random = 1;

	for (size_t i = 0; i < INPUT; i++) {
		random = random * 1664525 + 1013904223;
		input[i] =
			i % 37 < sizeof word - 1 ? word[i % 37] : (char)('0' + (random >> 28) % 10);
	}
}

/* Compress in pieces of `in` bytes into room for `out` bytes at a time; the length of the file. */
static size_t compress_pieces(struct gzip *g, size_t n, size_t in, size_t out, char *file)
{
	size_t length = 0, from = 0;
	struct error err;
	bool last;
	int done;

	gzip_begin(g);
	do {
		size_t piece = n - from < in ? n - from : in;
		struct gzip_step step = { .in = input + from, .in_left = piece };

		last = from + piece == n;
		do {
			step.out = file + length;
			step.out_left = out;
			done = gzip_run(g, &step, last, &err);
			length += out - step.out_left;
		} while (done == 0);
		CHECK(done == 1);
		CHECK(step.in_left == 0);
		from += piece;
	} while (!last);
	return length;
}

/* Is the file one gzip member that holds the first n bytes of the input, and nothing behind it? */
static bool holds(const char *file, size_t length, size_t n)
{
	static char back[INPUT + 1];
	z_stream z = { .next_in = (Bytef *)file,
		       .avail_in = (uInt)length,
		       .next_out = (Bytef *)back,
		       .avail_out = sizeof back };
	int rc;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return false;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return rc == Z_STREAM_END && z.avail_in == 0 && z.total_out == n && !memcmp(back, input, n);
}

int main(void)
{
	char *file = malloc(ROOM);
	struct gzip *g = NULL;
	struct error err;
	size_t n;

	make_input();
	unit_test("what was compressed in one piece comes back");
	CHECK(file && gzip_new(&g, &err) == 0);
	n = compress_pieces(g, INPUT, INPUT, ROOM, file);
	CHECK(holds(file, n, INPUT));
	CHECK(n < INPUT / 2);
	unit_test("a second file of the same compressor stands alone");
	n = compress_pieces(g, 1000, 1000, ROOM, file);
	CHECK(holds(file, n, 1000));
	unit_test("small pieces of input, and little room for output, make a whole file too");
	n = compress_pieces(g, INPUT, 4099, 100, file);
	CHECK(holds(file, n, INPUT));
	n = compress_pieces(g, 3000, 1, 1, file);
	CHECK(holds(file, n, 3000));
	unit_test("nothing at all is a file of no bytes");
	n = compress_pieces(g, 0, 1, 8, file);
	CHECK(holds(file, n, 0));
	unit_test("a file that was given up leaves nothing in the next one");
	{
		struct gzip_step step = { input, 500, file, ROOM };

		gzip_begin(g);
		CHECK(gzip_run(g, &step, false, &err) == 1);
	}
	n = compress_pieces(g, 100, 100, ROOM, file);
	CHECK(holds(file, n, 100));
	gzip_free(g);
	free(file);
	return unit_done();
}
