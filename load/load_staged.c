/*
 * --stage: rows go to Cloud Storage while they arrive, and one job loads the
 * objects. Who removes them, and when, is decided here.
 */
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "load/connect.h"
#include "load/load_impl.h"

enum { CONNECTIONS = 4, PART_BYTES = 64 << 20 };

int load_stage_options(struct load *l, struct error *err)
{
	const struct config *c = l->config;
	int64_t part_bytes = PART_BYTES;

	if (!c->stage)
		return 0;
	if (storage_uri_parse(c->stage, &l->stage_at, err) < 0)
		return error_prefix(err, "--stage");
	/* In a URI of a load job it stands for anything. */
	if (strchr(l->stage_at.name, '*'))
		return error_set(err, ERR_USAGE, "--stage: '%s' has an asterisk in it", c->stage);
	if (c->part_size && parse_bytes(c->part_size, &part_bytes, err) < 0)
		return error_prefix(err, "--part-size");
	if (part_bytes > STAGE_PART_MAX_BYTES)
		return error_set(err, ERR_USAGE, "--part-size: '%s' is more than %lldMiB",
				 c->part_size, (long long)(STAGE_PART_MAX_BYTES >> 20));
	l->stage_options = (struct stage_options){
		.at = &l->stage_at,
		.api = connect_options(c, SERVICE_STORAGE),
		.connections = c->parallel ? (unsigned)c->parallel : CONNECTIONS,
		.part_bytes = (uint64_t)part_bytes,
		.gzip = c->gzip,
	};
	return 0;
}

int load_stage_check(struct load *l, struct error *err)
{
	if (!l->config->stage)
		return 0;
	/* Of the job that commits, whichever it is that reads the objects: the same for every repetition. */
	l->stage_options.run = strchr(l->job.base, '_') + 1;
	return stage_check_bucket(&l->stage_options, l->location, err);
}

void load_stage_remove(const struct load *l)
{
	if (l->config->stage)
		stage_remove_run(&l->stage_options);
}

/* One job over all objects, listed one by one. */
static int run_job(struct load *l, struct loadjob *job, json_t *configuration,
		   struct load_outcome *ret, struct error *err)
{
	json_t *load = json_copy(configuration), *uris = stage_uris(l->stage);
	int rc = -1;

	if (!load || !uris || json_object_set(load, "sourceUris", uris) < 0)
		error_nomem(err);
	else
		rc = loadjob_run(job, "load", load, load_labels(l), &ret->job, &ret->adopted, err);
	json_decref(uris);
	json_decref(load);
	return rc;
}

static int commit(struct load *l, struct loadjob *job, json_t *configuration,
		  struct load_outcome *ret, struct error *err)
{
	if (stage_finish(l->stage, err) < 0)
		return -1;
	log_info("%llu rows sent in %.2f s; job %s", (unsigned long long)l->in.rows,
		 progress_seconds(&l->progress), job->id);
	if (l->config->write == WRITE_MERGE && merge_create_temporary(&l->merge, err) < 0)
		return -1;
	if (load_widen(l, err) < 0)
		return -1;
	return run_job(l, job, configuration, ret, err);
}

/* What a job may still read stays; a repetition of the run removes it. */
static int keep(struct load *l, struct error *err)
{
	auto_buf where = BUF_INIT;
	struct error ignored;

	if (stage_append_prefix(l->stage, &where, &ignored) < 0)
		return -1;
	return error_append(err,
			    "; what became of the job is not known, so the objects below %.*s stay",
			    (int)where.length, where.data);
}

int load_send_staged(struct load *l, struct loadjob *job, json_t *configuration,
		     struct load_outcome *ret, struct error *err)
{
	int rc;

	if (stage_new(&l->stage_options, &l->stage, err) < 0)
		return -1;
	rc = load_read_rows(l, NULL, l->stage, err);
	if (rc == 0 && l->in.rows == 0 && !load_needs_empty(l))
		return 0;
	if (rc == 0)
		rc = commit(l, job, configuration, ret, err);
	if (rc < 0 && job->unknown)
		return keep(l, err);
	stage_remove(l->stage);
	if (rc == 0)
		load_stage_remove(l);
	return rc;
}
