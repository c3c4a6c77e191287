/* Objects made of objects: compose, rewrite and copy. */
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/gcs_hash.h"
#include "tests/localcloud/gcs_rewrite.h"
#include "tests/localcloud/json_util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMPOSE_MAX 32

/* Appends the bytes of one open file to another. */
static int append_file(int from, int to, struct api_error *err)
{
	off_t at = 0;
	ssize_t n;

	while ((n = copy_file_range(from, &at, to, NULL, (size_t)1 << 30, 0)) != 0)
		if (n < 0 && errno != EINTR)
			return api_fail(err, 503, "backendError",
					"localcloud cannot store the object: %s", strerror(errno));
	return 0;
}

/* A new object that a request makes of others: what of it is known, and its file. */
struct made {
	const char *bucket, *name;
	struct gcs_conditions conditions;
	json_t *resource;
	char *path;
	int fd;
	int64_t size, components;
};

static void made_release(struct made *m)
{
	if (m->fd >= 0)
		close(m->fd);
	if (m->path)
		unlink(m->path);
	free(m->path);
	json_decref(m->resource);
}

static int made_begin(struct exchange *ex, struct made *m, const char *bucket, const char *name,
		      struct api_error *err)
{
	*m = (struct made){ .bucket = bucket, .name = name, .fd = -1 };
	if (gcs_check_bucket(bucket, err) || gcs_check_object(name, err) ||
	    gcs_read_conditions(ex, "if", &m->conditions, err))
		return -1;
	return gcs_object_probe(ex->server->gcs, bucket, name, &m->conditions, err);
}

static int made_put(struct exchange *ex, struct made *m, struct api_error *err)
{
	if (gcs_object_put(ex->server->gcs, m->bucket, m->name, &m->conditions, m->path,
			   m->resource, err))
		return -1;
	free(m->path);
	m->path = NULL;
	return 0;
}

static int add_source(struct exchange *ex, struct made *m, const json_t *source,
		      struct api_error *err)
{
	const char *name = ju_string(source, "name", "");
	int64_t want =
		ju_int64(json_object_get(source, "objectPreconditions"), "ifGenerationMatch", -1);
	struct gcs_conditions condition = { want, -1, -1, -1 };
	struct gcs_object o;
	int fd, rc;

	if (gcs_check_object(name, err) ||
	    gcs_object_open(ex->server->gcs, m->bucket, name, ju_int64(source, "generation", -1),
			    &o, &fd, err))
		return -1;
	rc = gcs_conditions_judge(&condition, &o, false, err);
	if (rc == 0)
		rc = append_file(fd, m->fd, err);
	m->size += o.size;
	m->components += ju_int64(o.resource, "componentCount", 1);
	/* The first source's type, unless the request says another. */
	if (rc == 0 && json_object_get(o.resource, "contentType") &&
	    !json_object_get(m->resource, "contentType"))
		json_object_set(m->resource, "contentType",
				json_object_get(o.resource, "contentType"));
	close(fd);
	gcs_object_release(&o);
	return rc;
}

static int compose(struct exchange *ex, struct made *m, const json_t *body, struct api_error *err)
{
	const json_t *sources = json_object_get(body, "sourceObjects"), *source;
	struct gcs_hash *hash;
	size_t i;
	int rc;

	if (json_array_size(sources) == 0)
		return api_fail(err, 400, "required",
				"You must provide at least one source component.");
	if (json_array_size(sources) > COMPOSE_MAX)
		return api_fail(
			err, 400, "invalid",
			"The number of source components provided (%zu) exceeds the maximum (%d).",
			json_array_size(sources), COMPOSE_MAX);
	m->resource = gcs_writable(json_object_get(body, "destination"), err);
	if (!m->resource)
		return -1;
	m->fd = gcs_file_create(ex->server->gcs, &m->path, err);
	if (m->fd < 0)
		return -1;
	json_array_foreach(sources, i, source)
		if (add_source(ex, m, source, err))
			return -1;
	/* A composite object has no MD5. */
	hash = gcs_hash_new(false);
	rc = hash ? gcs_hash_file(hash, m->fd, m->size, err) ||
			     gcs_hash_finish(hash, m->resource, err)
		  : api_fail(err, 500, "internalError", "out of memory");
	gcs_hash_free(hash);
	json_object_set_new(m->resource, "componentCount", json_integer(m->components));
	ju_set_int64(m->resource, "size", m->size);
	if (!json_object_get(m->resource, "storageClass"))
		json_object_set_new(m->resource, "storageClass", json_string("STANDARD"));
	return rc ? -1 : made_put(ex, m, err);
}

