#include "tests/localcloud/gcs_gunzip.h"

#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

bool gcs_gunzip_wanted(const struct exchange *ex, const struct gcs_object *o)
{
	const char *accept = ex_header(ex, "Accept-Encoding");

	return strcasecmp(ju_string(o->resource, "contentEncoding", ""), "gzip") == 0 &&
	       !(accept && strcasestr(accept, "gzip")) &&
	       !strstr(ju_string(o->resource, "cacheControl", ""), "no-transform");
}

static int inflate_into(int from, int to, int64_t *size)
{
	char buf[65536];
	int n = -1, copy = dup(from);
	gzFile gz = copy >= 0 ? gzdopen(copy, "rb") : NULL;

	*size = 0;
	while (gz && (n = gzread(gz, buf, sizeof(buf))) > 0) {
		if (write(to, buf, (size_t)n) != n) {
			n = -1;
			break;
		}
		*size += n;
	}
	if (!gz && copy >= 0)
		close(copy);
	/* Z_BUF_ERROR: the end of the gzip stream is missing. */
	return gz && gzclose(gz) == Z_OK && n == 0 ? 0 : -1;
}

int gcs_gunzip(struct exchange *ex, int fd, int *plain, int64_t *size, struct api_error *err)
{
	char *path;
	int file = gcs_file_create(ex->server->gcs, &path, err);

	if (file < 0)
		return -1;
	unlink(path);
	free(path);
	if (inflate_into(fd, file, size)) {
		close(file);
		return api_fail(err, 503, "backendError", "The object is no whole gzip file.");
	}
	*plain = file;
	return 0;
}
