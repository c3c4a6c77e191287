/* Aggregate and window functions. */
#include "tests/localcloud/gsql_emit.h"

#include <string.h>

static const char *const aggregates[] = { "COUNT",       "SUM",        "AVG",
					  "MIN",         "MAX",        "COUNTIF",
					  "ANY_VALUE",   "STRING_AGG", "ARRAY_AGG",
					  "LOGICAL_AND", "LOGICAL_OR", "BIT_XOR",
					  "BIT_AND",     "BIT_OR",     "APPROX_COUNT_DISTINCT" };

bool gsql_is_aggregate(const char *name)
{
	for (size_t i = 0; i < sizeof(aggregates) / sizeof(aggregates[0]); i++)
		if (gsql_same(aggregates[i], name))
			return true;
	return false;
}

bool gsql_has_aggregate(const struct gsql_expr *e)
{
	if (e->kind == GSQL_X_CALL && e->over == NULL && gsql_is_aggregate(e->text))
		return true;
	for (size_t i = 0; i < e->arg_count; i++)
		if (gsql_has_aggregate(e->args[i]))
			return true;
	for (size_t i = 0; e->over != NULL && i < e->over->partition_count; i++)
		if (gsql_has_aggregate(e->over->partition[i]))
			return true;
	for (size_t i = 0; e->over != NULL && i < e->over->order_count; i++)
		if (gsql_has_aggregate(e->over->order[i].expr))
			return true;
	return false;
}

bool gsql_has_window(const struct gsql_expr *e)
{
	if (e->over != NULL)
		return true;
	for (size_t i = 0; i < e->arg_count; i++)
		if (gsql_has_window(e->args[i]))
			return true;
	return false;
}

static _Noreturn void refuse(struct gsql *g, const struct gsql_expr *e, const struct gsql_value *v)
{
	gsql_no_signature(g, e->pos, gsql_printf(g, "aggregate function %s", e->text), v,
			  e->arg_count);
}

/* STRING_AGG and ARRAY_AGG collect, order and cut inside one SQLite function, which has no ORDER BY of its own. */
static struct gsql_value emit_collect(struct gsql *g, struct gsql_scope *scope,
				      const struct gsql_expr *e, struct gsql_value *v)
{
	bool array = gsql_same(e->text, "ARRAY_AGG");
	struct gsql_value result = { .type = v[0].type };
	const char *value = v[0].sql;
	const char *separator = e->arg_count > 1 ? v[1].sql : "','";
	if (!array && v[0].type->kind != GSQL_STRING)
		refuse(g, e, v);
	if (array && v[0].type->kind == GSQL_ARRAY)
		gsql_fail(g, e->pos, "The argument to ARRAY_AGG must not be an array type");
	struct gsql_text keys = { 0 };
	struct gsql_text directions = { 0 };
	gsql_add(g, &keys, "%s", "");
	gsql_add(g, &directions, "%s", "");
	for (size_t i = 0; i < e->order_count; i++) {
		struct gsql_value k = gsql_emit_expr(g, scope, e->order[i].expr);
		bool number = k.type->kind == GSQL_NUMERIC || k.type->kind == GSQL_BIGNUMERIC;
		bool first =
			e->order[i].nulls == 0 ? !e->order[i].descending : e->order[i].nulls > 0;
		gsql_add(g, &keys, ",%s", number ? k.sql : gsql_sort_key(g, k.sql, k.type));
		gsql_add(g, &directions, "%c%c%c", e->order[i].descending ? 'd' : 'a',
			 first ? 'f' : 'l', number ? 'n' : '-');
	}
	const char *limit = e->limit == NULL ? "-1" : gsql_emit_expr(g, scope, e->limit).sql;
	if (array) {
		value = gsql_printf(g, "json_quote(%s)", gsql_encode(g, value, v[0].type));
		if (e->ignore_nulls)
			value = gsql_printf(g, "(CASE WHEN %s IS NOT NULL THEN %s END)", v[0].sql,
					    value);
		result.type = gsql_array_of(g, v[0].type);
	}
	result.sql = gsql_printf(g, "g_collect('%c',%d,%s,'%s',%s,%s%s)", array ? 'A' : 'S',
				 e->distinct, limit, directions.s, separator, value, keys.s);
	/* An array that is stored or returned may not hold NULL; BigQuery says so at the end, we at once. */
	return result;
}

