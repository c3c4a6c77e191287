#include "infer/names.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "lib/schema.h"
#include "lib/utf8.h"

enum { SANITIZED_MAX = 127, BIGQUERY_MAX = 300 };

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The length of the character at p, at least 1. */
static size_t character_length(const char *p, size_t n)
{
	size_t length = 1;

	while (length < n && ((unsigned char)p[length] & 0xc0) == 0x80)
		length++;
	return length;
}

static char *copy(const char *text, size_t length, size_t *ret_length)
{
	char *name = malloc(length + 1);

	if (!name)
		return NULL;
	memcpy(name, text, length);
	name[length] = '\0';
	*ret_length = length;
	return name;
}

/* Every character (not byte) that is no letter, digit or '_' becomes '_'. */
static char *sanitize(const char *text, size_t length, size_t max, size_t *ret_length)
{
	char *name = malloc((length < max ? length : max) + 1);
	size_t n = 0;

	if (!name)
		return NULL;
	for (size_t i = 0; i < length && n < max; i += character_length(text + i, length - i))
		name[n++] = is_word(text[i]) ? text[i] : '_';
	name[n] = '\0';
	*ret_length = n;
	return name;
}

/* https://cloud.google.com/bigquery/docs/schemas#column_names: [A-Za-z_][A-Za-z0-9_]{0,299}, some prefixes reserved */
static char *bigquery_name(const char *text, size_t length, size_t *ret_length)
{
	char *name = sanitize(text, length, BIGQUERY_MAX, ret_length);
	char *prefixed;

	if (!name || (*name && (*name < '0' || *name > '9') && !schema_reserved_prefix(name)))
		return name;
	/* One underscore before _TABLE_ and its like leaves a name that is not reserved. */
	if (*ret_length == BIGQUERY_MAX)
		--*ret_length;
	prefixed = malloc(*ret_length + 2);
	if (prefixed) {
		prefixed[0] = '_';
		memcpy(prefixed + 1, name, *ret_length);
		prefixed[++*ret_length] = '\0';
	}
	free(name);
	return prefixed;
}

char *names_apply(enum name_rule rule, const char *text, size_t length, size_t *ret_length)
{
	switch (rule) {
	case NAMES_SANITIZED:
		return sanitize(text, length, SANITIZED_MAX, ret_length);
	case NAMES_BIGQUERY:
		return bigquery_name(text, length, ret_length);
	case NAMES_KEPT:
		break;
	}
	return copy(text, length, ret_length);
}

/* A locale object of our own, used for this alone: the program's stays "C". */
static locale_t unicode_locale(void)
{
	static locale_t locale;

	if (!locale)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return locale;
}

static uint32_t decode(const char *p, size_t n)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)*p & masks[n > 4 ? 4 : n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

char *names_key(const char *name, size_t length, size_t *ret_length)
{
	/* A lower-case letter may be a byte longer than its capital. */
	char *key = malloc(2 * length + 5), *out = key;
	locale_t locale = NULL;

	if (!key)
		return NULL;
	for (size_t i = 0, n; i < length; i += n) {
		n = character_length(name + i, length - i);
		if (n == 1) {
			*out++ =
				name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
			continue;
		}
		if (!locale)
			locale = unicode_locale();
		uint32_t c = decode(name + i, n);
		/* The one capital whose small letter is two characters, as Unicode and Python have it. */
		if (c == 0x130) {
			memcpy(out, "i\xcc\x87", 3);
			out += 3;
			continue;
		}
		out = utf8_put(out, locale ? (uint32_t)towlower_l((wint_t)c, locale) : c);
	}
	*out = '\0';
	*ret_length = (size_t)(out - key);
	return key;
}
