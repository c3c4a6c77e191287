#include "lib/google/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/crypto.h"
#include "lib/google/url.h"
#include "lib/parse.h"

enum { NAME_MAX_BYTES = 1024, BUCKET_MIN_BYTES = 3, BUCKET_MAX_BYTES = 222 };

/* --- names ----------------------------------------------------------------------------------- */

static bool is_bucket(const char *s, size_t n)
{
	if (n < BUCKET_MIN_BYTES || n > BUCKET_MAX_BYTES)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') ||
		      ((s[i] == '-' || s[i] == '_' || s[i] == '.') && i > 0 && i + 1 < n)))
			return false;
	return true;
}

int storage_uri_parse(const char *text, struct storage_uri *ret, struct error *err)
{
	static const char scheme[] = "gs://";
	const char *bucket = text + sizeof scheme - 1, *name;
	struct storage_uri u;
	size_t n;

	if (strncmp(text, scheme, sizeof scheme - 1) != 0)
		return error_set(err, ERR_USAGE, "'%s' is not gs://BUCKET/NAME", text);
	n = strcspn(bucket, "/");
	if (!is_bucket(bucket, n))
		return error_set(err, ERR_USAGE, "'%s': '%.*s' is not the name of a bucket", text,
				 (int)n, bucket);
	name = bucket + n + (bucket[n] == '/');
	if (strlen(name) > NAME_MAX_BYTES || strpbrk(name, "\r\n"))
		return error_set(err, ERR_USAGE,
				 "'%s': names of objects have up to %d bytes and no line end", text,
				 NAME_MAX_BYTES);
	u = (struct storage_uri){ strndup(bucket, n), strdup(name) };
	if (!u.bucket || !u.name) {
		storage_uri_release(&u);
		return error_nomem(err);
	}
	*ret = u;
	return 0;
}

void storage_uri_release(struct storage_uri *u)
{
	free(u->bucket);
	free(u->name);
	*u = (struct storage_uri){ 0 };
}

/* What messages call things; cut if need be. */
struct label {
	char text[512];
};

static struct label object_label(const char *bucket, const char *name)
{
	struct label l;

	snprintf(l.text, sizeof l.text, "gs://%s/%s", bucket, name);
	return l;
}

/* --- calling --------------------------------------------------------------------------------- */

/* "/b/BUCKET" and, unless NULL, a slash-led literal and an escaped part. */
static int append_path(struct buf *path, const char *bucket, const char *literal, const char *part,
		       struct error *err)
{
	if (buf_append_str(path, "/b/", err) < 0 || url_append_escaped(path, bucket, err) < 0)
		return -1;
	if (literal && buf_append_str(path, literal, err) < 0)
		return -1;
	return part ? url_append_escaped(path, part, err) : 0;
}

/* 404 means 0. On 1 *ret (if ret) is the answer, which must be an object. */
static int call(struct api *a, const char *method, struct buf *path, const char *what, json_t **ret,
		struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	const struct api_request request = {
		.what = what, .method = method, .path = buf_cstr(path, err), .expected = { 404 }
	};

	if (!request.path || api_call(a, &request, &response, err) < 0)
		return -1;
	if (response.status >= 400)
		return 0;
	if (!ret)
		return 1;
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object", what);
	*ret = json_incref(response.json);
	return 1;
}

int storage_bucket_get(struct api *a, const char *bucket, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	char what[256];

	snprintf(what, sizeof what, "bucket %s", bucket);
	if (append_path(&path, bucket, NULL, NULL, err) < 0)
		return -1;
	return call(a, "GET", &path, what, ret, err);
}

int storage_object_get(struct api *a, const char *bucket, const char *name, json_t **ret,
		       struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = object_label(bucket, name);

	if (append_path(&path, bucket, "/o/", name, err) < 0)
		return -1;
	return call(a, "GET", &path, what.text, ret, err);
}

int storage_object_read(struct api *a, const char *bucket, const char *name, struct buf *out,
			struct error *err)
{
	auto_buf path = BUF_INIT;
	auto_api_response response = API_RESPONSE_INIT;
	struct label what = object_label(bucket, name);
	struct api_request request = {
		.what = what.text, .method = "GET", .expected = { 404 }, .content = out
	};

	if (append_path(&path, bucket, "/o/", name, err) < 0 ||
	    buf_append_str(&path, "?alt=media", err) < 0 ||
	    !(request.path = buf_cstr(&path, err)) || api_call(a, &request, &response, err) < 0)
		return -1;
	return response.status >= 400 ? 0 : 1;
}

int storage_object_delete(struct api *a, const char *bucket, const char *name, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = object_label(bucket, name);

	if (append_path(&path, bucket, "/o/", name, err) < 0)
		return -1;
	return call(a, "DELETE", &path, what.text, NULL, err);
}

