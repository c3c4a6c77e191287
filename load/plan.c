#include "load/plan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/google/bigquery.h"
#include "load/evolve.h"

const char *const plan_write_names[] = { "append", "truncate", "empty", "merge", NULL };

void plan_release(struct plan *p)
{
	schema_free(p->schema);
	json_decref(p->load);
	json_decref(p->labels);
	json_decref(p->widens);
	*p = (struct plan){ 0 };
}

/* BigQuery's rule for labels; it would refuse the job only after the rows were sent. */
static bool label_text(const char *s, size_t n, bool key)
{
	if (n > 63 || (key && (n == 0 || s[0] < 'a' || s[0] > 'z')))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", s[i]) && !(s[i] & 0x80))
			return false;
	return true;
}

int plan_labels(const struct option_values *values, json_t **ret, struct error *err)
{
	json_t *labels = json_object();

	for (size_t i = 0; i < values->count; i++) {
		const char *text = values->value[i], *equals = strchr(text, '=');
		size_t n = equals ? (size_t)(equals - text) : 0;

		if (!equals || !label_text(text, n, true) ||
		    !label_text(equals + 1, strlen(equals + 1), false)) {
			json_decref(labels);
			return error_set(
				err, ERR_USAGE,
				"--label: '%s' is not KEY=VALUE of lower-case letters, digits, _ "
				"and -, 63 at most each",
				text);
		}
		char *key = strndup(text, n);

		json_object_set_new(labels, key, json_string(equals + 1));
		free(key);
	}
	*ret = labels;
	return 0;
}

static const char *disposition(const struct plan_options *o, bool exists)
{
	if (o->write == WRITE_APPEND || o->write == WRITE_MERGE)
		return "WRITE_APPEND";
	if (o->write == WRITE_EMPTY)
		return "WRITE_EMPTY";
	/* TRUNCATE_DATA keeps the table's schema, constraints and policy tags. */
	return exists && !o->replace_schema ? "WRITE_TRUNCATE_DATA" : "WRITE_TRUNCATE";
}

/* *ret: the table's columns and the others; untouched when there are no others. */
static int add_fields(const json_t *others, const struct schema *table, struct schema **ret,
		      struct error *err)
{
	json_t *fields, *field;
	size_t i;
	int rc;

	if (!others)
		return 0;
	fields = json_deep_copy(table->json);
	json_array_foreach((json_t *)others, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));

		if (!schema_find(table, name, strlen(name)) &&
		    json_array_append(fields, field) < 0) {
			json_decref(fields);
			return error_nomem(err);
		}
	}
	rc = schema_parse(fields, ret, err);
	json_decref(fields);
	return rc;
}

/* The schema for the job, and what it may change about the table's. */
static int fit_table(const struct plan_options *o, const struct schema *stream, const json_t *table,
		     struct plan *p, struct error *err)
{
	struct schema_rules rules = o->rules;
	struct schema *existing, *added = NULL;
	struct schema_fit fit;
	json_t *updates;
	int rc;

	if (schema_parse(json_object_get(json_object_get(table, "schema"), "fields"), &existing,
			 err) < 0)
		return error_prefix(err, "the table's schema");
	if (!stream && add_fields(o->added, existing, &added, err) < 0) {
		schema_free(existing);
		return -1;
	}
	if (o->write == WRITE_EMPTY) /* BigQuery takes no schema updates there. */
		rules.add = rules.relax = rules.widen = false;
	rc = schema_fit(stream ? stream : added ? added : existing, existing, &rules, &fit, err);
	schema_free(existing);
	schema_free(added);
	if (rc < 0)
		return -1;
	p->widens = fit.widens;
	if (evolve_check(table, fit.widens, err) < 0) {
		json_decref(fit.fields);
		return -1;
	}
	updates = json_array();
	if (fit.adds)
		json_array_append_new(updates, json_string("ALLOW_FIELD_ADDITION"));
	if (fit.relaxes)
		json_array_append_new(updates, json_string("ALLOW_FIELD_RELAXATION"));
	if (json_array_size(updates))
		json_object_set(p->load, "schemaUpdateOptions", updates);
	json_decref(updates);
	rc = schema_parse(fit.fields, &p->schema, err);
	json_decref(fit.fields);
	return rc;
}

static int new_table(const struct plan_options *o, const struct schema *stream, struct plan *p,
		     struct error *err)
{
	if (o->no_create || o->rules.keys_only)
		return error_set(err, ERR_REMOTE, "no such table, and %s is given",
				 o->no_create ? "--no-create" : "--keys-only");
	if (!stream)
		return error_set(err, ERR_DATA,
				 "no schema: the table does not exist and the stream has "
				 "none (give --schema, or pipe through schemainfer)");
	return schema_parse(stream->json, &p->schema, err);
}

