/*
 * Base64 (RFC 4648): the standard alphabet with padding for BYTES, the URL alphabet without for JSON Web Tokens and
 * the tokens of pages.
 */
#ifndef LOCALCLOUD_BASE64_H
#define LOCALCLOUD_BASE64_H

#include "lib/buf.h"

#include <stdbool.h>

/* All append to out; decoding is strict about alphabet, length and padding. */
int base64_decode(const char *s, size_t n, bool url, struct buf *out);
int base64_encode(const void *data, size_t n, struct buf *out);
int base64_encode_url(const void *data, size_t n, struct buf *out);

#endif
