/* FROM: tables, views, subqueries, UNNEST and joins. */
#include "tests/localcloud/gsql_emit.h"
#include "tests/localcloud/json_util.h"

#include <string.h>

enum { VIEW_DEPTH_MAX = 16 };

static struct gsql_range *add_range(struct gsql *g, struct gsql_names *names, const char *name,
				    struct gsql_pos pos)
{
	struct gsql_range *r = gsql_alloc(g, sizeof(*r));
	r->name = name == NULL ? "" : name;
	for (size_t i = 0; i < names->range_count; i++)
		if (r->name[0] != '\0' && gsql_same(names->ranges[i]->name, r->name))
			gsql_fail(g, pos, "Duplicate table alias %s in the same FROM clause",
				  r->name);
	GSQL_PUSH(g, names->ranges, names->range_count, r);
	return r;
}

static void add_column(struct gsql *g, struct gsql_names *names, struct gsql_range *r,
		       struct gsql_column c)
{
	GSQL_PUSH(g, r->columns, r->column_count, c);
	GSQL_PUSH(g, names->columns, names->column_count, c);
}

/* The columns of a query that stands in FROM under the SQL alias. */
static const char *add_relation(struct gsql *g, struct gsql_names *names,
				const struct gsql_column *columns, size_t n, const char *sql,
				const char *name, struct gsql_pos pos)
{
	const char *alias = gsql_printf(g, "t%u", g->next_name++);
	struct gsql_range *r = add_range(g, names, name, pos);
	for (size_t i = 0; i < n; i++) {
		struct gsql_column c = columns[i];
		c.sql = gsql_printf(g, "%s.%s", alias, columns[i].sql);
		add_column(g, names, r, c);
	}
	return gsql_printf(g, "%s AS %s", sql, alias);
}

static const char *add_table(struct gsql *g, struct gsql_names *names, const struct gsql_table *t,
			     const char *name, struct gsql_pos pos)
{
	const char *alias = gsql_printf(g, "t%u", g->next_name++);
	struct gsql_range *r = add_range(g, names, name, pos);
	for (size_t i = 0; i < t->field_count; i++) {
		struct gsql_column c = { .name = t->fields[i].name, .type = t->fields[i].type };
		c.sql = gsql_printf(g, "%s.%s", alias, gsql_ident(g, c.name));
		add_column(g, names, r, c);
	}
	if (t->partition_time) {
		struct gsql_column c = { .name = "_PARTITIONTIME",
					 .type = gsql_type(GSQL_TIMESTAMP) };
		c.sql = gsql_printf(g, "%s.\"_PARTITIONTIME\"", alias);
		GSQL_PUSH(g, r->pseudo, r->pseudo_count, c);
		c = (struct gsql_column){ .name = "_PARTITIONDATE", .type = gsql_type(GSQL_DATE) };
		c.sql = gsql_printf(g, "g_cast(%s.\"_PARTITIONTIME\",'P','D',0)", alias);
		GSQL_PUSH(g, r->pseudo, r->pseudo_count, c);
	}
	return gsql_printf(g, "%s AS %s", t->physical, alias);
}

static const char *add_view(struct gsql *g, struct gsql_names *names, const struct gsql_table *t,
			    const char *name, struct gsql_pos pos)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(t->resource, "view"), "query"));
	if (text == NULL)
		gsql_fail(g, pos, "%s:%s.%s is neither a table nor a view", t->project, t->dataset,
			  t->table);
	if (++g->view_depth > VIEW_DEPTH_MAX)
		gsql_fail(g, pos, "Views are nested too deeply: more than %d", VIEW_DEPTH_MAX);
	struct gsql_relation r = gsql_emit_query(g, NULL, NULL, gsql_parse_view(g, text));
	g->view_depth--;
	return add_relation(g, names, r.columns, r.column_count, gsql_printf(g, "(%s)", r.sql),
			    name, pos);
}

