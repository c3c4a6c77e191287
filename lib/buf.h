/*
 * A growing byte buffer with a ceiling. The caller owns the struct (often on
 * the stack) and frees it with buf_release; the bytes are not NUL-terminated
 * except by buf_cstr.
 *
 * Growing is the only operation that can fail: ERR_OS when memory is out,
 * ERR_DATA when the ceiling would be passed. On failure nothing changes.
 *
 * The row path reserves once for the worst case of a value and then writes
 * with the unchecked buf_put_*: no call, no check a byte.
 */
#ifndef SLUICE_LIB_BUF_H
#define SLUICE_LIB_BUF_H

#include <stddef.h>
#include <string.h>
#include <sys/types.h>

#include "lib/error.h"

struct buf {
	char *data;
	size_t length;
	size_t capacity;
	size_t max; /* ceiling of capacity in bytes; 0 means none */
};

#define BUF_INIT              \
	{                     \
		NULL, 0, 0, 0 \
	}
#define BUF_INIT_MAX(bytes)         \
	{                           \
		NULL, 0, 0, (bytes) \
	}
#define auto_buf __attribute__((cleanup(buf_release))) struct buf

void buf_release(struct buf *b);

static inline void buf_clear(struct buf *b)
{
	b->length = 0;
}

/* Called by buf_reserve when the bytes do not fit; grows by doubling. */
int buf_grow(struct buf *b, size_t more, struct error *err) __attribute__((warn_unused_result));

/* Make room for `more` bytes behind length. */
__attribute__((warn_unused_result)) static inline int buf_reserve(struct buf *b, size_t more,
								  struct error *err)
{
	if (__builtin_expect(b->capacity - b->length >= more, 1))
		return 0;
	return buf_grow(b, more, err);
}

int buf_append(struct buf *b, const void *p, size_t n, struct error *err)
	__attribute__((warn_unused_result));
int buf_append_str(struct buf *b, const char *s, struct error *err)
	__attribute__((warn_unused_result));
int buf_appendf(struct buf *b, struct error *err, const char *format, ...)
	__attribute__((warn_unused_result, format(printf, 3, 4)));

/* The bytes with a NUL behind them (not counted in length); NULL on failure. */
const char *buf_cstr(struct buf *b, struct error *err) __attribute__((warn_unused_result));

/* Unchecked: the room must have been reserved. */
static inline void buf_put_byte(struct buf *b, char c)
{
	b->data[b->length++] = c;
}

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
	memcpy(b->data + b->length, p, n);
	b->length += n;
}

#endif
