#include "tests/localcloud/dts_sources.h"

#include "tests/localcloud/dts_api.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/partner.h"

#include <string.h>

#define PARAMETERS 10

/* cloud.google.com/bigquery/docs: the "bq" tabs of scheduled queries, copying datasets, Cloud Storage transfers. */
static const struct dts_source {
	const char *id, *title, *description;
	struct {
		const char *id, *type;
		bool required;
	} parameters[PARAMETERS];
} sources[] = {
	{ "scheduled_query",
	  "Scheduled Query",
	  "Runs a query at the times of a schedule.",
	  { { "query", "STRING", true },
	    { "destination_table_name_template", "STRING", false },
	    { "write_disposition", "STRING", false },
	    { "partitioning_field", "STRING", false },
	    { "partitioning_type", "STRING", false } } },
	{ "cross_region_copy",
	  "Dataset Copy",
	  "Copies a dataset within a region or from one to another.",
	  { { "source_dataset_id", "STRING", true },
	    { "source_project_id", "STRING", false },
	    { "overwrite_destination_table", "BOOLEAN", false } } },
	{ "google_cloud_storage",
	  "Google Cloud Storage",
	  "Loads objects of Cloud Storage.",
	  { { "data_path_template", "STRING", true },
	    { "destination_table_name_template", "STRING", true },
	    { "file_format", "STRING", true },
	    { "write_disposition", "STRING", false },
	    { "max_bad_records", "INTEGER", false },
	    { "ignore_unknown_values", "BOOLEAN", false },
	    { "skip_leading_rows", "INTEGER", false },
	    { "field_delimiter", "STRING", false },
	    { "delete_source_files", "BOOLEAN", false } } },
};

const struct dts_source *dts_source_find(const char *id, struct api_error *err)
{
	if (!id[0]) {
		api_fail(err, 400, "INVALID_ARGUMENT", "data_source_id is required.");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i].id, id) == 0)
			return &sources[i];
	api_fail(err, 404, "NOT_FOUND", "Requested entity was not found.");
	return NULL;
}

int dts_source_check(const struct dts_source *source, const json_t *params, struct api_error *err)
{
	for (size_t i = 0; i < PARAMETERS && source->parameters[i].id; i++) {
		const char *id = source->parameters[i].id;

		if (source->parameters[i].required && !json_object_get(params, id))
			return api_fail(err, 400, "INVALID_ARGUMENT",
					"Required parameter %s of data source %s is missing.", id,
					source->id);
	}
	return 0;
}

static json_t *resource_of(const struct dts_source *source, const struct dts_name *name)
{
	json_t *parameters = json_array();

	for (size_t i = 0; i < PARAMETERS && source->parameters[i].id; i++) {
		json_t *parameter = json_pack("{s:s, s:s}", "paramId", source->parameters[i].id,
					      "type", source->parameters[i].type);

		if (source->parameters[i].required)
			json_object_set_new(parameter, "required", json_true());
		json_array_append_new(parameters, parameter);
	}
	return json_pack("{s:o, s:s, s:s, s:s, s:b, s:s, s:s, s:o}", "name",
			 json_sprintf("projects/%s/locations/%s/dataSources/%s", name->project,
				      name->location, source->id),
			 "dataSourceId", source->id, "displayName", source->title, "description",
			 source->description, "supportsCustomSchedule", 1, "defaultSchedule",
			 "every 24 hours", "minimumScheduleInterval", "900s", "parameters",
			 parameters);
}

int dts_sources_list(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	struct dts_page page;
	json_t *list;
	size_t i;

	if (dts_parse_name(ex, &name, err) || dts_parse_page(ex, &page, err))
		return -1;
	list = json_array();
	for (i = (size_t)page.after; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if ((int64_t)json_array_size(list) == page.size)
			break;
		json_array_append_new(list, resource_of(&sources[i], &name));
	}
	page.next = i < sizeof(sources) / sizeof(sources[0]) ? (int64_t)i : 0;
	dts_answer_list(ex, "dataSources", list, &page);
	return 0;
}

int dts_sources_get(struct exchange *ex, struct api_error *err)
{
	struct dts_name name;
	const struct dts_source *source;

	if (dts_parse_name(ex, &name, err))
		return -1;
	source = dts_source_find(dts_last_piece(ex), err);
	if (!source)
		return -1;
	ex_answer(ex, 200, resource_of(source, &name));
	return 0;
}

int dts_sources_post(struct exchange *ex, struct api_error *err)
{
	const char *last = dts_last_piece(ex);
	size_t n = strcspn(last, ":");
	char id[DTS_ID_MAX];
	json_t *body;

	if (strcmp(last + n, ":checkValidCreds") != 0 || n >= sizeof(id))
		return api_fail(err, 404, "NOT_FOUND", "Not Found: localcloud does not serve %s %s",
				ex->method, ex->path);
	memcpy(id, last, n);
	id[n] = '\0';
	if (!partner_has_source(ex->server->partner, id) && !dts_source_find(id, err))
		return -1;
	body = ex_json(ex, err);
	if (!body)
		return -1;
	json_decref(body);
	ex_answer(ex, 200, json_pack("{s:b}", "hasValidCreds", 1));
	return 0;
}
