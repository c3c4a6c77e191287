/* The methods of transfer configurations. */
#include "tests/localcloud/dts_api.h"
#include "tests/localcloud/dts_check.h"
#include "tests/localcloud/dts_sources.h"
#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/partner.h"
#include "tests/localcloud/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OWNER "localcloud@example.com"

int dts_configs_list(struct exchange *ex, struct api_error *err)
{
	struct dts_name parent;
	struct dts_page page;
	json_t *sources, *items;

	if (dts_parse_name(ex, &parent, err) || dts_parse_page(ex, &page, err))
		return -1;
	sources = dts_query_values(ex, "dataSourceIds");
	items = dts_config_list(ex->server->dts, &parent, sources, &page, err);
	json_decref(sources);
	if (!items)
		return -1;
	/* ownerInfo is for get alone. */
	for (size_t i = 0; i < json_array_size(items); i++)
		json_object_del(json_array_get(items, i), "ownerInfo");
	dts_answer_list(ex, "transferConfigs", items, &page);
	return 0;
}

/* The dataset's location in small letters, which must be the one in name unless that is "-": then it becomes it. */
static int check_dataset(struct exchange *ex, const char *project, const char *dataset,
			 struct dts_name *name, struct api_error *err)
{
	struct store *store = ex->server->store;
	struct api_error ignored;
	json_t *resource;
	int rc = 0;

	store_read_begin(store);
	resource = store_dataset_get(store, project, dataset, &ignored);
	store_read_end(store);
	if (!resource)
		return api_fail(err, 404, "NOT_FOUND", "Not found: Dataset %s:%s", project,
				dataset);
	if (strcmp(name->location, "-") == 0) {
		snprintf(name->location, sizeof(name->location), "%s",
			 ju_string(resource, "location", "us"));
		for (char *p = name->location; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p - 'A' + 'a');
	} else if (strcasecmp(name->location, ju_string(resource, "location", "us")) != 0) {
		rc = api_fail(err, 400, "INVALID_ARGUMENT",
			      "Dataset %s:%s is in location %s, not in %s.", project, dataset,
			      ju_string(resource, "location", "us"), name->location);
	}
	json_decref(resource);
	return rc;
}

static void set_owner(const struct exchange *ex, json_t *config)
{
	const char *account = ex_query(ex, "serviceAccountName");

	json_object_set_new(config, "ownerInfo",
			    json_pack("{s:s}", "email", account && account[0] ? account : OWNER));
}

static int create(struct exchange *ex, struct dts_name *parent, json_t *config,
		  struct api_error *err)
{
	const char *dataset = ju_string(config, "destinationDatasetId", "");

	if (dts_check_new_config(config,
				 partner_has_source(ex->server->partner,
						    ju_string(config, "dataSourceId", "")),
				 err) ||
	    (dataset[0] && check_dataset(ex, ex->param[0], dataset, parent, err)))
		return -1;
	if (strcmp(parent->location, "-") == 0)
		snprintf(parent->location, sizeof(parent->location), "us");
	set_owner(ex, config);
	json_object_set_new(config, "userId", json_string("0"));
	if (dts_config_insert(ex->server->dts, parent, ex->param[0], config, err))
		return -1;
	json_object_del(config, "ownerInfo");
	ex_answer(ex, 200, json_incref(config));
	return 0;
}

int dts_configs_create(struct exchange *ex, struct api_error *err)
{
	struct dts_name parent;
	json_t *body, *config;
	int rc;

	if (dts_parse_name(ex, &parent, err))
		return -1;
	body = ex_json(ex, err);
	config = body ? dts_check_config(body, err) : NULL;
	rc = config ? create(ex, &parent, config, err) : -1;
	json_decref(config);
	json_decref(body);
	return rc;
}

int dts_configs_get(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	json_t *config;

	if (dts_parse_name(ex, &name, err))
		return -1;
	config = dts_config_get(ex->server->dts, &name, err);
	if (!config)
		return -1;
	ex_answer(ex, 200, config);
	return 0;
}

/* New parameters must have what the data source, which cannot change, requires. */
static int check_new_params(struct exchange *ex, const struct dts_name *name, const json_t *changes,
			    struct api_error *err)
{
	const struct dts_source *source;
	json_t *config;
	int rc;

