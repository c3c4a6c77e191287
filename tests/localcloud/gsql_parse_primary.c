/* Literals, names, calls and what stands in brackets. */
#include "tests/localcloud/gsql_parse.h"

#include <ctype.h>
#include <string.h>

static const char *upper(struct gsql_parser *p, const char *s)
{
	char *copy = gsql_strndup(p->g, s, strlen(s));
	for (char *c = copy; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

struct gsql_order *gsql_parse_order(struct gsql_parser *p, size_t *count)
{
	struct gsql_order *order = NULL;
	*count = 0;
	gsql_need_word(p, "ORDER");
	gsql_need_word(p, "BY");
	do {
		struct gsql_order o = { .expr = gsql_parse_expr(p) };
		o.descending = gsql_take_word(p, "DESC");
		if (!o.descending)
			gsql_take_word(p, "ASC");
		if (gsql_take_words(p, "NULLS", "FIRST"))
			o.nulls = 1;
		else if (gsql_take_words(p, "NULLS", "LAST"))
			o.nulls = -1;
		GSQL_PUSH(p->g, order, *count, o);
	} while (gsql_take_symbol(p, ","));
	return order;
}

static const char *frame_bound(struct gsql_parser *p)
{
	if (gsql_take_words(p, "UNBOUNDED", "PRECEDING"))
		return "UNBOUNDED PRECEDING";
	if (gsql_take_words(p, "UNBOUNDED", "FOLLOWING"))
		return "UNBOUNDED FOLLOWING";
	if (gsql_take_words(p, "CURRENT", "ROW"))
		return "CURRENT ROW";
	if (p->t->kind != GSQL_T_INT)
		gsql_unexpected(p);
	const char *n = (p->t++)->text;
	if (gsql_take_word(p, "PRECEDING"))
		return gsql_printf(p->g, "%s PRECEDING", n);
	gsql_need_word(p, "FOLLOWING");
	return gsql_printf(p->g, "%s FOLLOWING", n);
}

struct gsql_window *gsql_parse_window(struct gsql_parser *p)
{
	struct gsql_window *w = gsql_alloc(p->g, sizeof(*w));
	if (!gsql_at_symbol(p, "("))
		gsql_fail(p->g, p->t->pos, "Named windows are not supported");
	p->t++;
	if (gsql_take_words(p, "PARTITION", "BY")) {
		do
			GSQL_PUSH(p->g, w->partition, w->partition_count, gsql_parse_expr(p));
		while (gsql_take_symbol(p, ","));
	}
	if (gsql_at_word(p, "ORDER"))
		w->order = gsql_parse_order(p, &w->order_count);
	if (gsql_at_word(p, "ROWS") || gsql_at_word(p, "RANGE")) {
		const char *unit = upper(p, (p->t++)->text);
		if (gsql_take_word(p, "BETWEEN")) {
			const char *from = frame_bound(p);
			gsql_need_word(p, "AND");
			w->frame = gsql_printf(p->g, "%s BETWEEN %s AND %s", unit, from,
					       frame_bound(p));
		} else {
			w->frame = gsql_printf(p->g, "%s %s", unit, frame_bound(p));
		}
	}
	gsql_need_symbol(p, ")");
	return w;
}

static void parse_arguments(struct gsql_parser *p, struct gsql_expr *e)
{
	e->distinct = gsql_take_word(p, "DISTINCT");
	if (gsql_take_symbol(p, "*")) {
		e->star = true;
	} else if (!gsql_at_symbol(p, ")")) {
		do
			gsql_add_arg(p, e, gsql_parse_expr(p));
		while (gsql_take_symbol(p, ","));
	}
	if (gsql_take_words(p, "IGNORE", "NULLS"))
		e->ignore_nulls = true;
	else
		gsql_take_words(p, "RESPECT", "NULLS");
	if (gsql_at_word(p, "HAVING"))
		gsql_fail(p->g, p->t->pos, "HAVING inside an aggregate function is not supported");
	if (gsql_at_word(p, "ORDER"))
		e->order = gsql_parse_order(p, &e->order_count);
	if (gsql_take_word(p, "LIMIT"))
		e->limit = gsql_parse_expr(p);
	gsql_need_symbol(p, ")");
}

/* At the parenthesis; name is in upper case, with dots for SAFE.x and NET.x. */
static struct gsql_expr *parse_call(struct gsql_parser *p, const char *name, struct gsql_pos pos)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_CALL, pos);
	e->text = name;
	gsql_need_symbol(p, "(");
	parse_arguments(p, e);
	if (gsql_take_word(p, "OVER"))
		e->over = gsql_parse_window(p);
	return e;
}

