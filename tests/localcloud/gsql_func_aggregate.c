/* Aggregates: exact and IEEE sums, bits, STRING_AGG and ARRAY_AGG, and the check of scalar subqueries. */
#include "tests/localcloud/gnum.h"
#include "tests/localcloud/gsql_decimal.h"
#include "tests/localcloud/gsql_func.h"

#include "lib/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sum {
	struct gsql_decimal decimal;
	double real; /* SQLite aligns this struct to 8 bytes only */
	int64_t bits;
	int64_t count;
};

/* The letter behind the underscore of g_sum_f, g_avg_n, …; it is the user data. */
static char kind_of(sqlite3_context *c)
{
	return ((const char *)sqlite3_user_data(c))[6];
}

static void add(sqlite3_context *c, sqlite3_value *v, bool remove)
{
	struct sum *s = sqlite3_aggregate_context(c, sizeof(*s));
	if (s == NULL || sqlite3_value_type(v) == SQLITE_NULL)
		return;
	s->count += remove ? -1 : 1;
	if (kind_of(c) == 'f') {
		s->real += remove ? -gsql_double(v) : gsql_double(v);
		return;
	}
	struct gsql_decimal d;
	const char *text = gsql_text_of(v);
	if (!gsql_decimal_parse(text, strlen(text), &d))
		return;
	d.negative = d.negative != remove && !gsql_decimal_is_zero(&d);
	gsql_decimal_add(&s->decimal, &d, &s->decimal);
}

static void sum_step(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	add(c, v[0], false);
}

static void sum_inverse(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	add(c, v[0], true);
}

static void sum_value(sqlite3_context *c)
{
	const struct sum *s = sqlite3_aggregate_context(c, 0);
	char text[GSQL_DECIMAL_TEXT];
	bool average = ((const char *)sqlite3_user_data(c))[2] == 'a';
	if (s == NULL || s->count == 0)
		return;
	if (kind_of(c) == 'f') {
		gsql_result_double(c, average ? s->real / (double)s->count : s->real);
		return;
	}
	bool big = kind_of(c) == 'g';
	struct gsql_decimal d = s->decimal;
	if (average) {
		struct gsql_decimal count = { 0 };
		for (int64_t n = s->count; n > 0; n /= 10)
			count.digit[count.count++] = (signed char)(n % 10);
		gsql_decimal_divide(&s->decimal, &count, big ? 38 : 9, &d);
	}
	if (gsql_decimal_fit(&d, big, text))
		sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
	else
		gsql_func_fail(c, "%s overflow in aggregate function",
			       big ? "BIGNUMERIC" : "numeric");
}

