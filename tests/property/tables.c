/*
 * Random tables for the property tests, and the verdict on what became of them.
 *
 *   tables generate DATABASE SEED DIR   writes, for the table t<SEED>:
 *       DIR/source.sql     CREATE TABLE and INSERT for postgresql or mysql
 *       DIR/query.sql      what to ask the destination, ordered by its first column
 *       DIR/schema.json    [[name, type, mode], …] as the destination must have it
 *       DIR/expected       one line a row: a JSON array of texts and nulls
 *       DIR/compare        one line: how each column compares
 *   tables compare DIR ACTUAL           ACTUAL has lines as DIR/expected: exit
 *       status 1 and a line for each value that differs
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/values.h"

enum { COLUMNS_MAX = 30, ROWS_MAX = 25 };

struct random_column {
	char name[80];        /* in the source */
	char destination[80]; /* in BigQuery */
	char type[VALUE_MAX];
	const char *bigquery;
	const struct kind *kind;
	int parameters[2];
	bool required;
};

struct random_table {
	struct random_column columns[COLUMNS_MAX];
	int count, rows;
	char name[40];
	bool mysql;
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

/* --- generating --------------------------------------------------------------- */

/* A name that databases take in quotes, and what BigQuery's rules make of it. */
static void make_name(struct dice *d, int number, struct random_column *c)
{
	static const char *const shapes[] = { "c%d",       "Mixed%dCase", "order_%d",
					      "sp ace %d", "dash-%d",     "d\xC3\xB6t.%d",
					      "_under%d",  "9lives%d",    "_TABLE_%d" };
	const char *shape = shapes[dice_below(d, sizeof shapes / sizeof *shapes)];
	char *out = c->destination;

	snprintf(c->name, sizeof c->name, shape, number);
	if (strchr("0123456789", *c->name) || !strncmp(c->name, "_TABLE_", 7))
		*out++ = '_';
	for (const char *p = c->name; *p; p++)
		*out++ = (char)(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789_",
				       *p)
					? *p
					: '_');
	*out = '\0';
}

static void make_table(struct dice *d, struct random_table *t)
{
	const struct kind *kinds = t->mysql ? mysql_kinds : postgresql_kinds;
	int kind_count = 0;

	while (kinds[kind_count].make)
		kind_count++;
	t->count = (int)dice_between(d, 1, COLUMNS_MAX);
	t->rows = dice_percent(d, 5) ? 0 : (int)dice_between(d, 1, ROWS_MAX);
	for (int i = 0; i < t->count; i++) {
		struct random_column *c = &t->columns[i];

		*c = (struct random_column){ .kind = &kinds[dice_below(d, (uint64_t)kind_count)] };
		make_name(d, i, c);
		c->kind->declare(d, c->type, c->parameters, &c->bigquery);
		c->required = dice_percent(d, 30);
	}
}

static void write_names(FILE *f, const struct random_table *t)
{
	char quote = t->mysql ? '`' : '"';

	fprintf(f, "CREATE TABLE %s (row_no int NOT NULL", t->name);
	for (int i = 0; i < t->count; i++)
		fprintf(f, ", %c%s%c %s%s", quote, t->columns[i].name, quote, t->columns[i].type,
			t->columns[i].required ? " NOT NULL"
			/* MySQL's timestamp is NOT NULL unless it says otherwise. */
			: t->mysql ? " NULL"
				   : "");
	fprintf(f, ");\n");
}

static void write_rows(FILE *sql, FILE *expected, struct dice *d, const struct random_table *t)
{
	static struct value value;

	for (int row = 0; row < t->rows; row++) {
		json_t *line = json_array();
		char number[12];

		fprintf(sql, "INSERT INTO %s VALUES (%d", t->name, row);
		snprintf(number, sizeof number, "%d", row);
		json_array_append_new(line, json_string(number));
		for (int i = 0; i < t->count; i++) {
			const struct random_column *c = &t->columns[i];

			*value.sql = *value.text = '\0';
			if (!c->required && dice_percent(d, 20)) {
				fprintf(sql, ", NULL");
				json_array_append_new(line, c->kind->repeated ? json_string("[]")
									      : json_null());
				continue;
			}
			c->kind->make(d, c->parameters, &value);
			fprintf(sql, ", %s", value.sql);
			json_array_append_new(line, json_string(value.text));
		}
		fprintf(sql, ");\n");
		json_dumpf(line, expected, JSON_COMPACT);
		fprintf(expected, "\n");
		json_decref(line);
	}
}

static void write_query(FILE *f, const struct random_table *t)
{
	fprintf(f, "SELECT CAST(row_no AS STRING)");
	for (int i = 0; i < t->count; i++) {
		char quoted[100];

		snprintf(quoted, sizeof quoted, "`%s`", t->columns[i].destination);
		fprintf(f, ", ");
		fprintf(f, t->columns[i].kind->select, quoted);
	}
	fprintf(f, " FROM property.%s ORDER BY row_no\n", t->name);
}

static void write_schema(FILE *f, const struct random_table *t)
{
	fprintf(f, "[[\"row_no\",\"INTEGER\",\"REQUIRED\"]");
	for (int i = 0; i < t->count; i++)
		fprintf(f, ",[\"%s\",\"%s\",\"%s\"]", t->columns[i].destination,
			t->columns[i].bigquery,
			t->columns[i].kind->repeated ? "REPEATED"
			: t->columns[i].required     ? "REQUIRED"
						     : "NULLABLE");
	fprintf(f, "]\n");
}

