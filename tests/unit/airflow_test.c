/* The client of Airflow: versions, identities, conflicts. */
#include "trigger/airflow.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static const struct api_options quick = {
	.retry = { .initial_ms = 1, .max_ms = 2, .budget_ms = 2000 },
};

static void is_request(struct script *s, size_t i, const char *line)
{
	CHECK_HAS(script_request(s, i)->line, line);
}

static void versions(void)
{
	static const struct script_reply replies[] = {
		{ .status = 404, .body = "{\"detail\":\"no\"}" },
		{ .status = 200, .body = "{\"dag_id\":\"d\"}" },
		{ .status = 200, .body = "{\"version\":\"3.0.6\"}" },
		{ .status = 201, .body = "{\"access_token\":\"j.w.t\"}" },
		{ .status = 200, .body = "{\"dag_id\":\"d\"}" },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	const struct airflow_options o = { .url = script_url(s), .user = "u", .google = &quick };
	struct airflow *a = NULL;
	json_t *dag = NULL;
	struct error err = { 0 };

	setenv("AIRFLOW_PASSWORD", "p\"w", 1);
	unit_test("where there is no v2 it is v1, with the password in each request but the first");
	CHECK(airflow_open(&o, &a, &err) == 0 && airflow_dag_get(a, "a/b", &dag, &err) == 1);
	is_request(s, 0, "GET /api/v2/version");
	CHECK(!strstr(script_request(s, 0)->headers, "Authorization"));
	is_request(s, 1, "GET /api/v1/dags/a%2Fb");
	CHECK(script_has_header(script_request(s, 1), "Authorization: Basic dTpwInc="));
	json_decref(dag);
	airflow_close(a);
	unit_test("v2 takes a token for it");
	CHECK(airflow_open(&o, &a, &err) == 0 && airflow_dag_get(a, "d", &dag, &err) == 1);
	is_request(s, 3, "POST /auth/token");
	CHECK(!strcmp(script_request(s, 3)->body, "{\"username\":\"u\",\"password\":\"p\\\"w\"}"));
	is_request(s, 4, "GET /api/v2/dags/d");
	CHECK(script_has_header(script_request(s, 4), "Authorization: Bearer j.w.t"));
	json_decref(dag);
	airflow_close(a);
	script_stop(s);
}

static void triggers(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .body = "{\"dag_run_id\":\"r\",\"state\":\"queued\"}" },
		{ .status = 409, .body = "{\"detail\":\"exists\"}" },
		{ .status = 200, .body = "{\"dag_run_id\":\"r\",\"state\":\"running\"}" },
		{ .status = 409, .body = "{\"detail\":\"logical date\"}" },
		{ .status = 404 },
		{ .status = 200, .body = "{\"dag_run_id\":\"r\"}" },
		{ .action = SCRIPT_DROP },
		{ .status = 409 },
		{ .status = 200, .body = "{\"dag_run_id\":\"r\"}" },
		{ .status = 422, .body = "{\"detail\":[{\"msg\":\"Field required\"}]}" },
		{ .status = 200, .body = "[]" },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	const struct airflow_options o = { .url = script_url(s),
					   .version = AIRFLOW_V2,
					   .google = &quick };
	json_t *conf = json_pack("{s:s}", "table", "t"), *run = NULL;
	struct airflow *a = NULL;
	struct error err = { 0 };

	unit_test("a run is asked for by its id; v2 is told that it has no date");
	CHECK(airflow_open(&o, &a, &err) == 0 &&
	      airflow_trigger(a, "d", "r", conf, &run, &err) == 1);
	is_request(s, 0, "POST /api/v2/dags/d/dagRuns ");
	CHECK(!strcmp(script_request(s, 0)->body,
		      "{\"dag_run_id\":\"r\",\"conf\":{\"table\":\"t\"},\"logical_date\":null}"));
	CHECK(!strcmp(airflow_run_state(run), "queued"));
	json_decref(run);
	unit_test("one that is there already is looked at");
	CHECK(airflow_trigger(a, "d", "r", conf, &run, &err) == 0);
	CHECK(!strcmp(airflow_run_state(run), "running"));
	is_request(s, 2, "GET /api/v2/dags/d/dagRuns/r ");
	json_decref(run);
	unit_test("a conflict without such a run is tried again");
	CHECK(airflow_trigger(a, "d", "r", conf, &run, &err) == 1);
	CHECK(!strcmp(airflow_run_state(run), ""));
	json_decref(run);
	unit_test("a conflict behind a lost answer is our own run");
	CHECK(airflow_trigger(a, "d", "r", conf, &run, &err) == 1);
	json_decref(run);
	unit_test(
		"what Airflow does not take is said in its words; what is no run breaks the protocol");
	CHECK(airflow_trigger(a, "d", "r", conf, &run, &err) < 0 && err.code == ERR_REMOTE);
	CHECK_HAS(err.message, "d: Field required");
	CHECK(airflow_trigger(a, "d", "r", conf, &run, &err) < 0 && err.code == ERR_PROTOCOL);
	json_decref(conf);
	airflow_close(a);
	script_stop(s);
}

int main(void)
{
	fixture_clean_environment();
	versions();
	triggers();
	return unit_done();
}
