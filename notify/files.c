#include "notify/files.h"

#include <stdlib.h>
#include <string.h>

#include "lib/google/storage.h"
#include "lib/parse.h"

static bool is_word(const char *part, size_t n, const char *word)
{
	return strlen(word) == n && !strncmp(part, word, n);
}

static bool is_special(const char *part, size_t n)
{
	return *part == '.' || is_word(part, n, "_config") || is_word(part, n, "_backlog") ||
	       is_word(part, n, "_bqlock");
}

bool files_is_apart(const char *object)
{
	for (const char *slash; (slash = strchr(object, '/')); object = slash + 1)
		if (is_special(object, (size_t)(slash - object)))
			return true;
	return false;
}

bool files_is_data(const struct files_names *names, const char *rest)
{
	for (;;) {
		size_t n = strcspn(rest, "/");

		if (is_special(rest, n))
			return false;
		if (!rest[n])
			return n > 0 && !is_word(rest, n, names->success) &&
			       !is_word(rest, n, names->backfill);
		rest += n + 1;
	}
}

static int take_page(const json_t *page, const char *bucket, size_t directory,
		     const struct files_names *names, struct files *f, struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(page, "items"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *size = json_string_value(json_object_get(item, "size"));
		int64_t bytes;

		if (!name || strlen(name) < directory || !size ||
		    parse_int64(size, 0, INT64_MAX, &bytes, err) < 0)
			return error_set(err, ERR_PROTOCOL,
					 "bucket %s: an object is listed without name or size",
					 bucket);
		if (bytes == 0 || !files_is_data(names, name + directory))
			continue;
		if (strchr(name, '*'))
			return error_set(err, ERR_DATA,
					 "gs://%s/%s: BigQuery takes the asterisk in its name for "
					 "a wildcard, so it cannot be loaded",
					 bucket, name);
		if (json_array_append_new(f->uris, json_sprintf("gs://%s/%s", bucket, name)) < 0)
			return error_nomem(err);
		f->bytes += (uint64_t)bytes;
	}
	return 0;
}

static int read_pages(struct api *storage, const char *bucket, const char *directory,
		      const struct files_names *names, struct files *f, struct error *err)
{
	char *token = NULL;
	int rc;

	do {
		const struct storage_list list = { .prefix = directory,
						   .fields = "items(name,size),nextPageToken",
						   .page_token = token };
		const char *next;
		json_t *page = NULL;

		rc = storage_objects_list(storage, bucket, &list, &page, err);
		if (rc == 0)
			rc = error_set(err, ERR_REMOTE, "there is no bucket %s", bucket);
		if (rc < 0)
			break;
		rc = take_page(page, bucket, strlen(directory), names, f, err);
		next = json_string_value(json_object_get(page, "nextPageToken"));
		free(token);
		token = next ? strdup(next) : NULL;
		if (next && !token)
			rc = error_nomem(err);
		json_decref(page);
	} while (rc == 0 && token);
	free(token);
	return rc;
}

int files_find(struct api *storage, const char *bucket, const char *directory,
	       const struct files_names *names, struct files *ret, struct error *err)
{
	struct files f = { .uris = json_array() };
	int rc = f.uris ? read_pages(storage, bucket, directory, names, &f, err) : error_nomem(err);

	if (rc == 0 && json_array_size(f.uris) == 0)
		rc = error_set(err, ERR_DATA, "gs://%s/%s: there is no data in it", bucket,
			       directory);
	if (rc < 0) {
		json_decref(f.uris);
		return -1;
	}
	*ret = f;
	return 0;
}