static struct gsql_expr *parse_case(struct gsql_parser *p)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_CASE, (p->t++)->pos);
	if (!gsql_at_word(p, "WHEN")) {
		e->has_operand = true;
		gsql_add_arg(p, e, gsql_parse_expr(p));
	}
	do {
		gsql_need_word(p, "WHEN");
		gsql_add_arg(p, e, gsql_parse_expr(p));
		gsql_need_word(p, "THEN");
		gsql_add_arg(p, e, gsql_parse_expr(p));
	} while (gsql_at_word(p, "WHEN"));
	if (gsql_take_word(p, "ELSE")) {
		e->has_else = true;
		gsql_add_arg(p, e, gsql_parse_expr(p));
	}
	gsql_need_word(p, "END");
	return e;
}

static struct gsql_expr *parse_cast(struct gsql_parser *p)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_CAST, p->t->pos);
	e->safe = gsql_same((p->t++)->text, "SAFE_CAST");
	gsql_need_symbol(p, "(");
	gsql_add_arg(p, e, gsql_parse_expr(p));
	gsql_need_word(p, "AS");
	e->type = gsql_parse_type(p, true);
	if (gsql_at_word(p, "FORMAT"))
		gsql_fail(p->g, p->t->pos, "CAST with FORMAT is not supported");
	gsql_need_symbol(p, ")");
	return e;
}

static struct gsql_expr *parse_extract(struct gsql_parser *p)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_EXTRACT, (p->t++)->pos);
	gsql_need_symbol(p, "(");
	e->text = upper(p, gsql_need_identifier(p));
	if (gsql_same(e->text, "WEEK") && gsql_take_symbol(p, "(")) {
		e->text = gsql_printf(p->g, "WEEK(%s)", upper(p, gsql_need_identifier(p)));
		gsql_need_symbol(p, ")");
	}
	gsql_need_word(p, "FROM");
	gsql_add_arg(p, e, gsql_parse_expr(p));
	if (gsql_take_words(p, "AT", "TIME")) {
		gsql_need_word(p, "ZONE");
		gsql_add_arg(p, e, gsql_parse_expr(p));
	}
	gsql_need_symbol(p, ")");
	return e;
}

static struct gsql_expr *parse_subquery(struct gsql_parser *p, enum gsql_expr_kind kind,
					struct gsql_pos pos)
{
	struct gsql_expr *e = gsql_make_expr(p, kind, pos);
	gsql_need_symbol(p, "(");
	e->query = gsql_parse_query(p);
	gsql_need_symbol(p, ")");
	return e;
}

static struct gsql_expr *parse_array(struct gsql_parser *p)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_ARRAY, p->t->pos);
	if (gsql_at_word(p, "ARRAY") && p->t[1].kind == GSQL_T_SYMBOL &&
	    strcmp(p->t[1].text, "(") == 0) {
		p->t++;
		return parse_subquery(p, GSQL_X_ARRAY_QUERY, e->pos);
	}
	if (gsql_at_word(p, "ARRAY") && p->t[1].kind == GSQL_T_SYMBOL &&
	    strcmp(p->t[1].text, "<") == 0)
		e->type = gsql_parse_type(p, false);
	else
		gsql_take_word(p, "ARRAY");
	gsql_need_symbol(p, "[");
	if (!gsql_at_symbol(p, "]")) {
		do
			gsql_add_arg(p, e, gsql_parse_expr(p));
		while (gsql_take_symbol(p, ","));
	}
	gsql_need_symbol(p, "]");
	return e;
}

static struct gsql_expr *parse_struct(struct gsql_parser *p)
{
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_STRUCT, p->t->pos);
	if (p->t[1].kind == GSQL_T_SYMBOL && strcmp(p->t[1].text, "<") == 0)
		e->type = gsql_parse_type(p, false);
	else
		p->t++;
	gsql_need_symbol(p, "(");
	while (!gsql_at_symbol(p, ")")) {
		gsql_add_arg(p, e, gsql_parse_expr(p));
		const char *name =
			e->type == NULL && gsql_take_word(p, "AS") ? gsql_need_identifier(p) : NULL;
		GSQL_PUSH(p->g, e->parts, e->part_count, name);
		if (!gsql_take_symbol(p, ","))
			break;
	}
	gsql_need_symbol(p, ")");
	return e;
}

