/*
 * MySQL's dates and times in the binary protocol. A date is year (2 bytes),
 * month, day; then hour, minute, second; then microseconds (4 bytes): what is
 * zero at the end is left out, down to nothing for 0000-00-00. A time is its
 * sign, days (4 bytes), hour, minute, second; then microseconds.
 */
#include "extract/mysql_encoders.h"

static const char reason_malformed[] = "malformed date or time";
static const char reason_zero[] = "a zero or partial date is no date in BigQuery";
static const char reason_calendar[] = "a day that the calendar does not have";
static const char reason_years[] = "outside of BigQuery's years 0001 to 9999";

/* DATE; with a time of day; with microseconds. */
enum { LENGTH_ZERO = 0, LENGTH_DATE = 4, LENGTH_SECONDS = 7, LENGTH_MICROSECONDS = 11 };
enum { LENGTH_TIME_SECONDS = 8, LENGTH_TIME_MICROSECONDS = 12 };

struct moment {
	unsigned year, month, day;
	unsigned hour, minute, second, microsecond;
	bool negative; /* a time alone */
};

/* The three bytes and, in a cell of `full` bytes, the four behind them. */
static inline bool read_clock(const struct cell *cell, size_t at, size_t full, struct moment *m)
{
	const unsigned char *p = (const unsigned char *)cell->data + at;

	m->hour = p[0];
	m->minute = p[1];
	m->second = p[2];
	if (cell->length == full)
		m->microsecond = mysql_get32(cell->data + at + 3);
	return m->hour < 24 && m->minute < 60 && m->second < 60 && m->microsecond < 1000000;
}

static inline bool read_date(const struct cell *cell, struct moment *m)
{
	*m = (struct moment){ .year = 0 };
	if (cell->length == LENGTH_ZERO)
		return true;
	if (cell->length != LENGTH_DATE && cell->length != LENGTH_SECONDS &&
	    cell->length != LENGTH_MICROSECONDS)
		return false;
	m->year = mysql_get16(cell->data);
	m->month = (unsigned char)cell->data[2];
	m->day = (unsigned char)cell->data[3];
	if (m->year > 9999 || m->month > 12 || m->day > 31)
		return false;
	return cell->length == LENGTH_DATE || read_clock(cell, 4, LENGTH_MICROSECONDS, m);
}

static bool read_time(const struct cell *cell, struct moment *m)
{
	uint32_t days;

	*m = (struct moment){ .year = 0 };
	if (cell->length == LENGTH_ZERO)
		return true;
	if (cell->length != LENGTH_TIME_SECONDS && cell->length != LENGTH_TIME_MICROSECONDS)
		return false;
	m->negative = cell->data[0] != 0;
	days = mysql_get32(cell->data + 1);
	/* MySQL's largest is 838:59:59. */
	if (!read_clock(cell, 5, LENGTH_TIME_MICROSECONDS, m) || days > 34)
		return false;
	m->hour += 24 * days;
	return true;
}

/* --- JSON -------------------------------------------------------------------- */

static inline unsigned days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* What keeps it from being a date of BigQuery's, or NULL. */
static inline const char *check_date(const struct moment *m)
{
	if (m->month == 0 || m->day == 0)
		return reason_zero;
	if (m->day > days_of_month(m->year, m->month))
		return reason_calendar;
	return m->year == 0 ? reason_years : NULL;
}

static inline char *put_date(char *out, const struct moment *m)
{
	out = encode_put4(out, m->year);
	*out++ = '-';
	out = encode_put2(out, m->month);
	*out++ = '-';
	return encode_put2(out, m->day);
}

static inline char *put_clock(char *out, const struct moment *m)
{
	out = encode_put2(out, m->hour);
	*out++ = ':';
	out = encode_put2(out, m->minute);
	*out++ = ':';
	out = encode_put2(out, m->second);
	*out++ = '.';
	out = encode_put2(out, m->microsecond / 10000);
	return encode_put4(out, m->microsecond % 10000);
}

static const char *encode_date(const struct column *column, const struct cell *cell, char **ret)
{
	const char *reason;
	struct moment m;
	char *out = *ret;

	(void)column;
	if (!read_date(cell, &m) || m.hour || m.minute || m.second || m.microsecond)
		return reason_malformed;
	reason = check_date(&m);
	if (reason)
		return reason;
	*out++ = '"';
	out = put_date(out, &m);
	*out++ = '"';
	*ret = out;
	return NULL;
}

