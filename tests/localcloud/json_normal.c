#include "tests/localcloud/json_normal.h"

#include "lib/double.h"
#include "tests/localcloud/gnum.h"
#include "tests/localcloud/json_util.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A member of an object being sorted: its decoded name is in the names buffer. */
struct member {
	size_t name, name_length, order;
	struct jtoken value;
};

struct members {
	struct member *list;
	size_t n, room;
	struct buf names;
};

size_t json_format_double(double d, char *out, size_t size)
{
	char text[DOUBLE_TEXT_MAX];
	size_t n = (size_t)(double_write(text, d) - text);
	bool bare = !memchr(text, '.', n) && !memchr(text, 'e', n);

	/* A whole number keeps its point: without it, it would be read as an integer. */
	return (size_t)snprintf(out, size, "%.*s%s", (int)n, text, bare ? ".0" : "");
}

static bool fits_uint64(const char *p, size_t n)
{
	static const char max[] = "18446744073709551615";

	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n < sizeof(max) - 1 || (n == sizeof(max) - 1 && memcmp(p, max, n) <= 0);
}

static int put_number(const struct jtoken *number, struct buf *out)
{
	char text[GNUM_MAX], shortest[32], as_given[GNUM_MAX], as_double[GNUM_MAX];
	struct gnum_shape shape;
	struct error error;
	int64_t integer;
	double d;
	size_t n;

	if (number->n == 2 && memcmp(number->p, "-0", 2) == 0)
		return buf_append(out, "0", 1, &error);
	if (ju_parse_int64(number->p, number->n, &integer) == 0 ||
	    fits_uint64(number->p, number->n))
		return buf_append(out, number->p, number->n, &error);
	if (number->n >= sizeof(text))
		return -1;
	memcpy(text, number->p, number->n);
	text[number->n] = '\0';
	d = strtod(text, NULL);
	if (!isfinite(d))
		return -1;
	n = json_format_double(d, shortest, sizeof(shortest));
	if (gnum_canonical(number->p, number->n, as_given, &shape) ||
	    gnum_canonical(shortest, n, as_double, &shape) || strcmp(as_given, as_double) != 0)
		return -1;
	return buf_append(out, shortest, n, &error);
}

static int put_string(const struct jtoken *string, struct buf *out)
{
	auto_buf decoded = BUF_INIT;

	if (!string->escaped)
		return jscan_quote(string->p, string->n, out);
	return jscan_unescape(string, &decoded) ? -1
						: jscan_quote(decoded.data, decoded.length, out);
}

static int add_member(struct members *m, const struct jtoken *key, const struct jtoken *value)
{
	struct member *entry;
	size_t start = m->names.length;

	if (m->n == m->room) {
		size_t room = m->room ? m->room * 2 : 16;
		struct member *list = reallocarray(m->list, room, sizeof(*list));

		if (!list)
			return -1;
		m->list = list;
		m->room = room;
	}
	if (jscan_unescape(key, &m->names))
		return -1;
	entry = &m->list[m->n];
	*entry = (struct member){ start, m->names.length - start, m->n, *value };
	m->n++;
	return 0;
}

static int by_name(const void *a, const void *b, void *names)
{
	const struct member *x = a, *y = b;
	size_t shorter = x->name_length < y->name_length ? x->name_length : y->name_length;
	const char *base = names;
	int order = memcmp(base + x->name, base + y->name, shorter);

	if (order)
		return order;
	if (x->name_length != y->name_length)
		return x->name_length < y->name_length ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static int put_members(struct members *m, struct buf *out)
{
	struct error error;
	bool first = true;

	if (buf_append(out, "{", 1, &error))
		return -1;
	if (m->n > 1)
		qsort_r(m->list, m->n, sizeof(*m->list), by_name, m->names.data);
	for (size_t i = 0; i < m->n; i++) {
		const struct member *entry = &m->list[i], *before = i > 0 ? entry - 1 : NULL;
		const char *name = m->names.data + entry->name;

		if (before && before->name_length == entry->name_length &&
		    memcmp(m->names.data + before->name, name, entry->name_length) == 0)
			continue;
		if ((!first && buf_append(out, ",", 1, &error)) ||
		    jscan_quote(name, entry->name_length, out) || buf_append(out, ":", 1, &error) ||
		    json_normal(&entry->value, out))
			return -1;
		first = false;
	}
	return buf_append(out, "}", 1, &error);
}

static int put_object(const struct jtoken *object, struct buf *out)
{
	struct members m = { .names = BUF_INIT };
	struct jiter it;
	struct jtoken key, value;
	int more = jiter_open(&it, '{', object->p, object->p + object->n), rc = -1;

	while (more >= 0 && (more = jiter_member(&it, &key, &value)) > 0)
		if (add_member(&m, &key, &value))
			more = -1;
	if (more == 0)
		rc = put_members(&m, out);
	free(m.list);
	buf_release(&m.names);
	return rc;
}

static int put_array(const struct jtoken *array, struct buf *out)
{
	struct jiter it;
	struct jtoken value;
	struct error error;
	bool first = true;
	int more;

	if (jiter_open(&it, '[', array->p, array->p + array->n) || buf_append(out, "[", 1, &error))
		return -1;
	while ((more = jiter_element(&it, &value)) > 0) {
		if ((!first && buf_append(out, ",", 1, &error)) || json_normal(&value, out))
			return -1;
		first = false;
	}
	return more < 0 ? -1 : buf_append(out, "]", 1, &error);
}

int json_normal(const struct jtoken *value, struct buf *out)
{
	struct error error;

	switch (value->kind) {
	case JSON_K_NUMBER:
		return put_number(value, out);
	case JSON_K_STRING:
		return put_string(value, out);
	case JSON_K_OBJECT:
		return put_object(value, out);
	case JSON_K_ARRAY:
		return put_array(value, out);
	default:
		return buf_append(out, value->p, value->n, &error);
	}
}
