/* HTTP requests against a script: what goes out, what comes back, how they fail. */
#include "lib/google/http.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/google/backoff.h"
#include "lib/io.h"
#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static struct http_client *client;

static int get(const char *url, struct http_response *response, struct error *err)
{
	const struct http_request request = { .method = "GET", .url = url, .timeout_ms = 5000 };

	return http_perform(client, &request, response, err);
}

static void outgoing(void)
{
	static const struct script_reply replies[] = { { .status = 200 },
						       { .status = 200 },
						       { .status = 200 } };
	static const struct http_header headers[] = { { "Content-Range", "bytes 0-5/*" } };
	struct script *s = script_start(replies, 3);
	auto_http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = { .method = "POST", .url = script_url(s), .bearer = "tok" };
	size_t n = 3 * 1024 * 1024 + 17, i = 0;
	char *big = malloc(n);
	const struct script_request *seen;
	struct error err;

	unit_test("a POST without a body says Content-Length: 0, who asks, and no Expect");
	CHECK(http_perform(client, &request, &response, &err) == 0 && response.status == 200);
	seen = script_request(s, 0);
	CHECK(!strcmp(seen->line, "POST / HTTP/1.1"));
	CHECK(script_has_header(seen, "Content-Length: 0"));
	CHECK(script_has_header(seen, "Authorization: Bearer tok"));
	CHECK(script_has_header(seen, "User-Agent: sluice/" SLUICE_VERSION));
	CHECK(!strcasestr(seen->headers, "\r\nExpect:") &&
	      !strcasestr(seen->headers, "\r\nContent-Type:"));
	unit_test("a large body arrives as it was, without Expect: 100-continue");
	for (i = 0; i < n; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	request = (struct http_request){ .method = "PUT",
					 .url = script_url(s),
					 .content_type = "x/y",
					 .headers = headers,
					 .header_count = 1,
					 .body = big,
					 .body_length = n };
	CHECK(http_perform(client, &request, &response, &err) == 0);
	seen = script_request(s, 1);
	CHECK(seen->body_length == n && !memcmp(seen->body, big, n));
	CHECK(script_has_header(seen, "Content-Type: x/y") &&
	      script_has_header(seen, "Content-Range: bytes 0-5/*"));
	CHECK(!strcasestr(seen->headers, "\r\nExpect:") && !strcasestr(seen->headers, "chunked"));
	unit_test("DELETE has no body, and all requests shared one connection");
	request = (struct http_request){ .method = "DELETE", .url = script_url(s) };
	CHECK(http_perform(client, &request, &response, &err) == 0);
	CHECK(!strcmp(script_request(s, 2)->line, "DELETE / HTTP/1.1") &&
	      script_request(s, 2)->connection == 0);
	free(big);
	script_stop(s);
}

static void incoming(void)
{
	static const struct script_reply replies[] = {
		{ .status = 308,
		  .headers =
			  "Range:bytes=0-9  \r\nLOCATION: http://127.0.0.1:1/gone\r\netag: \"e\"\r\n"
			  "Retry-After: 7\r\nContent-Type: text/html; charset=x\r\n",
		  .body = "moved" },
		{ .status = 302, .headers = "Location: http://127.0.0.1:1/\r\n" },
		/* Two values for the 64 bytes of `range`: one that just fits, one that does not. */
		{ .status = 308,
		  .headers =
			  "Range: 0-4567890123456789012345678901234567890123456789012345678901234\r\n" },
		{ .status = 308,
		  .headers =
			  "Range: 0-45678901234567890123456789012345678901234567890123456789012345\r\n" },
		{ .status = 200, .pad = 3 * 1024 * 1024 },
		{ .status = 200, .pad = HTTP_BODY_MAX + 1 },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	auto_http_response response = HTTP_RESPONSE_INIT;
	struct error err;

	unit_test("redirects are answers, and the headers that matter are kept");
	CHECK(get(script_url(s), &response, &err) == 0 && response.status == 308);
	CHECK(!strcmp(response.range, "bytes=0-9") &&
	      !strcmp(response.location, "http://127.0.0.1:1/gone"));
	CHECK(!strcmp(response.etag, "\"e\"") && !strcmp(response.retry_after, "7"));
	CHECK(!strcmp(response.content_type, "text/html; charset=x"));
	CHECK(response.body.length == 5 && !memcmp(response.body.data, "moved", 5));
	unit_test("nothing of one answer is left in the next");
	CHECK(get(script_url(s), &response, &err) == 0 && response.status == 302);
	CHECK(!*response.range && !*response.etag && response.body.length == 0);
	unit_test("a header that is longer than its room is as good as missing, never cut");
	CHECK(get(script_url(s), &response, &err) == 0 && strlen(response.range) == 63);
	CHECK(get(script_url(s), &response, &err) == 0 && !*response.range);
	unit_test("a large answer is read whole, one over the limit is a broken protocol");
	CHECK(get(script_url(s), &response, &err) == 0 && response.body.length == 3 * 1024 * 1024);
	CHECK(get(script_url(s), &response, &err) < 0 && err.code == ERR_PROTOCOL);
	script_stop(s);
}

static void *cancel_soon(void *user)
{
	struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };

	nanosleep(&pause, NULL);
	http_client_cancel(user);
	return NULL;
}

static void *interrupt_soon(void *user)
{
	struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };

	(void)user;
	nanosleep(&pause, NULL);
	kill(getpid(), SIGTERM);
	return NULL;
}

