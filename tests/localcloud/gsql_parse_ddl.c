/* CREATE, DROP, ALTER and types: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language */
#include "tests/localcloud/gsql_parse.h"

#include <string.h>

static int64_t parse_parameter(struct gsql_parser *p)
{
	int64_t n = 0;
	if (p->t->kind != GSQL_T_INT || !gsql_parse_int(p->t->text, p->t->len, &n))
		gsql_unexpected(p);
	p->t++;
	return n;
}

/* (P[,S]) or (L) behind a type's name, checked as BigQuery does. */
static const struct gsql_type *parse_type_parameters(struct gsql_parser *p,
						     const struct gsql_type *base)
{
	struct gsql_type *t = gsql_alloc(p->g, sizeof(*t));
	struct gsql_pos pos = p->t->pos;
	*t = *base;
	p->t++;
	int64_t first = parse_parameter(p);
	int64_t scale = gsql_take_symbol(p, ",") ? parse_parameter(p) : 0;
	gsql_need_symbol(p, ")");
	bool big = t->kind == GSQL_BIGNUMERIC;
	if (t->kind == GSQL_STRING || t->kind == GSQL_BYTES) {
		t->length = first;
	} else if (t->kind == GSQL_NUMERIC || big) {
		int64_t max_scale = big ? 38 : 9;
		if (scale > max_scale || first < 1 || first < scale ||
		    first > scale + (big ? 38 : 29))
			gsql_fail(p->g, pos, "Invalid precision or scale of %s",
				  big ? "BIGNUMERIC" : "NUMERIC");
		t->precision = (int)first;
		t->scale = (int)scale;
	} else {
		gsql_fail(p->g, pos, "%s does not support type parameters",
			  gsql_type_name(p->g, t));
	}
	if (t->length < 1 && t->precision < 1)
		gsql_fail(p->g, pos, "Invalid length of %s", gsql_type_name(p->g, t));
	return t;
}

/* ">" that closes a type; ">>" closes two, one at a time. */
static void need_close(struct gsql_parser *p)
{
	if (!gsql_at_symbol(p, ">>")) {
		gsql_need_symbol(p, ">");
	} else if (p->half_closed) {
		p->half_closed = false;
		p->t++;
	} else {
		p->half_closed = true;
	}
}

static const struct gsql_type *parse_struct_type(struct gsql_parser *p, bool of_column)
{
	struct gsql_field *fields = NULL;
	size_t n = 0;
	gsql_need_symbol(p, "<");
	do {
		struct gsql_field f = { .name = "" };
		bool named = p->t[1].kind == GSQL_T_WORD || p->t[1].kind == GSQL_T_QUOTED;
		if (of_column || named)
			f.name = gsql_need_identifier(p);
		f.type = gsql_parse_type(p, of_column);
		f.required = of_column && gsql_take_words(p, "NOT", "NULL");
		GSQL_PUSH(p->g, fields, n, f);
	} while (gsql_take_symbol(p, ","));
	need_close(p);
	return gsql_struct_of(p->g, fields, n);
}

const struct gsql_type *gsql_parse_type(struct gsql_parser *p, bool of_column)
{
	const struct gsql_type *t;
	gsql_enter(p);
	if (gsql_take_word(p, "ARRAY")) {
		struct gsql_pos pos = p->t->pos;
		gsql_need_symbol(p, "<");
		t = gsql_array_of(p->g, gsql_parse_type(p, of_column));
		if (t->element->kind == GSQL_ARRAY)
			gsql_fail(p->g, pos, "Arrays of arrays are not supported");
		need_close(p);
	} else if (gsql_take_word(p, "STRUCT")) {
		t = parse_struct_type(p, of_column);
	} else if (gsql_take_word(p, "INTERVAL")) {
		t = gsql_type(GSQL_INTERVAL);
	} else {
		if (p->t->kind != GSQL_T_WORD || gsql_reserved(p->t->text))
			gsql_unexpected(p);
		t = gsql_type_by_name(p->t->text);
		if (t == NULL)
			gsql_fail(p->g, p->t->pos, "Type not found: %s", p->t->text);
		p->t++;
		if (of_column && gsql_at_symbol(p, "("))
			t = parse_type_parameters(p, t);
	}
	gsql_leave(p);
	return t;
}

static void parse_options(struct gsql_parser *p, struct gsql_options *options)
{
	gsql_need_symbol(p, "(");
	while (!gsql_at_symbol(p, ")")) {
		struct gsql_option o = { .pos = p->t->pos };
		o.name = gsql_need_identifier(p);
		gsql_need_symbol(p, "=");
		o.value = gsql_parse_expr(p);
		GSQL_PUSH(p->g, options->items, options->count, o);
		if (!gsql_take_symbol(p, ","))
			break;
	}
	gsql_need_symbol(p, ")");
}

