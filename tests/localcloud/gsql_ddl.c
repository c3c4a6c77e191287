/* CREATE, DROP and ALTER: the resource is built as a client of the REST API would send it, and the store judges it. */
#include "tests/localcloud/gsql_dml.h"

#include <stdio.h>
#include <string.h>

static void set_target(struct gsql *g, const struct gsql_table *t, const char *operation)
{
	json_decref(g->result->ddl_target);
	g->result->ddl_target = gsql_table_reference(t);
	g->result->ddl_operation = operation;
}

static void check(struct gsql *g, int rc)
{
	if (rc != 0)
		gsql_raise(g);
}

/* The value of an option, computed by SQLite, as text; NULL for NULL. */
static const char *option_text(struct gsql *g, const struct gsql_option *o, enum gsql_kind kind)
{
	struct gsql_scope scope = { .no_aggregate = "OPTIONS", .no_window = "OPTIONS" };
	struct gsql_value v = gsql_emit_expr(g, &scope, o->value);
	if (gsql_coerce_cost(&v, gsql_type(kind)) < 0)
		gsql_fail(g, o->pos, "Option %s must be of type %s", o->name,
			  gsql_type_name(g, gsql_type(kind)));
	sqlite3_stmt *stmt = NULL;
	const char *text = NULL;
	const char *sql = gsql_printf(g, "SELECT %s", gsql_coerce(g, v, gsql_type(kind)).sql);
	bool good = sqlite3_prepare_v2(g->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
		    sqlite3_step(stmt) == SQLITE_ROW;
	if (good && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		text = gsql_strndup(g, (const char *)sqlite3_column_text(stmt, 0),
				    (size_t)sqlite3_column_bytes(stmt, 0));
	sqlite3_finalize(stmt);
	if (!good)
		gsql_fail(g, o->pos, "The value of option %s cannot be computed: %s", o->name,
			  sqlite3_errmsg(g->db));
	return text;
}

static void set_labels(struct gsql *g, json_t *resource, const struct gsql_option *o)
{
	json_t *labels = json_object();
	json_object_set_new(resource, "labels", labels);
	if (o->value->kind != GSQL_X_ARRAY)
		gsql_fail(g, o->pos, "Option labels must be an array of (key, value)");
	for (size_t i = 0; i < o->value->arg_count; i++) {
		const struct gsql_expr *pair = o->value->args[i];
		if (pair->kind != GSQL_X_STRUCT || pair->arg_count != 2 ||
		    pair->args[0]->kind != GSQL_X_STRING || pair->args[1]->kind != GSQL_X_STRING)
			gsql_fail(g, pair->pos, "Option labels must be an array of (key, value)");
		json_object_set_new(labels, pair->args[0]->text, json_string(pair->args[1]->text));
	}
}

/* Milliseconds as resources hold them, from a number of some unit; a null value removes the key. */
static void set_ms(struct gsql *g, json_t *object, const char *key, const char *text,
		   double unit_ms)
{
	char ms[32];
	double value = 0;
	if (text == NULL) {
		json_object_del(object, key);
		return;
	}
	for (const char *p = text; *p != '\0' && *p != '.'; p++)
		value = value * 10 + (*p - '0');
	double tenth = 0.1;
	const char *point = strchr(text, '.');
	for (const char *p = point == NULL ? "" : point + 1; *p != '\0'; p++) {
		value += (*p - '0') * tenth;
		tenth /= 10;
	}
	snprintf(ms, sizeof(ms), "%lld", (long long)(value * unit_ms));
	json_object_set_new(object, key, json_string(gsql_strndup(g, ms, strlen(ms))));
}

void gsql_set_options(struct gsql *g, json_t *resource, const struct gsql_options *options)
{
	for (size_t i = 0; i < options->count; i++) {
		const struct gsql_option *o = &options->items[i];
		json_t *partitioning = json_object_get(resource, "timePartitioning");
		if (gsql_same(o->name, "description") || gsql_same(o->name, "friendly_name")) {
			const char *text = option_text(g, o, GSQL_STRING);
			const char *key =
				gsql_same(o->name, "description") ? "description" : "friendlyName";
			json_object_set_new(resource, key,
					    text == NULL ? json_null() : json_string(text));
			if (text == NULL)
				json_object_del(resource, key);
		} else if (gsql_same(o->name, "labels")) {
			set_labels(g, resource, o);
		} else if (gsql_same(o->name, "expiration_timestamp")) {
			set_ms(g, resource, "expirationTime", option_text(g, o, GSQL_TIMESTAMP),
			       0.001);
		} else if (gsql_same(o->name, "require_partition_filter")) {
			const char *text = option_text(g, o, GSQL_BOOL);
			json_object_set_new(resource, "requirePartitionFilter",
					    json_boolean(text != NULL && text[0] == '1'));
		} else if (gsql_same(o->name, "partition_expiration_days") &&
			   partitioning != NULL) {
			set_ms(g, partitioning, "expirationMs", option_text(g, o, GSQL_NUMERIC),
			       86400000.0);
		} else {
			gsql_fail(g, o->pos, "Option %s is not supported here", o->name);
		}
	}
}

static void set_range(struct gsql *g, json_t *resource, const struct gsql_expr *e)
{
	const struct gsql_expr *array = e->arg_count == 2 ? e->args[1] : e;
	if (e->arg_count != 2 || e->args[0]->kind != GSQL_X_PATH || array->kind != GSQL_X_CALL ||
	    !gsql_same(array->text, "GENERATE_ARRAY") || array->arg_count != 3)
		gsql_fail(
			g, e->pos,
			"PARTITION BY RANGE_BUCKET needs a column and GENERATE_ARRAY(start, end, step)");
	for (size_t i = 0; i < 3; i++)
		if (array->args[i]->kind != GSQL_X_INT)
			gsql_fail(g, array->args[i]->pos,
				  "GENERATE_ARRAY in PARTITION BY needs integer literals");
	json_object_set_new(resource, "rangePartitioning",
			    json_pack("{s:s,s:{s:s,s:s,s:s}}", "field", e->args[0]->parts[0],
				      "range", "start", array->args[0]->text, "end",
				      array->args[1]->text, "interval", array->args[2]->text));
}

/* PARTITION BY d | DATE(ts) | TIMESTAMP_TRUNC(ts, HOUR) | … | RANGE_BUCKET(n, GENERATE_ARRAY(…)) | _PARTITIONDATE */
static void set_partition(struct gsql *g, json_t *resource, const struct gsql_expr *e)
{
	const char *unit = "DAY";
	const struct gsql_expr *column = e;
	if (e->kind == GSQL_X_CALL && gsql_same(e->text, "RANGE_BUCKET")) {
		set_range(g, resource, e);
		return;
	}
	if (e->kind == GSQL_X_CALL) {
		bool truncates = gsql_same(e->text, "DATE_TRUNC") ||
				 gsql_same(e->text, "TIMESTAMP_TRUNC") ||
				 gsql_same(e->text, "DATETIME_TRUNC");
		if ((!truncates && !gsql_same(e->text, "DATE")) ||
		    e->arg_count != (truncates ? 2u : 1u) ||
		    (truncates && e->args[1]->kind != GSQL_X_PATH))
			gsql_fail(g, e->pos, "PARTITION BY expression is not supported: %s",
				  e->text);
		column = e->args[0];
		if (truncates)
			unit = e->args[1]->parts[0];
	}
	if (column->kind != GSQL_X_PATH || column->part_count != 1)
		gsql_fail(g, e->pos, "PARTITION BY needs a column");
	static const char *const units[] = { "DAY", "HOUR", "MONTH", "YEAR" };
	for (size_t i = 0; i < 4; i++) {
		if (!gsql_same(units[i], unit))
			continue;
		json_t *partitioning = json_pack("{s:s}", "type", units[i]);
		if (!gsql_same(column->parts[0], "_PARTITIONDATE") &&
		    !gsql_same(column->parts[0], "_PARTITIONTIME"))
			json_object_set_new(partitioning, "field", json_string(column->parts[0]));
		json_object_set_new(resource, "timePartitioning", partitioning);
		return;
	}
	gsql_fail(g, e->pos, "PARTITION BY %s is not supported", unit);
}

json_t *gsql_column_json(struct gsql *g, const struct gsql_column_def *c)
{
	struct gsql_field f = c->field;
	for (size_t i = 0; i < c->options.count; i++) {
		if (!gsql_same(c->options.items[i].name, "description"))
			gsql_fail(g, c->options.items[i].pos,
				  "Option %s of a column is not supported",
				  c->options.items[i].name);
		f.description = option_text(g, &c->options.items[i], GSQL_STRING);
	}
	return gsql_field_json(g, &f);
}

static json_t *relation_fields(struct gsql *g, const struct gsql_relation *r, struct gsql_pos pos)
{
	json_t *fields = json_array();
	for (size_t i = 0; i < r->column_count; i++) {
		struct gsql_field f = { .name = r->columns[i].name, .type = r->columns[i].type };
		if (f.name[0] == '\0') {
			json_decref(fields);
			gsql_fail(g, pos,
				  "CREATE TABLE columns must be named, but column %zu has no name",
				  i + 1);
		}
		json_array_append_new(fields, gsql_field_json(g, &f));
	}
	return fields;
}

/* True when there is nothing left to do: the thing exists and IF NOT EXISTS was said. */
static bool clear_way(struct gsql *g, const struct gsql_statement *s, const struct gsql_table *t,
		      const char **operation)
{
	*operation = "CREATE";
	if (!gsql_table_exists(g, t))
		return false;
	if (s->if_not_exists)
		return true;
	if (!s->or_replace)
		gsql_fail_status(g, 409, "duplicate", "Already Exists: Table %s:%s.%s", t->project,
				 t->dataset, t->table);
	*operation = "REPLACE";
	return false;
}

static void create_table(struct gsql *g, const struct gsql_statement *s)
{
	struct gsql_table t = gsql_resolve_name(g, &s->name);
	struct gsql_relation r = { 0 };
	const char *operation;
	if (clear_way(g, s, &t, &operation)) {
		set_target(g, &t, "SKIP");
		return;
	}
	json_t *resource = gsql_own_json(g, json_pack("{s:s,s:{}}", "type", "TABLE", "schema"));
	json_t *fields = NULL;
	if (s->query != NULL)
		r = gsql_emit_query(g, NULL, NULL, s->query);
	if (s->columns != NULL) {
		fields = json_array();
		json_object_set_new(json_object_get(resource, "schema"), "fields", fields);
		for (size_t i = 0; i < s->column_count; i++)
			json_array_append_new(fields, gsql_column_json(g, &s->columns[i]));
	} else if (s->query != NULL) {
		json_object_set_new(json_object_get(resource, "schema"), "fields",
				    relation_fields(g, &r, s->query->pos));
	}
	if (s->partition != NULL)
		set_partition(g, resource, s->partition);
	if (s->cluster != NULL) {
		json_t *cluster = json_array();
		for (size_t i = 0; i < s->cluster_count; i++)
			json_array_append_new(cluster, json_string(s->cluster[i]));
		json_object_set_new(resource, "clustering", json_pack("{s:o}", "fields", cluster));
	}
	gsql_set_options(g, resource, &s->options);
	if (g->request->dry_run)
		return;
	/* The query may read the table that it replaces. */
	if (s->query != NULL) {
		gsql_exec(g,
			  gsql_printf(g, "CREATE TEMP TABLE \"@as\" AS SELECT * FROM (%s) WHERE 0",
				      r.sql));
		gsql_exec(g, gsql_printf(g, "INSERT INTO temp.\"@as\" %s", r.sql));
	}
	if (gsql_same(operation, "REPLACE"))
		check(g, store_table_delete(g->store, t.project, t.dataset, t.table, g->err));
	check(g, store_table_create(g->store, t.project, t.dataset, t.table, resource, g->err));
	if (s->query != NULL) {
		struct gsql_table made = gsql_find_table(g, &s->name);
		struct gsql_insert insert = { 0 };
		struct gsql_value *v = gsql_alloc(g, (r.column_count + 1) * sizeof(*v));
		for (size_t i = 0; i < r.column_count; i++)
			v[i] = gsql_column_value(&r.columns[i]);
		gsql_exec(g, gsql_printf(g, "INSERT INTO main.%s(%s) SELECT %s FROM temp.\"@as\"",
					 made.physical, gsql_all_columns(g, &made),
					 gsql_insert_list(g, &made, &insert, v, NULL,
							  r.column_count, s->query->pos)));
		gsql_exec(g, "DROP TABLE temp.\"@as\"");
		check(g, store_table_touch(g->store, t.project, t.dataset, t.table, g->err));
	}
	set_target(g, &t, operation);
}

static void create_view(struct gsql *g, const struct gsql_statement *s)
{
	struct gsql_table t = gsql_resolve_name(g, &s->name);
	const char *operation;
	if (clear_way(g, s, &t, &operation)) {
		set_target(g, &t, "SKIP");
		return;
	}
	/* As whoever reads the view will see it. */
	g->view_depth++;
	struct gsql_relation r = gsql_emit_query(g, NULL, NULL, s->query);
	g->view_depth--;
	json_t *resource = gsql_own_json(g, json_pack("{s:s,s:{s:s,s:b}}", "type", "VIEW", "view",
						      "query", s->query_text, "useLegacySql", 0));
	json_object_set_new(resource, "schema",
			    json_pack("{s:o}", "fields", relation_fields(g, &r, s->query->pos)));
	gsql_set_options(g, resource, &s->options);
	if (g->request->dry_run)
		return;
	if (gsql_same(operation, "REPLACE"))
		check(g, store_table_delete(g->store, t.project, t.dataset, t.table, g->err));
	check(g, store_table_create(g->store, t.project, t.dataset, t.table, resource, g->err));
	set_target(g, &t, operation);
}

static void drop(struct gsql *g, const struct gsql_statement *s)
{
	struct gsql_table t = gsql_resolve_name(g, &s->name);
	if (s->if_exists && !gsql_table_exists(g, &t)) {
		set_target(g, &t, "SKIP");
		return;
	}
	t = gsql_find_table(g, &s->name);
	bool view = t.physical == NULL;
	if (view != (s->kind == GSQL_S_DROP_VIEW))
		gsql_fail(
			g, s->name.pos,
			"Cannot drop %s:%s.%s which has type %s. An object of type %s was expected",
			t.project, t.dataset, t.table, view ? "VIEW" : "TABLE",
			view ? "TABLE" : "VIEW");
	if (!g->request->dry_run)
		check(g, store_table_delete(g->store, t.project, t.dataset, t.table, g->err));
	set_target(g, &t, "DROP");
}

static void change_schema(struct gsql *g, const struct gsql_statement *s)
{
	const char *project =
		s->name.part_count > 1 ? s->name.parts[0] : g->request->default_project;
	const char *dataset = s->name.parts[s->name.part_count - 1];
	struct api_error missing;
	if (s->name.part_count > 2)
		gsql_fail(g, s->name.pos, "Invalid dataset name");
	json_t *found = store_dataset_get(g->store, project, dataset, &missing);
	bool exists = found != NULL;
	json_decref(found);
	bool create = s->kind == GSQL_S_CREATE_SCHEMA;
	if ((create && exists && s->if_not_exists) || (!create && !exists && s->if_exists) ||
	    g->request->dry_run)
		return;
	if (!create) {
		check(g, store_dataset_delete(g->store, project, dataset, s->cascade, g->err));
		return;
	}
	if (s->options.count > 0 && !gsql_same(s->options.items[0].name, "description"))
		gsql_fail(g, s->options.items[0].pos, "Option %s is not supported here",
			  s->options.items[0].name);
	json_t *resource = gsql_own_json(g, json_object());
	gsql_set_options(g, resource, &s->options);
	check(g, store_dataset_create(g->store, project, dataset, resource, g->err));
}

void gsql_run_ddl(struct gsql *g, const struct gsql_statement *s)
{
	switch (s->kind) {
	case GSQL_S_CREATE_TABLE:
		create_table(g, s);
		break;
	case GSQL_S_CREATE_VIEW:
		create_view(g, s);
		break;
	case GSQL_S_DROP_TABLE:
	case GSQL_S_DROP_VIEW:
		drop(g, s);
		break;
	case GSQL_S_ALTER_TABLE: {
		struct gsql_table t = gsql_resolve_name(g, &s->name);
		bool skip = s->if_exists && !gsql_table_exists(g, &t);
		if (!skip)
			gsql_run_alter(g, s);
		set_target(g, &t, skip ? "SKIP" : "ALTER");
		break;
	}
	default:
		change_schema(g, s);
		break;
	}
}
