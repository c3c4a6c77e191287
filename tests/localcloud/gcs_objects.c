/* Objects: get, patch, delete, and pages of their names. */
#include "tests/localcloud/base64.h"
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The most of a page, and what it has unless asked otherwise. */
#define PAGE 1000

/* What the path and the query say about one object. */
struct named {
	const char *bucket, *object;
	int64_t generation; /* -1: the current one */
	struct gcs_conditions conditions;
};

static int read_named(const struct exchange *ex, struct named *ret, struct api_error *err)
{
	ret->bucket = ex->param[0];
	ret->object = ex->param[1];
	if (gcs_check_bucket(ret->bucket, err) || gcs_check_object(ret->object, err) ||
	    gcs_read_conditions(ex, "if", &ret->conditions, err))
		return -1;
	return ex_query_int64(ex, "generation", -1, &ret->generation, err);
}

static bool wants_media(const struct exchange *ex)
{
	const char *alt = ex_query(ex, "alt");

	return alt && strcmp(alt, "media") == 0;
}

int gcs_objects_get(struct exchange *ex, struct api_error *err)
{
	struct gcs *g = ex->server->gcs;
	struct named n;
	struct gcs_object o;
	int rc, fd = -1;

	if (read_named(ex, &n, err))
		return -1;
	rc = wants_media(ex) ? gcs_object_open(g, n.bucket, n.object, n.generation, &o, &fd, err)
			     : gcs_object_get(g, n.bucket, n.object, n.generation, &o, err);
	if (rc)
		return -1;
	rc = gcs_conditions_judge(&n.conditions, &o, true, err);
	if (rc == 0 && fd >= 0)
		return gcs_answer_media(ex, &o, fd, err);
	if (rc == 0)
		gcs_answer_object(ex, json_incref(o.resource));
	if (rc > 0)
		ex->status = 304;
	if (fd >= 0)
		close(fd);
	gcs_object_release(&o);
	return rc < 0 ? -1 : 0;
}

int gcs_objects_patch(struct exchange *ex, struct api_error *err)
{
	struct named n;
	json_t *body, *patch, *resource = NULL;
	int rc;

	if (read_named(ex, &n, err))
		return -1;
	body = ex_json(ex, err);
	patch = body ? gcs_writable(body, err) : NULL;
	rc = patch ? gcs_object_patch(ex->server->gcs, n.bucket, n.object, n.generation,
				      &n.conditions, patch, &resource, err)
		   : -1;
	json_decref(patch);
	json_decref(body);
	if (rc == 0)
		gcs_answer_object(ex, resource);
	return rc;
}

int gcs_objects_delete(struct exchange *ex, struct api_error *err)
{
	struct named n;

	if (read_named(ex, &n, err) || gcs_object_delete(ex->server->gcs, n.bucket, n.object,
							 n.generation, &n.conditions, err))
		return -1;
	ex->status = 204;
	return 0;
}

/* What localcloud leaves out of listing, and would change the answer. No bucket has versions: asking for them is fine. */
static int check_list(const struct exchange *ex, struct api_error *err)
{
	static const char *const beyond[] = { "includeTrailingDelimiter", "matchGlob",
					      "softDeleted", "filter" };

	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		const char *value = ex_query(ex, beyond[i]);

		if (value && value[0] && strcasecmp(value, "false") != 0)
			return api_fail_at(err, 501, "notImplemented", beyond[i],
					   "localcloud does not list with %s.", beyond[i]);
	}
	return 0;
}

static int read_limit(const struct exchange *ex, int64_t *ret, struct api_error *err)
{
	if (ex_query_int64(ex, "maxResults", PAGE, ret, err))
		return -1;
	if (*ret < 1)
		return api_fail_at(err, 400, "invalid", "maxResults",
				   "Invalid value for maxResults: it must be positive");
	if (*ret > PAGE)
		*ret = PAGE;
	return 0;
}

/* A page token is the base64 of the name that the page begins with. */
static int read_token(const struct exchange *ex, struct buf *start, struct api_error *err)
{
	const char *token = ex_query(ex, "pageToken");
	struct error error;

	if (token && token[0] &&
	    (base64_decode(token, strlen(token), true, start) ||
	     memchr(start->data, '\0', start->length)))
		return api_fail_at(err, 400, "invalid", "pageToken", "Invalid pageToken: %s",
				   token);
	return buf_cstr(start, &error) ? 0 : api_fail(err, 500, "internalError", "out of memory");
}

static void set_token(json_t *answer, const char *next)
{
	auto_buf text = BUF_INIT;

	if (next && base64_encode_url(next, strlen(next), &text) == 0)
		json_object_set_new(answer, "nextPageToken", json_stringn(text.data, text.length));
}

static void set_list(json_t *answer, const char *key, json_t *list)
{
	if (json_array_size(list) > 0)
		json_object_set(answer, key, list);
}

static int answer_page(struct exchange *ex, const struct gcs_listing *asked, struct api_error *err)
{
	json_t *items = json_array(), *prefixes = json_array(), *object;
	char *next;
	size_t i;
	int rc = gcs_object_list(ex->server->gcs, ex->param[0], asked, items, prefixes, &next, err);

	if (rc == 0) {
		json_t *answer = json_pack("{s:s}", "kind", "storage#objects");

		json_array_foreach(items, i, object)
			gcs_link_object(ex, object);
		set_token(answer, next);
		set_list(answer, "prefixes", prefixes);
		set_list(answer, "items", items);
		ex_answer(ex, 200, answer);
	}
	free(next);
	json_decref(items);
	json_decref(prefixes);
	return rc;
}

static const char *text_of(const struct exchange *ex, const char *name)
{
	const char *value = ex_query(ex, name);

	return value ? value : "";
}

int gcs_objects_list(struct exchange *ex, struct api_error *err)
{
	struct gcs_listing asked = { .prefix = text_of(ex, "prefix"),
				     .delimiter = text_of(ex, "delimiter"),
				     .start = text_of(ex, "startOffset"),
				     .end = text_of(ex, "endOffset") };
	auto_buf start = BUF_INIT;

	if (gcs_check_bucket(ex->param[0], err) || check_list(ex, err) ||
	    read_limit(ex, &asked.limit, err) || read_token(ex, &start, err))
		return -1;
	if (strcmp(start.data, asked.start) > 0)
		asked.start = start.data;
	return answer_page(ex, &asked, err);
}
