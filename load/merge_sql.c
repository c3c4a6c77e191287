#include "load/merge_sql.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Longer than any column's name, so that one exists that no column has. */
enum { ALIAS_SIZE = 304 };

/* Neither is the name of a column: T.x would then be the field x of column T. */
struct aliases {
	char target[ALIAS_SIZE], source[ALIAS_SIZE];
};

static void choose_alias(const struct merge_sql *m, char first, char alias[ALIAS_SIZE])
{
	size_t n = 1;

	alias[0] = first;
	while (schema_find(m->table, alias, n) || schema_find(m->columns, alias, n))
		alias[n++] = '_';
	alias[n] = '\0';
}

static int append_name(struct buf *out, const char *name, struct error *err)
{
	if (buf_append_str(out, "`", err) < 0)
		return -1;
	for (; *name; name++)
		if (((*name == '`' || *name == '\\') && buf_append(out, "\\", 1, err) < 0) ||
		    buf_append(out, name, 1, err) < 0)
			return -1;
	return buf_append_str(out, "`", err);
}

static int append_table(struct buf *out, const struct bigquery_table *t, struct error *err)
{
	if (append_name(out, t->project, err) < 0 || buf_append_str(out, ".", err) < 0 ||
	    append_name(out, t->dataset, err) < 0 || buf_append_str(out, ".", err) < 0)
		return -1;
	return append_name(out, t->table, err);
}

/* "ALIAS.`name`" */
static int append_column(struct buf *out, const char *alias, const char *name, struct error *err)
{
	if (buf_appendf(out, err, "%s.", alias) < 0)
		return -1;
	return append_name(out, name, err);
}

static int append_key(const struct merge_sql *m, struct buf *out, struct error *err)
{
	for (size_t i = 0; i < m->key_count; i++)
		if ((i && buf_append_str(out, ", ", err) < 0) ||
		    append_name(out, m->key[i], err) < 0)
			return -1;
	return 0;
}

static bool is_key(const struct merge_sql *m, const struct schema_field *f)
{
	for (size_t i = 0; i < m->key_count; i++)
		if (!strcasecmp(m->key[i], f->name))
			return true;
	return false;
}

/* One row for each key: that of the largest cursor. NULL sorts below everything. */
static int append_source(const struct merge_sql *m, struct buf *out, struct error *err)
{
	if (!m->cursor)
		return append_table(out, &m->source, err);
	if (buf_append_str(out, "(SELECT * FROM ", err) < 0 ||
	    append_table(out, &m->source, err) < 0 ||
	    buf_append_str(out, " WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY ", err) < 0 ||
	    append_key(m, out, err) < 0 || buf_append_str(out, " ORDER BY ", err) < 0 ||
	    append_name(out, m->cursor, err) < 0)
		return -1;
	return buf_append_str(out, " DESC) = 1)", err);
}

/* A value that BigQuery has written; it goes back as a literal, so it must be what it seems to be. */
static int append_literal(struct buf *out, enum schema_type type, const char *text,
			  struct error *err)
{
	size_t n = strspn(text, "0123456789:+- .T");

	if (text[n] || n == 0)
		return error_set(err, ERR_PROTOCOL, "'%s' is no bound of a partition", text);
	if (type == TYPE_INTEGER)
		return buf_append_str(out, text, err);
	return buf_appendf(out, err, "%s '%s'", schema_type_name(type), text);
}

static int append_partition(const struct merge_sql *m, const char *alias, struct buf *out,
			    struct error *err)
{
	const struct merge_partition *p = m->partition;
	bool range = p->least && p->largest;

	if (p->whole) {
		if (buf_append_str(out, " AND (", err) < 0 ||
		    append_column(out, alias, p->column, err) < 0 ||
		    buf_append_str(out, " IS NULL OR ", err) < 0 ||
		    append_column(out, alias, p->column, err) < 0)
			return -1;
		return buf_append_str(out, " IS NOT NULL)", err);
	}
	if (buf_append_str(out, " AND (", err) < 0)
		return -1;
	if (range && (append_column(out, alias, p->column, err) < 0 ||
		      buf_append_str(out, " BETWEEN ", err) < 0 ||
		      append_literal(out, p->type, p->least, err) < 0 ||
		      buf_append_str(out, " AND ", err) < 0 ||
		      append_literal(out, p->type, p->largest, err) < 0))
		return -1;
	if (p->nulls || !range) {
		if ((range && buf_append_str(out, " OR ", err) < 0) ||
		    append_column(out, alias, p->column, err) < 0 ||
		    buf_append_str(out, " IS NULL", err) < 0)
			return -1;
	}
	return buf_append_str(out, ")", err);
}

