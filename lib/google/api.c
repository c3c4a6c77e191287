#include "lib/google/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

enum {
	ATTEMPT_TIMEOUT_MS = 5 * 60 * 1000,
	HEADERS_MAX = 8,
	URL_MAX_BYTES = 16 * 1024,
};

int api_open_at(struct api *a, const struct endpoint *endpoint, bool authenticate,
		const struct api_options *options, struct error *err)
{
	*a = (struct api){ .endpoint = *endpoint, .retry = options->retry };
	a->endpoint.authenticate = authenticate;
	if (http_client_new(&a->client, err) < 0 ||
	    (authenticate &&
	     credentials_load(options->credentials_file, a->client, &a->credentials, err) < 0)) {
		api_close(a);
		return -1;
	}
	token_init(&a->token, &a->credentials, a->client);
	return 0;
}

int api_open(struct api *a, const struct api_options *options, struct error *err)
{
	struct endpoint endpoint;

	*a = (struct api){ .client = NULL };
	if (endpoint_resolve(options->service, options->endpoints, options->credentials_file,
			     &endpoint, err) < 0)
		return -1;
	return api_open_at(a, &endpoint, endpoint.authenticate, options, err);
}

void api_close(struct api *a)
{
	token_release(&a->token);
	credentials_release(&a->credentials);
	http_client_free(a->client);
	a->client = NULL;
}

void api_cancel(struct api *a)
{
	http_client_cancel(a->client);
}

int api_project(struct api *a, const char *option, char **ret, struct error *err)
{
	return credentials_project(&a->credentials, a->client, option, ret, err);
}

void api_response_release(struct api_response *r)
{
	json_decref(r->json);
	r->json = NULL;
}

/* --- one attempt ------------------------------------------------------------------------- */

/* *sent: the server may have seen the request itself, not only the one for a token. */
static int send_once(struct api *a, const struct http_request *request, struct http_response *ret,
		     bool *sent, struct error *err)
{
	struct http_request q = *request;
	struct http_header headers[HEADERS_MAX + 1];

	*sent = false;
	if (token_get(&a->token, &q.bearer, err) < 0)
		return -1;
	if (q.header_count > HEADERS_MAX)
		return error_set(err, ERR_BUG, "too many headers");
	if (q.header_count && request->headers)
		memcpy(headers, request->headers, q.header_count * sizeof *headers);
	if (a->credentials.quota_project)
		headers[q.header_count++] =
			(struct http_header){ "x-goog-user-project", a->credentials.quota_project };
	q.headers = headers;
	if (http_perform(a->client, &q, ret, err) == 0) {
		*sent = true;
		return 0;
	}
	*sent = http_client_was_sent(a->client);
	return -1;
}

static int attempt(struct api *a, const struct http_request *request, struct http_response *ret,
		   bool *sent, struct error *err)
{
	if (send_once(a, request, ret, sent, err) < 0)
		return -1;
	if (ret->status != 401 || a->credentials.type == CREDENTIALS_NONE)
		return 0;
	log_debug("the access token was not accepted; fetching a new one");
	token_invalidate(&a->token);
	return send_once(a, request, ret, sent, err);
}

int api_attempt(struct api *a, const struct http_request *request, struct http_response *ret,
		struct error *err)
{
	bool sent;

	return attempt(a, request, ret, &sent, err);
}

/* --- a call ---------------------------------------------------------------------------------- */

static bool is_expected(const struct api_request *q, int status)
{
	for (size_t i = 0; i < API_EXPECTED_MAX && q->expected[i]; i++)
		if (q->expected[i] == status)
			return true;
	return false;
}

/* Did the server say that it did nothing? Only then may a request that is not idempotent go again. */
static bool refused_untouched(const struct api_error_info *info)
{
	return info->status == 429 || info->status == 403 ||
	       !strcmp(info->grpc_status, "RESOURCE_EXHAUSTED");
}

/* What is sent, the same for every attempt. */
struct prepared {
	struct buf url;
	char *body;
	struct http_header headers[HEADERS_MAX];
	struct http_request http;
};

static void prepared_release(struct prepared *p)
{
	buf_release(&p->url);
	free(p->body);
}

static int prepare(const struct api *a, const struct api_request *q, struct prepared *p,
		   struct error *err)
{
	const char *base = q->upload ? a->endpoint.upload_path : a->endpoint.api_path;
	bool whole = *q->path != '/';

