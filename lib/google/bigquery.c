#include "lib/google/bigquery.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/google/url.h"
#include "lib/parse.h"

/* --- paths ---------------------------------------------------------------------------------- */

/* "/projects/P" and then the parts, in turn as they are and escaped, up to NULL. */
static int append_path(struct buf *path, const char *project, const char *const *parts,
		       struct error *err)
{
	if (buf_append_str(path, "/projects/", err) < 0 ||
	    url_append_escaped(path, project, err) < 0)
		return -1;
	for (bool literal = true; *parts; parts++, literal = !literal)
		if ((literal ? buf_append_str(path, *parts, err)
			     : url_append_escaped(path, *parts, err)) < 0)
			return -1;
	return 0;
}

#define PATH(path, project, err, ...) \
	append_path((path), (project), (const char *const[]){ __VA_ARGS__, NULL }, (err))

static int append_location(struct buf *path, const char *location, struct error *err)
{
	if (!location)
		return 0;
	if (buf_append_str(path, "?location=", err) < 0)
		return -1;
	return url_append_escaped(path, location, err);
}

/* What messages call things; cut if need be. */
struct label {
	char text[512];
};

static struct label dataset_label(const char *project, const char *dataset)
{
	struct label l;

	snprintf(l.text, sizeof l.text, "dataset %s:%s", project, dataset);
	return l;
}

static struct label table_label(const struct bigquery_table *t)
{
	struct label l;

	snprintf(l.text, sizeof l.text, "table %s:%s.%s", t->project, t->dataset, t->table);
	return l;
}

static struct label job_label(const struct bigquery_job *job)
{
	struct label l;

	snprintf(l.text, sizeof l.text, "job %s:%s%s%s", job->project,
		 job->location ? job->location : "", job->location ? "." : "", job->id);
	return l;
}

/* --- calling ---------------------------------------------------------------------------------- */

/*
 * The call, with `otherwise` as the status that means
 * 0. On 1 *ret (if ret) is the answer, which must be an object.
 */
static int call(struct api *a, struct api_request *request, struct buf *path, int otherwise,
		json_t **ret, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;

	request->path = buf_cstr(path, err);
	if (!request->path)
		return -1;
	request->expected[0] = otherwise;
	if (api_call(a, request, &response, err) < 0)
		return -1;
	if (response.status >= 400)
		return 0;
	if (!ret)
		return 1;
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object",
				 request->what);
	*ret = json_incref(response.json);
	return 1;
}

int bigquery_dataset_get(struct api *a, const char *project, const char *dataset, json_t **ret,
			 struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = dataset_label(project, dataset);
	struct api_request request = { .what = what.text, .method = "GET" };

	if (PATH(&path, project, err, "/datasets/", dataset) < 0)
		return -1;
	return call(a, &request, &path, 404, ret, err);
}

int bigquery_table_get(struct api *a, const struct bigquery_table *t, json_t **ret,
		       struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = table_label(t);
	struct api_request request = { .what = what.text, .method = "GET" };

	if (PATH(&path, t->project, err, "/datasets/", t->dataset, "/tables/", t->table) < 0)
		return -1;
	return call(a, &request, &path, 404, ret, err);
}

/* The resource with its reference, which names it, put in. New reference; NULL when memory is out. */
static json_t *with_reference(const json_t *resource, const char *name, json_t *reference)
{
	json_t *body = reference ? json_pack("{s:o}", name, reference) : NULL;
	const char *key;
	json_t *value;

	/* Not json_object_update_missing, which does not tell when memory is out. */
	json_object_foreach((json_t *)resource, key, value)
		if (body && json_object_set(body, key, value) < 0) {
			json_decref(body);
			body = NULL;
		}
	return body;
}

int bigquery_dataset_insert(struct api *a, const char *project, const char *dataset,
			    const json_t *resource, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = dataset_label(project, dataset);
	json_t *body =
		with_reference(resource, "datasetReference",
			       json_pack("{s:s, s:s}", "projectId", project, "datasetId", dataset));
	struct api_request request = { .what = what.text, .method = "POST", .body = body };
	int result = body ? -1 : error_nomem(err);

	if (body && PATH(&path, project, err, "/datasets") == 0)
		result = call(a, &request, &path, 409, NULL, err);
	json_decref(body);
	return result;
}

int bigquery_table_insert(struct api *a, const struct bigquery_table *t, const json_t *resource,
			  json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = table_label(t);
	json_t *body = with_reference(resource, "tableReference",
				      json_pack("{s:s, s:s, s:s}", "projectId", t->project,
						"datasetId", t->dataset, "tableId", t->table));
	struct api_request request = { .what = what.text, .method = "POST", .body = body };
	int result = body ? -1 : error_nomem(err);

	if (body && PATH(&path, t->project, err, "/datasets/", t->dataset, "/tables") == 0)
		result = call(a, &request, &path, 409, ret, err);
	json_decref(body);
	return result;
}

