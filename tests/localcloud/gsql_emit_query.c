/* SELECT, set operations, WITH, ORDER BY and LIMIT. */
#include "tests/localcloud/gsql_emit.h"

#include <string.h>

/* A SELECT in pieces: the query around it decides how they are put together. */
struct pieces {
	struct gsql_column *items; /* name, type, and the SQL that computes it */
	size_t count;
	const char *tail; /* FROM … HAVING */
	const char *qualify;
	bool distinct;
	struct gsql_scope scope; /* in which ORDER BY is resolved */
};

static void push_item(struct gsql *g, struct pieces *s, const char *name, struct gsql_value v)
{
	struct gsql_column c = { .name = name, .type = v.type, .sql = v.sql };
	GSQL_PUSH(g, s->items, s->count, c);
}

static bool listed(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (gsql_same(names[i], name))
			return true;
	return false;
}

static void check_star_names(struct gsql *g, const struct gsql_select_item *item,
			     const struct gsql_column *columns, size_t n)
{
	for (size_t i = 0; i < item->except_count + item->replace_count; i++) {
		bool except = i < item->except_count;
		const char *name =
			except ? item->except[i] : item->replace[i - item->except_count].name;
		bool found = false;
		for (size_t j = 0; j < n; j++)
			found = found || gsql_same(columns[j].name, name);
		if (!found)
			gsql_fail(g, item->pos, "Column %s in SELECT * %s list does not exist",
				  name, except ? "EXCEPT" : "REPLACE");
	}
}

static void expand_star(struct gsql *g, struct pieces *s, const struct gsql_select_item *item)
{
	const struct gsql_column *columns = NULL;
	size_t n = 0;
	if (item->expr == NULL) {
		if (s->scope.names->range_count == 0)
			gsql_fail(g, item->pos, "SELECT * must have a FROM clause");
		columns = s->scope.names->columns;
		n = s->scope.names->column_count;
	} else {
		const char *name = item->expr->kind == GSQL_X_PATH ? item->expr->parts[0] : "";
		const struct gsql_range *r = NULL;
		for (const struct gsql_scope *sc = &s->scope; sc != NULL && r == NULL;
		     sc = sc->parent)
			r = gsql_find_range(sc, name);
		if (r == NULL || item->expr->part_count != 1)
			gsql_fail(g, item->pos,
				  "Dot-star is supported only behind the name of a FROM item");
		columns = r->columns;
		n = r->column_count;
	}
	check_star_names(g, item, columns, n);
	for (size_t i = 0; i < n; i++) {
		struct gsql_value v = { .sql = columns[i].sql, .type = columns[i].type };
		if (listed(item->except, item->except_count, columns[i].name))
			continue;
		for (size_t j = 0; j < item->replace_count; j++)
			if (gsql_same(item->replace[j].name, columns[i].name))
				v = gsql_emit_expr(g, &s->scope, item->replace[j].expr);
		bool allowed = !s->scope.grouped;
		for (size_t j = 0; j < s->scope.group_count; j++)
			allowed = allowed || strcmp(s->scope.group[j], v.sql) == 0;
		if (!allowed)
			gsql_fail(
				g, item->pos,
				"SELECT list expression references column %s which is neither grouped nor aggregated",
				columns[i].name);
		push_item(g, s, columns[i].name, v);
	}
}

static const char *item_name(const struct gsql_select_item *item)
{
	const struct gsql_expr *e = item->expr;
	if (item->alias != NULL)
		return item->alias;
	if (e->kind == GSQL_X_PATH)
		return e->parts[e->part_count - 1];
	return e->kind == GSQL_X_FIELD ? e->text : "";
}

static void emit_items(struct gsql *g, struct pieces *s, const struct gsql_select *select)
{
	for (size_t i = 0; i < select->item_count; i++) {
		const struct gsql_select_item *item = &select->items[i];
		if (item->star) {
			expand_star(g, s, item);
			continue;
		}
		/* A bare literal NULL or '…' loses its freedom to coerce once it is a column. */
		struct gsql_value v = gsql_emit_expr(g, &s->scope, item->expr);
		push_item(g, s, item_name(item), v);
		if (item->alias != NULL) {
			struct gsql_alias a = { .name = item->alias,
						.value = { .sql = v.sql, .type = v.type } };
			GSQL_PUSH(g, s->scope.aliases, s->scope.alias_count, a);
		}
	}
}

