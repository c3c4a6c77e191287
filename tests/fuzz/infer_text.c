/* Texts as schemainfer reads them: what is a number or a time is written as one again, and is the same. */
#include "infer/number.h"
#include "infer/rewrite.h"
#include "infer/temporal.h"
#include "tests/fuzz/target.h"

static void check_temporal(const char *text, size_t size)
{
	struct temporal t = temporal_parse(text, size), back;
	char made[TEMPORAL_TEXT_MAX];
	size_t length;

	if (t.type == TYPE_STRING)
		return;
	length = (size_t)(temporal_write(made, &t) - made);
	REQUIRE(length <= sizeof made);
	back = temporal_parse(made, length);
	REQUIRE(back.type == t.type && back.year == t.year && back.month == t.month &&
		back.day == t.day && back.hour == t.hour && back.minute == t.minute &&
		back.second == t.second && back.microsecond == t.microsecond);
}

static void check_number(const char *text, size_t size)
{
	char made[NUMBER_TEXT_MAX], *end;
	struct number n, back;
	size_t length;

	if (!number_parse(text, size, &n))
		return;
	strtod(text, &end);
	REQUIRE(end == text + size);
	if (number_before(&n) <= 38 && number_after(&n) <= 38) {
		length = (size_t)(number_write(made, &n) - made);
		REQUIRE(number_parse(made, length, &back));
		REQUIRE(back.count == n.count && back.exponent == n.exponent &&
			!memcmp(back.digits, n.digits, n.count));
		/* strtod is right for every number of digits. */
		made[length] = '\0';
		REQUIRE(strtod(made, NULL) == strtod(text, NULL));
	}
	if (number_fits_int64(&n))
		REQUIRE(number_before(&n) <= 19 && !number_after(&n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum schema_type types[] = { TYPE_INTEGER,    TYPE_FLOAT,   TYPE_NUMERIC,
						  TYPE_BIGNUMERIC, TYPE_BOOLEAN, TYPE_DATE,
						  TYPE_TIMESTAMP,  TYPE_STRING };
	char *text = target_string(data, size);
	struct error err;

	if (!memchr(text, '\0', size)) {
		check_temporal(text, size);
		check_number(text, size);
	}
	for (size_t i = 0; size && i < sizeof types / sizeof *types; i++) {
		auto_buf out = BUF_INIT;

		REQUIRE(fit_text(&out, types[i], text, size, &err) >= 0);
	}
	free(text);
	return 0;
}
