#include "tests/localcloud/gcs_rewrite.h"

#include "tests/localcloud/base64.h"
#include "tests/localcloud/json_util.h"

#include <string.h>

#define MIB (INT64_C(1) << 20)

/* A token is the base64 of [generation, bytes, bytes per call, source bucket and name, destination bucket and name]. */
json_t *gcs_rewrite_token(const struct exchange *ex, const struct gcs_rewrite *r)
{
	json_t *parts = json_pack("[I,I,I,s,s,s,s]", (json_int_t)r->generation,
				  (json_int_t)r->bytes, (json_int_t)r->bytes_per_call, ex->param[0],
				  ex->param[1], ex->param[2], ex->param[3]),
	       *token = NULL;
	char *text = json_dumps(parts, JSON_COMPACT);
	auto_buf encoded = BUF_INIT;

	if (text && base64_encode_url(text, strlen(text), &encoded) == 0)
		token = json_stringn(encoded.data, encoded.length);
	free(text);
	json_decref(parts);
	return token;
}

static json_t *decode(const char *token)
{
	auto_buf text = BUF_INIT;

	if (base64_decode(token, strlen(token), true, &text))
		return NULL;
	return json_loadb(text.data, text.length, 0, NULL);
}

static int read_token(const struct exchange *ex, const char *token, struct gcs_rewrite *r,
		      struct api_error *err)
{
	json_t *parts = decode(token);
	json_int_t generation, bytes, per_call;
	const char *name[4];
	bool good = parts && json_unpack(parts, "[I,I,I,s,s,s,s]", &generation, &bytes, &per_call,
					 &name[0], &name[1], &name[2], &name[3]) == 0;

	for (int i = 0; good && i < 4; i++)
		good = strcmp(name[i], ex->param[i]) == 0;
	/* Both stay what they were in the first call. */
	good = good && (r->generation < 0 || r->generation == generation) &&
	       r->bytes_per_call == per_call;
	if (good) {
		r->generation = generation;
		r->bytes = bytes;
	}
	json_decref(parts);
	return good ? 0 : api_fail_at(err, 400, "invalid", "rewriteToken", "Invalid rewrite token");
}

int gcs_rewrite_read(const struct exchange *ex, struct gcs_rewrite *ret, struct api_error *err)
{
	const char *token = ex_query(ex, "rewriteToken");

	ret->bytes = 0;
	if (ex_query_int64(ex, "sourceGeneration", -1, &ret->generation, err) ||
	    ex_query_int64(ex, "maxBytesRewrittenPerCall", 0, &ret->bytes_per_call, err))
		return -1;
	if (ret->bytes_per_call < 0 || ret->bytes_per_call % MIB != 0)
		return api_fail_at(
			err, 400, "invalid", "maxBytesRewrittenPerCall",
			"maxBytesRewrittenPerCall must be an integral multiple of 1 MiB.");
	return token && token[0] ? read_token(ex, token, ret, err) : 0;
}

/* New reference to the location of a bucket. */
static json_t *location(struct exchange *ex, const char *bucket, struct api_error *err)
{
	json_t *resource = gcs_bucket_get(ex->server->gcs, bucket, err), *where;

	if (!resource)
		return NULL;
	where = json_incref(json_object_get(resource, "location"));
	json_decref(resource);
	return where;
}

int gcs_rewrite_advance(struct exchange *ex, struct gcs_rewrite *r, const struct gcs_object *source,
			const json_t *body, struct api_error *err)
{
	const char *class = ju_string(source->resource, "storageClass", "STANDARD");
	json_t *from = location(ex, ex->param[0], err),
	       *to = from ? location(ex, ex->param[2], err) : NULL;
	bool moves = to && (!json_equal(from, to) ||
			    strcmp(ju_string(body, "storageClass", class), class) != 0);
	int rc = to ? 0 : -1;

	r->generation = source->generation;
	r->bytes = moves && r->bytes_per_call > 0 && source->size - r->bytes > r->bytes_per_call
			   ? r->bytes + r->bytes_per_call
			   : source->size;
	json_decref(from);
	json_decref(to);
	return rc;
}
