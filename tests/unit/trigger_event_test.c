/* What dtstrigger makes of its input, and which run it takes for one that covers a change. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"
#include "tests/unit/unit.h"
#include "trigger/dts_cover.h"
#include "trigger/dts_time.h"
#include "trigger/event.h"
#include "trigger/event_input.h"

/* --- time --------------------------------------------------------------------------------------- */

static bool is_time(const char *text, const char *want)
{
	char out[DTS_TIME_SIZE];
	int64_t ns;

	if (!dts_time_parse(text, &ns))
		return false;
	dts_time_format(ns, out);
	return !strcmp(out, want);
}

static void times(void)
{
	static const char *const bad[] = {
		"",
		"2026-01-31",
		"2026-01-31T10:00:00",
		"2026-01-31 10:00:00Z",
		"2026-02-30T10:00:00Z",
		"2025-02-29T10:00:00Z",
		"2026-13-01T10:00:00Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T10:00:00.Z",
		"2026-01-31T10:00:00.1234567890Z",
		"2026-01-31T10:00:00Z ",
		"2026-01-31T10:00:00+1:00",
		"1969-12-31T23:59:59Z",
		"2026-1-31T10:00:00Z",
		"-026-01-31T10:00:00Z",
	};
	int64_t a, b;

	unit_test("points in time are read to the nanosecond, in any zone");
	CHECK(is_time("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"));
	CHECK(is_time("2026-01-31T10:00:00.5Z", "2026-01-31T10:00:00.500Z"));
	CHECK(is_time("2026-01-31T10:00:00.123456Z", "2026-01-31T10:00:00.123456Z"));
	CHECK(is_time("2024-02-29T23:59:59.000000001Z", "2024-02-29T23:59:59.000000001Z"));
	CHECK(is_time("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"));
	CHECK(is_time("2026-01-31T10:00:00-02:30", "2026-01-31T12:30:00Z"));
	CHECK(dts_time_parse("2026-01-31T10:00:00.1Z", &a) &&
	      dts_time_parse("2026-01-31T10:00:00.09Z", &b) && a > b);
	unit_test("what is none is refused");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!dts_time_parse(bad[i], &a));
	unit_test("a date is its midnight");
	CHECK(dts_time_parse_day("2026-01-31", &a) && dts_time_parse("2026-01-31T00:00:00Z", &b) &&
	      a == b);
}

/* --- events ------------------------------------------------------------------------------------- */

/* An entry with its resource type, severity, method and permission. */
static json_t *entry(const char *type, const char *severity, const char *method,
		     const char *permission)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:{s:s,s:s}},s:{s:s,s:[{s:s,s:s},{s:s,s:b}]}}",
			 "insertId", "i1", "timestamp", "2026-01-31T10:00:00.25Z",
			 "receiveTimestamp", "2026-01-31T10:00:09Z", "severity", severity,
			 "resource", "type", type, "labels", "dataset_id", "shop", "project_id",
			 "src", "protoPayload", "methodName", method, "authorizationInfo",
			 "permission", "bigquery.tables.get", "resource", "x", "permission",
			 permission, "granted", 1);
}

#define METHOD(name) "google.cloud.bigquery.v2." name

/* 1, 0, -1 as event_parse's. Steals line. */
static int parse(json_t *line, struct change *ret, struct error *err)
{
	int rc = event_parse(line, ret, err);

	json_decref(line);
	return rc;
}

static int passes(const char *type, const char *severity, const char *method,
		  const char *permission)
{
	struct change c = { .project = NULL };
	struct error err;
	int rc = parse(entry(type, severity, method, permission), &c, &err);

	change_release(&c);
	return rc;
}

