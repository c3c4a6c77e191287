#include "load/batch_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/storage.h"
#include "lib/log.h"
#include "lib/parse.h"

/* One object of the batch. */
struct object {
	const char *uri, *bucket, *name; /* the first is borrowed from the batch */
	size_t bucket_length, directory; /* of the name, with its last slash */
	int64_t size;                    /* -1: not seen */
	size_t wildcard; /* 1 + index of the object whose group's wildcard matches it; 0: none */
};

struct search {
	struct api *api;
	struct object *object; /* sorted by directory, then by name */
	size_t count;
};

/* Those of one directory, [from, to). */
struct group {
	size_t from, to;
	char *prefix; /* what their names have in common */
	bool shared;  /* … and some other object's name too */
};

static int compare_bytes(const char *a, size_t n, const char *b, size_t m)
{
	int order = memcmp(a, b, n < m ? n : m);

	return order ? order : (n > m) - (n < m);
}

/* A directory stands before what lies deeper in it. */
static int compare(const void *left, const void *right)
{
	const struct object *a = left, *b = right;
	int order = compare_bytes(a->bucket, a->bucket_length, b->bucket, b->bucket_length);

	if (!order)
		order = compare_bytes(a->name, a->directory, b->name, b->directory);
	return order ? order : strcmp(a->name, b->name);
}

static struct object object_of(const char *uri)
{
	const char *bucket = uri + strlen("gs://"), *name = strchr(bucket, '/') + 1;
	const char *slash = strrchr(name, '/');

	return (struct object){ .uri = uri,
				.bucket = bucket,
				.name = name,
				.bucket_length = (size_t)(name - 1 - bucket),
				.directory = slash ? (size_t)(slash + 1 - name) : 0,
				.size = -1 };
}

static int sort_objects(struct search *s, const struct batch *b, struct error *err)
{
	json_t *uri;
	size_t i;

	s->count = json_array_size(b->uris);
	s->object = calloc(s->count, sizeof *s->object);
	if (!s->object)
		return error_nomem(err);
	json_array_foreach(b->uris, i, uri)
		s->object[i] = object_of(json_string_value(uri));
	qsort(s->object, s->count, sizeof *s->object, compare);
	return 0;
}

/* --- looking up ------------------------------------------------------------------------------ */

static bool same_directory(const struct object *a, const struct object *b)
{
	return a->directory == b->directory && a->bucket_length == b->bucket_length &&
	       !memcmp(a->bucket, b->bucket, a->bucket_length) &&
	       !memcmp(a->name, b->name, a->directory);
}

/* The directory that begins at `from`. In a sorted group the first and the last name differ most. */
static int open_group(const struct search *s, size_t from, struct group *ret, struct error *err)
{
	const char *first = s->object[from].name, *last;
	size_t n = 0, to = from + 1;

	while (to < s->count && same_directory(&s->object[from], &s->object[to]))
		to++;
	last = s->object[to - 1].name;
	while (first[n] && first[n] == last[n])
		n++;
	/* Not in the middle of a character. */
	while (n > 0 && ((unsigned char)first[n] & 0xc0) == 0x80)
		n--;
	*ret = (struct group){ .from = from, .to = to, .prefix = strndup(first, n) };
	return ret->prefix ? 0 : error_nomem(err);
}

/* Note the size of what a page shows; *past: nothing of the group can come any more. */
static int take_page(struct search *s, struct group *g, const json_t *page, bool *past,
		     struct error *err)
{
	const char *last = s->object[g->to - 1].name;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(page, "items"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *size = json_string_value(json_object_get(item, "size"));
		const char *slash = name ? strrchr(name, '/') : NULL;
		struct object key = s->object[g->from], *found;
		struct error ignored;

		if (!name || !size)
			return error_set(err, ERR_PROTOCOL, "gs://%.*s/%s: the list lacks names",
					 (int)key.bucket_length, key.bucket, g->prefix);
		key.name = name;
		key.directory = slash ? (size_t)(slash + 1 - name) : 0;
		found = bsearch(&key, s->object, s->count, sizeof key, compare);
		if (!found)
			g->shared = true;
		else if (parse_int64(size, 0, INT64_MAX, &found->size, &ignored) < 0)
			return error_set(err, ERR_PROTOCOL, "%s: the list has no size of it",
					 found->uri);
		/* Lists are in the order of names. */
		*past = *past || (g->shared && strcmp(name, last) > 0);
	}
	return 0;
}

static int list_group(struct search *s, struct group *g, struct error *err)
{
	const struct object *first = &s->object[g->from];
	char *bucket = strndup(first->bucket, first->bucket_length), *token = NULL;
	bool past = false;
	int rc = bucket ? 0 : error_nomem(err);

	while (rc == 0 && !past) {
		const struct storage_list list = { .prefix = g->prefix,
						   .fields = "items(name,size),nextPageToken",
						   .page_token = token };
		json_t *page = NULL;
		const char *next;

		rc = storage_objects_list(s->api, bucket, &list, &page, err);
		if (rc <= 0) {
			rc = rc < 0 ? -1
				    : error_set(err, ERR_REMOTE, "no such bucket: gs://%s", bucket);
			break;
		}
		rc = take_page(s, g, page, &past, err);
		next = json_string_value(json_object_get(page, "nextPageToken"));
		free(token);
		token = next ? strdup(next) : NULL;
		past = past || !token;
		json_decref(page);
	}
	free(token);
	free(bucket);
	return rc;
}

