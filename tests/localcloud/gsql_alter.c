/* ALTER TABLE. https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#alter_table_statements */
#include "tests/localcloud/gsql_dml.h"

#include <string.h>

struct alter {
	const struct gsql_table *t;
	json_t *resource; /* a copy that becomes the table's */
	json_t *fields;   /* in it */
};

static size_t field_index(const struct alter *a, const char *name)
{
	size_t i;
	json_t *f;
	json_array_foreach(a->fields, i, f)
		if (gsql_same(json_string_value(json_object_get(f, "name")), name))
			return i;
	return i;
}

static void add(struct gsql *g, const struct alter *a, const struct gsql_alter *action)
{
	const struct gsql_field *f = &action->column.field;
	bool exists = field_index(a, f->name) < json_array_size(a->fields);
	if (exists && action->if_exists)
		return;
	if (exists)
		gsql_fail(g, action->pos, "Column already exists: %s", f->name);
	if (f->required)
		gsql_fail(g, action->pos,
			  "Cannot add required columns to an existing table schema: %s", f->name);
	json_array_append_new(a->fields, gsql_column_json(g, &action->column));
}

static bool is_used(const struct alter *a, const char *name)
{
	const char *time = json_string_value(
		json_object_get(json_object_get(a->resource, "timePartitioning"), "field"));
	const char *range = json_string_value(
		json_object_get(json_object_get(a->resource, "rangePartitioning"), "field"));
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(json_object_get(a->resource, "clustering"), "fields"), i,
			   c)
		if (gsql_same(json_string_value(c), name))
			return true;
	return (time != NULL && gsql_same(time, name)) || (range != NULL && gsql_same(range, name));
}

static void drop(struct gsql *g, const struct alter *a, const struct gsql_alter *action)
{
	const char *name = action->column.field.name;
	size_t i = field_index(a, name);
	if (i == json_array_size(a->fields) && action->if_exists)
		return;
	if (i == json_array_size(a->fields))
		gsql_fail(g, action->pos, "Column not found: %s", name);
	if (is_used(a, name))
		gsql_fail(g, action->pos, "Cannot drop partitioning or clustering column: %s",
			  name);
	if (json_array_size(a->fields) == 1)
		gsql_fail(g, action->pos, "Cannot drop the only column of a table: %s", name);
	json_array_remove(a->fields, i);
}

/* SET DATA TYPE: the widenings. The store converts the cells when it sees the new type. */
static void set_type(struct gsql *g, const struct alter *a, const struct gsql_alter *action,
		     size_t i)
{
	json_t *old_json = json_array_get(a->fields, i);
	struct gsql_field old = gsql_field_from_json(g, old_json);
	const struct gsql_type *to = action->column.field.type;
	struct gsql_value v = { .sql = gsql_ident(g, old.name), .type = old.type };
	bool same = gsql_type_equal(old.type, to);
	bool number = gsql_is_number(old.type->kind) && gsql_coerce_cost(&v, to) > 0;
	/* Of one type only a wider parameter, or none, is wider. */
	bool wider = to->length == 0 || (old.type->length > 0 && to->length >= old.type->length);
	if (to->precision > 0)
		wider = old.type->precision > 0 && to->scale >= old.type->scale &&
			to->precision - to->scale >= old.type->precision - old.type->scale;
	bool whole = old.type->kind == GSQL_INT64 &&
		     to->precision - to->scale >= 19; /* an INT64 has 19 digits */
	if (!(same && wider) && !(number && (to->precision == 0 || whole || wider)))
		gsql_fail(
			g, action->pos,
			"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type (%s) is "
			"assignable to the new type (%s)",
			gsql_type_name(g, old.type), gsql_type_name(g, to));
	struct gsql_field made = { .name = old.name, .type = to, .required = old.required };
	json_t *json = gsql_own_json(g, gsql_field_json(g, &made));
	json_t *description = json_object_get(old_json, "description");
	if (description != NULL)
		json_object_set(json, "description", description);
	json_array_set(a->fields, i, json);
}

static void change_column(struct gsql *g, const struct alter *a, const struct gsql_alter *action)
{
	size_t i = field_index(a, action->column.field.name);
	if (i == json_array_size(a->fields) && action->if_exists)
		return;
	if (i == json_array_size(a->fields))
		gsql_fail(g, action->pos, "Column not found: %s", action->column.field.name);
	json_t *field = json_array_get(a->fields, i);
	if (action->kind == GSQL_ALTER_COLUMN_OPTIONS) {
		for (size_t k = 0; k < action->options.count; k++)
			if (!gsql_same(action->options.items[k].name, "description"))
				gsql_fail(g, action->options.items[k].pos,
					  "Option %s of a column is not supported",
					  action->options.items[k].name);
		gsql_set_options(g, field, &action->options);
		return;
	}
	if (action->kind == GSQL_ALTER_DROP_NOT_NULL) {
		const char *mode = json_string_value(json_object_get(field, "mode"));
		if (mode == NULL || !gsql_same(mode, "REQUIRED"))
			gsql_fail(g, action->pos, "Column %s does not have a NOT NULL constraint",
				  action->column.field.name);
		json_object_set_new(field, "mode", json_string("NULLABLE"));
		return;
	}
	set_type(g, a, action, i);
}

void gsql_run_alter(struct gsql *g, const struct gsql_statement *s)
{
	struct gsql_table t = gsql_find_table(g, &s->name);
	if (t.physical == NULL)
		gsql_fail(g, s->name.pos, "ALTER TABLE is not supported for views: %s.%s",
			  t.dataset, t.table);
	struct alter a = { .t = &t, .resource = gsql_own_json(g, json_deep_copy(t.resource)) };
	a.fields = json_object_get(json_object_get(a.resource, "schema"), "fields");
	for (size_t i = 0; i < s->alter_count; i++) {
		const struct gsql_alter *action = &s->alter[i];
		if (action->kind == GSQL_ALTER_ADD)
			add(g, &a, action);
		else if (action->kind == GSQL_ALTER_DROP)
			drop(g, &a, action);
		else if (action->kind == GSQL_ALTER_OPTIONS)
			gsql_set_options(g, a.resource, &action->options);
		else
			change_column(g, &a, action);
	}
	if (!g->request->dry_run &&
	    store_table_update(g->store, t.project, t.dataset, t.table, a.resource, g->err) != 0)
		gsql_raise(g);
}
