#include "tests/localcloud/rows.h"

#include "tests/localcloud/json_util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is kept before it must be written: short enough that nobody waits long for the writer's lock. */
#define KEPT_BYTES ((size_t)4 << 20)
#define KEPT_CELLS ((size_t)200000)

static char *insert_sql(const struct rows *r, struct store *store, const char *physical)
{
	sqlite3_str *sql = sqlite3_str_new(store_db(store));

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

int rows_open(struct rows *r, const json_t *table, const struct partition *partition,
	      struct api_error *err)
{
	const json_t *partitioning = json_object_get(table, "timePartitioning");
	const char *field = ju_string(partitioning, "field", NULL);

	memset(r, 0, sizeof(*r));
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
	if (r->columns && r->cells)
		return 0;
	rows_close(r);
	return api_fail(err, 500, "internalError", "out of memory");
}

void rows_close(struct rows *r)
{
	schema_free(r->columns, r->n_columns);
	free(r->cells);
	free(r->kept);
	buf_release(&r->scratch);
	memset(r, 0, sizeof(*r));
}

void rows_begin(struct rows *r)
{
	r->scratch.length = r->scratch_start;
}

bool rows_full(const struct rows *r)
{
	return r->scratch_start >= KEPT_BYTES || r->kept_rows * r->n_columns >= KEPT_CELLS;
}

static int reserve_row(struct rows *r, struct api_error *err)
{
	struct cell *more;
	size_t room;

	if (r->kept_rows < r->kept_room)
		return 0;
	room = r->kept_room ? r->kept_room * 2 : 16;
	more = reallocarray(r->kept, room * (r->n_columns + 1), sizeof(*more));
	if (!more)
		return api_fail(err, 500, "internalError", "out of memory");
	r->kept = more;
	r->kept_room = room;
	return 0;
}

int rows_keep(struct rows *r, struct api_error *err)
{
	struct cell *kept;
	struct error error;

	if (r->partition_column >= 0 &&
	    !partition_holds(r->partition, &r->cells[r->partition_column], &r->scratch))
		return api_fail(
			err, 400, "invalid",
			"Some rows belong to different partitions rather than destination partition %s",
			r->partition->id);
	if (reserve_row(r, err))
		return -1;
	kept = r->kept + r->kept_rows * r->n_columns;
	for (size_t i = 0; i < r->n_columns; i++) {
		struct cell cell = r->cells[i];

		r->bytes += cell_size(&r->columns[i], &cell);
		if ((cell.kind == CELL_TEXT || cell.kind == CELL_BLOB) && !cell.in_scratch) {
			cell.in_scratch = true;
			cell.offset = r->scratch.length;
			if (buf_append(&r->scratch, cell.p, cell.n, &error))
				return api_fail(err, 500, "internalError", "out of memory");
		}
		kept[i] = cell;
	}
	r->scratch_start = r->scratch.length;
	r->kept_rows++;
	r->count++;
	return 0;
}

static int insert(const struct rows *r, sqlite3_stmt *stmt, const struct cell *cells)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < r->n_columns; i++)
		rc |= cell_bind(stmt, (int)i + 1, &cells[i], &r->scratch);
	if (r->ingestion_time)
		rc |= sqlite3_bind_int64(stmt, (int)r->n_columns + 1, r->ingested_us);
	if (rc == SQLITE_OK && sqlite3_step(stmt) != SQLITE_DONE)
		rc = SQLITE_ERROR;
	return sqlite3_reset(stmt) == SQLITE_OK && rc == SQLITE_OK ? 0 : -1;
}

int rows_write(struct rows *r, struct store *store, const char *physical, struct api_error *err)
{
	char *sql = insert_sql(r, store, physical);
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store_db(store), sql, -1, &stmt, NULL) == SQLITE_OK ? 0 : -1;

	sqlite3_free(sql);
	for (size_t i = 0; i < r->kept_rows && rc == 0; i++)
		rc = insert(r, stmt, r->kept + i * r->n_columns);
	if (rc)
		store_sqlite_error(store, err);
	sqlite3_finalize(stmt);
	r->kept_rows = 0;
	r->scratch_start = 0;
	buf_clear(&r->scratch);
	return rc;
}
