#include "lib/parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
	const char *p = s + (*s == '-');
	int64_t value = 0;
	bool fits = true;

	if (!*p)
		return error_set(err, ERR_USAGE, "'%s' is not a whole number", s);
	for (; *p; p++) {
		if (!is_digit(*p))
			return error_set(err, ERR_USAGE, "'%s' is not a whole number", s);
		/* Counted downwards, so that INT64_MIN fits. */
		fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
		       !__builtin_sub_overflow(value, *p - '0', &value);
	}
	if (*s != '-' && fits)
		fits = !__builtin_sub_overflow((int64_t)0, value, &value);
	if (!fits || value < min || value > max)
		return error_set(err, ERR_USAGE, "%s is not between %lld and %lld", s,
				 (long long)min, (long long)max);
	*ret = value;
	return 0;
}

static const struct duration_unit {
	const char *name;
	int64_t ms;
} duration_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 },
};

/* The unit that p begins with, if nothing but a digit or the end follows it. */
static const struct duration_unit *match_unit(const char *p)
{
	for (size_t i = 0; i < sizeof duration_units / sizeof *duration_units; i++) {
		size_t n = strlen(duration_units[i].name);

		if (!strncmp(p, duration_units[i].name, n) && (!p[n] || is_digit(p[n])))
			return &duration_units[i];
	}
	return NULL;
}

/* "12" or "1.5" at *p, in thousandths, which is as fine as the result. */
static bool read_thousandths(const char **p, int64_t *ret)
{
	int64_t value = 0, scale = 1000;
	bool any = false;

	for (; is_digit(**p); (*p)++, any = true)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, **p - '0', &value))
			return false;
	if (__builtin_mul_overflow(value, 1000, &value))
		return false;
	if (**p == '.')
		for ((*p)++; is_digit(**p); (*p)++, any = true) {
			scale /= 10;
			if (__builtin_add_overflow(value, (**p - '0') * scale, &value))
				return false;
		}
	*ret = value;
	return any;
}

int parse_duration_ms(const char *s, int64_t *ret_ms, struct error *err)
{
	int64_t total = 0;
	const char *p = s;

	if (!*p)
		goto bad;
	while (*p) {
		const struct duration_unit *unit;
		int64_t thousandths, part;

		if (!read_thousandths(&p, &thousandths))
			goto bad;
		if (!*p && total == 0) {
			unit = &duration_units[1];
		} else {
			unit = match_unit(p);
			if (!unit)
				goto bad;
			p += strlen(unit->name);
		}
		if (__builtin_mul_overflow(thousandths, unit->ms, &part) ||
		    __builtin_add_overflow(total, part / 1000, &total))
			goto bad;
	}
	*ret_ms = total;
	return 0;
bad:
	return error_set(err, ERR_USAGE, "'%s' is not a duration such as 90s, 10m or 1h30m", s);
}

int parse_bytes(const char *s, int64_t *ret, struct error *err)
{
	static const char units[] = "KMGT";
	const char *p = s, *unit;
	int64_t value = 0;
	bool fits = true;

	for (; is_digit(*p); p++)
		fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
		       !__builtin_add_overflow(value, *p - '0', &value);
	if (p > s && *p && (unit = strchr(units, *p))) {
		for (; unit >= units; unit--)
			fits = fits && !__builtin_mul_overflow(value, 1024, &value);
		p++;
		if (!strcmp(p, "iB"))
			p += 2;
	}
	if (p == s || *p || !fits || value == 0)
		return error_set(err, ERR_USAGE, "'%s' is not a size such as 4096, 256KiB or 64M",
				 s);
	*ret = value;
	return 0;
}

int parse_bool(const char *s, bool *ret, struct error *err)
{
	static const char *const words[] = { "false", "true", "0", "1", "no", "yes", "off", "on" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcasecmp(s, words[i])) {
			*ret = i % 2;
			return 0;
		}
	return error_set(err, ERR_USAGE, "'%s' is not true or false", s);
}

int parse_list(const char *s, char ***ret, size_t *count, struct error *err)
{
	size_t n = 1, length = strlen(s);
	char **list, *text, *next;

	for (const char *p = s; *p; p++)
		n += *p == ',';
	list = malloc((n + 1) * sizeof *list + length + 1);
	if (!list)
		return error_nomem(err);
	text = (char *)(list + n + 1);
	memcpy(text, s, length + 1);
	n = 0;
	while ((next = strsep(&text, ","))) {
		if (!*next) {
			free(list);
			return error_set(err, ERR_USAGE, "'%s' has an empty element", s);
		}
		list[n++] = next;
	}
	list[n] = NULL;
	*ret = list;
	*count = n;
	return 0;
}
