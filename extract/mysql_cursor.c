/*
 * Incremental reads of MySQL and MariaDB. A value stands in SQL as a literal
 * of the column's own kind, after its form was checked here or by the server's
 * cast, which only warns.
 */
#include <stdlib.h>
#include <string.h>

#include "extract/cursor.h"
#include "extract/mysql_encoders.h"
#include "extract/mysql_impl.h"
#include "lib/log.h"
#include "lib/parse.h"

enum kind {
	KIND_NONE,
	KIND_INTEGER,
	KIND_DECIMAL,
	KIND_FLOAT, /* both widths, as doubles */
	KIND_DATE,
	KIND_DATETIME, /* and timestamp: the session's zone is UTC */
	KIND_TIME,
	KIND_TEXT,
	KIND_BYTES,
	KIND_UUID,
	KIND_INET4,
	KIND_INET6,
};

enum {
	MICROSECONDS_A_MILLISECOND = 1000,
	MILLISECONDS_A_DAY = 86400000,
	FRACTION_DIGITS_MAX = 6,
	DECIMAL_DIGITS_MAX = 65,
	FLOAT_DIGITS_MAX = 400,
	EXPONENT_LENGTH_MAX = 4,
	DATE_LENGTH = 10,
	/* The server's number: a character that the column's character set lacks. */
	MIX_OF_COLLATIONS = 1267,
};

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* The order of enum and set is that of their numbers here, and of their labels there. */
static enum kind text_kind(const struct column *column)
{
	const char *type = column->source_type;

	if (column->encoder == &mysql_bytes)
		return KIND_BYTES;
	if (column->encoder != &encoder_text || has_prefix(type, "enum") ||
	    has_prefix(type, "set") || column->type_id == MYSQL_TYPE_NULL ||
	    column->type_id == MYSQL_TYPE_JSON)
		return KIND_NONE;
	return !strcmp(type, "uuid")    ? KIND_UUID
	       : !strcmp(type, "inet4") ? KIND_INET4
	       : !strcmp(type, "inet6") ? KIND_INET6
					: KIND_TEXT;
}

static enum kind kind_of(const struct column *column)
{
	switch (column->type_id) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return KIND_INTEGER;
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		return KIND_DECIMAL;
	case MYSQL_TYPE_FLOAT:
	case MYSQL_TYPE_DOUBLE:
		return KIND_FLOAT;
	case MYSQL_TYPE_DATE:
	case MYSQL_TYPE_NEWDATE:
		return KIND_DATE;
	case MYSQL_TYPE_DATETIME:
	case MYSQL_TYPE_TIMESTAMP:
		return KIND_DATETIME;
	case MYSQL_TYPE_TIME:
		return KIND_TIME;
	case MYSQL_TYPE_BIT:
	case MYSQL_TYPE_GEOMETRY:
		return KIND_NONE;
	default:
		return text_kind(column);
	}
}

static bool is_moment(enum kind kind)
{
	return kind == KIND_DATE || kind == KIND_DATETIME;
}

/* 12, -1.5, 1e-300; the server takes no number out of range. */
static bool is_float(const char *text)
{
	size_t n = strcspn(text, "eE");
	char mantissa[FLOAT_DIGITS_MAX + 1];
	const char *exponent = text + n;

	if (n > FLOAT_DIGITS_MAX)
		return false;
	memcpy(mantissa, text, n);
	mantissa[n] = '\0';
	if (!cursor_is_number(mantissa, false))
		return false;
	if (!*exponent)
		return true;
	exponent += 1 + (exponent[1] == '+');
	return strlen(exponent) <= EXPONENT_LENGTH_MAX && cursor_is_number(exponent, true);
}

/* A form that MariaDB's casts would take in part. */
static bool has_form(const struct cursor *cursor, enum kind kind, const char *text)
{
	size_t digits;

	switch (kind) {
	case KIND_INTEGER:
	case KIND_DECIMAL:
		return cursor_is_number(text, kind == KIND_INTEGER) &&
		       strlen(text) <= strspn(text, "-0") + DECIMAL_DIGITS_MAX + 1;
	case KIND_FLOAT:
		return is_float(text);
	case KIND_DATE:
		return strlen(text) <= DATE_LENGTH;
	case KIND_DATETIME:
		/* A zone could only be dropped; that of a timestamp may be said. */
		return !strchr(text, 'Z') || cursor->column->type_id == MYSQL_TYPE_TIMESTAMP;
	case KIND_BYTES:
		if (!has_prefix(text, "0x"))
			return false;
		digits = strspn(text + 2, "0123456789ABCDEFabcdef");
		return text[2 + digits] == '\0' && digits % 2 == 0;
	default:
		return true;
	}
}

/* --- SQL ----------------------------------------------------------------------------- */