static void bit_step(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct sum *s = sqlite3_aggregate_context(c, sizeof(*s));
	(void)n;
	if (s == NULL || sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	int64_t b = sqlite3_value_int64(v[0]);
	char op = ((const char *)sqlite3_user_data(c))[6]; /* g_BIT_XOR, g_BIT_AND, g_BIT_OR */
	s->bits = s->count == 0 ? b
		  : op == 'X'   ? s->bits ^ b
		  : op == 'A'   ? s->bits & b
				: s->bits | b;
	s->count++;
}

static void bit_value(sqlite3_context *c)
{
	const struct sum *s = sqlite3_aggregate_context(c, 0);
	if (s != NULL && s->count > 0)
		sqlite3_result_int64(c, s->bits);
}

struct single {
	sqlite3_value *value;
	int64_t count;
};

static void single_step(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct single *s = sqlite3_aggregate_context(c, sizeof(*s));
	(void)n;
	if (s != NULL && s->count++ == 0)
		s->value = sqlite3_value_dup(v[0]);
}

static void single_value(sqlite3_context *c)
{
	struct single *s = sqlite3_aggregate_context(c, 0);
	if (s == NULL)
		return;
	if (s->count > 1)
		gsql_func_fail(c, "Scalar subquery produced more than one element");
	else if (s->value != NULL)
		sqlite3_result_value(c, s->value);
	sqlite3_value_free(s->value);
	s->value = NULL;
}

/* g_collect(mode, distinct, limit, directions, separator, value, key…) */
enum { MODE, DISTINCT, LIMIT, DIRECTIONS, SEPARATOR, VALUE, KEYS };

struct item {
	sqlite3_value *value;
	sqlite3_value **keys;
	int key_count;
	int64_t order; /* of arrival: the sort is stable */
	const char *directions;
};

struct collection {
	struct item *items;
	int64_t count;
	int64_t limit;
	char mode;
	bool distinct;
	bool failed;
	char directions[64];
	sqlite3_value *separator;
};

static void collect_step(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct collection *s = sqlite3_aggregate_context(c, sizeof(*s));
	if (s == NULL || s->failed)
		return;
	char mode = gsql_text_of(v[MODE])[0];
	if (s->mode == '\0') {
		s->mode = mode;
		s->distinct = sqlite3_value_int(v[DISTINCT]) != 0;
		s->limit = sqlite3_value_int64(v[LIMIT]);
		snprintf(s->directions, sizeof(s->directions), "%s", gsql_text_of(v[DIRECTIONS]));
		s->separator = sqlite3_value_dup(v[SEPARATOR]);
	}
	if (sqlite3_value_type(v[VALUE]) == SQLITE_NULL)
		return;
	if ((s->count & (s->count - 1)) == 0) {
		struct item *more = realloc(s->items, (size_t)(s->count == 0 ? 1 : s->count * 2) *
							      sizeof(*more));
		if (more == NULL) {
			s->failed = true;
			return;
		}
		s->items = more;
	}
	struct item *item = &s->items[s->count];
	*item = (struct item){ .order = s->count, .key_count = n - KEYS };
	item->value = sqlite3_value_dup(v[VALUE]);
	item->keys = calloc((size_t)(n - KEYS) + 1, sizeof(*item->keys));
	s->failed = item->value == NULL || item->keys == NULL;
	for (int i = 0; i < n - KEYS && !s->failed; i++)
		item->keys[i] = sqlite3_value_dup(v[KEYS + i]);
	s->count++;
}

static int compare_keys(sqlite3_value *a, sqlite3_value *b, const char direction[3])
{
	bool a_null = sqlite3_value_type(a) == SQLITE_NULL;
	bool b_null = sqlite3_value_type(b) == SQLITE_NULL;
	if (a_null || b_null)
		return a_null && b_null ? 0 : (a_null == (direction[1] == 'f')) ? -1 : 1;
	int order;
	size_t an = (size_t)sqlite3_value_bytes(a);
	size_t bn = (size_t)sqlite3_value_bytes(b);
	if (sqlite3_value_type(a) == SQLITE_INTEGER) {
		int64_t x = sqlite3_value_int64(a);
		int64_t y = sqlite3_value_int64(b);
		order = (x > y) - (x < y);
	} else if (direction[2] == 'n') {
		order = gnum_compare(gsql_text_of(a), an, gsql_text_of(b), bn);
	} else {
		order = memcmp(sqlite3_value_blob(a), sqlite3_value_blob(b), an < bn ? an : bn);
		order = order != 0 ? order : (an > bn) - (an < bn);
	}
	return direction[0] == 'd' ? -order : order;
}

static int compare_items(const void *left, const void *right)
{
	const struct item *a = left;
	const struct item *b = right;
	for (int i = 0; i < a->key_count; i++) {
		int order = compare_keys(a->keys[i], b->keys[i], a->directions + i * 3);
		if (order != 0)
			return order;
	}
	return a->order < b->order ? -1 : 1;
}

static bool seen_before(const struct collection *s, int64_t at)
{
	const char *text = gsql_text_of(s->items[at].value);
	for (int64_t i = 0; i < at; i++)
		if (strcmp(gsql_text_of(s->items[i].value), text) == 0)
			return true;
	return false;
}

static void collect_result(sqlite3_context *c, struct collection *s)
{
	auto_buf out = BUF_INIT;
	bool array = s->mode == 'A';
	const char *separator = array ? "," : gsql_text_of(s->separator);
	int64_t written = 0;
	int rc = array ? gsql_append(&out, "[", 1) : 0;
	for (int64_t i = 0; i < s->count; i++)
		s->items[i].directions = s->directions;
	if (s->count > 1)
		qsort(s->items, (size_t)s->count, sizeof(*s->items), compare_items);
	for (int64_t i = 0; i < s->count && rc == 0 && (s->limit < 0 || written < s->limit); i++) {
		const char *text = gsql_text_of(s->items[i].value);
		if (s->distinct && seen_before(s, i))
			continue;
		if (written++ > 0)
			rc = gsql_append(&out, separator, strlen(separator));
		if (rc == 0)
			rc = gsql_append(&out, text, strlen(text));
	}
	if (rc == 0 && array)
		rc = gsql_append(&out, "]", 1);
	if (rc != 0)
		sqlite3_result_error_nomem(c);
	else
		sqlite3_result_text64(c, out.data == NULL ? "" : out.data, out.length,
				      SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void collect_value(sqlite3_context *c)
{
	struct collection *s = sqlite3_aggregate_context(c, 0);
	if (s == NULL)
		return;
	if (s->failed)
		sqlite3_result_error_nomem(c);
	else if (s->count > 0)
		collect_result(c, s);
	for (int64_t i = 0; i < s->count; i++) {
		sqlite3_value_free(s->items[i].value);
		for (int k = 0; s->items[i].keys != NULL && k < s->items[i].key_count; k++)
			sqlite3_value_free(s->items[i].keys[k]);
		free(s->items[i].keys);
	}
	free(s->items);
	sqlite3_value_free(s->separator);
}

int gsql_func_register_aggregates(sqlite3 *db)
{
	static const char *const sums[] = { "g_sum_f", "g_sum_n", "g_sum_g",
					    "g_avg_f", "g_avg_n", "g_avg_g" };
	static const char *const bits[] = { "g_BIT_XOR", "g_BIT_AND", "g_BIT_OR" };
	int rc = SQLITE_OK;
	for (size_t i = 0; i < 6 && rc == SQLITE_OK; i++)
		rc = sqlite3_create_window_function(db, sums[i], 1, SQLITE_UTF8,
						    (void *)(uintptr_t)sums[i], sum_step, sum_value,
						    sum_value, sum_inverse, NULL);
	for (size_t i = 0; i < 3 && rc == SQLITE_OK; i++)
		rc = sqlite3_create_function(db, bits[i], 1, SQLITE_UTF8,
					     (void *)(uintptr_t)bits[i], NULL, bit_step, bit_value);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(db, "g_single", 1, SQLITE_UTF8, NULL, NULL,
					     single_step, single_value);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(db, "g_collect", -1, SQLITE_UTF8, NULL, NULL,
					     collect_step, collect_value);
	return rc;
}
