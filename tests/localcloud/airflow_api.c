#include "tests/localcloud/airflow_api.h"

#include "tests/localcloud/airflow.h"
#include "tests/localcloud/auth.h"
#include "tests/localcloud/base64.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool airflow_is_path(const char *path)
{
	return strncmp(path, "/airflow/", 9) == 0;
}

void airflow_error_answer(struct exchange *ex, const struct api_error *err)
{
	const char *detail = err->message[0] ? err->message : NULL;

	if (airflow_major(ex->server->airflow) == 3)
		ex_answer(ex, err->status,
			  json_pack("{s:s}", "detail", detail ? detail : err->reason));
	else
		ex_answer(ex, err->status,
			  json_pack("{s:s?, s:i, s:s, s:s}", "detail", detail, "status",
				    err->status, "title", err->reason, "type",
				    "https://airflow.apache.org/docs/apache-airflow/2.10.5/"
				    "stable-rest-api-ref.html"));
	if (airflow_major(ex->server->airflow) == 2)
		ex->content_type = "application/problem+json";
}

/* --- control -------------------------------------------------------------------------------------------------- */

int airflow_control_put(struct exchange *ex, struct api_error *err)
{
	json_t *config = ex_json(ex, err);
	int rc = config ? airflow_configure(ex->server->airflow, config, err) : -1;

	json_decref(config);
	if (rc == 0)
		ex_answer(ex, 200, airflow_config(ex->server->airflow));
	return rc;
}

int airflow_control_get(struct exchange *ex, struct api_error *err)
{
	(void)err;
	ex_answer(ex, 200, airflow_config(ex->server->airflow));
	return 0;
}

/* --- who asks ------------------------------------------------------------------------------------------------- */

/* The API that the path names, if this version of Airflow has it: 1 or 2. 404. */
static int api_of(struct exchange *ex, struct api_error *err)
{
	int major = airflow_major(ex->server->airflow);

	if (strcmp(ex->param[0], "v1") == 0 && major == 2)
		return 1;
	if (strcmp(ex->param[0], "v2") == 0 && major == 3)
		return 2;
	return api_fail(err, 404, "Not Found", "%s",
			major == 2 ? "The requested URL was not found on the server."
				   : "Not Found");
}

static enum airflow_role role_of_basic(struct exchange *ex, const char *encoded)
{
	struct airflow *a = ex->server->airflow;
	enum airflow_role role = AIRFLOW_NOBODY;
	struct buf pair = BUF_INIT;
	struct error ignored;
	const char *text;
	char *colon;

	if (base64_decode(encoded, strlen(encoded), false, &pair) == 0 &&
	    (text = buf_cstr(&pair, &ignored)) != NULL) {
		colon = memchr(pair.data, ':', pair.length);
		if (colon) {
			*colon = '\0';
			role = airflow_role_of_password(a, text, colon + 1);
		}
	}
	buf_release(&pair);
	return role;
}

/* Passwords are for v1, tokens of /auth/token for v2, Google's (in Composer) for both. */
static enum airflow_role role_of(struct exchange *ex, int api)
{
	const char *given = ex_header(ex, "Authorization");
	struct api_error ignored;

	if (given && strncasecmp(given, "Basic ", 6) == 0)
		return api == 1 ? role_of_basic(ex, given + 6) : AIRFLOW_NOBODY;
	if (given && auth_check(ex->server->auth, given, &ignored) == 0)
		return AIRFLOW_OP;
	if (given && strncasecmp(given, "Bearer ", 7) == 0 && api == 2)
		return airflow_role_of_token(ex->server->airflow, given + 7);
	return AIRFLOW_NOBODY;
}

/* The API's version, for whoever has at least that role; or 401, 403. */
static int enter(struct exchange *ex, enum airflow_role needed, struct api_error *err)
{
	int api = api_of(ex, err);
	enum airflow_role role;

	if (api < 0)
		return -1;
	role = role_of(ex, api);
	if (role == AIRFLOW_NOBODY)
		return api_fail(err, 401, "Unauthorized", "%s",
				api == 1 ? "" : "Not authenticated");
	if (role < needed)
		return api_fail(err, 403, "Forbidden", "%s", api == 1 ? "" : "Forbidden");
	return api;
}

int airflow_token_post(struct exchange *ex, struct api_error *err)
{
	struct airflow *a = ex->server->airflow;
	json_t *body;
	char *token;

	if (airflow_major(a) != 3)
		return api_fail(err, 404, "Not Found",
				"The requested URL was not found on the server.");
	body = ex_json(ex, err);
	if (!body)
		return -1;
	if (airflow_role_of_password(a, ju_string(body, "username", ""),
				     ju_string(body, "password", "")) == AIRFLOW_NOBODY) {
		json_decref(body);
		return api_fail(err, 401, "Unauthorized", "Invalid credentials");
	}
	token = airflow_token_new(a, ju_string(body, "username", ""));
	json_decref(body);
	ex_answer(ex, 201, json_pack("{s:s?}", "access_token", token));
	free(token);
	return 0;
}

/* --- methods -------------------------------------------------------------------------------------------------- */

static int answer(struct exchange *ex, json_t *json)
{
	if (!json)
		return -1;
	ex_answer(ex, 200, json);
	return 0;
}

