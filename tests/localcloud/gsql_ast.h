/*
 * The syntax tree of GoogleSQL as the parser builds it: names are unresolved, types only where they are written.
 *
 * Everything lives in the arena; absent parts are NULL. Arrays carry their length. The depth of an expression is
 * bounded when it is made (GSQL_DEPTH_MAX), so later passes may recurse.
 */
#ifndef LOCALCLOUD_GSQL_AST_H
#define LOCALCLOUD_GSQL_AST_H

#include "tests/localcloud/gsql_lex.h"
#include "tests/localcloud/gsql_types.h"

enum { GSQL_DEPTH_MAX = 400 };

enum gsql_expr_kind {
	GSQL_X_NULL,
	GSQL_X_BOOL,   /* text TRUE or FALSE */
	GSQL_X_INT,    /* text, with the sign */
	GSQL_X_FLOAT,  /* text, with the sign */
	GSQL_X_STRING, /* text, len */
	GSQL_X_BYTES,  /* text, len */
	GSQL_X_TYPED,  /* DATE '…': type, text, len */
	GSQL_X_PARAM,  /* text is the name, NULL for the positional one of index */
	GSQL_X_PATH,   /* parts: a.b.c */
	GSQL_X_FIELD,  /* args[0].text */
	GSQL_X_INDEX, /* args[0][text(args[1])]; text OFFSET, ORDINAL, SAFE_OFFSET, SAFE_ORDINAL or NULL */
	GSQL_X_CALL,     /* text is the upper-case name */
	GSQL_X_OPERATOR, /* text: + - * / || = < AND OR NOT LIKE …; one or two args */
	GSQL_X_IS,       /* text: NULL TRUE FALSE, DISTINCT FROM (args[1]) */
	GSQL_X_BETWEEN,  /* three args */
	GSQL_X_IN,       /* args[0] in args[1…], or in query, or in UNNEST(args[1]) when unnest */
	GSQL_X_CASE,     /* [operand] when then … [else]; has_operand, has_else */
	GSQL_X_CAST,     /* args[0] AS type; safe */
	GSQL_X_EXTRACT,  /* text is the part; args[0]; args[1] the zone */
	GSQL_X_INTERVAL, /* args[0], text is the part; parts[0] the one after TO */
	GSQL_X_SUBQUERY,
	GSQL_X_EXISTS,
	GSQL_X_ARRAY_QUERY,
	GSQL_X_ARRAY,  /* args, type is the ARRAY or NULL */
	GSQL_X_STRUCT, /* args, parts are the names (NULL for none), type or NULL */
	GSQL_X_DEFAULT,
};

struct gsql_query;
struct gsql_expr;

struct gsql_order {
	struct gsql_expr *expr;
	bool descending;
	int nulls; /* 0 as BigQuery does by default, 1 FIRST, -1 LAST */
};

struct gsql_window {
	struct gsql_expr **partition;
	size_t partition_count;
	struct gsql_order *order;
	size_t order_count;
	const char *frame; /* in SQL, which SQLite shares with GoogleSQL; NULL for the default */
};

struct gsql_expr {
	enum gsql_expr_kind kind;
	struct gsql_pos pos;
	unsigned depth;
	const char *text;
	size_t len;
	unsigned index;
	struct gsql_expr **args;
	size_t arg_count;
	const char **parts;
	size_t part_count;
	const struct gsql_type *type;
	struct gsql_query *query;
	struct gsql_window *over;
	struct gsql_order *order; /* inside an aggregate's parentheses */
	size_t order_count;
	struct gsql_expr *limit;
	bool negated, distinct, star, safe, unnest, has_operand, has_else, ignore_nulls;
};

struct gsql_replace {
	struct gsql_expr *expr;
	const char *name;
};

struct gsql_select_item {
	struct gsql_expr *expr; /* for t.* the t; NULL for a bare * */
	const char *alias;
	bool star;
	const char **except;
	size_t except_count;
	struct gsql_replace *replace;
	size_t replace_count;
	struct gsql_pos pos;
};

enum gsql_from_kind { GSQL_FROM_PATH, GSQL_FROM_QUERY, GSQL_FROM_UNNEST, GSQL_FROM_JOIN };
enum gsql_join {
	GSQL_JOIN_CROSS,
	GSQL_JOIN_INNER,
	GSQL_JOIN_LEFT,
	GSQL_JOIN_RIGHT,
	GSQL_JOIN_FULL
};

struct gsql_from {
	enum gsql_from_kind kind;
	struct gsql_pos pos;
	const char **parts; /* of a PATH */
	size_t part_count;
	struct gsql_query *query;
	struct gsql_expr *unnest;
	const char *alias;
	const char *offset_alias; /* WITH OFFSET; "offset" when it names none */
	enum gsql_join join;
	struct gsql_from *left, *right;
	struct gsql_expr *on;
	const char **columns; /* USING */
	size_t column_count;
};

