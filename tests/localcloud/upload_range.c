/* Content-Range of resumable uploads: "bytes A-B/T", "bytes A-B/<star>", "bytes A-<star>/<star>", "bytes <star>/T". */
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/upload_impl.h"

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
