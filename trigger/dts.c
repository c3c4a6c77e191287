#include "trigger/dts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/url.h"
#include "lib/log.h"

/* The most that the service gives at once. */
#define PAGE "pageSize=1000"
#define STATES "states=PENDING&states=RUNNING&states=SUCCEEDED"

/* The array `member` of a page, and what leads to the next one. */
static int get_page(struct api *api, const char *what, struct buf *path, const char *member,
		    char **page, json_t **ret, struct error *err)
{
	struct api_request q = { .what = what, .method = "GET" };
	auto_api_response r = API_RESPONSE_INIT;
	const char *next;
	json_t *items;

	if (*page && (buf_append_str(path, "&pageToken=", err) < 0 ||
		      url_append_escaped(path, *page, err) < 0))
		return -1;
	q.path = buf_cstr(path, err);
	if (!q.path || api_call(api, &q, &r, err) < 0)
		return -1;
	items = json_object_get(r.json, member);
	if (items && !json_is_array(items))
		return error_set(err, ERR_PROTOCOL, "%s: %s is no array", what, member);
	next = json_string_value(json_object_get(r.json, "nextPageToken"));
	free(*page);
	*page = NULL;
	if (next && *next && !(*page = strdup(next)))
		return error_nomem(err);
	*ret = items ? json_incref(items) : json_array();
	return *ret ? 0 : error_nomem(err);
}

int dts_configs(struct api *api, const char *location, json_t **ret, struct error *err)
{
	json_t *all = json_array(), *some = NULL;
	char *page = NULL;
	int rc = all ? 0 : error_nomem(err);

	do {
		auto_buf path = BUF_INIT_MAX(16384);

		if (rc == 0)
			rc = buf_appendf(&path, err, "/%s/transferConfigs?" PAGE, location);
		if (rc == 0)
			rc = get_page(api, location, &path, "transferConfigs", &page, &some, err);
		if (rc == 0) {
			if (json_array_extend(all, some) < 0)
				rc = error_nomem(err);
			json_decref(some);
		}
	} while (rc == 0 && page);
	free(page);
	if (rc < 0)
		json_decref(all);
	else
		*ret = all;
	return rc;
}

int dts_runs(struct api *api, const char *config, char **page, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT_MAX(16384);

	if (buf_appendf(&path, err, "/%s/runs?" PAGE "&" STATES, config) < 0)
		return -1;
	return get_page(api, config, &path, "transferRuns", page, ret, err);
}

/* 1: an object. 0: 404. */
static int get(struct api *api, const char *name, int missing, json_t **ret, struct error *err)
{
	struct api_request q = { .what = name, .method = "GET", .expected = { missing } };
	auto_api_response r = API_RESPONSE_INIT;
	auto_buf path = BUF_INIT_MAX(4096);

	if (buf_appendf(&path, err, "/%s", name) < 0 || !(q.path = buf_cstr(&path, err)) ||
	    api_call(api, &q, &r, err) < 0)
		return -1;
	if (r.status == missing)
		return 0;
	if (!json_is_object(r.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is no object", name);
	*ret = json_incref(r.json);
	return 1;
}

int dts_config(struct api *api, const char *config, json_t **ret, struct error *err)
{
	return get(api, config, 404, ret, err);
}

int dts_run(struct api *api, const char *run, json_t **ret, struct error *err)
{
	return get(api, run, 0, ret, err) < 0 ? -1 : 0;
}

/* --- starting --------------------------------------------------------------------------------- */

static enum dts_start judge(const struct http_response *response, const char *config,
			    int64_t *wait_ms, struct error *err)
{
	struct api_error_info info;
	bool passes;

	api_error_parse(response, &info);
	api_error_set(&info, config, err);
	*wait_ms = info.retry_after_ms;
	passes = api_error_classify(&info) == API_ERROR_RETRYABLE;
	/* Too many requests: it has not looked at this one. */
	if (passes && (info.status == 429 || info.status == 403 ||
		       !strcmp(info.grpc_status, "RESOURCE_EXHAUSTED")))
		return DTS_LATER;
	/* A server that has failed, or a gateway before it, may have begun with it. */
	return passes || info.status >= 500 ? DTS_UNKNOWN : DTS_REFUSED;
}

/* The runs in an answer of 2xx. */
static enum dts_start take_runs(const struct http_response *response, const char *config,
				json_t **ret, struct error *err)
{
	json_t *answer = json_loadb(response->body.data, response->body.length, 0, NULL);
	json_t *runs = json_object_get(answer, "runs");
	bool good = json_is_array(runs) && json_array_size(runs) > 0;

	if (good)
		*ret = json_incref(runs);
	else
		error_set(err, ERR_PROTOCOL, "%s: runs were started, but the answer has none",
			  config);
	json_decref(answer);
	return good ? DTS_STARTED : DTS_UNKNOWN;
}

enum dts_start dts_start(struct api *api, const char *config, const json_t *when,
			 int64_t timeout_ms, json_t **ret, int64_t *wait_ms, struct error *err)
{
	auto_http_response response = HTTP_RESPONSE_INIT;
	auto_buf url = BUF_INIT_MAX(4096);
	struct http_request q = { .method = "POST",
				  .content_type = "application/json; charset=UTF-8",
				  .fresh = true,
				  .connect_timeout_ms = timeout_ms,
				  .stall_timeout_ms = timeout_ms,
				  .timeout_ms = timeout_ms };
	char *body = json_dumps(when, JSON_COMPACT);
	enum dts_start outcome = DTS_REFUSED;

	*wait_ms = 0;
	if (!body) {
		error_nomem(err);
		return DTS_REFUSED;
	}
	q.body = body;
	q.body_length = strlen(body);
	if (buf_appendf(&url, err, "%s%s/%s:startManualRuns", api->endpoint.root,
			api->endpoint.api_path, config) == 0 &&
	    (q.url = buf_cstr(&url, err))) {
		if (api_attempt(api, &q, &response, err) < 0) {
			error_prefix(err, "%s", config);
			outcome = http_client_was_sent(api->client) ? DTS_UNKNOWN
				  : err->code == ERR_TEMP           ? DTS_LATER
								    : DTS_REFUSED;
		} else if (response.status / 100 == 2) {
			outcome = take_runs(&response, config, ret, err);
		} else {
			outcome = judge(&response, config, wait_ms, err);
		}
	}
	free(body);
	return outcome;
}
