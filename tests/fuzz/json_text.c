/*
 * JSON text from a database against jansson: what passes is one line of JSON
 * that means the same, passes again unchanged, and was not longer before.
 */
#include <jansson.h>

#include "extract/encode.h"
#include "tests/fuzz/target.h"

/* jansson holds numbers as int64 and double, and some it has not the range for. */
static json_t *load(const char *p, size_t n)
{
	json_error_t why;
	json_t *json = json_loadb(p, n,
				  JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES |
					  JSON_DECODE_INT_AS_REAL,
				  &why);

	REQUIRE(json || json_error_code(&why) == json_error_numeric_overflow);
	return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as large as promised, so that a sanitizer sees a write beyond it. */
	char *text = malloc(size + 1), *room = malloc(size ? size : 1), *end = room, *again;
	json_t *before, *after;
	size_t n;

	REQUIRE(text && room);
	if (size)
		memcpy(text, data, size);
	if (!encode_put_json_text(text, size, &end)) {
		n = (size_t)(end - room);
		REQUIRE(n <= size && !memchr(room, '\n', n));
		before = load(text, size);
		after = load(room, n);
		REQUIRE(!before == !after && (!before || json_equal(before, after)));
		json_decref(before);
		json_decref(after);
		/* In place, onto itself. */
		memcpy(text, room, n);
		again = room;
		REQUIRE(!encode_put_json_text(room, n, &again));
		REQUIRE((size_t)(again - room) == n && !memcmp(text, room, n));
	} else {
		REQUIRE(end == room);
	}
	free(text);
	free(room);
	return 0;
}
