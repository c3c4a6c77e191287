/*
 * The tokens of GoogleSQL (https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical).
 *
 * gsql_lex turns a whole text into an array that ends with GSQL_T_END; errors leave through gsql_fail. Strings are
 * decoded: escapes are applied, quotes and prefixes are gone. Tokens live in the arena.
 */
#ifndef LOCALCLOUD_GSQL_LEX_H
#define LOCALCLOUD_GSQL_LEX_H

#include "tests/localcloud/gsql_core.h"

enum gsql_token_kind {
	GSQL_T_END,
	GSQL_T_WORD,   /* unquoted identifier or keyword */
	GSQL_T_QUOTED, /* `identifier` */
	GSQL_T_STRING,
	GSQL_T_BYTES,
	GSQL_T_INT,
	GSQL_T_FLOAT,
	GSQL_T_PARAM,    /* @name */
	GSQL_T_POSITION, /* ?; index counts from 0 */
	GSQL_T_SYMBOL,   /* operator or punctuation, in text */
};

struct gsql_token {
	enum gsql_token_kind kind;
	struct gsql_pos pos;
	const char *text; /* NUL-terminated; a string may hold NUL bytes inside len */
	size_t len;
	size_t begin, end; /* bytes of the source text */
	unsigned index;
};

struct gsql_token *gsql_lex(struct gsql *g, const char *sql);

/* True for the words that GoogleSQL reserves: they name something only in backquotes. */
bool gsql_reserved(const char *word);

/* `identifier "x"`, `keyword FROM`, `end of statement`, …: how an error message names the token. */
const char *gsql_token_name(struct gsql *g, const struct gsql_token *t);

#endif
