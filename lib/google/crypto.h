/*
 * Digests, signatures, base64 and random bytes. The only module that knows
 * OpenSSL. Nothing here keeps state but what crypto_hmac_new returns.
 */
#ifndef SLUICE_LIB_GOOGLE_CRYPTO_H
#define SLUICE_LIB_GOOGLE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/error.h"

enum { SHA256_HEX_SIZE = 65 };

/* Lower-case hex of the SHA-256 of p, with a NUL. */
int crypto_sha256_hex(const void *p, size_t n, char out[SHA256_HEX_SIZE], struct error *err)
	__attribute__((warn_unused_result));

/* HMAC-SHA256 with one key, which is not read again for each value. */
struct crypto_hmac;

int crypto_hmac_new(const void *key, size_t n, struct crypto_hmac **ret, struct error *err)
	__attribute__((warn_unused_result));

/* 64 lower-case hex digits at out, without a NUL; p may overlap them. False: out of memory. */
bool crypto_hmac_hex(struct crypto_hmac *h, const void *p, size_t n, char *out)
	__attribute__((warn_unused_result));
void crypto_hmac_free(struct crypto_hmac *h);

/*
 * Append the RS256 signature (RSASSA-PKCS1-v1_5 with SHA-256) of p. ERR_CONFIG
 * when pem is not an unencrypted RSA private key; no part of it is in the
 * message.
 */
int crypto_sign_rs256(const char *pem, size_t pem_length, const void *p, size_t n, struct buf *out,
		      struct error *err) __attribute__((warn_unused_result));

int crypto_base64(const void *p, size_t n, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* The URL alphabet without padding, as JWTs want it. */
int crypto_base64url(const void *p, size_t n, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* Strict: whole quadruples, padding, no other bytes. ERR_DATA. */
int crypto_base64_decode(const char *s, size_t n, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

int crypto_random(void *p, size_t n, struct error *err) __attribute__((warn_unused_result));

/* 2n lower-case hex digits of n random bytes, with a NUL. */
int crypto_random_hex(char *out, size_t n, struct error *err) __attribute__((warn_unused_result));

/* Forget a secret in memory, which an optimizer may not leave out. */
void crypto_wipe(void *p, size_t n);

#endif
