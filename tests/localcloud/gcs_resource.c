/* Resources of Cloud Storage as requests bring them and answers show them. */
#include "tests/localcloud/base64.h"
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

int gcs_check_bucket(const char *name, struct api_error *err)
{
	size_t n = strlen(name);
	bool good = n >= 3 && n <= (strchr(name, '.') ? 222u : 63u) &&
		    is_letter_or_digit(name[0]) && is_letter_or_digit(name[n - 1]) &&
		    strncmp(name, "goog", 4) != 0;

	for (const char *p = name; good && *p; p++)
		good = is_letter_or_digit(*p) || strchr("-_.", *p);
	return good ? 0 : api_fail(err, 400, "invalid", "Invalid bucket name: '%s'", name);
}

int gcs_check_object(const char *name, struct api_error *err)
{
	size_t n = strlen(name);

	if (n == 0)
		return api_fail_at(err, 400, "required", "name", "Required parameter: name");
	if (n > 1024 || !ident_utf8(name, n) || strpbrk(name, "\r\n") || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return api_fail(err, 400, "invalid", "Invalid object name: '%.200s'", name);
	return 0;
}

int gcs_read_conditions(const struct exchange *ex, const char *prefix, struct gcs_conditions *ret,
			struct api_error *err)
{
	static const char *const names[] = { "GenerationMatch", "GenerationNotMatch",
					     "MetagenerationMatch", "MetagenerationNotMatch" };
	int64_t values[4];
	char name[64];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, names[i]);
		if (ex_query_int64(ex, name, -1, &values[i], err))
			return -1;
		if (values[i] < -1)
			return api_fail_at(err, 400, "invalid", name, "Invalid value for %s", name);
	}
	*ret = (struct gcs_conditions){ values[0], values[1], values[2], values[3] };
	return 0;
}

static int check_metadata(const json_t *metadata, struct api_error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(metadata) && !json_is_null(metadata))
		return api_fail(err, 400, "invalid", "Invalid value for metadata: not an object");
	json_object_foreach((json_t *)metadata, key, value)
		if (!json_is_string(value) && !json_is_null(value))
			return api_fail(err, 400, "invalid",
					"Invalid value for metadata.%s: not a string", key);
	return 0;
}

json_t *gcs_writable(const json_t *body, struct api_error *err)
{
	static const char *const texts[] = { "contentType",        "contentEncoding",
					     "contentDisposition", "contentLanguage",
					     "cacheControl",       "customTime",
					     "storageClass" };
	static const char *const beyond[] = { "temporaryHold", "eventBasedHold", "retention",
					      "kmsKeyName", "customerEncryption" };
	json_t *kept = json_object(), *value;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		value = json_object_get(body, texts[i]);
		if (value && !json_is_string(value) && !json_is_null(value)) {
			api_fail(err, 400, "invalid", "Invalid value for %s: not a string",
				 texts[i]);
			goto bad;
		}
		if (value)
			json_object_set(kept, texts[i], value);
	}
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		value = json_object_get(body, beyond[i]);
		if (value && !json_is_null(value) && !json_is_false(value)) {
			api_fail(err, 501, "notImplemented", "localcloud does not do %s.",
				 beyond[i]);
			goto bad;
		}
	}
	value = json_object_get(body, "metadata");
	if (value && check_metadata(value, err))
		goto bad;
	if (value)
		json_object_set(kept, "metadata", value);
	return kept;
bad:
	json_decref(kept);
	return NULL;
}

/* A field of a protocol buffer: the number's bits by sevens, the lowest first. */
static size_t put_varint(unsigned char *out, unsigned char tag, uint64_t value)
{
	size_t n = 0;

	out[n++] = tag;
	for (; value > 0x7f; value >>= 7)
		out[n++] = (unsigned char)(value | 0x80);
	out[n++] = (unsigned char)value;
	return n;
}

json_t *gcs_etag(int64_t generation, int64_t metageneration)
{
	auto_buf text = BUF_INIT;
	unsigned char raw[24];
	size_t n = put_varint(raw, 0x08, (uint64_t)generation);

	n += put_varint(raw + n, 0x10, (uint64_t)metageneration);
	return base64_encode(raw, n, &text) ? NULL : json_stringn(text.data, text.length);
}

/* A name as one piece of a path. */
static const char *escape(const char *name, char out[3 * 1024 + 1])
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	char *p = out;

	for (; *name; name++) {
		if (strchr(plain, *name))
			*p++ = *name;
		else
			p += snprintf(p, 4, "%%%02X", (unsigned char)*name);
	}
	*p = '\0';
	return out;
}

void gcs_link(const char *root, json_t *resource)
{
	const char *bucket = ju_string(resource, "bucket", ""),
		   *name = ju_string(resource, "name", "");
	int64_t generation = ju_int64(resource, "generation", 0);
	char escaped[3 * 1024 + 1];

	escape(name, escaped);
	json_object_set_new(resource, "kind", json_string("storage#object"));
	json_object_set_new(resource, "id",
			    json_sprintf("%s/%s/%" PRId64, bucket, name, generation));
	json_object_set_new(resource, "selfLink",
			    json_sprintf("%s/storage/v1/b/%s/o/%s", root, bucket, escaped));
	json_object_set_new(resource, "mediaLink",
			    json_sprintf("%s/download/storage/v1/b/%s/o/%s?generation=%" PRId64
					 "&alt=media",
					 root, bucket, escaped, generation));
	json_object_set_new(resource, "etag",
			    gcs_etag(generation, ju_int64(resource, "metageneration", 0)));
}

void gcs_link_object(const struct exchange *ex, json_t *resource)
{
	char buf[300];

	gcs_link(ex_root(ex, buf, sizeof(buf)), resource);
}

void gcs_answer_object(struct exchange *ex, json_t *resource)
{
	gcs_link_object(ex, resource);
	ex_set_header(ex, "ETag", "%s", ju_string(resource, "etag", ""));
	ex_answer(ex, 200, resource);
}
