#include "tests/localcloud/rows.h"

#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *insert_sql(const struct rows *r, const char *physical)
{
	sqlite3_str *sql = sqlite3_str_new(store_db(r->store));

	sqlite3_str_appendf(sql, "INSERT INTO \"%w\"(\"@rowid\"", physical);
	for (size_t i = 0; i < r->n_columns; i++)
		sqlite3_str_appendf(sql, ",\"%w\"", r->columns[i].name);
	sqlite3_str_appendall(sql, r->ingestion_time ? ",\"_PARTITIONTIME\") VALUES(NULL"
						     : ") VALUES(NULL");
	for (size_t i = 0; i < r->n_columns + r->ingestion_time; i++)
		sqlite3_str_appendall(sql, ",?");
	sqlite3_str_appendall(sql, ")");
	return sqlite3_str_finish(sql);
}

int rows_open(struct rows *r, struct store *store, const char *physical, const json_t *table,
	      const struct partition *partition, struct api_error *err)
{
	const json_t *partitioning = json_object_get(table, "timePartitioning");
	const char *field = ju_string(partitioning, "field", NULL);
	char *sql;
	int rc;

	memset(r, 0, sizeof(*r));
	r->store = store;
	r->columns = schema_compile(ju_path(table, "schema.fields"), &r->n_columns);
	r->cells = calloc(r->n_columns + 1, sizeof(*r->cells));
	r->partition = partition;
	r->partition_column = -1;
	for (size_t i = 0; partition && field && i < r->n_columns; i++)
		if (strcasecmp(r->columns[i].name, field) == 0)
			r->partition_column = (long)i;
	r->ingestion_time = partitioning && !field;
	if (r->ingestion_time)
		r->ingested_us = partition ? partition->from_us
					   : partition_floor(ju_string(partitioning, "type", "DAY"),
							     store_now_ms() * 1000);
	sql = insert_sql(r, physical);
	rc = sqlite3_prepare_v2(store_db(store), sql, -1, &r->insert, NULL);
	sqlite3_free(sql);
	if (rc == SQLITE_OK)
		return 0;
	store_sqlite_error(store, err);
	rows_close(r);
	return -1;
}

void rows_close(struct rows *r)
{
	sqlite3_finalize(r->insert);
	schema_free(r->columns, r->n_columns);
	free(r->cells);
	buf_release(&r->scratch);
	memset(r, 0, sizeof(*r));
}

int rows_put(struct rows *r, struct api_error *err)
{
	int rc = SQLITE_OK;

	if (r->partition_column >= 0 &&
	    !partition_holds(r->partition, &r->cells[r->partition_column], &r->scratch))
		return api_fail(
			err, 400, "invalid",
			"Some rows belong to different partitions rather than destination partition %s",
			r->partition->id);
	for (size_t i = 0; i < r->n_columns; i++) {
		rc |= cell_bind(r->insert, (int)i + 1, &r->cells[i], &r->scratch);
		r->bytes += cell_size(&r->columns[i], &r->cells[i]);
	}
	if (r->ingestion_time)
		rc |= sqlite3_bind_int64(r->insert, (int)r->n_columns + 1, r->ingested_us);
	if (rc != SQLITE_OK || sqlite3_step(r->insert) != SQLITE_DONE) {
		store_sqlite_error(r->store, err);
		sqlite3_reset(r->insert);
		return -1;
	}
	sqlite3_reset(r->insert);
	buf_clear(&r->scratch);
	r->count++;
	return 0;
}