static struct gsql_value emit_number(struct gsql *g, const struct gsql_expr *e,
				     const struct gsql_value *v, const char *distinct)
{
	enum gsql_kind kind = v[0].type->kind == GSQL_NULL ? GSQL_INT64 : v[0].type->kind;
	bool average = gsql_same(e->text, "AVG");
	if (!gsql_is_number(kind))
		refuse(g, e, v);
	if (average && kind == GSQL_INT64)
		kind = GSQL_FLOAT64;
	struct gsql_value result = { .type = gsql_type(kind) };
	if (kind == GSQL_INT64)
		result.sql = gsql_printf(g, "sum(%s%s)", distinct, v[0].sql);
	else
		result.sql = gsql_printf(g, "g_%s_%c(%s%s)", average ? "avg" : "sum",
					 kind == GSQL_FLOAT64   ? 'f'
					 : kind == GSQL_NUMERIC ? 'n'
								: 'g',
					 distinct, v[0].sql);
	return result;
}

static struct gsql_value emit_extreme(struct gsql *g, const struct gsql_expr *e,
				      const struct gsql_value *v)
{
	struct gsql_value result = { .type = v[0].type };
	bool any = gsql_same(e->text, "ANY_VALUE");
	enum gsql_kind kind = v[0].type->kind;
	const char *function = gsql_same(e->text, "MAX") ? "max" : "min";
	/* The greatest of g_ikey would be a number, not an interval. */
	if (!any && (!gsql_comparable(v[0].type) || kind == GSQL_INTERVAL))
		refuse(g, e, v);
	if (kind == GSQL_FLOAT64)
		result.sql = gsql_printf(g, "g_unkey(%s(g_fkey(%s)))", function, v[0].sql);
	else
		result.sql = gsql_printf(g, "%s(%s)", function,
					 any ? v[0].sql : gsql_sort_key(g, v[0].sql, v[0].type));
	return result;
}

/* The call without OVER; its arguments are emitted already. */
static struct gsql_value emit_call(struct gsql *g, struct gsql_scope *scope,
				   const struct gsql_expr *e, struct gsql_value *v)
{
	const char *distinct = e->distinct ? "DISTINCT " : "";
	struct gsql_value result = { .type = gsql_type(GSQL_INT64) };
	bool collects = gsql_same(e->text, "STRING_AGG") || gsql_same(e->text, "ARRAY_AGG");
	if (e->star && !gsql_same(e->text, "COUNT"))
		gsql_fail(g, e->pos, "Only COUNT takes *: %s", e->text);
	if (!e->star && e->arg_count != 1 &&
	    !(gsql_same(e->text, "STRING_AGG") && e->arg_count == 2))
		gsql_fail(g, e->pos, "Number of arguments does not match for aggregate function %s",
			  e->text);
	if (!collects && (e->order != NULL || e->limit != NULL || e->ignore_nulls))
		gsql_fail(g, e->pos,
			  "ORDER BY, LIMIT and IGNORE NULLS in arguments are not supported for %s",
			  e->text);
	if ((e->distinct || gsql_same(e->text, "APPROX_COUNT_DISTINCT")) &&
	    !gsql_groupable(v[0].type))
		gsql_fail(
			g, e->pos,
			"Aggregate functions with DISTINCT cannot be used with arguments of type %s",
			gsql_type_name(g, v[0].type));
	if (collects)
		return emit_collect(g, scope, e, v);
	if (e->star) {
		result.sql = "count(*)";
	} else if (gsql_same(e->text, "COUNT")) {
		result.sql = gsql_printf(g, "count(%s%s)", distinct, v[0].sql);
	} else if (gsql_same(e->text, "APPROX_COUNT_DISTINCT")) {
		result.sql = gsql_printf(g, "count(DISTINCT %s)", v[0].sql);
	} else if (gsql_same(e->text, "SUM") || gsql_same(e->text, "AVG")) {
		return emit_number(g, e, v, distinct);
	} else if (strncmp(e->text, "BIT_", 4) == 0) {
		if (v[0].type->kind != GSQL_INT64)
			refuse(g, e, v);
		result.sql = gsql_printf(g, "g_%s(%s%s)", e->text, distinct, v[0].sql);
	} else if (gsql_same(e->text, "COUNTIF") || strncmp(e->text, "LOGICAL_", 8) == 0) {
		if (v[0].type->kind != GSQL_BOOL && v[0].type->kind != GSQL_NULL)
			refuse(g, e, v);
		bool count = e->text[0] == 'C';
		const char *function = gsql_same(e->text, "LOGICAL_AND") ? "min" : "max";
		result.sql = count ? gsql_printf(g, "count(CASE WHEN %s THEN 1 END)", v[0].sql)
				   : gsql_printf(g, "%s(%s)", function, v[0].sql);
		result.type = gsql_type(count ? GSQL_INT64 : GSQL_BOOL);
	} else {
		return emit_extreme(g, e, v);
	}
	return result;
}

