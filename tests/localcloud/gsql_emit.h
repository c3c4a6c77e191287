/*
 * From the syntax tree to SQLite: names are resolved, types checked and SQL text built in one walk.
 *
 * Every function returns arena memory and leaves through gsql_fail on an error. The SQL of a value computes it in the
 * store's physical encoding of its type. The output columns of a query are named "@1", "@2", …, which no BigQuery
 * column can be called; FROM items get aliases t1, t2, ….
 */
#ifndef LOCALCLOUD_GSQL_EMIT_H
#define LOCALCLOUD_GSQL_EMIT_H

#include "tests/localcloud/gsql_parse.h"

struct gsql_value {
	const char *sql;
	const struct gsql_type *type;
	/* A literal or parameter, which coerces further than other values; NULL for those. */
	const struct gsql_expr *literal;
};

struct gsql_column {
	const char *name;
	const struct gsql_type *type;
	const char *sql;
	bool untyped; /* a bare NULL: INT64 to the reader, but UNION and INSERT take it for any type */
};

/* What a FROM item calls itself and offers. */
struct gsql_range {
	const char *name; /* "" when it has none */
	struct gsql_column *columns;
	size_t column_count;
	struct gsql_column *pseudo; /* reachable by name, not by * */
	size_t pseudo_count;
	bool value; /* UNNEST of scalars: the name is the value of the only column */
};

struct gsql_names {
	struct gsql_range **ranges;
	size_t range_count;
	struct gsql_column *columns; /* what * gives, in order */
	size_t column_count;
};

/* A query's text and its output columns, whose sql is "@n". */
struct gsql_relation {
	const char *sql;
	struct gsql_column *columns;
	size_t column_count;
};

struct gsql_cte {
	const char *name;
	const char *sql_name;
	struct gsql_column *columns;
	size_t column_count;
	struct gsql_cte *next;
};

struct gsql_alias {
	const char *name;
	struct gsql_value value;
};

struct gsql_scope {
	struct gsql_scope *parent;
	struct gsql_names *names;
	struct gsql_cte *ctes;
	struct gsql_alias *aliases; /* of the select list, once it is known; they win over names */
	size_t alias_count;
	const char **group; /* SQL of the GROUP BY expressions */
	size_t group_count;
	bool grouped;   /* only group, aggregates and constants may be used */
	bool unchecked; /* inside an aggregate or a GROUP BY expression: any column may be used */
	bool in_aggregate;
	const char *no_aggregate; /* the clause that refuses aggregates, or NULL */
	const char *no_window;    /* the clause that refuses window functions, or NULL */
};

/* gsql_value.c: literals, conversions, the JSON form of nested cells */
struct gsql_value gsql_literal(struct gsql *g, const struct gsql_expr *e);
struct gsql_value gsql_parameter(struct gsql *g, const struct gsql_expr *e);
/* Converts implicitly where BigQuery does; the cost is 0 (same type), 1 (a literal) or 100, or -1 when it does not. */
int gsql_coerce_cost(const struct gsql_value *v, const struct gsql_type *to);
struct gsql_value gsql_coerce(struct gsql *g, struct gsql_value v, const struct gsql_type *to);
/* The type that all values convert to (NULL of a bare NULL only); a null pointer when there is none. */
const struct gsql_type *gsql_supertype(const struct gsql_value *values, size_t n);
struct gsql_value gsql_cast(struct gsql *g, struct gsql_value v, const struct gsql_type *to,
			    bool safe, struct gsql_pos pos);
const char *gsql_encode(struct gsql *g, const char *sql, const struct gsql_type *t);
const char *gsql_decode(struct gsql *g, const char *sql, const struct gsql_type *t);
/* JSON text as TO_JSON_STRING writes it. */
const char *gsql_json_text(struct gsql *g, const char *sql, const struct gsql_type *t);
/* A text that sorts and compares as the type does. */
const char *gsql_sort_key(struct gsql *g, const char *sql, const struct gsql_type *t);
/* What = and its like take: not ARRAY, STRUCT, JSON, GEOGRAPHY. */
bool gsql_comparable(const struct gsql_type *t);
void gsql_need_comparable(struct gsql *g, const struct gsql_type *t, struct gsql_pos pos);
/* What GROUP BY, DISTINCT and PARTITION BY take: not JSON, GEOGRAPHY, nor what holds them. */
bool gsql_groupable(const struct gsql_type *t);
/* a op b for = <> < <= > >=, both of type t. */
const char *gsql_comparison(struct gsql *g, const char *op, const char *a, const char *b,
			    const struct gsql_type *t);
