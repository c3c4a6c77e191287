/* Operators, comparisons and CASE. */
#include "tests/localcloud/gsql_emit.h"

#include <string.h>

static struct gsql_value boolean(const char *sql)
{
	return (struct gsql_value){ .sql = sql, .type = gsql_type(GSQL_BOOL) };
}

bool gsql_comparable(const struct gsql_type *t)
{
	return t->kind != GSQL_ARRAY && t->kind != GSQL_STRUCT && t->kind != GSQL_JSON &&
	       t->kind != GSQL_GEOGRAPHY;
}

void gsql_need_comparable(struct gsql *g, const struct gsql_type *t, struct gsql_pos pos)
{
	if (!gsql_comparable(t))
		gsql_fail(g, pos, "Equality is not defined for arguments of type %s",
			  gsql_type_name(g, t));
}

bool gsql_groupable(const struct gsql_type *t)
{
	if (t->kind == GSQL_ARRAY)
		return gsql_groupable(t->element);
	for (size_t i = 0; t->kind == GSQL_STRUCT && i < t->field_count; i++)
		if (!gsql_groupable(t->fields[i].type))
			return false;
	return t->kind != GSQL_JSON && t->kind != GSQL_GEOGRAPHY;
}

/* Brings both sides to one type, or refuses the operator. */
static const struct gsql_type *common(struct gsql *g, const char *operator, struct gsql_value * v,
				      size_t n, struct gsql_pos pos)
{
	const struct gsql_type *t = gsql_supertype(v, n);
	if (t == NULL)
		gsql_no_signature(g, pos, gsql_printf(g, "operator %s", operator), v, n);
	gsql_need_comparable(g, t, pos);
	for (size_t i = 0; i < n; i++)
		v[i] = gsql_coerce(g, v[i], t);
	return t;
}

static bool is_comparison(const char *op)
{
	return op[0] == '=' || op[0] == '>' || (op[0] == '<' && op[1] != '<');
}

/* GoogleSQL takes no NULL that stands there as such, but beside AND and OR. */
static void need_no_null(struct gsql *g, const struct gsql_expr *e)
{
	for (size_t i = 0; i < e->arg_count; i++)
		if (e->args[i]->kind == GSQL_X_NULL)
			gsql_fail(g, e->args[i]->pos, "Operands of %s cannot be literal NULL",
				  e->text);
}

static struct gsql_value emit_logic(struct gsql *g, struct gsql_scope *scope,
				    const struct gsql_expr *e)
{
	const char *sql[2] = { 0 };
	for (size_t i = 0; i < e->arg_count; i++) {
		struct gsql_value v = gsql_emit_expr(g, scope, e->args[i]);
		if (v.type->kind != GSQL_BOOL && v.type->kind != GSQL_NULL)
			gsql_no_signature(g, e->args[i]->pos,
					  gsql_printf(g, "operator %s", e->text), &v, 1);
		sql[i] = v.sql;
	}
	if (e->arg_count == 1)
		return boolean(gsql_printf(g, "(NOT %s)", sql[0]));
	return boolean(gsql_printf(g, "(%s %s %s)", sql[0], e->text, sql[1]));
}

struct gsql_value gsql_emit_operator(struct gsql *g, struct gsql_scope *scope,
				     const struct gsql_expr *e)
{
	if (strcmp(e->text, "AND") == 0 || strcmp(e->text, "OR") == 0)
		return emit_logic(g, scope, e);
	need_no_null(g, e);
	if (strcmp(e->text, "NOT") == 0)
		return emit_logic(g, scope, e);
	struct gsql_value v[2];
	for (size_t i = 0; i < e->arg_count; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[i]);
	if (is_comparison(e->text)) {
		const struct gsql_type *t = common(g, e->text, v, 2, e->pos);
		return boolean(gsql_comparison(g, e->text, v[0].sql, v[1].sql, t));
	}
	struct gsql_value result;
	const char *name = e->arg_count == 1 ? gsql_printf(g, "unary %s", e->text) : e->text;
	if (!gsql_apply(g, name, v, e->arg_count, &result))
		gsql_no_signature(g, e->pos, gsql_printf(g, "operator %s", e->text), v,
				  e->arg_count);
	if (e->negated)
		result.sql = gsql_printf(g, "(NOT %s)", result.sql);
	return result;
}

struct gsql_value gsql_emit_is(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e)
{
	struct gsql_value v[2];
	const char *not = e->negated ? "NOT " : "";
	v[0] = gsql_emit_expr(g, scope, e->args[0]);
	if (strcmp(e->text, "NULL") == 0)
		return boolean(gsql_printf(g, "(%s IS %sNULL)", v[0].sql, not ));
	if (e->arg_count == 2) {
		v[1] = gsql_emit_expr(g, scope, e->args[1]);
		const struct gsql_type *t = common(g, "IS DISTINCT FROM", v, 2, e->pos);
		/* IS of SQLite is "is not distinct from"; NaN is like NaN here, which its key says. */
		return boolean(gsql_printf(g, "(%s IS %s%s)", gsql_sort_key(g, v[0].sql, t),
					   e->negated ? "" : "NOT ",
					   gsql_sort_key(g, v[1].sql, t)));
	}
	if (v[0].type->kind != GSQL_BOOL && v[0].type->kind != GSQL_NULL)
		gsql_no_signature(g, e->pos, gsql_printf(g, "operator IS %s", e->text), v, 1);
	return boolean(gsql_printf(g, "(%s IS %s%d)", v[0].sql, not, e->text[0] == 'T'));
}

