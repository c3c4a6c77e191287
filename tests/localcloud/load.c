#include "tests/localcloud/load.h"

#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load_impl.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_ERRORS 5

bool load_cancelled(const struct load_reader *r, struct api_error *err)
{
	if (!r->cancel || !atomic_load_explicit(r->cancel, memory_order_relaxed))
		return false;
	api_fail(err, 200, "stopped", "Job execution was cancelled: User requested cancellation");
	return true;
}

int load_bad_row(struct load_reader *r, const char *message, struct api_error *err)
{
	struct api_error detail;
	bool csv = strcmp(ju_string(r->load, "sourceFormat", "CSV"), "CSV") == 0;

	r->bad++;
	api_fail(&detail, 400, "invalid", "Error while reading data, error message: %s", message);
	if (json_array_size(r->errors) < MAX_ERRORS)
		json_array_append_new(r->errors, api_error_proto(&detail));
	if (r->bad <= r->max_bad)
		return 0;
	return api_fail(
		err, 400, "invalid",
		"Error while reading data, error message: %s table encountered too many errors, giving up. Rows: %" PRId64
		"; errors: %" PRId64 ". Please look into the errors[] collection for more details.",
		csv ? "CSV" : "JSON", r->rows->count + r->bad, r->bad);
}

static int read_rows(struct load_reader *r, const char *path, struct api_error *err)
{
	if (strcmp(ju_string(r->load, "sourceFormat", "CSV"), "CSV") == 0)
		return load_csv(r, path, err);
	return load_ndjson(r, path, err);
}

static int load_into(struct store *s, const json_t *load, const char *path,
		     const atomic_bool *cancel, struct load_target *t, struct load_result *ret,
		     struct api_error *err)
{
	struct load_reader reader = {
		.load = load,
		.cancel = cancel,
		.max_bad = ju_int64(load, "maxBadRecords", 0),
		.ignore_unknown = ju_bool(load, "ignoreUnknownValues", false),
		.errors = ret->errors,
	};
	struct rows rows;
	struct stat st;
	int rc;

	if (rows_open(&rows, s, t->physical, t->resource, t->has_partition ? &t->partition : NULL,
		      err))
		return -1;
	reader.rows = &rows;
	rc = read_rows(&reader, path, err);
	ret->input_bytes = stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
	ret->output_rows = rows.count;
	ret->output_bytes = rows.bytes;
	ret->bad_records = reader.bad;
	rows_close(&rows);
	return rc;
}

int load_run(struct store *s, const json_t *load, const char *path, const atomic_bool *cancel,
	     struct load_result *ret, struct api_error *err)
{
	struct load_target target;
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->errors = json_array();
	if (load_prepare_table(s, load, &target, err))
		return -1;
	rc = path ? load_into(s, load, path, cancel, &target, ret, err) : 0;
	if (rc == 0 && target.recount)
		rc = store_table_touch(s, target.project, target.dataset, target.table, err);
	else if (rc == 0)
		rc = store_table_grow(s, target.project, target.dataset, target.table,
				      ret->output_rows, ret->output_bytes, err);
	load_target_release(&target);
	return rc;
}
