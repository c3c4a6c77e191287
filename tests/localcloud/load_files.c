#include "tests/localcloud/load_files.h"

#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/json_util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Limits of a load job: cloud.google.com/bigquery/quotas#load_jobs */
#define MAX_URIS 10000
#define MAX_JOB_BYTES INT64_C(15000000000000)
#define MAX_FILE_BYTES INT64_C(5000000000000)
#define MAX_GZIP_BYTES (INT64_C(4) << 30)

static const char scheme[] = "gs://";

/* "gs://BUCKET/NAME" in its parts; name may hold one star. */
struct uri {
	const char *text;
	char bucket[256];
	const char *name;
};

static int parse(const char *text, struct uri *ret, struct api_error *err)
{
	const char *slash;
	size_t n;

	*ret = (struct uri){ .text = text ? text : "", .name = "" };
	if (!text || strncmp(text, scheme, strlen(scheme)) != 0)
		return api_fail(err, 400, "invalid",
				"Source URI must be a Google Cloud Storage location: \"%s\".",
				ret->text);
	slash = strchr(text + strlen(scheme), '/');
	n = slash ? (size_t)(slash - text) - strlen(scheme) : 0;
	if (n == 0 || n >= sizeof(ret->bucket) || !slash[1] || strlen(slash + 1) > 1024)
		return api_fail(err, 400, "invalid",
				"Source URI \"%s\" must name a bucket and an object.", text);
	snprintf(ret->bucket, sizeof(ret->bucket), "%.*s", (int)n, text + strlen(scheme));
	ret->name = slash + 1;
	if (strchr(ret->bucket, '*'))
		return api_fail(err, 400, "invalid",
				"Source URI \"%s\": a wildcard in the bucket is not supported.",
				text);
	if (strchr(ret->name, '*') != strrchr(ret->name, '*'))
		return api_fail(err, 400, "invalid",
				"Source URI \"%s\" contains more than one wildcard.", text);
	return gcs_check_bucket(ret->bucket, err);
}

int load_files_check(const json_t *uris, struct api_error *err)
{
	const json_t *text;
	struct uri uri;
	size_t i;

	if (uris && !json_is_array(uris))
		return api_fail(err, 400, "invalid", "Invalid value for sourceUris: not an array");
	if (json_array_size(uris) > MAX_URIS)
		return api_fail(err, 400, "invalid",
				"Number of source URIs (%zu) exceeds the limit of %d.",
				json_array_size(uris), MAX_URIS);
	json_array_foreach(uris, i, text)
		if (parse(json_string_value(text), &uri, err))
			return -1;
	return 0;
}

static int add(struct load_files *f, char *uri, const char *path, int64_t size)
{
	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 16;
		struct load_file *more = reallocarray(f->list, room, sizeof(*more));

		if (!more)
			return free(uri), -1;
		f->list = more;
		f->room = room;
	}
	f->list[f->count++] = (struct load_file){ uri, strdup(path), size };
	f->bytes += size;
	return 0;
}

int load_files_upload(struct load_files *f, const char *path, struct api_error *err)
{
	struct stat st;

	if (stat(path, &st) || access(path, R_OK))
		return api_fail(
			err, 503, "backendError",
			"The uploaded data are gone: send the load again under a new job id.");
	return add(f, NULL, path, st.st_size) ? api_fail(err, 500, "internalError", "out of memory")
					      : 0;
}

/* The walk over the objects that one URI may mean. */
struct search {
	struct load_files *files;
	const struct uri *uri;
	const char *star; /* in the name, or NULL */
};

static bool matches(const struct search *s, const char *name)
{
	size_t before, after, n = strlen(name);

	if (!s->star)
		return strcmp(name, s->uri->name) == 0;
	before = (size_t)(s->star - s->uri->name);
	after = strlen(s->star + 1);
	/* The walk has seen to what stands before the star. */
	return n >= before + after && strcmp(name + n - after, s->star + 1) == 0;
}

static int visit(void *closure, const char *name, const char *path, int64_t size)
{
	struct search *s = closure;
	char *uri;

	if (!matches(s, name))
		/* The name itself comes first among those that begin with it. */
		return s->star ? 0 : 1;
	if (asprintf(&uri, "%s%s/%s", scheme, s->uri->bucket, name) < 0)
		return -1;
	return add(s->files, uri, path, size);
}

