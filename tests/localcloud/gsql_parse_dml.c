/* INSERT, UPDATE, DELETE, TRUNCATE, MERGE: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax */
#include "tests/localcloud/gsql_parse.h"

#include <string.h>

static void parse_values_row(struct gsql_parser *p, struct gsql_insert *insert)
{
	struct gsql_expr **row = NULL;
	size_t n = 0;
	gsql_need_symbol(p, "(");
	do
		GSQL_PUSH(p->g, row, n, gsql_parse_expr(p));
	while (gsql_take_symbol(p, ","));
	gsql_need_symbol(p, ")");
	size_t rows = insert->row_count;
	insert->rows = gsql_grow(p->g, insert->rows, rows, sizeof(struct gsql_expr **));
	insert->rows[rows] = row;
	GSQL_PUSH(p->g, insert->row_sizes, insert->row_count, n);
}

/* [(columns)] then VALUES, ROW or a query. */
static struct gsql_insert *parse_insert(struct gsql_parser *p, bool merge)
{
	struct gsql_insert *insert = gsql_alloc(p->g, sizeof(*insert));
	const struct gsql_token *next = &p->t[1];
	bool query = next->kind == GSQL_T_WORD &&
		     (gsql_same(next->text, "SELECT") || gsql_same(next->text, "WITH"));
	if (gsql_at_symbol(p, "(") && (merge || !query)) {
		p->t++;
		do {
			size_t n = insert->column_count;
			insert->column_pos =
				gsql_grow(p->g, insert->column_pos, n, sizeof(struct gsql_pos));
			insert->column_pos[n] = p->t->pos;
			GSQL_PUSH(p->g, insert->columns, insert->column_count,
				  gsql_need_identifier(p));
		} while (gsql_take_symbol(p, ","));
		gsql_need_symbol(p, ")");
	}
	if (gsql_take_word(p, "VALUES")) {
		do
			parse_values_row(p, insert);
		while (!merge && gsql_take_symbol(p, ","));
	} else if (merge) {
		gsql_need_word(p, "ROW");
		insert->row = true;
	} else {
		insert->query = gsql_parse_query(p);
	}
	return insert;
}

static struct gsql_assignment *parse_assignments(struct gsql_parser *p, size_t *count)
{
	struct gsql_assignment *set = NULL;
	*count = 0;
	gsql_need_word(p, "SET");
	do {
		struct gsql_assignment a = { .pos = p->t->pos };
		a.column = gsql_need_identifier(p);
		if (gsql_take_symbol(p, ".")) {
			a.table = a.column;
			a.column = gsql_need_identifier(p);
			if (gsql_at_symbol(p, "."))
				gsql_fail(p->g, a.pos,
					  "Updating a field of a STRUCT is not supported");
		}
		gsql_need_symbol(p, "=");
		a.value = gsql_parse_expr(p);
		GSQL_PUSH(p->g, set, *count, a);
	} while (gsql_take_symbol(p, ","));
	return set;
}

static struct gsql_when parse_when(struct gsql_parser *p)
{
	struct gsql_when w = { .pos = p->t->pos };
	gsql_need_word(p, "WHEN");
	bool negated = gsql_take_word(p, "NOT");
	gsql_need_word(p, "MATCHED");
	w.kind = GSQL_WHEN_MATCHED;
	if (negated) {
		w.kind = GSQL_WHEN_NOT_MATCHED;
		if (gsql_take_words(p, "BY", "SOURCE"))
			w.kind = GSQL_WHEN_NOT_MATCHED_BY_SOURCE;
		else if (gsql_take_word(p, "BY"))
			gsql_need_word(p, "TARGET");
	}
	if (gsql_take_word(p, "AND"))
		w.condition = gsql_parse_expr(p);
	gsql_need_word(p, "THEN");
	if (w.kind == GSQL_WHEN_NOT_MATCHED) {
		gsql_need_word(p, "INSERT");
		w.action = GSQL_ACTION_INSERT;
		w.insert = parse_insert(p, true);
	} else if (gsql_take_word(p, "DELETE")) {
		w.action = GSQL_ACTION_DELETE;
	} else {
		gsql_need_word(p, "UPDATE");
		w.action = GSQL_ACTION_UPDATE;
		w.set = parse_assignments(p, &w.set_count);
	}
	return w;
}

static void parse_merge(struct gsql_parser *p, struct gsql_statement *s)
{
	s->kind = GSQL_S_MERGE;
	gsql_take_word(p, "INTO");
	s->name = gsql_parse_table_name(p);
	s->alias = gsql_parse_alias(p);
	gsql_need_word(p, "USING");
	s->from = gsql_parse_from(p);
	gsql_need_word(p, "ON");
	s->where = gsql_parse_expr(p);
	do
		GSQL_PUSH(p->g, s->when, s->when_count, parse_when(p));
	while (gsql_at_word(p, "WHEN"));
}

static struct gsql_expr *parse_where(struct gsql_parser *p, const char *statement)
{
	if (!gsql_take_word(p, "WHERE")) {
		if (p->t->kind != GSQL_T_END && !gsql_at_symbol(p, ";"))
			gsql_unexpected(p);
		gsql_fail(p->g, p->t->pos, "%s must have a WHERE clause", statement);
	}
	return gsql_parse_expr(p);
}

struct gsql_statement *gsql_parse_dml(struct gsql_parser *p)
{
	struct gsql_statement *s = gsql_alloc(p->g, sizeof(*s));
	s->pos = p->t->pos;
	if (gsql_take_word(p, "MERGE")) {
		parse_merge(p, s);
	} else if (gsql_take_word(p, "INSERT")) {
		s->kind = GSQL_S_INSERT;
		gsql_take_word(p, "INTO");
		s->name = gsql_parse_table_name(p);
		s->insert = parse_insert(p, false);
	} else if (gsql_take_word(p, "UPDATE")) {
		s->kind = GSQL_S_UPDATE;
		s->name = gsql_parse_table_name(p);
		s->alias = gsql_parse_alias(p);
		s->set = parse_assignments(p, &s->set_count);
		if (gsql_take_word(p, "FROM"))
			s->from = gsql_parse_from(p);
		s->where = parse_where(p, "UPDATE");
	} else if (gsql_take_word(p, "DELETE")) {
		s->kind = GSQL_S_DELETE;
		gsql_take_word(p, "FROM");
		s->name = gsql_parse_table_name(p);
		s->alias = gsql_parse_alias(p);
		s->where = parse_where(p, "DELETE");
	} else {
		gsql_need_word(p, "TRUNCATE");
		gsql_need_word(p, "TABLE");
		s->kind = GSQL_S_TRUNCATE;
		s->name = gsql_parse_table_name(p);
	}
	if (gsql_at_word(p, "ASSERT_ROWS_MODIFIED"))
		gsql_fail(p->g, p->t->pos, "ASSERT_ROWS_MODIFIED is not supported");
	return s;
}
