/* Operators, by precedence: https://cloud.google.com/bigquery/docs/reference/standard-sql/operators */
#include "tests/localcloud/gsql_parse.h"

#include <string.h>

static struct gsql_expr *parse_not(struct gsql_parser *p);

struct gsql_expr *gsql_make_expr(struct gsql_parser *p, enum gsql_expr_kind kind,
				 struct gsql_pos pos)
{
	struct gsql_expr *e = gsql_alloc(p->g, sizeof(*e));
	e->kind = kind;
	e->pos = pos;
	e->depth = 1;
	return e;
}

void gsql_add_arg(struct gsql_parser *p, struct gsql_expr *e, struct gsql_expr *arg)
{
	GSQL_PUSH(p->g, e->args, e->arg_count, arg);
	if (arg->depth + 1 > e->depth)
		e->depth = arg->depth + 1;
	if (e->depth > GSQL_DEPTH_MAX)
		gsql_fail(p->g, arg->pos, "Query is too complex: more than %d operators in a row",
			  GSQL_DEPTH_MAX);
}

static struct gsql_expr *operation(struct gsql_parser *p, const struct gsql_token *at,
				   const char *text, struct gsql_expr *a, struct gsql_expr *b)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_OPERATOR, a->pos);
	if (b == NULL)
		e->pos = at->pos;
	e->text = text;
	gsql_add_arg(p, e, a);
	if (b != NULL)
		gsql_add_arg(p, e, b);
	return e;
}

static struct gsql_expr *parse_unary(struct gsql_parser *p)
{
	const struct gsql_token *t = p->t;
	if (!gsql_at_symbol(p, "-") && !gsql_at_symbol(p, "+") && !gsql_at_symbol(p, "~"))
		return gsql_parse_primary(p);
	p->t++;
	/* The sign belongs to the literal: -9223372036854775808 has no positive counterpart. */
	if (t->text[0] != '~' && (p->t->kind == GSQL_T_INT || p->t->kind == GSQL_T_FLOAT)) {
		struct gsql_expr *e = gsql_parse_primary(p);
		if (e->kind == GSQL_X_INT || e->kind == GSQL_X_FLOAT) {
			e->pos = t->pos;
			if (t->text[0] == '-')
				e->text = gsql_printf(p->g, "-%s", e->text);
			return e;
		}
		return operation(p, t, t->text, e, NULL);
	}
	gsql_enter(p);
	struct gsql_expr *e = operation(p, t, t->text, parse_unary(p), NULL);
	gsql_leave(p);
	return e;
}

/* Left-associative binary operators, loosest first; the last row binds tightest. */
static const char *const levels[][4] = { { "|" },        { "^" },      { "&" },
					 { "<<", ">>" }, { "+", "-" }, { "*", "/", "||" } };
enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };

static struct gsql_expr *parse_level(struct gsql_parser *p, size_t level)
{
	if (level == LEVELS)
		return parse_unary(p);
	struct gsql_expr *left = parse_level(p, level + 1);
	for (;;) {
		const struct gsql_token *t = p->t;
		bool found = false;
		for (size_t i = 0; i < 4 && levels[level][i] != NULL; i++)
			found = found || gsql_at_symbol(p, levels[level][i]);
		if (!found)
			return left;
		p->t++;
		left = operation(p, t, t->text, left, parse_level(p, level + 1));
	}
}

static struct gsql_expr *parse_is(struct gsql_parser *p, struct gsql_expr *left)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_IS, left->pos);
	gsql_add_arg(p, e, left);
	e->negated = gsql_take_word(p, "NOT");
	if (gsql_take_word(p, "NULL")) {
		e->text = "NULL";
	} else if (gsql_take_word(p, "TRUE")) {
		e->text = "TRUE";
	} else if (gsql_take_word(p, "FALSE")) {
		e->text = "FALSE";
	} else if (gsql_take_words(p, "DISTINCT", "FROM")) {
		e->text = "DISTINCT FROM";
		gsql_add_arg(p, e, parse_level(p, 0));
	} else {
		gsql_unexpected(p);
	}
	return e;
}

static struct gsql_expr *parse_in(struct gsql_parser *p, struct gsql_expr *left)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_IN, left->pos);
	gsql_add_arg(p, e, left);
	if (gsql_take_word(p, "UNNEST")) {
		e->unnest = true;
		gsql_need_symbol(p, "(");
		gsql_add_arg(p, e, gsql_parse_expr(p));
	} else {
		gsql_need_symbol(p, "(");
		if (gsql_at_word(p, "SELECT") || gsql_at_word(p, "WITH")) {
			e->query = gsql_parse_query(p);
		} else {
			do
				gsql_add_arg(p, e, gsql_parse_expr(p));
			while (gsql_take_symbol(p, ","));
		}
	}
	gsql_need_symbol(p, ")");
	return e;
}

static struct gsql_expr *parse_comparison(struct gsql_parser *p)
{
	static const char *const symbols[] = { "=", "<>", "!=", "<", "<=", ">", ">=" };
	struct gsql_expr *left = parse_level(p, 0);
	const struct gsql_token *t = p->t;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (gsql_take_symbol(p, symbols[i]))
			return operation(p, t, i == 2 ? "<>" : symbols[i], left, parse_level(p, 0));
	if (gsql_take_word(p, "IS"))
		return parse_is(p, left);
	bool negated = gsql_at_word(p, "NOT");
	const char *next = negated ? t[1].text : t->text;
	if ((negated ? t[1].kind : t->kind) != GSQL_T_WORD ||
	    (!gsql_same(next, "IN") && !gsql_same(next, "LIKE") && !gsql_same(next, "BETWEEN")))
		return left;
	p->t += negated ? 2 : 1;
	struct gsql_expr *e;
	if (gsql_same(next, "IN")) {
		e = parse_in(p, left);
	} else if (gsql_same(next, "LIKE")) {
		e = operation(p, t, "LIKE", left, parse_level(p, 0));
	} else {
		e = gsql_make_expr(p, GSQL_X_BETWEEN, left->pos);
		gsql_add_arg(p, e, left);
		gsql_add_arg(p, e, parse_level(p, 0));
		gsql_need_word(p, "AND");
		gsql_add_arg(p, e, parse_level(p, 0));
	}
	e->negated = negated;
	return e;
}

static struct gsql_expr *parse_not(struct gsql_parser *p)
{
	const struct gsql_token *t = p->t;
	if (!gsql_take_word(p, "NOT"))
		return parse_comparison(p);
	gsql_enter(p);
	struct gsql_expr *e = operation(p, t, "NOT", parse_not(p), NULL);
	gsql_leave(p);
	return e;
}

static struct gsql_expr *parse_and(struct gsql_parser *p)
{
	struct gsql_expr *left = parse_not(p);
	while (gsql_at_word(p, "AND")) {
		const struct gsql_token *t = p->t++;
		left = operation(p, t, "AND", left, parse_not(p));
	}
	return left;
}

struct gsql_expr *gsql_parse_expr(struct gsql_parser *p)
{
	gsql_enter(p);
	struct gsql_expr *left = parse_and(p);
	while (gsql_at_word(p, "OR")) {
		const struct gsql_token *t = p->t++;
		left = operation(p, t, "OR", left, parse_and(p));
	}
	gsql_leave(p);
	return left;
}
