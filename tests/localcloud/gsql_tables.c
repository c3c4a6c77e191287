/* From names to tables, and INFORMATION_SCHEMA. */
#include "tests/localcloud/gsql_emit.h"

#include <string.h>

struct gsql_table gsql_resolve_name(struct gsql *g, const struct gsql_name *name)
{
	const struct gsql_request *r = g->request;
	struct gsql_table t = { .project = r->default_project, .dataset = r->default_dataset };
	size_t n = name->part_count;
	/* The project of the default dataset goes with the dataset. */
	if (n == 1 && r->default_dataset_project != NULL)
		t.project = r->default_dataset_project;
	t.table = name->parts[n - 1];
	if (n > 1)
		t.dataset = name->parts[n - 2];
	if (n > 2)
		t.project = name->parts[n - 3];
	if (n > 3)
		gsql_fail(g, name->pos, "Invalid table name");
	if (t.dataset == NULL)
		gsql_fail_status(
			g, 400, "invalid",
			"Table \"%s\" must be qualified with a dataset (e.g. dataset.table).",
			t.table);
	if (strchr(t.table, '*') != NULL || strchr(t.table, '$') != NULL)
		gsql_fail(g, name->pos,
			  "Wildcard tables and partition decorators are not supported: %s",
			  t.table);
	return t;
}

json_t *gsql_table_reference(const struct gsql_table *t)
{
	return json_pack("{s:s,s:s,s:s}", "projectId", t->project, "datasetId", t->dataset,
			 "tableId", t->table);
}

static void take_fields(struct gsql *g, struct gsql_table *t, const json_t *resource)
{
	size_t i;
	json_t *field;
	json_array_foreach(json_object_get(json_object_get(resource, "schema"), "fields"), i, field)
		GSQL_PUSH(g, t->fields, t->field_count, gsql_field_from_json(g, field));
}

static bool lookup(struct gsql *g, struct gsql_table *t)
{
	char physical[STORE_NAME_MAX];
	struct api_error missing = { 0 };
	json_t *resource = store_table_get(g->store, t->project, t->dataset, t->table, &missing);
	if (resource == NULL && missing.status != 404)
		*g->err = missing;
	if (resource == NULL && missing.status != 404)
		gsql_raise(g);
	if (resource == NULL)
		return false;
	t->resource = gsql_own_json(g, resource);
	const char *type = json_string_value(json_object_get(resource, "type"));
	take_fields(g, t, resource);
	if (type == NULL || !gsql_same(type, "TABLE"))
		return true;
	const json_t *partitioning = json_object_get(resource, "timePartitioning");
	t->partition_time = partitioning != NULL && json_object_get(partitioning, "field") == NULL;
	if (store_data_table(physical, sizeof(physical), t->project, t->dataset, t->table) != 0)
		gsql_fail_status(g, 400, "invalid", "Invalid table name: %s", t->table);
	t->physical = gsql_ident(g, physical);
	return true;
}

bool gsql_table_exists(struct gsql *g, const struct gsql_table *t)
{
	struct gsql_table copy = *t;
	return lookup(g, &copy);
}

struct gsql_table gsql_find_table(struct gsql *g, const struct gsql_name *name)
{
	struct gsql_table t = gsql_resolve_name(g, name);
	if (lookup(g, &t))
		return t;
	json_t *dataset = store_dataset_get(g->store, t.project, t.dataset, g->err);
	if (dataset == NULL)
		gsql_fail_status(g, 404, "notFound",
				 "Not found: Dataset %s:%s was not found in location US", t.project,
				 t.dataset);
	gsql_own_json(g, dataset);
	const char *location = json_string_value(json_object_get(dataset, "location"));
	gsql_fail_status(g, 404, "notFound",
			 "Not found: Table %s:%s.%s was not found in location %s", t.project,
			 t.dataset, t.table, location == NULL ? "US" : location);
}

const struct gsql_external *gsql_find_external(const struct gsql *g, const struct gsql_name *name)
{
	const struct gsql_request *r = g->request;
	for (size_t i = 0; name->part_count == 1 && g->view_depth == 0 && i < r->external_count;
	     i++)
		if (strcmp(r->externals[i].name, name->parts[0]) == 0)
			return &r->externals[i];
	return NULL;
}

struct gsql_table gsql_find_source(struct gsql *g, const struct gsql_name *name)
{
	const struct gsql_external *external = gsql_find_external(g, name);
	if (external == NULL)
		return gsql_find_table(g, name);
	struct gsql_table t = { .table = external->name, .external = external };
	take_fields(g, &t, external->resource);
	t.physical = gsql_ident(g, external->physical == NULL ? "" : external->physical);
	return t;
}

