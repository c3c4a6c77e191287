/* Cloud Storage's methods: names, paths, three-way results, the check of what was stored. */
#include "lib/google/storage.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static void is_line(struct script *s, size_t i, const char *line)
{
	char whole[512];

	snprintf(whole, sizeof whole, "%s HTTP/1.1", line);
	CHECK_HAS(script_request(s, i)->line, whole);
}

static void uris(void)
{
	static const char *const bad[] = {
		"s3://bucket/x",    "gs:/bucket/x",  "gs://",          "gs:///x",
		"gs://ab/x",        "gs://Bucket/x", "gs://-bucket/x", "gs://buck et/x",
		"gs://bucket/a\nb", "bucket/x",
	};
	struct storage_uri u;
	struct error err;
	char longer[1100] = "gs://bucket/";

	unit_test("gs://BUCKET/NAME is taken apart, and the name left as it is");
	CHECK(storage_uri_parse("gs://my-bucket/a/b%20c ü", &u, &err) == 0 &&
	      !strcmp(u.bucket, "my-bucket") && !strcmp(u.name, "a/b%20c ü"));
	storage_uri_release(&u);
	CHECK(storage_uri_parse("gs://bucket", &u, &err) == 0 && !*u.name);
	storage_uri_release(&u);
	unit_test("what is no bucket, or no name, is refused with the whole text");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK(storage_uri_parse(bad[i], &u, &err) < 0 && err.code == ERR_USAGE);
		CHECK_HAS(err.message, bad[i]);
	}
	memset(longer + 12, 'x', 1025);
	CHECK(storage_uri_parse(longer, &u, &err) < 0);
	longer[12 + 1024] = '\0';
	CHECK(storage_uri_parse(longer, &u, &err) == 0);
	storage_uri_release(&u);
}

static void methods(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .body = "{\"location\":\"EU\"}" },
		{ .status = 404 },
		{ .status = 200, .body = "{\"name\":\"a/b\"}" },
		{ .status = 404 },
		{ .status = 204 },
		{ .status = 404 },
		{ .status = 403 },
		{ .status = 200, .body = "{\"nextPageToken\":\"n\"}" },
		{ .status = 200, .body = "{}" },
		{ .status = 404 },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	const struct storage_list first = { .prefix = "a b/" };
	const struct storage_list next = {
		.prefix = "a/", .delimiter = "/", .fields = "items(name)", .page_token = "n="
	};
	json_t *got = NULL;
	struct error err;
	struct api a;

	fixture_storage_api(&a, s);
	unit_test("buckets.get: the bucket, or 0");
	CHECK(storage_bucket_get(&a, "bkt", &got, &err) == 1 && json_object_get(got, "location"));
	is_line(s, 0, "GET /storage/v1/b/bkt");
	json_decref(got);
	CHECK(storage_bucket_get(&a, "bkt", &got, &err) == 0);
	unit_test("objects.get: the slashes of a name are escaped");
	CHECK(storage_object_get(&a, "bkt", "a/b c", &got, &err) == 1);
	is_line(s, 2, "GET /storage/v1/b/bkt/o/a%2Fb%20c");
	json_decref(got);
	CHECK(storage_object_get(&a, "bkt", "a", &got, &err) == 0);
	unit_test("objects.delete: 1, 0 when it was not there, and ERR_PERM");
	CHECK(storage_object_delete(&a, "bkt", "a/b", &err) == 1);
	is_line(s, 4, "DELETE /storage/v1/b/bkt/o/a%2Fb");
	CHECK(storage_object_delete(&a, "bkt", "a/b", &err) == 0);
	CHECK(storage_object_delete(&a, "bkt", "a/b", &err) < 0 && err.code == ERR_PERM);
	CHECK_HAS(err.message, "gs://bkt/a/b");
	unit_test("objects.list: a page at a time");
	CHECK(storage_objects_list(&a, "bkt", &first, &got, &err) == 1);
	is_line(s, 7, "GET /storage/v1/b/bkt/o?prefix=a%20b%2F");
	json_decref(got);
	CHECK(storage_objects_list(&a, "bkt", &next, &got, &err) == 1);
	is_line(s, 8,
		"GET /storage/v1/b/bkt/o?prefix=a%2F&delimiter=%2F&fields=items%28name%29"
		"&pageToken=n%3D");
	json_decref(got);
	CHECK(storage_objects_list(&a, "bkt", &first, &got, &err) == 0);
	api_close(&a);
	script_stop(s);
}

static void uploads(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .headers = "Location: /session\r\n" },
		{ .status = 200, .body = "{\"name\":\"a/b\"}" },
		{ .status = 412 },
	};
	struct script *s = script_start(replies, sizeof replies / sizeof *replies);
	struct resumable r = { 0 };
	struct error err;
	struct api a;

	fixture_storage_api(&a, s);
	unit_test("an upload makes a new object, and only a new one");
	CHECK(storage_upload_start(&r, &a, "bkt", "a/b", "text/plain", &err) == 0);
	is_line(s, 0,
		"POST /upload/storage/v1/b/bkt/o?uploadType=resumable&ifGenerationMatch=0"
		"&name=a%2Fb");
	CHECK(script_has_header(script_request(s, 0), "X-Upload-Content-Type: text/plain"));
	CHECK(!strcmp(script_request(s, 0)->body,
		      "{\"name\":\"a/b\",\"contentType\":\"text/plain\"}"));
	CHECK(resumable_put(&r, "x", 1, true, &err) == 0 && r.state == RESUMABLE_DONE);
	resumable_release(&r);
	unit_test("where there is such an object, the upload ends in CONFLICT");
	CHECK(storage_upload_start(&r, &a, "bkt", "a/b", "text/plain", &err) == 0 &&
	      r.state == RESUMABLE_CONFLICT);
	resumable_release(&r);
	api_close(&a);
	script_stop(s);
}

static void is_verified(const char *resource, int code)
{
	json_t *object = json_loads(resource, 0, NULL);
	struct error err = { 0 };
	/* Of "123456789", whose CRC-32C every description of it gives. */
	int rc = storage_object_verify(object, 9, 0xe3069283, &err);

	CHECK(rc == (code ? -1 : 0) && err.code == code);
	json_decref(object);
}

static void verifying(void)
{
	unit_test("size and CRC-32C of the answer must be those of what was sent");
	is_verified("{\"name\":\"o\",\"size\":\"9\",\"crc32c\":\"4waSgw==\"}", 0);
	is_verified("{\"name\":\"o\",\"size\":\"8\",\"crc32c\":\"4waSgw==\"}", ERR_TEMP);
	is_verified("{\"name\":\"o\",\"size\":\"9\",\"crc32c\":\"4waSgg==\"}", ERR_TEMP);
	unit_test("an answer without them proves nothing");
	is_verified("{\"name\":\"o\",\"size\":\"9\"}", ERR_PROTOCOL);
	is_verified("{\"crc32c\":\"4waSgw==\"}", ERR_PROTOCOL);
	is_verified("{\"size\":\"9\",\"crc32c\":\"4waS\"}", ERR_PROTOCOL);
	is_verified("{\"size\":9,\"crc32c\":\"4waSgw==\"}", ERR_PROTOCOL);
}

int main(void)
{
	fixture_clean_environment();
	uris();
	methods();
	uploads();
	verifying();
	return unit_done();
}
