/* BigQuery's methods: paths, bodies, three-way results, job outcomes. */
#include "lib/google/bigquery.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static const struct bigquery_table table = { "p", "d", "t$20240101" };
static const struct bigquery_job job = { "p", "EU", "sluice_1" };

static void is_line(struct script *s, size_t i, const char *line)
{
	char whole[512];

	snprintf(whole, sizeof whole, "%s HTTP/1.1", line);
	CHECK_HAS(script_request(s, i)->line, whole);
}

static void tables(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .body = "{\"etag\":\"e1\"}" },
		{ .status = 404 },
		{ .status = 200, .body = "{\"id\":\"t\"}" },
		{ .status = 409 },
		{ .status = 200, .body = "{}" },
		{ .status = 412 },
		{ .status = 204 },
		{ .status = 404 },
		{ .status = 404 },
		{ .status = 200, .body = "[]" },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	json_t *got = NULL, *resource = json_pack("{s:s}", "description", "x");
	struct error err;
	struct api a;

	fixture_api(&a, s);
	unit_test("tables.get: the table, or 0");
	CHECK(bigquery_table_get(&a, &table, &got, &err) == 1 && json_object_get(got, "etag"));
	is_line(s, 0, "GET /bigquery/v2/projects/p/datasets/d/tables/t%2420240101");
	json_decref(got);
	got = NULL;
	CHECK(bigquery_table_get(&a, &table, &got, &err) == 0 && !got);
	unit_test("tables.insert: adds the reference; 0 when it exists");
	CHECK(bigquery_table_insert(&a, &table, resource, &got, &err) == 1);
	is_line(s, 2, "POST /bigquery/v2/projects/p/datasets/d/tables");
	CHECK(!strcmp(script_request(s, 2)->body,
		      "{\"tableReference\":{\"projectId\":\"p\",\"datasetId\":\"d\",\"tableId\":"
		      "\"t$20240101\"},\"description\":\"x\"}"));
	CHECK(json_object_size(resource) == 1);
	json_decref(got);
	CHECK(bigquery_table_insert(&a, &table, resource, NULL, &err) == 0);
	unit_test("tables.patch: with If-Match; 0 when somebody was faster");
	CHECK(bigquery_table_patch(&a, &table, resource, "e1", NULL, &err) == 1);
	CHECK(script_has_header(script_request(s, 4), "If-Match: e1"));
	is_line(s, 4, "PATCH /bigquery/v2/projects/p/datasets/d/tables/t%2420240101");
	CHECK(bigquery_table_patch(&a, &table, resource, "e1", NULL, &err) == 0);
	unit_test("tables.delete: 0 when it was not there");
	CHECK(bigquery_table_delete(&a, &table, &err) == 1);
	is_line(s, 6, "DELETE /bigquery/v2/projects/p/datasets/d/tables/t%2420240101");
	CHECK(bigquery_table_delete(&a, &table, &err) == 0);
	unit_test(
		"datasets.get: 0 when there is none; an answer that is no object breaks the protocol");
	CHECK(bigquery_dataset_get(&a, "p", "d", &got, &err) == 0);
	is_line(s, 8, "GET /bigquery/v2/projects/p/datasets/d");
	CHECK(bigquery_dataset_get(&a, "p", "d", &got, &err) < 0 && err.code == ERR_PROTOCOL);
	json_decref(resource);
	api_close(&a);
	script_stop(s);
}

static void jobs(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .body = "{\"id\":\"x\"}" },
		{ .status = 409 },
		{ .status = 404 },
		{ .status = 200, .body = "{\"status\":{\"state\":\"RUNNING\"}}" },
		{ .status = 200, .body = "{\"status\":{\"state\":\"DONE\"}}" },
		{ .status = 200, .body = "{\"status\":{\"state\":\"PENDING\"}}" },
		{ .status = 200, .body = "{\"rows\":[]}" },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	const struct bigquery_job anywhere = { "p", NULL, "a/b" };
	json_t *got = NULL, *query;
	struct error err;
	struct api a;

	fixture_api(&a, s);
	query = bigquery_query_configuration("SELECT 1", &err);
	unit_test("jobs.insert: carries id and location; 0 when the id exists");
	CHECK(bigquery_job_insert(&a, &job, query, NULL, &err) == 1);
	CHECK(!strcmp(
		script_request(s, 0)->body,
		"{\"jobReference\":{\"projectId\":\"p\",\"jobId\":\"sluice_1\",\"location\":\"EU\"},"
		"\"configuration\":{\"query\":{\"query\":\"SELECT 1\",\"useLegacySql\":false}}}"));
	CHECK(bigquery_job_insert(&a, &anywhere, query, NULL, &err) == 0);
	CHECK(!strstr(script_request(s, 1)->body, "location"));
	unit_test("waiting polls until the job is DONE, and bears a 404 at first");
	CHECK(bigquery_job_wait(&a, &job, 0, &got, &err) == 0 &&
	      bigquery_job_outcome(got) == JOB_DONE);
	is_line(s, 4, "GET /bigquery/v2/projects/p/jobs/sluice_1?location=EU");
	CHECK(script_count(s) == 5);
	json_decref(got);
	unit_test("waiting ends with its deadline, temporary");
	CHECK(bigquery_job_wait(&a, &job, monotonic_ms(), &got, &err) < 0 && err.code == ERR_TEMP);
	unit_test("getQueryResults escapes what it is given");
	CHECK(bigquery_query_results(&a, &anywhere, 10, "t=/", &got, &err) == 0);
	is_line(s, 6, "GET /bigquery/v2/projects/p/queries/a%2Fb?maxResults=10&pageToken=t%3D%2F");
	json_decref(got);
	json_decref(query);
	api_close(&a);
	script_stop(s);
}

