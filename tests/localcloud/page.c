#include "tests/localcloud/page.h"

#include "tests/localcloud/cell_json.h"
#include "tests/localcloud/json_util.h"

#include <string.h>
#include <strings.h>

/* BigQuery ends a page at 10 MB; here a count of rows bounds it. */
#define MAX_PAGE_ROWS 100000

struct page {
	int64_t start, limit;
	bool int64_timestamps;
	json_t *fields; /* the selected ones; owned */
};

static bool selected(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list;; p++) {
		size_t length = strcspn(p, ",");

		/* "record.member" selects all of the record here. */
		if (strcspn(p, ",.") == n && strncasecmp(p, name, n) == 0)
			return true;
		p += length;
		if (!*p)
			return false;
	}
}

static json_t *select_fields(const json_t *fields, const char *list)
{
	json_t *some = json_array(), *field;
	size_t i;

	json_array_foreach(fields, i, field)
		if (!list || selected(list, ju_string(field, "name", "")))
			json_array_append(some, field);
	return some;
}

static int count(struct store *s, const char *physical, int64_t *ret, struct api_error *err)
{
	char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", physical);
	sqlite3_stmt *stmt;
	int rc = -1;

	if (sqlite3_prepare_v2(store_db(s), sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		*ret = sqlite3_column_int64(stmt, 0);
		rc = 0;
	} else {
		store_sqlite_error(s, err);
	}
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return rc;
}

static sqlite3_stmt *prepare(struct store *s, const char *physical, const struct page *page,
			     struct api_error *err)
{
	sqlite3_str *text = sqlite3_str_new(store_db(s));
	sqlite3_stmt *stmt = NULL;
	const json_t *field;
	char *sql;
	size_t i;

	sqlite3_str_appendall(text, "SELECT 0");
	json_array_foreach(page->fields, i, field)
		sqlite3_str_appendf(text, ",\"%w\"", ju_string(field, "name", ""));
	sqlite3_str_appendf(text, " FROM \"%w\" ORDER BY rowid LIMIT ? OFFSET ?", physical);
	sql = sqlite3_str_finish(text);
	if (sqlite3_prepare_v2(store_db(s), sql, -1, &stmt, NULL) != SQLITE_OK)
		store_sqlite_error(s, err);
	sqlite3_free(sql);
	return stmt;
}

static int read_rows(struct store *s, const char *physical, const struct page *page, json_t *answer,
		     struct api_error *err)
{
	size_t n;
	int64_t total;
	sqlite3_stmt *stmt;
	struct column *columns;
	json_t *rows;

	if (count(s, physical, &total, err))
		return -1;
	stmt = prepare(s, physical, page, err);
	if (!stmt)
		return -1;
	columns = schema_compile(page->fields, &n);
	rows = json_array();
	sqlite3_bind_int64(stmt, 1, page->limit);
	sqlite3_bind_int64(stmt, 2, page->start);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		json_array_append_new(rows,
				      cell_json_row(stmt, 1, columns, n, page->int64_timestamps));
	sqlite3_finalize(stmt);
	schema_free(columns, n);
	ju_set_int64(answer, "totalRows", total);
	if (page->start + (int64_t)json_array_size(rows) < total && page->limit > 0)
		ju_set_int64(answer, "pageToken", page->start + (int64_t)json_array_size(rows));
	if (json_array_size(rows) > 0)
		json_object_set_new(answer, "rows", rows);
	else
		json_decref(rows);
	return 0;
}

int page_read_first(struct store *s, const char *physical, const json_t *fields, int64_t limit,
		    bool int64_timestamps, json_t *answer, struct api_error *err)
{
	struct page page = { 0, limit < 0 || limit > MAX_PAGE_ROWS ? MAX_PAGE_ROWS : limit,
			     int64_timestamps, NULL };
	int rc;

	page.fields = select_fields(fields, NULL);
	rc = read_rows(s, physical, &page, answer, err);
	json_decref(page.fields);
	return rc;
}

int page_read(const struct exchange *ex, struct store *s, const char *physical,
	      const json_t *fields, json_t *answer, struct api_error *err)
{
	const char *timestamps = ex_query(ex, "formatOptions.useInt64Timestamp");
	struct page page = { .int64_timestamps =
				     timestamps && strcasecmp(timestamps, "true") == 0 };
	int64_t token;
	int rc;

	if (ex_query_int64(ex, "startIndex", 0, &page.start, err) ||
	    ex_query_int64(ex, "pageToken", -1, &token, err) ||
	    ex_query_int64(ex, "maxResults", MAX_PAGE_ROWS, &page.limit, err))
		return -1;
	if (page.start < 0 || page.limit < 0)
		return api_fail(err, 400, "invalid",
				"startIndex and maxResults must not be negative");
	if (token >= 0)
		page.start = token;
	if (page.limit > MAX_PAGE_ROWS)
		page.limit = MAX_PAGE_ROWS;
	page.fields = select_fields(fields, ex_query(ex, "selectedFields"));
	rc = read_rows(s, physical, &page, answer, err);
	json_decref(page.fields);
	return rc;
}