static const char *text(struct gsql *g, const char *s)
{
	return s == NULL ? "NULL" : gsql_quote(g, s, strlen(s));
}

static void list_columns(struct gsql *g, struct gsql_text *rows, const struct gsql_table *t,
			 const json_t *table)
{
	size_t i;
	json_t *json;
	json_array_foreach(json_object_get(json_object_get(table, "schema"), "fields"), i, json) {
		struct gsql_field f = gsql_field_from_json(g, json);
		gsql_add(g, rows, "%s(%s,%s,%s,%s,%zu,'%s',%s)", rows->len > 0 ? "," : "",
			 text(g, t->project), text(g, t->dataset), text(g, t->table),
			 text(g, f.name), i + 1,
			 f.required || f.type->kind == GSQL_ARRAY ? "NO" : "YES",
			 text(g, gsql_type_name(g, f.type)));
	}
}

static void list_table(struct gsql *g, struct gsql_text *rows, const struct gsql_table *t,
		       const json_t *table)
{
	const char *type = json_string_value(json_object_get(table, "type"));
	const char *created = json_string_value(json_object_get(table, "creationTime"));
	int64_t ms = 0;
	if (created != NULL && !gsql_parse_int(created, strlen(created), &ms))
		ms = 0;
	bool view = type != NULL && gsql_same(type, "VIEW");
	gsql_add(g, rows, "%s(%s,%s,%s,'%s','%s',%lld)", rows->len > 0 ? "," : "",
		 text(g, t->project), text(g, t->dataset), text(g, t->table),
		 view ? "VIEW" : "BASE TABLE", view ? "NO" : "YES", (long long)ms * 1000);
}

static const struct {
	const char *name;
	enum gsql_kind kind;
	bool tables, columns; /* in which of the two it stands */
} information_columns[] = { { "table_catalog", GSQL_STRING, true, true },
			    { "table_schema", GSQL_STRING, true, true },
			    { "table_name", GSQL_STRING, true, true },
			    { "table_type", GSQL_STRING, true, false },
			    { "is_insertable_into", GSQL_STRING, true, false },
			    { "creation_time", GSQL_TIMESTAMP, true, false },
			    { "column_name", GSQL_STRING, false, true },
			    { "ordinal_position", GSQL_INT64, false, true },
			    { "is_nullable", GSQL_STRING, false, true },
			    { "data_type", GSQL_STRING, false, true } };

bool gsql_information_schema(struct gsql *g, const struct gsql_name *name,
			     struct gsql_relation *ret)
{
	size_t n = name->part_count;
	if (n < 2 || !gsql_same(name->parts[n - 2], "INFORMATION_SCHEMA"))
		return false;
	bool columns = gsql_same(name->parts[n - 1], "COLUMNS");
	if (!columns && !gsql_same(name->parts[n - 1], "TABLES"))
		gsql_fail(g, name->pos, "INFORMATION_SCHEMA.%s is not supported",
			  name->parts[n - 1]);
	struct gsql_table t = { .project =
					n > 3 ? name->parts[n - 4] : g->request->default_project };
	t.dataset = n > 2 ? name->parts[n - 3] : g->request->default_dataset;
	if (t.dataset == NULL)
		gsql_fail(g, name->pos, "INFORMATION_SCHEMA must be qualified with a dataset");
	json_t *list = gsql_own_json(g, store_table_list(g->store, t.project, t.dataset, g->err));
	struct gsql_text rows = { 0 };
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		t.table = json_string_value(
			json_object_get(json_object_get(item, "tableReference"), "tableId"));
		json_t *table = gsql_own_json(g, store_table_get(g->store, t.project, t.dataset,
								 t.table, g->err));
		if (columns)
			list_columns(g, &rows, &t, table);
		else
			list_table(g, &rows, &t, table);
	}
	*ret = (struct gsql_relation){ 0 };
	struct gsql_text names = { 0 };
	for (i = 0; i < sizeof(information_columns) / sizeof(information_columns[0]); i++) {
		if (!(columns ? information_columns[i].columns : information_columns[i].tables))
			continue;
		struct gsql_column c = { .name = information_columns[i].name,
					 .type = gsql_type(information_columns[i].kind) };
		c.sql = gsql_printf(g, "column%zu",
				    ret->column_count +
					    1); /* as SQLite calls the columns of VALUES */
		gsql_add(g, &names, "%sNULL AS %s", ret->column_count > 0 ? "," : "", c.sql);
		GSQL_PUSH(g, ret->columns, ret->column_count, c);
	}
	ret->sql = rows.len > 0 ? gsql_printf(g, "(VALUES %s)", rows.s)
				: gsql_printf(g, "(SELECT %s WHERE 0)", names.s);
	return true;
}
