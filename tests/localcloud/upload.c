#include "tests/localcloud/upload.h"

#include "tests/localcloud/ident.h"
#include "tests/localcloud/jobs.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/resource.h"
#include "tests/localcloud/upload_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct uploads {
	pthread_mutex_t lock;
	struct session *first;
};

static const char prefix[] = "/upload/bigquery/v2/projects/";

struct uploads *uploads_new(void)
{
	struct uploads *u = calloc(1, sizeof(*u));

	pthread_mutex_init(&u->lock, NULL);
	return u;
}

static void free_session(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	/* Once the job is inserted the file is the job's. */
	if (s->job && s->spool)
		unlink(s->spool);
	json_decref(s->job);
	free(s->project);
	free(s->job_id);
	free(s->location);
	free(s->spool);
	free(s);
}

void uploads_free(struct uploads *u)
{
	while (u->first) {
		struct session *s = u->first;

		u->first = s->next;
		free_session(s);
	}
	pthread_mutex_destroy(&u->lock);
	free(u);
}

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

void upload_answer_job(struct exchange *ex, json_t *job)
{
	resource_link_job(ex, job);
	ex_answer(ex, 200, job);
}

/* The session named in the URL, made busy; NULL when it is unknown. */
static struct session *take_session(struct exchange *ex, const char *id, struct api_error *err)
{
	struct uploads *u = ex->server->uploads;
	struct session *s;

	pthread_mutex_lock(&u->lock);
	for (s = u->first; s && strcmp(s->id, id) != 0; s = s->next)
		;
	if (!s) {
		api_fail(err, 404, "notFound", "Upload session not found.");
	} else if (s->busy) {
		s = NULL;
		api_fail(err, 503, "backendError",
			 "Another request of this upload session is under way.");
	} else {
		s->busy = true;
	}
	pthread_mutex_unlock(&u->lock);
	return s;
}

static void give_back(struct exchange *ex, bool gone)
{
	struct uploads *u = ex->server->uploads;
	struct session *s = ex->upload->session;

	pthread_mutex_lock(&u->lock);
	s->busy = false;
	for (struct session **at = &u->first; gone && *at; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			free_session(s);
			break;
		}
	}
	pthread_mutex_unlock(&u->lock);
	ex->upload->session = NULL;
}

/* ".../projects/P/jobs" */
static int read_path(const char *path, char *project, size_t size, struct api_error *err)
{
	const char *end;

	if (strncmp(path, "/resumable", 10) == 0)
		path += 10;
	end = strncmp(path, prefix, strlen(prefix)) == 0 ? strchr(path + strlen(prefix), '/')
							 : NULL;
	if (!end || strcmp(end, "/jobs") != 0 || (size_t)(end - path) - strlen(prefix) >= size)
		return api_fail(err, 404, "notFound", "Not Found: %s", path);
	snprintf(project, size, "%.*s", (int)((size_t)(end - path) - strlen(prefix)),
		 path + strlen(prefix));
	return 0;
}

static int64_t content_length(const struct exchange *ex)
{
	const char *text = ex_header(ex, "Content-Length");
	int64_t n;

	return text && ju_parse_int64(text, strlen(text), &n) == 0 ? n : -1;
}

static int bad_range(struct api_error *err, const char *what)
{
	return api_fail_at(err, 400, "invalid", "Content-Range", "Invalid request. %s", what);
}

/* Holds the request's Content-Range against the session before the body comes. */
static int check_range(const struct exchange *ex, struct upload *up, struct session *s,
		       struct api_error *err)
{
	const struct content_range *r = &up->range;
	int64_t length = r->to >= 0 ? r->to - r->from + 1 : -1, body = content_length(ex);

	if (r->total >= 0 && s->total >= 0 && r->total != s->total)
		return bad_range(err, "The total differs from the one given before.");
	if (r->total >= 0 && r->total < s->stored)
		return bad_range(err, "The total is less than what has been uploaded.");
	if (r->from < 0)
		return body > 0 ? bad_range(err, "A question for the state has no body.") : 0;
	if (r->from > s->stored)
		return api_fail_at(
			err, 400, "invalid", "Content-Range",
			"Invalid request. According to the Content-Range header, the upload offset is %" PRId64
			" byte(s), which exceeds already uploaded size of %" PRId64 " byte(s).",
			r->from, s->stored);
	if (length >= 0 && body >= 0 && body != length)
		return bad_range(err, "Content-Length and Content-Range differ.");
	if (length >= 0 && r->total >= 0 && r->to >= r->total)
		return bad_range(err, "The range ends behind the total.");
	if (length >= 0 && (r->total < 0 || r->to + 1 < r->total) && length % UPLOAD_CHUNK != 0)
		return api_fail_at(
			err, 400, "invalid", "Content-Range",
			"Invalid request. The number of bytes uploaded is required to be a multiple of %d, except for the final "
			"request. The received request contained %" PRId64
			" bytes, which does not meet this requirement.",
			UPLOAD_CHUNK, length);
	return 0;
}