struct gsql_value gsql_field_of(struct gsql *g, struct gsql_value v, const char *name,
				struct gsql_pos pos);
void gsql_no_signature(struct gsql *g, struct gsql_pos pos, const char *what,
		       const struct gsql_value *args, size_t n) __attribute__((noreturn));

/* gsql_emit_expr.c */
struct gsql_value gsql_emit_expr(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e);
/* BOOL, for WHERE and ON; clause names it in the error. */
const char *gsql_emit_condition(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
				const char *clause);
const char *gsql_emit_order(struct gsql *g, const char *key, const struct gsql_order *o);

/* gsql_emit_name.c */
struct gsql_value gsql_emit_path(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e);
/* The columns of the range a path names (t in t.*), or NULL. */
const struct gsql_range *gsql_find_range(const struct gsql_scope *scope, const char *name);
struct gsql_value gsql_make_struct(struct gsql *g, const struct gsql_column *columns, size_t n);

/* gsql_emit_operator.c */
struct gsql_value gsql_emit_operator(struct gsql *g, struct gsql_scope *scope,
				     const struct gsql_expr *e);
struct gsql_value gsql_emit_is(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e);
struct gsql_value gsql_emit_between(struct gsql *g, struct gsql_scope *scope,
				    const struct gsql_expr *e);
struct gsql_value gsql_emit_in(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e);
struct gsql_value gsql_emit_case(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e);

/* gsql_emit_call.c */
struct gsql_value gsql_emit_call(struct gsql *g, struct gsql_scope *scope,
				 const struct gsql_expr *e);
/* The functions whose types follow from their arguments (COALESCE, IF, …) or take date parts; false: not one. */
bool gsql_emit_special(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
		       struct gsql_value *ret);
struct gsql_value gsql_emit_extract(struct gsql *g, struct gsql_scope *scope,
				    const struct gsql_expr *e);
/* The best signature of a function or operator; false when it has no entry. */
bool gsql_apply(struct gsql *g, const char *name, struct gsql_value *args, size_t n,
		struct gsql_value *ret);
/* True when some signature has the name. */
bool gsql_known_function(const char *name);

/* gsql_emit_aggregate.c */
bool gsql_is_aggregate(const char *name);
bool gsql_has_aggregate(const struct gsql_expr *e);
bool gsql_has_window(const struct gsql_expr *e);
struct gsql_value gsql_emit_aggregate(struct gsql *g, struct gsql_scope *scope,
				      const struct gsql_expr *e);
struct gsql_value gsql_emit_window(struct gsql *g, struct gsql_scope *scope,
				   const struct gsql_expr *e);

/* gsql_emit_query.c */
struct gsql_relation gsql_emit_query(struct gsql *g, struct gsql_scope *parent,
				     struct gsql_cte *ctes, const struct gsql_query *q);
struct gsql_value gsql_column_value(const struct gsql_column *c);
/* gsql_emit_from.c */
const char *gsql_emit_from(struct gsql *g, struct gsql_scope *scope, const struct gsql_from *f,
			   struct gsql_names *names);

/* gsql_tables.c: where names of tables lead */
struct gsql_table {
	const char *project, *dataset, *table;
	json_t *resource;     /* owned by the arena */
	const char *physical; /* quoted; NULL for a view */
	struct gsql_field *fields;
	size_t field_count;
	bool partition_time;                  /* it has _PARTITIONTIME */
	const struct gsql_external *external; /* NULL: it is in the catalog */
};
/* Fills in the defaults; gives project, dataset and table without looking them up. */
struct gsql_table gsql_resolve_name(struct gsql *g, const struct gsql_name *name);
/* Also looks it up: 404 when it does not exist. */
struct gsql_table gsql_find_table(struct gsql *g, const struct gsql_name *name);
/* One that is only read: it may be an external table of the query. */
struct gsql_table gsql_find_source(struct gsql *g, const struct gsql_name *name);
/* The external table that the name stands for, or NULL. A view does not see those of the query that reads it. */
const struct gsql_external *gsql_find_external(const struct gsql *g, const struct gsql_name *name);
bool gsql_table_exists(struct gsql *g, const struct gsql_table *t);
json_t *gsql_table_reference(const struct gsql_table *t);
/* The relation of INFORMATION_SCHEMA.x, or false when name is none. */
bool gsql_information_schema(struct gsql *g, const struct gsql_name *name,
			     struct gsql_relation *ret);

#endif