static const char *encode_time(const struct column *column, const struct cell *cell, char **ret)
{
	struct moment m;
	char *out = *ret;

	(void)column;
	if (!read_time(cell, &m))
		return reason_malformed;
	if (m.negative)
		return "BigQuery's TIME is not negative (see --time string)";
	if (m.hour >= 24)
		return "BigQuery's TIME ends before 24:00:00 (see --time string)";
	*out++ = '"';
	out = put_clock(out, &m);
	*out++ = '"';
	*ret = out;
	return NULL;
}

static inline const char *put_datetime(const struct cell *cell, bool utc, char **ret)
{
	const char *reason;
	struct moment m;
	char *out = *ret;

	if (!read_date(cell, &m))
		return reason_malformed;
	reason = check_date(&m);
	if (reason)
		return reason;
	*out++ = '"';
	out = put_date(out, &m);
	*out++ = 'T';
	out = put_clock(out, &m);
	if (utc)
		*out++ = 'Z';
	*out++ = '"';
	*ret = out;
	return NULL;
}

static const char *encode_datetime(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	return put_datetime(cell, false, out);
}

static const char *encode_timestamp(const struct column *column, const struct cell *cell,
				    char **out)
{
	(void)column;
	return put_datetime(cell, true, out);
}

static const char *or_null(const char *reason, char **out)
{
	if (reason != reason_zero && reason != reason_calendar)
		return reason;
	memcpy(*out, "null", 4);
	*out += 4;
	return NULL;
}

static const char *encode_date_or_null(const struct column *column, const struct cell *cell,
				       char **out)
{
	return or_null(encode_date(column, cell, out), out);
}

static const char *encode_datetime_or_null(const struct column *column, const struct cell *cell,
					   char **out)
{
	return or_null(encode_datetime(column, cell, out), out);
}

static const char *encode_timestamp_or_null(const struct column *column, const struct cell *cell,
					    char **out)
{
	return or_null(encode_timestamp(column, cell, out), out);
}

/* --- as MySQL prints them ------------------------------------------------------------ */

static int append_clock(struct buf *out, const struct moment *m, int digits, struct error *err)
{
	if (buf_appendf(out, err, "%02u:%02u:%02u", m->hour, m->minute, m->second) < 0)
		return -1;
	if (digits == 0)
		return 0;
	if (buf_appendf(out, err, ".%06u", m->microsecond) < 0)
		return -1;
	out->length -= (size_t)(6 - digits);
	return 0;
}

static int text_date(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	struct moment m;

	(void)column;
	(void)max;
	if (!read_date(cell, &m))
		return 0;
	return buf_appendf(out, err, "%04u-%02u-%02u", m.year, m.month, m.day);
}

static int text_time(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	struct moment m;

	(void)max;
	if (!read_time(cell, &m))
		return 0;
	if (m.negative && buf_append_str(out, "-", err) < 0)
		return -1;
	return append_clock(out, &m, column->scale, err);
}

static int text_datetime(const struct column *column, const struct cell *cell, size_t max,
			 struct buf *out, struct error *err)
{
	struct moment m;

	if (!read_date(cell, &m))
		return 0;
	if (text_date(column, cell, max, out, err) < 0 || buf_append_str(out, " ", err) < 0)
		return -1;
	return append_clock(out, &m, column->scale, err);
}

const struct encoder mysql_date = { .encode = encode_date, .text = text_date, .fixed = 12 };
const struct encoder mysql_date_or_null = { .encode = encode_date_or_null,
					    .text = text_date,
					    .fixed = 12 };
const struct encoder mysql_time = { .encode = encode_time, .text = text_time, .fixed = 17 };
const struct encoder mysql_datetime = { .encode = encode_datetime,
					.text = text_datetime,
					.fixed = 28 };
const struct encoder mysql_datetime_or_null = { .encode = encode_datetime_or_null,
						.text = text_datetime,
						.fixed = 28 };
const struct encoder mysql_timestamp = { .encode = encode_timestamp,
					 .text = text_datetime,
					 .fixed = 29 };
const struct encoder mysql_timestamp_or_null = { .encode = encode_timestamp_or_null,
						 .text = text_datetime,
						 .fixed = 29 };
