/* The client of the Data Transfer Service: pages, and what is known of a start that went wrong. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io.h"
#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"
#include "trigger/dts.h"
#include "trigger/dtstrigger_configs.h"

#define CONFIG "projects/p/locations/us/transferConfigs/c1"

static void open_api(struct api *a, const struct script *s)
{
	struct api_options o = { .service = SERVICE_DATATRANSFER,
				 .retry = { .initial_ms = 1, .max_ms = 1, .budget_ms = 2000 } };
	struct error err;

	setenv("DATATRANSFER_EMULATOR_HOST", script_url(s), 1);
	if (api_open(a, &o, &err) < 0)
		abort();
}

static void pages(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200,
		  .body = "{\"transferConfigs\":[{\"name\":\"a\"}],\"nextPageToken\":\"t/1\"}" },
		{ .status = 200, .body = "{\"transferConfigs\":[{\"name\":\"b\"}]}" },
		{ .status = 200,
		  .body = "{\"transferRuns\":[{\"name\":\"r\"}],\"nextPageToken\":\"n\"}" },
		{ .status = 200, .body = "{}" },
		{ .status = 200, .body = "{\"transferRuns\":{}}" },
		{ .status = 404 },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	json_t *got = NULL;
	char *page = NULL;
	struct error err;
	struct api a;

	open_api(&a, s);
	unit_test("configs of all pages are read");
	CHECK(dts_configs(&a, "projects/p/locations/us", &got, &err) == 0 &&
	      json_array_size(got) == 2);
	CHECK_HAS(script_request(s, 0)->line,
		  "GET /v1/projects/p/locations/us/transferConfigs?pageSize=1000 HTTP/1.1");
	CHECK_HAS(script_request(s, 1)->line, "&pageToken=t%2F1 HTTP/1.1");
	json_decref(got);
	unit_test("runs come a page at a time, none that has failed");
	CHECK(dts_runs(&a, CONFIG, &page, &got, &err) == 0 && json_array_size(got) == 1 && page);
	CHECK_HAS(script_request(s, 2)->line,
		  "GET /v1/" CONFIG "/runs?pageSize=1000&states=PENDING&"
		  "states=RUNNING&states=SUCCEEDED HTTP/1.1");
	json_decref(got);
	CHECK(dts_runs(&a, CONFIG, &page, &got, &err) == 0 && json_array_size(got) == 0 && !page);
	CHECK_HAS(script_request(s, 3)->line, "&pageToken=n HTTP/1.1");
	json_decref(got);
	CHECK(dts_runs(&a, CONFIG, &page, &got, &err) < 0 && err.code == ERR_PROTOCOL);
	unit_test("a config that is not there is no failure");
	CHECK(dts_config(&a, CONFIG, &got, &err) == 0);
	api_close(&a);
	script_stop(s);
}

/* What dts_start makes of that reply. */
static enum dts_start outcome(const struct script_reply *reply, int64_t *wait_ms, struct error *err)
{
	struct script *s = script_start(reply, 1);
	json_t *when = json_pack("{s:s}", "requestedRunTime", "2026-01-01T00:00:00Z"), *runs = NULL;
	enum dts_start result;
	struct api a;

	open_api(&a, s);
	result = dts_start(&a, CONFIG, when, 500, &runs, wait_ms, err);
	CHECK(script_count(s) == 1);
	CHECK_HAS(script_request(s, 0)->line, "POST /v1/" CONFIG ":startManualRuns HTTP/1.1");
	CHECK_HAS(script_request(s, 0)->body, "{\"requestedRunTime\":\"2026-01-01T00:00:00Z\"}");
	json_decref(when);
	json_decref(runs);
	api_close(&a);
	script_stop(s);
	return result;
}

