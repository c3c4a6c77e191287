#include "lib/google/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/google/url.h"
#include "lib/io.h"

enum {
	CONNECT_TIMEOUT_MS = 10 * 1000,
	STALL_TIMEOUT_MS = 60 * 1000,
	/* On loopback in chunks of 16 MiB: 64 KiB gave 1.7, 512 KiB 2.6, 2 MiB 3.0 GB/s. */
	UPLOAD_BUFFER = 512 * 1024,
	KEPT_CONNECTIONS = 4,
};

struct http_client {
	CURLM *multi;
	CURL *easy;
	int cancel_fd; /* an eventfd that is never read: once cancelled, always */
	atomic_bool cancelled;
	bool sent;
};

/* One request under way: what the callbacks need. */
struct transfer {
	struct http_response *response;
	const char *body; /* what of the request's body is still to be sent */
	size_t body_left;
	struct error *err;
	bool failed; /* a callback has filled err */
};

static CURLcode global_result;

static void global_init(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_client_new(struct http_client **ret, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *c;

	pthread_once(&once, global_init);
	if (global_result != CURLE_OK)
		return error_set(err, ERR_OS, "libcurl: %s", curl_easy_strerror(global_result));
	c = calloc(1, sizeof *c);
	if (!c)
		return error_nomem(err);
	c->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->multi = curl_multi_init();
	c->easy = curl_easy_init();
	if (c->cancel_fd < 0 || !c->multi || !c->easy) {
		if (c->cancel_fd < 0)
			error_set_errno(err, ERR_OS, "eventfd");
		else
			error_nomem(err);
		http_client_free(c);
		return -1;
	}
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	*ret = c;
	return 0;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->easy);
	curl_multi_cleanup(c->multi);
	io_close_fd(&c->cancel_fd);
	free(c);
}

void http_client_cancel(struct http_client *c)
{
	uint64_t one = 1;

	atomic_store(&c->cancelled, true);
	/* It can only fail when the counter is full, and then it is readable. */
	if (write(c->cancel_fd, &one, sizeof one) < 0)
		return;
}

bool http_client_is_cancelled(struct http_client *c)
{
	return atomic_load(&c->cancelled);
}

int http_client_cancel_fd(const struct http_client *c)
{
	return c->cancel_fd;
}

bool http_client_was_sent(const struct http_client *c)
{
	return c->sent;
}

void http_response_release(struct http_response *r)
{
	buf_release(&r->body);
}

int64_t http_retry_after_ms(const char *value)
{
	size_t digits = strspn(value, "0123456789");
	int64_t seconds = 0;
	time_t when;

	if (digits && !value[digits]) {
		for (; *value && seconds < INT32_MAX; value++)
			seconds = seconds * 10 + (*value - '0');
		return seconds * 1000;
	}
	when = *value ? curl_getdate(value, NULL) : -1;
	seconds = when > 0 ? (int64_t)when - (int64_t)time(NULL) : 0;
	return seconds > 0 ? seconds * 1000 : 0;
}

/* --- callbacks -------------------------------------------------------------- */

static size_t on_upload(char *out, size_t size, size_t count, void *user)
{
	struct transfer *t = user;
	size_t n = size * count < t->body_left ? size * count : t->body_left;

	memcpy(out, t->body, n);
	t->body += n;
	t->body_left -= n;
	return n;
}

/*
 * When a kept connection turns out to be dead, libcurl sends the request again
 * by itself. Not once bytes of the body have gone out: the server may have
 * acted on them, so that is for the callers to judge.
 */
static int on_rewind(void *user, curl_off_t offset, int origin)
{
	(void)user, (void)offset, (void)origin;
	return CURL_SEEKFUNC_FAIL;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
	struct transfer *t = user;
	size_t n = size * count;

	if (buf_append(&t->response->body, data, n, t->err) == 0)
		return n;
	t->failed = true;
	if (t->err->code == ERR_DATA)
		error_set(t->err, ERR_PROTOCOL, "the answer is larger than %d bytes",
			  HTTP_BODY_MAX);
	return 0;
}

/* If line is "name: value", put the value into out, or "" when it does not fit. */
static bool take_header(const char *line, size_t n, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);

	if (n <= length || line[length] != ':' || strncasecmp(line, name, length))
		return false;
	line += length + 1;
	n -= length + 1;
	while (n && (*line == ' ' || *line == '\t'))
		line++, n--;
	while (n && strchr(" \t\r\n", line[n - 1]))
		n--;
	if (n >= size || memchr(line, '\0', n))
		n = 0;
	memcpy(out, line, n);
	out[n] = '\0';
	return true;
}

