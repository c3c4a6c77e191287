#include "lib/google/resumable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/google/url.h"

enum {
	CHUNK_STALL_MS = 120 * 1000,
	QUERY_TIMEOUT_MS = 60 * 1000,
};

int64_t resumable_parse_range(const char *range)
{
	const char *p = range;
	int64_t last = 0;

	if (!*range)
		return 0;
	if (!strncasecmp(p, "bytes=", 6))
		p += 6;
	if (strncmp(p, "0-", 2))
		return -1;
	p += 2;
	if (!*p)
		return -1;
	for (; *p; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(last, 10, &last) ||
		    __builtin_add_overflow(last, *p - '0', &last))
			return -1;
	}
	return last < INT64_MAX ? last + 1 : -1;
}

void resumable_release(struct resumable *r)
{
	free(r->what);
	free(r->session);
	json_decref(r->resource);
	*r = (struct resumable){ 0 };
}

/* --- starting ---------------------------------------------------------------------------- */

static bool is_google(const struct url *u)
{
	static const char domain[] = ".googleapis.com";
	size_t n = sizeof domain - 1;

	return u->https && u->host_length > n &&
	       !strncasecmp(u->host + u->host_length - n, domain, n);
}

/* The token goes to the session URI: it must be where the token may go. NULL: not usable. */
static char *accept_location(const struct api *a, const char *location, struct error *err)
{
	struct url there, here;
	struct error ignored;
	char *session = NULL;

	if (*location == '/') {
		if (asprintf(&session, "%s%s", a->endpoint.root, location) < 0)
			error_nomem(err);
		return session;
	}
	if (url_parse(a->endpoint.root, &here, err) < 0)
		return NULL;
	if (url_parse(location, &there, &ignored) < 0 ||
	    (a->endpoint.authenticate && !url_same_origin(&here, &there) && !is_google(&there))) {
		error_set(err, ERR_PROTOCOL,
			  *location ? "the server names an upload session elsewhere"
				    : "the server names no upload session");
		return NULL;
	}
	session = strdup(location);
	if (!session)
		error_nomem(err);
	return session;
}

int resumable_start(struct resumable *r, struct api *api, const struct resumable_options *options,
		    struct error *err)
{
	const struct http_header type = { "X-Upload-Content-Type", options->content_type };
	const struct api_request request = {
		.what = options->what,
		.method = "POST",
		.path = options->path,
		.upload = true,
		.body = options->metadata,
		.headers = &type,
		.header_count = 1,
		.expected = { 409, 412 },
	};
	auto_api_response response = API_RESPONSE_INIT;
	struct resumable started = { .api = api, .state = RESUMABLE_OPEN };

	if (api_call(api, &request, &response, err) < 0)
		return -1;
	if (response.status >= 400) {
		started.state = RESUMABLE_CONFLICT;
		started.error = response.error;
	} else {
		started.session = accept_location(api, response.location, err);
		if (!started.session)
			return error_prefix(err, "%s", options->what);
	}
	started.what = strdup(options->what);
	if (!started.what) {
		free(started.session);
		return error_nomem(err);
	}
	*r = started;
	return 0;
}

/* --- putting ------------------------------------------------------------------------------- */

/* The chunk under way. */
struct chunk {
	const char *data;
	size_t n;
	size_t stored; /* bytes of it that the server has confirmed */
	bool last;
	bool ask;       /* what the server has is unknown: ask before sending */
	uint64_t start; /* of the chunk in the whole upload */
	struct backoff backoff;
};

static void content_range(const struct chunk *c, char *out, size_t size)
{
	uint64_t from = c->start + c->stored, end = c->start + c->n;
	char total[24] = "*";

	if (c->last)
		snprintf(total, sizeof total, "%" PRIu64, end);
	if (c->ask || from == end)
		snprintf(out, size, "bytes */%s", total);
	else
		snprintf(out, size, "bytes %" PRIu64 "-%" PRIu64 "/%s", from, end - 1, total);
}

/* One PUT: the rest of the chunk, or the question how far the server is. */
static int put_once(struct resumable *r, const struct chunk *c, struct http_response *response,
		    struct error *err)
{
	char range[96];
	const struct http_header header = { "Content-Range", range };
	struct http_request request = { .method = "PUT",
					.url = r->session,
					.headers = &header,
					.header_count = 1,
					.stall_timeout_ms = CHUNK_STALL_MS };

	content_range(c, range, sizeof range);
	if (c->ask) {
		request.timeout_ms = QUERY_TIMEOUT_MS;
	} else {
		request.content_type = "application/octet-stream";
		request.body = c->data + c->stored;
		request.body_length = c->n - c->stored;
	}
	return api_attempt(r->api, &request, response, err);
}

/* Wait after a failure that may pass, then ask the server. 0: go on. */
static int wait_and_ask(struct resumable *r, struct chunk *c, int64_t at_least_ms,
			struct error *failure, struct error *err)
{
	if (api_wait(r->api, &c->backoff, at_least_ms, failure) > 0) {
		c->ask = true;
		return 0;
	}
	*err = *failure;
	return -1;
}