static void filter(void)
{
	static const char data[] = "bigquery.tables.updateData";

	unit_test("a job that may write data, and what makes or alters a table, are changes");
	CHECK(passes("bigquery_dataset", "INFO", METHOD("JobService.InsertJob"), data) == 1);
	CHECK(passes("bigquery_dataset", "NOTICE", METHOD("TableService.InsertTable"), "x") == 1);
	CHECK(passes("bigquery_dataset", "NOTICE", METHOD("TableService.PatchTable"), "x") == 1);
	CHECK(passes("bigquery_dataset", "NOTICE", METHOD("TableService.UpdateTable"), "x") == 1);
	unit_test("errors, other resources, other methods and jobs that only read are none");
	CHECK(passes("bigquery_dataset", "ERROR", METHOD("JobService.InsertJob"), data) == 0);
	CHECK(passes("bigquery_project", "INFO", METHOD("JobService.InsertJob"), data) == 0);
	CHECK(passes("bigquery_dataset", "INFO", METHOD("JobService.InsertJob"),
		     "bigquery.tables.getData") == 0);
	CHECK(passes("bigquery_dataset", "INFO", METHOD("TableService.DeleteTable"), data) == 0);
	CHECK(passes("bigquery_dataset", "INFO", METHOD("XJobService.InsertJob"), data) == 0);
	CHECK(passes("bigquery_dataset", "INFO", METHOD("TableService.InsertTables"), data) == 0);
}

static void entries(void)
{
	struct change c = { .project = NULL };
	struct error err;
	json_t *line = entry("bigquery_dataset", "INFO", METHOD("TableService.InsertTable"), "x");
	json_t *denied = entry("bigquery_dataset", "INFO", METHOD("JobService.InsertJob"),
			       "bigquery.tables.updateData");
	int64_t at;

	unit_test("an entry is a change of its dataset at its timestamp");
	CHECK(event_parse(line, &c, &err) == 1);
	CHECK(dts_time_parse("2026-01-31T10:00:00.25Z", &at) && c.at_ns == at);
	CHECK(!strcmp(c.dataset, "shop") && !strcmp(c.project, "src") && !strcmp(c.id, "i1"));
	change_release(&c);
	unit_test("without timestamp that of its receipt counts; without both it is 65");
	json_object_del(line, "timestamp");
	CHECK(event_parse(line, &c, &err) == 1);
	CHECK(dts_time_parse("2026-01-31T10:00:09Z", &at) && c.at_ns == at);
	change_release(&c);
	json_object_del(line, "receiveTimestamp");
	CHECK(event_parse(line, &c, &err) < 0 && err.code == ERR_DATA);
	CHECK_HAS(err.message, "entry i1: timestamp is missing");
	json_object_set_new(line, "timestamp", json_string("yesterday"));
	CHECK(event_parse(line, &c, &err) < 0 && err.code == ERR_DATA);
	unit_test("without a dataset it is 65");
	json_object_del(json_object_get(json_object_get(line, "resource"), "labels"), "dataset_id");
	CHECK(event_parse(line, &c, &err) < 0 && err.code == ERR_DATA);
	CHECK_HAS(err.message, "dataset_id is missing");
	json_decref(line);
	unit_test("a permission that was not granted is none");
	json_object_set_new(json_array_get(json_object_get(json_object_get(denied, "protoPayload"),
							   "authorizationInfo"),
					   1),
			    "granted", json_false());
	CHECK(parse(denied, &c, &err) == 0);
}

static int parse_text(const char *text, struct change *ret, struct error *err)
{
	return parse(json_loads(text, 0, NULL), ret, err);
}