/* GROUP BY 2, GROUP BY alias, or an expression over the FROM items. */
static struct gsql_value emit_group_key(struct gsql *g, struct gsql_scope *scope,
					const struct gsql_select *select, const struct gsql_expr *e)
{
	const struct gsql_expr *meant = e;
	int64_t ordinal;
	if (e->kind == GSQL_X_INT && gsql_parse_int(e->text, strlen(e->text), &ordinal)) {
		if (ordinal < 1 || (uint64_t)ordinal > select->item_count)
			gsql_fail(g, e->pos, "GROUP BY is out of SELECT column number range: %s",
				  e->text);
		meant = select->items[ordinal - 1].expr;
		if (select->items[ordinal - 1].star)
			gsql_fail(g, e->pos,
				  "Cannot GROUP BY the column of a star expansion by its number");
	}
	for (size_t i = 0; i < select->item_count && e->kind == GSQL_X_PATH && e->part_count == 1;
	     i++)
		if (select->items[i].alias != NULL &&
		    gsql_same(select->items[i].alias, e->parts[0]))
			meant = select->items[i].expr;
	if (gsql_has_aggregate(meant))
		gsql_fail(
			g, e->pos,
			"Column %s contains an aggregation function, which is not allowed in GROUP BY",
			e->kind == GSQL_X_PATH ? e->parts[0] : "1");
	struct gsql_value v = gsql_emit_expr(g, scope, meant);
	if (v.type->kind == GSQL_ARRAY || v.type->kind == GSQL_STRUCT || !gsql_groupable(v.type))
		gsql_fail(g, e->pos, "Grouping by expressions of type %s is not allowed",
			  gsql_type_name(g, v.type));
	return v;
}

static void emit_group(struct gsql *g, struct pieces *s, const struct gsql_select *select,
		       struct gsql_text *tail)
{
	bool aggregated = select->has_group || select->having != NULL;
	for (size_t i = 0; i < select->item_count; i++)
		aggregated = aggregated ||
			     (!select->items[i].star && gsql_has_aggregate(select->items[i].expr));
	if (!aggregated)
		return;
	const char **group = NULL;
	size_t n = 0;
	s->scope.no_window = "GROUP BY";
	for (size_t i = 0; i < select->group_count; i++) {
		struct gsql_value v = emit_group_key(g, &s->scope, select, select->group[i]);
		/* A constant would be read as an ordinal. */
		gsql_add(g, tail, "%s+(%s)", i == 0 ? " GROUP BY " : ",", v.sql);
		GSQL_PUSH(g, group, n, v.sql);
	}
	s->scope.no_window = NULL;
	s->scope.group = group;
	s->scope.group_count = n;
	s->scope.grouped = true;
}

static void need_window(struct gsql *g, const struct gsql_select *select)
{
	bool found = gsql_has_window(select->qualify);
	for (size_t i = 0; !found && i < select->item_count; i++)
		found = select->items[i].expr != NULL && gsql_has_window(select->items[i].expr);
	if (!found)
		gsql_fail(g, select->qualify->pos,
			  "The QUALIFY clause requires analytic function to be present");
}

static struct pieces emit_pieces(struct gsql *g, struct gsql_scope *parent, struct gsql_cte *ctes,
				 const struct gsql_select *select)
{
	struct pieces s = { .distinct = select->distinct };
	struct gsql_text tail = { 0 };
	s.scope = (struct gsql_scope){ .parent = parent, .ctes = ctes };
	s.scope.names = gsql_alloc(g, sizeof(*s.scope.names));
	gsql_add(g, &tail, "%s", "");
	s.scope.no_aggregate = "FROM clause";
	s.scope.no_window = "FROM clause";
	if (select->from != NULL)
		gsql_add(g, &tail, " FROM %s",
			 gsql_emit_from(g, &s.scope, select->from, s.scope.names));
	else if (select->where != NULL)
		gsql_fail(g, select->where->pos,
			  "Query without FROM clause cannot have a WHERE clause");
	s.scope.no_aggregate = "WHERE clause";
	s.scope.no_window = "WHERE clause";
	if (select->where != NULL)
		gsql_add(g, &tail, " WHERE %s",
			 gsql_emit_condition(g, &s.scope, select->where, "WHERE clause"));
	s.scope.no_aggregate = "GROUP BY";
	emit_group(g, &s, select, &tail);
	s.scope.no_aggregate = s.scope.no_window = NULL;
	emit_items(g, &s, select);
	if (select->having != NULL) {
		s.scope.no_window = "HAVING clause";
		gsql_add(g, &tail, " HAVING %s",
			 gsql_emit_condition(g, &s.scope, select->having, "HAVING clause"));
		s.scope.no_window = NULL;
	}
	if (select->qualify != NULL) {
		need_window(g, select);
		s.qualify = gsql_emit_condition(g, &s.scope, select->qualify, "QUALIFY clause");
	}
	s.tail = tail.s;
	return s;
}