static int append_condition(const struct merge_sql *m, const struct aliases *a, struct buf *out,
			    struct error *err)
{
	for (size_t i = 0; i < m->key_count; i++)
		if (buf_append_str(out, i ? " AND " : " ON ", err) < 0 ||
		    append_column(out, a->target, m->key[i], err) < 0 ||
		    buf_append_str(out, " = ", err) < 0 ||
		    append_column(out, a->source, m->key[i], err) < 0)
			return -1;
	return m->partition ? append_partition(m, a->target, out, err) : 0;
}

/* Older rows never replace newer ones. */
static int append_newer(const struct merge_sql *m, const struct aliases *a, struct buf *out,
			struct error *err)
{
	if (buf_append_str(out, " AND (", err) < 0 ||
	    append_column(out, a->target, m->cursor, err) < 0 ||
	    buf_append_str(out, " IS NULL OR ", err) < 0 ||
	    append_column(out, a->source, m->cursor, err) < 0 ||
	    buf_append_str(out, " >= ", err) < 0 ||
	    append_column(out, a->target, m->cursor, err) < 0)
		return -1;
	return buf_append_str(out, ")", err);
}

/* --- rows that are gone at the source, or back ----------------------------------------------- */

static int append_set_mark(const struct merge_sql *m, bool deleted, struct buf *out,
			   struct error *err)
{
	if (append_name(out, m->mark, err) < 0)
		return -1;
	if (m->mark_type == TYPE_BOOLEAN)
		return buf_append_str(out, deleted ? " = TRUE" : " = FALSE", err);
	return buf_append_str(out, deleted ? " = CURRENT_TIMESTAMP()" : " = NULL", err);
}

/* A row without a mark, as the table's own or another program's, is not deleted. */
static int append_is_marked(const struct merge_sql *m, const char *alias, bool marked,
			    struct buf *out, struct error *err)
{
	if (append_column(out, alias, m->mark, err) < 0)
		return -1;
	if (m->mark_type == TYPE_BOOLEAN)
		return buf_append_str(out, marked ? " IS TRUE" : " IS NOT TRUE", err);
	return buf_append_str(out, marked ? " IS NOT NULL" : " IS NULL", err);
}

/* A row that is back, also one that is older than the target's. */
static int append_unmark(const struct merge_sql *m, const struct aliases *a, struct buf *out,
			 struct error *err)
{
	if (!m->mark)
		return 0;
	if (buf_append_str(out, "\nWHEN MATCHED AND ", err) < 0 ||
	    append_is_marked(m, a->target, true, out, err) < 0 ||
	    buf_append_str(out, " THEN UPDATE SET ", err) < 0)
		return -1;
	return append_set_mark(m, false, out, err);
}

static int append_missing(const struct merge_sql *m, const struct aliases *a, struct buf *out,
			  struct error *err)
{
	if (m->missing == MISSING_STAY)
		return 0;
	if (buf_append_str(out, "\nWHEN NOT MATCHED BY SOURCE", err) < 0)
		return -1;
	if (m->missing == MISSING_DELETE)
		return buf_append_str(out, " THEN DELETE", err);
	if (buf_append_str(out, " AND ", err) < 0 ||
	    append_is_marked(m, a->target, false, out, err) < 0 ||
	    buf_append_str(out, " THEN UPDATE SET ", err) < 0)
		return -1;
	return append_set_mark(m, true, out, err);
}

/* --- rows that the source has ---------------------------------------------------------------- */

/* Nothing where all columns are the key's. */
static int append_update(const struct merge_sql *m, const struct aliases *a, struct buf *out,
			 struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < m->columns->count; i++) {
		const struct schema_field *f = &m->columns->field[i];

		if (is_key(m, f))
			continue;
		if (!any && (buf_append_str(out, "\nWHEN MATCHED", err) < 0 ||
			     (m->cursor && append_newer(m, a, out, err) < 0)))
			return -1;
		if (buf_append_str(out, any ? ", " : " THEN UPDATE SET ", err) < 0 ||
		    append_name(out, f->name, err) < 0 || buf_append_str(out, " = ", err) < 0 ||
		    append_column(out, a->source, f->name, err) < 0)
			return -1;
		any = true;
	}
	if (!any || !m->mark)
		return 0;
	return buf_append_str(out, ", ", err) < 0 ? -1 : append_set_mark(m, false, out, err);
}