int bigquery_table_patch(struct api *a, const struct bigquery_table *t, const json_t *patch,
			 const char *etag, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = table_label(t);
	struct api_request request = {
		.what = what.text, .method = "PATCH", .body = patch, .if_match = etag
	};

	if (PATH(&path, t->project, err, "/datasets/", t->dataset, "/tables/", t->table) < 0)
		return -1;
	return call(a, &request, &path, 412, ret, err);
}

int bigquery_table_delete(struct api *a, const struct bigquery_table *t, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = table_label(t);
	struct api_request request = { .what = what.text, .method = "DELETE" };

	if (PATH(&path, t->project, err, "/datasets/", t->dataset, "/tables/", t->table) < 0)
		return -1;
	return call(a, &request, &path, 404, NULL, err);
}

/* --- jobs ----------------------------------------------------------------------------------------- */

int bigquery_job_get(struct api *a, const struct bigquery_job *job, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = job_label(job);
	struct api_request request = { .what = what.text, .method = "GET" };

	if (PATH(&path, job->project, err, "/jobs/", job->id) < 0 ||
	    append_location(&path, job->location, err) < 0)
		return -1;
	return call(a, &request, &path, 404, ret, err);
}

json_t *bigquery_job_resource(const struct bigquery_job *job, const json_t *configuration,
			      struct error *err)
{
	json_t *resource = json_pack("{s:{s:s, s:s, s:s*}, s:O}", "jobReference", "projectId",
				     job->project, "jobId", job->id, "location", job->location,
				     "configuration", (json_t *)configuration);

	if (!resource)
		error_nomem(err);
	return resource;
}

int bigquery_job_insert(struct api *a, const struct bigquery_job *job, const json_t *configuration,
			json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = job_label(job);
	json_t *body = bigquery_job_resource(job, configuration, err);
	struct api_request request = { .what = what.text, .method = "POST", .body = body };
	int result = -1;

	if (body && PATH(&path, job->project, err, "/jobs") == 0)
		result = call(a, &request, &path, 409, ret, err);
	json_decref(body);
	return result;
}

int bigquery_job_wait(struct api *a, const struct bigquery_job *job, int64_t deadline_ms,
		      json_t **ret, struct error *err)
{
	enum { FIRST_MS = 10, SLOWLY_MS = 320, LONGEST_MS = 5000, UNSEEN_MS = 10000 };
	int64_t delay = FIRST_MS, start = monotonic_ms(), now;
	struct label what = job_label(job);

	for (;;) {
		json_t *found = NULL;
		int got = bigquery_job_get(a, job, &found, err);

		if (got < 0)
			return -1;
		if (got && bigquery_job_outcome(found) != JOB_RUNNING) {
			*ret = found;
			return 0;
		}
		json_decref(found);
		now = monotonic_ms();
		if (!got && now - start > UNSEEN_MS)
			return error_set(err, ERR_REMOTE, "%s: no such job", what.text);
		if (deadline_ms && now >= deadline_ms)
			return error_set(err, ERR_TEMP,
					 "%s: not done within the time allowed; it runs on",
					 what.text);
		if (deadline_ms && now + delay > deadline_ms)
			delay = deadline_ms - now;
		if (backoff_sleep(delay, http_client_cancel_fd(a->client), err) < 0)
			return -1;
		delay = delay < SLOWLY_MS ? delay * 2 : delay * 3 / 2;
		delay = delay < LONGEST_MS ? delay : LONGEST_MS;
	}
}

/* --- reading jobs ------------------------------------------------------------------------------------ */