static int append_cast(struct connection *c, struct buf *sql, const char *text, const char *type,
		       struct error *err)
{
	if (buf_append_str(sql, "CAST(", err) < 0 || mysql_append_literal(c, sql, text, err) < 0)
		return -1;
	return buf_appendf(sql, err, " AS %s)", type);
}

/* A value whose form is right, as SQL of the column's type. */
static int append_value(struct connection *c, struct buf *sql, enum kind kind, const char *text,
			struct error *err)
{
	switch (kind) {
	case KIND_INTEGER:
	case KIND_DECIMAL:
		return buf_append_str(sql, text, err);
	case KIND_FLOAT:
		/* With an exponent a literal is no decimal. */
		return buf_appendf(sql, err, "%s%s", text, strpbrk(text, "eE") ? "" : "e0");
	case KIND_DATE:
		return append_cast(c, sql, text, "DATE", err);
	case KIND_DATETIME:
		return append_cast(c, sql, text, "DATETIME(6)", err);
	case KIND_TIME:
		return append_cast(c, sql, text, "TIME(6)", err);
	case KIND_BYTES:
		return buf_appendf(sql, err, "x'%s'", text + 2);
	case KIND_UUID:
		return append_cast(c, sql, text, "UUID", err);
	case KIND_INET4:
		return append_cast(c, sql, text, "INET4", err);
	case KIND_INET6:
		return append_cast(c, sql, text, "INET6", err);
	default:
		return mysql_append_literal(c, sql, text, err);
	}
}

/* The lower bound's value; a lag in days is rounded up. */
static int append_lower(struct connection *c, struct buf *sql, const struct cursor *cursor,
			enum kind kind, struct error *err)
{
	int64_t ms = 0;

	if (append_value(c, sql, kind, cursor->after, err) < 0)
		return -1;
	if (!cursor->lag)
		return 0;
	if (is_moment(kind) && cursor_lag_ms(cursor, &ms, err) < 0)
		return -1;
	if (kind == KIND_DATE)
		return buf_appendf(
			sql, err, " - INTERVAL %lld DAY",
			(long long)(ms / MILLISECONDS_A_DAY + (ms % MILLISECONDS_A_DAY > 0)));
	if (kind == KIND_DATETIME)
		return buf_appendf(sql, err, " - INTERVAL %lld MICROSECOND",
				   (long long)ms * MICROSECONDS_A_MILLISECOND);
	return buf_appendf(sql, err, " - %s", cursor->lag);
}

/* Run SELECT and return its only row, in *ret (mysql_free_result). */
static int ask_row(struct connection *c, struct buf *sql, MYSQL_RES **ret, MYSQL_ROW *row,
		   struct error *err)
{
	const char *text = buf_cstr(sql, err);

	if (!text)
		return -1;
	log_debug("%s", text);
	*ret = mysql_ask(c, text, err);
	if (!*ret)
		return -1;
	*row = mysql_fetch_row(*ret);
	if (*row)
		return 0;
	mysql_free_result(*ret);
	return error_set(err, ERR_PROTOCOL, "%s: no row where there is one", mysql_product(c));
}

/* --- values ----------------------------------------------------------------------------- */

/*
 * Zero and partial dates are below all others, though the server's casts and
 * sums take some for NULL.
 */
static bool is_zero_date(enum kind kind, const char *text)
{
	return is_moment(kind) && strlen(text) >= DATE_LENGTH &&
	       (!memcmp(text + 5, "00", 2) || !memcmp(text + 8, "00", 2));
}

/* As many fraction digits as were given: they are those of the column. */
static int append_canonical(struct connection *c, struct buf *sql, enum kind kind, const char *text,
			    struct error *err)
{
	const char *point = strchr(text, '.');
	size_t digits = point ? strspn(point + 1, "0123456789") : 0;

	if (buf_append_str(sql, "CONVERT(", err) < 0)
		return -1;
	if (kind == KIND_DATETIME || kind == KIND_TIME) {
		if (buf_append_str(sql, "CAST(", err) < 0 ||
		    append_value(c, sql, kind, text, err) < 0 ||
		    buf_appendf(sql, err, " AS %s(%zu))", kind == KIND_TIME ? "TIME" : "DATETIME",
				digits < FRACTION_DIGITS_MAX ? digits : FRACTION_DIGITS_MAX) < 0)
			return -1;
	} else if (kind == KIND_FLOAT) {
		/* A literal that is out of range would be an error in SQL, not a warning. */
		if (mysql_append_literal(c, sql, text, err) < 0 ||
		    buf_append_str(sql, " + 0e0", err) < 0)
			return -1;
	} else if (append_value(c, sql, kind, text, err) < 0) {
		return -1;
	}
	return buf_append_str(sql, " USING utf8mb4)", err);
}

