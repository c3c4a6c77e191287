#include "load/loadjob.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/google/crypto.h"
#include "lib/log.h"

/* A run that failed this often needs a person, not another attempt. */
enum { ATTEMPTS_MAX = 1000 };

#define NONCE_LABEL "sluice_nonce"
#define FENCE_LABEL "sluice_fence"

void loadjob_set_attempt(struct loadjob *j, unsigned attempt)
{
	j->attempt = attempt;
	snprintf(j->id, sizeof j->id, "%.40s_%u", j->base, attempt);
}

int loadjob_init(struct loadjob *j, struct api *api, const struct destination *d,
		 const char *project, const char *location, const char *run_id, const char *step,
		 struct error *err)
{
	char digest[SHA256_HEX_SIZE];
	auto_buf text = BUF_INIT;

	*j = (struct loadjob){ .api = api, .project = project, .location = location };
	/* A line end cannot be in a name, so no two destinations and runs give one text. */
	if (buf_appendf(&text, err, "%s\n%s.%s%s%s\n%s\n%s", d->project, d->dataset, d->table,
			d->decorator ? "$" : "", d->decorator ? d->decorator : "", run_id,
			step) < 0 ||
	    crypto_sha256_hex(text.data, text.length, digest, err) < 0 ||
	    crypto_random_hex(j->nonce, (LOADJOB_NONCE_SIZE - 1) / 2, err) < 0)
		return -1;
	snprintf(j->base, sizeof j->base, "sluice_%.32s", digest);
	loadjob_set_attempt(j, 1);
	return 0;
}

static struct bigquery_job reference(const struct loadjob *j)
{
	return (struct bigquery_job){ j->project, j->location, j->id };
}

/* As bigquery_job_get, but a job that runs is waited for. */
static int get_ended(struct loadjob *j, json_t **ret, struct error *err)
{
	const struct bigquery_job ref = reference(j);
	int rc = bigquery_job_get(j->api, &ref, ret, err);

	if (rc <= 0 || bigquery_job_outcome(*ret) != JOB_RUNNING)
		return rc;
	log_debug("job %s is running: waiting for it", j->id);
	json_decref(*ret);
	*ret = NULL;
	return bigquery_job_wait(j->api, &ref, 0, ret, err) < 0 ? -1 : 1;
}

int loadjob_find(struct loadjob *j, json_t **done, struct error *err)
{
	for (unsigned attempt = j->attempt; attempt <= ATTEMPTS_MAX; attempt++) {
		json_t *job = NULL;
		int rc;

		loadjob_set_attempt(j, attempt);
		rc = get_ended(j, &job, err);
		if (rc <= 0)
			return rc;
		if (loadjob_is_done(job)) {
			*done = job;
			return 1;
		}
		log_info("attempt %u of this run failed: job %s", attempt, j->id);
		json_decref(job);
	}
	return error_set(err, ERR_REMOTE, "%d attempts under this run id have failed",
			 ATTEMPTS_MAX);
}

void loadjob_pass(struct loadjob *j)
{
	loadjob_set_attempt(j, j->attempt + 1);
}

json_t *loadjob_resource(struct loadjob *j, const char *kind, json_t *configuration,
			 const json_t *labels, struct error *err)
{
	const struct bigquery_job ref = reference(j);
	json_t *whole =
		json_pack("{s:O,s:o}", kind, configuration, "labels", json_deep_copy(labels));
	json_t *resource = NULL;

	if (whole && json_object_set_new(json_object_get(whole, "labels"), NONCE_LABEL,
					 json_string(j->nonce)) == 0)
		resource = bigquery_job_resource(&ref, whole, err);
	else
		error_nomem(err);
	json_decref(whole);
	return resource;
}

const char *loadjob_label(const json_t *job, const char *name)
{
	const json_t *labels = json_object_get(json_object_get(job, "configuration"), "labels");

	return json_string_value(json_object_get(labels, name));
}

const char *loadjob_nonce(const json_t *job)
{
	return loadjob_label(job, NONCE_LABEL);
}

bool loadjob_is_ours(const struct loadjob *j, const json_t *job)
{
	const char *nonce = loadjob_nonce(job);

	return nonce && !strcmp(nonce, j->nonce);
}

bool loadjob_is_done(const json_t *job)
{
	return bigquery_job_outcome(job) == JOB_DONE && !loadjob_label(job, FENCE_LABEL);
}

int loadjob_announce(struct loadjob *j, struct error *err)
{
	return j->before ? j->before(j->context, j, err) : 0;
}

int loadjob_fence(struct api *api, const struct bigquery_job *ref, json_t **job, struct error *err)
{
	json_t *configuration = json_pack("{s:{s:s,s:b},s:{s:s}}", "query", "query", "SELECT 1",
					  "useLegacySql", 0, "labels", FENCE_LABEL, "1");
	int rc = configuration ? bigquery_job_insert(api, ref, configuration, NULL, err)
			       : error_nomem(err);

	json_decref(configuration);
	return rc < 0 ? -1 : bigquery_job_wait(api, ref, 0, job, err);
}

