#include "trigger/event.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/crypto.h"
#include "lib/google/destination.h"
#include "trigger/dts_time.h"

enum { ENTRY_MAX = 16 * 1024 * 1024 };

void change_release(struct change *c)
{
	free(c->project);
	free(c->dataset);
	free(c->id);
	*c = (struct change){ .project = NULL };
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && *text ? text : NULL;
}

static int fill(const char *project, const char *dataset, const char *id, int64_t at_ns,
		struct change *ret, struct error *err)
{
	struct change c = { .project = project ? strdup(project) : NULL,
			    .dataset = strdup(dataset),
			    .id = id ? strdup(id) : NULL,
			    .at_ns = at_ns };

	if (!c.dataset || (project && !c.project) || (id && !c.id)) {
		change_release(&c);
		return error_nomem(err);
	}
	*ret = c;
	return 1;
}

/* --- entries of the audit log ---------------------------------------------------------------- */

/* "google.cloud.bigquery.v2.TableService.InsertTable" is the method "TableService.InsertTable". */
static bool is_method(const char *name, const char *method)
{
	size_t n = strlen(name), m = strlen(method);

	return n >= m && !strcmp(name + n - m, method) && (n == m || name[n - m - 1] == '.');
}

static bool may_write(const json_t *payload)
{
	const json_t *information = json_object_get(payload, "authorizationInfo"), *item;
	size_t i;

	json_array_foreach(information, i, item) {
		const char *permission = text_of(item, "permission");

		if (permission && !strcmp(permission, "bigquery.tables.updateData") &&
		    !json_is_false(json_object_get(item, "granted")))
			return true;
	}
	return false;
}

static bool changes_a_table(const json_t *payload)
{
	static const char *const methods[] = { "TableService.InsertTable",
					       "TableService.PatchTable",
					       "TableService.UpdateTable", NULL };
	const char *name = text_of(payload, "methodName");

	if (!name)
		return false;
	for (const char *const *method = methods; *method; method++)
		if (is_method(name, *method))
			return true;
	return is_method(name, "JobService.InsertJob") && may_write(payload);
}

static int parse_entry(const json_t *entry, struct change *ret, struct error *err)
{
	const json_t *resource = json_object_get(entry, "resource");
	const json_t *labels = json_object_get(resource, "labels");
	const char *type = text_of(resource, "type"), *severity = text_of(entry, "severity");
	const char *id = text_of(entry, "insertId"), *dataset = text_of(labels, "dataset_id");
	const char *at = text_of(entry, "timestamp");
	int64_t at_ns;

	if (!type || (!id && !text_of(entry, "logName")))
		return error_set(err, ERR_DATA, "it is no entry of the audit log");
	if (strcmp(type, "bigquery_dataset") != 0 || (severity && !strcmp(severity, "ERROR")) ||
	    !changes_a_table(json_object_get(entry, "protoPayload")))
		return 0;
	if (!at)
		at = text_of(entry, "receiveTimestamp");
	if (!dataset)
		return error_set(err, ERR_DATA, "entry %s: resource.labels.dataset_id is missing",
				 id ? id : "without insertId");
	if (!at || !dts_time_parse(at, &at_ns))
		return error_set(err, ERR_DATA, "entry %s: %s", id ? id : "without insertId",
				 at ? "its timestamp is none" : "timestamp is missing");
	return fill(text_of(labels, "project_id"), dataset, id, at_ns, ret, err);
}

/* --- what carries an entry -------------------------------------------------------------------- */

static int parse_data(const char *data, struct change *ret, struct error *err)
{
	auto_buf text = BUF_INIT_MAX(ENTRY_MAX);
	json_t *entry = NULL;
	int rc;

	if (crypto_base64_decode(data, strlen(data), &text, err) < 0)
		return error_prefix(err, "data");
	entry = json_loadb(text.data, text.length, 0, NULL);
	rc = entry ? parse_entry(entry, ret, err)
		   : error_set(err, ERR_DATA, "it is no entry of the audit log");
	json_decref(entry);
	return rc;
}

/* Of pubsubrun, or of a push request. */
static int parse_message(const json_t *message, struct change *ret, struct error *err)
{
	const json_t *entry = json_object_get(message, "json");
	const char *data = text_of(message, "data"), *id = text_of(message, "id");
	int rc;

	if (!id)
		id = text_of(message, "messageId");
	if (json_is_object(entry))
		rc = parse_entry(entry, ret, err);
	else if (data)
		rc = parse_data(data, ret, err);
	else
		rc = error_set(err, ERR_DATA, "it has no data");
	return rc < 0 ? error_prefix(err, "message %s", id ? id : "without id") : rc;
}

int event_parse(const json_t *line, struct change *ret, struct error *err)
{
	const json_t *pulled = json_object_get(line, "@message");
	const json_t *pushed = json_object_get(line, "message");

	if (json_is_object(pulled))
		return parse_message(pulled, ret, err);
	if (json_is_object(pushed))
		return parse_message(pushed, ret, err);
	if (json_is_object(json_object_get(line, "@loaded")))
		return error_set(err, ERR_DATA,
				 "@loaded outside of a stream: without @begin and @end nothing "
				 "proves that it is whole");
	if (json_is_object(json_object_get(line, "resource")))
		return parse_entry(line, ret, err);
	return error_set(err, ERR_DATA,
			 "neither an entry of the audit log, nor a @message, nor the body of a "
			 "push request");
}

/* --- loads ------------------------------------------------------------------------------------ */

int event_parse_loaded(const json_t *loaded, struct change *ret, struct error *err)
{
	const char *table = text_of(loaded, "table"), *at = text_of(loaded, "at");
	const char *job = text_of(loaded, "job");
	struct destination d;
	int64_t at_ns;
	int rc;

	if (!table)
		return error_set(err, ERR_DATA, "@loaded: table is missing");
	if (!job)
		return 0;
	if (!at || !dts_time_parse(at, &at_ns))
		return error_set(err, ERR_DATA, "@loaded of %s: %s", table,
				 at ? "its 'at' is no point in time" : "'at' is missing");
	if (destination_parse(table, &d, err) < 0) {
		err->code = ERR_DATA;
		return error_prefix(err, "@loaded");
	}
	rc = fill(d.project, d.dataset, job, at_ns, ret, err);
	destination_release(&d);
	return rc;
}
