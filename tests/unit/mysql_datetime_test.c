/* Dates and times of MySQL on the wire of the binary protocol. */
#include "tests/unit/mysql_example.h"

/* clang-format off */
static void dates(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\x01\x00\x01\x01"), "\"0001-01-01\"", "0001-01-01" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\x0F\x27\x0C\x1F"), "\"9999-12-31\"", "9999-12-31" },
		{ MYSQL_TYPE_NEWDATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x02\x1D"), "\"2020-02-29\"", "2020-02-29" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xD0\x07\x02\x1D"), "\"2000-02-29\"", "2000-02-29" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x01\x02\x00\x00\x00"), "\"2020-01-02\"", "2020-01-02" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE(""), "!zero or partial", "0000-00-00" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x02\x00"), "!zero or partial", "2020-02-00" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x00\x0F"), "!zero or partial", "2020-00-15" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x02\x1E"), "!calendar", "2020-02-30" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\x6C\x07\x02\x1D"), "!calendar", "1900-02-29" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE5\x07\x04\x1F"), "!calendar", "2021-04-31" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\x00\x00\x01\x01"), "!years 0001", "0000-01-01" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x01\x02\x01\x00\x00"), "!malformed", "2020-01-02" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x0D\x01"), "!malformed", "" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x01\x20"), "!malformed", "" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\x10\x27\x01\x01"), "!malformed", "" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x01"), "!malformed", "" },
	};

	CHECK_ALL(examples, &plain);
}

static void datetimes(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "DATETIME", WIRE("\xE4\x07\x01\x02"), "\"2020-01-02T00:00:00.000000\"", "2020-01-02 00:00:00" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "DATETIME", WIRE("\xE4\x07\x01\x02\x03\x04\x05"), "\"2020-01-02T03:04:05.000000\"", "2020-01-02 03:04:05" },
		{ MYSQL_TYPE_DATETIME, 0, 26, 6, "DATETIME", WIRE("\x0F\x27\x0C\x1F\x17\x3B\x3B\x3F\x42\x0F\x00"), "\"9999-12-31T23:59:59.999999\"", "9999-12-31 23:59:59.999999" },
		{ MYSQL_TYPE_DATETIME, 0, 22, 2, "DATETIME", WIRE("\x01\x00\x01\x01\x00\x00\x00\x10\x27\x00\x00"), "\"0001-01-01T00:00:00.010000\"", "0001-01-01 00:00:00.01" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 31, "DATETIME", WIRE("\xE4\x07\x01\x02"), "\"2020-01-02T00:00:00.000000\"", "2020-01-02 00:00:00.000000" },
		{ MYSQL_TYPE_DATETIME, 0, 26, 6, "DATETIME", WIRE(""), "!zero or partial", "0000-00-00 00:00:00.000000" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "DATETIME", WIRE("\xE4\x07\x02\x1E\x17\x3B\x3B"), "!calendar", "2020-02-30 23:59:59" },
		{ MYSQL_TYPE_TIMESTAMP, 0, 19, 0, "TIMESTAMP", WIRE("\xB2\x07\x01\x01\x00\x00\x01"), "\"1970-01-01T00:00:01.000000Z\"", "1970-01-01 00:00:01" },
		{ MYSQL_TYPE_TIMESTAMP, 0, 26, 6, "TIMESTAMP", WIRE("\xF6\x07\x01\x13\x03\x0E\x07\x3F\x42\x0F\x00"), "\"2038-01-19T03:14:07.999999Z\"", "2038-01-19 03:14:07.999999" },
		{ MYSQL_TYPE_TIMESTAMP, 0, 19, 0, "TIMESTAMP", WIRE(""), "!zero or partial", "0000-00-00 00:00:00" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "DATETIME", WIRE("\xE4\x07\x01\x02\x18\x00\x00"), "!malformed", "" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "DATETIME", WIRE("\xE4\x07\x01\x02\x00\x3C\x00"), "!malformed", "" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "DATETIME", WIRE("\xE4\x07\x01\x02\x00\x00\x3C"), "!malformed", "" },
		{ MYSQL_TYPE_DATETIME, 0, 26, 6, "DATETIME", WIRE("\xE4\x07\x01\x02\x00\x00\x00\x40\x42\x0F\x00"), "!malformed", "" },
		{ MYSQL_TYPE_DATETIME, 0, 26, 6, "DATETIME", WIRE("\xE4\x07\x01\x02\x00\x00\x00\x00"), "!malformed", "" },
	};

	CHECK_ALL(examples, &plain);
}