/* 308: 1 the chunk is stored whole, 0 go on. */
static int take_range(struct resumable *r, struct chunk *c, const struct http_response *response,
		      struct error *err)
{
	int64_t have = resumable_parse_range(response->range);
	struct error failure;
	size_t stored;
	bool asked = c->ask;

	if (have < 0)
		return error_set(err, ERR_PROTOCOL, "%s: the server's Range header makes no sense",
				 r->what);
	if ((uint64_t)have < c->start + c->stored)
		return error_set(err, ERR_TEMP,
				 "%s: the server lost bytes of the upload (%" PRId64 " of %" PRIu64
				 " are left)",
				 r->what, have, c->start + c->stored);
	if ((uint64_t)have > c->start + c->n)
		return error_set(err, ERR_PROTOCOL, "%s: the server has more bytes than were sent",
				 r->what);
	stored = (size_t)((uint64_t)have - c->start);
	c->ask = false;
	if (stored > c->stored)
		backoff_reset(&c->backoff);
	else if (!asked && !(stored == c->n && !c->last)) {
		error_set(&failure, ERR_TEMP, "%s: the server stored nothing of a chunk", r->what);
		return wait_and_ask(r, c, http_retry_after_ms(response->retry_after), &failure,
				    err);
	}
	c->stored = stored;
	return stored == c->n && !c->last;
}

static int take_resource(struct resumable *r, const struct chunk *c,
			 const struct http_response *response, struct error *err)
{
	json_t *resource;

	if (!c->last)
		return error_set(err, ERR_PROTOCOL, "%s: the server ended an upload that goes on",
				 r->what);
	resource = json_loadb(response->body.data ? response->body.data : "", response->body.length,
			      0, NULL);
	if (!resource)
		return error_set(err, ERR_PROTOCOL, "%s: HTTP %d, but the answer is not JSON",
				 r->what, response->status);
	r->resource = resource;
	r->state = RESUMABLE_DONE;
	return 1;
}

static int take_failure(struct resumable *r, struct chunk *c, const struct http_response *response,
			struct error *err)
{
	struct api_error_info info;
	struct error failure;

	api_error_parse(response, &info);
	switch (api_error_classify(&info)) {
	case API_ERROR_RETRYABLE:
		api_error_set(&info, r->what, &failure);
		return wait_and_ask(r, c, info.retry_after_ms, &failure, err);
	case API_ERROR_CONFLICT:
	case API_ERROR_PRECONDITION:
		if (!c->last)
			break;
		r->error = info;
		r->state = RESUMABLE_CONFLICT;
		return 1;
	case API_ERROR_NOT_FOUND:
		return error_set(err, ERR_TEMP, "%s: the upload session is gone (HTTP %d)", r->what,
				 info.status);
	default:
		break;
	}
	return api_error_set(&info, r->what, err);
}

/* 1: the chunk is done. 0: go on. -1: failed. */
static int step(struct resumable *r, struct chunk *c, struct http_response *response,
		struct error *err)
{
	struct error failure;

	if (put_once(r, c, response, &failure) < 0) {
		error_prefix(&failure, "%s", r->what);
		if (failure.code == ERR_TEMP)
			return wait_and_ask(r, c, 0, &failure, err);
		*err = failure;
		return -1;
	}
	if (response->status == 308)
		return take_range(r, c, response, err);
	if (response->status == 200 || response->status == 201)
		return take_resource(r, c, response, err);
	return take_failure(r, c, response, err);
}

int resumable_put(struct resumable *r, const void *data, size_t n, bool last, struct error *err)
{
	auto_http_response response = HTTP_RESPONSE_INIT;
	struct chunk chunk = { .data = data, .n = n, .last = last, .start = r->offset };
	int done;

	if (r->state != RESUMABLE_OPEN || !r->session || (!last && n % RESUMABLE_CHUNK_UNIT))
		return error_set(err, ERR_BUG, "%s: a chunk that the upload cannot take",
				 r->what ? r->what : "");
	if (n == 0 && !last)
		return 0;
	backoff_init(&chunk.backoff, &r->api->retry);
	do
		done = step(r, &chunk, &response, err);
	while (done == 0);
	if (done < 0)
		return -1;
	r->offset += n;
	return 0;
}

/* --- giving up ------------------------------------------------------------------------------- */

int resumable_cancel(const struct resumable *r, struct api *api, struct error *err)
{
	/* 499 is how it says that it is done. */
	const struct api_request request = { .what = r->what,
					     .method = "DELETE",
					     .path = r->session,
					     .expected = { 499, 404, 410 } };
	auto_api_response response = API_RESPONSE_INIT;

	if (!r->session || r->state != RESUMABLE_OPEN)
		return 0;
	return api_call(api, &request, &response, err);
}
