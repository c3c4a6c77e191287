/* What pubsubrun and gcswatch make of a message, an event and a name. */
#include <jansson.h>
#include <string.h>

#include "lib/buf.h"
#include "notify/event.h"
#include "notify/failures.h"
#include "notify/files.h"
#include "notify/message.h"
#include "notify/target.h"
#include "tests/unit/unit.h"

/* --- messages ------------------------------------------------------------------------------- */

/* The line of a ReceivedMessage. */
static bool line_is(const char *received, const char *want)
{
	json_t *json = json_loads(received, 0, NULL);
	auto_buf out = BUF_INIT;
	struct error err;
	bool same = json && message_append(json, &out, &err) == 0 && out.length == strlen(want) &&
		    !memcmp(out.data, want, out.length);

	json_decref(json);
	return same;
}

static void messages(void)
{
	struct error err;
	auto_buf out = BUF_INIT;
	json_t *bad = json_pack("{s:{s:s,s:s}}", "message", "messageId", "7", "data", "no base64!");

	unit_test("a message is a line with what it has");
	CHECK(line_is("{\"message\":{\"messageId\":\"7\"}}", "{\"@message\":{\"id\":\"7\"}}\n"));
	CHECK(line_is(
		"{\"ackId\":\"a\",\"deliveryAttempt\":2,\"message\":{\"messageId\":\"7\","
		"\"data\":\"eA==\",\"attributes\":{\"k\":\"v\\n\"},\"orderingKey\":\"o\","
		"\"publishTime\":\"t\"}}",
		"{\"@message\":{\"id\":\"7\",\"data\":\"eA==\",\"attributes\":{\"k\":\"v\\n\"},"
		"\"publishTime\":\"t\",\"orderingKey\":\"o\",\"deliveryAttempt\":2}}\n"));
	unit_test("data that is JSON comes as its bytes too");
	CHECK(line_is("{\"message\":{\"messageId\":\"7\",\"data\":\"WzEuMTAsDQoxXQ==\"}}",
		      "{\"@message\":{\"id\":\"7\",\"data\":\"WzEuMTAsDQoxXQ==\",\"json\":[1.10,"
		      "\t\t1]}}\n"));
	CHECK(line_is("{\"message\":{\"messageId\":\"7\",\"data\":\"bnVsbA==\"}}",
		      "{\"@message\":{\"id\":\"7\",\"data\":\"bnVsbA==\",\"json\":null}}\n"));
	unit_test("a line end inside a string, more than a value, or bad UTF-8 is no JSON");
	CHECK(line_is("{\"message\":{\"messageId\":\"7\",\"data\":\"ImEKYiI=\"}}",
		      "{\"@message\":{\"id\":\"7\",\"data\":\"ImEKYiI=\"}}\n"));
	CHECK(line_is("{\"message\":{\"messageId\":\"7\",\"data\":\"MSAy\"}}",
		      "{\"@message\":{\"id\":\"7\",\"data\":\"MSAy\"}}\n"));
	CHECK(line_is("{\"message\":{\"messageId\":\"7\",\"data\":\"Iv8i\"}}",
		      "{\"@message\":{\"id\":\"7\",\"data\":\"Iv8i\"}}\n"));
	unit_test("data that is no base64 is an error that names the message");
	CHECK(message_append(bad, &out, &err) < 0 && strstr(err.message, "message 7"));
	json_decref(bad);
}

static void delays(void)
{
	struct failures f;

	unit_test("delays double from a second to ten minutes");
	CHECK(failures_delay_s(1) == 1 && failures_delay_s(2) == 2 && failures_delay_s(4) == 8);
	CHECK(failures_delay_s(10) == 512 && failures_delay_s(11) == 600);
	CHECK(failures_delay_s(INT64_MAX) == 600);
	unit_test("failures are counted by message, or by the server");
	failures_init(&f);
	for (int64_t i = 1; i <= 2; i++)
		CHECK(failures_add(&f, "a", 0) == i);
	CHECK(failures_add(&f, "b", 0) == 1 && failures_add(&f, "a", 7) == 7);
	failures_forget(&f, "a");
	CHECK(failures_add(&f, "a", 0) == 1);
	failures_release(&f);
}

/* --- events --------------------------------------------------------------------------------- */

static int parse(const char *text, struct event *e, struct error *err)
{
	json_t *line = json_loads(text, 0, NULL);
	int rc = line ? event_parse(line, e, err) : -2;

	json_decref(line);
	return rc;
}