struct gsql_select {
	struct gsql_pos pos;
	bool distinct;
	struct gsql_select_item *items;
	size_t item_count;
	struct gsql_from *from;
	struct gsql_expr *where;
	struct gsql_expr **group;
	size_t group_count;
	bool has_group;
	struct gsql_expr *having;
	struct gsql_expr *qualify;
};

struct gsql_with {
	const char *name;
	struct gsql_query *query;
	struct gsql_pos pos;
};

struct gsql_body {
	struct gsql_pos pos;
	struct gsql_select *select; /* or */
	struct gsql_query *query;   /* in parentheses, or a set operation over: */
	const char *operator;       /* UNION ALL, UNION, INTERSECT, EXCEPT, in SQLite's words */
	struct gsql_body **inputs;
	size_t input_count;
};

struct gsql_query {
	struct gsql_pos pos;
	struct gsql_with *with;
	size_t with_count;
	struct gsql_body *body;
	struct gsql_order *order;
	size_t order_count;
	struct gsql_expr *limit, *offset;
};

/* A table as it is written: 1 to 3 names, or 4 for INFORMATION_SCHEMA. */
struct gsql_name {
	struct gsql_pos pos;
	const char **parts;
	size_t part_count;
};

struct gsql_option {
	const char *name;
	struct gsql_expr *value;
	struct gsql_pos pos;
};

struct gsql_options {
	struct gsql_option *items;
	size_t count;
};

struct gsql_assignment {
	const char *table; /* the name before the column's, or NULL */
	const char *column;
	struct gsql_expr *value;
	struct gsql_pos pos;
};

/* INSERT's rows, or the action of a WHEN clause. */
struct gsql_insert {
	const char **columns;
	struct gsql_pos *column_pos;
	size_t column_count;
	struct gsql_expr ***rows;
	size_t *row_sizes;
	size_t row_count;
	struct gsql_query *query;
	bool row; /* INSERT ROW */
};

enum gsql_when_kind { GSQL_WHEN_MATCHED, GSQL_WHEN_NOT_MATCHED, GSQL_WHEN_NOT_MATCHED_BY_SOURCE };
enum gsql_action { GSQL_ACTION_INSERT, GSQL_ACTION_UPDATE, GSQL_ACTION_DELETE };

struct gsql_when {
	enum gsql_when_kind kind;
	enum gsql_action action;
	struct gsql_expr *condition;
	struct gsql_assignment *set;
	size_t set_count;
	struct gsql_insert *insert;
	struct gsql_pos pos;
};

struct gsql_column_def {
	struct gsql_field field;
	struct gsql_options options;
	struct gsql_pos pos;
};

enum gsql_alter_kind {
	GSQL_ALTER_ADD,
	GSQL_ALTER_DROP,
	GSQL_ALTER_TYPE,
	GSQL_ALTER_DROP_NOT_NULL,
	GSQL_ALTER_COLUMN_OPTIONS,
	GSQL_ALTER_OPTIONS,
};

struct gsql_alter {
	enum gsql_alter_kind kind;
	struct gsql_column_def column;
	bool if_exists; /* IF EXISTS, or IF NOT EXISTS for ADD */
	struct gsql_options options;
	struct gsql_pos pos;
};

enum gsql_statement_kind {
	GSQL_S_SELECT,
	GSQL_S_INSERT,
	GSQL_S_UPDATE,
	GSQL_S_DELETE,
	GSQL_S_TRUNCATE,
	GSQL_S_MERGE,
	GSQL_S_CREATE_TABLE,
	GSQL_S_CREATE_VIEW,
	GSQL_S_CREATE_SCHEMA,
	GSQL_S_DROP_TABLE,
	GSQL_S_DROP_VIEW,
	GSQL_S_DROP_SCHEMA,
	GSQL_S_ALTER_TABLE,
	GSQL_S_BEGIN,
	GSQL_S_COMMIT,
	GSQL_S_ROLLBACK,
};

struct gsql_statement {
	enum gsql_statement_kind kind;
	struct gsql_pos pos;
	struct gsql_name name;
	const char *alias;
	struct gsql_query *query; /* SELECT, AS SELECT, the view */
	const char *query_text;   /* of the view */
	struct gsql_insert *insert;
	struct gsql_assignment *set;
	size_t set_count;
	struct gsql_from *from;  /* UPDATE … FROM, MERGE USING */
	struct gsql_expr *where; /* also MERGE's ON */
	struct gsql_when *when;
	size_t when_count;
	bool or_replace, if_exists, if_not_exists, cascade;
	struct gsql_column_def *columns;
	size_t column_count;
	struct gsql_expr *partition;
	const char **cluster;
	size_t cluster_count;
	struct gsql_options options;
	struct gsql_alter *alter;
	size_t alter_count;
};

#endif
