/* uploadType=multipart: a JSON part, then the data, which are streamed to the spool file. */
#include "tests/localcloud/upload_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The JSON part and both parts' headers must fit. */
#define MAX_HEAD ((size_t)4 << 20)

static int read_boundary(const char *type, struct upload *up, struct api_error *err)
{
	const char *at = type ? strcasestr(type, "boundary=") : NULL;
	size_t n;

	if (!at || strncasecmp(type, "multipart/related", 17) != 0)
		return api_fail(
			err, 400, "badContent",
			"Media type '%s' is not supported: multipart/related with a boundary",
			type ? type : "");
	at += strlen("boundary=");
	if (*at == '"' || *at == '\'') {
		char quote = *at++;
		const char *end = strchr(at, quote);

		n = end ? (size_t)(end - at) : 0;
	} else {
		n = strcspn(at, "; \t");
	}
	if (n == 0 || n + 3 > sizeof(up->boundary))
		return api_fail(err, 400, "badContent",
				"The multipart boundary is missing or too long");
	snprintf(up->boundary, sizeof(up->boundary), "--%.*s", (int)n, at);
	return 0;
}

int multipart_begin(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;

	up->head.max = MAX_HEAD;
	return read_boundary(ex_header(ex, "Content-Type"), up, err);
}

/* Behind the empty line that ends part headers; NULL when it is not there yet. */
static char *after_headers(char *p, char *end, bool crlf)
{
	const char *mark = crlf ? "\r\n\r\n" : "\n\n";
	char *at = memmem(p, (size_t)(end - p), mark, strlen(mark));

	return at ? at + strlen(mark) : NULL;
}

/* The value of Content-Type among the headers at p; NULL when there is none. Owned by the caller. */
static char *content_type(const char *p, const char *end)
{
	static const char name[] = "Content-Type:";
	size_t n = strlen(name);

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t length = (size_t)((lf ? lf : end) - p);

		if (length > n && strncasecmp(p, name, n) == 0) {
			p += n;
			length -= n;
			while (length > 0 && *p == ' ')
				p++, length--;
			while (length > 0 && (p[length - 1] == '\r' || p[length - 1] == ' '))
				length--;
			return strndup(p, length);
		}
		p += length + 1;
	}
	return NULL;
}

/*
 * Looks whether both parts' headers and the JSON are there: 1 with *data at the first byte of the data, 0 for more,
 * -1 when it is malformed.
 */
static int split_head(struct upload *up, char **data)
{
	char *p = up->head.data, *end = p + up->head.length, *json, *close;
	size_t n = strlen(up->boundary);
	char *first = memmem(p, (size_t)(end - p), up->boundary, n);

	if (!first || end - first < (long)n + 2)
		return 0;
	up->crlf = first[n] == '\r';
	json = after_headers(first, end, up->crlf);
	close = json ? memmem(json, (size_t)(end - json), up->boundary, n) : NULL;
	*data = close ? after_headers(close, end, up->crlf) : NULL;
	if (!*data)
		return 0;
	up->type = content_type(close, *data);
	up->metadata = json_loadb(json, (size_t)(close - json), JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(up->metadata) ? 1 : -1;
}

int multipart_data(struct exchange *ex, const char *data, size_t n)
{
	struct upload *up = ex->upload;
	struct api_error err;
	struct error error;
	char *rest;
	int ready;

	if (up->in_data)
		return media_data(ex, data, n);
	if (up->failed || buf_append(&up->head, data, n, &error)) {
		up->failed = true;
		return 0;
	}
	ready = split_head(up, &rest);
	if (ready == 0)
		return 0;
	up->in_data = true;
	up->failed = ready < 0 || whole_create(ex, &err);
	return up->failed ? 0
			  : media_data(ex, rest, (size_t)(up->head.data + up->head.length - rest));
}

/* Cuts the closing delimiter and its line break off the end of the spool file. */
static int cut_tail(struct upload *up)
{
	char tail[1024], close[sizeof(up->boundary) + 4];
	size_t n = (size_t)snprintf(close, sizeof(close), "%s--", up->boundary), have;
	struct stat st;
	off_t from;
	char *at = NULL, *found;

	if (fstat(up->fd, &st))
		return -1;
	from = st.st_size > (off_t)sizeof(tail) ? st.st_size - (off_t)sizeof(tail) : 0;
	have = (size_t)pread(up->fd, tail, sizeof(tail), from);
	for (char *p = tail; (found = memmem(p, have - (size_t)(p - tail), close, n));
	     p = found + 1)
		at = found;
	if (!at)
		return -1;
	if (at > tail && at[-1] == '\n')
		at--;
	if (up->crlf && at > tail && at[-1] == '\r')
		at--;
	return ftruncate(up->fd, from + (at - tail));
}

int multipart_finish(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;

	if (!up->in_data || up->failed || cut_tail(up))
		return api_fail(err, 400, "badContent",
				"The multipart body is malformed: two parts, the first one JSON");
	return whole_finish(ex, err);
}
