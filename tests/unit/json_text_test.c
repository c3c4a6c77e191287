/* JSON text from databases that keep it as it was written. */
#include <stdlib.h>

#include "extract/encode.h"
#include "tests/unit/unit.h"

struct example {
	const char *text, *want; /* want NULL: refused */
};

/* In room of exactly n bytes, so that a sanitizer sees what is beyond. */
static void check_example(const char *text, size_t n, const char *want)
{
	char *room = malloc(n ? n : 1), *end = room;
	const char *reason = encode_put_json_text(text, n, &end);
	size_t length = (size_t)(end - room);

	if (!want) {
		CHECK(reason && end == room);
	} else {
		CHECK(!reason);
		if (length != strlen(want) || memcmp(room, want, length) != 0)
			printf("# %.*s: %.*s, not %s\n", (int)n, text, (int)length, room, want);
		CHECK(length == strlen(want) && !memcmp(room, want, length));
	}
	free(room);
}

static void check_all(const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_example(examples[i].text, strlen(examples[i].text), examples[i].want);
}

#define CHECK_ALL(...)                                                \
	do {                                                          \
		static const struct example list[] = { __VA_ARGS__ }; \
		check_all(list, sizeof list / sizeof *list);          \
	} while (0)

static void spaces(void)
{
	CHECK_ALL({ " {\n\t\"a b\" : [ 1 , 2 ]\r\n} ", "{\"a b\":[1,2]}" }, { "\n null\n", "null" },
		  { " [ ] ", "[]" }, { "{ }", "{}" }, { "[ { } , [ ] ]", "[{},[]]" },
		  { "\" x \"", "\" x \"" }, { "true", "true" }, { "false", "false" });
}

static void malformed(void)
{
	CHECK_ALL({ "", NULL }, { " ", NULL }, { "{", NULL }, { "}", NULL }, { "[1,]", NULL },
		  { "{\"a\":1,}", NULL }, { "{\"a\"}", NULL }, { "{\"a\" 1}", NULL },
		  { "{a:1}", NULL }, { "{1:1}", NULL }, { "[1 2]", NULL }, { "[1}", NULL },
		  { "1 2", NULL }, { "nul", NULL }, { "nulls", NULL }, { "True", NULL },
		  { "NaN", NULL }, { "'a'", NULL }, { "\"a", NULL }, { "\"a\nb\"", NULL },
		  { "\"\\x\"", NULL }, { "\"\\u12\"", NULL }, { "\"\\u12G4\"", NULL },
		  { "\"\\", NULL }, { "\"\xFF\"", NULL }, { "\f1", NULL }, { "[,1]", NULL },
		  { "{,}", NULL }, { "//x", NULL }, { "1,", NULL });
}

static void numbers(void)
{
	CHECK_ALL({ "-0", "-0" }, { "0.50", "0.50" }, { "1e5", "1e5" }, { "1E+05", "1E+05" },
		  { "-12.5e-3", "-12.5e-3" }, { "18446744073709551615", "18446744073709551615" },
		  { "18446744073709551616", NULL }, { "[0.1,1e309]", NULL },
		  { "{\"a\":0.1000000000000000055}", NULL }, { "01", NULL }, { "-", NULL },
		  { "+1", NULL }, { ".5", NULL }, { "5.", NULL }, { "1e", NULL }, { "1e+", NULL },
		  { "0x1", NULL }, { "-01", NULL }, { "1.e1", NULL });
}

static void escapes(void)
{
	CHECK_ALL({ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
		  { "\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE04\"",
		    "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x84\"" },
		  { "\"\\u000a\\u0001\\u001F\\u0022\\u005c\"", "\"\\n\\u0001\\u001f\\\"\\\\\"" },
		  { "\"\\u0000\"", NULL }, { "\"\\ud800\"", NULL }, { "\"\\ud800x\"", NULL },
		  { "\"\\udc00\"", NULL }, { "\"\\ud800\\ud800\"", NULL },
		  { "\"\\ud800\\u0041\"", NULL }, { "\"\\ud800\\n\"", NULL },
		  { "{\"\\u0000\":1}", NULL });
}

static void duplicates(void)
{
	CHECK_ALL({ "{\"a\":1,\"a\":2}", NULL }, { "{\"a\":1,\"\\u0061\":2}", NULL },
		  { "{\"/\":1,\"\\/\":2}", NULL }, { "{\"\\n\":1,\"\\u000a\":2}", NULL },
		  { "{\"\":1,\"\":2}", NULL }, { "{\"a\":{\"b\":1,\"b\":1}}", NULL },
		  { "{\"a\":{\"x\":1},\"b\":{},\"a\":1}", NULL },
		  { "[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]" },
		  { "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}" },
		  { "{\"a\":1,\"A\":1,\"a \":1,\"aa\":1}", "{\"a\":1,\"A\":1,\"a \":1,\"aa\":1}" });
}

/* An object of so many keys, the last one named like one of the others if it should. */
static char *many_keys(size_t count, bool twice)
{
	char *text = malloc(count * 32 + 64), *at = text;

	*at++ = '{';
	for (size_t i = 0; i < count; i++)
		at += snprintf(at, 64, "%s\"k%zu\":[{\"k%zu\":0}]", i ? "," : "", i, i);
	if (twice)
		at += snprintf(at, 64, ",\"k%zu\":1", count / 2);
	memcpy(at, "}", 2);
	return text;
}

static void many(void)
{
	static const size_t counts[] = { 2, 15, 16, 17, 255, 256, 257, 600, 100000 };

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		char *once = many_keys(counts[i], false), *twice = many_keys(counts[i], true);

		check_example(once, strlen(once), once);
		check_example(twice, strlen(twice), NULL);
		free(once);
		free(twice);
	}
}

static void depth(void)
{
	char text[1003];

	memset(text, '[', 500);
	memset(text + 500, ']', 500);
	text[1000] = '\0';
	check_example(text, 1000, text);
	memset(text, '[', 501);
	memset(text + 501, ']', 501);
	check_example(text, 1002, NULL);
}

static void in_place(void)
{
	char text[] = " { \"\\u00e9\" : [ 1 , \"\\ud83d\\ude04\" ] } ", *end = text;

	CHECK(!encode_put_json_text(text, strlen(text), &end));
	*end = '\0';
	CHECK(!strcmp(text, "{\"\xC3\xA9\":[1,\"\xF0\x9F\x98\x84\"]}"));
}

int main(void)
{
	unit_test("spaces between the parts of JSON go, those in strings stay");
	spaces();
	unit_test("what is not JSON is refused");
	malformed();
	unit_test("numbers stay as they are, or are refused");
	numbers();
	unit_test("escapes take their shortest form; half a pair and 0 are refused");
	escapes();
	unit_test("a key twice in one object is refused, however it is written");
	duplicates();
	unit_test("objects with any number of keys");
	many();
	unit_test("500 levels and no more");
	depth();
	unit_test("JSON is brought on one line in place");
	in_place();
	return unit_done();
}