static void carriers(void)
{
	static const char base64[] =
		"eyJpbnNlcnRJZCI6ImIiLCJ0aW1lc3RhbXAiOiIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsInJlc291cmNlIjp7"
		"InR5cGUiOiJiaWdxdWVyeV9kYXRhc2V0IiwibGFiZWxzIjp7ImRhdGFzZXRfaWQiOiJkIn19LCJwcm90b1Bh"
		"eWxvYWQiOnsibWV0aG9kTmFtZSI6IlRhYmxlU2VydmljZS5QYXRjaFRhYmxlIn19";
	json_t *inner = entry("bigquery_dataset", "INFO", METHOD("TableService.PatchTable"), "x");
	struct change c = { .project = NULL };
	struct error err;

	unit_test("an entry in a @message, as JSON or as data, and in a push request, is the same");
	CHECK(parse(json_pack("{s:{s:s,s:o}}", "@message", "id", "7", "json", inner), &c, &err) ==
		      1 &&
	      !strcmp(c.id, "i1"));
	change_release(&c);
	CHECK(parse(json_pack("{s:{s:s,s:s}}", "@message", "id", "7", "data", base64), &c, &err) ==
		      1 &&
	      !strcmp(c.dataset, "d"));
	change_release(&c);
	CHECK(parse(json_pack("{s:{s:s,s:s},s:s}", "message", "messageId", "7", "data", base64,
			      "subscription", "s"),
		    &c, &err) == 1 &&
	      !strcmp(c.id, "b"));
	change_release(&c);
	unit_test("a message that is no entry is 65 and named");
	CHECK(parse_text("{\"@message\":{\"id\":\"8\",\"data\":\"aGk=\"}}", &c, &err) < 0 &&
	      err.code == ERR_DATA);
	CHECK_HAS(err.message, "message 8: it is no entry");
	CHECK(parse_text("{\"@message\":{\"id\":\"8\",\"data\":\"!\"}}", &c, &err) < 0);
	CHECK(parse_text("{\"@message\":{\"id\":\"8\"}}", &c, &err) < 0);
	CHECK(parse_text("{\"@message\":{\"id\":\"8\",\"json\":{\"a\":1}}}", &c, &err) < 0);
	unit_test("other lines are 65; an entry of another kind is passed over");
	CHECK(parse_text("{\"a\":1}", &c, &err) < 0 && err.code == ERR_DATA);
	CHECK(parse_text("[]", &c, &err) < 0 && err.code == ERR_DATA);
	CHECK(parse_text("{\"@loaded\":{\"table\":\"d.t\"}}", &c, &err) < 0 &&
	      err.code == ERR_DATA);
	CHECK(parse_text(
		      "{\"logName\":\"l\",\"resource\":{\"type\":\"gce_instance\"},\"textPayload\":"
		      "\"x\"}",
		      &c, &err) == 0);
}

static int parse_loaded(const char *text, struct change *ret, struct error *err)
{
	json_t *loaded = json_loads(text, 0, NULL);
	int rc = event_parse_loaded(loaded, ret, err);

	json_decref(loaded);
	return rc;
}

static void loads(void)
{
	struct change c = { .project = NULL };
	struct error err;
	int64_t at;

	unit_test("@loaded is a change of the table's dataset at the end of the job");
	CHECK(parse_loaded(
		      "{\"table\":\"p.d.t$2026\",\"job\":\"p:US.j\",\"at\":\"2026-01-01T00:00:00."
		      "000001Z\"}",
		      &c, &err) == 1);
	CHECK(dts_time_parse("2026-01-01T00:00:00.000001Z", &at) && c.at_ns == at);
	CHECK(!strcmp(c.dataset, "d") && !strcmp(c.project, "p") && !strcmp(c.id, "p:US.j"));
	change_release(&c);
	unit_test("where there was nothing to load nothing has changed");
	CHECK(parse_loaded("{\"table\":\"p.d.t\",\"job\":null,\"at\":\"2026-01-01T00:00:00Z\"}", &c,
			   &err) == 0);
	unit_test("without a table, or the end of its job, it is 65");
	CHECK(parse_loaded("{\"job\":\"j\"}", &c, &err) < 0 && err.code == ERR_DATA);
	CHECK(parse_loaded("{\"table\":\"p.d.t\",\"job\":\"j\"}", &c, &err) < 0 &&
	      err.code == ERR_DATA);
	CHECK(parse_loaded("{\"table\":\"t\",\"job\":\"j\",\"at\":\"2026-01-01T00:00:00Z\"}", &c,
			   &err) < 0 &&
	      err.code == ERR_DATA);
}