int gcs_objects_compose(struct exchange *ex, struct api_error *err)
{
	struct made m;
	json_t *body;
	int rc = made_begin(ex, &m, ex->param[0], ex->param[1], err);

	if (rc)
		return -1;
	body = ex_json(ex, err);
	rc = body ? compose(ex, &m, body, err) : -1;
	if (rc == 0)
		gcs_answer_object(ex, json_incref(m.resource));
	json_decref(body);
	made_release(&m);
	return rc;
}

/* A copy's resource: the source's, or what the request says, which replaces all that a client may set. */
static json_t *copied_resource(const json_t *source, const json_t *body, struct api_error *err)
{
	static const char *const content[] = { "size", "crc32c", "md5Hash", "componentCount",
					       "storageClass" };
	json_t *resource = gcs_writable(json_object_size(body) > 0 ? body : source, err);

	if (!resource)
		return NULL;
	for (size_t i = 0; i < sizeof(content) / sizeof(content[0]); i++)
		if (json_object_get(source, content[i]) && !json_object_get(resource, content[i]))
			json_object_set(resource, content[i], json_object_get(source, content[i]));
	return resource;
}

/* Files never change, so a copy is another name of the same one. */
static int link_file(struct exchange *ex, struct made *m, const struct gcs_object *source,
		     struct api_error *err)
{
	m->fd = gcs_file_create(ex->server->gcs, &m->path, err);
	if (m->fd < 0)
		return -1;
	if (unlink(m->path) || link(source->path, m->path))
		return api_fail(err, 503, "backendError", "localcloud cannot store the object: %s",
				strerror(errno));
	return 0;
}

/* The object that is copied, named in the path; open. */
struct source {
	struct gcs_object object;
	int fd;
};

static void source_release(struct source *s)
{
	close(s->fd);
	gcs_object_release(&s->object);
}

/* generation: -1 for the live one. */
static int source_open(struct exchange *ex, struct source *s, int64_t generation,
		       struct api_error *err)
{
	struct gcs_conditions conditions;

	if (gcs_check_bucket(ex->param[0], err) || gcs_check_object(ex->param[1], err) ||
	    gcs_read_conditions(ex, "ifSource", &conditions, err) ||
	    gcs_object_open(ex->server->gcs, ex->param[0], ex->param[1], generation, &s->object,
			    &s->fd, err))
		return -1;
	if (gcs_conditions_judge(&conditions, &s->object, false, err) == 0)
		return 0;
	source_release(s);
	return -1;
}

/* m.resource is what was made. */
static int copy(struct exchange *ex, struct made *m, const struct source *s, const json_t *body,
		struct api_error *err)
{
	m->resource = copied_resource(s->object.resource, body, err);
	if (!m->resource || link_file(ex, m, &s->object, err))
		return -1;
	return made_put(ex, m, err);
}

int gcs_objects_copy(struct exchange *ex, struct api_error *err)
{
	struct source source;
	struct made m;
	int64_t generation;
	json_t *body;
	int rc;

	if (made_begin(ex, &m, ex->param[2], ex->param[3], err) ||
	    ex_query_int64(ex, "sourceGeneration", -1, &generation, err) ||
	    source_open(ex, &source, generation, err))
		return -1;
	body = ex_json(ex, err);
	rc = body ? copy(ex, &m, &source, body, err) : -1;
	if (rc == 0)
		gcs_answer_object(ex, json_incref(m.resource));
	json_decref(body);
	source_release(&source);
	made_release(&m);
	return rc;
}

static void answer_rewrite(struct exchange *ex, const struct made *m,
			   const struct gcs_rewrite *progress, int64_t size)
{
	json_t *answer = json_pack("{s:s, s:b}", "kind", "storage#rewriteResponse", "done",
				   m->resource != NULL);

	ju_set_int64(answer, "totalBytesRewritten", progress->bytes);
	ju_set_int64(answer, "objectSize", size);
	if (m->resource) {
		gcs_link_object(ex, m->resource);
		json_object_set(answer, "resource", m->resource);
	} else {
		json_object_set_new(answer, "rewriteToken", gcs_rewrite_token(ex, progress));
	}
	ex_answer(ex, 200, answer);
}

int gcs_objects_rewrite(struct exchange *ex, struct api_error *err)
{
	struct gcs_rewrite progress;
	struct source source;
	struct made m;
	json_t *body;
	int rc;

	if (made_begin(ex, &m, ex->param[2], ex->param[3], err) ||
	    gcs_rewrite_read(ex, &progress, err) ||
	    source_open(ex, &source, progress.generation, err))
		return -1;
	body = ex_json(ex, err);
	rc = body ? gcs_rewrite_advance(ex, &progress, &source.object, body, err) : -1;
	if (rc == 0 && progress.bytes == source.object.size)
		rc = copy(ex, &m, &source, body, err);
	if (rc == 0)
		answer_rewrite(ex, &m, &progress, source.object.size);
	json_decref(body);
	source_release(&source);
	made_release(&m);
	return rc;
}
