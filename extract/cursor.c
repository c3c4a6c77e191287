#include "extract/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/parse.h"
#include "lib/utf8.h"

enum { LAG_DIGITS_MAX = 18 };

/* --- which column ------------------------------------------------------------------ */

static const struct column *find(const struct column *columns, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(columns[i].source_name, name))
			return &columns[i];
	return NULL;
}

/*
 * What --hash and --mask hide must not stand in @begin. Under --lag rows come
 * again, and BigQuery tells by the cursor which of two is newer: text would
 * have another order than what it was made from.
 */
static int check_conversion(const struct cursor *c, const struct column *read, const char *option,
			    struct error *err)
{
	if (option && strcmp(option, "--type") != 0)
		return error_set(err, ERR_USAGE,
				 "--cursor: column \"%s\" has %s, and its values would show in "
				 "the stream's @begin",
				 c->source_name, option);
	if (c->lag && (!strcmp(read->type, "STRING") || !strcmp(read->type, "JSON")))
		return error_set(err, ERR_USAGE,
				 "--lag: column \"%s\" is read as %s, in whose order a merge could "
				 "not tell which row is newer",
				 c->source_name, read->type);
	return 0;
}

int cursor_init(struct cursor *c, const struct relation *relation,
		const struct selection *selection, struct error *err)
{
	const struct column *read = find(selection->columns, selection->count, c->source_name);

	c->column = find(relation->columns, relation->count, c->source_name);
	if (!c->column)
		return error_set(err, ERR_NOINPUT,
				 "--cursor: there is no column \"%s\" (names are taken literally, "
				 "in their case)",
				 c->source_name);
	if (!read)
		return error_set(err, ERR_USAGE,
				 "--cursor: column \"%s\" is not among those that are read",
				 c->source_name);
	if (c->given && utf8_valid_prefix(c->given, strlen(c->given)) != strlen(c->given))
		return error_set(err, ERR_USAGE, "--after: not valid UTF-8");
	c->name = read->name;
	return check_conversion(c, read, selection->conversions[read - selection->columns].option,
				err);
}

/* --- rows without a value ------------------------------------------------------------ */

/* An increment that is appended would bring them again each time. */
bool cursor_reads_nulls(const struct cursor *c)
{
	if (c->nulls == CURSOR_NULLS_UNSET)
		return !c->given || c->lag;
	return c->nulls == CURSOR_NULLS_INCLUDE;
}

int cursor_check_nulls(const struct cursor *c, const char *label, struct error *err)
{
	long long rows = c->null_rows;

	if (rows == 0)
		return 0;
	if (c->nulls == CURSOR_NULLS_FAIL)
		return error_set(err, ERR_DATA,
				 "%s: %lld rows have no \"%s\" (--cursor-nulls fail)", label, rows,
				 c->source_name);
	if (cursor_reads_nulls(c))
		log_info("%s: %lld rows have no \"%s\", and are read each time", label, rows,
			 c->source_name);
	else
		log_warn("%s: %lld rows have no \"%s\", and are left out", label, rows,
			 c->source_name);
	return 0;
}

bool cursor_narrows(const struct cursor *c)
{
	return c->given || c->capped || (c->null_rows > 0 && !cursor_reads_nulls(c));
}

/* --- the stream ----------------------------------------------------------------------- */

json_t *cursor_begin(const struct cursor *c)
{
	json_t *cursor = json_pack("{s:s,s:s?,s:s?,s:s}", "column", c->name, "after", c->after,
				   "upto", c->upto, "bound", c->lag ? "inclusive" : "exclusive");

	if (cursor && c->lag && json_object_set_new(cursor, "lag", json_string(c->lag)) < 0) {
		json_decref(cursor);
		return NULL;
	}
	return cursor;
}

/* It never goes back: rows that were deleted, or are held back, have been read. */
json_t *cursor_end(const struct cursor *c)
{
	const char *last = c->upto && !c->backwards ? c->upto : c->after;

	return json_pack("{s:s,s:s?,s:I}", "column", c->name, "last", last, "nulls",
			 (json_int_t)c->null_rows);
}

void cursor_release(struct cursor *c)
{
	free(c->after);
	free(c->upto);
	free(c->condition);
}

/* --- what drivers share --------------------------------------------------------------- */

int cursor_refuse_type(const struct cursor *c, struct error *err)
{
	return error_set(err, ERR_USAGE,
			 "--cursor: column \"%s\" is of type %s, which is no cursor: it has no "
			 "order, or not the same one in SQL and in its text; a --query can cast it",
			 c->source_name, c->column->source_type);
}

int cursor_refuse_after(const struct cursor *c, struct error *err)
{
	return error_set(err, ERR_USAGE,
			 "--after: '%s' is no value from which \"%s\" (%s) can go on", c->given,
			 c->source_name, c->column->source_type);
}

int cursor_refuse_upto(const struct cursor *c, const char *what, struct error *err)
{
	return error_set(err, ERR_DATA,
			 "the largest value of cursor column \"%s\" is %s, from which no later run "
			 "could go on; leave such rows out with --where",
			 c->source_name, what);
}

int cursor_set_upto(struct cursor *c, const char *text, size_t n, struct error *err)
{
	if (n > CURSOR_VALUE_MAX)
		return cursor_refuse_upto(c, "a text of more than 8 KiB", err);
	if (memchr(text, '\0', n) || utf8_valid_prefix(text, n) != n)
		return cursor_refuse_upto(c, "not text in UTF-8, or has a NUL in it", err);
	free(c->upto);
	c->upto = strndup(text, n);
	return c->upto ? 0 : error_nomem(err);
}

int cursor_lag_ms(const struct cursor *c, int64_t *ret, struct error *err)
{
	return parse_duration_ms(c->lag, ret, err) < 0 ? error_prefix(err, "--lag") : 0;
}

bool cursor_is_number(const char *text, bool integer)
{
	const char *digits = text + (*text == '-');
	size_t n = strspn(digits, "0123456789");

	if (n == 0)
		return false;
	digits += n;
	if (!integer && *digits == '.') {
		n = strspn(++digits, "0123456789");
		if (n == 0)
			return false;
		digits += n;
	}
	return *digits == '\0';
}

int cursor_check_lag_number(const struct cursor *c, bool integer, struct error *err)
{
	if (*c->lag == '-' || strlen(c->lag) > LAG_DIGITS_MAX || !cursor_is_number(c->lag, integer))
		return error_set(err, ERR_USAGE,
				 "--lag: '%s' is not a number to subtract from \"%s\" (%s)", c->lag,
				 c->source_name, c->column->source_type);
	return 0;
}

int cursor_refuse_lag(const struct cursor *c, struct error *err)
{
	return error_set(err, ERR_USAGE,
			 "--lag: column \"%s\" (%s) is neither a date or time nor a number",
			 c->source_name, c->column->source_type);
}

void cursor_warn_unsafe(const struct cursor *c, const char *label, const char *why)
{
	if (c->lag)
		return;
	log_warn("%s: without --lag, a row that is committed after this read with a smaller \"%s\" "
		 "than the last one read is lost to later runs: %s (see INCREMENTAL READS in "
		 "sqlextract(1))",
		 label, c->source_name, why);
}

void cursor_warn_future(const struct cursor *c, const char *label)
{
	log_warn("%s: the largest \"%s\", %s, lies in the future: later runs read nothing below it",
		 label, c->source_name, c->upto);
}
