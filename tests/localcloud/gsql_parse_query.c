/* SELECT and what surrounds it: https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax */
#include "tests/localcloud/gsql_parse.h"

#include <string.h>

const char *gsql_parse_alias(struct gsql_parser *p)
{
	if (gsql_take_word(p, "AS"))
		return gsql_need_identifier(p);
	return gsql_at_identifier(p) ? gsql_need_identifier(p) : NULL;
}

static void push_split(struct gsql_parser *p, struct gsql_name *name, const char *text)
{
	const char *dot;
	while ((dot = strchr(text, '.')) != NULL) {
		GSQL_PUSH(p->g, name->parts, name->part_count,
			  gsql_strndup(p->g, text, (size_t)(dot - text)));
		text = dot + 1;
	}
	GSQL_PUSH(p->g, name->parts, name->part_count, text);
}

struct gsql_name gsql_parse_table_name(struct gsql_parser *p)
{
	struct gsql_name name = { .pos = p->t->pos };
	bool first = true;
	for (;; first = false) {
		if (p->t->kind == GSQL_T_QUOTED) {
			push_split(p, &name, (p->t++)->text);
		} else if (first ? gsql_at_identifier(p) : p->t->kind == GSQL_T_WORD) {
			/* A dashed project comes as several tokens with nothing between them; "-1." reads as a number. */
			const struct gsql_token *from = p->t++;
			while (first && p->t->begin == p->t[-1].end && gsql_at_symbol(p, "-") &&
			       p->t[1].begin == p->t->end &&
			       (p->t[1].kind == GSQL_T_WORD || p->t[1].kind == GSQL_T_INT ||
				p->t[1].kind == GSQL_T_FLOAT))
				p->t += 2;
			size_t len = p->t[-1].end - from->begin;
			bool dot = p->sql[p->t[-1].end - 1] == '.';
			GSQL_PUSH(p->g, name.parts, name.part_count,
				  gsql_strndup(p->g, p->sql + from->begin, len - dot));
			if (dot)
				continue;
		} else {
			gsql_unexpected(p);
		}
		if (!gsql_take_symbol(p, "."))
			break;
	}
	for (size_t i = 0; i < name.part_count; i++)
		if (name.parts[i][0] == '\0' || name.part_count > 4)
			gsql_fail(p->g, name.pos, "Invalid table name");
	return name;
}

static struct gsql_from *make_from(struct gsql_parser *p, enum gsql_from_kind kind,
				   struct gsql_pos pos)
{
	struct gsql_from *f = gsql_alloc(p->g, sizeof(*f));
	f->kind = kind;
	f->pos = pos;
	return f;
}

static struct gsql_from *parse_unnest(struct gsql_parser *p)
{
	struct gsql_from *f = make_from(p, GSQL_FROM_UNNEST, (p->t++)->pos);
	gsql_need_symbol(p, "(");
	f->unnest = gsql_parse_expr(p);
	gsql_need_symbol(p, ")");
	if (!gsql_at_words(p, "WITH", "OFFSET"))
		f->alias = gsql_parse_alias(p);
	if (gsql_take_words(p, "WITH", "OFFSET")) {
		f->offset_alias = gsql_parse_alias(p);
		if (f->offset_alias == NULL)
			f->offset_alias = "offset";
	}
	return f;
}

static struct gsql_from *parse_from_primary(struct gsql_parser *p)
{
	struct gsql_from *f;
	if (gsql_at_word(p, "UNNEST"))
		return parse_unnest(p);
	if (gsql_at_symbol(p, "(")) {
		const struct gsql_token *open = p->t++;
		if (!gsql_at_word(p, "SELECT") && !gsql_at_word(p, "WITH") &&
		    !gsql_at_symbol(p, "(")) {
			f = gsql_parse_from(p);
			gsql_need_symbol(p, ")");
			return f;
		}
		f = make_from(p, GSQL_FROM_QUERY, open->pos);
		f->query = gsql_parse_query(p);
		gsql_need_symbol(p, ")");
	} else {
		f = make_from(p, GSQL_FROM_PATH, p->t->pos);
		struct gsql_name name = gsql_parse_table_name(p);
		f->parts = name.parts;
		f->part_count = name.part_count;
		if (gsql_at_symbol(p, "("))
			gsql_fail(p->g, f->pos, "Table-valued functions are not supported: %s",
				  f->parts[0]);
	}
	static const char *const refused[] = { "PIVOT", "UNPIVOT", "TABLESAMPLE" };
	for (size_t i = 0; i < 3; i++)
		if (gsql_at_word(p, refused[i]) &&
		    (i == 2 || (p->t[1].kind == GSQL_T_SYMBOL && p->t[1].text[0] == '(')))
			gsql_fail(p->g, p->t->pos, "%s is not supported", refused[i]);
	if (gsql_at_words(p, "FOR", "SYSTEM_TIME"))
		gsql_fail(p->g, p->t->pos, "FOR SYSTEM_TIME AS OF is not supported");
	f->alias = gsql_parse_alias(p);
	return f;
}