/* Why a job that is not done counts as failed. */
static int say_failure(struct loadjob *j, const json_t *job, struct error *err)
{
	j->failed = true;
	if (bigquery_job_outcome(job) == JOB_DONE)
		return error_set(err, ERR_TEMP,
				 "job %s: another run, which saw it announced and not started, has "
				 "given it up",
				 j->id);
	bigquery_job_failure(job, j->id, err);
	/* What another process sent says nothing about our rows. */
	if (!loadjob_is_ours(j, job))
		err->code = ERR_TEMP;
	return -1;
}

int loadjob_settle(struct loadjob *j, bool exists, json_t **done, bool *adopted, struct error *err)
{
	const struct bigquery_job ref = reference(j);
	json_t *job = NULL;
	int rc = exists ? bigquery_job_wait(j->api, &ref, 0, &job, err) + 1
			: get_ended(j, &job, err);

	if (rc < 0 || (exists && rc == 0))
		return error_prefix(err, "job %s", j->id);
	if (rc == 0)
		return error_set(err, ERR_TEMP, "job %s was not started", j->id);
	j->unknown = false;
	if (!loadjob_is_done(job)) {
		say_failure(j, job, err);
		json_decref(job);
		return -1;
	}
	*adopted = !loadjob_is_ours(j, job);
	*done = job;
	return 0;
}

int loadjob_run(struct loadjob *j, const char *kind, json_t *configuration, const json_t *labels,
		json_t **done, bool *adopted, struct error *err)
{
	const struct bigquery_job ref = reference(j);
	json_t *resource = loadjob_resource(j, kind, configuration, labels, err);
	struct error lost;
	int rc;

	if (!resource || loadjob_announce(j, err) < 0) {
		json_decref(resource);
		return -1;
	}
	rc = bigquery_job_insert(j->api, &ref, json_object_get(resource, "configuration"), NULL,
				 err);
	json_decref(resource);
	/* 0, it exists, is settled like our own. */
	j->unknown = rc >= 0 || err->code == ERR_TEMP || err->code > ERR_SIGNAL;
	if (rc >= 0)
		return loadjob_settle(j, true, done, adopted, err);
	/* An answer may have been lost after its effect. */
	return j->unknown && loadjob_settle(j, false, done, adopted, &lost) == 0 ? 0 : -1;
}

int loadjob_limit(const struct loadjob *j, json_t *query, struct error *err)
{
	if (!j->billing || !j->billing->maximum)
		return 0;
	return json_object_set_new(query, "maximumBytesBilled",
				   json_sprintf("%" PRId64, j->billing->maximum)) < 0
		       ? error_nomem(err)
		       : 0;
}

void loadjob_bill(const struct loadjob *j, const json_t *done)
{
	int64_t bytes = bigquery_job_statistic(done, "query", "totalBytesBilled");

	if (j->billing && bytes > 0)
		j->billing->bytes += bytes;
}

int loadjob_query(struct loadjob *j, const char *sql, const json_t *labels, json_t **done,
		  bool *adopted, struct error *err)
{
	json_t *query = json_pack("{s:s,s:b}", "query", sql, "useLegacySql", 0);
	int rc = query ? loadjob_limit(j, query, err) : error_nomem(err);

	if (rc == 0)
		rc = loadjob_run(j, "query", query, labels, done, adopted, err);
	if (rc == 0)
		loadjob_bill(j, *done);
	json_decref(query);
	return rc;
}

static json_t *whole_name(const char *project, const char *location, const char *id)
{
	return json_sprintf("%s:%s%s%s", project, location ? location : "", location ? "." : "",
			    id);
}

json_t *loadjob_name(const json_t *job)
{
	const json_t *ref = json_object_get(job, "jobReference");

	return whole_name(json_string_value(json_object_get(ref, "projectId")),
			  bigquery_job_location(job),
			  json_string_value(json_object_get(ref, "jobId")));
}

json_t *loadjob_own_name(const struct loadjob *j)
{
	return whole_name(j->project, j->location, j->id);
}

json_t *loadjob_end_time(const json_t *job)
{
	const json_t *statistics = json_object_get(job, "statistics");
	const char *text = json_string_value(json_object_get(statistics, "endTime"));
	int64_t ms = 0;
	struct tm utc;
	char at[32];

	for (; text && *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(ms, 10, &ms) ||
		    __builtin_add_overflow(ms, *text - '0', &ms))
			return json_null();
	if (ms == 0)
		return json_null();
	time_t seconds = ms / 1000;

	strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));
	return json_sprintf("%s.%03d000Z", at, (int)(ms % 1000));
}