struct gsql_value gsql_emit_aggregate(struct gsql *g, struct gsql_scope *scope,
				      const struct gsql_expr *e)
{
	if (scope->no_aggregate != NULL)
		gsql_fail(g, e->pos, "Aggregate function %s not allowed in %s", e->text,
			  scope->no_aggregate);
	if (scope->in_aggregate)
		gsql_fail(g, e->pos, "Aggregations of aggregations are not allowed");
	struct gsql_value *v = gsql_alloc(g, (e->arg_count + 1) * sizeof(*v));
	bool unchecked = scope->unchecked;
	scope->in_aggregate = true;
	scope->unchecked = true;
	for (size_t i = 0; i < e->arg_count; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[i]);
	struct gsql_value result = emit_call(g, scope, e, v);
	scope->in_aggregate = false;
	scope->unchecked = unchecked;
	return result;
}

/* Functions that exist only with OVER: their SQLite spelling is the same. */
static struct gsql_value emit_navigation(struct gsql *g, const struct gsql_expr *e,
					 struct gsql_value *v)
{
	static const struct {
		const char *name;
		size_t min, max;
		enum gsql_kind kind; /* NULL: that of the first argument */
		bool ordered;        /* means nothing without ORDER BY */
	} functions[] = { { "ROW_NUMBER", 0, 0, GSQL_INT64, false },
			  { "RANK", 0, 0, GSQL_INT64, true },
			  { "DENSE_RANK", 0, 0, GSQL_INT64, true },
			  { "PERCENT_RANK", 0, 0, GSQL_FLOAT64, true },
			  { "CUME_DIST", 0, 0, GSQL_FLOAT64, true },
			  { "NTILE", 1, 1, GSQL_INT64, true },
			  { "LAG", 1, 3, GSQL_NULL, true },
			  { "LEAD", 1, 3, GSQL_NULL, true },
			  { "FIRST_VALUE", 1, 1, GSQL_NULL, false },
			  { "LAST_VALUE", 1, 1, GSQL_NULL, false },
			  { "NTH_VALUE", 2, 2, GSQL_NULL, false } };
	struct gsql_value result = { 0 };
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (!gsql_same(functions[i].name, e->text))
			continue;
		if (e->arg_count < functions[i].min || e->arg_count > functions[i].max)
			gsql_fail(g, e->pos,
				  "Number of arguments does not match for analytic function %s",
				  e->text);
		if (e->ignore_nulls)
			gsql_fail(g, e->pos, "IGNORE NULLS is not supported for %s", e->text);
		if (functions[i].ordered && e->over->order == NULL)
			gsql_fail(g, e->pos, "Window ORDER BY is required for analytic function %s",
				  e->text);
		struct gsql_text s = { 0 };
		gsql_add(g, &s, "%s(", e->text);
		result.type =
			functions[i].kind == GSQL_NULL ? v[0].type : gsql_type(functions[i].kind);
		if (e->arg_count == 3 && gsql_coerce_cost(&v[2], result.type) < 0)
			gsql_no_signature(g, e->pos,
					  gsql_printf(g, "analytic function %s", e->text), v, 3);
		if (e->arg_count == 3)
			v[2] = gsql_coerce(g, v[2], result.type);
		for (size_t j = 0; j < e->arg_count; j++)
			gsql_add(g, &s, "%s%s", j > 0 ? "," : "", v[j].sql);
		gsql_add(g, &s, ")");
		result.sql = s.s;
		return result;
	}
	gsql_fail(g, e->pos, "Analytic function not found or not supported: %s", e->text);
}

