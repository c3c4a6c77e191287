#include "load/report.h"

#include "lib/google/bigquery.h"
#include "lib/parse.h"
#include "load/loadjob.h"
#include "load/merge.h"

/* Of a load job, or as a MERGE carries it from the load before it. What says neither counts nothing. */
static int64_t count(const json_t *job, const char *name, const char *label)
{
	int64_t n = job ? bigquery_job_statistic(job, "load", name) : 0;
	const char *digits = job ? loadjob_label(job, label) : NULL;
	struct error ignored;

	if (digits && parse_int64(digits, 0, INT64_MAX, &n, &ignored) < 0)
		return 0;
	return n > 0 ? n : 0;
}

int64_t report_rows(const json_t *job)
{
	if (job && loadjob_label(job, REPORT_SQL_LABEL)) {
		int64_t changed = bigquery_job_statistic(job, "query", "numDmlAffectedRows");

		return changed > 0 ? changed : 0;
	}
	return count(job, "outputRows", REPORT_ROWS_LABEL);
}

int64_t report_bad(const json_t *job)
{
	return count(job, "badRecords", REPORT_BAD_LABEL);
}

/* dmlStats of a MERGE, as numbers. */
static void add_changes(json_t *record, const json_t *job)
{
	static const char *const names[][2] = { { "inserted", "insertedRowCount" },
						{ "updated", "updatedRowCount" },
						{ "deleted", "deletedRowCount" } };
	const json_t *query = json_object_get(json_object_get(job, "statistics"), "query");
	const json_t *counts = json_object_get(query, "dmlStats");
	json_t *changes = counts ? json_object() : NULL;

	for (size_t i = 0; changes && i < 3; i++) {
		const char *digits = json_string_value(json_object_get(counts, names[i][1]));
		struct error ignored;
		int64_t n = 0;

		if (!digits || parse_int64(digits, 0, INT64_MAX, &n, &ignored) < 0)
			n = 0;
		json_object_set_new(changes, names[i][0], json_integer((json_int_t)n));
	}
	if (changes)
		json_object_set_new(record, "changes", changes);
}

/* What the ledger says of a run that is done; name is the entry's own. New reference. */
static json_t *of_entry(const json_t *entry, const char *name)
{
	json_t *member = json_object_get(entry, name);

	return member ? json_incref(member) : json_null();
}

json_t *report_record(const struct load_report *r)
{
	const json_t *cursor = r->entry ? json_object_get(r->entry, "cursor") : r->cursor;
	json_t *rows, *bad, *job, *at, *record;

	if (r->entry) {
		rows = of_entry(r->entry, "rows");
		bad = of_entry(r->entry, "bad");
		job = of_entry(r->entry, "job");
		at = of_entry(r->entry, "ended");
	} else {
		rows = json_integer(report_rows(r->job));
		bad = json_integer(report_bad(r->job));
		job = r->job ? loadjob_name(r->job) : json_null();
		at = r->job ? loadjob_end_time(r->job) : json_null();
	}
	/* A cursor advances only over rows that the job holds. */
	record = json_pack("{s:s,s:o,s:o,s:o,s:s,s:s,s:b,s:I,s:O*,s:o}", "table", r->table, "rows",
			   rows, "bad", bad, "job", job, "run", r->run_id, "write", r->write,
			   "adopted", r->adopted, "bytesBilled", (json_int_t)r->bytes_billed,
			   "cursor", cursor, "at", at);
	if (record)
		add_changes(record, r->job);
	return record;
}

int report_prove_count(const json_t *job, const char *job_id, uint64_t sent, struct error *err)
{
	int64_t loaded = bigquery_job_statistic(job, "load", "outputRows");
	int64_t bad = report_bad(job);

	if (loaded < 0)
		return error_set(err, ERR_PROTOCOL,
				 "job %s is done and says no outputRows: %llu were sent", job_id,
				 (unsigned long long)sent);
	if ((uint64_t)loaded + (uint64_t)bad != sent)
		return error_set(
			err, ERR_PROTOCOL,
			"job %s is done, but %llu rows were sent and it counts %lld loaded and "
			"%lld bad: the table must be looked at",
			job_id, (unsigned long long)sent, (long long)loaded, (long long)bad);
	return 0;
}

int report_prove_brought(const json_t *job, const char *job_id, struct error *err)
{
	const json_t *query = json_object_get(json_object_get(job, "statistics"), "query");
	const char *inserted = json_string_value(
		json_object_get(json_object_get(query, "dmlStats"), "insertedRowCount"));
	struct error ignored;
	int64_t n;

	if (!query || !loadjob_label(job, REPORT_ROWS_LABEL) ||
	    loadjob_label(job, MERGE_STAGE_LABEL) || loadjob_label(job, REPORT_SQL_LABEL))
		return 0;
	if (!inserted || parse_int64(inserted, 0, INT64_MAX, &n, &ignored) < 0)
		n = -1;
	if (n == report_rows(job))
		return 0;
	return error_set(err, ERR_PROTOCOL,
			 "job %s is done, but %lld rows were to be brought over and it counts "
			 "%lld: the table must be looked at",
			 job_id, (long long)report_rows(job), (long long)n);
}

int report_prove(const json_t *job, const char *job_id, int64_t sent, struct error *err)
{
	const json_t *statistics = json_object_get(job, "statistics");

	if (loadjob_label(job, MERGE_STAGE_LABEL)) {
		if (report_rows(job) + report_bad(job) != sent)
			return error_set(err, ERR_PROTOCOL,
					 "job %s is done, but %lld rows were sent and it merged "
					 "%lld: the table must be looked at",
					 job_id, (long long)sent, (long long)report_rows(job));
		return merge_prove_count(job, job_id, err);
	}
	/* An upload of no bytes, which empties the table, counts nothing either. */
	if (sent == 0 || !json_object_get(statistics, "load"))
		return 0;
	return report_prove_count(job, job_id, (uint64_t)sent, err);
}