static bool is_one_of(const char *word, const char *const *words)
{
	for (; word && *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/*
 * DML that gave way to other DML of the same table, in words alone: the reason is that of a wrong statement
 * (BigQuery's "Troubleshoot query errors"). The statement has changed nothing.
 */
static bool gave_way(const char *message)
{
	return message && (strstr(message, "due to concurrent update") ||
			   strstr(message, "Too many DML statements outstanding"));
}

enum bigquery_job_outcome bigquery_job_outcome(const json_t *job)
{
	/* Where BigQuery's own machinery failed, not the job. */
	static const char *const rerun[] = { "backendError",         "internalError",
					     "jobBackendError",      "jobInternalError",
					     "jobRateLimitExceeded", "rateLimitExceeded",
					     "tableUnavailable",     NULL };
	const json_t *status = json_object_get(job, "status");
	const json_t *failure = json_object_get(status, "errorResult");
	const char *state = text(status, "state"), *reason = text(failure, "reason");

	if (!state || strcmp(state, "DONE"))
		return JOB_RUNNING;
	if (!json_is_object(failure))
		return JOB_DONE;
	if (is_one_of(reason, rerun) || gave_way(text(failure, "message")))
		return JOB_RERUN;
	return reason && !strcmp(reason, "quotaExceeded") ? JOB_QUOTA : JOB_FAILED;
}

const char *bigquery_job_location(const json_t *job)
{
	return text(json_object_get(job, "jobReference"), "location");
}

static int failure_code(const json_t *job, const char *reason)
{
	static const char *const invalid[] = { "invalid", "invalidQuery", NULL };
	static const char *const denied[] = { "accessDenied", "responsePolicyDenied", NULL };
	bool is_load = json_object_get(json_object_get(job, "configuration"), "load") != NULL;
	enum bigquery_job_outcome outcome = bigquery_job_outcome(job);

	if (outcome == JOB_RERUN || outcome == JOB_QUOTA || (reason && !strcmp(reason, "stopped")))
		return ERR_TEMP;
	if (is_one_of(reason, denied))
		return ERR_PERM;
	return is_load && is_one_of(reason, invalid) ? ERR_DATA : ERR_REMOTE;
}

/* "message (reason, at location)", on one line. */
static int append_proto(struct buf *out, const json_t *proto, struct error *err)
{
	const char *message = text(proto, "message"), *reason = text(proto, "reason");
	const char *location = text(proto, "location");
	size_t from = out->length;

	if (buf_appendf(out, err, "%s%s%s%s%s%s%s", out->length ? "; " : "",
			message ? message : "failed", reason ? " (" : "", reason ? reason : "",
			reason && location ? ", at " : "", reason && location ? location : "",
			reason ? ")" : "") < 0)
		return -1;
	for (; from < out->length; from++)
		if ((unsigned char)out->data[from] < ' ' || out->data[from] == 0x7f)
			out->data[from] = ' ';
	return 0;
}

static int append_failure(struct buf *out, const json_t *job, struct error *err)
{
	const json_t *status = json_object_get(job, "status");
	const json_t *result = json_object_get(status, "errorResult");
	const json_t *proto;
	size_t index;

	if (append_proto(out, result, err) < 0)
		return -1;
	/* errors repeats errorResult. */
	json_array_foreach(json_object_get(status, "errors"), index, proto)
		if (!json_equal(proto, result) && append_proto(out, proto, err) < 0)
			return -1;
	return 0;
}

int bigquery_job_failure(const json_t *job, const char *what, struct error *err)
{
	auto_buf message = BUF_INIT;
	const char *reason =
		text(json_object_get(json_object_get(job, "status"), "errorResult"), "reason");
	const char *words;

	if (append_failure(&message, job, err) < 0)
		return -1;
	words = buf_cstr(&message, err);
	if (!words)
		return -1;
	return error_set(err, failure_code(job, reason), "%s: %s%s", what, words,
			 bigquery_job_outcome(job) == JOB_QUOTA ? "; wait 10 minutes or more" : "");
}

int64_t bigquery_job_statistic(const json_t *job, const char *section, const char *name)
{
	const json_t *value =
		json_object_get(json_object_get(json_object_get(job, "statistics"), section), name);
	const char *digits = json_string_value(value);
	int64_t number;
	struct error ignored;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (!digits || parse_int64(digits, 0, INT64_MAX, &number, &ignored) < 0)
		return -1;
	return number;
}

/* --- queries ------------------------------------------------------------------------------------------ */

json_t *bigquery_query_configuration(const char *sql, struct error *err)
{
	json_t *configuration =
		json_pack("{s:{s:s, s:b}}", "query", "query", sql, "useLegacySql", 0);

	if (!configuration)
		error_nomem(err);
	return configuration;
}

int bigquery_query(struct api *a, const char *project, const json_t *body, json_t **ret,
		   struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request request = { .what = "query", .method = "POST", .body = body };

	if (PATH(&path, project, err, "/queries") < 0)
		return -1;
	return call(a, &request, &path, 404, ret, err);
}

int bigquery_query_results(struct api *a, const struct bigquery_job *job, int64_t max_results,
			   const char *page_token, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = job_label(job);
	struct api_request request = { .what = what.text, .method = "GET" };

	if (PATH(&path, job->project, err, "/queries/", job->id) < 0 ||
	    buf_appendf(&path, err, "?maxResults=%lld", (long long)max_results) < 0)
		return -1;
	if (job->location && (buf_append_str(&path, "&location=", err) < 0 ||
			      url_append_escaped(&path, job->location, err) < 0))
		return -1;
	if (page_token && (buf_append_str(&path, "&pageToken=", err) < 0 ||
			   url_append_escaped(&path, page_token, err) < 0))
		return -1;
	return call(a, &request, &path, 0, ret, err) < 0 ? -1 : 0;
}