/* What the server makes of the text, which must be all that it says; and whether --lag fits. */
static int cast_after(struct connection *c, struct cursor *cursor, enum kind kind,
		      const char *given, struct error *err)
{
	auto_buf sql = BUF_INIT;
	MYSQL_RES *result;
	MYSQL_ROW row;
	int rc = 0;

	if (buf_append_str(&sql, "SELECT ", err) < 0 ||
	    append_canonical(c, &sql, kind, given, err) < 0 ||
	    ask_row(c, &sql, &result, &row, err) < 0)
		return -1;
	if (!row[0] || mysql_warning_count(c->mysql) > 0 || is_zero_date(kind, row[0]))
		rc = cursor_refuse_after(cursor, err);
	else if (!(cursor->after = strdup(row[0])))
		rc = error_nomem(err);
	mysql_free_result(result);
	return rc;
}

/* Integers and decimals, text and bytes are what they look like. */
static int read_after(struct connection *c, struct cursor *cursor, enum kind kind,
		      struct error *err)
{
	size_t n = cursor->given ? strlen(cursor->given) : 0;
	char *copy;
	int rc;

	if (!cursor->given)
		return 0;
	if (!has_form(cursor, kind, cursor->given))
		return cursor_refuse_after(cursor, err);
	copy = strdup(cursor->given);
	if (!copy)
		return error_nomem(err);
	if (kind == KIND_INTEGER || kind == KIND_DECIMAL || kind == KIND_TEXT ||
	    kind == KIND_BYTES) {
		cursor->after = copy;
		return 0;
	}
	if (kind == KIND_DATETIME && n > 0 && copy[n - 1] == 'Z')
		copy[n - 1] = '\0';
	rc = cast_after(c, cursor, kind, copy, err);
	free(copy);
	return rc;
}

/* A lag so long that the calendar ends would be a NULL, which no row is above. */
static int check_lag(struct connection *c, const struct cursor *cursor, enum kind kind,
		     struct error *err)
{
	auto_buf sql = BUF_INIT;
	MYSQL_RES *result;
	MYSQL_ROW row;
	int64_t ms;
	int rc = 0;

	if (!cursor->lag)
		return 0;
	if (kind == KIND_INTEGER || kind == KIND_DECIMAL || kind == KIND_FLOAT)
		return cursor_check_lag_number(cursor, kind == KIND_INTEGER, err);
	if (!is_moment(kind))
		return cursor_refuse_lag(cursor, err);
	if (cursor_lag_ms(cursor, &ms, err) < 0)
		return -1;
	if (ms > INT64_MAX / MICROSECONDS_A_MILLISECOND)
		return error_set(err, ERR_USAGE, "--lag: '%s' is too long", cursor->lag);
	if (!cursor->after)
		return 0;
	if (buf_append_str(&sql, "SELECT ", err) < 0 ||
	    append_lower(c, &sql, cursor, kind, err) < 0 ||
	    ask_row(c, &sql, &result, &row, err) < 0)
		return -1;
	if (!row[0])
		rc = error_set(err, ERR_USAGE, "--lag: '%s' before %s is no date", cursor->lag,
			       cursor->after);
	mysql_free_result(result);
	return rc;
}

enum { LARGEST_TEXT, LARGEST_BACKWARDS, LARGEST_FUTURE };

/* The largest value: its text; whether it is below --after; whether it is in the future. */
static int append_largest(struct connection *c, struct buf *sql, const struct request *request,
			  const struct cursor *cursor, enum kind kind, struct error *err)
{
	/* The sum is a double of no declared width, whose text has all its digits. */
	if (buf_append_str(sql,
			   kind == KIND_BYTES   ? "SELECT HEX(m.v), "
			   : kind == KIND_FLOAT ? "SELECT CONVERT(m.v + 0e0 USING utf8mb4), "
						: "SELECT CONVERT(m.v USING utf8mb4), ",
			   err) < 0)
		return -1;
	if (cursor->after ? buf_append_str(sql, "m.v < ", err) < 0 ||
				    append_value(c, sql, kind, cursor->after, err) < 0
			  : buf_append_str(sql, "0", err) < 0)
		return -1;
	if (buf_append_str(sql,
			   is_moment(kind) ? ", m.v > UTC_TIMESTAMP() + INTERVAL 1 DAY" : ", 0",
			   err) < 0 ||
	    buf_append_str(sql, " FROM (SELECT MAX(", err) < 0 ||
	    names_quote(sql, cursor->source_name, '`', err) < 0 ||
	    buf_append_str(sql, ") AS v", err) < 0 ||
	    mysql_append_from(sql, request, NULL, err) < 0)
		return -1;
	return buf_append_str(sql, ") AS m", err);
}

static bool is_true(const char *field)
{
	return field && *field == '1';
}

static int set_upto(struct cursor *cursor, enum kind kind, const char *text, size_t n,
		    struct error *err)
{
	auto_buf hex = BUF_INIT;

