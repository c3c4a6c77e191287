#include "tests/localcloud/resource.h"

#include "tests/localcloud/json_util.h"

void resource_link_job(const struct exchange *ex, json_t *job)
{
	const json_t *reference = json_object_get(job, "jobReference");
	char root[300];

	json_object_set_new(job, "selfLink",
			    json_sprintf("%s/bigquery/v2/projects/%s/jobs/%s?location=%s",
					 ex_root(ex, root, sizeof(root)),
					 ju_string(reference, "projectId", ""),
					 ju_string(reference, "jobId", ""),
					 ju_string(reference, "location", "")));
}

void resource_link_table(const struct exchange *ex, json_t *table)
{
	const json_t *reference = json_object_get(table, "tableReference");
	char root[300];

	json_object_set_new(table, "selfLink",
			    json_sprintf("%s/bigquery/v2/projects/%s/datasets/%s/tables/%s",
					 ex_root(ex, root, sizeof(root)),
					 ju_string(reference, "projectId", ""),
					 ju_string(reference, "datasetId", ""),
					 ju_string(reference, "tableId", "")));
}

void resource_link_dataset(const struct exchange *ex, json_t *dataset)
{
	const json_t *reference = json_object_get(dataset, "datasetReference");
	char root[300];

	json_object_set_new(dataset, "selfLink",
			    json_sprintf("%s/bigquery/v2/projects/%s/datasets/%s",
					 ex_root(ex, root, sizeof(root)),
					 ju_string(reference, "projectId", ""),
					 ju_string(reference, "datasetId", "")));
}
