/* What bqload's row check takes and refuses. */
#include "lib/rowcheck.h"

#include <stdlib.h>

#include "lib/rowstream.h"
#include "tests/unit/unit.h"

static struct schema *schema;
static struct rowcheck *check;

static void use_schema(const char *text)
{
	struct error err;
	json_t *fields = json_loads(text, 0, NULL);

	rowcheck_free(check);
	schema_free(schema);
	check = NULL;
	schema = NULL;
	if (!fields || schema_parse(fields, &schema, &err) < 0 ||
	    rowcheck_new(schema, &check, &err) < 0)
		abort();
	json_decref(fields);
}

/* The row as rowstream_next lends it: a line feed and padding behind it. */
static int check_row(const char *row, size_t length, uint64_t line, struct error *err)
{
	char *text = calloc(1, length + 1 + ROWSTREAM_PADDING);
	int rc;

	if (!text)
		abort();
	memcpy(text, row, length);
	text[length] = '\n';
	rc = rowcheck_row(check, text, length, line, err);
	free(text);
	return rc;
}

#define GOOD(row)                                                      \
	do {                                                           \
		struct error err_ = { 0 };                             \
		CHECK(check_row(row, sizeof(row) - 1, 7, &err_) == 0); \
	} while (0)

#define BAD(row, part)                                                \
	do {                                                          \
		struct error err_ = { 0 };                            \
		CHECK(check_row(row, sizeof(row) - 1, 7, &err_) < 0); \
		CHECK(err_.code == ERR_DATA);                         \
		CHECK_HAS(err_.message, "line 7");                    \
		CHECK_HAS(err_.message, part);                        \
	} while (0)

static void test_columns(void)
{
	use_schema("[{\"name\":\"id\",\"type\":\"INTEGER\",\"mode\":\"REQUIRED\"},"
		   "{\"name\":\"Name\",\"type\":\"STRING\"}]");
	unit_test("rows in any order and any case of names are taken");
	GOOD("{\"id\":1,\"Name\":\"x\"}");
	GOOD("{\"name\":null,\"ID\":2}");
	GOOD(" { \"id\" : 1 } \r");
	GOOD("{\"\\u0069d\":1}");
	unit_test("a column that is not in the schema is named");
	BAD("{\"id\":1,\"other\":2}", "column other");
	BAD("{\"id\":1,\"idx\":2}", "column idx");
	BAD("{\"id\":1,\"i\":2}", "column i ");
	unit_test("a column that stands there twice is named, whatever its case");
	BAD("{\"id\":1,\"ID\":2}", "column id stands there twice");
	unit_test("a REQUIRED column that is missing or null is named");
	BAD("{}", "column id is REQUIRED and missing");
	BAD("{\"Name\":\"x\"}", "column id is REQUIRED and missing");
	BAD("{\"id\":null}", "column id is REQUIRED and null");
}

static void test_flexible_names(void)
{
	char row[4096];
	size_t n;

	use_schema("[{\"name\":\"été &co 'x' a:b\",\"type\":\"STRING\"},"
		   "{\"name\":\"😀\",\"type\":\"STRING\",\"mode\":\"REQUIRED\"}]");
	unit_test("names of any language are found, as they are and escaped");
	GOOD("{\"été &co 'x' a:b\":\"x\",\"😀\":\"y\"}");
	GOOD("{\"\\u00e9t\\u00E9 \\u0026co 'x' a:b\":\"x\",\"\\ud83d\\ude00\":\"y\"}");
	BAD("{\"😀\":1,\"\\ud83d\\ude00\":2}", "column 😀 stands there twice");
	BAD("{\"\\ud83d\\ude01\":1}", "column 😁 is not in the schema");
	BAD("{\"a\\tb\":1}", "column a\tb is not");
	unit_test("a name that is far too long is no column's");
	n = (size_t)snprintf(row, sizeof row, "{\"");
	while (n < 3000)
		n += (size_t)snprintf(row + n, sizeof row - n, "\\u00e9");
	snprintf(row + n, sizeof row - n, "\":1}");
	BAD(row, "is not in the schema");
}

