/*
 * What every part of the GoogleSQL compiler shares: the context of one run, its arena, and its one way out on error.
 *
 * All memory of a run is in the arena and goes at once when the run ends; JSON references and SQLite statements are
 * handed to the arena with gsql_own_json and gsql_own_stmt. That is why an error may leave from any depth:
 * gsql_fail fills the error and jumps to the setjmp of gsql_run. Callbacks of SQLite never call gsql_fail.
 */
#ifndef LOCALCLOUD_GSQL_CORE_H
#define LOCALCLOUD_GSQL_CORE_H

#include "tests/localcloud/gsql.h"
#include "tests/localcloud/store.h"

#include <setjmp.h>
#include <stdarg.h>

/* Line and column as BigQuery prints them, both from 1; line 0 is "no position". */
struct gsql_pos {
	unsigned line;
	unsigned column;
};

struct gsql_chunk;
struct gsql_owned;

struct gsql {
	struct store *store;
	sqlite3 *db;
	const struct gsql_request *request;
	struct gsql_result *result;
	struct api_error *err;
	jmp_buf fail;
	struct gsql_chunk *chunks;
	struct gsql_owned *owned;
	unsigned next_name;  /* number of the next generated alias or table */
	unsigned view_depth; /* views opened inside views, bounded */
	int64_t now_us;      /* CURRENT_TIMESTAMP of the statement */
	bool *external_read; /* by their index: it is counted already; NULL: none is */
	bool in_transaction; /* between BEGIN and COMMIT TRANSACTION */
};

/* Those that do not return say so by attribute: cppcheck does not know _Noreturn. */
/* 400 invalidQuery; " at [line:column]" is appended when pos has a line. */
void gsql_fail(struct gsql *g, struct gsql_pos pos, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void gsql_fail_status(struct gsql *g, int status, const char *reason, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 4, 5)));
/* Leaves with the error that a store function has put into g->err. */
void gsql_raise(struct gsql *g) __attribute__((noreturn));

/* Zeroed memory that lives as long as the run. */
void *gsql_alloc(struct gsql *g, size_t size);
char *gsql_strndup(struct gsql *g, const char *s, size_t n);
char *gsql_printf(struct gsql *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The string as an SQLite literal or identifier, quoted. */
const char *gsql_quote(struct gsql *g, const char *s, size_t n);
const char *gsql_ident(struct gsql *g, const char *name);
/* Takes over one reference; NULL is raised as the error in g->err. */
json_t *gsql_own_json(struct gsql *g, json_t *json);
sqlite3_stmt *gsql_own_stmt(struct gsql *g, sqlite3_stmt *stmt);
void gsql_free_all(struct gsql *g);

/* A growing string in the arena. */
struct gsql_text {
	char *s;
	size_t len;
	size_t size;
};
void gsql_add(struct gsql *g, struct gsql_text *t, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends one element to an arena array whose length is n; returns the (perhaps moved) array. */
void *gsql_grow(struct gsql *g, void *array, size_t n, size_t element_size);
#define GSQL_PUSH(g, array, n, value)                                     \
	do {                                                              \
		(array) = gsql_grow((g), (array), (n), sizeof(*(array))); \
		(array)[(n)++] = (value);                                 \
	} while (0)

/* Runs one SQL statement that returns no rows and gives the rows it changed; an error of a function ends the run. */
int64_t gsql_exec(struct gsql *g, const char *sql);
/* One integer from a query. */
int64_t gsql_query_int(struct gsql *g, const char *sql);

/* A whole decimal or 0x integer with optional sign; false leaves *ret alone. */
bool gsql_parse_int(const char *s, size_t n, int64_t *ret);

bool gsql_same(const char *a, const char *b); /* ASCII case-insensitive */

#endif