static const char *item_list(struct gsql *g, const struct pieces *s)
{
	struct gsql_text t = { 0 };
	for (size_t i = 0; i < s->count; i++)
		gsql_add(g, &t, "%s%s AS \"@%zu\"", i > 0 ? "," : "", s->items[i].sql, i + 1);
	return t.s;
}

struct gsql_value gsql_column_value(const struct gsql_column *c)
{
	return (struct gsql_value){ .sql = c->sql,
				    .type = c->untyped ? gsql_type(GSQL_NULL) : c->type };
}

static struct gsql_column *output_columns(struct gsql *g, const struct gsql_column *items, size_t n)
{
	struct gsql_column *columns = gsql_alloc(g, (n + 1) * sizeof(*columns));
	for (size_t i = 0; i < n; i++) {
		columns[i] = items[i];
		columns[i].sql = gsql_printf(g, "\"@%zu\"", i + 1);
		if (columns[i].type->kind == GSQL_NULL) {
			columns[i].type = gsql_type(GSQL_INT64);
			columns[i].untyped = true;
		}
	}
	return columns;
}

/* One ORDER BY key: an output column by number or name, else (when allowed) an expression. */
static const char *order_key(struct gsql *g, const struct gsql_column *columns, size_t n,
			     struct gsql_scope *scope, const struct gsql_order *o, bool *output)
{
	const struct gsql_expr *e = o->expr;
	int64_t ordinal = 0;
	*output = true;
	if (e->kind == GSQL_X_INT && gsql_parse_int(e->text, strlen(e->text), &ordinal)) {
		if (ordinal < 1 || (uint64_t)ordinal > n)
			gsql_fail(g, e->pos, "ORDER BY is out of SELECT column number range: %s",
				  e->text);
	}
	for (size_t i = 0; i < n && ordinal == 0 && e->kind == GSQL_X_PATH && e->part_count == 1;
	     i++)
		if (gsql_same(columns[i].name, e->parts[0]))
			ordinal = (int64_t)i + 1;
	struct gsql_value v;
	if (ordinal > 0) {
		v = (struct gsql_value){ .sql = columns[ordinal - 1].sql,
					 .type = columns[ordinal - 1].type };
	} else {
		*output = false;
		v = gsql_emit_expr(g, scope, e);
	}
	if (!gsql_comparable(v.type))
		gsql_fail(g, e->pos, "ORDER BY does not support expressions of type %s",
			  gsql_type_name(g, v.type));
	return gsql_sort_key(g, v.sql, v.type);
}