int storage_object_replace(struct api *a, const char *bucket, const char *name, int64_t generation,
			   const json_t *content, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	auto_api_response response = API_RESPONSE_INIT;
	struct label what = object_label(bucket, name);
	struct api_request request = { .what = what.text,
				       .method = "POST",
				       .upload = true,
				       .body = content,
				       .expected = { 412 } };

	if (append_path(&path, bucket, "/o?uploadType=media&name=", name, err) < 0 ||
	    buf_appendf(&path, err, "&ifGenerationMatch=%lld", (long long)generation) < 0 ||
	    !(request.path = buf_cstr(&path, err)) || api_call(a, &request, &response, err) < 0)
		return -1;
	if (response.status >= 400)
		return 0;
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object", what.text);
	*ret = json_incref(response.json);
	return 1;
}

int storage_object_delete_generation(struct api *a, const char *bucket, const char *name,
				     int64_t generation, struct error *err)
{
	auto_buf path = BUF_INIT;
	auto_api_response response = API_RESPONSE_INIT;
	struct label what = object_label(bucket, name);
	struct api_request request = { .what = what.text,
				       .method = "DELETE",
				       .expected = { 404, 412 } };

	if (append_path(&path, bucket, "/o/", name, err) < 0 ||
	    buf_appendf(&path, err, "?ifGenerationMatch=%lld", (long long)generation) < 0 ||
	    !(request.path = buf_cstr(&path, err)) || api_call(a, &request, &response, err) < 0)
		return -1;
	return response.status < 300;
}

static int append_parameter(struct buf *path, const char *name, const char *value,
			    struct error *err)
{
	if (!value)
		return 0;
	if (buf_appendf(path, err, "&%s=", name) < 0)
		return -1;
	return url_append_escaped(path, value, err);
}

int storage_objects_list(struct api *a, const char *bucket, const struct storage_list *list,
			 json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = object_label(bucket, list->prefix);

	if (append_path(&path, bucket, "/o?prefix=", list->prefix, err) < 0 ||
	    append_parameter(&path, "delimiter", list->delimiter, err) < 0 ||
	    append_parameter(&path, "fields", list->fields, err) < 0 ||
	    append_parameter(&path, "pageToken", list->page_token, err) < 0)
		return -1;
	return call(a, "GET", &path, what.text, ret, err);
}

/* --- uploading ------------------------------------------------------------------------------- */

int storage_upload_start(struct resumable *r, struct api *a, const char *bucket, const char *name,
			 const char *content_type, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct label what = object_label(bucket, name);
	json_t *metadata = json_pack("{s:s,s:s}", "name", name, "contentType", content_type);
	struct resumable_options options = { .what = what.text,
					     .metadata = metadata,
					     .content_type = content_type };
	int rc = -1;

	if (!metadata)
		return error_nomem(err);
	if (append_path(&path, bucket, "/o?uploadType=resumable&ifGenerationMatch=0&name=", name,
			err) == 0 &&
	    (options.path = buf_cstr(&path, err)))
		rc = resumable_start(r, a, &options, err);
	json_decref(metadata);
	return rc;
}

/* Base64 of four bytes, the highest first. */
static bool read_crc(const char *text, uint32_t *ret)
{
	auto_buf bytes = BUF_INIT;
	const unsigned char *b;
	struct error ignored;

	if (crypto_base64_decode(text, strlen(text), &bytes, &ignored) < 0 || bytes.length != 4)
		return false;
	b = (const unsigned char *)bytes.data;
	*ret = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

int storage_object_verify(const json_t *object, uint64_t size, uint32_t crc, struct error *err)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *size_text = json_string_value(json_object_get(object, "size"));
	const char *crc_text = json_string_value(json_object_get(object, "crc32c"));
	struct error ignored;
	uint32_t stored_crc;
	int64_t stored;

	if (!size_text || parse_int64(size_text, 0, INT64_MAX, &stored, &ignored) < 0 ||
	    !crc_text || !read_crc(crc_text, &stored_crc))
		return error_set(err, ERR_PROTOCOL, "%s: the answer lacks size or crc32c",
				 name ? name : "object");
	if ((uint64_t)stored != size)
		return error_set(err, ERR_TEMP, "%s: %llu bytes were sent, %lld are stored",
				 name ? name : "object", (unsigned long long)size,
				 (long long)stored);
	if (stored_crc != crc)
		return error_set(err, ERR_TEMP,
				 "%s: what is stored is not what was sent (CRC-32C %08x, not %08x)",
				 name ? name : "object", stored_crc, crc);
	return 0;
}
