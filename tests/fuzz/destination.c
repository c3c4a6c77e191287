/* The table that bqload is told to load into. */
#include "lib/google/destination.h"

#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = target_string(data, size);
	struct destination destination;
	struct error err;

	if (destination_parse(text, &destination, &err) == 0) {
		REQUIRE(*destination.dataset && *destination.table);
		REQUIRE(!strpbrk(destination.dataset, "/?#%"));
		REQUIRE(!strpbrk(destination.table, "/.:"));
		destination_release(&destination);
	} else {
		REQUIRE(err.code == ERR_USAGE);
	}
	free(text);
	return 0;
}
