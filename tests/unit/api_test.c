/* Calls of a REST API: paths, tokens, retries, expected statuses. */
#include "lib/google/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

#define REPLIES(s, ...)                                                   \
	static const struct script_reply s##_replies[] = { __VA_ARGS__ }; \
	struct script *s = script_start(s##_replies, sizeof s##_replies / sizeof *s##_replies)

static struct api_request table(void)
{
	return (struct api_request){ .what = "table p:d.t",
				     .method = "GET",
				     .path = "/projects/p/datasets/d/tables/t" };
}

static void plain_calls(void)
{
	REPLIES(s, { .status = 200, .headers = "ETag: \"e1\"\r\n", .body = "{\"id\":\"t\"}" },
		{ .status = 404, .body = "{\"error\":{\"message\":\"Not found: Table p:d.t\"}}" },
		{ .status = 404, .body = "{\"error\":{\"message\":\"Not found: Table p:d.t\"}}" },
		{ .status = 200, .body = "<html>" }, { .status = 204 }, { .status = 308 });
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request request = table();
	const struct script_request *seen;
	json_t *body = json_pack("{s:s}", "a", "b\xc3\xa9");
	struct error err = { 0 };
	struct api a;

	fixture_api(&a, s);
	unit_test(
		"a call has the API's path, its body as JSON, If-Match, and no token for an emulator");
	request.method = "PATCH";
	request.body = body;
	request.if_match = "\"e0\"";
	CHECK(api_call(&a, &request, &response, &err) == 0 && response.status == 200);
	seen = script_request(s, 0);
	CHECK(!strcmp(seen->line, "PATCH /bigquery/v2/projects/p/datasets/d/tables/t HTTP/1.1"));
	CHECK(!strcmp(seen->body, "{\"a\":\"b\xc3\xa9\"}") &&
	      script_has_header(seen, "If-Match: \"e0\""));
	CHECK(!strcasestr(seen->headers, "\r\nAuthorization:"));
	CHECK(!strcmp(response.etag, "\"e1\"") && json_object_get(response.json, "id") &&
	      !response.repeated);
	api_response_release(&response);
	unit_test("an expected status is an answer with the server's words, another is a failure");
	request = table();
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_REMOTE);
	CHECK_HAS(err.message, "table p:d.t: Not found: Table p:d.t");
	request.expected[0] = 412;
	request.expected[1] = 404;
	CHECK(api_call(&a, &request, &response, &err) == 0 && response.status == 404 &&
	      !response.json);
	CHECK(!strcmp(response.error.message, "Not found: Table p:d.t"));
	unit_test("200 without JSON breaks the protocol, no content is fine, a redirect is not");
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_PROTOCOL);
	CHECK(api_call(&a, &request, &response, &err) == 0 && response.status == 204 &&
	      !response.json);
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_PROTOCOL);
	CHECK(script_count(s) == 6);
	json_decref(body);
	api_close(&a);
	script_stop(s);
}

static void retries(void)
{
	REPLIES(s, { .status = 503, .body = "<html>" }, { .action = SCRIPT_DROP },
		{ .status = 403,
		  .body = "{\"error\":{\"errors\":[{\"reason\":\"rateLimitExceeded\"}]}}" },
		{ .status = 200, .body = "{\"half\":\"of it\"}", .action = SCRIPT_CUT },
		{ .status = 409 });
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request request = table();
	struct error err;
	struct api a;

	fixture_api(&a, s);
	unit_test("what may pass is tried again, and the answer says that it was");
	request.expected[0] = 409;
	CHECK(api_call(&a, &request, &response, &err) == 0 && response.status == 409);
	CHECK(response.repeated && script_count(s) == 5);
	api_close(&a);
	script_stop(s);
}

