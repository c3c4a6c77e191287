/* Casts, comparisons, and the JSON form of cells inside STRUCT and ARRAY. */
#include "tests/localcloud/gsql_emit.h"

#include <string.h>

_Noreturn void gsql_no_signature(struct gsql *g, struct gsql_pos pos, const char *what,
				 const struct gsql_value *args, size_t n)
{
	struct gsql_text types = { 0 };
	for (size_t i = 0; i < n; i++)
		gsql_add(g, &types, "%s%s", i > 0 ? ", " : "", gsql_type_name(g, args[i].type));
	if (n == 0)
		gsql_fail(g, pos, "No matching signature for %s with no arguments", what);
	gsql_fail(g, pos, "No matching signature for %s for argument type%s: %s", what,
		  n > 1 ? "s" : "", types.s);
}

const char *gsql_encode(struct gsql *g, const char *sql, const struct gsql_type *t)
{
	switch (t->kind) {
	case GSQL_BOOL:
		return gsql_printf(g, "json(CASE %s WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)",
				   sql);
	case GSQL_FLOAT64:
		return gsql_printf(g, "json(g_jnum(%s))", sql);
	case GSQL_BYTES:
		return gsql_printf(g, "g_b64(%s)", sql);
	case GSQL_ARRAY:
	case GSQL_STRUCT:
		return gsql_printf(g, "json(%s)", sql);
	default:
		return sql;
	}
}

const char *gsql_decode(struct gsql *g, const char *sql, const struct gsql_type *t)
{
	switch (t->kind) {
	case GSQL_FLOAT64:
		return gsql_printf(g, "g_real(%s)", sql);
	case GSQL_BYTES:
		return gsql_printf(g, "g_unb64(%s)", sql);
	case GSQL_ARRAY:
		return gsql_printf(g, "coalesce(%s,'[]')", sql);
	default:
		return sql;
	}
}

static const char *json_path(struct gsql *g, const char *name)
{
	const char *path = gsql_printf(g, "$.\"%s\"", name);
	return gsql_quote(g, path, strlen(path));
}

const char *gsql_json_text(struct gsql *g, const char *sql, const struct gsql_type *t)
{
	struct gsql_text s = { 0 };
	switch (t->kind) {
	case GSQL_NULL:
		return "'null'";
	case GSQL_BOOL:
		return gsql_printf(
			g, "(CASE %s WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)", sql);
	case GSQL_ARRAY:
		return gsql_printf(
			g,
			"(SELECT '['||coalesce(group_concat(%s,','),'')||']' FROM json_each(%s) AS \"@e\")",
			gsql_json_text(g, gsql_decode(g, "\"@e\".value", t->element), t->element),
			sql);
	case GSQL_STRUCT:
		gsql_add(g, &s, "(CASE WHEN %s IS NULL THEN 'null' ELSE '{'", sql);
		for (size_t i = 0; i < t->field_count; i++) {
			const char *name = t->fields[i].name;
			const char *cell =
				gsql_printf(g, "json_extract(%s,%s)", sql, json_path(g, name));
			const char *key = gsql_quote(g, name, strlen(name));
			gsql_add(g, &s, "||'%s'||json_quote(%s)||':'||%s", i > 0 ? "," : "", key,
				 gsql_json_text(g, gsql_decode(g, cell, t->fields[i].type),
						t->fields[i].type));
		}
		gsql_add(g, &s, "||'}' END)");
		return s.s;
	default:
		return gsql_printf(g, "g_jtext(%s,'%c')", sql, gsql_type_letter(t->kind));
	}
}

const char *gsql_sort_key(struct gsql *g, const char *sql, const struct gsql_type *t)
{
	if (t->kind == GSQL_NUMERIC || t->kind == GSQL_BIGNUMERIC)
		return gsql_printf(g, "%s COLLATE gnum", sql);
	if (t->kind == GSQL_FLOAT64)
		return gsql_printf(g, "g_fkey(%s)", sql);
	if (t->kind == GSQL_INTERVAL)
		return gsql_printf(g, "g_ikey(%s)", sql);
	return sql;
}

