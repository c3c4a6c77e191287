/*
 * Entities of Datastore, or of Firestore in Datastore mode.
 * https://cloud.google.com/datastore/docs/reference/data/rest
 *
 * A baseVersion that is not met is no failure by itself: one server says
 * conflictDetected with 200, another writes nevertheless. Only with
 * conflictResolutionStrategy FAIL do all refuse.
 */
#include <stdio.h>
#include <string.h>

#include "trigger/lock_impl.h"

/* NULL where memory is out; packed as null by nobody. */
static json_t *make_key(const struct lock *l)
{
	json_t *partition = json_pack("{s:s,s:s*}", "projectId", l->locks->project, "databaseId",
				      l->locks->database);

	return json_pack("{s:o,s:[{s:s,s:s}]}", "partitionId", partition, "path", "kind",
			 l->locks->where, "name", l->id);
}

static json_t *make_property(json_t *value)
{
	if (value && json_object_set_new(value, "excludeFromIndexes", json_true()) < 0) {
		json_decref(value);
		return NULL;
	}
	return value;
}

static json_t *make_entity(const struct lock *l)
{
	return json_pack("{s:o,s:{s:o,s:o,s:o}}", "key", make_key(l), "properties", "owner",
			 make_property(json_pack("{s:s}", "stringValue", l->record.owner)),
			 "expires", make_property(lock_document_time(l->record.expires_ns)),
			 "startRequested", make_property(lock_document_time(l->record.start_ns)));
}

/* POST /projects/P:verb; body is stolen, NULL is out of memory. */
static int post(struct lock *l, const char *verb, json_t *body, const int *expected,
		struct api_response *ret, struct error *err)
{
	struct api_request q = { .method = "POST", .body = body };
	auto_buf path = BUF_INIT_MAX(1024);
	int rc = body ? 0 : error_nomem(err);

	if (rc == 0 && l->locks->database &&
	    json_object_set_new(body, "databaseId", json_string(l->locks->database)) < 0)
		rc = error_nomem(err);
	for (int i = 0; expected && i < API_EXPECTED_MAX; i++)
		q.expected[i] = expected[i];
	if (rc == 0)
		rc = buf_appendf(&path, err, "/projects/%s:%s", l->locks->project, verb);
	if (rc == 0 && !(q.path = buf_cstr(&path, err)))
		rc = -1;
	if (rc == 0)
		rc = lock_document_call(l, &q, ret, err);
	json_decref(body);
	return rc;
}

static int take_version(struct lock *l, const json_t *from, struct error *err)
{
	const char *version = json_string_value(json_object_get(from, "version"));

	if (!version || strlen(version) >= sizeof l->version)
		return error_set(err, ERR_PROTOCOL, "lock %s/%s: the answer has no version",
				 l->locks->where, l->id);
	memcpy(l->version, version, strlen(version) + 1);
	return 1;
}

/* One mutation {kind: value}, against our version where it is told. value is stolen. */
static int commit(struct lock *l, const char *kind, json_t *value, bool versioned,
		  const char *const *words, struct error *err)
{
	static const int expected[API_EXPECTED_MAX] = { 400, 404, 409 };
	auto_api_response r = API_RESPONSE_INIT;
	const json_t *result;
	json_t *mutation = json_pack("{s:o,s:s*,s:s*}", kind, value, "baseVersion",
				     versioned ? l->version : NULL, "conflictResolutionStrategy",
				     versioned ? "FAIL" : NULL);

	if (post(l, "commit",
		 json_pack("{s:s,s:[o]}", "mode", "NON_TRANSACTIONAL", "mutations", mutation),
		 expected, &r, err) < 0)
		return -1;
	if (r.status >= 400)
		return lock_document_judge(l, &r, words, err);
	result = json_array_get(json_object_get(r.json, "mutationResults"), 0);
	if (json_is_true(json_object_get(result, "conflictDetected")))
		return 0;
	return take_version(l, result, err);
}

static int create(struct lock *l, struct error *err)
{
	static const char *const exists[] = { "ALREADY_EXISTS", NULL };

	return commit(l, "insert", make_entity(l), false, exists, err);
}

static const char *const changed[] = { "FAILED_PRECONDITION", "NOT_FOUND", NULL };

static int replace(struct lock *l, struct error *err)
{
	return commit(l, "update", make_entity(l), true, changed, err);
}

static int remove_entity(struct lock *l, struct error *err)
{
	return commit(l, "delete", make_key(l), true, changed, err);
}

static int read_entity(struct lock *l, struct lock_record *ret, struct error *err)
{
	auto_api_response r = API_RESPONSE_INIT;
	const json_t *found, *properties;
	const char *owner;

	if (post(l, "lookup",
		 json_pack("{s:[o],s:{s:s}}", "keys", make_key(l), "readOptions", "readConsistency",
			   "STRONG"),
		 NULL, &r, err) < 0)
		return -1;
	found = json_array_get(json_object_get(r.json, "found"), 0);
	if (!found)
		return 0;
	properties = json_object_get(json_object_get(found, "entity"), "properties");
	owner = json_string_value(
		json_object_get(json_object_get(properties, "owner"), "stringValue"));
	snprintf(ret->owner, sizeof ret->owner, "%s", owner ? owner : "nobody known");
	ret->expires_ns = lock_document_read_time(json_object_get(properties, "expires"));
	ret->start_ns = lock_document_read_time(json_object_get(properties, "startRequested"));
	return take_version(l, found, err);
}

static const struct document_kind documents = {
	.create = create,
	.read = read_entity,
	.replace = replace,
	.remove = remove_entity,
};

static int open_datastore(struct locks *l, const struct locks_options *options, struct error *err)
{
	l->documents = &documents;
	return lock_document_open(l, SERVICE_DATASTORE, options, err);
}

const struct lock_kind lock_kind_datastore = {
	.prefix = "datastore:",
	.open = open_datastore,
	.take = lock_document_take,
	.write = lock_document_write,
	.release = lock_document_release,
};
