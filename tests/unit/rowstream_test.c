/* The row stream's reader against every way in which a stream can be broken, and its writer. */
#include "lib/rowstream.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define BEGIN "{\"@begin\":{\"version\":1}}\n"

/* A file in memory that holds text, read from its start. */
static int file_of(const char *text, size_t length)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

/* Read all of it: the number of rows, or -1 with err. */
static int read_all(const char *text, size_t length, bool bare, struct error *err)
{
	struct rowstream_reader r = { 0 };
	int fd = file_of(text, length), rows = 0, rc;
	const char *row;
	size_t n;

	rc = rowstream_open(&r, fd, "stdin", bare, err);
	while (rc == 0 && (rc = rowstream_next(&r, &row, &n, err)) > 0) {
		rows++;
		rc = 0;
	}
	rowstream_release(&r);
	close(fd);
	return rc < 0 ? -1 : rows;
}

static void check_failure(const char *text, int code, const char *message)
{
	struct error err = { 0 };

	CHECK(read_all(text, strlen(text), false, &err) == -1);
	CHECK(err.code == code);
	CHECK_HAS(err.message, message);
}

static void test_whole_streams(void)
{
	static const char two[] = BEGIN "{\"a\":1}\n{\"a\":2}\n{\"@end\":{\"rows\":2}}\n";
	static const char none[] = BEGIN "{\"@end\":{\"rows\":0}}\n";
	struct error err;

	unit_test("a whole stream is read to its proven end");
	CHECK(read_all(two, sizeof two - 1, false, &err) == 2);
	unit_test("a whole stream may have no rows");
	CHECK(read_all(none, sizeof none - 1, false, &err) == 0);
}

static void test_broken_streams(void)
{
	unit_test("empty input is an error");
	check_failure("", ERR_DATA, "empty input");
	unit_test("a stream without @end is truncated");
	check_failure(BEGIN "{\"a\":1}\n", ERR_DATA, "no @end after 1 rows");
	unit_test("a stream cut inside a line is truncated");
	check_failure(BEGIN "{\"a\":1}\n{\"a\"", ERR_DATA, "truncated inside line 3");
	unit_test("an @end without its line feed is truncated");
	check_failure(BEGIN "{\"@end\":{\"rows\":0}}", ERR_DATA, "truncated inside line 2");
	unit_test("a wrong count is an error that says both");
	check_failure(BEGIN "{\"a\":1}\n{\"@end\":{\"rows\":2}}\n", ERR_DATA,
		      "says 2 rows, 1 came");
	unit_test("@end needs a count");
	check_failure(BEGIN "{\"@end\":{}}\n", ERR_DATA, "without rows");
	unit_test("a second @begin is an error");
	check_failure(BEGIN BEGIN, ERR_DATA, "second @begin");
	unit_test("bytes behind @end are an error");
	check_failure(BEGIN "{\"@end\":{\"rows\":0}}\nx", ERR_DATA, "bytes behind @end");
	unit_test("an unknown control record is an error that names it");
	check_failure(BEGIN "{\"@what\":{}}\n", ERR_DATA, "@what");
	unit_test("a malformed control record is an error");
	check_failure(BEGIN "{\"@end\":{\"rows\":0}\n", ERR_DATA, "malformed");
	unit_test("rows without @begin are no stream");
	check_failure("{\"a\":1}\n", ERR_DATA, "no @begin");
	unit_test("a stream cannot begin with @end");
	check_failure("{\"@end\":{\"rows\":0}}\n", ERR_DATA, "begins with @end");
	unit_test("another version is refused");
	check_failure("{\"@begin\":{\"version\":2}}\n", ERR_DATA, "version 2");
}

static void test_abort(void)
{
	unit_test("@abort hands its exit code and reason on");
	check_failure(BEGIN "{\"@abort\":{\"exit\":75,\"reason\":\"gone\"}}\n", 75, "gone");
	unit_test("@abort may be the only line");
	check_failure("{\"@abort\":{\"exit\":77,\"reason\":\"no\"}}\n", 77, "no");
	unit_test("an @abort with an undocumented code is bad input, not success");
	check_failure("{\"@abort\":{\"exit\":0,\"reason\":\"x\"}}\n", ERR_DATA, "x");
}

static void test_bare(void)
{
	static const char elastic[] = "{\"@timestamp\":1}\n{\"a\":2}";
	struct error err;

	unit_test("bare input has no control records, and its last line may lack the line feed");
	CHECK(read_all(elastic, sizeof elastic - 1, true, &err) == 2);
}

static void test_long_lines(void)
{
	size_t length = ROWSTREAM_LINE_MAX, begin = sizeof BEGIN - 1;
	static const char end[] = "\n{\"@end\":{\"rows\":1}}\n";
	char *text = malloc(begin + length + 1 + sizeof end);
	struct error err;

	if (!text)
		abort();
	memcpy(text, BEGIN, begin);
	memset(text + begin, 'x', length + 1);
	unit_test("a line of 100 MB is read");
	memcpy(text + begin + length, end, sizeof end);
	CHECK(read_all(text, begin + length + sizeof end - 1, false, &err) == 1);
	unit_test("a line over 100 MB is an error that names it");
	text[begin + length] = 'x';
	memcpy(text + begin + length + 1, end, sizeof end);
	CHECK(read_all(text, begin + length + sizeof end, false, &err) == -1);
	CHECK(err.code == ERR_DATA);
	CHECK_HAS(err.message, "line 2");
	free(text);
}