/* --- input -------------------------------------------------------------------------------------- */

static int read_text(const char *text, const struct event_filter *wanted, struct changes *ret,
		     struct error *err)
{
	int fds[2], rc;

	if (pipe(fds) < 0 || write(fds[1], text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fds[1]);
	rc = changes_read(ret, fds[0], wanted, err);
	close(fds[0]);
	return rc;
}

#define LOADED(table, at)                                                                 \
	"{\"@loaded\":{\"table\":\"" table "\",\"job\":\"j" at "\",\"at\":\"2026-01-0" at \
	"T00:00:00Z\"}}\n"
#define BEGIN "{\"@begin\":{\"version\":1}}\n"

static void input(void)
{
	struct event_filter all = { .datasets = NULL }, together = { .together = true };
	struct changes c = { .item = NULL };
	struct error err;

	unit_test("of the changes of a dataset the last one counts, however they come");
	CHECK(read_text(BEGIN LOADED("p.a.t", "1") LOADED("p.b.t", "2") LOADED("p.a.u", "3")
				LOADED("p.a.v", "2") "{\"@end\":{\"records\":4}}\n",
			&all, &c, &err) == 0);
	CHECK(c.count == 2 && c.item[0].count == 3 && !strcmp(c.item[0].last.id, "j3"));
	CHECK(c.item[1].count == 1 && !strcmp(c.item[1].last.dataset, "b"));
	changes_release(&c);
	CHECK(read_text(BEGIN LOADED("p.a.t", "1")
				LOADED("p.b.t", "2") "{\"@end\":{\"records\":2}}\n",
			&together, &c, &err) == 0);
	CHECK(c.count == 1 && c.item[0].count == 2 && !strcmp(c.item[0].last.dataset, "b"));
	changes_release(&c);
	unit_test("a stream that is cut, or failed, is a failure; what had come is known");
	CHECK(read_text(BEGIN LOADED("p.a.t", "1"), &all, &c, &err) < 0 && err.code == ERR_DATA &&
	      c.count == 1);
	changes_release(&c);
	CHECK(read_text(BEGIN LOADED("p.a.t", "1") "{\"@abort\":{\"exit\":75,\"reason\":\"r\"}}\n",
			&all, &c, &err) < 0 &&
	      err.code == 75 && c.count == 1);
	changes_release(&c);
	CHECK(read_text("{\"@abort\":{\"exit\":75,\"reason\":\"r\"}}\n", &all, &c, &err) < 0 &&
	      err.code == 75);
	CHECK(read_text(BEGIN LOADED("p.a.t", "1") "{\"@end\":{\"records\":2}}\n", &all, &c, &err) <
	      0);
	changes_release(&c);
	CHECK(read_text(BEGIN "{\"@batch\":{}}\n{\"@end\":{\"records\":1}}\n", &all, &c, &err) <
		      0 &&
	      err.code == ERR_DATA);
	CHECK_HAS(err.message, "line 2: unknown control record @batch");
	unit_test("no input at all is one; a stream of no records is none");
	CHECK(read_text("", &all, &c, &err) < 0 && err.code == ERR_DATA);
	CHECK(read_text(BEGIN "{\"@end\":{\"records\":0}}\n", &all, &c, &err) == 0 && c.count == 0);
	unit_test("a line that is not understood does not keep the others from being read");
	CHECK(read_text(
		      "{\"no\":1}\nx\n{\"insertId\":\"i\",\"timestamp\":\"2026-01-01T00:00:00Z\","
		      "\"resource\":{\"type\":\"bigquery_dataset\",\"labels\":{\"dataset_id\":\"d\"}},"
		      "\"protoPayload\":{\"methodName\":\"TableService.InsertTable\"}}\n",
		      &all, &c, &err) < 0 &&
	      c.count == 1);
	CHECK_HAS(err.message, "line 1: neither");
	changes_release(&c);
}

static bool is_wanted(const char *project, const char *dataset)
{
	char a[] = "a", b[] = "p.b", c[] = "q:c", *names[] = { a, b, c, NULL };
	struct event_filter some = { .datasets = names };
	struct change change = { .project = project ? strdup(project) : NULL,
				 .dataset = strdup(dataset) };
	bool found = event_is_wanted(&some, &change);

	change_release(&change);
	return found;
}

static void wanted(void)
{
	unit_test(
		"datasets that are not wanted are passed over, with their project where it is told");
	CHECK(is_wanted("x", "a") && is_wanted("p", "b") && is_wanted(NULL, "c"));
	CHECK(!is_wanted("xp", "b") && !is_wanted(NULL, "xa") && !is_wanted("p", "d"));
}

/* --- cover -------------------------------------------------------------------------------------- */

/* The name of the run among `runs` that covers a change at 12:00; "-" none; "… running NAME". */
static bool covered(const char *runs, const char *run, const char *running)
{
	json_t *list = json_loads(runs, 0, NULL);
	struct cover c = { .run = NULL };
	struct error err;
	int64_t at;
	bool same;

	if (!list || !dts_time_parse("2026-01-01T12:00:00Z", &at) ||
	    cover_add(&c, list, at, &err) < 0)
		return false;
	same = !strcmp(run_name(c.run), run) && !strcmp(run_name(c.running), running);
	cover_release(&c);
	json_decref(list);
	return same;
}

#define RUN(name, state, start) \
	"{\"name\":\"" name "\",\"state\":\"" state "\",\"startTime\":\"2026-01-01T" start "Z\"}"
#define PENDING(name) "{\"name\":\"" name "\",\"state\":\"PENDING\"}"

static void cover(void)
{
	json_t *bad =
		json_pack("[{s:s,s:s,s:s}]", "name", "n", "state", "RUNNING", "startTime", "x");
	struct cover c = { .run = NULL };
	struct error err;

	unit_test("a run that is PENDING, or started after the change, covers it");
	CHECK(covered("[" PENDING("a") "]", "a", ""));
	CHECK(covered("[" RUN("a", "RUNNING", "12:00:00.001") "]", "a", ""));
	CHECK(covered("[" RUN("a", "SUCCEEDED", "12:00:01") "]", "a", ""));
	unit_test("one that started before, or in the same instant, does not");
	CHECK(covered("[" RUN("a", "SUCCEEDED", "12:00:00") "]", "", ""));
	CHECK(covered("[" RUN("a", "RUNNING", "12:00:00") "]", "", "a"));
	CHECK(covered("[" RUN("a", "RUNNING", "11:59:59.999999999") "]", "", "a"));
	CHECK(covered("[]", "", ""));
	unit_test("one that has FAILED or was CANCELLED does not, whenever it started");
	CHECK(covered("[" RUN("a", "FAILED", "13:00:00") "," RUN("b", "CANCELLED", "13:00:00") "]",
		      "", ""));
	CHECK(covered("[{\"name\":\"a\",\"state\":\"TRANSFER_STATE_UNSPECIFIED\"}]", "", ""));
	unit_test("of several the one that is furthest is named");
	CHECK(covered("[" PENDING("a") "," RUN("b", "SUCCEEDED",
					       "13:00:00") "," RUN("c", "RUNNING", "13:00:00") "]",
		      "b", ""));
	CHECK(covered("[" RUN("a", "RUNNING", "11:00:00") "," PENDING("b") "]", "b", "a"));
	unit_test("a startTime that is none is a broken protocol");
	CHECK(cover_add(&c, bad, 0, &err) < 0 && err.code == ERR_PROTOCOL);
	cover_release(&c);
	json_decref(bad);
}

int main(void)
{
	struct error err;

	if (signals_init(&err) < 0)
		return 1;
	times();
	filter();
	entries();
	carriers();
	loads();
	input();
	wanted();
	cover();
	return unit_done();
}
