/*
 * MERGE. The source is copied once; all pairs that satisfy ON are written down with the WHEN clause each takes; the new
 * cells of every clause are computed; only then does the target change. So every expression sees the old rows.
 */
#include "tests/localcloud/gsql_dml.h"

#include <string.h>

struct merge {
	const struct gsql_statement *s;
	const struct gsql_table *t;
	struct gsql_names target;
	struct gsql_names source;
	struct gsql_names both;
	const char *alias; /* of the target */
	const char *from;  /* the target with its alias */
};

static const char *copied_column(struct gsql *g, struct gsql_text *list, const char ***old,
				 size_t *n, const char *sql)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*old)[i], sql) == 0)
			return gsql_printf(g, "s.\"@%zu\"", i + 1);
	gsql_add(g, list, "%s%s", *n > 0 ? "," : "", sql);
	GSQL_PUSH(g, *old, *n, sql);
	return gsql_printf(g, "s.\"@%zu\"", *n);
}

/* Copies the source into temp."@source" and points its names there. */
static void copy_source(struct gsql *g, struct merge *m)
{
	struct gsql_scope scope = { .names = &m->source,
				    .no_aggregate = "FROM clause",
				    .no_window = "FROM clause" };
	const char *from = gsql_emit_from(g, &scope, m->s->from, &m->source);
	struct gsql_text list = { 0 };
	const char **old = NULL;
	size_t n = 0;
	for (size_t r = 0; r < m->source.range_count; r++) {
		struct gsql_range *range = m->source.ranges[r];
		for (size_t i = 0; i < range->column_count; i++)
			range->columns[i].sql =
				copied_column(g, &list, &old, &n, range->columns[i].sql);
	}
	for (size_t i = 0; i < m->source.column_count; i++)
		m->source.columns[i].sql =
			copied_column(g, &list, &old, &n, m->source.columns[i].sql);
	struct gsql_text columns = { 0 };
	for (size_t i = 0; i < n; i++)
		gsql_add(g, &columns, ",\"@%zu\"", i + 1);
	gsql_change(g, gsql_printf(g, "CREATE TEMP TABLE \"@source\"(r INTEGER PRIMARY KEY%s)",
				   columns.s));
	gsql_change(g, gsql_printf(g, "INSERT INTO temp.\"@source\" SELECT NULL,%s FROM %s", list.s,
				   from));
}

static void join_names(struct gsql *g, struct merge *m)
{
	const struct gsql_names *parts[] = { &m->target, &m->source };
	for (size_t p = 0; p < 2; p++) {
		for (size_t i = 0; i < parts[p]->range_count; i++)
			GSQL_PUSH(g, m->both.ranges, m->both.range_count, parts[p]->ranges[i]);
		for (size_t i = 0; i < parts[p]->column_count; i++)
			GSQL_PUSH(g, m->both.columns, m->both.column_count, parts[p]->columns[i]);
	}
}

static struct gsql_scope scope_of(struct merge *m, enum gsql_when_kind kind)
{
	struct gsql_scope scope = { .no_aggregate = "MERGE", .no_window = "MERGE" };
	scope.names = kind == GSQL_WHEN_MATCHED       ? &m->both
		      : kind == GSQL_WHEN_NOT_MATCHED ? &m->source
						      : &m->target;
	return scope;
}

/* The number of the first clause of a kind whose condition holds. */
static const char *choice(struct gsql *g, struct merge *m, enum gsql_when_kind kind)
{
	struct gsql_scope scope = scope_of(m, kind);
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "CASE WHEN 0 THEN 0");
	for (size_t i = 0; i < m->s->when_count; i++) {
		const struct gsql_when *w = &m->s->when[i];
		if (w->kind == kind)
			gsql_add(g, &s, " WHEN %s THEN %zu",
				 w->condition == NULL ? "1"
						      : gsql_emit_condition(g, &scope, w->condition,
									    "WHEN clause"),
				 i);
	}
	gsql_add(g, &s, " END");
	return s.s;
}