const char *gsql_comparison(struct gsql *g, const char *op, const char *a, const char *b,
			    const struct gsql_type *t)
{
	/* NaN is unequal to everything and infinities are kept as text: SQLite's operators know neither. */
	if (t->kind == GSQL_FLOAT64)
		return gsql_printf(g, "g_fcmp('%s',%s,%s)", op, a, b);
	if (t->kind == GSQL_NUMERIC || t->kind == GSQL_BIGNUMERIC)
		return gsql_printf(g, "(%s COLLATE gnum %s %s)", a, op, b);
	if (t->kind == GSQL_INTERVAL)
		return gsql_printf(g, "(g_ikey(%s) %s g_ikey(%s))", a, op, b);
	return gsql_printf(g, "(%s %s %s)", a, op, b);
}

struct gsql_value gsql_field_of(struct gsql *g, struct gsql_value v, const char *name,
				struct gsql_pos pos)
{
	struct gsql_value field = { .type = gsql_type(GSQL_JSON) };
	if (v.type->kind == GSQL_JSON) {
		field.sql = gsql_printf(g, "(%s -> %s)", v.sql, json_path(g, name));
		return field;
	}
	if (v.type->kind != GSQL_STRUCT)
		gsql_fail(g, pos, "Cannot access field %s on a value with type %s", name,
			  gsql_type_name(g, v.type));
	for (size_t i = 0; i < v.type->field_count; i++) {
		const struct gsql_field *f = &v.type->fields[i];
		if (!gsql_same(f->name, name))
			continue;
		for (size_t k = i + 1; k < v.type->field_count; k++)
			if (gsql_same(v.type->fields[k].name, name))
				gsql_fail(g, pos, "Struct field name %s is ambiguous", name);
		const char *cell =
			gsql_printf(g, "json_extract(%s,%s)", v.sql, json_path(g, f->name));
		field.sql = gsql_decode(g, cell, f->type);
		field.type = f->type;
		return field;
	}
	gsql_fail(g, pos, "Field name %s does not exist in %s", name, gsql_type_name(g, v.type));
}

/* What CAST converts, by rows of letters; the functions know the same. https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_functions */
static bool castable(enum gsql_kind from, enum gsql_kind to)
{
	static const struct {
		enum gsql_kind from;
		const char *to;
	} casts[] = { { GSQL_INT64, "IFNGBS" },    { GSQL_FLOAT64, "IFNGS" },
		      { GSQL_NUMERIC, "IFNGS" },   { GSQL_BIGNUMERIC, "IFNGS" },
		      { GSQL_BOOL, "IBS" },        { GSQL_STRING, "IFNGBSYDMTPV" },
		      { GSQL_BYTES, "SY" },        { GSQL_DATE, "SDMP" },
		      { GSQL_DATETIME, "SDMTP" },  { GSQL_TIME, "ST" },
		      { GSQL_TIMESTAMP, "SDMTP" }, { GSQL_INTERVAL, "SV" } };
	for (size_t i = 0; i < sizeof(casts) / sizeof(casts[0]); i++)
		if (casts[i].from == from)
			return strchr(casts[i].to, gsql_type_letter(to)) != NULL;
	return false;
}

struct gsql_value gsql_cast(struct gsql *g, struct gsql_value v, const struct gsql_type *to,
			    bool safe, struct gsql_pos pos)
{
	struct gsql_value result = { .type = gsql_type(GSQL_NULL) };
	if (v.type->kind == GSQL_NULL || gsql_coerce_cost(&v, to) == 0) {
		result.sql = v.sql;
	} else if (!castable(v.type->kind, to->kind)) {
		gsql_fail(g, pos, "Invalid cast from %s to %s", gsql_type_name(g, v.type),
			  gsql_type_name(g, to));
	} else {
		result.sql = gsql_printf(g, "g_cast(%s,'%c','%c',%d)", v.sql,
					 gsql_type_letter(v.type->kind), gsql_type_letter(to->kind),
					 safe);
	}
	if (to->precision > 0)
		result.sql =
			gsql_printf(g, "g_round_to(%s,%d,%d,'%c',%d)", result.sql, to->precision,
				    to->scale, gsql_type_letter(to->kind), safe);
	if (to->length > 0)
		gsql_fail(g, pos, "CAST to a type with a length is not supported");
	result.type = to->precision > 0 ? gsql_type(to->kind) : to;
	return result;
}
