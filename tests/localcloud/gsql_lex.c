#include "tests/localcloud/gsql_lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct lexer {
	struct gsql *g;
	const char *sql;
	size_t len;
	size_t at;
	struct gsql_pos pos;
	unsigned positions;
};

static const char *const reserved[] = { "ALL",
					"AND",
					"ANY",
					"ARRAY",
					"AS",
					"ASC",
					"ASSERT_ROWS_MODIFIED",
					"AT",
					"BETWEEN",
					"BY",
					"CASE",
					"CAST",
					"COLLATE",
					"CONTAINS",
					"CREATE",
					"CROSS",
					"CUBE",
					"CURRENT",
					"DEFAULT",
					"DEFINE",
					"DESC",
					"DISTINCT",
					"ELSE",
					"END",
					"ENUM",
					"ESCAPE",
					"EXCEPT",
					"EXCLUDE",
					"EXISTS",
					"EXTRACT",
					"FALSE",
					"FETCH",
					"FOLLOWING",
					"FOR",
					"FROM",
					"FULL",
					"GROUP",
					"GROUPING",
					"GROUPS",
					"HASH",
					"HAVING",
					"IF",
					"IGNORE",
					"IN",
					"INNER",
					"INTERSECT",
					"INTERVAL",
					"INTO",
					"IS",
					"JOIN",
					"LATERAL",
					"LEFT",
					"LIKE",
					"LIMIT",
					"LOOKUP",
					"MERGE",
					"NATURAL",
					"NEW",
					"NO",
					"NOT",
					"NULL",
					"NULLS",
					"OF",
					"ON",
					"OR",
					"ORDER",
					"OUTER",
					"OVER",
					"PARTITION",
					"PRECEDING",
					"PROTO",
					"QUALIFY",
					"RANGE",
					"RECURSIVE",
					"RESPECT",
					"RIGHT",
					"ROLLUP",
					"ROWS",
					"SELECT",
					"SET",
					"SOME",
					"STRUCT",
					"TABLESAMPLE",
					"THEN",
					"TO",
					"TREAT",
					"TRUE",
					"UNBOUNDED",
					"UNION",
					"UNNEST",
					"USING",
					"WHEN",
					"WHERE",
					"WINDOW",
					"WITH",
					"WITHIN" };

static int compare_word(const void *key, const void *element)
{
	return strcasecmp(key, *(const char *const *)element);
}

bool gsql_reserved(const char *word)
{
	size_t n = sizeof(reserved) / sizeof(reserved[0]);
	return bsearch(word, reserved, n, sizeof(reserved[0]), compare_word) != NULL;
}

const char *gsql_token_name(struct gsql *g, const struct gsql_token *t)
{
	switch (t->kind) {
	case GSQL_T_END:
		return "end of statement";
	case GSQL_T_WORD:
		if (gsql_reserved(t->text)) {
			char *upper = gsql_strndup(g, t->text, t->len);
			for (size_t i = 0; i < t->len; i++)
				upper[i] = (char)toupper((unsigned char)upper[i]);
			return gsql_printf(g, "keyword %s", upper);
		}
		return gsql_printf(g, "identifier \"%s\"", t->text);
	case GSQL_T_QUOTED:
		return gsql_printf(g, "identifier `%s`", t->text);
	case GSQL_T_STRING:
		return gsql_printf(g, "string literal \"%s\"", t->text);
	case GSQL_T_BYTES:
		return "bytes literal";
	case GSQL_T_INT:
		return gsql_printf(g, "integer literal \"%s\"", t->text);
	case GSQL_T_FLOAT:
		return gsql_printf(g, "floating point literal \"%s\"", t->text);
	case GSQL_T_PARAM:
		return gsql_printf(g, "\"@%s\"", t->text);
	case GSQL_T_POSITION:
	case GSQL_T_SYMBOL:
		break;
	}
	return gsql_printf(g, "\"%s\"", t->text);
}

static char peek(const struct lexer *x, size_t ahead)
{
	return x->at + ahead < x->len ? x->sql[x->at + ahead] : '\0';
}

static void advance(struct lexer *x, size_t n)
{
	while (n-- > 0 && x->at < x->len) {
		unsigned char c = (unsigned char)x->sql[x->at++];
		if (c == '\n') {
			x->pos.line++;
			x->pos.column = 1;
		} else if (c == '\t') {
			x->pos.column += 8 - (x->pos.column - 1) % 8; /* as BigQuery counts a tab */
		} else if ((c & 0xc0) != 0x80) {
			x->pos.column++;
		}
	}
}

