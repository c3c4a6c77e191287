/* @batch records: what is accepted of them, and how their objects are divided among jobs. */
#include "load/batch.h"

#include <stdlib.h>

#include "load/batch_files.h"
#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

/* --- reading ---------------------------------------------------------------------------------- */

static int parse(const char *text, struct batch *b, struct error *err)
{
	json_t *inner = json_loads(text, 0, NULL);
	int rc = inner ? batch_parse(inner, b, err) : -2;

	json_decref(inner);
	return rc;
}

#define START "{\"id\":\"b1\",\"table\":\"p:d.t\",\"uris\":[\"gs://bkt/a\"]"

static void good_batches(void)
{
	struct error err;
	struct batch b;

	unit_test("a batch names its load, its table, its objects and how they are loaded");
	CHECK(parse(START ",\"format\":\"CSV\",\"load\":{\"skipLeadingRows\":1,"
			  "\"writeDisposition\":\"WRITE_TRUNCATE\"}}",
		    &b, &err) == 0);
	CHECK(!strcmp(b.id, "b1") && !strcmp(b.destination.table, "t") && !b.wildcards);
	CHECK(json_array_size(b.uris) == 1 && json_object_size(b.load) == 3);
	CHECK(!strcmp(batch_write(&b), "truncate"));
	CHECK(!strcmp(json_string_value(json_object_get(b.load, "sourceFormat")), "CSV"));
	batch_release(&b);
	unit_test("without a format and a configuration it is BigQuery's defaults");
	CHECK(parse(START "}", &b, &err) == 0 && json_object_size(b.load) == 0);
	CHECK(!strcmp(batch_write(&b), "append"));
	batch_release(&b);
	unit_test("a configuration may name the same table, and the project that the table lacks");
	CHECK(parse(START
		    ",\"load\":{\"destinationTable\":{\"projectId\":\"p\",\"datasetId\":\"d\","
		    "\"tableId\":\"t\"}}}",
		    &b, &err) == 0 &&
	      !json_object_get(b.load, "destinationTable"));
	batch_release(&b);
	CHECK(parse("{\"id\":\"1\",\"table\":\"d.t$2024\",\"uris\":[\"gs://bkt/x*y\"],\"load\":"
		    "{\"destinationTable\":{\"projectId\":\"q\",\"datasetId\":\"d\","
		    "\"tableId\":\"t$2024\"}}}",
		    &b, &err) == 0 &&
	      !strcmp(b.destination.project, "q") && b.wildcards);
	batch_release(&b);
}

static void bad_batches(void)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "{}", "id is missing" },
		{ "{\"id\":1,\"table\":\"d.t\",\"uris\":[\"gs://bkt/a\"]}", "id is missing" },
		{ "{\"id\":\"a\\nb\",\"table\":\"d.t\",\"uris\":[\"gs://bkt/a\"]}", "id is" },
		{ "{\"id\":\"a\",\"table\":\"t\",\"uris\":[\"gs://bkt/a\"]}", "@batch: table" },
		{ "{\"id\":\"a\",\"table\":\"d.t\"}", "uris is missing" },
		{ "{\"id\":\"a\",\"table\":\"d.t\",\"uris\":[]}", "uris is missing or empty" },
		{ "{\"id\":\"a\",\"table\":\"d.t\",\"uris\":[7]}", "something else than text" },
		{ "{\"id\":\"a\",\"table\":\"d.t\",\"uris\":[\"s3://bkt/a\"]}", "s3://bkt/a" },
		{ "{\"id\":\"a\",\"table\":\"d.t\",\"uris\":[\"gs://bkt/\"]}", "names no object" },
		{ "{\"id\":\"a\",\"table\":\"d.t\",\"uris\":[\"gs://bkt/*a*\"]}", "one asterisk" },
		{ "{\"id\":\"a\",\"table\":\"d.t\",\"uris\":[\"gs://bkt/a\",\"gs://bkt/a\"]}",
		  "'gs://bkt/a' is there twice" },
		{ START ",\"url\":1}", "no member 'url'" },
		{ START ",\"format\":\"XML\"}", "'XML' is not a format" },
		{ START ",\"format\":\"CSV\",\"load\":{\"sourceFormat\":\"AVRO\"}}",
		  "format is CSV, load.sourceFormat is not" },
		{ START ",\"load\":[]}", "load is not an object" },
		{ START ",\"load\":{\"sourceUris\":[]}}", "load has sourceUris" },
		{ START
		  ",\"load\":{\"destinationTable\":{\"datasetId\":\"d\",\"tableId\":\"t2\"}}}",
		  "load.destinationTable is not p:d.t" },
		{ START
		  ",\"load\":{\"destinationTable\":{\"datasetId\":\"d\",\"tableId\":\"t$2024\"}}}",
		  "load.destinationTable is not p:d.t" },
		{ START ",\"load\":{\"destinationTable\":{\"projectId\":\"q\",\"datasetId\":\"d\","
			"\"tableId\":\"t\"}}}",
		  "load.destinationTable is not p:d.t" },
	};

	unit_test("what a batch may not say is 65, and named");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error err = { 0 };
		struct batch b;

		CHECK(parse(bad[i].text, &b, &err) == -1 && err.code == ERR_DATA);
		CHECK_HAS(err.message, bad[i].message);
	}
}