static int begin_chunks(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;
	struct session *s;

	if (ex->fault.session) {
		return api_fail(err, ex->fault.session,
				ex->fault.session == 410 ? "gone" : "notFound",
				"Upload session not found.");
	}
	if (content_range_parse(ex_header(ex, "Content-Range"), &up->range, err))
		return -1;
	s = take_session(ex, ex_query(ex, "upload_id") ? ex_query(ex, "upload_id") : "", err);
	if (!s)
		return -1;
	up->session = s;
	if (!s->job)
		return 0;
	if (check_range(ex, up, s, err)) {
		give_back(ex, false);
		return -1;
	}
	up->skip = up->range.from >= 0 ? s->stored - up->range.from : 0;
	up->room = ex->fault.short308;
	up->limit = ex->fault.drop == DROP_MID_BODY
			    ? (content_length(ex) > 0 ? content_length(ex) / 2 : 1)
			    : -1;
	return 0;
}

static int choose_kind(const struct exchange *ex, enum upload_kind *kind, struct api_error *err)
{
	const char *type = ex_query(ex, "uploadType");
	bool session = ex_query(ex, "upload_id") != NULL;

	if (session && strcmp(ex->method, "PUT") == 0)
		*kind = UPLOAD_CHUNKS;
	else if (session && strcmp(ex->method, "POST") == 0)
		*kind = UPLOAD_CHUNKS;
	else if (session && strcmp(ex->method, "DELETE") == 0)
		*kind = UPLOAD_CANCEL;
	else if (strcmp(ex->method, "POST") == 0 && type && strcmp(type, "resumable") == 0)
		*kind = UPLOAD_START;
	else if (strcmp(ex->method, "POST") == 0 && type && strcmp(type, "multipart") == 0)
		*kind = UPLOAD_MULTIPART;
	else
		return api_fail(err, 400, "badRequest",
				"uploadType must be resumable or multipart");
	return 0;
}

int upload_begin(struct exchange *ex, struct api_error *err)
{
	struct upload up = { .room = -1, .limit = -1, .fd = -1 };

	if (read_path(ex->path, up.project, sizeof(up.project), err) ||
	    choose_kind(ex, &up.kind, err))
		return -1;
	ex->upload = malloc(sizeof(up));
	if (!ex->upload)
		return api_fail(err, 500, "internalError", "out of memory");
	memcpy(ex->upload, &up, sizeof(up));
	if (up.kind == UPLOAD_CHUNKS)
		return begin_chunks(ex, err);
	return up.kind == UPLOAD_MULTIPART ? multipart_begin(ex, err) : 0;
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
	s->stored += (int64_t)n;
	return 0;
}

int upload_data(struct exchange *ex, const char *data, size_t n)
{
	struct upload *up = ex->upload;
	struct error error;

	if (up->kind == UPLOAD_MULTIPART)
		return multipart_data(ex, data, n);
	if (up->kind != UPLOAD_CHUNKS)
		return buf_append(&ex->body, data, n, &error);
	if (!up->session || !up->session->job || up->range.from < 0)
		return 0;
	if (up->limit >= 0 && (int64_t)n >= up->limit) {
		store_chunk(up, data, (size_t)up->limit);
		return -1;
	}
	if (up->limit >= 0)
		up->limit -= (int64_t)n;
	return store_chunk(up, data, n);
}

