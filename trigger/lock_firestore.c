/*
 * Documents of Firestore in native mode.
 * https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases.documents
 *
 * Writes go through documents:commit, whose preconditions are JSON: the
 * emulator does not read an updateTime in a query.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/url.h"
#include "trigger/lock_impl.h"

static const char *database(const struct lock *l)
{
	return l->locks->database ? l->locks->database : "(default)";
}

/* The document's name, as a JSON string; NULL where memory is out. */
static json_t *make_name(const struct lock *l)
{
	return json_sprintf("projects/%s/databases/%s/documents/%s/%s", l->locks->project,
			    database(l), l->locks->where, l->id);
}

static int take_version(struct lock *l, const json_t *from, struct error *err)
{
	const char *version = json_string_value(json_object_get(from, "updateTime"));

	if (!version || strlen(version) >= sizeof l->version)
		return error_set(err, ERR_PROTOCOL, "lock %s/%s: the answer has no updateTime",
				 l->locks->where, l->id);
	memcpy(l->version, version, strlen(version) + 1);
	return 1;
}

/* One write, which is stolen, if the condition, stolen too, holds. NULL: out of memory. */
static int commit(struct lock *l, json_t *write, json_t *condition, const char *const *words,
		  struct api_response *ret, struct error *err)
{
	struct api_request q = { .method = "POST", .expected = { 400, 404, 409 } };
	auto_buf path = BUF_INIT_MAX(1024);
	json_t *body = NULL;
	int rc = -1;

	/* json_object_set_new takes the condition also where it fails. */
	if (json_object_set_new(write, "currentDocument", condition) == 0)
		body = json_pack("{s:[O]}", "writes", write);
	q.body = body;
	if (!body)
		error_nomem(err);
	else if (buf_appendf(&path, err, "/projects/%s/databases/%s/documents:commit",
			     l->locks->project, database(l)) == 0 &&
		 (q.path = buf_cstr(&path, err)))
		rc = lock_document_call(l, &q, ret, err);
	json_decref(body);
	json_decref(write);
	if (rc < 0)
		return -1;
	return ret->status >= 400 ? lock_document_judge(l, ret, words, err) : 1;
}

static int update(struct lock *l, json_t *condition, const char *const *words, struct error *err)
{
	auto_api_response r = API_RESPONSE_INIT;
	json_t *write = json_pack("{s:{s:o,s:{s:{s:s},s:o,s:o}}}", "update", "name", make_name(l),
				  "fields", "owner", "stringValue", l->record.owner, "expires",
				  lock_document_time(l->record.expires_ns), "startRequested",
				  lock_document_time(l->record.start_ns));
	int rc = commit(l, write, condition, words, &r, err);

	if (rc <= 0)
		return rc;
	return take_version(l, json_array_get(json_object_get(r.json, "writeResults"), 0), err);
}

static int create(struct lock *l, struct error *err)
{
	static const char *const exists[] = { "ALREADY_EXISTS", NULL };

	return update(l, json_pack("{s:b}", "exists", 0), exists, err);
}

static const char *const changed[] = { "FAILED_PRECONDITION", "NOT_FOUND", NULL };

static int replace(struct lock *l, struct error *err)
{
	return update(l, json_pack("{s:s}", "updateTime", l->version), changed, err);
}

static int remove_document(struct lock *l, struct error *err)
{
	auto_api_response r = API_RESPONSE_INIT;

	return commit(l, json_pack("{s:o}", "delete", make_name(l)),
		      json_pack("{s:s}", "updateTime", l->version), changed, &r, err);
}

static int read_document(struct lock *l, struct lock_record *ret, struct error *err)
{
	struct api_request q = { .method = "GET", .expected = { 404 } };
	auto_api_response r = API_RESPONSE_INIT;
	auto_buf path = BUF_INIT_MAX(8192);
	const json_t *fields;
	const char *owner;

	if (buf_appendf(&path, err, "/projects/%s/databases/%s/documents/", l->locks->project,
			database(l)) < 0 ||
	    url_append_escaped(&path, l->locks->where, err) < 0 ||
	    buf_appendf(&path, err, "/%s", l->id) < 0 || !(q.path = buf_cstr(&path, err)) ||
	    lock_document_call(l, &q, &r, err) < 0)
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
