#include "lib/google/crypto.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

/* 2n digits, without a NUL. */
static char *put_hex(char *out, const unsigned char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	return out + 2 * n;
}

int crypto_sha256_hex(const void *p, size_t n, char out[SHA256_HEX_SIZE], struct error *err)
{
	unsigned char digest[32];
	unsigned length = sizeof digest;

	if (!EVP_Digest(p, n, digest, &length, EVP_sha256(), NULL))
		return error_set(err, ERR_OS, "SHA-256 failed");
	*put_hex(out, digest, sizeof digest) = '\0';
	return 0;
}

int crypto_hmac_new(const void *key, size_t n, struct crypto_hmac **ret, struct error *err)
{
	char digest[] = "SHA256";
	OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
				    OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac); /* the context has its own reference */
	if (!context || !EVP_MAC_init(context, key, n, parameters)) {
		EVP_MAC_CTX_free(context);
		ERR_clear_error();
		return error_set(err, ERR_OS, "HMAC-SHA256 is not to be had");
	}
	*ret = (struct crypto_hmac *)context;
	return 0;
}

bool crypto_hmac_hex(struct crypto_hmac *h, const void *p, size_t n, char *out)
{
	EVP_MAC_CTX *context = (EVP_MAC_CTX *)h;
	unsigned char digest[32];
	size_t length = 0;

	/* Without a key it begins anew with the one it has. */
	if (!EVP_MAC_init(context, NULL, 0, NULL) || !EVP_MAC_update(context, p, n) ||
	    !EVP_MAC_final(context, digest, &length, sizeof digest) || length != sizeof digest)
		return false;
	put_hex(out, digest, sizeof digest);
	return true;
}

void crypto_hmac_free(struct crypto_hmac *h)
{
	EVP_MAC_CTX_free((EVP_MAC_CTX *)h);
}

/* Without it OpenSSL would ask for the passphrase on the terminal. */
static int no_passphrase(char *out, int size, int for_writing, void *unused)
{
	(void)out, (void)size, (void)for_writing, (void)unused;
	return -1;
}

static EVP_PKEY *read_private_key(const char *pem, size_t length)
{
	BIO *bio = length <= INT32_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	if (key && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

int crypto_sign_rs256(const char *pem, size_t pem_length, const void *p, size_t n, struct buf *out,
		      struct error *err)
{
	EVP_PKEY *key = read_private_key(pem, pem_length);
	EVP_MD_CTX *context = NULL;
	size_t length = 0;
	int result = -1;

	if (!key) {
		error_set(err, ERR_CONFIG, "the private key is not an unencrypted RSA key in PEM");
		goto out;
	}
	context = EVP_MD_CTX_new();
	if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) <= 0 ||
	    EVP_DigestSign(context, NULL, &length, p, n) <= 0) {
		error_set(err, ERR_OS, "signing failed");
		goto out;
	}
	if (buf_reserve(out, length, err) < 0)
		goto out;
	if (EVP_DigestSign(context, (unsigned char *)out->data + out->length, &length, p, n) <= 0) {
		error_set(err, ERR_OS, "signing failed");
		goto out;
	}
	out->length += length;
	result = 0;
out:
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return result;
}

static int encode(const char *alphabet, bool pad, const unsigned char *p, size_t n, struct buf *out,
		  struct error *err)
{
	if (buf_reserve(out, n / 3 * 4 + 4, err) < 0)
		return -1;
	for (; n >= 3; p += 3, n -= 3) {
		buf_put_byte(out, alphabet[p[0] >> 2]);
		buf_put_byte(out, alphabet[(p[0] & 3) << 4 | p[1] >> 4]);
		buf_put_byte(out, alphabet[(p[1] & 15) << 2 | p[2] >> 6]);
		buf_put_byte(out, alphabet[p[2] & 63]);
	}
	if (n == 0)
		return 0;
	buf_put_byte(out, alphabet[p[0] >> 2]);
	if (n == 1) {
		buf_put_byte(out, alphabet[(p[0] & 3) << 4]);
	} else {
		buf_put_byte(out, alphabet[(p[0] & 3) << 4 | p[1] >> 4]);
		buf_put_byte(out, alphabet[(p[1] & 15) << 2]);
	}
	if (pad)
		buf_put(out, "==", 3 - n);
	return 0;
}

int crypto_base64(const void *p, size_t n, struct buf *out, struct error *err)
{
	return encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true, p,
		      n, out, err);
}

int crypto_base64url(const void *p, size_t n, struct buf *out, struct error *err)
{
	return encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false, p,
		      n, out, err);
}

/* 0 to 63, or -1. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int crypto_base64_decode(const char *s, size_t n, struct buf *out, struct error *err)
{
	size_t before = out->length, padding = 0;

	if (n % 4)
		return error_set(err, ERR_DATA, "base64 of %zu bytes is not whole", n);
	while (padding < 2 && padding < n && s[n - 1 - padding] == '=')
		padding++;
	if (buf_reserve(out, n / 4 * 3, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i += 4) {
		size_t digits = i + 4 == n ? 4 - padding : 4;
		uint32_t bits = 0;

		for (size_t k = 0; k < 4; k++) {
			int value = k < digits ? base64_value(s[i + k]) : 0;

			if (value < 0) {
				out->length = before;
				return error_set(err, ERR_DATA, "byte %zu is not base64", i + k);
			}
			bits = bits << 6 | (uint32_t)value;
		}
		/* Bits that no byte holds must be zero, or two texts would mean the same. */
		if ((digits == 3 && bits & 0xff) || (digits == 2 && bits & 0xffff)) {
			out->length = before;
			return error_set(err, ERR_DATA, "base64 does not end in whole bytes");
		}
		for (size_t k = 0; k < digits - 1; k++)
			buf_put_byte(out, (char)(bits >> (16 - 8 * k) & 0xff));
	}
	return 0;
}

int crypto_random(void *p, size_t n, struct error *err)
{
	unsigned char *out = p;

	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set_errno(err, ERR_OS, "getrandom");
		out += got;
		n -= (size_t)got;
	}
	return 0;
}

int crypto_random_hex(char *out, size_t n, struct error *err)
{
	unsigned char *bytes =
		(unsigned char *)out + n; /* upper half: read before it is overwritten */

	if (crypto_random(bytes, n, err) < 0)
		return -1;
	*put_hex(out, bytes, n) = '\0';
	return 0;
}

void crypto_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}