/* temp."@pair": every pair; temp."@act": target rows that change; temp."@new": source rows without a match. */
static void find_pairs(struct gsql *g, struct merge *m)
{
	struct gsql_scope scope = scope_of(m, GSQL_WHEN_MATCHED);
	const char *on = gsql_emit_condition(g, &scope, m->s->where, "MERGE ON clause");
	/* With the affinity of the row ids that they are compared with; else no index serves. */
	const char *const tables[] = { "CREATE TEMP TABLE \"@pair\"(tr INTEGER,sr INTEGER,w)",
				       "CREATE TEMP TABLE \"@act\"(r INTEGER PRIMARY KEY,sr,w)",
				       "CREATE TEMP TABLE \"@new\"(sr,w)" };
	for (size_t i = 0; i < 3; i++)
		gsql_change(g, tables[i]);
	gsql_change(
		g,
		gsql_printf(
			g,
			"INSERT INTO temp.\"@pair\" SELECT %s.\"@rowid\",s.r,%s FROM %s JOIN temp.\"@source\" AS s ON %s",
			m->alias, choice(g, m, GSQL_WHEN_MATCHED), m->from, on));
	gsql_change(g, "CREATE INDEX temp.\"@pair_t\" ON \"@pair\"(tr)");
	gsql_change(g, "CREATE INDEX temp.\"@pair_s\" ON \"@pair\"(sr)");
	gsql_change(
		g,
		"INSERT INTO temp.\"@act\" SELECT tr,sr,w FROM temp.\"@pair\" WHERE w IS NOT NULL");
	gsql_change(
		g,
		gsql_printf(
			g,
			"INSERT INTO temp.\"@act\" SELECT r,NULL,w FROM (SELECT %s.\"@rowid\" AS r,%s AS w FROM %s WHERE NOT EXISTS "
			"(SELECT 1 FROM temp.\"@pair\" AS p WHERE p.tr=%s.\"@rowid\")) WHERE w IS NOT NULL",
			m->alias, choice(g, m, GSQL_WHEN_NOT_MATCHED_BY_SOURCE), m->from,
			m->alias));
	gsql_change(
		g,
		gsql_printf(
			g,
			"INSERT INTO temp.\"@new\" SELECT r,w FROM (SELECT s.r AS r,%s AS w FROM temp.\"@source\" AS s "
			"WHERE NOT EXISTS (SELECT 1 FROM temp.\"@pair\" AS p WHERE p.sr=s.r)) WHERE w IS NOT NULL",
			choice(g, m, GSQL_WHEN_NOT_MATCHED)));
}

static const char *value_table(struct gsql *g, size_t when, size_t columns)
{
	struct gsql_text s = { 0 };
	const char *name = gsql_printf(g, "temp.\"@when%zu\"", when);
	for (size_t i = 0; i < columns; i++)
		gsql_add(g, &s, ",\"@%zu\"", i + 1);
	gsql_change(g, gsql_printf(g, "CREATE TABLE %s(r%s)", name, s.s));
	return name;
}

static void compute_update(struct gsql *g, struct merge *m, const struct gsql_when *w,
			   size_t number)
{
	struct gsql_scope scope = scope_of(m, w->kind);
	struct gsql_text values = { 0 };
	gsql_check_assignments(g, m->s, m->t, w->set, w->set_count);
	for (size_t i = 0; i < w->set_count; i++)
		gsql_add(g, &values, ",%s",
			 gsql_assign_expr(g, &scope, w->set[i].value,
					  &m->t->fields[gsql_column_index(g, m->t, w->set[i].column,
									  w->set[i].pos)]));
	const char *table = value_table(g, number, w->set_count);
	gsql_change(
		g,
		gsql_printf(
			g,
			"INSERT INTO %s SELECT a.r%s FROM temp.\"@act\" AS a JOIN %s ON %s.\"@rowid\"=a.r%s WHERE a.w=%zu",
			table, values.s, m->from, m->alias,
			w->kind == GSQL_WHEN_MATCHED ? " JOIN temp.\"@source\" AS s ON s.r=a.sr"
						     : "",
			number));
}