	if (is_zero_date(kind, text))
		return cursor_refuse_upto(cursor, text, err);
	if (kind != KIND_BYTES)
		return cursor_set_upto(cursor, text, n, err);
	if (buf_append_str(&hex, "0x", err) < 0 || buf_append(&hex, text, n, err) < 0)
		return -1;
	return cursor_set_upto(cursor, hex.data, hex.length, err);
}

static int read_upto(struct connection *c, const struct request *request, struct cursor *cursor,
		     enum kind kind, struct error *err)
{
	auto_buf sql = BUF_INIT;
	MYSQL_RES *result;
	MYSQL_ROW row;
	int rc = 0;

	cursor_warn_unsafe(cursor, c->label,
			   is_moment(kind) ? "what other transactions may still commit is not known"
					   : "values are not given in the order of commits");
	if (append_largest(c, &sql, request, cursor, kind, err) < 0)
		return -1;
	if (ask_row(c, &sql, &result, &row, err) < 0)
		return kind == KIND_TEXT && cursor->after && c->failed == MIX_OF_COLLATIONS
			       ? cursor_refuse_after(cursor, err)
			       : -1;
	/* A character without an equal in Unicode is a question mark, and a warning. */
	if (kind == KIND_TEXT && mysql_warning_count(c->mysql) > 0)
		rc = mysql_check_warnings(c, false, err);
	if (rc == 0 && row[LARGEST_TEXT]) {
		cursor->backwards = is_true(row[LARGEST_BACKWARDS]);
		rc = set_upto(cursor, kind, row[LARGEST_TEXT],
			      mysql_fetch_lengths(result)[LARGEST_TEXT], err);
		if (rc == 0 && is_true(row[LARGEST_FUTURE]))
			cursor_warn_future(cursor, c->label);
	}
	mysql_free_result(result);
	return rc;
}

static int count_nulls(struct connection *c, const struct request *request, struct cursor *cursor,
		       struct error *err)
{
	auto_buf sql = BUF_INIT, condition = BUF_INIT;
	MYSQL_RES *result;
	MYSQL_ROW row;
	const char *text;
	int rc;

	if (cursor->column->required)
		return 0;
	if (names_quote(&condition, cursor->source_name, '`', err) < 0 ||
	    buf_append_str(&condition, " IS NULL", err) < 0 ||
	    !(text = buf_cstr(&condition, err)) ||
	    buf_append_str(&sql, "SELECT COUNT(*)", err) < 0 ||
	    mysql_append_from(&sql, request, text, err) < 0 ||
	    ask_row(c, &sql, &result, &row, err) < 0)
		return -1;
	rc = parse_int64(row[0], 0, INT64_MAX, &cursor->null_rows, err);
	mysql_free_result(result);
	return rc;
}

/* --- the condition ---------------------------------------------------------------------- */

static int append_bounds(struct connection *c, struct buf *sql, const struct cursor *cursor,
			 enum kind kind, struct error *err)
{
	if (cursor->after &&
	    (names_quote(sql, cursor->source_name, '`', err) < 0 ||
	     buf_append_str(sql, cursor->lag ? " >= " : " > ", err) < 0 ||
	     append_lower(c, sql, cursor, kind, err) < 0 || buf_append_str(sql, " AND ", err) < 0))
		return -1;
	if (names_quote(sql, cursor->source_name, '`', err) < 0 ||
	    buf_append_str(sql, " <= ", err) < 0)
		return -1;
	return append_value(c, sql, kind, cursor->upto, err);
}

static int make_condition(struct connection *c, struct cursor *cursor, enum kind kind,
			  struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (cursor->upto ? append_bounds(c, &sql, cursor, kind, err) < 0
			 : buf_append_str(&sql, "FALSE", err) < 0)
		return -1;
	if (cursor->null_rows > 0 && cursor_reads_nulls(cursor) &&
	    (buf_append_str(&sql, " OR ", err) < 0 ||
	     names_quote(&sql, cursor->source_name, '`', err) < 0 ||
	     buf_append_str(&sql, " IS NULL", err) < 0))
		return -1;
	text = buf_cstr(&sql, err);
	cursor->condition = text ? strdup(text) : NULL;
	return cursor->condition ? 0 : text ? error_nomem(err) : -1;
}

int mysql_cursor(struct connection *c, const struct request *request, struct cursor *cursor,
		 struct error *err)
{
	enum kind kind = kind_of(cursor->column);

	if (kind == KIND_NONE)
		return cursor_refuse_type(cursor, err);
	if (read_after(c, cursor, kind, err) < 0 || check_lag(c, cursor, kind, err) < 0 ||
	    read_upto(c, request, cursor, kind, err) < 0 ||
	    count_nulls(c, request, cursor, err) < 0)
		return -1;
	return make_condition(c, cursor, kind, err);
}
