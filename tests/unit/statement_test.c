/* Statements that are run once, and all pages of those that read: statement.h. */
#include "lib/google/statement.h"

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static const char done[] = "{\"status\":{\"state\":\"DONE\"}}";
static const char failed[] =
	"{\"status\":{\"state\":\"DONE\",\"errorResult\":{\"reason\":\"invalidQuery\",\"message\":\"no\"}}}";

static void is_line(struct script *s, size_t i, const char *part)
{
	CHECK_HAS(script_request(s, i)->line, part);
}

static void once(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .body = "{}" },
		{ .status = 200, .body = done },
		{ .status = 409 },
		{ .status = 200, .body = done },
		{ .status = 409 },
		{ .status = 200, .body = failed },
		{ .status = 200, .body = "{}" },
		{ .status = 200, .body = done },
		{ .status = 200, .body = "{}" },
		{ .status = 200, .body = failed },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	json_t *query = json_pack("{s:s}", "query", "INSERT 1");
	struct error err = { 0 };
	struct api a;
	const struct statement_runner r = { &a, "p", "EU" };

	fixture_api(&a, s);
	unit_test("a statement runs under its id");
	CHECK(statement_run(&r, "sluice_x", query, &err) == 0);
	CHECK_HAS(script_request(s, 0)->body, "\"jobId\":\"sluice_x_1\",\"location\":\"EU\"");
	CHECK_HAS(script_request(s, 0)->body, "\"query\":{\"query\":\"INSERT 1\"}");
	unit_test("one that somebody else has begun is waited for");
	CHECK(statement_run(&r, "sluice_x", query, &err) == 0);
	is_line(s, 3, "GET /bigquery/v2/projects/p/jobs/sluice_x_1?location=EU");
	unit_test("where that has failed the next id is ours");
	CHECK(statement_run(&r, "sluice_x", query, &err) == 0);
	CHECK_HAS(script_request(s, 6)->body, "sluice_x_2");
	unit_test("one of ours that fails for good is an error");
	CHECK(statement_run(&r, "sluice_x", query, &err) < 0 && err.code == ERR_REMOTE);
	CHECK_HAS(err.message, "no (invalidQuery");
	json_decref(query);
	api_close(&a);
	script_stop(s);
}

static int take(const json_t *row, void *into, struct error *err)
{
	return json_array_append(into, json_object_get(row, "f")) < 0 ? error_nomem(err) : 0;
}

static void pages(void)
{
	static const struct script_reply replies[] = {
		{ .status = 404 },
		{ .status = 200,
		  .body = "{\"jobComplete\":false,\"jobReference\":{\"jobId\":\"j\",\"location\":\"EU\"}}" },
		{ .status = 200, .body = done },
		{ .status = 200,
		  .body = "{\"jobComplete\":true,\"rows\":[{\"f\":1},{\"f\":2}],\"pageToken\":\"n\"}" },
		{ .status = 200, .body = "{\"jobComplete\":true,\"rows\":[{\"f\":3}]}" },
		{ .status = 200, .body = "{\"jobComplete\":false,\"jobReference\":{}}" },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	json_t *body = json_pack("{s:s}", "query", "SELECT 1"), *rows = json_array();
	struct error err = { 0 };
	struct api a;
	const struct statement_runner r = { &a, "p", NULL };

	fixture_api(&a, s);
	unit_test("a table that is not there is 0");
	CHECK(statement_read(&r, body, take, rows, &err) == 0 && json_array_size(rows) == 0);
	unit_test("the rows of all pages, of a query that took its time");
	CHECK(statement_read(&r, body, take, rows, &err) == 1 && json_array_size(rows) == 3);
	is_line(s, 3, "GET /bigquery/v2/projects/p/queries/j?maxResults=10000&location=EU");
	is_line(s, 4, "&pageToken=n");
	unit_test("a query that runs on and has no id breaks the protocol");
	CHECK(statement_read(&r, body, take, rows, &err) < 0 && err.code == ERR_PROTOCOL);
	json_decref(body);
	json_decref(rows);
	api_close(&a);
	script_stop(s);
}

int main(void)
{
	fixture_clean_environment();
	once();
	pages();
	return unit_done();
}