static const char *unnest_value(struct gsql *g, struct gsql_names *names,
				const struct gsql_value *v, const struct gsql_from *f)
{
	if (v->type->kind != GSQL_ARRAY)
		gsql_fail(
			g, f->pos,
			"Values referenced in UNNEST must be arrays. UNNEST contains expression of type %s",
			gsql_type_name(g, v->type));
	const char *alias = gsql_printf(g, "t%u", g->next_name++);
	const char *value = gsql_printf(g, "%s.value", alias);
	const struct gsql_type *element =
		v->type->element->kind == GSQL_NULL ? gsql_type(GSQL_INT64) : v->type->element;
	struct gsql_range *r = add_range(g, names, f->alias, f->pos);
	struct gsql_value whole = { .sql = value, .type = element };
	for (size_t i = 0; element->kind == GSQL_STRUCT && i < element->field_count; i++) {
		struct gsql_value field = gsql_field_of(g, whole, element->fields[i].name, f->pos);
		struct gsql_column c = { .name = element->fields[i].name,
					 .type = field.type,
					 .sql = field.sql };
		add_column(g, names, r, c);
	}
	if (element->kind != GSQL_STRUCT) {
		struct gsql_column c = { .name = r->name,
					 .type = element,
					 .sql = gsql_decode(g, value, element) };
		r->value = true;
		add_column(g, names, r, c);
	}
	if (f->offset_alias != NULL) {
		struct gsql_range *offset = add_range(g, names, f->offset_alias, f->pos);
		struct gsql_column c = { .name = f->offset_alias, .type = gsql_type(GSQL_INT64) };
		c.sql = gsql_printf(g, "%s.key", alias);
		offset->value = true;
		add_column(g, names, offset, c);
	}
	return gsql_printf(g, "json_each(%s) AS %s", v->sql, alias);
}

/*
 * What a table costs: all of its bytes, though BigQuery takes only the columns that are read; rounded up to whole MiB, 10
 * at least. https://cloud.google.com/bigquery/pricing#on_demand_pricing
 */
static int64_t billed_bytes(int64_t bytes)
{
	const int64_t mib = 1024 * 1024;
	int64_t n = (bytes + mib - 1) / mib;
	return (n < 10 ? 10 : n) * mib;
}

static void bill(struct gsql *g, int64_t bytes)
{
	struct gsql_result *r = g->result;
	int64_t most = g->request->maximum_bytes_billed;
	r->bytes_processed += bytes;
	r->bytes_billed += billed_bytes(bytes);
	if (most > 0 && r->bytes_billed > most)
		gsql_fail_status(
			g, 400, "bytesBilledLimitExceeded",
			"Query exceeded limit for bytes billed: %lld. %lld or higher required.",
			(long long)most, (long long)r->bytes_billed);
}

static void refer_external(struct gsql *g, const struct gsql_external *external)
{
	size_t i = (size_t)(external - g->request->externals);
	if (g->external_read == NULL)
		g->external_read =
			gsql_alloc(g, g->request->external_count * sizeof(*g->external_read));
	if (!g->external_read[i])
		bill(g, ju_int64(external->resource, "numBytes", 0));
	g->external_read[i] = true;
}

static void refer(struct gsql *g, const struct gsql_table *t)
{
	struct gsql_result *r = g->result;
	if (t->external != NULL) {
		refer_external(g, t->external);
		return;
	}
	json_t *reference = gsql_table_reference(t), *before;
	size_t i;
	bool again = false;
	json_array_foreach(r->referenced_tables, i, before)
		again = again || json_equal(before, reference);
	json_array_append_new(r->referenced_tables, reference);
	if (!again && t->physical != NULL)
		bill(g, ju_int64(t->resource, "numBytes", 0));
}

static const char *emit_path(struct gsql *g, struct gsql_scope *scope, const struct gsql_from *f,
			     struct gsql_names *names)
{
	const char *alias = f->alias != NULL ? f->alias : f->parts[f->part_count - 1];
	for (struct gsql_cte *c = scope->ctes; c != NULL && f->part_count == 1; c = c->next)
		if (gsql_same(c->name, f->parts[0]))
			return add_relation(g, names, c->columns, c->column_count, c->sql_name,
					    alias, f->pos);
	/* FROM t, t.items: an array of a range to the left, or of a query around this one. */
	for (const struct gsql_scope *s = scope; s != NULL && f->part_count > 1; s = s->parent) {
		if (gsql_find_range(s, f->parts[0]) == NULL)
			continue;
		struct gsql_expr path = { .kind = GSQL_X_PATH,
					  .pos = f->pos,
					  .parts = f->parts,
					  .part_count = f->part_count };
		struct gsql_from unnest = { .kind = GSQL_FROM_UNNEST,
					    .pos = f->pos,
					    .alias = alias };
		struct gsql_value v = gsql_emit_path(g, scope, &path);
		return unnest_value(g, names, &v, &unnest);
	}
	struct gsql_name name = { f->pos, f->parts, f->part_count };
	struct gsql_relation information;
	if (gsql_information_schema(g, &name, &information))
		return add_relation(g, names, information.columns, information.column_count,
				    information.sql, alias, f->pos);
	struct gsql_table t = gsql_find_source(g, &name);
	refer(g, &t);
	if (f->alias == NULL)
		alias = t.table;
	return t.physical != NULL ? add_table(g, names, &t, alias, f->pos)
				  : add_view(g, names, &t, alias, f->pos);
}

