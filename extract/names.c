#include "extract/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "extract/encode.h"
#include "lib/log.h"
#include "lib/schema.h"
#include "lib/utf8.h"

enum { NAME_MAX_LENGTH = 300 };

/*
 * One part of a name up to an unquoted stop byte, at *text, which moves behind
 * it. The result is allocated.
 */
static char *take_part(const char **text, char quote, char stop, struct error *err)
{
	const char *p = *text;
	char *part = malloc(strlen(p) + 1), *out = part;

	if (!part) {
		error_nomem(err);
		return NULL;
	}
	if (*p != quote) {
		while (*p && *p != stop)
			*out++ = *p++;
	} else {
		for (p++; *p && (*p != quote || p[1] == quote); p++) {
			*out++ = *p;
			p += *p == quote;
		}
		if (*p != quote || (p[1] && p[1] != stop)) {
			free(part);
			error_set(err, ERR_USAGE,
				  *p ? "'%s': text behind a closing quote"
				     : "'%s': a quote is not closed",
				  *text);
			return NULL;
		}
		p++;
	}
	*out = '\0';
	if (out == part) {
		free(part);
		error_set(err, ERR_USAGE, "'%s': an empty name", *text);
		return NULL;
	}
	*text = p;
	return part;
}

int names_parse_table(const char *text, char quote, struct table_name *ret, struct error *err)
{
	struct table_name name = { 0 };
	const char *p = text;

	name.table = take_part(&p, quote, '.', err);
	if (!name.table)
		return -1;
	if (*p == '.') {
		p++;
		name.schema = name.table;
		name.table = take_part(&p, quote, '.', err);
		if (!name.table || *p) {
			if (name.table)
				error_set(err, ERR_USAGE,
					  "'%s': more than SCHEMA.TABLE; a name that "
					  "has a dot goes in double quotes",
					  text);
			names_release_table(&name);
			return -1;
		}
	}
	*ret = name;
	return 0;
}

void names_release_table(struct table_name *name)
{
	free(name->schema);
	free(name->table);
	*name = (struct table_name){ 0 };
}

char *names_label(const char *schema, const char *table, struct error *err)
{
	size_t length = schema ? strlen(schema) + 1 : 0;
	char *label = malloc(length + strlen(table) + 1);

	if (!label) {
		error_nomem(err);
		return NULL;
	}
	if (schema) {
		memcpy(label, schema, length - 1);
		label[length - 1] = '.';
	}
	memcpy(label + length, table, strlen(table) + 1);
	return label;
}

int names_no_such_table(const struct table_name *table, struct error *err)
{
	return error_set(err, ERR_NOINPUT,
			 "there is no table \"%s%s%s\" (names are taken literally, in their case)",
			 table->schema ? table->schema : "", table->schema ? "." : "",
			 table->table);
}

int names_parse_list(const char *text, char ***ret, size_t *count, struct error *err)
{
	size_t room = 2, n = 0;
	char **list;

	for (const char *p = text; *p; p++)
		room += *p == ',';
	list = calloc(room, sizeof *list);
	if (!list)
		return error_nomem(err);
	for (const char *p = text;; p++) {
		list[n] = take_part(&p, '"', ',', err);
		if (!list[n]) {
			names_free_list(list);
			return -1;
		}
		n++;
		if (!*p)
			break;
	}
	*ret = list;
	*count = n;
	return 0;
}

void names_free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

int names_parse_assignment(const char *text, bool last, char **name, const char **rest,
			   struct error *err)
{
	const char *equals = NULL;
	bool quoted = false;
	char **list = NULL, *left;
	size_t count = 0;
	int rc;

	for (const char *p = text; *p && (last || !equals); p++) {
		quoted ^= *text == '"' && *p == '"';
		if (*p == '=' && !quoted)
			equals = p;
	}
	left = equals ? strndup(text, (size_t)(equals - text)) : strdup(text);
	if (!left)
		return error_nomem(err);
	rc = names_parse_list(left, &list, &count, err);
	free(left);
	if (rc < 0 || !list)
		return -1;
	if (count > 1) {
		names_free_list(list);
		return error_set(err, ERR_USAGE, "'%s': one column at a time", text);
	}
	*name = list[0];
	*rest = equals ? equals + 1 : NULL;
	free(list);
	return 0;
}

int names_quote(struct buf *out, const char *name, char quote, struct error *err)
{
	if (buf_reserve(out, 2 * strlen(name) + 2, err) < 0)
		return -1;
	buf_put_byte(out, quote);
	for (; *name; name++) {
		if (*name == quote)
			buf_put_byte(out, quote);
		buf_put_byte(out, *name);
	}
	buf_put_byte(out, quote);
	return 0;
}

/* --- BigQuery's column names -------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
	return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_flexible(const char *name)
{
	size_t n = strlen(name);
	struct error ignored;

	return utf8_valid_prefix(name, n) == n && schema_check_name(name, &ignored) == 0;
}

/* The name as BigQuery takes it, allocated; equal to the source's where that is possible. */
static char *fit_name(const char *source, bool flexible)
{
	char *name;
	size_t n;

	if (flexible && is_flexible(source))
		return strdup(source);
	name = malloc(strlen(source) + 3);
	if (!name)
		return NULL;
	/* Room in front for the underscores that a digit or a reserved word needs. */
	memcpy(name + 2, source, strlen(source) + 1);
	for (char *p = name + 2; *p; p++)
		if (!is_name_byte(*p))
			*p = '_';
	n = 2;
	if (!name[n] || is_digit(name[n]))
		name[--n] = '_';
	if (schema_reserved_prefix(name + n))
		name[--n] = '_';
	memmove(name, name + n, strlen(name + n) + 1);
	if (strlen(name) > NAME_MAX_LENGTH)
		name[NAME_MAX_LENGTH] = '\0';
	return name;
}

static int compare_names(const void *a, const void *b)
{
	const struct column *const *x = a, *const *y = b;
	int order = strcasecmp((*x)->name, (*y)->name);

	/* Equal names in column order, for a message that does not vary. */
	return order ? order : (*x > *y) - (*x < *y);
}

static int refuse_collisions(const struct column *columns, size_t count, struct error *err)
{
	const struct column **sorted = calloc(count, sizeof *sorted);
	int rc = 0;

	if (!sorted)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &columns[i];
	qsort(sorted, count, sizeof *sorted, compare_names);
	for (size_t i = 1; i < count && rc == 0; i++)
		if (!strcasecmp(sorted[i - 1]->name, sorted[i]->name))
			rc = error_set(
				err, ERR_DATA,
				"columns \"%s\" and \"%s\" would both be \"%s\" in BigQuery, which "
				"ignores case: leave one out with --exclude, or rename it with --query",
				sorted[i - 1]->source_name, sorted[i]->source_name,
				sorted[i]->name);
	free(sorted);
	return rc;
}

int names_for_bigquery(struct column *columns, size_t count, bool flexible, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		columns[i].name = fit_name(columns[i].source_name, flexible);
		if (!columns[i].name)
			return error_nomem(err);
		if (strcmp(columns[i].name, columns[i].source_name) != 0)
			log_warn(
				"column \"%s\" is written as \"%s\": BigQuery does not take its name",
				columns[i].source_name, columns[i].name);
	}
	return count ? refuse_collisions(columns, count, err) : 0;
}
