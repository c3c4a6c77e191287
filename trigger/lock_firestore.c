/*
 * Documents of Firestore in native mode.
 * https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases.documents
 */
#include <stdio.h>
#include <string.h>

#include "lib/google/url.h"
#include "trigger/lock_impl.h"

/* ".../documents/COLLECTION" */
static int append_collection(const struct locks *l, struct buf *path, struct error *err)
{
	if (buf_appendf(path, err, "/projects/%s/databases/", l->project) < 0)
		return -1;
	if (l->database ? url_append_escaped(path, l->database, err) < 0
			: buf_append_str(path, "(default)", err) < 0)
		return -1;
	return buf_append_str(path, "/documents/", err) < 0 ||
			       url_append_escaped(path, l->where, err) < 0
		       ? -1
		       : 0;
}

/* Its path, and where there is a version that it must have. NULL: out of memory. */
static const char *document_path(const struct lock *l, bool versioned, struct buf *path,
				 struct error *err)
{
	if (append_collection(l->locks, path, err) < 0 ||
	    buf_appendf(path, err, "/%s", l->id) < 0 ||
	    (versioned && (buf_append_str(path, "?currentDocument.updateTime=", err) < 0 ||
			   url_append_escaped(path, l->version, err) < 0)))
		return NULL;
	return buf_cstr(path, err);
}

static json_t *make_body(const struct lock *l)
{
	return json_pack("{s:{s:{s:s},s:o,s:o}}", "fields", "owner", "stringValue", l->record.owner,
			 "expires", lock_document_time(l->record.expires_ns), "startRequested",
			 lock_document_time(l->record.start_ns));
}

static int take_version(struct lock *l, const json_t *document, struct error *err)
{
	const char *version = json_string_value(json_object_get(document, "updateTime"));

	if (!version || strlen(version) >= sizeof l->version)
		return error_set(err, ERR_PROTOCOL, "lock %s/%s: the answer has no updateTime",
				 l->locks->where, l->id);
	memcpy(l->version, version, strlen(version) + 1);
	return 1;
}

static int send(struct lock *l, struct api_request *q, const char *const *words, struct error *err)
{
	auto_api_response r = API_RESPONSE_INIT;
	json_t *body = make_body(l);
	int rc = body ? 0 : error_nomem(err);

	q->body = body;
	if (rc == 0)
		rc = lock_document_call(l, q, &r, err);
	json_decref(body);
	if (rc < 0)
		return -1;
	return r.status >= 400 ? lock_document_judge(l, &r, words, err)
			       : take_version(l, r.json, err);
}

static int create(struct lock *l, struct error *err)
{
	static const char *const exists[] = { "ALREADY_EXISTS", NULL };
	struct api_request q = { .method = "POST", .expected = { 409 } };
	auto_buf path = BUF_INIT_MAX(8192);

	if (append_collection(l->locks, &path, err) < 0 ||
	    buf_appendf(&path, err, "?documentId=%s", l->id) < 0 ||
	    !(q.path = buf_cstr(&path, err)))
		return -1;
	return send(l, &q, exists, err);
}

static int replace(struct lock *l, struct error *err)
{
	static const char *const changed[] = { "FAILED_PRECONDITION", "NOT_FOUND", NULL };
	struct api_request q = { .method = "PATCH", .expected = { 400, 404, 409 } };
	auto_buf path = BUF_INIT_MAX(8192);

	q.path = document_path(l, true, &path, err);
	return q.path ? send(l, &q, changed, err) : -1;
}

static int read_document(struct lock *l, struct lock_record *ret, struct error *err)
{
	struct api_request q = { .method = "GET", .expected = { 404 } };
	auto_api_response r = API_RESPONSE_INIT;
	auto_buf path = BUF_INIT_MAX(8192);
	const json_t *fields;
	const char *owner;

	q.path = document_path(l, false, &path, err);
	if (!q.path || lock_document_call(l, &q, &r, err) < 0)
		return -1;
	if (r.status == 404)
		return 0;
	fields = json_object_get(r.json, "fields");
	owner = json_string_value(json_object_get(json_object_get(fields, "owner"), "stringValue"));
	snprintf(ret->owner, sizeof ret->owner, "%s", owner ? owner : "nobody known");
	ret->expires_ns = lock_document_read_time(json_object_get(fields, "expires"));
	ret->start_ns = lock_document_read_time(json_object_get(fields, "startRequested"));
	return take_version(l, r.json, err);
}

static int remove_document(struct lock *l, struct error *err)
{
	static const char *const changed[] = { "FAILED_PRECONDITION", "NOT_FOUND", NULL };
	struct api_request q = { .method = "DELETE", .expected = { 400, 404, 409 } };
	auto_api_response r = API_RESPONSE_INIT;
	auto_buf path = BUF_INIT_MAX(8192);

	q.path = document_path(l, true, &path, err);
	if (!q.path || lock_document_call(l, &q, &r, err) < 0)
		return -1;
	return r.status >= 400 ? lock_document_judge(l, &r, changed, err) : 1;
}

static const struct document_kind documents = {
	.create = create,
	.read = read_document,
	.replace = replace,
	.remove = remove_document,
};

static int open_firestore(struct locks *l, const struct locks_options *options, struct error *err)
{
	l->documents = &documents;
	return lock_document_open(l, SERVICE_FIRESTORE, options, err);
}

const struct lock_kind lock_kind_firestore = {
	.prefix = "firestore:",
	.open = open_firestore,
	.take = lock_document_take,
	.write = lock_document_write,
	.release = lock_document_release,
};
