/*
 * --hash and --mask: values that must not leave this process. Both make the
 * column secret, so that no reject and no message shows what it held.
 */
#ifndef SLUICE_EXTRACT_MASK_H
#define SLUICE_EXTRACT_MASK_H

#include "extract/convert.h"

/*
 * The key of --hash, from a file that others cannot read; free with
 * crypto_hmac_free. ERR_NOINPUT: no such file. ERR_CONFIG: too short, or open
 * to others.
 */
int mask_read_key(const char *path, struct crypto_hmac **ret, struct error *err)
	__attribute__((warn_unused_result));

/* STRING: the HMAC-SHA256 of each value's text. ERR_USAGE for an array. */
int mask_hash(struct column *column, struct conversion *conversion, struct crypto_hmac *hmac,
	      struct error *err) __attribute__((warn_unused_result));

/* how is "null" (or NULL), "constant:TEXT" or "partial:N". ERR_USAGE. */
int mask_column(struct column *column, struct conversion *conversion, const char *how,
		struct error *err) __attribute__((warn_unused_result));

#endif
