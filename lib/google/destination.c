#include "lib/google/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/parse.h"

enum { CLUSTERING_MAX = 4, DATASET_NAME_MAX = 1024 };

void destination_release(struct destination *d)
{
	free(d->project);
	free(d->dataset);
	free(d->table);
	free(d->decorator);
	*d = (struct destination){ 0 };
}

char *destination_name(const struct destination *d)
{
	char *name;

	if (asprintf(&name, "%s.%s.%s%s%s", d->project, d->dataset, d->table,
		     d->decorator ? "$" : "", d->decorator ? d->decorator : "") < 0)
		return NULL;
	return name;
}

static int check_names(const struct destination *d, const char *text, struct error *err)
{
	size_t n = d->dataset ? strlen(d->dataset) : 0;

	if (!d->table || !*d->table || strpbrk(d->table, ".:`/\\\n"))
		return error_set(err, ERR_USAGE, "'%s' is not [PROJECT:]DATASET.TABLE", text);
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
			    d->dataset[i]))
			n = 0;
	if (n == 0 || n > DATASET_NAME_MAX)
		return error_set(err, ERR_USAGE, "'%s': a dataset's name has letters, digits and _",
				 text);
	if (d->decorator && strcmp(d->decorator, "__NULL__") &&
	    (!*d->decorator || strspn(d->decorator, "0123456789") != strlen(d->decorator)))
		return error_set(err, ERR_USAGE,
				 "'%s': a partition is written $YYYY[MM[DD[HH]]] or $__NULL__",
				 text);
	return 0;
}

int destination_parse(const char *text, struct destination *ret, struct error *err)
{
	struct destination d = { 0 };
	const char *colon = strrchr(text, ':'), *rest = colon ? colon + 1 : text;
	const char *dollar = strchr(rest, '$');
	size_t length = dollar ? (size_t)(dollar - rest) : strlen(rest);
	const char *last = memrchr(rest, '.', length);
	const char *first = last && !colon ? memrchr(rest, '.', (size_t)(last - rest)) : NULL;
	const char *dataset = first ? first + 1 : rest;

	if (!last || (colon && colon == text) || (first && first == rest))
		return error_set(err, ERR_USAGE, "'%s' is not [PROJECT:]DATASET.TABLE", text);
	d.dataset = strndup(dataset, (size_t)(last - dataset));
	d.table = strndup(last + 1, length - (size_t)(last + 1 - rest));
	if (dollar)
		d.decorator = strdup(dollar + 1);
	if (colon || first)
		d.project = strndup(text, (size_t)((colon ? colon : first) - text));
	if (check_names(&d, text, err) < 0) {
		destination_release(&d);
		return -1;
	}
	*ret = d;
	return 0;
}

/* --- layout -------------------------------------------------------------- */

static const struct schema_field *column(const struct schema *schema, const char *option,
					 const char *name, struct error *err)
{
	const struct schema_field *f = schema_find(schema, name, strlen(name));

	if (!f)
		error_set(err, ERR_DATA, "%s: column %s is not in the schema", option, name);
	return f;
}

static int time_partitioning(const struct layout *l, const struct schema_field *f, const char *unit,
			     json_t *load, struct error *err)
{
	static const char *const units[] = { "DAY", "HOUR", "MONTH", "YEAR", NULL };
	int i = 0;
	json_t *json;

	while (units[i] && strcasecmp(units[i], unit))
		i++;
	if (!units[i])
		return error_set(err, ERR_USAGE,
				 "--partition-by: '%s' is not DAY, HOUR, MONTH or YEAR", unit);
	if ((f->type != TYPE_DATE && f->type != TYPE_TIMESTAMP && f->type != TYPE_DATETIME) ||
	    f->mode == MODE_REPEATED)
		return error_set(err, ERR_DATA,
				 "--partition-by: column %s is %s; by time goes DATE, DATETIME or "
				 "TIMESTAMP, INTEGER wants COL:START:END:STEP",
				 f->name, schema_type_name(f->type));
	if (f->type == TYPE_DATE && i == 1)
		return error_set(err, ERR_DATA, "--partition-by: column %s is DATE: no HOUR",
				 f->name);
	json = json_pack("{s:s,s:s}", "type", units[i], "field", f->name);
	if (l->partition_expiration_ms)
		json_object_set_new(json, "expirationMs",
				    json_sprintf("%lld", (long long)l->partition_expiration_ms));
	/* In the load job's timePartitioning, because it has no other place for it. */
	if (l->require_partition_filter)
		json_object_set_new(json, "requirePartitionFilter", json_true());
	return json_object_set_new(load, "timePartitioning", json) < 0 ? error_nomem(err) : 0;
}

static int range_partitioning(const struct layout *l, const struct schema_field *f, char **bound,
			      json_t *load, struct error *err)
{
	int64_t value[3];

	for (int i = 0; i < 3; i++)
		if (parse_int64(bound[i], INT64_MIN, INT64_MAX, &value[i], err) < 0)
			return error_prefix(err, "--partition-by");
	if (value[0] >= value[1] || value[2] <= 0)
		return error_set(err, ERR_USAGE,
				 "--partition-by: START < END and STEP > 0 are needed");
	if (f->type != TYPE_INTEGER || f->mode == MODE_REPEATED)
		return error_set(err, ERR_DATA,
				 "--partition-by: column %s is %s; ranges want INTEGER", f->name,
				 schema_type_name(f->type));
	if (l->partition_expiration_ms || l->require_partition_filter)
		return error_set(err, ERR_USAGE,
				 "--partition-expiration and --require-partition-filter "
				 "go with partitions by time");
	return json_object_set_new(load, "rangePartitioning",
				   json_pack("{s:s,s:{s:o,s:o,s:o}}", "field", f->name, "range",
					     "start", json_sprintf("%s", bound[0]), "end",
					     json_sprintf("%s", bound[1]), "interval",
					     json_sprintf("%s", bound[2]))) < 0
		       ? error_nomem(err)
		       : 0;
}

