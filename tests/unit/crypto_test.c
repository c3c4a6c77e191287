/* Digests, base64, signatures. */
#include "lib/google/crypto.h"

#include <stdint.h>
#include <string.h>

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static void digests(void)
{
	char hex[SHA256_HEX_SIZE];
	struct error err;

	unit_test("sha256 matches FIPS 180's example");
	CHECK(crypto_sha256_hex("abc", 3, hex, &err) == 0);
	CHECK(!strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	CHECK(crypto_sha256_hex("", 0, hex, &err) == 0);
	CHECK(!strcmp(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

static void hmacs(void)
{
	static const struct {
		const char *key, *text, *want;
	} cases[] = {
		/* RFC 4231, cases 1 and 2. */
		{ "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
		  "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ "Jefe", "what do ya want for nothing?",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	};
	struct crypto_hmac *h;
	struct error err;
	char hex[64];

	unit_test("HMAC-SHA256 matches RFC 4231, each time anew");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(crypto_hmac_new(cases[i].key, strlen(cases[i].key), &h, &err) == 0);
		for (int times = 0; times < 3; times++) {
			memset(hex, 0, sizeof hex);
			CHECK(crypto_hmac_hex(h, cases[i].text, strlen(cases[i].text), hex));
			CHECK(!memcmp(hex, cases[i].want, sizeof hex));
			CHECK(crypto_hmac_hex(h, "", 0, hex));
			CHECK(memcmp(hex, cases[i].want, sizeof hex) != 0);
		}
		crypto_hmac_free(h);
	}
	crypto_hmac_free(NULL);
}

/* RFC 4648, section 10, and the bytes that tell the alphabets apart. */
static const struct {
	const char *plain, *padded, *url;
} base64_cases[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" },
};

static void base64(void)
{
	static const char *const bad[] = { "Z",    "Zg=",  "Zh==", "Zm9=", "Zg==Zg==",
					   "Z===", "====", "Zm 9", "-__-", "Zm9v\n" };
	struct error err;

	unit_test("base64 writes and reads RFC 4648's examples");
	for (size_t i = 0; i < sizeof base64_cases / sizeof *base64_cases; i++) {
		auto_buf padded = BUF_INIT, url = BUF_INIT, plain = BUF_INIT;
		size_t n = strlen(base64_cases[i].plain);

		CHECK(crypto_base64(base64_cases[i].plain, n, &padded, &err) == 0 &&
		      buf_cstr(&padded, &err) && !strcmp(padded.data, base64_cases[i].padded));
		CHECK(crypto_base64url(base64_cases[i].plain, n, &url, &err) == 0 &&
		      buf_cstr(&url, &err) && !strcmp(url.data, base64_cases[i].url));
		CHECK(crypto_base64_decode(padded.data, padded.length, &plain, &err) == 0 &&
		      plain.length == n && (!n || !memcmp(plain.data, base64_cases[i].plain, n)));
	}
	unit_test("base64 that is not canonical is refused and leaves nothing behind");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		auto_buf plain = BUF_INIT;

		CHECK(crypto_base64_decode(bad[i], strlen(bad[i]), &plain, &err) < 0 &&
		      err.code == ERR_DATA);
		CHECK(plain.length == 0);
	}
}

static void signatures(void)
{
	static const char ec[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
		"OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
		"1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
		"-----END PRIVATE KEY-----\n"; /* a well-known example key on P-256 */
	auto_buf signature = BUF_INIT;
	const char *pem = fixture_rsa_key();
	struct error err;

	unit_test("an RS256 signature verifies under the public key, and only for its text");
	CHECK(crypto_sign_rs256(pem, strlen(pem), "hello", 5, &signature, &err) == 0);
	CHECK(signature.length == 256);
	CHECK(fixture_verifies(signature.data, signature.length, "hello", 5));
	CHECK(!fixture_verifies(signature.data, signature.length, "hellO", 5));
	unit_test("a key that is not RSA, or no key, is a configuration error");
	CHECK(crypto_sign_rs256(ec, strlen(ec), "x", 1, &signature, &err) < 0 &&
	      err.code == ERR_CONFIG);
	CHECK(crypto_sign_rs256("hunter2", 7, "x", 1, &signature, &err) < 0 &&
	      err.code == ERR_CONFIG);
	CHECK(!strstr(err.message, "hunter2") && signature.length == 256);
}

static void random_bytes(void)
{
	char a[33], b[33];
	struct error err;

	unit_test("random hex has the length asked for and does not repeat");
	CHECK(crypto_random_hex(a, 16, &err) == 0 && crypto_random_hex(b, 16, &err) == 0);
	CHECK(strlen(a) == 32 && strspn(a, "0123456789abcdef") == 32 && strcmp(a, b));
}

int main(void)
{
	digests();
	hmacs();
	base64();
	signatures();
	random_bytes();
	return unit_done();
}
