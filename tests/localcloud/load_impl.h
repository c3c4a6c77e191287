/* Shared by the files of load jobs only. */
#ifndef LOCALCLOUD_LOAD_IMPL_H
#define LOCALCLOUD_LOAD_IMPL_H

#include "tests/localcloud/load.h"

/* Where a load job writes: found or made by load_prepare_table. */
struct load_target {
	const char *project, *dataset; /* borrowed from the configuration */
	char table[1100];              /* without the decorator */
	char physical[STORE_NAME_MAX];
	json_t *resource; /* as it is for this job: owned */
	bool has_partition;
	bool recount; /* rows were deleted from a part: the table's counts are unknown */
	struct partition partition;
};

/*
 * Judges the job against the table and brings the table into the state that the rows are added to: made, widened,
 * emptied. With plan_only nothing is changed, and resource is what it would be.
 */
int load_prepare_table(struct store *s, const json_t *load, bool plan_only, struct load_target *ret,
		       struct api_error *err);
void load_target_release(struct load_target *t);

/* Reading rows: what both formats share. */
struct load_reader {
	const json_t *load;
	const char *uri; /* of the file that is read; NULL: an upload */
	struct rows *rows;
	struct load_work *work;
	const atomic_bool *cancel;
	int64_t max_bad, bad;
	bool ignore_unknown;
	json_t *errors;
};

/* Notes a bad row. -1, with the job's error, when there are more than maxBadRecords. */
int load_bad_row(struct load_reader *r, const char *message, struct api_error *err);
/* Keeps the row that was read, and writes the kept ones to the staging table when they are many. */
int load_keep_row(struct load_reader *r, struct api_error *err);
bool load_cancelled(const struct load_reader *r, struct api_error *err);

int load_ndjson(struct load_reader *r, const char *path, struct api_error *err);
int load_csv(struct load_reader *r, const char *path, struct api_error *err);

/* One JSON object -> r->cells of rows. 0, or -1 with a message for load_bad_row. Also used by insertAll. */
struct ndjson_row {
	struct rows *rows;
	unsigned *seen; /* per column: the number of the row that named it */
	unsigned number;
	struct value_options options;
};
int ndjson_row_open(struct ndjson_row *row, struct rows *rows);
void ndjson_row_close(struct ndjson_row *row);
int ndjson_row_read(struct ndjson_row *row, const char *p, size_t n, struct value_error *err);

#endif