/* Cut the last n parts off; false when there are not as many. */
static bool cut_parts(char *text, int n, char **part)
{
	while (n-- > 0) {
		char *colon = strrchr(text, ':');

		if (!colon)
			return false;
		*colon = '\0';
		part[n] = colon + 1;
	}
	return true;
}

static int no_partition_column(const struct layout *l, struct error *err)
{
	const char *text = l->partition_by, *end = strchrnul(text, ':');
	size_t colons = 0;

	for (const char *p = end; *p; p++)
		colons += *p == ':';
	if (colons > 1 && colons != 3)
		return error_set(
			err, ERR_USAGE,
			"--partition-by: '%s' is neither COL[:UNIT] nor COL:START:END:STEP", text);
	return error_set(err, ERR_DATA, "--partition-by: column %.*s is not in the schema",
			 (int)(end - text), text);
}

static int partitioning(const struct layout *l, const struct schema *schema, json_t *load,
			struct error *err)
{
	static const int parts[] = { 0, 1, 3 };
	char *part[3] = { NULL };

	/* From the right: a flexible name may have colons itself. */
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char *name = strdup(l->partition_by);
		const struct schema_field *f;
		int rc;

		if (!name)
			return error_nomem(err);
		f = cut_parts(name, parts[i], part) ? schema_find(schema, name, strlen(name))
						    : NULL;
		if (!f) {
			free(name);
			continue;
		}
		rc = parts[i] == 3 ? range_partitioning(l, f, part, load, err)
				   : time_partitioning(l, f, parts[i] ? part[0] : "DAY", load, err);
		free(name);
		return rc;
	}
	return no_partition_column(l, err);
}

static bool can_cluster(const struct schema_field *f)
{
	switch (f->type) {
	case TYPE_FLOAT:
	case TYPE_BYTES:
	case TYPE_TIME:
	case TYPE_INTERVAL:
	case TYPE_JSON:
	case TYPE_RECORD:
		return false;
	default:
		return f->mode != MODE_REPEATED;
	}
}

static int clustering(const struct layout *l, const struct schema *schema, json_t *load,
		      struct error *err)
{
	json_t *fields = json_array();
	size_t count = 0;
	char **names;
	int rc = -1;

	if (parse_list(l->cluster_by, &names, &count, err) < 0) {
		json_decref(fields);
		return error_prefix(err, "--cluster-by");
	}
	if (count > CLUSTERING_MAX) {
		error_set(err, ERR_USAGE, "--cluster-by: BigQuery takes %d columns",
			  CLUSTERING_MAX);
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		const struct schema_field *f = column(schema, "--cluster-by", names[i], err);

		if (!f)
			goto out;
		if (!can_cluster(f)) {
			error_set(
				err, ERR_DATA,
				"--cluster-by: column %s: BigQuery does not cluster by %s", f->name,
				f->mode == MODE_REPEATED ? "REPEATED" : schema_type_name(f->type));
			goto out;
		}
		json_array_append_new(fields, json_string(f->name));
	}
	rc = json_object_set_new(load, "clustering", json_pack("{s:O}", "fields", fields));
	if (rc < 0)
		error_nomem(err);
out:
	json_decref(fields);
	free(names);
	return rc;
}

int layout_apply(const struct layout *l, const struct schema *schema, json_t *load,
		 struct error *err)
{
	if (!l->partition_by && (l->partition_expiration_ms || l->require_partition_filter))
		return error_set(err, ERR_USAGE,
				 "--partition-expiration and --require-partition-filter "
				 "need --partition-by");
	if (l->partition_by && partitioning(l, schema, load, err) < 0)
		return -1;
	return l->cluster_by ? clustering(l, schema, load, err) : 0;
}

/* The members that cannot change: not the expiration, not the filter rule. */
static bool same_layout(const json_t *wanted, const json_t *actual, const char *member)
{
	const json_t *w = json_object_get(json_object_get(wanted, member), "field");
	const json_t *a = json_object_get(json_object_get(actual, member), "field");
	const json_t *wt = json_object_get(json_object_get(wanted, member), "type");
	const json_t *at = json_object_get(json_object_get(actual, member), "type");

	return w && a && !strcasecmp(json_string_value(w), json_string_value(a)) &&
	       (!wt || json_equal(wt, at));
}

int layout_check(const json_t *load, const json_t *table, struct error *err)
{
	static const char *const partitionings[] = { "timePartitioning", "rangePartitioning" };

	for (int i = 0; i < 2; i++) {
		const json_t *actual = json_object_get(table, partitionings[i]);

		if (!json_object_get(load, partitionings[i]) ||
		    same_layout(load, table, partitionings[i]))
			continue;
		char *text = actual ? json_dumps(actual, JSON_COMPACT) : NULL;

		error_set(
			err, ERR_DATA,
			"the table exists and is %s%s; --partition-by says otherwise, and BigQuery "
			"cannot change it",
			text ? "partitioned by " : "not partitioned that way", text ? text : "");
		free(text);
		return -1;
	}
	return 0;
}
