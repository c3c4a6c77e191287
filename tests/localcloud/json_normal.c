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

static int put_value(const struct jtoken *value, int depth, struct buf *out);

/* A member of an object being sorted. The name of one with escapes is decoded into the names buffer. */
struct member {
	const char *name; /* NULL until all are collected, when it lies in names */
	size_t offset, name_length, order;
	struct jtoken value;
};

/* Most objects are small: they need no memory but this. */
#define FEW_MEMBERS 8

struct members {
	struct member few[FEW_MEMBERS], *list;
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

static int grow(struct members *m)
{
	size_t room = m->room * 2;
	struct member *list = m->list == m->few ? malloc(room * sizeof(*list))
						: reallocarray(m->list, room, sizeof(*list));

	if (!list)
		return -1;
	if (m->list == m->few)
		memcpy(list, m->few, sizeof(m->few));
	m->list = list;
	m->room = room;
	return 0;
}

static int add_member(struct members *m, const struct jtoken *key, const struct jtoken *value)
{
	size_t start = m->names.length;

	if (m->n == m->room && grow(m))
		return -1;
	if (key->escaped && jscan_unescape(key, &m->names))
		return -1;
	m->list[m->n] =
		(struct member){ key->escaped ? NULL : key->p, start,
				 key->escaped ? m->names.length - start : key->n, m->n, *value };
	m->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	size_t shorter = x->name_length < y->name_length ? x->name_length : y->name_length;
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): set before sorting */
	int order = memcmp(x->name, y->name, shorter);

	if (order)
		return order;
	if (x->name_length != y->name_length)
		return x->name_length < y->name_length ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void sort(struct members *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->list[i].name)
			m->list[i].name = m->names.data + m->list[i].offset;
	if (m->n > FEW_MEMBERS) {
		qsort(m->list, m->n, sizeof(*m->list), by_name);
		return;
	}
	for (size_t i = 1; i < m->n; i++) {
		struct member moving = m->list[i];
		size_t at = i;

		for (; at > 0 && by_name(&moving, &m->list[at - 1]) < 0; at--)
			m->list[at] = m->list[at - 1];
		m->list[at] = moving;
	}
}

static int put_members(struct members *m, int depth, struct buf *out)
{
	struct error error;
	bool first = true;

	if (buf_append(out, "{", 1, &error))
		return -1;
	sort(m);
	for (size_t i = 0; i < m->n; i++) {
		const struct member *entry = &m->list[i], *before = i > 0 ? entry - 1 : NULL;

		if (before && before->name_length == entry->name_length &&
		    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): as in by_name */
		    memcmp(before->name, entry->name, entry->name_length) == 0)
			continue;
		if ((!first && buf_append(out, ",", 1, &error)) ||
		    jscan_quote(entry->name, entry->name_length, out) ||
		    buf_append(out, ":", 1, &error) || put_value(&entry->value, depth, out))
			return -1;
		first = false;
	}
	return buf_append(out, "}", 1, &error);
}

static int put_object(const struct jtoken *object, int depth, struct buf *out)
{
	struct members m;
	struct jiter it;
	struct jtoken key, value;
	int more = jiter_open(&it, '{', object->p, object->p + object->n), rc = -1;

	m.list = m.few;
	m.n = 0;
	m.room = FEW_MEMBERS;
	m.names = (struct buf)BUF_INIT;
	while (more >= 0 && (more = jiter_member(&it, &key, &value)) > 0)
		if (add_member(&m, &key, &value))
			more = -1;
	if (more == 0)
		rc = put_members(&m, depth, out);
	if (m.list != m.few)
		free(m.list);
	buf_release(&m.names);
	return rc;
}

static int put_array(const struct jtoken *array, int depth, struct buf *out)
{
	struct jiter it;
	struct jtoken value;
	struct error error;
	bool first = true;
	int more;

	if (jiter_open(&it, '[', array->p, array->p + array->n) || buf_append(out, "[", 1, &error))
		return -1;
	while ((more = jiter_element(&it, &value)) > 0) {
		if ((!first && buf_append(out, ",", 1, &error)) || put_value(&value, depth, out))
			return -1;
		first = false;
	}
	return more < 0 ? -1 : buf_append(out, "]", 1, &error);
}

/* depth: of the arrays and objects around the value. */
static int put_value(const struct jtoken *value, int depth, struct buf *out)
{
	struct error error;

	switch (value->kind) {
	case JSON_K_NUMBER:
		return put_number(value, out);
	case JSON_K_STRING:
		return put_string(value, out);
	case JSON_K_OBJECT:
		return depth < JSON_NORMAL_MAX_DEPTH ? put_object(value, depth + 1, out) : -1;
	case JSON_K_ARRAY:
		return depth < JSON_NORMAL_MAX_DEPTH ? put_array(value, depth + 1, out) : -1;
	default:
		return buf_append(out, value->p, value->n, &error);
	}
}

int json_normal(const struct jtoken *value, struct buf *out)
{
	return put_value(value, 0, out);
}