static void starts(void)
{
	struct error err = { 0 };
	int64_t wait_ms;

	unit_test("a start is sent once, and answered with runs");
	CHECK(outcome(&(struct script_reply){ .status = 200,
					      .body = "{\"runs\":[{\"name\":\"r\"}]}" },
		      &wait_ms, &err) == DTS_STARTED);
	unit_test("what the server refuses is refused");
	CHECK(outcome(&(struct script_reply){ .status = 400 }, &wait_ms, &err) == DTS_REFUSED &&
	      err.code == ERR_REMOTE);
	CHECK(outcome(&(struct script_reply){ .status = 403 }, &wait_ms, &err) == DTS_REFUSED &&
	      err.code == ERR_PERM);
	unit_test("what is one request too many may be tried later, as late as it asks");
	CHECK(outcome(&(struct script_reply){ .status = 429, .headers = "Retry-After: 7\r\n" },
		      &wait_ms, &err) == DTS_LATER &&
	      wait_ms == 7000 && err.code == ERR_TEMP);
	CHECK(outcome(&(struct script_reply){ .status = 403,
					      .body = "{\"error\":{\"code\":403,\"errors\":[{"
						      "\"reason\":\"rateLimitExceeded\"}]}}" },
		      &wait_ms, &err) == DTS_LATER);
	CHECK(outcome(
		      &(struct script_reply){
			      .status = 503,
			      .body = "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}" },
		      &wait_ms, &err) == DTS_LATER);
	unit_test("a server that has failed may have started runs");
	for (int status = 500; status <= 504; status++)
		CHECK(outcome(&(struct script_reply){ .status = status }, &wait_ms, &err) ==
		      DTS_UNKNOWN);
	CHECK(outcome(&(struct script_reply){ .status = 503, .headers = "Retry-After: 7\r\n" },
		      &wait_ms, &err) == DTS_UNKNOWN &&
	      wait_ms == 7000 && err.code == ERR_TEMP);
	unit_test("of what was not answered nothing is known");
	CHECK(outcome(&(struct script_reply){ .action = SCRIPT_DROP }, &wait_ms, &err) ==
	      DTS_UNKNOWN);
	CHECK(outcome(&(struct script_reply){ .action = SCRIPT_HANG }, &wait_ms, &err) ==
	      DTS_UNKNOWN);
	CHECK(outcome(&(struct script_reply){ .status = 200, .body = "<html>" }, &wait_ms, &err) ==
	      DTS_UNKNOWN);
}

static void configs(void)
{
	static const struct script_reply replies[] = { {
		.status = 200,
		.body = "{\"transferConfigs\":["
			"{\"name\":\"projects/1/locations/us/transferConfigs/id1\",\"displayName\":\"one\"},"
			"{\"name\":\"projects/1/locations/us/transferConfigs/id2\",\"displayName\":\"two\"},"
			"{\"name\":\"projects/1/locations/us/transferConfigs/id3\",\"displayName\":\"two\"},"
			"{\"name\":\"projects/1/locations/us/transferConfigs/id4\",\"displayName\":\"off\","
			"\"disabled\":true},"
			"{\"name\":\"projects/1/locations/us/transferConfigs/id5\",\"displayName\":\"id1\"},"
			"{\"name\":\"odd/../id6\",\"displayName\":\"odd\"},"
			"{\"name\":\"projects/1/locations/us/transferConfigs/a:b\",\"displayName\":\"colon\"}]}",
	} };
	struct script *s = script_start(replies, 1);
	struct configs c = { .location = "projects/p/locations/us" };
	json_t *got = NULL;
	struct error err;
	struct api a;

	open_api(&a, s);
	c.dts = &a;
	unit_test("a config is found by its display name, or its id; the list is asked for once");
	CHECK(configs_find(&c, "one", true, "d", &got, &err) == 0);
	json_decref(got);
	CHECK(configs_find(&c, "id2", false, "d", &got, &err) == 0);
	json_decref(got);
	CHECK(script_count(s) == 1);
	unit_test("none, several, or one that is disabled is 78, and the dataset is named");
	CHECK(configs_find(&c, "three", true, "shop", &got, &err) < 0 && err.code == ERR_CONFIG);
	CHECK_HAS(err.message,
		  "shop: projects/p/locations/us has no transfer config called 'three'");
	CHECK(configs_find(&c, "two", true, "shop", &got, &err) < 0 && err.code == ERR_CONFIG);
	CHECK_HAS(err.message, "shop: projects/p/locations/us has 2 transfer configs called 'two'");
	CHECK(configs_find(&c, "off", true, "shop", &got, &err) < 0 && err.code == ERR_CONFIG);
	CHECK_HAS(err.message, "shop: the transfer config 'off'");
	unit_test("an id is no display name, but one that is both is several");
	CHECK(configs_find(&c, "id2", true, "shop", &got, &err) < 0);
	CHECK(configs_find(&c, "id1", false, "shop", &got, &err) < 0 && err.code == ERR_CONFIG);
	unit_test("an id that could be no lock's name is a broken protocol");
	CHECK(configs_find(&c, "colon", true, "shop", &got, &err) < 0 && err.code == ERR_PROTOCOL);
	configs_release(&c);
	api_close(&a);
	script_stop(s);
}

int main(void)
{
	struct error err;

	fixture_clean_environment();
	if (signals_init(&err) < 0)
		return 1;
	pages();
	starts();
	configs();
	return unit_done();
}
