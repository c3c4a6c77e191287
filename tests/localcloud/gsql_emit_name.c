/* What a name means: columns, aliases of the select list, ranges as STRUCTs, fields. */
#include "tests/localcloud/gsql_emit.h"

#include <string.h>

const struct gsql_range *gsql_find_range(const struct gsql_scope *scope, const char *name)
{
	for (size_t i = 0; scope->names != NULL && i < scope->names->range_count; i++)
		if (gsql_same(scope->names->ranges[i]->name, name))
			return scope->names->ranges[i];
	return NULL;
}

static const struct gsql_column *find_in(const struct gsql_column *columns, size_t n,
					 const char *name, size_t *hits)
{
	const struct gsql_column *found = NULL;
	*hits = 0;
	for (size_t i = 0; i < n; i++) {
		if (!gsql_same(columns[i].name, name))
			continue;
		found = &columns[i];
		++*hits;
	}
	return found;
}

struct gsql_value gsql_make_struct(struct gsql *g, const struct gsql_column *columns, size_t n)
{
	struct gsql_text s = { 0 };
	struct gsql_field *fields = NULL;
	size_t count = 0;
	gsql_add(g, &s, "json_object(");
	for (size_t i = 0; i < n; i++) {
		struct gsql_field f = { .name = columns[i].name, .type = columns[i].type };
		GSQL_PUSH(g, fields, count, f);
		gsql_add(g, &s, "%s%s,%s", i > 0 ? "," : "", gsql_quote(g, f.name, strlen(f.name)),
			 gsql_encode(g, columns[i].sql, f.type));
	}
	gsql_add(g, &s, ")");
	return (struct gsql_value){ .sql = s.s, .type = gsql_struct_of(g, fields, count) };
}

static struct gsql_value from_column(struct gsql *g, const struct gsql_scope *scope,
				     const struct gsql_column *c, const struct gsql_expr *e)
{
	if (scope->grouped && !scope->unchecked)
		gsql_fail(
			g, e->pos,
			"SELECT list expression references column %s which is neither grouped nor aggregated",
			c->name);
	return (struct gsql_value){ .sql = c->sql, .type = c->type };
}

/* t.column: -1 nothing of that kind here, else the number of names used. */
static int from_range(struct gsql *g, const struct gsql_scope *scope, const struct gsql_expr *e,
		      struct gsql_value *ret)
{
	const struct gsql_range *r = gsql_find_range(scope, e->parts[0]);
	size_t hits;
	if (r == NULL)
		return -1;
	if (r->value) {
		*ret = from_column(g, scope, &r->columns[0], e);
		return 1;
	}
	if (e->part_count == 1) {
		if (scope->grouped && !scope->unchecked)
			gsql_fail(
				g, e->pos,
				"SELECT list expression references %s which is neither grouped nor aggregated",
				r->name);
		*ret = gsql_make_struct(g, r->columns, r->column_count);
		return 1;
	}
	const struct gsql_column *c = find_in(r->columns, r->column_count, e->parts[1], &hits);
	if (c == NULL)
		c = find_in(r->pseudo, r->pseudo_count, e->parts[1], &hits);
	if (c == NULL)
		gsql_fail(g, e->pos, "Name %s not found inside %s", e->parts[1], r->name);
	if (hits > 1)
		gsql_fail(g, e->pos, "Column name %s is ambiguous", e->parts[1]);
	*ret = from_column(g, scope, c, e);
	return 2;
}

static int from_names(struct gsql *g, const struct gsql_scope *scope, const struct gsql_expr *e,
		      struct gsql_value *ret)
{
	const struct gsql_names *names = scope->names;
	size_t hits;
	if (names == NULL)
		return -1;
	const struct gsql_column *c =
		find_in(names->columns, names->column_count, e->parts[0], &hits);
	for (size_t i = 0; c == NULL && i < names->range_count; i++)
		c = find_in(names->ranges[i]->pseudo, names->ranges[i]->pseudo_count, e->parts[0],
			    &hits);
	if (c == NULL)
		return -1;
	if (hits > 1)
		gsql_fail(g, e->pos, "Column name %s is ambiguous", e->parts[0]);
	*ret = from_column(g, scope, c, e);
	return 1;
}

static int from_aliases(struct gsql *g, const struct gsql_scope *scope, const struct gsql_expr *e,
			struct gsql_value *ret)
{
	int found = -1;
	if (scope->in_aggregate) /* an alias may itself hold an aggregate; the column below it is meant */
		return -1;
	for (size_t i = 0; i < scope->alias_count; i++) {
		if (!gsql_same(scope->aliases[i].name, e->parts[0]))
			continue;
		if (found == 1)
			gsql_fail(g, e->pos, "Column name %s is ambiguous", e->parts[0]);
		*ret = scope->aliases[i].value;
		found = 1;
	}
	return found;
}

/* CURRENT_DATE and its like may go without parentheses. */
static bool is_current(const struct gsql_expr *e)
{
	static const char *const names[] = { "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME",
					     "CURRENT_TIMESTAMP" };
	for (size_t i = 0; i < 4; i++)
		if (e->part_count == 1 && gsql_same(e->parts[0], names[i]))
			return true;
	return false;
}

static _Noreturn void unknown(struct gsql *g, const struct gsql_expr *e)
{
	const char *name = e->parts[0];
	if (gsql_same(name, "_PARTITIONTIME") || gsql_same(name, "_PARTITIONDATE"))
		gsql_fail(g, e->pos,
			  "Unrecognized name: %s; the table is not partitioned by ingestion time",
			  name);
	gsql_fail(g, e->pos, "Unrecognized name: %s", name);
}

struct gsql_value gsql_emit_path(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e)
{
	struct gsql_value v = { 0 };
	int used = -1;
	for (struct gsql_scope *s = scope; s != NULL && used < 0; s = s->parent) {
		used = from_aliases(g, s, e, &v);
		/* In S.id the S is a FROM item before it is a column. */
		if (used < 0 && e->part_count > 1)
			used = from_range(g, s, e, &v);
		if (used < 0)
			used = from_names(g, s, e, &v);
		if (used < 0)
			used = from_range(g, s, e, &v);
	}
	if (used < 0 && is_current(e)) {
		struct gsql_expr call = { .kind = GSQL_X_CALL, .pos = e->pos, .text = e->parts[0] };
		return gsql_emit_call(g, scope, &call);
	}
	if (used < 0)
		unknown(g, e);
	for (size_t i = (size_t)used; i < e->part_count; i++)
		v = gsql_field_of(g, v, e->parts[i], e->pos);
	return v;
}
