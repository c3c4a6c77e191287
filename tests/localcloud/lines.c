#include "tests/localcloud/lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FIRST_ROOM ((size_t)1 << 20)

struct lines {
	gzFile file;
	char *data;
	size_t room, start, line_end, filled; /* the current line is data[start..line_end) */
	int64_t offset;                       /* of data[0] in the text */
	bool begun, ended;
};

int lines_open(const char *path, struct lines **ret, struct api_error *err)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return api_fail(err, 500, "internalError", "out of memory");
	l->room = FIRST_ROOM;
	l->data = malloc(l->room);
	l->file = gzopen(path, "rb");
	if (!l->data || !l->file) {
		lines_close(l);
		return api_fail(err, 500, "backendError",
				"localcloud cannot read what was uploaded");
	}
	gzbuffer(l->file, 256 << 10);
	*ret = l;
	return 0;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	if (l->file)
		gzclose(l->file);
	free(l->data);
	free(l);
}

/* Makes room behind what is filled: moves the current line to the front, or grows. */
static int make_room(struct lines *l, struct api_error *err)
{
	if (l->start > 0) {
		memmove(l->data, l->data + l->start, l->filled - l->start);
		l->offset += (int64_t)l->start;
		l->filled -= l->start;
		l->line_end -= l->start;
		l->start = 0;
	}
	if (l->filled == l->room) {
		char *more;

		if (l->room > LINES_MAX)
			return api_fail(
				err, 400, "invalid",
				"Error while reading data, error message: the row at position %lld is larger than 100 MB",
				(long long)l->offset);
		more = realloc(l->data, l->room * 2);
		if (!more)
			return api_fail(err, 500, "internalError", "out of memory");
		l->data = more;
		l->room *= 2;
	}
	return 0;
}

static int fill(struct lines *l, struct api_error *err)
{
	int got, code;

	if (make_room(l, err))
		return -1;
	got = gzread(l->file, l->data + l->filled, (unsigned)(l->room - l->filled));
	if (got < 0 || (got == 0 && (gzerror(l->file, &code), code == Z_BUF_ERROR)))
		return api_fail(
			err, 400, "invalid",
			"Error while reading data, error message: the gzip data is damaged or cut off");
	l->filled += (size_t)got;
	l->ended = got == 0;
	return 0;
}

/* Looks for the LF from data[from] on; line_end becomes its place. */
static int find_end(struct lines *l, size_t from, struct api_error *err)
{
	size_t length = from - l->start;

	for (;;) {
		char *lf = memchr(l->data + l->start + length, '\n', l->filled - l->start - length);

		if (lf || l->ended) {
			l->line_end = lf ? (size_t)(lf - l->data) : l->filled;
			if (l->line_end - l->start > LINES_MAX)
				return api_fail(
					err, 400, "invalid",
					"Error while reading data, error message: the row at position %lld is larger than 100 MB",
					(long long)(l->offset + (int64_t)l->start));
			return 0;
		}
		length = l->filled - l->start;
		if (fill(l, err))
			return -1;
	}
}

int lines_next(struct lines *l, char **line, size_t *n, int64_t *offset, struct api_error *err)
{
	/* Step over the LF of the last line, if there was one. */
	if (l->begun)
		l->start = l->line_end < l->filled ? l->line_end + 1 : l->filled;
	l->begun = true;
	if (find_end(l, l->start, err))
		return -1;
	if (l->start == l->filled && l->ended)
		return 0;
	*line = l->data + l->start;
	*n = l->line_end - l->start;
	*offset = l->offset + (int64_t)l->start;
	return 1;
}

int lines_extend(struct lines *l, char **line, size_t *n, struct api_error *err)
{
	if (l->line_end == l->filled)
		return 0;
	if (find_end(l, l->line_end + 1, err))
		return -1;
	*line = l->data + l->start;
	*n = l->line_end - l->start;
	return 1;
}