static bool at_join(struct gsql_parser *p, enum gsql_join *ret)
{
	const struct gsql_token *start = p->t;
	if (gsql_take_symbol(p, ",") || gsql_take_words(p, "CROSS", "JOIN")) {
		*ret = GSQL_JOIN_CROSS;
		return true;
	}
	*ret = GSQL_JOIN_INNER;
	if (gsql_take_word(p, "LEFT"))
		*ret = GSQL_JOIN_LEFT;
	else if (gsql_take_word(p, "RIGHT"))
		*ret = GSQL_JOIN_RIGHT;
	else if (gsql_take_word(p, "FULL"))
		*ret = GSQL_JOIN_FULL;
	if (*ret == GSQL_JOIN_INNER)
		gsql_take_word(p, "INNER");
	else
		gsql_take_word(p, "OUTER");
	if (gsql_take_word(p, "JOIN"))
		return true;
	if (p->t != start)
		gsql_expected(p, "keyword JOIN");
	return false;
}

struct gsql_from *gsql_parse_from(struct gsql_parser *p)
{
	gsql_enter(p);
	struct gsql_from *left = parse_from_primary(p);
	enum gsql_join join;
	unsigned joins = 0;
	while (at_join(p, &join)) {
		if (++joins > 60) /* SQLite joins 64 tables at most */
			gsql_fail(p->g, p->t->pos, "Query is too complex: more than 60 joins");
		struct gsql_from *f = make_from(p, GSQL_FROM_JOIN, p->t->pos);
		f->join = join;
		f->left = left;
		f->right = parse_from_primary(p);
		if (join != GSQL_JOIN_CROSS && gsql_take_word(p, "USING")) {
			gsql_need_symbol(p, "(");
			do
				GSQL_PUSH(p->g, f->columns, f->column_count,
					  gsql_need_identifier(p));
			while (gsql_take_symbol(p, ","));
			gsql_need_symbol(p, ")");
		} else if (join != GSQL_JOIN_CROSS && gsql_take_word(p, "ON")) {
			f->on = gsql_parse_expr(p);
		} else if (join != GSQL_JOIN_CROSS && f->right->kind != GSQL_FROM_UNNEST) {
			gsql_fail(
				p->g, p->t->pos,
				"Syntax error: JOIN must have an immediately following ON or USING clause");
		}
		left = f;
	}
	gsql_leave(p);
	return left;
}

static void parse_star_changes(struct gsql_parser *p, struct gsql_select_item *item)
{
	if (gsql_at_word(p, "EXCEPT") && p->t[1].kind == GSQL_T_SYMBOL && p->t[1].text[0] == '(') {
		p->t += 2;
		do
			GSQL_PUSH(p->g, item->except, item->except_count, gsql_need_identifier(p));
		while (gsql_take_symbol(p, ","));
		gsql_need_symbol(p, ")");
	}
	if (gsql_at_word(p, "REPLACE") && p->t[1].kind == GSQL_T_SYMBOL && p->t[1].text[0] == '(') {
		p->t += 2;
		do {
			struct gsql_replace r = { .expr = gsql_parse_expr(p) };
			gsql_take_word(p, "AS");
			r.name = gsql_need_identifier(p);
			GSQL_PUSH(p->g, item->replace, item->replace_count, r);
		} while (gsql_take_symbol(p, ","));
		gsql_need_symbol(p, ")");
	}
}

static struct gsql_select_item parse_item(struct gsql_parser *p)
{
	struct gsql_select_item item = { .pos = p->t->pos };
	if (gsql_take_symbol(p, "*")) {
		item.star = true;
		parse_star_changes(p, &item);
		return item;
	}
	item.expr = gsql_parse_expr(p);
	if (gsql_take_symbol(p, ".")) {
		gsql_need_symbol(p, "*");
		item.star = true;
		parse_star_changes(p, &item);
		return item;
	}
	item.alias = gsql_parse_alias(p);
	return item;
}

static void parse_group(struct gsql_parser *p, struct gsql_select *s)
{
	static const char *const refused[] = { "ROLLUP", "CUBE", "GROUPING", "ALL" };
	for (size_t i = 0; i < 4; i++)
		if (gsql_at_word(p, refused[i]))
			gsql_fail(p->g, p->t->pos, "GROUP BY %s is not supported", refused[i]);
	s->has_group = true;
	do
		GSQL_PUSH(p->g, s->group, s->group_count, gsql_parse_expr(p));
	while (gsql_take_symbol(p, ","));
}

