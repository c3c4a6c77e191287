/*
 * The parser of GoogleSQL: recursive descent over the tokens of a whole text, one function per rule.
 *
 * gsql_parse is the entry; the rest is shared by its parts (expressions, queries, DML, DDL). Every error leaves
 * through gsql_fail as "Syntax error: … at [line:column]" in the words BigQuery uses.
 */
#ifndef LOCALCLOUD_GSQL_PARSE_H
#define LOCALCLOUD_GSQL_PARSE_H

#include "tests/localcloud/gsql_ast.h"

struct gsql_parser {
	struct gsql *g;
	const char *sql;
	const struct gsql_token *t; /* the next token */
	unsigned depth;             /* of nested rules */
	bool half_closed;           /* the first > of the >> at t is used up */
};

/* The statements of a text; at least one. */
struct gsql_statement **gsql_parse(struct gsql *g, const char *sql, size_t *count);
/* A text that is one query, as a view holds it. */
struct gsql_query *gsql_parse_view(struct gsql *g, const char *sql);

/* Tokens. A word matches unquoted and in any case. */
bool gsql_at_word(const struct gsql_parser *p, const char *word);
bool gsql_at_words(const struct gsql_parser *p, const char *first, const char *second);
bool gsql_at_symbol(const struct gsql_parser *p, const char *symbol);
bool gsql_take_word(struct gsql_parser *p, const char *word);
bool gsql_take_words(struct gsql_parser *p, const char *first, const char *second);
bool gsql_take_symbol(struct gsql_parser *p, const char *symbol);
void gsql_need_word(struct gsql_parser *p, const char *word);
void gsql_need_symbol(struct gsql_parser *p, const char *symbol);
const char *gsql_need_identifier(struct gsql_parser *p);
bool gsql_at_identifier(const struct gsql_parser *p);
void gsql_unexpected(struct gsql_parser *p) __attribute__((noreturn));
void gsql_expected(struct gsql_parser *p, const char *what) __attribute__((noreturn));
/* Every rule that can contain itself calls these around its body. */
void gsql_enter(struct gsql_parser *p);
void gsql_leave(struct gsql_parser *p);

struct gsql_expr *gsql_make_expr(struct gsql_parser *p, enum gsql_expr_kind kind,
				 struct gsql_pos pos);
void gsql_add_arg(struct gsql_parser *p, struct gsql_expr *e, struct gsql_expr *arg);
struct gsql_expr *gsql_parse_expr(struct gsql_parser *p);
/* What needs no operator: literals, names, calls, parentheses. */
struct gsql_expr *gsql_parse_primary(struct gsql_parser *p);
struct gsql_order *gsql_parse_order(struct gsql_parser *p, size_t *count);
struct gsql_window *gsql_parse_window(struct gsql_parser *p);
/* A type; parameters (NUMERIC(10,2)) are refused unless the type is a column's. */
const struct gsql_type *gsql_parse_type(struct gsql_parser *p, bool of_column);

struct gsql_query *gsql_parse_query(struct gsql_parser *p);
struct gsql_from *gsql_parse_from(struct gsql_parser *p);
/* a.b.c with the spellings that only table names have: `a.b.c` in one pair of backquotes, dashes in the project. */
struct gsql_name gsql_parse_table_name(struct gsql_parser *p);
/* [AS] alias, or NULL. */
const char *gsql_parse_alias(struct gsql_parser *p);

struct gsql_statement *gsql_parse_dml(struct gsql_parser *p);
struct gsql_statement *gsql_parse_ddl(struct gsql_parser *p);

#endif