static void events(void)
{
	static const char *const made[] = {
		"{\"@message\":{\"attributes\":{\"eventType\":\"OBJECT_FINALIZE\",\"bucketId\":\"b\","
		"\"objectId\":\"o/x\",\"objectGeneration\":\"5\"}}}",
		"{\"message\":{\"attributes\":{\"eventType\":\"OBJECT_FINALIZE\",\"bucketId\":\"b\","
		"\"objectId\":\"o/x\",\"objectGeneration\":\"5\"}},\"subscription\":\"s\"}",
		"{\"kind\":\"storage#object\",\"bucket\":\"b\",\"name\":\"o/x\",\"generation\":\"5\"}",
	};
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"@message\":{}}",
		"{\"@message\":{\"attributes\":{\"bucketId\":\"b\",\"objectId\":\"o\"}}}",
		"{\"@message\":{\"attributes\":{\"eventType\":\"OBJECT_FINALIZE\",\"bucketId\":\"b\"}}}",
		"{\"kind\":\"storage#object\",\"bucket\":\"\",\"name\":\"o\"}",
		"{\"kind\":\"storage#object\",\"bucket\":\"b\",\"name\":\"o\",\"generation\":\"x\"}",
		"{\"kind\":\"storage#object\",\"bucket\":\"b\",\"name\":\"o\",\"generation\":5}",
		"{\"kind\":\"storage#bucket\",\"name\":\"b\"}",
	};
	struct error err;
	struct event e;

	unit_test("three forms of an event");
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		CHECK(parse(made[i], &e, &err) == 0 && e.made);
		CHECK(!strcmp(e.bucket, "b") && !strcmp(e.object, "o/x"));
		CHECK(e.generation && !strcmp(e.generation, "5"));
		event_release(&e);
	}
	unit_test("what was not made is no event");
	CHECK(parse("{\"@message\":{\"attributes\":{\"eventType\":\"OBJECT_DELETE\"}}}", &e,
		    &err) == 0 &&
	      !e.made);
	unit_test("anything else is an error");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(parse(bad[i], &e, &err) < 0 && err.code == ERR_DATA);
}

/* --- names ---------------------------------------------------------------------------------- */

static bool equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void targets(void)
{
	static const struct {
		const char *object, *project, *dataset, *table, *partition;
		size_t prefix;
	} good[] = {
		{ "d/t/_SUCCESS", NULL, "d", "t", NULL, 4 },
		{ "p.d/t/_SUCCESS", "p", "d", "t", NULL, 6 },
		{ "p-1.d/t/2026/01/02/03/_SUCCESS", "p-1", "d", "t", "2026010203", 8 },
		{ "d/t/historical/$20260102/x/_SUCCESS", NULL, "d", "t", "20260102", 4 },
		{ "d/t/incremental/2026/batch-1/_SUCCESS", NULL, "d", "t", "2026", 4 },
		{ "d/t/some-batch/_SUCCESS", NULL, "d", "t", NULL, 4 },
		{ "d/\xc3\xa9t\xc3\xa9/_SUCCESS", NULL, "d", "\xc3\xa9t\xc3\xa9", NULL, 8 },
	};
	static const char *const bad[] = { "_SUCCESS", "d/_SUCCESS", "/t/x/_SUCCESS",
					   "d d/t/_SUCCESS", "d/\xff/_SUCCESS" };
	struct target_pattern *p;
	struct error err;
	struct target t;

	unit_test("the default pattern");
	CHECK(target_pattern_new(target_default_pattern, &p, &err) == 0);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		CHECK(target_match(p, good[i].object, &t, &err) == 0);
		CHECK(equal(t.project, good[i].project) && equal(t.dataset, good[i].dataset));
		CHECK(equal(t.table, good[i].table) && equal(t.partition, good[i].partition));
		CHECK(t.prefix == good[i].prefix);
		target_release(&t);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(target_match(p, bad[i], &t, &err) < 0 && err.code == ERR_DATA);
	target_pattern_free(p);
	unit_test(
		"a pattern that does not compile, or lacks a group, is a matter of configuration");
	CHECK(target_pattern_new("(?P<dataset>x", &p, &err) < 0 && err.code == ERR_CONFIG &&
	      strstr(err.message, "at byte 14"));
	CHECK(target_pattern_new("(?P<dataset>x)", &p, &err) < 0 &&
	      strstr(err.message, "no group table"));
	unit_test("a pattern that would run for ever is stopped");
	CHECK(target_pattern_new("(?P<dataset>(a+)+)(?P<table>b)", &p, &err) == 0);
	CHECK(target_match(p, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", &t, &err) < 0);
	target_pattern_free(p);
}

static void data_files(void)
{
	static const struct files_names names = { "_SUCCESS", "START_BACKFILL" };
	static const char *const no[] = {
		"_SUCCESS",          "a/_SUCCESS",  "START_BACKFILL", ".x",      "a/.x", ".a/x",
		"_config/load.json", "a/_config/x", "_backlog/x",     "_bqlock", "a/"
	};
	static const char *const yes[] = { "a",     "a/b",        "_SUCCESS.csv",
					   "a.b/c", "_configs/x", "x_SUCCESS" };

	unit_test("what is data");
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		CHECK(!files_is_data(&names, no[i]));
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		CHECK(files_is_data(&names, yes[i]));
}

int main(void)
{
	messages();
	delays();
	events();
	targets();
	data_files();
	return unit_done();
}
