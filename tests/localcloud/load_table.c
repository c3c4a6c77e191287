/* The destination of a load job: dispositions, schema and partitioning against what exists. */
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load_impl.h"
#include "tests/localcloud/table_check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct plan {
	const json_t *load;
	bool only; /* nothing is changed */
	const char *write, *decorator;
	char label[STORE_NAME_MAX]; /* project:dataset.table, for messages */
	int allow;
};

static void read_plan(const json_t *load, struct load_target *t, struct plan *plan)
{
	const json_t *reference = json_object_get(load, "destinationTable"), *option;
	char *dollar;
	size_t i;

	memset(plan, 0, sizeof(*plan));
	plan->load = load;
	plan->write = ju_string(load, "writeDisposition", "WRITE_APPEND");
	t->project = ju_string(reference, "projectId", "");
	t->dataset = ju_string(reference, "datasetId", "");
	snprintf(t->table, sizeof(t->table), "%s", ju_string(reference, "tableId", ""));
	dollar = strchr(t->table, '$');
	if (dollar) {
		*dollar = '\0';
		plan->decorator = strchr(ju_string(reference, "tableId", ""), '$') + 1;
	}
	snprintf(plan->label, sizeof(plan->label), "%s:%s.%s", t->project, t->dataset, t->table);
	json_array_foreach(json_object_get(load, "schemaUpdateOptions"), i, option)
		plan->allow |= strcmp(json_string_value(option), "ALLOW_FIELD_ADDITION") == 0
				       ? SCHEMA_ALLOW_ADDITION
				       : SCHEMA_ALLOW_RELAXATION;
}

/* The table that is to be made, made unless this only plans; NULL on error. */
static json_t *create(struct store *s, struct load_target *t, const struct plan *plan,
		      struct api_error *err)
{
	static const char *const members[] = { "schema", "timePartitioning", "rangePartitioning",
					       "clustering" };
	const json_t *properties = json_object_get(plan->load, "destinationTableProperties");
	json_t *resource;
	int rc;

	if (strcmp(ju_string(plan->load, "createDisposition", "CREATE_IF_NEEDED"),
		   "CREATE_NEVER") == 0) {
		api_fail(err, 404, "notFound", "Not found: Table %s", plan->label);
		return NULL;
	}
	if (json_array_size(ju_path(plan->load, "schema.fields")) == 0) {
		api_fail(err, 400, "invalid", "No schema specified on job or table.");
		return NULL;
	}
	resource = properties ? json_deep_copy(properties) : json_object();
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_get(plan->load, members[i]))
			json_object_set(resource, members[i],
					json_object_get(plan->load, members[i]));
	/* Loading into a partition of a table that is not there makes one partitioned by ingestion day. */
	if (plan->decorator && !json_object_get(resource, "timePartitioning"))
		json_object_set_new(resource, "timePartitioning",
				    json_pack("{s:s}", "type", "DAY"));
	rc = plan->only ? table_check(resource, err)
			: store_table_create(s, t->project, t->dataset, t->table, resource, err);
	if (rc || plan->only) {
		if (rc == 0)
			return resource;
		json_decref(resource);
		return NULL;
	}
	json_decref(resource);
	return store_table_get(s, t->project, t->dataset, t->table, err);
}

static int differs(const char *what, struct api_error *err)
{
	return api_fail(
		err, 400, "invalid",
		"Incompatible table %s specification: the load job's differs from the destination table's.",
		what);
}

static int check_partitioning(const json_t *load, const json_t *table, struct api_error *err)
{
	const json_t *want = json_object_get(load, "timePartitioning"),
		     *have = json_object_get(table, "timePartitioning");
	const json_t *range = json_object_get(load, "rangePartitioning");

	if (want) {
		if (!have ||
		    strcmp(ju_string(want, "type", "DAY"), ju_string(have, "type", "")) != 0 ||
		    strcasecmp(ju_string(want, "field", ""), ju_string(have, "field", "")) != 0)
			return differs("partitioning", err);
	}
	if (range && !json_equal(range, json_object_get(table, "rangePartitioning")))
		return differs("partitioning", err);
	return 0;
}

static int check_clustering(const json_t *load, const json_t *table, struct api_error *err)
{
	const json_t *want = ju_path(load, "clustering.fields"),
		     *have = ju_path(table, "clustering.fields"), *name;
	size_t i;

	if (!want)
		return 0;
	if (json_array_size(want) != json_array_size(have))
		return differs("clustering", err);
	json_array_foreach(want, i, name)
		if (strcasecmp(json_string_value(name),
			       json_string_value(json_array_get(have, i))) != 0)
			return differs("clustering", err);
	return 0;
}

