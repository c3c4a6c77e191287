/* Calls: those whose types follow from their arguments, those with date parts, and the table of the others. */
#include "tests/localcloud/gsql_emit.h"

#include <ctype.h>
#include <string.h>

static void need_args(struct gsql *g, const struct gsql_expr *e, size_t min, size_t max)
{
	if (e->arg_count < min || e->arg_count > max)
		gsql_fail(g, e->pos, "Number of arguments does not match for function %s", e->text);
}

/* Emits arguments first…last and brings them to their common type. */
static const struct gsql_type *common_args(struct gsql *g, struct gsql_scope *scope,
					   const struct gsql_expr *e, size_t first,
					   struct gsql_value *v)
{
	for (size_t i = first; i < e->arg_count; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[i]);
	const struct gsql_type *t = gsql_supertype(v + first, e->arg_count - first);
	if (t == NULL)
		gsql_no_signature(g, e->pos, gsql_printf(g, "function %s", e->text), v + first,
				  e->arg_count - first);
	for (size_t i = first; i < e->arg_count; i++)
		v[i] = gsql_coerce(g, v[i], t);
	return t;
}

static struct gsql_value emit_conditional(struct gsql *g, struct gsql_scope *scope,
					  const struct gsql_expr *e)
{
	struct gsql_value *v = gsql_alloc(g, (e->arg_count + 1) * sizeof(*v));
	struct gsql_value result = { 0 };
	if (gsql_same(e->text, "IF")) {
		need_args(g, e, 3, 3);
		const char *condition =
			gsql_emit_condition(g, scope, e->args[0], "The first argument of IF");
		result.type = common_args(g, scope, e, 1, v);
		result.sql = gsql_printf(g, "(CASE WHEN %s THEN %s ELSE %s END)", condition,
					 v[1].sql, v[2].sql);
		return result;
	}
	bool list = gsql_same(e->text, "COALESCE");
	need_args(g, e, list ? 1 : 2, list ? 100 : 2);
	result.type = common_args(g, scope, e, 0, v);
	if (gsql_same(e->text, "NULLIF")) {
		gsql_need_comparable(g, result.type, e->pos);
		result.sql = gsql_printf(g, "(CASE WHEN %s THEN NULL ELSE %s END)",
					 gsql_comparison(g, "=", v[0].sql, v[1].sql, result.type),
					 v[0].sql);
		return result;
	}
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "coalesce(%s", v[0].sql);
	for (size_t i = 1; i < e->arg_count; i++)
		gsql_add(g, &s, ",%s", v[i].sql);
	gsql_add(g, &s, "%s", e->arg_count == 1 ? ",NULL)" : ")");
	result.sql = s.s;
	return result;
}

static struct gsql_value emit_extreme(struct gsql *g, struct gsql_scope *scope,
				      const struct gsql_expr *e)
{
	need_args(g, e, 1, 100);
	struct gsql_value *v = gsql_alloc(g, e->arg_count * sizeof(*v));
	struct gsql_value result = { .type = common_args(g, scope, e, 0, v) };
	struct gsql_text s = { 0 };
	if (!gsql_comparable(result.type))
		gsql_no_signature(g, e->pos, gsql_printf(g, "function %s", e->text), v,
				  e->arg_count);
	gsql_add(g, &s, "g_extreme(%d,'%c'", e->text[0] == 'G',
		 gsql_type_letter(result.type->kind));
	for (size_t i = 0; i < e->arg_count; i++)
		gsql_add(g, &s, ",%s", v[i].sql);
	gsql_add(g, &s, ")");
	result.sql = s.s;
	return result;
}

