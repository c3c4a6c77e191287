#include "tests/localcloud/gsql_dml.h"

#include <string.h>

int64_t gsql_change(struct gsql *g, const char *sql)
{
	return g->request->dry_run ? 0 : gsql_exec(g, sql);
}

size_t gsql_column_index(struct gsql *g, const struct gsql_table *t, const char *name,
			 struct gsql_pos pos)
{
	for (size_t i = 0; i < t->field_count; i++)
		if (gsql_same(t->fields[i].name, name))
			return i;
	gsql_fail(g, pos, "Column %s is not present in table %s.%s", name, t->dataset, t->table);
}

const char *gsql_assign(struct gsql *g, struct gsql_value v, const struct gsql_field *f,
			struct gsql_pos pos)
{
	const struct gsql_type *t = f->type;
	const char *column = gsql_quote(g, f->name, strlen(f->name));
	if (gsql_coerce_cost(&v, t) < 0)
		gsql_fail(
			g, pos,
			"Value has type %s which cannot be inserted into column %s, which has type %s",
			gsql_type_name(g, v.type), f->name, gsql_type_name(g, t));
	const char *sql = gsql_coerce(g, v, t).sql;
	if (t->precision > 0)
		sql = gsql_printf(g, "g_round_to(%s,%d,%d,'%c',0)", sql, t->precision, t->scale,
				  gsql_type_letter(t->kind));
	if (t->length > 0)
		sql = gsql_printf(g, "g_length(%s,%lld,%s)", sql, (long long)t->length, column);
	if (t->kind == GSQL_ARRAY)
		sql = gsql_printf(g, "g_no_nulls(%s,%s)", sql, column);
	if (f->required)
		sql = gsql_printf(g, "g_required(%s,%s)", sql, column);
	return sql;
}

const char *gsql_assign_expr(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
			     const struct gsql_field *f)
{
	struct gsql_value null = { .sql = "NULL", .type = gsql_type(GSQL_NULL) };
	return gsql_assign(g, e->kind == GSQL_X_DEFAULT ? null : gsql_emit_expr(g, scope, e), f,
			   e->pos);
}

const char *gsql_all_columns(struct gsql *g, const struct gsql_table *t)
{
	struct gsql_text s = { 0 };
	for (size_t i = 0; i < t->field_count; i++)
		gsql_add(g, &s, "%s%s", i > 0 ? "," : "", gsql_ident(g, t->fields[i].name));
	if (t->partition_time)
		gsql_add(g, &s, ",\"_PARTITIONTIME\"");
	return s.s;
}

/* The partition that takes rows now, for a table partitioned by ingestion time. */
static const char *partition_now(struct gsql *g, const struct gsql_table *t)
{
	const json_t *partitioning = json_object_get(t->resource, "timePartitioning");
	const char *unit = json_string_value(json_object_get(partitioning, "type"));
	return gsql_printf(g, ",g_ttrunc('P',%lld,'%s')", (long long)g->now_us,
			   unit == NULL ? "DAY" : unit);
}

const char *gsql_insert_list(struct gsql *g, const struct gsql_table *t,
			     const struct gsql_insert *insert, const struct gsql_value *values,
			     const struct gsql_expr *const *exprs, size_t n, struct gsql_pos pos)
{
	size_t wanted = insert->columns == NULL ? t->field_count : insert->column_count;
	const char **cells = gsql_alloc(g, (t->field_count + 1) * sizeof(*cells));
	if (n != wanted)
		gsql_fail(g, pos, "Inserted row has wrong column count; Has %zu, expected %zu", n,
			  wanted);
	for (size_t i = 0; i < n; i++) {
		size_t c = i;
		if (insert->columns != NULL) {
			c = gsql_column_index(g, t, insert->columns[i], insert->column_pos[i]);
			if (cells[c] != NULL)
				gsql_fail(g, insert->column_pos[i],
					  "INSERT has columns with duplicate name: %s",
					  insert->columns[i]);
		}
		struct gsql_value v = values[i];
		cells[c] = gsql_assign(g, v, &t->fields[c], exprs != NULL ? exprs[i]->pos : pos);
	}
	struct gsql_text s = { 0 };
	struct gsql_value null = { .sql = "NULL", .type = gsql_type(GSQL_NULL) };
	for (size_t c = 0; c < t->field_count; c++)
		gsql_add(g, &s, "%s%s", c > 0 ? "," : "",
			 cells[c] != NULL ? cells[c] : gsql_assign(g, null, &t->fields[c], pos));
	if (t->partition_time)
		gsql_add(g, &s, "%s", partition_now(g, t));
	return s.s;
}