static const char *window_text(struct gsql *g, struct gsql_scope *scope,
			       const struct gsql_window *w)
{
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "OVER (");
	for (size_t i = 0; i < w->partition_count; i++) {
		struct gsql_value v = gsql_emit_expr(g, scope, w->partition[i]);
		if (!gsql_groupable(v.type) || v.type->kind == GSQL_FLOAT64)
			gsql_fail(g, w->partition[i]->pos,
				  "Partitioning by expressions of type %s is not allowed",
				  gsql_type_name(g, v.type));
		gsql_add(g, &s, "%s%s", i == 0 ? "PARTITION BY " : ",", v.sql);
	}
	for (size_t i = 0; i < w->order_count; i++) {
		struct gsql_value v = gsql_emit_expr(g, scope, w->order[i].expr);
		if (!gsql_comparable(v.type))
			gsql_fail(g, w->order[i].expr->pos,
				  "Ordering by expressions of type %s is not allowed",
				  gsql_type_name(g, v.type));
		gsql_add(g, &s, "%s%s", i == 0 ? " ORDER BY " : ",",
			 gsql_emit_order(g, gsql_sort_key(g, v.sql, v.type), &w->order[i]));
	}
	gsql_add(g, &s, "%s%s)", w->frame != NULL ? " " : "", w->frame != NULL ? w->frame : "");
	return s.s;
}

struct gsql_value gsql_emit_window(struct gsql *g, struct gsql_scope *scope,
				   const struct gsql_expr *e)
{
	if (scope->no_window != NULL)
		gsql_fail(g, e->pos, "Analytic function %s not allowed in %s", e->text,
			  scope->no_window);
	struct gsql_value *v = gsql_alloc(g, (e->arg_count + 1) * sizeof(*v));
	const char *outer = scope->no_window;
	scope->no_window = "the arguments of an analytic function";
	for (size_t i = 0; i < e->arg_count; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[i]);
	if (e->distinct || gsql_same(e->text, "ARRAY_AGG") || gsql_same(e->text, "STRING_AGG") ||
	    strncmp(e->text, "BIT_", 4) == 0)
		gsql_fail(g, e->pos, "%s%s is not supported with OVER", e->text,
			  e->distinct ? " DISTINCT" : "");
	struct gsql_value call =
		gsql_is_aggregate(e->text) ? emit_call(g, scope, e, v) : emit_navigation(g, e, v);
	const char *window = window_text(g, scope, e->over);
	scope->no_window = outer;
	/* g_unkey wraps the whole call, so OVER goes inside its parenthesis. */
	if (strncmp(call.sql, "g_unkey(", 8) == 0)
		call.sql =
			gsql_printf(g, "%.*s %s)", (int)(strlen(call.sql) - 1), call.sql, window);
	else
		call.sql = gsql_printf(g, "(%s %s)", call.sql, window);
	return call;
}
