/*
 * HTTP requests over one kept-alive HTTP/1.1 connection per server. The only
 * module that knows libcurl.
 *
 * Redirects are never followed (308 means something else in an upload).
 * Proxies are curl's: HTTPS_PROXY, NO_PROXY; loopback never goes through one.
 * Servers must show a certificate that the system's authorities signed, or
 * those of SSL_CERT_FILE.
 * Nothing is retried here. An ending signal (lib/io.h) aborts at once.
 *
 * Failures: ERR_TEMP for the network (unknown host, refused, reset, timed
 * out, TLS broken off), ERR_REMOTE for a server whose certificate does not
 * verify, ERR_CONFIG for certificates that cannot be read here, ERR_PROTOCOL
 * for an answer that is not HTTP or over HTTP_BODY_MAX. An HTTP status of any
 * value is no failure. Messages name the host, never the rest of the URL and
 * never a header: session URIs and tokens are secrets.
 *
 * A client belongs to one thread at a time, except for http_client_cancel.
 */
#ifndef SLUICE_LIB_GOOGLE_HTTP_H
#define SLUICE_LIB_GOOGLE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/error.h"

enum { HTTP_BODY_MAX = 16 * 1024 * 1024 };

struct http_client;

int http_client_new(struct http_client **ret, struct error *err)
	__attribute__((warn_unused_result));
void http_client_free(struct http_client *c);

/*
 * Abort the request or wait under way, and every later one: ERR_TEMP
 * "cancelled". Safe from any thread while the client lives.
 */
void http_client_cancel(struct http_client *c);

bool http_client_is_cancelled(struct http_client *c);

/* Readable once cancelled. For poll(2). */
int http_client_cancel_fd(const struct http_client *c);

/* After a failed http_perform: may the server have seen the request? */
bool http_client_was_sent(const struct http_client *c);

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method;
	const char *url;
	const char *bearer;       /* access token, or NULL */
	const char *content_type; /* NULL: none is sent */
	const struct http_header *headers;
	size_t header_count;
	const void *body; /* read in place while the request runs; NULL: none */
	size_t body_length;
	bool direct; /* through no proxy */
	bool fresh; /* on a new connection: without a body curl resends by itself when a kept one was dead */
	int64_t connect_timeout_ms; /* 0: 10 s */
	int64_t stall_timeout_ms;   /* no byte moves either way; 0: 60 s */
	int64_t timeout_ms;         /* the whole request; 0: no limit but the stall's */
};

/* Headers that are missing or too long for their room are "". */
struct http_response {
	int status;
	char location[4096];
	char range[64];
	char retry_after[64];
	char etag[256];
	char content_type[128];
	char metadata_flavor[32];
	struct buf body;
};

#define HTTP_RESPONSE_INIT                          \
	{                                           \
		.body = BUF_INIT_MAX(HTTP_BODY_MAX) \
	}
#define auto_http_response __attribute__((cleanup(http_response_release))) struct http_response

void http_response_release(struct http_response *r);

/*
 * Send the request and read the whole answer into ret, whose body buffer is
 * used again. On failure ret's content is undefined (but may be released).
 */
int http_perform(struct http_client *c, const struct http_request *request,
		 struct http_response *ret, struct error *err) __attribute__((warn_unused_result));

/* The wait that a Retry-After value (seconds, or an HTTP date) asks for, from now; 0 when none. */
int64_t http_retry_after_ms(const char *value);

#endif