/* What was written to fd, NUL-terminated, in a static buffer. */
static const char *written(int fd)
{
	static char text[4096];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void test_writer(void)
{
	struct error failure = { .code = 75, .message = "lost \xff connection" }, err;
	struct rowstream_writer w;
	int fd = file_of("", 0);

	unit_test("the writer frames and counts rows");
	rowstream_writer_init(&w, fd, "stdout");
	CHECK(rowstream_write_begin(&w, NULL, &err) == 0);
	CHECK(rowstream_write_row(&w, "{}", 2, &err) == 0);
	CHECK(rowstream_write_end(&w, NULL, "rows", &err) == 0);
	CHECK(!strcmp(written(fd), BEGIN "{}\n{\"@end\":{\"rows\":1}}\n"));
	rowstream_write_abort(&w, &failure);
	CHECK(!strcmp(written(fd), BEGIN "{}\n{\"@end\":{\"rows\":1}}\n"));
	rowstream_writer_release(&w);
	close(fd);

	unit_test("an unfinished row is cut off before @abort, whose reason is valid UTF-8");
	fd = file_of("", 0);
	rowstream_writer_init(&w, fd, "stdout");
	CHECK(rowstream_write_begin(&w, NULL, &err) == 0);
	CHECK(buf_append(&w.out, "{\"half", 6, &err) == 0);
	rowstream_write_abort(&w, &failure);
	CHECK(!strcmp(written(fd),
		      BEGIN "{\"@abort\":{\"exit\":75,\"reason\":\"lost ? connection\"}}\n"));
	rowstream_writer_release(&w);
	close(fd);
}

static int allocations_left;

static void *failing_malloc(size_t n)
{
	return allocations_left-- == 0 ? NULL : malloc(n);
}

/* The allocation after so many fails: a record that lacks something is worse than none. */
static bool writes_all(int allowed)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);
	json_t *begin = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "table", "t", "source", "s", "scope",
				  "full", "a", "1", "b", "2", "at", "now");
	struct rowstream_writer w;
	char text[300] = "";
	struct error err;
	bool written;

	rowstream_writer_init(&w, fd, "stream");
	allocations_left = allowed;
	json_set_alloc_funcs(failing_malloc, free);
	written = rowstream_write_begin(&w, begin, &err) == 0;
	json_set_alloc_funcs(malloc, free);
	if (written) {
		CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
		CHECK_HAS(text, "\"at\":\"now\"");
		CHECK_HAS(text, "\"table\":\"t\"");
		CHECK_HAS(text, "\"version\":1");
	} else {
		CHECK(err.code == ERR_OS);
		CHECK(pread(fd, text, sizeof text - 1, 0) == 0);
	}
	json_decref(begin);
	rowstream_writer_release(&w);
	close(fd);
	return written;
}

static void test_memory(void)
{
	int allowed = 0;

	unit_test("@begin is whole or not written, whichever allocation fails");
	while (!writes_all(allowed))
		allowed++;
	CHECK(allowed > 6);
}

/* Read all records: their number, or -1 with err; the last one's kind and text. */
static int read_records(const char *text, char *last, size_t size, struct error *err)
{
	struct rowstream_reader r = { 0 };
	int fd = file_of(text, strlen(text)), count = 0, rc;
	json_t *inner, *record;
	const char *kind;

	rc = rowstream_open_records(&r, fd, "stdin", err);
	while (rc == 0 && (rc = rowstream_next_record(&r, &kind, &inner, &record, err)) > 0) {
		snprintf(last, size, "%s %s", kind,
			 json_string_value(json_object_get(inner, "id")));
		json_decref(record);
		count++;
		rc = 0;
	}
	/* Its end is an end for good. */
	CHECK(rc < 0 || rowstream_next_record(&r, &kind, &inner, &record, err) == 0);
	rowstream_release(&r);
	close(fd);
	return rc < 0 ? -1 : count;
}

static void refuses_records(const char *text, int code, const char *message)
{
	struct error err = { 0 };
	char last[64];

	CHECK(read_records(text, last, sizeof last, &err) == -1 && err.code == code);
	CHECK_HAS(err.message, message);
}

static void test_records(void)
{
	struct error err;
	char last[64] = "";

	unit_test("a stream of records hands out each, and is proven as rows are");
	CHECK(read_records(BEGIN "{\"@batch\":{\"id\":\"a\"}}\n{\"@batch\":{\"id\":\"b\"}}\n"
				 "{\"@end\":{\"records\":2}}\n",
			   last, sizeof last, &err) == 2);
	CHECK(!strcmp(last, "@batch b"));
	CHECK(read_records(BEGIN "{\"@end\":{\"records\":0}}\n", last, sizeof last, &err) == 0);
	unit_test("a stream of records that is cut, miscounted or of rows is refused");
	refuses_records("", ERR_DATA, "empty input");
	refuses_records("{\"@batch\":{}}\n", ERR_DATA, "begins with @batch, not with @begin");
	refuses_records(BEGIN "{\"@batch\":{}}\n", ERR_DATA, "no @end after 1 records");
	refuses_records(BEGIN "{\"@batch\":{}}", ERR_DATA, "truncated inside line 2");
	refuses_records(BEGIN "{\"@end\":{\"rows\":0}}\n", ERR_DATA, "@end without records");
	refuses_records(BEGIN "{\"@end\":{\"records\":1}}\n", ERR_DATA, "says 1 records, 0 came");
	refuses_records(BEGIN "{\"id\":1}\n", ERR_DATA, "a row in a stream of records");
	refuses_records(BEGIN "{\"@batch\":1}\n", ERR_DATA, "malformed control record");
	refuses_records(BEGIN "{\"@abort\":{\"exit\":69,\"reason\":\"no\"}}\n", ERR_REMOTE,
			"the producer failed: no");
}

int main(void)
{
	test_whole_streams();
	test_broken_streams();
	test_abort();
	test_bare();
	test_long_lines();
	test_writer();
	test_memory();
	test_records();
	return unit_done();
}