static FILE *create(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		fail(path);
	return f;
}

static void finish(FILE *f)
{
	if (ferror(f) || fclose(f) != 0)
		fail("writing");
}

static int generate(const char *database, const char *seed, const char *dir)
{
	static struct random_table table;
	struct dice dice = { 0 };
	FILE *sql = create(dir, "source.sql"), *expected = create(dir, "expected");
	FILE *query = create(dir, "query.sql"), *schema = create(dir, "schema.json");
	FILE *compare = create(dir, "compare");

	for (const char *c = seed; *c; c++)
		dice.state = dice.state * 10 + (uint64_t)(*c - '0');
	table.mysql = !strcmp(database, "mysql");
	snprintf(table.name, sizeof table.name, "t%s", seed);
	make_table(&dice, &table);
	write_names(sql, &table);
	write_rows(sql, expected, &dice, &table);
	write_query(query, &table);
	write_schema(schema, &table);
	fprintf(compare, "%d", COMPARE_TEXT);
	for (int i = 0; i < table.count; i++)
		fprintf(compare, " %d", table.columns[i].kind->compare);
	fprintf(compare, "\n");
	finish(sql);
	finish(expected);
	finish(query);
	finish(schema);
	finish(compare);
	return 0;
}

/* --- comparing ----------------------------------------------------------------- */

/* Without the zeros, and then the point, that end a fraction. */
static size_t significant(const char *text)
{
	size_t n = strlen(text);

	if (!strchr(text, '.'))
		return n;
	while (text[n - 1] == '0')
		n--;
	return n - (text[n - 1] == '.');
}

static bool same_json(const char *a, const char *b)
{
	json_t *x = json_loads(a, JSON_DECODE_ANY, NULL), *y = json_loads(b, JSON_DECODE_ANY, NULL);
	bool same = x && y && json_equal(x, y);

	json_decref(x);
	json_decref(y);
	return same;
}

static bool same_text(enum compare how, const char *a, const char *b)
{
	switch (how) {
	case COMPARE_FLOAT:
		return strtod(a, NULL) == strtod(b, NULL);
	case COMPARE_FRACTION:
		return significant(a) == significant(b) && !strncmp(a, b, significant(a));
	case COMPARE_JSON:
		return same_json(a, b);
	default:
		return !strcmp(a, b);
	}
}

/* A repeated column comes as an array of {"v": …}, or null when it is empty. */
static char *actual_text(const json_t *value)
{
	json_t *list, *element;
	char *text;
	size_t i;

	if (!json_is_array(value))
		return json_is_string(value) ? strdup(json_string_value(value)) : NULL;
	list = json_array();
	json_array_foreach((json_t *)(uintptr_t)value, i, element)
		json_array_append(list, json_object_get(element, "v"));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static bool same_value(enum compare how, const json_t *expected, const json_t *actual)
{
	char *text = actual_text(actual);
	bool same = json_is_null(expected)
			    ? json_is_null(actual)
			    : text && same_text(how, json_string_value(expected), text);

	free(text);
	return same;
}

static json_t *next_line(FILE *f, const char *name)
{
	static char *line;
	static size_t size;
	json_t *row;

	if (getline(&line, &size, f) < 0)
		return NULL;
	row = json_loads(line, 0, NULL);
	if (!json_is_array(row)) {
		fprintf(stderr, "%s: not a JSON array: %s", name, line);
		exit(2);
	}
	return row;
}

static int compare_rows(const json_t *expected, const json_t *actual, const int *how, int row)
{
	int differences = 0;

	for (size_t i = 0; i < json_array_size(expected); i++) {
		const json_t *want = json_array_get(expected, i), *got = json_array_get(actual, i);
		char *a, *b;

		if (got && same_value((enum compare)how[i], want, got))
			continue;
		differences++;
		a = json_dumps(want, JSON_ENCODE_ANY);
		b = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;
		printf("row %d, column %zu: expected %s, got %s\n", row, i, a, b ? b : "nothing");
		free(a);
		free(b);
	}
	return differences;
}

static FILE *open_in(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		fail(path);
	return f;
}

static int compare(const char *dir, const char *path)
{
	FILE *expected = open_in(dir, "expected"), *words = open_in(dir, "compare");
	FILE *actual = fopen(path, "r");
	int how[COLUMNS_MAX + 1] = { 0 }, differences = 0, row = 0;
	json_t *want, *got;

	if (!actual)
		fail(path);
	for (int i = 0, c; i <= COLUMNS_MAX && (c = fgetc(words)) >= '0'; i++) {
		how[i] = c - '0';
		fgetc(words);
	}
	while ((want = next_line(expected, "expected")) != NULL) {
		got = next_line(actual, path);
		if (!got) {
			printf("row %d is missing\n", row);
			return 1;
		}
		differences += compare_rows(want, got, how, row++);
		json_decref(want);
		json_decref(got);
	}
	if (next_line(actual, path)) {
		printf("there are more than %d rows\n", row);
		return 1;
	}
	fclose(expected);
	fclose(words);
	fclose(actual);
	return differences > 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "generate"))
		return generate(argv[2], argv[3], argv[4]);
	if (argc == 4 && !strcmp(argv[1], "compare"))
		return compare(argv[2], argv[3]);
	fprintf(stderr, "usage: tables generate DATABASE SEED DIR | compare DIR ACTUAL\n");
	return 2;
}
