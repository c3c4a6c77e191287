/* Error envelopes, their kinds and exit codes; Retry-After; backoff. */
#include "lib/google/api_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/google/backoff.h"
#include "tests/unit/unit.h"

static struct api_error_info parse(int status, const char *body, const char *retry_after)
{
	struct http_response response = { .status = status };
	struct api_error_info info;

	response.body.data = (char *)body;
	response.body.length = strlen(body);
	snprintf(response.retry_after, sizeof response.retry_after, "%s", retry_after);
	api_error_parse(&response, &info);
	return info;
}

static void envelopes(void)
{
	struct api_error_info info;

	unit_test("BigQuery's envelope gives reason, location and message");
	info = parse(
		409,
		"{\"error\":{\"code\":409,\"message\":\"Already Exists: Job p:US.j\",\"status\":\"ALREADY_EXISTS\","
		"\"errors\":[{\"domain\":\"global\",\"reason\":\"duplicate\",\"message\":\"m\",\"location\":\"q\"}]}}",
		"");
	CHECK(!strcmp(info.reason, "duplicate") && !strcmp(info.location, "q"));
	CHECK(!strcmp(info.grpc_status, "ALREADY_EXISTS"));
	CHECK(!strcmp(info.message, "Already Exists: Job p:US.j"));
	unit_test("an OAuth error is a word and a description");
	info = parse(
		400,
		"{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired\"}",
		"");
	CHECK(!strcmp(info.reason, "invalid_grant") &&
	      !strcmp(info.message, "Token has been expired"));
	unit_test("problem details, of an Airflow of either kind, give the message");
	CHECK(!strcmp(parse(409, "{\"detail\":\"it exists\",\"status\":409,\"title\":\"Conflict\"}",
			    "")
			      .message,
		      "it exists"));
	CHECK(!strcmp(parse(403, "{\"detail\":null,\"title\":\"Forbidden\"}", "").message,
		      "Forbidden"));
	CHECK(!strcmp(parse(401, "{\"title\":\"Unauthorized\"}", "").message, "Unauthorized"));
	CHECK(!strcmp(parse(422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"Field required\"}]}",
			    "")
			      .message,
		      "Field required"));
	CHECK(!strcmp(parse(409, "{\"detail\":{\"reason\":\"Unique\"}}", "").message,
		      "{\"reason\":\"Unique\"}"));
	unit_test("a proxy's HTML, nothing, and odd JSON still make a message");
	CHECK_HAS(parse(502, "<html><b>502</b></html>", "").message, "HTTP 502 Bad Gateway");
	CHECK_HAS(parse(503, "", "").message, "HTTP 503");
	CHECK_HAS(parse(400, "[1]", "").message, "HTTP 400");
	CHECK_HAS(parse(400, "{\"error\":{\"errors\":7,\"message\":{}}}", "").message, "HTTP 400");
	CHECK_HAS(parse(400, "[{\"error\":{\"message\":\"wrapped\"}}]", "").message, "wrapped");
	unit_test("control characters of a server reach no terminal");
	CHECK(!strcmp(parse(400, "{\"error\":{\"message\":\"a\\u001b[2Jb\\n\"}}", "").message,
		      "a [2Jb "));
	unit_test("the wait is the longer one of Retry-After and RetryInfo");
	info = parse(
		429,
		"{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"m\",\"details\":[{"
		"\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"3.5s\"}]}}",
		"2");
	CHECK(info.retry_after_ms == 3500);
	CHECK(parse(429, "{}", "120").retry_after_ms == 120000);
}