/* A parenthesis: a subquery, a tuple (which is a STRUCT) or just an expression. */
static struct gsql_expr *parse_parenthesis(struct gsql_parser *p)
{
	const struct gsql_token *open = p->t;
	const struct gsql_token *t = open;
	while (t->kind == GSQL_T_SYMBOL && strcmp(t->text, "(") == 0)
		t++;
	if (t == open + 1 && t->kind == GSQL_T_WORD &&
	    (gsql_same(t->text, "SELECT") || gsql_same(t->text, "WITH")))
		return parse_subquery(p, GSQL_X_SUBQUERY, open->pos);
	p->t++;
	struct gsql_expr *first = gsql_parse_expr(p);
	if (gsql_take_symbol(p, ")"))
		return first;
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_STRUCT, open->pos);
	gsql_add_arg(p, e, first);
	GSQL_PUSH(p->g, e->parts, e->part_count, NULL);
	while (gsql_take_symbol(p, ",")) {
		gsql_add_arg(p, e, gsql_parse_expr(p));
		GSQL_PUSH(p->g, e->parts, e->part_count, NULL);
	}
	gsql_need_symbol(p, ")");
	return e;
}

static struct gsql_expr *parse_literal(struct gsql_parser *p)
{
	static const enum gsql_expr_kind kinds[] = {
		[GSQL_T_STRING] = GSQL_X_STRING, [GSQL_T_BYTES] = GSQL_X_BYTES,
		[GSQL_T_INT] = GSQL_X_INT,       [GSQL_T_FLOAT] = GSQL_X_FLOAT,
		[GSQL_T_PARAM] = GSQL_X_PARAM,   [GSQL_T_POSITION] = GSQL_X_PARAM
	};
	const struct gsql_token *t = p->t++;
	struct gsql_expr *e = gsql_make_expr(p, kinds[t->kind], t->pos);
	e->text = t->kind == GSQL_T_POSITION ? NULL : t->text;
	e->len = t->len;
	e->index = t->index;
	return e;
}

static struct gsql_expr *parse_reserved(struct gsql_parser *p)
{
	struct gsql_pos pos = p->t->pos;
	if (gsql_at_word(p, "NULL") || gsql_at_word(p, "DEFAULT")) {
		bool null = gsql_same((p->t++)->text, "NULL");
		return gsql_make_expr(p, null ? GSQL_X_NULL : GSQL_X_DEFAULT, pos);
	}
	if (gsql_at_word(p, "TRUE") || gsql_at_word(p, "FALSE")) {
		struct gsql_expr *e = gsql_make_expr(p, GSQL_X_BOOL, pos);
		e->text = upper(p, (p->t++)->text);
		return e;
	}
	if (gsql_at_word(p, "CASE"))
		return parse_case(p);
	if (gsql_at_word(p, "CAST"))
		return parse_cast(p);
	if (gsql_at_word(p, "EXTRACT"))
		return parse_extract(p);
	if (gsql_at_word(p, "ARRAY"))
		return parse_array(p);
	if (gsql_at_word(p, "STRUCT"))
		return parse_struct(p);
	if (gsql_take_word(p, "EXISTS"))
		return parse_subquery(p, GSQL_X_EXISTS, pos);
	if (gsql_take_word(p, "INTERVAL")) {
		struct gsql_expr *e = gsql_make_expr(p, GSQL_X_INTERVAL, pos);
		gsql_add_arg(p, e, gsql_parse_expr(p));
		e->text = upper(p, gsql_need_identifier(p));
		if (gsql_take_word(p, "TO"))
			GSQL_PUSH(p->g, e->parts, e->part_count, upper(p, gsql_need_identifier(p)));
		return e;
	}
	bool call = p->t[1].kind == GSQL_T_SYMBOL && strcmp(p->t[1].text, "(") == 0;
	if (call && (gsql_at_word(p, "IF") || gsql_at_word(p, "LEFT") || gsql_at_word(p, "RIGHT")))
		return parse_call(p, upper(p, (p->t++)->text), pos);
	gsql_unexpected(p);
}

