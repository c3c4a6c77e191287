#include "tests/localcloud/gcs_hash.h"

#include "lib/crc32c.h"
#include "tests/localcloud/base64.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)256 << 10)

struct gcs_hash {
	EVP_MD_CTX *md5; /* NULL: none is wanted */
	uint32_t crc;
	int64_t done;
	char piece[PIECE];
};

struct gcs_hash *gcs_hash_new(bool md5)
{
	struct gcs_hash *h = calloc(1, sizeof(*h));

	if (!h || !md5)
		return h;
	h->md5 = EVP_MD_CTX_new();
	if (h->md5 && EVP_DigestInit_ex(h->md5, EVP_md5(), NULL) == 1)
		return h;
	gcs_hash_free(h);
	return NULL;
}

void gcs_hash_free(struct gcs_hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->md5);
	free(h);
}

int gcs_hash_file(struct gcs_hash *h, int fd, int64_t size, struct api_error *err)
{
	while (h->done < size) {
		size_t n = size - h->done < (int64_t)PIECE ? (size_t)(size - h->done) : PIECE;
		ssize_t got = pread(fd, h->piece, n, h->done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || (h->md5 && EVP_DigestUpdate(h->md5, h->piece, (size_t)got) != 1))
			return api_fail(err, 503, "backendError",
					"localcloud cannot read what it has stored");
		h->crc = crc32c(h->crc, h->piece, (size_t)got);
		h->done += got;
	}
	return 0;
}

int64_t gcs_hash_size(const struct gcs_hash *h)
{
	return h->done;
}

static int set_base64(json_t *resource, const char *key, const unsigned char *bytes, size_t n)
{
	auto_buf text = BUF_INIT;

	if (base64_encode(bytes, n, &text))
		return -1;
	return json_object_set_new(resource, key, json_stringn(text.data, text.length));
}

int gcs_hash_finish(struct gcs_hash *h, json_t *resource, struct api_error *err)
{
	unsigned char md5[EVP_MAX_MD_SIZE], crc[4];
	unsigned n;

	for (int i = 0; i < 4; i++)
		crc[i] = (unsigned char)(h->crc >> (24 - 8 * i));
	if ((h->md5 && (EVP_DigestFinal_ex(h->md5, md5, &n) != 1 ||
			set_base64(resource, "md5Hash", md5, n))) ||
	    set_base64(resource, "crc32c", crc, sizeof(crc)))
		return api_fail(err, 500, "internalError", "out of memory");
	return 0;
}
