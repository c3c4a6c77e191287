/*
 * The SQLite functions that translated statements call. Their names begin with "g_"; arguments and results are cells
 * in the store's physical encoding, types are passed as gsql_type_letter. NULL in gives NULL out unless said.
 * They report errors with sqlite3_result_error in BigQuery's words and never leave by gsql_fail.
 */
#ifndef LOCALCLOUD_GSQL_FUNC_H
#define LOCALCLOUD_GSQL_FUNC_H

#include "lib/buf.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers all functions on a connection, once; returns SQLite's code. */
int gsql_func_register(sqlite3 *db);

struct gsql_func {
	const char *name;
	int args; /* -1: any number */
	void (*call)(sqlite3_context *, int, sqlite3_value **);
	bool nulls; /* false: NULL in any argument gives NULL without a call */
};
/* Tables of the parts, ended by a NULL name. */
extern const struct gsql_func gsql_func_numbers[];
extern const struct gsql_func gsql_func_strings[];
extern const struct gsql_func gsql_func_times[];
extern const struct gsql_func gsql_func_json[];
extern const struct gsql_func gsql_func_casts[];
extern const struct gsql_func gsql_func_types[];
int gsql_func_register_aggregates(sqlite3 *db);

/* FLOAT64 cells: text NaN and infinities to double and back. */
double gsql_double(sqlite3_value *v);
void gsql_result_double(sqlite3_context *c, double d);
/* Fails the statement with a formatted message. */
void gsql_func_fail(sqlite3_context *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* buf_append without a reason: the only one is memory. */
int gsql_append(struct buf *b, const void *p, size_t n);
const char *gsql_text_of(sqlite3_value *v);
/* A DATE (D), TIME (T), DATETIME (M) or TIMESTAMP (P) with as few of 0, 3 or 6 digits as it needs; out has room for
 * CIVIL_TEXT_MAX. Returns the length. */
struct civil;
size_t gsql_format_civil(char type, const struct civil *t, char *out);
/* Shortest text that reads back as d: "1.5", "1", "NaN". */
size_t gsql_format_double(double d, char out[40]);
/* The 8 bytes that sort as FLOAT64 does. */
void gsql_double_key(double d, unsigned char key[8]);

#endif
