/* bqload's check of a row against jansson: what it lets pass is JSON. */
#include "lib/rowcheck.h"

#include <strings.h>

#include "lib/rowstream.h"
#include "tests/fuzz/target.h"

static const char fields[] =
	"[{\"name\":\"id\",\"type\":\"INTEGER\",\"mode\":\"REQUIRED\"},{\"name\":\"s\",\"type\":\"STRING\"},"
	"{\"name\":\"j\",\"type\":\"JSON\"},{\"name\":\"a\",\"type\":\"FLOAT\",\"mode\":\"REPEATED\"},"
	"{\"name\":\"r\",\"type\":\"RECORD\",\"fields\":[{\"name\":\"x\",\"type\":\"BOOLEAN\"}]}]";

static struct rowcheck *make_checker(void)
{
	static struct schema *schema; /* outlives the checker, which borrows it */
	json_t *json = json_loads(fields, 0, NULL);
	struct rowcheck *checker;
	struct error err;

	REQUIRE(json);
	REQUIRE(schema_parse(json, &schema, &err) == 0);
	REQUIRE(rowcheck_new(schema, &checker, &err) == 0);
	json_decref(json);
	return checker;
}

/* jansson has limits of its own, which say nothing against the row. */
static bool is_limit_of_jansson(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_numeric_overflow:
	case json_error_null_byte_in_key:
	case json_error_stack_overflow:
		return true;
	default:
		return false;
	}
}

/* Column names are compared without case, as BigQuery does. */
static bool has_id(json_t *row)
{
	const char *key;
	json_t *value;

	json_object_foreach(row, key, value)
		if (!strcasecmp(key, "id"))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rowcheck *checker;
	struct error err;
	json_error_t why;
	json_t *json;
	char *row;

	if (memchr(data, '\n', size))
		return 0;
	if (!checker)
		checker = make_checker();
	row = malloc(size + 1 + ROWSTREAM_PADDING);
	REQUIRE(row);
	if (size)
		memcpy(row, data, size);
	memset(row + size, '\n', 1 + ROWSTREAM_PADDING);
	if (rowcheck_row(checker, row, size, 7, &err) == 0) {
		json = json_loadb(row, size, JSON_ALLOW_NUL, &why);
		REQUIRE(json ? has_id(json) : is_limit_of_jansson(&why));
		json_decref(json);
	} else {
		REQUIRE(err.code == ERR_DATA);
	}
	free(row);
	return 0;
}
