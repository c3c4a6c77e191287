/* Resumable uploads against every turn that the protocol can take. */
#include "lib/google/resumable.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

enum { UNIT = RESUMABLE_CHUNK_UNIT };

#define STARTED                                                                      \
	{                                                                            \
		.status = 200, .headers = "Location: /session?upload_id=hunter2\r\n" \
	}
#define STORED(range)                                            \
	{                                                        \
		.status = 308, .headers = "Range: " range "\r\n" \
	}
#define JOB                                                  \
	{                                                    \
		.status = 200, .body = "{\"id\":\"p:US.j\"}" \
	}

/* One upload: script, api and session, begun and ended by the helpers below. */
struct upload {
	struct script *script;
	struct api api;
	struct resumable r;
	struct error err;
	char *data; /* two chunk units of distinct bytes */
};

static int begin(struct upload *u, const struct script_reply *replies, size_t count)
{
	json_t *metadata = json_pack("{s:s}", "job", "j");
	const struct resumable_options options = { .what = "load into p:d.t",
						   .path = "/projects/p/jobs?uploadType=resumable",
						   .metadata = metadata,
						   .content_type = "application/octet-stream" };
	int result;

	*u = (struct upload){ .script = script_start(replies, count), .data = malloc(2 * UNIT) };
	for (size_t i = 0; i < 2 * UNIT; i++)
		u->data[i] = (char)(i * 2654435761u >> 11);
	fixture_api(&u->api, u->script);
	result = resumable_start(&u->r, &u->api, &options, &u->err);
	json_decref(metadata);
	return result;
}

static void end(struct upload *u)
{
	CHECK(!strstr(u->err.message, "hunter2"));
	resumable_release(&u->r);
	api_close(&u->api);
	script_stop(u->script);
	free(u->data);
}

#define BEGIN(u, ...)                                                              \
	static const struct script_reply u##_replies[] = { STARTED, __VA_ARGS__ }; \
	struct upload u;                                                           \
	CHECK(begin(&u, u##_replies, sizeof u##_replies / sizeof *u##_replies) == 0)

/* The i-th request said this Content-Range and carried the bytes [from, from + n) of the data. */
static bool carried(struct upload *u, size_t i, const char *range, size_t from, size_t n)
{
	const struct script_request *r = script_request(u->script, i);
	char header[128];

	snprintf(header, sizeof header, "Content-Range: %s", range);
	return script_has_header(r, header) && r->body_length == n &&
	       !memcmp(r->body, u->data + from, n);
}

static void ranges(void)
{
	unit_test("a Range header says how many bytes are stored");
	CHECK(resumable_parse_range("bytes=0-42") == 43);
	CHECK(resumable_parse_range("0-42") == 43);
	CHECK(resumable_parse_range("") == 0);
	CHECK(resumable_parse_range("bytes=0-9223372036854775806") == INT64_MAX);
	unit_test("a Range header that is no range from 0 is refused");
	static const char *const bad[] = { "bytes=1-42",
					   "bytes=0-",
					   "bytes=",
					   "0",
					   "x",
					   "bytes=0-4x",
					   "bytes=0--4",
					   "bytes=0-9223372036854775807",
					   "bytes=0-99999999999999999999" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(resumable_parse_range(bad[i]) == -1);
}

static void whole_uploads(void)
{
	unit_test("chunks go in order, the last one says the total, its answer is the resource");
	{
		BEGIN(u, STORED("bytes=0-262143"), JOB);
		const struct script_request *start = script_request(u.script, 0);

		CHECK(!strcmp(
			start->line,
			"POST /upload/bigquery/v2/projects/p/jobs?uploadType=resumable HTTP/1.1"));
		CHECK(script_has_header(start, "X-Upload-Content-Type: application/octet-stream"));
		CHECK(!strcmp(start->body, "{\"job\":\"j\"}"));
		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) == 0 &&
		      u.r.state == RESUMABLE_OPEN);
		CHECK(resumable_put(&u.r, u.data + UNIT, 100, true, &u.err) == 0 &&
		      u.r.state == RESUMABLE_DONE);
		CHECK(u.r.offset == UNIT + 100 && json_object_get(u.r.resource, "id"));
		CHECK(!strcmp(script_request(u.script, 1)->line,
			      "PUT /session?upload_id=hunter2 HTTP/1.1"));
		CHECK(carried(&u, 1, "bytes 0-262143/*", 0, UNIT));
		CHECK(carried(&u, 2, "bytes 262144-262243/262244", UNIT, 100));
		unit_test("a finished upload takes nothing more");
		CHECK(resumable_put(&u.r, u.data, 1, true, &u.err) < 0 && u.err.code == ERR_BUG);
		end(&u);
	}
	unit_test("an upload that ends on a boundary is closed by an empty PUT");
	{
		BEGIN(u, STORED("0-262143"), JOB);
		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) == 0);
		CHECK(resumable_put(&u.r, NULL, 0, true, &u.err) == 0 &&
		      u.r.state == RESUMABLE_DONE);
		CHECK(carried(&u, 2, "bytes */262144", 0, 0));
		CHECK(script_has_header(script_request(u.script, 2), "Content-Length: 0"));
		end(&u);
	}
	unit_test("a chunk that is not the last must have whole units");
	{
		BEGIN(u, JOB);
		CHECK(resumable_put(&u.r, u.data, 100, false, &u.err) < 0 && u.err.code == ERR_BUG);
		CHECK(resumable_put(&u.r, u.data, 0, false, &u.err) == 0 &&
		      script_count(u.script) == 1);
		end(&u);
	}
}