static void failures(void)
{
	static const struct script_reply replies[] = {
		{ .action = SCRIPT_DROP },
		{ .status = 200, .body = "half of it", .action = SCRIPT_CUT },
		{ .action = SCRIPT_HANG },
		{ .action = SCRIPT_HANG },
		{ .status = 200 },
	};
	struct script *s = script_start(replies, 5);
	auto_http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = { .method = "GET", .url = script_url(s), .timeout_ms = 200 };
	char secret[128];
	struct error err;

	unit_test("a refused connection is temporary, and nothing was sent");
	CHECK(get("http://127.0.0.1:1/", &response, &err) < 0 && err.code == ERR_TEMP);
	CHECK(!strcmp(err.message, "cannot connect to 127.0.0.1: Connection refused"));
	CHECK(get("http://[::1]:1/", &response, &err) < 0 && !strstr(err.message, "proxy"));
	CHECK(!http_client_was_sent(client));
	unit_test("an unknown host is temporary, and nothing was sent");
	CHECK(get("http://no-such-host.invalid/", &response, &err) < 0 && err.code == ERR_TEMP);
	CHECK(!http_client_was_sent(client));
	unit_test(
		"a connection that breaks off is temporary, says so, and keeps the path to itself");
	snprintf(secret, sizeof secret, "%s/?upload_id=hunter2", script_url(s));
	CHECK(get(secret, &response, &err) < 0 && err.code == ERR_TEMP &&
	      http_client_was_sent(client));
	CHECK(!strstr(err.message, "hunter2"));
	CHECK(get(script_url(s), &response, &err) < 0 && err.code == ERR_TEMP);
	unit_test("a server that stays silent is timed out");
	CHECK(http_perform(client, &request, &response, &err) < 0 && err.code == ERR_TEMP);
	CHECK_HAS(err.message, "127.0.0.1: timed out");
	unit_test("a bad URL or header value does not get out");
	CHECK(get("file:///etc/passwd", &response, &err) < 0 && err.code == ERR_CONFIG);
	request.bearer = "a\r\nX: y";
	CHECK(http_perform(client, &request, &response, &err) < 0 && err.code == ERR_BUG &&
	      script_count(s) == 3);
	script_stop(s);
}

static void interruptions(void)
{
	static const struct script_reply replies[] = { { .action = SCRIPT_HANG },
						       { .action = SCRIPT_HANG } };
	struct script *s = script_start(replies, 2);
	auto_http_response response = HTTP_RESPONSE_INIT;
	struct http_client *other = NULL;
	struct http_request request = { .method = "GET", .url = script_url(s) };
	pthread_t thread;
	struct error err;
	int64_t start = monotonic_ms();

	unit_test("another thread can cancel a request that hangs, and all later ones");
	CHECK(http_client_new(&other, &err) == 0);
	CHECK(pthread_create(&thread, NULL, cancel_soon, other) == 0);
	CHECK(http_perform(other, &request, &response, &err) < 0 && err.code == ERR_TEMP);
	CHECK_HAS(err.message, "cancelled");
	pthread_join(thread, NULL);
	CHECK(http_perform(other, &request, &response, &err) < 0 && script_count(s) == 1);
	CHECK(backoff_sleep(60000, http_client_cancel_fd(other), &err) < 0);
	http_client_free(other);
	CHECK(monotonic_ms() - start < 900);
	unit_test("a signal ends a request that hangs at once");
	CHECK(signals_init(&err) == 0);
	CHECK(pthread_create(&thread, NULL, interrupt_soon, NULL) == 0);
	start = monotonic_ms();
	CHECK(http_perform(client, &request, &response, &err) < 0 &&
	      err.code == ERR_SIGNAL + SIGTERM);
	pthread_join(thread, NULL);
	CHECK(monotonic_ms() - start < 900);
	unit_test("a signal ends a wait");
	CHECK(backoff_sleep(60000, -1, &err) < 0 && err.code == ERR_SIGNAL + SIGTERM);
	script_stop(s);
}

int main(void)
{
	struct error err;

	fixture_clean_environment();
	if (http_client_new(&client, &err) < 0)
		return 1;
	outgoing();
	incoming();
	failures();
	interruptions(); /* last: a signal stays pending */
	http_client_free(client);
	return unit_done();
}
