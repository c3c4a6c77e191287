#include "lib/json_scan.h"

#include "lib/escape.h"
#include "lib/utf8.h"

const char *json_syntax(struct json_cursor *c, const char *p, const char *what)
{
	if (p >= c->end)
		error_set(c->err, ERR_DATA, "line %llu: the row ends too early: %s",
			  (unsigned long long)c->line, what);
	else
		error_set(c->err, ERR_DATA, "line %llu byte %zu: %s", (unsigned long long)c->line,
			  (size_t)(p - c->start) + 1, what);
	return NULL;
}

/* A surrogate must have its other half: alone it is no character. */
const char *json_escape(struct json_cursor *c, const char *p)
{
	const char *digits;
	unsigned unit, second;

	if (!*p || !strchr("\"\\/bfnrtu", *p))
		return json_syntax(c, p, "unknown escape in a string");
	if (*p++ != 'u')
		return p;
	digits = p;
	p = escape_hex(p, &unit);
	if (!p)
		return json_syntax(c, digits, "\\u needs four hex digits");
	if (unit < 0xd800 || unit > 0xdfff || c->half_surrogates)
		return p;
	if (unit > 0xdbff || p[0] != '\\' || p[1] != 'u')
		return json_syntax(c, digits, "half of a surrogate pair");
	p = escape_hex(p + 2, &second);
	return p && second >= 0xdc00 && second <= 0xdfff
		       ? p
		       : json_syntax(c, digits, "half of a surrogate pair");
}

/* Behind '['. */
static const char *array(struct json_cursor *c, const char *p, int depth)
{
	p = json_skip_space(p);
	if (*p == ']')
		return p + 1;
	for (;; p++) {
		p = json_value(c, p, depth + 1);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return json_syntax(c, p, "expected ',' or ']'");
	}
}

/* Behind '{'. */
static const char *object(struct json_cursor *c, const char *p, int depth)
{
	p = json_skip_space(p);
	if (*p == '}')
		return p + 1;
	for (;; p++) {
		p = json_skip_space(p);
		if (*p != '"')
			return json_syntax(c, p, "expected a name in quotes");
		p = json_string_end(c, p + 1);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p != ':')
			return json_syntax(c, p, "expected ':'");
		p = json_value(c, p + 1, depth + 1);
		if (!p)
			return NULL;
		p = json_skip_space(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return json_syntax(c, p, "expected ',' or '}'");
	}
}

const char *json_lenient_number(struct json_cursor *c, const char *p)
{
	static const char *const words[] = { "NaN", "Infinity", "-Infinity" };
	bool whole;

	for (size_t i = 0; i < 3; i++)
		if (!strncmp(p, words[i], strlen(words[i])))
			return p + strlen(words[i]);
	return json_number(c, p, &whole);
}

const char *json_value(struct json_cursor *c, const char *p, int depth)
{
	p = json_skip_space(p);
	if (*p != '{' && *p != '[')
		return json_scalar(c, p);
	if (depth > JSON_DEPTH_MAX)
		return json_syntax(c, p, "nested deeper than 500");
	return *p == '{' ? object(c, p + 1, depth) : array(c, p + 1, depth);
}

int json_check_utf8(struct json_cursor *c)
{
	size_t length = (size_t)(c->end - c->start), valid;

	if (!c->high)
		return 0;
	valid = utf8_valid_prefix(c->start, length);
	if (valid == length)
		return 0;
	json_syntax(c, c->start + valid, "not valid UTF-8");
	return -1;
}
