#include "extract/postgresql_encoders.h"

static const int64_t microseconds_a_day = INT64_C(86400000000);
enum { EPOCH_DAYS = 10957 }; /* 2000-01-01 in days since 1970-01-01 */

/* --- dates and times ------------------------------------------------------------ */

static const char reason_infinity[] = "BigQuery has no infinite dates";
static const char reason_years[] = "outside of BigQuery's years 0001 to 9999";

static const char *encode_date(const struct column *column, const struct cell *cell, char **out)
{
	int32_t days = (int32_t)postgresql_get32(cell->data);

	(void)column;
	if (days == INT32_MAX || days == INT32_MIN)
		return reason_infinity;
	*(*out)++ = '"';
	if (!encode_put_date(out, (int64_t)days + EPOCH_DAYS))
		return reason_years;
	*(*out)++ = '"';
	return NULL;
}

static const char *encode_time(const struct column *column, const struct cell *cell, char **out)
{
	int64_t microseconds = (int64_t)postgresql_get64(cell->data);

	(void)column;
	if (microseconds < 0 || microseconds > microseconds_a_day)
		return "malformed time";
	if (microseconds == microseconds_a_day)
		return "BigQuery's TIME ends before 24:00:00";
	*(*out)++ = '"';
	*out = encode_put_time(*out, microseconds);
	*(*out)++ = '"';
	return NULL;
}

static inline const char *put_timestamp(const struct cell *cell, const char *zone, char **out)
{
	int64_t at = (int64_t)postgresql_get64(cell->data);

	if (at == INT64_MAX || at == INT64_MIN)
		return reason_infinity;
	/* Far from what overflows below; the calendar has the exact bounds. */
	if (at > INT64_MAX / 2 || at < INT64_MIN / 2)
		return reason_years;
	*(*out)++ = '"';
	if (!encode_put_datetime(out, at + EPOCH_DAYS * microseconds_a_day))
		return reason_years;
	while (*zone)
		*(*out)++ = *zone++;
	*(*out)++ = '"';
	return NULL;
}

static const char *encode_timestamp(const struct column *column, const struct cell *cell,
				    char **out)
{
	(void)column;
	return put_timestamp(cell, "", out);
}

static const char *encode_timestamptz(const struct column *column, const struct cell *cell,
				      char **out)
{
	(void)column;
	return put_timestamp(cell, "Z", out);
}

static int text_date(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	int32_t days = (int32_t)postgresql_get32(cell->data);
	char text[32];
	bool bc;
	char *end;

	(void)column;
	(void)max;
	if (days == INT32_MAX || days == INT32_MIN)
		return buf_append_str(out, days < 0 ? "-infinity" : "infinity", err);
	end = encode_put_any_date(text, (int64_t)days + EPOCH_DAYS, &bc);
	if (buf_append(out, text, (size_t)(end - text), err) < 0)
		return -1;
	return bc ? buf_append_str(out, " BC", err) : 0;
}

static int text_time(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	int64_t microseconds = (int64_t)postgresql_get64(cell->data);
	char text[24], *end;

	(void)column;
	(void)max;
	/* 24:00:00 is a time of PostgreSQL's; nothing else beyond the day has digits to show. */
	if (microseconds < 0 || microseconds > microseconds_a_day)
		return 0;
	end = encode_put_time(text, microseconds);
	return buf_append(out, text, (size_t)(end - text), err);
}

static int append_timestamp(struct buf *out, const struct cell *cell, const char *zone,
			    struct error *err)
{
	int64_t at = (int64_t)postgresql_get64(cell->data), days, time;
	char text[64];
	bool bc;
	char *end;

	if (at == INT64_MAX || at == INT64_MIN)
		return buf_append_str(out, at < 0 ? "-infinity" : "infinity", err);
	days = at / microseconds_a_day;
	time = at % microseconds_a_day;
	if (time < 0) {
		time += microseconds_a_day;
		days--;
	}
	end = encode_put_any_date(text, days + EPOCH_DAYS, &bc);
	*end++ = ' ';
	end = encode_put_time(end, time);
	if (buf_append(out, text, (size_t)(end - text), err) < 0 ||
	    buf_append_str(out, zone, err) < 0)
		return -1;
	return bc ? buf_append_str(out, " BC", err) : 0;
}

static int text_timestamp(const struct column *column, const struct cell *cell, size_t max,
			  struct buf *out, struct error *err)
{
	(void)column;
	(void)max;
	return append_timestamp(out, cell, "", err);
}

static int text_timestamptz(const struct column *column, const struct cell *cell, size_t max,
			    struct buf *out, struct error *err)
{
	(void)column;
	(void)max;
	return append_timestamp(out, cell, "+00", err);
}

/* --- intervals --------------------------------------------------------------------- */

/* Both keep three numbers that never carry into one another. */
struct interval {
	int64_t microseconds;
	int32_t days, months;
};

enum { INTERVAL_MONTHS_MAX = 120000, INTERVAL_DAYS_MAX = 3660000 };
static const int64_t interval_microseconds_max = INT64_C(87840000) * INT64_C(3600000000);

/* interval_send. */
static struct interval read_interval(const struct cell *cell)
{
	return (struct interval){
		.microseconds = (int64_t)postgresql_get64(cell->data),
		.days = (int32_t)postgresql_get32(cell->data + 8),
		.months = (int32_t)postgresql_get32(cell->data + 12),
	};
}

