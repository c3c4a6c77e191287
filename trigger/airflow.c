#include "trigger/airflow.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/backoff.h"
#include "lib/google/url.h"
#include "lib/io.h"
#include "lib/log.h"
#include "trigger/airflow_auth.h"
#include "trigger/airflow_composer.h"

enum {
	/* Two runs of one DAG cannot have one logical date, which Airflow 2 takes from its clock. */
	COLLISIONS_MAX = 20,
	COLLISION_MS = 50,
	REQUEST_TIMEOUT_MS = 60 * 1000,
};

struct airflow {
	struct api api;
	struct airflow_identity identity;
	enum airflow_version version;
};

/* --- calls ---------------------------------------------------------------------------------- */

static int call_once(struct airflow *a, const struct api_request *request, struct api_response *ret,
		     struct error *err)
{
	struct api_request q = *request;
	const struct http_header header = { "Authorization", a->identity.header.data };
	size_t i = 0;

	while (q.expected[i])
		i++;
	q.expected[i] = 401;
	q.timeout_ms = REQUEST_TIMEOUT_MS;
	if (a->identity.header.length) {
		q.headers = &header;
		q.header_count = 1;
	}
	return api_call(&a->api, &q, ret, err);
}

/* As api_call. A 401 gets one more attempt if there may be another token. */
static int call(struct airflow *a, const struct api_request *request, struct api_response *ret,
		struct error *err)
{
	if (call_once(a, request, ret, err) < 0)
		return -1;
	if (ret->status == 401) {
		int renewed = airflow_identity_renew(&a->identity, &a->api, a->version, err);

		if (renewed < 0)
			return -1;
		if (renewed > 0) {
			api_response_release(ret);
			if (call_once(a, request, ret, err) < 0)
				return -1;
		}
	}
	return ret->status == 401 ? api_error_set(&ret->error, request->what, err) : 0;
}

/* "/dags/DAG[/dagRuns[/RUN]]" */
static int make_path(const char *dag, const char *more, const char *run_id, struct buf *out,
		     const char **ret, struct error *err)
{
	if (buf_append_str(out, "/dags/", err) < 0 || url_append_escaped(out, dag, err) < 0 ||
	    buf_append_str(out, more, err) < 0)
		return -1;
	if (run_id &&
	    (buf_append_str(out, "/", err) < 0 || url_append_escaped(out, run_id, err) < 0))
		return -1;
	*ret = buf_cstr(out, err);
	return *ret ? 0 : -1;
}

/* 1, or 0 for a 404. */
static int get(struct airflow *a, const char *what, const char *path, json_t **ret,
	       struct error *err)
{
	const struct api_request request = {
		.what = what, .method = "GET", .path = path, .expected = { 404 }
	};
	auto_api_response response = API_RESPONSE_INIT;