static int finish_start(struct exchange *ex, struct api_error *err)
{
	struct uploads *u = ex->server->uploads;
	const char *length = ex_header(ex, "X-Upload-Content-Length");
	struct session *s;
	json_t *job = ex_json(ex, err);
	char root[300];

	if (!job || jobs_describe(ex->server->jobs, ex->upload->project, job, err)) {
		json_decref(job);
		return -1;
	}
	s = calloc(1, sizeof(*s));
	s->job = job;
	s->total = -1;
	if (length && (ju_parse_int64(length, strlen(length), &s->total) || s->total < 0)) {
		free_session(s);
		return api_fail(err, 400, "invalid", "Invalid X-Upload-Content-Length");
	}
	s->project = strdup(ex->upload->project);
	s->job_id = strdup(ju_string(ju_path(job, "jobReference"), "jobId", ""));
	s->location = strdup(ju_string(ju_path(job, "jobReference"), "location", ""));
	ident_random_hex(s->id, sizeof(s->id));
	s->fd = spool_create(ex->server->dir, &s->spool, err);
	if (s->fd < 0) {
		free_session(s);
		return -1;
	}
	pthread_mutex_lock(&u->lock);
	s->next = u->first;
	u->first = s;
	pthread_mutex_unlock(&u->lock);
	ex_set_header(ex, "Location", "%s%s%s/jobs?uploadType=resumable&upload_id=%s",
		      ex_root(ex, root, sizeof(root)), prefix, s->project, s->id);
	ex_set_header(ex, "X-GUploader-UploadID", "%s", s->id);
	return 0;
}

/* 308 with what is stored; no Range when that is nothing. */
static void answer_incomplete(struct exchange *ex, const struct session *s)
{
	bool covered = ex_header(ex, "X-GUploader-No-308") &&
		       strcmp(ex_header(ex, "X-GUploader-No-308"), "yes") == 0;

	ex->status = covered ? 200 : 308;
	if (covered)
		ex_set_header(ex, "X-Http-Status-Code-Override", "308");
	if (s->stored > 0)
		ex_set_header(ex, "Range", "bytes=0-%" PRId64, s->stored - 1);
	ex_set_header(ex, "X-GUploader-UploadID", "%s", s->id);
}

/* All bytes are there: the job starts, the spool file becomes its own. */
static int complete(struct exchange *ex, struct session *s, struct api_error *err)
{
	json_t *job = NULL;

	if (jobs_insert(ex->server->jobs, s->job, s->spool, &job, err)) {
		give_back(ex, true);
		return -1;
	}
	close(s->fd);
	s->fd = -1;
	json_decref(s->job);
	s->job = NULL;
	upload_answer_job(ex, job);
	return 0;
}

static int answer_finished(struct exchange *ex, const struct session *s, struct api_error *err)
{
	json_t *job = jobs_get(ex->server->jobs, s->project, s->location, s->job_id, err);

	if (!job)
		return -1;
	upload_answer_job(ex, job);
	return 0;
}

/* An interrupted chunk: what stays is a multiple of the chunk size, as the real service keeps it. */
static void round_down(struct session *s)
{
	int64_t keep = s->stored / UPLOAD_CHUNK * UPLOAD_CHUNK;

	if (keep == s->stored)
		return;
	if (ftruncate(s->fd, keep) == 0 && lseek(s->fd, keep, SEEK_SET) == keep)
		s->stored = keep;
}

static int finish_chunks(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;
	struct session *s = up->session;
	const struct content_range *r = &up->range;
	bool to_end = r->from >= 0 && r->to < 0;

	if (!s->job)
		return answer_finished(ex, s, err);
	if (up->failed)
		return api_fail(err, 503, "backendError", "localcloud cannot store the upload.");
	if (ex->fault.short308 >= 0 && r->from >= 0) {
		answer_incomplete(ex, s);
		return 0;
	}
	if (r->to >= 0 && s->stored < r->to + 1) {
		round_down(s);
		return bad_range(err, "The body is shorter than the Content-Range says.");
	}
	if (r->to >= 0 && ex->received > r->to - r->from + 1)
		return bad_range(err, "The body is longer than the Content-Range says.");
	if (r->total >= 0)
		s->total = r->total;
	if (to_end && s->total >= 0 && s->stored != s->total)
		return bad_range(err, "The body's length differs from the total.");
	if (to_end || (r->total >= 0 && s->stored == r->total))
		return complete(ex, s, err);
	answer_incomplete(ex, s);
	return 0;
}

static int finish_cancel(struct exchange *ex, struct api_error *err)
{
	struct session *s = take_session(ex, ex_query(ex, "upload_id"), err);

	if (!s)
		return -1;
	ex->upload->session = s;
	give_back(ex, true);
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
	case UPLOAD_CANCEL:
		return finish_cancel(ex, err);
	default:
		rc = finish_chunks(ex, err);
		if (ex->upload->session)
			give_back(ex, false);
		return rc;
	}
}

void upload_abort(struct exchange *ex)
{
	struct upload *up = ex->upload;

	if (!up)
		return;
	if (up->session) {
		if (up->session->job)
			round_down(up->session);
		give_back(ex, false);
	}
	if (up->kind == UPLOAD_MULTIPART)
		multipart_abort(up);
	free(up);
	ex->upload = NULL;
}