	if (!json_object_get(changes, "params"))
		return 0;
	config = dts_config_get(ex->server->dts, name, err);
	if (!config)
		return -1;
	source = dts_source_find(ju_string(config, "dataSourceId", ""), err);
	rc = source ? dts_source_check(source, json_object_get(changes, "params"), err) : -1;
	json_decref(config);
	return rc;
}

/* A dataset that it is changed to must be where the configuration is. */
static int check_new_dataset(struct exchange *ex, struct dts_name *name, const json_t *changes,
			     struct api_error *err)
{
	const char *dataset = ju_string(changes, "destinationDatasetId", NULL);
	char *project;
	int rc;

	if (!dataset)
		return 0;
	project = dts_config_project(ex->server->dts, name, err);
	if (!project)
		return -1;
	rc = check_dataset(ex, project, dataset, name, err);
	free(project);
	return rc;
}

static int patch(struct exchange *ex, struct dts_name *name, const json_t *config,
		 struct api_error *err)
{
	json_t *changes = dts_check_mask(ex_query(ex, "updateMask"), config, err), *changed = NULL;

	if (changes && ex_query(ex, "serviceAccountName") && ex_query(ex, "serviceAccountName")[0])
		set_owner(ex, changes);
	if (changes && check_new_params(ex, name, changes, err) == 0 &&
	    check_new_dataset(ex, name, changes, err) == 0 &&
	    dts_config_patch(ex->server->dts, name, changes, err) == 0)
		changed = dts_config_get(ex->server->dts, name, err);
	json_decref(changes);
	if (!changed)
		return -1;
	json_object_del(changed, "ownerInfo");
	ex_answer(ex, 200, changed);
	return 0;
}

int dts_configs_patch(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	json_t *body, *config;
	int rc;

	if (dts_parse_name(ex, &name, err))
		return -1;
	body = ex_json(ex, err);
	config = body ? dts_check_config(body, err) : NULL;
	rc = config ? patch(ex, &name, config, err) : -1;
	json_decref(config);
	json_decref(body);
	return rc;
}

int dts_configs_delete(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;

	if (dts_parse_name(ex, &name, err) || dts_config_delete(ex->server->dts, &name, err))
		return -1;
	ex_answer(ex, 200, json_object());
	return 0;
}

static int start_runs(struct exchange *ex, const struct dts_name *name, bool manual,
		      const json_t *body, struct api_error *err)
{
	json_t *config = dts_config_get(ex->server->dts, name, err), *plan, *runs;
	int64_t *times = calloc(DTS_RUNS_MAX, sizeof(*times));
	bool partner =
		partner_has_source(ex->server->partner, ju_string(config, "dataSourceId", ""));
	size_t n = 0;
	int rc = -1;

	if (config && times)
		rc = manual ? dts_check_manual_runs(config, body, dts_now_us(), times, &n, err)
			    : dts_check_scheduled_runs(config, body, times, &n, err);
	json_decref(config);
	if (rc == 0) {
		plan = faults_transfer_run(ex->server->faults, ex->url);
		if (!plan && partner)
			plan = json_pack("{s:s}", "hold", "PENDING");
		runs = dts_runs_start(ex->server->dts, name, times, n, plan, err);
		json_decref(plan);
		rc = runs ? 0 : -1;
		if (rc == 0 && partner)
			partner_announce(ex->server, runs);
		if (rc == 0)
			ex_answer(ex, 200, json_pack("{s:o}", "runs", runs));
	}
	free(times);
	return rc;
}

int dts_configs_post(struct exchange *ex, struct api_error *err)
{
	const char *last = dts_last_piece(ex), *verb = last + strcspn(last, ":");
	bool manual = strcmp(verb, ":startManualRuns") == 0;
	struct dts_name name;
	json_t *body;
	int rc;

	if (!manual && strcmp(verb, ":scheduleRuns") != 0)
		return api_fail(err, 404, "NOT_FOUND", "Not Found: localcloud does not serve %s %s",
				ex->method, ex->path);
	if (dts_parse_name(ex, &name, err))
		return -1;
	body = ex_json(ex, err);
	rc = body ? start_runs(ex, &name, manual, body, err) : -1;
	json_decref(body);
	return rc;
}