	if (call(a, &request, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return 0;
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is no JSON object", what);
	*ret = json_incref(response.json);
	return 1;
}

/* --- opening -------------------------------------------------------------------------------- */

const char *airflow_url(const struct airflow *a)
{
	return a->api.endpoint.root;
}

void airflow_close(struct airflow *a)
{
	if (!a)
		return;
	airflow_identity_release(&a->identity);
	api_close(&a->api);
	free(a);
}

/* Airflow 2 knows no /api/v2; of Airflow 3 anybody may ask for its version. */
static int find_version(struct airflow *a, enum airflow_version given, struct error *err)
{
	json_t *answer = NULL;
	int rc;

	if (given != AIRFLOW_AUTO) {
		a->version = given;
	} else {
		/* Not yet a user: a version is no secret. */
		a->version = AIRFLOW_V2;
		a->api.endpoint.api_path = "/api/v2";
		rc = a->identity.auth == AIRFLOW_AUTH_BASIC
			     ? 0
			     : airflow_identity_renew(&a->identity, &a->api, a->version, err);
		if (rc < 0)
			return -1;
		rc = get(a, "Airflow: /api/v2/version", "/version", &answer, err);
		if (rc < 0)
			return -1;
		json_decref(answer);
		a->version = rc ? AIRFLOW_V2 : AIRFLOW_V1;
		log_debug("%s: Airflow %d", airflow_url(a), rc ? 3 : 2);
	}
	a->api.endpoint.api_path = a->version == AIRFLOW_V2 ? "/api/v2" : "/api/v1";
	return 0;
}

static int open_at(struct airflow *a, const char *url, const struct airflow_options *o,
		   struct error *err)
{
	struct endpoint endpoint;
	int rc = airflow_identity_init(&a->identity, o, err);

	if (rc == 0)
		rc = endpoint_at("Airflow", url, "/api/v1",
				 airflow_identity_is_secret(&a->identity), &endpoint, err);
	if (rc == 0)
		rc = api_open_at(&a->api, &endpoint, a->identity.auth == AIRFLOW_AUTH_GOOGLE,
				 o->google, err);
	if (rc == 0)
		rc = find_version(a, o->version, err);
	if (rc == 0)
		rc = airflow_identity_renew(&a->identity, &a->api, a->version, err);
	return rc < 0 ? -1 : 0;
}

int airflow_open(const struct airflow_options *options, struct airflow **ret, struct error *err)
{
	struct airflow *a = calloc(1, sizeof *a);
	char *uri = NULL;
	int rc = 0;

	if (!a)
		return error_nomem(err);
	if (!options->url)
		rc = airflow_composer_uri(options->composer, options->project, options->google,
					  &uri, err);
	if (rc == 0)
		rc = open_at(a, uri ? uri : options->url, options, err);
	free(uri);
	if (rc < 0) {
		airflow_close(a);
		return -1;
	}
	*ret = a;
	return 0;
}

/* --- DAGs and their runs -------------------------------------------------------------------- */

int airflow_dag_get(struct airflow *a, const char *dag, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	const char *text;

	if (make_path(dag, "", NULL, &path, &text, err) < 0)
		return -1;
	return get(a, dag, text, ret, err);
}

int airflow_run_get(struct airflow *a, const char *dag, const char *run_id, json_t **ret,
		    struct error *err)
{
	auto_buf path = BUF_INIT;
	const char *text;

	if (make_path(dag, "/dagRuns", run_id, &path, &text, err) < 0)
		return -1;
	return get(a, dag, text, ret, err);
}

/* 1: there is a run now, *ret. 0: a conflict. */
static int post_run(struct airflow *a, const char *dag, const char *path, const json_t *body,
		    json_t **ret, bool *repeated, struct error *err)
{
	const struct api_request request = {
		.what = dag, .method = "POST", .path = path, .body = body, .expected = { 404, 409 }
	};
	auto_api_response response = API_RESPONSE_INIT;

	if (call(a, &request, &response, err) < 0)
		return -1;
	*repeated = *repeated || response.repeated;
	if (response.status == 404)
		return error_set(err, ERR_REMOTE, "%s: no such DAG at %s: %s", dag, airflow_url(a),
				 response.error.message);
	if (response.status == 409)
		return 0;
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is no DAG run", dag);
	*ret = json_incref(response.json);
	return 1;
}

static json_t *run_body(const struct airflow *a, const char *run_id, const json_t *conf)
{
	json_t *body = json_pack("{s:s,s:O}", "dag_run_id", run_id, "conf", (json_t *)conf);

	/* v2 wants it said that there is none. */
	if (body && a->version == AIRFLOW_V2 &&
	    json_object_set_new(body, "logical_date", json_null()) < 0) {
		json_decref(body);
		return NULL;
	}
	return body;
}

int airflow_trigger(struct airflow *a, const char *dag, const char *run_id, const json_t *conf,
		    json_t **ret, struct error *err)
{
	json_t *body = run_body(a, run_id, conf);
	auto_buf path = BUF_INIT;
	bool repeated = false;
	const char *text = NULL;
	int rc = 0;

	if (!body)
		return error_nomem(err);
	if (make_path(dag, "/dagRuns", NULL, &path, &text, err) < 0)
		rc = -1;
	for (int tries = 0; rc == 0; tries++) {
		rc = post_run(a, dag, text, body, ret, &repeated, err);
		if (rc != 0)
			break;
		/* Is it this run that is there already, or another with its logical date? */
		rc = airflow_run_get(a, dag, run_id, ret, err);
		if (rc != 0) {
			rc = rc < 0 ? -1 : repeated ? 1 : 2;
			break;
		}
		if (tries == COLLISIONS_MAX)
			rc = error_set(err, ERR_TEMP,
				       "%s: Airflow says that run %s exists, and does not have it",
				       dag, run_id);
		else
			rc = backoff_sleep(COLLISION_MS, -1, err);
	}
	json_decref(body);
	return rc == 2 ? 0 : rc;
}

const char *airflow_run_state(const json_t *run)
{
	const char *state = json_string_value(json_object_get(run, "state"));

	return state ? state : "";
}

int airflow_run_wait(struct airflow *a, const char *dag, const char *run_id, int64_t every_ms,
		     json_t **ret, struct error *err)
{
	for (;;) {
		json_t *run = NULL;
		const char *state;
		int rc = airflow_run_get(a, dag, run_id, &run, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			return error_set(err, ERR_REMOTE, "%s: run %s is gone", dag, run_id);
		state = airflow_run_state(run);
		if (!strcmp(state, "success") || !strcmp(state, "failed")) {
			*ret = run;
			return 0;
		}
		log_debug("%s: run %s is %s", dag, run_id, *state ? state : "in no state");
		json_decref(run);
		if (backoff_sleep(every_ms, -1, err) < 0)
			return -1;
	}
}
