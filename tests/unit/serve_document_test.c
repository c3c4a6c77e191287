/* What dtsserve makes of YAML and JSON. */
#include "trigger/serve_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* The document as compact JSON, or the message. */
static bool reads_as(const char *text, const char *want)
{
	struct error err = { 0 };
	json_t *document = NULL;
	char *got;
	bool same;

	if (document_read(text, strlen(text), "f", ERR_CONFIG, &document, &err) < 0)
		got = strdup(err.message);
	else
		got = json_dumps(document, JSON_COMPACT);
	same = got && !strcmp(got, want);
	if (!same)
		printf("# %s\n", got ? got : "nothing");
	free(got);
	json_decref(document);
	return same;
}

static void scalars(void)
{
	unit_test("plain scalars are what YAML 1.2 says, all others strings");
	CHECK(reads_as("{\"a\": 1, \"b\": [true, null]}", "{\"a\":1,\"b\":[true,null]}"));
	CHECK(reads_as("a: 1\nb: -2.5e3\nc: ~\nd:\ne: true\nf: False\n",
		       "{\"a\":1,\"b\":-2500.0,\"c\":null,\"d\":null,\"e\":true,\"f\":false}"));
	CHECK(reads_as(
		"a: yes\nb: no\nc: 2018-04-30\nd: 12:30\ne: '1'\nf: \"true\"\ng: ''",
		"{\"a\":\"yes\",\"b\":\"no\",\"c\":\"2018-04-30\",\"d\":\"12:30\",\"e\":\"1\","
		"\"f\":\"true\",\"g\":\"\"}"));
	CHECK(reads_as("a: |\n  x\n  y\nb: >\n  x\n  y\nc: date_greg${run_yyyymmdd}",
		       "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\",\"c\":\"date_greg${run_yyyymmdd}\"}"));
	CHECK(reads_as("a: 9223372036854775807", "{\"a\":9223372036854775807}"));
	CHECK(reads_as("a: 9223372036854775808",
		       "f: line 1, column 4: the number 9223372036854775808 is too large"));

	unit_test("numbers that JSON writes otherwise are refused, not guessed");
	CHECK(reads_as("a: 0x1F",
		       "f: line 1, column 4: 0x1F: write a number as JSON does, or quote it"));
	CHECK(reads_as("a: 007",
		       "f: line 1, column 4: 007: write a number as JSON does, or quote it"));
	CHECK(reads_as("a: .5",
		       "f: line 1, column 4: .5: write a number as JSON does, or quote it"));
	CHECK(reads_as("a: -.inf",
		       "f: line 1, column 4: -.inf: write a number as JSON does, or quote it"));
	CHECK(reads_as(
		"a: 1.2.3\nb: -\nc: .",
		"f: line 2, column 4: block sequence entries are not allowed in this context"));
	CHECK(reads_as("a: 1.2.3\nb: .\nc: '007'", "{\"a\":\"1.2.3\",\"b\":\".\",\"c\":\"007\"}"));
}

static void structures(void)
{
	unit_test("an alias is a copy; what JSON cannot hold is an error with its place");
	CHECK(reads_as("a: &x {b: [1]}\nc: *x", "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]}}"));
	CHECK(reads_as("a: 1\n'a': 2",
		       "f: line 2, column 1: the key 'a' stands here a second time"));
	CHECK(reads_as("? [1]\n: 2", "f: line 1, column 3: a key that is no string"));
	CHECK(reads_as("a: &x {b: 1}\nc:\n  <<: *x",
		       "f: line 3, column 3: merge keys (<<) are not YAML 1.2: write it out"));
	CHECK(reads_as("a: !!binary eA==",
		       "f: line 1, column 4: the tag tag:yaml.org,2002:binary"));
	CHECK(reads_as("a: \"x\\0y\"", "f: line 1, column 4: a NUL character"));
	CHECK(reads_as("a: &x [*x]", "f: line 1, column 4: nested more than 64 deep"));
	CHECK(reads_as("a: 1\n---\nb: 2\n", "f: holds several documents"));
	CHECK(reads_as("a: [1", "f: line 2, column 1: did not find expected ',' or ']'"));
	CHECK(reads_as("{\"a\": 1, \"a\": 2}",
		       "f: line 1, column 12: duplicate object key near '\"a\"'"));
	CHECK(reads_as("- 1", "f: is no mapping (object)"));
	CHECK(reads_as(" \n", "f: is empty"));
	CHECK(reads_as("# nothing\n", "f: is empty"));
	CHECK(reads_as("a: \xff", "f: is not UTF-8"));
}

static void bombs(void)
{
	char text[4096] = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
	struct error err = { 0 };
	json_t *document = NULL;

	unit_test("aliases of aliases do not fill the memory");
	for (int i = 1; i < 9; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof text - n, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++) {
			n = strlen(text);
			snprintf(text + n, sizeof text - n, "*a%d%s", i - 1, j < 9 ? "," : "]\n");
		}
	}
	CHECK(document_read(text, strlen(text), "f", ERR_CONFIG, &document, &err) < 0);
	CHECK(err.code == ERR_CONFIG && strstr(err.message, "more than 100000 values"));
}

static bool camel_is(const char *text, unsigned depth, const char *want)
{
	json_t *in = json_loads(text, 0, NULL), *out = NULL;
	struct error err;
	bool same = false;

	if (document_camel(in, depth, &out, &err) == 0) {
		char *got = json_dumps(out, JSON_COMPACT);

		same = got && !strcmp(got, want);
		free(got);
	} else {
		same = !strcmp(err.message, want);
	}
	json_decref(in);
	json_decref(out);
	return same;
}

static void names(void)
{
	unit_test("field_name becomes fieldName, as deep as asked");
	CHECK(camel_is("{\"a_b\":{\"c_d\":[{\"e_f\":1}]},\"gH\":2,\"_x\":3,\"y_\":4,\"z__z\":5}", 9,
		       "{\"aB\":{\"cD\":[{\"eF\":1}]},\"gH\":2,\"_x\":3,\"y_\":4,\"z_Z\":5}"));
	CHECK(camel_is("{\"a_b\":{\"c_d\":1}}", 1, "{\"aB\":{\"c_d\":1}}"));
	CHECK(camel_is("{\"a_b\":1,\"aB\":2}", 1, "'aB' stands there in two forms"));
}

int main(void)
{
	scalars();
	structures();
	bombs();
	names();
	return unit_done();
}