static void dates_as_asked(void)
{
	static const struct type_options options = { .zero_dates_null = true, .datetime_timestamp = true };
	static const struct example examples[] = {
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE(""), "null", "0000-00-00" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x00\x0F"), "null", "2020-00-15" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x02\x1E"), "null", "2020-02-30" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x02\x1D"), "\"2020-02-29\"", "2020-02-29" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\x00\x00\x01\x01"), "!years 0001", "0000-01-01" },
		{ MYSQL_TYPE_DATE, 0, 10, 0, "DATE", WIRE("\xE4\x07\x01"), "!malformed", "" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "TIMESTAMP", WIRE(""), "null", "0000-00-00 00:00:00" },
		{ MYSQL_TYPE_DATETIME, 0, 19, 0, "TIMESTAMP", WIRE("\xE4\x07\x01\x02\x03\x04\x05"), "\"2020-01-02T03:04:05.000000Z\"", "2020-01-02 03:04:05" },
		{ MYSQL_TYPE_TIMESTAMP, 0, 19, 0, "TIMESTAMP", WIRE(""), "null", "0000-00-00 00:00:00" },
	};
	static const struct type_options null_alone = { .zero_dates_null = true };

	CHECK_ALL(examples, &options);
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		CHECK(!column_of(&examples[i], &options).required);
		CHECK(column_of(&examples[i], &plain).required);
	}
	check_example(&(struct example){ MYSQL_TYPE_DATETIME, 0, 19, 0, "DATETIME", WIRE(""), "null", "0000-00-00 00:00:00" }, &null_alone);
}

static void times(void)
{
	static const struct example examples[] = {
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE(""), "\"00:00:00.000000\"", "00:00:00" },
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE("\0\0\0\0\0\x17\x3B\x3B"), "\"23:59:59.000000\"", "23:59:59" },
		{ MYSQL_TYPE_TIME, 0, 17, 6, "TIME", WIRE("\0\0\0\0\0\x17\x3B\x3B\x3F\x42\x0F\x00"), "\"23:59:59.999999\"", "23:59:59.999999" },
		{ MYSQL_TYPE_TIME, 0, 12, 1, "TIME", WIRE("\0\0\0\0\0\x00\x00\x00\xA0\x86\x01\x00"), "\"00:00:00.100000\"", "00:00:00.1" },
		{ MYSQL_TYPE_TIME, 0, 17, 6, "TIME", WIRE("\x01\0\0\0\0\0\0\0\x01\0\0\0"), "!not negative", "-00:00:00.000001" },
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE("\0\x01\0\0\0\0\0\0"), "!before 24:00:00", "24:00:00" },
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE("\x01\x22\0\0\0\x16\x3B\x3B"), "!not negative", "-838:59:59" },
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE("\0\x22\0\0\0\x16\x3B\x3B"), "!before 24:00:00", "838:59:59" },
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE("\0\xFF\xFF\xFF\xFF\x16\x3B\x3B"), "!malformed", "" },
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE("\0\0\0\0\0\x18\x3B\x3B"), "!malformed", "" },
		{ MYSQL_TYPE_TIME, 0, 10, 0, "TIME", WIRE("\0\0\0\0\0\x17\x3B"), "!malformed", "" },
	};

	CHECK_ALL(examples, &plain);
}
/* clang-format on */

int main(void)
{
	unit_test("dates: the edges, zero and partial ones, days that do not exist");
	dates();
	unit_test("datetimes and timestamps of every length");
	datetimes();
	unit_test("--zero-dates null and --datetime-as timestamp");
	dates_as_asked();
	unit_test("times are within a day, or rejects that show hours and sign");
	times();
	return unit_done();
}
