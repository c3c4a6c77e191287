#include "lib/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->length = b->capacity = 0;
}

int buf_grow(struct buf *b, size_t more, struct error *err)
{
	size_t wanted, capacity = b->capacity ? b->capacity : 256;
	char *data;

	if (more > SIZE_MAX / 2 - b->length)
		return error_nomem(err);
	wanted = b->length + more;
	if (b->max && wanted > b->max)
		return error_set(err, ERR_DATA, "more than %zu bytes", b->max);
	while (capacity < wanted)
		capacity *= 2;
	if (b->max && capacity > b->max)
		capacity = b->max;
	data = realloc(b->data, capacity);
	if (!data)
		return error_nomem(err);
	b->data = data;
	b->capacity = capacity;
	return 0;
}

int buf_append(struct buf *b, const void *p, size_t n, struct error *err)
{
	if (buf_reserve(b, n, err) < 0)
		return -1;
	if (n)
		buf_put(b, p, n);
	return 0;
}

int buf_append_str(struct buf *b, const char *s, struct error *err)
{
	return buf_append(b, s, strlen(s), err);
}

int buf_appendf(struct buf *b, struct error *err, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || buf_reserve(b, (size_t)n + 1, err) < 0) {
		va_end(again);
		return n < 0 ? error_set(err, ERR_BUG, "bad format") : -1;
	}
	vsnprintf(b->data + b->length, (size_t)n + 1, format, again);
	va_end(again);
	b->length += (size_t)n;
	return 0;
}

const char *buf_cstr(struct buf *b, struct error *err)
{
	if (buf_reserve(b, 1, err) < 0)
		return NULL;
	b->data[b->length] = '\0';
	return b->data;
}
