#include "tests/localcloud/gsql_emit.h"
#include "tests/localcloud/interval.h"

#include <string.h>

static struct gsql_value emit_struct(struct gsql *g, struct gsql_scope *scope,
				     const struct gsql_expr *e)
{
	struct gsql_column *columns = NULL;
	size_t n = 0;
	if (e->type != NULL && e->type->field_count != e->arg_count)
		gsql_fail(g, e->pos,
			  "STRUCT type has %zu fields but constructor call has %zu fields",
			  e->type->field_count, e->arg_count);
	for (size_t i = 0; i < e->arg_count; i++) {
		const struct gsql_expr *arg = e->args[i];
		struct gsql_value v = gsql_emit_expr(g, scope, arg);
		struct gsql_column c = { .sql = v.sql, .type = v.type };
		if (e->type != NULL) {
			if (gsql_coerce_cost(&v, e->type->fields[i].type) < 0)
				gsql_fail(
					g, arg->pos,
					"Struct field %zu has type %s which does not coerce to %s",
					i + 1, gsql_type_name(g, v.type),
					gsql_type_name(g, e->type->fields[i].type));
			v = gsql_coerce(g, v, e->type->fields[i].type);
			c = (struct gsql_column){ .name = e->type->fields[i].name,
						  .sql = v.sql,
						  .type = v.type };
		} else if (e->parts[i] != NULL) {
			c.name = e->parts[i];
		} else if (arg->kind == GSQL_X_PATH) {
			c.name = arg->parts[arg->part_count - 1];
		}
		if (c.name == NULL || c.name[0] == '\0')
			c.name = gsql_printf(g, "_field_%zu", i + 1);
		GSQL_PUSH(g, columns, n, c);
	}
	return gsql_make_struct(g, columns, n);
}

static struct gsql_value emit_array(struct gsql *g, struct gsql_scope *scope,
				    const struct gsql_expr *e)
{
	struct gsql_value *values = gsql_alloc(g, (e->arg_count + 1) * sizeof(*values));
	for (size_t i = 0; i < e->arg_count; i++)
		values[i] = gsql_emit_expr(g, scope, e->args[i]);
	const struct gsql_type *element =
		e->type != NULL ? e->type->element : gsql_type(GSQL_INT64);
	if (e->type == NULL && e->arg_count > 0)
		element = gsql_supertype(values, e->arg_count);
	if (element == NULL)
		gsql_fail(g, e->pos, "Array elements do not have a common supertype");
	if (element->kind == GSQL_ARRAY)
		gsql_fail(g, e->pos, "Cannot construct array with element type ARRAY");
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "json_array(");
	for (size_t i = 0; i < e->arg_count; i++) {
		if (gsql_coerce_cost(&values[i], element) < 0)
			gsql_fail(g, e->args[i]->pos, "Array element type %s does not coerce to %s",
				  gsql_type_name(g, values[i].type), gsql_type_name(g, element));
		gsql_add(g, &s, "%s%s", i > 0 ? "," : "",
			 gsql_encode(g, gsql_coerce(g, values[i], element).sql, element));
	}
	gsql_add(g, &s, ")");
	const struct gsql_type *bare =
		e->arg_count == 0 && e->type == NULL ? gsql_type(GSQL_NULL) : element;
	return (struct gsql_value){ .sql = s.s, .type = gsql_array_of(g, bare) };
}

static struct gsql_value emit_index(struct gsql *g, struct gsql_scope *scope,
				    const struct gsql_expr *e)
{
	struct gsql_value base = gsql_emit_expr(g, scope, e->args[0]);
	struct gsql_value index = gsql_emit_expr(g, scope, e->args[1]);
	struct gsql_value v = { 0 };
	if (base.type->kind == GSQL_JSON && index.type->kind == GSQL_STRING) {
		v.type = base.type;
		v.sql = gsql_printf(g, "(%s -> ('$.\"'||%s||'\"'))", base.sql, index.sql);
		return v;
	}
	if (index.type->kind != GSQL_INT64 ||
	    (base.type->kind != GSQL_ARRAY && base.type->kind != GSQL_JSON))
		gsql_fail(g, e->pos,
			  "Subscript access using [%s] is not supported on values of type %s",
			  gsql_type_name(g, index.type), gsql_type_name(g, base.type));
	if (base.type->kind == GSQL_JSON) {
		v.type = base.type;
		v.sql = gsql_printf(g, "(%s -> ('$['||%s||']'))", base.sql, index.sql);
		return v;
	}
	bool ordinal = e->text != NULL && strstr(e->text, "ORDINAL") != NULL;
	bool safe = e->text != NULL && strncmp(e->text, "SAFE", 4) == 0;
	v.type = base.type->element;
	v.sql = gsql_printf(g, "json_extract(%s,g_index(%s,%s,%d,%d))", base.sql, base.sql,
			    index.sql, ordinal, safe);
	v.sql = gsql_decode(g, v.sql, v.type);
	return v;
}