static struct gsql_relation emit_select(struct gsql *g, struct gsql_scope *parent,
					struct gsql_cte *ctes, const struct gsql_select *select,
					const struct gsql_query *q)
{
	struct pieces s = emit_pieces(g, parent, ctes, select);
	struct gsql_relation r = { .column_count = s.count,
				   .columns = output_columns(g, s.items, s.count) };
	struct gsql_text order = { 0 };
	struct gsql_text hidden = { 0 };
	for (size_t i = 0; s.distinct && i < s.count; i++)
		if (!gsql_groupable(r.columns[i].type))
			gsql_fail(g, select->pos,
				  "Column %s of type %s cannot be used in SELECT DISTINCT",
				  r.columns[i].name, gsql_type_name(g, r.columns[i].type));
	gsql_add(g, &order, "%s", "");
	gsql_add(g, &hidden, "%s", "");
	for (size_t i = 0; q != NULL && i < q->order_count; i++) {
		bool output;
		const char *key =
			order_key(g, r.columns, r.column_count, &s.scope, &q->order[i], &output);
		if (!output && s.distinct)
			gsql_fail(
				g, q->order[i].expr->pos,
				"ORDER BY clause expression is not visible after SELECT DISTINCT");
		if (!output) {
			static const char collation[] =
				" COLLATE gnum"; /* which would not survive the alias */
			size_t len = strlen(key);
			bool number = len >= sizeof(collation) &&
				      strcmp(key + len - (sizeof(collation) - 1), collation) == 0;
			gsql_add(g, &hidden, ",%s AS \"@o%zu\"", key, i);
			key = gsql_printf(g, "\"@o%zu\"%s", i, number ? collation : "");
		}
		gsql_add(g, &order, "%s%s", i == 0 ? " ORDER BY " : ",",
			 gsql_emit_order(g, key, &q->order[i]));
	}
	const char *distinct = s.distinct ? "DISTINCT " : "";
	if (s.qualify == NULL && hidden.len == 0 && order.len == 0) {
		r.sql = gsql_printf(g, "SELECT %s%s%s", distinct, item_list(g, &s), s.tail);
		return r;
	}
	struct gsql_text list = { 0 };
	for (size_t i = 0; i < s.count; i++)
		gsql_add(g, &list, "%s\"@%zu\"", i > 0 ? "," : "", i + 1);
	r.sql = gsql_printf(g, "SELECT %s%s FROM (SELECT %s%s%s%s%s)%s%s", distinct, list.s,
			    item_list(g, &s), hidden.s,
			    s.qualify != NULL ? gsql_printf(g, ",%s AS \"@q\"", s.qualify) : "",
			    s.tail, "", s.qualify != NULL ? " WHERE \"@q\"" : "", order.s);
	return r;
}

static struct gsql_relation emit_body(struct gsql *g, struct gsql_scope *parent,
				      struct gsql_cte *ctes, const struct gsql_body *b);

static struct gsql_relation emit_set_operation(struct gsql *g, struct gsql_scope *parent,
					       struct gsql_cte *ctes, const struct gsql_body *b)
{
	struct gsql_relation *inputs = gsql_alloc(g, b->input_count * sizeof(*inputs));
	struct gsql_value *v = gsql_alloc(g, b->input_count * sizeof(*v));
	for (size_t i = 0; i < b->input_count; i++) {
		inputs[i] = emit_body(g, parent, ctes, b->inputs[i]);
		if (inputs[i].column_count != inputs[0].column_count)
			gsql_fail(
				g, b->inputs[i]->pos,
				"Queries in %s have mismatched column count; query 1 has %zu columns, "
				"query %zu has %zu columns",
				b->operator, inputs[0].column_count, i + 1, inputs[i].column_count);
	}
	struct gsql_relation r = inputs[0];
	struct gsql_text *lists = gsql_alloc(g, b->input_count * sizeof(*lists));
	r.columns = output_columns(g, inputs[0].columns, r.column_count);
	for (size_t c = 0; c < r.column_count; c++) {
		for (size_t i = 0; i < b->input_count; i++)
			v[i] = gsql_column_value(&inputs[i].columns[c]);
		const struct gsql_type *t = gsql_supertype(v, b->input_count);
		if (t == NULL)
			gsql_fail(g, b->pos, "Column %zu in %s has incompatible types: %s, %s",
				  c + 1, b->operator, gsql_type_name(g, v[0].type),
				  gsql_type_name(g, v[1].type));
		if (strcmp(b->operator, "UNION ALL") != 0 && !gsql_groupable(t))
			gsql_fail(
				g, b->pos,
				"Column %zu in %s DISTINCT has type that does not support set operation comparisons: %s",
				c + 1, b->operator, gsql_type_name(g, t));
		r.columns[c].untyped = t->kind == GSQL_NULL;
		r.columns[c].type = r.columns[c].untyped ? gsql_type(GSQL_INT64) : t;
		for (size_t i = 0; i < b->input_count; i++)
			gsql_add(g, &lists[i], "%s%s AS \"@%zu\"", c > 0 ? "," : "",
				 gsql_coerce(g, v[i], t).sql, c + 1);
	}
	struct gsql_text s = { 0 };
	for (size_t i = 0; i < b->input_count; i++)
		gsql_add(g, &s, "%s%s%sSELECT %s FROM (%s)", i > 0 ? " " : "", i > 0 ? b->operator : "", i > 0 ? " " : "",
		    lists[i].s, inputs[i].sql);
	r.sql = s.s;
	return r;
}