static const struct gsql_column *using_column(struct gsql *g, const struct gsql_names *names,
					      size_t from, size_t to, const char *name,
					      struct gsql_pos pos, const char *side)
{
	const struct gsql_column *found = NULL;
	for (size_t i = from; i < to; i++) {
		if (!gsql_same(names->columns[i].name, name))
			continue;
		if (found != NULL)
			gsql_fail(g, pos,
				  "Column %s in USING clause is ambiguous on %s side of join", name,
				  side);
		found = &names->columns[i];
	}
	if (found == NULL)
		gsql_fail(g, pos, "Column %s in USING clause not found on %s side of join", name,
			  side);
	return found;
}

/* The condition of USING; its columns move to the front and appear once. */
static const char *emit_using(struct gsql *g, const struct gsql_from *f, struct gsql_names *names,
			      size_t left_count)
{
	struct gsql_text condition = { 0 };
	struct gsql_column *columns = NULL;
	size_t n = 0;
	for (size_t i = 0; i < f->column_count; i++) {
		const char *name = f->columns[i];
		const struct gsql_column *l =
			using_column(g, names, 0, left_count, name, f->pos, "left");
		const struct gsql_column *r = using_column(
			g, names, left_count, names->column_count, name, f->pos, "right");
		struct gsql_value v[2] = { { .sql = l->sql, .type = l->type },
					   { .sql = r->sql, .type = r->type } };
		const struct gsql_type *t = gsql_supertype(v, 2);
		if (t == NULL)
			gsql_no_signature(g, f->pos, "operator =", v, 2);
		gsql_need_comparable(g, t, f->pos);
		v[0] = gsql_coerce(g, v[0], t);
		v[1] = gsql_coerce(g, v[1], t);
		gsql_add(g, &condition, "%s%s", i > 0 ? " AND " : "",
			 gsql_comparison(g, "=", v[0].sql, v[1].sql, t));
		struct gsql_column c = { .name = l->name,
					 .type = t,
					 .sql = f->join == GSQL_JOIN_RIGHT ? v[1].sql : v[0].sql };
		if (f->join == GSQL_JOIN_FULL)
			c.sql = gsql_printf(g, "coalesce(%s,%s)", v[0].sql, v[1].sql);
		GSQL_PUSH(g, columns, n, c);
	}
	for (size_t i = 0; i < names->column_count; i++) {
		bool merged = false;
		for (size_t j = 0; j < f->column_count; j++)
			merged = merged || gsql_same(f->columns[j], names->columns[i].name);
		if (!merged)
			GSQL_PUSH(g, columns, n, names->columns[i]);
	}
	names->columns = columns;
	names->column_count = n;
	return condition.s;
}

static const char *emit_join(struct gsql *g, struct gsql_scope *scope, const struct gsql_from *f,
			     struct gsql_names *names)
{
	static const char *const words[] = { "CROSS JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN",
					     "FULL JOIN" };
	const char *left = gsql_emit_from(g, scope, f->left, names);
	size_t left_count = names->column_count;
	const char *right = gsql_emit_from(g, scope, f->right, names);
	if (f->right->kind == GSQL_FROM_JOIN)
		right = gsql_printf(g, "(%s)", right);
	if (f->on != NULL)
		return gsql_printf(g, "%s %s %s ON %s", left, words[f->join], right,
				   gsql_emit_condition(g, scope, f->on, "JOIN ON clause"));
	if (f->columns != NULL)
		return gsql_printf(g, "%s %s %s ON %s", left, words[f->join], right,
				   emit_using(g, f, names, left_count));
	return gsql_printf(g, "%s %s %s%s", left, words[f->join], right,
			   f->join == GSQL_JOIN_CROSS ? "" : " ON 1");
}

const char *gsql_emit_from(struct gsql *g, struct gsql_scope *scope, const struct gsql_from *f,
			   struct gsql_names *names)
{
	struct gsql_relation r;
	struct gsql_value v;
	switch (f->kind) {
	case GSQL_FROM_PATH:
		return emit_path(g, scope, f, names);
	case GSQL_FROM_QUERY:
		r = gsql_emit_query(g, scope->parent, scope->ctes, f->query);
		return add_relation(g, names, r.columns, r.column_count,
				    gsql_printf(g, "(%s)", r.sql), f->alias, f->pos);
	case GSQL_FROM_UNNEST:
		v = gsql_emit_expr(g, scope, f->unnest);
		return unnest_value(g, names, &v, f);
	case GSQL_FROM_JOIN:
	default:
		return emit_join(g, scope, f, names);
	}
}