static void clear_headers(struct http_response *r)
{
	r->location[0] = r->range[0] = r->retry_after[0] = '\0';
	r->etag[0] = r->content_type[0] = r->metadata_flavor[0] = '\0';
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
	struct http_response *r = ((struct transfer *)user)->response;
	size_t n = size * count;

	/* A status line begins the headers anew: 1xx answers come before the real one. */
	if (n > 5 && !strncasecmp(line, "HTTP/", 5)) {
		clear_headers(r);
		return n;
	}
	(void)(take_header(line, n, "Location", r->location, sizeof r->location) ||
	       take_header(line, n, "Range", r->range, sizeof r->range) ||
	       take_header(line, n, "Retry-After", r->retry_after, sizeof r->retry_after) ||
	       take_header(line, n, "ETag", r->etag, sizeof r->etag) ||
	       take_header(line, n, "Content-Type", r->content_type, sizeof r->content_type) ||
	       take_header(line, n, "Metadata-Flavor", r->metadata_flavor,
			   sizeof r->metadata_flavor));
	return n;
}

/* --- setting up --------------------------------------------------------------- */

static int add_header(struct curl_slist **list, const char *name, const char *value,
		      struct error *err)
{
	auto_buf line = BUF_INIT;
	struct curl_slist *longer;
	const char *text;

	if (strpbrk(value, "\r\n"))
		return error_set(err, ERR_BUG, "the value of header %s has a line end", name);
	/* For curl "Name:" takes a header away. */
	if (buf_appendf(&line, err, *value ? "%s: %s" : "%s:", name, value) < 0)
		return -1;
	text = buf_cstr(&line, err);
	if (!text)
		return -1;
	longer = curl_slist_append(*list, text);
	explicit_bzero(line.data, line.length);
	if (!longer)
		return error_nomem(err);
	*list = longer;
	return 0;
}

static void free_headers(struct curl_slist *list)
{
	for (struct curl_slist *h = list; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data)); /* Authorization is among them */
	curl_slist_free_all(list);
}

static int make_headers(const struct http_request *q, struct curl_slist **list, struct error *err)
{
	auto_buf bearer = BUF_INIT;
	const char *text;
	int result;

	if (add_header(list, "Expect", "", err) < 0 ||
	    add_header(list, "Content-Type", q->content_type ? q->content_type : "", err) < 0)
		return -1;
	for (size_t i = 0; i < q->header_count; i++)
		if (add_header(list, q->headers[i].name, q->headers[i].value, err) < 0)
			return -1;
	if (!q->bearer)
		return 0;
	if (buf_appendf(&bearer, err, "Bearer %s", q->bearer) < 0)
		return -1;
	text = buf_cstr(&bearer, err);
	result = text ? add_header(list, "Authorization", text, err) : -1;
	explicit_bzero(bearer.data, bearer.length);
	return result;
}

static void set_method(CURL *easy, const struct http_request *q, struct transfer *t)
{
	bool sends = !strcmp(q->method, "POST") || !strcmp(q->method, "PUT") ||
		     !strcmp(q->method, "PATCH");

	if (q->body_length > 0) {
		t->body = q->body;
		t->body_left = q->body_length;
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_length);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
		curl_easy_setopt(easy, CURLOPT_READDATA, t);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
	} else if (sends) { /* with Content-Length: 0, which Google insists on */
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, q->method);
}

static void set_limits(CURL *easy, const struct http_request *q)
{
	int64_t connect = q->connect_timeout_ms ? q->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	int64_t stall = q->stall_timeout_ms ? q->stall_timeout_ms : STALL_TIMEOUT_MS;

	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((stall + 999) / 1000));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
}

static void set_options(CURL *easy, const struct http_request *q, const struct curl_slist *headers,
			bool direct, char *error_text)
{
	const char *authorities = getenv("SSL_CERT_FILE");

	curl_easy_setopt(easy, CURLOPT_URL, q->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a resolver that hangs */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, q->fresh ? 1L : 0L);
	if (direct)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (authorities && *authorities)
		curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
}

/* --- running -------------------------------------------------------------------- */

/* Until the transfer is over: *ret is its result. -1: interrupted, or libcurl failed. */
static int run(struct http_client *c, CURLcode *ret, struct error *err)
{
	struct curl_waitfd wake[2];
	unsigned count = 0;
	int running = 1, left;
	CURLMsg *message;
	CURLMcode code;

	wake[count++] = (struct curl_waitfd){ .fd = c->cancel_fd, .events = CURL_WAIT_POLLIN };
	if (signals_fd() >= 0)
		wake[count++] =
			(struct curl_waitfd){ .fd = signals_fd(), .events = CURL_WAIT_POLLIN };
	for (;;) {
		if (signals_check(err) < 0)
			return -1;
		if (atomic_load(&c->cancelled))
			return error_set(err, ERR_TEMP, "cancelled");
		code = curl_multi_perform(c->multi, &running);
		if (code == CURLM_OK && running)
			code = curl_multi_poll(c->multi, wake, count, 1000, NULL);
		if (code != CURLM_OK)
			return error_set(err, ERR_OS, "libcurl: %s", curl_multi_strerror(code));
		if (running)
			continue;
		while ((message = curl_multi_info_read(c->multi, &left)))
			if (message->msg == CURLMSG_DONE) {
				*ret = message->data.result;
				return 0;
			}
		return error_set(err, ERR_BUG, "libcurl lost a transfer");
	}
}