static struct gsql_relation emit_body(struct gsql *g, struct gsql_scope *parent,
				      struct gsql_cte *ctes, const struct gsql_body *b)
{
	if (b->select != NULL)
		return emit_select(g, parent, ctes, b->select, NULL);
	if (b->query != NULL)
		return gsql_emit_query(g, parent, ctes, b->query);
	return emit_set_operation(g, parent, ctes, b);
}

static const char *emit_with(struct gsql *g, struct gsql_scope *parent, struct gsql_cte **ctes,
			     const struct gsql_query *q)
{
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "%s", "");
	for (size_t i = 0; i < q->with_count; i++) {
		for (size_t j = 0; j < i; j++)
			if (gsql_same(q->with[j].name, q->with[i].name))
				gsql_fail(g, q->with[i].pos, "Duplicate alias %s for WITH subquery",
					  q->with[i].name);
		struct gsql_relation r = gsql_emit_query(g, parent, *ctes, q->with[i].query);
		struct gsql_cte *cte = gsql_alloc(g, sizeof(*cte));
		cte->name = q->with[i].name;
		cte->sql_name = gsql_printf(g, "\"@with%u\"", g->next_name++);
		cte->columns = r.columns;
		cte->column_count = r.column_count;
		cte->next = *ctes;
		*ctes = cte;
		gsql_add(g, &s, "%s%s AS MATERIALIZED (%s)", i == 0 ? "WITH " : ",", cte->sql_name,
			 r.sql);
	}
	gsql_add(g, &s, "%s", q->with_count > 0 ? " " : "");
	return s.s;
}

static const char *emit_limit(struct gsql *g, const struct gsql_expr *e, const char *word)
{
	int64_t n = -1;
	struct gsql_value v = { 0 };
	if (e->kind == GSQL_X_PARAM)
		v = gsql_parameter(g, e);
	else if (e->kind == GSQL_X_INT)
		v = gsql_literal(g, e);
	if (v.sql == NULL || v.type->kind != GSQL_INT64)
		gsql_fail(g, e->pos, "Syntax error: Expected integer literal or parameter after %s",
			  word);
	if (e->kind == GSQL_X_INT && gsql_parse_int(e->text, strlen(e->text), &n) && n < 0)
		gsql_fail(g, e->pos, "%s expects a non-negative integer", word);
	return v.sql;
}

struct gsql_relation gsql_emit_query(struct gsql *g, struct gsql_scope *parent,
				     struct gsql_cte *ctes, const struct gsql_query *q)
{
	const char *with = emit_with(g, parent, &ctes, q);
	struct gsql_relation r;
	if (q->body->select != NULL) {
		r = emit_select(g, parent, ctes, q->body->select, q);
	} else {
		r = emit_body(g, parent, ctes, q->body);
		struct gsql_text s = { 0 };
		struct gsql_range range = { .name = "",
					    .columns = r.columns,
					    .column_count = r.column_count };
		struct gsql_range *ranges[] = { &range };
		struct gsql_names names = { ranges, 1, r.columns, r.column_count };
		struct gsql_scope scope = { .parent = parent, .names = &names, .ctes = ctes };
		gsql_add(g, &s, "SELECT * FROM (%s)", r.sql);
		for (size_t i = 0; i < q->order_count; i++) {
			bool output;
			const char *key = order_key(g, r.columns, r.column_count, &scope,
						    &q->order[i], &output);
			gsql_add(g, &s, "%s%s", i == 0 ? " ORDER BY " : ",",
				 gsql_emit_order(g, key, &q->order[i]));
		}
		r.sql = s.s;
	}
	if (q->limit != NULL)
		r.sql = gsql_printf(g, "%s LIMIT %s%s%s", r.sql, emit_limit(g, q->limit, "LIMIT"),
				    q->offset != NULL ? " OFFSET " : "",
				    q->offset != NULL ? emit_limit(g, q->offset, "OFFSET") : "");
	r.sql = gsql_printf(g, "%s%s", with, r.sql);
	return r;
}