int airflow_version_get(struct exchange *ex, struct api_error *err)
{
	char version[32];

	if (api_of(ex, err) < 0)
		return -1;
	airflow_version(ex->server->airflow, version, sizeof(version));
	return answer(ex, json_pack("{s:s, s:n}", "version", version, "git_version"));
}

int airflow_dags_get(struct exchange *ex, struct api_error *err)
{
	int api = enter(ex, AIRFLOW_VIEWER, err);

	return api < 0 ? -1 : answer(ex, airflow_dag(ex->server->airflow, api, ex->param[1], err));
}

int airflow_dags_patch(struct exchange *ex, struct api_error *err)
{
	int api = enter(ex, AIRFLOW_OP, err);
	json_t *body = api < 0 ? NULL : ex_json(ex, err);
	int rc = -1;

	if (!body)
		return -1;
	if (!json_is_boolean(json_object_get(body, "is_paused")))
		api_fail(err, api == 1 ? 400 : 422, "Bad Request", "is_paused is missing");
	else
		rc = airflow_dag_pause(ex->server->airflow, ex->param[1],
				       json_is_true(json_object_get(body, "is_paused")), err);
	json_decref(body);
	return rc < 0 ? -1 : answer(ex, airflow_dag(ex->server->airflow, api, ex->param[1], err));
}

int airflow_runs_list(struct exchange *ex, struct api_error *err)
{
	int api = enter(ex, AIRFLOW_VIEWER, err);

	return api < 0 ? -1 : answer(ex, airflow_runs(ex->server->airflow, api, ex->param[1], err));
}

int airflow_runs_get(struct exchange *ex, struct api_error *err)
{
	int api = enter(ex, AIRFLOW_VIEWER, err);

	return api < 0 ? -1
		       : answer(ex, airflow_run(ex->server->airflow, api, ex->param[1],
						ex->param[2], err));
}

static bool is_run_id(const char *id)
{
	/* [scheduler] allowed_run_id_pattern */
	return *id &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.~:+-") ==
		       strlen(id);
}

static int check_member(const char *key, const json_t *value, struct api_error *err)
{
	static const char *const known[] = { "dag_run_id", "logical_date", "execution_date",
					     "conf",       "note",         NULL };
	bool is_conf = strcmp(key, "conf") == 0;

	if (!ju_in(key, known))
		return api_fail(err, 400, "Bad Request", "{'%s': ['Unknown field.']}", key);
	if (json_is_null(value) || (is_conf ? json_is_object(value) : json_is_string(value)))
		return 0;
	return api_fail(err, 400, "Bad Request", "{'%s': ['Not a valid %s.']}", key,
			is_conf ? "mapping type" : "string");
}

/* v2 answers 422 with a list; and it wants logical_date, be it null. */
static int check_body(const json_t *body, int api, struct api_error *err)
{
	const char *key, *id = ju_string(body, "dag_run_id", NULL);
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)body, key, value) {
		rc = check_member(key, value, err);
		if (rc)
			break;
	}
	if (rc == 0 && api == 2 &&
	    (json_object_get(body, "execution_date") || !json_object_get(body, "logical_date")))
		rc = api_fail(err, 422, "Unprocessable", "%s",
			      json_object_get(body, "logical_date")
				      ? "Extra inputs are not permitted"
				      : "Field required");
	if (rc && api == 2)
		err->status = 422;
	if (rc == 0 && id && !is_run_id(id))
		rc = api_fail(err, 400, "Bad Request",
			      "The run_id provided '%s' does not match regex pattern", id);
	return rc;
}

int airflow_runs_post(struct exchange *ex, struct api_error *err)
{
	int api = enter(ex, AIRFLOW_OP, err);
	json_t *body = api < 0 ? NULL : ex_json(ex, err);
	json_t *run = NULL;

	if (body && check_body(body, api, err) == 0)
		run = airflow_run_new(ex->server->airflow, api, ex->param[1], body, err);
	json_decref(body);
	return answer(ex, run);
}

/* --- Composer ------------------------------------------------------------------------------------------------- */

int composer_environments_get(struct exchange *ex, struct api_error *err)
{
	char name[512], state[32], version[32], root[512], uri[600];
	bool there;

	snprintf(name, sizeof(name), "projects/%s/locations/%s/environments/%s", ex->param[0],
		 ex->param[1], ex->param[2]);
	airflow_environment(ex->server->airflow, name, state, sizeof(state));
	if (!state[0])
		return api_fail(err, 404, "NOT_FOUND", "Requested entity was not found.");
	/* It has an address once it has been made. */
	there = strcmp(state, "CREATING") != 0;
	snprintf(uri, sizeof(uri), "%s/airflow", ex_root(ex, root, sizeof(root)));
	airflow_version(ex->server->airflow, version, sizeof(version));
	ex_answer(ex, 200,
		  json_pack("{s:s, s:s, s:{s:s*, s:{s:o}}}", "name", name, "state", state, "config",
			    "airflowUri", there ? uri : NULL, "softwareConfig", "imageVersion",
			    json_sprintf("composer-3-airflow-%s", version)));
	return 0;
}