/* error_text names the host that curl tried. */
static int explain_connect(CURL *easy, const struct url *u, const char *error_text,
			   struct error *err)
{
	size_t brackets = *u->host == '['; /* curl leaves them out */
	bool direct = !*error_text || memmem(error_text, strlen(error_text), u->host + brackets,
					     u->host_length - 2 * brackets);
	long number = 0;
	char reason[128];

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
	return error_set(err, ERR_TEMP, "cannot connect to %.*s%s%s%s", (int)u->host_length,
			 u->host, direct ? "" : " through the proxy", number ? ": " : "",
			 number ? strerror_r((int)number, reason, sizeof reason) : "");
}

/* curl's own words are used only where they cannot hold the URL's path. */
static int explain(CURL *easy, CURLcode code, const struct url *u, const char *error_text,
		   struct error *err)
{
	const char *host = u->host, *words = *error_text ? error_text : curl_easy_strerror(code);
	int n = (int)u->host_length;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_set(err, ERR_TEMP, "unknown host %.*s", n, host);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return error_set(err, ERR_TEMP, "%.*s: unknown host of the proxy", n, host);
	case CURLE_COULDNT_CONNECT:
		return explain_connect(easy, u, error_text, err);
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, ERR_TEMP, "%.*s: timed out", n, host);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return error_set(err, ERR_REMOTE, "%.*s: its certificate is not accepted: %s", n,
				 host, words);
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
		return error_set(err, ERR_CONFIG, "TLS to %.*s: %s", n, host, words);
	case CURLE_SSL_CONNECT_ERROR:
		return error_set(err, ERR_TEMP, "TLS to %.*s failed: %s", n, host, words);
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return error_set(err, ERR_TEMP, "%.*s: the connection broke off: %s", n, host,
				 words);
	case CURLE_SEND_FAIL_REWIND:
		/* A kept connection had died; curl would send the body again, which is not its to decide. */
		return error_set(err, ERR_TEMP, "%.*s: the connection broke off", n, host);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_CONTENT_ENCODING:
		return error_set(err, ERR_PROTOCOL, "%.*s: the answer is not HTTP/1.1: %s", n, host,
				 words);
	case CURLE_OUT_OF_MEMORY:
		return error_nomem(err);
	default:
		return error_set(err, ERR_REMOTE, "%.*s: %s", n, host, curl_easy_strerror(code));
	}
}

static int finish(struct http_client *c, struct transfer *t, CURLcode code, const struct url *u,
		  const char *error_text, struct error *err)
{
	long status = 0, proxy_status = 0;

	if (t->failed)
		return error_prefix(err, "%.*s", (int)u->host_length, u->host);
	curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (code != CURLE_OK && proxy_status == 407)
		return error_set(err, ERR_PERM, "%.*s: the proxy wants authentication",
				 (int)u->host_length, u->host);
	if (code != CURLE_OK)
		return explain(c->easy, code, u, error_text, err);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	t->response->status = (int)status;
	return 0;
}

int http_perform(struct http_client *c, const struct http_request *request,
		 struct http_response *ret, struct error *err)
{
	struct transfer t = { .response = ret, .err = err };
	char error_text[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL;
	CURLcode code = CURLE_OK;
	long request_size = 0;
	struct url u;
	int result = -1;

	c->sent = false;
	if (url_parse(request->url, &u, err) < 0)
		return -1;
	clear_headers(ret);
	buf_clear(&ret->body);
	if (make_headers(request, &headers, err) < 0)
		goto out;
	curl_easy_reset(c->easy); /* connections stay: the multi handle has them */
	set_options(c->easy, request, headers, request->direct || u.loopback, error_text);
	set_method(c->easy, request, &t);
	set_limits(c->easy, request);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, &t);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, &t);
	if (curl_multi_add_handle(c->multi, c->easy) != CURLM_OK) {
		error_nomem(err);
		goto out;
	}
	result = run(c, &code, err);
	curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &request_size);
	c->sent = request_size > 0;
	curl_multi_remove_handle(c->multi, c->easy);
	if (result == 0)
		result = finish(c, &t, code, &u, error_text, err);
	/* Nothing of this call may be pointed to after it. */
	curl_easy_reset(c->easy);
out:
	free_headers(headers);
	return result;
}
