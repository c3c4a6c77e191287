/*
 * --cursor: an incremental read. First the largest value of a column is asked
 * for (upto), then the rows above the last run's largest one (after) up to it,
 * both in one snapshot and by the server: nothing depends on the order of rows,
 * and no value is compared here. What a value is, the drivers know (each has a
 * ..._cursor.c); the rules that they share are here.
 *
 * Values are texts in the server's own canonical form, which it reads back as
 * the same value.
 */
#ifndef SLUICE_EXTRACT_CURSOR_H
#define SLUICE_EXTRACT_CURSOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "extract/select.h"

/* The words of --cursor-nulls in their order. */
enum cursor_nulls {
	CURSOR_NULLS_UNSET = -1,
	CURSOR_NULLS_INCLUDE,
	CURSOR_NULLS_SKIP,
	CURSOR_NULLS_FAIL
};

/* Longer values can be ordered, but are no place to go on from. */
enum { CURSOR_VALUE_MAX = 8192 };

struct cursor {
	const char *source_name; /* --cursor; NULL: no incremental read */
	const char *given;       /* --after, or NULL */
	const char *lag;         /* --lag, or NULL; makes the lower bound inclusive */
	enum cursor_nulls nulls;

	const struct column *column; /* as describe has it */
	const char *name;            /* as the stream has it */

	/* What the driver finds. The strings are ours. */
	char *after;       /* given, canonical; NULL without --after */
	char *upto;        /* NULL: no row has a value */
	bool backwards;    /* upto is below after */
	bool capped;       /* there are rows above upto, for a later run */
	int64_t null_rows; /* without a value */
	char *condition;   /* SQL that is true for the rows to read */
};

/*
 * Find the column among those that are read. ERR_NOINPUT: there is none of
 * that name. ERR_USAGE: it is not read, or not as it is.
 */
int cursor_init(struct cursor *c, const struct relation *relation,
		const struct selection *selection, struct error *err)
	__attribute__((warn_unused_result));

/*
 * After driver->cursor: refuse or report rows without a value. label is the
 * relation's. ERR_DATA under CURSOR_NULLS_FAIL.
 */
int cursor_check_nulls(const struct cursor *c, const char *label, struct error *err)
	__attribute__((warn_unused_result));

/* Whether rows without a value are read. */
bool cursor_reads_nulls(const struct cursor *c);

/* Whether rows that the options ask for are not read. */
bool cursor_narrows(const struct cursor *c);

/* The cursor of @begin and of @end, new references; NULL: out of memory. */
json_t *cursor_begin(const struct cursor *c);
json_t *cursor_end(const struct cursor *c);

void cursor_release(struct cursor *c);

/* --- for drivers ------------------------------------------------------------- */

/* ERR_USAGE: values of this column are no cursor. -1. */
int cursor_refuse_type(const struct cursor *c, struct error *err);

/* ERR_USAGE: --after is no value of the column. -1. */
int cursor_refuse_after(const struct cursor *c, struct error *err);

/* ERR_DATA: no run could go on from the largest value. what says which it is. -1. */
int cursor_refuse_upto(const struct cursor *c, const char *what, struct error *err);

/* Set upto; ERR_DATA for text that is too long, has a NUL, or is not UTF-8. */
int cursor_set_upto(struct cursor *c, const char *text, size_t n, struct error *err)
	__attribute__((warn_unused_result));

/* --lag of a column of dates or times, in milliseconds. ERR_USAGE. */
int cursor_lag_ms(const struct cursor *c, int64_t *ret, struct error *err)
	__attribute__((warn_unused_result));

/* --lag of a column of numbers is one: digits; of decimals perhaps with a point. ERR_USAGE. */
int cursor_check_lag_number(const struct cursor *c, bool integer, struct error *err)
	__attribute__((warn_unused_result));

/* ERR_USAGE: --lag needs a column of dates, times or numbers. -1. */
int cursor_refuse_lag(const struct cursor *c, struct error *err);

/* Text that is a decimal number without exponent or plus sign; integer: nor point. */
bool cursor_is_number(const char *text, bool integer);

/*
 * Without --lag rows may be lost that are committed late: say so, and why
 * nothing here can prevent it.
 */
void cursor_warn_unsafe(const struct cursor *c, const char *label, const char *why);

/* The largest value is of a day to come. */
void cursor_warn_future(const struct cursor *c, const char *label);

#endif