/* PostgreSQL 17's infinities have the last value everywhere. */
static int infinite_interval(const struct interval *v)
{
	if (v->microseconds == INT64_MAX && v->days == INT32_MAX && v->months == INT32_MAX)
		return 1;
	return v->microseconds == INT64_MIN && v->days == INT32_MIN && v->months == INT32_MIN ? -1
											      : 0;
}

static char *put_part(char *out, int64_t value, char unit)
{
	if (value < 0)
		*out++ = '-';
	out = encode_put_unsigned(out, (uint64_t)(value < 0 ? -value : value));
	*out++ = unit;
	return out;
}

/* "P1Y2M3DT4H5M6.500000S": ISO 8601, each part with its own sign, is what load jobs read. */
static const char *encode_interval(const struct column *column, const struct cell *cell, char **ret)
{
	struct interval v = read_interval(cell);
	int64_t seconds, fraction;
	char *out = *ret;

	(void)column;
	if (infinite_interval(&v))
		return "BigQuery has no infinite intervals";
	if (v.months > INTERVAL_MONTHS_MAX || v.months < -INTERVAL_MONTHS_MAX ||
	    v.days > INTERVAL_DAYS_MAX || v.days < -INTERVAL_DAYS_MAX ||
	    v.microseconds > interval_microseconds_max ||
	    v.microseconds < -interval_microseconds_max)
		return "outside of BigQuery's 10000 years, 3660000 days, 87840000 hours";
	*out++ = '"';
	*out++ = 'P';
	out = put_part(out, v.months / 12, 'Y');
	out = put_part(out, v.months % 12, 'M');
	out = put_part(out, v.days, 'D');
	*out++ = 'T';
	seconds = v.microseconds / 1000000;
	fraction = v.microseconds % 1000000;
	out = put_part(out, seconds / 3600, 'H');
	out = put_part(out, seconds / 60 % 60, 'M');
	if (v.microseconds < 0 && (seconds % 60 != 0 || fraction != 0))
		*out++ = '-';
	if (fraction < 0)
		fraction = -fraction;
	seconds %= 60;
	out = encode_put_unsigned(out, (uint64_t)(seconds < 0 ? -seconds : seconds));
	*out++ = '.';
	out = encode_put2(out, (unsigned)fraction / 10000);
	out = encode_put4(out, (unsigned)fraction % 10000);
	*out++ = 'S';
	*out++ = '"';
	*ret = out;
	return NULL;
}

/* "1 year" of IntervalStyle postgres; after a negative part, a positive one has its sign. */
static int append_part(struct buf *out, int64_t value, const char *unit, bool *begun,
		       bool *negative, struct error *err)
{
	if (value == 0)
		return 0;
	if (buf_appendf(out, err, "%s%s%lld %s%s", *begun ? " " : "",
			*negative && value > 0 ? "+" : "", (long long)value, unit,
			value == 1 ? "" : "s") < 0)
		return -1;
	*begun = true;
	*negative = value < 0;
	return 0;
}

static int append_span(struct buf *out, int64_t microseconds, bool negative, struct error *err)
{
	uint64_t magnitude = microseconds < 0 ? 0 - (uint64_t)microseconds : (uint64_t)microseconds;
	unsigned long long seconds = magnitude / 1000000, fraction = magnitude % 1000000;

	if (buf_appendf(out, err, "%s%02llu:%02llu:%02llu",
			microseconds < 0 ? "-"
			: negative       ? "+"
					 : "",
			seconds / 3600, seconds / 60 % 60, seconds % 60) < 0)
		return -1;
	if (fraction == 0)
		return 0;
	if (buf_appendf(out, err, ".%06llu", fraction) < 0)
		return -1;
	while (out->data[out->length - 1] == '0')
		out->length--;
	return 0;
}

static int text_interval(const struct column *column, const struct cell *cell, size_t max,
			 struct buf *out, struct error *err)
{
	struct interval v = read_interval(cell);
	bool begun = false, negative = false;
	int infinite = infinite_interval(&v);

	(void)column;
	(void)max;
	if (infinite)
		return buf_append_str(out, infinite < 0 ? "-infinity" : "infinity", err);
	if (append_part(out, v.months / 12, "year", &begun, &negative, err) < 0 ||
	    append_part(out, v.months % 12, "mon", &begun, &negative, err) < 0 ||
	    append_part(out, v.days, "day", &begun, &negative, err) < 0)
		return -1;
	if (begun && v.microseconds == 0)
		return 0;
	if (begun && buf_append_str(out, " ", err) < 0)
		return -1;
	return append_span(out, v.microseconds, negative, err);
}

/* --- the encoders --------------------------------------------------------------------- */

const struct encoder postgresql_date = {
	.encode = encode_date, .text = text_date, .fixed = 12, .width = 4
};
const struct encoder postgresql_time = {
	.encode = encode_time, .text = text_time, .fixed = 17, .width = 8
};
const struct encoder postgresql_timestamp = {
	.encode = encode_timestamp, .text = text_timestamp, .fixed = 28, .width = 8
};
const struct encoder postgresql_timestamptz = {
	.encode = encode_timestamptz, .text = text_timestamptz, .fixed = 29, .width = 8
};
const struct encoder postgresql_timestamp_utc = {
	.encode = encode_timestamptz, .text = text_timestamp, .fixed = 29, .width = 8
};
const struct encoder postgresql_interval = {
	.encode = encode_interval, .text = text_interval, .fixed = 72, .width = 16
};
