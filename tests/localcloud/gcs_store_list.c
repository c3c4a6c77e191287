/* The names of a bucket in order: pages with prefix and delimiter, and walks over all of them. */
#include "lib/buf.h"
#include "tests/localcloud/gcs_impl.h"
#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>

/* Behind every name that begins with the bytes, since no UTF-8 text has this byte. */
#define PAST_ALL "\xff"
/* The least that can follow a name: no name has the byte 0. */
#define PAST_ONE "\x01"

struct list {
	struct gcs *g;
	const char *bucket;
	const struct gcs_listing *asked;
	json_t *items, *prefixes;
	int64_t count;
	struct buf from; /* where to go on; not NUL-terminated */
};

static int go_on_from(struct list *l, const char *name, size_t n, const char *past)
{
	struct error error;

	buf_clear(&l->from);
	return buf_append(&l->from, name, n, &error) || buf_append_str(&l->from, past, &error) ? -1
											       : 0;
}

/* The length of name up to and with the first delimiter behind the prefix; 0 when there is none. */
static size_t rolled_up(const struct gcs_listing *asked, const char *name)
{
	const char *at =
		asked->delimiter[0] ? strstr(name + strlen(asked->prefix), asked->delimiter) : NULL;

	return at ? (size_t)(at - name) + strlen(asked->delimiter) : 0;
}

/* Names come in order: nothing that is asked for follows one of these. */
static bool is_behind(const struct gcs_listing *asked, const char *name)
{
	return strncmp(name, asked->prefix, strlen(asked->prefix)) != 0 ||
	       (asked->end[0] && strcmp(name, asked->end) >= 0);
}

/*
 * One row: 1 taken, 0 the end of what is asked for or the page is full, -1 error. *jump: the names that follow lie in the
 * common prefix just taken, and are not to be read one by one.
 */
static int take_row(struct list *l, sqlite3_stmt *stmt, bool *jump, bool *full,
		    struct api_error *err)
{
	const char *name = (const char *)sqlite3_column_text(stmt, 0);
	size_t n;

	if (is_behind(l->asked, name))
		return 0;
	*full = l->count == l->asked->limit;
	if (*full)
		return 0;
	n = rolled_up(l->asked, name);
	*jump = n > 0;
	l->count++;
	if (n > 0)
		json_array_append_new(l->prefixes, json_stringn(name, n));
	else
		json_array_append_new(l->items, gcs_column_json(stmt, 1, err));
	return go_on_from(l, name, n ? n : strlen(name), n ? PAST_ALL : PAST_ONE) ? -1 : 1;
}

/* Reads rows from l->from on until the end, a full page, or a common prefix to jump over (1). */
static int read_run(struct list *l, sqlite3_stmt *stmt, bool *full, struct api_error *err)
{
	bool jump = false;
	int rc;

	sqlite3_reset(stmt);
	/* An empty buffer has no bytes at all, which would bind NULL. */
	sqlite3_bind_text(stmt, 2, l->from.length > 0 ? l->from.data : "", (int)l->from.length,
			  SQLITE_TRANSIENT);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		rc = take_row(l, stmt, &jump, full, err);
		if (rc <= 0 || jump)
			return rc;
	}
	return rc == SQLITE_DONE ? 0 : gcs_db_error(l->g, err);
}

static int list_page(struct list *l, char **next, struct api_error *err)
{
	const char *start =
		strcmp(l->asked->start, l->asked->prefix) > 0 ? l->asked->start : l->asked->prefix;
	sqlite3_stmt *stmt;
	bool full = false;
	int rc;

	if (gcs_need_bucket(l->g, l->bucket, err))
		return -1;
	stmt = gcs_prepare(
		l->g, err,
		"SELECT name, resource FROM object WHERE bucket=? AND name>=? ORDER BY name",
		l->bucket, NULL);
	if (!stmt)
		return -1;
	rc = go_on_from(l, start, strlen(start), "");
	if (rc == 0)
		while ((rc = read_run(l, stmt, &full, err)) > 0)
			;
	sqlite3_finalize(stmt);
	if (rc == 0 && full)
		*next = strndup(l->from.data, l->from.length);
	return rc;
}

int gcs_object_list(struct gcs *g, const char *bucket, const struct gcs_listing *asked,
		    json_t *items, json_t *prefixes, char **next, struct api_error *err)
{
	struct list l = { g, bucket, asked, items, prefixes, 0, BUF_INIT };
	int rc;

	*next = NULL;
	pthread_mutex_lock(&g->lock);
	rc = list_page(&l, next, err);
	pthread_mutex_unlock(&g->lock);
	buf_release(&l.from);
	return rc;
}

int gcs_object_each(struct gcs *g, const char *bucket, const char *prefix, gcs_visit *visit,
		    void *closure, struct api_error *err)
{
	sqlite3_stmt *stmt = NULL;
	char path[STORE_NAME_MAX];
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = gcs_need_bucket(g, bucket, err);
	if (rc == 0)
		stmt = gcs_prepare(g, err,
				   "SELECT name, file, size FROM object WHERE bucket=? AND name>=?"
				   " ORDER BY name",
				   bucket, prefix, NULL);
	while (stmt && rc == 0 && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0);

		if (strncmp(name, prefix, strlen(prefix)) != 0)
			break;
		gcs_file_path(g, (const char *)sqlite3_column_text(stmt, 1), path);
		rc = visit(closure, name, path, sqlite3_column_int64(stmt, 2));
	}
	rc = stmt ? rc : -1;
	sqlite3_finalize(stmt);
	pthread_mutex_unlock(&g->lock);
	return rc;
}