static void test_nested(void)
{
	use_schema("[{\"name\":\"r\",\"type\":\"RECORD\",\"fields\":["
		   "{\"name\":\"a\",\"type\":\"STRING\",\"mode\":\"REQUIRED\"}]},"
		   "{\"name\":\"l\",\"type\":\"RECORD\",\"mode\":\"REPEATED\",\"fields\":["
		   "{\"name\":\"b\",\"type\":\"INTEGER\"}]}]");
	unit_test("records are checked inside, in arrays too");
	GOOD("{\"r\":{\"a\":\"x\"},\"l\":[{\"b\":1},{\"b\":2},{}]}");
	GOOD("{\"r\":null,\"l\":[]}");
	BAD("{\"r\":{}}", "column a is REQUIRED and missing");
	BAD("{\"l\":[{\"b\":1},{\"c\":1}]}", "column c");
	BAD("{\"l\":[{\"b\":1},{\"c\":1}]}", "column l");
}

static void test_syntax(void)
{
	use_schema("[{\"name\":\"a\",\"type\":\"JSON\"}]");
	unit_test("every JSON value is taken");
	GOOD("{\"a\":-0.5e+10}");
	GOOD("{\"a\":[1,[true,false,null],{\"x\":{\"x\":[]}}]}");
	GOOD("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 long enough for wide steps\"}");
	unit_test("what is not JSON is refused, with its byte");
	BAD("", "an empty line");
	BAD("[1]", "not a JSON object");
	BAD("{\"a\":01}", "byte 6: a number with a leading zero");
	BAD("{\"a\":1.}", "point");
	BAD("{\"a\":1e}", "exponent");
	BAD("{\"a\":-}", "not a JSON value");
	BAD("{\"a\":nul}", "not a JSON value");
	BAD("{\"a\":\"x}", "not closed");
	BAD("{\"a\":\"\\x\"}", "escape");
	BAD("{\"a\":\"\\u12g4\"}", "four hex digits");
	BAD("{\"a\":1", "ends too early");
	BAD("{\"a\":[1,}", "not a JSON value");
	BAD("{\"a\":1} {", "more behind the object");
	BAD("{\"a\":1,}", "column name");
	BAD("{a:1}", "column name");
	unit_test("control characters and NUL are refused");
	BAD("{\"a\":\"x\ty\"}", "control character");
	BAD("{\"a\":\"x\0y\"}", "control character");
	BAD("{\"a\":1\0}", "expected ','");
	unit_test("half a surrogate pair is no character");
	BAD("{\"a\":\"\\ud83d\"}", "surrogate");
	BAD("{\"a\":\"\\ude00\"}", "surrogate");
	BAD("{\"a\":\"\\ud83d\\u0041\"}", "surrogate");
}

static void test_utf8(void)
{
	use_schema("[{\"name\":\"a\",\"type\":\"STRING\"}]");
	unit_test("valid UTF-8 is taken, invalid refused with its byte");
	GOOD("{\"a\":\"\xc3\xa9 \xf0\x9f\x98\x80\"}");
	BAD("{\"a\":\"\xff\"}", "byte 7: not valid UTF-8");
	BAD("{\"a\":\"0123456789abcdef\xc3\"}", "not valid UTF-8");
	BAD("{\"a\":\"\xed\xa0\x80\"}", "not valid UTF-8");
}

/* {"a":[[…]]} with so many brackets. */
static int nested(int depth)
{
	char row[4096] = "{\"a\":";
	struct error err = { 0 };
	size_t n = strlen(row);

	memset(row + n, '[', (size_t)depth);
	memset(row + n + depth, ']', (size_t)depth);
	row[n + 2 * (size_t)depth] = '}';
	return check_row(row, n + 2 * (size_t)depth + 1, 1, &err);
}

static void test_depth(void)
{
	use_schema("[{\"name\":\"a\",\"type\":\"JSON\"}]");
	unit_test("a JSON value has up to 500 levels");
	CHECK(nested(500) == 0);
	CHECK(nested(501) < 0);
	use_schema("[{\"name\":\"a\",\"type\":\"JSON\",\"mode\":\"REPEATED\"}]");
	unit_test("so has each element of an array, which is no level of theirs");
	CHECK(nested(501) == 0);
	CHECK(nested(502) < 0);
}

int main(void)
{
	test_columns();
	test_flexible_names();
	test_nested();
	test_syntax();
	test_utf8();
	test_depth();
	rowcheck_free(check);
	schema_free(schema);
	return unit_done();
}