static struct gsql_value emit_subquery(struct gsql *g, struct gsql_scope *scope,
				       const struct gsql_expr *e)
{
	struct gsql_relation r = gsql_emit_query(g, scope, scope->ctes, e->query);
	struct gsql_value v = { .type = gsql_type(GSQL_BOOL) };
	if (e->kind == GSQL_X_EXISTS) {
		v.sql = gsql_printf(g, "EXISTS (%s)", r.sql);
		return v;
	}
	if (r.column_count != 1)
		gsql_fail(
			g, e->pos,
			"%s cannot have more than one column unless using SELECT AS STRUCT to build STRUCT values",
			e->kind == GSQL_X_SUBQUERY ? "Scalar subquery" : "ARRAY subquery");
	v.type = r.columns[0].type;
	if (e->kind == GSQL_X_SUBQUERY) {
		v.sql = gsql_printf(g, "(SELECT g_single(\"@1\") FROM (%s))", r.sql);
		return v;
	}
	v.sql = gsql_printf(g, "(SELECT json_group_array(%s) FROM (%s))",
			    gsql_encode(g, "\"@1\"", v.type), r.sql);
	v.type = gsql_array_of(g, v.type);
	return v;
}

/* INTERVAL n part, or INTERVAL '…' part TO part. */
static struct gsql_value emit_interval(struct gsql *g, struct gsql_scope *scope,
				       const struct gsql_expr *e)
{
	struct gsql_value v = gsql_emit_expr(g, scope, e->args[0]);
	bool range = e->part_count > 0;
	char text[INTERVAL_TEXT_MAX];
	if (range && e->args[0]->kind != GSQL_X_STRING)
		gsql_fail(g, e->args[0]->pos, "INTERVAL with TO needs a string literal");
	if (range && interval_parse_range(e->args[0]->text, e->args[0]->len, e->text, e->parts[0],
					  text) != 0)
		gsql_fail(g, e->pos, "Invalid INTERVAL value '%s' for %s TO %s", e->args[0]->text,
			  e->text, e->parts[0]);
	if (range) {
		v.sql = gsql_quote(g, text, strlen(text));
	} else if (interval_of(0, e->text, text) != 0) {
		gsql_fail(g, e->pos, "Unsupported part of INTERVAL: %s", e->text);
	} else if (v.type->kind != GSQL_INT64) {
		gsql_fail(g, e->args[0]->pos, "Interval value must be of type INT64");
	} else {
		v.sql = gsql_printf(g, "g_interval(%s,'%s')", v.sql, e->text);
	}
	v.type = gsql_type(GSQL_INTERVAL);
	v.literal = NULL;
	return v;
}

static struct gsql_value emit_kind(struct gsql *g, struct gsql_scope *scope,
				   const struct gsql_expr *e)
{
	switch (e->kind) {
	case GSQL_X_PARAM:
		return gsql_parameter(g, e);
	case GSQL_X_PATH:
		return gsql_emit_path(g, scope, e);
	case GSQL_X_FIELD:
		return gsql_field_of(g, gsql_emit_expr(g, scope, e->args[0]), e->text, e->pos);
	case GSQL_X_INDEX:
		return emit_index(g, scope, e);
	case GSQL_X_CALL:
		return gsql_emit_call(g, scope, e);
	case GSQL_X_OPERATOR:
		return gsql_emit_operator(g, scope, e);
	case GSQL_X_IS:
		return gsql_emit_is(g, scope, e);
	case GSQL_X_BETWEEN:
		return gsql_emit_between(g, scope, e);
	case GSQL_X_IN:
		return gsql_emit_in(g, scope, e);
	case GSQL_X_CASE:
		return gsql_emit_case(g, scope, e);
	case GSQL_X_CAST:
		return gsql_cast(g, gsql_emit_expr(g, scope, e->args[0]), e->type, e->safe, e->pos);
	case GSQL_X_EXTRACT:
		return gsql_emit_extract(g, scope, e);
	case GSQL_X_SUBQUERY:
	case GSQL_X_EXISTS:
	case GSQL_X_ARRAY_QUERY:
		return emit_subquery(g, scope, e);
	case GSQL_X_ARRAY:
		return emit_array(g, scope, e);
	case GSQL_X_STRUCT:
		return emit_struct(g, scope, e);
	case GSQL_X_INTERVAL:
		return emit_interval(g, scope, e);
	case GSQL_X_DEFAULT:
		gsql_fail(g, e->pos,
			  "DEFAULT is supported only as a whole value of INSERT and UPDATE");
	default:
		return gsql_literal(g, e);
	}
}

struct gsql_value gsql_emit_expr(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e)
{
	bool constant = e->kind <= GSQL_X_PARAM;
	if (!scope->grouped || scope->unchecked || constant)
		return emit_kind(g, scope, e);
	/* An expression that is grouped by may be used as a whole: the text it becomes tells. */
	if (!gsql_has_aggregate(e) && !gsql_has_window(e)) {
		scope->unchecked = true;
		struct gsql_value v = emit_kind(g, scope, e);
		scope->unchecked = false;
		for (size_t i = 0; i < scope->group_count; i++)
			if (strcmp(scope->group[i], v.sql) == 0)
				return v;
	}
	return emit_kind(g, scope, e);
}

const char *gsql_emit_condition(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
				const char *clause)
{
	struct gsql_value v = gsql_emit_expr(g, scope, e);
	if (v.type->kind != GSQL_BOOL && v.type->kind != GSQL_NULL)
		gsql_fail(g, e->pos, "%s should return type BOOL, but returns %s", clause,
			  gsql_type_name(g, v.type));
	return v.sql;
}

const char *gsql_emit_order(struct gsql *g, const char *key, const struct gsql_order *o)
{
	static const char *const nulls[] = { " NULLS LAST", "", " NULLS FIRST" };
	return gsql_printf(g, "%s%s%s", key, o->descending ? " DESC" : "", nulls[o->nulls + 1]);
}