/* A name, a call, or a literal with its type before it. */
static struct gsql_expr *parse_word(struct gsql_parser *p)
{
	const struct gsql_token *t = p->t;
	if (gsql_at_word(p, "SAFE_CAST"))
		return parse_cast(p);
	const struct gsql_type *type = t->kind == GSQL_T_WORD ? gsql_type_by_name(t->text) : NULL;
	if (type != NULL && t[1].kind == GSQL_T_STRING) {
		struct gsql_expr *e = gsql_make_expr(p, GSQL_X_TYPED, t->pos);
		e->type = type;
		e->text = t[1].text;
		e->len = t[1].len;
		p->t += 2;
		return e;
	}
	const char *name = gsql_need_identifier(p);
	if (gsql_at_symbol(p, "("))
		return parse_call(p, upper(p, name), t->pos);
	bool prefix = gsql_same(name, "SAFE") || gsql_same(name, "NET");
	if (prefix && gsql_at_symbol(p, ".") && p->t[2].kind == GSQL_T_SYMBOL &&
	    strcmp(p->t[2].text, "(") == 0) {
		const char *function = p->t[1].text;
		p->t += 2;
		return parse_call(p, upper(p, gsql_printf(p->g, "%s.%s", name, function)), t->pos);
	}
	struct gsql_expr *e = gsql_make_expr(p, GSQL_X_PATH, t->pos);
	GSQL_PUSH(p->g, e->parts, e->part_count, name);
	return e;
}

/* .field and [subscript] behind an expression. */
static struct gsql_expr *parse_postfix(struct gsql_parser *p, struct gsql_expr *e)
{
	while (gsql_at_symbol(p, ".") || gsql_at_symbol(p, "[")) {
		if (gsql_take_symbol(p, ".")) {
			/* After a dot any word is a name: t.order. */
			if (gsql_at_symbol(p, "*")) {
				p->t--;
				return e;
			}
			if (p->t->kind != GSQL_T_WORD && p->t->kind != GSQL_T_QUOTED)
				gsql_unexpected(p);
			const char *name = (p->t++)->text;
			if (e->kind == GSQL_X_PATH) {
				GSQL_PUSH(p->g, e->parts, e->part_count, name);
				continue;
			}
			struct gsql_expr *field = gsql_make_expr(p, GSQL_X_FIELD, e->pos);
			field->text = name;
			gsql_add_arg(p, field, e);
			e = field;
			continue;
		}
		p->t++;
		struct gsql_expr *index = gsql_make_expr(p, GSQL_X_INDEX, e->pos);
		gsql_add_arg(p, index, e);
		static const char *const modes[] = { "OFFSET", "ORDINAL", "SAFE_OFFSET",
						     "SAFE_ORDINAL" };
		for (size_t i = 0; i < 4; i++)
			if (gsql_at_word(p, modes[i]) && p->t[1].kind == GSQL_T_SYMBOL &&
			    p->t[1].text[0] == '(')
				index->text = modes[i];
		if (index->text != NULL)
			p->t++;
		gsql_add_arg(p, index, gsql_parse_expr(p));
		gsql_need_symbol(p, "]");
		e = index;
	}
	return e;
}

struct gsql_expr *gsql_parse_primary(struct gsql_parser *p)
{
	struct gsql_expr *e;
	switch (p->t->kind) {
	case GSQL_T_STRING:
	case GSQL_T_BYTES:
	case GSQL_T_INT:
	case GSQL_T_FLOAT:
	case GSQL_T_PARAM:
	case GSQL_T_POSITION:
		e = parse_literal(p);
		break;
	case GSQL_T_QUOTED:
		e = parse_word(p);
		break;
	case GSQL_T_WORD:
		e = gsql_reserved(p->t->text) ? parse_reserved(p) : parse_word(p);
		break;
	case GSQL_T_SYMBOL:
		if (gsql_at_symbol(p, "("))
			e = parse_parenthesis(p);
		else if (gsql_at_symbol(p, "["))
			e = parse_array(p);
		else
			gsql_unexpected(p);
		break;
	case GSQL_T_END:
	default:
		gsql_unexpected(p);
	}
	return parse_postfix(p, e);
}
