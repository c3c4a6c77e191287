/* The data of an object, all of it or a range. */
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/gcs_gunzip.h"
#include "tests/localcloud/json_util.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum range_kind { RANGE_NONE, RANGE_SOME, RANGE_BEYOND };

/* "bytes=A-B", "bytes=A-", "bytes=-N". What is malformed, or names several ranges, is ignored: RFC 9110 14.2. */
static enum range_kind read_range(const char *header, int64_t size, int64_t *from, int64_t *to)
{
	const char *dash;

	*from = 0;
	*to = size - 1;
	if (!header || strncmp(header, "bytes=", 6) != 0)
		return RANGE_NONE;
	header += 6;
	dash = strchr(header, '-');
	if (!dash)
		return RANGE_NONE;
	if (dash == header) {
		int64_t last;

		if (ju_parse_int64(dash + 1, strlen(dash + 1), &last) || last < 0)
			return RANGE_NONE;
		*from = last < size ? size - last : 0;
		return last > 0 && size > 0 ? RANGE_SOME : RANGE_BEYOND;
	}
	if (ju_parse_int64(header, (size_t)(dash - header), from) || *from < 0)
		goto none;
	if (dash[1] && (ju_parse_int64(dash + 1, strlen(dash + 1), to) || *to < *from))
		goto none;
	if (*to > size - 1)
		*to = size - 1;
	return *from < size ? RANGE_SOME : RANGE_BEYOND;
none:
	*from = 0;
	*to = size - 1;
	return RANGE_NONE;
}

static void set_headers(struct exchange *ex, const struct gcs_object *o, const char *etag,
			bool gunzipped)
{
	const char *crc = ju_string(o->resource, "crc32c", ""),
		   *md5 = ju_string(o->resource, "md5Hash", NULL),
		   *encoding = ju_string(o->resource, "contentEncoding", NULL),
		   *disposition = ju_string(o->resource, "contentDisposition", NULL);

	ex_set_header(ex, "X-Goog-Generation", "%" PRId64, o->generation);
	ex_set_header(ex, "X-Goog-Metageneration", "%" PRId64, o->metageneration);
	ex_set_header(ex, "X-Goog-Hash", "crc32c=%s%s%s", crc, md5 ? ",md5=" : "", md5 ? md5 : "");
	ex_set_header(ex, "X-Goog-Stored-Content-Length", "%" PRId64, o->size);
	ex_set_header(ex, "X-Goog-Stored-Content-Encoding", "%s", encoding ? encoding : "identity");
	ex_set_header(ex, "X-Goog-Storage-Class", "%s",
		      ju_string(o->resource, "storageClass", "STANDARD"));
	ex_set_header(ex, "ETag", "%s", etag);
	ex_set_header(ex, "Accept-Ranges", "bytes");
	if (gunzipped)
		ex_set_header(ex, "X-GUploader-Response-Body-Transformations", "gunzipped");
	else if (encoding)
		ex_set_header(ex, "Content-Encoding", "%s", encoding);
	if (disposition)
		ex_set_header(ex, "Content-Disposition", "%s", disposition);
	ex_set_header(ex, "Content-Type", "%s",
		      ju_string(o->resource, "contentType", "application/octet-stream"));
}

/* All of it, whatever range was asked for, and of a length that nobody knows before. */
static int answer_gunzipped(struct exchange *ex, int fd, struct api_error *err)
{
	int64_t size;
	int plain, rc = gcs_gunzip(ex, fd, &plain, &size, err);

	close(fd);
	if (rc)
		return -1;
	ex_answer_file(ex, 200, plain, 0, size);
	ex->file_streams = true;
	return 0;
}

int gcs_answer_media(struct exchange *ex, struct gcs_object *o, int fd, struct api_error *err)
{
	json_t *etag = gcs_etag(o->generation, o->metageneration);
	int64_t from, to;
	enum range_kind kind = read_range(ex_header(ex, "Range"), o->size, &from, &to);
	bool gunzip = gcs_gunzip_wanted(ex, o);
	int rc = 0;

	if (gunzip) {
		rc = answer_gunzipped(ex, fd, err);
		if (rc == 0)
			set_headers(ex, o, json_string_value(etag), true);
	} else if (kind == RANGE_BEYOND) {
		close(fd);
		ex_set_header(ex, "Content-Range", "bytes */%" PRId64, o->size);
		rc = api_fail_at(err, 416, "requestedRangeNotSatisfiable", "Range",
				 "The requested range cannot be satisfied.");
	} else {
		set_headers(ex, o, json_string_value(etag), false);
		if (kind == RANGE_SOME)
			ex_set_header(ex, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
				      from, to, o->size);
		ex_answer_file(ex, kind == RANGE_SOME ? 206 : 200, fd, from, to - from + 1);
	}
	json_decref(etag);
	gcs_object_release(o);
	return rc;
}