/* --- dividing --------------------------------------------------------------------------------- */

/* Divide objects "gs://bkt/NAME" of these names, as that list shows them; the jobs as text. */
static char *divide(const char *const *names, const char *list, const struct batch_limits *limits,
		    struct batch_files *files, struct error *err)
{
	const struct script_reply replies[] = { { .status = 200, .body = list },
						{ .status = 200, .body = list },
						{ .status = 200, .body = list } };
	struct script *s = script_start(replies, 3);
	struct batch b = { .uris = json_array() };
	char *text = NULL;
	struct api api;

	for (; *names; names++) {
		json_array_append_new(b.uris, json_sprintf("gs://bkt/%s", *names));
		b.wildcards = b.wildcards || strchr(*names, '*');
	}
	fixture_storage_api(&api, s);
	if (batch_files_find(&api, &b, limits, files, err) == 0) {
		text = json_dumps(files->jobs, JSON_COMPACT);
		batch_files_release(files);
	}
	json_decref(b.uris);
	api_close(&api);
	script_stop(s);
	return text;
}

#define ITEM(name, size) "{\"name\":\"" name "\",\"size\":\"" size "\"}"
#define LIST(items) "{\"items\":[" items "]}"

static void divides(const char *const *names, const char *list, size_t uris, uint64_t bytes,
		    const char *want)
{
	const struct batch_limits limits = { uris, bytes };
	struct batch_files files;
	struct error err = { 0 };
	char *text = divide(names, list, &limits, &files, &err);

	if (!text || strcmp(text, want) != 0)
		printf("# got %s, want %s (%s)\n", text ? text : "nothing", want, err.message);
	CHECK(text && !strcmp(text, want));
	free(text);
}

static void divisions(void)
{
	static const char *const three[] = { "d/p1", "d/p3", "d/p2", NULL };
	static const char *const nested[] = { "d/p1", "d/p2", "d/p3/x", "e", NULL };
	static const char clean[] =
		LIST(ITEM("d/p1", "5") "," ITEM("d/p2", "5") "," ITEM("d/p3", "5"));
	static const char shared[] = LIST(ITEM("d/p1", "5") "," ITEM("d/p2", "5") "," ITEM(
		"d/p3", "5") "," ITEM("d/px", "5"));

	unit_test("objects that fit are listed one by one, as they came");
	divides(three, clean, 3, 15, "[[\"gs://bkt/d/p1\",\"gs://bkt/d/p3\",\"gs://bkt/d/p2\"]]");
	unit_test("too many are named by what they have in common, if nothing else has it");
	divides(three, clean, 2, 15, "[[\"gs://bkt/d/p*\"]]");
	divides(nested,
		LIST(ITEM("d/p1", "5") "," ITEM("d/p2", "5") "," ITEM("d/p3/x", "5") "," ITEM("e",
											      "5")),
		3, 99, "[[\"gs://bkt/e*\",\"gs://bkt/d/p*\"]]");
	unit_test("where something else has it, there are several jobs");
	divides(three, shared, 2, 15,
		"[[\"gs://bkt/d/p1\",\"gs://bkt/d/p2\"],[\"gs://bkt/d/p3\"]]");
	unit_test("more bytes than a job takes are several jobs, wildcard or not");
	divides(three, clean, 3, 14, "[[\"gs://bkt/d/p1\",\"gs://bkt/d/p2\"],[\"gs://bkt/d/p3\"]]");
	divides(three, clean, 1, 9,
		"[[\"gs://bkt/d/p1\"],[\"gs://bkt/d/p2\"],[\"gs://bkt/d/p3\"]]");
}

static void fails(const char *const *names, const char *list, const char *message)
{
	const struct batch_limits limits = { 2, 100 };
	struct batch_files files;
	struct error err = { 0 };

	CHECK(!divide(names, list, &limits, &files, &err) && err.code == ERR_REMOTE);
	CHECK_HAS(err.message, message);
}

static void failures(void)
{
	static const char *const one[] = { "d/p1", NULL };
	static const char *const wild[] = { "a*", "b*", "c", NULL };
	static const char *const few[] = { "a*", "c", NULL };

	unit_test("an object that is not there is named");
	fails(one, LIST(ITEM("d/p10", "1")), "no such object: gs://bkt/d/p1");
	fails(one, "{}", "no such object: gs://bkt/d/p1");
	unit_test("wildcards of the batch's own are taken as they are, in one job");
	divides(few, "{}", 2, 1, "[[\"gs://bkt/a*\",\"gs://bkt/c\"]]");
	fails(wild, "{}", "3 URIs with wildcards");
}

int main(void)
{
	fixture_clean_environment();
	good_batches();
	bad_batches();
	divisions();
	failures();
	return unit_done();
}