static int append_insert(const struct merge_sql *m, const struct aliases *a, struct buf *out,
			 struct error *err)
{
	/* Of a TIMESTAMP, NULL says so already. */
	bool marks = m->mark && m->mark_type == TYPE_BOOLEAN;

	if (buf_append_str(out, "\nWHEN NOT MATCHED THEN INSERT (", err) < 0)
		return -1;
	for (size_t i = 0; i < m->columns->count; i++)
		if ((i && buf_append_str(out, ", ", err) < 0) ||
		    append_name(out, m->columns->field[i].name, err) < 0)
			return -1;
	if ((marks && (buf_append_str(out, ", ", err) < 0 || append_name(out, m->mark, err) < 0)) ||
	    buf_append_str(out, ") VALUES (", err) < 0)
		return -1;
	for (size_t i = 0; i < m->columns->count; i++)
		if ((i && buf_append_str(out, ", ", err) < 0) ||
		    append_column(out, a->source, m->columns->field[i].name, err) < 0)
			return -1;
	return buf_append_str(out, marks ? ", FALSE)" : ")", err);
}

int merge_sql_statement(const struct merge_sql *m, struct buf *out, struct error *err)
{
	struct aliases a;

	choose_alias(m, 'T', a.target);
	choose_alias(m, 'S', a.source);
	if (buf_append_str(out, "MERGE ", err) < 0 || append_table(out, &m->target, err) < 0 ||
	    buf_appendf(out, err, " AS %s\nUSING ", a.target) < 0 ||
	    append_source(m, out, err) < 0 || buf_appendf(out, err, " AS %s\n", a.source) < 0 ||
	    append_condition(m, &a, out, err) < 0)
		return -1;
	if ((!m->keys_only && append_update(m, &a, out, err) < 0) ||
	    append_unmark(m, &a, out, err) < 0 ||
	    (!m->keys_only && append_insert(m, &a, out, err) < 0))
		return -1;
	return append_missing(m, &a, out, err);
}

int merge_sql_mark_all(const struct merge_sql *m, struct buf *out, struct error *err)
{
	struct aliases a;

	choose_alias(m, 'T', a.target);
	if (buf_append_str(out, "UPDATE ", err) < 0 || append_table(out, &m->target, err) < 0 ||
	    buf_appendf(out, err, " AS %s SET ", a.target) < 0 ||
	    append_set_mark(m, true, out, err) < 0 || buf_append_str(out, " WHERE ", err) < 0 ||
	    append_is_marked(m, a.target, false, out, err) < 0)
		return -1;
	return m->partition ? append_partition(m, a.target, out, err) : 0;
}

int merge_sql_duplicates(const struct merge_sql *m, struct buf *out, struct error *err)
{
	for (size_t i = 0; i < m->key_count; i++) {
		const struct schema_field *f =
			schema_find(m->columns, m->key[i], strlen(m->key[i]));
		bool bytes = f && f->type == TYPE_BYTES;

		if (buf_append_str(out, i ? ", " : "SELECT ", err) < 0 ||
		    buf_append_str(out, bytes ? "TO_BASE64(" : "CAST(", err) < 0 ||
		    append_name(out, m->key[i], err) < 0 ||
		    buf_append_str(out, bytes ? ")" : " AS STRING)", err) < 0)
			return -1;
	}
	if (buf_append_str(out, ", CAST(COUNT(*) AS STRING) FROM ", err) < 0 ||
	    append_table(out, &m->source, err) < 0 || buf_append_str(out, " GROUP BY ", err) < 0 ||
	    append_key(m, out, err) < 0)
		return -1;
	return buf_append_str(out, " HAVING COUNT(*) > 1 LIMIT 1", err);
}

int merge_sql_bounds(const struct merge_sql *m, const char *column, struct buf *out,
		     struct error *err)
{
	if (buf_append_str(out, "SELECT CAST(MIN(", err) < 0 || append_name(out, column, err) < 0 ||
	    buf_append_str(out, ") AS STRING), CAST(MAX(", err) < 0 ||
	    append_name(out, column, err) < 0 ||
	    buf_append_str(out, ") AS STRING), CAST(COUNTIF(", err) < 0 ||
	    append_name(out, column, err) < 0 ||
	    buf_append_str(out, " IS NULL) AS STRING) FROM ", err) < 0)
		return -1;
	return append_table(out, &m->source, err);
}
