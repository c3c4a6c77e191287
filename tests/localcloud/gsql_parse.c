#include "tests/localcloud/gsql_parse.h"

#include <string.h>

enum { NESTING_MAX = 120 };

bool gsql_at_word(const struct gsql_parser *p, const char *word)
{
	return p->t->kind == GSQL_T_WORD && gsql_same(p->t->text, word);
}

bool gsql_at_words(const struct gsql_parser *p, const char *first, const char *second)
{
	return gsql_at_word(p, first) && p->t[1].kind == GSQL_T_WORD &&
	       gsql_same(p->t[1].text, second);
}

bool gsql_at_symbol(const struct gsql_parser *p, const char *symbol)
{
	return p->t->kind == GSQL_T_SYMBOL && strcmp(p->t->text, symbol) == 0;
}

bool gsql_take_word(struct gsql_parser *p, const char *word)
{
	bool yes = gsql_at_word(p, word);
	if (yes)
		p->t++;
	return yes;
}

bool gsql_take_words(struct gsql_parser *p, const char *first, const char *second)
{
	bool yes = gsql_at_words(p, first, second);
	if (yes)
		p->t += 2;
	return yes;
}

bool gsql_take_symbol(struct gsql_parser *p, const char *symbol)
{
	bool yes = gsql_at_symbol(p, symbol);
	if (yes)
		p->t++;
	return yes;
}

_Noreturn void gsql_unexpected(struct gsql_parser *p)
{
	gsql_fail(p->g, p->t->pos, "Syntax error: Unexpected %s", gsql_token_name(p->g, p->t));
}

_Noreturn void gsql_expected(struct gsql_parser *p, const char *what)
{
	gsql_fail(p->g, p->t->pos, "Syntax error: Expected %s but got %s", what,
		  gsql_token_name(p->g, p->t));
}

void gsql_need_word(struct gsql_parser *p, const char *word)
{
	if (!gsql_take_word(p, word))
		gsql_expected(p, gsql_printf(p->g, "keyword %s", word));
}

void gsql_need_symbol(struct gsql_parser *p, const char *symbol)
{
	if (!gsql_take_symbol(p, symbol))
		gsql_expected(p, gsql_printf(p->g, "\"%s\"", symbol));
}

bool gsql_at_identifier(const struct gsql_parser *p)
{
	return p->t->kind == GSQL_T_QUOTED ||
	       (p->t->kind == GSQL_T_WORD && !gsql_reserved(p->t->text));
}

const char *gsql_need_identifier(struct gsql_parser *p)
{
	if (!gsql_at_identifier(p))
		gsql_unexpected(p);
	return (p->t++)->text;
}

void gsql_enter(struct gsql_parser *p)
{
	if (++p->depth > NESTING_MAX)
		gsql_fail(p->g, p->t->pos, "Query is too deeply nested");
}

void gsql_leave(struct gsql_parser *p)
{
	p->depth--;
}

static bool at_query(const struct gsql_parser *p)
{
	const struct gsql_token *t = p->t;
	while (t->kind == GSQL_T_SYMBOL && strcmp(t->text, "(") == 0)
		t++;
	return t->kind == GSQL_T_WORD &&
	       (gsql_same(t->text, "SELECT") || gsql_same(t->text, "WITH"));
}

static struct gsql_statement *transaction(struct gsql_parser *p)
{
	struct gsql_statement *s = gsql_alloc(p->g, sizeof(*s));
	s->pos = p->t->pos;
	s->kind = gsql_at_word(p, "BEGIN")    ? GSQL_S_BEGIN
		  : gsql_at_word(p, "COMMIT") ? GSQL_S_COMMIT
					      : GSQL_S_ROLLBACK;
	p->t++;
	bool named = gsql_take_word(p, "TRANSACTION");
	if (!named && s->kind == GSQL_S_BEGIN && !gsql_at_symbol(p, ";") &&
	    p->t->kind != GSQL_T_END)
		gsql_fail(p->g, s->pos, "Statement not supported: BEGIN … END blocks");
	return s;
}

static struct gsql_statement *statement(struct gsql_parser *p)
{
	static const char *const dml[] = { "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE" };
	static const char *const ddl[] = { "CREATE", "DROP", "ALTER" };
	static const char *const refused[] = { "DECLARE", "IF",     "LOOP",    "WHILE",   "REPEAT",
					       "FOR",     "CALL",   "EXECUTE", "RAISE",   "RETURN",
					       "ASSERT",  "EXPORT", "LOAD",    "GRANT",   "REVOKE",
					       "EXPLAIN", "SET",    "UNDROP",  "DESCRIBE" };
	if (at_query(p)) {
		struct gsql_statement *s = gsql_alloc(p->g, sizeof(*s));
		s->kind = GSQL_S_SELECT;
		s->pos = p->t->pos;
		s->query = gsql_parse_query(p);
		return s;
	}
	if (gsql_at_word(p, "BEGIN") || gsql_at_word(p, "COMMIT") || gsql_at_word(p, "ROLLBACK"))
		return transaction(p);
	for (size_t i = 0; i < sizeof(dml) / sizeof(dml[0]); i++)
		if (gsql_at_word(p, dml[i]))
			return gsql_parse_dml(p);
	for (size_t i = 0; i < sizeof(ddl) / sizeof(ddl[0]); i++)
		if (gsql_at_word(p, ddl[i]))
			return gsql_parse_ddl(p);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (gsql_at_word(p, refused[i]))
			gsql_fail(p->g, p->t->pos, "Statement not supported: %s", refused[i]);
	gsql_unexpected(p);
}

struct gsql_statement **gsql_parse(struct gsql *g, const char *sql, size_t *count)
{
	struct gsql_parser p = { .g = g, .sql = sql, .t = gsql_lex(g, sql) };
	struct gsql_statement **all = NULL;
	*count = 0;
	while (p.t->kind != GSQL_T_END) {
		GSQL_PUSH(g, all, *count, statement(&p));
		if (p.t->kind != GSQL_T_END && !gsql_take_symbol(&p, ";"))
			gsql_expected(&p, "end of input");
	}
	if (*count == 0)
		gsql_unexpected(&p);
	return all;
}

struct gsql_query *gsql_parse_view(struct gsql *g, const char *sql)
{
	struct gsql_parser p = { .g = g, .sql = sql, .t = gsql_lex(g, sql) };
	struct gsql_query *query = gsql_parse_query(&p);
	gsql_take_symbol(&p, ";");
	if (p.t->kind != GSQL_T_END)
		gsql_expected(&p, "end of input");
	return query;
}