	*p = (struct prepared){ .url = BUF_INIT_MAX(URL_MAX_BYTES) };
	if (!base || q->header_count + 1 > HEADERS_MAX)
		return error_set(err, ERR_BUG, "%s: no such base path, or too many headers",
				 q->what);
	if (buf_appendf(&p->url, err, "%s%s%s", whole ? "" : a->endpoint.root, whole ? "" : base,
			q->path) < 0)
		return -1;
	p->http = (struct http_request){ .method = q->method,
					 .headers = p->headers,
					 .fresh = q->once,
					 .header_count = q->header_count,
					 .timeout_ms = q->timeout_ms   ? q->timeout_ms
						       : a->timeout_ms ? a->timeout_ms
								       : ATTEMPT_TIMEOUT_MS };
	p->http.stall_timeout_ms = p->http.timeout_ms;
	p->http.url = buf_cstr(&p->url, err);
	if (!p->http.url)
		return -1;
	if (q->header_count)
		memcpy(p->headers, q->headers, q->header_count * sizeof *p->headers);
	if (q->if_match)
		p->headers[p->http.header_count++] =
			(struct http_header){ "If-Match", q->if_match };
	if (!q->body)
		return 0;
	p->body = json_dumps(q->body, JSON_COMPACT);
	if (!p->body)
		return error_nomem(err);
	p->http.body = p->body;
	p->http.body_length = strlen(p->body);
	p->http.content_type = "application/json; charset=UTF-8";
	return 0;
}

/* An answer that is no failure: into ret, which nothing can make fail afterwards. */
static int accept_answer(const struct api_request *q, const struct http_response *response,
			 struct api_response *ret, struct error *err)
{
	json_t *json = NULL;

	if (response->status < 300 && q->content) {
		if (buf_append(q->content, response->body.data, response->body.length, err) < 0)
			return error_prefix(err, "%s", q->what);
	} else if (response->status < 300 && response->body.length) {
		json = json_loadb(response->body.data, response->body.length, JSON_DECODE_ANY,
				  NULL);
		if (!json)
			return error_set(err, ERR_PROTOCOL,
					 "%s: HTTP %d, but the answer is not JSON", q->what,
					 response->status);
	}
	ret->status = response->status;
	ret->json = json;
	memcpy(ret->location, response->location, sizeof ret->location);
	memcpy(ret->etag, response->etag, sizeof ret->etag);
	if (response->status >= 400)
		api_error_parse(response, &ret->error);
	return 0;
}

int api_wait(struct api *a, struct backoff *backoff, int64_t at_least_ms, struct error *failure)
{
	struct error interrupted;
	int waited;

	/* Not a failure to be reported: somebody wanted it. */
	if (http_client_is_cancelled(a->client))
		return -1;
	log_warn("%s; trying again (attempt %u failed)", failure->message, backoff->waits + 1);
	waited = backoff_wait(backoff, at_least_ms, http_client_cancel_fd(a->client), &interrupted);
	if (waited < 0)
		*failure = interrupted;
	return waited;
}

/* What became of one attempt. */
struct verdict {
	bool answered;       /* 2xx or an expected status: the call is over */
	bool again;          /* a failure that may pass */
	bool touched;        /* the server may have acted */
	int64_t at_least_ms; /* before the next attempt */
	struct error failure;
};

static void attempt_and_judge(struct api *a, const struct api_request *q,
			      const struct http_request *http, struct http_response *response,
			      struct verdict *ret)
{
	struct api_error_info info;
	bool sent;

	*ret = (struct verdict){ .answered = false };
	if (attempt(a, http, response, &sent, &ret->failure) < 0) {
		ret->touched = sent;
		ret->again = ret->failure.code == ERR_TEMP && !(q->once && sent);
		error_prefix(&ret->failure, "%s", q->what);
		return;
	}
	if (response->status / 100 == 2 || is_expected(q, response->status)) {
		ret->answered = true;
		return;
	}
	api_error_parse(response, &info);
	api_error_set(&info, q->what, &ret->failure);
	ret->touched = !refused_untouched(&info);
	ret->again = api_error_classify(&info) == API_ERROR_RETRYABLE && !(q->once && ret->touched);
	ret->at_least_ms = info.retry_after_ms;
}

int api_call(struct api *a, const struct api_request *request, struct api_response *ret,
	     struct error *err)
{
	auto_http_response response = HTTP_RESPONSE_INIT;
	struct backoff backoff;
	struct prepared p;
	struct verdict verdict;
	bool repeated = false;
	int result = -1;

	backoff_init(&backoff, &a->retry);
	if (prepare(a, request, &p, err) < 0)
		goto out;
	for (;;) {
		attempt_and_judge(a, request, &p.http, &response, &verdict);
		if (verdict.answered)
			break;
		repeated = repeated || verdict.touched;
		if (!verdict.again ||
		    api_wait(a, &backoff, verdict.at_least_ms, &verdict.failure) <= 0) {
			*err = verdict.failure;
			goto out;
		}
	}
	result = accept_answer(request, &response, ret, err);
	if (result == 0)
		ret->repeated = repeated;
out:
	prepared_release(&p);
	return result;
}