static json_t *done(const char *kind, const char *reason)
{
	return json_pack("{s:{s:{}}, s:{s:s, s:{s:s, s:s}, s:[{s:s, s:s}, {s:s, s:s, s:s}]}}",
			 "configuration", kind, "status", "state", "DONE", "errorResult", "reason",
			 reason, "message", "It\nfailed", "errors", "reason", reason, "message",
			 "It\nfailed", "reason", "invalid", "message", "Row 3", "location", "x.y");
}

static void outcomes(void)
{
	static const struct {
		const char *kind, *reason;
		enum bigquery_job_outcome outcome;
		int code;
	} cases[] = {
		{ "load", "backendError", JOB_RERUN, ERR_TEMP },
		{ "load", "jobInternalError", JOB_RERUN, ERR_TEMP },
		{ "query", "jobRateLimitExceeded", JOB_RERUN, ERR_TEMP },
		{ "load", "quotaExceeded", JOB_QUOTA, ERR_TEMP },
		{ "load", "invalid", JOB_FAILED, ERR_DATA },
		{ "query", "invalidQuery", JOB_FAILED, ERR_REMOTE },
		{ "load", "notFound", JOB_FAILED, ERR_REMOTE },
		{ "load", "accessDenied", JOB_FAILED, ERR_PERM },
		{ "load", "stopped", JOB_FAILED, ERR_TEMP },
	};
	struct error err;
	json_t *j;

	unit_test("a job's reason says whether to run it again, and the exit code");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good;

		j = done(cases[i].kind, cases[i].reason);
		good = bigquery_job_outcome(j) == cases[i].outcome &&
		       bigquery_job_failure(j, "w", &err) == -1 && err.code == cases[i].code;
		if (!good)
			printf("# case %s %s\n", cases[i].kind, cases[i].reason);
		CHECK(good);
		json_decref(j);
	}
	unit_test("DML that gave way to other DML is run again, though it is called invalid");
	j = json_loads(
		"{\"configuration\":{\"query\":{}},\"status\":{\"state\":\"DONE\",\"errorResult\":{"
		"\"reason\":\"invalidQuery\",\"message\":\"Could not serialize access to table p:d.t "
		"due to concurrent update\"}}}",
		0, NULL);
	CHECK(bigquery_job_outcome(j) == JOB_RERUN);
	CHECK(bigquery_job_failure(j, "w", &err) == -1 && err.code == ERR_TEMP);
	json_decref(j);
	unit_test("the message has every error once, on one line");
	j = done("load", "invalid");
	CHECK(bigquery_job_failure(j, "job x", &err) == -1);
	CHECK(!strcmp(err.message, "job x: It failed (invalid); Row 3 (invalid, at x.y)"));
	json_decref(j);
	unit_test("errors without errorResult are bad rows of a job that is well");
	j = json_loads("{\"status\":{\"state\":\"DONE\",\"errors\":[{\"reason\":\"invalid\"}]}}", 0,
		       NULL);
	CHECK(bigquery_job_outcome(j) == JOB_DONE);
	json_decref(j);
	unit_test("statistics come as strings or numbers, and may be missing");
	j = json_loads(
		"{\"statistics\":{\"load\":{\"outputRows\":\"9007199254740993\",\"badRecords\":2,\"x\":\"1x\"}}}",
		0, NULL);
	CHECK(bigquery_job_statistic(j, "load", "outputRows") == 9007199254740993);
	CHECK(bigquery_job_statistic(j, "load", "badRecords") == 2);
	CHECK(bigquery_job_statistic(j, "load", "x") == -1 &&
	      bigquery_job_statistic(j, "query", "y") == -1);
	json_decref(j);
}

int main(void)
{
	fixture_clean_environment();
	tables();
	jobs();
	outcomes();
	return unit_done();
}
