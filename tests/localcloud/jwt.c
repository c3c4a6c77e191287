#include "tests/localcloud/jwt.h"

#include "tests/localcloud/base64.h"
#include "tests/localcloud/json_util.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct jwt_key {
	json_t *file;
	EVP_PKEY *key;
};

int jwt_key_read(const char *path, struct jwt_key **ret, struct api_error *err)
{
	struct jwt_key *key = calloc(1, sizeof(*key));
	const char *pem;
	BIO *bio;

	key->file = json_load_file(path, 0, NULL);
	pem = ju_string(key->file, "private_key", "");
	bio = BIO_new_mem_buf(pem, (int)strlen(pem));
	key->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!key->key || !ju_string(key->file, "client_email", NULL)) {
		jwt_key_free(key);
		return api_fail(err, 400, "invalid", "%s is no service account key file", path);
	}
	*ret = key;
	return 0;
}

void jwt_key_free(struct jwt_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	json_decref(key->file);
	free(key);
}

static json_t *decode_json(const char *p, size_t n)
{
	auto_buf text = BUF_INIT;

	return base64_decode(p, n, true, &text) ? NULL
						: json_loadb(text.data, text.length, 0, NULL);
}

static bool signed_by(const struct jwt_key *key, const char *assertion, size_t n,
		      const char *signature)
{
	auto_buf raw = BUF_INIT;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good;

	good = base64_decode(signature, strlen(signature), true, &raw) == 0 &&
	       EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
	       EVP_DigestVerify(context, (const unsigned char *)raw.data, raw.length,
				(const unsigned char *)assertion, n) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

static const char *check_claims(const json_t *claims, const struct jwt_key *key)
{
	const char *audience = ju_string(claims, "aud", ""), *issuer = ju_string(claims, "iss", "");
	int64_t now = time(NULL), issued = ju_int64(claims, "iat", 0),
		expires = ju_int64(claims, "exp", 0);
	size_t n = strlen(audience);

	/* The real audience, or a token_uri that points here. */
	if (strcmp(audience, "https://oauth2.googleapis.com/token") != 0 &&
	    strcmp(audience, "https://www.googleapis.com/oauth2/v4/token") != 0 &&
	    !(strncmp(audience, "http://", 7) == 0 && n > 6 &&
	      strcmp(audience + n - 6, "/token") == 0))
		return "Invalid JWT: the audience is not the token endpoint.";
	if (!issuer[0] || (key && strcmp(issuer, ju_string(key->file, "client_email", "")) != 0))
		return "Invalid grant: account not found";
	if (issued == 0 || expires == 0 || expires <= issued || expires - issued > 3600)
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat "
		       "and exp values in the JWT claim.";
	if (issued > now + 300 || expires < now - 300)
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat "
		       "and exp values in the JWT claim.";
	if (!ju_string(claims, "scope", NULL) && !ju_string(claims, "target_audience", NULL))
		return "Invalid JWT: neither scope nor target_audience.";
	return NULL;
}

const char *jwt_check(const char *assertion, const struct jwt_key *key)
{
	const char *dot = strchr(assertion, '.'), *last = strrchr(assertion, '.'),
		   *wrong = "Invalid JWT: not three parts.";
	json_t *header, *claims;

	if (!dot || dot == last || strchr(dot + 1, '.') != last || !last[1])
		return wrong;
	header = decode_json(assertion, (size_t)(dot - assertion));
	claims = decode_json(dot + 1, (size_t)(last - dot - 1));
	if (strcmp(ju_string(header, "alg", ""), "RS256") != 0)
		wrong = "Invalid JWT: the algorithm must be RS256.";
	else if (!json_is_object(claims))
		wrong = "Invalid JWT: the claims are no JSON object.";
	else if (key && !signed_by(key, assertion, (size_t)(last - assertion), last + 1))
		wrong = "Invalid JWT Signature.";
	else
		wrong = check_claims(claims, key);
	json_decref(header);
	json_decref(claims);
	return wrong;
}