static const char *part_name(struct gsql *g, const struct gsql_expr *e)
{
	const char *name = NULL;
	if (e->kind == GSQL_X_PATH && e->part_count == 1)
		name = e->parts[0];
	else if (e->kind == GSQL_X_CALL && e->arg_count == 1 && e->args[0]->kind == GSQL_X_PATH)
		name = gsql_printf(g, "%s(%s)", e->text, e->args[0]->parts[0]);
	if (name == NULL)
		gsql_fail(g, e->pos, "A date part is expected here");
	char *upper = gsql_strndup(g, name, strlen(name));
	for (char *c = upper; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return upper;
}

/* Parts that the type has; https://cloud.google.com/bigquery/docs/reference/standard-sql/timestamp_functions */
static void check_part(struct gsql *g, enum gsql_kind kind, const char *part, bool add,
		       struct gsql_pos pos)
{
	static const char dates[] = " DAY WEEK MONTH QUARTER YEAR ";
	static const char times[] = " MICROSECOND MILLISECOND SECOND MINUTE HOUR ";
	static const char others[] =
		" ISOWEEK ISOYEAR WEEK(SUNDAY) WEEK(MONDAY) WEEK(TUESDAY) WEEK(WEDNESDAY) "
		"WEEK(THURSDAY) WEEK(FRIDAY) WEEK(SATURDAY) ";
	const char *word = gsql_printf(g, " %s ", part);
	bool has_time = kind != GSQL_DATE && strstr(times, word) != NULL;
	bool has_date = kind != GSQL_TIME &&
			(strstr(dates, word) != NULL || (!add && strstr(others, word) != NULL));
	/* A TIMESTAMP has no calendar to add, or count, months in. */
	if (add && kind == GSQL_TIMESTAMP && strcmp(part, "DAY") != 0)
		has_date = false;
	if (!has_time && !has_date)
		gsql_fail(g, pos, "A valid date part argument for %s is required, but found %s",
			  gsql_type_name(g, gsql_type(kind)), part);
}

/* DATE_ADD, TIMESTAMP_DIFF, … by the type in the name; false when it is none of them. */
static bool emit_date_function(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
			       struct gsql_value *ret)
{
	static const char *const verbs[] = { "_ADD", "_SUB", "_DIFF", "_TRUNC" };
	const char *verb = strrchr(e->text, '_');
	size_t which = 0;
	while (which < 4 && (verb == NULL || strcmp(verb, verbs[which]) != 0))
		which++;
	if (which == 4)
		return false;
	const struct gsql_type *type =
		gsql_type_by_name(gsql_strndup(g, e->text, (size_t)(verb - e->text)));
	if (type == NULL || type->kind < GSQL_DATE || type->kind > GSQL_TIMESTAMP)
		return false;
	need_args(g, e, which == 2 ? 3 : 2, which == 2 ? 3 : 2);
	struct gsql_value v[2] = { gsql_emit_expr(g, scope, e->args[0]), { 0 } };
	/* DATE_TRUNC and DATE_ADD take the other calendar types too and give theirs. */
	if (type->kind == GSQL_DATE &&
	    (v[0].type->kind == GSQL_DATETIME || v[0].type->kind == GSQL_TIMESTAMP))
		type = v[0].type;
	if (gsql_coerce_cost(&v[0], type) < 0)
		gsql_no_signature(g, e->pos, gsql_printf(g, "function %s", e->text), v, 1);
	v[0] = gsql_coerce(g, v[0], type);
	char letter = gsql_type_letter(type->kind);
	const struct gsql_expr *last = e->args[e->arg_count - 1];
	ret->type = type;
	ret->literal = NULL;
	if (which <= 1) {
		if (last->kind != GSQL_X_INTERVAL || last->part_count > 0)
			gsql_fail(g, last->pos, "%s needs INTERVAL … as its second argument",
				  e->text);
		check_part(g, type->kind, last->text, true, last->pos);
		v[1] = gsql_emit_expr(g, scope, last->args[0]);
		if (gsql_coerce_cost(&v[1], gsql_type(GSQL_INT64)) < 0)
			gsql_fail(g, last->pos, "Interval value must be of type INT64");
		ret->sql = gsql_printf(g, "g_tadd('%c',%s,%s%s%s,'%s')", letter, v[0].sql,
				       which == 1 ? "g_iop('-',0," : "", v[1].sql,
				       which == 1 ? ")" : "", last->text);
		return true;
	}
	const char *part = part_name(g, last);
	check_part(g, type->kind, part, which == 2 && type->kind == GSQL_TIMESTAMP, last->pos);
	if (which == 3) {
		ret->sql = gsql_printf(g, "g_ttrunc('%c',%s,'%s')", letter, v[0].sql, part);
		return true;
	}
	v[1] = gsql_emit_expr(g, scope, e->args[1]);
	if (gsql_coerce_cost(&v[1], type) < 0)
		gsql_no_signature(g, e->pos, gsql_printf(g, "function %s", e->text), v, 2);
	ret->sql = gsql_printf(g, "g_tdiff('%c',%s,%s,'%s')", letter, v[0].sql,
			       gsql_coerce(g, v[1], type).sql, part);
	ret->type = gsql_type(GSQL_INT64);
	return true;
}

struct gsql_value gsql_emit_extract(struct gsql *g, struct gsql_scope *scope,
				    const struct gsql_expr *e)
{
	static const char parts[] = " DAYOFWEEK DAYOFYEAR DATE TIME DATETIME ";
	struct gsql_value v = gsql_emit_expr(g, scope, e->args[0]);
	if (e->arg_count > 1)
		gsql_fail(g, e->args[1]->pos, "EXTRACT with AT TIME ZONE is not supported");
	if (v.type->kind < GSQL_DATE || v.type->kind > GSQL_TIMESTAMP)
		gsql_no_signature(g, e->pos, gsql_printf(g, "function EXTRACT from %s", e->text),
				  &v, 1);
	const struct gsql_type *whole = gsql_type_by_name(e->text);
	if (whole != NULL && whole->kind >= GSQL_DATE && whole->kind <= GSQL_TIME)
		return gsql_cast(g, v, whole, false, e->pos);
	if (v.type->kind == GSQL_TIME || strstr(parts, gsql_printf(g, " %s ", e->text)) == NULL)
		check_part(g, v.type->kind, e->text, false, e->pos);
	struct gsql_value result = { .type = gsql_type(GSQL_INT64) };
	result.sql = gsql_printf(g, "g_tpart('%c',%s,'%s')", gsql_type_letter(v.type->kind), v.sql,
				 e->text);
	return result;
}

static struct gsql_value emit_current(struct gsql *g, const struct gsql_expr *e)
{
	need_args(g, e, 0, 0);
	const struct gsql_type *t = gsql_type_by_name(e->text + strlen("CURRENT_"));
	struct gsql_value now = { .type = gsql_type(GSQL_TIMESTAMP) };
	now.sql = gsql_printf(g, "%lld", (long long)g->now_us);
	return gsql_cast(g, now, t, false, e->pos);
}

/* JSON_VALUE(json, path) and its family; the path is SQLite's too. */
static struct gsql_value emit_json_path(struct gsql *g, struct gsql_scope *scope,
					const struct gsql_expr *e)
{
	need_args(g, e, 1, 2);
	struct gsql_value v = gsql_emit_expr(g, scope, e->args[0]);
	bool scalar = gsql_same(e->text, "JSON_VALUE") || gsql_same(e->text, "JSON_EXTRACT_SCALAR");
	if (v.type->kind != GSQL_STRING && v.type->kind != GSQL_JSON)
		gsql_no_signature(g, e->pos, gsql_printf(g, "function %s", e->text), &v, 1);
	const char *path = "'$'";
	if (e->arg_count == 2) {
		struct gsql_value p = gsql_emit_expr(g, scope, e->args[1]);
		if (p.literal == NULL || p.type->kind != GSQL_STRING)
			gsql_fail(g, e->args[1]->pos,
				  "JSONPath must be a string literal or query parameter");
		if (p.literal->text[0] != '$')
			gsql_fail(g, e->args[1]->pos, "JSONPath must start with '$'");
		path = p.sql;
	}
	const char *found =
		gsql_printf(g, "(CASE WHEN json_valid(%s) THEN %s -> %s END)", v.sql, v.sql, path);
	struct gsql_value result = { .type = scalar ? gsql_type(GSQL_STRING) : v.type };
	result.sql = scalar ? gsql_printf(g, "g_jscalar(%s)", found) : found;
	return result;
}

static struct gsql_value emit_array_to_string(struct gsql *g, struct gsql_scope *scope,
					      const struct gsql_expr *e)
{
	struct gsql_value v[3] = { { 0 }, { 0 }, { .sql = "NULL" } };
	need_args(g, e, 2, 3);
	for (size_t i = 0; i < e->arg_count; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[i]);
	const struct gsql_type *t = v[0].type->kind == GSQL_ARRAY ? v[0].type->element : NULL;
	bool good = t != NULL && (t->kind == GSQL_STRING || t->kind == GSQL_BYTES);
	for (size_t i = 1; i < e->arg_count && good; i++)
		good = gsql_coerce_cost(&v[i], t) >= 0;
	if (!good)
		gsql_no_signature(g, e->pos, "function ARRAY_TO_STRING", v, e->arg_count);
	struct gsql_value result = { .type = t };
	result.sql = gsql_printf(g, "g_join(%s,%d,%s,%s)", v[0].sql, t->kind == GSQL_BYTES,
				 v[1].sql, v[2].sql);
	return result;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (gsql_same(name, *names))
			return true;
	return false;
}

bool gsql_emit_special(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
		       struct gsql_value *ret)
{
	static const char *const conditionals[] = { "IF", "COALESCE", "IFNULL", "NULLIF", NULL };
	static const char *const paths[] = { "JSON_VALUE", "JSON_QUERY", "JSON_EXTRACT",
					     "JSON_EXTRACT_SCALAR", NULL };
	static const char *const currents[] = { "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME",
						"CURRENT_TIMESTAMP", NULL };
	if (is_one_of(e->text, conditionals)) {
		*ret = emit_conditional(g, scope, e);
	} else if (is_one_of(e->text, paths)) {
		*ret = emit_json_path(g, scope, e);
	} else if (is_one_of(e->text, currents)) {
		*ret = emit_current(g, e);
	} else if (gsql_same(e->text, "GREATEST") || gsql_same(e->text, "LEAST")) {
		*ret = emit_extreme(g, scope, e);
	} else if (gsql_same(e->text, "TO_JSON_STRING") || gsql_same(e->text, "TO_JSON")) {
		need_args(g, e, 1, 1);
		struct gsql_value v = gsql_emit_expr(g, scope, e->args[0]);
		ret->sql = gsql_json_text(g, v.sql, v.type);
		ret->type = gsql_type(gsql_same(e->text, "TO_JSON") ? GSQL_JSON : GSQL_STRING);
	} else if (gsql_same(e->text, "ARRAY_TO_STRING")) {
		*ret = emit_array_to_string(g, scope, e);
	} else if (gsql_same(e->text, "ARRAY_LENGTH")) {
		need_args(g, e, 1, 1);
		struct gsql_value v = gsql_emit_expr(g, scope, e->args[0]);
		if (v.type->kind != GSQL_ARRAY)
			gsql_no_signature(g, e->pos, "function ARRAY_LENGTH", &v, 1);
		ret->sql = gsql_printf(g, "json_array_length(%s)", v.sql);
		ret->type = gsql_type(GSQL_INT64);
	} else {
		return emit_date_function(g, scope, e, ret);
	}
	ret->literal = NULL;
	return true;
}

struct gsql_value gsql_emit_call(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e)
{
	struct gsql_value result = { 0 };
	if (e->over != NULL)
		return gsql_emit_window(g, scope, e);
	if (gsql_is_aggregate(e->text))
		return gsql_emit_aggregate(g, scope, e);
	if (e->star || e->distinct || e->order != NULL || e->limit != NULL)
		gsql_fail(g, e->pos, "Function %s does not take *, DISTINCT, ORDER BY or LIMIT",
			  e->text);
	if (gsql_emit_special(g, scope, e, &result))
		return result;
	if (strncmp(e->text, "SAFE.", 5) == 0)
		gsql_fail(g, e->pos, "The SAFE. prefix is not supported: %s", e->text);
	if (!gsql_known_function(e->text))
		gsql_fail(g, e->pos, "Function not found: %s", e->text);
	struct gsql_value *v = gsql_alloc(g, (e->arg_count + 1) * sizeof(*v));
	for (size_t i = 0; i < e->arg_count; i++)
		v[i] = gsql_emit_expr(g, scope, e->args[i]);
	if (!gsql_apply(g, e->text, v, e->arg_count, &result))
		gsql_no_signature(g, e->pos, gsql_printf(g, "function %s", e->text), v,
				  e->arg_count);
	return result;
}