struct gsql_value gsql_emit_between(struct gsql *g, struct gsql_scope *scope,
				    const struct gsql_expr *e)
{
	struct gsql_value v[3];
	for (size_t i = 0; i < 3; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[i]);
	const struct gsql_type *t = common(g, "BETWEEN", v, 3, e->pos);
	return boolean(gsql_printf(g, "(%s(%s AND %s))", e->negated ? "NOT " : "",
				   gsql_comparison(g, ">=", v[0].sql, v[1].sql, t),
				   gsql_comparison(g, "<=", v[0].sql, v[2].sql, t)));
}

/* IN compares with SQLite's =, which is right for all cells but those of INTERVAL. */
static const char *in_key(struct gsql *g, const char *sql, const struct gsql_type *t)
{
	return t->kind == GSQL_INTERVAL ? gsql_sort_key(g, sql, t) : sql;
}

static const char *in_query(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
			    struct gsql_value *left)
{
	struct gsql_relation r = gsql_emit_query(g, scope, scope->ctes, e->query);
	if (r.column_count != 1)
		gsql_fail(g, e->pos, "Subquery of type IN must have only one output column");
	struct gsql_value v[2] = { *left, { .sql = "\"@1\"", .type = r.columns[0].type } };
	const struct gsql_type *t = common(g, "IN", v, 2, e->pos);
	left->sql = in_key(g, v[0].sql, t);
	return gsql_printf(g, "SELECT %s FROM (%s)", in_key(g, v[1].sql, t), r.sql);
}

static const char *in_unnest(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
			     struct gsql_value *left)
{
	struct gsql_value array = gsql_emit_expr(g, scope, e->args[1]);
	if (array.type->kind != GSQL_ARRAY)
		gsql_fail(
			g, e->args[1]->pos,
			"Values referenced in UNNEST must be arrays. UNNEST contains expression of type %s",
			gsql_type_name(g, array.type));
	struct gsql_value v[2] = { *left, { .type = array.type->element } };
	v[1].sql = gsql_decode(g, "value", array.type->element);
	const struct gsql_type *t = common(g, "IN", v, 2, e->pos);
	left->sql = in_key(g, v[0].sql, t);
	return gsql_printf(g, "SELECT %s FROM json_each(%s)", in_key(g, v[1].sql, t), array.sql);
}

struct gsql_value gsql_emit_in(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e)
{
	struct gsql_value left = gsql_emit_expr(g, scope, e->args[0]);
	const char *in = e->negated ? "NOT IN" : "IN";
	const char *list;
	if (e->query != NULL) {
		list = in_query(g, scope, e, &left);
	} else if (e->unnest) {
		list = in_unnest(g, scope, e, &left);
	} else {
		struct gsql_value *v = gsql_alloc(g, e->arg_count * sizeof(*v));
		v[0] = left;
		for (size_t i = 1; i < e->arg_count; i++)
			v[i] = gsql_emit_expr(g, scope, e->args[i]);
		const struct gsql_type *t = common(g, "IN", v, e->arg_count, e->pos);
		struct gsql_text s = { 0 };
		for (size_t i = 1; i < e->arg_count; i++)
			gsql_add(g, &s, "%s%s", i > 1 ? "," : "", in_key(g, v[i].sql, t));
		left.sql = in_key(g, v[0].sql, t);
		list = s.s;
	}
	return boolean(gsql_printf(g, "(%s %s (%s))", left.sql, in, list));
}

/* The values after THEN and ELSE, brought to their common type. */
static const struct gsql_type *case_results(struct gsql *g, struct gsql_scope *scope,
					    const struct gsql_expr *e, struct gsql_value *v,
					    size_t *count)
{
	size_t first = e->has_operand ? 1 : 0;
	size_t whens = (e->arg_count - first) / 2;
	for (size_t i = 0; i < whens; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[first + 2 * i + 1]);
	*count = whens;
	if (e->has_else)
		v[(*count)++] = gsql_emit_expr(g, scope, e->args[e->arg_count - 1]);
	const struct gsql_type *t = gsql_supertype(v, *count);
	if (t == NULL)
		gsql_no_signature(g, e->pos, "operator CASE", v, *count);
	for (size_t i = 0; i < *count; i++)
		v[i] = gsql_coerce(g, v[i], t);
	return t;
}

struct gsql_value gsql_emit_case(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e)
{
	struct gsql_value *results = gsql_alloc(g, e->arg_count * sizeof(*results));
	size_t count;
	const struct gsql_type *type = case_results(g, scope, e, results, &count);
	size_t first = e->has_operand ? 1 : 0;
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "(CASE");
	for (size_t i = 0; i < (e->arg_count - first) / 2; i++) {
		const struct gsql_expr *when = e->args[first + 2 * i];
		const char *condition;
		if (e->has_operand) {
			struct gsql_value v[2] = { gsql_emit_expr(g, scope, e->args[0]),
						   gsql_emit_expr(g, scope, when) };
			const struct gsql_type *t = common(g, "CASE", v, 2, e->pos);
			condition = gsql_comparison(g, "=", v[0].sql, v[1].sql, t);
		} else {
			condition = gsql_emit_condition(g, scope, when, "CASE WHEN condition");
		}
		gsql_add(g, &s, " WHEN %s THEN %s", condition, results[i].sql);
	}
	if (e->has_else)
		gsql_add(g, &s, " ELSE %s", results[count - 1].sql);
	gsql_add(g, &s, " END)");
	return (struct gsql_value){ .sql = s.s, .type = type };
}
