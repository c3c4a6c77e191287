/* Uploads in one request: uploadType=media, and what multipart shares with it. */
#include "tests/localcloud/upload_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int whole_create(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;

	up->fd = up->sink->create(ex, &up->spool, err);
	return up->fd < 0 ? -1 : 0;
}

static int hash_all(const struct exchange *ex, struct gcs_hash **ret, struct api_error *err)
{
	const struct upload *up = ex->upload;
	struct stat st;

	*ret = NULL;
	if (!up->sink->hashed)
		return 0;
	*ret = gcs_hash_new(!ex->server->no_md5);
	if (!*ret || fstat(up->fd, &st))
		return api_fail(err, 500, "internalError", "out of memory");
	return gcs_hash_file(*ret, up->fd, st.st_size, err);
}

int whole_finish(struct exchange *ex, struct api_error *err)
{
	struct upload *up = ex->upload;
	struct gcs_hash *hash = NULL;
	json_t *kept = NULL, *what = up->sink->describe(ex, up->metadata, up->type, err);
	int rc = what ? hash_all(ex, &hash, err) : -1;

	if (rc == 0)
		rc = up->sink->commit(ex, what, up->spool, hash, &kept, err);
	json_decref(kept);
	json_decref(what);
	gcs_hash_free(hash);
	if (rc)
		return -1;
	free(up->spool);
	up->spool = NULL;
	return 0;
}

void whole_abort(struct upload *up)
{
	if (up->fd >= 0)
		close(up->fd);
	if (up->spool)
		unlink(up->spool);
	free(up->spool);
	free(up->type);
	json_decref(up->metadata);
	buf_release(&up->head);
}

int media_begin(struct exchange *ex, struct api_error *err)
{
	const char *type = ex_header(ex, "Content-Type");
	struct upload *up = ex->upload;

	up->metadata = json_object();
	up->type = type ? strdup(type) : NULL;
	return whole_create(ex, err);
}

int media_data(struct exchange *ex, const char *data, size_t n)
{
	struct upload *up = ex->upload;

	up->failed = up->failed || spool_write(up->fd, data, n) != 0;
	return 0;
}

int media_finish(struct exchange *ex, struct api_error *err)
{
	if (ex->upload->failed)
		return api_fail(err, 503, "backendError", "localcloud cannot store the upload.");
	return whole_finish(ex, err);
}
