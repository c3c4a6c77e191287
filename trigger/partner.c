#include "trigger/partner.h"

#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/url.h"
#include "lib/rowstream.h"

/* --- data source definitions ---------------------------------------------------------------- */

/* Call, and take the answer, which must be an object. A 404 is ERR_NOINPUT. */
static int call(struct api *a, const struct api_request *request, json_t **ret, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request expecting = *request;

	expecting.expected[0] = 404;
	if (api_call(a, &expecting, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return error_set(err, ERR_NOINPUT, "%s: %s", request->what, response.error.message);
	if (!ret)
		return 0;
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object",
				 request->what);
	*ret = json_incref(response.json);
	return 0;
}

/* "PARENT/dataSourceDefinitions/ID" of the definition. */
static const char *append_source(struct buf *name, const char *parent, const json_t *definition,
				 struct error *err)
{
	const json_t *source = json_object_get(definition, "dataSource");
	const char *id = json_string_value(json_object_get(source, "dataSourceId"));

	if (buf_appendf(name, err, "%s/dataSourceDefinitions/%s", parent, id ? id : "") < 0)
		return NULL;
	return buf_cstr(name, err);
}

int partner_source_create(struct api *a, const char *parent, const json_t *definition, json_t **ret,
			  struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	auto_buf path = BUF_INIT, name = BUF_INIT;
	struct api_request request = { .method = "POST", .body = definition, .expected = { 409 } };

	request.what = append_source(&name, parent, definition, err);
	if (!request.what || buf_appendf(&path, err, "/%s/dataSourceDefinitions", parent) < 0)
		return -1;
	request.path = buf_cstr(&path, err);
	if (!request.path || api_call(a, &request, &response, err) < 0)
		return -1;
	/* An answer that was lost: it is ours. */
	if (response.status == 409 && response.repeated)
		return partner_source_get(a, request.what, ret, err);
	if (response.status == 409)
		return api_error_set(&response.error, request.what, err);
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object",
				 request.what);
	*ret = json_incref(response.json);
	return 0;
}

int partner_source_list(struct api *a, const char *parent, int64_t page_size,
			const char *page_token, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request request = { .what = parent, .method = "GET" };

	if (buf_appendf(&path, err, "/%s/dataSourceDefinitions", parent) < 0 ||
	    (page_size > 0 && buf_appendf(&path, err, "?pageSize=%lld", (long long)page_size) < 0))
		return -1;
	if (page_token && (buf_appendf(&path, err, "%cpageToken=", page_size > 0 ? '&' : '?') < 0 ||
			   url_append_escaped(&path, page_token, err) < 0))
		return -1;
	request.path = buf_cstr(&path, err);
	return request.path ? call(a, &request, ret, err) : -1;
}

static int call_named(struct api *a, const char *method, const char *name, json_t **ret,
		      struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request request = { .what = name, .method = method };

	if (buf_appendf(&path, err, "/%s", name) < 0)
		return -1;
	request.path = buf_cstr(&path, err);
	return request.path ? call(a, &request, ret, err) : -1;
}

int partner_source_get(struct api *a, const char *name, json_t **ret, struct error *err)
{
	return call_named(a, "GET", name, ret, err);
}

int partner_source_delete(struct api *a, const char *name, struct error *err)
{
	return call_named(a, "DELETE", name, NULL, err);
}

int partner_source_patch(struct api *a, const char *name, const json_t *definition,
			 const char *mask, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request request = { .what = name, .method = "PATCH", .body = definition };

	if (buf_appendf(&path, err, "/%s?updateMask=", name) < 0 ||
	    url_append_escaped(&path, mask, err) < 0)
		return -1;
	request.path = buf_cstr(&path, err);
	return request.path ? call(a, &request, ret, err) : -1;
}

/* --- runs ----------------------------------------------------------------------------------- */

/* "/RUNsuffix" as the path of the request; 0 for 404, else 1 with the answer in response. */
static int call_run(struct api *a, struct api_request *request, const char *run, const char *suffix,
		    struct api_response *response, struct error *err)
{
	auto_buf path = BUF_INIT;

	request->what = run;
	request->expected[0] = 404;
	if (buf_appendf(&path, err, "/%s%s", run, suffix) < 0 ||
	    !(request->path = buf_cstr(&path, err)) || api_call(a, request, response, err) < 0)
		return -1;
	return response->status == 404 ? 0 : 1;
}