static void run_insert(struct gsql *g, const struct gsql_statement *s, const struct gsql_table *t)
{
	const struct gsql_insert *insert = s->insert;
	const char *columns = gsql_all_columns(g, t);
	struct gsql_scope scope = { .no_aggregate = "VALUES", .no_window = "VALUES" };
	struct gsql_text rows = { 0 };
	if (insert->query != NULL) {
		struct gsql_relation r = gsql_emit_query(g, NULL, NULL, insert->query);
		struct gsql_value *v = gsql_alloc(g, (r.column_count + 1) * sizeof(*v));
		for (size_t i = 0; i < r.column_count; i++)
			v[i] = gsql_column_value(&r.columns[i]);
		const char *list =
			gsql_insert_list(g, t, insert, v, NULL, r.column_count, insert->query->pos);
		g->result->inserted +=
			gsql_change(g, gsql_printf(g, "INSERT INTO %s(%s) SELECT %s FROM (%s)",
						   t->physical, columns, list, r.sql));
		return;
	}
	for (size_t i = 0; i < insert->row_count; i++) {
		struct gsql_expr **row = insert->rows[i];
		size_t n = insert->row_sizes[i];
		struct gsql_value *v = gsql_alloc(g, n * sizeof(*v));
		for (size_t j = 0; j < n; j++)
			v[j] = row[j]->kind == GSQL_X_DEFAULT
				       ? (struct gsql_value){ .sql = "NULL",
							      .type = gsql_type(GSQL_NULL) }
				       : gsql_emit_expr(g, &scope, row[j]);
		gsql_add(g, &rows, "%s(%s)", i > 0 ? "," : "",
			 gsql_insert_list(g, t, insert, v, (const struct gsql_expr *const *)row, n,
					  row[0]->pos));
	}
	g->result->inserted += gsql_change(g, gsql_printf(g, "INSERT INTO %s(%s) VALUES %s",
							  t->physical, columns, rows.s));
}

struct gsql_from *gsql_target(struct gsql *g, const struct gsql_statement *s)
{
	struct gsql_from *f = gsql_alloc(g, sizeof(*f));
	f->kind = GSQL_FROM_PATH;
	f->pos = s->name.pos;
	f->parts = s->name.parts;
	f->part_count = s->name.part_count;
	f->alias = s->alias;
	return f;
}

/* By the name that the statement has for its target, t.c = … is the same as c = …. */
static void check_qualifier(struct gsql *g, const struct gsql_statement *s,
			    const struct gsql_assignment *a)
{
	const char *name = s->alias;
	if (name == NULL) {
		const char *last = s->name.parts[s->name.part_count - 1];
		const char *dot = strrchr(last, '.');
		name = dot != NULL ? dot + 1 : last;
	}
	if (a->table != NULL && !gsql_same(a->table, name))
		gsql_fail(g, a->pos, "Unrecognized name: %s", a->table);
}

void gsql_check_assignments(struct gsql *g, const struct gsql_statement *s,
			    const struct gsql_table *t, const struct gsql_assignment *set, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_qualifier(g, s, &set[i]);
		gsql_column_index(g, t, set[i].column, set[i].pos);
		for (size_t j = 0; j < i; j++)
			if (gsql_same(set[i].column, set[j].column))
				gsql_fail(g, set[i].pos, "Update item %s assigned more than once",
					  set[i].column);
	}
}

const char *gsql_set_list(struct gsql *g, const struct gsql_assignment *set, size_t n,
			  const char *from)
{
	struct gsql_text s = { 0 };
	for (size_t i = 0; i < n; i++)
		gsql_add(g, &s, "%s%s=%s.\"@%zu\"", i > 0 ? "," : "", gsql_ident(g, set[i].column),
			 from, i + 1);
	return s.s;
}

