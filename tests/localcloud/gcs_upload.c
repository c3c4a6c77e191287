/* Uploads that become objects of Cloud Storage. */
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/upload_impl.h"

#include <string.h>
#include <strings.h>

static json_t *conditions_json(const struct gcs_conditions *c)
{
	return json_pack("[I,I,I,I]", (json_int_t)c->generation, (json_int_t)c->not_generation,
			 (json_int_t)c->metageneration, (json_int_t)c->not_metageneration);
}

static struct gcs_conditions conditions_of(const json_t *what)
{
	const json_t *list = json_object_get(what, "conditions");
	int64_t n[4];

	for (size_t i = 0; i < 4; i++)
		n[i] = json_integer_value(json_array_get(list, i));
	return (struct gcs_conditions){ n[0], n[1], n[2], n[3] };
}

/* Adds what one X-Goog-Hash header says, "crc32c=…,md5=…", to the checksums that are to hold. */
static enum MHD_Result add_hash_header(void *closure, enum MHD_ValueKind kind, const char *key,
				       const char *value)
{
	static const struct {
		const char *word, *member;
	} kinds[] = { { "crc32c=", "crc32c" }, { "md5=", "md5Hash" } };
	json_t *hashes = closure;

	(void)kind;
	if (strcasecmp(key, "X-Goog-Hash") != 0)
		return MHD_YES;
	while (value && *value) {
		size_t n;

		value += strspn(value, ", ");
		n = strcspn(value, ", ");
		for (size_t i = 0; i < 2; i++) {
			size_t word = strlen(kinds[i].word);

			if (n > word && strncasecmp(value, kinds[i].word, word) == 0)
				json_array_append_new(hashes, json_pack("{s:s, s:s%}", "kind",
									kinds[i].member, "value",
									value + word, n - word));
		}
		value += n;
	}
	return MHD_YES;
}

static void add_hash_headers(struct exchange *ex, json_t *hashes)
{
	MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, add_hash_header, hashes);
}

/* Checksums that the client has given: a list of {"kind","value"}; more than one of a kind must all hold. */
static json_t *given_hashes(struct exchange *ex, const json_t *metadata)
{
	static const char *const members[] = { "crc32c", "md5Hash" };
	json_t *hashes = json_array();

	for (size_t i = 0; i < 2; i++)
		if (ju_string(metadata, members[i], NULL))
			json_array_append_new(hashes,
					      json_pack("{s:s, s:O}", "kind", members[i], "value",
							json_object_get(metadata, members[i])));
	add_hash_headers(ex, hashes);
	return hashes;
}

static int check_hashes(const json_t *hashes, const json_t *resource, struct api_error *err)
{
	const json_t *hash;
	size_t i;

	json_array_foreach(hashes, i, hash) {
		const char *kind = ju_string(hash, "kind", ""),
			   *given = ju_string(hash, "value", ""),
			   *have = ju_string(resource, kind, "");

		if (strcmp(given, have) != 0)
			return api_fail(err, 400, "invalid",
					"Provided %s \"%s\" doesn't match calculated %s \"%s\".",
					kind[0] == 'c' ? "CRC32C" : "MD5 hash", given,
					kind[0] == 'c' ? "CRC32C" : "MD5 hash", have);
	}
	return 0;
}

/* What the new object's resource begins with. */
static json_t *new_resource(struct exchange *ex, const json_t *metadata, const char *type,
			    struct api_error *err)
{
	const char *encoding = ex_query(ex, "contentEncoding");
	json_t *resource = gcs_writable(metadata, err);

	if (!resource)
		return NULL;
	if (type && !json_object_get(resource, "contentType"))
		json_object_set_new(resource, "contentType", json_string(type));
	if (encoding)
		json_object_set_new(resource, "contentEncoding", json_string(encoding));
	if (!json_object_get(resource, "storageClass"))
		json_object_set_new(resource, "storageClass", json_string("STANDARD"));
	return resource;
}

static json_t *describe(struct exchange *ex, json_t *metadata, const char *type,
			struct api_error *err)
{
	const char *bucket = ex->upload->owner, *name = ex_query(ex, "name");
	struct gcs_conditions conditions;
	json_t *resource;

	if (!name)
		name = ju_string(metadata, "name", "");
	if (gcs_check_bucket(bucket, err) || gcs_check_object(name, err) ||
	    gcs_read_conditions(ex, "if", &conditions, err))
		return NULL;
	if (strcmp(ju_string(metadata, "bucket", bucket), bucket) != 0) {
		api_fail(err, 400, "invalid",
			 "The bucket in the metadata, %s, is not that of the URL, %s.",
			 ju_string(metadata, "bucket", ""), bucket);
		return NULL;
	}
	if (gcs_object_probe(ex->server->gcs, bucket, name, &conditions, err))
		return NULL;
	resource = new_resource(ex, metadata, type, err);
	if (!resource)
		return NULL;
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "bucket", bucket, "name", name, "resource",
			 resource, "conditions", conditions_json(&conditions), "hashes",
			 given_hashes(ex, metadata));
}

static int create(struct exchange *ex, char **path, struct api_error *err)
{
	return gcs_file_create(ex->server->gcs, path, err);
}

static int commit(struct exchange *ex, json_t *what, const char *path, struct gcs_hash *hash,
		  json_t **kept, struct api_error *err)
{
	json_t *resource = json_deep_copy(json_object_get(what, "resource")),
	       *hashes = json_object_get(what, "hashes");
	struct gcs_conditions conditions = conditions_of(what);
	int rc;

	ju_set_int64(resource, "size", gcs_hash_size(hash));
	/* The request that ends a resumable upload may bring them as well. */
	add_hash_headers(ex, hashes);
	rc = gcs_hash_finish(hash, resource, err) || check_hashes(hashes, resource, err) ||
			     gcs_object_put(ex->server->gcs, ju_string(what, "bucket", ""),
					    ju_string(what, "name", ""), &conditions, path,
					    resource, err)
		     ? -1
		     : 0;
	if (rc == 0) {
		*kept = json_deep_copy(resource);
		gcs_answer_object(ex, json_incref(resource));
	}
	json_decref(resource);
	return rc;
}

static int repeat(struct exchange *ex, const json_t *kept, struct api_error *err)
{
	(void)err;
	gcs_answer_object(ex, json_deep_copy(kept));
	return 0;
}

const struct upload_sink gcs_upload_sink = {
	.before = "/upload/storage/v1/b/",
	.after = "/o",
	.media = true,
	.hashed = true,
	.describe = describe,
	.create = create,
	.commit = commit,
	.repeat = repeat,
};