static int check_properties(const json_t *load, const json_t *table, struct api_error *err)
{
	static const char *const keys[] = { "description", "friendlyName", "labels" };
	const json_t *properties = json_object_get(load, "destinationTableProperties");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *want = json_object_get(properties, keys[i]);

		if (want && !json_equal(want, json_object_get(table, keys[i])))
			return api_fail(
				err, 400, "invalid",
				"The destination table exists, and its %s differs from destinationTableProperties.",
				keys[i]);
	}
	return 0;
}

/* Appending, or replacing rows only: the provided schema must fit what exists. */
static int update_schema(struct store *s, struct load_target *t, const struct plan *plan,
			 json_t *table, struct api_error *err)
{
	json_t *provided = ju_path(plan->load, "schema.fields"),
	       *existing = ju_path(table, "schema.fields"), *merged;

	if (json_array_size(existing) == 0 && json_array_size(provided) == 0)
		return api_fail(err, 400, "invalid", "No schema specified on job or table.");
	if (json_array_size(provided) == 0)
		return 0;
	/* A table made without a schema takes the first one that comes. */
	merged = json_array_size(existing) == 0
			 ? json_deep_copy(provided)
			 : schema_merge(existing, provided, plan->allow, plan->label, err);
	if (!merged)
		return -1;
	if (json_equal(merged, existing)) {
		json_decref(merged);
		return 0;
	}
	json_object_set_new(json_object_get(table, "schema"), "fields", merged);
	return plan->only ? 0 : store_table_update(s, t->project, t->dataset, t->table, table, err);
}

static int clear(struct store *s, const struct load_target *t, struct api_error *err)
{
	if (store_exec(s, err, "DELETE FROM \"%w\"", t->physical))
		return -1;
	return store_table_set_counts(s, t->project, t->dataset, t->table, 0, 0, err);
}

/* WRITE_TRUNCATE of the whole table: the provided schema replaces the existing one. */
static int replace(struct store *s, struct load_target *t, const struct plan *plan, json_t *table,
		   struct api_error *err)
{
	json_t *provided = ju_path(plan->load, "schema.fields");

	if (json_array_size(provided) == 0)
		return plan->only ? 0 : clear(s, t, err);
	json_object_set(json_object_get(table, "schema"), "fields", provided);
	return plan->only ? 0
			  : store_table_replace(s, t->project, t->dataset, t->table, table, err);
}

static int write_existing(struct store *s, struct load_target *t, const struct plan *plan,
			  json_t *table, struct api_error *err)
{
	bool partition = t->has_partition;

	if (strcmp(ju_string(table, "type", ""), "TABLE") != 0)
		return api_fail(err, 400, "invalid", "Cannot load into %s: it is a view",
				plan->label);
	if (check_partitioning(plan->load, table, err) ||
	    check_clustering(plan->load, table, err) || check_properties(plan->load, table, err))
		return -1;
	if (strcmp(plan->write, "WRITE_EMPTY") == 0 && ju_int64(table, "numRows", 0) > 0)
		return api_fail(err, 409, "duplicate", "Already Exists: Table %s", plan->label);
	if (strcmp(plan->write, "WRITE_TRUNCATE") == 0 && !partition)
		return replace(s, t, plan, table, err);
	if (update_schema(s, t, plan, table, err))
		return -1;
	if (plan->only || strncmp(plan->write, "WRITE_TRUNCATE", 14) != 0)
		return 0;
	if (!partition)
		return clear(s, t, err);
	t->recount = true;
	return partition_clear(&t->partition, s, t->physical, err);
}

static int prepare(struct store *s, struct load_target *t, const struct plan *plan,
		   struct api_error *err)
{
	json_t *table = store_table_get(s, t->project, t->dataset, t->table, err);
	bool existed = table != NULL;
	int rc = -1;

	if (!existed && err->status == 404 && !strstr(err->message, "Dataset"))
		table = create(s, t, plan, err);
	if (!table)
		return -1;
	if (plan->decorator) {
		if (partition_parse(plan->decorator, table, &t->partition, err))
			goto out;
		t->has_partition = true;
	}
	if (existed && write_existing(s, t, plan, table, err))
		goto out;
	t->resource = plan->only ? json_incref(table)
				 : store_table_get(s, t->project, t->dataset, t->table, err);
	rc = t->resource ? 0 : -1;
out:
	json_decref(table);
	return rc;
}

int load_prepare_table(struct store *s, const json_t *load, bool plan_only, struct load_target *t,
		       struct api_error *err)
{
	struct plan plan;

	memset(t, 0, sizeof(*t));
	read_plan(load, t, &plan);
	plan.only = plan_only;
	if (store_data_table(t->physical, sizeof(t->physical), t->project, t->dataset, t->table))
		return api_fail(err, 400, "invalid", "The name of table %s is too long.", t->table);
	return prepare(s, t, &plan, err);
}

void load_target_release(struct load_target *t)
{
	json_decref(t->resource);
}