/* May a job in one location read a bucket in another? A dataset in the US reads from everywhere. */
static bool readable_from(const char *job, const char *bucket)
{
	return strcasecmp(job, "US") == 0 || strcasecmp(job, bucket) == 0 ||
	       (strcasecmp(job, "EU") == 0 && strncasecmp(bucket, "europe-", 7) == 0) ||
	       (strcasecmp(bucket, "EU") == 0 && strncasecmp(job, "europe-", 7) == 0) ||
	       (strcasecmp(bucket, "US") == 0 && strncasecmp(job, "us-", 3) == 0) ||
	       (strcasecmp(bucket, "ASIA") == 0 && strncasecmp(job, "asia-", 5) == 0);
}

static int not_found(const struct uri *uri, struct api_error *err)
{
	return api_fail(err, 404, "notFound", "Not found: URI %s", uri->text);
}

static int check_bucket(struct gcs *g, const struct uri *uri, const char *location,
			struct api_error *err)
{
	json_t *bucket = gcs_bucket_get(g, uri->bucket, err);
	char where[64];

	if (!bucket)
		return err->status == 404 ? not_found(uri, err) : -1;
	snprintf(where, sizeof(where), "%s", ju_string(bucket, "location", ""));
	json_decref(bucket);
	if (readable_from(location, where))
		return 0;
	return api_fail(err, 400, "invalid",
			"Cannot read and write in different locations: source: %s, destination: %s",
			where, location);
}

static int find_one(struct load_files *f, struct gcs *g, const struct uri *uri,
		    struct api_error *err)
{
	struct search s = { f, uri, strchr(uri->name, '*') };
	size_t before = f->count;
	char prefix[1025];

	snprintf(prefix, sizeof(prefix), "%.*s",
		 (int)(s.star ? (size_t)(s.star - uri->name) : strlen(uri->name)), uri->name);
	if (gcs_object_each(g, uri->bucket, prefix, visit, &s, err) < 0)
		return -1;
	return f->count > before ? 0 : not_found(uri, err);
}

/* Its size, and what it is: 1 gzip, 0 plain, -1 empty or not there. */
static int look_into(struct load_file *file)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	unsigned char magic[2];
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0) {
		file->size = st.st_size;
		n = read(fd, magic, sizeof(magic));
	}
	close(fd);
	return n <= 0 ? -1 : n == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

bool load_file_is_gzip(const struct load_file *file)
{
	struct load_file copy = *file;

	return look_into(&copy) == 1;
}

static int too_large(const char *what, int64_t bytes, int64_t limit, struct api_error *err)
{
	return api_fail(err, 400, "invalid",
			"Error while reading data, error message: Input %s is %" PRId64
			" bytes, which exceeds the limit of %" PRId64 " bytes.",
			what, bytes, limit);
}

static int check_limits(struct load_files *f, struct api_error *err)
{
	const char *seen[2] = { NULL, NULL };

	f->bytes = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct load_file *file = &f->list[i];
		int gzip = look_into(file);
		int64_t limit = gzip > 0 ? MAX_GZIP_BYTES : MAX_FILE_BYTES;

		f->bytes += file->size;
		if (file->size > limit)
			return too_large(file->uri, file->size, limit, err);
		if (gzip >= 0)
			seen[gzip] = file->uri;
		if (seen[0] && seen[1])
			return api_fail(
				err, 400, "invalid",
				"Error while reading data, error message: compressed and uncompressed files cannot be loaded by one "
				"job: %s is compressed, %s is not.",
				seen[1], seen[0]);
	}
	if (f->bytes > MAX_JOB_BYTES)
		return too_large("of all files", f->bytes, MAX_JOB_BYTES, err);
	return 0;
}

int load_files_find(struct load_files *f, struct gcs *g, const json_t *uris, const char *location,
		    struct api_error *err)
{
	const json_t *text;
	struct uri uri;
	char last[sizeof(uri.bucket)] = "";
	size_t i;

	json_array_foreach(uris, i, text) {
		if (parse(json_string_value(text), &uri, err))
			return -1;
		if (strcmp(uri.bucket, last) != 0 && check_bucket(g, &uri, location, err))
			return -1;
		memcpy(last, uri.bucket, sizeof(last));
		if (find_one(f, g, &uri, err))
			return -1;
	}
	return check_limits(f, err);
}

void load_files_release(struct load_files *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->list[i].uri);
		free(f->list[i].path);
	}
	free(f->list);
}