static void skip_blanks(struct lexer *x)
{
	for (;;) {
		char c = peek(x, 0);
		if (x->at < x->len && isspace((unsigned char)c)) {
			advance(x, 1);
		} else if (c == '#' || (c == '-' && peek(x, 1) == '-')) {
			while (x->at < x->len && peek(x, 0) != '\n')
				advance(x, 1);
		} else if (c == '/' && peek(x, 1) == '*') {
			struct gsql_pos start = x->pos;
			const char *end = strstr(x->sql + x->at + 2, "*/");
			if (end == NULL)
				gsql_fail(x->g, start, "Syntax error: Unclosed comment");
			advance(x, (size_t)(end + 2 - (x->sql + x->at)));
		} else {
			return;
		}
	}
}

static unsigned digits(struct lexer *x, size_t count, int base)
{
	unsigned value = 0;
	for (size_t i = 0; i < count; i++) {
		char c = peek(x, 0);
		int digit = isdigit((unsigned char)c)    ? c - '0'
			    : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
							 : 99;
		if (digit >= base)
			gsql_fail(x->g, x->pos, "Syntax error: Illegal escape sequence");
		value = value * (unsigned)base + (unsigned)digit;
		advance(x, 1);
	}
	return value;
}

static size_t put_utf8(char *out, unsigned code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	out[0] = (char)(lead[n] | code);
	return n;
}

/* After the backslash; returns the bytes written to out. */
static size_t escape(struct lexer *x, bool bytes, char *out)
{
	static const char from[] = "abfnrtv\\?\"'`";
	static const char to[] = "\a\b\f\n\r\t\v\\?\"'`";
	char c = peek(x, 0);
	const char *known = c == '\0' ? NULL : strchr(from, c);
	if (known != NULL) {
		advance(x, 1);
		out[0] = to[known - from];
		return 1;
	}
	unsigned code;
	if (c == 'x' || c == 'X') {
		advance(x, 1);
		code = digits(x, 2, 16);
	} else if (c >= '0' && c <= '3') {
		code = digits(x, 3, 8);
	} else if (!bytes && (c == 'u' || c == 'U')) {
		advance(x, 1);
		code = digits(x, c == 'u' ? 4 : 8, 16);
		if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			gsql_fail(
				x->g, x->pos,
				"Syntax error: Illegal escape sequence: value is not a Unicode character");
	} else {
		gsql_fail(x->g, x->pos, "Syntax error: Illegal escape sequence: \\%c", c);
	}
	if (bytes) {
		out[0] = (char)code;
		return 1;
	}
	return put_utf8(out, code);
}

/* At the opening quote; prefix letters are behind us. */
static void quoted_text(struct lexer *x, bool raw, bool bytes, struct gsql_token *t)
{
	char quote = peek(x, 0);
	size_t width = quote != '`' && peek(x, 1) == quote && peek(x, 2) == quote ? 3 : 1;
	advance(x, width);
	char *out = gsql_alloc(x->g, x->len - x->at + 1);
	size_t n = 0;
	for (;;) {
		char c = peek(x, 0);
		if (x->at >= x->len || (c == '\n' && width == 1))
			gsql_fail(x->g, t->pos, "Syntax error: Unclosed %s",
				  quote == '`' ? "identifier literal" : "string literal");
		if (c == quote && (width == 1 || (peek(x, 1) == quote && peek(x, 2) == quote)))
			break;
		if (c == '\\' && raw) {
			out[n++] = c;
			advance(x, 1);
			out[n++] = peek(x, 0);
			advance(x, 1);
		} else if (c == '\\') {
			advance(x, 1);
			n += escape(x, bytes, out + n);
		} else {
			out[n++] = c;
			advance(x, 1);
		}
	}
	advance(x, width);
	t->text = out;
	t->len = n;
	t->kind = quote == '`' ? GSQL_T_QUOTED : bytes ? GSQL_T_BYTES : GSQL_T_STRING;
	if (quote == '`' && n == 0)
		gsql_fail(x->g, t->pos, "Syntax error: Invalid empty identifier");
}