static struct gsql_select *parse_select(struct gsql_parser *p)
{
	struct gsql_select *s = gsql_alloc(p->g, sizeof(*s));
	s->pos = p->t->pos;
	gsql_need_word(p, "SELECT");
	s->distinct = gsql_take_word(p, "DISTINCT");
	if (!s->distinct)
		gsql_take_word(p, "ALL");
	if (gsql_at_words(p, "AS", "STRUCT") || gsql_at_words(p, "AS", "VALUE"))
		gsql_fail(p->g, p->t->pos, "SELECT AS %s is not supported", p->t[1].text);
	do {
		if (s->item_count > 0 && gsql_at_word(p, "FROM")) /* a comma may end the list */
			break;
		GSQL_PUSH(p->g, s->items, s->item_count, parse_item(p));
	} while (gsql_take_symbol(p, ","));
	if (gsql_take_word(p, "FROM"))
		s->from = gsql_parse_from(p);
	if (gsql_take_word(p, "WHERE"))
		s->where = gsql_parse_expr(p);
	if (gsql_take_words(p, "GROUP", "BY"))
		parse_group(p, s);
	if (gsql_take_word(p, "HAVING"))
		s->having = gsql_parse_expr(p);
	if (gsql_take_word(p, "QUALIFY"))
		s->qualify = gsql_parse_expr(p);
	if (gsql_at_word(p, "WINDOW"))
		gsql_fail(p->g, p->t->pos, "Named windows are not supported");
	return s;
}

static struct gsql_body *parse_body_primary(struct gsql_parser *p)
{
	struct gsql_body *b = gsql_alloc(p->g, sizeof(*b));
	b->pos = p->t->pos;
	if (gsql_take_symbol(p, "(")) {
		b->query = gsql_parse_query(p);
		gsql_need_symbol(p, ")");
	} else if (gsql_at_word(p, "SELECT")) {
		b->select = parse_select(p);
	} else {
		gsql_unexpected(p);
	}
	return b;
}

static const char *take_set_operator(struct gsql_parser *p)
{
	static const char *const words[] = { "UNION", "INTERSECT", "EXCEPT" };
	for (size_t i = 0; i < 3; i++) {
		if (!gsql_take_word(p, words[i]))
			continue;
		if (gsql_take_word(p, "DISTINCT"))
			return words[i];
		if (i > 0 || !gsql_at_word(p, "ALL"))
			gsql_expected(p, i > 0 ? "keyword DISTINCT"
					       : "keyword ALL or keyword DISTINCT");
		p->t++;
		return "UNION ALL";
	}
	return NULL;
}

static struct gsql_body *parse_body(struct gsql_parser *p)
{
	struct gsql_body *first = parse_body_primary(p);
	struct gsql_body *all = NULL;
	const char *operator;
	struct gsql_pos pos = p->t->pos;
	while ((operator= take_set_operator(p)) != NULL) {
		if (all == NULL) {
			all = gsql_alloc(p->g, sizeof(*all));
			all->pos = first->pos;
			all->operator= operator;
			GSQL_PUSH(p->g, all->inputs, all->input_count, first);
		}
		if (strcmp(all->operator, operator) != 0)
			gsql_fail(
				p->g, pos,
				"Syntax error: Different set operations cannot be used in the same query without "
				"using parentheses for grouping");
		GSQL_PUSH(p->g, all->inputs, all->input_count, parse_body_primary(p));
		pos = p->t->pos;
	}
	return all == NULL ? first : all;
}

struct gsql_query *gsql_parse_query(struct gsql_parser *p)
{
	gsql_enter(p);
	struct gsql_query *q = gsql_alloc(p->g, sizeof(*q));
	q->pos = p->t->pos;
	if (gsql_take_word(p, "WITH")) {
		if (gsql_at_word(p, "RECURSIVE"))
			gsql_fail(p->g, p->t->pos, "WITH RECURSIVE is not supported");
		do {
			struct gsql_with w = { .pos = p->t->pos };
			w.name = gsql_need_identifier(p);
			gsql_need_word(p, "AS");
			gsql_need_symbol(p, "(");
			w.query = gsql_parse_query(p);
			gsql_need_symbol(p, ")");
			GSQL_PUSH(p->g, q->with, q->with_count, w);
		} while (gsql_take_symbol(p, ","));
	}
	q->body = parse_body(p);
	if (gsql_at_word(p, "ORDER"))
		q->order = gsql_parse_order(p, &q->order_count);
	if (gsql_take_word(p, "LIMIT")) {
		q->limit = gsql_parse_expr(p);
		if (gsql_take_word(p, "OFFSET"))
			q->offset = gsql_parse_expr(p);
	}
	gsql_leave(p);
	return q;
}