int partner_run_get(struct api *a, const char *run, json_t **ret, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request request = { .method = "GET" };
	int rc = call_run(a, &request, run, "", &response, err);

	if (rc > 0 && !json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object", run);
	if (rc > 0)
		*ret = json_incref(response.json);
	return rc;
}

/* google.rpc.Code of a failure. */
static int rpc_code(const struct error *failure)
{
	switch (failure->code) {
	case ERR_DATA:
	case ERR_USAGE:
		return 3; /* INVALID_ARGUMENT */
	case ERR_NOINPUT:
		return 5; /* NOT_FOUND */
	case ERR_PERM:
		return 7; /* PERMISSION_DENIED */
	case ERR_TEMP:
		return 14; /* UNAVAILABLE */
	case ERR_REMOTE:
	case ERR_CONFIG:
		return 9; /* FAILED_PRECONDITION */
	default:
		return 13; /* INTERNAL */
	}
}

int partner_run_patch(struct api *a, const char *run, const char *state,
		      const struct error *failure, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request request = { .method = "PATCH" };
	json_t *body = json_pack("{s:s}", "state", state);
	int rc;

	if (failure)
		json_object_set_new(body, "errorStatus",
				    json_pack("{s:i,s:o}", "code", rpc_code(failure), "message",
					      rowstream_reason(failure->message)));
	request.body = body;
	rc = call_run(a, &request, run,
		      failure ? "?updateMask=state,errorStatus" : "?updateMask=state", &response,
		      err);
	json_decref(body);
	return rc;
}

int partner_run_log(struct api *a, const char *run, const json_t *messages, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	json_t *body = json_pack("{s:O}", "transferMessages", messages);
	/* A line that stands there twice is better than one that is lost. */
	struct api_request request = { .method = "POST", .body = body };
	int rc = call_run(a, &request, run, ":logMessages", &response, err);

	json_decref(body);
	return rc;
}

int partner_run_start_jobs(struct api *a, const char *run, const json_t *request, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request call = {
		.method = "POST", .body = request, .once = true, .expected = { 0, 400 }
	};
	int rc = call_run(a, &call, run, ":startBigQueryJobs", &response, err);

	if (rc <= 0 || response.status != 400)
		return rc;
	if (strcmp(response.error.grpc_status, "FAILED_PRECONDITION") != 0)
		return api_error_set(&response.error, run, err);
	return 2;
}

int partner_run_finish(struct api *a, const char *run, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	json_t *body = json_object();
	struct api_request request = { .method = "POST", .body = body, .expected = { 0, 400 } };
	int rc = call_run(a, &request, run, ":finishRun", &response, err);

	json_decref(body);
	if (rc > 0 && response.status == 400 &&
	    strcmp(response.error.grpc_status, "FAILED_PRECONDITION") != 0)
		return api_error_set(&response.error, run, err);
	return rc;
}

/* Adds the names of jobs that a page of the log has to the set. */
static int note_jobs(const json_t *page, json_t *jobs, struct error *err)
{
	json_t *message;
	size_t i;

	json_array_foreach(json_object_get(page, "transferMessages"), i, message) {
		const char *text = json_string_value(json_object_get(message, "messageText"));
		char name[256];

		if (!text || strncmp(text, PARTNER_JOB_LINE, strlen(PARTNER_JOB_LINE)) != 0)
			continue;
		text += strlen("Job ");
		snprintf(name, sizeof name, "%.*s", (int)strcspn(text, " "), text);
		if (json_object_set_new(jobs, name, json_true()) < 0)
			return error_nomem(err);
	}
	return 0;
}

/* All pages of the log. 0: there is no such run. */
static int gather_jobs(struct api *a, const char *run, json_t *jobs, struct error *err)
{
	auto_buf suffix = BUF_INIT;
	const char *token;

	if (buf_append_str(&suffix, "/transferLogs", err) < 0)
		return -1;
	do {
		auto_api_response response = API_RESPONSE_INIT;
		struct api_request request = { .method = "GET" };
		const char *last = buf_cstr(&suffix, err);
		int rc = last ? call_run(a, &request, run, last, &response, err) : -1;

		if (rc <= 0)
			return rc;
		if (note_jobs(response.json, jobs, err) < 0)
			return -1;
		token = json_string_value(json_object_get(response.json, "nextPageToken"));
		buf_clear(&suffix);
		if (token && *token &&
		    (buf_append_str(&suffix, "/transferLogs?pageToken=", err) < 0 ||
		     url_append_escaped(&suffix, token, err) < 0))
			return -1;
	} while (suffix.length > 0);
	return 1;
}

int partner_run_count_jobs(struct api *a, const char *run, size_t *ret, struct error *err)
{
	json_t *jobs = json_object();
	int rc = jobs ? gather_jobs(a, run, jobs, err) : error_nomem(err);

	if (rc > 0)
		*ret = json_object_size(jobs);
	json_decref(jobs);
	return rc;
}
