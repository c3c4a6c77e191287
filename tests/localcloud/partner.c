#include "tests/localcloud/partner_impl.h"

#include "tests/localcloud/json_util.h"
#include "tests/localcloud/pubsub.h"
#include "tests/localcloud/pubsub_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100
#define PAGE_MAX 1000

struct partner *partner_new(void)
{
	struct partner *p = calloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	p->sources = json_object();
	p->runs = json_object();
	return p;
}

bool partner_is_ending(struct partner *p)
{
	bool ending;

	pthread_mutex_lock(&p->lock);
	ending = p->ending;
	pthread_mutex_unlock(&p->lock);
	return ending;
}

void partner_free(struct partner *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	json_decref(p->sources);
	json_decref(p->runs);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

json_t *partner_run_state(struct partner *p, const char *name)
{
	if (!json_object_get(p->runs, name))
		json_object_set_new(p->runs, name, json_pack("{s:[],s:b}", "jobs", "finished", 0));
	return json_object_get(p->runs, name);
}

bool partner_find_source(struct partner *p, const char *id, char *project)
{
	bool found = false;
	const char *name;
	json_t *value;

	pthread_mutex_lock(&p->lock);
	json_object_foreach(p->sources, name, value) {
		const char *owner = name + strlen("projects/");

		if (strcmp(ju_string(json_object_get(value, "dataSource"), "dataSourceId", ""), id))
			continue;
		found = true;
		if (project)
			snprintf(project, PARTNER_NAME_MAX, "%.*s", (int)strcspn(owner, "/"),
				 owner);
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

bool partner_has_source(struct partner *p, const char *id)
{
	return partner_find_source(p, id, NULL);
}

/* --- what a definition may hold ------------------------------------------------------------------------------- */

/* Members that messages have, from the public proto of DataSourceDefinition, DataSource and DataSourceParameter. */
static const char *const definition_members[] = { "name",
						  "dataSource",
						  "transferRunPubsubTopic",
						  "runTimeOffset",
						  "supportEmail",
						  "serviceAccount",
						  "disabled",
						  "transferConfigPubsubTopic",
						  "supportedLocationIds",
						  NULL };
static const char *const source_members[] = { "name",
					      "dataSourceId",
					      "displayName",
					      "description",
					      "clientId",
					      "scopes",
					      "transferType",
					      "supportsMultipleTransfers",
					      "updateDeadlineSeconds",
					      "defaultSchedule",
					      "supportsCustomSchedule",
					      "parameters",
					      "helpUrl",
					      "authorizationType",
					      "dataRefreshType",
					      "defaultDataRefreshWindowDays",
					      "manualRunsDisabled",
					      "minimumScheduleInterval",
					      NULL };
static const char *const parameter_members[] = { "paramId",
						 "displayName",
						 "description",
						 "type",
						 "required",
						 "repeated",
						 "validationRegex",
						 "allowedValues",
						 "minValue",
						 "maxValue",
						 "fields",
						 "validationDescription",
						 "validationHelpUrl",
						 "immutable",
						 "recurse",
						 "deprecated",
						 NULL };

static int check_members(const json_t *object, const char *where, const char *const *known,
			 struct api_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
		if (!ju_in(key, known))
			return api_fail(
				err, 400, "INVALID_ARGUMENT",
				"Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find field.",
				key, where);
	return 0;
}

static int check_parameters(const json_t *parameters, struct api_error *err)
{
	static const char *const types[] = { "TYPE_UNSPECIFIED", "STRING",  "INTEGER",
					     "DOUBLE",           "BOOLEAN", "RECORD",
					     "PLUS_PAGE",        "LIST",    NULL };
	json_t *parameter;
	size_t i;

	json_array_foreach((json_t *)parameters, i, parameter) {
		if (check_members(parameter, "data_source_definition.data_source.parameters",
				  parameter_members, err))
			return -1;
		if (!*ju_string(parameter, "paramId", ""))
			return api_fail(err, 400, "INVALID_ARGUMENT",
					"Data source parameter %zu has no param_id.", i);
		if (!ju_in(ju_string(parameter, "type", "TYPE_UNSPECIFIED"), types))
			return api_fail(
				err, 400, "INVALID_ARGUMENT",
				"Invalid value at 'data_source_definition.data_source.parameters[%zu].type', \"%s\"",
				i, ju_string(parameter, "type", ""));
		if (check_parameters(json_object_get(parameter, "fields"), err))
			return -1;
	}
	return 0;
}

static int check_definition(const json_t *definition, struct api_error *err)
{
	const json_t *source = json_object_get(definition, "dataSource");
	const char *id = ju_string(source, "dataSourceId", "");

	if (check_members(definition, "data_source_definition", definition_members, err) ||
	    check_members(source, "data_source_definition.data_source", source_members, err))
		return -1;
	if (!*id || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(id))
		return api_fail(err, 400, "INVALID_ARGUMENT", "Invalid data source id: '%s'.", id);
	return check_parameters(json_object_get(source, "parameters"), err);
}

/* --- topics --------------------------------------------------------------------------------------------------- */

/* The service makes a topic and a subscription of the same name for each location, in the partner's project. */
static int make_topic(struct server *server, const char *project, const char *id,
		      const char *location, struct api_error *err)
{
	char topic[PARTNER_NAME_MAX], subscription[PARTNER_NAME_MAX];
	json_t *body, *resource;
	int rc;

	snprintf(topic, sizeof(topic), "projects/%s/topics/bigquerydatatransfer.%s.%s.run", project,
		 id, location);
	snprintf(subscription, sizeof(subscription),
		 "projects/%s/subscriptions/bigquerydatatransfer.%s.%s.run", project, id, location);
	body = json_object();
	resource = pubsub_new_topic(body, err);
	json_decref(body);
	rc = resource ? pubsub_topic_create(server->pubsub, topic, resource, err) : -1;
	json_decref(resource);
	if (rc && err->status != 409)
		return -1;
	body = json_pack("{s:s,s:i}", "topic", topic, "ackDeadlineSeconds", 60);
	resource = pubsub_new_subscription(body, err);
	json_decref(body);
	rc = resource ? pubsub_subscription_create(server->pubsub, subscription, resource, err)
		      : -1;
	json_decref(resource);
	return rc && err->status != 409 ? -1 : 0;
}

static int make_topics(struct server *server, const char *project, const json_t *definition,
		       struct api_error *err)
{
	const char *id = ju_string(json_object_get(definition, "dataSource"), "dataSourceId", "");
	json_t *location;
	size_t i;

	json_array_foreach(json_object_get(definition, "supportedLocationIds"), i, location)
		if (make_topic(server, project, id, json_string_value(location), err))
			return -1;
	return 0;
}

/* --- methods -------------------------------------------------------------------------------------------------- */

static void name_of(const struct exchange *ex, const char *id, char name[PARTNER_NAME_MAX])
{
	snprintf(name, PARTNER_NAME_MAX, "projects/%s/locations/%s/dataSourceDefinitions/%s",
		 ex->param[0], ex->param[1], id);
}

static int not_found(struct api_error *err, const char *name)
{
	return api_fail(err, 404, "NOT_FOUND", "Requested entity was not found: %s", name);
}

int partner_sources_create(struct exchange *ex, struct api_error *err)
{
	struct partner *p = ex->server->partner;
	json_t *definition = ex_json(ex, err);
	char name[PARTNER_NAME_MAX];
	const char *id;
	int rc = -1;

	if (!definition)
		return -1;
	if (check_definition(definition, err) == 0) {
		id = ju_string(json_object_get(definition, "dataSource"), "dataSourceId", "");
		name_of(ex, id, name);
		json_object_set_new(definition, "name", json_string(name));
		json_object_set_new(
			definition, "transferRunPubsubTopic",
			json_sprintf("projects/%s/topics/bigquerydatatransfer.%s.%s.run",
				     ex->param[0], id, ex->param[1]));
		pthread_mutex_lock(&p->lock);
		if (json_object_get(p->sources, name))
			rc = api_fail(err, 409, "ALREADY_EXISTS",
				      "Requested entity already exists");
		else
			rc = make_topics(ex->server, ex->param[0], definition, err);
		if (rc == 0)
			json_object_set(p->sources, name, definition);
		pthread_mutex_unlock(&p->lock);
	}
	if (rc == 0)
		ex_answer(ex, 200, json_deep_copy(definition));
	json_decref(definition);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names below the parent, sorted; the caller frees the array. The lock is held. */
static const char **names_below(struct partner *p, const char *parent, size_t *n)
{
	const char **names = calloc(json_object_size(p->sources) + 1, sizeof(*names)), *name;
	json_t *value;

	*n = 0;
	json_object_foreach(p->sources, name, value)
		if (strncmp(name, parent, strlen(parent)) == 0)
			names[(*n)++] = name;
	qsort(names, *n, sizeof(*names), by_name);
	return names;
}

int partner_sources_list(struct exchange *ex, struct api_error *err)
{
	struct partner *p = ex->server->partner;
	const char *token = ex_query(ex, "pageToken"), **names;
	json_t *answer = json_object(), *page = json_array();
	char parent[PARTNER_NAME_MAX];
	int64_t size;
	size_t n;

	if (ex_query_int64(ex, "pageSize", PAGE, &size, err) || size < 0) {
		json_decref(answer);
		json_decref(page);
		return api_fail(err, 400, "INVALID_ARGUMENT", "Invalid page size.");
	}
	if (size == 0 || size > PAGE_MAX)
		size = PAGE;
	name_of(ex, "", parent);
	pthread_mutex_lock(&p->lock);
	names = names_below(p, parent, &n);
	for (size_t i = 0; i < n; i++) {
		if (token && strcmp(names[i], token) < 0)
			continue;
		if ((int64_t)json_array_size(page) == size) {
			json_object_set_new(answer, "nextPageToken", json_string(names[i]));
			break;
		}
		json_array_append_new(page, json_deep_copy(json_object_get(p->sources, names[i])));
	}
	free(names);
	pthread_mutex_unlock(&p->lock);
	if (json_array_size(page) > 0)
		json_object_set(answer, "dataSourceDefinitions", page);
	json_decref(page);
	ex_answer(ex, 200, answer);
	return 0;
}

/* A copy of the one that the path names; NULL and 404. */
static json_t *find(const struct exchange *ex, char name[PARTNER_NAME_MAX], struct api_error *err)
{
	struct partner *p = ex->server->partner;
	json_t *found;

	name_of(ex, ex->param[2], name);
	pthread_mutex_lock(&p->lock);
	found = json_deep_copy(json_object_get(p->sources, name));
	pthread_mutex_unlock(&p->lock);
	if (!found)
		not_found(err, name);
	return found;
}

int partner_sources_get(struct exchange *ex, struct api_error *err)
{
	char name[PARTNER_NAME_MAX];
	json_t *found = find(ex, name, err);

	if (!found)
		return -1;
	ex_answer(ex, 200, found);
	return 0;
}

int partner_sources_delete(struct exchange *ex, struct api_error *err)
{
	struct partner *p = ex->server->partner;
	char name[PARTNER_NAME_MAX];
	int rc;

	name_of(ex, ex->param[2], name);
	pthread_mutex_lock(&p->lock);
	rc = json_object_del(p->sources, name);
	pthread_mutex_unlock(&p->lock);
	if (rc)
		return not_found(err, name);
	ex_answer(ex, 200, json_object());
	return 0;
}

/* Copies one path of the mask, as dataSource.parameters, from the one to the other. */
static int patch_path(json_t *to, const json_t *from, const char *path, struct api_error *err)
{
	const char *dot = strchr(path, '.');
	char head[128];

	if (!dot) {
		json_t *value = json_object_get(from, path);

		if (!ju_in(path, definition_members) && !ju_in(path, source_members))
			return api_fail(err, 400, "INVALID_ARGUMENT",
					"Invalid update mask path: %s", path);
		if (value)
			json_object_set(to, path, value);
		else
			json_object_del(to, path);
		return 0;
	}
	snprintf(head, sizeof(head), "%.*s", (int)(dot - path), path);
	if (strcmp(head, "dataSource") != 0)
		return api_fail(err, 400, "INVALID_ARGUMENT", "Invalid update mask path: %s", path);
	return patch_path(json_object_get(to, head), json_object_get(from, head), dot + 1, err);
}

static int patch_paths(json_t *to, const json_t *from, const char *mask, struct api_error *err)
{
	while (*mask) {
		size_t n = strcspn(mask, ",");
		char path[256];

		snprintf(path, sizeof(path), "%.*s", (int)n, mask);
		if (patch_path(to, from, path, err))
			return -1;
		mask += n + (mask[n] == ',');
	}
	return 0;
}

int partner_sources_patch(struct exchange *ex, struct api_error *err)
{
	struct partner *p = ex->server->partner;
	const char *mask = ex_query(ex, "updateMask");
	json_t *changes = ex_json(ex, err), *patched = NULL;
	char name[PARTNER_NAME_MAX];
	int rc = -1;

	if (changes && (!mask || !*mask))
		api_fail(err, 400, "INVALID_ARGUMENT", "The update mask is missing.");
	else if (changes)
		patched = find(ex, name, err);
	if (patched)
		rc = patch_paths(patched, changes, mask, err);
	if (rc == 0)
		rc = check_definition(patched, err);
	if (rc == 0)
		rc = make_topics(ex->server, ex->param[0], patched, err);
	if (rc == 0) {
		pthread_mutex_lock(&p->lock);
		json_object_set_new(p->sources, name, json_deep_copy(patched));
		pthread_mutex_unlock(&p->lock);
		ex_answer(ex, 200, json_incref(patched));
	}
	json_decref(patched);
	json_decref(changes);
	return rc;
}
