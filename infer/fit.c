/* Scalars in the form that rowstream(5) has for their types. */
#include <string.h>
#include <strings.h>

#include "infer/compatible.h"
#include "infer/number.h"
#include "infer/rewrite.h"
#include "infer/temporal.h"

enum { NO_FIT = 1 };

int fit_string(struct buf *out, const char *text, size_t length, struct error *err)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = text + length, *plain;

	if (buf_append(out, "\"", 1, err) < 0)
		return -1;
	while (text < end) {
		for (plain = text;
		     text < end && (unsigned char)*text >= 0x20 && *text != '"' && *text != '\\';)
			text++;
		if (buf_append(out, plain, (size_t)(text - plain), err) < 0 ||
		    buf_reserve(out, 6, err) < 0)
			return -1;
		if (text == end)
			break;
		buf_put_byte(out, '\\');
		if (*text == '"' || *text == '\\') {
			buf_put_byte(out, *text);
		} else if (*text == '\n') {
			buf_put_byte(out, 'n');
		} else {
			buf_put(out, "u00", 3);
			buf_put_byte(out, hex[(unsigned char)*text >> 4]);
			buf_put_byte(out, hex[*text & 15]);
		}
		text++;
	}
	return buf_append(out, "\"", 1, err);
}

static int quoted(struct buf *out, const char *text, size_t length, struct error *err)
{
	if (buf_reserve(out, length + 2, err) < 0)
		return -1;
	buf_put_byte(out, '"');
	buf_put(out, text, length);
	buf_put_byte(out, '"');
	return 0;
}

/* Beyond +-(2^53-1) in quotes, so that no tool on the way changes it. */
static int fit_integer(struct buf *out, const struct number *n, struct error *err)
{
	char text[NUMBER_TEXT_MAX];
	size_t length;

	if (!number_fits_int64(n))
		return NO_FIT;
	length = (size_t)(number_write(text, n) - text);
	if (number_before(n) > 16 ||
	    (number_before(n) == 16 && memcmp(text + n->negative, "9007199254740991", 16) > 0))
		return quoted(out, text, length, err);
	return buf_append(out, text, length, err);
}

static int fit_decimal(struct buf *out, const struct number *n, bool big, struct error *err)
{
	char text[NUMBER_TEXT_MAX];

	if (number_before(n) > (big ? 38 : 29) || number_after(n) > (big ? 38 : 9))
		return NO_FIT;
	return quoted(out, text, (size_t)(number_write(text, n) - text), err);
}

/* As it stands where JSON has such numbers, else what it means. */
static int fit_float(struct buf *out, const char *text, size_t length, const struct number *n,
		     struct error *err)
{
	const char *digits = text + (*text == '-'), *end = text + length;
	const char *point = memchr(digits, '.', (size_t)(end - digits));
	char made[NUMBER_TEXT_MAX + 24];
	char *p = made;
	bool json = *digits >= '0' && *digits <= '9' &&
		    (*digits != '0' || digits + 1 == end || digits[1] < '0' || digits[1] > '9') &&
		    (!point || (point + 1 < end && point[1] >= '0' && point[1] <= '9'));

	if (json)
		return buf_append(out, text, length, err);
	if (n->negative)
		*p++ = '-';
	memcpy(p, "0.0", 3);
	p += 2;
	if (!n->count)
		return buf_append(out, made, (size_t)(p + 1 - made), err);
	/* A double needs no more digits than these to be the nearest one. */
	for (size_t i = 0; i < n->count && i < NUMBER_DIGITS_MAX; i++)
		*p++ = n->digits[i];
	if (buf_append(out, made, (size_t)(p - made), err) < 0)
		return -1;
	return n->exponent ? buf_appendf(out, err, "e%lld", (long long)n->exponent) : 0;
}

static int fit_number(struct buf *out, enum schema_type type, const char *text, size_t length,
		      struct error *err)
{
	static const char *const words[] = { "NaN", "Infinity", "-Infinity" };
	struct number n;

	for (size_t i = 0; type == TYPE_FLOAT && i < 3; i++)
		if (length == strlen(words[i]) && !memcmp(text, words[i], length))
			return quoted(out, text, length, err);
	/* Python's '$', see compatible_text_kind. */
	if (length && text[length - 1] == '\n')
		length--;
	if (!number_parse(text, length, &n))
		return NO_FIT;
	if (type == TYPE_INTEGER)
		return fit_integer(out, &n, err);
	if (type == TYPE_FLOAT)
		return fit_float(out, text, length, &n, err);
	return fit_decimal(out, &n, type == TYPE_BIGNUMERIC, err);
}

static int fit_boolean(struct buf *out, const char *text, size_t length, struct error *err)
{
	if (length == 4 && !strncasecmp(text, "true", 4))
		return buf_append(out, "true", 4, err);
	if (length == 5 && !strncasecmp(text, "false", 5))
		return buf_append(out, "false", 5, err);
	return NO_FIT;
}

/* What the calendar does not have, but generate-schema takes for its type, is for BigQuery to judge. */
static int fit_temporal(struct buf *out, enum schema_type type, const char *text, size_t length,
			struct error *err)
{
	struct temporal t = temporal_parse(text, length);
	char made[TEMPORAL_TEXT_MAX] = "";

	if (t.type == type)
		return quoted(out, made, (size_t)(temporal_write(made, &t) - made), err);
	if (compatible_text_kind(text, length, true) == (unsigned)type)
		return fit_string(out, text, length - (text[length - 1] == '\n'), err);
	return NO_FIT;
}

int fit_text(struct buf *out, enum schema_type type, const char *text, size_t length,
	     struct error *err)
{
	switch (type) {
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_NUMERIC:
	case TYPE_BIGNUMERIC:
		return fit_number(out, type, text, length, err);
	case TYPE_BOOLEAN:
		return fit_boolean(out, text, length, err);
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
	case TYPE_TIMESTAMP:
		return fit_temporal(out, type, text, length, err);
	case TYPE_RECORD:
		return NO_FIT;
	default:
		return fit_string(out, text, length, err);
	}
}
