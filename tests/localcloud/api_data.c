/* tabledata.list and tabledata.insertAll. */
#include "tests/localcloud/api.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load_impl.h"
#include "tests/localcloud/page.h"

#include <stdlib.h>
#include <string.h>

int api_data_list(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	char physical[STORE_NAME_MAX];
	json_t *table, *answer = json_pack("{s:s}", "kind", "bigquery#tableDataList");
	int rc = -1;

	store_read_begin(s);
	table = store_table_get(s, ex->param[0], ex->param[1], ex->param[2], err);
	if (table && strcmp(ju_string(table, "type", ""), "TABLE") != 0)
		api_fail(err, 400, "invalid", "Cannot list a table of type VIEW.");
	else if (table && store_data_table(physical, sizeof(physical), ex->param[0], ex->param[1],
					   ex->param[2]) == 0)
		rc = page_read(ex, s, physical, ju_path(table, "schema.fields"), answer, err);
	store_read_end(s);
	if (rc == 0) {
		json_object_set(answer, "etag", json_object_get(table, "etag"));
		ex_answer(ex, 200, answer);
	} else {
		json_decref(answer);
	}
	json_decref(table);
	return rc;
}

/* One row's error as insertErrors holds it. */
static void add_error(json_t *errors, size_t index, const char *reason, const struct value_error *e)
{
	json_t *message = e ? json_sprintf("%s%s%s", e->what, e->value[0] ? ": " : "", e->value)
			    : json_string("");

	if (!message)
		message = json_string(e->what);
	json_array_append_new(errors,
			      json_pack("{s:I, s:[{s:s, s:s, s:s, s:o}]}", "index",
					(json_int_t)index, "errors", "reason", reason, "location",
					e ? e->path : "", "debugInfo", "", "message", message));
}

/* Reads and inserts the rows; errors says which did not fit. */
static int put_rows(struct rows *rows, const json_t *body, json_t *errors, bool check_only,
		    struct api_error *err)
{
	const json_t *list = json_object_get(body, "rows"), *item;
	struct ndjson_row row = { .options = { ju_bool(body, "ignoreUnknownValues", false),
					       true } };
	size_t i;
	int rc = 0;

	if (ndjson_row_open(&row, rows))
		return api_fail(err, 500, "internalError", "out of memory");
	json_array_foreach(list, i, item) {
		char *text =
			json_dumps(json_object_get(item, "json"), JSON_COMPACT | JSON_ENCODE_ANY);
		struct value_error e;

		if (!text || ndjson_row_read(&row, text, strlen(text), &e)) {
			if (!text)
				memset(&e, 0, sizeof(e));
			if (check_only)
				add_error(errors, i, "invalid", &e);
		} else if (!check_only) {
			rc = rows_keep(rows, err);
		}
		free(text);
		if (rc)
			break;
	}
	ndjson_row_close(&row);
	return rc;
}

/* Without skipInvalidRows one bad row stops all the others. */
static void stop_others(json_t *errors, size_t n)
{
	json_t *all = json_array(), *item;
	size_t i, at = 0;

	for (size_t index = 0; index < n; index++) {
		if (at < json_array_size(errors) &&
		    (size_t)ju_int64(json_array_get(errors, at), "index", -1) == index)
			json_array_append(all, json_array_get(errors, at++));
		else
			add_error(all, index, "stopped", NULL);
	}
	json_array_clear(errors);
	json_array_foreach(all, i, item)
		json_array_append(errors, item);
	json_decref(all);
}

static int insert_all(struct exchange *ex, const json_t *body, json_t *errors,
		      struct api_error *err)
{
	struct store *s = ex->server->store;
	const json_t *list = json_object_get(body, "rows");
	json_t *table = store_table_get(s, ex->param[0], ex->param[1], ex->param[2], err);
	char physical[STORE_NAME_MAX];
	struct rows rows;
	int rc = -1;

	if (!table)
		return -1;
	if (strcmp(ju_string(table, "type", ""), "TABLE") != 0)
		api_fail(err, 400, "invalid", "Cannot add rows to a table of type VIEW.");
	else if (store_data_table(physical, sizeof(physical), ex->param[0], ex->param[1],
				  ex->param[2]) == 0)
		rc = rows_open(&rows, table, NULL, err);
	json_decref(table);
	if (rc)
		return -1;
	rc = put_rows(&rows, body, errors, true, err);
	if (rc == 0 && json_array_size(errors) > 0 && !ju_bool(body, "skipInvalidRows", false))
		stop_others(errors, json_array_size(list));
	else if (rc == 0)
		rc = put_rows(&rows, body, errors, false, err) ||
				     rows_write(&rows, s, physical, err)
			     ? -1
			     : 0;
	rows_close(&rows);
	return rc ? rc : store_table_touch(s, ex->param[0], ex->param[1], ex->param[2], err);
}

int api_data_insert_all(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *body = ex_json(ex, err), *errors, *answer;
	struct api_error late;
	int rc;

	if (!body)
		return -1;
	if (json_array_size(json_object_get(body, "rows")) == 0) {
		json_decref(body);
		return api_fail(err, 400, "invalid", "No rows present in the request.");
	}
	if (store_write_begin(s, err)) {
		json_decref(body);
		return -1;
	}
	errors = json_array();
	rc = insert_all(ex, body, errors, err);
	if (store_write_end(s, rc == 0, &late)) {
		*err = late;
		rc = -1;
	}
	json_decref(body);
	answer = json_pack("{s:s}", "kind", "bigquery#tableDataInsertAllResponse");
	if (json_array_size(errors) > 0)
		json_object_set(answer, "insertErrors", errors);
	json_decref(errors);
	ex_answer(ex, 200, answer);
	return rc;
}