static void number(struct lexer *x, struct gsql_token *t)
{
	size_t begin = x->at;
	t->kind = GSQL_T_INT;
	if (peek(x, 0) == '0' && (peek(x, 1) == 'x' || peek(x, 1) == 'X')) {
		advance(x, 2);
		while (isxdigit((unsigned char)peek(x, 0)))
			advance(x, 1);
	} else {
		while (isdigit((unsigned char)peek(x, 0)))
			advance(x, 1);
		if (peek(x, 0) == '.') {
			t->kind = GSQL_T_FLOAT;
			advance(x, 1);
			while (isdigit((unsigned char)peek(x, 0)))
				advance(x, 1);
		}
		size_t sign = peek(x, 1) == '+' || peek(x, 1) == '-' ? 2 : 1;
		if ((peek(x, 0) | 32) == 'e' && isdigit((unsigned char)peek(x, sign))) {
			t->kind = GSQL_T_FLOAT;
			advance(x, sign);
			while (isdigit((unsigned char)peek(x, 0)))
				advance(x, 1);
		}
	}
	t->len = x->at - begin;
	t->text = gsql_strndup(x->g, x->sql + begin, t->len);
	/* A name may follow a dot at once (`my-project-1.dataset`), but not a number. */
	if ((isalpha((unsigned char)peek(x, 0)) || peek(x, 0) == '_') && t->text[t->len - 1] != '.')
		gsql_fail(x->g, x->pos,
			  "Syntax error: Missing whitespace between literal and alias");
}

static void word(struct lexer *x, struct gsql_token *t)
{
	size_t begin = x->at;
	while (isalnum((unsigned char)peek(x, 0)) || peek(x, 0) == '_')
		advance(x, 1);
	t->len = x->at - begin;
	t->text = gsql_strndup(x->g, x->sql + begin, t->len);
}

static void symbol(struct lexer *x, struct gsql_token *t)
{
	static const char *const two[] = { "<=", ">=", "<>", "!=", "||", "<<", ">>", "=>" };
	static const char one[] = "+-*/~&|^=<>()[]{},.;:";
	t->kind = GSQL_T_SYMBOL;
	t->len = 1;
	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		if (peek(x, 0) == two[i][0] && peek(x, 1) == two[i][1])
			t->len = 2;
	char c = peek(x, 0);
	if (t->len == 1 && (c == '\0' || strchr(one, c) == NULL))
		gsql_fail(x->g, x->pos, "Syntax error: Illegal input character \"%c\"",
			  c == '\0' ? '?' : c);
	t->text = gsql_strndup(x->g, x->sql + x->at, t->len);
	advance(x, t->len);
}

/* Length of the prefix of a string literal (r, b, rb, br) at the lexer, or 0. */
static size_t string_prefix(const struct lexer *x, bool *raw, bool *bytes)
{
	size_t n = 0;
	*raw = *bytes = false;
	while (n < 2) {
		char c = (char)(peek(x, n) | 32);
		if (c == 'r' && !*raw)
			*raw = true;
		else if (c == 'b' && !*bytes)
			*bytes = true;
		else
			break;
		n++;
	}
	return peek(x, n) == '\'' || peek(x, n) == '"' ? n : 0;
}

static void next(struct lexer *x, struct gsql_token *t)
{
	skip_blanks(x);
	t->pos = x->pos;
	t->begin = x->at;
	char c = peek(x, 0);
	bool raw, bytes;
	size_t prefix = string_prefix(x, &raw, &bytes);
	if (x->at >= x->len) {
		t->kind = GSQL_T_END;
		t->text = "";
	} else if (prefix > 0) {
		advance(x, prefix);
		quoted_text(x, raw, bytes, t);
	} else if (c == '\'' || c == '"' || c == '`') {
		quoted_text(x, false, false, t);
	} else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)peek(x, 1)))) {
		number(x, t);
	} else if (isalpha((unsigned char)c) || c == '_') {
		t->kind = GSQL_T_WORD;
		word(x, t);
	} else if (c == '@' && (isalpha((unsigned char)peek(x, 1)) || peek(x, 1) == '_')) {
		advance(x, 1);
		t->kind = GSQL_T_PARAM;
		word(x, t);
	} else if (c == '?') {
		t->kind = GSQL_T_POSITION;
		t->text = "?";
		t->index = x->positions++;
		advance(x, 1);
	} else {
		symbol(x, t);
	}
	t->end = x->at;
}

struct gsql_token *gsql_lex(struct gsql *g, const char *sql)
{
	struct lexer x = { .g = g, .sql = sql, .len = strlen(sql), .pos = { 1, 1 } };
	struct gsql_token *tokens = NULL;
	size_t n = 0;
	for (;;) {
		struct gsql_token t = { 0 };
		next(&x, &t);
		GSQL_PUSH(g, tokens, n, t);
		if (t.kind != GSQL_T_END)
			continue;
		/* The parser looks two tokens ahead without asking where the end is. */
		GSQL_PUSH(g, tokens, n, t);
		GSQL_PUSH(g, tokens, n, t);
		return tokens;
	}
}
