/* The reader of row streams, proven and bare: the first byte chooses. */
#include "lib/rowstream.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/target.h"

static void read_stream(int fd, bool bare)
{
	struct rowstream_reader reader;
	struct error err;
	const char *row;
	size_t length;
	uint64_t rows = 0;
	int got;

	if (rowstream_open(&reader, fd, "fuzz", bare, &err) < 0) {
		rowstream_release(&reader);
		return;
	}
	while ((got = rowstream_next(&reader, &row, &length, &err)) > 0) {
		rows++;
		REQUIRE(!memchr(row, '\n', length));
		REQUIRE(bare || !rowstream_is_control(row, length));
	}
	if (got == 0) {
		REQUIRE(rows == reader.rows);
		REQUIRE(bare || (reader.begin && reader.end));
	} else {
		REQUIRE(err.code != ERR_BUG);
	}
	rowstream_release(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("stream", 0);

	REQUIRE(fd >= 0);
	if (size > 1) {
		REQUIRE(write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
		REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	}
	read_stream(fd, size && data[0] == 'b');
	close(fd);
	return 0;
}