static int existing_table(const struct plan_options *o, const struct schema *stream,
			  const json_t *table, struct plan *p, struct error *err)
{
	const char *type = json_string_value(json_object_get(table, "type"));
	const char *rows = json_string_value(json_object_get(table, "numRows"));

	if (type && strcmp(type, "TABLE") != 0)
		return error_set(err, ERR_REMOTE, "is a %s, not a table", type);
	if (o->write == WRITE_EMPTY && rows && strcmp(rows, "0") != 0)
		return error_set(err, ERR_REMOTE, "has %s rows already, and --write empty is given",
				 rows);
	if (o->replace_schema && o->write == WRITE_TRUNCATE && stream)
		return schema_parse(stream->json, &p->schema, err);
	/* A table made without a schema takes the stream's. */
	if (stream && !json_array_size(json_object_get(json_object_get(table, "schema"), "fields")))
		return schema_parse(stream->json, &p->schema, err);
	return fit_table(o, stream, table, p, err);
}

static int set_destination(const struct destination *d, const struct plan_options *o,
			   struct plan *p, struct error *err)
{
	json_t *table = json_sprintf("%s%s%s", d->table, d->decorator ? "$" : "",
				     d->decorator ? d->decorator : "");
	json_t *fields = p->schema ? p->schema->json : NULL; /* json_pack fails on NULL */
	int rc = json_object_update_new(
		p->load,
		json_pack("{s:{s:s,s:s,s:o},s:s,s:s,s:s,s:{s:O}}", "destinationTable", "projectId",
			  d->project, "datasetId", d->dataset, "tableId", table, "sourceFormat",
			  "NEWLINE_DELIMITED_JSON", "createDisposition",
			  o->no_create ? "CREATE_NEVER" : "CREATE_IF_NEEDED", "writeDisposition",
			  disposition(o, p->table_exists), "schema", "fields", fields));

	if (o->max_bad_records)
		json_object_set_new(p->load, "maxBadRecords", json_integer(o->max_bad_records));
	return rc < 0 ? error_nomem(err) : 0;
}

int plan_find_location(struct api *api, const struct destination *d, char **ret, struct error *err)
{
	json_t *dataset;
	const char *location;
	char *copy = NULL;
	int rc = bigquery_dataset_get(api, d->project, d->dataset, &dataset, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return error_set(err, ERR_REMOTE, "no such dataset: %s:%s", d->project, d->dataset);
	location = json_string_value(json_object_get(dataset, "location"));
	if (location)
		copy = strdup(location);
	json_decref(dataset);
	if (location && !copy)
		return error_nomem(err);
	*ret = copy;
	return 0;
}

static int make(struct api *api, const struct destination *d, const struct plan_options *o,
		const struct schema *stream, struct plan *p, struct error *err)
{
	const struct bigquery_table ref = { d->project, d->dataset, d->table };
	json_t *table = NULL;
	int rc;

	p->load = json_object();
	if (plan_labels(o->labels, &p->labels, err) < 0)
		return -1;
	rc = bigquery_table_get(api, &ref, &table, err);
	if (rc < 0)
		return -1;
	p->table_exists = rc > 0;
	rc = p->table_exists ? existing_table(o, stream, table, p, err)
			     : new_table(o, stream, p, err);
	if (rc == 0)
		rc = layout_apply(&o->layout, p->schema, p->load, err);
	if (rc == 0 && p->table_exists)
		rc = layout_check(p->load, table, err);
	if (rc == 0)
		rc = set_destination(d, o, p, err);
	json_decref(table);
	if (rc < 0 && err->code != ERR_USAGE)
		return error_prefix(err, "%s:%s.%s", d->project, d->dataset, d->table);
	return rc;
}

int plan_make(struct api *api, const struct destination *d, const struct plan_options *options,
	      const struct schema *stream, struct plan *ret, struct error *err)
{
	struct plan p = { 0 };

	if (make(api, d, options, stream, &p, err) < 0) {
		plan_release(&p);
		return -1;
	}
	*ret = p;
	return 0;
}

int plan_create_table(struct api *api, const struct destination *d, const struct plan *p,
		      struct error *err)
{
	static const char *const members[] = { "schema", "timePartitioning", "rangePartitioning",
					       "clustering" };
	const struct bigquery_table ref = { d->project, d->dataset, d->table };
	json_t *resource = json_object(), *member;
	int rc;

	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if ((member = json_object_get(p->load, members[i])))
			json_object_set(resource, members[i], member);
	/* 0 (it is there by now) is as good. */
	rc = bigquery_table_insert(api, &ref, resource, NULL, err);
	json_decref(resource);
	return rc < 0 ? -1 : 0;
}
