#include "load/report.h"

#include "lib/google/bigquery.h"
#include "lib/parse.h"
#include "load/loadjob.h"

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
	return count(job, "outputRows", REPORT_ROWS_LABEL);
}

int64_t report_bad(const json_t *job)
{
	return count(job, "badRecords", REPORT_BAD_LABEL);
}

json_t *report_record(const struct load_report *r)
{
	const struct destination *d = r->destination;
	json_t *record =
		json_pack("{s:o,s:I,s:I,s:o,s:s,s:s,s:b}", "table",
			  json_sprintf("%s.%s.%s%s%s", d->project, d->dataset, d->table,
				       d->decorator ? "$" : "", d->decorator ? d->decorator : ""),
			  "rows", (json_int_t)report_rows(r->job), "bad",
			  (json_int_t)report_bad(r->job), "job",
			  r->job ? loadjob_name(r->job) : json_null(), "run", r->run_id, "write",
			  r->write, "adopted", r->adopted);

	if (!record)
		return NULL;
	/* A cursor advances only over rows that this run's job holds. */
	if (r->cursor && !r->adopted)
		json_object_set_new(record, "cursor", json_deep_copy(r->cursor));
	json_object_set_new(record, "at", r->job ? loadjob_end_time(r->job) : json_null());
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