/* Which of the objects the prefix matches that no other object shares. */
static void cover(struct search *s, const struct group *g)
{
	size_t n = strlen(g->prefix);

	/* What lies deeper is matched too, and comes behind. */
	for (size_t i = g->from; i < s->count; i++)
		if (!s->object[i].wildcard && !strncmp(s->object[i].name, g->prefix, n) &&
		    s->object[i].bucket_length == s->object[g->from].bucket_length &&
		    !memcmp(s->object[i].bucket, s->object[g->from].bucket,
			    s->object[i].bucket_length))
			s->object[i].wildcard = g->from + 1;
}

static int look_up(struct search *s, struct error *err)
{
	struct group g = { 0 };
	int rc = 0;

	for (size_t from = 0; rc == 0 && from < s->count; from = g.to) {
		rc = open_group(s, from, &g, err);
		if (rc == 0)
			rc = list_group(s, &g, err);
		for (size_t i = g.from; rc == 0 && i < g.to; i++)
			if (s->object[i].size < 0)
				rc = error_set(err, ERR_REMOTE, "no such object: %s",
					       s->object[i].uri);
		if (rc == 0 && !g.shared)
			cover(s, &g);
		free(g.prefix);
	}
	return rc;
}

/* --- dividing -------------------------------------------------------------------------------- */

static json_t *all_uris(const struct batch *b)
{
	return json_pack("[O]", b->uris);
}

/* The wildcard of the group that begins with that object: as open_group made its prefix. */
static json_t *wildcard_uri(const struct search *s, size_t from)
{
	struct group g;
	struct error ignored;
	json_t *uri = NULL;

	if (open_group(s, from, &g, &ignored) == 0)
		uri = json_sprintf("gs://%.*s/%s*", (int)s->object[from].bucket_length,
				   s->object[from].bucket, g.prefix);
	free(g.prefix);
	return uri;
}

/* Wildcards where they are clean, else the objects: each object is named once. */
static json_t *shortest_list(const struct search *s)
{
	json_t *uris = json_array();

	for (size_t i = 0; uris && i < s->count; i++) {
		const struct object *o = &s->object[i];
		json_t *uri;

		if (o->wildcard && o->wildcard != i + 1)
			continue;
		uri = o->wildcard ? wildcard_uri(s, i) : json_string(o->uri);
		if (json_array_append_new(uris, uri) < 0) {
			json_decref(uris);
			uris = NULL;
		}
	}
	return uris;
}

static json_t *several_jobs(const struct search *s, const struct batch_limits *limits)
{
	json_t *jobs = json_array(), *uris = NULL;
	uint64_t bytes = 0;

	for (size_t i = 0; i < s->count; i++) {
		uint64_t size = (uint64_t)s->object[i].size;

		if (!uris || json_array_size(uris) == limits->uris ||
		    size > limits->bytes - bytes) {
			uris = json_array();
			bytes = 0;
			if (json_array_append_new(jobs, uris) < 0)
				goto failed;
		}
		bytes += size < limits->bytes ? size : limits->bytes;
		if (json_array_append_new(uris, json_string(s->object[i].uri)) < 0)
			goto failed;
	}
	return jobs;
failed:
	json_decref(jobs);
	return NULL;
}

static int divide(const struct search *s, const struct batch *b, const struct batch_limits *limits,
		  struct batch_files *f, struct error *err)
{
	json_t *uris;

	for (size_t i = 0; i < s->count; i++)
		f->bytes += (uint64_t)s->object[i].size;
	f->count = (int64_t)s->count;
	if (f->bytes <= limits->bytes && s->count <= limits->uris) {
		f->jobs = all_uris(b);
	} else if (f->bytes <= limits->bytes && (uris = shortest_list(s))) {
		if (json_array_size(uris) <= limits->uris)
			f->jobs = json_pack("[O]", uris);
		else
			f->jobs = several_jobs(s, limits);
		json_decref(uris);
	} else {
		f->jobs = several_jobs(s, limits);
	}
	return f->jobs ? 0 : error_nomem(err);
}

int batch_files_find(struct api *api, const struct batch *b, const struct batch_limits *limits,
		     struct batch_files *ret, struct error *err)
{
	struct batch_files f = { .count = -1 };
	struct search s = { .api = api };
	int rc = -1;

	if (b->wildcards) {
		if (json_array_size(b->uris) > limits->uris)
			return error_set(err, ERR_REMOTE,
					 "%zu URIs with wildcards among them: one job takes %zu",
					 json_array_size(b->uris), limits->uris);
		f.jobs = all_uris(b);
		if (!f.jobs)
			return error_nomem(err);
	} else {
		if (sort_objects(&s, b, err) == 0 && look_up(&s, err) == 0)
			rc = divide(&s, b, limits, &f, err);
		free(s.object);
		if (rc < 0)
			return -1;
	}
	*ret = f;
	return 0;
}

void batch_files_release(struct batch_files *f)
{
	json_decref(f->jobs);
	*f = (struct batch_files){ 0 };
}