static struct gsql_column_def parse_column(struct gsql_parser *p)
{
	struct gsql_column_def c = { .pos = p->t->pos };
	c.field.name = gsql_need_identifier(p);
	c.field.type = gsql_parse_type(p, true);
	for (;;) {
		if (gsql_take_words(p, "NOT", "NULL"))
			c.field.required = true;
		else if (gsql_at_word(p, "DEFAULT") || gsql_at_word(p, "COLLATE") ||
			 gsql_at_word(p, "PRIMARY"))
			gsql_fail(p->g, p->t->pos, "%s of a column is not supported", p->t->text);
		else
			break;
	}
	/* Always the last: a NOT NULL after it is a syntax error. */
	if (gsql_take_word(p, "OPTIONS"))
		parse_options(p, &c.options);
	if (c.field.required && c.field.type->kind == GSQL_ARRAY)
		gsql_fail(p->g, c.pos, "NOT NULL constraint is not supported for ARRAY columns");
	return c;
}

static void parse_table_elements(struct gsql_parser *p, struct gsql_statement *s)
{
	gsql_need_symbol(p, "(");
	while (!gsql_at_symbol(p, ")")) {
		if (gsql_at_words(p, "PRIMARY", "KEY") || gsql_at_words(p, "FOREIGN", "KEY") ||
		    gsql_at_word(p, "CONSTRAINT"))
			gsql_fail(p->g, p->t->pos, "Table constraints are not supported");
		GSQL_PUSH(p->g, s->columns, s->column_count, parse_column(p));
		if (!gsql_take_symbol(p, ","))
			break;
	}
	gsql_need_symbol(p, ")");
}

static void parse_create_table(struct gsql_parser *p, struct gsql_statement *s)
{
	static const char *const refused[] = { "LIKE", "CLONE", "COPY" };
	s->kind = GSQL_S_CREATE_TABLE;
	for (size_t i = 0; i < 3; i++)
		if (gsql_at_word(p, refused[i]))
			gsql_fail(p->g, p->t->pos, "CREATE TABLE %s is not supported", refused[i]);
	if (gsql_at_symbol(p, "("))
		parse_table_elements(p, s);
	if (gsql_take_words(p, "PARTITION", "BY"))
		s->partition = gsql_parse_expr(p);
	if (gsql_take_words(p, "CLUSTER", "BY")) {
		do
			GSQL_PUSH(p->g, s->cluster, s->cluster_count, gsql_need_identifier(p));
		while (gsql_take_symbol(p, ","));
	}
	if (gsql_take_word(p, "OPTIONS"))
		parse_options(p, &s->options);
	if (gsql_take_word(p, "AS"))
		s->query = gsql_parse_query(p);
	if (s->columns == NULL && s->query == NULL)
		gsql_fail(p->g, s->pos, "CREATE TABLE must have columns or AS SELECT");
}

static void parse_create_view(struct gsql_parser *p, struct gsql_statement *s)
{
	s->kind = GSQL_S_CREATE_VIEW;
	if (gsql_at_symbol(p, "("))
		gsql_fail(p->g, p->t->pos, "Column lists of views are not supported");
	if (gsql_take_word(p, "OPTIONS"))
		parse_options(p, &s->options);
	gsql_need_word(p, "AS");
	const struct gsql_token *from = p->t;
	s->query = gsql_parse_query(p);
	s->query_text = gsql_strndup(p->g, p->sql + from->begin, p->t[-1].end - from->begin);
}

static bool take_if_exists(struct gsql_parser *p, bool negated)
{
	if (!gsql_take_word(p, "IF"))
		return false;
	if (negated)
		gsql_need_word(p, "NOT");
	gsql_need_word(p, "EXISTS");
	return true;
}

static void parse_create(struct gsql_parser *p, struct gsql_statement *s)
{
	s->or_replace = gsql_take_words(p, "OR", "REPLACE");
	if (gsql_at_word(p, "TEMP") || gsql_at_word(p, "TEMPORARY"))
		gsql_fail(p->g, p->t->pos, "CREATE TEMP is not supported");
	const struct gsql_token *what = p->t;
	if (!gsql_take_word(p, "TABLE") && !gsql_take_word(p, "VIEW") &&
	    !gsql_take_word(p, "SCHEMA")) {
		if (what->kind != GSQL_T_WORD)
			gsql_unexpected(p);
		gsql_fail(p->g, what->pos, "Statement not supported: CREATE %s", what->text);
	}
	s->if_not_exists = take_if_exists(p, true);
	if (s->or_replace && s->if_not_exists)
		gsql_fail(p->g, what->pos,
			  "CREATE OR REPLACE and IF NOT EXISTS cannot be combined");
	s->name = gsql_parse_table_name(p);
	if (gsql_same(what->text, "TABLE")) {
		parse_create_table(p, s);
	} else if (gsql_same(what->text, "VIEW")) {
		parse_create_view(p, s);
	} else {
		s->kind = GSQL_S_CREATE_SCHEMA;
		if (gsql_take_word(p, "OPTIONS"))
			parse_options(p, &s->options);
	}
}

