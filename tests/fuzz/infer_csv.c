/* CSV: cells lie inside the text, rows cover the input, and it ends. */
#include <sys/mman.h>
#include <unistd.h>

#include "infer/csv.h"
#include "tests/fuzz/target.h"

static void check(const uint8_t *data, size_t size, bool exact)
{
	int fd = memfd_create("csv", MFD_CLOEXEC);
	struct error err = { 0 };
	struct csv csv;
	uint64_t line = 0;
	int rc;

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	csv_open(&csv, fd, -1, "input");
	csv.exact = exact;
	while ((rc = csv_next(&csv, &err)) > 0) {
		REQUIRE(csv.cells > 0 && csv.line > line);
		line = csv.line;
		for (size_t i = 0; i < csv.cells; i++)
			REQUIRE(csv.cell[i].start + csv.cell[i].length <= csv.text.length);
	}
	REQUIRE(rc == 0 || err.code == ERR_DATA);
	csv_release(&csv);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, false);
	check(data, size, true);
	return 0;
}