static void partial_storage(void)
{
	unit_test("the rest of a chunk that was stored in part is sent again");
	{
		BEGIN(u, STORED("bytes=0-262143"), STORED("bytes=0-524287"), JOB);
		CHECK(resumable_put(&u.r, u.data, 2 * UNIT, false, &u.err) == 0);
		CHECK(carried(&u, 1, "bytes 0-524287/*", 0, 2 * UNIT));
		CHECK(carried(&u, 2, "bytes 262144-524287/*", UNIT, UNIT));
		CHECK(resumable_put(&u.r, u.data, 10, true, &u.err) == 0);
		CHECK(carried(&u, 3, "bytes 524288-524297/524298", 0, 10));
		end(&u);
	}
	unit_test(
		"no Range header means that nothing was stored: the chunk is sent again after asking");
	{
		BEGIN(u, { .status = 308 }, { .status = 308 }, STORED("bytes=0-262143"));
		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) == 0);
		CHECK(carried(&u, 2, "bytes */*", 0, 0) &&
		      carried(&u, 3, "bytes 0-262143/*", 0, UNIT));
		end(&u);
	}
	unit_test("a last chunk that is stored whole but not finished is finished");
	{
		BEGIN(u, STORED("bytes=0-99"), JOB);
		CHECK(resumable_put(&u.r, u.data, 100, true, &u.err) == 0 &&
		      u.r.state == RESUMABLE_DONE);
		CHECK(carried(&u, 2, "bytes */100", 0, 0));
		end(&u);
	}
	unit_test("a server that never stores anything is given up within the budget");
	{
		static const struct script_reply start[] = { STARTED,
							     { .status = 308 },
							     { .status = 503,
							       .headers = "Retry-After: 60\r\n" } };
		struct upload u;

		CHECK(begin(&u, start, 3) == 0);
		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) < 0 &&
		      u.err.code == ERR_TEMP);
		CHECK_HAS(u.err.message, "load into p:d.t: ");
		end(&u);
	}
}

static void interruptions(void)
{
	unit_test(
		"after a dropped connection the server is asked, and the upload goes on from there");
	{
		BEGIN(u, { .action = SCRIPT_DROP }, STORED("bytes=0-262143"),
		      STORED("bytes=0-524287"));
		CHECK(resumable_put(&u.r, u.data, 2 * UNIT, false, &u.err) == 0);
		CHECK(carried(&u, 2, "bytes */*", 0, 0) &&
		      carried(&u, 3, "bytes 262144-524287/*", UNIT, UNIT));
		end(&u);
	}
	unit_test("a question that fails is asked again");
	{
		BEGIN(u, { .status = 503 }, { .status = 502, .body = "<html>" },
		      { .action = SCRIPT_DROP }, STORED("bytes=0-262143"));
		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) == 0 &&
		      script_count(u.script) == 5);
		end(&u);
	}
	unit_test("the lost answer of the last chunk is found by asking");
	{
		BEGIN(u, { .action = SCRIPT_DROP }, JOB);
		CHECK(resumable_put(&u.r, u.data, 100, true, &u.err) == 0 &&
		      u.r.state == RESUMABLE_DONE);
		CHECK(carried(&u, 2, "bytes */100", 0, 0) && json_object_get(u.r.resource, "id"));
		end(&u);
	}
	unit_test("201 ends an upload as 200 does");
	{
		BEGIN(u, { .status = 201, .body = "{}" });
		CHECK(resumable_put(&u.r, u.data, 100, true, &u.err) == 0 &&
		      u.r.state == RESUMABLE_DONE);
		end(&u);
	}
}

/* A put of the last 100 bytes that must fail with this code, words, and no request beyond the script. */
static void fails(const struct script_reply *replies, size_t count, bool last, int code,
		  const char *words)
{
	struct upload u;

	CHECK(begin(&u, replies, count) == 0);
	CHECK(resumable_put(&u.r, u.data, UNIT, last, &u.err) < 0);
	CHECK(u.err.code == code);
	CHECK_HAS(u.err.message, words);
	CHECK(script_count(u.script) == count && u.r.offset == 0);
	end(&u);
}

#define FAILS(last, code, words, ...)                                                  \
	do {                                                                           \
		static const struct script_reply replies[] = { STARTED, __VA_ARGS__ }; \
		fails(replies, sizeof replies / sizeof *replies, last, code, words);   \
	} while (0)