static void parse_drop(struct gsql_parser *p, struct gsql_statement *s)
{
	const struct gsql_token *what = p->t;
	if (gsql_take_word(p, "TABLE"))
		s->kind = GSQL_S_DROP_TABLE;
	else if (gsql_take_word(p, "VIEW"))
		s->kind = GSQL_S_DROP_VIEW;
	else if (gsql_take_word(p, "SCHEMA"))
		s->kind = GSQL_S_DROP_SCHEMA;
	else if (what->kind == GSQL_T_WORD)
		gsql_fail(p->g, what->pos, "Statement not supported: DROP %s", what->text);
	else
		gsql_unexpected(p);
	s->if_exists = take_if_exists(p, false);
	s->name = gsql_parse_table_name(p);
	if (s->kind == GSQL_S_DROP_SCHEMA && !gsql_take_word(p, "RESTRICT"))
		s->cascade = gsql_take_word(p, "CASCADE");
}

static void parse_alter_column(struct gsql_parser *p, struct gsql_alter *a)
{
	a->if_exists = take_if_exists(p, false);
	a->column.field.name = gsql_need_identifier(p);
	if (gsql_take_words(p, "DROP", "NOT")) {
		gsql_need_word(p, "NULL");
		a->kind = GSQL_ALTER_DROP_NOT_NULL;
	} else if (gsql_take_words(p, "SET", "DATA")) {
		gsql_need_word(p, "TYPE");
		a->kind = GSQL_ALTER_TYPE;
		a->column.field.type = gsql_parse_type(p, true);
	} else if (gsql_take_words(p, "SET", "OPTIONS")) {
		a->kind = GSQL_ALTER_COLUMN_OPTIONS;
		parse_options(p, &a->options);
	} else {
		gsql_unexpected(p);
	}
}

static struct gsql_alter parse_alter_action(struct gsql_parser *p)
{
	struct gsql_alter a = { .pos = p->t->pos };
	if (gsql_take_words(p, "ADD", "COLUMN")) {
		a.kind = GSQL_ALTER_ADD;
		a.if_exists = take_if_exists(p, true);
		a.column = parse_column(p);
	} else if (gsql_take_words(p, "DROP", "COLUMN")) {
		a.kind = GSQL_ALTER_DROP;
		a.if_exists = take_if_exists(p, false);
		a.column.field.name = gsql_need_identifier(p);
	} else if (gsql_take_words(p, "ALTER", "COLUMN")) {
		parse_alter_column(p, &a);
	} else if (gsql_take_words(p, "SET", "OPTIONS")) {
		a.kind = GSQL_ALTER_OPTIONS;
		parse_options(p, &a.options);
	} else if (gsql_at_word(p, "RENAME") || gsql_at_word(p, "SET") || gsql_at_word(p, "ADD")) {
		gsql_fail(p->g, a.pos, "ALTER TABLE %s %s is not supported", p->t->text,
			  p->t[1].text);
	} else {
		gsql_unexpected(p);
	}
	return a;
}

struct gsql_statement *gsql_parse_ddl(struct gsql_parser *p)
{
	struct gsql_statement *s = gsql_alloc(p->g, sizeof(*s));
	s->pos = p->t->pos;
	if (gsql_take_word(p, "CREATE")) {
		parse_create(p, s);
	} else if (gsql_take_word(p, "DROP")) {
		parse_drop(p, s);
	} else {
		gsql_need_word(p, "ALTER");
		if (!gsql_at_word(p, "TABLE"))
			gsql_fail(p->g, s->pos, "Statement not supported: ALTER %s", p->t->text);
		p->t++;
		s->kind = GSQL_S_ALTER_TABLE;
		s->if_exists = take_if_exists(p, false);
		s->name = gsql_parse_table_name(p);
		do
			GSQL_PUSH(p->g, s->alter, s->alter_count, parse_alter_action(p));
		while (gsql_take_symbol(p, ","));
	}
	return s;
}
