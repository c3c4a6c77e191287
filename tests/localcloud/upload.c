#include "tests/localcloud/upload.h"

#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/upload_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int spool_create(const char *dir, char **name, struct api_error *err)
{
	char random[17];
	int fd;

	ident_random_hex(random, sizeof(random));
	if (asprintf(name, "%s/spool-%s", dir, random) < 0)
		return api_fail(err, 500, "internalError", "out of memory");
	fd = open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	free(*name);
	*name = NULL;
	return api_fail(err, 503, "backendError", "localcloud cannot store the upload: %s",
			strerror(errno));
}

int spool_write(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, data, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

bool upload_is_path(const char *path)
{
	return strncmp(path, "/upload/", 8) == 0 || strncmp(path, "/resumable/upload/", 18) == 0;
}

bool upload_handles_drop(const struct exchange *ex)
{
	return ex->upload && ex->upload->kind == UPLOAD_CHUNKS;
}

static const char *behind_resumable(const char *path)
{
	return strncmp(path, "/resumable", 10) == 0 ? path + 10 : path;
}

/* What the path uploads to, and whose it is. */
static int read_path(const char *path, struct upload *up, struct api_error *err)
{
	static const struct upload_sink *const sinks[] = { &upload_job_sink, &gcs_upload_sink };

	path = behind_resumable(path);
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		size_t before = strlen(sinks[i]->before), n;

		if (strncmp(path, sinks[i]->before, before) != 0)
			continue;
		n = strcspn(path + before, "/");
		if (n == 0 || n >= sizeof(up->owner) ||
		    strcmp(path + before + n, sinks[i]->after) != 0)
			break;
		up->sink = sinks[i];
		snprintf(up->owner, sizeof(up->owner), "%.*s", (int)n, path + before);
		return 0;
	}
	api_fail(err, 404, "notFound", "Not Found: %s", path);
	return -1;
}

static int begin_chunks(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;
	const char *id = ex_query(ex, "upload_id");
	struct session *s;

	if (ex->fault.session) {
		return api_fail(err, ex->fault.session,
				ex->fault.session == 410 ? "gone" : "notFound",
				"Upload session not found.");
	}
	if (content_range_parse(ex_header(ex, "Content-Range"), &up->range, err))
		return -1;
	s = session_take(ex, id ? id : "", err);
	if (!s)
		return -1;
	up->session = s;
	if (!s->what)
		return 0;
	if (content_range_check(ex, &up->range, s, err)) {
		session_give_back(ex, false);
		return -1;
	}
	up->skip = up->range.from >= 0 ? s->stored - up->range.from : 0;
	up->room = ex->fault.short308;
	up->damaged = ex->fault.damage;
	up->limit = ex->fault.drop == DROP_MID_BODY
			    ? (upload_content_length(ex) > 0 ? upload_content_length(ex) / 2 : 1)
			    : -1;
	return 0;
}

static int choose_kind(const struct exchange *ex, struct upload *up, struct api_error *err)
{
	const char *type = ex_query(ex, "uploadType");
	bool session = ex_query(ex, "upload_id") != NULL, post = strcmp(ex->method, "POST") == 0;

	if (session && (post || strcmp(ex->method, "PUT") == 0))
		up->kind = UPLOAD_CHUNKS;
	else if (session && strcmp(ex->method, "DELETE") == 0)
		up->kind = UPLOAD_CANCEL;
	else if (post && type && strcmp(type, "resumable") == 0)
		up->kind = UPLOAD_START;
	else if (post && type && strcmp(type, "multipart") == 0)
		up->kind = UPLOAD_MULTIPART;
	else if (post && type && strcmp(type, "media") == 0 && up->sink->media)
		up->kind = UPLOAD_MEDIA;
	else
		return api_fail(err, 400, "badRequest",
				"uploadType must be %sresumable or multipart",
				up->sink->media ? "media, " : "");
	return 0;
}

int upload_begin(struct exchange *ex, struct api_error *err)
{
	struct upload up = { .room = -1, .limit = -1, .fd = -1 };

	if (read_path(ex->path, &up, err) || choose_kind(ex, &up, err))
		return -1;
	ex->upload = malloc(sizeof(up));
	if (!ex->upload)
		return api_fail(err, 500, "internalError", "out of memory");
	memcpy(ex->upload, &up, sizeof(up));
	switch (up.kind) {
	case UPLOAD_CHUNKS:
		return begin_chunks(ex, err);
	case UPLOAD_MULTIPART:
		return multipart_begin(ex, err);
	case UPLOAD_MEDIA:
		return media_begin(ex, err);
	default:
		return 0;
	}
}

static int store_chunk(struct upload *up, const char *data, size_t n)
{
	struct session *s = up->session;
	size_t skip = up->skip < (int64_t)n ? (size_t)up->skip : n;

	up->skip -= (int64_t)skip;
	data += skip;
	n -= skip;
	if (up->room >= 0 && (int64_t)n > up->room)
		n = (size_t)up->room;
	if (up->room >= 0)
		up->room -= (int64_t)n;
	if (n == 0 || up->failed)
		return 0;
	up->failed = spool_write(s->fd, data, n) != 0;
	if (up->damaged && !up->failed) {
		const char other = (char)(data[0] ^ 1);

		up->failed = pwrite(s->fd, &other, 1, s->stored) != 1;
		up->damaged = false;
	}
	s->stored += (int64_t)n;
	return 0;
}

static int take_chunk(struct upload *up, const char *data, size_t n)
{
	if (!up->session || !up->session->what || up->range.from < 0)
		return 0;
	if (up->limit >= 0 && (int64_t)n >= up->limit) {
		store_chunk(up, data, (size_t)up->limit);
		return -1;
	}
	if (up->limit >= 0)
		up->limit -= (int64_t)n;
	return store_chunk(up, data, n);
}