static void retry_limits(void)
{
	REPLIES(s, { .status = 400 },
		{ .status = 403,
		  .body = "{\"error\":{\"message\":\"m\",\"errors\":[{\"reason\":\"quotaExceeded\"}]}}" },
		{ .status = 503, .headers = "Retry-After: 60\r\n" }, { .status = 401 });
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request request = table();
	struct error err;
	struct api a;

	fixture_api(&a, s);
	unit_test("bad requests, quotas, and waits beyond the budget are not tried again");
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_REMOTE &&
	      script_count(s) == 1);
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_TEMP &&
	      script_count(s) == 2);
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_TEMP &&
	      script_count(s) == 3);
	unit_test("401 without authentication is a matter of permission at once");
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_PERM &&
	      script_count(s) == 4);
	api_close(&a);
	unit_test("a server that stays away ends with the budget, temporary");
	script_stop(s);
	setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1", 1);
	struct api_options options = { .retry = { .initial_ms = 1, .max_ms = 4, .budget_ms = 20 } };
	CHECK(api_open(&a, &options, &err) == 0);
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_TEMP);
	CHECK_HAS(err.message, "table p:d.t: cannot connect to 127.0.0.1");
	api_close(&a);
}

static void once(void)
{
	REPLIES(s, { .status = 503 }, { .action = SCRIPT_DROP }, { .status = 429 },
		{ .status = 200, .body = "{}" });
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request request = table();
	struct error err;
	struct api a;

	fixture_api(&a, s);
	unit_test(
		"a request that must not happen twice is repeated only if it cannot have happened");
	request.method = "POST";
	request.once = true;
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_TEMP &&
	      script_count(s) == 1);
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_TEMP &&
	      script_count(s) == 2);
	CHECK(api_call(&a, &request, &response, &err) == 0 && response.status == 200 &&
	      script_count(s) == 4);
	CHECK(!response.repeated);
	api_close(&a);
	script_stop(s);
}

static void authentication(void)
{
	REPLIES(s, { .status = 200, .body = "{\"access_token\":\"t1\",\"expires_in\":3599}" },
		{ .status = 401 },
		{ .status = 200, .body = "{\"access_token\":\"t2\",\"expires_in\":3599}" },
		{ .status = 200, .body = "{}" }, { .status = 401 },
		{ .status = 503 }, /* the second token endpoint answer */
		{ .status = 200, .body = "{\"access_token\":\"t3\",\"expires_in\":3599}" },
		{ .status = 401, .body = "{\"error\":{\"message\":\"Invalid Credentials\"}}" },
		{ .status = 200, .body = "{\"access_token\":\"t4\",\"expires_in\":3599}" },
		{ .status = 401, .body = "{\"error\":{\"message\":\"Invalid Credentials\"}}" });
	auto_api_response response = API_RESPONSE_INIT;
	struct option_values endpoints = { .count = 1 };
	struct api_options options = { .service = SERVICE_BIGQUERY,
				       .endpoints = &endpoints,
				       .retry = {
					       .initial_ms = 1, .max_ms = 4, .budget_ms = 2000 } };
	struct api_request request = table();
	char override[128], *project = NULL;
	struct error err;
	struct api a;

	snprintf(override, sizeof override, "bigquery=%s", script_url(s));
	endpoints.value[0] = override;
	options.credentials_file = fixture_file(fixture_service_account(script_url(s)));
	setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "payer", 1);
	CHECK(api_open(&a, &options, &err) == 0);
	unsetenv("GOOGLE_CLOUD_QUOTA_PROJECT");
	unit_test("a 401 gets one new token and one more attempt");
	CHECK(api_call(&a, &request, &response, &err) == 0 && response.status == 200);
	CHECK(script_has_header(script_request(s, 1), "Authorization: Bearer t1"));
	CHECK(script_has_header(script_request(s, 3), "Authorization: Bearer t2"));
	CHECK(script_has_header(script_request(s, 3), "x-goog-user-project: payer"));
	CHECK(!strcmp(script_request(s, 2)->line, "POST /token HTTP/1.1"));
	api_response_release(&response);
	unit_test("a token endpoint that is busy is tried again; a second 401 in a row is the end");
	CHECK(api_call(&a, &request, &response, &err) < 0 && err.code == ERR_PERM);
	CHECK_HAS(err.message, "Invalid Credentials");
	CHECK(script_count(s) == 10);
	CHECK(!strstr(err.message, "t4"));
	unit_test("the project comes from the key file");
	CHECK(api_project(&a, NULL, &project, &err) == 0 && !strcmp(project, "key-project"));
	free(project);
	api_close(&a);
	script_stop(s);
}

int main(void)
{
	fixture_clean_environment();
	plain_calls();
	retries();
	retry_limits();
	once();
	authentication();
	return unit_done();
}