static void classes(void)
{
	static const struct {
		int status;
		const char *body;
		enum api_error_class class;
		int code;
	} cases[] = {
		{ 401, "", API_ERROR_AUTH, ERR_PERM },
		{ 403, "{\"error\":{\"errors\":[{\"reason\":\"accessDenied\"}]}}",
		  API_ERROR_PERMISSION, ERR_PERM },
		{ 403, "{\"error\":{\"errors\":[{\"reason\":\"rateLimitExceeded\"}]}}",
		  API_ERROR_RETRYABLE, ERR_TEMP },
		{ 403, "{\"error\":{\"errors\":[{\"reason\":\"quotaExceeded\"}]}}", API_ERROR_QUOTA,
		  ERR_TEMP },
		{ 404, "", API_ERROR_NOT_FOUND, ERR_REMOTE },
		{ 410, "", API_ERROR_NOT_FOUND, ERR_REMOTE },
		{ 409, "", API_ERROR_CONFLICT, ERR_REMOTE },
		{ 409, "{\"error\":{\"status\":\"ABORTED\"}}", API_ERROR_RETRYABLE, ERR_TEMP },
		{ 409, "{\"error\":{\"status\":\"ALREADY_EXISTS\"}}", API_ERROR_CONFLICT,
		  ERR_REMOTE },
		{ 412, "", API_ERROR_PRECONDITION, ERR_REMOTE },
		{ 400, "{\"error\":{\"errors\":[{\"reason\":\"invalid\"}]}}", API_ERROR_INVALID,
		  ERR_REMOTE },
		{ 400, "{\"error\":{\"errors\":[{\"reason\":\"backendError\"}]}}",
		  API_ERROR_RETRYABLE, ERR_TEMP },
		{ 408, "", API_ERROR_RETRYABLE, ERR_TEMP },
		{ 429, "", API_ERROR_RETRYABLE, ERR_TEMP },
		{ 500, "", API_ERROR_RETRYABLE, ERR_TEMP },
		{ 501, "", API_ERROR_INVALID, ERR_REMOTE },
		{ 504, "<html>", API_ERROR_RETRYABLE, ERR_TEMP },
		{ 302, "", API_ERROR_UNEXPECTED, ERR_PROTOCOL },
	};
	struct error err;

	unit_test("status, reason and gRPC status decide the kind of failure and the exit code");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct api_error_info info = parse(cases[i].status, cases[i].body, "");
		bool good = api_error_classify(&info) == cases[i].class &&
			    api_error_set(&info, "x", &err) == -1 && err.code == cases[i].code;

		if (!good)
			printf("# case %zu: HTTP %d %s\n", i, cases[i].status, cases[i].body);
		CHECK(good);
	}
	unit_test("the message names what was done, and the reason");
	struct api_error_info info = parse(
		403,
		"{\"error\":{\"message\":\"Quota is over\",\"errors\":[{\"reason\":\"quotaExceeded\"}]}}",
		"");
	api_error_set(&info, "job p:j", &err);
	CHECK_HAS(err.message, "job p:j: Quota is over (quotaExceeded); wait 10 minutes");
}

static void retry_after(void)
{
	time_t soon = time(NULL) + 100;
	char date[64];
	struct tm utc;
	int64_t ms;

	unit_test("Retry-After is seconds or a date, and rubbish is no wait");
	CHECK(http_retry_after_ms("5") == 5000);
	CHECK(http_retry_after_ms("99999999999999999999") > 0);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &utc));
	ms = http_retry_after_ms(date);
	CHECK(ms > 90000 && ms <= 100000);
	CHECK(http_retry_after_ms("Mon, 01 Jan 2001 00:00:00 GMT") == 0);
	CHECK(http_retry_after_ms("") == 0 && http_retry_after_ms("-5") == 0 &&
	      http_retry_after_ms("soon") == 0);
}

static void backoffs(void)
{
	const struct retry_policy standard = RETRY_POLICY_DEFAULT;
	const struct retry_policy quick = { .initial_ms = 1, .max_ms = 4, .budget_ms = 30 };
	struct backoff b;
	struct error err;
	int64_t start;

	unit_test("delays double from 1 s to 32 s, with up to 1 s on top");
	backoff_init(&b, &standard);
	for (int64_t want = 1000, i = 0; i < 8; i++, want = want < 32000 ? want * 2 : 32000) {
		int64_t delay = backoff_next_ms(&b, 0);

		CHECK(delay >= want && delay <= want + 1000);
	}
	unit_test("Retry-After is a lower bound");
	backoff_init(&b, &standard);
	CHECK(backoff_next_ms(&b, 90000) >= 90000);
	unit_test("the budget ends the waiting without a last wait");
	backoff_init(&b, &quick);
	start = monotonic_ms();
	while (backoff_wait(&b, 0, -1, &err) == 1)
		;
	CHECK(b.waits >= 3 && monotonic_ms() - start <= 40);
	CHECK(backoff_wait(&b, 60000, -1, &err) == 0);
	unit_test("progress gives the whole budget back");
	backoff_reset(&b);
	CHECK(b.waits == 0 && backoff_wait(&b, 0, -1, &err) == 1);
}

int main(void)
{
	envelopes();
	classes();
	retry_after();
	backoffs();
	return unit_done();
}