int upload_data(struct exchange *ex, const char *data, size_t n)
{
	struct error error;

	switch (ex->upload->kind) {
	case UPLOAD_MULTIPART:
		return multipart_data(ex, data, n);
	case UPLOAD_MEDIA:
		return media_data(ex, data, n);
	case UPLOAD_CHUNKS:
		return take_chunk(ex->upload, data, n);
	default:
		return buf_append(&ex->body, data, n, &error);
	}
}

static int describe_session(struct exchange *ex, struct session *s, struct api_error *err)
{
	const char *length = ex_header(ex, "X-Upload-Content-Length");
	json_t *metadata;

	if (length && (ju_parse_int64(length, strlen(length), &s->total) || s->total < 0))
		return api_fail(err, 400, "invalid", "Invalid X-Upload-Content-Length");
	metadata = ex_json(ex, err);
	if (!metadata)
		return -1;
	s->what = s->sink->describe(ex, metadata, ex_header(ex, "X-Upload-Content-Type"), err);
	json_decref(metadata);
	if (!s->what)
		return -1;
	s->fd = s->sink->create(ex, &s->spool, err);
	return s->fd < 0 ? -1 : 0;
}

static int finish_start(struct exchange *ex, struct api_error *err)
{
	struct session *s = session_new(ex->upload->sink, !ex->server->no_md5);
	char root[300];

	if (!s)
		return api_fail(err, 500, "internalError", "out of memory");
	if (describe_session(ex, s, err)) {
		session_free(s);
		return -1;
	}
	ex_set_header(ex, "Location", "%s%s?uploadType=resumable&upload_id=%s",
		      ex_root(ex, root, sizeof(root)), ex->path, s->id);
	ex_set_header(ex, "X-GUploader-UploadID", "%s", s->id);
	session_add(ex->server->uploads, s);
	return 0;
}

/* 308 with what is stored; no Range when that is nothing. */
static int answer_incomplete(struct exchange *ex, struct session *s, struct api_error *err)
{
	const char *no_308 = ex_header(ex, "X-GUploader-No-308");
	bool covered = no_308 && strcmp(no_308, "yes") == 0;

	if (s->hash && gcs_hash_file(s->hash, s->fd, s->stored, err))
		return -1;
	s->acknowledged = s->stored;
	ex->status = covered ? 200 : 308;
	if (covered)
		ex_set_header(ex, "X-Http-Status-Code-Override", "308");
	if (s->stored > 0)
		ex_set_header(ex, "Range", "bytes=0-%" PRId64, s->stored - 1);
	ex_set_header(ex, "X-GUploader-UploadID", "%s", s->id);
	return 0;
}

/* All bytes are there. An upload that is refused now cannot be completed later: the session ends. */
static int complete(struct exchange *ex, struct session *s, struct api_error *err)
{
	if ((s->hash && gcs_hash_file(s->hash, s->fd, s->stored, err)) ||
	    s->sink->commit(ex, s->what, s->spool, s->hash, &s->kept, err)) {
		session_give_back(ex, true);
		return -1;
	}
	ex_set_header(ex, "X-GUploader-UploadID", "%s", s->id);
	close(s->fd);
	s->fd = -1;
	json_decref(s->what);
	s->what = NULL;
	return 0;
}

static int finish_chunks(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;
	struct session *s = up->session;
	const struct content_range *r = &up->range;
	bool to_end = r->from >= 0 && r->to < 0;

	if (!s->what)
		return s->sink->repeat(ex, s->kept, err);
	if (up->failed)
		return api_fail(err, 503, "backendError", "localcloud cannot store the upload.");
	if (ex->fault.short308 >= 0 && r->from >= 0)
		return answer_incomplete(ex, s, err);
	if (r->to >= 0 && s->stored < r->to + 1) {
		session_round_down(s);
		return content_range_bad(err, "The body is shorter than the Content-Range says.");
	}
	if (r->to >= 0 && ex->received > r->to - r->from + 1)
		return content_range_bad(err, "The body is longer than the Content-Range says.");
	if (r->total >= 0)
		s->total = r->total;
	if (to_end && s->total >= 0 && s->stored != s->total)
		return content_range_bad(err, "The body's length differs from the total.");
	if (to_end || (r->total >= 0 && s->stored == r->total))
		return complete(ex, s, err);
	return answer_incomplete(ex, s, err);
}

static int finish_cancel(struct exchange *ex, struct api_error *err)
{
	struct session *s = session_take(ex, ex_query(ex, "upload_id"), err);

	if (!s)
		return -1;
	ex->upload->session = s;
	session_give_back(ex, true);
	return api_fail(err, 499, "uploadCancelled", "Client Closed Request");
}

int upload_finish(struct exchange *ex, struct api_error *err)
{
	int rc;

	switch (ex->upload->kind) {
	case UPLOAD_START:
		return finish_start(ex, err);
	case UPLOAD_MULTIPART:
		return multipart_finish(ex, err);
	case UPLOAD_MEDIA:
		return media_finish(ex, err);
	case UPLOAD_CANCEL:
		return finish_cancel(ex, err);
	default:
		rc = finish_chunks(ex, err);
		if (ex->upload->session)
			session_give_back(ex, false);
		return rc;
	}
}

void upload_abort(struct exchange *ex)
{
	struct upload *up = ex->upload;

	if (!up)
		return;
	if (up->session) {
		if (up->session->what)
			session_round_down(up->session);
		session_give_back(ex, false);
	}
	whole_abort(up);
	free(up);
	ex->upload = NULL;
}
