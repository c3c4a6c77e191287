/* Content-Range of resumable uploads: "bytes A-B/T", "bytes A-B/<star>", "bytes A-<star>/<star>", "bytes <star>/T". */
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/upload_impl.h"

#include <inttypes.h>
#include <string.h>

/* Digits up to stop, or a star as -1. */
static int number(const char **p, const char *stop, int64_t *ret)
{
	size_t n = strcspn(*p, stop);
	const char *text = *p;

	*p += n;
	*ret = -1;
	if (n == 1 && *text == '*')
		return 0;
	return ju_parse_int64(text, n, ret) || *ret < 0 ? -1 : 0;
}

int content_range_parse(const char *header, struct content_range *ret, struct api_error *err)
{
	const char *p = header;

	/* Without the header the body is all of it. */
	*ret = (struct content_range){ 0, -1, -1 };
	if (!header)
		return 0;
	if (strncmp(p, "bytes ", 6) != 0)
		goto bad;
	p += 6;
	if (*p == '*' && p[1] == '/') {
		ret->from = -1;
		p++;
	} else {
		if (number(&p, "-", &ret->from) || *p++ != '-' || ret->from < 0 ||
		    number(&p, "/", &ret->to))
			goto bad;
		if (ret->to >= 0 && ret->to < ret->from)
			goto bad;
	}
	if (*p++ != '/' || number(&p, "", &ret->total))
		goto bad;
	return 0;
bad:
	return api_fail_at(err, 400, "invalid", "Content-Range",
			   "Failed to parse Content-Range header: %s", header);
}

int64_t upload_content_length(const struct exchange *ex)
{
	const char *text = ex_header(ex, "Content-Length");
	int64_t n;

	return text && ju_parse_int64(text, strlen(text), &n) == 0 ? n : -1;
}

int content_range_bad(struct api_error *err, const char *what)
{
	return api_fail_at(err, 400, "invalid", "Content-Range", "Invalid request. %s", what);
}

int content_range_check(const struct exchange *ex, const struct content_range *r,
			const struct session *s, struct api_error *err)
{
	int64_t length = r->to >= 0 ? r->to - r->from + 1 : -1, body = upload_content_length(ex);

	if (r->total >= 0 && s->total >= 0 && r->total != s->total)
		return content_range_bad(err, "The total differs from the one given before.");
	if (r->total >= 0 && r->total < s->stored)
		return content_range_bad(err, "The total is less than what has been uploaded.");
	if (r->from < 0)
		return body > 0 ? content_range_bad(err, "A question for the state has no body.")
				: 0;
	if (r->from > s->stored)
		return api_fail_at(
			err, 400, "invalid", "Content-Range",
			"Invalid request. According to the Content-Range header, the upload offset is %" PRId64
			" byte(s), which exceeds already uploaded size of %" PRId64 " byte(s).",
			r->from, s->stored);
	if (length >= 0 && body >= 0 && body != length)
		return content_range_bad(err, "Content-Length and Content-Range differ.");
	if (length >= 0 && r->total >= 0 && r->to >= r->total)
		return content_range_bad(err, "The range ends behind the total.");
	if (length >= 0 && (r->total < 0 || r->to + 1 < r->total) && length % UPLOAD_CHUNK != 0)
		return api_fail_at(
			err, 400, "invalid", "Content-Range",
			"Invalid request. The number of bytes uploaded is required to be a multiple of %d, except for the final "
			"request. The received request contained %" PRId64
			" bytes, which does not meet this requirement.",
			UPLOAD_CHUNK, length);
	return 0;
}
