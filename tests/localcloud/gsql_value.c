/* Literals, parameters and implicit conversions. */
#include "tests/localcloud/gsql_emit.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Evaluates constant SQL now, so that a bad literal is an error of the statement and has a place. */
static const char *fold(struct gsql *g, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	const char *result = NULL;
	const char *query = gsql_printf(g, "SELECT quote(%s)", sql);
	if (sqlite3_prepare_v2(g->db, query, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		result = gsql_strndup(g, (const char *)sqlite3_column_text(stmt, 0),
				      (size_t)sqlite3_column_bytes(stmt, 0));
	sqlite3_finalize(stmt);
	return result;
}

static const char *text_as(struct gsql *g, const char *text, size_t len, enum gsql_kind kind,
			   struct gsql_pos pos)
{
	const char *quoted = gsql_quote(g, text, len);
	if (kind == GSQL_STRING)
		return quoted;
	if (kind == GSQL_GEOGRAPHY || kind == GSQL_INTERVAL)
		gsql_fail(g, pos, "Literals of type %s are not supported",
			  gsql_type_name(g, gsql_type(kind)));
	const char *sql = fold(g, kind == GSQL_BYTES ? gsql_printf(g, "g_unb64(%s)", quoted)
						     : gsql_printf(g, "g_cast(%s,'S','%c',0)",
								   quoted, gsql_type_letter(kind)));
	if (sql == NULL && kind >= GSQL_DATE && kind <= GSQL_TIMESTAMP)
		gsql_fail(g, pos, "Could not cast literal \"%s\" to type %s", text,
			  gsql_type_name(g, gsql_type(kind)));
	if (sql == NULL)
		gsql_fail(g, pos, "Invalid %s literal: \"%s\"", gsql_type_name(g, gsql_type(kind)),
			  text);
	/* Infinity and NaN have no literal of their own in SQLite, and quote() would cut the digits of the others. */
	return kind == GSQL_FLOAT64 ? gsql_printf(g, "g_cast(%s,'S','F',0)", quoted) : sql;
}

static const char *float_sql(struct gsql *g, const struct gsql_expr *e)
{
	double d = strtod(e->text, NULL);
	if (isinf(d))
		gsql_fail(g, e->pos, "Invalid floating point literal: %s", e->text);
	const char *s = gsql_printf(g, "%.17g", d);
	return strpbrk(s, ".e") == NULL ? gsql_printf(g, "%s.0", s) : s;
}

static const char *int_sql(struct gsql *g, const struct gsql_expr *e)
{
	int64_t n;
	if (!gsql_parse_int(e->text, strlen(e->text), &n))
		gsql_fail(g, e->pos, "Invalid integer literal: %s", e->text);
	return n == INT64_MIN ? "(-9223372036854775807-1)" : gsql_printf(g, "%lld", (long long)n);
}

struct gsql_value gsql_literal(struct gsql *g, const struct gsql_expr *e)
{
	struct gsql_value v = { .literal = e };
	struct gsql_text hex = { 0 };
	switch (e->kind) {
	case GSQL_X_BOOL:
		v.sql = e->text[0] == 'T' ? "1" : "0";
		v.type = gsql_type(GSQL_BOOL);
		break;
	case GSQL_X_INT:
		v.sql = int_sql(g, e);
		v.type = gsql_type(GSQL_INT64);
		break;
	case GSQL_X_FLOAT:
		v.sql = float_sql(g, e);
		v.type = gsql_type(GSQL_FLOAT64);
		break;
	case GSQL_X_STRING:
		v.sql = gsql_quote(g, e->text, e->len);
		v.type = gsql_type(GSQL_STRING);
		break;
	case GSQL_X_BYTES:
		gsql_add(g, &hex, "x'");
		for (size_t i = 0; i < e->len; i++)
			gsql_add(g, &hex, "%02x", (unsigned char)e->text[i]);
		gsql_add(g, &hex, "'");
		v.sql = hex.s;
		v.type = gsql_type(GSQL_BYTES);
		break;
	case GSQL_X_TYPED:
		if (e->type->kind == GSQL_INT64 || e->type->kind == GSQL_FLOAT64 ||
		    e->type->kind == GSQL_BOOL || e->type->kind == GSQL_STRING ||
		    e->type->kind == GSQL_BYTES)
			gsql_fail(g, e->pos, "Syntax error: Unexpected string literal \"%s\"",
				  e->text);
		v.sql = text_as(g, e->text, e->len, e->type->kind, e->pos);
		v.type = e->type;
		v.literal = NULL;
		break;
	default:
		v.sql = "NULL";
		v.type = gsql_type(GSQL_NULL);
		break;
	}
	return v;
}

static const struct gsql_type *parameter_type(struct gsql *g, const json_t *json,
					      struct gsql_pos pos)
{
	const char *name = json_string_value(json_object_get(json, "type"));
	if (name == NULL)
		gsql_fail(g, pos, "Query parameter has no type");
	if (gsql_same(name, "ARRAY"))
		return gsql_array_of(g, parameter_type(g, json_object_get(json, "arrayType"), pos));
	if (gsql_same(name, "STRUCT")) {
		struct gsql_field *fields = NULL;
		size_t n = 0;
		size_t i;
		json_t *sub;
		json_array_foreach(json_object_get(json, "structTypes"), i, sub) {
			const char *field = json_string_value(json_object_get(sub, "name"));
			struct gsql_field f = { .name = field == NULL ? "" : field };
			f.type = parameter_type(g, json_object_get(sub, "type"), pos);
			GSQL_PUSH(g, fields, n, f);
		}
		return gsql_struct_of(g, fields, n);
	}
	const struct gsql_type *t = gsql_type_by_name(name);
	if (t == NULL)
		gsql_fail(g, pos, "Query parameter has an unknown type: %s", name);
	return t;
}

static const char *parameter_sql(struct gsql *g, const struct gsql_type *t, const json_t *json,
				 struct gsql_pos pos)
{
	struct gsql_text s = { 0 };
	if (t->kind == GSQL_ARRAY) {
		size_t i;
		json_t *item;
		gsql_add(g, &s, "json_array(");
		json_array_foreach(json_object_get(json, "arrayValues"), i, item)
			gsql_add(g, &s, "%s%s", i > 0 ? "," : "",
				 gsql_encode(g, parameter_sql(g, t->element, item, pos),
					     t->element));
		gsql_add(g, &s, ")");
		return s.s;
	}
	if (t->kind == GSQL_STRUCT) {
		const json_t *values = json_object_get(json, "structValues");
		gsql_add(g, &s, "json_object(");
		for (size_t i = 0; i < t->field_count; i++) {
			const char *name = t->fields[i].name;
			const char *value = parameter_sql(g, t->fields[i].type,
							  json_object_get(values, name), pos);
			gsql_add(g, &s, "%s%s,%s", i > 0 ? "," : "",
				 gsql_quote(g, name, strlen(name)),
				 gsql_encode(g, value, t->fields[i].type));
		}
		gsql_add(g, &s, ")");
		return s.s;
	}
	const json_t *value = json_object_get(json, "value");
	if (value == NULL || json_is_null(value))
		return "NULL";
	if (!json_is_string(value))
		gsql_fail(g, pos, "The value of a query parameter must be a string");
	return text_as(g, json_string_value(value), json_string_length(value), t->kind, pos);
}

struct gsql_value gsql_parameter(struct gsql *g, const struct gsql_expr *e)
{
	const json_t *found = NULL;
	size_t i;
	json_t *item;
	json_array_foreach(g->request->query_parameters, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		if (e->text == NULL ? i == e->index : name != NULL && gsql_same(name, e->text))
			found = item;
	}
	if (found == NULL && e->text != NULL)
		gsql_fail(g, e->pos, "Query parameter '%s' not found", e->text);
	if (found == NULL)
		gsql_fail(g, e->pos, "Query parameter number %u not found", e->index + 1);
	struct gsql_value v = { .literal = e };
	const json_t *value = json_object_get(found, "parameterValue");
	v.type = parameter_type(g, json_object_get(found, "parameterType"), e->pos);
	v.sql = gsql_printf(g, "(%s)", parameter_sql(g, v.type, value, e->pos));
	if (v.type->kind == GSQL_STRING && json_is_string(json_object_get(value, "value"))) {
		/* So that it coerces to DATE and its like as a literal does. */
		struct gsql_expr *literal = gsql_alloc(g, sizeof(*literal));
		const char *text = json_string_value(json_object_get(value, "value"));
		literal->kind = GSQL_X_STRING;
		literal->pos = e->pos;
		literal->text = text;
		literal->len = strlen(text);
		v.literal = literal;
	} else {
		v.literal = NULL;
	}
	return v;
}

int gsql_coerce_cost(const struct gsql_value *v, const struct gsql_type *to)
{
	enum gsql_kind from = v->type->kind;
	enum gsql_kind kind = to->kind;
	if (from == GSQL_NULL || gsql_type_equal(v->type, to))
		return 0;
	if (from == GSQL_ARRAY && kind == GSQL_ARRAY && v->type->element->kind == GSQL_NULL)
		return 0;
	bool wider = (from == GSQL_INT64 &&
		      (kind == GSQL_NUMERIC || kind == GSQL_BIGNUMERIC || kind == GSQL_FLOAT64)) ||
		     (from == GSQL_NUMERIC && (kind == GSQL_BIGNUMERIC || kind == GSQL_FLOAT64)) ||
		     (from == GSQL_BIGNUMERIC && kind == GSQL_FLOAT64) ||
		     (from == GSQL_DATE && kind == GSQL_DATETIME);
	if (wider)
		return v->literal != NULL ? 1 : 100;
	if (v->literal == NULL)
		return -1;
	if (v->literal->kind == GSQL_X_STRING && kind >= GSQL_DATE && kind <= GSQL_TIMESTAMP)
		return 1;
	if (v->literal->kind == GSQL_X_FLOAT && (kind == GSQL_NUMERIC || kind == GSQL_BIGNUMERIC))
		return 2;
	return -1;
}

static bool same_names(const struct gsql_type *a, const struct gsql_type *b)
{
	if (a->kind == GSQL_ARRAY && b->kind == GSQL_ARRAY)
		return same_names(a->element, b->element);
	for (size_t i = 0; a->kind == GSQL_STRUCT && i < a->field_count; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
		    !same_names(a->fields[i].type, b->fields[i].type))
			return false;
	return true;
}

/* A STRUCT converts by position: its cells move under the names of the wanted type, also inside an ARRAY. */
static const char *rename_fields(struct gsql *g, struct gsql_value v, const struct gsql_type *to)
{
	if (v.type->kind == GSQL_ARRAY) {
		const char *alias = gsql_printf(g, "t%u", g->next_name++);
		struct gsql_value element = { .sql = gsql_printf(g, "%s.value", alias),
					      .type = v.type->element };
		return gsql_printf(g, "(SELECT json_group_array(%s) FROM json_each(%s) AS %s)",
				   gsql_encode(g, rename_fields(g, element, to->element),
					       to->element),
				   v.sql, alias);
	}
	struct gsql_column *columns = gsql_alloc(g, (to->field_count + 1) * sizeof(*columns));
	for (size_t i = 0; i < to->field_count; i++) {
		struct gsql_value cell =
			gsql_field_of(g, v, v.type->fields[i].name, (struct gsql_pos){ 0 });
		columns[i] = (struct gsql_column){ .name = to->fields[i].name,
						   .type = to->fields[i].type };
		columns[i].sql = gsql_coerce(g, cell, columns[i].type).sql;
	}
	return gsql_printf(g, "CASE WHEN %s IS NOT NULL THEN %s END", v.sql,
			   gsql_make_struct(g, columns, to->field_count).sql);
}

struct gsql_value gsql_coerce(struct gsql *g, struct gsql_value v, const struct gsql_type *to)
{
	enum gsql_kind from = v.type->kind;
	if (gsql_type_equal(v.type, to) && !same_names(v.type, to))
		v.sql = rename_fields(g, v, to);
	if (from == GSQL_NULL || gsql_type_equal(v.type, to) || from == GSQL_ARRAY) {
		v.type = to;
		return v;
	}
	if (v.literal != NULL && v.literal->kind == GSQL_X_STRING && to->kind >= GSQL_DATE &&
	    to->kind <= GSQL_TIMESTAMP)
		v.sql = text_as(g, v.literal->text, v.literal->len, to->kind, v.literal->pos);
	else if (v.literal != NULL && v.literal->kind == GSQL_X_FLOAT && to->kind != GSQL_FLOAT64)
		v.sql = text_as(g, v.literal->text, strlen(v.literal->text), to->kind,
				v.literal->pos);
	else
		v.sql = gsql_printf(g, "g_cast(%s,'%c','%c',0)", v.sql, gsql_type_letter(from),
				    gsql_type_letter(to->kind));
	v.type = to;
	v.literal = NULL;
	return v;
}

const struct gsql_type *gsql_supertype(const struct gsql_value *values, size_t n)
{
	/* It is always the type of one of them: the one to which all convert at the least cost. */
	const struct gsql_type *best = n == 0 ? NULL : gsql_type(GSQL_NULL);
	long best_cost = LONG_MAX;
	for (size_t i = 0; i < n; i++) {
		if (values[i].type->kind == GSQL_NULL)
			continue;
		if (best != NULL && best->kind == GSQL_NULL)
			best = NULL;
		long total = 0;
		for (size_t j = 0; j < n && total >= 0; j++) {
			int cost = gsql_coerce_cost(&values[j], values[i].type);
			total = cost < 0 ? -1 : total + cost;
		}
		if (total >= 0 && total < best_cost) {
			best = values[i].type;
			best_cost = total;
		}
	}
	return best;
}