static void failures(void)
{
	unit_test("a session that is gone is temporary: the run starts over");
	FAILS(false, ERR_TEMP, "the upload session is gone", { .status = 404 });
	FAILS(true, ERR_TEMP, "the upload session is gone", { .status = 503 }, { .status = 410 });
	unit_test("a server that breaks the protocol is told apart");
	FAILS(false, ERR_PROTOCOL, "ended an upload that goes on", JOB);
	FAILS(false, ERR_PROTOCOL, "more bytes than were sent", STORED("bytes=0-262144"));
	FAILS(false, ERR_PROTOCOL, "Range header makes no sense", STORED("bytes=5-9"));
	FAILS(true, ERR_PROTOCOL, "not JSON", { .status = 200, .body = "<html>" });
	unit_test("what the server refuses is said in its words");
	FAILS(true, ERR_REMOTE, "load into p:d.t: Provided Schema does not match (invalid)",
	      { .status = 400,
		.body = "{\"error\":{\"message\":\"Provided Schema does not match\",\"errors\":[{\"reason\":"
			"\"invalid\"}]}}" });
	FAILS(true, ERR_PERM, "load into p:d.t", { .status = 403 });
	unit_test("bytes of an earlier chunk that the server lost end the upload, temporary");
	{
		BEGIN(u, STORED("bytes=0-262143"), { .status = 503 }, STORED("bytes=0-99"));
		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) == 0);
		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) < 0 &&
		      u.err.code == ERR_TEMP);
		CHECK_HAS(u.err.message, "lost bytes");
		end(&u);
	}
}

static void conflicts(void)
{
	static const struct script_reply at_start[] = {
		{ .status = 409, .body = "{\"error\":{\"errors\":[{\"reason\":\"duplicate\"}]}}" },
	};
	struct upload u;

	unit_test("a job id that exists is the caller's to judge, at the start and at the end");
	CHECK(begin(&u, at_start, 1) == 0 && u.r.state == RESUMABLE_CONFLICT &&
	      u.r.error.status == 409);
	end(&u);
	{
		BEGIN(v, { .status = 409,
			   .body = "{\"error\":{\"errors\":[{\"reason\":\"duplicate\"}]}}" });
		CHECK(resumable_put(&v.r, v.data, 5, true, &v.err) == 0 &&
		      v.r.state == RESUMABLE_CONFLICT);
		CHECK(!strcmp(v.r.error.reason, "duplicate"));
		end(&v);
	}
}

static void locations(void)
{
	static const struct {
		const char *headers;
		bool good;
	} cases[] = {
		{ NULL, false },
		{ "Location: https://bigquery.googleapis.com/upload/x\r\n", true },
		{ "Location: https://evil.example/x\r\n", false },
		{ "Location: https://xgoogleapis.com/x\r\n", false },
		{ "Location: http://bigquery.googleapis.com/x\r\n", false },
	};

	unit_test("the token follows an upload session only to Google or back to the same server");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct script_reply replies[] = {
			{ .status = 200, .body = "{\"access_token\":\"t1\",\"expires_in\":3599}" },
			{ .status = 200, .headers = cases[i].headers },
		};
		struct script *s = script_start(replies, 2);
		json_t *metadata = json_object();
		const struct resumable_options options = { "w", "/projects/p/jobs", metadata,
							   "x/y" };
		struct api_options a_options = {
			.retry = { .initial_ms = 1, .max_ms = 1, .budget_ms = 1 }
		};
		struct resumable r = { 0 };
		struct error err;
		struct api a;

		setenv("BIGQUERY_EMULATOR_HOST", script_url(s), 1);
		a_options.credentials_file = fixture_file(fixture_service_account(script_url(s)));
		CHECK(api_open(&a, &a_options, &err) == 0);
		CHECK((resumable_start(&r, &a, &options, &err) == 0) == cases[i].good);
		CHECK(cases[i].good || err.code == ERR_PROTOCOL);
		resumable_release(&r);
		json_decref(metadata);
		api_close(&a);
		script_stop(s);
	}
}

static void cancelling(void)
{
	unit_test("an upload that was given up is deleted at the server, which says 499");
	{
		BEGIN(u, STORED("bytes=0-262143"), { .status = 503 }, { .status = 499 });

		CHECK(resumable_put(&u.r, u.data, UNIT, false, &u.err) == 0);
		CHECK(resumable_cancel(&u.r, &u.api, &u.err) == 0);
		CHECK(!strcmp(script_request(u.script, 3)->line,
			      "DELETE /session?upload_id=hunter2 HTTP/1.1"));
		end(&u);
	}
	unit_test("a session that is gone, or was never opened, needs no cancelling");
	{
		BEGIN(u, { .status = 404 });
		struct resumable none = { 0 };

		CHECK(resumable_cancel(&u.r, &u.api, &u.err) == 0);
		CHECK(resumable_cancel(&none, &u.api, &u.err) == 0 && script_count(u.script) == 2);
		end(&u);
	}
	unit_test("a server that refuses leaves it open whether the upload may yet end");
	{
		BEGIN(u, { .status = 403 });

		CHECK(resumable_cancel(&u.r, &u.api, &u.err) < 0 && u.err.code == ERR_PERM);
		end(&u);
	}
}

int main(void)
{
	fixture_clean_environment();
	ranges();
	whole_uploads();
	partial_storage();
	interruptions();
	failures();
	conflicts();
	locations();
	cancelling();
	return unit_done();
}
