/* The strict parsers of option values; what one accepts must read back the same. */
#include "lib/parse.h"

#include <inttypes.h>

#include "tests/fuzz/target.h"

static void check_int64(const char *text)
{
	struct error err;
	char again[32];
	int64_t value, second;

	if (parse_int64(text, -1000000, INT64_MAX, &value, &err) < 0)
		return;
	REQUIRE(value >= -1000000);
	snprintf(again, sizeof again, "%" PRId64, value);
	REQUIRE(parse_int64(again, INT64_MIN, INT64_MAX, &second, &err) == 0 && second == value);
}

static void check_list(const char *text)
{
	struct error err;
	char **list;
	size_t count, bytes = 0;

	if (parse_list(text, &list, &count, &err) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		REQUIRE(*list[i] && !strchr(list[i], ','));
		bytes += strlen(list[i]) + 1;
	}
	REQUIRE(!list[count] && bytes == strlen(text) + 1);
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = target_string(data, size);
	struct error err;
	int64_t ms = 0;
	bool flag;

	check_int64(text);
	check_list(text);
	if (parse_duration_ms(text, &ms, &err) == 0)
		REQUIRE(ms >= 0);
	if (parse_bool(text, &flag, &err) == 0)
		REQUIRE(strlen(text) <= 5);
	free(text);
	return 0;
}