static void compute_insert(struct gsql *g, struct merge *m, const struct gsql_when *w,
			   size_t number)
{
	struct gsql_scope scope = scope_of(m, w->kind);
	const struct gsql_insert *insert = w->insert;
	size_t n = insert->row ? m->source.column_count : insert->row_sizes[0];
	struct gsql_value *v = gsql_alloc(g, (n + 1) * sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		const struct gsql_expr *e = insert->row ? NULL : insert->rows[0][i];
		if (e == NULL)
			v[i] = gsql_column_value(&m->source.columns[i]);
		else if (e->kind == GSQL_X_DEFAULT)
			v[i] = (struct gsql_value){ .sql = "NULL", .type = gsql_type(GSQL_NULL) };
		else
			v[i] = gsql_emit_expr(g, &scope, e);
	}
	const struct gsql_expr *const *exprs =
		insert->row ? NULL : (const struct gsql_expr *const *)insert->rows[0];
	const char *list = gsql_insert_list(g, m->t, insert, v, exprs, n, w->pos);
	const char *table = value_table(g, number, m->t->field_count + m->t->partition_time);
	gsql_change(
		g,
		gsql_printf(
			g,
			"INSERT INTO %s SELECT NULL,%s FROM temp.\"@new\" AS n JOIN temp.\"@source\" AS s ON s.r=n.sr "
			"WHERE n.w=%zu ORDER BY s.r",
			table, list, number));
}

static void apply(struct gsql *g, const struct merge *m, const struct gsql_when *w, size_t number)
{
	const char *table = gsql_printf(g, "temp.\"@when%zu\"", number);
	if (w->action == GSQL_ACTION_DELETE) {
		g->result->deleted += gsql_change(
			g,
			gsql_printf(
				g,
				"DELETE FROM main.%s WHERE \"@rowid\" IN (SELECT r FROM temp.\"@act\" WHERE w=%zu)",
				m->t->physical, number));
		return;
	}
	if (w->action == GSQL_ACTION_UPDATE) {
		g->result->updated += gsql_change(
			g,
			gsql_printf(g, "UPDATE main.%s SET %s FROM %s AS u WHERE %s.\"@rowid\"=u.r",
				    m->t->physical, gsql_set_list(g, w->set, w->set_count, "u"),
				    table, m->t->physical));
	} else {
		struct gsql_text columns = { 0 };
		for (size_t i = 0; i < m->t->field_count + m->t->partition_time; i++)
			gsql_add(g, &columns, "%s\"@%zu\"", i > 0 ? "," : "", i + 1);
		g->result->inserted += gsql_change(
			g,
			gsql_printf(g, "INSERT INTO main.%s(%s) SELECT %s FROM %s ORDER BY rowid",
				    m->t->physical, gsql_all_columns(g, m->t), columns.s, table));
	}
	gsql_change(g, gsql_printf(g, "DROP TABLE %s", table));
}

void gsql_run_merge(struct gsql *g, const struct gsql_statement *s, struct gsql_table *t)
{
	struct merge m = { .s = s, .t = t };
	struct gsql_scope scope = { .names = &m.target };
	m.alias = gsql_printf(g, "t%u", g->next_name);
	m.from = gsql_emit_from(g, &scope, gsql_target(g, s), &m.target);
	copy_source(g, &m);
	join_names(g, &m);
	find_pairs(g, &m);
	for (size_t i = 0; i < s->when_count; i++) {
		if (s->when[i].action == GSQL_ACTION_UPDATE)
			compute_update(g, &m, &s->when[i], i);
		else if (s->when[i].action == GSQL_ACTION_INSERT)
			compute_insert(g, &m, &s->when[i], i);
	}
	for (size_t i = 0; i < s->when_count; i++)
		apply(g, &m, &s->when[i], i);
	static const char *const tables[] = { "@source", "@pair", "@act", "@new" };
	for (size_t i = 0; i < 4; i++)
		gsql_change(g, gsql_printf(g, "DROP TABLE temp.\"%s\"", tables[i]));
}