/*
 * The new cells are computed into a temporary table first, keyed by rowid: a row that is met twice breaks the key,
 * which is BigQuery's error, and the values are those from before the statement.
 */
static void run_update(struct gsql *g, const struct gsql_statement *s, const struct gsql_table *t)
{
	struct gsql_names names = { 0 };
	struct gsql_scope scope = { .names = &names,
				    .no_aggregate = "UPDATE",
				    .no_window = "UPDATE" };
	struct gsql_from join = { .kind = GSQL_FROM_JOIN,
				  .join = GSQL_JOIN_CROSS,
				  .left = gsql_target(g, s),
				  .right = s->from };
	const char *alias = gsql_printf(g, "t%u", g->next_name);
	const char *from = gsql_emit_from(g, &scope, s->from == NULL ? join.left : &join, &names);
	gsql_check_assignments(g, s, t, s->set, s->set_count);
	struct gsql_text columns = { 0 };
	struct gsql_text values = { 0 };
	for (size_t i = 0; i < s->set_count; i++) {
		const struct gsql_field *f =
			&t->fields[gsql_column_index(g, t, s->set[i].column, s->set[i].pos)];
		gsql_add(g, &columns, ",\"@%zu\"", i + 1);
		gsql_add(g, &values, ",%s", gsql_assign_expr(g, &scope, s->set[i].value, f));
	}
	const char *where = gsql_emit_condition(g, &scope, s->where, "WHERE clause");
	gsql_change(g, gsql_printf(g, "CREATE TEMP TABLE \"@update\"(r INTEGER PRIMARY KEY%s)",
				   columns.s));
	if (!g->request->dry_run)
		gsql_exec(
			g,
			gsql_printf(
				g,
				"INSERT INTO temp.\"@update\" SELECT %s.\"@rowid\"%s FROM %s WHERE %s",
				alias, values.s, from, where));
	g->result->updated += gsql_change(
		g,
		gsql_printf(
			g,
			"UPDATE main.%s SET %s FROM temp.\"@update\" AS u WHERE %s.\"@rowid\"=u.r",
			t->physical, gsql_set_list(g, s->set, s->set_count, "u"), t->physical));
	gsql_change(g, "DROP TABLE temp.\"@update\"");
}

static void run_delete(struct gsql *g, const struct gsql_statement *s, const struct gsql_table *t)
{
	struct gsql_names names = { 0 };
	struct gsql_scope scope = { .names = &names,
				    .no_aggregate = "WHERE clause",
				    .no_window = "WHERE clause" };
	const char *alias = gsql_printf(g, "t%u", g->next_name);
	const char *from = gsql_emit_from(g, &scope, gsql_target(g, s), &names);
	const char *where = gsql_emit_condition(g, &scope, s->where, "WHERE clause");
	g->result->deleted += gsql_change(
		g,
		gsql_printf(
			g,
			"DELETE FROM %s WHERE \"@rowid\" IN (SELECT %s.\"@rowid\" FROM %s WHERE %s)",
			t->physical, alias, from, where));
}

void gsql_run_dml(struct gsql *g, const struct gsql_statement *s)
{
	if (gsql_find_external(g, &s->name) != NULL)
		gsql_fail(g, s->name.pos, "DML over external table %s is not supported",
			  s->name.parts[0]);
	struct gsql_table t = gsql_find_table(g, &s->name);
	if (t.physical == NULL)
		gsql_fail(g, s->name.pos, "%s.%s is not a table and cannot be changed by DML",
			  t.dataset, t.table);
	if (s->kind == GSQL_S_INSERT)
		run_insert(g, s, &t);
	else if (s->kind == GSQL_S_UPDATE)
		run_update(g, s, &t);
	else if (s->kind == GSQL_S_DELETE)
		run_delete(g, s, &t);
	else if (s->kind == GSQL_S_MERGE)
		gsql_run_merge(g, s, &t);
	else
		g->result->deleted += gsql_change(g, gsql_printf(g, "DELETE FROM %s", t.physical));
	if (!g->request->dry_run &&
	    store_table_touch(g->store, t.project, t.dataset, t.table, g->err) != 0)
		gsql_raise(g);
	json_decref(g->result->dml_target);
	g->result->dml_target = gsql_table_reference(&t);
}
